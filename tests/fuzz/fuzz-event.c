/* SPDX-License-Identifier: Apache-2.0 */
/* A record of the event log: whatever its bytes, it has words that can be printed, and its bytes with them. */
#include "config.h"

#include "amt-event.h"
#include "fuzz.h"

#include <string.h>

int
LLVMFuzzerTestOneInput(const guint8 *data, gsize size)
{
    guint8 record[AMT_EVENT_BYTES] = {0};
    g_autoptr(GVariant) event = NULL;
    const char *text, *raw;

    memcpy(record, data, MIN(size, sizeof record));
    event = g_variant_ref_sink(amt_event_decode(record));
    text = params_string(event, "text");
    raw = params_string(event, "raw");
    fuzz_demand(g_variant_is_normal_form(event));
    fuzz_demand(text != NULL && *text != '\0' && g_utf8_validate(text, -1, NULL));
    fuzz_demand(raw != NULL && strlen(raw) == 2 * sizeof record);
    fuzz_demand(params_string(event, "severity") != NULL && params_string(event, "entity") != NULL);
    return 0;
}
