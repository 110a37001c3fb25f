/* SPDX-License-Identifier: Apache-2.0 */
/* WS-Eventing: who wants to be told of events. */
#include "config.h"

#include "delivery.h"
#include "logs.h"
#include "rules.h"
#include "soap.h"

#include <string.h>

enum { SUBSCRIBED = 0, UNSUBSCRIBED = 1, SUBSCRIBERS_MOST = 9, URL_MOST = 253 };

#define MODE_PUSH NS_EVENTING "/DeliveryModes/Push"
#define MODE_ACK  "http://schemas.dmtf.org/wbem/wsman/1/wsman/PushWithAck"

static const char listener_class[] = "CIM_ListenerDestinationWSManagement";
static const char subscription_class[] = "CIM_FilterCollectionSubscription";

/* "2" for push, "3" with acknowledgement, NULL for what there is not. */
static const char *
delivery_of(const xmlNode *delivery)
{
    xmlChar *mode = delivery != NULL ? xmlGetNoNsProp(delivery, (const xmlChar *)"Mode") : NULL;
    const char *number = NULL;

    if (mode != NULL && g_str_equal(mode, MODE_PUSH))
        number = "2";
    if (mode != NULL && g_str_equal(mode, MODE_ACK))
        number = "3";
    xmlFree(mode);
    return number;
}

static gboolean
is_url(const Device *device, const char *url)
{
    return strlen(url) <= URL_MOST &&
           (g_str_has_prefix(url, "http://") ||
            (g_str_has_prefix(url, "https://") && model_since(device->model, 11, 0)));
}

/* The first number that no listener has. */
static char *
free_name(const Device *device)
{
    for (guint i = 0;; i++) {
        char *name = g_strdup_printf("Intel(r) AMT:Listener Destination %u", i);
        if (rules_created(device, listener_class, "Name", name) == NULL)
            return name;
        g_free(name);
    }
}

static void
keep_destination(Device *device, const Request *request, const char *name, const char *mode)
{
    DeviceExtra *extra = device_extra(device);

    if (extra->destinations == NULL)
        extra->destinations = g_ptr_array_new_with_free_func((GDestroyNotify)destination_free);
    g_ptr_array_add(extra->destinations, destination_read(request, name, g_str_equal(mode, "3")));
}

static const DeviceCreated *
make_subscription(Device *device,
                  const Request *request,
                  const Item *collection,
                  const char *url,
                  const char *mode)
{
    g_autofree char *name = free_name(device);
    g_autofree char *safe = g_markup_escape_text(url, -1);
    g_autoptr(GString) filter = g_string_new(NULL);
    g_autofree char *handler = NULL;
    const DeviceCreated *listener = rules_make(device,
                                               listener_class,
                                               (const char *const[]){"CreationClassName",
                                                                     "CIM_ListenerDestinationWSMAN",
                                                                     "DeliveryMode",
                                                                     mode,
                                                                     "Destination",
                                                                     safe,
                                                                     "Name",
                                                                     name,
                                                                     NULL});

    if (listener == NULL)
        return NULL;
    handler = rules_reference(device, listener);
    item_reference(device, collection, filter);
    keep_destination(device, request, name, mode);
    logs_audit(device, AUDIT_EVENT_MANAGER, SUBSCRIBED, NULL, 0);
    return rules_make(device,
                      subscription_class,
                      (const char *const[]){"Filter", filter->str, "Handler", handler, NULL});
}

static void
append_answer(Device *device, const Request *request, GString *out)
{
    envelope_open(out, device, request, NS_EVENTING, NULL, FALSE);
    g_string_append_printf(out,
                           "<g:SubscribeResponse><g:SubscriptionManager><b:Address>" ANONYMOUS
                           "</b:Address><b:ReferenceParameters><g:Identifier>uuid:00000000-8086-"
                           "8086-8086-%012X</g:Identifier></b:ReferenceParameters>"
                           "</g:SubscriptionManager></g:SubscribeResponse>",
                           device->next_context++);
    envelope_close(out);
}

guint
eventing_subscribe(Device *device, const Request *request, SimClass *class, GString *out)
{
    const xmlNode *delivery = xml_child(request->body, "Delivery");
    g_autofree char *url =
        g_strstrip(xml_text(xml_child(xml_child(delivery, "NotifyTo"), "Address")));
    const char *mode = delivery_of(delivery);
    SimClass *subscriptions = classes_find(device->model, subscription_class);
    const SoapFault *fault;
    Item item;

    if (!g_str_equal(class->name, "CIM_FilterCollection") || subscriptions == NULL)
        return envelope_fault(out, device, request, &FAULT_NO_EVENTS);
    if (!xml_is(request->body, "Subscribe", NS_EVENTING))
        return envelope_fault(out, device, request, &FAULT_SCHEMA);
    if (!item_find(device, request, class, &item, &fault))
        return envelope_fault(out, device, request, fault);
    if (mode == NULL)
        return envelope_fault(out, device, request, &FAULT_DELIVERY);
    if (!is_url(device, url))
        return envelope_fault(out, device, request, &FAULT_PARAMETER);
    if (rules_count(device, subscriptions) >= SUBSCRIBERS_MOST ||
        make_subscription(device, request, &item, url, mode) == NULL)
        return envelope_fault(out, device, request, &FAULT_QUOTA);
    append_answer(device, request, out);
    return 200;
}

static void
forget_destination(Device *device, const char *listener)
{
    GPtrArray *all = device->extra->destinations;

    for (guint i = all != NULL ? all->len : 0; i > 0; i--)
        if (g_strcmp0(((const Destination *)all->pdata[i - 1])->listener, listener) == 0)
            g_ptr_array_remove_index(all, i - 1);
}

/* The subscription goes, and its listener with it. */
static void
take_away(Device *device, const DeviceCreated *subscription)
{
    const char *handler = rules_value(subscription->properties, "Handler");
    GPtrArray *created = device->extra->created;

    for (guint i = created->len; i > 0; i--) {
        const DeviceCreated *one = created->pdata[i - 1];
        g_autofree char *reference =
            g_str_equal(one->class->name, listener_class) ? rules_reference(device, one) : NULL;
        if (reference == NULL || g_strcmp0(reference, handler) != 0)
            continue;
        forget_destination(device, rules_value(one->properties, "Name"));
        g_ptr_array_remove_index(created, i - 1);
    }
    g_ptr_array_remove(created, (gpointer)(gsize)subscription);
    logs_audit(device, AUDIT_EVENT_MANAGER, UNSUBSCRIBED, NULL, 0);
}

guint
eventing_unsubscribe(Device *device, const Request *request, SimClass *class, GString *out)
{
    const SoapFault *fault;
    Item item;

    if (!g_str_equal(class->name, subscription_class))
        return envelope_fault(out, device, request, &FAULT_ACTION);
    if (request->selectors == NULL)
        return envelope_fault(out, device, request, &FAULT_SELECTORS);
    if (!item_find(device, request, class, &item, &fault))
        return envelope_fault(out, device, request, fault);
    take_away(device, item.created);
    envelope_open(out, device, request, NULL, NULL, FALSE);
    envelope_close(out);
    return 200;
}
