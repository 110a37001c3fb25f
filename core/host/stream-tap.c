/* SPDX-License-Identifier: Apache-2.0 */
#include "config.h"

#include "stream-private.h"
#include "tap-stream.h"

/* How long a replay waits for another stack of the run to send what the recording has next. */
enum { REPLAY_PATIENCE_US = 2 * G_USEC_PER_SEC };

gboolean
stream_connect_tapped(PosternStream *stream,
                      const StreamWish *wish,
                      StreamVerdict *verdict,
                      GError **error)
{
    Tap *tap = run_plan(stream->run)->tap;
    TapFault fault = tap_step(tap);
    GError *problem = NULL;
    gboolean fine = FALSE;
    gint found = STREAM_FAILED;

    stream->tap = tap_stream_new(tap, stream->run, wish->host, wish->port, wish->tls != NULL);
    if (fault != TAP_FAULT_NONE) {
        tap_fault_error(fault, wish->host, wish->port, &problem);
        found = fault == TAP_FAULT_REFUSED ? STREAM_REFUSED : STREAM_FAILED;
    } else if (tap_replays(tap)) {
        fine = tap_replay_connect(stream->tap, &found, &problem);
    } else {
        StreamVerdict real = STREAM_FAILED;
        fine = stream_connect_socket(stream, wish, &real, &problem);
        found = (gint)real;
    }
    *verdict = (StreamVerdict)found;
    tap_note_connect(stream->tap, found, problem);
    if (problem != NULL)
        g_propagate_error(error, problem);
    return fine;
}

/* A replay has nothing to give before something else is sent: by another stack, so wait for it. */
static gssize
replay_read(PosternStream *stream, void *buffer, gsize length, gint64 deadline, GError **error)
{
    gint64 patience = g_get_monotonic_time() + REPLAY_PATIENCE_US;
    gssize got;

    if (deadline >= 0)
        patience = MIN(patience, deadline);
    while ((got = tap_replay_receive(stream->tap, buffer, length, NULL, NULL, error)) ==
           TAP_NOTHING_YET)
        if (!stream_wait(stream,
                         &stream->reader,
                         0,
                         patience,
                         "has nothing to say in the recording before more is sent, and nothing was",
                         error))
            return -1;
    return got;
}

gssize
stream_read_tapped(
    PosternStream *stream, void *buffer, gsize length, gint64 deadline, GError **error)
{
    Tap *tap = tap_stream_tap(stream->tap);
    TapFault fault = tap_step(tap);
    GError *problem = NULL;
    gssize got = -1;

    if (fault == TAP_FAULT_EOF || stream->cut)
        got = 0;
    else if (fault == TAP_FAULT_TIMEOUT || fault == TAP_FAULT_RESET || fault == TAP_FAULT_REFUSED)
        tap_fault_error(fault, stream->host, stream->port, &problem);
    else if (tap_replays(tap))
        got = replay_read(stream, buffer, length, deadline, &problem);
    else
        got = stream_read_socket(stream, buffer, length, deadline, &problem);
    if (got > 0 && fault != TAP_FAULT_NONE) {
        got = (gssize)tap_spoil(tap, fault, buffer, (gsize)got);
        stream->cut = fault == TAP_FAULT_TRUNCATED;
    }
    if (!stream->closed)
        tap_note_received(stream->tap, NULL, 0, buffer, got, problem);
    if (problem != NULL)
        g_propagate_error(error, problem);
    return got;
}

/* A fault of any kind cuts a write: what never arrives cannot be told from what was lost. */
gboolean
stream_write_tapped(
    PosternStream *stream, const void *data, gsize length, gint64 deadline, GError **error)
{
    Tap *tap = tap_stream_tap(stream->tap);
    TapFault fault = tap_step(tap);
    gboolean fine;

    if (fault != TAP_FAULT_NONE) {
        tap_fault_error(fault, stream->host, stream->port, error);
        return FALSE;
    }
    if (!tap_replays(tap)) {
        GError *problem = NULL;
        tap_note_sent(stream->tap, NULL, 0, data, length);
        fine = stream_write_socket(stream, data, length, deadline, &problem);
        /* in a replay it is the next read that finds out, which comes to the same */
        if (!fine && !stream->closed)
            tap_note_received(stream->tap, NULL, 0, NULL, -1, problem);
        if (!fine)
            g_propagate_error(error, problem);
        return fine;
    }
    fine = tap_replay_send(stream->tap, NULL, 0, data, length, error);
    wait_wake(&stream->reader.wait);
    return fine;
}
