/* SPDX-License-Identifier: Apache-2.0 */
#include "config.h"

#include "error.h"
#include "stream-private.h"

#include <errno.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

enum { BACKLOG = 4096 /* the system caps it */ };

struct PosternListener {
    ReactorWatch watch; /* first */
    guint refs;         /* of the owner, and of each accept in progress */
    gboolean closed;
    PosternRun *run;
    guint token;
    GQueue waiting;      /* of Wait: accepts in progress */
    TlsContext *context; /* NULL: plain */
    guint timeout_ms;
    ResolvedAddress own;
};

static void
listener_unref(PosternListener *listener)
{
    if (--listener->refs > 0)
        return;
    tls_context_free(listener->context);
    g_free(listener);
}

static void
ready(ReactorWatch *watch, guint32 events)
{
    PosternListener *listener = (PosternListener *)watch;
    Wait *wait = g_queue_pop_head(&listener->waiting);

    if (wait != NULL)
        wait_wake(wait);
}

static void
close_at_end(gpointer data)
{
    PosternListener *listener = data;

    listener->token = 0;
    listener_close(listener);
}

/* The socket, bound and listening. -1 with `error`. */
static int
open_socket(PosternListener *listener, GError **error)
{
    const struct sockaddr *address = (const struct sockaddr *)&listener->own.address;
    char text[RESOLVE_TEXT];
    int on = 1, number;
    int fd = socket(address->sa_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);

    if (!stream_fd_allowed(fd, error))
        return -1;
    setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
    if (bind(fd, address, listener->own.length) == 0 && listen(fd, BACKLOG) == 0)
        return fd;
    number = errno;
    close(fd);
    error_set_errno(error,
                    number,
                    "cannot listen at %s port %u",
                    resolve_text(&listener->own.address, text),
                    resolve_port(&listener->own.address));
    return -1;
}

/* Takes `context` in any case. */
PosternListener *
listener_new(PosternRun *run,
             const char *address,
             guint16 port,
             TlsContext *context,
             guint timeout_ms,
             GError **error)
{
    PosternListener *listener = g_new0(PosternListener, 1);

    listener->refs = 1;
    listener->run = run;
    listener->context = context;
    listener->timeout_ms = timeout_ms;
    listener->watch.fd = -1;
    listener->watch.ready = ready;
    if (!resolve_literal(address, port, &listener->own))
        g_set_error(error,
                    POSTERN_ERROR,
                    POSTERN_ERROR_BAD_PARAM,
                    "'%s' is no address to listen at, expected one such as 127.0.0.1 or ::",
                    address);
    else
        listener->watch.fd = open_socket(listener, error);
    if (listener->watch.fd < 0 ||
        !reactor_watch(worker_reactor(run_worker(run)), &listener->watch, EPOLLIN, error)) {
        listener_close(listener);
        return NULL;
    }
    listener->own.length = sizeof listener->own.address;
    getsockname(
        listener->watch.fd, (struct sockaddr *)&listener->own.address, &listener->own.length);
    listener->token = run_on_end(run, close_at_end, listener);
    return listener;
}

void
listener_close(PosternListener *listener)
{
    Wait *wait;

    if (listener == NULL || listener->closed)
        return;
    listener->closed = TRUE;
    if (listener->token != 0)
        run_forget(listener->run, listener->token);
    reactor_unwatch_closing(&listener->watch);
    if (listener->watch.fd >= 0)
        close(listener->watch.fd);
    while ((wait = g_queue_pop_head(&listener->waiting)) != NULL)
        wait_wake(wait);
    listener_unref(listener);
}

static gboolean
wait_for_one(PosternListener *listener, gint64 deadline, GError **error)
{
    Wait wait = {0};
    gboolean woken;

    g_queue_push_tail(&listener->waiting, &wait);
    woken = wait_or_fail(&wait,
                         listener->run,
                         deadline,
                         error,
                         "nobody connected to port %u within the time allowed",
                         resolve_port(&listener->own.address));
    if (!woken)
        g_queue_remove(&listener->waiting, &wait);
    if (woken && listener->closed)
        g_set_error_literal(
            error, POSTERN_ERROR, POSTERN_ERROR_CANCELLED, "the listener was closed on our side");
    return woken && !listener->closed;
}

/* Reasons of a failed accept that are the other side's, who has left already. */
static gboolean
is_passing(int number)
{
    return number == EINTR || number == ECONNABORTED || number == EPROTO || number == EPERM;
}

static int
accept_one(PosternListener *listener, ResolvedAddress *peer, gint64 deadline, GError **error)
{
    while (TRUE) {
        int fd, number;
        peer->length = sizeof peer->address;
        fd = accept4(listener->watch.fd,
                     (struct sockaddr *)&peer->address,
                     &peer->length,
                     SOCK_NONBLOCK | SOCK_CLOEXEC);
        number = errno;
        if (fd >= 0)
            return stream_fd_allowed(fd, error) ? fd : -1;
        if (number != EAGAIN && !is_passing(number)) {
            error_set_errno(
                error, number, "cannot accept at port %u", resolve_port(&listener->own.address));
            return -1;
        }
        if (number == EAGAIN && !wait_for_one(listener, deadline, error))
            return -1;
    }
}

PosternStream *
listener_accept(PosternListener *listener, gint64 deadline, GError **error)
{
    PosternStream *stream = NULL;
    ResolvedAddress peer;
    int fd;

    if (!run_check(listener->run, error))
        return NULL;
    listener->refs++;
    fd = accept_one(listener, &peer, deadline, error);
    if (fd >= 0)
        stream =
            stream_adopt(listener->run, fd, &peer, listener->context, listener->timeout_ms, error);
    listener_unref(listener);
    return stream;
}

GVariant *
listener_info(PosternListener *listener)
{
    g_auto(GVariantDict) dict = G_VARIANT_DICT_INIT(NULL);
    char text[RESOLVE_TEXT];

    g_variant_dict_insert(&dict, "address", "s", resolve_text(&listener->own.address, text));
    g_variant_dict_insert(&dict, "port", "u", (guint32)resolve_port(&listener->own.address));
    return g_variant_ref_sink(g_variant_dict_end(&dict));
}
