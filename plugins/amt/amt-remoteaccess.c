/* SPDX-License-Identifier: Apache-2.0 */
/* amt.remoteaccess.get: where the firmware calls home, and when. */
#include "amt-remote.h"

#include <string.h>

/* clang-format off */
const AmtWord remote_triggers[] = {{0, "user"}, {1, "alert"}, {2, "periodic"}, {3, "home"}, {0, NULL}};
const AmtWord remote_wheres[] = {{0, "outside"}, {1, "inside"}, {2, "both"}, {0, NULL}};
const AmtWord remote_switches[] = {{32768, "off"}, {32769, "bios"}, {32770, "os"}, {32771, "both"}, {0, NULL}};
static const AmtWord formats[] = {{3, "ipv4"}, {4, "ipv6"}, {201, "fqdn"}, {0, NULL}};
static const AmtFact server_facts[] = {
    {"Name", "name", FACT_TEXT, NULL},
    {"AccessInfo", "address", FACT_TEXT, NULL},
    {"InfoFormat", "format", FACT_WORD, formats},
    {"Port", "port", FACT_NUMBER, NULL},
    {"CN", "cn", FACT_TEXT, NULL},
    {NULL, NULL, FACT_TEXT, NULL},
};
/* clang-format on */

/* ---- periods: big-endian numbers ---- */

static GVariant *
numbers(const guint32 *list, gsize count)
{
    guint32 wire[3];

    for (gsize i = 0; i < count; i++)
        wire[i] = GUINT32_TO_BE(list[i]);
    return g_variant_new_fixed_array(G_VARIANT_TYPE_BYTE, wire, count * sizeof *wire, 1);
}

GVariant *
remote_period_encode(const char *text)
{
    g_auto(GStrv) parts = g_strsplit(text, ":", -1);
    guint64 first, second;

    if (parts[0] == NULL || !g_ascii_string_to_unsigned(parts[0], 10, 0, G_MAXINT32, &first, NULL))
        return NULL;
    if (parts[1] == NULL)
        return first > 0 ? numbers((const guint32[]){0, (guint32)first}, 2) : NULL;
    if (parts[2] != NULL || first > 23 || strlen(parts[1]) != 2 ||
        !g_ascii_string_to_unsigned(parts[1], 10, 0, 59, &second, NULL))
        return NULL;
    return numbers((const guint32[]){1, (guint32)first, (guint32)second}, 3);
}

char *
remote_period_decode(GVariant *data)
{
    guint32 wire[3] = {0};
    gsize length = 0;
    const guint8 *bytes = g_variant_get_fixed_array(data, &length, 1);

    if (length != 8 && length != 12)
        return NULL;
    memcpy(wire, bytes, length);
    for (guint i = 0; i < G_N_ELEMENTS(wire); i++)
        wire[i] = GUINT32_FROM_BE(wire[i]);
    if (wire[0] == 0 && length == 8)
        return g_strdup_printf("%u", wire[1]);
    if (wire[0] == 1 && length == 12 && wire[1] < 24 && wire[2] < 60)
        return g_strdup_printf("%02u:%02u", wire[1], wire[2]);
    return NULL;
}

/* ---- reading ---- */

void
remote_clear(Remote *remote)
{
    g_clear_pointer(&remote->servers, g_ptr_array_unref);
    g_clear_pointer(&remote->users, g_ptr_array_unref);
    g_clear_pointer(&remote->contexts, g_ptr_array_unref);
    g_clear_pointer(&remote->rules, g_ptr_array_unref);
    g_clear_pointer(&remote->links, g_ptr_array_unref);
    g_clear_pointer(&remote->service, g_variant_unref);
    g_clear_pointer(&remote->capabilities, g_variant_unref);
    g_clear_pointer(&remote->user_initiated, g_variant_unref);
}

static gboolean
read_lists(WsMan *ws, Remote *remote, GError **error)
{
    const struct {
        const char *class_name;
        GPtrArray **list;
    } lists[] = {
        {REMOTE_SERVER, &remote->servers},
        {"AMT_MPSUsernamePassword", &remote->users},
        {"AMT_RemoteAccessCredentialContext", &remote->contexts},
        {REMOTE_RULE, &remote->rules},
        {REMOTE_LINK, &remote->links},
    };

    for (guint i = 0; i < G_N_ELEMENTS(lists); i++) {
        *lists[i].list = amt_read_all(ws, lists[i].class_name, error);
        if (*lists[i].list == NULL)
            return FALSE;
    }
    return TRUE;
}

gboolean
remote_read(WsMan *ws, Remote *remote, GError **error)
{
    const struct {
        const char *class_name;
        GVariant **instance;
    } singles[] = {
        {"AMT_RemoteAccessCapabilities", &remote->capabilities},
        {REMOTE_SWITCH, &remote->user_initiated},
    };
    g_autoptr(GError) why = NULL;

    remote_clear(remote);
    remote->service = amt_read_needed(ws, REMOTE_SERVICE, "cannot call home", &why);
    for (guint i = 0; why == NULL && i < G_N_ELEMENTS(singles); i++)
        *singles[i].instance = amt_read_single(ws, singles[i].class_name, &why);
    if (why == NULL)
        return read_lists(ws, remote, error);
    g_propagate_error(error, g_steal_pointer(&why));
    return FALSE;
}

GVariant *
remote_rule(const Remote *remote, guint32 trigger)
{
    for (guint i = 0; i < remote->rules->len; i++)
        if (params_uint(remote->rules->pdata[i], "Trigger", G_MAXUINT32) == trigger)
            return remote->rules->pdata[i];
    return NULL;
}

static gboolean
belongs(GVariant *link, GVariant *rule)
{
    g_autofree char *name = amt_key_in(link, "PolicySet", "PolicyRuleName");

    return g_strcmp0(name, params_string(rule, "PolicyRuleName")) == 0;
}

/* Few: the firmware takes two for each rule, of which it counts those inside for themselves. */
GPtrArray *
remote_servers(const Remote *remote, GVariant *rule)
{
    GPtrArray *names = g_ptr_array_new_with_free_func(g_free);

    for (guint32 order = 0; order < 4; order++)
        for (guint i = 0; i < remote->links->len; i++) {
            GVariant *link = remote->links->pdata[i];
            char *name;
            if (params_uint(link, "OrderOfAccess", 0) != order || !belongs(link, rule))
                continue;
            name = amt_key_in(link, "ManagedElement", "Name");
            if (name != NULL)
                g_ptr_array_add(names, name);
        }
    return names;
}

/* ---- telling ---- */

static char *
user_of(const Remote *remote, GVariant *server)
{
    for (guint i = 0; i < remote->contexts->len; i++) {
        GVariant *context = remote->contexts->pdata[i];
        g_autofree char *name = amt_key_in(context, "ElementProvidingContext", "Name");
        g_autofree char *id = amt_key_in(context, "ElementInContext", "InstanceID");
        GVariant *user = id != NULL ? amt_find(remote->users, "InstanceID", id) : NULL;
        if (user != NULL && g_strcmp0(name, params_string(server, "Name")) == 0)
            return g_strdup(params_string(user, "RemoteID"));
    }
    return NULL;
}

static GVariant *
describe_server(const Remote *remote, GVariant *server)
{
    g_autofree char *user = user_of(remote, server);
    PosternResult result;

    result_begin(&result);
    amt_facts_add(&result, server_facts, server);
    result_string(&result, "user", user);
    return result_end(&result);
}

guint32
remote_where(const Remote *remote, GVariant *rule)
{
    for (guint i = 0; i < remote->links->len; i++) {
        g_autoptr(GVariant) where = params_value(remote->links->pdata[i], "MpsType", "u");
        if (where != NULL && belongs(remote->links->pdata[i], rule))
            return g_variant_get_uint32(where);
    }
    return G_MAXUINT32;
}

static GVariant *
describe_rule(const Remote *remote, GVariant *rule)
{
    g_autoptr(GPtrArray) names = remote_servers(remote, rule);
    g_autoptr(GVariant) data = params_value(rule, "ExtendedData", "ay");
    g_autofree char *period = data != NULL ? remote_period_decode(data) : NULL;
    guint32 trigger = params_uint(rule, "Trigger", G_MAXUINT32);
    PosternResult result;

    result_begin(&result);
    result_string(&result, "name", params_string(rule, "PolicyRuleName"));
    result_string(&result, "trigger", amt_word(remote_triggers, trigger));
    if (trigger == REMOTE_PERIODIC)
        result_string(&result, "period", period);
    result_uint(&result, "lifetime-seconds", params_uint(rule, "TunnelLifeTime", 0));
    result_value(&result,
                 "servers",
                 g_variant_new_strv((const char *const *)names->pdata, (gssize)names->len));
    result_string(&result, "where", amt_word(remote_wheres, remote_where(remote, rule)));
    return result_end(&result);
}

static void
add_list(PosternResult *result,
         const char *name,
         const Remote *remote,
         GPtrArray *instances,
         GVariant *(*describe)(const Remote *remote, GVariant *instance))
{
    GVariantBuilder list;

    g_variant_builder_init(&list, G_VARIANT_TYPE("aa{sv}"));
    for (guint i = 0; i < instances->len; i++)
        g_variant_builder_add_value(&list, describe(remote, instances->pdata[i]));
    result_value(result, name, g_variant_builder_end(&list));
}

GVariant *
remote_describe(const Remote *remote, gint changed)
{
    g_autoptr(GVariant) connected = params_value(remote->service, "IsRemoteTunnelConnected", "b");
    PosternResult result;

    result_begin(&result);
    add_list(&result, "servers", remote, remote->servers, describe_server);
    add_list(&result, "rules", remote, remote->rules, describe_rule);
    if (remote->user_initiated != NULL)
        result_string(
            &result,
            "user-initiated",
            amt_word(remote_switches, params_uint(remote->user_initiated, "EnabledState", 0)));
    result_value(&result, "connected", connected);
    if (changed >= 0)
        result_bool(&result, "changed", changed);
    return result_end(&result);
}

static GVariant *
run_get(PosternRun *run, GVariant *params, gpointer self, GError **error)
{
    g_autoptr(WsMan) ws = amt_open(self, run, params, error);
    g_auto(Remote) remote = {0};

    return ws != NULL && remote_read(ws, &remote, error) ? remote_describe(&remote, -1) : NULL;
}

/* clang-format off */
static const PosternField *const get_params[] = {AMT_COMMON_PARAMS, NULL};
static const PosternField *const get_outputs[] = {
    POSTERN_FIELD_ITEM(.name = "servers", .type = "aa{sv}", .flags = POSTERN_FIELD_REQUIRED,
                       .summary = "gateways: name, address, format (ipv4, ipv6 or fqdn), port, cn, user"),
    POSTERN_FIELD_ITEM(.name = "rules", .type = "aa{sv}", .flags = POSTERN_FIELD_REQUIRED,
                       .summary = "when it calls: name, trigger, period (seconds, or HH:MM each day), lifetime-seconds (0: no limit), servers, where"),
    POSTERN_FIELD_ITEM(.name = "user-initiated", .type = "s", .summary = "who can make it call: off, bios, os or both"),
    POSTERN_FIELD_ITEM(.name = "connected", .type = "b", .summary = "its tunnel is open now; absent: this firmware does not say"),
    NULL,
};

const PosternTask amt_remoteaccess_get_task = {
    .size = sizeof(PosternTask),
    .flags = POSTERN_TASK_READ_ONLY | POSTERN_TASK_IDEMPOTENT,
    .version = 1,
    .id = "amt.remoteaccess.get",
    .summary = "tell where the firmware calls home (CIRA), and when",
    .details = "AMT_ManagementPresenceRemoteSAP, AMT_RemoteAccessPolicyRule and what ties them. Least realm: PT Administration.",
    .params = get_params,
    .outputs = get_outputs,
    .credentials = amt_credentials,
    .run = run_get,
};
/* clang-format on */
