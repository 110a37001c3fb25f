/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* machine-private.h - what the files of machine share. */
#include "machine.h"

#include <postern-plugin.h>

/* The address at which a machine is, when one says so alone. */
gboolean machine_of_key(Store *store,
                        const char *kind,
                        const char *value,
                        gint64 since,
                        gint64 *machine,
                        GError **error);

gboolean machine_note(Store *store,
                      gint64 machine,
                      gint64 at,
                      const char *source,
                      const char *name,
                      const char *old,
                      const char *new,
                      GError **error);

/* To the one spelling, or NULL with BAD_PARAM; the caller's. */
char *machine_address_text(const char *text, GError **error);
char *machine_fqdn_text(const char *text, GError **error);
char *machine_name_text(const char *text, GError **error);
