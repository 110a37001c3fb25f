/* SPDX-License-Identifier: Apache-2.0 */
/* Values from text and in dictionaries, and the words of the error domain. */
#include "config.h"

#include "error.h"
#include "field.h"
#include "suggest.h"

#include <errno.h>
#include <string.h>

/* FieldInfos come from tables only, so each test makes a plugin of its fields. */
static PluginInfo *
new_schema(const PosternField *const *fields)
{
    PosternPlugin plugin = {.name = "x",
                            .version = "1",
                            .license = "x",
                            .summary = "x",
                            .origin = "x",
                            .config = fields};
    g_autoptr(GError) error = NULL;
    PluginInfo *schema = descriptor_from_copy(&plugin, "x", &error);

    g_assert_no_error(error);
    return schema;
}

static PluginInfo *
new_field(const char *type, const char *format, guint32 flags)
{
    PosternField field = {sizeof field, flags, "x", type, format, NULL, NULL, "a value"};
    const PosternField *fields[] = {&field, NULL};

    return new_schema(fields);
}

/* `expected` is GVariant text, or what an error message must look like when it starts with "!". */
static void
parses(const char *type, const char *format, const char *text, const char *expected)
{
    g_autoptr(PluginInfo) schema = new_field(type, format, 0);
    g_autoptr(GError) error = NULL;
    g_autoptr(GVariant) value = field_parse(schema->config->pdata[0], text, &error);
    g_autofree char *shown = value != NULL ? g_variant_print(value, FALSE) : NULL;

    if (expected[0] != '!') {
        g_assert_no_error(error);
        g_assert_cmpstr(shown, ==, expected);
        return;
    }
    g_assert_true(g_error_matches(error, POSTERN_ERROR, POSTERN_ERROR_BAD_PARAM));
    if (!g_pattern_match_simple(expected + 1, error->message))
        g_error("expected \"%s\", got \"%s\"", expected + 1, error->message);
}

static void
test_parse(void)
{
    parses("s", NULL, "auto", "'auto'");
    parses("s", NULL, "\xff", "!x: got '*', expected valid UTF-8");
    parses("b", NULL, "On", "true");
    parses("b", NULL, "no", "false");
    parses("b", NULL, "perhaps", "!x: got 'perhaps', expected yes or no");
    parses("u", NULL, "30", "30");
    parses("u", NULL, "0xff", "255");
    parses("u", NULL, "-1", "!x: got '-1', expected a number from 0 to 4294967295");
    parses("u", NULL, "4294967296", "!x: got '4294967296', expected *");
    parses("u", NULL, "0x", "!*");
    parses("u", NULL, " 3", "!*");
    parses("u", NULL, "", "!x: got '', expected *");
    parses("y", NULL, "256", "!*");
    parses("i", NULL, "-7", "-7");
    parses("x", NULL, "-9223372036854775808", "-9223372036854775808");
    parses("t", NULL, "18446744073709551615", "18446744073709551615");
    parses("d", NULL, "2.5", "2.5");
    parses("d", NULL, "nan", "!*expected a number");
    parses("d", NULL, "1e999", "!*");
    parses("as", NULL, "a, b", "['a', 'b']");
    parses("as", NULL, "", "[]");
    parses("as", NULL, "['a,b']", "['a,b']");
    parses("a{sv}", NULL, "{'a': <1>}", "{'a': <1>}");
    parses("a{sv}", NULL, "{'a'", "!x: got '{'a'', expected GVariant text of type 'a{sv}'*");
}

static void
test_formats(void)
{
    parses("s", "host", "lab-7", "'lab-7'");
    parses("s", "host", "lab 7", "!x: got 'lab 7', expected host name or address");
    parses("s", "ipaddr", "2001:db8::1", "'2001:db8::1'");
    parses("s", "ipaddr", "1.2.3", "!*expected IPv4 or IPv6 address");
    parses("s", "mac", "00:11:22:33:44:55", "'00:11:22:33:44:55'");
    parses("s", "mac", "00:11:22:33:44:5", "!*");
    parses("s",
           "guid",
           "01234567-89ab-cdef-0123-456789abcdef",
           "'01234567-89ab-cdef-0123-456789abcdef'");
    parses("s", "guid", "01234567", "!*");
    parses("s", "datetime", "2026-01-31T12:00:00Z", "'2026-01-31T12:00:00Z'");
    parses("s", "datetime", "2026-01-31T12:00:00", "!*");
    parses("s", "datetime", "yesterday", "!*");
    parses("u", "port", "65535", "65535");
    parses("u", "port", "65536", "!*expected port from 0 to 65535");
    parses("s", "new-in-1.7", "anything", "'anything'");
}

static void
hides(const char *type, const char *text)
{
    g_autoptr(PluginInfo) schema = new_field(type, NULL, POSTERN_FIELD_SECRET);
    g_autoptr(GError) error = NULL;

    g_assert_null(field_parse(schema->config->pdata[0], text, &error));
    g_assert_null(strstr(error->message, "hunter2"));
}

static void
test_secret(void)
{
    hides("u", "hunter2");
    hides("a{sv}", "{hunter2");
}

static void
test_control_characters(void)
{
    g_autofree char *text = g_strnfill(5000, 'x');

    text[3] = '\033';
    parses("u", NULL, text, "!x: got 'xxx?xxxx*x'..., expected a number*");
}

/* ---- dictionaries ---- */

static PluginInfo *
new_three(void)
{
    static const char *const choices[] = {"on", "off", NULL};
    static const PosternField state = {
        sizeof state, POSTERN_FIELD_REQUIRED, "state", "s", NULL, NULL, choices, "a value"};
    static const PosternField count = {sizeof count, 0, "count", "u", NULL, "7", NULL, "a value"};
    static const PosternField note = {sizeof note, 0, "note", "s", NULL, NULL, NULL, "a value"};
    static const PosternField *const fields[] = {&state, &count, &note, NULL};

    return new_schema(fields);
}

static void
completes(const char *given, const char *expected)
{
    g_autoptr(PluginInfo) three = new_three();
    g_autoptr(GVariant) values =
        given != NULL ? g_variant_parse(NULL, given, NULL, NULL, NULL) : NULL;
    g_autoptr(GError) error = NULL;
    g_autoptr(GVariant) complete = fields_complete(three->config, values, "task odd.set", &error);
    g_autofree char *shown = complete != NULL ? g_variant_print(complete, TRUE) : NULL;

    if (complete != NULL)
        g_assert_cmpstr(shown, ==, expected);
    else if (!g_pattern_match_simple(expected, error->message))
        g_error("expected \"%s\", got \"%s\"", expected, error->message);
}

static void
test_complete(void)
{
    completes("@a{sv} {'state': <'on'>}", "{'state': <'on'>, 'count': <uint32 7>}");
    completes("@a{sv} {'count': <uint32 1>, 'state': <'off'>}",
              "{'state': <'off'>, 'count': <uint32 1>}");
    completes(NULL, "task odd.set: state is missing (text: a value)");
    completes("@a{sv} {'stat': <'on'>}",
              "task odd.set: unknown name 'stat' (did you mean 'state'?); known are: state, *");
    completes("@a{sv} {'state': <uint32 1>}",
              "task odd.set: state: got a value of type 'u', expected 's' (text)");
    completes("@a{sv} {'state': <'of'>}",
              "task odd.set: state: got 'of', expected one of: on, off (did you mean 'o*'?)");
    completes("@a{sv} {'state': <'on'>, 'state': <'on'>}", "task odd.set: state is given twice");
    completes("uint32 1", "task odd.set: got a value of type 'u', expected a dictionary 'a{sv}'");
}

static void
test_result(void)
{
    g_autoptr(PluginInfo) three = new_three();
    g_autoptr(GVariant) good = g_variant_parse(NULL, "@a{sv} {'state': <'on'>}", NULL, NULL, NULL);
    g_autoptr(GVariant) more =
        g_variant_parse(NULL, "@a{sv} {'state': <'on'>, 'x': <1>}", NULL, NULL, NULL);
    g_autoptr(GVariant) less = g_variant_parse(NULL, "@a{sv} {}", NULL, NULL, NULL);
    g_autoptr(GError) error = NULL;

    g_assert_true(fields_check_result(three->config, good, "task odd.set", NULL));
    g_assert_false(fields_check_result(three->config, less, "task odd.set", NULL));
    g_assert_false(fields_check_result(three->config, more, "task odd.set", &error));
    g_assert_true(g_error_matches(error, POSTERN_ERROR, POSTERN_ERROR_INTERNAL));
}

/* ---- names and words ---- */

static void
test_suggest(void)
{
    Suggest suggest = {.typed = "amt.power.gte"};

    g_assert_cmpuint(suggest_distance("", "abc"), ==, 3);
    g_assert_cmpuint(suggest_distance("abc", "abc"), ==, 0);
    g_assert_cmpuint(suggest_distance("abc", "acb"), ==, 1);
    g_assert_cmpuint(suggest_distance("kitten", "sitting"), ==, 3);
    suggest_offer(&suggest, "amt.power.set");
    suggest_offer(&suggest, "amt.power.get");
    suggest_offer(&suggest, "wmi.process.list");
    g_assert_cmpstr(suggest.best, ==, "amt.power.get");
}

static void
test_words(void)
{
    guint count;
    const ErrorWord *words = error_words(&count);

    g_assert_cmpuint(count, ==, POSTERN_ERROR_CANCELLED + 1);
    for (guint i = 0; i < count; i++) {
        g_assert_cmpuint(words[i].code, ==, i);
        g_assert_true(error_word_find(words[i].word) == &words[i]);
        g_assert_true(words[i].meaning[0] != '\0' && words[i].hint[0] != '\0');
    }
    g_assert_cmpstr(error_word(99)->word, ==, "internal");
    g_assert_cmpstr(error_word(-1)->word, ==, "internal");
    g_assert_null(error_word_find("nonsense"));
}

static void
translates(GQuark domain, gint code, PosternError expected)
{
    GError *error = g_error_new_literal(domain, code, "because");

    error_translate(&error);
    g_assert_true(g_error_matches(error, POSTERN_ERROR, (gint)expected));
    g_assert_cmpstr(error->message, ==, "because");
    g_error_free(error);
}

static void
test_translate(void)
{
    GError *error = NULL;

    error_translate(NULL);
    error_translate(&error);
    translates(G_IO_ERROR, G_IO_ERROR_CANCELLED, POSTERN_ERROR_CANCELLED);
    translates(G_IO_ERROR, G_IO_ERROR_TIMED_OUT, POSTERN_ERROR_TIMEOUT);
    translates(G_IO_ERROR, G_IO_ERROR_CONNECTION_REFUSED, POSTERN_ERROR_REFUSED);
    translates(G_RESOLVER_ERROR, G_RESOLVER_ERROR_NOT_FOUND, POSTERN_ERROR_UNRESOLVED);
    translates(G_TLS_ERROR, G_TLS_ERROR_HANDSHAKE, POSTERN_ERROR_TLS);
    translates(G_MARKUP_ERROR, 0, POSTERN_ERROR_INTERNAL);
    translates(POSTERN_ERROR, POSTERN_ERROR_BUSY, POSTERN_ERROR_BUSY);
    translates(POSTERN_ERROR, 4711, POSTERN_ERROR_INTERNAL);
    error_set_errno(&error, ECONNREFUSED, "cannot connect to %s", "127.0.0.1");
    g_assert_true(g_error_matches(error, POSTERN_ERROR, POSTERN_ERROR_REFUSED));
    g_assert_cmpstr(error->message, ==, "cannot connect to 127.0.0.1: Connection refused");
    g_clear_error(&error);
}

int
main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/field/parse", test_parse);
    g_test_add_func("/field/formats", test_formats);
    g_test_add_func("/field/secret", test_secret);
    g_test_add_func("/field/control-characters", test_control_characters);
    g_test_add_func("/field/complete", test_complete);
    g_test_add_func("/field/result", test_result);
    g_test_add_func("/field/suggest", test_suggest);
    g_test_add_func("/error/words", test_words);
    g_test_add_func("/error/translate", test_translate);
    return g_test_run();
}
