/* SPDX-License-Identifier: Apache-2.0 */
/*
 * profile-change.c - the login of one machine alone, while it is being changed and after.
 *
 * It lives in a profile that is named after the machine; what may come into force, in one beside it. Both are found by
 * what is learnt of that machine, and by no other.
 */
#include "config.h"

#include "error.h"
#include "profile.h"

#include <string.h>

#define PENDING ".next"

enum { HOLD_US = 120 * G_USEC_PER_SEC, OWN_MOST = 48 };

gboolean
profile_is_pending(const char *name)
{
    return name != NULL && g_str_has_suffix(name, PENDING);
}

static void
set_label(PosternCredential *credential, const char *profile)
{
    g_free(credential->label);
    credential->label = g_strconcat("profile ", profile, NULL);
}

/* What names of machines have that profiles' names have not goes by its digest. */
static char *
base_name(const char *subject)
{
    static const char plain[] = "abcdefghijklmnopqrstuvwxyz0123456789.-";
    const char *rest = strchr(subject, ':') + 1;
    g_autofree char *digest = NULL;

    if (strlen(rest) <= OWN_MOST && strspn(rest, plain) == strlen(rest) &&
        !profile_is_pending(rest))
        return g_strconcat(
            g_str_has_prefix(subject, "machine:") ? "machine-" : "host-", rest, NULL);
    digest = g_compute_checksum_for_string(G_CHECKSUM_SHA256, subject, -1);
    digest[32] = '\0';
    return g_strconcat("host-", digest, NULL);
}

/* Is a login of that type under this name, or pending there, that is not this machine's, or not its alone? An address
 * goes from one machine to another, and what was stored under it must not go with it. */
static gboolean
is_taken(Store *store,
         const char *subject,
         const char *type,
         const char *name,
         gint64 *taken,
         GError **error)
{
    g_autofree char *next = g_strconcat(name, PENDING, NULL);

    return store_number(store,
                        taken,
                        0,
                        error,
                        "SELECT count(*) FROM profile_credential AS c WHERE c.profile IN ($1, $2) "
                        "AND c.type = $3 AND (NOT EXISTS (SELECT 1 FROM login AS l WHERE "
                        "l.subject = $4 AND l.print = c.print) OR EXISTS (SELECT 1 FROM login AS l "
                        "WHERE l.subject <> $4 AND l.print = c.print AND l.profile = c.profile))",
                        "ssss",
                        name,
                        next,
                        type,
                        subject);
}

/* The caller's; NULL with `error`. */
static char *
own_name(Store *store, const char *subject, const char *type, GError **error)
{
    g_autofree char *base = base_name(subject);

    for (guint i = 1;; i++) {
        g_autofree char *name = i == 1 ? g_strdup(base) : g_strdup_printf("%s-%u", base, i);
        gint64 taken = 0;

        if (!is_taken(store, subject, type, name, &taken, error))
            return NULL;
        if (taken == 0)
            return g_steal_pointer(&name);
    }
}

/* What an earlier change left pending at a machine; all NULL when there is nothing. */
typedef struct {
    char *profile;
    GBytes *sealed;
    char *print;
    gint64 changed;
} Pending;

static void
pending_clear(Pending *pending)
{
    g_clear_pointer(&pending->profile, g_free);
    g_clear_pointer(&pending->sealed, g_bytes_unref);
    g_clear_pointer(&pending->print, g_free);
}
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC(Pending, pending_clear)

static gboolean
read_pending(Store *store, const char *subject, const char *type, Pending *pending, GError **error)
{
    g_autoptr(GError) problem = NULL;
    g_autoptr(StoreRows) rows =
        store_query(store,
                    &problem,
                    "SELECT c.profile, c.sealed, c.print, c.changed FROM login AS l "
                    "JOIN profile_credential AS c USING (profile, type, print) "
                    "WHERE l.subject = $1 AND l.type = $2 AND l.profile LIKE '%" PENDING "' "
                    "ORDER BY c.changed DESC",
                    "ss",
                    subject,
                    type);

    if (rows != NULL && store_next(rows, &problem)) {
        pending->profile = g_strdup(store_text(rows, 0));
        pending->sealed = store_bytes(rows, 1);
        pending->print = g_strdup(store_text(rows, 2));
        pending->changed = store_integer(rows, 3);
    }
    if (problem == NULL)
        return TRUE;
    g_propagate_error(error, g_steal_pointer(&problem));
    return FALSE;
}

/* Never the default: that would be tried everywhere. */
static gboolean
put_own(Store *store,
        const Vault *vault,
        const char *name,
        const PosternCredential *credential,
        GError **error)
{
    return profile_put(store, vault, name, credential, TRUE, error) &&
           store_run(store, error, "UPDATE profile SET is_default = 0 WHERE name = $1", "s", name);
}

/* Whoever removed it already, or has begun another change since, has done so. */
static gboolean
forget_pending(Store *store, const char *next, const char *type, const char *print, GError **error)
{
    return store_run(
               store,
               error,
               "DELETE FROM profile_credential WHERE profile = $1 AND type = $2 AND print = $3",
               "sss",
               next,
               type,
               print) &&
           store_run(store,
                     error,
                     "DELETE FROM profile WHERE name = $1 AND NOT EXISTS "
                     "(SELECT 1 FROM profile_credential WHERE profile = $1)",
                     "s",
                     next);
}

/* An earlier change that nobody ended: it came into force, for it was let in, or it did not, for another was. */
static gboolean
end_pending(Store *store,
            const Vault *vault,
            const char *own,
            const PosternCredential *next,
            const Pending *pending,
            gboolean came,
            GError **error)
{
    g_autoptr(PosternCredential) credential = NULL;

    if (came) {
        credential = profile_unseal(vault, pending->profile, next->type, pending->sealed, error);
        if (credential == NULL || !put_own(store, vault, own, credential, error))
            return FALSE;
    }
    return forget_pending(store, pending->profile, next->type->id, pending->print, error);
}

/* Behind whatever is known to work: a long time ago. */
static gboolean
make_candidate(Store *store,
               const Vault *vault,
               const char *subject,
               const char *profile,
               const PosternCredential *credential,
               GError **error)
{
    g_autofree char *print = profile_print(vault, credential);

    return store_run(store,
                     error,
                     "INSERT OR REPLACE INTO login (subject, print, type, profile, accepted, at) "
                     "VALUES ($1, $2, $3, $4, 1, 0)",
                     "ssss",
                     subject,
                     print,
                     credential->type->id,
                     profile);
}

gboolean
profile_prepare(Store *store,
                const Vault *vault,
                const char *subject,
                PosternCredential *credential,
                const char *used,
                gint64 now,
                GError **error)
{
    const char *type = credential->type->id;
    g_autofree char *own = own_name(store, subject, type, error);
    g_autofree char *next = NULL;
    g_auto(Pending) pending = {0};
    gboolean came;

    if (own == NULL || !read_pending(store, subject, type, &pending, error))
        return FALSE;
    next = g_strconcat(own, PENDING, NULL);
    came = pending.print != NULL && g_strcmp0(pending.print, used) == 0;
    if (pending.print != NULL && !came && pending.changed > now - HOLD_US) {
        g_set_error(error,
                    POSTERN_ERROR,
                    POSTERN_ERROR_CONFLICT,
                    "another change of this machine's login began %" G_GINT64_FORMAT
                    " s ago and has not ended (profile %s): nothing was changed; try again in two "
                    "minutes",
                    (now - pending.changed) / G_USEC_PER_SEC,
                    pending.profile);
        return FALSE;
    }
    if (pending.print != NULL && !end_pending(store, vault, own, credential, &pending, came, error))
        return FALSE;
    set_label(credential, next);
    return put_own(store, vault, next, credential, error) &&
           make_candidate(store, vault, subject, next, credential, error);
}

gboolean
profile_settle(Store *store,
               const Vault *vault,
               const char *subject,
               PosternCredential *credential,
               gboolean keep,
               gint64 now,
               GError **error)
{
    g_autofree char *next = g_strdup(credential->label + strlen("profile "));
    g_autofree char *own = g_strndup(next, strlen(next) - strlen(PENDING));
    const char *type = credential->type->id;
    g_autofree char *print = profile_print(vault, credential);

    if (!forget_pending(store, next, type, print, error))
        return FALSE;
    if (!keep)
        return store_run(store,
                         error,
                         "DELETE FROM login WHERE subject = $1 AND print = $2",
                         "ss",
                         subject,
                         print);
    set_label(credential, own);
    return put_own(store, vault, own, credential, error) &&
           profile_learn(store, subject, print, type, own, NULL, now, error);
}
