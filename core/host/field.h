/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * field.h - values against the fields that describe them: from text, from dictionaries, to defaults.
 * Used alike for parameters, configuration keys, credentials and results.
 */
#include "descriptor.h"

/* The field called `name` in `fields` (of FieldInfo), or NULL. */
const FieldInfo *field_find(GPtrArray *fields, const char *name);

/* One value from text as people write it: a bare word for "s", "on"/"yes"/"true" for "b", digits for numbers
 * (0x too), comma-separated for "as", GVariant text for everything else. `@FILE` is not understood here.
 * Checked against format and choices. NULL with BAD_PARAM that names field, text, expected type and
 * choices; never shows the text of a SECRET field. Returns a full (not floating) reference. */
GVariant *field_parse(const FieldInfo *field, const char *text, GError **error);

/* Check one value against type, format and choices. BAD_PARAM as above. */
gboolean field_check(const FieldInfo *field, GVariant *value, GError **error);

/* Set BAD_PARAM: `name` is none of `fields`; with the nearest and all known ones. */
void field_refuse_name(GPtrArray *fields, const char *name, const char *what, GError **error);

/* Check `given` (a{sv} or NULL) against `fields` and fill in fallbacks. `what` names the whole in messages
 * ("task amt.power.set"). Unknown name (with the nearest known one), wrong type, missing required field:
 * BAD_PARAM. Returns a full reference to an a{sv} in table order. */
GVariant *fields_complete(GPtrArray *fields, GVariant *given, const char *what, GError **error);

/* Check a result: a{sv}, documented names only, right types, required ones present, no secrets. */
gboolean fields_check_result(GPtrArray *fields, GVariant *result, const char *what, GError **error);

/* The type as people read it: "text", "yes/no", "number", "list of text" ... */
const char *field_type_words(const FieldInfo *field);
