/* SPDX-License-Identifier: Apache-2.0 */
#include "config.h"

#include "run-private.h"

/* Bring the fiber back. Fibers do not nest: from inside one it happens at the worker's next turn. */
static void
resume(gpointer data)
{
    Fiber *fiber = data;
    PosternRun *run = fiber_owner(fiber);

    worker_resume(run->worker, fiber, &run->holder);
}

static gboolean
wait_end(Wait *wait, WaitEnd end)
{
    Fiber *fiber = g_steal_pointer(&wait->fiber);

    if (fiber == NULL)
        return FALSE;
    wait->end = end;
    reactor_timer_stop(&wait->timer);
    wait->run->waits = g_list_remove_link(wait->run->waits, &wait->link);
    if (fiber_current() == NULL)
        resume(fiber);
    else
        worker_post(wait->run->worker, resume, fiber);
    return TRUE;
}

gboolean
wait_wake(Wait *wait)
{
    return wait_end(wait, WAIT_WOKEN);
}

gboolean
wait_cancel(Wait *wait)
{
    return wait_end(wait, WAIT_CANCELLED);
}

static void
timed_out(ReactorTimer *timer)
{
    wait_end((Wait *)((char *)timer - offsetof(Wait, timer)), WAIT_TIMED_OUT);
}

WaitEnd
wait_for(Wait *wait, PosternRun *run, gint64 deadline)
{
    if (run->cause != NULL && !wait->ignores_cancel)
        return WAIT_CANCELLED;
    wait->fiber = fiber_current();
    wait->run = run;
    wait->link.data = wait;
    run->waits = g_list_concat(&wait->link, run->waits);
    if (deadline >= 0) {
        wait->timer.fire = timed_out;
        reactor_timer_start(worker_reactor(run->worker), &wait->timer, deadline);
    }
    fiber_suspend();
    return wait->end;
}

gboolean
wait_or_fail(Wait *wait, PosternRun *run, gint64 deadline, GError **error, const char *what, ...)
{
    g_autofree char *text = NULL;
    va_list args;

    switch (wait_for(wait, run, deadline)) {
    case WAIT_WOKEN:
        return TRUE;
    case WAIT_CANCELLED:
        return run_check(run, error);
    case WAIT_TIMED_OUT:
    default:
        va_start(args, what);
        text = g_strdup_vprintf(what, args);
        va_end(args);
        g_set_error_literal(error, POSTERN_ERROR, POSTERN_ERROR_TIMEOUT, text);
        return FALSE;
    }
}

static void
yielded(gpointer data)
{
    wait_wake(data);
}

void
run_yield(PosternRun *run)
{
    Wait wait = {.ignores_cancel = TRUE};

    worker_post(run->worker, yielded, &wait);
    wait_for(&wait, run, -1);
}
