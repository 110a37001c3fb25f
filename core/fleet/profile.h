/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * profile.h - credential profiles: named sets of logins, at most one of each type, and what became of them.
 *
 * Each login stands for itself: one that is wrong never keeps another technology's from being tried. Where functions
 * write, the caller has begun a transaction.
 */
#include "credential.h"
#include "store/store.h"
#include "vault.h"

/* How long a login that a device refused is not sent to it again, unless it changed. */
#define PROFILE_BARRED_US (G_GINT64_CONSTANT(3600) * G_USEC_PER_SEC)

typedef struct {
    char *name, *note; /* note: NULL or a line */
    gboolean is_default;
    gint64 changed;
    GPtrArray *types; /* of char *: ids of the types it has logins of */
} Profile;

void profile_free(Profile *profile);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(Profile, profile_free)

Profile *profile_read(Store *store, const char *name, GError **error); /* BAD_PARAM with the nearest name */
GPtrArray *profile_list(Store *store, GError **error); /* of Profile, by name */

/* Add `credential` (complete) to the profile, which is made when it is not there; CONFLICT if it has one of that type
 * and not `replace`. The first profile becomes the default. */
gboolean profile_put(Store *store,
                     const Vault *vault,
                     const char *name,
                     const PosternCredential *credential,
                     gboolean replace,
                     GError **error);
/* The whole profile, or its login of `type`. A profile without logins is gone. */
gboolean profile_remove(Store *store, const char *name, const char *type, GError **error);
gboolean profile_set_default(Store *store, const char *name, GError **error); /* NULL: none */

/* One login, unsealed; its label is "profile NAME". Fields that the type no longer has are an error that says so. */
PosternCredential *profile_login(Store *store,
                                 const Vault *vault,
                                 Registry *registry,
                                 const char *name,
                                 const char *type,
                                 GError **error);

/* Seal all again with another key, in the caller's transaction. */
gboolean profile_reseal(Store *store, const Vault *from, const Vault *to, GError **error);

/* The fields of a login, sealed for that profile; and back, checked against the type, with the label "profile NAME". */
GBytes *profile_seal(
    const Vault *vault, const char *name, const PosternCredential *credential, GError **error);
PosternCredential *profile_unseal(const Vault *vault,
                                  const char *name,
                                  const CredentialTypeInfo *type,
                                  GBytes *sealed,
                                  GError **error);

/* vault_print() of a login: type and all its fields. The caller's. */
char *profile_print(const Vault *vault, const PosternCredential *credential);

/* ---- candidates for one run ---- */

/* Logins unsealed once and shared by all runs; one thread. */
typedef struct ProfileCache ProfileCache;
ProfileCache *profile_cache_new(Store *store, const Vault *vault, Registry *registry);
void profile_cache_free(ProfileCache *cache);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(ProfileCache, profile_cache_free)

typedef struct {
    PosternCredential *credential; /* a reference */
    char *print;
    char *barred; /* why it must not be tried now; NULL: it may be */
} ProfileCandidate;
void profile_candidate_free(ProfileCandidate *candidate);

/* Behind those given with the command: what is known to work at `subject` (latest first), the profile `named` (or
 * NULL), the default profile; each login once. A login that cannot be unsealed is left out with one warning in the log.
 * `subject` as in the table login. Sees what other processes changed (the cache is checked against the store). */
GPtrArray *profile_candidates(ProfileCache *cache,
                              const char *subject,
                              const char *named,
                              gint64 now,
                              GError **error); /* of ProfileCandidate */

/* "was refused by this device at 14:03:12 UTC ...; not tried again before 15:03:12 ..." or NULL; for any login. */
char *profile_barred(
    Store *store, const char *subject, const char *print, gint64 now, GError **error);

/* A device let a login in (`why` is NULL) or refused it. `profile`: NULL if it was given with the command. */
gboolean profile_learn(Store *store,
                       const char *subject,
                       const char *print,
                       const char *type,
                       const char *profile,
                       const char *why,
                       gint64 now,
                       GError **error);
/* Forget refusals at `subject` (NULL: everywhere): somebody knows that they were mended on the device. */
gboolean profile_forgive(Store *store, const char *subject, GError **error);

/* ---- a login that is being changed, of one machine alone ---- */

/* TRUE of the profile in which a login waits for what becomes of it. Refused or not, it stays a candidate where it was
 * prepared, for it may be in force. */
gboolean profile_is_pending(const char *name);

/* Store `credential`, complete, as the one that may come into force at `subject`, where it is then tried behind those that
 * are known to work, and name it (its label). `used`: print of the login that was let in there just now, or NULL; when
 * that is what an earlier change left, it becomes the machine's own first. CONFLICT: another change began within two
 * minutes and has not ended. */
gboolean profile_prepare(Store *store,
                         const Vault *vault,
                         const char *subject,
                         PosternCredential *credential,
                         const char *used,
                         gint64 now,
                         GError **error);
/* It came into force (`keep`): the first to be tried at `subject`, with another label; or it did not: forget it. */
gboolean profile_settle(Store *store,
                        const Vault *vault,
                        const char *subject,
                        PosternCredential *credential,
                        gboolean keep,
                        gint64 now,
                        GError **error);
