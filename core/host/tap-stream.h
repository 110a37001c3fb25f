/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * tap-stream.h - the tap as streams and datagram sockets see it.
 *
 * Any worker may use one tap: it locks itself.
 */
#include "run.h"
#include "tap.h"

/* One stream or datagram socket under a tap. Belongs to one worker. */
typedef struct TapStream TapStream;

/* Count one step: the fault it is to have. */
TapFault tap_step(Tap *tap);
/* The error that a fault makes of a step with `host`. */
void tap_fault_error(TapFault fault, const char *host, guint16 port, GError **error);
/* What a fault makes of `length` bytes that came: how many are left. */
gsize tap_spoil(Tap *tap, TapFault fault, guint8 *bytes, gsize length);

/* TRUE: nothing touches the network. */
gboolean tap_replays(const Tap *tap);

/* TRUE: it records or replays; else it only spoils. */
gboolean tap_keeps(const Tap *tap);

/* A stream to `host` (NULL: one that came in, or a datagram socket). */
TapStream *tap_stream_new(Tap *tap, PosternRun *run, const char *host, guint16 port, gboolean tls);
Tap *tap_stream_tap(const TapStream *stream);
void tap_stream_close(TapStream *stream);

/* Put down what happened; does nothing unless the tap records. `verdict` is a StreamVerdict;
 * `problem` NULL: it worked. `host`, `port` with datagrams only. */
void tap_note_connect(TapStream *stream, gint verdict, const GError *problem);
void
tap_note_sent(TapStream *stream, const char *host, guint16 port, const void *data, gsize length);
/* `got` 0: the end. */
void tap_note_received(TapStream *stream,
                       const char *host,
                       guint16 port,
                       const void *data,
                       gssize got,
                       const GError *problem);

/* The same steps out of a recording. */
gboolean tap_replay_connect(TapStream *stream, gint *verdict, GError **error);
gboolean tap_replay_send(TapStream *stream,
                         const char *host,
                         guint16 port,
                         const void *data,
                         gsize length,
                         GError **error);
/* TAP_NOTHING_YET: the recording goes on with something that we have not sent yet. `from` (the
 * caller's) and `from_port` may be NULL. */
enum { TAP_NOTHING_YET = -2 };
gssize tap_replay_receive(
    TapStream *stream, void *buffer, gsize length, char **from, guint16 *from_port, GError **error);
