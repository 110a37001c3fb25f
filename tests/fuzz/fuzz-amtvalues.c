/* SPDX-License-Identifier: Apache-2.0 */
/* Values with a form of their own that AMT devices send: spans of time, periods of rules, GUIDs of agents. */
#include "config.h"

#include "amt-agentpresence.h"
#include "amt-interval.h"
#include "amt-network.h"
#include "amt-remote.h"
#include "fuzz.h"

#include <string.h>

/* What was understood is written, and understood to be the same. */
static void
require_span(const char *text)
{
    guint32 minutes = 0, again = 0;

    if (!amt_interval_parse(text, &minutes)) {
        fuzz_demand(amt_interval_read(text) == 0);
        return;
    }
    g_autofree char *iso = amt_interval_iso(minutes);
    g_autofree char *words = amt_interval_words(minutes);
    fuzz_demand(minutes > 0 && amt_interval_read(iso) == minutes);
    fuzz_demand(amt_interval_parse(words, &again) && again == minutes);
}

static void
require_period(const guint8 *data, gsize size)
{
    g_autoptr(GVariant) bytes =
        g_variant_ref_sink(g_variant_new_fixed_array(G_VARIANT_TYPE_BYTE, data, size, 1));
    g_autofree char *text = remote_period_decode(bytes);
    g_autoptr(GVariant) again = text != NULL ? remote_period_encode(text) : NULL;

    if (again == NULL) /* no period, or one of a length that nobody would ask for */
        return;
    g_variant_ref_sink(again);
    fuzz_demand(g_variant_equal(again, bytes));
}

int
LLVMFuzzerTestOneInput(const guint8 *data, gsize size)
{
    g_autofree char *text = g_strndup((const char *)data, size);
    g_autofree char *guid = amt_agent_guid(text);
    g_autoptr(GVariant) period = remote_period_encode(text);
    g_autofree char *problem = NULL;

    fuzz_demand(guid == NULL || strlen(guid) == 36);
    if (period != NULL)
        g_variant_ref_sink(period);
    require_span(text);
    require_period(data, size);
    problem = amt_address_problem(text, "255.255.255.0", text);
    fuzz_demand(problem != NULL); /* nobody is his own gateway */
    return 0;
}
