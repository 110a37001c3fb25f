/* SPDX-License-Identifier: Apache-2.0 */
/* Serial over LAN: start it, and bytes both ways. */
#include "amt-sol.h"

#include <string.h>

enum {
    TX_BUFFER = 10000, /* bytes of the machine in one message */
    TX_MS = 100,       /* after so long what there is of them is sent */
    TX_OVERFLOW_MS = 0,
    RX_MS = 10000,
    RX_FLUSH_MS = 100,
    HEARTBEAT_MS = 5000,
    DEAD_MS = 2 * HEARTBEAT_MS + 1000,
    PIECE = 1000, /* of what is typed, in one message */
    END_MS = 1000,
    REOPEN_PAUSE_MS = 1000
};

struct AmtSol {
    AmtSession *session;
    GByteArray *text; /* came, and was not handed out yet */
    gint64 heard;     /* when anything came last, monotonic */
    guint8 status;    /* of the lines, as last told */
};

/* ---- opening ---- */

static gboolean
send_start(AmtSol *sol, GError **error)
{
    static const guint16 numbers[] = {
        TX_BUFFER, TX_MS, TX_OVERFLOW_MS, RX_MS, RX_FLUSH_MS, HEARTBEAT_MS};
    g_autoptr(GByteArray) out = g_byte_array_new();

    amt_put_header(out, AMT_OP_SOL_START, amt_session_sequence(sol->session));
    for (guint i = 0; i < G_N_ELEMENTS(numbers); i++)
        amt_put_u16(out, numbers[i]);
    amt_put_u32(out, 0);
    return amt_session_write(sol->session, out->data, out->len, error);
}

/* Meaning unknown; other clients send these bytes, too. */
static gboolean
send_settings(AmtSol *sol, GError **error)
{
    static const guint8 rest[] = {0, 0, 0x1B, 0, 0, 0};
    g_autoptr(GByteArray) out = g_byte_array_new();

    amt_put_header(out, AMT_OP_SOL_SETTINGS, amt_session_sequence(sol->session));
    g_byte_array_append(out, rest, sizeof rest);
    return amt_session_write(sol->session, out->data, out->len, error);
}

static gboolean
start(AmtSol *sol, GError **error)
{
    AmtMessage reply;

    if (!send_start(sol, error) ||
        !amt_session_read(sol->session, &reply, amt_session_amt(sol->session)->timeout_ms, error))
        return FALSE;
    if (reply.opcode != AMT_OP_SOL_START_REPLY)
        return postern_fail(error,
                            POSTERN_ERROR_PROTOCOL,
                            "a message with opcode 0x%02x came, expected an answer to the start of "
                            "the serial console",
                            reply.opcode);
    if (reply.status != 0)
        return postern_fail(error,
                            POSTERN_ERROR_DEVICE,
                            "the device refused to start the serial console with status %u",
                            reply.status);
    sol->heard = g_get_monotonic_time();
    return send_settings(sol, error);
}

AmtSol *
amt_sol_open(const Amt *amt, PosternRun *run, GVariant *params, GError **error)
{
    AmtSession *session = amt_session_open(amt, run, params, AMT_SESSION_SOL, error);
    g_autoptr(AmtSol) sol = NULL;

    if (session == NULL)
        return NULL;
    sol = g_new0(AmtSol, 1);
    sol->session = session;
    sol->text = g_byte_array_new();
    return start(sol, error) ? g_steal_pointer(&sol) : NULL;
}

void
amt_sol_close(AmtSol *sol)
{
    if (sol == NULL)
        return;
    if (sol->heard != 0) /* it was started */
        amt_session_send_bare(sol->session, AMT_OP_SOL_END, NULL);
    amt_session_close(sol->session);
    g_byte_array_unref(sol->text);
    g_free(sol);
}

gboolean
amt_sol_is_lost(const GError *why)
{
    return g_error_matches(why, POSTERN_ERROR, POSTERN_ERROR_UNREACHABLE) ||
           g_error_matches(why, POSTERN_ERROR, POSTERN_ERROR_REFUSED) ||
           g_error_matches(why, POSTERN_ERROR, POSTERN_ERROR_BUSY) ||
           g_error_matches(why, POSTERN_ERROR, POSTERN_ERROR_TIMEOUT);
}

AmtSol *
amt_sol_reopen(const Amt *amt,
               PosternRun *run,
               GVariant *params,
               gint64 patience_ms,
               const gboolean *stop,
               GError **error)
{
    gint64 until = g_get_monotonic_time() + patience_ms * 1000;

    while (stop == NULL || !*stop) {
        g_autoptr(GError) why = NULL;
        AmtSol *sol = NULL;
        if (!amt->svc.run->sleep(run, REOPEN_PAUSE_MS, error))
            return NULL;
        sol = amt_sol_open(amt, run, params, &why);
        if (sol != NULL)
            return sol;
        if (!amt_sol_is_lost(why) || g_get_monotonic_time() >= until) {
            g_propagate_prefixed_error(
                error, g_steal_pointer(&why), "the session was lost, and cannot be opened again: ");
            return NULL;
        }
    }
    return NULL;
}

/* ---- reading ---- */

/* An answer is not required, and keeps what lies between us and the device from forgetting the connection. */
static gboolean
answer_heartbeat(AmtSol *sol, GError **error)
{
    return amt_session_send_bare(sol->session, AMT_OP_SOL_HEARTBEAT, error);
}

static gboolean
take(AmtSol *sol, const AmtMessage *message, GError **error)
{
    switch (message->opcode) {
    case AMT_OP_SOL_FROM_HOST:
        g_byte_array_append(sol->text, message->data, (guint)message->data_length);
        return TRUE;
    case AMT_OP_SOL_CONTROLS:
        sol->status = message->data[1];
        return TRUE;
    case AMT_OP_SOL_HEARTBEAT:
        return answer_heartbeat(sol, error);
    case AMT_OP_SOL_PONG:
        return TRUE;
    case AMT_OP_SOL_END_REPLY:
    case AMT_OP_END:
        return postern_fail(
            error, POSTERN_ERROR_UNREACHABLE, "the device has ended the serial console session");
    default:
        return postern_fail(error,
                            POSTERN_ERROR_PROTOCOL,
                            "a message with opcode 0x%02x came in the middle of the session",
                            message->opcode);
    }
}

/* 1: a message came; 0: none did; -1: the session is over. */
static gint
read_message(AmtSol *sol, gint64 until, GError **error)
{
    gint64 dead = sol->heard + (gint64)DEAD_MS * 1000, now = g_get_monotonic_time();
    gint64 wait = MIN(dead, until) - now;
    g_autoptr(GError) why = NULL;
    AmtMessage message;

    if (amt_session_read(sol->session, &message, MAX(wait, 0) / 1000, &why)) {
        sol->heard = g_get_monotonic_time();
        return take(sol, &message, error) ? 1 : -1;
    }
    if (g_error_matches(why, POSTERN_ERROR, POSTERN_ERROR_TIMEOUT) &&
        !amt_session_amt(sol->session)->svc.run->cancelled(amt_session_run(sol->session))) {
        if (g_get_monotonic_time() < dead)
            return 0;
        g_clear_error(&why);
        postern_fail(
            &why,
            POSTERN_ERROR_UNREACHABLE,
            "the device has sent nothing for %d seconds, not even a heartbeat: the session "
            "is dead",
            DEAD_MS / 1000);
    }
    g_propagate_error(error, g_steal_pointer(&why));
    return -1;
}

gssize
amt_sol_read(AmtSol *sol, guint8 *buffer, gsize length, gint64 timeout_ms, GError **error)
{
    gint64 until = timeout_ms < 0 ? G_MAXINT64 : g_get_monotonic_time() + timeout_ms * 1000;
    gsize ready;

    while (sol->text->len == 0) {
        gint came = read_message(sol, until, error);
        if (came <= 0)
            return came;
    }
    ready = MIN(length, sol->text->len);
    memcpy(buffer, sol->text->data, ready);
    g_byte_array_remove_range(sol->text, 0, (guint)ready);
    return (gssize)ready;
}

/* ---- writing ---- */

gboolean
amt_sol_write(AmtSol *sol, gconstpointer bytes, gsize length, GError **error)
{
    const guint8 *at = bytes;

    while (length > 0) {
        gsize piece = MIN(length, PIECE);
        g_autoptr(GByteArray) out = g_byte_array_new();
        amt_put_header(out, AMT_OP_SOL_TO_HOST, amt_session_sequence(sol->session));
        amt_put_u16(out, (guint16)piece);
        g_byte_array_append(out, at, (guint)piece);
        if (!amt_session_write(sol->session, out->data, out->len, error))
            return FALSE;
        at += piece;
        length -= piece;
    }
    return TRUE;
}
