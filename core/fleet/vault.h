/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * vault.h - sealing of secrets at rest: AES-256-GCM with a key that is not in the store.
 *
 * The key is 32 random bytes, from a file that only its owner can read (made with the store) or a systemd
 * credential. What is sealed is bound to a context (profile and type), so that sealed bytes cannot be moved to another
 * place. Sealed bytes are foreign bytes: every length is checked.
 */
#include "secret.h"

typedef struct Vault Vault;

/* The key in `file`, made (mode 0600) when it is not there and `make`. BAD_PARAM: others can read the file, or what is
 * in it is no key. */
Vault *vault_open(const char *file, gboolean make, GError **error);
/* The key in the systemd credential `name`, below $CREDENTIALS_DIRECTORY. */
Vault *vault_open_credential(const char *name, GError **error);
void vault_free(Vault *vault); /* wipes it */
G_DEFINE_AUTOPTR_CLEANUP_FUNC(Vault, vault_free)

/* Names the key without telling it: 16 hex digits. */
const char *vault_key_id(const Vault *vault);

/* Seal `length` bytes, at most 64 KiB, for `context`. */
GBytes *vault_seal(
    const Vault *vault, const char *context, gconstpointer data, gsize length, GError **error);

/* The other way. CONFLICT: another key sealed it (names both), it is damaged, or of another context. */
Secret *
vault_unseal(const Vault *vault, const char *context, GBytes *sealed, GError **error);

/* A keyed digest of `count` texts (NULL: none), 32 hex digits: tells two logins apart, and nothing else of them. Not
 * changed by a new key of the file alone: it is derived from a salt that vault_rekey() keeps. The caller's. */
char *vault_print(const Vault *vault, const char *const *texts, guint count);

/* A new random key with the same salt, not yet written; and writing it over the file, all or nothing. */
Vault *vault_new_key(const Vault *vault, GError **error);
gboolean vault_save(const Vault *vault, const char *file, GError **error);
