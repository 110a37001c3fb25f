/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * digest.h - HTTP digest login (RFC 7616, and as Intel AMT does it): read a challenge, answer it.
 *
 * Nothing here waits or allocates much: a login is answered some ten thousand times a second.
 */
#include <glib.h>

typedef enum { DIGEST_MD5, DIGEST_MD5_SESS, DIGEST_SHA256, DIGEST_SHA256_SESS } DigestAlgorithm;

typedef enum { DIGEST_QOP_NONE, DIGEST_QOP_AUTH, DIGEST_QOP_AUTH_INT } DigestQop;

enum { DIGEST_HEX = 65, DIGEST_CNONCE = 64 }; /* room for SHA-256 in hex; for a cnonce */

/* What a server asks for. Zero it before its first use. */
typedef struct {
    gboolean basic;  /* Basic is offered */
    gboolean digest; /* a Digest that we can do is offered: the members below are filled in */
    gboolean stale;  /* the nonce was too old, not the password wrong */
    gboolean says_algorithm;
    DigestAlgorithm algorithm;
    DigestQop qop; /* the best of those listed: auth-int, then auth */
    char *realm, *nonce;
    char *opaque;   /* or NULL */
    char *unusable; /* first scheme or algorithm that we cannot do, for messages; or NULL */
} DigestChallenge;

/* Add what one WWW-Authenticate value offers: one challenge or several. Bytes of a stranger: never
 * fails, what makes no sense is passed over. */
void digest_challenge_add(DigestChallenge *challenge, const char *value);
void digest_challenge_clear(DigestChallenge *challenge);

/* A login with one account at one server: answers challenges, counts. Zero it before its first use.
 */
typedef struct {
    DigestChallenge challenge;
    guint32 count; /* requests made with this nonce */
    char cnonce[DIGEST_CNONCE];
    char ha1[DIGEST_HEX]; /* H(user:realm:password): a secret */
    char *user;           /* escaped for the header */
} DigestLogin;

/* Begin with (or change to) `challenge`, whose content is taken. The password is only needed here.
 */
void digest_login_start(DigestLogin *login,
                        DigestChallenge *challenge,
                        const char *user,
                        const char *password);

/* Append "Authorization: Digest ...\r\n" for the next request. */
void digest_login_header(
    DigestLogin *login, GString *head, const char *method, const char *uri, GBytes *body);

void digest_login_clear(DigestLogin *login);
