/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * loader.h - from a file (or a plugin linked in) to the tables of a plugin.
 */
#include "descriptor.h"

/* The names of the plugins linked into this program, NULL-ended, sorted; empty in the ordinary
 * build. The caller's. */
char **loader_linked_in(void);

/* Load `file`, a trusted absolute path to NAME.so, or (NULL) the plugin `name` linked in, and
 * negotiate with it. Code once loaded stays. NULL with `error` saying which rule was broken. */
PluginInfo *
loader_open(const char *name, const char *file, const PosternHost *host, GError **error);

/* What `query`, found in module `name`, says to `host`. Also used by the probe. */
PluginInfo *
loader_ask(PosternQueryFunc query, const char *name, const PosternHost *host, GError **error);

/* "NAME_LTX_postern_plugin_v1", with what is no letter or digit in NAME as '_'. The caller's. */
char *loader_entry_name(const char *name, guint major);
