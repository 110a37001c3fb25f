/* SPDX-License-Identifier: Apache-2.0 */
/* Fuzz target: any bytes as a configuration file, its [config] checked against fields of every kind. */
#include "settings.h"

int LLVMFuzzerTestOneInput(const guint8 *data, gsize size);

static const char *const choices[] = {"on", "off", NULL};
static const PosternField fields[] = {
    {sizeof(PosternField), 0, "state", "s", NULL, NULL, choices, "a choice"},
    {sizeof(PosternField), 0, "address", "s", "ipaddr", NULL, NULL, "an address"},
    {sizeof(PosternField), 0, "since", "s", "datetime", NULL, NULL, "a date"},
    {sizeof(PosternField), 0, "count", "u", NULL, "7", NULL, "a number"},
    {sizeof(PosternField), 0, "offset", "x", NULL, NULL, NULL, "a number"},
    {sizeof(PosternField), 0, "rate", "d", NULL, NULL, NULL, "a number"},
    {sizeof(PosternField), 0, "loud", "b", NULL, NULL, NULL, "yes or no"},
    {sizeof(PosternField), 0, "list", "as", NULL, NULL, NULL, "several"},
    {sizeof(PosternField), POSTERN_FIELD_SECRET, "values", "a{sv}", NULL, NULL, NULL, "anything"},
};

static PluginInfo *
new_schema(void)
{
    const PosternField *list[G_N_ELEMENTS(fields) + 1] = {NULL};
    PosternPlugin plugin = {.name = "x", .version = "1", .license = "x", .summary = "x", .origin = "x", .config = list};

    for (guint i = 0; i < G_N_ELEMENTS(fields); i++)
        list[i] = &fields[i];
    return descriptor_from_copy(&plugin, "x", NULL);
}

int
LLVMFuzzerTestOneInput(const guint8 *data, gsize size)
{
    static PluginInfo *schema;
    g_autoptr(Settings) settings = settings_parse(data, size, "fuzz.conf", NULL);
    g_autoptr(GVariant) values = NULL;

    if (schema == NULL)
        schema = new_schema();
    if (settings != NULL)
        values = settings_values(settings, "config", schema->config, NULL);
    return 0;
}
