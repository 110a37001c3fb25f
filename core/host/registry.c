/* SPDX-License-Identifier: Apache-2.0 */
#include "config.h"

#include "error.h"
#include "loader.h"
#include "registry-private.h"
#include "suggest.h"

#include <string.h>

const char *
plugin_state_word(PluginState state)
{
    static const char *const words[] = {
        [PLUGIN_ENABLED] = "enabled",
        [PLUGIN_LOADED] = "loaded",
        [PLUGIN_NOT_ENABLED] = "not-enabled",
        [PLUGIN_REFUSED] = "refused",
        [PLUGIN_BLOCKED] = "blocked",
        [PLUGIN_FAILED] = "failed",
        [PLUGIN_MISSING] = "missing",
    };

    return (guint)state < G_N_ELEMENTS(words) ? words[state] : "unknown";
}

/* ---- entries ---- */

static void
entry_free(gpointer data)
{
    Entry *entry = data;

    g_free(entry->plugin.name);
    g_free(entry->plugin.file);
    g_free(entry->plugin.config_file);
    g_free(entry->plugin.reason);
    descriptor_free(entry->plugin.info);
    settings_free(entry->settings);
    g_free(entry->sha256);
    g_clear_pointer(&entry->config, g_variant_unref);
    descriptor_free(entry->loaded);
    g_free(entry);
}

void
entry_refuse(Entry *entry, PluginState state, char *reason)
{
    if (entry->plugin.reason != NULL) {
        g_free(reason);
        return;
    }
    entry->plugin.state = state;
    entry->plugin.reason = reason;
}

Registry *
registry_new(const PosternHost *host)
{
    Registry *registry = g_new0(Registry, 1);

    registry->host = host;
    registry->entries = g_ptr_array_new_with_free_func(entry_free);
    registry->tasks = g_ptr_array_new();
    registry->types = g_ptr_array_new();
    registry->tasks_by_id = g_hash_table_new(g_str_hash, g_str_equal);
    registry->created = g_ptr_array_new();
    return registry;
}

static void
destroy_created(Registry *registry)
{
    for (guint i = registry->created->len; i-- > 0;) {
        Entry *entry = registry->created->pdata[i];

        if (entry->loaded->quiesce != NULL)
            entry->loaded->quiesce(entry->plugin.self);
    }
    for (guint i = registry->created->len; i-- > 0;) {
        Entry *entry = registry->created->pdata[i];

        if (entry->loaded->destroy != NULL)
            entry->loaded->destroy(entry->plugin.self);
    }
}

void
registry_free(Registry *registry)
{
    if (registry == NULL)
        return;
    destroy_created(registry);
    g_ptr_array_unref(registry->created);
    g_hash_table_unref(registry->tasks_by_id);
    g_ptr_array_unref(registry->tasks);
    g_ptr_array_unref(registry->types);
    g_ptr_array_unref(registry->entries);
    g_free(registry);
}

Entry *
registry_add(Registry *registry, const char *name)
{
    Entry *entry = g_new0(Entry, 1);

    entry->plugin.name = g_strdup(name);
    entry->plugin.state = PLUGIN_NOT_ENABLED;
    g_ptr_array_add(registry->entries, entry);
    return entry;
}

Entry *
registry_entry(const Registry *registry, const char *name)
{
    for (guint i = 0; i < registry->entries->len; i++) {
        Entry *entry = registry->entries->pdata[i];

        if (strcmp(entry->plugin.name, name) == 0)
            return entry;
    }
    return NULL;
}

Entry *
registry_entry_of_id(const Registry *registry, const char *id)
{
    g_autofree char *name = g_strndup(id, strcspn(id, "."));

    return registry_entry(registry, name);
}

/* ---- contents ---- */

static int
compare_entries(gconstpointer a, gconstpointer b)
{
    return strcmp((*(const Entry *const *)a)->plugin.name, (*(const Entry *const *)b)->plugin.name);
}

static int
compare_tasks(gconstpointer a, gconstpointer b)
{
    return strcmp((*(const TaskInfo *const *)a)->id, (*(const TaskInfo *const *)b)->id);
}

static int
compare_types(gconstpointer a, gconstpointer b)
{
    return strcmp((*(const CredentialTypeInfo *const *)a)->id,
                  (*(const CredentialTypeInfo *const *)b)->id);
}

void
registry_complete(Registry *registry)
{
    g_ptr_array_sort(registry->entries, compare_entries);
    g_ptr_array_set_size(registry->tasks, 0);
    g_ptr_array_set_size(registry->types, 0);
    g_hash_table_remove_all(registry->tasks_by_id);
    for (guint i = 0; i < registry->entries->len; i++) {
        const Entry *entry = registry->entries->pdata[i];
        const PluginInfo *info = entry->plugin.info;

        if (entry->plugin.state != PLUGIN_ENABLED)
            continue;
        for (guint k = 0; k < info->tasks->len; k++) {
            TaskInfo *task = info->tasks->pdata[k];

            g_ptr_array_add(registry->tasks, task);
            g_hash_table_insert(registry->tasks_by_id, task->id, task);
        }
        for (guint k = 0; k < info->credential_types->len; k++)
            g_ptr_array_add(registry->types, info->credential_types->pdata[k]);
    }
    g_ptr_array_sort(registry->tasks, compare_tasks);
    g_ptr_array_sort(registry->types, compare_types);
}

gboolean
registry_add_builtin(Registry *registry, const PosternPlugin *tables, GError **error)
{
    g_autoptr(PluginInfo) info = NULL;
    Entry *entry = registry_entry(registry, tables->name);

    if (entry != NULL) {
        g_set_error(error,
                    POSTERN_ERROR,
                    POSTERN_ERROR_CONFLICT,
                    "plugin %s is a part of this program, but %s has another one of that name: "
                    "remove that file",
                    tables->name,
                    entry->plugin.file != NULL ? entry->plugin.file : entry->plugin.config_file);
        return FALSE;
    }
    info = descriptor_from_tables(tables, tables->name, registry->host, error);
    if (info == NULL)
        return FALSE;
    entry = registry_add(registry, tables->name);
    entry->plugin.state = PLUGIN_ENABLED;
    entry->plugin.info = g_steal_pointer(&info);
    entry->tables = tables;
    entry->config = g_variant_ref_sink(g_variant_new("a{sv}", NULL));
    registry_complete(registry);
    return TRUE;
}

GPtrArray *
registry_plugins(Registry *registry)
{
    return registry->entries; /* an Entry starts with its Plugin */
}

GPtrArray *
registry_tasks(Registry *registry)
{
    return registry->tasks;
}

GPtrArray *
registry_credential_types(Registry *registry)
{
    return registry->types;
}

/* ---- look-up ---- */

/* The plugin that would have `id` is known, but not in use: say so, with the way to mend it. */
static gboolean
refuse_unusable(const Registry *registry, const char *what, const char *id, GError **error)
{
    const Entry *owner = registry_entry_of_id(registry, id);
    PluginState state = owner != NULL ? owner->plugin.state : PLUGIN_ENABLED;

    if (state == PLUGIN_ENABLED || state == PLUGIN_LOADED)
        return FALSE;
    g_set_error(error,
                POSTERN_ERROR,
                POSTERN_ERROR_NOT_SUPPORTED,
                "no %s %s: plugin %s is %s: %s",
                what,
                id,
                owner->plugin.name,
                plugin_state_word(state),
                owner->plugin.reason);
    return TRUE;
}

/* Nobody here has heard of the plugin that the id begins with: that is what is missing. */
static gboolean
refuse_without_plugin(const Registry *registry, const char *what, const char *id, GError **error)
{
    const char *dot = strchr(id, '.');
    gsize length = dot != NULL ? (gsize)(dot - id) : 0;
    g_autofree char *plugin = g_strndup(id, MIN(length, 64));

    if (length == 0 || registry_entry_of_id(registry, id) != NULL ||
        strspn(plugin, "abcdefghijklmnopqrstuvwxyz0123456789-") != strlen(plugin))
        return FALSE;
    g_set_error(error,
                POSTERN_ERROR,
                POSTERN_ERROR_NOT_SUPPORTED,
                "no %s '%.128s': plugin %s would bring it, and this host has no plugin of that name; "
                "`postern plugins` lists all there are",
                what,
                id,
                plugin);
    return TRUE;
}

static void
refuse_unknown(const char *what, const Suggest *suggest, const char *list, GError **error)
{
    g_autofree char *hint = suggest_text(suggest);

    g_set_error(error,
                POSTERN_ERROR,
                POSTERN_ERROR_NOT_SUPPORTED,
                "no %s '%.128s'%s; `%s` lists all there are",
                what,
                suggest->typed,
                hint,
                list);
}

static TaskInfo *
find_loaded(Entry *entry, const char *id)
{
    const PluginInfo *loaded = g_atomic_pointer_get(&entry->loaded);

    for (guint i = 0; loaded != NULL && i < loaded->tasks->len; i++) {
        TaskInfo *task = loaded->tasks->pdata[i];

        if (strcmp(task->id, id) == 0)
            return task;
    }
    return NULL;
}

const TaskInfo *
registry_task(Registry *registry, const char *id, GError **error)
{
    TaskInfo *task = g_hash_table_lookup(registry->tasks_by_id, id);
    Suggest suggest = {.typed = id};
    const TaskInfo *loaded;

    if (task != NULL) {
        loaded = find_loaded(registry_entry(registry, task->plugin->name), id);
        return loaded != NULL ? loaded : task;
    }
    if (refuse_unusable(registry, "task", id, error))
        return NULL;
    for (guint i = 0; i < registry->tasks->len; i++)
        suggest_offer(&suggest, ((TaskInfo *)registry->tasks->pdata[i])->id);
    refuse_unknown("task", &suggest, "postern tasks", error);
    return NULL;
}

const CredentialTypeInfo *
registry_credential_type(Registry *registry, const char *id, GError **error)
{
    Suggest suggest = {.typed = id};

    for (guint i = 0; i < registry->types->len; i++) {
        const CredentialTypeInfo *type = registry->types->pdata[i];

        if (strcmp(type->id, id) == 0)
            return type;
        suggest_offer(&suggest, type->id);
    }
    if (!refuse_unusable(registry, "credential type", id, error) &&
        !refuse_without_plugin(registry, "credential type", id, error))
        refuse_unknown("credential type", &suggest, "postern plugins", error);
    return NULL;
}

/* ---- loading ---- */

static gboolean load_entry(Registry *registry, Entry *entry, GError **error);

static gboolean
load_depends(Registry *registry, const Entry *entry, GError **error)
{
    for (guint i = 0; entry->plugin.info->depends[i] != NULL; i++) {
        gboolean soft;
        const char *id = depend_task(entry->plugin.info->depends[i], &soft);
        Entry *owner = id != NULL ? registry_entry_of_id(registry, id) : NULL;
        g_autoptr(GError) cause = NULL;

        /* a soft dependency may be absent, fail, or lead back here */
        if (owner == NULL || owner->loading || load_entry(registry, owner, &cause))
            continue;
        if (soft) {
            g_debug("plugin %s goes without %s: %s", entry->plugin.name, id, cause->message);
            continue;
        }
        g_propagate_prefixed_error(
            error, g_steal_pointer(&cause), "plugin %s needs %s: ", entry->plugin.name, id);
        return FALSE;
    }
    return TRUE;
}

/* What was probed and what was loaded must be the same: help, checks and completion came from the
 * former. */
static gboolean
check_same(const PluginInfo *described, const PluginInfo *loaded, GError **error)
{
    g_autoptr(GVariant) then = descriptor_to_variant(described);
    g_autoptr(GVariant) now = descriptor_to_variant(loaded);

    if (g_variant_equal(then, now))
        return TRUE;
    g_set_error(error,
                POSTERN_ERROR,
                POSTERN_ERROR_NOT_SUPPORTED,
                "describes itself otherwise than when it was probed: start again, so that it is "
                "probed anew");
    return FALSE;
}

static gboolean
create_plugin(Registry *registry, Entry *entry, PluginInfo *loaded, GError **error)
{
    g_autoptr(GError) cause = NULL;

    if (loaded->create == NULL)
        return TRUE;
    entry->plugin.self = loaded->create(registry->host, entry->config, &cause);
    if (cause == NULL && entry->plugin.self != NULL)
        return TRUE;
    if (cause != NULL)
        g_propagate_error(error, g_steal_pointer(&cause));
    else
        g_set_error(error,
                    POSTERN_ERROR,
                    POSTERN_ERROR_INTERNAL,
                    "its create() returned NULL and no error");
    return FALSE;
}

static PluginInfo *
load_code(const Registry *registry, const Entry *entry, GError **error)
{
    const char *name = entry->plugin.name;

    return entry->tables != NULL
               ? descriptor_from_tables(entry->tables, name, registry->host, error)
               : loader_open(name, entry->plugin.file, registry->host, error);
}

static gboolean
open_entry(Registry *registry, Entry *entry, GError **error)
{
    g_autoptr(PluginInfo) loaded = load_code(registry, entry, error);

    if (loaded == NULL || !check_same(entry->plugin.info, loaded, error) ||
        !create_plugin(registry, entry, loaded, error))
        return FALSE;
    entry->plugin.state = PLUGIN_LOADED;
    g_ptr_array_add(registry->created, entry);
    g_atomic_pointer_set(&entry->loaded, g_steal_pointer(&loaded));
    return TRUE;
}

static gboolean
load_entry(Registry *registry, Entry *entry, GError **error)
{
    g_autoptr(GError) cause = NULL;
    gboolean opened;

    if (entry->plugin.state == PLUGIN_LOADED)
        return TRUE;
    if (entry->plugin.state != PLUGIN_ENABLED) {
        g_set_error(error,
                    POSTERN_ERROR,
                    POSTERN_ERROR_NOT_SUPPORTED,
                    "plugin %s is %s: %s",
                    entry->plugin.name,
                    plugin_state_word(entry->plugin.state),
                    entry->plugin.reason);
        return FALSE;
    }
    entry->loading = TRUE;
    opened = load_depends(registry, entry, &cause) && open_entry(registry, entry, &cause);
    entry->loading = FALSE;
    if (opened)
        return TRUE;
    error_translate(&cause);
    entry_refuse(entry, PLUGIN_FAILED, g_strdup(cause->message));
    g_propagate_prefixed_error(
        error, g_steal_pointer(&cause), "plugin %s failed: ", entry->plugin.name);
    return FALSE;
}

const TaskInfo *
registry_load(Registry *registry, const TaskInfo *task, GError **error)
{
    Entry *entry = registry_entry(registry, task->plugin->name);

    g_return_val_if_fail(entry != NULL, NULL);
    return load_entry(registry, entry, error) ? find_loaded(entry, task->id) : NULL;
}

gpointer
registry_self(Registry *registry, const TaskInfo *task)
{
    const Entry *entry = registry_entry(registry, task->plugin->name);

    return entry != NULL ? entry->plugin.self : NULL;
}
