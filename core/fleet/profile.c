/* SPDX-License-Identifier: Apache-2.0 */
#include "config.h"

#include "error.h"
#include "name.h"
#include "profile.h"
#include "suggest.h"

#include <string.h>

/* ---- what there is ---- */

void
profile_free(Profile *profile)
{
    if (profile == NULL)
        return;
    g_free(profile->name);
    g_free(profile->note);
    g_ptr_array_unref(profile->types);
    g_free(profile);
}

static gboolean
read_types(Store *store, Profile *profile, GError **error)
{
    g_autoptr(GError) problem = NULL;
    g_autoptr(StoreRows) rows =
        store_query(store,
                    &problem,
                    "SELECT type FROM profile_credential WHERE profile = $1 ORDER BY type",
                    "s",
                    profile->name);

    while (rows != NULL && store_next(rows, &problem))
        g_ptr_array_add(profile->types, g_strdup(store_text(rows, 0)));
    if (problem == NULL)
        return TRUE;
    g_propagate_error(error, g_steal_pointer(&problem));
    return FALSE;
}

GPtrArray *
profile_list(Store *store, GError **error)
{
    g_autoptr(GPtrArray) list = g_ptr_array_new_with_free_func((GDestroyNotify)profile_free);
    g_autoptr(GError) problem = NULL;
    g_autoptr(StoreRows) rows = store_query(
        store, &problem, "SELECT name, note, is_default, changed FROM profile ORDER BY name", "");

    while (rows != NULL && store_next(rows, &problem)) {
        Profile *profile = g_new0(Profile, 1);

        profile->name = g_strdup(store_text(rows, 0));
        profile->note = g_strdup(store_text(rows, 1));
        profile->is_default = store_integer(rows, 2) != 0;
        profile->changed = store_integer(rows, 3);
        profile->types = g_ptr_array_new_with_free_func(g_free);
        g_ptr_array_add(list, profile);
        if (!read_types(store, profile, &problem))
            break;
    }
    if (problem == NULL)
        return g_steal_pointer(&list);
    g_propagate_error(error, g_steal_pointer(&problem));
    return NULL;
}

Profile *
profile_read(Store *store, const char *name, GError **error)
{
    g_autoptr(GPtrArray) list = profile_list(store, error);
    Suggest suggest = {.typed = name};
    g_autofree char *meant = NULL;

    if (list == NULL)
        return NULL;
    for (guint i = 0; i < list->len; i++) {
        Profile *profile = list->pdata[i];
        if (strcmp(profile->name, name) == 0)
            return g_ptr_array_steal_index(list, i);
        suggest_offer(&suggest, profile->name);
    }
    meant = suggest_text(&suggest);
    error_set_bad(
        error,
        "there is no credential profile '%s'%s; postern credential list shows those there are",
        name,
        meant);
    return NULL;
}

/* ---- sealing logins ---- */

static char *
context_of(const char *profile, const char *type)
{
    return g_strdup_printf("profile %s, %s", profile, type);
}

char *
profile_print(const Vault *vault, const PosternCredential *credential)
{
    const GPtrArray *fields = credential->type->fields;
    g_autoptr(GPtrArray) texts = g_ptr_array_new();

    g_ptr_array_add(texts, credential->type->id);
    for (guint i = 0; i < fields->len; i++) {
        const FieldInfo *field = fields->pdata[i];
        const char *value = credential_peek(credential, field->name);
        union {
            const char *constant;
            gpointer plain;
        } text = {value};

        g_ptr_array_add(texts, field->name);
        g_ptr_array_add(texts, text.plain);
    }
    return vault_print(vault, (const char *const *)texts->pdata, texts->len);
}

/* Name, NUL, value, NUL, and so on; to be wiped. */
static GString *
pack(const PosternCredential *credential)
{
    const GPtrArray *fields = credential->type->fields;
    GString *packed = g_string_sized_new(VAULT_MOST);

    for (guint i = 0; i < fields->len; i++) {
        const FieldInfo *field = fields->pdata[i];
        const char *value = credential_peek(credential, field->name);

        if (value == NULL)
            continue;
        g_string_append_len(packed, field->name, (gssize)strlen(field->name) + 1);
        g_string_append_len(packed, value, (gssize)strlen(value) + 1);
    }
    return packed;
}

GBytes *
profile_seal(const Vault *vault,
             const char *profile,
             const PosternCredential *credential,
             GError **error)
{
    g_autofree char *context = context_of(profile, credential->type->id);
    GString *packed = pack(credential);
    GBytes *sealed = vault_seal(vault, context, packed->str, packed->len, error);

    secret_wipe(packed->str, packed->len);
    g_string_free(packed, TRUE);
    return sealed;
}

/* The string at `at`, which moves behind it; NULL: it has no end. */
static const char *
take_text(const guint8 *data, gsize length, gsize *at)
{
    const guint8 *end = memchr(data + *at, '\0', length - *at);
    const char *text = (const char *)data + *at;

    if (end == NULL)
        return NULL;
    *at = (gsize)(end - data) + 1;
    return text;
}

static gboolean
unpack(PosternCredential *credential, const guint8 *data, gsize length, GError **error)
{
    for (gsize at = 0; at < length;) {
        const char *name = take_text(data, length, &at);
        const char *value = name != NULL && at < length ? take_text(data, length, &at) : NULL;

        if (value == NULL) {
            error_set_bad(error, "what was sealed is no login of type %s", credential->type->id);
            return FALSE;
        }
        if (!credential_set(credential, name, value, error))
            return FALSE;
    }
    return credential_complete(credential, error);
}

PosternCredential *
profile_unseal(const Vault *vault,
               const char *profile,
               const CredentialTypeInfo *type,
               GBytes *sealed,
               GError **error)
{
    g_autofree char *context = context_of(profile, type->id);
    g_autofree char *label = g_strconcat("profile ", profile, NULL);
    g_autoptr(PosternCredential) credential = credential_new(type, label);
    gsize length = 0;
    guint8 *data = vault_unseal(vault, context, sealed, &length, error);
    gboolean good = data != NULL && unpack(credential, data, length, error);

    vault_clear(data, length);
    if (good)
        return g_steal_pointer(&credential);
    g_prefix_error(error, "profile %s: ", profile);
    return NULL;
}

PosternCredential *
profile_login(Store *store,
              const Vault *vault,
              Registry *registry,
              const char *name,
              const char *type,
              GError **error)
{
    const CredentialTypeInfo *info = registry_credential_type(registry, type, error);
    g_autoptr(GError) problem = NULL;
    g_autoptr(StoreRows) rows = NULL;
    g_autoptr(GBytes) sealed = NULL;

    if (info == NULL)
        return NULL;
    rows = store_query(store,
                       &problem,
                       "SELECT sealed FROM profile_credential WHERE profile = $1 AND type = $2",
                       "ss",
                       name,
                       type);
    if (rows != NULL && store_next(rows, &problem))
        sealed = store_bytes(rows, 0);
    if (problem != NULL)
        g_propagate_error(error, g_steal_pointer(&problem));
    else if (sealed == NULL)
        error_set_bad(error, "profile %s has no login of type %s", name, type);
    return sealed != NULL ? profile_unseal(vault, name, info, sealed, error) : NULL;
}

/* ---- changing ---- */

static gboolean
put_profile(Store *store, const char *name, gint64 now, GError **error)
{
    return store_run(store,
                     error,
                     "INSERT INTO profile (name, is_default, changed) VALUES ($1, "
                     "CASE WHEN EXISTS (SELECT 1 FROM profile) THEN 0 ELSE 1 END, $2) "
                     "ON CONFLICT (name) DO UPDATE SET changed = excluded.changed",
                     "si",
                     name,
                     now);
}

static gboolean
has_login(Store *store, const char *name, const char *type, gboolean *has, GError **error)
{
    gint64 count = 0;
    gboolean good =
        store_number(store,
                     &count,
                     0,
                     error,
                     "SELECT count(*) FROM profile_credential WHERE profile = $1 AND type = $2",
                     "ss",
                     name,
                     type);

    *has = count > 0;
    return good;
}

gboolean
profile_put(Store *store,
            const Vault *vault,
            const char *name,
            const PosternCredential *credential,
            gboolean replace,
            GError **error)
{
    const char *type = credential->type->id;
    g_autoptr(GBytes) sealed = NULL;
    g_autofree char *print = NULL;
    gboolean has = FALSE;

    if (!name_check("credential profile", name, error) ||
        !has_login(store, name, type, &has, error))
        return FALSE;
    if (has && !replace) {
        g_set_error(
            error,
            POSTERN_ERROR,
            POSTERN_ERROR_CONFLICT,
            "profile %s has a login of type %s already; postern credential rotate changes it",
            name,
            type);
        return FALSE;
    }
    sealed = profile_seal(vault, name, credential, error);
    if (sealed == NULL)
        return FALSE;
    print = profile_print(vault, credential);
    return put_profile(store, name, store_now(), error) &&
           store_run(store,
                     error,
                     "INSERT INTO profile_credential (profile, type, sealed, print, changed) "
                     "VALUES ($1, $2, $3, $4, $5) ON CONFLICT (profile, type) DO UPDATE SET "
                     "sealed = excluded.sealed, print = excluded.print, changed = excluded.changed",
                     "ssbsi",
                     name,
                     type,
                     sealed,
                     print,
                     store_now());
}

static gboolean
remove_login(Store *store, const char *name, const char *type, GError **error)
{
    if (!store_run(store,
                   error,
                   "DELETE FROM profile_credential WHERE profile = $1 AND type = $2",
                   "ss",
                   name,
                   type))
        return FALSE;
    if (store_changes(store) == 0) {
        error_set_bad(error, "profile %s has no login of type %s", name, type);
        return FALSE;
    }
    return store_run(store,
                     error,
                     "DELETE FROM profile WHERE name = $1 AND NOT EXISTS "
                     "(SELECT 1 FROM profile_credential WHERE profile = $1)",
                     "s",
                     name);
}

gboolean
profile_remove(Store *store, const char *name, const char *type, GError **error)
{
    g_autoptr(Profile) profile = profile_read(store, name, error);

    if (profile == NULL)
        return FALSE;
    return type != NULL ? remove_login(store, name, type, error)
                        : store_run(store, error, "DELETE FROM profile WHERE name = $1", "s", name);
}

gboolean
profile_set_default(Store *store, const char *name, GError **error)
{
    g_autoptr(Profile) profile = name != NULL ? profile_read(store, name, error) : NULL;

    if (name != NULL && profile == NULL)
        return FALSE;
    if (!store_run(store, error, "UPDATE profile SET is_default = 0 WHERE is_default = 1", ""))
        return FALSE;
    return name == NULL ||
           store_run(store, error, "UPDATE profile SET is_default = 1 WHERE name = $1", "s", name);
}

/* ---- another key ---- */

static gboolean
reseal_one(Store *store,
           const Vault *from,
           const Vault *to,
           const char *profile,
           const char *type,
           GBytes *sealed,
           GError **error)
{
    g_autofree char *context = context_of(profile, type);
    g_autoptr(GBytes) again = NULL;
    gsize length = 0;
    guint8 *data = vault_unseal(from, context, sealed, &length, error);

    if (data == NULL)
        return FALSE;
    again = vault_seal(to, context, data, length, error);
    vault_clear(data, length);
    return again != NULL &&
           store_run(store,
                     error,
                     "UPDATE profile_credential SET sealed = $1 WHERE profile = $2 AND type = $3",
                     "bss",
                     again,
                     profile,
                     type);
}

gboolean
profile_reseal(Store *store, const Vault *from, const Vault *to, GError **error)
{
    g_autoptr(GPtrArray) list = profile_list(store, error);

    for (guint i = 0; list != NULL && i < list->len; i++) {
        const Profile *profile = list->pdata[i];

        for (guint j = 0; j < profile->types->len; j++) {
            g_autoptr(StoreRows) rows = store_query(
                store,
                error,
                "SELECT sealed FROM profile_credential WHERE profile = $1 AND type = $2",
                "ss",
                profile->name,
                profile->types->pdata[j]);
            g_autoptr(GBytes) sealed =
                rows != NULL && store_next(rows, error) ? store_bytes(rows, 0) : NULL;

            g_clear_pointer(&rows, store_rows_free);
            if (sealed == NULL ||
                !reseal_one(
                    store, from, to, profile->name, profile->types->pdata[j], sealed, error))
                return FALSE;
        }
    }
    return list != NULL;
}
