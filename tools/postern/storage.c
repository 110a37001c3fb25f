/* SPDX-License-Identifier: Apache-2.0 */
#include "config.h"

#include "error.h"
#include "fleet-open.h"
#include "out.h"
#include "prompt.h"
#include "verbs.h"

#include <errno.h>
#include <glib/gstdio.h>
#include <unistd.h>

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

/* Written with the secrets it seals, so that whoever finds two key files knows which one is theirs. */
static gboolean
note_key(Store *store, const Vault *vault, GError **error)
{
    return store_run(store,
                     error,
                     "INSERT INTO setting (name, value) VALUES ('vault.key', $1) "
                     "ON CONFLICT (name) DO UPDATE SET value = excluded.value",
                     "s",
                     vault_key_id(vault));
}

static gboolean
reseal(Store *store, const Vault *from, const Vault *to, GError **error)
{
    if (!store_begin(store, error))
        return FALSE;
    if (profile_reseal(store, from, to, error) && note_key(store, to, error))
        return store_commit(store, error);
    store_rollback(store);
    return FALSE;
}

/* The old key stays as FILE.old; a link, so that FILE is there at every moment. */
static gboolean
put_in_place(const char *file, const char *fresh, GError **error)
{
    g_autofree char *old = g_strconcat(file, ".old", NULL);

    if ((g_unlink(old) == 0 || errno == ENOENT) && link(file, old) == 0 &&
        g_rename(fresh, file) == 0)
        return TRUE;
    error_set_errno(error,
                    errno,
                    "the store is sealed with the new key in %s, but it cannot be put at %s; "
                    "move it there by hand",
                    fresh,
                    file);
    return FALSE;
}

/* What an earlier rekey left that was ended halfway: its key is the store's (`done`: put in place), or nobody's. */
static gboolean
finish_earlier(Store *store, const char *file, const char *fresh, gboolean *done, GError **error)
{
    g_autoptr(Vault) vault = NULL;
    gint64 same = 0;

    *done = FALSE;
    if (!g_file_test(fresh, G_FILE_TEST_EXISTS))
        return TRUE;
    vault = vault_open(fresh, FALSE, error);
    if (vault == NULL ||
        !store_number(store,
                      &same,
                      0,
                      error,
                      "SELECT count(*) FROM setting WHERE name = 'vault.key' AND value = $1",
                      "s",
                      vault_key_id(vault)))
        return FALSE;
    *done = same > 0;
    return same > 0 ? put_in_place(file, fresh, error) : TRUE;
}

/* The new key is on the disk before anything is sealed with it, and the old one stays after. */
static gboolean
rekey(Opened *opened, const char *file, GError **error)
{
    g_autofree char *fresh = g_strconcat(file, ".new", NULL);
    g_autoptr(Vault) vault = NULL;
    const Vault *old;
    gboolean done = FALSE;

    if (!finish_earlier(opened->store, file, fresh, &done, error))
        return FALSE;
    if (done)
        return fleet_note(
            opened->fleet, "store rekey", "put the key of an earlier try in place", error);
    old = fleet_vault(opened->fleet, error);
    vault = old != NULL ? vault_new_key(old, error) : NULL;
    if (vault == NULL || !vault_save(vault, fresh, error) ||
        !reseal(opened->store, old, vault, error) || !put_in_place(file, fresh, error))
        return FALSE;
    return fleet_note(opened->fleet, "store rekey", "sealed all secrets with a new key", error);
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
