/* SPDX-License-Identifier: Apache-2.0 */
#include "config.h"

#include "certs.h"

#include <gio/gio.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/x509.h>

/* Old firmware has RSA key exchange and CBC only; OpenSSL allows them below its default security
 * level. */
#define LEGACY_CIPHERS "AES128-SHA:AES256-SHA:DES-CBC3-SHA:ALL:!aNULL:@SECLEVEL=0"
#define MIDDLE_CIPHERS "AES128-SHA:AES256-SHA:AES128-GCM-SHA256:ECDHE+AES:@SECLEVEL=0"
#define MODERN_CIPHERS "ECDHE+AESGCM:ECDHE+AES:AES128-GCM-SHA256:AES256-SHA:AES128-SHA"

char *
certs_why(void)
{
    unsigned long code = ERR_peek_last_error();
    const char *reason = code != 0 ? ERR_reason_error_string(code) : NULL;

    ERR_clear_error();
    return g_strdup(reason != NULL ? reason : "no reason given");
}

static gboolean
add_name(X509 *certificate, const char *key, const char *value)
{
    X509_NAME *name = X509_get_subject_name(certificate);

    return X509_NAME_add_entry_by_txt(
               name, key, MBSTRING_ASC, (const unsigned char *)value, -1, -1, 0) == 1;
}

/* No host name: whoever checks one finds that it does not fit, as with real devices. */
static X509 *
make_certificate(EVP_PKEY *key, const Model *model)
{
    X509 *certificate = X509_new();
    gboolean good = certificate != NULL && X509_set_version(certificate, 2) == 1 &&
                    ASN1_INTEGER_set(X509_get_serialNumber(certificate), 1) == 1 &&
                    X509_gmtime_adj(X509_getm_notBefore(certificate), -86400L * 30) != NULL &&
                    X509_gmtime_adj(X509_getm_notAfter(certificate), 86400L * 3650) != NULL &&
                    X509_set_pubkey(certificate, key) == 1 &&
                    add_name(certificate, "O", "postern-sim") &&
                    add_name(certificate, "CN", model->tls_ec ? "AMT RCFG" : "Intel(R) AMT") &&
                    X509_set_issuer_name(certificate, X509_get_subject_name(certificate)) == 1 &&
                    X509_sign(certificate, key, model->tls_ec ? EVP_sha384() : EVP_sha256()) > 0;

    if (good)
        return certificate;
    X509_free(certificate);
    return NULL;
}

static gboolean
set_identity(SSL_CTX *context, const Model *model)
{
    EVP_PKEY *key = model->tls_ec ? EVP_EC_gen("P-384") : EVP_RSA_gen(2048);
    X509 *certificate = key != NULL ? make_certificate(key, model) : NULL;
    gboolean good = certificate != NULL && SSL_CTX_use_certificate(context, certificate) == 1 &&
                    SSL_CTX_use_PrivateKey(context, key) == 1;

    X509_free(certificate);
    EVP_PKEY_free(key);
    return good;
}

static gboolean
set_versions(SSL_CTX *context, const Model *model, gboolean legacy)
{
    const char *ciphers = MODERN_CIPHERS;

    if (legacy || model->tls_legacy)
        ciphers = LEGACY_CIPHERS;
    else if (model->tls_min < TLS1_2_VERSION)
        ciphers = MIDDLE_CIPHERS;
    return SSL_CTX_set_min_proto_version(context, legacy ? TLS1_VERSION : model->tls_min) == 1 &&
           SSL_CTX_set_max_proto_version(context, legacy ? TLS1_1_VERSION : model->tls_max) == 1 &&
           SSL_CTX_set_cipher_list(context, ciphers) == 1;
}

SSL_CTX *
certs_context(const Model *model, gboolean legacy, GError **error)
{
    SSL_CTX *context = SSL_CTX_new(TLS_server_method());

    if (context != NULL && set_versions(context, model, legacy) && set_identity(context, model)) {
        SSL_CTX_set_mode(context,
                         SSL_MODE_RELEASE_BUFFERS | SSL_MODE_ENABLE_PARTIAL_WRITE |
                             SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER);
        SSL_CTX_set_session_cache_mode(context, SSL_SESS_CACHE_OFF);
        SSL_CTX_set_options(context, SSL_OP_NO_TICKET | SSL_OP_NO_RENEGOTIATION);
        SSL_CTX_set_num_tickets(context, 0);
        return context;
    }
    g_autofree char *why = certs_why();
    g_set_error(error,
                G_IO_ERROR,
                G_IO_ERROR_FAILED,
                "cannot set up TLS for model %s: %s",
                model->name,
                why);
    SSL_CTX_free(context);
    return NULL;
}
