/* SPDX-License-Identifier: Apache-2.0 */
/* amt.auditlog.get, amt.auditlog.clear and amt.auditlog.enable. */
#include "amt-audit.h"

#include <string.h>

/* Long enough to clear it, and short where a client dies with the lock in its hand. */
enum { LOCK_SECONDS = 60, ENABLED = 2, DISABLED = 3 };

static const char class_name[] = "AMT_AuditLog";

typedef struct {
    const Amt *amt;
    PosternRun *run;
} Reader;

/* ---- reading ---- */

static gboolean
hand_out(guint32 index, const guint8 *record, gsize length, gpointer data, GError **error)
{
    Reader *reader = data;
    g_autoptr(GVariant) decoded = g_variant_ref_sink(amt_audit_decode(record, length));
    g_autofree char *raw = g_base64_encode(record, length);
    PosternResult row;
    GVariantIter iter;
    const char *name;
    GVariant *value;

    result_begin(&row);
    result_uint(&row, "index", index);
    g_variant_iter_init(&iter, decoded);
    while (g_variant_iter_loop(&iter, "{&sv}", &name, &value))
        result_value(&row, name, value);
    result_string(&row, "raw", raw);
    return reader->amt->svc.run->row(reader->run, result_end(&row), error);
}

static GVariant *
describe(const Reader *reader, const AmtAuditStatus *status, const AmtAuditReading *reading)
{
    g_autofree char *warning = amt_audit_warning(status);
    g_autofree char *next = amt_audit_position_text(&reading->at);
    PosternResult result;

    if (warning != NULL)
        postern_log(&reader->amt->svc, reader->run, G_LOG_LEVEL_WARNING, "%s", warning);
    if (reading->gap != NULL)
        postern_log(&reader->amt->svc,
                    reader->run,
                    G_LOG_LEVEL_WARNING,
                    "records of the audit log are missing: it was %s behind the last position that "
                    "was read",
                    reading->gap);
    result_begin(&result);
    result_uint(&result, "records", reading->records);
    amt_audit_describe(&result, status);
    result_string(&result, "next", next);
    result_bool(&result, "gap", reading->gap != NULL);
    result_string(&result, "gap-reason", reading->gap);
    return result_end(&result);
}

static GVariant *
run_get(PosternRun *run, GVariant *params, gpointer self, GError **error)
{
    Reader reader = {self, run};
    const char *after = params_string(params, "after");
    AmtAuditReading reading = {.take = hand_out, .data = &reader};
    AmtAuditStatus status;
    g_autoptr(WsMan) ws = NULL;

    if (after != NULL && !amt_audit_position_parse(after, &reading.at, error))
        return NULL;
    reading.ws = ws = amt_open(self, run, params, error);
    if (ws == NULL || !amt_audit_status(ws, &status, error))
        return NULL;
    reading.total = status.count;
    if (!amt_audit_read(&reading, error))
        return NULL;
    status.count = reading.total;
    return describe(&reader, &status, &reading);
}

/* ---- clearing ---- */

static gboolean
skip(guint32 index, const guint8 *record, gsize length, gpointer data, GError **error)
{
    return TRUE;
}

/* FALSE with CONFLICT when the log holds anything behind, or other than, what was collected. */
static gboolean
check_collected(WsMan *ws, const AmtAuditPosition *collected, guint32 *count, GError **error)
{
    AmtAuditReading reading = {.ws = ws, .at = *collected, .take = skip};
    AmtAuditStatus status;

    if (!amt_audit_status(ws, &status, error))
        return FALSE;
    reading.total = status.count;
    if (!amt_audit_read(&reading, error))
        return FALSE;
    *count = reading.total;
    if (reading.gap == NULL && reading.records == 0)
        return TRUE;
    return postern_fail(
        error,
        POSTERN_ERROR_CONFLICT,
        "nothing was cleared: the audit log has %u records that are not collected%s; read on from "
        "that position with amt.auditlog.get, or export it, and clear with the position that comes "
        "back",
        reading.records,
        reading.gap != NULL ? ", and the one that was collected last is not in it" : "");
}

/* With the lock in hand. */
static gboolean
clear_locked(WsMan *ws, const AmtAuditPosition *collected, guint32 *count, GError **error)
{
    g_autoptr(GVariant) outputs = NULL;

    if (!check_collected(ws, collected, count, error))
        return FALSE;
    outputs = amt_audit_call(ws, "ClearLog", NULL, error);
    return outputs != NULL;
}

/* The lock goes in any case. */
static gboolean
lock_and_clear(const Reader *reader,
               WsMan *ws,
               const AmtAuditPosition *collected,
               guint32 *count,
               GError **error)
{
    guint32 handle;
    gboolean good;

    if (!amt_audit_lock(ws, LOCK_SECONDS, &handle, error))
        return FALSE;
    good = clear_locked(ws, collected, count, error);
    amt_audit_unlock(reader->amt, reader->run, ws, LOCK_SECONDS, handle);
    return good;
}

static GVariant *
run_clear(PosternRun *run, GVariant *params, gpointer self, GError **error)
{
    Reader reader = {self, run};
    AmtAuditPosition collected;
    AmtAuditStatus status;
    g_autoptr(WsMan) ws = NULL;
    guint32 count = 0;
    PosternResult result;

    if (!amt_audit_position_parse(params_string(params, "collected"), &collected, error))
        return NULL;
    ws = amt_open(self, run, params, error);
    if (ws == NULL || !lock_and_clear(&reader, ws, &collected, &count, error) ||
        !amt_audit_status(ws, &status, error))
        return NULL;
    if (count > 1 && status.count >= count) {
        postern_fail(error,
                     POSTERN_ERROR_CONFLICT,
                     "the device said that it cleared its audit log, and there are %u records in "
                     "it as before (%u)",
                     status.count,
                     count);
        return NULL;
    }
    result_begin(&result);
    result_uint(&result, "cleared", count);
    result_uint(&result, "remaining", status.count);
    return result_end(&result);
}

/* ---- switching ---- */

static GVariant *
run_enable(PosternRun *run, GVariant *params, gpointer self, GError **error)
{
    gboolean wanted = params_bool(params, "enabled", TRUE);
    g_autoptr(WsMan) ws = amt_open(self, run, params, error);
    AmtAuditStatus status;
    gboolean changed;
    PosternResult result;

    if (ws == NULL || !amt_audit_status(ws, &status, error))
        return NULL;
    changed = status.enabled != wanted;
    if (changed && (!amt_request_state(ws, class_name, wanted ? ENABLED : DISABLED, error) ||
                    !amt_audit_status(ws, &status, error)))
        return NULL;
    if (status.enabled != wanted) {
        postern_fail(error,
                     POSTERN_ERROR_CONFLICT,
                     "the device said yes, and its audit log is still %s%s",
                     status.enabled ? "on" : "off",
                     (status.state & AMT_AUDIT_NO_KEY) != 0
                         ? ": before AMT 8 it needs a signing key first (amt.auditlog.sign.set)"
                         : "; read it with amt.auditlog.get");
        return NULL;
    }
    result_begin(&result);
    result_bool(&result, "changed", changed);
    result_bool(&result, "enabled", status.enabled);
    return result_end(&result);
}

/* clang-format off */
#define FIELD_ROW(name_, type_, summary_) POSTERN_FIELD_ITEM(.name = name_, .type = type_, .summary = summary_)
#define NEEDED_ROW(name_, type_, summary_) \
    POSTERN_FIELD_ITEM(.name = name_, .type = type_, .flags = POSTERN_FIELD_REQUIRED, .summary = summary_)

static const PosternField *const get_params[] = {
    FIELD_ROW("after", "s", "read on from here: \"next\" of an earlier run"),
    AMT_COMMON_PARAMS,
    NULL,
};

static const PosternField *const get_outputs[] = {
    NEEDED_ROW("records", "u", "how many were read now"),
    NEEDED_ROW("total", "u", "how many are in the log"),
    FIELD_ROW("percent-free", "u", "how much of its room is left"),
    NEEDED_ROW("overwrite", "s", "what makes room when it is full: oldest (the oldest records), old-only (those of a certain age), never"),
    NEEDED_ROW("enabled", "b", "the log is on"),
    NEEDED_ROW("state", "as", "what else the log says of itself: disabled, locked, almost-full, full, no-signing-key"),
    FIELD_ROW("warning", "s", "what is about to be lost or refused, in words; absent: nothing"),
    NEEDED_ROW("next", "s", "read on from here with \"after\" next time; it does not mean anything to anybody else"),
    NEEDED_ROW("gap", "b", "records behind \"after\" are missing; how many, the log cannot tell"),
    FIELD_ROW("gap-reason", "s", "why: cleared, or overwritten"),
    NULL,
};

static const PosternField *const get_rows[] = {
    NEEDED_ROW("index", "u", "its number in the log now, from 1, the oldest"),
    POSTERN_FIELD_ITEM(.name = "time", .type = "s", .format = "datetime", .summary = "when, by the device's clock, in UTC"),
    FIELD_ROW("application", "s", "what part of the firmware, as a word"),
    FIELD_ROW("event", "s", "what happened, as a word"),
    FIELD_ROW("initiator", "s", "who did it: digest or kerberos (a login), local, kvm"),
    FIELD_ROW("user", "s", "name of the account, or its SID"),
    FIELD_ROW("location", "s", "where from: ipv4, ipv6, none"),
    FIELD_ROW("address", "s", "its address, as the device has it"),
    FIELD_ROW("details", "s", "what exactly, where that is known"),
    FIELD_ROW("application-id", "u", "number of the application"),
    FIELD_ROW("event-id", "u", "number of the event"),
    FIELD_ROW("extended", "s", "the bytes that details are made of, in hex"),
    FIELD_ROW("problem", "s", "what is wrong with the record; absent: nothing"),
    NEEDED_ROW("raw", "s", "the record as it is, in base64"),
    NULL,
};

const PosternTask amt_auditlog_get_task = {
    .size = sizeof(PosternTask),
    .flags = POSTERN_TASK_READ_ONLY | POSTERN_TASK_IDEMPOTENT,
    .version = 1,
    .timeout_ms = 300000,
    .id = "amt.auditlog.get",
    .summary = "read the audit log, oldest record first, from where an earlier run stopped",
    .details = "One row for each record of AMT_AuditLog, decoded to words, with its bytes as they are. Give \"next\" of one run as "
               "\"after\" of the next one, and only what is new is read; that the last record is still there is checked, and when "
               "records in between are gone (\"gap\"), because the log was cleared or overwritten, that is said. Least realm: Audit Log.",
    .params = get_params,
    .outputs = get_outputs,
    .rows = get_rows,
    .credentials = amt_credentials,
    .run = run_get,
};

static const char *const confirm_choices[] = {"clear", NULL};
static const PosternField *const clear_params[] = {
    NEEDED_ROW("collected", "s", "\"next\" of amt.auditlog.get or amt.auditlog.export, which must be the end of the log"),
    POSTERN_FIELD_ITEM(.name = "confirm", .type = "s", .flags = POSTERN_FIELD_REQUIRED, .choices = confirm_choices,
                       .summary = "that you mean it: clear"),
    AMT_COMMON_PARAMS,
    NULL,
};
static const PosternField *const clear_outputs[] = {
    NEEDED_ROW("cleared", "u", "how many records were in it"),
    NEEDED_ROW("remaining", "u", "how many are in it now: that it was cleared is one of them"),
    NULL,
};

const PosternTask amt_auditlog_clear_task = {
    .size = sizeof(PosternTask),
    .flags = POSTERN_TASK_DISRUPTIVE,
    .version = 1,
    .id = "amt.auditlog.clear",
    .summary = "empty the audit log, if all that is in it was collected",
    .details = "Locks the log, compares its end with what was collected, clears it, unlocks it in any case. A record that nobody has "
               "collected, or one that was collected and is not there, and nothing is cleared. Only the auditor may. Least realm: Audit Log.",
    .params = clear_params,
    .outputs = clear_outputs,
    .credentials = amt_credentials,
    .run = run_clear,
};

static const PosternField *const enable_params[] = {
    NEEDED_ROW("enabled", "b", "on, or off"),
    AMT_COMMON_PARAMS,
    NULL,
};
static const PosternField *const enable_outputs[] = {
    NEEDED_ROW("changed", "b", "it was not so before"),
    NEEDED_ROW("enabled", "b", "as read back"),
    NULL,
};

const PosternTask amt_auditlog_enable_task = {
    .size = sizeof(PosternTask),
    .flags = POSTERN_TASK_IDEMPOTENT,
    .version = 1,
    .id = "amt.auditlog.enable",
    .summary = "switch the audit log on or off, and read back what the device took",
    .details = "AMT_AuditLog.RequestStateChange. From AMT 8 on it is on from the beginning; before that it needs a signing key first "
               "(amt.auditlog.sign.set). What is so already is not asked for again. Least realm: Audit Log.",
    .params = enable_params,
    .outputs = enable_outputs,
    .credentials = amt_credentials,
    .run = run_enable,
};
/* clang-format on */
