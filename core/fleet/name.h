/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * name.h - what people may call collections, profiles, roles and tags: [a-z0-9][a-z0-9._-]*, at most 64 characters.
 */
#include <glib.h>

/* BAD_PARAM says which character of what is wrong. `what`: "collection", "profile" ... */
gboolean name_check(const char *what, const char *name, GError **error);
