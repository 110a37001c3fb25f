/* SPDX-License-Identifier: Apache-2.0 */
#include "config.h"

#include "rules.h"

/* One table for each subject, each ended by a row without a class. */
static const Rule *const tables[] = {
    rules_redirection,
    rules_kvm,
    rules_boot,
    rules_consent,
    NULL,
};

const Rule *
rules_find(const char *class_name)
{
    static const Rule none;

    for (guint i = 0; tables[i] != NULL; i++)
        for (const Rule *at = tables[i]; at->class != NULL; at++)
            if (g_str_equal(at->class, class_name))
                return at;
    return &none;
}

const char *
rules_value(const GPtrArray *values, const char *name)
{
    for (guint i = 0; i < values->len; i++) {
        const DeviceStored *one = values->pdata[i];
        if (g_str_equal(one->name, name))
            return one->xml;
    }
    return NULL;
}
