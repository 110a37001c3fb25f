/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * run.h - one execution of a task on one target, and the way everything in it waits.
 *
 * A run lives on its target's worker; unless it says [any], every function here is called there. It is
 * reference counted: whatever may outlive it (an await, a thread) holds a reference.
 */
#include "credential.h"
#include "device.h"
#include "host.h"
#include "target.h"
#include "worker.h"

typedef enum { OUTCOME_OK, OUTCOME_FAILED, OUTCOME_CANCELLED, OUTCOME_SKIPPED } OutcomeKind;

const char *outcome_word(OutcomeKind kind); /* "ok", "failed", "cancelled", "skipped" */

/* What became of one target. Exactly one for each. */
typedef struct {
    OutcomeKind kind;
    char *target;      /* as the user named it */
    GVariant *result;  /* a{sv} if OK, else NULL */
    GError *error;     /* POSTERN_ERROR if not OK, else NULL */
    GVariant *notes;   /* a{sv}: fields of the error; NULL: none */
    guint attempts;    /* 0 if skipped before it started */
    gint64 elapsed_us; /* from the first start to the end */
} Outcome;

void outcome_free(Outcome *outcome);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(Outcome, outcome_free)

/* Fixed for all runs of one batch; outlives them. */
typedef struct {
    Host *host;
    const TaskInfo *task;        /* loaded */
    GVariant *params;            /* complete */
    CredentialSource *credentials; /* may be NULL: none */
    struct Tap *tap;             /* recording, replay or faults; NULL: plain traffic (tap.h) */
    guint timeout_ms;            /* of one run; 0: none */
    guint connect_timeout_ms, step_timeout_ms;
    /* [worker] partial results and progress, or NULL */
    void (*row)(PosternRun *run, GVariant *row, gpointer data);
    void (*progress)(PosternRun *run, double part, const char *words, gpointer data);
    void (*log)(const char *target, const char *task, GLogLevelFlags level, const char *text, gpointer data); /* [any] */
    gpointer data;
} RunPlan;

/* Start a run of `plan` on `target` (taken) on the current worker; `done` gets its outcome (taken), once, on
 * this worker, never from inside this call. */
PosternRun *run_start(const RunPlan *plan, Target *target, void (*done)(PosternRun *run, Outcome *outcome, gpointer data), gpointer data);

PosternRun *run_ref(PosternRun *run);
void run_unref(PosternRun *run); /* [any] */

/* End it early: everything it waits for returns CANCELLED (or TIMEOUT) with this text. Only the first cause
 * counts. */
void run_cancel(PosternRun *run, PosternError code, const char *text);
gboolean run_is_cancelled(PosternRun *run);                 /* [any] */
gboolean run_check(PosternRun *run, GError **error);              /* FALSE with the cause once it is cancelled */

const RunPlan *run_plan(const PosternRun *run);
const TaskInfo *run_task(const PosternRun *run); /* a child's own task */
const Target *run_target(const PosternRun *run);
Device *run_device(PosternRun *run); /* the record of its target; NULL for tasks without a target */
Worker *run_worker(const PosternRun *run);
CredentialSession *run_credentials(PosternRun *run); /* shared by a run and its children on one target */
gboolean run_owns_credentials(const PosternRun *run); /* FALSE: they are its parent's */
void run_note(PosternRun *run, const char *name, GVariant *value);
PosternRun *run_parent(const PosternRun *run); /* NULL: it is no child */
gint64 run_elapsed_us(const PosternRun *run);  /* since its function was called; 0: it was not yet */

/* What the hooks (hooks.h) keep about it, freed with the run. */
void run_set_ticket(PosternRun *run, gpointer ticket, GDestroyNotify free_ticket);
gpointer run_ticket(const PosternRun *run); /* NULL: none was set */
void run_log(PosternRun *run, GLogLevelFlags level, const char *format, ...) G_GNUC_PRINTF(3, 4); /* [any] */

/* Things that end with the run at the latest: called in reverse order after run() has returned, on a stack
 * that may not wait. Returns a token for run_forget(). */
guint run_on_end(PosternRun *run, GDestroyNotify fn, gpointer data);
void run_forget(PosternRun *run, guint token);

/* ---- waiting ---- */

typedef enum { WAIT_WOKEN, WAIT_TIMED_OUT, WAIT_CANCELLED } WaitEnd;

/* One place where a fiber of a run is suspended. Zero it, hand it to wait_for(); whoever has the news calls
 * wait_wake(). On the stack of the fiber or embedded in the thing waited for. */
typedef struct Wait Wait;
struct Wait {
    Fiber *fiber; /* NULL while nobody waits */
    PosternRun *run;
    ReactorTimer timer;
    WaitEnd end;
    GList link; /* in the run's list of its waits */
    gboolean ignores_cancel; /* set before wait_for(): only wait_wake() or the deadline end it */
};

/* Suspend the current fiber until wait_wake(), until `deadline` (monotonic microseconds; negative: none), or until
 * the run is cancelled. A wake that came before is not kept: test your condition first, and again after. */
WaitEnd wait_for(Wait *wait, PosternRun *run, gint64 deadline);

/* Let the fiber go on: before this returns, or soon if called from a fiber. FALSE if nobody waits. */
gboolean wait_wake(Wait *wait);

/* wait_for() and the error that its end means: FALSE with the run's cause, or with TIMEOUT and `what`
 * ("no answer from 10.0.0.1:16992 to ... within 10000 ms"). */
gboolean wait_or_fail(Wait *wait, PosternRun *run, gint64 deadline, GError **error, const char *what, ...) G_GNUC_PRINTF(5, 6);

/* Give way to other work of this worker for a moment. */
void run_yield(PosternRun *run);

/* The services of this file. */
extern const PosternRunSvc run_service;
extern const PosternTasksSvc tasks_service;
extern const PosternClockSvc clock_service;
extern const PosternInventorySvc inventory_service;
