/* SPDX-License-Identifier: Apache-2.0 */
/* RFB as AMT speaks it: handshake from both sides, encodings, pixel formats, and sessions that are cut or changed. */
#include "config.h"

#include <postern-host.h>

#include <amt-rfb.h>
#include <string.h>
#include <zlib.h>

/* The other side: bytes to read, and what was written to it. */
typedef struct {
    GByteArray *in, *out;
    guint at;
    const char *password; /* answers the challenge that was written last */
} Script;

static gboolean
read_script(gpointer data, void *buffer, gsize length, GError **error)
{
    Script *script = data;

    if (script->password != NULL && length == RFB_CHALLENGE_BYTES)
        return rfb_vnc_answer(script->password,
                              script->out->data + script->out->len - RFB_CHALLENGE_BYTES,
                              buffer,
                              error);
    if (script->in->len - script->at < length)
        return postern_fail(error, POSTERN_ERROR_UNREACHABLE, "the end");
    memcpy(buffer, script->in->data + script->at, length);
    script->at += (guint)length;
    return TRUE;
}

static gboolean
write_script(gpointer data, gconstpointer bytes, gsize length, GError **error)
{
    g_byte_array_append(((Script *)data)->out, bytes, (guint)length);
    return TRUE;
}

/* Hex digits, blanks between them, and 'text'. */
static void
add(GByteArray *out, const char *text)
{
    while (*text != '\0') {
        guint8 byte;
        if (*text == '\'') {
            const char *end = strchr(text + 1, '\'');
            g_byte_array_append(out, (const guint8 *)text + 1, (guint)(end - text - 1));
            text = end + 1;
        } else if (*text == ' ') {
            text++;
        } else {
            byte = (guint8)(g_ascii_xdigit_value(text[0]) << 4 | g_ascii_xdigit_value(text[1]));
            g_byte_array_append(out, &byte, 1);
            text += 2;
        }
    }
}

static void
script_init(Script *script, const char *in)
{
    *script = (Script){.in = g_byte_array_new(), .out = g_byte_array_new()};
    add(script->in, in);
}

static void
script_clear(Script *script)
{
    g_byte_array_unref(script->in);
    g_byte_array_unref(script->out);
}
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC(Script, script_clear)

static RfbPeer
peer_of(Script *script)
{
    return (RfbPeer){read_script, write_script, script};
}

static void
assert_bytes(const GByteArray *found, const char *expected)
{
    g_autoptr(GByteArray) wanted = g_byte_array_new();

    add(wanted, expected);
    g_assert_cmpmem(found->data, found->len, wanted->data, wanted->len);
}

#define RFB38    "'RFB 003.008' 0a "
#define NO_LOGIN RFB38 "01 01 00000000 "
#define FORMAT16 "10 10 00 01 001f 003f 001f 0b 05 00 000000 "

/* ---- handshake ---- */

/* Computed by another program. */
static void
test_vnc_answer(void)
{
    g_autoptr(GError) error = NULL;
    guint8 challenge[RFB_CHALLENGE_BYTES], answer[RFB_CHALLENGE_BYTES];
    g_autoptr(GByteArray) wanted = g_byte_array_new();

    for (guint8 i = 0; i < sizeof challenge; i++)
        challenge[i] = i;
    g_assert_true(rfb_vnc_answer("Secret1!", challenge, answer, &error));
    add(wanted, "5344becaf3cec21bd4ba0a46ce82414d e321a7ecc547e65be321a7ecc547e65b");
    g_assert_cmpmem(answer, 16, wanted->data, 16);
    g_assert_true(rfb_vnc_answer("Secret1!and more", challenge, answer, &error));
    g_assert_cmpmem(answer, 16, wanted->data, 16);
    memset(challenge, 0xff, sizeof challenge);
    g_assert_true(rfb_vnc_answer("abc", challenge, answer, &error));
    g_assert_cmpmem(answer, 16, wanted->data + 16, 16);
}

static void
check_login(const char *in, const char *password, int code, const char *out)
{
    g_autoptr(GError) error = NULL;
    g_auto(Script) script;
    RfbPeer peer = peer_of(&script);

    script_init(&script, in);
    if (code < 0) {
        g_assert_true(rfb_login(&peer, password, &error));
        g_assert_no_error(error);
        g_assert_cmpuint(script.at, ==, script.in->len);
    } else {
        g_assert_false(rfb_login(&peer, password, &error));
        g_assert_error(error, POSTERN_ERROR, code);
    }
    assert_bytes(script.out, out);
}

static void
test_login(void)
{
    check_login(NO_LOGIN, NULL, -1, RFB38 "01");
    check_login("'RFB 004.000' 0a 02 02 01 00000000", NULL, -1, RFB38 "01");
    check_login(RFB38 "02 01 02 000102030405060708090a0b0c0d0e0f 00000000",
                "Secret1!",
                -1,
                RFB38 "02 5344becaf3cec21bd4ba0a46ce82414d");
    check_login(RFB38 "01 02 000102030405060708090a0b0c0d0e0f 00000001 00000007 'too bad'",
                "Secret1!",
                POSTERN_ERROR_AUTH,
                RFB38 "02 5344becaf3cec21bd4ba0a46ce82414d");
    check_login(RFB38 "00 00000004 'busy'", NULL, POSTERN_ERROR_CONFLICT, RFB38);
    check_login(RFB38 "00 00100000", NULL, POSTERN_ERROR_PROTOCOL, RFB38);
    check_login(RFB38 "01 02", NULL, POSTERN_ERROR_PROTOCOL, RFB38);
    check_login(RFB38 "01 01", "Secret1!", POSTERN_ERROR_PROTOCOL, RFB38);
    check_login("'RFB 003.003' 0a", NULL, POSTERN_ERROR_PROTOCOL, "");
    check_login("'HTTP/1.1 400'", NULL, POSTERN_ERROR_PROTOCOL, "");
    check_login("'RFB 003.00'", NULL, POSTERN_ERROR_UNREACHABLE, "");
}

static void
test_init(void)
{
    g_autoptr(GError) error = NULL;
    g_auto(Script) script;
    RfbPeer peer = peer_of(&script);
    RfbInit init;

    script_init(&script, "0780 04b0 " FORMAT16 "00000005 'a' ff 'b' 00 'c'");
    g_assert_true(rfb_read_init(&peer, &init, &error));
    g_assert_cmpuint(init.width, ==, 1920);
    g_assert_cmpuint(init.height, ==, 1200);
    g_assert_cmpuint(init.bits, ==, 16);
    g_assert_true(g_str_has_prefix(init.name, "a"));
    assert_bytes(script.out, "01");
}

static void
check_welcome(const char *in,
              const char *password,
              const char *answer,
              int code,
              const char *begin,
              const char *end)
{
    g_autoptr(GError) error = NULL;
    g_auto(Script) script;
    g_autoptr(GByteArray) wanted = g_byte_array_new();
    RfbPeer peer = peer_of(&script);

    script_init(&script, in);
    script.password = answer;
    if (code < 0) {
        g_assert_true(rfb_welcome(&peer, password, &error));
        g_assert_no_error(error);
        g_assert_cmpuint(script.at, ==, script.in->len);
    } else {
        g_assert_false(rfb_welcome(&peer, password, &error));
        g_assert_error(error, POSTERN_ERROR, code);
    }
    add(wanted, begin);
    g_assert_cmpmem(script.out->data, MIN(wanted->len, script.out->len), wanted->data, wanted->len);
    if (password != NULL && code != POSTERN_ERROR_PROTOCOL)
        g_byte_array_remove_range(script.out, wanted->len, RFB_CHALLENGE_BYTES);
    g_byte_array_remove_range(script.out, 0, wanted->len);
    assert_bytes(script.out, end);
}

static void
test_welcome(void)
{
    check_welcome(RFB38 "02 01", "Secret1!", "Secret1!", -1, RFB38 "01 02", "00000000");
    check_welcome(RFB38 "02",
                  "Secret1!",
                  "secret1!",
                  POSTERN_ERROR_AUTH,
                  RFB38 "01 02",
                  "00000001 0000000e 'wrong password'");
    check_welcome("'RFB 003.007' 0a 02 01", "Secret1!", "Secret1!", -1, RFB38 "01 02", "00000000");
    check_welcome("'RFB 003.007' 0a 02",
                  "Secret1!",
                  "Secret2!",
                  POSTERN_ERROR_AUTH,
                  RFB38 "01 02",
                  "00000001");
    check_welcome("'RFB 003.003' 0a 01", "Secret1!", "Secret1!", -1, RFB38 "00000002", "00000000");
    check_welcome(RFB38 "01 00", NULL, NULL, -1, RFB38 "01 01", "00000000");
    check_welcome("'RFB 003.003' 0a 01", NULL, NULL, -1, RFB38 "00000001", "");
    /* whoever asks for no password does not get in without one */
    check_welcome(RFB38 "01", "Secret1!", NULL, POSTERN_ERROR_PROTOCOL, RFB38 "01 02", "");
    check_welcome("'RFB 003.000' 0a", "Secret1!", NULL, POSTERN_ERROR_PROTOCOL, RFB38, "");
    check_welcome("'GET / HTTP/1'", "Secret1!", NULL, POSTERN_ERROR_PROTOCOL, RFB38, "");
}

static void
test_put(void)
{
    static const gint32 encodings[] = {RFB_RLE, RFB_RAW, RFB_DESKTOP_SIZE};
    g_autoptr(GByteArray) out = g_byte_array_new();

    rfb_put_encodings(out, encodings, G_N_ELEMENTS(encodings));
    assert_bytes(out, "02 00 0003 00000010 00000000 ffffff21");
    g_byte_array_set_size(out, 0);
    rfb_put_format(out, RFB_RGB565);
    assert_bytes(out, "00 000000 10 10 00 01 001f 003f 001f 0b 05 00 000000");
    g_byte_array_set_size(out, 0);
    rfb_put_format(out, RFB_RGB332);
    assert_bytes(out, "00 000000 08 08 00 01 0007 0007 0003 05 02 00 000000");
    g_byte_array_set_size(out, 0);
    rfb_put_format(out, RFB_GREY4);
    assert_bytes(out, "00 000000 08 04 00 01 000f 0000 0000 00 00 00 000000");
    g_byte_array_set_size(out, 0);
    rfb_put_update_request(out, FALSE, 1024, 768);
    assert_bytes(out, "03 00 0000 0000 0400 0300");
}

/* ---- painting ---- */

static guint32
pixel(const RfbScreen *screen, guint x, guint y)
{
    g_autofree guint8 *row = g_malloc((gsize)rfb_screen_width(screen) * 3);

    rfb_screen_row(screen, y, row);
    return (guint32)row[x * 3] << 16 | (guint32)row[x * 3 + 1] << 8 | row[x * 3 + 2];
}

/* A screen of this size after all messages of `in`. */
static RfbScreen *
painted(const char *in, guint width, guint height, RfbFormat format)
{
    g_autoptr(GError) error = NULL;
    g_auto(Script) script;
    RfbPeer peer = peer_of(&script);
    RfbScreen *screen = rfb_screen_new(width, height, format, &error);

    script_init(&script, in);
    while (script.at < script.in->len) {
        RfbMessage kind;
        gboolean resized;
        rfb_screen_read(screen, &peer, &kind, &resized, &error);
        g_assert_no_error(error);
    }
    return screen;
}

static void
test_raw(void)
{
    g_autoptr(RfbScreen) screen =
        painted("00 00 0001  0001 0000 0002 0002 00000000  00f8 e007 1f00 ffff", 3, 2, RFB_RGB565);

    g_assert_cmphex(pixel(screen, 0, 0), ==, 0);
    g_assert_cmphex(pixel(screen, 1, 0), ==, 0xff0000);
    g_assert_cmphex(pixel(screen, 2, 0), ==, 0x00ff00);
    g_assert_cmphex(pixel(screen, 1, 1), ==, 0x0000ff);
    g_assert_cmphex(pixel(screen, 2, 1), ==, 0xffffff);
    g_assert_cmpuint(rfb_screen_missing(screen), ==, 2);
}

static void
test_formats(void)
{
    static const char update[] = "00 00 0001  0000 0000 0004 0001 00000000  00 0f e0 1c";
    static const guint32 expected[RFB_FORMATS][4] = {
        [RFB_RGB332] = {0x000000, 0x006dff, 0xff0000, 0x00ff00},
        [RFB_GREY8] = {0x000000, 0x0f0f0f, 0xe0e0e0, 0x1c1c1c},
        [RFB_GREY4] = {0x000000, 0xffffff, 0x000000, 0xcccccc},
    };

    for (guint format = RFB_RGB332; format < RFB_FORMATS; format++) {
        g_autoptr(RfbScreen) screen = painted(update, 4, 1, (RfbFormat)format);
        for (guint x = 0; x < 4; x++)
            g_assert_cmphex(pixel(screen, x, 0), ==, expected[format][x]);
    }
}

/* One rectangle of a stored block: `in` is the tile. */
static RfbScreen *
tile(const char *in, guint width, guint height, GError **error)
{
    g_autoptr(GByteArray) data = g_byte_array_new();
    g_auto(Script) script;
    RfbPeer peer = peer_of(&script);
    g_autoptr(RfbScreen) screen = rfb_screen_new(width, height, RFB_RGB565, NULL);
    g_autofree char *head = NULL;
    RfbMessage kind;
    gboolean resized;

    add(data, in);
    head = g_strdup_printf("00 00 0001 0000 0000 %04x %04x 00000010 %08x 00 %02x%02x %02x%02x",
                           width,
                           height,
                           data->len + 5,
                           data->len & 255,
                           data->len >> 8,
                           ~data->len & 255,
                           ~data->len >> 8 & 255);
    script_init(&script, head);
    add(script.in, in);
    return rfb_screen_read(screen, &peer, &kind, &resized, error) ? g_steal_pointer(&screen) : NULL;
}

static void
check_tile(const char *in, guint width, guint height, const char *colours)
{
    static const guint32 words[128] = {
        ['r'] = 0xff0000, ['g'] = 0x00ff00, ['b'] = 0x0000ff, ['w'] = 0xffffff};
    g_autoptr(GError) error = NULL;
    g_autoptr(RfbScreen) screen = tile(in, width, height, &error);

    g_assert_no_error(error);
    g_assert_cmpuint(rfb_screen_missing(screen), ==, 0);
    for (guint i = 0; colours[i] != '\0'; i++)
        g_assert_cmphex(pixel(screen, i % width, i / width), ==, words[(guint8)colours[i]]);
}

static void
test_tiles(void)
{
    check_tile("00 00f8 e007 1f00 ffff", 2, 2, "rgbw");
    check_tile("01 1f00", 2, 2, "bbbb");
    check_tile("02 00f8 1f00 40 a0", 3, 2, "rbrbrb");
    check_tile("03 00f8 e007 1f00 18 24", 3, 2, "rgbrbg");
    check_tile("05 00f8 e007 1f00 ffff 0000 01 23", 2, 2, "rgbw");
    check_tile("80 00f8 01 1f00 03", 3, 2, "rrbbbb");
    check_tile("82 00f8 1f00 00 81 02 00 01", 3, 2, "rbbbrb");
    check_tile("80 00f8 ff ff ff ff ff ff ff ff ff ff ff ff ff ff ff ff 0f", 64, 64, "rrrrrr");
    check_tile(
        "82 00f8 1f00 80 ff ff 01 81 ff ff ff ff ff ff ff ff ff ff ff ff ff ff 0d", 64, 64, "rrr");
    /* rows that do not begin with a byte of their own, as some read it: told by the number of bytes */
    check_tile("02 00f8 1f00 54", 3, 2, "rbrbrb");
    check_tile("03 00f8 e007 1f00 18 61 80", 5, 2, "rgbrgbrgbr");
}

static void
test_bad_tiles(void)
{
    static const char *const bad[] = {
        "",                        /* no kind */
        "00 00f8 e007 1f00",       /* a pixel too few */
        "01 1f",                   /* half a colour */
        "02 00f8 1f00",         /* neither way */
        "03 00f8 e007 1f00 ff ff", /* a colour that is not in the palette */
        "05 00f8 e007 1f00 ffff 0000 f1 23",
        "11 00f8", /* kinds that there are not */
        "7f 00f8",
        "81 00f8 00 00 00 00 00 00",
        "80 00f8 04 1f00 01", /* a run beyond the tile */
        "80 00f8 ff",         /* cut in its length */
        "80 00f8 ff ff ff ff ff ff ff ff ff ff ff ff ff ff ff ff ff ff ff ff",
        "80 00f8 01",                     /* the other pixels are missing */
        "82 00f8 1f00 02 00 00 00 00 00", /* index */
        "82 00f8 1f00 85",
        "ff 00f8", /* the palette is not there */
    };

    for (guint i = 0; i < G_N_ELEMENTS(bad); i++) {
        g_autoptr(GError) error = NULL;
        RfbScreen *screen = tile(bad[i], 3, 2, &error);
        if (screen != NULL)
            g_error("taken: %s", bad[i]);
        g_assert_error(error, POSTERN_ERROR, POSTERN_ERROR_PROTOCOL);
    }
}

static void
check_refused(const char *in, int code, const char *words)
{
    g_autoptr(GError) error = NULL;
    g_auto(Script) script;
    RfbPeer peer = peer_of(&script);
    g_autoptr(RfbScreen) screen = rfb_screen_new(8, 8, RFB_RGB565, NULL);
    RfbMessage kind;
    gboolean resized;

    script_init(&script, in);
    g_assert_false(rfb_screen_read(screen, &peer, &kind, &resized, &error));
    g_assert_error(error, POSTERN_ERROR, code);
    g_assert_nonnull(strstr(error->message, words));
}

static void
test_limits(void)
{
    g_autoptr(GError) error = NULL;

    g_assert_null(rfb_screen_new(3840, 2160, RFB_RGB565, &error));
    g_assert_error(error, POSTERN_ERROR, POSTERN_ERROR_NOT_SUPPORTED);
    g_clear_error(&error);
    g_assert_null(rfb_screen_new(0, 600, RFB_RGB565, &error));
    g_assert_error(error, POSTERN_ERROR, POSTERN_ERROR_PROTOCOL);
    rfb_screen_free(rfb_screen_new(3840, 2160, RFB_RGB332, NULL));
    check_refused("00 00 0001 0007 0000 0002 0001 00000000",
                  POSTERN_ERROR_PROTOCOL,
                  "is not on the screen of 8 x 8");
    check_refused(
        "00 00 0001 0000 ffff 0001 ffff 00000000", POSTERN_ERROR_PROTOCOL, "is not on the screen");
    check_refused(
        "00 00 0001 0000 0000 0001 0001 00000005", POSTERN_ERROR_PROTOCOL, "in encoding 5");
    check_refused("00 00 0001 0000 0000 0001 0001 00000010 7fffffff",
                  POSTERN_ERROR_PROTOCOL,
                  "as 2147483647 bytes");
    check_refused(
        "00 00 0001 0000 0000 ffff ffff ffffff21", POSTERN_ERROR_NOT_SUPPORTED, "lower resolution");
    check_refused("03 000000 7fffffff", POSTERN_ERROR_PROTOCOL, "a cut text");
    check_refused("04", POSTERN_ERROR_PROTOCOL, "unknown kind 4");
    check_refused("00 00 0001 0000 0000 0001 0001 00000010 00000003 06 ff ff",
                  POSTERN_ERROR_PROTOCOL,
                  "do not unpack");
}

/* A rectangle of 2 x 1 pixels may not unpack to megabytes. */
static void
test_bomb(void)
{
    g_autofree guint8 *zeros = g_malloc0(1 << 20);
    g_autofree guint8 *packed = g_malloc(1 << 16);
    z_stream stream = {0};
    g_auto(Script) script;
    RfbPeer peer = peer_of(&script);
    g_autoptr(RfbScreen) screen = rfb_screen_new(2, 1, RFB_RGB565, NULL);
    g_autoptr(GError) error = NULL;
    RfbMessage kind;
    gboolean resized;
    guint length;

    g_assert_cmpint(deflateInit2(&stream, 9, Z_DEFLATED, -15, 9, Z_DEFAULT_STRATEGY), ==, Z_OK);
    stream.next_in = zeros;
    stream.avail_in = 1 << 20;
    stream.next_out = packed;
    stream.avail_out = 1 << 16;
    deflate(&stream, Z_SYNC_FLUSH);
    length = 1000; /* no more may be stated for such a rectangle */
    deflateEnd(&stream);
    script_init(&script, "00 00 0001 0000 0000 0002 0001 00000010 000003e8");
    g_byte_array_append(script.in, packed, length);
    g_assert_false(rfb_screen_read(screen, &peer, &kind, &resized, &error));
    g_assert_error(error, POSTERN_ERROR, POSTERN_ERROR_PROTOCOL);
    g_assert_nonnull(strstr(error->message, "they are too many"));
}

static void
test_resize(void)
{
    g_autoptr(RfbScreen) screen =
        painted("00 00 0001  0000 0000 0002 0001 00000000  00f8 e007"
                "00 00 0001  0000 0000 0003 0002 ffffff21"
                "03 000000 00000005 'hello' 02 01 00 0000 0001 000000000000",
                2,
                1,
                RFB_RGB565);

    g_assert_cmpuint(rfb_screen_width(screen), ==, 3);
    g_assert_cmpuint(rfb_screen_height(screen), ==, 2);
    g_assert_cmpuint(rfb_screen_missing(screen), ==, 6);
    g_assert_cmphex(pixel(screen, 0, 0), ==, 0);
}

/* ---- whole sessions ---- */

static GByteArray *
session(const char *name)
{
    g_autofree char *path = g_strconcat(TEST_SRCDIR "/tests/fuzz/corpus/rfb/", name, NULL);
    g_autoptr(GError) error = NULL;
    char *text;
    gsize length;

    g_file_get_contents(path, &text, &length, &error);
    g_assert_no_error(error);
    return g_byte_array_new_take((guint8 *)text, length);
}

/* Login, and all messages to the end of the bytes; how many pixels are not painted, or -1 when it failed before them. */
static gssize
play(const guint8 *bytes, gsize length, guint32 *checksum)
{
    Script script = {.in = g_byte_array_new(), .out = g_byte_array_new(), .at = 1};
    RfbPeer peer = peer_of(&script);
    g_autoptr(GError) error = NULL;
    g_autoptr(RfbScreen) screen = NULL;
    gssize missing = -1;
    RfbInit init;
    RfbMessage kind;
    gboolean resized;

    g_byte_array_append(script.in, bytes, (guint)length);
    if (rfb_login(&peer, NULL, &error) && rfb_read_init(&peer, &init, &error))
        screen = rfb_screen_new(init.width, init.height, (RfbFormat)(bytes[0] & 3), &error);
    while (screen != NULL && rfb_screen_read(screen, &peer, &kind, &resized, &error))
        continue;
    g_assert_nonnull(error);
    if (screen != NULL)
        missing = (gssize)rfb_screen_missing(screen);
    for (guint y = 0; screen != NULL && checksum != NULL && y < rfb_screen_height(screen); y++)
        for (guint x = 0; x < rfb_screen_width(screen); x++)
            *checksum = *checksum * 31 + pixel(screen, x, y);
    script_clear(&script);
    return missing;
}

/* The same pixels in stored and in packed blocks, with and without a zlib header. */
static void
test_sessions(void)
{
    g_autoptr(GByteArray) stored = session("rle565");
    g_autoptr(GByteArray) packed = session("zlib565");
    g_autoptr(GByteArray) header = session("rle565-header");
    guint32 sums[2] = {0};

    g_assert_cmpint(play(stored->data, stored->len, &sums[0]), ==, 0);
    g_assert_cmpint(play(packed->data, packed->len, &sums[1]), ==, 0);
    g_assert_cmphex(sums[0], !=, 0);
    g_assert_cmphex(sums[0], ==, sums[1]);
    g_assert_cmpint(play(header->data, header->len, NULL), ==, 10 * 64);
}

static void
test_broken(gconstpointer name)
{
    g_autoptr(GByteArray) whole = session(name);
    gssize missing = play(whole->data, whole->len, NULL);

    for (guint length = 1; length < whole->len; length++)
        g_assert_cmpint(play(whole->data, length, NULL), >=, -1);
    for (guint bit = 8; bit < whole->len * 8; bit++) {
        whole->data[bit / 8] ^= (guint8)(1U << bit % 8);
        play(whole->data, whole->len, NULL);
        whole->data[bit / 8] ^= (guint8)(1U << bit % 8);
    }
    g_assert_cmpint(play(whole->data, whole->len, NULL), ==, missing);
}

int
main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/rfb/vnc-answer", test_vnc_answer);
    g_test_add_func("/rfb/login", test_login);
    g_test_add_func("/rfb/init", test_init);
    g_test_add_func("/rfb/welcome", test_welcome);
    g_test_add_func("/rfb/put", test_put);
    g_test_add_func("/rfb/raw", test_raw);
    g_test_add_func("/rfb/formats", test_formats);
    g_test_add_func("/rfb/tiles", test_tiles);
    g_test_add_func("/rfb/bad-tiles", test_bad_tiles);
    g_test_add_func("/rfb/limits", test_limits);
    g_test_add_func("/rfb/bomb", test_bomb);
    g_test_add_func("/rfb/resize", test_resize);
    g_test_add_func("/rfb/sessions", test_sessions);
    g_test_add_data_func("/rfb/broken/raw", "raw565", test_broken);
    g_test_add_data_func("/rfb/broken/rle", "rle565", test_broken);
    g_test_add_data_func("/rfb/broken/zlib", "zlib565", test_broken);
    g_test_add_data_func("/rfb/broken/resize", "resize332", test_broken);
    return g_test_run();
}
