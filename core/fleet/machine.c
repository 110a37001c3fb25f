/* SPDX-License-Identifier: Apache-2.0 */
#include "config.h"

#include "error.h"
#include "machine-private.h"

#include <string.h>

/* ---- one record ---- */

static void
key_free(gpointer data)
{
    MachineKey *key = data;

    g_free(key->value);
    g_free(key->kind);
    g_free(key->source);
    g_free(key);
}

static void
fact_free(gpointer data)
{
    MachineFact *fact = data;

    g_free(fact->name);
    g_free(fact->text);
    g_free(fact->source);
    g_free(fact);
}

void
machine_free(Machine *machine)
{
    if (machine == NULL)
        return;
    g_free(machine->uuid);
    g_free(machine->name);
    g_ptr_array_unref(machine->keys);
    g_ptr_array_unref(machine->facts);
    g_ptr_array_unref(machine->tags);
    g_free(machine);
}

static void
take_key(StoreRows *rows, Machine *machine)
{
    MachineKey *key = g_new0(MachineKey, 1);

    key->kind = g_strdup(store_text(rows, 0));
    key->value = g_strdup(store_text(rows, 1));
    key->first_seen = store_integer(rows, 2);
    key->seen = store_integer(rows, 3);
    key->source = g_strdup(store_text(rows, 4));
    g_ptr_array_add(machine->keys, key);
}

static void
take_fact(StoreRows *rows, Machine *machine)
{
    MachineFact *fact = g_new0(MachineFact, 1);

    fact->name = g_strdup(store_text(rows, 0));
    fact->text = g_strdup(store_text(rows, 1));
    fact->seen = store_integer(rows, 2);
    fact->source = g_strdup(store_text(rows, 3));
    g_ptr_array_add(machine->facts, fact);
}

static void
take_tag(StoreRows *rows, Machine *machine)
{
    g_ptr_array_add(machine->tags, g_strdup(store_text(rows, 0)));
}

static gboolean
read_part(Store *store,
          Machine *machine,
          const char *sql,
          void (*take)(StoreRows *rows, Machine *machine),
          GError **error)
{
    g_autoptr(GError) problem = NULL;
    g_autoptr(StoreRows) rows = store_query(store, &problem, sql, "i", machine->id);

    while (rows != NULL && store_next(rows, &problem))
        take(rows, machine);
    if (problem == NULL)
        return TRUE;
    g_propagate_error(error, g_steal_pointer(&problem));
    return FALSE;
}

static Machine *
read_itself(Store *store, gint64 id, GError **error)
{
    g_autoptr(GError) problem = NULL;
    g_autoptr(StoreRows) rows = store_query(
        store, &problem, "SELECT uuid, name, created, seen FROM machine WHERE id = $1", "i", id);
    Machine *machine;

    if (rows == NULL || !store_next(rows, &problem)) {
        if (problem != NULL)
            g_propagate_error(error, g_steal_pointer(&problem));
        else
            error_set_bad(error, "there is no machine #%" G_GINT64_FORMAT, id);
        return NULL;
    }
    machine = g_new0(Machine, 1);
    machine->id = id;
    machine->uuid = g_strdup(store_text(rows, 0));
    machine->name = g_strdup(store_text(rows, 1));
    machine->created = store_integer(rows, 2);
    machine->seen = store_integer(rows, 3);
    machine->keys = g_ptr_array_new_with_free_func(key_free);
    machine->facts = g_ptr_array_new_with_free_func(fact_free);
    machine->tags = g_ptr_array_new_with_free_func(g_free);
    return machine;
}

Machine *
machine_read(Store *store, gint64 id, GError **error)
{
    g_autoptr(Machine) machine = read_itself(store, id, error);

    if (machine != NULL &&
        read_part(
            store,
            machine,
            "SELECT kind, value, first_seen, seen, source FROM machine_key WHERE machine = $1 "
            "ORDER BY kind, seen DESC, value",
            take_key,
            error) &&
        read_part(
            store,
            machine,
            "SELECT name, text, seen, source FROM machine_fact WHERE machine = $1 ORDER BY name",
            take_fact,
            error) &&
        read_part(store,
                  machine,
                  "SELECT tag FROM machine_tag WHERE machine = $1 ORDER BY tag",
                  take_tag,
                  error))
        return g_steal_pointer(&machine);
    return NULL;
}

/* ---- many ---- */

#define LATEST(kind)                                                                               \
    "(SELECT value FROM machine_key k WHERE k.machine = m.id AND k.kind = '" kind                  \
    "' ORDER BY seen DESC LIMIT 1)"

StoreRows *
machine_rows(Store *store, const char *condition, GPtrArray *values, GError **error)
{
    g_autoptr(GPtrArray) none = g_ptr_array_new();
    g_autofree char *sql = g_strconcat("SELECT m.id, m.uuid, m.name, " LATEST("fqdn") ", " LATEST(
                                           "address") ", m.seen "
                                                      "FROM machine m WHERE ",
                                       condition != NULL ? condition : "1 = 1",
                                       " ORDER BY m.name, m.id",
                                       NULL);

    return store_query_values(store, sql, values != NULL ? values : none, error);
}

StoreRows *
machine_history(Store *store, gint64 machine, GError **error)
{
    return store_query(store,
                       error,
                       "SELECT at, source, name, old, new FROM machine_history WHERE machine = $1 "
                       "ORDER BY id DESC",
                       "i",
                       machine);
}

/* ---- changes by people ---- */

gboolean
machine_note(Store *store,
             gint64 machine,
             gint64 at,
             const char *source,
             const char *name,
             const char *old,
             const char *new,
             GError **error)
{
    return store_run(store,
                     error,
                     "INSERT INTO machine_history (machine, at, source, name, old, new) "
                     "VALUES ($1, $2, $3, $4, $5, $6)",
                     "iissss",
                     machine,
                     at,
                     source,
                     name,
                     old,
                     new);
}

gboolean
machine_set_tag(Store *store, gint64 machine, const char *tag, gboolean set, GError **error)
{
    gboolean good = store_run(
        store,
        error,
        set ? "INSERT INTO machine_tag (tag, machine) VALUES ($1, $2) ON CONFLICT DO NOTHING"
            : "DELETE FROM machine_tag WHERE tag = $1 AND machine = $2",
        "si",
        tag,
        machine);

    if (!good || store_changes(store) == 0)
        return good;
    return machine_note(
        store, machine, store_now(), "tag", "tag", set ? NULL : tag, set ? tag : NULL, error);
}

gboolean
machine_forget(Store *store, gint64 machine, GError **error)
{
    g_autofree char *subject = g_strdup_printf("machine:%" G_GINT64_FORMAT, machine);

    return store_run(store, error, "DELETE FROM login WHERE subject = $1", "s", subject) &&
           store_run(store, error, "DELETE FROM machine WHERE id = $1", "i", machine);
}

/* ---- two that are one ---- */

/* Rows of `other` that `keep` does not have become its own; the rest goes with `other`. */
static gboolean
move_rows(Store *store, gint64 keep, gint64 other, GError **error)
{
    static const char *const moves[] = {
        "UPDATE OR IGNORE machine_key SET machine = $1 WHERE machine = $2",
        "UPDATE OR IGNORE machine_fact SET machine = $1 WHERE machine = $2",
        "UPDATE OR IGNORE machine_tag SET machine = $1 WHERE machine = $2",
        "UPDATE machine_history SET machine = $1 WHERE machine = $2"};

    for (guint i = 0; i < G_N_ELEMENTS(moves); i++)
        if (!store_run(store, error, moves[i], "ii", keep, other))
            return FALSE;
    return store_run(
               store,
               error,
               "UPDATE machine SET created = min(created, (SELECT created FROM machine WHERE id = "
               "$1)), seen = max(seen, (SELECT seen FROM machine WHERE id = $1)) WHERE id = $2",
               "ii",
               other,
               keep) &&
           store_run(store,
                     error,
                     "UPDATE OR IGNORE login SET subject = 'machine:' || $1 "
                     "WHERE subject = 'machine:' || $2",
                     "ii",
                     keep,
                     other);
}

static gboolean
may_merge(const Machine *keep, const Machine *other, gboolean sure, GError **error)
{
    if (keep->id == other->id) {
        error_set_bad(error, "%s is one machine already", keep->name);
        return FALSE;
    }
    if (sure || keep->uuid == NULL || other->uuid == NULL)
        return TRUE;
    g_set_error(
        error,
        POSTERN_ERROR,
        POSTERN_ERROR_CONFLICT,
        "%s has UUID %s and %s has UUID %s: these are two machines; a board that was replaced is "
        "merged with --yes",
        keep->name,
        keep->uuid,
        other->name,
        other->uuid);
    return FALSE;
}

gboolean
machine_merge(Store *store, gint64 keep, gint64 other, gboolean sure, GError **error)
{
    g_autoptr(Machine) first = machine_read(store, keep, error);
    g_autoptr(Machine) second = first != NULL ? machine_read(store, other, error) : NULL;

    if (second == NULL || !may_merge(first, second, sure, error) ||
        !move_rows(store, keep, other, error) || !machine_forget(store, other, error))
        return FALSE;
    if (first->uuid == NULL && second->uuid != NULL &&
        !store_run(
            store, error, "UPDATE machine SET uuid = $1 WHERE id = $2", "si", second->uuid, keep))
        return FALSE;
    return machine_note(
        store, keep, store_now(), "merge", "merged", second->name, first->name, error);
}
