/* SPDX-License-Identifier: Apache-2.0 */
/* Agent presence: watchdogs, and what follows when their agents start or stop. No agent runs in a simulated machine. */
#include "config.h"

#include "logs.h"
#include "methods.h"
#include "rules.h"

#include <string.h>

enum { WATCHDOG_ADDED = 0, WATCHDOG_REMOVED = 1, ACTION_SET = 2 };
enum { AGENTS_MOST = 16, ACTIONS_MOST = 64, ANY_STATE = 31, GUID_BYTES = 16 };

static const char watchdog_class[] = "AMT_AgentPresenceWatchdog";
static const char condition_class[] = "AMT_StateTransitionCondition";
static const char action_class[] = "AMT_AgentPresenceWatchdogAction";
static const char link_class[] = "CIM_ConcreteDependency";

/* ---- watchdogs ---- */

static gboolean
is_agent_id(const char *text)
{
    gsize length = 0;
    g_autofree guint8 *bytes = text != NULL ? g_base64_decode(text, &length) : NULL;
    guint8 any = 0;

    for (gsize i = 0; i < length; i++)
        any |= bytes[i];
    return length == GUID_BYTES && any != 0;
}

static const SoapFault *
create_watchdog(Device *device, GPtrArray *values)
{
    SimClass *class = classes_find(device->model, watchdog_class);

    if (!is_agent_id(rules_value(values, "DeviceID")))
        return &FAULT_REPRESENTATION;
    if (class != NULL && rules_count(device, class) >= AGENTS_MOST)
        return &FAULT_QUOTA;
    if (rules_value(values, "CurrentState") == NULL)
        rules_add(values, "CurrentState", "1");
    return NULL;
}

static void
watchdog_created(Device *device, const DeviceCreated *created)
{
    logs_audit(device, AUDIT_AGENT_PRESENCE, WATCHDOG_ADDED, NULL, 0);
}

/* ---- actions ---- */

/* The instance of `class_name` that `xml`, a stored reference, leads to; NULL: of another class, or gone. */
static const DeviceCreated *
follow(Device *device, const char *class_name, const char *xml)
{
    const GPtrArray *created = device->extra->created;

    for (guint i = 0; i < created->len; i++) {
        const DeviceCreated *one = created->pdata[i];
        g_autofree char *reference =
            g_str_equal(one->class->name, class_name) ? rules_reference(device, one) : NULL;
        if (g_strcmp0(reference, xml) == 0)
            return reference != NULL ? one : NULL;
    }
    return NULL;
}

/* What depends on `from` goes, with what depends on that. */
static void
take_dependents(Device *device, const DeviceCreated *from, const char *class_name)
{
    g_autofree char *reference = rules_reference(device, from);
    GPtrArray *created = device->extra->created;

    for (guint i = 0; i < created->len; i++) {
        const DeviceCreated *link = created->pdata[i];
        const DeviceCreated *dependent;
        if (!g_str_equal(link->class->name, link_class) ||
            g_strcmp0(rules_value(link->properties, "Antecedent"), reference) != 0)
            continue;
        dependent = follow(device, class_name, rules_value(link->properties, "Dependent"));
        g_ptr_array_remove_index(created, i);
        if (dependent != NULL && g_str_equal(class_name, condition_class))
            take_dependents(device, dependent, action_class);
        if (dependent != NULL)
            g_ptr_array_remove(created, (gpointer)(gsize)dependent);
        i = (guint)-1; /* places have changed: from the beginning */
    }
}

static const SoapFault *
remove_watchdog(Device *device, const DeviceCreated *created)
{
    take_dependents(device, created, condition_class);
    logs_audit(device, AUDIT_AGENT_PRESENCE, WATCHDOG_REMOVED, NULL, 0);
    return NULL;
}

const Rule rules_agents[] = {
    {.class = "AMT_AgentPresenceWatchdog",
     .create = create_watchdog,
     .created = watchdog_created,
     .remove = remove_watchdog},
    {0},
};

static const DeviceCreated *
called_watchdog(const Call *call)
{
    const SoapFault *fault;
    Item item;

    return item_find(call->device, call->request, call->class, &item, &fault) ? item.created : NULL;
}

static void
tie(Device *device, const DeviceCreated *antecedent, const DeviceCreated *dependent)
{
    g_autofree char *from = rules_reference(device, antecedent);
    g_autofree char *to = rules_reference(device, dependent);

    rules_make(
        device, link_class, (const char *const[]){"Antecedent", from, "Dependent", to, NULL});
}

static char *
flag_of(const Call *call, const char *name)
{
    g_autofree char *text = g_strstrip(xml_text(xml_child(call->input, name)));

    return g_strdup(g_str_equal(text, "true") ? "true" : "false");
}

static guint
add_action(Call *call)
{
    const DeviceCreated *watchdog = called_watchdog(call);
    SimClass *class = classes_find(call->device->model, action_class);
    g_autofree char *event = flag_of(call, "EventOnTransition"), *sd = flag_of(call, "ActionSd");
    g_autofree char *eac = flag_of(call, "ActionEac");
    g_autofree char *from = g_strstrip(xml_text(xml_child(call->input, "OldState")));
    g_autofree char *to = g_strstrip(xml_text(xml_child(call->input, "NewState")));
    const DeviceCreated *condition, *action;
    guint64 old, new;

    if (watchdog == NULL || !call_number(call, "OldState", &old) ||
        !call_number(call, "NewState", &new) || old == 0 || old > ANY_STATE || new == 0 ||
        new > ANY_STATE)
        return PT_INVALID_PARAMETER;
    if (class == NULL || rules_count(call->device, class) >= ACTIONS_MOST)
        return PT_MAXIMUM_REACHED;
    condition = rules_make(call->device,
                           condition_class,
                           (const char *const[]){"NewState", to, "OldState", from, NULL});
    action = rules_make(
        call->device,
        action_class,
        (const char *const[]){"ActionEac", eac, "ActionSd", sd, "EventOnTransition", event, NULL});
    if (condition == NULL || action == NULL)
        return PT_MAXIMUM_REACHED;
    tie(call->device, watchdog, condition);
    tie(call->device, condition, action);
    logs_audit(call->device, AUDIT_AGENT_PRESENCE, ACTION_SET, NULL, 0);
    return DONE;
}

static guint
delete_all_actions(Call *call)
{
    const DeviceCreated *watchdog = called_watchdog(call);

    if (watchdog == NULL)
        return PT_INVALID_PARAMETER;
    take_dependents(call->device, watchdog, condition_class);
    return DONE;
}

const Method methods_agents[] = {
    {"AMT_AgentPresenceWatchdog", "AddAction", add_action},
    {"AMT_AgentPresenceWatchdog", "DeleteAllActions", delete_all_actions},
    {0},
};
