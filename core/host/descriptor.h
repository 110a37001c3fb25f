/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * descriptor.h - what a plugin says about itself, as the host's own deep copy.
 *
 * Made either from a plugin's tables (negotiated, checked member by member, never read past the stated
 * sizes) or from the probe cache (checked the same way: a cache is foreign bytes). Only the first kind has
 * function pointers. Everything is immutable after it was made and may be read on any thread.
 */
#include <postern-plugin.h>

typedef struct PluginInfo PluginInfo;

typedef struct {
    guint32 flags; /* PosternFieldFlags */
    char *name;
    char *type;
    char *format;   /* or NULL */
    GVariant *fallback; /* parsed, or NULL */
    char **choices; /* or NULL */
    char *summary;
} FieldInfo;

typedef struct {
    PluginInfo *plugin; /* whose it is */
    guint32 flags;      /* PosternTaskFlags */
    guint32 version;
    guint32 timeout_ms; /* 0: the host's default */
    char *id;
    char *summary;
    char *details;      /* or NULL */
    GPtrArray *params;  /* of FieldInfo, in table order */
    GPtrArray *outputs; /* of FieldInfo */
    GPtrArray *rows;    /* of FieldInfo, or NULL: it has no partial results */
    char **credentials; /* ids, never NULL */
    /* NULL in a descriptor from the cache */
    GVariant *(*run)(PosternRun *run, GVariant *params, gpointer self, GError **error);
} TaskInfo;

typedef struct {
    PluginInfo *plugin;
    char *id;
    char *summary;
    GPtrArray *fields; /* of FieldInfo */
    char *login;       /* or NULL */
} CredentialTypeInfo;

struct PluginInfo {
    guint32 abi_major, abi_minor, abi_minor_needed;
    char *name, *version, *license, *summary, *origin;
    char **requires_services; /* never NULL */
    char **depends;           /* never NULL */
    GPtrArray *config;        /* of FieldInfo */
    GPtrArray *tasks;         /* of TaskInfo */
    GPtrArray *credential_types; /* of CredentialTypeInfo */
    /* life functions; NULL in a descriptor from the cache, and where the plugin has none */
    gpointer (*create)(const PosternHost *host, GVariant *config, GError **error);
    gboolean (*reconfigure)(gpointer self, GVariant *config, GError **error);
    void (*quiesce)(gpointer self);
    void (*destroy)(gpointer self);
};

/* Copy and check the tables of a plugin found in module `name` for a host of version `host` (its abi_*
 * members and service() decide). NULL with `error` naming the rule, the found and the expected value. */
PluginInfo *descriptor_from_tables(const PosternPlugin *tables, const char *name, const PosternHost *host, GError **error);

/* Of those the plugin requires, the first that `host` does not have is an error. For a descriptor from the cache. */
gboolean descriptor_check_services(const PluginInfo *info, const PosternHost *host, GError **error);

/* The same checks for tables without functions that descriptor-variant.c rebuilt from a variant. */
PluginInfo *descriptor_from_copy(const PosternPlugin *copy, const char *name, GError **error);

/* For the cache and the probe's answer: everything but the function pointers. The first returns a full reference. */
const char *descriptor_variant_type(void);
GVariant *descriptor_to_variant(const PluginInfo *info);
PluginInfo *descriptor_from_variant(GVariant *variant, const char *name, GError **error);

void descriptor_free(PluginInfo *info);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(PluginInfo, descriptor_free)
