/* SPDX-License-Identifier: Apache-2.0 */
#include "config.h"

/*
 * bare-client - the yardstick: asks many devices for their power state with no more work than the
 * exchange needs.
 *
 * One epoll descriptor, told once of each connection; connect, POST, 401, POST, 200, close. It
 * knows its server: what a real client has to be ready for, it just counts as failed.
 */
#include "bench-common.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <stdio.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

enum { INPUT = 4096, EVENTS = 256, PATIENCE_MS = 10000 };

typedef enum { STEP_ASK, STEP_CHALLENGE, STEP_LOGIN, STEP_ANSWER } Step;

typedef struct {
    BenchStream stream;
    Step step;
    guint number; /* of the device */
    guint used;
    char output[BENCH_REQUEST];
    int output_length;
    char input[INPUT + 1];
} Exchange;

typedef struct {
    BenchOptions options;
    int epoll;
    SSL_CTX *tls;
    guint next, running, ok, failed;
} Client;

/* What a step came to. */
typedef enum { GO_ON, WAIT, DONE, FAILED } Verdict;

/* ---- messages ---- */

/* `authorization` is empty or a whole header line. */
static void
write_request(Client *client, Exchange *exchange, const char *authorization)
{
    char name[BENCH_NAME], body[BENCH_REQUEST];
    int length = bench_request_body(exchange->number + 1, body);

    bench_device_name(&client->options, exchange->number, name);
    exchange->output_length =
        g_snprintf(exchange->output,
                   BENCH_REQUEST,
                   "POST /wsman HTTP/1.1\r\nHost: %s:%u\r\n%s"
                   "Content-Type: application/soap+xml;charset=UTF-8\r\nContent-Length: %d\r\n"
                   "\r\n%s",
                   name,
                   client->options.port,
                   authorization,
                   length,
                   body);
}

static gboolean
write_login(Client *client, Exchange *exchange)
{
    BenchText realm = bench_header_param(exchange->input, "realm");
    BenchText nonce = bench_header_param(exchange->input, "nonce");
    char cnonce[BENCH_HEX], response[BENCH_HEX], line[768];
    int length;

    if (realm.text == NULL || nonce.text == NULL)
        return FALSE;
    g_snprintf(cnonce, sizeof cnonce, "%08x%08x", g_random_int(), exchange->number);
    bench_digest_response(client->options.user,
                          client->options.password,
                          realm,
                          nonce,
                          (BenchText){"00000001", 8},
                          (BenchText){cnonce, 16},
                          response);
    length = g_snprintf(line,
                        sizeof line,
                        "Authorization: Digest username=\"%s\",realm=\"%.*s\",nonce=\"%.*s\","
                        "uri=\"/wsman\",qop=auth,nc=00000001,cnonce=\"%s\",response=\"%s\"\r\n",
                        client->options.user,
                        realm.length,
                        realm.text,
                        nonce.length,
                        nonce.text,
                        cnonce,
                        response);
    if (length >= (int)sizeof line)
        return FALSE;
    write_request(client, exchange, line);
    return TRUE;
}

/* The end of a body in chunks, or NULL when more is to come. */
static const char *
skip_chunks(const char *at, const char *end)
{
    while (at < end) {
        char *line;
        guint64 size = g_ascii_strtoull(at, &line, 16);

        if (line == at || end - line < 4 || size > INPUT)
            return NULL;
        at = line + 2;
        if (size == 0)
            return at + 2;
        if (size + 2 > (guint64)(end - at))
            return NULL;
        at += size + 2;
    }
    return NULL;
}

/* Is the whole message there? */
static gboolean
is_whole(const Exchange *exchange)
{
    const char *end = strstr(exchange->input, "\r\n\r\n"), *length;

    if (end == NULL)
        return FALSE;
    end += 4;
    length = strstr(exchange->input, "Content-Length: ");
    if (length != NULL && length < end)
        return g_ascii_strtoull(length + strlen("Content-Length: "), NULL, 10) <=
               (guint64)(exchange->input + exchange->used - end);
    return skip_chunks(end, exchange->input + exchange->used) != NULL;
}

/* ---- one device ---- */

static Verdict
send_output(Exchange *exchange)
{
    ssize_t n =
        bench_stream_write(&exchange->stream, exchange->output, (gsize)exchange->output_length);

    if (n == BENCH_AGAIN)
        return WAIT;
    if (n != exchange->output_length)
        return FAILED;
    exchange->step++;
    return GO_ON;
}

static Verdict
use_message(Client *client, Exchange *exchange)
{
    gboolean challenge = exchange->step == STEP_CHALLENGE;

    if (!g_str_has_prefix(exchange->input, challenge ? "HTTP/1.1 401 " : "HTTP/1.1 200 "))
        return FAILED;
    if (!challenge)
        return strstr(exchange->input, "PowerState>2<") != NULL ? DONE : FAILED;
    if (!write_login(client, exchange))
        return FAILED;
    exchange->used = 0;
    exchange->step++;
    return GO_ON;
}

static Verdict
receive_input(Client *client, Exchange *exchange)
{
    for (;;) {
        ssize_t n = bench_stream_read(
            &exchange->stream, exchange->input + exchange->used, INPUT - exchange->used);

        if (n == BENCH_AGAIN)
            return WAIT;
        if (n <= 0)
            return FAILED;
        exchange->used += (guint)n;
        exchange->input[exchange->used] = '\0';
        if (is_whole(exchange))
            return use_message(client, exchange);
    }
}

static Verdict
advance(Client *client, Exchange *exchange)
{
    Verdict verdict = GO_ON;

    while (verdict == GO_ON) {
        gboolean sends = exchange->step == STEP_ASK || exchange->step == STEP_LOGIN;
        verdict = sends ? send_output(exchange) : receive_input(client, exchange);
        /* what was asked is not answered yet: save the vain look */
        if (sends && verdict == GO_ON)
            return WAIT;
    }
    return verdict;
}

/* ---- all devices ---- */

static gboolean
begin(Client *client, Exchange *exchange)
{
    struct sockaddr_in there = {.sin_family = AF_INET,
                                .sin_port = htons((guint16)client->options.port)};
    /* edges: one call tells epoll of the connection for its whole life */
    struct epoll_event event = {.events = EPOLLIN | EPOLLOUT | EPOLLET, .data.ptr = exchange};
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);

    if (fd < 0)
        return FALSE;
    exchange->stream = (BenchStream){.fd = fd};
    exchange->step = STEP_ASK;
    exchange->used = 0;
    there.sin_addr.s_addr = htonl(client->options.first + exchange->number);
    if (client->tls != NULL) {
        exchange->stream.ssl = SSL_new(client->tls);
        SSL_set_fd(exchange->stream.ssl, fd);
        SSL_set_connect_state(exchange->stream.ssl);
    }
    write_request(client, exchange, "");
    if ((connect(fd, (struct sockaddr *)&there, sizeof there) != 0 && errno != EINPROGRESS) ||
        epoll_ctl(client->epoll, EPOLL_CTL_ADD, fd, &event) != 0) {
        bench_stream_close(&exchange->stream);
        return FALSE;
    }
    return TRUE;
}

/* Take the next device that there is on this place. */
static void
refill(Client *client, Exchange *exchange)
{
    exchange->stream.fd = -1;
    while (client->next < client->options.count) {
        exchange->number = client->next++;
        if (begin(client, exchange)) {
            client->running++;
            return;
        }
        client->failed++;
    }
}

static void
on_event(Client *client, Exchange *exchange)
{
    Verdict verdict = advance(client, exchange);

    if (verdict == WAIT)
        return;
    bench_stream_close(&exchange->stream);
    client->running--;
    if (verdict == DONE)
        client->ok++;
    else
        client->failed++;
    refill(client, exchange);
}

static void
ask_all(Client *client)
{
    guint n = MIN(client->options.parallel, client->options.count);
    g_autofree Exchange *exchanges = g_new(Exchange, n);
    struct epoll_event events[EVENTS];

    for (guint i = 0; i < n; i++)
        refill(client, &exchanges[i]);
    while (client->running > 0) {
        int ready = epoll_wait(client->epoll, events, EVENTS, PATIENCE_MS);

        if (ready < 0 && errno == EINTR)
            continue;
        if (ready <= 0)
            break;
        for (int i = 0; i < ready; i++)
            on_event(client, events[i].data.ptr);
    }
    for (guint i = 0; client->running > 0 && i < n; i++)
        if (exchanges[i].stream.fd >= 0)
            bench_stream_close(&exchanges[i].stream);
    /* whoever said nothing for so long will not */
    client->failed = client->options.count - client->ok;
}

int
main(int argc, char **argv)
{
    Client client = {0};
    gint64 started = g_get_monotonic_time();

    g_set_prgname("bare-client");
    bench_options_parse(&client.options,
                        argc,
                        argv,
                        "Asks many devices for their power state with the least work possible.");
    bench_raise_limits();
    bench_digest_init();
    client.epoll = epoll_create1(EPOLL_CLOEXEC);
    if (client.options.tls)
        client.tls = bench_tls_context(TLS_client_method());
    ask_all(&client);
    bench_report(&client.options, client.ok, client.failed, started);
    g_clear_pointer(&client.tls, SSL_CTX_free);
    close(client.epoll);
    bench_options_clear(&client.options);
    bench_digest_end();
    return client.failed == 0 ? 0 : 1;
}
