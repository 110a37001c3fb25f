/* SPDX-License-Identifier: Apache-2.0 */
/* Pixels as a viewer wants them, and tiles of encoding 16 (RFC 6143, 7.7.6, with pixels of one or two bytes). */
#include "config.h"

#include "rfb.h"

enum { PALETTE_MOST = 127, PACKED_MOST = 16, PLAIN_RLE = 128 };

static guint
convert(guint16 pixel, RfbFormat format)
{
    guint red = pixel >> 11, green = pixel >> 5 & 63, blue = pixel & 31;
    guint grey = (red * 8 * 77 + green * 4 * 151 + blue * 8 * 28) / 256;

    switch (format) {
    case RFB_RGB332:
        return red >> 2 << 5 | green >> 3 << 2 | blue >> 3;
    case RFB_GREY8:
        return grey;
    case RFB_GREY4:
        return grey >> 4;
    case RFB_RGB565:
    default:
        return pixel;
    }
}

static void
put_byte(GByteArray *out, guint value)
{
    guint8 byte = (guint8)value;

    g_byte_array_append(out, &byte, 1);
}

static void
put_pixel(GByteArray *out, guint value, RfbFormat format)
{
    put_byte(out, value);
    if (format == RFB_RGB565)
        put_byte(out, value >> 8);
}

void
rfb_raw(const Screen *screen, const RfbArea *area, RfbFormat format, GByteArray *out)
{
    for (guint y = area->y; y < area->y + area->height; y++)
        for (guint x = area->x; x < area->x + area->width; x++)
            put_pixel(out, convert(screen->pixels[(gsize)y * screen->width + x], format), format);
}

/* ---- tiles ---- */

typedef struct {
    guint pixels[RFB_TILE * RFB_TILE];
    guint n, width, height;
    guint palette[PALETTE_MOST + 1];
    guint colours; /* PALETTE_MOST + 1: too many */
    RfbFormat format;
} Tile;

static guint
colour_index(const Tile *tile, guint pixel)
{
    guint i = 0;

    while (i < tile->colours && tile->palette[i] != pixel)
        i++;
    return i;
}

static void
read_tile(Tile *tile, const Screen *screen, const RfbArea *area, RfbFormat format)
{
    tile->n = tile->colours = 0;
    tile->width = area->width;
    tile->height = area->height;
    tile->format = format;
    for (guint i = 0; i < area->width * area->height; i++) {
        gsize at = (gsize)(area->y + i / area->width) * screen->width + area->x + i % area->width;
        guint pixel = convert(screen->pixels[at], format);

        tile->pixels[tile->n++] = pixel;
        if (tile->colours <= PALETTE_MOST && colour_index(tile, pixel) == tile->colours)
            tile->palette[tile->colours++] = pixel;
    }
}

static void
put_palette(const Tile *tile, GByteArray *out)
{
    for (guint i = 0; i < tile->colours; i++)
        put_pixel(out, tile->palette[i], tile->format);
}

static guint
run_from(const Tile *tile, guint at)
{
    guint end = at + 1;

    while (end < tile->n && tile->pixels[end] == tile->pixels[at])
        end++;
    return end - at;
}

static void
put_run_length(GByteArray *out, guint length)
{
    for (length--; length >= 255; length -= 255)
        put_byte(out, 255);
    put_byte(out, length);
}

static void
put_rle(const Tile *tile, GByteArray *out, gboolean with_palette)
{
    put_byte(out, with_palette ? PLAIN_RLE + tile->colours : PLAIN_RLE);
    if (with_palette)
        put_palette(tile, out);
    for (guint at = 0, run; at < tile->n; at += run) {
        run = run_from(tile, at);
        if (!with_palette) {
            put_pixel(out, tile->pixels[at], tile->format);
            put_run_length(out, run);
            continue;
        }
        put_byte(out, colour_index(tile, tile->pixels[at]) | (run > 1 ? 128U : 0));
        if (run > 1)
            put_run_length(out, run);
    }
}

static void
put_packed(const Tile *tile, GByteArray *out)
{
    guint bits = tile->colours == 2 ? 1 : tile->colours <= 4 ? 2 : 4;

    put_byte(out, tile->colours);
    put_palette(tile, out);
    for (guint y = 0; y < tile->height; y++) {
        guint byte = 0, used = 0;
        for (guint x = 0; x < tile->width; x++) {
            byte = byte << bits | colour_index(tile, tile->pixels[y * tile->width + x]);
            used += bits;
            if (used == 8) {
                put_byte(out, byte);
                byte = used = 0;
            }
        }
        if (used > 0)
            put_byte(out, byte << (8 - used));
    }
}

static void
put_raw(const Tile *tile, GByteArray *out)
{
    put_byte(out, 0);
    for (guint i = 0; i < tile->n; i++)
        put_pixel(out, tile->pixels[i], tile->format);
}

/* Keeps the shorter one; takes `found`. */
static void
keep_shorter(GByteArray **best, GByteArray *found)
{
    if (*best != NULL && (*best)->len <= found->len) {
        g_byte_array_unref(found);
        return;
    }
    g_clear_pointer(best, g_byte_array_unref);
    *best = found;
}

void
rfb_rle(const Screen *screen, const RfbArea *area, RfbFormat format, GByteArray *out)
{
    static Tile tile; /* one thread */
    GByteArray *best = NULL;

    read_tile(&tile, screen, area, format);
    if (tile.colours == 1) {
        put_byte(out, 1);
        put_palette(&tile, out);
        return;
    }
    for (guint form = 0; form < 4; form++) {
        GByteArray *found = g_byte_array_new();
        if (form == 0)
            put_raw(&tile, found);
        else if (form == 1)
            put_rle(&tile, found, FALSE);
        else if (form == 2 && tile.colours <= PACKED_MOST)
            put_packed(&tile, found);
        else if (form == 3 && tile.colours <= PALETTE_MOST)
            put_rle(&tile, found, TRUE);
        if (found->len > 0)
            keep_shorter(&best, found);
        else
            g_byte_array_unref(found);
    }
    g_byte_array_append(out, best->data, best->len);
    g_byte_array_unref(best);
}
