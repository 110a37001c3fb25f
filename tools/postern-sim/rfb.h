/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * rfb.h - the RFB server (RFC 6143) in a KVM session: a viewer's messages, and the screen as it wants it.
 */
#include "redirect.h"
#include "screen.h"

typedef struct Rfb Rfb;

/* `password` NULL: no login is asked for. Sends the version. */
Rfb *rfb_new(Redirect *session, const char *password);
void rfb_free(Rfb *rfb);

/* As RedirectKind.input(). */
gssize rfb_input(Rfb *rfb, const guint8 *bytes, gsize length);

/* Time has passed: a viewer that waits for changes gets them. FALSE: it cannot be told what has happened, the session
 * must end. */
gboolean rfb_refresh(Rfb *rfb);

/* TRUE until the viewer has given a right password. */
gboolean rfb_is_waiting_for_login(const Rfb *rfb);

/* ---- rfb-tiles.c ---- */

typedef enum { RFB_RGB565, RFB_RGB332, RFB_GREY8, RFB_GREY4 } RfbFormat;
enum { RFB_TILE = 64, RFB_RAW = 0, RFB_RLE = 16 };

typedef struct {
    guint x, y, width, height;
} RfbArea;

/* Appends the pixels of an area, row by row. */
void rfb_raw(const Screen *screen, const RfbArea *area, RfbFormat format, GByteArray *out);
/* Appends one tile in the shortest of the forms that the encoding has. */
void rfb_rle(const Screen *screen, const RfbArea *area, RfbFormat format, GByteArray *out);
