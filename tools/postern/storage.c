/* SPDX-License-Identifier: Apache-2.0 */
#include "config.h"

#include "fleet-open.h"
#include "out.h"
#include "prompt.h"
#include "verbs.h"

Status
verb_store_backup(const Args *args)
{
    g_autoptr(Opened) opened = opened_new(args);
    g_autoptr(GError) error = NULL;

    if (opened == NULL)
        return STATUS_CONFIG;
    if (!store_backup(opened->store, args->words->pdata[0], &error))
        return status_of_error(error);
    return STATUS_GOOD;
}

Status
verb_store_check(const Args *args)
{
    g_autoptr(Opened) opened = opened_new(args);
    g_autoptr(GError) error = NULL;

    if (opened == NULL)
        return STATUS_CONFIG;
    if (!store_check(opened->store, &error))
        return status_of_error(error);
    out_text("the store is sound");
    return STATUS_GOOD;
}

/* ---- a new key ---- */

static gboolean
reseal(Store *store, const Vault *from, const Vault *to, GError **error)
{
    if (!store_begin(store, error))
        return FALSE;
    if (profile_reseal(store, from, to, error))
        return store_commit(store, error);
    store_rollback(store);
    return FALSE;
}

/* The new key is on the disk before anything is sealed with it, and takes the old one's place when all is. */
static gboolean
rekey(Opened *opened, const char *file, GError **error)
{
    const Vault *old = fleet_vault(opened->fleet, error);
    g_autoptr(Vault) fresh = old != NULL ? vault_rekey_begin(old, file, error) : NULL;

    return fresh != NULL && reseal(opened->store, old, fresh, error) &&
           vault_rekey_end(file, error) &&
           fleet_note(opened->fleet, "store rekey", "sealed all secrets with a new key", error);
}

Status
verb_store_rekey(const Args *args)
{
    g_autoptr(Opened) opened = opened_new(args);
    g_autoptr(GError) error = NULL;
    const char *file;

    if (opened == NULL)
        return STATUS_CONFIG;
    file = fleet_key_file(opened->fleet);
    if (file == NULL) {
        complain(
            "the key is a systemd credential, which postern cannot replace: name a key-file in "
            "section [fleet]");
        return STATUS_CONFIG;
    }
    if (!args->yes &&
        (!prompt_possible() || !prompt_yes("Seal all stored secrets with a new key?"))) {
        complain("store rekey: not confirmed; give --yes");
        return STATUS_REFUSED;
    }
    return rekey(opened, file, &error) ? STATUS_GOOD : status_of_error(error);
}
