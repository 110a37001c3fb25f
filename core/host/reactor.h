/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * reactor.h - all sockets and all time-outs of one main context.
 *
 * A main loop walks its sources at every wake-up, so a source or a GLib timeout for each connection makes
 * the cost of one message grow with the number of idle connections. A reactor is therefore one GSource
 * with one epoll descriptor for any number of sockets and one heap for any number of timers.
 *
 * Threads: a reactor belongs to the thread that runs its main context; every function here is called
 * there. Only reactor_new() and reactor_free() may be called while that thread does not run.
 */
#include <glib.h>

typedef struct Reactor Reactor;
typedef struct ReactorWatch ReactorWatch;
typedef struct ReactorTimer ReactorTimer;

/* One watched descriptor, embedded in its owner. Zero it before its first use. */
struct ReactorWatch {
    int fd;
    /* `events` holds EPOLLIN, EPOLLOUT, EPOLLERR, EPOLLHUP, EPOLLRDHUP as epoll reported them. May remove
     * any watch, its own included, and free its owner. */
    void (*ready)(ReactorWatch *watch, guint32 events);
    Reactor *reactor; /* NULL while not watched; set and cleared by the reactor */
};

/* One time-out, embedded in its owner. Zero it before its first use. */
struct ReactorTimer {
    gint64 due; /* monotonic microseconds, g_get_monotonic_time() */
    /* The timer is already stopped when this runs: start it again for a period. May free its owner. */
    void (*fire)(ReactorTimer *timer);
    Reactor *reactor; /* NULL while stopped; set and cleared by the reactor */
    guint place;      /* the reactor's own: index in its heap */
};

/* A reactor on `context`, which it keeps alive. NULL with `error` when the system gives no epoll descriptor. */
Reactor *reactor_new(GMainContext *context, GError **error);

/* Stops all timers and forgets all watches without calling them. Accepts NULL. */
void reactor_free(Reactor *reactor);

/* Begin to watch `watch->fd` for `events` (EPOLLET, EPOLLEXCLUSIVE are passed on). The descriptor stays the
 * caller's. FALSE with `error` when the kernel refuses; a watch that is watched already is a bug. */
gboolean reactor_watch(Reactor *reactor, ReactorWatch *watch, guint32 events, GError **error);

/* Change what a watched descriptor is watched for. */
void reactor_rewatch(ReactorWatch *watch, guint32 events);

/* Stop watching; events already fetched for it are dropped. Call it before closing the descriptor. Does
 * nothing to a watch that is not watched. */
void reactor_unwatch(ReactorWatch *watch);

/* The same for a descriptor that is closed right after: the kernel then forgets it by itself, which saves a
 * system call on each connection. Only for descriptors that no other process or dup() shares. */
void reactor_unwatch_closing(ReactorWatch *watch);

/* (Re)start `timer` to fire at `due`. O(log n). */
void reactor_timer_start(Reactor *reactor, ReactorTimer *timer, gint64 due);

/* Stop it. Does nothing to a stopped timer. O(log n). */
void reactor_timer_stop(ReactorTimer *timer);

/* How many descriptors are watched and how many timers run: for limits and tests. */
guint reactor_watches(const Reactor *reactor);
guint reactor_timers(const Reactor *reactor);
