/* SPDX-License-Identifier: Apache-2.0 */
/* A record of the audit log: whatever its bytes and lengths, what is told of it can be printed. */
#include "config.h"

#include "amt-audit.h"
#include "fuzz.h"

int
LLVMFuzzerTestOneInput(const guint8 *data, gsize size)
{
    g_autoptr(GVariant) record = g_variant_ref_sink(amt_audit_decode(data, size));
    GVariantIter iter;
    const char *name;
    GVariant *value;

    fuzz_demand(g_variant_is_normal_form(record));
    /* the shortest one: done locally, from nowhere, without details */
    fuzz_demand(size >= 12 || params_string(record, "problem") != NULL);
    g_variant_iter_init(&iter, record);
    while (g_variant_iter_loop(&iter, "{&sv}", &name, &value)) {
        if (!g_variant_is_of_type(value, G_VARIANT_TYPE_STRING))
            continue;
        for (const char *at = g_variant_get_string(value, NULL); *at != '\0'; at++)
            fuzz_demand(!g_ascii_iscntrl(*at));
    }
    return 0;
}
