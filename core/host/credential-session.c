/* SPDX-License-Identifier: Apache-2.0 */
#include "config.h"

#include "credential.h"
#include "run.h"

typedef enum { FATE_UNTRIED, FATE_IN_USE, FATE_ACCEPTED, FATE_REJECTED } Fate;

/* One candidate and what became of it. */
typedef struct {
    Fate fate;
    char *why; /* of a rejected one */
} Trial;

struct CredentialSession {
    CredentialSource *source; /* may be NULL */
    char *target;
    Trial *trials; /* one for each candidate of the source */
    guint count;
};

CredentialSession *
credential_session_new(CredentialSource *source, const char *target)
{
    CredentialSession *session = g_new0(CredentialSession, 1);

    session->source = source;
    session->target = g_strdup(target);
    session->count = source != NULL ? source->given->len : 0;
    session->trials = g_new0(Trial, session->count);
    return session;
}

void
credential_session_free(CredentialSession *session)
{
    if (session == NULL)
        return;
    for (guint i = 0; i < session->count; i++)
        g_free(session->trials[i].why);
    g_free(session->trials);
    g_free(session->target);
    g_free(session);
}

static PosternCredential *
candidate(const CredentialSession *session, guint i)
{
    return session->source->given->pdata[i];
}

static gboolean
is_wanted(const CredentialSession *session, guint i, const char *const *types)
{
    return types != NULL && g_strv_contains(types, candidate(session, i)->type->id);
}

static Trial *
trial_of(CredentialSession *session, const PosternCredential *credential)
{
    for (guint i = 0; i < session->count; i++)
        if (candidate(session, i) == credential)
            return &session->trials[i];
    return NULL;
}

/* Its place, or -1. */
static gint
next_with_fate(CredentialSession *session, const char *const *types, Fate fate)
{
    for (guint i = 0; i < session->count; i++)
        if (session->trials[i].fate == fate && is_wanted(session, i, types))
            return (gint)i;
    return -1;
}

static void
set_none_known(const CredentialSession *session, const char *const *types, GError **error)
{
    g_autoptr(GString) words = g_string_new(NULL);

    for (guint i = 0; types != NULL && types[i] != NULL; i++)
        g_string_append_printf(words, "%s%s", i > 0 ? " or " : "", types[i]);
    if (words->len == 0)
        g_set_error(error,
                    POSTERN_ERROR,
                    POSTERN_ERROR_AUTH,
                    "%s asks for a login, and this task has no type of credential to log in with",
                    session->target);
    else
        g_set_error(error,
                    POSTERN_ERROR,
                    POSTERN_ERROR_AUTH,
                    "%s asks for a login, and no credential of type %s is known; give one with "
                    "--credential %s:FIELD=VALUE,...",
                    session->target,
                    words->str,
                    types[0]);
}

static const char *
fate_words(const Trial *trial)
{
    if (trial->fate == FATE_REJECTED)
        return trial->why;
    return trial->fate == FATE_UNTRIED ? "was not tried"
                                       : "was tried, with no word of what came of it";
}

/* Every candidate of the wanted types, and what became of it. */
static void
set_none_left(const CredentialSession *session, const char *const *types, GError **error)
{
    g_autoptr(GString) fates = g_string_new(NULL);
    guint tried = 0;

    for (guint i = 0; i < session->count; i++) {
        if (!is_wanted(session, i, types))
            continue;
        g_string_append_printf(fates,
                               "%s%s, %s: %s",
                               tried++ > 0 ? "; " : "",
                               candidate(session, i)->type->id,
                               candidate(session, i)->label,
                               fate_words(&session->trials[i]));
    }
    if (tried == 0)
        set_none_known(session, types, error);
    else
        g_set_error(error,
                    POSTERN_ERROR,
                    POSTERN_ERROR_AUTH,
                    "no credential is left to log in at %s with (%s)",
                    session->target,
                    fates->str);
}

PosternCredential *
credential_session_next(CredentialSession *session, const char *const *types, GError **error)
{
    gint found = next_with_fate(session, types, FATE_ACCEPTED);

    if (found < 0)
        found = next_with_fate(session, types, FATE_UNTRIED);
    if (found < 0) {
        set_none_left(session, types, error);
        return NULL;
    }
    if (session->trials[found].fate == FATE_UNTRIED)
        session->trials[found].fate = FATE_IN_USE;
    return credential_ref(candidate(session, (guint)found));
}

void
credential_session_accepted(CredentialSession *session, PosternCredential *credential)
{
    Trial *trial = trial_of(session, credential);

    if (trial != NULL)
        trial->fate = FATE_ACCEPTED;
}

void
credential_session_rejected(CredentialSession *session,
                            PosternCredential *credential,
                            const GError *why)
{
    Trial *trial = trial_of(session, credential);

    if (trial == NULL)
        return;
    trial->fate = FATE_REJECTED;
    g_free(trial->why);
    trial->why = g_strdup(why != NULL ? why->message : "was refused");
}

void
credential_session_return(CredentialSession *session, PosternCredential *credential)
{
    Trial *trial = trial_of(session, credential);

    if (trial != NULL && trial->fate == FATE_IN_USE)
        trial->fate = FATE_UNTRIED;
}

/* ---- what plugins get ---- */

/* Plugins get a loan of their own, so that the candidate itself, which other threads read, stays as it is. */
static PosternCredential *
service_next(PosternRun *run, const char *const *types, GError **error)
{
    const char *const *own = (const char *const *)run_task(run)->credentials;
    PosternCredential *found =
        credential_session_next(run_credentials(run), types != NULL ? types : own, error);
    PosternCredential *loan;

    if (found == NULL)
        return NULL;
    loan = g_new0(PosternCredential, 1);
    loan->refs = 1;
    loan->type = found->type;
    loan->label = g_strdup(found->label);
    loan->fields = g_hash_table_ref(found->fields);
    loan->run = run;
    loan->lent = found;
    return loan;
}

static const char *
service_type(PosternCredential *credential)
{
    return credential->type->id;
}

static const char *
service_label(PosternCredential *credential)
{
    return credential->label;
}

static const char *
service_peek(PosternCredential *credential, const char *field)
{
    return credential_peek(credential, field);
}

static void
service_accepted(PosternCredential *credential)
{
    credential_session_accepted(run_credentials(credential->run), credential->lent);
}

static void
service_rejected(PosternCredential *credential, const GError *why)
{
    credential_session_rejected(run_credentials(credential->run), credential->lent, why);
}

const PosternCredentialSvc credential_service = {
    .size = sizeof(PosternCredentialSvc),
    .next = service_next,
    .type = service_type,
    .label = service_label,
    .peek = service_peek,
    .accepted = service_accepted,
    .rejected = service_rejected,
    .release = credential_unref,
};
