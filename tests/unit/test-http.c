/* SPDX-License-Identifier: Apache-2.0 */
#include "config.h"

#include "http.h"
#include "net-run.h"
#include "stream.h"

#include <string.h>

/*
 * The HTTP client against servers that behave as firmware does, and as an enemy would.
 */

#define CHALLENGE(nonce, more)                                                                     \
    "HTTP/1.1 401 Unauthorized\r\nWWW-Authenticate: Digest realm=\"Digest:4BB9\", nonce=\"" nonce  \
    "\",stale=\"false\",qop=\"auth\"\r\n" more "Content-Length: 3\r\n\r\nno\n"
#define CLOSE "Connection: close\r\n"
#define OK    "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"

#define SCRIPT(...)                                                                                \
    (const char *const *const[])                                                                   \
    {                                                                                              \
        __VA_ARGS__, NULL                                                                          \
    }
#define CONN(...) ((const char *const[]){__VA_ARGS__, NULL})

/* What the task does: `count` requests, and what came of them. */
typedef struct {
    guint count, flags;
    const char *tls; /* NULL: off */
    gboolean anonymous;
    guint statuses[8];
    guint step_ms;
    gboolean pause; /* before each further request */
    GVariant *peer;
    char *body;
} Plan;

static gint64
now_ms(void)
{
    return g_get_monotonic_time() / 1000;
}

static GVariant *
options(const Plan *plan)
{
    g_auto(GVariantDict) dict = G_VARIANT_DICT_INIT(NULL);

    g_variant_dict_insert(&dict, "tls", "s", plan->tls ? plan->tls : "off");
    g_variant_dict_insert(&dict, "timeout-ms", "u", plan->step_ms ? plan->step_ms : 1000);
    g_variant_dict_insert(&dict, "max-body", "u", 10000);
    if (plan->anonymous)
        g_variant_dict_insert_value(&dict, "credentials", g_variant_new_strv(NULL, 0));
    return g_variant_dict_end(&dict);
}

static GVariant *
requests(PosternRun *run, GVariant *params, gpointer self, GError **error)
{
    static const char *const headers[] = {
        "Content-Type", "application/soap+xml;charset=UTF-8", NULL};
    Plan *plan = net_data;
    PosternHttp *http = http_service.open(run, options(plan), error);
    g_autoptr(GBytes) body = g_bytes_new_static("<x></x>", 7);
    GVariant *result = http != NULL ? net_done() : NULL;

    for (guint i = 0; result != NULL && i < plan->count; i++) {
        PosternHttpReply *reply;
        if (i > 0 && plan->pause)
            run_service.sleep(run, 100, NULL);
        reply = http_service.request(http, "POST", "/wsman", headers, body, plan->flags, error);
        if (reply == NULL) {
            g_clear_pointer(&result, g_variant_unref);
            break;
        }
        plan->statuses[i] = http_service.status(reply);
        g_free(plan->body);
        plan->body = g_strndup(g_bytes_get_data(http_service.body(reply), NULL),
                               g_bytes_get_size(http_service.body(reply)));
        http_service.reply_free(reply);
    }
    if (http != NULL) {
        g_clear_pointer(&plan->peer, g_variant_unref);
        plan->peer = http_service.peer(http);
    }
    http_service.close(http);
    return result;
}

static Outcome *
talk(NetServer *server, Plan *plan, const char *const *logins, Tap *tap)
{
    g_autofree char *target = net_target(server);
    Outcome *outcome;

    net_data = plan;
    outcome = net_run(requests, target, logins, tap);
    net_server_stop(server);
    return outcome;
}

static void
plan_clear(Plan *plan)
{
    g_clear_pointer(&plan->peer, g_variant_unref);
    g_free(plan->body);
}

static void
assert_ok(const Outcome *outcome)
{
    if (outcome->error != NULL)
        g_error("%s", outcome->error->message);
    g_assert_cmpint(outcome->kind, ==, OUTCOME_OK);
}

static void
assert_failed(const Outcome *outcome, PosternError code, const char *words)
{
    g_assert_error(outcome->error, POSTERN_ERROR, (int)code);
    if (strstr(outcome->error->message, words) == NULL)
        g_error("no '%s' in '%s'", words, outcome->error->message);
}

static void
assert_has(NetServer *server, guint i, const char *part, gboolean wanted)
{
    if ((strstr(net_request(server, i), part) != NULL) != wanted)
        g_error("request %u: '%s' %s: %s",
                i,
                part,
                wanted ? "is missing" : "is there",
                net_request(server, i));
}

static const char *const admin[] = {"admin", "P@ssw0rd", NULL};
static const char *const two_logins[] = {"admin", "wrong-one", "operator", "right-one", NULL};

/* ---- logging in ---- */

/* As firmware does it: the connection is closed after the challenge, and kept after the answer. */
static void
test_login(void)
{
    NetServer *server = net_server(SCRIPT(CONN("+" CHALLENGE("AbC", CLOSE)), CONN(OK, OK, OK)));
    Plan plan = {.count = 3};
    g_autoptr(Outcome) outcome = talk(server, &plan, admin, NULL);

    assert_ok(outcome);
    g_assert_cmpuint(server->connections, ==, 2);
    g_assert_cmpuint(server->requests->len, ==, 4);
    assert_has(server, 0, "Authorization", FALSE);
    assert_has(server, 0, "Content-Length: 7\r\n", TRUE);
    assert_has(server, 0, "Host: 127.0.0.1:", TRUE);
    assert_has(server, 0, "\r\n\r\n<x></x>", TRUE);
    assert_has(server, 1, "nonce=\"AbC\"", TRUE);
    assert_has(server, 1, "nc=00000001", TRUE);
    assert_has(server, 3, "nc=00000003", TRUE);
    g_assert_cmpuint(plan.statuses[2], ==, 200);
    g_assert_cmpstr(plan.body, ==, "ok");
    plan_clear(&plan);
    net_server_free(server);
}

/* A server that keeps the connection sees one connection and one login. */
static void
test_one_connection(void)
{
    NetServer *server = net_server(SCRIPT(CONN(CHALLENGE("N", ""), OK, OK, OK, OK)));
    Plan plan = {.count = 4};
    g_autoptr(Outcome) outcome = talk(server, &plan, admin, NULL);
    const char *label = NULL, *address = NULL;

    assert_ok(outcome);
    g_assert_cmpuint(server->connections, ==, 1);
    g_assert_cmpuint(server->requests->len, ==, 5);
    g_assert_true(g_variant_lookup(plan.peer, "credential", "&s", &label));
    g_assert_true(g_variant_lookup(plan.peer, "address", "&s", &address));
    g_assert_cmpstr(address, ==, "127.0.0.1");
    plan_clear(&plan);
    net_server_free(server);
}

static void
test_wrong_password(void)
{
    NetServer *server = net_server(SCRIPT(CONN(CHALLENGE("1", ""), CHALLENGE("2", ""), OK)));
    Plan plan = {.count = 1};
    g_autoptr(Outcome) outcome = talk(server, &plan, admin, NULL);

    assert_failed(outcome, POSTERN_ERROR_AUTH, "refused");
    g_assert_cmpuint(server->requests->len, ==, 2); /* one failed login, not two */
    plan_clear(&plan);
    net_server_free(server);
}

static void
test_no_credential(void)
{
    NetServer *server = net_server(SCRIPT(CONN(CHALLENGE("1", ""))));
    Plan plan = {.count = 1};
    g_autoptr(Outcome) outcome = talk(server, &plan, NULL, NULL);

    assert_failed(outcome, POSTERN_ERROR_AUTH, "no credential of type test.digest");
    plan_clear(&plan);
    net_server_free(server);
}

/* Another account never gets the connection of the one before. */
static void
test_next_candidate(void)
{
    NetServer *server =
        net_server(SCRIPT(CONN(CHALLENGE("1", ""), CHALLENGE("2", "")), CONN(OK, OK)));
    Plan plan = {.count = 2};
    g_autoptr(Outcome) outcome = talk(server, &plan, two_logins, NULL);

    assert_ok(outcome);
    g_assert_cmpuint(server->connections, ==, 2);
    assert_has(server, 1, "username=\"admin\"", TRUE);
    assert_has(server, 2, "username=\"operator\"", TRUE);
    assert_has(server, 2, "nonce=\"2\"", TRUE);
    plan_clear(&plan);
    net_server_free(server);
}

/* A new nonce after a success is no wrong password. */
static void
test_new_nonce(void)
{
    NetServer *server =
        net_server(SCRIPT(CONN(CHALLENGE("1", ""), OK, CHALLENGE("2", ""), OK, OK)));
    Plan plan = {.count = 3};
    g_autoptr(Outcome) outcome = talk(server, &plan, admin, NULL);

    assert_ok(outcome);
    g_assert_cmpuint(server->connections, ==, 1);
    assert_has(server, 2, "nonce=\"1\"", TRUE);
    assert_has(server, 3, "nonce=\"2\"", TRUE);
    assert_has(server, 3, "nc=00000001", TRUE);
    plan_clear(&plan);
    net_server_free(server);
}

#define STALE                                                                                      \
    "HTTP/1.1 401 No\r\nWWW-Authenticate: Digest "                                                 \
    "realm=\"r\",nonce=\"n\",stale=\"true\",qop=\"auth\"\r\n"                                      \
    "Content-Length: 0\r\n\r\n"

static void
test_401_for_ever(void)
{
    NetServer *server = net_server(SCRIPT(CONN(STALE, STALE, STALE, STALE, STALE, STALE),
                                          CONN(STALE, STALE, STALE, STALE, STALE)));
    Plan plan = {.count = 1};
    g_autoptr(Outcome) outcome = talk(server, &plan, two_logins, NULL);

    assert_failed(outcome, POSTERN_ERROR_AUTH, "admin");
    g_assert_nonnull(strstr(outcome->error->message, "operator"));
    g_assert_cmpuint(server->requests->len, <=, 5);
    plan_clear(&plan);
    net_server_free(server);
}

static void
test_anonymous(void)
{
    NetServer *server = net_server(SCRIPT(CONN(CHALLENGE("1", ""))));
    Plan plan = {.count = 1, .anonymous = TRUE};
    g_autoptr(Outcome) outcome = talk(server, &plan, admin, NULL);

    assert_ok(outcome);
    g_assert_cmpuint(plan.statuses[0], ==, 401);
    plan_clear(&plan);
    net_server_free(server);
}

static void
test_basic(void)
{
    static const char *const logins[] = {"basic-user", "secret", NULL};
    NetServer *server =
        net_server(SCRIPT(CONN("HTTP/1.1 401 No\r\nWWW-Authenticate: Basic realm=\"x\"\r\n"
                               "Content-Length: 0\r\n\r\n",
                               OK,
                               OK)));
    Plan plan = {.count = 2};
    g_autoptr(Outcome) outcome = talk(server, &plan, logins, NULL);

    assert_ok(outcome);
    assert_has(server, 1, "Authorization: Basic YmFzaWMtdXNlcjpzZWNyZXQ=\r\n", TRUE);
    assert_has(server, 2, "Authorization: Basic", TRUE);
    plan_clear(&plan);
    net_server_free(server);
}

/* A password for digest is never sent in the clear because a server asks for it. */
static void
test_no_downgrade(void)
{
    NetServer *server = net_server(SCRIPT(CONN(
        "HTTP/1.1 401 No\r\nWWW-Authenticate: Basic realm=\"x\"\r\nContent-Length: 0\r\n\r\n")));
    Plan plan = {.count = 1};
    g_autoptr(Outcome) outcome = talk(server, &plan, admin, NULL);

    assert_failed(outcome, POSTERN_ERROR_AUTH, "needs digest login, the device offers Basic");
    g_assert_cmpuint(server->requests->len, ==, 1);
    plan_clear(&plan);
    net_server_free(server);
}

/* ---- connections that die ---- */

static void
test_stale_repeatable(void)
{
    NetServer *server = net_server(SCRIPT(CONN(OK, "@reset"), CONN(OK)));
    Plan plan = {.count = 2, .flags = POSTERN_HTTP_REPEATABLE};
    g_autoptr(Outcome) outcome = talk(server, &plan, NULL, NULL);

    assert_ok(outcome);
    g_assert_cmpuint(server->connections, ==, 2);
    plan_clear(&plan);
    net_server_free(server);
}

static void
test_cut_not_repeatable(void)
{
    NetServer *server = net_server(SCRIPT(CONN(OK, "@close"), CONN(OK)));
    Plan plan = {.count = 2};
    g_autoptr(Outcome) outcome = talk(server, &plan, NULL, NULL);
    gboolean sent = FALSE;

    assert_failed(outcome, POSTERN_ERROR_UNREACHABLE, "before an answer");
    g_assert_true(g_variant_lookup(outcome->notes, "sent", "b", &sent) && sent);
    g_assert_cmpuint(server->connections, ==, 1);
    plan_clear(&plan);
    net_server_free(server);
}

/* The end of a kept connection that is known before the request is no error. */
static void
test_closed_while_idle(void)
{
    for (guint flags = 0; flags < 2; flags++) {
        NetServer *server = net_server(SCRIPT(CONN("+" OK), CONN("+" OK), CONN(OK)));
        Plan plan = {.count = 3, .flags = flags, .pause = TRUE};
        g_autoptr(Outcome) outcome = talk(server, &plan, NULL, NULL);
        assert_ok(outcome);
        g_assert_cmpuint(server->connections, ==, 3);
        plan_clear(&plan);
        net_server_free(server);
    }
}

static void
test_refused(void)
{
    NetServer *server = net_server(SCRIPT(CONN(OK)));
    Plan plan = {.count = 1};
    g_autofree char *target = net_target(server);
    g_autoptr(Outcome) outcome = NULL;

    net_server_free(server);
    net_data = &plan;
    outcome = net_run(requests, target, NULL, NULL);
    assert_failed(outcome, POSTERN_ERROR_REFUSED, "cannot connect to 127.0.0.1");
    plan_clear(&plan);
}

/* ---- enemies ---- */

static void
test_hostile(void)
{
    g_autofree char *endless = g_strdup_printf("HTTP/1.1 200 OK\r\nX: %0*d", 40000, 0);
    g_autofree char *body = g_strdup_printf("HTTP/1.1 200 OK\r\n\r\n%0*d", 20000, 0);
    const struct {
        const char *answer;
        PosternError code;
        const char *words;
    } table[] = {
        {endless, POSTERN_ERROR_PROTOCOL, "longer than"},
        {body, POSTERN_ERROR_PROTOCOL, "larger than"},
        {"HTTP/1.1 200 OK\r\nContent-Length: 99999999\r\n\r\n",
         POSTERN_ERROR_PROTOCOL,
         "larger than"},
        {"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n",
         POSTERN_ERROR_PROTOCOL,
         "chunk"},
        {"\x16\x03\x01 garbage", POSTERN_ERROR_PROTOCOL, "no HTTP"},
        {"+HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nhalf",
         POSTERN_ERROR_UNREACHABLE,
         "in the middle"},
        {"@hang", POSTERN_ERROR_TIMEOUT, "sent nothing"},
        {"@reset", POSTERN_ERROR_UNREACHABLE, "reset"},
        {"@close", POSTERN_ERROR_UNREACHABLE, "before an answer"},
    };

    for (guint i = 0; i < G_N_ELEMENTS(table); i++) {
        NetServer *server = net_server(SCRIPT(CONN(table[i].answer)));
        Plan plan = {.count = 1, .step_ms = 300};
        g_autoptr(Outcome) outcome = talk(server, &plan, NULL, NULL);
        assert_failed(outcome, table[i].code, table[i].words);
        plan_clear(&plan);
        net_server_free(server);
    }
}

/* A slow server is served as long as each byte comes in time. */
static void
test_drip(void)
{
    NetServer *server = net_server(SCRIPT(CONN("@drip " OK)));
    Plan plan = {.count = 1, .step_ms = 500};
    gint64 start = now_ms();
    g_autoptr(Outcome) outcome = talk(server, &plan, NULL, NULL);

    assert_ok(outcome);
    g_assert_cmpint(now_ms() - start, >, 500);
    plan_clear(&plan);
    net_server_free(server);
}

/* Bytes nobody asked for make a connection useless. */
static void
test_surplus(void)
{
    NetServer *server = net_server(SCRIPT(CONN(OK "HTTP/1.1 200 OK\r\n\r\nforged"), CONN(OK)));
    Plan plan = {.count = 2};
    g_autoptr(Outcome) outcome = talk(server, &plan, NULL, NULL);

    assert_ok(outcome);
    g_assert_cmpstr(plan.body, ==, "ok");
    g_assert_cmpuint(server->connections, ==, 2);
    plan_clear(&plan);
    net_server_free(server);
}

/* What a plugin passes in cannot break out of its line. */
static GVariant *
bad_requests(PosternRun *run, GVariant *params, gpointer self, GError **error)
{
    static const char *const injected[] = {"X", "a\r\nY: b", NULL};
    static const char *const ours[] = {"authorization", "x", NULL};
    PosternHttp *http = http_service.open(run, NULL, error);
    const char *const *headers[] = {injected, ours, NULL};
    const char *paths[] = {"/", "/", "/a b"};

    for (guint i = 0; i < 3; i++) {
        g_autoptr(GError) problem = NULL;
        g_assert_null(http_service.request(http, "GET", paths[i], headers[i], NULL, 0, &problem));
        g_assert_error(problem, POSTERN_ERROR, POSTERN_ERROR_BAD_PARAM);
    }
    return net_done(); /* the conversation is left open: it ends with the run */
}

static void
test_injection(void)
{
    g_autoptr(Outcome) outcome = net_run(bad_requests, "127.0.0.1", NULL, NULL);

    assert_ok(outcome);
}

int
main(int argc, char **argv)
{
    int status;

    g_test_init(&argc, &argv, NULL);
    net_setup();
    g_test_add_func("/http/login", test_login);
    g_test_add_func("/http/one-connection", test_one_connection);
    g_test_add_func("/http/wrong-password", test_wrong_password);
    g_test_add_func("/http/no-credential", test_no_credential);
    g_test_add_func("/http/next-candidate", test_next_candidate);
    g_test_add_func("/http/new-nonce", test_new_nonce);
    g_test_add_func("/http/401-for-ever", test_401_for_ever);
    g_test_add_func("/http/anonymous", test_anonymous);
    g_test_add_func("/http/basic", test_basic);
    g_test_add_func("/http/no-downgrade", test_no_downgrade);
    g_test_add_func("/http/stale-repeatable", test_stale_repeatable);
    g_test_add_func("/http/cut-not-repeatable", test_cut_not_repeatable);
    g_test_add_func("/http/closed-while-idle", test_closed_while_idle);
    g_test_add_func("/http/refused", test_refused);
    g_test_add_func("/http/hostile", test_hostile);
    g_test_add_func("/http/drip", test_drip);
    g_test_add_func("/http/surplus", test_surplus);
    g_test_add_func("/http/injection", test_injection);
    status = g_test_run();
    net_teardown();
    return status;
}
