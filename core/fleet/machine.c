/* SPDX-License-Identifier: Apache-2.0 */
#include "config.h"

#include "machine.h"

void machine_free(Machine *machine)
{
}

void observation_read(Observation *observation, GVariant *seen)
{
}

void observation_clear(Observation *observation)
{
}

gboolean machine_observe(Store *store,
                         const Observation *observation,
                         gint64 subject,
                         gint64 *machine,
                         GError **error)
{
    return TRUE;
}

gboolean machine_find(Store *store, const char *word, gint64 *machine, GError **error)
{
    return TRUE;
}

gboolean machine_at(
    Store *store, const char *host, gint64 fresh_since, gint64 *machine, GError **error)
{
    return TRUE;
}

char *machine_reach(Store *store, gint64 machine, GError **error)
{
    return NULL;
}

Machine *machine_read(Store *store, gint64 machine, GError **error)
{
    return NULL;
}

StoreRows *machine_rows(Store *store, GError **error)
{
    return NULL;
}

StoreRows *machine_history(Store *store, gint64 machine, GError **error)
{
    return NULL;
}

gboolean machine_merge(Store *store, gint64 keep, gint64 other, gboolean sure, GError **error)
{
    return TRUE;
}

gboolean machine_forget(Store *store, gint64 machine, GError **error)
{
    return TRUE;
}

gboolean machine_set_tag(
    Store *store, gint64 machine, const char *tag, gboolean set, GError **error)
{
    return TRUE;
}

char *machine_uuid_text(const char *text, GError **error)
{
    return NULL;
}

char *machine_mac_text(const char *text, GError **error)
{
    return NULL;
}

gboolean machine_is_uuid(const char *text)
{
    return TRUE;
}

gboolean machine_uuid_is_bogus(const char *uuid)
{
    return TRUE;
}
