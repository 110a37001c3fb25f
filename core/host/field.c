/* SPDX-License-Identifier: Apache-2.0 */
#include "config.h"

#include "field.h"
#include "suggest.h"

#include <arpa/inet.h>
#include <errno.h>
#include <math.h>
#include <string.h>

enum { SHOWN = 80 };

/* Where the field called `name` stands; `fields->len` if there is none. */
static guint
field_place(GPtrArray *fields, const char *name)
{
    guint place = 0;

    while (place < fields->len && strcmp(((FieldInfo *)fields->pdata[place])->name, name) != 0)
        place++;
    return place;
}

const FieldInfo *
field_find(GPtrArray *fields, const char *name)
{
    guint place = fields != NULL ? field_place(fields, name) : 0;

    return fields != NULL && place < fields->len ? fields->pdata[place] : NULL;
}

/* ---- messages ---- */

static const struct {
    const char *type, *words;
} type_words[] = {
    {"s", "text"},
    {"b", "yes/no"},
    {"y", "number from 0 to 255"},
    {"q", "number from 0 to 65535"},
    {"n", "number from -32768 to 32767"},
    {"u", "number from 0 to 4294967295"},
    {"i", "number from -2147483648 to 2147483647"},
    {"t", "number from 0 to 18446744073709551615"},
    {"x", "number from -9223372036854775808 to 9223372036854775807"},
    {"d", "number with or without a fraction"},
    {"as", "list of text"},
    {"au", "list of numbers"},
    {"ay", "bytes"},
    {"a{sv}", "named values"},
    {"aa{sv}", "list of named values"},
};

static const struct {
    const char *format, *words;
} format_words[] = {
    {"host", "host name or address"},
    {"ipaddr", "IPv4 or IPv6 address"},
    {"mac", "hardware address like 00:11:22:33:44:55"},
    {"guid", "GUID like 01234567-89ab-cdef-0123-456789abcdef"},
    {"port", "port from 0 to 65535"},
    {"file", "file name"},
    {"datetime", "date and time like 2026-01-31T12:00:00Z"},
    {"xml", "XML text"},
    {"ms", "number of milliseconds"},
    {"bytes", "number of bytes"},
};

const char *
field_type_words(const FieldInfo *field)
{
    for (guint i = 0; field->format != NULL && i < G_N_ELEMENTS(format_words); i++)
        if (strcmp(format_words[i].format, field->format) == 0)
            return format_words[i].words;
    for (guint i = 0; i < G_N_ELEMENTS(type_words); i++)
        if (strcmp(type_words[i].type, field->type) == 0)
            return type_words[i].words;
    return field->type;
}

/* Foreign text for a message: short and free of control characters, or hidden. */
static char *
text_shown(const FieldInfo *field, const char *text)
{
    g_autofree char *valid = NULL;
    g_autofree char *cut = NULL;

    if ((field->flags & POSTERN_FIELD_SECRET) != 0)
        return g_strdup("(hidden)");
    valid = g_utf8_make_valid(text, (gssize)strnlen(text, 4 * SHOWN));
    cut = g_utf8_substring(valid, 0, MIN(SHOWN, g_utf8_strlen(valid, -1)));
    for (char *at = cut; *at != '\0'; at++)
        if (g_ascii_iscntrl(*at))
            *at = '?';
    return g_strdup_printf("'%s'%s", cut, strlen(text) > strlen(cut) ? "..." : "");
}

static gboolean
refuse_value(const FieldInfo *field, const char *text, const char *expected, GError **error)
{
    g_autofree char *shown = text_shown(field, text);

    g_set_error(error,
                POSTERN_ERROR,
                POSTERN_ERROR_BAD_PARAM,
                "%s: got %s, expected %s",
                field->name,
                shown,
                expected);
    return FALSE;
}

/* ---- formats ---- */

static gboolean
is_host(const char *text)
{
    gsize length = strlen(text);

    return length >= 1 && length <= 253 && text[strcspn(text, " \t\r\n/\\\"'<>@[]")] == '\0';
}

static gboolean
is_address(const char *text)
{
    struct in6_addr address;

    return inet_pton(AF_INET, text, &address) == 1 || inet_pton(AF_INET6, text, &address) == 1;
}

/* `pattern`: 'x' stands for a hexadecimal digit, anything else for itself. */
static gboolean
fits_pattern(const char *text, const char *pattern)
{
    for (; *pattern != '\0'; text++, pattern++) {
        gboolean fits = *pattern == 'x' ? g_ascii_isxdigit(*text) : *text == *pattern;

        if (!fits)
            return FALSE;
    }
    return *text == '\0';
}

static gboolean
is_mac(const char *text)
{
    return fits_pattern(text, "xx:xx:xx:xx:xx:xx") || fits_pattern(text, "xx-xx-xx-xx-xx-xx") ||
           fits_pattern(text, "xxxxxxxxxxxx");
}

static gboolean
is_guid(const char *text)
{
    return fits_pattern(text, "xxxxxxxx-xxxx-xxxx-xxxx-xxxxxxxxxxxx");
}

static gboolean
is_datetime(const char *text)
{
    g_autoptr(GDateTime) time = NULL;

    /* RFC 3339 wants a zone; without a default zone GLib refuses a text that has none */
    if (strlen(text) >= 20)
        time = g_date_time_new_from_iso8601(text, NULL);
    return time != NULL;
}

static gboolean
is_file(const char *text)
{
    return text[0] != '\0' && strlen(text) < 4096;
}

static const struct {
    const char *format;
    gboolean (*fits)(const char *text);
} text_formats[] = {
    {"host", is_host},
    {"ipaddr", is_address},
    {"mac", is_mac},
    {"guid", is_guid},
    {"datetime", is_datetime},
    {"file", is_file},
};

static gboolean
refuse_choice(const FieldInfo *field, const char *text, GError **error)
{
    g_autofree char *all = g_strjoinv(", ", field->choices);
    Suggest suggest = {.typed = text};
    g_autofree char *hint = NULL;
    g_autofree char *expected = NULL;

    for (guint i = 0; field->choices[i] != NULL; i++)
        suggest_offer(&suggest, field->choices[i]);
    hint = suggest_text(&suggest);
    expected = g_strdup_printf("one of: %s%s", all, hint);
    return refuse_value(field, text, expected, error);
}

static gboolean
check_text(const FieldInfo *field, const char *text, GError **error)
{
    if (field->choices != NULL && !g_strv_contains((const char *const *)field->choices, text))
        return refuse_choice(field, text, error);
    for (guint i = 0; field->format != NULL && i < G_N_ELEMENTS(text_formats); i++)
        if (strcmp(text_formats[i].format, field->format) == 0 && !text_formats[i].fits(text))
            return refuse_value(field, text, field_type_words(field), error);
    return TRUE;
}

gboolean
field_check(const FieldInfo *field, GVariant *value, GError **error)
{
    if (strcmp(g_variant_get_type_string(value), field->type) != 0) {
        g_set_error(error,
                    POSTERN_ERROR,
                    POSTERN_ERROR_BAD_PARAM,
                    "%s: got a value of type '%s', expected '%s' (%s)",
                    field->name,
                    g_variant_get_type_string(value),
                    field->type,
                    field_type_words(field));
        return FALSE;
    }
    if (strcmp(field->type, "s") == 0)
        return check_text(field, g_variant_get_string(value, NULL), error);
    if (g_strcmp0(field->format, "port") == 0 && strcmp(field->type, "u") == 0 &&
        g_variant_get_uint32(value) > G_MAXUINT16)
        return refuse_value(field, "a larger number", field_type_words(field), error);
    return TRUE;
}

/* ---- from text ---- */

static const struct {
    const char *word;
    gboolean value;
} truths[] = {
    {"yes", TRUE},
    {"no", FALSE},
    {"true", TRUE},
    {"false", FALSE},
    {"on", TRUE},
    {"off", FALSE},
    {"1", TRUE},
    {"0", FALSE},
};

static GVariant *
parse_truth(const FieldInfo *field, const char *text, GError **error)
{
    for (guint i = 0; i < G_N_ELEMENTS(truths); i++)
        if (g_ascii_strcasecmp(truths[i].word, text) == 0)
            return g_variant_new_boolean(truths[i].value);
    refuse_value(field, text, "yes or no", error);
    return NULL;
}

/* Digits, or 0x and hexadecimal digits; returns where the digits start and sets `base`; NULL:
 * neither. */
static const char *
digits_of(const char *text, guint *base)
{
    const char *digits = text + (text[0] == '-');

    *base = 10;
    if (text == digits && digits[0] == '0' && (digits[1] == 'x' || digits[1] == 'X')) {
        *base = 16;
        digits += 2;
        return g_ascii_isxdigit(digits[0]) ? digits : NULL;
    }
    return g_ascii_isdigit(digits[0]) ? text : NULL;
}

static GVariant *
new_unsigned(char type, guint64 value)
{
    switch (type) {
    case 'y':
        return g_variant_new_byte((guint8)value);
    case 'q':
        return g_variant_new_uint16((guint16)value);
    case 'u':
        return g_variant_new_uint32((guint32)value);
    default:
        return g_variant_new_uint64(value);
    }
}

static GVariant *
new_signed(char type, gint64 value)
{
    switch (type) {
    case 'n':
        return g_variant_new_int16((gint16)value);
    case 'i':
        return g_variant_new_int32((gint32)value);
    default:
        return g_variant_new_int64(value);
    }
}

static const struct {
    char type;
    gboolean is_signed;
    gint64 least;
    guint64 most;
} ranges[] = {
    {'y', FALSE, 0, G_MAXUINT8},
    {'q', FALSE, 0, G_MAXUINT16},
    {'u', FALSE, 0, G_MAXUINT32},
    {'t', FALSE, 0, G_MAXUINT64},
    {'n', TRUE, G_MININT16, G_MAXINT16},
    {'i', TRUE, G_MININT32, G_MAXINT32},
    {'x', TRUE, G_MININT64, G_MAXINT64},
};

static GVariant *
parse_range(guint range, const char *digits, guint base)
{
    char type = ranges[range].type;
    gint64 number;
    guint64 positive;

    if (ranges[range].is_signed)
        return g_ascii_string_to_signed(
                   digits, base, ranges[range].least, (gint64)ranges[range].most, &number, NULL)
                   ? new_signed(type, number)
                   : NULL;
    return g_ascii_string_to_unsigned(digits, base, 0, ranges[range].most, &positive, NULL)
               ? new_unsigned(type, positive)
               : NULL;
}

static GVariant *
parse_integer(const FieldInfo *field, guint range, const char *text, GError **error)
{
    guint base;
    const char *digits = digits_of(text, &base);
    GVariant *value = digits != NULL ? parse_range(range, digits, base) : NULL;

    if (value == NULL) {
        g_autofree char *expected = g_strdup_printf("a %s", field_type_words(field));

        refuse_value(field, text, expected, error);
    }
    return value;
}

static GVariant *
parse_real(const FieldInfo *field, const char *text, GError **error)
{
    char *end = NULL;
    double value = g_ascii_strtod(text, &end);

    if (end == text || *end != '\0' || g_ascii_isspace(text[0]) || !isfinite(value)) {
        refuse_value(field, text, "a number", error);
        return NULL;
    }
    return g_variant_new_double(value);
}

static GVariant *
parse_gvariant(const FieldInfo *field, const char *text, GError **error)
{
    g_autoptr(GError) cause = NULL;
    GVariant *value = g_variant_parse(G_VARIANT_TYPE(field->type), text, NULL, NULL, &cause);

    if (value == NULL) {
        /* the parser's message may quote the text */
        gboolean hide = (field->flags & POSTERN_FIELD_SECRET) != 0;
        g_autofree char *expected = g_strdup_printf("GVariant text of type '%s'%s%s",
                                                    field->type,
                                                    hide ? "" : ": ",
                                                    hide ? "" : cause->message);

        refuse_value(field, text, expected, error);
    }
    return value;
}

static GVariant *
parse_list(const FieldInfo *field, const char *text, GError **error)
{
    g_auto(GStrv) parts = NULL;

    if (text[0] == '[')
        return parse_gvariant(field, text, error);
    if (text[0] == '\0')
        return g_variant_new_strv(NULL, 0);
    parts = g_strsplit(text, ",", -1);
    for (guint i = 0; parts[i] != NULL; i++)
        g_strstrip(parts[i]);
    return g_variant_new_strv((const char *const *)parts, -1);
}

static GVariant *
parse_by_type(const FieldInfo *field, const char *text, GError **error)
{
    if (strcmp(field->type, "s") == 0)
        return g_variant_new_string(text);
    if (strcmp(field->type, "b") == 0)
        return parse_truth(field, text, error);
    if (strcmp(field->type, "d") == 0)
        return parse_real(field, text, error);
    if (strcmp(field->type, "as") == 0)
        return parse_list(field, text, error);
    for (guint i = 0; field->type[1] == '\0' && i < G_N_ELEMENTS(ranges); i++)
        if (ranges[i].type == field->type[0])
            return parse_integer(field, i, text, error);
    return parse_gvariant(field, text, error);
}

GVariant *
field_parse(const FieldInfo *field, const char *text, GError **error)
{
    g_autoptr(GVariant) value = NULL;

    if (!g_utf8_validate(text, -1, NULL)) {
        refuse_value(field, text, "valid UTF-8", error);
        return NULL;
    }
    value = parse_by_type(field, text, error);
    if (value == NULL)
        return NULL;
    g_variant_take_ref(value);
    if (!field_check(field, value, error))
        return NULL;
    return g_steal_pointer(&value);
}

/* ---- dictionaries ---- */

static char *
names_known(GPtrArray *fields)
{
    GString *names = g_string_new(NULL);

    for (guint i = 0; i < fields->len; i++)
        g_string_append_printf(
            names, "%s%s", i == 0 ? "" : ", ", ((FieldInfo *)fields->pdata[i])->name);
    return g_string_free(names, FALSE);
}

void
field_refuse_name(GPtrArray *fields, const char *name, const char *what, GError **error)
{
    Suggest suggest = {.typed = name};
    g_autofree char *known = names_known(fields);
    g_autofree char *hint = NULL;

    for (guint i = 0; i < fields->len; i++)
        suggest_offer(&suggest, ((FieldInfo *)fields->pdata[i])->name);
    hint = suggest_text(&suggest);
    g_set_error(error,
                POSTERN_ERROR,
                POSTERN_ERROR_BAD_PARAM,
                "%s: unknown name '%.64s'%s; %s%s",
                what,
                name,
                hint,
                fields->len > 0 ? "known are: " : "it takes none",
                known);
}

static gboolean
check_given(GPtrArray *fields, GVariant *given, const char *what, GError **error)
{
    g_autofree gboolean *seen = g_new0(gboolean, fields->len);
    const char *name;
    GVariant *value;
    GVariantIter iter;

    g_variant_iter_init(&iter, given);
    while (g_variant_iter_next(&iter, "{&sv}", &name, &value)) {
        g_autoptr(GVariant) held = value;
        guint place = field_place(fields, name);
        const FieldInfo *field;

        if (place == fields->len) {
            field_refuse_name(fields, name, what, error);
            return FALSE;
        }
        field = fields->pdata[place];
        if (!field_check(field, held, error)) {
            g_prefix_error(error, "%s: ", what);
            return FALSE;
        }
        if (seen[place]) {
            g_set_error(error,
                        POSTERN_ERROR,
                        POSTERN_ERROR_BAD_PARAM,
                        "%s: %s is given twice",
                        what,
                        field->name);
            return FALSE;
        }
        seen[place] = TRUE;
    }
    return TRUE;
}

static gboolean
check_dictionary(GVariant *values, const char *what, GError **error)
{
    if (g_variant_is_of_type(values, G_VARIANT_TYPE_VARDICT))
        return TRUE;
    g_set_error(error,
                POSTERN_ERROR,
                POSTERN_ERROR_BAD_PARAM,
                "%s: got a value of type '%s', expected a dictionary 'a{sv}'",
                what,
                g_variant_get_type_string(values));
    return FALSE;
}

static gboolean
refuse_missing(const FieldInfo *field, const char *what, GError **error)
{
    g_set_error(error,
                POSTERN_ERROR,
                POSTERN_ERROR_BAD_PARAM,
                "%s: %s is missing (%s: %s)",
                what,
                field->name,
                field_type_words(field),
                field->summary);
    return FALSE;
}

GVariant *
fields_complete(GPtrArray *fields, GVariant *given, const char *what, GError **error)
{
    g_autoptr(GVariant) held =
        g_variant_ref_sink(given != NULL ? given : g_variant_new("a{sv}", NULL));
    g_auto(GVariantBuilder) builder = G_VARIANT_BUILDER_INIT(G_VARIANT_TYPE_VARDICT);
    GVariant *done;

    if (!check_dictionary(held, what, error) || !check_given(fields, held, what, error))
        return NULL;
    for (guint i = 0; i < fields->len; i++) {
        const FieldInfo *field = fields->pdata[i];
        g_autoptr(GVariant) value = g_variant_lookup_value(held, field->name, NULL);

        if (value == NULL && (field->flags & POSTERN_FIELD_REQUIRED) != 0) {
            refuse_missing(field, what, error);
            return NULL;
        }
        if (value != NULL || field->fallback != NULL)
            g_variant_builder_add(
                &builder, "{sv}", field->name, value != NULL ? value : field->fallback);
    }
    done = g_variant_ref_sink(g_variant_builder_end(&builder));
    g_variant_get_data(
        done); /* once, here: strings in it stay where they are, on whatever thread it is read */
    return done;
}

static gboolean
check_required(GPtrArray *fields, GVariant *result, const char *what, GError **error)
{
    for (guint i = 0; i < fields->len; i++) {
        const FieldInfo *field = fields->pdata[i];
        g_autoptr(GVariant) value = NULL;

        if ((field->flags & POSTERN_FIELD_REQUIRED) == 0)
            continue;
        value = g_variant_lookup_value(result, field->name, NULL);
        if (value == NULL)
            return refuse_missing(field, what, error);
    }
    return TRUE;
}

gboolean
fields_check_result(GPtrArray *fields, GVariant *result, const char *what, GError **error)
{
    g_autoptr(GError) cause = NULL;

    if (check_dictionary(result, what, &cause) && check_given(fields, result, what, &cause) &&
        check_required(fields, result, what, &cause))
        return TRUE;
    /* whoever called the task did nothing wrong: this is the plugin's bug */
    g_set_error(error,
                POSTERN_ERROR,
                POSTERN_ERROR_INTERNAL,
                "the plugin returned what it does not document: %s",
                cause->message);
    return FALSE;
}
