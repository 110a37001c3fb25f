/* SPDX-License-Identifier: Apache-2.0 */
/* Which accounts there should be. */
#include "amt-drift.h"

#include <string.h>

enum { WANTED_MOST = 64 };

static GPtrArray *
new_list(void)
{
    return g_ptr_array_new_with_free_func((GDestroyNotify)amt_account_free);
}

/* Takes `account`. */
static gboolean
add(GPtrArray *list, AmtAccount *account, GError **error)
{
    g_autoptr(AmtAccount) owned = account;

    if (!amt_check_account_name(owned->name, error))
        return FALSE;
    if (owned->realms == 0)
        return postern_fail(
            error, POSTERN_ERROR_BAD_PARAM, "account %s is to have no realms", owned->name);
    for (guint i = 0; i < list->len; i++)
        if (strcmp(((const AmtAccount *)list->pdata[i])->name, owned->name) == 0)
            return postern_fail(
                error, POSTERN_ERROR_BAD_PARAM, "account %s is named twice", owned->name);
    if (list->len >= WANTED_MOST)
        return postern_fail(
            error, POSTERN_ERROR_BAD_PARAM, "more than %d accounts are named", WANTED_MOST);
    g_ptr_array_add(list, g_steal_pointer(&owned));
    return TRUE;
}

static gboolean
read_access(AmtAccount *account, const char *word, GError **error)
{
    return amt_code(amt_access, word, &account->access) ||
           postern_fail(error,
                        POSTERN_ERROR_BAD_PARAM,
                        "account %s: access is '%.20s', expected local, network or any",
                        account->name,
                        word);
}

/* ---- from parameters ---- */

static gboolean
check_members(GVariant *one, GError **error)
{
    static const char *const known[] = {"name", "realms", "access", "enabled", NULL};
    GVariantIter iter;
    const char *name;
    GVariant *value;
    gboolean good = TRUE;

    g_variant_iter_init(&iter, one);
    while (good && g_variant_iter_next(&iter, "{&sv}", &name, &value)) {
        g_variant_unref(value);
        good = g_strv_contains(known, name) ||
               postern_fail(error,
                            POSTERN_ERROR_BAD_PARAM,
                            "an account has no '%.40s', only name, realms, access and enabled",
                            name);
    }
    return good;
}

static gboolean
add_value(GPtrArray *list, GVariant *one, GError **error)
{
    g_autoptr(AmtAccount) account = g_new0(AmtAccount, 1);
    g_auto(GStrv) realms = params_strv(one, "realms");
    const char *name = params_string(one, "name"), *access = params_string(one, "access");

    if (!check_members(one, error))
        return FALSE;
    if (name == NULL || realms == NULL)
        return postern_fail(error,
                            POSTERN_ERROR_BAD_PARAM,
                            "an account is {'name': <'operator'>, 'realms': <['remote-control']>}, "
                            "and may have 'access' and 'enabled'");
    account->name = g_strdup(name);
    account->access = AMT_ACCESS_ANY;
    account->enabled = params_bool(one, "enabled", TRUE);
    return amt_realm_mask((const char *const *)realms, &account->realms, error) &&
           (access == NULL || read_access(account, access, error)) &&
           add(list, g_steal_pointer(&account), error);
}

GPtrArray *
amt_wanted_of_values(GVariant *accounts, GError **error)
{
    g_autoptr(GPtrArray) list = new_list();

    for (gsize i = 0; i < g_variant_n_children(accounts); i++) {
        g_autoptr(GVariant) one = g_variant_get_child_value(accounts, i);
        if (!add_value(list, one, error))
            return NULL;
    }
    return g_steal_pointer(&list);
}

/* ---- from text ---- */

static gboolean
read_option(AmtAccount *account, const char *word, GError **error)
{
    if (g_str_has_prefix(word, "access="))
        return read_access(account, word + strlen("access="), error);
    account->enabled = strcmp(word, "enabled=yes") == 0;
    return account->enabled || strcmp(word, "enabled=no") == 0 ||
           postern_fail(
               error,
               POSTERN_ERROR_BAD_PARAM,
               "account %s: '%.40s' is neither access=local|network|any nor enabled=yes|no",
               account->name,
               word);
}

static gboolean
add_line(GPtrArray *list, char **words, GError **error)
{
    g_autoptr(AmtAccount) account = g_new0(AmtAccount, 1);
    g_auto(GStrv) realms = NULL;

    if (words[1] == NULL)
        return postern_fail(
            error, POSTERN_ERROR_BAD_PARAM, "account '%.80s' has no realms behind it", words[0]);
    account->name = g_strdup(words[0]);
    account->access = AMT_ACCESS_ANY;
    account->enabled = TRUE;
    realms = g_strsplit(words[1], ",", -1);
    if (!amt_realm_mask((const char *const *)realms, &account->realms, error))
        return FALSE;
    for (guint i = 2; words[i] != NULL; i++)
        if (!read_option(account, words[i], error))
            return FALSE;
    return add(list, g_steal_pointer(&account), error);
}

/* Words between blanks, without empty ones. */
static char **
split_words(const char *line)
{
    g_auto(GStrv) parts = g_strsplit_set(line, " \t\r", -1);
    g_autoptr(GPtrArray) words = g_ptr_array_new_with_free_func(g_free);

    for (guint i = 0; parts[i] != NULL; i++)
        if (*parts[i] != '\0')
            g_ptr_array_add(words, g_strdup(parts[i]));
    g_ptr_array_add(words, NULL);
    return (char **)g_ptr_array_steal(words, NULL);
}

GPtrArray *
amt_wanted_of_text(const char *text, GError **error)
{
    g_autoptr(GPtrArray) list = new_list();
    g_auto(GStrv) lines = g_strsplit(text, "\n", -1);

    for (guint i = 0; lines[i] != NULL; i++) {
        g_auto(GStrv) words = NULL;

        lines[i][strcspn(lines[i], "#")] = '\0';
        words = split_words(lines[i]);
        if (words[0] != NULL && !add_line(list, words, error)) {
            g_prefix_error(error, "line %u: ", i + 1);
            return NULL;
        }
    }
    return g_steal_pointer(&list);
}
