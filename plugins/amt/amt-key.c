/* SPDX-License-Identifier: Apache-2.0 */
/* amt.key.list, .generate and .remove: key pairs that the device made and never lets go of. */
#include "amt-store.h"

/* Making one takes a device up to a minute, or more when its random numbers are not ready. */
enum { WAIT_FIRST_MS = 1000, WAIT_MOST_MS = 10000, TRIES = 24 };
enum { RNG_BUSY = 47, RNG_NOT_READY = 48, KEYS_BUSY = 2061, NOT_READY = 2 };

/* ---- making ---- */

static gboolean
is_patience_asked(GVariant *outputs)
{
    guint32 value = 0;

    return wsman_return_value(outputs, &value) && (value == RNG_BUSY || value == RNG_NOT_READY ||
                                                   value == KEYS_BUSY || value == NOT_READY);
}

static GVariant *
ask_for_key(WsMan *ws, guint32 bits, GError **error)
{
    PosternResult args;

    result_begin(&args);
    result_uint(&args, "KeyAlgorithm", 0); /* RSA */
    result_uint(&args, "KeyLength", bits);
    return wsman_invoke(ws, AMT_KEY_SERVICE, NULL, "GenerateKeyPair", result_end(&args), error);
}

/* An answer "not yet" made nothing, so that asking again repeats nothing. */
char *
amt_key_make(const Amt *amt, PosternRun *run, WsMan *ws, guint32 bits, GError **error)
{
    guint32 wait = WAIT_FIRST_MS;

    for (guint i = 1;; i++) {
        g_autoptr(GVariant) outputs = ask_for_key(ws, bits, error);

        if (outputs == NULL)
            return NULL;
        if (!is_patience_asked(outputs) || i == TRIES)
            return wsman_check_return(ws, outputs, AMT_KEY_SERVICE, "GenerateKeyPair", error)
                       ? amt_reference_id(outputs, "KeyPair", error)
                       : NULL;
        amt->svc.run->progress(run, -1, "the device is making a key pair");
        if (!amt->svc.run->sleep(run, wait, error))
            return NULL;
        wait = MIN(2 * wait, WAIT_MOST_MS);
    }
}

/* ---- tasks ---- */

static GVariant *
describe(const AmtStore *store, const AmtPair *pair)
{
    PosternResult row;
    GVariantBuilder handles;

    g_variant_builder_init(&handles, G_VARIANT_TYPE("au"));
    for (guint i = 0; i < store->certificates->len; i++) {
        const AmtHeld *held = store->certificates->pdata[i];
        if (held->x509 != NULL && pair->key.id != NULL &&
            g_strcmp0(held->x509->key_id, pair->key.id) == 0)
            g_variant_builder_add(&handles, "u", held->handle);
    }
    result_begin(&row);
    result_uint(&row, "handle", pair->handle);
    result_string(&row, "key", pair->key.kind);
    if (pair->key.id != NULL)
        result_uint(&row, "key-bits", pair->key.bits);
    result_string(&row, "key-sha256", pair->key.id);
    result_string(&row, "public-key", pair->key.pem);
    result_value(&row, "certificates", g_variant_builder_end(&handles));
    return result_end(&row);
}

static GVariant *
run_list(PosternRun *run, GVariant *params, gpointer self, GError **error)
{
    const Amt *amt = self;
    g_autoptr(WsMan) ws = amt_open(amt, run, params, error);
    g_auto(AmtStore) store = {0};
    PosternResult result;

    if (ws == NULL || !amt_store_read(ws, &store, AMT_STORE_PAIRS, error))
        return NULL;
    for (guint i = 0; i < store.pairs->len; i++)
        if (!amt->svc.run->row(run, describe(&store, store.pairs->pdata[i]), error))
            return NULL;
    result_begin(&result);
    result_uint(&result, "keys", store.pairs->len);
    return result_end(&result);
}

static GVariant *
run_generate(PosternRun *run, GVariant *params, gpointer self, GError **error)
{
    g_autoptr(WsMan) ws = amt_open(self, run, params, error);
    guint32 bits = params_uint(params, "bits", 2048);
    g_autofree char *id = NULL;
    g_auto(AmtStore) store = {0};
    const AmtPair *pair;

    if (ws == NULL)
        return NULL;
    if (bits != 1536 && bits != 2048 && bits != 3072) {
        postern_fail(
            error, POSTERN_ERROR_BAD_PARAM, "bits is %u, expected 1536, 2048 or 3072", bits);
        return NULL;
    }
    id = amt_key_make(self, run, ws, bits, error);
    if (id == NULL || !amt_store_read(ws, &store, AMT_STORE_PAIRS, error))
        return NULL;
    pair = amt_store_pair(&store, amt_handle_of(id));
    if (pair != NULL && pair->key.id != NULL)
        return describe(&store, pair);
    postern_fail(error,
                 POSTERN_ERROR_CONFLICT,
                 "the device says that it made key pair %s, and does not list it",
                 id);
    return NULL;
}

static gboolean
check_removable(const AmtStore *store, guint32 handle, GError **error)
{
    const AmtPair *pair = amt_store_pair(store, handle);

    if (pair == NULL)
        return postern_fail(
            error,
            POSTERN_ERROR_BAD_PARAM,
            "there is no key pair %u in the device: amt.key.list shows those that are",
            handle);
    for (guint i = 0; i < store->certificates->len; i++) {
        const AmtHeld *held = store->certificates->pdata[i];
        if (held->x509 != NULL && g_strcmp0(held->x509->key_id, pair->key.id) == 0)
            return postern_fail(error,
                                POSTERN_ERROR_CONFLICT,
                                "key pair %u belongs to certificate %u (%s): remove that first, "
                                "amt.certificate.remove handle=%u",
                                handle,
                                held->handle,
                                held->x509->subject,
                                held->handle);
    }
    return TRUE;
}

static GVariant *
run_remove(PosternRun *run, GVariant *params, gpointer self, GError **error)
{
    g_autoptr(WsMan) ws = amt_open(self, run, params, error);
    guint32 handle = params_uint(params, "handle", 0);
    g_auto(AmtStore) store = {0}, after = {0};
    PosternResult result;

    if (ws == NULL || !amt_store_read(ws, &store, AMT_STORE_PAIRS, error) ||
        !check_removable(&store, handle, error) ||
        !wsman_delete(ws, AMT_KEY_PAIR, amt_by_id(amt_store_pair(&store, handle)->id), error) ||
        !amt_store_read(ws, &after, AMT_STORE_PAIRS, error))
        return NULL;
    if (amt_store_pair(&after, handle) != NULL) {
        postern_fail(error,
                     POSTERN_ERROR_CONFLICT,
                     "the device said yes, and still lists key pair %u",
                     handle);
        return NULL;
    }
    result_begin(&result);
    result_uint(&result, "keys", after.pairs->len);
    return result_end(&result);
}

/* clang-format off */
static const PosternField *const list_params[] = {AMT_COMMON_PARAMS, NULL};
static const PosternField *const generate_params[] = {
    POSTERN_FIELD_ITEM(.name = "bits", .type = "u", .fallback = "2048", .summary = "length of the RSA key: 1536, 2048 or 3072"),
    AMT_COMMON_PARAMS,
    NULL,
};
static const PosternField *const remove_params[] = {
    POSTERN_FIELD_ITEM(.name = "handle", .type = "u", .flags = POSTERN_FIELD_REQUIRED, .summary = "which pair, as amt.key.list shows"),
    AMT_COMMON_PARAMS,
    NULL,
};

#define KEY_FIELDS                                                                                                       \
    POSTERN_FIELD_ITEM(.name = "handle", .type = "u", .flags = POSTERN_FIELD_REQUIRED, .summary = "number of the pair"),  \
    POSTERN_FIELD_ITEM(.name = "key", .type = "s", .summary = "rsa or ec; absent: it cannot be read"),                   \
    POSTERN_FIELD_ITEM(.name = "key-bits", .type = "u", .summary = "its length"),                                        \
    POSTERN_FIELD_ITEM(.name = "key-sha256", .type = "s", .summary = "fingerprint of the public key"),                   \
    POSTERN_FIELD_ITEM(.name = "public-key", .type = "s", .summary = "the public key, PEM"),                             \
    POSTERN_FIELD_ITEM(.name = "certificates", .type = "au", .flags = POSTERN_FIELD_REQUIRED,                            \
                       .summary = "handles of the certificates for it")

static const PosternField *const rows[] = {KEY_FIELDS, NULL};
static const PosternField *const generate_outputs[] = {KEY_FIELDS, NULL};
static const PosternField *const count_outputs[] = {
    POSTERN_FIELD_ITEM(.name = "keys", .type = "u", .flags = POSTERN_FIELD_REQUIRED, .summary = "how many pairs there are"),
    NULL,
};

const PosternTask amt_key_list_task = {
    .size = sizeof(PosternTask),
    .flags = POSTERN_TASK_READ_ONLY | POSTERN_TASK_IDEMPOTENT,
    .version = 1,
    .id = "amt.key.list",
    .summary = "list the key pairs in the device",
    .details = "One row for each AMT_PublicPrivateKeyPair, and which certificates are for it. Least realm: PT Administration.",
    .params = list_params,
    .outputs = count_outputs,
    .rows = rows,
    .credentials = amt_credentials,
    .run = run_list,
};

const PosternTask amt_key_generate_task = {
    .size = sizeof(PosternTask),
    .version = 1,
    .timeout_ms = 300000,
    .id = "amt.key.generate",
    .summary = "make a key pair in the device; its private part never leaves it",
    .details = "AMT_PublicKeyManagementService.GenerateKeyPair. A device that is not ready yet is asked again for up to three "
               "minutes. Least realm: PT Administration.",
    .params = generate_params,
    .outputs = generate_outputs,
    .credentials = amt_credentials,
    .run = run_generate,
};

const PosternTask amt_key_remove_task = {
    .size = sizeof(PosternTask),
    .flags = POSTERN_TASK_DISRUPTIVE,
    .version = 1,
    .id = "amt.key.remove",
    .summary = "remove a key pair that no certificate is for",
    .details = "Delete of AMT_PublicPrivateKeyPair. A pair with a certificate is left alone. Least realm: PT Administration.",
    .params = remove_params,
    .outputs = count_outputs,
    .credentials = amt_credentials,
    .run = run_remove,
};
/* clang-format on */
