/* SPDX-License-Identifier: Apache-2.0 */
/* Network ports, alarms and calling home: what is read and written of them, without a device. */
#include "amt-agentpresence.h"
#include "amt-interval.h"
#include "amt-network.h"
#include "amt-remote.h"
#include "amt-task.h"

/* ---- spans of time ---- */

static void
test_interval(void)
{
    static const struct {
        const char *text;
        guint32 minutes; /* 0: is none */
        const char *iso;
    } table[] = {
        {"day", 1440, "P1DT0H0M"},
        {"daily", 1440, "P1DT0H0M"},
        {"weekly", 10080, "P7DT0H0M"},
        {"1 day 2 hours 30 minutes", 1590, "P1DT2H30M"},
        {"90 minutes", 90, "P0DT1H30M"},
        {"minute", 1, "P0DT0H1M"},
        {"P1DT2H30M", 1590, "P1DT2H30M"},
        {"P1W", 10080, "P7DT0H0M"},
        {"PT90M", 90, "P0DT1H30M"},
        {"999 days", 999 * 1440, "P999DT0H0M"},
        {"P999D", 999 * 1440, "P999DT0H0M"},
        {"1000 days", 0, NULL},
        {"P1000D", 0, NULL},
        {"P99999999999999999999D", 0, NULL},
        {"999 days 1 minute", 0, NULL},
        {"0 minutes", 0, NULL},
        {"P0DT0H0M", 0, NULL},
        {"", 0, NULL},
        {"P", 0, NULL},
        {"PT", 0, NULL},
        {"P1DT", 0, NULL},
        {"P1M", 0, NULL}, /* a month */
        {"PT1D", 0, NULL},
        {"P1H", 0, NULL},
        {"PT1M1H", 0, NULL},
        {"P1D1D", 0, NULL},
        {"P1.5D", 0, NULL},
        {"P-1D", 0, NULL},
        {"dayss", 0, NULL},
        {"2", 0, NULL},
        {"2 moons", 0, NULL},
        {"1  day", 0, NULL},
    };

    for (guint i = 0; i < G_N_ELEMENTS(table); i++) {
        guint32 minutes = 0;
        gboolean is = amt_interval_parse(table[i].text, &minutes);
        g_test_message("'%s'", table[i].text);
        g_assert_cmpint(is, ==, table[i].minutes != 0);
        if (!is)
            continue;
        g_autofree char *iso = amt_interval_iso(minutes);
        g_autofree char *words = amt_interval_words(minutes);
        g_assert_cmpuint(minutes, ==, table[i].minutes);
        g_assert_cmpstr(iso, ==, table[i].iso);
        g_assert_cmpuint(amt_interval_read(iso), ==, minutes);
        guint32 again = 0;
        g_assert_true(amt_interval_parse(words, &again));
        g_assert_cmpuint(again, ==, minutes);
    }
    g_assert_cmpuint(amt_interval_read("0"), ==, 0);
    g_assert_cmpuint(amt_interval_read(NULL), ==, 0);
}

/* ---- addresses ---- */

static void
test_addresses(void)
{
    static const struct {
        const char *address, *mask, *gateway, *problem; /* NULL: all is well */
    } table[] = {
        {"192.168.6.5", "255.255.255.0", "192.168.6.1", NULL},
        {"192.168.6.5", "255.255.255.0", NULL, NULL},
        {"10.0.0.2", "255.255.255.252", "10.0.0.1", NULL},
        {"172.16.255.255", "255.240.0.0", "172.31.0.1", NULL},
        {"192.168.6.5", "255.255.255.0", "192.168.7.1", "is not another machine in the network"},
        {"192.168.6.5", "255.255.255.0", "192.168.6.5", "is not another machine in the network"},
        {"192.168.6.0", "255.255.255.0", NULL, "that of its network"},
        {"192.168.6.255", "255.255.255.0", NULL, "that of its network or its broadcasts"},
        {"10.0.0.1", "255.255.255.254", NULL, "no network mask"},
        {"10.0.0.1", "255.255.255.255", NULL, "no network mask"},
        {"10.0.0.1", "0.0.0.0", NULL, "no network mask"},
        {"10.0.0.1", "255.0.255.0", NULL, "no network mask"},
        {"10.0.0.1", "0.255.255.255", NULL, "no network mask"},
        {"10.0.0.1", "24", NULL, "no network mask"},
        {"0.0.0.1", "255.255.255.0", NULL, "no IPv4 address of a machine"},
        {"240.0.0.1", "255.255.255.0", NULL, "no IPv4 address of a machine"},
        {"10.0.0.256", "255.255.255.0", NULL, "no IPv4 address of a machine"},
        {"::1", "255.255.255.0", NULL, "no IPv4 address of a machine"},
        {"10.0.0.1", "255.0.0.0", "gateway", "is no IPv4 address"},
    };

    for (guint i = 0; i < G_N_ELEMENTS(table); i++) {
        g_autofree char *problem =
            amt_address_problem(table[i].address, table[i].mask, table[i].gateway);
        g_test_message("%s: %s", table[i].address, problem != NULL ? problem : "well");
        g_assert_cmpint(problem == NULL, ==, table[i].problem == NULL);
        if (problem != NULL)
            g_assert_nonnull(strstr(problem, table[i].problem));
    }
}

/* ---- periods ---- */

static void
test_periods(void)
{
    static const struct {
        const char *text, *wire; /* NULL: is none */
    } table[] = {
        {"300", "AAAAAAAAASw="},
        {"25", "AAAAAAAAABk="},
        {"03:30", "AAAAAQAAAAMAAAAe"},
        {"23:59", "AAAAAQAAABcAAAA7"},
        {"0", NULL},
        {"", NULL},
        {"24:00", NULL},
        {"3:60", NULL},
        {"3:5", NULL},
        {"03:30:00", NULL},
        {"-1", NULL},
        {"9999999999", NULL},
        {"soon", NULL},
    };

    for (guint i = 0; i < G_N_ELEMENTS(table); i++) {
        g_autoptr(GVariant) wire = remote_period_encode(table[i].text);
        gsize length = 0;
        g_test_message("'%s'", table[i].text);
        g_assert_cmpint(wire == NULL, ==, table[i].wire == NULL);
        if (wire == NULL)
            continue;
        g_variant_ref_sink(wire);
        const guint8 *bytes = g_variant_get_fixed_array(wire, &length, 1);
        g_autofree char *base64 = g_base64_encode(bytes, length);
        g_autofree char *back = remote_period_decode(wire);
        g_assert_cmpstr(base64, ==, table[i].wire);
        g_assert_cmpstr(back, ==, table[i].text);
    }
}

static void
test_periods_of_others(void)
{
    static const guint8 bytes[13] = {0, 0, 0, 1, 0, 0, 0, 99, 0, 0, 0, 0, 0};

    for (gsize length = 0; length <= sizeof bytes; length++) {
        g_autoptr(GVariant) data =
            g_variant_ref_sink(g_variant_new_fixed_array(G_VARIANT_TYPE_BYTE, bytes, length, 1));
        g_assert_null(remote_period_decode(data));
    }
}

/* ---- agents ---- */

static void
test_agents(void)
{
    g_autofree char *guid = amt_agent_guid("eFY0Erya8N4RIjNEVWZ3iA==");
    g_autofree char *one = amt_agent_states(4), *two = amt_agent_states(2 | 8);
    g_autofree char *all = amt_agent_states(31), *none = amt_agent_states(32);

    g_assert_cmpstr(guid, ==, "12345678-9abc-def0-1122-334455667788");
    g_assert_null(amt_agent_guid("eFY0Erya8N4RIjNEVWZ3"));
    g_assert_null(amt_agent_guid("************************"));
    g_assert_null(amt_agent_guid(NULL));
    g_assert_cmpstr(one, ==, "running");
    g_assert_cmpstr(two, ==, "stopped+expired");
    g_assert_cmpstr(all, ==, "any");
    g_assert_cmpstr(none, ==, "");
}

/* ---- ports ---- */

#define PORT_URI FAKE_AMT("AMT_EthernetPortSettings")
#define PORT(settings)                                                                             \
    "<g:AMT_EthernetPortSettings>" settings                                                        \
    "<g:ElementName>Intel(r) AMT Ethernet Port Settings</g:ElementName>"                           \
    "<g:InstanceID>Intel(r) AMT Ethernet Port Settings 0</g:InstanceID>"                           \
    "<g:LinkPolicy>1</g:LinkPolicy><g:LinkPolicy>99</g:LinkPolicy>"                                \
    "<g:MACAddress>00-be-43-d8-22-a4</g:MACAddress></g:AMT_EthernetPortSettings>"
#define DHCP                                                                                       \
    "<g:DHCPEnabled>true</g:DHCPEnabled><g:DefaultGateway>192.168.6.1</g:DefaultGateway>"          \
    "<g:PrimaryDNS>192.168.6.1</g:PrimaryDNS><g:SubnetMask>255.255.255.0</g:SubnetMask>"
#define STATIC                                                                                     \
    "<g:DHCPEnabled>false</g:DHCPEnabled><g:IPAddress>192.168.6.9</g:IPAddress>"                   \
    "<g:SubnetMask>255.255.255.0</g:SubnetMask>"
#define LIST(port) FAKE_PULL(PORT_URI, "<n:Items>" port "</n:Items>" FAKE_LAST)
#define ENUMERATE                                                                                  \
    {                                                                                              \
        .expect = "AMT_EthernetPortSettings", .status = 200, .body = FAKE_CONTEXT("1")             \
    }

/* As it was recorded: no address under DHCP, and a policy that has no word. */
static void
test_port_read_25(void)
{
    static const FakeStep steps[] = {
        ENUMERATE,
        {.status = 200,
         .body = LIST(PORT(DHCP) "<g:AMT_EthernetPortSettings><g:InstanceID>Intel(r) AMT Ethernet "
                                 "Port Settings 1</g:InstanceID><g:MACAddress>00-00-00-00-00-00"
                                 "</g:MACAddress></g:AMT_EthernetPortSettings>")},
        {.expect = "IPS_IPv6PortSettings", .status = 400, .body = FAKE_ABSENT},
    };
    g_autoptr(FakeHost) fake = fake_host_for(steps);
    g_autoptr(GVariant) result = run_task(&amt_network_get_task, fake, "{}");

    assert_member(result,
                  "wired",
                  "{'mac': <'00:be:43:d8:22:a4'>, 'dhcp': <true>, 'mask': <'255.255.255.0'>, "
                  "'gateway': <'192.168.6.1'>, 'primary-dns': <'192.168.6.1'>, 'link-policy': "
                  "<['s0-ac', '99']>}");
    assert_member(result, "wireless", NULL);
    assert_member(result, "ipv6", NULL);
    fake_host_done(fake);
}

/* The answer to the Put is lost, and the machine answers at its new address. */
static void
test_port_moves(void)
{
    static const FakeStep steps[] = {
        ENUMERATE,
        {.status = 200, .body = LIST(PORT(DHCP))},
        {.expect = "Get", .status = 200, .body = FAKE_BODY(PORT_URI, PORT(DHCP))},
        {.expect = "<r:IPAddress>192.168.6.9</r:IPAddress>", .error = POSTERN_ERROR_UNREACHABLE},
        ENUMERATE,
        {.status = 200, .body = LIST(PORT(STATIC))},
    };
    g_autoptr(FakeHost) fake = fake_host_for(steps);
    g_autoptr(GVariant) result =
        run_task(&amt_network_set_task,
                 fake,
                 "{'dhcp': <false>, 'address': <'192.168.6.9'>, 'mask': <'255.255.255.0'>}");

    assert_member(result, "confirmed", "false");
    assert_member(result, "answers-at", "'192.168.6.9'");
    assert_member(fake->options, "host", "'192.168.6.9'");
    /* what DHCP gave is not taken over */
    g_assert_null(strstr(fake_request(fake, 3), "192.168.6.1<"));
    fake_host_done(fake);
}

static void
test_port_drops_for_dhcp(void)
{
    static const FakeStep steps[] = {
        ENUMERATE,
        {.status = 200, .body = LIST(PORT(STATIC))},
        {.expect = "Get", .status = 200, .body = FAKE_BODY(PORT_URI, PORT(STATIC))},
        {.expect = "<r:DHCPEnabled>true</r:DHCPEnabled>",
         .status = 200,
         .body = FAKE_BODY(PORT_URI, PORT(DHCP))},
        ENUMERATE,
        {.status = 200, .body = LIST(PORT(DHCP))},
    };
    g_autoptr(FakeHost) fake = fake_host_for(steps);
    g_autoptr(GVariant) result = run_task(&amt_network_set_task, fake, "{'dhcp': <true>}");

    assert_member(result, "confirmed", "true");
    g_assert_null(strstr(fake_request(fake, 3), "IPAddress"));
    g_assert_null(strstr(fake_request(fake, 3), "SubnetMask"));
    fake_host_done(fake);
}

/* The order of a policy is the device's own; and what it tells no more, or as something else, is not so. */
static void
test_port_policy(void)
{
#define POLICY(policy)                                                                             \
    "<g:AMT_EthernetPortSettings>" policy "<g:DHCPEnabled>true</g:DHCPEnabled>"                    \
    "<g:InstanceID>Intel(r) AMT Ethernet Port Settings 0</g:InstanceID>"                           \
    "<g:MACAddress>00-be-43-d8-22-a4</g:MACAddress></g:AMT_EthernetPortSettings>"
#define TWO   "<g:LinkPolicy>14</g:LinkPolicy><g:LinkPolicy>1</g:LinkPolicy><g:VLANTag>0</g:VLANTag>"
#define WORDS "<g:LinkPolicy>none</g:LinkPolicy>"
    static const FakeStep so_already[] = {ENUMERATE, {.status = 200, .body = LIST(POLICY(TWO))}};
#define CHANGE(after)                                                                              \
    ENUMERATE, {.status = 200, .body = LIST(POLICY(TWO))},                                         \
        {.expect = "Get", .status = 200, .body = FAKE_BODY(PORT_URI, POLICY(TWO))},                \
        {.expect = "Put", .status = 200, .body = FAKE_BODY("x:", "")}, ENUMERATE,                  \
    {                                                                                              \
        .status = 200, .body = LIST(POLICY(after))                                                 \
    }
    static const FakeStep words[] = {CHANGE(WORDS)}, gone[] = {CHANGE("")};
    g_autoptr(FakeHost) one = fake_host_for(so_already);
    g_autoptr(FakeHost) two = fake_host_for(words);
    g_autoptr(FakeHost) three = fake_host_for(gone);
    g_autoptr(GVariant) result =
        run_task(&amt_network_set_task, one, "{'link-policy': <['s0-ac', 'sx-ac']>}");

    assert_member(result, "changed", "false");
    fake_host_done(one);
    assert_fails(&amt_network_set_task,
                 two,
                 "{'link-policy': <['s0-ac']>}",
                 POSTERN_ERROR_CONFLICT,
                 "its LinkPolicy is not as it was asked for");
    fake_host_done(two);
    assert_fails(&amt_network_set_task,
                 three,
                 "{'vlan': <uint32 7>}",
                 POSTERN_ERROR_CONFLICT,
                 "its VLANTag is not as it was asked for");
    fake_host_done(three);
}

/* Nobody answers any more: the error says what was asked for, and it was asked once. */
static void
test_port_lost(void)
{
    static const FakeStep steps[] = {
        ENUMERATE,
        {.status = 200, .body = LIST(PORT(DHCP))},
        {.expect = "Get", .status = 200, .body = FAKE_BODY(PORT_URI, PORT(DHCP))},
        {.expect = "Put", .error = POSTERN_ERROR_TIMEOUT},
        {.expect = "Enumerate", .error = POSTERN_ERROR_UNREACHABLE},
    };
    g_autoptr(FakeHost) fake = fake_host_for(steps);
    fake->repeat_last = TRUE;

    assert_fails(
        &amt_network_set_task,
        fake,
        "{'dhcp': <false>, 'address': <'192.168.6.9'>, 'mask': <'255.255.255.0'>}",
        POSTERN_ERROR_TIMEOUT,
        "at 192.168.6.9; it was asked once for IPAddress '192.168.6.9', DHCPEnabled false;");
    g_assert_cmpuint(fake->slept_ms, ==, 30000);
}

/* Another machine has the new address: its MAC gives it away. */
static void
test_port_other_machine(void)
{
    static const FakeStep steps[] = {
        ENUMERATE,
        {.status = 200, .body = LIST(PORT(DHCP))},
        {.expect = "Get", .status = 200, .body = FAKE_BODY(PORT_URI, PORT(DHCP))},
        {.expect = "Put", .error = POSTERN_ERROR_UNREACHABLE},
        ENUMERATE,
        {.status = 200,
         .body = LIST("<g:AMT_EthernetPortSettings><g:InstanceID>Intel(r) AMT Ethernet Port "
                      "Settings 0</g:InstanceID><g:MACAddress>00-be-43-d8-22-a5</g:MACAddress>"
                      "</g:AMT_EthernetPortSettings>")},
        {.expect = "Enumerate", .error = POSTERN_ERROR_UNREACHABLE},
    };
    g_autoptr(FakeHost) fake = fake_host_for(steps);
    fake->repeat_last = TRUE;

    assert_fails(&amt_network_set_task,
                 fake,
                 "{'dhcp': <false>, 'address': <'192.168.6.9'>, 'mask': <'255.255.255.0'>}",
                 POSTERN_ERROR_UNREACHABLE,
                 "the machine is found neither at");
}

/* ---- TLS ---- */

#define SETUP_URI FAKE_AMT("AMT_SetupAndConfigurationService")
#define ITEMS(name, items)                                                                         \
    {.expect = name, .status = 200, .body = FAKE_CONTEXT("1")},                                    \
    {                                                                                              \
        .status = 200, .body = FAKE_PULL(FAKE_AMT(name), "<n:Items>" items "</n:Items>" FAKE_LAST) \
    }
#define TLS_SETTINGS(name)                                                                         \
    "<g:AMT_TLSSettingData><g:AcceptNonSecureConnections>true</g:AcceptNonSecureConnections>"      \
    "<g:Enabled>true</g:Enabled><g:InstanceID>Intel(r) AMT " name                                  \
    " TLS Settings</g:InstanceID><g:MutualAuthentication>false</g:MutualAuthentication>"           \
    "</g:AMT_TLSSettingData>"
#define REFERENCE(class_name, id)                                                                  \
    "<b:Address>/wsman</b:Address><b:ReferenceParameters><c:ResourceURI>" FAKE_AMT(                \
        class_name) "</c:ResourceURI><c:SelectorSet><c:Selector Name=\"InstanceID\">" id           \
                    "</c:Selector></c:SelectorSet></b:ReferenceParameters>"
#define BOUND       "Intel(r) AMT Certificate: Handle: 0"
#define CERTIFICATE /* of CN=x, until 2126 */                                                      \
    "MIIBLjCB4aADAgECAhRPTrMtfyMHokdInGvW1JFxZf15VDAFBgMrZXAwDDEKMAgGA1UEAwwBeDAg"                 \
    "Fw0yNjEyMDEwODU1MTdaGA8yMTI2MTEwNzA4NTUxN1owDDEKMAgGA1UEAwwBeDAqMAUGAytlcAMh"                 \
    "AJ5B0UnulRijKgxTBHUocXkTlotqQ0R8b7X/8B+w7PE6o1MwUTAdBgNVHQ4EFgQU4d4+Jjnmco3D"                 \
    "eh+DWsVDEEONeGAwHwYDVR0jBBgwFoAU4d4+Jjnmco3Deh+DWsVDEEONeGAwDwYDVR0TAQH/BAUw"                 \
    "AwEB/zAFBgMrZXADQQC7xffETPuQxl5hHPbZlkVhvRNZLpzZ9V+BFJYKDaTSdhojzVG5DKmweXdY"                 \
    "Dwjs1Lw9OnLIrPbk6/W6PWToDM4K"
#define TLS_STORE(settings, certificate)                                                           \
    ITEMS("AMT_TLSSettingData", settings),                                                         \
        ITEMS("AMT_PublicKeyCertificate",                                                          \
              "<g:AMT_PublicKeyCertificate><g:InstanceID>" BOUND                                   \
              "</g:InstanceID><g:X509Certificate>" certificate "</g:X509Certificate>"              \
              "</g:AMT_PublicKeyCertificate>"),                                                    \
        {.expect = "AMT_PublicPrivateKeyPair", .status = 400, .body = FAKE_ABSENT},                \
        ITEMS("AMT_TLSCredentialContext",                                                          \
              "<g:AMT_TLSCredentialContext><g:ElementInContext>" REFERENCE(                        \
                  "AMT_PublicKeyCertificate", BOUND) "</g:ElementInContext>"                       \
                                                     "</g:AMT_TLSCredentialContext>"),             \
    {                                                                                              \
        .expect = "CIM_CredentialContext", .status = 400, .body = FAKE_ABSENT                      \
    }

/* There is nothing by which a new connection could prove itself: nothing is written. */
static void
test_tls_unreadable(void)
{
    static const FakeStep steps[] = {TLS_STORE(TLS_SETTINGS("802.3"), "AAAA")};
    g_autoptr(FakeHost) fake = fake_host_for(steps);

    assert_fails(&amt_tls_set_task,
                 fake,
                 "{'accept-plain': <false>}",
                 POSTERN_ERROR_CONFLICT,
                 "TLS has no certificate to show that can be read");
    fake_host_done(fake);
}

/* Every setting of a side that is not there is refused, not only that of TLS itself. */
static void
test_tls_no_local_side(void)
{
    static const FakeStep steps[] = {TLS_STORE(TLS_SETTINGS("802.3"), "AAAA")};
    static const char *const wishes[] = {"{'local-enabled': <true>}",
                                         "{'local-mutual': <true>}",
                                         "{'local-accept-plain': <true>}",
                                         "{'local-trusted-names': <['pc']>}"};

    for (guint i = 0; i < G_N_ELEMENTS(wishes); i++) {
        g_autoptr(FakeHost) fake = fake_host_for(steps);
        assert_fails(&amt_tls_set_task,
                     fake,
                     wishes[i],
                     POSTERN_ERROR_NOT_SUPPORTED,
                     "no TLS settings for the local interface");
        fake_host_done(fake);
    }
}

/* What is refused half-way is put back, and the error says so; what is refused at once is not touched again. */
static void
test_tls_half_taken(void)
{
#define BOTH TLS_SETTINGS("802.3") TLS_SETTINGS("LMS")
#define TLS_GET(name)                                                                              \
    {                                                                                              \
        .expect = name, .status = 200,                                                             \
        .body = FAKE_BODY(FAKE_AMT("AMT_TLSSettingData"), TLS_SETTINGS(name))                      \
    }
#define REFUSED                                                                                    \
    {                                                                                              \
        .expect = "transfer/Put", .status = 400, .body = FAKE_FAULT("e:InternalError", "no", "")   \
    }
    static const FakeStep half[] = {
        TLS_STORE(BOTH, CERTIFICATE),
        TLS_GET("LMS"),
        {.expect = ":MutualAuthentication>true<",
         .status = 200,
         .body = FAKE_BODY(FAKE_AMT("AMT_TLSSettingData"), TLS_SETTINGS("LMS"))},
        TLS_GET("802.3"),
        REFUSED,
        ITEMS("AMT_TLSSettingData", BOTH),
        TLS_GET("LMS"),
        {.expect = ":MutualAuthentication>false<",
         .status = 200,
         .body = FAKE_BODY(FAKE_AMT("AMT_TLSSettingData"), TLS_SETTINGS("LMS"))},
        TLS_GET("802.3"),
        {.expect = "transfer/Put",
         .status = 200,
         .body = FAKE_BODY(FAKE_AMT("AMT_TLSSettingData"), TLS_SETTINGS("802.3"))},
        {.expect = "CommitChanges",
         .status = 200,
         .body = FAKE_BODY(SETUP_URI,
                           "<g:CommitChanges_OUTPUT><g:ReturnValue>0</g:ReturnValue>"
                           "</g:CommitChanges_OUTPUT>")},
    };
    static const FakeStep at_once[] = {TLS_STORE(BOTH, CERTIFICATE), TLS_GET("LMS"), REFUSED};
    g_autoptr(FakeHost) one = fake_host_for(half);
    g_autoptr(FakeHost) two = fake_host_for(at_once);

    assert_fails(&amt_tls_set_task,
                 one,
                 "{'local-mutual': <true>, 'trusted-names': <['pc']>}",
                 POSTERN_ERROR_DEVICE,
                 "did not take all of the settings; all was put back as it was: ");
    fake_host_done(one);
    assert_fails(&amt_tls_set_task, two, "{'local-mutual': <true>}", POSTERN_ERROR_DEVICE, "Put");
    fake_host_done(two);
}

/* ---- 802.1X ---- */

#define FAKE_IPS(name) "http://intel.com/wbem/wscim/1/ips-schema/1/" name

#define DOT1X(settings)                                                                            \
    "<g:IPS_IEEE8021xSettings><g:AuthenticationProtocol>2</g:AuthenticationProtocol>"              \
    "<g:AvailableInS0>false</g:AvailableInS0><g:Enabled>6</g:Enabled>" settings                    \
    "<g:ServerCertificateName>radius</g:ServerCertificateName>"                                    \
    "<g:ServerCertificateNameComparison>1</g:ServerCertificateNameComparison>"                     \
    "<g:Username>pc</g:Username></g:IPS_IEEE8021xSettings>"
#define DOT1X_GET(settings)                                                                        \
    {                                                                                              \
        .expect = "IPS_IEEE8021xSettings", .status = 200,                                          \
        .body = FAKE_BODY(FAKE_IPS("IPS_IEEE8021xSettings"), DOT1X(settings))                      \
    }
#define DOT1X_PUT(wanted)                                                                          \
    {                                                                                              \
        .expect = wanted, .status = 200, .body = FAKE_BODY("x:", "")                               \
    }
#define DOT1X_STORE                                                                                \
    {.expect = "AMT_PublicKeyCertificate", .status = 400, .body = FAKE_ABSENT},                    \
        {.expect = "AMT_PublicPrivateKeyPair", .status = 400, .body = FAKE_ABSENT},                \
        {.expect = "AMT_TLSCredentialContext", .status = 400, .body = FAKE_ABSENT},                \
    {                                                                                              \
        .expect = "CIM_CredentialContext", .status = 400, .body = FAKE_ABSENT                      \
    }

/* A text is taken away by an empty one, and that is no difference to what is read back then. */
static void
test_dot1x_empty_text(void)
{
    static const FakeStep steps[] = {
        DOT1X_GET("<g:Domain>corp</g:Domain>"),
        DOT1X_STORE,
        DOT1X_GET("<g:Domain>corp</g:Domain>"),
        DOT1X_PUT(":Domain></"),
        DOT1X_GET("<g:Domain></g:Domain>"),
        DOT1X_STORE,
    };
    g_autoptr(FakeHost) fake = fake_host_for(steps);
    g_autoptr(GVariant) result = run_task(&amt_dot1x_set_task, fake, "{'domain': <''>}");

    assert_member(result, "domain", NULL);
    assert_member(result, "enabled", "true");
    fake_host_done(fake);
}

/* A suffix is a wish of its own, and a state that is not named stays the one that it is. */
static void
test_dot1x_suffix(void)
{
    static const FakeStep steps[] = {
        DOT1X_GET(""),
        DOT1X_STORE,
        DOT1X_GET(""),
        DOT1X_PUT(":ServerCertificateNameComparison>2<"),
        DOT1X_GET(""),
        DOT1X_STORE,
    };
    g_autoptr(FakeHost) fake = fake_host_for(steps);

    assert_fails(&amt_dot1x_set_task,
                 fake,
                 "{'server-name': <'radius'>, 'server-name-suffix': <true>}",
                 POSTERN_ERROR_CONFLICT,
                 "its server-name-suffix of 802.1X is not what was asked for");
    g_assert_nonnull(strstr(fake_request(fake, 6), ":Enabled>6<"));
    fake_host_done(fake);
}

/* ---- settings that are properties, one to one ---- */

#define GENERAL(settings)                                                                          \
    {                                                                                              \
        .expect = "AMT_GeneralSettings", .status = 200,                                            \
        .body = FAKE_BODY(FAKE_AMT("AMT_GeneralSettings"),                                         \
                          "<g:AMT_GeneralSettings>" settings "</g:AMT_GeneralSettings>")           \
    }
#define NAMED(name)                                                                                \
    "<g:HostName>" name "</g:HostName><g:PingResponseEnabled>true</g:PingResponseEnabled>"

static void
test_settings_refused(void)
{
    static const FakeStep steps[] = {GENERAL(NAMED("pc"))};
    static const struct {
        const char *params, *words;
        PosternError code;
    } rows[] = {
        {"{'ddns-interval-minutes': <uint32 19>}",
         "ddns-interval-minutes is 19, expected 20 to 65535",
         POSTERN_ERROR_BAD_PARAM},
        {"{'host-name': "
         "<'aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa'>}",
         "host-name has 64 bytes, expected at most 63",
         POSTERN_ERROR_BAD_PARAM},
        {"{'host-name': <'x'>, 'ddns': <true>}",
         "this firmware has no ddns (DDNSUpdateEnabled): nothing was changed",
         POSTERN_ERROR_NOT_SUPPORTED},
    };

    for (guint i = 0; i < G_N_ELEMENTS(rows); i++) {
        g_autoptr(FakeHost) fake = fake_host_for(steps);
        assert_fails(&amt_general_set_task, fake, rows[i].params, rows[i].code, rows[i].words);
        fake_host_done(fake);
    }
}

static void
test_settings_written(void)
{
    static const FakeStep steps[] = {
        GENERAL(NAMED("pc")), GENERAL(NAMED("pc")), GENERAL(NAMED("x")), GENERAL(NAMED("x"))};
    static const FakeStep not_taken[] = {
        GENERAL(NAMED("pc")), GENERAL(NAMED("pc")), GENERAL(NAMED("x")), GENERAL(NAMED("pc"))};
    static const FakeStep so_already[] = {GENERAL(NAMED("x"))};
    static const char wish[] = "{'host-name': <'x'>, 'answers-ping': <true>}";
    g_autoptr(FakeHost) one = fake_host_for(steps);
    g_autoptr(FakeHost) two = fake_host_for(not_taken);
    g_autoptr(FakeHost) three = fake_host_for(so_already);
    g_autoptr(GVariant) first = run_task(&amt_general_set_task, one, wish);
    g_autoptr(GVariant) third = run_task(&amt_general_set_task, three, wish);

    assert_member(first, "host-name", "'x'");
    assert_member(first, "ddns", NULL);
    g_assert_nonnull(strstr(fake_request(one, 2), ":HostName>x<"));
    fake_host_done(one);
    assert_fails(&amt_general_set_task,
                 two,
                 wish,
                 POSTERN_ERROR_CONFLICT,
                 "HostName is not as it was asked for; read them with amt.general.get");
    assert_member(third, "host-name", "'x'");
    fake_host_done(three);
}

#define KVM_URI FAKE_IPS("IPS_KVMRedirectionSettingData")
#define KVM(timeout)                                                                               \
    {                                                                                              \
        .expect = "IPS_KVMRedirectionSettingData", .status = 200,                                  \
        .body = FAKE_BODY(KVM_URI,                                                                 \
                          "<g:IPS_KVMRedirectionSettingData><g:SessionTimeout>" timeout            \
                          "</g:SessionTimeout><g:OptInPolicy>true</g:OptInPolicy>"                 \
                          "<g:RFBPassword></g:RFBPassword><g:ElementName>KVM</g:ElementName>"      \
                          "<g:ZlibControlSupported>true</g:ZlibControlSupported>"                  \
                          "</g:IPS_KVMRedirectionSettingData>")                                    \
    }
#define KVM_REST                                                                                   \
    {.expect = "CIM_KVMRedirectionSAP", .status = 400, .body = FAKE_ABSENT},                       \
        {.expect = "CIM_KVMRedirectionSAP", .status = 400, .body = FAKE_ABSENT},                   \
        {.expect = "IPS_ScreenSettingData", .status = 400, .body = FAKE_ABSENT},                   \
    {                                                                                              \
        .expect = "IPS_ScreenSettingData", .status = 400, .body = FAKE_ABSENT                      \
    }

/* All that can be written, in the order of the schema; a password always, where it is given, and else not even empty. */
static void
test_settings_kvm(void)
{
    static const FakeStep steps[] = {KVM("3"), KVM("9"), KVM("9"), KVM_REST};
    static const FakeStep secret[] = {KVM("3"), KVM("3"), KVM("3"), KVM_REST};
    static const FakeStep so_already[] = {KVM("3"), KVM_REST};
    static const FakeStep weak[] = {KVM("3")};
    static const char *const order[] = {
        ":ElementName>KVM<", ":OptInPolicy>true<", ":SessionTimeout>3<", ":RFBPassword>Ab1!Ab1!<"};
    g_autoptr(FakeHost) one = fake_host_for(steps);
    g_autoptr(FakeHost) two = fake_host_for(secret);
    g_autoptr(FakeHost) three = fake_host_for(so_already);
    g_autoptr(FakeHost) four = fake_host_for(weak);
    g_autoptr(GVariant) first = run_task(&amt_kvm_set_task, one, "{'session-minutes': <uint32 9>}");
    g_autoptr(GVariant) second = run_task(&amt_kvm_set_task, two, "{'vnc-password': <'Ab1!Ab1!'>}");
    g_autoptr(GVariant) third =
        run_task(&amt_kvm_set_task, three, "{'session-minutes': <uint32 3>}");
    const char *at = fake_request(two, 1);

    assert_member(first, "session-minutes", "9");
    g_assert_nonnull(strstr(fake_request(one, 1), ":SessionTimeout>9<"));
    g_assert_null(strstr(fake_request(one, 1), "RFBPassword"));
    for (guint i = 0; i < G_N_ELEMENTS(order); i++) {
        at = strstr(at, order[i]);
        g_assert_nonnull(at);
    }
    g_assert_null(strstr(fake_request(two, 1), "ZlibControlSupported"));
    assert_member(second, "zlib", "true");
    assert_member(third, "session-minutes", "3");
    assert_fails(&amt_kvm_set_task,
                 four,
                 "{'session-minutes': <uint32 9>, 'vnc-password': <'Ab1!Ab1'>}",
                 POSTERN_ERROR_BAD_PARAM,
                 "the VNC password has 7 characters");
    fake_host_done(one);
    fake_host_done(two);
    fake_host_done(three);
    fake_host_done(four);
}

/* ---- the store ---- */

#define STORE_URI FAKE_AMT("AMT_ThirdPartyDataStorageAdministrationService")

static void
test_storage(void)
{
    static const FakeStep steps[] = {
        {.expect = "GetGlobalStorageAttributes",
         .status = 200,
         .body = FAKE_BODY(STORE_URI,
                           "<g:GetGlobalStorageAttributes_OUTPUT><g:TotalStorage>196608"
                           "</g:TotalStorage><g:TotalAllocatedStorage>4096"
                           "</g:TotalAllocatedStorage><g:ReturnValue>0</g:ReturnValue>"
                           "</g:GetGlobalStorageAttributes_OUTPUT>")},
        {.expect = "AdminGetRegisteredApplications",
         .status = 200,
         .body = FAKE_BODY(STORE_URI,
                           "<g:AdminGetRegisteredApplications_OUTPUT><g:ApplicationHandles>7"
                           "</g:ApplicationHandles><g:ReturnValue>0</g:ReturnValue>"
                           "</g:AdminGetRegisteredApplications_OUTPUT>")},
        {.expect = "<r:Handle>7</r:Handle>",
         .status = 200,
         .body = FAKE_BODY(STORE_URI,
                           "<g:AdminGetApplicationAttributes_OUTPUT><g:AttrType>1</g:AttrType>"
                           "<g:UUID>eFY0Erya8N4RIjNEVWZ3iA==</g:UUID><g:VendorName>V</g:VendorName>"
                           "<g:ApplicationName>A</g:ApplicationName><g:EnterpriseName>"
                           "</g:EnterpriseName><g:CurrentAllocationSize>4096"
                           "</g:CurrentAllocationSize><g:ActiveSession>false</g:ActiveSession>"
                           "<g:Partner>true</g:Partner><g:ReturnValue>0</g:ReturnValue>"
                           "</g:AdminGetApplicationAttributes_OUTPUT>")},
    };
    static const FakeStep newer[] = {{.status = 400, .body = FAKE_ABSENT}};
    g_autoptr(FakeHost) fake = fake_host_for(steps);
    g_autoptr(FakeHost) none = fake_host_for(newer);
    g_autoptr(GVariant) result = run_task(&amt_storage_get_task, fake, "{}");

    assert_member(result, "total-bytes", "196608");
    assert_member(result, "allocated-bytes", "4096");
    assert_member(result, "partner-bytes", NULL);
    assert_member(result,
                  "applications",
                  "[{'vendor': <'V'>, 'application': <'A'>, 'active': <false>, 'partner': <true>, "
                  "'uuid': <'12345678-9abc-def0-1122-334455667788'>, 'bytes': <uint32 4096>}]");
    fake_host_done(fake);
    assert_fails(&amt_storage_get_task,
                 none,
                 "{}",
                 POSTERN_ERROR_NOT_SUPPORTED,
                 "keeps no store for programs of others");
}

/* ---- the end of the setup ---- */

#define PACKAGE                                                                                    \
    {                                                                                              \
        .expect = "CIM_ComputerSystemPackage", .status = 200,                                      \
        .body = FAKE_BODY(FAKE_CIM("CIM_ComputerSystemPackage"),                                   \
                          "<g:CIM_ComputerSystemPackage><g:PlatformGUID>"                          \
                          "78563412BC9AF0DE1122334455667788"                                       \
                          "</g:PlatformGUID></g:CIM_ComputerSystemPackage>")                       \
    }
#define CONFIRM "{'confirm': <'12345678-9abc-def0-1122-334455667788'>}"

/* An answer that makes no sense is no silence; and a lost answer takes more of it. */
static void
test_unprovision(void)
{
    static const FakeStep confirmed[] = {
        PACKAGE,
        {.expect = "<r:ProvisioningMode>1<",
         .status = 200,
         .body = FAKE_BODY(SETUP_URI,
                           "<g:Unprovision_OUTPUT><g:ReturnValue>0</g:ReturnValue>"
                           "</g:Unprovision_OUTPUT>")},
        {.expect = "AMT_SetupAndConfigurationService", .status = 503},
        {.error = POSTERN_ERROR_REFUSED},
    };
    static const FakeStep lost[] = {
        PACKAGE,
        {.expect = "Unprovision", .error = POSTERN_ERROR_UNREACHABLE},
        {.error = POSTERN_ERROR_REFUSED},
        {.error = POSTERN_ERROR_REFUSED},
        {.error = POSTERN_ERROR_REFUSED},
    };
    static const FakeStep other[] = {PACKAGE};
    g_autoptr(FakeHost) one = fake_host_for(confirmed);
    g_autoptr(FakeHost) two = fake_host_for(lost);
    g_autoptr(FakeHost) three = fake_host_for(other);
    g_autoptr(GVariant) first = run_task(&amt_unprovision_task, one, CONFIRM);
    g_autoptr(GVariant) second = run_task(&amt_unprovision_task, two, CONFIRM);

    assert_member(first, "state", "'unreachable'");
    assert_member(first, "confirmed", "true");
    g_assert_cmpuint(one->slept_ms, ==, 4000);
    assert_member(second, "confirmed", "false");
    g_assert_cmpuint(two->slept_ms, ==, 6000);
    assert_fails(&amt_unprovision_task,
                 three,
                 "{'confirm': <'12345678-9abc-def0-1122-334455667789'>}",
                 POSTERN_ERROR_CONFLICT,
                 "nothing was asked of it");
    fake_host_done(one);
    fake_host_done(two);
    fake_host_done(three);
}

int
main(int argc, char *argv[])
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/amt/interval", test_interval);
    g_test_add_func("/amt/addresses", test_addresses);
    g_test_add_func("/amt/periods", test_periods);
    g_test_add_func("/amt/periods-of-others", test_periods_of_others);
    g_test_add_func("/amt/agents", test_agents);
    g_test_add_func("/amt/port/read-25", test_port_read_25);
    g_test_add_func("/amt/port/moves", test_port_moves);
    g_test_add_func("/amt/port/drops-for-dhcp", test_port_drops_for_dhcp);
    g_test_add_func("/amt/port/policy", test_port_policy);
    g_test_add_func("/amt/port/lost", test_port_lost);
    g_test_add_func("/amt/port/other-machine", test_port_other_machine);
    g_test_add_func("/amt/tls/unreadable", test_tls_unreadable);
    g_test_add_func("/amt/tls/no-local-side", test_tls_no_local_side);
    g_test_add_func("/amt/tls/half-taken", test_tls_half_taken);
    g_test_add_func("/amt/dot1x/empty-text", test_dot1x_empty_text);
    g_test_add_func("/amt/dot1x/suffix", test_dot1x_suffix);
    g_test_add_func("/amt/settings/refused", test_settings_refused);
    g_test_add_func("/amt/settings/written", test_settings_written);
    g_test_add_func("/amt/settings/kvm", test_settings_kvm);
    g_test_add_func("/amt/storage", test_storage);
    g_test_add_func("/amt/unprovision", test_unprovision);
    return g_test_run();
}
