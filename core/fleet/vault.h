/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * vault.h - sealing of secrets at rest: AES-256-GCM with a key that is not in the store.
 *
 * The key is 32 random bytes, from a file that only its owner can read (made with the store) or a systemd
 * credential. What is sealed is bound to a context (profile and type), so that it cannot be moved to another place.
 *
 * Sealed bytes: version (1), id of the key (8), nonce (12), tag (16), ciphertext; the context is authenticated with
 * them. They are foreign bytes: every length is checked. Key file: one line, "postern-key-1 KEY SALT", both of 64 hex
 * digits. A key can be replaced while the old one is still in use: FILE.new beside FILE is then a second key with which
 * a vault unseals, so that a process that ends at any moment leaves nothing that cannot be read.
 */
#include "secret.h"

typedef struct Vault Vault;

enum { VAULT_MOST = 64 * 1024, VAULT_OVERHEAD = 1 + 8 + 12 + 16 };

/* The key in `file`, made (mode 0600) when it is not there and `make`. BAD_PARAM: others can read the file, or what is
 * in it is no key. */
Vault *vault_open(const char *file, gboolean make, GError **error);
/* The key in the systemd credential `name`, below $CREDENTIALS_DIRECTORY. */
Vault *vault_open_credential(const char *name, GError **error);
/* A key made of a passphrase with scrypt and 16 bytes of salt, for files that travel. `cost` is its N as a power of two,
 * 14 to 20. */
Vault *vault_of_passphrase(const Secret *passphrase, const guint8 salt[16], guint cost, GError **error);
void vault_free(Vault *vault); /* accepts NULL */
G_DEFINE_AUTOPTR_CLEANUP_FUNC(Vault, vault_free)

/* Names the key without telling it: 16 hex digits. */
const char *vault_key_id(const Vault *vault);

/* Seal `length` bytes, at most VAULT_MOST, for `context`, with the newest key in the vault's file. Within a change of the
 * store, as a change of keys is one, too: nothing is then sealed with a key that goes. */
GBytes *vault_seal(
    const Vault *vault, const char *context, gconstpointer data, gsize length, GError **error);

/* The other way: wipe and free with vault_clear(). CONFLICT: another key sealed it (names both), it is damaged, or it is
 * of another context. A key that came into the file since the vault was opened is read then, so whoever holds it reads on
 * while another process replaces the key. From any thread. */
guint8 *vault_unseal(
    const Vault *vault, const char *context, GBytes *sealed, gsize *length, GError **error);
void vault_clear(guint8 *data, gsize length); /* accepts NULL */

/* A keyed digest of `count` texts (NULL: none), 32 hex digits: tells two logins apart, and nothing else of them. It does
 * not change with the key: its salt stays. The caller's. */
char *vault_print(const Vault *vault, const char *const *texts, guint count);

/* Begin to replace the key of `file`: a vault that seals with the new one, which is in FILE.new from here on. Seal all
 * again with it, and then let vault_rekey_end() put it in the place of the old one, which stays as FILE.old. When
 * somebody was interrupted in that, this goes on where they stopped. */
Vault *vault_rekey_begin(const Vault *vault, const char *file, GError **error);
gboolean vault_rekey_end(const char *file, GError **error);
