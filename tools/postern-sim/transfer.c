/* SPDX-License-Identifier: Apache-2.0 */
#include "config.h"

#include "rules.h"

#include <string.h>

enum { VALUE_MAX = 8192, CREATED_MAX = 64, DEPTH_MAX = 8 };

guint
transfer_get(Device *device, const Request *request, SimClass *class, GString *out)
{
    const SoapFault *fault;
    Item item;

    if (!item_find(device, request, class, &item, &fault))
        return envelope_fault(out, device, request, fault);
    envelope_open(out, device, request, class->uri, NULL, class->common);
    if (item.instance != NULL)
        device_render(device, item.instance, 'g', 'h', out);
    else
        device_render_created(item.created, 'g', 'h', out);
    envelope_close(out);
    return 200;
}

/* ---- values as they are stored ---- */

/* The letter that stands for a namespace in stored XML; 0: it has no place in a value. */
static char
letter_of(const xmlNode *node)
{
    static const struct {
        const char *uri;
        char letter;
    } known[] = {{NS_COMMON, '\1'}, {NS_ADDRESSING, 'b'}, {NS_WSMAN, 'c'}};

    for (guint i = 0; node->ns != NULL && i < G_N_ELEMENTS(known); i++)
        if (g_str_equal(node->ns->href, known[i].uri))
            return known[i].letter;
    return 0;
}

static gboolean write_children(const xmlNode *node, GString *out, guint depth);

static gboolean
write_element(const xmlNode *node, GString *out, guint depth)
{
    char letter = letter_of(node);
    xmlChar *name = xmlGetNoNsProp(node, (const xmlChar *)"Name");
    gboolean good;

    g_string_append_printf(out, "<%c:%s", letter, node->name);
    if (name != NULL) {
        g_autofree char *escaped = g_markup_escape_text((const char *)name, -1);
        g_string_append_printf(out, " Name=\"%s\"", escaped);
    }
    xmlFree(name);
    g_string_append_c(out, '>');
    good = letter != 0 && depth < DEPTH_MAX && write_children(node, out, depth + 1);
    g_string_append_printf(out, "</%c:%s>", letter, node->name);
    return good;
}

static gboolean
write_children(const xmlNode *node, GString *out, guint depth)
{
    gboolean elements = FALSE;

    for (const xmlNode *child = node->children; child != NULL; child = child->next)
        if (child->type == XML_ELEMENT_NODE) {
            elements = TRUE;
            if (!write_element(child, out, depth))
                return FALSE;
        }
    if (!elements) {
        g_autofree char *text = xml_text(node);
        g_autofree char *escaped = g_markup_escape_text(text, -1);
        g_string_append(out, escaped);
    }
    return out->len <= VALUE_MAX;
}

static const SimProperty *
property_of(const SimClass *class, const char *name)
{
    for (guint i = 0; i < class->instances->len; i++) {
        const SimInstance *instance = class->instances->pdata[i];
        for (guint p = 0; p < instance->properties->len; p++) {
            const SimProperty *property = instance->properties->pdata[p];
            if (g_str_equal(property->name, name))
                return property;
        }
    }
    return NULL;
}

static gboolean
is_extra(const SimClass *class, const char *name)
{
    return class->extra != NULL && g_strv_contains((const char *const *)class->extra, name);
}

/* A flag must stay a flag: "undefined" and its like were seen from clients. */
static gboolean
fits_type(const SimProperty *property, const char *xml)
{
    const SimSegment *first;

    if (property == NULL || property->kind != SIM_TEXT || property->segments->len != 1)
        return TRUE;
    first = &g_array_index(property->segments, SimSegment, 0);
    if (first->text == NULL ||
        (!g_str_equal(first->text, "true") && !g_str_equal(first->text, "false")))
        return TRUE;
    return g_str_equal(xml, "true") || g_str_equal(xml, "false");
}

static DeviceStored *
read_value(const xmlNode *node, const SimClass *class)
{
    const char *name = (const char *)node->name;
    const SimProperty *property = class != NULL ? property_of(class, name) : NULL;
    g_autoptr(GString) xml = g_string_new(NULL);
    DeviceStored *stored;

    if (class != NULL && property == NULL && !is_extra(class, name))
        return NULL;
    if (!write_children(node, xml, 0) || !fits_type(property, xml->str))
        return NULL;
    stored = g_new0(DeviceStored, 1);
    stored->name = g_strdup(name);
    stored->xml = g_strdup(xml->str);
    return stored;
}

static gint
compare_stored(gconstpointer a, gconstpointer b)
{
    return strcmp((*(DeviceStored *const *)a)->name, (*(DeviceStored *const *)b)->name);
}

void
transfer_sort(GPtrArray *values)
{
    g_ptr_array_sort(values, compare_stored);
}

GPtrArray *
transfer_read(const xmlNode *node, const SimClass *class)
{
    g_autoptr(GPtrArray) values =
        g_ptr_array_new_with_free_func((GDestroyNotify)device_stored_free);

    for (const xmlNode *child = node->children; child != NULL; child = child->next) {
        DeviceStored *stored;
        if (child->type != XML_ELEMENT_NODE)
            continue;
        stored = read_value(child, class);
        if (stored == NULL)
            return NULL;
        g_ptr_array_add(values, stored);
    }
    return g_steal_pointer(&values);
}

/* ---- Put ---- */

/* Keys must be those of the instance; what cannot be written is taken out without a word. */
static gboolean
filter(Device *device, const SimInstance *instance, GPtrArray *values)
{
    for (guint i = values->len; i > 0; i--) {
        const DeviceStored *one = values->pdata[i - 1];
        const SimProperty *property = property_of(instance->class, one->name);
        if (property == NULL || !property->readonly)
            continue;
        if (property->key) {
            g_autofree char *now = device_property(device, instance, one->name);
            if (g_strcmp0(now, one->xml) != 0)
                return FALSE;
        }
        g_ptr_array_remove_index(values, i - 1);
    }
    return TRUE;
}

/* Replaces what can be written of an instance that was made; keys are left as they are. */
static guint
put_created(Device *device, const Request *request, const Item *item, GString *out)
{
    g_autoptr(GPtrArray) values = transfer_read(request->body, item->class);
    GPtrArray *own = item->created->properties;

    if (values == NULL)
        return envelope_fault(out, device, request, &FAULT_REPRESENTATION);
    for (guint i = 0; i < own->len; i++) {
        DeviceStored *one = own->pdata[i];
        const char *wanted = rules_value(values, one->name);
        if (wanted == NULL ||
            !g_strv_contains((const char *const *)item->class->writable, one->name))
            continue;
        g_free(one->xml);
        one->xml = g_strdup(wanted);
    }
    envelope_open(out, device, request, item->class->uri, NULL, TRUE);
    device_render_created(item->created, 'g', 'h', out);
    envelope_close(out);
    return 200;
}

guint
transfer_put(Device *device, const Request *request, SimClass *class, GString *out)
{
    const Rule *rule = rules_find(class->name);
    const SoapFault *fault;
    g_autoptr(GPtrArray) values = NULL;
    Item item;

    if (!item_find(device, request, class, &item, &fault))
        return envelope_fault(out, device, request, fault);
    if (!xml_is(request->body, class->name, class->uri))
        return envelope_fault(out, device, request, &FAULT_SCHEMA);
    if (class->writable == NULL)
        return envelope_fault(out, device, request, &FAULT_ACTION);
    if (item.created != NULL)
        return put_created(device, request, &item, out);
    values = transfer_read(request->body, class);
    if (values == NULL || !filter(device, item.instance, values))
        return envelope_fault(out, device, request, &FAULT_REPRESENTATION);
    fault = rule->put != NULL ? rule->put(device, item.instance, values) : NULL;
    if (fault != NULL)
        return envelope_fault(out, device, request, fault);
    device_replace(device, item.instance, g_steal_pointer(&values));
    if (rule->stored != NULL)
        rule->stored(device, item.instance);
    envelope_open(out, device, request, class->uri, NULL, TRUE);
    device_render(device, item.instance, 'g', 'h', out);
    envelope_close(out);
    return 200;
}

/* ---- Create, Delete ---- */

/* The device gives the keys that the client has not. */
static void
add_keys(Device *device, const SimClass *class, GPtrArray *values)
{
    for (guint i = 0; class->keys != NULL && class->keys[i] != NULL; i++) {
        DeviceStored *one;
        if (rules_value(values, class->keys[i]) != NULL)
            continue;
        one = g_new0(DeviceStored, 1);
        one->name = g_strdup(class->keys[i]);
        if (g_str_equal(one->name, "CreationClassName"))
            one->xml = g_strdup(class->name);
        else if (g_str_equal(one->name, "SystemCreationClassName"))
            one->xml = g_strdup("CIM_ComputerSystem");
        else if (g_str_equal(one->name, "SystemName"))
            one->xml = g_strdup("Intel(r) AMT");
        else
            one->xml = g_strdup_printf(
                "Intel(r) AMT: %s: Handle: %u", class->name, device->next_context++);
        g_ptr_array_add(values, one);
    }
}

static gboolean
same_keys(const SimClass *class, const GPtrArray *a, const GPtrArray *b)
{
    for (guint i = 0; class->keys != NULL && class->keys[i] != NULL; i++)
        if (g_strcmp0(rules_value(a, class->keys[i]), rules_value(b, class->keys[i])) != 0)
            return FALSE;
    return TRUE;
}

const DeviceCreated *
transfer_add(Device *device, SimClass *class, GPtrArray *values, gboolean *exists)
{
    DeviceExtra *extra = device_extra(device);
    DeviceCreated *created;

    *exists = FALSE;
    if (extra->created == NULL)
        extra->created = g_ptr_array_new_with_free_func((GDestroyNotify)device_created_free);
    add_keys(device, class, values);
    transfer_sort(values);
    for (guint i = 0; i < extra->created->len; i++) {
        created = extra->created->pdata[i];
        if (created->class == class && same_keys(class, created->properties, values))
            *exists = TRUE;
    }
    if (*exists || extra->created->len >= CREATED_MAX)
        return NULL;
    created = g_new0(DeviceCreated, 1);
    created->class = class;
    created->properties = g_ptr_array_ref(values);
    g_ptr_array_add(extra->created, created);
    return created;
}

guint
transfer_create(Device *device, const Request *request, SimClass *class, GString *out)
{
    const Rule *rule = rules_find(class->name);
    const SoapFault *fault;
    g_autoptr(GPtrArray) values = NULL;
    Item item = {.class = class};
    gboolean exists;

    if (!class->creatable)
        return envelope_fault(out, device, request, &FAULT_ACTION);
    if (!xml_is(request->body, class->name, class->uri))
        return envelope_fault(out, device, request, &FAULT_SCHEMA);
    values = transfer_read(request->body, class);
    if (values == NULL)
        return envelope_fault(out, device, request, &FAULT_REPRESENTATION);
    fault = rule->create != NULL ? rule->create(device, values) : NULL;
    if (fault != NULL)
        return envelope_fault(out, device, request, fault);
    item.created = transfer_add(device, class, values, &exists);
    if (item.created == NULL)
        return envelope_fault(out, device, request, exists ? &FAULT_EXISTS : &FAULT_QUOTA);
    if (rule->created != NULL)
        rule->created(device, item.created);
    envelope_open(out, device, request, NS_TRANSFER, NULL, FALSE);
    g_string_append(out, "<g:ResourceCreated>");
    item_reference(device, &item, out);
    g_string_append(out, "</g:ResourceCreated>");
    envelope_close(out);
    return 200;
}

guint
transfer_delete(Device *device, const Request *request, SimClass *class, GString *out)
{
    const Rule *rule = rules_find(class->name);
    const SoapFault *fault;
    Item item;

    if (!class->deletable)
        return envelope_fault(out, device, request, &FAULT_ACTION);
    if (request->selectors == NULL)
        return envelope_fault(out, device, request, &FAULT_SELECTORS);
    if (!item_find(device, request, class, &item, &fault))
        return envelope_fault(out, device, request, fault);
    if (item.created == NULL)
        return envelope_fault(out, device, request, &FAULT_DENIED);
    fault = rule->remove != NULL ? rule->remove(device, item.created) : NULL;
    if (fault != NULL)
        return envelope_fault(out, device, request, fault);
    g_ptr_array_remove(device->extra->created, (gpointer)(gsize)item.created);
    envelope_open(out, device, request, NULL, NULL, FALSE);
    envelope_close(out);
    return 200;
}
