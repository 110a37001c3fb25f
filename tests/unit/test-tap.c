/* SPDX-License-Identifier: Apache-2.0 */
#include "config.h"

#include "http.h"
#include "net-run.h"
#include "tap-private.h"
#include "tap.h"

#include <glib/gstdio.h>
#include <string.h>
#include <unistd.h>

/*
 * Recording, replay and faults over the whole way from an HTTP request to the wire.
 */

#define CHALLENGE                                                                                  \
    "HTTP/1.1 401 No\r\nDate: Mon, 01 Jan 2024 00:00:00 GMT\r\nWWW-Authenticate: Digest "          \
    "realm=\"Digest:4BB9\", nonce=\"zicaAAAA\",stale=\"false\",qop=\"auth\"\r\nConnection: "       \
    "close\r\n"                                                                                    \
    "Content-Length: 3\r\n\r\nno\n"
#define OK                                                                                         \
    "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n0003\r\nabc\r\n0002\r\nde\r\n0\r\n\r\n"

static const char *const refusal[] = {"+" CHALLENGE, NULL};
static const char *const answers[] = {OK, OK, NULL};
static const char *const *const script[] = {refusal, answers, NULL};
static const char *const admin[] = {"admin", "Tr0ub4dor", NULL};

static const char *body_text = "<secret>Tr0ub4dor</secret>";

static GVariant *
two_requests(PosternRun *run, GVariant *params, gpointer self, GError **error)
{
    PosternHttp *http = http_service.open(
        run, g_variant_new_parsed("{'tls': <'off'>, 'timeout-ms': <uint32 1000>}"), error);
    g_autoptr(GBytes) body = g_bytes_new_static(body_text, strlen(body_text));

    for (guint i = 0; i < 2; i++) {
        PosternHttpReply *reply =
            http_service.request(http, "POST", "/wsman", NULL, body, 0, error);
        gsize length;
        const char *bytes;
        if (reply == NULL)
            return NULL;
        bytes = g_bytes_get_data(http_service.body(reply), &length);
        /* stands for a plugin that looks at what it got */
        if (length != 5 || memcmp(bytes, "abcde", 5) != 0) {
            g_set_error(error, POSTERN_ERROR, POSTERN_ERROR_PROTOCOL, "the body is not abcde");
            http_service.reply_free(reply);
            return NULL;
        }
        http_service.reply_free(reply);
    }
    return net_done();
}

static char *path;

/* A recording of one run against the scripted device. */
static void
make_recording(void)
{
    NetServer *server = net_server(script);
    g_autofree char *target = net_target(server);
    g_autoptr(GError) error = NULL;
    Tap *tap = tap_record(path, &error);
    g_autoptr(Outcome) outcome = NULL;

    g_assert_no_error(error);
    outcome = net_run(two_requests, target, admin, tap);
    g_assert_no_error(outcome->error);
    g_assert_true(tap_close(tap, &error));
    g_assert_no_error(error);
    net_server_free(server);
}

/* The target of a replay names the port, as no plugin's default says it here. */
static char *
recorded_port(void)
{
    g_autofree char *text = NULL;
    const char *at;

    g_assert_true(g_file_get_contents(path, &text, NULL, NULL));
    at = strstr(text, "device:");
    g_assert_nonnull(at);
    return g_strdup_printf("192.0.2.1:%d", (int)g_ascii_strtoll(at + 7, NULL, 10));
}

static void
test_record(void)
{
    g_autofree char *text = NULL;
    GStatBuf info;

    make_recording();
    g_assert_true(g_file_get_contents(path, &text, NULL, NULL));
    g_assert_null(strstr(text, "127.0.0.1"));
    g_assert_null(strstr(text, "Tr0ub4dor"));
    g_assert_null(strstr(text, "zicaAAAA"));
    g_assert_null(strstr(text, "response="));
    g_assert_null(strstr(text, "Date:"));
    g_assert_nonnull(strstr(text, "<secret>******</secret>"));
    g_assert_nonnull(strstr(text, "\"task\" : \"test.net.check\""));
    g_assert_cmpint(g_stat(path, &info), ==, 0);
    g_assert_cmpint(info.st_mode & 077, ==, 0);
    g_unlink(path);
}

static void
test_replay(void)
{
    g_autofree char *target = NULL, *unused = NULL;
    g_autoptr(GError) error = NULL;
    g_autoptr(Outcome) outcome = NULL;
    Tap *tap;

    make_recording();
    target = recorded_port();
    tap = tap_replay(path, &error);
    g_assert_no_error(error);
    g_assert_cmpint(tap_recorded_time(tap), >, 0);
    unused = tap_unused(tap);
    g_assert_nonnull(unused);
    outcome = net_run(two_requests, target, admin, tap);
    g_assert_no_error(outcome->error);
    g_free(unused);
    unused = tap_unused(tap);
    g_assert_null(unused);
    tap_close(tap, NULL);
    g_unlink(path);
}

static void
test_difference(void)
{
    g_autofree char *target = NULL;
    g_autoptr(Outcome) outcome = NULL;
    Tap *tap;

    make_recording();
    target = recorded_port();
    tap = tap_replay(path, NULL);
    body_text = "<another>Tr0ub4dor</another>";
    outcome = net_run(two_requests, target, admin, tap);
    body_text = "<secret>Tr0ub4dor</secret>";
    g_assert_error(outcome->error, POSTERN_ERROR, POSTERN_ERROR_PROTOCOL);
    g_assert_nonnull(strstr(outcome->error->message, "differs"));
    g_assert_null(strstr(outcome->error->message, "Tr0ub4dor"));
    tap_close(tap, NULL);
    g_unlink(path);
}

static void
test_wrong_device(void)
{
    g_autoptr(Outcome) outcome = NULL;
    Tap *tap;

    make_recording();
    tap = tap_replay(path, NULL);
    outcome = net_run(two_requests, "192.0.2.1:9", admin, tap);
    g_assert_error(outcome->error, POSTERN_ERROR, POSTERN_ERROR_PROTOCOL);
    g_assert_nonnull(strstr(outcome->error->message, "no further connection to device:9"));
    tap_close(tap, NULL);
    g_unlink(path);
}

static guint
steps_without_fault(const char *target)
{
    Tap *tap = tap_replay(path, NULL);
    g_autoptr(Outcome) outcome = net_run(two_requests, target, admin, tap);
    guint steps = tap_steps(tap);

    g_assert_no_error(outcome->error);
    tap_close(tap, NULL);
    return steps;
}

/* Each step of the recording fails in each way: always one clear error, never a hang. */
static void
test_torture(void)
{
    g_autofree char *target = NULL;
    guint steps;

    make_recording();
    target = recorded_port();
    steps = steps_without_fault(target);
    for (guint step = 0; step < steps; step++) {
        for (guint fault = TAP_FAULT_TIMEOUT; fault < TAP_FAULTS; fault++) {
            g_autoptr(GError) error = NULL;
            Tap *tap = tap_replay(path, &error);
            g_autoptr(Outcome) outcome = NULL;
            gint64 start = g_get_monotonic_time();
            g_assert_no_error(error);
            tap_fault(tap, step, (TapFault)fault, step * 100 + fault);
            outcome = net_run(two_requests, target, admin, tap);
            if (outcome->kind != OUTCOME_FAILED)
                g_error("step %u, fault %s: no error", step, tap_fault_word((TapFault)fault));
            g_assert_true(outcome->error->domain == POSTERN_ERROR);
            g_assert_cmpint(outcome->error->code, !=, POSTERN_ERROR_INTERNAL);
            g_assert_cmpint(outcome->error->code, !=, POSTERN_ERROR_CANCELLED);
            g_assert_cmpint(g_get_monotonic_time() - start, <, 2 * G_USEC_PER_SEC);
            tap_close(tap, NULL);
        }
    }
    g_assert_cmpuint(steps, >=, 8);
    g_unlink(path);
}

/* Faults without a recording, against a real server. */
static void
test_plain_fault(void)
{
    NetServer *server = net_server(script);
    g_autofree char *target = net_target(server);
    Tap *tap = tap_plain();
    g_autoptr(Outcome) outcome = NULL;

    tap_fault(tap, 2, TAP_FAULT_GARBAGE, 1);
    outcome = net_run(two_requests, target, admin, tap);
    g_assert_error(outcome->error, POSTERN_ERROR, POSTERN_ERROR_PROTOCOL);
    net_server_stop(server);
    net_server_free(server);
    tap_close(tap, NULL);
}

/* A file that is no recording says what is wrong with it, and where. */
static void
test_bad_files(void)
{
    static const char *const table[][2] = {
        {"", "no recording"},
        {"\xff\xfe", "UTF-8"},
        {"{", "line 1"},
        {"[]", "one JSON object"},
        {"{\"format\":\"other\"}", "'other'"},
        {"{\"format\":\"postern-recording\",\"version\":2}", "\"version\" is 2"},
        {"{\"format\":\"postern-recording\",\"version\":1}", "events"},
        {"{\"format\":\"postern-recording\",\"version\":1,\"events\":[7]}", "event 0"},
        {"{\"format\":\"postern-recording\",\"version\":1,\"events\":[{\"op\":\"fly\",\"stream\":1}"
         "]}",
         "fly"},
        {"{\"format\":\"postern-recording\",\"version\":1,\"events\":[{\"op\":\"send\",\"stream\":"
         "1}]}",
         "neither"},
        {"{\"format\":\"postern-recording\",\"version\":1,\"events\":[{\"op\":\"connect\","
         "\"stream\":1}]}",
         "no \"to\""},
        {"{\"format\":\"postern-recording\",\"version\":1,\"events\":[{\"op\":\"error\",\"stream\":"
         "1,\"error\":\"blue\"}]}",
         "blue"},
        {"{\"a\":[[[[[[[[[[[[1]]]]]]]]]]]]}", "nested"},
    };

    for (guint i = 0; i < G_N_ELEMENTS(table); i++) {
        g_autoptr(GError) error = NULL;
        g_assert_true(g_file_set_contents(path, table[i][0], -1, NULL));
        g_assert_null(tap_replay(path, &error));
        g_assert_error(error, POSTERN_ERROR, POSTERN_ERROR_BAD_PARAM);
        if (strstr(error->message, table[i][1]) == NULL || strstr(error->message, path) == NULL)
            g_error("no '%s' in '%s'", table[i][1], error->message);
    }
    g_unlink(path);
}

static void
test_unwritable(void)
{
    g_autoptr(GError) error = NULL;

    g_assert_null(tap_record("/nonexistent/recording.json", &error));
    g_assert_error(error, POSTERN_ERROR, POSTERN_ERROR_BAD_PARAM);
    g_clear_error(&error);
    g_assert_null(tap_replay("/nonexistent/recording.json", &error));
    g_assert_error(error, POSTERN_ERROR, POSTERN_ERROR_BAD_PARAM);
}

static void
check_normal(const char *bytes, gsize length, gboolean sent, const char *expected)
{
    g_autoptr(GByteArray) in = g_byte_array_new(), out = NULL;

    g_byte_array_append(in, (const guint8 *)bytes, (guint)length);
    out = tap_normalise(in, sent);
    g_assert_cmpmem(out->data, out->len, expected, length);
}

/* The digest of a login at AMT's redirection port is another one each time, and nobody's business. */
static void
test_binary_login(void)
{
    static const char login[] = "\x13\0\0\0\4\5\0\0\0\4abcd",
                      hidden[] = "\x13\0\0\0\4\5\0\0\0*****";
    static const char query[] = "\x13\0\0\0\0\0\0\0\0", other[] = "\x13\0\0\0\4\6\0\0\0\4abcd";

    check_normal(login, sizeof login - 1, TRUE, hidden);
    check_normal(login, sizeof login - 1, FALSE, login); /* what comes is no login */
    check_normal(query, sizeof query - 1, TRUE, query);
    check_normal(other, sizeof other - 1, TRUE, other); /* its length is another one */
    check_normal(login, 9, TRUE, login);
}

int
main(int argc, char **argv)
{
    int status;

    g_test_init(&argc, &argv, NULL);
    net_setup();
    path = g_strdup_printf("%s/postern-tap-%d.json", g_get_tmp_dir(), (int)getpid());
    g_test_add_func("/tap/record", test_record);
    g_test_add_func("/tap/replay", test_replay);
    g_test_add_func("/tap/binary-login", test_binary_login);
    g_test_add_func("/tap/difference", test_difference);
    g_test_add_func("/tap/wrong-device", test_wrong_device);
    g_test_add_func("/tap/torture", test_torture);
    g_test_add_func("/tap/plain-fault", test_plain_fault);
    g_test_add_func("/tap/bad-files", test_bad_files);
    g_test_add_func("/tap/unwritable", test_unwritable);
    status = g_test_run();
    net_teardown();
    g_free(path);
    return status;
}
