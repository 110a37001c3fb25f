/* SPDX-License-Identifier: Apache-2.0 */
/* amt.events.list, amt.events.subscribe and amt.events.unsubscribe: who gets the device's alerts as WS-Management events. */
#include "amt.h"

#include <string.h>

static const char collection_class[] = "CIM_FilterCollection";
static const char listener_class[] = "CIM_ListenerDestinationWSManagement";
static const char subscription_class[] = "CIM_FilterCollectionSubscription";

enum { URL_MOST = 253, DELIVERY_PUSH = 2, DELIVERY_ACK = 3 };
static const AmtWord deliveries[] = {{DELIVERY_PUSH, "push"}, {DELIVERY_ACK, "ack"}, {0, NULL}};

typedef struct {
    GPtrArray *collections, *listeners, *subscriptions;
} Events;

static void
events_clear(Events *events)
{
    g_clear_pointer(&events->collections, g_ptr_array_unref);
    g_clear_pointer(&events->listeners, g_ptr_array_unref);
    g_clear_pointer(&events->subscriptions, g_ptr_array_unref);
}
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC(Events, events_clear)

static gboolean
read_events(WsMan *ws, Events *events, GError **error)
{
    events_clear(events);
    events->collections = amt_read_all(ws, collection_class, error);
    if (events->collections == NULL)
        return FALSE;
    if (events->collections->len == 0)
        return postern_fail(error,
                            POSTERN_ERROR_NOT_SUPPORTED,
                            "this firmware delivers no events (%s)",
                            collection_class);
    events->listeners = amt_read_all(ws, listener_class, error);
    if (events->listeners != NULL)
        events->subscriptions = amt_read_all(ws, subscription_class, error);
    return events->subscriptions != NULL;
}

/* The listener of a subscription, borrowed; NULL: it is not told of. */
static GVariant *
listener_of(const Events *events, GVariant *subscription)
{
    g_autofree char *name = amt_key_in(subscription, "Handler", "Name");

    return name != NULL ? amt_find(events->listeners, "Name", name) : NULL;
}

static GVariant *
describe_subscription(const Events *events, GVariant *subscription)
{
    GVariant *listener = listener_of(events, subscription);
    g_autofree char *collection = amt_key_in(subscription, "Filter", "InstanceID");
    PosternResult result;

    result_begin(&result);
    if (listener != NULL) {
        result_string(&result, "url", params_string(listener, "Destination"));
        result_string(
            &result, "delivery", amt_word(deliveries, params_uint(listener, "DeliveryMode", 0)));
        result_string(&result, "name", params_string(listener, "Name"));
    }
    result_string(&result, "collection", collection);
    return result_end(&result);
}

static GVariant *
describe(const Events *events, gint changed)
{
    g_autoptr(GPtrArray) names = g_ptr_array_new();
    GVariantBuilder list;
    PosternResult result;

    for (guint i = 0; i < events->collections->len; i++) {
        const char *name = params_string(events->collections->pdata[i], "InstanceID");
        if (name != NULL)
            g_ptr_array_add(names, (gpointer)(gsize)name);
    }
    g_variant_builder_init(&list, G_VARIANT_TYPE("aa{sv}"));
    for (guint i = 0; i < events->subscriptions->len; i++)
        g_variant_builder_add_value(&list,
                                    describe_subscription(events, events->subscriptions->pdata[i]));
    result_begin(&result);
    result_value(&result, "subscriptions", g_variant_builder_end(&list));
    result_value(&result,
                 "collections",
                 g_variant_new_strv((const char *const *)names->pdata, (gssize)names->len));
    if (changed >= 0)
        result_bool(&result, "changed", changed);
    return result_end(&result);
}

static GVariant *
run_list(PosternRun *run, GVariant *params, gpointer self, GError **error)
{
    g_autoptr(WsMan) ws = amt_open(self, run, params, error);
    g_auto(Events) events = {0};

    return ws != NULL && read_events(ws, &events, error) ? describe(&events, -1) : NULL;
}

/* ---- subscribing ---- */

/* The n-th subscription with this URL and, if not NULL, to this collection; NULL: there is none (left). */
static GVariant *
find_subscription(const Events *events, const char *url, const char *collection, guint n)
{
    for (guint i = 0; i < events->subscriptions->len; i++) {
        GVariant *one = events->subscriptions->pdata[i];
        GVariant *listener = listener_of(events, one);
        g_autofree char *of = amt_key_in(one, "Filter", "InstanceID");
        if (listener != NULL && g_strcmp0(params_string(listener, "Destination"), url) == 0 &&
            (collection == NULL || g_strcmp0(of, collection) == 0) && n-- == 0)
            return one;
    }
    return NULL;
}

static gboolean
check_url(const char *url, GError **error)
{
    g_autoptr(GUri) uri = g_uri_parse(url, G_URI_FLAGS_NONE, NULL);
    const char *scheme = uri != NULL ? g_uri_get_scheme(uri) : "";

    if (uri == NULL || strlen(url) > URL_MOST || g_uri_get_host(uri) == NULL ||
        g_uri_get_host(uri)[0] == '\0' ||
        (strcmp(scheme, "http") != 0 && strcmp(scheme, "https") != 0))
        return postern_fail(error,
                            POSTERN_ERROR_BAD_PARAM,
                            "url %.80s is none that firmware takes: expected http:// or https:// "
                            "and at most %d bytes",
                            url,
                            URL_MOST);
    return g_uri_get_userinfo(uri) == NULL ||
           postern_fail(error,
                        POSTERN_ERROR_BAD_PARAM,
                        "the url names a user: give user and password instead");
}

static gboolean
check_wish(GVariant *params, const Events *events, const char *collection, GError **error)
{
    if (!check_url(params_string(params, "url"), error))
        return FALSE;
    if ((params_string(params, "user") == NULL) != (params_string(params, "password") == NULL))
        return postern_fail(
            error, POSTERN_ERROR_BAD_PARAM, "user and password go together: one of them is given");
    return amt_find(events->collections, "InstanceID", collection) != NULL ||
           postern_fail(error,
                        POSTERN_ERROR_BAD_PARAM,
                        "the device has no collection '%s': amt.events.list tells which it has",
                        collection);
}

/* The delivery cannot be changed: one that differs is in the way. FALSE with `error`; `there`: it is as wanted. */
static gboolean
check_present(const Events *events,
              const char *url,
              const char *collection,
              guint32 delivery,
              gboolean *there,
              GError **error)
{
    GVariant *present = find_subscription(events, url, collection, 0);

    *there =
        present != NULL && params_uint(listener_of(events, present), "DeliveryMode", 0) == delivery;
    return present == NULL || *there ||
           postern_fail(error,
                        POSTERN_ERROR_CONFLICT,
                        "%s gets these events already, in another way: unsubscribe it first",
                        url);
}

static GVariant *
run_subscribe(PosternRun *run, GVariant *params, gpointer self, GError **error)
{
    g_autoptr(WsMan) ws = amt_open(self, run, params, error);
    const char *collection = params_string(params, "collection");
    WsmanSubscription wish = {.notify_to = params_string(params, "url"),
                              .tag = params_string(params, "tag"),
                              .user = params_string(params, "user"),
                              .password = params_string(params, "password")};
    g_auto(Events) events = {0};
    g_autoptr(GVariant) answer = NULL;
    guint32 delivery = 0;
    gboolean there = FALSE;

    amt_code(deliveries, params_string(params, "delivery"), &delivery);
    wish.acknowledged = delivery == DELIVERY_ACK;
    if (ws == NULL || !read_events(ws, &events, error) ||
        !check_wish(params, &events, collection, error) ||
        !check_present(&events, wish.notify_to, collection, delivery, &there, error))
        return NULL;
    if (there)
        return describe(&events, FALSE);
    answer = wsman_subscribe(ws, collection_class, amt_key("InstanceID", collection), &wish, error);
    if (answer == NULL || !read_events(ws, &events, error))
        return NULL;
    if (find_subscription(&events, wish.notify_to, collection, 0) != NULL)
        return describe(&events, TRUE);
    postern_fail(error,
                 POSTERN_ERROR_CONFLICT,
                 "the device took the subscription, and it is not in its list; read what it has "
                 "with amt.events.list");
    return NULL;
}

/* ---- ending ---- */

static gboolean
end_subscription(WsMan *ws, GVariant *subscription, GError **error)
{
    g_autoptr(GVariant) filter = params_value(subscription, "Filter", NULL);
    g_autoptr(GVariant) handler = params_value(subscription, "Handler", NULL);
    PosternResult keys;

    result_begin(&keys);
    result_value(&keys, "Filter", filter);
    result_value(&keys, "Handler", handler);
    return wsman_unsubscribe(ws, subscription_class, result_end(&keys), error);
}

static GVariant *
run_unsubscribe(PosternRun *run, GVariant *params, gpointer self, GError **error)
{
    g_autoptr(WsMan) ws = amt_open(self, run, params, error);
    const char *url = params_string(params, "url");
    const char *collection = params_string(params, "collection");
    g_auto(Events) events = {0};
    GVariant *one;
    guint ended = 0;

    if (ws == NULL || !read_events(ws, &events, error))
        return NULL;
    for (; (one = find_subscription(&events, url, collection, ended)) != NULL; ended++)
        if (!end_subscription(ws, one, error))
            return NULL;
    if (ended == 0)
        return describe(&events, FALSE);
    if (!read_events(ws, &events, error))
        return NULL;
    if (find_subscription(&events, url, collection, 0) == NULL)
        return describe(&events, TRUE);
    postern_fail(error,
                 POSTERN_ERROR_CONFLICT,
                 "the device took the end of the subscription, and it is still in its list");
    return NULL;
}

/* clang-format off */
static const char *const delivery_choices[] = {"push", "ack", NULL};

#define OUTPUTS                                                                                                      \
    POSTERN_FIELD_ITEM(.name = "subscriptions", .type = "aa{sv}", .flags = POSTERN_FIELD_REQUIRED,                  \
                       .summary = "who gets events: url, delivery, collection, name"),                               \
    POSTERN_FIELD_ITEM(.name = "collections", .type = "as", .flags = POSTERN_FIELD_REQUIRED,                        \
                       .summary = "which kinds of events the firmware has")
#define CHANGED POSTERN_FIELD_ITEM(.name = "changed", .type = "b", .flags = POSTERN_FIELD_REQUIRED, .summary = "false: it was so already")

static const PosternField *const list_params[] = {AMT_COMMON_PARAMS, NULL};
static const PosternField *const list_outputs[] = {OUTPUTS, NULL};
static const PosternField *const subscribe_params[] = {
    POSTERN_FIELD_ITEM(.name = "url", .type = "s", .flags = POSTERN_FIELD_REQUIRED, .summary = "listener to post events to; https from AMT 11 on"),
    POSTERN_FIELD_ITEM(.name = "collection", .type = "s", .fallback = "'Intel(r) AMT:All'", .summary = "which events"),
    POSTERN_FIELD_ITEM(.name = "delivery", .type = "s", .choices = delivery_choices, .fallback = "'ack'",
                       .summary = "ack: an event that nobody answers is repeated; push: sent once"),
    POSTERN_FIELD_ITEM(.name = "tag", .type = "s", .summary = "text that comes with each event: by it the listener knows the machine"),
    POSTERN_FIELD_ITEM(.name = "user", .type = "s", .summary = "with which the device logs in at the listener"),
    POSTERN_FIELD_ITEM(.name = "password", .type = "s", .flags = POSTERN_FIELD_SECRET, .summary = "its password"),
    AMT_COMMON_PARAMS,
    NULL,
};
static const PosternField *const unsubscribe_params[] = {
    POSTERN_FIELD_ITEM(.name = "url", .type = "s", .flags = POSTERN_FIELD_REQUIRED, .summary = "listener that is to get no events any more"),
    POSTERN_FIELD_ITEM(.name = "collection", .type = "s", .summary = "only these events; absent: all of its subscriptions"),
    AMT_COMMON_PARAMS,
    NULL,
};
static const PosternField *const change_outputs[] = {OUTPUTS, CHANGED, NULL};

const PosternTask amt_events_list_task = {
    .size = sizeof(PosternTask),
    .flags = POSTERN_TASK_READ_ONLY | POSTERN_TASK_IDEMPOTENT,
    .version = 1,
    .id = "amt.events.list",
    .summary = "list who gets the device's alerts",
    .details = "CIM_FilterCollectionSubscription and CIM_ListenerDestinationWSManagement. Least realm: Event Manager.",
    .params = list_params,
    .outputs = list_outputs,
    .credentials = amt_credentials,
    .run = run_list,
};

const PosternTask amt_events_subscribe_task = {
    .size = sizeof(PosternTask),
    .flags = POSTERN_TASK_IDEMPOTENT,
    .version = 1,
    .id = "amt.events.subscribe",
    .summary = "have the device's alerts posted to a listener",
    .details = "WS-Eventing Subscribe on a CIM_FilterCollection; it outlives restarts. A listener that gets the same events in the same way "
               "already is left alone; its password cannot be read, so it is not compared. Least realm: Event Manager.",
    .params = subscribe_params,
    .outputs = change_outputs,
    .credentials = amt_credentials,
    .run = run_subscribe,
};

const PosternTask amt_events_unsubscribe_task = {
    .size = sizeof(PosternTask),
    .flags = POSTERN_TASK_IDEMPOTENT,
    .version = 1,
    .id = "amt.events.unsubscribe",
    .summary = "end the posting of alerts to a listener",
    .details = "WS-Eventing Unsubscribe on each CIM_FilterCollectionSubscription with that URL, and the list read back. Least realm: Event "
               "Manager.",
    .params = unsubscribe_params,
    .outputs = change_outputs,
    .credentials = amt_credentials,
    .run = run_unsubscribe,
};
/* clang-format on */
