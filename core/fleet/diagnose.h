/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * diagnose.h - `fleet.diagnose`: every probe of every enabled plugin on one machine, their checks in the order of the
 * chain, and the first link of it that is broken.
 *
 * What takes part is decided by the tasks' own tables (sdk/helpers/postern-check.h), so a technology that comes later
 * joins by itself. The task belongs to the plugin "fleet", which is a part of the program.
 */
#include "registry.h"

/* Its task's id. */
#define DIAGNOSE_TASK "fleet.diagnose"

/* Add the plugin to a host's registry, before anything is loaded. */
gboolean diagnose_add(Registry *registry, GError **error);

/* Does the diagnosis run this task: a read-only probe that needs no parameter and returns checks? */
gboolean diagnose_is_probe(const TaskInfo *task);

/* The checks (a{sv} each; `checks` is of GVariant) in the order of the chain, and what they come to, as the task returns
 * it, floating. */
GVariant *diagnose_conclude(GPtrArray *checks);
