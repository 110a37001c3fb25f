/* SPDX-License-Identifier: Apache-2.0 */
#include "config.h"

#include "collection.h"
#include "error.h"

#include <glib/gstdio.h>
#include <string.h>

static char *directory;

static Store *
make_store(const char *name)
{
    g_autofree char *path = g_build_filename(directory, name, NULL);
    g_autoptr(GError) error = NULL;
    Store *store = store_open(path, &error);

    g_assert_no_error(error);
    g_assert_true(store_run(store,
                            NULL,
                            "INSERT INTO machine (id, name, created, seen) VALUES (1, 'pc-1', 1, "
                            "1), (2, 'pc-2', 1, 1), "
                            "(3, 'lost', 1, 1)",
                            ""));
    g_assert_true(store_run(
        store,
        NULL,
        "INSERT INTO machine_key (kind, value, machine, first_seen, seen, source) VALUES "
        "('address', '10.0.0.1', 1, 1, 1, 't'), ('fqdn', 'pc-2.example.com', 2, 1, 1, 't')",
        ""));
    return store;
}

static void
test_nesting(void)
{
    g_autoptr(Store) store = make_store("nesting.db");
    g_autoptr(GError) error = NULL;
    g_autoptr(GError) used = NULL;
    g_autoptr(GError) unknown = NULL;
    g_autoptr(GError) reserved = NULL;

    g_assert_true(collection_save_query(store, "a", "name = pc-1", &error));
    g_assert_true(
        collection_save_list(store, "b", (const char *const[]){"@a", "kiosk-1", NULL}, &error));
    g_assert_no_error(error);
    g_assert_false(collection_save_query(store, "a", "not @b", &error));
    g_assert_error(error, POSTERN_ERROR, POSTERN_ERROR_CONFLICT);
    g_assert_false(collection_remove(store, "a", &used));
    g_assert_error(used, POSTERN_ERROR, POSTERN_ERROR_CONFLICT);
    g_assert_false(collection_save_query(store, "c", "@nobody", &unknown));
    g_assert_error(unknown, POSTERN_ERROR, POSTERN_ERROR_BAD_PARAM);
    g_assert_false(collection_save_query(store, "all", "name", &reserved));
    g_assert_error(reserved, POSTERN_ERROR, POSTERN_ERROR_BAD_PARAM);
    g_assert_true(collection_remove(store, "b", NULL));
    g_assert_true(collection_remove(store, "a", NULL));
}

static void
test_circle_read(void)
{
    g_autoptr(Store) store = make_store("circle.db");
    g_autoptr(GError) error = NULL;

    g_assert_true(store_run(
        store,
        NULL,
        "INSERT INTO collection (name, query, changed) VALUES ('x', '@y', 1), ('y', '@x', 1)",
        ""));
    g_assert_null(collection_machines(store, "x", &error));
    g_assert_error(error, POSTERN_ERROR, POSTERN_ERROR_CONFLICT);
}

static void
test_has(void)
{
    static const struct {
        gint64 machine;
        const char *host;
        gboolean has;
    } cases[] = {{1, NULL, TRUE},
                 {2, NULL, TRUE},
                 {3, NULL, FALSE},
                 {0, "kiosk-1", TRUE},
                 {0, "kiosk-2", FALSE},
                 {0, "10.0.0.3", TRUE},
                 {0, "10.0.0.9", FALSE},
                 {0, "192.168.0.7", TRUE},
                 {0, "192.168.0.8", FALSE}};
    g_autoptr(Store) store = make_store("has.db");
    g_autoptr(GError) error = NULL;

    collection_save_list(
        store,
        "l",
        (const char *const[]){"10.0.0.0/29", "pc-2", "Kiosk-1:16993", "192.168.0.1-7", NULL},
        &error);
    g_assert_no_error(error);
    for (guint i = 0; i < G_N_ELEMENTS(cases); i++) {
        gboolean has = !cases[i].has;
        g_test_message("%d %s", (int)cases[i].machine, cases[i].host);
        g_assert_true(collection_has(store, "l", cases[i].machine, cases[i].host, &has, &error));
        g_assert_cmpint(has, ==, cases[i].has);
    }
}

/* More members than an expression may have parts. */
static void
test_many(void)
{
    g_autoptr(Store) store = make_store("many.db");
    g_autoptr(GStrvBuilder) builder = g_strv_builder_new();
    g_auto(GStrv) targets = NULL;
    g_autoptr(GError) error = NULL;
    g_autoptr(StoreRows) rows = NULL;
    gboolean has = FALSE;

    for (guint i = 0; i < 3000; i++) {
        g_autofree char *name = g_strdup_printf("kiosk-%u", i);
        g_autofree char *range =
            g_strdup_printf("10.%u.%u.0-9", i / 250, i % 250); /* the first has pc-1 */
        g_strv_builder_add(builder, name);
        g_strv_builder_add(builder, range);
    }
    g_strv_builder_add(builder, "PC-2.example.com");
    targets = g_strv_builder_end(builder);
    g_assert_true(store_begin(store, NULL));
    collection_save_list(store, "l", (const char *const *)targets, &error);
    g_assert_no_error(error);
    g_assert_true(store_commit(store, NULL));
    rows = collection_machines(store, "l", &error);
    g_assert_no_error(error);
    g_assert_true(store_next(rows, &error));
    g_assert_cmpint(store_integer(rows, 0), ==, 1);
    g_assert_true(store_next(rows, &error));
    g_assert_cmpint(store_integer(rows, 0), ==, 2);
    g_assert_false(store_next(rows, &error));
    g_assert_true(collection_has(store, "l", 3, NULL, &has, &error));
    g_assert_no_error(error);
    g_assert_false(has);
}

/* As deep as collections may lie in others, in lists and in queries by turns. */
static void
test_deep(void)
{
    g_autoptr(Store) store = make_store("deep.db");
    g_autoptr(GError) error = NULL;
    g_autoptr(StoreRows) rows = NULL;

    g_assert_true(collection_save_query(store, "c0", "name = pc-1", &error));
    for (guint i = 1; i <= 15; i++) {
        g_autofree char *name = g_strdup_printf("c%u", i);
        g_autofree char *inner = g_strdup_printf("@c%u", i - 1);
        g_autofree char *query =
            g_strdup_printf("name and not (tag:x or not (name and not not (%s or tag:y)))", inner);
        const char *const targets[] = {"pc-9", "10.9.9.0/24", inner, NULL};
        if (i % 2 == 0)
            collection_save_list(store, name, targets, &error);
        else
            collection_save_query(store, name, query, &error);
        g_assert_no_error(error);
    }
    rows = collection_machines(store, "c15", &error);
    g_assert_no_error(error);
    g_assert_true(store_next(rows, &error));
    g_assert_cmpint(store_integer(rows, 0), ==, 1);
    g_assert_false(store_next(rows, &error));
    g_assert_no_error(error);
}

static void
test_directory(void)
{
    g_autoptr(Store) store = make_store("directory.db");
    g_autoptr(TargetDirectory) names = directory_new(store, G_TIME_SPAN_DAY);
    g_autoptr(TargetSource) source = target_source_new();
    g_autoptr(GString) hosts = g_string_new(NULL);
    g_autoptr(GError) error = NULL;
    guint lost = 0;

    target_source_set_directory(source, names);
    g_assert_true(target_source_add(source, "@all", &error));
    for (;;) {
        g_autoptr(GError) problem = NULL;
        g_autoptr(Target) target = target_source_next(source, &problem);
        if (target == NULL && problem == NULL)
            break;
        if (problem != NULL) {
            g_assert_nonnull(strstr(problem->message, "machine lost "));
            lost++;
        } else {
            g_string_append_printf(hosts, "%s=%s ", target->text, target->host);
        }
    }
    g_assert_cmpstr(hosts->str, ==, "pc-1=10.0.0.1 pc-2=pc-2.example.com ");
    g_assert_cmpuint(lost, ==, 1);
}

int
main(int argc, char **argv)
{
    g_autoptr(GDir) files = NULL;
    const char *name;
    int status;

    g_test_init(&argc, &argv, NULL);
    directory = g_dir_make_tmp("postern-collection-XXXXXX", NULL);
    g_test_add_func("/collection/nesting", test_nesting);
    g_test_add_func("/collection/circle", test_circle_read);
    g_test_add_func("/collection/has", test_has);
    g_test_add_func("/collection/many", test_many);
    g_test_add_func("/collection/deep", test_deep);
    g_test_add_func("/collection/directory", test_directory);
    status = g_test_run();
    files = g_dir_open(directory, 0, NULL);
    while (files != NULL && (name = g_dir_read_name(files)) != NULL) {
        g_autofree char *path = g_build_filename(directory, name, NULL);
        g_unlink(path);
    }
    g_rmdir(directory);
    g_free(directory);
    return status;
}
