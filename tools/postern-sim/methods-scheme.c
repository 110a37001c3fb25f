/* SPDX-License-Identifier: Apache-2.0 */
/* Small features: in which power states the firmware stays awake, its pages for browsers, its store for others. */
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

/* 192 KiB, half of it for partners, and nobody has registered: that is for programs of the machine itself. */
static guint
get_storage(Call *call)
{
    g_string_append(call->out,
                    "<g:TotalStorage>196608</g:TotalStorage>"
                    "<g:TotalAllocatedStorage>0</g:TotalAllocatedStorage>"
                    "<g:MaxPartnerStorage>98304</g:MaxPartnerStorage>"
                    "<g:TotalPartnerAllocatedStorage>0</g:TotalPartnerAllocatedStorage>"
                    "<g:MaxNonPartnerStorage>98304</g:MaxNonPartnerStorage>"
                    "<g:MaxFpaclEntries>16</g:MaxFpaclEntries><g:MaxAslEntries>16"
                    "</g:MaxAslEntries><g:MaxEaclEntries>16</g:MaxEaclEntries>"
                    "<g:MaxGroupsPerBlock>16</g:MaxGroupsPerBlock><g:MaxMembersPerGroup>16"
                    "</g:MaxMembersPerGroup><g:MaxNonPartnerTotalAllocationSize>12288"
                    "</g:MaxNonPartnerTotalAllocationSize>");
    return DONE;
}

static guint
get_applications(Call *call)
{
    return DONE;
}

const Method methods_scheme[] = {
    {"AMT_ThirdPartyDataStorageAdministrationService", "GetGlobalStorageAttributes", get_storage},
    {"AMT_ThirdPartyDataStorageAdministrationService",
     "AdminGetRegisteredApplications",
     get_applications},
    {"AMT_WebUIService", "RequestStateChange", web_state_change},
    {"AMT_SystemPowerScheme", "SetPowerScheme", set_power_scheme},
    {0},
};
