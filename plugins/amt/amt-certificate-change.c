/* SPDX-License-Identifier: Apache-2.0 */
/* amt.certificate.add, .remove and .request. */
#include "amt-store.h"

enum { FILE_MOST = 65536, NAMES_MOST = 16 };

/* ---- adding ---- */

static gboolean
check_root(const AmtX509 *x509, const char *path, GError **error)
{
    return x509->ca || postern_fail(error,
                                    POSTERN_ERROR_BAD_PARAM,
                                    "the certificate in %s (%s) is not that of a certification "
                                    "authority: a device would trust nothing by it",
                                    path,
                                    x509->subject);
}

static gboolean
check_own(const AmtStore *store, const AmtX509 *x509, GError **error)
{
    return amt_store_pair_of(store, x509) != NULL ||
           postern_fail(
               error,
               POSTERN_ERROR_CONFLICT,
               "no key pair in the device is that of %s: make one with amt.key.generate, "
               "request a certificate for it with "
               "amt.certificate.request, and add that; an issuer's certificate is added with "
               "kind=intermediate",
               x509->subject);
}

/* All that can be known before the device is asked. */
static gboolean
check_new(
    const AmtStore *store, const AmtX509 *x509, const char *kind, const char *path, GError **error)
{
    if (amt_x509_days_left(x509) < 0)
        return postern_fail(error,
                            POSTERN_ERROR_BAD_PARAM,
                            "the certificate in %s (%s) has expired",
                            path,
                            x509->subject);
    if (g_str_equal(kind, "own"))
        return check_own(store, x509, error);
    return check_root(x509, path, error);
}

static GVariant *
added_result(guint32 handle, gboolean added, const AmtX509 *x509)
{
    PosternResult result;

    result_begin(&result);
    result_uint(&result, "handle", handle);
    result_bool(&result, "added", added);
    result_string(&result, "subject", x509->subject);
    result_string(&result, "sha256", x509->sha256);
    return result_end(&result);
}

/* The same certificate may be there as what it should not be. */
static GVariant *
already_there(const AmtHeld *there, const AmtX509 *x509, gboolean root, GError **error)
{
    if (there->root == root)
        return added_result(there->handle, FALSE, x509);
    postern_fail(error,
                 POSTERN_ERROR_CONFLICT,
                 "the device has %s already, as certificate %u, and %s: remove it first",
                 x509->subject,
                 there->handle,
                 there->root ? "trusts it as a root" : "does not trust it");
    return NULL;
}

static GVariant *
add(WsMan *ws, const AmtX509 *x509, gboolean root, GError **error)
{
    gboolean added = FALSE;
    g_autofree char *id = amt_store_add(ws, x509->der, root, &added, error);
    g_auto(AmtStore) after = {0};
    const AmtHeld *there;

    if (id == NULL || !amt_store_read(ws, &after, 0, error))
        return NULL;
    there = amt_store_fingerprint(&after, x509->sha256);
    if (there != NULL && there->root == root)
        return added_result(there->handle, added, x509);
    postern_fail(error,
                 POSTERN_ERROR_CONFLICT,
                 "the device said yes, and %s %s",
                 there != NULL ? "keeps the certificate with another trust than asked for:"
                               : "does not list the certificate:",
                 x509->subject);
    return NULL;
}

static GVariant *
run_add(PosternRun *run, GVariant *params, gpointer self, GError **error)
{
    const char *path = params_string(params, "file");
    const char *kind = params_string(params, "kind");
    gboolean root = g_str_equal(kind, "root");
    g_autoptr(GBytes) content = amt_file_read(self, run, path, FILE_MOST, error);
    g_autoptr(AmtX509) x509 = content != NULL ? amt_x509_read_file(content, path, error) : NULL;
    g_autoptr(WsMan) ws = x509 != NULL ? amt_open(self, run, params, error) : NULL;
    g_auto(AmtStore) store = {0};
    const AmtHeld *there;

    if (ws == NULL || !amt_store_read(ws, &store, AMT_STORE_PAIRS, error) ||
        !check_new(&store, x509, kind, path, error))
        return NULL;
    there = amt_store_fingerprint(&store, x509->sha256);
    return there != NULL ? already_there(there, x509, root, error) : add(ws, x509, root, error);
}

/* ---- removing ---- */

static gboolean
check_removable(const AmtHeld *held, guint32 handle, GError **error)
{
    g_autoptr(GVariant) words = NULL;
    g_autofree const char **list = NULL;
    g_autofree char *uses = NULL;

    if (held == NULL)
        return postern_fail(
            error,
            POSTERN_ERROR_BAD_PARAM,
            "there is no certificate %u in the device: amt.certificate.list shows those "
            "that are",
            handle);
    if (held->read_only)
        return postern_fail(
            error,
            POSTERN_ERROR_CONFLICT,
            "certificate %u is the device's own, which it does not remove; another can "
            "take its place: amt.tls.enroll",
            handle);
    if (held->uses == 0)
        return TRUE;
    words = g_variant_ref_sink(amt_use_words(held->uses));
    list = g_variant_get_strv(words, NULL);
    uses = g_strjoinv(", ", (char **)(gsize)list);
    return postern_fail(error,
                        POSTERN_ERROR_CONFLICT,
                        "certificate %u is used by %s: give that another one first (amt.tls.set "
                        "certificate=, amt.dot1x.set)",
                        handle,
                        uses);
}

static GVariant *
run_remove(PosternRun *run, GVariant *params, gpointer self, GError **error)
{
    g_autoptr(WsMan) ws = amt_open(self, run, params, error);
    guint32 handle = params_uint(params, "handle", 0);
    g_auto(AmtStore) store = {0}, after = {0};
    const AmtHeld *held, *still;
    PosternResult result;

    if (ws == NULL || !amt_store_read(ws, &store, AMT_STORE_USES, error))
        return NULL;
    held = amt_store_handle(&store, handle);
    if (!check_removable(held, handle, error) ||
        !wsman_delete(ws, AMT_CERTIFICATE, amt_by_id(held->id), error) ||
        !amt_store_read(ws, &after, 0, error))
        return NULL;
    still = amt_store_handle(&after, handle);
    if (still != NULL) {
        postern_fail(error,
                     POSTERN_ERROR_CONFLICT,
                     "the device said yes, and still lists certificate %u",
                     handle);
        return NULL;
    }
    result_begin(&result);
    result_uint(&result, "certificates", after.certificates->len);
    return result_end(&result);
}

/* ---- requesting ---- */

static GVariant *
hand_out(const Amt *amt, PosternRun *run, GBytes *request, const char *path, GError **error)
{
    g_autofree char *pem = amt_pem("CERTIFICATE REQUEST", request);
    PosternResult result;

    if (path != NULL && !amt_file_write(amt, run, path, pem, error))
        return NULL;
    result_begin(&result);
    result_string(&result, "request", pem);
    result_string(&result, "file", path);
    return result_end(&result);
}

static const AmtPair *
find_pair(const AmtStore *store, guint32 handle, GError **error)
{
    const AmtPair *pair = amt_store_pair(store, handle);

    if (pair != NULL && pair->key.id != NULL)
        return pair;
    postern_fail(
        error,
        POSTERN_ERROR_BAD_PARAM,
        "there is no key pair %u in the device that can be read: amt.key.list shows those that "
        "are, amt.key.generate makes one",
        handle);
    return NULL;
}

static GVariant *
run_request(PosternRun *run, GVariant *params, gpointer self, GError **error)
{
    g_auto(GStrv) names = params_strv(params, "names");
    g_autoptr(WsMan) ws = NULL;
    g_auto(AmtStore) store = {0};
    g_autoptr(GBytes) request = NULL;
    const AmtPair *pair;

    if (names != NULL && g_strv_length(names) > NAMES_MOST) {
        postern_fail(error,
                     POSTERN_ERROR_BAD_PARAM,
                     "%u names are given, expected %d at most",
                     g_strv_length(names),
                     NAMES_MOST);
        return NULL;
    }
    ws = amt_open(self, run, params, error);
    if (ws == NULL || !amt_store_read(ws, &store, AMT_STORE_PAIRS, error))
        return NULL;
    pair = find_pair(&store, params_uint(params, "key", 0), error);
    if (pair != NULL)
        request = amt_request_sign(ws,
                                   pair,
                                   params_string(params, "common-name"),
                                   params_string(params, "organization"),
                                   (const char *const *)names,
                                   error);
    return request != NULL ? hand_out(self, run, request, params_string(params, "file"), error)
                           : NULL;
}

/* clang-format off */
static const char *const kinds[] = {"root", "own", "intermediate", NULL};

static const PosternField *const add_params[] = {
    POSTERN_FIELD_ITEM(.name = "file", .type = "s", .format = "file", .flags = POSTERN_FIELD_REQUIRED,
                       .summary = "the certificate, PEM or DER"),
    POSTERN_FIELD_ITEM(.name = "kind", .type = "s", .choices = kinds, .flags = POSTERN_FIELD_REQUIRED,
                       .summary = "root: what it issued is trusted; own: for a key pair of the device; intermediate: between both"),
    AMT_COMMON_PARAMS,
    NULL,
};
static const PosternField *const add_outputs[] = {
    POSTERN_FIELD_ITEM(.name = "handle", .type = "u", .flags = POSTERN_FIELD_REQUIRED, .summary = "its number in the device"),
    POSTERN_FIELD_ITEM(.name = "added", .type = "b", .flags = POSTERN_FIELD_REQUIRED, .summary = "false: it was there already"),
    POSTERN_FIELD_ITEM(.name = "subject", .type = "s", .flags = POSTERN_FIELD_REQUIRED, .summary = "whom it names"),
    POSTERN_FIELD_ITEM(.name = "sha256", .type = "s", .flags = POSTERN_FIELD_REQUIRED, .summary = "its fingerprint"),
    NULL,
};

const PosternTask amt_certificate_add_task = {
    .size = sizeof(PosternTask),
    .flags = POSTERN_TASK_IDEMPOTENT,
    .version = 1,
    .id = "amt.certificate.add",
    .summary = "put a certificate into the device",
    .details = "AMT_PublicKeyManagementService.AddTrustedRootCertificate or AddCertificate. The file is checked before the device is asked; one "
               "that is there already is left as it is. Least realm: PT Administration.",
    .params = add_params,
    .outputs = add_outputs,
    .credentials = amt_credentials,
    .run = run_add,
};

static const PosternField *const remove_params[] = {
    POSTERN_FIELD_ITEM(.name = "handle", .type = "u", .flags = POSTERN_FIELD_REQUIRED, .summary = "which one, as amt.certificate.list shows"),
    AMT_COMMON_PARAMS,
    NULL,
};
static const PosternField *const remove_outputs[] = {
    POSTERN_FIELD_ITEM(.name = "certificates", .type = "u", .flags = POSTERN_FIELD_REQUIRED, .summary = "how many are left"),
    NULL,
};

const PosternTask amt_certificate_remove_task = {
    .size = sizeof(PosternTask),
    .flags = POSTERN_TASK_DISRUPTIVE,
    .version = 1,
    .id = "amt.certificate.remove",
    .summary = "remove a certificate that nothing uses",
    .details = "Delete of AMT_PublicKeyCertificate. What TLS or 802.1X use, and what the device made itself, is left alone. "
               "Least realm: PT Administration.",
    .params = remove_params,
    .outputs = remove_outputs,
    .credentials = amt_credentials,
    .run = run_remove,
};

static const PosternField *const request_params[] = {
    POSTERN_FIELD_ITEM(.name = "key", .type = "u", .flags = POSTERN_FIELD_REQUIRED, .summary = "key pair, as amt.key.list shows"),
    POSTERN_FIELD_ITEM(.name = "common-name", .type = "s", .flags = POSTERN_FIELD_REQUIRED, .summary = "name of the machine: its FQDN"),
    POSTERN_FIELD_ITEM(.name = "organization", .type = "s", .summary = "whose it is"),
    POSTERN_FIELD_ITEM(.name = "names", .type = "as", .summary = "all DNS names; without it the common name alone"),
    POSTERN_FIELD_ITEM(.name = "file", .type = "s", .format = "file", .summary = "where to write the request to, PEM"),
    AMT_COMMON_PARAMS,
    NULL,
};
static const PosternField *const request_outputs[] = {
    POSTERN_FIELD_ITEM(.name = "request", .type = "s", .flags = POSTERN_FIELD_REQUIRED, .summary = "the request, PEM, for a CA to sign"),
    POSTERN_FIELD_ITEM(.name = "file", .type = "s", .summary = "where it was written to"),
    NULL,
};

const PosternTask amt_certificate_request_task = {
    .size = sizeof(PosternTask),
    .flags = POSTERN_TASK_IDEMPOTENT,
    .version = 1,
    .id = "amt.certificate.request",
    .summary = "let the device sign a certificate request for one of its keys",
    .details = "AMT_PublicKeyManagementService.GeneratePKCS10RequestEx, SHA-256 with RSA. Changes nothing in the device. Its signature is "
               "checked. Give the certificate back with amt.certificate.add kind=own. Least realm: PT Administration.",
    .params = request_params,
    .outputs = request_outputs,
    .credentials = amt_credentials,
    .run = run_request,
};
/* clang-format on */
