/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * secret.h - text that must not be seen: kept in locked memory, wiped when freed, masked wherever it shows.
 */
#include <glib.h>

typedef struct Secret Secret;

/* Shorter ones are not masked: they occur everywhere, and masking them would spoil all output. */
enum { SECRET_MASKED_FROM = 4 };

/* A copy of `text`; `length` < 0: up to its NUL. Registered for masking (unless shorter than
 * SECRET_MASKED_FROM). [any] */
Secret *secret_new(const char *text, gssize length);
/* The same for text that belongs to a login but may be shown, such as the user's name: not masked. [any] */
Secret *secret_new_shown(const char *text, gssize length);
/* A secret from where others cannot see it: `@FILE` (its first line; refused when others can read the file), `env:NAME`
 * or `fd:N` (its next line). Plain text is refused, and never shown, with BAD_PARAM. Main thread. */
Secret *secret_read(const char *source, GError **error);
Secret *secret_ref(Secret *secret);
void secret_unref(Secret *secret); /* the last one wipes it; it stays registered as long as it lives */
G_DEFINE_AUTOPTR_CLEANUP_FUNC(Secret, secret_unref)

const char *secret_peek(const Secret *secret); /* NUL-ended; valid while a reference is held */

/* `text` with every registered secret (also in XML, JSON, percent and base64 form) replaced by "******".
 * NULL: nothing to mask, use `text` as it is. `length` < 0: up to its NUL; else any bytes, and the result is
 * as long as `*masked_length` says if asked. [any] Its cost does not grow with the number of secrets. */
char *secret_mask(const char *text, gssize length);
char *secret_mask_bytes(const char *text, gsize length, gsize *masked_length);

/* Overwrite, in a way the compiler keeps. */
void secret_wipe(gpointer memory, gsize length);
