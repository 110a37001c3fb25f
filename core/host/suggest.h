/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * suggest.h - what somebody may have meant: the nearest of some names.
 */
#include <glib.h>

/* How many letters must be changed, added, dropped or swapped with their neighbour to get from `a` to `b`; at
 * most 255 letters of each are looked at. */
guint suggest_distance(const char *a, const char *b);

/* Keeps the nearest name seen so far. Zero it, set `typed`, offer each known name, read `best`. */
typedef struct {
    const char *typed;
    const char *best; /* one of those offered; NULL: none is near enough to be meant */
    guint distance;
} Suggest;

void suggest_offer(Suggest *suggest, const char *name);

/* " (did you mean 'NAME'?)" or "": to be put behind a message. The caller's. */
char *suggest_text(const Suggest *suggest);
