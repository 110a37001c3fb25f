/* SPDX-License-Identifier: Apache-2.0 */
#include "config.h"

#include "collection.h"

void collection_free(Collection *collection)
{
}

Collection *collection_read(Store *store, const char *name, GError **error)
{
    return NULL;
}

GPtrArray *collection_list(Store *store, GError **error)
{
    return NULL;
}

gboolean collection_save_query(Store *store, const char *name, const char *query, GError **error)
{
    return TRUE;
}

gboolean
collection_save_list(Store *store, const char *name, const char *const *targets, GError **error)
{
    return TRUE;
}

gboolean collection_remove(Store *store, const char *name, GError **error)
{
    return TRUE;
}

StoreRows *collection_machines(Store *store, const char *name, GError **error)
{
    return NULL;
}

gboolean collection_has(Store *store,
                        const char *name,
                        gint64 machine,
                        const char *host,
                        gboolean *has,
                        GError **error)
{
    return TRUE;
}

gboolean collection_sql(Store *store,
                        const char *name,
                        const char *machine,
                        gint64 now,
                        guint depth,
                        GString *sql,
                        GPtrArray *values,
                        GError **error)
{
    return TRUE;
}

TargetDirectory *directory_new(Store *store, gint64 fresh_us)
{
    return NULL;
}

void directory_free(TargetDirectory *directory)
{
}
