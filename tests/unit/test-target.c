/* SPDX-License-Identifier: Apache-2.0 */
#include "config.h"

#include "target.h"

#include <postern-plugin.h>

#include <glib/gstdio.h>
#include <string.h>
#include <unistd.h>

/* All targets of one argument, joined by blanks; the error's message if it is none. */
static char *
expand(const char *text)
{
    g_autoptr(TargetSource) source = target_source_new();
    g_autoptr(GString) all = g_string_new(NULL);
    g_autoptr(GError) error = NULL;
    Target *target;

    if (!target_source_add(source, text, &error))
        return g_strdup(error->message);
    while ((target = target_source_next(source, &error)) != NULL) {
        g_string_append_printf(
            all, "%s%s=%s,%u", all->len ? " " : "", target->text, target->host, target->port);
        target_free(target);
    }
    g_assert_no_error(error);
    return g_strdup(all->str);
}

static void
test_forms(void)
{
    static const char *const cases[][2] = {
        {"lab-7", "lab-7=lab-7,0"},
        {"Lab-7.Example.ORG:16993", "lab-7.example.org:16993=lab-7.example.org,16993"},
        {"10.0.0.7", "10.0.0.7=10.0.0.7,0"},
        {"10.0.0.7:16992", "10.0.0.7:16992=10.0.0.7,16992"},
        {"::1", "::1=::1,0"},
        {"[::1]", "::1=::1,0"},
        {"[FE80::1]:16993", "[fe80::1]:16993=fe80::1,16993"},
        {"10.0.0.0/30", "10.0.0.1=10.0.0.1,0 10.0.0.2=10.0.0.2,0"},
        {"10.0.0.9/31", "10.0.0.8=10.0.0.8,0 10.0.0.9=10.0.0.9,0"},
        {"10.0.0.9/32", "10.0.0.9=10.0.0.9,0"},
        {"10.0.0.254-10.0.1.1",
         "10.0.0.254=10.0.0.254,0 10.0.0.255=10.0.0.255,0 10.0.1.0=10.0.1.0,0 10.0.1.1=10.0.1.1,0"},
        {"10.0.0.1-2:623", "10.0.0.1:623=10.0.0.1,623 10.0.0.2:623=10.0.0.2,623"},
        {"255.255.255.255-255", "255.255.255.255=255.255.255.255,0"},
    };

    for (guint i = 0; i < G_N_ELEMENTS(cases); i++) {
        g_autofree char *found = expand(cases[i][0]);
        g_assert_cmpstr(found, ==, cases[i][1]);
    }
}

static void
test_refused(void)
{
    static const char *const cases[][2] = {
        {"", "the host is empty (character 1)"},
        {":80", "the host is empty"},
        {"lab:0", "port must be a number from 1 to 65535 (character 5)"},
        {"lab:65536", "port must be"},
        {"lab:", "port must be"},
        {"10.0.0.0/33", "from 0 to 32 (character 10)"},
        {"10.0.0.0/", "from 0 to 32"},
        {"10.0.0/24", "must be an IPv4 address (character 1)"},
        {"10.0.0.0/7", "larger than /8"},
        {"10.0.0.9-10.0.0.1", "before its beginning"},
        {"10.0.0.9-x", "end of a range must be"},
        {"10.0.0.256", "looks like an IPv4 address"},
        {"lab 7", "letters, digits"},
        {"[::1", "closing"},
        {"[::g]:80", "looks like an IPv6 address"},
        {"a\x01z", "character 2"},
        {"\xff\xfe", "character 1"},
    };

    for (guint i = 0; i < G_N_ELEMENTS(cases); i++) {
        g_autofree char *found = expand(cases[i][0]);
        if (strstr(found, cases[i][1]) == NULL)
            g_error("%s: \"%s\" lacks \"%s\"", cases[i][0], found, cases[i][1]);
    }
}

static void
test_too_long(void)
{
    g_autofree char *text = g_strnfill(400, 'a');
    g_autofree char *found = expand(text);

    g_assert_nonnull(strstr(found, "400 characters"));
}

/* A file with every kind of line; the bad ones are told with their number, the rest goes on. */
static void
test_file(void)
{
    static const char content[] = "\xef\xbb\xbf"
                                  "a # first\r\n\n  # only words\n10.0.0.0/30\nbad name\nb:1\n"
                                  "x\0y\nlast";
    g_autofree char *path = g_build_filename(g_get_tmp_dir(), "postern-targets-XXXXXX", NULL);
    int fd = g_mkstemp(path);
    g_autoptr(TargetSource) source = target_source_new();
    g_autoptr(GString) all = g_string_new(NULL);
    g_autoptr(GError) error = NULL;

    g_assert_cmpint(write(fd, content, sizeof content - 1), ==, sizeof content - 1);
    close(fd);
    g_assert_true(target_source_add_file(source, path, &error));
    g_assert_no_error(error);
    g_assert_cmpint(target_source_total(source), ==, -1);
    for (;;) {
        g_autoptr(GError) bad = NULL;
        g_autoptr(Target) target = target_source_next(source, &bad);
        if (target == NULL && bad == NULL)
            break;
        g_string_append_printf(all, "%s|", target ? target->text : strstr(bad->message, ", line"));
    }
    g_assert_true(g_str_has_prefix(all->str, "a|10.0.0.1|10.0.0.2|, line 5: "));
    g_assert_nonnull(strstr(all->str, "|b:1|, line 7: "));
    g_assert_true(g_str_has_suffix(all->str, "|last|"));
    g_remove(path);
}

static void
test_no_file(void)
{
    g_autoptr(TargetSource) source = target_source_new();
    g_autoptr(GError) error = NULL;

    g_assert_false(target_source_add_file(source, "/nowhere/list", &error));
    g_assert_error(error, POSTERN_ERROR, POSTERN_ERROR_BAD_PARAM);
    g_assert_nonnull(strstr(error->message, "/nowhere/list"));
}

/* A pipe with nothing in it must not hold up the caller. */
static void
test_pipe_waits(void)
{
    g_autoptr(TargetSource) source = target_source_new();
    g_autoptr(GError) error = NULL;
    g_autoptr(Target) target = NULL;
    int pipes[2], saved = dup(STDIN_FILENO);

    g_assert_cmpint(pipe(pipes), ==, 0);
    g_assert_cmpint(dup2(pipes[0], STDIN_FILENO), ==, STDIN_FILENO);
    g_assert_true(target_source_add_file(source, "-", &error));
    g_assert_null(target_source_next(source, &error));
    g_assert_no_error(error);
    g_assert_cmpint(target_source_waits_for(source), ==, STDIN_FILENO);
    g_assert_cmpint(write(pipes[1], "one\nhalf", 8), ==, 8);
    target = target_source_next(source, &error);
    g_assert_cmpstr(target->text, ==, "one");
    g_assert_null(target_source_next(source, &error));
    g_assert_cmpint(target_source_waits_for(source), ==, STDIN_FILENO);
    target_source_stop_waiting(source);
    g_assert_null(target_source_next(source, &error));
    g_assert_cmpint(target_source_waits_for(source), ==, -1);
    dup2(saved, STDIN_FILENO);
    close(saved);
    close(pipes[0]);
    close(pipes[1]);
}

/* A directory of one collection, "lab", and one machine, "pc-1", that is reached elsewhere. */
static guint opened, closed;

static gpointer
lab_open(const char *name, gint64 *count, gpointer data, GError **error)
{
    if (strcmp(name, "lab") != 0) {
        g_set_error(error, POSTERN_ERROR, POSTERN_ERROR_BAD_PARAM, "no collection %s", name);
        return NULL;
    }
    *count = 3;
    opened++;
    return g_new0(guint, 1);
}

/* The second of its members is an error, behind which it goes on. */
static Target *
lab_next(gpointer members, GError **error)
{
    guint at = ++*(guint *)members;
    Target *target;

    if (at == 2)
        g_set_error_literal(error, POSTERN_ERROR, POSTERN_ERROR_BAD_PARAM, "pc-2 has no address");
    if (at == 2 || at > 3)
        return NULL;
    target = g_new0(Target, 1);
    target->text = g_strdup_printf("pc-%u", at);
    target->host = g_strdup_printf("10.0.0.%u", at);
    return target;
}

static void
lab_close(gpointer members)
{
    closed++;
    g_free(members);
}

static gboolean
lab_locate(Target *target, gpointer data, GError **error)
{
    if (strcmp(target->host, "unknown") == 0) {
        g_set_error_literal(error, POSTERN_ERROR, POSTERN_ERROR_BAD_PARAM, "nobody knows unknown");
        return FALSE;
    }
    if (strcmp(target->host, "pc-1") == 0) {
        g_free(target->host);
        target->host = g_strdup("10.0.0.1");
    }
    return TRUE;
}

static void
take_all(TargetSource *source, GString *all)
{
    for (;;) {
        g_autoptr(GError) error = NULL;
        g_autoptr(Target) target = target_source_next(source, &error);

        if (target == NULL && error == NULL)
            return;
        if (target == NULL)
            g_string_append_printf(all, "(%s) ", error->message);
        else
            g_string_append_printf(all, "%s=%s:%u ", target->text, target->host, target->port);
    }
}

static void
test_directory(void)
{
    static const TargetDirectory lab = {NULL, lab_open, lab_next, lab_close, lab_locate};
    g_autofree char *path = NULL;
    int fd = g_file_open_tmp("postern-targets-XXXXXX", &path, NULL);
    static const char text[] = "@lab # all of it\npc-1:16993\n@none\n10.0.0.9\n";
    g_autoptr(TargetSource) source = target_source_new();
    g_autoptr(GString) all = g_string_new(NULL);
    g_autoptr(GError) error = NULL;

    g_assert_cmpint(write(fd, text, sizeof text - 1), ==, sizeof text - 1);
    close(fd);
    target_source_set_directory(source, &lab);
    g_assert_true(target_source_add(source, "@lab", &error));
    g_assert_true(target_source_add(source, "unknown", &error));
    g_assert_true(target_source_add(source, "pc-1", &error));
    g_assert_cmpint(target_source_total(source), ==, 5);
    g_assert_false(target_source_add(source, "@other", &error));
    g_assert_cmpstr(error->message, ==, "no collection other");
    g_clear_error(&error);
    g_assert_true(target_source_add_file(source, path, &error));
    g_assert_cmpint(target_source_total(source), ==, -1);
    take_all(source, all);
    g_assert_true(g_str_has_prefix(all->str,
                                   "pc-1=10.0.0.1:0 (pc-2 has no address) pc-3=10.0.0.3:0 (nobody "
                                   "knows unknown) pc-1=10.0.0.1:0 "
                                   "pc-1=10.0.0.1:0 ("));
    g_assert_nonnull(strstr(
        all->str, "line 1: pc-2 has no address) pc-3=10.0.0.3:0 pc-1:16993=10.0.0.1:16993 ("));
    g_assert_nonnull(strstr(all->str, "line 3: no collection none) 10.0.0.9=10.0.0.9:0 "));
    g_assert_cmpuint(opened, ==, 2);
    g_assert_cmpuint(closed, ==, opened);
    g_remove(path);
}

static void
test_no_directory(void)
{
    g_autofree char *found = expand("@lab");

    g_assert_nonnull(strstr(found, "this host keeps none"));
}

int
main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/target/forms", test_forms);
    g_test_add_func("/target/refused", test_refused);
    g_test_add_func("/target/too-long", test_too_long);
    g_test_add_func("/target/file", test_file);
    g_test_add_func("/target/no-file", test_no_file);
    g_test_add_func("/target/pipe-waits", test_pipe_waits);
    g_test_add_func("/target/directory", test_directory);
    g_test_add_func("/target/no-directory", test_no_directory);
    return g_test_run();
}
