/* SPDX-License-Identifier: Apache-2.0 */
/* amt.network.get: addresses, link and link policy of the wired and the wireless port, and IPv6. */
#include "amt-network.h"

#include <string.h>

static const AmtWord policies[] = {
    {1, "s0-ac"}, {14, "sx-ac"}, {16, "s0-dc"}, {224, "sx-dc"}, {0, NULL}};
static const AmtWord connections[] = {
    {0, "integrated"}, {1, "discrete"}, {2, "thunderbolt"}, {3, "wireless"}, {0, NULL}};
const AmtWord amt_link_owners[] = {{1, "me"}, {2, "host"}, {0, NULL}};
static const AmtWord interface_ids[] = {{0, "random"}, {1, "intel"}, {2, "manual"}, {0, NULL}};

/* clang-format off */
static const AmtFact port_facts[] = {
    {"MACAddress", "mac", FACT_MAC, NULL},
    {"LinkIsUp", "link-up", FACT_FLAG, NULL},
    {"PhysicalConnectionType", "connection", FACT_WORD, connections},
    {"DHCPEnabled", "dhcp", FACT_FLAG, NULL},
    {"IPAddress", "address", FACT_TEXT, NULL},
    {"SubnetMask", "mask", FACT_TEXT, NULL},
    {"DefaultGateway", "gateway", FACT_TEXT, NULL},
    {"PrimaryDNS", "primary-dns", FACT_TEXT, NULL},
    {"SecondaryDNS", "secondary-dns", FACT_TEXT, NULL},
    {"IpSyncEnabled", "ip-sync", FACT_FLAG, NULL},
    {"SharedMAC", "shared-mac", FACT_FLAG, NULL},
    {"SharedStaticIp", "shared-static-ip", FACT_FLAG, NULL},
    {"SharedDynamicIP", "shared-dynamic-ip", FACT_FLAG, NULL},
    {"VLANTag", "vlan", FACT_NUMBER, NULL},
    {"LinkPreference", "link-preference", FACT_WORD, amt_link_owners},
    {"LinkControl", "link-control", FACT_WORD, amt_link_owners},
    {NULL, NULL, FACT_TEXT, NULL},
};
static const AmtFact ipv6_facts[] = {
    {"IPv6Address", "address", FACT_TEXT, NULL},
    {"DefaultRouter", "router", FACT_TEXT, NULL},
    {"PrimaryDNS", "primary-dns", FACT_TEXT, NULL},
    {"SecondaryDNS", "secondary-dns", FACT_TEXT, NULL},
    {"CurrentDefaultRouter", "current-router", FACT_TEXT, NULL},
    {"CurrentPrimaryDNS", "current-primary-dns", FACT_TEXT, NULL},
    {"CurrentSecondaryDNS", "current-secondary-dns", FACT_TEXT, NULL},
    {"InterfaceIDType", "interface-id", FACT_WORD, interface_ids},
    {NULL, NULL, FACT_TEXT, NULL},
};
/* clang-format on */

gboolean
amt_policy_code(const char *word, guint32 *code)
{
    return amt_code(policies, word, code);
}

/* Those that have no word are told as numbers. */
static GVariant *
policy_words(GVariant *codes)
{
    GVariantBuilder words;

    g_variant_builder_init(&words, G_VARIANT_TYPE_STRING_ARRAY);
    for (gsize i = 0; i < g_variant_n_children(codes); i++) {
        guint32 code = 0;
        g_variant_get_child(codes, i, "u", &code);
        const char *word = amt_word(policies, code);
        g_autofree char *number = word != NULL ? NULL : g_strdup_printf("%u", code);
        g_variant_builder_add(&words, "s", word != NULL ? word : number);
    }
    return g_variant_builder_end(&words);
}

GVariant *
amt_describe_port(GVariant *port)
{
    g_autoptr(GVariant) policy = params_value(port, "LinkPolicy", "au");
    PosternResult result;

    result_begin(&result);
    amt_facts_add(&result, port_facts, port);
    if (policy != NULL)
        result_value(&result, "link-policy", policy_words(policy));
    return result_end(&result);
}

/* Instance 0 is the wired one and 1 the wireless, also on machines that have neither: their MAC is then zero. */
GVariant *
amt_find_port(GPtrArray *ports, gboolean wireless)
{
    GVariant *port = amt_find(ports, "InstanceID", wireless ? AMT_WIRELESS_PORT : AMT_WIRED_PORT);
    const char *mac = port != NULL ? params_string(port, "MACAddress") : NULL;

    return mac != NULL && strspn(mac, "0-:") < strlen(mac) ? port : NULL;
}

GVariant *
amt_read_port(WsMan *ws, gboolean wireless, GError **error)
{
    g_autoptr(GPtrArray) ports = amt_read_all(ws, AMT_PORT_CLASS, error);
    GVariant *port = ports != NULL ? amt_find_port(ports, wireless) : NULL;

    if (port != NULL)
        return g_variant_ref(port);
    if (ports != NULL)
        postern_fail(error,
                     POSTERN_ERROR_NOT_SUPPORTED,
                     "this machine has no %s port that the firmware uses",
                     wireless ? "wireless" : "wired");
    return NULL;
}

/* "::" is none. */
static GVariant *
describe_ipv6(GVariant *settings)
{
    PosternResult result;
    GVariantIter iter;
    const char *name;
    GVariant *value;

    result_begin(&result);
    g_variant_iter_init(&iter, settings);
    while (g_variant_iter_loop(&iter, "{&sv}", &name, &value))
        if (!g_variant_is_of_type(value, G_VARIANT_TYPE_STRING) ||
            strcmp(g_variant_get_string(value, NULL), "::") != 0)
            result_value(&result, name, value);
    g_autoptr(GVariant) known = g_variant_ref_sink(result_end(&result));
    result_begin(&result);
    amt_facts_add(&result, ipv6_facts, known);
    return result_end(&result);
}

static void
add_port(PosternResult *result, const char *name, GVariant *port)
{
    if (port != NULL)
        result_value(result, name, amt_describe_port(port));
}

static GVariant *
run_get(PosternRun *run, GVariant *params, gpointer self, GError **error)
{
    g_autoptr(WsMan) ws = amt_open(self, run, params, error);
    g_autoptr(GPtrArray) ports = ws != NULL ? amt_read_all(ws, AMT_PORT_CLASS, error) : NULL;
    g_autoptr(GPtrArray) ipv6 =
        ports != NULL ? amt_read_all(ws, "IPS_IPv6PortSettings", error) : NULL;
    GVariant *wired;
    PosternResult result;

    if (ipv6 == NULL)
        return NULL;
    wired = amt_find(ipv6, "InstanceID", "Intel(r) IPS IPv6 Settings 0");
    result_begin(&result);
    add_port(&result, "wired", amt_find_port(ports, FALSE));
    add_port(&result, "wireless", amt_find_port(ports, TRUE));
    if (wired != NULL)
        result_value(&result, "ipv6", describe_ipv6(wired));
    return result_end(&result);
}

/* clang-format off */
static const PosternField *const get_params[] = {AMT_COMMON_PARAMS, NULL};
static const PosternField *const get_outputs[] = {
    POSTERN_FIELD_ITEM(.name = "wired", .type = "a{sv}",
                       .summary = "mac, link-up, dhcp, address, mask, gateway, primary-dns, secondary-dns, ip-sync, shared-*, vlan, "
                                  "link-policy, connection; absent: there is no such port"),
    POSTERN_FIELD_ITEM(.name = "wireless", .type = "a{sv}",
                       .summary = "the same, and who has the link: link-preference and link-control, me or host"),
    POSTERN_FIELD_ITEM(.name = "ipv6", .type = "a{sv}",
                       .summary = "of the wired port: address, router, DNS servers as set, and current-* as they are; what is :: is left out"),
    NULL,
};

const PosternTask amt_network_get_task = {
    .size = sizeof(PosternTask),
    .flags = POSTERN_TASK_READ_ONLY | POSTERN_TASK_IDEMPOTENT,
    .version = 1,
    .id = "amt.network.get",
    .summary = "read the firmware's addresses, link and link policy",
    .details = "AMT_EthernetPortSettings, IPS_IPv6PortSettings. A link policy names the power states (S0, Sx) and sources (AC, DC) "
               "in which the firmware keeps the link. Least realm: General Info.",
    .params = get_params,
    .outputs = get_outputs,
    .credentials = amt_credentials,
    .run = run_get,
};
/* clang-format on */
