/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * host-open.h - the host as the options ask for it.
 */
#include "args.h"
#include "host.h"

/* NULL: complained already, the exit status is STATUS_CONFIG. */
Host *host_open(const Args *args);

/* The same for who looks at configurations: plugins that are not enabled are described, too, and what is wrong with
 * files of plugins.d is added to `problems` (of char *) instead. NULL: that of postern.conf is, too. */
Host *host_open_leniently(const Args *args, GPtrArray *problems);
