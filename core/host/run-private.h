/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * run-private.h - the inside of a run, for run*.c and wait.c only.
 */
#include "run.h"

struct PosternRun {
    gint refs;
    const RunPlan *plan;
    RunPlan *own_plan; /* a child's; freed with it */
    const TaskInfo *task;
    Target *target;
    Device *device;
    Worker *worker;
    PosternRun *parent; /* a reference; NULL: the first */
    guint depth;
    WorkerHolder holder;

    GError *cause; /* why it is to end; set once */
    gint cancelled; /* atomic, for other threads */
    gboolean ending; /* run() has returned: only its strands are left */
    GCancellable *cancellable; /* made when first asked for */
    GPtrArray *children;       /* of PosternRun, those running now; NULL: none yet */
    GList *waits;              /* of Wait */
    ReactorTimer timeout;
    gint64 started, deadline; /* deadline: G_MAXINT64 for none */

    GHashTable *notes; /* name -> GVariant, or NULL */
    CredentialSession *credentials;
    gboolean owns_credentials;
    gpointer ticket; /* the hooks' */
    GDestroyNotify free_ticket;
    GArray *endings; /* of Ending, or NULL */
    guint last_token;
    GList *strands; /* of PosternStrand */
    guint strand_count;

    void (*done)(PosternRun *run, Outcome *outcome, gpointer data);
    gpointer done_data;
};

/* What must be cleaned up when the run ends. */
typedef struct {
    guint token;
    GDestroyNotify fn;
    gpointer data;
} Ending;

/* A new run that nothing has started yet; on the current worker. Takes `target`. */
PosternRun *run_new(const RunPlan *plan, Target *target, PosternRun *parent);

/* On the current fiber: call the task's function, end strands and endings, check the result. */
GVariant *run_execute(PosternRun *run, GError **error);

/* wait.c: end a wait because its run is to end. FALSE if nobody waits. */
gboolean wait_cancel(Wait *wait);

/* Release the device of a run, and let the next run on it begin. */
void run_free_device(PosternRun *run);

/* The notes as a{sv}; NULL: none. */
GVariant *run_take_notes(PosternRun *run);

/* run-strand.c: cancel and join what is left of them. On the run's fiber. */
void run_end_strands(PosternRun *run);
PosternStrand *strand_spawn(PosternRun *run,
                            gboolean (*fn)(PosternRun *run, gpointer data, GError **error),
                            gpointer data,
                            GError **error);
gboolean strand_join(PosternStrand *strand, GError **error);

/* run-await.c: asynchronous calls, descriptors and threads. */
PosternAwait *await_new(PosternRun *run);
void await_ready(GObject *source, GAsyncResult *result, gpointer data);
GAsyncResult *await_result(PosternAwait *await, GError **error);
gint32 await_fd(PosternRun *run, gint32 fd, guint32 events, gint64 timeout_ms, GError **error);
gboolean await_thread(PosternRun *run,
                      gboolean (*fn)(gpointer data, GCancellable *cancellable, GError **error),
                      gpointer data,
                      GError **error);
GCancellable *run_cancellable(PosternRun *run);
