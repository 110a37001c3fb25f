/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* server.h - the sockets: listeners for all devices, and their connections on one reactor. */
#include "reactor.h"
#include "sim.h"

typedef enum { SERVER_LISTEN_AUTO, SERVER_LISTEN_WILDCARD, SERVER_LISTEN_EACH } ServerListen;

typedef struct Server Server;

/* Listens for all devices of `sim`; NULL with `error` when a port is taken, or keys cannot be made.
 */
Server *server_new(Sim *sim, GMainContext *context, ServerListen listen, GError **error);

/* Closes everything. Accepts NULL. */
void server_free(Server *server);

guint server_connections(const Server *server);

G_DEFINE_AUTOPTR_CLEANUP_FUNC(Server, server_free)
