/* SPDX-License-Identifier: Apache-2.0 */
#include "config.h"

#include "certs.h"
#include "connection.h"
#include "pong.h"
#include "server.h"

#include <arpa/inet.h>
#include <errno.h>
#include <gio/gio.h>
#include <netinet/in.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

/* Up to so many devices each get their own listeners: a port that a model has not is then really
 * closed, and several simulators can run side by side. */
enum { EACH_MOST = 64, ACCEPT_BURST = 64, SPARE_DESCRIPTORS = 64, BACKLOG = 4096 };

typedef enum { PORT_PLAIN, PORT_TLS, PORT_HOST, PORT_KINDS } PortKind;

typedef struct {
    ReactorWatch watch;
    Server *server;
    PortKind kind;
} Listener;

struct Server {
    Sim *sim;
    Reactor *reactor;
    GPtrArray *listeners, *pongs;
    GPtrArray *connections;
    Certs *certs;
    guint most; /* connections */
};

guint
server_connections(const Server *server)
{
    return server->connections->len;
}

/* Those of all models, so that the first caller need not wait for a key. */
static gboolean
make_contexts(Server *server, GError **error)
{
    for (guint i = 0; i < server->sim->models->len; i++)
        if (certs_context(server->certs, server->sim->models->pdata[i], NULL, error) == NULL)
            return FALSE;
    return TRUE;
}

/* ---- accepting ---- */

static void
on_gone(Connection *connection, gpointer data)
{
    Server *server = data;
    guint place = connection_place(connection);

    g_ptr_array_remove_index_fast(server->connections, place);
    if (place < server->connections->len)
        connection_set_place(server->connections->pdata[place], place);
}

static gboolean
is_loopback(const struct sockaddr_in *address)
{
    return address->sin_family == AF_INET && (ntohl(address->sin_addr.s_addr) >> 24) == 127;
}

/* The device that was called; NULL when the call is none of ours. */
static Device *
called_device(const Server *server, int fd, const struct sockaddr_in *peer)
{
    struct sockaddr_in local;
    socklen_t length = sizeof local;

    if (getsockname(fd, (struct sockaddr *)&local, &length) != 0 || !is_loopback(&local) ||
        !is_loopback(peer))
        return NULL;
    return sim_device(server->sim, ntohl(local.sin_addr.s_addr));
}

static gboolean
refuses(const Server *server, const Device *device, gboolean tls)
{
    const Fault *reset = device_fault(device, FAULT_RESET);

    return !sim_offers(server->sim, device, tls) || (reset != NULL && reset->number == 0) ||
           device->open >= (guint)device->model->max_connections ||
           device->unreachable_until > g_get_monotonic_time();
}

/* NULL, after a message, when a certificate cannot be made. */
static SSL_CTX *
context_of(Server *server, const Device *device)
{
    g_autoptr(GError) error = NULL;
    SSL_CTX *tls = certs_context(server->certs, device->model, device, &error);

    if (tls == NULL)
        g_warning("%s", error->message);
    return tls;
}

/* The operating system's port: that it can be reached is all that it says. */
static void
take_host_call(const Server *server, int fd, const struct sockaddr_in *peer)
{
    if (called_device(server, fd, peer) == NULL)
        connection_reset(fd);
    else
        close(fd);
}

static void
take_call(Listener *listener, int fd, const struct sockaddr_in *peer)
{
    Server *server = listener->server;
    Device *device = called_device(server, fd, peer);
    Connection *connection = NULL;
    gboolean over_tls = listener->kind == PORT_TLS;
    SSL_CTX *tls = NULL;

    if (device == NULL || server->connections->len >= server->most ||
        refuses(server, device, over_tls) ||
        (over_tls && (tls = context_of(server, device)) == NULL)) {
        connection_reset(fd);
        return;
    }
    connection_start(server->reactor,
                     device,
                     fd,
                     ntohl(peer->sin_addr.s_addr),
                     tls,
                     on_gone,
                     server,
                     &connection);
    if (connection == NULL)
        return;
    connection_set_place(connection, server->connections->len);
    g_ptr_array_add(server->connections, connection);
}

static void
on_call(ReactorWatch *watch, guint32 events)
{
    Listener *listener = (Listener *)watch; /* its first member */

    for (guint i = 0; i < ACCEPT_BURST; i++) {
        struct sockaddr_in peer = {0};
        socklen_t length = sizeof peer;
        int fd =
            accept4(watch->fd, (struct sockaddr *)&peer, &length, SOCK_NONBLOCK | SOCK_CLOEXEC);
        if (fd < 0)
            return;
        if (listener->kind == PORT_HOST)
            take_host_call(listener->server, fd, &peer);
        else
            take_call(listener, fd, &peer);
    }
}

/* ---- listening ---- */

static int
open_port(guint32 address, guint16 port, GError **error)
{
    struct sockaddr_in name = {.sin_family = AF_INET, .sin_port = htons(port)};
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    int on = 1;
    char text[16];

    name.sin_addr.s_addr = htonl(address);
    if (fd >= 0 && setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on) == 0 &&
        bind(fd, (struct sockaddr *)&name, sizeof name) == 0 && listen(fd, BACKLOG) == 0)
        return fd;
    device_address_text(address, text);
    g_set_error(error,
                G_IO_ERROR,
                g_io_error_from_errno(errno),
                "cannot listen on %s port %u: %s; is another simulator running?",
                text,
                port,
                g_strerror(errno));
    if (fd >= 0)
        close(fd);
    return -1;
}

static gboolean
add_listener(Server *server, guint32 address, PortKind kind, GError **error)
{
    const guint16 ports[PORT_KINDS] = {
        server->sim->port, server->sim->tls_port, server->sim->host_port};
    int fd = open_port(address, ports[kind], error);
    Listener *listener;

    if (fd < 0)
        return FALSE;
    listener = g_new0(Listener, 1);
    listener->watch = (ReactorWatch){.fd = fd, .ready = on_call};
    listener->server = server;
    listener->kind = kind;
    g_ptr_array_add(server->listeners, listener);
    return reactor_watch(server->reactor, &listener->watch, EPOLLIN, error);
}

/* TRUE when the port is open, on `device` or (NULL) on any. */
static gboolean
has_port(const Sim *sim, const Device *device, PortKind kind)
{
    if (kind == PORT_HOST)
        return sim->host_port != 0;
    if (device != NULL)
        return sim_offers(sim, device, kind == PORT_TLS);
    return sim->tls != (kind == PORT_TLS ? SIM_TLS_OFF : SIM_TLS_ONLY);
}

static gboolean
listen_on(Server *server, guint32 address, const Device *device, GError **error)
{
    for (guint kind = 0; kind < PORT_KINDS; kind++)
        if (has_port(server->sim, device, (PortKind)kind) &&
            !add_listener(server, address, (PortKind)kind, error))
            return FALSE;
    return TRUE;
}

/* FALSE when there must be pongs and cannot be. */
static gboolean
answer_pings(Server *server, guint32 address, GError **error)
{
    const Sim *sim = server->sim;
    Pong *pong;

    if (sim->pong_port == 0)
        return TRUE;
    pong = pong_new(server->sim, server->reactor, address, sim->pong_optional ? NULL : error);
    if (pong != NULL)
        g_ptr_array_add(server->pongs, pong);
    return pong != NULL || sim->pong_optional;
}

static gboolean
listen_each(Server *server, GError **error)
{
    for (guint i = 0; i < server->sim->count; i++) {
        const Device *device = &server->sim->devices[i];
        if (!listen_on(server, device->address, device, error) ||
            !answer_pings(server, device->address, error))
            return FALSE;
    }
    return TRUE;
}

static gboolean
listen_wildcard(Server *server, GError **error)
{
    return listen_on(server, INADDR_ANY, NULL, error) && answer_pings(server, INADDR_ANY, error);
}

/* Raises the soft limit of descriptors to the hard one and leaves some for other use. */
static guint
descriptor_limit(void)
{
    struct rlimit limit;

    if (getrlimit(RLIMIT_NOFILE, &limit) != 0)
        return 512;
    limit.rlim_cur = limit.rlim_max;
    setrlimit(RLIMIT_NOFILE, &limit);
    getrlimit(RLIMIT_NOFILE, &limit);
    return (guint)MIN(limit.rlim_cur, 20000);
}

static void
free_listener(gpointer data)
{
    Listener *listener = data;

    reactor_unwatch_closing(&listener->watch);
    close(listener->watch.fd);
    g_free(listener);
}

Server *
server_new(Sim *sim, GMainContext *context, ServerListen listen, GError **error)
{
    g_autoptr(Server) server = g_new0(Server, 1);
    guint limit = descriptor_limit(), listening;
    gboolean each =
        listen == SERVER_LISTEN_EACH || (listen == SERVER_LISTEN_AUTO && sim->count <= EACH_MOST);

    server->sim = sim;
    server->listeners = g_ptr_array_new_with_free_func(free_listener);
    server->pongs = g_ptr_array_new_with_free_func((GDestroyNotify)pong_free);
    server->connections = g_ptr_array_new();
    server->certs = certs_new(sim->tls == SIM_TLS_LEGACY);
    server->reactor = reactor_new(context, error);
    if (server->reactor == NULL || (sim->tls != SIM_TLS_OFF && !make_contexts(server, error)))
        return NULL;
    if (!(each ? listen_each(server, error) : listen_wildcard(server, error)))
        return NULL;
    listening = server->listeners->len + server->pongs->len + SPARE_DESCRIPTORS;
    if (limit <= listening) {
        g_set_error(error,
                    G_IO_ERROR,
                    G_IO_ERROR_TOO_MANY_OPEN_FILES,
                    "%u open files are not enough; raise the limit (ulimit -n)",
                    limit);
        return NULL;
    }
    server->most = limit - listening;
    return g_steal_pointer(&server);
}

void
server_free(Server *server)
{
    if (server == NULL)
        return;
    for (guint i = 0; server->connections != NULL && i < server->connections->len; i++)
        connection_free(server->connections->pdata[i]);
    g_clear_pointer(&server->connections, g_ptr_array_unref);
    g_clear_pointer(&server->listeners, g_ptr_array_unref);
    g_clear_pointer(&server->pongs, g_ptr_array_unref);
    certs_free(server->certs);
    reactor_free(server->reactor);
    g_free(server);
}
