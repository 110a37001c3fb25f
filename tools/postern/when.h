/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * when.h - times as people and scripts read them.
 */
#include <glib.h>

/* "2026-11-25T14:03:12Z" of microseconds since 1970; "-" of 0. The caller's. */
char *when_text(gint64 at);
