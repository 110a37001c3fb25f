/* SPDX-License-Identifier: Apache-2.0 */
/* Keys, certificates and TLS settings of a simulated device, down to what it refuses and writes down. */
#include "config.h"

#include "one-device.h"
#include "pki.h"
#include "sim.h"
#include "soap.h"

#include <openssl/x509v3.h>
#include <string.h>

#define FIRST 0x7F570401U /* 127.87.4.1 */

static Sim *
make(const char *model)
{
    return one_device(model, FIRST, NULL);
}

/* ---- envelopes ---- */

static char *
envelope(const char *class_name, const char *action, const char *id, const char *body)
{
    g_autofree char *uri = classes_uri(class_name);
    g_autofree char *own = g_strconcat(uri, "/", action, NULL);
    g_autofree char *selectors =
        id != NULL
            ? g_strdup_printf(
                  "<w:SelectorSet><w:Selector Name='InstanceID'>%s</w:Selector></w:SelectorSet>",
                  id)
            : g_strdup("");
    gboolean transfer = strstr("Get Put Create Delete", action) != NULL;

    return g_strdup_printf("<s:Envelope xmlns:s='" NS_SOAP "' xmlns:a='" NS_ADDRESSING
                           "' xmlns:w='" NS_WSMAN "' xmlns:r='%s'><s:Header><a:Action>%s%s"
                           "</a:Action><w:ResourceURI>%s</w:ResourceURI><a:MessageID>1"
                           "</a:MessageID>%s</s:Header><s:Body>%s</s:Body></s:Envelope>",
                           uri,
                           transfer ? NS_TRANSFER "/" : "",
                           transfer ? action : own,
                           uri,
                           selectors,
                           body);
}

static void
expect(Device *device, const char *request, guint status, const char *expected)
{
    g_autoptr(GString) out = g_string_new(NULL);
    SoapNote note;

    g_assert_cmpuint(soap_serve(device, request, strlen(request), out, &note), ==, status);
    if (strstr(out->str, expected) == NULL)
        g_error("expected %s in %s", expected, out->str);
}

static void
invoke(Device *device, const char *method, const char *arguments, guint value)
{
    g_autofree char *body =
        g_strdup_printf("<r:%s_INPUT>%s</r:%s_INPUT>", method, arguments, method);
    g_autofree char *request = envelope("AMT_PublicKeyManagementService", method, NULL, body);
    g_autofree char *expected = g_strdup_printf("<g:ReturnValue>%u</g:ReturnValue>", value);

    expect(device, request, 200, expected);
}

static void
commit(Device *device)
{
    g_autofree char *request = envelope("AMT_SetupAndConfigurationService",
                                        "CommitChanges",
                                        NULL,
                                        "<r:CommitChanges_INPUT></r:CommitChanges_INPUT>");

    expect(device, request, 200, "<g:ReturnValue>0</g:ReturnValue>");
}

static void
transfer(Device *device,
         const char *class_name,
         const char *action,
         const char *id,
         const char *inside,
         const char *fault)
{
    g_autofree char *body = inside != NULL
                                ? g_strdup_printf("<r:%s>%s</r:%s>", class_name, inside, class_name)
                                : g_strdup("");
    g_autofree char *request = envelope(class_name, action, id, body);

    expect(device, request, fault != NULL ? 400 : 200, fault != NULL ? fault : "<a:Body>");
}

static void
remove_it(Device *device, const char *class_name, const char *id, const char *fault)
{
    transfer(device, class_name, "Delete", id, NULL, fault);
}

/* ---- certificates to add ---- */

static char *
base64_of(guchar *der, int length)
{
    char *text = g_base64_encode(der, (gsize)length);

    OPENSSL_free(der);
    return text;
}

static char *
certificate(EVP_PKEY *key, const char *name, gboolean ca)
{
    X509 *it = X509_new();
    X509_EXTENSION *basic =
        X509V3_EXT_conf_nid(NULL, NULL, NID_basic_constraints, ca ? "CA:TRUE" : "CA:FALSE");
    guchar *der = NULL;
    int length;

    X509_set_version(it, 2);
    X509_gmtime_adj(X509_getm_notBefore(it), 0);
    X509_gmtime_adj(X509_getm_notAfter(it), 86400);
    X509_set_pubkey(it, key);
    X509_NAME_add_entry_by_txt(
        X509_get_subject_name(it), "CN", MBSTRING_ASC, (const guchar *)name, -1, -1, 0);
    X509_set_issuer_name(it, X509_get_subject_name(it));
    X509_add_ext(it, basic, -1);
    X509_sign(it, key, EVP_sha256());
    length = i2d_X509(it, &der);
    X509_EXTENSION_free(basic);
    X509_free(it);
    return base64_of(der, length);
}

static void
add(Device *device, const char *method, const char *blob, guint value)
{
    g_autofree char *arguments = g_strdup_printf("<r:CertificateBlob>%s</r:CertificateBlob>", blob);

    invoke(device, method, arguments, value);
}

/* Events of the security administrator in the audit log, oldest first, as text. */
static char *
audited(const Device *device)
{
    GString *events = g_string_new(NULL);
    const GPtrArray *audit = device->extra->audit->records;

    for (guint i = 0; audit != NULL && i < audit->len; i++) {
        const guint8 *record = g_bytes_get_data(audit->pdata[i], NULL);
        if (record[1] == AUDIT_SECURITY_ADMIN)
            g_string_append_printf(events, "%s%u", events->len > 0 ? " " : "", record[3]);
    }
    return g_string_free(events, FALSE);
}

/* ---- tests ---- */

static void
test_certificates(void)
{
    g_autoptr(Sim) sim = make("amt12");
    Device *device = sim->devices;
    EVP_PKEY *key = EVP_RSA_gen(1024);
    g_autofree char *root = certificate(key, "root", TRUE);
    g_autofree char *leaf = certificate(key, "leaf", FALSE);
    g_autofree char *last = certificate(key, "last", FALSE);
    g_autofree char *events = NULL;

    add(device, "AddTrustedRootCertificate", root, 0);
    add(device, "AddTrustedRootCertificate", root, 2058);
    add(device, "AddTrustedRootCertificate", leaf, 2063);
    add(device, "AddTrustedRootCertificate", "bm8=", 2063);
    add(device, "AddCertificate", "", 2063);
    add(device, "AddCertificate", leaf, 0);
    for (guint i = 3; i <= PKI_CERTIFICATES_MAX; i++) {
        g_autofree char *name = g_strdup_printf("more-%u", i);
        g_autofree char *more = certificate(key, name, FALSE);
        add(device, "AddCertificate", more, 0);
    }
    add(device, "AddCertificate", last, 23);
    remove_it(device, "AMT_PublicKeyCertificate", PKI_CERTIFICATE_ID "0", "AccessDenied");
    remove_it(
        device, "AMT_PublicKeyCertificate", PKI_CERTIFICATE_ID "99", "DestinationUnreachable");
    remove_it(device, "AMT_PublicKeyCertificate", PKI_CERTIFICATE_ID "1", NULL);
    add(device, "AddTrustedRootCertificate", root, 0); /* there is room again, at its old place */
    remove_it(device, "AMT_PublicKeyCertificate", PKI_CERTIFICATE_ID "1", NULL);
    events = audited(device);
    g_assert_cmpstr(events, ==, "10 11 10 11");
    EVP_PKEY_free(key);
}

static void
add_key(Device *device, EVP_PKEY *key, guint value)
{
    guchar *der = NULL;
    int length = i2d_PrivateKey(key, &der);
    g_autofree char *text = base64_of(der, length);
    g_autofree char *arguments = g_strdup_printf("<r:KeyBlob>%s</r:KeyBlob>", text);

    invoke(device, "AddKey", arguments, value);
}

static void
request_signature(Device *device, EVP_PKEY *key, const char *pair, guint value)
{
    X509_REQ *request = X509_REQ_new();
    guchar *der = NULL;
    g_autofree char *text = NULL;
    g_autofree char *arguments = NULL;
    int length;

    X509_REQ_set_pubkey(request, key);
    X509_REQ_sign(request, key, EVP_sha256());
    length = i2d_X509_REQ(request, &der);
    text = base64_of(der, length);
    X509_REQ_free(request);
    arguments = g_strdup_printf(
        "<r:KeyPair><a:Address>/wsman</a:Address><a:ReferenceParameters><w:ResourceURI>x"
        "</w:ResourceURI><w:SelectorSet><w:Selector Name='InstanceID'>%s</w:Selector>"
        "</w:SelectorSet></a:ReferenceParameters></r:KeyPair><r:SigningAlgorithm>1"
        "</r:SigningAlgorithm><r:NullSignedCertificateRequest>%s"
        "</r:NullSignedCertificateRequest>",
        pair,
        text);
    invoke(device, "GeneratePKCS10RequestEx", arguments, value);
}

static void
test_keys(void)
{
    g_autoptr(Sim) sim = make("amt12");
    Device *device = sim->devices;
    EVP_PKEY *key = EVP_RSA_gen(1024), *other = EVP_RSA_gen(1024);
    g_autofree char *own = certificate(key, "own", FALSE);

    add_key(device, key, 0);
    add_key(device, key, 2058);
    invoke(device, "AddKey", "<r:KeyBlob>bm8=</r:KeyBlob>", 2062);
    request_signature(device, key, PKI_KEY_ID "0", 0);
    request_signature(device, other, PKI_KEY_ID "0", 2064);
    request_signature(device, key, PKI_KEY_ID "5", 36);
    add(device, "AddCertificate", own, 0);
    remove_it(device, "AMT_PublicPrivateKeyPair", PKI_KEY_ID "0", "AccessDenied");
    remove_it(device, "AMT_PublicKeyCertificate", PKI_CERTIFICATE_ID "1", NULL);
    remove_it(device, "AMT_PublicPrivateKeyPair", PKI_KEY_ID "0", NULL);
    invoke(device,
           "GenerateKeyPair",
           "<r:KeyAlgorithm>0</r:KeyAlgorithm><r:KeyLength>1000</r:KeyLength>",
           36);
    invoke(device,
           "GenerateKeyPair",
           "<r:KeyAlgorithm>0</r:KeyAlgorithm><r:KeyLength>1024</r:KeyLength>",
           2061);
    invoke(device,
           "GenerateKeyPair",
           "<r:KeyAlgorithm>0</r:KeyAlgorithm><r:KeyLength>1024</r:KeyLength>",
           2061);
    pki_of(device)->key_ready = 1; /* long ago */
    invoke(device,
           "GenerateKeyPair",
           "<r:KeyAlgorithm>0</r:KeyAlgorithm><r:KeyLength>1024</r:KeyLength>",
           0);
    EVP_PKEY_free(key);
    EVP_PKEY_free(other);
}

#define REMOTE "Intel(r) AMT 802.3 TLS Settings"

static void
put_tls(Device *device, gboolean enabled, gboolean mutual, gboolean plain, const char *fault)
{
    g_autofree char *inside =
        g_strdup_printf("<r:AcceptNonSecureConnections>%s</r:AcceptNonSecureConnections>"
                        "<r:ElementName>" REMOTE "</r:ElementName><r:Enabled>%s</r:Enabled>"
                        "<r:InstanceID>" REMOTE "</r:InstanceID><r:MutualAuthentication>%s"
                        "</r:MutualAuthentication>",
                        plain ? "true" : "false",
                        enabled ? "true" : "false",
                        mutual ? "true" : "false");

    transfer(device, "AMT_TLSSettingData", "Put", REMOTE, inside, fault);
}

static void
test_settings(void)
{
    g_autoptr(Sim) sim = make("amt12"), late = make("amt16");
    Device *device = sim->devices;
    EVP_PKEY *key = EVP_RSA_gen(1024);
    g_autofree char *root = certificate(key, "root", TRUE);
    g_autofree char *events = NULL;

    put_tls(device, TRUE, TRUE, TRUE, "InternalError"); /* nobody could get in */
    add(device, "AddTrustedRootCertificate", root, 0);
    put_tls(device, TRUE, TRUE, FALSE, NULL);
    g_assert_true(sim_offers(sim, device, FALSE)); /* not before the commit */
    g_assert_null(pki_context(device, NULL));
    commit(device);
    g_assert_false(sim_offers(sim, device, FALSE));
    g_assert_true(sim_offers(sim, device, TRUE));
    g_assert_cmpint(SSL_CTX_get_verify_mode(pki_context(device, NULL)),
                    ==,
                    SSL_VERIFY_PEER | SSL_VERIFY_FAIL_IF_NO_PEER_CERT);
    commit(device); /* nothing new, nothing written down */
    events = audited(device);
    g_assert_cmpstr(events, ==, "10 7");
    put_tls(device, FALSE, FALSE, TRUE, NULL);
    commit(device);
    g_assert_false(sim_offers(sim, device, TRUE));
    g_assert_true(sim_offers(sim, device, FALSE));
    put_tls(late->devices, TRUE, FALSE, TRUE, "InvalidRepresentation"); /* no plain from 16.1 on */
    EVP_PKEY_free(key);
}

static char *
binding(const char *id)
{
    return g_strdup_printf(
        "<r:ElementInContext><a:Address>/wsman</a:Address><a:ReferenceParameters><w:ResourceURI>x"
        "</w:ResourceURI><w:SelectorSet><w:Selector Name='InstanceID'>%s</w:Selector>"
        "</w:SelectorSet></a:ReferenceParameters></r:ElementInContext><r:ElementProvidingContext>"
        "<a:Address>/wsman</a:Address><a:ReferenceParameters><w:ResourceURI>"
        "http://intel.com/wbem/wscim/1/amt-schema/1/AMT_TLSProtocolEndpointCollection"
        "</w:ResourceURI></a:ReferenceParameters></r:ElementProvidingContext>",
        id);
}

static void
test_binding(void)
{
    g_autoptr(Sim) sim = make("amt12");
    Device *device = sim->devices;
    EVP_PKEY *key = EVP_RSA_gen(1024), *other = EVP_RSA_gen(1024);
    g_autofree char *own = certificate(key, "own", FALSE);
    g_autofree char *stray = certificate(other, "stray", FALSE);
    g_autofree char *good = binding(PKI_CERTIFICATE_ID "1");
    g_autofree char *keyless = binding(PKI_CERTIFICATE_ID "2");
    g_autofree char *bound = NULL;
    g_autofree char *events = NULL;

    add_key(device, key, 0);
    add(device, "AddCertificate", own, 0);
    add(device, "AddCertificate", stray, 0);
    transfer(device, "AMT_TLSCredentialContext", "Create", NULL, good, "AlreadyExists");
    transfer(device, "AMT_TLSCredentialContext", "Put", NULL, keyless, "InvalidRepresentation");
    transfer(device, "AMT_TLSCredentialContext", "Put", NULL, good, NULL);
    bound = pki_bound(device);
    g_assert_cmpstr(bound, ==, PKI_CERTIFICATE_ID "1");
    remove_it(device, "AMT_PublicKeyCertificate", PKI_CERTIFICATE_ID "1", "AccessDenied");
    commit(device);
    g_assert_nonnull(pki_context(device, NULL));
    g_assert_cmpint(EVP_PKEY_eq(SSL_CTX_get0_privatekey(pki_context(device, NULL)), key), ==, 1);
    events = audited(device);
    g_assert_cmpstr(events, ==, "7 8");
    EVP_PKEY_free(key);
    EVP_PKEY_free(other);
}

int
main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/sim-certificates/certificates", test_certificates);
    g_test_add_func("/sim-certificates/keys", test_keys);
    g_test_add_func("/sim-certificates/settings", test_settings);
    g_test_add_func("/sim-certificates/binding", test_binding);
    return g_test_run();
}
