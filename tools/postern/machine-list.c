/* SPDX-License-Identifier: Apache-2.0 */
#include "config.h"

#include "collection.h"
#include "json.h"
#include "list.h"
#include "machine-list.h"
#include "machine.h"
#include "when.h"

#include <string.h>

gboolean
machine_condition(
    Store *store, const char *word, GString *condition, GPtrArray *values, GError **error)
{
    g_autoptr(Query) query = NULL;

    if (word == NULL) {
        g_string_append(condition, "1 = 1");
        return TRUE;
    }
    query = query_parse(word, error);
    return query != NULL &&
           query_sql(query, store, "m.id", store_now(), 0, condition, values, error);
}

/* A row of machine_rows() with its texts. */
typedef struct {
    StoreRows *rows;
    const char *seen;
} Item;

static const char *
or_dash(const char *text)
{
    return text != NULL ? text : "-";
}

static void
machine_cells(gconstpointer data, const char **cells)
{
    const Item *item = data;

    cells[0] = store_text(item->rows, 2);
    cells[1] = or_dash(store_text(item->rows, 1));
    cells[2] = or_dash(store_text(item->rows, 3));
    cells[3] = or_dash(store_text(item->rows, 4));
    cells[4] = item->seen;
}

static void
machine_members(gconstpointer data, GString *out)
{
    const Item *item = data;

    json_number(out, "id", store_integer(item->rows, 0));
    json_member(out, "name", store_text(item->rows, 2));
    json_member(out, "uuid", store_text(item->rows, 1));
    json_member(out, "fqdn", store_text(item->rows, 3));
    json_member(out, "address", store_text(item->rows, 4));
    json_member(out, "seen", item->seen);
}

gboolean
machine_list_print(Store *store,
                   const char *condition,
                   GPtrArray *values,
                   Format format,
                   guint64 *count,
                   GError **error)
{
    static const char *const titles[] = {"NAME", "UUID", "FQDN", "ADDRESS", "SEEN", NULL};
    static const ListKind kind = {titles, machine_cells, machine_members};
    g_autoptr(GError) problem = NULL;
    g_autoptr(StoreRows) rows = machine_rows(store, condition, values, &problem);
    guint64 found = 0;

    if (rows != NULL) {
        List *list = list_begin(&kind, format);

        for (; store_next(rows, &problem); found++) {
            g_autofree char *seen = when_text(store_integer(rows, 5));
            Item item = {rows, seen};
            list_add(list, &item);
        }
        list_end(list);
    }
    if (count != NULL)
        *count = found;
    if (problem == NULL)
        return TRUE;
    g_propagate_error(error, g_steal_pointer(&problem));
    return FALSE;
}
