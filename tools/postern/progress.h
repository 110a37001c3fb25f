/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * progress.h - the bar on a terminal's standard error; nothing anywhere else.
 */
#include "batch.h"

/* Show and refresh it, ten times a second, until progress_end(). */
void progress_begin(const Batch *batch);
void progress_end(void);

/* What one target does now; shown while few are in flight. */
void progress_words(const char *target, double part, const char *words);

/* Clear its line before something else is written; it comes back at the next refresh. */
void progress_hide(void);

/* The same from a signal handler. */
void progress_hide_now(void);
