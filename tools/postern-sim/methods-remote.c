/* SPDX-License-Identifier: Apache-2.0 */
/* Calling home: gateways, the rules that call them, and how the device knows where it is. */
#include "config.h"

#include "delivery.h"
#include "methods.h"
#include "rules.h"

#include <string.h>

enum { TEXT_MOST = 16, SERVERS_PER_RULE = 2, TRIGGERS = 3, PERIODIC = 2, DETECTION_MOST = 5 };

static const char server_class[] = "AMT_ManagementPresenceRemoteSAP";
static const char user_class[] = "AMT_MPSUsernamePassword";
static const char context_class[] = "AMT_RemoteAccessCredentialContext";
static const char rule_class[] = "AMT_RemoteAccessPolicyRule";
static const char link_class[] = "AMT_RemoteAccessPolicyAppliesToMPS";

static guint
limit_of(Device *device, const char *name)
{
    const SimInstance *instance = device_first(device, "AMT_RemoteAccessCapabilities");
    g_autofree char *text = instance != NULL ? device_property(device, instance, name) : NULL;

    return text != NULL ? (guint)g_ascii_strtoull(text, NULL, 10) : 0;
}

/* ---- servers ---- */

static char *
input_text(const Call *call, const char *name)
{
    return g_strstrip(xml_text(xml_child(call->input, name)));
}

static gboolean
is_server(const Call *call)
{
    g_autofree char *address = input_text(call, "AccessInfo"), *user = input_text(call, "Username");
    g_autofree char *password = input_text(call, "Password");
    guint64 format, port, method;

    if (!call_number(call, "InfoFormat", &format) || !call_number(call, "Port", &port) ||
        !call_number(call, "AuthMethod", &method))
        return FALSE;
    return *address != '\0' && (format == 3 || format == 4 || format == 201) && port > 0 &&
           port <= G_MAXUINT16 && (method == 1 || method == 2) && strlen(user) <= TEXT_MOST &&
           strlen(password) <= TEXT_MOST && (method == 1 || (*user != '\0' && *password != '\0'));
}

static void
make_server(Call *call, guint number)
{
    g_autofree char *address = input_text(call, "AccessInfo"), *port = input_text(call, "Port");
    g_autofree char *format = input_text(call, "InfoFormat"), *cn = input_text(call, "CN");
    g_autofree char *user = input_text(call, "Username");
    g_autofree char *name = g_strdup_printf("Intel(r) AMT:Management Presence Server %u", number);
    g_autofree char *id = g_strdup_printf("Intel(r) AMT:MPS Username Password %u", number);
    g_autofree char *safe_user = g_markup_escape_text(user, -1);
    g_autofree char *safe_cn = g_markup_escape_text(*cn != '\0' ? cn : address, -1);
    g_autofree char *safe_address = g_markup_escape_text(address, -1);
    const DeviceCreated *server =
        rules_make(call->device,
                   server_class,
                   (const char *const[]){"AccessInfo",
                                         safe_address,
                                         "CN",
                                         safe_cn,
                                         "ElementName",
                                         "Intel(r) AMT:Management Presence Server",
                                         "InfoFormat",
                                         format,
                                         "Name",
                                         name,
                                         "Port",
                                         port,
                                         NULL});
    const DeviceCreated *login =
        rules_make(call->device,
                   user_class,
                   (const char *const[]){"InstanceID", id, "RemoteID", safe_user, NULL});
    g_autofree char *to_server = server != NULL ? rules_reference(call->device, server) : NULL;
    g_autofree char *to_login = login != NULL ? rules_reference(call->device, login) : NULL;

    if (server == NULL || login == NULL)
        return;
    rules_make(call->device,
               context_class,
               (const char *const[]){
                   "ElementInContext", to_login, "ElementProvidingContext", to_server, NULL});
    g_string_append_printf(call->out, "<g:MpServer>%s</g:MpServer>", to_server);
}

static guint
add_server(Call *call)
{
    guint number = 0;
    guint most = limit_of(call->device, "MaxTotalMpServers");

    if (!is_server(call))
        return PT_INVALID_PARAMETER;
    for (; number < most; number++) {
        g_autofree char *name =
            g_strdup_printf("Intel(r) AMT:Management Presence Server %u", number);
        if (rules_created(call->device, server_class, "Name", name) == NULL)
            break;
    }
    if (number >= most)
        return PT_MAXIMUM_REACHED;
    make_server(call, number);
    delivery_post(call->device, "iAMT0058", NULL);
    return DONE;
}

/* ---- rules ---- */

/* The server that an MpServer element refers to, or NULL. */
static const DeviceCreated *
referred(const Device *device, const xmlNode *node)
{
    const xmlNode *set = xml_child(xml_child(node, "ReferenceParameters"), "SelectorSet");

    for (const xmlNode *child = set != NULL ? set->children : NULL; child != NULL;
         child = child->next) {
        g_autofree char *text = child->type == XML_ELEMENT_NODE ? xml_text(child) : NULL;
        g_autofree char *safe = text != NULL ? g_markup_escape_text(text, -1) : NULL;
        const DeviceCreated *found =
            safe != NULL ? rules_created(device, server_class, "Name", safe) : NULL;
        if (found != NULL)
            return found;
    }
    return NULL;
}

/* All MpServer and InternalMpServer elements; NULL when one leads nowhere, or there are too few or too many. */
static GPtrArray *
referred_servers(const Call *call)
{
    g_autoptr(GPtrArray) servers = g_ptr_array_new();

    for (const xmlNode *node = call->input->children; node != NULL; node = node->next) {
        gpointer server;
        if (node->type != XML_ELEMENT_NODE ||
            !g_str_has_suffix((const char *)node->name, "MpServer"))
            continue;
        server = (gpointer)(gsize)referred(call->device, node);
        if (server == NULL)
            return NULL;
        g_ptr_array_add(servers, server);
    }
    return servers->len >= 1 && servers->len <= SERVERS_PER_RULE ? g_steal_pointer(&servers) : NULL;
}

/* 0 and seconds, or 1, hour and minute. */
static gboolean
is_period(const char *text)
{
    gsize length = 0;
    g_autofree guint8 *bytes = g_base64_decode(text, &length);

    return (length == 8 && bytes[3] == 0) || (length == 12 && bytes[3] == 1);
}

static void
make_links(Call *call, const DeviceCreated *rule, const GPtrArray *servers)
{
    g_autofree char *to_rule = rules_reference(call->device, rule);

    for (guint i = 0; i < servers->len; i++) {
        g_autofree char *to_server = rules_reference(call->device, servers->pdata[i]);
        g_autofree char *order = g_strdup_printf("%u", i);
        if (model_since(call->device->model, 11, 6))
            rules_make(call->device,
                       link_class,
                       (const char *const[]){"ManagedElement",
                                             to_server,
                                             "MpsType",
                                             "0",
                                             "OrderOfAccess",
                                             order,
                                             "PolicySet",
                                             to_rule,
                                             NULL});
        else
            rules_make(call->device,
                       link_class,
                       (const char *const[]){"ManagedElement",
                                             to_server,
                                             "OrderOfAccess",
                                             order,
                                             "PolicySet",
                                             to_rule,
                                             NULL});
    }
    g_string_append_printf(call->out, "<g:PolicyRule>%s</g:PolicyRule>", to_rule);
}

static guint
add_rule(Call *call)
{
    static const char *const names[TRIGGERS] = {"User Initiated", "Alert", "Periodic"};
    g_autofree char *data = input_text(call, "ExtendedData");
    g_autofree char *trigger_text = input_text(call, "Trigger");
    g_autofree char *lifetime_text = input_text(call, "TunnelLifeTime");
    g_autoptr(GPtrArray) servers = referred_servers(call);
    const DeviceCreated *rule;
    guint64 trigger, lifetime;

    if (servers == NULL || !call_number(call, "Trigger", &trigger) || trigger >= TRIGGERS ||
        !call_number(call, "TunnelLifeTime", &lifetime) ||
        (trigger == PERIODIC && !is_period(data)))
        return PT_INVALID_PARAMETER;
    if (rules_created(call->device, rule_class, "PolicyRuleName", names[trigger]) != NULL)
        return PT_DUPLICATE;
    rule = rules_make(call->device,
                      rule_class,
                      (const char *const[]){"ElementName",
                                            "Intel(r) AMT:Remote Access Policy",
                                            "PolicyRuleName",
                                            names[trigger],
                                            "Trigger",
                                            trigger_text,
                                            "TunnelLifeTime",
                                            lifetime_text,
                                            trigger == PERIODIC ? "ExtendedData" : NULL,
                                            data,
                                            NULL});
    if (rule == NULL)
        return PT_MAXIMUM_REACHED;
    make_links(call, rule, servers);
    delivery_post(call->device, "iAMT0058", NULL);
    return DONE;
}

static guint
user_state_change(Call *call)
{
    static const char *const states[] = {"32768", "32769", "32770", "32771", NULL};

    return call_state_change(call, states, "EnabledState");
}

const Method methods_remote[] = {
    {"AMT_RemoteAccessService", "AddMpServer", add_server},
    {"AMT_RemoteAccessService", "AddRemoteAccessPolicyRule", add_rule},
    {"AMT_UserInitiatedConnectionService", "RequestStateChange", user_state_change},
    {0},
};

/* ---- what Delete and Put do ---- */

/* Instances of `class_name` whose property `name` refers to `created`: how many; `take`: and they go. */
static guint
referring(Device *device,
          const char *class_name,
          const char *name,
          const DeviceCreated *created,
          gboolean take)
{
    g_autofree char *reference = rules_reference(device, created);
    guint count = 0;

    for (guint i = device->extra->created->len; i > 0; i--) {
        const DeviceCreated *one = device->extra->created->pdata[i - 1];
        if (!g_str_equal(one->class->name, class_name) ||
            g_strcmp0(rules_value(one->properties, name), reference) != 0)
            continue;
        count++;
        if (take)
            g_ptr_array_remove_index(device->extra->created, i - 1);
    }
    return count;
}

static const SoapFault *
remove_rule(Device *device, const DeviceCreated *created)
{
    referring(device, link_class, "PolicySet", created, TRUE);
    return NULL;
}

/* Not while a rule calls it. Its login goes with it. */
static const SoapFault *
remove_server(Device *device, const DeviceCreated *created)
{
    const char *name = rules_value(created->properties, "Name");
    g_autofree char *id =
        g_strconcat("Intel(r) AMT:MPS Username Password ", strrchr(name, ' ') + 1, NULL);
    const DeviceCreated *login;

    if (referring(device, link_class, "ManagedElement", created, FALSE) > 0)
        return &FAULT_DENIED;
    referring(device, context_class, "ElementProvidingContext", created, TRUE);
    login = rules_created(device, user_class, "InstanceID", id);
    if (login != NULL)
        g_ptr_array_remove(device->extra->created, (gpointer)(gsize)login);
    return NULL;
}

/* An empty list is one, not the one that the device began with. */
static const SoapFault *
put_detection(Device *device, const SimInstance *instance, GPtrArray *values)
{
    static const char *const lists[] = {"DetectionStrings", "DetectionIPv6LocalPrefixes"};

    for (guint i = 0; i < G_N_ELEMENTS(lists); i++) {
        g_autofree char *words = rules_words(values, lists[i]);
        g_auto(GStrv) list = g_strsplit(words, " ", -1);
        if (g_strv_length(list) > DETECTION_MOST)
            return &FAULT_REPRESENTATION;
        if (rules_value(values, lists[i]) == NULL)
            rules_add(values, lists[i], NULL);
    }
    return NULL;
}

const Rule rules_remote[] = {
    {.class = "AMT_ManagementPresenceRemoteSAP", .remove = remove_server},
    {.class = "AMT_RemoteAccessPolicyRule", .remove = remove_rule},
    {.class = "AMT_EnvironmentDetectionSettingData", .put = put_detection},
    {0},
};
