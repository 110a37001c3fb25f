/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * host-open.h - the host as the options ask for it.
 */
#include "args.h"
#include "host.h"

/* NULL: complained already, the exit status is STATUS_CONFIG. */
Host *host_open(const Args *args);
