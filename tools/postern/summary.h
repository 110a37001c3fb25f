/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * summary.h - what went wrong, by cause: how often, for example where, and what to do.
 */
#include "batch.h"

typedef struct Summary Summary;

Summary *summary_new(void);
void summary_free(Summary *summary);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(Summary, summary_free)

/* Count one outcome that is not OK. */
void summary_add(Summary *summary, const Outcome *outcome);

/* Count one target under the cause `name`. `message` and `hint` may be NULL; those of the first are shown. */
void summary_add_cause(
    Summary *summary, const char *name, const char *target, const char *message, const char *hint);

/* Write it to standard error. `elapsed_us`: how long it all took; `messages`: with an example's
 * message for each cause, for formats that do not show them to people. */
void summary_print(const Summary *summary,
                   const BatchCounts *counts,
                   gint64 elapsed_us,
                   gboolean messages);

/* Only its causes, most frequent first. */
void summary_print_causes(const Summary *summary, gboolean messages);
