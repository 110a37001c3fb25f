/* SPDX-License-Identifier: Apache-2.0 */
/* Comma separated values, as spreadsheets write them and as strangers do. */
#include "config.h"

#include "csv-read.h"

#include <postern-plugin.h>

#include <string.h>

static CsvReader *
open_bytes(const char *text, gssize length)
{
    g_autoptr(GInputStream) stream =
        g_memory_input_stream_new_from_data(text, length < 0 ? (gssize)strlen(text) : length, NULL);

    return csv_reader_new(stream, "list.csv");
}

/* All records: cells joined by |, records by / with the line each began in. */
static char *
read_all(const char *text, GError **error)
{
    g_autoptr(CsvReader) reader = open_bytes(text, -1);
    g_autoptr(GError) problem = NULL;
    GString *all = g_string_new(NULL);
    GPtrArray *cells;

    while ((cells = csv_reader_next(reader, &problem)) != NULL) {
        g_string_append_printf(all, "%s%u:", all->len > 0 ? "/" : "", csv_reader_line(reader));
        for (guint i = 0; i < cells->len; i++)
            g_string_append_printf(all, "%s%s", i > 0 ? "|" : "", (char *)cells->pdata[i]);
    }
    if (problem == NULL)
        return g_string_free(all, FALSE);
    g_propagate_error(error, g_steal_pointer(&problem));
    g_string_free(all, TRUE);
    return NULL;
}

static void
test_reads(void)
{
    static const char *const pairs[][2] = {
        {"", ""},
        {"\n\r\n\n", ""},
        {"a,b\nx,y\n", "1:a|b/2:x|y"},
        {"a,b\r\nc,d", "1:a|b/2:c|d"},
        {"a\rb\r", "1:a/2:b"},
        {"a,,\n,\n", "1:a||/2:|"},
        {"\"a,b\",\"c\"\"d\"\n", "1:a,b|c\"d"},
        {"\"a\nb\",c\n\nx\n", "1:a\nb|c/4:x"},
        {"\"a\r\nb\"\n", "1:a\nb"},
        {"\"\",x\n", "1:|x"},
        {"\xef\xbb\xbf"
         "a,b\n",
         "1:a|b"},
        {"\xef\xbb\xbf\"a\",\"b\"\n", "1:a|b"},
        {"a\n\xef\xbb\xbf"
         "b\n",
         "1:a/2:\xef\xbb\xbf"
         "b"},
        {"'=1+1,'-x,'@y,'+z,'\tt,'a,'\n", "1:=1+1|-x|@y|+z|\tt|'a|'"},
        {"\"'=1\"\n", "1:=1"},
        {"\xc3\xa4,b\n", "1:\xc3\xa4|b"},
        {" a , b \n", "1: a | b "},
    };

    for (guint i = 0; i < G_N_ELEMENTS(pairs); i++) {
        g_autoptr(GError) error = NULL;
        g_autofree char *all = read_all(pairs[i][0], &error);
        g_test_message("%u", i);
        g_assert_no_error(error);
        g_assert_cmpstr(all, ==, pairs[i][1]);
    }
}

static void
test_refuses(void)
{
    static const struct {
        const char *text, *where, *what;
    } cases[] = {
        {"a,b\"c\n", "line 1, column 4:", "inside a cell"},
        {"a\n\"b\"c\n", "line 2, column 4:", "behind a closing"},
        {"a\n\"b\nc", "line 3, column 2:", "ends inside"},
        {"\xc3\xa4,\xff,b\n", "line 1, column", "UTF-8"},
        {"a\n\n\xc3\n", "line 3, column", "UTF-8"},
    };

    for (guint i = 0; i < G_N_ELEMENTS(cases); i++) {
        g_autoptr(GError) error = NULL;
        g_autofree char *all = read_all(cases[i].text, &error);
        g_assert_null(all);
        g_assert_error(error, POSTERN_ERROR, POSTERN_ERROR_BAD_PARAM);
        g_test_message("%s", error->message);
        g_assert_true(g_str_has_prefix(error->message, "list.csv, "));
        g_assert_nonnull(strstr(error->message, cases[i].where));
        g_assert_nonnull(strstr(error->message, cases[i].what));
    }
}

static void
test_zero(void)
{
    g_autoptr(CsvReader) reader = open_bytes("a,b\0c\n", 6);
    g_autoptr(GError) error = NULL;

    g_assert_null(csv_reader_next(reader, &error));
    g_assert_error(error, POSTERN_ERROR, POSTERN_ERROR_BAD_PARAM);
    g_assert_nonnull(strstr(error->message, "line 1, column 4:"));
}

static void
refused(const char *text, const char *what)
{
    g_autoptr(GError) error = NULL;
    g_autofree char *all = read_all(text, &error);

    g_assert_null(all);
    g_assert_error(error, POSTERN_ERROR, POSTERN_ERROR_BAD_PARAM);
    g_assert_nonnull(strstr(error->message, what));
}

static void
test_limits(void)
{
    g_autofree char *commas = g_strnfill(255, ','), *more = g_strnfill(256, ',');
    g_autofree char *most = g_strnfill(64 * 1024 - 1, 'x'),
                    *longer = g_strnfill(64 * 1024 + 1, 'x');
    g_autofree char *two = g_strconcat(most, "\n", most, "\n", NULL);
    g_autofree char *open = g_strconcat("\"", longer, NULL);
    g_autoptr(GError) error = NULL;
    g_autofree char *cells = read_all(commas, &error), *records = NULL;

    g_assert_no_error(error);
    g_assert_cmpuint(strlen(cells), ==, 2 + 255);
    refused(more, "256 cells");
    records = read_all(two, &error);
    g_assert_no_error(error);
    g_assert_cmpuint(strlen(records), ==, 2 * strlen(most) + strlen("1:/2:"));
    refused(longer, "64 KiB");
    refused(open, "is a \" missing?");
}

/* A stream that fails is no end of the file. */
static void
test_broken_stream(void)
{
    g_autoptr(GInputStream) stream = g_memory_input_stream_new_from_data("a\n", 2, NULL);
    g_autoptr(CsvReader) reader = csv_reader_new(stream, "list.csv");
    g_autoptr(GError) error = NULL;

    g_input_stream_close(stream, NULL, NULL);
    g_assert_null(csv_reader_next(reader, &error));
    g_assert_nonnull(error);
    g_assert_nonnull(strstr(error->message, "list.csv"));
}

int
main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/csv-read/reads", test_reads);
    g_test_add_func("/csv-read/refuses", test_refuses);
    g_test_add_func("/csv-read/zero", test_zero);
    g_test_add_func("/csv-read/limits", test_limits);
    g_test_add_func("/csv-read/broken-stream", test_broken_stream);
    return g_test_run();
}
