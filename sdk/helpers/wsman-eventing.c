/* SPDX-License-Identifier: Apache-2.0 */
/* WS-Eventing: Subscribe and Unsubscribe. Events come by another connection, which is a listener's. */
#include "wsman-internal.h"

#define NS_EVENTING "http://schemas.xmlsoap.org/ws/2004/08/eventing"
#define NS_TRUST    "http://schemas.xmlsoap.org/ws/2005/02/trust"
#define NS_SECURITY                                                                                \
    "http://docs.oasis-open.org/wss/2004/01/oasis-200401-wss-wssecurity-secext-1.0.xsd"
#define TOKEN                                                                                      \
    "http://docs.oasis-open.org/wss/2004/01/oasis-200401-wss-username-token-profile-1.0"           \
    "#UsernameToken"
#define PASSWORD_TEXT                                                                              \
    "http://docs.oasis-open.org/wss/2004/01/oasis-200401-wss-username-token-profile-1.0"           \
    "#PasswordText"
#define DIGEST_PROFILE "http://schemas.dmtf.org/wbem/wsman/1/wsman/secprofile/http/digest"
#define MODE_PUSH      NS_EVENTING "/DeliveryModes/Push"
#define MODE_ACK       "http://schemas.dmtf.org/wbem/wsman/1/wsman/PushWithAck"

static gboolean
append_element(GString *out, const char *open, const char *text, const char *close, GError **error)
{
    g_string_append(out, open);
    if (!wsman_append_text(out, text, error))
        return FALSE;
    g_string_append(out, close);
    return TRUE;
}

/* With what the device logs in at the listener: a header. */
static gboolean
append_login(GString *out, const WsmanSubscription *subscription, GError **error)
{
    if (subscription->user == NULL)
        return TRUE;
    g_string_append(out,
                    "<t:IssuedTokens xmlns:t=\"" NS_TRUST "\" xmlns:se=\"" NS_SECURITY
                    "\"><t:RequestSecurityTokenResponse><t:TokenType>" TOKEN
                    "</t:TokenType><t:RequestedSecurityToken><se:UsernameToken>");
    if (!append_element(out, "<se:Username>", subscription->user, "</se:Username>", error) ||
        !append_element(out,
                        "<se:Password Type=\"" PASSWORD_TEXT "\">",
                        subscription->password != NULL ? subscription->password : "",
                        "</se:Password>",
                        error))
        return FALSE;
    g_string_append(out,
                    "</se:UsernameToken></t:RequestedSecurityToken>"
                    "</t:RequestSecurityTokenResponse></t:IssuedTokens>");
    return TRUE;
}

static gboolean
append_body(GString *out, const WsmanSubscription *subscription, GError **error)
{
    g_string_append_printf(out,
                           "<e:Subscribe xmlns:e=\"" NS_EVENTING "\"><e:Delivery Mode=\"%s\">"
                           "<e:NotifyTo>",
                           subscription->acknowledged ? MODE_ACK : MODE_PUSH);
    if (!append_element(out, "<a:Address>", subscription->notify_to, "</a:Address>", error))
        return FALSE;
    if (subscription->tag != NULL &&
        !append_element(out,
                        "<a:ReferenceParameters><m:arg xmlns:m=\"urn:postern:event\">",
                        subscription->tag,
                        "</m:arg></a:ReferenceParameters>",
                        error))
        return FALSE;
    g_string_append(out, "</e:NotifyTo>");
    if (subscription->user != NULL)
        g_string_append(out, "<w:Auth Profile=\"" DIGEST_PROFILE "\"></w:Auth>");
    g_string_append(out, "</e:Delivery></e:Subscribe>");
    return TRUE;
}

/* NULL when the request could not be made, or as wsman_exchange(). Takes a floating `selectors`. */
static WsmanMessage *
exchange(WsMan *ws,
         const char *verb,
         const char *class_name,
         GVariant *selectors,
         const WsmanSubscription *subscription,
         GError **error)
{
    g_autoptr(GVariant) keys = selectors == NULL ? NULL : g_variant_ref_sink(selectors);
    g_autofree char *uri = wsman_resource_uri(ws->profile, class_name, error);
    g_autofree char *action = g_strconcat(NS_EVENTING "/", verb, NULL);
    g_autofree char *what = g_strdup_printf("%s %s", verb, class_name);
    WsmanRequest request = {0};
    gboolean good;

    if (uri == NULL)
        return NULL;
    request.what = what;
    wsman_begin(&request, ws, action, uri);
    good = subscription == NULL || append_login(request.xml, subscription, error);
    if (good && !wsman_begin_body(&request, keys, error))
        return NULL;
    if (good && subscription == NULL)
        g_string_append(request.xml, "<e:Unsubscribe xmlns:e=\"" NS_EVENTING "\"></e:Unsubscribe>");
    if (good && (subscription == NULL || append_body(request.xml, subscription, error)))
        return wsman_exchange(&request, error);
    g_string_free(request.xml, TRUE);
    return NULL;
}

GVariant *
wsman_subscribe(WsMan *ws,
                const char *class_name,
                GVariant *selectors,
                const WsmanSubscription *subscription,
                GError **error)
{
    g_autoptr(WsmanMessage) message =
        exchange(ws, "Subscribe", class_name, selectors, subscription, error);

    if (message == NULL)
        return NULL;
    if (message->body_node != NULL &&
        wsman_is(message->body_node, NS_EVENTING, "SubscribeResponse"))
        return g_variant_ref(message->body);
    postern_fail(error,
                 POSTERN_ERROR_PROTOCOL,
                 "Subscribe %s: the answer holds '%.40s', expected SubscribeResponse",
                 class_name,
                 message->body_class == NULL ? "" : message->body_class);
    return NULL;
}

gboolean
wsman_unsubscribe(WsMan *ws, const char *class_name, GVariant *selectors, GError **error)
{
    g_autoptr(WsmanMessage) message =
        exchange(ws, "Unsubscribe", class_name, selectors, NULL, error);

    return message != NULL;
}
