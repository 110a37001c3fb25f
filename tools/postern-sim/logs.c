/* SPDX-License-Identifier: Apache-2.0 */
#include "config.h"

#include "logs.h"

#include <string.h>

enum { EVENTS_MAX = 390, AUDIT_MAX = 1000, DIGEST = 0, LOCAL = 2, NO_ADDRESS = 2 };

void
logs_event(Device *device, const guint8 event[LOGS_EVENT_SIZE])
{
    DeviceExtra *extra = device_extra(device);
    guint32 when = GUINT32_TO_LE((guint32)device_clock(device));
    guint8 record[21] = {[4] = 0xFF};

    memcpy(record, &when, sizeof when);
    memcpy(record + 5, event, LOGS_EVENT_SIZE);
    if (extra->events == NULL)
        extra->events = g_array_new(FALSE, FALSE, sizeof record);
    if (extra->events->len >= EVENTS_MAX)
        g_array_remove_index(extra->events, 0);
    g_array_append_val(extra->events, record);
}

static void
append_u16(GByteArray *out, guint value)
{
    guint16 wire = GUINT16_TO_BE((guint16)value);

    g_byte_array_append(out, (const guint8 *)&wire, sizeof wire);
}

/* Length and text. */
static void
append_short(GByteArray *out, gconstpointer data, gsize length)
{
    guint8 wire = (guint8)length;

    g_byte_array_append(out, &wire, 1);
    if (length > 0)
        g_byte_array_append(out, data, (guint)length);
}

void
logs_audit(Device *device, guint application, guint event, gconstpointer extended, gsize length)
{
    DeviceExtra *extra = device_extra(device);
    GByteArray *record = g_byte_array_new();
    guint32 when = GUINT32_TO_BE((guint32)device_clock(device));
    const guint8 who = device->caller != NULL ? DIGEST : LOCAL, where = NO_ADDRESS;

    append_u16(record, application);
    append_u16(record, event);
    g_byte_array_append(record, &who, 1);
    if (device->caller != NULL)
        append_short(record, device->caller, strlen(device->caller));
    g_byte_array_append(record, (const guint8 *)&when, sizeof when);
    g_byte_array_append(record, &where, 1);
    append_short(record, NULL, 0);
    append_short(record, extended, MIN(length, LOGS_EXTENDED_MAX));
    if (extra->audit == NULL)
        extra->audit = g_ptr_array_new_with_free_func((GDestroyNotify)g_bytes_unref);
    if (extra->audit->len >= AUDIT_MAX)
        g_ptr_array_remove_index(extra->audit, 0);
    g_ptr_array_add(extra->audit, g_byte_array_free_to_bytes(record));
}
