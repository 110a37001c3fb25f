/* SPDX-License-Identifier: Apache-2.0 */
/* The inventory: whose an observation is, what is written of it, how machines are found, reached, merged and forgotten. */
#include "config.h"

#include "machine.h"

#include <postern-plugin.h>

#include <glib/gstdio.h>
#include <string.h>

#define UUID_A  "11111111-2222-3333-4444-55555555aaaa"
#define UUID_B  "11111111-2222-3333-4444-55555555bbbb"
#define ADDRESS "10.0.0.7"

static const gint64 day = G_TIME_SPAN_DAY;
static const gint64 start = 1000 * G_TIME_SPAN_DAY;

typedef struct {
    char *directory, *path;
    Store *store;
} Fixture;

static void
set_up(Fixture *fixture, gconstpointer data)
{
    g_autoptr(GError) error = NULL;

    fixture->directory = g_dir_make_tmp("postern-machine-XXXXXX", &error);
    g_assert_no_error(error);
    fixture->path = g_build_filename(fixture->directory, "fleet.db", NULL);
    fixture->store = store_open(fixture->path, &error);
    g_assert_no_error(error);
    g_assert_true(store_begin(fixture->store, &error));
}

static void
tear_down(Fixture *fixture, gconstpointer data)
{
    g_autoptr(GError) error = NULL;

    store_commit(fixture->store, &error);
    g_assert_no_error(error);
    store_check(fixture->store, &error);
    g_assert_no_error(error);
    store_free(fixture->store);
    g_unlink(fixture->path);
    g_rmdir(fixture->directory);
    g_free(fixture->path);
    g_free(fixture->directory);
}

static gint64
observe(Fixture *fixture, Observation seen, gint64 subject)
{
    g_autoptr(GError) error = NULL;
    gint64 machine = 0;

    seen.source = "test";
    seen.at += start;
    seen.fresh_us = day;
    machine_observe(fixture->store, &seen, subject, &machine, &error);
    g_assert_no_error(error);
    g_assert_cmpint(machine, >, 0);
    return machine;
}

static gint64
see(Fixture *fixture, gint64 at, const char *uuid, const char *fqdn, const char *address)
{
    return observe(
        fixture, (Observation){.uuid = uuid, .fqdn = fqdn, .address = address, .at = at}, 0);
}

static gint64
find(Fixture *fixture, const char *word)
{
    g_autoptr(GError) error = NULL;
    gint64 machine = 0;

    machine_find(fixture->store, word, &machine, &error);
    g_assert_no_error(error);
    return machine;
}

static gint64
at(Fixture *fixture, const char *host, gint64 fresh_since)
{
    g_autoptr(GError) error = NULL;
    gint64 machine = 0;

    machine_at(fixture->store, host, start + fresh_since, &machine, &error);
    g_assert_no_error(error);
    return machine;
}

static void
reached_at(Fixture *fixture, gint64 machine, gint64 fresh_since, const char *expected)
{
    g_autoptr(GError) error = NULL;
    g_autofree char *host = machine_reach(fixture->store, machine, start + fresh_since, &error);

    g_assert_no_error(error);
    g_assert_cmpstr(host, ==, expected);
}

static gint64
count(Fixture *fixture, const char *sql)
{
    g_autoptr(GError) error = NULL;
    gint64 number = -1;

    store_number(fixture->store, &number, -1, &error, sql, "");
    g_assert_no_error(error);
    return number;
}

static Machine *
read_one(Fixture *fixture, gint64 id)
{
    g_autoptr(GError) error = NULL;
    Machine *machine = machine_read(fixture->store, id, &error);

    g_assert_no_error(error);
    return machine;
}

static const char *
fact(const Machine *machine, const char *name)
{
    for (guint i = 0; i < machine->facts->len; i++)
        if (strcmp(((MachineFact *)machine->facts->pdata[i])->name, name) == 0)
            return ((MachineFact *)machine->facts->pdata[i])->text;
    return NULL;
}

/* ---- addresses that DHCP gives to somebody else ---- */

static void
test_stale_address(Fixture *fixture, gconstpointer data)
{
    gint64 a = see(fixture, 0, UUID_A, NULL, ADDRESS);
    gint64 b = see(fixture, 7 * day, UUID_B, NULL, ADDRESS);

    g_assert_cmpint(a, !=, b);
    g_assert_cmpint(find(fixture, ADDRESS), ==, b);
    g_assert_cmpint(at(fixture, ADDRESS, 6 * day), ==, b);
    /* whoever is sent to A must not come to B */
    reached_at(fixture, a, 6 * day, NULL);
    reached_at(fixture, a, -day, NULL);
    reached_at(fixture, b, 6 * day, ADDRESS);
    g_assert_cmpint(see(fixture, 7 * day + 1, NULL, NULL, ADDRESS), ==, b);
    /* A shows up elsewhere */
    g_assert_cmpint(see(fixture, 8 * day, UUID_A, NULL, "10.0.0.8"), ==, a);
    reached_at(fixture, a, 7 * day, "10.0.0.8");
}

static void
test_address_alone(Fixture *fixture, gconstpointer data)
{
    gint64 a = see(fixture, 0, UUID_A, NULL, ADDRESS);
    gint64 other;

    g_assert_cmpint(see(fixture, day / 2, NULL, NULL, ADDRESS), ==, a);
    other = see(fixture, 3 * day, NULL, NULL, ADDRESS);
    g_assert_cmpint(other, !=, a);
    g_assert_cmpint(find(fixture, ADDRESS), ==, other);
    g_assert_cmpint(find(fixture, UUID_A), ==, a);
    g_assert_cmpint(at(fixture, ADDRESS, 4 * day), ==, 0);
}

/* What comes late is history: it does not take an address back. */
static void
test_late_news(Fixture *fixture, gconstpointer data)
{
    gint64 a = see(fixture, 5 * day, UUID_A, NULL, "10.0.0.9");

    g_assert_cmpint(see(fixture, 0, UUID_A, NULL, ADDRESS), ==, a);
    reached_at(fixture, a, 4 * day, "10.0.0.9");
    g_assert_cmpint(count(fixture, "SELECT seen FROM machine"), ==, start + 5 * day);
}

static void
test_reach(Fixture *fixture, gconstpointer data)
{
    gint64 a = see(fixture, 0, UUID_A, "pc-7.example.org", ADDRESS);
    gint64 b = see(fixture, 0, UUID_B, NULL, "10.0.0.8");

    reached_at(fixture, a, -1, ADDRESS);
    reached_at(fixture, a, 1, "pc-7.example.org");
    reached_at(fixture, b, 1, "10.0.0.8"); /* better than nothing: nobody else was seen there */
    reached_at(fixture, b + 1, 1, NULL);
    g_assert_cmpint(at(fixture, "pc-7.example.org", 1), ==, a);
    g_assert_cmpint(at(fixture, "pc-7", 1), ==, a);
    g_assert_cmpint(at(fixture, ADDRESS, 1), ==, 0);
    g_assert_cmpint(at(fixture, ADDRESS, -1), ==, a);
    g_assert_cmpint(at(fixture, "nobody", -1), ==, 0);
}

/* ---- identity ---- */

static void
test_adopts_uuid(Fixture *fixture, gconstpointer data)
{
    gint64 machine = see(fixture, 0, NULL, "PC-7.example.org", NULL);

    g_assert_cmpint(see(fixture, 1, UUID_A, "pc-7.example.org.", NULL), ==, machine);
    g_assert_cmpint(find(fixture, UUID_A), ==, machine);
    g_assert_cmpint(find(fixture, "pc-7"), ==, machine);
    g_assert_cmpint(find(fixture, "#1"), ==, machine);
    g_assert_cmpint(see(fixture, 2, UUID_B, "pc-7.example.org", NULL), !=, machine);
}

/* A run's target that was only an address until now turns out to be a machine that is known. */
static void
test_adopts_record(Fixture *fixture, gconstpointer data)
{
    gint64 known = see(fixture, 0, UUID_A, "pc-7.example.org", NULL);
    gint64 nameless = see(fixture, 1, NULL, NULL, ADDRESS);
    g_autoptr(Machine) machine = NULL;

    g_assert_cmpint(nameless, !=, known);
    g_assert_cmpint(observe(fixture, (Observation){.uuid = UUID_A, .at = 2}, nameless), ==, known);
    g_assert_cmpint(count(fixture, "SELECT count(*) FROM machine"), ==, 1);
    g_assert_cmpint(find(fixture, ADDRESS), ==, known);
    machine = read_one(fixture, known);
    g_assert_cmpstr(machine->name, ==, "pc-7");
    g_assert_cmpuint(machine->keys->len, ==, 2);
}

/* The target's own record takes the UUID it never had; one that has another stays what it is. */
static void
test_subject(Fixture *fixture, gconstpointer data)
{
    gint64 nameless = see(fixture, 0, NULL, NULL, ADDRESS);

    g_assert_cmpint(
        observe(fixture, (Observation){.uuid = UUID_A, .at = 1}, nameless), ==, nameless);
    g_assert_cmpint(
        observe(fixture, (Observation){.uuid = UUID_B, .at = 2}, nameless), !=, nameless);
    g_assert_cmpint(find(fixture, UUID_A), ==, nameless);
    g_assert_cmpint(count(fixture, "SELECT count(*) FROM machine"), ==, 2);
}

static void
test_shared_uuid(Fixture *fixture, gconstpointer data)
{
    static const char bogus[] = "03000200-0400-0500-0006-000700080009";
    gint64 a = see(fixture, 0, bogus, "a.example.org", NULL);
    gint64 b = see(fixture, 0, bogus, "b.example.org", NULL);
    g_autoptr(Machine) machine = read_one(fixture, a);

    g_assert_cmpint(a, !=, b);
    g_assert_null(machine->uuid);
}

static void
test_macs(Fixture *fixture, gconstpointer data)
{
    const char *const both[] = {"00-11-22-33-44-55", "0011.2233.4466", NULL};
    const char *const second[] = {"00:11:22:33:44:66", NULL};
    gint64 a = observe(fixture, (Observation){.macs = both, .address = ADDRESS}, 0);

    /* stronger than the name, which somebody else had */
    see(fixture, 0, NULL, "other.example.org", NULL);
    g_assert_cmpint(
        observe(fixture, (Observation){.macs = second, .fqdn = "other.example.org", .at = 1}, 0),
        ==,
        a);
    g_assert_cmpint(find(fixture, "001122334455"), ==, a);
    g_assert_cmpint(count(fixture, "SELECT count(*) FROM machine_key WHERE kind = 'mac'"), ==, 2);
}

static void
test_several_of_one_name(Fixture *fixture, gconstpointer data)
{
    gint64 a = see(fixture, 0, UUID_A, "pc.a.example.org", NULL);
    gint64 b = see(fixture, 0, UUID_B, "pc.b.example.org", NULL);
    g_autoptr(GError) error = NULL;
    gint64 machine = -1;

    g_assert_false(machine_find(fixture->store, "PC", &machine, &error));
    g_assert_error(error, POSTERN_ERROR, POSTERN_ERROR_CONFLICT);
    g_assert_nonnull(strstr(error->message, UUID_A));
    g_assert_nonnull(strstr(error->message, UUID_B));
    g_assert_cmpint(find(fixture, "pc.b.example.org"), ==, b);
    g_assert_cmpint(find(fixture, UUID_A), ==, a);
    g_assert_cmpint(find(fixture, "#99"), ==, 0);
    g_assert_cmpint(at(fixture, "pc", 0), ==, 0); /* a run is not sent to either */
}

/* ---- what is known ---- */

static gboolean
takes_fact(Fixture *fixture, const char *name, GVariant *value)
{
    GVariantDict dict;
    g_autoptr(GVariant) facts = NULL;
    g_autoptr(GError) error = NULL;
    Observation seen = {.uuid = UUID_A, .source = "test", .at = start};
    gint64 machine = 0, before = count(fixture, "SELECT total_changes()");

    g_variant_dict_init(&dict, NULL);
    g_variant_dict_insert_value(&dict, name, value);
    seen.facts = facts = g_variant_ref_sink(g_variant_dict_end(&dict));
    if (machine_observe(fixture->store, &seen, 0, &machine, &error))
        return TRUE;
    g_assert_error(error, POSTERN_ERROR, POSTERN_ERROR_BAD_PARAM);
    g_assert_cmpint(count(fixture, "SELECT total_changes()"), ==, before);
    return FALSE;
}

static void
test_facts(Fixture *fixture, gconstpointer data)
{
    g_autofree char *most = g_strnfill(1024, 'x'), *more = g_strnfill(1025, 'x');
    g_autofree char *name = g_strnfill(65, 'x');
    g_autoptr(Machine) machine = NULL;

    g_assert_true(takes_fact(fixture, "amt.version", g_variant_new_string("12.0.81")));
    g_assert_true(takes_fact(fixture, "on", g_variant_new_boolean(TRUE)));
    g_assert_true(takes_fact(fixture, "cores", g_variant_new_uint32(8)));
    g_assert_true(takes_fact(fixture, "big", g_variant_new_uint64(G_MAXUINT64)));
    g_assert_true(takes_fact(fixture, "long", g_variant_new_string(most)));
    g_assert_false(takes_fact(fixture, "longer", g_variant_new_string(more)));
    g_assert_false(takes_fact(fixture, name, g_variant_new_string("x")));
    g_assert_false(takes_fact(fixture, "Upper", g_variant_new_string("x")));
    g_assert_false(takes_fact(fixture, "a b", g_variant_new_string("x")));
    g_assert_false(takes_fact(fixture, "bell", g_variant_new_string("\a")));
    g_assert_false(takes_fact(fixture, "list", g_variant_new_strv(NULL, 0)));
    machine = read_one(fixture, find(fixture, UUID_A));
    g_assert_cmpuint(machine->facts->len, ==, 5);
    g_assert_cmpstr(fact(machine, "on"), ==, "yes");
    g_assert_cmpstr(fact(machine, "cores"), ==, "8");
    g_assert_cmpstr(fact(machine, "big"), ==, "18446744073709551615");
}

static void
test_many_facts(Fixture *fixture, gconstpointer data)
{
    GVariantDict dict;
    g_autoptr(GVariant) facts = NULL;
    g_autoptr(GError) error = NULL;
    Observation seen = {.uuid = UUID_A, .source = "test", .at = start};
    gint64 machine = 0;

    g_variant_dict_init(&dict, NULL);
    for (guint i = 0; i < 257; i++) {
        g_autofree char *name = g_strdup_printf("fact-%u", i);
        g_variant_dict_insert(&dict, name, "u", i);
    }
    seen.facts = facts = g_variant_ref_sink(g_variant_dict_end(&dict));
    g_assert_false(machine_observe(fixture->store, &seen, 0, &machine, &error));
    g_assert_error(error, POSTERN_ERROR, POSTERN_ERROR_BAD_PARAM);
    g_assert_cmpint(count(fixture, "SELECT count(*) FROM machine"), ==, 0);
}

static void
test_not_identified(Fixture *fixture, gconstpointer data)
{
    const char *const macs[] = {"ff:ff:ff:ff:ff:ff", NULL};
    static const Observation none = {.source = "test"};
    const Observation wrong[] = {none,
                                 {.uuid = "x", .source = "test"},
                                 {.fqdn = "alone", .source = "test"},
                                 {.fqdn = "10.0.0.7", .source = "test"},
                                 {.address = "10.0.0.256", .source = "test"},
                                 {.address = "fe80::g", .source = "test"},
                                 {.name = "a b", .source = "test"},
                                 {.macs = macs, .source = "test"}};

    for (guint i = 0; i < G_N_ELEMENTS(wrong); i++) {
        g_autoptr(GError) error = NULL;
        gint64 machine = 0;
        g_test_message("%u", i);
        g_assert_false(machine_observe(fixture->store, &wrong[i], 0, &machine, &error));
        g_assert_error(error, POSTERN_ERROR, POSTERN_ERROR_BAD_PARAM);
    }
    g_assert_cmpint(count(fixture, "SELECT count(*) FROM machine"), ==, 0);
}

static void
test_rests(Fixture *fixture, gconstpointer data)
{
    gint64 before;

    see(fixture, 0, UUID_A, "pc-7.example.org", ADDRESS);
    before = count(fixture, "SELECT total_changes()");
    see(fixture, G_TIME_SPAN_SECOND, UUID_A, "pc-7.example.org", ADDRESS);
    g_assert_cmpint(count(fixture, "SELECT total_changes()"), ==, before);
    see(fixture, 2 * G_TIME_SPAN_MINUTE, UUID_A, "pc-7.example.org", ADDRESS);
    g_assert_cmpint(count(fixture, "SELECT total_changes()"), ==, before + 3);
    g_assert_cmpint(count(fixture, "SELECT count(*) FROM machine_history"), ==, 1);
}

static void
test_names(Fixture *fixture, gconstpointer data)
{
    gint64 a = see(fixture, 0, UUID_A, NULL, ADDRESS);
    g_autoptr(Machine) first = read_one(fixture, a), second = NULL, third = NULL;

    g_assert_cmpstr(first->name, ==, ADDRESS);
    see(fixture, 1, UUID_A, "pc-7.example.org", ADDRESS);
    second = read_one(fixture, a);
    g_assert_cmpstr(second->name, ==, "pc-7");
    observe(fixture, (Observation){.uuid = UUID_A, .name = "Kiosk", .at = 2}, 0);
    see(fixture, 3, UUID_A, "pc-8.example.org", NULL);
    third = read_one(fixture, a);
    g_assert_cmpstr(third->name, ==, "kiosk");
}

/* ---- changes by people ---- */

static void
test_merge_and_forget(Fixture *fixture, gconstpointer data)
{
    gint64 a = see(fixture, 0, UUID_A, NULL, NULL),
           b = see(fixture, 1, UUID_B, "b.example.org", NULL);
    g_autoptr(GError) error = NULL;

    g_assert_false(machine_merge(fixture->store, a, b, FALSE, &error));
    g_assert_error(error, POSTERN_ERROR, POSTERN_ERROR_CONFLICT);
    g_clear_error(&error);
    g_assert_false(machine_merge(fixture->store, a, a, TRUE, &error));
    g_assert_error(error, POSTERN_ERROR, POSTERN_ERROR_BAD_PARAM);
    g_clear_error(&error);
    g_assert_true(machine_merge(fixture->store, a, b, TRUE, &error));
    g_assert_no_error(error);
    g_assert_cmpint(find(fixture, "b.example.org"), ==, a);
    g_assert_cmpint(find(fixture, UUID_B), ==, 0);
    g_assert_true(machine_forget(fixture->store, a, &error));
    g_assert_no_error(error);
    g_assert_cmpint(count(fixture, "SELECT count(*) FROM machine_history"), ==, 0);
    g_assert_cmpint(count(fixture, "SELECT count(*) FROM machine_key"), ==, 0);
    g_assert_null(machine_read(fixture->store, a, &error));
    g_assert_error(error, POSTERN_ERROR, POSTERN_ERROR_BAD_PARAM);
}

static void
add_login(Fixture *fixture, gint64 machine, const char *print, gboolean accepted)
{
    g_autofree char *subject = g_strdup_printf("machine:%" G_GINT64_FORMAT, machine);
    g_autoptr(GError) error = NULL;

    store_run(fixture->store,
              &error,
              "INSERT INTO login (subject, print, type, accepted, at) VALUES ($1, $2, 't', $3, 1)",
              "ssi",
              subject,
              print,
              (gint64)accepted);
    g_assert_no_error(error);
}

/* What is known of logins at the one is known of them at the other; where both know, that of the one kept stays. */
static void
test_merge_logins(Fixture *fixture, gconstpointer data)
{
    gint64 keep = see(fixture, 0, UUID_A, NULL, NULL), other = see(fixture, 0, NULL, NULL, ADDRESS);
    g_autofree char *sql = NULL;
    g_autoptr(GError) error = NULL;

    add_login(fixture, keep, "both", TRUE);
    add_login(fixture, other, "both", FALSE);
    add_login(fixture, other, "own", FALSE);
    g_assert_true(machine_merge(fixture->store, keep, other, FALSE, &error));
    g_assert_no_error(error);
    sql = g_strdup_printf("SELECT count(*) FROM login WHERE subject = 'machine:%" G_GINT64_FORMAT
                          "' AND ((print = 'both' AND accepted = 1) OR print = 'own')",
                          keep);
    g_assert_cmpint(count(fixture, sql), ==, 2);
    g_assert_cmpint(count(fixture, "SELECT count(*) FROM login"), ==, 2);
}

static void
test_merge_takes_uuid(Fixture *fixture, gconstpointer data)
{
    gint64 keep = see(fixture, 5, NULL, "pc-7.example.org", NULL);
    gint64 other = see(fixture, 0, UUID_A, NULL, ADDRESS);
    g_autoptr(GError) error = NULL;
    g_autoptr(Machine) machine = NULL;

    g_assert_true(machine_set_tag(fixture->store, other, "lab", TRUE, &error));
    g_assert_true(machine_merge(fixture->store, keep, other, FALSE, &error));
    g_assert_no_error(error);
    machine = read_one(fixture, keep);
    g_assert_cmpstr(machine->uuid, ==, UUID_A);
    g_assert_cmpint(machine->created, ==, start);
    g_assert_cmpint(machine->seen, ==, start + 5);
    g_assert_cmpuint(machine->tags->len, ==, 1);
    g_assert_cmpint(find(fixture, ADDRESS), ==, keep);
}

static void
test_spellings(void)
{
    static const char *const macs[] = {
        "00:1A:2b:33:44:55", "00-1a-2b-33-44-55", "001a.2b33.4455", "001A2B334455"};
    static const char *const none[] = {
        "", "00:1a", "00:1a:2b:33:44:5g", "001a2b3344556", "00:00:00:00:00:00"};

    for (guint i = 0; i < G_N_ELEMENTS(macs); i++) {
        g_autofree char *mac = machine_mac_text(macs[i], NULL);
        g_assert_cmpstr(mac, ==, "00:1a:2b:33:44:55");
    }
    for (guint i = 0; i < G_N_ELEMENTS(none); i++)
        g_assert_null(machine_mac_text(none[i], NULL));
    g_assert_true(machine_uuid_is_bogus("00000000-0000-0000-0000-000000000000"));
    g_assert_true(machine_uuid_is_bogus("03000200-0400-0500-0006-000700080009"));
    g_assert_true(machine_uuid_is_bogus("FFFFFFFF-ffff-ffff-ffff-ffffffffffff"));
    g_assert_false(machine_uuid_is_bogus(UUID_A));
    g_assert_false(machine_is_uuid("11111111-2222-3333-4444-55555555aaa"));
    g_assert_false(machine_is_uuid("11111111+2222-3333-4444-55555555aaaa"));
}

int
main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
#define CASE(name, function)                                                                       \
    g_test_add("/machine/" name, Fixture, NULL, set_up, function, tear_down)
    CASE("stale-address", test_stale_address);
    CASE("address-alone", test_address_alone);
    CASE("late-news", test_late_news);
    CASE("reach", test_reach);
    CASE("adopts-uuid", test_adopts_uuid);
    CASE("adopts-record", test_adopts_record);
    CASE("subject", test_subject);
    CASE("shared-uuid", test_shared_uuid);
    CASE("macs", test_macs);
    CASE("several-of-one-name", test_several_of_one_name);
    CASE("facts", test_facts);
    CASE("many-facts", test_many_facts);
    CASE("not-identified", test_not_identified);
    CASE("rests", test_rests);
    CASE("names", test_names);
    CASE("merge-and-forget", test_merge_and_forget);
    CASE("merge-logins", test_merge_logins);
    CASE("merge-takes-uuid", test_merge_takes_uuid);
    g_test_add_func("/machine/spellings", test_spellings);
    return g_test_run();
}
