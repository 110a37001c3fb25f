/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The same exchanges with simulated machines over real sockets and TLS: what a recording cannot
 * show is that second connections are made where they help, that no descriptor is left open, and
 * that a retry succeeds.
 */
#include "config.h"

#include "torture.h"

#include <signal.h>
#include <string.h>
#include <sys/prctl.h>
#include <unistd.h>

enum {
    MACHINES = 2000,
    FIRST_PORT = 31000, /* below those that the system gives out itself */
    FEW_STEPS = 16, /* beyond, one way for each step is enough: the recordings have all of them */
};

static GSubprocess *simulator;
static guint port;

/* A test that fails ends at once and stops nothing. */
static void
die_with_us(gpointer data)
{
    prctl(PR_SET_PDEATHSIG, SIGTERM);
}

/* FALSE: it cannot listen, which says nothing about us. */
static gboolean
start_simulator(void)
{
    g_autofree char *plain = g_strdup_printf("--port=%u", port);
    g_autofree char *tls = g_strdup_printf("--tls-port=%u", port + 1);
    g_autofree char *password = g_strdup_printf("--password-file=%s", torture_password_file());
    g_autofree char *count = g_strdup_printf("--count=%d", MACHINES);
    g_autoptr(GSubprocessLauncher) launcher =
        g_subprocess_launcher_new(G_SUBPROCESS_FLAGS_STDOUT_PIPE);
    g_autoptr(GDataInputStream) output = NULL;
    g_autoptr(GError) error = NULL;
    g_autofree char *line = NULL;

    g_subprocess_launcher_set_child_setup(launcher, die_with_us, NULL, NULL);
    simulator = g_subprocess_launcher_spawn(launcher,
                                            &error,
                                            TEST_BUILDDIR "/postern-sim",
                                            "--first=127.78.0.1",
                                            "--user=admin",
                                            count,
                                            plain,
                                            tls,
                                            password,
                                            NULL);
    g_assert_no_error(error);
    output = g_data_input_stream_new(g_subprocess_get_stdout_pipe(simulator));
    line = g_data_input_stream_read_line(output, NULL, NULL, NULL);
    return line != NULL && g_str_has_prefix(line, "ready ");
}

static void
stop_simulator(void)
{
    g_subprocess_send_signal(simulator, SIGTERM);
    g_subprocess_wait(simulator, NULL, NULL);
    g_clear_object(&simulator);
}

/* A machine for each run: what one run leaves behind must not help or harm the next. */
static char *
next_machine(void)
{
    static guint number;

    number = number % (MACHINES - 1) + 1;
    return g_strdup_printf("127.78.%u.%u", (number + 1) / 256, (number + 1) % 256);
}

static guint
open_descriptors(void)
{
    g_autoptr(GDir) dir = g_dir_open("/proc/self/fd", 0, NULL);
    guint count = 0;

    g_assert_nonnull(dir);
    while (g_dir_read_name(dir) != NULL)
        count++;
    return count;
}

/* What became of it; `steps` may be NULL. */
static Outcome *
play(const Exchange *exchange, guint step, TapFault fault, gint retries, guint *steps)
{
    Tap *tap = tap_plain();
    g_autofree char *machine = next_machine();
    Outcome *outcome;

    tap_fault(tap, step, fault, step * TAP_FAULTS + fault);
    outcome = torture_run(exchange, tap, machine, retries);
    if (steps != NULL)
        *steps = tap_steps(tap);
    tap_close(tap, NULL);
    return outcome;
}

static void
disturb(const Exchange *exchange, const Outcome *clean, guint step, TapFault fault)
{
    g_autoptr(Outcome) outcome = play(exchange, step, fault, 0, NULL);

    torture_judge(exchange, outcome, step, fault);
    /* success means all of it, not what was left over; but a machine that was only
     * reached without TLS shows no certificate */
    if (outcome->kind == OUTCOME_OK && strcmp(exchange->task, "amt.identify") != 0)
        g_assert_cmpuint(
            g_variant_n_children(outcome->result), ==, g_variant_n_children(clean->result));
}

static void
test_exchange(gconstpointer data)
{
    const Exchange *exchange = data;
    guint steps = 0, before, after;
    g_autoptr(Outcome) clean = play(exchange, 0, TAP_FAULT_NONE, 0, &steps);

    g_assert_cmpstr(torture_word(clean), ==, exchange->outcome);
    g_assert_cmpuint(steps, >=, 3);
    before = open_descriptors();
    for (guint step = 0; step < steps; step++) {
        guint way = 1 + step % (TAP_FAULTS - 1);
        if (steps > FEW_STEPS) {
            disturb(exchange, clean, step, (TapFault)way);
            continue;
        }
        for (guint fault = TAP_FAULT_NONE + 1; fault < TAP_FAULTS; fault++)
            disturb(exchange, clean, step, (TapFault)fault);
    }
    after = open_descriptors();
    g_test_message(
        "%s: %u steps, %u descriptors before and %u after", exchange->name, steps, before, after);
    g_assert_cmpuint(after, <=, before + 2);
}

/* A read that failed once is repeated and succeeds; a change is not repeated by us. */
static void
test_retry(gconstpointer data)
{
    const Exchange *exchange = data;
    g_autoptr(Outcome) outcome = play(exchange, 2, TAP_FAULT_RESET, 1, NULL);

    g_assert_cmpstr(torture_word(outcome), ==, "ok");
    g_assert_cmpuint(outcome->attempts, ==, 2);
}

/* Some machines have a wireless port and others have none, only older ones have a store, and a change of addresses is
 * watched, too. */
static gboolean
needs_this_machine(const Exchange *exchange)
{
    return g_str_has_prefix(exchange->task, "amt.wifi.") ||
           g_str_has_prefix(exchange->task, "amt.network.") ||
           g_str_has_prefix(exchange->task, "amt.storage.");
}

static void
add_tests(GPtrArray *exchanges)
{
    for (guint i = 0; i < exchanges->len; i++) {
        Exchange *exchange = exchanges->pdata[i];
        g_autofree char *path = g_strdup_printf("/torture/live/%s", exchange->name);

        /* the machines here are all alike and well; and a power change whose answer is lost is
         * watched for half a minute if the request was lost with it, which is chance here and is
         * not in the recordings; and what wants a machine that is on and asks nobody for consent
         * has chosen one by its seed */
        if (strstr(exchange->options, "--fault") != NULL ||
            strstr(exchange->options, "--tls") != NULL ||
            strstr(exchange->options, "--seed") != NULL ||
            strcmp(exchange->task, "amt.power.set") == 0 || needs_this_machine(exchange))
            continue;
        g_test_add_data_func(path, exchange, test_exchange);
        if (strcmp(exchange->name, "power-get") == 0)
            g_test_add_data_func("/torture/live/retry", exchange, test_retry);
    }
}

int
main(int argc, char **argv)
{
    g_autoptr(GPtrArray) exchanges = NULL;
    g_autofree char *config = NULL;
    int status = 0;

    host_main_hook(argc, argv);
    g_test_init(&argc, &argv, NULL);
    exchanges = torture_exchanges();
    port = FIRST_PORT + (guint)getpid() % 500 * 2;
    config = g_strdup_printf("port = %u\ntls-port = %u\n", port, port + 1);
    torture_start(config);
    if (start_simulator()) {
        add_tests(exchanges);
        status = g_test_run();
    } else {
        g_print("1..0 # SKIP the simulator cannot listen on port %u\n", port);
    }
    stop_simulator();
    torture_stop();
    return status;
}
