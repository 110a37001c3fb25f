/* SPDX-License-Identifier: Apache-2.0 */
/* amt.webui.set: the pages that the firmware shows to browsers. */
#include "amt.h"

static const char class_name[] = "AMT_WebUIService";

enum { STATE_ON = 2, STATE_OFF = 3 };

/* Its state; FALSE with `error`. */
static gboolean
read_state(WsMan *ws, gboolean *enabled, GError **error)
{
    g_autoptr(GVariant) instance =
        amt_read_needed(ws, class_name, "does not switch its web pages", error);

    if (instance == NULL)
        return FALSE;
    *enabled = params_uint(instance, "EnabledState", 0) == STATE_ON;
    return TRUE;
}

static GVariant *
run_set(PosternRun *run, GVariant *params, gpointer self, GError **error)
{
    g_autoptr(WsMan) ws = amt_open(self, run, params, error);
    gboolean wanted = params_bool(params, "enabled", TRUE), before, after;
    PosternResult result;

    if (ws == NULL || !read_state(ws, &before, error))
        return NULL;
    if (before != wanted &&
        !amt_request_state(ws, class_name, wanted ? STATE_ON : STATE_OFF, error))
        return NULL;
    after = before;
    if (before != wanted && !read_state(ws, &after, error))
        return NULL;
    if (after != wanted) {
        postern_fail(error,
                     POSTERN_ERROR_CONFLICT,
                     "the device said yes, and its web pages are still %s: BIOS or MEBx do not "
                     "allow the change; look there",
                     after ? "on" : "off");
        return NULL;
    }
    result_begin(&result);
    result_bool(&result, "enabled", after);
    result_bool(&result, "changed", before != after);
    return result_end(&result);
}

/* clang-format off */
static const PosternField *const set_params[] = {
    POSTERN_FIELD_ITEM(.name = "enabled", .type = "b", .flags = POSTERN_FIELD_REQUIRED, .summary = "show them or not"),
    AMT_COMMON_PARAMS,
    NULL,
};
static const PosternField *const set_outputs[] = {
    POSTERN_FIELD_ITEM(.name = "enabled", .type = "b", .flags = POSTERN_FIELD_REQUIRED, .summary = "they are shown"),
    POSTERN_FIELD_ITEM(.name = "changed", .type = "b", .flags = POSTERN_FIELD_REQUIRED, .summary = "false: it was so already"),
    NULL,
};

const PosternTask amt_webui_set_task = {
    .size = sizeof(PosternTask),
    .flags = POSTERN_TASK_IDEMPOTENT,
    .version = 1,
    .id = "amt.webui.set",
    .summary = "switch the pages that the firmware shows to browsers",
    .details = "AMT_WebUIService.RequestStateChange, and its state read back. WS-Management works without them. Least realm: PT "
               "Administration.",
    .params = set_params,
    .outputs = set_outputs,
    .credentials = amt_credentials,
    .run = run_set,
};
/* clang-format on */
