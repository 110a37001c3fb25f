/* SPDX-License-Identifier: Apache-2.0 */
/* amt.wifi.link.set: who has the wireless link, the firmware or the operating system's driver. */
#include "amt-network.h"

static gboolean
ask(WsMan *ws, guint32 owner, guint32 seconds, GError **error)
{
    g_autoptr(GVariant) outputs = NULL;
    PosternResult args;

    result_begin(&args);
    result_uint(&args, "LinkPreference", owner);
    result_uint(&args, "Timeout", seconds);
    outputs = wsman_call(ws,
                         AMT_PORT_CLASS,
                         amt_key("InstanceID", AMT_WIRELESS_PORT),
                         "SetLinkPreference",
                         result_end(&args),
                         error);
    return outputs != NULL;
}

static GVariant *
describe(GVariant *port)
{
    PosternResult result;

    result_begin(&result);
    result_string(
        &result, "preference", amt_word(amt_link_owners, params_uint(port, "LinkPreference", 0)));
    result_string(
        &result, "control", amt_word(amt_link_owners, params_uint(port, "LinkControl", 0)));
    return result_end(&result);
}

static GVariant *
run_set(PosternRun *run, GVariant *params, gpointer self, GError **error)
{
    g_autoptr(WsMan) ws = amt_open(self, run, params, error);
    g_autoptr(GVariant) before = ws != NULL ? amt_read_port(ws, TRUE, error) : NULL;
    g_autoptr(GVariant) after = NULL;
    guint32 owner = 0, seconds = params_uint(params, "timeout", 0);

    if (before == NULL || !amt_code(amt_link_owners, params_string(params, "owner"), &owner))
        return NULL;
    if (seconds == 0) {
        postern_fail(error, POSTERN_ERROR_BAD_PARAM, "timeout is 0, expected 1 second or more");
        return NULL;
    }
    if (!ask(ws, owner, seconds, error))
        return NULL;
    after = amt_read_port(ws, TRUE, error);
    if (after == NULL)
        return NULL;
    if (params_uint(after, "LinkPreference", 0) == owner)
        return describe(after);
    postern_fail(error,
                 POSTERN_ERROR_CONFLICT,
                 "the device said yes, and its link preference is still as it was; wireless "
                 "profiles (amt.wifi.list) and a link policy (amt.network.get) come first");
    return NULL;
}

/* clang-format off */
static const char *const choices[] = {"me", "host", NULL};

static const PosternField *const set_params[] = {
    POSTERN_FIELD_ITEM(.name = "owner", .type = "s", .flags = POSTERN_FIELD_REQUIRED, .choices = choices,
                       .summary = "me: the firmware takes the link; host: it gives it back"),
    POSTERN_FIELD_ITEM(.name = "timeout", .type = "u", .fallback = "300", .summary = "for how many seconds"),
    AMT_COMMON_PARAMS,
    NULL,
};
static const PosternField *const set_outputs[] = {
    POSTERN_FIELD_ITEM(.name = "preference", .type = "s", .summary = "who is to have the link: me or host"),
    POSTERN_FIELD_ITEM(.name = "control", .type = "s", .summary = "who has it now"),
    NULL,
};

const PosternTask amt_wifi_link_set_task = {
    .size = sizeof(PosternTask),
    .flags = POSTERN_TASK_DISRUPTIVE,
    .version = 1,
    .id = "amt.wifi.link.set",
    .summary = "take the wireless link from the operating system for a while, or give it back",
    .details = "AMT_EthernetPortSettings.SetLinkPreference on the wireless port, sent each time, because the time begins anew. A "
               "KVM session over WLAN outlives a restart that way. Least realm: PT Administration.",
    .params = set_params,
    .outputs = set_outputs,
    .credentials = amt_credentials,
    .run = run_set,
};
/* clang-format on */
