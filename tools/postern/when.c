/* SPDX-License-Identifier: Apache-2.0 */
#include "config.h"

#include "when.h"

char *
when_text(gint64 at)
{
    g_autoptr(GDateTime) time = at != 0 ? g_date_time_new_from_unix_utc(at / G_USEC_PER_SEC) : NULL;

    return time != NULL ? g_date_time_format(time, "%Y-%m-%dT%H:%M:%SZ") : g_strdup("-");
}
