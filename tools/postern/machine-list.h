/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * machine-list.h - which machines a word means, and a list of them.
 */
#include "fleet-open.h"

/* A query, a @COLLECTION, or NULL for all: as an SQL condition on m.id and its values. FALSE with `error`. */
gboolean machine_condition(
    Store *store, const char *word, GString *condition, GPtrArray *values, GError **error);

/* Write those for which it holds, as they are read; `count` (or NULL) gets how many. */
gboolean machine_list_print(Store *store,
                            const char *condition,
                            GPtrArray *values,
                            Format format,
                            guint64 *count,
                            GError **error);
