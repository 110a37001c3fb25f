/* SPDX-License-Identifier: Apache-2.0 */
#include "config.h"

#include "certs.h"
#include "envelope.h"
#include "pki.h"
#include "sim.h"

#include <openssl/x509v3.h>
#include <string.h>

#define REMOTE_CONSOLE "2.16.840.1.113741.1.2.1" /* what a client certificate must be for */

static void
free_key(gpointer data)
{
    PkiKey *key = data;

    g_free(key->id);
    EVP_PKEY_free(key->key);
    g_free(key);
}

Pki *
pki_of(Device *device)
{
    DeviceExtra *extra = device_extra(device);

    if (extra->pki == NULL) {
        extra->pki = g_new0(Pki, 1);
        extra->pki->keys = g_ptr_array_new_with_free_func(free_key);
    }
    return extra->pki;
}

void
pki_free(Pki *pki)
{
    if (pki == NULL)
        return;
    g_ptr_array_unref(pki->keys);
    g_strfreev(pki->trusted_names);
    g_free(pki->tls_certificate);
    SSL_CTX_free(pki->context);
    g_free(pki);
}

/* ---- the factory's ---- */

static X509 *
factory(Device *device, EVP_PKEY **key)
{
    SSL_CTX *context = certs_context(sim_certs(device->sim), device->model, device, NULL);

    if (context == NULL)
        return NULL;
    if (key != NULL)
        *key = SSL_CTX_get0_privatekey(context);
    return SSL_CTX_get0_certificate(context);
}

char *
pki_factory_text(Device *device)
{
    X509 *certificate = factory(device, NULL);
    guchar *der = NULL;
    int length = certificate != NULL ? i2d_X509(certificate, &der) : -1;
    char *text = length > 0 ? g_base64_encode(der, (gsize)length) : NULL;

    OPENSSL_free(der);
    return text;
}

/* "C=unknown,O=unknown,CN=x": last part first, no blanks, as recorded. */
char *
pki_name_text(const X509_NAME *name)
{
    BIO *memory = BIO_new(BIO_s_mem());
    char *bytes = NULL;
    long length;
    char *text;

    X509_NAME_print_ex(
        memory, name, 0, XN_FLAG_SEP_COMMA_PLUS | XN_FLAG_DN_REV | ASN1_STRFLGS_UTF8_CONVERT);
    length = BIO_get_mem_data(memory, &bytes);
    text = g_strndup(bytes, length > 0 ? (gsize)length : 0);
    BIO_free(memory);
    return text;
}

char *
pki_factory_subject(Device *device)
{
    const X509 *certificate = factory(device, NULL);

    return certificate != NULL ? pki_name_text(X509_get_subject_name(certificate)) : NULL;
}

/* ---- what is kept ---- */

static X509 *
decode(const char *text)
{
    gsize length = 0;
    g_autofree guchar *der = g_base64_decode(text, &length);
    const guchar *at = der;

    return d2i_X509(NULL, &at, (long)length);
}

static const char *
value_of(const GPtrArray *properties, const char *name)
{
    for (guint i = 0; i < properties->len; i++) {
        const DeviceStored *one = properties->pdata[i];
        if (g_str_equal(one->name, name))
            return one->xml;
    }
    return NULL;
}

static const DeviceCreated *
created_with(const Device *device, const char *class_name, const char *id)
{
    const GPtrArray *all = device->extra != NULL ? device->extra->created : NULL;

    for (guint i = 0; all != NULL && i < all->len; i++) {
        const DeviceCreated *one = all->pdata[i];
        if (g_str_equal(one->class->name, class_name) &&
            (id == NULL || g_strcmp0(value_of(one->properties, "InstanceID"), id) == 0))
            return one;
    }
    return NULL;
}

X509 *
pki_certificate(Device *device, const char *id, gboolean *root)
{
    const DeviceCreated *kept = created_with(device, "AMT_PublicKeyCertificate", id);
    X509 *made = factory(device, NULL);

    if (root != NULL)
        *root = kept != NULL &&
                g_strcmp0(value_of(kept->properties, "TrustedRootCertficate"), "true") == 0;
    if (kept != NULL)
        return decode(value_of(kept->properties, "X509Certificate"));
    if (!g_str_equal(id, PKI_CERTIFICATE_ID "0") || made == NULL)
        return NULL;
    X509_up_ref(made);
    return made;
}

const PkiKey *
pki_key(Device *device, const char *id)
{
    const Pki *pki = pki_of(device);

    for (guint i = 0; i < pki->keys->len; i++)
        if (g_str_equal(((const PkiKey *)pki->keys->pdata[i])->id, id))
            return pki->keys->pdata[i];
    return NULL;
}

const PkiKey *
pki_key_for(Device *device, const X509 *certificate)
{
    const Pki *pki = pki_of(device);

    for (guint i = 0; i < pki->keys->len; i++)
        if (EVP_PKEY_eq(((const PkiKey *)pki->keys->pdata[i])->key,
                        X509_get0_pubkey(certificate)) == 1)
            return pki->keys->pdata[i];
    return NULL;
}

char *
pki_reference_id(const char *xml)
{
    static const char mark[] = "<c:Selector Name=\"InstanceID\">";
    const char *at = xml != NULL ? strstr(xml, mark) : NULL;
    const char *end = at != NULL ? strchr(at + strlen(mark), '<') : NULL;

    return end != NULL ? g_strndup(at + strlen(mark), (gsize)(end - at) - strlen(mark)) : NULL;
}

char *
pki_reference(const char *class_name, const char *id)
{
    g_autofree char *uri = classes_uri(class_name);

    return g_strdup_printf("<b:Address>" ANONYMOUS "</b:Address><b:ReferenceParameters>"
                           "<c:ResourceURI>%s</c:ResourceURI><c:SelectorSet>"
                           "<c:Selector Name=\"InstanceID\">%s</c:Selector></c:SelectorSet>"
                           "</b:ReferenceParameters>",
                           uri,
                           id);
}

char *
pki_bound(Device *device)
{
    const SimInstance *instance = device_first(device, "AMT_TLSCredentialContext");
    const DeviceCreated *made = created_with(device, "AMT_TLSCredentialContext", NULL);
    g_autofree char *xml =
        instance != NULL
            ? device_property(device, instance, "ElementInContext")
            : g_strdup(made != NULL ? value_of(made->properties, "ElementInContext") : NULL);

    return pki_reference_id(xml);
}

/* ---- commit ---- */

static gboolean
is_true(Device *device, const SimInstance *instance, const char *name)
{
    g_autofree char *text = device_property(device, instance, name);

    return g_strcmp0(text, "true") == 0;
}

static gboolean
same_names(char **a, char **b)
{
    if (a == NULL || b == NULL)
        return a == b;
    return g_strv_equal((const char *const *)a, (const char *const *)b);
}

/* The settings of the network, not those of the local interface: the first of the two. */
static void
read_settings(Device *device, Pki *wanted)
{
    const SimInstance *remote = device_first(device, "AMT_TLSSettingData");

    wanted->tls = remote != NULL && is_true(device, remote, "Enabled");
    wanted->plain = !wanted->tls || is_true(device, remote, "AcceptNonSecureConnections");
    wanted->mutual = wanted->tls && is_true(device, remote, "MutualAuthentication");
    if (wanted->mutual)
        wanted->trusted_names = device_values(device, remote, "TrustedCN");
    wanted->tls_certificate = pki_bound(device);
    if (g_strcmp0(wanted->tls_certificate, PKI_CERTIFICATE_ID "0") == 0)
        g_clear_pointer(&wanted->tls_certificate, g_free);
}

gboolean
pki_commit(Device *device)
{
    Pki *pki = pki_of(device);
    Pki wanted = {0};
    gboolean before[] = {sim_offers(device->sim, device, TRUE),
                         sim_offers(device->sim, device, FALSE)};
    gboolean differs;

    read_settings(device, &wanted);
    differs = before[0] != wanted.tls || before[1] != wanted.plain ||
              pki->mutual != wanted.mutual ||
              g_strcmp0(pki->tls_certificate, wanted.tls_certificate) != 0 ||
              !same_names(pki->trusted_names, wanted.trusted_names);
    g_free(pki->tls_certificate);
    g_strfreev(pki->trusted_names);
    pki->tls_certificate = wanted.tls_certificate;
    pki->trusted_names = wanted.trusted_names;
    pki->tls = wanted.tls;
    pki->plain = wanted.plain;
    pki->mutual = wanted.mutual;
    pki->committed = TRUE;
    if (differs)
        g_clear_pointer(&pki->context, SSL_CTX_free);
    return differs;
}

/* ---- the server's side of TLS ---- */

static gboolean
is_for_consoles(X509 *certificate)
{
    EXTENDED_KEY_USAGE *usage = X509_get_ext_d2i(certificate, NID_ext_key_usage, NULL, NULL);
    gboolean found = FALSE;
    char text[64];

    for (int i = 0; usage != NULL && i < sk_ASN1_OBJECT_num(usage) && !found; i++)
        found = OBJ_obj2txt(text, sizeof text, sk_ASN1_OBJECT_value(usage, i), 1) > 0 &&
                g_str_equal(text, REMOTE_CONSOLE);
    EXTENDED_KEY_USAGE_free(usage);
    return found;
}

static gboolean
is_trusted_name(const Pki *pki, const X509 *certificate)
{
    char name[256];

    if (pki->trusted_names == NULL)
        return TRUE;
    return X509_NAME_get_text_by_NID(
               X509_get_subject_name(certificate), NID_commonName, name, sizeof name) > 0 &&
           g_strv_contains((const char *const *)pki->trusted_names, name);
}

/* What firmware wants beyond a chain to one of its roots. */
static int
check_client(int fine, X509_STORE_CTX *store)
{
    SSL *ssl = X509_STORE_CTX_get_ex_data(store, SSL_get_ex_data_X509_STORE_CTX_idx());
    const Pki *pki = SSL_CTX_get_app_data(SSL_get_SSL_CTX(ssl));
    X509 *certificate = X509_STORE_CTX_get_current_cert(store);

    if (fine != 1 || X509_STORE_CTX_get_error_depth(store) != 0)
        return fine;
    if (is_for_consoles(certificate) && is_trusted_name(pki, certificate))
        return 1;
    X509_STORE_CTX_set_error(store, X509_V_ERR_APPLICATION_VERIFICATION);
    return 0;
}

typedef void (*EachCertificate)(SSL_CTX *context, X509 *certificate, gboolean root);

static void
for_each(Device *device, SSL_CTX *context, EachCertificate call)
{
    const GPtrArray *all = device->extra->created;

    for (guint i = 0; all != NULL && i < all->len; i++) {
        const DeviceCreated *one = all->pdata[i];
        X509 *certificate = NULL;
        if (g_str_equal(one->class->name, "AMT_PublicKeyCertificate"))
            certificate = decode(value_of(one->properties, "X509Certificate"));
        if (certificate != NULL)
            call(context,
                 certificate,
                 g_strcmp0(value_of(one->properties, "TrustedRootCertficate"), "true") == 0);
        X509_free(certificate);
    }
}

static void
add_root(SSL_CTX *context, X509 *certificate, gboolean root)
{
    if (root) {
        X509_STORE_add_cert(SSL_CTX_get_cert_store(context), certificate);
        SSL_CTX_add_client_CA(context, certificate);
    }
}

/* The one between ours and a root, when it is there. */
static void
add_chain(SSL_CTX *context, X509 *certificate, gboolean root)
{
    X509 *own = SSL_CTX_get0_certificate(context);

    if (!root && X509_cmp(own, certificate) != 0 &&
        X509_check_issued(certificate, own) == X509_V_OK)
        SSL_CTX_add1_chain_cert(context, certificate);
}

static SSL_CTX *
make_context(Device *device, Pki *pki, GError **error)
{
    EVP_PKEY *factory_key = NULL;
    X509 *certificate = pki->tls_certificate != NULL
                            ? pki_certificate(device, pki->tls_certificate, NULL)
                            : factory(device, &factory_key);
    const PkiKey *key = NULL;
    SSL_CTX *context;

    if (pki->tls_certificate != NULL && certificate != NULL)
        key = pki_key_for(device, certificate);
    context = certs_own_context(sim_certs(device->sim),
                                device->model,
                                certificate,
                                key != NULL ? key->key : factory_key,
                                error);
    if (pki->tls_certificate != NULL)
        X509_free(certificate);
    if (context == NULL)
        return NULL;
    for_each(device, context, add_chain);
    if (pki->mutual) {
        SSL_CTX_set_app_data(context, pki);
        for_each(device, context, add_root);
        SSL_CTX_set_verify(
            context, SSL_VERIFY_PEER | SSL_VERIFY_FAIL_IF_NO_PEER_CERT, check_client);
    }
    return context;
}

SSL_CTX *
pki_context(Device *device, GError **error)
{
    Pki *pki = device->extra != NULL ? device->extra->pki : NULL;

    if (pki == NULL || !pki->committed || (pki->tls_certificate == NULL && !pki->mutual))
        return NULL;
    if (pki->context == NULL)
        pki->context = make_context(device, pki, error);
    return pki->context;
}
