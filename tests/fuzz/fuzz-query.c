/* SPDX-License-Identifier: Apache-2.0 */
/* Queries: what is read is written in one spelling, which means the same again. */
#include "config.h"

#include "fuzz.h"
#include "query.h"

#include <postern-plugin.h>

#include <string.h>

int
LLVMFuzzerTestOneInput(const guint8 *data, gsize size)
{
    g_autofree char *text = g_strndup((const char *)data, size);
    g_autoptr(GError) error = NULL;
    g_autoptr(Query) query = query_parse(text, &error);
    g_autoptr(Query) again = NULL;
    g_autofree char *printed = NULL;
    g_autofree char *twice = NULL;

    if (query == NULL) {
        fuzz_demand_error(error, POSTERN_ERROR_BAD_PARAM);
        return 0;
    }
    fuzz_demand(error == NULL);
    printed = query_print(query);
    if (strlen(printed) > 16384) /* blanks may take it over the limit */
        return 0;
    again = query_parse(printed, &error);
    if (again == NULL)
        g_error("\"%s\" is refused when read again: %s", printed, error->message);
    twice = query_print(again);
    fuzz_demand(strcmp(printed, twice) == 0);
    return 0;
}
