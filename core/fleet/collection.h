/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * collection.h - sets of machines by name: fixed lists and saved queries.
 *
 * A fixed list holds targets as they were given (names, addresses, networks, ranges, UUIDs, @other); a query is text
 * of query.h, asked anew each time. Names are [a-z0-9][a-z0-9._-]*, at most 64 characters; "all" is every machine
 * and cannot be saved. Where functions write, the caller has begun a transaction.
 */
#include "query.h"
#include "target.h"

typedef struct {
    char *name;
    char *query;        /* NULL: a fixed list */
    GPtrArray *targets; /* of char *; of a fixed list */
    gint64 changed;
} Collection;

void collection_free(Collection *collection);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(Collection, collection_free)

/* NULL with BAD_PARAM and the nearest name when there is none. */
Collection *collection_read(Store *store, const char *name, GError **error);
GPtrArray *collection_list(Store *store, GError **error); /* of Collection, by name */

/* Make or replace it: a query, or a list of targets. Checked whole before anything is written: text, members, that it
 * does not contain itself. */
gboolean collection_save_query(Store *store, const char *name, const char *query, GError **error);
gboolean
collection_save_list(Store *store, const char *name, const char *const *targets, GError **error);
/* CONFLICT while another collection uses it. */
gboolean collection_remove(Store *store, const char *name, GError **error);

/* Its machines: column 0 id, 1 uuid, 2 name, 3 FQDN or address to reach it at (or NULL). Members of fixed lists that
 * are no known machines are not among them. */
StoreRows *collection_machines(Store *store, const char *name, GError **error);

/* Is the machine (0: not known) or host (lower case, as a run has it; or NULL) a member? A host counts as a member of a
 * fixed list that names it, or a network or range it is in. */
gboolean collection_has(Store *store,
                        const char *name,
                        gint64 machine,
                        const char *host,
                        gboolean *has,
                        GError **error);

/* An SQL condition for query.c, like query_sql(). `depth` counts nesting. */
gboolean collection_sql(Store *store,
                        const char *name,
                        const char *machine,
                        gint64 now,
                        guint depth,
                        GString *sql,
                        GPtrArray *values,
                        GError **error);

/* What TargetSource asks: members of @NAME, and names and UUIDs of machines. `store` must outlive it; one thread. A
 * machine's target text is its name if that is its own alone, else its UUID or #id; its host is machine_reach() with
 * addresses fresh for `fresh_us`. */
TargetDirectory *directory_new(Store *store, gint64 fresh_us);
void directory_free(TargetDirectory *directory);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(TargetDirectory, directory_free)
