/* SPDX-License-Identifier: Apache-2.0 */
/* Queries: what is read is written in one spelling, which means the same again, and the store
 * understands. */
#include "config.h"

#include "fuzz-store.h"
#include "fuzz.h"
#include "machine.h"
#include "query.h"

#include <postern-plugin.h>

#include <string.h>

static void
ask(const Query *query)
{
    g_autoptr(GPtrArray) values = g_ptr_array_new_with_free_func((GDestroyNotify)g_variant_unref);
    g_autoptr(GString) sql = g_string_new(NULL);
    g_autoptr(GError) error = NULL;
    g_autoptr(StoreRows) rows = NULL;

    if (!query_sql(query, fuzz_store(), "m.id", store_now(), 0, sql, values, &error)) {
        fuzz_demand_error(error, POSTERN_ERROR_BAD_PARAM); /* a collection that is not there */
        return;
    }
    rows = machine_rows(fuzz_store(), sql->str, values, &error);
    if (rows == NULL || store_next(rows, &error) || error != NULL)
        g_error("the store does not understand %s", sql->str);
}

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
    ask(query);
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
