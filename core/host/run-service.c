/* SPDX-License-Identifier: Apache-2.0 */
#include "config.h"

#include "hooks.h"
#include "run-private.h"
#include "tap-stream.h"

/* ---- postern.run/1 ---- */

static const char *
svc_target(PosternRun *run)
{
    return run->target->host == NULL ? NULL : run->target->text;
}

static const char *
svc_host(PosternRun *run)
{
    return run->target->host;
}

static guint32
svc_port(PosternRun *run)
{
    return run->target->port;
}

static void
svc_progress(PosternRun *run, double part, const char *words)
{
    if (run->plan->progress != NULL)
        run->plan->progress(run, part, words, run->plan->data);
}

static gboolean
svc_row(PosternRun *run, GVariant *row, GError **error)
{
    g_autoptr(GVariant) owned = g_variant_ref_sink(row);

    if (!run_check(run, error))
        return FALSE;
    if (run->plan->row != NULL)
        run->plan->row(run, owned, run->plan->data);
    return TRUE;
}

static void
svc_log(PosternRun *run, GLogLevelFlags level, const char *text)
{
    run_log(run, level, "%s", text);
}

static gboolean
svc_cancelled(PosternRun *run)
{
    return run_is_cancelled(run);
}

static gint64
svc_remaining_ms(PosternRun *run)
{
    if (run->deadline == G_MAXINT64)
        return G_MAXINT64;
    return MAX(0, (run->deadline - g_get_monotonic_time()) / 1000);
}

static gboolean
svc_sleep(PosternRun *run, guint32 ms, GError **error)
{
    Wait wait = {0};
    gint64 length = (gint64)ms * 1000;

    if (run->plan->tap != NULL && tap_replays(run->plan->tap)) {
        /* nothing happens meanwhile; what is left of the run gets less all the same */
        run->deadline -= run->deadline != G_MAXINT64 ? length : 0;
        length = 0;
    }
    return wait_for(&wait, run, g_get_monotonic_time() + length) == WAIT_TIMED_OUT ||
           run_check(run, error);
}

static const char *
svc_task(PosternRun *run)
{
    return run->task->id;
}

const PosternRunSvc run_service = {
    .size = sizeof(PosternRunSvc),
    .target = svc_target,
    .host = svc_host,
    .port = svc_port,
    .progress = svc_progress,
    .row = svc_row,
    .note = run_note,
    .log = svc_log,
    .cancelled = svc_cancelled,
    .remaining_ms = svc_remaining_ms,
    .sleep = svc_sleep,
    .cancellable = run_cancellable,
    .await_new = await_new,
    .await_ready = await_ready,
    .await_result = await_result,
    .wait_fd = await_fd,
    .in_thread = await_thread,
    .spawn = strand_spawn,
    .join = strand_join,
    .task = svc_task,
};

/* ---- postern.inventory/1 ---- */

static void
svc_observe(PosternRun *run, GVariant *facts)
{
    const RunHooks *hooks = host_hooks(run->plan->host);
    g_autoptr(GVariant) owned = g_variant_ref_sink(facts);

    if (hooks != NULL)
        hooks->observe(run, owned, hooks->data);
}

static GVariant *
svc_known(PosternRun *run)
{
    const RunHooks *hooks = host_hooks(run->plan->host);

    return hooks != NULL ? hooks->known(run, hooks->data)
                         : g_variant_ref_sink(g_variant_new("a{sv}", NULL));
}

const PosternInventorySvc inventory_service = {
    .size = sizeof(PosternInventorySvc),
    .observe = svc_observe,
    .known = svc_known,
};

/* ---- postern.clock/1 ---- */

static gint64
svc_real(PosternRun *run)
{
    return g_get_real_time();
}

static gint64
svc_monotonic(PosternRun *run)
{
    return g_get_monotonic_time();
}

const PosternClockSvc clock_service = {
    .size = sizeof(PosternClockSvc),
    .real = svc_real,
    .monotonic = svc_monotonic,
};
