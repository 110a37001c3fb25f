/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * list.h - a list of things in any format: each thing gives its cells and the members of its JSON
 * object.
 */
#include "args.h"

enum { LIST_CELLS = 8 };

typedef struct {
    const char *const *titles; /* NULL-ended, at most LIST_CELLS */
    void (*cells)(gconstpointer item, const char **cells);
    void (*members)(gconstpointer item, GString *out);
} ListKind;

void list_print(const ListKind *kind, GPtrArray *items, Format format);

/* The same, item by item as they come: a list of any length, held only until the widths of a table's columns can be
 * told. */
typedef struct List List;
List *list_begin(const ListKind *kind, Format format);
void list_add(List *list, gconstpointer item);
void list_end(List *list); /* writes what is left, and frees it */
