/* SPDX-License-Identifier: Apache-2.0 */
/*
 * credential-test.c - the verb `credential test`: every login that a run could try on a machine, each alone, in order.
 */
#include "config.h"

#include "batch.h"
#include "field.h"
#include "fleet-open.h"
#include "json.h"
#include "list.h"
#include "machine.h"
#include "out.h"
#include "verbs.h"

#include <string.h>
#include <unistd.h>

typedef struct {
    const Args *args;
    Opened *opened;
    Target *target;
    char *subject;         /* of its logins in the store */
    GPtrArray *candidates; /* of ProfileCandidate, in the order of a run */
    const char *fate;      /* of the one tried last */
    char *why;
} Trial;

static void
trial_clear(Trial *trial)
{
    g_clear_pointer(&trial->target, target_free);
    g_clear_pointer(&trial->candidates, g_ptr_array_unref);
    g_free(trial->subject);
    g_free(trial->why);
}
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC(Trial, trial_clear)

/* ---- whom and with what ---- */

static gboolean
find_target(Trial *trial, GError **error)
{
    Store *store = trial->opened->store;
    g_autoptr(TargetSource) source = target_source_new();
    gint64 machine = 0;

    target_source_set_directory(source, fleet_directory(trial->opened->fleet));
    if (!target_source_add(source, g_ptr_array_index(trial->args->words, 0), error))
        return FALSE;
    trial->target = target_source_next(source, error);
    if (trial->target == NULL || !machine_at(store,
                                             trial->target->host,
                                             store_now() - fleet_fresh_us(trial->opened->fleet),
                                             &machine,
                                             error))
        return FALSE;
    trial->subject = machine != 0 ? g_strdup_printf("machine:%" G_GINT64_FORMAT, machine)
                                  : g_strconcat("host:", trial->target->host, NULL);
    return TRUE;
}

static gboolean
add_given(Trial *trial, const Vault *vault, GError **error)
{
    g_autoptr(CredentialSource) given = credential_source_new();

    for (guint i = 0; i < trial->args->credentials->len; i++)
        if (!credential_source_add(given,
                                   host_registry(trial->opened->host),
                                   g_ptr_array_index(trial->args->credentials, i),
                                   error))
            return FALSE;
    for (guint i = 0; i < given->given->len; i++) {
        g_autoptr(GError) problem = NULL;
        ProfileCandidate *one = g_new0(ProfileCandidate, 1);

        one->credential = credential_ref(given->given->pdata[i]);
        one->print = profile_print(vault, one->credential);
        g_ptr_array_add(trial->candidates, one);
        one->barred =
            profile_barred(trial->opened->store, trial->subject, one->print, store_now(), &problem);
        if (problem != NULL) {
            g_propagate_error(error, g_steal_pointer(&problem));
            return FALSE;
        }
    }
    return TRUE;
}

static gboolean
find_candidates(Trial *trial, GError **error)
{
    const Vault *vault = fleet_vault(trial->opened->fleet, error);
    g_autoptr(ProfileCache) cache = NULL;
    g_autoptr(GPtrArray) stored = NULL;

    if (vault == NULL)
        return FALSE;
    trial->candidates = g_ptr_array_new_with_free_func((GDestroyNotify)profile_candidate_free);
    if (!add_given(trial, vault, error))
        return FALSE;
    cache = profile_cache_new(trial->opened->store, vault, host_registry(trial->opened->host));
    stored = profile_candidates(cache, trial->subject, trial->args->profile, store_now(), error);
    if (stored == NULL)
        return FALSE;
    g_ptr_array_extend_and_steal(trial->candidates, g_steal_pointer(&stored));
    return TRUE;
}

/* ---- one try ---- */

static gboolean
needs_nothing(const TaskInfo *task)
{
    for (guint i = 0; i < task->params->len; i++)
        if (((const FieldInfo *)task->params->pdata[i])->flags & POSTERN_FIELD_REQUIRED)
            return FALSE;
    return (task->flags & POSTERN_TASK_READ_ONLY) &&
           !(task->flags & (POSTERN_TASK_PROBE | POSTERN_TASK_SERVICE | POSTERN_TASK_NO_TARGET));
}

/* The plainest task that only reads and logs in with that type: the one with the fewest results. */
static const TaskInfo *
task_for(Registry *registry, const char *type)
{
    const GPtrArray *tasks = registry_tasks(registry);
    const TaskInfo *best = NULL;

    for (guint i = 0; i < tasks->len; i++) {
        const TaskInfo *task = tasks->pdata[i];

        if (g_strv_contains((const char *const *)task->credentials, type) && needs_nothing(task) &&
            (best == NULL || task->outputs->len < best->outputs->len))
            best = task;
    }
    return best;
}

/* Whoever was let in may still lack the right to what was asked. */
static void
on_outcome(const Outcome *outcome, gpointer data)
{
    static const PosternError behind_login[] = {POSTERN_ERROR_FORBIDDEN,
                                                POSTERN_ERROR_NOT_SUPPORTED,
                                                POSTERN_ERROR_CONSENT,
                                                POSTERN_ERROR_DEVICE,
                                                POSTERN_ERROR_CONFLICT};
    Trial *trial = data;

    trial->fate = outcome->kind == OUTCOME_OK                  ? "accepted"
                  : outcome->error->code == POSTERN_ERROR_AUTH ? "refused"
                                                               : "not tried";
    for (guint i = 0; outcome->kind != OUTCOME_OK && i < G_N_ELEMENTS(behind_login); i++)
        if (outcome->error->code == (gint)behind_login[i])
            trial->fate = "accepted";
    g_free(trial->why);
    trial->why = outcome->error != NULL ? g_strdup(outcome->error->message) : NULL;
}

static gboolean
try_one(Trial *trial, const TaskInfo *task, PosternCredential *credential, GError **error)
{
    Host *host = trial->opened->host;
    g_autoptr(CredentialSource) source = credential_source_new();
    g_autoptr(TargetSource) targets = target_source_new();
    g_autoptr(GVariant) params = fields_complete(task->params, NULL, task->id, error);
    const TaskInfo *loaded =
        params != NULL ? registry_load(host_registry(host), task, error) : NULL;
    g_autofree char *where =
        trial->target->port != 0
            ? g_strdup_printf("%s:%u", trial->target->host, trial->target->port)
            : g_strdup(trial->target->host);
    BatchLimits limits = {.timeout_ms = trial->args->timeout_ms};
    BatchSink sink = {.outcome = on_outcome, .data = trial};
    g_autoptr(Batch) batch = NULL;

    source->alone = source->again = TRUE;
    g_ptr_array_add(source->given, credential_ref(credential));
    if (loaded == NULL || !target_source_add(targets, where, error))
        return FALSE;
    batch = batch_new(host, loaded, params, targets, source, NULL, &limits, &sink);
    if (!batch_run(batch, error))
        return FALSE;
    if (batch_left_behind(batch)) {
        out_finish();
        _exit(STATUS_SOME_FAILED); /* a task that blocks still uses what we would free */
    }
    return TRUE;
}

/* ---- what became of each ---- */

static void
fate_cells(gconstpointer data, const char **cells)
{
    const char *const *four = data;

    for (guint i = 0; i < 4; i++)
        cells[i] = four[i];
}

static void
fate_members(gconstpointer data, GString *out)
{
    static const char *const names[] = {"credential", "type", "fate", "why"};
    const char *const *four = data;

    for (guint i = 0; i < 4; i++)
        json_member(out, names[i], four[i]);
}

static gboolean
test_one(Trial *trial, const ProfileCandidate *one, GError **error)
{
    const TaskInfo *task = task_for(host_registry(trial->opened->host), one->credential->type->id);

    trial->fate = "not tried";
    g_clear_pointer(&trial->why, g_free);
    if (one->barred != NULL && !trial->args->again)
        trial->why = g_strdup(one->barred);
    else if (task == NULL)
        trial->why = g_strdup("no task of an enabled plugin only reads and logs in with this type");
    else
        return try_one(trial, task, one->credential, error);
    return TRUE;
}

static gboolean
test_all(Trial *trial, gboolean *accepted, GError **error)
{
    static const char *const titles[] = {"CREDENTIAL", "TYPE", "FATE", "WHY", NULL};
    static const ListKind kind = {titles, fate_cells, fate_members};
    List *list = list_begin(&kind, trial->args->output);
    gboolean good = TRUE;

    *accepted = FALSE;
    for (guint i = 0; good && i < trial->candidates->len; i++) {
        const ProfileCandidate *one = trial->candidates->pdata[i];

        good = test_one(trial, one, error);
        *accepted = *accepted || g_str_equal(trial->fate, "accepted");
        if (good)
            list_add(list,
                     (const char *const[]){one->credential->label,
                                           one->credential->type->id,
                                           trial->fate,
                                           trial->why != NULL ? trial->why : ""});
    }
    list_end(list);
    return good;
}

Status
verb_credential_test(const Args *args)
{
    g_autoptr(Opened) opened = opened_new_for_runs(args);
    g_autoptr(GError) error = NULL;
    g_auto(Trial) trial = {.args = args, .opened = opened};
    gboolean accepted = FALSE;

    if (opened == NULL)
        return STATUS_CONFIG;
    if (!find_target(&trial, &error) || !find_candidates(&trial, &error))
        return status_of_error(error);
    if (trial.candidates->len == 0) {
        complain("there is no login to try on %s: postern credential add stores one, --credential "
                 "gives one",
                 trial.target->text);
        return STATUS_SOME_FAILED;
    }
    if (!test_all(&trial, &accepted, &error))
        return status_of_error(error);
    return accepted ? STATUS_GOOD : STATUS_SOME_FAILED;
}
