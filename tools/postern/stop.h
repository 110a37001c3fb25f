/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * stop.h - Ctrl-C: the first cancels and reports what had been done, the second ends at once.
 */
#include "batch.h"

/* From here on SIGINT, SIGTERM and SIGHUP end `batch`. FALSE when the system gives no descriptor.
 */
gboolean stop_begin(Batch *batch, GError **error);
void stop_end(void);
