/* SPDX-License-Identifier: Apache-2.0 */
/* Comma separated values: any bytes give records within the limits, or one error that says where. */
#include "config.h"

#include "csv-read.h"
#include "fuzz.h"

#include <postern-plugin.h>

static void
check_record(const GPtrArray *cells)
{
    gsize size = 0;

    fuzz_demand(cells->len >= 1 && cells->len <= 256);
    for (guint i = 0; i < cells->len; i++) {
        const char *cell = cells->pdata[i];

        fuzz_demand(cell != NULL && g_utf8_validate(cell, -1, NULL));
        while (*cell++ != '\0')
            size++;
    }
    fuzz_demand(size <= 64 * 1024);
}

int
LLVMFuzzerTestOneInput(const guint8 *data, gsize size)
{
    g_autoptr(GInputStream) stream = g_memory_input_stream_new_from_data(data, (gssize)size, NULL);
    g_autoptr(CsvReader) reader = csv_reader_new(stream, "fuzz.csv");
    g_autoptr(GError) error = NULL;
    GPtrArray *cells;
    guint line = 0;

    while ((cells = csv_reader_next(reader, &error)) != NULL) {
        fuzz_demand(error == NULL);
        fuzz_demand(csv_reader_line(reader) > line);
        line = csv_reader_line(reader);
        check_record(cells);
    }
    if (error != NULL)
        fuzz_demand_error(error, POSTERN_ERROR_BAD_PARAM);
    return 0;
}
