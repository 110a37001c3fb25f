/* SPDX-License-Identifier: Apache-2.0 */
#include "config.h"

#include "batch.h"
#include "field.h"

#include <glib/gstdio.h>
#include <string.h>
#include <unistd.h>

/*
 * The engine through the dummy plugin: every target drawn ends in exactly one outcome, whatever its task does.
 */

static Host *host;
static char *config_dir;

typedef struct {
    GHashTable *outcomes; /* target -> how many */
    GPtrArray *all;       /* of Outcome, in order */
    guint rows, progress, logs, bad;
    guint64 most_in_flight;
    Batch *batch;
    guint cancel_after; /* outcomes; 0: never */
    GString *log;
} Seen;

/* ---- a host of our own ---- */

static void
write_file(const char *name, const char *text)
{
    g_autofree char *path = g_build_filename(config_dir, name, NULL);
    g_autofree char *dir = g_path_get_dirname(path);
    g_autoptr(GError) error = NULL;

    g_mkdir_with_parents(dir, 0755);
    g_file_set_contents_full(path, text, -1, G_FILE_SET_CONTENTS_NONE, 0644, &error);
    g_assert_no_error(error);
}

static void
make_host(void)
{
    g_autofree char *main_text = g_strdup_printf(
        "[host]\nplugin-path = %s/.libs\nworkers = 2\nretries = 1\n", TEST_BUILDDIR);
    g_autofree char *conf = NULL;
    g_autofree char *cache = NULL;
    g_autoptr(GError) error = NULL;

    config_dir = g_dir_make_tmp("postern-batch-XXXXXX", &error);
    g_assert_no_error(error);
    write_file("postern.conf", main_text);
    write_file("plugins.d/dummy.conf", "[plugin]\nload = yes\n");
    conf = g_build_filename(config_dir, "postern.conf", NULL);
    cache = g_build_filename(config_dir, "cache", NULL);
    host = host_new(&(HostOptions){.config_file = conf, .cache_file = cache}, &error);
    g_assert_no_error(error);
}

static void
remove_dir(const char *path)
{
    GDir *dir = g_dir_open(path, 0, NULL);
    const char *name;

    while (dir != NULL && (name = g_dir_read_name(dir)) != NULL) {
        g_autofree char *child = g_build_filename(path, name, NULL);
        if (g_file_test(child, G_FILE_TEST_IS_DIR))
            remove_dir(child);
        g_remove(child);
    }
    if (dir != NULL)
        g_dir_close(dir);
    g_rmdir(path);
}

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

/* ---- what is seen ---- */

static void
see_outcome(const Outcome *outcome, gpointer data)
{
    Seen *seen = data;
    guint before = GPOINTER_TO_UINT(g_hash_table_lookup(seen->outcomes, outcome->target));
    Outcome *copy = g_new0(Outcome, 1);
    BatchCounts counts;

    *copy = *outcome;
    copy->target = g_strdup(outcome->target);
    copy->result = outcome->result ? g_variant_ref(outcome->result) : NULL;
    copy->notes = outcome->notes ? g_variant_ref(outcome->notes) : NULL;
    copy->error = outcome->error ? g_error_copy(outcome->error) : NULL;
    g_ptr_array_add(seen->all, copy);
    g_hash_table_insert(seen->outcomes, g_strdup(outcome->target), GUINT_TO_POINTER(before + 1));
    batch_counts(seen->batch, &counts);
    seen->most_in_flight = MAX(seen->most_in_flight, counts.in_flight);
    if (seen->cancel_after > 0 && seen->all->len == seen->cancel_after)
        batch_cancel(seen->batch, "the test says so");
}

static void
see_row(const char *target, GVariant *row, gpointer data)
{
    Seen *seen = data;
    guint32 number = 0;

    g_assert_true(g_variant_lookup(row, "number", "u", &number));
    g_assert_cmpuint(number, ==, seen->rows);
    seen->rows++;
}

static void
see_progress(const char *target, double part, const char *words, gpointer data)
{
    ((Seen *)data)->progress++;
}

static void
see_log(const char *target, const char *task, GLogLevelFlags level, const char *text, gpointer data)
{
    Seen *seen = data;

    seen->logs++;
    g_string_append_printf(seen->log, "%s\n", text);
}

static void
see_bad(const GError *error, gpointer data)
{
    ((Seen *)data)->bad++;
}

static void
seen_clear(Seen *seen)
{
    g_hash_table_unref(seen->outcomes);
    g_ptr_array_unref(seen->all);
    g_string_free(seen->log, TRUE);
}

/* Run `id` over `targets` (separated by blanks) and see what comes. */
static void
run_limited(
    Seen *seen, const char *id, const char *params, const char *targets, const BatchLimits *limits)
{
    const TaskInfo *task = load_task(id);
    g_autoptr(TargetSource) source = target_source_new();
    g_auto(GStrv) texts = g_strsplit(targets, " ", -1);
    g_autoptr(GError) error = NULL;
    g_autoptr(GVariant) given = g_variant_ref_sink(g_variant_new_parsed(params));
    g_autoptr(GVariant) complete = fields_complete(task->params, given, id, &error);
    BatchSink sink = {see_outcome, see_row, see_progress, see_log, see_bad, seen};
    BatchCounts counts;

    g_assert_no_error(error);
    for (guint i = 0; texts[i] != NULL; i++)
        g_assert_true(target_source_add(source, texts[i], &error));
    seen->outcomes = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, NULL);
    seen->all = g_ptr_array_new_with_free_func((GDestroyNotify)outcome_free);
    seen->log = g_string_new(NULL);
    seen->batch = batch_new(host, task, complete, source, NULL, NULL, limits, &sink);
    g_assert_true(batch_run(seen->batch, &error));
    g_assert_no_error(error);
    batch_counts(seen->batch, &counts);
    g_assert_cmpuint(counts.in_flight, ==, 0);
    g_assert_cmpuint(counts.done, ==, seen->all->len);
    g_assert_cmpuint(
        counts.ok + counts.failed + counts.cancelled + counts.skipped, ==, counts.done);
    batch_free(seen->batch);
}

static void
run(Seen *seen, const char *id, const char *params, const char *targets)
{
    run_limited(seen, id, params, targets, &(BatchLimits){.retries = -1});
}

static Outcome *
only(const Seen *seen)
{
    g_assert_cmpuint(seen->all->len, ==, 1);
    return seen->all->pdata[0];
}

static void
assert_failed(const Seen *seen, PosternError code, const char *part)
{
    const Outcome *outcome = only(seen);

    g_assert_error(outcome->error, POSTERN_ERROR, (gint)code);
    if (strstr(outcome->error->message, part) == NULL)
        g_error("\"%s\" lacks \"%s\"", outcome->error->message, part);
}

/* ---- tests ---- */

static void
test_many(void)
{
    Seen seen = {0};

    run_limited(&seen,
                "dummy.ok",
                "@a{sv} {}",
                "10.1.0.0/20 lab-1 lab-2 lab-1",
                &(BatchLimits){.retries = -1, .max_parallel = 100});
    g_assert_cmpuint(seen.all->len, ==, 4094 + 3);
    g_assert_cmpuint(g_hash_table_size(seen.outcomes), ==, 4094 + 2);
    g_assert_cmpuint(GPOINTER_TO_UINT(g_hash_table_lookup(seen.outcomes, "lab-1")), ==, 2);
    g_assert_cmpuint(seen.most_in_flight, <=, 100);
    for (guint i = 0; i < seen.all->len; i++)
        g_assert_cmpint(((Outcome *)seen.all->pdata[i])->kind, ==, OUTCOME_OK);
    seen_clear(&seen);
}

static void
test_each_error(void)
{
    for (guint code = POSTERN_ERROR_INTERNAL; code <= POSTERN_ERROR_CANCELLED; code++) {
        Seen seen = {0};
        g_autofree char *params = g_strdup_printf("{'code': <uint32 %u>}", code);
        guint32 device_code = 0;

        run_limited(&seen, "dummy.fail", params, "one", &(BatchLimits){.retries = 0});
        assert_failed(&seen, (PosternError)code, "failed as asked");
        g_assert_cmpint(only(&seen)->kind,
                        ==,
                        code == POSTERN_ERROR_CANCELLED ? OUTCOME_CANCELLED : OUTCOME_FAILED);
        g_assert_true(g_variant_lookup(only(&seen)->notes, "device-code", "u", &device_code));
        g_assert_cmpuint(device_code, ==, 2066);
        seen_clear(&seen);
    }
}

static void
test_retries(void)
{
    Seen seen = {0}, once = {0}, hopeless = {0};

    run(&seen, "dummy.flaky", "@a{sv} {}", "again");
    g_assert_cmpint(only(&seen)->kind, ==, OUTCOME_OK);
    g_assert_cmpuint(only(&seen)->attempts, ==, 2);
    run(&once, "dummy.flaky-once", "@a{sv} {}", "not-again");
    assert_failed(&once, POSTERN_ERROR_UNREACHABLE, "try 1 of 1");
    g_assert_cmpuint(only(&once)->attempts, ==, 1);
    run(&hopeless, "dummy.flaky", "{'times': <uint32 9>}", "hopeless");
    assert_failed(&hopeless, POSTERN_ERROR_UNREACHABLE, "try 2 of 9");
    g_assert_cmpuint(only(&hopeless)->attempts, ==, 2);
    seen_clear(&seen);
    seen_clear(&once);
    seen_clear(&hopeless);
}

static void
test_time_out(void)
{
    Seen seen = {0};
    gint64 start = g_get_monotonic_time();

    run_limited(&seen,
                "dummy.sleep",
                "{'ms': <uint32 60000>}",
                "slow",
                &(BatchLimits){.timeout_ms = 100, .retries = 0});
    assert_failed(&seen, POSTERN_ERROR_TIMEOUT, "did not end within 100 ms");
    g_assert_cmpint(g_get_monotonic_time() - start, <, 20 * G_USEC_PER_SEC);
    g_assert_cmpuint(seen.progress, >, 0);
    seen_clear(&seen);
}

static void
test_total_time_out(void)
{
    Seen seen = {0};

    run_limited(&seen,
                "dummy.sleep",
                "{'ms': <uint32 60000>}",
                "10.0.0.1-50",
                &(BatchLimits){.max_parallel = 10, .total_timeout_ms = 100, .retries = 0});
    g_assert_cmpuint(seen.all->len, ==, 50);
    g_assert_cmpuint(g_hash_table_size(seen.outcomes), ==, 50);
    seen_clear(&seen);
}

/* After a cancel: those in flight are cancelled, the rest is skipped, nobody is forgotten. */
static void
test_cancel(void)
{
    Seen seen = {.cancel_after = 5};
    guint kinds[4] = {0};

    run_limited(&seen,
                "dummy.sleep",
                "{'ms': <uint32 20>}",
                "10.0.0.0/22",
                &(BatchLimits){.max_parallel = 50, .retries = 0});
    g_assert_cmpuint(seen.all->len, ==, 1022);
    g_assert_cmpuint(g_hash_table_size(seen.outcomes), ==, 1022);
    for (guint i = 0; i < seen.all->len; i++)
        kinds[((Outcome *)seen.all->pdata[i])->kind]++;
    g_assert_cmpuint(kinds[OUTCOME_OK], >=, 5);
    g_assert_cmpuint(kinds[OUTCOME_OK] + kinds[OUTCOME_CANCELLED], <=, 100);
    g_assert_cmpuint(kinds[OUTCOME_SKIPPED], >=, 900);
    g_assert_cmpuint(kinds[OUTCOME_FAILED], ==, 0);
    seen_clear(&seen);
}

/* One run on a device at a time, whatever its port; different devices side by side. */
static void
test_one_at_a_time(void)
{
    Seen same = {0}, apart = {0};
    gint64 start = g_get_monotonic_time(), took_same, took_apart;

    run(&same, "dummy.sleep", "{'ms': <uint32 200>}", "lab lab:1 LAB:2 lab");
    took_same = g_get_monotonic_time() - start;
    start = g_get_monotonic_time();
    run(&apart, "dummy.sleep", "{'ms': <uint32 200>}", "lab-1 lab-2 lab-3 lab-4");
    took_apart = g_get_monotonic_time() - start;
    g_assert_cmpint(took_same, >=, 800 * 1000);
    g_assert_cmpint(took_apart, <, took_same);
    seen_clear(&same);
    seen_clear(&apart);
}

static void
test_rate(void)
{
    Seen seen = {0};
    gint64 start = g_get_monotonic_time();

    run_limited(
        &seen, "dummy.ok", "@a{sv} {}", "10.0.0.1-41", &(BatchLimits){.rate = 100, .retries = 0});
    g_assert_cmpuint(seen.all->len, ==, 41);
    g_assert_cmpint(
        g_get_monotonic_time() - start, >=, 250 * 1000); /* 400 ms, less the burst of 100 */
    seen_clear(&seen);
}

static void
test_rows(void)
{
    Seen seen = {0};

    run(&seen, "dummy.rows", "{'count': <uint32 20000>}", "one");
    g_assert_cmpint(only(&seen)->kind, ==, OUTCOME_OK);
    g_assert_cmpuint(seen.rows, ==, 20000);
    seen_clear(&seen);
}

static void
test_children(void)
{
    static const struct {
        const char *params, *part;
        PosternError code;
    } bad[] = {
        {"{'task': <'dummy.fail'>, 'params': <{'code': <uint32 12>}>}",
         "dummy.fail: failed",
         POSTERN_ERROR_BUSY},
        {"{'task': <'dummy.nothing'>}", "dummy.nothing", POSTERN_ERROR_NOT_SUPPORTED},
        {"{'task': <'dummy.echo'>}", "text", POSTERN_ERROR_BAD_PARAM},
        {"{'task': <'dummy.ok'>, 'target': <'no such'>}", "no target", POSTERN_ERROR_BAD_PARAM},
    };
    Seen here = {0}, there = {0};
    g_autofree char *text = NULL;

    run(&here, "dummy.child", "@a{sv} {}", "one two three");
    g_assert_cmpuint(here.all->len, ==, 3);
    for (guint i = 0; i < 3; i++)
        g_assert_cmpint(((Outcome *)here.all->pdata[i])->kind, ==, OUTCOME_OK);
    run(&there, "dummy.child", "{'target': <'elsewhere'>}", "a b c d e f g h");
    for (guint i = 0; i < there.all->len; i++) {
        Outcome *outcome = there.all->pdata[i];
        g_clear_pointer(&text, g_free);
        g_assert_no_error(outcome->error);
        text = g_variant_print(outcome->result, FALSE);
        g_assert_nonnull(strstr(text, "hello, elsewhere"));
    }
    for (guint i = 0; i < G_N_ELEMENTS(bad); i++) {
        Seen seen = {0};
        run_limited(&seen, "dummy.child", bad[i].params, "one", &(BatchLimits){.retries = 0});
        assert_failed(&seen, bad[i].code, bad[i].part);
        seen_clear(&seen);
    }
    seen_clear(&here);
    seen_clear(&there);
}

/* A time-out of the parent reaches the child, on the same stack and on another worker. */
static void
test_children_end(void)
{
    static const char *const params[] = {
        "{'task': <'dummy.sleep'>, 'params': <{'ms': <uint32 60000>}>}",
        "{'task': <'dummy.sleep'>, 'target': <'b'>, 'params': <{'ms': <uint32 60000>}>}",
        "{'task': <'dummy.sleep'>, 'target': <'c'>, 'params': <{'ms': <uint32 60000>}>}",
        "{'task': <'dummy.thread'>, 'params': <{'ms': <uint32 60000>}>}",
    };

    for (guint i = 0; i < G_N_ELEMENTS(params); i++) {
        Seen seen = {0};
        run_limited(
            &seen, "dummy.child", params[i], "a", &(BatchLimits){.timeout_ms = 100, .retries = 0});
        assert_failed(&seen, POSTERN_ERROR_TIMEOUT, "did not end within 100 ms");
        seen_clear(&seen);
    }
}

static void
test_strands_and_threads(void)
{
    Seen strands = {0}, many = {0}, thread = {0};
    guint32 sum = 0;

    run(&strands, "dummy.strands", "{'count': <uint32 100>}", "one");
    g_assert_cmpint(only(&strands)->kind, ==, OUTCOME_OK);
    g_variant_lookup(only(&strands)->result, "sum", "u", &sum);
    g_assert_cmpuint(sum, ==, 5050);
    run(&many, "dummy.strands", "{'count': <uint32 300>}", "one");
    assert_failed(&many, POSTERN_ERROR_BUSY, "strands at a time");
    run(&thread, "dummy.thread", "{'ms': <uint32 20>}", "10.0.0.1-20");
    for (guint i = 0; i < thread.all->len; i++)
        g_assert_cmpint(((Outcome *)thread.all->pdata[i])->kind, ==, OUTCOME_OK);
    seen_clear(&strands);
    seen_clear(&many);
    seen_clear(&thread);
}

static void
test_sins(void)
{
    static const char *const sins[][2] = {
        {"dummy.wrong-type", "number"},
        {"dummy.unknown-output", "surprise"},
        {"dummy.silent-failure", "plugin dummy failed without saying why"},
    };

    for (guint i = 0; i < G_N_ELEMENTS(sins); i++) {
        Seen seen = {0};
        run(&seen, sins[i][0], "@a{sv} {}", "one");
        assert_failed(&seen, POSTERN_ERROR_INTERNAL, sins[i][1]);
        seen_clear(&seen);
    }
}

/* A task that does not come back: named while it holds its worker, and its target is not forgotten. */
static void
test_blocked(void)
{
    Seen seen = {0};

    if (!g_test_subprocess()) {
        g_test_trap_subprocess(NULL, 60 * G_USEC_PER_SEC, 0);
        g_test_trap_assert_passed();
        g_test_trap_assert_stderr("*task dummy.spin of plugin dummy on one has held worker*");
        return;
    }
    g_log_set_always_fatal(G_LOG_LEVEL_CRITICAL | G_LOG_LEVEL_ERROR);
    g_log_set_fatal_mask(NULL, G_LOG_LEVEL_ERROR);
    run_limited(&seen,
                "dummy.spin",
                "{'ms': <uint32 30000>}",
                "one two three four",
                &(BatchLimits){.timeout_ms = 100, .retries = 0});
    g_assert_cmpuint(g_hash_table_size(seen.outcomes), ==, 4);
    for (guint i = 0; i < seen.all->len; i++)
        g_assert_nonnull(strstr(((Outcome *)seen.all->pdata[i])->error->message, "given up"));
    _exit(0);
}

int
main(int argc, char **argv)
{
    int status;

    host_main_hook(argc, argv);
    g_test_init(&argc, &argv, NULL);
    make_host();
    g_test_add_func("/batch/many", test_many);
    g_test_add_func("/batch/each-error", test_each_error);
    g_test_add_func("/batch/retries", test_retries);
    g_test_add_func("/batch/time-out", test_time_out);
    g_test_add_func("/batch/total-time-out", test_total_time_out);
    g_test_add_func("/batch/cancel", test_cancel);
    g_test_add_func("/batch/one-at-a-time", test_one_at_a_time);
    g_test_add_func("/batch/rate", test_rate);
    g_test_add_func("/batch/rows", test_rows);
    g_test_add_func("/batch/children", test_children);
    g_test_add_func("/batch/children-end", test_children_end);
    g_test_add_func("/batch/strands-and-threads", test_strands_and_threads);
    g_test_add_func("/batch/sins", test_sins);
    g_test_add_func("/batch/blocked", test_blocked);
    status = g_test_run();
    host_free(host);
    if (!g_test_subprocess())
        remove_dir(config_dir);
    return status;
}
