/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* connection.h - one connection to a device: bytes between its socket and exchange.h, and the
 * faults of the wire. */
#include "device.h"
#include "reactor.h"

#include <openssl/ssl.h>

typedef struct Connection Connection;

/* Tells the owner that the connection is gone. */
typedef void (*ConnectionGone)(Connection *connection, gpointer data);

/* Takes the accepted descriptor `fd`; `peer` is who called; `tls` NULL: plain. The connection frees itself when it ends,
 * after `gone`. */
void connection_start(Reactor *reactor,
                      Device *device,
                      int fd,
                      guint32 peer,
                      SSL_CTX *tls,
                      ConnectionGone gone,
                      gpointer data,
                      Connection **connection);

/* Ends it from outside, without `gone`. */
void connection_free(Connection *connection);

/* Ends it from outside, with `gone`. */
void connection_end(Connection *connection);

/* Whose it is. */
const Device *connection_device(const Connection *connection);

/* Place in the owner's list. */
guint connection_place(const Connection *connection);
void connection_set_place(Connection *connection, guint place);
