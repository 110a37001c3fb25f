/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * journal.h - the activity log: one row before each run, one behind it, each chained to the one before.
 *
 * The hash of a row is SHA-256 over the hash of the row before and all its members in one spelling; that of the first row
 * over 32 zero bytes. Rows are never changed. Retention removes the oldest ones and leaves, in table setting, the
 * number and hash up to which it did; the number and hash of the last row stand there, too. So a row that is changed or
 * missing anywhere is found. Somebody who can write the file and knows this page could compute the whole chain
 * anew: who must exclude that keeps the last hash elsewhere now and then (postern log verify prints it, and takes one).
 *
 * Writing functions work in a transaction of the caller's.
 */
#include "store/store.h"

/* A row. Strings may be NULL; they are masked by value (secret.h) as they are written. */
typedef struct {
    gint64 seq; /* given by journal_add() */
    gint64 at;
    const char *kind; /* "begin", "end", "denied", or "store" for what is no run: purges, changes of credentials */
    gint64 run;       /* of "end": the seq of its "begin"; else 0 */
    gint64 parent;    /* the seq of the run that it is a child of; 0: none */
    const char *actor, *task, *target, *host;
    gint64 machine; /* 0: not known */
    const char *technology; /* the plugin's name */
    const char *params;     /* GVariant text, secrets left out */
    const char *profile;    /* label of the login that was let in */
    const char *outcome;    /* "ok", "failed", "cancelled" */
    const char *error;      /* the word */
    const char *message;
    gint64 elapsed_us;
} JournalRow;

/* Add a row at the end; `row->seq` gets its number. */
gboolean journal_add(Store *store, JournalRow *row, GError **error);

/* What to show. Zero: all. */
typedef struct {
    const char *machine; /* a word of machine_find(), or a target as it was named */
    const char *task;    /* a pattern with * and ? */
    const char *outcome; /* "ok", "failed", "cancelled", "denied", "running" (no end yet) */
    const char *actor;
    gint64 since, until; /* microseconds since 1970; 0: no limit */
    gint64 after;        /* only runs whose last row has a greater seq: for following */
} JournalFilter;

/* One run, or one row that is none. */
typedef struct {
    gint64 seq, last_seq, at, parent, machine, elapsed_us; /* elapsed_us -1: no end yet */
    const char *kind, *actor, *task, *target, *technology, *params, *profile, *outcome, *error, *message;
} JournalEntry;

/* Call `fn` for each entry, oldest first, while it returns TRUE. Strings are valid during the call. */
gboolean journal_read(Store *store,
                      const JournalFilter *filter,
                      gboolean (*fn)(const JournalEntry *entry, gpointer data),
                      gpointer data,
                      GError **error);
gboolean journal_last(Store *store, gint64 *seq, GError **error);

/* Check the whole chain. `expected` (or NULL) is "SEQ:HEX" kept elsewhere, which must be in it. `head` gets "SEQ:HEX" of
 * the last row (the caller's; NULL: no row). CONFLICT: which row is the first that is wrong, and how. */
gboolean
journal_verify(Store *store, const char *expected, char **head, guint64 *rows, GError **error);

/* Remove rows older than `keep_days` (0: no limit) and the oldest beyond `max_bytes` bytes of text (0: no limit), at
 * most 10,000 in one call and never a "begin" whose run may still go on (a day); writes a "store" row that says so when it
 * removed any. `removed` gets how many. */
gboolean journal_purge(Store *store,
                       guint keep_days,
                       guint64 max_bytes,
                       const char *actor,
                       guint64 *removed,
                       GError **error);
