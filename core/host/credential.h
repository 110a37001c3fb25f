/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * credential.h - logins: where they come from, in which order they are tried, what became of each.
 *
 * The host itself knows only those given with the command. An organisation's profiles, the order
 * over them and what is learned come from fleet/, which adds to the same source.
 */
#include "registry.h"
#include "secret.h"

struct PosternCredential {
    gint refs;
    const CredentialTypeInfo *type;
    char *label;        /* "given with the command" */
    GHashTable *fields; /* name -> Secret, all fields alike; immutable once it is in a source */
    PosternRun *run;    /* of a loan to a plugin: for whom; else NULL */
    PosternCredential *lent; /* of a loan: the candidate itself, a reference; else NULL */
};

PosternCredential *credential_new(const CredentialTypeInfo *type, const char *label);
PosternCredential *credential_ref(PosternCredential *credential); /* [any] */
void credential_unref(PosternCredential *credential);             /* [any] accepts NULL */
G_DEFINE_AUTOPTR_CLEANUP_FUNC(PosternCredential, credential_unref)

/* Set one field from text, checked against the type. */
gboolean
credential_set(PosternCredential *credential, const char *field, const char *text, GError **error);
/* Fill in fallbacks; BAD_PARAM names a required field that is not set. */
gboolean credential_complete(PosternCredential *credential, GError **error);
/* Set the fields of `FIELD=VALUE,FIELD=@FILE|env:NAME|fd:N`, as after the colon of --credential. */
gboolean credential_set_parts(PosternCredential *credential, const char *text, GError **error);
const char *credential_peek(const PosternCredential *credential,
                            const char *field); /* [any] NULL: not set */

/* Where candidates come from. Complete before the first run; then read on any thread. */
typedef struct CredentialSource CredentialSource;
struct CredentialSource {
    GPtrArray *given; /* of PosternCredential, in the order given */
    gboolean alone;   /* nothing that is stored comes behind them */
    gboolean again;   /* try them even where a device refused them a moment ago */
};
CredentialSource *credential_source_new(void);
void credential_source_free(CredentialSource *source); /* accepts NULL */
G_DEFINE_AUTOPTR_CLEANUP_FUNC(CredentialSource, credential_source_free)

/* Parse `TYPE:field=value,field=@FILE|env:NAME|fd:N` (the argument of --credential) into `source`.
 * A secret given as a plain value is refused, with the ways that are safe. File: its first line,
 * refused when others can read it. `\,` and `\\` in values. */
gboolean credential_source_add(CredentialSource *source,
                               Registry *registry,
                               const char *text,
                               GError **error);

/* The same without the type and its colon. */
gboolean credential_source_add_of(CredentialSource *source,
                                  const CredentialTypeInfo *type,
                                  const char *text,
                                  GError **error);

/* One run's way through the candidates; shared with its children on the same target. Worker thread.
 */
typedef struct CredentialSession CredentialSession;
/* `source` may be NULL: there are none. */
CredentialSession *credential_session_new(CredentialSource *source, const char *target);
/* Call `learn` when a device lets a candidate in (`why` is NULL) or refuses it. */
typedef void (*CredentialLearn)(PosternCredential *credential, const GError *why, gpointer data);
void credential_session_on_fate(CredentialSession *session, CredentialLearn learn, gpointer data);
void credential_session_free(CredentialSession *session); /* accepts NULL */

/* One candidate more, behind those that are there; takes a reference. `barred` (or NULL) says why it
 * is not to be tried: it counts as rejected with that fate. */
void credential_session_add(CredentialSession *session,
                            PosternCredential *credential,
                            const char *barred);
/* The same for one that is there. */
void credential_session_bar(CredentialSession *session,
                            const PosternCredential *credential,
                            const char *why);
/* `credential`, one of them, comes first from now on, and who was let in before is asked again. */
void credential_session_first(CredentialSession *session, PosternCredential *credential);
/* What credential_session_next() would give, untouched; NULL: none is left. Borrowed. */
const PosternCredential *credential_session_foresee(CredentialSession *session,
                                                    const char *const *types);
/* The candidate that was let in; NULL: none was. Borrowed. */
const PosternCredential *credential_session_used(const CredentialSession *session);

/* Each candidate and its fate, in order: aa{sv} of "credential" s (label), "type" s, "fate" s
 * (accepted, rejected, untried, in-use), "why" s. The caller's. */
GVariant *credential_session_fates(const CredentialSession *session);

/* The next untried candidate of one of `types`, a reference. If one was accepted in this session it
 * comes first, again and again. NULL with AUTH and the fate of each when none is left. */
PosternCredential *
credential_session_next(CredentialSession *session, const char *const *types, GError **error);
void credential_session_accepted(CredentialSession *session, PosternCredential *credential);
void credential_session_rejected(CredentialSession *session,
                                 PosternCredential *credential,
                                 const GError *why);

/* It was taken and never came to be tried: it may come again. */
void credential_session_return(CredentialSession *session, PosternCredential *credential);

/* What plugins get of `credential`, whose reference is taken: a loan of their own, so that the candidate itself,
 * which other threads read, stays as it is. */
PosternCredential *credential_lend(PosternRun *run, PosternCredential *credential);

extern const PosternCredentialSvc credential_service;
extern const PosternSecretsSvc secrets_service;
