/* SPDX-License-Identifier: Apache-2.0 */
#include "config.h"

#include "tap-private.h"

#include <postern-plugin.h>

#include <string.h>

const char *
tap_fault_word(TapFault fault)
{
    static const char *const words[] = {
        "none", "timeout", "reset", "refused", "eof", "garbage", "truncated"};

    return (guint)fault < G_N_ELEMENTS(words) ? words[fault] : "?";
}

/* ---- events ---- */

TapEvent *
tap_event_new(TapOp op, guint stream)
{
    TapEvent *event = g_new0(TapEvent, 1);

    event->op = op;
    event->stream = stream;
    event->code = -1;
    return event;
}

void
tap_event_free(gpointer data)
{
    TapEvent *event = data;

    g_free(event->peer);
    g_clear_pointer(&event->data, g_byte_array_unref);
    g_free(event);
}

/* ---- life ---- */

Tap *
tap_plain(void)
{
    Tap *tap = g_new0(Tap, 1);

    g_mutex_init(&tap->lock);
    tap->hosts = g_ptr_array_new_with_free_func(g_free);
    tap->events = g_ptr_array_new_with_free_func(tap_event_free);
    return tap;
}

static void
tap_free(Tap *tap)
{
    g_clear_pointer(&tap->random, g_rand_free);
    g_ptr_array_unref(tap->hosts);
    g_ptr_array_unref(tap->events);
    g_free(tap->path);
    g_free(tap->task);
    g_mutex_clear(&tap->lock);
    g_free(tap);
}

Tap *
tap_record(const char *path, GError **error)
{
    Tap *tap = tap_plain();

    tap->path = g_strdup(path);
    tap->records = TRUE;
    tap->time = g_get_real_time();
    /* not after an hour's work: a place that cannot be written is an error now */
    if (tap_save(tap, error))
        return tap;
    tap_free(tap);
    return NULL;
}

Tap *
tap_replay(const char *path, GError **error)
{
    Tap *tap = tap_plain();

    tap->path = g_strdup(path);
    tap->replays = TRUE;
    if (tap_load(tap, error))
        return tap;
    tap_free(tap);
    return NULL;
}

gboolean
tap_close(Tap *tap, GError **error)
{
    gboolean fine = TRUE;

    if (tap == NULL)
        return TRUE;
    if (tap->records)
        fine = tap_save(tap, error);
    tap_free(tap);
    return fine;
}

gboolean
tap_replays(const Tap *tap)
{
    return tap->replays;
}

gboolean
tap_keeps(const Tap *tap)
{
    return tap->replays || tap->records;
}

gint64
tap_recorded_time(const Tap *tap)
{
    return tap->replays ? tap->time : 0;
}

/* ---- faults ---- */

void
tap_fault(Tap *tap, guint step, TapFault fault, guint32 seed)
{
    tap->fault_step = step;
    tap->fault = fault;
    g_clear_pointer(&tap->random, g_rand_free);
    tap->random = g_rand_new_with_seed(seed);
}

guint
tap_steps(const Tap *tap)
{
    return tap->steps;
}

TapFault
tap_step(Tap *tap)
{
    TapFault fault = TAP_FAULT_NONE;

    g_mutex_lock(&tap->lock);
    if (tap->fault != TAP_FAULT_NONE && tap->steps == tap->fault_step)
        fault = tap->fault;
    tap->steps++;
    g_mutex_unlock(&tap->lock);
    return fault;
}

void
tap_fault_error(TapFault fault, const char *host, guint16 port, GError **error)
{
    if (fault == TAP_FAULT_TIMEOUT)
        g_set_error(error,
                    POSTERN_ERROR,
                    POSTERN_ERROR_TIMEOUT,
                    "%s port %u did not answer within the time allowed (a fault put in on purpose)",
                    host,
                    port);
    else if (fault == TAP_FAULT_REFUSED)
        g_set_error(error,
                    POSTERN_ERROR,
                    POSTERN_ERROR_REFUSED,
                    "%s refused the connection to port %u (a fault put in on purpose)",
                    host,
                    port);
    else
        g_set_error(error,
                    POSTERN_ERROR,
                    POSTERN_ERROR_UNREACHABLE,
                    "the connection to %s port %u was cut (a fault put in on purpose)",
                    host,
                    port);
}

gsize
tap_spoil(Tap *tap, TapFault fault, guint8 *bytes, gsize length)
{
    if (fault == TAP_FAULT_TRUNCATED)
        return length / 2;
    if (fault != TAP_FAULT_GARBAGE)
        return length;
    g_mutex_lock(&tap->lock);
    for (gsize i = 0; i < length; i++)
        bytes[i] = (guint8)g_rand_int_range(tap->random, 0, 256);
    g_mutex_unlock(&tap->lock);
    return length;
}

/* ---- streams ---- */

/* The machines get names of their own, so that a recording says nothing of whose they are. */
char *
tap_peer(Tap *tap, const char *host, guint16 port)
{
    g_autofree char *key = g_ascii_strdown(host, -1);
    guint i = 0;

    if (!g_ptr_array_find_with_equal_func(tap->hosts, key, g_str_equal, &i)) {
        i = tap->hosts->len;
        g_ptr_array_add(tap->hosts, g_steal_pointer(&key));
    }
    return i == 0 ? g_strdup_printf("device:%u", port)
                  : g_strdup_printf("device-%u:%u", i + 1, port);
}

TapStream *
tap_stream_new(Tap *tap, PosternRun *run, const char *host, guint16 port, gboolean tls)
{
    TapStream *stream = g_new0(TapStream, 1);

    g_mutex_lock(&tap->lock);
    stream->tap = tap;
    stream->number = ++tap->streams;
    stream->tls = tls;
    stream->datagrams = host == NULL;
    stream->peer = host != NULL ? tap_peer(tap, host, port) : NULL;
    if (tap->task == NULL)
        tap->task = g_strdup(run_task(run)->id);
    g_mutex_unlock(&tap->lock);
    return stream;
}

Tap *
tap_stream_tap(const TapStream *stream)
{
    return stream->tap;
}
