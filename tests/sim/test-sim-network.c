/* SPDX-License-Identifier: Apache-2.0 */
/* The simulator's network, alarms, calling home and end of setup, as one device does them without any socket. */
#include "config.h"

#include "alarm.h"
#include "one-device.h"
#include "power.h"
#include "rules.h"
#include "sim.h"
#include "soap.h"

#include <libxml/parser.h>
#include <string.h>

#define FIRST  0x7F580B01U /* 127.88.11.1 */
#define AMT    "http://intel.com/wbem/wscim/1/amt-schema/1/"
#define IPS    "http://intel.com/wbem/wscim/1/ips-schema/1/"
#define PORT   AMT "AMT_EthernetPortSettings"
#define ALARMS AMT "AMT_AlarmClockService"

static Sim *
make(const char *model)
{
    return one_device(model, FIRST, NULL);
}

/* One request: the answer must have that status and, if not NULL, that text in it. */
static void
ask(Device *device,
    const char *action,
    const char *uri,
    const char *selectors,
    const char *body,
    guint status,
    const char *expected)
{
    g_autofree char *request = g_strdup_printf(
        "<s:Envelope xmlns:s=\"" NS_SOAP "\" xmlns:a=\"" NS_ADDRESSING "\" xmlns:w=\"" NS_WSMAN
        "\"><s:Header><a:Action>%s</a:Action><w:ResourceURI>%s</w:ResourceURI><a:MessageID>1"
        "</a:MessageID>%s</s:Header><s:Body>%s</s:Body></s:Envelope>",
        action,
        uri,
        selectors,
        body);
    g_autoptr(GString) out = g_string_new(NULL);
    SoapNote note;
    guint found = soap_serve(device, request, strlen(request), out, &note);

    if (found != status || (expected != NULL && strstr(out->str, expected) == NULL))
        g_error("expected %u and %s, found %u and %s", status, expected, found, out->str);
}

static void
put_port(Device *device, const char *settings, guint status, const char *expected)
{
    g_autofree char *body = g_strdup_printf("<r:AMT_EthernetPortSettings xmlns:r=\"" PORT
                                            "\">%s</r:AMT_EthernetPortSettings>",
                                            settings);

    ask(device,
        NS_TRANSFER "/Put",
        PORT,
        "<w:SelectorSet><w:Selector Name=\"InstanceID\">Intel(r) AMT Ethernet Port Settings 0"
        "</w:Selector></w:SelectorSet>",
        body,
        status,
        expected);
}

static void
call(Device *device, const char *uri, const char *method, const char *args, const char *expected)
{
    g_autofree char *action = g_strdup_printf("%s/%s", uri, method);
    g_autofree char *body =
        g_strdup_printf("<r:%s_INPUT xmlns:r=\"%s\">%s</r:%s_INPUT>", method, uri, args, method);

    ask(device, action, uri, "", body, 200, expected);
}

/* Applications and events of the audit log, "22.0 22.4". */
static void
expect_audit(const Device *device, const char *expected)
{
    const GPtrArray *audit = device->extra->audit->records;
    g_autoptr(GString) found = g_string_new(NULL);

    for (guint i = 0; audit != NULL && i < audit->len; i++) {
        const guint8 *record = g_bytes_get_data(audit->pdata[i], NULL);
        g_string_append_printf(found,
                               "%s%u.%u",
                               i > 0 ? " " : "",
                               record[0] << 8 | record[1],
                               record[2] << 8 | record[3]);
    }
    g_assert_cmpstr(found->str, ==, expected);
}

#define SET(name, value) "<r:" name ">" value "</r:" name ">"

static void
test_port(void)
{
    g_autoptr(Sim) sim = make("amt12");
    Device *device = sim->devices;

    put_port(device, SET("IPAddress", "127.88.11.9"), 400, "InvalidRepresentation");
    put_port(device,
             SET("DHCPEnabled", "true") SET("SubnetMask", "255.255.255.0"),
             400,
             "InvalidRepresentation");
    put_port(device,
             SET("DHCPEnabled", "false") SET("IPAddress", "127.88.11.9"),
             400,
             "InvalidParameter");
    put_port(device, SET("DHCPEnabled", "true"), 200, "<g:IPAddress>127.88.11.1</g:IPAddress>");
    g_assert_false(device->loses_answer);
    put_port(device,
             SET("DHCPEnabled", "false") SET("IPAddress", "127.88.11.9")
                 SET("SubnetMask", "255.255.255.0") SET("SecondaryDNS", "127.88.11.53"),
             200,
             "<g:IPAddress>127.88.11.9</g:IPAddress>");
    g_assert_true(device->loses_answer);
    device->loses_answer = FALSE;
    /* what the class file does not have stands in its place all the same; what is left out is not there */
    put_port(device,
             SET("DHCPEnabled", "false") SET("IPAddress", "127.88.11.9")
                 SET("SubnetMask", "255.255.255.0") SET("SecondaryDNS", "127.88.11.53")
                     SET("LinkPolicy", "224"),
             200,
             "<g:LinkPolicy>224</g:LinkPolicy><g:MACAddress>");
    put_port(device,
             SET("DHCPEnabled", "false") SET("IPAddress", "127.88.11.9")
                 SET("SubnetMask", "255.255.255.0") SET("SecondaryDNS", "127.88.11.53")
                     SET("LinkPolicy", "224"),
             200,
             "</g:PhysicalConnectionType><g:SecondaryDNS>127.88.11.53</g:SecondaryDNS>"
             "<g:SharedDynamicIP>");
    g_assert_false(device->loses_answer);
    expect_audit(device, "22.0 22.4");
}

static void
test_names(void)
{
    g_autoptr(Sim) sim = make("amt12");

    ask(sim->devices,
        NS_TRANSFER "/Put",
        AMT "AMT_GeneralSettings",
        "",
        "<r:AMT_GeneralSettings xmlns:r=\"" AMT
        "AMT_GeneralSettings\"><r:HostName>lab</r:HostName><r:DomainName>lab.example.org"
        "</r:DomainName></r:AMT_GeneralSettings>",
        200,
        "<g:HostName>lab</g:HostName>");
    ask(sim->devices,
        NS_TRANSFER "/Put",
        AMT "AMT_GeneralSettings",
        "",
        "<r:AMT_GeneralSettings xmlns:r=\"" AMT
        "AMT_GeneralSettings\"><r:HostName>lab</r:HostName></r:AMT_GeneralSettings>",
        200,
        "<g:HostName>lab</g:HostName>");
    expect_audit(sim->devices, "22.1 22.2");
}

static void
test_alarm(void)
{
    g_autoptr(Sim) sim = make("amt12");
    Device *device = sim->devices;
    gint64 now;

    device->power = POWER_OFF;
    call(device,
         ALARMS,
         "AddAlarm",
         "<r:AlarmTemplate xmlns:s=\"" IPS "IPS_AlarmClockOccurrence\" xmlns:p=\"" NS_COMMON
         "\"><s:InstanceID>a</s:InstanceID><s:StartTime><p:Datetime>2099-01-01T03:00:00Z"
         "</p:Datetime></s:StartTime><s:Interval><p:Interval>P1DT0H0M</p:Interval></s:Interval>"
         "<s:DeleteOnCompletion>true</s:DeleteOnCompletion></r:AlarmTemplate>",
         "<g:ReturnValue>0<");
    call(device,
         ALARMS,
         "AddAlarm",
         "<r:AlarmTemplate xmlns:s=\"" IPS "IPS_AlarmClockOccurrence\" xmlns:p=\"" NS_COMMON
         "\"><s:InstanceID>b</s:InstanceID><s:StartTime><p:Datetime>2099-01-01T03:00:00Z"
         "</p:Datetime></s:StartTime><s:Interval><p:Interval>tomorrow</p:Interval></s:Interval>"
         "</r:AlarmTemplate>",
         "<g:ReturnValue>36<");
    now = g_get_monotonic_time();
    g_assert_cmpuint(power_state(device, now), ==, POWER_OFF);
    /* 2099-01-03T12:00:00Z: it went off three times, and the fourth is to come */
    device->extra->clock_offset = 4071124800 - device_clock(device);
    g_assert_cmpuint(power_state(device, now + G_USEC_PER_SEC * 60), ==, POWER_ON);
    g_assert_cmpuint(device->boots, ==, 1);
    ask(device,
        NS_TRANSFER "/Get",
        IPS "IPS_AlarmClockOccurrence",
        "<w:SelectorSet><w:Selector Name=\"InstanceID\">a</w:Selector></w:SelectorSet>",
        "",
        200,
        "<h:Datetime>2099-01-04T03:00:00Z</h:Datetime>");
    g_assert_cmpuint(power_state(device, now + G_USEC_PER_SEC * 120), ==, POWER_ON);
    g_assert_cmpuint(device->boots, ==, 1);
}

/* Two servers of one rule: the selectors say which of its two ties is meant. */
static void
test_references(void)
{
    static const char server[] =
        "<r:AccessInfo>gw</r:AccessInfo><r:InfoFormat>201</r:InfoFormat><r:Port>4433</r:Port>"
        "<r:AuthMethod>2</r:AuthMethod><r:Username>u</r:Username><r:Password>p</r:Password>";
#define REFERENCE(name)                                                                            \
    "<a:Address>x</a:Address><a:ReferenceParameters><w:ResourceURI>" AMT                           \
    "AMT_ManagementPresenceRemoteSAP</w:ResourceURI><w:SelectorSet><w:Selector Name=\"Name\">"     \
    "Intel(r) AMT:Management Presence Server " name                                                \
    "</w:Selector></w:SelectorSet></a:ReferenceParameters>"
#define TIED_TO(name)                                                                              \
    "<w:SelectorSet><w:Selector Name=\"ManagedElement\"><a:EndpointReference>" REFERENCE(          \
        name) "</a:EndpointReference></w:Selector></w:SelectorSet>"
    static const char service[] = AMT "AMT_RemoteAccessService";
    static const char tie[] = AMT "AMT_RemoteAccessPolicyAppliesToMPS";
    g_autoptr(Sim) sim = make("amt16");
    Device *device = sim->devices;

    call(device, service, "AddMpServer", server, "Server 0</c:Selector>");
    call(device, service, "AddMpServer", server, "Server 1</c:Selector>");
    call(device,
         service,
         "AddRemoteAccessPolicyRule",
         "<r:Trigger>1</r:Trigger><r:TunnelLifeTime>0</r:TunnelLifeTime><r:MpServer>" REFERENCE(
             "0") "</r:MpServer><r:MpServer>" REFERENCE("1") "</r:MpServer>",
         "PolicyRuleName\">Alert<");
    ask(device, NS_TRANSFER "/Get", tie, TIED_TO("1"), "", 200, "<g:OrderOfAccess>1<");
    ask(device, NS_TRANSFER "/Get", tie, TIED_TO("0"), "", 200, "<g:OrderOfAccess>0<");
    ask(device, NS_TRANSFER "/Get", tie, TIED_TO("7"), "", 400, "DestinationUnreachable");
    ask(device,
        NS_TRANSFER "/Put",
        tie,
        TIED_TO("1"),
        "<r:AMT_RemoteAccessPolicyAppliesToMPS xmlns:r=\"" AMT
        "AMT_RemoteAccessPolicyAppliesToMPS\"><r:MpsType>2</r:MpsType>"
        "</r:AMT_RemoteAccessPolicyAppliesToMPS>",
        200,
        "<g:MpsType>2<");
    ask(device, NS_TRANSFER "/Get", tie, TIED_TO("0"), "", 200, "<g:MpsType>0<");
}

static void
test_unprovision(void)
{
    static const char service[] = AMT "AMT_SetupAndConfigurationService";
    g_autoptr(Sim) sim = make("amt12");
    Device *device = sim->devices;
    const SimInstance *general = device_first(device, "AMT_GeneralSettings");
    g_autofree char *before = device_property(device, general, "HostName");

    device_store(device, general, "HostName", "lab");
    g_assert_true(sim_offers(sim, device, FALSE));
    call(device, service, "Unprovision", "", "<g:ReturnValue>36<");
    call(device, service, "Unprovision", SET("ProvisioningMode", "1"), "<g:ReturnValue>0<");
    g_assert_false(sim_offers(sim, device, FALSE));
    g_assert_false(sim_offers(sim, device, TRUE));
    g_autofree char *after = device_property(device, general, "HostName");
    g_autofree char *state = device_property(
        device, device_first(device, "AMT_SetupAndConfigurationService"), "ProvisioningState");
    g_assert_cmpstr(after, ==, before);
    g_assert_cmpstr(state, ==, "0");
    expect_audit(device, "16.19");
}

/* In part: the names stay. */
static void
test_partial(void)
{
    g_autoptr(Sim) sim = make("amt12");
    Device *device = sim->devices;
    const SimInstance *general = device_first(device, "AMT_GeneralSettings");
    const SimInstance *tls = device_first(device, "AMT_TLSSettingData");

    device_store(device, general, "HostName", "lab");
    device_store(device, tls, "Enabled", "maybe");
    call(device, AMT "AMT_SetupAndConfigurationService", "PartialUnprovision", "", ">0<");
    g_autofree char *name = device_property(device, general, "HostName");
    g_autofree char *enabled = device_property(device, tls, "Enabled");
    g_assert_cmpstr(name, ==, "lab");
    g_assert_cmpstr(enabled, ==, "false"); /* nothing is offered any more */
}

int
main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    xmlInitParser();
    g_test_add_func("/sim/network/port", test_port);
    g_test_add_func("/sim/network/names", test_names);
    g_test_add_func("/sim/network/alarm", test_alarm);
    g_test_add_func("/sim/network/references", test_references);
    g_test_add_func("/sim/network/unprovision", test_unprovision);
    g_test_add_func("/sim/network/partial", test_partial);
    return g_test_run();
}
