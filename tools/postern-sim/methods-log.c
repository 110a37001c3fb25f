/* SPDX-License-Identifier: Apache-2.0 */
/* The event log: latest record first, numbered from 1. */
#include "config.h"

#include "logs.h"
#include "methods.h"

#include <string.h>

/* The firmware's own numbers, and what a log has for the audit log. */
enum { NO_RECORD = 2, FROZEN = 2, INVALID = 2, NONE_LEFT = 3, LOG_CLEARED = 2, LOG_FROZEN = 3 };

/* The n-th latest record, n from 1, in base64. */
static char *
record_text(Device *device, guint n)
{
    const GArray *log = logs_events(device);
    gsize place = log->len - n;

    return g_base64_encode((const guint8 *)log->data + place * LOGS_RECORD_SIZE, LOGS_RECORD_SIZE);
}

static void
append_place(Call *call, guint64 place)
{
    g_string_append_printf(
        call->out, "<g:IterationIdentifier>%" G_GUINT64_FORMAT "</g:IterationIdentifier>", place);
}

static guint
clear_log(Call *call)
{
    if (device_extra(call->device)->events_frozen)
        return FROZEN;
    logs_clear_events(call->device);
    logs_audit(call->device, AUDIT_EVENT_MANAGER, LOG_CLEARED, NULL, 0);
    return DONE;
}

static guint
freeze_log(Call *call)
{
    g_autofree char *text = call_text(call, "Freeze");
    gboolean freeze = g_str_equal(text, "true");

    if (!freeze && !g_str_equal(text, "false"))
        return INVALID;
    device_extra(call->device)->events_frozen = freeze;
    if (freeze)
        logs_audit(call->device, AUDIT_EVENT_MANAGER, LOG_FROZEN, NULL, 0);
    return DONE;
}

static guint
position_to_first(Call *call)
{
    if (logs_events(call->device)->len == 0)
        return NO_RECORD;
    append_place(call, 1);
    return DONE;
}

/* FALSE: not given, or out of the log's bounds. */
static gboolean
read_place(const Call *call, guint64 *place)
{
    return call_number(call, "IterationIdentifier", place) && *place > 0;
}

static guint
get_records(Call *call)
{
    guint count = logs_events(call->device)->len, last;
    guint64 from, most;

    if (!read_place(call, &from) || !call_number(call, "MaxReadRecords", &most) || most == 0 ||
        most > LOGS_EVENTS_MAX)
        return PT_INVALID_PARAMETER;
    if (from > count)
        return NONE_LEFT;
    last = (guint)MIN((guint64)count, from - 1 + most);
    append_place(call, (guint64)last + 1);
    g_string_append_printf(
        call->out, "<g:NoMoreRecords>%s</g:NoMoreRecords>", last >= count ? "true" : "false");
    for (guint n = (guint)from; n <= last; n++) {
        g_autofree char *text = record_text(call->device, n);
        g_string_append_printf(call->out, "<g:RecordArray>%s</g:RecordArray>", text);
    }
    return DONE;
}

static guint
get_record(Call *call)
{
    g_autofree char *next = call_text(call, "PositionToNext");
    g_autofree char *text = NULL;
    guint64 place;

    if (!read_place(call, &place))
        return INVALID;
    if (place > logs_events(call->device)->len)
        return NONE_LEFT;
    append_place(call, place + g_str_equal(next, "true"));
    text = record_text(call->device, (guint)place);
    g_string_append_printf(call->out, "<g:RecordData>%s</g:RecordData>", text);
    return DONE;
}

/* RecordNumber counts from the first record (MoveAbsolute), or from where the iteration is. */
static guint
position_at_record(Call *call)
{
    g_autofree char *absolute = call_text(call, "MoveAbsolute");
    g_autofree char *text = call_text(call, "RecordNumber");
    gint64 number, count = logs_events(call->device)->len;
    guint64 place;

    if (!read_place(call, &place) ||
        !g_ascii_string_to_signed(text, 10, -count, G_MAXINT32, &number, NULL))
        return INVALID;
    if (!g_str_equal(absolute, "true"))
        number += (gint64)place;
    if (number < 1 || number > count)
        return NONE_LEFT;
    append_place(call, (guint64)number);
    g_string_append_printf(
        call->out, "<g:RecordNumber>%" G_GINT64_FORMAT "</g:RecordNumber>", number);
    return DONE;
}

/* There is nothing to forget: the place is all that an iteration is. */
static guint
cancel_iteration(Call *call)
{
    guint64 place;

    return read_place(call, &place) ? DONE : INVALID;
}

const Method methods_log[] = {
    {"AMT_MessageLog", "PositionToFirstRecord", position_to_first},
    {"AMT_MessageLog", "PositionAtRecord", position_at_record},
    {"AMT_MessageLog", "GetRecord", get_record},
    {"AMT_MessageLog", "GetRecords", get_records},
    {"AMT_MessageLog", "CancelIteration", cancel_iteration},
    {"AMT_MessageLog", "FreezeLog", freeze_log},
    {"AMT_MessageLog", "ClearLog", clear_log},
    {0},
};
