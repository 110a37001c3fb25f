/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * cache.h - what probes found out, kept between programs, so that listing costs no process and runs
 * no plugin.
 *
 * An entry holds for one file as it is (path, size, times, inode) and one version of the host. A
 * cache that is damaged, foreign or absent is an empty one: it is only ever a shortcut.
 */
#include "probe.h"

typedef struct Cache Cache;

/* Read `file` (NULL: the usual place). Never fails. `host` is whose answers count. */
Cache *cache_open(const char *file, const PosternHost *host);
void cache_free(Cache *cache);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(Cache, cache_free)

/* Fill in `probe` if what became of its file is known: TRUE, and its state is OK or CRASHED. */
gboolean cache_look_up(Cache *cache, Probe *probe);

/* Remember what became of `probe`. Refusals are not kept: they may have causes outside the file. */
void cache_learn(Cache *cache, const Probe *probe);

/* Write it if anything was learnt, in one step: other processes see the old or the new one. */
void cache_save(Cache *cache);
