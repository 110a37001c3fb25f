/* SPDX-License-Identifier: Apache-2.0 */
/* Serial over LAN: the console of the machine inside messages of the redirection port. */
#include "config.h"

#include "console.h"
#include "redirect.h"

#include <string.h>

enum {
    OP_START = 0x20,
    OP_START_REPLY = 0x21,
    OP_END = 0x22,
    OP_END_REPLY = 0x23,
    OP_PING = 0x24,
    OP_PONG = 0x25,
    OP_SETTINGS = 0x27,
    OP_TO_HOST = 0x28,
    OP_CONTROLS = 0x29,
    OP_FROM_HOST = 0x2A,
    OP_HEARTBEAT = 0x2B
};

enum { STATUS_OVERFLOW = 1, STATUS_POWER = 4, STATUS_RX_FLUSH = 8 };

enum {
    TICK_MS = 20,
    FIRST_MS =
        200, /* before the first text: amtterm loses its place when that comes with the answer to the start */
    SEND_LEAST = 1000, /* MaxTxBuffer is held between these two */
    SEND_MOST = 10000,
    BACKLOG_MOST = 65536, /* given to a socket that does not take it */
    KEEP_MOST = 32768     /* of what the machine writes meanwhile; the rest is lost */
};

typedef struct {
    Console *console;
    GString *text; /* of the machine, not sent yet */
    guint32 sequence;
    guint piece, heartbeat_ms;
    gint64 heartbeat_due;
    guint starts;
    gboolean started, was_on, overflowed;
} Sol;

static gpointer
sol_begin(Redirect *session)
{
    Sol *sol = g_new0(Sol, 1);

    sol->text = g_string_new(NULL);
    return sol;
}

static void
sol_end(Redirect *session, gpointer state)
{
    Sol *sol = state;

    g_clear_pointer(&sol->console, console_free);
    g_string_free(sol->text, TRUE);
    g_free(sol);
}

static void
send_message(Redirect *session, guint8 opcode, gconstpointer data, gsize length)
{
    Sol *sol = redirect_state(session);
    guint8 header[8];

    redirect_header(header, opcode, sol->sequence++);
    redirect_send(session, header, sizeof header);
    if (length > 0)
        redirect_send(session, data, length);
}

static void
send_status(Redirect *session, guint8 status)
{
    const guint8 body[] = {0, status};

    send_message(session, OP_CONTROLS, body, sizeof body);
}

/* ---- from the machine ---- */

static void
send_text(Redirect *session)
{
    Sol *sol = redirect_state(session);

    while (sol->text->len > 0 && redirect_backlog(session) < BACKLOG_MOST) {
        guint length = MIN((guint)sol->text->len, sol->piece);
        guint16 wire = GUINT16_TO_LE((guint16)length);
        send_message(session, OP_FROM_HOST, &wire, sizeof wire);
        redirect_send(session, sol->text->str, length);
        g_string_erase(sol->text, 0, (gssize)length);
    }
    if (sol->text->len > KEEP_MOST) {
        g_string_truncate(sol->text, KEEP_MOST);
        sol->overflowed = TRUE;
    }
    if (sol->overflowed && sol->text->len == 0) {
        send_status(session, STATUS_OVERFLOW);
        sol->overflowed = FALSE;
    }
}

static void
tell_power(Redirect *session)
{
    Sol *sol = redirect_state(session);
    gboolean on = console_is_on(sol->console);

    if (on != sol->was_on)
        send_status(session, on ? 0 : STATUS_POWER);
    sol->was_on = on;
}

static void
beat(Redirect *session, gint64 now)
{
    Sol *sol = redirect_state(session);

    if (sol->heartbeat_ms == 0 || now < sol->heartbeat_due)
        return;
    sol->heartbeat_due = now + (gint64)sol->heartbeat_ms * 1000;
    send_message(session, OP_HEARTBEAT, NULL, 0);
}

static void
sol_timer(Redirect *session)
{
    Sol *sol = redirect_state(session);
    Device *device = redirect_device(session);
    gint64 now = g_get_monotonic_time();

    if (device->unreachable_until > now) {
        redirect_close(session, TRUE);
        return;
    }
    console_output(sol->console, sol->text);
    if (console_starts(sol->console) != sol->starts &&
        device_fault(device, FAULT_SESSION_DROP) != NULL) {
        redirect_close(session, TRUE);
        return;
    }
    tell_power(session);
    send_text(session);
    beat(session, now);
    redirect_timer(session, TICK_MS);
}

static void
sol_drained(Redirect *session)
{
    Sol *sol = redirect_state(session);

    if (sol->started && sol->text->len > 0)
        redirect_timer(session, 1);
}

/* ---- from the client ---- */

static void
start(Redirect *session, const guint8 *message)
{
    Sol *sol = redirect_state(session);
    guint8 reply[15] = {0};

    g_clear_pointer(&sol->console, console_free);
    sol->console = console_new(redirect_device(session));
    sol->piece = CLAMP(redirect_u16(message + 8), SEND_LEAST, SEND_MOST);
    sol->heartbeat_ms = redirect_u16(message + 18);
    sol->heartbeat_due = g_get_monotonic_time() + (gint64)sol->heartbeat_ms * 1000;
    sol->started = sol->was_on = TRUE;
    sol->starts = 0;
    memcpy(reply, message + 8, 12); /* its settings are taken as they are */
    send_message(session, OP_START_REPLY, reply, sizeof reply);
    redirect_timer(session, FIRST_MS);
}

static void
stop(Redirect *session)
{
    Sol *sol = redirect_state(session);

    sol->started = FALSE;
    redirect_timer(session, 0);
    send_message(session, OP_END_REPLY, NULL, 0);
}

static void
type(Redirect *session, const guint8 *bytes, gsize length)
{
    Sol *sol = redirect_state(session);

    if (!console_input(sol->console, bytes, length))
        send_status(session, STATUS_RX_FLUSH | STATUS_POWER);
    sol_timer(session);
}

/* How long a message of the client is; 0: none of its. */
static gsize
length_of(guint8 opcode)
{
    switch (opcode) {
    case OP_START:
        return 24;
    case OP_END:
    case OP_PING:
    case OP_HEARTBEAT:
        return 8;
    case OP_SETTINGS:
        return 14;
    case OP_TO_HOST:
    case OP_CONTROLS:
        return 10;
    default:
        return 0;
    }
}

static gssize
sol_input(Redirect *session, const guint8 *bytes, gsize length)
{
    const Sol *sol = redirect_state(session);
    gsize header = length_of(bytes[0]), data;

    if (header == 0 || (!sol->started && bytes[0] != OP_START))
        return -1; /* the good-bye, 0x12, among others */
    if (length < header)
        return 0;
    data = bytes[0] == OP_TO_HOST ? redirect_u16(bytes + 8) : 0;
    if (length < header + data)
        return 0;
    switch (bytes[0]) {
    case OP_START:
        start(session, bytes);
        break;
    case OP_END:
        stop(session);
        break;
    case OP_PING:
        send_message(session, OP_PONG, NULL, 0);
        break;
    case OP_TO_HOST:
        type(session, bytes + header, data);
        break;
    default: /* settings, controls and heartbeats change nothing here */
        break;
    }
    return (gssize)(header + data);
}

const RedirectKind redirect_sol = {
    .name = "SOL ",
    .enabled = 2,
    .opened = 4,
    .closed = 5,
    .event_opened = 0,
    .event_closed = 1,
    .begin = sol_begin,
    .input = sol_input,
    .timer = sol_timer,
    .drained = sol_drained,
    .end = sol_end,
};
