/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Reading the audit log so that nothing is passed over. Records are numbered from the oldest one, so their numbers change
 * when the log overwrites or is cleared, also while it is being read: each page is therefore asked for from the last record
 * that is had already, which must be the one that is remembered. Where it is not, it is looked for; and where it is gone,
 * that is said.
 */
#include "amt-audit.h"

#include <string.h>

/* A device that goes on for ever is not believed. */
enum { CALLS_MOST = 20000, SEARCHES_MOST = 16 };
enum {
    OVERWRITES = 2,
    OVERWRITES_OLD = 32768,
    NO_ROLL_OVER = 0,
    WARN_PERCENT = 25,
    ALMOST_PERCENT = 15
};
enum { LOCK = 0, UNLOCK = 2 };

static const char class_name[] = "AMT_AuditLog";
static const guint32 cleared = 20u << 16;

/* ---- what the log says of itself ---- */

gboolean
amt_audit_status(WsMan *ws, AmtAuditStatus *status, GError **error)
{
    g_autoptr(GError) why = NULL;
    g_autoptr(GVariant) log = amt_read_single(ws, class_name, &why);

    if (why != NULL) {
        g_propagate_error(error, g_steal_pointer(&why));
        return FALSE;
    }
    if (log == NULL)
        return postern_fail(error,
                            POSTERN_ERROR_NOT_SUPPORTED,
                            "this firmware has no audit log (%s): it came with AMT 4",
                            class_name);
    status->count = params_uint(log, "CurrentNumberOfRecords", 0);
    status->free_percent = params_uint(log, "PercentageFree", G_MAXUINT32);
    status->has_free = status->free_percent <= 100;
    status->state = params_uint(log, "AuditState", 0);
    status->overwrite = params_uint(log, "OverwritePolicy", 0);
    status->storage = params_uint(log, "StoragePolicy", G_MAXUINT32);
    status->has_storage = status->storage != G_MAXUINT32;
    status->enabled = params_uint(log, "EnabledState", 0) == 2;
    return TRUE;
}

gboolean
amt_audit_overwrites(const AmtAuditStatus *status)
{
    return status->has_storage
               ? status->storage != NO_ROLL_OVER
               : status->overwrite == OVERWRITES || status->overwrite == OVERWRITES_OLD;
}

static const char *
overwrite_word(const AmtAuditStatus *status)
{
    if (!amt_audit_overwrites(status))
        return "never";
    return status->storage == 2 || status->overwrite == OVERWRITES_OLD ? "old-only" : "oldest";
}

char *
amt_audit_warning(const AmtAuditStatus *status)
{
    gboolean restricted = g_str_equal(overwrite_word(status), "old-only");

    if ((status->state & AMT_AUDIT_FULL) != 0)
        return g_strdup("the audit log is full: nothing is recorded, and actions that are critical "
                        "are refused; collect it and "
                        "clear it (amt.auditlog.export, amt.auditlog.clear)");
    if (!status->has_free || status->free_percent > WARN_PERCENT ||
        (amt_audit_overwrites(status) && !restricted))
        return NULL;
    return g_strdup_printf(
        "the audit log has %u %% left and %s: %s; collect it and clear it (amt.auditlog.export, "
        "amt.auditlog.clear)",
        status->free_percent,
        restricted ? "overwrites old records only" : "does not overwrite",
        status->free_percent <= ALMOST_PERCENT && !restricted
            ? "only critical events are recorded now, and these are refused when it is full"
            : "critical actions are refused when it is full");
}

void
amt_audit_describe(PosternResult *result, const AmtAuditStatus *status)
{
    static const AmtWord states[] = {{AMT_AUDIT_DISABLED, "disabled"},
                                     {AMT_AUDIT_LOCKED, "locked"},
                                     {AMT_AUDIT_ALMOST_FULL, "almost-full"},
                                     {AMT_AUDIT_FULL, "full"},
                                     {AMT_AUDIT_NO_KEY, "no-signing-key"},
                                     {0, NULL}};
    g_autofree char *warning = amt_audit_warning(status);
    GVariantBuilder words;

    g_variant_builder_init(&words, G_VARIANT_TYPE_STRING_ARRAY);
    for (guint i = 0; states[i].word != NULL; i++)
        if ((status->state & states[i].code) != 0)
            g_variant_builder_add(&words, "s", states[i].word);
    result_uint(result, "total", status->count);
    if (status->has_free)
        result_uint(result, "percent-free", status->free_percent);
    result_string(result, "overwrite", overwrite_word(status));
    result_bool(result, "enabled", status->enabled);
    result_value(result, "state", g_variant_builder_end(&words));
    result_string(result, "warning", warning);
}

/* ---- positions ---- */

void
amt_audit_position(AmtAuditPosition *position, guint32 index, const guint8 *record, gsize length)
{
    g_autofree char *hash = g_compute_checksum_for_data(G_CHECKSUM_SHA256, record, length);

    position->index = index;
    g_strlcpy(position->hash, hash, sizeof position->hash);
}

char *
amt_audit_position_text(const AmtAuditPosition *position)
{
    return g_strdup_printf("%u:%s", position->index, position->index != 0 ? position->hash : "-");
}

gboolean
amt_audit_position_parse(const char *text, AmtAuditPosition *position, GError **error)
{
    g_auto(GStrv) parts = g_strsplit(text, ":", 2);
    guint64 index = 0;
    gboolean good = g_strv_length(parts) == 2 &&
                    g_ascii_string_to_unsigned(parts[0], 10, 0, G_MAXUINT32 - 1, &index, NULL);

    memset(position, 0, sizeof *position);
    if (good && index == 0)
        good = g_str_equal(parts[1], "-");
    else if (good)
        good = strlen(parts[1]) == sizeof position->hash - 1 &&
               strspn(parts[1], "0123456789abcdef") == sizeof position->hash - 1;
    if (!good)
        return postern_fail(error,
                            POSTERN_ERROR_BAD_PARAM,
                            "\"%s\" is no position in an audit log: expected one that "
                            "amt.auditlog.get returned as \"next\"",
                            text);
    position->index = (guint32)index;
    if (index != 0)
        g_strlcpy(position->hash, parts[1], sizeof position->hash);
    return TRUE;
}

static gboolean
same_record(const AmtAuditPosition *position, const guint8 *record, gsize length)
{
    AmtAuditPosition found;

    amt_audit_position(&found, position->index, record, length);
    return strcmp(found.hash, position->hash) == 0;
}

/* ---- pages ---- */

GVariant *
amt_audit_call(WsMan *ws, const char *method, GVariant *args, GError **error)
{
    return wsman_call(ws, class_name, NULL, method, args, error);
}

/* Records from `start` on, aay; empty when there are none. */
static GVariant *
read_page(AmtAuditReading *reading, guint32 start, GError **error)
{
    g_autoptr(GVariant) outputs = NULL;
    GVariant *records;
    PosternResult args;

    result_begin(&args);
    result_uint(&args, "StartIndex", start);
    outputs = amt_audit_call(reading->ws, "ReadRecords", result_end(&args), error);
    if (outputs == NULL)
        return NULL;
    reading->total = params_uint(outputs, "TotalRecordCount", 0);
    records = params_value(outputs, "EventRecords", "aay");
    if (records == NULL)
        records = g_variant_ref_sink(g_variant_new_array(G_VARIANT_TYPE_BYTESTRING, NULL, 0));
    return records;
}

static const guint8 *
record_at(GVariant *page, gsize place, gsize *length, GVariant **owner)
{
    *owner = g_variant_get_child_value(page, place);
    return g_variant_get_fixed_array(*owner, length, 1);
}

/* The log is not what it was. Where in it is the record that we have? The first that looks like it: to tell a record twice
 * is better than to pass one over. */
static gboolean
search(AmtAuditReading *reading, GError **error)
{
    guint32 place = 1, first_event = cleared;

    while (place <= reading->total) {
        g_autoptr(GVariant) page = read_page(reading, place, error);
        gsize count = page != NULL ? g_variant_n_children(page) : 0;

        if (page == NULL)
            return FALSE;
        for (gsize i = 0; i < count; i++) {
            g_autoptr(GVariant) owner = NULL;
            gsize length;
            const guint8 *record = record_at(page, i, &length, &owner);

            if (place == 1 && i == 0 && length >= 4)
                first_event = (guint32)record[0] << 24 | (guint32)record[1] << 16 |
                              (guint32)record[2] << 8 | record[3];
            if (same_record(&reading->at, record, length)) {
                reading->at.index = place + (guint32)i;
                return TRUE;
            }
        }
        if (count == 0)
            break;
        place += (guint32)count;
    }
    reading->gap = first_event == cleared ? "cleared" : "overwritten";
    reading->at.index = 0;
    return TRUE;
}

/* What of a page is new. */
static gboolean
take_page(AmtAuditReading *reading, GVariant *page, gsize from, GError **error)
{
    for (gsize i = from; i < g_variant_n_children(page); i++) {
        g_autoptr(GVariant) owner = NULL;
        gsize length;
        const guint8 *record = record_at(page, i, &length, &owner);
        guint32 index = reading->at.index + 1;

        if (!reading->take(index, record, length, reading->data, error))
            return FALSE;
        amt_audit_position(&reading->at, index, record, length);
        reading->records++;
    }
    return TRUE;
}

/* TRUE: the page begins with the record that we have, or we have none. */
static gboolean
follows(const AmtAuditReading *reading, GVariant *page)
{
    g_autoptr(GVariant) owner = NULL;
    gsize length;
    const guint8 *record;

    if (reading->at.index == 0)
        return TRUE;
    if (g_variant_n_children(page) == 0)
        return FALSE;
    record = record_at(page, 0, &length, &owner);
    return same_record(&reading->at, record, length);
}

/* One page further; a device that gives single records gives one that we have, and is asked for the next one. */
static gboolean
advance(AmtAuditReading *reading, GVariant *page, GError **error)
{
    g_autoptr(GVariant) next = NULL;
    gsize from = reading->at.index > 0 ? 1 : 0;

    if (g_variant_n_children(page) > from)
        return take_page(reading, page, from, error);
    next = read_page(reading, reading->at.index + 1, error);
    if (next == NULL)
        return FALSE;
    if (g_variant_n_children(next) == 0)
        return postern_fail(
            error,
            POSTERN_ERROR_PROTOCOL,
            "the audit log says that it has %u records, and gives none from record %u on",
            reading->total,
            reading->at.index + 1);
    return take_page(reading, next, 0, error);
}

gboolean
amt_audit_read(AmtAuditReading *reading, GError **error)
{
    guint searches = 0;
    /* a full log that overwrites has as many records as before, and others */
    gboolean checked = reading->at.index == 0;

    /* an index beyond the end is an error to firmware */
    if (reading->at.index > reading->total && !search(reading, error))
        return FALSE;
    for (guint calls = 0; calls < CALLS_MOST && (reading->at.index < reading->total ||
                                                 (!checked && reading->at.index > 0));
         calls++) {
        g_autoptr(GVariant) page = read_page(reading, MAX(reading->at.index, 1), error);

        if (page == NULL)
            return FALSE;
        checked = TRUE;
        if (!follows(reading, page)) {
            if (searches++ == SEARCHES_MOST)
                return postern_fail(
                    error,
                    POSTERN_ERROR_BUSY,
                    "the audit log changes faster than it can be read; read on from "
                    "the last position later");
            if (!search(reading, error))
                return FALSE;
        } else if (reading->at.index < reading->total && !advance(reading, page, error)) {
            return FALSE;
        }
    }
    return reading->at.index >= reading->total ||
           postern_fail(error,
                        POSTERN_ERROR_PROTOCOL,
                        "the audit log has no end: %u records were read in %d requests, and it "
                        "says that it has %u",
                        reading->at.index,
                        CALLS_MOST,
                        reading->total);
}

/* ---- the lock ---- */

gboolean
amt_audit_lock(WsMan *ws, guint32 seconds, guint32 *handle, GError **error)
{
    g_autoptr(GVariant) outputs = NULL;
    PosternResult args;

    result_begin(&args);
    result_uint(&args, "LockTimeoutInSeconds", seconds);
    result_uint(&args, "Flag", LOCK);
    outputs = amt_audit_call(ws, "SetAuditLock", result_end(&args), error);
    if (outputs == NULL) {
        g_prefix_error(error,
                       "cannot lock the audit log (only its auditor may, and one at a time): ");
        return FALSE;
    }
    *handle = params_uint(outputs, "Handle", 0);
    return TRUE;
}

void
amt_audit_unlock(const Amt *amt, PosternRun *run, WsMan *ws, guint32 seconds, guint32 handle)
{
    g_autoptr(GVariant) outputs = NULL;
    g_autoptr(GError) error = NULL;
    PosternResult args;

    result_begin(&args);
    result_uint(&args, "Flag", UNLOCK);
    result_uint(&args, "Handle", handle);
    outputs = amt_audit_call(ws, "SetAuditLock", result_end(&args), &error);
    if (outputs == NULL)
        postern_log(&amt->svc,
                    run,
                    G_LOG_LEVEL_WARNING,
                    "the audit log may stay locked for up to %u s: %s",
                    seconds,
                    error->message);
}
