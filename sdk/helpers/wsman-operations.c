/* SPDX-License-Identifier: Apache-2.0 */
/* Get, Put, Create, Delete, Invoke, Identify. */
#include "wsman-internal.h"

/* What every operation begins with; frees what it holds. */
typedef struct {
    WsmanRequest request;
    char *uri;
    char *what;
    GVariant *selectors;
} Operation;

static void
operation_clear(Operation *op)
{
    if (op->request.xml != NULL)
        g_string_free(op->request.xml, TRUE);
    g_clear_pointer(&op->selectors, g_variant_unref);
    g_free(op->uri);
    g_free(op->what);
}
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC(Operation, operation_clear)

static gboolean
operation_begin(Operation *op,
                WsMan *ws,
                const char *verb,
                const char *class_name,
                GVariant *selectors,
                GError **error)
{
    g_autofree char *action = g_strconcat(NS_TRANSFER "/", verb, NULL);

    op->selectors = selectors == NULL ? NULL : g_variant_ref_sink(selectors);
    op->uri = wsman_resource_uri(ws->profile, class_name, error);
    if (op->uri == NULL)
        return FALSE;
    op->what = g_strdup_printf("%s %s", verb, wsman_class_of(op->uri));
    op->request.what = op->what;
    wsman_begin(&op->request, ws, action, op->uri);
    return wsman_begin_body(&op->request, op->selectors, error);
}

static WsmanMessage *
get_message(
    WsMan *ws, const char *class_name, GVariant *selectors, const char *const *only, GError **error)
{
    g_auto(Operation) op = {0};

    if (!operation_begin(&op, ws, "Get", class_name, selectors, error))
        return NULL;
    op.request.reads = TRUE;
    op.request.only = only;
    g_autoptr(WsmanMessage) message = wsman_exchange(&op.request, error);
    if (message != NULL && message->body == NULL) {
        postern_fail(error,
                     POSTERN_ERROR_PROTOCOL,
                     "%s: the answer has an empty body, expected an instance",
                     op.what);
        return NULL;
    }
    return g_steal_pointer(&message);
}

static GVariant *
body_or_empty(const WsmanMessage *message)
{
    return message->body != NULL
               ? g_variant_ref(message->body)
               : g_variant_ref_sink(g_variant_new_array(G_VARIANT_TYPE("{sv}"), NULL, 0));
}

GVariant *
wsman_get_some(
    WsMan *ws, const char *class_name, GVariant *selectors, const char *const *only, GError **error)
{
    g_autoptr(WsmanMessage) message = get_message(ws, class_name, selectors, only, error);

    return message == NULL ? NULL : g_variant_ref(message->body);
}

GVariant *
wsman_get(WsMan *ws, const char *class_name, GVariant *selectors, GError **error)
{
    return wsman_get_some(ws, class_name, selectors, NULL, error);
}

static gboolean
append_whole(Operation *op, GVariant *values, GError **error)
{
    GString *xml = op->request.xml;
    const char *name = wsman_class_of(op->uri);

    g_string_append_printf(xml, "<r:%s xmlns:r=\"%s\">", name, op->uri);
    if (!wsman_append_values(xml, op->request.ws->profile, op->uri, values, error))
        return FALSE;
    g_string_append_printf(xml, "</r:%s>", name);
    return TRUE;
}

/* The instance goes back as what it is, which may be a class derived from the one asked for. */
static gboolean
append_instance(Operation *op, const WsmanMessage *old, GVariant *changes, GError **error)
{
    GString *xml = op->request.xml;
    xmlNode *instance = old->body_node;

    if (wsman_uri(instance)[0] == '\0')
        return postern_fail(error,
                            POSTERN_ERROR_PROTOCOL,
                            "%s: the instance read is in no namespace, so it cannot be sent back",
                            op->what);
    g_string_append_printf(xml, "<r:%s xmlns:r=\"", instance->name);
    if (!wsman_append_text(xml, wsman_uri(instance), error))
        return FALSE;
    g_string_append(xml, "\">");
    if (!wsman_append_changed(xml, op->request.ws->profile, instance, changes, error))
        return FALSE;
    g_string_append_printf(xml, "</r:%s>", instance->name);
    return TRUE;
}

GVariant *
wsman_put(WsMan *ws,
          const char *class_name,
          GVariant *selectors,
          GVariant *values,
          gboolean whole,
          GError **error)
{
    g_auto(Operation) op = {0};
    g_autoptr(GVariant) keys = selectors == NULL ? NULL : g_variant_ref_sink(selectors);
    g_autoptr(GVariant) changes = g_variant_ref_sink(values);
    g_autoptr(WsmanMessage) old = NULL;

    if (!whole) {
        old = get_message(ws, class_name, keys, NULL, error);
        if (old == NULL)
            return NULL;
    }
    if (!operation_begin(&op, ws, "Put", class_name, keys, error))
        return NULL;
    if (!(whole ? append_whole(&op, changes, error) : append_instance(&op, old, changes, error)))
        return NULL;
    g_autoptr(WsmanMessage) message = wsman_exchange(&op.request, error);
    return message == NULL ? NULL : body_or_empty(message);
}

GVariant *
wsman_create(WsMan *ws, const char *class_name, GVariant *values, GError **error)
{
    g_auto(Operation) op = {0};
    g_autoptr(GVariant) whole = g_variant_ref_sink(values);

    if (!operation_begin(&op, ws, "Create", class_name, NULL, error) ||
        !append_whole(&op, whole, error))
        return NULL;
    g_autoptr(WsmanMessage) message = wsman_exchange(&op.request, error);
    if (message == NULL)
        return NULL;
    xmlNode *body = message->body_node;
    return body != NULL && wsman_is_epr(body)
               ? g_variant_ref_sink(wsman_decode_epr(body, ws->profile))
               : body_or_empty(message);
}

gboolean
wsman_delete(WsMan *ws, const char *class_name, GVariant *selectors, GError **error)
{
    g_auto(Operation) op = {0};

    if (!operation_begin(&op, ws, "Delete", class_name, selectors, error))
        return FALSE;
    g_autoptr(WsmanMessage) message = wsman_exchange(&op.request, error);
    return message != NULL;
}

static gboolean
append_method(Operation *op, const char *method, GVariant *args, GError **error)
{
    GString *xml = op->request.xml;

    g_string_append_printf(xml, "<r:%s_INPUT xmlns:r=\"%s\">", method, op->uri);
    if (!wsman_append_values(xml, op->request.ws->profile, op->uri, args, error))
        return FALSE;
    g_string_append_printf(xml, "</r:%s_INPUT>", method);
    return TRUE;
}

GVariant *
wsman_invoke(WsMan *ws,
             const char *class_name,
             GVariant *selectors,
             const char *method,
             GVariant *args,
             GError **error)
{
    g_auto(Operation) op = {0};
    g_autoptr(GVariant) in = args == NULL ? NULL : g_variant_ref_sink(args);
    g_autofree char *action = NULL;

    op.selectors = selectors == NULL ? NULL : g_variant_ref_sink(selectors);
    op.uri = wsman_resource_uri(ws->profile, class_name, error);
    if (op.uri == NULL)
        return NULL;
    if (!wsman_name_valid(method)) {
        postern_fail(error, POSTERN_ERROR_BAD_PARAM, "'%s' is no method name", method);
        return NULL;
    }
    op.what = g_strdup_printf("%s.%s", wsman_class_of(op.uri), method);
    op.request.what = op.what;
    action = g_strdup_printf("%s/%s", op.uri, method);
    wsman_begin(&op.request, ws, action, op.uri);
    if (!wsman_begin_body(&op.request, op.selectors, error) ||
        !append_method(&op, method, in, error))
        return NULL;
    g_autoptr(WsmanMessage) message = wsman_exchange(&op.request, error);
    return message == NULL ? NULL : body_or_empty(message);
}

GVariant *
wsman_call(WsMan *ws,
           const char *class_name,
           GVariant *selectors,
           const char *method,
           GVariant *args,
           GError **error)
{
    g_autoptr(GVariant) outputs = wsman_invoke(ws, class_name, selectors, method, args, error);

    if (outputs == NULL || !wsman_check_return(ws, outputs, class_name, method, error))
        return NULL;
    return g_steal_pointer(&outputs);
}

static void
add_text(GVariantBuilder *out, xmlNode *body, const char *element, const char *name)
{
    g_autofree char *text = wsman_text_trimmed(wsman_child(body, NS_IDENTITY, element));

    if (text != NULL)
        g_variant_builder_add(out, "{sv}", name, g_variant_new_string(text));
}

static GVariant *
identity(xmlNode *body)
{
    GVariantBuilder out, profiles;
    xmlNode *set = wsman_child(body, NS_IDENTITY, "SecurityProfiles");

    g_variant_builder_init(&out, G_VARIANT_TYPE_VARDICT);
    add_text(&out, body, "ProtocolVersion", "protocol-version");
    add_text(&out, body, "ProductVendor", "product-vendor");
    add_text(&out, body, "ProductVersion", "product-version");
    g_variant_builder_init(&profiles, G_VARIANT_TYPE_STRING_ARRAY);
    for (xmlNode *node = set == NULL ? NULL : wsman_element(set->children); node != NULL;
         node = wsman_element(node->next)) {
        g_autofree char *text = wsman_text_trimmed(node);
        g_variant_builder_add(&profiles, "s", text);
    }
    g_variant_builder_add(&out, "{sv}", "security-profiles", g_variant_builder_end(&profiles));
    return g_variant_ref_sink(g_variant_builder_end(&out));
}

GVariant *
wsman_identify(WsMan *ws, GError **error)
{
    WsmanRequest request = {.ws = ws, .what = "Identify", .reads = TRUE, .bare = TRUE};

    request.xml = g_string_new(
        "<?xml version=\"1.0\" encoding=\"UTF-8\"?><s:Envelope xmlns:s=\"" NS_SOAP
        "\" xmlns:i=\"" NS_IDENTITY "\"><s:Header></s:Header><s:Body><i:Identify></i:Identify>");
    g_autoptr(WsmanMessage) message = wsman_exchange(&request, error);
    if (message == NULL)
        return NULL;
    if (message->body_node == NULL ||
        !wsman_is(message->body_node, NS_IDENTITY, "IdentifyResponse")) {
        postern_fail(error,
                     POSTERN_ERROR_PROTOCOL,
                     "Identify: the answer holds '%s', expected IdentifyResponse",
                     message->body_class == NULL ? "" : message->body_class);
        return NULL;
    }
    return identity(message->body_node);
}
