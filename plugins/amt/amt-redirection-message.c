/* SPDX-License-Identifier: Apache-2.0 */
/* The framing of the redirection port: pure functions over bytes of a stranger. */
#include "amt-redirection.h"

#include <string.h>

enum { HEADER = 8 };

void
amt_put_u16(GByteArray *out, guint16 value)
{
    guint16 wire = GUINT16_TO_LE(value);

    g_byte_array_append(out, (const guint8 *)&wire, sizeof wire);
}

void
amt_put_u32(GByteArray *out, guint32 value)
{
    guint32 wire = GUINT32_TO_LE(value);

    g_byte_array_append(out, (const guint8 *)&wire, sizeof wire);
}

guint16
amt_get_u16(const guint8 *bytes)
{
    return (guint16)(bytes[0] | bytes[1] << 8);
}

guint32
amt_get_u32(const guint8 *bytes)
{
    return (guint32)bytes[0] | (guint32)bytes[1] << 8 | (guint32)bytes[2] << 16 |
           (guint32)bytes[3] << 24;
}

void
amt_put_header(GByteArray *out, guint8 opcode, guint32 sequence)
{
    const guint8 start[4] = {opcode};

    g_byte_array_append(out, start, sizeof start);
    amt_put_u32(out, sequence);
}

char *
amt_message_text(const guint8 **at, const guint8 *end)
{
    const guint8 *text = *at + 1;
    gsize length;

    if (*at >= end || (gsize)(end - text) < **at || memchr(text, '\0', **at) != NULL)
        return NULL;
    length = **at;
    *at = text + length;
    return g_strndup((const char *)text, length);
}

char *
amt_excerpt(const char *text, gsize most)
{
    return g_utf8_make_valid(text, (gssize)MIN(strlen(text), most));
}

/* How long a message is whose length does not depend on what it says, and where its data begins. */
typedef struct {
    guint8 opcode;
    guint8 kinds; /* bit n: in sessions of kind n */
    guint8 length;
    guint8 width;  /* of the number of further bytes: 0, 1, 2 or 4 */
    guint8 number; /* where that stands */
} Shape;

enum {
    SOL = 1 << AMT_SESSION_SOL,
    IDER = 1 << AMT_SESSION_IDER,
    KVM = 1 << AMT_SESSION_KVM,
    ANY = SOL | IDER | KVM
};

/* clang-format off */
static const Shape shapes[] = {
    {AMT_OP_START_REPLY, ANY, 13, 1, 12},
    {AMT_OP_END, ANY, 4, 0, 0},
    {AMT_OP_LOGIN_REPLY, ANY, 9, 4, 5},
    {AMT_OP_SOL_START_REPLY, SOL, 23, 0, 0},
    {AMT_OP_SOL_END_REPLY, SOL, 8, 0, 0},
    {AMT_OP_SOL_PONG, SOL, 8, 0, 0},
    {AMT_OP_SOL_CONTROLS, SOL, 10, 0, 0},
    {AMT_OP_SOL_FROM_HOST, SOL, 10, 2, 8},
    {AMT_OP_SOL_HEARTBEAT, SOL, 8, 0, 0},
    {AMT_OP_OPEN_REPLY, KVM, 8, 0, 0},
    {AMT_OP_OPEN_REPLY, IDER, 30, 1, 29},
    {AMT_OP_IDER_CLOSE_REPLY, IDER, 8, 0, 0},
    {AMT_OP_IDER_PING, IDER, 8, 0, 0},
    {AMT_OP_IDER_PONG, IDER, 8, 0, 0},
    {AMT_OP_IDER_RESET, IDER, 9, 0, 0},
    {AMT_OP_IDER_FEATURES_REPLY, IDER, 13, 0, 0},
    {AMT_OP_IDER_ERROR, IDER, 11, 0, 0},
    {AMT_OP_IDER_HEARTBEAT, IDER, 8, 0, 0},
    {AMT_OP_IDER_COMMAND, IDER, 28, 0, 0},
    {AMT_OP_IDER_FROM_HOST, IDER, 14, 2, 9},
};
/* clang-format on */

/* A refusal may be as short as its status and ends the session, so that nothing behind it matters. */
static gboolean
is_refusal(const guint8 *bytes, gsize length)
{
    return length >= 4 && bytes[1] != 0 &&
           (bytes[0] == AMT_OP_START_REPLY || bytes[0] == AMT_OP_SOL_START_REPLY);
}

static const Shape *
shape_of(AmtSessionKind kind, guint8 opcode)
{
    for (gsize i = 0; i < G_N_ELEMENTS(shapes); i++)
        if (shapes[i].opcode == opcode && (shapes[i].kinds & 1 << kind) != 0)
            return &shapes[i];
    return NULL;
}

static gsize
further(const Shape *shape, const guint8 *bytes)
{
    const guint8 *at = bytes + shape->number;

    switch (shape->width) {
    case 1:
        return *at;
    case 2:
        return amt_get_u16(at);
    case 4:
        return amt_get_u32(at);
    default:
        return 0;
    }
}

static void
fill(AmtMessage *message, const guint8 *bytes, gsize length, gsize header)
{
    memset(message, 0, sizeof *message);
    message->opcode = bytes[0];
    message->status = bytes[1];
    message->bytes = bytes;
    message->length = length;
    message->data = bytes + header;
    message->data_length = length - header;
    if (message->opcode >= AMT_OP_SOL_START && length >= HEADER)
        message->sequence = amt_get_u32(bytes + 4);
    if (message->opcode == AMT_OP_LOGIN_REPLY)
        message->method = bytes[4];
}

gssize
amt_message_parse(
    AmtSessionKind kind, const guint8 *bytes, gsize length, AmtMessage *message, GError **error)
{
    const Shape *shape = length > 0 ? shape_of(kind, bytes[0]) : NULL;
    gsize header, more;

    if (length == 0)
        return 0;
    if (shape == NULL) {
        postern_fail(error,
                     POSTERN_ERROR_PROTOCOL,
                     "a message with opcode 0x%02x came, which no device sends in such a session",
                     bytes[0]);
        return -1;
    }
    header = is_refusal(bytes, length) ? 4 : shape->length;
    if (length < header)
        return 0;
    more = header == shape->length ? further(shape, bytes) : 0;
    if (bytes[0] == AMT_OP_LOGIN_REPLY && more > AMT_LOGIN_MOST) {
        postern_fail(error,
                     POSTERN_ERROR_PROTOCOL,
                     "an answer to the login claims %" G_GSIZE_FORMAT " bytes, expected at most %d",
                     more,
                     AMT_LOGIN_MOST);
        return -1;
    }
    if (length < header + more)
        return 0;
    /* what always comes with a message and its data are told apart only where both vary */
    fill(message, bytes, header + more, shape->width != 0 || header < HEADER ? header : HEADER);
    return (gssize)(header + more);
}
