/* SPDX-License-Identifier: Apache-2.0 */
/* Power states and power saving. */
#include "config.h"

#include "methods.h"
#include "power.h"

static guint
request_power_state_change(Call *call)
{
    guint64 wanted;

    if (!call_number(call, "PowerState", &wanted) ||
        xml_child(call->input, "ManagedElement") == NULL)
        return INVALID_PARAMETER;
    return power_request(call->device, wanted, g_get_monotonic_time());
}

static guint
request_os_power_saving(Call *call)
{
    guint64 wanted;

    if (!call_number(call, "OSPowerSavingState", &wanted) || (wanted != 2 && wanted != 3))
        return INVALID_PARAMETER;
    call->device->os_saving = (guint8)wanted;
    return DONE;
}

const Method methods_power[] = {
    {"CIM_PowerManagementService", "RequestPowerStateChange", request_power_state_change},
    {"IPS_PowerManagementService", "RequestOSPowerSavingStateChange", request_os_power_saving},
    {0},
};
