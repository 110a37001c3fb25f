/* SPDX-License-Identifier: Apache-2.0 */
/* An exported audit log: JSON Lines, as "The file" of README.md has it. What is read was written by anybody. */
#include "amt-audit.h"

#include <json-glib/json-glib.h>
#include <json-shape.h>
#include <string.h>

#define FORMAT "postern-audit-log/1"

enum { LINE_MOST = 64 * 1024 };

AmtAuditFile *
amt_audit_file_new(void)
{
    AmtAuditFile *file = g_new0(AmtAuditFile, 1);

    file->records = g_ptr_array_new_with_free_func((GDestroyNotify)g_bytes_unref);
    return file;
}

void
amt_audit_file_free(AmtAuditFile *file)
{
    if (file == NULL)
        return;
    g_free(file->target);
    g_free(file->uuid);
    g_free(file->firmware);
    g_free(file->exported);
    g_free(file->overwrite);
    g_free(file->sha256);
    g_ptr_array_unref(file->records);
    amt_audit_signature_free(file->signature);
    g_free(file);
}

char *
amt_audit_sha256(const GPtrArray *records)
{
    g_autoptr(GChecksum) sum = g_checksum_new(G_CHECKSUM_SHA256);

    for (guint i = 0; i < records->len; i++)
        g_checksum_update(sum,
                          g_bytes_get_data(records->pdata[i], NULL),
                          (gssize)g_bytes_get_size(records->pdata[i]));
    return g_strdup(g_checksum_get_string(sum));
}

/* ---- writing ---- */

static char *
encode(GBytes *bytes)
{
    return g_base64_encode(g_bytes_get_data(bytes, NULL), g_bytes_get_size(bytes));
}

static void
set_text(JsonObject *object, const char *name, const char *text)
{
    if (text != NULL)
        json_object_set_string_member(object, name, text);
}

static void
set_bytes(JsonObject *object, const char *name, GBytes *bytes)
{
    g_autofree char *text = encode(bytes);

    json_object_set_string_member(object, name, text);
}

/* Takes `object`. */
static void
append_line(GString *out, JsonObject *object)
{
    g_autoptr(JsonNode) node = json_node_new(JSON_NODE_OBJECT);
    g_autofree char *text = NULL;

    json_node_take_object(node, object);
    text = json_to_string(node, FALSE);
    g_string_append(out, text);
    g_string_append_c(out, '\n');
}

static JsonObject *
signature_object(const AmtAuditSignature *signature)
{
    JsonObject *object = json_object_new();
    JsonArray *certificates = json_array_new();
    g_autoptr(GBytes) uuid = g_bytes_new(signature->uuid, sizeof signature->uuid);

    json_object_set_int_member(object, "mechanism", signature->mechanism);
    json_object_set_int_member(object, "records", signature->count);
    json_object_set_int_member(object, "start", signature->start);
    json_object_set_int_member(object, "end", signature->end);
    json_object_set_int_member(object, "generated", signature->generated);
    set_bytes(object, "uuid", uuid);
    set_text(object, "fqdn", signature->fqdn);
    set_text(object, "firmware", signature->firmware);
    json_object_set_int_member(object, "security-version", signature->security_version);
    set_bytes(object, "hash", signature->hash);
    set_bytes(object, "signature", signature->signature);
    for (guint i = 0; i < signature->certificates->len; i++) {
        g_autofree char *text = encode(signature->certificates->pdata[i]);

        json_array_add_string_element(certificates, text);
    }
    json_object_set_array_member(object, "certificates", certificates);
    return object;
}

char *
amt_audit_file_write(const AmtAuditFile *file)
{
    GString *out = g_string_new(NULL);
    g_autofree char *sum = amt_audit_sha256(file->records);
    JsonObject *line = json_object_new();

    set_text(line, "format", FORMAT);
    set_text(line, "target", file->target);
    set_text(line, "uuid", file->uuid);
    set_text(line, "firmware", file->firmware);
    set_text(line, "exported", file->exported);
    set_text(line, "overwrite", file->overwrite);
    json_object_set_int_member(line, "records", file->records->len);
    append_line(out, line);
    for (guint i = 0; i < file->records->len; i++) {
        line = json_object_new();
        json_object_set_int_member(line, "index", i + 1);
        set_bytes(line, "raw", file->records->pdata[i]);
        append_line(out, line);
    }
    if (file->signature != NULL) {
        line = json_object_new();
        json_object_set_object_member(line, "signature", signature_object(file->signature));
        append_line(out, line);
    }
    line = json_object_new();
    set_text(line, "sha256", sum);
    append_line(out, line);
    return g_string_free(out, FALSE);
}

/* ---- reading ---- */

/* A member of that type; FALSE when it is missing or of another. */
static gboolean
get_text(JsonObject *object, const char *name, const char **text)
{
    JsonNode *node = json_object_get_member(object, name);

    if (node == NULL || !JSON_NODE_HOLDS_VALUE(node) ||
        json_node_get_value_type(node) != G_TYPE_STRING)
        return FALSE;
    *text = json_node_get_string(node);
    return TRUE;
}

static gboolean
get_number(JsonObject *object, const char *name, gint64 most, gint64 *number)
{
    JsonNode *node = json_object_get_member(object, name);

    if (node == NULL || !JSON_NODE_HOLDS_VALUE(node) ||
        json_node_get_value_type(node) != G_TYPE_INT64)
        return FALSE;
    *number = json_node_get_int(node);
    return *number >= 0 && *number <= most;
}

/* Only what is base64 to the letter: else two files could mean the same bytes. */
static GBytes *
decode(const char *text)
{
    gsize length = 0;
    guint8 *bytes = g_base64_decode(text, &length);
    g_autofree char *again = g_base64_encode(bytes, length);

    if (strcmp(again, text) == 0)
        return g_bytes_new_take(bytes, length);
    g_free(bytes);
    return NULL;
}

static GBytes *
get_bytes(JsonObject *object, const char *name)
{
    const char *text;

    return get_text(object, name, &text) ? decode(text) : NULL;
}

static gboolean
get_certificates(JsonObject *object, GPtrArray *certificates)
{
    JsonNode *node = json_object_get_member(object, "certificates");
    JsonArray *array =
        node != NULL && JSON_NODE_HOLDS_ARRAY(node) ? json_node_get_array(node) : NULL;
    guint count = array != NULL ? json_array_get_length(array) : 0;

    for (guint i = 0; i < count && count <= AMT_AUDIT_CERTIFICATES_MOST; i++) {
        JsonNode *one = json_array_get_element(array, i);
        GBytes *der = JSON_NODE_HOLDS_VALUE(one) && json_node_get_value_type(one) == G_TYPE_STRING
                          ? decode(json_node_get_string(one))
                          : NULL;

        if (der == NULL)
            return FALSE;
        g_ptr_array_add(certificates, der);
    }
    return count > 0 && certificates->len == count;
}

static AmtAuditSignature *
read_signature(JsonObject *object)
{
    g_autoptr(AmtAuditSignature) signature = g_new0(AmtAuditSignature, 1);
    g_autoptr(GBytes) uuid = get_bytes(object, "uuid");
    const char *fqdn = NULL, *firmware = NULL;
    gint64 mechanism = 0, count = 0, version = 0;

    signature->certificates = g_ptr_array_new_with_free_func((GDestroyNotify)g_bytes_unref);
    signature->hash = get_bytes(object, "hash");
    signature->signature = get_bytes(object, "signature");
    if (signature->hash == NULL || signature->signature == NULL || uuid == NULL ||
        g_bytes_get_size(uuid) != sizeof signature->uuid || !get_text(object, "fqdn", &fqdn) ||
        !get_text(object, "firmware", &firmware) ||
        !get_number(object, "mechanism", G_MAXUINT16, &mechanism) ||
        !get_number(object, "records", G_MAXUINT32, &count) ||
        !get_number(object, "security-version", G_MAXUINT32, &version) ||
        !get_number(object, "start", G_MAXUINT32, &signature->start) ||
        !get_number(object, "end", G_MAXUINT32, &signature->end) ||
        !get_number(object, "generated", G_MAXUINT32, &signature->generated) ||
        !get_certificates(object, signature->certificates))
        return NULL;
    memcpy(signature->uuid, g_bytes_get_data(uuid, NULL), sizeof signature->uuid);
    signature->fqdn = g_strdup(fqdn);
    signature->firmware = g_strdup(firmware);
    signature->mechanism = (guint32)mechanism;
    signature->count = (guint32)count;
    signature->security_version = (guint32)version;
    return g_steal_pointer(&signature);
}

static gboolean
read_head(AmtAuditFile *file, JsonObject *line)
{
    const char *format = NULL, *text = NULL;
    gint64 count = 0;

    if (!get_text(line, "format", &format) || strcmp(format, FORMAT) != 0 ||
        !get_number(line, "records", AMT_AUDIT_RECORDS_MOST, &count))
        return FALSE;
    file->count = (guint32)count;
    file->target = get_text(line, "target", &text) ? g_strdup(text) : NULL;
    file->uuid = get_text(line, "uuid", &text) ? g_strdup(text) : NULL;
    file->firmware = get_text(line, "firmware", &text) ? g_strdup(text) : NULL;
    file->exported = get_text(line, "exported", &text) ? g_strdup(text) : NULL;
    file->overwrite = get_text(line, "overwrite", &text) ? g_strdup(text) : NULL;
    return TRUE;
}

/* Lines come in this order: head, records, signature (or none), sum. NULL: the line is as it must be. */
static const char *
read_line(AmtAuditFile *file, JsonObject *line, gboolean first)
{
    JsonNode *node;
    const char *text = NULL;
    gint64 index = 0;

    if (first)
        return read_head(file, line) ? NULL : "expected a first line with format " FORMAT;
    if (file->sha256 != NULL)
        return "expected nothing behind the line with the sum";
    if (json_object_has_member(line, "raw")) {
        GBytes *raw = file->signature == NULL && file->records->len < AMT_AUDIT_RECORDS_MOST &&
                              get_number(line, "index", G_MAXUINT32, &index) &&
                              index == (gint64)file->records->len + 1
                          ? get_bytes(line, "raw")
                          : NULL;
        if (raw == NULL)
            return "expected the next record, with its index and its bytes in base64";
        g_ptr_array_add(file->records, raw);
        return NULL;
    }
    node = json_object_get_member(line, "signature");
    if (node != NULL) {
        if (!JSON_NODE_HOLDS_OBJECT(node) || file->signature != NULL)
            return "expected no further signature, and an object";
        file->signature = read_signature(json_node_get_object(node));
        return file->signature != NULL ? NULL : "expected a signature, whole";
    }
    if (!get_text(line, "sha256", &text))
        return "expected a record, a signature or the sum";
    file->sha256 = g_strdup(text);
    return NULL;
}

static const char *
parse_line(AmtAuditFile *file, const char *text, gsize length, gboolean first)
{
    g_autoptr(JsonParser) parser = json_parser_new_immutable();
    JsonNode *root;

    if (length > LINE_MOST)
        return "expected a shorter line";
    if (!g_utf8_validate_len(text, length, NULL) || !json_shape_check(text, length, NULL) ||
        !json_parser_load_from_data(parser, text, (gssize)length, NULL))
        return "expected JSON";
    root = json_parser_get_root(parser);
    if (root == NULL || !JSON_NODE_HOLDS_OBJECT(root))
        return "expected a JSON object";
    return read_line(file, json_node_get_object(root), first);
}

AmtAuditFile *
amt_audit_file_parse(const char *text, gsize length, GError **error)
{
    g_autoptr(AmtAuditFile) file = amt_audit_file_new();
    const char *problem = length > AMT_AUDIT_FILE_MOST ? "expected a smaller file" : NULL;
    guint lines = 0;

    for (gsize at = 0; problem == NULL && at < length; lines++) {
        const char *end = memchr(text + at, '\n', length - at);
        gsize size = end != NULL ? (gsize)(end - text) - at : length - at;

        problem = parse_line(file, text + at, size, lines == 0);
        at += size + 1;
    }
    if (problem == NULL && lines == 0)
        problem = "expected a first line with format " FORMAT;
    if (problem == NULL)
        return g_steal_pointer(&file);
    postern_fail(error,
                 POSTERN_ERROR_PROTOCOL,
                 "line %u of the file is no part of an exported audit log: %s",
                 MAX(lines, 1),
                 problem);
    return NULL;
}
