/* SPDX-License-Identifier: Apache-2.0 */
#include "config.h"

#include "fleet-open.h"
#include "host-open.h"
#include "out.h"

Status
status_of_error(const GError *error)
{
    complain("%s", error->message);
    switch (error->code) {
    case POSTERN_ERROR_BAD_PARAM:
    case POSTERN_ERROR_NOT_SUPPORTED: /* a credential type that is not there */
        return STATUS_USAGE;
    case POSTERN_ERROR_FORBIDDEN:
    case POSTERN_ERROR_CANCELLED:
        return STATUS_REFUSED;
    case POSTERN_ERROR_BUSY:
        return STATUS_CONFIG;
    default:
        return STATUS_SOME_FAILED;
    }
}

Fleet *
fleet_open_for(const Args *args, Host *host, gboolean dry)
{
    g_autoptr(GError) error = NULL;
    FleetOptions options = {.profile = args->profile, .dry = dry};
    Fleet *fleet = fleet_open(host, &options, &error);

    if (fleet == NULL)
        complain("%s", error->message);
    return fleet;
}

static Opened *
open_both(const Args *args, gboolean dry)
{
    g_autoptr(Opened) opened = g_new0(Opened, 1);
    g_autoptr(GError) error = NULL;

    opened->host = host_open(args);
    if (opened->host == NULL)
        return NULL;
    opened->fleet = fleet_open_for(args, opened->host, dry);
    if (opened->fleet == NULL)
        return NULL;
    opened->store = fleet_store(opened->fleet, &error);
    if (opened->store != NULL)
        return g_steal_pointer(&opened);
    complain("%s", error->message);
    return NULL;
}

Opened *
opened_new(const Args *args)
{
    return open_both(args, TRUE);
}

Opened *
opened_new_for_runs(const Args *args)
{
    return open_both(args, FALSE);
}

void
opened_free(Opened *opened)
{
    fleet_free(opened->fleet);
    host_free(opened->host);
    g_free(opened);
}

Status
opened_change(
    Opened *opened, const Args *args, const char *what, OpenedChange change, gpointer data)
{
    g_autoptr(GError) error = NULL;

    if (store_begin(opened->store, &error)) {
        if (change(opened, data, &error) &&
            fleet_note(opened->fleet, args->verb->name, what, &error) &&
            store_commit(opened->store, &error))
            return STATUS_GOOD;
        store_rollback(opened->store);
    }
    return status_of_error(error);
}
