/* SPDX-License-Identifier: Apache-2.0 */
/* Configuration files: read, and checked against fields of every kind. */
#include "config.h"

#include "fuzz.h"
#include "settings.h"

#define KEY(...)                                                                                   \
    {                                                                                              \
        .size = sizeof(PosternField), .summary = "a key", __VA_ARGS__                              \
    }

static const char *const choices[] = {"require", "prefer", "off", NULL};

/* clang-format off */
static const PosternField fields[] = {
    KEY(.name = "name", .type = "s"),
    KEY(.name = "tls", .type = "s", .choices = choices),
    KEY(.name = "state", .type = "s", .choices = choices, .fallback = "'off'"),
    KEY(.name = "password", .type = "s", .flags = POSTERN_FIELD_SECRET),
    KEY(.name = "host", .type = "s", .format = "host"),
    KEY(.name = "address", .type = "s", .format = "ipaddr"),
    KEY(.name = "mac", .type = "s", .format = "mac"),
    KEY(.name = "guid", .type = "s", .format = "guid"),
    KEY(.name = "since", .type = "s", .format = "datetime"),
    KEY(.name = "file", .type = "s", .format = "file"),
    KEY(.name = "port", .type = "u", .format = "port"),
    KEY(.name = "count", .type = "u", .fallback = "7"),
    KEY(.name = "offset", .type = "i"),
    KEY(.name = "big", .type = "t"),
    KEY(.name = "low", .type = "x"),
    KEY(.name = "rate", .type = "d"),
    KEY(.name = "loud", .type = "b"),
    KEY(.name = "list", .type = "as"),
    KEY(.name = "values", .type = "a{sv}"),
    KEY(.name = "rows", .type = "aa{sv}"),
};
/* clang-format on */

/* Made once for the process. */
static GPtrArray *
schema(void)
{
    static PluginInfo *plugin;
    const PosternField *list[G_N_ELEMENTS(fields) + 1] = {NULL};
    g_autoptr(GError) error = NULL;
    PosternPlugin tables = {
        .name = "x", .version = "1", .license = "x", .summary = "x", .origin = "x", .config = list};

    for (guint i = 0; i < G_N_ELEMENTS(fields); i++)
        list[i] = &fields[i];
    if (plugin == NULL)
        plugin = descriptor_from_copy(&tables, "x", &error);
    g_assert_no_error(error);
    return plugin->config;
}

static void
require_sound(const Settings *settings)
{
    for (guint i = 0; i < settings->sections->len; i++) {
        const SettingsSection *section = settings->sections->pdata[i];

        fuzz_demand(section->name != NULL && section->line > 0);
        fuzz_demand(settings_section(settings, section->name) == section);
        for (guint k = 0; k < section->settings->len; k++) {
            const Setting *setting = section->settings->pdata[k];
            fuzz_demand(setting->key != NULL && setting->key[0] != '\0');
            fuzz_demand(setting->value != NULL && g_utf8_validate(setting->value, -1, NULL));
            fuzz_demand(setting->line >= section->line);
        }
    }
}

static void
check(const Settings *settings)
{
    static const char *const known[] = {"config", "limits", NULL};
    g_autoptr(GError) unknown = NULL;

    if (!settings_check_sections(settings, known, &unknown))
        fuzz_demand_error(unknown, POSTERN_ERROR_BAD_PARAM);
    for (guint i = 0; i < settings->sections->len; i++) {
        const SettingsSection *section = settings->sections->pdata[i];
        g_autoptr(GError) error = NULL;
        g_autoptr(GVariant) values = settings_values(settings, section->name, schema(), &error);

        fuzz_demand((values == NULL) == (error != NULL));
        if (error != NULL)
            fuzz_demand_error(error, POSTERN_ERROR_BAD_PARAM);
        else
            fuzz_demand(g_variant_is_normal_form(values) && !g_variant_is_floating(values));
    }
}

int
LLVMFuzzerTestOneInput(const guint8 *data, gsize size)
{
    g_autoptr(GError) error = NULL;
    g_autoptr(Settings) settings = settings_parse(data, size, "fuzz.conf", &error);

    fuzz_demand((settings == NULL) == (error != NULL));
    if (settings == NULL) {
        fuzz_demand_error(error, POSTERN_ERROR_BAD_PARAM);
        return 0;
    }
    require_sound(settings);
    check(settings);
    return 0;
}
