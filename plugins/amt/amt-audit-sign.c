/* SPDX-License-Identifier: Apache-2.0 */
/* The signature of an audit log: what a device says of it, and whether it is so. No device is asked here. */
#include "amt-audit.h"

#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/x509.h>
#include <openssl/x509_vfy.h>
#include <string.h>

G_DEFINE_AUTOPTR_CLEANUP_FUNC(X509, X509_free)
G_DEFINE_AUTOPTR_CLEANUP_FUNC(X509_STORE, X509_STORE_free)
G_DEFINE_AUTOPTR_CLEANUP_FUNC(X509_STORE_CTX, X509_STORE_CTX_free)
G_DEFINE_AUTOPTR_CLEANUP_FUNC(EVP_MD_CTX, EVP_MD_CTX_free)

void
amt_audit_signature_free(AmtAuditSignature *signature)
{
    if (signature == NULL)
        return;
    g_free(signature->fqdn);
    g_free(signature->firmware);
    g_clear_pointer(&signature->hash, g_bytes_unref);
    g_clear_pointer(&signature->signature, g_bytes_unref);
    g_ptr_array_unref(signature->certificates);
    g_free(signature);
}

/* ---- what the device says ---- */

/* Bytes of a member, empty when there is none. */
static GBytes *
bytes_of(GVariant *outputs, const char *name)
{
    g_autoptr(GVariant) value = params_value(outputs, name, "ay");
    gsize length = 0;
    gconstpointer bytes = value != NULL ? g_variant_get_fixed_array(value, &length, 1) : NULL;

    return g_bytes_new(bytes, length);
}

static gint64
time_of(GVariant *outputs, const char *name)
{
    const char *text = params_string(outputs, name);
    g_autoptr(GDateTime) time = text != NULL ? g_date_time_new_from_iso8601(text, NULL) : NULL;

    return time != NULL ? g_date_time_to_unix(time) : 0;
}

/* A chain in one piece, and the lengths of its certificates. */
static gboolean
cut_chain(GVariant *outputs, GPtrArray *certificates, GError **error)
{
    g_autoptr(GVariant) lengths = params_value(outputs, "LengthOfCertificates", "au");
    g_autoptr(GBytes) all = bytes_of(outputs, "Certificates");
    gsize at = 0, count = lengths != NULL ? g_variant_n_children(lengths) : 0;

    for (gsize i = 0; i < count && i < AMT_AUDIT_CERTIFICATES_MOST; i++) {
        guint32 length;

        g_variant_get_child(lengths, i, "u", &length);
        if (length == 0 || length > g_bytes_get_size(all) - at)
            break;
        g_ptr_array_add(certificates, g_bytes_new_from_bytes(all, at, length));
        at += length;
    }
    return (certificates->len == count && count > 0 && at == g_bytes_get_size(all)) ||
           postern_fail(error,
                        POSTERN_ERROR_PROTOCOL,
                        "the signature of the audit log came with %" G_GSIZE_FORMAT
                        " bytes of certificates that do not fit "
                        "the %" G_GSIZE_FORMAT " lengths given for them",
                        g_bytes_get_size(all),
                        count);
}

AmtAuditSignature *
amt_audit_signature_read(GVariant *outputs, GError **error)
{
    g_autoptr(AmtAuditSignature) signature = g_new0(AmtAuditSignature, 1);
    g_autoptr(GBytes) uuid = bytes_of(outputs, "UUID");
    const char *fqdn = params_string(outputs, "FQDN");
    const char *firmware = params_string(outputs, "FWVersion");

    signature->certificates = g_ptr_array_new_with_free_func((GDestroyNotify)g_bytes_unref);
    signature->count = params_uint(outputs, "TotalRecordCount", 0);
    signature->mechanism = params_uint(outputs, "SignatureMechanism", 0);
    signature->security_version = params_uint(outputs, "AMTSVN", 0);
    signature->start = time_of(outputs, "StartLogTime");
    signature->end = time_of(outputs, "EndLogTime");
    signature->generated = time_of(outputs, "GenerationTime");
    signature->fqdn = g_strdup(fqdn != NULL ? fqdn : "");
    signature->firmware = g_strdup(firmware != NULL ? firmware : "");
    signature->hash = bytes_of(outputs, "AuditLogHash");
    signature->signature = bytes_of(outputs, "Signature");
    if (g_bytes_get_size(uuid) == sizeof signature->uuid)
        memcpy(signature->uuid, g_bytes_get_data(uuid, NULL), sizeof signature->uuid);
    if (!cut_chain(outputs, signature->certificates, error))
        return NULL;
    return g_steal_pointer(&signature);
}

/* ---- what is signed ---- */

static void
append_u32(GByteArray *out, gint64 number)
{
    guint32 wire = GUINT32_TO_BE((guint32)number);

    g_byte_array_append(out, (const guint8 *)&wire, sizeof wire);
}

static void
append_text(GByteArray *out, const char *text)
{
    guint8 length = (guint8)MIN(strlen(text), 255);

    g_byte_array_append(out, &length, 1);
    g_byte_array_append(out, (const guint8 *)text, length);
}

GByteArray *
amt_audit_signed_bytes(const AmtAuditSignature *signature)
{
    GByteArray *out = g_byte_array_new();
    gsize length;
    const guint8 *hash = g_bytes_get_data(signature->hash, &length);

    append_u32(out, signature->count);
    append_u32(out, signature->start);
    append_u32(out, signature->end);
    append_u32(out, signature->generated);
    g_byte_array_append(out, signature->uuid, sizeof signature->uuid);
    append_text(out, signature->fqdn);
    append_text(out, signature->firmware);
    append_u32(out, signature->security_version);
    if (length > 0)
        g_byte_array_append(out, hash, (guint)length);
    return out;
}

static const EVP_MD *
digest_of(guint32 mechanism)
{
    return mechanism == 0   ? EVP_sha1()
           : mechanism == 1 ? EVP_sha256()
           : mechanism == 2 ? EVP_sha384()
                            : NULL;
}

GBytes *
amt_audit_hash(guint32 mechanism, const GPtrArray *records)
{
    g_autoptr(EVP_MD_CTX) context = EVP_MD_CTX_new();
    guint8 hash[EVP_MAX_MD_SIZE];
    guint length = 0;

    if (digest_of(mechanism) == NULL || EVP_DigestInit_ex(context, digest_of(mechanism), NULL) != 1)
        return NULL;
    for (guint i = 0; i < records->len; i++)
        EVP_DigestUpdate(context,
                         g_bytes_get_data(records->pdata[i], NULL),
                         g_bytes_get_size(records->pdata[i]));
    EVP_DigestFinal_ex(context, hash, &length);
    return g_bytes_new(hash, length);
}

/* ---- whether it is so ---- */

static X509 *
read_certificate(GBytes *der)
{
    gsize length;
    const guint8 *at = g_bytes_get_data(der, &length);

    return d2i_X509(NULL, &at, (long)length);
}

/* The reason of OpenSSL's last error; empties its queue. */
static const char *
why(void)
{
    const char *reason = ERR_reason_error_string(ERR_peek_last_error());

    ERR_clear_error();
    return reason != NULL ? reason : "no reason given";
}

gboolean
amt_audit_check_signature(const AmtAuditSignature *signature, GError **error)
{
    g_autoptr(X509) signer = read_certificate(signature->certificates->pdata[0]);
    g_autoptr(EVP_MD_CTX) context = EVP_MD_CTX_new();
    g_autoptr(GByteArray) message = amt_audit_signed_bytes(signature);
    EVP_PKEY *key = signer != NULL ? X509_get0_pubkey(signer) : NULL;

    if (key == NULL || EVP_PKEY_get_base_id(key) != EVP_PKEY_RSA)
        return postern_fail(error,
                            POSTERN_ERROR_CONFLICT,
                            "the first certificate has no RSA key that can be read: %s",
                            why());
    if (digest_of(signature->mechanism) == NULL)
        return postern_fail(error,
                            POSTERN_ERROR_CONFLICT,
                            "signing mechanism %u is not known, expected 0 to 2",
                            signature->mechanism);
    if (EVP_DigestVerifyInit(context, NULL, digest_of(signature->mechanism), NULL, key) == 1 &&
        EVP_DigestVerify(context,
                         g_bytes_get_data(signature->signature, NULL),
                         g_bytes_get_size(signature->signature),
                         message->data,
                         message->len) == 1) {
        ERR_clear_error();
        return TRUE;
    }
    return postern_fail(error,
                        POSTERN_ERROR_CONFLICT,
                        "the signature is not that of the first certificate's key over the header "
                        "and the hash (%s)",
                        why());
}

static gboolean
add_roots(X509_STORE *store, const AmtAuditSignature *signature, const char *roots, GError **error)
{
    g_autoptr(X509) last = NULL;

    if (roots != NULL)
        return X509_STORE_load_file(store, roots) == 1 ||
               postern_fail(error,
                            POSTERN_ERROR_BAD_PARAM,
                            "cannot read root certificates in PEM from %s: %s",
                            roots,
                            why());
    last = read_certificate(signature->certificates->pdata[signature->certificates->len - 1]);
    return (last != NULL && X509_STORE_add_cert(store, last) == 1) ||
           postern_fail(
               error, POSTERN_ERROR_CONFLICT, "the last certificate cannot be read: %s", why());
}

static gboolean
verify_chain(X509_STORE *store,
             X509 *signer,
             STACK_OF(X509) * others,
             gint64 when,
             gboolean partial,
             GError **error)
{
    g_autoptr(X509_STORE_CTX) context = X509_STORE_CTX_new();
    X509_VERIFY_PARAM *param;
    gboolean good;

    if (X509_STORE_CTX_init(context, store, signer, others) != 1)
        return postern_fail(error, POSTERN_ERROR_INTERNAL, "cannot verify certificates: %s", why());
    param = X509_STORE_CTX_get0_param(context);
    if (when > 0)
        X509_VERIFY_PARAM_set_time(param, (time_t)when);
    if (partial)
        X509_VERIFY_PARAM_set_flags(param, X509_V_FLAG_PARTIAL_CHAIN);
    good = X509_verify_cert(context) == 1;
    ERR_clear_error();
    return good || postern_fail(error,
                                POSTERN_ERROR_CONFLICT,
                                "the chain of certificates does not hold: %s, at certificate %d",
                                X509_verify_cert_error_string(X509_STORE_CTX_get_error(context)),
                                X509_STORE_CTX_get_error_depth(context) + 1);
}

gboolean
amt_audit_check_chain(const AmtAuditSignature *signature, const char *roots, GError **error)
{
    g_autoptr(X509) signer = read_certificate(signature->certificates->pdata[0]);
    g_autoptr(X509_STORE) store = X509_STORE_new();
    STACK_OF(X509) *others = sk_X509_new_null();
    gboolean good = signer != NULL;

    for (guint i = 1; good && i < signature->certificates->len; i++) {
        X509 *one = read_certificate(signature->certificates->pdata[i]);

        good = one != NULL && sk_X509_push(others, one) > 0;
    }
    if (!good)
        postern_fail(error, POSTERN_ERROR_CONFLICT, "a certificate cannot be read: %s", why());
    good = good && add_roots(store, signature, roots, error) &&
           verify_chain(store, signer, others, signature->generated, roots == NULL, error);
    sk_X509_pop_free(others, X509_free);
    return good;
}
