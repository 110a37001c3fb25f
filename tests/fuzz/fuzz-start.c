/* SPDX-License-Identifier: Apache-2.0 */
/* Before the first input: criticals of GLib are findings too, and end in a signal for which a
 * fuzzer keeps the input. */
#include "config.h"

#include "fuzz.h"

int LLVMFuzzerInitialize(int *argc, char ***argv);

static GLogWriterOutput
judge(GLogLevelFlags level, const GLogField *fields, gsize n_fields, gpointer data)
{
    if ((level & (G_LOG_LEVEL_CRITICAL | G_LOG_LEVEL_ERROR)) == 0)
        return G_LOG_WRITER_HANDLED;
    g_log_writer_standard_streams(level, fields, n_fields, data);
    abort();
}

int
LLVMFuzzerInitialize(int *argc, char ***argv)
{
    g_log_set_writer_func(judge, NULL, NULL);
    return 0;
}
