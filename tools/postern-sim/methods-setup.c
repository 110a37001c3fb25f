/* SPDX-License-Identifier: Apache-2.0 */
/* Setup and configuration. */
#include "config.h"

#include "methods.h"

static guint
get_uuid(Call *call)
{
    guint8 uuid[16];
    g_autofree char *text = NULL;

    device_uuid(call->device, uuid);
    text = g_base64_encode(uuid, sizeof uuid);
    g_string_append_printf(call->out, "<g:UUID>%s</g:UUID>", text);
    return DONE;
}

const Method methods_setup[] = {
    {"AMT_SetupAndConfigurationService", "GetUuid", get_uuid},
    {"AMT_SetupAndConfigurationService", "CommitChanges", methods_commit},
    {0},
};
