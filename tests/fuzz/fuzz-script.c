/* SPDX-License-Identifier: Apache-2.0 */
/* Scripts of amt.sol.expect: read whole, or refused in words that name a line. */
#include "config.h"

#include "amt-sol-script.h"
#include "fuzz.h"

#include <postern-plugin.h>

#include <string.h>

int
LLVMFuzzerTestOneInput(const guint8 *data, gsize size)
{
    g_autofree char *text = g_strndup((const char *)data, size);
    g_autoptr(GError) error = NULL;
    g_autoptr(GPtrArray) steps = NULL;

    if (!g_utf8_validate(text, -1, NULL))
        return 0; /* parameters are valid before a task sees them */
    steps = amt_script_read(text, "secret-47", 30, &error);
    if (steps == NULL) {
        fuzz_demand_error(error, POSTERN_ERROR_BAD_PARAM);
        return 0;
    }
    for (guint i = 0; i < steps->len; i++) {
        const AmtStep *step = steps->pdata[i];
        fuzz_demand(step->line > 0 && step->ms >= 0);
        fuzz_demand((step->kind == AMT_STEP_SEND) == (step->bytes != NULL));
        fuzz_demand(strstr(step->words, "secret-47") == NULL || strstr(text, "secret-47") != NULL);
    }
    return 0;
}
