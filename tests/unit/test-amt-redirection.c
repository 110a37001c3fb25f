/* SPDX-License-Identifier: Apache-2.0 */
/* The redirection port as a client reads it: messages, the digest of the login, scripts, and text without its steering. */
#include "amt-redirection.h"
#include "amt-sol-script.h"
#include "amt-sol.h"

#include <string.h>

typedef struct {
    const char *name;
    AmtSessionKind kind;
    const char *hex; /* the whole message */
    guint8 status;
    guint32 sequence;
    const char *data; /* hex of what it carries */
} Vector;

/* Lengths and layouts of sections 13.1 to 13.4; the answer to the start is that of an AMT 15. */
/* clang-format off */
static const Vector vectors[] = {
    {"start", AMT_SESSION_SOL, "11000000 0100 0F00 57010000 00", 0, 0, ""},
    {"start with oem data", AMT_SESSION_KVM, "11000000 0100 0F00 57010000 03 AABBCC", 0, 0, "AABBCC"},
    {"busy", AMT_SESSION_IDER, "11020000", 2, 0, ""},
    {"end", AMT_SESSION_SOL, "12000000", 0, 0, ""},
    {"methods", AMT_SESSION_SOL, "14000000 00 01000000 04", 0, 0, "04"},
    {"in", AMT_SESSION_SOL, "14000000 04 00000000", 0, 0, ""},
    {"challenge", AMT_SESSION_SOL, "14010000 04 06000000 0141 0142 0143", 1, 0, "014101420143"},
    {"console starts", AMT_SESSION_SOL, "21000000 00000000 1027 6400 0000 1027 6400 8813 000000", 0, 0,
     "1027 6400 0000 1027 6400 8813 000000"},
    {"console refuses", AMT_SESSION_SOL, "21010000", 1, 0, ""},
    {"console ends", AMT_SESSION_SOL, "23000000 07000000", 0, 7, ""},
    {"pong", AMT_SESSION_SOL, "25000000 01020304", 0, 0x04030201, ""},
    {"lines", AMT_SESSION_SOL, "29000000 02000000 0304", 0, 2, "0304"},
    {"text", AMT_SESSION_SOL, "2A000000 03000000 0500 68656C6C6F", 0, 3, "68656C6C6F"},
    {"no text", AMT_SESSION_SOL, "2A000000 03000000 0000", 0, 3, ""},
    {"heartbeat", AMT_SESSION_SOL, "2B000000 04000000", 0, 4, ""},
    {"screen", AMT_SESSION_KVM, "41000000 00000000", 0, 0, ""},
    {"storage", AMT_SESSION_IDER, "41000000 00000000 0100 0C00 00000000 0020 0020 00 00 000000 57010000 02 1122", 0, 0, "1122"},
    {"storage ends", AMT_SESSION_IDER, "43000000 01000000", 0, 1, ""},
    {"storage ping", AMT_SESSION_IDER, "44000000 01000000", 0, 1, ""},
    {"storage pong", AMT_SESSION_IDER, "45000000 01000000", 0, 1, ""},
    {"storage reset", AMT_SESSION_IDER, "46000000 02000000 03", 0, 2, "03"},
    {"features", AMT_SESSION_IDER, "49000000 03000000 03 01000000", 0, 3, "0301000000"},
    {"error", AMT_SESSION_IDER, "4A000000 03000000 010203", 0, 3, "010203"},
    {"storage heartbeat", AMT_SESSION_IDER, "4B000000 05000000", 0, 5, ""},
    {"command", AMT_SESSION_IDER, "50000000 06000000 00 01 00000000 B0 00 280000000000000001000000", 0, 6,
     "0001 00000000 B000 280000000000000001000000"},
    {"written", AMT_SESSION_IDER, "53000000 07000000 00 0300 000000 AABBCC", 0, 7, "AABBCC"},
};
/* clang-format on */

static GBytes *
unhex(const char *text)
{
    g_autoptr(GByteArray) out = g_byte_array_new();

    for (; *text != '\0'; text++) {
        guint8 byte;
        if (*text == ' ')
            continue;
        byte = (guint8)(g_ascii_xdigit_value(text[0]) << 4 | g_ascii_xdigit_value(text[1]));
        g_byte_array_append(out, &byte, 1);
        text++;
    }
    return g_bytes_new(out->data, out->len);
}

static void
test_messages(void)
{
    for (guint i = 0; i < G_N_ELEMENTS(vectors); i++) {
        const Vector *v = &vectors[i];
        g_autoptr(GBytes) bytes = unhex(v->hex), data = unhex(v->data);
        g_autoptr(GError) error = NULL;
        gsize length, data_length;
        const guint8 *at = g_bytes_get_data(bytes, &length);
        const guint8 *expected = g_bytes_get_data(data, &data_length);
        AmtMessage message;

        g_test_message("%s", v->name);
        g_assert_cmpint(
            amt_message_parse(v->kind, at, length, &message, &error), ==, (gssize)length);
        g_assert_no_error(error);
        g_assert_cmpuint(message.opcode, ==, at[0]);
        g_assert_cmpuint(message.status, ==, v->status);
        g_assert_cmpuint(message.sequence, ==, v->sequence);
        g_assert_cmpmem(message.data, message.data_length, expected, data_length);
    }
}

/* Whatever is missing, more is asked for: never a message that is not whole. */
static void
test_truncated(void)
{
    for (guint i = 0; i < G_N_ELEMENTS(vectors); i++) {
        g_autoptr(GBytes) bytes = unhex(vectors[i].hex);
        gsize length;
        const guint8 *at = g_bytes_get_data(bytes, &length);
        for (gsize cut = 0; cut < length; cut++) {
            g_autofree guint8 *copy = g_memdup2(at, cut); /* so that a checker sees its end */
            g_autoptr(GError) error = NULL;
            AmtMessage message;
            g_assert_cmpint(amt_message_parse(vectors[i].kind, copy, cut, &message, &error), ==, 0);
            g_assert_no_error(error);
        }
    }
}

/* Any bit may be wrong, in a session of any kind: what comes out stays inside what went in. */
static void
check_flipped(const guint8 *at, gsize length, gsize bit, AmtSessionKind kind)
{
    g_autofree guint8 *copy = g_memdup2(at, length);
    g_autoptr(GError) error = NULL;
    AmtMessage message;
    gssize used;

    copy[bit / 8] ^= (guint8)(1 << bit % 8);
    used = amt_message_parse(kind, copy, length, &message, &error);
    g_assert_cmpint(used, >=, -1);
    g_assert_cmpint(used, <=, (gssize)length);
    if (used < 0)
        g_assert_error(error, POSTERN_ERROR, POSTERN_ERROR_PROTOCOL);
    else
        g_assert_no_error(error);
    if (used > 0) {
        g_assert_true(message.data >= copy && message.data + message.data_length == copy + used);
        g_assert_cmpuint(message.length, ==, (gsize)used);
    }
}

static void
test_flipped(void)
{
    for (guint i = 0; i < G_N_ELEMENTS(vectors); i++) {
        g_autoptr(GBytes) bytes = unhex(vectors[i].hex);
        gsize length;
        const guint8 *at = g_bytes_get_data(bytes, &length);
        for (gsize bit = 0; bit < length * 8; bit++)
            for (gint kind = AMT_SESSION_SOL; kind <= AMT_SESSION_KVM; kind++)
                check_flipped(at, length, bit, (AmtSessionKind)kind);
    }
}

static void
test_refused_messages(void)
{
    static const struct {
        AmtSessionKind kind;
        const char *hex;
    } wrong[] = {
        {AMT_SESSION_SOL, "00"},                   /* no opcode */
        {AMT_SESSION_SOL, "20000000"},             /* a client's */
        {AMT_SESSION_SOL, "4B000000 00000000"},    /* of storage */
        {AMT_SESSION_IDER, "2B000000 00000000"},   /* of a console */
        {AMT_SESSION_SOL, "14000000 04 01100000"}, /* 4097 bytes of login */
        {AMT_SESSION_SOL, "14000000 04 FFFFFFFF"},
    };

    for (guint i = 0; i < G_N_ELEMENTS(wrong); i++) {
        g_autoptr(GBytes) bytes = unhex(wrong[i].hex);
        g_autoptr(GError) error = NULL;
        gsize length;
        const guint8 *at = g_bytes_get_data(bytes, &length);
        AmtMessage message;
        g_assert_cmpint(amt_message_parse(wrong[i].kind, at, length, &message, &error), ==, -1);
        g_assert_error(error, POSTERN_ERROR, POSTERN_ERROR_PROTOCOL);
    }
}

static void
test_texts(void)
{
    static const guint8 bytes[] = {2, 'a', 'b', 0, 1, 'c', 3, 'd', 'e'};
    static const guint8 zero[] = {2, 'a', 0};
    const guint8 *at = bytes;
    g_autofree char *first = amt_message_text(&at, bytes + sizeof bytes);
    g_autofree char *second = amt_message_text(&at, bytes + sizeof bytes);
    g_autofree char *third = amt_message_text(&at, bytes + sizeof bytes);

    g_assert_cmpstr(first, ==, "ab");
    g_assert_cmpstr(second, ==, "");
    g_assert_cmpstr(third, ==, "c");
    g_assert_null(amt_message_text(&at, bytes + sizeof bytes));
    at = bytes + sizeof bytes;
    g_assert_null(amt_message_text(&at, bytes + sizeof bytes));
    at = zero;
    g_assert_null(amt_message_text(&at, zero + sizeof zero));
}

/* ---- the login ---- */

#define REALM "Digest:4BB90000000000000000000000000000"
#define NONCE "zicaAAAAAAAAAAAAa8tMnB1xbyLK5UFG"

static char *
field(const GByteArray *body, guint n)
{
    const guint8 *at = body->data, *end = body->data + body->len;
    char *text = NULL;

    for (guint i = 0; i <= n; i++) {
        g_free(text);
        text = amt_message_text(&at, end);
    }
    return text;
}

/* The vector of the protocol's document. */
static void
test_digest(void)
{
    static const char *const expected[] = {"admin",
                                           REALM,
                                           NONCE,
                                           "/RedirectionService",
                                           "0123456789abcdef",
                                           "00000002",
                                           "269bfad8cd858d0d5d938daf1691ebde",
                                           "auth"};
    g_autoptr(GByteArray) body =
        amt_login_answer("admin", "P@ssw0rd", REALM, NONCE, "0123456789abcdef", "00000002", "auth");
    gsize length = 0;

    for (guint i = 0; i < G_N_ELEMENTS(expected); i++) {
        g_autofree char *found = field(body, i);
        g_assert_cmpstr(found, ==, expected[i]);
        length += strlen(expected[i]) + 1;
    }
    g_assert_cmpuint(body->len, ==, length);
}

/* Without qop: HA1, nonce and HA2 only. */
static void
test_digest_without_qop(void)
{
    g_autoptr(GByteArray) body =
        amt_login_answer("admin", "P@ssw0rd", REALM, NONCE, "0123456789abcdef", "00000002", NULL);
    g_autofree char *ha2 =
        g_compute_checksum_for_string(G_CHECKSUM_MD5, "POST:/RedirectionService", -1);
    g_autofree char *all =
        g_strconcat("d49472b8191f62e2aa22a16388caf051", ":", NONCE, ":", ha2, NULL);
    g_autofree char *expected = g_compute_checksum_for_string(G_CHECKSUM_MD5, all, -1);
    g_autofree char *found = field(body, 6);
    g_autofree char *none = field(body, 7);

    g_assert_cmpstr(found, ==, expected);
    g_assert_null(none);
}

/* ---- scripts ---- */

static void
test_script(void)
{
    g_autoptr(GError) error = NULL;
    g_autoptr(GPtrArray) steps = amt_script_read("# for people\n"
                                                 "\n"
                                                 "  send a\\r\\n\\t\\e\\b\\s\\\\\\x41\\{secret}\r\n"
                                                 "expect ^\\d+$\n"
                                                 "timeout 7\n"
                                                 "capture the.name value (\\S+)\n"
                                                 "wait 2",
                                                 "pass",
                                                 30,
                                                 &error);
    const AmtStep *step;

    g_assert_no_error(error);
    g_assert_cmpuint(steps->len, ==, 4);
    step = steps->pdata[0];
    g_assert_cmpint(step->kind, ==, AMT_STEP_SEND);
    g_assert_cmpuint(step->line, ==, 3);
    g_assert_cmpmem(step->bytes->data, step->bytes->len, "a\r\n\t\033\b \\Apass", 13);
    g_assert_null(strstr(step->words, "pass"));
    step = steps->pdata[1];
    g_assert_cmpint(step->kind, ==, AMT_STEP_EXPECT);
    g_assert_cmpint(step->ms, ==, 30000);
    g_assert_true(g_regex_match(step->pattern, "x\r\n12\r\ny", 0, NULL));
    step = steps->pdata[2];
    g_assert_cmpint(step->kind, ==, AMT_STEP_CAPTURE);
    g_assert_cmpstr(step->name, ==, "the.name");
    g_assert_cmpint(step->ms, ==, 7000);
    step = steps->pdata[3];
    g_assert_cmpint(step->kind, ==, AMT_STEP_WAIT);
    g_assert_cmpint(step->ms, ==, 2000);
}

static void
test_script_wrong(void)
{
    static const struct {
        const char *script, *words;
    } wrong[] = {
        {"", "no step"},
        {"# nothing\n", "no step"},
        {"send a\nshout b",
         "line 2: expected send, expect, capture, timeout or wait, got 'shout b'"},
        {"send \\q", "expected \\r \\n \\t \\e \\b \\s \\\\ \\xNN or \\{secret}, got '\\q'"},
        {"send \\x4", "expected \\r"},
        {"send \\", "expected \\r"},
        {"send \\{secret}", "the parameter secret is missing"},
        {"expect", "expected a regular expression"},
        {"expect (", "line 1: "},
        {"capture name", "expected a regular expression"},
        {"capture a/b x", "a name has letters"},
        {"timeout soon", "expected a number of seconds"},
        {"wait 86401", "expected a number of seconds"},
    };

    for (guint i = 0; i < G_N_ELEMENTS(wrong); i++) {
        g_autoptr(GError) error = NULL;
        g_assert_null(amt_script_read(wrong[i].script, NULL, 30, &error));
        g_assert_error(error, POSTERN_ERROR, POSTERN_ERROR_BAD_PARAM);
        if (strstr(error->message, wrong[i].words) == NULL)
            g_error("\"%s\" does not say \"%s\"", error->message, wrong[i].words);
    }
}

/* ---- text ---- */

/* The same however the bytes are cut into pieces. */
static void
test_plain(void)
{
    static const char in[] = "\033[2J\033[1;1HBIOS \033[1;31mred\033[0m\007\b\r\n"
                             "\033]0;title\007a\033]0;t\033\\b\033(Bc\033=d\033[12\nrest\x7F";
    static const char expected[] = "BIOS red\r\nabcd\nrest";

    for (gsize piece = 1; piece < sizeof in; piece++) {
        g_autoptr(GString) out = g_string_new(NULL);
        AmtPlain plain = {0};
        for (gsize at = 0; at < sizeof in - 1; at += piece)
            amt_plain_add(&plain, out, (const guint8 *)in + at, MIN(piece, sizeof in - 1 - at));
        g_assert_cmpstr(out->str, ==, expected);
    }
}

int
main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/amt/redirection/messages", test_messages);
    g_test_add_func("/amt/redirection/truncated", test_truncated);
    g_test_add_func("/amt/redirection/flipped", test_flipped);
    g_test_add_func("/amt/redirection/refused", test_refused_messages);
    g_test_add_func("/amt/redirection/texts", test_texts);
    g_test_add_func("/amt/redirection/digest", test_digest);
    g_test_add_func("/amt/redirection/digest-without-qop", test_digest_without_qop);
    g_test_add_func("/amt/sol/script", test_script);
    g_test_add_func("/amt/sol/script-wrong", test_script_wrong);
    g_test_add_func("/amt/sol/plain", test_plain);
    return g_test_run();
}
