/* SPDX-License-Identifier: Apache-2.0 */
/* The digest of a login at the redirection port: that of HTTP, in fields with a length byte instead of a header. */
#include "amt-redirection.h"

#include <string.h>

#define LOGIN_URI "/RedirectionService"

static void
wipe(char *secret)
{
    if (secret != NULL)
        explicit_bzero(secret, strlen(secret));
    g_free(secret);
}

static char *
md5(const char *text)
{
    return g_compute_checksum_for_string(G_CHECKSUM_MD5, text, -1);
}

static char *
digest_of(
    const char *user, const char *password, const char *realm, const char *nonce, const char *extra)
{
    char *secret = g_strdup_printf("%s:%s:%s", user, realm, password);
    char *ha1 = md5(secret);
    g_autofree char *ha2 = md5("POST:" LOGIN_URI);
    char *all = g_strdup_printf("%s:%s:%s%s", ha1, nonce, extra, ha2);
    char *digest = md5(all);

    wipe(secret);
    wipe(ha1);
    wipe(all);
    return digest;
}

/* Callers have seen to it that no text is longer than 255 bytes. */
static void
put_text(GByteArray *out, const char *text)
{
    guint8 length = (guint8)strlen(text);

    g_byte_array_append(out, &length, 1);
    g_byte_array_append(out, (const guint8 *)text, length);
}

GByteArray *
amt_login_answer(const char *user,
                 const char *password,
                 const char *realm,
                 const char *nonce,
                 const char *cnonce,
                 const char *nc,
                 const char *qop)
{
    gboolean plain = qop == NULL || *qop == '\0';
    g_autofree char *extra = plain ? g_strdup("") : g_strdup_printf("%s:%s:%s:", nc, cnonce, qop);
    g_autofree char *digest = digest_of(user, password, realm, nonce, extra);
    GByteArray *body = g_byte_array_new();

    put_text(body, user);
    put_text(body, realm);
    put_text(body, nonce);
    put_text(body, LOGIN_URI);
    put_text(body, cnonce); /* method 3 does not reckon with these two, and has them all the same */
    put_text(body, nc);
    put_text(body, digest);
    if (!plain)
        put_text(body, qop);
    return body;
}

/* ---- the conversation ---- */

enum { METHOD_QUERY = 0, METHOD_DIGEST = 3, METHOD_DIGEST_QOP = 4, CNONCE_DIGITS = 32 };

static gboolean
send_login(AmtSession *session, guint8 method, const GByteArray *body, GError **error)
{
    const guint8 start[] = {AMT_OP_LOGIN, 0, 0, 0, method};
    g_autoptr(GByteArray) out = g_byte_array_new();

    g_byte_array_append(out, start, sizeof start);
    amt_put_u32(out, body != NULL ? body->len : 0);
    if (body != NULL)
        g_byte_array_append(out, body->data, body->len);
    return amt_session_write(session, out->data, out->len, error);
}

static gboolean
read_reply(AmtSession *session, AmtMessage *reply, GError **error)
{
    if (!amt_session_read(session, reply, amt_session_amt(session)->timeout_ms, error))
        return FALSE;
    return reply->opcode == AMT_OP_LOGIN_REPLY ||
           postern_fail(error,
                        POSTERN_ERROR_PROTOCOL,
                        "a message with opcode 0x%02x came, expected an answer to the login",
                        reply->opcode);
}

/* The best method that both sides can do; 0 with `error`: there is none. */
static guint8
choose_method(AmtSession *session, GError **error)
{
    g_autoptr(GString) offered = g_string_new(NULL);
    AmtMessage reply;

    if (!send_login(session, METHOD_QUERY, NULL, error) || !read_reply(session, &reply, error))
        return 0;
    if (memchr(reply.data, METHOD_DIGEST_QOP, reply.data_length) != NULL)
        return METHOD_DIGEST_QOP;
    if (memchr(reply.data, METHOD_DIGEST, reply.data_length) != NULL)
        return METHOD_DIGEST;
    for (gsize i = 0; i < MIN(reply.data_length, 8); i++)
        g_string_append_printf(offered, " %u", reply.data[i]);
    postern_fail(error,
                 POSTERN_ERROR_NOT_SUPPORTED,
                 "the device offers no digest login (methods 3 and 4) but%s; a password is never "
                 "sent in the clear",
                 offered->len > 0 ? offered->str : " none at all");
    return 0;
}

typedef struct {
    char *realm, *nonce, *qop;
} Challenge;

static void
challenge_clear(Challenge *challenge)
{
    g_free(challenge->realm);
    g_free(challenge->nonce);
    g_free(challenge->qop);
}
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC(Challenge, challenge_clear)

static gboolean
read_challenge(const AmtMessage *reply, guint8 method, Challenge *challenge, GError **error)
{
    const guint8 *at = reply->data, *end = reply->data + reply->data_length;
    g_autofree char *shown = NULL;

    challenge->realm = amt_message_text(&at, end);
    challenge->nonce = challenge->realm != NULL ? amt_message_text(&at, end) : NULL;
    if (challenge->nonce != NULL && method == METHOD_DIGEST_QOP)
        challenge->qop = amt_message_text(&at, end);
    if (challenge->nonce == NULL || (method == METHOD_DIGEST_QOP && challenge->qop == NULL))
        return postern_fail(error,
                            POSTERN_ERROR_PROTOCOL,
                            "the challenge of the login is cut short after %" G_GSIZE_FORMAT
                            " bytes",
                            reply->data_length);
    if (method == METHOD_DIGEST || g_str_equal(challenge->qop, "auth"))
        return TRUE;
    shown = amt_excerpt(challenge->qop, 20);
    return postern_fail(error,
                        POSTERN_ERROR_NOT_SUPPORTED,
                        "the login wants protection '%s', expected 'auth'",
                        shown);
}

/* Says who comes; the answer is a challenge. */
static gboolean
ask_challenge(
    AmtSession *session, guint8 method, const char *user, Challenge *challenge, GError **error)
{
    g_autoptr(GByteArray) body = g_byte_array_new();
    AmtMessage reply;

    put_text(body, user);
    put_text(body, "");
    put_text(body, "");
    put_text(body, LOGIN_URI);
    for (guint i = method == METHOD_DIGEST ? 3 : 4; i > 0; i--)
        put_text(body, "");
    if (!send_login(session, method, body, error) || !read_reply(session, &reply, error))
        return FALSE;
    if (reply.status != 1 || reply.method != method)
        return postern_fail(error,
                            POSTERN_ERROR_PROTOCOL,
                            "the login was answered with status %u and method %u, expected a "
                            "challenge: status 1 and method %u",
                            reply.status,
                            reply.method,
                            method);
    return read_challenge(&reply, method, challenge, error);
}

static gboolean
answer_challenge(AmtSession *session,
                 guint8 method,
                 const char *user,
                 const char *password,
                 const Challenge *challenge,
                 GError **error)
{
    char cnonce[CNONCE_DIGITS + 1];
    g_autoptr(GByteArray) body = NULL;
    AmtMessage reply;

    for (guint i = 0; i < CNONCE_DIGITS; i += 8)
        g_snprintf(cnonce + i, 9, "%08x", g_random_int());
    body = amt_login_answer(
        user, password, challenge->realm, challenge->nonce, cnonce, "00000002", challenge->qop);
    if (!send_login(session, method, body, error) || !read_reply(session, &reply, error))
        return FALSE;
    return reply.status == 0 ||
           postern_fail(error,
                        POSTERN_ERROR_AUTH,
                        "the redirection port refused the account '%s' (status %u): the password "
                        "is wrong, or the account lacks the realm Redirection",
                        user,
                        reply.status);
}

gboolean
amt_session_login(AmtSession *session, const char *user, const char *password, GError **error)
{
    guint8 method = choose_method(session, error);
    g_auto(Challenge) challenge = {0};

    if (method == 0)
        return FALSE;
    if (strlen(user) > AMT_TEXT_MOST)
        return postern_fail(error,
                            POSTERN_ERROR_AUTH,
                            "the account name has more than the %d bytes that a login can carry",
                            AMT_TEXT_MOST);
    return ask_challenge(session, method, user, &challenge, error) &&
           answer_challenge(session, method, user, password, &challenge, error);
}
