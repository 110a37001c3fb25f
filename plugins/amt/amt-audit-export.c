/* SPDX-License-Identifier: Apache-2.0 */
/* amt.auditlog.export: the audit log as evidence, in a file of its own. */
#include "amt-audit.h"
#include "amt-facts.h"

#include <errno.h>
#include <fcntl.h>
#include <glib/gstdio.h>
#include <string.h>
#include <unistd.h>

/* Records are read ten at a time: a full log takes some minutes where the network is slow. */
enum { LOCK_SECONDS = 300, MECHANISM_SHA256 = 1, MECHANISM_SHA1 = 0 };

#define SERVER "Intel(R) Active Management Technology "

/* ---- collecting ---- */

typedef struct {
    const Amt *amt;
    PosternRun *run;
    WsMan *ws;
    AmtAuditFile *file;
    AmtAuditReading reading;
    AmtAuditStatus status;
} Export;

static gboolean
collect(guint32 index, const guint8 *record, gsize length, gpointer data, GError **error)
{
    const Export *export = data;

    if (export->file->records->len >= AMT_AUDIT_RECORDS_MOST)
        return postern_fail(error,
                            POSTERN_ERROR_PROTOCOL,
                            "the audit log has more than %d records",
                            AMT_AUDIT_RECORDS_MOST);
    g_ptr_array_add(export->file->records, g_bytes_new(record, length));
    return TRUE;
}

/* What is known of the machine already, else what it says; an auditor need not have the right to ask, and may be thrown
 * out for it: so this comes last. */
static gboolean
read_identity(Export *export, GError **error)
{
    const PosternInventorySvc *inventory = export->amt->svc.inventory;
    g_autoptr(GVariant) known =
        POSTERN_CAN(inventory, known) ? inventory->known(export->run) : NULL;
    const char *uuid = known != NULL ? params_string(known, "uuid") : NULL;
    g_autoptr(GVariant) package = NULL;
    g_autoptr(GError) why = NULL;

    export->file->uuid = g_strdup(uuid);
    if (uuid != NULL)
        return TRUE;
    package = amt_read_single(export->ws, "CIM_ComputerSystemPackage", &why);
    if (why != NULL && !g_error_matches(why, POSTERN_ERROR, POSTERN_ERROR_FORBIDDEN) &&
        !g_error_matches(why, POSTERN_ERROR, POSTERN_ERROR_AUTH)) {
        g_propagate_error(error, g_steal_pointer(&why));
        return FALSE;
    }
    export->file->uuid = package != NULL ? amt_uuid(params_string(package, "PlatformGUID")) : NULL;
    return TRUE;
}

static gboolean
read_records(Export *export, GError **error)
{
    if (!amt_audit_status(export->ws, &export->status, error))
        return FALSE;
    export->reading = (AmtAuditReading){
        .ws = export->ws, .total = export->status.count, .take = collect, .data = export};
    return amt_audit_read(&export->reading, error);
}

/* Older firmware signs over SHA-1 only, and does not know other mechanisms. */
static gboolean
read_signature(Export *export, GError **error)
{
    static const guint32 mechanisms[] = {MECHANISM_SHA256, MECHANISM_SHA1};
    g_autoptr(GVariant) outputs = NULL;
    g_autoptr(GError) why = NULL;

    for (guint i = 0; outputs == NULL && i < G_N_ELEMENTS(mechanisms); i++) {
        PosternResult args;

        if (why != NULL && !g_error_matches(why, POSTERN_ERROR, POSTERN_ERROR_BAD_PARAM) &&
            !g_error_matches(why, POSTERN_ERROR, POSTERN_ERROR_DEVICE))
            break;
        g_clear_error(&why);
        result_begin(&args);
        result_uint(&args, "SigningMechanism", mechanisms[i]);
        outputs = amt_audit_call(export->ws, "ExportAuditLogSignature", result_end(&args), &why);
    }
    if (outputs == NULL) {
        g_propagate_error(error, g_steal_pointer(&why));
        return FALSE;
    }
    export->file->signature = amt_audit_signature_read(outputs, error);
    return export->file->signature != NULL;
}

/* The lock keeps new records from coming between the last record and the signature. */
static gboolean
read_signed(Export *export, GError **error)
{
    guint32 handle;
    gboolean good;

    if (!amt_audit_lock(export->ws, LOCK_SECONDS, &handle, error))
        return FALSE;
    good = read_records(export, error) && read_signature(export, error);
    amt_audit_unlock(export->amt, export->run, export->ws, LOCK_SECONDS, handle);
    return good;
}

static char *
firmware_version(WsMan *ws)
{
    const char *server = wsman_http_header(ws, "Server");

    return server != NULL && g_str_has_prefix(server, SERVER) ? g_strdup(server + strlen(SERVER))
                                                              : NULL;
}

static gboolean
read_log(Export *export, GError **error)
{
    g_autoptr(GDateTime) now = g_date_time_new_from_unix_utc(g_get_real_time() / G_USEC_PER_SEC);
    AmtAuditReading *reading = &export->reading;

    export->file->target = g_strdup(export->amt->svc.run->target(export->run));
    export->file->exported = g_date_time_format_iso8601(now);
    if (!amt_audit_status(export->ws, &export->status, error))
        return FALSE;
    export->file->firmware = firmware_version(export->ws);
    if ((export->status.state & AMT_AUDIT_NO_KEY) != 0 ? !read_records(export, error)
                                                       : !read_signed(export, error))
        return FALSE;
    if (reading->gap != NULL)
        return postern_fail(
            error,
            POSTERN_ERROR_BUSY,
            "the audit log was %s while it was read; nothing was written; export it again",
            reading->gap);
    return read_identity(export, error);
}

/* ---- writing ---- */

typedef struct {
    char *path, *text;
} Output;

static gboolean
failed(const char *what, const char *path, GError **error)
{
    return postern_fail(
        error, POSTERN_ERROR_CONFLICT, "cannot %s %s: %s", what, path, g_strerror(errno));
}

static gboolean
write_all(int fd, const char *text)
{
    for (gsize left = strlen(text); left > 0;) {
        gssize n = write(fd, text, left);

        if (n < 0 && errno == EINTR)
            continue;
        if (n <= 0)
            return FALSE;
        text += n;
        left -= (gsize)n;
    }
    return TRUE;
}

/* A new file or none: what is there is never written over, and what is half written goes. */
static gboolean
write_file(gpointer data, GCancellable *cancellable, GError **error)
{
    const Output *output = data;
    int fd = g_open(output->path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, 0600);
    gboolean good;

    if (fd < 0)
        return failed("make the file", output->path, error);
    good = write_all(fd, output->text) && fsync(fd) == 0;
    if (!good)
        failed("write", output->path, error);
    if (close(fd) != 0 && good)
        good = failed("write", output->path, error);
    if (!good)
        g_unlink(output->path);
    return good;
}

/* UUID (or, where that is not to be had, the target) and time: no two exports have the same. */
static char *
file_name(const Export *export, const char *directory)
{
    const char *who = export->file->uuid != NULL ? export->file->uuid : export->file->target;
    g_autofree char *name = g_strdup_printf("audit-%s-%s.jsonl", who, export->file->exported);

    g_strdelimit(name, ":/\\", '-');
    return g_build_filename(directory, name, NULL);
}

static GVariant *
describe(const Export *export, const char *path)
{
    g_autofree char *next = amt_audit_position_text(&export->reading.at);
    g_autofree char *sum = amt_audit_sha256(export->file->records);
    PosternResult result;

    result_begin(&result);
    result_string(&result, "file", path);
    result_uint(&result, "records", export->file->records->len);
    result_bool(&result, "signed", export->file->signature != NULL);
    result_string(&result, "sha256", sum);
    result_string(&result, "next", next);
    return result_end(&result);
}

static GVariant *
run_export(PosternRun *run, GVariant *params, gpointer self, GError **error)
{
    const Amt *amt = self;
    g_autoptr(AmtAuditFile) file = amt_audit_file_new();
    g_autoptr(WsMan) ws = amt_open(amt, run, params, error);
    Export export = {.amt = amt, .run = run, .ws = ws, .file = file};
    GVariant *result = NULL;
    Output output;

    if (ws == NULL || !read_log(&export, error))
        return NULL;
    file->overwrite = g_strdup(amt_audit_overwrites(&export.status) ? "yes" : "never");
    output.path = file_name(&export, params_string(params, "directory"));
    output.text = amt_audit_file_write(file);
    if (amt->svc.run->in_thread(run, write_file, &output, error))
        result = describe(&export, output.path);
    g_free(output.path);
    g_free(output.text);
    return result;
}

/* clang-format off */
static const PosternField *const params[] = {
    POSTERN_FIELD_ITEM(.name = "directory", .type = "s", .format = "file", .flags = POSTERN_FIELD_REQUIRED,
                       .summary = "where to write the file, which gets a name of its own: audit-UUID-TIME.jsonl"),
    AMT_COMMON_PARAMS,
    NULL,
};

static const PosternField *const outputs[] = {
    POSTERN_FIELD_ITEM(.name = "file", .type = "s", .flags = POSTERN_FIELD_REQUIRED, .summary = "what was written"),
    POSTERN_FIELD_ITEM(.name = "records", .type = "u", .flags = POSTERN_FIELD_REQUIRED, .summary = "how many are in it"),
    POSTERN_FIELD_ITEM(.name = "signed", .type = "b", .flags = POSTERN_FIELD_REQUIRED, .summary = "the device signed it: it has a key (amt.auditlog.sign.set)"),
    POSTERN_FIELD_ITEM(.name = "sha256", .type = "s", .flags = POSTERN_FIELD_REQUIRED, .summary = "of the records in order, as in the file's last line"),
    POSTERN_FIELD_ITEM(.name = "next", .type = "s", .flags = POSTERN_FIELD_REQUIRED,
                       .summary = "the end of the log, for \"after\" of amt.auditlog.get and \"collected\" of amt.auditlog.clear"),
    NULL,
};

const PosternTask amt_auditlog_export_task = {
    .size = sizeof(PosternTask),
    .flags = 0,
    .version = 1,
    .timeout_ms = 300000,
    .id = "amt.auditlog.export",
    .summary = "write the whole audit log to a new file, with the device's signature where it has a key",
    .details = "The records as they are, in order, as JSON Lines; only the owner can read the file, and one that is there is never "
               "written over. A device with a signing key is locked while it is read, and signs what was read; the lock goes in any "
               "case, and by itself after five minutes. amt.auditlog.sign.verify checks the file. Least realm: Audit Log.",
    .params = params,
    .outputs = outputs,
    .credentials = amt_credentials,
    .run = run_export,
};
/* clang-format on */
