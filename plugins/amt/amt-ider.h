/* SPDX-License-Identifier: Apache-2.0 */
#ifndef AMT_IDER_H
#define AMT_IDER_H

/*
 * amt-ider.h - a session in which we are the drives of a machine.
 */
#include "amt-ider-image.h"
#include "amt-ider-message.h"
#include "amt-redirection.h"

typedef struct {
    guint64 read, written; /* bytes */
    guint32 commands, errors, resets;
    guint32 last_block; /* of the last read or write */
    IderKind last_drive;
} IderCounts;

/* Zero it, fill in the first four; amt_ider_end() in any case. */
typedef struct {
    const Amt *amt;
    PosternRun *run;
    IderDrive drives[2];  /* by IderKind */
    IderImage *images[2]; /* borrowed; NULL: no medium */
    AmtSession *session;
    IderOpened opened;
    IderCounts counts;
    gint64 heard, served; /* when anything came last, and when a block was asked for; monotonic */
    guint32 sequence;     /* of the next message of the device */
    gboolean enabled;     /* the device has agreed to show the drives */
    gboolean over;        /* nothing is to be said any more */
    IderCommand write;    /* under way while `write_left` is not 0 */
    guint64 write_at, write_left;
    guint32 write_asked;
    GByteArray *out;
} IderServer;

/* Open the session, and have the drives appear when `start` says. Errors as amt_session_open(). */
gboolean amt_ider_begin(IderServer *server, GVariant *params, IderStart start, GError **error);
/* Wait for the next message, at most `timeout_ms`, and answer it. TRUE, too, when none came. */
gboolean amt_ider_step(IderServer *server, gint64 timeout_ms, GError **error);
/* Take the drives away and end the session. */
void amt_ider_end(IderServer *server);

#endif /* AMT_IDER_H */
