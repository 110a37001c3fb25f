/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * clerk.h - the one thread that writes the store while runs go on.
 *
 * Runs hand it errands (may I begin? I have ended; this login was let in; this was seen) and wait for those that
 * need an answer. It takes all that has come in one transaction, so that the cost of a commit is shared by
 * everything in flight, and answers when that is on the disk. Errands of one run are done in order.
 */
#include "access.h"
#include "hooks.h"
#include "profile.h"

typedef struct Clerk Clerk;

/* What it works with; all must outlive it. */
typedef struct {
    const char *store; /* path: it has a connection of its own */
    const Vault *vault;
    Registry *registry;
    const Access *access;
    const Actor *actor;
    const char *profile; /* named in the command; or NULL */
    gint64 fresh_us;     /* how long an address alone identifies */
    guint keep_days;     /* of the journal; 0: for ever */
    guint64 max_bytes;   /* likewise; 0: no limit */
} ClerkSettings;

/* Start it. NULL with `error` when the store cannot be opened. */
Clerk *clerk_new(const ClerkSettings *settings, GError **error);
/* Do what has come, and end. */
void clerk_free(Clerk *clerk);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(Clerk, clerk_free)

const RunHooks *clerk_hooks(Clerk *clerk);
