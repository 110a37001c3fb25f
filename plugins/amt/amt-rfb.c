/* SPDX-License-Identifier: Apache-2.0 */
/* The handshake of RFB, from both sides, and the messages of a viewer. */
#include "amt-rfb.h"

#include <postern-host.h>

#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <openssl/rand.h>
#include <stdio.h>
#include <string.h>

static guint32
get_u32(const guint8 *bytes)
{
    return (guint32)bytes[0] << 24 | (guint32)bytes[1] << 16 | (guint32)bytes[2] << 8 | bytes[3];
}

static void
put_u16(GByteArray *out, guint value)
{
    const guint8 bytes[] = {(guint8)(value >> 8), (guint8)value};

    g_byte_array_append(out, bytes, sizeof bytes);
}

static void
put_u32(GByteArray *out, guint32 value)
{
    put_u16(out, value >> 16);
    put_u16(out, value & 0xFFFF);
}

/* ---- VNC authentication ---- */

/* DES with each byte of the key written backwards. There is no single DES any more but in the legacy provider; triple DES
 * with one key three times is the same. */
static gboolean
encrypt(const guint8 key[24], const guint8 *in, guint8 *out)
{
    EVP_CIPHER_CTX *cipher = EVP_CIPHER_CTX_new();
    int length = 0;
    gboolean good = cipher != NULL &&
                    EVP_EncryptInit_ex(cipher, EVP_des_ede3_ecb(), NULL, key, NULL) == 1 &&
                    EVP_CIPHER_CTX_set_padding(cipher, 0) == 1 &&
                    EVP_EncryptUpdate(cipher, out, &length, in, RFB_CHALLENGE_BYTES) == 1 &&
                    length == RFB_CHALLENGE_BYTES;

    EVP_CIPHER_CTX_free(cipher);
    return good;
}

static guint8
reverse(guint8 byte)
{
    guint8 out = 0;

    for (guint i = 0; i < 8; i++)
        out = (guint8)(out | ((byte >> i & 1) << (7 - i)));
    return out;
}

gboolean
rfb_vnc_answer(const char *password,
               const guint8 challenge[RFB_CHALLENGE_BYTES],
               guint8 answer[RFB_CHALLENGE_BYTES],
               GError **error)
{
    guint8 key[24] = {0};
    gboolean good;

    for (guint i = 0; i < RFB_PASSWORD_MOST && password[i] != '\0'; i++)
        key[i] = key[8 + i] = key[16 + i] = reverse((guint8)password[i]);
    good = encrypt(key, challenge, answer);
    OPENSSL_cleanse(key, sizeof key);
    return good || postern_fail(error,
                                POSTERN_ERROR_INTERNAL,
                                "the crypto library does no DES, which VNC authentication needs; "
                                "is it in a restricted (FIPS) mode?");
}

/* ---- versions ---- */

/* "RFB 003.008\n": three digits twice. */
static gboolean
parse_version(const guint8 bytes[RFB_VERSION_BYTES], guint *major, guint *minor)
{
    static const char shape[] = "RFB ddd.ddd\n";
    guint numbers[2] = {0}, at = 0;

    for (guint i = 0; i < RFB_VERSION_BYTES; i++) {
        if (shape[i] == 'd' && g_ascii_isdigit((char)bytes[i]))
            numbers[at] = numbers[at] * 10 + (guint)g_ascii_digit_value((char)bytes[i]);
        else if (shape[i] == 'd' || bytes[i] != (guint8)shape[i])
            return FALSE;
        if (shape[i] == '.')
            at = 1;
    }
    *major = numbers[0];
    *minor = numbers[1];
    return TRUE;
}

static gboolean
read_version(const RfbPeer *peer, guint *major, guint *minor, GError **error)
{
    guint8 bytes[RFB_VERSION_BYTES];

    if (!peer->read(peer->data, bytes, sizeof bytes, error))
        return FALSE;
    return parse_version(bytes, major, minor) ||
           postern_fail(error,
                        POSTERN_ERROR_PROTOCOL,
                        "what came begins with %02x %02x %02x %02x, expected a version such as "
                        "\"RFB 003.008\"",
                        bytes[0],
                        bytes[1],
                        bytes[2],
                        bytes[3]);
}

static gboolean
write_version(const RfbPeer *peer, GError **error)
{
    return peer->write(peer->data, "RFB 003.008\n", RFB_VERSION_BYTES, error);
}

/* ---- as the viewer ---- */

/* A text behind its length, as people may read it; NULL with `error`. */
static char *
read_text(const RfbPeer *peer, const char *what, GError **error)
{
    guint8 length[4];
    guint32 bytes;
    g_autofree char *text = NULL;

    if (!peer->read(peer->data, length, sizeof length, error))
        return NULL;
    bytes = get_u32(length);
    if (bytes > RFB_NAME_MOST) {
        postern_fail(error,
                     POSTERN_ERROR_PROTOCOL,
                     "%s is said to have %u bytes, expected at most %d",
                     what,
                     bytes,
                     RFB_NAME_MOST);
        return NULL;
    }
    text = g_malloc0((gsize)bytes + 1);
    if (bytes > 0 && !peer->read(peer->data, text, bytes, error))
        return NULL;
    return g_utf8_make_valid(text, -1);
}

static gboolean
refused(const RfbPeer *server, PosternError code, const char *what, GError **error)
{
    g_autofree char *reason = read_text(server, "the reason of a refusal", error);

    return reason != NULL &&
           postern_fail(error, code, "%s: %s", what, *reason != '\0' ? reason : "no reason given");
}

/* Which kinds of login the server offers, as bits. */
static gboolean
read_security(const RfbPeer *server, guint32 *kinds, GError **error)
{
    guint8 n, list[255];

    *kinds = 0;
    if (!server->read(server->data, &n, 1, error))
        return FALSE;
    if (n == 0)
        return refused(server, POSTERN_ERROR_CONFLICT, "the RFB server takes no viewer now", error);
    if (!server->read(server->data, list, n, error))
        return FALSE;
    for (guint i = 0; i < n; i++)
        if (list[i] < 32)
            *kinds |= 1U << list[i];
    return TRUE;
}

static gboolean
answer_challenge(const RfbPeer *server, const char *password, GError **error)
{
    guint8 challenge[RFB_CHALLENGE_BYTES], answer[RFB_CHALLENGE_BYTES];
    gboolean good = server->read(server->data, challenge, sizeof challenge, error) &&
                    rfb_vnc_answer(password, challenge, answer, error) &&
                    server->write(server->data, answer, sizeof answer, error);

    OPENSSL_cleanse(answer, sizeof answer);
    return good;
}

gboolean
rfb_login(const RfbPeer *server, const char *password, GError **error)
{
    const guint8 kind = password != NULL ? RFB_SECURITY_VNC : RFB_SECURITY_NONE;
    guint major, minor;
    guint32 kinds;
    guint8 result[4];

    if (!read_version(server, &major, &minor, error))
        return FALSE;
    if (major < 3 || (major == 3 && minor < 8)) /* AMT says 3.8 or, on some releases, 4.0 */
        return postern_fail(error,
                            POSTERN_ERROR_PROTOCOL,
                            "the server speaks RFB %u.%u, expected at least 3.8",
                            major,
                            minor);
    if (!write_version(server, error) || !read_security(server, &kinds, error))
        return FALSE;
    if ((kinds >> kind & 1) == 0)
        return postern_fail(error,
                            POSTERN_ERROR_PROTOCOL,
                            "the RFB server offers no login %s",
                            password != NULL ? "with a VNC password" : "without a password");
    if (!server->write(server->data, &kind, 1, error) ||
        (password != NULL && !answer_challenge(server, password, error)) ||
        !server->read(server->data, result, sizeof result, error))
        return FALSE;
    if (get_u32(result) != 0)
        return refused(server, POSTERN_ERROR_AUTH, "the RFB server refused the login", error);
    return TRUE;
}

gboolean
rfb_read_init(const RfbPeer *server, RfbInit *init, GError **error)
{
    static const guint8 shared = 1;
    guint8 head[20];
    g_autofree char *name = NULL;

    if (!server->write(server->data, &shared, 1, error) ||
        !server->read(server->data, head, sizeof head, error))
        return FALSE;
    name = read_text(server, "the name of the screen", error);
    if (name == NULL)
        return FALSE;
    init->width = (guint)head[0] << 8 | head[1];
    init->height = (guint)head[2] << 8 | head[3];
    init->bits = head[4];
    init->depth = head[5];
    g_utf8_strncpy(init->name, name, sizeof init->name / 6);
    return TRUE;
}

/* ---- as the server ---- */

/* 3.8 says why; before it the viewer only learns that it failed. */
static gboolean
refuse(const RfbPeer *viewer, guint minor, GError **error)
{
    static const char reason[] = "wrong password";
    g_autoptr(GByteArray) out = g_byte_array_new();

    put_u32(out, 1);
    if (minor >= 8) {
        put_u32(out, (guint32)strlen(reason));
        g_byte_array_append(out, (const guint8 *)reason, (guint)strlen(reason));
    }
    return viewer->write(viewer->data, out->data, out->len, error) &&
           postern_fail(error, POSTERN_ERROR_AUTH, "the viewer does not know the password");
}

static gboolean
challenge_viewer(const RfbPeer *viewer, const char *password, guint minor, GError **error)
{
    guint8 challenge[RFB_CHALLENGE_BYTES], wanted[RFB_CHALLENGE_BYTES], found[RFB_CHALLENGE_BYTES];
    gboolean same;

    if (RAND_bytes(challenge, sizeof challenge) != 1)
        return postern_fail(error, POSTERN_ERROR_INTERNAL, "there are no random numbers");
    if (!viewer->write(viewer->data, challenge, sizeof challenge, error) ||
        !viewer->read(viewer->data, found, sizeof found, error) ||
        !rfb_vnc_answer(password, challenge, wanted, error))
        return FALSE;
    same = CRYPTO_memcmp(wanted, found, sizeof wanted) == 0;
    OPENSSL_cleanse(wanted, sizeof wanted);
    return same || refuse(viewer, minor, error);
}

/* Before 3.7 the server says which kind it is; from then on it offers, and the viewer chooses. */
static gboolean
agree_security(const RfbPeer *viewer, guint8 kind, guint minor, GError **error)
{
    const guint8 offer[] = {1, kind}, decision[] = {0, 0, 0, kind};
    guint8 choice;

    if (minor < 7)
        return viewer->write(viewer->data, decision, sizeof decision, error);
    if (!viewer->write(viewer->data, offer, sizeof offer, error) ||
        !viewer->read(viewer->data, &choice, 1, error))
        return FALSE;
    return choice == kind || postern_fail(error,
                                          POSTERN_ERROR_PROTOCOL,
                                          "the viewer chose the kind of login %u, offered was %u",
                                          choice,
                                          kind);
}

gboolean
rfb_welcome(const RfbPeer *viewer, const char *password, GError **error)
{
    static const guint8 fine[4];
    const guint8 kind = password != NULL ? RFB_SECURITY_VNC : RFB_SECURITY_NONE;
    guint major, minor;
    guint8 shared;

    if (!write_version(viewer, error) || !read_version(viewer, &major, &minor, error))
        return FALSE;
    if (major < 3 || (major == 3 && minor < 3))
        return postern_fail(error,
                            POSTERN_ERROR_PROTOCOL,
                            "the viewer speaks RFB %u.%u, expected 3.3, 3.7 or 3.8",
                            major,
                            minor);
    if (major > 3)
        minor = 8;
    if (!agree_security(viewer, kind, minor, error) ||
        (password != NULL && !challenge_viewer(viewer, password, minor, error)))
        return FALSE;
    if ((password != NULL || minor >= 8) && !viewer->write(viewer->data, fine, sizeof fine, error))
        return FALSE;
    return viewer->read(viewer->data, &shared, 1, error);
}

/* ---- messages of a viewer ---- */

enum { SET_FORMAT = 0, SET_ENCODINGS = 2, UPDATE_REQUEST = 3 };

void
rfb_put_format(GByteArray *out, RfbFormat format)
{
    /* bits, depth, little-endian, true colour; largest red, green, blue; their shifts; padding. For greys the firmware
     * wants to be told of red alone. */
    static const guint8 formats[RFB_FORMATS][16] = {
        [RFB_RGB565] = {16, 16, 0, 1, 0, 31, 0, 63, 0, 31, 11, 5, 0},
        [RFB_RGB332] = {8, 8, 0, 1, 0, 7, 0, 7, 0, 3, 5, 2, 0},
        [RFB_GREY8] = {8, 8, 0, 1, 0, 255, 0, 0, 0, 0, 0, 0, 0},
        [RFB_GREY4] = {8, 4, 0, 1, 0, 15, 0, 0, 0, 0, 0, 0, 0},
    };
    static const guint8 head[] = {SET_FORMAT, 0, 0, 0};

    g_byte_array_append(out, head, sizeof head);
    g_byte_array_append(out, formats[format], sizeof formats[format]);
}

void
rfb_put_encodings(GByteArray *out, const gint32 *encodings, guint n)
{
    static const guint8 head[] = {SET_ENCODINGS, 0};

    g_byte_array_append(out, head, sizeof head);
    put_u16(out, n);
    for (guint i = 0; i < n; i++)
        put_u32(out, (guint32)encodings[i]);
}

void
rfb_put_update_request(GByteArray *out, gboolean incremental, guint width, guint height)
{
    const guint8 head[] = {UPDATE_REQUEST, incremental ? 1 : 0, 0, 0, 0, 0};

    g_byte_array_append(out, head, sizeof head);
    put_u16(out, width);
    put_u16(out, height);
}
