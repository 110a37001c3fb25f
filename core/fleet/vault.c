/* SPDX-License-Identifier: Apache-2.0 */
#include "config.h"

#include "error.h"
#include "vault.h"

#include <errno.h>
#include <fcntl.h>
#include <openssl/evp.h>
#include <openssl/hmac.h>
#include <openssl/rand.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define KEY_WORD "postern-key-1"

enum { KEY = 32, ID = 8, NONCE = 12, TAG = 16, SEAL_VERSION = 1, LINE = 256, PRINT = 16 };

/* One key with its name. The key itself is kept as hex text, because locked and masked memory is for text. */
typedef struct {
    Secret *hex; /* NULL: none */
    guint8 id[ID];
} Key;

/* Keys that came into the file since the vault was opened: somebody may be sealing anew at this moment. */
typedef struct {
    GMutex lock;
    char *file;
    Key keys[2];
} Late;

struct Vault {
    Key keys[2]; /* as they were at the opening */
    Late *late;  /* NULL: it is of no file */
    char id_text[2 * ID + 1];
    guint8 salt[KEY];
};

#define conflict(error, ...) g_set_error(error, POSTERN_ERROR, POSTERN_ERROR_CONFLICT, __VA_ARGS__)

/* ---- hex ---- */

static void
to_hex(const guint8 *bytes, gsize length, char *text)
{
    static const char digits[] = "0123456789abcdef";

    for (gsize i = 0; i < length; i++) {
        text[2 * i] = digits[bytes[i] >> 4];
        text[2 * i + 1] = digits[bytes[i] & 15];
    }
    text[2 * length] = '\0';
}

static gboolean
from_hex(const char *text, guint8 *bytes, gsize length)
{
    for (gsize i = 0; i < length; i++) {
        int high = g_ascii_xdigit_value(text[2 * i]);
        int low = high < 0 ? -1 : g_ascii_xdigit_value(text[2 * i + 1]);
        if (low < 0)
            return FALSE;
        bytes[i] = (guint8)(high << 4 | low);
    }
    return TRUE;
}

/* ---- keys ---- */

static void
key_bytes(const Key *key, guint8 bytes[KEY])
{
    from_hex(secret_peek(key->hex), bytes, KEY);
}

static void
key_set(Key *key, const guint8 bytes[KEY])
{
    char hex[2 * KEY + 1];
    guint8 digest[KEY];

    to_hex(bytes, KEY, hex);
    key->hex = secret_new(hex, 2 * KEY);
    secret_wipe(hex, sizeof hex);
    HMAC(EVP_sha256(), bytes, KEY, (const guchar *)"id", 2, digest, NULL);
    memcpy(key->id, digest, ID);
}

static void
vault_named(Vault *vault)
{
    to_hex(vault->keys[0].id, ID, vault->id_text);
}

static gboolean
random_bytes(guint8 *bytes, int length, GError **error)
{
    if (RAND_bytes(bytes, length) == 1)
        return TRUE;
    g_set_error_literal(
        error, POSTERN_ERROR, POSTERN_ERROR_INTERNAL, "the system has no random numbers for a key");
    return FALSE;
}

static gboolean
read_line(const char *line, Key *key, guint8 salt[KEY])
{
    gsize word = strlen(KEY_WORD);
    guint8 bytes[KEY];
    gboolean good;

    if (strlen(line) != word + 1 + 2 * KEY + 1 + 2 * KEY ||
        strncmp(line, KEY_WORD " ", word + 1) != 0 || line[word + 1 + 2 * KEY] != ' ')
        return FALSE;
    good =
        from_hex(line + word + 1, bytes, KEY) && from_hex(line + word + 1 + 2 * KEY + 1, salt, KEY);
    if (good)
        key_set(key, bytes);
    secret_wipe(bytes, sizeof bytes);
    return good;
}

/* ---- the key file ---- */

static gboolean
read_key(const char *file, Key *key, guint8 salt[KEY], GError **error)
{
    g_autofree char *place = g_strconcat("@", file, NULL);
    g_autoptr(Secret) line = secret_read(place, error);

    if (line == NULL) {
        g_prefix_error(error, "the key that seals stored secrets: ");
        return FALSE;
    }
    if (read_line(secret_peek(line), key, salt))
        return TRUE;
    error_set_bad(
        error,
        "file %s is no key: expected one line, '" KEY_WORD
        "' and two numbers of %d hex digits; if it "
        "was damaged, put back your copy of it: without it, stored secrets cannot be read",
        file,
        2 * KEY);
    return FALSE;
}

static gboolean
write_all(int fd, const char *text)
{
    gsize length = strlen(text);

    for (gsize at = 0; at < length;) {
        gssize done = write(fd, text + at, length - at);
        if (done < 0 && errno == EINTR)
            continue;
        if (done <= 0)
            return FALSE;
        at += (gsize)done;
    }
    return fsync(fd) == 0;
}

/* A whole key under its name or none: whoever comes second finds the first one's. */
static gboolean
write_key(const char *file, const Key *key, const guint8 salt[KEY], GError **error)
{
    g_autofree char *part = g_strconcat(file, ".part-XXXXXX", NULL);
    int fd = g_mkstemp_full(part, O_RDWR | O_CLOEXEC, 0600);
    char salt_hex[2 * KEY + 1], line[LINE];
    gboolean good = fd >= 0;

    to_hex(salt, KEY, salt_hex);
    g_snprintf(line, sizeof line, KEY_WORD " %s %s\n", secret_peek(key->hex), salt_hex);
    good = good && write_all(fd, line) && (link(part, file) == 0 || errno == EEXIST);
    secret_wipe(line, sizeof line);
    if (!good)
        error_set_errno(error, errno, "cannot write the key file %s", file);
    if (fd >= 0) {
        close(fd);
        unlink(part);
    }
    return good;
}

static gboolean
make_key(const char *file, GError **error)
{
    g_autofree char *directory = g_path_get_dirname(file);
    guint8 bytes[KEY], salt[KEY];
    Key key = {0};
    gboolean good;

    if (g_mkdir_with_parents(directory, 0700) != 0) {
        error_set_errno(error, errno, "cannot make directory %s for the key file", directory);
        return FALSE;
    }
    good = random_bytes(bytes, KEY, error) && random_bytes(salt, KEY, error);
    if (good) {
        key_set(&key, bytes);
        good = write_key(file, &key, salt, error);
        secret_unref(key.hex);
    }
    secret_wipe(bytes, sizeof bytes);
    return good;
}

static gboolean
read_new_key(Vault *vault, const char *file, GError **error)
{
    g_autofree char *other = g_strconcat(file, ".new", NULL);
    guint8 salt[KEY];

    return access(other, F_OK) != 0 || read_key(other, &vault->keys[1], salt, error);
}

Vault *
vault_open(const char *file, gboolean make, GError **error)
{
    g_autoptr(Vault) vault = g_new0(Vault, 1);

    if (make && access(file, F_OK) != 0 && errno == ENOENT && !make_key(file, error))
        return NULL;
    if (!read_key(file, &vault->keys[0], vault->salt, error) || !read_new_key(vault, file, error))
        return NULL;
    vault_named(vault);
    vault->late = g_new0(Late, 1);
    g_mutex_init(&vault->late->lock);
    vault->late->file = g_strdup(file);
    return g_steal_pointer(&vault);
}

Vault *
vault_open_credential(const char *name, GError **error)
{
    const char *directory = g_getenv("CREDENTIALS_DIRECTORY");
    g_autofree char *file = NULL;

    if (directory == NULL || strchr(name, '/') != NULL || *name == '\0') {
        error_set_bad(
            error,
            "the key is to come from the systemd credential '%s', and %s",
            name,
            directory == NULL
                ? "systemd handed none to this process ($CREDENTIALS_DIRECTORY is not set)"
                : "that is no name of one");
        return NULL;
    }
    file = g_build_filename(directory, name, NULL);
    return vault_open(file, FALSE, error);
}

Vault *
vault_of_passphrase(const Secret *passphrase, const guint8 salt[16], guint cost, GError **error)
{
    const char *text = secret_peek(passphrase);
    guint64 most = 2 * (G_GUINT64_CONSTANT(128) << cost) * 8;
    Vault *vault;
    guint8 bytes[KEY];

    if (cost < 14 || cost > 20 ||
        EVP_PBE_scrypt(
            text, strlen(text), salt, 16, G_GUINT64_CONSTANT(1) << cost, 8, 1, most, bytes, KEY) !=
            1) {
        error_set_bad(
            error, "cannot make a key of the passphrase: cost %u, expected 14 to 20", cost);
        return NULL;
    }
    vault = g_new0(Vault, 1);
    key_set(&vault->keys[0], bytes);
    vault_named(vault);
    secret_wipe(bytes, sizeof bytes);
    return vault;
}

static void
keys_clear(Key keys[2])
{
    for (guint i = 0; i < 2; i++)
        g_clear_pointer(&keys[i].hex, secret_unref);
}

static void
late_free(Late *late)
{
    if (late == NULL)
        return;
    keys_clear(late->keys);
    g_mutex_clear(&late->lock);
    g_free(late->file);
    g_free(late);
}

void
vault_free(Vault *vault)
{
    if (vault == NULL)
        return;
    keys_clear(vault->keys);
    late_free(vault->late);
    secret_wipe(vault, sizeof *vault);
    g_free(vault);
}

const char *
vault_key_id(const Vault *vault)
{
    return vault->id_text;
}

/* ---- sealing ---- */

static gboolean
gcm(EVP_CIPHER_CTX *cipher,
    gboolean seal,
    const Key *key,
    const guint8 *nonce,
    const char *context,
    const guint8 *in,
    gsize length,
    guint8 *out)
{
    guint8 bytes[KEY];
    int done = 0;
    gboolean good;

    key_bytes(key, bytes);
    good =
        EVP_CipherInit_ex(cipher, EVP_aes_256_gcm(), NULL, bytes, nonce, seal) == 1 &&
        EVP_CipherUpdate(cipher, NULL, &done, (const guint8 *)context, (int)strlen(context)) == 1 &&
        EVP_CipherUpdate(cipher, out, &done, in, (int)length) == 1;
    secret_wipe(bytes, sizeof bytes);
    return good;
}

/* The key to seal with, a reference: the newest there is, as a change of keys may have begun or ended since the vault was
 * opened, and what is sealed after it has gone over all secrets would keep the old key needed. */
static gboolean
newest_key(const Vault *vault, Key *key, GError **error)
{
    g_autofree char *other = NULL;
    guint8 salt[KEY];
    gboolean good = TRUE;

    if (vault->late == NULL) {
        *key = vault->keys[0];
        secret_ref(key->hex);
        return TRUE;
    }
    other = g_strconcat(vault->late->file, ".new", NULL);
    if (access(other, F_OK) != 0 || !read_key(other, key, salt, NULL))
        good = read_key(vault->late->file, key, salt, error);
    secret_wipe(salt, sizeof salt);
    return good;
}

static gboolean
encrypt(const Key *key,
        const char *context,
        gconstpointer data,
        gsize length,
        guint8 *head,
        GError **error)
{
    g_autoptr(GError) problem = NULL;
    EVP_CIPHER_CTX *cipher = EVP_CIPHER_CTX_new();
    guint8 *nonce = head + 1 + ID, *tag = nonce + NONCE;
    int done = 0;
    gboolean good = random_bytes(nonce, NONCE, &problem) && cipher != NULL &&
                    gcm(cipher, TRUE, key, nonce, context, data, length, tag + TAG) &&
                    EVP_CipherFinal_ex(cipher, tag + TAG + length, &done) == 1 &&
                    EVP_CIPHER_CTX_ctrl(cipher, EVP_CTRL_GCM_GET_TAG, TAG, tag) == 1;

    EVP_CIPHER_CTX_free(cipher);
    if (!good && problem == NULL)
        problem =
            g_error_new_literal(POSTERN_ERROR, POSTERN_ERROR_INTERNAL, "cannot seal a secret");
    if (!good)
        g_propagate_error(error, g_steal_pointer(&problem));
    return good;
}

GBytes *
vault_seal(
    const Vault *vault, const char *context, gconstpointer data, gsize length, GError **error)
{
    g_autofree guint8 *sealed = NULL;
    Key key = {0};
    gboolean good;

    if (length == 0 || length > VAULT_MOST) {
        error_set_bad(error,
                      "a secret of %" G_GSIZE_FORMAT " bytes cannot be sealed: expected 1 to %d",
                      length,
                      VAULT_MOST);
        return NULL;
    }
    if (!newest_key(vault, &key, error))
        return NULL;
    sealed = g_malloc0(VAULT_OVERHEAD + length);
    sealed[0] = SEAL_VERSION;
    memcpy(sealed + 1, key.id, ID);
    good = encrypt(&key, context, data, length, sealed, error);
    secret_unref(key.hex);
    return good ? g_bytes_new_take(g_steal_pointer(&sealed), VAULT_OVERHEAD + length) : NULL;
}

/* ---- unsealing ---- */

/* The one of them that sealed it, a reference; FALSE: neither did. */
static gboolean
take_key(const Key keys[2], const guint8 *sealed, Key *found)
{
    for (guint i = 0; i < 2; i++) {
        if (keys[i].hex == NULL || memcmp(keys[i].id, sealed + 1, ID) != 0)
            continue;
        *found = keys[i];
        secret_ref(found->hex);
        return TRUE;
    }
    return FALSE;
}

static gboolean
take_late_key(Late *late, const guint8 *sealed, Key *found)
{
    g_autofree char *other = g_strconcat(late->file, ".new", NULL);
    guint8 salt[KEY];
    gboolean good;

    g_mutex_lock(&late->lock);
    good = take_key(late->keys, sealed, found);
    if (!good) {
        keys_clear(late->keys);
        read_key(late->file, &late->keys[0], salt, NULL);
        if (access(other, F_OK) == 0)
            read_key(other, &late->keys[1], salt, NULL);
        good = take_key(late->keys, sealed, found);
        secret_wipe(salt, sizeof salt);
    }
    g_mutex_unlock(&late->lock);
    return good;
}

/* The key that sealed it, a reference. */
static gboolean
check_head(const Vault *vault,
           const char *context,
           const guint8 *sealed,
           gsize length,
           Key *key,
           GError **error)
{
    char id[2 * ID + 1];

    if (length <= VAULT_OVERHEAD || length > VAULT_OVERHEAD + VAULT_MOST ||
        sealed[0] != SEAL_VERSION) {
        conflict(error,
                 "the sealed secret of %s is damaged, or of a newer postern: %" G_GSIZE_FORMAT
                 " bytes of version %u, expected version %d",
                 context,
                 length,
                 length > 0 ? sealed[0] : 0,
                 SEAL_VERSION);
        return FALSE;
    }
    if (take_key(vault->keys, sealed, key) ||
        (vault->late != NULL && take_late_key(vault->late, sealed, key)))
        return TRUE;
    to_hex(sealed + 1, ID, id);
    conflict(error,
             "the secret of %s was sealed with key %s, and the key at hand is %s; put back the key "
             "file that belongs to this store",
             context,
             id,
             vault->id_text);
    return FALSE;
}

guint8 *
vault_unseal(const Vault *vault, const char *context, GBytes *bytes, gsize *length, GError **error)
{
    gsize whole = 0;
    const guint8 *sealed = g_bytes_get_data(bytes, &whole);
    guint8 tag[TAG], *clear;
    Key key = {0};
    EVP_CIPHER_CTX *cipher;
    int done = 0;
    gboolean good;

    if (!check_head(vault, context, sealed, whole, &key, error))
        return NULL;
    *length = whole - VAULT_OVERHEAD;
    clear = g_malloc0(*length + 1);
    memcpy(tag, sealed + 1 + ID + NONCE, TAG);
    cipher = EVP_CIPHER_CTX_new();
    good = cipher != NULL &&
           gcm(cipher,
               FALSE,
               &key,
               sealed + 1 + ID,
               context,
               sealed + VAULT_OVERHEAD,
               *length,
               clear) &&
           EVP_CIPHER_CTX_ctrl(cipher, EVP_CTRL_GCM_SET_TAG, TAG, tag) == 1 &&
           EVP_CipherFinal_ex(cipher, clear + *length, &done) == 1;
    EVP_CIPHER_CTX_free(cipher);
    secret_unref(key.hex);
    if (good)
        return clear;
    vault_clear(clear, *length);
    conflict(error,
             "the sealed secret of %s was changed, or belongs to something else: it does not fit "
             "its seal",
             context);
    return NULL;
}

void
vault_clear(guint8 *data, gsize length)
{
    secret_wipe(data, length);
    g_free(data);
}

/* ---- telling logins apart ---- */

char *
vault_print(const Vault *vault, const char *const *texts, guint count)
{
    g_autoptr(GString) all = g_string_new(NULL);
    guint8 digest[KEY];
    char *print = g_malloc(2 * PRINT + 1);

    for (guint i = 0; i < count; i++) {
        guint32 length = texts[i] != NULL ? GUINT32_TO_BE((guint32)strlen(texts[i])) : G_MAXUINT32;
        g_string_append_len(all, (const char *)&length, sizeof length);
        g_string_append(all, texts[i] != NULL ? texts[i] : "");
    }
    HMAC(EVP_sha256(), vault->salt, KEY, (const guint8 *)all->str, all->len, digest, NULL);
    secret_wipe(all->str, all->len);
    to_hex(digest, PRINT, print);
    return print;
}

/* ---- another key ---- */

Vault *
vault_rekey_begin(const Vault *vault, const char *file, GError **error)
{
    g_autofree char *other = g_strconcat(file, ".new", NULL);
    g_autoptr(Vault) fresh = g_new0(Vault, 1);
    guint8 bytes[KEY];
    gboolean good = TRUE;

    memcpy(fresh->salt, vault->salt, KEY);
    if (access(other, F_OK) != 0) {
        good = random_bytes(bytes, KEY, error);
        if (good) {
            key_set(&fresh->keys[0], bytes);
            good = write_key(other, &fresh->keys[0], fresh->salt, error);
            g_clear_pointer(&fresh->keys[0].hex, secret_unref);
        }
        secret_wipe(bytes, sizeof bytes);
    }
    /* whatever stands there now, whoever wrote it: that is the key */
    if (!good || !read_key(other, &fresh->keys[0], fresh->salt, error))
        return NULL;
    vault_named(fresh);
    return g_steal_pointer(&fresh);
}

gboolean
vault_rekey_end(const char *file, GError **error)
{
    g_autofree char *other = g_strconcat(file, ".new", NULL);
    g_autofree char *old = g_strconcat(file, ".old", NULL);

    if (unlink(old) != 0 && errno != ENOENT) {
        error_set_errno(error, errno, "cannot replace %s", old);
        return FALSE;
    }
    if (link(file, old) != 0 || rename(other, file) != 0) {
        error_set_errno(error,
                        errno,
                        "the new key is in %s and could not be put in the place of %s; secrets can "
                        "be read with "
                        "both there",
                        other,
                        file);
        return FALSE;
    }
    return TRUE;
}
