/* SPDX-License-Identifier: Apache-2.0 */
/* amt.boot.service.set: which far-reaching boots the machine takes orders for at all. Unlike boot settings it stays. */
#include "amt-boot.h"

enum { NONE = 32768, RECOVERY = 1, ERASE = 2, BOTH = 32771 };

/* NOT_SUPPORTED when this firmware has no such switch. */
static gboolean
read_state(WsMan *ws, guint32 *state, GError **error)
{
    g_autoptr(GVariant) service = wsman_get(ws, BOOT_SERVICE, NULL, error);

    if (service == NULL)
        return FALSE;
    *state = params_uint(service, "EnabledState", 0);
    return (*state >= NONE && *state <= BOTH) ||
           postern_fail(error,
                        POSTERN_ERROR_NOT_SUPPORTED,
                        "this firmware has no switch for recovery boots and erase (EnabledState of "
                        "CIM_BootService is %u, expected %d to %d, as from AMT 15 on): nothing was "
                        "changed",
                        *state,
                        NONE,
                        BOTH);
}

static GVariant *
describe(guint32 state)
{
    PosternResult result;

    result_begin(&result);
    result_bool(&result, "recovery", ((state - NONE) & RECOVERY) != 0);
    result_bool(&result, "erase", ((state - NONE) & ERASE) != 0);
    return result_end(&result);
}

static guint32
with(GVariant *params, const char *name, guint32 bit, guint32 state)
{
    gboolean on = params_bool(params, name, ((state - NONE) & bit) != 0);

    return on ? state | bit : state & ~bit;
}

static GVariant *
run_set(PosternRun *run, GVariant *params, gpointer self, GError **error)
{
    g_autoptr(WsMan) ws = amt_open(self, run, params, error);
    guint32 now, wanted, found;

    if (ws == NULL || !read_state(ws, &now, error))
        return NULL;
    wanted = with(params, "erase", ERASE, with(params, "recovery", RECOVERY, now));
    if (wanted == now)
        return describe(now);
    if (!amt_request_state(ws, BOOT_SERVICE, wanted, error) || !read_state(ws, &found, error))
        return NULL;
    if (found == wanted)
        return describe(found);
    postern_fail(error,
                 POSTERN_ERROR_CONFLICT,
                 "the device said yes, and its boot service is %s, expected %s: its BIOS does not "
                 "allow the change; look there",
                 amt_word(amt_boot_service_states, found),
                 amt_word(amt_boot_service_states, wanted));
    return NULL;
}

/* clang-format off */
static const PosternField *const params_table[] = {
    POSTERN_FIELD_ITEM(.name = "recovery", .type = "b", .summary = "boots for recovery: over HTTPS, WinRE and local applications"),
    POSTERN_FIELD_ITEM(.name = "erase", .type = "b", .summary = "remote platform erase; AMT 16"),
    AMT_COMMON_PARAMS,
    NULL,
};

static const PosternField *const outputs[] = {
    POSTERN_FIELD_ITEM(.name = "recovery", .type = "b", .flags = POSTERN_FIELD_REQUIRED, .summary = "the machine takes orders for recovery boots"),
    POSTERN_FIELD_ITEM(.name = "erase", .type = "b", .flags = POSTERN_FIELD_REQUIRED, .summary = "it takes orders for a platform erase"),
    NULL,
};

const PosternTask amt_boot_service_set_task = {
    .size = sizeof(PosternTask),
    .flags = POSTERN_TASK_IDEMPOTENT,
    .version = 1,
    .id = "amt.boot.service.set",
    .summary = "allow or forbid recovery boots and remote platform erase, until it is changed again",
    .details = "CIM_BootService.RequestStateChange, from AMT 15 on. What is not named stays, what is so already is not asked for, and the "
               "state is read back: BIOS may veto. Least realm: Remote Control.",
    .params = params_table,
    .outputs = outputs,
    .credentials = amt_credentials,
    .run = run_set,
};
/* clang-format on */
