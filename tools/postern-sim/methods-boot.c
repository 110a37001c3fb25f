/* SPDX-License-Identifier: Apache-2.0 */
/* What the next boot does. */
#include "config.h"

#include "methods.h"

static guint
change_boot_order(Call *call)
{
    const xmlNode *source = xml_child(call->input, "Source");
    const xmlNode *selectors = xml_child(xml_child(source, "ReferenceParameters"), "SelectorSet");
    g_autofree char *id = xml_text(xml_child(selectors, "Selector"));
    SimClass *class = classes_find(call->device->model, "CIM_BootSourceSetting");
    DeviceExtra *extra = device_extra(call->device);

    if (source == NULL || *id == '\0') {
        g_clear_pointer(&extra->boot_source, g_free);
        return DONE;
    }
    for (guint i = 0; class != NULL && i < class->instances->len; i++) {
        g_autofree char *known =
            device_property(call->device, class->instances->pdata[i], "InstanceID");
        if (g_strcmp0(known, id) == 0) {
            g_free(extra->boot_source);
            extra->boot_source = g_steal_pointer(&known);
            return DONE;
        }
    }
    return INVALID_PARAMETER;
}

static guint
set_boot_config_role(Call *call)
{
    guint64 role;

    if (!call_number(call, "Role", &role) || (role != 1 && role != 32768))
        return INVALID_PARAMETER;
    return DONE;
}

static guint
boot_service_state_change(Call *call)
{
    static const char *const states[] = {"32768", "32769", "32770", "32771", NULL};

    if (!model_since(call->device->model, 15, 0))
        return NOT_SUPPORTED;
    return call_state_change(call, states, "EnabledState");
}

const Method methods_boot[] = {
    {"CIM_BootConfigSetting", "ChangeBootOrder", change_boot_order},
    {"CIM_BootService", "SetBootConfigRole", set_boot_config_role},
    {"CIM_BootService", "RequestStateChange", boot_service_state_change},
    {0},
};
