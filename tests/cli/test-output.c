/* SPDX-License-Identifier: Apache-2.0 */
/*
 * test-output.c - what the command writes and reads: JSON against an independent parser, csv, text,
 * durations.
 */
#include "config.h"

#include "args.h"
#include "csv.h"
#include "json.h"
#include "text.h"

#include <json-glib/json-glib.h>
#include <math.h>
#include <string.h>

static char *
json_of(const char *variant)
{
    g_autoptr(GError) error = NULL;
    g_autoptr(GVariant) value = g_variant_parse(NULL, variant, NULL, NULL, &error);
    GString *out = g_string_new(NULL);

    g_assert_no_error(error);
    json_value(out, value);
    return g_string_free(out, FALSE);
}

static void
check_json(const char *variant, const char *expected)
{
    g_autofree char *found = json_of(variant);
    g_autoptr(JsonNode) node = NULL;
    g_autoptr(GError) error = NULL;

    g_assert_cmpstr(found, ==, expected);
    node = json_from_string(found, &error);
    g_assert_no_error(error);
}

static void
test_json(void)
{
    check_json("{'a': <1>, 'b': <'x'>}", "{\"a\":1,\"b\":\"x\"}");
    check_json("@a{sv} {}", "{}");
    check_json("@as []", "[]");
    check_json("[true, false]", "[true,false]");
    check_json("(byte 0x41, int16 -5, uint16 9, int32 -7, 8, 'x')", "[65,-5,9,-7,8,\"x\"]");
    check_json("uint64 18446744073709551615", "18446744073709551615");
    check_json("int64 -9223372036854775808", "-9223372036854775808");
    check_json("[0.1, -0.0, 1e300, 2.0, 0.30000000000000004]",
               "[0.1,-0,1e+300,2,0.30000000000000004]");
    check_json("@ay [0x00, 0xff, 0x10]", "\"AP8Q\"");
    check_json("@ay []", "\"\"");
    check_json("@ms nothing", "null");
    check_json("@ms 'x'", "\"x\"");
    check_json("{uint32 5: 'x'}", "{\"5\":\"x\"}");
    check_json("[{'a': <[{'b': <@ai []>}]>}]", "[{\"a\":[{\"b\":[]}]}]");
    check_json("objectpath '/a'", "\"/a\"");
}

static void
test_json_reals(void)
{
    static const double numbers[] = {
        0, 0.1, 1.0 / 3, 1e-310, 123456789.123456789, 5e-324, 1.7976931348623157e308};
    static const double others[] = {INFINITY, -INFINITY, NAN};

    for (guint i = 0; i < G_N_ELEMENTS(numbers); i++) {
        g_autoptr(GVariant) value = g_variant_ref_sink(g_variant_new_double(numbers[i]));
        g_autoptr(GString) out = g_string_new(NULL);

        json_value(out, value);
        g_assert_true(g_ascii_strtod(out->str, NULL) == numbers[i]);
    }
    for (guint i = 0; i < G_N_ELEMENTS(others); i++) {
        g_autoptr(GVariant) value = g_variant_ref_sink(g_variant_new_double(others[i]));
        g_autoptr(GString) out = g_string_new(NULL);

        json_value(out, value);
        g_assert_cmpstr(out->str, ==, "null");
    }
}

/* Any bytes must come back from another parser as the same text, or with U+FFFD where they were
 * none. */
static void
test_json_strings(void)
{
    GRand *random = g_rand_new_with_seed(7);

    for (guint i = 0; i < 2000; i++) {
        char text[24] = "";
        g_autofree char *valid = NULL;
        g_autoptr(GString) out = g_string_new(NULL);
        g_autoptr(JsonNode) node = NULL;
        g_autoptr(GError) error = NULL;

        for (guint j = 0; j + 1 < sizeof text; j++)
            text[j] = (char)g_rand_int_range(random, 1, i % 2 == 0 ? 128 : 256);
        json_string(out, text);
        node = json_from_string(out->str, &error);
        g_assert_no_error(error);
        valid = g_utf8_make_valid(text, -1);
        g_assert_cmpstr(json_node_get_string(node), ==, valid);
        for (const char *c = out->str; *c != '\0'; c++)
            g_assert_cmpint((guchar)*c, >=, 0x20);
    }
    g_rand_free(random);
}

static void
test_json_members(void)
{
    g_autoptr(GString) out = g_string_new("{");

    json_member(out, "a", "x{");
    json_member(out, "b", NULL);
    json_flag(out, "c", TRUE);
    json_number(out, "d", -1);
    g_string_append_c(out, '}');
    g_assert_cmpstr(out->str, ==, "{\"a\":\"x{\",\"b\":null,\"c\":true,\"d\":-1}");
}

static void
check_csv(const char *text, const char *expected)
{
    g_autoptr(GString) out = g_string_new("t");
    g_autofree char *whole = g_strconcat("t,", expected, NULL);

    csv_text(out, text);
    g_assert_cmpstr(out->str, ==, whole);
}

static void
test_csv(void)
{
    g_autoptr(GString) out = g_string_new("t");
    g_autoptr(GVariant) negative = g_variant_ref_sink(g_variant_new_int32(-5));
    g_autoptr(GVariant) list = g_variant_ref_sink(g_variant_new_parsed("['a', 'b']"));

    check_csv("plain", "plain");
    check_csv("", "");
    check_csv(NULL, "");
    check_csv("a,b", "\"a,b\"");
    check_csv("say \"x\"", "\"say \"\"x\"\"\"");
    check_csv("two\nlines", "\"two\nlines\"");
    check_csv("=1+1", "'=1+1");
    check_csv("@SUM(A1)", "'@SUM(A1)");
    check_csv("-cmd", "'-cmd");
    check_csv("+1,2", "\"'+1,2\"");
    csv_value(out, negative);
    csv_value(out, list);
    csv_value(out, NULL);
    g_assert_cmpstr(out->str, ==, "t,-5,\"[\"\"a\"\",\"\"b\"\"]\",");
}

static void
check_value(const char *variant, const char *expected)
{
    g_autoptr(GVariant) value = g_variant_parse(NULL, variant, NULL, NULL, NULL);
    g_autofree char *found = text_value(value);

    g_assert_cmpstr(found, ==, expected);
}

static void
test_text(void)
{
    g_autofree char *clean = text_clean("a\033[2Jb\nc\xe2\x80\xae\x01");
    g_autoptr(GString) out = g_string_new(NULL);

    g_assert_cmpstr(clean, ==, "a [2Jb c  ");
    check_value("true", "yes");
    check_value("['a', 'b']", "a, b");
    check_value("uint32 7", "7");
    check_value("[{'a': <1>}, {'a': <2>}]", "2 entries");
    check_value("{'a': <1>, 'b': <'x'>}", "a=1 b=x");
    text_wrap(out, "one two  three", 2, 9);
    g_assert_cmpstr(out->str, ==, "  one two\n  three\n");
}

static void
test_durations(void)
{
    static const struct {
        const char *text;
        guint ms; /* 0: refused */
    } cases[] = {{"30s", 30000},
                 {"30", 30000},
                 {"1.5s", 1500},
                 {"500ms", 500},
                 {"2m", 120000},
                 {"1h", 3600000},
                 {"", 0},
                 {"s", 0},
                 {"-3s", 0},
                 {"3 s", 0},
                 {"0", 0},
                 {"200h", 0},
                 {"0x10", 0},
                 {"inf", 0},
                 {"1e99s", 0},
                 {"9999999999999999999999999999s", 0}};

    for (guint i = 0; i < G_N_ELEMENTS(cases); i++) {
        g_autoptr(GError) error = NULL;
        guint ms = 0;

        g_assert_cmpint(parse_duration(cases[i].text, &ms, &error), ==, cases[i].ms != 0);
        g_assert_cmpuint(ms, ==, cases[i].ms);
        g_assert_true((error != NULL) == (cases[i].ms == 0));
    }
}

static void
test_rates(void)
{
    double rate = 0;

    g_assert_true(parse_rate("20/s", &rate, NULL) && rate == 20);
    g_assert_true(parse_rate("30/m", &rate, NULL) && rate == 0.5);
    g_assert_true(parse_rate("7", &rate, NULL) && rate == 7);
    g_assert_false(parse_rate("0/s", &rate, NULL));
    g_assert_false(parse_rate("20/d", &rate, NULL));
    g_assert_false(parse_rate("fast", &rate, NULL));
}

static void
test_words(void)
{
    g_assert_true(word_is_parameter("state=on"));
    g_assert_true(word_is_parameter("tls-port=1"));
    g_assert_true(word_is_parameter("x="));
    g_assert_false(word_is_parameter("host"));
    g_assert_false(word_is_parameter("10.0.0.0/24"));
    g_assert_false(word_is_parameter("a/b=c"));
    g_assert_false(word_is_parameter("=x"));
    g_assert_false(word_is_parameter("A=x"));
}

int
main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/output/json", test_json);
    g_test_add_func("/output/json/reals", test_json_reals);
    g_test_add_func("/output/json/strings", test_json_strings);
    g_test_add_func("/output/json/members", test_json_members);
    g_test_add_func("/output/csv", test_csv);
    g_test_add_func("/output/text", test_text);
    g_test_add_func("/args/durations", test_durations);
    g_test_add_func("/args/rates", test_rates);
    g_test_add_func("/args/words", test_words);
    return g_test_run();
}
