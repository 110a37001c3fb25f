/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * machine.h - the inventory: one record for each machine, put together from what was seen of it.
 *
 * Which machine an observation belongs to is decided by the strongest identity it has: UUID, then MAC,
 * then FQDN, then address. A weaker one never outvotes a stronger one: an address at which another
 * UUID now answers goes to that machine. An address alone identifies only while it is fresh, because
 * DHCP gives it to somebody else. UUIDs that boards are shipped with by the thousand (all zeros, all
 * ones, 03000200-0400-0500-0006-000700080009 ...) are none.
 *
 * What is seen again as it was is written down once a minute at most, so that a fleet at rest writes little; the history
 * has changes only. All functions work inside a transaction of the caller's where they write, and never begin one.
 */
#include "store/store.h"

typedef struct {
    char *value; /* in its one spelling: lower case, MAC as aa:bb:cc:dd:ee:ff */
    char *kind;  /* "mac", "fqdn" or "address" */
    char *source;
    gint64 first_seen, seen;
} MachineKey;

typedef struct {
    char *name, *text, *source;
    gint64 seen;
} MachineFact;

typedef struct {
    gint64 id;
    char *uuid; /* lower case; NULL: not known */
    char *name; /* as given, else the first label of its FQDN, else its address, MAC or UUID */
    gint64 created, seen;
    GPtrArray *keys;  /* of MachineKey, by kind, latest first */
    GPtrArray *facts; /* of MachineFact, by name */
    GPtrArray *tags;  /* of char * */
} Machine;

void machine_free(Machine *machine);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(Machine, machine_free)

/* What was seen. Members may be NULL; `macs` and `tags` are NULL-ended. */
typedef struct {
    const char *uuid, *fqdn, *address, *name;
    const char *const *macs;
    const char *const *tags;
    GVariant *facts;    /* a{sv} of s, b, u, i, t, x, d; or NULL */
    const char *source; /* by what: a task's id, "import", "add" */
    gint64 at;          /* when */
    gint64 fresh_us;    /* how long an address identifies (fleet_settings()) */
} Observation;

/* Take what identifies and what is known out of an a{sv} as POSTERN_SVC_INVENTORY has it ("uuid", "mac", "fqdn",
 * "address"; the rest are facts). The strings are borrowed from `seen`; free with observation_clear(). */
void observation_read(Observation *observation, GVariant *seen);
void observation_clear(Observation *observation);

/* Find or make its machine and write down what is new; `machine` gets its id. `subject` is a machine that it is
 * about unless a UUID says otherwise (that of the run's target), or 0. BAD_PARAM for text that is no UUID, MAC, address
 * or name; nothing is written then. */
gboolean machine_observe(Store *store,
                         const Observation *observation,
                         gint64 subject,
                         gint64 *machine,
                         GError **error);

/* The machine that `word` means: its UUID, MAC, name, FQDN or an address it was last seen at (whoever was seen
 * there last). 0: nobody. CONFLICT when several have that name; names them. */
gboolean machine_find(Store *store, const char *word, gint64 *machine, GError **error);

/* For a run: whose is `host` (a name or address in lower case) now? 0: nobody's. An address counts only if it was seen
 * after `fresh_since`. */
gboolean machine_at(
    Store *store, const char *host, gint64 fresh_since, gint64 *machine, GError **error);

/* Where it is to be reached: the address at which it was seen since `fresh_since`, else its FQDN, else the address seen
 * last; never where another machine was seen later. NULL: none is known, or there is no such machine (without error).
 * The caller's. */
char *machine_reach(Store *store, gint64 machine, gint64 fresh_since, GError **error);

/* NULL with BAD_PARAM when it is not there. */
Machine *machine_read(Store *store, gint64 machine, GError **error);

/* All machines for which the SQL condition on m.id holds (NULL: all), with its values, by name: column 0 id, 1 uuid,
 * 2 name, 3 FQDN and 4 address seen last, 5 seen. */
StoreRows *machine_rows(Store *store, const char *condition, GPtrArray *values, GError **error);

/* What changed when: column 0 at, 1 source, 2 name, 3 old, 4 new; latest first. */
StoreRows *machine_history(Store *store, gint64 machine, GError **error);

/* All of `other` becomes part of `keep`, which keeps its own where both know something; `other` is gone. CONFLICT when
 * both have a UUID, which are then two machines, unless `sure`. */
gboolean machine_merge(Store *store, gint64 keep, gint64 other, gboolean sure, GError **error);

/* Remove it and what is known of it. The journal keeps its rows. */
gboolean machine_forget(Store *store, gint64 machine, GError **error);

gboolean machine_set_tag(
    Store *store, gint64 machine, const char *tag, gboolean set, GError **error);

/* Text to its one spelling; NULL with BAD_PARAM. The caller's. */
char *machine_uuid_text(const char *text, GError **error);
char *machine_mac_text(const char *text, GError **error);
/* TRUE: it looks like a UUID (8-4-4-4-12 hex digits). */
gboolean machine_is_uuid(const char *text);
/* TRUE for a UUID that many machines share. */
gboolean machine_uuid_is_bogus(const char *uuid);
