/* SPDX-License-Identifier: Apache-2.0 */
#include "config.h"

#include "logs.h"
#include "power.h"

enum {
    ACCEPTED = 0,
    NOT_SUPPORTED = 1,
    BUSY = 3,
    INVALID_PARAMETER = 5,
    INVALID_TRANSITION = 4097
};

/* What a start of the machine does to settings that are for one boot only. */
static void
boot(Device *device)
{
    const SimInstance *settings = device_first(device, "AMT_BootSettingData");

    device->boots++;
    logs_boot(device);
    if (device->extra == NULL)
        return;
    g_clear_pointer(&device->extra->boot_source, g_free);
    if (settings != NULL) {
        device_forget(device, settings);
        device_store(device, settings, "OptionsCleared", "true");
    }
}

guint
power_state(Device *device, gint64 now)
{
    while (device->steps[0].due != 0 && device->steps[0].due <= now) {
        device->power = device->steps[0].state;
        if (device->steps[0].boots)
            boot(device);
        device->steps[0] = device->steps[1];
        device->steps[1].due = 0;
    }
    return device->power;
}

static gboolean
is_running(guint state)
{
    return state == POWER_ON || state == POWER_SLEEP_LIGHT;
}

/* Requests that a machine without a running system cannot follow. */
static gboolean
needs_running(guint64 wanted)
{
    switch (wanted) {
    case POWER_SLEEP_LIGHT:
    case POWER_SLEEP:
    case POWER_HIBERNATE:
    case POWER_RESET:
    case POWER_NMI:
    case POWER_INIT:
    case POWER_OFF_GRACEFUL:
    case POWER_OFF_HARD_GRACEFUL:
    case POWER_RESET_GRACEFUL:
    case POWER_CYCLE_GRACEFUL:
    case POWER_CYCLE_HARD_GRACEFUL:
        return TRUE;
    default:
        return FALSE;
    }
}

static gboolean
is_graceful(guint64 wanted)
{
    return wanted == POWER_SLEEP || wanted == POWER_HIBERNATE ||
           (wanted >= POWER_OFF_GRACEFUL && wanted <= POWER_CYCLE_HARD_GRACEFUL);
}

static gboolean
is_off(guint state)
{
    return state == POWER_OFF || state == POWER_OFF_HARD;
}

static void
plan(Device *device, guint64 wanted, gint64 now)
{
    gint64 delay = (gint64)device->model->power_ms * 1000;

    if (is_graceful(wanted))
        delay *= 2; /* the system shuts down first */
    switch (wanted) {
    case POWER_ON:
        device->steps[0] = (PowerStep){now + delay, POWER_ON, TRUE};
        break;
    case POWER_SLEEP_LIGHT:
    case POWER_SLEEP:
    case POWER_HIBERNATE:
    case POWER_OFF:
    case POWER_OFF_HARD:
        device->steps[0] = (PowerStep){now + delay, (guint8)wanted, FALSE};
        break;
    case POWER_OFF_GRACEFUL:
        device->steps[0] = (PowerStep){now + delay, POWER_OFF, FALSE};
        break;
    case POWER_OFF_HARD_GRACEFUL:
        device->steps[0] = (PowerStep){now + delay, POWER_OFF_HARD, FALSE};
        break;
    case POWER_CYCLE_SOFT:
    case POWER_CYCLE_HARD:
    case POWER_CYCLE_GRACEFUL:
    case POWER_CYCLE_HARD_GRACEFUL:
        device->steps[0] = (PowerStep){now + delay, POWER_OFF, FALSE};
        device->steps[1] = (PowerStep){now + 2 * delay, POWER_ON, TRUE};
        break;
    case POWER_RESET:
    case POWER_RESET_GRACEFUL:
        device->steps[0] = (PowerStep){now + delay, POWER_ON, TRUE};
        break;
    default: /* an interrupt: the machine stays on */
        break;
    }
}

static guint
check(const Device *device, guint state, guint64 wanted)
{
    if (wanted == 0 || wanted > POWER_INIT)
        return INVALID_PARAMETER;
    if ((device->model->power_states >> wanted & 1) == 0)
        return NOT_SUPPORTED;
    if (wanted == state || (is_off(state) && wanted == POWER_OFF_HARD))
        return device->model->already == MODEL_ALREADY_OK ? ACCEPTED : INVALID_TRANSITION;
    if (needs_running(wanted) && !is_running(state) && !(wanted == POWER_RESET && !is_off(state)))
        return INVALID_TRANSITION;
    return ACCEPTED;
}

guint
power_request(Device *device, guint64 wanted, gint64 now)
{
    guint state = power_state(device, now);
    guint result = check(device, state, wanted);
    const Fault *nic = device_fault(device, FAULT_NIC_RESET);

    if (result != ACCEPTED)
        return result;
    if (device->steps[0].due != 0)
        return device->model->second == MODEL_SECOND_LOST ? ACCEPTED : BUSY;
    if (nic != NULL)
        device->unreachable_until = now + nic->number * 1000;
    if (wanted == state || device_fault(device, FAULT_POWER_IGNORED) != NULL)
        return ACCEPTED;
    if (is_graceful(wanted) && device_fault(device, FAULT_NO_AGENT) != NULL)
        return ACCEPTED;
    plan(device, wanted, now);
    return ACCEPTED;
}

void
power_available(Device *device, gint64 now, GString *out)
{
    static const guint8 order[] = {2, 10, 8, 5, 11, 4, 7, 14, 12, 3, 6, 9, 13, 15, 16, 17};
    guint state = power_state(device, now);

    for (guint i = 0; i < G_N_ELEMENTS(order); i++)
        if (order[i] != state && check(device, state, order[i]) == ACCEPTED)
            g_string_append_printf(out, " %u", order[i]);
}
