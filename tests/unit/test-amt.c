/* SPDX-License-Identifier: Apache-2.0 */
/* The AMT tasks, each as the host would call it, against canned answers. */
#include "amt-event.h"
#include "amt-facts.h"
#include "amt-task.h"

#include <string.h>

/* ---- identify ---- */

#define CHALLENGE                                                                                  \
    "WWW-Authenticate: Digest realm=\"Digest:4BB90000000000000000000000000000\", "                 \
    "nonce=\"zicaAAAAAAAAAAAAa8tMnB1xbyLK5UFG\",stale=\"false\",qop=\"auth\"\n"

static void
test_identify_2_7(void)
{
    static const FakeStep steps[] = {
        {.expect = "GET /\n",
         .status = 303,
         .headers =
             "Location: /logon.htm\nServer: Intel(R) Active Management Technology 15.0.23.1706\n"},
        {.expect = "POST /wsman\n", .status = 401, .headers = CHALLENGE},
    };
    g_autoptr(FakeHost) fake = fake_host_for(steps);
    g_autoptr(GVariant) result = run_task(&amt_identify_task, fake, "{'tls': <'require'>}");

    assert_member(result, "amt", "true");
    assert_member(result, "version", "'15.0.23.1706'");
    assert_member(result, "realm", "'Digest:4BB90000000000000000000000000000'");
    assert_member(result, "tls", "true");
    assert_member(result, "port", "16993");
    assert_member(fake->options, "tls", "'require'");
    assert_member(fake->options, "credentials", "[]");
    fake_host_done(fake);
}

/* Newer firmware tells no version, old firmware three numbers. */
static void
test_identify_generic_7(void)
{
    static const FakeStep login[] = {
        {.status = 303, .headers = "Location: http://127.0.0.1/logon.htm\n"}};
    static const FakeStep old[] = {
        {.status = 200, .headers = "server: Intel(R) Active Management Technology 8.0.3\n"}};
    static const FakeStep realm[] = {{.status = 401, .headers = CHALLENGE}};
    g_autoptr(FakeHost) a = fake_host_for(login);
    g_autoptr(FakeHost) b = fake_host_for(old);
    g_autoptr(FakeHost) c = fake_host_for(realm);
    g_autoptr(GVariant) first = run_task(&amt_identify_task, a, "{'quick': <true>}");
    g_autoptr(GVariant) second = run_task(&amt_identify_task, b, "{'quick': <true>}");
    g_autoptr(GVariant) third = run_task(&amt_identify_task, c, "{}");

    assert_member(first, "version", NULL);
    assert_member(second, "version", "'8.0.3'");
    assert_member(third, "realm", "'Digest:4BB90000000000000000000000000000'");
}

static void
test_identify_other(void)
{
    static const FakeStep other[] = {
        {.status = 200, .headers = "Server: nginx\n", .body = "hello"}};
    static const FakeStep basic[] = {
        {.status = 401, .headers = "WWW-Authenticate: Digest realm=\"Digest:12\"\n"}};
    static const FakeStep gone[] = {{.error = POSTERN_ERROR_REFUSED}};
    g_autoptr(FakeHost) a = fake_host_for(other);
    g_autoptr(FakeHost) b = fake_host_for(basic);
    g_autoptr(FakeHost) c = fake_host_for(gone);

    assert_fails(&amt_identify_task, a, "{}", POSTERN_ERROR_NOT_DETECTED, "not AMT");
    assert_fails(&amt_identify_task, b, "{}", POSTERN_ERROR_NOT_DETECTED, "not AMT");
    assert_fails(&amt_identify_task, c, "{}", POSTERN_ERROR_REFUSED, "");
}

/* ---- power ---- */

#define APMS            "CIM_AssociatedPowerManagementService"
#define STATE(n)        "<g:PowerState>" n "</g:PowerState>"
#define OFFER(n)        "<g:AvailableRequestedPowerStates>" n "</g:AvailableRequestedPowerStates>"
#define POWER(n, offer) FAKE_BODY(FAKE_CIM(APMS), "<g:" APMS ">" offer STATE(n) "</g:" APMS ">")
#define WHEN_ON         OFFER("10") OFFER("8") OFFER("5") OFFER("12")
#define WHEN_OFF        OFFER("2")
#define READ_ON                                                                                    \
    {                                                                                              \
        .expect = "transfer/Get", .status = 200, .body = POWER("2", WHEN_ON)                       \
    }
#define READ_OFF                                                                                   \
    {                                                                                              \
        .expect = "transfer/Get", .status = 200, .body = POWER("8", WHEN_OFF)                      \
    }
#define SILENCE                                                                                    \
    {                                                                                              \
        .expect = "transfer/Get", .error = POSTERN_ERROR_UNREACHABLE                               \
    }
#define ANSWER(value)                                                                              \
    FAKE_BODY(FAKE_CIM("CIM_PowerManagementService"),                                              \
              "<g:RequestPowerStateChange_OUTPUT><g:ReturnValue>" value                            \
              "</g:ReturnValue></g:RequestPowerStateChange_OUTPUT>")
#define REQUEST(code, value)                                                                       \
    {                                                                                              \
        .expect = "<r:PowerState>" code "</r:PowerState><r:ManagedElement><a:Address>",            \
        .status = 200, .body = ANSWER(value)                                                       \
    }

static void
test_power_get(void)
{
    static const FakeStep steps[] = {READ_ON};
    g_autoptr(FakeHost) fake = fake_host_for(steps);
    g_autoptr(GVariant) result = run_task(&amt_power_get_task, fake, "{}");

    assert_member(result, "state", "'on'");
    assert_member(result, "code", "2");
    assert_member(result, "available", "['reset', 'off-soft', 'cycle', 'off-soft-graceful']");
    assert_member(fake->options, "port", "16992");
    assert_member(fake->options, "tls", "'prefer'");
    fake_host_done(fake);
}

/* Older firmware: among all services, in pulls of one item, several classes; release once it is found. */
static void
test_power_get_older_20_23(void)
{
    static const FakeStep steps[] = {
        {.expect = "transfer/Get", .status = 400, .body = FAKE_ABSENT},
        {.expect = "enumeration/Enumerate<", .status = 200, .body = FAKE_CONTEXT("1")},
        {.expect = "enumeration/Pull<",
         .status = 200,
         .body = FAKE_PULL(FAKE_CIM("CIM_ServiceAvailableToElement"),
                           "<n:EnumerationContext>2</"
                           "n:EnumerationContext><n:Items><g:CIM_ServiceAvailableToElement>"
                           "<g:ServiceProvided>x</g:ServiceProvided></"
                           "g:CIM_ServiceAvailableToElement></n:Items>")},
        {.expect = ">2<",
         .status = 200,
         .body = FAKE_PULL(FAKE_CIM(APMS),
                           "<n:Items><g:" APMS ">" STATE("4") "</g:" APMS "></n:Items>")},
        {.expect = "enumeration/Release<", .status = 200, .body = FAKE_BODY("x:", "")},
    };
    g_autoptr(FakeHost) fake = fake_host_for(steps);
    g_autoptr(GVariant) result = run_task(&amt_power_get_task, fake, "{}");

    assert_member(result, "state", "'sleep-deep'");
    assert_member(result, "available", "[]");
    fake_host_done(fake);
}

/* Only a missing class is reason to look elsewhere. */
static void
test_power_get_no_fallback(void)
{
    static const FakeStep auth[] = {{.error = POSTERN_ERROR_AUTH}};
    static const FakeStep gone[] = {{.error = POSTERN_ERROR_UNREACHABLE}};
    static const FakeStep denied[] = {
        {.status = 400, .body = FAKE_FAULT("e:AccessDenied", "No", "")}};
    static const FakeStep busy[] = {
        {.status = 400, .body = FAKE_FAULT("b:EndpointUnavailable", "Later", "")}};
    g_autoptr(FakeHost) d = fake_host_for(busy);
    g_autoptr(FakeHost) a = fake_host_for(auth);
    g_autoptr(FakeHost) b = fake_host_for(gone);
    g_autoptr(FakeHost) c = fake_host_for(denied);

    assert_fails(&amt_power_get_task, a, "{}", POSTERN_ERROR_AUTH, "");
    assert_fails(&amt_power_get_task, b, "{}", POSTERN_ERROR_UNREACHABLE, "Get " APMS);
    assert_fails(&amt_power_get_task, c, "{}", POSTERN_ERROR_FORBIDDEN, "AccessDenied");
    assert_fails(&amt_power_get_task, d, "{}", POSTERN_ERROR_BUSY, "EndpointUnavailable");
}

static void
test_power_set(void)
{
    static const FakeStep steps[] = {READ_OFF, REQUEST("2", "0")};
    g_autoptr(FakeHost) fake = fake_host_for(steps);
    g_autoptr(GVariant) result = run_task(&amt_power_set_task, fake, "{'state': <'on'>}");

    assert_member(result, "previous", "'off-soft'");
    assert_member(result, "requested", "'on'");
    assert_member(result, "changed", "true");
    assert_member(result, "confirmed", "true");
    g_assert_nonnull(
        strstr(fake_request(fake, 1), "<w:Selector Name=\"Name\">ManagedSystem</w:Selector>"));
    fake_host_done(fake);
}

static void
test_power_set_already(void)
{
    static const FakeStep on[] = {READ_ON};
    static const FakeStep off[] = {READ_OFF};
    g_autoptr(FakeHost) a = fake_host_for(on);
    g_autoptr(FakeHost) b = fake_host_for(off);
    g_autoptr(GVariant) first =
        run_task(&amt_power_set_task, a, "{'state': <'on'>, 'wait': <true>}");
    g_autoptr(GVariant) second = run_task(&amt_power_set_task, b, "{'state': <'off'>}");

    assert_member(first, "changed", "false");
    assert_member(first, "state", "'on'");
    assert_member(second, "changed", "false");
    assert_member(second, "confirmed", NULL);
}

static void
test_power_set_not_offered(void)
{
    static const FakeStep steps[] = {READ_ON};
    static const FakeStep forced[] = {READ_ON, REQUEST("11", "1")};
    g_autoptr(FakeHost) fake = fake_host_for(steps);
    g_autoptr(FakeHost) other = fake_host_for(forced);

    assert_fails(&amt_power_set_task,
                 fake,
                 "{'state': <'nmi'>}",
                 POSTERN_ERROR_NOT_SUPPORTED,
                 "the machine is on and does not offer nmi now; it offers: reset, off-soft, cycle, "
                 "off-soft-graceful");
    assert_fails(&amt_power_set_task,
                 other,
                 "{'state': <'nmi'>, 'force': <true>}",
                 POSTERN_ERROR_NOT_SUPPORTED,
                 "ReturnValue 1 (not supported)");
}

static void
test_power_set_off_and_wait(void)
{
    static const FakeStep steps[] = {READ_ON, REQUEST("8", "0"), READ_ON, SILENCE, READ_OFF};
    g_autoptr(FakeHost) fake = fake_host_for(steps);
    g_autoptr(GVariant) result =
        run_task(&amt_power_set_task, fake, "{'state': <'off'>, 'wait': <true>}");

    assert_member(result, "state", "'off-soft'");
    assert_member(result, "requested", "'off-soft'");
    g_assert_cmpuint(fake->slept_ms, ==, 6000);
    fake_host_done(fake);
}

/* A reset begins and ends on: not over at the first look. */
static void
test_power_set_reset_and_wait(void)
{
    static const FakeStep steps[] = {READ_ON, REQUEST("10", "0"), READ_ON, SILENCE, READ_ON};
    g_autoptr(FakeHost) fake = fake_host_for(steps);
    g_autoptr(GVariant) result =
        run_task(&amt_power_set_task, fake, "{'state': <'reset'>, 'wait': <true>}");

    assert_member(result, "state", "'on'");
    fake_host_done(fake);
}

static void
test_power_set_never_reached(void)
{
    static const FakeStep steps[] = {READ_ON, REQUEST("12", "0"), READ_ON};
    g_autoptr(FakeHost) fake = fake_host_for(steps);

    fake->repeat_last = TRUE;
    assert_fails(&amt_power_set_task,
                 fake,
                 "{'state': <'off-soft-graceful'>, 'wait': <true>, 'timeout': <uint32 10>}",
                 POSTERN_ERROR_TIMEOUT,
                 "10 s later the machine is on, expected off-soft");
    g_assert_cmpuint(fake->slept_ms, ==, 10000);
}

/* The request is not repeated; the state tells. */
static void
test_power_set_lost(void)
{
    static const FakeStep steps[] = {
        READ_ON,
        {.expect = "<r:PowerState>8<", .error = POSTERN_ERROR_UNREACHABLE},
        SILENCE,
        READ_OFF};
    static const FakeStep vain[] = {
        READ_ON, {.expect = "<r:PowerState>8<", .error = POSTERN_ERROR_TIMEOUT}, READ_ON};
    g_autoptr(FakeHost) fake = fake_host_for(steps);
    g_autoptr(FakeHost) other = fake_host_for(vain);
    g_autoptr(GVariant) result = run_task(&amt_power_set_task, fake, "{'state': <'off'>}");

    assert_member(result, "state", "'off-soft'");
    assert_member(result, "changed", "true");
    assert_member(result, "confirmed", "false");
    fake_host_done(fake);
    other->repeat_last = TRUE;
    assert_fails(&amt_power_set_task,
                 other,
                 "{'state': <'off'>}",
                 POSTERN_ERROR_TIMEOUT,
                 "was lost (CIM_PowerManagementService.RequestPowerStateChange: as the script "
                 "wants); it was not "
                 "repeated; the machine is on now");
    for (guint i = 2; i < other->requests->len; i++)
        g_assert_null(strstr(fake_request(other, i), "RequestPowerStateChange"));
}

/* A machine that is on before and after says nothing about a reset whose answer was lost. */
static void
test_power_set_reset_lost(void)
{
    static const FakeStep unseen[] = {
        READ_ON, {.expect = "<r:PowerState>10<", .error = POSTERN_ERROR_UNREACHABLE}, READ_ON};
    static const FakeStep seen[] = {
        READ_ON,
        {.expect = "<r:PowerState>10<", .error = POSTERN_ERROR_UNREACHABLE},
        SILENCE,
        READ_ON};
    g_autoptr(FakeHost) a = fake_host_for(unseen);
    g_autoptr(FakeHost) b = fake_host_for(seen);

    a->repeat_last = TRUE;
    assert_fails(&amt_power_set_task,
                 a,
                 "{'state': <'reset'>}",
                 POSTERN_ERROR_UNREACHABLE,
                 "it was not repeated");
    g_autoptr(GVariant) result = run_task(&amt_power_set_task, b, "{'state': <'reset'>}");
    assert_member(result, "confirmed", "false");
}

static void
test_power_set_refused(void)
{
    static const FakeStep fault[] = {
        READ_ON, {.status = 400, .body = FAKE_FAULT("e:AccessDenied", "No", "")}};
    static const FakeStep busy[] = {READ_ON, REQUEST("8", "3")};
    g_autoptr(FakeHost) a = fake_host_for(fault);
    g_autoptr(FakeHost) b = fake_host_for(busy);

    assert_fails(
        &amt_power_set_task, a, "{'state': <'off'>}", POSTERN_ERROR_FORBIDDEN, "AccessDenied");
    assert_fails(
        &amt_power_set_task, b, "{'state': <'off'>}", POSTERN_ERROR_BUSY, "timeout or busy");
    g_assert_cmpuint(g_variant_get_uint32(g_hash_table_lookup(b->notes, "device-code")), ==, 3);
}

/* ---- any class ---- */

static void
test_wsman_enumerate(void)
{
    static const FakeStep steps[] = {
        {.status = 200, .body = FAKE_CONTEXT("1")},
        {.status = 200,
         .body = FAKE_PULL(
             FAKE_CIM("CIM_Card"),
             "<n:EnumerationContext>2</n:EnumerationContext><n:Items><g:CIM_Card><g:Tag>1</g:Tag>"
             "</g:CIM_Card></n:Items>" FAKE_LAST)},
    };
    g_autoptr(FakeHost) fake = fake_host_for(steps);
    g_autoptr(GVariant) result =
        run_task(&amt_wsman_enumerate_task, fake, "{'class': <'CIM_PhysicalPackage'>}");

    assert_member(result, "count", "1");
    assert_member(result, "items", "[{'class': <'CIM_Card'>, 'values': <{'Tag': <'1'>}>}]");
    g_assert_cmpuint(fake->rows->len, ==, 1);
}

static void
test_wsman_invoke(void)
{
    static const char params[] = "{'class': <'AMT_Y'>, 'method': <'Do'>, 'selectors': <{'Name': "
                                 "<'a'>}>, 'args': <{'N': <uint32 1>}>}";
    static const char unchecked[] = "{'class': <'AMT_Y'>, 'method': <'Do'>, 'check': <false>}";
    static const FakeStep steps[] = {
        {.expect = "<r:Do_INPUT",
         .status = 200,
         .body = FAKE_BODY(FAKE_AMT("AMT_Y"),
                           "<g:Do_OUTPUT><g:ReturnValue>2058</g:ReturnValue></g:Do_OUTPUT>")},
    };
    g_autoptr(FakeHost) a = fake_host_for(steps);
    g_autoptr(FakeHost) b = fake_host_for(steps);

    assert_fails(&amt_wsman_invoke_task, a, params, POSTERN_ERROR_CONFLICT, "2058 (duplicate)");
    g_autoptr(GVariant) result = run_task(&amt_wsman_invoke_task, b, unchecked);
    assert_member(result, "return-value", "2058");
    assert_member(result, "return-name", "'duplicate'");
}

static void
test_wsman_others(void)
{
    static const FakeStep get[] = {{.expect = "Name=\"InstanceID\">x<",
                                    .status = 200,
                                    .body = FAKE_BODY(FAKE_AMT("AMT_Y"), "<g:AMT_Y/>")}};
    static const FakeStep put[] = {
        {.expect = "<r:AMT_Y xmlns:r",
         .status = 200,
         .body = FAKE_BODY(FAKE_AMT("AMT_Y"), "<g:AMT_Y><g:A>1</g:A></g:AMT_Y>")}};
    static const FakeStep none[] = {{.status = 200, .body = FAKE_BODY("x:", "")}};
    g_autoptr(FakeHost) a = fake_host_for(get);
    g_autoptr(FakeHost) b = fake_host_for(put);
    g_autoptr(FakeHost) c = fake_host_for(none);
    g_autoptr(FakeHost) d = fake_host_for(none);
    g_autoptr(GVariant) got = run_task(
        &amt_wsman_get_task, a, "{'class': <'AMT_Y'>, 'selectors': <{'InstanceID': <'x'>}>}");
    g_autoptr(GVariant) stored = run_task(
        &amt_wsman_put_task, b, "{'class': <'AMT_Y'>, 'values': <{'A': <1>}>, 'whole': <true>}");
    g_autoptr(GVariant) created =
        run_task(&amt_wsman_create_task, c, "{'class': <'AMT_Y'>, 'values': <{'A': <1>}>}");
    g_autoptr(GVariant) deleted = run_task(
        &amt_wsman_delete_task, d, "{'class': <'AMT_Y'>, 'selectors': <{'InstanceID': <'x'>}>}");

    assert_member(got, "values", "{}");
    assert_member(stored, "values", "{'A': <uint64 1>}");
    assert_member(created, "created", "{}");
    g_assert_cmpuint(g_variant_n_children(deleted), ==, 0);
}

/* ---- inventory ---- */

#define PAGE(class_name, members)                                                                  \
    FAKE_PULL(FAKE_CIM(class_name),                                                                \
              "<n:Items><g:" class_name ">" members "</g:" class_name "></n:Items>")
#define LAST_PAGE(class_name, members)                                                             \
    FAKE_PULL(FAKE_CIM(class_name),                                                                \
              "<n:Items><g:" class_name ">" members "</g:" class_name "></n:Items>" FAKE_LAST)
#define TAGGED(property, value) "<g:" property ">" value "</g:" property ">"

/* Chassis and card come along with the packages, memory with the chips: they are not asked for again. */
static void
test_inventory_20_23_30_31(void)
{
    static const FakeStep steps[] = {
        {.expect = "CIM_PhysicalPackage", .status = 200, .body = FAKE_CONTEXT("1")},
        {.status = 200,
         .body = PAGE("CIM_Chassis",
                      TAGGED("Model", " OptiPlex ") TAGGED("SerialNumber", "")
                          TAGGED("ChassisPackageType", "3"))},
        {.status = 200, .body = PAGE("CIM_Card", TAGGED("Model", "0X1"))},
        {.status = 200,
         .body = LAST_PAGE("CIM_PhysicalPackage",
                           TAGGED("Tag", "Storage Media Package 0") TAGGED("Model", "SSD")
                               TAGGED("SerialNumber", "S1 "))},
        {.expect = "CIM_MediaAccessDevice", .status = 200, .body = FAKE_CONTEXT("1")},
        {.status = 200,
         .body = LAST_PAGE("CIM_MediaAccessDevice",
                           TAGGED("DeviceID", "MEDIA DEV 0") TAGGED("MaxMediaSize", "512110190"))},
        {.expect = "CIM_ComputerSystemPackage",
         .status = 200,
         .body = FAKE_BODY(
             FAKE_CIM("CIM_ComputerSystemPackage"),
             "<g:CIM_ComputerSystemPackage><g:PlatformGUID>13AEE355D2BFBB6117A088AEDD7037EA"
             "</g:PlatformGUID></g:CIM_ComputerSystemPackage>")},
        {.expect = "CIM_Chip", .status = 200, .body = FAKE_CONTEXT("1")},
        {.status = 200,
         .body = PAGE("CIM_Chip", TAGGED("Tag", "CPU 0") TAGGED("Version", "Core i7"))},
        {.status = 200,
         .body = LAST_PAGE("CIM_PhysicalMemory",
                           TAGGED("Capacity", "17179869184") TAGGED("Manufacturer", "859B")
                               TAGGED("MemoryType", "26") TAGGED("Speed", "0"))},
        {.expect = "CIM_Processor", .status = 200, .body = FAKE_CONTEXT("1")},
        {.status = 200,
         .body = LAST_PAGE("CIM_Processor",
                           TAGGED("DeviceID", "CPU 0") TAGGED("MaxClockSpeed", "2600")
                               TAGGED("CurrentClockSpeed", "0"))},
        {.expect = "AMT_EthernetPortSettings", .status = 200, .body = FAKE_CONTEXT("1")},
        {.status = 200,
         .body = LAST_PAGE("AMT_EthernetPortSettings",
                           TAGGED("InstanceID", "Intel(r) AMT Ethernet Port Settings 0") TAGGED(
                               "MACAddress", "c8-d9-d2-7a-1e-33") TAGGED("LinkIsUp", "true"))},
        {.expect = "AMT_GeneralSettings", .status = 400, .body = FAKE_ABSENT},
        {.expect = "AMT_GeneralSettings", .status = 400, .body = FAKE_ABSENT},
    };
    g_autoptr(FakeHost) fake = fake_host_for(steps);
    g_autoptr(GVariant) result =
        run_task(&amt_inventory_get_task,
                 fake,
                 "{'groups': <['system', 'board', 'cpu', 'memory', 'disks', 'network']>}");

    fake_host_done(fake);
    assert_member(result, "uuid", "'55e3ae13-bfd2-61bb-17a0-88aedd7037ea'");
    assert_member(result, "model", "'OptiPlex'");
    assert_member(result, "serial-number", NULL);
    assert_member(result, "board", "{'model': <'0X1'>}");
    assert_member(result,
                  "disks",
                  "[{'id': <'MEDIA DEV 0'>, 'size-bytes': <uint64 512110190000>, 'model': <'SSD'>, "
                  "'serial-number': <'S1'>}]");
    assert_member(result, "memory-bytes", "17179869184");
    assert_member(
        result,
        "memory",
        "[{'capacity-bytes': <uint64 17179869184>, 'manufacturer': <'859B'>, 'type': <'ddr4'>}]");
    assert_member(
        result, "cpus", "[{'id': <'CPU 0'>, 'max-clock-mhz': <uint32 2600>, 'name': <'Core i7'>}]");
    assert_member(result,
                  "network",
                  "[{'kind': <'wired'>, 'id': <'Intel(r) AMT Ethernet Port Settings 0'>, 'mac': "
                  "<'c8:d9:d2:7a:1e:33'>, "
                  "'link-up': <true>}]");
    assert_member(result, "absent", "['AMT_GeneralSettings']");
}

static void
test_inventory_bad_group(void)
{
    static const FakeStep steps[] = {{.expect = "never"}};
    g_autoptr(FakeHost) fake = fake_host_for(steps);

    assert_fails(&amt_inventory_get_task,
                 fake,
                 "{'groups': <['disk']>}",
                 POSTERN_ERROR_BAD_PARAM,
                 "'disk' is no inventory group");
}

static void
test_inventory_stops(void)
{
    static const FakeStep steps[] = {{.status = 200, .body = FAKE_CONTEXT("1")},
                                     {.error = POSTERN_ERROR_UNREACHABLE}};
    g_autoptr(FakeHost) fake = fake_host_for(steps);

    assert_fails(
        &amt_inventory_get_task, fake, "{}", POSTERN_ERROR_UNREACHABLE, "Pull CIM_PhysicalPackage");
}

static void
test_facts_31_33(void)
{
    g_autoptr(GVariant) port = g_variant_ref_sink(
        g_variant_new_parsed("{'MACAddress': <'00-00-00-00-00-00'>, 'IPAddress': <'  '>}"));
    g_autofree char *bad = amt_uuid("13AEE355D2BFBB6117A088AEDD7037E");
    PosternResult facts;

    result_begin(&facts);
    amt_facts_add(&facts, amt_port_facts, port);
    g_autoptr(GVariant) none = g_variant_ref_sink(result_end(&facts));
    g_assert_cmpuint(g_variant_n_children(none), ==, 0);
    g_assert_null(bad);
}

/* ---- event log ---- */

static void
assert_event(const char *coded, const char *time, const char *severity, const char *text)
{
    gsize length = 0;
    g_autofree guint8 *record = g_base64_decode(coded, &length);
    g_autoptr(GVariant) event = NULL;

    if (record == NULL || length != AMT_EVENT_BYTES)
        g_error("%s is no record", coded);
    event = g_variant_ref_sink(amt_event_decode(record));
    g_assert_cmpstr(params_string(event, "time"), ==, time);
    g_assert_cmpstr(params_string(event, "severity"), ==, severity);
    g_assert_cmpstr(params_string(event, "text"), ==, text);
}

static void
test_event_words(void)
{
    assert_event("Y8iYZf8GbwVoEP8mYaoKAAAAAAAA",
                 "2024-01-06T03:26:27Z",
                 "critical",
                 "authentication failed 10 times: possibly an attack");
    assert_event(
        "IgYBZf8PbwJoAf8iAEAHAAAAAAAA", "2023-09-13T00:45:22Z", "monitor", "PCI configuration");
    assert_event("//////8PbwBoEP8iAAABAAAAAAAA", NULL, "critical", "no memory is installed");
}

/* Whatever the bytes, there are words that can be printed. */
static void
test_event_any_bytes(void)
{
    guint8 record[AMT_EVENT_BYTES] = {0};

    for (guint sensor = 0; sensor < 256; sensor++) {
        for (guint byte = 0; byte < 256; byte++) {
            g_autoptr(GVariant) event = NULL;
            const char *text;

            memset(record, (int)byte, sizeof record);
            record[5] = (guint8)sensor;
            record[13] = byte % 2 ? 0xaa : 0x40;
            record[14] = byte % 3 ? 0x30 : 0x40;
            event = g_variant_ref_sink(amt_event_decode(record));
            text = params_string(event, "text");
            g_assert_true(text != NULL && *text != '\0' && g_utf8_validate(text, -1, NULL));
            text = params_string(event, "raw");
            g_assert_true(text != NULL && strlen(text) == 2 * AMT_EVENT_BYTES);
        }
    }
}

#define LOG_URI FAKE_AMT("AMT_MessageLog")

/* What arrives while the log is read moves the rest along: nothing is told twice; and an empty log is no failure. */
static void
test_event_log(void)
{
    static const FakeStep steps[] = {
        {.expect = "PositionToFirstRecord",
         .status = 200,
         .body = FAKE_BODY(LOG_URI,
                           "<g:PositionToFirstRecord_OUTPUT><g:IterationIdentifier>1</g:IterationIdentifier>"
                           "<g:ReturnValue>0</g:ReturnValue></g:PositionToFirstRecord_OUTPUT>")},
        {.expect = "<r:MaxReadRecords>390<",
         .status = 200,
         .body = FAKE_BODY(LOG_URI,
                           "<g:GetRecords_OUTPUT><g:IterationIdentifier>3</g:IterationIdentifier>"
                           "<g:NoMoreRecords>false</g:NoMoreRecords>"
                           "<g:RecordArray>Y8iYZf8GbwVoEP8mYaoKAAAAAAAA</g:RecordArray>"
                           "<g:RecordArray>IgYBZf8PbwJoAf8iAEAHAAAAAAAA</g:RecordArray>"
                           "<g:ReturnValue>0</g:ReturnValue></g:GetRecords_OUTPUT>")},
        {.expect = "GetRecords",
         .status = 200,
         .body = FAKE_BODY(LOG_URI,
                           "<g:GetRecords_OUTPUT><g:IterationIdentifier>4</g:IterationIdentifier>"
                           "<g:NoMoreRecords>true</g:NoMoreRecords>"
                           "<g:RecordArray>IgYBZf8PbwJoAf8iAEAHAAAAAAAA</g:RecordArray>"
                           "<g:ReturnValue>0</g:ReturnValue></g:GetRecords_OUTPUT>")},
    };
    static const FakeStep empty[] = {
        {.status = 200,
         .body = FAKE_BODY(LOG_URI,
                           "<g:PositionToFirstRecord_OUTPUT><g:ReturnValue>2</g:ReturnValue>"
                           "</g:PositionToFirstRecord_OUTPUT>")}};
    g_autoptr(FakeHost) fake = fake_host_for(steps);
    g_autoptr(FakeHost) none = fake_host_for(empty);
    g_autoptr(GVariant) result = run_task(&amt_eventlog_get_task, fake, "{}");
    g_autoptr(GVariant) nothing = run_task(&amt_eventlog_get_task, none, "{}");

    assert_member(result, "records", "2");
    g_assert_cmpuint(fake->rows->len, ==, 2);
    assert_member(nothing, "records", "0");
    fake_host_done(fake);
    fake_host_done(none);
}

int
main(int argc, char *argv[])
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/amt/identify/2-7", test_identify_2_7);
    g_test_add_func("/amt/identify/generic-7", test_identify_generic_7);
    g_test_add_func("/amt/identify/other", test_identify_other);
    g_test_add_func("/amt/power/get", test_power_get);
    g_test_add_func("/amt/power/get-older-20-23", test_power_get_older_20_23);
    g_test_add_func("/amt/power/get-no-fallback", test_power_get_no_fallback);
    g_test_add_func("/amt/power/set", test_power_set);
    g_test_add_func("/amt/power/set-already", test_power_set_already);
    g_test_add_func("/amt/power/set-not-offered", test_power_set_not_offered);
    g_test_add_func("/amt/power/set-off-and-wait", test_power_set_off_and_wait);
    g_test_add_func("/amt/power/set-reset-and-wait", test_power_set_reset_and_wait);
    g_test_add_func("/amt/power/set-never-reached", test_power_set_never_reached);
    g_test_add_func("/amt/power/set-lost", test_power_set_lost);
    g_test_add_func("/amt/power/set-reset-lost", test_power_set_reset_lost);
    g_test_add_func("/amt/power/set-refused", test_power_set_refused);
    g_test_add_func("/amt/wsman/enumerate", test_wsman_enumerate);
    g_test_add_func("/amt/wsman/invoke", test_wsman_invoke);
    g_test_add_func("/amt/wsman/others", test_wsman_others);
    g_test_add_func("/amt/inventory/20-23-30-31", test_inventory_20_23_30_31);
    g_test_add_func("/amt/inventory/bad-group", test_inventory_bad_group);
    g_test_add_func("/amt/inventory/stops", test_inventory_stops);
    g_test_add_func("/amt/facts-31-33", test_facts_31_33);
    g_test_add_func("/amt/event-words", test_event_words);
    g_test_add_func("/amt/event-any-bytes", test_event_any_bytes);
    g_test_add_func("/amt/event-log", test_event_log);
    return g_test_run();
}
