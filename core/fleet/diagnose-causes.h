/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * diagnose-causes.h - the words for what breaks between here and a machine's management, what each means, and
 * what to do about it. Plugins may use others: those show as they are.
 */
#include <glib.h>

typedef struct {
    const char *word, *meaning, *hint;
} DiagnoseCause;

/* The cause called `word`; NULL: it is none of ours. */
const DiagnoseCause *diagnose_cause(const char *word);

/* All of them, along the chain. */
const DiagnoseCause *diagnose_causes(guint *count);
