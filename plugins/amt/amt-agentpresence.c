/* SPDX-License-Identifier: Apache-2.0 */
/* amt.agentpresence.get: which programs of the operating system the firmware watches, and what it does when they stop. */
#include "amt-agentpresence.h"

#include <string.h>

static const char watchdog_class[] = "AMT_AgentPresenceWatchdog";
static const char condition_class[] = "AMT_StateTransitionCondition";
static const char action_class[] = "AMT_AgentPresenceWatchdogAction";

enum { STATE_ANY = 31 };

/* clang-format off */
static const AmtWord states[] = {
    {1, "not-started"}, {2, "stopped"}, {4, "running"}, {8, "expired"}, {16, "suspended"}, {0, NULL}};
static const AmtFact watchdog_facts[] = {
    {"MonitoredEntityDescription", "description", FACT_TEXT, NULL},
    {"CurrentState", "state", FACT_WORD, states},
    {"StartupInterval", "startup-seconds", FACT_NUMBER, NULL},
    {"TimeoutInterval", "timeout-seconds", FACT_NUMBER, NULL},
    {NULL, NULL, FACT_TEXT, NULL},
};
static const AmtFact action_facts[] = {
    {"EventOnTransition", "event", FACT_FLAG, NULL},
    {"ActionSd", "system-defense", FACT_FLAG, NULL},
    {"ActionEac", "access-control", FACT_FLAG, NULL},
    {NULL, NULL, FACT_TEXT, NULL},
};
static const AmtFact capability_facts[] = {
    {"MaxTotalAgents", "most-agents", FACT_NUMBER, NULL},
    {"MaxTotalActions", "most-actions", FACT_NUMBER, NULL},
    {NULL, NULL, FACT_TEXT, NULL},
};
/* clang-format on */

char *
amt_agent_guid(const char *device_id)
{
    gsize length = 0;
    g_autofree guint8 *bytes = NULL;

    if (device_id == NULL || strlen(device_id) != 24)
        return NULL;
    bytes = g_base64_decode(device_id, &length);
    return amt_uuid_of(bytes, length);
}

char *
amt_agent_states(guint32 mask)
{
    GString *words;

    if ((mask & STATE_ANY) == STATE_ANY)
        return g_strdup("any");
    words = g_string_new(NULL);
    for (const AmtWord *at = states; at->word != NULL; at++)
        if ((mask & at->code) != 0)
            g_string_append_printf(words, "%s%s", words->len > 0 ? "+" : "", at->word);
    return g_string_free(words, FALSE);
}

typedef struct {
    GPtrArray *watchdogs, *conditions, *actions, *links;
    GVariant *capabilities;
} Agents;

static void
agents_clear(Agents *agents)
{
    g_clear_pointer(&agents->watchdogs, g_ptr_array_unref);
    g_clear_pointer(&agents->conditions, g_ptr_array_unref);
    g_clear_pointer(&agents->actions, g_ptr_array_unref);
    g_clear_pointer(&agents->links, g_ptr_array_unref);
    g_clear_pointer(&agents->capabilities, g_variant_unref);
}
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC(Agents, agents_clear)

static gboolean
read_agents(WsMan *ws, Agents *agents, GError **error)
{
    const struct {
        const char *class_name;
        GPtrArray **list;
    } lists[] = {
        {watchdog_class, &agents->watchdogs},
        {condition_class, &agents->conditions},
        {action_class, &agents->actions},
        {"CIM_ConcreteDependency", &agents->links},
    };
    g_autoptr(GError) why = NULL;

    agents->capabilities =
        amt_read_needed(ws, "AMT_AgentPresenceCapabilities", "watches no agents", &why);
    /* what ties them together is worth asking for only where there is something */
    for (guint i = 0; why == NULL && i < G_N_ELEMENTS(lists); i++)
        *lists[i].list = i == 0 || agents->watchdogs->len > 0
                             ? amt_read_all(ws, lists[i].class_name, &why)
                             : g_ptr_array_new();
    if (why == NULL)
        return TRUE;
    g_propagate_error(error, g_steal_pointer(&why));
    return FALSE;
}

/* The reference is to an instance of that class with these properties. */
static gboolean
refers_to(GVariant *link, const char *end, const char *class_name, GVariant *instance)
{
    g_autoptr(GVariant) reference = params_value(link, end, "a{sv}");
    g_autoptr(GVariant) keys =
        reference != NULL ? params_value(reference, "selectors", "a{sv}") : NULL;
    gboolean same = keys != NULL && g_variant_n_children(keys) > 0 &&
                    g_strcmp0(params_string(reference, "class"), class_name) == 0;
    GVariantIter iter;
    const char *name;
    GVariant *value;

    if (!same)
        return FALSE;
    g_variant_iter_init(&iter, keys);
    while (g_variant_iter_loop(&iter, "{&sv}", &name, &value)) {
        g_autoptr(GVariant) own = params_value(instance, name, NULL);
        if (own != NULL && !g_variant_equal(own, value))
            same = FALSE;
    }
    return same;
}

/* Which end is which differs between descriptions of this association: both are looked at. */
static gboolean
is_tied(const Agents *agents,
        const char *one_class,
        GVariant *one,
        const char *other_class,
        GVariant *other)
{
    for (guint i = 0; i < agents->links->len; i++) {
        GVariant *link = agents->links->pdata[i];
        if ((refers_to(link, "Antecedent", one_class, one) &&
             refers_to(link, "Dependent", other_class, other)) ||
            (refers_to(link, "Dependent", one_class, one) &&
             refers_to(link, "Antecedent", other_class, other)))
            return TRUE;
    }
    return FALSE;
}

static GVariant *
describe_action(const Agents *agents, GVariant *condition)
{
    g_autofree char *from = amt_agent_states(params_uint(condition, "OldState", 0));
    g_autofree char *to = amt_agent_states(params_uint(condition, "NewState", 0));
    PosternResult result;

    result_begin(&result);
    result_string(&result, "from", from);
    result_string(&result, "to", to);
    for (guint i = 0; i < agents->actions->len; i++)
        if (is_tied(agents, condition_class, condition, action_class, agents->actions->pdata[i]))
            amt_facts_add(&result, action_facts, agents->actions->pdata[i]);
    return result_end(&result);
}

static GVariant *
describe_watchdog(const Agents *agents, GVariant *watchdog)
{
    const char *id = params_string(watchdog, "DeviceID");
    g_autofree char *guid = amt_agent_guid(id);
    GVariantBuilder actions;
    PosternResult result;

    result_begin(&result);
    result_string(&result, "guid", guid != NULL ? guid : id);
    amt_facts_add(&result, watchdog_facts, watchdog);
    g_variant_builder_init(&actions, G_VARIANT_TYPE("aa{sv}"));
    for (guint i = 0; i < agents->conditions->len; i++)
        if (is_tied(
                agents, watchdog_class, watchdog, condition_class, agents->conditions->pdata[i]))
            g_variant_builder_add_value(&actions,
                                        describe_action(agents, agents->conditions->pdata[i]));
    result_value(&result, "actions", g_variant_builder_end(&actions));
    return result_end(&result);
}

static GVariant *
run_get(PosternRun *run, GVariant *params, gpointer self, GError **error)
{
    g_autoptr(WsMan) ws = amt_open(self, run, params, error);
    g_auto(Agents) agents = {0};
    GVariantBuilder list;
    PosternResult result;

    if (ws == NULL || !read_agents(ws, &agents, error))
        return NULL;
    g_variant_builder_init(&list, G_VARIANT_TYPE("aa{sv}"));
    for (guint i = 0; i < agents.watchdogs->len; i++)
        g_variant_builder_add_value(&list, describe_watchdog(&agents, agents.watchdogs->pdata[i]));
    result_begin(&result);
    result_value(&result, "watchdogs", g_variant_builder_end(&list));
    amt_facts_add(&result, capability_facts, agents.capabilities);
    return result_end(&result);
}

/* clang-format off */
static const PosternField *const get_params[] = {AMT_COMMON_PARAMS, NULL};
static const PosternField *const get_outputs[] = {
    POSTERN_FIELD_ITEM(.name = "watchdogs", .type = "aa{sv}", .flags = POSTERN_FIELD_REQUIRED,
                       .summary = "guid, description, state, startup-seconds, timeout-seconds, and actions: from, to, event, system-defense, "
                                  "access-control"),
    POSTERN_FIELD_ITEM(.name = "most-agents", .type = "u", .summary = "how many the firmware can watch"),
    POSTERN_FIELD_ITEM(.name = "most-actions", .type = "u", .summary = "how many actions it can keep"),
    NULL,
};

const PosternTask amt_agentpresence_get_task = {
    .size = sizeof(PosternTask),
    .flags = POSTERN_TASK_READ_ONLY | POSTERN_TASK_IDEMPOTENT,
    .version = 1,
    .id = "amt.agentpresence.get",
    .summary = "tell which programs the firmware watches, and what it does when they stop",
    .details = "AMT_AgentPresenceWatchdog, AMT_StateTransitionCondition, AMT_AgentPresenceWatchdogAction and what ties them. Least realm: "
               "Agent Presence Remote.",
    .params = get_params,
    .outputs = get_outputs,
    .credentials = amt_credentials,
    .run = run_get,
};
/* clang-format on */
