/* SPDX-License-Identifier: Apache-2.0 */
#include "config.h"

#include "datagram.h"
#include "error.h"
#include "tap-stream.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <string.h>

enum {
    BATCH = 64,         /* datagrams for one system call */
    ANSWER_MOST = 2048, /* of what such probes bring back */
    PAYLOAD_MOST = 1400,
    PER_SECOND = 2000,
    WAIT_MS = 1000,
    BATCHES_A_TURN = 16, /* before other runs of the worker get theirs */
    TICK_US = 1000,      /* shortest pause: many small ones cost more than they smooth */
    TAPPED_MOST = 4096,  /* addresses in a recording */
};

typedef struct {
    PosternDatagram *datagram;
    guint32 first; /* host byte order */
    guint64 count, next;
    gint64 sent; /* went out */
    guint16 port;
    guint32 per_second;
    const void *payload;
    gsize length;
    gint64 start; /* when the first was due */
    int last_errno;
    void (*answer)(const char *from, guint32 from_port, GBytes *data, gpointer user_data);
    gpointer user_data;
    /* room for one batch each way */
    struct mmsghdr out[BATCH], in[BATCH];
    struct iovec payload_piece, pieces[BATCH];
    struct sockaddr_in to[BATCH], from[BATCH];
    guint8 bytes[BATCH][ANSWER_MOST];
} Sweep;

/* ---- answers ---- */

static void
hand_over(Sweep *sweep, const struct sockaddr_in *from, const void *data, gsize length)
{
    guint32 address = ntohl(from->sin_addr.s_addr);
    g_autoptr(GBytes) bytes = NULL;
    char text[INET_ADDRSTRLEN];

    if (from->sin_family != AF_INET || address < sweep->first ||
        (guint64)(address - sweep->first) >= sweep->count)
        return;
    bytes = g_bytes_new(data, length);
    inet_ntop(AF_INET, &from->sin_addr, text, sizeof text);
    sweep->answer(text, ntohs(from->sin_port), bytes, sweep->user_data);
}

static void
prepare_in(Sweep *sweep)
{
    for (guint i = 0; i < BATCH; i++) {
        sweep->pieces[i] = (struct iovec){sweep->bytes[i], ANSWER_MOST};
        sweep->in[i].msg_hdr = (struct msghdr){.msg_name = &sweep->from[i],
                                               .msg_namelen = sizeof sweep->from[i],
                                               .msg_iov = &sweep->pieces[i],
                                               .msg_iovlen = 1};
    }
}

/* All that is there. FALSE with `error` when the socket itself fails. */
static gboolean
drain(Sweep *sweep, GError **error)
{
    int got = BATCH;

    while (got == BATCH && !sweep->datagram->closed) {
        prepare_in(sweep);
        got = recvmmsg(sweep->datagram->watch.fd, sweep->in, BATCH, MSG_DONTWAIT, NULL);
        if (got < 0 && errno != EAGAIN && errno != EINTR && errno != ECONNREFUSED &&
            errno != EHOSTUNREACH) {
            error_set_errno(error, errno, "cannot receive the answers of a sweep");
            return FALSE;
        }
        for (int i = 0; i < got; i++)
            hand_over(sweep, &sweep->from[i], sweep->bytes[i], sweep->in[i].msg_len);
    }
    return TRUE;
}

/* Take answers until `due`. */
static gboolean
listen_until(Sweep *sweep, gint64 due, GError **error)
{
    PosternDatagram *datagram = sweep->datagram;

    while (g_get_monotonic_time() < due) {
        datagram->readable = FALSE;
        if (!drain(sweep, error))
            return FALSE;
        if (wait_for(&datagram->reader, datagram->run, due) == WAIT_CANCELLED)
            return run_check(datagram->run, error);
        if (datagram->closed) {
            g_set_error_literal(error,
                                POSTERN_ERROR,
                                POSTERN_ERROR_CANCELLED,
                                "the datagram socket was closed on our side");
            return FALSE;
        }
    }
    return drain(sweep, error);
}

/* ---- probes ---- */

static guint
prepare_out(Sweep *sweep, guint64 allowed)
{
    guint n = (guint)MIN(allowed - sweep->next, BATCH);

    for (guint i = 0; i < n; i++) {
        sweep->to[i] = (struct sockaddr_in){.sin_family = AF_INET,
                                            .sin_port = htons(sweep->port),
                                            .sin_addr.s_addr =
                                                htonl(sweep->first + (guint32)(sweep->next + i))};
        sweep->out[i].msg_hdr = (struct msghdr){.msg_name = &sweep->to[i],
                                                .msg_namelen = sizeof sweep->to[i],
                                                .msg_iov = &sweep->payload_piece,
                                                .msg_iovlen = 1};
    }
    return n;
}

/* One batch. An address that cannot be reached from here is passed over. */
static gboolean
send_batch(Sweep *sweep, guint64 allowed, GError **error)
{
    guint n = prepare_out(sweep, allowed);
    int put = sendmmsg(sweep->datagram->watch.fd, sweep->out, n, MSG_NOSIGNAL);

    if (put > 0) {
        sweep->next += (guint)put;
        sweep->sent += put;
        return TRUE;
    }
    if (errno == EINTR)
        return TRUE;
    if (errno == EAGAIN || errno == ENOBUFS)
        return datagram_wait_writable(sweep->datagram, error);
    sweep->last_errno = errno;
    sweep->next++;
    return TRUE;
}

/* How many may have gone out by now. What was missed while others had the worker is not made up for
 * in one burst. */
static guint64
allowance(Sweep *sweep, gint64 now)
{
    gint64 share = (gint64)sweep->next * G_USEC_PER_SEC / sweep->per_second;
    gint64 late = (gint64)BATCH * G_USEC_PER_SEC / sweep->per_second + 10 * TICK_US;

    if (now - sweep->start > share + late)
        sweep->start = now - share - late;
    return MIN(sweep->count,
               1 + (guint64)(now - sweep->start) * sweep->per_second / G_USEC_PER_SEC);
}

static gboolean
send_all(Sweep *sweep, GError **error)
{
    guint turns = 0;

    while (sweep->next < sweep->count) {
        gint64 now = g_get_monotonic_time();
        guint64 allowed = allowance(sweep, now);
        if (allowed <= sweep->next) {
            if (!listen_until(sweep, now + TICK_US, error))
                return FALSE;
            continue;
        }
        if (!send_batch(sweep, allowed, error) || !drain(sweep, error))
            return FALSE;
        if (++turns % BATCHES_A_TURN == 0)
            run_yield(sweep->datagram->run);
        if (!run_check(sweep->datagram->run, error))
            return FALSE;
    }
    return TRUE;
}

static gint64
sweep_socket(Sweep *sweep, guint32 wait_ms, GError **error)
{
    sweep->payload_piece = (struct iovec){(gpointer)(gsize)sweep->payload, sweep->length};
    sweep->start = g_get_monotonic_time();
    if (!send_all(sweep, error) ||
        !listen_until(sweep, g_get_monotonic_time() + (gint64)wait_ms * 1000, error))
        return -1;
    if (sweep->sent == 0 && sweep->last_errno != 0) {
        error_set_errno(error,
                        sweep->last_errno,
                        "none of %" G_GUINT64_FORMAT " addresses can be reached from here",
                        sweep->count);
        return -1;
    }
    return sweep->sent;
}

/* ---- under a tap: one by one ---- */

static gint64
sweep_tapped(Sweep *sweep, guint32 wait_ms, GError **error)
{
    gint64 due;

    for (; sweep->next < sweep->count; sweep->next++) {
        struct in_addr address = {htonl(sweep->first + (guint32)sweep->next)};
        char text[INET_ADDRSTRLEN];
        ResolvedAddress to;
        inet_ntop(AF_INET, &address, text, sizeof text);
        resolve_literal(text, sweep->port, &to);
        if (!datagram_send_to(sweep->datagram, text, &to, sweep->payload, sweep->length, error))
            return -1;
    }
    due = g_get_monotonic_time() + (gint64)wait_ms * 1000;
    while (TRUE) {
        g_autoptr(GError) problem = NULL;
        g_autofree char *from = NULL;
        g_autoptr(GBytes) data = NULL;
        guint16 port;
        data = datagram_receive_from(sweep->datagram, due, &from, &port, &problem);
        if (data != NULL) {
            sweep->answer(from != NULL ? from : "", port, data, sweep->user_data);
            continue;
        }
        if (g_error_matches(problem, POSTERN_ERROR, POSTERN_ERROR_TIMEOUT) &&
            !run_is_cancelled(sweep->datagram->run))
            return (gint64)sweep->count;
        g_propagate_error(error, g_steal_pointer(&problem));
        return -1;
    }
}

/* ---- asking ---- */

static gboolean
check(const PosternSweep *asked,
      const PosternDatagram *datagram,
      ResolvedAddress *first,
      GError **error)
{
    gsize length = asked->payload != NULL ? g_bytes_get_size(asked->payload) : 0;
    const char *problem = NULL;

    if (asked->first == NULL || !resolve_literal(asked->first, (guint16)asked->port, first) ||
        first->address.ss_family != AF_INET || datagram->family == AF_INET6)
        problem = "its first address is no IPv4 address";
    else if (asked->port == 0 || asked->port > G_MAXUINT16)
        problem = "its port is not from 1 to 65535";
    else if (length > PAYLOAD_MOST)
        problem = "its payload is larger than 1400 bytes";
    else if (asked->count > (guint64)G_MAXUINT32 + 1 -
                                ntohl(((struct sockaddr_in *)&first->address)->sin_addr.s_addr))
        problem = "it goes beyond the last address there is";
    else if (datagram->tap != NULL && asked->count > TAPPED_MOST)
        problem = "it is too large to be recorded or replayed: at most 4096 addresses";
    if (problem != NULL)
        g_set_error(
            error, POSTERN_ERROR, POSTERN_ERROR_BAD_PARAM, "the sweep cannot be made: %s", problem);
    return problem == NULL;
}

gint64
datagram_sweep(
    PosternDatagram *datagram,
    const PosternSweep *asked,
    void (*answer)(const char *from, guint32 from_port, GBytes *data, gpointer user_data),
    gpointer user_data,
    GError **error)
{
    guint32 wait_ms = asked->wait_ms > 0 ? asked->wait_ms : WAIT_MS;
    g_autofree Sweep *sweep = NULL;
    ResolvedAddress first;

    if (!check(asked, datagram, &first, error))
        return -1;
    sweep = g_new0(Sweep, 1);
    sweep->datagram = datagram;
    sweep->first = ntohl(((struct sockaddr_in *)&first.address)->sin_addr.s_addr);
    sweep->count = asked->count;
    sweep->port = (guint16)asked->port;
    sweep->per_second = asked->per_second > 0 ? asked->per_second : PER_SECOND;
    sweep->payload = asked->payload != NULL ? g_bytes_get_data(asked->payload, &sweep->length) : "";
    sweep->answer = answer;
    sweep->user_data = user_data;
    return datagram->tap != NULL ? sweep_tapped(sweep, wait_ms, error)
                                 : sweep_socket(sweep, wait_ms, error);
}
