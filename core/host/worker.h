/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * worker.h - one thread, one main context, one reactor, and the run stacks on it.
 *
 * A target always belongs to the same worker, so that what is known of a device (its connection, its nonce)
 * needs no locks.
 */
#include "fiber.h"
#include "reactor.h"

typedef struct Worker Worker;

/* Start `count` workers (0: one for each core, at most 64). NULL with `error` when the system refuses. */
GPtrArray *workers_start(guint count, GError **error); /* of Worker */

/* Stop them when nothing runs on them any more, and free them. */
void workers_stop(GPtrArray *workers);

/* The worker whose thread this is; NULL on other threads. */
Worker *worker_current(void);

guint worker_index(const Worker *worker);
GMainContext *worker_context(const Worker *worker);
Reactor *worker_reactor(const Worker *worker);
FiberPool *worker_fibers(const Worker *worker);
GHashTable *worker_devices(const Worker *worker); /* device.c's: key text -> Device */

/* [any] Call `fn (data)` on the worker's thread soon, in order. Cheap: many calls cost one wake-up. */
void worker_post(Worker *worker, void (*fn)(gpointer data), gpointer data);

/* ---- who holds the worker ---- */

/* Resume a fiber, noting for whom and since when, so that a task that blocks is found and named. */
void worker_resume(Worker *worker, Fiber *fiber);

/* [any] For how long the worker has been inside one fiber without a break, in microseconds (0: it is not),
 * and for whom. `owner` is only to be used with worker_held_text(). */
gint64 worker_held_for(const Worker *worker);

/* [any] "task dummy.spin of plugin dummy on 127.0.0.1" of the run that holds it now; "" if none. Safe in a
 * signal handler. */
void worker_held_text(const Worker *worker, char *buffer, gsize length);
void worker_set_held_text(const char *text); /* worker thread; text must stay valid while that fiber runs */
