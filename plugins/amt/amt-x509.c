/* SPDX-License-Identifier: Apache-2.0 */
#include "amt-x509.h"

#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/x509v3.h>
#include <string.h>

#define REMOTE_CONSOLE "2.16.840.1.113741.1.2.1"

enum { DAY = 86400 };

G_DEFINE_AUTOPTR_CLEANUP_FUNC(X509, X509_free)
G_DEFINE_AUTOPTR_CLEANUP_FUNC(EVP_PKEY, EVP_PKEY_free)

/* ---- small things ---- */

static char *
hex_of(const guint8 *data, gsize length)
{
    GString *text = g_string_sized_new(2 * length);

    for (gsize i = 0; i < length; i++)
        g_string_append_printf(text, "%02x", data[i]);
    return g_string_free(text, FALSE);
}

static char *
sha256_of(const guint8 *data, gsize length)
{
    return g_compute_checksum_for_data(G_CHECKSUM_SHA256, data, length);
}

/* What a device made up stays printable. */
static char *
name_text(const X509_NAME *name)
{
    BIO *memory = BIO_new(BIO_s_mem());
    char *bytes = NULL, *text;
    long length;

    X509_NAME_print_ex(memory, name, 0, XN_FLAG_RFC2253 & ~ASN1_STRFLGS_ESC_MSB);
    length = BIO_get_mem_data(memory, &bytes);
    text = length > 0 ? g_utf8_make_valid(bytes, length) : g_strdup("");
    BIO_free(memory);
    return text;
}

static gint64
seconds_of(const ASN1_TIME *time)
{
    struct tm parts;
    g_autoptr(GDateTime) when = NULL;

    if (ASN1_TIME_to_tm(time, &parts) != 1)
        return 0;
    when = g_date_time_new_utc(parts.tm_year + 1900,
                               parts.tm_mon + 1,
                               parts.tm_mday,
                               parts.tm_hour,
                               parts.tm_min,
                               MIN(parts.tm_sec, 59));
    return when != NULL ? g_date_time_to_unix(when) : 0;
}

static const char *
kind_of(const EVP_PKEY *key)
{
    switch (EVP_PKEY_get_base_id(key)) {
    case EVP_PKEY_RSA:
        return "rsa";
    case EVP_PKEY_EC:
        return "ec";
    default:
        return "other";
    }
}

static char *
key_id_of(const EVP_PKEY *key)
{
    guchar *der = NULL;
    int length = i2d_PUBKEY(key, &der);
    char *id = length > 0 ? sha256_of(der, (gsize)length) : NULL;

    OPENSSL_free(der);
    return id;
}

static char *
serial_of(const X509 *certificate)
{
    const ASN1_INTEGER *serial = X509_get0_serialNumber(certificate);

    return hex_of(ASN1_STRING_get0_data(serial), (gsize)ASN1_STRING_length(serial));
}

static char *
hash_of(X509 *certificate)
{
    int digest = NID_undef;

    if (X509_get_signature_info(certificate, &digest, NULL, NULL, NULL) != 1 || digest == NID_undef)
        return NULL;
    return g_ascii_strdown(OBJ_nid2sn(digest), -1);
}

static char *
common_name_of(const X509 *certificate)
{
    char name[256];
    int length = X509_NAME_get_text_by_NID(
        X509_get_subject_name(certificate), NID_commonName, name, sizeof name);

    return length > 0 ? g_utf8_make_valid(name, length) : NULL;
}

static gboolean
is_for_console(X509 *certificate)
{
    EXTENDED_KEY_USAGE *usage = X509_get_ext_d2i(certificate, NID_ext_key_usage, NULL, NULL);
    gboolean client = FALSE, console = FALSE;
    char text[64];

    for (int i = 0; usage != NULL && i < sk_ASN1_OBJECT_num(usage); i++) {
        const ASN1_OBJECT *one = sk_ASN1_OBJECT_value(usage, i);
        client |= OBJ_obj2nid(one) == NID_client_auth;
        console |= OBJ_obj2txt(text, sizeof text, one, 1) > 0 && g_str_equal(text, REMOTE_CONSOLE);
    }
    EXTENDED_KEY_USAGE_free(usage);
    return client && console;
}

/* ---- certificates ---- */

static X509 *
decode(const guint8 *data, gsize length)
{
    const guint8 *at = data;
    X509 *certificate;

    if (length == 0 || length > AMT_X509_MOST)
        return NULL;
    certificate = d2i_X509(NULL, &at, (long)length);
    if (certificate != NULL && at != data + length)
        g_clear_pointer(&certificate, X509_free);
    ERR_clear_error();
    return certificate;
}

static X509 *
decode_bytes(GBytes *der)
{
    gsize length = 0;
    const guint8 *data = g_bytes_get_data(der, &length);

    return decode(data, length);
}

static AmtX509 *
describe(X509 *certificate, GBytes *der)
{
    EVP_PKEY *key = X509_get0_pubkey(certificate);
    AmtX509 *x509 = g_new0(AmtX509, 1);

    x509->der = g_bytes_ref(der);
    x509->subject = name_text(X509_get_subject_name(certificate));
    x509->issuer = name_text(X509_get_issuer_name(certificate));
    x509->serial = serial_of(certificate);
    x509->sha256 = sha256_of(g_bytes_get_data(der, NULL), g_bytes_get_size(der));
    x509->hash = hash_of(certificate);
    x509->key = key != NULL ? kind_of(key) : "other";
    x509->key_id = key != NULL ? key_id_of(key) : NULL;
    x509->key_bits = key != NULL ? (guint32)MAX(EVP_PKEY_get_bits(key), 0) : 0;
    x509->not_before = seconds_of(X509_get0_notBefore(certificate));
    x509->not_after = seconds_of(X509_get0_notAfter(certificate));
    x509->self_signed = X509_self_signed(certificate, 0) == 1;
    x509->ca = X509_check_ca(certificate) > 0;
    x509->common_name = common_name_of(certificate);
    x509->for_console = is_for_console(certificate);
    ERR_clear_error();
    return x509;
}

AmtX509 *
amt_x509_read(const guint8 *data, gsize length, GError **error)
{
    g_autoptr(X509) certificate = decode(data, length);
    g_autoptr(GBytes) der = NULL;

    if (certificate == NULL) {
        postern_fail(error,
                     POSTERN_ERROR_PROTOCOL,
                     "%" G_GSIZE_FORMAT " bytes are no certificate, expected DER of X.509",
                     length);
        return NULL;
    }
    der = g_bytes_new(data, length);
    return describe(certificate, der);
}

void
amt_x509_free(AmtX509 *x509)
{
    if (x509 == NULL)
        return;
    g_bytes_unref(x509->der);
    g_free(x509->subject);
    g_free(x509->issuer);
    g_free(x509->serial);
    g_free(x509->sha256);
    g_free(x509->hash);
    g_free(x509->key_id);
    g_free(x509->common_name);
    g_free(x509);
}

gint64
amt_x509_days_left(const AmtX509 *x509)
{
    gint64 seconds = x509->not_after - g_get_real_time() / G_USEC_PER_SEC;

    return seconds >= 0 ? seconds / DAY : -((DAY - 1 - seconds) / DAY);
}

gboolean
amt_x509_issued_by(const AmtX509 *x509, const AmtX509 *issuer)
{
    g_autoptr(X509) child = decode_bytes(x509->der);
    g_autoptr(X509) parent = decode_bytes(issuer->der);
    EVP_PKEY *key = X509_get0_pubkey(parent);
    gboolean fine =
        X509_NAME_cmp(X509_get_issuer_name(child), X509_get_subject_name(parent)) == 0 &&
        key != NULL && X509_verify(child, key) == 1;

    ERR_clear_error();
    return fine;
}

static void
free_x509(gpointer data)
{
    amt_x509_free(data);
}

static void
take_encoded(GPtrArray *all, const X509 *certificate)
{
    guchar *bytes = NULL;
    int size = i2d_X509(certificate, &bytes);
    AmtX509 *x509 = size > 0 ? amt_x509_read(bytes, (gsize)size, NULL) : NULL;

    OPENSSL_free(bytes);
    if (x509 != NULL)
        g_ptr_array_add(all, x509);
}

/* A certificate has no password; without this OpenSSL would ask whoever is at the terminal for it. */
static int
give_nothing(char *buffer, int size, int writing, void *data)
{
    return -1;
}

GPtrArray *
amt_x509_read_all(GBytes *content)
{
    gsize length = 0;
    const guint8 *data = g_bytes_get_data(content, &length);
    GPtrArray *all = g_ptr_array_new_with_free_func(free_x509);
    AmtX509 *only = amt_x509_read(data, length, NULL);
    BIO *memory = BIO_new_mem_buf(data, (int)length);
    X509 *one;

    if (only != NULL)
        g_ptr_array_add(all, only);
    while (only == NULL && (one = PEM_read_bio_X509(memory, NULL, give_nothing, NULL)) != NULL) {
        take_encoded(all, one);
        X509_free(one);
    }
    ERR_clear_error();
    BIO_free(memory);
    return all;
}

AmtX509 *
amt_x509_read_file(GBytes *content, const char *path, GError **error)
{
    g_autoptr(GPtrArray) all = amt_x509_read_all(content);

    if (all->len == 1)
        return g_ptr_array_steal_index(all, 0);
    postern_fail(error,
                 POSTERN_ERROR_BAD_PARAM,
                 "%s holds %u certificates, expected one, in PEM or DER, of at most %d bytes",
                 path,
                 all->len,
                 AMT_X509_MOST);
    return NULL;
}

/* ---- public keys ---- */

static EVP_PKEY *
decode_key(const guint8 *data, gsize length)
{
    const guint8 *at = data;
    EVP_PKEY *key;

    if (length == 0 || length > AMT_X509_MOST)
        return NULL;
    key = d2i_PublicKey(EVP_PKEY_RSA, NULL, &at, (long)length);
    if (key == NULL) {
        at = data;
        key = d2i_PUBKEY(NULL, &at, (long)length);
    }
    if (key != NULL && at != data + length)
        g_clear_pointer(&key, EVP_PKEY_free);
    ERR_clear_error();
    return key;
}

gboolean
amt_public_key_read(AmtPublicKey *key, const guint8 *data, gsize length, GError **error)
{
    g_autoptr(EVP_PKEY) decoded = decode_key(data, length);
    g_autoptr(GBytes) der = NULL;
    guchar *bytes = NULL;
    int size;

    memset(key, 0, sizeof *key);
    if (decoded == NULL)
        return postern_fail(error,
                            POSTERN_ERROR_PROTOCOL,
                            "%" G_GSIZE_FORMAT
                            " bytes are no public key, expected DER of PKCS#1 or "
                            "SubjectPublicKeyInfo",
                            length);
    size = i2d_PUBKEY(decoded, &bytes);
    der = g_bytes_new(bytes, size > 0 ? (gsize)size : 0);
    OPENSSL_free(bytes);
    key->kind = kind_of(decoded);
    key->id = key_id_of(decoded);
    key->bits = (guint32)MAX(EVP_PKEY_get_bits(decoded), 0);
    key->pem = amt_pem("PUBLIC KEY", der);
    return TRUE;
}

void
amt_public_key_clear(AmtPublicKey *key)
{
    g_free(key->id);
    g_free(key->pem);
    memset(key, 0, sizeof *key);
}

/* ---- requests ---- */

static gboolean
add_entry(X509_NAME *name, const char *kind, const char *value)
{
    return value == NULL ||
           X509_NAME_add_entry_by_txt(
               name, kind, MBSTRING_UTF8, (const unsigned char *)value, -1, -1, 0) == 1;
}

static GENERAL_NAMES *
dns_names(const char *common_name, const char *const *names)
{
    const char *const only[] = {common_name, NULL};
    GENERAL_NAMES *all = sk_GENERAL_NAME_new_null();

    for (const char *const *at = names != NULL && names[0] != NULL ? names : only; *at != NULL;
         at++) {
        GENERAL_NAME *one = GENERAL_NAME_new();
        ASN1_IA5STRING *text = ASN1_IA5STRING_new();

        ASN1_STRING_set(text, *at, -1);
        GENERAL_NAME_set0_value(one, GEN_DNS, text);
        sk_GENERAL_NAME_push(all, one);
    }
    return all;
}

static gboolean
add_names(X509_REQ *request, const char *common_name, const char *const *names)
{
    GENERAL_NAMES *all = dns_names(common_name, names);
    X509_EXTENSION *extension = X509V3_EXT_i2d(NID_subject_alt_name, 0, all);
    X509_EXTENSIONS *extensions = sk_X509_EXTENSION_new_null();
    gboolean fine;

    sk_X509_EXTENSION_push(extensions, extension);
    fine = X509_REQ_add_extensions(request, extensions) == 1;
    sk_X509_EXTENSION_pop_free(extensions, X509_EXTENSION_free);
    GENERAL_NAMES_free(all);
    return fine;
}

/* What stands in the place of a signature until the device has made one. */
static gboolean
sign_with_nothing(X509_REQ *request)
{
    X509_ALGOR *algorithm = X509_ALGOR_new();
    ASN1_BIT_STRING *signature = ASN1_BIT_STRING_new();
    gboolean fine;

    X509_ALGOR_set0(algorithm, OBJ_nid2obj(NID_sha256WithRSAEncryption), V_ASN1_NULL, NULL);
    fine = X509_REQ_set1_signature_algo(request, algorithm) == 1;
    X509_REQ_set0_signature(request, signature); /* takes it */
    X509_ALGOR_free(algorithm);
    return fine;
}

static GBytes *
encode_request(const X509_REQ *request)
{
    guchar *der = NULL;
    int length = i2d_X509_REQ(request, &der);
    GBytes *bytes = length > 0 ? g_bytes_new(der, (gsize)length) : NULL;

    OPENSSL_free(der);
    return bytes;
}

GBytes *
amt_request_make(GBytes *public_key,
                 const char *common_name,
                 const char *organization,
                 const char *const *names,
                 GError **error)
{
    g_autoptr(EVP_PKEY) key =
        decode_key(g_bytes_get_data(public_key, NULL), g_bytes_get_size(public_key));
    X509_REQ *request = X509_REQ_new();
    GBytes *bytes = NULL;

    if (key != NULL && X509_REQ_set_pubkey(request, key) == 1 &&
        add_entry(X509_REQ_get_subject_name(request), "O", organization) &&
        add_entry(X509_REQ_get_subject_name(request), "CN", common_name) &&
        add_names(request, common_name, names) && sign_with_nothing(request))
        bytes = encode_request(request);
    X509_REQ_free(request);
    ERR_clear_error();
    if (bytes == NULL)
        postern_fail(error,
                     POSTERN_ERROR_BAD_PARAM,
                     "cannot make a certificate request for '%s': a common name has at most 64 "
                     "characters",
                     common_name);
    return bytes;
}

static X509_REQ *
decode_request(GBytes *request)
{
    gsize length = 0;
    const guint8 *data = g_bytes_get_data(request, &length);

    return length <= AMT_X509_MOST ? d2i_X509_REQ(NULL, &data, (long)length) : NULL;
}

gboolean
amt_request_check(GBytes *request, const AmtPublicKey *key, GError **error)
{
    X509_REQ *decoded = decode_request(request);
    EVP_PKEY *there = decoded != NULL ? X509_REQ_get0_pubkey(decoded) : NULL;
    g_autofree char *id = there != NULL ? key_id_of(there) : NULL;
    gboolean same = id != NULL && g_strcmp0(id, key->id) == 0;
    gboolean is_signed = same && X509_REQ_verify(decoded, there) == 1;

    X509_REQ_free(decoded);
    ERR_clear_error();
    if (is_signed)
        return TRUE;
    return postern_fail(error,
                        POSTERN_ERROR_PROTOCOL,
                        "what the device gave back is no certificate request %s",
                        there == NULL ? "at all"
                        : same        ? "with a right signature"
                                      : "for the key that was named");
}

char *
amt_pem(const char *label, GBytes *der)
{
    g_autofree char *text = g_base64_encode(g_bytes_get_data(der, NULL), g_bytes_get_size(der));
    GString *pem = g_string_new(NULL);
    gsize length = strlen(text);

    g_string_append_printf(pem, "-----BEGIN %s-----\n", label);
    for (gsize i = 0; i < length; i += 64)
        g_string_append_printf(pem, "%.64s\n", text + i);
    g_string_append_printf(pem, "-----END %s-----\n", label);
    return g_string_free(pem, FALSE);
}
