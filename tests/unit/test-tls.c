/* SPDX-License-Identifier: Apache-2.0 */
#include "config.h"

#include "http.h"
#include "net-run.h"
#include "stream.h"

#include <arpa/inet.h>
#include <glib/gstdio.h>
#include <netinet/in.h>
#include <string.h>
#include <unistd.h>

/*
 * TLS as a client against OpenSSL's own server program in all the versions it can play, and against
 * ourselves.
 */

static char *dir, *openssl;

/* ---- the other side ---- */

typedef struct {
    GSubprocess *process;
    guint16 port;
} Server;

static char *
path_of(const char *name)
{
    return g_build_filename(dir, name, NULL);
}

static void
make_certificate(const char *name)
{
    g_autofree char *key = g_strdup_printf("%s/%s.key", dir, name);
    g_autofree char *certificate = g_strdup_printf("%s/%s.pem", dir, name);
    g_autofree char *subject = g_strdup_printf("/CN=%s", name);
    const char *argv[] = {openssl,
                          "req",
                          "-x509",
                          "-newkey",
                          "rsa:2048",
                          "-nodes",
                          "-days",
                          "2",
                          "-subj",
                          subject,
                          "-keyout",
                          key,
                          "-out",
                          certificate,
                          NULL};
    g_autoptr(GError) error = NULL;
    int status;

    g_spawn_sync(NULL,
                 (char **)(gsize)argv,
                 NULL,
                 G_SPAWN_STDERR_TO_DEV_NULL | G_SPAWN_STDOUT_TO_DEV_NULL,
                 NULL,
                 NULL,
                 NULL,
                 NULL,
                 &status,
                 &error);
    g_assert_no_error(error);
    g_assert_cmpint(status, ==, 0);
}

static guint16
free_port(void)
{
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t length = sizeof address;
    int fd = socket(AF_INET, SOCK_STREAM, 0);

    g_assert_cmpint(bind(fd, (struct sockaddr *)&address, sizeof address), ==, 0);
    g_assert_cmpint(getsockname(fd, (struct sockaddr *)&address, &length), ==, 0);
    close(fd);
    return ntohs(address.sin_port);
}

/* `more`: further arguments of s_server. */
static Server
start(const char *more, ...)
{
    Server server = {.port = free_port()};
    g_autofree char *address = g_strdup_printf("127.0.0.1:%u", server.port);
    g_autofree char *key = path_of("device.key");
    g_autofree char *certificate = path_of("device.pem");
    g_autoptr(GSubprocessLauncher) launcher = g_subprocess_launcher_new(
        G_SUBPROCESS_FLAGS_STDOUT_PIPE | G_SUBPROCESS_FLAGS_STDERR_SILENCE);
    g_autoptr(GPtrArray) argv = g_ptr_array_new();
    g_autoptr(GDataInputStream) lines = NULL;
    g_autoptr(GError) error = NULL;
    const char *start_argv[] = {
        openssl, "s_server", "-accept", address, "-cert", certificate, "-key", key, "-www"};
    g_autofree char *line = NULL;
    va_list args;

    for (guint i = 0; i < G_N_ELEMENTS(start_argv); i++)
        g_ptr_array_add(argv, (gpointer)(gsize)start_argv[i]);
    va_start(args, more);
    for (; more != NULL; more = va_arg(args, const char *))
        g_ptr_array_add(argv, (gpointer)(gsize)more);
    va_end(args);
    g_ptr_array_add(argv, NULL);
    g_subprocess_launcher_setenv(launcher, "OPENSSL_CONF", "/dev/null", TRUE);
    server.process =
        g_subprocess_launcher_spawnv(launcher, (const char *const *)argv->pdata, &error);
    g_assert_no_error(error);
    lines = g_data_input_stream_new(g_subprocess_get_stdout_pipe(server.process));
    do {
        g_free(line);
        line = g_data_input_stream_read_line(lines, NULL, NULL, NULL);
    } while (line != NULL && strcmp(line, "ACCEPT") != 0);
    g_assert_nonnull(line);
    return server;
}

static void
stop(Server *server)
{
    g_subprocess_force_exit(server->process);
    g_subprocess_wait(server->process, NULL, NULL);
    g_clear_object(&server->process);
}

/* ---- our side ---- */

typedef struct {
    guint16 port, plain_port; /* 0: the default */
    const char *policy, *pin, *ca, *certificate, *key;
    gboolean no_legacy;
    guint count;
    GVariant *peer;
    gboolean legacy_known; /* the device's record after the run */
} Plan;

static GVariant *
get(PosternRun *run, GVariant *params, gpointer self, GError **error)
{
    Plan *plan = net_data;
    g_auto(GVariantDict) dict = G_VARIANT_DICT_INIT(NULL);
    PosternHttp *http;
    GVariant *result = net_done();

    g_variant_dict_insert(&dict, "tls", "s", plan->policy != NULL ? plan->policy : "require");
    g_variant_dict_insert(&dict, "tls-port", "u", (guint32)plan->port);
    g_variant_dict_insert(&dict, "port", "u", (guint32)(plan->plain_port ? plan->plain_port : 1));
    g_variant_dict_insert(&dict, "tls-legacy", "b", !plan->no_legacy);
    if (plan->pin != NULL)
        g_variant_dict_insert(&dict, "tls-pin", "s", plan->pin);
    if (plan->ca != NULL)
        g_variant_dict_insert(&dict, "tls-ca-file", "s", plan->ca);
    if (plan->certificate != NULL)
        g_variant_dict_insert(&dict, "tls-certificate-file", "s", plan->certificate);
    if (plan->key != NULL)
        g_variant_dict_insert(&dict, "tls-key-file", "s", plan->key);
    http = http_service.open(run, g_variant_dict_end(&dict), error);
    if (http == NULL)
        g_clear_pointer(&result, g_variant_unref);
    for (guint i = 0; result != NULL && i < MAX(plan->count, 1); i++) {
        PosternHttpReply *reply =
            http_service.request(http, "GET", "/", NULL, NULL, POSTERN_HTTP_REPEATABLE, error);
        if (reply == NULL)
            g_clear_pointer(&result, g_variant_unref);
        else
            g_assert_cmpuint(http_service.status(reply), ==, 200);
        http_service.reply_free(reply);
    }
    if (http != NULL) {
        plan->peer = http_service.peer(http);
        plan->legacy_known = run_device(run)->tls_legacy;
    }
    http_service.close(http);
    return result;
}

static Outcome *
talk(Plan *plan)
{
    net_data = plan;
    return net_run(get, "127.0.0.1", NULL, NULL);
}

static void
plan_clear(Plan *plan)
{
    g_clear_pointer(&plan->peer, g_variant_unref);
}

static void
assert_ok(const Outcome *outcome)
{
    if (outcome->error != NULL)
        g_error("%s", outcome->error->message);
}

static void
assert_failed(const Outcome *outcome, PosternError code, const char *words)
{
    g_assert_error(outcome->error, POSTERN_ERROR, (int)code);
    if (strstr(outcome->error->message, words) == NULL)
        g_error("no '%s' in '%s'", words, outcome->error->message);
}

static const char *
peer_text(const Plan *plan, const char *name)
{
    const char *text = "";

    g_variant_lookup(plan->peer, name, "&s", &text);
    return text;
}

static gboolean
skipped(void)
{
    if (openssl == NULL)
        g_test_skip("the openssl program is not installed");
    return openssl == NULL;
}

static void
test_modern(void)
{
    static const char *const versions[] = {"-tls1_2", "-tls1_3"};
    static const char *const names[] = {"TLSv1.2", "TLSv1.3"};

    for (guint i = 0; i < 2 && !skipped(); i++) {
        Server server = start(versions[i], NULL);
        Plan plan = {.port = server.port, .count = 2};
        g_autoptr(Outcome) outcome = talk(&plan);
        g_autofree char *pin = NULL;
        assert_ok(outcome);
        g_assert_cmpstr(peer_text(&plan, "tls-version"), ==, names[i]);
        g_assert_cmpstr(peer_text(&plan, "certificate-subject"), ==, "CN=device");
        g_assert_cmpuint(strlen(peer_text(&plan, "certificate-sha256")), ==, 64);
        g_assert_cmpuint(strlen(peer_text(&plan, "certificate-not-after")), ==, 20);
        pin = g_ascii_strup(peer_text(&plan, "certificate-sha256"), -1);
        plan_clear(&plan);
        g_clear_pointer(&outcome, outcome_free);
        plan.pin = pin;
        outcome = talk(&plan);
        assert_ok(outcome);
        plan_clear(&plan);
        stop(&server);
    }
}

static void
test_wrong_pin(void)
{
    Server server;
    Plan plan = {.pin = "00:111111111111111111111111111111111111111111111111111111111111:ab",
                 .policy = "prefer"};
    g_autoptr(Outcome) outcome = NULL;

    if (skipped())
        return;
    server = start(NULL, NULL);
    plan.port = server.port;
    outcome = talk(&plan);
    assert_failed(outcome, POSTERN_ERROR_TLS, "fingerprint");
    plan_clear(&plan);
    stop(&server);
}

static void
test_ca(void)
{
    g_autofree char *own = path_of("device.pem"), *other = path_of("other.pem");
    Server server;
    Plan plan = {.policy = "prefer"};
    Outcome *outcome;

    if (skipped())
        return;
    server = start(NULL, NULL);
    plan.port = server.port;
    plan.ca = own;
    outcome = talk(&plan);
    assert_ok(outcome);
    plan_clear(&plan);
    outcome_free(outcome);
    plan.ca = other;
    outcome = talk(&plan);
    assert_failed(outcome, POSTERN_ERROR_TLS, "issuer");
    plan_clear(&plan);
    outcome_free(outcome);
    plan.ca = "/nonexistent/roots.pem";
    outcome = talk(&plan);
    assert_failed(outcome, POSTERN_ERROR_BAD_PARAM, "/nonexistent/roots.pem");
    plan_clear(&plan);
    outcome_free(outcome);
    stop(&server);
}

/* A device that wants a certificate of ours, and one that it knows. */
static void
test_own_certificate(void)
{
    g_autofree char *device = path_of("device.pem"), *device_key = path_of("device.key");
    g_autofree char *other = path_of("other.pem"), *other_key = path_of("other.key");
    const struct {
        const char *certificate, *key, *words;
        PosternError code;
    } rows[] = {
        {NULL, NULL, "", POSTERN_ERROR_TLS},
        {device, device_key, "", POSTERN_ERROR_TLS},
        {other, other_key, NULL, POSTERN_ERROR_INTERNAL},
        {other, device_key, "cannot use the certificate and key of", POSTERN_ERROR_BAD_PARAM},
        {other, NULL, "cannot use the certificate and key of", POSTERN_ERROR_BAD_PARAM},
    };
    Server server;

    if (skipped())
        return;
    server = start("-tls1_2", "-Verify", "1", "-verify_return_error", "-CAfile", other, NULL);
    for (guint i = 0; i < G_N_ELEMENTS(rows); i++) {
        Plan plan = {.port = server.port, .certificate = rows[i].certificate, .key = rows[i].key};
        g_autoptr(Outcome) outcome = talk(&plan);
        if (rows[i].words == NULL)
            assert_ok(outcome);
        else
            assert_failed(outcome, rows[i].code, rows[i].words);
        plan_clear(&plan);
    }
    stop(&server);
}

/* A device with TLS 1.0 only: a second try with the old profile, remembered; never if it is not
 * allowed. */
static void
test_legacy(void)
{
    Server server;
    Plan plan = {.no_legacy = TRUE, .count = 2};
    Outcome *outcome;

    if (skipped())
        return;
    server = start("-tls1", "-cipher", "ALL:@SECLEVEL=0", NULL);
    plan.port = server.port;
    outcome = talk(&plan);
    assert_failed(outcome, POSTERN_ERROR_TLS, "TLS 1.2 and later");
    g_assert_false(plan.legacy_known);
    plan_clear(&plan);
    outcome_free(outcome);
    plan.no_legacy = FALSE;
    outcome = talk(&plan);
    assert_ok(outcome);
    g_assert_cmpstr(peer_text(&plan, "tls-version"), ==, "TLSv1");
    g_assert_true(plan.legacy_known);
    plan_clear(&plan);
    outcome_free(outcome);
    stop(&server);
}

/* "prefer" goes to plain when nobody speaks TLS there: the port is refused, or speaks something
 * else. */
static void
test_prefer_plain(void)
{
    static const char ok[] = "HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n";
    static const char bad[] = "!+HTTP/1.0 400 Bad Request\r\n\r\nthis is no TLS";
    static const char *const answers[] = {ok, ok, NULL}, *const refusal[] = {bad, NULL};
    static const char *const *const plain_script[] = {answers, NULL};
    static const char *const *const odd_script[] = {refusal, NULL};

    for (guint i = 0; i < 2; i++) {
        NetServer *plain = net_server(plain_script);
        NetServer *odd = i == 1 ? net_server(odd_script) : NULL;
        Plan plan = {.policy = "prefer",
                     .port = odd != NULL ? odd->port : free_port(),
                     .plain_port = plain->port,
                     .count = 2};
        g_autoptr(Outcome) outcome = talk(&plan);
        assert_ok(outcome);
        g_assert_cmpuint(plain->connections, ==, 1);
        plan_clear(&plan);
        net_server_free(plain);
        if (odd != NULL)
            net_server_free(odd);
    }
}

static void
test_require_refused(void)
{
    Plan plan = {.policy = "require", .port = free_port()};
    g_autoptr(Outcome) outcome = talk(&plan);

    assert_failed(outcome, POSTERN_ERROR_REFUSED, "cannot connect");
    plan_clear(&plan);
}

/* A server that cuts the handshake is no reason to speak in the clear. */
static void
test_cut_handshake(void)
{
    static const char *const cut[] = {"!@reset", NULL};
    static const char *const *const script[] = {cut, cut, NULL};
    NetServer *server = net_server(script);
    Plan plan = {.policy = "prefer", .port = server->port};
    g_autoptr(Outcome) outcome = talk(&plan);

    /* the cut may come in the handshake or, on a fast machine, before it */
    if (!g_error_matches(outcome->error, POSTERN_ERROR, POSTERN_ERROR_UNREACHABLE))
        assert_failed(outcome, POSTERN_ERROR_TLS, "handshake");
    g_assert_null(strstr(outcome->error->message, "plain"));
    plan_clear(&plan);
    net_server_free(server);
}

/* ---- streams, both sides ours ---- */

typedef struct {
    PosternListener *listener;
    gboolean psk;
    gboolean tls;
    guint32 port;
} Pair;

static GVariant *
pair_options(const Pair *pair, gboolean serves)
{
    g_auto(GVariantDict) dict = G_VARIANT_DICT_INIT(NULL);
    g_autofree char *key = path_of("device.key"), *certificate = path_of("device.pem");

    g_variant_dict_insert(&dict, "tls", "s", pair->tls ? "require" : "off");
    if (pair->psk) {
        g_variant_dict_insert(&dict, "tls-psk-identity", "s", "device-1");
        g_variant_dict_insert(&dict, "tls-psk-hex", "s", "00112233445566778899aabbccddeeff");
    } else if (serves) {
        g_variant_dict_insert(&dict, "certificate-file", "s", certificate);
        g_variant_dict_insert(&dict, "key-file", "s", key);
    }
    return g_variant_dict_end(&dict);
}

/* Echo until the other side ends. */
static gboolean
echo(PosternRun *run, gpointer data, GError **error)
{
    const Pair *pair = data;
    PosternStream *stream = stream_service.accept(pair->listener, 3000, error);
    char bytes[777];
    gssize got;

    if (stream == NULL)
        return FALSE;
    while ((got = stream_service.read(stream, bytes, sizeof bytes, 3000, error)) > 0)
        if (!stream_service.write(stream, bytes, (gsize)got, 3000, error))
            return FALSE;
    stream_service.close(stream);
    return got == 0;
}

static gboolean
pump(PosternRun *run, gpointer data, GError **error)
{
    g_autofree char *bytes = g_strnfill(300000, 'p');

    return stream_service.write(data, bytes, 300000, 3000, error);
}

static GVariant *
both_sides(PosternRun *run, GVariant *params, gpointer self, GError **error)
{
    Pair *pair = net_data;
    PosternStrand *server, *writer;
    PosternStream *stream;
    g_autoptr(GVariant) info = NULL;
    char bytes[5000];
    gsize sum = 0;

    pair->listener = stream_service.listen(run, NULL, 0, pair_options(pair, TRUE), error);
    if (pair->listener == NULL)
        return NULL;
    info = stream_service.listener_info(pair->listener);
    g_assert_true(g_variant_lookup(info, "port", "u", &pair->port));
    server = run_service.spawn(run, echo, pair, error);
    stream = stream_service.connect(run, "127.0.0.1", pair->port, pair_options(pair, FALSE), error);
    if (stream == NULL)
        return NULL;
    writer = run_service.spawn(run, pump, stream, error);
    while (sum < 300000) {
        gssize got = stream_service.read(stream, bytes, sizeof bytes, 3000, error);
        if (got <= 0)
            return NULL;
        for (gssize i = 0; i < got; i++)
            g_assert_cmpint(bytes[i], ==, 'p');
        sum += (gsize)got;
    }
    g_assert_cmpuint(sum, ==, 300000);
    g_assert_true(run_service.join(writer, error));
    stream_service.close(stream);
    g_assert_true(run_service.join(server, error));
    /* the listener is left open: it is closed with the run */
    return net_done();
}

static void
test_streams(void)
{
    for (guint i = 0; i < 3 && (i == 0 || !skipped()); i++) {
        Pair pair = {.tls = i > 0, .psk = i == 2};
        g_autoptr(Outcome) outcome = NULL;
        net_data = &pair;
        outcome = net_run(both_sides, "127.0.0.1", NULL, NULL);
        assert_ok(outcome);
    }
}

static GVariant *
nobody_comes(PosternRun *run, GVariant *params, gpointer self, GError **error)
{
    PosternListener *listener = stream_service.listen(run, "127.0.0.1", 0, NULL, error);
    PosternStream *stream = stream_service.accept(listener, 100, error);

    g_assert_null(stream);
    return NULL;
}

static void
test_accept_timeout(void)
{
    g_autoptr(Outcome) outcome = net_run(nobody_comes, "127.0.0.1", NULL, NULL);

    assert_failed(outcome, POSTERN_ERROR_TIMEOUT, "nobody connected");
}

static GVariant *
bad_names(PosternRun *run, GVariant *params, gpointer self, GError **error)
{
    PosternStream *stream = stream_service.connect(run, "no-such-host.invalid", 1, NULL, error);

    g_assert_null(stream);
    return NULL;
}

static void
test_unresolved(void)
{
    g_autoptr(Outcome) outcome = net_run(bad_names, "127.0.0.1", NULL, NULL);

    if (g_error_matches(outcome->error, POSTERN_ERROR, POSTERN_ERROR_TIMEOUT))
        g_test_skip("no name server answers here");
    else
        assert_failed(outcome, POSTERN_ERROR_UNRESOLVED, "no-such-host.invalid");
}

/* Cancelled: what is written still goes out, a few times; nothing is waited for. */
static GVariant *
good_bye(PosternRun *run, GVariant *params, gpointer self, GError **error)
{
    static const char bye[] = "BYE / HTTP/1.1\r\n\r\n";
    const NetServer *server = net_data;
    PosternStream *stream = stream_service.connect(run, "127.0.0.1", server->port, NULL, error);
    g_autoptr(GError) refused = NULL;
    char byte;
    guint sent = 0;

    if (stream == NULL)
        return NULL;
    run_cancel(run, POSTERN_ERROR_CANCELLED, "the test says so");
    g_assert_cmpint(stream_service.read(stream, &byte, 1, 1000, &refused), ==, -1);
    g_assert_error(refused, POSTERN_ERROR, POSTERN_ERROR_CANCELLED);
    g_clear_error(&refused);
    while (sent < 100 && stream_service.write(stream, bye, strlen(bye), 1000, &refused))
        sent++;
    g_assert_cmpuint(sent, ==, 8);
    g_assert_error(refused, POSTERN_ERROR, POSTERN_ERROR_CANCELLED);
    stream_service.close(stream);
    return net_done();
}

static void
test_good_bye(void)
{
    static const char *const silent[] = {"@hang", NULL};
    static const char *const *const played[] = {silent, NULL};
    NetServer *server = net_server(played);
    g_autoptr(Outcome) outcome = NULL;

    net_data = server;
    outcome = net_run(good_bye, "127.0.0.1", NULL, NULL);
    g_assert_no_error(outcome->error);
    net_server_stop(server);
    g_assert_true(g_str_has_prefix(net_request(server, 0), "BYE / HTTP/1.1"));
    net_server_free(server);
}

int
main(int argc, char **argv)
{
    int status;

    g_test_init(&argc, &argv, NULL);
    net_setup();
    dir = g_dir_make_tmp("postern-tls-XXXXXX", NULL);
    openssl = g_find_program_in_path("openssl");
    if (openssl != NULL) {
        make_certificate("device");
        make_certificate("other");
    }
    g_test_add_func("/tls/modern", test_modern);
    g_test_add_func("/tls/wrong-pin", test_wrong_pin);
    g_test_add_func("/tls/ca", test_ca);
    g_test_add_func("/tls/own-certificate", test_own_certificate);
    g_test_add_func("/tls/legacy", test_legacy);
    g_test_add_func("/tls/prefer-plain", test_prefer_plain);
    g_test_add_func("/tls/require-refused", test_require_refused);
    g_test_add_func("/tls/cut-handshake", test_cut_handshake);
    g_test_add_func("/stream/both-sides", test_streams);
    g_test_add_func("/stream/accept-timeout", test_accept_timeout);
    g_test_add_func("/stream/unresolved", test_unresolved);
    g_test_add_func("/stream/good-bye", test_good_bye);
    status = g_test_run();
    net_teardown();
    for (guint i = 0; i < 4; i++) {
        static const char *const names[] = {"device.key", "device.pem", "other.key", "other.pem"};
        g_autofree char *path = path_of(names[i]);
        g_remove(path);
    }
    g_rmdir(dir);
    g_free(dir);
    g_free(openssl);
    return status;
}
