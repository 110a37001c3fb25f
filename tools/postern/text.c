/* SPDX-License-Identifier: Apache-2.0 */
#include "config.h"

#include "out.h"
#include "secret.h"
#include "text.h"

#include <string.h>

enum { VALUE_LENGTH = 60, WIDEST = 48 };

static gboolean
harmless(gunichar c)
{
    return !g_unichar_iscntrl(c) && g_unichar_type(c) != G_UNICODE_FORMAT && c != 0x2028 &&
           c != 0x2029;
}

static gboolean
is_plain(const char *text)
{
    for (; *text != '\0'; text++) {
        if (*text < ' ' || *text > '~')
            return FALSE;
    }
    return TRUE;
}

char *
text_clean(const char *text)
{
    g_autofree char *valid = NULL, *masked = secret_mask(text, -1);
    GString *clean;

    if (masked != NULL)
        text = masked;
    if (is_plain(text))
        return g_strdup(text);
    valid = g_utf8_make_valid(text, -1);
    clean = g_string_sized_new(strlen(valid));
    for (char *at = valid; *at != '\0'; at = g_utf8_next_char(at)) {
        gunichar c = g_utf8_get_char(at);

        g_string_append_unichar(clean, harmless(c) ? c : ' ');
    }
    return g_string_free(clean, FALSE);
}

/* ---- values ---- */

static void append_value(GString *out, GVariant *value, guint depth);

static void
append_items(GString *out, GVariant *value, guint depth)
{
    gsize count = g_variant_n_children(value);
    gboolean pairs =
        g_variant_type_is_subtype_of(g_variant_get_type(value), G_VARIANT_TYPE_DICTIONARY);

    for (gsize i = 0; i < count && out->len < VALUE_LENGTH; i++) {
        g_autoptr(GVariant) item = g_variant_get_child_value(value, i);

        if (i > 0)
            g_string_append(out, pairs ? " " : ", ");
        append_value(out, item, depth + 1);
    }
}

static void
append_container(GString *out, GVariant *value, guint depth)
{
    const GVariantType *type = g_variant_get_type(value);
    gboolean scalars =
        g_variant_type_is_array(type) && g_variant_type_is_basic(g_variant_type_element(type));

    if (g_variant_type_is_array(type) && !scalars &&
        (depth > 0 || !g_variant_type_is_dict_entry(g_variant_type_element(type))))
        g_string_append_printf(out, "%" G_GSIZE_FORMAT " entries", g_variant_n_children(value));
    else if (g_variant_type_is_array(type) || g_variant_type_is_tuple(type))
        append_items(out, value, depth);
}

static void
append_pair(GString *out, GVariant *value, guint depth)
{
    g_autoptr(GVariant) key = g_variant_get_child_value(value, 0);
    g_autoptr(GVariant) item = g_variant_get_child_value(value, 1);

    append_value(out, key, depth);
    g_string_append_c(out, '=');
    append_value(out, item, depth);
}

static void
append_value(GString *out, GVariant *value, guint depth)
{
    g_autofree char *text = NULL;

    if (g_variant_is_of_type(value, G_VARIANT_TYPE_VARIANT)) {
        g_autoptr(GVariant) inner = g_variant_get_variant(value);
        append_value(out, inner, depth);
    } else if (g_variant_is_of_type(value, G_VARIANT_TYPE_DICT_ENTRY)) {
        append_pair(out, value, depth);
    } else if (g_variant_is_container(value)) {
        append_container(out, value, depth);
    } else if (g_variant_is_of_type(value, G_VARIANT_TYPE_BOOLEAN)) {
        g_string_append(out, g_variant_get_boolean(value) ? "yes" : "no");
    } else if (g_variant_is_of_type(value, G_VARIANT_TYPE_STRING)) {
        g_string_append(out, g_variant_get_string(value, NULL));
    } else {
        text = g_variant_print(value, FALSE);
        g_string_append(out, text);
    }
}

char *
text_value(GVariant *value)
{
    g_autoptr(GString) out = g_string_new(NULL);
    g_autofree char *clean = NULL, *start = NULL;

    append_value(out, value, 0);
    clean = text_clean(out->str);
    if (g_utf8_strlen(clean, -1) <= VALUE_LENGTH)
        return g_steal_pointer(&clean);
    start = g_utf8_substring(clean, 0, VALUE_LENGTH - 3);
    return g_strconcat(start, "...", NULL);
}

/* ---- paragraphs ---- */

void
text_wrap(GString *out, const char *text, guint indent, guint width)
{
    g_auto(GStrv) words = g_strsplit_set(text, " \n", -1);
    guint column = 0;

    for (guint i = 0; words[i] != NULL; i++) {
        guint length = (guint)g_utf8_strlen(words[i], -1);

        if (length == 0)
            continue;
        if (column > 0 && column + 1 + length > width) {
            g_string_append_c(out, '\n');
            column = 0;
        }
        if (column == 0)
            g_string_append_printf(out, "%*s", (int)indent, "");
        else
            g_string_append_c(out, ' ');
        g_string_append(out, words[i]);
        column = (column == 0 ? indent : column + 1) + length;
    }
    g_string_append_c(out, '\n');
}

/* ---- columns ---- */

Columns *
columns_new(guint count)
{
    Columns *columns = g_new0(Columns, 1);

    columns->count = count;
    columns->width = g_new0(guint, count);
    columns->rows = g_ptr_array_new_with_free_func((GDestroyNotify)g_strfreev);
    return columns;
}

void
columns_free(Columns *columns)
{
    g_ptr_array_unref(columns->rows);
    g_free(columns->width);
    g_free(columns);
}

void
columns_measure(Columns *columns, const char *const *cells)
{
    for (guint i = 0; i < columns->count && cells[i] != NULL; i++) {
        guint width = (guint)g_utf8_strlen(cells[i], -1);

        columns->width[i] = MAX(columns->width[i], MIN(width, WIDEST));
    }
}

void
columns_line(const Columns *columns, const char *const *cells, GString *out)
{
    for (guint i = 0; i < columns->count && cells[i] != NULL; i++) {
        guint width = (guint)g_utf8_strlen(cells[i], -1);
        gboolean last = i + 1 == columns->count || cells[i + 1] == NULL;

        g_string_append(out, cells[i]);
        if (!last)
            g_string_append_printf(
                out, "%*s", (int)(MAX(columns->width[i], width) - width + 2), "");
    }
}

void
columns_add(Columns *columns, const char *const *cells)
{
    char **row = g_new0(char *, columns->count + 1);

    for (guint i = 0; i < columns->count && cells[i] != NULL; i++)
        row[i] = text_clean(cells[i]);
    columns_measure(columns, (const char *const *)row);
    g_ptr_array_add(columns->rows, row);
}

void
columns_keep(Columns *columns, const char *const *cells)
{
    char **row = g_new0(char *, columns->count + 1);

    for (guint i = 0; i < columns->count && cells[i] != NULL; i++)
        row[i] = g_strdup(cells[i]);
    g_ptr_array_add(columns->rows, row);
}

void
columns_print(Columns *columns, guint indent)
{
    for (guint i = 0; i < columns->rows->len; i++) {
        g_autoptr(GString) line = g_string_new(NULL);

        g_string_append_printf(line, "%*s", (int)indent, "");
        columns_line(columns, g_ptr_array_index(columns->rows, i), line);
        out_line(line);
    }
    g_ptr_array_set_size(columns->rows, 0);
}
