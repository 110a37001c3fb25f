/* SPDX-License-Identifier: Apache-2.0 */
/*
 * config-check.c - is every configuration file sound, and what it leads to? Makes nothing.
 */
#include "config.h"

#include "fleet.h"
#include "host-open.h"
#include "out.h"
#include "verbs.h"

#include <string.h>

/* What is found so far. */
typedef struct {
    Host *host;          /* NULL: postern.conf is wrong */
    Fleet *fleet;        /* described only; or NULL */
    Store *store;        /* NULL: there is none (yet) */
    GPtrArray *problems; /* of char *: of host and files, not yet printed */
    gboolean wrong;
} Check;

static void say(Check *check, const char *word, const char *format, ...) G_GNUC_PRINTF(3, 4);

static void
say(Check *check, const char *word, const char *format, ...)
{
    g_autofree char *text = NULL;
    g_autofree char *line = NULL;
    va_list args;

    va_start(args, format);
    text = g_strdup_vprintf(format, args);
    va_end(args);
    line = g_strdup_printf("%-8s %s", word, text);
    out_text(line);
    if (strcmp(word, "problem") == 0)
        check->wrong = TRUE;
}

static void
say_problems(Check *check)
{
    for (guint i = 0; i < check->problems->len; i++)
        say(check, "problem", "%s", (const char *)check->problems->pdata[i]);
    g_ptr_array_set_size(check->problems, 0);
}

/* ---- postern.conf and plugins.d ---- */

static void
check_main(Check *check)
{
    g_autoptr(GError) error = NULL;

    if (check->host == NULL)
        return;
    check->fleet = fleet_describe(check->host, &error);
    if (check->fleet == NULL)
        say(check, "problem", "%s", error->message);
    else
        say(check, "ok", "%s", host_settings(check->host)->file);
}

static gboolean
has_problem(const Check *check, const char *file)
{
    for (guint i = 0; i < check->problems->len; i++)
        if (strstr(check->problems->pdata[i], file) != NULL)
            return TRUE;
    return FALSE;
}

/* A file whose name no plugin can have is never read: whoever wrote it thinks otherwise. */
static void
warn_of_names(Check *check, GPtrArray *plugins)
{
    g_autofree char *beside = g_path_get_dirname(host_settings(check->host)->file);
    g_autofree char *directory = g_build_filename(beside, "plugins.d", NULL);
    g_autoptr(GDir) dir = g_dir_open(directory, 0, NULL);
    const char *file;

    while (dir != NULL && (file = g_dir_read_name(dir)) != NULL) {
        g_autofree char *path = g_build_filename(directory, file, NULL);
        gboolean known = file[0] == '.' || !g_str_has_suffix(file, ".conf");

        for (guint i = 0; i < plugins->len && !known; i++)
            known = g_strcmp0(((const Plugin *)plugins->pdata[i])->config_file, path) == 0;
        if (!known)
            say(check, "warning", "%s: no plugin can have this name; the file is not read", path);
    }
}

static void
check_plugins(Check *check)
{
    GPtrArray *plugins = check->host != NULL ? registry_plugins(host_registry(check->host)) : NULL;

    for (guint i = 0; plugins != NULL && i < plugins->len; i++) {
        const Plugin *plugin = plugins->pdata[i];

        if (plugin->config_file == NULL || has_problem(check, plugin->config_file))
            continue;
        if (plugin->state == PLUGIN_NOT_ENABLED)
            say(check,
                "ok",
                "%s (plugin not enabled%s)",
                plugin->config_file,
                plugin->info == NULL ? "; its [config] is not checked" : "");
        else if (plugin->reason != NULL)
            say(check,
                "problem",
                "%s: plugin %s is %s: %s",
                plugin->config_file,
                plugin->name,
                plugin_state_word(plugin->state),
                plugin->reason);
        else
            say(check, "ok", "%s", plugin->config_file);
    }
    if (plugins != NULL)
        warn_of_names(check, plugins);
    say_problems(check);
}

/* ---- the fleet's memory ---- */

/* Profiles hold what only the key can open. */
static gboolean
has_profiles(const Check *check)
{
    g_autoptr(GPtrArray) profiles = check->store != NULL ? profile_list(check->store, NULL) : NULL;

    return profiles != NULL && profiles->len > 0;
}

static void
check_key(Check *check)
{
    const char *name = fleet_key_credential(check->fleet), *file = fleet_key_file(check->fleet);
    g_autoptr(GError) error = NULL;
    g_autoptr(Vault) vault = NULL;

    if (name == NULL && !g_file_test(file, G_FILE_TEST_EXISTS)) {
        if (has_profiles(check))
            say(check,
                "problem",
                "%s: the key is not there, and the logins in the store cannot be read without it: "
                "put it back from your copy",
                file);
        else
            say(check, "ok", "%s (not there yet; made when it is needed)", file);
        return;
    }
    vault = name != NULL ? vault_open_credential(name, &error) : vault_open(file, FALSE, &error);
    if (error != NULL)
        say(check, "problem", "%s", error->message);
    else
        say(check,
            "ok",
            "%s%s",
            name != NULL ? "systemd credential " : "",
            name != NULL ? name : file);
}

static void
check_store(Check *check)
{
    const char *path = check->fleet != NULL ? fleet_store_path(check->fleet) : NULL;
    g_autoptr(GError) error = NULL;
    gboolean is_there;

    if (path == NULL)
        return;
    is_there = g_file_test(path, G_FILE_TEST_EXISTS);
    if (is_there)
        check->store = store_open(path, &error);
    if (error != NULL)
        say(check, "problem", "%s", error->message);
    else
        say(check, "ok", "%s%s", path, is_there ? "" : " (not there yet; made when it is needed)");
    check_key(check);
}

/* ---- roles.d ---- */

static gboolean
fits_any(GPtrArray *tasks, const char *pattern)
{
    for (guint i = 0; i < tasks->len; i++)
        if (g_pattern_match_simple(pattern, ((const TaskInfo *)tasks->pdata[i])->id))
            return TRUE;
    return FALSE;
}

static void
warn_of_tasks(Check *check, const Role *role)
{
    g_autoptr(GPtrArray) idle = g_ptr_array_new();
    g_autofree char *names = NULL;

    for (guint i = 0; check->host != NULL && role->tasks[i] != NULL; i++)
        if (!fits_any(registry_tasks(host_registry(check->host)), role->tasks[i]))
            g_ptr_array_add(idle, role->tasks[i]);
    if (idle->len == 0)
        return;
    g_ptr_array_add(idle, NULL);
    names = g_strjoinv(", ", (char **)idle->pdata);
    say(check, "warning", "%s: no task of an enabled plugin fits %s", role->file, names);
}

static void
warn_of_collections(Check *check, const Role *role)
{
    for (guint i = 0; role->collections[i] != NULL; i++) {
        g_autoptr(GError) error = NULL;
        g_autoptr(Collection) collection = NULL;

        if (strcmp(role->collections[i], "all") == 0)
            continue;
        if (check->store != NULL)
            collection = collection_read(check->store, role->collections[i], &error);
        if (collection == NULL)
            say(check,
                "warning",
                "%s: there is no collection %s, so the role grants nothing on it",
                role->file,
                role->collections[i]);
    }
}

static void
check_roles(Check *check, const char *config_file)
{
    g_autofree char *directory = access_directory(config_file);
    g_autoptr(Access) access = access_read_all(directory, check->problems);
    GPtrArray *roles = access != NULL ? access_roles(access) : NULL;

    for (guint i = 0; roles != NULL && i < roles->len; i++) {
        const Role *role = roles->pdata[i];

        say(check, "ok", "%s", role->file);
        if (role->members[0] == NULL)
            continue; /* grants nothing anyhow, as the ready-made ones for plugins to come */
        warn_of_tasks(check, role);
        warn_of_collections(check, role);
    }
    if (access != NULL && !access_is_open(access) && check->fleet != NULL &&
        fleet_store_path(check->fleet) == NULL)
        say(check,
            "problem",
            "%s: roles have members and cannot be kept without a store, and section [fleet] says "
            "store = none",
            config_file);
    say_problems(check);
}

Status
verb_config_check(const Args *args)
{
    g_autoptr(GPtrArray) problems = g_ptr_array_new_with_free_func(g_free);
    g_autoptr(Host) host = host_open_leniently(args, problems);
    Check check = {.host = host, .problems = problems};

    check_main(&check);
    check_plugins(&check);
    check_store(&check);
    check_roles(&check, args->config != NULL ? args->config : CONFDIR "/postern.conf");
    if (host == NULL)
        remark("plugins.d and the store were not checked: that needs a sound postern.conf");
    store_free(check.store);
    fleet_free(check.fleet);
    return check.wrong ? STATUS_CONFIG : STATUS_GOOD;
}
