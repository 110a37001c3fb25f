/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * machine-csv.h - machines from and to CSV.
 *
 * The first record names the columns: name, uuid, fqdn, mac, address, tag; all others are facts. Several MACs or tags in one cell
 * are parted by blanks. Columns "id" and "seen" are left alone.
 */
#include "machine.h"

#include <gio/gio.h>

/* Take all records in, in the caller's transaction, as seen `at` by "import"; `name` is for messages. BAD_PARAM with line
 * and column; what was written until then is the caller's to roll back. */
gboolean machine_csv_import(Store *store,
                            GInputStream *stream,
                            const char *name,
                            gint64 at,
                            gint64 fresh_us,
                            guint64 *count,
                            GError **error);

/* Give `line` each line of an export of the machines for which `condition` holds (as machine_rows()): cells, NULL-ended. */
gboolean machine_csv_export(Store *store,
                            const char *condition,
                            GPtrArray *values,
                            void (*line)(const char *const *cells, gpointer data),
                            gpointer data,
                            GError **error);
