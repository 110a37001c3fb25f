/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Every recorded exchange, with its n-th step failing in every way, for all n: one clear error or
 * success, no hang, and (in the sanitized build) no leak.
 */
#include "config.h"

#include "torture.h"

static Tap *
open_recording(const Exchange *exchange)
{
    g_autofree char *path = torture_recording(exchange);
    g_autoptr(GError) error = NULL;
    Tap *tap = tap_replay(path, &error);

    g_assert_no_error(error);
    return tap;
}

/* A machine for each run, for what is remembered of one may change the next exchange with it. */
static char *
next_machine(void)
{
    static guint number;

    return g_strdup_printf("machine-%u", ++number);
}

/* Undisturbed it ends as it did, and asks for all that is recorded. The number of its steps, and
 * its result. */
static guint
play(const Exchange *exchange, GVariant **result)
{
    Tap *tap = open_recording(exchange);
    g_autofree char *machine = next_machine();
    g_autoptr(Outcome) outcome = torture_run(exchange, tap, machine, 0);
    g_autofree char *unused = tap_unused(tap);
    guint steps = tap_steps(tap);

    if (outcome->error != NULL)
        g_test_message("%s: %s", exchange->name, outcome->error->message);
    g_assert_cmpstr(torture_word(outcome), ==, exchange->outcome);
    g_assert_cmpstr(unused, ==, NULL);
    tap_close(tap, NULL);
    *result = g_steal_pointer(&outcome->result);
    return steps;
}

static void
disturb(const Exchange *exchange, GVariant *result, guint step, TapFault fault)
{
    Tap *tap = open_recording(exchange);
    g_autofree char *machine = next_machine();
    g_autoptr(Outcome) outcome = NULL;

    tap_fault(tap, step, fault, step * TAP_FAULTS + fault);
    outcome = torture_run(exchange, tap, machine, 0);
    torture_judge(exchange, outcome, step, fault);
    /* success means all of it, not what was left over */
    if (outcome->kind == OUTCOME_OK && !g_variant_equal(outcome->result, result))
        g_error("%s with %s at step %u has another result",
                exchange->name,
                tap_fault_word(fault),
                step);
    tap_close(tap, NULL);
}

static void
test_exchange(gconstpointer data)
{
    const Exchange *exchange = data;
    g_autoptr(GVariant) result = NULL;
    guint steps = play(exchange, &result);

    g_assert_cmpuint(steps, >=, 3); /* connect, write, read */
    for (guint step = 0; step < steps; step++)
        for (guint fault = TAP_FAULT_NONE + 1; fault < TAP_FAULTS; fault++)
            disturb(exchange, result, step, (TapFault)fault);
    g_test_message("%s: %u steps, %u ways each", exchange->name, steps, TAP_FAULTS - 1);
}

int
main(int argc, char **argv)
{
    g_autoptr(GPtrArray) exchanges = NULL;
    int status;

    host_main_hook(argc, argv);
    g_test_init(&argc, &argv, NULL);
    exchanges = torture_exchanges();
    torture_start("");
    for (guint i = 0; i < exchanges->len; i++) {
        Exchange *exchange = exchanges->pdata[i];
        g_autofree char *path = g_strdup_printf("/torture/replay/%s", exchange->name);

        g_test_add_data_func(path, exchange, test_exchange);
    }
    status = g_test_run();
    torture_stop();
    return status;
}
