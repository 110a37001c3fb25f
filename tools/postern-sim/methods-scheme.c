/* SPDX-License-Identifier: Apache-2.0 */
/* Small switches: in which power states the firmware stays awake, and whether it shows pages to browsers. */
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

/* EnabledState tells; the pages themselves stay as they are. */
static guint
web_state_change(Call *call)
{
    static const char *const states[] = {"2", "3", NULL};

    return call_state_change(call, states, "EnabledState");
}

const Method methods_scheme[] = {
    {"AMT_WebUIService", "RequestStateChange", web_state_change},
    {"AMT_SystemPowerScheme", "SetPowerScheme", set_power_scheme},
    {0},
};
