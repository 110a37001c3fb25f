/* SPDX-License-Identifier: Apache-2.0 */
#include "config.h"

#include "error.h"
#include "field.h"
#include "hooks.h"
#include "run-private.h"

const char *
outcome_word(OutcomeKind kind)
{
    static const char *const words[] = {"ok", "failed", "cancelled", "skipped"};

    return words[kind];
}

void
outcome_free(Outcome *outcome)
{
    if (outcome == NULL)
        return;
    g_free(outcome->target);
    g_clear_pointer(&outcome->result, g_variant_unref);
    g_clear_pointer(&outcome->notes, g_variant_unref);
    g_clear_error(&outcome->error);
    g_free(outcome);
}

/* ---- what a run is ---- */

const RunPlan *
run_plan(const PosternRun *run)
{
    return run->plan;
}

const TaskInfo *
run_task(const PosternRun *run)
{
    return run->task;
}

const Target *
run_target(const PosternRun *run)
{
    return run->target;
}

Device *
run_device(PosternRun *run)
{
    return run->device;
}

Worker *
run_worker(const PosternRun *run)
{
    return run->worker;
}

CredentialSession *
run_credentials(PosternRun *run)
{
    return run->credentials;
}

PosternRun *
run_parent(const PosternRun *run)
{
    return run->parent;
}

gint64
run_elapsed_us(const PosternRun *run)
{
    return run->started == 0 ? 0 : g_get_monotonic_time() - run->started;
}

void
run_set_ticket(PosternRun *run, gpointer ticket, GDestroyNotify free_ticket)
{
    run->ticket = ticket;
    run->free_ticket = free_ticket;
}

gpointer
run_ticket(const PosternRun *run)
{
    return run->ticket;
}

PosternRun *
run_ref(PosternRun *run)
{
    g_atomic_int_inc(&run->refs);
    return run;
}

void
run_unref(PosternRun *run)
{
    if (!g_atomic_int_dec_and_test(&run->refs))
        return;
    if (run->free_ticket != NULL)
        run->free_ticket(run->ticket);
    target_free(run->target);
    g_clear_error(&run->cause);
    g_clear_object(&run->cancellable);
    g_clear_pointer(&run->children, g_ptr_array_unref);
    g_clear_pointer(&run->notes, g_hash_table_unref);
    g_clear_pointer(&run->endings, g_array_unref);
    g_clear_pointer(&run->parent, run_unref);
    if (run->own_plan != NULL)
        g_variant_unref(run->own_plan->params);
    g_free(run->own_plan);
    g_free(run);
}

static void
learn_login(PosternCredential *credential, const GError *why, gpointer data)
{
    PosternRun *run = data;
    const RunHooks *hooks = host_hooks(run->plan->host);

    if (hooks != NULL)
        hooks->login(run, credential, why, hooks->data);
}

/* A child on its parent's target goes on with the login that the parent found. */
static void
run_take_credentials(PosternRun *run)
{
    PosternRun *parent = run->parent;

    if (parent != NULL && g_strcmp0(parent->target->host, run->target->host) == 0) {
        run->credentials = parent->credentials;
    } else {
        run->credentials = credential_session_new(run->plan->credentials, run->target->text);
        run->owns_credentials = TRUE;
        credential_session_on_fate(run->credentials, learn_login, run);
    }
}

PosternRun *
run_new(const RunPlan *plan, Target *target, PosternRun *parent)
{
    PosternRun *run = g_new0(PosternRun, 1);

    run->refs = 1;
    run->plan = plan;
    run->task = plan->task;
    run->target = target;
    run->worker = worker_current();
    run->parent = parent == NULL ? NULL : run_ref(parent);
    run->depth = parent == NULL ? 0 : parent->depth + 1;
    run->device = target->host == NULL ? NULL : device_acquire(target->host);
    run->holder = (WorkerHolder){plan->task->plugin->name, plan->task->id, target->text};
    run->deadline = G_MAXINT64;
    return run;
}

/* ---- ending early ---- */

gboolean
run_is_cancelled(PosternRun *run)
{
    return g_atomic_int_get(&run->cancelled);
}

gboolean
run_check(PosternRun *run, GError **error)
{
    if (run->cause == NULL)
        return TRUE;
    if (error != NULL)
        *error = g_error_copy(run->cause);
    return FALSE;
}

/* A fiber that comes back may wait anew or end others' waits: begin again from the front each time. */
static void
wake_waits(PosternRun *run)
{
    GList *at = run->waits;

    while (at != NULL) {
        Wait *wait = at->data;
        at = at->next;
        if (wait->ignores_cancel)
            continue;
        run_ref(run);
        wait_cancel(wait);
        at = run->waits;
        run_unref(run);
    }
}

void
run_cancel(PosternRun *run, PosternError code, const char *text)
{
    if (run->cause != NULL)
        return;
    run_ref(run);
    run->cause = g_error_new_literal(POSTERN_ERROR, code, text);
    g_atomic_int_set(&run->cancelled, TRUE);
    if (run->cancellable != NULL)
        g_cancellable_cancel(run->cancellable);
    for (guint i = run->children == NULL ? 0 : run->children->len; i > 0; i--)
        run_cancel(run->children->pdata[i - 1], code, text);
    wake_waits(run);
    run_unref(run);
}

static void
run_timed_out(ReactorTimer *timer)
{
    PosternRun *run = (PosternRun *)((char *)timer - offsetof(PosternRun, timeout));
    g_autofree char *text = g_strdup_printf("task %s on %s did not end within %u ms",
                                            run->task->id,
                                            run->target->text,
                                            run->plan->timeout_ms);

    run_cancel(run, POSTERN_ERROR_TIMEOUT, text);
}

/* ---- notes, log, endings ---- */

void
run_note(PosternRun *run, const char *name, GVariant *value)
{
    if (run->notes == NULL)
        run->notes =
            g_hash_table_new_full(g_str_hash, g_str_equal, g_free, (GDestroyNotify)g_variant_unref);
    g_hash_table_replace(run->notes, g_strdup(name), g_variant_ref_sink(value));
}

GVariant *
run_take_notes(PosternRun *run)
{
    g_auto(GVariantDict) dict = G_VARIANT_DICT_INIT(NULL);
    GHashTableIter iter;
    gpointer name, value;

    if (run->notes == NULL)
        return NULL;
    g_hash_table_iter_init(&iter, run->notes);
    while (g_hash_table_iter_next(&iter, &name, &value))
        g_variant_dict_insert_value(&dict, name, value);
    return g_variant_ref_sink(g_variant_dict_end(&dict));
}

void
run_log(PosternRun *run, GLogLevelFlags level, const char *format, ...)
{
    g_autofree char *text = NULL;
    g_autofree char *masked = NULL;
    va_list args;

    if (run->plan->log == NULL)
        return;
    va_start(args, format);
    text = g_strdup_vprintf(format, args);
    va_end(args);
    masked = secret_mask(text, -1);
    run->plan->log(
        run->target->text, run->task->id, level, masked ? masked : text, run->plan->data);
}

guint
run_on_end(PosternRun *run, GDestroyNotify fn, gpointer data)
{
    Ending ending = {++run->last_token, fn, data};

    if (run->endings == NULL)
        run->endings = g_array_new(FALSE, FALSE, sizeof(Ending));
    g_array_append_val(run->endings, ending);
    return ending.token;
}

void
run_forget(PosternRun *run, guint token)
{
    for (guint i = run->endings == NULL ? 0 : run->endings->len; i > 0; i--)
        if (g_array_index(run->endings, Ending, i - 1).token == token) {
            g_array_remove_index(run->endings, i - 1);
            return;
        }
}

static void
run_call_endings(PosternRun *run)
{
    while (run->endings != NULL && run->endings->len > 0) {
        Ending ending = g_array_index(run->endings, Ending, run->endings->len - 1);
        g_array_set_size(run->endings, run->endings->len - 1);
        ending.fn(ending.data);
    }
}

/* ---- execution ---- */

/* GIO calls "cancelled" whatever ends them early; the run knows what it was. */
static void
name_cause(PosternRun *run, GError **error)
{
    if (run->cause == NULL || error == NULL ||
        !g_error_matches(*error, POSTERN_ERROR, POSTERN_ERROR_CANCELLED))
        return;
    g_clear_error(error);
    *error = g_error_copy(run->cause);
}

/* What a plugin returns is checked before a user sees it; a result without an error and an error without a
 * cause are the plugin's mistakes, and named as such. */
static GVariant *
run_checked(PosternRun *run, GVariant *result, GError **error)
{
    g_autofree char *what = g_strdup_printf("result of task %s", run->task->id);
    g_autoptr(GVariant) owned = result == NULL ? NULL : g_variant_take_ref(result);

    if (owned == NULL) {
        if (error != NULL && *error == NULL)
            g_set_error(error,
                        POSTERN_ERROR,
                        POSTERN_ERROR_INTERNAL,
                        "task %s of plugin %s failed without saying why: a bug of that plugin",
                        run->task->id,
                        run->task->plugin->name);
        error_translate(error);
        name_cause(run, error);
        return NULL;
    }
    if (error != NULL && *error != NULL) {
        run_log(run,
                G_LOG_LEVEL_WARNING,
                "plugin returned a result and an error: %s",
                (*error)->message);
        g_clear_error(error);
    }
    if (!fields_check_result(run->task->outputs, owned, what, error)) {
        (*error)->code = POSTERN_ERROR_INTERNAL;
        g_prefix_error(error,
                       "the task has run, but plugin %s broke its own description: ",
                       run->task->plugin->name);
        return NULL;
    }
    return g_steal_pointer(&owned);
}

/* Its time counts from here: what was waited for before, such as the record, is not the device's. */
static GVariant *
run_function(PosternRun *run, GError **error)
{
    GVariant *result;

    run->started = g_get_monotonic_time();
    if (run->plan->timeout_ms > 0) {
        run->deadline = run->started + (gint64)run->plan->timeout_ms * 1000;
        run->timeout.fire = run_timed_out;
        reactor_timer_start(worker_reactor(run->worker), &run->timeout, run->deadline);
    }
    result = run->task->run(
        run, run->plan->params, registry_self(host_registry(run->plan->host), run->task), error);
    reactor_timer_stop(&run->timeout);
    run_end_strands(run);
    run_call_endings(run);
    return run_checked(run, result, error);
}

gboolean
run_owns_credentials(const PosternRun *run)
{
    return run->owns_credentials;
}

/* The function between the hooks that allow it and that hear how it went. */
static GVariant *
run_on_record(PosternRun *run, GError **error)
{
    const RunHooks *hooks = host_hooks(run->plan->host);
    g_autoptr(GError) unwritten = NULL;
    GVariant *result;

    if (hooks == NULL)
        return run_function(run, error);
    if (!hooks->begin(run, hooks->data, error))
        return NULL;
    result = run_check(run, error) ? run_function(run, error) : NULL;
    if (!hooks->end(run, result, result == NULL ? *error : NULL, hooks->data, &unwritten))
        run_log(run, G_LOG_LEVEL_WARNING, "%s", unwritten->message);
    return result;
}

GVariant *
run_execute(PosternRun *run, GError **error)
{
    g_autoptr(GError) problem = NULL;
    GVariant *result;

    run_take_credentials(run);
    result = run_on_record(run, &problem);
    if (run->owns_credentials)
        credential_session_free(run->credentials);
    run->credentials = NULL;
    if (result == NULL)
        g_propagate_error(error, g_steal_pointer(&problem));
    return result;
}

static Outcome *
outcome_of(PosternRun *run, GVariant *result, GError *error)
{
    Outcome *outcome = g_new0(Outcome, 1);

    outcome->target = g_strdup(run->target->text);
    outcome->result = result;
    outcome->error = error;
    outcome->attempts = 1;
    outcome->elapsed_us = run_elapsed_us(run);
    outcome->kind = result != NULL                           ? OUTCOME_OK
                    : error->code == POSTERN_ERROR_CANCELLED ? OUTCOME_CANCELLED
                                                             : OUTCOME_FAILED;
    if (result == NULL)
        outcome->notes = run_take_notes(run);
    return outcome;
}

static void start_fiber(gpointer data);

/* One run at a time on a device: let the next in line begin. */
void
run_free_device(PosternRun *run)
{
    Device *device = g_steal_pointer(&run->device);
    PosternRun *next;

    if (device == NULL)
        return;
    device->running = FALSE;
    next = g_queue_pop_head(&device->queued);
    if (next != NULL) {
        device->running = TRUE;
        worker_post(next->worker, start_fiber, next);
    }
    device_release(device);
}

static void
unref_later(gpointer data)
{
    run_unref(data);
}

static void
run_finish(PosternRun *run, GVariant *result, GError *error)
{
    Outcome *outcome = outcome_of(run, result, error);

    run_free_device(run);
    run->done(run, outcome, run->done_data);
    /* not now: the worker still names this run as its holder until the fiber has been left */
    worker_post(run->worker, unref_later, run);
}

static void
fiber_body(gpointer data)
{
    PosternRun *run = data;
    GError *error = NULL;
    GVariant *result = run_check(run, &error) ? run_execute(run, &error) : NULL;

    run_finish(run, result, error);
}

static void
start_fiber(gpointer data)
{
    PosternRun *run = data;
    GError *error = NULL;
    Fiber *fiber = fiber_new(worker_fibers(run->worker), fiber_body, run, &error);

    if (fiber == NULL) {
        run_finish(run, NULL, error);
        return;
    }
    fiber_set_owner(fiber, run);
    worker_resume(run->worker, fiber, &run->holder);
}

PosternRun *
run_start(const RunPlan *plan,
          Target *target,
          void (*done)(PosternRun *run, Outcome *outcome, gpointer data),
          gpointer data)
{
    PosternRun *run = run_new(plan, target, NULL);

    run->done = done;
    run->done_data = data;
    if (run->device != NULL && run->device->running) {
        g_queue_push_tail(&run->device->queued, run);
        return run;
    }
    if (run->device != NULL)
        run->device->running = TRUE;
    worker_post(run->worker, start_fiber, run);
    return run;
}
