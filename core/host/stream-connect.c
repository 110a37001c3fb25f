/* SPDX-License-Identifier: Apache-2.0 */
#include "config.h"

#include "error.h"
#include "stream-private.h"
#include "tap-stream.h"

#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/epoll.h>
#include <unistd.h>

enum { HANDSHAKES_MOST = 128 /* at a time on one worker: each takes 50 kB and more */ };

/* ---- TCP ---- */

static int
socket_for(const ResolvedAddress *address, GError **error)
{
    int on = 1;
    int fd =
        socket(address->address.ss_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, IPPROTO_TCP);

    if (!stream_fd_allowed(fd, error))
        return -1;
    setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
    return fd;
}

/* The socket of a failed attempt goes; the stream stays for the next address. */
static void
drop_socket(PosternStream *stream)
{
    reactor_unwatch_closing(&stream->watch);
    if (stream->watch.fd >= 0)
        close(stream->watch.fd);
    stream->watch.fd = -1;
    stream->readable = stream->writable = stream->hung = stream->failed = FALSE;
}

static int
socket_error(int fd)
{
    int number = 0;
    socklen_t length = sizeof number;

    return getsockopt(fd, SOL_SOCKET, SO_ERROR, &number, &length) == 0 ? number : errno;
}

static gboolean
connect_failed(PosternStream *stream, const ResolvedAddress *address, int number, GError **error)
{
    char text[RESOLVE_TEXT];

    resolve_text(&address->address, text);
    /* a packet filter may answer so; it is the way that is closed, not our right to do it */
    if (number == EACCES || number == EPERM)
        number = EHOSTUNREACH;
    if (g_strcmp0(text, stream->host) == 0)
        error_set_errno(error, number, "cannot connect to %s port %u", text, stream->port);
    else
        error_set_errno(
            error, number, "cannot connect to %s port %u at %s", stream->host, stream->port, text);
    return FALSE;
}

static gboolean
connect_one(PosternStream *stream, const ResolvedAddress *address, gint64 deadline, GError **error)
{
    int fd = socket_for(address, error);

    if (fd < 0)
        return FALSE;
    stream->watch.fd = fd;
    if (connect(fd, (const struct sockaddr *)&address->address, address->length) != 0 &&
        errno != EINPROGRESS)
        return connect_failed(stream, address, errno, error);
    if (!stream_watch(stream, fd, error))
        return FALSE;
    while (!stream->writable)
        if (!stream_wait(stream,
                         &stream->writer,
                         EPOLLOUT,
                         deadline,
                         "did not answer a connection attempt",
                         error))
            return FALSE;
    /* an event without error or hang-up says that it worked, which saves asking */
    if (stream->failed || stream->hung) {
        int number = socket_error(fd);
        if (number != 0)
            return connect_failed(stream, address, number, error);
    }
    stream->peer = *address;
    return TRUE;
}

/* Each address in turn, each with its share of the time. */
static gboolean
connect_any(PosternStream *stream, GArray *addresses, gint64 deadline, GError **error)
{
    for (guint i = 0; i < addresses->len; i++) {
        gint64 now = g_get_monotonic_time();
        gint64 share = now + MAX(deadline - now, 0) / (addresses->len - i);
        g_clear_error(error);
        if (connect_one(stream, &g_array_index(addresses, ResolvedAddress, i), share, error))
            return TRUE;
        drop_socket(stream);
        if (run_is_cancelled(stream->run) || stream->closed)
            return FALSE;
    }
    if (addresses->len > 1)
        g_prefix_error(error, "all %u addresses tried: ", addresses->len);
    return FALSE;
}

static gboolean
connect_host(PosternStream *stream, guint timeout_ms, GError **error)
{
    gint64 deadline = g_get_monotonic_time() + (gint64)timeout_ms * 1000;
    g_autoptr(GArray) addresses =
        resolve_host(stream->run, stream->host, stream->port, deadline, error);
    g_autoptr(GError) problem = NULL;

    if (addresses == NULL)
        return FALSE;
    if (connect_any(stream, addresses, deadline, &problem))
        return TRUE;
    error_translate(&problem);
    g_propagate_error(error, g_steal_pointer(&problem));
    return FALSE;
}

/* ---- TLS ---- */

/* Turns for handshakes, one set for each worker's thread. */
static __thread struct {
    guint running;
    GQueue waiting; /* of Wait */
} turns;

static gboolean
turn_take(PosternStream *stream, gint64 deadline, GError **error)
{
    Wait wait = {0};
    gboolean ours;

    if (turns.running < HANDSHAKES_MOST) {
        turns.running++;
        return TRUE;
    }
    g_queue_push_tail(&turns.waiting, &wait);
    ours =
        wait_or_fail(&wait,
                     stream->run,
                     deadline,
                     error,
                     "no turn for a TLS handshake came within the time allowed: %d are under way",
                     HANDSHAKES_MOST);
    if (!ours)
        g_queue_remove(&turns.waiting, &wait);
    return ours;
}

/* Handed on, not let go: see device_leave(). */
static void
turn_pass(void)
{
    Wait *next;

    while ((next = g_queue_pop_head(&turns.waiting)) != NULL)
        if (wait_wake(next))
            return;
    turns.running--;
}

static StreamVerdict
verdict_of(TlsFault fault)
{
    switch (fault) {
    case TLS_FAULT_OLD:
        return STREAM_NEEDS_LEGACY;
    case TLS_FAULT_NOT_TLS:
        return STREAM_NOT_TLS;
    case TLS_FAULT_OTHER:
    default:
        return STREAM_FAILED;
    }
}

static gboolean
shake_hands(PosternStream *stream, gint64 deadline, StreamVerdict *verdict, GError **error)
{
    TlsFault fault = TLS_FAULT_OTHER;

    while (TRUE) {
        TlsStep step = tls_handshake(stream->tls, stream->host, &fault, error);
        guint32 wants = step == TLS_WANTS_READ ? EPOLLIN : EPOLLOUT;
        if (step == TLS_DONE)
            return TRUE;
        if (step == TLS_ERROR || step == TLS_ENDED) {
            *verdict = verdict_of(fault);
            return FALSE;
        }
        if (step == TLS_WANTS_READ)
            stream->readable = FALSE;
        else
            stream->writable = FALSE;
        if (!stream_wait(stream,
                         &stream->reader,
                         wants,
                         deadline,
                         "did not go on with the TLS handshake",
                         error))
            return FALSE;
    }
}

gboolean
stream_handshake(PosternStream *stream, guint timeout_ms, StreamVerdict *verdict, GError **error)
{
    gboolean fine;

    if (!turn_take(stream, -1, error))
        return FALSE;
    fine = shake_hands(stream, g_get_monotonic_time() + (gint64)timeout_ms * 1000, verdict, error);
    turn_pass();
    return fine;
}

/* ---- both ---- */

gboolean
stream_connect_socket(PosternStream *stream,
                      const StreamWish *wish,
                      StreamVerdict *verdict,
                      GError **error)
{
    g_autoptr(GError) problem = NULL;

    if (!connect_host(stream, wish->timeout_ms, &problem)) {
        if (g_error_matches(problem, POSTERN_ERROR, POSTERN_ERROR_REFUSED))
            *verdict = STREAM_REFUSED;
        g_propagate_error(error, g_steal_pointer(&problem));
        return FALSE;
    }
    if (wish->tls == NULL)
        return TRUE;
    stream->tls = tls_client_new(stream->watch.fd, wish->tls, error);
    return stream->tls != NULL && stream_handshake(stream, wish->timeout_ms, verdict, error);
}

PosternStream *
stream_open(PosternRun *run, const StreamWish *wish, StreamVerdict *verdict, GError **error)
{
    PosternStream *stream = stream_new(run, wish->host, wish->port);
    gboolean fine;

    *verdict = STREAM_FAILED;
    stream->is_tls = wish->tls != NULL;
    if (run_plan(run)->tap != NULL)
        fine = stream_connect_tapped(stream, wish, verdict, error);
    else
        fine = stream_connect_socket(stream, wish, verdict, error);
    if (fine) {
        *verdict = STREAM_FINE;
        return stream;
    }
    stream_close(stream, TRUE);
    return NULL;
}

PosternStream *
stream_open_adaptive(PosternRun *run,
                     const StreamWish *wish,
                     gboolean *legacy,
                     StreamVerdict *verdict,
                     GError **error)
{
    g_autoptr(GError) problem = NULL;
    StreamWish attempt = *wish;
    TlsWish policy = {0};
    PosternStream *stream;

    if (wish->tls != NULL) {
        policy = *wish->tls;
        policy.legacy = policy.may_be_legacy && *legacy;
        attempt.tls = &policy;
    }
    stream = stream_open(run, &attempt, verdict, &problem);
    if (stream == NULL && *verdict == STREAM_NEEDS_LEGACY && policy.may_be_legacy &&
        !policy.legacy) {
        g_clear_error(&problem);
        policy.legacy = TRUE;
        stream = stream_open(run, &attempt, verdict, &problem);
        if (stream != NULL)
            *legacy = TRUE;
    }
    if (stream == NULL)
        g_propagate_error(error, g_steal_pointer(&problem));
    return stream;
}

PosternStream *
stream_adopt(PosternRun *run,
             int fd,
             const ResolvedAddress *peer,
             TlsContext *context,
             guint timeout_ms,
             GError **error)
{
    char text[RESOLVE_TEXT];
    PosternStream *stream =
        stream_new(run, resolve_text(&peer->address, text), resolve_port(&peer->address));
    StreamVerdict verdict;
    int on = 1;

    setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
    stream->peer = *peer;
    stream->is_tls = context != NULL;
    if (!stream_watch(stream, fd, error)) {
        stream_close(stream, TRUE);
        return NULL;
    }
    if (context == NULL)
        return stream;
    stream->tls = tls_server_new(fd, context, error);
    if (stream->tls != NULL && stream_handshake(stream, timeout_ms, &verdict, error))
        return stream;
    stream_close(stream, TRUE);
    return NULL;
}
