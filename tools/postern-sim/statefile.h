/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* statefile.h - what became of the devices: one JSON object for each, on a line of its own. */
#include "sim.h"

/* The line of one device, without the line end, newly allocated. */
char *statefile_line(Device *device);

/* Writes all devices to `path`, replacing what was there; FALSE with `error` when that fails. */
gboolean statefile_write(Sim *sim, const char *path, GError **error);
