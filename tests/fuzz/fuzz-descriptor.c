/* SPDX-License-Identifier: Apache-2.0 */
/* Fuzz target: any bytes as the description of a plugin in the probe cache; what is taken survives a round trip. */
#include "descriptor.h"

int LLVMFuzzerTestOneInput(const guint8 *data, gsize size);

int
LLVMFuzzerTestOneInput(const guint8 *data, gsize size)
{
    g_autoptr(GBytes) bytes = g_bytes_new(data, size);
    const GVariantType *type = G_VARIANT_TYPE(descriptor_variant_type());
    g_autoptr(GVariant) variant = g_variant_ref_sink(g_variant_new_from_bytes(type, bytes, FALSE));
    g_autoptr(PluginInfo) info = descriptor_from_variant(variant, "dummy", NULL);

    if (info != NULL) {
        g_autoptr(GVariant) again = descriptor_to_variant(info);
        g_autoptr(PluginInfo) same = descriptor_from_variant(again, "dummy", NULL);

        if (same == NULL)
            __builtin_trap();
    }
    return 0;
}
