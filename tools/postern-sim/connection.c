/* SPDX-License-Identifier: Apache-2.0 */
#include "config.h"

#include "connection.h"
#include "exchange.h"
#include "sim.h"
#include "wire.h"

#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>

enum { READ_BLOCK = 16384, DRIP_MS = 100, LINGER_MS = 1000 };

typedef enum { WAIT_IDLE, WAIT_DELAY, WAIT_DRIP, WAIT_LINGER } Wait;

struct Connection {
    ReactorWatch watch;
    ReactorTimer timer;
    Reactor *reactor;
    Device *device;
    Wire wire;
    GString *in, *out; /* NULL while empty, so that an idle connection is small */
    gsize sent;
    ConnectionGone gone;
    gpointer data;
    gint64 active;
    guint place;
    guint requests, answers;
    Wait wait;
    gboolean logged_in, ended /* the peer sends no more */, closing, unread, silent;
    guint32 events, peer /* its address, host byte order */;
};

guint
connection_place(const Connection *connection)
{
    return connection->place;
}

void
connection_set_place(Connection *connection, guint place)
{
    connection->place = place;
}

static void
free_parts(Connection *connection)
{
    reactor_timer_stop(&connection->timer);
    reactor_unwatch_closing(&connection->watch);
    if (connection->in != NULL)
        g_string_free(connection->in, TRUE);
    if (connection->out != NULL)
        g_string_free(connection->out, TRUE);
    connection->device->open--;
    g_free(connection);
}

void
connection_free(Connection *connection)
{
    Wire wire = connection->wire;

    free_parts(connection);
    wire.handshaking = TRUE; /* no good-bye */
    wire_end(&wire, FALSE);
}

static void
end(Connection *connection, gboolean reset)
{
    Wire wire = connection->wire;

    connection->gone(connection, connection->data);
    free_parts(connection);
    wire_end(&wire, reset);
}

void
connection_end(Connection *connection)
{
    end(connection, FALSE);
}

const Device *
connection_device(const Connection *connection)
{
    return connection->device;
}

static void
wait_for(Connection *connection, Wait wait, gint64 ms)
{
    connection->wait = wait;
    reactor_timer_start(
        connection->reactor, &connection->timer, g_get_monotonic_time() + ms * 1000);
}

static void
wait_idle(Connection *connection)
{
    wait_for(connection, WAIT_IDLE, (gint64)connection->device->model->idle_seconds * 1000);
}

static void
listen_for(Connection *connection, guint32 events)
{
    if (connection->events == events)
        return;
    connection->events = events;
    reactor_rewatch(&connection->watch, events);
}

/* ---- sending ---- */

/* After the last byte of an answer that ends the connection. */
static void
end_after_answer(Connection *connection)
{
    if (!connection->unread || connection->wire.ssl != NULL) {
        end(connection, FALSE);
        return;
    }
    /* closing with unread input would send a reset that overtakes the answer */
    shutdown(connection->watch.fd, SHUT_WR);
    connection->silent = TRUE;
    listen_for(connection, EPOLLIN);
    wait_for(connection, WAIT_LINGER, LINGER_MS);
}

/* FALSE when the connection is gone or ending. */
static gboolean
finish_answer(Connection *connection)
{
    const Fault *close_after = device_fault(connection->device, FAULT_CLOSE);

    g_string_free(g_steal_pointer(&connection->out), TRUE);
    connection->sent = 0;
    connection->answers++;
    if (close_after != NULL && connection->answers >= close_after->number)
        connection->closing = TRUE;
    if (connection->closing || connection->ended) {
        end_after_answer(connection);
        return FALSE;
    }
    listen_for(connection, EPOLLIN);
    wait_idle(connection);
    return TRUE;
}

static gboolean
flush(Connection *connection)
{
    const Fault *drip = device_fault(connection->device, FAULT_DRIP);
    gsize portion = drip != NULL ? (gsize)MAX(drip->number * DRIP_MS / 1000, 1) : G_MAXSIZE;

    while (connection->sent < connection->out->len) {
        gsize left = connection->out->len - connection->sent;
        gssize n = wire_put(
            &connection->wire, connection->out->str + connection->sent, MIN(left, portion));
        if (n < 0) {
            end(connection, FALSE);
            return FALSE;
        }
        connection->sent += (gsize)n;
        if (drip != NULL && connection->sent < connection->out->len) {
            listen_for(connection, EPOLLRDHUP);
            wait_for(connection, WAIT_DRIP, DRIP_MS);
            return FALSE;
        }
        if (n == 0) {
            listen_for(connection, EPOLLOUT); /* who does not read is not heard */
            return FALSE;
        }
    }
    return finish_answer(connection);
}

/* ---- requests ---- */

typedef enum { SERVED, NEEDS_INPUT, WAITS_OR_GONE } Served;

static Served
serve_one(Connection *connection)
{
    const Fault *delay = device_fault(connection->device, FAULT_DELAY);
    const Fault *reset = device_fault(connection->device, FAULT_RESET);
    ExchangeResult result;

    if (connection->out != NULL)
        return WAITS_OR_GONE;
    if (connection->in == NULL)
        return NEEDS_INPUT;
    connection->out = g_string_sized_new(4096);
    connection->device->secure = connection->wire.ssl != NULL;
    connection->device->caller_address = connection->peer;
    if (exchange_run(connection->device,
                     connection->in->str,
                     connection->in->len,
                     connection->out,
                     &result) == EXCHANGE_MORE) {
        g_string_free(g_steal_pointer(&connection->out), TRUE);
        return NEEDS_INPUT;
    }
    connection->requests++;
    g_string_erase(connection->in, 0, (gssize)result.used);
    if (connection->in->len == 0)
        g_string_free(g_steal_pointer(&connection->in), TRUE);
    if (result.login_ok && !connection->logged_in) {
        connection->logged_in = TRUE;
        connection->device->logins++;
    }
    if ((reset != NULL && connection->requests >= reset->number) || result.drop ||
        connection->device->unreachable_until > g_get_monotonic_time()) {
        end(connection, !result.drop);
        return WAITS_OR_GONE;
    }
    connection->closing = result.close;
    connection->unread = result.unread;
    if (delay != NULL) {
        listen_for(connection, EPOLLRDHUP);
        wait_for(connection, WAIT_DELAY, delay->number);
        return WAITS_OR_GONE;
    }
    return flush(connection) ? SERVED : WAITS_OR_GONE;
}

static void
serve_all(Connection *connection)
{
    Served served;

    do
        served = serve_one(connection);
    while (served == SERVED);
    if (served == NEEDS_INPUT && connection->ended)
        end(connection, FALSE); /* nobody will complete this request */
}

/* ---- reading ---- */

/* FALSE when the connection is gone. */
static gboolean
take_input(Connection *connection)
{
    static char block[READ_BLOCK]; /* one thread: shared by all connections */
    gssize n;

    while ((n = wire_get(&connection->wire, block, sizeof block)) > 0) {
        connection->active = g_get_monotonic_time();
        if (connection->silent)
            continue;
        if (connection->in == NULL)
            connection->in = g_string_sized_new((gsize)n + 1);
        g_string_append_len(connection->in, block, n);
        if (connection->in->len > EXCHANGE_HEAD_MAX + EXCHANGE_BODY_MAX + READ_BLOCK)
            break; /* the parser refuses it before more is read */
    }
    if (n == -2) {
        connection->ended = TRUE;
        return TRUE;
    }
    if (n < 0)
        end(connection, FALSE);
    return n >= 0;
}

static gboolean
shake_hands(Connection *connection)
{
    gint wants = wire_shake(&connection->wire);

    if (wants < 0)
        end(connection, FALSE);
    else
        listen_for(connection, wants > 0 ? (guint32)wants : EPOLLIN);
    return wants == 0;
}

static void
on_ready(ReactorWatch *watch, guint32 events)
{
    Connection *connection = (Connection *)watch; /* its first member */

    if ((events & (EPOLLERR | EPOLLHUP)) != 0 || (events & EPOLLRDHUP) != 0) {
        end(connection, FALSE);
        return;
    }
    if (connection->wire.handshaking) {
        if (device_fault(connection->device, FAULT_TLS_FAIL) != NULL) {
            wire_fail_handshake(&connection->wire);
            end(connection, FALSE);
            return;
        }
        if (!shake_hands(connection))
            return;
    }
    if (connection->out != NULL && ((events & EPOLLOUT) == 0 || !flush(connection)))
        return;
    if (!connection->ended && !take_input(connection))
        return;
    serve_all(connection);
}

static void
on_timer(ReactorTimer *timer)
{
    Connection *connection =
        (Connection *)(gpointer)((char *)timer - G_STRUCT_OFFSET(Connection, timer));
    gint64 idle = (gint64)connection->device->model->idle_seconds * G_USEC_PER_SEC;

    if (connection->wait == WAIT_DELAY || connection->wait == WAIT_DRIP) {
        connection->wait = WAIT_IDLE;
        if (flush(connection))
            serve_all(connection);
        return;
    }
    if (connection->wait == WAIT_IDLE && connection->active + idle > g_get_monotonic_time()) {
        reactor_timer_start(connection->reactor, &connection->timer, connection->active + idle);
        return;
    }
    end(connection, FALSE);
}

void
connection_start(Reactor *reactor,
                 Device *device,
                 int fd,
                 guint32 peer,
                 SSL_CTX *tls,
                 ConnectionGone gone,
                 gpointer data,
                 Connection **out)
{
    Connection *connection = g_new0(Connection, 1);

    connection->watch = (ReactorWatch){.fd = fd, .ready = on_ready};
    connection->timer.fire = on_timer;
    connection->reactor = reactor;
    connection->device = device;
    connection->peer = peer;
    connection->gone = gone;
    connection->data = data;
    connection->active = g_get_monotonic_time();
    connection->events = EPOLLIN;
    connection->silent = device_fault(device, FAULT_SILENT) != NULL;
    device->connections++;
    device->open++;
    if (!wire_start(&connection->wire, fd, tls) ||
        !reactor_watch(reactor, &connection->watch, EPOLLIN, NULL)) {
        connection_free(connection);
        return;
    }
    wait_idle(connection);
    *out = connection;
}
