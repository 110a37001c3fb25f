/* SPDX-License-Identifier: Apache-2.0 */
#include "config.h"

#include "kvm.h"
#include "logs.h"
#include "rfb.h"

#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <openssl/rand.h>
#include <string.h>
#include <zlib.h>

enum {
    VERSION_BYTES = 12,
    CHALLENGE_BYTES = 16,
    TEXT_MOST = 65536,
    ENCODINGS_MOST = 64,
    BACKLOG_MOST = 1 << 20, /* a viewer that does not read gets nothing new */
    DESKTOP_SIZE = -223
};
enum { SECURITY_NONE = 1, SECURITY_VNC = 2 };
enum {
    SET_FORMAT = 0,
    SET_ENCODINGS = 2,
    UPDATE_REQUEST = 3,
    KEY_EVENT = 4,
    POINTER_EVENT = 5,
    CUT_TEXT = 6
};

typedef enum { STAGE_VERSION, STAGE_SECURITY, STAGE_ANSWER, STAGE_INIT, STAGE_RUNNING } Stage;

struct Rfb {
    Redirect *session;
    Device *device;
    char *password;
    guint8 challenge[CHALLENGE_BYTES];
    Stage stage;
    RfbFormat format;
    gboolean rle, takes_size;
    gboolean asked, all; /* for an update; for all of it, changed or not */
    RfbArea area;
    Screen now, sent;
    guint width, height; /* as the viewer knows them */
    z_stream deflater;
    gboolean deflating, compress, header_sent;
};

/* ---- numbers ---- */

static void
put_u16(GByteArray *out, guint value)
{
    const guint8 bytes[] = {(guint8)(value >> 8), (guint8)value};

    g_byte_array_append(out, bytes, sizeof bytes);
}

static void
put_u32(GByteArray *out, guint32 value)
{
    put_u16(out, value >> 16);
    put_u16(out, value & 0xFFFF);
}

static guint
get_u16(const guint8 *bytes)
{
    return (guint)bytes[0] << 8 | bytes[1];
}

static guint32
get_u32(const guint8 *bytes)
{
    return (guint32)get_u16(bytes) << 16 | get_u16(bytes + 2);
}

/* ---- life ---- */

Rfb *
rfb_new(Redirect *session, const char *password)
{
    Rfb *rfb = g_new0(Rfb, 1);

    rfb->session = session;
    rfb->device = redirect_device(session);
    rfb->password = g_strdup(password);
    redirect_send(session, "RFB 003.008\n", VERSION_BYTES);
    return rfb;
}

void
rfb_free(Rfb *rfb)
{
    if (rfb == NULL)
        return;
    if (rfb->deflating)
        deflateEnd(&rfb->deflater);
    screen_clear(&rfb->now);
    screen_clear(&rfb->sent);
    g_free(rfb->password);
    g_free(rfb);
}

gboolean
rfb_is_waiting_for_login(const Rfb *rfb)
{
    return rfb->stage < STAGE_INIT;
}

/* ---- login ---- */

static guint8
backwards(guint8 byte)
{
    guint8 out = 0;

    for (guint bit = 0; bit < 8; bit++)
        if ((byte & 1U << bit) != 0)
            out = (guint8)(out | 128U >> bit);
    return out;
}

/* DES, which is triple DES with one key three times. */
static gboolean
is_right_answer(const Rfb *rfb, const guint8 *answer)
{
    guint8 key[24] = {0}, wanted[CHALLENGE_BYTES];
    EVP_CIPHER_CTX *cipher = EVP_CIPHER_CTX_new();
    int length = 0;
    gboolean right;

    for (guint i = 0; i < 8 && rfb->password[i] != '\0'; i++)
        key[i] = key[i + 8] = key[i + 16] = backwards((guint8)rfb->password[i]);
    right = cipher != NULL &&
            EVP_EncryptInit_ex(cipher, EVP_des_ede3_ecb(), NULL, key, NULL) == 1 &&
            EVP_CIPHER_CTX_set_padding(cipher, 0) == 1 &&
            EVP_EncryptUpdate(cipher, wanted, &length, rfb->challenge, CHALLENGE_BYTES) == 1 &&
            CRYPTO_memcmp(wanted, answer, CHALLENGE_BYTES) == 0;
    EVP_CIPHER_CTX_free(cipher);
    return right;
}

static gssize
take_version(Rfb *rfb, const guint8 *bytes, gsize length)
{
    const guint8 offer[] = {1, rfb->password != NULL ? SECURITY_VNC : SECURITY_NONE};

    if (length < VERSION_BYTES)
        return 0;
    if (memcmp(bytes, "RFB 003.008\n", VERSION_BYTES) != 0)
        return -1;
    redirect_send(rfb->session, offer, sizeof offer);
    rfb->stage = STAGE_SECURITY;
    return VERSION_BYTES;
}

static void
send_result(Rfb *rfb, gboolean good)
{
    static const char reason[] = "authentication failed";
    g_autoptr(GByteArray) out = g_byte_array_new();

    put_u32(out, good ? 0 : 1);
    if (!good) {
        put_u32(out, (guint32)strlen(reason));
        g_byte_array_append(out, (const guint8 *)reason, (guint)strlen(reason));
    }
    redirect_send(rfb->session, out->data, out->len);
}

static gssize
take_security(Rfb *rfb, const guint8 *bytes)
{
    if (bytes[0] != (rfb->password != NULL ? SECURITY_VNC : SECURITY_NONE))
        return -1;
    if (rfb->password == NULL) {
        send_result(rfb, TRUE);
        rfb->stage = STAGE_INIT;
        return 1;
    }
    if (RAND_bytes(rfb->challenge, CHALLENGE_BYTES) != 1)
        return -1;
    redirect_send(rfb->session, rfb->challenge, CHALLENGE_BYTES);
    rfb->stage = STAGE_ANSWER;
    return 1;
}

static gssize
take_answer(Rfb *rfb, const guint8 *bytes, gsize length)
{
    gboolean good;

    if (length < CHALLENGE_BYTES)
        return 0;
    good = is_right_answer(rfb, bytes);
    kvm_login(rfb->device, good);
    send_result(rfb, good);
    if (!good)
        redirect_close(rfb->session, FALSE);
    rfb->stage = STAGE_INIT;
    return CHALLENGE_BYTES;
}

static gssize
take_init(Rfb *rfb)
{
    static const guint8 format[] = {16, 16, 0, 1, 0, 31, 0, 63, 0, 31, 11, 5, 0, 0, 0, 0};
    static const char name[] = "Intel(r) AMT KVM";
    g_autoptr(GByteArray) out = g_byte_array_new();
    gboolean on = screen_draw(rfb->device, &rfb->now);

    rfb->width = on ? rfb->now.width : SCREEN_WIDTH;
    rfb->height = on ? rfb->now.height : SCREEN_HEIGHT;
    put_u16(out, rfb->width);
    put_u16(out, rfb->height);
    g_byte_array_append(out, format, sizeof format);
    put_u32(out, (guint32)strlen(name));
    g_byte_array_append(out, (const guint8 *)name, (guint)strlen(name));
    redirect_send(rfb->session, out->data, out->len);
    rfb->stage = STAGE_RUNNING;
    return 1;
}

/* ---- updates ---- */

/* One block that is not compressed. The zlib header comes once, before the first. */
static void
store(Rfb *rfb, const GByteArray *data, GByteArray *out)
{
    const guint8 head[] = {0,
                           (guint8)data->len,
                           (guint8)(data->len >> 8),
                           (guint8)~data->len,
                           (guint8)(~data->len >> 8)};

    g_byte_array_append(out, head, sizeof head);
    g_byte_array_append(out, data->data, data->len);
}

static void
compress_tile(Rfb *rfb, const GByteArray *data, GByteArray *out)
{
    guint8 block[16384];

    if (!rfb->deflating)
        deflateInit2(&rfb->deflater, 6, Z_DEFLATED, -MAX_WBITS, 8, Z_DEFAULT_STRATEGY);
    rfb->deflating = TRUE;
    rfb->deflater.next_in = data->data;
    rfb->deflater.avail_in = data->len;
    rfb->deflater.next_out = block;
    rfb->deflater.avail_out = sizeof block;
    deflate(&rfb->deflater, Z_SYNC_FLUSH);
    g_byte_array_append(out, block, (guint)(sizeof block - rfb->deflater.avail_out));
}

static void
put_tile(Rfb *rfb, const RfbArea *tile, GByteArray *out)
{
    g_autoptr(GByteArray) data = g_byte_array_new(), packed = g_byte_array_new();

    put_u16(out, tile->x);
    put_u16(out, tile->y);
    put_u16(out, tile->width);
    put_u16(out, tile->height);
    put_u32(out, rfb->rle ? RFB_RLE : RFB_RAW);
    if (!rfb->rle) {
        rfb_raw(&rfb->now, tile, rfb->format, out);
        return;
    }
    rfb_rle(&rfb->now, tile, rfb->format, data);
    if (!rfb->header_sent)
        g_byte_array_append(packed, (const guint8 *)"\x78\x01", 2);
    rfb->header_sent = TRUE;
    if (rfb->compress)
        compress_tile(rfb, data, packed);
    else
        store(rfb, data, packed);
    put_u32(out, packed->len);
    g_byte_array_append(out, packed->data, packed->len);
}

static gboolean
differs(const Rfb *rfb, const RfbArea *tile)
{
    if (rfb->sent.width != rfb->now.width || rfb->sent.height != rfb->now.height)
        return TRUE;
    for (guint y = tile->y; y < tile->y + tile->height; y++) {
        gsize at = (gsize)y * rfb->now.width + tile->x;
        if (memcmp(rfb->now.pixels + at, rfb->sent.pixels + at, tile->width * sizeof(guint16)) != 0)
            return TRUE;
    }
    return FALSE;
}

static gboolean
overlaps(const RfbArea *a, const RfbArea *b)
{
    return a->x < b->x + b->width && b->x < a->x + a->width && a->y < b->y + b->height &&
           b->y < a->y + a->height;
}

/* How many tiles were put. */
static guint
put_tiles(Rfb *rfb, GByteArray *out)
{
    guint n = 0;

    for (guint y = 0; y < rfb->now.height; y += RFB_TILE)
        for (guint x = 0; x < rfb->now.width; x += RFB_TILE) {
            RfbArea tile = {
                x, y, MIN(RFB_TILE, rfb->now.width - x), MIN(RFB_TILE, rfb->now.height - y)};
            if (!overlaps(&tile, &rfb->area) || (!rfb->all && !differs(rfb, &tile)))
                continue;
            put_tile(rfb, &tile, out);
            n++;
        }
    return n;
}

/* The frame that was just sent; what is painted next goes where the one before was. */
static void
keep_frame(Rfb *rfb)
{
    Screen kept = rfb->sent;

    rfb->sent = rfb->now;
    rfb->now = kept;
}

static gboolean
tell_size(Rfb *rfb)
{
    g_autoptr(GByteArray) out = g_byte_array_new();

    if (!rfb->takes_size)
        return FALSE;
    put_u32(out, 1); /* an update of one rectangle */
    put_u32(out, 0);
    put_u16(out, rfb->now.width);
    put_u16(out, rfb->now.height);
    put_u32(out, (guint32)DESKTOP_SIZE);
    redirect_send(rfb->session, out->data, out->len);
    rfb->width = rfb->now.width;
    rfb->height = rfb->now.height;
    rfb->asked = FALSE;
    screen_clear(&rfb->sent);
    return TRUE;
}

gboolean
rfb_refresh(Rfb *rfb)
{
    g_autoptr(GByteArray) out = g_byte_array_new();
    guint n;

    if (!rfb->asked || redirect_backlog(rfb->session) > BACKLOG_MOST ||
        !screen_draw(rfb->device, &rfb->now))
        return TRUE;
    if (rfb->now.width != rfb->width || rfb->now.height != rfb->height)
        return tell_size(rfb);
    put_u32(out, 0);
    n = put_tiles(rfb, out);
    if (n == 0)
        return TRUE;
    out->data[2] = (guint8)(n >> 8);
    out->data[3] = (guint8)n;
    redirect_send(rfb->session, out->data, out->len);
    rfb->asked = rfb->all = FALSE;
    keep_frame(rfb);
    return TRUE;
}

/* ---- messages of the viewer ---- */

/* The firmware has few formats and looks at little of what it is told: depth, and for greys the largest red. A format
 * of 32 bits, as most viewers ask for at first, ends the session. */
static gssize
take_format(Rfb *rfb, const guint8 *bytes, gsize length)
{
    gboolean greys = rfb->device->model->version[0] >= 16;

    if (length < 20)
        return 0;
    if (bytes[4] == 16 && bytes[5] == 16)
        rfb->format = RFB_RGB565;
    else if (bytes[4] == 8 && bytes[5] == 4 && get_u16(bytes + 8) == 15 && greys)
        rfb->format = RFB_GREY4;
    else if (bytes[4] == 8 && bytes[5] == 8 && get_u16(bytes + 8) == 255 && greys)
        rfb->format = RFB_GREY8;
    else if (bytes[4] == 8 && bytes[5] == 8 && get_u16(bytes + 8) < 8)
        rfb->format = RFB_RGB332;
    else
        return -1;
    return 20;
}

/* Raw must be among them. */
static gssize
take_encodings(Rfb *rfb, const guint8 *bytes, gsize length)
{
    guint n = length >= 4 ? get_u16(bytes + 2) : 0;
    gboolean raw = FALSE;

    if (n > ENCODINGS_MOST)
        return -1;
    if (length < 4 || length < 4 + (gsize)n * 4)
        return 0;
    rfb->rle = rfb->takes_size = FALSE;
    for (guint i = 0; i < n; i++) {
        gint32 encoding = (gint32)get_u32(bytes + 4 + (gsize)i * 4);
        raw = raw || encoding == RFB_RAW;
        rfb->rle = rfb->rle || encoding == RFB_RLE;
        rfb->takes_size = rfb->takes_size || encoding == DESKTOP_SIZE;
    }
    return raw ? 4 + (gssize)n * 4 : -1;
}

static gssize
take_request(Rfb *rfb, const guint8 *bytes, gsize length)
{
    if (length < 10)
        return 0;
    rfb->all = bytes[1] == 0 || (rfb->asked && rfb->all);
    rfb->asked = TRUE;
    rfb->area =
        (RfbArea){get_u16(bytes + 2), get_u16(bytes + 4), get_u16(bytes + 6), get_u16(bytes + 8)};
    return rfb_refresh(rfb) ? 10 : -1;
}

/* A text, or a command of the firmware's own in its clothes: compression, from 16 on. */
static gssize
take_text(Rfb *rfb, const guint8 *bytes, gsize length)
{
    static const char command[] = "\0KvmExtCmd\0\4";
    guint32 text = length >= 8 ? get_u32(bytes + 4) : 0;

    if (text > TEXT_MOST)
        return -1;
    if (length < 8 || length < 8 + (gsize)text)
        return 0;
    if (text == sizeof command && memcmp(bytes + 8, command, sizeof command - 1) == 0 &&
        rfb->device->model->version[0] >= 16) {
        g_autoptr(GByteArray) out = g_byte_array_new();
        rfb->compress = bytes[8 + sizeof command - 1] == 1;
        put_u32(out, 3U << 24);
        put_u32(out, text);
        g_byte_array_append(out, bytes + 8, text);
        redirect_send(rfb->session, out->data, out->len);
    }
    return 8 + (gssize)text;
}

static gssize
take_key(Rfb *rfb, const guint8 *bytes, gsize length)
{
    if (length < 8)
        return 0;
    if (bytes[1] != 0)
        screen_key(rfb->device, get_u32(bytes + 4));
    return 8;
}

static gssize
take_pointer(Rfb *rfb, const guint8 *bytes, gsize length)
{
    if (length < 6)
        return 0;
    screen_pointer(rfb->device, get_u16(bytes + 2), get_u16(bytes + 4), bytes[1]);
    return 6;
}

static gssize
take_message(Rfb *rfb, const guint8 *bytes, gsize length)
{
    switch (bytes[0]) {
    case SET_FORMAT:
        return take_format(rfb, bytes, length);
    case SET_ENCODINGS:
        return take_encodings(rfb, bytes, length);
    case UPDATE_REQUEST:
        return take_request(rfb, bytes, length);
    case KEY_EVENT:
        return take_key(rfb, bytes, length);
    case POINTER_EVENT:
        return take_pointer(rfb, bytes, length);
    case CUT_TEXT:
        return take_text(rfb, bytes, length);
    default:
        return -1;
    }
}

gssize
rfb_input(Rfb *rfb, const guint8 *bytes, gsize length)
{
    switch (rfb->stage) {
    case STAGE_VERSION:
        return take_version(rfb, bytes, length);
    case STAGE_SECURITY:
        return take_security(rfb, bytes);
    case STAGE_ANSWER:
        return take_answer(rfb, bytes, length);
    case STAGE_INIT:
        return take_init(rfb);
    case STAGE_RUNNING:
    default:
        return take_message(rfb, bytes, length);
    }
}
