/* SPDX-License-Identifier: Apache-2.0 */
#include "config.h"

#include "query.h"

Query *query_parse(const char *text, GError **error)
{
    return NULL;
}

void query_free(Query *query)
{
}

char *query_print(const Query *query)
{
    return NULL;
}

gboolean query_sql(const Query *query,
                   Store *store,
                   const char *machine,
                   gint64 now,
                   GString *sql,
                   GPtrArray *values,
                   GError **error)
{
    return TRUE;
}

char *query_rank(const char *text)
{
    return NULL;
}

GPtrArray *query_collections(const Query *query)
{
    return NULL;
}
