/* SPDX-License-Identifier: Apache-2.0 */
#include "config.h"

#include "secret.h"
#include "tap-private.h"

#include <string.h>

/* ---- taking down ---- */

/* The lock is held. A piece of what the last event of this stream brought is added to it. */
static TapEvent *
note(TapStream *stream, TapOp op, gboolean grows)
{
    TapEvent *event = stream->last;

    if (!grows || event == NULL || event->op != op) {
        event = tap_event_new(op, stream->number);
        g_ptr_array_add(stream->tap->events, event);
        stream->last = event;
    }
    return event;
}

/* Secrets are masked now: by the time the file is written they may be forgotten, and not known as
 * secrets. All that came so far is looked at, as one may lie across two pieces. */
static void
add_data(TapEvent *event, const void *data, gsize length)
{
    g_autofree char *masked = NULL;
    gsize masked_length = 0;

    if (event->data == NULL)
        event->data = g_byte_array_new();
    g_byte_array_append(event->data, data, (guint)length);
    masked = secret_mask_bytes((const char *)event->data->data, event->data->len, &masked_length);
    if (masked == NULL)
        return;
    g_byte_array_set_size(event->data, 0);
    g_byte_array_append(event->data, (const guint8 *)masked, (guint)masked_length);
}

void
tap_note_connect(TapStream *stream, gint verdict, const GError *problem)
{
    Tap *tap = stream->tap;
    TapEvent *event;

    if (!tap->records)
        return;
    g_mutex_lock(&tap->lock);
    event = note(stream, stream->peer != NULL ? TAP_CONNECT : TAP_OPEN, FALSE);
    event->peer = g_strdup(stream->peer);
    event->tls = stream->tls;
    event->verdict = verdict;
    event->code = problem != NULL ? problem->code : -1;
    g_mutex_unlock(&tap->lock);
}

void
tap_note_sent(TapStream *stream, const char *host, guint16 port, const void *data, gsize length)
{
    Tap *tap = stream->tap;
    TapEvent *event;

    if (!tap->records)
        return;
    g_mutex_lock(&tap->lock);
    event = note(stream, TAP_SEND, host == NULL);
    if (host != NULL)
        event->peer = tap_peer(tap, host, port);
    add_data(event, data, length);
    g_mutex_unlock(&tap->lock);
}

void
tap_note_received(TapStream *stream,
                  const char *host,
                  guint16 port,
                  const void *data,
                  gssize got,
                  const GError *problem)
{
    Tap *tap = stream->tap;
    TapEvent *event;

    if (!tap->records)
        return;
    g_mutex_lock(&tap->lock);
    if (got < 0) {
        event = note(stream, TAP_ERROR, FALSE);
        event->code = problem != NULL ? problem->code : POSTERN_ERROR_INTERNAL;
    } else if (got == 0 && host == NULL) {
        note(stream, TAP_END, FALSE);
    } else {
        event = note(stream, TAP_RECEIVE, host == NULL);
        if (host != NULL)
            event->peer = tap_peer(tap, host, port);
        add_data(event, data, (gsize)got);
    }
    g_mutex_unlock(&tap->lock);
}

void
tap_stream_close(TapStream *stream)
{
    Tap *tap = stream->tap;

    if (tap->records) {
        g_mutex_lock(&tap->lock);
        note(stream, TAP_CLOSE, FALSE);
        g_mutex_unlock(&tap->lock);
    }
    g_free(stream->peer);
    g_free(stream);
}

/* ---- making it the same each time ---- */

enum { LOGIN_HEAD = 9 };

/* Overwrite the value of each nonce: as long as before, and the same in each recording. */
static void
fake_nonces(GString *line)
{
    char *at = line->str;

    while ((at = strstr(at, "nonce=")) != NULL) {
        char *value = at + strlen("nonce=");
        value += *value == '"';
        at = value;
        for (; *at != '\0' && *at != '"' && *at != ',' && *at != '\r'; at++)
            *at = "nonce0123456789."[(at - value) % 16];
    }
}

static gboolean
line_is(const char *line, gsize length, const char *name)
{
    gsize size = strlen(name);

    return length > size && line[size] == ':' && g_ascii_strncasecmp(line, name, size) == 0;
}

/* One header line with its end, as it is to stand in a recording. */
static void
append_line(GString *out, const char *line, gsize length)
{
    g_autoptr(GString) copy = NULL;

    if (line_is(line, length, "Date"))
        return;
    if (line_is(line, length, "Authorization")) {
        const char *scheme = line + strlen("Authorization:");
        scheme += strspn(scheme, " ");
        g_string_append_printf(
            out, "Authorization: %.*s\r\n", (int)strcspn(scheme, " \r\n"), scheme);
    } else if (line_is(line, length, "Host")) {
        g_string_append(out, "Host: device\r\n");
    } else if (line_is(line, length, "User-Agent")) {
        g_string_append(out, "User-Agent: postern\r\n");
    } else if (line_is(line, length, "WWW-Authenticate")) {
        copy = g_string_new_len(line, (gssize)length);
        fake_nonces(copy);
        g_string_append_len(out, copy->str, (gssize)copy->len);
    } else {
        g_string_append_len(out, line, (gssize)length);
    }
}

/* Whether the bytes begin with the head of a request or an answer: up to where its first line goes.
 */
static gboolean
is_http(const GByteArray *bytes, gboolean sent)
{
    const char *text = (const char *)bytes->data;
    const char *end = memchr(text, '\n', bytes->len);

    if (end == NULL || end - text < 12)
        return FALSE;
    if (!sent)
        return memcmp(text, "HTTP/1.", 7) == 0;
    end -= end[-1] == '\r';
    return memcmp(end - 9, " HTTP/1.", 8) == 0;
}

static void
append_normal_head(GString *out, const char *text, gsize length)
{
    gsize at = 0;

    while (at < length) {
        const char *end = memchr(text + at, '\n', length - at);
        gsize size = end != NULL ? (gsize)(end + 1 - text) - at : length - at;
        gboolean empty =
            size <= 2 && text[at + size - 1] == '\n' && (size == 1 || text[at] == '\r');
        append_line(out, text + at, size);
        at += size;
        if (empty)
            break;
    }
    g_string_append_len(out, text + at, (gssize)(length - at));
}

/* A login at the redirection port of Intel AMT, which is no HTTP: four bytes that say so, the method, a length, and a
 * digest over a number of ours that is another one each time. */
static gboolean
is_binary_login(const GByteArray *bytes, gboolean sent)
{
    static const guint8 start[] = {0x13, 0, 0, 0};
    guint32 length;

    if (!sent || bytes->len <= LOGIN_HEAD || memcmp(bytes->data, start, sizeof start) != 0)
        return FALSE;
    memcpy(&length, bytes->data + 5, sizeof length);
    return GUINT32_FROM_LE(length) == bytes->len - LOGIN_HEAD;
}

static void
append_binary_login(GString *out, const GByteArray *bytes)
{
    g_string_append_len(out, (const char *)bytes->data, LOGIN_HEAD);
    for (guint i = LOGIN_HEAD; i < bytes->len; i++)
        g_string_append_c(out, '*');
}

GByteArray *
tap_normalise(const GByteArray *bytes, gboolean sent)
{
    g_autoptr(GString) out = g_string_sized_new(bytes->len + 1);
    GByteArray *result = g_byte_array_new();
    g_autofree char *masked = NULL;
    gsize masked_length = 0;

    if (bytes->len > 0 && is_http(bytes, sent))
        append_normal_head(out, (const char *)bytes->data, bytes->len);
    else if (is_binary_login(bytes, sent))
        append_binary_login(out, bytes);
    else
        g_string_append_len(out, (const char *)bytes->data, bytes->len);
    masked = secret_mask_bytes(out->str, out->len, &masked_length);
    if (masked != NULL)
        g_byte_array_append(result, (const guint8 *)masked, (guint)masked_length);
    else
        g_byte_array_append(result, (const guint8 *)out->str, (guint)out->len);
    return result;
}
