/* SPDX-License-Identifier: Apache-2.0 */
#include "config.h"

#include "profile.h"

void profile_free(Profile *profile)
{
}

Profile *profile_read(Store *store, const char *name, GError **error)
{
    return NULL;
}

GPtrArray *profile_list(Store *store, GError **error)
{
    return NULL;
}

gboolean profile_put(Store *store,
                     const Vault *vault,
                     const char *name,
                     const PosternCredential *credential,
                     gboolean replace,
                     GError **error)
{
    return TRUE;
}

gboolean profile_remove(Store *store, const char *name, const char *type, GError **error)
{
    return TRUE;
}

gboolean profile_set_default(Store *store, const char *name, GError **error)
{
    return TRUE;
}

PosternCredential *profile_login(Store *store,
                                 const Vault *vault,
                                 Registry *registry,
                                 const char *name,
                                 const char *type,
                                 GError **error)
{
    return NULL;
}

gboolean profile_reseal(Store *store, const Vault *from, const Vault *to, GError **error)
{
    return TRUE;
}

char *profile_print(const Vault *vault, const PosternCredential *credential)
{
    return NULL;
}

ProfileCache *profile_cache_new(Store *store, const Vault *vault, Registry *registry)
{
    return NULL;
}

void profile_cache_free(ProfileCache *cache)
{
}

void profile_candidate_free(ProfileCandidate *candidate)
{
}

GPtrArray *profile_candidates(ProfileCache *cache,
                              const char *subject,
                              const char *named,
                              gint64 now,
                              GError **error)
{
    return g_ptr_array_new();
}

char *profile_barred(
    Store *store, const char *subject, const char *print, gint64 now, GError **error)
{
    return NULL;
}

gboolean profile_learn(Store *store,
                       const char *subject,
                       const char *print,
                       const char *type,
                       const char *profile,
                       const char *why,
                       gint64 now,
                       GError **error)
{
    return TRUE;
}

gboolean profile_forgive(Store *store, const char *subject, GError **error)
{
    return TRUE;
}
