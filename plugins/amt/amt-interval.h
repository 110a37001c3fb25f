/* SPDX-License-Identifier: Apache-2.0 */
/* Spans of time in whole minutes: as people say them, and as ISO 8601 and AMT write them. */
#ifndef AMT_INTERVAL_H
#define AMT_INTERVAL_H

#include <glib.h>

/* "day", "2 hours", "1 day 2 hours 30 minutes", "weekly", "P1DT2H30M"; FALSE: none of them, less than a minute or
 * more than 999 days. */
gboolean amt_interval_parse(const char *text, guint32 *minutes);
/* What a device says, "P1DT0H0M"; 0: none. */
guint32 amt_interval_read(const char *text);
/* P1DT2H30M, newly allocated. */
char *amt_interval_iso(guint32 minutes);
/* "1 day 2 hours 30 minutes", newly allocated. */
char *amt_interval_words(guint32 minutes);

#endif /* AMT_INTERVAL_H */
