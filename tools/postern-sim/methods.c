/* SPDX-License-Identifier: Apache-2.0 */
#include "config.h"

#include "power.h"
#include "sim.h"
#include "soap.h"

#include <string.h>

/* One call: reads `input`, appends its out parameters to `out`, gives the ReturnValue. */
typedef struct {
    Device *device;
    const Request *request;
    SimClass *class;
    const xmlNode *input;
    GString *out;
} Call;

enum {
    DONE = 0,
    NOT_SUPPORTED = 1,
    INVALID_PARAMETER = 5,
    PT_MAXIMUM_REACHED = 23,
    PT_INVALID_TIME = 34,
    PT_INVALID_PARAMETER = 36,
    PT_DUPLICATE = 2058
};

static gboolean
read_number(const Call *call, const char *name, guint64 *number)
{
    g_autofree char *text = g_strstrip(xml_text(xml_child(call->input, name)));

    return g_ascii_string_to_unsigned(text, 10, 0, G_MAXUINT32, number, NULL);
}

/* ---- power ---- */

static guint
request_power_state_change(Call *call)
{
    guint64 wanted;

    if (!read_number(call, "PowerState", &wanted) ||
        xml_child(call->input, "ManagedElement") == NULL)
        return INVALID_PARAMETER;
    return power_request(call->device, wanted, g_get_monotonic_time());
}

static guint
request_os_power_saving(Call *call)
{
    guint64 wanted;

    if (!read_number(call, "OSPowerSavingState", &wanted) || (wanted != 2 && wanted != 3))
        return INVALID_PARAMETER;
    call->device->os_saving = (guint8)wanted;
    return DONE;
}

/* ---- boot ---- */

static guint
change_boot_order(Call *call)
{
    const xmlNode *source = xml_child(call->input, "Source");
    const xmlNode *selectors = xml_child(xml_child(source, "ReferenceParameters"), "SelectorSet");
    g_autofree char *id = xml_text(xml_child(selectors, "Selector"));
    SimClass *class = classes_find(call->device->model, "CIM_BootSourceSetting");
    DeviceExtra *extra = device_extra(call->device);

    if (source == NULL || *id == '\0') {
        g_clear_pointer(&extra->boot_source, g_free);
        return DONE;
    }
    for (guint i = 0; class != NULL && i < class->instances->len; i++) {
        g_autofree char *known =
            device_property(call->device, class->instances->pdata[i], "InstanceID");
        if (g_strcmp0(known, id) == 0) {
            g_free(extra->boot_source);
            extra->boot_source = g_steal_pointer(&known);
            return DONE;
        }
    }
    return INVALID_PARAMETER;
}

static guint
set_boot_config_role(Call *call)
{
    guint64 role;

    if (!read_number(call, "Role", &role) || (role != 1 && role != 32768))
        return INVALID_PARAMETER;
    return DONE;
}

/* ---- switches ---- */

static guint
request_state_change(Call *call, const char *const *states, const char *property)
{
    g_autofree char *state = g_strstrip(xml_text(xml_child(call->input, "RequestedState")));
    const SimInstance *instance = device_first(call->device, call->class->name);

    if (instance == NULL || !g_strv_contains(states, state))
        return INVALID_PARAMETER;
    device_store(call->device, instance, property, state);
    return DONE;
}

static guint
redirection_state_change(Call *call)
{
    static const char *const states[] = {"32768", "32769", "32770", "32771", NULL};

    return request_state_change(call, states, "EnabledState");
}

/* 2 and 3 ask; EnabledState then says 6 (enabled, nobody connected) and 3. */
static guint
kvm_state_change(Call *call)
{
    const SimInstance *instance = device_first(call->device, call->class->name);
    guint64 state;

    if (!read_number(call, "RequestedState", &state) || (state != 2 && state != 3))
        return INVALID_PARAMETER;
    if (instance != NULL)
        device_store(call->device, instance, "EnabledState", state == 2 ? "6" : "3");
    return DONE;
}

static guint
boot_service_state_change(Call *call)
{
    static const char *const states[] = {"32768", "32769", "32770", "32771", NULL};

    if (!model_since(call->device->model, 15, 0))
        return NOT_SUPPORTED;
    return request_state_change(call, states, "EnabledState");
}

/* ---- setup ---- */

static guint
get_uuid(Call *call)
{
    guint8 uuid[16];
    g_autofree char *text = NULL;

    device_uuid(call->device, uuid);
    text = g_base64_encode(uuid, sizeof uuid);
    g_string_append_printf(call->out, "<g:UUID>%s</g:UUID>", text);
    return DONE;
}

static guint
nothing_to_do(Call *call)
{
    return DONE;
}

/* ---- accounts ---- */

static guint
enumerate_users(Call *call)
{
    g_string_append(call->out,
                    "<g:TotalCount>1</g:TotalCount><g:HandlesCount>1</g:HandlesCount>"
                    "<g:Handles>1</g:Handles>");
    return DONE;
}

static guint
get_admin(Call *call)
{
    g_autofree char *user = g_markup_escape_text(call->device->sim->user, -1);

    g_string_append_printf(call->out, "<g:Username>%s</g:Username>", user);
    return DONE;
}

static guint
get_admin_status(Call *call)
{
    g_string_append(call->out, "<g:IsDefault>false</g:IsDefault>");
    return DONE;
}

static guint
get_acl_enabled(Call *call)
{
    g_string_append(call->out, "<g:Enabled>true</g:Enabled>");
    return DONE;
}

/* ---- time ---- */

static gint64
device_clock(Device *device)
{
    const Fault *fault = device_fault(device, FAULT_CLOCK);
    gint64 skew = fault != NULL ? fault->number : 0;
    gint64 offset = device->extra != NULL ? device->extra->clock_offset : 0;

    return g_get_real_time() / G_USEC_PER_SEC + offset + skew;
}

static guint
get_time(Call *call)
{
    g_string_append_printf(
        call->out, "<g:Ta0>%" G_GINT64_FORMAT "</g:Ta0>", device_clock(call->device));
    return DONE;
}

static guint
set_time(Call *call)
{
    guint64 ta0, tm1, tm2;

    if (!read_number(call, "Ta0", &ta0) || !read_number(call, "Tm1", &tm1) ||
        !read_number(call, "Tm2", &tm2))
        return PT_INVALID_PARAMETER;
    device_extra(call->device)->clock_offset += ((gint64)tm1 + (gint64)tm2) / 2 - (gint64)ta0;
    return DONE;
}

/* ---- alarm clock ---- */

static void
append_alarm_reference(Call *call, const DeviceCreated *created)
{
    g_string_append(call->out, "<g:AlarmClock>");
    if (created == NULL) {
        g_string_append(call->out,
                        "<b:Address>default</b:Address><b:ReferenceParameters><c:ResourceURI>"
                        "</c:ResourceURI><c:SelectorSet></c:SelectorSet></b:ReferenceParameters>");
    } else {
        Item item = {.created = created, .class = created->class};
        item_reference(call->device, &item, call->out);
    }
    g_string_append(call->out, "</g:AlarmClock>");
}

static guint
count_created(const Device *device, const SimClass *class)
{
    guint count = 0;

    for (guint i = 0; device->extra->created != NULL && i < device->extra->created->len; i++)
        if (((const DeviceCreated *)device->extra->created->pdata[i])->class == class)
            count++;
    return count;
}

/* Alarms are UTC, in the future, on the full minute. */
static gboolean
is_alarm_time(Call *call, const xmlNode *template)
{
    const xmlNode *start = xml_child(template, "StartTime");
    g_autofree char *text = g_strstrip(xml_text(xml_child(start, "Datetime")));
    g_autoptr(GDateTime) when = g_date_time_new_from_iso8601(text, NULL);

    return when != NULL && g_date_time_get_second(when) == 0 &&
           g_date_time_to_unix(when) > device_clock(call->device);
}

static guint
add_alarm(Call *call)
{
    const xmlNode *template = xml_child(call->input, "AlarmTemplate");
    SimClass *class = classes_find(call->device->model, "IPS_AlarmClockOccurrence");
    g_autoptr(GPtrArray) values =
        template != NULL && class != NULL ? transfer_read(template, class) : NULL;
    const DeviceCreated *created;
    gboolean exists = FALSE;

    device_extra(call->device);
    if (values == NULL) {
        append_alarm_reference(call, NULL);
        return PT_INVALID_PARAMETER;
    }
    if (!is_alarm_time(call, template)) {
        append_alarm_reference(call, NULL);
        return PT_INVALID_TIME;
    }
    created = count_created(call->device, class) < 5
                  ? transfer_add(call->device, class, values, &exists)
                  : NULL;
    append_alarm_reference(call, created);
    if (created != NULL)
        return DONE;
    return exists ? PT_DUPLICATE : PT_MAXIMUM_REACHED;
}

/* ---- event log ---- */

/* Sensor type, event type, offset, source, severity, sensor number, entity, instance, eight bytes.
 */
static const guint8 events[5][16] = {
    {15, 0x6F, 2, 0x68, 1, 0xFF, 34, 0, 0x40, 1, 0, 0, 0, 0, 0, 0},     /* progress: memory */
    {15, 0x6F, 2, 0x68, 1, 0xFF, 34, 0, 0x40, 2, 0, 0, 0, 0, 0, 0},     /* progress: disks */
    {15, 0x6F, 2, 0x68, 1, 0xFF, 34, 0, 0x40, 7, 0, 0, 0, 0, 0, 0},     /* progress: PCI */
    {15, 0x6F, 2, 0x68, 1, 0xFF, 34, 0, 0x40, 0x13, 0, 0, 0, 0, 0, 0},  /* starting the system */
    {6, 0x6F, 5, 0x68, 16, 0xFF, 38, 0x61, 0xAA, 10, 0, 0, 0, 0, 0, 0}, /* failed logins */
};

static void
append_event(Device *device, guint n, guint count, GString *out)
{
    guint8 record[21];
    guint32 when = (guint32)(device_clock(device) - (gint64)(n + 1) * 3607); /* latest first */
    g_autofree char *text = NULL;

    when = GUINT32_TO_LE(when);
    memcpy(record, &when, 4);
    record[4] = 0xFF;
    memcpy(record + 5, events[(count - 1 - n) % G_N_ELEMENTS(events)], 16);
    text = g_base64_encode(record, sizeof record);
    g_string_append_printf(out, "<g:RecordArray>%s</g:RecordArray>", text);
}

/* The firmware's own number for "there is no record". */
enum { NO_RECORD = 2, NONE_LEFT = 3 };

static guint
clear_log(Call *call)
{
    device_clear_events(call->device);
    return DONE;
}

static guint
position_to_first(Call *call)
{
    if (device_events(call->device) == 0)
        return NO_RECORD;
    g_string_append(call->out, "<g:IterationIdentifier>1</g:IterationIdentifier>");
    return DONE;
}

static guint
get_records(Call *call)
{
    guint count = device_events(call->device), last;
    guint64 from, most;
    g_autoptr(GString) records = g_string_new(NULL);

    if (!read_number(call, "IterationIdentifier", &from) || from == 0 ||
        !read_number(call, "MaxReadRecords", &most) || most == 0 || most > 390)
        return PT_INVALID_PARAMETER;
    if (from > count)
        return NONE_LEFT;
    last = (guint)MIN((guint64)count, from - 1 + most);
    for (guint n = (guint)from - 1; n < last; n++)
        append_event(call->device, n, count, records);
    g_string_append_printf(call->out,
                           "<g:IterationIdentifier>%u</g:IterationIdentifier>"
                           "<g:NoMoreRecords>%s</g:NoMoreRecords>%s",
                           last + 1,
                           last >= count ? "true" : "false",
                           records->str);
    return DONE;
}

/* ---- the table ---- */

static const struct {
    const char *class, *method;
    guint (*call)(Call *call);
} methods[] = {
    {"CIM_PowerManagementService", "RequestPowerStateChange", request_power_state_change},
    {"IPS_PowerManagementService", "RequestOSPowerSavingStateChange", request_os_power_saving},
    {"CIM_BootConfigSetting", "ChangeBootOrder", change_boot_order},
    {"CIM_BootService", "SetBootConfigRole", set_boot_config_role},
    {"CIM_BootService", "RequestStateChange", boot_service_state_change},
    {"AMT_RedirectionService", "RequestStateChange", redirection_state_change},
    {"CIM_KVMRedirectionSAP", "RequestStateChange", kvm_state_change},
    {"AMT_SetupAndConfigurationService", "GetUuid", get_uuid},
    {"AMT_SetupAndConfigurationService", "CommitChanges", nothing_to_do},
    {"AMT_AuthorizationService", "EnumerateUserAclEntries", enumerate_users},
    {"AMT_AuthorizationService", "GetAdminAclEntry", get_admin},
    {"AMT_AuthorizationService", "GetAdminAclEntryStatus", get_admin_status},
    {"AMT_AuthorizationService", "GetAdminNetAclEntryStatus", get_admin_status},
    {"AMT_AuthorizationService", "GetAclEnabledState", get_acl_enabled},
    {"AMT_TimeSynchronizationService", "GetLowAccuracyTimeSynch", get_time},
    {"AMT_TimeSynchronizationService", "SetHighAccuracyTimeSynch", set_time},
    {"AMT_AlarmClockService", "AddAlarm", add_alarm},
    {"AMT_MessageLog", "PositionToFirstRecord", position_to_first},
    {"AMT_MessageLog", "GetRecords", get_records},
    {"AMT_MessageLog", "ClearLog", clear_log},
};

static guint
finish(Call *call, const char *method, guint value, GString *out)
{
    envelope_open(out, call->device, call->request, call->class->uri, NULL, FALSE);
    g_string_append_printf(out,
                           "<g:%s_OUTPUT>%s<g:ReturnValue>%u</g:ReturnValue></g:%s_OUTPUT>",
                           method,
                           call->out->str,
                           value,
                           method);
    envelope_close(out);
    return 200;
}

guint
methods_invoke(
    Device *device, const Request *request, SimClass *class, const char *method, GString *out)
{
    const Fault *fault = device_fault(device, FAULT_RETURN);
    g_autofree char *input = g_strconcat(method, "_INPUT", NULL);
    g_autoptr(GString) output = g_string_new(NULL);
    Call call = {device, request, class, request->body, output};

    for (guint i = 0; i < G_N_ELEMENTS(methods); i++) {
        if (!g_str_equal(methods[i].class, class->name) || !g_str_equal(methods[i].method, method))
            continue;
        if (!xml_is(request->body, input, class->uri))
            return envelope_fault(out, device, request, &FAULT_SCHEMA);
        if (fault != NULL)
            return finish(&call, method, (guint)fault->number, out);
        return finish(&call, method, methods[i].call(&call), out);
    }
    return envelope_fault(out, device, request, &FAULT_ACTION);
}
