/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * crash.h - the last words of a process that crashes: whose task it was, and where.
 *
 * There is no going on after a crash in process; what an admin needs is the name of the plugin to switch off
 * and the backtrace for its author.
 */
#include <glib.h>

/* Install the handler for SIGSEGV, SIGBUS, SIGFPE, SIGILL and SIGABRT. `describe` puts into `buffer` whose code
 * runs on the crashing thread ("" for nobody's), `in_guard` tells whether an address is the guard page of the stack
 * it runs on; both are called in the handler, so they may only read. */
void crash_install(void (*describe)(char *buffer, gsize length), gboolean (*in_guard)(gconstpointer address));

/* Give this thread a stack of its own for the handler: without it an overrun stack could say nothing. Each
 * thread that runs plugins calls it once; it lasts as long as the thread. */
void crash_thread_init(void);
