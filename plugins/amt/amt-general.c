/* SPDX-License-Identifier: Apache-2.0 */
/* amt.general.get and amt.general.set: names, answers to pings, and how long the engine stays awake. */
#include "amt-settings.h"

static const char class_name[] = "AMT_GeneralSettings";

/* clang-format off */
static const AmtSetting settings[] = {
    {"HostName", "host-name", "s", 0, 63, FALSE},
    {"DomainName", "domain-name", "s", 0, 191, FALSE},
    {"SharedFQDN", "shared-fqdn", "b", 0, 0, FALSE},
    {"PingResponseEnabled", "answers-ping", "b", 0, 0, FALSE},
    {"RmcpPingResponseEnabled", "answers-rmcp-ping", "b", 0, 0, FALSE},
    {"IdleWakeTimeout", "idle-wake-minutes", "u", 1, 65535, FALSE},
    {"DDNSUpdateEnabled", "ddns", "b", 0, 0, FALSE},
    {"DDNSUpdateByDHCPServerEnabled", "ddns-by-dhcp", "b", 0, 0, FALSE},
    {"DDNSPeriodicUpdateInterval", "ddns-interval-minutes", "u", 20, 65535, FALSE},
    {"DDNSTTL", "ddns-ttl-seconds", "u", 1, G_MAXINT32, FALSE},
    {"DigestRealm", "digest-realm", "s", 0, 0, TRUE},
    {"HostOSFQDN", "os-fqdn", "s", 0, 0, TRUE},
    {NULL, NULL, NULL, 0, 0, FALSE},
};
/* clang-format on */

static GVariant *
describe(GVariant *instance)
{
    PosternResult result;

    result_begin(&result);
    amt_settings_add(&result, settings, instance);
    return result_end(&result);
}

static GVariant *
run_get(PosternRun *run, GVariant *params, gpointer self, GError **error)
{
    g_autoptr(WsMan) ws = amt_open(self, run, params, error);
    g_autoptr(GVariant) instance = ws != NULL ? wsman_get(ws, class_name, NULL, error) : NULL;

    return instance != NULL ? describe(instance) : NULL;
}

static GVariant *
run_set(PosternRun *run, GVariant *params, gpointer self, GError **error)
{
    g_autoptr(WsMan) ws = amt_open(self, run, params, error);
    g_autoptr(GVariant) now = ws != NULL ? wsman_get(ws, class_name, NULL, error) : NULL;
    g_autoptr(GVariant) changes =
        now != NULL ? amt_settings_changes(settings, params, now, error) : NULL;
    g_autoptr(GVariant) stored = NULL;
    g_autoptr(GVariant) found = NULL;

    if (changes == NULL)
        return NULL;
    if (g_variant_n_children(changes) == 0)
        return describe(now);
    stored = wsman_put(ws, class_name, NULL, changes, FALSE, error);
    found = stored != NULL ? wsman_get(ws, class_name, NULL, error) : NULL;
    return found != NULL && amt_settings_taken(found, changes, "amt.general.get", error)
               ? describe(found)
               : NULL;
}

/* clang-format off */
#define FIELD_ROW(name_, type_, summary_) POSTERN_FIELD_ITEM(.name = name_, .type = type_, .summary = summary_)
#define SETTINGS                                                                                                       \
    FIELD_ROW("host-name", "s", "name of the machine, without its domain"),                                           \
    FIELD_ROW("domain-name", "s", "its domain; both together are what certificates and Kerberos go by"),              \
    FIELD_ROW("shared-fqdn", "b", "firmware and operating system have one name"),                                     \
    FIELD_ROW("answers-ping", "b", "answers ICMP echo requests"),                                                      \
    FIELD_ROW("answers-rmcp-ping", "b", "answers the RMCP presence ping"),                                             \
    FIELD_ROW("idle-wake-minutes", "u", "how long the engine stays awake without work, 1 to 65535 (for ever)"),        \
    FIELD_ROW("ddns", "b", "keeps its own entry in DNS up to date"),                                                   \
    FIELD_ROW("ddns-by-dhcp", "b", "leaves that to the DHCP server"),                                                  \
    FIELD_ROW("ddns-interval-minutes", "u", "how often it does so, at least 20"),                                      \
    FIELD_ROW("ddns-ttl-seconds", "u", "for how long its entry is good")

static const PosternField *const get_params[] = {AMT_COMMON_PARAMS, NULL};
static const PosternField *const set_params[] = {SETTINGS, AMT_COMMON_PARAMS, NULL};
static const PosternField *const outputs[] = {
    SETTINGS,
    FIELD_ROW("digest-realm", "s", "realm of its digest logins; read only"),
    FIELD_ROW("os-fqdn", "s", "name that the operating system told it; read only"),
    NULL,
};

const PosternTask amt_general_get_task = {
    .size = sizeof(PosternTask),
    .flags = POSTERN_TASK_READ_ONLY | POSTERN_TASK_IDEMPOTENT,
    .version = 1,
    .id = "amt.general.get",
    .summary = "read names, answers to pings, idle time and dynamic DNS",
    .details = "AMT_GeneralSettings; what a release lacks is not in the result. Least realm: General Info.",
    .params = get_params,
    .outputs = outputs,
    .credentials = amt_credentials,
    .run = run_get,
};

const PosternTask amt_general_set_task = {
    .size = sizeof(PosternTask),
    .flags = POSTERN_TASK_IDEMPOTENT,
    .version = 1,
    .id = "amt.general.set",
    .summary = "change names, answers to pings, idle time or dynamic DNS, and read back what was taken",
    .details = "What is not named stays as it is, and what is so already is not written. A new name makes a certificate for the old "
               "one wrong. Least realm: PT Administration.",
    .params = set_params,
    .outputs = outputs,
    .credentials = amt_credentials,
    .run = run_set,
};
/* clang-format on */
