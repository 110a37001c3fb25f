/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * tap.h - the one place where traffic passes: recording, replay and fault injection.
 *
 * Every stream and datagram asks its run's tap before it touches a socket. Steps are connect, write, read
 * and their datagram kin (closing cannot fail and is none), with the clear text inside TLS: so a replay exercises the HTTP client, the
 * login and the parsers, and a fault can hit any step. No tap: plain traffic, at no cost but one comparison.
 */
#include <glib.h>
#include <gio/gio.h>

typedef struct Tap Tap;

/* Write what passes to `path` when the tap is closed (and an empty one now, to see that it can be written): one JSON document, pretty-printed, normalised (no
 * Authorization, no digest of a login at AMT's redirection port, no nonces of ours) and with every secret masked; refuses to write if one is still in it. */
Tap *tap_record(const char *path, GError **error);

/* Machines are called device, device-2, ... in the order in which they are first talked to, and a replay counts
 * the same way: with several targets record and replay them one after another. */

/* Answer from the recording at `path` instead of the network. What is sent is compared with what was: a
 * difference is a PROTOCOL error that shows both. `path` is checked like any foreign file. */
Tap *tap_replay(const char *path, GError **error);

typedef enum {
    TAP_FAULT_NONE,
    TAP_FAULT_TIMEOUT,   /* nothing happens until the step's time-out (which passes at once) */
    TAP_FAULT_RESET,     /* connection reset */
    TAP_FAULT_REFUSED,   /* connect only: refused; else like reset */
    TAP_FAULT_EOF,       /* the other side ends; a connect or write is cut then, as with the two below */
    TAP_FAULT_GARBAGE,   /* random bytes in place of what came */
    TAP_FAULT_TRUNCATED, /* half of what came, then the end */
    TAP_FAULTS
} TapFault;

const char *tap_fault_word(TapFault fault);

/* Let the `step`-th step (from 0) of this tap fail in this way. On top of record, replay or neither
 * (tap_plain()). Garbage is made from `seed`. */
Tap *tap_plain(void);
void tap_fault(Tap *tap, guint step, TapFault fault, guint32 seed);

/* How many steps passed: the bound for a loop over all of them. */
guint tap_steps(const Tap *tap);

/* When a replay was recorded, in microseconds since 1970; 0: this is no replay. [any] */
gint64 tap_recorded_time(const Tap *tap);

/* What of a replay was not asked for, for "the plugin said less than the recording"; NULL: all was used. */
char *tap_unused(const Tap *tap);

/* Finish: writes the recording, if it is one. FALSE with `error` when that failed. Frees `tap` in any case. */
gboolean tap_close(Tap *tap, GError **error);
