/* SPDX-License-Identifier: Apache-2.0 */
#include "config.h"

#include "error.h"
#include "run-private.h"

enum { STRANDS_MAX = 256 };

struct PosternStrand {
    PosternRun *run;
    gboolean (*fn)(PosternRun *run, gpointer data, GError **error);
    gpointer data;
    gboolean ended, ok, started;
    GError *error;
    Wait joiner;
};

static void
strand_free(PosternStrand *strand)
{
    strand->run->strands = g_list_remove(strand->run->strands, strand);
    strand->run->strand_count--;
    g_clear_error(&strand->error);
    g_free(strand);
}

static void
strand_body(gpointer data)
{
    PosternStrand *strand = data;

    strand->ok = run_check(strand->run, &strand->error) &&
                 strand->fn(strand->run, strand->data, &strand->error);
    strand->ended = TRUE;
    wait_wake(&strand->joiner);
}

static void
strand_resume(gpointer data)
{
    Fiber *fiber = data;
    PosternRun *run = fiber_owner(fiber);

    worker_resume(run->worker, fiber, &run->holder);
}

PosternStrand *
strand_spawn(PosternRun *run,
             gboolean (*fn)(PosternRun *run, gpointer data, GError **error),
             gpointer data,
             GError **error)
{
    PosternStrand *strand;
    Fiber *fiber;

    if (!run_check(run, error))
        return NULL;
    if (run->strand_count >= STRANDS_MAX) {
        g_set_error(error,
                    POSTERN_ERROR,
                    POSTERN_ERROR_BUSY,
                    "task %s asked for more than %d strands at a time",
                    run->task->id,
                    STRANDS_MAX);
        return NULL;
    }
    strand = g_new0(PosternStrand, 1);
    fiber = fiber_new(worker_fibers(run->worker), strand_body, strand, error);
    if (fiber == NULL) {
        g_free(strand);
        return NULL;
    }
    fiber_set_owner(fiber, run);
    strand->run = run;
    strand->fn = fn;
    strand->data = data;
    run->strands = g_list_prepend(run->strands, strand);
    run->strand_count++;
    worker_post(run->worker, strand_resume, fiber);
    return strand;
}

/* A strand uses what its maker lent it, so a join ends only when the strand has; cancellation reaches the
 * strand itself. */
gboolean
strand_join(PosternStrand *strand, GError **error)
{
    gboolean ok;

    strand->joiner.ignores_cancel = TRUE;
    while (!strand->ended)
        wait_for(&strand->joiner, strand->run, -1);
    ok = strand->ok;
    if (!ok && strand->error == NULL)
        strand->error = g_error_new_literal(
            POSTERN_ERROR, POSTERN_ERROR_INTERNAL, "a strand failed without saying why");
    if (!ok)
        g_propagate_error(error, g_steal_pointer(&strand->error));
    strand_free(strand);
    return ok;
}

void
run_end_strands(PosternRun *run)
{
    if (run->strands != NULL && run->cause == NULL)
        run_cancel(run, POSTERN_ERROR_CANCELLED, "the task has ended");
    while (run->strands != NULL)
        strand_join(run->strands->data, NULL);
}
