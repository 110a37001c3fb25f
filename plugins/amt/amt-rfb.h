/* SPDX-License-Identifier: Apache-2.0 */
#ifndef AMT_RFB_H
#define AMT_RFB_H

/*
 * amt-rfb.h - RFB 3.8 (RFC 6143) as AMT speaks it, both sides of its handshake and a screen to paint on.
 *
 * Touches no socket: bytes come and go through an RfbPeer. Every length that the other side states is checked against a
 * limit before anything is read or allocated for it; what does not fit is PROTOCOL.
 */
#include <postern-plugin.h>

enum {
    RFB_VERSION_BYTES = 12,
    RFB_CHALLENGE_BYTES = 16,
    RFB_PASSWORD_MOST = 8,     /* VNC authentication reads no further */
    RFB_NAME_MOST = 4096,      /* of a screen's name or a reason */
    RFB_TEXT_MOST = 1 << 20,   /* of a cut text: it is read and forgotten */
    RFB_SCREEN_MOST = 9216000, /* bytes of pixels: what the firmware itself can hold */
    RFB_TILE = 64
};

typedef enum { RFB_SECURITY_NONE = 1, RFB_SECURITY_VNC = 2 } RfbSecurity;

/* Encodings; the negative one only tells of a new size. */
enum { RFB_RAW = 0, RFB_RLE = 16, RFB_DATA_CHANNEL = 1092, RFB_DESKTOP_SIZE = -223 };

/* The pixel formats that AMT has; the two greys from 16 on. */
typedef enum { RFB_RGB565, RFB_RGB332, RFB_GREY8, RFB_GREY4, RFB_FORMATS } RfbFormat;

/* The other side. Both move exactly `length` bytes or fail. */
typedef struct {
    gboolean (*read)(gpointer data, void *buffer, gsize length, GError **error);
    gboolean (*write)(gpointer data, gconstpointer bytes, gsize length, GError **error);
    gpointer data;
} RfbPeer;

/* ---- amt-rfb.c ---- */

/* Answer to a challenge of VNC authentication; FALSE with INTERNAL where the crypto library has no DES. */
gboolean rfb_vnc_answer(const char *password,
                        const guint8 challenge[RFB_CHALLENGE_BYTES],
                        guint8 answer[RFB_CHALLENGE_BYTES],
                        GError **error);

/* As the viewer: version and security. `password` NULL: log in without. AUTH when the server refuses it; CONFLICT when it
 * takes no viewer at all just now, with the reason that it gives. */
gboolean rfb_login(const RfbPeer *server, const char *password, GError **error);

typedef struct {
    guint width, height;
    guint8 bits, depth; /* of the format that the server begins with */
    char name[256];     /* valid UTF-8, cut */
} RfbInit;
/* As the viewer: ask for the screen, shared with others, and read what it is. */
gboolean rfb_read_init(const RfbPeer *server, RfbInit *init, GError **error);

/* As the server, up to and with the viewer's ClientInit: viewers of 3.3, 3.7 and 3.8 are welcome. `password` NULL: anybody.
 * AUTH when it was wrong; the viewer has been told. */
gboolean rfb_welcome(const RfbPeer *viewer, const char *password, GError **error);

/* Messages of a viewer, appended to `out`. */
void rfb_put_format(GByteArray *out, RfbFormat format);
void rfb_put_encodings(GByteArray *out, const gint32 *encodings, guint n);
void rfb_put_update_request(GByteArray *out, gboolean incremental, guint width, guint height);

/* ---- amt-rfb-screen.c ---- */

typedef struct RfbScreen RfbScreen;

/* NOT_SUPPORTED when it is larger than RFB_SCREEN_MOST in this format. */
RfbScreen *rfb_screen_new(guint width, guint height, RfbFormat format, GError **error);
void rfb_screen_free(RfbScreen *screen); /* accepts NULL */
G_DEFINE_AUTOPTR_CLEANUP_FUNC(RfbScreen, rfb_screen_free)

typedef enum {
    RFB_MESSAGE_UPDATE = 0,
    RFB_MESSAGE_COLOURS = 1,
    RFB_MESSAGE_BELL = 2,
    RFB_MESSAGE_TEXT = 3
} RfbMessage;

/* Read one message of the server and paint what it brings. `resized`: the screen has another size now, and nothing on it
 * is painted. */
gboolean rfb_screen_read(
    RfbScreen *screen, const RfbPeer *server, RfbMessage *kind, gboolean *resized, GError **error);

guint rfb_screen_width(const RfbScreen *screen);
guint rfb_screen_height(const RfbScreen *screen);
/* How many pixels nothing was painted on yet. */
gsize rfb_screen_missing(const RfbScreen *screen);
/* One row in red, green, blue: 3 * width bytes. */
void rfb_screen_row(const RfbScreen *screen, guint y, guint8 *rgb);

guint rfb_format_bytes(RfbFormat format);
/* One pixel in red, green, blue. */
void rfb_format_rgb(RfbFormat format, guint pixel, guint8 rgb[3]);

#endif /* AMT_RFB_H */
