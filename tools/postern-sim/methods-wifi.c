/* SPDX-License-Identifier: Apache-2.0 */
/* Wireless profiles, the radio, and the sharing of profiles. */
#include "config.h"

#include "logs.h"
#include "methods.h"
#include "rules.h"

#include <string.h>

enum { ADDED = 0, REMOVED = 1, UPDATED = 2, PROFILE_SYNC = 3, UEFI_SHARE = 5 };
enum { PROFILES_MOST = 8, NAME_MOST = 32, PHRASE_LEAST = 8, PHRASE_MOST = 63 };
enum { INVALID_PRIORITY = 2067, NOT_FOUND = 2068, INVALID_PASSPHRASE = 2070 };

static const char class_name[] = "CIM_WiFiEndpointSettings";

/* The n-th profile, or NULL. */
static DeviceCreated *
profile_at(const Device *device, guint n)
{
    const GPtrArray *created = device->extra != NULL ? device->extra->created : NULL;

    for (guint i = 0; created != NULL && i < created->len; i++) {
        DeviceCreated *one = created->pdata[i];
        if (g_str_equal(one->class->name, class_name) && n-- == 0)
            return one;
    }
    return NULL;
}

static DeviceCreated *
profile_with(const Device *device, const char *name, const char *value)
{
    return rules_created(device, class_name, name, value);
}

static gboolean
is_number(const char *text, guint64 least, guint64 most)
{
    guint64 number;

    return text != NULL && g_ascii_string_to_unsigned(text, 10, least, most, &number, NULL);
}

static gboolean
is_name(const char *text)
{
    return text != NULL && *text != '\0' && strlen(text) <= NAME_MOST;
}

static gboolean
is_phrase(const GPtrArray *values)
{
    const char *auth = rules_value(values, "AuthenticationMethod");
    const char *phrase = rules_value(values, "PSKPassPhrase");

    if (!g_str_equal(auth, "4") && !g_str_equal(auth, "6"))
        return TRUE;
    return phrase != NULL && strlen(phrase) >= PHRASE_LEAST && strlen(phrase) <= PHRASE_MOST;
}

/* `self`: the profile that is to be replaced. */
static guint
check_profile(const Device *device, const GPtrArray *values, const DeviceCreated *self)
{
    const char *priority = rules_value(values, "Priority");
    const DeviceCreated *other;

    if (!is_name(rules_value(values, "ElementName")) || rules_value(values, "InstanceID") == NULL ||
        !is_name(rules_value(values, "SSID")) ||
        !is_number(rules_value(values, "AuthenticationMethod"), 1, 32769) ||
        !is_number(rules_value(values, "EncryptionMethod"), 1, 5))
        return PT_INVALID_PARAMETER;
    if (!is_number(priority, 1, 255))
        return INVALID_PRIORITY;
    other = profile_with(device, "Priority", priority);
    if (other != NULL && other != self)
        return INVALID_PRIORITY;
    return is_phrase(values) ? DONE : INVALID_PASSPHRASE;
}

/* What can be written and never read. */
static void
drop_secrets(GPtrArray *values)
{
    static const char *const secrets[] = {"PSKPassPhrase", "PSKValue", "Keys", NULL};

    for (guint i = values->len; i > 0; i--)
        if (g_strv_contains(secrets, ((const DeviceStored *)values->pdata[i - 1])->name))
            g_ptr_array_remove_index(values, i - 1);
    if (rules_value(values, "BSSType") == NULL)
        rules_add(values, "BSSType", "3");
}

/* The settings that come with a call; NULL, with a fault where there is no wireless port. */
static GPtrArray *
read_settings(Call *call)
{
    const xmlNode *input = xml_child(call->input, "WiFiEndpointSettingsInput");
    SimClass *class = classes_find(call->device->model, class_name);

    if (device_first(call->device, call->class->name) == NULL || class == NULL)
        call->fault = &FAULT_UNREACHABLE;
    return call->fault == NULL && input != NULL ? transfer_read(input, class) : NULL;
}

static guint
add_settings(Call *call)
{
    g_autoptr(GPtrArray) values = read_settings(call);
    gboolean exists = FALSE;
    guint result;

    if (values == NULL)
        return PT_INVALID_PARAMETER;
    if (profile_at(call->device, PROFILES_MOST - 1) != NULL)
        return PT_MAXIMUM_REACHED;
    if (profile_with(call->device, "InstanceID", rules_value(values, "InstanceID")) != NULL)
        return PT_DUPLICATE;
    result = check_profile(call->device, values, NULL);
    if (result != DONE)
        return result;
    drop_secrets(values);
    transfer_add(call->device, classes_find(call->device->model, class_name), values, &exists);
    logs_audit(call->device, AUDIT_WIRELESS, ADDED, NULL, 0);
    return exists ? PT_DUPLICATE : DONE;
}

static guint
update_settings(Call *call)
{
    g_autoptr(GPtrArray) values = read_settings(call);
    const xmlNode *reference =
        xml_child(xml_child(call->input, "WiFiEndpointSettings"), "ReferenceParameters");
    g_autofree char *id = xml_text(xml_child(xml_child(reference, "SelectorSet"), "Selector"));
    g_autofree char *escaped = g_markup_escape_text(id, -1);
    DeviceCreated *old = profile_with(call->device, "InstanceID", escaped);
    guint result;

    if (values == NULL)
        return PT_INVALID_PARAMETER;
    if (old == NULL)
        return NOT_FOUND;
    result = check_profile(call->device, values, old);
    if (result != DONE)
        return result;
    drop_secrets(values);
    transfer_sort(values);
    g_ptr_array_unref(old->properties);
    old->properties = g_steal_pointer(&values);
    logs_audit(call->device, AUDIT_WIRELESS, UPDATED, NULL, 0);
    return DONE;
}

static guint
delete_all(Call *call)
{
    DeviceCreated *one;

    while ((one = profile_at(call->device, 0)) != NULL)
        g_ptr_array_remove(call->device->extra->created, one);
    logs_audit(call->device, AUDIT_WIRELESS, REMOVED, NULL, 0);
    return DONE;
}

static guint
radio_state_change(Call *call)
{
    static const char *const states[] = {"3", "32768", "32769", NULL};

    return call_state_change(call, states, "EnabledState");
}

const Method methods_wifi[] = {
    {"AMT_WiFiPortConfigurationService", "AddWiFiSettings", add_settings},
    {"AMT_WiFiPortConfigurationService", "UpdateWiFiSettings", update_settings},
    {"AMT_WiFiPortConfigurationService", "DeleteAllITProfiles", delete_all},
    {"CIM_WiFiPort", "RequestStateChange", radio_state_change},
    {0},
};

/* ---- rules ---- */

static void
note_switch(Device *device,
            const SimInstance *instance,
            const GPtrArray *values,
            const char *name,
            guint event)
{
    g_autofree char *before = device_property(device, instance, name);
    const char *after = rules_value(values, name);

    if (after != NULL && g_strcmp0(before, after) != 0)
        logs_audit(device, AUDIT_WIRELESS, event, NULL, 0);
}

static const SoapFault *
put_service(Device *device, const SimInstance *instance, GPtrArray *values)
{
    static const char *const syncs[] = {"0", "1", "3", NULL};
    const char *sync = rules_value(values, "localProfileSynchronizationEnabled");

    if (sync != NULL && !g_strv_contains(syncs, sync))
        return &FAULT_REPRESENTATION;
    note_switch(device, instance, values, "localProfileSynchronizationEnabled", PROFILE_SYNC);
    note_switch(device, instance, values, "UEFIWiFiProfileShareEnabled", UEFI_SHARE);
    return NULL;
}

static const SoapFault *
remove_profile(Device *device, const DeviceCreated *created)
{
    logs_audit(device, AUDIT_WIRELESS, REMOVED, NULL, 0);
    return NULL;
}

const Rule rules_wifi[] = {
    {.class = "AMT_WiFiPortConfigurationService", .put = put_service},
    {.class = "CIM_WiFiEndpointSettings", .remove = remove_profile},
    {0},
};
