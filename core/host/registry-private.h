/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * registry-private.h - what the registry and those who fill it (discover.c, depend.c) share.
 */
#include "registry.h"
#include "settings.h"

/* A plugin with what only the registry needs to know. */
typedef struct {
    Plugin plugin;      /* first: the public part */
    Settings *settings; /* its file in plugins.d, or NULL */
    gboolean enabled;   /* its file says so */
    gboolean required;
    gboolean linked_in;
    const PosternPlugin *tables; /* of a part of this program; else NULL */
    gboolean loading;   /* its create() is on the stack: a cycle would come back here */
    char *sha256;       /* pin, lower case, or NULL */
    GVariant *config;   /* checked against its own table */
    PluginInfo *loaded; /* atomic: its tables with code, once created */
} Entry;

struct Registry {
    const PosternHost *host;
    GPtrArray *entries;      /* of Entry, by name */
    GPtrArray *tasks;        /* of TaskInfo, borrowed from the entries' infos */
    GPtrArray *types;        /* of CredentialTypeInfo, likewise */
    GHashTable *tasks_by_id; /* id -> TaskInfo as described */
    GPtrArray *created;      /* of Entry, in that order */
};

/* An empty registry for plugins that are to see `host`. */
Registry *registry_new(const PosternHost *host);
void registry_free(Registry *registry); /* quiesces and destroys what was created, last first */
G_DEFINE_AUTOPTR_CLEANUP_FUNC(Registry, registry_free)

/* The entry called `name`, or NULL. */
Entry *registry_entry(const Registry *registry, const char *name);

/* The entry whose ids start as `id` does, or NULL. */
Entry *registry_entry_of_id(const Registry *registry, const char *id);

/* Add an entry (at the end); the registry sorts them in registry_complete(). */
Entry *registry_add(Registry *registry, const char *name);

/* It is not taken: `state` and one line of `reason` (taken). The first reason stays. */
void entry_refuse(Entry *entry, PluginState state, char *reason);

/* All entries are described: collect their tasks and types, anew when it is called again. */
void registry_complete(Registry *registry);

/* discover.c */
typedef struct {
    const char *directory;  /* plugins.d; need not exist */
    char **plugin_path;     /* where the files are */
    const char *cache_file; /* or NULL */
    gboolean refresh;
    gboolean describe_all; /* also those that are not enabled, if their files may be trusted */
    GPtrArray *problems;   /* of char *, see HostOptions; or NULL */
} DiscoverOptions;

/* The description of section [plugin]. Borrowed. */
const PluginInfo *discover_schema(void);

/* Fill an empty registry: which plugins there are, which are enabled, what the enabled ones say
 * about themselves. FALSE with `error` when a file in plugins.d is not sound. */
gboolean discover_plugins(Registry *registry, const DiscoverOptions *options, GError **error);

/* depend.c: refuse what depends on something that is not there, and what depends on itself. */
void depend_check(Registry *registry);

/* The task id in an entry of `depends`; `soft` tells whether it can do without. NULL: of no known
 * kind. */
const char *depend_task(const char *entry, gboolean *soft);
