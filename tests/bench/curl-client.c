/* SPDX-License-Identifier: Apache-2.0 */
#include "config.h"

/*
 * curl-client - the same exchange as bare-client through libcurl, used as well as it can be: its
 * socket interface over one epoll descriptor, few handles on each multi, a fresh handle for each
 * device.
 */
#include "bench-common.h"

#include <curl/curl.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/epoll.h>
#include <unistd.h>

/* A multi walks its table of connections at each end: more handles make each end dearer. */
enum { HANDLES = 64, EVENTS = 256, PATIENCE_MS = 10000, ANSWER = 4096 };

typedef struct Client Client;

typedef struct {
    Client *client;
    CURLM *multi;
    gint64 due; /* when libcurl wants to be called, or -1 */
} Shard;

typedef struct {
    CURL *easy;
    char request[BENCH_REQUEST];
    guint used;
    char answer[ANSWER + 1];
} Exchange;

struct Client {
    BenchOptions options;
    int epoll;
    struct curl_slist *headers;
    Shard *shards;
    guint n_shards;
    guint next, running, ok, failed;
};

/* ---- what libcurl calls ---- */

static int
on_socket(CURL *easy, curl_socket_t fd, int what, void *data, void *known)
{
    Shard *shard = data;
    struct epoll_event event = {.data.u64 =
                                    (guint64)(shard - shard->client->shards) << 32 | (guint32)fd};

    if (what == CURL_POLL_REMOVE) {
        (void)epoll_ctl(shard->client->epoll, EPOLL_CTL_DEL, fd, NULL);
        return 0;
    }
    event.events = (what & CURL_POLL_IN ? EPOLLIN : 0u) | (what & CURL_POLL_OUT ? EPOLLOUT : 0u);
    if (known == NULL)
        curl_multi_assign(shard->multi, fd, shard);
    return epoll_ctl(
        shard->client->epoll, known == NULL ? EPOLL_CTL_ADD : EPOLL_CTL_MOD, fd, &event);
}

static int
on_timer(CURLM *multi, long timeout_ms, void *data)
{
    Shard *shard = data;

    shard->due = timeout_ms < 0 ? -1 : g_get_monotonic_time() + timeout_ms * 1000;
    return 0;
}

static gsize
on_answer(char *bytes, gsize size, gsize n, void *data)
{
    Exchange *exchange = data;
    gsize length = MIN(size * n, ANSWER - (gsize)exchange->used);

    /* A connection left to be evicted leaves its entry behind, and each later end walks them all:
     * close it with its answer. Not before, or the login would take a second one. */
    curl_easy_setopt(exchange->easy, CURLOPT_FORBID_REUSE, 1L);
    memcpy(exchange->answer + exchange->used, bytes, length);
    exchange->used += (guint)length;
    exchange->answer[exchange->used] = '\0';
    return size * n;
}

/* ---- one device ---- */

static void
set_security(CURL *easy)
{
    curl_easy_setopt(easy, CURLOPT_SSL_VERIFYPEER, 0L);
    curl_easy_setopt(easy, CURLOPT_SSL_VERIFYHOST, 0L);
    curl_easy_setopt(easy, CURLOPT_SSLVERSION, (long)CURL_SSLVERSION_TLSv1_3);
    curl_easy_setopt(easy, CURLOPT_SSL_SESSIONID_CACHE, 0L);
    /* or each connection reads the system's whole store, which nobody asks */
    curl_easy_setopt(easy, CURLOPT_CAINFO, NULL);
    curl_easy_setopt(easy, CURLOPT_CAPATH, NULL);
}

static void
begin(Shard *shard, guint number)
{
    Client *client = shard->client;
    Exchange *exchange = g_new(Exchange, 1);
    CURL *easy = exchange->easy = curl_easy_init();
    char name[BENCH_NAME], url[64];
    int length = bench_request_body(number + 1, exchange->request);

    bench_device_name(&client->options, number, name);
    g_snprintf(url,
               sizeof url,
               "%s://%s:%u/wsman",
               client->options.tls ? "https" : "http",
               name,
               client->options.port);
    exchange->used = 0;
    curl_easy_setopt(easy, CURLOPT_URL, url);
    curl_easy_setopt(easy, CURLOPT_PRIVATE, exchange);
    curl_easy_setopt(easy, CURLOPT_HTTPHEADER, client->headers);
    curl_easy_setopt(easy, CURLOPT_POSTFIELDS, exchange->request);
    curl_easy_setopt(easy, CURLOPT_POSTFIELDSIZE, (long)length);
    curl_easy_setopt(easy, CURLOPT_HTTPAUTH, (long)CURLAUTH_DIGEST);
    curl_easy_setopt(easy, CURLOPT_USERNAME, client->options.user);
    curl_easy_setopt(easy, CURLOPT_PASSWORD, client->options.password);
    curl_easy_setopt(easy, CURLOPT_WRITEFUNCTION, on_answer);
    curl_easy_setopt(easy, CURLOPT_WRITEDATA, exchange);
    curl_easy_setopt(easy, CURLOPT_DNS_CACHE_TIMEOUT, 0L);
    curl_easy_setopt(easy, CURLOPT_NOSIGNAL, 1L);
    curl_easy_setopt(easy, CURLOPT_PROXY, "");
    if (client->options.tls)
        set_security(easy);
    curl_multi_add_handle(shard->multi, easy);
    client->running++;
}

static void
end(Client *client, CURLM *multi, CURL *easy, CURLcode result)
{
    Exchange *exchange;
    char *private;
    long status = 0;

    curl_easy_getinfo(easy, CURLINFO_PRIVATE, &private);
    curl_easy_getinfo(easy, CURLINFO_RESPONSE_CODE, &status);
    exchange = (Exchange *)(void *)private;
    if (result == CURLE_OK && status == 200 && strstr(exchange->answer, "PowerState>2<") != NULL)
        client->ok++;
    curl_multi_remove_handle(multi, easy);
    curl_easy_cleanup(easy);
    g_free(exchange);
    client->running--;
}

/* ---- all devices ---- */

static void
collect(Shard *shard)
{
    Client *client = shard->client;
    CURLMsg *message;
    int left;

    while ((message = curl_multi_info_read(shard->multi, &left)) != NULL) {
        if (message->msg != CURLMSG_DONE)
            continue;
        end(client, shard->multi, message->easy_handle, message->data.result);
        if (client->next < client->options.count)
            begin(shard, client->next++);
    }
}

static void
act(Shard *shard, curl_socket_t fd, int what)
{
    int running;

    curl_multi_socket_action(shard->multi, fd, what, &running);
    collect(shard);
}

/* Calls the shards whose time has come. Returns how many milliseconds there are till the next. */
static int
run_timers(Client *client)
{
    gint64 now = g_get_monotonic_time(), soonest = now + PATIENCE_MS * 1000;

    for (guint i = 0; i < client->n_shards; i++) {
        Shard *shard = &client->shards[i];

        if (shard->due >= 0 && shard->due <= now) {
            shard->due = -1;
            act(shard, CURL_SOCKET_TIMEOUT, 0);
        }
        if (shard->due >= 0)
            soonest = MIN(soonest, shard->due);
    }
    return (int)((MAX(soonest - now, 0) + 999) / 1000);
}

static void
on_event(Client *client, const struct epoll_event *event)
{
    int what = (event->events & EPOLLIN ? CURL_CSELECT_IN : 0) |
               (event->events & EPOLLOUT ? CURL_CSELECT_OUT : 0) |
               (event->events & (EPOLLERR | EPOLLHUP) ? CURL_CSELECT_ERR : 0);

    act(&client->shards[event->data.u64 >> 32], (curl_socket_t)(guint32)event->data.u64, what);
}

static void
ask_all(Client *client)
{
    struct epoll_event events[EVENTS];
    guint at_once = MIN(client->options.parallel, client->options.count);

    while (client->next < at_once) {
        begin(&client->shards[client->next % client->n_shards], client->next);
        client->next++;
    }
    while (client->running > 0) {
        int wait = run_timers(client), ready;

        ready = epoll_wait(client->epoll, events, EVENTS, wait);
        if (ready == 0 && wait >= PATIENCE_MS)
            break;
        for (int i = 0; i < ready; i++)
            on_event(client, &events[i]);
    }
    client->failed = client->options.count - client->ok;
}

static void
make_shards(Client *client)
{
    client->n_shards = (client->options.parallel + HANDLES - 1) / HANDLES;
    client->shards = g_new0(Shard, client->n_shards);
    for (guint i = 0; i < client->n_shards; i++) {
        Shard *shard = &client->shards[i];

        shard->client = client;
        shard->due = -1;
        shard->multi = curl_multi_init();
        curl_multi_setopt(shard->multi, CURLMOPT_SOCKETFUNCTION, on_socket);
        curl_multi_setopt(shard->multi, CURLMOPT_SOCKETDATA, shard);
        curl_multi_setopt(shard->multi, CURLMOPT_TIMERFUNCTION, on_timer);
        curl_multi_setopt(shard->multi, CURLMOPT_TIMERDATA, shard);
    }
}

static void
clear(Client *client)
{
    for (guint i = 0; i < client->n_shards; i++)
        curl_multi_cleanup(client->shards[i].multi);
    g_free(client->shards);
    close(client->epoll);
    curl_slist_free_all(client->headers);
    curl_global_cleanup();
    bench_options_clear(&client->options);
}

int
main(int argc, char **argv)
{
    Client client = {0};
    gint64 started = g_get_monotonic_time();

    g_set_prgname("curl-client");
    bench_options_parse(
        &client.options, argc, argv, "Asks many devices for their power state through libcurl.");
    bench_raise_limits();
    curl_global_init(CURL_GLOBAL_ALL);
    client.epoll = epoll_create1(EPOLL_CLOEXEC);
    client.headers = curl_slist_append(NULL, "Content-Type: application/soap+xml;charset=UTF-8");
    make_shards(&client);
    ask_all(&client);
    bench_report(&client.options, client.ok, client.failed, started);
    clear(&client);
    return client.failed == 0 ? 0 : 1;
}
