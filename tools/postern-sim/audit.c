/* SPDX-License-Identifier: Apache-2.0 */
#include "config.h"

#include "audit.h"
#include "logs.h"
#include "sim.h"

#include <string.h>

enum { DIGEST = 0, LOCAL = 2, IPV4 = 0, NO_ADDRESS = 2, RECORD_MOST = 64, ALMOST_PERCENT = 85 };
enum { CLEARED = 0, POLICY = 1, RECOVERED = 5, SETUP_STARTED = 0, SETUP_DONE = 1 };

/* Events of each application, and which of them are audited unless somebody says otherwise, as a recorded device has
 * it: bit n is event n. */
static const struct {
    guint8 application, events;
    guint32 audited;
} applications[] = {
    {16, 20, 0xE7FFF},
    {17, 10, 0x1F},
    {18, 13, 0x1FFF},
    {19, 2, 0x3},
    {20, 6, 0x3F},
    {21, 1, 0x1},
    {22, 6, 0},
    {23, 4, 0},
    {24, 4, 0},
    {25, 7, 0},
    {26, 3, 0},
    {27, 6, 0x18},
    {28, 5, 0},
    {29, 5, 0x1F},
    {30, 3, 0x7},
    {32, 1, 0},
    {33, 3, 0},
};

/* ---- what is audited ---- */

gboolean
audit_known(guint32 id)
{
    for (guint i = 0; i < G_N_ELEMENTS(applications); i++)
        if (applications[i].application == id >> 16)
            return (id & 0xFFFF) < applications[i].events;
    return FALSE;
}

static gboolean
is_always(guint32 id)
{
    return id == (AUDIT_LOG << 16 | CLEARED) || id == (AUDIT_LOG << 16 | RECOVERED) ||
           id == (AUDIT_SECURITY_ADMIN << 16 | SETUP_STARTED) ||
           id == (AUDIT_SECURITY_ADMIN << 16 | SETUP_DONE);
}

gboolean
audit_can_set(guint32 id, gboolean enable, gboolean critical)
{
    gboolean never_critical = is_always(id) || (id >> 16 == AUDIT_LOG && (id & 0xFFFF) != POLICY);

    return (enable || !is_always(id)) && !(critical && never_critical);
}

/* Its place, or where it would stand. */
static guint
place_of(const GArray *rules, guint32 id)
{
    guint at = 0;

    while (at < rules->len && g_array_index(rules, AuditRule, at).id < id)
        at++;
    return at;
}

static const AuditRule *
rule_of(const DeviceAudit *audit, guint32 id)
{
    guint at = place_of(audit->rules, id);
    const AuditRule *rule = &g_array_index(audit->rules, AuditRule, at);

    return at < audit->rules->len && rule->id == id ? rule : NULL;
}

void
audit_set(DeviceAudit *audit, guint32 id, gboolean enable, gboolean critical)
{
    AuditRule rule = {id, critical};
    guint at = place_of(audit->rules, id);

    if (rule_of(audit, id) != NULL)
        g_array_remove_index(audit->rules, at);
    if (enable)
        g_array_insert_val(audit->rules, at, rule);
}

/* ---- room ---- */

static gsize
room_of(const Device *device)
{
    const Fault *fault = device_fault(device, FAULT_AUDIT_ROOM);

    return fault != NULL ? (gsize)fault->number : AUDIT_ROOM;
}

gboolean
audit_keeps(const Device *device)
{
    return device_fault(device, FAULT_AUDIT_ROOM) != NULL;
}

static guint
percent_used(const Device *device, const DeviceAudit *audit)
{
    return (guint)(audit->used * 100 / room_of(device));
}

static gboolean
is_full(const Device *device, const DeviceAudit *audit)
{
    return audit_keeps(device) && audit->used + RECORD_MOST > room_of(device);
}

static gboolean
is_locked(const DeviceAudit *audit)
{
    return audit->locked_until > g_get_monotonic_time();
}

guint
audit_state(Device *device)
{
    const DeviceAudit *audit = audit_of(device);

    return (audit->disabled ? AUDIT_DISABLED : 0u) | (is_locked(audit) ? AUDIT_LOCKED : 0u) |
           (percent_used(device, audit) >= ALMOST_PERCENT ? AUDIT_ALMOST_FULL : 0u) |
           (is_full(device, audit) ? AUDIT_FULL : 0u) | (audit->key == NULL ? AUDIT_NO_KEY : 0u);
}

gboolean
audit_allows(Device *device, guint application, guint event)
{
    const DeviceAudit *audit = audit_of(device);
    const AuditRule *rule = rule_of(audit, application << 16 | event);

    return audit->disabled || rule == NULL || !rule->critical ||
           (!is_locked(audit) && !is_full(device, audit));
}

/* Whether an event is to be recorded, and can be. */
static gboolean
is_recorded(Device *device, const DeviceAudit *audit, guint32 id)
{
    const AuditRule *rule = rule_of(audit, id);

    if (is_always(id))
        return TRUE;
    if (audit->disabled || rule == NULL || is_locked(audit))
        return FALSE;
    return !audit_keeps(device) || rule->critical || percent_used(device, audit) < ALMOST_PERCENT;
}

/* ---- records ---- */

typedef struct {
    guint32 id;
    const char *user; /* NULL: done locally */
    guint32 address;  /* 0: none */
    gint64 time;
    const guint8 *extended;
    gsize length;
} Record;

static void
append_u32(GByteArray *out, guint32 value)
{
    guint32 wire = GUINT32_TO_BE(value);

    g_byte_array_append(out, (const guint8 *)&wire, sizeof wire);
}

static void
append_byte(GByteArray *out, guint value)
{
    guint8 byte = (guint8)value;

    g_byte_array_append(out, &byte, 1);
}

/* Length and bytes. */
static void
append_short(GByteArray *out, gconstpointer data, gsize length)
{
    gsize taken = MIN(length, LOGS_EXTENDED_MAX);

    append_byte(out, (guint)taken);
    if (taken > 0)
        g_byte_array_append(out, data, (guint)taken);
}

static GBytes *
write_record(const Record *record)
{
    GByteArray *out = g_byte_array_new();
    char address[16];

    append_u32(out, record->id);
    append_byte(out, record->user != NULL ? DIGEST : LOCAL);
    if (record->user != NULL)
        append_short(out, record->user, strlen(record->user));
    append_u32(out, (guint32)record->time);
    append_byte(out, record->address != 0 ? IPV4 : NO_ADDRESS);
    device_address_text(record->address, address);
    append_short(out, address, record->address != 0 ? strlen(address) : 0);
    append_short(out, record->extended, record->length);
    return g_byte_array_free_to_bytes(out);
}

/* Takes `bytes`. Where the log may, the oldest records make room. */
static void
keep(Device *device, DeviceAudit *audit, GBytes *bytes)
{
    gsize size = g_bytes_get_size(bytes);

    while (!audit_keeps(device) && audit->records->len > 0 &&
           audit->used + size > room_of(device)) {
        audit->used -= g_bytes_get_size(audit->records->pdata[0]);
        g_ptr_array_remove_index(audit->records, 0);
    }
    if (audit->used + size > room_of(device)) {
        g_bytes_unref(bytes);
        return;
    }
    audit->used += size;
    g_ptr_array_add(audit->records, bytes);
}

void
logs_audit(Device *device, guint application, guint event, gconstpointer extended, gsize length)
{
    DeviceAudit *audit = audit_of(device);
    Record record = {application << 16 | event,
                     device->caller,
                     device->caller != NULL ? device->caller_address : 0,
                     device_clock(device),
                     extended,
                     length};

    if (is_recorded(device, audit, record.id))
        keep(device, audit, write_record(&record));
}

/* ---- a device's own ---- */

/* What happened before the simulator began follows from the seed. */
static void
add_history(Device *device, DeviceAudit *audit)
{
    static const guint8 remote[] = {2}, zeros[4] = {0}, consent[] = {0, 1},
                        update[] = {0, 12, 0, 0, 0, 36, 5, 0x94, 0, 12, 0, 0, 0, 40, 5, 0x99};
    static const struct {
        guint32 id;
        gboolean local;
        const guint8 *extended;
        gsize length;
    } past[] = {
        {AUDIT_SECURITY_ADMIN << 16 | SETUP_STARTED, TRUE, NULL, 0},
        {AUDIT_SECURITY_ADMIN << 16 | SETUP_DONE, FALSE, remote, sizeof remote},
        {AUDIT_TIME << 16, FALSE, zeros, sizeof zeros},
        {19 << 16, TRUE, update, sizeof update},
        {AUDIT_REMOTE_CONTROL << 16, FALSE, NULL, 0},
        {AUDIT_CONSENT << 16, FALSE, consent, sizeof consent},
    };
    guint count = 12 + (guint)(device_derive(device, 41) % 30);

    for (guint i = 0; i < count; i++) {
        guint at = i < G_N_ELEMENTS(past) ? i : 4 + i % 2;
        Record record = {past[at].id,
                         past[at].local ? NULL : device->sim->user,
                         past[at].local ? 0 : 0x7F000001U,
                         device_clock(device) - (gint64)(count - i) * 7211,
                         past[at].extended,
                         past[at].length};
        guint32 when = GUINT32_TO_BE((guint32)record.time);
        if (past[at].extended == zeros)
            record.extended = (const guint8 *)&when;
        keep(device, audit, write_record(&record));
    }
}

DeviceAudit *
audit_of(Device *device)
{
    DeviceExtra *extra = device_extra(device);
    DeviceAudit *audit = extra->audit;

    if (audit != NULL)
        return audit;
    audit = extra->audit = g_new0(DeviceAudit, 1);
    audit->records = g_ptr_array_new_with_free_func((GDestroyNotify)g_bytes_unref);
    audit->certificates = g_ptr_array_new_with_free_func((GDestroyNotify)g_bytes_unref);
    audit->rules = g_array_new(FALSE, FALSE, sizeof(AuditRule));
    for (guint i = 0; i < G_N_ELEMENTS(applications); i++)
        for (guint event = 0; event < applications[i].events; event++)
            if ((applications[i].audited >> event & 1) != 0)
                audit_set(audit, (guint32)applications[i].application << 16 | event, TRUE, FALSE);
    add_history(device, audit);
    return audit;
}

void
audit_free(DeviceAudit *audit)
{
    g_ptr_array_unref(audit->records);
    g_ptr_array_unref(audit->certificates);
    g_array_unref(audit->rules);
    EVP_PKEY_free(audit->key);
    g_free(audit);
}

void
audit_clear(Device *device)
{
    DeviceAudit *audit = audit_of(device);

    g_ptr_array_set_size(audit->records, 0);
    audit->used = 0;
    logs_audit(device, AUDIT_LOG, CLEARED, NULL, 0);
}

/* ---- what its classes show ---- */

gint64
audit_time(const GBytes *record)
{
    gsize length;
    const guint8 *bytes = g_bytes_get_data((GBytes *)(gsize)record, &length);
    gsize at = bytes[4] == DIGEST ? 6u + bytes[5] : 5u; /* we wrote it: it has no other form */
    guint32 wire;

    memcpy(&wire, bytes + at, sizeof wire);
    return GUINT32_FROM_BE(wire);
}

void
audit_append_time(gint64 time, GString *out)
{
    g_autoptr(GDateTime) when = g_date_time_new_from_unix_utc(time);
    g_autofree char *text = g_date_time_format_iso8601(when);

    g_string_append(out, text);
}

static void
append_rules(const GArray *rules, gboolean kinds, GString *out)
{
    for (guint i = 0; i < rules->len; i++) {
        const AuditRule *rule = &g_array_index(rules, AuditRule, i);
        g_string_append_printf(out, " %u", kinds ? (guint)rule->critical : rule->id);
    }
}

/* Numbers by name; G_MAXUINT: no such name. */
static guint
number_of(Device *device, const DeviceAudit *audit, const char *name)
{
    if (g_str_equal(name, "count"))
        return audit->records->len;
    if (g_str_equal(name, "free"))
        return 100 - percent_used(device, audit);
    if (g_str_equal(name, "state"))
        return audit_state(device);
    if (g_str_equal(name, "enabled"))
        return audit->disabled ? 3 : 2;
    if (g_str_equal(name, "overwrites"))
        return audit_keeps(device) ? 7 : 2;
    return g_str_equal(name, "storage") ? !audit_keeps(device) : G_MAXUINT;
}

gboolean
audit_append_value(Device *device, const char *name, GString *out)
{
    const DeviceAudit *audit = audit_of(device);
    guint number = number_of(device, audit, name);

    if (number != G_MAXUINT) {
        g_string_append_printf(out, "%u", number);
        return TRUE;
    }
    if (g_str_equal(name, "events") || g_str_equal(name, "kinds"))
        append_rules(audit->rules, g_str_equal(name, "kinds"), out);
    else if (audit->records->len > 0)
        audit_append_time(audit_time(audit->records->pdata[audit->records->len - 1]), out);
    else
        return FALSE;
    return TRUE;
}
