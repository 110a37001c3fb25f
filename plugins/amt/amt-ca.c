/* SPDX-License-Identifier: Apache-2.0 */
/* A certification authority from two files, that signs what devices request. */
#include "amt-x509.h"

#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/rand.h>
#include <openssl/x509v3.h>
#include <string.h>

enum { SERIAL_BYTES = 16, BACKDATED = 3600 /* clocks of devices differ */ };

struct AmtCa {
    AmtX509 *described;
    X509 *certificate;
    EVP_PKEY *key;
};

void
amt_ca_free(AmtCa *ca)
{
    if (ca == NULL)
        return;
    amt_x509_free(ca->described);
    X509_free(ca->certificate);
    EVP_PKEY_free(ca->key);
    g_free(ca);
}

const AmtX509 *
amt_ca_certificate(const AmtCa *ca)
{
    return ca->described;
}

/* OpenSSL asks the terminal unless it is told. */
static int
give_password(char *buffer, int size, int writing, void *data)
{
    const char *password = data;
    gsize length = password != NULL ? strlen(password) : 0;

    if (length == 0 || length > (gsize)size)
        return 0;
    memcpy(buffer, password, length);
    return (int)length;
}

static EVP_PKEY *
read_key(GBytes *content, const char *password)
{
    gsize length = 0;
    const void *data = g_bytes_get_data(content, &length);
    BIO *memory = BIO_new_mem_buf(data, (int)length);
    EVP_PKEY *key = PEM_read_bio_PrivateKey(memory, NULL, give_password, (void *)(gsize)password);

    BIO_free(memory);
    ERR_clear_error();
    return key;
}

static gboolean
check(const AmtCa *ca, const char *path, const char *key_path, gint64 now, GError **error)
{
    if (ca->key == NULL)
        return postern_fail(
            error,
            POSTERN_ERROR_BAD_PARAM,
            "cannot read a private key from %s, expected PEM; if it has a password, "
            "give it as ca-key-password",
            key_path);
    if (X509_check_private_key(ca->certificate, ca->key) != 1) {
        ERR_clear_error();
        return postern_fail(error,
                            POSTERN_ERROR_BAD_PARAM,
                            "the key in %s is not that of the certificate in %s",
                            key_path,
                            path);
    }
    if (!ca->described->ca)
        return postern_fail(error,
                            POSTERN_ERROR_BAD_PARAM,
                            "the certificate in %s (%s) is not that of a certification authority",
                            path,
                            ca->described->subject);
    if (ca->described->not_before > now || ca->described->not_after < now)
        return postern_fail(error,
                            POSTERN_ERROR_BAD_PARAM,
                            "the certificate in %s (%s) is %s",
                            path,
                            ca->described->subject,
                            ca->described->not_after < now ? "expired" : "not valid yet");
    return TRUE;
}

AmtCa *
amt_ca_new(GBytes *certificate,
           const char *certificate_path,
           GBytes *key,
           const char *key_path,
           const char *password,
           gint64 now,
           GError **error)
{
    g_autoptr(AmtCa) ca = g_new0(AmtCa, 1);
    const guint8 *at;

    ca->described = amt_x509_read_file(certificate, certificate_path, error);
    if (ca->described == NULL)
        return NULL;
    at = g_bytes_get_data(ca->described->der, NULL);
    ca->certificate = d2i_X509(NULL, &at, (long)g_bytes_get_size(ca->described->der));
    ca->key = read_key(key, password);
    return check(ca, certificate_path, key_path, now, error) ? g_steal_pointer(&ca) : NULL;
}

/* ---- issuing ---- */

static gboolean
add_extension(X509 *certificate, const X509 *issuer, int nid, const char *value)
{
    X509V3_CTX context;
    X509_EXTENSION *extension;
    gboolean fine;

    X509V3_set_ctx(&context, (X509 *)(gsize)issuer, certificate, NULL, NULL, 0);
    extension = X509V3_EXT_conf_nid(NULL, &context, nid, value);
    fine = extension != NULL && X509_add_ext(certificate, extension, -1) == 1;
    X509_EXTENSION_free(extension);
    return fine;
}

/* Only the names: what else a device might ask for is not ours to grant. */
static gboolean
copy_names(X509 *certificate, X509_REQ *request)
{
    X509_EXTENSIONS *all = X509_REQ_get_extensions(request);
    int place = X509v3_get_ext_by_NID(all, NID_subject_alt_name, -1);
    gboolean fine = place < 0 || X509_add_ext(certificate, X509v3_get_ext(all, place), -1) == 1;

    sk_X509_EXTENSION_pop_free(all, X509_EXTENSION_free);
    return fine;
}

static gboolean
set_serial(X509 *certificate)
{
    guint8 bytes[SERIAL_BYTES];
    BIGNUM *number;
    gboolean fine;

    if (RAND_bytes(bytes, sizeof bytes) != 1)
        return FALSE;
    bytes[0] = (bytes[0] & 0x7F) | 0x40; /* positive, and always as long */
    number = BN_bin2bn(bytes, sizeof bytes, NULL);
    fine = BN_to_ASN1_INTEGER(number, X509_get_serialNumber(certificate)) != NULL;
    BN_free(number);
    return fine;
}

/* Not longer than the CA itself. */
static gboolean
set_times(X509 *certificate, const AmtX509 *ca, guint32 days, gint64 now)
{
    gint64 begins = MAX(now - BACKDATED, ca->not_before);
    gint64 ends = MIN(now + (gint64)days * 86400, ca->not_after);

    return ASN1_TIME_set(X509_getm_notBefore(certificate), begins) != NULL &&
           ASN1_TIME_set(X509_getm_notAfter(certificate), ends) != NULL;
}

static gboolean
fill_in(X509 *certificate,
        const AmtCa *ca,
        X509_REQ *request,
        guint32 days,
        gboolean client,
        gint64 now)
{
    return X509_set_version(certificate, 2) == 1 && set_serial(certificate) &&
           set_times(certificate, ca->described, days, now) &&
           X509_set_subject_name(certificate, X509_REQ_get_subject_name(request)) == 1 &&
           X509_set_issuer_name(certificate, X509_get_subject_name(ca->certificate)) == 1 &&
           X509_set_pubkey(certificate, X509_REQ_get0_pubkey(request)) == 1 &&
           add_extension(
               certificate, ca->certificate, NID_basic_constraints, "critical,CA:FALSE") &&
           add_extension(certificate,
                         ca->certificate,
                         NID_key_usage,
                         "critical,digitalSignature,keyEncipherment") &&
           add_extension(certificate,
                         ca->certificate,
                         NID_ext_key_usage,
                         client ? "serverAuth,clientAuth" : "serverAuth") &&
           copy_names(certificate, request);
}

GBytes *
amt_ca_issue(
    const AmtCa *ca, GBytes *request, guint32 days, gboolean client, gint64 now, GError **error)
{
    gsize length = 0;
    const guint8 *at = g_bytes_get_data(request, &length);
    X509_REQ *decoded = d2i_X509_REQ(NULL, &at, (long)length);
    X509 *certificate = X509_new();
    GBytes *bytes = NULL;
    guchar *der = NULL;

    if (decoded != NULL && fill_in(certificate, ca, decoded, days, client, now) &&
        X509_sign(certificate, ca->key, EVP_sha256()) > 0) {
        int size = i2d_X509(certificate, &der);
        bytes = size > 0 ? g_bytes_new(der, (gsize)size) : NULL;
    }
    OPENSSL_free(der);
    X509_free(certificate);
    X509_REQ_free(decoded);
    ERR_clear_error();
    if (bytes == NULL)
        postern_fail(
            error,
            POSTERN_ERROR_INTERNAL,
            "cannot sign a certificate with %s: its key may be of a kind that does not sign "
            "with SHA-256",
            ca->described->subject);
    return bytes;
}
