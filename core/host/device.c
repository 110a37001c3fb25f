/* SPDX-License-Identifier: Apache-2.0 */
#include "config.h"

#include "device.h"
#include "run.h"

Device *
device_acquire(const char *host)
{
    GHashTable *devices = worker_devices(worker_current());
    Device *device = g_hash_table_lookup(devices, host);

    if (device == NULL) {
        device = g_new0(Device, 1);
        device->key = g_strdup(host);
        g_hash_table_insert(devices, device->key, device);
    }
    device->users++;
    return device;
}

static void
device_drop_keeper(Device *device)
{
    if (device->keeper != NULL)
        device->keeper_free(g_steal_pointer(&device->keeper));
}

void
device_free(gpointer data)
{
    Device *device = data;

    device_drop_keeper(device);
    g_free(device->key);
    g_free(device);
}

void
device_release(Device *device)
{
    if (--device->users > 0)
        return;
    device_drop_keeper(device);
    if (device->tls_legacy || device->tls_refused)
        return; /* learned: the next run on it wants to know */
    g_hash_table_remove(worker_devices(worker_current()), device->key);
}

gboolean
device_enter(Device *device, PosternRun *run, GError **error)
{
    Wait wait = {0};
    gboolean ours;

    if (!run_check(run, error))
        return FALSE;
    if (!device->busy) {
        device->busy = TRUE;
        return TRUE;
    }
    g_queue_push_tail(&device->waiting, &wait);
    ours = wait_or_fail(&wait, run, -1, error, "no turn on %s", device->key);
    if (!ours)
        g_queue_remove(&device->waiting, &wait);
    return ours;
}

/* The turn is handed over, not let go: whoever asks in between would otherwise take it from those waiting. */
void
device_leave(Device *device)
{
    Wait *next;

    while ((next = g_queue_pop_head(&device->waiting)) != NULL)
        if (wait_wake(next))
            return;
    device->busy = FALSE;
}
