/* SPDX-License-Identifier: Apache-2.0 */
/* Clock and alarm clock. */
#include "config.h"

#include "logs.h"
#include "methods.h"

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
    guint32 now;

    if (!call_number(call, "Ta0", &ta0) || !call_number(call, "Tm1", &tm1) ||
        !call_number(call, "Tm2", &tm2))
        return PT_INVALID_PARAMETER;
    device_extra(call->device)->clock_offset += ((gint64)tm1 + (gint64)tm2) / 2 - (gint64)ta0;
    now = GUINT32_TO_BE((guint32)device_clock(call->device));
    logs_audit(call->device, AUDIT_TIME, 0, &now, sizeof now);
    return DONE;
}

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

const Method methods_time[] = {
    {"AMT_TimeSynchronizationService", "GetLowAccuracyTimeSynch", get_time},
    {"AMT_TimeSynchronizationService", "SetHighAccuracyTimeSynch", set_time},
    {"AMT_AlarmClockService", "AddAlarm", add_alarm},
    {0},
};
