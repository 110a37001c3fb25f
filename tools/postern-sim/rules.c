/* SPDX-License-Identifier: Apache-2.0 */
#include "config.h"

#include "rules.h"

/* One table for each subject, each ended by a row without a class. */
static const Rule *const tables[] = {
    rules_redirection,
    rules_certificates,
    rules_8021x,
    rules_network,
    rules_wifi,
    rules_remote,
    rules_kvm,
    rules_boot,
    rules_consent,
    rules_agents,
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

void
rules_add(GPtrArray *values, const char *name, const char *xml)
{
    DeviceStored *one = g_new0(DeviceStored, 1);

    one->name = g_strdup(name);
    one->xml = g_strdup(xml);
    g_ptr_array_add(values, one);
}

DeviceCreated *
rules_created(const Device *device, const char *class_name, const char *name, const char *value)
{
    const GPtrArray *created = device->extra != NULL ? device->extra->created : NULL;

    for (guint i = 0; created != NULL && i < created->len; i++) {
        DeviceCreated *one = created->pdata[i];
        if (g_str_equal(one->class->name, class_name) &&
            g_strcmp0(rules_value(one->properties, name), value) == 0)
            return one;
    }
    return NULL;
}

const DeviceCreated *
rules_make(Device *device, const char *class_name, const char *const *properties)
{
    SimClass *class = classes_find(device->model, class_name);
    g_autoptr(GPtrArray) values =
        g_ptr_array_new_with_free_func((GDestroyNotify)device_stored_free);
    gboolean exists;

    for (; *properties != NULL; properties += 2)
        rules_add(values, properties[0], properties[1]);
    return class != NULL ? transfer_add(device, class, values, &exists) : NULL;
}

char *
rules_reference(Device *device, const DeviceCreated *created)
{
    Item item = {.created = created, .class = created->class};
    GString *out = g_string_new(NULL);

    item_reference(device, &item, out);
    return g_string_free(out, FALSE);
}

guint
rules_count(const Device *device, const SimClass *class)
{
    const GPtrArray *created = device->extra != NULL ? device->extra->created : NULL;
    guint count = 0;

    for (guint i = 0; created != NULL && i < created->len; i++)
        if (((const DeviceCreated *)created->pdata[i])->class == class)
            count++;
    return count;
}

char *
rules_words(const GPtrArray *values, const char *name)
{
    GString *words = g_string_new(NULL);

    for (guint i = 0; i < values->len; i++) {
        const DeviceStored *one = values->pdata[i];
        if (g_str_equal(one->name, name) && one->xml != NULL)
            g_string_append_printf(words, "%s%s", words->len > 0 ? " " : "", one->xml);
    }
    return g_string_free(words, FALSE);
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
