/* SPDX-License-Identifier: Apache-2.0 */
/* What a simulated device writes down: how much of it, in which order, and when not. */
#include "config.h"

#include "audit.h"
#include "logs.h"
#include "power.h"
#include "sim.h"

#include <string.h>

#define FIRST 0x7F520A01U /* 127.82.10.1 */

static Sim *
make(const char *fault)
{
    g_autoptr(GError) error = NULL;
    Sim *sim = sim_new("admin", "P@ssw0rd", 1);

    if (fault != NULL) {
        g_ptr_array_add(sim->faults, fault_parse(fault, &error));
        g_assert_no_error(error);
    }
    g_assert_true(sim_populate(sim, FIRST, 3, "amt12", &error));
    g_assert_no_error(error);
    return sim;
}

static guint
number(Device *device, const char *name)
{
    g_autoptr(GString) text = g_string_new(NULL);

    g_assert_true(audit_append_value(device, name, text));
    return (guint)g_ascii_strtoull(text->str, NULL, 10);
}

/* ---- the event log ---- */

static void
test_events_wrap(void)
{
    g_autoptr(Sim) sim = make(NULL);
    Device *device = &sim->devices[0];
    guint before = logs_events(device)->len;
    guint8 event[LOGS_EVENT_SIZE] = {38};
    const guint8 *last;

    g_assert_cmpuint(before % 5, ==, 0);
    g_assert_cmpuint(before, >=, 5);
    for (guint i = 0; i < 500; i++) {
        event[8] = (guint8)(i / 256);
        event[9] = (guint8)i;
        logs_event(device, event);
    }
    g_assert_cmpuint(logs_events(device)->len, ==, LOGS_EVENTS_MAX);
    /* the oldest that is left is number 110, the latest number 499 */
    g_assert_cmpuint((guint8)logs_events(device)->data[13], ==, 0);
    g_assert_cmpuint((guint8)logs_events(device)->data[14], ==, 110);
    last = (const guint8 *)logs_events(device)->data + (LOGS_EVENTS_MAX - 1) * LOGS_RECORD_SIZE;
    g_assert_cmpuint(last[13] * 256u + last[14], ==, 499);
    logs_clear_events(device);
    g_assert_cmpuint(logs_events(device)->len, ==, 0);
}

/* A start adds four; a frozen log takes none; the tenth wrong login is one. */
static void
test_events_happen(void)
{
    g_autoptr(Sim) sim = make(NULL);
    Device *device = &sim->devices[1];
    guint before = logs_events(device)->len;

    logs_boot(device);
    g_assert_cmpuint(logs_events(device)->len, ==, before + 4);
    for (guint i = 1; i <= 20; i++) {
        device->logins_failed++;
        logs_login_failed(device, "mallory");
        g_assert_cmpuint(logs_events(device)->len, ==, before + 4 + i / 10);
    }
    device->extra->events_frozen = TRUE;
    logs_boot(device);
    g_assert_cmpuint(logs_events(device)->len, ==, before + 6);
}

/* A machine that is switched on has started by the time its log is read. */
static void
test_events_of_power(void)
{
    g_autoptr(Sim) sim = make(NULL);
    Device *device = &sim->devices[2];
    gint64 long_ago = g_get_monotonic_time() - 60 * G_USEC_PER_SEC;
    guint before = logs_events(device)->len;

    device->power = POWER_OFF;
    g_assert_cmpuint(power_request(device, POWER_ON, long_ago), ==, 0);
    g_assert_cmpuint(logs_events(device)->len, ==, before + 4);
}

/* ---- the audit log ---- */

static void
test_audit_wraps(void)
{
    g_autoptr(Sim) sim = make(NULL);
    Device *device = &sim->devices[0];
    DeviceAudit *audit = audit_of(device);
    guint free_before = number(device, "free"), least = 100;
    gsize length;

    g_assert_cmpuint(number(device, "count"), ==, audit->records->len);
    g_assert_cmpuint(number(device, "overwrites"), ==, 2);
    for (guint i = 0; i < 6000; i++) {
        logs_audit(device, AUDIT_REMOTE_CONTROL, 3, NULL, 0);
        g_assert_cmpuint(audit->used, <=, AUDIT_ROOM);
        least = MIN(least, number(device, "free"));
    }
    g_assert_cmpuint(free_before, >=, 98);
    g_assert_cmpuint(least, ==, 0);
    /* done locally: twelve bytes each, and nothing older is left */
    g_assert_cmpuint(audit->records->len, ==, AUDIT_ROOM / 12);
    g_assert_cmpuint(
        ((const guint8 *)g_bytes_get_data(audit->records->pdata[0], &length))[3], ==, 3);
    g_assert_cmpuint(length, ==, 12);
    g_assert_cmpuint(audit_state(device), ==, AUDIT_ALMOST_FULL | AUDIT_NO_KEY);
    g_assert_true(audit_allows(device, AUDIT_REMOTE_CONTROL, 3));
}

static void
test_audit_full(void)
{
    g_autoptr(Sim) sim = make("*=audit-room:4000");
    Device *device = &sim->devices[0];
    DeviceAudit *audit = audit_of(device);
    guint count;

    audit_set(audit, AUDIT_REMOTE_CONTROL << 16, TRUE, TRUE);
    for (guint i = 0; i < 1000; i++)
        logs_audit(device, AUDIT_REMOTE_CONTROL, 3, NULL, 0);
    g_assert_cmpuint(audit_state(device), ==, AUDIT_ALMOST_FULL | AUDIT_NO_KEY);
    g_assert_cmpuint(number(device, "free"), ==, 15);
    count = audit->records->len;
    logs_audit(device, AUDIT_REMOTE_CONTROL, 3, NULL, 0);
    g_assert_cmpuint(audit->records->len, ==, count);
    g_assert_true(audit_allows(device, AUDIT_REMOTE_CONTROL, 0));
    logs_audit(device, AUDIT_REMOTE_CONTROL, 0, NULL, 0);
    g_assert_cmpuint(audit->records->len, ==, count + 1);
    while (audit_allows(device, AUDIT_REMOTE_CONTROL, 0))
        logs_audit(device, AUDIT_REMOTE_CONTROL, 0, NULL, 0);
    g_assert_cmpuint(audit_state(device), ==, AUDIT_ALMOST_FULL | AUDIT_FULL | AUDIT_NO_KEY);
    g_assert_true(audit_allows(device, AUDIT_REMOTE_CONTROL, 3));
    audit_clear(device);
    g_assert_cmpuint(audit->records->len, ==, 1);
    g_assert_true(audit_allows(device, AUDIT_REMOTE_CONTROL, 0));
}

static void
test_audit_policies(void)
{
    g_autoptr(Sim) sim = make(NULL);
    Device *device = &sim->devices[0];
    DeviceAudit *audit = audit_of(device);
    const guint32 event = AUDIT_EVENT_MANAGER << 16 | 2, cleared = AUDIT_LOG << 16;
    guint count = audit->records->len;

    g_assert_cmpuint(audit->rules->len, ==, 55);
    logs_audit(device, AUDIT_EVENT_MANAGER, 2, NULL, 0);
    g_assert_cmpuint(audit->records->len, ==, count);
    audit_set(audit, event, TRUE, FALSE);
    logs_audit(device, AUDIT_EVENT_MANAGER, 2, NULL, 0);
    g_assert_cmpuint(audit->records->len, ==, count + 1);
    audit->locked_until = G_MAXINT64;
    logs_audit(device, AUDIT_EVENT_MANAGER, 2, NULL, 0);
    g_assert_cmpuint(audit->records->len, ==, count + 1);
    audit_set(audit, event, TRUE, TRUE);
    g_assert_false(audit_allows(device, AUDIT_EVENT_MANAGER, 2));
    audit->locked_until = 0;
    audit->disabled = TRUE;
    logs_audit(device, AUDIT_EVENT_MANAGER, 2, NULL, 0);
    g_assert_cmpuint(audit->records->len, ==, count + 1);
    logs_audit(device, AUDIT_LOG, 0, NULL, 0); /* always */
    g_assert_cmpuint(audit->records->len, ==, count + 2);
    g_assert_false(audit_can_set(cleared, FALSE, FALSE));
    g_assert_false(audit_can_set(cleared, TRUE, TRUE));
    g_assert_true(audit_can_set(cleared | 1, TRUE, TRUE));
    g_assert_true(audit_known(AUDIT_CONSENT << 16 | 2));
    g_assert_false(audit_known(AUDIT_CONSENT << 16 | 3));
    for (guint i = 1; i < audit->rules->len; i++)
        g_assert_cmpuint(g_array_index(audit->rules, AuditRule, i - 1).id,
                         <,
                         g_array_index(audit->rules, AuditRule, i).id);
}

/* More than a record can say of something is cut, not written past its end. */
static void
test_audit_long(void)
{
    g_autoptr(Sim) sim = make(NULL);
    Device *device = &sim->devices[0];
    DeviceAudit *audit = audit_of(device);
    g_autofree char *user = g_strnfill(400, 'u');
    guint8 extended[400] = {0};

    device->caller = user;
    device->caller_address = 0x7F000001U;
    logs_audit(device, AUDIT_TIME, 0, extended, sizeof extended);
    device->caller = NULL;
    g_assert_cmpuint(g_bytes_get_size(audit->records->pdata[audit->records->len - 1]),
                     ==,
                     4 + 1 + 1 + 255 + 4 + 1 + 1 + strlen("127.0.0.1") + 1 + 255);
}

int
main(int argc, char *argv[])
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/sim/logs/events-wrap", test_events_wrap);
    g_test_add_func("/sim/logs/events-happen", test_events_happen);
    g_test_add_func("/sim/logs/events-of-power", test_events_of_power);
    g_test_add_func("/sim/logs/audit-wraps", test_audit_wraps);
    g_test_add_func("/sim/logs/audit-full", test_audit_full);
    g_test_add_func("/sim/logs/audit-policies", test_audit_policies);
    g_test_add_func("/sim/logs/audit-long", test_audit_long);
    return g_test_run();
}
