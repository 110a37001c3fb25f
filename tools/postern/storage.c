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
    if (!store_backup(opened->store, args_word(args, 0), &error))
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

/* The new key is on the disk before anything is sealed with it. */
static gboolean
reseal(Opened *opened, gpointer data, GError **error)
{
    const Vault *old = fleet_vault(opened->fleet, error);
    g_autoptr(Vault) fresh = old != NULL ? vault_rekey_begin(old, data, error) : NULL;

    return fresh != NULL && profile_reseal(opened->store, old, fresh, error);
}

/* And it takes the old one's place when everything is. */
static Status
rekey(Opened *opened, const Args *args, const char *file)
{
    g_autoptr(GError) error = NULL;
    Status status = opened_change(
        opened, args, "sealed all secrets with a new key", reseal, (gpointer)(gsize)file);

    if (status == STATUS_GOOD && !vault_rekey_end(file, &error))
        status = status_of_error(error);
    return status;
}

Status
verb_store_rekey(const Args *args)
{
    g_autoptr(Opened) opened = opened_new(args);
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
    return rekey(opened, args, file);
}
