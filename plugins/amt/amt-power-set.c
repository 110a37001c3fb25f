/* SPDX-License-Identifier: Apache-2.0 */
/* amt.power.set: ask for a power state once, and see what became of it. */
#include "amt.h"

/* The advice is this task's own: others have no such parameter. */
static gboolean
check_offered(const AmtPowerChange *change, GError **error)
{
    g_autoptr(GError) why = NULL;

    return amt_power_change_check(change, &why) ||
           postern_fail(
               error, (PosternError)why->code, "%s; force=true asks all the same", why->message);
}

static gboolean
carry_out(AmtPowerChange *change, GVariant *params, GError **error)
{
    guint32 limit = MIN(params_uint(params, "timeout", 120), G_MAXUINT32 / 1000) * 1000;

    if (!params_bool(params, "force", FALSE) && !check_offered(change, error))
        return FALSE;
    if (!amt_check_identity(change->amt, change->run, change->ws, error) ||
        !amt_power_change_request(change, error))
        return FALSE;
    /* what was not confirmed has been seen to be reached */
    return !params_bool(params, "wait", FALSE) || change->goal == 0 || !change->confirmed ||
           amt_power_change_wait(change, limit, error);
}

static GVariant *
describe(const AmtPowerChange *change)
{
    const AmtPower *now = change->now.available != NULL ? &change->now : &change->before;
    const char *was = amt_word(amt_power_states, change->before.state);
    PosternResult result;

    result_begin(&result);
    amt_add_power_facts(&result, now->state);
    amt_observe(change->amt, change->run, result_end(&result));
    result_begin(&result);
    amt_power_result(&result, now);
    result_string(&result, "previous", was != NULL ? was : "other");
    result_string(&result, "requested", amt_word(amt_power_states, change->wanted));
    result_bool(&result, "changed", change->changed);
    if (change->changed)
        result_bool(&result, "confirmed", change->confirmed);
    return result_end(&result);
}

static GVariant *
run_set(PosternRun *run, GVariant *params, gpointer self, GError **error)
{
    g_autoptr(WsMan) ws = NULL;
    g_auto(AmtPowerChange) change = {0};
    guint32 wanted;

    if (!amt_code(amt_power_states, params_string(params, "state"), &wanted)) {
        postern_fail(error,
                     POSTERN_ERROR_BAD_PARAM,
                     "'%s' is no power state",
                     params_string(params, "state"));
        return NULL;
    }
    ws = amt_open(self, run, params, error);
    if (ws == NULL || !amt_power_change_begin(&change, self, run, ws, error))
        return NULL;
    amt_power_change_aim(&change, wanted);
    if (!(amt_power_change_there(&change) && !params_bool(params, "force", FALSE)) &&
        !carry_out(&change, params, error))
        return NULL;
    return describe(&change);
}

/* clang-format off */
static const char *const settable[] = {
    "on", "sleep-light", "sleep-deep", "hibernate", "off", "off-soft", "off-soft-graceful", "off-graceful",
    "cycle", "cycle-hard", "cycle-graceful", "cycle-hard-graceful", "reset", "reset-graceful", "nmi", "init", NULL,
};

static const PosternField *const params[] = {
    POSTERN_FIELD_ITEM(.name = "state", .type = "s", .flags = POSTERN_FIELD_REQUIRED, .choices = settable,
                       .summary = "wanted state; 'off' is soft off where hard off is not offered; 'graceful' ones need "
                                  "Intel's agent in the operating system and do nothing without it"),
    POSTERN_FIELD_ITEM(.name = "force", .type = "b", .fallback = "false",
                       .summary = "ask even if the machine is there already or does not offer the state"),
    POSTERN_FIELD_ITEM(.name = "wait", .type = "b", .fallback = "false",
                       .summary = "wait until the state is reached"),
    POSTERN_FIELD_ITEM(.name = "timeout", .type = "u", .fallback = "120",
                       .summary = "with wait: how many seconds at most"),
    AMT_COMMON_PARAMS,
    NULL,
};

static const PosternField *const outputs[] = {
    POSTERN_FIELD_ITEM(.name = "state", .type = "s", .flags = POSTERN_FIELD_REQUIRED,
                       .summary = "power state as last read: with wait=true afterwards, else before the request"),
    POSTERN_FIELD_ITEM(.name = "code", .type = "u", .flags = POSTERN_FIELD_REQUIRED, .summary = "the same as a number"),
    POSTERN_FIELD_ITEM(.name = "available", .type = "as", .flags = POSTERN_FIELD_REQUIRED,
                       .summary = "states that could be requested when it was read"),
    POSTERN_FIELD_ITEM(.name = "previous", .type = "s", .flags = POSTERN_FIELD_REQUIRED, .summary = "state before"),
    POSTERN_FIELD_ITEM(.name = "requested", .type = "s", .flags = POSTERN_FIELD_REQUIRED,
                       .summary = "state that was, or would have been, asked for"),
    POSTERN_FIELD_ITEM(.name = "changed", .type = "b", .flags = POSTERN_FIELD_REQUIRED,
                       .summary = "false: it was there already and nothing was asked"),
    POSTERN_FIELD_ITEM(.name = "confirmed", .type = "b",
                       .summary = "the device answered the request; false: its answer was lost, but the state was seen"),
    NULL,
};

const PosternTask amt_power_set_task = {
    .size = sizeof(PosternTask),
    .flags = POSTERN_TASK_DISRUPTIVE,
    .version = 1,
    .timeout_ms = 600000,
    .id = "amt.power.set",
    .summary = "change the power state: on, off, cycle, reset, sleep, and graceful forms",
    .details = "Reads the state first: a machine that is in the wanted state is left alone, and a state that it does "
               "not offer is refused with the list of what it offers. The request is sent once and never repeated; if "
               "its answer is lost, the state is read instead. Where the machine's UUID is known, it is compared first: another "
               "machine at that address is left alone. Least realm: Remote Control.",
    .params = params,
    .outputs = outputs,
    .credentials = amt_credentials,
    .run = run_set,
};
/* clang-format on */
