/* SPDX-License-Identifier: Apache-2.0 */
/*
 * profile-learn.c - which logins a run may try, in which order, and what is learned of each.
 */
#include "config.h"

#include "profile.h"

#include <string.h>

/* How often the cache is compared with the store, and how soon a success is written down again: in microseconds. */
enum { LOOK_EVERY_US = G_USEC_PER_SEC, NOTE_EVERY_US = 60 * G_USEC_PER_SEC };

/* One stored login, unsealed. */
typedef struct {
    char *profile, *print;
    PosternCredential *credential;
} Login;

struct ProfileCache {
    Store *store;
    const Vault *vault;
    Registry *registry;
    GPtrArray *logins; /* of Login, by profile and type */
    char *fallback;    /* the default profile's name, or NULL */
    char *signature;   /* of what was read */
    gint64 looked;
    GHashTable *warned; /* "profile type" of those that cannot be read */
};

static void
login_free(Login *login)
{
    g_free(login->profile);
    g_free(login->print);
    credential_unref(login->credential);
    g_free(login);
}

void
profile_candidate_free(ProfileCandidate *candidate)
{
    credential_unref(candidate->credential);
    g_free(candidate->print);
    g_free(candidate->barred);
    g_free(candidate);
}

/* ---- the cache ---- */

ProfileCache *
profile_cache_new(Store *store, const Vault *vault, Registry *registry)
{
    ProfileCache *cache = g_new0(ProfileCache, 1);

    cache->store = store;
    cache->vault = vault;
    cache->registry = registry;
    cache->logins = g_ptr_array_new_with_free_func((GDestroyNotify)login_free);
    cache->warned = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, NULL);
    return cache;
}

void
profile_cache_free(ProfileCache *cache)
{
    if (cache == NULL)
        return;
    g_ptr_array_unref(cache->logins);
    g_hash_table_unref(cache->warned);
    g_free(cache->fallback);
    g_free(cache->signature);
    g_free(cache);
}

/* A login that cannot be read, or whose plugin is gone, keeps no other from being tried. */
static void
load_one(ProfileCache *cache, const char *profile, const char *type)
{
    g_autoptr(GError) problem = NULL;
    PosternCredential *credential =
        profile_login(cache->store, cache->vault, cache->registry, profile, type, &problem);
    Login *login;

    if (credential == NULL) {
        g_autofree char *key = g_strconcat(profile, " ", type, NULL);
        if (g_hash_table_add(cache->warned, g_steal_pointer(&key)))
            g_warning("profile %s: its login of type %s is left out: %s",
                      profile,
                      type,
                      problem->message);
        return;
    }
    login = g_new0(Login, 1);
    login->profile = g_strdup(profile);
    login->print = profile_print(cache->vault, credential);
    login->credential = credential;
    g_ptr_array_add(cache->logins, login);
}

static gboolean
load(ProfileCache *cache, GError **error)
{
    g_autoptr(GPtrArray) list = profile_list(cache->store, error);

    if (list == NULL)
        return FALSE;
    g_ptr_array_set_size(cache->logins, 0);
    g_clear_pointer(&cache->fallback, g_free);
    for (guint i = 0; i < list->len; i++) {
        const Profile *profile = list->pdata[i];

        if (profile->is_default)
            cache->fallback = g_strdup(profile->name);
        for (guint j = 0; j < profile->types->len; j++)
            load_one(cache, profile->name, profile->types->pdata[j]);
    }
    return TRUE;
}

/* Another process may have changed a password meanwhile. */
static gboolean
look(ProfileCache *cache, GError **error)
{
    static const char sql[] = "SELECT count(*) || ' ' || coalesce(sum(changed), 0) || ' ' || "
                              "coalesce(group_concat(print), '') "
                              "|| ' ' || coalesce((SELECT name FROM profile WHERE is_default = 1), "
                              "'') FROM profile_credential";
    g_autoptr(GError) problem = NULL;
    g_autoptr(StoreRows) rows = NULL;
    gint64 now = g_get_monotonic_time();

    if (cache->signature != NULL && now - cache->looked < LOOK_EVERY_US)
        return TRUE;
    cache->looked = now;
    rows = store_query(cache->store, &problem, sql, "");
    if (rows == NULL || !store_next(rows, &problem)) {
        g_propagate_error(error, g_steal_pointer(&problem));
        return FALSE;
    }
    if (g_strcmp0(store_text(rows, 0), cache->signature) == 0)
        return TRUE;
    g_free(cache->signature);
    cache->signature = g_strdup(store_text(rows, 0));
    return load(cache, error);
}

/* ---- candidates ---- */

static char *
barred_text(gint64 at, const char *why)
{
    g_autoptr(GDateTime) then = g_date_time_new_from_unix_utc(at / G_USEC_PER_SEC);
    g_autoptr(GDateTime) until =
        g_date_time_new_from_unix_utc((at + PROFILE_BARRED_US) / G_USEC_PER_SEC);
    g_autofree char *from = g_date_time_format(then, "%H:%M:%S");
    g_autofree char *to = g_date_time_format(until, "%H:%M:%S UTC");

    return g_strdup_printf(
        "not tried: this device refused it at %s (%s), and does not get it again before %s "
        "unless it changes, because devices lock accounts; postern credential test "
        "--again tries it now",
        from,
        why != NULL ? why : "no reason is on record",
        to);
}

char *
profile_barred(Store *store, const char *subject, const char *print, gint64 now, GError **error)
{
    g_autoptr(GError) problem = NULL;
    g_autoptr(StoreRows) rows = store_query(
        store,
        &problem,
        "SELECT at, why FROM login WHERE subject = $1 AND print = $2 AND accepted = 0 AND at > $3",
        "ssi",
        subject,
        print,
        now - PROFILE_BARRED_US);

    if (rows != NULL && store_next(rows, &problem))
        return barred_text(store_integer(rows, 0), store_text(rows, 1));
    if (problem != NULL)
        g_propagate_error(error, g_steal_pointer(&problem));
    return NULL;
}

static gboolean
is_there(const GPtrArray *candidates, const char *print)
{
    for (guint i = 0; i < candidates->len; i++)
        if (strcmp(((const ProfileCandidate *)candidates->pdata[i])->print, print) == 0)
            return TRUE;
    return FALSE;
}

static void
add_login(GPtrArray *candidates, const Login *login)
{
    ProfileCandidate *candidate;

    if (is_there(candidates, login->print))
        return;
    candidate = g_new0(ProfileCandidate, 1);
    candidate->credential = credential_ref(login->credential);
    candidate->print = g_strdup(login->print);
    g_ptr_array_add(candidates, candidate);
}

static void
add_profile(const ProfileCache *cache, GPtrArray *candidates, const char *profile)
{
    for (guint i = 0; profile != NULL && i < cache->logins->len; i++) {
        const Login *login = cache->logins->pdata[i];
        if (strcmp(login->profile, profile) == 0)
            add_login(candidates, login);
    }
}

static void
add_known(const ProfileCache *cache, GPtrArray *candidates, const char *print)
{
    for (guint i = 0; i < cache->logins->len; i++) {
        const Login *login = cache->logins->pdata[i];
        if (strcmp(login->print, print) == 0)
            add_login(candidates, login);
    }
}

/* What became of logins here: accepted ones are candidates at once, refusals are kept for later. */
static GHashTable *
read_fates(
    ProfileCache *cache, const char *subject, gint64 now, GPtrArray *candidates, GError **error)
{
    g_autoptr(GHashTable) refused = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, g_free);
    g_autoptr(GError) problem = NULL;
    g_autoptr(StoreRows) rows = store_query(
        cache->store,
        &problem,
        "SELECT print, accepted, at, why, profile FROM login WHERE subject = $1 ORDER BY at DESC",
        "s",
        subject);

    while (rows != NULL && store_next(rows, &problem)) {
        if (store_integer(rows, 1) != 0 || profile_is_pending(store_text(rows, 4)))
            add_known(cache, candidates, store_text(rows, 0));
        if (store_integer(rows, 1) == 0 && store_integer(rows, 2) > now - PROFILE_BARRED_US)
            g_hash_table_insert(refused,
                                g_strdup(store_text(rows, 0)),
                                barred_text(store_integer(rows, 2), store_text(rows, 3)));
    }
    if (problem == NULL)
        return g_steal_pointer(&refused);
    g_propagate_error(error, g_steal_pointer(&problem));
    return NULL;
}

GPtrArray *
profile_candidates(
    ProfileCache *cache, const char *subject, const char *named, gint64 now, GError **error)
{
    g_autoptr(GPtrArray) candidates =
        g_ptr_array_new_with_free_func((GDestroyNotify)profile_candidate_free);
    g_autoptr(GHashTable) refused = NULL;

    if (!look(cache, error))
        return NULL;
    if (cache->logins->len == 0)
        return g_steal_pointer(&candidates);
    refused = read_fates(cache, subject, now, candidates, error);
    if (refused == NULL)
        return NULL;
    add_profile(cache, candidates, named);
    add_profile(cache, candidates, cache->fallback);
    for (guint i = 0; i < candidates->len; i++) {
        ProfileCandidate *one = candidates->pdata[i];
        one->barred = g_strdup(g_hash_table_lookup(refused, one->print));
    }
    return g_steal_pointer(&candidates);
}

/* ---- learning ---- */

gboolean
profile_learn(Store *store,
              const char *subject,
              const char *print,
              const char *type,
              const char *profile,
              const char *why,
              gint64 now,
              GError **error)
{
    /* a success that is as it was a moment ago is not written again: runs come by the thousand */
    return store_run(
        store,
        error,
        "INSERT INTO login (subject, print, type, profile, accepted, at, why) "
        "VALUES ($1, $2, $3, $4, $5, $6, $7) ON CONFLICT (subject, print) DO UPDATE SET "
        "profile = excluded.profile, accepted = excluded.accepted, at = excluded.at, "
        "why = excluded.why WHERE login.accepted <> excluded.accepted "
        "OR login.accepted = 0 OR login.at < $8",
        "ssssiisi",
        subject,
        print,
        type,
        profile,
        (gint64)(why == NULL),
        now,
        why,
        now - NOTE_EVERY_US);
}

gboolean
profile_forgive(Store *store, const char *subject, GError **error)
{
    return subject != NULL ? store_run(store,
                                       error,
                                       "DELETE FROM login WHERE accepted = 0 AND subject = $1",
                                       "s",
                                       subject)
                           : store_run(store, error, "DELETE FROM login WHERE accepted = 0", "");
}
