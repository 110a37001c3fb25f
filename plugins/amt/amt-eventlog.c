/* SPDX-License-Identifier: Apache-2.0 */
/* amt.eventlog.get and amt.eventlog.clear. */
#include "amt-event.h"

#include <string.h>

/* The log holds 390 records; a device that goes on for ever is not believed. */
enum { RECORDS_AT_ONCE = 390, RECORDS_MOST = 4 * RECORDS_AT_ONCE, CALLS_MOST = 200 };

static const char class_name[] = "AMT_MessageLog";

typedef struct {
    const Amt *amt;
    PosternRun *run;
    WsMan *ws;
    GHashTable *seen; /* raw records: what arrives while we read moves the others along */
    guint32 most;     /* how many to hand out; 0: all */
    guint32 count;
} Reading;

/* What this class answers when there is nothing (left) to read. */
enum { NO_RECORD = 2, NONE_LEFT = 3, FROZEN = 2 };

/* The outputs; NULL without `error` when the ReturnValue is `nothing`. */
static GVariant *
call(WsMan *ws, const char *method, GVariant *args, guint32 nothing, GError **error)
{
    g_autoptr(GVariant) outputs = wsman_invoke(ws, class_name, NULL, method, args, error);
    guint32 value = 0;

    if (outputs == NULL ||
        (nothing != 0 && wsman_return_value(outputs, &value) && value == nothing) ||
        !wsman_check_return(ws, outputs, class_name, method, error))
        return NULL;
    return g_steal_pointer(&outputs);
}

/* FALSE also when enough were handed out, then without `error`. */
static gboolean
take_record(Reading *reading, GVariant *bytes, GError **error)
{
    gsize length = 0;
    const guint8 *record = g_variant_get_fixed_array(bytes, &length, 1);
    g_autofree char *key = NULL;

    if (length != AMT_EVENT_BYTES)
        return postern_fail(error,
                            POSTERN_ERROR_PROTOCOL,
                            "record %u of the event log has %" G_GSIZE_FORMAT " bytes, expected %d",
                            reading->count + 1,
                            length,
                            AMT_EVENT_BYTES);
    key = g_base64_encode(record, length);
    if (!g_hash_table_add(reading->seen, g_steal_pointer(&key)))
        return TRUE;
    reading->count++;
    if (!reading->amt->svc.run->row(reading->run, amt_event_decode(record), error))
        return FALSE;
    return reading->most == 0 || reading->count < reading->most;
}

static gboolean
take_records(Reading *reading, GVariant *outputs, GError **error)
{
    g_autoptr(GVariant) records = params_value(outputs, "RecordArray", "aay");

    for (gsize i = 0; records != NULL && i < g_variant_n_children(records); i++) {
        g_autoptr(GVariant) one = g_variant_get_child_value(records, i);

        if (!take_record(reading, one, error))
            return FALSE;
    }
    return TRUE;
}

static gboolean
read_log(Reading *reading, GError **error)
{
    g_autoptr(GError) problem = NULL;
    g_autoptr(GVariant) first =
        call(reading->ws, "PositionToFirstRecord", NULL, NO_RECORD, &problem);
    guint32 place = first != NULL ? params_uint(first, "IterationIdentifier", 0) : 0;

    for (guint calls = 0; place != 0 && problem == NULL && calls < CALLS_MOST; calls++) {
        g_autoptr(GVariant) outputs = NULL;
        PosternResult args;

        result_begin(&args);
        result_uint(&args, "IterationIdentifier", place);
        result_uint(&args, "MaxReadRecords", RECORDS_AT_ONCE);
        outputs = call(reading->ws, "GetRecords", result_end(&args), NONE_LEFT, &problem);
        if (outputs == NULL || !take_records(reading, outputs, &problem) ||
            params_bool(outputs, "NoMoreRecords", TRUE) || reading->count >= RECORDS_MOST)
            break;
        place = params_uint(outputs, "IterationIdentifier", 0);
    }
    if (problem == NULL)
        return TRUE;
    g_propagate_error(error, g_steal_pointer(&problem));
    return FALSE;
}

static GVariant *
run_get(PosternRun *run, GVariant *params, gpointer self, GError **error)
{
    g_autoptr(WsMan) ws = amt_open(self, run, params, error);
    g_autoptr(GHashTable) seen = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, NULL);
    Reading reading = {
        .amt = self, .run = run, .ws = ws, .seen = seen, .most = params_uint(params, "last", 0)};
    PosternResult result;

    if (ws == NULL || !read_log(&reading, error))
        return NULL;
    result_begin(&result);
    result_uint(&result, "records", reading.count);
    return result_end(&result);
}

static gboolean
count_records(WsMan *ws, guint32 *count, GError **error)
{
    g_autoptr(GVariant) log = wsman_get(ws, class_name, NULL, error);

    *count = log != NULL ? params_uint(log, "CurrentNumberOfRecords", 0) : 0;
    return log != NULL;
}

/* A log that is frozen says so with a number of its own. */
static gboolean
clear(WsMan *ws, GError **error)
{
    g_autoptr(GVariant) outputs = wsman_invoke(ws, class_name, NULL, "ClearLog", NULL, error);
    guint32 value = 0;

    if (outputs == NULL)
        return FALSE;
    if (wsman_return_value(outputs, &value) && value == FROZEN)
        return postern_fail(error,
                            POSTERN_ERROR_CONFLICT,
                            "the event log is frozen, so nothing was cleared; somebody froze it "
                            "(AMT_MessageLog.FreezeLog) and must let it go first");
    return wsman_check_return(ws, outputs, class_name, "ClearLog", error);
}

static GVariant *
run_clear(PosternRun *run, GVariant *params, gpointer self, GError **error)
{
    g_autoptr(WsMan) ws = amt_open(self, run, params, error);
    guint32 before, after;
    PosternResult result;

    if (ws == NULL || !count_records(ws, &before, error) || !clear(ws, error) ||
        !count_records(ws, &after, error))
        return NULL;
    if (after > 0 && after >= before) {
        postern_fail(
            error,
            POSTERN_ERROR_CONFLICT,
            "the device said that it cleared its event log, and there are %u records in it, "
            "%u before; read it with amt.eventlog.get",
            after,
            before);
        return NULL;
    }
    result_begin(&result);
    result_bool(&result, "cleared", TRUE);
    result_uint(&result, "records", before);
    return result_end(&result);
}

/* clang-format off */
static const PosternField *const get_params[] = {
    POSTERN_FIELD_ITEM(.name = "last", .type = "u", .fallback = "0", .summary = "only so many of the latest records; 0: all"),
    AMT_COMMON_PARAMS,
    NULL,
};

static const PosternField *const get_outputs[] = {
    POSTERN_FIELD_ITEM(.name = "records", .type = "u", .flags = POSTERN_FIELD_REQUIRED, .summary = "how many were read"),
    NULL,
};

static const PosternField *const rows[] = {
    POSTERN_FIELD_ITEM(.name = "time", .type = "s", .format = "datetime", .summary = "when, by the device's clock, in UTC"),
    POSTERN_FIELD_ITEM(.name = "severity", .type = "s", .flags = POSTERN_FIELD_REQUIRED,
                       .summary = "unspecified, monitor, information, ok, non-critical, critical or non-recoverable"),
    POSTERN_FIELD_ITEM(.name = "entity", .type = "s", .flags = POSTERN_FIELD_REQUIRED, .summary = "part of the machine it is about"),
    POSTERN_FIELD_ITEM(.name = "text", .type = "s", .flags = POSTERN_FIELD_REQUIRED, .summary = "what happened"),
    POSTERN_FIELD_ITEM(.name = "source", .type = "s", .flags = POSTERN_FIELD_REQUIRED, .summary = "who says so"),
    POSTERN_FIELD_ITEM(.name = "entity-instance", .type = "u", .flags = POSTERN_FIELD_REQUIRED, .summary = "which one of several"),
    POSTERN_FIELD_ITEM(.name = "sensor", .type = "u", .flags = POSTERN_FIELD_REQUIRED, .summary = "number of the sensor type"),
    POSTERN_FIELD_ITEM(.name = "event-type", .type = "u", .flags = POSTERN_FIELD_REQUIRED, .summary = "number of the event type"),
    POSTERN_FIELD_ITEM(.name = "offset", .type = "u", .flags = POSTERN_FIELD_REQUIRED, .summary = "number of the event in its type"),
    POSTERN_FIELD_ITEM(.name = "data", .type = "s", .flags = POSTERN_FIELD_REQUIRED, .summary = "eight bytes more, in hex"),
    POSTERN_FIELD_ITEM(.name = "raw", .type = "s", .flags = POSTERN_FIELD_REQUIRED, .summary = "the whole record, in hex"),
    NULL,
};

const PosternTask amt_eventlog_get_task = {
    .size = sizeof(PosternTask),
    .flags = POSTERN_TASK_READ_ONLY | POSTERN_TASK_IDEMPOTENT,
    .version = 1,
    .timeout_ms = 120000,
    .id = "amt.eventlog.get",
    .summary = "read the event log, latest record first",
    .details = "One row for each record of AMT_MessageLog, decoded to words, with its bytes as they are. Records that arrive while "
               "it is read are not told twice. Least realm: Event Log Reader.",
    .params = get_params,
    .outputs = get_outputs,
    .rows = rows,
    .credentials = amt_credentials,
    .run = run_get,
};

static const PosternField *const clear_params[] = {AMT_COMMON_PARAMS, NULL};
static const PosternField *const clear_outputs[] = {
    POSTERN_FIELD_ITEM(.name = "cleared", .type = "b", .flags = POSTERN_FIELD_REQUIRED, .summary = "always true: else it is an error"),
    POSTERN_FIELD_ITEM(.name = "records", .type = "u", .flags = POSTERN_FIELD_REQUIRED, .summary = "how many were in it"),
    NULL,
};

const PosternTask amt_eventlog_clear_task = {
    .size = sizeof(PosternTask),
    .flags = POSTERN_TASK_DISRUPTIVE,
    .version = 1,
    .id = "amt.eventlog.clear",
    .summary = "empty the event log; what was in it is lost",
    .details = "AMT_MessageLog.ClearLog, sent once, and the number of records read back. Read the log first: postern run "
               "amt.eventlog.get. Least realm: Event Manager.",
    .params = clear_params,
    .outputs = clear_outputs,
    .credentials = amt_credentials,
    .run = run_clear,
};
/* clang-format on */
