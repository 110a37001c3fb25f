/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* statefile.h - what became of the devices: one JSON object for each, on a line of its own. */
#include "sim.h"

/* The line of one device, without the line end, newly allocated. */
char *statefile_line(Device *device);

/* FALSE with `error` when `path` cannot be written: better known at the start than at the end. */
gboolean statefile_check(const char *path, GError **error);

/* Writes all devices to `path`, replacing what was there; FALSE with `error` when that fails. */
gboolean statefile_write(Sim *sim, const char *path, GError **error);
