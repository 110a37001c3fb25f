/* SPDX-License-Identifier: Apache-2.0 */
#include "config.h"

#include "http-private.h"

#include <string.h>

/*
 * A device counts failed logins and may lock the account, so nothing is tried twice that was
 * refused once: 401 to a request without a login: log in with the first candidate. 401 to a login
 * with a nonce that was used before, or that says stale: the nonce was too old. Once more, with the
 * new one. 401 to a login with the nonce just received: the account is wrong. The next candidate.
 */

void
http_login_clear(HttpLogin *login)
{
    credential_unref(login->credential);
    if (login->basic != NULL)
        secret_wipe(login->basic, strlen(login->basic));
    g_free(login->basic);
    digest_login_clear(&login->digest);
    memset(login, 0, sizeof *login);
}

static CredentialSession *
session_of(PosternHttp *http)
{
    return run_credentials(http->run);
}

void
http_login_prepare(PosternHttp *http, HttpKeeper *keeper)
{
    if (http->types[0] == NULL) {
        if (keeper->logged_in)
            http_drop(keeper);
        return;
    }
    if (keeper->login.credential == NULL)
        return;
    if (http->credential == NULL)
        http->credential =
            credential_session_next(session_of(http), (const char *const *)http->types, NULL);
    if (http->credential == keeper->login.credential)
        return;
    http_login_clear(&keeper->login);
    if (keeper->logged_in)
        http_drop(keeper);
}

void
http_login_append(HttpKeeper *keeper, HttpRequest *request, GString *head)
{
    HttpLogin *login = &keeper->login;

    request->with_login = login->known;
    if (!login->known)
        return;
    keeper->logged_in = TRUE;
    if (login->basic != NULL)
        g_string_append(head, login->basic);
    else
        digest_login_header(&login->digest, head, request->method, request->path, request->body);
}

void
http_login_worked(PosternHttp *http, HttpKeeper *keeper)
{
    keeper->login.worked = TRUE;
    keeper->login.fresh = FALSE;
    if (http->accepted || http->credential == NULL)
        return;
    http->accepted = TRUE;
    credential_session_accepted(session_of(http), http->credential);
}

/* The candidate cannot be used, or was refused. */
static void reject(PosternHttp *http, HttpKeeper *keeper, const char *format, ...)
    G_GNUC_PRINTF(3, 4);

static void
reject(PosternHttp *http, HttpKeeper *keeper, const char *format, ...)
{
    g_autoptr(GError) why = NULL;
    va_list args;

    va_start(args, format);
    why = g_error_new_valist(POSTERN_ERROR, POSTERN_ERROR_AUTH, format, args);
    va_end(args);
    credential_session_rejected(session_of(http), http->credential, why);
    g_clear_pointer(&http->credential, credential_unref);
    http->accepted = FALSE;
    http_login_clear(&keeper->login);
    if (keeper->logged_in)
        http_drop(keeper);
}

static void
reject_refused(PosternHttp *http, HttpKeeper *keeper, const HttpRequest *request)
{
    if (keeper->login.worked)
        reject(http,
               keeper,
               "worked before and was refused for %s %s: it may lack the right, or the password "
               "was changed",
               request->method,
               request->path);
    else
        reject(http, keeper, "the device refused it");
}

static char *
basic_line(const char *user, const char *password)
{
    g_autofree char *pair = g_strconcat(user, ":", password, NULL);
    g_autofree char *coded = g_base64_encode((const guchar *)pair, strlen(pair));
    char *line = g_strconcat("Authorization: Basic ", coded, "\r\n", NULL);

    secret_wipe(pair, strlen(pair));
    secret_wipe(coded, strlen(coded));
    return line;
}

/* FALSE: this candidate and this challenge do not go together; it is rejected then. */
static gboolean
start(PosternHttp *http, HttpKeeper *keeper, DigestChallenge *challenge)
{
    const char *login = http->credential->type->login;
    const char *user = credential_peek(http->credential, "user");
    const char *password = credential_peek(http->credential, "password");
    gboolean basic = g_strcmp0(login, "basic") == 0;

    if (login == NULL || user == NULL || password == NULL) {
        reject(http, keeper, "is no login for HTTP: it needs a user and a password");
        return FALSE;
    }
    if (basic ? !challenge->basic : !challenge->digest) {
        const char *other = challenge->unusable ? challenge->unusable : basic ? "Digest" : "Basic";
        reject(http, keeper, "needs %s login, the device offers %s", login, other);
        return FALSE;
    }
    keeper->login.credential = credential_ref(http->credential);
    keeper->login.known = keeper->login.fresh = TRUE;
    if (basic)
        keeper->login.basic = basic_line(user, password);
    else
        digest_login_start(&keeper->login.digest, challenge, user, password);
    return TRUE;
}

/* The nonce was too old: the same account with the new one. */
static gboolean
renew(PosternHttp *http, HttpKeeper *keeper, HttpRequest *request, DigestChallenge *challenge)
{
    HttpLogin *login = &keeper->login;
    gboolean old = !login->fresh || challenge->stale;

    if (login->basic != NULL || !challenge->digest || !old || request->renewed)
        return FALSE;
    request->renewed = TRUE;
    login->fresh = TRUE;
    digest_login_start(&login->digest,
                       challenge,
                       credential_peek(login->credential, "user"),
                       credential_peek(login->credential, "password"));
    return TRUE;
}

static gboolean
answer(PosternHttp *http,
       HttpKeeper *keeper,
       HttpRequest *request,
       DigestChallenge *challenge,
       GError **error)
{
    if (request->with_login) {
        if (renew(http, keeper, request, challenge))
            return TRUE;
        reject_refused(http, keeper, request);
        request->renewed = FALSE;
    }
    while (TRUE) {
        if (http->credential == NULL)
            http->credential =
                credential_session_next(session_of(http), (const char *const *)http->types, error);
        if (http->credential == NULL)
            return FALSE;
        if (start(http, keeper, challenge))
            return TRUE;
    }
}

gboolean
http_login_challenged(PosternHttp *http,
                      HttpKeeper *keeper,
                      HttpRequest *request,
                      const HttpParser *parser,
                      GError **error)
{
    DigestChallenge challenge = {0};
    const char *value;
    gboolean again;

    for (guint i = 0; (value = http_parser_header(parser, "WWW-Authenticate", i)) != NULL; i++)
        digest_challenge_add(&challenge, value);
    again = answer(http, keeper, request, &challenge, error);
    digest_challenge_clear(&challenge);
    return again;
}
