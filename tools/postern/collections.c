/* SPDX-License-Identifier: Apache-2.0 */
/*
 * collections.c - the verbs about collections.
 */
#include "config.h"

#include "collection.h"
#include "fleet-open.h"
#include "json.h"
#include "list.h"
#include "machine-list.h"
#include "machine.h"
#include "out.h"
#include "verbs.h"

#include <string.h>

/* ---- list ---- */

/* Its targets in one text. The caller's. */
static char *
targets_text(const Collection *collection)
{
    GString *text = g_string_new(NULL);

    for (guint i = 0; i < collection->targets->len; i++)
        g_string_append_printf(
            text, "%s%s", i > 0 ? " " : "", (const char *)collection->targets->pdata[i]);
    return g_string_free(text, FALSE);
}

typedef struct {
    const Collection *collection;
    const char *targets;
} Item;

static void
collection_cells(gconstpointer data, const char **cells)
{
    const Item *item = data;

    cells[0] = item->collection->name;
    cells[1] = item->collection->query != NULL ? "query" : "list";
    cells[2] = item->collection->query != NULL ? item->collection->query : item->targets;
}

static void
collection_members(gconstpointer data, GString *out)
{
    const Collection *collection = ((const Item *)data)->collection;

    json_member(out, "name", collection->name);
    json_member(out, "query", collection->query);
    json_name(out, "targets");
    g_string_append_c(out, '[');
    for (guint i = 0; i < collection->targets->len; i++) {
        g_string_append(out, i > 0 ? "," : "");
        json_string(out, collection->targets->pdata[i]);
    }
    g_string_append_c(out, ']');
}

Status
verb_collection_list(const Args *args)
{
    static const char *const titles[] = {"NAME", "KIND", "WHAT", NULL};
    static const ListKind kind = {titles, collection_cells, collection_members};
    g_autoptr(Opened) opened = opened_new(args);
    g_autoptr(GError) error = NULL;
    g_autoptr(GPtrArray) all = opened != NULL ? collection_list(opened->store, &error) : NULL;
    List *list;

    if (all == NULL)
        return error != NULL ? status_of_error(error) : STATUS_CONFIG;
    list = list_begin(&kind, args->output);
    for (guint i = 0; i < all->len; i++) {
        g_autofree char *targets = targets_text(all->pdata[i]);
        Item item = {all->pdata[i], targets};
        list_add(list, &item);
    }
    list_end(list);
    return STATUS_GOOD;
}

/* ---- show ---- */

/* What it is goes to standard error, so that standard output has machines only. */
static void
tell(const Collection *collection)
{
    g_autofree char *targets = targets_text(collection);

    remark("%s: %s",
           collection->query != NULL ? "query" : "list",
           collection->query != NULL ? collection->query : targets);
}

/* Machines for which the condition holds, and how many they are. */
static Status
print_machines(const Args *args, Store *store, const char *condition, GPtrArray *values)
{
    g_autoptr(GError) error = NULL;
    guint64 count = 0;

    if (!machine_list_print(store, condition, values, args->output, &count, &error))
        return status_of_error(error);
    if (!args->quiet && args->output == FORMAT_TABLE)
        remark("%" G_GUINT64_FORMAT " machines", count);
    return STATUS_GOOD;
}

Status
verb_collection_show(const Args *args)
{
    g_autoptr(Opened) opened = opened_new(args);
    g_autoptr(GString) condition = g_string_new(NULL);
    g_autoptr(GPtrArray) values = g_ptr_array_new_with_free_func((GDestroyNotify)g_variant_unref);
    g_autoptr(Collection) collection = NULL;
    g_autoptr(GError) error = NULL;
    const char *name = args_word(args, 0);

    if (opened == NULL)
        return STATUS_CONFIG;
    collection = collection_read(opened->store, name[0] == '@' ? name + 1 : name, &error);
    if (collection == NULL ||
        !collection_sql(
            opened->store, collection->name, "m.id", store_now(), 0, condition, values, &error))
        return status_of_error(error);
    if (!args->quiet)
        tell(collection);
    return print_machines(args, opened->store, condition->str, values);
}

/* ---- save and remove ---- */

static gboolean
save(Opened *opened, gpointer data, GError **error)
{
    const Args *args = data;
    Store *store = opened->store;
    const char *first = args_word(args, 1);
    g_autoptr(GPtrArray) targets = g_ptr_array_new();

    if (g_str_has_prefix(first, "query=") && args->words->len == 2)
        return collection_save_query(store, args_word(args, 0), first + strlen("query="), error);
    for (guint i = 1; i < args->words->len; i++)
        g_ptr_array_add(targets, g_ptr_array_index(args->words, i));
    g_ptr_array_add(targets, NULL);
    return collection_save_list(
        store, args_word(args, 0), (const char *const *)targets->pdata, error);
}

static gboolean
drop(Opened *opened, gpointer data, GError **error)
{
    return collection_remove(opened->store, args_word(data, 0), error);
}

static Status
change(const Args *args, OpenedChange fn)
{
    g_autoptr(Opened) opened = opened_new(args);

    return opened == NULL
               ? STATUS_CONFIG
               : opened_change(opened, args, args_word(args, 0), fn, (gpointer)(gsize)args);
}

Status
verb_collection_save(const Args *args)
{
    return change(args, save);
}

Status
verb_collection_remove(const Args *args)
{
    return change(args, drop);
}

/* ---- test ---- */

static void
target_cells(gconstpointer data, const char **cells)
{
    cells[0] = ((const char *const *)data)[0];
    cells[1] = ((const char *const *)data)[1];
}

static void
target_members(gconstpointer data, GString *out)
{
    const char *const *pair = data;

    json_member(out, "target", pair[0]);
    json_flag(out, "found", strcmp(pair[1], "yes") == 0);
}

/* Is the machine that `target` means among those for which the condition holds? */
static gboolean
finds(Store *store,
      const char *condition,
      GPtrArray *values,
      const char *target,
      gboolean *found,
      GError **error)
{
    g_autoptr(GError) problem = NULL;
    g_autoptr(StoreRows) rows = NULL;
    g_autofree char *both = NULL;
    gint64 machine = 0;

    if (!machine_find(store, target, &machine, error))
        return FALSE;
    both = g_strdup_printf("(%s) AND m.id = %" G_GINT64_FORMAT, condition, machine);
    rows = machine_rows(store, both, values, &problem);
    *found = rows != NULL && store_next(rows, &problem);
    if (problem == NULL)
        return TRUE;
    g_propagate_error(error, g_steal_pointer(&problem));
    return FALSE;
}

static Status
test_targets(const Args *args, Store *store, const char *condition, GPtrArray *values)
{
    static const char *const titles[] = {"TARGET", "FOUND", NULL};
    static const ListKind kind = {titles, target_cells, target_members};
    g_autoptr(GError) error = NULL;
    List *list = list_begin(&kind, args->output);
    gboolean all = TRUE, found = FALSE;

    for (guint i = 1; error == NULL && i < args->words->len; i++) {
        if (!finds(store, condition, values, args_word(args, i), &found, &error))
            break;
        all = all && found;
        list_add(list, (const char *const[]){args_word(args, i), found ? "yes" : "no"});
    }
    list_end(list);
    if (error != NULL)
        return status_of_error(error);
    return all ? STATUS_GOOD : STATUS_SOME_FAILED;
}

Status
verb_collection_test(const Args *args)
{
    g_autoptr(Opened) opened = opened_new(args);
    g_autoptr(GString) condition = g_string_new(NULL);
    g_autoptr(GPtrArray) values = g_ptr_array_new_with_free_func((GDestroyNotify)g_variant_unref);
    g_autoptr(Query) query = NULL;
    g_autofree char *spelled = NULL;
    g_autoptr(GError) error = NULL;

    if (opened == NULL)
        return STATUS_CONFIG;
    query = query_parse(args_word(args, 0), &error);
    if (query == NULL ||
        !query_sql(query, opened->store, "m.id", store_now(), 0, condition, values, &error))
        return status_of_error(error);
    spelled = query_print(query);
    if (!args->quiet)
        remark("read as: %s", spelled);
    return args->words->len > 1 ? test_targets(args, opened->store, condition->str, values)
                                : print_machines(args, opened->store, condition->str, values);
}
