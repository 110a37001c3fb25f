/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the probe cache says of a plugin. Behind a first byte 't' the input is the text form of the
 * value (so that seeds can be written by hand), else its bytes as they stand in the cache.
 */
#include "config.h"

#include "descriptor.h"
#include "fuzz.h"

#include <string.h>

static GVariant *
from_text(const guint8 *data, gsize size)
{
    g_autofree char *text = g_strndup((const char *)data, size);

    if (!g_utf8_validate(text, -1, NULL)) /* GLib's own condition */
        return NULL;
    return g_variant_parse(G_VARIANT_TYPE(descriptor_variant_type()), text, NULL, NULL, NULL);
}

static GVariant *
from_bytes(const guint8 *data, gsize size)
{
    g_autoptr(GBytes) bytes = g_bytes_new(data, size); /* its own block, so well aligned */

    return g_variant_ref_sink(
        g_variant_new_from_bytes(G_VARIANT_TYPE(descriptor_variant_type()), bytes, FALSE));
}

/* A description that was accepted once is accepted again, and is the same. */
static void
require_stable(const PluginInfo *info, const char *name)
{
    g_autoptr(GVariant) variant = descriptor_to_variant(info);
    g_autoptr(GError) error = NULL;
    g_autoptr(PluginInfo) again = descriptor_from_variant(variant, name, &error);

    if (again == NULL)
        g_error("accepted once, then refused: %s", error->message);
    g_autoptr(GVariant) same = descriptor_to_variant(again);
    fuzz_demand(g_variant_equal(variant, same));
}

int
LLVMFuzzerTestOneInput(const guint8 *data, gsize size)
{
    g_autoptr(GVariant) variant = NULL;
    g_autoptr(PluginInfo) info = NULL;
    g_autoptr(GError) error = NULL;

    if (size == 0)
        return 0;
    variant = data[0] == 't' ? from_text(data + 1, size - 1) : from_bytes(data, size);
    if (variant == NULL)
        return 0;
    info = descriptor_from_variant(variant, "dummy", &error);
    fuzz_demand((info == NULL) == (error != NULL));
    if (info == NULL) {
        fuzz_demand(error->domain == POSTERN_ERROR && error->message[0] != '\0');
        fuzz_demand(error->code != POSTERN_ERROR_INTERNAL);
        return 0;
    }
    fuzz_demand(strcmp(info->name, "dummy") == 0);
    require_stable(info, "dummy");
    return 0;
}
