/* SPDX-License-Identifier: Apache-2.0 */
/* Why the other side said no: faults, and the ReturnValue of methods. */
#include "wsman-internal.h"

#include <string.h>

static char *
local_name(xmlNode *value)
{
    g_autofree char *qname = wsman_text_trimmed(value);
    const char *colon = qname == NULL ? NULL : strrchr(qname, ':');

    return g_utf8_make_valid(colon != NULL ? colon + 1 : (qname != NULL ? qname : ""), -1);
}

static guint64
number_in(const char *text)
{
    return text == NULL ? 0 : g_ascii_strtoull(text, NULL, 10);
}

static guint64
detail_code(const WsmanProfile *profile, xmlNode *detail, const char *text)
{
    xmlNode *fault = wsman_descendant(detail, "WSManFault");
    xmlNode *wmi = wsman_descendant(detail, "error_Code");
    const char *status =
        profile->status_prefix == NULL ? NULL : strstr(text, profile->status_prefix);

    if (fault != NULL)
        return number_in(wsman_attribute(fault, NULL, "Code"));
    if (wmi != NULL) {
        g_autofree char *code = wsman_text_trimmed(wmi);
        return number_in(code);
    }
    return status == NULL ? 0 : number_in(status + strlen(profile->status_prefix));
}

void
wsman_read_fault(const WsmanProfile *profile, xmlNode *fault, WsmanMessage *message)
{
    xmlNode *code = wsman_child(fault, NS_SOAP, "Code");
    xmlNode *subcode = wsman_child(code, NS_SOAP, "Subcode");
    xmlNode *reason = wsman_child(fault, NS_SOAP, "Reason");
    xmlNode *detail = wsman_child(fault, NS_SOAP, "Detail");

    message->fault = local_name(wsman_child(subcode, NS_SOAP, "Value"));
    if (message->fault[0] == '\0') {
        g_free(message->fault);
        message->fault = local_name(wsman_child(code, NS_SOAP, "Value"));
    }
    message->fault_text = reason == NULL ? g_strdup("") : wsman_text_squashed(reason);
    message->fault_detail = detail == NULL ? g_strdup("") : wsman_text_squashed(detail);
    if (detail == NULL)
        return;
    message->fault_code = detail_code(profile, detail, message->fault_detail);
    if (message->fault_code == 0)
        message->fault_code =
            detail_code(profile, reason == NULL ? detail : reason, message->fault_text);
}

gboolean
wsman_fault_absent(const char *fault)
{
    static const char *const names[] = {
        "DestinationUnreachable", "ActionNotSupported", "InvalidResourceURI", "NotFound", NULL};

    return fault != NULL && g_strv_contains(names, fault);
}

static PosternError
code_of_status(const WsmanProfile *profile, guint32 number, PosternError otherwise)
{
    gint code = number == 0 || profile->status_error == NULL ? -1 : profile->status_error(number);

    return code < 0 ? otherwise : (PosternError)code;
}

static PosternError
code_of_fault(const char *fault)
{
    static const struct {
        const char *fault;
        PosternError code;
    } codes[] = {
        {"AccessDenied", POSTERN_ERROR_FORBIDDEN},
        {"ActionNotSupported", POSTERN_ERROR_NOT_SUPPORTED},
        {"AlreadyExists", POSTERN_ERROR_CONFLICT},
        {"Concurrency", POSTERN_ERROR_CONFLICT},
        {"DestinationUnreachable", POSTERN_ERROR_NOT_SUPPORTED},
        {"EndpointUnavailable", POSTERN_ERROR_BUSY},
        {"InvalidParameter", POSTERN_ERROR_BAD_PARAM},
        {"InvalidResourceURI", POSTERN_ERROR_NOT_SUPPORTED},
        {"InvalidSelectors", POSTERN_ERROR_BAD_PARAM},
        {"MustUnderstand", POSTERN_ERROR_NOT_SUPPORTED},
        {"NotUnderstood", POSTERN_ERROR_NOT_SUPPORTED},
        {"QuotaLimit", POSTERN_ERROR_BUSY},
        {"TimedOut", POSTERN_ERROR_TIMEOUT},
        {"UnsupportedFeature", POSTERN_ERROR_NOT_SUPPORTED},
    };

    for (guint i = 0; i < G_N_ELEMENTS(codes); i++)
        if (g_str_equal(fault, codes[i].fault))
            return codes[i].code;
    return POSTERN_ERROR_DEVICE;
}

void
wsman_fault_error(const WsmanProfile *profile,
                  const WsmanMessage *message,
                  const char *what,
                  GError **error)
{
    guint32 number = (guint32)MIN(message->fault_code, G_MAXUINT32);
    const char *name =
        number == 0 || profile->status_name == NULL ? NULL : profile->status_name(number);
    g_autoptr(GString) text = g_string_new(NULL);

    if (wsman_fault_absent(message->fault))
        /* Its own words speak of routes and read like a network error, which this is not. */
        g_string_append_printf(text,
                               "this %s device has no such class, instance or method (fault %s)",
                               profile->product,
                               message->fault);
    else
        g_string_append_printf(text, "fault %s: %s", message->fault, message->fault_text);
    if (number != 0)
        g_string_append_printf(text, ", status %u%s%s", number, name ? " " : "", name ? name : "");
    else if (message->fault_detail[0] != '\0')
        g_string_append_printf(text, ", detail: %.200s", message->fault_detail);
    g_autofree char *valid = g_utf8_make_valid(text->str, -1);
    g_set_error(error,
                POSTERN_ERROR,
                (gint)code_of_status(profile, number, code_of_fault(message->fault)),
                "%s: %s",
                what,
                valid);
}

static const char *
generic_name(guint32 value)
{
    static const char *const low[] = {"done",
                                      "not supported",
                                      "unknown error",
                                      "timeout or busy",
                                      "failed",
                                      "invalid parameter",
                                      "in use or denied"};
    static const char *const high[] = {
        "job started", "invalid state transition", "timeout parameter not supported", "busy"};

    if (value < G_N_ELEMENTS(low))
        return low[value];
    return value >= 4096 && value - 4096 < G_N_ELEMENTS(high) ? high[value - 4096] : NULL;
}

static PosternError
generic_error(guint32 value)
{
    switch (value) {
    case 1:
        return POSTERN_ERROR_NOT_SUPPORTED;
    case 3:
    case 6:
    case 4099:
        return POSTERN_ERROR_BUSY;
    case 4097:
        return POSTERN_ERROR_CONFLICT;
    default:
        return POSTERN_ERROR_DEVICE;
    }
}

static gboolean
is_generic(const char *class_name, const char *method, guint32 value)
{
    gboolean cim =
        g_str_has_prefix(wsman_class_of(class_name), "CIM_") || g_str_has_prefix(method, "Request");

    return cim && generic_name(value) != NULL;
}

const char *
wsman_return_name(const WsmanProfile *profile,
                  const char *class_name,
                  const char *method,
                  guint32 value)
{
    if (is_generic(class_name, method, value))
        return generic_name(value);
    if (profile->status_name == NULL)
        return NULL;
    return profile->status_name(value > 32768 ? value - 32768 : value);
}

gboolean
wsman_return_value(GVariant *outputs, guint32 *value)
{
    guint64 wide = 0;

    if (g_variant_lookup(outputs, "ReturnValue", "u", value))
        return TRUE;
    if (!g_variant_lookup(outputs, "ReturnValue", "t", &wide) || wide > G_MAXUINT32)
        return FALSE;
    *value = (guint32)wide;
    return TRUE;
}

gboolean
wsman_check_return(
    WsMan *ws, GVariant *outputs, const char *class_name, const char *method, GError **error)
{
    guint32 value = 0;

    if (!wsman_return_value(outputs, &value))
        return postern_fail(error,
                            POSTERN_ERROR_PROTOCOL,
                            "%s.%s: the answer has no ReturnValue, expected one",
                            wsman_class_of(class_name),
                            method);
    if (value == 0)
        return TRUE;
    const char *name = wsman_return_name(ws->profile, class_name, method, value);
    guint32 status = value > 32768 ? value - 32768 : value;
    PosternError code = is_generic(class_name, method, value)
                            ? generic_error(value)
                            : code_of_status(ws->profile, status, POSTERN_ERROR_DEVICE);
    ws->svc->run->note(ws->run, "device-code", g_variant_new_uint32(value));
    if (name != NULL)
        ws->svc->run->note(ws->run, "device-code-name", g_variant_new_string(name));
    return postern_fail(error,
                        code,
                        "%s.%s: the device answered ReturnValue %u (%s), expected 0",
                        wsman_class_of(class_name),
                        method,
                        value,
                        name != NULL ? name : "unknown");
}
