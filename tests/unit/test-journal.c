/* SPDX-License-Identifier: Apache-2.0 */
#include "config.h"

#include "error.h"
#include "journal.h"
#include "secret.h"

#include <glib/gstdio.h>
#include <sqlite3.h>
#include <string.h>

/*
 * The journal finds what was changed or removed from outside, keeps its chain over retention, and
 * never holds a secret.
 */
enum { ROWS = 10 };

typedef struct {
    char *directory, *path;
    Store *store;
} Fixture;

static void
add(Store *store, const char *kind, gint64 at, gint64 run, const char *message)
{
    g_autoptr(GError) error = NULL;
    JournalRow row = {.at = at,
                      .kind = kind,
                      .run = run,
                      .actor = "alice",
                      .task = "dummy.ok",
                      .target = "lab-7",
                      .outcome = run != 0 ? "ok" : NULL,
                      .message = message};

    store_begin(store, &error);
    g_assert_no_error(error);
    journal_add(store, &row, &error);
    g_assert_no_error(error);
    store_commit(store, &error);
    g_assert_no_error(error);
}

static void
set_up(Fixture *fixture, gconstpointer data)
{
    g_autoptr(GError) error = NULL;

    fixture->directory = g_dir_make_tmp("journal-XXXXXX", &error);
    g_assert_no_error(error);
    fixture->path = g_build_filename(fixture->directory, "fleet.db", NULL);
    fixture->store = store_open(fixture->path, &error);
    g_assert_no_error(error);
    for (gint64 i = 1; i <= ROWS; i += 2) {
        add(fixture->store, "begin", i, 0, NULL);
        add(fixture->store, "end", i + 1, i, "done");
    }
}

static void
tear_down(Fixture *fixture, gconstpointer data)
{
    static const char *const ends[] = {"", "-wal", "-shm"};

    store_free(fixture->store);
    for (guint i = 0; i < G_N_ELEMENTS(ends); i++) {
        g_autofree char *file = g_strconcat(fixture->path, ends[i], NULL);
        g_unlink(file);
    }
    g_rmdir(fixture->directory);
    g_free(fixture->directory);
    g_free(fixture->path);
}

static void
from_outside(const Fixture *fixture, const char *sql)
{
    sqlite3 *db = NULL;

    g_assert_cmpint(sqlite3_open(fixture->path, &db), ==, SQLITE_OK);
    g_assert_cmpint(sqlite3_exec(db, sql, NULL, NULL, NULL), ==, SQLITE_OK);
    sqlite3_close(db);
}

static void
test_sound(Fixture *fixture, gconstpointer data)
{
    g_autoptr(GError) error = NULL;
    g_autofree char *head = NULL;
    g_autofree char *again = NULL;
    guint64 rows = 0;

    g_assert_true(journal_verify(fixture->store, NULL, &head, &rows, &error));
    g_assert_no_error(error);
    g_assert_cmpuint(rows, ==, ROWS);
    g_assert_true(g_str_has_prefix(head, "10:"));
    add(fixture->store, "store", 99, 0, NULL);
    g_assert_true(journal_verify(fixture->store, head, &again, &rows, &error));
    g_assert_cmpstr(again, !=, head);
    head[strlen(head) - 1] = head[strlen(head) - 1] == '0' ? '1' : '0';
    g_clear_pointer(&again, g_free);
    g_assert_false(journal_verify(fixture->store, head, &again, &rows, &error));
    g_assert_error(error, POSTERN_ERROR, POSTERN_ERROR_CONFLICT);
}

typedef struct {
    const char *name, *sql, *row;
} Tamper;

/* clang-format off */
static const Tamper tampers[] = {
    {"changed", "UPDATE journal SET actor = 'bob' WHERE seq = 5", "row 5 "},
    {"emptied", "UPDATE journal SET message = NULL WHERE seq = 4", "row 4 "},
    {"no-integer", "UPDATE journal SET elapsed_us = 0.5 WHERE seq = 6", "row 6 "},
    {"nul", "UPDATE journal SET message = 'done' || char(0) || 'x' WHERE seq = 4", "row 4 "},
    {"moved-text", "UPDATE journal SET task = 'dummy.okl', target = 'ab-7' WHERE seq = 3", "row 3 "},
    {"hash", "UPDATE journal SET hash = zeroblob(32) WHERE seq = 7", "row 7 "},
    {"middle", "DELETE FROM journal WHERE seq = 5", "row 5 is missing"},
    {"first", "DELETE FROM journal WHERE seq = 1", "row 1 is missing"},
    {"last", "DELETE FROM journal WHERE seq = 10", "row 10 is missing"},
    {"all", "DELETE FROM journal", "row 1 is missing"},
    {"head", "DELETE FROM setting WHERE name = 'journal.head'", "row 10 "},
    {"swapped", "UPDATE journal SET seq = -3 WHERE seq = 3; UPDATE journal SET seq = 3 WHERE seq = 7;"
                "UPDATE journal SET seq = 7 WHERE seq = -3", "row 3 "},
};
/* clang-format on */

static void
test_tampered(Fixture *fixture, gconstpointer data)
{
    const Tamper *tamper = data;
    g_autoptr(GError) error = NULL;
    g_autofree char *head = NULL;
    guint64 rows = 0;

    from_outside(fixture, tamper->sql);
    g_assert_false(journal_verify(fixture->store, NULL, &head, &rows, &error));
    g_assert_error(error, POSTERN_ERROR, POSTERN_ERROR_CONFLICT);
    g_assert_nonnull(strstr(error->message, tamper->row));
    g_assert_null(head);
}

static void
test_purged(Fixture *fixture, gconstpointer data)
{
    g_autoptr(GError) error = NULL;
    g_autofree char *head = NULL;
    guint64 removed = 0, rows = 0;

    /* may still go on: stays, whatever the size */
    add(fixture->store, "begin", store_now(), 0, NULL);
    g_assert_true(store_begin(fixture->store, &error));
    g_assert_true(journal_purge(fixture->store, 0, 1, "alice", &removed, &error));
    g_assert_no_error(error);
    g_assert_true(store_commit(fixture->store, &error));
    g_assert_cmpuint(removed, ==, ROWS);
    g_assert_true(journal_verify(fixture->store, NULL, &head, &rows, &error));
    g_assert_no_error(error);
    g_assert_cmpuint(rows, ==, 2);
    from_outside(fixture, "DELETE FROM journal WHERE seq = 11");
    g_clear_pointer(&head, g_free);
    g_assert_false(journal_verify(fixture->store, NULL, &head, &rows, &error));
    g_assert_nonnull(strstr(error->message, "row 11 is missing"));
}

static void
test_rolled_back(Fixture *fixture, gconstpointer data)
{
    g_autoptr(GError) error = NULL;
    g_autofree char *head = NULL;
    JournalRow row = {.at = 1, .kind = "store", .actor = "alice"};
    guint64 rows = 0;

    g_assert_true(store_begin(fixture->store, &error));
    g_assert_true(journal_add(fixture->store, &row, &error));
    g_assert_cmpint(row.seq, ==, ROWS + 1);
    store_rollback(fixture->store);
    add(fixture->store, "store", 1, 0, NULL);
    g_assert_true(journal_verify(fixture->store, NULL, &head, &rows, &error));
    g_assert_no_error(error);
    g_assert_cmpuint(rows, ==, ROWS + 1);
}

static gboolean
count_entry(const JournalEntry *entry, gpointer data)
{
    GString *seen = data;

    g_string_append_printf(seen, "%" G_GINT64_FORMAT "=%s ", entry->seq, entry->outcome);
    g_assert_true(entry->message == NULL || strstr(entry->message, "Tiger-99") == NULL);
    return TRUE;
}

static void
test_read(Fixture *fixture, gconstpointer data)
{
    g_autoptr(GError) error = NULL;
    g_autoptr(GString) seen = g_string_new(NULL);
    g_autoptr(Secret) secret = secret_new("Tiger-99", -1);
    JournalFilter filter = {.after = 8, .task = "dummy.*", .actor = "alice"};

    add(fixture->store, "begin", 50, 0, NULL);
    add(fixture->store, "begin", 51, 0, "the password Tiger-99 was \xff wrong");
    g_assert_true(journal_read(fixture->store, &filter, count_entry, seen, &error));
    g_assert_no_error(error);
    g_assert_cmpstr(seen->str, ==, "9=ok 11=running 12=running ");
    g_string_truncate(seen, 0);
    filter = (JournalFilter){.outcome = "ok", .since = 3, .until = 7};
    g_assert_true(journal_read(fixture->store, &filter, count_entry, seen, &error));
    g_assert_cmpstr(seen->str, ==, "3=ok 5=ok ");
}

int
main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add("/journal/sound", Fixture, NULL, set_up, test_sound, tear_down);
    g_test_add("/journal/purged", Fixture, NULL, set_up, test_purged, tear_down);
    g_test_add("/journal/rolled-back", Fixture, NULL, set_up, test_rolled_back, tear_down);
    g_test_add("/journal/read", Fixture, NULL, set_up, test_read, tear_down);
    for (guint i = 0; i < G_N_ELEMENTS(tampers); i++) {
        g_autofree char *name = g_strconcat("/journal/tampered/", tampers[i].name, NULL);
        g_test_add(name, Fixture, &tampers[i], set_up, test_tampered, tear_down);
    }
    return g_test_run();
}
