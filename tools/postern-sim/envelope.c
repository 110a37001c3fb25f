/* SPDX-License-Identifier: Apache-2.0 */
#include "config.h"

#include "envelope.h"

#include <libxml/parser.h>
#include <string.h>

/* clang-format off */
const SoapFault FAULT_UNREACHABLE = {'b', "DestinationUnreachable", "No route can be determined to reach the destination role defined by the WSAddressing To."};
const SoapFault FAULT_ACTION = {'b', "ActionNotSupported", "The action is not supported by the service."};
const SoapFault FAULT_SELECTORS = {'e', "InvalidSelectors", "The Selectors for the resource were not valid."};
const SoapFault FAULT_REPRESENTATION = {'d', "InvalidRepresentation", "The XML content was not valid."};
const SoapFault FAULT_DENIED = {'e', "AccessDenied", "The sender was not authorized to access the resource."};
const SoapFault FAULT_INTERNAL = {'e', "InternalError", "The service cannot comply with the request due to internal processing errors."};
const SoapFault FAULT_PARAMETER = {'e', "InvalidParameter", "An operation parameter was not valid."};
const SoapFault FAULT_EXISTS = {'e', "AlreadyExists", "The sender attempted to create a resource which already exists."};
const SoapFault FAULT_QUOTA = {'e', "QuotaLimit", "The service is busy servicing other requests."};
const SoapFault FAULT_CONTEXT = {'c', "InvalidEnumerationContext", "The supplied enumeration context is invalid."};
const SoapFault FAULT_UNDERSTAND = {'a', "MustUnderstand", "A required header was not understood."};
const SoapFault FAULT_SCHEMA = {'e', "SchemaValidationError", "The supplied SOAP violates the corresponding XML schema definition."};
const SoapFault FAULT_DELIVERY = {'f', "DeliveryModeRequestedUnavailable", "The requested delivery mode is not supported."};
const SoapFault FAULT_NO_EVENTS = {'f', "EventSourceUnableToProcess", "This resource has no events."};
static const SoapFault FAULT_BUSY = {'b', "EndpointUnavailable", "The specified endpoint is currently unavailable."};
static const SoapFault FAULT_ENCODING = {'e', "EncodingLimit", "An internal encoding limit was exceeded in a request or would be violated if the message were processed."};
static const SoapFault FAULT_TIME = {'e', "TimedOut", "The operation has timed out."};
/* clang-format on */

const SoapFault *
envelope_fault_named(const char *subcode)
{
    static const SoapFault *const all[] = {&FAULT_UNREACHABLE,
                                           &FAULT_ACTION,
                                           &FAULT_SELECTORS,
                                           &FAULT_REPRESENTATION,
                                           &FAULT_DENIED,
                                           &FAULT_INTERNAL,
                                           &FAULT_PARAMETER,
                                           &FAULT_EXISTS,
                                           &FAULT_QUOTA,
                                           &FAULT_CONTEXT,
                                           &FAULT_UNDERSTAND,
                                           &FAULT_SCHEMA,
                                           &FAULT_BUSY,
                                           &FAULT_ENCODING,
                                           &FAULT_TIME};

    for (guint i = 0; i < G_N_ELEMENTS(all); i++)
        if (g_str_equal(all[i]->subcode, subcode))
            return all[i];
    return NULL;
}

/* ---- reading ---- */

gboolean
xml_is(const xmlNode *node, const char *name, const char *uri)
{
    return node != NULL && node->type == XML_ELEMENT_NODE && node->ns != NULL &&
           g_str_equal(node->name, name) && g_str_equal(node->ns->href, uri);
}

xmlNode *
xml_child(const xmlNode *parent, const char *name)
{
    for (xmlNode *node = parent != NULL ? parent->children : NULL; node != NULL; node = node->next)
        if (node->type == XML_ELEMENT_NODE && g_str_equal(node->name, name))
            return node;
    return NULL;
}

char *
xml_text(const xmlNode *node)
{
    xmlChar *content = node != NULL ? xmlNodeGetContent(node) : NULL;
    char *text = g_strdup(content != NULL ? (const char *)content : "");

    xmlFree(content);
    return text;
}

/* The text of a header, without the blanks around it. */
static char *
header_text(const xmlNode *header, const char *name)
{
    return g_strstrip(xml_text(xml_child(header, name)));
}

static gboolean
is_known_header(const xmlNode *node)
{
    static const char *const known[] = {"Action",
                                        "To",
                                        "ResourceURI",
                                        "MessageID",
                                        "ReplyTo",
                                        "OperationTimeout",
                                        "SelectorSet",
                                        "FaultTo",
                                        "MaxEnvelopeSize",
                                        "Locale",
                                        "From",
                                        "RelatesTo",
                                        "IssuedTokens",
                                        NULL};

    return g_strv_contains(known, (const char *)node->name);
}

static gboolean
must_understand(const xmlNode *node)
{
    xmlChar *flag = xmlGetNsProp(node, (const xmlChar *)"mustUnderstand", (const xmlChar *)NS_SOAP);
    gboolean must = flag != NULL && (g_str_equal(flag, "true") || g_str_equal(flag, "1"));

    xmlFree(flag);
    return must;
}

static void
read_header(Request *request, const xmlNode *header)
{
    g_autofree char *id = header_text(header, "MessageID");

    request->action = header_text(header, "Action");
    request->uri = header_text(header, "ResourceURI");
    request->message_id = g_markup_escape_text(id, -1);
    request->selectors = xml_child(header, "SelectorSet");
    for (xmlNode *node = header->children; node != NULL; node = node->next)
        if (node->type == XML_ELEMENT_NODE && !is_known_header(node) && must_understand(node))
            request->must_understand = TRUE;
}

gboolean
request_parse(Request *request, const char *text, gsize length)
{
    xmlNode *root, *header, *body;
    const char *slash;

    memset(request, 0, sizeof *request);
    if (length > G_MAXINT)
        return FALSE;
    /* no DTD is read and no entity expanded: the input comes from anybody */
    request->doc = xmlReadMemory(
        text, (int)length, NULL, NULL, XML_PARSE_NONET | XML_PARSE_NOERROR | XML_PARSE_NOWARNING);
    if (request->doc == NULL || request->doc->intSubset != NULL)
        return FALSE;
    root = xmlDocGetRootElement(request->doc);
    header = xml_child(root, "Header");
    body = xml_child(root, "Body");
    if (!xml_is(root, "Envelope", NS_SOAP) || body == NULL)
        return FALSE;
    if (header != NULL)
        read_header(request, header);
    for (xmlNode *node = body->children; node != NULL && request->body == NULL; node = node->next)
        if (node->type == XML_ELEMENT_NODE)
            request->body = node;
    slash = request->uri != NULL ? strrchr(request->uri, '/') : NULL;
    request->class_name = slash != NULL ? slash + 1 : "";
    return TRUE;
}

void
request_clear(Request *request)
{
    xmlFreeDoc(request->doc);
    g_free(request->action);
    g_free(request->uri);
    g_free(request->message_id);
    memset(request, 0, sizeof *request);
}

/* ---- writing ---- */

#define NS_TRUST "http://schemas.xmlsoap.org/ws/2005/02/trust"
#define NS_SECURITY                                                                                \
    "http://docs.oasis-open.org/wss/2004/01/oasis-200401-wss-wssecurity-secext-1.0.xsd"
#define NS_BINDING "http://schemas.dmtf.org/wbem/wsman/1/cimbinding.xsd"
#define NS_XSI     "http://www.w3.org/2001/XMLSchema-instance"

static void
append_ids(GString *out, Device *device, const Request *request, const char *action)
{
    gboolean wrong = device_fault(device, FAULT_RELATES_TO) != NULL;
    const char *id = request->message_id != NULL ? request->message_id : "";

    g_string_append_printf(out,
                           "<a:Header><b:To>" ANONYMOUS "</b:To><b:RelatesTo>%s%s</b:RelatesTo>"
                           "<b:Action a:mustUnderstand=\"true\">%s</b:Action>"
                           "<b:MessageID>uuid:00000000-8086-8086-8086-%012X</b:MessageID>",
                           id,
                           wrong ? "9" : "",
                           action,
                           device->next_message++);
}

void
envelope_open(GString *out,
              Device *device,
              const Request *request,
              const char *g,
              const char *h,
              gboolean common)
{
    g_autofree char *action = g_markup_printf_escaped("%sResponse", request->action);
    g_autofree char *uri = g_markup_escape_text(request->uri, -1);
    char letter = 'g';

    g_string_append(out,
                    "<?xml version=\"1.0\" encoding=\"UTF-8\"?><a:Envelope xmlns:a=\"" NS_SOAP
                    "\" xmlns:b=\"" NS_ADDRESSING "\" xmlns:c=\"" NS_WSMAN "\" xmlns:d=\"" NS_TRUST
                    "\" xmlns:e=\"" NS_SECURITY "\" xmlns:f=\"" NS_BINDING "\"");
    if (g != NULL)
        g_string_append_printf(out, " xmlns:%c=\"%s\"", letter++, g);
    if (h != NULL)
        g_string_append_printf(out, " xmlns:%c=\"%s\"", letter++, h);
    if (common)
        g_string_append_printf(out, " xmlns:%c=\"" NS_COMMON "\"", letter);
    g_string_append(out, " xmlns:xsi=\"" NS_XSI "\">");
    append_ids(out, device, request, action);
    g_string_append_printf(out, "<c:ResourceURI>%s</c:ResourceURI></a:Header><a:Body>", uri);
}

void
envelope_close(GString *out)
{
    g_string_append(out, "</a:Body></a:Envelope>");
}

guint
envelope_fault(GString *out, Device *device, const Request *request, const SoapFault *fault)
{
    gboolean addressing = fault->letter == 'b';

    g_string_truncate(out, 0);
    g_string_append(out,
                    "<?xml version=\"1.0\" encoding=\"UTF-8\"?><a:Envelope xmlns:a=\"" NS_SOAP
                    "\" xmlns:b=\"" NS_ADDRESSING "\" xmlns:c=\"" NS_ENUMERATION
                    "\" xmlns:d=\"" NS_TRANSFER "\" xmlns:e=\"" NS_WSMAN "\" xmlns:f=\"" NS_EVENTING
                    "\" xmlns:g=\"" NS_BINDING "\" xmlns:h=\"" NS_TRUST "\" xmlns:i=\"" NS_SECURITY
                    "\" xmlns:xsi=\"" NS_XSI "\">");
    append_ids(out,
               device,
               request,
               addressing ? NS_ADDRESSING "/fault"
                          : "http://schemas.dmtf.org/wbem/wsman/1/wsman/fault");
    g_string_append(out, "</a:Header><a:Body><a:Fault><a:Code>");
    if (fault->letter == 'a')
        g_string_append_printf(out, "<a:Value>a:%s</a:Value>", fault->subcode);
    else
        g_string_append_printf(out,
                               "<a:Value>a:Sender</a:Value><a:Subcode><a:Value>%c:%s</a:Value>"
                               "</a:Subcode>",
                               fault->letter,
                               fault->subcode);
    g_string_append_printf(out,
                           "</a:Code><a:Reason><a:Text xml:lang=\"en-US\">%s</a:Text></a:Reason>"
                           "<a:Detail></a:Detail></a:Fault>",
                           fault->reason);
    envelope_close(out);
    return 400;
}
