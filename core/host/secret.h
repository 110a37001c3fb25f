/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * secret.h - text that must not be seen: kept in locked memory, wiped when freed, masked wherever it shows.
 */
#include <glib.h>

typedef struct Secret Secret;

/* A copy of `text`; `length` < 0: up to its NUL. Registered for masking (unless shorter than 4 bytes: too
 * common to mask without spoiling all output). [any] */
Secret *secret_new(const char *text, gssize length);
Secret *secret_ref(Secret *secret);
void secret_unref(Secret *secret); /* the last one wipes it; it stays registered as long as it lives */
G_DEFINE_AUTOPTR_CLEANUP_FUNC(Secret, secret_unref)

const char *secret_peek(const Secret *secret); /* NUL-ended; valid while a reference is held */

/* `text` with every registered secret (also in XML, JSON, percent and base64 form) replaced by "******". NULL: nothing to
 * mask, use `text` as it is. [any] Cheap when no secret occurs. */
char *secret_mask(const char *text, gssize length);

/* Overwrite, in a way the compiler keeps. */
void secret_wipe(gpointer memory, gsize length);
