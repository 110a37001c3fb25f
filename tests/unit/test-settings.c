/* SPDX-License-Identifier: Apache-2.0 */
/* Configuration files: what they may say, and that each mistake is told with its line. */
#include "config.h"

#include "settings.h"

#include <string.h>

static Settings *
parse(const char *text, GError **error)
{
    return settings_parse((const guint8 *)text, strlen(text), "f.conf", error);
}

static void
value_is(const char *line, const char *expected)
{
    g_autofree char *text = g_strconcat("[a]\nkey =", line, NULL);
    g_autoptr(GError) error = NULL;
    g_autoptr(Settings) settings = parse(text, &error);
    const SettingsSection *section;

    g_assert_no_error(error);
    section = settings_section(settings, "a");
    g_assert_cmpstr(((Setting *)section->settings->pdata[0])->value, ==, expected);
}

static void
refused(const char *text, gssize length, const char *pattern)
{
    g_autoptr(GError) error = NULL;
    gsize bytes = length < 0 ? strlen(text) : (gsize)length;
    g_autoptr(Settings) settings = settings_parse((const guint8 *)text, bytes, "f.conf", &error);

    g_assert_null(settings);
    g_assert_true(g_error_matches(error, POSTERN_ERROR, POSTERN_ERROR_BAD_PARAM));
    if (!g_pattern_match_simple(pattern, error->message))
        g_error("expected \"%s\", got \"%s\"", pattern, error->message);
}

static void
test_values(void)
{
    value_is(" yes", "yes");
    value_is("yes\r\n", "yes");
    value_is("", "");
    value_is(" yes   # why", "yes");
    value_is(" yes ; why", "yes");
    value_is(" # why", "");
    value_is(" a#b;c", "a#b;c");
    value_is(" \"a # b\" # c", "a # b");
    value_is(" \"say \\\"hi\\\" \\\\ \\n\"", "say \"hi\" \\ \n");
    value_is(" ['a # b', \"c\"] # d", "['a # b', \"c\"]");
    value_is(" don't # stop", "don't");
    value_is(" a = b", "a = b");
}

static void
test_structure(void)
{
    g_autoptr(GError) error = NULL;
    g_autoptr(Settings) settings =
        parse("# first\n\n[one]\na = 1\n  [ two ]  ; x\n b=2\n[three]", &error);

    g_assert_no_error(error);
    g_assert_cmpuint(settings->sections->len, ==, 3);
    g_assert_cmpuint(settings_section(settings, "two")->line, ==, 5);
    g_assert_cmpuint(
        ((Setting *)settings_section(settings, "two")->settings->pdata[0])->line, ==, 6);
    g_assert_null(settings_section(settings, "four"));
}

static void
test_mistakes(void)
{
    g_autofree char *longest = g_strnfill(20000, 'x');

    refused("a = 1\n", -1, "f.conf:1: a stands before the first *");
    refused("[a]\nx\n", -1, "f.conf:2: expected *, key = value or a comment, got 'x'");
    refused("[a\n", -1, "f.conf:1: a section is written *name*, the * is missing");
    refused("[A]\n", -1, "f.conf:1: 'A' is no name of a section*");
    refused("[a] b\n", -1, "f.conf:1: unexpected text behind *");
    refused("[a]\n[b]\n\n[a]\n", -1, "f.conf:4: section * is there already, in line 1");
    refused("[a]\nx=1\nx=2\n", -1, "f.conf:3: x is there already, in line 2");
    refused("[a]\nX=1\n", -1, "f.conf:2: 'X' is no key*");
    refused("[a]\nx=\"1\n", -1, "f.conf:2: the closing quote is missing");
    refused("[a]\nx=\"1\\", -1, "f.conf:2: the closing quote is missing");
    refused("[a]\nx=['1\n", -1, "f.conf:2: the closing quote is missing");
    refused("[a]\nx=\"1\" 2\n", -1, "f.conf:2: unexpected text behind the closing quote");
    refused("[a]\nx=\"\\q\"\n", -1, "f.conf:2: '\\q' is not known in quotes*");
    refused("[a]\n\xff\n", -1, "f.conf:2: not valid UTF-8*");
    refused("[a]\nx=1\0y\n", 10, "f.conf:2: there is a NUL byte*");
    refused(longest, -1, "f.conf:1: the line has 20000 bytes, 16384 are allowed");
}

static PluginInfo *
new_schema(void)
{
    static const PosternField depth = {sizeof depth, 0, "depth", "u", NULL, "3", NULL, "how deep"};
    static const PosternField name = {
        sizeof name, 0, "name", "s", NULL, NULL, NULL, "what it is called"};
    static const PosternField *const fields[] = {&depth, &name, NULL};
    PosternPlugin plugin = {.name = "x",
                            .version = "1",
                            .license = "x",
                            .summary = "x",
                            .origin = "x",
                            .config = fields};

    return descriptor_from_copy(&plugin, "x", NULL);
}

static void
values_are(const char *text, const char *expected)
{
    g_autoptr(PluginInfo) schema = new_schema();
    g_autoptr(Settings) settings = parse(text, NULL);
    g_autoptr(GError) error = NULL;
    g_autoptr(GVariant) values = settings_values(settings, "config", schema->config, &error);
    g_autofree char *shown =
        values != NULL ? g_variant_print(values, FALSE) : g_strdup(error->message);

    if (!g_pattern_match_simple(expected, shown))
        g_error("expected \"%s\", got \"%s\"", expected, shown);
}

static void
test_checked(void)
{
    values_are("", "{'depth': <uint32 3>}");
    values_are("[config]\ndepth = 5\nname = me\n", "{'depth': <uint32 5>, 'name': <'me'>}");
    values_are("[config]\n\ndepht = 5\n",
               "f.conf:3: unknown name 'depht' (did you mean 'depth'?); known are: depth, name");
    values_are("[config]\ndepth = deep # is it?\n",
               "f.conf:2: depth: got 'deep', expected a number from 0 *");
}

static void
test_sections(void)
{
    static const char *const known[] = {"plugin", "config", NULL};
    g_autoptr(Settings) good = parse("[plugin]\n", NULL);
    g_autoptr(Settings) bad = parse("\n[confg]\n", NULL);
    g_autoptr(GError) error = NULL;

    g_assert_true(settings_check_sections(good, known, NULL));
    g_assert_false(settings_check_sections(bad, known, &error));
    g_assert_cmpstr(
        error->message,
        ==,
        "f.conf:2: unknown section [confg] (did you mean 'config'?); known are: plugin, config");
}

static void
test_files(void)
{
    g_autoptr(GError) error = NULL;

    g_assert_null(settings_read("/nonexistent/f.conf", &error));
    g_assert_cmpstr(
        error->message, ==, "cannot open /nonexistent/f.conf: No such file or directory");
    g_clear_error(&error);
    g_assert_null(settings_read("/dev/zero", &error));
    g_assert_cmpstr(error->message, ==, "cannot read /dev/zero: it is not a regular file");
}

int
main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/settings/values", test_values);
    g_test_add_func("/settings/structure", test_structure);
    g_test_add_func("/settings/mistakes", test_mistakes);
    g_test_add_func("/settings/checked", test_checked);
    g_test_add_func("/settings/sections", test_sections);
    g_test_add_func("/settings/files", test_files);
    return g_test_run();
}
