/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * host.h - one host: its configuration, the plugins it knows, the services it gives them.
 *
 * Programs make one, use its registry, and run batches of tasks (batch.h).
 */
#include "registry.h"
#include "settings.h"

typedef struct Host Host;

typedef struct {
    const char *config_file; /* postern.conf; NULL: the installed one. plugins.d is the directory beside it */
    const char *cache_file;  /* probe cache; NULL: below the user's cache directory */
    gboolean refresh;        /* probe every plugin anew */
    guint32 abi_minor;       /* for tests: pretend to be an older host; 0: POSTERN_ABI_MINOR */
    const char *const *sections; /* of postern.conf that are not the host's to read; NULL: none */
    gboolean describe_all;   /* learn what plugins say of themselves that are not enabled, too */
    GPtrArray *problems;     /* of char *: a wrong file of plugins.d is noted here, and its plugin refused, instead of
                              * being an error; or NULL */
} HostOptions;

/* What postern.conf sets for runs. */
typedef struct {
    guint max_parallel;    /* runs in flight, default 1024, at most 4096 */
    guint workers;         /* 0: one for each core */
    guint timeout_ms;      /* of one run whose task names none, default 60000 */
    guint connect_timeout_ms; /* default 5000 */
    guint step_timeout_ms; /* one wait for bytes, default 10000 */
    guint retries;         /* of idempotent tasks after transport errors, default 1 */
    double rate;           /* runs started a second; 0: no limit */
} HostLimits;

/* Must be the first thing main() does: in a probe helper (this program, started again by probe.c) it does the
 * probing and exits; otherwise it returns at once. */
void host_main_hook(int argc, char **argv);

/* Read the configuration and learn which plugins there are. Runs no plugin code in this process. NULL with
 * `error` (BAD_PARAM: file and line) when the configuration is not sound. A plugin that is not sound is not
 * an error here, unless its file says load = required: see registry_plugins(). */
Host *host_new(const HostOptions *options, GError **error);
void host_free(Host *host);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(Host, host_free)

Registry *host_registry(Host *host);
const HostLimits *host_limits(Host *host);

/* The table handed to plugins. Any thread. */
const PosternHost *host_table(Host *host);

/* postern.conf as it was read: for who reads the other sections. Borrowed. */
const Settings *host_settings(const Host *host);

/* Who takes part in its runs (hooks.h); NULL: nobody, as at first. Before the first batch; must outlive the last. */
struct RunHooks;
void host_set_hooks(Host *host, const struct RunHooks *hooks);
const struct RunHooks *host_hooks(const Host *host);

/* The description of section [host] of postern.conf. Borrowed. */
const PluginInfo *host_schema(void);
/* That of section [plugin] of a file in plugins.d. */
const PluginInfo *host_plugin_schema(void);

/* The services, one table each, defined beside what they offer. */
const void *host_service(const char *id);
