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

/* 2 and 3 ask; EnabledState then says 6 (enabled, nobody connected) and 3. */
static guint
kvm_state_change(Call *call)
{
    const SimInstance *instance = device_first(call->device, call->class->name);
    guint64 state;

    if (!call_number(call, "RequestedState", &state) || (state != 2 && state != 3))
        return INVALID_PARAMETER;
    if (instance != NULL)
        device_store(call->device, instance, "EnabledState", state == 2 ? "6" : "3");
    return DONE;
}

const Method methods_redirection[] = {
    {"AMT_RedirectionService", "RequestStateChange", redirection_state_change},
    {"CIM_KVMRedirectionSAP", "RequestStateChange", kvm_state_change},
    {0},
};

static void
redirection_stored(Device *device, const SimInstance *instance)
{
    if (device->sim->listener_changed != NULL)
        device->sim->listener_changed(device, device->sim->listener_data);
}

const Rule rules_redirection[] = {
    {"AMT_RedirectionService", .stored = redirection_stored},
    {0},
};
