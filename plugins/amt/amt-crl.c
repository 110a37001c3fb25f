/* SPDX-License-Identifier: Apache-2.0 */
/* amt.crl.list and amt.crl.add: which clients' certificates a device with mutual TLS no longer takes. */
#include "amt-store.h"

#include <string.h>

enum { URL_MOST = 255, SERIALS_MOST = 32, SERIAL_BYTES = 20, MOST = 64 };

typedef struct {
    const Amt *amt;
    PosternRun *run;
    guint32 count;
} Listing;

/* A serial number travels as base64 of its bytes; what is none is shown as it is. */
static char *
serial_text(const char *wire)
{
    gsize length = 0;
    g_autofree guchar *bytes = g_base64_decode(wire, &length);
    GString *hex = g_string_new(NULL);

    if (length == 0 || length > SERIAL_BYTES + 1)
        g_string_append(hex, wire);
    for (gsize i = 0; length <= SERIAL_BYTES + 1 && i < length; i++)
        g_string_append_printf(hex, "%02x", bytes[i]);
    return g_string_free(hex, FALSE);
}

static gboolean
list_one(const WsmanItem *item, gpointer data, GError **error)
{
    Listing *listing = data;
    g_auto(GStrv) serials = params_strv(item->values, "SerialNumbers");
    PosternResult row;

    if (++listing->count > MOST)
        return postern_fail(
            error, POSTERN_ERROR_PROTOCOL, "the device lists more than %d revocation lists", MOST);
    for (guint i = 0; serials != NULL && serials[i] != NULL; i++) {
        char *text = serial_text(serials[i]);
        g_free(serials[i]);
        serials[i] = text;
    }
    result_begin(&row);
    result_string(&row, "url", params_string(item->values, "Url"));
    result_value(&row,
                 "serials",
                 g_variant_new_strv((const char *const *)serials, serials != NULL ? -1 : 0));
    return listing->amt->svc.run->row(listing->run, result_end(&row), error);
}

static GVariant *
read_lists(Listing *listing, WsMan *ws, GError **error)
{
    PosternResult result;

    if (!wsman_enumerate(ws, "AMT_CRL", FALSE, list_one, listing, error))
        return NULL;
    result_begin(&result);
    result_uint(&result, "lists", listing->count);
    return result_end(&result);
}

static GVariant *
run_list(PosternRun *run, GVariant *params, gpointer self, GError **error)
{
    g_autoptr(WsMan) ws = amt_open(self, run, params, error);
    Listing listing = {.amt = self, .run = run};

    return ws != NULL ? read_lists(&listing, ws, error) : NULL;
}

/* ---- adding ---- */

/* Hex, colons allowed, to base64; NULL: it is none. */
static char *
serial_wire(const char *text)
{
    guint8 bytes[SERIAL_BYTES];
    gsize digits = 0;

    memset(bytes, 0, sizeof bytes);
    for (const char *at = text; *at != '\0'; at++) {
        if (*at == ':')
            continue;
        if (!g_ascii_isxdigit(*at) || digits >= 2 * sizeof bytes)
            return NULL;
        bytes[digits / 2] = (guint8)(bytes[digits / 2] << 4 | (guint8)g_ascii_xdigit_value(*at));
        digits++;
    }
    return digits > 0 && digits % 2 == 0 ? g_base64_encode(bytes, digits / 2) : NULL;
}

static gboolean
encode_serials(char **serials, GError **error)
{
    for (guint i = 0; serials[i] != NULL; i++) {
        char *wire = i < SERIALS_MOST ? serial_wire(serials[i]) : NULL;
        if (wire == NULL)
            return postern_fail(
                error,
                POSTERN_ERROR_BAD_PARAM,
                "serial number '%.60s' is %s, expected at most %d of up to %d bytes each, in hex",
                serials[i],
                i < SERIALS_MOST ? "none" : "one too many",
                SERIALS_MOST,
                SERIAL_BYTES);
        g_free(serials[i]);
        serials[i] = wire;
    }
    return TRUE;
}

static gboolean
find_list(const WsmanItem *item, gpointer data, GError **error)
{
    const char **wanted = data;

    if (g_strcmp0(params_string(item->values, "Url"), *wanted) != 0)
        return TRUE;
    *wanted = NULL;
    return FALSE;
}

static GVariant *
add(WsMan *ws, const char *url, char **serials, GError **error)
{
    g_autoptr(GVariant) outputs = NULL;
    const char *wanted = url;
    PosternResult args, result;

    result_begin(&args);
    result_string(&args, "Url", url);
    result_value(&args, "SerialNumbers", g_variant_new_strv((const char *const *)serials, -1));
    outputs = wsman_call(ws, AMT_KEY_SERVICE, NULL, "AddCRL", result_end(&args), error);
    if (outputs == NULL || !wsman_enumerate(ws, "AMT_CRL", FALSE, find_list, &wanted, error))
        return NULL;
    if (wanted != NULL) {
        postern_fail(error,
                     POSTERN_ERROR_CONFLICT,
                     "the device said yes, and does not show a revocation list for %s",
                     url);
        return NULL;
    }
    result_begin(&result);
    result_string(&result, "url", url);
    result_uint(&result, "serials", g_strv_length(serials));
    return result_end(&result);
}

static GVariant *
run_add(PosternRun *run, GVariant *params, gpointer self, GError **error)
{
    const char *url = params_string(params, "url");
    g_auto(GStrv) serials = params_strv(params, "serials");
    g_autoptr(WsMan) ws = NULL;

    if (strlen(url) > URL_MOST || *url == '\0') {
        postern_fail(error,
                     POSTERN_ERROR_BAD_PARAM,
                     "url has %u characters, expected 1 to %d",
                     (guint)strlen(url),
                     URL_MOST);
        return NULL;
    }
    if (!encode_serials(serials, error))
        return NULL;
    ws = amt_open(self, run, params, error);
    return ws != NULL ? add(ws, url, serials, error) : NULL;
}

/* clang-format off */
static const PosternField *const list_params[] = {AMT_COMMON_PARAMS, NULL};
static const PosternField *const list_outputs[] = {
    POSTERN_FIELD_ITEM(.name = "lists", .type = "u", .flags = POSTERN_FIELD_REQUIRED, .summary = "how many there are"),
    NULL,
};
static const PosternField *const list_rows[] = {
    POSTERN_FIELD_ITEM(.name = "url", .type = "s", .summary = "distribution point that the certificates name"),
    POSTERN_FIELD_ITEM(.name = "serials", .type = "as", .flags = POSTERN_FIELD_REQUIRED, .summary = "revoked serial numbers, hex"),
    NULL,
};

const PosternTask amt_crl_list_task = {
    .size = sizeof(PosternTask),
    .flags = POSTERN_TASK_READ_ONLY | POSTERN_TASK_IDEMPOTENT,
    .version = 1,
    .id = "amt.crl.list",
    .summary = "list the certificate revocation lists in the device",
    .details = "AMT_CRL. Least realm: PT Administration.",
    .params = list_params,
    .outputs = list_outputs,
    .rows = list_rows,
    .credentials = amt_credentials,
    .run = run_list,
};

static const PosternField *const add_params[] = {
    POSTERN_FIELD_ITEM(.name = "url", .type = "s", .flags = POSTERN_FIELD_REQUIRED, .summary = "distribution point that the certificates name"),
    POSTERN_FIELD_ITEM(.name = "serials", .type = "as", .flags = POSTERN_FIELD_REQUIRED, .summary = "revoked serial numbers, hex"),
    AMT_COMMON_PARAMS,
    NULL,
};
static const PosternField *const add_outputs[] = {
    POSTERN_FIELD_ITEM(.name = "url", .type = "s", .flags = POSTERN_FIELD_REQUIRED, .summary = "as given"),
    POSTERN_FIELD_ITEM(.name = "serials", .type = "u", .flags = POSTERN_FIELD_REQUIRED, .summary = "how many were sent"),
    NULL,
};

const PosternTask amt_crl_add_task = {
    .size = sizeof(PosternTask),
    .version = 1,
    .id = "amt.crl.add",
    .summary = "tell the device which clients' certificates are revoked",
    .details = "AMT_PublicKeyManagementService.AddCRL. Least realm: PT Administration.",
    .params = add_params,
    .outputs = add_outputs,
    .credentials = amt_credentials,
    .run = run_add,
};
/* clang-format on */
