/* SPDX-License-Identifier: Apache-2.0 */
#include "config.h"

#include "error.h"
#include "field.h"
#include "run-private.h"

/*
 * postern.tasks/1. A child on its parent's target runs on the parent's own stack, as a call. A child on
 * another target belongs to that target's worker: it is sent there, and the parent waits.
 */

/* Each level of children stands on the same 256 KiB. */
enum { DEPTH_MAX = 8 };

/* The errand of one child. */
typedef struct {
    gint refs;
    PosternRun *parent;
    RunPlan *plan;   /* given to the run once it exists */
    Target *target;  /* likewise */
    PosternRun *run; /* while it lives; its worker's thread only */
    GVariant *result;
    GError *error;
    GVariant *notes;
    gboolean ended;
    Wait wait;
} Child;

static void
child_unref(Child *child)
{
    if (!g_atomic_int_dec_and_test(&child->refs))
        return;
    if (child->plan != NULL)
        g_variant_unref(child->plan->params);
    g_free(child->plan);
    target_free(child->target);
    g_clear_error(&child->error);
    g_clear_pointer(&child->notes, g_variant_unref);
    run_unref(child->parent);
    g_free(child);
}

/* The task as it can be run: its plugin must be loaded, which `depends` in the parent's tables sees to. */
static const TaskInfo *
find_task(PosternRun *parent, const char *id, GError **error)
{
    const TaskInfo *task = registry_task(host_registry(parent->plan->host), id, error);

    if (task == NULL) {
        g_prefix_error(error, "task %s wants to run another: ", parent->task->id);
        return NULL;
    }
    if (task->run != NULL && parent->depth + 1 < DEPTH_MAX)
        return task;
    if (task->run == NULL)
        g_set_error(error,
                    POSTERN_ERROR,
                    POSTERN_ERROR_NOT_SUPPORTED,
                    "task %s wants to run %s, but plugin %s is not loaded: plugin %s should have "
                    "\"task:%s\" in its depends",
                    parent->task->id,
                    id,
                    task->plugin->name,
                    parent->task->plugin->name,
                    id);
    else
        g_set_error(
            error,
            POSTERN_ERROR,
            POSTERN_ERROR_INTERNAL,
            "task %s wants to run %s, %d tasks deep: no more than %d may stand on each other",
            parent->task->id,
            id,
            DEPTH_MAX + 1,
            DEPTH_MAX);
    return NULL;
}

static RunPlan *
child_plan(const PosternRun *parent, const TaskInfo *task, GVariant *params)
{
    RunPlan *plan = g_memdup2(parent->plan, sizeof *plan);

    plan->task = task;
    plan->params = params;
    plan->row = NULL; /* what a child hands out is its parent's to use, not the user's */
    if (task->timeout_ms > 0)
        plan->timeout_ms = task->timeout_ms;
    return plan;
}

static void
child_execute(Child *child)
{
    PosternRun *run = child->run;

    child->result = run_execute(run, &child->error);
    if (child->result == NULL)
        child->notes = run_take_notes(run);
    if (run->device != NULL)
        device_release(g_steal_pointer(&run->device));
}

static void
child_create(Child *child)
{
    child->run = run_new(child->plan, g_steal_pointer(&child->target), child->parent);
    child->run->own_plan = g_steal_pointer(&child->plan);
}

/* ---- on the same target: a call ---- */

static void
run_here(Child *child)
{
    PosternRun *parent = child->parent;

    child_create(child);
    if (parent->children == NULL)
        parent->children = g_ptr_array_new();
    g_ptr_array_add(parent->children, child->run);
    child_execute(child);
    g_ptr_array_remove(parent->children, child->run);
    run_unref(child->run);
}

/* ---- on another target: an errand to its worker and back ---- */

static void
unref_run(gpointer data)
{
    run_unref(data);
}

static void
child_home(gpointer data)
{
    Child *child = data;

    child->ended = TRUE;
    wait_wake(&child->wait);
}

static void
child_body(gpointer data)
{
    Child *child = data;
    PosternRun *run = child->run;
    Worker *home = child->parent->worker;

    child_execute(child);
    child->run = NULL;
    worker_post(run->worker, unref_run, run);
    worker_post(home, child_home, child);
}

static void
child_start(gpointer data)
{
    Child *child = data;
    Fiber *fiber = fiber_new(worker_fibers(worker_current()), child_body, child, &child->error);

    if (fiber == NULL) {
        worker_post(child->parent->worker, child_home, child);
        return;
    }
    child_create(child);
    fiber_set_owner(fiber, child->run);
    worker_resume(child->run->worker, fiber, &child->run->holder);
}

/* The letter may find the child gone home already. */
static void
child_cancel(gpointer data)
{
    Child *child = data;

    if (child->run != NULL)
        run_cancel(child->run, child->parent->cause->code, child->parent->cause->message);
    child_unref(child);
}

static void
run_there(Child *child, Worker *worker)
{
    worker_post(worker, child_start, child);
    while (!child->ended) {
        if (wait_for(&child->wait, child->parent, -1) != WAIT_CANCELLED)
            continue;
        g_atomic_int_inc(&child->refs);
        worker_post(worker, child_cancel, child);
        child->wait.ignores_cancel = TRUE;
    }
}

/* ---- the service ---- */

static Child *
child_prepare(
    PosternRun *parent, const char *id, const char *target, GVariant *params, GError **error)
{
    const TaskInfo *task = find_task(parent, id, error);
    g_autofree char *what = g_strdup_printf("task %s", id);
    g_autoptr(TargetSource) source = NULL;
    g_autoptr(Target) where = NULL;
    GVariant *complete;
    Child *child;

    if (task == NULL)
        return NULL;
    if (target == NULL) {
        where = target_copy(parent->target);
    } else {
        source = target_source_new();
        if (!target_source_add(source, target, error))
            return NULL;
        where = target_source_next(source, error);
    }
    if (where == NULL)
        return NULL;
    complete = fields_complete(task->params, params, what, error);
    if (complete == NULL)
        return NULL;
    child = g_new0(Child, 1);
    child->refs = 1;
    child->parent = run_ref(parent);
    child->plan = child_plan(parent, task, complete);
    child->target = g_steal_pointer(&where);
    return child;
}

/* A child's notes belong to the error that its parent may end with. */
static void
pass_notes(PosternRun *parent, GVariant *notes)
{
    GVariantIter iter;
    const char *name;
    GVariant *value;

    g_variant_iter_init(&iter, notes);
    while (g_variant_iter_loop(&iter, "{&sv}", &name, &value))
        run_note(parent, name, value);
}

static GVariant *
svc_run(PosternRun *parent, const char *id, const char *target, GVariant *params, GError **error)
{
    g_autoptr(GVariant) owned = params == NULL ? NULL : g_variant_ref_sink(params);
    Child *child;
    GVariant *result;

    if (!run_check(parent, error))
        return NULL;
    child = child_prepare(parent, id, target, owned, error);
    if (child == NULL)
        return NULL;
    if (g_strcmp0(child->target->host, parent->target->host) == 0)
        run_here(child);
    else
        run_there(child, worker_for(parent->worker, child->target->host));
    result = g_steal_pointer(&child->result);
    if (result == NULL) {
        if (child->notes != NULL)
            pass_notes(parent, child->notes);
        g_propagate_prefixed_error(error, g_steal_pointer(&child->error), "%s: ", id);
    }
    child_unref(child);
    return result;
}

const PosternTasksSvc tasks_service = {.size = sizeof(PosternTasksSvc), .run = svc_run};
