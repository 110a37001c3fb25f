/* SPDX-License-Identifier: Apache-2.0 */
#include "config.h"

#include "collection.h"
#include "error.h"
#include "machine.h"
#include "name.h"
#include "suggest.h"

#include <postern-plugin.h>

#include <string.h>

/* Collections in collections; what goes deeper contains itself. */
enum { DEPTH_MOST = 16, MEMBERS_MOST = 100000 };

#define ALL "all"

/* ---- reading ---- */

void
collection_free(Collection *collection)
{
    if (collection == NULL)
        return;
    g_free(collection->name);
    g_free(collection->query);
    g_ptr_array_unref(collection->targets);
    g_free(collection);
}

static gboolean
read_targets(Store *store, Collection *collection, GError **error)
{
    g_autoptr(GError) problem = NULL;
    g_autoptr(StoreRows) rows =
        store_query(store,
                    &problem,
                    "SELECT target FROM collection_member WHERE collection = $1 ORDER BY place",
                    "s",
                    collection->name);

    while (rows != NULL && store_next(rows, &problem))
        g_ptr_array_add(collection->targets, g_strdup(store_text(rows, 0)));
    if (problem == NULL)
        return TRUE;
    g_propagate_error(error, g_steal_pointer(&problem));
    return FALSE;
}

static Collection *
read_row(Store *store, StoreRows *rows, GError **error)
{
    g_autoptr(Collection) collection = g_new0(Collection, 1);

    collection->name = g_strdup(store_text(rows, 0));
    collection->query = g_strdup(store_text(rows, 1));
    collection->changed = store_integer(rows, 2);
    collection->targets = g_ptr_array_new_with_free_func(g_free);
    return read_targets(store, collection, error) ? g_steal_pointer(&collection) : NULL;
}

GPtrArray *
collection_list(Store *store, GError **error)
{
    g_autoptr(GPtrArray) list = g_ptr_array_new_with_free_func((GDestroyNotify)collection_free);
    g_autoptr(GError) problem = NULL;
    g_autoptr(StoreRows) rows = store_query(
        store, &problem, "SELECT name, query, changed FROM collection ORDER BY name", "");

    while (rows != NULL && problem == NULL && store_next(rows, &problem)) {
        Collection *collection = read_row(store, rows, &problem);
        if (collection != NULL)
            g_ptr_array_add(list, collection);
    }
    if (problem == NULL)
        return g_steal_pointer(&list);
    g_propagate_error(error, g_steal_pointer(&problem));
    return NULL;
}

static void
refuse_name(Store *store, const char *name, GError **error)
{
    g_autoptr(GPtrArray) list = collection_list(store, error);
    Suggest suggest = {.typed = name};
    g_autofree char *meant = NULL;

    if (list == NULL)
        return;
    for (guint i = 0; i < list->len; i++)
        suggest_offer(&suggest, ((const Collection *)list->pdata[i])->name);
    suggest_offer(&suggest, ALL);
    meant = suggest_text(&suggest);
    error_set_bad(error,
                  "there is no collection '%s'%s; postern collection list shows those there are",
                  name,
                  meant);
}

static Collection *
all_machines(void)
{
    Collection *collection = g_new0(Collection, 1);

    collection->name = g_strdup(ALL);
    collection->query = g_strdup("name");
    collection->targets = g_ptr_array_new_with_free_func(g_free);
    return collection;
}

Collection *
collection_read(Store *store, const char *name, GError **error)
{
    g_autoptr(GError) problem = NULL;
    g_autoptr(StoreRows) rows = NULL;
    Collection *collection = NULL;

    if (strcmp(name, ALL) == 0)
        return all_machines();
    rows = store_query(
        store, &problem, "SELECT name, query, changed FROM collection WHERE name = $1", "s", name);
    if (rows != NULL && store_next(rows, &problem))
        collection = read_row(store, rows, &problem);
    if (problem != NULL)
        g_propagate_error(error, g_steal_pointer(&problem));
    else if (collection == NULL)
        refuse_name(store, name, error);
    return collection;
}

/* ---- the condition in SQL ---- */

#define LATEST                                                                                     \
    "NOT EXISTS (SELECT 1 FROM machine_key l WHERE l.machine = k.machine AND l.kind = k.kind "     \
    "AND l.seen > k.seen)"

/* Members that are names, addresses or UUIDs. A list may be long, so it is not spelled out: the store looks it up. */
static void
names_sql(const char *name, const char *machine, GString *sql, GPtrArray *values)
{
    g_autofree char *members = NULL;

    g_ptr_array_add(values, g_variant_ref_sink(g_variant_new_string(name)));
    members = g_strdup_printf(
        "(SELECT lower(target) FROM collection_member WHERE collection = $%u)", values->len);
    g_string_append_printf(sql,
                           "%s IN (SELECT id FROM machine WHERE name IN %s UNION ALL "
                           "SELECT id FROM machine WHERE uuid IN %s UNION ALL "
                           "SELECT machine FROM machine_key k WHERE kind IN ('fqdn', 'address') "
                           "AND value IN %s AND " LATEST ")",
                           machine,
                           members,
                           members,
                           members);
}

/* Those that are networks or ranges. */
static void
ranges_sql(const Collection *collection, const char *machine, GString *sql)
{
    g_autoptr(GString) ranges = g_string_new(NULL);
    guint32 first = 0, last = 0;

    for (guint i = 0; i < collection->targets->len; i++)
        if (target_is_range(collection->targets->pdata[i], &first, &last))
            g_string_append_printf(ranges, "%s(%u, %u)", ranges->len > 0 ? ", " : "", first, last);
    if (ranges->len > 0)
        g_string_append_printf(sql,
                               " OR %s IN (SELECT machine FROM machine_key k WHERE "
                               "kind = 'address' AND EXISTS (SELECT 1 FROM (VALUES %s) AS r WHERE "
                               "ipv4_number(value) BETWEEN r.column1 AND r.column2) AND " LATEST
                               ")",
                               machine,
                               ranges->str);
}

static gboolean
list_sql(Store *store,
         const Collection *collection,
         const char *machine,
         gint64 now,
         guint depth,
         GString *sql,
         GPtrArray *values,
         GError **error)
{
    /* what is nested comes first, as in query-sql.c */
    g_string_append_c(sql, '(');
    for (guint i = 0; i < collection->targets->len; i++) {
        const char *target = collection->targets->pdata[i];

        if (target[0] != '@')
            continue;
        if (!collection_sql(store, target + 1, machine, now, depth + 1, sql, values, error))
            return FALSE;
        g_string_append(sql, " OR ");
    }
    names_sql(collection->name, machine, sql, values);
    ranges_sql(collection, machine, sql);
    g_string_append_c(sql, ')');
    return TRUE;
}

gboolean
collection_sql(Store *store,
               const char *name,
               const char *machine,
               gint64 now,
               guint depth,
               GString *sql,
               GPtrArray *values,
               GError **error)
{
    g_autoptr(Collection) collection = NULL;
    g_autoptr(Query) query = NULL;

    if (depth > DEPTH_MOST) {
        g_set_error(error,
                    POSTERN_ERROR,
                    POSTERN_ERROR_CONFLICT,
                    "collection '%s' contains itself, or lies deeper than %d collections in others",
                    name,
                    DEPTH_MOST);
        return FALSE;
    }
    collection = collection_read(store, name, error);
    if (collection == NULL)
        return FALSE;
    if (collection->query == NULL)
        return list_sql(store, collection, machine, now, depth, sql, values, error);
    query = query_parse(collection->query, error);
    if (query == NULL) {
        g_prefix_error(error, "collection '%s': ", name);
        return FALSE;
    }
    return query_sql(query, store, machine, now, depth, sql, values, error);
}

/* ---- asking ---- */

#define LATEST_ADDRESS                                                                             \
    "(SELECT value FROM machine_key k WHERE k.machine = m.id AND k.kind = 'address' "              \
    "ORDER BY seen DESC LIMIT 1)"
#define LATEST_FQDN                                                                                \
    "(SELECT value FROM machine_key k WHERE k.machine = m.id AND k.kind = 'fqdn' "                 \
    "ORDER BY seen DESC LIMIT 1)"

StoreRows *
collection_machines(Store *store, const char *name, GError **error)
{
    g_autoptr(GString) sql = g_string_new("SELECT m.id, m.uuid, m.name, coalesce(" LATEST_FQDN
                                          ", " LATEST_ADDRESS ") FROM machine m WHERE ");
    g_autoptr(GPtrArray) values = g_ptr_array_new_with_free_func((GDestroyNotify)g_variant_unref);

    if (!collection_sql(store, name, "m.id", store_now(), 0, sql, values, error))
        return NULL;
    g_string_append(sql, " ORDER BY m.name, m.id");
    return store_query_values(store, sql->str, values, error);
}

static gboolean
machine_is_in(Store *store, const char *name, gint64 machine, gboolean *has, GError **error)
{
    g_autoptr(GString) sql = g_string_new("SELECT 1 FROM machine m WHERE m.id = $1 AND ");
    g_autoptr(GPtrArray) values = g_ptr_array_new_with_free_func((GDestroyNotify)g_variant_unref);
    g_autoptr(GError) problem = NULL;
    g_autoptr(StoreRows) rows = NULL;

    g_ptr_array_add(values, g_variant_ref_sink(g_variant_new_int64(machine)));
    if (!collection_sql(store, name, "m.id", store_now(), 0, sql, values, error))
        return FALSE;
    rows = store_query_values(store, sql->str, values, &problem);
    *has = rows != NULL && store_next(rows, &problem);
    if (problem == NULL)
        return TRUE;
    g_propagate_error(error, g_steal_pointer(&problem));
    return FALSE;
}

/* "lab-7:16993" is lab-7. */
static gboolean
names_host(const char *target, const char *host)
{
    g_autoptr(TargetSource) source = target_source_new();
    g_autoptr(Target) one = NULL;

    if (!target_source_add(source, target, NULL))
        return FALSE;
    one = target_source_next(source, NULL);
    return one != NULL && strcmp(one->host, host) == 0;
}

static gboolean
covers_host(const char *target, const char *host)
{
    guint32 first = 0, last = 0, host_first = 0, host_last = 0;
    g_autofree char *network = g_strconcat(host, "/32", NULL);

    if (!target_is_range(target, &first, &last))
        return names_host(target, host);
    return target_is_range(network, &host_first, &host_last) && first <= host_first &&
           host_first <= last;
}

static gboolean
host_is_in(
    Store *store, const char *name, const char *host, guint depth, gboolean *has, GError **error)
{
    g_autoptr(Collection) collection = collection_read(store, name, error);

    if (collection == NULL)
        return FALSE;
    for (guint i = 0; !*has && depth < DEPTH_MOST && i < collection->targets->len; i++) {
        const char *target = collection->targets->pdata[i];

        if (target[0] != '@')
            *has = covers_host(target, host);
        else if (!host_is_in(store, target + 1, host, depth + 1, has, error))
            return FALSE;
    }
    return TRUE;
}

gboolean
collection_has(
    Store *store, const char *name, gint64 machine, const char *host, gboolean *has, GError **error)
{
    *has = FALSE;
    if (machine != 0 && !machine_is_in(store, name, machine, has, error))
        return FALSE;
    return *has || host == NULL || host_is_in(store, name, host, 0, has, error);
}

/* ---- saving ---- */

/* Whether `from` leads to `name`; *leads is only set. */
static gboolean
leads_to(
    Store *store, const char *from, const char *name, guint depth, gboolean *leads, GError **error)
{
    g_autoptr(Collection) collection = NULL;
    g_autoptr(Query) query = NULL;
    g_autoptr(GPtrArray) used = NULL;

    *leads = *leads || strcmp(from, name) == 0 || depth > DEPTH_MOST;
    if (*leads)
        return TRUE;
    collection = collection_read(store, from, error);
    if (collection == NULL)
        return FALSE;
    query = collection->query != NULL ? query_parse(collection->query, error) : NULL;
    if (collection->query != NULL && query == NULL)
        return FALSE;
    used = query != NULL ? query_collections(query) : g_ptr_array_new();
    for (guint i = 0; i < collection->targets->len; i++)
        if (((const char *)collection->targets->pdata[i])[0] == '@')
            g_ptr_array_add(used, (char *)collection->targets->pdata[i] + 1);
    for (guint i = 0; !*leads && i < used->len; i++)
        if (!leads_to(store, used->pdata[i], name, depth + 1, leads, error))
            return FALSE;
    return TRUE;
}

static gboolean
check_use(Store *store, const char *name, const char *used, GError **error)
{
    gboolean leads = FALSE;

    if (!leads_to(store, used, name, 0, &leads, error))
        return FALSE;
    if (!leads)
        return TRUE;
    g_set_error(error,
                POSTERN_ERROR,
                POSTERN_ERROR_CONFLICT,
                "collection '%s' would contain itself by way of '@%s'",
                name,
                used);
    return FALSE;
}

static gboolean
check_name(const char *name, GError **error)
{
    if (strcmp(name, ALL) == 0) {
        error_set_bad(error, "'" ALL "' is every machine that is known, and cannot be saved");
        return FALSE;
    }
    return name_check("collection", name, error);
}

static gboolean
put(Store *store, const char *name, const char *query, GError **error)
{
    return store_run(store,
                     error,
                     "INSERT INTO collection (name, query, changed) VALUES ($1, $2, $3) "
                     "ON CONFLICT (name) DO UPDATE SET query = excluded.query, changed = "
                     "excluded.changed",
                     "ssi",
                     name,
                     query,
                     store_now()) &&
           store_run(
               store, error, "DELETE FROM collection_member WHERE collection = $1", "s", name);
}

gboolean
collection_save_query(Store *store, const char *name, const char *text, GError **error)
{
    g_autoptr(Query) query = NULL;
    g_autoptr(GPtrArray) used = NULL;
    g_autofree char *spelled = NULL;

    if (!check_name(name, error))
        return FALSE;
    query = query_parse(text, error);
    if (query == NULL)
        return FALSE;
    used = query_collections(query);
    for (guint i = 0; i < used->len; i++)
        if (!check_use(store, name, used->pdata[i], error))
            return FALSE;
    spelled = query_print(query);
    return put(store, name, spelled, error);
}

static gboolean
check_member(Store *store, const char *name, const char *target, GError **error)
{
    g_autoptr(TargetSource) source = target_source_new();

    if (target[0] == '@')
        return check_use(store, name, target + 1, error);
    return target_source_add(source, target, error);
}

gboolean
collection_save_list(Store *store, const char *name, const char *const *targets, GError **error)
{
    if (!check_name(name, error))
        return FALSE;
    for (guint i = 0; targets[i] != NULL; i++) {
        if (i >= MEMBERS_MOST) {
            error_set_bad(error,
                          "collection '%s' has more than %d members: save a query",
                          name,
                          MEMBERS_MOST);
            return FALSE;
        }
        if (!check_member(store, name, targets[i], error))
            return FALSE;
    }
    if (!put(store, name, NULL, error))
        return FALSE;
    for (guint i = 0; targets[i] != NULL; i++)
        if (!store_run(
                store,
                error,
                "INSERT INTO collection_member (collection, place, target) VALUES ($1, $2, $3)",
                "sis",
                name,
                (gint64)i,
                targets[i]))
            return FALSE;
    return TRUE;
}

gboolean
collection_remove(Store *store, const char *name, GError **error)
{
    g_autoptr(Collection) collection = collection_read(store, name, error);
    g_autoptr(GPtrArray) list = collection != NULL ? collection_list(store, error) : NULL;

    if (list == NULL || !check_name(name, error))
        return FALSE;
    for (guint i = 0; i < list->len; i++) {
        const Collection *other = list->pdata[i];
        gboolean leads = FALSE;

        if (strcmp(other->name, name) == 0)
            continue;
        if (!leads_to(store, other->name, name, 0, &leads, error))
            return FALSE;
        if (leads) {
            g_set_error(error,
                        POSTERN_ERROR,
                        POSTERN_ERROR_CONFLICT,
                        "collection '%s' is part of '%s': change that one first",
                        name,
                        other->name);
            return FALSE;
        }
    }
    return store_run(store, error, "DELETE FROM collection WHERE name = $1", "s", name);
}
