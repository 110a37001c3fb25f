/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * batch.h - one task over many targets: admission, rate, retries, time-outs, cancellation, outcomes.
 *
 * Targets are drawn one by one while there is room, so a list of a million costs what is in flight. Every
 * target drawn ends in exactly one outcome, whatever happens. The batch runs on the caller's thread and main
 * context (its callbacks come there), the runs on the workers.
 */
#include "run.h"

typedef struct Batch Batch;

typedef struct {
    guint max_parallel;  /* runs in flight */
    double rate;         /* starts a second; 0: no limit */
    guint timeout_ms;    /* of one run; 0: the task's, else the host's */
    guint total_timeout_ms; /* of the whole batch; 0: none */
    gint retries;        /* negative: the host's. Only idempotent or read-only tasks, only after transport errors */
} BatchLimits;

typedef struct {
    /* All on the batch's thread. Any may be NULL. */
    void (*outcome)(const Outcome *outcome, gpointer data);
    void (*row)(const char *target, GVariant *row, gpointer data);
    void (*progress)(const char *target, double part, const char *words, gpointer data);
    void (*log)(const char *target, const char *task, GLogLevelFlags level, const char *text, gpointer data);
    /* a line of the target list that is no target: reported, the rest goes on */
    void (*bad_target)(const GError *error, gpointer data);
    gpointer data;
} BatchSink;

typedef struct {
    gint64 total;   /* targets, -1: not known yet */
    guint64 started, done, in_flight;
    guint64 ok, failed, cancelled, skipped, bad_targets;
} BatchCounts;

/* Prepare `task` (loaded) with `params` (complete a{sv}) over `targets`. Nothing runs yet; `credentials` and `tap` may
 * be NULL; all arguments must outlive the batch. */
Batch *batch_new(Host *host, const TaskInfo *task, GVariant *params, TargetSource *targets,
                 CredentialSource *credentials, struct Tap *tap, const BatchLimits *limits, const BatchSink *sink);

/* Run it to its end on this thread: returns when every target has its outcome. FALSE with `error` only when it
 * could not start (no worker, no descriptor). */
gboolean batch_run(Batch *batch, GError **error);

/* End it: nothing more starts; runs in flight are cancelled and end in CANCELLED; targets already drawn but
 * not started are SKIPPED. On the batch's thread (e.g. from a signal source on its main context). */
void batch_cancel(Batch *batch, const char *why);

/* TRUE after batch_run() if a task that blocks still holds a worker: its run has its outcome, but its code still
 * runs in this process. Nothing of the host may be freed then; end the process with _exit(). */
gboolean batch_left_behind(const Batch *batch);

void batch_counts(const Batch *batch, BatchCounts *counts);
void batch_free(Batch *batch);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(Batch, batch_free)
