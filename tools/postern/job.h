/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * job.h - a task on targets from the command line to the exit status; what each outcome looks like is the view's.
 */
#include "fleet.h"
#include "request.h"

typedef struct {
    Host *host;
    Fleet *fleet;
    Request *request;
    const Args *args;
} Job;

/* All on the main thread. `row` may be NULL: the task has none. */
typedef struct {
    void (*begin)(gpointer data);
    void (*outcome)(const Outcome *outcome, gpointer data);
    void (*row)(const char *target, GVariant *row, gpointer data);
    void (*end)(gpointer data);
    /* The last words on standard error; not called with --quiet. */
    void (*sum_up)(const BatchCounts *counts, gint64 elapsed_us, gpointer data);
    gpointer data;
} JobView;

/* Host, fleet and request as `args` ask for them: the first word is the task, the rest parameters and targets. NULL
 * having complained; `status` then says what it means. */
Job *job_new(const Args *args, Status *status);
void job_free(Job *job);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(Job, job_free)

/* Ask for a login if need be, and run it to its end. */
Status job_run(const Job *job, const JobView *view);
