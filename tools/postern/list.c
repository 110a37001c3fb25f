/* SPDX-License-Identifier: Apache-2.0 */
#include "config.h"

#include "csv.h"
#include "json.h"
#include "list.h"
#include "out.h"
#include "text.h"

#include <string.h>

static guint
count_titles(const ListKind *kind)
{
    guint count = 0;

    while (kind->titles[count] != NULL)
        count++;
    return count;
}

/* Rows of a table that are held, so that its columns fit what comes. */
enum { HELD = 200 };

struct List {
    const ListKind *kind;
    Format format;
    guint count; /* of items so far */
    Columns *columns;
};

List *
list_begin(const ListKind *kind, Format format)
{
    List *list = g_new0(List, 1);
    g_autoptr(GString) line = g_string_new(NULL);

    list->kind = kind;
    list->format = format;
    if (format == FORMAT_TABLE) {
        list->columns = columns_new(count_titles(kind));
        columns_add(list->columns, kind->titles);
    } else if (format == FORMAT_CSV) {
        for (guint i = 0; kind->titles[i] != NULL; i++) {
            g_autofree char *title = g_ascii_strdown(kind->titles[i], -1);
            csv_text(line, title);
        }
        out_line(line);
    } else if (format == FORMAT_JSON) {
        out_text("[");
    }
    return list;
}

static void
add_to_table(List *list, gconstpointer item)
{
    const char *cells[LIST_CELLS + 1] = {NULL};
    char *clean[LIST_CELLS + 1] = {NULL};
    g_autoptr(GString) line = NULL;

    list->kind->cells(item, cells);
    if (list->count < HELD) {
        columns_add(list->columns, cells);
        return;
    }
    if (list->count == HELD)
        columns_print(list->columns, 0);
    line = g_string_new(NULL);
    for (guint i = 0; list->kind->titles[i] != NULL; i++)
        clean[i] = text_clean(cells[i] != NULL ? cells[i] : "");
    columns_line(list->columns, (const char *const *)clean, line);
    out_line(line);
    for (guint i = 0; i < LIST_CELLS; i++)
        g_free(clean[i]);
}

static void
add_to_csv(List *list, gconstpointer item)
{
    const char *cells[LIST_CELLS + 1] = {NULL};
    g_autoptr(GString) line = g_string_new(NULL);

    list->kind->cells(item, cells);
    for (guint i = 0; list->kind->titles[i] != NULL; i++)
        csv_text(line, strcmp(cells[i], "-") == 0 ? "" : cells[i]); /* a table shows nothing as - */
    out_line(line);
}

/* Of an array, each line but the first begins with the comma behind the one before. */
static void
add_to_json(List *list, gconstpointer item)
{
    gboolean array = list->format == FORMAT_JSON;
    g_autoptr(GString) line = g_string_new(array && list->count > 0 ? "," : "");
    g_autoptr(GString) object = g_string_new("{");

    list->kind->members(item, object);
    g_string_append_printf(line, "%s}", object->str);
    out_line(line);
}

void
list_add(List *list, gconstpointer item)
{
    if (list->format == FORMAT_TABLE)
        add_to_table(list, item);
    else if (list->format == FORMAT_CSV)
        add_to_csv(list, item);
    else
        add_to_json(list, item);
    list->count++;
}

void
list_end(List *list)
{
    if (list->format == FORMAT_TABLE && list->count <= HELD)
        columns_print(list->columns, 0);
    if (list->format == FORMAT_JSON)
        out_text("]");
    g_clear_pointer(&list->columns, columns_free);
    g_free(list);
}

void
list_print(const ListKind *kind, GPtrArray *items, Format format)
{
    List *list = list_begin(kind, format);

    for (guint i = 0; i < items->len; i++)
        list_add(list, g_ptr_array_index(items, i));
    list_end(list);
}
