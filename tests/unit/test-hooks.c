/* SPDX-License-Identifier: Apache-2.0 */

/*
 * What an organisation's hooks are promised: asked before each run, told behind it, once each.
 */
#include "config.h"

#include "error.h"
#include "hooks.h"
#include "net-run.h"

#include <string.h>

static GString *calls;
static gboolean denies, cannot_write;
static guint ran, tickets_freed;

/* clang-format off */
static const PosternField user_field = {.size = sizeof user_field, .name = "user", .type = "s", .summary = "who"};
static const PosternField password_field = {.size = sizeof password_field, .name = "password", .type = "s", .summary = "the secret",
    .flags = POSTERN_FIELD_REQUIRED | POSTERN_FIELD_SECRET};
static const PosternField *const fields[] = {&user_field, &password_field, NULL};
static const PosternCredentialType login_type = {.size = sizeof login_type, .id = "secrets.login", .summary = "x",
    .fields = fields};
static const PosternCredentialType *const login_types[] = {&login_type, NULL};
static const PosternPlugin secrets_plugin = {.magic = POSTERN_MAGIC, .size = sizeof(PosternPlugin),
    .abi_major = POSTERN_ABI_MAJOR, .abi_minor = POSTERN_ABI_MINOR, .name = "secrets", .version = "1", .license = "x",
    .summary = "x", .origin = "x", .credential_types = login_types};
/* clang-format on */

/* ---- hooks that write down how they are called ---- */

static void
free_ticket(gpointer ticket)
{
    tickets_freed++;
    g_free(ticket);
}

static gboolean
on_begin(PosternRun *run, gpointer data, GError **error)
{
    Wait wait = {.ignores_cancel = TRUE};

    g_assert_true(data == calls);
    g_string_append_printf(calls, "begin %s; ", run_target(run)->text);
    run_set_ticket(run, g_strdup("ticket"), free_ticket);
    wait_for(&wait, run, g_get_monotonic_time() + 1000); /* as the real ones: it suspends */
    if (denies)
        g_set_error_literal(error, POSTERN_ERROR, POSTERN_ERROR_FORBIDDEN, "no role allows it");
    return !denies;
}

static gboolean
on_end(PosternRun *run, GVariant *result, const GError *why, gpointer data, GError **error)
{
    g_assert_cmpstr(run_ticket(run), ==, "ticket");
    g_assert_true((result == NULL) == (why != NULL));
    g_string_append_printf(calls, "end %s; ", why != NULL ? error_word(why->code)->word : "ok");
    if (cannot_write)
        g_set_error_literal(error, POSTERN_ERROR, POSTERN_ERROR_BUSY, "disk full");
    return !cannot_write;
}

static void
on_login(PosternRun *run, PosternCredential *credential, const GError *why, gpointer data)
{
    g_string_append_printf(calls, "%s %s; ", credential->label, why != NULL ? "out" : "in");
}

static void
on_observe(PosternRun *run, GVariant *facts, gpointer data)
{
    g_autofree char *text = g_variant_print(facts, FALSE);

    g_string_append_printf(calls, "seen %s; ", text);
}

static GVariant *
on_known(PosternRun *run, gpointer data)
{
    return g_variant_ref_sink(g_variant_new_parsed("{'name': <'pc-1'>}"));
}

static gboolean
on_prepare(PosternRun *run, PosternCredential *credential, gpointer data, GError **error)
{
    g_string_append_printf(calls, "prepare %s; ", credential_peek(credential, "user"));
    g_free(credential->label);
    credential->label = g_strdup("profile pc-1.next");
    if (cannot_write)
        g_set_error_literal(error, POSTERN_ERROR, POSTERN_ERROR_BUSY, "disk full");
    return !cannot_write;
}

static gboolean
on_settle(
    PosternRun *run, PosternCredential *credential, gboolean keep, gpointer data, GError **error)
{
    g_string_append(calls, keep ? "keep; " : "drop; ");
    g_free(credential->label);
    credential->label = g_strdup("profile pc-1");
    return TRUE;
}

static RunHooks hooks = {.begin = on_begin,
                         .end = on_end,
                         .login = on_login,
                         .observe = on_observe,
                         .known = on_known,
                         .prepare = on_prepare,
                         .settle = on_settle};

static Outcome *
run_hooked(NetTask task, const char *const *logins)
{
    Outcome *outcome;

    calls = g_string_new(NULL);
    hooks.data = calls;
    ran = tickets_freed = 0;
    host_set_hooks(net_host(), &hooks);
    outcome = net_run(task, "127.0.0.1", logins, NULL);
    host_set_hooks(net_host(), NULL);
    return outcome;
}

/* The run itself goes a moment behind its outcome. */
static void
called(const char *expected)
{
    for (guint i = 0; tickets_freed == 0 && i < 5000; i++)
        g_usleep(1000);
    g_assert_cmpuint(tickets_freed, ==, 1);
    g_assert_cmpstr(calls->str, ==, expected);
    g_string_free(g_steal_pointer(&calls), TRUE);
}

/* ---- tests ---- */

static GVariant *
observe(PosternRun *run, GVariant *params, gpointer self, GError **error)
{
    g_autoptr(GVariant) known = inventory_service.known(run);
    const char *name = NULL;

    ran++;
    g_variant_lookup(known, "name", "&s", &name);
    g_assert_cmpstr(name, ==, "pc-1");
    inventory_service.observe(run, g_variant_new_parsed("{'power': <'on'>}"));
    return net_done();
}

static void
test_in_turn(void)
{
    g_autoptr(Outcome) outcome = run_hooked(observe, NULL);

    g_assert_no_error(outcome->error);
    g_assert_cmpuint(ran, ==, 1);
    called("begin 127.0.0.1; seen {'power': <'on'>}; end ok; ");
}

static void
test_denied(void)
{
    g_autoptr(Outcome) outcome = NULL;

    denies = TRUE;
    outcome = run_hooked(observe, NULL);
    denies = FALSE;
    g_assert_error(outcome->error, POSTERN_ERROR, POSTERN_ERROR_FORBIDDEN);
    g_assert_cmpint(outcome->elapsed_us, ==, 0);
    g_assert_cmpuint(ran, ==, 0);
    called("begin 127.0.0.1; ");
}

/* What was done is done: the outcome stays what it is, and the log says that it is not on record. */
static void
test_unwritten_end(void)
{
    g_autoptr(Outcome) outcome = NULL;

    cannot_write = TRUE;
    outcome = run_hooked(observe, NULL);
    cannot_write = FALSE;
    g_assert_no_error(outcome->error);
    called("begin 127.0.0.1; seen {'power': <'on'>}; end ok; ");
}

static GVariant *
log_in(PosternRun *run, GVariant *params, gpointer self, GError **error)
{
    g_autoptr(GError) why = g_error_new(POSTERN_ERROR, POSTERN_ERROR_AUTH, "no");
    PosternCredential *loan = credential_service.next(run, NULL, error);

    credential_service.rejected(loan, why);
    credential_service.release(loan);
    loan = credential_service.next(run, NULL, error);
    credential_service.accepted(loan);
    credential_service.release(loan);
    g_set_error_literal(error, POSTERN_ERROR, POSTERN_ERROR_DEVICE, "broken");
    return NULL;
}

static void
test_logins(void)
{
    static const char *const logins[] = {"ann", "pass-of-ann", "bob", "pass-of-bob", NULL};
    g_autoptr(Outcome) outcome = run_hooked(log_in, logins);

    g_assert_error(outcome->error, POSTERN_ERROR, POSTERN_ERROR_DEVICE);
    called("begin 127.0.0.1; ann out; bob in; end device; ");
}

/* ---- a login that is being changed ---- */

/* The next that a conversation would log in with, let in. */
static void
let_in(PosternRun *run, const char *label)
{
    static const char *const types[] = {"test.digest", "secrets.login", NULL};
    PosternCredential *loan = credential_service.next(run, types, NULL);

    g_assert_nonnull(loan);
    g_assert_cmpstr(credential_service.label(loan), ==, label);
    credential_service.accepted(loan);
    credential_service.release(loan);
}

static PosternCredential *
prepare(PosternRun *run, const char *fields_text, GError **error)
{
    return secrets_service.prepare(run, "secrets.login", g_variant_new_parsed(fields_text), error);
}

static GVariant *
change_login(PosternRun *run, GVariant *params, gpointer self, GError **error)
{
    static const char *const types[] = {"test.digest", NULL};
    PosternCredential *pending;

    g_assert_cmpstr(credential_service.foresee(run, types, "user"), ==, "ann");
    g_assert_null(credential_service.foresee(run, types, "password"));
    g_assert_null(credential_service.foresee(run, types, "no-such-field"));
    let_in(run, "ann");
    pending = prepare(run, "{'user': <'bob'>}", error);
    g_assert_nonnull(pending);
    let_in(run, "ann"); /* who was let in goes on */
    g_assert_false(secrets_service.in_force(pending));
    secrets_service.try_first(pending);
    g_assert_false(secrets_service.in_force(pending));
    let_in(run, "profile pc-1.next");
    g_assert_true(secrets_service.in_force(pending));
    g_assert_true(secrets_service.keep(pending, error));
    g_assert_cmpstr(credential_service.label(pending), ==, "profile pc-1");
    secrets_service.release(pending);
    return net_done();
}

static void
test_secrets(void)
{
    static const char *const logins[] = {"ann", "pass-of-ann", NULL};
    g_autoptr(Outcome) outcome = run_hooked(change_login, logins);

    g_assert_no_error(outcome->error);
    called("begin 127.0.0.1; ann in; prepare bob; profile pc-1.next in; keep; "
           "end ok; ");
}

/* The new one is refused: the old one is asked again, and the new one never more. */
static GVariant *
change_nothing(PosternRun *run, GVariant *params, gpointer self, GError **error)
{
    static const char *const types[] = {"test.digest", "secrets.login", NULL};
    g_autoptr(GError) why = g_error_new(POSTERN_ERROR, POSTERN_ERROR_AUTH, "no");
    PosternCredential *pending, *loan;

    let_in(run, "ann");
    pending = prepare(run, "{'user': <'bob'>, 'password': <'chosen-by-us'>}", error);
    g_assert_nonnull(pending);
    g_assert_cmpstr(credential_service.peek(pending, "password"), ==, "chosen-by-us");
    secrets_service.try_first(pending);
    loan = credential_service.next(run, types, NULL);
    g_assert_cmpstr(credential_service.label(loan), ==, "profile pc-1.next");
    credential_service.rejected(loan, why);
    credential_service.release(loan);
    let_in(run, "ann");
    g_assert_false(secrets_service.in_force(pending));
    g_assert_true(secrets_service.drop(pending, error));
    let_in(run, "ann");
    secrets_service.release(pending);
    return net_done();
}

static void
test_secrets_dropped(void)
{
    static const char *const logins[] = {"ann", "pass-of-ann", NULL};
    g_autoptr(Outcome) outcome = run_hooked(change_nothing, logins);

    g_assert_no_error(outcome->error);
    called("begin 127.0.0.1; ann in; prepare bob; profile pc-1.next out; "
           "ann in; drop; end ok; ");
}

/* Each of these is strong, and no two are alike. */
static GVariant *
make_up(PosternRun *run, GVariant *params, gpointer self, GError **error)
{
    static const char *const kinds[] = {
        "abcdefghijklmnopqrstuvwxyz", "ABCDEFGHIJKLMNOPQRSTUVWXYZ", "0123456789", "!#$%*+-.=?@^~"};
    g_autoptr(GHashTable) seen = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, NULL);

    for (guint i = 0; i < 100; i++) {
        PosternCredential *one = prepare(run, "{'user': <'bob'>}", error);
        const char *password = credential_service.peek(one, "password");
        gsize known = 0;

        g_assert_cmpuint(strlen(password), ==, 24);
        for (guint k = 0; k < G_N_ELEMENTS(kinds); k++) {
            g_assert_nonnull(strpbrk(password, kinds[k]));
            for (const char *at = password; *at != '\0'; at++)
                known += strchr(kinds[k], *at) != NULL;
        }
        g_assert_cmpuint(known, ==, 24);
        g_assert_true(g_hash_table_add(seen, g_strdup(password)));
        secrets_service.release(one);
    }
    return net_done();
}

static void
forget_calls(void)
{
    for (guint i = 0; tickets_freed == 0 && i < 5000; i++)
        g_usleep(1000);
    g_string_free(g_steal_pointer(&calls), TRUE);
}

static void
test_secrets_made_up(void)
{
    g_autoptr(Outcome) outcome = run_hooked(make_up, NULL);

    g_assert_no_error(outcome->error);
    forget_calls();
}

static GVariant *
prepare_in_vain(PosternRun *run, GVariant *params, gpointer self, GError **error)
{
    g_assert_null(prepare(run, "{'user': <'bob'>}", error));
    return NULL;
}

static void
test_secrets_not_stored(void)
{
    g_autoptr(Outcome) without = net_run(prepare_in_vain, "127.0.0.1", NULL, NULL);
    g_autoptr(Outcome) outcome = NULL;

    g_assert_error(without->error, POSTERN_ERROR, POSTERN_ERROR_NOT_SUPPORTED);
    cannot_write = TRUE;
    outcome = run_hooked(prepare_in_vain, NULL);
    cannot_write = FALSE;
    g_assert_error(outcome->error, POSTERN_ERROR, POSTERN_ERROR_BUSY);
    forget_calls();
}

static GVariant *
hide(PosternRun *run, GVariant *params, gpointer self, GError **error)
{
    g_autofree char *masked = NULL;

    secrets_service.hide(run, "d49472b8191f62e2");
    masked = secret_mask("it is d49472b8191f62e2", -1);
    g_assert_cmpstr(masked, ==, "it is ******");
    return net_done();
}

static void
test_hide(void)
{
    g_autoptr(Outcome) outcome = net_run(hide, "127.0.0.1", NULL, NULL);

    g_assert_no_error(outcome->error);
}

static GVariant *
without_hooks(PosternRun *run, GVariant *params, gpointer self, GError **error)
{
    g_autoptr(GVariant) known = inventory_service.known(run);

    g_assert_cmpuint(g_variant_n_children(known), ==, 0);
    inventory_service.observe(run, g_variant_new_parsed("{'power': <'on'>}"));
    return net_done();
}

static void
test_nobody(void)
{
    g_autoptr(Outcome) outcome = net_run(without_hooks, "127.0.0.1", NULL, NULL);

    g_assert_no_error(outcome->error);
}

int
main(int argc, char **argv)
{
    int status;

    g_test_init(&argc, &argv, NULL);
    net_setup();
    g_assert_true(registry_add_builtin(host_registry(net_host()), &secrets_plugin, NULL));
    g_test_add_func("/hooks/in-turn", test_in_turn);
    g_test_add_func("/hooks/denied", test_denied);
    g_test_add_func("/hooks/unwritten-end", test_unwritten_end);
    g_test_add_func("/hooks/logins", test_logins);
    g_test_add_func("/hooks/secrets", test_secrets);
    g_test_add_func("/hooks/secrets-dropped", test_secrets_dropped);
    g_test_add_func("/hooks/secrets-made-up", test_secrets_made_up);
    g_test_add_func("/hooks/secrets-not-stored", test_secrets_not_stored);
    g_test_add_func("/hooks/hide", test_hide);
    g_test_add_func("/hooks/nobody", test_nobody);
    status = g_test_run();
    net_teardown();
    return status;
}
