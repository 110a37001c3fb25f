/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * datagram.h - UDP sockets of a worker, under the eyes of the tap.
 */
#include "resolve.h"
#include "run.h"

struct TapStream;

struct PosternDatagram {
    ReactorWatch watch; /* first */
    guint refs;         /* of the owner, and of each call in progress */
    gboolean closed, readable, writable;
    PosternRun *run;
    guint token;
    int family;
    Wait reader, writer;
    struct TapStream *tap; /* NULL: no tap */
};

/* Suspend until datagrams may be there, or may be sent again. */
gboolean datagram_wait_readable(PosternDatagram *datagram, gint64 deadline, GError **error);
gboolean datagram_wait_writable(PosternDatagram *datagram, GError **error);

/* One datagram to `to`, and the next one to arrive, through the tap; receiving suspends. */
gboolean datagram_send_to(PosternDatagram *datagram,
                          const char *host,
                          const ResolvedAddress *to,
                          const void *data,
                          gsize length,
                          GError **error);
GBytes *datagram_receive_from(
    PosternDatagram *datagram, gint64 deadline, char **from, guint16 *from_port, GError **error);

/* datagram-sweep.c: as in PosternDatagramSvc. */
gint64 datagram_sweep(
    PosternDatagram *datagram,
    const PosternSweep *sweep,
    void (*answer)(const char *from, guint32 from_port, GBytes *data, gpointer user_data),
    gpointer user_data,
    GError **error);

extern const PosternDatagramSvc datagram_service;
