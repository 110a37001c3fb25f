/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * query.h - the language in which collections ask for machines.
 *
 *     expression = term { "or" term }
 *     term       = factor { "and" factor }
 *     factor     = [ "not" ] ( "(" expression ")" | comparison | "tag:" NAME | "@" COLLECTION )
 *     comparison = FACT [ "=" | "!=" | "<" | "<=" | ">" | ">=" | "~" VALUE | "in" "(" VALUE { "," VALUE } ")" ]
 *
 * FACT is uuid, name, mac, fqdn, address, seen (how long ago: "seen < 7d"), or a name that a plugin reported
 * ("amt.version", "power"). VALUE is a word or "text in quotes" (\" and \\ inside). Numbers and dotted versions
 * compare part by part (12 < 12.0.81 < 12.10), other text without regard to case; `~` is a pattern with * and ?. FACT
 * alone: it is known. A machine of which the fact is not known satisfies no comparison, not even `!=`; `not` turns it
 * round. `address = A.B.C.D/N` (or a range) asks whether it is in there. Of FQDN and address the one seen last counts, of
 * MACs all. At most 16 KiB, 48 levels and 512 comparisons.
 */
#include "store/store.h"

typedef struct Query Query;

/* BAD_PARAM says at which character what was found and what was expected. */
Query *query_parse(const char *text, GError **error);
void query_free(Query *query);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(Query, query_free)

/* The same question in one spelling, with no more brackets than needed. The caller's. */
char *query_print(const Query *query);

/* Append an SQL condition on the machine whose id is the SQL expression `machine` ("m.id"), and its values
 * (GVariant) to `values`, for store_query_values(). Collections it names are looked up in `store`: BAD_PARAM for one
 * that is not there, CONFLICT for one that contains itself. `now` is store_now(); `depth` counts collections in
 * collections, from 0. */
gboolean query_sql(const Query *query,
                   Store *store,
                   const char *machine,
                   gint64 now,
                   guint depth,
                   GString *sql,
                   GPtrArray *values,
                   GError **error);

/* How numbers and versions compare: their parts, parted by dots, padded so that the texts compare as the numbers do. NULL:
 * it is neither. The caller's. */
char *query_rank(const char *text);

/* The names of the collections it uses. Borrowed strings. */
GPtrArray *query_collections(const Query *query);
