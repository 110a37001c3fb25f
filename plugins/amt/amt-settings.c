/* SPDX-License-Identifier: Apache-2.0 */
#include "amt-settings.h"

void
amt_settings_add(PosternResult *result, const AmtSetting *table, GVariant *instance)
{
    for (const AmtSetting *row = table; row->property != NULL; row++) {
        g_autoptr(GVariant) value = params_value(instance, row->property, row->type);
        result_value(result, row->name, value);
    }
}

static gboolean
check_value(const AmtSetting *row, GVariant *value, GError **error)
{
    gsize length = 0;
    guint32 number;

    if (*row->type == 's') {
        g_variant_get_string(value, &length);
        return length <= row->most ||
               postern_fail(error,
                            POSTERN_ERROR_BAD_PARAM,
                            "%s has %" G_GSIZE_FORMAT " bytes, expected at most %u",
                            row->name,
                            length,
                            row->most);
    }
    if (*row->type != 'u')
        return TRUE;
    number = g_variant_get_uint32(value);
    return (number >= row->least && number <= row->most) ||
           postern_fail(error,
                        POSTERN_ERROR_BAD_PARAM,
                        "%s is %u, expected %u to %u",
                        row->name,
                        number,
                        row->least,
                        row->most);
}

GVariant *
amt_settings_changes(const AmtSetting *table, GVariant *params, GVariant *now, GError **error)
{
    PosternResult changes;
    gboolean good = TRUE;

    result_begin(&changes);
    for (const AmtSetting *row = table; good && row->property != NULL; row++) {
        g_autoptr(GVariant) wanted =
            row->read_only ? NULL : params_value(params, row->name, row->type);
        g_autoptr(GVariant) is = params_value(now, row->property, NULL);

        if (wanted == NULL)
            continue;
        good = check_value(row, wanted, error) &&
               (is != NULL || postern_fail(error,
                                           POSTERN_ERROR_NOT_SUPPORTED,
                                           "this firmware has no %s (%s): nothing was changed",
                                           row->name,
                                           row->property));
        if (good && !g_variant_equal(is, wanted))
            result_value(&changes, row->property, wanted);
    }
    if (good)
        return g_variant_ref_sink(result_end(&changes));
    g_variant_builder_clear(&changes);
    return NULL;
}

gboolean
amt_settings_taken(GVariant *found, GVariant *changes, const char *reading, GError **error)
{
    GVariantIter iter;
    const char *property;
    GVariant *wanted;
    gboolean good = TRUE;

    g_variant_iter_init(&iter, changes);
    while (good && g_variant_iter_next(&iter, "{&sv}", &property, &wanted)) {
        g_autoptr(GVariant) owned = wanted;
        g_autoptr(GVariant) is = params_value(found, property, NULL);

        good = (is != NULL && g_variant_equal(is, owned)) ||
               postern_fail(error,
                            POSTERN_ERROR_CONFLICT,
                            "the device took the settings, and %s is not as it was asked for; "
                            "read them with %s",
                            property,
                            reading);
    }
    return good;
}
