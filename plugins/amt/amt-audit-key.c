/* SPDX-License-Identifier: Apache-2.0 */
/* amt.auditlog.sign.set and amt.auditlog.sign.verify: the key that signs an audit log, and whether an export is what was signed. */
#include "amt-audit.h"
#include "amt-facts.h"
#include "amt-x509.h"

#include <openssl/crypto.h>
#include <openssl/err.h>
#include <openssl/x509.h>
#include <string.h>

enum { KEY_BITS = 2048, MECHANISM_SHA256 = 1 };

/* ---- setting the key ---- */

typedef struct {
    guint8 *key; /* DER; wiped */
    gsize key_length;
    GByteArray *certificates; /* DER, one behind the other */
    GArray *lengths;          /* guint32 */
} Material;

static void
material_clear(Material *material)
{
    if (material->key != NULL)
        OPENSSL_cleanse(material->key, material->key_length);
    g_free(material->key);
    g_clear_pointer(&material->certificates, g_byte_array_unref);
    g_clear_pointer(&material->lengths, g_array_unref);
}
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC(Material, material_clear)

static gboolean
refuse(GError **error, const char *what)
{
    ERR_clear_error();
    return postern_fail(error, POSTERN_ERROR_BAD_PARAM, "%s; nothing was changed", what);
}

/* PEM to DER, and the first one. */
static X509 *
read_chain(const char *pem, Material *material)
{
    g_autoptr(GBytes) content = g_bytes_new_static(pem, strlen(pem));
    g_autoptr(GPtrArray) all = amt_x509_read_all(content);
    const guint8 *first;

    material->certificates = g_byte_array_new();
    material->lengths = g_array_new(FALSE, FALSE, sizeof(guint32));
    for (guint i = 0; i < all->len; i++) {
        gsize length;
        const guint8 *der = g_bytes_get_data(((const AmtX509 *)all->pdata[i])->der, &length);
        guint32 stored = (guint32)length;

        g_byte_array_append(material->certificates, der, stored);
        g_array_append_val(material->lengths, stored);
    }
    if (all->len == 0)
        return NULL;
    first = material->certificates->data;
    return d2i_X509(NULL, &first, (long)g_array_index(material->lengths, guint32, 0));
}

/* All of it before the device is asked anything. */
static gboolean
read_material(GVariant *params, Material *material, GError **error)
{
    const guint8 *at = material->key =
        g_base64_decode(params_string(params, "signing-key"), &material->key_length);
    EVP_PKEY *key = d2i_PrivateKey(EVP_PKEY_RSA, NULL, &at, (long)material->key_length);
    X509 *first = read_chain(params_string(params, "certificates"), material);
    const char *problem = NULL;

    if (key == NULL)
        problem = "signing-key holds no RSA key: expected base64 of PKCS #1 in DER on one line, as "
                  "of openssl rsa -in "
                  "KEY.pem -traditional -outform DER | base64 -w 0";
    else if (EVP_PKEY_get_bits(key) != KEY_BITS)
        problem = "the signing key is not RSA with 2048 bits, which is what the firmware takes";
    else if (first == NULL)
        problem = "certificates holds no certificate: expected PEM, the signer's first";
    else if (material->lengths->len > AMT_AUDIT_CERTIFICATES_MOST ||
             material->certificates->len > AMT_AUDIT_CERTIFICATES_BYTES)
        problem = "there are too many certificates: the firmware takes 5, and 4100 bytes of them";
    else if (X509_check_private_key(first, key) != 1)
        problem = "the first certificate is not one of the signing key";
    EVP_PKEY_free(key);
    X509_free(first);
    return problem == NULL || refuse(error, problem);
}

static GVariant *
bytes(gconstpointer data, gsize length)
{
    return g_variant_new_fixed_array(G_VARIANT_TYPE_BYTE, data, length, 1);
}

static gboolean
send_material(WsMan *ws, const Material *material, GError **error)
{
    g_autoptr(GVariant) done = NULL;
    PosternResult args;

    result_begin(&args);
    result_uint(&args, "SigningMechanismType", MECHANISM_SHA256);
    result_value(&args, "SigningKey", bytes(material->key, material->key_length));
    result_value(&args,
                 "LengthOfCertificates",
                 g_variant_new_fixed_array(G_VARIANT_TYPE_UINT32,
                                           material->lengths->data,
                                           material->lengths->len,
                                           sizeof(guint32)));
    result_value(
        &args, "Certificates", bytes(material->certificates->data, material->certificates->len));
    done = amt_audit_call(ws, "SetSigningKeyMaterial", result_end(&args), error);
    return done != NULL;
}

/* The parameter is hidden as it was given, which may be in lines or with blanks. */
static void
hide_key(const Amt *amt, PosternRun *run, const Material *material)
{
    g_autofree char *wire = g_base64_encode(material->key, material->key_length);

    if (POSTERN_CAN(amt->svc.secrets, hide))
        amt->svc.secrets->hide(run, wire);
    OPENSSL_cleanse(wire, strlen(wire));
}

/* A key that went over the wire in the clear is nobody's any more. */
static gboolean
check_tls(WsMan *ws, GError **error)
{
    g_autoptr(GVariant) peer = wsman_peer(ws);

    return params_bool(peer, "tls", FALSE) ||
           postern_fail(error,
                        POSTERN_ERROR_TLS,
                        "the signing key was not sent: the connection is not encrypted; switch TLS "
                        "on in the device "
                        "first, and ask with tls=require");
}

static GVariant *
run_set(PosternRun *run, GVariant *params, gpointer self, GError **error)
{
    g_auto(Material) material = {0};
    g_autoptr(WsMan) ws = NULL;
    AmtAuditStatus status;
    PosternResult result;
    gboolean had_key;

    if (!read_material(params, &material, error))
        return NULL;
    ws = amt_open(self, run, params, error);
    if (ws == NULL || !amt_audit_status(ws, &status, error) || !check_tls(ws, error))
        return NULL;
    had_key = (status.state & AMT_AUDIT_NO_KEY) == 0;
    hide_key(self, run, &material);
    if (!send_material(ws, &material, error) || !amt_audit_status(ws, &status, error))
        return NULL;
    if ((status.state & AMT_AUDIT_NO_KEY) != 0) {
        postern_fail(
            error,
            POSTERN_ERROR_CONFLICT,
            "the device took the signing key, and its audit log still says that it has none");
        return NULL;
    }
    result_begin(&result);
    result_bool(&result, "replaced", had_key);
    return result_end(&result);
}

/* ---- verifying ---- */

/* Everything that is found is told, and counted. */
typedef struct {
    const Amt *amt;
    PosternRun *run;
    guint failed, checks;
} Findings;

/* `problem` NULL: it passed. FALSE only when the run ends. */
static gboolean
tell(Findings *findings, const char *check, const char *problem, const char *fine, GError **error)
{
    PosternResult row;

    findings->checks++;
    findings->failed += problem != NULL;
    result_begin(&row);
    result_string(&row, "check", check);
    result_bool(&row, "passed", problem == NULL);
    result_string(&row, "found", problem != NULL ? problem : fine);
    return findings->amt->svc.run->row(findings->run, result_end(&row), error);
}

static gboolean
tell_records(Findings *findings, const AmtAuditFile *file, GError **error)
{
    g_autofree char *sum = amt_audit_sha256(file->records);
    g_autofree char *few = NULL;
    g_autofree char *count = g_strdup_printf("%u records", file->records->len);
    const char *problem = NULL;

    if (file->records->len != file->count)
        few = g_strdup_printf(
            "%u records, and the first line says %u", file->records->len, file->count);
    if (file->sha256 == NULL)
        problem = "the last line is missing: the file was cut short";
    else if (strcmp(sum, file->sha256) != 0)
        problem = "records were changed, or the sum was: it is not that of the records in order";
    return tell(findings, "count", few, count, error) &&
           tell(findings, "sum", problem, "the sum is that of the records in order", error);
}

static gint64
record_time(GBytes *record)
{
    g_autoptr(GVariant) decoded = g_variant_ref_sink(
        amt_audit_decode(g_bytes_get_data(record, NULL), g_bytes_get_size(record)));
    const char *text = params_string(decoded, "time");
    g_autoptr(GDateTime) time = text != NULL ? g_date_time_new_from_iso8601(text, NULL) : NULL;

    return time != NULL ? g_date_time_to_unix(time) : 0;
}

/* That the header is about these records, and this device. */
static char *
header_problem(const AmtAuditFile *file)
{
    const AmtAuditSignature *header = file->signature;
    guint count = file->records->len;
    g_autofree char *uuid = NULL;

    if (header->count != count)
        return g_strdup_printf(
            "the device signed %u records, and there are %u", header->count, count);
    if (count > 0 && (header->start != record_time(file->records->pdata[0]) ||
                      header->end != record_time(file->records->pdata[count - 1])))
        return g_strdup("the times of the first and last record are not those that were signed");
    uuid = amt_uuid_of(header->uuid, sizeof header->uuid);
    if (file->uuid != NULL && g_ascii_strcasecmp(file->uuid, uuid) != 0)
        return g_strdup_printf(
            "the device that signed is %s, and the first line says %s", uuid, file->uuid);
    return NULL;
}

static gboolean
tell_signature(Findings *findings, const AmtAuditFile *file, const char *roots, GError **error)
{
    const AmtAuditSignature *signature = file->signature;
    g_autoptr(GBytes) hash = amt_audit_hash(signature->mechanism, file->records);
    g_autofree char *header = header_problem(file);
    g_autoptr(GError) key = NULL;
    g_autoptr(GError) chain = NULL;
    gboolean same = hash != NULL && g_bytes_equal(hash, signature->hash);

    amt_audit_check_signature(signature, &key);
    amt_audit_check_chain(signature, roots, &chain);
    return tell(findings,
                "header",
                header,
                "machine, number and times of the records are as signed",
                error) &&
           tell(findings,
                "hash",
                same ? NULL : "the hash that was signed is not that of the records in order",
                "the hash that was signed is that of the records in order",
                error) &&
           tell(findings,
                "signature",
                key != NULL ? key->message : NULL,
                "header and hash were signed with the key of the first certificate",
                error) &&
           tell(findings,
                "chain",
                chain != NULL ? chain->message : NULL,
                roots != NULL ? "the certificates lead to a given root"
                              : "the certificates lead to the last of them, which nobody vouched "
                                "for: give ca-file",
                error);
}

static GVariant *
verdict(const Findings *findings, const AmtAuditFile *file, GError **error)
{
    PosternResult result;

    if (findings->failed > 0) {
        postern_fail(
            error,
            POSTERN_ERROR_CONFLICT,
            "%u of %u checks failed: the export proves nothing; the rows tell what was found",
            findings->failed,
            findings->checks);
        return NULL;
    }
    result_begin(&result);
    result_uint(&result, "records", file->records->len);
    result_bool(&result, "signed", file->signature != NULL);
    result_string(&result, "uuid", file->uuid);
    result_string(&result, "firmware", file->firmware);
    result_string(&result, "exported", file->exported);
    return result_end(&result);
}

static GVariant *
run_verify(PosternRun *run, GVariant *params, gpointer self, GError **error)
{
    Findings findings = {.amt = self, .run = run};
    g_autoptr(GBytes) text =
        amt_file_read(self, run, params_string(params, "file"), AMT_AUDIT_FILE_MOST, error);
    g_autoptr(AmtAuditFile) file = NULL;

    if (text == NULL) {
        g_prefix_error(error, "cannot read the export: ");
        return NULL;
    }
    file = amt_audit_file_parse(g_bytes_get_data(text, NULL), g_bytes_get_size(text), error);
    if (file == NULL || !tell_records(&findings, file, error) ||
        (file->signature != NULL &&
         !tell_signature(&findings, file, params_string(params, "ca-file"), error)))
        return NULL;
    return verdict(&findings, file, error);
}

/* clang-format off */
static const PosternField *const set_params[] = {
    POSTERN_FIELD_ITEM(.name = "signing-key", .type = "s", .flags = POSTERN_FIELD_REQUIRED | POSTERN_FIELD_SECRET,
                       .summary = "RSA key with 2048 bits, PKCS #1 in DER, in base64 on one line"),
    POSTERN_FIELD_ITEM(.name = "certificates", .type = "s", .flags = POSTERN_FIELD_REQUIRED,
                       .summary = "its certificate in PEM, and those that issued it, up to the root: at most 5"),
    AMT_COMMON_PARAMS,
    NULL,
};
static const PosternField *const set_outputs[] = {
    POSTERN_FIELD_ITEM(.name = "replaced", .type = "b", .flags = POSTERN_FIELD_REQUIRED, .summary = "there was a key before"),
    NULL,
};

const PosternTask amt_auditlog_sign_set_task = {
    .size = sizeof(PosternTask),
    .flags = 0,
    .version = 1,
    .id = "amt.auditlog.sign.set",
    .summary = "give the device the key that signs exports of its audit log",
    .details = "AMT_AuditLog.SetSigningKeyMaterial, over TLS only. Key and certificates are compared before the device is asked "
               "anything. Before AMT 8 the log cannot be switched on without. Least realm: Audit Log.",
    .params = set_params,
    .outputs = set_outputs,
    .credentials = amt_credentials,
    .run = run_set,
};

static const PosternField *const verify_params[] = {
    POSTERN_FIELD_ITEM(.name = "file", .type = "s", .format = "file", .flags = POSTERN_FIELD_REQUIRED,
                       .summary = "what amt.auditlog.export wrote"),
    POSTERN_FIELD_ITEM(.name = "ca-file", .type = "s", .format = "file",
                       .summary = "PEM file of the roots that must have issued the signing certificate"),
    NULL,
};
static const PosternField *const verify_outputs[] = {
    POSTERN_FIELD_ITEM(.name = "records", .type = "u", .flags = POSTERN_FIELD_REQUIRED, .summary = "how many are in it"),
    POSTERN_FIELD_ITEM(.name = "signed", .type = "b", .flags = POSTERN_FIELD_REQUIRED,
                       .summary = "a device signed it; false: only the file's own sum was checked, which anybody can make anew"),
    POSTERN_FIELD_ITEM(.name = "uuid", .type = "s", .summary = "of the machine"),
    POSTERN_FIELD_ITEM(.name = "firmware", .type = "s", .summary = "its version"),
    POSTERN_FIELD_ITEM(.name = "exported", .type = "s", .format = "datetime", .summary = "when"),
    NULL,
};
static const PosternField *const verify_rows[] = {
    POSTERN_FIELD_ITEM(.name = "check", .type = "s", .flags = POSTERN_FIELD_REQUIRED,
                       .summary = "count, sum, and where it is signed: header, hash, signature, chain"),
    POSTERN_FIELD_ITEM(.name = "passed", .type = "b", .flags = POSTERN_FIELD_REQUIRED, .summary = "it is as it should be"),
    POSTERN_FIELD_ITEM(.name = "found", .type = "s", .flags = POSTERN_FIELD_REQUIRED, .summary = "what was found"),
    NULL,
};

const PosternTask amt_auditlog_sign_verify_task = {
    .size = sizeof(PosternTask),
    .flags = POSTERN_TASK_READ_ONLY | POSTERN_TASK_IDEMPOTENT | POSTERN_TASK_NO_TARGET,
    .version = 1,
    .id = "amt.auditlog.sign.verify",
    .summary = "check an exported audit log: is it whole, unchanged, and what the device signed",
    .details = "Works on the file alone. Each finding is a row; one that failed makes the task fail. What a real device signs, byte "
               "for byte, is not known to us: see \"What is signed\" in the plugin's README.",
    .params = verify_params,
    .outputs = verify_outputs,
    .rows = verify_rows,
    .run = run_verify,
};
/* clang-format on */
