/* SPDX-License-Identifier: Apache-2.0 */
/* amt.boot.set: where the next boot goes and what the firmware does then, once; and, if wanted, the boot itself. */
#include "amt-boot.h"

#include <string.h>

enum { OPTIONS_MOST = 10, TIMEOUT_MOST = 65535 };

static const AmtWord name_checks[] = {{1, "full"}, {2, "suffix"}, {3, "other"}, {0, NULL}};

/* Parameters that mean something for a boot over HTTPS alone. */
static const char *const https_only[] = {"url",
                                         "user",
                                         "password",
                                         "server-name",
                                         "server-name-check",
                                         "server-hash",
                                         "request-timeout"};

static const BootDevice *
find_device(const char *word)
{
    const BootDevice *at = amt_boot_devices;

    while (at->word != NULL && !g_str_equal(at->word, word))
        at++;
    return at->word != NULL ? at : NULL;
}

static gboolean
is_given(GVariant *params, const char *name)
{
    g_autoptr(GVariant) value = params_value(params, name, NULL);

    return value != NULL;
}

static gboolean
not_offered(const BootState *state, const char *what, GError **error)
{
    g_autofree char *devices = amt_boot_join(amt_boot_device_words(state));
    g_autofree char *others = amt_boot_join(amt_boot_flag_words(state));

    return postern_fail(error,
                        POSTERN_ERROR_NOT_SUPPORTED,
                        "this machine does not offer %s, and nothing was changed; devices: %s; "
                        "else: %s",
                        what,
                        devices,
                        others);
}

/* ---- flags ---- */

static gboolean
plan_flag(BootPlan *plan, GVariant *params, const BootFlag *flag, GError **error)
{
    g_autoptr(GVariant) wanted = params_value(params, flag->word, "b");

    if (wanted == NULL || !g_variant_get_boolean(wanted))
        return TRUE;
    if (!amt_boot_offers(plan->state, flag->capability))
        return not_offered(plan->state, flag->word, error);
    amt_boot_plan_value(plan, flag->property, wanted);
    return TRUE;
}

static gboolean
plan_verbosity(BootPlan *plan, GVariant *params, GError **error)
{
    static const char *const capabilities[] = {
        NULL, "VerbosityQuiet", "VerbosityVerbose", "VerbosityScreenBlank"};
    const char *word = params_string(params, "verbosity");
    g_autofree char *what = NULL;
    guint32 code = 0;

    if (word == NULL || !amt_code(amt_boot_verbosities, word, &code) || code == 0)
        return TRUE;
    what = g_strdup_printf("verbosity=%s", word);
    if (!amt_boot_offers(plan->state, capabilities[code]))
        return not_offered(plan->state, what, error);
    amt_boot_plan_value(plan, "FirmwareVerbosity", g_variant_new_uint32(code));
    return TRUE;
}

static gboolean
plan_flags(BootPlan *plan, GVariant *params, GError **error)
{
    for (const BootFlag *flag = amt_boot_flags; flag->word != NULL; flag++)
        if (!plan_flag(plan, params, flag, error))
            return FALSE;
    return plan_verbosity(plan, params, error);
}

/* ---- one click recovery ---- */

/* The switch that allows it, and the word of amt.boot.service.set. Firmware that does not say is asked. */
static gboolean
check_enabled(const BootState *state, const char *word, GError **error)
{
    const char *property = g_str_equal(word, "https")   ? "UEFIHTTPSBootEnabled"
                           : g_str_equal(word, "winre") ? "WinREBootEnabled"
                                                        : "UEFILocalPBABootEnabled";

    return params_bool(state->settings, property, TRUE) ||
           postern_fail(error,
                        POSTERN_ERROR_CONFLICT,
                        "boots of the kind %s are switched off in this machine (%s): postern run "
                        "amt.boot.service.set recovery=yes, or look in its BIOS",
                        word,
                        property);
}

/* An image that nobody signed is refused by the machine unless this is switched off, which not every machine allows. */
static gboolean
plan_secure_boot(BootPlan *plan, GVariant *params, GError **error)
{
    if (params_bool(params, "enforce-secure-boot", TRUE)) {
        if (params_bool(plan->state->capabilities, "BIOSSecureBoot", FALSE))
            amt_boot_plan_value(plan, "EnforceSecureBoot", g_variant_new_boolean(TRUE));
        return TRUE;
    }
    return (amt_boot_offers(plan->state, "AMTSecureBootControl") &&
            params_bool(plan->state->settings, "SecureBootControlEnabled", TRUE)) ||
           not_offered(plan->state, "enforce-secure-boot=no", error);
}

static gboolean
add_hash(AmtTlvs *tlvs, const char *hex, GError **error)
{
    gsize length = hex != NULL ? strlen(hex) : 0;
    const AmtTlvType *type = length == 64    ? &amt_tlv_sha256
                             : length == 96  ? &amt_tlv_sha384
                             : length == 128 ? &amt_tlv_sha512
                                             : NULL;

    if (hex == NULL)
        return TRUE;
    if (type == NULL)
        return postern_fail(error,
                            POSTERN_ERROR_BAD_PARAM,
                            "server-hash has %" G_GSIZE_FORMAT
                            " characters, expected a SHA-256, SHA-384 or SHA-512 as 64, 96 or 128 "
                            "hex digits",
                            length);
    return amt_tlvs_add_hex(tlvs, type, hex, error);
}

static gboolean
add_name(AmtTlvs *tlvs, GVariant *params, GError **error)
{
    const char *name = params_string(params, "server-name");
    const char *check = params_string(params, "server-name-check");
    guint32 code;

    if ((name == NULL) != (check == NULL))
        return postern_fail(error,
                            POSTERN_ERROR_BAD_PARAM,
                            "server-name and server-name-check go together, and only one of them "
                            "was given");
    return name == NULL || (amt_tlvs_add_text(tlvs, &amt_tlv_server_name, name, error) &&
                            amt_code(name_checks, check, &code) &&
                            amt_tlvs_add_number(tlvs, &amt_tlv_name_check, code, error));
}

static gboolean
add_login(AmtTlvs *tlvs, GVariant *params, GError **error)
{
    const char *user = params_string(params, "user");
    const char *password = params_string(params, "password");

    if ((user == NULL) != (password == NULL))
        return postern_fail(error,
                            POSTERN_ERROR_BAD_PARAM,
                            "user and password go together, and only one of them was given");
    return amt_tlvs_add_text(tlvs, &amt_tlv_user, user, error) &&
           amt_tlvs_add_text(tlvs, &amt_tlv_password, password, error);
}

static gboolean
plan_https(BootPlan *plan, GVariant *params, GError **error)
{
    const char *url = params_string(params, "url");
    guint32 timeout = params_uint(params, "request-timeout", 0);
    g_auto(AmtTlvs) tlvs = {NULL, 0};

    if (url == NULL || !g_str_has_prefix(url, "https://"))
        return postern_fail(error,
                            POSTERN_ERROR_BAD_PARAM,
                            "device=https needs url=https://..., found %s",
                            url != NULL ? "one of another kind" : "none");
    if (timeout > TIMEOUT_MOST)
        return postern_fail(error,
                            POSTERN_ERROR_BAD_PARAM,
                            "request-timeout is %u, expected at most %d",
                            timeout,
                            TIMEOUT_MOST);
    amt_tlvs_init(&tlvs);
    if (!amt_tlvs_add_text(&tlvs, &amt_tlv_uri, url, error) ||
        !amt_tlvs_add_number(
            &tlvs, &amt_tlv_sync_root, params_bool(params, "sync-root", TRUE), error) ||
        !add_name(&tlvs, params, error) ||
        !add_hash(&tlvs, params_string(params, "server-hash"), error) ||
        !amt_tlvs_add_number(&tlvs, &amt_tlv_timeout, timeout, error) ||
        !add_login(&tlvs, params, error))
        return FALSE;
    amt_boot_plan_parameters(plan, &tlvs);
    return TRUE;
}

/* Windows' recovery is known by its name; nothing tells one pre-boot application from another. */
static gboolean
is_winre(GVariant *source)
{
    const char *text = params_string(source, "BIOSBootString");
    g_autofree char *lower = text != NULL ? g_ascii_strdown(text, -1) : NULL;

    return lower != NULL && strstr(lower, "winre") != NULL;
}

/* The boot option of that number; 0: the first that is WinRE. NULL: there is none. */
static GVariant *
find_option(const BootState *state, guint32 number)
{
    g_autofree char *wanted = g_strdup_printf(BOOT_OPTION "%u", number);

    for (guint i = 0; i < state->sources->len; i++) {
        GVariant *source = state->sources->pdata[i];
        const char *id = params_string(source, "InstanceID");

        if (id != NULL && g_str_has_prefix(id, BOOT_OPTION) &&
            (number != 0 ? g_str_equal(id, wanted) : is_winre(source)))
            return source;
    }
    return NULL;
}

/* The firmware is told again where its own option lies. */
static gboolean
plan_path(BootPlan *plan, GVariant *source, GError **error)
{
    const char *path = params_string(source, "BootString");
    g_auto(AmtTlvs) tlvs = {NULL, 0};

    plan->source = params_string(source, "InstanceID");
    if (path == NULL || path[0] == '\0')
        return TRUE;
    if (strlen(path) > amt_tlv_path.most)
        return postern_fail(error,
                            POSTERN_ERROR_NOT_SUPPORTED,
                            "the path of %s has %" G_GSIZE_FORMAT
                            " bytes, and a boot takes at most %" G_GSIZE_FORMAT
                            ": nothing was changed",
                            plan->source,
                            strlen(path),
                            amt_tlv_path.most);
    amt_tlvs_init(&tlvs);
    if (!amt_tlvs_add_text(&tlvs, &amt_tlv_path, path, error) ||
        !amt_tlvs_add_number(&tlvs, &amt_tlv_path_length, (guint32)strlen(path), error))
        return FALSE;
    amt_boot_plan_parameters(plan, &tlvs);
    return TRUE;
}

static gboolean
plan_option(BootPlan *plan, GVariant *params, const char *word, GError **error)
{
    guint32 number = params_uint(params, "option", 0);
    gboolean winre = g_str_equal(word, "winre");
    GVariant *source = NULL;

    if (number > OPTIONS_MOST || (number == 0 && is_given(params, "option")))
        return postern_fail(
            error, POSTERN_ERROR_BAD_PARAM, "option is %u, expected 1 to %d", number, OPTIONS_MOST);
    if (number == 0 && !winre)
        return postern_fail(error,
                            POSTERN_ERROR_BAD_PARAM,
                            "device=%s needs option=N: postern run amt.boot.get lists the boot "
                            "options as sources",
                            word);
    source = find_option(plan->state, number);
    if (source != NULL)
        return plan_path(plan, source, error);
    if (number == 0)
        return postern_fail(error,
                            POSTERN_ERROR_NOT_SUPPORTED,
                            "this machine has no boot option that is called WinRE: postern run "
                            "amt.boot.get lists what it has as sources; nothing was changed");
    return postern_fail(error,
                        POSTERN_ERROR_NOT_SUPPORTED,
                        "this machine has no boot option %u: postern run amt.boot.get lists what "
                        "it has as sources; nothing was changed",
                        number);
}

/* ---- devices ---- */

static gboolean
plan_source(BootPlan *plan, GVariant *params, const BootDevice *device, GError **error)
{
    gboolean recovery = device->source[0] == '\0' || g_str_equal(device->word, "https");

    if (recovery && (!check_enabled(plan->state, device->word, error) ||
                     !plan_secure_boot(plan, params, error)))
        return FALSE;
    if (device->source[0] == '\0')
        return plan_option(plan, params, device->word, error);
    plan->source = amt_boot_find_source(plan->state, device->source);
    if (plan->source == NULL)
        return not_offered(plan->state, device->word, error);
    return !recovery || plan_https(plan, params, error);
}

static gboolean
plan_device(BootPlan *plan, GVariant *params, const BootDevice *device, GError **error)
{
    if (!amt_boot_offers(plan->state, device->capability))
        return not_offered(plan->state, device->word, error);
    if (device->property != NULL)
        amt_boot_plan_value(plan, device->property, g_variant_new_boolean(TRUE));
    if (device->media != 0)
        amt_boot_plan_value(plan, "IDERBootDevice", g_variant_new_uint32(device->media));
    if (is_given(params, "media-index"))
        amt_boot_plan_value(
            plan, "BootMediaIndex", g_variant_new_uint32(params_uint(params, "media-index", 0)));
    return device->source == NULL || plan_source(plan, params, device, error);
}

/* What can be said of the parameters without any machine. */
static gboolean
check_params(GVariant *params, const char *device, GError **error)
{
    gboolean any = is_given(params, "verbosity");

    for (const BootFlag *flag = amt_boot_flags; flag->word != NULL; flag++)
        any = any || params_bool(params, flag->word, FALSE);
    if (device == NULL && !any)
        return postern_fail(error,
                            POSTERN_ERROR_BAD_PARAM,
                            "neither a device nor a flag was given: there is nothing to set; "
                            "device=none clears");
    if (g_strcmp0(device, "none") == 0 &&
        (any || g_strcmp0(params_string(params, "power"), "none") != 0))
        return postern_fail(error,
                            POSTERN_ERROR_BAD_PARAM,
                            "device=none clears all that is set, and goes with nothing else");
    for (guint i = 0; g_strcmp0(device, "https") != 0 && i < G_N_ELEMENTS(https_only); i++)
        if (is_given(params, https_only[i]))
            return postern_fail(
                error, POSTERN_ERROR_BAD_PARAM, "%s goes with device=https only", https_only[i]);
    if (is_given(params, "option") && g_strcmp0(device, "winre") != 0 &&
        g_strcmp0(device, "pba") != 0)
        return postern_fail(
            error, POSTERN_ERROR_BAD_PARAM, "option goes with device=winre or device=pba only");
    if (is_given(params, "media-index") && g_strcmp0(device, "disk") != 0 &&
        g_strcmp0(device, "cd") != 0 && g_strcmp0(device, "pxe") != 0)
        return postern_fail(
            error, POSTERN_ERROR_BAD_PARAM, "media-index goes with device=disk, cd or pxe only");
    return TRUE;
}

static GVariant *
describe(const BootPlan *plan, const char *device)
{
    PosternResult result;

    result_begin(&result);
    result_string(&result, "device", device != NULL ? device : "default");
    result_string(&result, "source", plan->source);
    result_value(&result, "flags", amt_boot_set_words(plan->found));
    result_string(&result,
                  "verbosity",
                  amt_word(amt_boot_verbosities, params_uint(plan->found, "FirmwareVerbosity", 0)));
    amt_boot_power_result(&result, plan);
    return result_end(&result);
}

static gboolean
set_boot(BootPlan *plan, AmtPowerChange *power, GVariant *params, const char *word, GError **error)
{
    const BootDevice *device = word != NULL ? find_device(word) : NULL;

    return plan_flags(plan, params, error) &&
           (device == NULL || plan_device(plan, params, device, error)) &&
           amt_boot_plan_power(plan, power, params_string(params, "power"), error) &&
           amt_consent_needed(plan->amt, plan->run, plan->ws, FALSE, "a boot option", error) &&
           amt_boot_apply(plan, error);
}

static GVariant *
run_set(PosternRun *run, GVariant *params, gpointer self, GError **error)
{
    const char *device = params_string(params, "device");
    g_autoptr(WsMan) ws = NULL;
    g_auto(BootState) state = {0};
    g_auto(BootPlan) plan = {0};
    g_auto(AmtPowerChange) power = {0};

    if (!check_params(params, device, error))
        return NULL;
    ws = amt_open(self, run, params, error);
    if (ws == NULL || !amt_boot_state_read(ws, &state, error) ||
        !amt_check_identity(self, run, ws, error))
        return NULL;
    amt_boot_plan_init(&plan, self, run, ws, &state);
    if (g_strcmp0(device, "none") == 0)
        return amt_boot_cancel(&plan, error) ? describe(&plan, device) : NULL;
    return set_boot(&plan, &power, params, device, error) ? describe(&plan, device) : NULL;
}

/* clang-format off */
static const char *const device_choices[] = {
    "pxe", "disk", "cd", "ider-cd", "ider-floppy", "bios-setup", "bios-pause", "diagnostic", "https", "winre", "pba", "none", NULL,
};
static const char *const verbosity_choices[] = {"default", "quiet", "verbose", "blank", NULL};
static const char *const check_choices[] = {"full", "suffix", "other", NULL};

#define FLAG_ROW(name_, summary_) POSTERN_FIELD_ITEM(.name = name_, .type = "b", .summary = summary_)
static const PosternField *const params_table[] = {
    POSTERN_FIELD_ITEM(.name = "device", .type = "s", .choices = device_choices,
                       .summary = "where the next boot goes; ider-*: storage that a session lends it; https: one click recovery from "
                                  "url; winre, pba: a boot option of its own; none: clear all that is set"),
    POSTERN_FIELD_ITEM(.name = "power", .type = "s", .fallback = "'none'", .choices = amt_boot_power_choices,
                       .summary = "boot now: on-or-reset switches on what is off and resets what is on; cycle takes its power away first"),
    FLAG_ROW("sol", "text screens of the firmware go to a serial session"),
    POSTERN_FIELD_ITEM(.name = "verbosity", .type = "s", .choices = verbosity_choices, .summary = "what the firmware shows"),
    POSTERN_FIELD_ITEM(.name = "media-index", .type = "u", .summary = "which of several drives, from 1; 0: the first"),
    FLAG_ROW("lock-keyboard", "the keyboard at the machine does nothing during the boot"),
    FLAG_ROW("lock-power-button", "nor does the power button"),
    FLAG_ROW("lock-reset-button", "nor does the reset button"),
    FLAG_ROW("lock-sleep-button", "nor does the sleep button"),
    FLAG_ROW("user-password-bypass", "the firmware does not ask for the user's password"),
    FLAG_ROW("progress-events", "the firmware writes all its progress to the event log"),
    FLAG_ROW("safe-mode", "Windows starts in its safe mode"),
    FLAG_ROW("enforce-secure-boot", "boot nothing that is not signed; recovery boots do so unless this is no"),
    POSTERN_FIELD_ITEM(.name = "option", .type = "u", .summary = "winre, pba: number of the boot option, 1 to 10; WinRE is found by its name"),
    POSTERN_FIELD_ITEM(.name = "url", .type = "s", .summary = "https: the image, https://... of at most 300 bytes"),
    POSTERN_FIELD_ITEM(.name = "user", .type = "s", .summary = "https: account at that server, at most 16 bytes"),
    POSTERN_FIELD_ITEM(.name = "password", .type = "s", .flags = POSTERN_FIELD_SECRET, .summary = "https: its password, at most 16 bytes"),
    POSTERN_FIELD_ITEM(.name = "server-name", .type = "s", .summary = "https: name that the server's certificate must have"),
    POSTERN_FIELD_ITEM(.name = "server-name-check", .type = "s", .choices = check_choices, .summary = "https: how that is compared"),
    POSTERN_FIELD_ITEM(.name = "server-hash", .type = "s",
                       .summary = "https: SHA-256, SHA-384 or SHA-512 of the server's certificate, in hex"),
    POSTERN_FIELD_ITEM(.name = "sync-root", .type = "b", .fallback = "true",
                       .summary = "https: the firmware gets the device's trusted root certificates"),
    POSTERN_FIELD_ITEM(.name = "request-timeout", .type = "u", .summary = "https: how long to wait for the server; 0: the firmware's default"),
    AMT_COMMON_PARAMS,
    NULL,
};

static const PosternField *const outputs[] = {
    POSTERN_FIELD_ITEM(.name = "device", .type = "s", .flags = POSTERN_FIELD_REQUIRED, .summary = "where the next boot goes; default: as the firmware is set"),
    POSTERN_FIELD_ITEM(.name = "source", .type = "s", .summary = "the boot source that was named to the machine"),
    POSTERN_FIELD_ITEM(.name = "flags", .type = "as", .flags = POSTERN_FIELD_REQUIRED, .summary = "what is set, as it was read back before the boot"),
    POSTERN_FIELD_ITEM(.name = "verbosity", .type = "s", .summary = "what the firmware shows"),
    BOOT_POWER_OUTPUTS,
    NULL,
};

const PosternTask amt_boot_set_task = {
    .size = sizeof(PosternTask),
    .flags = POSTERN_TASK_DISRUPTIVE,
    .version = 1,
    .timeout_ms = 300000,
    .id = "amt.boot.set",
    .summary = "say where the next boot goes and what the firmware does then, once; boot now, if wanted",
    .details = "AMT keeps nothing of this: the next boot uses it up, whoever causes it, and a later one goes where the firmware is set "
               "to. What the machine does not offer is refused, with a list of what it does, before anything is written. All of it, "
               "the power request included, is done or nothing: where a step fails, what was set is taken back, and the error says whether that "
               "worked. A session for sol or ider-* must be open before the machine boots; a machine that asks for consent gets it first, "
               "with amt.consent.start. The server of device=https must be issued by a trusted root certificate of the device. "
               "Least realm: Remote Control; where there is consent, Redirection, too.",
    .params = params_table,
    .outputs = outputs,
    .credentials = amt_credentials,
    .run = run_set,
};
/* clang-format on */
