/* SPDX-License-Identifier: Apache-2.0 */
/*
 * roles.c - the verbs that show roles, and what they allow.
 */
#include "config.h"

#include "fleet-open.h"
#include "host-open.h"
#include "json.h"
#include "list.h"
#include "machine.h"
#include "out.h"
#include "verbs.h"

/* ---- access list ---- */

/* Texts that cells point to live as long as the row. */
typedef struct {
    const Role *role;
    char *members, *tasks, *collections;
} RoleRow;

static void
role_row_free(gpointer data)
{
    RoleRow *row = data;

    g_free(row->members);
    g_free(row->tasks);
    g_free(row->collections);
    g_free(row);
}

static void
role_cells(gconstpointer item, const char **cells)
{
    const RoleRow *row = item;

    cells[0] = row->role->name;
    cells[1] = *row->members != '\0' ? row->members : "-";
    cells[2] = row->collections;
    cells[3] = row->tasks;
    cells[4] = row->role->summary != NULL ? row->role->summary : "";
}

static void
texts_member(GString *out, const char *name, char **texts)
{
    g_autoptr(GVariant) value =
        g_variant_ref_sink(g_variant_new_strv((const char *const *)texts, -1));

    json_name(out, name);
    json_value(out, value);
}

static void
role_members(gconstpointer item, GString *out)
{
    const Role *role = ((const RoleRow *)item)->role;

    json_member(out, "name", role->name);
    json_member(out, "summary", role->summary);
    texts_member(out, "members", role->members);
    texts_member(out, "collections", role->collections);
    texts_member(out, "tasks", role->tasks);
    json_member(out, "file", role->file);
}

static Access *
read_roles(const Args *args)
{
    g_autoptr(GError) error = NULL;
    g_autoptr(Host) host = host_open(args);
    g_autofree char *directory = NULL;
    Access *access;

    if (host == NULL)
        return NULL;
    directory = access_directory(host_settings(host)->file);
    access = access_read(directory, &error);
    if (access == NULL)
        complain("%s", error->message);
    return access;
}

Status
verb_access_list(const Args *args)
{
    static const char *const titles[] = {
        "ROLE", "MEMBERS", "COLLECTIONS", "TASKS", "SUMMARY", NULL};
    static const ListKind kind = {titles, role_cells, role_members};
    g_autoptr(Access) access = read_roles(args);
    g_autoptr(GPtrArray) rows = g_ptr_array_new_with_free_func(role_row_free);
    GPtrArray *roles;

    if (access == NULL)
        return STATUS_CONFIG;
    roles = access_roles(access);
    for (guint i = 0; i < roles->len; i++) {
        RoleRow *row = g_new0(RoleRow, 1);

        row->role = roles->pdata[i];
        row->members = g_strjoinv(", ", row->role->members);
        row->tasks = g_strjoinv(", ", row->role->tasks);
        row->collections = g_strjoinv(", ", row->role->collections);
        g_ptr_array_add(rows, row);
    }
    list_print(&kind, rows, args->output);
    if (access_is_open(access) && !args->quiet)
        remark("no role has members: whoever can open the store may run every task");
    return STATUS_GOOD;
}

/* ---- access check ---- */

enum { VERDICTS_MAX = 10000 };

typedef struct {
    const char *user, *task; /* of the command line */
    char *target, *role, *why;
    gboolean may;
} Verdict;

static void
verdict_free(gpointer data)
{
    Verdict *verdict = data;

    g_free(verdict->target);
    g_free(verdict->role);
    g_free(verdict->why);
    g_free(verdict);
}

static void
verdict_cells(gconstpointer item, const char **cells)
{
    const Verdict *verdict = item;

    cells[0] = verdict->target;
    cells[1] = verdict->may ? "allowed" : "denied";
    cells[2] = verdict->role != NULL ? verdict->role : "-";
    cells[3] = verdict->why;
}

static void
verdict_members(gconstpointer item, GString *out)
{
    const Verdict *verdict = item;

    json_member(out, "user", verdict->user);
    json_member(out, "task", verdict->task);
    json_member(out, "target", verdict->target);
    json_member(out, "verdict", verdict->may ? "allowed" : "denied");
    json_member(out, "role", verdict->role);
    json_member(out, "reason", verdict->why);
}

/* What all verdicts of one command share. */
typedef struct {
    Fleet *fleet;
    Store *store; /* or NULL */
    Actor *actor;
    const TaskInfo *task;
    GPtrArray *verdicts;
    gboolean denied;
} Question;

/* `target`: NULL for a task without one. FALSE with `error`: the store cannot tell. */
static gboolean
decide(Question *question, const Target *target, GError **error)
{
    const Access *access = fleet_access(question->fleet);
    const char *host = target != NULL ? target->host : NULL, *role = NULL;
    g_autoptr(GError) problem = NULL;
    gint64 machine = 0;
    Verdict *verdict;

    if (question->store != NULL && host != NULL &&
        !machine_at(
            question->store, host, store_now() - fleet_fresh_us(question->fleet), &machine, error))
        return FALSE;
    verdict = g_new0(Verdict, 1);
    g_ptr_array_add(question->verdicts, verdict);
    verdict->may = access_check(access,
                                question->store,
                                question->actor,
                                question->task->id,
                                machine,
                                host,
                                &role,
                                &problem);
    if (problem != NULL && problem->code != POSTERN_ERROR_FORBIDDEN) {
        g_propagate_error(error, g_steal_pointer(&problem));
        return FALSE;
    }
    verdict->user = question->actor->name;
    verdict->task = question->task->id;
    verdict->target = g_strdup(target != NULL ? target->text : "-");
    verdict->role = g_strdup(role);
    verdict->why = problem != NULL ? g_strdup(problem->message)
                   : role != NULL
                       ? g_strdup_printf("role %s grants it", role)
                       : g_strdup("no role has members: whoever can open the store may do all");
    question->denied = question->denied || !verdict->may;
    return TRUE;
}

/* One verdict for each target that `text` means. */
static gboolean
decide_all(Question *question, const char *text, GError **error)
{
    g_autoptr(TargetSource) source = target_source_new();
    g_autoptr(GError) problem = NULL;

    if (fleet_directory(question->fleet) != NULL)
        target_source_set_directory(source, fleet_directory(question->fleet));
    if (!target_source_add(source, text, error))
        return FALSE;
    while (problem == NULL) {
        g_autoptr(Target) target = target_source_next(source, &problem);

        if (target == NULL)
            break;
        if (question->verdicts->len == VERDICTS_MAX) {
            remark("only the first %d targets are shown", VERDICTS_MAX);
            break;
        }
        if (!decide(question, target, &problem))
            break;
    }
    if (problem == NULL)
        return TRUE;
    g_propagate_error(error, g_steal_pointer(&problem));
    return FALSE;
}

static gboolean
answer(Question *question, const char *target, GError **error)
{
    if ((question->task->flags & POSTERN_TASK_NO_TARGET) != 0)
        return decide(question, NULL, error);
    return decide_all(question, target, error);
}

Status
verb_access_check(const Args *args)
{
    static const char *const titles[] = {"TARGET", "VERDICT", "ROLE", "REASON", NULL};
    static const ListKind kind = {titles, verdict_cells, verdict_members};
    const FleetOptions options = {.dry = TRUE};
    g_autoptr(GError) error = NULL;
    g_autoptr(Host) host = host_open(args);
    g_autoptr(Fleet) fleet = host != NULL ? fleet_open(host, &options, &error) : NULL;
    g_autoptr(Actor) actor = actor_new(args_word(args, 0), NULL);
    g_autoptr(GPtrArray) verdicts = g_ptr_array_new_with_free_func(verdict_free);
    Question question = {.fleet = fleet, .actor = actor, .verdicts = verdicts};

    if (fleet == NULL && error != NULL)
        complain("%s", error->message);
    if (fleet == NULL)
        return STATUS_CONFIG;
    question.store = fleet_store(fleet, NULL);
    question.task = registry_task(host_registry(host), args_word(args, 1), &error);
    if (question.task == NULL) {
        complain("%s", error->message);
        return STATUS_USAGE;
    }
    if (!answer(&question, args_word(args, 2), &error))
        return status_of_error(error);
    list_print(&kind, verdicts, args->output);
    return question.denied ? STATUS_SOME_FAILED : STATUS_GOOD;
}
