/* SPDX-License-Identifier: Apache-2.0 */
/* amt.time.get and amt.time.set: the firmware's clock against ours. */
#include "amt.h"

static const char class_name[] = "AMT_TimeSynchronizationService";

/* Their seconds, and ours in the middle of asking. FALSE with `error`. */
static gboolean
read_clocks(WsMan *ws, gint64 *theirs, gint64 *before, gint64 *after, GError **error)
{
    g_autoptr(GVariant) outputs = NULL;

    *before = g_get_real_time() / G_USEC_PER_SEC;
    outputs = wsman_call(ws, class_name, NULL, "GetLowAccuracyTimeSynch", NULL, error);
    *after = g_get_real_time() / G_USEC_PER_SEC;
    if (outputs == NULL)
        return FALSE;
    *theirs = params_uint(outputs, "Ta0", 0);
    return *theirs != 0 || postern_fail(error,
                                        POSTERN_ERROR_PROTOCOL,
                                        "the device told no time: Ta0 is missing or zero");
}

gint64
amt_device_clock(WsMan *ws, GError **error)
{
    gint64 theirs, before, after;

    return read_clocks(ws, &theirs, &before, &after, error) ? theirs : 0;
}

static void
add_clocks(PosternResult *result, gint64 theirs, gint64 ours)
{
    amt_result_time(result, "device-time", theirs);
    amt_result_time(result, "host-time", ours);
    result_value(result, "ahead-seconds", g_variant_new_int64(theirs - ours));
}

static GVariant *
run_get(PosternRun *run, GVariant *params, gpointer self, GError **error)
{
    g_autoptr(WsMan) ws = amt_open(self, run, params, error);
    gint64 theirs, before, after;
    PosternResult result;

    if (ws == NULL || !read_clocks(ws, &theirs, &before, &after, error))
        return NULL;
    result_begin(&result);
    add_clocks(&result, theirs, (before + after) / 2);
    return result_end(&result);
}

static gboolean
set_clock(WsMan *ws, gint64 theirs, gint64 before, gint64 after, GError **error)
{
    g_autoptr(GVariant) outputs = NULL;
    PosternResult args;

    result_begin(&args);
    result_uint(&args, "Ta0", (guint32)theirs);
    result_uint(&args, "Tm1", (guint32)before);
    result_uint(&args, "Tm2", (guint32)after);
    outputs =
        wsman_call(ws, class_name, NULL, "SetHighAccuracyTimeSynch", result_end(&args), error);
    return outputs != NULL;
}

static GVariant *
run_set(PosternRun *run, GVariant *params, gpointer self, GError **error)
{
    g_autoptr(WsMan) ws = amt_open(self, run, params, error);
    gint64 theirs, before, after, was;
    PosternResult result;

    if (ws == NULL || !read_clocks(ws, &theirs, &before, &after, error) ||
        !set_clock(ws, theirs, before, after, error))
        return NULL;
    was = theirs - (before + after) / 2;
    if (!read_clocks(ws, &theirs, &before, &after, error))
        return NULL;
    result_begin(&result);
    add_clocks(&result, theirs, (before + after) / 2);
    result_value(&result, "previous-ahead-seconds", g_variant_new_int64(was));
    return result_end(&result);
}

/* clang-format off */
#define CLOCK_OUTPUTS                                                                                                \
    POSTERN_FIELD_ITEM(.name = "device-time", .type = "s", .format = "datetime", .flags = POSTERN_FIELD_REQUIRED,   \
                       .summary = "the firmware's clock, in UTC"),                                                    \
    POSTERN_FIELD_ITEM(.name = "host-time", .type = "s", .format = "datetime", .flags = POSTERN_FIELD_REQUIRED,     \
                       .summary = "ours at that moment"),                                                             \
    POSTERN_FIELD_ITEM(.name = "ahead-seconds", .type = "x", .flags = POSTERN_FIELD_REQUIRED,                        \
                       .summary = "by how much the device's is ahead; negative: behind")

static const PosternField *const params[] = {AMT_COMMON_PARAMS, NULL};
static const PosternField *const get_outputs[] = {CLOCK_OUTPUTS, NULL};
static const PosternField *const set_outputs[] = {
    CLOCK_OUTPUTS,
    POSTERN_FIELD_ITEM(.name = "previous-ahead-seconds", .type = "x", .flags = POSTERN_FIELD_REQUIRED,
                       .summary = "by how much it was ahead before"),
    NULL,
};

const PosternTask amt_time_get_task = {
    .size = sizeof(PosternTask),
    .flags = POSTERN_TASK_READ_ONLY | POSTERN_TASK_IDEMPOTENT,
    .version = 1,
    .id = "amt.time.get",
    .summary = "read the firmware's clock, and how far it is from ours",
    .details = "Certificates, Kerberos, alarms and the times of logs depend on it. Least realm: Network Time or General Info.",
    .params = params,
    .outputs = get_outputs,
    .credentials = amt_credentials,
    .run = run_get,
};

const PosternTask amt_time_set_task = {
    .size = sizeof(PosternTask),
    .flags = POSTERN_TASK_IDEMPOTENT,
    .version = 1,
    .id = "amt.time.set",
    .summary = "set the firmware's clock to ours, and read it back",
    .details = "The method takes half of the round trip into account, to a second. Least realm: Network Time.",
    .params = params,
    .outputs = set_outputs,
    .credentials = amt_credentials,
    .run = run_set,
};
/* clang-format on */
