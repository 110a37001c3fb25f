/* SPDX-License-Identifier: Apache-2.0 */
/* Certificates, keys, requests and a CA as the AMT plugin handles them, and the table of advisories. */
#include "config.h"

#include "amt-advisories.h"
#include "amt-tls.h"

#include <openssl/pem.h>
#include <openssl/x509v3.h>
#include <string.h>
#include <unistd.h>

#define NOW 1900000000 /* 2030 */
#define DAY 86400

/* ---- something to look at ---- */

static GBytes *
pem_of(EVP_PKEY *key, const char *password)
{
    BIO *memory = BIO_new(BIO_s_mem());
    char *text = NULL;
    long length;
    GBytes *bytes;

    g_assert_cmpint(PEM_write_bio_PrivateKey(memory,
                                             key,
                                             password != NULL ? EVP_aes_256_cbc() : NULL,
                                             (const guchar *)password,
                                             password != NULL ? (int)strlen(password) : 0,
                                             NULL,
                                             NULL),
                    ==,
                    1);
    length = BIO_get_mem_data(memory, &text);
    bytes = g_bytes_new(text, (gsize)length);
    BIO_free(memory);
    return bytes;
}

static GBytes *
encode(const X509 *certificate)
{
    guchar *der = NULL;
    int length = i2d_X509(certificate, &der);
    GBytes *bytes = g_bytes_new(der, (gsize)length);

    OPENSSL_free(der);
    return bytes;
}

static GBytes *
self_signed(EVP_PKEY *key, const char *name, gboolean ca, gint64 from, gint64 to)
{
    X509 *certificate = X509_new();
    X509_EXTENSION *basic =
        X509V3_EXT_conf_nid(NULL, NULL, NID_basic_constraints, ca ? "CA:TRUE" : "CA:FALSE");
    GBytes *bytes;

    X509_set_version(certificate, 2);
    ASN1_INTEGER_set(X509_get_serialNumber(certificate), 0x1ff);
    ASN1_TIME_set(X509_getm_notBefore(certificate), from);
    ASN1_TIME_set(X509_getm_notAfter(certificate), to);
    X509_set_pubkey(certificate, key);
    X509_NAME_add_entry_by_txt(
        X509_get_subject_name(certificate), "CN", MBSTRING_UTF8, (const guchar *)name, -1, -1, 0);
    X509_set_issuer_name(certificate, X509_get_subject_name(certificate));
    X509_add_ext(certificate, basic, -1);
    X509_sign(certificate, key, EVP_sha256());
    bytes = encode(certificate);
    X509_EXTENSION_free(basic);
    X509_free(certificate);
    return bytes;
}

static GBytes *
pkcs1_of(EVP_PKEY *key)
{
    guchar *der = NULL;
    int length = i2d_PublicKey(key, &der);
    GBytes *bytes = g_bytes_new(der, (gsize)length);

    OPENSSL_free(der);
    return bytes;
}

static void
read_key(AmtPublicKey *key, GBytes *der)
{
    g_autoptr(GError) error = NULL;

    amt_public_key_read(key, g_bytes_get_data(der, NULL), g_bytes_get_size(der), &error);
    g_assert_no_error(error);
}

static AmtX509 *
read_x509(GBytes *der)
{
    g_autoptr(GError) error = NULL;
    AmtX509 *x509 = amt_x509_read(g_bytes_get_data(der, NULL), g_bytes_get_size(der), &error);

    g_assert_no_error(error);
    return x509;
}

/* ---- reading ---- */

static void
test_certificate(void)
{
    EVP_PKEY *key = EVP_RSA_gen(1024);
    g_autoptr(GBytes) der = self_signed(key, "Grün, GmbH", TRUE, NOW, NOW + DAY);
    g_autoptr(AmtX509) x509 = read_x509(der);
    g_autofree char *sha256 = g_compute_checksum_for_bytes(G_CHECKSUM_SHA256, der);

    g_assert_cmpstr(x509->subject, ==, "CN=Grün\\, GmbH");
    g_assert_cmpstr(x509->issuer, ==, x509->subject);
    g_assert_cmpstr(x509->common_name, ==, "Grün, GmbH");
    g_assert_cmpstr(x509->serial, ==, "01ff");
    g_assert_cmpstr(x509->sha256, ==, sha256);
    g_assert_cmpstr(x509->hash, ==, "sha256");
    g_assert_cmpstr(x509->key, ==, "rsa");
    g_assert_cmpuint(x509->key_bits, ==, 1024);
    g_assert_cmpint(x509->not_before, ==, NOW);
    g_assert_cmpint(x509->not_after, ==, NOW + DAY);
    g_assert_true(x509->self_signed && x509->ca);
    g_assert_false(x509->for_console);
    EVP_PKEY_free(key);
}

static void
test_garbage(void)
{
    EVP_PKEY *key = EVP_RSA_gen(1024);
    g_autoptr(GBytes) der = self_signed(key, "x", FALSE, NOW, NOW + DAY);
    gsize length = g_bytes_get_size(der);
    g_autofree guint8 *more = g_malloc0(AMT_X509_MOST + 1);
    g_autoptr(GError) error = NULL;

    memcpy(more, g_bytes_get_data(der, NULL), length);
    g_assert_null(amt_x509_read(more, length - 1, &error));
    g_assert_error(error, POSTERN_ERROR, POSTERN_ERROR_PROTOCOL);
    g_assert_null(amt_x509_read(more, length + 1, NULL)); /* something follows */
    g_assert_null(amt_x509_read(more, AMT_X509_MOST + 1, NULL));
    g_assert_null(amt_x509_read(more, 0, NULL));
    EVP_PKEY_free(key);
}

/* Both forms of a key that devices give are the same key. */
static void
test_key_34(void)
{
    EVP_PKEY *key = EVP_RSA_gen(2048);
    g_autoptr(GBytes) pkcs1 = pkcs1_of(key);
    guchar *der = NULL;
    int length = i2d_PUBKEY(key, &der);
    g_autoptr(GBytes) spki = g_bytes_new(der, (gsize)length);
    g_auto(AmtPublicKey) a = {0}, b = {0}, none = {0};

    g_assert_cmpuint(g_bytes_get_size(spki), ==, g_bytes_get_size(pkcs1) + 24);
    read_key(&a, pkcs1);
    read_key(&b, spki);
    g_assert_cmpstr(a.id, ==, b.id);
    g_assert_cmpuint(a.bits, ==, 2048);
    g_assert_true(g_str_has_prefix(a.pem, "-----BEGIN PUBLIC KEY-----\nMII"));
    g_assert_false(amt_public_key_read(&none, (const guint8 *)"0", 1, NULL));
    OPENSSL_free(der);
    EVP_PKEY_free(key);
}

static void
test_file(void)
{
    EVP_PKEY *key = EVP_RSA_gen(1024);
    g_autoptr(GBytes) der = self_signed(key, "x", FALSE, NOW, NOW + DAY);
    g_autofree char *one = amt_pem("CERTIFICATE", der);
    g_autofree char *two = g_strconcat("text before\n", one, one, NULL);
    g_autoptr(GBytes) single = g_bytes_new(one, strlen(one));
    g_autoptr(GBytes) twice = g_bytes_new(two, strlen(two));
    g_autoptr(AmtX509) a = amt_x509_read_file(single, "a.pem", NULL);
    g_autoptr(AmtX509) b = amt_x509_read_file(der, "a.der", NULL);
    g_autoptr(GPtrArray) all = amt_x509_read_all(twice);
    g_autoptr(GError) error = NULL;

    g_assert_cmpstr(a->sha256, ==, b->sha256);
    g_assert_cmpuint(all->len, ==, 2);
    g_assert_null(amt_x509_read_file(twice, "b.pem", &error));
    g_assert_error(error, POSTERN_ERROR, POSTERN_ERROR_BAD_PARAM);
    g_assert_nonnull(strstr(error->message, "b.pem holds 2 certificates"));
    EVP_PKEY_free(key);
}

/* A file that says that it is encrypted does not make anybody wait for a password. */
static void
test_locked_file(void)
{
    static const char text[] = "-----BEGIN CERTIFICATE-----\nProc-Type: 4,ENCRYPTED\n"
                               "DEK-Info: AES-256-CBC,00000000000000000000000000000000\n\n"
                               "AAAAAAAAAAAAAAAAAAAAAA==\n-----END CERTIFICATE-----\n";
    g_autoptr(GBytes) content = g_bytes_new_static(text, sizeof text - 1);
    g_autoptr(GPtrArray) all = NULL;
    int pipes[2];

    /* nobody ever types anything */
    g_assert_cmpint(pipe(pipes), ==, 0);
    g_assert_cmpint(dup2(pipes[0], STDIN_FILENO), ==, STDIN_FILENO);
    all = amt_x509_read_all(content);
    g_assert_cmpuint(all->len, ==, 0);
    close(pipes[0]);
    close(pipes[1]);
}

/* ---- requests and the authority ---- */

/* As a device does it. */
static GBytes *
sign_request(GBytes *unsigned_request, EVP_PKEY *key)
{
    const guchar *at = g_bytes_get_data(unsigned_request, NULL);
    X509_REQ *request = d2i_X509_REQ(NULL, &at, (long)g_bytes_get_size(unsigned_request));
    guchar *der = NULL;
    int length;
    GBytes *bytes;

    g_assert_nonnull(request);
    g_assert_cmpint(X509_REQ_sign(request, key, EVP_sha256()), >, 0);
    length = i2d_X509_REQ(request, &der);
    bytes = g_bytes_new(der, (gsize)length);
    OPENSSL_free(der);
    X509_REQ_free(request);
    return bytes;
}

static void
test_request(void)
{
    static const char *const names[] = {"pc-1.example.test", "pc-1", NULL};
    EVP_PKEY *key = EVP_RSA_gen(2048), *other = EVP_RSA_gen(2048);
    g_autoptr(GBytes) der = pkcs1_of(key);
    g_autoptr(GBytes) other_der = pkcs1_of(other);
    g_auto(AmtPublicKey) public_key = {0}, other_key = {0};
    g_autoptr(GBytes) request = amt_request_make(der, names[0], "Test", names, NULL);
    g_autoptr(GBytes) is_signed = sign_request(request, key);
    g_autoptr(GBytes) wrong = sign_request(request, other);
    g_autoptr(GError) error = NULL;

    read_key(&public_key, der);
    read_key(&other_key, other_der);
    g_assert_false(amt_request_check(request, &public_key, NULL));
    g_assert_true(amt_request_check(is_signed, &public_key, NULL));
    g_assert_false(amt_request_check(wrong, &public_key, &error));
    g_assert_error(error, POSTERN_ERROR, POSTERN_ERROR_PROTOCOL);
    g_assert_false(amt_request_check(is_signed, &other_key, NULL));
    EVP_PKEY_free(key);
    EVP_PKEY_free(other);
}

static AmtCa *
new_ca(EVP_PKEY *key, gint64 ends, const char *password, GError **error)
{
    g_autoptr(GBytes) certificate = self_signed(key, "Fleet CA", TRUE, NOW - 90 * DAY, ends);
    g_autoptr(GBytes) locked = pem_of(key, password);

    return amt_ca_new(certificate, "ca.pem", locked, "ca.key", password, NOW, error);
}

static void
test_issue(void)
{
    EVP_PKEY *key = EVP_RSA_gen(2048), *ca_key = EVP_RSA_gen(2048);
    g_autoptr(GBytes) der = pkcs1_of(key);
    g_autoptr(GBytes) request = amt_request_make(der, "pc-1.example.test", NULL, NULL, NULL);
    g_autoptr(GBytes) is_signed = sign_request(request, key);
    g_autoptr(AmtCa) ca = new_ca(ca_key, NOW + 100 * DAY, "secret", NULL);
    g_autoptr(GBytes) short_one = amt_ca_issue(ca, is_signed, 30, FALSE, NOW, NULL);
    g_autoptr(GBytes) long_one = amt_ca_issue(ca, is_signed, 365, TRUE, NOW, NULL);
    g_autoptr(AmtX509) a = read_x509(short_one);
    g_autoptr(AmtX509) b = read_x509(long_one);

    g_assert_cmpstr(a->subject, ==, "CN=pc-1.example.test");
    g_assert_cmpstr(a->issuer, ==, "CN=Fleet CA");
    g_assert_cmpuint(strlen(a->serial), ==, 32);
    g_assert_cmpstr(a->serial, !=, b->serial);
    g_assert_cmpint(a->not_after, ==, NOW + 30 * DAY);
    g_assert_cmpint(a->not_before, <, NOW);
    g_assert_cmpint(b->not_after, ==, NOW + 100 * DAY); /* not longer than the authority */
    g_assert_false(a->ca);
    g_assert_true(amt_x509_issued_by(a, amt_ca_certificate(ca)));
    g_assert_false(amt_x509_issued_by(a, b));
    EVP_PKEY_free(key);
    EVP_PKEY_free(ca_key);
}

static void
test_bad_ca(void)
{
    EVP_PKEY *key = EVP_RSA_gen(1024), *other = EVP_RSA_gen(1024);
    g_autoptr(GBytes) certificate = self_signed(key, "CA", TRUE, NOW - DAY, NOW + DAY);
    g_autoptr(GBytes) no_ca = self_signed(key, "pc", FALSE, NOW - DAY, NOW + DAY);
    g_autoptr(GBytes) key_pem = pem_of(key, NULL);
    g_autoptr(GBytes) locked = pem_of(key, "secret");
    g_autoptr(GBytes) other_pem = pem_of(other, NULL);
    const struct {
        GBytes *certificate, *key;
        const char *password, *words;
        gint64 now;
    } rows[] = {
        {certificate, other_pem, NULL, "is not that of the certificate", NOW},
        {certificate, locked, "wrong", "cannot read a private key", NOW},
        {certificate, locked, NULL, "ca-key-password", NOW},
        {no_ca, key_pem, NULL, "not that of a certification authority", NOW},
        {certificate, key_pem, NULL, "expired", NOW + 2 * DAY},
        {certificate, key_pem, NULL, "not valid yet", NOW - 2 * DAY},
        {key_pem, key_pem, NULL, "holds 0 certificates", NOW},
    };

    for (guint i = 0; i < G_N_ELEMENTS(rows); i++) {
        g_autoptr(GError) error = NULL;
        g_assert_null(amt_ca_new(rows[i].certificate,
                                 "ca.pem",
                                 rows[i].key,
                                 "ca.key",
                                 rows[i].password,
                                 rows[i].now,
                                 &error));
        g_assert_error(error, POSTERN_ERROR, POSTERN_ERROR_BAD_PARAM);
        if (strstr(error->message, rows[i].words) == NULL)
            g_error("expected '%s' in: %s", rows[i].words, error->message);
    }
    EVP_PKEY_free(key);
    EVP_PKEY_free(other);
}

/* ---- against recordings ---- */

static GVariant *
recorded(const char *name)
{
    g_autofree char *path =
        g_build_filename(TEST_SRCDIR, "..", "shared", "recordings", "amt", "amt", name, NULL);
    g_autofree char *text = NULL;
    g_autoptr(WsmanMessage) message = NULL;
    gsize length;

    if (!g_file_get_contents(path, &text, &length, NULL))
        return NULL;
    g_strchug(text);
    message = wsman_message_parse(&amt_profile, (const guint8 *)text, strlen(text), NULL);
    g_assert_nonnull(message);
    return g_variant_ref(message->body);
}

static const guint8 *
bytes_in(GVariant *values, const char *name, gsize *length, GVariant **kept)
{
    *kept = g_variant_lookup_value(values, name, G_VARIANT_TYPE_BYTESTRING);
    g_assert_nonnull(*kept);
    return g_variant_get_fixed_array(*kept, length, 1);
}

static void
test_recorded(void)
{
    g_autoptr(GVariant) certificate = recorded("publickey/certificate/get.xml");
    g_autoptr(GVariant) pair = recorded("publicprivate/get.xml");
    g_autoptr(GVariant) der = NULL;
    g_autoptr(GVariant) key_der = NULL;
    g_autoptr(AmtX509) x509 = NULL;
    g_auto(AmtPublicKey) key = {0};
    const guint8 *data;
    gsize length;

    if (certificate == NULL || pair == NULL) {
        g_test_skip("the recordings are not beside this tree");
        return;
    }
    data = bytes_in(certificate, "X509Certificate", &length, &der);
    x509 = amt_x509_read(data, length, NULL);
    g_assert_nonnull(x509);
    g_assert_cmpstr(x509->subject, ==, "C=unknown,O=unknown,CN=MPSRoot-0af1d5");
    g_assert_true(x509->self_signed);
    data = bytes_in(pair, "DERKey", &length, &key_der);
    g_assert_true(amt_public_key_read(&key, data, length, NULL));
    g_assert_cmpstr(key.kind, ==, "rsa");
    g_assert_cmpuint(key.bits, ==, 2048);
    g_assert_cmpuint(amt_handle_of("Intel(r) AMT Key: Handle: 12"), ==, 12);
    g_assert_cmpuint(amt_handle_of("Intel(r) AMT Key"), ==, G_MAXUINT32);
    g_assert_cmpuint(amt_handle_of(NULL), ==, G_MAXUINT32);
}

/* ---- versions ---- */

static void
test_versions(void)
{
    static const struct {
        const char *a, *b;
        gint order;
    } rows[] = {
        {"11.8.50.3425", "11.8.50.3425", 0},
        {"11.8.50", "11.8.50.0", 0},
        {"11.8.9", "11.8.50", -1}, /* as numbers, not as text */
        {"11.10", "11.8.99", 1},
        {"9.5.61.3012", "10.0", -1},
        {"12", "11.22.86.9999", 1},
    };
    gint order;

    for (guint i = 0; i < G_N_ELEMENTS(rows); i++) {
        g_assert_true(amt_version_compare(rows[i].a, rows[i].b, &order));
        g_assert_cmpint(order, ==, rows[i].order);
        g_assert_true(amt_version_compare(rows[i].b, rows[i].a, &order));
        g_assert_cmpint(order, ==, -rows[i].order);
    }
    g_assert_false(amt_version_compare("11.8.x", "11.8", &order));
    g_assert_false(amt_version_compare("", "11.8", &order));
    g_assert_false(amt_version_compare("1.2.3.4.5", "11.8", &order));
    g_assert_false(amt_version_compare("11.-8", "11.8", &order));
}

/* Of "INTEL-SA-00075" the 75. */
static int
number_of(const AmtAdvisory *advisory)
{
    guint64 number = 0;

    g_assert_true(g_ascii_string_to_unsigned(
        advisory->id + strlen("INTEL-SA-"), 10, 0, G_MAXINT, &number, NULL));
    return (int)number;
}

static void
test_advisories(void)
{
    static const struct {
        const char *version, *expected;
    } rows[] = {
        {"9.1.40.1000", "75"},
        {"9.1.41.3024", ""},
        {"9.5.60.1000", "75"},
        {"8.1.71.3607", "75"},
        {"11.6.20.1221", "75 86 112 141 185 213 241 295 391 404 459"},
        {"11.6.27.3264", "86 112 141 185 213 241 295 391 404 459"},
        {"11.8.50.3425", "141 185 213 241 295 391 404 459"},
        {"11.8.77.3664", "391 404 459"},
        {"11.8.79.0", "391 459"},
        {"11.8.86", ""},
        {"11.12.79", "391 459"},
        {"11.22.86", ""},
        {"12.0.4", "141 185 213 241 295 391 404 459"},
        {"12.0.45.1509", "295 391 404 459"},
        {"12.0.81", ""},
        {"13.0.32", "459"},
        {"14.0.33", "391 404 459"},
        {"14.1.53", ""},
        {"15.0.21", "459"},
        {"16.1.25.1885", ""},
        {"nonsense", ""},
    };

    for (guint i = 0; i < G_N_ELEMENTS(rows); i++) {
        g_autoptr(GArray) found = amt_advisories_for(rows[i].version);
        g_autoptr(GString) ids = g_string_new(NULL);
        for (guint n = 0; n < found->len; n++)
            g_string_append_printf(
                ids, "%s%d", n > 0 ? " " : "", number_of(&g_array_index(found, AmtAdvisory, n)));
        if (!g_str_equal(ids->str, rows[i].expected))
            g_error("%s: expected %s, found %s", rows[i].version, rows[i].expected, ids->str);
    }
}

static void
test_hello(void)
{
    guint8 answer[] = {22, 3, 2, 0, 81, 2, 0, 0, 77, 3, 2};

    g_assert_cmphex(amt_hello_version(answer, sizeof answer), ==, 0x0302);
    g_assert_cmphex(amt_hello_version(answer, sizeof answer - 1), ==, 0);
    answer[10] = 3; /* 1.2: nobody asked for it */
    g_assert_cmphex(amt_hello_version(answer, sizeof answer), ==, 0);
    answer[10] = 1;
    answer[0] = 21; /* an alert */
    g_assert_cmphex(amt_hello_version(answer, sizeof answer), ==, 0);
}

int
main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/amt-x509/certificate", test_certificate);
    g_test_add_func("/amt-x509/garbage", test_garbage);
    g_test_add_func("/amt-x509/key-34", test_key_34);
    g_test_add_func("/amt-x509/file", test_file);
    g_test_add_func("/amt-x509/locked-file", test_locked_file);
    g_test_add_func("/amt-x509/request", test_request);
    g_test_add_func("/amt-x509/issue", test_issue);
    g_test_add_func("/amt-x509/bad-ca", test_bad_ca);
    g_test_add_func("/amt-x509/recorded", test_recorded);
    g_test_add_func("/amt-x509/versions", test_versions);
    g_test_add_func("/amt-x509/advisories", test_advisories);
    g_test_add_func("/amt-x509/hello", test_hello);
    return g_test_run();
}
