/* SPDX-License-Identifier: Apache-2.0 */
/* Lists of accounts, and SIDs as a device sends them: what is understood is so again when it is written out. */
#include "config.h"

#include "amt-drift.h"
#include "fuzz.h"

#include <string.h>

static void
check_sid(const guint8 *data, gsize size)
{
    g_autofree char *text = amt_sid_text(data, size);
    g_autoptr(GBytes) back = text != NULL ? amt_sid_bytes(text) : NULL;

    if (back == NULL || size == 8) /* without any part it has no text that is read back */
        return;
    fuzz_demand(g_bytes_get_size(back) == size);
    fuzz_demand(memcmp(g_bytes_get_data(back, NULL), data, size) == 0);
}

int
LLVMFuzzerTestOneInput(const guint8 *data, gsize size)
{
    g_autofree char *text = g_strndup((const char *)data, size);
    g_autoptr(GPtrArray) list = amt_wanted_of_text(text, NULL);

    for (guint i = 0; list != NULL && i < list->len; i++) {
        const AmtAccount *one = list->pdata[i];

        fuzz_demand(amt_check_account_name(one->name, NULL));
        fuzz_demand(one->realms != 0 && one->access <= AMT_ACCESS_ANY);
    }
    check_sid(data, size);
    return 0;
}
