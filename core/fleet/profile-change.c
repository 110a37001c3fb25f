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

/* Two machines never have one: what the spelling of names would change is named by its digest. */
static char *
own_name(const char *subject)
{
    static const char plain[] = "abcdefghijklmnopqrstuvwxyz0123456789.-";
    g_autofree char *rest = g_strdup(strchr(subject, ':') + 1);
    g_autofree char *digest = NULL;

    if (strlen(rest) <= OWN_MOST && strspn(rest, plain) == strlen(rest) &&
        !profile_is_pending(rest))
        return g_str_has_prefix(subject, "machine:") ? g_strconcat("machine-", rest, NULL)
                                                     : g_strconcat("host-", rest, NULL);
    digest = g_compute_checksum_for_string(G_CHECKSUM_SHA256, subject, -1);
    digest[32] = '\0';
    return g_strconcat("host-", digest, NULL);
}

/* Sealed login, its print and when it was stored; all NULL when there is none. */
typedef struct {
    GBytes *sealed;
    char *print;
    gint64 changed;
} Pending;

static void
pending_clear(Pending *pending)
{
    g_clear_pointer(&pending->sealed, g_bytes_unref);
    g_clear_pointer(&pending->print, g_free);
}
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC(Pending, pending_clear)

static gboolean
read_pending(Store *store, const char *name, const char *type, Pending *pending, GError **error)
{
    g_autoptr(GError) problem = NULL;
    g_autoptr(StoreRows) rows = store_query(store,
                                            &problem,
                                            "SELECT sealed, print, changed FROM profile_credential "
                                            "WHERE profile = $1 AND type = $2",
                                            "ss",
                                            name,
                                            type);

    if (rows != NULL && store_next(rows, &problem)) {
        pending->sealed = store_bytes(rows, 0);
        pending->print = g_strdup(store_text(rows, 1));
        pending->changed = store_integer(rows, 2);
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

/* An earlier change that nobody ended came into force: it was let in. */
static gboolean
promote(Store *store,
        const Vault *vault,
        const char *own,
        const char *next,
        const CredentialTypeInfo *type,
        const Pending *pending,
        GError **error)
{
    g_autoptr(PosternCredential) credential =
        profile_unseal(vault, next, type, pending->sealed, error);

    return credential != NULL && put_own(store, vault, own, credential, error);
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
    const CredentialTypeInfo *type = credential->type;
    g_autofree char *own = own_name(subject);
    g_autofree char *next = g_strconcat(own, PENDING, NULL);
    g_auto(Pending) pending = {0};
    gboolean came;

    if (!read_pending(store, next, type->id, &pending, error))
        return FALSE;
    came = pending.print != NULL && g_strcmp0(pending.print, used) == 0;
    if (pending.print != NULL && !came && pending.changed > now - HOLD_US) {
        g_set_error(error,
                    POSTERN_ERROR,
                    POSTERN_ERROR_CONFLICT,
                    "another change of this machine's login began %" G_GINT64_FORMAT
                    " s ago and has not ended (profile %s): nothing was changed; try again in two "
                    "minutes",
                    (now - pending.changed) / G_USEC_PER_SEC,
                    next);
        return FALSE;
    }
    if (came && !promote(store, vault, own, next, type, &pending, error))
        return FALSE;
    set_label(credential, next);
    return put_own(store, vault, next, credential, error) &&
           make_candidate(store, vault, subject, next, credential, error);
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
