/* SPDX-License-Identifier: Apache-2.0 */
/* A conversation as configuration and parameters want it. */
#include "amt-needs.h"

enum { CONNECT_MS = 3000 };

/* What a task may say itself; the rest is the configuration's. */
typedef struct {
    const char *tls, *pin, *ca_file, *certificate_file, *key_file;
} Policy;

/* A key goes with the certificate that was named beside it, not with another one's. */
static void
add_own_certificate(PosternResult *options, const Amt *amt, const Policy *own)
{
    gboolean named = own->certificate_file != NULL;

    result_string(
        options, "tls-certificate-file", named ? own->certificate_file : amt->tls_certificate_file);
    result_string(options, "tls-key-file", named ? own->key_file : amt->tls_key_file);
}

static GVariant *
make_options(const Amt *amt, const Policy *own, gboolean login)
{
    PosternResult options;

    result_begin(&options);
    result_uint(&options, "port", amt->port);
    result_uint(&options, "tls-port", amt->tls_port);
    result_uint(&options, "timeout-ms", amt->timeout_ms);
    result_string(&options, "tls", own->tls != NULL ? own->tls : amt->tls);
    result_string(&options, "tls-pin", own->pin != NULL ? own->pin : amt->tls_pin);
    result_string(&options, "tls-ca-file", own->ca_file != NULL ? own->ca_file : amt->tls_ca_file);
    add_own_certificate(&options, amt, own);
    if (!login)
        result_value(&options, "credentials", g_variant_new_strv(NULL, 0));
    return result_end(&options);
}

/* FALSE: the task says nothing of it, as most. The strings stay those of `params`. */
static gboolean
read_policy(GVariant *params, Policy *own)
{
    gboolean any = FALSE;
    GVariantIter iter;
    const char *name;
    GVariant *value;

    g_variant_iter_init(&iter, params);
    while (g_variant_iter_loop(&iter, "{&sv}", &name, &value)) {
        const char **place = g_str_equal(name, "tls")                    ? &own->tls
                             : g_str_equal(name, "tls-pin")              ? &own->pin
                             : g_str_equal(name, "tls-ca-file")          ? &own->ca_file
                             : g_str_equal(name, "tls-certificate-file") ? &own->certificate_file
                             : g_str_equal(name, "tls-key-file")         ? &own->key_file
                                                                         : NULL;
        if (place == NULL)
            continue;
        *place = g_variant_get_string(value, NULL);
        any = TRUE;
    }
    return any;
}

GVariant *
amt_http_options(const Amt *amt, GVariant *params, gboolean login)
{
    Policy own = {0};

    if (read_policy(params, &own))
        return make_options(amt, &own, login);
    return login ? amt->login_options : amt->visit_options;
}

GVariant *
amt_unverified_options(const Amt *amt)
{
    Amt open = *amt;
    const Policy none = {0};

    open.tls_pin = open.tls_ca_file = NULL;
    return make_options(&open, &none, FALSE);
}

GVariant *
amt_pinned_stream_options(const Amt *amt, GVariant *params, const char *sha256)
{
    Policy own = {0};
    PosternResult options;

    read_policy(params, &own);
    result_begin(&options);
    result_string(&options, "tls", "require");
    result_uint(&options, "timeout-ms", amt->timeout_ms);
    result_string(&options, "tls-pin", sha256);
    add_own_certificate(&options, amt, &own);
    return result_end(&options);
}

void
amt_options_init(Amt *amt)
{
    const Policy none = {0};

    amt->login_options = g_variant_ref_sink(make_options(amt, &none, TRUE));
    amt->visit_options = g_variant_ref_sink(make_options(amt, &none, FALSE));
}

void
amt_options_clear(Amt *amt)
{
    g_clear_pointer(&amt->login_options, g_variant_unref);
    g_clear_pointer(&amt->visit_options, g_variant_unref);
}

const char *
amt_tls_policy(const Amt *amt, GVariant *params)
{
    Policy own = {0};

    read_policy(params, &own);
    return own.tls != NULL ? own.tls : amt->tls;
}

GVariant *
amt_stream_options(const Amt *amt, GVariant *params, gboolean tls)
{
    Policy own = {0};
    PosternResult options;

    read_policy(params, &own);
    result_begin(&options);
    result_uint(&options, "timeout-ms", amt->timeout_ms);
    result_string(&options, "tls", tls ? "require" : "off");
    if (tls) {
        result_string(&options, "tls-pin", own.pin != NULL ? own.pin : amt->tls_pin);
        result_string(
            &options, "tls-ca-file", own.ca_file != NULL ? own.ca_file : amt->tls_ca_file);
        add_own_certificate(&options, amt, &own);
    }
    return result_end(&options);
}

WsMan *
amt_open(const Amt *amt, PosternRun *run, GVariant *params, GError **error)
{
    if (!amt_check_needs(amt, run, error))
        return NULL;
    return wsman_open(&amt->svc, run, &amt_profile, amt_http_options(amt, params, TRUE), error);
}

WsMan *
amt_open_at(const Amt *amt, PosternRun *run, GVariant *params, const char *host, GError **error)
{
    g_autoptr(GVariant) options = g_variant_ref_sink(amt_http_options(amt, params, TRUE));
    g_auto(GVariantDict) dict = G_VARIANT_DICT_INIT(options);

    g_variant_dict_insert(&dict, "host", "s", host);
    return wsman_open(&amt->svc, run, &amt_profile, g_variant_dict_end(&dict), error);
}

gboolean
amt_is_lost(WsMan *ws, const GError *why)
{
    return wsman_fault(ws) == NULL &&
           (g_error_matches(why, POSTERN_ERROR, POSTERN_ERROR_UNREACHABLE) ||
            g_error_matches(why, POSTERN_ERROR, POSTERN_ERROR_REFUSED) ||
            g_error_matches(why, POSTERN_ERROR, POSTERN_ERROR_TIMEOUT) ||
            g_error_matches(why, POSTERN_ERROR, POSTERN_ERROR_TLS) ||
            g_error_matches(why, POSTERN_ERROR, POSTERN_ERROR_PROTOCOL));
}

WsMan *
amt_open_pinned(
    const Amt *amt, PosternRun *run, GVariant *params, const char *sha256, GError **error)
{
    Amt only = *amt;
    Policy own = {0};

    only.tls_ca_file = NULL;
    read_policy(params, &own);
    own.tls = sha256 != NULL ? "require" : "off";
    own.pin = sha256;
    own.ca_file = NULL;
    return wsman_open(&amt->svc, run, &amt_profile, make_options(&only, &own, TRUE), error);
}

const char *
amt_port_state(const Amt *amt, PosternRun *run, guint32 port, GError **error)
{
    const PosternStreamSvc *svc = amt->svc.stream;
    g_autoptr(GError) why = NULL;
    PosternResult options;
    PosternStream *stream;

    result_begin(&options);
    result_uint(&options, "timeout-ms", CONNECT_MS);
    stream = svc->connect(run, NULL, port, result_end(&options), &why);
    if (stream != NULL) {
        svc->close(stream);
        return "open";
    }
    if (why->code == POSTERN_ERROR_REFUSED)
        return "closed";
    if (why->code == POSTERN_ERROR_TIMEOUT && !amt->svc.run->cancelled(run))
        return "silent";
    if (why->code == POSTERN_ERROR_UNREACHABLE)
        return "unreachable";
    g_propagate_error(error, g_steal_pointer(&why));
    return NULL;
}

static gboolean
keep_first(const WsmanItem *item, gpointer data, GError **error)
{
    GVariant **first = data;

    *first = g_variant_ref(item->values);
    return FALSE;
}

/* Which fault a release gives to a Get that it does not do is not settled; but one that says "busy", "no
 * right" or "too slow" would say so to the next question as well, and what is no fault is no answer at all. */
gboolean
amt_ask_otherwise(WsMan *ws, const GError *why)
{
    return wsman_fault(ws) != NULL &&
           (g_error_matches(why, POSTERN_ERROR, POSTERN_ERROR_NOT_SUPPORTED) ||
            g_error_matches(why, POSTERN_ERROR, POSTERN_ERROR_BAD_PARAM) ||
            g_error_matches(why, POSTERN_ERROR, POSTERN_ERROR_DEVICE));
}

GVariant *
amt_read_single(WsMan *ws, const char *class_name, GError **error)
{
    g_autoptr(GError) why = NULL;
    GVariant *instance = wsman_get(ws, class_name, NULL, &why);

    if (instance != NULL)
        return instance;
    if (!amt_ask_otherwise(ws, why)) {
        g_propagate_error(error, g_steal_pointer(&why));
        return NULL;
    }
    g_clear_error(&why);
    if (wsman_enumerate(ws, class_name, FALSE, keep_first, &instance, &why))
        return instance;
    g_clear_pointer(&instance, g_variant_unref); /* it broke off behind the first */
    if (!wsman_absent(ws))
        g_propagate_error(error, g_steal_pointer(&why));
    return NULL;
}

GVariant *
amt_read_needed(WsMan *ws, const char *class_name, const char *lack, GError **error)
{
    g_autoptr(GError) why = NULL;
    GVariant *instance = amt_read_single(ws, class_name, &why);

    if (why != NULL)
        g_propagate_error(error, g_steal_pointer(&why));
    else if (instance == NULL)
        postern_fail(error, POSTERN_ERROR_NOT_SUPPORTED, "this firmware %s (%s)", lack, class_name);
    return instance;
}

static gboolean
keep_instance(const WsmanItem *item, gpointer data, GError **error)
{
    g_ptr_array_add(data, g_variant_ref(item->values));
    return TRUE;
}

GPtrArray *
amt_read_all(WsMan *ws, const char *class_name, GError **error)
{
    g_autoptr(GPtrArray) all = g_ptr_array_new_with_free_func((GDestroyNotify)g_variant_unref);
    g_autoptr(GError) why = NULL;

    if (wsman_enumerate(ws, class_name, FALSE, keep_instance, all, &why) || wsman_absent(ws))
        return g_steal_pointer(&all);
    g_propagate_error(error, g_steal_pointer(&why));
    return NULL;
}

GVariant *
amt_find(GPtrArray *instances, const char *property, const char *value)
{
    for (guint i = 0; i < instances->len; i++)
        if (g_strcmp0(params_string(instances->pdata[i], property), value) == 0)
            return instances->pdata[i];
    return NULL;
}

GVariant *
amt_key(const char *name, const char *value)
{
    PosternResult keys;

    result_begin(&keys);
    result_string(&keys, name, value);
    return result_end(&keys);
}

char *
amt_key_in(GVariant *instance, const char *property, const char *key)
{
    g_autoptr(GVariant) reference = params_value(instance, property, "a{sv}");
    g_autoptr(GVariant) keys =
        reference != NULL ? params_value(reference, "selectors", "a{sv}") : NULL;

    return keys != NULL ? g_strdup(params_string(keys, key)) : NULL;
}

gboolean
amt_request_state(WsMan *ws, const char *class_name, guint32 state, GError **error)
{
    g_autoptr(GVariant) outputs = NULL;
    PosternResult args;

    result_begin(&args);
    result_uint(&args, "RequestedState", state);
    outputs = wsman_call(ws, class_name, NULL, "RequestStateChange", result_end(&args), error);
    return outputs != NULL;
}

gboolean
amt_put_one(WsMan *ws, const char *class_name, const char *name, GVariant *value, GError **error)
{
    PosternResult values;
    g_autoptr(GVariant) stored = NULL;

    result_begin(&values);
    result_value(&values, name, value);
    stored = wsman_put(ws, class_name, NULL, result_end(&values), FALSE, error);
    return stored != NULL;
}

void
amt_result_time(PosternResult *result, const char *name, gint64 seconds)
{
    g_autoptr(GDateTime) time = g_date_time_new_from_unix_utc(seconds);
    g_autofree char *text = time != NULL ? g_date_time_format_iso8601(time) : NULL;

    result_string(result, name, text);
}
