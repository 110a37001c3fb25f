/* SPDX-License-Identifier: Apache-2.0 */
#include "config.h"

#include "credential.h"
#include "net-run.h"

#include <glib/gstdio.h>
#include <string.h>
#include <unistd.h>

/*
 * Logins as they are given with a command, and the order in which a run gets them.
 */

static const char *const digest[] = {"test.digest", NULL};
static const char *const basic[] = {"test.basic", NULL};
static const char *const neither[] = {"other.type", NULL};

static void
set(PosternCredential *credential, const char *name, const char *text, const char *words)
{
    g_autoptr(GError) error = NULL;

    if (words == NULL) {
        g_assert_true(credential_set(credential, name, text, &error));
        g_assert_no_error(error);
        return;
    }
    g_assert_false(credential_set(credential, name, text, &error));
    g_assert_error(error, POSTERN_ERROR, POSTERN_ERROR_BAD_PARAM);
    if (strstr(error->message, words) == NULL)
        g_error("no '%s' in '%s'", words, error->message);
}

static void
test_fields(void)
{
    g_autoptr(PosternCredential) credential = credential_new(net_type("test.digest"), "here");
    g_autoptr(GError) error = NULL;
    g_autofree char *masked = NULL;

    set(credential, "color", "blue", "it has: user, password");
    set(credential, "password", "", "empty");
    set(credential, "password", "\xff\xff\xff\xff", "UTF-8");
    g_assert_false(credential_complete(credential, &error));
    g_assert_nonnull(strstr(error->message, "'user'"));
    g_clear_error(&error);
    set(credential, "user", "admin", NULL);
    g_assert_false(credential_complete(credential, &error));
    g_assert_nonnull(strstr(error->message, "@FILE"));
    set(credential, "password", "swordfish", NULL);
    g_assert_true(credential_complete(credential, NULL));
    g_assert_cmpstr(credential_peek(credential, "user"), ==, "admin");
    g_assert_cmpstr(credential_peek(credential, "password"), ==, "swordfish");
    g_assert_null(credential_peek(credential, "color"));
    masked = secret_mask("admin says swordfish", -1);
    g_assert_cmpstr(masked, ==, "admin says ******");
}

/* The argument of --credential. */
static void
test_argument(void)
{
    g_autoptr(CredentialSource) source = credential_source_new();
    const CredentialTypeInfo *type = net_type("test.digest");
    g_autofree char *file = g_strdup_printf("%s/postern-secret-%d", g_get_tmp_dir(), (int)getpid());
    g_autofree char *from_file = g_strdup_printf("user=a\\,b\\\\c,password=@%s", file);
    const struct {
        const char *text, *words; /* NULL: fine */
    } table[] = {
        {"user=admin,password=env:POSTERN_TEST_SECRET", NULL},
        {from_file, "mode 0644"},
        {"user=admin,password=swordfish", "in the clear"},
        {"user=admin,password=env:POSTERN_NO_SUCH", "POSTERN_NO_SUCH"},
        {"user=admin,password=fd:x", "no descriptor"},
        {"user=admin,password=@/nonexistent", "/nonexistent"},
        {"user=admin,passwd=@x", "no field 'passwd'"},
        {"user", "NAME=VALUE"},
        {"user=admin", "lacks the field 'password'"},
    };

    g_setenv("POSTERN_TEST_SECRET", "from the environment", TRUE);
    g_assert_true(g_file_set_contents_full(
        file, "from the file\nsecond line\n", -1, G_FILE_SET_CONTENTS_NONE, 0644, NULL));
    g_chmod(file, 0644);
    for (guint i = 0; i < G_N_ELEMENTS(table); i++) {
        g_autoptr(GError) error = NULL;
        gboolean fine = credential_source_add_of(source, type, table[i].text, &error);
        if (fine != (table[i].words == NULL) ||
            (!fine && strstr(error->message, table[i].words) == NULL))
            g_error("'%s': %s", table[i].text, fine ? "taken" : error->message);
        if (!fine)
            g_assert_null(strstr(error->message, "swordfish"));
    }
    g_chmod(file, 0600);
    g_assert_true(credential_source_add_of(source, type, from_file, NULL));
    g_unlink(file);
    g_assert_cmpuint(source->given->len, ==, 2);
    g_assert_cmpstr(
        credential_peek(source->given->pdata[0], "password"), ==, "from the environment");
    g_assert_cmpstr(credential_peek(source->given->pdata[1], "password"), ==, "from the file");
    g_assert_cmpstr(credential_peek(source->given->pdata[1], "user"), ==, "a,b\\c");
}

static CredentialSource *
three(void)
{
    CredentialSource *source = credential_source_new();
    static const char *const types[] = {"test.digest", "test.basic", "test.digest"};
    static const char *const labels[] = {"first", "second", "third"};

    for (guint i = 0; i < 3; i++)
        g_ptr_array_add(source->given, credential_new(net_type(types[i]), labels[i]));
    return source;
}

static void
next_is(CredentialSession *session, const char *const *types, const char *label)
{
    g_autoptr(GError) error = NULL;
    g_autoptr(PosternCredential) found = credential_session_next(session, types, &error);

    if (label != NULL)
        g_assert_no_error(error);
    else
        g_assert_error(error, POSTERN_ERROR, POSTERN_ERROR_AUTH);
    g_assert_cmpstr(found != NULL ? found->label : NULL, ==, label);
}

static void
test_session(void)
{
    g_autoptr(CredentialSource) source = three();
    CredentialSession *session = credential_session_new(source, "lab-7");
    g_autoptr(GError) why = g_error_new(POSTERN_ERROR, POSTERN_ERROR_AUTH, "it was refused");
    g_autoptr(GError) error = NULL;

    next_is(session, neither, NULL);
    next_is(session, NULL, NULL);
    next_is(session, digest, "first");
    next_is(session, basic, "second");
    credential_session_return(session, source->given->pdata[0]);
    next_is(session, digest, "first");
    credential_session_rejected(session, source->given->pdata[0], why);
    next_is(session, digest, "third");
    next_is(session, digest, NULL);
    g_assert_null(credential_session_next(session, digest, &error));
    g_assert_nonnull(strstr(error->message, "lab-7"));
    g_assert_nonnull(strstr(error->message, "first: it was refused"));
    g_assert_nonnull(strstr(error->message, "third: was tried"));
    credential_session_accepted(session, source->given->pdata[2]);
    next_is(session, digest, "third");
    next_is(session, digest, "third");
    credential_session_free(session);
    session = credential_session_new(NULL, "lab-8");
    next_is(session, digest, NULL);
    credential_session_free(session);
}

static void
note_fate(PosternCredential *credential, const GError *why, gpointer data)
{
    g_string_append_printf(
        data, "%s: %s; ", credential->label, why != NULL ? why->message : "let in");
}

/* What is learned: each refusal and each success once; nothing of what was not tried, could not be, or worked before. */
static void
test_fates(void)
{
    g_autoptr(CredentialSource) source = three();
    CredentialSession *session = credential_session_new(NULL, "lab-7");
    g_autoptr(GError) refused = g_error_new(POSTERN_ERROR, POSTERN_ERROR_AUTH, "refused");
    g_autoptr(GError) cut = g_error_new(POSTERN_ERROR, POSTERN_ERROR_UNREACHABLE, "cut");
    g_autoptr(GString) learned = g_string_new(NULL);
    g_autoptr(GVariant) fates = NULL;
    g_autofree char *text = NULL;

    credential_session_on_fate(session, note_fate, learned);
    credential_session_add(session, source->given->pdata[0], NULL);
    credential_session_add(session, source->given->pdata[2], "refused an hour ago");
    credential_session_add(session, source->given->pdata[1], NULL);
    g_assert_null(credential_session_used(session));
    next_is(session, digest, "first");
    credential_session_rejected(session, source->given->pdata[0], cut);
    next_is(session, digest, NULL);
    next_is(session, basic, "second");
    credential_session_accepted(session, source->given->pdata[1]);
    credential_session_accepted(session, source->given->pdata[1]);
    g_assert_true(credential_session_used(session) == source->given->pdata[1]);
    credential_session_rejected(session, source->given->pdata[1], refused);
    g_assert_cmpstr(learned->str, ==, "second: let in; ");
    fates = credential_session_fates(session);
    text = g_variant_print(fates, FALSE);
    g_assert_nonnull(strstr(text, "'why': <'refused an hour ago'>"));
    credential_session_free(session);
    session = credential_session_new(source, "lab-7");
    g_string_truncate(learned, 0);
    credential_session_on_fate(session, note_fate, learned);
    credential_session_bar(session, source->given->pdata[0], "barred");
    next_is(session, digest, "third");
    credential_session_rejected(session, source->given->pdata[2], refused);
    g_assert_cmpstr(learned->str, ==, "third: refused; ");
    credential_session_free(session);
}

/* The service: a loan per candidate, and every fate in the final error. */
static GVariant *
log_in(PosternRun *run, GVariant *params, gpointer self, GError **error)
{
    for (guint i = 0; i < 2; i++) {
        g_autoptr(GError) why = g_error_new(POSTERN_ERROR, POSTERN_ERROR_AUTH, "no (%u)", i);
        PosternCredential *loan = credential_service.next(run, NULL, error);
        g_assert_nonnull(loan);
        g_assert_cmpstr(credential_service.type(loan), ==, "test.digest");
        g_assert_cmpstr(credential_service.peek(loan, "user"), ==, i == 0 ? "ann" : "bob");
        credential_service.rejected(loan, why);
        credential_service.release(loan);
    }
    credential_service.release(NULL);
    g_assert_null(credential_service.next(run, NULL, error));
    return NULL;
}

static void
test_service(void)
{
    static const char *const logins[] = {"ann", "pass-of-ann", "bob", "pass-of-bob", NULL};
    g_autoptr(Outcome) outcome = net_run(log_in, "127.0.0.1", logins, NULL);

    g_assert_error(outcome->error, POSTERN_ERROR, POSTERN_ERROR_AUTH);
    g_assert_nonnull(strstr(outcome->error->message, "ann: no (0)"));
    g_assert_nonnull(strstr(outcome->error->message, "bob: no (1)"));
}

int
main(int argc, char **argv)
{
    int status;

    g_test_init(&argc, &argv, NULL);
    net_setup();
    g_test_add_func("/credential/fields", test_fields);
    g_test_add_func("/credential/argument", test_argument);
    g_test_add_func("/credential/session", test_session);
    g_test_add_func("/credential/fates", test_fates);
    g_test_add_func("/credential/service", test_service);
    status = g_test_run();
    net_teardown();
    return status;
}
