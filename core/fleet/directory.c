/* SPDX-License-Identifier: Apache-2.0 */
/*
 * directory.c - names, UUIDs and collections as targets.
 */
#include "config.h"

#include "collection.h"
#include "error.h"
#include "machine.h"

#include <postern-plugin.h>

#include <string.h>

typedef struct {
    Store *store;
    gint64 fresh_us;
    guint depth; /* of collections that are being opened */
} Directory;

/* A collection while it is read: rows of machines, or a source of what a list names. */
typedef struct {
    Directory *directory;
    StoreRows *rows;
    TargetSource *list;
    TargetDirectory nested;
    GHashTable *seen; /* hosts: nobody is worked on twice */
} Members;

enum { DEPTH_MOST = 16 };

static gboolean directory_locate(Target *target, gpointer data, GError **error);

/* ---- members ---- */

static void
members_close(gpointer data)
{
    Members *members = data;

    store_rows_free(members->rows);
    g_clear_pointer(&members->list, target_source_free);
    g_hash_table_unref(members->seen);
    g_free(members);
}

/* A name that is its own alone, or what else tells it from others. */
static char *
text_of(StoreRows *rows, const char *host)
{
    const char *uuid = store_text(rows, 1), *name = store_text(rows, 2);

    if (store_integer(rows, 3) == 1 && strchr(name, ':') == NULL)
        return g_strdup(name);
    return g_strdup(uuid != NULL ? uuid : host);
}

static Target *
next_machine(Members *members, GError **error)
{
    const Directory *directory = members->directory;
    g_autofree char *host = NULL;
    Target *target;

    if (!store_next(members->rows, error))
        return NULL;
    host = machine_reach(directory->store,
                         store_integer(members->rows, 0),
                         store_now() - directory->fresh_us,
                         error);
    if (host == NULL) {
        if (error != NULL && *error == NULL)
            error_set_bad(
                error,
                "machine %s has neither FQDN nor address: it cannot be reached; postern machine "
                "add "
                "tells where it is",
                store_text(members->rows, 2));
        return NULL;
    }
    target = g_new0(Target, 1);
    target->text = text_of(members->rows, host);
    target->host = g_steal_pointer(&host);
    return target;
}

static Target *
members_next(gpointer data, GError **error)
{
    Members *members = data;
    Target *target;

    while ((target = members->list != NULL ? target_source_next(members->list, error)
                                           : next_machine(members, error)) != NULL) {
        if (g_hash_table_add(members->seen, g_strdup_printf("%s %u", target->host, target->port)))
            return target;
        target_free(target);
    }
    return NULL;
}

/* ---- opening ---- */

static gboolean
open_query(Members *members, const char *name, gint64 *count, GError **error)
{
    Store *store = members->directory->store;
    g_autoptr(GString) condition = g_string_new(NULL);
    g_autoptr(GString) sql = g_string_new(NULL);
    g_autoptr(GPtrArray) values = g_ptr_array_new_with_free_func((GDestroyNotify)g_variant_unref);
    g_autoptr(StoreRows) counted = NULL;

    if (!collection_sql(store, name, "m.id", store_now(), 0, condition, values, error))
        return FALSE;
    g_string_printf(sql, "SELECT count(*) FROM machine m WHERE %s", condition->str);
    counted = store_query_values(store, sql->str, values, error);
    if (counted == NULL || !store_next(counted, error))
        return FALSE;
    *count = store_integer(counted, 0);
    g_string_printf(
        sql,
        "SELECT m.id, m.uuid, m.name, (SELECT count(*) FROM machine o WHERE o.name = m.name) "
        "FROM machine m WHERE %s ORDER BY m.name, m.id",
        condition->str);
    members->rows = store_query_values(store, sql->str, values, error);
    return members->rows != NULL;
}

static gboolean
open_list(Members *members, const Collection *collection, gint64 *count, GError **error)
{
    members->list = target_source_new();
    target_source_set_directory(members->list, &members->nested);
    for (guint i = 0; i < collection->targets->len; i++)
        if (!target_source_add(members->list, collection->targets->pdata[i], error))
            return FALSE;
    /* who is named twice counts once: only a single member is sure */
    *count = collection->targets->len == 1 ? target_source_total(members->list) : -1;
    return TRUE;
}

static gpointer
directory_open(const char *name, gint64 *count, gpointer data, GError **error)
{
    Directory *directory = data;
    g_autoptr(Collection) collection = NULL;
    Members *members;
    gboolean good;

    if (directory->depth >= DEPTH_MOST) {
        error_set_bad(error, "collection '%s' contains itself", name);
        return NULL;
    }
    collection = collection_read(directory->store, name, error);
    if (collection == NULL)
        return NULL;
    members = g_new0(Members, 1);
    members->directory = directory;
    members->seen = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, NULL);
    members->nested =
        (TargetDirectory){directory, directory_open, members_next, members_close, directory_locate};
    directory->depth++;
    good = collection->query != NULL ? open_query(members, name, count, error)
                                     : open_list(members, collection, count, error);
    directory->depth--;
    if (good)
        return members;
    members_close(members);
    return NULL;
}

/* ---- single names ---- */

static gboolean
refuse_unknown(const char *uuid, GError **error)
{
    error_set_bad(
        error,
        "no machine with UUID %s is known: postern machine list shows those that are; a task that "
        "reads "
        "it (amt.inventory.get) makes it known",
        uuid);
    return FALSE;
}

static gboolean
directory_locate(Target *target, gpointer data, GError **error)
{
    const Directory *directory = data;
    gboolean is_uuid = machine_is_uuid(target->host);
    g_autofree char *host = NULL;
    gint64 machine = 0;

    if (g_hostname_is_ip_address(target->host))
        return TRUE;
    if (!machine_find(directory->store, target->host, &machine, error))
        return FALSE;
    if (machine == 0)
        return !is_uuid || refuse_unknown(target->host, error);
    if (strchr(target->host, '.') != NULL)
        return TRUE; /* a FQDN is for the name service to say */
    host = machine_reach(directory->store, machine, store_now() - directory->fresh_us, error);
    if (host != NULL) {
        g_free(target->host);
        target->host = g_steal_pointer(&host);
        return TRUE;
    }
    if (is_uuid && error != NULL && *error == NULL)
        error_set_bad(
            error,
            "machine %s has neither FQDN nor address: it cannot be reached; postern machine add "
            "tells "
            "where it is",
            target->host);
    return !is_uuid && (error == NULL || *error == NULL);
}

/* ---- life ---- */

TargetDirectory *
directory_new(Store *store, gint64 fresh_us)
{
    TargetDirectory *table = g_new0(TargetDirectory, 1);
    Directory *directory = g_new0(Directory, 1);

    directory->store = store;
    directory->fresh_us = fresh_us;
    table->data = directory;
    table->open = directory_open;
    table->next = members_next;
    table->close = members_close;
    table->locate = directory_locate;
    return table;
}

void
directory_free(TargetDirectory *table)
{
    if (table == NULL)
        return;
    g_free(table->data);
    g_free(table);
}
