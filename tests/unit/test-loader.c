/* SPDX-License-Identifier: Apache-2.0 */

/*
 * A host with plugins built for the test, each odd in one way: from the files in plugins.d to a
 * task that can be run, and what the admin is told where it does not get there.
 */
#include "config.h"

#include "host.h"

#include <glib/gstdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

typedef struct {
    char *root, *plugins, *enabled, *config, *cache;
} Place;

static char *compiler; /* NULL: none here */

/* ---- a place with a configuration ---- */

static void
write_file(const char *directory, const char *name, const char *text)
{
    g_autofree char *path = g_build_filename(directory, name, NULL);

    g_assert_true(g_file_set_contents(path, text, -1, NULL));
    g_assert_cmpint(g_chmod(path, 0644), ==, 0);
}

static char *
make_directory(const char *root, const char *name)
{
    char *path = g_build_filename(root, name, NULL);

    g_assert_cmpint(g_mkdir(path, 0755), ==, 0);
    g_assert_cmpint(g_chmod(path, 0755), ==, 0);
    return path;
}

static void
place_up(Place *place, gconstpointer data)
{
    g_autofree char *text = NULL;

    place->root = g_dir_make_tmp("postern-loader-XXXXXX", NULL);
    place->plugins = make_directory(place->root, "plugins");
    place->enabled = make_directory(place->root, "plugins.d");
    place->config = g_build_filename(place->root, "postern.conf", NULL);
    place->cache = g_build_filename(place->root, "cache", NULL);
    text = g_strdup_printf("[host]\nplugin-path = %s\n", place->plugins);
    write_file(place->root, "postern.conf", text);
}

static void
remove_all(const char *directory)
{
    g_autoptr(GDir) dir = g_dir_open(directory, 0, NULL);
    const char *name;

    while (dir != NULL && (name = g_dir_read_name(dir)) != NULL) {
        g_autofree char *path = g_build_filename(directory, name, NULL);

        if (g_file_test(path, G_FILE_TEST_IS_DIR) && !g_file_test(path, G_FILE_TEST_IS_SYMLINK))
            remove_all(path);
        else
            g_unlink(path);
    }
    g_rmdir(directory);
}

static void
place_down(Place *place, gconstpointer data)
{
    remove_all(place->root);
    g_free(place->root);
    g_free(place->plugins);
    g_free(place->enabled);
    g_free(place->config);
    g_free(place->cache);
}

/* ---- plugins ---- */

static void
run_command(const char *command)
{
    g_autofree char *output = NULL;
    g_autoptr(GError) error = NULL;
    int status = -1;

    g_spawn_command_line_sync(command, NULL, &output, &status, &error);
    g_assert_no_error(error);
    if (status != 0)
        g_error("%s: %s", command, output);
}

/* Build tests/abi/`source` as NAME.so with `defines`, and enable it. */
static void
build(const Place *place, const char *source, const char *name, const char *defines)
{
    g_autofree char *file = g_strdup_printf("%s/%s.so", place->plugins, name);
    g_autofree char *conf = g_strconcat(name, ".conf", NULL);
    g_autofree char *command =
        g_strdup_printf("%s -w -shared -fPIC -fvisibility=hidden %s -I%s/sdk %s -o %s "
                        "%s/tests/abi/%s",
                        compiler,
                        defines,
                        TEST_SRCDIR,
                        TEST_GLIB_CFLAGS,
                        file,
                        TEST_SRCDIR,
                        source);

    run_command(command);
    g_assert_cmpint(g_chmod(file, 0755), ==, 0);
    write_file(place->enabled, conf, "[plugin]\nload = yes\n");
}

static Host *
start(const Place *place, guint minor, GError **error)
{
    HostOptions options = {
        .config_file = place->config, .cache_file = place->cache, .abi_minor = minor};

    return host_new(&options, error);
}

static Host *
started(const Place *place)
{
    g_autoptr(GError) error = NULL;
    Host *host = start(place, 0, &error);

    g_assert_no_error(error);
    return host;
}

static const Plugin *
find(Host *host, const char *name)
{
    GPtrArray *plugins = registry_plugins(host_registry(host));

    for (guint i = 0; i < plugins->len; i++)
        if (strcmp(((const Plugin *)plugins->pdata[i])->name, name) == 0)
            return plugins->pdata[i];
    g_error("the host does not list plugin %s", name);
}

static void
state_is(Host *host, const char *name, PluginState state, const char *pattern)
{
    const Plugin *plugin = find(host, name);
    const char *reason = plugin->reason != NULL ? plugin->reason : "";

    if (plugin->state != state || !g_pattern_match_simple(pattern, reason))
        g_error("%s: expected %s, \"%s\", got %s, \"%s\"",
                name,
                plugin_state_word(state),
                pattern,
                plugin_state_word(plugin->state),
                reason);
}

/* One plugin, built with `defines`, in a host of its own. */
static void
odd_is(const Place *place, const char *defines, PluginState state, const char *pattern)
{
    g_autoptr(Host) host = NULL;

    build(place, "odd-plugin.c", "odd", defines);
    host = started(place);
    state_is(host, "odd", state, pattern);
}

/* Load the plugin of `id` and run the task, which needs nothing of the host. */
static void
says(Host *host, const char *id, const char *params, const char *expected)
{
    Registry *registry = host_registry(host);
    g_autoptr(GError) error = NULL;
    const TaskInfo *described = registry_task(registry, id, &error);
    const TaskInfo *task;
    g_autoptr(GVariant) given = g_variant_parse(G_VARIANT_TYPE_VARDICT, params, NULL, NULL, NULL);
    g_autoptr(GVariant) result = NULL;
    g_autofree char *shown = NULL;

    g_assert_no_error(error);
    task = registry_load(registry, described, &error);
    g_assert_no_error(error);
    g_assert_true(registry_task(registry, id, NULL) == task);
    result = g_variant_ref_sink(task->run(NULL, given, registry_self(registry, task), &error));
    shown = g_variant_print(result, FALSE);
    g_assert_cmpstr(shown, ==, expected);
}

/* ---- the rows of the negotiation, with real files ---- */

static void
test_versions(Place *place, gconstpointer data)
{
    odd_is(place, "", PLUGIN_ENABLED, "");
    odd_is(place, "-DMINOR=99", PLUGIN_ENABLED, "");
    odd_is(place,
           "-DMINOR=99 -DNEEDED=99",
           PLUGIN_REFUSED,
           "needs host ABI 1.99, this is 1.1: update postern*");
    odd_is(place, "-DMAJOR=2", PLUGIN_REFUSED, "ABI major 2, host has 1");
    odd_is(place, "-DMAGIC=7", PLUGIN_REFUSED, "is no plugin table: magic is 0x00000007*");
    odd_is(place,
           "-DSIZE=16",
           PLUGIN_REFUSED,
           "its table says it has 16 bytes, the head alone has 24");
    odd_is(place, "-DOTHER_ENTRY", PLUGIN_REFUSED, "no entry for ABI 1: it is built for ABI 2*");
    odd_is(place,
           "-DNAME=even",
           PLUGIN_REFUSED,
           "no entry for ABI 1: odd_LTX_postern_plugin_v1 is not exported*");
    odd_is(place,
           "-DCALLED='\"even\"'",
           PLUGIN_REFUSED,
           "calls itself 'even', but its file is odd.so");
    odd_is(place,
           "-DSERVICE='\"postern.magic/7\"'",
           PLUGIN_REFUSED,
           "needs the service postern.magic/7*");
    odd_is(place, "-DDECLINE", PLUGIN_REFUSED, "declined this host (postern *, ABI 1.1)*");
    odd_is(place,
           "-DFICKLE",
           PLUGIN_REFUSED,
           "its entry returned two different tables when asked twice");
}

/* Lazy binding would load it, and end the host at the first call. */
static void
test_unresolved(Place *place, gconstpointer data)
{
    odd_is(place,
           "-DUNRESOLVED -Wl,-z,lazy",
           PLUGIN_REFUSED,
           "cannot be linked: *undefined symbol: a_function_of_a_library_that_is_not_there*");
}

static void
test_newer_host(Place *place, gconstpointer data)
{
    g_autoptr(Host) host = NULL;
    g_autoptr(GError) error = NULL;

    build(place, "odd-plugin.c", "odd", "-DMINOR=7 -DNEEDED=5");
    host = start(place, 6, &error);
    g_assert_no_error(error);
    state_is(host, "odd", PLUGIN_ENABLED, "");
}

static void
test_old_binary(Place *place, gconstpointer data)
{
    g_autoptr(Host) host = NULL;

    build(place, "plugins-1.0/old-plugin.c", "old", "");
    host = started(place);
    says(host,
         "old.add",
         "{'a': <uint32 2>, 'b': <uint32 3>}",
         "{'sum': <uint32 5>, 'calls': <uint64 1>}");
    says(host,
         "old.add",
         "{'a': <uint32 2>, 'b': <uint32 3>}",
         "{'sum': <uint32 5>, 'calls': <uint64 2>}");
    state_is(host, "old", PLUGIN_LOADED, "");
}

/* ---- probes that do not end well ---- */

static void
test_crash(Place *place, gconstpointer data)
{
    const char *reason =
        "its probe crashed with signal 6 (Aborted); it is not tried again until the file changes";

    odd_is(place, "-DCRASH", PLUGIN_BLOCKED, reason);
    {
        g_autoptr(Host) host = started(place);

        state_is(host, "odd", PLUGIN_BLOCKED, reason);
    }
    odd_is(place, "", PLUGIN_ENABLED, ""); /* the file has changed */
}

static void
test_leave(Place *place, gconstpointer data)
{
    odd_is(place, "-DLEAVE", PLUGIN_BLOCKED, "it ended its probe with exit status 3;*");
}

static void
test_hang(Place *place, gconstpointer data)
{
    gint64 before = g_get_monotonic_time();

    odd_is(place, "-DHANG", PLUGIN_BLOCKED, "its probe did not end in time and was killed;*");
    g_assert_cmpint(g_get_monotonic_time() - before, <, 20 * G_USEC_PER_SEC);
    before = g_get_monotonic_time();
    {
        g_autoptr(Host) host = started(place);

        state_is(host, "odd", PLUGIN_BLOCKED, "*");
    }
    g_assert_cmpint(g_get_monotonic_time() - before, <, 2 * G_USEC_PER_SEC);
}

/* ---- what is enabled ---- */

static void
test_states(Place *place, gconstpointer data)
{
    g_autofree char *conf = g_build_filename(place->enabled, "odd.conf", NULL);
    g_autoptr(Host) host = NULL;
    g_autoptr(GError) error = NULL;

    build(place, "odd-plugin.c", "odd", "-DCRASH"); /* its code must not be touched */
    g_unlink(conf);
    write_file(place->enabled, "off.conf", "[plugin]\nload = no\n");
    write_file(place->enabled, "gone.conf", "");
    host = started(place);
    state_is(host,
             "odd",
             PLUGIN_NOT_ENABLED,
             "there is no */plugins.d/odd.conf; a file with * enables it");
    state_is(host, "off", PLUGIN_NOT_ENABLED, "*/off.conf says load = no");
    state_is(host,
             "gone",
             PLUGIN_MISSING,
             "*/gone.conf enables it, but there is no gone.so in */plugins");
    g_assert_null(registry_task(host_registry(host), "odd.ok", &error));
    g_assert_true(g_error_matches(error, POSTERN_ERROR, POSTERN_ERROR_NOT_SUPPORTED));
    g_assert_true(g_pattern_match_simple("no task odd.ok: plugin odd is not-enabled: there is no *",
                                         error->message));
    g_clear_error(&error);
    g_assert_null(registry_credential_type(host_registry(host), "gone.login", &error));
    g_assert_true(g_pattern_match_simple("no credential type gone.login: plugin gone is missing: *",
                                         error->message));
}

static void
fails(const Place *place, const char *conf, const char *text, const char *pattern)
{
    g_autoptr(GError) error = NULL;
    g_autoptr(Host) host = NULL;

    write_file(place->enabled, conf, text);
    host = start(place, 0, &error);
    g_assert_null(host);
    g_assert_true(g_error_matches(error, POSTERN_ERROR, POSTERN_ERROR_BAD_PARAM));
    if (!g_pattern_match_simple(pattern, error->message))
        g_error("expected \"%s\", got \"%s\"", pattern, error->message);
}

static void
test_config(Place *place, gconstpointer data)
{
    build(place, "odd-plugin.c", "odd", "");
    fails(place,
          "odd.conf",
          "[plugin]\nlaod = yes\n",
          "*/odd.conf:2: unknown name 'laod' (did you mean 'load'?)*");
    fails(place,
          "odd.conf",
          "[plugin]\nload = maybe\n",
          "*/odd.conf:2: load: got 'maybe', expected one of: yes, no, *");
    fails(place,
          "odd.conf",
          "[plugin]\nisolation = process\n",
          "*/odd.conf:2: isolation: got 'process', expected one of: none");
    fails(place,
          "odd.conf",
          "[plugin]\nsha256 = 12\n",
          "*/odd.conf:2: sha256: expected 64 hexadecimal digits*");
    fails(place,
          "odd.conf",
          "[config]\nwrod = x\n",
          "*/odd.conf:2: unknown name 'wrod' (did you mean 'word'?)*");
    fails(place, "odd.conf", "[other]\n", "*/odd.conf:1: unknown section *");
    write_file(place->enabled, "odd.conf", "[plugin]\n");
    fails(place,
          "gone.conf",
          "[plugin]\nload = required\n",
          "*/gone.conf says load = required, but plugin gone is missing: *");
}

static void
test_host_config(Place *place, gconstpointer data)
{
    static const struct {
        const char *text, *pattern;
    } files[] = {
        {"[host]\nmax-paralel = 3\n",
         "*/postern.conf:2: unknown name 'max-paralel' (did you mean 'max-parallel'?)*"},
        {"[host]\nmax-parallel = 5000\n",
         "*/postern.conf:2: max-parallel: got 5000, expected 1 to 4096"},
        {"[host]\nrate = -1\n",
         "*/postern.conf:2: rate: expected 0 (no limit) or a number above it"},
        {"[host]\nplugin-path = plugins\n",
         "*/postern.conf:2: plugin-path: 'plugins' is not an absolute path"},
        {"[hots]\n", "*/postern.conf:1: unknown section * (did you mean 'host'?)*"},
    };

    for (guint i = 0; i < G_N_ELEMENTS(files); i++) {
        g_autoptr(GError) error = NULL;

        write_file(place->root, "postern.conf", files[i].text);
        g_assert_null(start(place, 0, &error));
        if (!g_pattern_match_simple(files[i].pattern, error->message))
            g_error("expected \"%s\", got \"%s\"", files[i].pattern, error->message);
    }
    g_unlink(place->config);
    g_assert_null(start(place, 0, NULL));
}

static void
test_limits(Place *place, gconstpointer data)
{
    g_autoptr(Host) host = started(place);

    g_assert_cmpuint(host_limits(host)->max_parallel, ==, 1024);
    g_assert_cmpuint(host_limits(host)->timeout_ms, ==, 60000);
    g_assert_cmpuint(host_limits(host)->retries, ==, 1);
    g_clear_pointer(&host, host_free);
    write_file(place->root,
               "postern.conf",
               "[host]\nplugin-path = /nowhere\nmax-parallel = 7 # few\nrate = 2.5\n");
    host = started(place);
    g_assert_cmpuint(host_limits(host)->max_parallel, ==, 7);
    g_assert_cmpfloat(host_limits(host)->rate, ==, 2.5);
}

/* ---- what is safe ---- */

static void
test_unsafe(Place *place, gconstpointer data)
{
    g_autofree char *file = g_build_filename(place->plugins, "odd.so", NULL);
    g_autofree char *other = g_build_filename(place->root, "elsewhere.so", NULL);

    g_assert_cmpint(g_chmod(place->plugins, 0777), ==, 0);
    odd_is(place,
           "-DCRASH",
           PLUGIN_REFUSED,
           "not safe to load: */plugins has mode 0777*`chmod go-w */plugins` mends it");
    g_assert_cmpint(g_chmod(place->plugins, 0755), ==, 0);
    g_assert_cmpint(g_rename(file, other), ==, 0);
    g_assert_cmpint(symlink(other, file), ==, 0);
    {
        g_autoptr(Host) host = started(place);

        state_is(host, "odd", PLUGIN_REFUSED, "not safe to load: */odd.so is a symbolic link*");
    }
}

static void
test_pin(Place *place, gconstpointer data)
{
    g_autofree char *file = g_build_filename(place->plugins, "odd.so", NULL);
    g_autofree char *bytes = NULL;
    g_autofree char *sum = NULL;
    g_autofree char *conf = NULL;
    gsize length;

    build(place, "odd-plugin.c", "odd", "");
    g_assert_true(g_file_get_contents(file, &bytes, &length, NULL));
    sum = g_compute_checksum_for_data(G_CHECKSUM_SHA256, (const guchar *)bytes, length);
    conf = g_strdup_printf("[plugin]\nsha256 = %s\n", sum);
    write_file(place->enabled, "odd.conf", conf);
    {
        g_autoptr(Host) host = started(place);

        state_is(host, "odd", PLUGIN_ENABLED, "");
    }
    conf[strlen(conf) - 2] = conf[strlen(conf) - 2] == '0' ? '1' : '0';
    write_file(place->enabled, "odd.conf", conf);
    {
        g_autoptr(Host) host = started(place);

        state_is(
            host, "odd", PLUGIN_REFUSED, "*/odd.so has SHA-256 *, but sha256 in */odd.conf says *");
    }
}

/* ---- dependencies ---- */

static void
test_depends(Place *place, gconstpointer data)
{
    g_autoptr(Host) host = NULL;

    build(place, "odd-plugin.c", "base", "-DNAME=base");
    build(place, "odd-plugin.c", "top", "-DNAME=top -DDEPENDS='\"task:base.ok\"'");
    build(place, "odd-plugin.c", "soft", "-DNAME=soft -DDEPENDS='\"?task:nowhere.ok\"'");
    build(place, "odd-plugin.c", "lost", "-DNAME=lost -DDEPENDS='\"task:nowhere.ok\"'");
    build(place, "odd-plugin.c", "above", "-DNAME=above -DDEPENDS='\"task:lost.ok\"'");
    build(place, "odd-plugin.c", "wish", "-DNAME=wish -DDEPENDS='\"task:base.wish\"'");
    build(place, "odd-plugin.c", "egg", "-DNAME=egg -DDEPENDS='\"task:hen.ok\"'");
    build(place, "odd-plugin.c", "hen", "-DNAME=hen -DDEPENDS='\"task:egg.ok\"'");
    host = started(place);
    state_is(host,
             "lost",
             PLUGIN_REFUSED,
             "needs task nowhere.ok, and no plugin that could have it is installed");
    state_is(host,
             "above",
             PLUGIN_REFUSED,
             "needs task lost.ok, but plugin lost is refused: needs task nowhere.ok*");
    state_is(host,
             "wish",
             PLUGIN_REFUSED,
             "needs task base.wish, but plugin base 1.0.0 does not have it");
    state_is(host, "egg", PLUGIN_REFUSED, "depends on itself: egg -> hen -> egg");
    state_is(host, "hen", PLUGIN_REFUSED, "depends on itself: hen -> egg -> hen");
    state_is(host, "base", PLUGIN_ENABLED, "");
    says(host, "top.ok", "{'word': <'hi'>}", "{'said': <'hi'>}");
    state_is(host, "base", PLUGIN_LOADED, "");
    says(host, "soft.ok", "{'word': <'hi'>}", "{'said': <'hi'>}");
}

static void
test_create_fails(Place *place, gconstpointer data)
{
    g_autoptr(Host) host = NULL;
    g_autoptr(GError) error = NULL;
    const TaskInfo *task;

    build(place, "odd-plugin.c", "odd", "-DNO_CREATE");
    host = started(place);
    task = registry_task(host_registry(host), "odd.ok", NULL);
    g_assert_null(registry_load(host_registry(host), task, &error));
    g_assert_true(g_error_matches(error, POSTERN_ERROR, POSTERN_ERROR_CONFLICT));
    g_assert_cmpstr(error->message, ==, "plugin odd failed: the moon is not full");
    state_is(host, "odd", PLUGIN_FAILED, "the moon is not full");
}

/* ---- the cache ---- */

static void
test_cache(Place *place, gconstpointer data)
{
    g_autofree char *bytes = NULL;
    gsize length;
    struct stat about;

    odd_is(place, "", PLUGIN_ENABLED, "");
    g_assert_cmpint(g_stat(place->cache, &about), ==, 0);
    g_assert_cmpint(about.st_mode & 07777, ==, 0600);
    g_assert_true(g_file_get_contents(place->cache, &bytes, &length, NULL));
    for (gsize i = 0; i < length; i += 1 + length / 60) {
        g_autofree char *bad = g_memdup2(bytes, length);
        g_autoptr(Host) host = NULL;

        bad[i] ^= 0x5a;
        g_assert_true(g_file_set_contents(place->cache, bad, (gssize)length, NULL));
        host = started(place);
        state_is(host, "odd", PLUGIN_ENABLED, "");
    }
    g_assert_true(g_file_set_contents(place->cache, bytes, (gssize)length / 2, NULL));
    g_assert_cmpint(g_chmod(place->cache, 0666), ==, 0);
    {
        g_autoptr(Host) host = started(place);

        state_is(host, "odd", PLUGIN_ENABLED, "");
    }
}

/* Where the cache cannot be: a host works without it. */
static void
test_no_cache(Place *place, gconstpointer data)
{
    g_assert_cmpint(g_mkdir(place->cache, 0755), ==, 0);
    odd_is(place, "", PLUGIN_ENABLED, "");
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
    compiler = g_find_program_in_path(TEST_CC);
    if (compiler == NULL) {
        g_test_skip("no compiler " TEST_CC " here to build plugins with");
        return g_test_run();
    }
    add("/loader/versions", test_versions);
    add("/loader/unresolved", test_unresolved);
    add("/loader/newer-host", test_newer_host);
    add("/loader/old-binary", test_old_binary);
    add("/loader/crash", test_crash);
    add("/loader/leave", test_leave);
    add("/loader/hang", test_hang);
    add("/loader/states", test_states);
    add("/loader/config", test_config);
    add("/loader/host-config", test_host_config);
    add("/loader/limits", test_limits);
    add("/loader/unsafe", test_unsafe);
    add("/loader/pin", test_pin);
    add("/loader/depends", test_depends);
    add("/loader/create-fails", test_create_fails);
    add("/loader/cache", test_cache);
    add("/loader/no-cache", test_no_cache);
    return g_test_run();
}
