/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * hooks.h - the few places where an organisation's memory (core/fleet/) takes part in a run.
 *
 * The host works without any of them. All are called on the run's worker, on its fiber unless they
 * say otherwise; `data` is the member of that name. A host has one set of hooks for its life.
 */
#include "credential.h"

typedef struct RunHooks {
    gpointer data;

    /* May it run, and is that on record? Called once for each run, children included, before the
     * task's function and behind the device's queue; suspends. May add candidates to the run's
     * credential session (unless it shares its parent's) and set a ticket (run_set_ticket()). FALSE
     * with `error`: the task's function is not called. */
    gboolean (*begin)(PosternRun *run, gpointer data, GError **error);
    /* Called once for each begin() that returned TRUE; suspends until it is on record. Exactly one
     * of `result` and `why` is set. FALSE with `error`: it is not on record; the run has its own
     * outcome all the same, with a warning in its log. */
    gboolean (*end)(
        PosternRun *run, GVariant *result, const GError *why, gpointer data, GError **error);
    /* A device let `credential` in (`why` is NULL) or refused it. Never suspends. */
    void (*login)(
        PosternRun *run, PosternCredential *credential, const GError *why, gpointer data);
    /* POSTERN_SVC_INVENTORY; observe() never suspends and takes its own reference. known() suspends and
     * returns a{sv}, the caller's. */
    void (*observe)(PosternRun *run, GVariant *facts, gpointer data);
    GVariant *(*known)(PosternRun *run, gpointer data);
    /* POSTERN_SVC_SECRETS; both suspend until it is on the disk. prepare(): store `credential`, complete, as the one that
     * may come into force at the run's target, and name it (its label). settle(): it is in force (`keep`), or is not. NULL:
     * no logins are kept. */
    gboolean (*prepare)(
        PosternRun *run, PosternCredential *credential, gpointer data, GError **error);
    gboolean (*settle)(PosternRun *run,
                       PosternCredential *credential,
                       gboolean keep,
                       gpointer data,
                       GError **error);
} RunHooks;
