/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * trust.h - whether code in a file may be run: nobody but its owner can have put it there.
 */
#include <glib.h>
#include <sys/types.h>

/*
 * Walk from `path` (absolute) up to the root: every component must be owned by root, or by `self`
 * where that is not root; not be writable by group or others (a sticky directory may); not be a
 * symbolic link; and `path` itself must be a regular file. FORBIDDEN names the component, what is
 * wrong with it, and the command that mends it.
 */
gboolean trust_check(const char *path, uid_t self, GError **error);
