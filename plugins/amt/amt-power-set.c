/* SPDX-License-Identifier: Apache-2.0 */
/*
 * amt.power.set: ask for a power state once, and see what became of it.
 *
 * The request is never repeated, not even when its answer is lost: the network interface resets during power
 * transitions, so silence says nothing. What is true is read from the machine afterwards.
 */
#include "amt.h"

#define STEP_MS      2000
#define LOST_MS      30000 /* how long a machine may be silent after a request whose answer was lost */
#define DEPARTURE_MS 12000 /* a cycle or reset that was not seen within this time is over already */

enum { STATE_ON = 2, STATE_CYCLE = 5, STATE_OFF = 6, STATE_OFF_SOFT = 8, STATE_RESET = 10 };

typedef struct {
    const Amt *amt;
    PosternRun *run;
    WsMan *ws;
    guint32 wanted;  /* what is requested */
    guint32 goal;    /* what the machine is to be in afterwards; 0: nothing that can be seen */
    gboolean leaves; /* it leaves the goal first: cycles and resets begin and end on */
    AmtPower before;
    AmtPower now;
    gboolean changed;
    gboolean confirmed; /* the device answered the request */
} Change;

static void
change_clear(Change *change)
{
    wsman_close(change->ws);
    amt_power_clear(&change->before);
    amt_power_clear(&change->now);
}
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC(Change, change_clear)

static gboolean
is_off(guint32 state)
{
    return state == STATE_OFF || state == STATE_OFF_SOFT;
}

static gboolean
is_there(guint32 state, guint32 goal)
{
    return state == goal || (is_off(state) && is_off(goal));
}

static gboolean
is_available(const AmtPower *power, guint32 code)
{
    for (guint i = 0; i < power->available->len; i++)
        if (g_array_index(power->available, guint32, i) == code)
            return TRUE;
    return FALSE;
}

static void
set_goal(Change *change)
{
    switch (change->wanted) {
    case STATE_CYCLE:
    case 9:
    case STATE_RESET:
    case 14:
    case 15:
    case 16:
        change->goal = STATE_ON;
        change->leaves = TRUE;
        return;
    case 12:
    case 13:
        change->goal = STATE_OFF_SOFT;
        return;
    case 1:
    case 11:
    case 17:
        change->goal = 0;
        return;
    default:
        change->goal = change->wanted;
    }
}

/* Firmware rarely offers hard off, and its soft off does not ask the operating system either. */
static void
choose_off(Change *change)
{
    if (change->wanted == STATE_OFF && !is_available(&change->before, STATE_OFF))
        change->wanted = STATE_OFF_SOFT;
}

static gboolean
check_possible(const Change *change, GError **error)
{
    gboolean listed = is_available(&change->before, change->wanted);
    guint32 wanted = change->wanted;

    /* Before 9.0 there was no list, and these four. */
    if (listed ||
        (change->before.available->len == 0 && (wanted == STATE_ON || wanted == STATE_CYCLE ||
                                                wanted == STATE_OFF_SOFT || wanted == STATE_RESET)))
        return TRUE;
    g_autoptr(GVariant) words = g_variant_ref_sink(amt_power_words(change->before.available));
    g_autofree const char **list = g_variant_get_strv(words, NULL);
    g_autofree char *text = g_strjoinv(", ", (char **)(gpointer)list);
    const char *state = amt_word(amt_power_states, change->before.state);
    return postern_fail(
        error,
        POSTERN_ERROR_NOT_SUPPORTED,
        "the machine is %s and does not offer %s now; it offers: %s; force=true asks all the same",
        state != NULL ? state : "in an unknown state",
        amt_word(amt_power_states, wanted),
        text[0] != '\0' ? text : "nothing it tells");
}

/* TRUE also when the answer was lost: then `confirmed` stays FALSE and `lost` says how. */
static gboolean
request(Change *change, GError **lost, GError **error)
{
    static const char class_name[] = "CIM_PowerManagementService";
    static const char method[] = "RequestPowerStateChange";
    g_autoptr(GError) why = NULL;
    g_autoptr(GVariant) outputs = NULL;
    PosternResult args;

    result_begin(&args);
    result_uint(&args, "PowerState", change->wanted);
    result_value(&args,
                 "ManagedElement",
                 wsman_epr("CIM_ComputerSystem",
                           "CreationClassName",
                           "CIM_ComputerSystem",
                           "Name",
                           "ManagedSystem",
                           NULL));
    change->changed = TRUE;
    outputs = wsman_invoke(change->ws, class_name, NULL, method, result_end(&args), &why);
    if (outputs != NULL) {
        change->confirmed = TRUE;
        return wsman_check_return(change->ws, outputs, class_name, method, error);
    }
    if (amt_is_lost(change->ws, why) && change->amt->svc.run->remaining_ms(change->run) > STEP_MS) {
        g_propagate_error(lost, g_steal_pointer(&why));
        return TRUE;
    }
    g_propagate_error(error, g_steal_pointer(&why));
    return FALSE;
}

typedef enum { SEEN_NOTHING, SEEN_STATE, SEEN_FAILURE } Seen;

static Seen
look(Change *change, GError **error)
{
    g_autoptr(GError) why = NULL;
    g_auto(AmtPower) power = {0};

    if (amt_power_read(change->ws, &power, &why)) {
        amt_power_clear(&change->now);
        change->now = power;
        power.available = NULL;
        return SEEN_STATE;
    }
    if (amt_is_lost(change->ws, why))
        return SEEN_NOTHING;
    g_propagate_error(error, g_steal_pointer(&why));
    return SEEN_FAILURE;
}

/* Look every two seconds for at most `limit` ms, until the goal is reached. TRUE: no failure, `reached` says. What
 * begins and ends on must be seen to leave, unless the device has confirmed that it does it. */
static gboolean
watch(Change *change, guint32 limit, gboolean *reached, GError **error)
{
    const PosternRunSvc *svc = change->amt->svc.run;
    gboolean left = !change->leaves;
    guint32 waited = 0;

    *reached = FALSE;
    while (waited < limit && !*reached) {
        if (!svc->sleep(change->run, STEP_MS, error))
            return FALSE;
        waited += STEP_MS;
        svc->progress(change->run, (double)waited / limit, "waiting for the power state");
        Seen seen = look(change, error);
        if (seen == SEEN_FAILURE)
            return FALSE;
        if (seen == SEEN_NOTHING || !is_there(change->now.state, change->goal))
            left = TRUE;
        else
            *reached = left || (change->confirmed && waited >= DEPARTURE_MS);
    }
    return TRUE;
}

static gboolean
wait_for_goal(Change *change, guint32 limit, GError **error)
{
    gboolean reached = FALSE;

    if (!watch(change, limit, &reached, error))
        return FALSE;
    if (reached)
        return TRUE;
    const char *state =
        change->now.available == NULL ? NULL : amt_word(amt_power_states, change->now.state);
    return postern_fail(
        error,
        POSTERN_ERROR_TIMEOUT,
        "the device took the request for %s, but %u s later the machine is %s, expected %s",
        amt_word(amt_power_states, change->wanted),
        limit / 1000,
        state != NULL ? state : "silent",
        amt_word(amt_power_states, change->goal));
}

/* The answer was lost. If the machine shows the goal the request had arrived; if not, nobody knows. */
static gboolean
settle(Change *change, GError *lost, GError **error)
{
    gboolean reached = FALSE;

    if (change->goal != 0 && !watch(change, LOST_MS, &reached, error))
        return FALSE;
    if (reached)
        return TRUE;
    const char *state =
        change->now.available == NULL ? NULL : amt_word(amt_power_states, change->now.state);
    g_set_error(error,
                POSTERN_ERROR,
                lost->code,
                "the answer to the request for %s was lost (%s); it was not repeated; the machine "
                "is %s now",
                amt_word(amt_power_states, change->wanted),
                lost->message,
                state != NULL ? state : "silent");
    return FALSE;
}

static gboolean
carry_out(Change *change, GVariant *params, GError **error)
{
    g_autoptr(GError) lost = NULL;
    guint32 limit = params_uint(params, "timeout", 120) * 1000;

    if (!params_bool(params, "force", FALSE) && !check_possible(change, error))
        return FALSE;
    if (!amt_check_identity(change->amt, change->run, change->ws, error))
        return FALSE;
    if (!request(change, &lost, error))
        return FALSE;
    if (lost != NULL)
        return settle(change, lost, error);
    return !params_bool(params, "wait", FALSE) || change->goal == 0 ||
           wait_for_goal(change, limit, error);
}

static GVariant *
describe(const Change *change)
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
    g_auto(Change) change = {.amt = self, .run = run};

    if (!amt_code(amt_power_states, params_string(params, "state"), &change.wanted)) {
        postern_fail(error,
                     POSTERN_ERROR_BAD_PARAM,
                     "'%s' is no power state",
                     params_string(params, "state"));
        return NULL;
    }
    change.ws = amt_open(self, run, params, error);
    if (change.ws == NULL || !amt_power_read(change.ws, &change.before, error))
        return NULL;
    choose_off(&change);
    set_goal(&change);
    gboolean there = !change.leaves && is_there(change.before.state, change.goal);
    if (!(there && !params_bool(params, "force", FALSE)) && !carry_out(&change, params, error))
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
