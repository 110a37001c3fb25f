/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* wire.h - the bytes of one accepted connection, plain or inside TLS. Never waits. */
#include <glib.h>
#include <openssl/ssl.h>

typedef struct {
    int fd;
    SSL *ssl; /* NULL: plain */
    gboolean handshaking;
} Wire;

/* Takes `fd`; `tls` NULL: plain. FALSE when there is no memory for TLS. */
gboolean wire_start(Wire *wire, int fd, SSL_CTX *tls);

/* Goes on with the handshake: the epoll events to wait for, 0 when it is done, -1 when it failed. */
gint wire_shake(Wire *wire);

/* Instead of that: an alert of level fatal, handshake_failure, in a record that every TLS version knows. */
void wire_fail_handshake(const Wire *wire);

/* How many bytes went; 0: the socket is full; -1: it is broken. */
gssize wire_put(Wire *wire, gconstpointer bytes, gsize length);

/* How many bytes came; 0: none now; -1: it is broken; -2: the peer sends no more. */
gssize wire_get(Wire *wire, gpointer bytes, gsize length);

/* Closes it; `reset`: so that the peer sees a reset. */
void wire_end(Wire *wire, gboolean reset);

/* Closes `fd` so that the peer sees a reset. */
void wire_reset(int fd);
