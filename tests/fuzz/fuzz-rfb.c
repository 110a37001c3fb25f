/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What an RFB server (a device) or a viewer (whoever reaches the proxy's port) says. The first byte is how we see it:
 * pixel format in its low bits, 4 with a password, 8 as the server. A session that is cut or changed ends in an error of
 * ours, and what was painted stays within the screen.
 */
#include "config.h"

#include "fuzz.h"

#include <amt-rfb.h>
#include <string.h>

typedef struct {
    const guint8 *at;
    gsize left, written;
} Memory;

static gboolean
read_memory(gpointer data, void *buffer, gsize length, GError **error)
{
    Memory *memory = data;

    fuzz_demand(length <= RFB_SCREEN_MOST);
    if (length > memory->left) {
        g_set_error_literal(error, POSTERN_ERROR, POSTERN_ERROR_UNREACHABLE, "the end");
        return FALSE;
    }
    memcpy(buffer, memory->at, length);
    memory->at += length;
    memory->left -= length;
    return TRUE;
}

static gboolean
count_written(gpointer data, gconstpointer bytes, gsize length, GError **error)
{
    ((Memory *)data)->written += length;
    return TRUE;
}

static void
paint(const RfbPeer *peer, RfbFormat format, GError **error)
{
    RfbInit init;
    RfbMessage kind;
    gboolean resized;
    g_autoptr(RfbScreen) screen = NULL;
    g_autofree guint8 *row = NULL;

    if (!rfb_read_init(peer, &init, error))
        return;
    fuzz_demand(g_utf8_validate(init.name, -1, NULL));
    screen = rfb_screen_new(init.width, init.height, format, error);
    if (screen == NULL)
        return;
    while (rfb_screen_read(screen, peer, &kind, &resized, error))
        fuzz_demand(rfb_screen_missing(screen) <=
                    (gsize)rfb_screen_width(screen) * rfb_screen_height(screen));
    fuzz_demand((gsize)rfb_screen_width(screen) * rfb_screen_height(screen) *
                    rfb_format_bytes(format) <=
                RFB_SCREEN_MOST);
    row = g_malloc((gsize)rfb_screen_width(screen) * 3);
    rfb_screen_row(screen, 0, row);
    rfb_screen_row(screen, rfb_screen_height(screen) - 1, row);
}

int
LLVMFuzzerTestOneInput(const guint8 *data, gsize size)
{
    Memory memory = {data + 1, size > 0 ? size - 1 : 0, 0};
    const RfbPeer peer = {read_memory, count_written, &memory};
    g_autoptr(GError) error = NULL;
    const char *password;

    if (size == 0)
        return 0;
    password = (data[0] & 4) != 0 ? "Secret1!" : NULL;
    if ((data[0] & 8) != 0) {
        /* a challenge that is new each time is never answered right */
        fuzz_demand(!rfb_welcome(&peer, password, &error) || password == NULL);
        fuzz_demand(memory.written <= 64);
    } else if (rfb_login(&peer, password, &error)) {
        paint(&peer, (RfbFormat)(data[0] & 3), &error);
        fuzz_demand(error != NULL);
    }
    if (error != NULL)
        fuzz_demand(g_utf8_validate(error->message, -1, NULL));
    return 0;
}
