/* SPDX-License-Identifier: Apache-2.0 */
/* Boot and consent: the bytes of boot parameters, and what the tasks make of canned answers. */
#include "amt-boot.h"
#include "amt-task.h"

#include <string.h>

/* The error has this code and these words, and every step was needed to get there. */
static void
assert_fails_at_end(const PosternTask *task,
                    FakeHost *fake,
                    const char *params,
                    PosternError code,
                    const char *words)
{
    assert_fails(task, fake, params, code, words);
    fake_host_done(fake);
}

/* ---- parameters ---- */

static void
assert_bytes(const AmtTlvs *tlvs, const char *expected)
{
    g_autofree char *text = g_base64_encode(tlvs->bytes->data, tlvs->bytes->len);

    g_assert_cmpstr(text, ==, expected);
}

/* The vector of the protocol notes. */
static void
test_tlv_vector(void)
{
    g_autoptr(GError) error = NULL;
    g_auto(AmtTlvs) tlvs = {NULL, 0};

    amt_tlvs_init(&tlvs);
    g_assert_true(amt_tlvs_add_text(&tlvs, &amt_tlv_uri, "https://b.example/x.efi", &error));
    g_assert_true(amt_tlvs_add_number(&tlvs, &amt_tlv_sync_root, 1, &error));
    g_assert_true(amt_tlvs_add_number(&tlvs, &amt_tlv_timeout, 0, &error));
    g_assert_true(amt_tlvs_add_text(&tlvs, &amt_tlv_user, NULL, &error)); /* not given */
    g_assert_cmpuint(tlvs.count, ==, 3);
    assert_bytes(&tlvs, "hoABABcAAABodHRwczovL2IuZXhhbXBsZS94LmVmaYaAFAABAAAAAYaAHgACAAAAAAA=");
}

/* Numbers are little-endian in as many bytes as their type has. */
static void
test_tlv_numbers(void)
{
    static const guint8 expected[] = {0x86, 0x80, 1,    0,  4, 0, 0, 0, 0x44, 0, 0,
                                      0x86, 0x86, 0x80, 22, 0, 2, 0, 0, 0,    2, 0,
                                      0x86, 0x80, 30,   0,  2, 0, 0, 0, 0x2C, 1};
    g_auto(AmtTlvs) tlvs = {NULL, 0};

    amt_tlvs_init(&tlvs);
    g_assert_true(amt_tlvs_add_number(&tlvs, &amt_tlv_erase_mask, 0x86000044, NULL));
    g_assert_true(amt_tlvs_add_number(&tlvs, &amt_tlv_name_check, 2, NULL));
    g_assert_true(amt_tlvs_add_number(&tlvs, &amt_tlv_timeout, 300, NULL));
    g_assert_cmpmem(tlvs.bytes->data, tlvs.bytes->len, expected, sizeof expected);
}

/* What is too long or too short adds nothing. */
static void
test_tlv_limits(void)
{
    g_autofree char *longest = g_strnfill(300, 'x'), *longer = g_strnfill(301, 'x');
    g_autoptr(GError) error = NULL;
    g_auto(AmtTlvs) tlvs = {NULL, 0};

    amt_tlvs_init(&tlvs);
    g_assert_true(amt_tlvs_add_text(&tlvs, &amt_tlv_uri, longest, &error));
    g_assert_false(amt_tlvs_add_text(&tlvs, &amt_tlv_uri, longer, &error));
    g_assert_error(error, POSTERN_ERROR, POSTERN_ERROR_BAD_PARAM);
    g_assert_cmpstr(error->message, ==, "url has 301 bytes, expected 1 to 300");
    g_assert_false(amt_tlvs_add_text(&tlvs, &amt_tlv_user, "", NULL));
    g_assert_false(amt_tlvs_add(&tlvs, &amt_tlv_sha256, longest, 31, NULL));
    g_assert_false(amt_tlvs_add_hex(&tlvs, &amt_tlv_erase_oem, "abc", NULL));
    g_assert_false(amt_tlvs_add_hex(&tlvs, &amt_tlv_erase_oem, "xy", NULL));
    g_assert_cmpuint(tlvs.count, ==, 1);
    g_assert_cmpuint(tlvs.bytes->len, ==, 308);
    g_assert_true(amt_tlvs_add_hex(&tlvs, &amt_tlv_erase_oem, "0aFf", NULL));
    g_assert_cmpmem(tlvs.bytes->data + 316, 2, "\x0A\xFF", 2);
}

/* ---- answers ---- */

#define SETTINGS(inside)                                                                           \
    {                                                                                              \
        .status = 200, .expect = "AMT_BootSettingData",                                            \
        .body = FAKE_BODY(FAKE_AMT("AMT_BootSettingData"),                                         \
                          "<g:AMT_BootSettingData>" inside "</g:AMT_BootSettingData>")             \
    }
#define CAPABILITIES(inside)                                                                       \
    {                                                                                              \
        .status = 200, .expect = "AMT_BootCapabilities",                                           \
        .body = FAKE_BODY(FAKE_AMT("AMT_BootCapabilities"),                                        \
                          "<g:AMT_BootCapabilities>" inside "</g:AMT_BootCapabilities>")           \
    }
#define SOURCES(inside)                                                                            \
    {.status = 200, .expect = "CIM_BootSourceSetting", .body = FAKE_CONTEXT("1")},                 \
    {                                                                                              \
        .status = 200, .expect = "CIM_BootSourceSetting",                                          \
        .body = FAKE_PULL(FAKE_CIM("CIM_BootSourceSetting"),                                       \
                          "<n:Items>" inside "</n:Items>" FAKE_LAST)                               \
    }
#define SOURCE(name)                                                                               \
    "<g:CIM_BootSourceSetting><g:InstanceID>Intel(r) AMT: Force " name                             \
    "</g:InstanceID></g:CIM_BootSourceSetting>"
#define ANSWER(class, method, value)                                                               \
    {                                                                                              \
        .status = 200, .expect = method,                                                           \
        .body = FAKE_BODY(FAKE_CIM(class),                                                         \
                          "<g:" method "_OUTPUT><g:ReturnValue>" value                             \
                          "</g:ReturnValue></g:" method "_OUTPUT>")                                \
    }
#define ABSENT                                                                                     \
    {                                                                                              \
        .status = 400, .body = FAKE_ABSENT                                                         \
    }
#define FLAGS_OFF                                                                                  \
    "<g:BIOSPause>false</g:BIOSPause><g:BIOSSetup>false</g:BIOSSetup>"                             \
    "<g:BootMediaIndex>0</g:BootMediaIndex>"
#define PUT_WITH(word, stored)                                                                     \
    {                                                                                              \
        .status = 200, .expect = word,                                                             \
        .body = FAKE_BODY(FAKE_AMT("AMT_BootSettingData"),                                         \
                          "<g:AMT_BootSettingData>" stored "</g:AMT_BootSettingData>")             \
    }
/* Neither Get nor the enumeration after it: older firmware, which asks nobody. */
#define NO_CONSENT ABSENT, ABSENT

#define READ_ALL                                                                                   \
    SETTINGS(FLAGS_OFF),                                                                           \
        CAPABILITIES("<g:BIOSSetup>true</g:BIOSSetup><g:ForcePXEBoot>true</g:ForcePXEBoot>"),      \
        SOURCES(SOURCE("PXE Boot"))

/* The order of the steps, and what each says. */
static void
test_set(void)
{
    static const FakeStep steps[] = {
        READ_ALL,
        NO_CONSENT,
        ANSWER("CIM_BootConfigSetting", "ChangeBootOrder", "0"),
        SETTINGS(FLAGS_OFF),
        PUT_WITH("<r:BIOSSetup>false</r:BIOSSetup>", FLAGS_OFF),
        ANSWER("CIM_BootService", "SetBootConfigRole", "0"),
        ANSWER("CIM_BootConfigSetting", "ChangeBootOrder", "0"),
        SETTINGS(FLAGS_OFF),
    };
    g_autoptr(FakeHost) fake = fake_host_for(steps);
    g_autoptr(GError) error = NULL;
    g_autoptr(GVariant) result =
        try_task(&amt_boot_set_task, fake, "{'device': <'pxe'>, 'power': <'none'>}", &error);

    g_assert_no_error(error);
    assert_member(result, "source", "'Intel(r) AMT: Force PXE Boot'");
    assert_member(result, "flags", "[]");
    g_assert_null(strstr(fake_request(fake, 6), "CIM_BootSourceSetting"));
    g_assert_nonnull(strstr(fake_request(fake, 9), "<r:Role>1</r:Role>"));
    g_assert_nonnull(strstr(fake_request(fake, 10), "Intel(r) AMT: Force PXE Boot"));
    fake_host_done(fake);
}

/* A step fails: role, order and flags go back, and the error is the first one. */
static void
test_set_taken_back(void)
{
    static const FakeStep steps[] = {
        READ_ALL,
        NO_CONSENT,
        ANSWER("CIM_BootConfigSetting", "ChangeBootOrder", "0"),
        SETTINGS(FLAGS_OFF),
        PUT_WITH("<r:BIOSSetup>true</r:BIOSSetup>", FLAGS_OFF),
        ANSWER("CIM_BootService", "SetBootConfigRole", "4"),
        ANSWER("CIM_BootService", "SetBootConfigRole", "0"),
        ANSWER("CIM_BootConfigSetting", "ChangeBootOrder", "0"),
        SETTINGS("<g:BIOSSetup>true</g:BIOSSetup>"),
        SETTINGS("<g:BIOSSetup>true</g:BIOSSetup>"),
        PUT_WITH("<r:BIOSSetup>false</r:BIOSSetup>", FLAGS_OFF),
        SETTINGS(FLAGS_OFF),
    };
    g_autoptr(FakeHost) fake = fake_host_for(steps);

    assert_fails_at_end(
        &amt_boot_set_task,
        fake,
        "{'device': <'bios-setup'>, 'power': <'none'>}",
        POSTERN_ERROR_DEVICE,
        "SetBootConfigRole: the device answered ReturnValue 4 (failed), expected 0; what "
        "was set for the next boot was taken back");
    g_assert_nonnull(strstr(fake_request(fake, 10), "<r:Role>32768</r:Role>"));
}

/* The same where nothing answers any more. */
static void
test_set_not_taken_back(void)
{
    static const FakeStep steps[] = {
        READ_ALL,
        NO_CONSENT,
        ANSWER("CIM_BootConfigSetting", "ChangeBootOrder", "0"),
        SETTINGS(FLAGS_OFF),
        {.error = POSTERN_ERROR_UNREACHABLE},
        {.error = POSTERN_ERROR_UNREACHABLE},
        {.error = POSTERN_ERROR_UNREACHABLE},
        {.error = POSTERN_ERROR_UNREACHABLE},
        {.error = POSTERN_ERROR_UNREACHABLE},
    };
    g_autoptr(FakeHost) fake = fake_host_for(steps);

    assert_fails_at_end(&amt_boot_set_task,
                        fake,
                        "{'device': <'bios-setup'>, 'power': <'none'>}",
                        POSTERN_ERROR_UNREACHABLE,
                        "what was set for the next boot could NOT be taken back (");
}

/* A yes that changes nothing. */
static void
test_set_vetoed(void)
{
    static const FakeStep steps[] = {
        READ_ALL,
        NO_CONSENT,
        ANSWER("CIM_BootConfigSetting", "ChangeBootOrder", "0"),
        SETTINGS(FLAGS_OFF),
        PUT_WITH("<r:BIOSSetup>true</r:BIOSSetup>", FLAGS_OFF),
        ANSWER("CIM_BootService", "SetBootConfigRole", "0"),
        ANSWER("CIM_BootConfigSetting", "ChangeBootOrder", "0"),
        SETTINGS(FLAGS_OFF),
        ANSWER("CIM_BootService", "SetBootConfigRole", "0"),
        ANSWER("CIM_BootConfigSetting", "ChangeBootOrder", "0"),
        SETTINGS(FLAGS_OFF),
    };
    g_autoptr(FakeHost) fake = fake_host_for(steps);

    assert_fails_at_end(
        &amt_boot_set_task,
        fake,
        "{'device': <'bios-setup'>, 'power': <'none'>}",
        POSTERN_ERROR_CONFLICT,
        "its BIOSSetup is not what was asked for: its BIOS may not allow it; what was set");
}

/* What is not offered, or has no property, is refused by what was read alone. */
static void
test_set_not_offered(void)
{
    static const FakeStep steps[] = {READ_ALL};
    static const struct {
        const char *params, *words;
    } cases[] = {
        {"{'device': <'disk'>}",
         "does not offer disk, and nothing was changed; devices: pxe, bios-setup; else: nothing"},
        {"{'sol': <true>}", "does not offer sol"},
        {"{'verbosity': <'quiet'>}", "does not offer verbosity=quiet"},
        {"{'device': <'https'>, 'url': <'https://x'>}", "does not offer https"},
    };

    for (guint i = 0; i < G_N_ELEMENTS(cases); i++) {
        g_autoptr(FakeHost) fake = fake_host_for(steps);

        assert_fails_at_end(
            &amt_boot_set_task, fake, cases[i].params, POSTERN_ERROR_NOT_SUPPORTED, cases[i].words);
    }
}

/* What the device says of its own boot option is no parameter of ours. */
static void
test_set_long_path(void)
{
    g_autofree char *path = g_strnfill(301, 'x');
    g_autofree char *sources = g_strconcat(
        FAKE_HEAD(FAKE_CIM("CIM_BootSourceSetting")) "<n:PullResponse><n:Items>"
                                                     "<g:CIM_BootSourceSetting><g:BootString>",
        path,
        "</g:BootString><g:InstanceID>Intel(r) AMT: Force OCR UEFI Boot Option 1</g:InstanceID>"
        "</g:CIM_BootSourceSetting></n:Items>" FAKE_LAST "</n:PullResponse>" FAKE_TAIL,
        NULL);
    const FakeStep steps[] = {
        SETTINGS(FLAGS_OFF),
        CAPABILITIES("<g:ForceWinREBoot>true</g:ForceWinREBoot>"),
        {.status = 200, .expect = "CIM_BootSourceSetting", .body = FAKE_CONTEXT("1")},
        {.status = 200, .expect = "CIM_BootSourceSetting", .body = sources},
    };
    g_autoptr(FakeHost) fake = fake_host_for(steps);

    assert_fails_at_end(&amt_boot_set_task,
                        fake,
                        "{'device': <'winre'>, 'option': <uint32 1>}",
                        POSTERN_ERROR_NOT_SUPPORTED,
                        "Option 1 has 301 bytes, and a boot takes at most 300");
}

/* No request goes out for these. */
static void
test_set_bad_params(void)
{
    static const struct {
        const char *params, *words;
    } cases[] = {
        {"{'power': <'none'>}", "neither a device nor a flag"},
        {"{'device': <'none'>, 'power': <'cycle'>}", "device=none clears all"},
        {"{'device': <'none'>, 'power': <'none'>, 'sol': <true>}", "device=none clears all"},
        {"{'device': <'pxe'>, 'url': <'https://x'>}", "url goes with device=https only"},
        {"{'device': <'pxe'>, 'option': <uint32 1>}", "option goes with"},
        {"{'device': <'https'>, 'media-index': <uint32 1>}", "media-index goes with"},
    };

    for (guint i = 0; i < G_N_ELEMENTS(cases); i++) {
        g_autoptr(FakeHost) fake = fake_host_new(NULL, 0);

        assert_fails_at_end(
            &amt_boot_set_task, fake, cases[i].params, POSTERN_ERROR_BAD_PARAM, cases[i].words);
    }
}

/* ---- consent ---- */

#define OPT_IN(required, state)                                                                    \
    {                                                                                              \
        .status = 200, .expect = "IPS_OptInService",                                               \
        .body = FAKE_BODY("http://intel.com/wbem/wscim/1/ips-schema/1/IPS_OptInService",           \
                          "<g:IPS_OptInService><g:CanModifyOptInPolicy>1</g:CanModifyOptInPolicy>" \
                          "<g:OptInRequired>" required "</g:OptInRequired><g:OptInState>" state    \
                          "</g:OptInState></g:IPS_OptInService>")                                  \
    }
#define OPT_IN_ANSWER(method, value)                                                               \
    {                                                                                              \
        .status = 200, .expect = method,                                                           \
        .body = FAKE_BODY("http://intel.com/wbem/wscim/1/ips-schema/1/IPS_OptInService",           \
                          "<g:" method "_OUTPUT><g:ReturnValue>" value                             \
                          "</g:ReturnValue></g:" method "_OUTPUT>")                                \
    }

static gboolean
needed(const FakeStep *step, gboolean kvm, GError **error)
{
    g_autoptr(FakeHost) fake = fake_host_new(step, 1);
    char policy[] = "prefer";
    Amt amt = {.svc = fake->svc, .tls = policy, .port = 16992, .tls_port = 16993};
    g_autoptr(GVariant) params =
        g_variant_ref_sink(g_variant_new_array(G_VARIANT_TYPE("{sv}"), NULL, 0));
    gboolean good;

    amt_options_init(&amt);
    g_autoptr(WsMan) ws = amt_open(&amt, fake_run(fake), params, NULL);
    good = amt_consent_needed(&amt, fake_run(fake), ws, kvm, "a session", error);
    amt_options_clear(&amt);
    return good;
}

static void
test_consent_needed(void)
{
    static const struct {
        FakeStep step;
        gboolean session, kvm;
    } cases[] = {
        {OPT_IN("0", "0"), TRUE, TRUE},
        {OPT_IN("1", "0"), TRUE, FALSE},
        {OPT_IN("1", "3"), TRUE, TRUE},
        {OPT_IN("4294967295", "0"), FALSE, FALSE},
        {OPT_IN("4294967295", "2"), FALSE, FALSE},
        {OPT_IN("4294967295", "3"), TRUE, TRUE},
        {OPT_IN("4294967295", "4"), TRUE, TRUE},
    };

    for (guint i = 0; i < G_N_ELEMENTS(cases); i++) {
        g_autoptr(GError) session = NULL, kvm = NULL;

        g_assert_cmpint(needed(&cases[i].step, FALSE, &session), ==, cases[i].session);
        g_assert_cmpint(needed(&cases[i].step, TRUE, &kvm), ==, cases[i].kvm);
        if (session != NULL)
            g_assert_error(session, POSTERN_ERROR, POSTERN_ERROR_CONSENT);
        g_assert_true((kvm == NULL) == cases[i].kvm);
    }
}

/* Leading zeros go out as they are; any number but 2 and 3 means a wrong code, as long as one is on the screen. */
static void
test_consent_submit(void)
{
    static const FakeStep right[] = {
        OPT_IN("4294967295", "2"), OPT_IN_ANSWER("SendOptInCode", "0"), OPT_IN("4294967295", "3")};
    static const FakeStep wrong[] = {OPT_IN("4294967295", "2"),
                                     OPT_IN_ANSWER("SendOptInCode", "2066"),
                                     OPT_IN("4294967295", "2")};
    static const FakeStep last[] = {
        OPT_IN("4294967295", "2"), OPT_IN_ANSWER("SendOptInCode", "1"), OPT_IN("4294967295", "0")};
    static const FakeStep blocked[] = {OPT_IN("4294967295", "2"),
                                       OPT_IN_ANSWER("SendOptInCode", "3")};
    static const FakeStep none[] = {OPT_IN("4294967295", "0")};
    g_autoptr(FakeHost) one = fake_host_for(right), two = fake_host_for(wrong),
                        three = fake_host_for(last), four = fake_host_for(blocked),
                        five = fake_host_for(none), six = fake_host_new(NULL, 0);
    g_autoptr(GError) error = NULL;
    g_autoptr(GVariant) result =
        try_task(&amt_consent_submit_task, one, "{'code': <'001234'>}", &error);

    g_assert_no_error(error);
    assert_member(result, "state", "'received'");
    assert_member(result, "given", "true");
    g_assert_nonnull(strstr(fake_request(one, 1), "<r:OptInCode>001234</r:OptInCode>"));
    fake_host_done(one);
    assert_fails_at_end(&amt_consent_submit_task,
                        two,
                        "{'code': <'001234'>}",
                        POSTERN_ERROR_CONSENT,
                        "it is wrong; as a rule it takes 3 tries");
    assert_fails_at_end(&amt_consent_submit_task,
                        three,
                        "{'code': <'001234'>}",
                        POSTERN_ERROR_CONSENT,
                        "shows none any more");
    assert_fails_at_end(&amt_consent_submit_task,
                        four,
                        "{'code': <'001234'>}",
                        POSTERN_ERROR_BUSY,
                        "takes no code for a while");
    assert_fails_at_end(&amt_consent_submit_task,
                        five,
                        "{'code': <'001234'>}",
                        POSTERN_ERROR_CONFLICT,
                        "waits for no code");
    assert_fails_at_end(&amt_consent_submit_task,
                        six,
                        "{'code': <'1234'>}",
                        POSTERN_ERROR_BAD_PARAM,
                        "code has 4 characters, expected the six");
}

int
main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/amt/tlv/vector", test_tlv_vector);
    g_test_add_func("/amt/tlv/numbers", test_tlv_numbers);
    g_test_add_func("/amt/tlv/limits", test_tlv_limits);
    g_test_add_func("/amt/boot/set", test_set);
    g_test_add_func("/amt/boot/set-taken-back", test_set_taken_back);
    g_test_add_func("/amt/boot/set-not-taken-back", test_set_not_taken_back);
    g_test_add_func("/amt/boot/set-vetoed", test_set_vetoed);
    g_test_add_func("/amt/boot/set-not-offered", test_set_not_offered);
    g_test_add_func("/amt/boot/set-long-path", test_set_long_path);
    g_test_add_func("/amt/boot/set-bad-params", test_set_bad_params);
    g_test_add_func("/amt/consent/needed", test_consent_needed);
    g_test_add_func("/amt/consent/submit", test_consent_submit);
    return g_test_run();
}
