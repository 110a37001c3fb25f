/* SPDX-License-Identifier: Apache-2.0 */
/* An exported audit log: what was read is written as the same text again, and its signature can be looked at. */
#include "config.h"

#include "amt-audit.h"
#include "fuzz.h"

#include <string.h>

int
LLVMFuzzerTestOneInput(const guint8 *data, gsize size)
{
    g_autoptr(GError) error = NULL;
    g_autoptr(AmtAuditFile) file = amt_audit_file_parse((const char *)data, size, &error);
    g_autoptr(AmtAuditFile) again = NULL;
    g_autofree char *text = NULL;

    fuzz_demand((file == NULL) == (error != NULL));
    if (file == NULL) {
        fuzz_demand_error(error, POSTERN_ERROR_PROTOCOL);
        return 0;
    }
    if (file->signature != NULL) {
        amt_audit_check_signature(file->signature, NULL);
        amt_audit_check_chain(file->signature, NULL, NULL);
    }
    text = amt_audit_file_write(file);
    again = amt_audit_file_parse(text, strlen(text), &error);
    fuzz_demand(again != NULL && again->records->len == file->records->len);
    fuzz_demand((again->signature == NULL) == (file->signature == NULL));
    return 0;
}
