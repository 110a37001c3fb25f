/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * fiber.h - stacks that can be left and taken up again: what lets a task read like a synchronous function.
 *
 * A fiber belongs to the thread that made it. Stacks are 256 KiB, with an inaccessible page below, and are
 * pooled. Address, thread and memory checkers are told of each switch.
 */
#include <glib.h>

typedef struct Fiber Fiber;
typedef struct FiberPool FiberPool;

enum { FIBER_STACK_SIZE = 256 * 1024, FIBERS_KEPT = 256 };

/* Free stacks of one thread. */
FiberPool *fiber_pool_new(void);
void fiber_pool_free(FiberPool *pool); /* no fiber of it may be alive */

/* A fiber that will run `fn (data)`; it frees itself when `fn` returns. NULL with `error` (BUSY) when the
 * system gives no memory for a stack. */
Fiber *fiber_new(FiberPool *pool, void (*fn)(gpointer data), gpointer data, GError **error);

/* Run it until it suspends or ends. Not from inside a fiber. */
void fiber_resume(Fiber *fiber);

/* Leave the current fiber; fiber_resume() brings it back. */
void fiber_suspend(void);

/* The fiber that runs on this thread now, or NULL. */
Fiber *fiber_current(void);

/* A place in the fiber for whom it works (the run), for messages and for finding it again. */
void fiber_set_owner(Fiber *fiber, gpointer owner);
gpointer fiber_owner(const Fiber *fiber);

/* TRUE if `address` lies in the guard page of the fiber now running on this thread. Safe in a signal handler. */
gboolean fiber_in_guard(gconstpointer address);
