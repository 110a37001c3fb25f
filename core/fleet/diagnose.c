/* SPDX-License-Identifier: Apache-2.0 */
#include "config.h"

#include "diagnose-causes.h"
#include "diagnose.h"
#include "error.h"
#include "host.h"

#include <postern-check.h>
#include <postern-host.h>

#include <string.h>

enum { TIMEOUT_MS = 180000 };

/* One task that takes part. */
typedef struct {
    char *id;
    char *failure; /* why its plugin could not be loaded, or NULL */
} Probe;

typedef struct {
    PosternServices svc;
    GPtrArray *probes; /* of Probe, in the order in which they run */
} Diagnose;

/* ---- who takes part ---- */

static gboolean
needs_parameter(const TaskInfo *task)
{
    for (guint i = 0; i < task->params->len; i++)
        if (((const FieldInfo *)task->params->pdata[i])->flags & POSTERN_FIELD_REQUIRED)
            return TRUE;
    return FALSE;
}

gboolean
diagnose_is_probe(const TaskInfo *task)
{
    guint32 wanted = POSTERN_TASK_PROBE | POSTERN_TASK_READ_ONLY;

    if ((task->flags & wanted) != wanted || needs_parameter(task))
        return FALSE;
    for (guint i = 0; i < task->outputs->len; i++) {
        const FieldInfo *field = task->outputs->pdata[i];

        if (strcmp(field->name, "checks") == 0 && strcmp(field->type, "aa{sv}") == 0)
            return TRUE;
    }
    return FALSE;
}

static void
probe_free(gpointer data)
{
    Probe *probe = data;

    g_free(probe->id);
    g_free(probe->failure);
    g_free(probe);
}

/* Name and address come before any technology, and what they ask is cached for it. */
static gint
by_turn(gconstpointer a, gconstpointer b)
{
    const Probe *left = *(Probe *const *)a, *right = *(Probe *const *)b;
    gboolean left_first = g_str_has_prefix(left->id, "discovery.");
    gboolean right_first = g_str_has_prefix(right->id, "discovery.");

    if (left_first != right_first)
        return left_first ? -1 : 1;
    /* the name before the ports */
    return left_first ? strcmp(right->id, left->id) : strcmp(left->id, right->id);
}

/* A worker cannot load a plugin, so all that may be asked are loaded now. */
static GPtrArray *
load_probes(Registry *registry)
{
    GPtrArray *probes = g_ptr_array_new_with_free_func(probe_free);
    const GPtrArray *tasks = registry_tasks(registry);

    for (guint i = 0; i < tasks->len; i++) {
        const TaskInfo *task = tasks->pdata[i];
        g_autoptr(GError) problem = NULL;
        Probe *probe;

        if (!diagnose_is_probe(task))
            continue;
        probe = g_new0(Probe, 1);
        probe->id = g_strdup(task->id);
        if (registry_load(registry, task, &problem) == NULL)
            probe->failure = g_strdup(problem->message);
        g_ptr_array_add(probes, probe);
    }
    g_ptr_array_sort(probes, by_turn);
    return probes;
}

/* ---- the checks ---- */

static void
take_check(GPtrArray *checks, GVariant *check, const char *probe)
{
    GVariantDict dict;

    g_variant_dict_init(&dict, check);
    g_variant_dict_insert(&dict, "probe", "s", probe);
    g_ptr_array_add(checks, g_variant_ref_sink(g_variant_dict_end(&dict)));
}

static void
take_checks(GPtrArray *checks, GVariant *list, const char *probe)
{
    for (gsize i = 0; i < g_variant_n_children(list); i++) {
        g_autoptr(GVariant) check = g_variant_get_child_value(list, i);

        take_check(checks, check, probe);
    }
}

/* A probe that could not look says nothing about the machine. */
static void
take_failure(GPtrArray *checks, const Probe *probe, gint code, const char *message)
{
    const ErrorWord *word = error_word(code);
    g_autoptr(GVariant) list = NULL;
    PosternChecks made;

    checks_begin(&made);
    checks_add(&made, "technology", "unknown", word->word, message, NULL, word->hint);
    list = g_variant_ref_sink(checks_end(&made));
    take_checks(checks, list, probe->id);
}

static guint
stage_rank(GVariant *check)
{
    static const char *const stages[] = {POSTERN_CHECK_STAGES};
    const char *stage = params_string(check, "stage");
    guint rank = 0;

    while (stages[rank] != NULL && g_strcmp0(stages[rank], stage) != 0)
        rank++;
    return rank;
}

static gint
by_stage(gconstpointer a, gconstpointer b)
{
    guint left = stage_rank(*(GVariant *const *)a), right = stage_rank(*(GVariant *const *)b);

    return left < right ? -1 : left > right ? 1 : 0;
}

/* The first check in this state, or NULL. */
static GVariant *
first_in_state(const GPtrArray *checks, const char *state)
{
    for (guint i = 0; i < checks->len; i++)
        if (g_strcmp0(params_string(checks->pdata[i], "state"), state) == 0)
            return checks->pdata[i];
    return NULL;
}

static void
add_reason(PosternResult *result, GVariant *check)
{
    const DiagnoseCause *cause = diagnose_cause(params_string(check, "cause"));
    const char *hint = params_string(check, "hint");

    result_string(result, "cause", params_string(check, "cause"));
    result_string(result, "stage", params_string(check, "stage"));
    result_string(result, "found", params_string(check, "found"));
    result_string(result, "expected", params_string(check, "expected"));
    result_string(result, "hint", hint == NULL && cause != NULL ? cause->hint : hint);
}

GVariant *
diagnose_conclude(GPtrArray *checks)
{
    GVariant *failed, *reason;
    PosternResult result;

    g_ptr_array_sort(checks, by_stage); /* stable: a probe's own order stays within a stage */
    failed = first_in_state(checks, "failed");
    reason = failed != NULL ? failed : first_in_state(checks, "note");
    if (reason == NULL)
        reason = first_in_state(checks, "unknown");
    result_begin(&result);
    result_string(&result,
                  "verdict",
                  failed != NULL   ? "broken"
                  : reason != NULL ? "works-with-notes"
                                   : "ok");
    if (reason != NULL)
        add_reason(&result, reason);
    result_value(
        &result,
        "checks",
        g_variant_new_array(G_VARIANT_TYPE_VARDICT, (GVariant *const *)checks->pdata, checks->len));
    return result_end(&result);
}

/* ---- the task ---- */

/* FALSE only when the diagnosis itself is to end. */
static gboolean
run_probe(
    const Diagnose *self, PosternRun *run, const Probe *probe, GPtrArray *checks, GError **error)
{
    g_autoptr(GVariant) result = NULL, list = NULL;
    g_autoptr(GError) problem = NULL;

    if (probe->failure != NULL) {
        take_failure(checks, probe, POSTERN_ERROR_NOT_SUPPORTED, probe->failure);
        return TRUE;
    }
    result = self->svc.tasks->run(run, probe->id, NULL, NULL, &problem);
    if (result == NULL && self->svc.run->cancelled(run)) {
        g_propagate_error(error, g_steal_pointer(&problem));
        return FALSE;
    }
    if (result == NULL) {
        take_failure(checks, probe, problem->code, problem->message);
        return TRUE;
    }
    list = params_value(result, "checks", "aa{sv}");
    if (list != NULL)
        take_checks(checks, list, probe->id);
    return TRUE;
}

static GVariant *
run_diagnose(PosternRun *run, GVariant *params, gpointer data, GError **error)
{
    const Diagnose *self = data;
    g_autoptr(GPtrArray) checks = g_ptr_array_new_with_free_func((GDestroyNotify)g_variant_unref);

    for (guint i = 0; i < self->probes->len; i++) {
        const Probe *probe = self->probes->pdata[i];

        self->svc.run->progress(run, (double)i / self->probes->len, probe->id);
        if (!run_probe(self, run, probe, checks, error))
            return NULL;
    }
    if (checks->len > 0)
        return diagnose_conclude(checks);
    postern_fail(error,
                 POSTERN_ERROR_NOT_SUPPORTED,
                 "nothing was checked: no enabled plugin has a probe that returns checks; enable "
                 "some, such as discovery and amt, in plugins.d");
    return NULL;
}

/* ---- the tables ---- */

static gpointer
create(const PosternHost *host, GVariant *config, GError **error)
{
    Diagnose *self = g_new0(Diagnose, 1);

    postern_services_init(&self->svc, host);
    self->probes = load_probes(host_registry(host->impl)); /* `impl` is the Host (host.c) */
    return self;
}

static void
destroy(gpointer data)
{
    Diagnose *self = data;

    g_ptr_array_unref(self->probes);
    g_free(self);
}

/* clang-format off */
static const char *const verdicts[] = {"ok", "works-with-notes", "broken", NULL};

static const PosternField *const outputs[] = {
    POSTERN_FIELD_ITEM(.name = "verdict", .type = "s", .flags = POSTERN_FIELD_REQUIRED, .choices = verdicts,
                       .summary = "whether the machine can be managed from here"),
    POSTERN_FIELD_ITEM(.name = "cause", .type = "s",
                       .summary = "word for the first broken link, else for the first note: postern explain CAUSE"),
    POSTERN_FIELD_ITEM(.name = "stage", .type = "s", .summary = "the link of the chain that this is about"),
    POSTERN_FIELD_ITEM(.name = "found", .type = "s", .summary = "what was found there"),
    POSTERN_FIELD_ITEM(.name = "expected", .type = "s", .summary = "what should be there"),
    POSTERN_FIELD_ITEM(.name = "hint", .type = "s", .summary = "what to do"),
    POSTERN_CHECKS_FIELD,
    NULL,
};

static const PosternTask *const tasks[] = {
    POSTERN_TASK_ITEM(.id = DIAGNOSE_TASK, .flags = POSTERN_TASK_READ_ONLY | POSTERN_TASK_IDEMPOTENT,
                      .timeout_ms = TIMEOUT_MS, .summary = "find the first broken link between here and a machine's management",
                      .details = "Runs every probe of the enabled plugins that returns checks, and puts their checks in the "
                                 "order in which they depend on each other. A probe that fails becomes a check whose state is unknown.",
                      .outputs = outputs, .run = run_diagnose),
    NULL,
};

static const char *const services[] = {POSTERN_SVC_RUN, POSTERN_SVC_TASKS, NULL};

static const PosternPlugin diagnose_plugin = {
    .magic = POSTERN_MAGIC, .size = sizeof(PosternPlugin), .abi_major = POSTERN_ABI_MAJOR, .abi_minor = POSTERN_ABI_MINOR,
    .name = "fleet", .version = PACKAGE_VERSION, .license = "Apache-2.0", .summary = "what concerns all technologies",
    .origin = "postern", .requires_services = services, .tasks = tasks, .create = create, .destroy = destroy,
};
/* clang-format on */

gboolean
diagnose_add(Registry *registry, GError **error)
{
    return registry_add_builtin(registry, &diagnose_plugin, error);
}
