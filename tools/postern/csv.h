/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * csv.h - one cell after another behind what `out` holds, quoted as RFC 4180 asks.
 */
#include <glib.h>

/* Text; made harmless where a spreadsheet would take it for a formula. NULL: an empty cell. */
void csv_text(GString *out, const char *text);

/* A value: text as above, numbers and booleans as they are, the rest as JSON. NULL: an empty cell.
 */
void csv_value(GString *out, GVariant *value);
