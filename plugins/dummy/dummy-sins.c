/* SPDX-License-Identifier: Apache-2.0 */
#include "dummy.h"

#include <stdlib.h>
#include <string.h>

static GVariant *
empty_result(void)
{
    return g_variant_new("a{sv}", NULL);
}

/* Blocks its worker: no host call in it, so nothing else on that worker goes on. */
GVariant *
dummy_spin(PosternRun *run, GVariant *params, gpointer self, GError **error)
{
    guint32 ms = 0;
    gint64 until;

    g_variant_lookup(params, "ms", "u", &ms);
    until = g_get_monotonic_time() + (gint64)ms * 1000;
    while (g_get_monotonic_time() < until)
        g_usleep(1000);
    return empty_result();
}

static guint
overflow(guint depth)
{
    volatile char room[4096];

    room[0] = (char)depth;
    room[sizeof room - 1] = room[0];
    return depth == G_MAXUINT ? 0 : overflow(depth + 1) + (guint)room[sizeof room - 1];
}

GVariant *
dummy_crash(PosternRun *run, GVariant *params, gpointer self, GError **error)
{
    const char *how = "";
    volatile int *volatile nowhere = NULL; /* the store is to be made, not reasoned away */

    g_variant_lookup(params, "how", "&s", &how);
    if (strcmp(how, "abort") == 0)
        abort();
    if (strcmp(how, "overflow") == 0)
        return overflow(0) ? empty_result() : NULL;
    *nowhere = 1;
    return NULL;
}

/* Says "number" is a text. */
GVariant *
dummy_wrong_type(PosternRun *run, GVariant *params, gpointer self, GError **error)
{
    return g_variant_new_parsed("{'number': <'seven'>}");
}

GVariant *
dummy_unknown_output(PosternRun *run, GVariant *params, gpointer self, GError **error)
{
    return g_variant_new_parsed("{'number': <uint32 7>, 'surprise': <'!'>}");
}

GVariant *
dummy_silent_failure(PosternRun *run, GVariant *params, gpointer self, GError **error)
{
    return NULL;
}
