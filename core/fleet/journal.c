/* SPDX-License-Identifier: Apache-2.0 */
#include "config.h"

#include "journal.h"

gboolean journal_add(Store *store, JournalRow *row, GError **error)
{
    return TRUE;
}

gboolean journal_read(Store *store,
                      const JournalFilter *filter,
                      gboolean (*fn)(const JournalEntry *entry, gpointer data),
                      gpointer data,
                      GError **error)
{
    return TRUE;
}

gboolean journal_last(Store *store, gint64 *seq, GError **error)
{
    return TRUE;
}

gboolean
journal_verify(Store *store, const char *expected, char **head, guint64 *rows, GError **error)
{
    return TRUE;
}

gboolean journal_purge(Store *store,
                       guint keep_days,
                       guint64 max_bytes,
                       const char *actor,
                       guint64 *removed,
                       GError **error)
{
    return TRUE;
}
