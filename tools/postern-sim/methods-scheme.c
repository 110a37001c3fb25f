/* SPDX-License-Identifier: Apache-2.0 */
/* Power schemes: in which power states the firmware stays awake. */
#include "config.h"

#include "logs.h"
#include "methods.h"

enum { POWER_PACKAGE = 16 };

static guint
set_power_scheme(Call *call)
{
    const SimInstance *wanted = call_instance(call);
    g_autofree char *guid =
        wanted != NULL ? device_property(call->device, wanted, "SchemeGUID") : NULL;
    gsize length = 0;
    g_autofree guint8 *bytes = guid != NULL ? g_base64_decode(guid, &length) : NULL;

    for (guint i = 0; wanted != NULL && i < call->class->instances->len; i++)
        if (call->class->instances->pdata[i] == wanted)
            device_extra(call->device)->power_scheme = i;
    if (wanted == NULL)
        return PT_INVALID_PARAMETER;
    logs_audit(call->device, AUDIT_SECURITY_ADMIN, POWER_PACKAGE, bytes, length);
    return DONE;
}

const Method methods_scheme[] = {
    {"AMT_SystemPowerScheme", "SetPowerScheme", set_power_scheme},
    {0},
};
