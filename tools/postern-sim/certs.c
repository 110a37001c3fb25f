/* SPDX-License-Identifier: Apache-2.0 */
#include "config.h"

#include "certs.h"

#include <gio/gio.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/x509.h>
#include <openssl/x509v3.h>

/* Old firmware has RSA key exchange and CBC only; OpenSSL allows them below its default security
 * level. */
#define LEGACY_CIPHERS "AES128-SHA:AES256-SHA:DES-CBC3-SHA:ALL:!aNULL:@SECLEVEL=0"
#define MIDDLE_CIPHERS "AES128-SHA:AES256-SHA:AES128-GCM-SHA256:ECDHE+AES:@SECLEVEL=0"
#define MODERN_CIPHERS "ECDHE+AESGCM:ECDHE+AES:AES128-GCM-SHA256:AES256-SHA:AES128-SHA"

enum { YEAR = 365 }; /* days */

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

/* ---- what faults make of a certificate ---- */

typedef struct {
    const char *name; /* a host name; NULL: none, so that whoever checks one finds that it does not
                         fit, as with real devices */
    long from, to;    /* days from now */
    gboolean weak;
} Shape;

static Shape
shape_of(const Device *device)
{
    Shape shape = {NULL, -30, 3650, FALSE};
    const Fault *name;

    if (device == NULL)
        return shape;
    name = device_fault(device, FAULT_CERT_NAME);
    shape.name = name != NULL ? name->text : NULL;
    shape.weak = device_fault(device, FAULT_CERT_WEAK) != NULL;
    if (device_fault(device, FAULT_CERT_EXPIRED) != NULL) {
        shape.from = -2 * YEAR;
        shape.to = -YEAR;
    } else if (device_fault(device, FAULT_CERT_NOT_YET) != NULL) {
        shape.from = YEAR;
        shape.to = 11 * YEAR;
    }
    return shape;
}

/* What differs between two contexts, for the table of those that were made. */
static char *
shape_key(const Model *model, const Shape *shape)
{
    return g_strdup_printf("%s %ld %d %s",
                           model->name,
                           shape->from,
                           shape->weak,
                           shape->name != NULL ? shape->name : "");
}

/* ---- making one ---- */

static gboolean
add_dns_name(X509 *certificate, const char *host)
{
    g_autofree char *text = g_strconcat("DNS:", host, NULL);
    X509_EXTENSION *extension = X509V3_EXT_conf_nid(NULL, NULL, NID_subject_alt_name, text);
    gboolean good = extension != NULL && X509_add_ext(certificate, extension, -1) == 1;

    X509_EXTENSION_free(extension);
    return good;
}

static gboolean
add_names(X509 *certificate, const Model *model, const char *host)
{
    const char *usual = model->tls_ec ? "AMT RCFG" : "Intel(R) AMT";

    return add_name(certificate, "O", "postern-sim") &&
           add_name(certificate, "CN", host != NULL ? host : usual) &&
           X509_set_issuer_name(certificate, X509_get_subject_name(certificate)) == 1 &&
           (host == NULL || add_dns_name(certificate, host));
}

static X509 *
make_certificate(EVP_PKEY *key, const Model *model, const Shape *shape)
{
    X509 *certificate = X509_new();
    gboolean good =
        certificate != NULL && X509_set_version(certificate, 2) == 1 &&
        ASN1_INTEGER_set(X509_get_serialNumber(certificate), 1) == 1 &&
        X509_gmtime_adj(X509_getm_notBefore(certificate), shape->from * 86400L) != NULL &&
        X509_gmtime_adj(X509_getm_notAfter(certificate), shape->to * 86400L) != NULL &&
        X509_set_pubkey(certificate, key) == 1 && add_names(certificate, model, shape->name) &&
        X509_sign(certificate, key, model->tls_ec ? EVP_sha384() : EVP_sha256()) > 0;

    if (good)
        return certificate;
    X509_free(certificate);
    return NULL;
}

static EVP_PKEY *
make_key(const Model *model, const Shape *shape)
{
    if (shape->weak)
        return EVP_RSA_gen(1024);
    return model->tls_ec ? EVP_EC_gen("P-384") : EVP_RSA_gen(2048);
}

static gboolean
set_identity(SSL_CTX *context, const Model *model, const Shape *shape)
{
    EVP_PKEY *key = make_key(model, shape);
    X509 *certificate = key != NULL ? make_certificate(key, model, shape) : NULL;
    gboolean good;

    if (shape->weak)
        SSL_CTX_set_security_level(context, 0); /* or OpenSSL refuses such a key */
    good = certificate != NULL && SSL_CTX_use_certificate(context, certificate) == 1 &&
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

static void
set_manners(SSL_CTX *context)
{
    SSL_CTX_set_mode(context,
                     SSL_MODE_RELEASE_BUFFERS | SSL_MODE_ENABLE_PARTIAL_WRITE |
                         SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER);
    SSL_CTX_set_session_cache_mode(context, SSL_SESS_CACHE_OFF);
    SSL_CTX_set_options(context, SSL_OP_NO_TICKET | SSL_OP_NO_RENEGOTIATION);
    SSL_CTX_set_num_tickets(context, 0);
}

/* Frees `context` unless it is `good`. */
static SSL_CTX *
finish_context(SSL_CTX *context, gboolean good, const Model *model, GError **error)
{
    if (good) {
        set_manners(context);
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

static SSL_CTX *
make_context(const Model *model, gboolean legacy, const Shape *shape, GError **error)
{
    SSL_CTX *context = SSL_CTX_new(TLS_server_method());
    gboolean good = context != NULL && set_versions(context, model, legacy) &&
                    set_identity(context, model, shape);

    return finish_context(context, good, model, error);
}

/* ---- the store ---- */

struct Certs {
    gboolean legacy;
    GHashTable *contexts; /* shape_key() -> SSL_CTX */
};

static void
free_context(gpointer data)
{
    SSL_CTX_free(data);
}

Certs *
certs_new(gboolean legacy)
{
    Certs *certs = g_new0(Certs, 1);

    certs->legacy = legacy;
    certs->contexts = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, free_context);
    return certs;
}

void
certs_free(Certs *certs)
{
    if (certs == NULL)
        return;
    g_hash_table_unref(certs->contexts);
    g_free(certs);
}

SSL_CTX *
certs_context(Certs *certs, const Model *model, const Device *device, GError **error)
{
    Shape shape = shape_of(device);
    g_autofree char *key = shape_key(model, &shape);
    SSL_CTX *context = g_hash_table_lookup(certs->contexts, key);

    if (context != NULL)
        return context;
    context = make_context(model, certs->legacy, &shape, error);
    if (context != NULL)
        g_hash_table_insert(certs->contexts, g_steal_pointer(&key), context);
    return context;
}

SSL_CTX *
certs_own_context(
    Certs *certs, const Model *model, X509 *certificate, EVP_PKEY *key, GError **error)
{
    SSL_CTX *context = SSL_CTX_new(TLS_server_method());
    gboolean good = context != NULL && certificate != NULL && key != NULL &&
                    set_versions(context, model, certs->legacy);

    if (good) {
        /* firmware serves what it was given, however weak */
        SSL_CTX_set_security_level(context, 0);
        good = SSL_CTX_use_certificate(context, certificate) == 1 &&
               SSL_CTX_use_PrivateKey(context, key) == 1;
    }
    return finish_context(context, good, model, error);
}
