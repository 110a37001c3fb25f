/* SPDX-License-Identifier: Apache-2.0 */
#include "config.h"

#include "http.h"
#include "net-run.h"

#include <libsoup/soup.h>
#include <string.h>

/*
 * A judge from elsewhere: libsoup's server, which checks digest logins by its own code, and answers
 * with a length or in chunks.
 */

typedef struct {
    GMainContext *context;
    GMainLoop *loop;
    GThread *thread;
    SoupServer *server;
    guint16 port;
    GHashTable *clients; /* ports that connections came from */
    guint answers;
} Judge;

enum { REQUESTS = 6, LARGE = 50000 };

/* ---- the judge, on a thread of its own ---- */

static char *
know_password(SoupAuthDomain *domain, SoupServerMessage *message, const char *user, gpointer data)
{
    if (strcmp(user, "admin") != 0)
        return NULL;
    return soup_auth_domain_digest_encode_password(user, "Digest:4BB9", "P@ssw0rd");
}

static void
answer(SoupServer *server,
       SoupServerMessage *message,
       const char *path,
       GHashTable *query,
       gpointer data)
{
    Judge *judge = data;
    SoupMessageBody *body = soup_server_message_get_response_body(message);
    SoupMessageBody *asked = soup_server_message_get_request_body(message);
    GInetSocketAddress *from =
        G_INET_SOCKET_ADDRESS(soup_server_message_get_remote_address(message));
    g_autofree char *large = g_strnfill(LARGE, 'y');

    judge->answers++;
    g_hash_table_add(judge->clients, GUINT_TO_POINTER(g_inet_socket_address_get_port(from)));
    soup_server_message_set_status(message, asked->length == 7 ? 200 : 400, NULL);
    if (judge->answers % 2 == 0)
        soup_message_headers_set_encoding(soup_server_message_get_response_headers(message),
                                          SOUP_ENCODING_CHUNKED);
    soup_message_body_append(body, SOUP_MEMORY_COPY, large, LARGE / 2);
    soup_message_body_append(body, SOUP_MEMORY_COPY, large, LARGE / 2);
    soup_message_body_complete(body);
}

static gpointer
serve(gpointer data)
{
    Judge *judge = data;

    g_main_context_push_thread_default(judge->context);
    g_main_loop_run(judge->loop);
    soup_server_disconnect(judge->server);
    g_main_context_pop_thread_default(judge->context);
    return NULL;
}

static void
judge_start(Judge *judge)
{
    g_autoptr(SoupAuthDomain) domain = NULL;
    g_autoptr(GError) error = NULL;
    GSList *uris;

    judge->context = g_main_context_new();
    judge->loop = g_main_loop_new(judge->context, FALSE);
    judge->clients = g_hash_table_new(NULL, NULL);
    g_main_context_push_thread_default(judge->context);
    judge->server = soup_server_new(NULL, NULL);
    domain = soup_auth_domain_digest_new("realm", "Digest:4BB9", NULL);
    soup_auth_domain_add_path(domain, "/");
    soup_auth_domain_digest_set_auth_callback(domain, know_password, NULL, NULL);
    soup_server_add_auth_domain(judge->server, domain);
    soup_server_add_handler(judge->server, NULL, answer, judge, NULL);
    soup_server_listen_local(judge->server, 0, SOUP_SERVER_LISTEN_IPV4_ONLY, &error);
    g_main_context_pop_thread_default(judge->context);
    g_assert_no_error(error);
    uris = soup_server_get_uris(judge->server);
    judge->port = (guint16)g_uri_get_port(uris->data);
    g_slist_free_full(uris, (GDestroyNotify)g_uri_unref);
    judge->thread = g_thread_new("judge", serve, judge);
}

static gboolean
quit(gpointer loop)
{
    g_main_loop_quit(loop);
    return G_SOURCE_REMOVE;
}

static void
judge_stop(Judge *judge)
{
    g_main_context_invoke(judge->context, quit, judge->loop);
    g_thread_join(judge->thread);
}

static void
judge_clear(Judge *judge)
{
    g_object_unref(judge->server);
    g_hash_table_unref(judge->clients);
    g_main_loop_unref(judge->loop);
    g_main_context_unref(judge->context);
}

/* ---- our side ---- */

static GVariant *
requests(PosternRun *run, GVariant *params, gpointer self, GError **error)
{
    PosternHttp *http = http_service.open(run, g_variant_new_parsed("{'tls': <'off'>}"), error);
    g_autoptr(GBytes) body = g_bytes_new_static("<x></x>", 7);

    for (guint i = 0; i < REQUESTS; i++) {
        PosternHttpReply *reply =
            http_service.request(http, "POST", "/wsman?a=b", NULL, body, 0, error);
        if (reply == NULL)
            return NULL;
        g_assert_cmpuint(http_service.status(reply), ==, 200);
        g_assert_cmpuint(g_bytes_get_size(http_service.body(reply)), ==, LARGE);
        http_service.reply_free(reply);
    }
    http_service.close(http);
    return net_done();
}

static Outcome *
talk(Judge *judge, const char *const *logins)
{
    g_autofree char *target = NULL;
    Outcome *outcome;

    judge_start(judge);
    target = g_strdup_printf("127.0.0.1:%u", judge->port);
    outcome = net_run(requests, target, logins, NULL);
    judge_stop(judge);
    return outcome;
}

static void
test_login(void)
{
    static const char *const logins[] = {"admin", "P@ssw0rd", NULL};
    Judge judge = {0};
    g_autoptr(Outcome) outcome = talk(&judge, logins);

    g_assert_no_error(outcome->error);
    g_assert_cmpuint(judge.answers, ==, REQUESTS);
    g_assert_cmpuint(g_hash_table_size(judge.clients), ==, 1);
    judge_clear(&judge);
}

static void
test_wrong_password(void)
{
    static const char *const logins[] = {"admin", "not-this", "nobody", "P@ssw0rd", NULL};
    Judge judge = {0};
    g_autoptr(Outcome) outcome = talk(&judge, logins);

    g_assert_error(outcome->error, POSTERN_ERROR, POSTERN_ERROR_AUTH);
    g_assert_cmpuint(judge.answers, ==, 0);
    judge_clear(&judge);
}

#ifdef __SANITIZE_ADDRESS__
/* libsoup 3.2's server keeps sockets and addresses when it is disconnected; what our client leaks, test-http finds. */
POSTERN_EXPORT const char *__asan_default_options(void);

const char *
__asan_default_options(void)
{
    return "detect_leaks=0";
}
#endif

int
main(int argc, char **argv)
{
    int status;

    g_test_init(&argc, &argv, NULL);
    net_setup();
    g_test_add_func("/http-soup/login", test_login);
    g_test_add_func("/http-soup/wrong-password", test_wrong_password);
    status = g_test_run();
    net_teardown();
    return status;
}
