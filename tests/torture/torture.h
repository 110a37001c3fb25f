/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * torture.h - what the torture tests share: the exchanges to play, a host with the AMT plugin, and
 * what every outcome must be, however the exchange was disturbed.
 */
#include "batch.h"
#include "tap.h"

/* A line of plugins/amt/tests/recordings/INDEX.tsv. */
typedef struct {
    char *name; /* its recording is NAME.json */
    char *task;
    char *outcome; /* undisturbed: "ok" or the word of an error */
    char *params;  /* GVariant text */
    char *options; /* of the simulator that played the device */
} Exchange;

/* Read the index. Frees with g_ptr_array_unref(). */
GPtrArray *torture_exchanges(void);
char *torture_recording(const Exchange *exchange);

/* A host that knows the AMT plugin only, configured with `amt_config` (lines of its [config]); and
 * an end to it. */
void torture_start(const char *amt_config);
void torture_stop(void);
const char *torture_password_file(void);

/* Play an exchange with `target` through `tap`: exactly one outcome, within a time. A full copy. */
Outcome *torture_run(const Exchange *exchange, Tap *tap, const char *target, gint retries);

/* "ok" or the word of the error. */
const char *torture_word(const Outcome *outcome);

/* Whatever was done to the exchange: success, or one clear error of a code that says what was done.
 */
void torture_judge(const Exchange *exchange, const Outcome *outcome, guint step, TapFault fault);
