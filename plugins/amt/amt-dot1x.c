/* SPDX-License-Identifier: Apache-2.0 */
/*
 * amt.dot1x.get and amt.dot1x.set: how the wired port of the engine logs in to the network.
 *
 * Newer firmware has IPS_IEEE8021xSettings, older AMT_8021XProfile: mostly the same under other names.
 */
#include "amt-store.h"

#include <string.h>

enum { USER_MOST = 128, PASSWORD_MOST = 32, PXE_MOST = 86400 };
enum { IPS_ENABLED = 2, IPS_DISABLED = 3, IPS_OFFLINE = 6 };
enum { COMPARE_ALL = 1, COMPARE_END = 2 };

static const char comparison[] = "ServerCertificateNameComparison";

static const AmtWord protocols[] = {{0, "tls"},
                                    {1, "ttls-mschapv2"},
                                    {2, "peap-mschapv2"},
                                    {3, "gtc"},
                                    {4, "fast-mschapv2"},
                                    {5, "fast-gtc"},
                                    {6, "fast-tls"},
                                    {0, NULL}};

/* The two classes. */
typedef struct {
    const char *class_name, *in_s0;
    gboolean numeric; /* Enabled is a state, and certificates go by a method */
} Kind;

static const Kind kinds[] = {{"IPS_IEEE8021xSettings", "AvailableInS0", TRUE},
                             {"AMT_8021XProfile", "ActiveInS0", FALSE}};

/* Texts that can be read and written, by their parameter. */
static const struct {
    const char *name, *property;
    gsize most;
} texts[] = {{"user", "Username", USER_MOST},
             {"identity", "RoamingIdentity", USER_MOST},
             {"domain", "Domain", USER_MOST},
             {"server-name", "ServerCertificateName", USER_MOST}};

typedef struct {
    const Kind *kind;
    GVariant *values;
    AmtStore store;
} Port;

static void
port_clear(Port *port)
{
    g_clear_pointer(&port->values, g_variant_unref);
    amt_store_clear(&port->store);
}
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC(Port, port_clear)

/* ---- reading ---- */

static gboolean
read_port(WsMan *ws, Port *port, GError **error)
{
    for (guint i = 0; i < G_N_ELEMENTS(kinds); i++) {
        g_autoptr(GError) why = NULL;

        port->kind = &kinds[i];
        port->values = amt_read_single(ws, kinds[i].class_name, &why);
        if (port->values != NULL)
            return amt_store_read(ws, &port->store, AMT_STORE_ALL, error);
        if (why != NULL) {
            g_propagate_error(error, g_steal_pointer(&why));
            return FALSE;
        }
    }
    return postern_fail(
        error, POSTERN_ERROR_NOT_SUPPORTED, "this firmware has no 802.1X for the wired port");
}

static gboolean
is_enabled(const Port *port)
{
    guint32 state = params_uint(port->values, "Enabled", IPS_DISABLED);

    if (!port->kind->numeric)
        return params_bool(port->values, "Enabled", FALSE);
    return state == IPS_ENABLED || state == IPS_OFFLINE;
}

static gboolean
is_bound(const Port *port, const AmtHeld *held, const char *property)
{
    g_autofree char *id = amt_key_in(port->values, property, "InstanceID");

    if (port->kind->numeric)
        return (held->uses & AMT_USE_8021X) != 0;
    return id != NULL && g_strcmp0(id, held->id) == 0;
}

/* The one of the kind that is bound: a root vouches for servers, another is shown to them. */
static const AmtHeld *
bound_certificate(const Port *port, gboolean root)
{
    const char *property = root ? "ServerCertificateIssuer" : "ClientCertificate";

    for (guint i = 0; i < port->store.certificates->len; i++) {
        const AmtHeld *held = port->store.certificates->pdata[i];
        if (held->root == root && is_bound(port, held, property))
            return held;
    }
    return NULL;
}

static GVariant *
describe(const Port *port)
{
    g_autoptr(GVariant) protocol = params_value(port->values, "AuthenticationProtocol", "u");
    const AmtHeld *client = bound_certificate(port, FALSE), *issuer = bound_certificate(port, TRUE);
    PosternResult result;

    result_begin(&result);
    result_bool(&result, "enabled", is_enabled(port));
    if (protocol != NULL)
        result_string(&result, "protocol", amt_word(protocols, g_variant_get_uint32(protocol)));
    for (guint i = 0; i < G_N_ELEMENTS(texts); i++) {
        const char *value = params_string(port->values, texts[i].property);
        result_string(&result, texts[i].name, value != NULL && *value != '\0' ? value : NULL);
    }
    if (client != NULL)
        result_uint(&result, "client-certificate", client->handle);
    if (issuer != NULL)
        result_uint(&result, "server-issuer", issuer->handle);
    result_bool(&result, "in-s0", params_bool(port->values, port->kind->in_s0, FALSE));
    result_uint(&result, "pxe-timeout", params_uint(port->values, "PxeTimeout", 0));
    result_string(&result, "class", port->kind->class_name);
    return result_end(&result);
}

static GVariant *
run_get(PosternRun *run, GVariant *params, gpointer self, GError **error)
{
    g_autoptr(WsMan) ws = amt_open(self, run, params, error);
    g_auto(Port) port = {0};

    return ws != NULL && read_port(ws, &port, error) ? describe(&port) : NULL;
}

/* ---- what is wanted ---- */

typedef struct {
    GVariant *params;
    const AmtHeld *client, *issuer; /* NULL: not asked for */
} Wish;

static gboolean
read_certificate(
    const Port *port, GVariant *params, const char *name, const AmtHeld **held, GError **error)
{
    guint32 handle = params_uint(params, name, G_MAXUINT32);
    gboolean root = g_str_equal(name, "server-issuer");

    *held = NULL;
    if (handle == G_MAXUINT32)
        return TRUE;
    *held = amt_store_handle(&port->store, handle);
    if (*held == NULL || (*held)->x509 == NULL)
        return postern_fail(error,
                            POSTERN_ERROR_BAD_PARAM,
                            "%s: there is no certificate %u in the device that can be read: "
                            "amt.certificate.list shows those that are",
                            name,
                            handle);
    if (root ? (*held)->root : amt_store_pair_of(&port->store, (*held)->x509) != NULL)
        return TRUE;
    return postern_fail(error,
                        POSTERN_ERROR_BAD_PARAM,
                        "%s: certificate %u (%s) %s",
                        name,
                        handle,
                        (*held)->x509->subject,
                        root ? "is not among the trusted roots of the device"
                             : "has no key pair in the device");
}

static gboolean
check_texts(GVariant *params, GError **error)
{
    const char *password = params_string(params, "password");

    for (guint i = 0; i < G_N_ELEMENTS(texts); i++) {
        const char *value = params_string(params, texts[i].name);
        if (value != NULL && strlen(value) > texts[i].most)
            return postern_fail(error,
                                POSTERN_ERROR_BAD_PARAM,
                                "%s is longer than %u bytes",
                                texts[i].name,
                                (guint)texts[i].most);
    }
    return password == NULL || strlen(password) <= PASSWORD_MOST ||
           postern_fail(error,
                        POSTERN_ERROR_BAD_PARAM,
                        "password is longer than the %d bytes that a device takes",
                        PASSWORD_MOST);
}

static guint32
wanted_protocol(const Port *port, GVariant *params)
{
    const char *given = params_string(params, "protocol");
    guint32 code = params_uint(port->values, "AuthenticationProtocol", G_MAXUINT32);

    if (given != NULL)
        amt_code(protocols, given, &code);
    return code;
}

/* How the name of the server's certificate is compared. */
static guint32
wanted_comparison(const Port *port, GVariant *params)
{
    g_autoptr(GVariant) suffix = params_value(params, "server-name-suffix", "b");

    if (suffix == NULL)
        return params_uint(port->values, comparison, COMPARE_ALL);
    return g_variant_get_boolean(suffix) ? COMPARE_END : COMPARE_ALL;
}

/* A login that cannot succeed would cut the engine off the network. */
static gboolean
check_sense(const Port *port, const Wish *wish, GError **error)
{
    guint32 protocol = wanted_protocol(port, wish->params);
    const char *user = params_string(wish->params, "user");

    if (!params_bool(wish->params, "enabled", is_enabled(port)))
        return TRUE;
    if (user == NULL)
        user = params_string(port->values, "Username");
    if (protocol == G_MAXUINT32)
        return postern_fail(
            error,
            POSTERN_ERROR_BAD_PARAM,
            "802.1X is to be on, and no protocol is set: give protocol; nothing was changed");
    if (protocol == 0 && wish->client == NULL && bound_certificate(port, FALSE) == NULL)
        return postern_fail(error,
                            POSTERN_ERROR_BAD_PARAM,
                            "protocol tls needs a certificate of the device: give "
                            "client-certificate; nothing was changed");
    return (user != NULL && *user != '\0') ||
           postern_fail(
               error,
               POSTERN_ERROR_BAD_PARAM,
               "802.1X is to be on, and there is no user name: give user; nothing was changed");
}

static gboolean
read_wish(const Port *port, Wish *wish, GError **error)
{
    if (params_uint(wish->params, "pxe-timeout", 0) > PXE_MOST)
        return postern_fail(error,
                            POSTERN_ERROR_BAD_PARAM,
                            "pxe-timeout is %u, expected at most %d seconds",
                            params_uint(wish->params, "pxe-timeout", 0),
                            PXE_MOST);
    return check_texts(wish->params, error) &&
           read_certificate(port, wish->params, "client-certificate", &wish->client, error) &&
           read_certificate(port, wish->params, "server-issuer", &wish->issuer, error) &&
           check_sense(port, wish, error);
}

/* ---- changing ---- */

static GVariant *
reference(const AmtHeld *held)
{
    return wsman_epr(AMT_CERTIFICATE, "InstanceID", held->id, NULL);
}

static void
add_state(PosternResult *values, const Port *port, gboolean enabled)
{
    if (port->kind->numeric)
        result_uint(values, "Enabled", enabled ? IPS_ENABLED : IPS_DISABLED);
    else
        result_bool(values, "Enabled", enabled);
}

/* What is named, and nothing else. */
static GVariant *
changes(const Port *port, const Wish *wish)
{
    g_autoptr(GVariant) in_s0 = params_value(wish->params, "in-s0", "b");
    g_autoptr(GVariant) pxe_timeout = params_value(wish->params, "pxe-timeout", "u");
    g_autoptr(GVariant) suffix = params_value(wish->params, "server-name-suffix", "b");
    gboolean enabled = params_bool(wish->params, "enabled", is_enabled(port));
    PosternResult values;

    result_begin(&values);
    if (enabled != is_enabled(port))
        add_state(&values, port, enabled);
    if (params_string(wish->params, "protocol") != NULL)
        result_uint(&values, "AuthenticationProtocol", wanted_protocol(port, wish->params));
    for (guint i = 0; i < G_N_ELEMENTS(texts); i++)
        result_string(&values, texts[i].property, params_string(wish->params, texts[i].name));
    if (suffix != NULL || params_string(wish->params, "server-name") != NULL)
        result_uint(&values, comparison, wanted_comparison(port, wish->params));
    result_string(&values, "Password", params_string(wish->params, "password"));
    result_value(&values, port->kind->in_s0, in_s0);
    result_value(&values, "PxeTimeout", pxe_timeout);
    if (!port->kind->numeric && wish->client != NULL)
        result_value(&values, "ClientCertificate", reference(wish->client));
    if (!port->kind->numeric && wish->issuer != NULL)
        result_value(&values, "ServerCertificateIssuer", reference(wish->issuer));
    return result_end(&values);
}

/* Both at once: what is not named stays. */
static gboolean
set_certificates(WsMan *ws, const Port *port, const Wish *wish, GError **error)
{
    const AmtHeld *client = wish->client != NULL ? wish->client : bound_certificate(port, FALSE);
    const AmtHeld *issuer = wish->issuer != NULL ? wish->issuer : bound_certificate(port, TRUE);
    g_autoptr(GVariant) outputs = NULL;
    PosternResult args;

    if (!port->kind->numeric || (wish->client == NULL && wish->issuer == NULL))
        return TRUE;
    result_begin(&args);
    result_value(&args, "ServerCertificateIssuer", issuer != NULL ? reference(issuer) : NULL);
    result_value(&args, "ClientCertificate", client != NULL ? reference(client) : NULL);
    outputs =
        wsman_call(ws, port->kind->class_name, NULL, "SetCertificates", result_end(&args), error);
    return outputs != NULL;
}

static gboolean
differs(GVariant *params, GVariant *found, const char *name)
{
    g_autoptr(GVariant) wanted = params_value(params, name, NULL);
    g_autoptr(GVariant) is = params_value(found, name, NULL);

    /* an empty text is none, and not told */
    if (is == NULL && wanted != NULL && g_variant_is_of_type(wanted, G_VARIANT_TYPE_STRING))
        return *g_variant_get_string(wanted, NULL) != '\0';
    return wanted != NULL && (is == NULL || !g_variant_equal(wanted, is));
}

/* Everything but the password, which no device shows. */
static gboolean
check_taken(const Port *port, GVariant *params, GError **error)
{
    static const char *const names[] = {"enabled",
                                        "protocol",
                                        "user",
                                        "identity",
                                        "domain",
                                        "server-name",
                                        "client-certificate",
                                        "server-issuer",
                                        "in-s0",
                                        "pxe-timeout"};
    g_autoptr(GVariant) found = g_variant_ref_sink(describe(port));
    const char *other = NULL;

    for (guint i = 0; other == NULL && i < G_N_ELEMENTS(names); i++)
        other = differs(params, found, names[i]) ? names[i] : NULL;
    if (wanted_comparison(port, params) != params_uint(port->values, comparison, COMPARE_ALL))
        other = "server-name-suffix";
    return other == NULL ||
           postern_fail(error,
                        POSTERN_ERROR_CONFLICT,
                        "the device said yes, and its %s of 802.1X is not what was asked for: "
                        "amt.dot1x.get shows what is so",
                        other);
}

static GVariant *
run_set(PosternRun *run, GVariant *params, gpointer self, GError **error)
{
    g_autoptr(WsMan) ws = amt_open(self, run, params, error);
    g_auto(Port) port = {0}, after = {0};
    g_autoptr(GVariant) stored = NULL;
    Wish wish = {.params = params};

    if (ws == NULL || !read_port(ws, &port, error) || !read_wish(&port, &wish, error))
        return NULL;
    if (params_string(params, "password") == NULL && check_taken(&port, params, NULL))
        return describe(&port);
    if (!set_certificates(ws, &port, &wish, error))
        return NULL;
    stored = wsman_put(ws, port.kind->class_name, NULL, changes(&port, &wish), FALSE, error);
    if (stored == NULL || !read_port(ws, &after, error))
        return NULL;
    return check_taken(&after, params, error) ? describe(&after) : NULL;
}

/* clang-format off */
static const char *const protocol_choices[] = {
    "tls", "ttls-mschapv2", "peap-mschapv2", "gtc", "fast-mschapv2", "fast-gtc", "fast-tls", NULL,
};

#define TEXT_FIELDS                                                                                                          \
    POSTERN_FIELD_ITEM(.name = "user", .type = "s", .summary = "name to log in with"),                                       \
    POSTERN_FIELD_ITEM(.name = "identity", .type = "s", .summary = "name that is shown before the connection is encrypted"), \
    POSTERN_FIELD_ITEM(.name = "domain", .type = "s", .summary = "domain of the user"),                                      \
    POSTERN_FIELD_ITEM(.name = "server-name", .type = "s", .summary = "name that the server's certificate must have"),       \
    POSTERN_FIELD_ITEM(.name = "client-certificate", .type = "u", .summary = "handle of the certificate to log in with"),    \
    POSTERN_FIELD_ITEM(.name = "server-issuer", .type = "u", .summary = "handle of the root that must have issued the server's certificate")

static const PosternField *const get_params[] = {AMT_COMMON_PARAMS, NULL};
static const PosternField *const set_params[] = {
    POSTERN_FIELD_ITEM(.name = "enabled", .type = "b", .summary = "log in at the wired port"),
    POSTERN_FIELD_ITEM(.name = "protocol", .type = "s", .choices = protocol_choices, .summary = "how to log in"),
    TEXT_FIELDS,
    POSTERN_FIELD_ITEM(.name = "server-name-suffix", .type = "b", .summary = "server-name is only the end of that name"),
    POSTERN_FIELD_ITEM(.name = "password", .type = "s", .flags = POSTERN_FIELD_SECRET, .summary = "password of the user"),
    POSTERN_FIELD_ITEM(.name = "in-s0", .type = "b", .summary = "also while the operating system runs"),
    POSTERN_FIELD_ITEM(.name = "pxe-timeout", .type = "u", .summary = "seconds that the engine stays logged in for a boot from the network"),
    AMT_COMMON_PARAMS,
    NULL,
};
static const PosternField *const outputs[] = {
    POSTERN_FIELD_ITEM(.name = "enabled", .type = "b", .flags = POSTERN_FIELD_REQUIRED, .summary = "it logs in at the wired port"),
    POSTERN_FIELD_ITEM(.name = "protocol", .type = "s", .summary = "how it logs in; absent: not set"),
    TEXT_FIELDS,
    POSTERN_FIELD_ITEM(.name = "in-s0", .type = "b", .flags = POSTERN_FIELD_REQUIRED, .summary = "also while the operating system runs"),
    POSTERN_FIELD_ITEM(.name = "pxe-timeout", .type = "u", .flags = POSTERN_FIELD_REQUIRED,
                       .summary = "seconds that the engine stays logged in for a boot from the network"),
    POSTERN_FIELD_ITEM(.name = "class", .type = "s", .flags = POSTERN_FIELD_REQUIRED, .summary = "class that this firmware has for it"),
    NULL,
};

const PosternTask amt_dot1x_get_task = {
    .size = sizeof(PosternTask),
    .flags = POSTERN_TASK_READ_ONLY | POSTERN_TASK_IDEMPOTENT,
    .version = 1,
    .id = "amt.dot1x.get",
    .summary = "tell how the engine logs in at the wired port",
    .details = "IPS_IEEE8021xSettings, or AMT_8021XProfile of older firmware. Passwords are never shown. Least realm: Endpoint Access "
               "Control; the certificates PT Administration.",
    .params = get_params,
    .outputs = outputs,
    .credentials = amt_credentials,
    .run = run_get,
};

const PosternTask amt_dot1x_set_task = {
    .size = sizeof(PosternTask),
    .flags = POSTERN_TASK_DISRUPTIVE | POSTERN_TASK_IDEMPOTENT,
    .version = 1,
    .id = "amt.dot1x.set",
    .summary = "change how the engine logs in at the wired port, and read back what the device took",
    .details = "What is not named stays. Certificates are named by their handles and checked first. A wrong login cuts the engine off. "
               "Least realm: Endpoint Access Control Admin; the certificates PT Administration.",
    .params = set_params,
    .outputs = outputs,
    .credentials = amt_credentials,
    .run = run_set,
};
/* clang-format on */
