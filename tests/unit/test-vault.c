/* SPDX-License-Identifier: Apache-2.0 */
/* Sealing: what comes out again, what never does, and a key that is replaced while somebody may die at any moment. */
#include "config.h"

#include "error.h"
#include "vault.h"

#include <glib/gstdio.h>
#include <string.h>

typedef struct {
    char *directory, *file;
} Fixture;

static const guint8 salt[16] = "sixteen bytes...";

static void
set_up(Fixture *fixture, gconstpointer data)
{
    fixture->directory = g_dir_make_tmp("postern-vault-XXXXXX", NULL);
    fixture->file = g_build_filename(fixture->directory, "key", NULL);
}

static void
tear_down(Fixture *fixture, gconstpointer data)
{
    static const char *const ends[] = {"", ".new", ".old"};

    for (guint i = 0; i < G_N_ELEMENTS(ends); i++) {
        g_autofree char *path = g_strconcat(fixture->file, ends[i], NULL);
        g_unlink(path);
    }
    g_assert_cmpint(g_rmdir(fixture->directory), ==, 0); /* nothing else was left there */
    g_free(fixture->file);
    g_free(fixture->directory);
}

static Vault *
open_key(const char *path)
{
    g_autoptr(GError) error = NULL;
    Vault *vault = vault_open(path, TRUE, &error);

    g_assert_no_error(error);
    return vault;
}

static GBytes *
seal(const Vault *vault, const char *text)
{
    g_autoptr(GError) error = NULL;
    GBytes *sealed = vault_seal(vault, "here", text, strlen(text), &error);

    g_assert_no_error(error);
    g_assert_cmpuint(g_bytes_get_size(sealed), ==, strlen(text) + VAULT_OVERHEAD);
    return sealed;
}

static void
opens(const Vault *vault, GBytes *sealed, const char *text)
{
    g_autoptr(GError) error = NULL;
    gsize length = 0;
    guint8 *data = vault_unseal(vault, "here", sealed, &length, &error);

    g_assert_no_error(error);
    g_assert_cmpmem(data, length, text, strlen(text));
    vault_clear(data, length);
}

/* Returns the message. */
static char *
stays_shut(const Vault *vault, const char *context, GBytes *sealed)
{
    g_autoptr(GError) error = NULL;
    gsize length = 0;

    g_assert_null(vault_unseal(vault, context, sealed, &length, &error));
    g_assert_error(error, POSTERN_ERROR, POSTERN_ERROR_CONFLICT);
    return g_strdup(error->message);
}

static void
test_round(Fixture *fixture, gconstpointer data)
{
    g_autoptr(Vault) vault = open_key(fixture->file), again = open_key(fixture->file);
    g_autoptr(GBytes) sealed = seal(vault, "opensesame"), twice = seal(vault, "opensesame");
    g_autofree char *why = NULL;

    g_assert_cmpstr(vault_key_id(vault), ==, vault_key_id(again));
    opens(again, sealed, "opensesame");
    g_assert_false(g_bytes_equal(sealed, twice)); /* each has a nonce of its own */
    why = stays_shut(again, "there", sealed);
    g_assert_nonnull(strstr(why, "there"));
    g_assert_null(strstr(why, "opensesame"));
}

/* Whatever bit is wrong, nothing comes out. */
static void
test_damaged(Fixture *fixture, gconstpointer data)
{
    g_autoptr(Vault) vault = open_key(fixture->file);
    g_autoptr(GBytes) sealed = seal(vault, "abc");
    gsize length = 0;
    const guint8 *bytes = g_bytes_get_data(sealed, &length);

    for (gsize i = 0; i < 8 * length; i++) {
        g_autofree guint8 *copy = g_memdup2(bytes, length);
        g_autoptr(GBytes) wrong = NULL;
        g_autofree char *why = NULL;

        copy[i / 8] ^= (guint8)(1 << i % 8);
        wrong = g_bytes_new(copy, length);
        why = stays_shut(vault, "here", wrong);
    }
    for (gsize i = 0; i < length; i++) {
        g_autoptr(GBytes) shorter = g_bytes_new(bytes, i);
        g_autofree char *why = stays_shut(vault, "here", shorter);
    }
}

static void
test_limits(Fixture *fixture, gconstpointer data)
{
    g_autoptr(Vault) vault = open_key(fixture->file);
    g_autofree char *most = g_strnfill(VAULT_MOST, 'x');
    g_autofree char *more = g_strnfill(VAULT_MOST + 1, 'x');
    g_autoptr(GBytes) sealed = seal(vault, most);
    g_autoptr(GError) error = NULL;

    opens(vault, sealed, most);
    g_assert_null(vault_seal(vault, "here", more, VAULT_MOST + 1, &error));
    g_assert_error(error, POSTERN_ERROR, POSTERN_ERROR_BAD_PARAM);
    g_clear_error(&error);
    g_assert_null(vault_seal(vault, "here", "", 0, &error));
    g_assert_error(error, POSTERN_ERROR, POSTERN_ERROR_BAD_PARAM);
}

/* At each step of a change of keys a process that starts can read both what is sealed already and what is not. */
static void
test_new_key(Fixture *fixture, gconstpointer data)
{
    const char *const texts[] = {"a", NULL, "b"};
    g_autoptr(Vault) vault = open_key(fixture->file);
    g_autoptr(GError) error = NULL;
    g_autoptr(GBytes) old = seal(vault, "old");
    g_autoptr(Vault) fresh = vault_rekey_begin(vault, fixture->file, &error);
    g_autoptr(GBytes) sealed = seal(fresh, "new"), meanwhile = seal(vault, "meanwhile");
    g_autofree char *before = vault_print(vault, texts, 3), *after = vault_print(fresh, texts, 3);
    g_autofree char *why = NULL;
    g_autoptr(Vault) both = open_key(fixture->file), again = NULL, last = NULL;

    g_assert_cmpstr(before, ==, after);
    opens(both, old, "old");
    opens(both, sealed, "new");
    g_assert_cmpstr(vault_key_id(both), ==, vault_key_id(vault));
    /* who was interrupted here goes on with the same key */
    again = vault_rekey_begin(both, fixture->file, &error);
    g_assert_no_error(error);
    g_assert_cmpstr(vault_key_id(again), ==, vault_key_id(fresh));
    g_assert_true(vault_rekey_end(fixture->file, &error));
    last = open_key(fixture->file);
    g_assert_cmpstr(vault_key_id(last), ==, vault_key_id(fresh));
    opens(last, sealed, "new");
    opens(last, meanwhile, "meanwhile"); /* who still held the old key did not seal with it */
    /* the old key is nowhere any more: who never had it names both */
    why = stays_shut(last, "here", old);
    g_assert_nonnull(strstr(why, vault_key_id(vault)));
    g_assert_nonnull(strstr(why, vault_key_id(fresh)));
}

static void
test_print(Fixture *fixture, gconstpointer data)
{
    g_autoptr(Vault) vault = open_key(fixture->file);
    static const char *const lists[][3] = {
        {"a", "b", "c"}, {"ab", "", "c"}, {"a", NULL, "c"}, {"a", "", "c"}, {"", "ab", "c"}};
    g_autoptr(GHashTable) prints = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, NULL);

    for (guint i = 0; i < G_N_ELEMENTS(lists); i++) {
        char *print = vault_print(vault, lists[i], 3);
        g_assert_cmpuint(strspn(print, "0123456789abcdef"), ==, 32);
        g_assert_cmpuint(strlen(print), ==, 32);
        g_assert_true(g_hash_table_add(prints, print));
    }
}

static void
refused(const char *file, const char *part)
{
    g_autoptr(GError) error = NULL;

    g_assert_null(vault_open(file, TRUE, &error));
    g_assert_error(error, POSTERN_ERROR, POSTERN_ERROR_BAD_PARAM);
    g_assert_nonnull(strstr(error->message, file));
    g_assert_nonnull(strstr(error->message, part));
}

static void
test_key_files(Fixture *fixture, gconstpointer data)
{
    static const char *const wrong[] = {"", "\n", "postern-key-1\n", "postern-key-1 00 00\n"};
    g_autofree char *text = NULL;
    gsize length = 0;
    GStatBuf info;

    vault_free(open_key(fixture->file));
    g_assert_cmpint(g_stat(fixture->file, &info), ==, 0);
    g_assert_cmpint(info.st_mode & 0777, ==, 0600);
    g_assert_true(g_file_get_contents(fixture->file, &text, &length, NULL));
    g_chmod(fixture->file, 0644);
    refused(fixture->file, "0644");
    g_chmod(fixture->file, 0600);
    for (guint i = 0; i < G_N_ELEMENTS(wrong); i++) {
        g_assert_true(g_file_set_contents(fixture->file, wrong[i], -1, NULL));
        g_chmod(fixture->file, 0600);
        refused(fixture->file, "");
    }
    text[20] = 'x';
    g_assert_true(g_file_set_contents(fixture->file, text, (gssize)length, NULL));
    g_chmod(fixture->file, 0600);
    refused(fixture->file, "is no key");
}

static void
test_passphrase(Fixture *fixture, gconstpointer data)
{
    g_autoptr(Secret) right = secret_new("correct horse", -1),
                      wrong = secret_new("wrong horse", -1);
    g_autoptr(GError) error = NULL;
    g_autoptr(Vault) vault = vault_of_passphrase(right, salt, 14, &error);
    g_autoptr(Vault) again = vault_of_passphrase(right, salt, 14, NULL);
    g_autoptr(Vault) other = vault_of_passphrase(wrong, salt, 14, NULL);
    g_autoptr(GBytes) sealed = seal(vault, "abc");
    g_autofree char *why = stays_shut(other, "here", sealed);

    g_assert_no_error(error);
    opens(again, sealed, "abc");
    g_assert_null(vault_of_passphrase(right, salt, 13, &error));
    g_assert_error(error, POSTERN_ERROR, POSTERN_ERROR_BAD_PARAM);
    g_clear_error(&error);
    g_assert_null(vault_of_passphrase(right, salt, 21, &error));
    g_assert_error(error, POSTERN_ERROR, POSTERN_ERROR_BAD_PARAM);
}

static void
test_systemd(Fixture *fixture, gconstpointer data)
{
    g_autoptr(GError) error = NULL;
    g_autoptr(Vault) vault = open_key(fixture->file), same = NULL;

    g_unsetenv("CREDENTIALS_DIRECTORY");
    g_assert_null(vault_open_credential("key", &error));
    g_assert_error(error, POSTERN_ERROR, POSTERN_ERROR_BAD_PARAM);
    g_clear_error(&error);
    g_setenv("CREDENTIALS_DIRECTORY", fixture->directory, TRUE);
    same = vault_open_credential("key", &error);
    g_assert_no_error(error);
    g_assert_cmpstr(vault_key_id(same), ==, vault_key_id(vault));
    g_assert_null(vault_open_credential("../key", &error));
    g_assert_error(error, POSTERN_ERROR, POSTERN_ERROR_BAD_PARAM);
    g_clear_error(&error);
    g_assert_null(vault_open_credential("other", &error)); /* and makes none */
    g_assert_error(error, POSTERN_ERROR, POSTERN_ERROR_BAD_PARAM);
}

/* Somebody gives the store another key while we hold the old one: what they sealed is read all the same. */
static void
test_rekeyed_meanwhile(void)
{
    g_autoptr(GError) error = NULL;
    g_autofree char *directory = g_dir_make_tmp("vault-XXXXXX", &error);
    g_autofree char *file = g_build_filename(directory, "key", NULL);
    g_autofree char *old = g_strconcat(file, ".old", NULL);
    g_autoptr(Vault) ours = vault_open(file, TRUE, &error);
    g_autoptr(Vault) theirs = vault_open(file, FALSE, &error);
    g_autoptr(Vault) fresh = vault_rekey_begin(theirs, file, &error);
    g_autoptr(GBytes) sealed = vault_seal(fresh, "here", "text", 4, &error);

    for (guint i = 0; i < 2; i++) {
        gsize length = 0;
        guint8 *clear = vault_unseal(ours, "here", sealed, &length, &error);

        g_assert_no_error(error);
        g_assert_cmpmem(clear, length, "text", 4);
        vault_clear(clear, length);
        if (i == 0)
            g_assert_true(vault_rekey_end(file, &error));
    }
    g_unlink(file);
    g_unlink(old);
    g_rmdir(directory);
}

int
main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
#define CASE(name, function) g_test_add("/vault/" name, Fixture, NULL, set_up, function, tear_down)
    CASE("round", test_round);
    CASE("damaged", test_damaged);
    CASE("limits", test_limits);
    CASE("new-key", test_new_key);
    CASE("print", test_print);
    CASE("key-files", test_key_files);
    CASE("passphrase", test_passphrase);
    CASE("systemd", test_systemd);
    g_test_add_func("/vault/rekeyed-meanwhile", test_rekeyed_meanwhile);
    return g_test_run();
}
