/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * power.h - the power state machine.
 *
 * A request is accepted at once and takes effect later, as a plan of at most two steps with their
 * times. No timer runs: whoever asks for the state first carries out the steps that are due.
 */
#include "device.h"

/* Power states of CIM_AssociatedPowerManagementService. */
enum {
    POWER_ON = 2,
    POWER_SLEEP_LIGHT = 3,
    POWER_SLEEP = 4,
    POWER_CYCLE_SOFT = 5,
    POWER_OFF_HARD = 6,
    POWER_HIBERNATE = 7,
    POWER_OFF = 8,
    POWER_CYCLE_HARD = 9,
    POWER_RESET = 10,
    POWER_NMI = 11,
    POWER_OFF_GRACEFUL = 12,
    POWER_OFF_HARD_GRACEFUL = 13,
    POWER_RESET_GRACEFUL = 14,
    POWER_CYCLE_GRACEFUL = 15,
    POWER_CYCLE_HARD_GRACEFUL = 16,
    POWER_INIT = 17
};

/* The state at monotonic time `now`, after the steps that are due. */
guint power_state(Device *device, gint64 now);

/* RequestPowerStateChange: its ReturnValue. */
guint power_request(Device *device, guint64 wanted, gint64 now);

/* The machine's own system restarts it or switches it off. */
void power_by_host(Device *device, gboolean off, gint64 now);

/* What can be requested now, as blank-separated numbers in the order of real answers. */
void power_available(Device *device, gint64 now, GString *out);
