/* SPDX-License-Identifier: Apache-2.0 */
#include "config.h"

#include "challenge.h"
#include "sim.h"

#include <string.h>

enum { NONCE_BYTES = 24, NONCE_SIGNED = 12, NONCE_LENGTH = 32 };

/* ---- nonces ----
 *
 * A nonce carries its own birth and a signature, so that it is valid on every connection and costs
 * no memory: clients close the connection after the 401 and answer the nonce on the next one. */

static void
sign_nonce(const Device *device, guint8 nonce[NONCE_BYTES])
{
    GChecksum *sum = g_checksum_new(G_CHECKSUM_MD5);
    guint8 digest[16];
    gsize length = sizeof digest;

    g_checksum_update(sum, device->sim->secret, sizeof device->sim->secret);
    g_checksum_update(sum, (const guchar *)&device->address, sizeof device->address);
    g_checksum_update(sum, nonce, NONCE_SIGNED);
    g_checksum_get_digest(sum, digest, &length);
    g_checksum_free(sum);
    memcpy(nonce + NONCE_SIGNED, digest, NONCE_BYTES - NONCE_SIGNED);
}

static guint32
now_seconds(void)
{
    return (guint32)(g_get_monotonic_time() / G_USEC_PER_SEC);
}

char *
challenge_make(Device *device, gboolean stale)
{
    guint32 parts[3] = {now_seconds(), device->challenges, device->nonce_epoch};
    guint8 nonce[NONCE_BYTES];
    g_autofree char *text = NULL, *realm = device_realm(device);

    memcpy(nonce, parts, sizeof parts);
    sign_nonce(device, nonce);
    text = g_base64_encode(nonce, sizeof nonce);
    device->challenges++;
    return g_strdup_printf("Digest realm=\"%s\", nonce=\"%s\",stale=\"%s\",qop=\"%s\"",
                           realm,
                           text,
                           stale ? "true" : "false",
                           device->model->qop);
}

static gboolean
is_our_nonce(const Device *device, const char *text)
{
    g_autofree guint8 *nonce = NULL;
    guint8 expected[NONCE_BYTES];
    guint32 born, epoch;
    gsize length;

    if (strlen(text) != NONCE_LENGTH)
        return FALSE;
    nonce = g_base64_decode(text, &length);
    if (length != NONCE_BYTES)
        return FALSE;
    memcpy(expected, nonce, NONCE_SIGNED);
    sign_nonce(device, expected);
    memcpy(&born, nonce, sizeof born);
    memcpy(&epoch, nonce + 8, sizeof epoch);
    return memcmp(nonce, expected, NONCE_BYTES) == 0 && epoch == device->nonce_epoch &&
           now_seconds() - born < device->model->nonce_seconds;
}

/* ---- the header ---- */

static gboolean
is_blank(char c)
{
    return c == ' ' || c == '\t' || c == ',';
}

/* Reads the value at `at` and moves behind it. */
static char *
take_value(const char **at)
{
    GString *value = g_string_new(NULL);

    if (**at != '"') {
        while (**at != '\0' && !is_blank(**at))
            g_string_append_c(value, *(*at)++);
        return g_string_free(value, FALSE);
    }
    for ((*at)++; **at != '\0' && **at != '"'; (*at)++) {
        if (**at == '\\' && (*at)[1] != '\0')
            (*at)++;
        g_string_append_c(value, **at);
    }
    if (**at == '"')
        (*at)++;
    return g_string_free(value, FALSE);
}

char *
challenge_field(const char *list, const char *name)
{
    const char *at = list;

    while (*at != '\0') {
        g_autofree char *value = NULL;
        const char *start;
        gsize length;
        while (is_blank(*at))
            at++;
        start = at;
        while (*at != '\0' && *at != '=' && !is_blank(*at))
            at++;
        length = (gsize)(at - start);
        if (*at != '=')
            continue;
        at++;
        value = take_value(&at);
        if (length == strlen(name) && g_ascii_strncasecmp(start, name, length) == 0)
            return g_steal_pointer(&value);
    }
    return NULL;
}

/* ---- the response ---- */

static char *
md5(const char *text, gsize length)
{
    return g_compute_checksum_for_data(G_CHECKSUM_MD5, (const guchar *)text, length);
}

char *
challenge_response(const char *a1,
                   const char *nonce,
                   const char *nc,
                   const char *cnonce,
                   const char *method,
                   const char *target,
                   const char *body_hash)
{
    g_autofree char *a2_text = body_hash != NULL
                                   ? g_strdup_printf("%s:%s:%s", method, target, body_hash)
                                   : g_strdup_printf("%s:%s", method, target);
    g_autofree char *a2 = md5(a2_text, strlen(a2_text));
    const char *qop = body_hash != NULL ? "auth-int" : "auth";
    g_autofree char *all =
        nc != NULL && cnonce != NULL
            ? g_strdup_printf("%s:%s:%s:%s:%s:%s", a1, nonce, nc, cnonce, qop, a2)
            : g_strdup_printf("%s:%s:%s", a1, nonce, a2);

    return md5(all, strlen(all));
}

static char *
a1_of(Device *device)
{
    char *hex = g_malloc(33);

    if (!device->a1_known) {
        g_autofree char *realm = device_realm(device);
        g_autofree char *text =
            g_strdup_printf("%s:%s:%s", device->sim->user, realm, device->sim->password);
        GChecksum *sum = g_checksum_new(G_CHECKSUM_MD5);
        gsize length = sizeof device->a1;
        g_checksum_update(sum, (const guchar *)text, (gssize)strlen(text));
        g_checksum_get_digest(sum, device->a1, &length);
        g_checksum_free(sum);
        device->a1_known = TRUE;
    }
    for (guint i = 0; i < 16; i++) {
        hex[2 * i] = "0123456789abcdef"[device->a1[i] >> 4];
        hex[2 * i + 1] = "0123456789abcdef"[device->a1[i] & 15];
    }
    hex[32] = '\0';
    return hex;
}

typedef struct {
    char *username, *realm, *nonce, *uri, *response, *qop, *nc, *cnonce;
    guint64 count;
} Answer;

static void
read_answer(Answer *answer, const char *list)
{
    answer->username = challenge_field(list, "username");
    answer->realm = challenge_field(list, "realm");
    answer->nonce = challenge_field(list, "nonce");
    answer->uri = challenge_field(list, "uri");
    answer->response = challenge_field(list, "response");
    answer->qop = challenge_field(list, "qop");
    answer->nc = challenge_field(list, "nc");
    answer->cnonce = challenge_field(list, "cnonce");
}

static void
clear_answer(Answer *answer)
{
    g_free(answer->username);
    g_free(answer->realm);
    g_free(answer->nonce);
    g_free(answer->uri);
    g_free(answer->response);
    g_free(answer->qop);
    g_free(answer->nc);
    g_free(answer->cnonce);
}

/* Recent firmware takes only a count of eight digits. */
static gboolean
is_count(const Device *device, Answer *answer)
{
    if (device->model->strict_nc && strlen(answer->nc) != 8)
        return FALSE;
    return g_ascii_string_to_unsigned(answer->nc, 16, 1, G_MAXUINT32, &answer->count, NULL);
}

static gboolean
offers_qop(const Device *device, const char *qop)
{
    g_auto(GStrv) offered = g_strsplit(device->model->qop, ",", -1);

    for (guint i = 0; offered[i] != NULL; i++)
        if (g_str_equal(g_strstrip(offered[i]), qop))
            return TRUE;
    return FALSE;
}

static gboolean
is_complete(const Answer *answer)
{
    return answer->username != NULL && answer->realm != NULL && answer->nonce != NULL &&
           answer->uri != NULL && answer->response != NULL;
}

/* The redirection port of old firmware takes an answer as RFC 2069 has it, without qop; HTTP does not. */
static gboolean
is_protected(const Device *device, Answer *answer)
{
    if (answer->qop == NULL && g_str_equal(answer->uri, "/RedirectionService"))
        return TRUE;
    return answer->qop != NULL && answer->nc != NULL && answer->cnonce != NULL &&
           is_count(device, answer) && offers_qop(device, answer->qop);
}

static gboolean
is_right(Device *device,
         Answer *answer,
         const char *method,
         const char *target,
         const char *body,
         gsize length)
{
    g_autofree char *realm = device_realm(device);
    g_autofree char *a1 = NULL, *hash = NULL, *expected = NULL;

    if (!is_complete(answer) || !is_protected(device, answer) ||
        !g_str_equal(answer->username, device->sim->user) || !g_str_equal(answer->realm, realm) ||
        !g_str_equal(answer->uri, target))
        return FALSE;
    a1 = a1_of(device);
    if (g_strcmp0(answer->qop, "auth-int") == 0)
        hash = md5(body, length);
    expected =
        challenge_response(a1, answer->nonce, answer->nc, answer->cnonce, method, target, hash);
    return g_ascii_strcasecmp(expected, answer->response) == 0;
}

/* A right response: is its nonce still good? */
static ChallengeResult
check_nonce(Device *device, const Answer *answer)
{
    const Fault *stale = device_fault(device, FAULT_STALE);
    const Fault *reset = device_fault(device, FAULT_NONCE_RESET);
    guint uses = device->model->nonce_uses;

    if (reset != NULL && answer->count > (guint64)reset->number)
        return CHALLENGE_RESET;
    if (stale != NULL)
        uses = (guint)stale->number;
    if (!is_our_nonce(device, answer->nonce) || (uses != 0 && answer->count > uses))
        return CHALLENGE_STALE;
    return CHALLENGE_OK;
}

ChallengeResult
challenge_check(Device *device,
                const char *authorization,
                const char *method,
                const char *target,
                const char *body,
                gsize length)
{
    const Fault *wrong = device_fault(device, FAULT_WRONG_DIGEST);
    Answer answer = {0};
    ChallengeResult result = CHALLENGE_WRONG;

    if (authorization == NULL)
        return CHALLENGE_NONE;
    if (g_ascii_strncasecmp(authorization, "Digest ", strlen("Digest ")) != 0)
        return CHALLENGE_WRONG;
    read_answer(&answer, authorization + strlen("Digest "));
    if (is_right(device, &answer, method, target, body, length))
        result = check_nonce(device, &answer);
    clear_answer(&answer);
    if (result == CHALLENGE_OK && wrong != NULL && device->refused < wrong->number) {
        device->refused++;
        result = CHALLENGE_WRONG;
    }
    return result;
}
