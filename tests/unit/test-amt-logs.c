/* SPDX-License-Identifier: Apache-2.0 */
/* Records of the event log and of the audit log: recorded ones, ones by the book, and every way to damage them. */
#include "test-amt-logs.h"

#include "amt-audit.h"
#include "amt-event.h"
#include "amt-task.h"

#include <string.h>

/* Every text can be printed, and every member is one that the task's table documents. */
static void
check_row(const PosternTask *task, GVariant *row)
{
    GVariantIter iter;
    const char *name;
    GVariant *value;

    g_variant_iter_init(&iter, row);
    while (g_variant_iter_loop(&iter, "{&sv}", &name, &value)) {
        guint i = 0;

        while (task->rows[i] != NULL && !g_str_equal(task->rows[i]->name, name))
            i++;
        if (task->rows[i] == NULL)
            g_error("%s: %s is in no table", task->id, name);
        g_assert_cmpstr(g_variant_get_type_string(value), ==, task->rows[i]->type);
        if (!g_variant_is_of_type(value, G_VARIANT_TYPE_STRING))
            continue;
        const char *text = g_variant_get_string(value, NULL);
        g_assert_true(g_utf8_validate(text, -1, NULL));
        for (const char *at = text; *at != '\0'; at++)
            g_assert_false(g_ascii_iscntrl(*at));
    }
}

static GVariant *
decode_audit(const guint8 *record, gsize length)
{
    /* a copy of its own: a checker sees a byte too far */
    g_autofree guint8 *copy = g_memdup2(record, length);
    GVariant *row = g_variant_ref_sink(amt_audit_decode(copy, length));

    check_row(&amt_auditlog_get_task, row);
    return row;
}

static GVariant *
decode_event(const guint8 record[AMT_EVENT_BYTES])
{
    g_autofree guint8 *copy = g_memdup2(record, AMT_EVENT_BYTES);
    GVariant *row = g_variant_ref_sink(amt_event_decode(copy));

    check_row(&amt_eventlog_get_task, row);
    return row;
}

/* ---- the event log ---- */

/* Offset, source and severity do not matter to most. */
static void
test_event_texts(void)
{
    static const struct {
        guint8 sensor, offset, data[8];
        const char *text;
    } cases[] = {
        {5, 0, {0}, "case intrusion"},
        {5, 1, {0}, "sensor type 5, event type 111, offset 1"},
        {6, 5, {0xAA, 0x2C, 0x01}, "authentication failed 300 times: possibly an attack"},
        {15, 0, {0x40, 1}, "no memory is installed"},
        {15, 0, {0x40, 13}, "processor speed mismatch"},
        {15, 0, {0x40, 14}, "sensor type 15, event type 111, offset 0"},
        {15, 0, {235, 1}, "invalid data"},
        {15, 2, {0x40, 0x13}, "starting the operating system"},
        {15, 2, {0x40, 25}, "primary processor"},
        {15, 5, {0xAA, 0x30, 0}, "recovery: parameters received"},
        {15, 5, {0xAA, 0x30, 1, 2}, "recovery: boot option added: HTTPS"},
        {15, 5, {0xAA, 0x30, 1, 8}, "recovery: boot option added: WinRE"},
        {15, 5, {0xAA, 0x30, 1, 3}, "recovery: boot option added"},
        {15, 5, {0xAA, 0x30, 6}, "recovery: boot services left"},
        {15, 5, {0xAA, 0x30, 7}, "sensor type 15, event type 111, offset 5"},
        {15, 3, {0xAA, 0x30, 1}, "recovery: no network"},
        {15, 3, {0xAA, 0x30, 8}, "recovery: file not found"},
        {15, 5, {0xAA, 0x40, 1, 2}, "platform erase: disk begun"},
        {15, 5, {0xAA, 0x40, 2, 3}, "platform erase: TPM finished"},
        {15, 5, {0xAA, 0x40, 2, 5}, "platform erase: return to the BIOS's first settings finished"},
        {15, 5, {0xAA, 0x40, 3}, "platform erase: platform erase begun"},
        {15, 5, {0xAA, 0x40, 5, 2}, "platform erase: all done"},
        {15, 3, {0xAA, 0x40, 2}, "platform erase: TPM clear not supported"},
        {15, 3, {0x40, 1}, "firmware error of the manufacturer's own"},
        {15, 5, {0x40, 1}, "firmware progress of the manufacturer's own"},
        {18, 0, {0xAA, 0x78, 0x56, 0x34, 0x12, 0xBC, 0x9A, 8}, "agent 12345678-9abc-...: expired"},
        {18, 0, {0xAA, 0, 0, 0, 0, 0, 0, 3}, "agent 00000000-0000-...: state 3"},
        {30, 0, {0}, "no bootable media"},
        {32, 0, {0}, "operating system locked up, or power was interrupted"},
        {35, 0, {64}, "BIOS start-up watchdog ran out"},
        {35, 0, {0}, "the system failed to boot"},
        {36, 0, {0xAA, 0, 0, 1, 2}, "network filter 258 matched (wired)"},
        {36,
         0,
         {1, 0xFF, 0xFF, 0xFF, 0xFD},
         "network filter matched (interface 1): any received packet"},
        {36, 0, {0xAA, 0xFF, 0xFF, 0xFF, 0xFC}, "network filter matched (wired): any sent packet"},
        {36,
         0,
         {0xAA, 0xFF, 0xFF, 0xFF, 0xFA},
         "network filter matched (wired): a packet with a forged address"},
        {37, 0, {0}, "system firmware started: a processor is present"},
        {38, 0, {0}, "management subsystem health"},
        {192, 0, {0xAA, 0x30, 0}, "SOL opened"},
        {192, 0, {0xAA, 0x30, 3}, "IDER closed"},
        {192, 1, {0xAA, 0x30, 0}, "security policy: sending stopped"},
        {192, 1, {0xAA, 0, 2}, "security policy: receiving stopped"},
        {192, 1, {0xAA, 0, 9}, "security policy invoked"},
        {193, 0, {0xAA, 0x30, 0, 0}, "the user asked for a remote connection"},
        {193, 0, {0xAA, 0x20, 3, 1}, "access control: posture asked for while it is off"},
        {193, 0, {0xAA, 0x20, 4, 0}, "hardware asset error"},
        {193, 0, {0xAA, 0x10, 0, 0}, "the audit log is half full"},
        {193, 0, {0xAA, 0x10, 4, 0}, "the audit log fills up: step 4"},
        {200, 7, {0}, "sensor type 200, event type 111, offset 7"},
    };

    for (guint i = 0; i < G_N_ELEMENTS(cases); i++) {
        guint8 record[AMT_EVENT_BYTES] = {
            0, 0, 0, 0, 0xFF, cases[i].sensor, 0x6F, cases[i].offset, 0x68, 1, 0xFF, 34, 0};
        g_autoptr(GVariant) row = NULL;

        memcpy(record + 13, cases[i].data, 8);
        row = decode_event(record);
        g_assert_cmpstr(params_string(row, "text"), ==, cases[i].text);
    }
}

static void
test_event_fields(void)
{
    static const guint8 severities[] = {0, 1, 2, 4, 8, 16, 32, 3};
    static const char *const words[] = {"unspecified",
                                        "monitor",
                                        "information",
                                        "ok",
                                        "non-critical",
                                        "critical",
                                        "non-recoverable",
                                        "unspecified"};
    guint8 record[AMT_EVENT_BYTES] = {[4] = 0xFF, [8] = 0x58, [11] = 40, [12] = 7};

    memset(record, 0xFF, 4);
    for (guint i = 0; i < G_N_ELEMENTS(severities); i++) {
        g_autoptr(GVariant) row = NULL;

        record[9] = severities[i];
        row = decode_event(record);
        g_assert_cmpstr(params_string(row, "severity"), ==, words[i]);
        g_assert_cmpstr(params_string(row, "time"), ==, NULL);
        g_assert_cmpstr(params_string(row, "entity"), ==, "battery");
        g_assert_cmpstr(params_string(row, "source"), ==, "management engine");
        g_assert_cmpuint(params_uint(row, "entity-instance", 0), ==, 7);
    }
}

/* ---- the audit log ---- */

static GVariant *
decode_base64(const char *text)
{
    gsize length;
    g_autofree guint8 *record = g_base64_decode(text, &length);

    return decode_audit(record, length);
}

static void
test_audit_vector(void)
{
    g_autoptr(GVariant) row = decode_base64("ABMAAAI/9M1uAgAQAAwAAAAoBZkADAAAACQFlA==");

    assert_member(row, "application", "'firmware-update'");
    assert_member(row, "event", "'updated'");
    assert_member(row, "application-id", "19");
    assert_member(row, "event-id", "0");
    assert_member(row, "initiator", "'local'");
    assert_member(row, "user", NULL);
    assert_member(row, "time", "'2004-01-02T01:46:22Z'");
    assert_member(row, "location", "'none'");
    assert_member(row, "address", NULL);
    assert_member(row, "details", "'from 12.0.40.1433 to 12.0.36.1428'");
    assert_member(row, "extended", "'000c000000280599000c000000240594'");
    assert_member(row, "problem", NULL);
}

/* application, event, initiator ... as the book has them, behind one another. */
#define HEAD(application, event) 0, (application), 0, (event)
#define WHEN                     0x65, 0x01, 0x06, 0x22
#define LOCALLY                  2, WHEN, 2, 0
static const guint8 by_digest[] = {HEAD(17, 3), 0,   5,   'a', 'd', 'm', 'i', 'n', WHEN, 0, 9,
                                   '1',         '9', '2', '.', '0', '.', '2', '.', '1',  0};
static const guint8 by_kerberos[] = {HEAD(16, 2), 1,   0,   0,   4,  0x57, 24, 1,   4,   0,    0,
                                     0,           0,   0,   5,   21, 0,    0,  0,   1,   2,    0,
                                     0,           3,   4,   0,   0,  5,    6,  0,   0,   WHEN, 1,
                                     3,           ':', ':', '1', 6,  0,    4,  'l', 'a', 'b',  '1'};
static const guint8 by_kvm[] = {HEAD(18, 12), 3, WHEN, 2, 0, 0};
/* AMT 4 counts the zeros at the ends of its texts */
static const guint8 of_amt4[] = {HEAD(21, 0), 0,   6,   'a', 'd', 'm',  'i',  'n',  0,
                                 WHEN,        0,   10,  '1', '0', '.',  '0',  '.',  '0',
                                 '.',         '1', '0', 0,   4,   0x65, 0x01, 0x06, 0x22};
static const guint8 odd_name[] = {HEAD(17, 0), 0, 5, 'a', 0x1B, '[', 0xC3, 'x', WHEN, 2, 0, 0};
static const guint8 unknown[] = {0x12, 0x34, 0x56, 0x78, LOCALLY, 2, 0xAB, 0xCD};

static void
test_audit_initiators(void)
{
    g_autoptr(GVariant) digest = decode_audit(by_digest, sizeof by_digest);
    g_autoptr(GVariant) kerberos = decode_audit(by_kerberos, sizeof by_kerberos);
    g_autoptr(GVariant) kvm = decode_audit(by_kvm, sizeof by_kvm);
    g_autoptr(GVariant) old = decode_audit(of_amt4, sizeof of_amt4);
    g_autoptr(GVariant) odd = decode_audit(odd_name, sizeof odd_name);
    g_autoptr(GVariant) none = decode_audit(unknown, sizeof unknown);

    assert_member(digest, "initiator", "'digest'");
    assert_member(digest, "user", "'admin'");
    assert_member(digest, "event", "'reset'");
    assert_member(digest, "location", "'ipv4'");
    assert_member(digest, "address", "'192.0.2.1'");
    assert_member(digest, "time", "'2023-09-13T00:45:22Z'");
    assert_member(digest, "details", NULL);
    assert_member(kerberos, "initiator", "'kerberos'");
    assert_member(kerberos, "user", "'S-1-5-21-513-1027-1541-1111'");
    assert_member(kerberos, "location", "'ipv6'");
    assert_member(kerberos, "address", "'::1'");
    assert_member(kerberos, "details", "'account lab1'");
    assert_member(kvm, "initiator", "'kvm'");
    assert_member(kvm, "event", "'vnc-password-failed'");
    assert_member(old, "user", "'admin'");
    assert_member(old, "address", "'10.0.0.10'");
    assert_member(old, "details", "'to 2023-09-13T00:45:22Z'");
    assert_member(odd, "user", "'a?[\357\277\275x'");
    assert_member(none, "application", "'4660'");
    assert_member(none, "event", "'22136'");
    assert_member(none, "extended", "'abcd'");
    assert_member(none, "details", NULL);
}

static void
test_audit_details(void)
{
    static const struct {
        guint8 application, event, length, bytes[12];
        const char *details;
    } cases[] = {
        {16, 1, 1, {2}, "remote configuration"},
        {16, 1, 1, {4}, NULL},
        {16, 2, 5, {0, 3, 'b', 'o', 'b'}, "account bob"},
        {16, 2, 5, {0, 4, 'b', 'o', 'b'}, NULL},
        {16, 3, 6, {5, 0, 3, 'b', 'o', 'b'}, "account bob, changes 0x05"},
        {16, 4, 7, {0, 3, 'b', 'o', 'b', 1, 2}, "account bob"},
        {16, 5, 1, {0}, "at the engine"},
        {16, 5, 1, {1}, "at MEBx"},
        {16, 5, 1, {2}, NULL},
        {16, 6, 6, {0, 0, 3, 'b', 'o', 'b'}, "account bob disabled"},
        {16, 6, 6, {1, 0, 3, 'b', 'o', 'b'}, "account bob enabled"},
        {16, 7, 2, {2, 1}, "remote: mutual, local: server"},
        {16, 7, 2, {3, 1}, NULL},
        {16, 7, 1, {2}, NULL},
        {16, 17, 5, {0, 0, 0, 13, 1}, "realm 13: authentication"},
        {16, 19, 1, {4}, "remote WS-Management"},
        {16, 19, 1, {5}, NULL},
        {20, 5, 1, {1}, "migration failed"},
        {21, 0, 3, {1, 2, 3}, NULL},
        {25, 0, 8, {0, 0, 0, 7, 0, 0, 1, 0}, "handle 7 256"},
        {25, 0, 3, {0, 0, 0}, NULL},
        {30, 0, 2, {0, 255}, "from none to all"},
        {30, 0, 2, {0, 2}, NULL},
        {30, 1, 1, {1}, "failed three times"},
        {17, 0, 0, {0}, NULL},
    };

    for (guint i = 0; i < G_N_ELEMENTS(cases); i++) {
        guint8 record[32] = {HEAD(cases[i].application, cases[i].event), LOCALLY, cases[i].length};
        g_autoptr(GVariant) row = NULL;

        memcpy(record + 12, cases[i].bytes, cases[i].length);
        row = decode_audit(record, 12 + (gsize)cases[i].length);
        g_assert_cmpstr(params_string(row, "details"), ==, cases[i].details);
        g_assert_cmpstr(params_string(row, "problem"), ==, NULL);
    }
}

/* Every event has one name, and the name is that event's. */
static void
test_audit_names(void)
{
    guint known = 0;

    for (guint32 application = 0; application < 40; application++) {
        for (guint32 event = 0; event < 40; event++) {
            guint32 id = application << 16 | event;
            g_autofree char *name = amt_audit_name(id);
            g_autoptr(GArray) ids = g_array_new(FALSE, FALSE, sizeof id);
            g_autoptr(GError) error = NULL;

            g_assert_true(amt_audit_ids(name, ids, &error));
            g_assert_no_error(error);
            g_assert_cmpuint(ids->len, ==, 1);
            g_assert_cmpuint(g_array_index(ids, guint32, 0), ==, id);
            known += amt_audit_event(id) != NULL;
        }
    }
    g_assert_cmpuint(known, ==, 97);
}

static void
test_audit_name_groups(void)
{
    static const char *const bad[] = {
        "", "remote-control.", "remote", "17", "17.x", "1.2.3", "65536.0", "screen-blanking"};
    g_autoptr(GArray) ids = g_array_new(FALSE, FALSE, sizeof(guint32));
    g_autoptr(GError) error = NULL;

    g_assert_true(amt_audit_ids("remote-control", ids, &error));
    g_assert_cmpuint(ids->len, ==, 10);
    for (guint i = 0; i < G_N_ELEMENTS(bad); i++) {
        g_autoptr(GError) why = NULL;

        g_assert_false(amt_audit_ids(bad[i], ids, &why));
        g_assert_error(why, POSTERN_ERROR, POSTERN_ERROR_BAD_PARAM);
    }
    g_assert_cmpuint(ids->len, ==, 10);
}

/* ---- damage ---- */

typedef struct {
    guint8 *bytes;
    gsize length;
} Sample;

static GArray *
audit_samples(void)
{
    static const struct {
        const guint8 *bytes;
        gsize length;
    } own[] = {
        {by_digest, sizeof by_digest},
        {by_kerberos, sizeof by_kerberos},
        {by_kvm, sizeof by_kvm},
        {of_amt4, sizeof of_amt4},
        {odd_name, sizeof odd_name},
        {unknown, sizeof unknown},
    };
    GArray *samples = g_array_new(FALSE, FALSE, sizeof(Sample));
    Sample recorded;

    recorded.bytes = g_base64_decode("ABMAAAI/9M1uAgAQAAwAAAAoBZkADAAAACQFlA==", &recorded.length);
    g_array_append_val(samples, recorded);
    for (guint i = 0; i < G_N_ELEMENTS(own); i++) {
        Sample copy = {g_memdup2(own[i].bytes, own[i].length), own[i].length};
        g_array_append_val(samples, copy);
    }
    return samples;
}

/* A record that is cut anywhere says so, and tells what was before. */
static void
test_audit_truncations(void)
{
    g_autoptr(GArray) samples = audit_samples();

    for (guint i = 0; i < samples->len; i++) {
        Sample *sample = &g_array_index(samples, Sample, i);

        for (gsize length = 0; length < sample->length; length++) {
            g_autoptr(GVariant) row = decode_audit(sample->bytes, length);

            g_assert_nonnull(params_string(row, "problem"));
            g_assert_true((params_string(row, "application") != NULL) == (length >= 4));
        }
        g_free(sample->bytes);
    }
}

static void
test_audit_bit_flips(void)
{
    g_autoptr(GArray) samples = audit_samples();

    for (guint i = 0; i < samples->len; i++) {
        Sample *sample = &g_array_index(samples, Sample, i);

        for (gsize bit = 0; bit < sample->length * 8; bit++) {
            g_autoptr(GVariant) row = NULL;

            sample->bytes[bit / 8] ^= (guint8)(1 << bit % 8);
            row = decode_audit(sample->bytes, sample->length);
            g_assert_nonnull(params_string(row, "application"));
            sample->bytes[bit / 8] ^= (guint8)(1 << bit % 8);
        }
        g_free(sample->bytes);
    }
}

/* Bytes behind a record are something that is wrong, too; and so is a record of any length without sense. */
static void
test_audit_any_bytes(void)
{
    g_autofree guint8 *longer = g_malloc(sizeof by_digest + 1);
    g_autoptr(GVariant) row = NULL;

    memcpy(longer, by_digest, sizeof by_digest);
    longer[sizeof by_digest] = 0;
    row = decode_audit(longer, sizeof by_digest + 1);
    assert_member(row, "problem", "'1 bytes follow the record'");
    for (guint byte = 0; byte < 256; byte++) {
        guint8 same[64];

        memset(same, (int)byte, sizeof same);
        for (gsize length = 0; length <= sizeof same; length++)
            g_variant_unref(decode_audit(same, length));
    }
}

static void
test_event_bit_flips(void)
{
    static const char *const recorded[] = {"Y8iYZf8GbwVoEP8mYaoKAAAAAAAA",
                                           "IgYBZf8PbwJoAf8iAEAHAAAAAAAA",
                                           "AAAAAP8PbwVYAf8iAKowAQIAAAAA"};

    for (guint i = 0; i < G_N_ELEMENTS(recorded); i++) {
        gsize length;
        g_autofree guint8 *bytes = g_base64_decode(recorded[i], &length);

        g_assert_cmpuint(length, ==, AMT_EVENT_BYTES);
        for (gsize bit = 0; bit < length * 8; bit++) {
            g_autoptr(GVariant) row = NULL;

            bytes[bit / 8] ^= (guint8)(1 << bit % 8);
            row = decode_event(bytes);
            g_assert_cmpstr(params_string(row, "text"), !=, NULL);
            bytes[bit / 8] ^= (guint8)(1 << bit % 8);
        }
    }
}

/* A record of the event log that has not 21 bytes never gets as far as the decoder. */
static void
test_event_truncations(void)
{
    for (gsize length = 0; length < AMT_EVENT_BYTES + 2; length++) {
        guint8 bytes[AMT_EVENT_BYTES + 2] = {0};
        g_autofree char *text = g_base64_encode(bytes, length);
        g_autofree char *page = g_strconcat(
            FAKE_HEAD(FAKE_AMT("AMT_MessageLog")),
            "<g:GetRecords_OUTPUT><g:NoMoreRecords>true</g:NoMoreRecords><g:RecordArray>",
            text,
            "</g:RecordArray><g:ReturnValue>0</g:ReturnValue></g:GetRecords_OUTPUT>" FAKE_TAIL,
            NULL);
        FakeStep steps[] = {
            {.status = 200,
             .body = FAKE_BODY(
                 FAKE_AMT("AMT_MessageLog"),
                 "<g:PositionToFirstRecord_OUTPUT><g:IterationIdentifier>1</g:IterationIdentifier>"
                 "<g:ReturnValue>0</g:ReturnValue></g:PositionToFirstRecord_OUTPUT>")},
            {.status = 200, .body = page},
        };
        g_autoptr(FakeHost) fake = fake_host_for(steps);

        if (length == AMT_EVENT_BYTES)
            g_variant_unref(run_task(&amt_eventlog_get_task, fake, "{}"));
        else if (length > 0)
            assert_fails(&amt_eventlog_get_task, fake, "{}", POSTERN_ERROR_PROTOCOL, "expected 21");
    }
}

int
main(int argc, char *argv[])
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/amt/logs/event-texts", test_event_texts);
    g_test_add_func("/amt/logs/event-fields", test_event_fields);
    g_test_add_func("/amt/logs/event-bit-flips", test_event_bit_flips);
    g_test_add_func("/amt/logs/event-truncations", test_event_truncations);
    g_test_add_func("/amt/logs/audit-vector", test_audit_vector);
    g_test_add_func("/amt/logs/audit-initiators", test_audit_initiators);
    g_test_add_func("/amt/logs/audit-details", test_audit_details);
    g_test_add_func("/amt/logs/audit-names", test_audit_names);
    g_test_add_func("/amt/logs/audit-name-groups", test_audit_name_groups);
    g_test_add_func("/amt/logs/audit-truncations", test_audit_truncations);
    g_test_add_func("/amt/logs/audit-bit-flips", test_audit_bit_flips);
    g_test_add_func("/amt/logs/audit-any-bytes", test_audit_any_bytes);
    add_audit_tests();
    return g_test_run();
}
