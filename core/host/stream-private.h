/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * stream-private.h - what the files of the stream service share.
 */
#include "stream.h"

/* Without the tap, on the socket. */
gboolean stream_connect_socket(PosternStream *stream,
                               const StreamWish *wish,
                               StreamVerdict *verdict,
                               GError **error);
gssize stream_read_socket(
    PosternStream *stream, void *buffer, gsize length, gint64 deadline, GError **error);
gboolean stream_write_socket(
    PosternStream *stream, const void *data, gsize length, gint64 deadline, GError **error);

/* With it. */
gboolean stream_connect_tapped(PosternStream *stream,
                               const StreamWish *wish,
                               StreamVerdict *verdict,
                               GError **error);
gssize stream_read_tapped(
    PosternStream *stream, void *buffer, gsize length, gint64 deadline, GError **error);
gboolean stream_write_tapped(
    PosternStream *stream, const void *data, gsize length, gint64 deadline, GError **error);

PosternStream *stream_new(PosternRun *run, const char *host, guint16 port);
void stream_unref(PosternStream *stream);

/* Watch `fd`, which becomes the stream's. */
gboolean stream_watch(PosternStream *stream, int fd, GError **error);

/* Suspend until one of `wants` (EPOLLIN, EPOLLOUT) may be possible again. `what`: "did not answer".
 */
gboolean stream_wait(PosternStream *stream,
                     StreamSide *side,
                     guint32 wants,
                     gint64 deadline,
                     const char *what,
                     GError **error);

/* The TLS handshake of a connected stream; waits for its turn first. */
gboolean
stream_handshake(PosternStream *stream, guint timeout_ms, StreamVerdict *verdict, GError **error);

/* ---- stream-listen.c ---- */

/* Takes `context` (NULL: plain) in any case. */
PosternListener *listener_new(PosternRun *run,
                              const char *address,
                              guint16 port,
                              TlsContext *context,
                              guint timeout_ms,
                              GError **error);
PosternStream *listener_accept(PosternListener *listener, gint64 deadline, GError **error);
GVariant *listener_info(PosternListener *listener);
void listener_close(PosternListener *listener); /* accepts NULL */
