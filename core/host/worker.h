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

/* Stop them when nothing runs on them any more, and free them. A worker that is held by a task that does not
 * come back is left behind: FALSE, and the process should end soon. */
gboolean workers_stop(GPtrArray *workers);

/* The worker whose thread this is; NULL on other threads. */
Worker *worker_current(void);

/* [any] The worker to which the target with that host name or address belongs, of those started together with
 * `worker`. */
Worker *worker_for(const Worker *worker, const char *host);

guint worker_index(const Worker *worker);
GMainContext *worker_context(const Worker *worker);
Reactor *worker_reactor(const Worker *worker);
FiberPool *worker_fibers(const Worker *worker);
GHashTable *worker_devices(const Worker *worker); /* device.c's: key text -> Device */

/* [any] Call `fn (data)` on the worker's thread soon, in order, on its own stack. Cheap: many calls cost one
 * wake-up, calls from the worker itself none. */
void worker_post(Worker *worker, void (*fn)(gpointer data), gpointer data);

/* ---- who holds the worker ---- */

/* Whom a fiber works for; lives as long as the fiber's run. */
typedef struct {
    const char *plugin, *task, *target;
} WorkerHolder;

/* Resume a fiber for `holder`, noting since when, so that a task that blocks is found and named. */
void worker_resume(Worker *worker, Fiber *fiber, const WorkerHolder *holder);

/* [any] For how long the worker has been inside one fiber without a break, in microseconds; 0: it is not. */
gint64 worker_held_for(Worker *worker);

/* [any] "task dummy.spin of plugin dummy on 127.0.0.1", of the run that holds it now; NULL if none does. */
char *worker_held_text(Worker *worker);

/* For a crash handler on a worker's thread: the same into `buffer`, "" if none. Safe in a signal handler. */
void worker_crash_text(char *buffer, gsize length);
