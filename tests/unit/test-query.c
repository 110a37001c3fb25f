/* SPDX-License-Identifier: Apache-2.0 */
#include "config.h"

#include "collection.h"
#include "error.h"
#include "machine.h"

#include <glib/gstdio.h>
#include <string.h>

static char *directory;

static Store *
make_store(void)
{
    static guint count;
    g_autofree char *path = g_strdup_printf("%s/%u.db", directory, count++);
    g_autoptr(GError) error = NULL;
    Store *store = store_open(path, &error);

    g_assert_no_error(error);
    return store;
}

static void
add_fact(Store *store, gint64 machine, const char *name, const char *text)
{
    g_autofree char *rank = query_rank(text);
    g_autoptr(GError) error = NULL;

    store_run(store,
              &error,
              "INSERT INTO machine_fact (machine, name, text, rank, seen, source) VALUES ($1, $2, "
              "$3, $4, 1, 't')",
              "isss",
              machine,
              name,
              text,
              rank);
    g_assert_no_error(error);
}

static void
add_machine(Store *store, gint64 id, const char *name, const char *address, gint64 seen)
{
    g_autoptr(GError) error = NULL;

    store_run(store,
              &error,
              "INSERT INTO machine (id, name, created, seen) VALUES ($1, $2, 1, $3)",
              "isi",
              id,
              name,
              seen);
    g_assert_no_error(error);
    store_run(store,
              &error,
              "INSERT INTO machine_key (kind, value, machine, first_seen, seen, source) VALUES "
              "('address', $1, $2, 1, $3, 't')",
              "sii",
              address,
              id,
              seen);
    g_assert_no_error(error);
}

/* The machines for which it holds, by name. */
static StoreRows *
ask(const Query *query, Store *store)
{
    g_autoptr(GPtrArray) values = g_ptr_array_new_with_free_func((GDestroyNotify)g_variant_unref);
    g_autoptr(GString) sql = g_string_new(NULL);
    g_autoptr(GError) error = NULL;
    StoreRows *rows;

    query_sql(query, store, "m.id", store_now(), 0, sql, values, &error);
    g_assert_no_error(error);
    rows = machine_rows(store, sql->str, values, &error);
    g_assert_no_error(error);
    return rows;
}

/* The ids that a query finds, "1 3"; asked of all at once and of each alone, which must agree. */
static char *
found(Store *store, const char *text)
{
    g_autoptr(GError) error = NULL;
    g_autoptr(Query) query = query_parse(text, &error);
    g_autoptr(StoreRows) rows = NULL;
    GString *ids = g_string_new(NULL);

    g_assert_no_error(error);
    rows = ask(query, store);
    while (store_next(rows, &error)) {
        g_autoptr(GPtrArray) values =
            g_ptr_array_new_with_free_func((GDestroyNotify)g_variant_unref);
        g_autoptr(GString) sql = g_string_new("SELECT 1 FROM machine m WHERE m.id = $1 AND ");
        g_autoptr(StoreRows) alone = NULL;
        g_ptr_array_add(values, g_variant_ref_sink(g_variant_new_int64(store_integer(rows, 0))));
        g_assert_true(query_sql(query, store, "$1", store_now(), 0, sql, values, NULL));
        alone = store_query_values(store, sql->str, values, &error);
        g_assert_no_error(error);
        g_assert_true(store_next(alone, NULL));
        g_string_append_printf(ids, "%s%d", ids->len > 0 ? " " : "", (int)store_integer(rows, 0));
    }
    g_assert_no_error(error);
    return g_string_free(ids, FALSE);
}

static void
test_rank(void)
{
    static const char *const order[] = {
        "0", "1", "9", "9.9", "12", "12.0", "12.0.81", "12.9", "12.10", "100"};
    static const char *const none[] = {"", ".", "1.", "a", "1a", "-", "-2", "1..2", "1 "};
    g_autofree char *whole = query_rank("012.00");
    g_autofree char *plain = query_rank("12.0");

    g_assert_cmpstr(whole, ==, plain);
    for (guint i = 1; i < G_N_ELEMENTS(order); i++) {
        g_autofree char *before = query_rank(order[i - 1]);
        g_autofree char *behind = query_rank(order[i]);
        g_test_message("%s < %s", order[i - 1], order[i]);
        g_assert_cmpint(strcmp(before, behind), <, 0);
    }
    for (guint i = 0; i < G_N_ELEMENTS(none); i++)
        g_assert_null(query_rank(none[i]));
}

static void
test_print(void)
{
    static const char *const pairs[][2] = {
        {"a=1 and(b = 2 or c)and not tag:lab", "a = 1 and (b = 2 or c) and not tag:lab"},
        {"(a and (b and c)) or (d)", "a and b and c or d"},
        {"not (a or b)", "not (a or b)"},
        {"not (not a)", "not not a"},
        {"x in(1,\"a b\", \"q\\\"\\\\\")", "x in (1, \"a b\", \"q\\\"\\\\\")"},
        {"power = \"or\" or @all", "power = \"or\" or @all"},
    };

    for (guint i = 0; i < G_N_ELEMENTS(pairs); i++) {
        g_autoptr(GError) error = NULL;
        g_autoptr(Query) query = query_parse(pairs[i][0], &error);
        g_assert_no_error(error);
        g_autofree char *printed = query_print(query);
        g_autoptr(Query) again = query_parse(printed, &error);
        g_assert_no_error(error);
        g_autofree char *twice = query_print(again);
        g_assert_cmpstr(printed, ==, pairs[i][1]);
        g_assert_cmpstr(twice, ==, printed);
    }
}

static void
test_refused(void)
{
    static const char *const pairs[][2] = {
        {"", "character 1:"},
        {"a = ", "character 5:"},
        {"a = 1 b", "character 7:"},
        {"(a", "character 3:"},
        {"a = \"x", "character 5:"},
        {"a and seen = 7d", "character 12: found '= 7d'"},
        {"seen < x", "character 6: found '< x'"},
        {"address = 1.2.3.4/33", "1.2.3.4/33"},
        {"address in (10.0.0.1, 1.2.3.4/33)", "1.2.3.4/33"},
        {"and", "character 1:"},
        {"a ! b", "character 3:"},
    };
    g_autofree char *deep = g_strnfill(49, '(');
    g_autoptr(GError) too_deep = NULL;

    for (guint i = 0; i < G_N_ELEMENTS(pairs); i++) {
        g_autoptr(GError) error = NULL;
        g_assert_null(query_parse(pairs[i][0], &error));
        g_assert_error(error, POSTERN_ERROR, POSTERN_ERROR_BAD_PARAM);
        g_test_message("%s: %s", pairs[i][0], error->message);
        g_assert_nonnull(strstr(error->message, pairs[i][1]));
    }
    g_assert_null(query_parse(deep, &too_deep));
    g_assert_nonnull(strstr(too_deep->message, "48 levels"));
}

static void
test_finds(void)
{
    static const char *const pairs[][2] = {
        {"amt.version >= 12", "1 2"},
        {"amt.version < 12.10", "1 3"},
        {"amt.version = 012.0.81", "1"},
        {"amt.version", "1 2 3"},
        {"amt.version != 12.10", "1 3"},
        {"power != 12", "1 2 3"},
        {"not amt.version = 12.10", "1 3 4"},
        {"power = OFF", "1 3"},
        {"power in (on, off)", "1 2 3"},
        {"power ~ o?f", "1 3"},
        {"note ~ \"*[x*\"", "4"},
        {"name ~ pc-*", "1 2 3"},
        {"name = Rest", "4"},
        {"tag:lab", "2"},
        {"not tag:lab", "1 3 4"},
        {"seen < 7d", "1 2 3"},
        {"seen > 7d", "4"},
        {"@all and not @all", ""},
        {"uuid", ""},
        {"address in (10.0.0.0/8)", "1 3"},
        {"address = 10.16.0.0/12", "3"},
        {"address = 10.0.0.0/28", "1"},
        {"address = 10.0.0.8/29", ""},
        {"address != 10.0.0.0/8", "2 4"},
        {"address != 10.0.0.7", "2 3 4"},
        {"address = 9.9.9.9", ""},
        {"amt.version >= 12 and power = off and not tag:lab", "1"},
    };
    g_autoptr(Store) store = make_store();
    gint64 now = store_now();

    add_machine(store, 1, "pc-1", "10.0.0.7", now);
    add_machine(store, 2, "pc-2", "192.168.1.1", now);
    add_machine(store, 3, "pc-3", "10.20.0.1", now);
    add_machine(store, 4, "rest", "172.16.0.1", now - 8 * G_TIME_SPAN_DAY);
    add_fact(store, 1, "amt.version", "12.0.81");
    add_fact(store, 2, "amt.version", "12.10");
    add_fact(store, 3, "amt.version", "9.5");
    add_fact(store, 1, "power", "off");
    add_fact(store, 2, "power", "on");
    add_fact(store, 3, "power", "Off");
    add_fact(store, 4, "note", "a[x]");
    g_assert_true(
        store_run(store, NULL, "INSERT INTO machine_tag (tag, machine) VALUES ('lab', 2)", ""));
    /* an address that it had long ago does not count */
    g_assert_true(
        store_run(store,
                  NULL,
                  "INSERT INTO machine_key (kind, value, machine, first_seen, seen, source) VALUES "
                  "('address', '9.9.9.9', 1, 1, 1, 't')",
                  ""));
    for (guint i = 0; i < G_N_ELEMENTS(pairs); i++) {
        g_autofree char *ids = found(store, pairs[i][0]);
        g_test_message("%s", pairs[i][0]);
        g_assert_cmpstr(ids, ==, pairs[i][1]);
    }
}

/* The deepest and the longest that are taken are understood by the store, too. */
static void
test_limits(void)
{
    g_autoptr(Store) store = make_store();
    g_autoptr(GString) deep = g_string_new("x");
    g_autoptr(GString) wide = g_string_new("x");
    g_autoptr(GError) error = NULL;

    add_machine(store, 1, "pc-1", "10.0.0.7", store_now());
    for (guint i = 0; i < 23; i++) {
        g_string_prepend(deep,
                         i % 2 == 0 ? "not (y or y or not name and " : "not (name and z and ");
        g_string_append_c(deep, ')');
    }
    for (guint i = 0; i < 511; i++)
        g_string_append(wide, i % 2 == 0 ? " or name" : " and y");
    g_autofree char *in_depth = found(store, deep->str);
    g_autofree char *in_width = found(store, wide->str);
    g_assert_cmpstr(in_depth, ==, "1");
    g_assert_cmpstr(in_width, ==, "1"); /* the last of them is "or name" */
    g_string_append(wide, " or y");
    g_assert_null(query_parse(wide->str, &error));
    g_assert_nonnull(strstr(error->message, "512 comparisons"));
}

int
main(int argc, char **argv)
{
    int status;

    g_test_init(&argc, &argv, NULL);
    directory = g_dir_make_tmp("postern-query-XXXXXX", NULL);
    g_test_add_func("/query/rank", test_rank);
    g_test_add_func("/query/print", test_print);
    g_test_add_func("/query/refused", test_refused);
    g_test_add_func("/query/finds", test_finds);
    g_test_add_func("/query/limits", test_limits);
    status = g_test_run();
    for (guint i = 0; i < 8; i++) {
        static const char *const ends[] = {"", "-wal", "-shm"};
        for (guint j = 0; j < G_N_ELEMENTS(ends); j++) {
            g_autofree char *path = g_strdup_printf("%s/%u.db%s", directory, i, ends[j]);
            g_unlink(path);
        }
    }
    g_rmdir(directory);
    g_free(directory);
    return status;
}
