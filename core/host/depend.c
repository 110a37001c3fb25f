/* SPDX-License-Identifier: Apache-2.0 */
#include "config.h"

#include "registry-private.h"

#include <string.h>

const char *
depend_task(const char *entry, gboolean *soft)
{
    *soft = entry[0] == '?';
    if (*soft)
        entry++;
    return g_str_has_prefix(entry, "task:") ? entry + strlen("task:") : NULL;
}

static gboolean
is_usable(const Entry *entry)
{
    return entry->plugin.state == PLUGIN_ENABLED;
}

static gboolean
has_task(const Entry *entry, const char *id)
{
    for (guint i = 0; i < entry->plugin.info->tasks->len; i++)
        if (strcmp(((const TaskInfo *)entry->plugin.info->tasks->pdata[i])->id, id) == 0)
            return TRUE;
    return FALSE;
}

/* Why the task cannot be had, or NULL: it can. */
static char *
why_missing(const Registry *registry, const char *id)
{
    const Entry *owner = registry_entry_of_id(registry, id);

    if (owner == NULL)
        return g_strdup_printf("needs task %s, and no plugin that could have it is installed", id);
    if (!is_usable(owner))
        return g_strdup_printf("needs task %s, but plugin %s is %s%s%s",
                               id,
                               owner->plugin.name,
                               plugin_state_word(owner->plugin.state),
                               owner->plugin.reason != NULL ? ": " : "",
                               owner->plugin.reason != NULL ? owner->plugin.reason : "");
    if (!has_task(owner, id))
        return g_strdup_printf("needs task %s, but plugin %s %s does not have it",
                               id,
                               owner->plugin.name,
                               owner->plugin.info->version);
    return NULL;
}

/* TRUE if `entry` had to be refused. */
static gboolean
check_entry(const Registry *registry, Entry *entry)
{
    for (guint i = 0; entry->plugin.info->depends[i] != NULL; i++) {
        gboolean soft;
        const char *id = depend_task(entry->plugin.info->depends[i], &soft);
        char *reason = soft || id == NULL ? NULL : why_missing(registry, id);

        if (reason == NULL)
            continue;
        entry_refuse(entry, PLUGIN_REFUSED, reason);
        return TRUE;
    }
    return FALSE;
}

/* TRUE if following the hard dependencies of `entry` comes to `wanted`; `path` then says how. */
static gboolean
leads_to(const Registry *registry,
         const Entry *entry,
         const Entry *wanted,
         GHashTable *seen,
         GString *path)
{
    if (!g_hash_table_add(seen, entry->plugin.name))
        return FALSE;
    for (guint i = 0; entry->plugin.info->depends[i] != NULL; i++) {
        gboolean soft;
        const char *id = depend_task(entry->plugin.info->depends[i], &soft);
        const Entry *next = soft || id == NULL ? NULL : registry_entry_of_id(registry, id);
        gsize before = path->len;

        if (next == NULL || !is_usable(next))
            continue;
        g_string_append_printf(path, " -> %s", next->plugin.name);
        if (next == wanted || leads_to(registry, next, wanted, seen, path))
            return TRUE;
        g_string_truncate(path, before);
    }
    return FALSE;
}

static void
check_cycles(Registry *registry)
{
    g_autoptr(GPtrArray) reasons = g_ptr_array_new();

    /* all are found before any is refused, so that each of a circle is told */
    for (guint i = 0; i < registry->entries->len; i++) {
        Entry *entry = registry->entries->pdata[i];
        g_autoptr(GHashTable) seen = g_hash_table_new(g_str_hash, g_str_equal);
        g_autoptr(GString) path = g_string_new(entry->plugin.name);
        gboolean circle = is_usable(entry) && leads_to(registry, entry, entry, seen, path);

        g_ptr_array_add(reasons,
                        circle ? g_strdup_printf("depends on itself: %s", path->str) : NULL);
    }
    for (guint i = 0; i < registry->entries->len; i++)
        if (reasons->pdata[i] != NULL)
            entry_refuse(registry->entries->pdata[i], PLUGIN_REFUSED, reasons->pdata[i]);
}

void
depend_check(Registry *registry)
{
    gboolean again = TRUE;

    check_cycles(registry);
    while (again) { /* each turn refuses at least one, so it ends */
        again = FALSE;
        for (guint i = 0; i < registry->entries->len; i++) {
            Entry *entry = registry->entries->pdata[i];

            if (is_usable(entry) && check_entry(registry, entry))
                again = TRUE;
        }
    }
}
