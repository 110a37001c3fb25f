/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * error.h - the words of the error domain: what each code is called, what it means, what to do about it.
 */
#include <postern-plugin.h>

typedef struct {
    PosternError code;
    const char *word;    /* "not-detected", for scripts */
    const char *meaning; /* one sentence */
    const char *hint;    /* what to do next, one sentence; shown with every failure */
    gboolean transport;  /* the way failed, not the device: an idempotent task may be tried again */
} ErrorWord;

/* All of them, by code. */
const ErrorWord *error_words(guint *count);

/* The entry of `code`; that of INTERNAL for a number that is none. */
const ErrorWord *error_word(gint code);

/* The entry called `word`, or NULL. */
const ErrorWord *error_word_find(const char *word);

/* Bring any error into POSTERN_ERROR: those of GIO by their meaning (cancelled, timed out, refused, ...),
 * others as INTERNAL, keeping the message. Does nothing to NULL. */
void error_translate(GError **error);

/* Set BAD_PARAM, with a text as printf makes it: somebody gave us what we cannot take. */
#define error_set_bad(error, ...)                                                                  \
    g_set_error(error, POSTERN_ERROR, POSTERN_ERROR_BAD_PARAM, __VA_ARGS__)

/* Set a POSTERN_ERROR for a failed system call: `number` is errno; the text goes before ": reason". */
void error_set_errno(GError **error, int number, const char *format, ...) G_GNUC_PRINTF(3, 4);
