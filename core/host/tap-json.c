/* SPDX-License-Identifier: Apache-2.0 */
#include "config.h"

#include "error.h"
#include "json-shape.h"
#include "secret.h"
#include "tap-private.h"

#include <json-glib/json-glib.h>
#include <string.h>
#include <sys/stat.h>

enum { FILE_MOST = 64 * 1024 * 1024, STREAMS_MOST = 1000000 };

static const char *const op_names[TAP_OPS] = {
    "connect", "open", "send", "recv", "end", "error", "close"};
/* by StreamVerdict */
static const char *const verdict_names[] = {"fine", "refused", "not-tls", "needs-legacy", "failed"};

/* ---- writing ---- */

static gboolean
is_text(const GByteArray *data)
{
    if (!g_utf8_validate_len((const char *)data->data, data->len, NULL))
        return FALSE;
    for (guint i = 0; i < data->len; i++)
        if (data->data[i] < 0x20 && strchr("\r\n\t", data->data[i]) == NULL)
            return FALSE;
    return TRUE;
}

static void
put_text(JsonBuilder *builder, const char *name, const char *value)
{
    json_builder_set_member_name(builder, name);
    json_builder_add_string_value(builder, value);
}

static void
put_data(JsonBuilder *builder, const TapEvent *event)
{
    g_autoptr(GByteArray) data = tap_normalise(event->data, event->op == TAP_SEND);
    g_autofree char *value = NULL;

    if (is_text(data)) {
        value = g_strndup((const char *)data->data, data->len);
        put_text(builder, "text", value);
    } else {
        value = g_base64_encode(data->data, data->len);
        put_text(builder, "base64", value);
    }
}

static void
put_event(JsonBuilder *builder, const TapEvent *event)
{
    json_builder_begin_object(builder);
    put_text(builder, "op", op_names[event->op]);
    json_builder_set_member_name(builder, "stream");
    json_builder_add_int_value(builder, event->stream);
    if (event->peer != NULL)
        put_text(builder, event->op == TAP_RECEIVE ? "from" : "to", event->peer);
    if (event->op == TAP_CONNECT) {
        json_builder_set_member_name(builder, "tls");
        json_builder_add_boolean_value(builder, event->tls);
    }
    if (event->code >= 0)
        put_text(builder, "error", error_word(event->code)->word);
    if (event->op == TAP_CONNECT && event->code >= 0)
        put_text(builder, "verdict", verdict_names[event->verdict]);
    if (event->data != NULL)
        put_data(builder, event);
    json_builder_end_object(builder);
}

static char *
to_json(const Tap *tap, gsize *length)
{
    g_autoptr(JsonBuilder) builder = json_builder_new();
    g_autoptr(JsonGenerator) generator = json_generator_new();
    g_autoptr(GDateTime) time = g_date_time_new_from_unix_utc(tap->time / G_USEC_PER_SEC);
    g_autofree char *when = g_date_time_format(time, "%Y-%m-%dT%H:%M:%SZ");
    g_autoptr(JsonNode) root = NULL;

    json_builder_begin_object(builder);
    put_text(builder, "format", "postern-recording");
    json_builder_set_member_name(builder, "version");
    json_builder_add_int_value(builder, 1);
    put_text(builder, "task", tap->task != NULL ? tap->task : "");
    put_text(builder, "time", when);
    json_builder_set_member_name(builder, "events");
    json_builder_begin_array(builder);
    for (guint i = 0; i < tap->events->len; i++)
        put_event(builder, tap->events->pdata[i]);
    json_builder_end_array(builder);
    json_builder_end_object(builder);
    root = json_builder_get_root(builder);
    json_generator_set_root(generator, root);
    json_generator_set_pretty(generator, TRUE);
    return json_generator_to_data(generator, length);
}

gboolean
tap_save(Tap *tap, GError **error)
{
    gsize length = 0;
    g_autofree char *text = to_json(tap, &length);
    g_autofree char *masked = secret_mask(text, (gssize)length);
    g_autoptr(GError) problem = NULL;

    if (masked != NULL) {
        g_set_error(error,
                    POSTERN_ERROR,
                    POSTERN_ERROR_INTERNAL,
                    "recording %s is not written: a secret would still be in it",
                    tap->path);
        return FALSE;
    }
    if (g_file_set_contents_full(
            tap->path, text, (gssize)length, G_FILE_SET_CONTENTS_CONSISTENT, 0600, &problem))
        return TRUE;
    g_set_error(error,
                POSTERN_ERROR,
                POSTERN_ERROR_BAD_PARAM,
                "cannot write recording %s: %s",
                tap->path,
                problem->message);
    return FALSE;
}

/* ---- reading: the file is a stranger's ---- */

#define BAD(error, tap, ...) refuse(error, (tap)->path, g_strdup_printf(__VA_ARGS__))

/* Takes `what`. Always FALSE. */
static gboolean
refuse(GError **error, const char *path, char *what)
{
    g_autofree char *said = what;
    /* what is shown of the file may be cut within a character */
    g_autofree char *valid = g_utf8_make_valid(said, -1);

    g_set_error(
        error, POSTERN_ERROR, POSTERN_ERROR_BAD_PARAM, "%s is no recording: %s", path, valid);
    return FALSE;
}

static const char *
get_text(JsonObject *object, const char *name)
{
    JsonNode *node = json_object_get_member(object, name);

    return node != NULL && JSON_NODE_HOLDS_VALUE(node) &&
                   json_node_get_value_type(node) == G_TYPE_STRING
               ? json_node_get_string(node)
               : NULL;
}

static gint64
get_number(JsonObject *object, const char *name)
{
    JsonNode *node = json_object_get_member(object, name);

    return node != NULL && JSON_NODE_HOLDS_VALUE(node) &&
                   json_node_get_value_type(node) == G_TYPE_INT64
               ? json_node_get_int(node)
               : -1;
}

/* The place of `word` in `names`, -1: it is not there. */
static gint
place_of(const char *word, const char *const *names, guint count)
{
    for (guint i = 0; word != NULL && i < count; i++)
        if (strcmp(word, names[i]) == 0)
            return (gint)i;
    return -1;
}

static GByteArray *
read_data(JsonObject *object)
{
    const char *text = get_text(object, "text"), *base64 = get_text(object, "base64");
    GByteArray *data = NULL;

    if (text != NULL) {
        data = g_byte_array_sized_new(1); /* even no bytes have an address */
        g_byte_array_append(data, (const guint8 *)text, (guint)strlen(text));
    } else if (base64 != NULL) {
        gsize length = 0;
        g_autofree guchar *bytes = g_base64_decode(base64, &length);
        data = g_byte_array_sized_new(1); /* even no bytes have an address */
        g_byte_array_append(data, bytes, (guint)length);
    }
    return data;
}

static gboolean
read_failure(Tap *tap, TapEvent *event, JsonObject *object, guint i, GError **error)
{
    const char *word = get_text(object, "error"), *verdict = get_text(object, "verdict");
    const ErrorWord *known = word != NULL ? error_word_find(word) : NULL;
    gint place = place_of(verdict, verdict_names, G_N_ELEMENTS(verdict_names));

    if (word == NULL && event->op != TAP_ERROR)
        return TRUE;
    if (known == NULL)
        return BAD(error,
                   tap,
                   "event %u has the error '%.40s', which is none",
                   i,
                   word != NULL ? word : "");
    event->code = (gint)known->code;
    event->verdict = place > 0 ? place : (gint)G_N_ELEMENTS(verdict_names) - 1;
    return TRUE;
}

static gboolean
read_event(Tap *tap, JsonNode *node, guint i, GError **error)
{
    JsonObject *object = JSON_NODE_HOLDS_OBJECT(node) ? json_node_get_object(node) : NULL;
    gint64 stream = object != NULL ? get_number(object, "stream") : -1;
    const char *word = object != NULL ? get_text(object, "op") : NULL;
    gint op = place_of(word, op_names, TAP_OPS);
    TapEvent *event;

    if (op < 0 || stream < 0 || stream > STREAMS_MOST)
        return BAD(error,
                   tap,
                   "event %u has no known \"op\" ('%.20s'), or no \"stream\" number",
                   i,
                   word != NULL ? word : "");
    event = tap_event_new((TapOp)op, (guint)stream);
    g_ptr_array_add(tap->events, event);
    event->peer = g_strdup(get_text(object, op == TAP_RECEIVE ? "from" : "to"));
    event->data = read_data(object);
    if ((op == TAP_SEND || op == TAP_RECEIVE) && event->data == NULL)
        return BAD(error, tap, "event %u (%s) has neither \"text\" nor \"base64\"", i, word);
    if (op == TAP_CONNECT && event->peer == NULL)
        return BAD(error, tap, "event %u (connect) has no \"to\"", i);
    return read_failure(tap, event, object, i, error);
}

static gboolean
read_events(Tap *tap, JsonObject *object, GError **error)
{
    JsonNode *node = json_object_get_member(object, "events");
    JsonArray *events;

    if (node == NULL || !JSON_NODE_HOLDS_ARRAY(node))
        return BAD(error, tap, "it has no list \"events\"");
    events = json_node_get_array(node);
    for (guint i = 0; i < json_array_get_length(events); i++)
        if (!read_event(tap, json_array_get_element(events, i), i, error))
            return FALSE;
    return TRUE;
}

static gboolean
read_root(Tap *tap, JsonNode *root, GError **error)
{
    JsonObject *object =
        root != NULL && JSON_NODE_HOLDS_OBJECT(root) ? json_node_get_object(root) : NULL;
    const char *format = object != NULL ? get_text(object, "format") : NULL;
    const char *time = object != NULL ? get_text(object, "time") : NULL;
    g_autoptr(GDateTime) when = time != NULL ? g_date_time_new_from_iso8601(time, NULL) : NULL;

    if (g_strcmp0(format, "postern-recording") != 0)
        return BAD(error,
                   tap,
                   "\"format\" is '%.40s', expected postern-recording",
                   format != NULL ? format : "");
    if (get_number(object, "version") != 1)
        return BAD(error,
                   tap,
                   "\"version\" is %" G_GINT64_FORMAT ", expected 1",
                   get_number(object, "version"));
    if (when != NULL)
        tap->time = g_date_time_to_unix(when) * G_USEC_PER_SEC;
    return read_events(tap, object, error);
}

gboolean
tap_parse(Tap *tap, const char *text, gsize length, GError **error)
{
    g_autoptr(JsonParser) parser = json_parser_new();
    g_autoptr(GError) problem = NULL;

    if (!g_utf8_validate_len(text, length, NULL))
        return BAD(error, tap, "it is not UTF-8 text");
    if (!json_shape_check(text, length, &problem))
        return BAD(error, tap, "%s", problem->message);
    if (!json_parser_load_from_data(parser, text, (gssize)length, &problem)) {
        const char *said = problem->message; /* "<data>:1:7: ..." */
        return g_str_has_prefix(said, "<data>:")
                   ? BAD(error, tap, "line %s", said + strlen("<data>:"))
                   : BAD(error, tap, "%s", said);
    }
    return read_root(tap, json_parser_get_root(parser), error);
}

gboolean
tap_load(Tap *tap, GError **error)
{
    g_autoptr(GError) problem = NULL;
    g_autofree char *text = NULL;
    gsize length = 0;
    struct stat info;

    if (stat(tap->path, &info) == 0 && (!S_ISREG(info.st_mode) || info.st_size > FILE_MOST))
        return BAD(error, tap, "it is no plain file of at most 64 MiB");
    if (!g_file_get_contents(tap->path, &text, &length, &problem)) {
        g_set_error(error,
                    POSTERN_ERROR,
                    POSTERN_ERROR_BAD_PARAM,
                    "cannot read recording %s: %s",
                    tap->path,
                    problem->message);
        return FALSE;
    }
    return tap_parse(tap, text, length, error);
}
