/* SPDX-License-Identifier: Apache-2.0 */
/*
 * secrets.c - postern.secrets/1: a password is changed on a device, and at no moment is one in force that is not stored.
 *
 * Where logins are kept is the hooks' affair; here is in which order they are tried, and how secrets are made.
 */
#include "config.h"

#include "credential.h"
#include "field.h"
#include "hooks.h"
#include "host.h"
#include "run.h"

#include <openssl/rand.h>
#include <string.h>

/* ---- making one up ---- */

enum { MADE_LENGTH = 24 };

static const char *const kinds[] = {
    "abcdefghijklmnopqrstuvwxyz", "ABCDEFGHIJKLMNOPQRSTUVWXYZ", "0123456789", "!#$%*+-.=?@^~"};

/* A number below `most`, each equally likely. */
static gboolean
draw(guint most, guint *value, GError **error)
{
    const guint fair = 256 - 256 % most;
    guint8 byte;

    do {
        if (RAND_bytes(&byte, 1) != 1) {
            g_set_error_literal(error,
                                POSTERN_ERROR,
                                POSTERN_ERROR_INTERNAL,
                                "no secret can be made: OpenSSL gives no random numbers");
            return FALSE;
        }
    } while (byte >= fair);
    *value = byte % most;
    return TRUE;
}

static gboolean
has_every_kind(const char *text)
{
    for (guint i = 0; i < G_N_ELEMENTS(kinds); i++)
        if (strpbrk(text, kinds[i]) == NULL)
            return FALSE;
    return TRUE;
}

/* One that lacks a kind is thrown away whole, so that every one that is left is equally likely. */
static gboolean
make_up(char text[MADE_LENGTH + 1], GError **error)
{
    g_autofree char *all = g_strconcat(kinds[0], kinds[1], kinds[2], kinds[3], NULL);
    const guint count = (guint)strlen(all);

    memset(text, 0, MADE_LENGTH + 1);
    while (!has_every_kind(text))
        for (guint i = 0; i < MADE_LENGTH; i++) {
            guint value = 0;
            if (!draw(count, &value, error))
                return FALSE;
            text[i] = all[value];
        }
    return TRUE;
}

/* ---- the login ---- */

static gboolean
set_given(PosternCredential *credential, GVariant *fields, GError **error)
{
    GVariantIter iter;
    const char *name;
    GVariant *value;
    gboolean good = TRUE;

    g_variant_iter_init(&iter, fields);
    while (good && g_variant_iter_next(&iter, "{&sv}", &name, &value)) {
        g_autoptr(GVariant) owned = value;

        if (g_variant_is_of_type(owned, G_VARIANT_TYPE_STRING)) {
            good = credential_set(credential, name, g_variant_get_string(owned, NULL), error);
            continue;
        }
        g_set_error(error,
                    POSTERN_ERROR,
                    POSTERN_ERROR_BAD_PARAM,
                    "field '%s' of a login is of type %s, expected s",
                    name,
                    g_variant_get_type_string(owned));
        good = FALSE;
    }
    return good;
}

static gboolean
set_missing(PosternCredential *credential, GError **error)
{
    const guint32 wanted = POSTERN_FIELD_SECRET | POSTERN_FIELD_REQUIRED;
    char text[MADE_LENGTH + 1];
    gboolean good = TRUE;

    for (guint i = 0; good && i < credential->type->fields->len; i++) {
        const FieldInfo *field = credential->type->fields->pdata[i];

        if ((field->flags & wanted) == wanted && credential_peek(credential, field->name) == NULL)
            good = make_up(text, error) && credential_set(credential, field->name, text, error);
    }
    secret_wipe(text, sizeof text);
    return good && credential_complete(credential, error);
}

static const RunHooks *
hooks_of(PosternRun *run)
{
    return host_hooks(run_plan(run)->host);
}

static PosternCredential *
secrets_prepare(PosternRun *run, const char *type, GVariant *fields, GError **error)
{
    const RunHooks *hooks = hooks_of(run);
    g_autoptr(GVariant) owned = g_variant_ref_sink(fields);
    const CredentialTypeInfo *info =
        registry_credential_type(host_registry(run_plan(run)->host), type, error);
    g_autoptr(PosternCredential) credential = NULL;

    if (info == NULL)
        return NULL;
    if (hooks == NULL || hooks->prepare == NULL) {
        g_set_error_literal(error,
                            POSTERN_ERROR,
                            POSTERN_ERROR_NOT_SUPPORTED,
                            "no logins are kept here, so that a changed one would be lost: switch "
                            "the fleet's memory on ([fleet] in postern.conf)");
        return NULL;
    }
    credential = credential_new(info, "being changed");
    if (!set_given(credential, owned, error) || !set_missing(credential, error) ||
        !hooks->prepare(run, credential, hooks->data, error))
        return NULL;
    credential_session_add(run_credentials(run), credential, NULL);
    return credential_lend(run, g_steal_pointer(&credential));
}

static void
secrets_try_first(PosternCredential *credential)
{
    credential_session_first(run_credentials(credential->run), credential->lent);
}

static gboolean
secrets_in_force(PosternCredential *credential)
{
    return credential_session_used(run_credentials(credential->run)) == credential->lent;
}

static gboolean
settle(PosternCredential *credential, gboolean keep, GError **error)
{
    const RunHooks *hooks = hooks_of(credential->run);

    return hooks->settle(credential->run, credential->lent, keep, hooks->data, error);
}

static gboolean
secrets_keep(PosternCredential *credential, GError **error)
{
    if (!settle(credential, TRUE, error))
        return FALSE;
    /* where it is stored now */
    g_free(credential->label);
    credential->label = g_strdup(credential->lent->label);
    return TRUE;
}

static gboolean
secrets_drop(PosternCredential *credential, GError **error)
{
    credential_session_bar(
        run_credentials(credential->run), credential->lent, "did not come into force");
    return settle(credential, FALSE, error);
}

static void
forget(gpointer secret)
{
    secret_unref(secret);
}

static void
secrets_hide(PosternRun *run, const char *text)
{
    run_on_end(run, forget, secret_new(text, -1));
}

const PosternSecretsSvc secrets_service = {
    .size = sizeof(PosternSecretsSvc),
    .prepare = secrets_prepare,
    .try_first = secrets_try_first,
    .in_force = secrets_in_force,
    .keep = secrets_keep,
    .drop = secrets_drop,
    .release = credential_unref,
    .hide = secrets_hide,
};
