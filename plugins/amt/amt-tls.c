/* SPDX-License-Identifier: Apache-2.0 */
/*
 * amt.tls.get and amt.tls.set.
 *
 * Whoever changes how a device is reached may lock himself out. So the port that we came by is closed last, and only after a
 * new connection by the other has proved that it works; what did not prove itself is put back.
 */
#include "amt-tls.h"

#include <string.h>

enum { FILE_MOST = 65536, NAMES_MOST = 4 };

/* ---- reading ---- */

static void
add_side(PosternResult *result, const char *prefix, const AmtTlsSide *side)
{
    const struct {
        const char *name;
        gboolean value;
    } flags[] = {
        {"enabled", side->enabled}, {"mutual", side->mutual}, {"accept-plain", side->plain}};

    if (side->id == NULL)
        return;
    for (guint i = 0; i < G_N_ELEMENTS(flags); i++) {
        g_autofree char *name = g_strconcat(prefix, flags[i].name, NULL);
        result_bool(result, name, flags[i].value);
    }
    if (side->names != NULL) {
        g_autofree char *name = g_strconcat(prefix, "trusted-names", NULL);
        result_value(result, name, g_variant_new_strv((const char *const *)side->names, -1));
    }
}

static GVariant *
describe(const AmtTls *tls, const AmtHeld *bound, GVariant *more)
{
    PosternResult result;
    GVariantIter iter;
    const char *name;
    GVariant *value;

    result_begin(&result);
    add_side(&result, "", &tls->remote);
    add_side(&result, "local-", &tls->local);
    if (tls->remote.knows_plain)
        result_bool(&result, "plain-supported", tls->remote.plain_supported);
    if (bound != NULL) {
        result_uint(&result, "certificate", bound->handle);
        result_string(&result,
                      "certificate-subject",
                      bound->x509 != NULL ? bound->x509->subject : bound->device_subject);
        result_string(
            &result, "certificate-sha256", bound->x509 != NULL ? bound->x509->sha256 : NULL);
    }
    if (more == NULL)
        return result_end(&result);
    g_variant_iter_init(&iter, more);
    while (g_variant_iter_loop(&iter, "{&sv}", &name, &value))
        result_value(&result, name, value);
    return result_end(&result);
}

static const char *
port_word(const GError *why)
{
    switch (why->code) {
    case POSTERN_ERROR_REFUSED:
        return "closed";
    case POSTERN_ERROR_TIMEOUT:
        return "silent";
    case POSTERN_ERROR_TLS:
        return "no-handshake";
    default:
        return "unreachable";
    }
}

/* What a visitor meets: the handshake of the TLS port, and which ports there are. NULL with `error`: the run is to end. */
static GVariant *
look_from_outside(const Amt *amt, PosternRun *run, GVariant *params, GError **error)
{
    const PosternStreamSvc *svc = amt->svc.stream;
    const char *plain = amt_port_state(amt, run, amt->port, error);
    g_autoptr(GError) why = NULL;
    g_autoptr(GVariant) info = NULL;
    PosternStream *stream;
    PosternResult result;

    if (plain == NULL)
        return NULL;
    stream =
        svc->connect(run, NULL, amt->tls_port, amt_pinned_stream_options(amt, params, NULL), &why);
    if (stream == NULL && amt->svc.run->cancelled(run)) {
        g_propagate_error(error, g_steal_pointer(&why));
        return NULL;
    }
    result_begin(&result);
    result_string(&result, "plain-port", plain);
    result_string(&result, "tls-port", stream != NULL ? "open" : port_word(why));
    if (stream != NULL) {
        info = svc->info(stream);
        result_string(&result, "version", params_string(info, "tls-version"));
        result_string(&result, "cipher", params_string(info, "tls-cipher"));
        result_string(&result, "shown-sha256", params_string(info, "certificate-sha256"));
        svc->close(stream);
    }
    return g_variant_ref_sink(result_end(&result));
}

static GVariant *
run_get(PosternRun *run, GVariant *params, gpointer self, GError **error)
{
    g_autoptr(WsMan) ws = amt_open(self, run, params, error);
    g_auto(AmtTls) tls = {0};
    g_auto(AmtStore) store = {0};
    g_autoptr(GVariant) outside = NULL;

    if (ws == NULL || !amt_tls_read(ws, &tls, error) ||
        !amt_store_read(ws, &store, AMT_STORE_USES, error))
        return NULL;
    outside = look_from_outside(self, run, params, error);
    return outside != NULL ? describe(&tls, amt_store_tls(&store), outside) : NULL;
}

/* ---- what is wanted ---- */

typedef struct {
    const Amt *amt;
    PosternRun *run;
    GVariant *params;
    AmtTls now, wanted;
    AmtStore store;
    const AmtHeld *bound; /* what TLS shows now; NULL: nothing */
    const AmtHeld *shown; /* what it is to show */
    gboolean by_tls;      /* how we came */
    gboolean touched;     /* the device took something of it */
} Change;

static void
change_clear(Change *change)
{
    amt_tls_clear(&change->now);
    amt_tls_clear(&change->wanted);
    amt_store_clear(&change->store);
}
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC(Change, change_clear)

static void
read_side(AmtTlsSide *wanted, const AmtTlsSide *now, GVariant *params, const char *prefix)
{
    g_autofree char *enabled = g_strconcat(prefix, "enabled", NULL);
    g_autofree char *mutual = g_strconcat(prefix, "mutual", NULL);
    g_autofree char *plain = g_strconcat(prefix, "accept-plain", NULL);
    g_autofree char *names = g_strconcat(prefix, "trusted-names", NULL);
    char **given = params_strv(params, names);

    *wanted = *now;
    wanted->id = g_strdup(now->id);
    wanted->enabled = params_bool(params, enabled, now->enabled);
    wanted->mutual = params_bool(params, mutual, now->mutual);
    wanted->plain = params_bool(params, plain, now->plain);
    wanted->names = given != NULL ? given : g_strdupv(now->names);
    if (wanted->names != NULL && wanted->names[0] == NULL)
        g_clear_pointer(&wanted->names, g_strfreev);
}

static gboolean
read_certificate(Change *change, GError **error)
{
    guint32 handle = params_uint(change->params, "certificate", G_MAXUINT32);

    change->bound = change->shown = amt_store_tls(&change->store);
    if (handle == G_MAXUINT32)
        return TRUE;
    change->shown = amt_store_handle(&change->store, handle);
    if (change->shown == NULL || change->shown->x509 == NULL)
        return postern_fail(error,
                            POSTERN_ERROR_BAD_PARAM,
                            "there is no certificate %u in the device that can be read: "
                            "amt.certificate.list shows those that are",
                            handle);
    return change->shown->read_only ||
           amt_store_pair_of(&change->store, change->shown->x509) != NULL ||
           postern_fail(
               error,
               POSTERN_ERROR_BAD_PARAM,
               "certificate %u (%s) has no key pair in the device, so that TLS cannot show it",
               handle,
               change->shown->x509->subject);
}

/* NULL: there is none, or the device's bytes are no certificate, so that no connection can be told by it. */
static const char *
shown_sha256(const Change *change)
{
    return change->shown != NULL && change->shown->x509 != NULL ? change->shown->x509->sha256
                                                                : NULL;
}

/* ---- what is refused ---- */

static gboolean
check_sense(const Change *change, GError **error)
{
    const AmtTlsSide *remote = &change->wanted.remote;

    if (change->wanted.local.id == NULL && !amt_tls_same(&change->wanted.local, &change->now.local))
        return postern_fail(error,
                            POSTERN_ERROR_NOT_SUPPORTED,
                            "this firmware has no TLS settings for the local interface");
    if (!remote->plain_supported && (remote->plain || !remote->enabled) &&
        !amt_tls_same(remote, &change->now.remote))
        return postern_fail(
            error,
            POSTERN_ERROR_NOT_SUPPORTED,
            "this firmware has TLS and nothing else on the network: plain connections "
            "cannot be had; nothing was changed");
    if (!remote->enabled && !remote->plain)
        return postern_fail(
            error,
            POSTERN_ERROR_BAD_PARAM,
            "without TLS and without plain connections nobody would reach the device: "
            "nothing was changed");
    if (remote->names != NULL && g_strv_length(remote->names) > NAMES_MOST)
        return postern_fail(error,
                            POSTERN_ERROR_BAD_PARAM,
                            "%u trusted names are given, a device takes %d at most",
                            g_strv_length(remote->names),
                            NAMES_MOST);
    return !remote->enabled || shown_sha256(change) != NULL ||
           postern_fail(
               error,
               POSTERN_ERROR_CONFLICT,
               "TLS has no certificate to show%s: amt.tls.enroll makes one, or name one with "
               "certificate=; nothing was changed",
               change->shown != NULL ? " that can be read" : "");
}

/* The certificate that we would show, or NULL: none is configured. */
static GPtrArray *
read_own(const Change *change, GError **error)
{
    g_autoptr(GVariant) options =
        g_variant_ref_sink(amt_pinned_stream_options(change->amt, change->params, NULL));
    const char *path = params_string(options, "tls-certificate-file");
    g_autoptr(GBytes) content = NULL;

    if (path == NULL) {
        postern_fail(
            error,
            POSTERN_ERROR_CONFLICT,
            "with mutual TLS the device would no longer let this host in: name a certificate "
            "and its key for postern first, "
            "tls-certificate-file= and tls-key-file=; nothing was changed");
        return NULL;
    }
    content = amt_file_read(change->amt, change->run, path, FILE_MOST, error);
    return content != NULL ? amt_x509_read_all(content) : NULL;
}

static gboolean
vouches(const AmtStore *store, const GPtrArray *own)
{
    for (guint i = 0; i < store->certificates->len; i++) {
        const AmtHeld *held = store->certificates->pdata[i];
        for (guint n = 0; held->root && held->x509 != NULL && n < own->len; n++)
            if (amt_x509_issued_by(own->pdata[n], held->x509))
                return TRUE;
    }
    return FALSE;
}

static gboolean
has_root(const AmtStore *store)
{
    for (guint i = 0; i < store->certificates->len; i++)
        if (((const AmtHeld *)store->certificates->pdata[i])->root)
            return TRUE;
    return FALSE;
}

/* Everything for which a device turns a client away. */
static gboolean
check_mutual(const Change *change, GError **error)
{
    const AmtTlsSide *remote = &change->wanted.remote;
    g_autoptr(GPtrArray) own = NULL;
    const AmtX509 *leaf;

    if (!has_root(&change->store))
        return postern_fail(
            error,
            POSTERN_ERROR_CONFLICT,
            "the device has no trusted root, so that mutual TLS would let nobody in: "
            "amt.certificate.add kind=root; nothing was changed");
    own = read_own(change, error);
    if (own == NULL)
        return FALSE;
    leaf = own->len > 0 ? own->pdata[0] : NULL;
    if (leaf == NULL || !leaf->for_console)
        return postern_fail(error,
                            POSTERN_ERROR_CONFLICT,
                            "%s: a device takes clients' certificates with the extended key usages "
                            "clientAuth and 2.16.840.1.113741.1.2.1 only; nothing was changed",
                            leaf != NULL ? leaf->subject
                                         : "tls-certificate-file has no certificate");
    if (remote->names != NULL &&
        (leaf->common_name == NULL ||
         !g_strv_contains((const char *const *)remote->names, leaf->common_name)))
        return postern_fail(
            error,
            POSTERN_ERROR_CONFLICT,
            "the common name of our own certificate (%s) is not among the trusted names, so "
            "that the device would no longer let this host in; nothing was changed",
            leaf->subject);
    return vouches(&change->store, own) ||
           postern_fail(error,
                        POSTERN_ERROR_CONFLICT,
                        "no trusted root in the device issued our own certificate (%s, by %s): "
                        "amt.certificate.add kind=root; nothing was changed",
                        leaf->subject,
                        leaf->issuer);
}

/* To give up TLS, plain must work already, and be allowed to us. */
static gboolean
check_way_back(const Change *change, GError **error)
{
    const char *state;

    if (change->wanted.remote.enabled || !change->by_tls)
        return TRUE;
    if (g_strcmp0(amt_tls_policy(change->amt, change->params), "require") == 0)
        return postern_fail(
            error,
            POSTERN_ERROR_CONFLICT,
            "postern may reach this device over TLS only (tls=require), which is what would be "
            "switched off; nothing was changed");
    state = amt_port_state(change->amt, change->run, change->amt->port, error);
    if (state == NULL)
        return FALSE;
    return g_str_equal(state, "open") ||
           postern_fail(
               error,
               POSTERN_ERROR_CONFLICT,
               "this was asked for over TLS, and the plain port %u is %s: switch it on first, "
               "accept-plain=yes, and see that it works; nothing was changed",
               change->amt->port,
               state);
}

static gboolean
check_change(const Change *change, GError **error)
{
    const AmtTlsSide *remote = &change->wanted.remote;
    gboolean asks = remote->enabled && remote->mutual && !amt_tls_same(remote, &change->now.remote);

    return check_sense(change, error) && (!asks || check_mutual(change, error)) &&
           check_way_back(change, error);
}

/* ---- changing ---- */

static gboolean
took(Change *change, gboolean fine)
{
    change->touched = change->touched || fine;
    return fine;
}

static gboolean
apply(WsMan *ws, Change *change, const AmtTlsSide *remote, GError **error)
{
    if (change->shown != change->bound &&
        !took(change, amt_tls_bind(ws, change->store.has_context, change->shown->id, error)))
        return FALSE;
    if (change->wanted.local.id != NULL &&
        !amt_tls_same(&change->wanted.local, &change->now.local) &&
        !took(change, amt_tls_put(ws, &change->wanted.local, error)))
        return FALSE;
    if (!amt_tls_same(remote, &change->now.remote) && !took(change, amt_tls_put(ws, remote, error)))
        return FALSE;
    return amt_commit(ws, error);
}

static gboolean
prove(const Change *change, GError **error)
{
    if (change->wanted.remote.enabled)
        return amt_tls_prove(change->amt, change->run, change->params, shown_sha256(change), error);
    return amt_plain_prove(change->amt, change->run, error);
}

/* As it was, by whichever way still leads there. */
static gboolean
put_back(const Change *change)
{
    g_autoptr(WsMan) ws =
        amt_reopen(change->amt, change->run, change->params, shown_sha256(change));
    gboolean fine = ws != NULL;

    if (fine && change->shown != change->bound && change->bound != NULL)
        fine = amt_tls_bind(ws, TRUE, change->bound->id, NULL);
    if (fine && change->now.local.id != NULL &&
        !amt_tls_same(&change->wanted.local, &change->now.local))
        fine = amt_tls_put(ws, &change->now.local, NULL);
    if (fine)
        fine = amt_tls_put(ws, &change->now.remote, NULL) && amt_commit(ws, NULL);
    return fine;
}

/* FALSE, with what became of it. Takes `why`. */
static gboolean
give_up(const Change *change, const char *what, GError *why, GError **error)
{
    gboolean back = !change->amt->svc.run->cancelled(change->run) && put_back(change);

    g_propagate_prefixed_error(error,
                               why,
                               "%s; %s: ",
                               what,
                               back ? "all was put back as it was"
                                    : "it could not be put back, so look at the device itself");
    return FALSE;
}

static gboolean
prove_or_put_back(const Change *change, GError **error)
{
    GError *why = NULL;

    if (prove(change, &why))
        return TRUE;
    return give_up(change,
                   change->wanted.remote.enabled
                       ? "the device took the settings, and TLS did not prove to work"
                       : "the device took the settings, and the plain port did not prove to work",
                   why,
                   error);
}

static gboolean
apply_or_put_back(WsMan *ws, Change *change, const AmtTlsSide *remote, GError **error)
{
    GError *why = NULL;

    if (apply(ws, change, remote, &why))
        return TRUE;
    /* what was not answered may have been taken */
    if (change->touched || amt_is_lost(ws, why))
        return give_up(change, "the device did not take all of the settings", why, error);
    g_propagate_error(error, why);
    return FALSE;
}

/* The plain port last. */
static gboolean
close_plain(Change *change, GError **error)
{
    g_autoptr(WsMan) ws =
        amt_open_pinned(change->amt, change->run, change->params, shown_sha256(change), error);
    GError *why = NULL;

    if (ws == NULL)
        return FALSE;
    if (amt_tls_put(ws, &change->wanted.remote, &why) && amt_commit(ws, &why))
        return prove_or_put_back(change, error);
    return give_up(change, "TLS works, and the plain port was not closed", why, error);
}

/* While plain is open it stays so until TLS has proved itself. */
static gboolean
carry_out(WsMan *ws, Change *change, GError **error)
{
    AmtTlsSide first = change->wanted.remote;

    first.plain = change->wanted.remote.plain || change->now.remote.plain;
    if (!apply_or_put_back(ws, change, &first, error) || !prove_or_put_back(change, error))
        return FALSE;
    return first.plain == change->wanted.remote.plain || close_plain(change, error);
}

static GVariant *
read_back(const Change *change, GError **error)
{
    gboolean tls = change->wanted.remote.enabled;
    g_autoptr(WsMan) ws = amt_open_pinned(
        change->amt, change->run, change->params, tls ? shown_sha256(change) : NULL, error);
    g_auto(AmtTls) found = {0};
    g_auto(AmtStore) store = {0};
    const AmtHeld *bound;
    const char *what = NULL;

    if (ws == NULL || !amt_tls_read(ws, &found, error) ||
        !amt_store_read(ws, &store, AMT_STORE_USES, error))
        return NULL;
    bound = amt_store_tls(&store);
    if (!amt_tls_same(&found.remote, &change->wanted.remote))
        what = "TLS settings for the network are";
    else if (found.local.id != NULL && !amt_tls_same(&found.local, &change->wanted.local))
        what = "TLS settings for the local interface are";
    else if (change->shown != NULL && (bound == NULL || bound->handle != change->shown->handle))
        what = "choice of the TLS certificate is";
    if (what == NULL)
        return describe(&found, bound, NULL);
    postern_fail(
        error,
        POSTERN_ERROR_CONFLICT,
        "the device said yes, and its %s not what was asked for: amt.tls.get shows what is "
        "so; MEBx or a policy may hold it",
        what);
    return NULL;
}

static gboolean
prepare(Change *change, WsMan *ws, GError **error)
{
    g_autoptr(GVariant) peer = NULL;

    if (!amt_tls_read(ws, &change->now, error) ||
        !amt_store_read(ws, &change->store, AMT_STORE_ALL, error))
        return FALSE;
    peer = wsman_peer(ws);
    change->by_tls = peer != NULL && params_bool(peer, "tls", FALSE);
    read_side(&change->wanted.remote, &change->now.remote, change->params, "");
    read_side(&change->wanted.local, &change->now.local, change->params, "local-");
    return read_certificate(change, error);
}

static GVariant *
run_set(PosternRun *run, GVariant *params, gpointer self, GError **error)
{
    g_autoptr(WsMan) ws = amt_open(self, run, params, error);
    g_auto(Change) change = {.amt = self, .run = run, .params = params};

    if (ws == NULL || !prepare(&change, ws, error))
        return NULL;
    if (amt_tls_same(&change.now.remote, &change.wanted.remote) &&
        amt_tls_same(&change.now.local, &change.wanted.local) && change.shown == change.bound)
        return describe(&change.now, change.bound, NULL);
    if (!check_change(&change, error) || !carry_out(ws, &change, error))
        return NULL;
    return read_back(&change, error);
}

/* clang-format off */
#define SIDE_PARAMS(prefix, where)                                                                                  \
    POSTERN_FIELD_ITEM(.name = prefix "enabled", .type = "b", .summary = "TLS " where),                             \
    POSTERN_FIELD_ITEM(.name = prefix "mutual", .type = "b", .summary = "clients " where " must show a certificate"), \
    POSTERN_FIELD_ITEM(.name = prefix "accept-plain", .type = "b", .summary = "connections without TLS " where),    \
    POSTERN_FIELD_ITEM(.name = prefix "trusted-names", .type = "as",                                                \
                       .summary = "common names of clients " where " that are let in; none: any that a root vouches for")

static const PosternField *const get_params[] = {AMT_COMMON_PARAMS, NULL};
static const PosternField *const set_params[] = {
    SIDE_PARAMS("", "over the network"),
    SIDE_PARAMS("local-", "from the machine itself"),
    POSTERN_FIELD_ITEM(.name = "certificate", .type = "u", .summary = "what TLS shows: handle, as amt.certificate.list tells"),
    AMT_COMMON_PARAMS,
    NULL,
};

#define SETTINGS                                                                                                       \
    SIDE_PARAMS("", "over the network"),                                                                               \
    SIDE_PARAMS("local-", "from the machine itself"),                                                                  \
    POSTERN_FIELD_ITEM(.name = "plain-supported", .type = "b", .summary = "plain connections can be had; absent: not told"), \
    POSTERN_FIELD_ITEM(.name = "certificate", .type = "u", .summary = "handle of the certificate that TLS is to show"),  \
    POSTERN_FIELD_ITEM(.name = "certificate-subject", .type = "s", .summary = "whom it names"),                         \
    POSTERN_FIELD_ITEM(.name = "certificate-sha256", .type = "s", .summary = "its fingerprint")

static const PosternField *const get_outputs[] = {
    SETTINGS,
    POSTERN_FIELD_ITEM(.name = "plain-port", .type = "s", .flags = POSTERN_FIELD_REQUIRED, .summary = "open, closed, silent or unreachable"),
    POSTERN_FIELD_ITEM(.name = "tls-port", .type = "s", .flags = POSTERN_FIELD_REQUIRED,
                       .summary = "open, closed, silent, unreachable, or no-handshake"),
    POSTERN_FIELD_ITEM(.name = "version", .type = "s", .summary = "TLS version that a new connection got"),
    POSTERN_FIELD_ITEM(.name = "cipher", .type = "s", .summary = "its cipher suite"),
    POSTERN_FIELD_ITEM(.name = "shown-sha256", .type = "s", .summary = "fingerprint of the certificate that was shown"),
    NULL,
};
static const PosternField *const set_outputs[] = {SETTINGS, NULL};

const PosternTask amt_tls_get_task = {
    .size = sizeof(PosternTask),
    .flags = POSTERN_TASK_READ_ONLY | POSTERN_TASK_IDEMPOTENT,
    .version = 1,
    .id = "amt.tls.get",
    .summary = "tell the TLS settings of the device, and what its ports show",
    .details = "AMT_TLSSettingData, AMT_TLSCredentialContext, AMT_PublicKeyCertificate, and a connection of its own to each port. Least "
               "realm: PT Administration.",
    .params = get_params,
    .outputs = get_outputs,
    .credentials = amt_credentials,
    .run = run_get,
};

const PosternTask amt_tls_set_task = {
    .size = sizeof(PosternTask),
    .flags = POSTERN_TASK_DISRUPTIVE | POSTERN_TASK_IDEMPOTENT,
    .version = 1,
    .timeout_ms = 180000,
    .id = "amt.tls.set",
    .summary = "change the TLS settings of the device, and prove that it can still be reached",
    .details = "What is not named stays. After CommitChanges a new connection must show the right certificate and get an answer; else all is "
               "put back. The port that this came by is closed only after the other has proved to work. Mutual TLS needs a trusted root "
               "in the device that vouches for our own certificate. Least realm: PT Administration.",
    .params = set_params,
    .outputs = set_outputs,
    .credentials = amt_credentials,
    .run = run_set,
};
/* clang-format on */
