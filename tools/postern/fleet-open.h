/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * fleet-open.h - the host and the fleet's memory as the options ask for them.
 */
#include "args.h"
#include "fleet.h"

/* Both, or NULL having complained; the exit status is then STATUS_CONFIG. */
typedef struct {
    Host *host;
    Fleet *fleet;
    Store *store; /* the fleet's */
} Opened;
Opened *opened_new(const Args *args);          /* to look and to change: it takes no part in runs */
Opened *opened_new_for_runs(const Args *args); /* runs of the host are on record */
void opened_free(Opened *opened);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(Opened, opened_free)

/* A change in a transaction of its own, with a row in the journal that says `what` was done by the verb of `args`: all of
 * it or nothing, having complained. */
typedef gboolean (*OpenedChange)(Opened *opened, gpointer data, GError **error);
Status opened_change(
    Opened *opened, const Args *args, const char *what, OpenedChange change, gpointer data);

/* The fleet around a host that is there already, for runs unless they are `dry`; NULL having complained. */
Fleet *fleet_open_for(const Args *args, Host *host, gboolean dry);

/* Complain of `error` and tell the exit status it means. */
Status status_of_error(const GError *error);
