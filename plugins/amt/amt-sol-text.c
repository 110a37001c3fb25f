/* SPDX-License-Identifier: Apache-2.0 */
/* What a serial console says, without what steers a terminal: pure, over bytes of a stranger. */
#include "amt-sol.h"

enum { TEXT, ESCAPE, BRACKET, STRING, STRING_ESCAPE, CHARSET };

static guint
after_escape(guint8 byte)
{
    switch (byte) {
    case '[':
        return BRACKET;
    case ']':
    case 'P':
    case '^':
    case '_':
    case 'X':
        return STRING;
    case '(':
    case ')':
    case '*':
    case '+':
    case '#':
    case '%':
        return CHARSET;
    default:
        return TEXT;
    }
}

/* A newline in the middle of a sequence shows that it was none: what follows must not be swallowed. */
static guint
next_state(guint state, guint8 byte)
{
    switch (state) {
    case ESCAPE:
        return after_escape(byte);
    case BRACKET:
        return (byte >= 0x40 && byte <= 0x7E) || byte == '\n' ? TEXT : BRACKET;
    case STRING:
        return byte == 0x07 || byte == '\n' ? TEXT : byte == 0x1B ? STRING_ESCAPE : STRING;
    case STRING_ESCAPE:
    case CHARSET:
    default:
        return TEXT;
    }
}

static gboolean
is_shown(guint8 byte)
{
    return byte >= ' ' ? byte != 0x7F : byte == '\t' || byte == '\n' || byte == '\r';
}

void
amt_plain_add(AmtPlain *plain, GString *out, const guint8 *bytes, gsize length)
{
    for (gsize i = 0; i < length; i++) {
        guint before = plain->state;
        if (before != TEXT) {
            plain->state = next_state(before, bytes[i]);
            if (bytes[i] != '\n')
                continue;
        } else if (bytes[i] == 0x1B) {
            plain->state = ESCAPE;
            continue;
        }
        if (is_shown(bytes[i]))
            g_string_append_c(out, (char)bytes[i]);
    }
}
