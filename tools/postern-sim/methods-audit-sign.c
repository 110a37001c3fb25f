/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The audit log's signature. What exactly is signed is not known from a real device: this follows "What is signed" of
 * plugins/amt/README.md to the byte, and shares no code with the client.
 */
#include "config.h"

#include "audit.h"
#include "logs.h"
#include "methods.h"

#include <openssl/err.h>
#include <openssl/x509.h>
#include <string.h>

enum { KEY_BITS = 2048, EXPORTED = 4, SECURITY_VERSION = 1 };

static const EVP_MD *
digest_of(guint64 mechanism)
{
    return mechanism == 0   ? EVP_sha1()
           : mechanism == 1 ? EVP_sha256()
           : mechanism == 2 ? EVP_sha384()
                            : NULL;
}

/* ---- the key ---- */

/* Base64 of a parameter; empty when it is none. */
static GByteArray *
read_bytes(const Call *call, const char *name)
{
    g_autofree char *text = call_text(call, name);
    gsize length = 0;
    guint8 *bytes = g_base64_decode(text, &length);

    return g_byte_array_new_take(bytes, length);
}

/* A chain in one piece, cut by LengthOfCertificates; NULL: it does not fit together, or holds no certificates. */
static GPtrArray *
read_certificates(const Call *call)
{
    g_autoptr(GPtrArray) chain = g_ptr_array_new_with_free_func((GDestroyNotify)g_bytes_unref);
    g_autoptr(GByteArray) all = read_bytes(call, "Certificates");
    gsize at = 0;

    for (const xmlNode *node = call->input->children; node != NULL; node = node->next) {
        g_autofree char *text = g_strstrip(xml_text(node));
        const guint8 *der = all->data + at;
        guint64 length;
        X509 *certificate;

        if (node->type != XML_ELEMENT_NODE || !g_str_equal(node->name, "LengthOfCertificates"))
            continue;
        if (!g_ascii_string_to_unsigned(text, 10, 1, all->len - at, &length, NULL))
            return NULL;
        g_ptr_array_add(chain, g_bytes_new(der, length));
        certificate = d2i_X509(NULL, &der, (long)length);
        if (certificate == NULL)
            return NULL;
        X509_free(certificate);
        at += length;
    }
    return at == all->len && at <= AUDIT_CERTIFICATES_BYTES && chain->len > 0 &&
                   chain->len <= AUDIT_CERTIFICATES_MOST
               ? g_steal_pointer(&chain)
               : NULL;
}

static gboolean
fits_key(GBytes *certificate, const EVP_PKEY *key)
{
    gsize length;
    const guint8 *der = g_bytes_get_data(certificate, &length);
    X509 *read = d2i_X509(NULL, &der, (long)length);
    gboolean fits = read != NULL && X509_check_private_key(read, key) == 1;

    X509_free(read);
    return fits;
}

static guint
set_signing_key(Call *call)
{
    DeviceAudit *audit = audit_of(call->device);
    g_autoptr(GByteArray) der = read_bytes(call, "SigningKey");
    g_autoptr(GPtrArray) chain = read_certificates(call);
    const guint8 *at = der->data;
    EVP_PKEY *key = d2i_PrivateKey(EVP_PKEY_RSA, NULL, &at, (long)der->len);
    guint result = key == NULL || EVP_PKEY_get_bits(key) != KEY_BITS ? PT_INVALID_KEY
                   : chain == NULL                                   ? PT_INVALID_CERTIFICATE
                   : !fits_key(chain->pdata[0], key)                 ? PT_NOT_THE_KEY
                                                                     : DONE;

    ERR_clear_error();
    if (result != DONE) {
        EVP_PKEY_free(key);
        return result;
    }
    EVP_PKEY_free(audit->key);
    audit->key = key;
    g_ptr_array_unref(audit->certificates);
    audit->certificates = g_steal_pointer(&chain);
    return DONE;
}

/* ---- the signature ---- */

typedef struct {
    guint32 count;
    gint64 start, end, generated;
    guint8 uuid[16];
    char *fqdn;
    guint8 hash[EVP_MAX_MD_SIZE];
    guint hash_length;
} Export;

static void
hash_records(const DeviceAudit *audit, const EVP_MD *digest, Export *export)
{
    EVP_MD_CTX *context = EVP_MD_CTX_new();

    EVP_DigestInit_ex(context, digest, NULL);
    for (guint i = 0; i < audit->records->len; i++) {
        gsize length;
        const guint8 *bytes = g_bytes_get_data(audit->records->pdata[i], &length);
        EVP_DigestUpdate(context, bytes, length);
    }
    EVP_DigestFinal_ex(context, export->hash, &export->hash_length);
    EVP_MD_CTX_free(context);
}

static void
describe(Device *device, const EVP_MD *digest, Export *export)
{
    const DeviceAudit *audit = audit_of(device);
    const SimInstance *general = device_first(device, "AMT_GeneralSettings");
    g_autofree char *host = general != NULL ? device_property(device, general, "HostName") : NULL;
    g_autofree char *domain =
        general != NULL ? device_property(device, general, "DomainName") : NULL;

    export->count = audit->records->len;
    export->generated = device_clock(device);
    if (export->count > 0) {
        export->start = audit_time(audit->records->pdata[0]);
        export->end = audit_time(audit->records->pdata[export->count - 1]);
    }
    device_uuid(device, export->uuid);
    export->fqdn = g_strdup_printf("%s.%s", host != NULL ? host : "", domain != NULL ? domain : "");
    hash_records(audit, digest, export);
}

static void
append_number(GByteArray *out, gint64 number)
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

static GByteArray *
signed_bytes(const Device *device, const Export *export)
{
    GByteArray *out = g_byte_array_new();

    append_number(out, export->count);
    append_number(out, export->start);
    append_number(out, export->end);
    append_number(out, export->generated);
    g_byte_array_append(out, export->uuid, sizeof export->uuid);
    append_text(out, export->fqdn);
    append_text(out, device->model->firmware);
    append_number(out, SECURITY_VERSION);
    g_byte_array_append(out, export->hash, export->hash_length);
    return out;
}

static void
append_base64(GString *out, const char *name, const guint8 *bytes, gsize length)
{
    g_autofree char *text = g_base64_encode(bytes, length);

    g_string_append_printf(out, "<g:%s>%s</g:%s>", name, text, name);
}

static void
append_when(GString *out, const char *name, gint64 time)
{
    g_string_append_printf(out, "<g:%s><h:Datetime>", name);
    audit_append_time(time, out);
    g_string_append_printf(out, "</h:Datetime></g:%s>", name);
}

static void
append_chain(const DeviceAudit *audit, GString *out)
{
    g_autoptr(GByteArray) all = g_byte_array_new();

    for (guint i = 0; i < audit->certificates->len; i++) {
        gsize length;
        const guint8 *der = g_bytes_get_data(audit->certificates->pdata[i], &length);

        g_string_append_printf(
            out, "<g:LengthOfCertificates>%" G_GSIZE_FORMAT "</g:LengthOfCertificates>", length);
        g_byte_array_append(all, der, (guint)length);
    }
    append_base64(out, "Certificates", all->data, all->len);
}

static void
append_export(Call *call, const Export *export, guint64 mechanism)
{
    GString *out = call->out;

    call->common = TRUE;
    g_string_append_printf(out, "<g:TotalRecordCount>%u</g:TotalRecordCount>", export->count);
    append_when(out, "StartLogTime", export->start);
    append_when(out, "EndLogTime", export->end);
    append_when(out, "GenerationTime", export->generated);
    append_base64(out, "AuditLogHash", export->hash, export->hash_length);
    append_base64(out, "UUID", export->uuid, sizeof export->uuid);
    g_string_append_printf(out,
                           "<g:FQDN>%s</g:FQDN><g:FWVersion>%s</g:FWVersion><g:AMTSVN>%u</g:AMTSVN>"
                           "<g:SignatureMechanism>%u</g:SignatureMechanism>",
                           export->fqdn,
                           call->device->model->firmware,
                           (guint)SECURITY_VERSION,
                           (guint)mechanism);
}

static guint
export_signature(Call *call)
{
    const DeviceAudit *audit = audit_of(call->device);
    Export export = {0};
    g_autoptr(GByteArray) message = NULL;
    guint8 signature[KEY_BITS / 8];
    gsize length = sizeof signature;
    guint64 mechanism;
    EVP_MD_CTX *context;
    gboolean good;

    if (!call_number(call, "SigningMechanism", &mechanism) || digest_of(mechanism) == NULL)
        return PT_INVALID_PARAMETER;
    if (audit->key == NULL)
        return PT_NO_KEY;
    describe(call->device, digest_of(mechanism), &export);
    message = signed_bytes(call->device, &export);
    context = EVP_MD_CTX_new();
    good = EVP_DigestSignInit(context, NULL, digest_of(mechanism), NULL, audit->key) == 1 &&
           EVP_DigestSign(context, signature, &length, message->data, message->len) == 1;
    EVP_MD_CTX_free(context);
    if (good) {
        append_export(call, &export, mechanism);
        append_base64(call->out, "Signature", signature, length);
        append_chain(audit, call->out);
        logs_audit(call->device, AUDIT_LOG, EXPORTED, NULL, 0);
    }
    g_free(export.fqdn);
    return good ? DONE : NOT_SUPPORTED;
}

const Method methods_audit_sign[] = {
    {"AMT_AuditLog", "SetSigningKeyMaterial", set_signing_key},
    {"AMT_AuditLog", "ExportAuditLogSignature", export_signature},
    {0},
};
