/* SPDX-License-Identifier: Apache-2.0 */
#include "config.h"

#include "options.h"

#include <postern-plugin.h>

#include <string.h>

static gboolean
store(const OptionPlace *option, GVariant *value, GError **error)
{
    if (!g_variant_is_of_type(value, G_VARIANT_TYPE(option->type))) {
        g_set_error(error,
                    POSTERN_ERROR,
                    POSTERN_ERROR_BAD_PARAM,
                    "option %s has type %s, expected %s",
                    option->name,
                    g_variant_get_type_string(value),
                    option->type);
        return FALSE;
    }
    if (option->type[0] == 's')
        *(const char **)option->place = g_variant_get_string(value, NULL);
    else if (option->type[0] == 'u')
        *(guint32 *)option->place = g_variant_get_uint32(value);
    else if (option->type[0] == 'b')
        *(gboolean *)option->place = g_variant_get_boolean(value);
    else
        *(char ***)option->place = g_variant_dup_strv(value, NULL);
    return TRUE;
}

gboolean
options_read(GVariant *options, const OptionPlace *places, GError **error)
{
    GVariantIter iter;
    const char *name;
    GVariant *value;

    if (options == NULL)
        return TRUE;
    g_variant_iter_init(&iter, options);
    while (g_variant_iter_next(&iter, "{&sv}", &name, &value)) {
        g_autoptr(GVariant) owned = value;
        const OptionPlace *option = places;

        while (option->name != NULL && strcmp(option->name, name) != 0)
            option++;
        if (option->name != NULL && !store(option, owned, error))
            return FALSE;
    }
    return TRUE;
}
