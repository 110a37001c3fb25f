/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The conversation of storage redirection: commands come, blocks go.
 *
 * The machine waits for each answer before it asks again, so what counts is how soon an answer is complete on the wire: blocks
 * are read straight behind the header of their message, and as many messages as an answer has go out in one write.
 */
#include "amt-ider.h"

#include <string.h>

enum {
    BATCH = 128 * 1024, /* bytes of an answer that go out at once */
    DEAD_MS = 2 * IDER_HEARTBEAT_MS + 5000,
    CLOSE_MS = 2000
};

static const IderSense good = {0, 0, 0};
static const IderSense unreadable = {3, 0x11, 0};
static const IderSense unwritable = {3, 0x03, 0};
static const IderSense unknown_command = {5, 0x20, 0};
/* What a host asks for to find out, which is no fault of anybody: no medium, medium changed. */
static const guint8 quiet_keys[] = {2, 6};

static gint64
now_of(const IderServer *server)
{
    return server->amt->svc.clock->monotonic(server->run);
}

static gboolean
say(IderServer *server, const guint8 *message, gsize length, GError **error)
{
    return amt_session_write(server->session, message, length, error);
}

static guint32
sequence_of(IderServer *server)
{
    return amt_session_sequence(server->session);
}

/* ---- answers ---- */

static gboolean
send_end(IderServer *server, const IderCommand *command, IderSense sense, GError **error)
{
    guint8 message[IDER_COMMAND_END];

    if (sense.key != 0 && memchr(quiet_keys, sense.key, sizeof quiet_keys) == NULL)
        server->counts.errors++;
    ider_put_end(message, sequence_of(server), command, sense);
    return say(server, message, sizeof message, error);
}

static gboolean
send_made(IderServer *server, const IderCommand *command, const IderAnswer *answer, GError **error)
{
    guint8 message[IDER_TO_HOST + IDER_DATA_MOST];

    ider_put_data(message, sequence_of(server), command, (guint32)answer->length, TRUE);
    memcpy(message + IDER_TO_HOST, answer->data, answer->length);
    return say(server, message, IDER_TO_HOST + answer->length, error);
}

/* One message with blocks behind what is in `out` already. The sequence number is taken only when they could be read. */
static gboolean
add_piece(
    IderServer *server, const IderCommand *command, guint64 offset, guint32 length, gboolean last)
{
    GByteArray *out = server->out;
    guint before = out->len;

    g_byte_array_set_size(out, before + IDER_TO_HOST + length);
    if (!ider_image_read(
            server->images[command->drive], offset, out->data + before + IDER_TO_HOST, length)) {
        g_byte_array_set_size(out, before);
        return FALSE;
    }
    ider_put_data(out->data + before, sequence_of(server), command, length, last);
    return TRUE;
}

/* Pieces are whole sectors. */
static guint32
piece_most(const IderServer *server, const IderCommand *command, guint32 buffer)
{
    return buffer - buffer % ider_sector(&server->drives[command->drive]);
}

static gboolean
send_blocks(IderServer *server,
            const IderCommand *command,
            const IderAnswer *answer,
            GError **error)
{
    guint32 most = piece_most(server, command, server->opened.read_buffer);
    guint64 at = answer->offset, left = answer->bytes;
    gboolean fine = TRUE;

    while (left > 0 && fine) {
        g_byte_array_set_size(server->out, 0);
        while (left > 0 && fine && server->out->len < BATCH) {
            guint32 piece = (guint32)MIN(left, most);
            fine = add_piece(server, command, at, piece, left == piece);
            at += piece;
            left -= piece;
        }
        if (server->out->len > 0 && !say(server, server->out->data, server->out->len, error))
            return FALSE;
    }
    if (!fine)
        return send_end(server, command, unreadable, error);
    server->counts.read += answer->bytes;
    return TRUE;
}

/* ---- writes ---- */

static gboolean
ask_for_data(IderServer *server, GError **error)
{
    guint32 most = piece_most(server, &server->write, server->opened.write_buffer);
    guint8 message[IDER_WANT_DATA];

    server->write_asked = (guint32)MIN(server->write_left, most);
    ider_put_want(message, sequence_of(server), &server->write, server->write_asked);
    return say(server, message, sizeof message, error);
}

static gboolean
take_data(IderServer *server, const AmtMessage *message, GError **error)
{
    gsize length = message->data_length;

    if (server->write_left == 0 || length == 0 || length > server->write_asked)
        return postern_fail(error,
                            POSTERN_ERROR_PROTOCOL,
                            "the machine sent %" G_GSIZE_FORMAT
                            " bytes to write, and was asked for %u",
                            length,
                            server->write_left == 0 ? 0 : server->write_asked);
    if (!ider_image_write(
            server->images[server->write.drive], server->write_at, message->data, length)) {
        server->write_left = 0;
        return send_end(server, &server->write, unwritable, error);
    }
    server->counts.written += length;
    server->write_at += length;
    server->write_left -= length;
    server->write_asked -= (guint32)length;
    if (server->write_left == 0)
        return send_end(server, &server->write, good, error);
    return server->write_asked > 0 || ask_for_data(server, error);
}

/* ---- messages ---- */

static void
note_blocks(IderServer *server, const IderCommand *command, const IderAnswer *answer)
{
    guint32 sector = ider_sector(&server->drives[command->drive]);

    server->served = server->heard;
    server->counts.last_drive = command->drive;
    server->counts.last_block = (guint32)((answer->offset + answer->bytes) / sector - 1);
}

static gboolean
take_command(IderServer *server, const AmtMessage *message, GError **error)
{
    IderCommand command;
    IderAnswer answer;

    server->write_left = 0; /* a machine that asks anew has given up what it was writing */
    server->counts.commands++;
    if (!ider_read_command(message->bytes, &command))
        return send_end(server, &command, unknown_command, error);
    ider_command(&server->drives[command.drive], command.cdb, &answer);
    switch (answer.outcome) {
    case IDER_DATA:
        return send_made(server, &command, &answer, error);
    case IDER_READ:
        note_blocks(server, &command, &answer);
        return send_blocks(server, &command, &answer, error);
    case IDER_WRITE:
        note_blocks(server, &command, &answer);
        server->write = command;
        server->write_at = answer.offset;
        server->write_left = answer.bytes;
        return ask_for_data(server, error);
    case IDER_STATUS:
    default:
        return send_end(server, &command, answer.sense, error);
    }
}

/* The machine starts: what was under way is void, and its media are new to it. */
static gboolean
take_reset(IderServer *server, GError **error)
{
    server->counts.resets++;
    server->write_left = 0;
    server->drives[IDER_FLOPPY].changed = server->drives[IDER_CD].changed = TRUE;
    return amt_session_send_bare(server->session, AMT_OP_IDER_RESET_REPLY, error);
}

static gboolean
take_features(IderServer *server, const AmtMessage *message, GError **error)
{
    enum { SET = 3, DONE = 1 };
    guint32 value = amt_get_u32(message->bytes + 9);

    if (message->bytes[8] != SET)
        return TRUE;
    server->enabled = value == DONE;
    return server->enabled ||
           postern_fail(error,
                        POSTERN_ERROR_DEVICE,
                        "the device does not let the drives appear (it answers %u, "
                        "expected 1); look at amt.features.get",
                        value);
}

static gboolean
take_message(IderServer *server, const AmtMessage *message, GError **error)
{
    switch (message->opcode) {
    case AMT_OP_IDER_COMMAND:
        return take_command(server, message, error);
    case AMT_OP_IDER_FROM_HOST:
        return take_data(server, message, error);
    case AMT_OP_IDER_RESET:
        return take_reset(server, error);
    case AMT_OP_IDER_FEATURES_REPLY:
        return take_features(server, message, error);
    case AMT_OP_IDER_PING:
        return amt_session_send_bare(server->session, AMT_OP_IDER_PONG, error);
    case AMT_OP_IDER_HEARTBEAT:
        return amt_session_send_bare(server->session, AMT_OP_IDER_HEARTBEAT, error);
    case AMT_OP_IDER_ERROR:
        server->counts.errors++;
        postern_log(&server->amt->svc,
                    server->run,
                    G_LOG_LEVEL_WARNING,
                    "the device reports error %u of the storage session",
                    message->bytes[8]);
        return TRUE;
    case AMT_OP_IDER_PONG:
        return TRUE;
    case AMT_OP_IDER_CLOSE_REPLY:
    case AMT_OP_END:
        server->over = TRUE;
        return postern_fail(
            error, POSTERN_ERROR_UNREACHABLE, "the device has ended the storage session");
    default:
        return postern_fail(error,
                            POSTERN_ERROR_PROTOCOL,
                            "a message with opcode 0x%02x came in the middle of the session",
                            message->opcode);
    }
}

static gboolean
check_sequence(IderServer *server, const AmtMessage *message, GError **error)
{
    guint32 expected = server->sequence;

    if (message->opcode < AMT_OP_OPEN)
        return TRUE;
    server->sequence++;
    return message->sequence == expected ||
           postern_fail(
               error,
               POSTERN_ERROR_PROTOCOL,
               "message 0x%02x of the device has number %u, expected %u: something is lost",
               message->opcode,
               message->sequence,
               expected);
}

/* Nothing came: is that still well? */
static gboolean
take_silence(IderServer *server, GError *why, GError **error)
{
    if (!g_error_matches(why, POSTERN_ERROR, POSTERN_ERROR_TIMEOUT) ||
        server->amt->svc.run->cancelled(server->run)) {
        server->over = !server->amt->svc.run->cancelled(server->run);
        g_propagate_error(error, g_error_copy(why));
        return FALSE;
    }
    server->over = now_of(server) - server->heard > (gint64)DEAD_MS * 1000;
    return !server->over || postern_fail(error,
                                         POSTERN_ERROR_UNREACHABLE,
                                         "the device has sent nothing for %d seconds, not even a "
                                         "heartbeat: the session is dead",
                                         DEAD_MS / 1000);
}

gboolean
amt_ider_step(IderServer *server, gint64 timeout_ms, GError **error)
{
    g_autoptr(GError) why = NULL;
    AmtMessage message;

    if (!amt_session_read(server->session, &message, timeout_ms, &why))
        return take_silence(server, why, error);
    server->heard = now_of(server);
    return check_sequence(server, &message, error) && take_message(server, &message, error);
}

/* ---- beginning and end ---- */

static gboolean
send_features(IderServer *server, guint32 value, GError **error)
{
    guint8 message[IDER_FEATURES];

    ider_put_features(message, sequence_of(server), value);
    return say(server, message, sizeof message, error);
}

static gboolean
open_drives(IderServer *server, GError **error)
{
    guint8 open[IDER_OPEN];
    AmtMessage reply;

    ider_put_open(open, sequence_of(server));
    if (!say(server, open, sizeof open, error) ||
        !amt_session_read(server->session, &reply, server->amt->timeout_ms, error) ||
        !check_sequence(server, &reply, error))
        return FALSE;
    server->heard = server->served = now_of(server);
    if (reply.opcode != AMT_OP_OPEN_REPLY)
        return postern_fail(
            error,
            POSTERN_ERROR_PROTOCOL,
            "a message with opcode 0x%02x came, expected an answer to the opening of the drives",
            reply.opcode);
    return ider_read_opened(reply.bytes, &server->opened) ||
           postern_fail(error,
                        POSTERN_ERROR_PROTOCOL,
                        "the device speaks protocol %u with buffers of %u and %u bytes, expected "
                        "protocol 0 and "
                        "room for a sector",
                        reply.bytes[21],
                        server->opened.read_buffer,
                        server->opened.write_buffer);
}

gboolean
amt_ider_begin(IderServer *server, GVariant *params, IderStart start, GError **error)
{
    enum { ENABLE = 1 };
    gint64 until;

    server->out = g_byte_array_sized_new(BATCH + 2 * G_MAXUINT16);
    server->session = amt_session_open(server->amt, server->run, params, AMT_SESSION_IDER, error);
    if (server->session == NULL || !open_drives(server, error) ||
        !send_features(server, ENABLE | (guint32)start, error))
        return FALSE;
    until = now_of(server) + (gint64)server->amt->timeout_ms * 1000;
    while (!server->enabled) {
        if (now_of(server) >= until)
            return postern_fail(error,
                                POSTERN_ERROR_TIMEOUT,
                                "the device did not say within %u ms whether the drives appear",
                                server->amt->timeout_ms);
        if (!amt_ider_step(server, (until - now_of(server)) / 1000 + 1, error))
            return FALSE;
    }
    return TRUE;
}

/* In one write: a run that was cancelled reads no more, and an answer to the first half that nobody takes would cut the
 * connection before the device has seen the second. */
static gboolean
send_close(IderServer *server)
{
    guint8 message[IDER_FEATURES + 8] = {0};
    g_autoptr(GByteArray) bare = g_byte_array_new();

    ider_put_features(message, sequence_of(server), 0);
    amt_put_header(bare, AMT_OP_IDER_CLOSE, sequence_of(server));
    memcpy(message + IDER_FEATURES, bare->data, bare->len);
    return say(server, message, sizeof message, NULL);
}

/* Whatever still comes is not answered any more. */
static void
await_close(IderServer *server)
{
    gint64 until = now_of(server) + (gint64)CLOSE_MS * 1000;
    AmtMessage message;

    while (now_of(server) < until &&
           amt_session_read(server->session, &message, (until - now_of(server)) / 1000 + 1, NULL))
        if (message.opcode == AMT_OP_IDER_CLOSE_REPLY)
            return;
}

void
amt_ider_end(IderServer *server)
{
    if (server->session != NULL && !server->over && server->heard != 0 && send_close(server))
        await_close(server);
    g_clear_pointer(&server->session, amt_session_close);
    g_clear_pointer(&server->out, g_byte_array_unref);
}
