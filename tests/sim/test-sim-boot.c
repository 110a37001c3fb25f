/* SPDX-License-Identifier: Apache-2.0 */
/* What a simulated machine's next start does, who may set it, and the consent of its user. */
#include "config.h"

#include "boot.h"
#include "consent.h"
#include "one-device.h"
#include "power.h"
#include "sim.h"
#include "soap.h"

#include <string.h>

#define FIRST     0x7F510001U /* 127.81.0.1 */
#define FIRST_IS  "127.81.0.1="
#define SETTINGS  "AMT_BootSettingData"
#define CONFIG    "CIM_BootConfigSetting"
#define SERVICE   "CIM_BootService"
#define PXE       BOOT_FORCE "PXE Boot"
#define HTTPS     BOOT_RECOVERS "HTTPS Boot"
#define RETURN(n) "<g:ReturnValue>" n "</g:ReturnValue>"

/* One parameter for each feature: a URL, a number, a number (the vector of the protocol notes). */
#define PARAMETERS "hoABABcAAABodHRwczovL2IuZXhhbXBsZS94LmVmaYaAFAABAAAAAYaAHgACAAAAAAA="

/* No other machine of the seed matters: whoever needs a policy sets it. */
static Sim *
make(const char *model, const char *fault)
{
    Sim *sim = one_device(model, FIRST, fault);

    sim->devices->power = POWER_ON;
    return sim;
}

static void
set_policy(Device *device, const char *required)
{
    device_store(device, device_first(device, "IPS_OptInService"), "OptInRequired", required);
}

/* The answer to `what` ("Get", "Put" or a method) has this status and holds `expected`. */
static void
check(Device *device,
      const char *class,
      const char *what,
      const char *inside,
      guint status,
      const char *expected)
{
    gboolean transfer = g_str_equal(what, "Get") || g_str_equal(what, "Put");
    g_autofree char *uri = classes_uri(class);
    g_autofree char *element = g_str_equal(what, "Get")   ? NULL
                               : g_str_equal(what, "Put") ? g_strdup(class)
                                                          : g_strconcat(what, "_INPUT", NULL);
    g_autofree char *body =
        element == NULL
            ? g_strdup("")
            : g_strdup_printf("<r:%s xmlns:r=\"%s\">%s</r:%s>", element, uri, inside, element);
    g_autofree char *request = g_strdup_printf(
        "<s:Envelope xmlns:s=\"" NS_SOAP "\" xmlns:a=\"" NS_ADDRESSING "\" xmlns:w=\"" NS_WSMAN
        "\"><s:Header><a:Action>%s/%s</a:Action><w:ResourceURI>%s</w:ResourceURI>"
        "<a:MessageID>1</a:MessageID></s:Header><s:Body>%s</s:Body></s:Envelope>",
        transfer ? NS_TRANSFER : uri,
        what,
        uri,
        body);
    g_autoptr(GString) out = g_string_new(NULL);
    SoapNote note;
    guint got = soap_serve(device, request, strlen(request), out, &note);

    if (got != status || strstr(out->str, expected) == NULL)
        g_error(
            "%s of %s (%s): status %u, no %s in: %s", what, class, inside, got, expected, out->str);
}

static void
put(Device *device, const char *values, guint status)
{
    check(device, SETTINGS, "Put", values, status, status == 200 ? "BootSettingData" : "Fault");
}

static void
order(Device *device, const char *source, const char *expected)
{
    g_autofree char *epr = g_strdup_printf(
        "<r:Source><a:Address>x</a:Address><a:ReferenceParameters><w:ResourceURI>x</w:ResourceURI>"
        "<w:SelectorSet><w:Selector Name=\"InstanceID\">%s</w:Selector></w:SelectorSet>"
        "</a:ReferenceParameters></r:Source>",
        source);

    check(device, CONFIG, "ChangeBootOrder", epr, 200, expected);
}

static void
role(Device *device, const char *number)
{
    g_autofree char *body = g_strdup_printf(
        "<r:BootConfigSetting><a:Address>x</a:Address><a:ReferenceParameters><w:SelectorSet>"
        "<w:Selector Name=\"InstanceID\">Intel(r) AMT: Boot Configuration 0</w:Selector>"
        "</w:SelectorSet></a:ReferenceParameters></r:BootConfigSetting><r:Role>%s</r:Role>",
        number);

    check(device, SERVICE, "SetBootConfigRole", body, 200, RETURN("0"));
}

static void
restart(Device *device, const char *expected)
{
    gint64 now = g_get_monotonic_time();

    g_assert_cmpuint(power_request(device, POWER_RESET, now), ==, 0);
    g_assert_cmpuint(power_state(device, now + G_USEC_PER_SEC * 10), ==, POWER_ON);
    g_assert_cmpstr(boot_of(device)->last, ==, expected);
}

/* ---- a start ---- */

static void
test_once(void)
{
    g_autoptr(Sim) sim = make("amt12", NULL);
    Device *device = sim->devices;

    set_policy(device, "0");
    put(device, "<r:UserPasswordBypass>true</r:UserPasswordBypass>", 200);
    check(device, SETTINGS, "Get", "", 200, "<g:OptionsCleared>false</g:OptionsCleared>");
    role(device, "1");
    order(device, PXE, RETURN("0"));
    restart(device, "pxe");
    check(device, SETTINGS, "Get", "", 200, "<g:UserPasswordBypass>false</g:UserPasswordBypass>");
    check(device, SETTINGS, "Get", "", 200, "<g:OptionsCleared>true</g:OptionsCleared>");
    restart(device, "default");
}

static void
test_role(void)
{
    g_autoptr(Sim) sim = make("amt12", NULL);
    Device *device = sim->devices;

    set_policy(device, "0");
    order(device, PXE, RETURN("0"));
    restart(device, "default"); /* nobody said that it is next */
    put(device, "<r:BIOSSetup>true</r:BIOSSetup>", 200);
    role(device, "1");
    role(device, "32768");
    check(device, SETTINGS, "Get", "", 200, "<g:BIOSSetup>false</g:BIOSSetup>");
    restart(device, "default");
    put(device, "<r:BIOSSetup>true</r:BIOSSetup>", 200);
    role(device, "1");
    restart(device, "bios-setup");
}

static void
test_refusals(void)
{
    g_autoptr(Sim) sim = make("amt12", NULL), old = make("amt9", NULL);
    Device *device = sim->devices;

    set_policy(device, "0");
    set_policy(old->devices, "0");
    put(device, "<r:BIOSPause>true</r:BIOSPause>", 400);
    put(old->devices, "<r:BIOSPause>true</r:BIOSPause>", 200);
    put(device, "<r:FirmwareVerbosity>4</r:FirmwareVerbosity>", 400);
    put(device, "<r:FirmwareVerbosity>2</r:FirmwareVerbosity>", 200);
    put(device, "<r:UseSOL>true</r:UseSOL>", 200);
    order(device, PXE, RETURN("0"));
    order(device, HTTPS, RETURN("5")); /* from AMT 15 on */
    check(device,
          SERVICE,
          "RequestStateChange",
          "<r:RequestedState>32769</r:RequestedState>",
          200,
          RETURN("1"));
}

/* No model is so old: one of them is made so. */
static void
test_source_6(void)
{
    g_autoptr(Sim) sim = make("amt8", NULL);
    Device *device = sim->devices;

    ((Model *)sim->models->pdata[0])->version[0] = 6;
    set_policy(device, "0");
    put(device, "<r:UseSOL>true</r:UseSOL>", 200);
    order(device, PXE, RETURN("5")); /* a flag says already where it goes */
    put(device, "<r:UseSOL>false</r:UseSOL>", 200);
    order(device, PXE, RETURN("0"));
}

/* What is no parameter is refused, whatever it is. */
static void
test_parameters(void)
{
    static const char *const bad[] = {
        "AAAA",                     /* another vendor */
        "hoABAAEAAAA=",             /* its value is missing */
        "hoABAP////8BAgME",         /* longer than all there is */
        "hoABAAAAAACGgAEAAAAAAA==", /* two of them */
        "hoA=",
    };
    const guint8 good[] = {0x86, 0x80, 1, 0, 1, 0, 0, 0, 'x', 0x86};
    const guint8 *at = good;
    g_autoptr(Sim) sim = make("amt15", NULL);
    gsize left = sizeof good;
    BootParameter one;

    set_policy(sim->devices, "0");
    for (guint i = 0; i < G_N_ELEMENTS(bad); i++) {
        g_autofree char *values =
            g_strdup_printf("<r:UefiBootNumberOfParams>1</r:UefiBootNumberOfParams>"
                            "<r:UefiBootParametersArray>%s</r:UefiBootParametersArray>",
                            bad[i]);
        put(sim->devices, values, 400);
    }
    g_assert_true(boot_parameter(&at, &left, &one));
    g_assert_cmpuint(one.length, ==, 1);
    g_assert_false(boot_parameter(&at, &left, &one));
    g_assert_cmpuint(left, ==, 1);
}

static void
test_ider(void)
{
    g_autoptr(Sim) sim = make("amt12", NULL);

    set_policy(sim->devices, "0");
    put(sim->devices, "<r:IDERBootDevice>1</r:IDERBootDevice><r:UseIDER>true</r:UseIDER>", 200);
    role(sim->devices, "1");
    restart(sim->devices, "ider-cd");
    put(sim->devices, "<r:IDERBootDevice>0</r:IDERBootDevice><r:UseIDER>true</r:UseIDER>", 200);
    role(sim->devices, "1");
    restart(sim->devices, "ider-floppy");
}

static void
test_recovery(void)
{
    g_autoptr(Sim) sim = make("amt15", NULL);
    Device *device = sim->devices;

    set_policy(device, "0");
    put(device,
        "<r:UefiBootNumberOfParams>2</r:UefiBootNumberOfParams>"
        "<r:UefiBootParametersArray>" PARAMETERS "</r:UefiBootParametersArray>",
        400);
    put(device,
        "<r:UefiBootNumberOfParams>3</r:UefiBootNumberOfParams>"
        "<r:UefiBootParametersArray>" PARAMETERS "</r:UefiBootParametersArray>",
        200);
    role(device, "1");
    order(device, HTTPS, RETURN("0"));
    restart(device, "https");
    g_assert_cmpuint(device->extra->events->len, ==, 6 + 4); /* and four of any start */
    role(device, "1");
    order(device, BOOT_RECOVERS "Boot Option 1", RETURN("0"));
    restart(device, "winre");
    check(device,
          SERVICE,
          "RequestStateChange",
          "<r:RequestedState>32768</r:RequestedState>",
          200,
          RETURN("0"));
    check(
        device, SETTINGS, "Get", "", 200, "<g:UEFIHTTPSBootEnabled>false</g:UEFIHTTPSBootEnabled>");
    order(device, HTTPS, RETURN("5"));
}

/* ---- erasing ---- */

static void
test_secure_erase(void)
{
    g_autoptr(Sim) sim = make("amt12", FIRST_IS "drive-password:geheim");
    Device *device = sim->devices;

    set_policy(device, "0");
    put(device, "<r:RSEPassword>falsch</r:RSEPassword><r:SecureErase>true</r:SecureErase>", 200);
    check(device, SETTINGS, "Get", "", 200, "<g:RSEPassword></g:RSEPassword>");
    role(device, "1");
    restart(device, "secure-erase");
    check(device,
          SETTINGS,
          "Get",
          "",
          200,
          "<g:BIOSLastStatus>65535</g:BIOSLastStatus><g:BIOSLastStatus>2</g:BIOSLastStatus>");
    put(device, "<r:RSEPassword>geheim</r:RSEPassword><r:SecureErase>true</r:SecureErase>", 200);
    role(device, "1");
    restart(device, "secure-erase");
    check(device,
          SETTINGS,
          "Get",
          "",
          200,
          "<g:BIOSLastStatus>0</g:BIOSLastStatus><g:BIOSLastStatus>0</g:BIOSLastStatus>");
}

/* The values of a Put that asks for these bits. */
static char *
erase(guint32 mask)
{
    const guint8 bytes[] = {
        0x86, 0x80, 1, 0, 4, 0, 0, 0, mask & 0xFF, mask >> 8 & 0xFF, mask >> 16 & 0xFF, mask >> 24};
    g_autofree char *text = g_base64_encode(bytes, sizeof bytes);

    return g_strdup_printf("<r:PlatformErase>true</r:PlatformErase>"
                           "<r:UefiBootNumberOfParams>1</r:UefiBootNumberOfParams>"
                           "<r:UefiBootParametersArray>%s</r:UefiBootParametersArray>",
                           text);
}

static void
test_platform_erase(void)
{
    g_autoptr(Sim) sim = make("amt16", NULL);
    Device *device = sim->devices;
    g_autofree char *tpm = erase(1U << 6), *oem = erase(1U << 16), *amt = erase(1U << 31 | 1U << 2);

    set_policy(device, "0");
    device->secure = TRUE;
    put(device, tpm, 400); /* switched off */
    check(device,
          SERVICE,
          "RequestStateChange",
          "<r:RequestedState>32770</r:RequestedState>",
          200,
          RETURN("0"));
    put(device, oem, 400); /* not offered */
    device->secure = FALSE;
    put(device, tpm, 400); /* in the clear */
    device->secure = TRUE;
    put(device, tpm, 200);
    role(device, "1");
    restart(device, "platform-erase");
    g_assert_false(boot_of(device)->unconfigured);
    g_assert_cmpuint(device->extra->events->len, ==, 3 + 4);
    put(device, amt, 200);
    role(device, "1");
    restart(device, "platform-erase");
    g_assert_true(boot_of(device)->unconfigured);
    g_assert_cmpint(device->unreachable_until, ==, G_MAXINT64);
}

/* ---- consent ---- */

static void
send_code(Device *device, guint32 code, const char *expected)
{
    g_autofree char *body = g_strdup_printf("<r:OptInCode>%06u</r:OptInCode>", code);

    check(device, "IPS_OptInService", "SendOptInCode", body, 200, expected);
}

static void
start(Device *device, const char *expected)
{
    check(device, "IPS_OptInService", "StartOptIn", "", 200, expected);
}

static void
test_consent(void)
{
    g_autoptr(Sim) sim = make("amt12", FIRST_IS "consent");
    Device *device = sim->devices;

    device_begin(device);
    g_assert_false(consent_given(device, FALSE));
    check(device, SETTINGS, "Put", "<r:BIOSSetup>true</r:BIOSSetup>", 400, "e:AccessDenied");
    check(device, CONFIG, "ChangeBootOrder", "", 200, RETURN("0")); /* clearing is free */
    send_code(device, 0, RETURN("2"));
    start(device, RETURN("0"));
    start(device, RETURN("2"));
    check(device, "IPS_OptInService", "Get", "", 200, "<g:OptInState>2</g:OptInState>");
    send_code(device, device->extra->consent->code, RETURN("0"));
    g_assert_true(consent_given(device, TRUE));
    put(device, "<r:BIOSSetup>true</r:BIOSSetup>", 200);
    consent_session(device, TRUE);
    check(device, "IPS_OptInService", "Get", "", 200, "<g:OptInState>4</g:OptInState>");
    consent_session(device, FALSE);
    g_assert_false(consent_given(device, FALSE));
}

static void
test_consent_ends(void)
{
    g_autoptr(Sim) sim = make("amt12", FIRST_IS "consent");
    Device *device = sim->devices;

    device_begin(device);
    start(device, RETURN("0"));
    device->extra->consent->until = 1; /* nobody read it */
    g_assert_cmpint(consent_state(device), ==, CONSENT_NONE);
    start(device, RETURN("0"));
    send_code(device, device->extra->consent->code, RETURN("0"));
    device->extra->consent->until = 1; /* no session came */
    g_assert_false(consent_given(device, FALSE));
    start(device, RETURN("0"));
    check(device, "IPS_OptInService", "CancelOptIn", "", 200, RETURN("0"));
    check(device, "IPS_OptInService", "CancelOptIn", "", 200, RETURN("2"));
}

static void
test_consent_wrong(void)
{
    g_autoptr(Sim) sim = make("amt12", FIRST_IS "consent");
    Device *device = sim->devices;

    device_begin(device);
    start(device, RETURN("0"));
    for (guint i = 0; i < 3; i++)
        send_code(device, (device->extra->consent->code + 1) % 1000000, RETURN("2066"));
    check(device, "IPS_OptInService", "Get", "", 200, "<g:OptInState>0</g:OptInState>");
    start(device, RETURN("3"));
    device->extra->consent->blocked = 0;
    start(device, RETURN("0"));
}

static void
test_consent_policy(void)
{
    g_autoptr(Sim) sim = make("amt12", NULL);
    Device *device = sim->devices;
    const SimInstance *service = device_first(device, "IPS_OptInService");

    set_policy(device, "0");
    check(device, "IPS_OptInService", "Put", "<r:OptInRequired>2</r:OptInRequired>", 400, "Fault");
    check(device, "IPS_OptInService", "Put", "<r:OptInRequired>1</r:OptInRequired>", 200, "OptIn");
    g_assert_true(consent_given(device, FALSE));
    g_assert_false(consent_given(device, TRUE));
    device_store(device, service, "CanModifyOptInPolicy", "0");
    check(device,
          "IPS_OptInService",
          "Put",
          "<r:OptInRequired>0</r:OptInRequired>",
          400,
          "AccessDenied");
}

/* ---- the audit log ---- */

/* Application and event of the last record. */
static guint
last_audit(Device *device)
{
    const GPtrArray *audit = device->extra->audit->records;
    const guint8 *bytes = g_bytes_get_data(audit->pdata[audit->len - 1], NULL);

    return (guint)(bytes[0] << 8 | bytes[1]) * 100 + (guint)(bytes[2] << 8 | bytes[3]);
}

static void
test_audit(void)
{
    static const struct {
        guint state, event;
    } cases[] = {{POWER_OFF, 1},
                 {POWER_ON, 0},
                 {POWER_CYCLE_SOFT, 2},
                 {POWER_RESET, 3},
                 {POWER_NMI, 9},
                 {POWER_RESET_GRACEFUL, 6},
                 {POWER_OFF_GRACEFUL, 5},
                 {POWER_ON, 0},
                 {POWER_SLEEP, 7},
                 {POWER_ON, 0},
                 {POWER_HIBERNATE, 8}};
    g_autoptr(Sim) sim = make("amt12", NULL);
    Device *device = sim->devices;
    gint64 now = g_get_monotonic_time();

    for (guint i = 0; i < G_N_ELEMENTS(cases); i++) {
        g_assert_cmpuint(power_request(device, cases[i].state, now), ==, 0);
        g_assert_cmpuint(last_audit(device), ==, 1700 + cases[i].event);
        now += 10 * G_USEC_PER_SEC;
    }
    set_policy(device, "0");
    put(device, "<r:BIOSSetup>true</r:BIOSSetup>", 200);
    g_assert_cmpuint(last_audit(device), ==, 1704);
    check(device, "IPS_OptInService", "Put", "<r:OptInRequired>1</r:OptInRequired>", 200, "OptIn");
    g_assert_cmpuint(last_audit(device), ==, 3000);
    start(device, RETURN("0"));
    send_code(device, device->extra->consent->code, RETURN("0"));
    g_assert_cmpuint(last_audit(device), ==, 3001);
}

int
main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/sim/boot/once", test_once);
    g_test_add_func("/sim/boot/role", test_role);
    g_test_add_func("/sim/boot/refusals", test_refusals);
    g_test_add_func("/sim/boot/source-6", test_source_6);
    g_test_add_func("/sim/boot/parameters", test_parameters);
    g_test_add_func("/sim/boot/ider", test_ider);
    g_test_add_func("/sim/boot/recovery", test_recovery);
    g_test_add_func("/sim/boot/secure-erase", test_secure_erase);
    g_test_add_func("/sim/boot/platform-erase", test_platform_erase);
    g_test_add_func("/sim/consent/given", test_consent);
    g_test_add_func("/sim/consent/ends", test_consent_ends);
    g_test_add_func("/sim/consent/wrong", test_consent_wrong);
    g_test_add_func("/sim/consent/policy", test_consent_policy);
    g_test_add_func("/sim/boot/audit", test_audit);
    return g_test_run();
}
