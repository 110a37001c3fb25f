/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * out.h - standard output in whole lines, standard error in clean ones; both masked.
 *
 * Lines are gathered and written when the main loop has nothing more urgent or when many have come,
 * so that ten thousand outcomes a second do not cost as many system calls, and a reader still sees
 * each at once.
 */
#include <glib.h>

/* Write `line` and a line feed. Takes out what is secret. */
void out_line(const GString *line);
void out_text(const char *text);

/* Write what was gathered. FALSE once standard output is closed or full. */
gboolean out_flush(void);

/* At the end of the program: flush, and complain if something was lost. FALSE if so. */
gboolean out_finish(void);

/* Call `fn (why, data)` once when nobody reads standard output any more (`why` is NULL) or writing
 * failed. */
void out_on_broken(void (*fn)(const char *why, gpointer data), gpointer data);

/* One line on standard error, "postern: ...". Control characters (a device may have sent them) are
 * taken out. */
void complain(const char *format, ...) G_GNUC_PRINTF(1, 2);

/* The same without the name of the program, for summaries. */
void remark(const char *format, ...) G_GNUC_PRINTF(1, 2);

/* The log of GLib and ours: how much of it is shown. */
void log_setup(guint verbose, gboolean quiet);
gboolean log_wanted(GLogLevelFlags level);
