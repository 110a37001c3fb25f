/* SPDX-License-Identifier: Apache-2.0 */
/*
 * One request for a power state, and what became of it: for every task that switches a machine.
 *
 * The request is never repeated, not even when its answer is lost: the network interface resets during power
 * transitions, so silence says nothing. What is true is read from the machine afterwards.
 */
#include "amt.h"

#define STEP_MS      2000
#define LOST_MS      30000 /* how long a machine may be silent after a request whose answer was lost */
#define DEPARTURE_MS 12000 /* a cycle or reset that was not seen within this time is over already */

enum { STATE_ON = 2, STATE_CYCLE = 5, STATE_OFF = 6, STATE_OFF_SOFT = 8, STATE_RESET = 10 };

void
amt_power_change_clear(AmtPowerChange *change)
{
    amt_power_clear(&change->before);
    amt_power_clear(&change->now);
}

gboolean
amt_power_change_begin(
    AmtPowerChange *change, const Amt *amt, PosternRun *run, WsMan *ws, GError **error)
{
    change->amt = amt;
    change->run = run;
    change->ws = ws;
    return amt_power_read(ws, &change->before, error);
}

gboolean
amt_power_is_off(guint32 state)
{
    return state == STATE_OFF || state == STATE_OFF_SOFT;
}

static gboolean
is_there(guint32 state, guint32 goal)
{
    return state == goal || (amt_power_is_off(state) && amt_power_is_off(goal));
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
set_goal(AmtPowerChange *change)
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
choose_off(AmtPowerChange *change)
{
    if (change->wanted == STATE_OFF && !is_available(&change->before, STATE_OFF))
        change->wanted = STATE_OFF_SOFT;
}

void
amt_power_change_aim(AmtPowerChange *change, guint32 wanted)
{
    change->wanted = wanted;
    choose_off(change);
    set_goal(change);
}

gboolean
amt_power_change_there(const AmtPowerChange *change)
{
    return !change->leaves && is_there(change->before.state, change->goal);
}

gboolean
amt_power_change_check(const AmtPowerChange *change, GError **error)
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
    return postern_fail(error,
                        POSTERN_ERROR_NOT_SUPPORTED,
                        "the machine is %s and does not offer %s now; it offers: %s",
                        state != NULL ? state : "in an unknown state",
                        amt_word(amt_power_states, wanted),
                        text[0] != '\0' ? text : "nothing it tells");
}

/* TRUE also when the answer was lost: then `confirmed` stays FALSE and `lost` says how. */
static gboolean
send_request(AmtPowerChange *change, GError **lost, GError **error)
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
look(AmtPowerChange *change, GError **error)
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
watch(AmtPowerChange *change, guint32 limit, gboolean *reached, GError **error)
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

gboolean
amt_power_change_wait(AmtPowerChange *change, guint32 limit, GError **error)
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
settle(AmtPowerChange *change, GError *lost, GError **error)
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

gboolean
amt_power_change_request(AmtPowerChange *change, GError **error)
{
    g_autoptr(GError) lost = NULL;

    return send_request(change, &lost, error) && (lost == NULL || settle(change, lost, error));
}
