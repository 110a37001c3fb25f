/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A screen, painted by the messages of an RFB server.
 *
 * Encoding 16 is ZRLE (RFC 6143, 7.7.6) with pixels of one or two bytes. Its deflate stream goes on over all rectangles.
 * AMT before 16 does not compress: it sends stored blocks, and whether the two bytes of a zlib header come before the
 * first one is not settled, so they are taken when they are there.
 */
#include "amt-rfb.h"

#include <postern-host.h>

#include <string.h>
#include <zlib.h>

enum {
    CHUNK = 4096,
    RECTANGLES_MOST = 65535,
    PIXEL_WORST = 4, /* bytes: a run of one pixel of two bytes, and some for the tile's head */
    SLACK = 1024,
    SUB_RAW = 0,
    SUB_SOLID = 1,
    SUB_PACKED_MOST = 16,
    SUB_RLE = 128,
    SUB_PALETTE_RLE = 130
};

struct RfbScreen {
    guint width, height;
    RfbFormat format;
    guint8 *pixels;  /* as they came over the wire */
    guint8 *painted; /* a bit for each */
    gsize missing;
    z_stream inflater;
    gboolean inflating, begun;
};

typedef struct {
    guint x, y, width, height;
} Area;

/* ---- pixel formats ---- */

guint
rfb_format_bytes(RfbFormat format)
{
    return format == RFB_RGB565 ? 2 : 1;
}

/* `value` of 0 to `most` to 0 to 255. */
static guint8
spread(guint value, guint most)
{
    return (guint8)((value * 255 + most / 2) / most);
}

void
rfb_format_rgb(RfbFormat format, guint pixel, guint8 rgb[3])
{
    switch (format) {
    case RFB_RGB565:
        rgb[0] = spread(pixel >> 11 & 31, 31);
        rgb[1] = spread(pixel >> 5 & 63, 63);
        rgb[2] = spread(pixel & 31, 31);
        return;
    case RFB_RGB332:
        rgb[0] = spread(pixel >> 5 & 7, 7);
        rgb[1] = spread(pixel >> 2 & 7, 7);
        rgb[2] = spread(pixel & 3, 3);
        return;
    case RFB_GREY8:
        memset(rgb, (int)(pixel & 255), 3);
        return;
    case RFB_GREY4:
    case RFB_FORMATS:
        memset(rgb, spread(pixel & 15, 15), 3);
        return;
    }
}

/* ---- the screen ---- */

static gboolean
set_size(RfbScreen *screen, guint width, guint height, GError **error)
{
    guint64 bytes = (guint64)width * height * rfb_format_bytes(screen->format);

    if (width == 0 || height == 0)
        return postern_fail(error,
                            POSTERN_ERROR_PROTOCOL,
                            "the screen is said to be %u x %u pixels",
                            width,
                            height);
    if (bytes > RFB_SCREEN_MOST)
        return postern_fail(
            error,
            POSTERN_ERROR_NOT_SUPPORTED,
            "the screen of %u x %u pixels has %" G_GUINT64_FORMAT
            " bytes, more than %d; ask for fewer colours, or set a lower resolution there",
            width,
            height,
            bytes,
            RFB_SCREEN_MOST);
    g_free(screen->pixels);
    g_free(screen->painted);
    screen->width = width;
    screen->height = height;
    screen->missing = (gsize)width * height;
    screen->pixels = g_malloc0((gsize)bytes);
    screen->painted = g_malloc0(screen->missing / 8 + 1);
    return TRUE;
}

RfbScreen *
rfb_screen_new(guint width, guint height, RfbFormat format, GError **error)
{
    g_autoptr(RfbScreen) screen = g_new0(RfbScreen, 1);

    screen->format = format;
    return set_size(screen, width, height, error) ? g_steal_pointer(&screen) : NULL;
}

void
rfb_screen_free(RfbScreen *screen)
{
    if (screen == NULL)
        return;
    if (screen->inflating)
        inflateEnd(&screen->inflater);
    g_free(screen->pixels);
    g_free(screen->painted);
    g_free(screen);
}

guint
rfb_screen_width(const RfbScreen *screen)
{
    return screen->width;
}

guint
rfb_screen_height(const RfbScreen *screen)
{
    return screen->height;
}

gsize
rfb_screen_missing(const RfbScreen *screen)
{
    return screen->missing;
}

void
rfb_screen_row(const RfbScreen *screen, guint y, guint8 *rgb)
{
    const guint bytes = rfb_format_bytes(screen->format);
    const guint8 *at = screen->pixels + (gsize)y * screen->width * bytes;

    for (guint x = 0; x < screen->width; x++, at += bytes)
        rfb_format_rgb(
            screen->format, bytes == 2 ? at[0] | (guint)at[1] << 8 : at[0], rgb + (gsize)x * 3);
}

static void
mark(RfbScreen *screen, const Area *area)
{
    for (guint y = area->y; y < area->y + area->height; y++)
        for (guint x = area->x; x < area->x + area->width; x++) {
            gsize at = (gsize)y * screen->width + x;
            guint8 bit = (guint8)(1U << (at & 7));

            if ((screen->painted[at >> 3] & bit) == 0)
                screen->missing--;
            screen->painted[at >> 3] |= bit;
        }
}

static guint8 *
place(RfbScreen *screen, guint x, guint y)
{
    return screen->pixels + ((gsize)y * screen->width + x) * rfb_format_bytes(screen->format);
}

/* ---- tiles ---- */

/* Bytes of a tile that are not used yet. */
typedef struct {
    const guint8 *at, *end;
} Bytes;

static const guint8 *
take(Bytes *bytes, gsize length)
{
    const guint8 *at = bytes->at;

    if ((gsize)(bytes->end - at) < length)
        return NULL;
    bytes->at += length;
    return at;
}

static gboolean
paint_raw(RfbScreen *screen, const Area *tile, Bytes *bytes)
{
    const gsize row = (gsize)tile->width * rfb_format_bytes(screen->format);

    for (guint y = 0; y < tile->height; y++) {
        const guint8 *from = take(bytes, row);
        if (from == NULL)
            return FALSE;
        memcpy(place(screen, tile->x, tile->y + y), from, row);
    }
    return TRUE;
}

static void
paint_one(RfbScreen *screen, const Area *tile, guint n, const guint8 *pixel)
{
    memcpy(place(screen, tile->x + n % tile->width, tile->y + n / tile->width),
           pixel,
           rfb_format_bytes(screen->format));
}

/* FALSE when the run goes beyond the tile. */
static gboolean
paint_run(RfbScreen *screen, const Area *tile, guint *n, guint length, const guint8 *pixel)
{
    if (length > tile->width * tile->height - *n)
        return FALSE;
    for (guint i = 0; i < length; i++)
        paint_one(screen, tile, (*n)++, pixel);
    return TRUE;
}

/* One more than the sum of bytes up to the first that is not 255; 0: it is cut, or longer than any tile. */
static guint
take_length(Bytes *bytes)
{
    guint length = 1;
    const guint8 *byte;

    do {
        byte = take(bytes, 1);
        if (byte == NULL || length > RFB_TILE * RFB_TILE)
            return 0;
        length += *byte;
    } while (*byte == 255);
    return length;
}

static gboolean
paint_rle(RfbScreen *screen, const Area *tile, Bytes *bytes)
{
    const guint all = tile->width * tile->height;

    for (guint n = 0; n < all;) {
        const guint8 *pixel = take(bytes, rfb_format_bytes(screen->format));
        guint length = pixel != NULL ? take_length(bytes) : 0;

        if (length == 0 || !paint_run(screen, tile, &n, length, pixel))
            return FALSE;
    }
    return TRUE;
}

static gboolean
paint_palette_rle(RfbScreen *screen, const Area *tile, Bytes *bytes, guint colours)
{
    const guint size = rfb_format_bytes(screen->format), all = tile->width * tile->height;
    const guint8 *palette = take(bytes, (gsize)colours * size);

    for (guint n = 0; palette != NULL && n < all;) {
        const guint8 *index = take(bytes, 1);
        guint length = 1;

        if (index == NULL || (*index & 127U) >= colours)
            return FALSE;
        if (*index > 127)
            length = take_length(bytes);
        if (length == 0 || !paint_run(screen, tile, &n, length, palette + (*index & 127U) * size))
            return FALSE;
    }
    return palette != NULL;
}

/* Rows begin with a byte of their own. Other clients of AMT read them without, which is the same for tiles of full width:
 * `dense` is the way in which the bytes add up. */
static gboolean
paint_packed(RfbScreen *screen, const Area *tile, Bytes *bytes, guint colours, gboolean last)
{
    const guint size = rfb_format_bytes(screen->format), all = tile->width * tile->height;
    const guint bits = colours == 2 ? 1 : colours <= 4 ? 2 : 4;
    const gsize row = (tile->width * bits + 7) / 8, dense_bytes = ((gsize)all * bits + 7) / 8;
    const guint8 *palette = take(bytes, (gsize)colours * size), *packed;
    gboolean dense =
        last && dense_bytes != row * tile->height && (gsize)(bytes->end - bytes->at) == dense_bytes;

    packed = palette != NULL ? take(bytes, dense ? dense_bytes : row * tile->height) : NULL;
    for (guint n = 0; packed != NULL && n < all; n++) {
        gsize bit =
            dense ? (gsize)n * bits : n / tile->width * row * 8 + (gsize)(n % tile->width) * bits;
        guint index = packed[bit / 8] >> (8 - bits - bit % 8) & ((1U << bits) - 1);

        if (index >= colours)
            return FALSE;
        paint_one(screen, tile, n, palette + index * size);
    }
    return packed != NULL;
}

static gboolean
paint_solid(RfbScreen *screen, const Area *tile, Bytes *bytes)
{
    const guint8 *pixel = take(bytes, rfb_format_bytes(screen->format));
    guint n = 0;

    return pixel != NULL && paint_run(screen, tile, &n, tile->width * tile->height, pixel);
}

/* `last`: nothing comes behind it. */
static gboolean
paint_tile(RfbScreen *screen, const Area *tile, Bytes *bytes, gboolean last, GError **error)
{
    const guint8 *sub = take(bytes, 1);
    gboolean good = FALSE;

    if (sub == NULL)
        good = FALSE;
    else if (*sub == SUB_RAW)
        good = paint_raw(screen, tile, bytes);
    else if (*sub == SUB_SOLID)
        good = paint_solid(screen, tile, bytes);
    else if (*sub <= SUB_PACKED_MOST)
        good = paint_packed(screen, tile, bytes, *sub, last);
    else if (*sub == SUB_RLE)
        good = paint_rle(screen, tile, bytes);
    else if (*sub >= SUB_PALETTE_RLE)
        good = paint_palette_rle(screen, tile, bytes, *sub - 128U);
    return good || postern_fail(error,
                                POSTERN_ERROR_PROTOCOL,
                                "the tile at %u, %u of the screen (kind %d) does not have the "
                                "bytes that its %u x %u pixels need",
                                tile->x,
                                tile->y,
                                sub != NULL ? *sub : -1,
                                tile->width,
                                tile->height);
}

static gboolean
paint_tiles(RfbScreen *screen, const Area *area, const GByteArray *data, GError **error)
{
    Bytes bytes = {data->data, data->data + data->len};

    for (guint y = 0; y < area->height; y += RFB_TILE)
        for (guint x = 0; x < area->width; x += RFB_TILE) {
            Area tile = {area->x + x,
                         area->y + y,
                         MIN(RFB_TILE, area->width - x),
                         MIN(RFB_TILE, area->height - y)};
            gboolean last = x + RFB_TILE >= area->width && y + RFB_TILE >= area->height;

            if (!paint_tile(screen, &tile, &bytes, last, error))
                return FALSE;
        }
    return TRUE;
}

/* ---- the deflate stream ---- */

static gboolean
begin_inflating(RfbScreen *screen, GError **error)
{
    if (!screen->inflating && inflateInit2(&screen->inflater, -MAX_WBITS) != Z_OK)
        return postern_fail(error, POSTERN_ERROR_INTERNAL, "zlib does not begin");
    screen->inflating = TRUE;
    return TRUE;
}

/* The header of a zlib stream, in the very first bytes: a block of deflate cannot begin like that and go on. */
static gsize
skip_header(RfbScreen *screen, const guint8 *bytes, gsize length)
{
    gboolean header = !screen->begun && length >= 2 && (bytes[0] & 15) == Z_DEFLATED &&
                      (bytes[0] * 256U + bytes[1]) % 31 == 0 && (bytes[1] & 32) == 0;

    screen->begun = TRUE;
    return header ? 2 : 0;
}

/* Appends to `out` what the bytes inflate to, at most `most`. */
static gboolean
inflate_some(RfbScreen *screen,
             const guint8 *bytes,
             gsize length,
             GByteArray *out,
             gsize most,
             GError **error)
{
    gsize skip = skip_header(screen, bytes, length);
    guint8 chunk[CHUNK];
    int result;

    screen->inflater.next_in = (guint8 *)(gsize)(bytes + skip);
    screen->inflater.avail_in = (uInt)(length - skip);
    do {
        screen->inflater.next_out = chunk;
        screen->inflater.avail_out = sizeof chunk;
        result = inflate(&screen->inflater, Z_SYNC_FLUSH);
        g_byte_array_append(out, chunk, (guint)(sizeof chunk - screen->inflater.avail_out));
        if ((result != Z_OK && result != Z_BUF_ERROR) || out->len > most)
            return postern_fail(error,
                                POSTERN_ERROR_PROTOCOL,
                                "the pixels of a rectangle do not unpack (%s)",
                                out->len > most                ? "they are too many"
                                : screen->inflater.msg != NULL ? screen->inflater.msg
                                                               : "their stream has ended");
    } while (screen->inflater.avail_out == 0);
    return TRUE;
}

static gboolean
read_rle(RfbScreen *screen, const RfbPeer *server, const Area *area, GError **error)
{
    const gsize most = (gsize)area->width * area->height * PIXEL_WORST + SLACK;
    g_autoptr(GByteArray) data = g_byte_array_new();
    guint8 head[4], chunk[CHUNK];
    gsize left;

    if (!server->read(server->data, head, sizeof head, error) || !begin_inflating(screen, error))
        return FALSE;
    left = (gsize)head[0] << 24 | (gsize)head[1] << 16 | (gsize)head[2] << 8 | head[3];
    if (left > most)
        return postern_fail(error,
                            POSTERN_ERROR_PROTOCOL,
                            "a rectangle of %u x %u pixels is said to come as %" G_GSIZE_FORMAT
                            " bytes",
                            area->width,
                            area->height,
                            left);
    while (left > 0) {
        gsize some = MIN(left, sizeof chunk);
        if (!server->read(server->data, chunk, some, error) ||
            !inflate_some(screen, chunk, some, data, most, error))
            return FALSE;
        left -= some;
    }
    return paint_tiles(screen, area, data, error);
}

static gboolean
read_raw(RfbScreen *screen, const RfbPeer *server, const Area *area, GError **error)
{
    const gsize row = (gsize)area->width * rfb_format_bytes(screen->format);

    for (guint y = 0; y < area->height; y++)
        if (!server->read(server->data, place(screen, area->x, area->y + y), row, error))
            return FALSE;
    return TRUE;
}

/* ---- messages ---- */

static gboolean
fits(const RfbScreen *screen, const Area *area, GError **error)
{
    return (area->x + area->width <= screen->width && area->y + area->height <= screen->height) ||
           postern_fail(error,
                        POSTERN_ERROR_PROTOCOL,
                        "a rectangle of %u x %u pixels at %u, %u is not on the screen of %u x %u",
                        area->width,
                        area->height,
                        area->x,
                        area->y,
                        screen->width,
                        screen->height);
}

static gboolean
read_rectangle(RfbScreen *screen, const RfbPeer *server, gboolean *resized, GError **error)
{
    guint8 head[12];
    gint32 encoding;
    Area area;
    gboolean good;

    if (!server->read(server->data, head, sizeof head, error))
        return FALSE;
    area = (Area){head[0] * 256U + head[1],
                  head[2] * 256U + head[3],
                  head[4] * 256U + head[5],
                  head[6] * 256U + head[7]};
    encoding = (gint32)((guint32)head[8] << 24 | (guint32)head[9] << 16 | (guint32)head[10] << 8 |
                        head[11]);
    if (encoding == RFB_DESKTOP_SIZE) {
        *resized = TRUE;
        return set_size(screen, area.width, area.height, error);
    }
    if (encoding != RFB_RAW && encoding != RFB_RLE)
        return postern_fail(error,
                            POSTERN_ERROR_PROTOCOL,
                            "a rectangle comes in encoding %d, which was not asked for",
                            encoding);
    if (!fits(screen, &area, error))
        return FALSE;
    good = encoding == RFB_RAW ? read_raw(screen, server, &area, error)
                               : read_rle(screen, server, &area, error);
    if (good)
        mark(screen, &area);
    return good;
}

static gboolean
read_update(RfbScreen *screen, const RfbPeer *server, gboolean *resized, GError **error)
{
    guint8 head[3];
    guint n;

    if (!server->read(server->data, head, sizeof head, error))
        return FALSE;
    n = head[1] * 256U + head[2];
    for (guint i = 0; i < n; i++)
        if (!read_rectangle(screen, server, resized, error))
            return FALSE;
    return TRUE;
}

static gboolean
skip(const RfbPeer *server, gsize length, GError **error)
{
    guint8 chunk[CHUNK];

    while (length > 0) {
        gsize some = MIN(length, sizeof chunk);
        if (!server->read(server->data, chunk, some, error))
            return FALSE;
        length -= some;
    }
    return TRUE;
}

/* Colours of a palette, which true colour does not have. */
static gboolean
skip_colours(const RfbPeer *server, GError **error)
{
    guint8 head[5];

    return server->read(server->data, head, sizeof head, error) &&
           skip(server, (head[3] * 256U + head[4]) * 6, error);
}

/* What was cut there, or a message of the firmware's own that comes disguised as that. */
static gboolean
skip_text(const RfbPeer *server, GError **error)
{
    guint8 head[7];
    gsize length;

    if (!server->read(server->data, head, sizeof head, error))
        return FALSE;
    length = (gsize)head[3] << 24 | (gsize)head[4] << 16 | (gsize)head[5] << 8 | head[6];
    return length <= RFB_TEXT_MOST ? skip(server, length, error)
                                   : postern_fail(error,
                                                  POSTERN_ERROR_PROTOCOL,
                                                  "a cut text is said to have %" G_GSIZE_FORMAT
                                                  " bytes, expected at most %d",
                                                  length,
                                                  RFB_TEXT_MOST);
}

gboolean
rfb_screen_read(
    RfbScreen *screen, const RfbPeer *server, RfbMessage *kind, gboolean *resized, GError **error)
{
    guint8 type;

    *resized = FALSE;
    if (!server->read(server->data, &type, 1, error))
        return FALSE;
    *kind = (RfbMessage)type;
    switch (type) {
    case RFB_MESSAGE_UPDATE:
        return read_update(screen, server, resized, error);
    case RFB_MESSAGE_COLOURS:
        return skip_colours(server, error);
    case RFB_MESSAGE_BELL:
        return TRUE;
    case RFB_MESSAGE_TEXT:
        return skip_text(server, error);
    default:
        return postern_fail(error,
                            POSTERN_ERROR_PROTOCOL,
                            "the RFB server sent a message of the unknown kind %u",
                            type);
    }
}
