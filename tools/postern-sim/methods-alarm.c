/* SPDX-License-Identifier: Apache-2.0 */
/* The alarm clock. */
#include "config.h"

#include "alarm.h"
#include "methods.h"
#include "power.h"
#include "rules.h"

#include <stdio.h>
#include <string.h>

enum { ALARMS_MOST = 5 };

static const char class_name[] = "IPS_AlarmClockOccurrence";

/* The text of <\1:Datetime> or <\1:Interval> as it is stored, newly allocated; NULL: there is none. */
static char *
inner_text(const GPtrArray *values, const char *name)
{
    const char *xml = rules_value(values, name);
    const char *start = xml != NULL ? strchr(xml, '>') : NULL;
    const char *end = start != NULL ? strchr(start, '<') : NULL;

    return end != NULL ? g_strndup(start + 1, (gsize)(end - start - 1)) : NULL;
}

static gint64
start_of(const GPtrArray *values)
{
    g_autofree char *text = inner_text(values, "StartTime");
    g_autoptr(GDateTime) when = text != NULL ? g_date_time_new_from_iso8601(text, NULL) : NULL;

    return when != NULL && g_date_time_get_second(when) == 0 ? g_date_time_to_unix(when) : 0;
}

/* P1DT2H30M in seconds; 0: none, -1: not of this form. */
static gint64
interval_of(const GPtrArray *values)
{
    g_autofree char *text = inner_text(values, "Interval");
    guint days = 0, hours = 0, minutes = 0;
    int end = 0;

    if (text == NULL || *text == '\0')
        return 0;
    if (sscanf(text, "P%5uDT%5uH%5uM%n", &days, &hours, &minutes, &end) == 3 &&
        end == (int)strlen(text))
        return ((days * 24 + hours) * 60 + minutes) * (gint64)60;
    return -1;
}

/* ---- adding ---- */

static void
append_reference(Call *call, const DeviceCreated *created)
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
try_add(Call *call, SimClass *class, GPtrArray *values, const DeviceCreated **created)
{
    gboolean exists = FALSE;

    if (values == NULL || interval_of(values) < 0)
        return PT_INVALID_PARAMETER;
    if (start_of(values) <= device_clock(call->device))
        return PT_INVALID_TIME;
    if (rules_count(call->device, class) < ALARMS_MOST)
        *created = transfer_add(call->device, class, values, &exists);
    if (*created != NULL)
        return DONE;
    return exists ? PT_DUPLICATE : PT_MAXIMUM_REACHED;
}

static guint
add_alarm(Call *call)
{
    const xmlNode *template = xml_child(call->input, "AlarmTemplate");
    SimClass *class = classes_find(call->device->model, class_name);
    g_autoptr(GPtrArray) values =
        template != NULL && class != NULL ? transfer_read(template, class) : NULL;
    const DeviceCreated *created = NULL;
    guint result = try_add(call, class, values, &created);

    append_reference(call, created);
    if (result == DONE)
        device_extra(call->device)->alarms_until = device_clock(call->device);
    return result;
}

const Method methods_alarm[] = {
    {"AMT_AlarmClockService", "AddAlarm", add_alarm},
    {0},
};

/* ---- going off ---- */

static void
wake(Device *device)
{
    gint64 now = g_get_monotonic_time();

    if (power_state(device, now) != POWER_ON)
        power_request(device, POWER_ON, now);
}

/* To the first time after `now`. */
static void
move_on(GPtrArray *values, gint64 start, gint64 interval, gint64 now)
{
    gint64 next = start + ((now - start) / interval + 1) * interval;
    g_autoptr(GDateTime) when = g_date_time_new_from_unix_utc(next);
    g_autofree char *text = g_date_time_format(when, "%Y-%m-%dT%H:%M:%SZ");

    for (guint i = 0; i < values->len; i++) {
        DeviceStored *one = values->pdata[i];
        if (!g_str_equal(one->name, "StartTime"))
            continue;
        g_free(one->xml);
        one->xml = g_strdup_printf("<\1:Datetime>%s</\1:Datetime>", text);
    }
}

/* TRUE: its time has come and gone, and it wants to be forgotten. */
static gboolean
go_off(Device *device, const DeviceCreated *alarm, gint64 before, gint64 now)
{
    gint64 start = start_of(alarm->properties), interval = interval_of(alarm->properties);

    if (start <= before || start > now)
        return FALSE;
    wake(device);
    if (interval > 0) {
        move_on(alarm->properties, start, interval, now);
        return FALSE;
    }
    return g_strcmp0(rules_value(alarm->properties, "DeleteOnCompletion"), "true") == 0;
}

void
alarms_fire(Device *device)
{
    DeviceExtra *extra = device->extra;
    gint64 now, before;

    if (extra == NULL || extra->alarms_until == 0)
        return;
    now = device_clock(device);
    before = extra->alarms_until;
    extra->alarms_until =
        now; /* first, because waking looks at the power state and comes here again */
    for (guint i = extra->created != NULL ? extra->created->len : 0; i > 0 && now > before; i--) {
        const DeviceCreated *one = extra->created->pdata[i - 1];
        if (g_str_equal(one->class->name, class_name) && go_off(device, one, before, now))
            g_ptr_array_remove_index(extra->created, i - 1);
    }
}
