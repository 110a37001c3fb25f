/* SPDX-License-Identifier: Apache-2.0 */
/*
 * machine-find.c - from a word to a machine, and from a machine to where it is reached.
 */
#include "config.h"

#include "machine-private.h"

#include <string.h>

enum { NAMED = 5 };

gboolean
machine_of_key(Store *store,
               const char *kind,
               const char *value,
               gint64 since,
               gint64 *machine,
               GError **error)
{
    return store_number(
        store,
        machine,
        0,
        error,
        "SELECT machine FROM machine_key WHERE kind = $1 AND value = $2 AND seen > $3 "
        "ORDER BY seen DESC LIMIT 1",
        "ssi",
        kind,
        value,
        since);
}

/* The one machine of that name; 0: there is none, or there are several, which `names` tells unless it is NULL. */
static gboolean
of_name(Store *store, const char *name, gint64 *machine, GString *names, GError **error)
{
    g_autoptr(GError) problem = NULL;
    g_autoptr(StoreRows) rows =
        store_query(store,
                    &problem,
                    "SELECT id, uuid FROM machine WHERE name = $1 ORDER BY id LIMIT 6",
                    "s",
                    name);
    guint count = 0;

    *machine = 0;
    while (rows != NULL && store_next(rows, &problem)) {
        const char *uuid = store_text(rows, 1);

        *machine = count == 0 ? store_integer(rows, 0) : 0;
        if (names != NULL && count < NAMED)
            g_string_append_printf(names,
                                   "%s#%" G_GINT64_FORMAT "%s%s",
                                   count > 0 ? ", " : "",
                                   store_integer(rows, 0),
                                   uuid != NULL ? " " : "",
                                   uuid != NULL ? uuid : "");
        count++;
    }
    if (names != NULL && count < 2)
        g_string_truncate(names, 0);
    if (problem == NULL)
        return TRUE;
    g_propagate_error(error, g_steal_pointer(&problem));
    return FALSE;
}

gboolean
machine_at(Store *store, const char *host, gint64 fresh_since, gint64 *machine, GError **error)
{
    g_autofree char *address = machine_address_text(host, NULL);

    if (address != NULL)
        return machine_of_key(store, "address", address, fresh_since, machine, error);
    return machine_of_key(store, "fqdn", host, 0, machine, error) &&
           (*machine != 0 || of_name(store, host, machine, NULL, error));
}

static gboolean
find_by_name(Store *store, const char *word, gint64 *machine, GError **error)
{
    g_autofree char *lower = g_ascii_strdown(word, -1);
    g_autoptr(GString) names = g_string_new(NULL);

    if (!of_name(store, lower, machine, names, error))
        return FALSE;
    if (names->len > 0) {
        g_set_error(error,
                    POSTERN_ERROR,
                    POSTERN_ERROR_CONFLICT,
                    "several machines are called '%s' (%s): name one by its UUID or #number",
                    lower,
                    names->str);
        return FALSE;
    }
    return *machine != 0 || machine_of_key(store, "fqdn", lower, 0, machine, error);
}

gboolean
machine_find(Store *store, const char *word, gint64 *machine, GError **error)
{
    g_autofree char *uuid = machine_uuid_text(word, NULL);
    g_autofree char *address = machine_address_text(word, NULL);
    g_autofree char *mac = machine_mac_text(word, NULL);
    guint64 id = 0;

    *machine = 0;
    if (word[0] == '#' && g_ascii_string_to_unsigned(word + 1, 10, 1, G_MAXINT64, &id, NULL))
        return store_number(
            store, machine, 0, error, "SELECT id FROM machine WHERE id = $1", "i", (gint64)id);
    if (uuid != NULL)
        return store_number(
            store, machine, 0, error, "SELECT id FROM machine WHERE uuid = $1", "s", uuid);
    if (address != NULL)
        return machine_of_key(store, "address", address, 0, machine, error);
    /* twelve hex digits are a name, too */
    if (mac != NULL && !machine_of_key(store, "mac", mac, 0, machine, error))
        return FALSE;
    return *machine != 0 || find_by_name(store, word, machine, error);
}

char *
machine_reach(Store *store, gint64 machine, gint64 fresh_since, GError **error)
{
    g_autoptr(GError) problem = NULL;
    g_autoptr(StoreRows) rows = store_query(
        store,
        &problem,
        /* where somebody else was seen since, it is not: who is sent to it must not come to them */
        "SELECT value FROM machine_key k WHERE machine = $1 AND kind IN ('fqdn', 'address') "
        "AND NOT EXISTS (SELECT 1 FROM machine_key o WHERE o.kind = k.kind AND o.value = k.value "
        "AND o.machine <> k.machine AND o.seen > k.seen) "
        "ORDER BY CASE WHEN kind = 'address' AND seen > $2 THEN 0 WHEN kind = 'fqdn' THEN 1 "
        "ELSE 2 END, seen DESC LIMIT 1",
        "ii",
        machine,
        fresh_since);

    if (rows != NULL && store_next(rows, &problem))
        return g_strdup(store_text(rows, 0));
    if (problem != NULL)
        g_propagate_error(error, g_steal_pointer(&problem));
    return NULL;
}
