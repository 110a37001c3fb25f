/* SPDX-License-Identifier: Apache-2.0 */
/*
 * amt.remoteaccess.set: servers first, then rules that use them, then the switch; and the other way round to take them away.
 * All is checked before anything is written, so that no rule is left without a server.
 */
#include "amt-remote.h"

#include <string.h>

enum { TEXT_MOST = 16, SERVERS_PER_RULE = 2, FORMAT_IPV4 = 3, FORMAT_IPV6 = 4, FORMAT_FQDN = 201 };
enum { AUTH_PASSWORD = 2 };

typedef enum { WISH_NONE, WISH_OFF, WISH_ON } Wish;

typedef struct {
    Remote now;
    const char *address, *user, *password, *cn, *remove; /* NULL: not asked for */
    guint32 port, lifetime, where, user_initiated;
    gboolean has_lifetime, has_where, has_switch, clear;
    Wish rules[REMOTE_TRIGGERS];
    GVariant *period; /* "ay" */
    char *server;     /* name of the server at `address`, once it is there */
    guint32 kept
        [REMOTE_TRIGGERS]; /* where a rule that was made anew called before, and 1 more; 0: nothing to keep */
    gboolean changed;
} Plan;

static void
plan_clear(Plan *plan)
{
    remote_clear(&plan->now);
    g_clear_pointer(&plan->period, g_variant_unref);
    g_free(plan->server);
}
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC(Plan, plan_clear)

/* ---- what is asked for ---- */

static Wish
wish_of(GVariant *params, const char *name)
{
    g_autoptr(GVariant) value = params_value(params, name, "b");

    return value == NULL ? WISH_NONE : g_variant_get_boolean(value) ? WISH_ON : WISH_OFF;
}

static gboolean
read_period(Plan *plan, const char *text, GError **error)
{
    if (text == NULL)
        return TRUE;
    plan->rules[REMOTE_PERIODIC] = strcmp(text, "off") == 0 ? WISH_OFF : WISH_ON;
    if (plan->rules[REMOTE_PERIODIC] == WISH_OFF)
        return TRUE;
    plan->period = remote_period_encode(text);
    if (plan->period == NULL)
        return postern_fail(error,
                            POSTERN_ERROR_BAD_PARAM,
                            "periodic is '%s', expected seconds, a time of day as in 03:30, or off",
                            text);
    g_variant_ref_sink(plan->period);
    return TRUE;
}

static gboolean
read_wish(Plan *plan, GVariant *params, GError **error)
{
    const char *where = params_string(params, "where");
    const char *initiated = params_string(params, "user-initiated");
    g_autoptr(GVariant) lifetime = params_value(params, "lifetime", "u");

    plan->clear = params_bool(params, "clear", FALSE);
    if (plan->clear)
        return TRUE;
    plan->address = params_string(params, "server");
    plan->user = params_string(params, "user");
    plan->password = params_string(params, "password");
    plan->cn = params_string(params, "cn");
    plan->remove = params_string(params, "remove");
    plan->port = params_uint(params, "port", 4433);
    plan->rules[0] = wish_of(params, "rule-user");
    plan->rules[1] = wish_of(params, "rule-alert");
    plan->has_lifetime = lifetime != NULL;
    plan->lifetime = lifetime != NULL ? g_variant_get_uint32(lifetime) : 0;
    plan->has_where = where != NULL && amt_code(remote_wheres, where, &plan->where);
    plan->has_switch =
        initiated != NULL && amt_code(remote_switches, initiated, &plan->user_initiated);
    return read_period(plan, params_string(params, "periodic"), error);
}

/* ---- checks ---- */

static guint32
format_of(const char *address)
{
    g_autoptr(GInetAddress) ip = g_inet_address_new_from_string(address);

    if (ip == NULL)
        return FORMAT_FQDN;
    return g_inet_address_get_family(ip) == G_SOCKET_FAMILY_IPV4 ? FORMAT_IPV4 : FORMAT_IPV6;
}

static GVariant *
server_at(const Plan *plan)
{
    for (guint i = 0; i < plan->now.servers->len; i++) {
        GVariant *server = plan->now.servers->pdata[i];
        if (g_strcmp0(params_string(server, "AccessInfo"), plan->address) == 0 &&
            params_uint(server, "Port", 0) == plan->port)
            return server;
    }
    return NULL;
}

static gboolean
check_login(const Plan *plan, GError **error)
{
    gsize user = plan->user != NULL ? strlen(plan->user) : 0;
    gsize password = plan->password != NULL ? strlen(plan->password) : 0;

    for (gsize i = 0; i < user; i++)
        if (!g_ascii_isalnum(plan->user[i]))
            user = TEXT_MOST + 1;
    if (user < 1 || user > TEXT_MOST)
        return postern_fail(error,
                            POSTERN_ERROR_BAD_PARAM,
                            "a new server needs a user of 1 to %d letters and digits",
                            TEXT_MOST);
    return (password >= 1 && password <= TEXT_MOST) ||
           postern_fail(error,
                        POSTERN_ERROR_BAD_PARAM,
                        "a new server needs a password of 1 to %d characters",
                        TEXT_MOST);
}

static gboolean
check_server(Plan *plan, GError **error)
{
    GVariant *there = plan->address != NULL ? server_at(plan) : NULL;
    guint32 most = plan->now.capabilities != NULL
                       ? params_uint(plan->now.capabilities, "MaxTotalMpServers", 4)
                       : 4;

    if (plan->address == NULL || there != NULL) {
        plan->server = there != NULL ? g_strdup(params_string(there, "Name")) : NULL;
        return TRUE;
    }
    if (plan->now.servers->len >= most)
        return postern_fail(error,
                            POSTERN_ERROR_CONFLICT,
                            "the device holds %u servers already, and no more than %u: remove one "
                            "first",
                            plan->now.servers->len,
                            most);
    return check_login(plan, error);
}

static GVariant *
server_to_remove(const Plan *plan)
{
    GVariant *server = amt_find(plan->now.servers, "AccessInfo", plan->remove);

    return server != NULL ? server : amt_find(plan->now.servers, "Name", plan->remove);
}

/* The servers that a rule is to have: the one that is named, else those that it has, else those that are there. */
static GPtrArray *
servers_for(const Plan *plan, GVariant *rule)
{
    GVariant *leaving = plan->remove != NULL ? server_to_remove(plan) : NULL;
    GPtrArray *names;

    if (plan->server == NULL && rule != NULL)
        return remote_servers(&plan->now, rule);
    names = g_ptr_array_new_with_free_func(g_free);
    if (plan->server != NULL) {
        g_ptr_array_add(names, g_strdup(plan->server));
        return names;
    }
    for (guint i = 0; names->len < SERVERS_PER_RULE && i < plan->now.servers->len; i++)
        if (plan->now.servers->pdata[i] != leaving)
            g_ptr_array_add(names, g_strdup(params_string(plan->now.servers->pdata[i], "Name")));
    return names;
}

static gboolean
check_rules(const Plan *plan, GError **error)
{
    g_autoptr(GPtrArray) servers = servers_for(plan, NULL);

    for (guint32 i = 0; i < REMOTE_TRIGGERS; i++)
        if (plan->rules[i] == WISH_ON && plan->address == NULL && servers->len == 0)
            return postern_fail(error,
                                POSTERN_ERROR_BAD_PARAM,
                                "a rule needs a server to call: the device has none, and none is "
                                "given");
    return TRUE;
}

/* A rule goes on using a server unless it goes itself, or gets the new one. */
static gboolean
check_remove(const Plan *plan, GError **error)
{
    GVariant *server = plan->remove != NULL ? server_to_remove(plan) : NULL;
    const char *name = server != NULL ? params_string(server, "Name") : NULL;

    if (name == NULL)
        return TRUE;
    if (g_strcmp0(name, plan->server) == 0)
        return postern_fail(
            error, POSTERN_ERROR_BAD_PARAM, "the same server is to be there and to go");
    for (guint i = 0; i < plan->now.rules->len; i++) {
        GVariant *rule = plan->now.rules->pdata[i];
        guint32 trigger = params_uint(rule, "Trigger", G_MAXUINT32);
        Wish wish = trigger < REMOTE_TRIGGERS ? plan->rules[trigger] : WISH_NONE;
        g_autoptr(GPtrArray) names = remote_servers(&plan->now, rule);
        if (wish == WISH_OFF || (wish == WISH_ON && plan->address != NULL) ||
            !g_ptr_array_find_with_equal_func(names, name, g_str_equal, NULL))
            continue;
        return postern_fail(error,
                            POSTERN_ERROR_CONFLICT,
                            "rule %s calls %s: name another server for it, or switch it off, in "
                            "the same run; nothing was changed",
                            params_string(rule, "PolicyRuleName"),
                            plan->remove);
    }
    return TRUE;
}

static gboolean
has_member(GVariant *instance, const char *name)
{
    g_autoptr(GVariant) value = params_value(instance, name, NULL);

    return value != NULL;
}

/* With detection on and no rule to call anybody, the machine would be lost. */
static gboolean
check_inside(WsMan *ws, GError **error)
{
    static const char *const lists[] = {"DetectionStrings", "DetectionIPv6LocalPrefixes"};
    g_autoptr(GError) why = NULL;
    g_autoptr(GVariant) settings = amt_read_single(ws, "AMT_EnvironmentDetectionSettingData", &why);
    gboolean detects = FALSE;

    if (why != NULL) {
        g_propagate_error(error, g_steal_pointer(&why));
        return FALSE;
    }
    for (guint i = 0; settings != NULL && i < G_N_ELEMENTS(lists); i++) {
        g_autoptr(GVariant) list = params_value(settings, lists[i], "as");
        detects |= list != NULL && g_variant_n_children(list) > 0;
    }
    return !detects || postern_fail(error,
                                    POSTERN_ERROR_CONFLICT,
                                    "the firmware still detects its environment: outside it could "
                                    "then be reached no more; empty the list first with "
                                    "amt.environment.set strings= ipv6-prefixes=");
}

/* Whether the last rule goes. */
static gboolean
is_last_rule(const Plan *plan)
{
    guint left = 0;

    for (guint i = 0; i < plan->now.rules->len; i++) {
        guint32 trigger = params_uint(plan->now.rules->pdata[i], "Trigger", G_MAXUINT32);
        left += trigger >= REMOTE_TRIGGERS || plan->rules[trigger] != WISH_OFF;
    }
    for (guint32 i = 0; i < REMOTE_TRIGGERS; i++)
        left += plan->rules[i] == WISH_ON;
    return plan->now.rules->len > 0 && left == 0;
}

static gboolean
check_all(WsMan *ws, Plan *plan, GError **error)
{
    if (plan->has_switch && plan->now.user_initiated == NULL)
        return postern_fail(error,
                            POSTERN_ERROR_NOT_SUPPORTED,
                            "this firmware has no %s: nothing was changed",
                            REMOTE_SWITCH);
    if (plan->has_lifetime && plan->rules[0] != WISH_ON && plan->rules[1] != WISH_ON &&
        plan->rules[2] != WISH_ON)
        return postern_fail(
            error, POSTERN_ERROR_BAD_PARAM, "lifetime is of a rule: name the rule as well");
    if (plan->has_where && plan->now.links->len > 0 &&
        !has_member(plan->now.links->pdata[0], "MpsType"))
        return postern_fail(error,
                            POSTERN_ERROR_NOT_SUPPORTED,
                            "this firmware knows no gateways inside (MpsType): AMT 11.6 was the "
                            "first that does; nothing was changed");
    return check_server(plan, error) && check_rules(plan, error) && check_remove(plan, error) &&
           (!is_last_rule(plan) || check_inside(ws, error));
}

/* ---- writing ---- */

static GVariant *
server_reference(const char *name)
{
    return wsman_epr(REMOTE_SERVER,
                     "CreationClassName",
                     REMOTE_SERVER,
                     "Name",
                     name,
                     "SystemCreationClassName",
                     "CIM_ComputerSystem",
                     "SystemName",
                     "Intel(r) AMT",
                     NULL);
}

static gboolean
add_server(WsMan *ws, Plan *plan, GError **error)
{
    guint32 format;
    PosternResult args;
    g_autoptr(GVariant) outputs = NULL;

    if (plan->address == NULL || plan->server != NULL)
        return TRUE;
    format = format_of(plan->address);
    result_begin(&args);
    result_string(&args, "AccessInfo", plan->address);
    result_uint(&args, "InfoFormat", format);
    result_uint(&args, "Port", plan->port);
    result_uint(&args, "AuthMethod", AUTH_PASSWORD);
    result_string(&args, "Username", plan->user);
    result_string(&args, "Password", plan->password);
    if (plan->cn != NULL || format != FORMAT_FQDN)
        result_string(&args, "CN", plan->cn != NULL ? plan->cn : plan->address);
    plan->changed = TRUE;
    outputs = wsman_call(ws, REMOTE_SERVICE, NULL, "AddMpServer", result_end(&args), error);
    if (outputs == NULL)
        return FALSE;
    plan->server = amt_key_in(outputs, "MpServer", "Name");
    return plan->server != NULL ||
           postern_fail(error,
                        POSTERN_ERROR_PROTOCOL,
                        "the device took the server and does not say which one it is (MpServer); "
                        "no rule was made");
}

static gboolean
remove_rule(WsMan *ws, Plan *plan, GVariant *rule, GError **error)
{
    plan->changed = TRUE;
    return wsman_delete(
        ws, REMOTE_RULE, amt_key("PolicyRuleName", params_string(rule, "PolicyRuleName")), error);
}

static gboolean
add_rule(WsMan *ws, Plan *plan, guint32 trigger, guint32 lifetime, GPtrArray *names, GError **error)
{
    GVariantBuilder servers;
    PosternResult args;
    g_autoptr(GVariant) outputs = NULL;

    g_variant_builder_init(&servers, G_VARIANT_TYPE("aa{sv}"));
    for (guint i = 0; i < names->len; i++)
        g_variant_builder_add_value(&servers, server_reference(names->pdata[i]));
    result_begin(&args);
    result_uint(&args, "Trigger", trigger);
    result_uint(&args, "TunnelLifeTime", lifetime);
    if (trigger == REMOTE_PERIODIC)
        result_value(&args, "ExtendedData", plan->period);
    result_value(&args, "MpServer", g_variant_builder_end(&servers));
    plan->changed = TRUE;
    outputs =
        wsman_call(ws, REMOTE_SERVICE, NULL, "AddRemoteAccessPolicyRule", result_end(&args), error);
    return outputs != NULL;
}

static gboolean
same_names(GPtrArray *a, GPtrArray *b)
{
    for (guint i = 0; i < a->len && i < b->len; i++)
        if (g_strcmp0(a->pdata[i], b->pdata[i]) != 0)
            return FALSE;
    return a->len == b->len;
}

static gboolean
is_same_rule(const Plan *plan, GVariant *rule, guint32 lifetime, GPtrArray *names)
{
    g_autoptr(GVariant) data = params_value(rule, "ExtendedData", "ay");
    g_autoptr(GPtrArray) has = remote_servers(&plan->now, rule);

    if (params_uint(rule, "Trigger", 0) == REMOTE_PERIODIC &&
        (data == NULL || !g_variant_equal(data, plan->period)))
        return FALSE;
    return params_uint(rule, "TunnelLifeTime", 0) == lifetime && same_names(has, names);
}

/* A rule cannot be changed: it goes and comes anew. What is not named of it stays. */
static gboolean
apply_rule(WsMan *ws, Plan *plan, guint32 trigger, GError **error)
{
    GVariant *rule = remote_rule(&plan->now, trigger);
    guint32 lifetime = plan->lifetime;
    g_autoptr(GPtrArray) names = NULL;

    if (plan->rules[trigger] == WISH_NONE)
        return TRUE;
    if (plan->rules[trigger] == WISH_OFF)
        return rule == NULL || remove_rule(ws, plan, rule, error);
    if (rule != NULL && !plan->has_lifetime)
        lifetime = params_uint(rule, "TunnelLifeTime", 0);
    names = servers_for(plan, rule);
    if (rule != NULL && is_same_rule(plan, rule, lifetime, names))
        return TRUE;
    if (rule != NULL)
        plan->kept[trigger] = remote_where(&plan->now, rule) + 1;
    if (rule != NULL && !remove_rule(ws, plan, rule, error))
        return FALSE;
    if (add_rule(ws, plan, trigger, lifetime, names, error))
        return TRUE;
    if (rule != NULL)
        g_prefix_error(error,
                       "the rule %s was removed to be made anew, and was not: ",
                       amt_word(remote_triggers, trigger));
    return FALSE;
}

/* Where the servers of `link` are to be called, as MpsType has it; G_MAXUINT32: as it is. */
static guint32
wanted_where(const Plan *plan, GVariant *link)
{
    g_autofree char *name = amt_key_in(link, "PolicySet", "PolicyRuleName");
    GVariant *rule = name != NULL ? amt_find(plan->now.rules, "PolicyRuleName", name) : NULL;
    guint32 trigger = rule != NULL ? params_uint(rule, "Trigger", G_MAXUINT32) : G_MAXUINT32;

    if (plan->has_where)
        return plan->where;
    return trigger < REMOTE_TRIGGERS && plan->kept[trigger] > 0 ? plan->kept[trigger] - 1
                                                                : G_MAXUINT32;
}

/* For which side a rule's servers are; from AMT 11.6. */
static gboolean
apply_where(WsMan *ws, Plan *plan, GError **error)
{
    if (!plan->has_where && plan->kept[0] + plan->kept[1] + plan->kept[2] == 0)
        return TRUE;
    if (plan->changed && !remote_read(ws, &plan->now, error))
        return FALSE;
    for (guint i = 0; i < plan->now.links->len; i++) {
        GVariant *link = plan->now.links->pdata[i];
        g_autoptr(GVariant) is = params_value(link, "MpsType", "u");
        g_autoptr(GVariant) server = params_value(link, "ManagedElement", NULL);
        g_autoptr(GVariant) rule = params_value(link, "PolicySet", NULL);
        g_autoptr(GVariant) stored = NULL;
        guint32 wanted = wanted_where(plan, link);
        PosternResult keys, values;
        if (wanted == G_MAXUINT32 || (is == NULL && !plan->has_where))
            continue;
        if (is == NULL || server == NULL || rule == NULL)
            return postern_fail(error,
                                POSTERN_ERROR_NOT_SUPPORTED,
                                "this firmware knows no gateways inside (MpsType): AMT 11.6 was "
                                "the first that does; all else that was asked for is done");
        if (g_variant_get_uint32(is) == wanted)
            continue;
        result_begin(&keys);
        result_value(&keys, "ManagedElement", server);
        result_value(&keys, "PolicySet", rule);
        result_begin(&values);
        result_uint(&values, "MpsType", wanted);
        plan->changed = TRUE;
        stored = wsman_put(ws, REMOTE_LINK, result_end(&keys), result_end(&values), FALSE, error);
        if (stored == NULL)
            return FALSE;
    }
    return TRUE;
}

static gboolean
remove_server(WsMan *ws, Plan *plan, GVariant *server, GError **error)
{
    if (server == NULL)
        return TRUE;
    plan->changed = TRUE;
    return wsman_delete(ws, REMOTE_SERVER, amt_key("Name", params_string(server, "Name")), error);
}

static gboolean
apply_switch(WsMan *ws, Plan *plan, GError **error)
{
    if (!plan->has_switch ||
        params_uint(plan->now.user_initiated, "EnabledState", 0) == plan->user_initiated)
        return TRUE;
    plan->changed = TRUE;
    return amt_request_state(ws, REMOTE_SWITCH, plan->user_initiated, error);
}

/* ---- all of it away ---- */

static gboolean
take_all_away(WsMan *ws, Plan *plan, GError **error)
{
    if (!check_inside(ws, error))
        return FALSE;
    if (plan->now.user_initiated != NULL) {
        plan->has_switch = TRUE;
        amt_code(remote_switches, "off", &plan->user_initiated);
    }
    if (!apply_switch(ws, plan, error))
        return FALSE;
    for (guint i = 0; i < plan->now.rules->len; i++)
        if (!remove_rule(ws, plan, plan->now.rules->pdata[i], error))
            return FALSE;
    for (guint i = 0; i < plan->now.servers->len; i++)
        if (!remove_server(ws, plan, plan->now.servers->pdata[i], error))
            return FALSE;
    return TRUE;
}

/* ---- reading back ---- */

/* The periodic rule has the period that was asked for. */
static gboolean
has_period(const Plan *plan, const Remote *found)
{
    GVariant *rule = remote_rule(found, REMOTE_PERIODIC);
    g_autoptr(GVariant) data = rule != NULL ? params_value(rule, "ExtendedData", "ay") : NULL;

    return plan->period == NULL || (data != NULL && g_variant_equal(data, plan->period));
}

static const char *
what_is_missing(const Plan *plan, const Remote *found)
{
    if (!has_period(plan, found))
        return "period is";
    for (guint32 i = 0; i < REMOTE_TRIGGERS; i++)
        if (plan->rules[i] != WISH_NONE &&
            (remote_rule(found, i) != NULL) != (plan->rules[i] == WISH_ON))
            return "rules are";
    if (plan->server != NULL && amt_find(found->servers, "Name", plan->server) == NULL)
        return "servers are";
    if (plan->clear && found->servers->len + found->rules->len > 0)
        return "servers or rules are";
    if (plan->has_switch &&
        (found->user_initiated == NULL ||
         params_uint(found->user_initiated, "EnabledState", 0) != plan->user_initiated))
        return "user-initiated switch is";
    return NULL;
}

static GVariant *
finish(WsMan *ws, const Plan *plan, GError **error)
{
    g_auto(Remote) found = {0};
    const char *missing;

    if (!remote_read(ws, &found, error))
        return NULL;
    missing = what_is_missing(plan, &found);
    if (missing == NULL)
        return remote_describe(&found, plan->changed);
    postern_fail(error,
                 POSTERN_ERROR_CONFLICT,
                 "the device said yes, and its %s not as was asked for; read what it has with "
                 "amt.remoteaccess.get",
                 missing);
    return NULL;
}

static gboolean
carry_out(WsMan *ws, Plan *plan, GError **error)
{
    GVariant *leaving = plan->remove != NULL ? server_to_remove(plan) : NULL;
    g_autoptr(GVariant) kept = leaving != NULL ? g_variant_ref(leaving) : NULL;

    if (!add_server(ws, plan, error))
        return FALSE;
    for (guint32 i = 0; i < REMOTE_TRIGGERS; i++)
        if (!apply_rule(ws, plan, i, error))
            return FALSE;
    return remove_server(ws, plan, kept, error) && apply_switch(ws, plan, error) &&
           apply_where(ws, plan, error);
}

static GVariant *
run_set(PosternRun *run, GVariant *params, gpointer self, GError **error)
{
    g_autoptr(WsMan) ws = amt_open(self, run, params, error);
    g_auto(Plan) plan = {0};

    if (ws == NULL || !read_wish(&plan, params, error) || !remote_read(ws, &plan.now, error))
        return NULL;
    if (!(plan.clear ? take_all_away(ws, &plan, error)
                     : check_all(ws, &plan, error) && carry_out(ws, &plan, error)))
        return NULL;
    return finish(ws, &plan, error);
}

/* clang-format off */
static const char *const where_choices[] = {"outside", "inside", "both", NULL};
static const char *const switch_choices[] = {"off", "bios", "os", "both", NULL};

static const PosternField *const set_params[] = {
    POSTERN_FIELD_ITEM(.name = "server", .type = "s", .format = "host", .summary = "gateway that is to be there, by name or address"),
    POSTERN_FIELD_ITEM(.name = "port", .type = "u", .format = "port", .fallback = "4433", .summary = "its port"),
    POSTERN_FIELD_ITEM(.name = "cn", .type = "s", .summary = "name in its certificate, where server is an address; absent: the address"),
    POSTERN_FIELD_ITEM(.name = "user", .type = "s", .summary = "user for a new server, at most 16 letters and digits"),
    POSTERN_FIELD_ITEM(.name = "password", .type = "s", .flags = POSTERN_FIELD_SECRET, .summary = "its password, at most 16 characters"),
    POSTERN_FIELD_ITEM(.name = "periodic", .type = "s", .summary = "call it every so many seconds (300), each day at a time (03:30), or off"),
    POSTERN_FIELD_ITEM(.name = "rule-alert", .type = "b", .summary = "call it when there is an alert"),
    POSTERN_FIELD_ITEM(.name = "rule-user", .type = "b", .summary = "call it when somebody at the machine asks for it"),
    POSTERN_FIELD_ITEM(.name = "lifetime", .type = "u", .summary = "of these rules' tunnels in seconds, 0: no limit; absent: as it is"),
    POSTERN_FIELD_ITEM(.name = "where", .type = "s", .choices = where_choices, .summary = "call outside, inside or in both, from AMT 11.6 on"),
    POSTERN_FIELD_ITEM(.name = "user-initiated", .type = "s", .choices = switch_choices, .summary = "where somebody at the machine can ask for it"),
    POSTERN_FIELD_ITEM(.name = "remove", .type = "s", .summary = "server that is to go, by its address or its name in the device"),
    POSTERN_FIELD_ITEM(.name = "clear", .type = "b", .fallback = "false", .summary = "all rules and servers are to go, whatever else is given"),
    AMT_COMMON_PARAMS,
    NULL,
};

static const PosternField *const set_outputs[] = {
    POSTERN_FIELD_ITEM(.name = "servers", .type = "aa{sv}", .flags = POSTERN_FIELD_REQUIRED, .summary = "see amt.remoteaccess.get"),
    POSTERN_FIELD_ITEM(.name = "rules", .type = "aa{sv}", .flags = POSTERN_FIELD_REQUIRED, .summary = "likewise"),
    POSTERN_FIELD_ITEM(.name = "user-initiated", .type = "s", .summary = "likewise"),
    POSTERN_FIELD_ITEM(.name = "connected", .type = "b", .summary = "likewise"),
    POSTERN_FIELD_ITEM(.name = "changed", .type = "b", .flags = POSTERN_FIELD_REQUIRED, .summary = "false: it was so already"),
    NULL,
};

const PosternTask amt_remoteaccess_set_task = {
    .size = sizeof(PosternTask),
    .flags = POSTERN_TASK_DISRUPTIVE,
    .version = 1,
    .timeout_ms = 120000,
    .id = "amt.remoteaccess.set",
    .summary = "have the firmware call home (CIRA), or no more",
    .details = "AMT_RemoteAccessService.AddMpServer and AddRemoteAccessPolicyRule, deletion of both, and the switch of "
               "AMT_UserInitiatedConnectionService. Servers come before the rules that call them and go after them, and no rule is left "
               "without a server. A rule cannot be changed: it is removed and made anew. The gateway's root certificate has to be in the device "
               "first, and amt.environment.set comes last. A server's password cannot be read: to change it, add the server under another "
               "address or remove it first. Least realm: PT Administration.",
    .params = set_params,
    .outputs = set_outputs,
    .credentials = amt_credentials,
    .run = run_set,
};
/* clang-format on */
