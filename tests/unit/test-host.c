/* SPDX-License-Identifier: Apache-2.0 */

/*
 * The host with the plugins of this tree and the configuration files they come with, in both kinds
 * of build: as modules and linked in.
 */
#include "config.h"

#include "host.h"
#include "secret.h"
#include "settings.h"

#include <glib/gstdio.h>
#include <string.h>
#include <sys/stat.h>

static const char *const plugins[] = {"amt", "dummy", NULL};

typedef struct {
    char *root, *enabled, *config, *cache;
} Place;

static void
copy_file(const char *from, const char *to, int mode)
{
    g_autofree char *bytes = NULL;
    g_autoptr(GError) error = NULL;
    gsize length;

    g_file_get_contents(from, &bytes, &length, &error);
    g_assert_no_error(error);
    g_file_set_contents(to, bytes, (gssize)length, &error);
    g_assert_no_error(error);
    g_assert_cmpint(g_chmod(to, mode), ==, 0);
}

/* Modules are copied: the build tree may be writable by others, and is then rightly refused. */
static void
copy_module(const Place *place, const char *name)
{
#ifndef STATIC_PLUGINS
    g_autofree char *from = g_strdup_printf("%s/.libs/%s.so", TEST_BUILDDIR, name);
    g_autofree char *to = g_strdup_printf("%s/%s.so", place->root, name);

    copy_file(from, to, 0755);
#endif
}

static void
place_up(Place *place, gconstpointer data)
{
    g_autofree char *text = NULL;

    place->root = g_dir_make_tmp("postern-host-XXXXXX", NULL);
    place->enabled = g_build_filename(place->root, "plugins.d", NULL);
    place->config = g_build_filename(place->root, "postern.conf", NULL);
    place->cache = g_build_filename(place->root, "cache", NULL);
    text = g_strdup_printf("[host]\nplugin-path = %s\n", place->root);
    g_assert_true(g_file_set_contents(place->config, text, -1, NULL));
    g_assert_cmpint(g_mkdir(place->enabled, 0755), ==, 0);
    for (guint i = 0; plugins[i] != NULL; i++) {
        g_autofree char *from =
            g_strdup_printf("%s/config/plugins.d/%s.conf", TEST_SRCDIR, plugins[i]);
        g_autofree char *to = g_strdup_printf("%s/%s.conf", place->enabled, plugins[i]);

        copy_module(place, plugins[i]);
        copy_file(from, to, 0644);
    }
}

static void
place_down(Place *place, gconstpointer data)
{
    for (guint i = 0; plugins[i] != NULL; i++) {
        g_autofree char *conf = g_strdup_printf("%s/%s.conf", place->enabled, plugins[i]);
        g_autofree char *module = g_strdup_printf("%s/%s.so", place->root, plugins[i]);

        g_unlink(conf);
        g_unlink(module);
    }
    g_unlink(place->config);
    g_unlink(place->cache);
    g_rmdir(place->enabled);
    g_rmdir(place->root);
    g_free(place->root);
    g_free(place->enabled);
    g_free(place->config);
    g_free(place->cache);
}

static void
enable(const Place *place, const char *name)
{
    g_autofree char *conf = g_strdup_printf("%s/%s.conf", place->enabled, name);

    g_assert_true(g_file_set_contents(conf, "[plugin]\nload = yes\n", -1, NULL));
}

static Host *
start(const Place *place)
{
    static const char *const sections[] = {"fleet",
                                           NULL}; /* of the installed file, not the host's */
    HostOptions options = {
        .config_file = place->config, .cache_file = place->cache, .sections = sections};
    g_autoptr(GError) error = NULL;
    Host *host = host_new(&options, &error);

    g_assert_no_error(error);
    return host;
}

static const Plugin *
find(Host *host, const char *name)
{
    GPtrArray *all = registry_plugins(host_registry(host));

    for (guint i = 0; i < all->len; i++)
        if (strcmp(((const Plugin *)all->pdata[i])->name, name) == 0)
            return all->pdata[i];
    g_error("the host does not list plugin %s", name);
}

static void
test_as_installed(Place *place, gconstpointer data)
{
    g_autoptr(Host) host = start(place);

    g_assert_cmpstr(find(host, "amt")->reason, ==, NULL);
    g_assert_cmpint(find(host, "amt")->state, ==, PLUGIN_ENABLED);
    g_assert_cmpint(find(host, "dummy")->state, ==, PLUGIN_NOT_ENABLED);
}

static void
test_load(Place *place, gconstpointer data)
{
    g_autoptr(Host) host = NULL;
    g_autoptr(GError) error = NULL;

    for (guint i = 0; plugins[i] != NULL; i++)
        enable(place, plugins[i]);
    host = start(place);
    for (guint i = 0; plugins[i] != NULL; i++) {
        const Plugin *plugin = find(host, plugins[i]);
        const TaskInfo *task;

        g_assert_cmpstr(plugin->reason, ==, NULL);
        task = registry_load(host_registry(host), plugin->info->tasks->pdata[0], &error);
        g_assert_no_error(error);
        g_assert_nonnull(task->run);
        g_assert_cmpint(plugin->state, ==, PLUGIN_LOADED);
    }
}

/* What a plugin says to the log is masked ('?' stands for one character), and cannot end the host.
 */
static void
test_log(Place *place, gconstpointer data)
{
    g_autoptr(Host) host = start(place);
    g_autoptr(Secret) secret = secret_new("open sesame", -1);
    const PosternHost *table = host_table(host);

    g_test_expect_message("postern-plugin", G_LOG_LEVEL_WARNING, "say ?????? twice");
    table->log(table->impl, G_LOG_LEVEL_ERROR, "say open sesame twice");
    g_test_expect_message("postern-plugin", G_LOG_LEVEL_MESSAGE, "nothing hidden");
    table->log(table->impl, G_LOG_LEVEL_MESSAGE, "nothing hidden");
    g_test_assert_expected_messages();
}

/* Knowing all plugins costs no process and no plugin code once it is cached: `postern tasks` is to
 * start in 50 ms. */
static void
test_quick(Place *place, gconstpointer data)
{
    gint64 best = G_MAXINT64;

    enable(place, "dummy");
    host_free(start(place));
    for (guint i = 0; i < 5; i++) {
        gint64 before = g_get_monotonic_time();

        host_free(start(place));
        best = MIN(best, g_get_monotonic_time() - before);
    }
    g_test_message("a host with all plugins known took %" G_GINT64_FORMAT " us", best);
    g_assert_cmpint(best, <, 50 * 1000);
}

/* ---- the files as they come: every key that exists is in them, as a comment, with its default
 * ---- */

/* `text` with each "# key = value" line made a setting. */
static char *
uncomment(const char *text)
{
    g_autoptr(GRegex) comment = g_regex_new("^# ([a-z0-9-]+ = )", G_REGEX_MULTILINE, 0, NULL);

    return g_regex_replace(comment, text, -1, 0, "\\1", 0, NULL);
}

static Settings *
read_uncommented(const char *name)
{
    g_autofree char *path = g_strdup_printf("%s/config/%s", TEST_SRCDIR, name);
    g_autofree char *text = NULL;
    g_autofree char *plain = NULL;
    g_autoptr(GError) error = NULL;
    Settings *settings;

    g_file_get_contents(path, &text, NULL, &error);
    g_assert_no_error(error);
    plain = uncomment(text);
    settings = settings_parse((const guint8 *)plain, strlen(plain), path, &error);
    g_assert_no_error(error);
    return settings;
}

static void
check_key(const FieldInfo *field, const Setting *setting, const char *file)
{
    g_autoptr(GVariant) value = NULL;
    g_autoptr(GError) error = NULL;

    if (field == NULL)
        g_error("%s has %s, which does not exist", file, setting->key);
    if (field->fallback == NULL)
        return;
    value = field_parse(field, setting->value, &error);
    g_assert_no_error(error);
    if (!g_variant_equal(value, field->fallback))
        g_error("%s: %s is shown with %s, which is not the default",
                file,
                setting->key,
                setting->value);
}

static void
test_plugin_files(Place *place, gconstpointer data)
{
    g_autoptr(Host) host = NULL;

    enable(place, "dummy");
    host = start(place);
    for (guint i = 0; plugins[i] != NULL; i++) {
        g_autofree char *name = g_strdup_printf("plugins.d/%s.conf", plugins[i]);
        g_autoptr(Settings) settings = read_uncommented(name);
        const SettingsSection *section = settings_section(settings, "config");
        GPtrArray *fields = find(host, plugins[i])->info->config;

        for (guint k = 0; k < section->settings->len; k++) {
            const Setting *setting = section->settings->pdata[k];

            check_key(field_find(fields, setting->key), setting, name);
        }
        g_assert_cmpuint(section->settings->len, ==, fields->len);
    }
}

static void
test_host_file(Place *place, gconstpointer data)
{
    g_autofree char *path = g_strdup_printf("%s/config/postern.conf", TEST_SRCDIR);
    g_autofree char *text = NULL;
    g_autofree char *plain = NULL;
    g_autoptr(Host) host = NULL;

    g_assert_true(g_file_get_contents(path, &text, NULL, NULL));
    plain = uncomment(text);
    g_assert_true(g_file_set_contents(place->config, plain, -1, NULL));
    host = start(place);
    g_assert_cmpuint(host_limits(host)->max_parallel, ==, 1024);
    g_assert_cmpuint(host_limits(host)->step_timeout_ms, ==, 10000);
}

static void
add(const char *name, void (*test)(Place *place, gconstpointer data))
{
    g_test_add(name, Place, NULL, place_up, test, place_down);
}

int
main(int argc, char **argv)
{
    host_main_hook(argc, argv);
    g_test_init(&argc, &argv, NULL);
    add("/host/as-installed", test_as_installed);
    add("/host/load", test_load);
    add("/host/log", test_log);
    add("/host/quick", test_quick);
    add("/host/plugin-files", test_plugin_files);
    add("/host/host-file", test_host_file);
    return g_test_run();
}
