/* SPDX-License-Identifier: Apache-2.0 */
#include "config.h"

#include "certs.h"
#include "connection.h"
#include "pki.h"
#include "pong.h"
#include "redirect.h"
#include "server.h"
#include "wire.h"

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

typedef enum {
    PORT_PLAIN,
    PORT_TLS,
    PORT_HOST,
    PORT_REDIRECTION,
    PORT_REDIRECTION_TLS,
    PORT_VNC,
    PORT_KINDS
} PortKind;

typedef struct {
    ReactorWatch watch;
    Server *server;
    PortKind kind;
    guint32 address; /* INADDR_ANY: all devices' */
} Listener;

struct Server {
    Sim *sim;
    Reactor *reactor;
    GPtrArray *listeners, *pongs;
    GPtrArray *connections, *redirects;
    guint most;         /* connections */
    GPtrArray *changed; /* of Device, whose web server starts anew; borrowed */
    ReactorTimer timer; /* until they do */
};

guint
server_connections(const Server *server)
{
    return server->connections->len + server->redirects->len;
}

/* Those of all models, so that the first caller need not wait for a key. */
static gboolean
make_contexts(Server *server, GError **error)
{
    for (guint i = 0; i < server->sim->models->len; i++)
        if (certs_context(sim_certs(server->sim), server->sim->models->pdata[i], NULL, error) ==
            NULL)
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

static void
on_redirect_gone(Redirect *session, gpointer data)
{
    GPtrArray *redirects = ((Server *)data)->redirects;
    guint place = redirect_place(session);

    g_ptr_array_remove_index_fast(redirects, place);
    if (place < redirects->len)
        redirect_set_place(redirects->pdata[place], place);
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
is_redirection(PortKind kind)
{
    return kind == PORT_REDIRECTION || kind == PORT_REDIRECTION_TLS;
}

/* The device opens and closes it as its settings say. */
static gboolean
is_switched(PortKind kind)
{
    return is_redirection(kind) || kind == PORT_VNC;
}

static gboolean
is_switched_on(Device *device, PortKind kind)
{
    return kind == PORT_VNC ? redirect_takes_direct(device) : redirect_listens(device);
}

static gboolean
is_tls(PortKind kind)
{
    return kind == PORT_TLS || kind == PORT_REDIRECTION_TLS;
}

static gboolean
refuses(const Server *server, const Device *device, PortKind kind)
{
    const Fault *reset = device_fault(device, FAULT_RESET);

    return (kind != PORT_VNC && !sim_offers(server->sim, device, is_tls(kind))) ||
           (reset != NULL && reset->number == 0) ||
           device->open >= (guint)device->model->max_connections ||
           device->unreachable_until > g_get_monotonic_time();
}

/* NULL, after a message, when a certificate cannot be made. */
static SSL_CTX *
context_of(Server *server, Device *device)
{
    g_autoptr(GError) error = NULL;
    SSL_CTX *tls = pki_context(device, &error);

    if (tls == NULL && error == NULL)
        tls = certs_context(sim_certs(server->sim), device->model, device, &error);
    if (tls == NULL)
        g_warning("%s", error->message);
    return tls;
}

/* The operating system's port: that it can be reached is all that it says. */
static void
take_host_call(const Server *server, int fd, const struct sockaddr_in *peer)
{
    if (called_device(server, fd, peer) == NULL)
        wire_reset(fd);
    else
        close(fd);
}

static void
take_redirect(Server *server, Device *device, PortKind kind, int fd, SSL_CTX *tls)
{
    Redirect *session =
        kind == PORT_VNC
            ? redirect_start_direct(server->reactor, device, fd, on_redirect_gone, server)
            : redirect_start(server->reactor, device, fd, tls, on_redirect_gone, server);

    if (session == NULL)
        return;
    redirect_set_place(session, server->redirects->len);
    g_ptr_array_add(server->redirects, session);
}

static void
take_call(Listener *listener, int fd, const struct sockaddr_in *peer)
{
    Server *server = listener->server;
    Device *device = called_device(server, fd, peer);
    Connection *connection = NULL;
    gboolean over_tls = is_tls(listener->kind);
    SSL_CTX *tls = NULL;

    if (device == NULL || server_connections(server) >= server->most ||
        refuses(server, device, listener->kind) ||
        (is_switched(listener->kind) && !is_switched_on(device, listener->kind)) ||
        (over_tls && (tls = context_of(server, device)) == NULL)) {
        wire_reset(fd);
        return;
    }
    if (is_switched(listener->kind)) {
        take_redirect(server, device, listener->kind, fd, tls);
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
    const Sim *sim = server->sim;
    const guint16 ports[PORT_KINDS] = {sim->port,
                                       sim->tls_port,
                                       sim->host_port,
                                       sim->redirection_port,
                                       sim->redirection_tls_port,
                                       sim->vnc_port};
    int fd = open_port(address, ports[kind], error);
    Listener *listener;

    if (fd < 0)
        return FALSE;
    listener = g_new0(Listener, 1);
    listener->watch = (ReactorWatch){.fd = fd, .ready = on_call};
    listener->server = server;
    listener->kind = kind;
    listener->address = address;
    g_ptr_array_add(server->listeners, listener);
    return reactor_watch(server->reactor, &listener->watch, EPOLLIN, error);
}

/* TRUE when the port is open, on `device` or (NULL) on any. */
static gboolean
has_port(const Sim *sim, Device *device, PortKind kind)
{
    if (kind == PORT_HOST)
        return sim->host_port != 0;
    if ((kind == PORT_REDIRECTION && sim->redirection_port == 0) ||
        (kind == PORT_REDIRECTION_TLS && sim->redirection_tls_port == 0))
        return FALSE;
    if (kind == PORT_VNC)
        return sim->vnc_port != 0 &&
               (device != NULL ? redirect_takes_direct(device) : !sim->vnc_optional);
    if (device != NULL)
        return sim_offers(sim, device, is_tls(kind)) &&
               (!is_redirection(kind) || redirect_listens(device));
    return sim->tls != (is_tls(kind) ? SIM_TLS_OFF : SIM_TLS_ONLY);
}

/* FALSE when a port must be open and cannot be. */
static gboolean
open_listener(Server *server, guint32 address, PortKind kind, GError **error)
{
    const Sim *sim = server->sim;
    gboolean optional = (is_redirection(kind) && sim->redirection_optional) ||
                        (kind == PORT_VNC && sim->vnc_optional);

    return add_listener(server, address, kind, optional ? NULL : error) || optional;
}

static gboolean
listen_on(Server *server, guint32 address, Device *device, GError **error)
{
    for (guint kind = 0; kind < PORT_KINDS; kind++)
        if (has_port(server->sim, device, (PortKind)kind) &&
            !open_listener(server, address, (PortKind)kind, error))
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

/* ---- ports that open and close while the device runs ---- */

enum { RESTART_MS = 200 /* the answer to the commit must be out */ };

static Listener *
listener_at(const Server *server, guint32 address, PortKind kind)
{
    for (guint i = 0; i < server->listeners->len; i++) {
        Listener *listener = server->listeners->pdata[i];
        if (listener->address == address && listener->kind == kind)
            return listener;
    }
    return NULL;
}

/* Devices that share a listener cannot close theirs: take_call() refuses in their place. */
static void
change_port(Server *server, Device *device, PortKind kind)
{
    Listener *there = listener_at(server, device->address, kind);
    gboolean wanted = has_port(server->sim, device, kind);
    g_autoptr(GError) error = NULL;

    if (listener_at(server, INADDR_ANY, kind) != NULL)
        return;
    if (there != NULL && !wanted)
        g_ptr_array_remove_fast(server->listeners, there);
    if (there == NULL && wanted && !open_listener(server, device->address, kind, &error))
        g_warning("%s", error->message);
}

static void
change_ports(Server *server, Device *device)
{
    for (guint kind = 0; kind < PORT_KINDS; kind++)
        change_port(server, device, (PortKind)kind);
}

/* The web server starts anew, so that nobody goes on with the old certificate. */
static void
end_connections(Server *server, const Device *device)
{
    for (guint i = server->connections->len; i > 0; i--)
        if (connection_device(server->connections->pdata[i - 1]) == device)
            connection_end(server->connections->pdata[i - 1]);
}

static void
on_restart(ReactorTimer *timer)
{
    Server *server = (Server *)(gpointer)((char *)timer - G_STRUCT_OFFSET(Server, timer));

    for (guint i = 0; i < server->changed->len; i++) {
        change_ports(server, server->changed->pdata[i]);
        end_connections(server, server->changed->pdata[i]);
    }
    g_ptr_array_set_size(server->changed, 0);
}

static void
on_ports_changed(Device *device, gboolean restart, gpointer data)
{
    Server *server = data;

    if (!restart) {
        change_ports(server, device);
        return;
    }
    if (!g_ptr_array_find(server->changed, device, NULL))
        g_ptr_array_add(server->changed, device);
    reactor_timer_start(
        server->reactor, &server->timer, g_get_monotonic_time() + RESTART_MS * 1000);
}

static gboolean
listen_each(Server *server, GError **error)
{
    for (guint i = 0; i < server->sim->count; i++) {
        Device *device = &server->sim->devices[i];
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
    server->redirects = g_ptr_array_new();
    server->changed = g_ptr_array_new();
    server->timer.fire = on_restart;
    sim->ports_changed = on_ports_changed;
    sim->ports_data = server;
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
    for (guint i = 0; server->redirects != NULL && i < server->redirects->len; i++)
        redirect_free(server->redirects->pdata[i]);
    g_clear_pointer(&server->connections, g_ptr_array_unref);
    g_clear_pointer(&server->redirects, g_ptr_array_unref);
    g_clear_pointer(&server->listeners, g_ptr_array_unref);
    g_clear_pointer(&server->pongs, g_ptr_array_unref);
    reactor_timer_stop(&server->timer);
    server->sim->ports_changed = NULL;
    g_clear_pointer(&server->changed, g_ptr_array_unref);
    reactor_free(server->reactor);
    g_free(server);
}
