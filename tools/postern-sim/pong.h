/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* pong.h - answers to RMCP presence pings over UDP, by which devices are found without a login. */
#include "reactor.h"
#include "sim.h"

enum { PONG_LENGTH = 28 };

/* The answer of `device` to a datagram; FALSE when it keeps silent. */
gboolean pong_answer(Device *device, const guint8 *ping, gsize length, guint8 pong[PONG_LENGTH]);

typedef struct Pong Pong;

/* Listens on `address` (or INADDR_ANY, for all devices of `sim`) for pings to the simulator's pong
 * port. NULL with `error`. */
Pong *pong_new(Sim *sim, Reactor *reactor, guint32 address, GError **error);

/* Accepts NULL. */
void pong_free(Pong *pong);
