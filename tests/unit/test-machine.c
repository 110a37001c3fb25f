/* SPDX-License-Identifier: Apache-2.0 */
/* The inventory: whose an observation is, what is written of it, how machines are found. */
#include "config.h"

#include "machine.h"

#include <postern-plugin.h>

#include <glib/gstdio.h>
#include <string.h>

#define UUID_A  "11111111-2222-3333-4444-55555555aaaa"
#define UUID_B  "11111111-2222-3333-4444-55555555bbbb"
#define ADDRESS "10.0.0.7"

static const gint64 day = 24 * G_TIME_SPAN_HOUR;
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
    fixture->path = g_build_filename(fixture->directory, "state", "fleet.db", NULL);
    fixture->store = store_open(fixture->path, &error);
    g_assert_no_error(error);
}

static void
tear_down(Fixture *fixture, gconstpointer data)
{
    static const char *const ends[] = {"", "-wal", "-shm"};
    g_autofree char *inner = g_path_get_dirname(fixture->path);

    store_free(fixture->store);
    for (guint i = 0; i < G_N_ELEMENTS(ends); i++) {
        g_autofree char *file = g_strconcat(fixture->path, ends[i], NULL);
        g_unlink(file);
    }
    g_rmdir(inner);
    g_rmdir(fixture->directory);
    g_free(fixture->path);
    g_free(fixture->directory);
}

static gint64
see(Fixture *fixture, gint64 at, const char *uuid, const char *fqdn, const char *address)
{
    Observation observation = {.uuid = uuid,
                               .fqdn = fqdn,
                               .address = address,
                               .source = "test",
                               .at = start + at,
                               .fresh_us = day};
    g_autoptr(GError) error = NULL;
    gint64 machine = 0;

    machine_observe(fixture->store, &observation, 0, &machine, &error);
    g_assert_no_error(error);
    g_assert_cmpint(machine, >, 0);
    return machine;
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
count(Fixture *fixture, const char *sql)
{
    g_autoptr(GError) error = NULL;
    gint64 number = -1;

    store_number(fixture->store, &number, -1, &error, sql, "");
    g_assert_no_error(error);
    return number;
}

static void
test_stale_address(Fixture *fixture, gconstpointer data)
{
    gint64 a = see(fixture, 0, UUID_A, NULL, ADDRESS);
    gint64 b = see(fixture, 7 * day, UUID_B, NULL, ADDRESS);
    g_autoptr(GError) error = NULL;
    g_autofree char *reach = NULL;

    g_assert_cmpint(a, !=, b);
    g_assert_cmpint(find(fixture, ADDRESS), ==, b);
    reach = machine_reach(fixture->store, a, &error);
    g_assert_no_error(error);
    g_assert_null(reach);
    g_assert_cmpint(
        count(fixture, "SELECT count(*) FROM machine_key WHERE value = '" ADDRESS "'"), ==, 2);
    g_assert_cmpint(see(fixture, 7 * day + 1, NULL, NULL, ADDRESS), ==, b);
}

static void
test_old_address_alone(Fixture *fixture, gconstpointer data)
{
    gint64 a = see(fixture, 0, UUID_A, NULL, ADDRESS);
    gint64 other = see(fixture, 2 * day, NULL, NULL, ADDRESS);

    g_assert_cmpint(other, !=, a);
    g_assert_cmpint(find(fixture, ADDRESS), ==, other);
    g_assert_cmpint(find(fixture, UUID_A), ==, a);
}

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
    g_assert_cmpint(count(fixture, "SELECT count(*) FROM machine_history"), ==, 3);
}

static void
test_merge_and_forget(Fixture *fixture, gconstpointer data)
{
    gint64 a = see(fixture, 0, UUID_A, NULL, NULL),
           b = see(fixture, 1, UUID_B, "b.example.org", NULL);
    g_autoptr(GError) error = NULL;

    g_assert_false(machine_merge(fixture->store, a, b, FALSE, &error));
    g_assert_true(g_error_matches(error, POSTERN_ERROR, POSTERN_ERROR_CONFLICT));
    g_clear_error(&error);
    g_assert_true(machine_merge(fixture->store, a, b, TRUE, &error));
    g_assert_no_error(error);
    g_assert_cmpint(find(fixture, "b.example.org"), ==, a);
    g_assert_true(machine_forget(fixture->store, a, &error));
    g_assert_no_error(error);
    g_assert_cmpint(count(fixture, "SELECT count(*) FROM machine_history"), ==, 0);
    g_assert_false(machine_forget(fixture->store, a, &error));
    g_assert_true(g_error_matches(error, POSTERN_ERROR, POSTERN_ERROR_BAD_PARAM));
}

static void
test_spellings(void)
{
    static const char *const macs[] = {
        "00:1A:2b:33:44:55", "00-1a-2b-33-44-55", "001a.2b33.4455", "001A2B334455"};
    static const char *const none[] = {
        "", "00:1a", "00:1a:2b:33:44:5g", "001a2b3344556", "001a2b334455:"};

    for (guint i = 0; i < G_N_ELEMENTS(macs); i++) {
        g_autofree char *mac = machine_mac_text(macs[i], NULL);
        g_assert_cmpstr(mac, ==, "00:1a:2b:33:44:55");
    }
    for (guint i = 0; i < G_N_ELEMENTS(none); i++)
        g_assert_null(machine_mac_text(none[i], NULL));
    g_assert_true(machine_uuid_is_bogus("00000000-0000-0000-0000-000000000000"));
    g_assert_true(machine_uuid_is_bogus("03000200-0400-0500-0006-000700080009"));
    g_assert_false(machine_uuid_is_bogus(UUID_A));
}

int
main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
#define CASE(name, function)                                                                       \
    g_test_add("/machine/" name, Fixture, NULL, set_up, function, tear_down)
    CASE("stale-address", test_stale_address);
    CASE("old-address-alone", test_old_address_alone);
    CASE("adopts-uuid", test_adopts_uuid);
    CASE("rests", test_rests);
    CASE("merge-and-forget", test_merge_and_forget);
    g_test_add_func("/machine/spellings", test_spellings);
    return g_test_run();
}
