/* SPDX-License-Identifier: Apache-2.0 */
/*
 * amt.tls.enroll: a certificate of the operator's CA for a device, from the key to the proof.
 *
 * The key is made in the device and stays there. What the task made goes away again when a later step fails, in the
 * opposite order, as firmware wants it: binding, certificate, root, key.
 */
#include "amt-tls.h"

#include <string.h>

enum { FILE_MOST = 65536, DAYS_MOST = 3650, NAMES_MOST = 16, SETTLE_MS = 2000 };

typedef struct {
    const Amt *amt;
    PosternRun *run;
    GVariant *params;
    AmtCa *ca;
    char *common_name;
    char **names;
    AmtTls tls;
    AmtStore before;      /* as it was */
    const AmtHeld *shown; /* what TLS showed; NULL: nothing */
    /* what was made, NULL: not yet */
    char *key_id, *certificate_id, *root_id;
    AmtX509 *certificate;
    gboolean root_added, bound, settings, committed;
} Enrolment;

static void
enrolment_clear(Enrolment *e)
{
    amt_ca_free(e->ca);
    g_free(e->common_name);
    g_strfreev(e->names);
    amt_tls_clear(&e->tls);
    amt_store_clear(&e->before);
    g_free(e->key_id);
    g_free(e->certificate_id);
    g_free(e->root_id);
    amt_x509_free(e->certificate);
}
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC(Enrolment, enrolment_clear)

static gint64
now_seconds(void)
{
    return g_get_real_time() / G_USEC_PER_SEC;
}

/* ---- before anything is made ---- */

static gboolean
load_ca(Enrolment *e, GError **error)
{
    const char *path = params_string(e->params, "ca-file");
    const char *key_path = params_string(e->params, "ca-key-file");
    g_autoptr(GBytes) certificate = amt_file_read(e->amt, e->run, path, FILE_MOST, error);
    g_autoptr(GBytes) key =
        certificate != NULL ? amt_file_read(e->amt, e->run, key_path, FILE_MOST, error) : NULL;

    if (key == NULL)
        return FALSE;
    e->ca = amt_ca_new(certificate,
                       path,
                       key,
                       key_path,
                       params_string(e->params, "ca-key-password"),
                       now_seconds(),
                       error);
    amt_file_wipe(key);
    return e->ca != NULL;
}

static gboolean
check_numbers(const Enrolment *e, GError **error)
{
    guint32 bits = params_uint(e->params, "bits", 2048), days = params_uint(e->params, "days", 365);

    if (bits != 2048 && bits != 3072)
        return postern_fail(
            error, POSTERN_ERROR_BAD_PARAM, "bits is %u, expected 2048 or 3072", bits);
    return (days >= 1 && days <= DAYS_MOST) ||
           postern_fail(
               error, POSTERN_ERROR_BAD_PARAM, "days is %u, expected 1 to %d", days, DAYS_MOST);
}

/* The name that others call it by, as the device knows it. */
static gboolean
read_name(Enrolment *e, WsMan *ws, GError **error)
{
    g_autoptr(GVariant) general = NULL;
    const char *host, *domain;

    e->names = params_strv(e->params, "names");
    if (e->names != NULL && g_strv_length(e->names) > NAMES_MOST)
        return postern_fail(error,
                            POSTERN_ERROR_BAD_PARAM,
                            "%u names are given, expected %d at most",
                            g_strv_length(e->names),
                            NAMES_MOST);
    e->common_name = g_strdup(params_string(e->params, "common-name"));
    if (e->common_name != NULL)
        return TRUE;
    general = wsman_get(ws, "AMT_GeneralSettings", NULL, error);
    if (general == NULL)
        return FALSE;
    host = params_string(general, "HostName");
    domain = params_string(general, "DomainName");
    if (host == NULL || *host == '\0')
        return postern_fail(error,
                            POSTERN_ERROR_CONFLICT,
                            "the device has no host name: give common-name, or name it first with "
                            "amt.general.set; nothing was changed");
    e->common_name =
        domain != NULL && *domain != '\0' ? g_strconcat(host, ".", domain, NULL) : g_strdup(host);
    return TRUE;
}

static gboolean
prepare(Enrolment *e, WsMan *ws, GError **error)
{
    if (!read_name(e, ws, error) || !amt_tls_read(ws, &e->tls, error) ||
        !amt_store_read(ws, &e->before, AMT_STORE_ALL, error))
        return FALSE;
    e->shown = amt_store_tls(&e->before);
    return TRUE;
}

/* ---- making ---- */

static gboolean
make_certificate(Enrolment *e, WsMan *ws, GError **error)
{
    g_auto(AmtStore) store = {0};
    g_autoptr(GBytes) request = NULL;
    g_autoptr(GBytes) der = NULL;
    const AmtPair *pair;

    e->key_id = amt_key_make(e->amt, e->run, ws, params_uint(e->params, "bits", 2048), error);
    if (e->key_id == NULL || !amt_store_read(ws, &store, AMT_STORE_PAIRS, error))
        return FALSE;
    pair = amt_store_pair(&store, amt_handle_of(e->key_id));
    if (pair == NULL || pair->key.id == NULL)
        return postern_fail(error,
                            POSTERN_ERROR_PROTOCOL,
                            "the device made key pair %s and does not show its public part",
                            e->key_id);
    request = amt_request_sign(ws,
                               pair,
                               e->common_name,
                               params_string(e->params, "organization"),
                               (const char *const *)e->names,
                               error);
    if (request == NULL)
        return FALSE;
    der = amt_ca_issue(e->ca,
                       request,
                       params_uint(e->params, "days", 365),
                       params_bool(e->params, "client", FALSE),
                       now_seconds(),
                       error);
    if (der != NULL)
        e->certificate = amt_x509_read(g_bytes_get_data(der, NULL), g_bytes_get_size(der), error);
    return e->certificate != NULL;
}

static gboolean
add_certificates(Enrolment *e, WsMan *ws, GError **error)
{
    gboolean added = FALSE;
    const AmtX509 *ca = amt_ca_certificate(e->ca);

    /* what is no root cannot be trusted as one: it goes along as the link between */
    if (params_bool(e->params, "add-root", TRUE) &&
        amt_store_fingerprint(&e->before, ca->sha256) == NULL) {
        e->root_id = amt_store_add(ws, ca->der, ca->self_signed, &e->root_added, error);
        if (e->root_id == NULL)
            return FALSE;
    }
    e->certificate_id = amt_store_add(ws, e->certificate->der, FALSE, &added, error);
    return e->certificate_id != NULL;
}

static gboolean
switch_over(Enrolment *e, WsMan *ws, GError **error)
{
    AmtTlsSide wanted = e->tls.remote;

    if (!amt_tls_bind(ws, e->before.has_context, e->certificate_id, error))
        return FALSE;
    e->bound = TRUE;
    wanted.enabled = TRUE;
    if (!e->tls.remote.enabled) {
        /* plain stays until somebody takes it away who has seen TLS work */
        wanted.plain = wanted.plain_supported;
        if (!amt_tls_put(ws, &wanted, error))
            return FALSE;
        e->settings = TRUE;
    }
    e->committed = TRUE; /* as far as we know: an answer may get lost */
    return amt_commit(ws, error);
}

/* ---- and back ---- */

static void
note_left(GString *left, const char *what, guint32 handle)
{
    g_string_append_printf(left, "%s%s %u", left->len > 0 ? ", " : "", what, handle);
}

static gboolean
undo_binding(const Enrolment *e, WsMan *ws)
{
    if (e->settings && !amt_tls_put(ws, &e->tls.remote, NULL))
        return FALSE;
    if (e->shown != NULL)
        return amt_tls_bind(ws, TRUE, e->shown->id, NULL);
    return wsman_delete(ws, "AMT_TLSCredentialContext", NULL, NULL);
}

static gboolean
was_there(const GPtrArray *before, gboolean pairs, const char *id)
{
    for (guint i = 0; i < before->len; i++) {
        const char *known = pairs ? ((const AmtPair *)before->pdata[i])->id
                                  : ((const AmtHeld *)before->pdata[i])->id;
        if (g_strcmp0(known, id) == 0)
            return TRUE;
    }
    return FALSE;
}

/* Looked at, not remembered: an answer that got lost may have made something, too. */
static gboolean
find_left(const Enrolment *e, WsMan *ws, GString *left)
{
    g_auto(AmtStore) now = {0};

    if (!amt_store_read(ws, &now, AMT_STORE_PAIRS, NULL))
        return FALSE;
    for (guint i = 0; i < now.certificates->len; i++) {
        const AmtHeld *held = now.certificates->pdata[i];
        if (!was_there(e->before.certificates, FALSE, held->id))
            note_left(left, "certificate", held->handle);
    }
    for (guint i = 0; i < now.pairs->len; i++) {
        const AmtPair *pair = now.pairs->pdata[i];
        if (!was_there(e->before.pairs, TRUE, pair->id))
            note_left(left, "key pair", pair->handle);
    }
    return TRUE;
}

/* The certificate can go only when nothing is bound to it; and a commit makes the device start its web server anew, so
 * that what follows must not be on its way meanwhile. */
static WsMan *
unbind(const Enrolment *e, gboolean *unbound)
{
    const char *sha256 = e->committed ? e->certificate->sha256 : NULL;
    g_autoptr(WsMan) ws = amt_reopen(e->amt, e->run, e->params, sha256);

    *unbound = !e->bound || (ws != NULL && undo_binding(e, ws));
    if (ws == NULL || !e->committed)
        return g_steal_pointer(&ws);
    *unbound = amt_commit(ws, NULL) && *unbound;
    e->amt->svc.run->sleep(e->run, SETTLE_MS, NULL);
    return amt_reopen(e->amt, e->run, e->params, sha256);
}

/* What was made goes, as far as it does; what is left then, in words, the caller's. */
static char *
clean_up(const Enrolment *e)
{
    g_autoptr(GString) left = g_string_new(NULL);
    gboolean unbound;
    g_autoptr(WsMan) ws = unbind(e, &unbound);

    if (ws == NULL)
        return g_strdup("the certificate was not put in place, and the device could not be reached "
                        "to take back "
                        "what was made");
    if (e->certificate_id != NULL)
        wsman_delete(ws, AMT_CERTIFICATE, amt_by_id(e->certificate_id), NULL);
    if (e->root_id != NULL && e->root_added)
        wsman_delete(ws, AMT_CERTIFICATE, amt_by_id(e->root_id), NULL);
    if (e->key_id != NULL)
        wsman_delete(ws, AMT_KEY_PAIR, amt_by_id(e->key_id), NULL);
    if (!find_left(e, ws, left))
        g_string_assign(left, "what cannot be told, as it could not be read");
    if (unbound && left->len == 0)
        return g_strdup("the certificate was not put in place, and the device is as before");
    return g_strdup_printf(
        "the certificate was not put in place, and this is left in the device: %s%s%s",
        unbound ? "" : "the binding of TLS",
        unbound || left->len == 0 ? "" : ", ",
        left->str);
}

/* ---- the old one ---- */

/* Only what nothing uses any more, and only when that was asked for. */
static gboolean
remove_old(const Enrolment *e, WsMan *ws, GError **error)
{
    const AmtPair *pair;

    if (!params_bool(e->params, "remove-old", FALSE) || e->shown == NULL || e->shown->read_only ||
        e->shown->uses != AMT_USE_TLS)
        return TRUE;
    pair = e->shown->x509 != NULL ? amt_store_pair_of(&e->before, e->shown->x509) : NULL;
    return wsman_delete(ws, AMT_CERTIFICATE, amt_by_id(e->shown->id), error) &&
           (pair == NULL || wsman_delete(ws, AMT_KEY_PAIR, amt_by_id(pair->id), error));
}

/* What amt.identify would find now. */
static void
observe(const Enrolment *e)
{
    PosternResult facts;

    result_begin(&facts);
    result_string(&facts, "amt.certificate", e->certificate->sha256);
    amt_observe(e->amt, e->run, result_end(&facts));
}

static GVariant *
finish(const Enrolment *e, GError **error)
{
    g_autoptr(WsMan) ws = amt_open_pinned(e->amt, e->run, e->params, e->certificate->sha256, error);
    g_auto(AmtStore) store = {0};
    const AmtHeld *bound;
    PosternResult result;

    if (ws == NULL || !amt_store_read(ws, &store, AMT_STORE_USES, error))
        return NULL;
    bound = amt_store_tls(&store);
    if (bound == NULL || g_strcmp0(bound->id, e->certificate_id) != 0) {
        postern_fail(
            error,
            POSTERN_ERROR_CONFLICT,
            "the device shows the new certificate and says that it uses another; nothing more "
            "was changed");
        return NULL;
    }
    if (!remove_old(e, ws, error))
        return NULL;
    observe(e);
    result_begin(&result);
    result_uint(&result, "certificate", bound->handle);
    result_uint(&result, "key", amt_handle_of(e->key_id));
    result_string(&result, "subject", e->certificate->subject);
    result_string(&result, "issuer", e->certificate->issuer);
    amt_result_time(&result, "not-after", e->certificate->not_after);
    result_string(&result, "sha256", e->certificate->sha256);
    result_bool(&result, "root-added", e->root_added);
    return result_end(&result);
}

static gboolean
enroll(Enrolment *e, WsMan *ws, GError **error)
{
    return make_certificate(e, ws, error) && add_certificates(e, ws, error) &&
           switch_over(e, ws, error) &&
           amt_tls_prove(e->amt, e->run, e->params, e->certificate->sha256, error);
}

static GVariant *
run_enroll(PosternRun *run, GVariant *params, gpointer self, GError **error)
{
    g_auto(Enrolment) e = {.amt = self, .run = run, .params = params};
    g_autoptr(GError) why = NULL;
    g_autoptr(WsMan) ws = NULL;
    g_autofree char *outcome = NULL;

    if (!check_numbers(&e, error) || !load_ca(&e, error))
        return NULL;
    ws = amt_open(self, run, params, error);
    if (ws == NULL || !prepare(&e, ws, error))
        return NULL;
    if (enroll(&e, ws, &why))
        return finish(&e, error);
    outcome = clean_up(&e);
    g_propagate_prefixed_error(error, g_steal_pointer(&why), "%s: ", outcome);
    return NULL;
}

/* clang-format off */
static const PosternField *const enroll_params[] = {
    POSTERN_FIELD_ITEM(.name = "ca-file", .type = "s", .format = "file", .flags = POSTERN_FIELD_REQUIRED,
                       .summary = "certificate of the authority that signs, PEM or DER"),
    POSTERN_FIELD_ITEM(.name = "ca-key-file", .type = "s", .format = "file", .flags = POSTERN_FIELD_REQUIRED,
                       .summary = "its private key, PEM"),
    POSTERN_FIELD_ITEM(.name = "ca-key-password", .type = "s", .flags = POSTERN_FIELD_SECRET, .summary = "password of that key"),
    POSTERN_FIELD_ITEM(.name = "common-name", .type = "s", .summary = "name of the machine; without it the FQDN that the device has"),
    POSTERN_FIELD_ITEM(.name = "organization", .type = "s", .summary = "whose it is"),
    POSTERN_FIELD_ITEM(.name = "names", .type = "as", .summary = "all DNS names; without it the common name alone"),
    POSTERN_FIELD_ITEM(.name = "days", .type = "u", .fallback = "365", .summary = "how long it holds; not longer than the authority itself"),
    POSTERN_FIELD_ITEM(.name = "bits", .type = "u", .fallback = "2048", .summary = "length of the RSA key: 2048 or 3072"),
    POSTERN_FIELD_ITEM(.name = "client", .type = "b", .fallback = "false", .summary = "for clients, too, as 802.1X wants it"),
    POSTERN_FIELD_ITEM(.name = "add-root", .type = "b", .fallback = "true", .summary = "put the authority's certificate into the device as well"),
    POSTERN_FIELD_ITEM(.name = "remove-old", .type = "b", .fallback = "false",
                       .summary = "in the end remove the certificate and key that TLS used before"),
    AMT_COMMON_PARAMS,
    NULL,
};
static const PosternField *const enroll_outputs[] = {
    POSTERN_FIELD_ITEM(.name = "certificate", .type = "u", .flags = POSTERN_FIELD_REQUIRED, .summary = "handle of the new certificate"),
    POSTERN_FIELD_ITEM(.name = "key", .type = "u", .flags = POSTERN_FIELD_REQUIRED, .summary = "handle of its key pair"),
    POSTERN_FIELD_ITEM(.name = "subject", .type = "s", .flags = POSTERN_FIELD_REQUIRED, .summary = "whom it names"),
    POSTERN_FIELD_ITEM(.name = "issuer", .type = "s", .flags = POSTERN_FIELD_REQUIRED, .summary = "who signed it"),
    POSTERN_FIELD_ITEM(.name = "not-after", .type = "s", .format = "datetime", .summary = "when it ends"),
    POSTERN_FIELD_ITEM(.name = "sha256", .type = "s", .flags = POSTERN_FIELD_REQUIRED, .summary = "its fingerprint, for tls-pin"),
    POSTERN_FIELD_ITEM(.name = "root-added", .type = "b", .flags = POSTERN_FIELD_REQUIRED, .summary = "the authority's certificate was put there, too"),
    NULL,
};

const PosternTask amt_tls_enroll_task = {
    .size = sizeof(PosternTask),
    .flags = POSTERN_TASK_DISRUPTIVE,
    .version = 1,
    .timeout_ms = 420000,
    .id = "amt.tls.enroll",
    .summary = "give the device a certificate of your own authority for TLS",
    .details = "Makes a key pair in the device, lets it sign a request, signs that with the authority, adds the certificate, binds TLS to it, "
               "commits, and connects anew to see it. When a step fails, what was made is taken back. Switches TLS on where it is off; plain "
               "connections stay as they are: amt.tls.set accept-plain=no. Least realm: PT Administration.",
    .params = enroll_params,
    .outputs = enroll_outputs,
    .credentials = amt_credentials,
    .run = run_enroll,
};
/* clang-format on */
