/* SPDX-License-Identifier: Apache-2.0 */
/*
 * run.c - the verb `run`: from the request to the exit status.
 */
#include "config.h"

#include "fleet-open.h"
#include "host-open.h"
#include "out.h"
#include "progress.h"
#include "prompt.h"
#include "report.h"
#include "request.h"
#include "stop.h"
#include "summary.h"
#include "tap.h"
#include "verbs.h"

#include <unistd.h>

/* What the sink needs while the batch runs. */
typedef struct {
    Report *report;
    Summary *summary;
    Batch *batch;
    gint64 began;
} Job;

/* ---- the sink ---- */

static void
on_outcome(const Outcome *outcome, gpointer data)
{
    Job *job = data;

    report_outcome(job->report, outcome);
    if (outcome->kind != OUTCOME_OK)
        summary_add(job->summary, outcome);
}

static void
on_row(const char *target, GVariant *row, gpointer data)
{
    report_row(((Job *)data)->report, target, row);
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
    batch_cancel(((Job *)data)->batch, why != NULL ? why : "nobody reads the results any more");
}

/* ---- before ---- */

/* May it go on? Disruptive tasks need a yes, from the command line or from somebody at a terminal.
 */
static gboolean
is_allowed(const Request *request, const Args *args)
{
    g_autofree char *whom = NULL, *question = NULL;

    if (!(request->task->flags & POSTERN_TASK_DISRUPTIVE) || args->yes)
        return TRUE;
    whom = request_describe(request, args);
    if (!prompt_possible()) {
        complain("%s is disruptive and was not run on %s: there is no terminal to ask on; add "
                 "--yes to confirm",
                 request->task->id,
                 whom);
        return FALSE;
    }
    question = g_strdup_printf(
        "%s may cut power, network or access. Run it on %s? [y/N] ", request->task->id, whom);
    if (prompt_yes(question))
        return TRUE;
    complain("nothing was run");
    return FALSE;
}

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

static void
sum_up(const Job *job, const Args *args, const BatchCounts *counts)
{
    if (counts->done == 0 && counts->bad_targets == 0)
        complain("the list of targets is empty: nothing was run");
    else if (!args->quiet && (counts->done > 1 || status_of(counts) != STATUS_GOOD))
        summary_print(job->summary,
                      counts,
                      g_get_monotonic_time() - job->began,
                      args->output != FORMAT_TABLE);
}

static gboolean
run_to_the_end(Job *job, const Args *args, GError **error)
{
    gboolean good;

    if (!stop_begin(job->batch, error))
        return FALSE;
    out_on_broken(on_broken, job);
    report_begin(job->report);
    if (!args->quiet)
        progress_begin(job->batch);
    good = batch_run(job->batch, error);
    progress_end();
    report_end(job->report);
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
run_batch(Request *request, const TaskInfo *task, Host *host, const Args *args, Tap *tap)
{
    g_autoptr(Report) report = report_new(task, args->output);
    g_autoptr(Summary) summary = summary_new();
    g_autoptr(GError) error = NULL;
    g_autoptr(Batch) batch = NULL;
    Job job = {.report = report, .summary = summary, .began = g_get_monotonic_time()};
    BatchLimits limits = limits_of(args);
    BatchSink sink = {
        on_outcome, task->rows != NULL ? on_row : NULL, on_progress, on_log, on_bad_target, &job};
    BatchCounts counts;

    batch = batch_new(
        host, task, request->params, request->targets, request->credentials, tap, &limits, &sink);
    job.batch = batch;
    if (!run_to_the_end(&job, args, &error)) {
        complain("cannot begin: %s", error->message);
        return STATUS_CONFIG;
    }
    batch_counts(batch, &counts);
    sum_up(&job, args, &counts);
    if (batch_left_behind(batch)) {
        out_finish();
        _exit(STATUS_SOME_FAILED); /* a task that blocks still uses what we would free */
    }
    return status_of(&counts);
}

static Status
load_and_run(Request *request, Host *host, const Args *args)
{
    g_autoptr(GError) error = NULL;
    const TaskInfo *task = registry_load(host_registry(host), request->task, &error);
    Tap *tap = NULL;
    Status status;

    if (task == NULL || !open_tap(args, &tap, &error)) {
        complain("%s", error->message);
        return task == NULL ? STATUS_CONFIG : STATUS_USAGE;
    }
    status = run_batch(request, task, host, args, tap);
    if (!finish_tap(tap) && status == STATUS_GOOD)
        status = STATUS_SOME_FAILED;
    return status;
}

Status
verb_run(const Args *args)
{
    g_autoptr(Host) host = host_open(args);
    g_autoptr(Fleet) fleet = NULL;
    g_autoptr(Request) request = NULL;
    g_autoptr(GError) error = NULL;

    if (host == NULL)
        return STATUS_CONFIG;
    if (args->record != NULL && args->replay != NULL) {
        complain("--record and --replay exclude each other");
        return STATUS_USAGE;
    }
    fleet = fleet_open_for(args, host);
    if (fleet == NULL)
        return STATUS_CONFIG;
    request = request_new(args, host, fleet_directory(fleet), &error);
    if (request == NULL) {
        complain("%s", error->message);
        return STATUS_USAGE;
    }
    if (!is_allowed(request, args))
        return STATUS_REFUSED;
    if (!request_ask_login(request, host, &error)) {
        complain("%s", error->message);
        return g_error_matches(error, POSTERN_ERROR, POSTERN_ERROR_CANCELLED) ? STATUS_REFUSED
                                                                              : STATUS_USAGE;
    }
    return load_and_run(request, host, args);
}
