/* SPDX-License-Identifier: Apache-2.0 */
#include "config.h"

#include "error.h"
#include "journal.h"

#include <fcntl.h>
#include <glib/gstdio.h>
#include <signal.h>
#include <sqlite3.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

/* The store is safe with several processes and with kill -9, and refuses what it must not touch. */
enum { WRITERS = 8, KILLS = 5, SECOND_US = 1000 * 1000 };

typedef struct {
    char *directory, *path, *copy;
} Fixture;

static void
set_up(Fixture *fixture, gconstpointer data)
{
    g_autoptr(GError) error = NULL;

    fixture->directory = g_dir_make_tmp("store-XXXXXX", &error);
    g_assert_no_error(error);
    fixture->path = g_build_filename(fixture->directory, "fleet.db", NULL);
    fixture->copy = g_build_filename(fixture->directory, "copy.db", NULL);
}

static void
tear_down(Fixture *fixture, gconstpointer data)
{
    g_autoptr(GDir) directory = g_dir_open(fixture->directory, 0, NULL);
    const char *name;

    while ((name = g_dir_read_name(directory)) != NULL) {
        g_autofree char *file = g_build_filename(fixture->directory, name, NULL);
        g_unlink(file);
    }
    g_rmdir(fixture->directory);
    g_free(fixture->directory);
    g_free(fixture->path);
    g_free(fixture->copy);
}

static Store *
open_store(const char *path)
{
    g_autoptr(GError) error = NULL;
    Store *store = store_open(path, &error);

    g_assert_no_error(error);
    return store;
}

static void
run_sql(const char *path, const char *sql)
{
    sqlite3 *db = NULL;

    g_assert_cmpint(sqlite3_open(path, &db), ==, SQLITE_OK);
    g_assert_cmpint(sqlite3_exec(db, sql, NULL, NULL, NULL), ==, SQLITE_OK);
    sqlite3_close(db);
    g_assert_cmpint(g_chmod(path, 0600), ==, 0);
}

/* ---- writers ---- */

/* One row, acknowledged on `out` only once it is committed. */
static gboolean
write_one(Store *store, int out)
{
    JournalRow row = {.at = store_now(), .kind = "store", .actor = "writer", .message = "row"};

    if (!store_begin(store, NULL) || !journal_add(store, &row, NULL) || !store_commit(store, NULL))
        return FALSE;
    return write(out, &row.seq, sizeof row.seq) == sizeof row.seq;
}

/* As programs do: a connection, a second one for the clerk, some writing, and both closed, while others go on. Whoever
 * closes the last one tidies up: nobody must take that for granted who is not. */
static gboolean
write_some(const char *path, int out)
{
    g_autoptr(Store) store = store_open(path, NULL);
    g_autoptr(Store) clerk = store_open(path, NULL);
    gboolean good = store != NULL && clerk != NULL;

    for (guint i = 0; good && i < 20; i++)
        good = write_one(i % 4 == 0 ? store : clerk, out);
    return good;
}

/* The child never comes back: it writes until it is killed. */
static pid_t
start_writer(const char *path, int out)
{
    pid_t child = fork();

    g_assert_cmpint(child, >=, 0);
    if (child == 0) {
        prctl(PR_SET_PDEATHSIG, SIGKILL);
        while (write_some(path, out))
            continue;
        _exit(1);
    }
    return child;
}

/* A writer that gave up has ended before: then it was not the kill that ended it. */
static void
kill_writer(pid_t child)
{
    int status = 0;

    g_assert_cmpint(kill(child, SIGKILL), ==, 0);
    g_assert_cmpint(waitpid(child, &status, 0), ==, child);
    g_assert_true(WIFSIGNALED(status));
}

static guint
check_acknowledged(Store *store, int in)
{
    g_autoptr(GError) error = NULL;
    g_autoptr(GHashTable) seen = g_hash_table_new_full(g_int64_hash, g_int64_equal, g_free, NULL);
    gint64 seq, there;

    while (read(in, &seq, sizeof seq) == sizeof seq) {
        g_assert_true(g_hash_table_add(seen, g_memdup2(&seq, sizeof seq)));
        store_number(
            store, &there, 0, &error, "SELECT count(*) FROM journal WHERE seq = $1", "i", seq);
        g_assert_no_error(error);
        g_assert_cmpint(there, ==, 1);
    }
    return g_hash_table_size(seen);
}

static void
check_whole(Store *store, guint acknowledged)
{
    g_autoptr(GError) error = NULL;
    g_autofree char *head = NULL;
    guint64 rows = 0;

    store_check(store, &error);
    g_assert_no_error(error);
    journal_verify(store, NULL, &head, &rows, &error);
    g_assert_no_error(error);
    g_assert_cmpuint(acknowledged, >, WRITERS);
    g_assert_cmpuint(rows, >=, acknowledged);
    /* each killed process has at most one row that it could not acknowledge any more */
    g_assert_cmpuint(rows, <=, acknowledged + WRITERS + KILLS);
}

static void
test_killed(Fixture *fixture, gconstpointer data)
{
    g_autofree char *file = g_build_filename(fixture->directory, "acknowledged", NULL);
    int out = g_open(file, O_RDWR | O_CREAT | O_APPEND | O_CLOEXEC, 0600);
    pid_t children[WRITERS];
    Store *store;

    g_assert_cmpint(out, >=, 0);
    for (guint i = 0; i < WRITERS; i++)
        children[i] = start_writer(fixture->path, out);
    for (guint i = 0; i < KILLS; i++) {
        pid_t ninth = start_writer(fixture->path, out);
        g_usleep(SECOND_US);
        kill_writer(ninth);
    }
    for (guint i = 0; i < WRITERS; i++)
        kill_writer(children[i]);
    store = open_store(fixture->path);
    g_assert_cmpint(lseek(out, 0, SEEK_SET), ==, 0);
    check_whole(store, check_acknowledged(store, out));
    store_free(store);
    close(out);
}

/* ---- what is refused ---- */

static void
refused(const char *path, gint code, const char *part)
{
    g_autoptr(GError) error = NULL;

    g_assert_null(store_open(path, &error));
    g_assert_error(error, POSTERN_ERROR, code);
    g_assert_nonnull(strstr(error->message, part));
    g_assert_nonnull(strstr(error->message, path));
}

static void
test_newer(Fixture *fixture, gconstpointer data)
{
    store_free(open_store(fixture->path));
    run_sql(fixture->path, "PRAGMA user_version = 99");
    refused(fixture->path, POSTERN_ERROR_CONFLICT, "schema version 99");
}

static void
test_foreign(Fixture *fixture, gconstpointer data)
{
    g_autofree char *before = NULL;
    g_autofree char *after = NULL;
    gsize size = 0, size_after = 0;

    run_sql(fixture->path, "CREATE TABLE theirs (x)");
    g_assert_true(g_file_get_contents(fixture->path, &before, &size, NULL));
    refused(fixture->path, POSTERN_ERROR_CONFLICT, "another program's database");
    g_assert_true(g_file_get_contents(fixture->path, &after, &size_after, NULL));
    g_assert_cmpmem(before, size, after, size_after);
}

static void
test_garbage(Fixture *fixture, gconstpointer data)
{
    g_autofree char *text = g_strnfill(5000, 'x');

    g_assert_true(g_file_set_contents(fixture->path, text, -1, NULL));
    g_chmod(fixture->path, 0600);
    refused(fixture->path, POSTERN_ERROR_CONFLICT, "not a database");
    g_chmod(fixture->path, 0644);
    refused(fixture->path, POSTERN_ERROR_BAD_PARAM, "chmod 600");
}

static void
test_backup(Fixture *fixture, gconstpointer data)
{
    g_autoptr(GError) error = NULL;
    Store *store = open_store(fixture->path);
    Store *copy;
    gint64 count = 0;

    store_run(store, &error, "INSERT INTO setting VALUES ('a', 'b')", "");
    g_assert_no_error(error);
    g_assert_true(store_backup(store, fixture->copy, &error));
    g_assert_no_error(error);
    copy = open_store(fixture->copy);
    store_number(copy, &count, 0, &error, "SELECT count(*) FROM setting WHERE name = 'a'", "");
    g_assert_cmpint(count, ==, 1);
    g_assert_true(store_check(copy, &error));
    store_free(copy);
    g_assert_false(store_backup(store, fixture->copy, &error));
    g_assert_nonnull(error);
    store_free(store);
}

int
main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add("/store/killed", Fixture, NULL, set_up, test_killed, tear_down);
    g_test_add("/store/newer", Fixture, NULL, set_up, test_newer, tear_down);
    g_test_add("/store/foreign", Fixture, NULL, set_up, test_foreign, tear_down);
    g_test_add("/store/garbage", Fixture, NULL, set_up, test_garbage, tear_down);
    g_test_add("/store/backup", Fixture, NULL, set_up, test_backup, tear_down);
    return g_test_run();
}
