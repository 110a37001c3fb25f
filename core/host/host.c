/* SPDX-License-Identifier: Apache-2.0 */
#include "config.h"

#include "host.h"
#include "probe.h"
#include "registry-private.h"
#include "secret.h"

#include <unistd.h>

#define HOST_CONFIG CONFDIR "/postern.conf"

enum { ABI_MINOR_OLDEST = 0, MAX_PARALLEL = 4096, MAX_WORKERS = 64 };

struct Host {
    PosternHost table;
    HostLimits limits;
    char *config_file;
    char **plugin_path;
    char *cache_file; /* or NULL */
    Settings *settings;
    Registry *registry;
    const struct RunHooks *hooks; /* or NULL */
};

/* ---- the table ---- */

static const void *
table_service(gpointer impl, const char *id)
{
    return host_service(id);
}

static void
table_log(gpointer impl, GLogLevelFlags level, const char *text)
{
    GLogLevelFlags known = level & (GLogLevelFlags)G_LOG_LEVEL_MASK;
    g_autofree char *masked = text != NULL ? secret_mask(text, -1) : NULL;

    /* a plugin must not be able to end the host by a level that is fatal */
    if (known == 0 || (known & G_LOG_LEVEL_ERROR) != 0)
        known = G_LOG_LEVEL_WARNING;
    g_log("postern-plugin", known, "%s", masked != NULL ? masked : text != NULL ? text : "");
}

static PosternHost
new_table(guint32 abi_minor)
{
    return (PosternHost){
        .size = sizeof(PosternHost),
        .abi_major = POSTERN_ABI_MAJOR,
        .abi_minor = abi_minor != 0 ? abi_minor : POSTERN_ABI_MINOR,
        .abi_minor_oldest = ABI_MINOR_OLDEST,
        .name = "postern",
        .version = PACKAGE_VERSION,
        .service = table_service,
        .log = table_log,
    };
}

void
host_main_hook(int argc, char **argv)
{
    PosternHost table = new_table(0);

    probe_main_hook(argc, argv, &table);
}

/* ---- postern.conf ---- */

/* clang-format off */
#define HOST_FIELD(id, name_, type_, format_, fallback_, summary_) \
    static const PosternField id = {sizeof id, 0, name_, type_, format_, fallback_, NULL, summary_}

HOST_FIELD(path_field, "plugin-path", "as", NULL, NULL,
           "directories of plugins, first to last; default: the one postern was installed with");
HOST_FIELD(cache_field, "cache-file", "s", "file", NULL,
           "where to keep what plugins say about themselves; default: below the user's cache directory");
HOST_FIELD(parallel_field, "max-parallel", "u", NULL, "1024", "runs in flight at a time, from 1 to 4096");
HOST_FIELD(workers_field, "workers", "u", NULL, "0", "worker threads, at most 64; 0: one for each processor");
HOST_FIELD(timeout_field, "timeout-ms", "u", "ms", "60000", "for one run whose task names no time of its own");
HOST_FIELD(connect_field, "connect-timeout-ms", "u", "ms", "5000", "for making one connection");
HOST_FIELD(step_field, "step-timeout-ms", "u", "ms", "10000", "for one wait for bytes of a device");
HOST_FIELD(retries_field, "retries", "u", NULL, "1",
           "how often an idempotent task is tried again after an error of the way, at most 10");
HOST_FIELD(rate_field, "rate", "d", NULL, "0.0", "runs started a second; 0: no limit");

static const PosternPlugin host_section = {
    .size = sizeof host_section, .name = "host", .version = PACKAGE_VERSION, .license = "Apache-2.0",
    .summary = "the [host] section of postern.conf", .origin = "postern",
    .config = (const PosternField *const[]){&path_field, &cache_field, &parallel_field, &workers_field, &timeout_field,
                                            &connect_field, &step_field, &retries_field, &rate_field, NULL},
};

static const struct {
    const char *key;
    gsize member;
    guint least, most;
} limits[] = {
    {"max-parallel", offsetof(HostLimits, max_parallel), 1, MAX_PARALLEL},
    {"workers", offsetof(HostLimits, workers), 0, MAX_WORKERS},
    {"timeout-ms", offsetof(HostLimits, timeout_ms), 1, G_MAXINT32},
    {"connect-timeout-ms", offsetof(HostLimits, connect_timeout_ms), 1, G_MAXINT32},
    {"step-timeout-ms", offsetof(HostLimits, step_timeout_ms), 1, G_MAXINT32},
    {"retries", offsetof(HostLimits, retries), 0, 10},
};
/* clang-format on */

const PluginInfo *
host_schema(void)
{
    static PluginInfo *schema;

    if (schema == NULL)
        schema = descriptor_from_copy(&host_section, "host", NULL);
    return schema;
}

const PluginInfo *
host_plugin_schema(void)
{
    return discover_schema();
}

static gboolean
take_limits(Host *host, const Settings *settings, GVariant *values, GError **error)
{
    for (guint i = 0; i < G_N_ELEMENTS(limits); i++) {
        guint32 value = 0;

        g_variant_lookup(values, limits[i].key, "u", &value);
        if (value < limits[i].least || value > limits[i].most) {
            g_autofree char *text = g_strdup_printf(
                "got %u, expected %u to %u", value, limits[i].least, limits[i].most);

            settings_refuse(settings, "host", limits[i].key, text, error);
            return FALSE;
        }
        *(guint *)(gpointer)((guint8 *)&host->limits + limits[i].member) = value;
    }
    g_variant_lookup(values, "rate", "d", &host->limits.rate);
    if (host->limits.rate >= 0)
        return TRUE;
    settings_refuse(settings, "host", "rate", "expected 0 (no limit) or a number above it", error);
    return FALSE;
}

static gboolean
take_paths(Host *host, const Settings *settings, GVariant *values, GError **error)
{
    g_variant_lookup(values, "cache-file", "s", &host->cache_file);
    if (!g_variant_lookup(values, "plugin-path", "^as", &host->plugin_path))
        host->plugin_path = g_strsplit(PLUGINDIR, "\n", 1); /* a list of just that */
    for (guint i = 0; host->plugin_path[i] != NULL; i++) {
        g_autofree char *text = NULL;

        if (g_path_is_absolute(host->plugin_path[i]))
            continue;
        text = g_strdup_printf("'%s' is not an absolute path", host->plugin_path[i]);
        settings_refuse(settings, "host", "plugin-path", text, error);
        return FALSE;
    }
    return TRUE;
}

/* The installed file may be absent: then all has its default. One that was named must be there. */
static Settings *
read_settings(const HostOptions *options, const char *file, GError **error)
{
    if (options->config_file == NULL && access(file, F_OK) != 0)
        return settings_parse((const guint8 *)"", 0, file, error);
    return settings_read(file, error);
}

static gboolean
configure(Host *host, const HostOptions *options, GError **error)
{
    g_autoptr(GStrvBuilder) known = g_strv_builder_new();
    g_auto(GStrv) sections = NULL;
    g_autoptr(GVariant) values = NULL;

    g_strv_builder_add(known, "host");
    for (guint i = 0; options->sections != NULL && options->sections[i] != NULL; i++)
        g_strv_builder_add(known, options->sections[i]);
    sections = g_strv_builder_end(known);
    host->settings = read_settings(options, host->config_file, error);
    if (host->settings == NULL ||
        !settings_check_sections(host->settings, (const char *const *)sections, error))
        return FALSE;
    values = settings_values(host->settings, "host", host_schema()->config, error);
    return values != NULL && take_limits(host, host->settings, values, error) &&
           take_paths(host, host->settings, values, error);
}

/* ---- the host ---- */

static gboolean
discover(Host *host, const HostOptions *options, GError **error)
{
    g_autofree char *beside = g_path_get_dirname(host->config_file);
    g_autofree char *directory = g_build_filename(beside, "plugins.d", NULL);
    DiscoverOptions how = {
        .directory = directory,
        .plugin_path = host->plugin_path,
        .cache_file = options->cache_file != NULL ? options->cache_file : host->cache_file,
        .refresh = options->refresh,
        .describe_all = options->describe_all,
        .problems = options->problems,
    };

    host->registry = registry_new(&host->table);
    return discover_plugins(host->registry, &how, error);
}

Host *
host_new(const HostOptions *options, GError **error)
{
    static const HostOptions none = {0};
    const HostOptions *wanted = options != NULL ? options : &none;
    g_autoptr(Host) host = g_new0(Host, 1);

    host->table = new_table(wanted->abi_minor);
    host->table.impl = host;
    host->config_file = g_strdup(wanted->config_file != NULL ? wanted->config_file : HOST_CONFIG);
    if (!configure(host, wanted, error) || !discover(host, wanted, error))
        return NULL;
    return g_steal_pointer(&host);
}

void
host_free(Host *host)
{
    if (host == NULL)
        return;
    registry_free(host->registry);
    g_clear_pointer(&host->settings, settings_free);
    g_free(host->config_file);
    g_strfreev(host->plugin_path);
    g_free(host->cache_file);
    g_free(host);
}

Registry *
host_registry(Host *host)
{
    return host->registry;
}

const Settings *
host_settings(const Host *host)
{
    return host->settings;
}

void
host_set_hooks(Host *host, const struct RunHooks *hooks)
{
    host->hooks = hooks;
}

const struct RunHooks *
host_hooks(const Host *host)
{
    return host->hooks;
}

const HostLimits *
host_limits(Host *host)
{
    return &host->limits;
}

const PosternHost *
host_table(Host *host)
{
    return &host->table;
}
