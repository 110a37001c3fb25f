/* SPDX-License-Identifier: Apache-2.0 */
#include "config.h"

#include "digest.h"

#include <string.h>

#define AMT_REALM "Digest:4BB90000000000000000000000000000"
#define AMT_NONCE "zicaAAAAAAAAAAAAa8tMnB1xbyLK5UFG"

static DigestChallenge
parse(const char *value)
{
    DigestChallenge challenge = {0};

    digest_challenge_add(&challenge, value);
    return challenge;
}

/* A header for a fixed cnonce, so that it can be compared. */
static char *
header_for(const char *value,
           const char *user,
           const char *password,
           const char *cnonce,
           guint count,
           const char *method,
           const char *uri,
           const char *body)
{
    DigestChallenge challenge = parse(value);
    g_autoptr(GBytes) bytes = body ? g_bytes_new(body, strlen(body)) : NULL;
    GString *head = g_string_new(NULL);
    DigestLogin login = {0};

    g_assert_true(challenge.digest);
    digest_login_start(&login, &challenge, user, password);
    g_strlcpy(login.cnonce, cnonce, sizeof login.cnonce);
    login.count = count - 1;
    digest_login_header(&login, head, method, uri, bytes);
    digest_login_clear(&login);
    return g_string_free(head, FALSE);
}

static void
has(const char *header, const char *part)
{
    if (strstr(header, part) == NULL)
        g_error("no '%s' in '%s'", part, header);
}

/* The irregular form that firmware sends. */
#define AMT_CHALLENGE(qop)                                                                         \
    "Digest realm=\"" AMT_REALM "\", nonce=\"" AMT_NONCE "\",stale=\"false\",qop=\"" qop "\""

static void
test_amt_vectors(void)
{
    g_autofree char *plain = header_for(
        AMT_CHALLENGE("auth"), "admin", "P@ssw0rd", "0123456789abcdef", 1, "POST", "/wsman", NULL);
    g_autofree char *with_body = header_for(AMT_CHALLENGE("auth-int, auth"),
                                            "admin",
                                            "P@ssw0rd",
                                            "0123456789abcdef",
                                            1,
                                            "POST",
                                            "/wsman",
                                            "<x></x>");
    g_autofree char *redirection = header_for(AMT_CHALLENGE("auth"),
                                              "admin",
                                              "P@ssw0rd",
                                              "0123456789abcdef",
                                              2,
                                              "POST",
                                              "/RedirectionService",
                                              NULL);

    has(plain, "response=\"fd8be8a7f96cd99755962724f48b9c0d\"");
    has(plain, "nc=00000001,");
    has(plain, "qop=auth,");
    has(with_body, "response=\"ab5bdced346726824763935444d9e09c\"");
    has(with_body, "qop=auth-int,");
    has(redirection, "response=\"269bfad8cd858d0d5d938daf1691ebde\"");
    has(redirection, "nc=00000002,");
    g_assert_null(strstr(plain, "algorithm"));
    g_assert_null(strstr(plain, "opaque"));
}

/* RFC 7616, 3.9.1: "Circle of Life" with both algorithms. */
static void
test_rfc_vectors(void)
{
    const char *rest = "realm=\"http-auth@example.org\", qop=\"auth, auth-int\", "
                       "nonce=\"7ypf/xlj9XXwfDPEoM4URrv/xwf94BcCAzFZH4GiTo0v\", "
                       "opaque=\"FQhe/qaU925kfnzjCev0ciny7QMkPqMAFRtzCUYo5tdS\"";
    g_autofree char *md5 = g_strdup_printf("Digest %s, algorithm=MD5", rest);
    g_autofree char *sha = g_strdup_printf("Digest %s, algorithm=SHA-256", rest);
    const char *values[] = {md5, sha};
    const char *expected[] = {"8ca523f5e9506fed4657c9700eebdbec",
                              "753927fa0e85d155564e2e272a28d1802ca10daf4496794697cf8db5856cb6c1"};

    for (guint i = 0; i < 2; i++) {
        DigestChallenge challenge = parse(values[i]);
        DigestLogin login = {0};
        GString *head = g_string_new(NULL);
        g_assert_cmpint(challenge.qop, ==, DIGEST_QOP_AUTH_INT);
        challenge.qop = DIGEST_QOP_AUTH; /* as the RFC's example answers */
        digest_login_start(&login, &challenge, "Mufasa", "Circle of Life");
        g_strlcpy(
            login.cnonce, "f2/wE4q74E6zIJEtWaHKaf5wv/H5QzzpXusqGemxURZJ", sizeof login.cnonce);
        digest_login_header(&login, head, "GET", "/dir/index.html", NULL);
        has(head->str, "opaque=\"FQhe/qaU925kfnzjCev0ciny7QMkPqMAFRtzCUYo5tdS\"");
        has(head->str, i == 0 ? "algorithm=MD5," : "algorithm=SHA-256,");
        has(head->str, expected[i]);
        digest_login_clear(&login);
        g_string_free(head, TRUE);
    }
}

/* RFC 2617's example, whose cnonce fits; and RFC 2069's old form without qop. */
static void
test_old_vectors(void)
{
    g_autofree char *qop = header_for("Digest realm=\"testrealm@host.com\", qop=\"auth,auth-int\", "
                                      "nonce=\"dcd98b7102dd2f0e8b11d0f600bfb0c093\"",
                                      "Mufasa",
                                      "Circle Of Life",
                                      "0a4f113b",
                                      1,
                                      "GET",
                                      "/dir/index.html",
                                      NULL);
    g_autofree char *old =
        header_for("digest nonce=dcd98b7102dd2f0e8b11d0f600bfb0c093 realm=\"testrealm@host.com\"",
                   "Mufasa",
                   "CircleOfLife",
                   "",
                   1,
                   "GET",
                   "/dir/index.html",
                   NULL);

    has(qop, "qop=auth-int");
    has(old, "response=\"1949323746fe6a43ef61f9606e7febea\"");
    g_assert_null(strstr(old, "cnonce"));
}

static void
test_reading(void)
{
    DigestChallenge c = parse("Digest realm=\"a \\\"b\\\" c\" nonce=\"n\"  ,qop=auth , stale=TRUE");

    g_assert_true(c.digest);
    g_assert_true(c.stale);
    g_assert_cmpstr(c.realm, ==, "a \"b\" c");
    g_assert_cmpstr(c.nonce, ==, "n");
    g_assert_cmpint(c.qop, ==, DIGEST_QOP_AUTH);
    digest_challenge_clear(&c);

    c = parse("Negotiate YIIabc==, Digest realm=r,nonce=m,algorithm=md5-SESS, Basic realm=\"x\"");
    g_assert_true(c.digest);
    g_assert_true(c.basic);
    g_assert_cmpstr(c.unusable, ==, "Negotiate");
    g_assert_cmpint(c.algorithm, ==, DIGEST_MD5_SESS);
    digest_challenge_clear(&c);

    c = parse("Digest realm=r,nonce=1,algorithm=MD5");
    digest_challenge_add(&c, "Digest realm=r,nonce=2,algorithm=SHA-256");
    digest_challenge_add(&c, "Digest realm=r,nonce=3,algorithm=SHA-512-256");
    g_assert_cmpstr(c.nonce, ==, "2");
    g_assert_cmpstr(c.unusable, ==, "Digest with algorithm SHA-512-256");
    digest_challenge_clear(&c);

    c = parse("Digest nonce=\"n\"");
    g_assert_false(c.digest);
    g_assert_nonnull(c.unusable);
    digest_challenge_clear(&c);

    c = parse("Digest realm=\"unfinished");
    g_assert_false(c.digest);
    digest_challenge_clear(&c);

    c = parse("Digest realm=r, nonce=n, qop=\"secret-handshake\"");
    g_assert_false(c.digest);
    digest_challenge_clear(&c);
}

/* What the user is called cannot break out of the header. */
static void
test_quoting(void)
{
    g_autofree char *header =
        header_for("Digest realm=\"r\\\"\", nonce=n", "ad\"min\\", "p", "", 1, "GET", "/", NULL);

    has(header, "username=\"ad\\\"min\\\\\"");
    has(header, "realm=\"r\\\"\"");
}

int
main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/digest/amt-vectors", test_amt_vectors);
    g_test_add_func("/digest/rfc7616", test_rfc_vectors);
    g_test_add_func("/digest/rfc2617-rfc2069", test_old_vectors);
    g_test_add_func("/digest/reading", test_reading);
    g_test_add_func("/digest/quoting", test_quoting);
    return g_test_run();
}
