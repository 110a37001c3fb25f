/* SPDX-License-Identifier: Apache-2.0 */
/* The clock. */
#include "config.h"

#include "logs.h"
#include "methods.h"

enum { TIME_SET = 0 };

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
    logs_audit(call->device, AUDIT_TIME, TIME_SET, &now, sizeof now);
    return DONE;
}

const Method methods_time[] = {
    {"AMT_TimeSynchronizationService", "GetLowAccuracyTimeSynch", get_time},
    {"AMT_TimeSynchronizationService", "SetHighAccuracyTimeSynch", set_time},
    {0},
};
