/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * fleet.h - an organisation's memory around a host: opens what section [fleet] of postern.conf names, and
 * takes part in runs.
 *
 *     [fleet]
 *     store = /var/lib/postern/fleet.db   # "none": no memory, no journal, no roles
 *     key-file = /var/lib/postern/fleet.key
 *     key-credential = NAME               # of systemd, instead of a file
 *     journal-keep-days = 365             # 0: for ever
 *     journal-max-mib = 1024              # 0: no limit
 *     address-fresh-hours = 24            # how long an address alone tells who is there
 */
#include "access.h"
#include "collection.h"
#include "host.h"
#include "profile.h"

typedef struct Fleet Fleet;

/* The section's name, for HostOptions.sections. */
extern const char *const fleet_sections[];

typedef struct {
    const char *profile; /* the profile named in the command; NULL: none */
    gboolean dry;        /* take no part in runs: a replay touches no machine */
} FleetOptions;

/* Main thread, as all functions here. Opens the store (unless it is "none") and reads the roles; BAD_PARAM, BUSY,
 * CONFLICT or FORBIDDEN (access.h) say why not. The host must outlive it. Runs of the host are on record from here on. */
Fleet *fleet_open(Host *host, const FleetOptions *options, GError **error);
/* Only what the section says and where things are: nothing is opened, made or bound to a run. For who checks a
 * configuration; fleet_store() has none, fleet_access() is NULL. */
Fleet *fleet_describe(Host *host, GError **error);
/* After the last batch. Waits until everything is written. */
void fleet_free(Fleet *fleet);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(Fleet, fleet_free)

/* The main thread's connection. NULL with BAD_PARAM where there is no store, saying that this needs one. */
Store *fleet_store(Fleet *fleet, GError **error);
/* NULL with `error`: the key cannot be had. Opened when first asked for. */
const Vault *fleet_vault(Fleet *fleet, GError **error);
const char *fleet_store_path(const Fleet *fleet); /* NULL: there is none */
const char *fleet_key_credential(const Fleet *fleet); /* NULL: it is a file */
const char *fleet_key_file(const Fleet *fleet); /* NULL: it is a systemd credential */
const Access *fleet_access(const Fleet *fleet);
const Actor *fleet_actor(const Fleet *fleet);
/* For target sources; NULL: no store. */
const TargetDirectory *fleet_directory(const Fleet *fleet);

/* What section [fleet] says, a{sv} complete; and its description. Borrowed. */
GVariant *fleet_settings(const Fleet *fleet);
const PluginInfo *fleet_schema(void);
gint64 fleet_fresh_us(const Fleet *fleet); /* how long an address alone identifies */

/* Write down something that is no run, such as a change of a credential, in the caller's transaction: what is changed and
 * that it was are on the disk together. */
gboolean fleet_note(Fleet *fleet, const char *what, const char *message, GError **error);
