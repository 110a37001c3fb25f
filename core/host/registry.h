/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * registry.h - the plugins this host knows of, and their tasks and credential types by id.
 *
 * Knowing a plugin runs none of its code in this process: its description comes from the probe or its
 * cache. Code is loaded when a task of it is first wanted. Main thread only, except the look-ups of tasks and
 * types, which any thread may do once the registry is complete.
 */
#include "descriptor.h"

typedef struct Registry Registry;

typedef enum {
    PLUGIN_ENABLED,     /* known and enabled; its code is not loaded yet */
    PLUGIN_LOADED,      /* created: its tasks can run */
    PLUGIN_NOT_ENABLED, /* lies in a plugin directory, has no file in plugins.d or says load = no */
    PLUGIN_REFUSED,     /* not taken; `reason` says why */
    PLUGIN_BLOCKED,     /* its probe crashed or hung; tried again when the file changes */
    PLUGIN_FAILED,      /* create() failed */
    PLUGIN_MISSING,     /* enabled in plugins.d, but no such file */
} PluginState;

typedef struct {
    char *name;
    char *file;       /* absolute path; NULL: linked in, a part of the program, or missing */
    char *config_file; /* its file in plugins.d, or NULL */
    PluginState state;
    char *reason;     /* for every state but ENABLED and LOADED: one line; else NULL */
    PluginInfo *info; /* NULL where nothing could be learnt */
    gpointer self;    /* what create() returned */
} Plugin;

const char *plugin_state_word(PluginState state); /* "enabled", "loaded", "not-enabled", ... */

/* All plugins, sorted by name. */
GPtrArray *registry_plugins(Registry *registry); /* of Plugin; borrowed */

/* All tasks of enabled and loaded plugins, sorted by id. */
GPtrArray *registry_tasks(Registry *registry); /* of TaskInfo; borrowed */

/* All credential types of enabled and loaded plugins, sorted by id. */
GPtrArray *registry_credential_types(Registry *registry); /* of CredentialTypeInfo; borrowed */

/* The task `id`: as its plugin describes it, with its function once that plugin is loaded. Any thread. NULL with
 * NOT_SUPPORTED: names the nearest id, or the plugin that would have it and why that one is not enabled. */
const TaskInfo *registry_task(Registry *registry, const char *id, GError **error);

/* The credential type `id`, likewise. */
const CredentialTypeInfo *registry_credential_type(Registry *registry, const char *id, GError **error);

/* [main] Add a plugin that is a part of this program: its tables are at hand, so nothing is searched, probed or enabled by
 * a file. Its tasks are tasks like any other from here on; create() is called when one is first wanted. Call it before
 * anything is loaded; `tables` must outlive the registry. CONFLICT: the name is taken. */
gboolean registry_add_builtin(Registry *registry, const PosternPlugin *tables, GError **error);

/* [main] Load and create the plugin of `task`, after the plugins it depends on. Returns the task as the
 * loaded plugin describes it, with its function; that stays valid until registry_free(). */
const TaskInfo *registry_load(Registry *registry, const TaskInfo *task, GError **error);

/* What run() gets as `self` for a loaded task. Any thread. */
gpointer registry_self(Registry *registry, const TaskInfo *task);
