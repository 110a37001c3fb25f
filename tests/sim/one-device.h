/* SPDX-License-Identifier: Apache-2.0 */
/* For tests of the simulator's parts: one device, on whose record stands what the test does and nothing else. */
#ifndef ONE_DEVICE_H
#define ONE_DEVICE_H

#include "audit.h"
#include "logs.h"
#include "sim.h"

/* Empties both logs of what happened before, and has every event audited. */
static inline void
device_begins_anew(Device *device)
{
    DeviceAudit *audit = audit_of(device);

    logs_clear_events(device);
    g_ptr_array_set_size(audit->records, 0);
    for (guint32 application = AUDIT_SECURITY_ADMIN; application <= AUDIT_CONSENT; application++)
        for (guint32 event = 0; event < 32; event++)
            audit_set(audit, application << 16 | event, TRUE, FALSE);
}

/* `fault` as on the command line, or NULL. */
static inline Sim *
one_device(const char *model, guint32 address, const char *fault)
{
    g_autoptr(GError) error = NULL;
    Sim *sim = sim_new("admin", "P@ssw0rd", 1);

    if (fault != NULL)
        g_ptr_array_add(sim->faults, fault_parse(fault, &error));
    g_assert_no_error(error);
    g_assert_true(sim_populate(sim, address, 1, model, &error));
    g_assert_no_error(error);
    device_begins_anew(sim->devices);
    return sim;
}

#endif /* ONE_DEVICE_H */
