/* SPDX-License-Identifier: Apache-2.0 */
#include "config.h"

#include "http-parse.h"

#include <postern-plugin.h>

#include <string.h>

enum { MOST = 4096 };

/* Feed `text` in pieces of `step` bytes. NULL: an error, put into `error`. */
static gboolean
feed(HttpParser *parser, const char *text, gsize length, gsize step, gsize *used, GError **error)
{
    *used = 0;
    while (*used < length && parser->place != HTTP_AT_DONE) {
        gssize part = http_parser_feed(parser, text + *used, MIN(step, length - *used), error);
        if (part < 0)
            return FALSE;
        *used += (gsize)part;
    }
    return TRUE;
}

/* `text` is an answer with this body, however it is cut, and leaves `rest` bytes. */
static void
good(const char *text, guint status, const char *body, gboolean keep, gsize rest)
{
    static const gsize steps[] = {1, 2, 3, 7, 100000};

    for (guint i = 0; i < G_N_ELEMENTS(steps); i++) {
        g_autoptr(GError) error = NULL;
        HttpParser parser;
        gsize used;

        http_parser_init(&parser, FALSE, MOST);
        feed(&parser, text, strlen(text), steps[i], &used, &error);
        g_assert_no_error(error);
        g_assert_cmpuint(used, ==, strlen(text) - rest);
        g_assert_true(http_parser_end(&parser, &error));
        g_assert_cmpuint(parser.status, ==, status);
        g_assert_cmpint(parser.keep, ==, keep);
        g_assert_cmpmem(parser.body->data, parser.body->len, body, strlen(body));
        http_parser_clear(&parser);
    }
}

static void
bad(const char *text, gsize length, const char *pattern)
{
    static const gsize steps[] = {1, 5, 100000};

    for (guint i = 0; i < G_N_ELEMENTS(steps); i++) {
        g_autoptr(GError) error = NULL;
        HttpParser parser;
        gsize used;

        http_parser_init(&parser, FALSE, MOST);
        if (feed(&parser, text, length, steps[i], &used, &error))
            g_error("taken: %.60s", text);
        g_assert_error(error, POSTERN_ERROR, POSTERN_ERROR_PROTOCOL);
        if (!g_pattern_match_simple(pattern, error->message))
            g_error("'%s' is not '%s'", error->message, pattern);
        http_parser_clear(&parser);
    }
}

static void
test_good(void)
{
    good("HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello", 200, "hello", TRUE, 0);
    good("HTTP/1.1 200 OK\r\ncontent-LENGTH:5  \r\n\r\nhelloMORE", 200, "hello", TRUE, 4);
    good("HTTP/1.1 303 \r\nContent-Length: 0\r\nLocation: /logon.htm\r\n\r\n", 303, "", TRUE, 0);
    good("HTTP/1.1 204\r\n\r\n", 204, "", TRUE, 0);
    good("HTTP/1.0 200 OK\r\n\r\nto the end", 200, "to the end", FALSE, 0);
    good("HTTP/1.0 200 OK\nConnection: keep-alive\nContent-Length: 2\n\nok", 200, "ok", TRUE, 0);
    good(
        "HTTP/1.1 401 No\r\nConnection: Close\r\nContent-Length: 2\r\n\r\nno", 401, "no", FALSE, 0);
    good("HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 200 OK\r\nContent-Length: 1\r\n\r\nx",
         200,
         "x",
         TRUE,
         0);
    good("HTTP/1.1 200 OK\r\nX: a\r\n b\r\nContent-Length: 1\r\nContent-Length: 1\r\n\r\nx",
         200,
         "x",
         TRUE,
         0);
}

static void
test_chunked(void)
{
#define CHUNKED "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"
    good(CHUNKED "0004\r\nWiki\r\n000005\r\npedia\r\n0\r\n\r\n", 200, "Wikipedia", TRUE, 0);
    good(CHUNKED "4;name=\"v;x\"\r\nWiki\r\n0 ;last\r\nX-Trailer: 1\r\n\r\nrest",
         200,
         "Wiki",
         TRUE,
         4);
    good(CHUNKED "a\n0123456789\n00\n\n", 200, "0123456789", TRUE, 0);
    good("HTTP/1.1 200 OK\r\nContent-Length: 3\r\nTransfer-Encoding: "
         "chunked\r\n\r\n1\r\nx\r\n0\r\n\r\n",
         200,
         "x",
         FALSE,
         0);
    bad(CHUNKED "xyz\r\n", strlen(CHUNKED) + 5, "*chunk size line*0x78*");
    bad(CHUNKED "\r\n", strlen(CHUNKED) + 2, "*no size*");
    bad(CHUNKED "ffffffffffffffffff\r\n", strlen(CHUNKED) + 20, "*larger than any*");
    bad(CHUNKED "fffffff\r\n", strlen(CHUNKED) + 9, "*larger than the 4096*");
    bad(CHUNKED "-1\r\n", strlen(CHUNKED) + 4, "*0x2d*");
    bad(CHUNKED "1\r\nxyz", strlen(CHUNKED) + 6, "*followed by byte*");
}

static void
test_bad(void)
{
    g_autofree char *long_line = g_strdup_printf("HTTP/1.1 200 OK\r\nX: %0*d\r\n", 20000, 1);
    GString *many = g_string_new("HTTP/1.1 200 OK\r\n");

    for (guint i = 0; i <= HTTP_LINES; i++)
        g_string_append_printf(many, "X-%u: 1\r\n", i);
    g_string_append(many, "\r\n");
    bad(long_line, strlen(long_line), "*longer than*");
    bad(many->str, many->len, "*more than 64*");
    g_string_free(many, TRUE);
    bad("SSH-2.0-OpenSSH\r\n", 17, "*begins with 'S*");
    bad("\x15\x03\x01\x00\x02", 5, "*begins with*");
    bad("HTTP/1.1 2x0 OK\r\n\r\n", 19, "*begins with*");
    bad("HTTP/1.1 200 OK\r\nno colon\r\n\r\n", 29, "*no name and colon*");
    bad("HTTP/1.1 200 OK\r\nX : 1\r\n\r\n", 26, "*no name and colon*");
    bad("HTTP/1.1 200 OK\r\nX: \0\r\n\r\n", 25, "*begins with*");
    bad("HTTP/1.1 200 OK\r\nContent-Length: -1\r\n\r\n", 39, "*Content-Length*");
    bad("HTTP/1.1 200 OK\r\nContent-Length: 99999999999999999999\r\n\r\n", 57, "*Content-Length*");
    bad("HTTP/1.1 200 OK\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\n", 57, "*not the same*");
    bad("HTTP/1.1 200 OK\r\nContent-Length: 4097\r\n\r\n", 41, "*larger than the 4096*");
    bad("HTTP/1.1 200 OK\r\nTransfer-Encoding: gzip\r\n\r\n", 44, "*transfer coding*");
    bad("HTTP/1.1 101 Switching\r\n\r\n", 26, "*status 101*");
}

static void
test_ends(void)
{
    static const char *const texts[] = {
        "",
        "HTT",
        "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhe",
        "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n"};

    for (guint i = 0; i < G_N_ELEMENTS(texts); i++) {
        g_autoptr(GError) error = NULL;
        HttpParser parser;

        http_parser_init(&parser, FALSE, MOST);
        g_assert_cmpint(
            http_parser_feed(&parser, texts[i], strlen(texts[i]), &error), ==, strlen(texts[i]));
        g_assert_no_error(error);
        g_assert_false(http_parser_end(&parser, &error));
        g_assert_error(error, POSTERN_ERROR, POSTERN_ERROR_UNREACHABLE);
        http_parser_clear(&parser);
    }
}

static void
test_headers(void)
{
    const char *text =
        "HTTP/1.1 200 OK\r\nServer:  Intel(R) AMT 15.0 \r\nWWW-Authenticate: Digest\r\n"
        "Www-Authenticate: Basic\r\nEmpty:\r\nContent-Length: 0\r\n\r\n";
    HttpParser parser;

    http_parser_init(&parser, FALSE, MOST);
    g_assert_cmpint(http_parser_feed(&parser, text, strlen(text), NULL), ==, strlen(text));
    g_assert_cmpstr(http_parser_header(&parser, "server", 0), ==, "Intel(R) AMT 15.0");
    g_assert_cmpstr(http_parser_header(&parser, "www-authenticate", 1), ==, "Basic");
    g_assert_null(http_parser_header(&parser, "www-authenticate", 2));
    g_assert_cmpstr(http_parser_header(&parser, "EMPTY", 0), ==, "");
    http_parser_clear(&parser);
}

static void
test_head_request(void)
{
    const char *text = "HTTP/1.1 200 OK\r\nContent-Length: 500\r\n\r\n";
    HttpParser parser;

    http_parser_init(&parser, TRUE, MOST);
    g_assert_cmpint(http_parser_feed(&parser, text, strlen(text), NULL), ==, strlen(text));
    g_assert_cmpint(parser.place, ==, HTTP_AT_DONE);
    http_parser_clear(&parser);
}

int
main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/http-parse/good", test_good);
    g_test_add_func("/http-parse/chunked", test_chunked);
    g_test_add_func("/http-parse/bad", test_bad);
    g_test_add_func("/http-parse/ends", test_ends);
    g_test_add_func("/http-parse/headers", test_headers);
    g_test_add_func("/http-parse/head-request", test_head_request);
    return g_test_run();
}
