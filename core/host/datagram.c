/* SPDX-License-Identifier: Apache-2.0 */
#include "config.h"

#include "datagram.h"
#include "error.h"
#include "stream.h"
#include "tap-stream.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <string.h>
#include <sys/epoll.h>
#include <unistd.h>

enum {
    DATAGRAM_MOST = 65507,
    RESOLVE_MS = 10000,
    REPLAY_PATIENCE_MS = 2000,
    RECEIVE_BUFFER = 4 * 1024 * 1024, /* a sweep is answered faster than it is read */
};

/* ---- life ---- */

static void
datagram_unref(PosternDatagram *datagram)
{
    if (--datagram->refs == 0)
        g_free(datagram);
}

static void
ready(ReactorWatch *watch, guint32 events)
{
    PosternDatagram *datagram = (PosternDatagram *)watch;

    datagram->refs++;
    if (events & (EPOLLIN | EPOLLERR | EPOLLHUP)) {
        datagram->readable = TRUE;
        wait_wake(&datagram->reader);
    }
    if (events & (EPOLLOUT | EPOLLERR | EPOLLHUP)) {
        datagram->writable = TRUE;
        wait_wake(&datagram->writer);
    }
    datagram_unref(datagram);
}

static void
service_close(PosternDatagram *datagram)
{
    if (datagram == NULL || datagram->closed)
        return;
    datagram->closed = TRUE;
    if (datagram->token != 0)
        run_forget(datagram->run, datagram->token);
    g_clear_pointer(&datagram->tap, tap_stream_close);
    reactor_unwatch_closing(&datagram->watch);
    if (datagram->watch.fd >= 0)
        close(datagram->watch.fd);
    datagram->watch.fd = -1;
    wait_wake(&datagram->reader);
    wait_wake(&datagram->writer);
    datagram_unref(datagram);
}

static void
close_at_end(gpointer data)
{
    PosternDatagram *datagram = data;

    datagram->token = 0;
    service_close(datagram);
}

static gboolean
bind_socket(PosternDatagram *datagram, const char *address, guint16 port, GError **error)
{
    const int on = 1, size = RECEIVE_BUFFER;
    ResolvedAddress own;

    if (!resolve_literal(address != NULL ? address : "0.0.0.0", port, &own)) {
        g_set_error(
            error,
            POSTERN_ERROR,
            POSTERN_ERROR_BAD_PARAM,
            "'%s' is no address for a datagram socket, expected one such as 127.0.0.1 or ::",
            address);
        return FALSE;
    }
    datagram->family = own.address.ss_family;
    datagram->watch.fd = socket(datagram->family, SOCK_DGRAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    if (!stream_fd_allowed(datagram->watch.fd, error)) {
        datagram->watch.fd = -1;
        return FALSE;
    }
    setsockopt(datagram->watch.fd, SOL_SOCKET, SO_RCVBUF, &size, sizeof size);
    setsockopt(datagram->watch.fd, SOL_SOCKET, SO_BROADCAST, &on, sizeof on);
    if (bind(datagram->watch.fd, (const struct sockaddr *)&own.address, own.length) == 0)
        return TRUE;
    error_set_errno(error,
                    errno,
                    "cannot open a datagram socket at %s port %u",
                    address != NULL ? address : "any address",
                    port);
    return FALSE;
}

static gboolean
open_socket(PosternDatagram *datagram, const char *address, guint16 port, GError **error)
{
    const guint32 events = EPOLLIN | EPOLLOUT | (guint32)EPOLLET;
    g_autoptr(GError) problem = NULL;

    if (!bind_socket(datagram, address, port, error))
        return FALSE;
    if (reactor_watch(
            worker_reactor(run_worker(datagram->run)), &datagram->watch, events, &problem))
        return TRUE;
    error_translate(&problem);
    g_propagate_error(error, g_steal_pointer(&problem));
    return FALSE;
}

/* A replay has no socket; opening is a step like connecting. */
static gboolean
open_tapped(PosternDatagram *datagram, const char *address, guint16 port, GError **error)
{
    Tap *tap = run_plan(datagram->run)->tap;
    TapFault fault = tap_step(tap);
    gint verdict = STREAM_FINE;

    datagram->tap = tap_stream_new(tap, datagram->run, NULL, 0, FALSE);
    if (fault != TAP_FAULT_NONE) {
        tap_fault_error(fault, address != NULL ? address : "any address", port, error);
        return FALSE;
    }
    if (tap_replays(tap))
        return tap_replay_connect(datagram->tap, &verdict, error);
    tap_note_connect(datagram->tap, verdict, NULL);
    return open_socket(datagram, address, port, error);
}

static PosternDatagram *
service_open(PosternRun *run, const char *address, guint32 port, GError **error)
{
    PosternDatagram *datagram;
    gboolean fine;

    if (port > G_MAXUINT16) {
        g_set_error(error, POSTERN_ERROR, POSTERN_ERROR_BAD_PARAM, "port %u is beyond 65535", port);
        return NULL;
    }
    datagram = g_new0(PosternDatagram, 1);
    datagram->refs = 1;
    datagram->run = run;
    datagram->watch.fd = -1;
    datagram->watch.ready = ready;
    datagram->writable = TRUE;
    fine = run_plan(run)->tap != NULL ? open_tapped(datagram, address, (guint16)port, error)
                                      : open_socket(datagram, address, (guint16)port, error);
    if (!fine) {
        service_close(datagram);
        return NULL;
    }
    datagram->token = run_on_end(run, close_at_end, datagram);
    return datagram;
}

/* ---- waiting ---- */

static gboolean
still_open(const PosternDatagram *datagram, GError **error)
{
    if (datagram->closed)
        g_set_error_literal(error,
                            POSTERN_ERROR,
                            POSTERN_ERROR_CANCELLED,
                            "the datagram socket was closed on our side");
    return !datagram->closed;
}

gboolean
datagram_wait_readable(PosternDatagram *datagram, gint64 deadline, GError **error)
{
    datagram->readable = FALSE;
    return wait_or_fail(&datagram->reader,
                        datagram->run,
                        deadline,
                        error,
                        "no datagram came within the time allowed") &&
           still_open(datagram, error);
}

gboolean
datagram_wait_writable(PosternDatagram *datagram, GError **error)
{
    datagram->writable = FALSE;
    return wait_or_fail(&datagram->writer,
                        datagram->run,
                        g_get_monotonic_time() + RESOLVE_MS * 1000,
                        error,
                        "the network took no datagrams for %d ms",
                        RESOLVE_MS) &&
           still_open(datagram, error);
}

/* ---- sending ---- */

static gboolean
send_socket(PosternDatagram *datagram,
            const char *host,
            const ResolvedAddress *to,
            const void *data,
            gsize length,
            GError **error)
{
    while (sendto(datagram->watch.fd,
                  data,
                  length,
                  MSG_NOSIGNAL,
                  (const struct sockaddr *)&to->address,
                  to->length) < 0) {
        if (errno == EINTR)
            continue;
        if (errno != EAGAIN && errno != ENOBUFS) {
            error_set_errno(error,
                            errno,
                            "cannot send a datagram to %s port %u",
                            host,
                            resolve_port(&to->address));
            return FALSE;
        }
        if (!datagram_wait_writable(datagram, error))
            return FALSE;
    }
    return TRUE;
}

gboolean
datagram_send_to(PosternDatagram *datagram,
                 const char *host,
                 const ResolvedAddress *to,
                 const void *data,
                 gsize length,
                 GError **error)
{
    guint16 port = resolve_port(&to->address);
    gboolean fine;
    TapFault fault;
    Tap *tap;

    if (datagram->tap == NULL)
        return send_socket(datagram, host, to, data, length, error);
    tap = tap_stream_tap(datagram->tap);
    fault = tap_step(tap);
    if (fault != TAP_FAULT_NONE) {
        tap_fault_error(fault, host, port, error);
        return FALSE;
    }
    if (tap_replays(tap)) {
        fine = tap_replay_send(datagram->tap, host, port, data, length, error);
        wait_wake(&datagram->reader);
        return fine;
    }
    tap_note_sent(datagram->tap, host, port, data, length);
    return send_socket(datagram, host, to, data, length, error);
}

/* Where `host` (NULL: the run's target) is; a replay needs no more than its name. */
static gboolean
find_host(
    PosternDatagram *datagram, const char **host, guint32 port, ResolvedAddress *to, GError **error)
{
    g_autoptr(GArray) found = NULL;

    if (*host == NULL)
        *host = run_target(datagram->run)->host;
    if (*host == NULL || port == 0 || port > G_MAXUINT16) {
        g_set_error(error,
                    POSTERN_ERROR,
                    POSTERN_ERROR_BAD_PARAM,
                    "a datagram to %s port %u has nowhere to go",
                    *host != NULL ? *host : "no host,",
                    port);
        return FALSE;
    }
    if (resolve_literal(*host, (guint16)port, to))
        return TRUE;
    if (datagram->tap != NULL && tap_replays(tap_stream_tap(datagram->tap)))
        return resolve_literal("0.0.0.0", (guint16)port, to);
    found = resolve_host(
        datagram->run, *host, (guint16)port, g_get_monotonic_time() + RESOLVE_MS * 1000, error);
    for (guint i = 0; found != NULL && i < found->len; i++) {
        *to = g_array_index(found, ResolvedAddress, i);
        if (to->address.ss_family == datagram->family)
            return TRUE;
    }
    if (found != NULL)
        g_set_error(error,
                    POSTERN_ERROR,
                    POSTERN_ERROR_UNRESOLVED,
                    "the name '%s' has no address of the kind of this socket (%s)",
                    *host,
                    datagram->family == AF_INET ? "IPv4" : "IPv6");
    return FALSE;
}

static gboolean
check_size(gsize length, GError **error)
{
    if (length <= DATAGRAM_MOST)
        return TRUE;
    g_set_error(error,
                POSTERN_ERROR,
                POSTERN_ERROR_BAD_PARAM,
                "a datagram of %" G_GSIZE_FORMAT " bytes is larger than %d",
                length,
                DATAGRAM_MOST);
    return FALSE;
}

static gboolean
begin(PosternDatagram *datagram, GError **error)
{
    return still_open(datagram, error) && run_check(datagram->run, error);
}

static gboolean
service_send(
    PosternDatagram *datagram, const char *host, guint32 port, GBytes *data, GError **error)
{
    gsize length;
    const void *bytes = g_bytes_get_data(data, &length);
    ResolvedAddress to;
    gboolean fine;

    datagram->refs++;
    fine = begin(datagram, error) && check_size(length, error) &&
           find_host(datagram, &host, port, &to, error) && still_open(datagram, error) &&
           datagram_send_to(datagram, host, &to, bytes, length, error);
    datagram_unref(datagram);
    return fine;
}

/* ---- receiving ---- */

/* Room for the largest datagram; nothing waits between reading and copying. */
static __thread guint8 scratch[DATAGRAM_MOST + 1];

static gssize
receive_socket(PosternDatagram *datagram, gint64 deadline, ResolvedAddress *from, GError **error)
{
    while (TRUE) {
        gssize got;
        from->length = sizeof from->address;
        got = recvfrom(datagram->watch.fd,
                       scratch,
                       sizeof scratch,
                       0,
                       (struct sockaddr *)&from->address,
                       &from->length);
        if (got >= 0)
            return got;
        if (errno == EINTR)
            continue;
        /* a refusal on its way back says which destination only on connected sockets: wait on */
        if (errno != EAGAIN && errno != ECONNREFUSED && errno != EHOSTUNREACH) {
            error_set_errno(error, errno, "cannot receive a datagram");
            return -1;
        }
        if (errno == EAGAIN && !datagram_wait_readable(datagram, deadline, error))
            return -1;
    }
}

static gssize
receive_replayed(
    PosternDatagram *datagram, gint64 deadline, char **from, guint16 *from_port, GError **error)
{
    gint64 patience = g_get_monotonic_time() + REPLAY_PATIENCE_MS * 1000;
    gssize got;

    if (deadline >= 0)
        patience = MIN(patience, deadline);
    while ((got = tap_replay_receive(
                datagram->tap, scratch, sizeof scratch, from, from_port, error)) == TAP_NOTHING_YET)
        if (!datagram_wait_readable(datagram, patience, error))
            return -1;
    return got;
}

static gssize
receive_tapped(
    PosternDatagram *datagram, gint64 deadline, char **from, guint16 *from_port, GError **error)
{
    Tap *tap = tap_stream_tap(datagram->tap);
    TapFault fault = tap_step(tap);
    GError *problem = NULL;
    ResolvedAddress address;
    char text[RESOLVE_TEXT];
    gssize got = -1;

    if (fault != TAP_FAULT_NONE && fault < TAP_FAULT_GARBAGE) {
        tap_fault_error(fault, "datagrams", 0, &problem);
    } else if (tap_replays(tap)) {
        got = receive_replayed(datagram, deadline, from, from_port, &problem);
    } else {
        got = receive_socket(datagram, deadline, &address, &problem);
        if (got >= 0) {
            *from = g_strdup(resolve_text(&address.address, text));
            *from_port = resolve_port(&address.address);
        }
    }
    if (got > 0)
        got = (gssize)tap_spoil(tap, fault, scratch, (gsize)got);
    if (!datagram->closed)
        tap_note_received(datagram->tap, *from, *from_port, scratch, got, problem);
    if (problem != NULL)
        g_propagate_error(error, problem);
    return got;
}

GBytes *
datagram_receive_from(
    PosternDatagram *datagram, gint64 deadline, char **from, guint16 *from_port, GError **error)
{
    ResolvedAddress address;
    char text[RESOLVE_TEXT];
    gssize got;

    *from = NULL;
    *from_port = 0;
    if (datagram->tap != NULL) {
        got = receive_tapped(datagram, deadline, from, from_port, error);
    } else {
        got = receive_socket(datagram, deadline, &address, error);
        if (got >= 0) {
            *from = g_strdup(resolve_text(&address.address, text));
            *from_port = resolve_port(&address.address);
        }
    }
    return got >= 0 ? g_bytes_new(scratch, (gsize)got) : NULL;
}

static GBytes *
service_receive(
    PosternDatagram *datagram, gint64 timeout_ms, char **from, guint32 *from_port, GError **error)
{
    gint64 deadline = timeout_ms < 0 ? -1 : g_get_monotonic_time() + timeout_ms * 1000;
    g_autofree char *sender = NULL;
    GBytes *data = NULL;
    guint16 port = 0;

    datagram->refs++;
    if (begin(datagram, error))
        data = datagram_receive_from(datagram, deadline, &sender, &port, error);
    if (data != NULL && from != NULL)
        *from = g_steal_pointer(&sender);
    if (data != NULL && from_port != NULL)
        *from_port = port;
    datagram_unref(datagram);
    return data;
}

/* ---- question and answer ---- */

typedef struct {
    const char *host;
    ResolvedAddress to;
    gboolean (*fits)(GBytes *answer, gpointer user_data);
    gpointer user_data;
} Question;

/* In a replay the sender is the host's name, as there are no addresses. */
static gboolean
is_from(const Question *question, const char *from, guint16 port)
{
    char text[RESOLVE_TEXT];

    return port == resolve_port(&question->to.address) &&
           (g_strcmp0(from, resolve_text(&question->to.address, text)) == 0 ||
            g_ascii_strcasecmp(from != NULL ? from : "", question->host) == 0);
}

/* The answer that fits, until `deadline`. NULL without `error`: none came in time. */
static GBytes *
await_answer(PosternDatagram *datagram, const Question *question, gint64 deadline, GError **error)
{
    while (TRUE) {
        g_autoptr(GError) problem = NULL;
        g_autofree char *from = NULL;
        guint16 port;
        GBytes *data = datagram_receive_from(datagram, deadline, &from, &port, &problem);
        if (data == NULL) {
            if (!g_error_matches(problem, POSTERN_ERROR, POSTERN_ERROR_TIMEOUT) ||
                run_is_cancelled(datagram->run))
                g_propagate_error(error, g_steal_pointer(&problem));
            return NULL;
        }
        if (is_from(question, from, port) &&
            (question->fits == NULL || question->fits(data, question->user_data)))
            return data;
        g_bytes_unref(data);
    }
}

static GBytes *
ask(PosternDatagram *datagram,
    const Question *question,
    GBytes *data,
    guint32 retries,
    guint32 interval_ms,
    GError **error)
{
    gint64 interval = (gint64)MAX(interval_ms, 1) * 1000;
    gsize length;
    const void *bytes = g_bytes_get_data(data, &length);

    for (guint32 attempt = 0; attempt <= retries; attempt++) {
        GError *problem = NULL;
        GBytes *answer;
        if (!datagram_send_to(datagram, question->host, &question->to, bytes, length, error))
            return NULL;
        answer = await_answer(datagram, question, g_get_monotonic_time() + interval, &problem);
        if (problem != NULL)
            g_propagate_error(error, problem);
        if (answer != NULL || problem != NULL)
            return answer;
        interval = MIN(interval * 2, 60 * G_USEC_PER_SEC);
    }
    g_set_error(error,
                POSTERN_ERROR,
                POSTERN_ERROR_TIMEOUT,
                "%s port %u did not answer %u datagrams",
                question->host,
                resolve_port(&question->to.address),
                retries + 1);
    return NULL;
}

static GBytes *
service_exchange(PosternDatagram *datagram,
                 const char *host,
                 guint32 port,
                 GBytes *data,
                 guint32 retries,
                 guint32 interval_ms,
                 gboolean (*fits)(GBytes *answer, gpointer user_data),
                 gpointer user_data,
                 GError **error)
{
    Question question = {.fits = fits, .user_data = user_data};
    GBytes *answer = NULL;

    datagram->refs++;
    if (begin(datagram, error) && check_size(g_bytes_get_size(data), error) &&
        find_host(datagram, &host, port, &question.to, error) && still_open(datagram, error)) {
        question.host = host;
        answer = ask(datagram, &question, data, MIN(retries, 100), interval_ms, error);
    }
    datagram_unref(datagram);
    return answer;
}

static gint64
service_sweep(PosternDatagram *datagram,
              const PosternSweep *sweep,
              void (*answer)(const char *from, guint32 from_port, GBytes *data, gpointer user_data),
              gpointer user_data,
              GError **error)
{
    gint64 sent = -1;

    datagram->refs++;
    if (begin(datagram, error))
        sent = datagram_sweep(datagram, sweep, answer, user_data, error);
    datagram_unref(datagram);
    return sent;
}

const PosternDatagramSvc datagram_service = {
    .size = sizeof(PosternDatagramSvc),
    .open = service_open,
    .send = service_send,
    .receive = service_receive,
    .exchange = service_exchange,
    .sweep = service_sweep,
    .close = service_close,
};
