/* SPDX-License-Identifier: Apache-2.0 */
#include "config.h"

#include "error.h"
#include "stream-private.h"
#include "stream.h"
#include "tap-stream.h"

#include <errno.h>
#include <signal.h>
#include <sys/epoll.h>
#include <sys/resource.h>
#include <unistd.h>

enum {
    EAGER_MOST = 64, /* calls in a row without waiting, before others get their turn */
    FAREWELLS_MOST = 8,
    FDS_RESERVED = 64, /* kept free for files, the log and the way out */
};

/* ---- the process ---- */

void
stream_prepare_process(void)
{
    struct rlimit limit;
    struct sigaction old;

    if (getrlimit(RLIMIT_NOFILE, &limit) == 0 && limit.rlim_cur < limit.rlim_max) {
        rlim_t before = limit.rlim_cur;
        limit.rlim_cur = limit.rlim_max;
        if (setrlimit(RLIMIT_NOFILE, &limit) == 0)
            g_debug("limit of open descriptors raised from %lu to %lu",
                    (gulong)before,
                    (gulong)limit.rlim_cur);
    }
    /* OpenSSL writes to the bare descriptor, where a cut connection would otherwise end the process
     */
    if (sigaction(SIGPIPE, NULL, &old) == 0 && old.sa_handler == SIG_DFL)
        signal(SIGPIPE, SIG_IGN);
}

static rlim_t
fd_limit(void)
{
    static gsize known;

    if (g_once_init_enter(&known)) {
        struct rlimit limit = {0};
        gsize value = G_MAXINT;
        if (getrlimit(RLIMIT_NOFILE, &limit) == 0 && limit.rlim_cur < G_MAXINT)
            value = (gsize)limit.rlim_cur;
        g_once_init_leave(&known, value);
    }
    return known;
}

gboolean
stream_fd_allowed(int fd, GError **error)
{
    if (fd < 0) {
        error_set_errno(error, errno, "cannot open a socket");
        return FALSE;
    }
    if ((rlim_t)fd + FDS_RESERVED < fd_limit() || fd_limit() <= 2 * FDS_RESERVED)
        return TRUE;
    close(fd);
    g_set_error(error,
                POSTERN_ERROR,
                POSTERN_ERROR_BUSY,
                "%d of %lu descriptors are open, no more connections for now; raise the limit "
                "(ulimit -n) or run fewer at a time (--max-parallel)",
                fd,
                (gulong)fd_limit());
    return FALSE;
}

/* ---- life ---- */

char *
stream_label(const char *host, guint16 port)
{
    return g_strdup_printf(strchr(host, ':') ? "[%s]:%u" : "%s:%u", host, port);
}

PosternStream *
stream_new(PosternRun *run, const char *host, guint16 port)
{
    PosternStream *stream = g_new0(PosternStream, 1);

    stream->watch.fd = -1;
    stream->refs = 1;
    stream->run = run;
    stream->host = g_strdup(host);
    stream->port = port;
    return stream;
}

void
stream_unref(PosternStream *stream)
{
    if (--stream->refs > 0)
        return;
    g_free(stream->host);
    g_free(stream);
}

void
stream_close(PosternStream *stream, gboolean quiet)
{
    if (stream == NULL || stream->closed)
        return;
    stream->closed = TRUE;
    if (stream->token != 0)
        run_forget(stream->run, stream->token);
    g_clear_pointer(&stream->tap, tap_stream_close);
    if (stream->tls != NULL && !quiet && !stream->ended)
        tls_goodbye(stream->tls);
    g_clear_pointer(&stream->tls, tls_session_free);
    reactor_unwatch_closing(&stream->watch);
    if (stream->watch.fd >= 0)
        close(stream->watch.fd);
    stream->watch.fd = -1;
    wait_wake(&stream->reader.wait);
    wait_wake(&stream->writer.wait);
    stream_unref(stream);
}

/* ---- waiting ---- */

static void
side_tell(PosternStream *stream, StreamSide *side)
{
    gboolean news = ((side->wants & EPOLLIN) && stream->readable) ||
                    ((side->wants & EPOLLOUT) && stream->writable);

    if (news && !stream->closed)
        wait_wake(&side->wait);
}

static void
ready(ReactorWatch *watch, guint32 events)
{
    PosternStream *stream = (PosternStream *)watch;
    const guint32 end = EPOLLERR | EPOLLHUP;

    stream->refs++; /* whoever wakes up may close it */
    if (events & (EPOLLIN | EPOLLRDHUP | end))
        stream->readable = TRUE;
    if (events & (EPOLLOUT | end))
        stream->writable = TRUE;
    /* the end is told only once: a short read does not mean that there is nothing more to find */
    if (events & (EPOLLRDHUP | end))
        stream->hung = TRUE;
    if (events & EPOLLERR)
        stream->failed = TRUE;
    side_tell(stream, &stream->reader);
    side_tell(stream, &stream->writer);
    stream_unref(stream);
}

gboolean
stream_watch(PosternStream *stream, int fd, GError **error)
{
    const guint32 events = EPOLLIN | EPOLLOUT | EPOLLRDHUP | (guint32)EPOLLET;

    stream->watch.fd = fd;
    stream->watch.ready = ready;
    return reactor_watch(worker_reactor(run_worker(stream->run)), &stream->watch, events, error);
}

static gboolean
still_open(const PosternStream *stream, GError **error)
{
    if (stream->closed)
        g_set_error(error,
                    POSTERN_ERROR,
                    POSTERN_ERROR_CANCELLED,
                    "the connection to %s port %u was closed on our side",
                    stream->host,
                    stream->port);
    return !stream->closed;
}

gboolean
stream_wait(PosternStream *stream,
            StreamSide *side,
            guint32 wants,
            gint64 deadline,
            const char *what,
            GError **error)
{
    gboolean fine;

    if (side->wait.fiber != NULL) {
        g_set_error(error,
                    POSTERN_ERROR,
                    POSTERN_ERROR_INTERNAL,
                    "two stacks read or write one stream to %s at once",
                    stream->host);
        return FALSE;
    }
    stream->refs++;
    side->wants = wants;
    fine = wait_or_fail(&side->wait,
                        stream->run,
                        deadline,
                        error,
                        "%s port %u %s within the time allowed",
                        stream->host,
                        stream->port,
                        what);
    side->wants = 0;
    fine = fine && still_open(stream, error);
    stream_unref(stream);
    return fine;
}

/* Wait for what a call that could not go on wants. */
static gboolean
wait_step(PosternStream *stream,
          StreamSide *side,
          TlsStep step,
          gint64 deadline,
          const char *what,
          GError **error)
{
    if (step == TLS_WANTS_READ)
        stream->readable = FALSE;
    else
        stream->writable = FALSE;
    return stream_wait(
        stream, side, step == TLS_WANTS_READ ? EPOLLIN : EPOLLOUT, deadline, what, error);
}

/* A stream that always has something to do would keep its worker from all others. */
static gboolean
take_turn(PosternStream *stream, GError **error)
{
    if (!still_open(stream, error) || !run_check(stream->run, error))
        return FALSE;
    if (++stream->eager < EAGER_MOST)
        return TRUE;
    stream->eager = 0;
    stream->refs++;
    run_yield(stream->run);
    stream->refs--; /* the caller holds one too */
    return still_open(stream, error) && run_check(stream->run, error);
}

/* ---- reading ---- */

static TlsStep
read_step_plain(PosternStream *stream, void *buffer, gsize length, gsize *done, GError **error)
{
    gssize got;

    if (!stream->readable)
        return TLS_WANTS_READ;
    do
        got = recv(stream->watch.fd, buffer, length, 0);
    while (got < 0 && errno == EINTR);
    if (got < 0 && errno == EAGAIN)
        return TLS_WANTS_READ;
    if (got < 0) {
        error_set_errno(
            error, errno, "the connection to %s port %u was cut", stream->host, stream->port);
        return TLS_ERROR;
    }
    if (got == 0)
        return TLS_ENDED;
    if ((gsize)got < length && !stream->hung)
        stream->readable = FALSE;
    *done = (gsize)got;
    return TLS_DONE;
}

gssize
stream_read_socket(
    PosternStream *stream, void *buffer, gsize length, gint64 deadline, GError **error)
{
    gsize done = 0;

    while (TRUE) {
        TlsStep step = stream->tls != NULL
                           ? tls_read(stream->tls, buffer, length, &done, stream->host, error)
                           : read_step_plain(stream, buffer, length, &done, error);
        if (step == TLS_DONE)
            return (gssize)done;
        if (step == TLS_ENDED)
            return 0;
        if (step == TLS_ERROR)
            return -1;
        stream->eager = 0;
        if (!wait_step(stream, &stream->reader, step, deadline, "sent nothing", error))
            return -1;
    }
}

gssize
stream_read(PosternStream *stream, void *buffer, gsize length, gint64 deadline, GError **error)
{
    gssize got = -1;

    stream->refs++;
    if (take_turn(stream, error)) {
        if (stream->ended)
            got = 0;
        else if (stream->tap != NULL)
            got = stream_read_tapped(stream, buffer, length, deadline, error);
        else
            got = stream_read_socket(stream, buffer, length, deadline, error);
        stream->ended = got == 0;
    }
    stream_unref(stream);
    return got;
}

/* ---- writing ---- */

static TlsStep
write_step_plain(PosternStream *stream, const void *data, gsize length, gsize *done, GError **error)
{
    gssize put;

    if (!stream->writable)
        return TLS_WANTS_WRITE;
    do
        put = send(stream->watch.fd, data, length, MSG_NOSIGNAL);
    while (put < 0 && errno == EINTR);
    if (put < 0 && errno == EAGAIN)
        return TLS_WANTS_WRITE;
    if (put < 0) {
        error_set_errno(
            error, errno, "the connection to %s port %u was cut", stream->host, stream->port);
        return TLS_ERROR;
    }
    *done = (gsize)put;
    return TLS_DONE;
}

gboolean
stream_write_socket(
    PosternStream *stream, const void *data, gsize length, gint64 deadline, GError **error)
{
    const char *at = data;

    while (length > 0) {
        gsize done = 0;
        TlsStep step = stream->tls != NULL
                           ? tls_write(stream->tls, at, length, &done, stream->host, error)
                           : write_step_plain(stream, at, length, &done, error);
        if (step == TLS_ERROR)
            return FALSE;
        at += done;
        length -= done;
        if (step != TLS_DONE &&
            !wait_step(stream, &stream->writer, step, deadline, "took no more bytes", error))
            return FALSE;
    }
    return TRUE;
}

gboolean
stream_write(PosternStream *stream, const void *data, gsize length, gint64 deadline, GError **error)
{
    gboolean fine = FALSE;

    stream->refs++;
    if (take_turn(stream, error))
        fine = stream->tap != NULL ? stream_write_tapped(stream, data, length, deadline, error)
                                   : stream_write_socket(stream, data, length, deadline, error);
    stream_unref(stream);
    return fine;
}

gboolean
stream_say_good_bye(PosternStream *stream, const void *data, gsize length, GError **error)
{
    gboolean fine;

    if (stream->farewells++ >= FAREWELLS_MOST)
        return run_check(stream->run, error);
    stream->refs++;
    fine = still_open(stream, error) &&
           (stream->tap != NULL ? stream_write_tapped(stream, data, length, -1, error)
                                : stream_write_socket(stream, data, length, -1, error));
    stream_unref(stream);
    return fine;
}

/* ---- asking ---- */

gboolean
stream_is_stale(PosternStream *stream)
{
    char byte;
    gssize got;

    if (stream->closed || stream->ended || stream->hung)
        return TRUE;
    if (stream->watch.fd < 0)
        return FALSE;
    got = recv(stream->watch.fd, &byte, 1, MSG_PEEK | MSG_DONTWAIT);
    if (got > 0 && stream->tls != NULL)
        return tls_has_news(stream->tls); /* it may be a ticket, which says nothing */
    return got >= 0 || (errno != EAGAIN && errno != EINTR);
}

void
stream_describe(PosternStream *stream, GVariantDict *dict)
{
    char text[RESOLVE_TEXT];

    if (stream->peer.length > 0) {
        g_variant_dict_insert(dict, "address", "s", resolve_text(&stream->peer.address, text));
        g_variant_dict_insert(dict, "port", "u", (guint32)resolve_port(&stream->peer.address));
    } else {
        g_variant_dict_insert(dict, "port", "u", (guint32)stream->port);
    }
    g_variant_dict_insert(dict, "tls", "b", stream->is_tls);
    if (stream->tls != NULL)
        tls_describe(stream->tls, dict);
}
