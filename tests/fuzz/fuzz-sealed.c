/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Sealed bytes and files of profiles from somewhere else. What does not begin with a { is unsealed; a file is read with the
 * wrong passphrase, at most at the lowest cost: what it costs to try one is not what is looked for.
 */
#include "config.h"

#include "fuzz-store.h"
#include "fuzz.h"
#include "profile-file.h"
#include "registry-private.h"

#include <postern-plugin.h>

#include <string.h>

static Vault *vault;
static Registry *registry;
static Secret *passphrase;

/* Made once for the process, with a key that every process has. */
static void
prepare(void)
{
    static const guint8 salt[16] = "sixteen bytes...";
    g_autoptr(GError) error = NULL;

    if (vault != NULL)
        return;
    passphrase = secret_new("correct horse battery", -1);
    vault = vault_of_passphrase(passphrase, salt, 14, &error);
    g_assert_no_error(error);
    registry = registry_new(NULL);
    registry_complete(registry);
}

/* The name of the key would never be guessed: it is put where it belongs. */
static GBytes *
with_key(const guint8 *data, gsize size)
{
    const char *id = vault_key_id(vault);
    guint8 *copy = g_malloc(size);

    memcpy(copy, data, size);
    for (gsize i = 0; i < strlen(id) / 2 && i + 1 < size; i++)
        copy[i + 1] =
            (guint8)(g_ascii_xdigit_value(id[2 * i]) << 4 | g_ascii_xdigit_value(id[2 * i + 1]));
    return g_bytes_new_take(copy, size);
}

static void
try_sealed(const guint8 *data, gsize size)
{
    g_autoptr(GBytes) sealed = with_key(data, size);
    g_autoptr(GError) error = NULL;
    gsize length = 0;
    guint8 *clear = vault_unseal(vault, "fuzz", sealed, &length, &error);

    if (clear == NULL) {
        fuzz_demand_error(error, POSTERN_ERROR_CONFLICT);
        return;
    }
    fuzz_demand(error == NULL && length == size - VAULT_OVERHEAD);
    vault_clear(clear, length);
}

static void
try_file(const char *text, gsize size)
{
    g_autoptr(GError) error = NULL;
    guint count = 0;

    if (!profile_file_read(
            fuzz_store(), vault, registry, passphrase, text, size, "fuzz.json", &count, &error))
        fuzz_demand(error != NULL && g_utf8_validate(error->message, -1, NULL));
    else
        fuzz_demand(count == 0); /* there is no type that it could be of */
}

int
LLVMFuzzerTestOneInput(const guint8 *data, gsize size)
{
    g_autofree char *text = g_strndup((const char *)data, size);

    prepare();
    if (size == 0)
        return 0;
    if (data[0] != '{')
        try_sealed(data, size);
    else if (strstr(text, "15") == NULL && strstr(text, "16") == NULL && strstr(text, "17") == NULL)
        try_file((const char *)data, size);
    return 0;
}
