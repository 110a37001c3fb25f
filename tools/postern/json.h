/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * json.h - JSON text from strings and GVariants, appended to a GString.
 *
 * A writer of our own because results come by the ten thousand: a tree of nodes for each would cost
 * more than the run. Dictionaries with string keys become objects, other arrays and tuples become
 * arrays, "ay" base64 text, variants what they hold, a "maybe" null or its value, doubles that JSON
 * cannot say null.
 */
#include <glib.h>

/* A quoted string. Bytes that are not UTF-8 become U+FFFD. */
void json_string(GString *out, const char *text);
void json_value(GString *out, GVariant *value);

/* `"name":` behind what is there, with a comma unless the object has just been opened. */
void json_name(GString *out, const char *name);
void json_member(GString *out, const char *name, const char *text); /* NULL: null */
void json_flag(GString *out, const char *name, gboolean flag);
void json_number(GString *out, const char *name, gint64 number);
