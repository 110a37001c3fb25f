/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * schema.h - the tables, as steps from one version to the next.
 *
 * A step that was ever released is never changed: a new one follows it.
 */
#include <glib.h>

/* The version this program works with: how many steps there are. */
guint schema_version(void);

/* The statements that lead from version `from` to `from + 1`. */
const char *schema_step(guint from);
