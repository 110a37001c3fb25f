/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The table of needs: each task of the plugin has a row, each row a task, and README.md and the manual say what it says.
 *     tests/unit/test-amt-needs --print      what README.md should have
 */
#include "amt-needs.h"

#include <string.h>

const PosternPlugin *amt_LTX_postern_plugin_v1(const PosternHost *host);

static const PosternTask *
find_task(const char *id)
{
    const PosternPlugin *plugin = amt_LTX_postern_plugin_v1(NULL);

    for (guint i = 0; plugin->tasks[i] != NULL; i++)
        if (strcmp(plugin->tasks[i]->id, id) == 0)
            return plugin->tasks[i];
    return NULL;
}

static void
test_rows(void)
{
    const PosternPlugin *plugin = amt_LTX_postern_plugin_v1(NULL);
    const char *last = "";

    for (guint i = 0; plugin->tasks[i] != NULL; i++)
        if (amt_need(plugin->tasks[i]->id) == NULL)
            g_error("%s has no row in amt-needs.c", plugin->tasks[i]->id);
    for (const AmtNeed *at = amt_needs; at->task != NULL; at++) {
        if (find_task(at->task) == NULL)
            g_error("amt-needs.c has a row for %s, which is no task", at->task);
        if ((at->realms == 0) != (at->note != NULL))
            g_error("%s has realms or a note, one of both", at->task);
        if (strcmp(last, at->task) >= 0)
            g_error("%s stands behind %s", at->task, last);
        last = at->task;
    }
    g_assert_null(amt_need("amt.no.such"));
    g_assert_null(amt_need(NULL));
}

/* The rows of the table below "Credentials and least rights". */
static char **
readme_rows(void)
{
    const char *srcdir = g_getenv("srcdir");
    g_autofree char *path =
        g_build_filename(srcdir != NULL ? srcdir : ".", "plugins", "amt", "README.md", NULL);
    g_autofree char *text = NULL;
    g_autoptr(GError) error = NULL;
    char *start, *end;

    if (!g_file_get_contents(path, &text, NULL, &error))
        g_error("%s", error->message);
    start = strstr(text, "| --- | --- | --- | --- |\n");
    g_assert_nonnull(start);
    start += strlen("| --- | --- | --- | --- |\n");
    end = strstr(start, "\n\n");
    g_assert_nonnull(end);
    *end = '\0';
    return g_strsplit(start, "\n", -1);
}

static void
test_readme(void)
{
    g_auto(GStrv) rows = readme_rows();
    guint i = 0;

    for (const AmtNeed *at = amt_needs; at->task != NULL; at++, i++) {
        g_autofree char *wanted = amt_need_row(at);

        if (g_strcmp0(rows[i], wanted) != 0)
            g_error("plugins/amt/README.md has\n  %s\nwhere amt-needs.c says\n  %s",
                    rows[i] != NULL ? rows[i] : "(the end)",
                    wanted);
    }
    if (rows[i] != NULL)
        g_error("plugins/amt/README.md has a row more: %s", rows[i]);
}

/* "Least realm: Remote Control." in the details of a task is what the table says. */
static void
test_details(void)
{
    for (const AmtNeed *at = amt_needs; at->task != NULL; at++) {
        const PosternTask *task = find_task(at->task);
        const char *details = task != NULL && task->details != NULL ? task->details : "";
        const char *said = strstr(details, "Least realm");
        g_autofree char *titles = amt_need_titles(at);
        g_autofree char *joined = NULL, *wanted = NULL;
        g_auto(GStrv) parts = g_strsplit(titles, ", ", -1);

        if (at->realms == 0)
            continue;
        joined = g_strjoinv(" and ", parts);
        wanted = g_strdup_printf(
            "Least realm%s: %s.", parts[0] != NULL && parts[1] != NULL ? "s" : "", joined);
        if (said == NULL || !g_str_has_prefix(said, wanted))
            g_error("the details of %s say '%s', expected '%s'",
                    at->task,
                    said != NULL ? said : "nothing of a realm",
                    wanted);
    }
}

static void
test_words(void)
{
    static const char *const good[] = {"remote-control", "acl", "administration", NULL};
    static const char *const bad[] = {"remote-control", "root", NULL};
    g_autoptr(GError) error = NULL;
    g_autoptr(GVariant) words = NULL;
    g_autofree char *titles = NULL, *text = NULL;
    guint32 mask = 0;

    g_assert_true(amt_realm_mask(good, &mask, NULL));
    g_assert_cmpuint(mask, ==, 1U << 5 | 1U << 21 | 1U << 3);
    words = g_variant_ref_sink(amt_realm_words(mask));
    text = g_variant_print(words, FALSE);
    g_assert_cmpstr(text, ==, "['administration', 'remote-control', 'acl']");
    titles = amt_realm_titles(mask);
    g_assert_cmpstr(titles, ==, "PT Administration, Remote Control, ACL");
    g_assert_false(amt_realm_mask(bad, &mask, &error));
    g_assert_error(error, POSTERN_ERROR, POSTERN_ERROR_BAD_PARAM);
    g_assert_nonnull(strstr(error->message, "there is no realm 'root'; there are: redirection, "));
}

static void
test_suffice(void)
{
    const guint32 info = 1U << AMT_REALM_GENERAL_INFO, reader = 1U << AMT_REALM_EVENT_LOG_READER,
                  manager = 1U << AMT_REALM_EVENT_MANAGER, all = 1U << AMT_REALM_ADMINISTRATION,
                  clock = 1U << AMT_REALM_NETWORK_TIME;
    const AmtNeed both = {.realms = info | reader}, change = {.realms = manager},
                  either = {.realms = clock, .instead = info}, nothing = {.realms = 0};

    g_assert_true(amt_realms_suffice(info | reader | clock, &both));
    g_assert_false(amt_realms_suffice(info, &both));
    g_assert_true(amt_realms_suffice(info | manager, &both));
    g_assert_false(amt_realms_suffice(info | reader, &change));
    g_assert_true(amt_realms_suffice(all, &both));
    g_assert_true(amt_realms_suffice(info, &either));
    g_assert_true(amt_realms_suffice(clock, &either));
    g_assert_false(amt_realms_suffice(manager, &either));
    g_assert_true(amt_realms_suffice(0, &nothing));
}

/* ---- what is remembered of an account ---- */

static const char *who = "operator", *task_now = "amt.power.set";
static GVariant *memory;
static gint64 now_us;
static char *observed;

static const char *
fake_task(PosternRun *run)
{
    return task_now;
}

static const char *
fake_target(PosternRun *run)
{
    return "pc-17";
}

static const char *
fake_foresee(PosternRun *run, const char *const *types, const char *field)
{
    g_assert_cmpstr(field, ==, "user");
    return who;
}

static GVariant *
fake_known(PosternRun *run)
{
    return memory != NULL ? g_variant_ref(memory)
                          : g_variant_ref_sink(g_variant_new("a{sv}", NULL));
}

static void
fake_observe(PosternRun *run, GVariant *facts)
{
    g_free(observed);
    observed = g_strdup(params_string(facts, "amt.realms"));
}

static gint64
fake_real(PosternRun *run)
{
    return now_us;
}

static const PosternRunSvc run_svc = {
    .size = sizeof run_svc, .target = fake_target, .task = fake_task};
static const PosternCredentialSvc credential_svc = {.size = sizeof credential_svc,
                                                    .foresee = fake_foresee};
static const PosternInventorySvc inventory_svc = {
    .size = sizeof inventory_svc, .observe = fake_observe, .known = fake_known};
static const PosternClockSvc clock_svc = {.size = sizeof clock_svc, .real = fake_real};
static const Amt amt = {.svc = {.run = &run_svc,
                                .credentials = &credential_svc,
                                .inventory = &inventory_svc,
                                .clock = &clock_svc}};

static void
remember(const char *realms)
{
    const gint64 seen = G_GINT64_CONSTANT(1700000000) * G_USEC_PER_SEC;

    g_clear_pointer(&memory, g_variant_unref);
    now_us = seen + G_USEC_PER_SEC;
    memory = g_variant_ref_sink(
        g_variant_new_parsed("{'amt.realms': <%s>, 'seen': <{'amt.realms': %x}>}", realms, seen));
}

static void
refused(const char *words)
{
    g_autoptr(GError) error = NULL;

    g_assert_false(amt_check_needs(&amt, NULL, &error));
    g_assert_error(error, POSTERN_ERROR, POSTERN_ERROR_FORBIDDEN);
    if (strstr(error->message, words) == NULL)
        g_error("expected '%s' in: %s", words, error->message);
}

static void
let_through(void)
{
    g_autoptr(GError) error = NULL;

    g_assert_true(amt_check_needs(&amt, NULL, &error));
    g_assert_no_error(error);
}

static void
test_check(void)
{
    let_through(); /* nothing is known */
    remember("admin: administration, operator: general-info hardware-asset");
    refused(
        "amt.power.set needs realm remote-control (Remote Control), which account operator does "
        "not have, as of 2023-11-14T22:13:20Z; the device was not asked. If that has changed: "
        "postern run amt.user.list pc-17, as an administrator, looks again");
    task_now = "amt.inventory.get";
    let_through();
    task_now = "amt.power.set";
    who = "admin";
    let_through();
    who = "oper"; /* the beginning of another's name */
    let_through();
    who = NULL;
    let_through();
    who = "operator";
    now_us +=
        G_GINT64_CONSTANT(25) * 3600 * G_USEC_PER_SEC; /* a day old: the device knows better */
    let_through();
    remember("operator: general-info no-such-realm");
    let_through();
    remember("operator: general-info");
    task_now = "amt.wsman.get";
    let_through();
    task_now = "other.task";
    let_through();
    task_now = "amt.inventory.get";
    refused("needs realm hardware-asset (Hardware Asset), which");
    task_now = "amt.power.set";
}

/* What amt.diagnose was refused is lacking; of all else it says nothing. The later of two facts holds. */
static void
remember_both(const char *realms, const char *lacking, gint64 later)
{
    const gint64 seen = G_GINT64_CONSTANT(1700000000) * G_USEC_PER_SEC;

    g_clear_pointer(&memory, g_variant_unref);
    now_us = seen + G_USEC_PER_SEC;
    memory = g_variant_ref_sink(g_variant_new_parsed(
        "{'amt.realms': <%s>, 'amt.realms-lacking': <%s>, 'seen': <{'amt.realms': %x, "
        "'amt.realms-lacking': %x}>}",
        realms,
        lacking,
        seen,
        seen + later));
}

static void
test_lacking(void)
{
    task_now = "amt.features.get";
    remember_both("", "operator: redirection", 0);
    refused("amt.features.get needs realm redirection (Redirection), which account operator does "
            "not have, as of 2023-11-14T22:13:20Z");
    task_now = "amt.power.set";
    let_through(); /* nobody knows */
    task_now = "amt.general.set";
    refused(
        "needs realm administration (PT Administration), which"); /* it would not lack anything */
    task_now = "amt.features.get";
    remember_both("operator: redirection", "operator: redirection", -1);
    let_through();
    remember_both("operator: redirection", "operator: redirection", 1);
    refused("needs realm redirection");
    remember_both("", "operator: ", 1);
    let_through();
    remember_both("", "other: redirection", 1);
    let_through();
    task_now = "amt.power.set";
}

static void
test_add_lacking(void)
{
    g_autoptr(GVariant) nothing = g_variant_ref_sink(g_variant_new("a{sv}", NULL));
    g_autoptr(GVariant) known =
        g_variant_ref_sink(g_variant_new_parsed("{'amt.realms-lacking': <'op: eit'>}"));
    g_autoptr(GVariant) all = NULL;
    PosternResult facts;

    result_begin(&facts);
    amt_add_lacking(&facts, nothing, "admin", 0);
    amt_add_lacking(&facts, nothing, NULL, 1U << AMT_REALM_EIT);
    all = g_variant_ref_sink(result_end(&facts));
    g_assert_cmpuint(g_variant_n_children(all), ==, 0);
    g_clear_pointer(&all, g_variant_unref);
    result_begin(&facts);
    amt_add_lacking(&facts, nothing, "op", 1U << AMT_REALM_EIT | 1U << AMT_REALM_REDIRECTION);
    all = g_variant_ref_sink(result_end(&facts));
    g_assert_cmpstr(params_string(all, "amt.realms-lacking"), ==, "op: redirection eit");
    g_clear_pointer(&all, g_variant_unref);
    result_begin(&facts);
    amt_add_lacking(&facts, known, "op", 0);
    all = g_variant_ref_sink(result_end(&facts));
    g_assert_cmpstr(params_string(all, "amt.realms-lacking"), ==, "op: ");
}

static void
explained(const char *user, const char *words)
{
    GError *error = g_error_new(POSTERN_ERROR, POSTERN_ERROR_AUTH, "Get X: refused");

    amt_explain_refusal(&amt.svc, NULL, user, &error);
    g_assert_cmpstr(error->message, ==, words);
    g_assert_cmpint(error->code,
                    ==,
                    strstr(words, "needs") != NULL ? POSTERN_ERROR_FORBIDDEN : POSTERN_ERROR_AUTH);
    g_error_free(error);
}

static void
test_explain(void)
{
    g_clear_pointer(&memory, g_variant_unref);
    explained("operator",
              "Get X: refused: amt.power.set needs realm remote-control (Remote Control), which "
              "account operator seems not to have");
    explained(NULL,
              "Get X: refused: amt.power.set needs realm remote-control (Remote Control), which "
              "account in use seems not to have");
    remember("operator: remote-control no-such-realm");
    explained("operator",
              "Get X: refused: amt.power.set needs realm remote-control (Remote Control), which "
              "account operator seems not to have");
    remember("operator: general-info");
    explained("operator",
              "Get X: refused: amt.power.set needs realm remote-control (Remote Control), which "
              "account operator does not have");
    remember("operator: remote-control");
    explained("operator",
              "Get X: refused: amt.power.set needs realm remote-control (Remote Control), which "
              "account operator had as of 2023-11-14T22:13:20Z; it was taken from it, or something "
              "else is missing, such as the consent of the user");
    task_now = "amt.wsman.get";
    explained("operator", "Get X: refused");
    task_now = "amt.power.set";
}

static void
test_observe(void)
{
    const AmtHolder holders[] = {
        {"admin", AMT_EVERY_REALM}, {"op", 1U << 5 | 1U << 13}, {"none", 0}};
    AmtHolder many[64];

    amt_observe_realms(&amt, NULL, holders, 3);
    g_assert_cmpstr(observed, ==, "admin: administration, op: remote-control general-info, none: ");
    for (guint i = 0; i < G_N_ELEMENTS(many); i++)
        many[i] = (AmtHolder){"somebody", 0x1FFFFFC};
    amt_observe_realms(&amt, NULL, many, G_N_ELEMENTS(many));
    g_assert_cmpuint(strlen(observed), >, 100);
    g_assert_cmpuint(strlen(observed), <=, 1024); /* no fact is longer */
    g_clear_pointer(&observed, g_free);
}

int
main(int argc, char **argv)
{
    int status;

    if (argc == 2 && strcmp(argv[1], "--print") == 0) {
        for (const AmtNeed *at = amt_needs; at->task != NULL; at++) {
            g_autofree char *row = amt_need_row(at);
            g_print("%s\n", row);
        }
        return 0;
    }
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/amt-needs/rows", test_rows);
    g_test_add_func("/amt-needs/readme", test_readme);
    g_test_add_func("/amt-needs/details", test_details);
    g_test_add_func("/amt-needs/words", test_words);
    g_test_add_func("/amt-needs/suffice", test_suffice);
    g_test_add_func("/amt-needs/check", test_check);
    g_test_add_func("/amt-needs/lacking", test_lacking);
    g_test_add_func("/amt-needs/add-lacking", test_add_lacking);
    g_test_add_func("/amt-needs/explain", test_explain);
    g_test_add_func("/amt-needs/observe", test_observe);
    status = g_test_run();
    g_clear_pointer(&memory, g_variant_unref);
    return status;
}
