/* SPDX-License-Identifier: Apache-2.0 */
#include "config.h"

#include "credential.h"
#include "field.h"
#include "run.h"

typedef enum { FATE_UNTRIED, FATE_IN_USE, FATE_ACCEPTED, FATE_REJECTED } Fate;

/* One candidate and what became of it. */
typedef struct {
    PosternCredential *credential; /* a reference */
    Fate fate;
    char *why; /* of a rejected one */
} Trial;

struct CredentialSession {
    char *target;
    GArray *trials;        /* of Trial */
    CredentialLearn learn; /* or NULL */
    gpointer learn_data;
};

static void
trial_clear(gpointer data)
{
    Trial *trial = data;

    credential_unref(trial->credential);
    g_free(trial->why);
}

CredentialSession *
credential_session_new(CredentialSource *source, const char *target)
{
    CredentialSession *session = g_new0(CredentialSession, 1);

    session->target = g_strdup(target);
    session->trials = g_array_new(FALSE, TRUE, sizeof(Trial));
    g_array_set_clear_func(session->trials, trial_clear);
    for (guint i = 0; source != NULL && i < source->given->len; i++)
        credential_session_add(session, source->given->pdata[i], NULL);
    return session;
}

void
credential_session_free(CredentialSession *session)
{
    if (session == NULL)
        return;
    g_array_unref(session->trials);
    g_free(session->target);
    g_free(session);
}

static Trial *
trial_at(const CredentialSession *session, guint i)
{
    return &g_array_index(session->trials, Trial, i);
}

static PosternCredential *
candidate(const CredentialSession *session, guint i)
{
    return trial_at(session, i)->credential;
}

void
credential_session_on_fate(CredentialSession *session, CredentialLearn learn, gpointer data)
{
    session->learn = learn;
    session->learn_data = data;
}

void
credential_session_add(CredentialSession *session,
                       PosternCredential *credential,
                       const char *barred)
{
    Trial trial = {.credential = credential_ref(credential)};

    g_array_append_val(session->trials, trial);
    if (barred != NULL)
        credential_session_bar(session, credential, barred);
}

static gboolean
is_wanted(const CredentialSession *session, guint i, const char *const *types)
{
    return types != NULL && g_strv_contains(types, candidate(session, i)->type->id);
}

static Trial *
trial_of(CredentialSession *session, const PosternCredential *credential)
{
    for (guint i = 0; i < session->trials->len; i++)
        if (candidate(session, i) == credential)
            return trial_at(session, i);
    return NULL;
}

/* Its place, or -1. */
static gint
next_with_fate(CredentialSession *session, const char *const *types, Fate fate)
{
    for (guint i = 0; i < session->trials->len; i++)
        if (trial_at(session, i)->fate == fate && is_wanted(session, i, types))
            return (gint)i;
    return -1;
}

/* Who was let in goes on; else whoever was not tried yet. */
static gint
next_place(CredentialSession *session, const char *const *types)
{
    gint found = next_with_fate(session, types, FATE_ACCEPTED);

    return found >= 0 ? found : next_with_fate(session, types, FATE_UNTRIED);
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

    for (guint i = 0; i < session->trials->len; i++) {
        if (!is_wanted(session, i, types))
            continue;
        g_string_append_printf(fates,
                               "%s%s, %s: %s",
                               tried++ > 0 ? "; " : "",
                               candidate(session, i)->type->id,
                               candidate(session, i)->label,
                               fate_words(trial_at(session, i)));
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
    gint found = next_place(session, types);

    if (found < 0) {
        set_none_left(session, types, error);
        return NULL;
    }
    if (trial_at(session, (guint)found)->fate == FATE_UNTRIED)
        trial_at(session, (guint)found)->fate = FATE_IN_USE;
    return credential_ref(candidate(session, (guint)found));
}

static void
learn(const CredentialSession *session, const Trial *trial, const GError *why)
{
    if (session->learn != NULL)
        session->learn(trial->credential, why, session->learn_data);
}

void
credential_session_accepted(CredentialSession *session, PosternCredential *credential)
{
    Trial *trial = trial_of(session, credential);

    if (trial == NULL || trial->fate == FATE_ACCEPTED)
        return;
    trial->fate = FATE_ACCEPTED;
    learn(session, trial, NULL);
}

void
credential_session_bar(CredentialSession *session,
                       const PosternCredential *credential,
                       const char *why)
{
    Trial *trial = trial_of(session, credential);

    if (trial == NULL)
        return;
    trial->fate = FATE_REJECTED;
    g_free(trial->why);
    trial->why = g_strdup(why);
}

void
credential_session_first(CredentialSession *session, PosternCredential *credential)
{
    Trial first = {.credential = credential_ref(credential)};

    for (guint i = session->trials->len; i > 0; i--) {
        if (trial_at(session, i - 1)->fate == FATE_ACCEPTED)
            trial_at(session, i - 1)->fate = FATE_UNTRIED;
        if (candidate(session, i - 1) == credential)
            g_array_remove_index(session->trials, i - 1);
    }
    g_array_prepend_val(session->trials, first);
}

const PosternCredential *
credential_session_foresee(CredentialSession *session, const char *const *types)
{
    gint found = next_place(session, types);

    return found >= 0 ? candidate(session, (guint)found) : NULL;
}

const PosternCredential *
credential_session_used(const CredentialSession *session)
{
    for (guint i = 0; i < session->trials->len; i++)
        if (trial_at(session, i)->fate == FATE_ACCEPTED)
            return candidate(session, i);
    return NULL;
}

GVariant *
credential_session_fates(const CredentialSession *session)
{
    static const char *const words[] = {"untried", "in-use", "accepted", "rejected"};
    g_auto(GVariantBuilder) fates = G_VARIANT_BUILDER_INIT(G_VARIANT_TYPE("aa{sv}"));

    for (guint i = 0; i < session->trials->len; i++) {
        const Trial *trial = trial_at(session, i);
        GVariantDict one;

        g_variant_dict_init(&one, NULL);
        g_variant_dict_insert(&one, "credential", "s", trial->credential->label);
        g_variant_dict_insert(&one, "type", "s", trial->credential->type->id);
        g_variant_dict_insert(&one, "fate", "s", words[trial->fate]);
        if (trial->why != NULL)
            g_variant_dict_insert(&one, "why", "s", trial->why);
        g_variant_builder_add_value(&fates, g_variant_dict_end(&one));
    }
    return g_variant_ref_sink(g_variant_builder_end(&fates));
}

void
credential_session_rejected(CredentialSession *session,
                            PosternCredential *credential,
                            const GError *why)
{
    Trial *trial = trial_of(session, credential);

    gboolean was_in = trial != NULL && trial->fate == FATE_ACCEPTED;

    credential_session_bar(session, credential, why != NULL ? why->message : "was refused");
    /* who was let in before lacks a right, not the password: nothing to learn from */
    if (trial != NULL && !was_in && g_error_matches(why, POSTERN_ERROR, POSTERN_ERROR_AUTH))
        learn(session, trial, why);
}

void
credential_session_return(CredentialSession *session, PosternCredential *credential)
{
    Trial *trial = trial_of(session, credential);

    if (trial != NULL && trial->fate == FATE_IN_USE)
        trial->fate = FATE_UNTRIED;
}

/* ---- what plugins get ---- */

PosternCredential *
credential_lend(PosternRun *run, PosternCredential *credential)
{
    PosternCredential *loan = g_new0(PosternCredential, 1);

    loan->refs = 1;
    loan->type = credential->type;
    loan->label = g_strdup(credential->label);
    loan->fields = g_hash_table_ref(credential->fields);
    loan->run = run;
    loan->lent = credential;
    return loan;
}

static PosternCredential *
service_next(PosternRun *run, const char *const *types, GError **error)
{
    const char *const *own = (const char *const *)run_task(run)->credentials;
    PosternCredential *found =
        credential_session_next(run_credentials(run), types != NULL ? types : own, error);

    return found != NULL ? credential_lend(run, found) : NULL;
}

static const char *
service_foresee(PosternRun *run, const char *const *types, const char *field)
{
    const char *const *own = (const char *const *)run_task(run)->credentials;
    const PosternCredential *found =
        credential_session_foresee(run_credentials(run), types != NULL ? types : own);
    const FieldInfo *info = found != NULL ? field_find(found->type->fields, field) : NULL;

    if (info == NULL || (info->flags & POSTERN_FIELD_SECRET) != 0)
        return NULL;
    return credential_peek(found, field);
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
    .foresee = service_foresee,
};
