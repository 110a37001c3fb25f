/* SPDX-License-Identifier: Apache-2.0 */
/*
 * run.c - the verb `run`: may it go on, and how its outcomes look.
 */
#include "config.h"

#include "job.h"
#include "out.h"
#include "prompt.h"
#include "report.h"
#include "summary.h"
#include "verbs.h"

typedef struct {
    Report *report;
    Summary *summary;
    Format format;
} View;

/* ---- the view ---- */

static void
on_begin(gpointer data)
{
    report_begin(((View *)data)->report);
}

static void
on_outcome(const Outcome *outcome, gpointer data)
{
    View *view = data;

    report_outcome(view->report, outcome);
    if (outcome->kind != OUTCOME_OK)
        summary_add(view->summary, outcome);
}

static void
on_row(const char *target, GVariant *row, gpointer data)
{
    report_row(((View *)data)->report, target, row);
}

static void
on_end(gpointer data)
{
    report_end(((View *)data)->report);
}

/* One target that is ok needs no more words. */
static void
on_sum_up(const BatchCounts *counts, gint64 elapsed_us, gpointer data)
{
    const View *view = data;

    if (counts->done > 1 || counts->ok < counts->done || counts->bad_targets > 0)
        summary_print(view->summary, counts, elapsed_us, view->format != FORMAT_TABLE);
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

/* ---- the verb ---- */

static Status
run_and_show(const Job *job)
{
    const TaskInfo *task = job->request->task;
    g_autoptr(Report) report = report_new(task, job->args->output);
    g_autoptr(Summary) summary = summary_new();
    View view = {report, summary, job->args->output};
    JobView how = {
        on_begin, on_outcome, task->rows != NULL ? on_row : NULL, on_end, on_sum_up, &view};

    return job_run(job, &how);
}

Status
verb_run(const Args *args)
{
    Status status;
    g_autoptr(Job) job = job_new(args, &status);

    if (job == NULL)
        return status;
    return is_allowed(job->request, args) ? run_and_show(job) : STATUS_REFUSED;
}
