/* SPDX-License-Identifier: Apache-2.0 */
#include "config.h"

#include "json.h"

#include <math.h>
#include <string.h>

/* What stands after the backslash for the characters that have a short form; 0: none. */
static char
short_escape(guchar c)
{
    switch (c) {
    case '"':
    case '\\':
        return (char)c;
    case '\b':
        return 'b';
    case '\f':
        return 'f';
    case '\n':
        return 'n';
    case '\r':
        return 'r';
    case '\t':
        return 't';
    default:
        return 0;
    }
}

static void
escaped(GString *out, guchar c)
{
    char letter = short_escape(c);

    if (letter != 0) {
        g_string_append_c(out, '\\');
        g_string_append_c(out, letter);
        return;
    }
    g_string_append_printf(out, "\\u%04x", c);
}

void
json_string(GString *out, const char *text)
{
    g_autofree char *made = NULL;
    const char *from;

    if (!g_utf8_validate(text, -1, NULL))
        text = made = g_utf8_make_valid(text, -1);
    g_string_append_c(out, '"');
    for (from = text; *text != '\0'; text++) {
        guchar c = (guchar)*text;

        if (c >= 0x20 && c != '"' && c != '\\' && c != 0x7f)
            continue;
        g_string_append_len(out, from, text - from);
        escaped(out, c);
        from = text + 1;
    }
    g_string_append_len(out, from, text - from);
    g_string_append_c(out, '"');
}

static void
real(GString *out, double number)
{
    char text[G_ASCII_DTOSTR_BUF_SIZE];

    if (!isfinite(number)) {
        g_string_append(out, "null");
        return;
    }
    /* 15 digits read better and are mostly enough; 17 always are */
    g_ascii_formatd(text, sizeof text, "%.15g", number);
    if (g_ascii_strtod(text, NULL) != number)
        g_ascii_formatd(text, sizeof text, "%.17g", number);
    g_string_append(out, text);
}

static void
bytes(GString *out, GVariant *value)
{
    gsize length = 0;
    const guchar *data = g_variant_get_fixed_array(value, &length, 1);
    g_autofree char *text = g_base64_encode(length > 0 ? data : (const guchar *)"", length);

    g_string_append_c(out, '"');
    g_string_append(out, text);
    g_string_append_c(out, '"');
}

static void
list(GString *out, GVariant *value)
{
    GVariantIter iter;
    GVariant *item;
    gboolean first = TRUE;

    g_string_append_c(out, '[');
    g_variant_iter_init(&iter, value);
    while ((item = g_variant_iter_next_value(&iter)) != NULL) {
        if (!first)
            g_string_append_c(out, ',');
        first = FALSE;
        json_value(out, item);
        g_variant_unref(item);
    }
    g_string_append_c(out, ']');
}

static void
dictionary_key(GString *out, GVariant *key)
{
    g_autofree char *text = NULL;

    if (g_variant_type_is_subtype_of(g_variant_get_type(key), G_VARIANT_TYPE_STRING)) {
        json_name(out, g_variant_get_string(key, NULL));
        return;
    }
    text = g_variant_print(key, FALSE);
    json_name(out, text);
}

static void
dictionary(GString *out, GVariant *value)
{
    GVariantIter iter;
    GVariant *entry;

    g_string_append_c(out, '{');
    g_variant_iter_init(&iter, value);
    while ((entry = g_variant_iter_next_value(&iter)) != NULL) {
        g_autoptr(GVariant) key = g_variant_get_child_value(entry, 0);
        g_autoptr(GVariant) item = g_variant_get_child_value(entry, 1);

        dictionary_key(out, key);
        json_value(out, item);
        g_variant_unref(entry);
    }
    g_string_append_c(out, '}');
}

static void
container(GString *out, GVariant *value)
{
    g_autoptr(GVariant) inner = NULL;
    const char *type = g_variant_get_type_string(value);

    if (strcmp(type, "ay") == 0) {
        bytes(out, value);
        return;
    }
    if (type[0] == 'a' && type[1] == '{') {
        dictionary(out, value);
        return;
    }
    if (type[0] != 'v' && type[0] != 'm') {
        list(out, value);
        return;
    }
    inner = type[0] == 'v' ? g_variant_get_variant(value) : g_variant_get_maybe(value);
    if (inner == NULL)
        g_string_append(out, "null");
    else
        json_value(out, inner);
}

static gint64
integer(GVariant *value)
{
    switch (g_variant_get_type_string(value)[0]) {
    case 'y':
        return g_variant_get_byte(value);
    case 'n':
        return g_variant_get_int16(value);
    case 'q':
        return g_variant_get_uint16(value);
    case 'i':
        return g_variant_get_int32(value);
    case 'u':
        return g_variant_get_uint32(value);
    case 'h':
        return g_variant_get_handle(value);
    default:
        return g_variant_get_int64(value);
    }
}

void
json_value(GString *out, GVariant *value)
{
    if (g_variant_is_container(value)) {
        container(out, value);
        return;
    }
    switch (g_variant_get_type_string(value)[0]) {
    case 'b':
        g_string_append(out, g_variant_get_boolean(value) ? "true" : "false");
        break;
    case 'd':
        real(out, g_variant_get_double(value));
        break;
    case 't':
        g_string_append_printf(out, "%" G_GUINT64_FORMAT, g_variant_get_uint64(value));
        break;
    case 's':
    case 'o':
    case 'g':
        json_string(out, g_variant_get_string(value, NULL));
        break;
    default:
        g_string_append_printf(out, "%" G_GINT64_FORMAT, integer(value));
    }
}

void
json_name(GString *out, const char *name)
{
    char last = out->len > 0 ? out->str[out->len - 1] : '{';

    if (last != '{')
        g_string_append_c(out, ',');
    json_string(out, name);
    g_string_append_c(out, ':');
}

void
json_member(GString *out, const char *name, const char *text)
{
    json_name(out, name);
    if (text == NULL)
        g_string_append(out, "null");
    else
        json_string(out, text);
}

void
json_flag(GString *out, const char *name, gboolean flag)
{
    json_name(out, name);
    g_string_append(out, flag ? "true" : "false");
}

void
json_number(GString *out, const char *name, gint64 number)
{
    json_name(out, name);
    g_string_append_printf(out, "%" G_GINT64_FORMAT, number);
}
