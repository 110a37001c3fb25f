/* SPDX-License-Identifier: Apache-2.0 */
#include "config.h"

#include "error.h"
#include "run-private.h"

#include <errno.h>
#include <string.h>
#include <sys/epoll.h>

/* Blocking code of all plugins together: enough to overlap slow calls, few enough to stay small. */
enum { THREADS_MAX = 32 };

/* ---- calls in the manner of GIO ---- */

struct PosternAwait {
    gint refs; /* the waiting fiber's and the callback's */
    PosternRun *run;
    GAsyncResult *result;
    Wait wait;
};

static void
await_unref(PosternAwait *await)
{
    if (!g_atomic_int_dec_and_test(&await->refs))
        return;
    g_clear_object(&await->result);
    run_unref(await->run);
    g_free(await);
}

GCancellable *
run_cancellable(PosternRun *run)
{
    if (run->cancellable == NULL) {
        run->cancellable = g_cancellable_new();
        if (run->cause != NULL)
            g_cancellable_cancel(run->cancellable);
    }
    return run->cancellable;
}

PosternAwait *
await_new(PosternRun *run)
{
    PosternAwait *await = g_new0(PosternAwait, 1);

    await->refs = 2;
    await->run = run_ref(run);
    return await;
}

static void
await_arrived(gpointer data)
{
    PosternAwait *await = data;

    wait_wake(&await->wait);
    await_unref(await);
}

void
await_ready(GObject *source, GAsyncResult *result, gpointer data)
{
    PosternAwait *await = data;

    await->result = g_object_ref(result);
    /* a callback should come on the run's own context; one that does not is brought there */
    worker_post(await->run->worker, await_arrived, await);
}

GAsyncResult *
await_result(PosternAwait *await, GError **error)
{
    GAsyncResult *result = NULL;
    gboolean waiting = TRUE;

    while (waiting && await->result == NULL)
        waiting = wait_or_fail(&await->wait, await->run, -1, error, "no end");
    if (waiting)
        result = g_steal_pointer(&await->result);
    await_unref(await);
    return result;
}

/* ---- a plugin's own descriptor ---- */

typedef struct {
    ReactorWatch watch;
    Wait wait;
    guint32 found;
} FdWait;

static void
fd_ready(ReactorWatch *watch, guint32 events)
{
    FdWait *fd = (FdWait *)watch;

    fd->found |= events;
    reactor_unwatch(watch);
    wait_wake(&fd->wait);
}

static guint32
to_epoll(guint32 events)
{
    return ((events & G_IO_IN) ? EPOLLIN : 0u) | ((events & G_IO_OUT) ? EPOLLOUT : 0u);
}

/* An error on the descriptor shows as ready for all: the library's next call then finds it. */
static gint32
from_epoll(guint32 found, guint32 wanted)
{
    if (found & (EPOLLERR | EPOLLHUP))
        return (gint32)wanted;
    return (gint32)((((found & EPOLLIN) ? G_IO_IN : 0u) | ((found & EPOLLOUT) ? G_IO_OUT : 0u)) &
                    wanted);
}

gint32
await_fd(PosternRun *run, gint32 fd, guint32 events, gint64 timeout_ms, GError **error)
{
    FdWait wait = {.watch = {.fd = fd, .ready = fd_ready}};
    gint64 deadline = timeout_ms < 0 ? -1 : g_get_monotonic_time() + timeout_ms * 1000;
    WaitEnd end;

    if (!run_check(run, error))
        return -1;
    if (!reactor_watch(worker_reactor(run->worker), &wait.watch, to_epoll(events), error)) {
        error_translate(error);
        return -1;
    }
    end = wait_for(&wait.wait, run, deadline);
    reactor_unwatch(&wait.watch);
    if (end == WAIT_CANCELLED) {
        run_check(run, error);
        return -1;
    }
    return end == WAIT_TIMED_OUT ? 0 : from_epoll(wait.found, events);
}

/* ---- blocking code ---- */

typedef struct {
    PosternRun *run;
    gboolean (*fn)(gpointer data, GCancellable *cancellable, GError **error);
    gpointer data;
    GCancellable *cancellable;
    GError *error;
    gboolean ok, ended;
    Wait wait;
} ThreadCall;

static void
thread_returned(gpointer data)
{
    ThreadCall *call = data;

    call->ended = TRUE;
    wait_wake(&call->wait);
}

static void
thread_main(gpointer data, gpointer unused)
{
    ThreadCall *call = data;

    call->ok = call->fn(call->data, call->cancellable, &call->error);
    worker_post(call->run->worker, thread_returned, call);
}

static GThreadPool *
thread_pool(void)
{
    static GThreadPool *pool;

    if (g_once_init_enter(&pool)) {
        GThreadPool *made = g_thread_pool_new(thread_main, NULL, THREADS_MAX, FALSE, NULL);
        g_once_init_leave(&pool, made);
        /* cppcheck-suppress memleak; it lasts as long as the process */
    }
    return pool;
}

gboolean
await_thread(PosternRun *run,
             gboolean (*fn)(gpointer data, GCancellable *cancellable, GError **error),
             gpointer data,
             GError **error)
{
    ThreadCall call = {.run = run, .fn = fn, .data = data, .wait.ignores_cancel = TRUE};

    if (!run_check(run, error))
        return FALSE;
    call.cancellable = run_cancellable(run);
    if (!g_thread_pool_push(thread_pool(), &call, error)) {
        error_translate(error);
        return FALSE;
    }
    while (!call.ended)
        wait_for(&call.wait, run, -1);
    if (!call.ok && call.error == NULL)
        call.error = g_error_new_literal(POSTERN_ERROR,
                                         POSTERN_ERROR_INTERNAL,
                                         "code run in a thread failed without saying why");
    if (!call.ok)
        g_propagate_error(error, call.error);
    else
        g_clear_error(&call.error);
    return call.ok;
}
