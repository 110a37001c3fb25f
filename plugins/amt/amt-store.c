/* SPDX-License-Identifier: Apache-2.0 */
#include "amt-store.h"

#include <string.h>

/* A device has room for about a dozen; one that goes on for ever is not believed. */
enum { MOST = 64, DUPLICATE = 2058 };

static void
held_free(gpointer data)
{
    AmtHeld *held = data;

    g_free(held->id);
    g_free(held->device_subject);
    amt_x509_free(held->x509);
    g_free(held);
}

static void
pair_free(gpointer data)
{
    AmtPair *pair = data;

    g_free(pair->id);
    amt_public_key_clear(&pair->key);
    g_clear_pointer(&pair->der, g_bytes_unref);
    g_free(pair);
}

void
amt_store_clear(AmtStore *store)
{
    g_clear_pointer(&store->certificates, g_ptr_array_unref);
    g_clear_pointer(&store->pairs, g_ptr_array_unref);
}

/* ---- names of instances ---- */

guint32
amt_handle_of(const char *id)
{
    const char *at = id != NULL ? strrchr(id, ' ') : NULL;
    guint64 number = 0;

    if (at == NULL || !g_ascii_string_to_unsigned(at + 1, 10, 0, G_MAXUINT32, &number, NULL))
        return G_MAXUINT32;
    return (guint32)number;
}

GVariant *
amt_by_id(const char *id)
{
    return amt_key("InstanceID", id);
}

char *
amt_reference_id(GVariant *outputs, const char *name, GError **error)
{
    char *id = amt_key_in(outputs, name, "InstanceID");

    if (id == NULL)
        postern_fail(error,
                     POSTERN_ERROR_PROTOCOL,
                     "the device said yes, and %s in its answer names no instance",
                     name);
    return id;
}

/* ---- reading ---- */

static gboolean
too_many(guint count, const char *what, GError **error)
{
    if (count < MOST)
        return FALSE;
    postern_fail(error, POSTERN_ERROR_PROTOCOL, "the device lists more than %d %s", MOST, what);
    return TRUE;
}

static GBytes *
bytes_of(GVariant *values, const char *name)
{
    g_autoptr(GVariant) value = params_value(values, name, "ay");
    gsize length = 0;
    const void *data = value != NULL ? g_variant_get_fixed_array(value, &length, 1) : NULL;

    return g_bytes_new(data, length);
}

static gboolean
take_certificate(const WsmanItem *item, gpointer data, GError **error)
{
    AmtStore *store = data;
    g_autoptr(GBytes) der = bytes_of(item->values, "X509Certificate");
    AmtHeld *held;

    if (too_many(store->certificates->len, "certificates", error))
        return FALSE;
    held = g_new0(AmtHeld, 1);
    held->id = g_strdup(params_string(item->values, "InstanceID"));
    held->handle = amt_handle_of(held->id);
    held->device_subject = g_strdup(params_string(item->values, "Subject"));
    held->root = params_bool(item->values, "TrustedRootCertficate", FALSE); /* spelt so */
    held->read_only = params_bool(item->values, "ReadOnlyCertificate", FALSE);
    held->x509 = amt_x509_read(g_bytes_get_data(der, NULL), g_bytes_get_size(der), NULL);
    g_ptr_array_add(store->certificates, held);
    return TRUE;
}

static gboolean
take_pair(const WsmanItem *item, gpointer data, GError **error)
{
    AmtStore *store = data;
    AmtPair *pair;

    if (too_many(store->pairs->len, "key pairs", error))
        return FALSE;
    pair = g_new0(AmtPair, 1);
    pair->id = g_strdup(params_string(item->values, "InstanceID"));
    pair->handle = amt_handle_of(pair->id);
    pair->der = bytes_of(item->values, "DERKey");
    amt_public_key_read(
        &pair->key, g_bytes_get_data(pair->der, NULL), g_bytes_get_size(pair->der), NULL);
    g_ptr_array_add(store->pairs, pair);
    return TRUE;
}

/* By the class of the association, and where that says nothing by what it ties to. */
static guint32
use_of(const char *class_name, const char *context_class)
{
    g_autofree char *both = g_strconcat(class_name, " ", context_class, NULL);

    if (strstr(both, "TLS") != NULL)
        return AMT_USE_TLS;
    if (strstr(both, "8021x") != NULL || strstr(both, "8021X") != NULL)
        return AMT_USE_8021X;
    return strstr(both, "RemoteAccess") != NULL || strstr(both, "ManagementPresence") != NULL
               ? AMT_USE_REMOTE_ACCESS
               : AMT_USE_OTHER;
}

static gboolean
take_use(const WsmanItem *item, gpointer data, GError **error)
{
    AmtStore *store = data;
    g_autoptr(GVariant) context = params_value(item->values, "ElementProvidingContext", "a{sv}");
    const char *class_name = context != NULL ? params_string(context, "class") : NULL;
    guint32 use = use_of(item->class_name, class_name != NULL ? class_name : "");
    g_autofree char *id = amt_key_in(item->values, "ElementInContext", "InstanceID");

    if (use == AMT_USE_TLS)
        store->has_context = TRUE;
    for (guint i = 0; i < store->certificates->len; i++) {
        AmtHeld *held = store->certificates->pdata[i];
        if (g_strcmp0(held->id, id) == 0)
            held->uses |= use;
    }
    return TRUE;
}

/* A class that a release lacks has no instances. */
static gboolean
read_class(WsMan *ws, const char *class_name, WsmanItemFunc take, AmtStore *store, GError **error)
{
    g_autoptr(GError) why = NULL;

    if (wsman_enumerate(ws, class_name, FALSE, take, store, &why) || wsman_absent(ws))
        return TRUE;
    g_propagate_error(error, g_steal_pointer(&why));
    return FALSE;
}

gboolean
amt_store_read(WsMan *ws, AmtStore *store, guint32 parts, GError **error)
{
    store->has_context = FALSE;
    store->certificates = g_ptr_array_new_with_free_func(held_free);
    store->pairs = g_ptr_array_new_with_free_func(pair_free);
    if (!read_class(ws, AMT_CERTIFICATE, take_certificate, store, error))
        return FALSE;
    if ((parts & AMT_STORE_PAIRS) != 0 && !read_class(ws, AMT_KEY_PAIR, take_pair, store, error))
        return FALSE;
    /* the base class shows other uses; whether it also shows that of TLS is not certain everywhere */
    return (parts & AMT_STORE_USES) == 0 ||
           (read_class(ws, "AMT_TLSCredentialContext", take_use, store, error) &&
            read_class(ws, "CIM_CredentialContext", take_use, store, error));
}

/* ---- looking ---- */

const AmtHeld *
amt_store_handle(const AmtStore *store, guint32 handle)
{
    for (guint i = 0; i < store->certificates->len; i++)
        if (((const AmtHeld *)store->certificates->pdata[i])->handle == handle)
            return store->certificates->pdata[i];
    return NULL;
}

const AmtHeld *
amt_store_fingerprint(const AmtStore *store, const char *sha256)
{
    for (guint i = 0; i < store->certificates->len; i++) {
        const AmtHeld *held = store->certificates->pdata[i];
        if (held->x509 != NULL && g_str_equal(held->x509->sha256, sha256))
            return held;
    }
    return NULL;
}

const AmtHeld *
amt_store_tls(const AmtStore *store)
{
    for (guint i = 0; i < store->certificates->len; i++)
        if ((((const AmtHeld *)store->certificates->pdata[i])->uses & AMT_USE_TLS) != 0)
            return store->certificates->pdata[i];
    return NULL;
}

const AmtPair *
amt_store_pair(const AmtStore *store, guint32 handle)
{
    for (guint i = 0; i < store->pairs->len; i++)
        if (((const AmtPair *)store->pairs->pdata[i])->handle == handle)
            return store->pairs->pdata[i];
    return NULL;
}

const AmtPair *
amt_store_pair_of(const AmtStore *store, const AmtX509 *x509)
{
    for (guint i = 0; i < store->pairs->len; i++) {
        const AmtPair *pair = store->pairs->pdata[i];
        if (pair->key.id != NULL && g_strcmp0(pair->key.id, x509->key_id) == 0)
            return pair;
    }
    return NULL;
}

GVariant *
amt_use_words(guint32 uses)
{
    static const char *const words[] = {"tls", "8021x", "remote-access", "other"};
    GVariantBuilder list;

    g_variant_builder_init(&list, G_VARIANT_TYPE_STRING_ARRAY);
    for (guint i = 0; i < G_N_ELEMENTS(words); i++)
        if ((uses >> i & 1) != 0)
            g_variant_builder_add(&list, "s", words[i]);
    return g_variant_builder_end(&list);
}

/* ---- changing ---- */

static GVariant *
bytes_value(GBytes *bytes)
{
    return g_variant_new_from_bytes(G_VARIANT_TYPE_BYTESTRING, bytes, TRUE);
}

/* Somebody else added it since we looked, or the list does not show it. */
static char *
find_duplicate(WsMan *ws, GBytes *der, gboolean *added, GError **error)
{
    g_auto(AmtStore) store = {0};
    g_autofree char *sha256 = g_compute_checksum_for_bytes(G_CHECKSUM_SHA256, der);
    const AmtHeld *there;

    if (!amt_store_read(ws, &store, 0, error))
        return NULL;
    there = amt_store_fingerprint(&store, sha256);
    *added = FALSE;
    if (there != NULL)
        return g_strdup(there->id);
    postern_fail(error,
                 POSTERN_ERROR_CONFLICT,
                 "the device says that it has this certificate already, and does not list it");
    return NULL;
}

char *
amt_store_add(WsMan *ws, GBytes *der, gboolean root, gboolean *added, GError **error)
{
    const char *method = root ? "AddTrustedRootCertificate" : "AddCertificate";
    g_autoptr(GVariant) outputs = NULL;
    guint32 value = 0;
    PosternResult args;

    result_begin(&args);
    result_value(&args, "CertificateBlob", bytes_value(der));
    outputs = wsman_invoke(ws, AMT_KEY_SERVICE, NULL, method, result_end(&args), error);
    if (outputs == NULL)
        return NULL;
    if (root && wsman_return_value(outputs, &value) && value == DUPLICATE)
        return find_duplicate(ws, der, added, error);
    if (!wsman_check_return(ws, outputs, AMT_KEY_SERVICE, method, error))
        return NULL;
    *added = TRUE;
    return amt_reference_id(outputs, "CreatedCertificate", error);
}

GBytes *
amt_request_sign(WsMan *ws,
                 const AmtPair *pair,
                 const char *common_name,
                 const char *organization,
                 const char *const *names,
                 GError **error)
{
    g_autoptr(GBytes) unsigned_request =
        amt_request_make(pair->der, common_name, organization, names, error);
    g_autoptr(GBytes) request = NULL;
    g_autoptr(GVariant) outputs = NULL;
    PosternResult args;

    if (unsigned_request == NULL)
        return NULL;
    result_begin(&args);
    result_value(&args, "KeyPair", wsman_epr(AMT_KEY_PAIR, "InstanceID", pair->id, NULL));
    result_uint(&args, "SigningAlgorithm", 1); /* SHA-256 with RSA */
    result_value(&args, "NullSignedCertificateRequest", bytes_value(unsigned_request));
    outputs =
        wsman_call(ws, AMT_KEY_SERVICE, NULL, "GeneratePKCS10RequestEx", result_end(&args), error);
    if (outputs == NULL)
        return NULL;
    request = bytes_of(outputs, "SignedCertificateRequest");
    return amt_request_check(request, &pair->key, error) ? g_steal_pointer(&request) : NULL;
}
