/* SPDX-License-Identifier: Apache-2.0 */
/*
 * configure.c - what the configuration says, key by key, and where each value comes from.
 */
#include "config.h"

#include "fleet.h"
#include "host-open.h"
#include "json.h"
#include "list.h"
#include "out.h"
#include "text.h"
#include "verbs.h"

#define MASK "********"

typedef struct {
    char *file, *section, *key, *value, *from;
} Row;

static void
row_free(gpointer data)
{
    Row *row = data;

    g_free(row->file);
    g_free(row->section);
    g_free(row->key);
    g_free(row->value);
    g_free(row->from);
    g_free(row);
}

static void
row_cells(gconstpointer item, const char **cells)
{
    const Row *row = item;

    cells[0] = row->file;
    cells[1] = row->section;
    cells[2] = row->key;
    cells[3] = row->value;
    cells[4] = row->from;
}

static void
row_members(gconstpointer item, GString *out)
{
    const Row *row = item;

    json_member(out, "file", row->file);
    json_member(out, "section", row->section);
    json_member(out, "key", row->key);
    json_member(out, "value", row->value);
    json_member(out, "from", row->from);
}

/* What is shown so far. */
typedef struct {
    gboolean effective;
    GPtrArray *rows;     /* of Row */
    GPtrArray *problems; /* of char * */
} Show;

static void
add_row(Show *show,
        const char *file,
        const char *section,
        const char *key,
        const char *value,
        guint line)
{
    Row *row = g_new0(Row, 1);

    row->file = g_strdup(file);
    row->section = g_strdup(section);
    row->key = g_strdup(key);
    row->value = g_strdup(value);
    row->from = line > 0 ? g_strdup_printf("%s:%u", file, line) : g_strdup("default");
    g_ptr_array_add(show->rows, row);
}

static void
add_default(Show *show, const Settings *settings, const char *section, const FieldInfo *field)
{
    g_autofree char *value = field->fallback != NULL ? text_value(field->fallback) : NULL;
    const SettingsSection *found = settings_section(settings, section);

    for (guint i = 0; found != NULL && i < found->settings->len; i++)
        if (g_str_equal(((const Setting *)found->settings->pdata[i])->key, field->name))
            return;
    add_row(show, settings->file, section, field->name, value, 0);
}

/* `fields`: NULL when nobody can say what the keys are; then none of them is known to be no secret. */
static void
add_section(Show *show, const Settings *settings, const char *section, GPtrArray *fields)
{
    const SettingsSection *found = settings_section(settings, section);

    for (guint i = 0; found != NULL && i < found->settings->len; i++) {
        const Setting *setting = found->settings->pdata[i];
        const FieldInfo *field = field_find(fields, setting->key);
        gboolean open = field != NULL && (field->flags & POSTERN_FIELD_SECRET) == 0;

        add_row(show,
                settings->file,
                section,
                setting->key,
                open ? setting->value : MASK,
                setting->line);
    }
    for (guint i = 0; show->effective && fields != NULL && i < fields->len; i++)
        add_default(show, settings, section, fields->pdata[i]);
}

/* The sections of one file below postern.conf; one that is wrong is among the problems already. */
static void
add_file(Show *show, const char *file, const char *const *sections, GPtrArray *const *fields)
{
    g_autoptr(Settings) settings = settings_read(file, NULL);

    for (guint i = 0; settings != NULL && sections[i] != NULL; i++)
        add_section(show, settings, sections[i], fields[i]);
}

static void
add_plugins(Show *show, Host *host)
{
    static const char *const sections[] = {"plugin", "config", NULL};
    GPtrArray *plugins = registry_plugins(host_registry(host));

    for (guint i = 0; i < plugins->len; i++) {
        const Plugin *plugin = plugins->pdata[i];
        GPtrArray *const fields[] = {host_plugin_schema()->config,
                                     plugin->info != NULL ? plugin->info->config : NULL};

        if (plugin->config_file != NULL)
            add_file(show, plugin->config_file, sections, fields);
    }
}

static void
add_roles(Show *show, Host *host)
{
    static const char *const sections[] = {"role", NULL};
    GPtrArray *const fields[] = {role_schema()->config};
    g_autofree char *directory = access_directory(host_settings(host)->file);
    g_autoptr(Access) access = access_read_all(directory, show->problems);
    GPtrArray *roles = access != NULL ? access_roles(access) : NULL;

    for (guint i = 0; roles != NULL && i < roles->len; i++)
        add_file(show, ((const Role *)roles->pdata[i])->file, sections, fields);
}

Status
verb_config_show(const Args *args)
{
    static const char *const titles[] = {"FILE", "SECTION", "KEY", "VALUE", "FROM", NULL};
    static const ListKind kind = {titles, row_cells, row_members};
    g_autoptr(GPtrArray) rows = g_ptr_array_new_with_free_func(row_free);
    g_autoptr(GPtrArray) problems = g_ptr_array_new_with_free_func(g_free);
    g_autoptr(Host) host = host_open_leniently(args, problems);
    Show show = {.effective = args->effective, .rows = rows, .problems = problems};

    if (host != NULL) {
        add_section(&show, host_settings(host), "host", host_schema()->config);
        add_section(&show, host_settings(host), "fleet", fleet_schema()->config);
        add_plugins(&show, host);
        add_roles(&show, host);
        list_print(&kind, rows, args->output);
    }
    for (guint i = 0; i < problems->len; i++)
        complain("%s", (const char *)problems->pdata[i]);
    return problems->len == 0 ? STATUS_GOOD : STATUS_CONFIG;
}
