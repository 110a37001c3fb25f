/* SPDX-License-Identifier: Apache-2.0 */
/*
 * catalog.c - the verbs that list what there is: plugins and tasks.
 */
#include "config.h"

#include "host-open.h"
#include "json.h"
#include "list.h"
#include "out.h"
#include "verbs.h"

#include <string.h>

/* ---- plugins ---- */

static void
plugin_cells(gconstpointer item, const char **cells)
{
    const Plugin *plugin = item;

    cells[0] = plugin->name;
    cells[1] = plugin->info != NULL ? plugin->info->version : "-";
    cells[2] = plugin_state_word(plugin->state);
    cells[3] = plugin->file != NULL ? plugin->file : "-";
    cells[4] = plugin->reason != NULL ? plugin->reason : "";
}

static void
plugin_members(gconstpointer item, GString *out)
{
    const Plugin *plugin = item;

    json_member(out, "name", plugin->name);
    json_member(out, "version", plugin->info != NULL ? plugin->info->version : NULL);
    json_member(out, "state", plugin_state_word(plugin->state));
    json_member(out, "reason", plugin->reason);
    json_member(out, "file", plugin->file);
    json_member(out, "config_file", plugin->config_file);
    json_member(out, "summary", plugin->info != NULL ? plugin->info->summary : NULL);
    json_member(out, "license", plugin->info != NULL ? plugin->info->license : NULL);
    json_member(out, "origin", plugin->info != NULL ? plugin->info->origin : NULL);
}

Status
verb_plugins(const Args *args)
{
    static const char *const titles[] = {"NAME", "VERSION", "STATE", "FILE", "REASON", NULL};
    static const ListKind kind = {titles, plugin_cells, plugin_members};
    g_autoptr(Host) host = host_open(args);

    if (host == NULL)
        return STATUS_CONFIG;
    list_print(&kind, registry_plugins(host_registry(host)), args->output);
    return STATUS_GOOD;
}

/* ---- tasks ---- */

static void
task_cells(gconstpointer item, const char **cells)
{
    const TaskInfo *task = item;

    cells[0] = task->id;
    cells[1] = task->summary;
}

static void
task_members(gconstpointer item, GString *out)
{
    const TaskInfo *task = item;

    json_member(out, "id", task->id);
    json_number(out, "version", task->version);
    json_member(out, "plugin", task->plugin->name);
    json_member(out, "summary", task->summary);
    json_flag(out, "read_only", (task->flags & POSTERN_TASK_READ_ONLY) != 0);
    json_flag(out, "disruptive", (task->flags & POSTERN_TASK_DISRUPTIVE) != 0);
}

static gboolean
fits(const char *id, const char *pattern)
{
    if (strpbrk(pattern, "*?") != NULL)
        return g_pattern_match_simple(pattern, id);
    return strstr(id, pattern) != NULL;
}

Status
verb_tasks(const Args *args)
{
    static const char *const titles[] = {"TASK", "SUMMARY", NULL};
    static const ListKind kind = {titles, task_cells, task_members};
    g_autoptr(Host) host = host_open(args);
    g_autoptr(GPtrArray) chosen = g_ptr_array_new();
    const char *pattern = args->words->len > 0 ? g_ptr_array_index(args->words, 0) : "*";
    GPtrArray *all;

    if (host == NULL)
        return STATUS_CONFIG;
    all = registry_tasks(host_registry(host));
    for (guint i = 0; i < all->len; i++) {
        const TaskInfo *task = g_ptr_array_index(all, i);
        if (fits(task->id, pattern))
            g_ptr_array_add(chosen, g_ptr_array_index(all, i));
    }
    if (chosen->len == 0 && all->len == 0)
        complain("no plugin is enabled, so there is no task; postern plugins says why");
    else if (chosen->len == 0)
        complain("no task fits '%s'; postern tasks lists all %u", pattern, all->len);
    list_print(&kind, chosen, args->output);
    return STATUS_GOOD;
}
