/* SPDX-License-Identifier: Apache-2.0 */
/* Network ports: their addresses, their link policy, and who has the wireless link. */
#include "config.h"

#include "delivery.h"
#include "logs.h"
#include "methods.h"
#include "rules.h"

#include <arpa/inet.h>
#include <string.h>

enum { TCP_IP = 0, HOST_NAME = 1, DOMAIN_NAME = 2, LINK_POLICY = 4, LINK_PREFERENCE = 4 };

/* What only a static address of its own has. */
static const char *const addresses[] = {
    "DefaultGateway", "IPAddress", "PrimaryDNS", "SecondaryDNS", "SubnetMask"};

static gboolean
is_address(const char *text)
{
    struct in_addr in;

    return text != NULL && inet_pton(AF_INET, text, &in) == 1;
}

static gboolean
is_true(const GPtrArray *values, const char *name)
{
    return g_strcmp0(rules_value(values, name), "true") == 0;
}

static void
note_policy(Device *device, const SimInstance *instance, const GPtrArray *values)
{
    g_auto(GStrv) values_before = device_values(device, instance, "LinkPolicy");
    g_autofree char *before = values_before != NULL ? g_strjoinv(" ", values_before) : NULL;
    g_autofree char *after = rules_words(values, "LinkPolicy");

    if (*after != '\0' && g_strcmp0(before, after) != 0)
        logs_audit(device, AUDIT_NETWORK_ADMIN, LINK_POLICY, NULL, 0);
}

/* A new address in use cuts the connection. The simulated machine cannot move: it stays to be found where it was. */
static void
note_address(Device *device, const SimInstance *instance, const char *after)
{
    g_autofree char *before = device_property(device, instance, "IPAddress");

    if (g_strcmp0(before, after) == 0)
        return;
    logs_audit(device, AUDIT_NETWORK_ADMIN, TCP_IP, NULL, 0);
    device->loses_answer = instance == device_first(device, "AMT_EthernetPortSettings");
}

static const SoapFault *
put_dhcp(Device *device, const SimInstance *instance, GPtrArray *values)
{
    char own[16];

    for (guint i = 0; i < G_N_ELEMENTS(addresses); i++)
        if (rules_value(values, addresses[i]) != NULL)
            return &FAULT_REPRESENTATION;
    device_address_text(device->address, own);
    if (instance == device_first(device, "AMT_EthernetPortSettings"))
        note_address(device, instance, own);
    return NULL;
}

static const SoapFault *
put_port(Device *device, const SimInstance *instance, GPtrArray *values)
{
    const SoapFault *fault = NULL;
    gboolean sync = is_true(values, "IpSyncEnabled");

    if (rules_value(values, "DHCPEnabled") == NULL)
        return &FAULT_REPRESENTATION;
    if (is_true(values, "DHCPEnabled"))
        fault = put_dhcp(device, instance, values);
    else if (!sync && (!is_address(rules_value(values, "IPAddress")) ||
                       !is_address(rules_value(values, "SubnetMask"))))
        fault = &FAULT_PARAMETER;
    else if (!sync)
        note_address(device, instance, rules_value(values, "IPAddress"));
    if (fault != NULL)
        return fault;
    note_policy(device, instance, values);
    if (!is_true(values, "DHCPEnabled") && !sync)
        for (guint i = 0; i < G_N_ELEMENTS(addresses); i++)
            if (rules_value(values, addresses[i]) == NULL)
                rules_add(values, addresses[i], NULL);
    return NULL;
}

static const SoapFault *
put_general(Device *device, const SimInstance *instance, GPtrArray *values)
{
    static const struct {
        const char *property;
        guint event;
    } names[] = {{"HostName", HOST_NAME}, {"DomainName", DOMAIN_NAME}};

    for (guint i = 0; i < G_N_ELEMENTS(names); i++) {
        g_autofree char *before = device_property(device, instance, names[i].property);
        const char *after = rules_value(values, names[i].property);
        if (after != NULL && g_strcmp0(before, after) != 0)
            logs_audit(device, AUDIT_NETWORK_ADMIN, names[i].event, NULL, 0);
    }
    return NULL;
}

static void
port_stored(Device *device, const SimInstance *instance)
{
    delivery_post(device, "iAMT0057", NULL);
}

const Rule rules_network[] = {
    {.class = "AMT_EthernetPortSettings", .put = put_port, .stored = port_stored},
    {.class = "AMT_GeneralSettings", .put = put_general},
    {0},
};

static guint
set_link_preference(Call *call)
{
    const SimInstance *port = call_instance(call);
    g_autofree char *now =
        port != NULL ? device_property(call->device, port, "LinkPreference") : NULL;
    guint64 owner, seconds;
    gint64 until = 0;

    if (now == NULL)
        return NOT_SUPPORTED;
    if (!call_number(call, "LinkPreference", &owner) || !call_number(call, "Timeout", &seconds) ||
        (owner != 1 && owner != 2))
        return PT_INVALID_PARAMETER;
    if (owner == 1)
        until = g_get_monotonic_time() + (gint64)seconds * G_USEC_PER_SEC;
    device_extra(call->device)->link_until = until;
    logs_audit(call->device, AUDIT_WIRELESS, LINK_PREFERENCE, NULL, 0);
    return DONE;
}

const Method methods_network[] = {
    {"AMT_EthernetPortSettings", "SetLinkPreference", set_link_preference},
    {0},
};
