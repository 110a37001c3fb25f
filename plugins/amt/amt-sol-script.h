/* SPDX-License-Identifier: Apache-2.0 */
#ifndef AMT_SOL_SCRIPT_H
#define AMT_SOL_SCRIPT_H

/*
 * amt-sol-script.h - the small language of amt.sol.expect, read: one step on each line.
 *
 *     # what follows # at the start of a line is for people
 *     send root\r
 *     expect assword:
 *     send \{secret}\r
 *     capture kernel Linux version (\S+)
 *     timeout 120
 *     wait 2
 */
#include <glib.h>

typedef enum { AMT_STEP_SEND, AMT_STEP_EXPECT, AMT_STEP_CAPTURE, AMT_STEP_WAIT } AmtStepKind;

typedef struct {
    AmtStepKind kind;
    guint line;        /* from 1 */
    char *words;       /* of the step, without the secret: for messages */
    GByteArray *bytes; /* SEND; a secret: wiped when freed */
    GRegex *pattern;   /* EXPECT, CAPTURE */
    char *name;        /* CAPTURE */
    gint64 ms;         /* WAIT: how long; EXPECT, CAPTURE: how long at most */
} AmtStep;

/* All steps, of AmtStep; NULL with BAD_PARAM that names the line. `secret` NULL: none was given. */
GPtrArray *amt_script_read(const char *text, const char *secret, guint timeout_s, GError **error);

#endif /* AMT_SOL_SCRIPT_H */
