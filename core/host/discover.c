/* SPDX-License-Identifier: Apache-2.0 */
#include "config.h"

#include "cache.h"
#include "loader.h"
#include "registry-private.h"
#include "trust.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

enum { PLUGINS_MAX = 256, NAME_LENGTH_MAX = 64 };

/* ---- which files there are ---- */

/* NAME of "NAME`suffix`" if it can be a plugin's, else NULL. */
static char *
plugin_name(const char *file, const char *suffix)
{
    gsize length = strlen(file);

    if (!g_str_has_suffix(file, suffix) || !g_ascii_islower(file[0]))
        return NULL;
    length -= strlen(suffix);
    if (length == 0 || length > NAME_LENGTH_MAX)
        return NULL;
    for (gsize i = 0; i < length; i++)
        if (!g_ascii_islower(file[i]) && !g_ascii_isdigit(file[i]) && file[i] != '-')
            return NULL;
    return g_strndup(file, length);
}

static Entry *
want_entry(Registry *registry, const char *name)
{
    Entry *entry = registry_entry(registry, name);

    if (entry == NULL && registry->entries->len < PLUGINS_MAX)
        entry = registry_add(registry, name);
    return entry;
}

typedef void (*FoundFunc)(Entry *entry, const char *path);

/* Call `found` for the entry of each file NAME`suffix` in `directory`. FALSE: it cannot be read. */
static gboolean
scan(Registry *registry, const char *directory, const char *suffix, FoundFunc found)
{
    g_autoptr(GDir) dir = g_dir_open(directory, 0, NULL);
    const char *file;

    if (dir == NULL)
        return FALSE;
    while ((file = g_dir_read_name(dir)) != NULL) {
        g_autofree char *name = plugin_name(file, suffix);
        g_autofree char *path = g_build_filename(directory, file, NULL);
        Entry *entry = name != NULL ? want_entry(registry, name) : NULL;

        if (entry != NULL)
            found(entry, path);
    }
    return TRUE;
}

static void
found_config(Entry *entry, const char *path)
{
    entry->plugin.config_file = g_strdup(path);
}

static void
found_module(Entry *entry, const char *path)
{
    if (entry->plugin.file == NULL && !entry->linked_in) /* the first directory of the path wins */
        entry->plugin.file = g_canonicalize_filename(path, "/");
}

static void
find_linked_in(Registry *registry)
{
    g_auto(GStrv) names = loader_linked_in();

    for (guint i = 0; names[i] != NULL; i++) {
        Entry *entry = want_entry(registry, names[i]);

        if (entry != NULL)
            entry->linked_in = TRUE;
    }
}

/* ---- plugins.d/NAME.conf ---- */

/* The settings of the host and of [plugin] are fields like any other, so that they are checked and
 * explained alike. */
/* clang-format off */
static const PosternField load_field = {
    sizeof load_field, 0, "load", "s", NULL, "'yes'", (const char *const[]){"yes", "no", "required", NULL},
    "whether to use the plugin; required: do not start without it"};
static const PosternField isolation_field = {
    sizeof isolation_field, 0, "isolation", "s", NULL, "'none'", (const char *const[]){"none", NULL},
    "whether it runs in the host's process (none)"};
static const PosternField sha256_field = {
    sizeof sha256_field, 0, "sha256", "s", NULL, NULL, NULL,
    "the only content its file may have, as 64 hexadecimal digits"};
static const PosternPlugin plugin_settings = {
    .size = sizeof plugin_settings, .name = "plugin", .version = "1", .license = "Apache-2.0",
    .summary = "the [plugin] section of a file in plugins.d", .origin = "postern",
    .config = (const PosternField *const[]){&load_field, &isolation_field, &sha256_field, NULL},
};
/* clang-format on */

static gboolean
take_pin(Entry *entry, const char *text, GError **error)
{
    entry->sha256 = g_ascii_strdown(text, -1);
    if (strlen(text) == 64 && text[strspn(entry->sha256, "0123456789abcdef")] == '\0')
        return TRUE;
    settings_refuse(entry->settings,
                    "plugin",
                    "sha256",
                    "expected 64 hexadecimal digits (`sha256sum FILE` prints them)",
                    error);
    return FALSE;
}

static gboolean
read_config(Entry *entry, GPtrArray *fields, GError **error)
{
    static const char *const sections[] = {"plugin", "config", NULL};
    g_autoptr(GVariant) values = NULL;
    const char *load, *pin;

    entry->settings = settings_read(entry->plugin.config_file, error);
    if (entry->settings == NULL || !settings_check_sections(entry->settings, sections, error))
        return FALSE;
    values = settings_values(entry->settings, "plugin", fields, error);
    if (values == NULL)
        return FALSE;
    g_variant_lookup(values, "load", "&s", &load);
    entry->enabled = strcmp(load, "no") != 0;
    entry->required = strcmp(load, "required") == 0;
    return !g_variant_lookup(values, "sha256", "&s", &pin) || take_pin(entry, pin, error);
}

const PluginInfo *
discover_schema(void)
{
    static PluginInfo *schema;

    if (schema == NULL)
        schema = descriptor_from_copy(&plugin_settings, "plugin", NULL);
    return schema;
}

/* A file of plugins.d is wrong: the end, or one plugin less where all that is wrong is wanted. */
static gboolean
note_problem(Entry *entry, const DiscoverOptions *options, GError *problem, GError **error)
{
    if (options->problems == NULL) {
        g_propagate_error(error, problem);
        return FALSE;
    }
    g_ptr_array_add(options->problems, g_strdup(problem->message));
    entry_refuse(entry, PLUGIN_REFUSED, g_strdup(problem->message));
    g_error_free(problem);
    return TRUE;
}

static gboolean
read_configs(Registry *registry, const DiscoverOptions *options, GError **error)
{
    for (guint i = 0; i < registry->entries->len; i++) {
        Entry *entry = registry->entries->pdata[i];
        GError *problem = NULL;

        if (entry->plugin.config_file != NULL &&
            !read_config(entry, discover_schema()->config, &problem) &&
            !note_problem(entry, options, problem, error))
            return FALSE;
    }
    return TRUE;
}

/* ---- whether to touch the file ---- */

static void
refuse_with(Entry *entry, PluginState state, const GError *error)
{
    entry_refuse(entry, state, g_strdup(error->message));
}

static char *
hash_file(const char *path)
{
    g_autoptr(GChecksum) sum = g_checksum_new(G_CHECKSUM_SHA256);
    guint8 buffer[32 * 1024];
    gssize got = -1;
    int fd = open(path, O_RDONLY | O_CLOEXEC);

    if (fd < 0)
        return NULL;
    do {
        got = read(fd, buffer, sizeof buffer);
        if (got > 0)
            g_checksum_update(sum, buffer, got);
    } while (got > 0 || (got < 0 && errno == EINTR));
    close(fd);
    return got == 0 ? g_strdup(g_checksum_get_string(sum)) : NULL;
}

static void
check_file(Entry *entry)
{
    g_autoptr(GError) error = NULL;
    g_autofree char *sum = NULL;

    if (!trust_check(entry->plugin.file, geteuid(), &error)) {
        refuse_with(entry, PLUGIN_REFUSED, error);
        return;
    }
    if (entry->sha256 == NULL)
        return;
    sum = hash_file(entry->plugin.file);
    if (g_strcmp0(sum, entry->sha256) != 0)
        entry_refuse(entry,
                     PLUGIN_REFUSED,
                     g_strdup_printf("%s has SHA-256 %s, but sha256 in %s says %s",
                                     entry->plugin.file,
                                     sum != NULL ? sum : "(cannot be read)",
                                     entry->plugin.config_file,
                                     entry->sha256));
}

static void
decide(Entry *entry, const DiscoverOptions *options)
{
    g_autofree char *path = g_strjoinv(":", options->plugin_path);

    if (!entry->enabled && entry->plugin.config_file != NULL)
        entry_refuse(entry,
                     PLUGIN_NOT_ENABLED,
                     g_strdup_printf("%s says load = no", entry->plugin.config_file));
    else if (!entry->enabled)
        entry_refuse(entry,
                     PLUGIN_NOT_ENABLED,
                     g_strdup_printf(
                         "there is no %s/%s.conf; a file with [plugin] and load = yes enables it",
                         options->directory,
                         entry->plugin.name));
    else if (entry->plugin.file == NULL && !entry->linked_in)
        entry_refuse(entry,
                     PLUGIN_MISSING,
                     g_strdup_printf("%s enables it, but there is no %s.so in %s",
                                     entry->plugin.config_file,
                                     entry->plugin.name,
                                     path));
    else if (entry->plugin.file != NULL)
        check_file(entry);
}

/* ---- what they say about themselves ---- */

static gboolean
is_open(const Entry *entry)
{
    return entry->plugin.reason == NULL;
}

/* Whether the file may be run to have it describe itself, though nothing enables it. */
static gboolean
may_be_asked(const Entry *entry)
{
    g_autofree char *sum = NULL;

    if (entry->plugin.file == NULL || !trust_check(entry->plugin.file, geteuid(), NULL))
        return FALSE;
    if (entry->sha256 == NULL)
        return TRUE;
    sum = hash_file(entry->plugin.file);
    return g_strcmp0(sum, entry->sha256) == 0;
}

/* Is its description wanted? Of what is enabled, and of the rest if that is asked for. */
static gboolean
is_wanted(const Entry *entry, const DiscoverOptions *options)
{
    if (is_open(entry))
        return TRUE;
    return options->describe_all && entry->plugin.state == PLUGIN_NOT_ENABLED &&
           (entry->linked_in || may_be_asked(entry));
}

/* Take the description of a probe that went well. FALSE: it is damaged, which a cache may be. */
static gboolean
describe(Entry *entry, const Probe *probe, const PosternHost *host)
{
    g_autoptr(PluginInfo) info =
        descriptor_from_variant(probe->description, entry->plugin.name, NULL);
    g_autoptr(GError) error = NULL;

    if (info == NULL)
        return FALSE;
    if (descriptor_check_services(info, host, &error))
        entry->plugin.info = g_steal_pointer(&info);
    else
        refuse_with(entry, PLUGIN_REFUSED, error);
    return TRUE;
}

static void
conclude(Entry *entry, const Probe *probe, const PosternHost *host)
{
    gboolean crashed = probe->state == PROBE_CRASHED;

    if (probe->state == PROBE_OK && describe(entry, probe, host))
        return;
    entry_refuse(entry,
                 crashed ? PLUGIN_BLOCKED : PLUGIN_REFUSED,
                 g_strdup_printf("%s%s",
                                 probe->reason != NULL ? probe->reason
                                                       : "its probe gave a damaged description",
                                 crashed ? "; it is not tried again until the file changes" : ""));
}

static void
free_probe(gpointer probe)
{
    probe_free(probe);
}

static void
describe_linked_in(Registry *registry, const DiscoverOptions *options)
{
    for (guint i = 0; i < registry->entries->len; i++) {
        Entry *entry = registry->entries->pdata[i];
        g_autoptr(GError) error = NULL;

        if (!entry->linked_in || !is_wanted(entry, options))
            continue;
        entry->plugin.info = loader_open(entry->plugin.name, NULL, registry->host, &error);
        if (entry->plugin.info == NULL)
            refuse_with(entry, PLUGIN_REFUSED, error);
    }
}

/* Whether the cache knows all that is wanted of `entry`. */
static gboolean
describe_from_cache(Entry *entry, Cache *cache, const PosternHost *host)
{
    Probe *probe = probe_new(entry->plugin.name, entry->plugin.file);
    gboolean known =
        cache_look_up(cache, probe) && (probe->state != PROBE_OK || describe(entry, probe, host));

    if (known && probe->state != PROBE_OK)
        conclude(entry, probe, host);
    probe_free(probe);
    return known;
}

static void
describe_files(Registry *registry, const DiscoverOptions *options)
{
    g_autoptr(Cache) cache = cache_open(options->cache_file, registry->host);
    g_autoptr(GPtrArray) probes = g_ptr_array_new_with_free_func(free_probe);

    for (guint i = 0; i < registry->entries->len; i++) {
        Entry *entry = registry->entries->pdata[i];

        if (!entry->linked_in && is_wanted(entry, options) &&
            (options->refresh || !describe_from_cache(entry, cache, registry->host)))
            g_ptr_array_add(probes, probe_new(entry->plugin.name, entry->plugin.file));
    }
    probe_run(probes, registry->host, PROBE_TIMEOUT_MS);
    for (guint i = 0; i < probes->len; i++) {
        const Probe *probe = probes->pdata[i];

        cache_learn(cache, probe);
        conclude(registry_entry(registry, probe->name), probe, registry->host);
    }
    cache_save(cache);
}

/* ---- the [config] sections ---- */

static gboolean
check_config(Entry *entry, const DiscoverOptions *options, GError **error)
{
    GError *problem = NULL;

    if (entry->plugin.info == NULL || entry->settings == NULL)
        return TRUE;
    if (is_open(entry))
        entry->plugin.state = PLUGIN_ENABLED;
    entry->config =
        settings_values(entry->settings, "config", entry->plugin.info->config, &problem);
    return entry->config != NULL || note_problem(entry, options, problem, error);
}

static gboolean
check_required(Entry *entry, const DiscoverOptions *options, GError **error)
{
    GError *problem = NULL;

    if (!entry->required || entry->plugin.state == PLUGIN_ENABLED)
        return TRUE;
    g_set_error(&problem,
                POSTERN_ERROR,
                POSTERN_ERROR_BAD_PARAM,
                "%s says load = required, but plugin %s is %s: %s",
                entry->plugin.config_file,
                entry->plugin.name,
                plugin_state_word(entry->plugin.state),
                entry->plugin.reason);
    return note_problem(entry, options, problem, error);
}

gboolean
discover_plugins(Registry *registry, const DiscoverOptions *options, GError **error)
{
    find_linked_in(registry);
    scan(registry, options->directory, ".conf", found_config);
    for (guint i = 0; options->plugin_path[i] != NULL; i++)
        if (!scan(registry, options->plugin_path[i], ".so", found_module))
            g_debug("no plugin directory %s", options->plugin_path[i]);
    if (!read_configs(registry, options, error))
        return FALSE;
    for (guint i = 0; i < registry->entries->len; i++)
        decide(registry->entries->pdata[i], options);
    describe_linked_in(registry, options);
    describe_files(registry, options);
    for (guint i = 0; i < registry->entries->len; i++)
        if (!check_config(registry->entries->pdata[i], options, error))
            return FALSE;
    depend_check(registry);
    registry_complete(registry);
    for (guint i = 0; i < registry->entries->len; i++)
        if (!check_required(registry->entries->pdata[i], options, error))
            return FALSE;
    return TRUE;
}
