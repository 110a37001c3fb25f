/* SPDX-License-Identifier: Apache-2.0 */
/* Answers to the presence ping come from anybody: whatever the bytes, what is read is within its bounds. */
#include "config.h"

#include "fuzz.h"

#include <rmcp-presence.h>

int
LLVMFuzzerTestOneInput(const guint8 *data, gsize size)
{
    g_autoptr(GBytes) answer = g_bytes_new(data, size);
    RmcpPresence presence;

    if (!rmcp_presence_read(answer, 0x31, &presence)) {
        fuzz_demand(!presence.amt);
        return 0;
    }
    fuzz_demand(size >= 28);
    fuzz_demand(presence.setup <= 3);
    fuzz_demand(presence.amt == (presence.enterprise == RMCP_IANA_INTEL));
    fuzz_demand(presence.amt || (presence.port == 0 && presence.major == 0));
    return 0;
}
