/* SPDX-License-Identifier: Apache-2.0 */
#include "config.h"

#include "logs.h"
#include "power.h"

#include <string.h>

/* After so many wrong logins there is a record of them. */
enum { LOGINS_FAILED = 10, PROGRESS = 4, SECONDS_APART = 3607 };

/* Sensor type, event type, offset, source, severity, sensor number, entity, instance, eight bytes. */
static const guint8 events[PROGRESS + 1][LOGS_EVENT_SIZE] = {
    {15, 0x6F, 2, 0x68, 1, 0xFF, 34, 0, 0x40, 1},                /* progress: memory */
    {15, 0x6F, 2, 0x68, 1, 0xFF, 34, 0, 0x40, 2},                /* progress: disks */
    {15, 0x6F, 2, 0x68, 1, 0xFF, 34, 0, 0x40, 7},                /* progress: PCI */
    {15, 0x6F, 2, 0x68, 1, 0xFF, 34, 0, 0x40, 0x13},             /* starting the system */
    {6, 0x6F, 5, 0x68, 16, 0xFF, 38, 0x61, 0xAA, LOGINS_FAILED}, /* failed logins */
};

static void
append(GArray *log, gint64 time, const guint8 event[LOGS_EVENT_SIZE])
{
    guint32 when = GUINT32_TO_LE((guint32)time);
    guint8 record[LOGS_RECORD_SIZE] = {[4] = 0xFF};

    memcpy(record, &when, sizeof when);
    memcpy(record + 5, event, LOGS_EVENT_SIZE);
    if (log->len >= LOGS_EVENTS_MAX)
        g_array_remove_index(log, 0);
    g_array_append_val(log, record);
}

/* What happened before the simulator began follows from the seed. */
static GArray *
log_of(Device *device)
{
    DeviceExtra *extra = device_extra(device);
    guint count = (1 + (guint)(device_derive(device, 40) % 8)) * G_N_ELEMENTS(events);

    if (extra->events != NULL)
        return extra->events;
    extra->events = g_array_new(FALSE, FALSE, LOGS_RECORD_SIZE);
    for (guint n = count; n > 0; n--)
        append(extra->events,
               device_clock(device) - (gint64)n * SECONDS_APART,
               events[(count - n) % G_N_ELEMENTS(events)]);
    return extra->events;
}

void
logs_event(Device *device, const guint8 event[LOGS_EVENT_SIZE])
{
    GArray *log = log_of(device);

    if (!device->extra->events_frozen)
        append(log, device_clock(device), event);
}

const GArray *
logs_events(Device *device)
{
    power_state(device, g_get_monotonic_time()); /* a start that is due is one that is in the log */
    return log_of(device);
}

void
logs_clear_events(Device *device)
{
    g_array_set_size(log_of(device), 0);
}

void
logs_boot(Device *device)
{
    for (guint i = 0; i < PROGRESS; i++)
        logs_event(device, events[i]);
}

void
logs_login_failed(Device *device, const char *user)
{
    static const guint8 engine = 0; /* not MEBx */

    device->caller = user != NULL ? user : "";
    logs_audit(device, AUDIT_SECURITY_ADMIN, 5, &engine, sizeof engine);
    device->caller = NULL;
    if (device->logins_failed % LOGINS_FAILED == 0)
        logs_event(device, events[PROGRESS]);
}
