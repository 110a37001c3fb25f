/* SPDX-License-Identifier: Apache-2.0 */
/*
 * diagnose.c - the verb `diagnose`: a batch of fleet.diagnose; for people, the chain of one machine, or a line for each
 * of several and a summary by cause.
 */
#include "config.h"

#include "diagnose-causes.h"
#include "diagnose.h"
#include "error.h"
#include "job.h"
#include "out.h"
#include "report.h"
#include "summary.h"
#include "text.h"
#include "verbs.h"

#include <postern-params.h>

#include <string.h>

enum { WIDTH = 100, TARGET_WIDTH = 15 };

typedef struct {
    Report *report; /* NULL: a table */
    Summary *summary;
    Columns *columns; /* of several targets; NULL: there is one */
    guint64 well, noted, broken;
} View;

static gboolean
is_broken(const Outcome *outcome)
{
    return outcome->kind != OUTCOME_OK ||
           g_strcmp0(params_string(outcome->result, "verdict"), "broken") == 0;
}

/* ---- one target: the chain ---- */

static const char *
mark_of(const char *state)
{
    static const char *const marks[][2] = {
        {"ok", "ok"}, {"note", "note"}, {"failed", "FAILED"}, {"unknown", "unknown"}};

    for (guint i = 0; i < G_N_ELEMENTS(marks); i++)
        if (g_strcmp0(state, marks[i][0]) == 0)
            return marks[i][1];
    return "?";
}

static const char *
text_or(const char *text, const char *otherwise)
{
    return text != NULL ? text : otherwise;
}

static void
add_link(Columns *columns, GVariant *check)
{
    const char *expected = params_string(check, "expected");
    const char *found = text_or(params_string(check, "found"), "-");
    g_autofree char *both =
        expected != NULL ? g_strdup_printf("%s; expected: %s", found, expected) : g_strdup(found);
    const char *cells[] = {
        mark_of(params_string(check, "state")), text_or(params_string(check, "stage"), "?"), both};

    columns_add(columns, cells);
}

static void
print_chain(GVariant *result)
{
    g_autoptr(GVariant) checks = params_value(result, "checks", "aa{sv}");
    g_autoptr(Columns) columns = columns_new(3);

    for (gsize i = 0; checks != NULL && i < g_variant_n_children(checks); i++) {
        g_autoptr(GVariant) check = g_variant_get_child_value(checks, i);

        add_link(columns, check);
    }
    columns_print(columns, 0);
}

static void
print_words(const char *title, const char *text)
{
    g_autofree char *clean = text != NULL ? text_clean(text) : NULL;
    g_autofree char *words = g_strdup_printf("%s: %s", title, text_or(clean, ""));
    g_autoptr(GString) out = g_string_new(NULL);

    if (clean == NULL)
        return;
    text_wrap(out, words, 0, WIDTH);
    g_string_truncate(out, out->len - 1);
    out_line(out);
}

static void
print_verdict(GVariant *result)
{
    const char *verdict = params_string(result, "verdict"), *cause = params_string(result, "cause");
    const char *stage = params_string(result, "stage");
    const DiagnoseCause *known = diagnose_cause(cause);
    g_autofree char *whole = g_strdup_printf("%s%s%s%s%s",
                                             verdict,
                                             stage != NULL ? " at " : "",
                                             text_or(stage, ""),
                                             cause != NULL ? ": " : "",
                                             text_or(cause, ""));

    print_words("verdict", whole);
    print_words("why", known != NULL ? known->meaning : NULL);
    print_words("what to do", params_string(result, "hint"));
}

static void
print_failure(const Outcome *outcome)
{
    const ErrorWord *word = error_word(outcome->error->code);
    g_autofree char *whole =
        g_strdup_printf("unknown: %s: %s", word->word, outcome->error->message);

    print_words("verdict", whole);
    print_words("what to do", word->hint);
}

/* ---- several targets: a line each ---- */

static void
add_line(Columns *columns, const char *const *given)
{
    g_autoptr(GString) line = g_string_new(NULL);
    g_autofree char *target = text_clean(given[0]), *cause = text_clean(given[2]);
    g_autofree char *found = text_clean(given[3]);
    const char *cells[] = {target, given[1], cause, found};
    const char *measured[] = {target, given[1], cause, NULL};

    columns_measure(columns, measured);
    columns_line(columns, cells, line);
    out_line(line);
}

static void
print_line(Columns *columns, const Outcome *outcome)
{
    const char *cells[4] = {outcome->target};

    if (outcome->kind == OUTCOME_OK) {
        cells[1] = params_string(outcome->result, "verdict");
        cells[2] = text_or(params_string(outcome->result, "cause"), "-");
        cells[3] = text_or(params_string(outcome->result, "found"), "-");
    } else {
        cells[1] = outcome_word(outcome->kind);
        cells[2] = error_word(outcome->error->code)->word;
        cells[3] = outcome->error->message;
    }
    add_line(columns, cells);
}

/* ---- the view ---- */

static void
on_begin(gpointer data)
{
    const View *view = data;
    static const char *const titles[] = {"TARGET", "VERDICT", "CAUSE", "FOUND"};

    if (view->report != NULL) {
        report_begin(view->report);
    } else if (view->columns != NULL) {
        /* lines go out as they come: room for what is usual */
        view->columns->width[0] = TARGET_WIDTH;
        view->columns->width[1] = strlen("works-with-notes");
        view->columns->width[2] = strlen("certificate-untrusted");
        add_line(view->columns, titles);
    }
}

static void
count(View *view, const Outcome *outcome)
{
    const char *cause;

    if (outcome->kind != OUTCOME_OK) {
        summary_add(view->summary, outcome);
        return;
    }
    cause = params_string(outcome->result, "cause");
    if (is_broken(outcome))
        view->broken++;
    else if (strcmp(params_string(outcome->result, "verdict"), "ok") == 0)
        view->well++;
    else
        view->noted++;
    if (cause != NULL)
        summary_add_cause(view->summary,
                          cause,
                          outcome->target,
                          params_string(outcome->result, "found"),
                          params_string(outcome->result, "hint"));
}

static void
on_outcome(const Outcome *outcome, gpointer data)
{
    View *view = data;

    count(view, outcome);
    if (view->report != NULL) {
        report_outcome(view->report, outcome);
    } else if (view->columns != NULL) {
        print_line(view->columns, outcome);
    } else if (outcome->kind != OUTCOME_OK) {
        print_failure(outcome);
    } else {
        print_chain(outcome->result);
        print_verdict(outcome->result);
    }
}

static void
on_end(gpointer data)
{
    const View *view = data;

    if (view->report != NULL)
        report_end(view->report);
}

static void
on_sum_up(const BatchCounts *counts, gint64 elapsed_us, gpointer data)
{
    const View *view = data;
    guint64 untold = counts->done - view->well - view->noted - view->broken;

    if (counts->done <= 1 && counts->bad_targets == 0)
        return;
    remark("%" G_GUINT64_FORMAT " targets: %" G_GUINT64_FORMAT " ok, %" G_GUINT64_FORMAT
           " work with notes, %" G_GUINT64_FORMAT " broken, %" G_GUINT64_FORMAT
           " not diagnosed in %.2f s",
           counts->done,
           view->well,
           view->noted,
           view->broken,
           untold,
           (double)elapsed_us / 1e6);
    summary_print_causes(view->summary, view->report != NULL);
}

/* ---- the verb ---- */

static Status
run_and_show(const Job *job)
{
    Format format = job->args->output;
    g_autoptr(Report) report =
        format != FORMAT_TABLE ? report_new(job->request->task, format) : NULL;
    g_autoptr(Columns) columns =
        target_source_total(job->request->targets) != 1 ? columns_new(4) : NULL;
    g_autoptr(Summary) summary = summary_new();
    View view = {.report = report, .summary = summary, .columns = columns};
    JobView how = {on_begin, on_outcome, NULL, on_end, on_sum_up, &view};
    Status status = job_run(job, &how);

    return status == STATUS_GOOD && view.broken > 0 ? STATUS_SOME_FAILED : status;
}

/* `diagnose TARGET...` is `run fleet.diagnose TARGET...`, shown in another way. */
Status
verb_diagnose(const Args *args)
{
    char task[] = DIAGNOSE_TASK;
    g_autoptr(GPtrArray) words = g_ptr_array_new();
    Args as_run = *args;
    g_autoptr(Job) job = NULL;
    Status status;

    g_ptr_array_add(words, task);
    g_ptr_array_extend(words, args->words, NULL, NULL);
    as_run.words = words;
    job = job_new(&as_run, &status);
    return job != NULL ? run_and_show(job) : status;
}
