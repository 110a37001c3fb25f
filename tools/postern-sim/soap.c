/* SPDX-License-Identifier: Apache-2.0 */
#include "config.h"

#include "accounts.h"
#include "alarm.h"
#include "realms.h"
#include "sim.h"
#include "soap.h"

#include <string.h>

enum { NAMES_MAX = 4096, NAME_LENGTH_MAX = 128 };

const char *
soap_name(const char *name)
{
    static GHashTable *names;
    const char *known;

    if (names == NULL)
        names = g_hash_table_new(g_str_hash, g_str_equal);
    known = g_hash_table_lookup(names, name);
    if (known != NULL)
        return known;
    if (g_hash_table_size(names) >= NAMES_MAX || strlen(name) > NAME_LENGTH_MAX ||
        !g_str_is_ascii(name))
        return "(other)";
    known = g_intern_string(name);
    g_hash_table_add(names, (gpointer)(gsize)known);
    return known;
}

/* ---- finding instances ---- */

static gboolean
own_item(Device *device, SimClass *class, guint *n, Item *item)
{
    const GPtrArray *created = device->extra != NULL ? device->extra->created : NULL;

    *item = (Item){.class = class};
    for (guint i = 0; i < class->instances->len; i++)
        if (device_has(device, class->instances->pdata[i]) && (*n)-- == 0) {
            item->instance = class->instances->pdata[i];
            return TRUE;
        }
    for (guint i = 0; created != NULL && i < created->len; i++)
        if (((const DeviceCreated *)created->pdata[i])->class == class && (*n)-- == 0) {
            item->created = created->pdata[i];
            return TRUE;
        }
    return FALSE;
}

static gboolean
item_walk(Device *device, SimClass *class, guint *n, Item *item)
{
    if (own_item(device, class, n, item))
        return TRUE;
    for (guint i = 0; i < class->derived->len; i++)
        if (item_walk(device, class->derived->pdata[i], n, item))
            return TRUE;
    return FALSE;
}

gboolean
item_at(Device *device, SimClass *class, guint n, Item *item)
{
    return item_walk(device, class, &n, item);
}

static char *
item_property(Device *device, const Item *item, const char *name)
{
    if (item->instance != NULL)
        return device_property(device, item->instance, name);
    for (guint i = 0; i < item->created->properties->len; i++) {
        const DeviceStored *one = item->created->properties->pdata[i];
        if (g_str_equal(one->name, name))
            return g_strdup(one->xml);
    }
    return NULL;
}

void
item_reference(Device *device, const Item *item, GString *out)
{
    g_string_append_printf(out,
                           "<b:Address>" ANONYMOUS "</b:Address><b:ReferenceParameters>"
                           "<c:ResourceURI>%s</c:ResourceURI><c:SelectorSet>",
                           item->class->uri);
    for (guint i = 0; item->class->keys != NULL && item->class->keys[i] != NULL; i++) {
        g_autofree char *value = item_property(device, item, item->class->keys[i]);
        g_string_append_printf(out,
                               "<c:Selector Name=\"%s\">%s</c:Selector>",
                               item->class->keys[i],
                               value != NULL ? value : "");
    }
    g_string_append(out, "</c:SelectorSet></b:ReferenceParameters>");
}

typedef enum { MATCH, OTHER, NO_SUCH_KEY } Match;

/* TRUE when each selector that `reference` names stands in `value`, a reference as it is stored. */
static gboolean
match_reference(const xmlNode *reference, const char *value)
{
    const xmlNode *set = xml_child(xml_child(reference, "ReferenceParameters"), "SelectorSet");

    for (const xmlNode *node = set != NULL ? set->children : NULL; node != NULL;
         node = node->next) {
        xmlChar *name =
            node->type == XML_ELEMENT_NODE ? xmlGetNoNsProp(node, (const xmlChar *)"Name") : NULL;
        g_autofree char *text = xml_text(node);
        g_autofree char *part =
            name != NULL ? g_markup_printf_escaped("Name=\"%s\">%s</", (const char *)name, text)
                         : NULL;
        xmlFree(name);
        if (part != NULL && strstr(value, part) == NULL)
            return FALSE;
    }
    return TRUE;
}

static Match
match_selector(Device *device, const xmlNode *selector, const Item *item)
{
    xmlChar *name = xmlGetNoNsProp(selector, (const xmlChar *)"Name");
    g_autofree char *value = name != NULL ? item_property(device, item, (const char *)name) : NULL;
    g_autofree char *text = xml_text(selector);
    g_autofree char *escaped = g_markup_escape_text(text, -1);

    xmlFree(name);
    if (value == NULL)
        return NO_SUCH_KEY;
    if (xml_child(selector, "EndpointReference") != NULL)
        return match_reference(xml_child(selector, "EndpointReference"), value) ? MATCH : OTHER;
    return g_str_equal(value, escaped) ? MATCH : OTHER;
}

static Match
match_item(Device *device, const Request *request, const Item *item)
{
    for (const xmlNode *node = request->selectors->children; node != NULL; node = node->next) {
        Match match;
        if (node->type != XML_ELEMENT_NODE)
            continue;
        match = match_selector(device, node, item);
        if (match != MATCH)
            return match;
    }
    return MATCH;
}

gboolean
item_find(
    Device *device, const Request *request, SimClass *class, Item *item, const SoapFault **fault)
{
    Item second;
    guint at = 0;

    *fault = &FAULT_UNREACHABLE;
    if (request->selectors == NULL) {
        guint next = 1;
        if (!own_item(device, class, &at, item))
            return FALSE;
        if (device->model->get_first || !own_item(device, class, &next, &second))
            return TRUE;
        *fault = &FAULT_SELECTORS;
        return FALSE;
    }
    for (guint n = 0;; n++) {
        Match match;
        at = n;
        if (!own_item(device, class, &at, item))
            return FALSE;
        match = match_item(device, request, item);
        if (match == MATCH)
            return TRUE;
        if (match == NO_SUCH_KEY && n == 0)
            *fault = &FAULT_SELECTORS;
    }
}

/* ---- dispatch ---- */

static guint
identify(Device *device, GString *out)
{
    g_string_append_printf(
        out,
        "<?xml version=\"1.0\" encoding=\"UTF-8\"?><a:Envelope xmlns:a=\"" NS_SOAP
        "\" xmlns:b=\"" NS_IDENTITY "\"><a:Header></a:Header><a:Body><b:IdentifyResponse>"
        "<b:ProtocolVersion>" NS_WSMAN "</b:ProtocolVersion>"
        "<b:ProductVendor>Intel(r)</b:ProductVendor><b:ProductVersion>AMT %s</b:ProductVersion>"
        "<b:SecurityProfiles><b:SecurityProfileName>http://schemas.dmtf.org/wbem/wsman/1/wsman/"
        "secprofile/http/digest</b:SecurityProfileName><b:SecurityProfileName>http://schemas.dmtf"
        ".org/wbem/wsman/1/wsman/secprofile/https/digest</b:SecurityProfileName>"
        "</b:SecurityProfiles></b:IdentifyResponse>",
        device->model->firmware);
    envelope_close(out);
    return 200;
}

typedef guint (*Operation)(Device *device, const Request *request, SimClass *class, GString *out);

static const struct {
    const char *action, *name;
    Operation operation;
    gboolean acts;
} operations[] = {
    {NS_TRANSFER "/Get", "Get", transfer_get, FALSE},
    {NS_TRANSFER "/Put", "Put", transfer_put, TRUE},
    {NS_TRANSFER "/Create", "Create", transfer_create, TRUE},
    {NS_TRANSFER "/Delete", "Delete", transfer_delete, TRUE},
    {NS_EVENTING "/Subscribe", "Subscribe", eventing_subscribe, TRUE},
    {NS_EVENTING "/Unsubscribe", "Unsubscribe", eventing_unsubscribe, TRUE},
    {NS_ENUMERATION "/Enumerate", "Enumerate", enumerate_start, FALSE},
    {NS_ENUMERATION "/Pull", "Pull", enumerate_pull, FALSE},
    {NS_ENUMERATION "/Release", "Release", enumerate_release, FALSE},
};

static SimClass *
find_class(const Device *device, const Request *request)
{
    SimClass *class = classes_find(device->model, request->class_name);

    if (class == NULL || !g_str_equal(class->uri, request->uri))
        return NULL;
    return device_lacks(device, class->name) ? NULL : class;
}

/* The method that an Action names: what follows the class and a slash. */
static const char *
method_of(const Request *request)
{
    gsize length = strlen(request->uri);

    if (strncmp(request->action, request->uri, length) != 0 || request->action[length] != '/')
        return NULL;
    return request->action + length + 1;
}

/* Get and its like, and methods that only tell something. */
static gboolean
only_reads(const char *action)
{
    static const char *const reading[] = {
        "Get", "Enumerate", "Pull", "Release", "Position", "Read"};
    const char *name = strrchr(action, '/');

    for (guint i = 0; name != NULL && i < G_N_ELEMENTS(reading); i++)
        if (g_str_has_prefix(name + 1, reading[i]))
            return TRUE;
    return FALSE;
}

/* Does the account that asks reach the class? The fault `realms` is about the one of the command line. */
static gboolean
may_reach(Device *device, const Request *request)
{
    const Fault *realms = device_fault(device, FAULT_REALMS);

    if (device->caller_handle == ACCOUNT_ADMIN)
        return realms == NULL || realms_allow(realms->text, request->class_name);
    return realms_reach(accounts_realms(device, device->caller_handle),
                        request->class_name,
                        !only_reads(request->action));
}

static guint
dispatch(Device *device, const Request *request, GString *out, SoapNote *note)
{
    const Fault *fault = device_fault(device, FAULT_SOAP);
    SimClass *class;

    note->target = soap_name(request->class_name);
    note->action = soap_name(request->action);
    if (request->must_understand)
        return envelope_fault(out, device, request, &FAULT_UNDERSTAND);
    if (!may_reach(device, request))
        return device->model->realm_fault ? envelope_fault(out, device, request, &FAULT_DENIED)
                                          : 401;
    for (guint i = 0; i < G_N_ELEMENTS(operations); i++) {
        if (!g_str_equal(operations[i].action, request->action))
            continue;
        note->action = operations[i].name;
        class = find_class(device, request);
        if (fault != NULL)
            return envelope_fault(out, device, request, envelope_fault_named(fault->text));
        if (class == NULL)
            return envelope_fault(out, device, request, &FAULT_UNREACHABLE);
        note->acted = operations[i].acts;
        return operations[i].operation(device, request, class, out);
    }
    if (method_of(request) == NULL)
        return envelope_fault(out, device, request, &FAULT_ACTION);
    note->action = soap_name(method_of(request));
    class = find_class(device, request);
    if (fault != NULL)
        return envelope_fault(out, device, request, envelope_fault_named(fault->text));
    if (class == NULL)
        return envelope_fault(out, device, request, &FAULT_UNREACHABLE);
    note->acted = !only_reads(request->action);
    return methods_invoke(device, request, class, method_of(request), out);
}

guint
soap_serve(Device *device, const char *text, gsize length, GString *out, SoapNote *note)
{
    Request request;
    gboolean parsed = request_parse(&request, text, length);
    guint status;

    *note = (SoapNote){"(malformed)", "", FALSE};
    alarms_fire(device);
    if (!parsed) {
        status = envelope_fault(out, device, &request, &FAULT_SCHEMA);
    } else if (xml_is(request.body, "Identify", NS_IDENTITY)) {
        note->action = "Identify";
        status = identify(device, out);
    } else if (request.action == NULL || *request.action == '\0' || request.uri == NULL) {
        status = envelope_fault(out, device, &request, &FAULT_ACTION);
    } else {
        status = dispatch(device, &request, out, note);
    }
    request_clear(&request);
    return status;
}
