/* SPDX-License-Identifier: Apache-2.0 */
/* amt.certificate.list and amt.certificate.expiry: what certificates the device has, and for how long. */
#include "amt-store.h"

static void
add_x509(PosternResult *row, const AmtX509 *x509)
{
    result_string(row, "issuer", x509->issuer);
    amt_result_time(row, "not-before", x509->not_before);
    amt_result_time(row, "not-after", x509->not_after);
    result_value(row, "days-left", g_variant_new_int64(amt_x509_days_left(x509)));
    result_string(row, "serial", x509->serial);
    result_string(row, "sha256", x509->sha256);
    result_string(row, "key", x509->key);
    result_uint(row, "key-bits", x509->key_bits);
    result_string(row, "hash", x509->hash);
    result_bool(row, "self-signed", x509->self_signed);
}

static GVariant *
describe(const AmtStore *store, const AmtHeld *held, gboolean pem)
{
    const AmtPair *pair = held->x509 != NULL ? amt_store_pair_of(store, held->x509) : NULL;
    g_autofree char *text =
        pem && held->x509 != NULL ? amt_pem("CERTIFICATE", held->x509->der) : NULL;
    PosternResult row;

    result_begin(&row);
    result_uint(&row, "handle", held->handle);
    result_string(&row, "subject", held->x509 != NULL ? held->x509->subject : held->device_subject);
    if (held->x509 != NULL)
        add_x509(&row, held->x509);
    result_bool(&row, "trusted-root", held->root);
    result_bool(&row, "read-only", held->read_only);
    if (pair != NULL)
        result_uint(&row, "key-handle", pair->handle);
    result_value(&row, "used-by", amt_use_words(held->uses));
    result_string(&row, "pem", text);
    return result_end(&row);
}

static GVariant *
run_list(PosternRun *run, GVariant *params, gpointer self, GError **error)
{
    const Amt *amt = self;
    g_autoptr(WsMan) ws = amt_open(amt, run, params, error);
    gboolean pem = params_bool(params, "pem", FALSE);
    g_auto(AmtStore) store = {0};
    PosternResult result;

    if (ws == NULL || !amt_store_read(ws, &store, AMT_STORE_ALL, error))
        return NULL;
    for (guint i = 0; i < store.certificates->len; i++)
        if (!amt->svc.run->row(run, describe(&store, store.certificates->pdata[i], pem), error))
            return NULL;
    result_begin(&result);
    result_uint(&result, "certificates", store.certificates->len);
    return result_end(&result);
}

/* ---- expiry ---- */

static const char *
word_of(gint64 days, gint64 soon)
{
    if (days < 0)
        return "expired";
    return days <= soon ? "soon" : "fine";
}

typedef struct {
    guint32 expired, soon;
    gint64 least;
    gboolean any;
} Count;

static GVariant *
count_one(const AmtHeld *held, gint64 soon, Count *count)
{
    gint64 days = amt_x509_days_left(held->x509);
    const char *word = word_of(days, soon);
    PosternResult row;

    count->expired += g_str_equal(word, "expired");
    count->soon += g_str_equal(word, "soon");
    count->least = count->any ? MIN(count->least, days) : days;
    count->any = TRUE;
    result_begin(&row);
    result_uint(&row, "handle", held->handle);
    result_string(&row, "subject", held->x509->subject);
    result_string(&row, "state", word);
    result_value(&row, "days-left", g_variant_new_int64(days));
    amt_result_time(&row, "not-after", held->x509->not_after);
    result_value(&row, "used-by", amt_use_words(held->uses));
    return result_end(&row);
}

static GVariant *
run_expiry(PosternRun *run, GVariant *params, gpointer self, GError **error)
{
    const Amt *amt = self;
    g_autoptr(WsMan) ws = amt_open(amt, run, params, error);
    gint64 soon = params_uint(params, "soon-days", 30);
    g_auto(AmtStore) store = {0};
    Count count = {0};
    PosternResult result;

    if (ws == NULL || !amt_store_read(ws, &store, AMT_STORE_USES, error))
        return NULL;
    for (guint i = 0; i < store.certificates->len; i++) {
        const AmtHeld *held = store.certificates->pdata[i];
        if (held->x509 != NULL && !amt->svc.run->row(run, count_one(held, soon, &count), error))
            return NULL;
    }
    result_begin(&result);
    result_string(&result,
                  "state",
                  count.expired > 0 ? "expired"
                  : count.soon > 0  ? "soon"
                                    : "fine");
    result_uint(&result, "expired", count.expired);
    result_uint(&result, "soon", count.soon);
    if (count.any)
        result_value(&result, "days-left", g_variant_new_int64(count.least));
    return result_end(&result);
}

/* clang-format off */
static const PosternField *const list_params[] = {
    POSTERN_FIELD_ITEM(.name = "pem", .type = "b", .fallback = "false", .summary = "with the certificates themselves"),
    AMT_COMMON_PARAMS,
    NULL,
};
static const PosternField *const list_outputs[] = {
    POSTERN_FIELD_ITEM(.name = "certificates", .type = "u", .flags = POSTERN_FIELD_REQUIRED, .summary = "how many there are"),
    NULL,
};
static const PosternField *const list_rows[] = {
    POSTERN_FIELD_ITEM(.name = "handle", .type = "u", .flags = POSTERN_FIELD_REQUIRED, .summary = "number of the certificate in the device"),
    POSTERN_FIELD_ITEM(.name = "subject", .type = "s", .summary = "whom it names"),
    POSTERN_FIELD_ITEM(.name = "issuer", .type = "s", .summary = "who issued it; absent like what follows: its bytes cannot be read"),
    POSTERN_FIELD_ITEM(.name = "not-before", .type = "s", .format = "datetime", .summary = "when it begins"),
    POSTERN_FIELD_ITEM(.name = "not-after", .type = "s", .format = "datetime", .summary = "when it ends"),
    POSTERN_FIELD_ITEM(.name = "days-left", .type = "x", .summary = "whole days until then"),
    POSTERN_FIELD_ITEM(.name = "serial", .type = "s", .summary = "serial number, hex"),
    POSTERN_FIELD_ITEM(.name = "sha256", .type = "s", .summary = "its fingerprint, as for tls-pin"),
    POSTERN_FIELD_ITEM(.name = "key", .type = "s", .summary = "rsa or ec"),
    POSTERN_FIELD_ITEM(.name = "key-bits", .type = "u", .summary = "length of the key"),
    POSTERN_FIELD_ITEM(.name = "hash", .type = "s", .summary = "hash of its signature"),
    POSTERN_FIELD_ITEM(.name = "self-signed", .type = "b", .summary = "it vouches for itself"),
    POSTERN_FIELD_ITEM(.name = "trusted-root", .type = "b", .flags = POSTERN_FIELD_REQUIRED, .summary = "the device trusts what it issued"),
    POSTERN_FIELD_ITEM(.name = "read-only", .type = "b", .flags = POSTERN_FIELD_REQUIRED, .summary = "the device made it and does not remove it"),
    POSTERN_FIELD_ITEM(.name = "key-handle", .type = "u", .summary = "the key pair in the device that it is for"),
    POSTERN_FIELD_ITEM(.name = "used-by", .type = "as", .flags = POSTERN_FIELD_REQUIRED, .summary = "tls, 8021x, remote-access, other"),
    POSTERN_FIELD_ITEM(.name = "pem", .type = "s", .summary = "all of it, with pem=true"),
    NULL,
};

const PosternTask amt_certificate_list_task = {
    .size = sizeof(PosternTask),
    .flags = POSTERN_TASK_READ_ONLY | POSTERN_TASK_IDEMPOTENT,
    .version = 1,
    .id = "amt.certificate.list",
    .summary = "list the certificates in the device, decoded, and what each is used for",
    .details = "AMT_PublicKeyCertificate, AMT_PublicPrivateKeyPair, AMT_TLSCredentialContext, CIM_CredentialContext. Which key is whose, "
               "is told by comparing them. Least realm: PT Administration.",
    .params = list_params,
    .outputs = list_outputs,
    .rows = list_rows,
    .credentials = amt_credentials,
    .run = run_list,
};

static const PosternField *const expiry_params[] = {
    POSTERN_FIELD_ITEM(.name = "soon-days", .type = "u", .fallback = "30", .summary = "so many days before the end count as soon"),
    AMT_COMMON_PARAMS,
    NULL,
};
static const PosternField *const expiry_outputs[] = {
    POSTERN_FIELD_ITEM(.name = "state", .type = "s", .flags = POSTERN_FIELD_REQUIRED, .summary = "the worst: expired, soon or fine"),
    POSTERN_FIELD_ITEM(.name = "expired", .type = "u", .flags = POSTERN_FIELD_REQUIRED, .summary = "how many have expired"),
    POSTERN_FIELD_ITEM(.name = "soon", .type = "u", .flags = POSTERN_FIELD_REQUIRED, .summary = "how many will soon"),
    POSTERN_FIELD_ITEM(.name = "days-left", .type = "x", .summary = "of the first to end; negative: since when"),
    NULL,
};
static const PosternField *const expiry_rows[] = {
    POSTERN_FIELD_ITEM(.name = "handle", .type = "u", .flags = POSTERN_FIELD_REQUIRED, .summary = "number of the certificate in the device"),
    POSTERN_FIELD_ITEM(.name = "subject", .type = "s", .flags = POSTERN_FIELD_REQUIRED, .summary = "whom it names"),
    POSTERN_FIELD_ITEM(.name = "state", .type = "s", .flags = POSTERN_FIELD_REQUIRED, .summary = "expired, soon or fine"),
    POSTERN_FIELD_ITEM(.name = "days-left", .type = "x", .flags = POSTERN_FIELD_REQUIRED, .summary = "whole days until its end"),
    POSTERN_FIELD_ITEM(.name = "not-after", .type = "s", .format = "datetime", .summary = "when it ends"),
    POSTERN_FIELD_ITEM(.name = "used-by", .type = "as", .flags = POSTERN_FIELD_REQUIRED, .summary = "tls, 8021x, remote-access, other"),
    NULL,
};

const PosternTask amt_certificate_expiry_task = {
    .size = sizeof(PosternTask),
    .flags = POSTERN_TASK_READ_ONLY | POSTERN_TASK_IDEMPOTENT,
    .version = 1,
    .id = "amt.certificate.expiry",
    .summary = "tell how long the certificates in the device still hold",
    .details = "By this host's clock. A row for each certificate, and a word for all of them. Least realm: PT Administration.",
    .params = expiry_params,
    .outputs = expiry_outputs,
    .rows = expiry_rows,
    .credentials = amt_credentials,
    .run = run_expiry,
};
/* clang-format on */
