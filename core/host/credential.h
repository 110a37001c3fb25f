/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * credential.h - logins: where they come from, in which order they are tried, what became of each.
 *
 * The host itself knows only those given with the command. An organisation's profiles, the order over them
 * and what is learned come from fleet/ through the one hook `CredentialSource.next`.
 */
#include "registry.h"
#include "secret.h"

struct PosternCredential {
    gint refs;
    const CredentialTypeInfo *type;
    char *label;        /* "given with the command" */
    GHashTable *fields; /* name -> Secret, all fields alike */
};

PosternCredential *credential_new(const CredentialTypeInfo *type, const char *label);
PosternCredential *credential_ref(PosternCredential *credential);
void credential_unref(PosternCredential *credential); /* [any] */
G_DEFINE_AUTOPTR_CLEANUP_FUNC(PosternCredential, credential_unref)

/* Set one field from text, checked against the type. */
gboolean credential_set(PosternCredential *credential, const char *field, const char *text, GError **error);
/* Fill in fallbacks; BAD_PARAM names a required field that is not set. */
gboolean credential_complete(PosternCredential *credential, GError **error);
const char *credential_peek(const PosternCredential *credential, const char *field); /* [any] NULL: not set */

/* Where candidates come from. */
typedef struct CredentialSource CredentialSource;
struct CredentialSource {
    GPtrArray *given; /* of PosternCredential, in the order given */
};
CredentialSource *credential_source_new(void);
void credential_source_free(CredentialSource *source);

/* Parse `TYPE:field=value,field=@FILE|env:NAME|fd:N` (the argument of --credential) into `source`. A secret
 * given as a plain value is refused, with the ways that are safe. File: its first line, refused when others
 * can read it. `\,` and `\\` in values. */
gboolean credential_source_add(CredentialSource *source, Registry *registry, const char *text, GError **error);

/* One run's way through the candidates; shared with its children on the same target. Worker thread. */
typedef struct CredentialSession CredentialSession;
CredentialSession *credential_session_new(CredentialSource *source, const char *target);
void credential_session_free(CredentialSession *session);

/* The next untried candidate of one of `types`, a reference. If one was accepted in this session it comes first, again and
 * again. NULL with AUTH and the fate of each when none is left. */
PosternCredential *credential_session_next(CredentialSession *session, const char *const *types, GError **error);
void credential_session_accepted(CredentialSession *session, PosternCredential *credential);
void credential_session_rejected(CredentialSession *session, PosternCredential *credential, const GError *why);

extern const PosternCredentialSvc credential_service;
