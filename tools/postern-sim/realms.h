/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* realms.h - which realm of an account reaches which class, read from models/realms.table. */
#include <glib.h>

/* TRUE when each of the WORD+WORD... of `words` is a realm. */
gboolean realms_known(const char *words);

/* TRUE when an account with the realms of `words` reaches `class_name`. */
gboolean realms_allow(const char *words, const char *class_name);

/* The same for an account with these realms as AMT numbers them (bit n is realm n). `changes`: it is not only to read. */
gboolean realms_reach(guint32 held, const char *class_name, gboolean changes);

/* Their names, comma-separated, newly allocated. */
char *realms_list(void);
