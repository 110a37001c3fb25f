/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * options.h - the a{sv} options of a service call, read in one pass.
 *
 * g_variant_lookup() walks the whole dictionary for each name, found or not: with a dozen names for each device that was
 * two thirds of a run's own work.
 */
#include <glib.h>

typedef struct {
    const char *name;
    const char *type; /* "s": const char *, borrowed from the options; "u": guint32; "b": gboolean; "as": char **, the
                         caller's */
    gpointer place;   /* left as it is if the option is not given */
} OptionPlace;

/* Store what is given of `places`, which ends with a NULL name; other names are for other readers. `options` may be NULL. FALSE with
 * BAD_PARAM for a value of another type. */
gboolean options_read(GVariant *options, const OptionPlace *places, GError **error);
