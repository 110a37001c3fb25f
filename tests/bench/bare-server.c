/* SPDX-License-Identifier: Apache-2.0 */
#include "config.h"

/*
 * bare-server - the other end of the yardsticks: answers like an AMT device, as fast as it can.
 *
 * One process, one epoll descriptor. The first POST is answered with a digest challenge on a
 * connection that stays open, the second with one instance of
 * CIM_AssociatedPowerManagementService in 1.5 kB. It listens on all of 127.0.0.0/8, so that each
 * address is a device, and refuses whatever is not from there. On SIGTERM it says what it has
 * counted: a client cannot flatter itself.
 */
#include "bench-common.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <openssl/evp.h>
#include <openssl/rand.h>
#include <openssl/x509.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

enum { INPUT = 8192, OUTPUT = 4096, EVENTS = 256, BURST = 64, ID_MAX = 128, FIRST_CHUNK = 0x220 };

typedef struct {
    BenchStream stream;
    guint used;
    char input[INPUT + 1];
} Connection;

typedef struct {
    int epoll, listener;
    SSL_CTX *tls;          /* NULL: plain */
    char *user, *password; /* user NULL: any login will do */
    /* who wakes a sleeper pays for it: a slow client would wake the server at each message, a fast one never */
    gboolean awake;
    char realm[BENCH_HEX];
    char nonce_key[17]; /* nonces of this process begin with it */
    GHashTable *open;   /* set of Connection, only to end them with the process */
    guint64 connections, refused, challenges, logins, answers, requests;
} Server;

/* One request, in the connection's buffer. */
typedef struct {
    char *head, *body; /* both terminated while the request is looked at */
    gsize size;        /* of head and body together */
} Request;

static volatile sig_atomic_t stopped;

static void
on_stop(int number)
{
    stopped = 1;
}

/* ---- answers ---- */

static const char challenge_page[] =
    "<!DOCTYPE HTML PUBLIC \"-//W3C//DTD HTML 4.01 Transitional//EN\">\n<html><head>"
    "<title>Log in</title></head><body><h1>401 Unauthorized</h1><p>This device answers after a "
    "digest login only.</p></body></html>\n";

static int
write_challenge(Server *server, char output[OUTPUT])
{
    server->challenges++;
    return g_snprintf(output,
                      OUTPUT,
                      "HTTP/1.1 401 Unauthorized\r\nWWW-Authenticate: Digest realm=\"Digest:%s\", "
                      "nonce=\"%s%016" G_GINT64_MODIFIER
                      "x\",stale=\"false\",qop=\"auth\"\r\nContent-Type: text/html\r\n"
                      "Server: AMT bench\r\nContent-Length: %d\r\n\r\n%s",
                      server->realm,
                      server->nonce_key,
                      server->challenges,
                      (int)sizeof challenge_page - 1,
                      challenge_page);
}

static int
write_refusal(char output[OUTPUT], const char *status, const char *why)
{
    return g_snprintf(output,
                      OUTPUT,
                      "HTTP/1.1 %s\r\nContent-Type: text/plain\r\nContent-Length: %d\r\n"
                      "Connection: close\r\n\r\n%s\n",
                      status,
                      (int)strlen(why) + 1,
                      why);
}

/* The text of the request's MessageID, whatever its prefix; it is XML already. */
static void
copy_message_id(const char *body, char id[ID_MAX])
{
    const char *at = body;

    id[0] = '\0';
    while ((at = strstr(at, "MessageID")) != NULL) {
        gboolean start = at > body && (at[-1] == '<' || (at[-1] == ':' && at[-2] != '/'));

        at += strlen("MessageID");
        if (!start || strchr("> \t\r\n", *at) == NULL || (at = strchr(at, '>')) == NULL)
            continue;
        g_strlcpy(id, at + 1, MIN(strcspn(at + 1, "<") + 1, (gsize)ID_MAX));
        return;
    }
}

static int
write_soap(Server *server, const char *body, char soap[OUTPUT])
{
    char id[ID_MAX];

    copy_message_id(body, id);
    return g_snprintf(
        soap,
        OUTPUT,
        "<?xml version=\"1.0\" encoding=\"UTF-8\"?>"
        "<a:Envelope xmlns:a=\"http://www.w3.org/2003/05/soap-envelope\""
        " xmlns:b=\"http://schemas.xmlsoap.org/ws/2004/08/addressing\""
        " xmlns:c=\"http://schemas.dmtf.org/wbem/wsman/1/wsman.xsd\""
        " xmlns:g=\"http://schemas.dmtf.org/wbem/wscim/1/cim-schema/2/"
        "CIM_AssociatedPowerManagementService\"><a:Header>"
        "<b:To>http://schemas.xmlsoap.org/ws/2004/08/addressing/role/anonymous</b:To>"
        "<b:RelatesTo>%s</b:RelatesTo><b:Action a:mustUnderstand=\"true\">"
        "http://schemas.xmlsoap.org/ws/2004/09/transfer/GetResponse</b:Action>"
        "<b:MessageID>uuid:00000000-8086-8086-8086-%012" G_GINT64_MODIFIER "X</b:MessageID>"
        "<c:ResourceURI>http://schemas.dmtf.org/wbem/wscim/1/cim-schema/2/"
        "CIM_AssociatedPowerManagementService</c:ResourceURI></a:Header><a:Body>"
        "<g:CIM_AssociatedPowerManagementService>"
        "<g:AvailableRequestedPowerStates>8</g:AvailableRequestedPowerStates>"
        "<g:AvailableRequestedPowerStates>5</g:AvailableRequestedPowerStates>"
        "<g:AvailableRequestedPowerStates>10</g:AvailableRequestedPowerStates>"
        "<g:PowerState>2</g:PowerState><g:RequestedPowerState>2</g:RequestedPowerState>"
        "<g:UserOfService><b:Address>/wsman</b:Address><b:ReferenceParameters>"
        "<c:ResourceURI>http://schemas.dmtf.org/wbem/wscim/1/cim-schema/2/CIM_ComputerSystem"
        "</c:ResourceURI><c:SelectorSet><c:Selector Name=\"Name\">ManagedSystem</c:Selector>"
        "</c:SelectorSet></b:ReferenceParameters></g:UserOfService>"
        "</g:CIM_AssociatedPowerManagementService></a:Body></a:Envelope>",
        id,
        server->answers);
}

/* In two chunks, cut where it hurts, as the devices do it. */
static int
write_answer(Server *server, const char *body, char output[OUTPUT])
{
    char soap[OUTPUT];
    int length;

    if (strstr(body, "CIM_AssociatedPowerManagementService") == NULL)
        return write_refusal(output,
                             "400 Bad Request",
                             "this server knows CIM_AssociatedPowerManagementService only");
    server->answers++;
    length = write_soap(server, body, soap);
    return g_snprintf(output,
                      OUTPUT,
                      "HTTP/1.1 200 OK\r\nContent-Type: application/soap+xml; charset=UTF-8\r\n"
                      "Server: AMT bench\r\nTransfer-Encoding: chunked\r\n\r\n"
                      "%04X\r\n%.*s\r\n%04X\r\n%s\r\n0\r\n\r\n",
                      FIRST_CHUNK,
                      FIRST_CHUNK,
                      soap,
                      length - FIRST_CHUNK,
                      soap + FIRST_CHUNK);
}

/* ---- requests ---- */

static gboolean
login_is_right(Server *server, const char *authorization)
{
    BenchText user = bench_header_param(authorization, "username");
    BenchText realm = bench_header_param(authorization, "realm");
    BenchText nonce = bench_header_param(authorization, "nonce");
    BenchText nc = bench_header_param(authorization, "nc");
    BenchText cnonce = bench_header_param(authorization, "cnonce");
    BenchText response = bench_header_param(authorization, "response");
    char expected[BENCH_HEX];

    if (user.text == NULL || realm.text == NULL || nonce.text == NULL || nc.text == NULL ||
        cnonce.text == NULL || response.length != 32)
        return FALSE;
    if (!g_str_has_prefix(nonce.text, server->nonce_key))
        return FALSE;
    if (nc.length == 8 && memcmp(nc.text, "00000001", 8) == 0)
        server->logins++;
    if (server->user == NULL)
        return TRUE;
    if ((gsize)user.length != strlen(server->user) ||
        memcmp(user.text, server->user, (gsize)user.length) != 0)
        return FALSE;
    bench_digest_response(server->user, server->password, realm, nonce, nc, cnonce, expected);
    return memcmp(response.text, expected, 32) == 0;
}

/* The value of a header, up to the end of the head; names are compared without case. */
static const char *
header_of(const char *head, const char *name)
{
    gsize length = strlen(name);

    for (const char *at = strstr(head, "\r\n"); at != NULL; at = strstr(at, "\r\n")) {
        at += 2;
        if (g_ascii_strncasecmp(at, name, length) == 0 && at[length] == ':')
            return at + length + 1;
    }
    return NULL;
}

static int
answer_request(Server *server, const Request *request, char output[OUTPUT])
{
    const char *authorization = header_of(request->head, "Authorization");

    server->requests++;
    if (!g_str_has_prefix(request->head, "POST /wsman "))
        return write_refusal(output, "404 Not Found", "expected POST /wsman");
    if (authorization == NULL || !login_is_right(server, authorization))
        return write_challenge(server, output);
    return write_answer(server, request->body, output);
}

typedef enum { REQUEST_PARTIAL, REQUEST_WHOLE, REQUEST_BAD } RequestState;

/* Is there a whole request in the buffer? Cuts off the head if so. */
static RequestState
find_request(Connection *connection, Request *request)
{
    char *end;
    const char *length_text;
    guint64 length = 0;

    connection->input[connection->used] = '\0';
    end = strstr(connection->input, "\r\n\r\n");
    if (end == NULL)
        return connection->used < INPUT ? REQUEST_PARTIAL : REQUEST_BAD;
    *end = '\0';
    length_text = header_of(connection->input, "Content-Length");
    if (length_text != NULL)
        length = g_ascii_strtoull(length_text, NULL, 10);
    if (length_text == NULL || length > INPUT)
        return REQUEST_BAD;
    request->head = connection->input;
    request->body = end + 4;
    request->size = (gsize)(request->body - request->head) + length;
    if (request->size <= connection->used)
        return REQUEST_WHOLE;
    *end = '\r';
    return request->size <= INPUT ? REQUEST_PARTIAL : REQUEST_BAD;
}

/* Answers what is there in whole. FALSE: the connection is of no more use. */
static gboolean
answer_all(Server *server, Connection *connection)
{
    RequestState state;
    Request request;

    while ((state = find_request(connection, &request)) == REQUEST_WHOLE) {
        char output[OUTPUT], after = connection->input[request.size];
        int length;

        connection->input[request.size] = '\0';
        length = answer_request(server, &request, output);
        connection->input[request.size] = after;
        /* an answer always fits into the socket's buffer: a client that does not read is refused */
        if (bench_stream_write(&connection->stream, output, (gsize)length) != length)
            return FALSE;
        connection->used -= (guint)request.size;
        memmove(connection->input, connection->input + request.size, connection->used);
    }
    return state == REQUEST_PARTIAL;
}

/* ---- connections ---- */

static void
drop(gpointer data)
{
    Connection *connection = data;

    bench_stream_close(&connection->stream);
    g_free(connection);
}

static void
serve(Server *server, Connection *connection)
{
    for (;;) {
        ssize_t n = bench_stream_read(
            &connection->stream, connection->input + connection->used, INPUT - connection->used);

        if (n == BENCH_AGAIN)
            return;
        if (n > 0) {
            connection->used += (guint)n;
            if (answer_all(server, connection)) {
                /* TLS may hold more that epoll does not know of */
                if (server->tls != NULL)
                    continue;
                return;
            }
        }
        g_hash_table_remove(server->open, connection);
        return;
    }
}

/* Both ends on the loopback network? The listener stands on all addresses. */
static gboolean
is_local(int fd, const struct sockaddr_in *peer)
{
    struct sockaddr_in here = {0};
    socklen_t size = sizeof here;

    if (getsockname(fd, (struct sockaddr *)&here, &size) != 0)
        return FALSE;
    return ntohl(here.sin_addr.s_addr) >> 24 == 127 && ntohl(peer->sin_addr.s_addr) >> 24 == 127;
}

static void
take_in(Server *server, int fd, const struct sockaddr_in *peer)
{
    Connection *connection;
    struct epoll_event event = {.events = EPOLLIN};
    const int on = 1;

    if (!is_local(fd, peer)) {
        server->refused++;
        close(fd);
        return;
    }
    server->connections++;
    setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
    connection = g_malloc(sizeof *connection);
    connection->stream = (BenchStream){.fd = fd};
    connection->used = 0;
    if (server->tls != NULL) {
        connection->stream.ssl = SSL_new(server->tls);
        SSL_set_fd(connection->stream.ssl, fd);
        SSL_set_accept_state(connection->stream.ssl);
    }
    g_hash_table_add(server->open, connection);
    event.data.ptr = connection;
    if (epoll_ctl(server->epoll, EPOLL_CTL_ADD, fd, &event) != 0)
        g_hash_table_remove(server->open, connection);
}

static void
take_in_some(Server *server)
{
    for (guint i = 0; i < BURST; i++) {
        struct sockaddr_in peer = {0};
        socklen_t size = sizeof peer;
        int fd = accept4(
            server->listener, (struct sockaddr *)&peer, &size, SOCK_NONBLOCK | SOCK_CLOEXEC);

        if (fd < 0)
            return;
        take_in(server, fd, &peer);
    }
}

/* A server that stays awake still waits now and then, for no longer than it takes a signal to come in. */
static int
patience(const Server *server)
{
    static guint looks;

    if (!server->awake)
        return -1;
    return ++looks % 4096 == 0 ? 1 : 0;
}

static void
loop(Server *server)
{
    struct epoll_event events[EVENTS];
    sigset_t all_welcome;

    sigemptyset(&all_welcome);
    while (!stopped) {
        int n = epoll_pwait(server->epoll, events, EVENTS, patience(server), &all_welcome);

        for (int i = 0; i < n; i++) {
            if (events[i].data.ptr == NULL)
                take_in_some(server);
            else
                serve(server, events[i].data.ptr);
        }
    }
}

/* ---- start and end ---- */

static X509 *
make_certificate(EVP_PKEY *key)
{
    X509 *certificate = X509_new();
    X509_NAME *name = X509_get_subject_name(certificate);

    X509_set_version(certificate, X509_VERSION_3);
    ASN1_INTEGER_set(X509_get_serialNumber(certificate), 1);
    X509_gmtime_adj(X509_getm_notBefore(certificate), -3600);
    X509_gmtime_adj(X509_getm_notAfter(certificate), 24 * 3600);
    X509_NAME_add_entry_by_txt(name, "CN", MBSTRING_ASC, (const guchar *)"bench", -1, -1, 0);
    X509_set_issuer_name(certificate, name);
    X509_set_pubkey(certificate, key);
    if (X509_sign(certificate, key, EVP_sha256()) == 0)
        bench_die("signing the server's own certificate failed");
    return certificate;
}

static SSL_CTX *
make_tls(void)
{
    SSL_CTX *tls = bench_tls_context(TLS_server_method());
    EVP_PKEY *key = EVP_RSA_gen(2048);
    X509 *certificate;

    if (key == NULL)
        bench_die("making an RSA key failed");
    certificate = make_certificate(key);
    if (!SSL_CTX_use_certificate(tls, certificate) || !SSL_CTX_use_PrivateKey(tls, key))
        bench_die("using the server's own certificate failed");
    X509_free(certificate);
    EVP_PKEY_free(key);
    return tls;
}

static void
start_listening(Server *server, int port)
{
    struct sockaddr_in here = {.sin_family = AF_INET, .sin_port = htons((guint16)port)};
    struct epoll_event event = {.events = EPOLLIN};
    socklen_t size = sizeof here;
    const int on = 1;

    server->listener = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    setsockopt(server->listener, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
    if (bind(server->listener, (struct sockaddr *)&here, sizeof here) != 0 ||
        listen(server->listener, SOMAXCONN) != 0)
        bench_die("listening on port %d: %s", port, g_strerror(errno));
    getsockname(server->listener, (struct sockaddr *)&here, &size);
    server->epoll = epoll_create1(EPOLL_CLOEXEC);
    if (epoll_ctl(server->epoll, EPOLL_CTL_ADD, server->listener, &event) != 0)
        bench_die("watching the listener: %s", g_strerror(errno));
    printf("ready %u\n", ntohs(here.sin_port));
    fflush(stdout);
}

/* Only while epoll waits do the signals come in: none can slip by between a look and the wait. */
static void
catch_signals(void)
{
    struct sigaction action = {.sa_handler = on_stop};
    sigset_t held;

    sigemptyset(&held);
    sigaddset(&held, SIGTERM);
    sigaddset(&held, SIGINT);
    sigprocmask(SIG_BLOCK, &held, NULL);
    sigaction(SIGTERM, &action, NULL);
    sigaction(SIGINT, &action, NULL);
    signal(SIGPIPE, SIG_IGN);
}

static void
make_up_names(Server *server)
{
    guint8 bytes[24];

    if (RAND_bytes(bytes, sizeof bytes) != 1)
        bench_die("no random numbers for realm and nonces");
    for (guint i = 0; i < 16; i++)
        g_snprintf(server->realm + 2 * i, 3, "%02X", bytes[i]);
    for (guint i = 0; i < 8; i++)
        g_snprintf(server->nonce_key + 2 * i, 3, "%02x", bytes[16 + i]);
}

static void
report(const Server *server)
{
    printf("{\"connections\":%" G_GUINT64_FORMAT ",\"logins\":%" G_GUINT64_FORMAT
           ",\"answers\":%" G_GUINT64_FORMAT ",\"challenges\":%" G_GUINT64_FORMAT
           ",\"requests\":%" G_GUINT64_FORMAT ",\"refused\":%" G_GUINT64_FORMAT "}\n",
           server->connections,
           server->logins,
           server->answers,
           server->challenges,
           server->requests,
           server->refused);
}

static void
read_options(Server *server, int argc, char **argv, int *port)
{
    gboolean tls = FALSE;
    g_autofree char *password_file = NULL;
    const GOptionEntry entries[] = {
        {"port", 0, 0, G_OPTION_ARG_INT, port, "Port; 0: any free one", "PORT"},
        {"tls", 0, 0, G_OPTION_ARG_NONE, &tls, "TLS 1.3 with a certificate of its own", NULL},
        {"awake",
         0,
         0,
         G_OPTION_ARG_NONE,
         &server->awake,
         "Never sleep: takes a processor for itself",
         NULL},
        {"user", 0, 0, G_OPTION_ARG_STRING, &server->user, "Check logins of this user", "NAME"},
        {"password-file", 0, 0, G_OPTION_ARG_FILENAME, &password_file, "Its password", "FILE"},
        {NULL},
    };
    g_autoptr(GOptionContext) context = g_option_context_new(NULL);
    g_autoptr(GError) error = NULL;

    g_option_context_set_summary(context, "Answers like an AMT device, as fast as it can.");
    g_option_context_add_main_entries(context, entries, NULL);
    if (!g_option_context_parse(context, &argc, &argv, &error))
        bench_die("%s", error->message);
    if (*port < 0 || *port > 65535)
        bench_die("--port %d: expected 0 to 65535", *port);
    if ((server->user == NULL) != (password_file == NULL))
        bench_die("--user and --password-file go together");
    if (password_file != NULL)
        server->password = bench_read_secret(password_file);
    if (tls)
        server->tls = make_tls();
}

static void
clear(Server *server)
{
    g_hash_table_destroy(server->open);
    close(server->listener);
    close(server->epoll);
    g_clear_pointer(&server->tls, SSL_CTX_free);
    g_free(server->user);
    g_free(server->password);
    bench_digest_end();
}

int
main(int argc, char **argv)
{
    Server server = {0};
    int port = 16992;

    g_set_prgname("bare-server");
    read_options(&server, argc, argv, &port);
    server.open = g_hash_table_new_full(NULL, NULL, drop, NULL);
    bench_raise_limits();
    bench_digest_init();
    make_up_names(&server);
    catch_signals();
    start_listening(&server, port);
    loop(&server);
    report(&server);
    clear(&server);
    return 0;
}
