/* SPDX-License-Identifier: Apache-2.0 */
#include "config.h"

#include "loader.h"

#include <dlfcn.h>
#include <ltdl.h>
#include <stdlib.h>
#include <string.h>

/* Made by libtool for programs linked with -dlpreopen; absent (NULL) in all others. */
#pragma weak lt__PROGRAM__LTX_preloaded_symbols

#define ENTRY_SUFFIX "_LTX_" POSTERN_ENTRY_NAME

char *
loader_entry_name(const char *name, guint major)
{
    char *entry = g_strdup_printf("%s_LTX_postern_plugin_v%u", name, major);

    for (char *at = entry; *at != '\0'; at++)
        if (!g_ascii_isalnum(*at))
            *at = '_';
    return entry;
}

/* ---- plugins linked in ---- */

static PosternQueryFunc
find_linked_in(const char *name)
{
    g_autofree char *entry = loader_entry_name(name, POSTERN_ABI_MAJOR);

    if (lt__PROGRAM__LTX_preloaded_symbols == NULL)
        return NULL;
    for (const lt_dlsymlist *at = lt__PROGRAM__LTX_preloaded_symbols; at->name != NULL; at++)
        if (strcmp(at->name, entry) == 0)
            return (PosternQueryFunc)at->address;
    return NULL;
}

static int
compare_names(gconstpointer a, gconstpointer b)
{
    return strcmp(*(const char *const *)a, *(const char *const *)b);
}

char **
loader_linked_in(void)
{
    g_autoptr(GPtrArray) names = g_ptr_array_new();
    const lt_dlsymlist *at = lt__PROGRAM__LTX_preloaded_symbols;

    for (; at != NULL && at->name != NULL; at++) {
        char *name;

        if (!g_str_has_suffix(at->name, ENTRY_SUFFIX))
            continue;
        name = g_strndup(at->name, strlen(at->name) - strlen(ENTRY_SUFFIX));
        g_strdelimit(name, "_", '-'); /* names have no '_', entries no '-' */
        g_ptr_array_add(names, name);
    }
    g_ptr_array_sort(names, compare_names);
    g_ptr_array_add(names, NULL);
    return (char **)g_ptr_array_steal(names, NULL);
}

/* ---- files ---- */

/* libltdl calls every failure "file not found", whatever the linker said. */
static void
explain_failure(const char *file, GError **error)
{
    const char *ltdl = lt_dlerror();
    void *module = dlopen(file, RTLD_NOW | RTLD_LOCAL);
    const char *linker = module == NULL ? dlerror() : NULL;

    g_set_error(error,
                POSTERN_ERROR,
                POSTERN_ERROR_NOT_SUPPORTED,
                "cannot be linked: %s",
                linker != NULL ? linker : ltdl);
}

/* One advise object for all: local, so that plugins do not see each other; resident, because the
 * types, threads and exit handlers of the libraries below a plugin do not survive its unloading. */
static lt_dladvise
advise(void)
{
    static lt_dladvise advice;
    static gsize once;

    if (g_once_init_enter(&once)) {
        if (lt_dlinit() != 0 || lt_dladvise_init(&advice) != 0 || lt_dladvise_local(&advice) != 0 ||
            lt_dladvise_resident(&advice) != 0)
            g_critical("libltdl does not start: %s", lt_dlerror());
        g_once_init_leave(&once, 1);
    }
    return advice;
}

static PosternQueryFunc
find_in_file(const char *name, const char *file, GError **error)
{
    g_autofree char *entry = loader_entry_name(name, POSTERN_ABI_MAJOR);
    lt_dlhandle module;
    PosternQueryFunc query;

    /* an absolute path keeps libltdl from searching LTDL_LIBRARY_PATH; .so and not .la, because a
     * .la may point anywhere */
    g_return_val_if_fail(g_path_is_absolute(file) && g_str_has_suffix(file, ".so"), NULL);
    module = lt_dlopenadvise(file, advise());
    if (module == NULL) {
        explain_failure(file, error);
        return NULL;
    }
    query = (PosternQueryFunc)lt_dlsym(module, entry);
    if (query == NULL)
        g_set_error(error,
                    POSTERN_ERROR,
                    POSTERN_ERROR_NOT_SUPPORTED,
                    "no entry for ABI %u: %s is not exported",
                    POSTERN_ABI_MAJOR,
                    entry);
    return query;
}

PluginInfo *
loader_ask(PosternQueryFunc query, const char *name, const PosternHost *host, GError **error)
{
    const PosternPlugin *tables = query(host);

    if (tables == NULL) {
        g_set_error(error,
                    POSTERN_ERROR,
                    POSTERN_ERROR_NOT_SUPPORTED,
                    "declined this host (%s %s, ABI %u.%u); its log may say why",
                    host->name,
                    host->version,
                    host->abi_major,
                    host->abi_minor);
        return NULL;
    }
    if (tables != query(host)) {
        g_set_error(error,
                    POSTERN_ERROR,
                    POSTERN_ERROR_NOT_SUPPORTED,
                    "its entry returned two different tables when asked twice");
        return NULL;
    }
    return descriptor_from_tables(tables, name, host, error);
}

PluginInfo *
loader_open(const char *name, const char *file, const PosternHost *host, GError **error)
{
    PosternQueryFunc query = file == NULL ? find_linked_in(name) : find_in_file(name, file, error);

    if (query == NULL && file == NULL)
        g_set_error(
            error, POSTERN_ERROR, POSTERN_ERROR_NOT_SUPPORTED, "is not linked into this program");
    return query != NULL ? loader_ask(query, name, host, error) : NULL;
}
