/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Storage redirection: between the machine, which gives commands to its drives, and the client, which is the drives.
 *
 * Every message of the client is checked: number, length, register values, end marks. The first thing that is wrong goes to the
 * state file and ends the session.
 */
#include "config.h"

#include "boot.h"
#include "ider-machine.h"
#include "power.h"
#include "redirect.h"

#include <string.h>

enum {
    OP_OPEN = 0x40,
    OP_OPEN_REPLY = 0x41,
    OP_CLOSE = 0x42,
    OP_CLOSE_REPLY = 0x43,
    OP_PING = 0x44,
    OP_PONG = 0x45,
    OP_RESET = 0x46,
    OP_RESET_REPLY = 0x47,
    OP_FEATURES = 0x48,
    OP_FEATURES_REPLY = 0x49,
    OP_HEARTBEAT = 0x4B,
    OP_COMMAND = 0x50,
    OP_COMMAND_END = 0x51,
    OP_WANT_DATA = 0x52,
    OP_FROM_HOST = 0x53,
    OP_TO_HOST = 0x54
};

enum {
    TICK_MS = 50,
    READ_BUFFER = 8192,
    WRITE_BUFFER = 4096,
    FEATURE_GET = 1,
    FEATURE_STATE = 2,
    FEATURE_SET = 3,
    ENABLE = 0x01,
    WHEN = 0x18,
    ON_REBOOT = 0x08,
    GRACEFUL = 0x10,
    TO_HOST_HEADER = 34,
    RESETS = 2 /* firmware looks at its drives again before it starts from one */
};

typedef struct {
    IderMachine *machine;
    guint32 sent, taken; /* numbers of messages */
    guint rx_ms, heartbeat_ms;
    gint64 heartbeat_due, answer_due; /* 0: none */
    guint when;                       /* of the features; 0: the drives are hidden */
    gboolean opened, shown;
    guint starts;   /* of the machine, when last seen */
    guint resets;   /* still to be said before it looks at its drives */
    gint boot;      /* what it starts from after those */
    gboolean busy;  /* a command is under way */
    gboolean wants; /* data to write were asked for */
    MachineCommand command;
    GByteArray *data;
    gsize written;
} Ider;

static gpointer
ider_begin(Redirect *session)
{
    Ider *ider = g_new0(Ider, 1);

    ider->machine = ider_machine_new(redirect_device(session));
    ider->data = g_byte_array_new();
    ider->boot = -1;
    ider_result(redirect_device(session))->sessions++;
    return ider;
}

static void
ider_end(Redirect *session, gpointer state)
{
    Ider *ider = state;

    if (ider->busy)
        ider_problem(redirect_device(session), "the session ended in the middle of a command");
    ider_machine_free(ider->machine);
    g_byte_array_unref(ider->data);
    g_free(ider);
}

/* ---- sending ---- */

static void
send_message(Redirect *session, guint8 opcode, gconstpointer body, gsize length)
{
    Ider *ider = redirect_state(session);
    guint8 header[8];

    redirect_header(header, opcode, ider->sent++);
    redirect_send(session, header, sizeof header);
    if (length > 0)
        redirect_send(session, body, length);
}

static guint8
device_of(const Ider *ider)
{
    return ider->command.drive == MACHINE_CD ? 0xB0 : 0xA0;
}

/* The registers, and the packet in them. */
static void
send_command(Redirect *session)
{
    Ider *ider = redirect_state(session);
    guint8 body[20] = {0, ider->command.dma, 0, 0, 0xFE, 0xFF, device_of(ider), 0xA0 /* PACKET */};

    memcpy(body + 8, ider->command.cdb, MACHINE_CDB);
    send_message(session, OP_COMMAND, body, sizeof body);
}

static void
send_reset(Redirect *session)
{
    static const guint8 both = 3;

    send_message(session, OP_RESET, &both, sizeof both);
}

/* ---- the machine ---- */

static void
go_on(Redirect *session)
{
    Ider *ider = redirect_state(session);

    if (ider->busy || ider->resets > 0 || !ider->shown)
        return;
    ider->busy = ider_machine_next(ider->machine, &ider->command);
    ider->answer_due = 0;
    if (!ider->busy)
        return;
    g_byte_array_set_size(ider->data, 0);
    ider->written = 0;
    ider->wants = FALSE;
    ider->answer_due = g_get_monotonic_time() + (gint64)ider->rx_ms * 1000;
    send_command(session);
}

static void
answer(Redirect *session, guint8 key)
{
    Ider *ider = redirect_state(session);

    ider->busy = FALSE;
    ider_machine_answer(ider->machine, key, ider->data->data, ider->data->len);
    go_on(session);
}

static void
show_drives(Redirect *session, gint boot)
{
    Ider *ider = redirect_state(session);

    ider->shown = TRUE;
    ider->busy = FALSE;
    ider->boot = boot;
    ider->resets = boot >= 0 ? RESETS : 1;
    send_reset(session);
}

/* What this start of the machine was, see boot.h. */
static gint
boot_of_start(Device *device)
{
    const char *last = boot_of(device)->last;

    return g_strcmp0(last, "ider-cd") == 0       ? MACHINE_CD
           : g_strcmp0(last, "ider-floppy") == 0 ? MACHINE_FLOPPY
                                                 : -1;
}

static void
follow_machine(Redirect *session)
{
    Ider *ider = redirect_state(session);
    Device *device = redirect_device(session);
    gboolean on = power_state(device, g_get_monotonic_time()) == POWER_ON;

    if (!on) { /* whatever it was doing */
        ider->busy = FALSE;
        ider->resets = 0;
    }
    if (ider->when == 0)
        return;
    if (device->boots != ider->starts) {
        ider->starts = device->boots;
        if (on)
            show_drives(session, boot_of_start(device));
    } else if (on && !ider->shown && ider->when == WHEN) {
        show_drives(session, -1);
    }
}

static void
beat(Redirect *session, gint64 now)
{
    Ider *ider = redirect_state(session);

    if (ider->heartbeat_ms == 0 || now < ider->heartbeat_due)
        return;
    ider->heartbeat_due = now + (gint64)ider->heartbeat_ms * 1000;
    send_message(session, OP_HEARTBEAT, NULL, 0);
}

static void
ider_timer(Redirect *session)
{
    Ider *ider = redirect_state(session);
    Device *device = redirect_device(session);
    gint64 now = g_get_monotonic_time();

    if (device->unreachable_until > now) {
        redirect_close(session, TRUE);
        return;
    }
    follow_machine(session);
    if (ider->busy && ider->rx_ms != 0 && now > ider->answer_due) {
        ider_problem(device, "command %02x was not answered", ider->command.cdb[0]);
        redirect_close(session, FALSE);
        return;
    }
    beat(session, now);
    redirect_timer(session, TICK_MS);
}

/* ---- from the client ---- */

static void
open_session(Redirect *session, const guint8 *message)
{
    Ider *ider = redirect_state(session);
    guint8 major = (guint8)redirect_device(session)->model->version[0];
    guint8 body[22] = {1, 0, major, 0};

    ider->opened = TRUE;
    ider->rx_ms = redirect_u16(message + 8);
    ider->heartbeat_ms = redirect_u16(message + 12);
    ider->heartbeat_due = g_get_monotonic_time() + (gint64)ider->heartbeat_ms * 1000;
    body[8] = READ_BUFFER & 0xFF;
    body[9] = READ_BUFFER >> 8;
    body[10] = WRITE_BUFFER & 0xFF;
    body[11] = WRITE_BUFFER >> 8;
    body[17] = 0x57;
    body[18] = 0x01; /* Intel's number, 343 */
    send_message(session, OP_OPEN_REPLY, body, sizeof body);
    redirect_timer(session, TICK_MS);
}

static void
set_features(Redirect *session, guint8 type, guint32 value)
{
    Ider *ider = redirect_state(session);
    guint8 body[5] = {type, 1};

    if (type == FEATURE_STATE)
        body[1] = ider->when != 0 ? 3 : 1;
    if (type == FEATURE_SET) {
        ider->when = (value & ENABLE) != 0 ? value & WHEN : 0;
        ider->starts = redirect_device(session)->boots;
        if (ider->when == 0)
            ider->shown = ider->busy = FALSE;
    }
    send_message(session, OP_FEATURES_REPLY, body, sizeof body);
    if (type == FEATURE_SET)
        follow_machine(session);
}

/* The client cannot know whether a command is on its way. */
static void
close_session(Redirect *session)
{
    Ider *ider = redirect_state(session);

    ider->busy = FALSE;
    ider_result(redirect_device(session))->closed++;
    send_message(session, OP_CLOSE_REPLY, NULL, 0);
    redirect_close(session, FALSE);
}

static void
take_reset_reply(Redirect *session)
{
    Ider *ider = redirect_state(session);

    if (ider->resets == 0)
        return;
    if (--ider->resets > 0) {
        send_reset(session);
        return;
    }
    ider_machine_start(ider->machine, ider->boot);
    go_on(session);
}

/* Data for the machine. NULL: fine; else what is wrong. */
static const char *
judge_data(const Ider *ider, const guint8 *message, gsize length)
{
    gboolean last = (message[3] & 2) != 0, dma = (message[3] & 1) != 0;
    gsize sum = ider->data->len + length;

    if (!ider->busy || ider->command.write != NULL)
        return "data came that nobody asked for";
    if (length == 0 || length > READ_BUFFER)
        return "a piece of data is empty, or longer than the buffer";
    if (message[18] != device_of(ider))
        return "data came from the other drive";
    if (dma != ider->command.dma || redirect_u16(message + 16) != (dma ? 0 : length))
        return "the kind of transfer is not what was asked for";
    if (message[19] != 0x58 || (last && message[27] != 0x50))
        return "the status registers of a piece of data are wrong";
    if (sum > ider->command.room)
        return "more data came than there is room for";
    if (ider->command.exact && last != (sum == ider->command.room))
        return "the last piece is not marked, or another is";
    return NULL;
}

static gboolean
take_data(Redirect *session, const guint8 *message, gsize length)
{
    Ider *ider = redirect_state(session);
    const char *wrong = judge_data(ider, message, length);

    if (wrong != NULL) {
        ider_problem(redirect_device(session), "command %02x: %s", ider->command.cdb[0], wrong);
        return FALSE;
    }
    g_byte_array_append(ider->data, message + TO_HOST_HEADER, (guint)length);
    if ((message[3] & 2) != 0)
        answer(session, 0);
    return TRUE;
}

static const char *
judge_end(const Ider *ider, const guint8 *message)
{
    gboolean good = message[28] == 0;

    if (!ider->busy)
        return "an end came without a command";
    if (message[26] != device_of(ider))
        return "the end came from the other drive";
    if ((message[3] & 2) == 0 || message[22] != 3)
        return "the end is not marked as one";
    if (message[27] != (good ? 0x50 : 0x51) || message[21] >> 4 != message[28])
        return "status, error and sense do not belong together";
    if (good && ider->command.exact && ider->command.room > 0 && ider->command.write == NULL)
        return "it ended well without the data";
    if (good && ider->written < ider->command.write_length)
        return "a write ended well before its data were asked for";
    return NULL;
}

static gboolean
take_end(Redirect *session, const guint8 *message)
{
    Ider *ider = redirect_state(session);
    const char *wrong = judge_end(ider, message);

    if (wrong != NULL)
        ider_problem(redirect_device(session), "command %02x: %s", ider->command.cdb[0], wrong);
    else
        answer(session, message[28]);
    return wrong == NULL;
}

/* Gives what is asked for of a write. */
static gboolean
give_data(Redirect *session, const guint8 *message)
{
    Ider *ider = redirect_state(session);
    guint length = redirect_u16(message + 9);
    guint8 head[6] = {0, message[9], message[10]};

    if (!ider->busy || length == 0 || length > WRITE_BUFFER ||
        length > ider->command.write_length - ider->written || message[18] != device_of(ider)) {
        ider_problem(redirect_device(session), "%u bytes to write were asked for", length);
        return FALSE;
    }
    send_message(session, OP_FROM_HOST, head, sizeof head);
    redirect_send(session, ider->command.write + ider->written, length);
    ider->written += length;
    return TRUE;
}

/* How long a message of the client is, without the data that some have; 0: none of its. */
static gsize
length_of(const guint8 *bytes, gsize length)
{
    switch (bytes[0]) {
    case OP_OPEN:
        return 18;
    case OP_CLOSE:
    case OP_PING:
    case OP_PONG:
    case OP_RESET_REPLY:
    case OP_HEARTBEAT:
        return 8;
    case OP_FEATURES:
        return length > 8 && bytes[8] == FEATURE_SET ? 13 : 9;
    case OP_COMMAND_END:
    case OP_WANT_DATA:
        return 31;
    case OP_TO_HOST:
        return TO_HOST_HEADER;
    default:
        return 0;
    }
}

/* FALSE: the session cannot go on. */
static gboolean
take(Redirect *session, const guint8 *bytes, gsize data)
{
    switch (bytes[0]) {
    case OP_OPEN:
        open_session(session, bytes);
        return TRUE;
    case OP_CLOSE:
        close_session(session);
        return TRUE;
    case OP_PING:
        send_message(session, OP_PONG, NULL, 0);
        return TRUE;
    case OP_FEATURES:
        set_features(session, bytes[8], bytes[8] == FEATURE_SET ? redirect_u32(bytes + 9) : 0);
        return TRUE;
    case OP_RESET_REPLY:
        take_reset_reply(session);
        return TRUE;
    case OP_COMMAND_END:
        return take_end(session, bytes);
    case OP_WANT_DATA:
        return give_data(session, bytes);
    case OP_TO_HOST:
        return take_data(session, bytes, data);
    default: /* that it lives, is enough */
        return TRUE;
    }
}

static gssize
ider_input(Redirect *session, const guint8 *bytes, gsize length)
{
    Ider *ider = redirect_state(session);
    gsize header = length_of(bytes, length), data;

    if (header == 0 || (!ider->opened && bytes[0] != OP_OPEN))
        return -1; /* the good-bye, 0x12, among others */
    if (length < header)
        return 0;
    data = bytes[0] == OP_TO_HOST ? redirect_u16(bytes + 9) : 0;
    if (length < header + data)
        return 0;
    if (redirect_u32(bytes + 4) != ider->taken++) {
        ider_problem(redirect_device(session),
                     "message %02x has number %u, expected %u",
                     bytes[0],
                     redirect_u32(bytes + 4),
                     ider->taken - 1);
        return -1;
    }
    return take(session, bytes, data) ? (gssize)(header + data) : -1;
}

const RedirectKind redirect_ider = {
    .name = "IDER",
    .enabled = 1,
    .opened = 0,
    .closed = 1,
    .event_opened = 2,
    .event_closed = 3,
    .begin = ider_begin,
    .input = ider_input,
    .timer = ider_timer,
    .end = ider_end,
};
