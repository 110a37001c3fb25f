/* SPDX-License-Identifier: Apache-2.0 */
#include "config.h"

#include "challenge.h"
#include "realms.h"
#include "redirect-login.h"
#include "sim.h"

#include <string.h>

#define LOGIN_URI "/RedirectionService"
enum { QUERY = 0, FIELDS_MOST = 8 };

static void
answer(GByteArray *out, guint8 status, guint8 method, const GByteArray *body)
{
    guint32 length = GUINT32_TO_LE(body != NULL ? body->len : 0);
    const guint8 start[] = {0x14, status, 0, 0, method};

    g_byte_array_append(out, start, sizeof start);
    g_byte_array_append(out, (const guint8 *)&length, sizeof length);
    if (body != NULL)
        g_byte_array_append(out, body->data, body->len);
}

static gboolean
takes_plain(const Device *device)
{
    return device_fault(device, FAULT_PLAIN_LOGIN) != NULL;
}

/* Firmware before 11 knows the digest without qop as well. */
static gboolean
takes(const Device *device, guint8 method)
{
    return method == LOGIN_DIGEST_QOP ||
           (method == LOGIN_DIGEST && !model_since(device->model, 11, 0)) ||
           (method == LOGIN_PLAIN && takes_plain(device));
}

static void
answer_query(const Device *device, GByteArray *out)
{
    g_autoptr(GByteArray) list = g_byte_array_new();

    for (guint8 method = LOGIN_PLAIN; method <= LOGIN_DIGEST_QOP; method++)
        if (takes(device, method))
            g_byte_array_append(list, &method, 1);
    answer(out, 0, QUERY, list);
}

/* Texts with a length byte each; NULL when one is cut or there are too many. Absent ones are NULL. */
static gboolean
read_fields(const guint8 *body, gsize length, char *fields[FIELDS_MOST], guint *count)
{
    for (*count = 0; length > 0; (*count)++) {
        gsize size = body[0];
        if (*count == FIELDS_MOST || size + 1 > length || memchr(body + 1, '\0', size) != NULL)
            return FALSE;
        fields[*count] = g_strndup((const char *)body + 1, size);
        body += size + 1;
        length -= size + 1;
    }
    return TRUE;
}

static void
put_text(GByteArray *out, const char *text)
{
    guint8 length = (guint8)strlen(text);

    g_byte_array_append(out, &length, 1);
    g_byte_array_append(out, (const guint8 *)text, length);
}

/* Realm and nonce are those of HTTP. */
static void
answer_challenge(Device *device, guint8 method, GByteArray *out)
{
    g_autofree char *header = challenge_make(device, FALSE);
    g_autofree char *realm = challenge_field(header + strlen("Digest "), "realm");
    g_autofree char *nonce = challenge_field(header + strlen("Digest "), "nonce");
    g_autoptr(GByteArray) body = g_byte_array_new();

    put_text(body, realm);
    put_text(body, nonce);
    if (method == LOGIN_DIGEST_QOP)
        put_text(body, "auth");
    answer(out, 1, method, body);
}

static gboolean
may_redirect(const Device *device)
{
    const Fault *realms = device_fault(device, FAULT_REALMS);

    return device_fault(device, FAULT_401_FOREVER) == NULL &&
           (realms == NULL || realms_allow(realms->text, "AMT_RedirectionService"));
}

static LoginResult
decide(Device *device, guint8 method, gboolean right, GByteArray *out)
{
    right = right && may_redirect(device);
    answer(out, right ? 0 : 1, method, NULL);
    if (!right)
        device->logins_failed++;
    return right ? LOGIN_IN : LOGIN_REFUSED;
}

/* One that could end the quotes of a header is none of a login. */
static gboolean
is_quotable(char *const *fields, guint count)
{
    for (guint i = 0; i < count; i++)
        if (strpbrk(fields[i], "\"\\\r\n") != NULL)
            return FALSE;
    return TRUE;
}

/* The same answer as a header of HTTP has it, for challenge_check(). */
static gboolean
is_right(Device *device, guint8 method, char *const *fields, guint count)
{
    g_autoptr(GString) header = g_string_new(NULL);
    /* method 3 comes with and without the two numbers that it does not reckon with */
    const char *response = count == 5 ? fields[4] : fields[6];

    if (!is_quotable(fields, count))
        return FALSE;
    g_string_printf(
        header,
        "Digest username=\"%s\", realm=\"%s\", nonce=\"%s\", uri=\"%s\", response=\"%s\"",
        fields[0],
        fields[1],
        fields[2],
        fields[3],
        response);
    if (method == LOGIN_DIGEST_QOP)
        g_string_append_printf(
            header, ", cnonce=\"%s\", nc=%s, qop=%s", fields[4], fields[5], fields[7]);
    return challenge_check(device, header->str, "POST", LOGIN_URI, "", 0) == CHALLENGE_OK;
}

static LoginResult
digest_login(Device *device, guint8 method, char *const *fields, guint count, GByteArray *out)
{
    if (count < 4)
        return LOGIN_SENSELESS;
    if (*fields[1] == '\0' && *fields[2] == '\0') {
        answer_challenge(device, method, out);
        return LOGIN_MORE;
    }
    if (method == LOGIN_DIGEST_QOP ? count != 8 : count != 7 && count != 5)
        return LOGIN_SENSELESS;
    return decide(device, method, is_right(device, method, fields, count), out);
}

LoginResult
redirect_login(Device *device, guint8 method, const guint8 *body, gsize length, GByteArray *out)
{
    char *fields[FIELDS_MOST] = {NULL};
    guint count = 0;
    LoginResult result = LOGIN_SENSELESS;

    if (method == QUERY) {
        answer_query(device, out);
        return LOGIN_MORE;
    }
    if (!takes(device, method)) {
        answer(out, 1, method, NULL);
        return LOGIN_REFUSED;
    }
    if (read_fields(body, length, fields, &count)) {
        if (method != LOGIN_PLAIN)
            result = digest_login(device, method, fields, count, out);
        else if (count == 2)
            result = decide(device,
                            method,
                            g_str_equal(fields[0], device->sim->user) &&
                                g_str_equal(fields[1], device->sim->password),
                            out);
    }
    for (guint i = 0; i < FIELDS_MOST; i++)
        g_free(fields[i]);
    return result;
}
