/* SPDX-License-Identifier: Apache-2.0 */
#include "config.h"

#include "digest.h"
#include "secret.h"

#include <openssl/evp.h>
#include <openssl/rand.h>
#include <string.h>

enum { LONGEST_VALUE = 2048 /* of one parameter of a challenge */, CNONCE_BYTES = 16 };

/* ---- reading a challenge ---- */

/* A tokenizer over one header value. */
typedef struct {
    const char *at;
} Scan;

static gboolean
is_token(char c)
{
    return g_ascii_isalnum(c) || (c != '\0' && strchr("!#$%&'*+-.^_`|~", c) != NULL);
}

static void
skip_blanks(Scan *scan)
{
    while (*scan->at == ' ' || *scan->at == '\t')
        scan->at++;
}

/* The next run of token characters; may be empty. */
static char *
take_token(Scan *scan)
{
    const char *start = scan->at;

    while (is_token(*scan->at))
        scan->at++;
    return g_strndup(start, (gsize)(scan->at - start));
}

/* A quoted string, its escapes undone. A missing end quote ends with the value. */
static char *
take_quoted(Scan *scan)
{
    GString *out = g_string_new(NULL);

    for (scan->at++; *scan->at != '\0' && *scan->at != '"'; scan->at++) {
        if (*scan->at == '\\' && scan->at[1] != '\0')
            scan->at++;
        g_string_append_c(out, *scan->at);
    }
    if (*scan->at == '"')
        scan->at++;
    return g_string_free(out, FALSE);
}

/* Values that are not quoted are taken up to the next comma or blank: firmware writes more than
 * tokens there. */
static char *
take_value(Scan *scan)
{
    const char *start;

    skip_blanks(scan);
    if (*scan->at == '"')
        return take_quoted(scan);
    start = scan->at;
    while (*scan->at != '\0' && strchr(", \t\"", *scan->at) == NULL)
        scan->at++;
    return g_strndup(start, (gsize)(scan->at - start));
}

/* One Digest challenge while it is read. */
typedef struct {
    char *realm, *nonce, *opaque, *algorithm, *qop, *stale;
} Offer;

static void
offer_clear(Offer *offer)
{
    g_free(offer->realm);
    g_free(offer->nonce);
    g_free(offer->opaque);
    g_free(offer->algorithm);
    g_free(offer->qop);
    g_free(offer->stale);
    memset(offer, 0, sizeof *offer);
}

/* The first of a name counts. Takes `value`. */
static void
offer_set(Offer *offer, const char *name, char *value)
{
    const struct {
        const char *name;
        char **place;
    } known[] = {{"realm", &offer->realm},
                 {"nonce", &offer->nonce},
                 {"opaque", &offer->opaque},
                 {"algorithm", &offer->algorithm},
                 {"qop", &offer->qop},
                 {"stale", &offer->stale}};

    for (guint i = 0; i < G_N_ELEMENTS(known); i++) {
        if (g_ascii_strcasecmp(name, known[i].name) == 0 && *known[i].place == NULL &&
            strlen(value) <= LONGEST_VALUE) {
            *known[i].place = value;
            return;
        }
    }
    g_free(value);
}

static gboolean
algorithm_of(const char *word, DigestAlgorithm *algorithm)
{
    static const char *const words[] = {"MD5", "MD5-sess", "SHA-256", "SHA-256-sess"};

    for (guint i = 0; i < G_N_ELEMENTS(words); i++) {
        if (word == NULL || g_ascii_strcasecmp(word, words[i]) == 0) {
            *algorithm = (DigestAlgorithm)i;
            return TRUE;
        }
    }
    return FALSE;
}

/* The best of a list such as `auth-int, auth`. FALSE: none that we can do. */
static gboolean
qop_of(const char *list, DigestQop *qop)
{
    Scan scan = {list};

    *qop = DIGEST_QOP_NONE;
    if (list == NULL)
        return TRUE;
    while (*scan.at != '\0') {
        g_autofree char *word = take_token(&scan);
        if (g_ascii_strcasecmp(word, "auth-int") == 0)
            *qop = DIGEST_QOP_AUTH_INT;
        else if (g_ascii_strcasecmp(word, "auth") == 0 && *qop == DIGEST_QOP_NONE)
            *qop = DIGEST_QOP_AUTH;
        if (*word == '\0')
            scan.at++;
    }
    return *qop != DIGEST_QOP_NONE;
}

/* A Digest challenge is complete: keep it if we can do it and it is better than the one before. */
static void
offer_done(DigestChallenge *challenge, Offer *offer)
{
    DigestAlgorithm algorithm = DIGEST_MD5;
    DigestQop qop = DIGEST_QOP_NONE;

    if (!algorithm_of(offer->algorithm, &algorithm)) {
        if (challenge->unusable == NULL)
            challenge->unusable = g_strdup_printf("Digest with algorithm %.40s", offer->algorithm);
        return;
    }
    if (offer->realm == NULL || offer->nonce == NULL || !qop_of(offer->qop, &qop)) {
        if (challenge->unusable == NULL)
            challenge->unusable = g_strdup("Digest without a realm, a nonce or a known qop");
        return;
    }
    if (challenge->digest && algorithm <= challenge->algorithm)
        return;
    g_free(challenge->realm);
    g_free(challenge->nonce);
    g_free(challenge->opaque);
    challenge->digest = TRUE;
    challenge->stale = offer->stale != NULL && g_ascii_strcasecmp(offer->stale, "true") == 0;
    challenge->says_algorithm = offer->algorithm != NULL;
    challenge->algorithm = algorithm;
    challenge->qop = qop;
    challenge->realm = g_steal_pointer(&offer->realm);
    challenge->nonce = g_steal_pointer(&offer->nonce);
    challenge->opaque = g_steal_pointer(&offer->opaque);
}

/* A word that begins a challenge. TRUE: its parameters are those of a Digest. */
static gboolean
scheme_begins(DigestChallenge *challenge, const char *word)
{
    if (g_ascii_strcasecmp(word, "Digest") == 0)
        return TRUE;
    if (g_ascii_strcasecmp(word, "Basic") == 0)
        challenge->basic = TRUE;
    else if (challenge->unusable == NULL)
        challenge->unusable = g_strndup(word, 40);
    return FALSE;
}

void
digest_challenge_add(DigestChallenge *challenge, const char *value)
{
    Scan scan = {value};
    Offer offer = {0};
    gboolean in_digest = FALSE;

    while (*scan.at != '\0') {
        g_autofree char *word = take_token(&scan);
        if (*word == '\0') {
            scan.at++; /* a blank, a comma, or a byte that has no business here */
            continue;
        }
        skip_blanks(&scan);
        if (*scan.at == '=') {
            scan.at++;
            offer_set(&offer, word, take_value(&scan));
            continue;
        }
        if (in_digest)
            offer_done(challenge, &offer);
        offer_clear(&offer);
        in_digest = scheme_begins(challenge, word);
    }
    if (in_digest)
        offer_done(challenge, &offer);
    offer_clear(&offer);
}

void
digest_challenge_clear(DigestChallenge *challenge)
{
    g_free(challenge->realm);
    g_free(challenge->nonce);
    g_free(challenge->opaque);
    g_free(challenge->unusable);
    memset(challenge, 0, sizeof *challenge);
}

/* ---- hashing ---- */

/* Fetched once for the process: looking an algorithm up costs more than a short hash. */
static const EVP_MD *
hash_of(DigestAlgorithm algorithm)
{
    static gsize ready;
    static EVP_MD *md5, *sha256;

    if (g_once_init_enter(&ready)) {
        md5 = EVP_MD_fetch(NULL, "MD5", NULL);
        sha256 = EVP_MD_fetch(NULL, "SHA256", NULL);
        g_once_init_leave(&ready, 1);
    }
    return algorithm >= DIGEST_SHA256 ? sha256 : md5;
}

static void
context_free(gpointer context)
{
    EVP_MD_CTX_free(context);
}

/* One for each thread: nothing waits between the start and the end of a hash. */
static EVP_MD_CTX *
hash_context(void)
{
    static GPrivate kept = G_PRIVATE_INIT(context_free);
    EVP_MD_CTX *context = g_private_get(&kept);

    if (context == NULL) {
        context = EVP_MD_CTX_new();
        g_private_set(&kept, context);
    }
    return context;
}

static void
to_hex(const guchar *bytes, guint length, char *hex)
{
    static const char digits[] = "0123456789abcdef";

    for (guint i = 0; i < length; i++) {
        hex[2 * i] = digits[bytes[i] >> 4];
        hex[2 * i + 1] = digits[bytes[i] & 15];
    }
    hex[2 * length] = '\0';
}

/* cannot fail for a hash that was fetched; a provider without MD5 (FIPS) leaves an empty answer */
static void
hash_end(EVP_MD_CTX *context, gboolean begun, char *hex)
{
    guchar out[EVP_MAX_MD_SIZE];
    guint size = 0;

    if (!begun || !EVP_DigestFinal_ex(context, out, &size))
        size = 0;
    to_hex(out, size, hex);
}

static gboolean
hash_begin(EVP_MD_CTX *context, DigestAlgorithm algorithm)
{
    return hash_of(algorithm) != NULL && EVP_DigestInit_ex(context, hash_of(algorithm), NULL);
}

/* The hash of `length` bytes in hex. */
static void
hash_bytes(DigestAlgorithm algorithm, gconstpointer bytes, gsize length, char *hex)
{
    EVP_MD_CTX *context = hash_context();
    gboolean begun = hash_begin(context, algorithm);

    hash_end(context, begun && EVP_DigestUpdate(context, bytes, length), hex);
}

/* The hash of the texts (NULL-ended) with colons between them. */
static void
hash_joined(DigestAlgorithm algorithm, char *hex, const char *const *texts)
{
    EVP_MD_CTX *context = hash_context();
    gboolean fine = hash_begin(context, algorithm);

    for (guint i = 0; fine && texts[i] != NULL; i++)
        fine = (i == 0 || EVP_DigestUpdate(context, ":", 1)) &&
               EVP_DigestUpdate(context, texts[i], strlen(texts[i]));
    hash_end(context, fine, hex);
}

/* ---- answering ---- */

static void
append_quoted(GString *out, const char *text)
{
    for (; *text; text++) {
        if (*text == '"' || *text == '\\')
            g_string_append_c(out, '\\');
        g_string_append_c(out, *text);
    }
}

static void
new_cnonce(char *cnonce)
{
    guchar bytes[CNONCE_BYTES];

    if (RAND_bytes(bytes, sizeof bytes) != 1)
        for (guint i = 0; i < sizeof bytes; i++) /* it need not be secret, only new */
            bytes[i] = (guchar)g_random_int_range(0, 256);
    to_hex(bytes, sizeof bytes, cnonce);
}

void
digest_login_start(DigestLogin *login,
                   DigestChallenge *challenge,
                   const char *user,
                   const char *password)
{
    const char *const account[] = {user, challenge->realm, password, NULL};
    GString *quoted = g_string_new(NULL);

    digest_login_clear(login);
    login->challenge = *challenge;
    memset(challenge, 0, sizeof *challenge);
    append_quoted(quoted, user);
    login->user = g_string_free(quoted, FALSE);
    new_cnonce(login->cnonce);
    hash_joined(login->challenge.algorithm, login->ha1, account);
}

static void
hash_request(DigestLogin *login, char *ha2, const char *method, const char *uri, GBytes *body)
{
    DigestAlgorithm algorithm = login->challenge.algorithm;
    const char *parts[] = {method, uri, NULL, NULL};
    char content[DIGEST_HEX];

    if (login->challenge.qop == DIGEST_QOP_AUTH_INT) {
        gsize length = 0;
        gconstpointer bytes = body ? g_bytes_get_data(body, &length) : "";
        hash_bytes(algorithm, bytes != NULL ? bytes : "", length, content);
        parts[2] = content;
    }
    hash_joined(algorithm, ha2, parts);
}

static void
respond(DigestLogin *login, const char *ha2, const char *count, char *response)
{
    DigestChallenge *asked = &login->challenge;
    char session[DIGEST_HEX];
    const char *ha1 = login->ha1;
    const char *word = asked->qop == DIGEST_QOP_AUTH_INT ? "auth-int" : "auth";
    const char *const old[] = {ha1, asked->nonce, ha2, NULL};

    if (asked->algorithm == DIGEST_MD5_SESS || asked->algorithm == DIGEST_SHA256_SESS) {
        const char *const parts[] = {login->ha1, asked->nonce, login->cnonce, NULL};
        hash_joined(asked->algorithm, session, parts);
        ha1 = session;
    }
    if (asked->qop == DIGEST_QOP_NONE) {
        hash_joined(asked->algorithm, response, old);
    } else {
        const char *const parts[] = {ha1, asked->nonce, count, login->cnonce, word, ha2, NULL};
        hash_joined(asked->algorithm, response, parts);
    }
}

static void
append_parameter(GString *head, const char *before, const char *value)
{
    g_string_append(head, before);
    append_quoted(head, value);
    g_string_append_c(head, '"');
}

void
digest_login_header(
    DigestLogin *login, GString *head, const char *method, const char *uri, GBytes *body)
{
    static const char *const algorithms[] = {"MD5", "MD5-sess", "SHA-256", "SHA-256-sess"};
    const DigestChallenge *asked = &login->challenge;
    char ha2[DIGEST_HEX], response[DIGEST_HEX], count[9];

    login->count++;
    for (guint i = 0; i < 8; i++)
        count[i] = "0123456789abcdef"[(login->count >> (28 - 4 * i)) & 15];
    count[8] = '\0';
    hash_request(login, ha2, method, uri, body);
    respond(login, ha2, count, response);

    g_string_append(head, "Authorization: Digest username=\"");
    g_string_append(head, login->user);
    append_parameter(head, "\", realm=\"", asked->realm);
    append_parameter(head, ", nonce=\"", asked->nonce);
    append_parameter(head, ", uri=\"", uri);
    append_parameter(head, ", response=\"", response);
    if (asked->opaque != NULL)
        append_parameter(head, ", opaque=\"", asked->opaque);
    if (asked->says_algorithm) {
        g_string_append(head, ", algorithm=");
        g_string_append(head, algorithms[asked->algorithm]);
    }
    if (asked->qop != DIGEST_QOP_NONE) {
        g_string_append(head,
                        asked->qop == DIGEST_QOP_AUTH ? ", qop=auth, nc=" : ", qop=auth-int, nc=");
        g_string_append(head, count);
        append_parameter(head, ", cnonce=\"", login->cnonce);
    }
    g_string_append(head, "\r\n");
}

void
digest_login_clear(DigestLogin *login)
{
    digest_challenge_clear(&login->challenge);
    g_free(login->user);
    secret_wipe(login, sizeof *login);
}
