/* SPDX-License-Identifier: Apache-2.0 */
/* The audit log and what is audited. */
#include "config.h"

#include "audit.h"
#include "logs.h"
#include "methods.h"
#include "power.h"

enum { AT_ONCE = 10, NOT_LOCKED = 2, POLICIES_MOST = 128 };
enum { LOCK = 0, UNPROVISIONING_LOCK = 1, UNLOCK = 2 };
enum { POLICY_MODIFIED = 1, LOG_DISABLED = 2, LOG_ENABLED = 3 };

/* ---- actions that must be on record ---- */

/* What a method does, as the audit log names it; by the value of one parameter where it does several things. */
/* clang-format off */
#define POWER "CIM_PowerManagementService", "RequestPowerStateChange", "PowerState"
static const struct {
    const char *class, *method, *parameter;
    guint value;
    guint8 application, event;
} audited[] = {
    {POWER, POWER_ON, 17, 0},
    {POWER, POWER_OFF, 17, 1},
    {POWER, POWER_OFF_HARD, 17, 1},
    {POWER, POWER_CYCLE_SOFT, 17, 2},
    {POWER, POWER_CYCLE_HARD, 17, 2},
    {POWER, POWER_RESET, 17, 3},
    {POWER, POWER_OFF_GRACEFUL, 17, 5},
    {POWER, POWER_RESET_GRACEFUL, 17, 6},
    {POWER, POWER_SLEEP, 17, 7},
    {POWER, POWER_HIBERNATE, 17, 8},
    {POWER, POWER_NMI, 17, 9},
    {"CIM_BootConfigSetting", "ChangeBootOrder", NULL, 0, 17, 4},
    {"AMT_AuthorizationService", "AddUserAclEntryEx", NULL, 0, 16, 2},
    {"AMT_AuthorizationService", "UpdateUserAclEntryEx", NULL, 0, 16, 3},
    {"AMT_AuthorizationService", "RemoveUserAclEntry", NULL, 0, 16, 4},
    {"AMT_AuthorizationService", "SetAclEnabledState", NULL, 0, 16, 6},
    {"AMT_PublicKeyManagementService", "AddTrustedRootCertificate", NULL, 0, 16, 10},
    {"AMT_SetupAndConfigurationService", "Unprovision", NULL, 0, 16, 19},
    {"AMT_TimeSynchronizationService", "SetHighAccuracyTimeSynch", NULL, 0, 21, 0},
    {"AMT_MessageLog", "ClearLog", NULL, 0, 24, 2},
    {"AMT_MessageLog", "FreezeLog", NULL, 0, 24, 3},
    {"CIM_KVMRedirectionSAP", "RequestStateChange", "RequestedState", 2, 18, 10},
    {"CIM_KVMRedirectionSAP", "RequestStateChange", "RequestedState", 3, 18, 11},
};
/* clang-format on */

gboolean
call_is_allowed(const Call *call, const char *method)
{
    for (guint i = 0; i < G_N_ELEMENTS(audited); i++) {
        guint64 value;

        if (!g_str_equal(audited[i].method, method) ||
            !g_str_equal(audited[i].class, call->class->name))
            continue;
        if (audited[i].parameter != NULL &&
            (!call_number(call, audited[i].parameter, &value) || value != audited[i].value))
            continue;
        return audit_allows(call->device, audited[i].application, audited[i].event);
    }
    return TRUE;
}

/* ---- reading ---- */

static guint
read_records(Call *call)
{
    const GPtrArray *records = audit_of(call->device)->records;
    guint64 start;
    guint end;

    if (!call_number(call, "StartIndex", &start) || start == 0)
        return PT_INVALID_PARAMETER;
    if (start > records->len && start > 1)
        return PT_INVALID_INDEX;
    end = (guint)MIN((guint64)records->len, start - 1 + AT_ONCE);
    g_string_append_printf(call->out,
                           "<g:TotalRecordCount>%u</g:TotalRecordCount>"
                           "<g:RecordsReturned>%u</g:RecordsReturned>",
                           records->len,
                           end - (guint)(start - 1));
    for (guint i = (guint)start - 1; i < end; i++) {
        gsize length;
        const guint8 *bytes = g_bytes_get_data(records->pdata[i], &length);
        g_autofree char *text = g_base64_encode(bytes, length);

        g_string_append_printf(call->out, "<g:EventRecords>%s</g:EventRecords>", text);
    }
    return DONE;
}

/* ---- the lock ---- */

static gboolean
is_locked(Device *device)
{
    return (audit_state(device) & AUDIT_LOCKED) != 0;
}

/* FALSE: somebody else's lock holds. A log that is not locked wants no handle. */
static gboolean
holds_lock(const Call *call)
{
    guint64 handle;

    return !is_locked(call->device) ||
           (call_number(call, "Handle", &handle) && handle == audit_of(call->device)->handle);
}

static guint
set_audit_lock(Call *call)
{
    DeviceAudit *audit = audit_of(call->device);
    guint64 flag, seconds;

    if (!call_number(call, "Flag", &flag) || flag > UNLOCK)
        return PT_INVALID_PARAMETER;
    if (!holds_lock(call))
        return PT_LOCKED_BY_OTHER;
    if (flag == UNLOCK) {
        if (!is_locked(call->device))
            return PT_NOT_LOCKED;
        audit->locked_until = 0;
        return DONE;
    }
    if (!call_number(call, "LockTimeoutInSeconds", &seconds) || seconds == 0 ||
        seconds > AUDIT_LOCK_MOST)
        return PT_INVALID_PARAMETER;
    if (!is_locked(call->device))
        audit->handle = 1 + (guint)(device_derive(call->device, 42 + audit->handle) % 0xFFFF);
    audit->locked_until = g_get_monotonic_time() + (gint64)seconds * G_USEC_PER_SEC;
    g_string_append_printf(call->out, "<g:Handle>%u</g:Handle>", audit->handle);
    return DONE;
}

/* Whoever holds the lock may, and says so by its handle where a client sends one. */
static guint
clear_log(Call *call)
{
    if (!is_locked(call->device))
        return NOT_LOCKED;
    if (xml_child(call->input, "Handle") != NULL && !holds_lock(call))
        return PT_LOCKED_BY_OTHER;
    audit_clear(call->device);
    return DONE;
}

/* ---- switching ---- */

static guint
request_state_change(Call *call)
{
    DeviceAudit *audit = audit_of(call->device);
    guint64 state;

    if (!call_number(call, "RequestedState", &state) || (state != 2 && state != 3))
        return INVALID_PARAMETER;
    if (audit->disabled == (state == 3))
        return DONE;
    /* it is put on record while the log is on */
    audit->disabled = FALSE;
    logs_audit(call->device, AUDIT_LOG, state == 3 ? LOG_DISABLED : LOG_ENABLED, NULL, 0);
    audit->disabled = state == 3;
    return DONE;
}

/* ---- what is audited ---- */

typedef struct {
    guint64 enable[POLICIES_MOST], application[POLICIES_MOST], event[POLICIES_MOST],
        kind[POLICIES_MOST];
    guint count;
} Policies;

/* Elements of that name as numbers, flags as 0 and 1; how many, or G_MAXUINT when one is no number. */
static guint
read_numbers(const xmlNode *input, const char *name, guint64 numbers[POLICIES_MOST])
{
    guint count = 0;

    for (const xmlNode *node = input->children; node != NULL; node = node->next) {
        g_autofree char *text = NULL;

        if (node->type != XML_ELEMENT_NODE || !g_str_equal(node->name, name))
            continue;
        text = g_strstrip(xml_text(node));
        if (count == POLICIES_MOST)
            return G_MAXUINT;
        if (g_str_equal(text, "true") || g_str_equal(text, "false"))
            numbers[count] = g_str_equal(text, "true");
        else if (!g_ascii_string_to_unsigned(text, 10, 0, 0xFFFF, &numbers[count], NULL))
            return G_MAXUINT;
        count++;
    }
    return count;
}

/* Nothing is changed unless all of it can be. */
static guint
set_policies(Call *call)
{
    DeviceAudit *audit = audit_of(call->device);
    Policies all;

    all.count = read_numbers(call->input, "AuditedAppID", all.application);
    if (all.count == 0 || all.count == G_MAXUINT ||
        read_numbers(call->input, "EventID", all.event) != all.count ||
        read_numbers(call->input, "Enable", all.enable) != all.count ||
        read_numbers(call->input, "PolicyType", all.kind) != all.count)
        return PT_INVALID_PARAMETER;
    for (guint i = 0; i < all.count; i++) {
        guint32 id = (guint32)(all.application[i] << 16 | all.event[i]);

        if (all.kind[i] > 1 || !audit_known(id))
            return PT_INVALID_PARAMETER;
        if (!audit_can_set(id, all.enable[i] != 0, all.kind[i] == 1))
            return PT_NOT_PERMITTED;
    }
    for (guint i = 0; i < all.count; i++)
        audit_set(audit,
                  (guint32)(all.application[i] << 16 | all.event[i]),
                  all.enable[i] != 0,
                  all.kind[i] == 1);
    return DONE;
}

/* That somebody tried is put on record, too. */
static guint
set_audit_policy(Call *call)
{
    guint result = set_policies(call);

    logs_audit(call->device, AUDIT_LOG, POLICY_MODIFIED, NULL, 0);
    return result;
}

static guint
set_audit_policy_bulk(Call *call)
{
    if (model_since(call->device->model, 7, 0))
        return set_audit_policy(call);
    call->fault = &FAULT_ACTION;
    return DONE;
}

const Method methods_audit[] = {
    {"AMT_AuditLog", "ReadRecords", read_records},
    {"AMT_AuditLog", "SetAuditLock", set_audit_lock},
    {"AMT_AuditLog", "ClearLog", clear_log},
    {"AMT_AuditLog", "RequestStateChange", request_state_change},
    {"AMT_AuditPolicyRule", "SetAuditPolicy", set_audit_policy},
    {"AMT_AuditPolicyRule", "SetAuditPolicyBulk", set_audit_policy_bulk},
    {0},
};
