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

static void
print_table(const ListKind *kind, GPtrArray *items)
{
    guint count = count_titles(kind);
    g_autoptr(Columns) columns = columns_new(count);
    const char *cells[LIST_CELLS] = {NULL};

    columns_add(columns, kind->titles);
    for (guint i = 0; i < items->len; i++) {
        kind->cells(g_ptr_array_index(items, i), cells);
        columns_add(columns, cells);
    }
    columns_print(columns, 0);
}

static void
print_csv(const ListKind *kind, GPtrArray *items)
{
    guint count = count_titles(kind);

    for (guint i = 0; i <= items->len; i++) {
        const char *cells[LIST_CELLS] = {NULL};
        g_autoptr(GString) line = g_string_new(NULL);

        if (i > 0)
            kind->cells(g_ptr_array_index(items, i - 1), cells);
        for (guint j = 0; j < count; j++) {
            g_autofree char *title = g_ascii_strdown(kind->titles[j], -1);
            csv_text(line, i == 0 ? title : cells[j]);
        }
        out_line(line);
    }
}

static void
print_json(const ListKind *kind, GPtrArray *items, gboolean array)
{
    if (array)
        out_text("[");
    for (guint i = 0; i < items->len; i++) {
        g_autoptr(GString) line = g_string_new("{");

        kind->members(g_ptr_array_index(items, i), line);
        g_string_append(line, array && i + 1 < items->len ? "}," : "}");
        out_line(line);
    }
    if (array)
        out_text("]");
}

void
list_print(const ListKind *kind, GPtrArray *items, Format format)
{
    if (format == FORMAT_TABLE)
        print_table(kind, items);
    else if (format == FORMAT_CSV)
        print_csv(kind, items);
    else
        print_json(kind, items, format == FORMAT_JSON);
}
