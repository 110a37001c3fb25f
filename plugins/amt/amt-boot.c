/* SPDX-License-Identifier: Apache-2.0 */
/* amt.boot.get: what the next boot will do, what this machine could do, and what became of the last erase. */
#include "amt-boot.h"

#include <string.h>

/* clang-format off */
const BootFlag amt_boot_flags[] = {
    {"sol", "UseSOL", "SOL"},
    {"lock-keyboard", "LockKeyboard", "KeyboardLock"},
    {"lock-power-button", "LockPowerButton", "PowerButtonLock"},
    {"lock-reset-button", "LockResetButton", "ResetButtonLock"},
    {"lock-sleep-button", "LockSleepButton", "SleepButtonLock"},
    {"user-password-bypass", "UserPasswordBypass", "UserPasswordBypass"},
    {"progress-events", "ForcedProgressEvents", "ForcedProgressEvents"},
    {"safe-mode", "UseSafeMode", "ForceHardDriveSafeModeBoot"},
    {"enforce-secure-boot", "EnforceSecureBoot", "BIOSSecureBoot"},
    {NULL, NULL, NULL},
};

const BootDevice amt_boot_devices[] = {
    {"pxe", "ForcePXEBoot", NULL, "PXE Boot", 0},
    {"disk", "ForceHardDriveBoot", NULL, "Hard-drive Boot", 0},
    {"cd", "ForceCDorDVDBoot", NULL, "CD/DVD Boot", 0},
    {"ider-cd", "IDER", "UseIDER", NULL, 1},
    {"ider-floppy", "IDER", "UseIDER", NULL, 0},
    {"bios-setup", "BIOSSetup", "BIOSSetup", NULL, 0},
    {"bios-pause", "BIOSPause", "BIOSPause", NULL, 0},
    {"diagnostic", "ForceDiagnosticBoot", NULL, "Diagnostic Boot", 0},
    {"https", "ForceUEFIHTTPSBoot", NULL, "OCR UEFI HTTPS Boot", 0},
    {"winre", "ForceWinREBoot", NULL, "", 0},
    {"pba", "ForceUEFILocalPBABoot", NULL, "", 0},
    {NULL, NULL, NULL, NULL, 0},
};

const AmtWord amt_boot_verbosities[] = {{0, "default"}, {1, "quiet"}, {2, "verbose"}, {3, "blank"}, {0, NULL}};

const AmtWord amt_boot_erase_options[] = {
    {1, "pyrite-revert"}, {2, "ssd"}, {3, "verify-storage"}, {6, "tpm-clear"}, {16, "oem"}, {25, "bios-nvm"},
    {26, "bios-golden"}, {31, "csme-unconfigure"}, {0, NULL},
};

const AmtWord amt_boot_service_states[] = {
    {32768, "none"}, {32769, "recovery"}, {32770, "erase"}, {32771, "recovery-and-erase"}, {0, NULL},
};

/* Set by nobody through amt.boot.set, and to be shown all the same. */
static const BootFlag others[] = {
    {"bios-setup", "BIOSSetup", "BIOSSetup"},
    {"bios-pause", "BIOSPause", "BIOSPause"},
    {"reflash-bios", "ReflashBIOS", "BIOSReflash"},
    {"configuration-data-reset", "ConfigurationDataReset", "ConfigurationDataReset"},
    {"secure-erase", "SecureErase", "SecureErase"},
    {"platform-erase", "PlatformErase", NULL}, /* its capability is a bit mask */
    {NULL, NULL, NULL},
};

static const BootFlag further_capabilities[] = {
    {"verbosity-quiet", NULL, "VerbosityQuiet"},
    {"verbosity-verbose", NULL, "VerbosityVerbose"},
    {"verbosity-blank", NULL, "VerbosityScreenBlank"},
    {"secure-boot-control", NULL, "AMTSecureBootControl"},
    {"uefi-wifi-profiles", NULL, "UEFIWiFiCoExistenceAndProfileShare"},
    {NULL, NULL, NULL},
};

/* BIOSLastStatus: what became of the update or erase as a whole, and what the drive said. */
static const AmtWord whole_statuses[] = {{0, "ok"}, {1, "in-progress"}, {2, "not-updated"}, {0xFFFF, "failed"}, {0, NULL}};
static const AmtWord drive_statuses[] = {{0, "ok"}, {1, "drive-failure"}, {2, "wrong-password"}, {3, "not-supported"}, {0, NULL}};
/* clang-format on */

/* ---- what a machine says ---- */

void
amt_boot_state_clear(BootState *state)
{
    g_clear_pointer(&state->settings, g_variant_unref);
    g_clear_pointer(&state->capabilities, g_variant_unref);
    g_clear_pointer(&state->sources, g_ptr_array_unref);
}

gboolean
amt_boot_state_read(WsMan *ws, BootState *state, GError **error)
{
    state->settings = wsman_get(ws, BOOT_SETTINGS, NULL, error);
    if (state->settings == NULL)
        return FALSE;
    state->capabilities = wsman_get(ws, BOOT_CAPABILITIES, NULL, error);
    if (state->capabilities == NULL)
        return FALSE;
    state->sources = amt_read_all(ws, BOOT_SOURCE, error);
    return state->sources != NULL;
}

gboolean
amt_boot_offers(const BootState *state, const char *capability)
{
    return params_bool(state->capabilities, capability, FALSE) ||
           (g_str_equal(capability, "ForceUEFILocalPBABoot") &&
            params_bool(state->capabilities, "ForceUEFIPBABoot", FALSE));
}

const char *
amt_boot_find_source(const BootState *state, const char *behind_force)
{
    for (guint i = 0; i < state->sources->len; i++) {
        const char *id = params_string(state->sources->pdata[i], "InstanceID");

        if (id != NULL && g_str_has_prefix(id, BOOT_FORCE) &&
            g_str_equal(id + strlen(BOOT_FORCE), behind_force))
            return id;
    }
    return NULL;
}

/* Both the capability and the place to go must be there. */
static gboolean
has_device(const BootState *state, const BootDevice *device)
{
    if (!amt_boot_offers(state, device->capability))
        return FALSE;
    return device->source == NULL || device->source[0] == '\0' ||
           amt_boot_find_source(state, device->source) != NULL;
}

GVariant *
amt_boot_device_words(const BootState *state)
{
    GVariantBuilder words;

    g_variant_builder_init(&words, G_VARIANT_TYPE_STRING_ARRAY);
    for (const BootDevice *at = amt_boot_devices; at->word != NULL; at++)
        if (has_device(state, at))
            g_variant_builder_add(&words, "s", at->word);
    return g_variant_builder_end(&words);
}

static void
add_offered(GVariantBuilder *words, const BootState *state, const BootFlag *table)
{
    for (; table->word != NULL; table++)
        if (table->capability != NULL && amt_boot_offers(state, table->capability))
            g_variant_builder_add(words, "s", table->word);
}

GVariant *
amt_boot_flag_words(const BootState *state)
{
    GVariantBuilder words;

    g_variant_builder_init(&words, G_VARIANT_TYPE_STRING_ARRAY);
    add_offered(&words, state, amt_boot_flags);
    add_offered(&words, state, others + 2); /* the first two are devices */
    add_offered(&words, state, further_capabilities);
    return g_variant_builder_end(&words);
}

GVariant *
amt_boot_erase_words(const BootState *state)
{
    guint32 mask = params_uint(state->capabilities, "PlatformErase", 0);
    GVariantBuilder words;

    g_variant_builder_init(&words, G_VARIANT_TYPE_STRING_ARRAY);
    for (const AmtWord *at = amt_boot_erase_options; at->word != NULL; at++)
        if ((mask >> at->code & 1) != 0)
            g_variant_builder_add(&words, "s", at->word);
    return g_variant_builder_end(&words);
}

char *
amt_boot_join(GVariant *words)
{
    g_autoptr(GVariant) owned = g_variant_ref_sink(words);
    g_autofree const char **list = g_variant_get_strv(owned, NULL);

    return list[0] == NULL ? g_strdup("nothing") : g_strjoinv(", ", (char **)(gpointer)list);
}

static void
add_set(GVariantBuilder *words, GVariant *settings, const BootFlag *table)
{
    for (; table->word != NULL; table++)
        if (params_bool(settings, table->property, FALSE))
            g_variant_builder_add(words, "s", table->word);
}

GVariant *
amt_boot_set_words(GVariant *settings)
{
    GVariantBuilder words;

    g_variant_builder_init(&words, G_VARIANT_TYPE_STRING_ARRAY);
    if (params_bool(settings, "UseIDER", FALSE))
        g_variant_builder_add(&words,
                              "s",
                              params_uint(settings, "IDERBootDevice", 0) == 1 ? "ider-cd"
                                                                              : "ider-floppy");
    add_set(&words, settings, others);
    add_set(&words, settings, amt_boot_flags);
    return g_variant_builder_end(&words);
}

/* ---- amt.boot.get ---- */

static GVariant *
source_words(const BootState *state)
{
    GVariantBuilder words;

    g_variant_builder_init(&words, G_VARIANT_TYPE_STRING_ARRAY);
    for (guint i = 0; i < state->sources->len; i++) {
        GVariant *source = state->sources->pdata[i];
        const char *id = params_string(source, "InstanceID");
        const char *text = params_string(source, "BIOSBootString");
        g_autofree char *word = NULL;

        if (id == NULL)
            continue;
        if (g_str_has_prefix(id, BOOT_FORCE))
            id += strlen(BOOT_FORCE);
        word =
            text != NULL && text[0] != '\0' ? g_strdup_printf("%s (%s)", id, text) : g_strdup(id);
        g_variant_builder_add(&words, "s", word);
    }
    return g_variant_builder_end(&words);
}

static void
add_last_status(PosternResult *result, GVariant *settings)
{
    g_autoptr(GVariant) status = params_value(settings, "BIOSLastStatus", "au");
    gsize n = 0;
    const guint32 *words = status != NULL ? g_variant_get_fixed_array(status, &n, 4) : NULL;

    if (n > 0)
        result_string(result, "last-status", amt_word(whole_statuses, words[0]));
    if (n > 1)
        result_string(result, "last-drive-status", amt_word(drive_statuses, words[1]));
}

static void
add_settings(PosternResult *result, GVariant *settings)
{
    g_autoptr(GVariant) cleared = params_value(settings, "OptionsCleared", "b");

    result_value(result, "flags", amt_boot_set_words(settings));
    result_string(result,
                  "verbosity",
                  amt_word(amt_boot_verbosities, params_uint(settings, "FirmwareVerbosity", 0)));
    result_uint(result, "media-index", params_uint(settings, "BootMediaIndex", 0));
    result_uint(result, "parameters", params_uint(settings, "UefiBootNumberOfParams", 0));
    if (cleared != NULL)
        result_value(result, "options-cleared", cleared);
    add_last_status(result, settings);
}

static void
add_service(PosternResult *result, GVariant *service)
{
    guint32 state = params_uint(service, "EnabledState", 0);
    const char *word = amt_word(amt_boot_service_states, state);

    result_string(result, "service", word != NULL ? word : amt_word(amt_enabled_states, state));
}

/* Why the machine came up last; its numbers are the firmware's, and nobody says what they mean. */
static void
add_reason(PosternResult *result, GVariant *reason)
{
    g_autoptr(GVariant) number = params_value(reason, "Reason", "u");
    g_autoptr(GVariant) sleep = params_value(reason, "PreviousSxState", "u");

    if (number != NULL)
        result_value(result, "boot-reason", number);
    result_string(result, "boot-reason-details", params_string(reason, "ReasonDetails"));
    if (sleep != NULL)
        result_value(result, "previous-sleep-state", sleep);
}

static GVariant *
run_get(PosternRun *run, GVariant *params, gpointer self, GError **error)
{
    g_autoptr(WsMan) ws = amt_open(self, run, params, error);
    g_auto(BootState) state = {0};
    g_autoptr(GVariant) service = NULL;
    g_autoptr(GVariant) reason = NULL;
    g_autoptr(GError) why = NULL;
    PosternResult result;

    if (ws == NULL || !amt_boot_state_read(ws, &state, error))
        return NULL;
    service = amt_read_single(ws, BOOT_SERVICE, &why);
    if (why == NULL)
        reason = amt_read_single(ws, "IPS_HostBootReason", &why);
    if (why != NULL) {
        g_propagate_error(error, g_steal_pointer(&why));
        return NULL;
    }
    result_begin(&result);
    add_settings(&result, state.settings);
    result_value(&result, "devices", amt_boot_device_words(&state));
    result_value(&result, "offers", amt_boot_flag_words(&state));
    result_value(&result, "erase-options", amt_boot_erase_words(&state));
    result_value(&result, "sources", source_words(&state));
    if (service != NULL)
        add_service(&result, service);
    if (reason != NULL)
        add_reason(&result, reason);
    return result_end(&result);
}

/* clang-format off */
static const PosternField *const params[] = {AMT_COMMON_PARAMS, NULL};
static const PosternField *const outputs[] = {
    POSTERN_FIELD_ITEM(.name = "flags", .type = "as", .flags = POSTERN_FIELD_REQUIRED,
                       .summary = "what is set for the next boot, as words of amt.boot.set; empty: nothing"),
    POSTERN_FIELD_ITEM(.name = "verbosity", .type = "s", .summary = "what the firmware shows at the next boot"),
    POSTERN_FIELD_ITEM(.name = "media-index", .type = "u", .flags = POSTERN_FIELD_REQUIRED, .summary = "which of several drives; 0: the first"),
    POSTERN_FIELD_ITEM(.name = "parameters", .type = "u", .flags = POSTERN_FIELD_REQUIRED,
                       .summary = "number of parameters of a recovery boot or an erase"),
    POSTERN_FIELD_ITEM(.name = "options-cleared", .type = "b", .summary = "the last boot used up, and cleared, what was set"),
    POSTERN_FIELD_ITEM(.name = "last-status", .type = "s", .summary = "last update or erase: ok, in-progress, not-updated or failed; AMT 11"),
    POSTERN_FIELD_ITEM(.name = "last-drive-status", .type = "s",
                       .summary = "what the drive said: ok, drive-failure, wrong-password or not-supported; AMT 11"),
    POSTERN_FIELD_ITEM(.name = "devices", .type = "as", .flags = POSTERN_FIELD_REQUIRED, .summary = "where amt.boot.set can send this machine"),
    POSTERN_FIELD_ITEM(.name = "offers", .type = "as", .flags = POSTERN_FIELD_REQUIRED, .summary = "what else its firmware can do at a boot"),
    POSTERN_FIELD_ITEM(.name = "erase-options", .type = "as", .flags = POSTERN_FIELD_REQUIRED,
                       .summary = "what a remote platform erase can erase; empty: it has none"),
    POSTERN_FIELD_ITEM(.name = "sources", .type = "as", .flags = POSTERN_FIELD_REQUIRED, .summary = "boot sources as the firmware lists them"),
    POSTERN_FIELD_ITEM(.name = "service", .type = "s",
                       .summary = "recovery boots and erase allowed: none, recovery, erase, recovery-and-erase; older firmware: enabled"),
    POSTERN_FIELD_ITEM(.name = "boot-reason", .type = "u", .summary = "why it came up last, the firmware's number; AMT 15"),
    POSTERN_FIELD_ITEM(.name = "boot-reason-details", .type = "s", .summary = "the request or the alarm that woke it, in the firmware's words"),
    POSTERN_FIELD_ITEM(.name = "previous-sleep-state", .type = "u", .summary = "n of the Sn state from which it came up; AMT 15"),
    NULL,
};

const PosternTask amt_boot_get_task = {
    .size = sizeof(PosternTask),
    .flags = POSTERN_TASK_READ_ONLY | POSTERN_TASK_IDEMPOTENT,
    .version = 1,
    .id = "amt.boot.get",
    .summary = "tell what is set for the next boot, and what this machine could be told to do",
    .details = "AMT_BootSettingData, AMT_BootCapabilities, CIM_BootSourceSetting, CIM_BootService, IPS_HostBootReason. The firmware tells the "
               "flags that are set; a boot source that was set, such as PXE, cannot be read back from these classes. "
               "Least realm: Remote Control.",
    .params = params,
    .outputs = outputs,
    .credentials = amt_credentials,
    .run = run_get,
};
/* clang-format on */
