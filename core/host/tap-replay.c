/* SPDX-License-Identifier: Apache-2.0 */
#include "config.h"

#include "error.h"
#include "tap-private.h"

#include <string.h>

enum { SHOWN = 48 /* bytes of a difference put into messages */ };

#define OTHERWISE(error, ...)                                                                      \
    g_set_error(error, POSTERN_ERROR, POSTERN_ERROR_PROTOCOL, "replay: " __VA_ARGS__)

/* ---- finding the way through the recording; the lock is held ---- */

static TapEvent *
event_at(const Tap *tap, guint i)
{
    return tap->events->pdata[i];
}

/* What comes next on this stream; NULL: nothing. */
static TapEvent *
next_event(TapStream *stream)
{
    while (stream->at < stream->tap->events->len &&
           event_at(stream->tap, stream->at)->stream != stream->number)
        stream->at++;
    return stream->at < stream->tap->events->len ? event_at(stream->tap, stream->at) : NULL;
}

static void
use_event(TapStream *stream, TapEvent *event)
{
    event->used = TRUE;
    stream->at++;
    stream->offset = 0;
}

static const char *
op_words(const TapEvent *event)
{
    static const char *const words[] = {"a connection",
                                        "a socket",
                                        "bytes to be sent",
                                        "bytes received",
                                        "the end",
                                        "an error",
                                        "the closing by us"};

    return event != NULL ? words[event->op] : "nothing more";
}

/* The error that was met when it was recorded. */
static void
recorded_error(const TapEvent *event, const char *peer, GError **error)
{
    g_set_error(error,
                POSTERN_ERROR,
                event->code,
                "%s: %s (as recorded)",
                peer != NULL ? peer : "datagrams",
                error_word(event->code)->meaning);
}

/* ---- steps ---- */

static gboolean
connect_locked(TapStream *stream, gint *verdict, GError **error)
{
    TapOp op = stream->peer != NULL ? TAP_CONNECT : TAP_OPEN;
    Tap *tap = stream->tap;

    for (guint i = 0; i < tap->events->len; i++) {
        TapEvent *event = event_at(tap, i);
        if (event->used || event->op != op || g_strcmp0(event->peer, stream->peer) != 0)
            continue;
        stream->number = event->stream;
        stream->at = i;
        use_event(stream, event);
        *verdict = event->verdict;
        if (event->code >= 0)
            recorded_error(event, stream->peer, error);
        return event->code < 0;
    }
    OTHERWISE(error,
              "%s holds no further %s%s, which was wanted now",
              tap->path,
              stream->peer != NULL ? "connection to " : "datagram socket",
              stream->peer != NULL ? stream->peer : "");
    return FALSE;
}

gboolean
tap_replay_connect(TapStream *stream, gint *verdict, GError **error)
{
    gboolean fine;

    g_mutex_lock(&stream->tap->lock);
    fine = connect_locked(stream, verdict, error);
    g_mutex_unlock(&stream->tap->lock);
    return fine;
}

static char *
excerpt(const guint8 *bytes, gsize length)
{
    g_autofree char *text = g_strndup((const char *)bytes, MIN(length, SHOWN));

    return g_strescape(text, NULL);
}

static void
differs(TapStream *stream, const TapEvent *event, const GByteArray *sent, GError **error)
{
    const guint8 *recorded = event->data->data + stream->offset;
    gsize left = event->data->len - stream->offset, same = 0;
    g_autofree char *ours = NULL, *theirs = NULL;
    gsize from;

    while (same < left && same < sent->len && recorded[same] == sent->data[same])
        same++;
    from = same > 8 ? same - 8 : 0; /* a little of what is the same, to find the place */
    ours = excerpt(sent->data + from, sent->len - from);
    theirs = excerpt(recorded + from, left - from);
    OTHERWISE(error,
              "what is sent differs from %s, stream %u, at byte %" G_GSIZE_FORMAT
              " of a message: sent '%s', recorded '%s'",
              stream->tap->path,
              stream->number,
              stream->offset + same,
              ours,
              theirs);
}

static gboolean
send_locked(TapStream *stream, const char *peer, const GByteArray *sent, GError **error)
{
    TapEvent *event = next_event(stream);

    if (event == NULL || event->op != TAP_SEND) {
        g_autofree char *shown = excerpt(sent->data, sent->len);
        OTHERWISE(error,
                  "'%s' is sent on stream %u where %s has %s",
                  shown,
                  stream->number,
                  stream->tap->path,
                  op_words(event));
        return FALSE;
    }
    if (g_strcmp0(peer, event->peer) != 0) {
        OTHERWISE(error, "a datagram goes to %s, recorded was %s", peer, event->peer);
        return FALSE;
    }
    if (event->data->len - stream->offset < sent->len ||
        memcmp(event->data->data + stream->offset, sent->data, sent->len) != 0) {
        differs(stream, event, sent, error);
        return FALSE;
    }
    stream->offset += sent->len;
    if (stream->offset == event->data->len)
        use_event(stream, event);
    return TRUE;
}

gboolean
tap_replay_send(TapStream *stream,
                const char *host,
                guint16 port,
                const void *data,
                gsize length,
                GError **error)
{
    g_autoptr(GByteArray) bytes = g_byte_array_new();
    g_autoptr(GByteArray) sent = NULL;
    g_autofree char *peer = NULL;
    gboolean fine;

    g_byte_array_append(bytes, data, (guint)length);
    sent = tap_normalise(bytes, TRUE);
    g_mutex_lock(&stream->tap->lock);
    if (host != NULL)
        peer = tap_peer(stream->tap, host, port);
    fine = send_locked(stream, peer, sent, error);
    g_mutex_unlock(&stream->tap->lock);
    return fine;
}

/* A datagram is given whole or cut, a piece of a stream as far as there is room. */
static gssize
give(TapStream *stream, TapEvent *event, void *buffer, gsize length)
{
    gsize part = MIN(length, event->data->len - stream->offset);

    memcpy(buffer, event->data->data + stream->offset, part);
    stream->offset += part;
    if (stream->datagrams || stream->offset == event->data->len)
        use_event(stream, event);
    return (gssize)part;
}

static gssize
receive_locked(TapStream *stream, void *buffer, gsize length, char **peer, GError **error)
{
    TapEvent *event = next_event(stream);

    if (event == NULL || event->op == TAP_CLOSE) {
        OTHERWISE(
            error, "more is read from stream %u than %s holds", stream->number, stream->tap->path);
        return -1;
    }
    switch (event->op) {
    case TAP_RECEIVE:
        if (peer != NULL)
            *peer = g_strdup(event->peer);
        return give(stream, event, buffer, length);
    case TAP_END:
        event->used = TRUE;
        return 0;
    case TAP_ERROR:
        recorded_error(event, stream->peer, error);
        use_event(stream, event);
        return -1;
    case TAP_CONNECT:
    case TAP_OPEN:
    case TAP_SEND:
    case TAP_CLOSE:
    case TAP_OPS:
    default:
        return TAP_NOTHING_YET;
    }
}

/* "device-2:623" back to the host it stands for. */
static void
split_peer(Tap *tap, const char *peer, char **host, guint16 *port)
{
    const char *colon = peer != NULL ? strrchr(peer, ':') : NULL;
    guint64 number = 1;

    if (colon == NULL)
        return;
    if (g_str_has_prefix(peer, "device-"))
        number = g_ascii_strtoull(peer + strlen("device-"), NULL, 10);
    if (host != NULL && number >= 1 && number <= tap->hosts->len)
        *host = g_strdup(tap->hosts->pdata[number - 1]);
    if (port != NULL)
        *port = (guint16)g_ascii_strtoull(colon + 1, NULL, 10);
}

gssize
tap_replay_receive(
    TapStream *stream, void *buffer, gsize length, char **from, guint16 *from_port, GError **error)
{
    g_autofree char *peer = NULL;
    gssize got;

    g_mutex_lock(&stream->tap->lock);
    got = receive_locked(stream, buffer, length, &peer, error);
    if (got >= 0)
        split_peer(stream->tap, peer, from, from_port);
    g_mutex_unlock(&stream->tap->lock);
    return got;
}

char *
tap_unused(const Tap *tap)
{
    const TapEvent *first = NULL;
    guint count = 0;

    for (guint i = 0; tap->replays && i < tap->events->len; i++) {
        const TapEvent *event = event_at(tap, i);
        if (event->used || event->op == TAP_CLOSE || event->op == TAP_END)
            continue;
        first = first != NULL ? first : event;
        count++;
    }
    if (count == 0)
        return NULL;
    return g_strdup_printf("%u steps of %s were not asked for, the first: %s on stream %u",
                           count,
                           tap->path,
                           op_words(first),
                           first->stream);
}
