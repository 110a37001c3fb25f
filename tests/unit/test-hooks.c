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

static RunHooks hooks = {
    .begin = on_begin, .end = on_end, .login = on_login, .observe = on_observe, .known = on_known};

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
    g_test_add_func("/hooks/in-turn", test_in_turn);
    g_test_add_func("/hooks/denied", test_denied);
    g_test_add_func("/hooks/unwritten-end", test_unwritten_end);
    g_test_add_func("/hooks/logins", test_logins);
    g_test_add_func("/hooks/nobody", test_nobody);
    status = g_test_run();
    net_teardown();
    return status;
}
