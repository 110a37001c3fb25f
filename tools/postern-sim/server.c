/* SPDX-License-Identifier: Apache-2.0 */
#include "config.h"

#include "certs.h"
#include "connection.h"
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

typedef struct {
    ReactorWatch watch;
    Server *server;
    gboolean tls;
} Listener;

struct Server {
    Sim *sim;
    Reactor *reactor;
    GPtrArray *listeners;
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
called_device(Server *server, int fd, const struct sockaddr_in *peer)
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

static void
take_call(Listener *listener, int fd, const struct sockaddr_in *peer)
{
    Server *server = listener->server;
    Device *device = called_device(server, fd, peer);
    Connection *connection = NULL;
    SSL_CTX *tls = NULL;

    if (device == NULL || server->connections->len >= server->most ||
        refuses(server, device, listener->tls) ||
        (listener->tls && (tls = context_of(server, device)) == NULL)) {
        connection_reset(fd);
        return;
    }
    connection_start(server->reactor, device, fd, tls, on_gone, server, &connection);
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
add_listener(Server *server, guint32 address, gboolean tls, GError **error)
{
    guint16 port = tls ? server->sim->tls_port : server->sim->port;
    int fd = open_port(address, port, error);
    Listener *listener;

    if (fd < 0)
        return FALSE;
    listener = g_new0(Listener, 1);
    listener->watch = (ReactorWatch){.fd = fd, .ready = on_call};
    listener->server = server;
    listener->tls = tls;
    g_ptr_array_add(server->listeners, listener);
    return reactor_watch(server->reactor, &listener->watch, EPOLLIN, error);
}

static gboolean
listen_each(Server *server, GError **error)
{
    for (guint i = 0; i < server->sim->count; i++) {
        const Device *device = &server->sim->devices[i];
        for (gboolean tls = FALSE; tls <= TRUE; tls++)
            if (sim_offers(server->sim, device, tls) &&
                !add_listener(server, device->address, tls, error))
                return FALSE;
    }
    return TRUE;
}

static gboolean
listen_wildcard(Server *server, GError **error)
{
    return (server->sim->tls == SIM_TLS_ONLY || add_listener(server, INADDR_ANY, FALSE, error)) &&
           (server->sim->tls == SIM_TLS_OFF || add_listener(server, INADDR_ANY, TRUE, error));
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
    guint limit = descriptor_limit();
    gboolean each =
        listen == SERVER_LISTEN_EACH || (listen == SERVER_LISTEN_AUTO && sim->count <= EACH_MOST);

    server->sim = sim;
    server->listeners = g_ptr_array_new_with_free_func(free_listener);
    server->connections = g_ptr_array_new();
    server->certs = certs_new(sim->tls == SIM_TLS_LEGACY);
    server->reactor = reactor_new(context, error);
    if (server->reactor == NULL || (sim->tls != SIM_TLS_OFF && !make_contexts(server, error)))
        return NULL;
    if (!(each ? listen_each(server, error) : listen_wildcard(server, error)))
        return NULL;
    if (limit <= server->listeners->len + SPARE_DESCRIPTORS) {
        g_set_error(error,
                    G_IO_ERROR,
                    G_IO_ERROR_TOO_MANY_OPEN_FILES,
                    "%u open files are not enough; raise the limit (ulimit -n)",
                    limit);
        return NULL;
    }
    server->most = limit - server->listeners->len - SPARE_DESCRIPTORS;
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
    certs_free(server->certs);
    reactor_free(server->reactor);
    g_free(server);
}
