/* SPDX-License-Identifier: Apache-2.0 */
/* The event log. */
#include "config.h"

#include "methods.h"

#include <string.h>

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

    if (!call_number(call, "IterationIdentifier", &from) || from == 0 ||
        !call_number(call, "MaxReadRecords", &most) || most == 0 || most > 390)
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

const Method methods_log[] = {
    {"AMT_MessageLog", "PositionToFirstRecord", position_to_first},
    {"AMT_MessageLog", "GetRecords", get_records},
    {"AMT_MessageLog", "ClearLog", clear_log},
    {0},
};
