/* SPDX-License-Identifier: Apache-2.0 */
/* Switches of the redirection services. */
#include "config.h"

#include "methods.h"
#include "rules.h"

static guint
redirection_state_change(Call *call)
{
    static const char *const states[] = {"32768", "32769", "32770", "32771", NULL};

    return call_state_change(call, states, "EnabledState");
}

const Method methods_redirection[] = {
    {"AMT_RedirectionService", "RequestStateChange", redirection_state_change},
    {0},
};

static void
redirection_stored(Device *device, const SimInstance *instance)
{
    sim_ports_changed(device, FALSE);
}

const Rule rules_redirection[] = {
    {"AMT_RedirectionService", .stored = redirection_stored},
    {0},
};
