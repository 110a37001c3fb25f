/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * text.h - text for people: values in a few words, columns that line up, paragraphs that fit the
 * line.
 */
#include <glib.h>

/* `text` with secrets masked and everything taken out that would move a terminal's cursor or hide
 * what is shown: control and formatting characters, line ends. The caller's. */
char *text_clean(const char *text);

/* A value in a few words: yes/no, numbers, "a, b", "k=v k=v", "3 entries". Clean. The caller's. */
char *text_value(GVariant *value);

/* Append `text` to `out`, broken at spaces to lines of `width` columns, each after `indent` spaces.
 */
void text_wrap(GString *out, const char *text, guint indent, guint width);

/* ---- columns ---- */

typedef struct {
    guint count;
    guint *width;
    GPtrArray *rows; /* of char **: kept until columns_print() */
} Columns;

Columns *columns_new(guint count);
void columns_free(Columns *columns);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(Columns, columns_free)

/* Make the columns at least as wide as these cells. */
void columns_measure(Columns *columns, const char *const *cells);
/* These cells as one line, padded; NULL or the last: not padded. */
void columns_line(const Columns *columns, const char *const *cells, GString *out);
/* Keep a row (cells are cleaned and copied; the last may be NULL) ... */
void columns_add(Columns *columns, const char *const *cells);
/* the same, with cells that are clean and measured already ... */
void columns_keep(Columns *columns, const char *const *cells);
/* ... and print all kept ones, lined up, after `indent` spaces. */
void columns_print(Columns *columns, guint indent);
