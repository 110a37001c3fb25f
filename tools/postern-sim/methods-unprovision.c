/* SPDX-License-Identifier: Apache-2.0 */
/* Taking the setup back: all of it, or so much that the next setup has less to do. */
#include "config.h"

#include "accounts.h"
#include "delivery.h"
#include "logs.h"
#include "methods.h"

#include <string.h>

enum { UNPROVISIONING_STARTED = 19, BY_REMOTE = 4 };

/* Accounts, certificates, profiles, settings and log go. `kept`: the one instance that stays as it is, or NULL. */
static void
forget_all(Device *device, const SimInstance *kept)
{
    DeviceExtra *extra = device_extra(device);
    GHashTableIter iter;
    gpointer index;

    g_clear_pointer(&extra->created, g_ptr_array_unref);
    g_clear_pointer(&extra->boot_source, g_free);
    g_clear_pointer(&extra->destinations, g_ptr_array_unref);
    extra->alarms_until = extra->link_until = 0;
    extra->power_scheme = 0;
    logs_clear_events(device);
    accounts_clear(extra);
    if (extra->stored == NULL)
        return;
    g_hash_table_iter_init(&iter, extra->stored);
    while (g_hash_table_iter_next(&iter, &index, NULL))
        if (kept == NULL || GPOINTER_TO_UINT(index) != kept->index)
            g_hash_table_iter_remove(&iter);
}

static void
set(Device *device, const char *class_name, const char *property, const char *value)
{
    const SimInstance *instance = device_first(device, class_name);

    if (instance != NULL)
        device_store(device, instance, property, value);
}

/* Its ports close; the answer still goes out. */
static void
take_back(Device *device, const SimInstance *kept)
{
    const guint8 by = BY_REMOTE;

    logs_audit(device, AUDIT_SECURITY_ADMIN, UNPROVISIONING_STARTED, &by, sizeof by);
    delivery_post(device, "iAMT0055", "3");
    forget_all(device, kept);
    set(device, "AMT_SetupAndConfigurationService", "ProvisioningState", "0");
    set(device, "IPS_HostBasedSetupService", "CurrentControlMode", "0");
    device->unprovisioned = TRUE;
}

static guint
unprovision(Call *call)
{
    guint64 mode;

    if (!call_number(call, "ProvisioningMode", &mode) || mode > 3)
        return PT_INVALID_PARAMETER;
    take_back(call->device, NULL);
    return DONE;
}

/* Host and domain name stay. */
static guint
partial_unprovision(Call *call)
{
    take_back(call->device, device_first(call->device, "AMT_GeneralSettings"));
    return DONE;
}

const Method methods_unprovision[] = {
    {"AMT_SetupAndConfigurationService", "Unprovision", unprovision},
    {"AMT_SetupAndConfigurationService", "PartialUnprovision", partial_unprovision},
    {0},
};
