/* SPDX-License-Identifier: Apache-2.0 */
#include "config.h"

#include "sim.h"
#include "soap.h"

#include <stdio.h>

/* Answers of real devices stay near this size. */
enum { PAGE_BYTES = 50000 };

static void
drop_expired(GArray *contexts, gint64 now)
{
    for (guint i = contexts->len; i > 0; i--)
        if (g_array_index(contexts, DeviceContext, i - 1).expires <= now)
            g_array_remove_index(contexts, i - 1);
}

static GArray *
contexts_of(Device *device)
{
    DeviceExtra *extra = device_extra(device);

    if (extra->contexts == NULL)
        extra->contexts = g_array_new(FALSE, TRUE, sizeof(DeviceContext));
    drop_expired(extra->contexts, g_get_monotonic_time());
    return extra->contexts;
}

/* A counter, little-endian, that looks like a GUID. */
static void
append_context(GString *out, guint32 id)
{
    g_string_append_printf(out,
                           "<g:EnumerationContext>%08X-0000-0000-0000-000000000000"
                           "</g:EnumerationContext>",
                           GUINT32_SWAP_LE_BE(id));
}

guint
enumerate_start(Device *device, const Request *request, SimClass *class, GString *out)
{
    GArray *contexts = contexts_of(device);
    g_autofree char *mode = xml_text(xml_child(request->body, "EnumerationMode"));
    DeviceContext context = {.class = class};

    if (!xml_is(request->body, "Enumerate", NS_ENUMERATION))
        return envelope_fault(out, device, request, &FAULT_SCHEMA);
    if (contexts->len >= device->model->max_contexts ||
        device_fault(device, FAULT_NO_CONTEXTS) != NULL)
        return envelope_fault(out, device, request, &FAULT_QUOTA);
    context.id = device->next_context++;
    context.references = g_str_equal(mode, "EnumerateEPR");
    context.objects = !context.references;
    if (g_str_equal(mode, "EnumerateObjectAndEPR"))
        context.references = TRUE;
    context.expires = g_get_monotonic_time() + (gint64)device->model->context_seconds * 1000000;
    g_array_append_val(contexts, context);
    envelope_open(out, device, request, NS_ENUMERATION, NULL, FALSE);
    g_string_append(out, "<g:EnumerateResponse>");
    append_context(out, context.id);
    g_string_append(out, "</g:EnumerateResponse>");
    envelope_close(out);
    return 200;
}

static DeviceContext *
find_context(GArray *contexts, const xmlNode *body, const SimClass *class)
{
    g_autofree char *text = g_strstrip(xml_text(xml_child(body, "EnumerationContext")));
    guint id;
    int end = 0;

    if (sscanf(text, "%8x-0000-0000-0000-000000000000%n", &id, &end) != 1 || end != 36)
        return NULL;
    for (guint i = 0; i < contexts->len; i++) {
        DeviceContext *context = &g_array_index(contexts, DeviceContext, i);
        if (context->id == GUINT32_SWAP_LE_BE(id) && context->class == class)
            return context;
    }
    return NULL;
}

static void
render_item(Device *device, const DeviceContext *context, const Item *item, GString *out)
{
    gboolean both = context->references && context->objects;

    if (both)
        g_string_append(out, "<c:Item>");
    if (context->objects && item->instance != NULL)
        device_render(device, item->instance, 'h', 'i', out);
    else if (context->objects)
        device_render_created(item->created, 'h', 'i', out);
    if (context->references) {
        g_string_append(out, "<b:EndpointReference>");
        item_reference(device, item, out);
        g_string_append(out, "</b:EndpointReference>");
    }
    if (both)
        g_string_append(out, "</c:Item>");
}

static guint
wanted_items(Device *device, const Request *request, const DeviceContext *context)
{
    g_autofree char *text = xml_text(xml_child(request->body, "MaxElements"));
    guint64 most = 1;

    if (context->class->one_a_pull || device_fault(device, FAULT_ONE_ITEM_PULLS) != NULL)
        return 1;
    if (*text != '\0' && !g_ascii_string_to_unsigned(text, 10, 1, G_MAXUINT32, &most, NULL))
        return 1;
    return (guint)most;
}

/* A page holds one concrete class: its namespace is declared once, on the envelope. */
static void
render_page(Device *device, DeviceContext *context, guint most, SimClass *class, GString *out)
{
    Item item;

    g_string_append(out, "<g:Items>");
    for (guint i = 0; class != NULL && i < most && out->len < PAGE_BYTES; i++) {
        if (!item_at(device, context->class, context->next, &item) || item.class != class)
            break;
        render_item(device, context, &item, out);
        context->next++;
    }
    g_string_append(out, "</g:Items>");
}

static void
finish(GArray *contexts, const DeviceContext *context)
{
    for (guint i = 0; i < contexts->len; i++)
        if (&g_array_index(contexts, DeviceContext, i) == context) {
            g_array_remove_index(contexts, i);
            return;
        }
}

guint
enumerate_pull(Device *device, const Request *request, SimClass *class, GString *out)
{
    GArray *contexts = contexts_of(device);
    DeviceContext *context = find_context(contexts, request->body, class);
    g_autoptr(GString) items = g_string_new(NULL);
    SimClass *concrete = NULL;
    Item item;
    gboolean more, show_context;

    if (!xml_is(request->body, "Pull", NS_ENUMERATION))
        return envelope_fault(out, device, request, &FAULT_SCHEMA);
    if (context == NULL)
        return envelope_fault(out, device, request, &FAULT_CONTEXT);
    if (item_at(device, class, context->next, &item))
        concrete = item.class;
    render_page(device, context, wanted_items(device, request, context), concrete, items);
    more = item_at(device, class, context->next, &item);
    /* seen on real devices: the end mark and a context together; a further Pull then is empty */
    show_context = more || (class->open_end && concrete != NULL);
    envelope_open(out,
                  device,
                  request,
                  NS_ENUMERATION,
                  concrete != NULL ? concrete->uri : NULL,
                  concrete != NULL && concrete->common);
    g_string_append(out, "<g:PullResponse>");
    if (show_context)
        append_context(out, context->id);
    g_string_append_len(out, items->str, (gssize)items->len);
    if (!more)
        g_string_append(out, "<g:EndOfSequence></g:EndOfSequence>");
    if (!show_context)
        finish(contexts, context);
    g_string_append(out, "</g:PullResponse>");
    envelope_close(out);
    return 200;
}

guint
enumerate_release(Device *device, const Request *request, SimClass *class, GString *out)
{
    GArray *contexts = contexts_of(device);
    DeviceContext *context = find_context(contexts, request->body, class);

    if (context == NULL)
        return envelope_fault(out, device, request, &FAULT_CONTEXT);
    finish(contexts, context);
    envelope_open(out, device, request, NULL, NULL, FALSE);
    envelope_close(out);
    return 200;
}
