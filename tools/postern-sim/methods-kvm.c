/* SPDX-License-Identifier: Apache-2.0 */
/* KVM redirection: its switch, and its settings. */
#include "config.h"

#include "kvm.h"
#include "logs.h"
#include "methods.h"
#include "rules.h"
#include "sim.h"

#include <string.h>

enum { KVM_ENABLED = 10, KVM_DISABLED = 11, PASSWORD_FAILED = 12 }; /* of redirection */
enum { OPT_IN_ENABLED = 0, OPT_IN_DISABLED = 1, PASSWORD_CHANGED = 2 };
enum { PASSWORD_LENGTH = 8, FAILURES_TOLD = 3, SESSION_MINUTES_MOST = 255 };

static const char settings_class[] = "IPS_KVMRedirectionSettingData";

static DeviceKvm *
kvm_of(Device *device)
{
    DeviceExtra *extra = device_extra(device);

    if (extra->kvm == NULL)
        extra->kvm = g_new0(DeviceKvm, 1);
    return extra->kvm;
}

static gboolean
setting_is(Device *device, const char *name, const char *value)
{
    const SimInstance *settings = device_first(device, settings_class);
    g_autofree char *found = settings != NULL ? device_property(device, settings, name) : NULL;

    return g_strcmp0(found, value) == 0;
}

const char *
kvm_password(Device *device)
{
    const DeviceKvm *kvm = device->extra != NULL ? device->extra->kvm : NULL;

    return kvm != NULL && kvm->password[0] != '\0' ? kvm->password : NULL;
}

gboolean
kvm_listens(Device *device)
{
    return setting_is(device, "Is5900PortEnabled", "true") && kvm_password(device) != NULL;
}

gint64
kvm_idle_ms(Device *device)
{
    const Fault *fault = device_fault(device, FAULT_KVM_TIMEOUT);
    const SimInstance *settings = device_first(device, settings_class);
    g_autofree char *minutes =
        settings != NULL ? device_property(device, settings, "SessionTimeout") : NULL;

    if (fault != NULL)
        return fault->number;
    return minutes != NULL ? g_ascii_strtoll(minutes, NULL, 10) * 60000 : 0;
}

void
kvm_login(Device *device, gboolean right)
{
    DeviceKvm *kvm = kvm_of(device);

    kvm->failures = right ? 0 : kvm->failures + 1;
    if (kvm->failures > 0 && kvm->failures % FAILURES_TOLD == 0)
        logs_audit(device, AUDIT_REDIRECTION, PASSWORD_FAILED, NULL, 0);
}

/* Port 5900 follows the settings. */
static void
settings_stored(Device *device, const SimInstance *instance)
{
    sim_ports_changed(device, FALSE);
}

/* ---- the switch ---- */

/* 2 and 3 ask; EnabledState then says 6 (enabled, nobody connected) and 3. What the MEBx forbids stays off without a
 * word. */
static guint
kvm_state_change(Call *call)
{
    const SimInstance *instance = device_first(call->device, call->class->name);
    g_autofree char *now = NULL;
    guint64 state;

    if (!call_number(call, "RequestedState", &state) || (state != 2 && state != 3))
        return INVALID_PARAMETER;
    if (instance == NULL || (state == 2 && setting_is(call->device, "EnabledByMEBx", "false")))
        return DONE;
    now = device_property(call->device, instance, "EnabledState");
    if (state == 3 || g_strcmp0(now, "3") == 0) {
        device_store(call->device, instance, "EnabledState", state == 2 ? "6" : "3");
        logs_audit(
            call->device, AUDIT_REDIRECTION, state == 2 ? KVM_ENABLED : KVM_DISABLED, NULL, 0);
        settings_stored(call->device, instance);
    }
    return DONE;
}

const Method methods_kvm[] = {
    {"CIM_KVMRedirectionSAP", "RequestStateChange", kvm_state_change},
    {0},
};

/* ---- the settings ---- */

static gboolean
is_good_password(const char *password)
{
    guint upper = 0, lower = 0, digit = 0, special = 0;

    for (const char *at = password; *at != '\0'; at++) {
        if (g_ascii_isupper(*at))
            upper++;
        else if (g_ascii_islower(*at))
            lower++;
        else if (g_ascii_isdigit(*at))
            digit++;
        else if (g_ascii_isgraph(*at))
            special++;
        else
            return FALSE;
    }
    return strlen(password) == PASSWORD_LENGTH && upper > 0 && lower > 0 && digit > 0 &&
           special > 0;
}

/* In the order of the schema, which one device was seen to insist on. */
static gboolean
is_in_order(const GPtrArray *values)
{
    static const char *const order[] = {"BackToBackFbMode",
                                        "Is5900PortEnabled",
                                        "OptInPolicy",
                                        "OptInPolicyTimeout",
                                        "SessionTimeout",
                                        "RFBPassword",
                                        "DefaultScreen"};
    guint at = 0;

    for (guint i = 0; i < values->len; i++) {
        const DeviceStored *one = values->pdata[i];
        while (at < G_N_ELEMENTS(order) && !g_str_equal(order[at], one->name))
            at++;
        if (at == G_N_ELEMENTS(order))
            return FALSE;
    }
    return TRUE;
}

static gboolean
is_number_up_to(const GPtrArray *values, const char *name, guint64 most)
{
    const char *text = rules_value(values, name);

    return text == NULL || g_ascii_string_to_unsigned(text, 10, 0, most, NULL, NULL);
}

/* Text of a value, its entities undone. */
static char *
plain_text(const char *xml)
{
    GString *text = g_string_new(xml);

    g_string_replace(text, "&lt;", "<", 0);
    g_string_replace(text, "&gt;", ">", 0);
    g_string_replace(text, "&quot;", "\"", 0);
    g_string_replace(text, "&#39;", "'", 0);
    g_string_replace(text, "&apos;", "'", 0);
    g_string_replace(text, "&amp;", "&", 0);
    return g_string_free(text, FALSE);
}

static void
drop(GPtrArray *values, const char *name)
{
    for (guint i = values->len; i-- > 0;)
        if (g_str_equal(((const DeviceStored *)values->pdata[i])->name, name))
            g_ptr_array_remove_index(values, i);
}

/* The password is taken out of the values: it is written, and never read back. */
static const SoapFault *
put_settings(Device *device, const SimInstance *instance, GPtrArray *values)
{
    const char *given = rules_value(values, "RFBPassword");
    g_autofree char *password = given != NULL && *given != '\0' ? plain_text(given) : NULL;
    const char *policy = rules_value(values, "OptInPolicy");
    const char *port = rules_value(values, "Is5900PortEnabled");

    if ((device_fault(device, FAULT_STRICT_PUT_ORDER) != NULL && !is_in_order(values)) ||
        !is_number_up_to(values, "SessionTimeout", SESSION_MINUTES_MOST) ||
        !is_number_up_to(values, "OptInPolicyTimeout", G_MAXUINT16) ||
        !is_number_up_to(values, "DefaultScreen", 3))
        return &FAULT_REPRESENTATION;
    if ((password != NULL && !is_good_password(password)) ||
        (g_strcmp0(port, "true") == 0 && password == NULL && kvm_password(device) == NULL))
        return &FAULT_REPRESENTATION;
    if (password != NULL) {
        g_strlcpy(kvm_of(device)->password, password, sizeof kvm_of(device)->password);
        logs_audit(device, AUDIT_KVM, PASSWORD_CHANGED, NULL, 0);
    }
    if (policy != NULL && !setting_is(device, "OptInPolicy", policy))
        logs_audit(device,
                   AUDIT_KVM,
                   g_str_equal(policy, "true") ? OPT_IN_ENABLED : OPT_IN_DISABLED,
                   NULL,
                   0);
    drop(values, "RFBPassword");
    return NULL;
}

const Rule rules_kvm[] = {
    {settings_class, .put = put_settings, .stored = settings_stored},
    {0},
};
