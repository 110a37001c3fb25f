/* SPDX-License-Identifier: Apache-2.0 */
#ifndef AMT_SOL_H
#define AMT_SOL_H

/*
 * amt-sol.h - the serial console of a machine over a session of the redirection port.
 */
#include "amt-redirection.h"

typedef struct AmtSol AmtSol;

/* Open the session and start the console. Errors as amt_session_open(). */
AmtSol *amt_sol_open(const Amt *amt, PosternRun *run, GVariant *params, GError **error);

/* What the machine wrote, at most `length` bytes; 0: nothing within `timeout_ms`; -1: the session is over. Everything
 * else that the device says (heartbeats, states of lines) is dealt with here. One stack at a time. */
gssize amt_sol_read(AmtSol *sol, guint8 *buffer, gsize length, gint64 timeout_ms, GError **error);

/* Type. May be called while another stack reads. */
gboolean amt_sol_write(AmtSol *sol, gconstpointer bytes, gsize length, GError **error);

/* Accepts NULL. */
void amt_sol_close(AmtSol *sol);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(AmtSol, amt_sol_close)

/* TRUE when `why`, an error of read or write, means that a new session may well work: the device, not we, ended this one. */
gboolean amt_sol_is_lost(const GError *why);
/* Open again after the session was lost, for as long as `patience_ms`; the network may be away for some seconds. `*stop` (or
 * NULL) becomes TRUE: give up; then and with an error: NULL. */
AmtSol *amt_sol_reopen(const Amt *amt,
                       PosternRun *run,
                       GVariant *params,
                       gint64 patience_ms,
                       const gboolean *stop,
                       GError **error);

/* ---- amt-sol-text.c ---- */

/* Takes sequences that steer a terminal out of a stream, whatever the pieces in which it comes. Zero it first. */
typedef struct {
    guint state;
} AmtPlain;
void amt_plain_add(AmtPlain *plain, GString *out, const guint8 *bytes, gsize length);

#endif /* AMT_SOL_H */
