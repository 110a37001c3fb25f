/* SPDX-License-Identifier: Apache-2.0 */
#include "amt-tls.h"

#include <string.h>

/* The web server of a device starts anew after a commit. */
enum { TRIES = 30, PATIENCE_MS = 30000, AGAIN_MS = 1000, FIRST_MS = 500 };

static const char settings_class[] = "AMT_TLSSettingData";
static const char context_class[] = "AMT_TLSCredentialContext";

static void
side_clear(AmtTlsSide *side)
{
    g_free(side->id);
    g_strfreev(side->names);
}

void
amt_tls_clear(AmtTls *tls)
{
    side_clear(&tls->remote);
    side_clear(&tls->local);
    memset(tls, 0, sizeof *tls);
}

/* ---- reading ---- */

static void
read_side(AmtTlsSide *side, GVariant *values)
{
    g_autoptr(GVariant) supported = params_value(values, "NonSecureConnectionsSupported", "b");
    char **names = params_strv(values, "TrustedCN");

    side_clear(side);
    side->id = g_strdup(params_string(values, "InstanceID"));
    side->enabled = params_bool(values, "Enabled", FALSE);
    side->mutual = params_bool(values, "MutualAuthentication", FALSE);
    side->plain = params_bool(values, "AcceptNonSecureConnections", !side->enabled);
    side->knows_plain = supported != NULL;
    side->plain_supported = supported == NULL || g_variant_get_boolean(supported);
    /* an empty element is how some write "none" */
    if (names != NULL && (names[0] == NULL || (names[0][0] == '\0' && names[1] == NULL)))
        g_clear_pointer(&names, g_strfreev);
    side->names = names;
}

/* By name, not by place. */
static gboolean
take_settings(const WsmanItem *item, gpointer data, GError **error)
{
    AmtTls *tls = data;
    const char *id = params_string(item->values, "InstanceID");

    if (id != NULL && strstr(id, "802.3") != NULL)
        read_side(&tls->remote, item->values);
    else if (id != NULL && strstr(id, "LMS") != NULL)
        read_side(&tls->local, item->values);
    return TRUE;
}

gboolean
amt_tls_read(WsMan *ws, AmtTls *tls, GError **error)
{
    memset(tls, 0, sizeof *tls);
    if (!wsman_enumerate(ws, settings_class, FALSE, take_settings, tls, error))
        return FALSE;
    return tls->remote.id != NULL ||
           postern_fail(
               error,
               POSTERN_ERROR_NOT_SUPPORTED,
               "the device has no TLS settings for the network: this firmware may be one without "
               "cryptography");
}

static gboolean
same_names(char **a, char **b)
{
    if (a == NULL || b == NULL)
        return a == b;
    return g_strv_equal((const char *const *)a, (const char *const *)b);
}

gboolean
amt_tls_same(const AmtTlsSide *a, const AmtTlsSide *b)
{
    return a->enabled == b->enabled && a->mutual == b->mutual && a->plain == b->plain &&
           same_names(a->names, b->names);
}

/* ---- changing ---- */

gboolean
amt_tls_put(WsMan *ws, const AmtTlsSide *wanted, GError **error)
{
    PosternResult values;
    g_autoptr(GVariant) stored = NULL;

    result_begin(&values);
    result_bool(&values, "Enabled", wanted->enabled);
    result_bool(&values, "MutualAuthentication", wanted->mutual);
    result_bool(&values, "AcceptNonSecureConnections", wanted->plain);
    result_value(&values,
                 "TrustedCN",
                 wanted->names != NULL ? g_variant_new_strv((const char *const *)wanted->names, -1)
                                       : g_variant_new_maybe(G_VARIANT_TYPE_VARIANT, NULL));
    stored =
        wsman_put(ws, settings_class, amt_by_id(wanted->id), result_end(&values), FALSE, error);
    return stored != NULL;
}

static GVariant *
binding(const char *certificate_id)
{
    PosternResult values;

    result_begin(&values);
    result_value(&values,
                 "ElementInContext",
                 wsman_epr(AMT_CERTIFICATE, "InstanceID", certificate_id, NULL));
    result_value(&values,
                 "ElementProvidingContext",
                 wsman_epr("AMT_TLSProtocolEndpointCollection",
                           "ElementName",
                           "TLSProtocolEndpoint Instances Collection",
                           NULL));
    return result_end(&values);
}

/* Releases differ in whether the first is made or changed, and some list none and have one. */
gboolean
amt_tls_bind(WsMan *ws, gboolean has_context, const char *certificate_id, GError **error)
{
    g_autoptr(GError) why = NULL;
    g_autoptr(GVariant) made = NULL;

    if (!has_context) {
        made = wsman_create(ws, context_class, binding(certificate_id), &why);
        if (made != NULL)
            return TRUE;
        if (g_strcmp0(wsman_fault(ws), "AlreadyExists") != 0) {
            g_propagate_error(error, g_steal_pointer(&why));
            return FALSE;
        }
    }
    made = wsman_put(ws, context_class, NULL, binding(certificate_id), TRUE, error);
    return made != NULL;
}

gboolean
amt_commit(WsMan *ws, GError **error)
{
    g_autoptr(GVariant) outputs =
        wsman_call(ws, "AMT_SetupAndConfigurationService", NULL, "CommitChanges", NULL, error);

    return outputs != NULL;
}

/* ---- proof ---- */

/* A handshake alone does not tell whether our certificate was taken: a device that refuses it says so afterwards. */
static gboolean
ask_over(const PosternStreamSvc *svc, PosternStream *stream, guint32 timeout_ms, GError **error)
{
    static const char request[] = "GET / HTTP/1.1\r\nHost: amt\r\nConnection: close\r\n\r\n";
    char answer[16];
    gssize length;

    if (!svc->write(stream, request, strlen(request), timeout_ms, error))
        return FALSE;
    length = svc->read(stream, answer, sizeof answer, timeout_ms, error);
    if (length < 0)
        return FALSE;
    /* old TLS may send the first byte in a record of its own */
    return (length > 0 && memcmp(answer, "HTTP", (gsize)MIN(length, 4)) == 0) ||
           postern_fail(error,
                        POSTERN_ERROR_UNREACHABLE,
                        "the TLS port took the connection and closed it without an answer");
}

static gboolean
prove_once(const Amt *amt, PosternRun *run, GVariant *options, guint32 port, GError **error)
{
    const PosternStreamSvc *svc = amt->svc.stream;
    PosternStream *stream = svc->connect(run, NULL, port, options, error);
    gboolean fine;

    if (stream == NULL)
        return FALSE;
    fine = ask_over(svc, stream, amt->timeout_ms, error);
    svc->close(stream);
    return fine;
}

/* What is not so yet may become so; what ends the run ends the waiting. */
static gboolean
prove(const Amt *amt, PosternRun *run, GVariant *given, guint32 port, GError **error)
{
    g_autoptr(GVariant) options = given != NULL ? g_variant_ref_sink(given) : NULL;
    gint64 until = g_get_monotonic_time() + PATIENCE_MS * 1000;
    g_autoptr(GError) why = NULL;

    if (!amt->svc.run->sleep(run, FIRST_MS, error))
        return FALSE;
    for (guint i = 1; !prove_once(amt, run, options, port, &why); i++) {
        /* a port that is silent uses the time up by itself */
        if (i == TRIES || g_get_monotonic_time() > until || amt->svc.run->cancelled(run)) {
            g_propagate_error(error, g_steal_pointer(&why));
            return FALSE;
        }
        g_clear_error(&why);
        if (!amt->svc.run->sleep(run, AGAIN_MS, error))
            return FALSE;
    }
    return TRUE;
}

gboolean
amt_tls_prove(const Amt *amt, PosternRun *run, GVariant *params, const char *sha256, GError **error)
{
    amt->svc.run->progress(run, -1, "connecting anew over TLS");
    return prove(amt, run, amt_pinned_stream_options(amt, params, sha256), amt->tls_port, error);
}

gboolean
amt_plain_prove(const Amt *amt, PosternRun *run, GError **error)
{
    amt->svc.run->progress(run, -1, "connecting anew without TLS");
    return prove(amt, run, NULL, amt->port, error);
}

static gboolean
answers(WsMan *ws)
{
    g_auto(AmtTls) tls = {0};

    return ws != NULL && amt_tls_read(ws, &tls, NULL);
}

WsMan *
amt_reopen(const Amt *amt, PosternRun *run, GVariant *params, const char *sha256)
{
    g_autoptr(WsMan) usual = amt_open(amt, run, params, NULL);
    g_autoptr(WsMan) pinned = NULL;

    if (answers(usual))
        return g_steal_pointer(&usual);
    pinned = sha256 != NULL ? amt_open_pinned(amt, run, params, sha256, NULL) : NULL;
    return answers(pinned) ? g_steal_pointer(&pinned) : NULL;
}
