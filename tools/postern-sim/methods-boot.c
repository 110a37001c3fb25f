/* SPDX-License-Identifier: Apache-2.0 */
/* What the next boot does: who may set it, and what is refused. boot.c carries it out. */
#include "config.h"

#include "boot.h"
#include "consent.h"
#include "logs.h"
#include "methods.h"
#include "rules.h"

#include <string.h>

#define SETTINGS     "AMT_BootSettingData"
#define CAPABILITIES "AMT_BootCapabilities"

enum { AUDIT_BOOT_OPTIONS = 4, ROLE_NEXT_ONCE = 1, ROLE_NOT_NEXT = 32768, DRIVE_PASSWORD_MAX = 32 };

/* A flag, and the capability without which it is refused. */
static const struct {
    const char *flag, *capability;
} needs[] = {
    {"BIOSPause", "BIOSPause"},
    {"BIOSSetup", "BIOSSetup"},
    {"ConfigurationDataReset", "ConfigurationDataReset"},
    {"EnforceSecureBoot", "BIOSSecureBoot"},
    {"ForcedProgressEvents", "ForcedProgressEvents"},
    {"LockKeyboard", "KeyboardLock"},
    {"LockPowerButton", "PowerButtonLock"},
    {"LockResetButton", "ResetButtonLock"},
    {"LockSleepButton", "SleepButtonLock"},
    {"ReflashBIOS", "BIOSReflash"},
    {"SecureErase", "SecureErase"},
    {"UseIDER", "IDER"},
    {"UseSOL", "SOL"},
    {"UseSafeMode", "ForceHardDriveSafeModeBoot"},
    {"UserPasswordBypass", "UserPasswordBypass"},
};

/* ---- methods ---- */

/* A source has no place beside what itself says where the boot goes. */
static gboolean
has_other_plan(Device *device)
{
    static const char *const plans[] = {
        "BIOSPause", "BIOSSetup", "ReflashBIOS", "UseIDER", "UseSOL"};

    for (guint i = 0; i < G_N_ELEMENTS(plans); i++)
        if (boot_flag(device, SETTINGS, plans[i]))
            return model_since(device->model, 6, 0);
    return FALSE;
}

static gboolean
has_source(Device *device, const char *id)
{
    SimClass *class = classes_find(device->model, "CIM_BootSourceSetting");

    for (guint i = 0; class != NULL && i < class->instances->len; i++) {
        g_autofree char *known = device_property(device, class->instances->pdata[i], "InstanceID");

        if (g_strcmp0(known, id) == 0)
            return TRUE;
    }
    return FALSE;
}

static guint
change_boot_order(Call *call)
{
    const xmlNode *source = xml_child(call->input, "Source");
    const xmlNode *selectors = xml_child(xml_child(source, "ReferenceParameters"), "SelectorSet");
    g_autofree char *id = xml_text(xml_child(selectors, "Selector"));
    DeviceExtra *extra = device_extra(call->device);

    if (source == NULL || *id == '\0') {
        g_clear_pointer(&extra->boot_source, g_free);
        return DONE;
    }
    if (!consent_given(call->device, FALSE)) {
        call->fault = &FAULT_DENIED;
        return DONE;
    }
    if (!has_source(call->device, id) || has_other_plan(call->device) ||
        (g_str_has_prefix(id, BOOT_RECOVERS) && !boot_enabled(call->device, BOOT_RECOVERY)))
        return INVALID_PARAMETER;
    g_free(extra->boot_source);
    extra->boot_source = g_steal_pointer(&id);
    return DONE;
}

static void
forget_all(Device *device)
{
    const SimInstance *settings = device_first(device, SETTINGS);

    g_clear_pointer(&device_extra(device)->boot_source, g_free);
    g_clear_pointer(&boot_of(device)->drive_password, g_free);
    if (settings != NULL)
        device_forget(device, settings);
}

static guint
set_boot_config_role(Call *call)
{
    const xmlNode *config = xml_child(call->input, "BootConfigSetting");
    const xmlNode *selectors = xml_child(xml_child(config, "ReferenceParameters"), "SelectorSet");
    g_autofree char *id = xml_text(xml_child(selectors, "Selector"));
    guint64 role;

    if (!call_number(call, "Role", &role) || (role != ROLE_NEXT_ONCE && role != ROLE_NOT_NEXT) ||
        !g_str_equal(id, "Intel(r) AMT: Boot Configuration 0"))
        return INVALID_PARAMETER;
    if (role == ROLE_NOT_NEXT) {
        forget_all(call->device);
    } else if (!consent_given(call->device, FALSE)) {
        call->fault = &FAULT_DENIED;
        return DONE;
    }
    boot_of(call->device)->next = role == ROLE_NEXT_ONCE;
    return DONE;
}

static guint
boot_service_state_change(Call *call)
{
    static const char *const states[] = {"32768", "32769", "32770", "32771", NULL};
    static const char *const older[] = {"32768", "32769", NULL};

    if (!model_since(call->device->model, 15, 0))
        return NOT_SUPPORTED;
    return call_state_change(
        call, model_since(call->device->model, 16, 0) ? states : older, "EnabledState");
}

const Method methods_boot[] = {
    {"CIM_BootConfigSetting", "ChangeBootOrder", change_boot_order},
    {"CIM_BootService", "SetBootConfigRole", set_boot_config_role},
    {"CIM_BootService", "RequestStateChange", boot_service_state_change},
    {0},
};

/* ---- Put of the flags ---- */

static gboolean
is_set(const GPtrArray *values, const char *name)
{
    return g_strcmp0(rules_value(values, name), "true") == 0;
}

static gboolean
offers_flags(Device *device, const GPtrArray *values)
{
    for (guint i = 0; i < G_N_ELEMENTS(needs); i++)
        if (is_set(values, needs[i].flag) && !boot_flag(device, CAPABILITIES, needs[i].capability))
            return FALSE;
    return TRUE;
}

static gboolean
offers_verbosity(Device *device, const char *wanted)
{
    static const char *const names[] = {
        [1] = "VerbosityQuiet", [2] = "VerbosityVerbose", [3] = "VerbosityScreenBlank"};
    guint64 number;

    if (wanted == NULL || g_str_equal(wanted, "0"))
        return TRUE;
    return g_ascii_string_to_unsigned(wanted, 10, 1, G_N_ELEMENTS(names) - 1, &number, NULL) &&
           boot_flag(device, CAPABILITIES, names[number]);
}

/* The parameters are as many as they are said to be, and nothing is left over. */
static gboolean
parameters_fit(const GPtrArray *values)
{
    const char *text = rules_value(values, "UefiBootParametersArray");
    const char *count = rules_value(values, "UefiBootNumberOfParams");
    gsize left = 0;
    g_autofree guint8 *all = text != NULL ? g_base64_decode(text, &left) : NULL;
    const guint8 *at = all;
    guint64 wanted = count != NULL ? g_ascii_strtoull(count, NULL, 10) : 0, found = 0;
    BootParameter one;

    while (left > 0 && boot_parameter(&at, &left, &one))
        found++;
    return left == 0 && found == wanted;
}

/* What a platform erase is asked for, and what the machine has. */
static gboolean
offers_erase(Device *device, const GPtrArray *values)
{
    const SimInstance *capabilities = device_first(device, CAPABILITIES);
    g_autofree char *mask =
        capabilities != NULL ? device_property(device, capabilities, "PlatformErase") : NULL;
    guint64 offered = mask != NULL ? g_ascii_strtoull(mask, NULL, 10) : 0;
    const char *text = rules_value(values, "UefiBootParametersArray");
    gsize left = 0;
    g_autofree guint8 *all = text != NULL ? g_base64_decode(text, &left) : NULL;
    const guint8 *at = all;
    guint32 wanted = 0;
    BootParameter one;

    while (left > 0 && boot_parameter(&at, &left, &one))
        if (one.type == 1 && one.length == sizeof wanted)
            memcpy(&wanted, one.value, sizeof wanted);
    wanted = GUINT32_FROM_LE(wanted);
    return wanted != 0 && (wanted & ~offered) == 0;
}

/* The drive's password is kept, and never shown again. */
static gboolean
take_drive_password(Device *device, GPtrArray *values)
{
    for (guint i = 0; i < values->len; i++) {
        DeviceStored *one = values->pdata[i];

        if (!g_str_equal(one->name, "RSEPassword") || one->xml == NULL || *one->xml == '\0')
            continue;
        if (strlen(one->xml) > DRIVE_PASSWORD_MAX)
            return FALSE;
        g_free(boot_of(device)->drive_password);
        boot_of(device)->drive_password = one->xml;
        one->xml = g_strdup("");
    }
    return TRUE;
}

static const SoapFault *
put_settings(Device *device, const SimInstance *settings, GPtrArray *values)
{
    gboolean erases = is_set(values, "PlatformErase");

    if (!consent_given(device, FALSE))
        return &FAULT_DENIED;
    if (erases && !(device->secure && boot_enabled(device, BOOT_ERASE)))
        return &FAULT_DENIED;
    if (!offers_flags(device, values) ||
        !offers_verbosity(device, rules_value(values, "FirmwareVerbosity")) ||
        !parameters_fit(values) || (erases && !offers_erase(device, values)) ||
        !take_drive_password(device, values))
        return &FAULT_REPRESENTATION;
    return NULL;
}

static void
settings_stored(Device *device, const SimInstance *settings)
{
    device_store(device, settings, "OptionsCleared", "false");
    logs_audit(device, AUDIT_REMOTE_CONTROL, AUDIT_BOOT_OPTIONS, NULL, 0);
}

const Rule rules_boot[] = {
    {SETTINGS, .put = put_settings, .stored = settings_stored},
    {0},
};
