/* SPDX-License-Identifier: Apache-2.0 */
#include "config.h"

#include "error.h"
#include "field.h"
#include "torture.h"

#include <glib/gstdio.h>
#include <string.h>

#define FOLDER TEST_SRCDIR "/plugins/amt/tests/recordings/"

enum {
    RUN_MS = 10000,
    SLOW_SECONDS = 5 /* a fault passes at once; what takes so long waited for nothing */
};

/* Made for this test; must never be seen in what it says. */
static const char password[] = "Sim-Pass-47!";

static Host *host;
static CredentialSource *credentials;
static char *folder, *conf, *cache, *plugins_d, *amt_conf, *password_file;

/* ---- the exchanges ---- */

static void
exchange_free(gpointer data)
{
    Exchange *exchange = data;

    g_free(exchange->name);
    g_free(exchange->task);
    g_free(exchange->outcome);
    g_free(exchange->params);
    g_free(exchange->options);
    g_free(exchange);
}

GPtrArray *
torture_exchanges(void)
{
    GPtrArray *exchanges = g_ptr_array_new_with_free_func(exchange_free);
    g_autoptr(GError) error = NULL;
    g_autofree char *text = NULL;
    g_auto(GStrv) lines = NULL;

    g_file_get_contents(FOLDER "INDEX.tsv", &text, NULL, &error);
    g_assert_no_error(error);
    lines = g_strsplit(text, "\n", -1);
    for (guint i = 0; lines[i] != NULL; i++) {
        g_auto(GStrv) cells = g_strsplit(lines[i], "\t", -1);
        Exchange *exchange;

        if (lines[i][0] == '#' || lines[i][0] == '\0')
            continue;
        g_assert_cmpuint(g_strv_length(cells), ==, 5);
        exchange = g_new0(Exchange, 1);
        exchange->name = g_strdup(cells[0]);
        exchange->task = g_strdup(cells[1]);
        exchange->outcome = g_strdup(cells[2]);
        exchange->params = g_strdup(cells[3]);
        exchange->options = g_strdup(cells[4]);
        g_ptr_array_add(exchanges, exchange);
    }
    g_assert_cmpuint(exchanges->len, >, 0);
    return exchanges;
}

char *
torture_recording(const Exchange *exchange)
{
    return g_strdup_printf(FOLDER "%s.json", exchange->name);
}

/* ---- the host ---- */

static char *
write_file(const char *directory, const char *name, const char *text, int mode)
{
    char *path = g_build_filename(directory, name, NULL);
    g_autoptr(GError) error = NULL;

    g_file_set_contents_full(path, text, -1, G_FILE_SET_CONTENTS_NONE, mode, &error);
    g_assert_no_error(error);
    return path;
}

void
torture_start(const char *amt_config)
{
    g_autofree char *main_text = g_strdup_printf(
        "[host]\nplugin-path = %s/.libs\nworkers = 1\nretries = 0\n", TEST_BUILDDIR);
    g_autofree char *amt_text = g_strdup_printf("[plugin]\nload = yes\n[config]\n%s", amt_config);
    g_autofree char *login = NULL;
    g_autoptr(GError) error = NULL;

    folder = g_dir_make_tmp("postern-torture-XXXXXX", &error);
    g_assert_no_error(error);
    g_assert_cmpint(g_chmod(folder, 0755), ==, 0);
    plugins_d = g_build_filename(folder, "plugins.d", NULL);
    g_assert_cmpint(g_mkdir(plugins_d, 0755), ==, 0);
    conf = write_file(folder, "postern.conf", main_text, 0644);
    amt_conf = write_file(plugins_d, "amt.conf", amt_text, 0644);
    password_file = write_file(folder, "password", password, 0600);
    cache = g_build_filename(folder, "cache", NULL);
    host = host_new(&(HostOptions){.config_file = conf, .cache_file = cache}, &error);
    g_assert_no_error(error);
    credentials = credential_source_new();
    login = g_strdup_printf("amt.digest:user=admin,password=@%s", password_file);
    credential_source_add(credentials, host_registry(host), login, &error);
    g_assert_no_error(error);
}

void
torture_stop(void)
{
    char **paths[] = {&amt_conf, &plugins_d, &conf, &cache, &password_file, &folder};

    credential_source_free(g_steal_pointer(&credentials));
    host_free(g_steal_pointer(&host));
    for (guint i = 0; i < G_N_ELEMENTS(paths); i++) {
        g_remove(*paths[i]);
        g_clear_pointer(paths[i], g_free);
    }
}

const char *
torture_password_file(void)
{
    return password_file;
}

/* ---- one run ---- */

static const TaskInfo *
load_task(const char *id)
{
    g_autoptr(GError) error = NULL;
    const TaskInfo *task = registry_task(host_registry(host), id, &error);

    g_assert_no_error(error);
    task = registry_load(host_registry(host), task, &error);
    g_assert_no_error(error);
    return task;
}

static void
see_outcome(const Outcome *outcome, gpointer data)
{
    GPtrArray *all = data;
    Outcome *copy = g_new0(Outcome, 1);

    *copy = *outcome;
    copy->target = g_strdup(outcome->target);
    copy->result = outcome->result != NULL ? g_variant_ref(outcome->result) : NULL;
    copy->notes = outcome->notes != NULL ? g_variant_ref(outcome->notes) : NULL;
    copy->error = outcome->error != NULL ? g_error_copy(outcome->error) : NULL;
    g_ptr_array_add(all, copy);
}

static void
see_log(const char *target, const char *task, GLogLevelFlags level, const char *text, gpointer data)
{
    g_assert_null(strstr(text, password));
}

Outcome *
torture_run(const Exchange *exchange, Tap *tap, const char *target, gint retries)
{
    const TaskInfo *task = load_task(exchange->task);
    g_autoptr(GPtrArray) all = g_ptr_array_new();
    g_autoptr(TargetSource) targets = target_source_new();
    g_autoptr(GError) error = NULL;
    g_autoptr(GVariant) given =
        g_variant_parse(G_VARIANT_TYPE_VARDICT, exchange->params, NULL, NULL, &error);
    g_autoptr(GVariant) params = NULL;
    BatchSink sink = {.outcome = see_outcome, .log = see_log, .data = all};
    BatchLimits limits = {.timeout_ms = RUN_MS, .retries = retries};
    gint64 start = g_get_monotonic_time();

    g_assert_no_error(error);
    params = fields_complete(task->params, given, exchange->task, &error);
    g_assert_no_error(error);
    target_source_add(targets, target, &error);
    g_assert_no_error(error);
    g_autoptr(Batch) batch =
        batch_new(host, task, params, targets, credentials, tap, &limits, &sink);
    batch_run(batch, &error);
    g_assert_no_error(error);
    g_assert_false(batch_left_behind(batch));
    g_assert_cmpuint(all->len, ==, 1);
    g_assert_cmpint((g_get_monotonic_time() - start) / G_USEC_PER_SEC, <, SLOW_SECONDS);
    return all->pdata[0];
}

/* ---- judging ---- */

const char *
torture_word(const Outcome *outcome)
{
    return outcome->kind == OUTCOME_OK ? "ok" : error_word(outcome->error->code)->word;
}

/* Pixels have no frame around them: a length that is wrong is waited for in vain, and a size may be any; and that none
 * come is how machines are that are off. */
static gboolean
is_of_pixels(const GError *error, TapFault fault)
{
    if (fault == TAP_FAULT_TIMEOUT)
        return error->code == POSTERN_ERROR_CONFLICT;
    return (fault == TAP_FAULT_GARBAGE || fault == TAP_FAULT_TRUNCATED) &&
           (error->code == POSTERN_ERROR_TIMEOUT || error->code == POSTERN_ERROR_NOT_SUPPORTED ||
            error->code == POSTERN_ERROR_CONFLICT);
}

/* What a broken exchange may end in: the words say who has to look where. */
static gboolean
sensible(const Exchange *exchange, const GError *error, TapFault fault)
{
    /* this one was cut by the device already, and that may be what is told */
    if (strstr(exchange->options, "lost-answer") != NULL &&
        error->code == POSTERN_ERROR_UNREACHABLE)
        return TRUE;
    /* a second connection was tried, rightly, and no recording holds it */
    if (error->code == POSTERN_ERROR_PROTOCOL && strstr(error->message, "replay: ") != NULL)
        return TRUE;
    if (strcmp(exchange->task, "amt.kvm.screenshot") == 0 && is_of_pixels(error, fault))
        return TRUE;
    switch (fault) {
    case TAP_FAULT_TIMEOUT:
        return error->code == POSTERN_ERROR_TIMEOUT;
    case TAP_FAULT_RESET:
        return error->code == POSTERN_ERROR_UNREACHABLE;
    case TAP_FAULT_REFUSED:
        return error->code == POSTERN_ERROR_REFUSED;
    case TAP_FAULT_EOF:
    case TAP_FAULT_GARBAGE:
    case TAP_FAULT_TRUNCATED:
        return error->code == POSTERN_ERROR_UNREACHABLE || error->code == POSTERN_ERROR_PROTOCOL;
    case TAP_FAULT_NONE:
    case TAP_FAULTS:
    default:
        return FALSE;
    }
}

static gboolean
clear_message(const char *message)
{
    return strlen(message) > 10 && g_utf8_validate(message, -1, NULL) &&
           strpbrk(message, "\r\n") == NULL && strstr(message, "(null)") == NULL &&
           strstr(message, password) == NULL;
}

void
torture_judge(const Exchange *exchange, const Outcome *outcome, guint step, TapFault fault)
{
    const char *word = torture_word(outcome);
    const char *message = outcome->error != NULL ? outcome->error->message : "";
    gboolean same = strcmp(word, exchange->outcome) == 0;

    if (g_test_verbose())
        g_test_message(
            "%s, step %u, %s: %s %s", exchange->name, step, tap_fault_word(fault), word, message);
    if (outcome->kind == OUTCOME_OK && outcome->error == NULL && same)
        return;
    if (outcome->kind != OUTCOME_FAILED || outcome->result != NULL ||
        outcome->error->domain != POSTERN_ERROR ||
        !(same || sensible(exchange, outcome->error, fault)) || !clear_message(message))
        g_error("%s with %s at step %u ended in %s: %s",
                exchange->name,
                tap_fault_word(fault),
                step,
                word,
                message);
}
