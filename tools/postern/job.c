/* SPDX-License-Identifier: Apache-2.0 */
#include "config.h"

#include "fleet-open.h"
#include "host-open.h"
#include "job.h"
#include "out.h"
#include "progress.h"
#include "stop.h"
#include "tap.h"

#include <unistd.h>

/* What the sink needs while the batch runs. */
typedef struct {
    const JobView *view;
    Batch *batch;
} Doing;

/* ---- the sink ---- */

static void
on_outcome(const Outcome *outcome, gpointer data)
{
    const JobView *view = ((Doing *)data)->view;

    view->outcome(outcome, view->data);
}

static void
on_row(const char *target, GVariant *row, gpointer data)
{
    const JobView *view = ((Doing *)data)->view;

    view->row(target, row, view->data);
}

static void
on_progress(const char *target, double part, const char *words, gpointer data)
{
    progress_words(target, part, words);
}

static void
on_log(const char *target, const char *task, GLogLevelFlags level, const char *text, gpointer data)
{
    if (log_wanted(level))
        remark("%s: %s: %s", target, task, text);
}

static void
on_bad_target(const GError *error, gpointer data)
{
    complain("%s", error->message);
}

static void
on_broken(const char *why, gpointer data)
{
    batch_cancel(((Doing *)data)->batch, why != NULL ? why : "nobody reads the results any more");
}

/* ---- before ---- */

/* The tap asked for, NULL for plain traffic. */
static gboolean
open_tap(const Args *args, Tap **tap, GError **error)
{
    *tap = NULL;
    if (args->record != NULL)
        *tap = tap_record(args->record, error);
    else if (args->replay != NULL)
        *tap = tap_replay(args->replay, error);
    return *tap != NULL || (args->record == NULL && args->replay == NULL);
}

static BatchLimits
limits_of(const Args *args)
{
    return (BatchLimits){.max_parallel = args->max_parallel,
                         .rate = args->rate,
                         .timeout_ms = args->timeout_ms,
                         .total_timeout_ms = args->total_timeout_ms,
                         .retries = args->retries};
}

/* ---- doing it ---- */

static Status
status_of(const BatchCounts *counts)
{
    guint64 bad = counts->failed + counts->cancelled + counts->skipped + counts->bad_targets;

    return bad > 0 ? STATUS_SOME_FAILED : STATUS_GOOD;
}

static gboolean
run_to_the_end(Doing *doing, const Args *args, GError **error)
{
    const JobView *view = doing->view;
    gboolean good;

    if (!stop_begin(doing->batch, error))
        return FALSE;
    out_on_broken(on_broken, doing);
    view->begin(view->data);
    if (!args->quiet)
        progress_begin(doing->batch);
    good = batch_run(doing->batch, error);
    progress_end();
    view->end(view->data);
    out_flush();
    out_on_broken(NULL, NULL);
    stop_end();
    return good;
}

static gboolean
finish_tap(Tap *tap)
{
    g_autoptr(GError) error = NULL;

    if (tap == NULL || tap_close(tap, &error))
        return TRUE;
    complain("%s", error->message);
    return FALSE;
}

static Status
run_batch(const Job *job, const TaskInfo *task, Tap *tap, const JobView *view)
{
    const Request *request = job->request;
    g_autoptr(GError) error = NULL;
    g_autoptr(Batch) batch = NULL;
    gint64 began = g_get_monotonic_time();
    Doing doing = {.view = view};
    BatchLimits limits = limits_of(job->args);
    BatchSink sink = {
        on_outcome, view->row != NULL ? on_row : NULL, on_progress, on_log, on_bad_target, &doing};
    BatchCounts counts;

    batch = batch_new(job->host,
                      task,
                      request->params,
                      request->targets,
                      request->credentials,
                      tap,
                      &limits,
                      &sink);
    doing.batch = batch;
    if (!run_to_the_end(&doing, job->args, &error)) {
        complain("cannot begin: %s", error->message);
        return STATUS_CONFIG;
    }
    batch_counts(batch, &counts);
    if (counts.done == 0 && counts.bad_targets == 0)
        complain("the list of targets is empty: nothing was run");
    else if (!job->args->quiet)
        view->sum_up(&counts, g_get_monotonic_time() - began, view->data);
    if (batch_left_behind(batch)) {
        out_finish();
        _exit(STATUS_SOME_FAILED); /* a task that blocks still uses what we would free */
    }
    return status_of(&counts);
}

static Status
load_and_run(const Job *job, const JobView *view)
{
    g_autoptr(GError) error = NULL;
    const TaskInfo *task = registry_load(host_registry(job->host), job->request->task, &error);
    Tap *tap = NULL;
    Status status;

    if (task == NULL || !open_tap(job->args, &tap, &error)) {
        complain("%s", error->message);
        return task == NULL ? STATUS_CONFIG : STATUS_USAGE;
    }
    status = run_batch(job, task, tap, view);
    if (!finish_tap(tap) && status == STATUS_GOOD)
        status = STATUS_SOME_FAILED;
    return status;
}

Status
job_run(const Job *job, const JobView *view)
{
    g_autoptr(GError) error = NULL;

    if (request_ask_login(job->request, job->host, fleet_store(job->fleet, NULL), &error))
        return load_and_run(job, view);
    complain("%s", error->message);
    return g_error_matches(error, POSTERN_ERROR, POSTERN_ERROR_CANCELLED) ? STATUS_REFUSED
                                                                          : STATUS_USAGE;
}

/* ---- all ---- */

void
job_free(Job *job)
{
    g_clear_pointer(&job->request, request_free);
    fleet_free(job->fleet);
    host_free(job->host);
    g_free(job);
}

Job *
job_new(const Args *args, Status *status)
{
    g_autoptr(Job) job = g_new0(Job, 1);
    g_autoptr(GError) error = NULL;

    *status = STATUS_CONFIG;
    job->args = args;
    job->host = host_open(args);
    if (job->host == NULL)
        return NULL;
    *status = STATUS_USAGE;
    if (args->record != NULL && args->replay != NULL) {
        complain("--record and --replay exclude each other");
        return NULL;
    }
    *status = STATUS_CONFIG;
    job->fleet = fleet_open_for(args, job->host, args->replay != NULL);
    if (job->fleet == NULL)
        return NULL;
    *status = STATUS_USAGE;
    job->request = request_new(args, job->host, fleet_directory(job->fleet), &error);
    if (job->request != NULL)
        return g_steal_pointer(&job);
    complain("%s", error->message);
    return NULL;
}
