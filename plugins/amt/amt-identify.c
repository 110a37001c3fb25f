/* SPDX-License-Identifier: Apache-2.0 */
/* amt.identify: is this AMT, and what does it show without a login. */
#include "amt.h"

#include <string.h>

#define SERVER_NAME  "Intel(R) Active Management Technology"
#define REALM_DIGITS 32

typedef struct {
    gboolean amt;
    char *version; /* from the Server header; NULL: not told, as newer firmware does */
    char *realm;
    gboolean kerberos;
} Found;

static void
found_clear(Found *found)
{
    g_free(found->version);
    g_free(found->realm);
}
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC(Found, found_clear)

/* "Intel(R) Active Management Technology 15.0.23.1706": as many numbers as it likes. */
static void
read_server(Found *found, const char *server)
{
    if (server == NULL || !g_str_has_prefix(server, SERVER_NAME))
        return;
    const char *version = server + strlen(SERVER_NAME);
    version += strspn(version, " ");
    gsize length = strspn(version, "0123456789.");
    found->amt = TRUE;
    if (length > 0 && length < 64 && found->version == NULL)
        found->version = g_strndup(version, length);
}

/* realm="Digest:" and 32 hex digits, somewhere in the challenge. */
static void
read_challenge(Found *found, const char *challenge)
{
    static const char start[] = "realm=\"Digest:";
    const char *at = challenge == NULL ? NULL : strstr(challenge, start);

    if (at == NULL)
        return;
    at += strlen(start);
    gsize length = strspn(at, "0123456789ABCDEFabcdef");
    if (length != REALM_DIGITS || at[length] != '"')
        return;
    found->amt = TRUE;
    g_free(found->realm);
    found->realm = g_strdup_printf("Digest:%.*s", REALM_DIGITS, at);
    found->kerberos = strstr(challenge, "Negotiate") != NULL;
}

/* A login page at the root is AMT's; that alone would do for older firmware. */
static void
read_answer(const PosternHttpSvc *http, PosternHttpReply *reply, Found *found)
{
    const char *location = http->header(reply, "Location");

    read_server(found, http->header(reply, "Server"));
    read_challenge(found, http->header(reply, "WWW-Authenticate"));
    if (http->status(reply) == 303 && location != NULL && g_str_has_suffix(location, "/logon.htm"))
        found->amt = TRUE;
}

static gboolean
ask(const Amt *amt,
    PosternHttp *conversation,
    const char *method,
    const char *path,
    Found *found,
    GError **error)
{
    const PosternHttpSvc *http = amt->svc.http;
    PosternHttpReply *reply =
        http->request(conversation, method, path, NULL, NULL, POSTERN_HTTP_REPEATABLE, error);

    if (reply == NULL)
        return FALSE;
    read_answer(http, reply, found);
    http->reply_free(reply);
    return TRUE;
}

static void
add_peer(PosternResult *result, GVariant *peer)
{
    static const char *const members[] = {"address",
                                          "tls",
                                          "tls-version",
                                          "tls-cipher",
                                          "tls-legacy",
                                          "certificate-sha256",
                                          "certificate-subject",
                                          "certificate-not-after"};

    result_uint(result, "port", params_uint(peer, "port", 0));
    for (guint i = 0; i < G_N_ELEMENTS(members); i++) {
        g_autoptr(GVariant) value = params_value(peer, members[i], NULL);
        result_value(result, members[i], value);
    }
}

static GVariant *
describe(const Found *found, GVariant *peer)
{
    PosternResult result;

    result_begin(&result);
    result_bool(&result, "amt", TRUE);
    result_string(&result, "version", found->version);
    result_string(&result, "realm", found->realm);
    /* Firmware opens these ports only once it has been set up, in whatever mode. */
    result_string(&result, "provisioning-state", "post");
    if (found->realm != NULL)
        result_bool(&result, "kerberos", found->kerberos);
    add_peer(&result, peer);
    return result_end(&result);
}

GVariant *
amt_visit(const Amt *amt, PosternHttp *conversation, gboolean quick, GError **error)
{
    g_auto(Found) found = {0};

    if (!ask(amt, conversation, "GET", "/", &found, error))
        return NULL;
    /* The challenge tells the realm. A machine that is clearly something else is not asked again. */
    if ((found.amt && !quick && found.realm == NULL) &&
        !ask(amt, conversation, "POST", "/wsman", &found, error))
        return NULL;
    if (!found.amt) {
        postern_fail(
            error,
            POSTERN_ERROR_NOT_DETECTED,
            "a web server answers, but it is not AMT: GET / gave neither its login page, nor its "
            "Server header, nor its realm");
        return NULL;
    }
    g_autoptr(GVariant) peer = amt->svc.http->peer(conversation);
    return describe(&found, peer);
}

static GVariant *
run_identify(PosternRun *run, GVariant *params, gpointer self, GError **error)
{
    const Amt *amt = self;
    PosternHttp *conversation =
        amt->svc.http->open(run, amt_http_options(amt, params, FALSE), error);

    if (conversation == NULL)
        return NULL;
    GVariant *result = amt_visit(amt, conversation, params_bool(params, "quick", FALSE), error);
    amt->svc.http->close(conversation);
    if (result != NULL)
        amt_observe_visit(amt, run, result);
    return result;
}

/* clang-format off */
static const PosternField *const params[] = {
    POSTERN_FIELD_ITEM(.name = "quick", .type = "b", .fallback = "false",
                       .summary = "one request only: without the realm"),
    AMT_COMMON_PARAMS,
    NULL,
};

static const PosternField *const outputs[] = {
    POSTERN_FIELD_ITEM(.name = "amt", .type = "b", .flags = POSTERN_FIELD_REQUIRED,
                       .summary = "always true: else the error is not-detected"),
    POSTERN_FIELD_ITEM(.name = "version", .type = "s",
                       .summary = "firmware version as the Server header tells it; newer firmware does not"),
    POSTERN_FIELD_ITEM(.name = "realm", .type = "s", .summary = "digest realm, new at each provisioning"),
    POSTERN_FIELD_ITEM(.name = "kerberos", .type = "b", .summary = "the device also offers Kerberos"),
    POSTERN_FIELD_ITEM(.name = "provisioning-state", .type = "s",
                       .summary = "post: set up, as only then the ports are open; amt.inventory.get tells the mode"),
    POSTERN_FIELD_ITEM(.name = "address", .type = "s", .format = "ipaddr", .summary = "address that answered"),
    POSTERN_FIELD_ITEM(.name = "port", .type = "u", .format = "port", .summary = "port that answered"),
    POSTERN_FIELD_ITEM(.name = "tls", .type = "b", .summary = "it was reached over TLS"),
    POSTERN_FIELD_ITEM(.name = "tls-version", .type = "s", .summary = "TLS version in use"),
    POSTERN_FIELD_ITEM(.name = "tls-cipher", .type = "s", .summary = "cipher suite in use"),
    POSTERN_FIELD_ITEM(.name = "tls-legacy", .type = "b", .summary = "only a legacy handshake worked"),
    POSTERN_FIELD_ITEM(.name = "certificate-sha256", .type = "s", .summary = "fingerprint of its certificate, for tls-pin"),
    POSTERN_FIELD_ITEM(.name = "certificate-subject", .type = "s", .summary = "whom the certificate names"),
    POSTERN_FIELD_ITEM(.name = "certificate-not-after", .type = "s", .summary = "when the certificate ends"),
    NULL,
};

const PosternTask amt_identify_task = {
    .size = sizeof(PosternTask),
    .flags = POSTERN_TASK_READ_ONLY | POSTERN_TASK_IDEMPOTENT | POSTERN_TASK_PROBE,
    .version = 1,
    .id = "amt.identify",
    .summary = "tell whether a machine speaks Intel AMT, without a login",
    .details = "GET / is answered by AMT with a redirection to its login page; a request to /wsman without a login then "
               "shows the realm. Neither counts as a failed login.",
    .params = params,
    .outputs = outputs,
    .run = run_identify,
};
/* clang-format on */
