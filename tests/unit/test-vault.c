/* SPDX-License-Identifier: Apache-2.0 */
#include "config.h"

#include "error.h"
#include "vault.h"

#include <glib/gstdio.h>
#include <string.h>

static char *directory, *file;

static Vault *
open_key(const char *path)
{
    g_autoptr(GError) error = NULL;
    Vault *vault = vault_open(path, TRUE, &error);

    g_assert_no_error(error);
    return vault;
}

static void
test_round(void)
{
    g_autoptr(Vault) vault = open_key(file), again = open_key(file);
    g_autoptr(GError) error = NULL;
    g_autoptr(GBytes) sealed = vault_seal(vault, "here", "opensesame", 10, &error);
    g_autoptr(Secret) text = vault_unseal(again, "here", sealed, &error);

    g_assert_no_error(error);
    g_assert_cmpstr(secret_peek(text), ==, "opensesame");
    g_assert_null(vault_unseal(again, "there", sealed, &error));
    g_assert_error(error, POSTERN_ERROR, POSTERN_ERROR_CONFLICT);
}

/* Whatever bit is wrong, nothing comes out. */
static void
test_damaged(void)
{
    g_autoptr(Vault) vault = open_key(file);
    g_autoptr(GBytes) sealed = vault_seal(vault, "here", "abc", 3, NULL);
    gsize length = 0;
    const guint8 *bytes = g_bytes_get_data(sealed, &length);

    for (gsize i = 0; i < length; i++) {
        g_autofree guint8 *copy = g_memdup2(bytes, length);
        g_autoptr(GError) error = NULL;
        g_autoptr(GBytes) shorter = g_bytes_new(bytes, i);
        g_autoptr(GBytes) wrong = NULL;

        copy[i] ^= 1;
        wrong = g_bytes_new(copy, length);
        g_assert_null(vault_unseal(vault, "here", wrong, &error));
        g_assert_error(error, POSTERN_ERROR, POSTERN_ERROR_CONFLICT);
        g_assert_null(vault_unseal(vault, "here", shorter, NULL));
    }
}

static void
test_new_key(void)
{
    g_autofree char *second = g_strconcat(file, ".new", NULL);
    const char *const texts[] = {"a", NULL, "b"};
    g_autoptr(Vault) vault = open_key(file);
    g_autoptr(Vault) fresh = vault_new_key(vault, NULL);
    g_autoptr(GBytes) sealed = vault_seal(fresh, "here", "abc", 3, NULL);
    g_autofree char *before = vault_print(vault, texts, 3), *after = vault_print(fresh, texts, 3);
    g_autoptr(GError) error = NULL;
    g_autoptr(Vault) both = NULL;
    g_autoptr(Secret) text = NULL;

    g_assert_cmpstr(before, ==, after);
    g_assert_null(vault_unseal(vault, "here", sealed, &error));
    g_assert_error(error, POSTERN_ERROR, POSTERN_ERROR_CONFLICT);
    g_assert_nonnull(strstr(error->message, vault_key_id(vault)));
    g_assert_nonnull(strstr(error->message, vault_key_id(fresh)));
    g_assert_true(vault_save(fresh, second, NULL));
    both = open_key(file);
    text = vault_unseal(both, "here", sealed, NULL);
    g_assert_cmpstr(secret_peek(text), ==, "abc");
    g_unlink(second);
}

static void
test_open_to_others(void)
{
    g_autoptr(GError) error = NULL;

    g_chmod(file, 0644);
    g_assert_null(vault_open(file, TRUE, &error));
    g_assert_error(error, POSTERN_ERROR, POSTERN_ERROR_BAD_PARAM);
    g_chmod(file, 0600);
}

int
main(int argc, char **argv)
{
    int status;

    g_test_init(&argc, &argv, NULL);
    directory = g_dir_make_tmp("postern-vault.XXXXXX", NULL);
    file = g_build_filename(directory, "key", NULL);
    g_test_add_func("/vault/round", test_round);
    g_test_add_func("/vault/damaged", test_damaged);
    g_test_add_func("/vault/new-key", test_new_key);
    g_test_add_func("/vault/open-to-others", test_open_to_others);
    status = g_test_run();
    g_unlink(file);
    g_rmdir(directory);
    g_free(file);
    g_free(directory);
    return status;
}
