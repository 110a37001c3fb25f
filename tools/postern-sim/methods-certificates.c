/* SPDX-License-Identifier: Apache-2.0 */
/* Certificates, key pairs, and what TLS makes of them. */
#include "config.h"

#include "logs.h"
#include "methods.h"
#include "pki.h"
#include "rules.h"

#include <openssl/err.h>
#include <openssl/x509v3.h>
#include <string.h>

enum { KEY_MS = 600, CRLS_MAX = 4, URL_MAX = 256 };
enum { PT_INTERNAL_ERROR = 1, PT_KEYS_BUSY = 2061 };
enum {
    AUDIT_TLS_STATE = 7,
    AUDIT_TLS_CERTIFICATE,
    AUDIT_TLS_CERTIFICATE_GONE,
    AUDIT_ROOT,
    AUDIT_ROOT_GONE
};

/* ---- instances ---- */

static void
add_value(GPtrArray *values, const char *name, const char *xml)
{
    DeviceStored *one = g_new0(DeviceStored, 1);

    one->name = g_strdup(name);
    one->xml = g_strdup(xml);
    g_ptr_array_add(values, one);
}

static GPtrArray *
new_values(void)
{
    return g_ptr_array_new_with_free_func((GDestroyNotify)device_stored_free);
}

static guint
count_of(const Device *device, const char *class_name)
{
    const GPtrArray *all = device->extra != NULL ? device->extra->created : NULL;
    guint count = 0;

    for (guint i = 0; all != NULL && i < all->len; i++)
        if (g_str_equal(((const DeviceCreated *)all->pdata[i])->class->name, class_name))
            count++;
    return count;
}

static gboolean
is_taken(const Device *device, const char *id)
{
    const GPtrArray *all = device->extra != NULL ? device->extra->created : NULL;

    for (guint i = 0; all != NULL && i < all->len; i++)
        if (g_strcmp0(rules_value(((const DeviceCreated *)all->pdata[i])->properties, "InstanceID"),
                      id) == 0)
            return TRUE;
    return FALSE;
}

/* The lowest that is free. */
static char *
free_id(const Device *device, const char *prefix, guint first)
{
    for (guint i = first;; i++) {
        char *id = g_strdup_printf("%s%u", prefix, i);
        if (!is_taken(device, id))
            return id;
        g_free(id);
    }
}

static void
put_reference(Call *call, const char *name, const char *class_name, const char *id)
{
    g_autofree char *inside = pki_reference(class_name, id);

    g_string_append_printf(call->out, "<g:%s>%s</g:%s>", name, inside, name);
}

static gboolean
make(Device *device, const char *class_name, GPtrArray *values)
{
    gboolean exists;
    SimClass *class = classes_find(device->model, class_name);

    return class != NULL && transfer_add(device, class, values, &exists) != NULL;
}

static guchar *
call_bytes(const Call *call, const char *name, gsize *length)
{
    g_autofree char *text = g_strstrip(xml_text(xml_child(call->input, name)));

    return g_base64_decode(text, length);
}

static char *
base64_of(guchar *der, int length)
{
    char *text = length > 0 ? g_base64_encode(der, (gsize)length) : NULL;

    OPENSSL_free(der);
    return text;
}

/* ---- which key belongs to which certificate ---- */

static void
tie(Device *device, const char *certificate_id, const char *key_id)
{
    g_autoptr(GPtrArray) values = new_values();
    g_autofree char *antecedent = pki_reference("AMT_PublicKeyCertificate", certificate_id);
    g_autofree char *dependent = pki_reference("AMT_PublicPrivateKeyPair", key_id);

    add_value(values, "Antecedent", antecedent);
    add_value(values, "Dependent", dependent);
    make(device, "CIM_ConcreteDependency", values);
}

static gboolean
refers(const DeviceCreated *one, const char *property, const char *id)
{
    g_autofree char *found = pki_reference_id(rules_value(one->properties, property));

    return g_strcmp0(found, id) == 0;
}

/* A created instance of one of these classes whose `property` refers to `id`; NULL: none. */
static DeviceCreated *
referring(const Device *device, const char *suffix, const char *property, const char *id)
{
    const GPtrArray *all = device->extra->created;

    for (guint i = 0; all != NULL && i < all->len; i++) {
        DeviceCreated *one = all->pdata[i];
        if (g_str_has_suffix(one->class->name, suffix) && refers(one, property, id))
            return one;
    }
    return NULL;
}

/* ---- certificates ---- */

static gboolean
same_certificate(Device *device, const X509 *certificate)
{
    for (guint i = 0;; i++) {
        g_autofree char *id = g_strdup_printf(PKI_CERTIFICATE_ID "%u", i);
        X509 *there = pki_certificate(device, id, NULL);
        gboolean same = there != NULL && X509_cmp(there, certificate) == 0;
        X509_free(there);
        if (same || i > PKI_CERTIFICATES_MAX)
            return same;
    }
}

static GPtrArray *
certificate_values(const char *id, X509 *certificate, gboolean root)
{
    GPtrArray *values = new_values();
    g_autofree char *subject = pki_name_text(X509_get_subject_name(certificate));
    g_autofree char *issuer = pki_name_text(X509_get_issuer_name(certificate));
    g_autofree char *safe_subject = g_markup_escape_text(subject, -1);
    g_autofree char *safe_issuer = g_markup_escape_text(issuer, -1);
    guchar *der = NULL;
    int length = i2d_X509(certificate, &der);
    g_autofree char *text = base64_of(der, length);

    add_value(values, "ElementName", "Intel(r) AMT Certificate");
    add_value(values, "InstanceID", id);
    add_value(values, "Issuer", safe_issuer);
    add_value(values, "Subject", safe_subject);
    add_value(values, "TrustedRootCertficate", root ? "true" : "false");
    add_value(values, "X509Certificate", text);
    return values;
}

static guint
keep_certificate(Call *call, X509 *certificate, gboolean root)
{
    Device *device = call->device;
    g_autofree char *id = free_id(device, PKI_CERTIFICATE_ID, 1);
    g_autoptr(GPtrArray) values = NULL;
    const PkiKey *key;

    if (same_certificate(device, certificate))
        return PT_DUPLICATE;
    if (count_of(device, "AMT_PublicKeyCertificate") >= PKI_CERTIFICATES_MAX)
        return PT_MAXIMUM_REACHED;
    values = certificate_values(id, certificate, root);
    if (!make(device, "AMT_PublicKeyCertificate", values))
        return PT_INTERNAL_ERROR;
    key = pki_key_for(device, certificate);
    if (key != NULL && !root)
        tie(device, id, key->id);
    if (root)
        logs_audit(device, AUDIT_SECURITY_ADMIN, AUDIT_ROOT, NULL, 0);
    put_reference(call, "CreatedCertificate", "AMT_PublicKeyCertificate", id);
    return DONE;
}

static guint
add_any_certificate(Call *call, gboolean root)
{
    gsize length = 0;
    g_autofree guchar *der = call_bytes(call, "CertificateBlob", &length);
    const guchar *at = der;
    X509 *certificate = d2i_X509(NULL, &at, (long)length);
    guint result = PT_INVALID_CERTIFICATE;

    ERR_clear_error();
    if (certificate != NULL && at == der + length && (!root || X509_check_ca(certificate) > 0))
        result = keep_certificate(call, certificate, root);
    X509_free(certificate);
    return result;
}

static guint
add_certificate(Call *call)
{
    return add_any_certificate(call, FALSE);
}

static guint
add_root(Call *call)
{
    return add_any_certificate(call, TRUE);
}

/* ---- keys ---- */

static void
key_values(GPtrArray *values, const char *id, EVP_PKEY *key)
{
    guchar *der = NULL;
    int length = i2d_PublicKey(key, &der); /* PKCS#1 */
    g_autofree char *text = base64_of(der, length);

    add_value(values, "DERKey", text);
    add_value(values, "ElementName", "Intel(r) AMT Key");
    add_value(values, "InstanceID", id);
}

/* Takes `key` in any case. */
static guint
keep_key(Call *call, EVP_PKEY *key, const char *out)
{
    Pki *pki = pki_of(call->device);
    g_autofree char *id = free_id(call->device, PKI_KEY_ID, 0);
    g_autoptr(GPtrArray) values = new_values();
    PkiKey *kept;

    key_values(values, id, key);
    if (!make(call->device, "AMT_PublicPrivateKeyPair", values)) {
        EVP_PKEY_free(key);
        return PT_INTERNAL_ERROR;
    }
    kept = g_new0(PkiKey, 1);
    kept->id = g_strdup(id);
    kept->key = key;
    g_ptr_array_add(pki->keys, kept);
    put_reference(call, out, "AMT_PublicPrivateKeyPair", id);
    return DONE;
}

/* The first call begins, later ones find it under way, one that comes late enough finds it done. */
static guint
generate_key(Call *call)
{
    Pki *pki = pki_of(call->device);
    gint64 now = g_get_monotonic_time();
    guint64 algorithm, bits;
    EVP_PKEY *key;

    if (!call_number(call, "KeyAlgorithm", &algorithm) || algorithm != 0 ||
        !call_number(call, "KeyLength", &bits) ||
        (bits != 1024 && bits != 1536 && bits != 2048 &&
         (bits != 3072 || !model_since(call->device->model, 15, 0))))
        return PT_INVALID_PARAMETER;
    if (pki->keys->len >= PKI_KEYS_MAX)
        return PT_MAXIMUM_REACHED;
    if (pki->key_ready == 0)
        pki->key_ready = now + KEY_MS * 1000;
    if (pki->key_ready > now)
        return PT_KEYS_BUSY;
    pki->key_ready = 0;
    key = EVP_RSA_gen((unsigned)bits);
    return key != NULL ? keep_key(call, key, "KeyPair") : PT_INTERNAL_ERROR;
}

static guint
add_key(Call *call)
{
    gsize length = 0;
    Pki *pki = pki_of(call->device);
    g_autofree guchar *der = call_bytes(call, "KeyBlob", &length);
    const guchar *at = der;
    EVP_PKEY *key = d2i_PrivateKey(EVP_PKEY_RSA, NULL, &at, (long)length);
    guint result = key == NULL ? PT_INVALID_KEY : DONE;

    ERR_clear_error();
    if (result == DONE && pki->keys->len >= PKI_KEYS_MAX)
        result = PT_MAXIMUM_REACHED;
    for (guint i = 0; result == DONE && i < pki->keys->len; i++)
        if (EVP_PKEY_eq(((PkiKey *)pki->keys->pdata[i])->key, key) == 1)
            result = PT_DUPLICATE;
    if (result == DONE)
        return keep_key(call, key, "CreatedKey");
    EVP_PKEY_free(key);
    return result;
}

/* Signs it with the pair that it names; NULL: it is no request for that pair. */
static char *
sign_request(const guchar *der, gsize length, EVP_PKEY *key, const EVP_MD *digest)
{
    const guchar *at = der;
    X509_REQ *request = d2i_X509_REQ(NULL, &at, (long)length);
    guchar *signed_der = NULL;
    int signed_length = 0;

    if (request != NULL && EVP_PKEY_eq(X509_REQ_get0_pubkey(request), key) == 1 &&
        X509_REQ_sign(request, key, digest) > 0)
        signed_length = i2d_X509_REQ(request, &signed_der);
    X509_REQ_free(request);
    ERR_clear_error();
    return base64_of(signed_der, signed_length);
}

static guint
sign(Call *call)
{
    gsize length = 0;
    g_autofree guchar *der = call_bytes(call, "NullSignedCertificateRequest", &length);
    const xmlNode *pair = xml_child(call->input, "KeyPair");
    const xmlNode *selectors = xml_child(xml_child(pair, "ReferenceParameters"), "SelectorSet");
    g_autofree char *id = xml_text(xml_child(selectors, "Selector"));
    const PkiKey *key = pki_key(call->device, id);
    guint64 algorithm;
    g_autofree char *request = NULL;

    if (key == NULL || !call_number(call, "SigningAlgorithm", &algorithm) || algorithm > 1)
        return PT_INVALID_PARAMETER;
    request = sign_request(der, length, key->key, algorithm == 0 ? EVP_sha1() : EVP_sha256());
    if (request == NULL)
        return PT_NOT_THE_KEY;
    g_string_append_printf(
        call->out, "<g:SignedCertificateRequest>%s</g:SignedCertificateRequest>", request);
    return DONE;
}

static guint
add_crl(Call *call)
{
    g_autofree char *url = g_strstrip(xml_text(xml_child(call->input, "Url")));
    g_autofree char *safe = g_markup_escape_text(url, -1);
    g_autofree char *id = free_id(call->device, "Intel(r) AMT CRL: Handle: ", 0);
    g_autoptr(GPtrArray) values = new_values();

    if (*url == '\0' || strlen(url) > URL_MAX)
        return PT_INVALID_PARAMETER;
    if (count_of(call->device, "AMT_CRL") >= CRLS_MAX)
        return PT_MAXIMUM_REACHED;
    add_value(values, "ElementName", "Intel(r) AMT CRL");
    add_value(values, "InstanceID", id);
    for (const xmlNode *node = call->input->children; node != NULL; node = node->next)
        if (node->type == XML_ELEMENT_NODE &&
            g_str_equal((const char *)node->name, "SerialNumbers")) {
            g_autofree char *serial = g_strstrip(xml_text(node));
            g_autofree char *safe_serial = g_markup_escape_text(serial, -1);
            add_value(values, "SerialNumbers", safe_serial);
        }
    add_value(values, "Url", safe);
    if (!make(call->device, "AMT_CRL", values))
        return PT_MAXIMUM_REACHED;
    put_reference(call, "CreatedCRL", "AMT_CRL", id);
    return DONE;
}

/* ---- commit ---- */

static guint8
state_of(Device *device, gboolean remote)
{
    SimClass *class = classes_find(device->model, "AMT_TLSSettingData");
    const SimInstance *instance = class->instances->pdata[remote ? 0 : 1];
    g_autofree char *enabled = device_property(device, instance, "Enabled");
    g_autofree char *mutual = device_property(device, instance, "MutualAuthentication");

    if (g_strcmp0(enabled, "true") != 0)
        return 0;
    return g_strcmp0(mutual, "true") == 0 ? 2 : 1;
}

guint
methods_commit(Call *call)
{
    Device *device = call->device;
    g_autofree char *before = g_strdup(pki_of(device)->tls_certificate);
    guint8 state[2];

    if (!pki_commit(device))
        return DONE;
    state[0] = state_of(device, TRUE);
    state[1] = state_of(device, FALSE);
    logs_audit(device, AUDIT_SECURITY_ADMIN, AUDIT_TLS_STATE, state, sizeof state);
    if (g_strcmp0(before, pki_of(device)->tls_certificate) != 0)
        logs_audit(device, AUDIT_SECURITY_ADMIN, AUDIT_TLS_CERTIFICATE, NULL, 0);
    sim_ports_changed(device, TRUE);
    return DONE;
}

/* ---- rules ---- */

static const SoapFault *
remove_certificate(Device *device, const DeviceCreated *created)
{
    const char *id = rules_value(created->properties, "InstanceID");
    g_autofree char *bound = pki_bound(device);
    gboolean root =
        g_strcmp0(rules_value(created->properties, "TrustedRootCertficate"), "true") == 0;
    DeviceCreated *tied;

    if (g_strcmp0(bound, id) == 0 || g_strcmp0(pki_of(device)->tls_certificate, id) == 0 ||
        referring(device, "CredentialContext", "ElementInContext", id) != NULL)
        return &FAULT_DENIED;
    tied = referring(device, "CIM_ConcreteDependency", "Antecedent", id);
    if (tied != NULL)
        g_ptr_array_remove(device->extra->created, tied);
    logs_audit(
        device, AUDIT_SECURITY_ADMIN, root ? AUDIT_ROOT_GONE : AUDIT_TLS_CERTIFICATE_GONE, NULL, 0);
    return NULL;
}

static const SoapFault *
remove_key(Device *device, const DeviceCreated *created)
{
    const char *id = rules_value(created->properties, "InstanceID");
    GPtrArray *keys = pki_of(device)->keys;

    if (referring(device, "CIM_ConcreteDependency", "Dependent", id) != NULL)
        return &FAULT_DENIED;
    for (guint i = keys->len; i > 0; i--)
        if (g_str_equal(((const PkiKey *)keys->pdata[i - 1])->id, id))
            g_ptr_array_remove_index(keys, i - 1);
    return NULL;
}

/* It must name a certificate of ours that has its key here. */
static const SoapFault *
check_binding(Device *device, const GPtrArray *values)
{
    g_autofree char *id = pki_reference_id(rules_value(values, "ElementInContext"));
    const char *place = rules_value(values, "ElementProvidingContext");
    X509 *certificate = id != NULL ? pki_certificate(device, id, NULL) : NULL;
    gboolean good =
        certificate != NULL && place != NULL &&
        strstr(place, "AMT_TLSProtocolEndpointCollection") != NULL &&
        (g_str_equal(id, PKI_CERTIFICATE_ID "0") || pki_key_for(device, certificate) != NULL);

    X509_free(certificate);
    return good ? NULL : &FAULT_REPRESENTATION;
}

static const SoapFault *
put_binding(Device *device, const SimInstance *instance, GPtrArray *values)
{
    return check_binding(device, values);
}

/* One at a time: what the factory has made is put, not created. */
static const SoapFault *
create_binding(Device *device, GPtrArray *values)
{
    g_autofree char *there = pki_bound(device);

    return there != NULL ? &FAULT_EXISTS : check_binding(device, values);
}

static const SoapFault *
remove_binding(Device *device, const DeviceCreated *created)
{
    return state_of(device, TRUE) != 0 ? &FAULT_DENIED : NULL;
}

static gboolean
has_root(const Device *device)
{
    const GPtrArray *all = device->extra != NULL ? device->extra->created : NULL;

    for (guint i = 0; all != NULL && i < all->len; i++)
        if (g_strcmp0(rules_value(((const DeviceCreated *)all->pdata[i])->properties,
                                  "TrustedRootCertficate"),
                      "true") == 0)
            return TRUE;
    return FALSE;
}

static gboolean
says(const GPtrArray *values, const char *name)
{
    return g_strcmp0(rules_value(values, name), "true") == 0;
}

static const SoapFault *
put_tls(Device *device, const SimInstance *instance, GPtrArray *values)
{
    gboolean remote = instance == device_first(device, "AMT_TLSSettingData");
    g_autofree char *plain = device_property(device, instance, "NonSecureConnectionsSupported");
    g_autofree char *bound = pki_bound(device);

    if (g_strcmp0(plain, "false") == 0 && says(values, "AcceptNonSecureConnections"))
        return &FAULT_REPRESENTATION;
    if (remote && says(values, "Enabled") && bound == NULL)
        return &FAULT_INTERNAL;
    return says(values, "MutualAuthentication") && !has_root(device) ? &FAULT_INTERNAL : NULL;
}

const Rule rules_certificates[] = {
    {.class = "AMT_PublicKeyCertificate", .remove = remove_certificate},
    {.class = "AMT_PublicPrivateKeyPair", .remove = remove_key},
    {.class = "AMT_TLSCredentialContext",
     .put = put_binding,
     .create = create_binding,
     .remove = remove_binding},
    {.class = "AMT_TLSSettingData", .put = put_tls},
    {0},
};

const Method methods_certificates[] = {
    {"AMT_PublicKeyManagementService", "AddCertificate", add_certificate},
    {"AMT_PublicKeyManagementService", "AddTrustedRootCertificate", add_root},
    {"AMT_PublicKeyManagementService", "AddKey", add_key},
    {"AMT_PublicKeyManagementService", "AddCRL", add_crl},
    {"AMT_PublicKeyManagementService", "GenerateKeyPair", generate_key},
    {"AMT_PublicKeyManagementService", "GeneratePKCS10RequestEx", sign},
    {0},
};
