/* SPDX-License-Identifier: Apache-2.0 */
#include "config.h"

#include "methods.h"

static const Method *const tables[] = {
    methods_power, methods_boot,       methods_consent, methods_redirection, methods_kvm,
    methods_setup, methods_accounts,   methods_time,    methods_log,         methods_certificates,
    methods_8021x, methods_network,    methods_alarm,   methods_wifi,        methods_remote,
    methods_audit, methods_audit_sign, methods_scheme,  methods_unprovision, methods_agents,
};

char *
call_text(const Call *call, const char *name)
{
    return g_strstrip(xml_text(xml_child(call->input, name)));
}

gboolean
call_number(const Call *call, const char *name, guint64 *number)
{
    g_autofree char *text = call_text(call, name);

    return g_ascii_string_to_unsigned(text, 10, 0, G_MAXUINT32, number, NULL);
}

const SimInstance *
call_instance(const Call *call)
{
    const SoapFault *fault;
    Item item;

    return item_find(call->device, call->request, call->class, &item, &fault) ? item.instance
                                                                              : NULL;
}

guint
call_state_change(Call *call, const char *const *states, const char *property)
{
    g_autofree char *state = g_strstrip(xml_text(xml_child(call->input, "RequestedState")));
    const SimInstance *instance = device_first(call->device, call->class->name);

    if (instance == NULL || !g_strv_contains(states, state))
        return INVALID_PARAMETER;
    device_store(call->device, instance, property, state);
    return DONE;
}

static guint
finish(Call *call, const char *method, guint value, GString *out)
{
    envelope_open(out, call->device, call->request, call->class->uri, NULL, call->common);
    g_string_append_printf(out,
                           "<g:%s_OUTPUT>%s<g:ReturnValue>%u</g:ReturnValue></g:%s_OUTPUT>",
                           method,
                           call->out->str,
                           value,
                           method);
    envelope_close(out);
    return 200;
}

static const Method *
find(const char *class_name, const char *method)
{
    for (guint i = 0; i < G_N_ELEMENTS(tables); i++)
        for (const Method *at = tables[i]; at->class != NULL; at++)
            if (g_str_equal(at->class, class_name) && g_str_equal(at->method, method))
                return at;
    return NULL;
}

guint
methods_invoke(
    Device *device, const Request *request, SimClass *class, const char *method, GString *out)
{
    const Fault *fault = device_fault(device, FAULT_RETURN);
    g_autofree char *input = g_strconcat(method, "_INPUT", NULL);
    g_autoptr(GString) output = g_string_new(NULL);
    Call call = {device, request, class, request->body, output, NULL, FALSE};
    const Method *known = find(class->name, method);
    guint value;

    if (known == NULL)
        return envelope_fault(out, device, request, &FAULT_ACTION);
    if (!xml_is(request->body, input, class->uri))
        return envelope_fault(out, device, request, &FAULT_SCHEMA);
    if (fault != NULL)
        value = (guint)fault->number;
    else
        value = call_is_allowed(&call, method) ? known->call(&call) : PT_AUDIT_FAILURE;
    if (call.fault != NULL)
        return envelope_fault(out, device, request, call.fault);
    return finish(&call, method, value, out);
}
