/* SPDX-License-Identifier: Apache-2.0 */
#include "config.h"

#include "datagram.h"
#include "net-run.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

/* ---- a responder: answers from the address that was asked, as real machines do ---- */

typedef struct {
    int fd;
    guint16 port;
    guint drop; /* that many first */
    gint seen;
    gint stop;
    gboolean decoy; /* a second socket answers first, from elsewhere */
    GThread *thread;
} Responder;

static void
answer_from(Responder *responder, struct msghdr *asked, const struct in_addr *own, gsize length)
{
    char control[CMSG_SPACE(sizeof(struct in_pktinfo))] = {0};
    struct iovec piece = {asked->msg_iov->iov_base, length};
    struct msghdr reply = {.msg_name = asked->msg_name,
                           .msg_namelen = asked->msg_namelen,
                           .msg_iov = &piece,
                           .msg_iovlen = 1,
                           .msg_control = control,
                           .msg_controllen = sizeof control};
    struct cmsghdr *header = CMSG_FIRSTHDR(&reply);
    struct in_pktinfo info = {.ipi_spec_dst = *own};

    header->cmsg_level = IPPROTO_IP;
    header->cmsg_type = IP_PKTINFO;
    header->cmsg_len = CMSG_LEN(sizeof info);
    memcpy(CMSG_DATA(header), &info, sizeof info);
    ((char *)piece.iov_base)[0] = 'A';
    sendmsg(responder->fd, &reply, 0);
}

static void
serve_one(Responder *responder)
{
    char bytes[2048], control[256];
    struct sockaddr_in from;
    struct iovec piece = {bytes, sizeof bytes};
    struct msghdr message = {.msg_name = &from,
                             .msg_namelen = sizeof from,
                             .msg_iov = &piece,
                             .msg_iovlen = 1,
                             .msg_control = control,
                             .msg_controllen = sizeof control};
    gssize got = recvmsg(responder->fd, &message, 0);
    struct in_pktinfo info = {0};

    if (got <= 0 || (guint)g_atomic_int_add(&responder->seen, 1) < responder->drop)
        return;
    for (struct cmsghdr *at = CMSG_FIRSTHDR(&message); at != NULL; at = CMSG_NXTHDR(&message, at))
        if (at->cmsg_level == IPPROTO_IP && at->cmsg_type == IP_PKTINFO)
            memcpy(&info, CMSG_DATA(at), sizeof info);
    if (responder->decoy) {
        struct in_addr elsewhere = {htonl(INADDR_LOOPBACK + 99)};
        bytes[1] = 'X';
        answer_from(responder, &message, &elsewhere, (gsize)got);
        bytes[1] = 'i';
    }
    answer_from(responder, &message, &info.ipi_addr, (gsize)got);
}

static gpointer
respond(gpointer data)
{
    Responder *responder = data;

    while (!g_atomic_int_get(&responder->stop))
        serve_one(responder);
    return NULL;
}

static void
responder_start(Responder *responder)
{
    struct sockaddr_in address = {.sin_family = AF_INET};
    struct timeval patience = {.tv_usec = 50000};
    socklen_t length = sizeof address;
    int on = 1, size = 1 << 20;

    responder->fd = socket(AF_INET, SOCK_DGRAM, 0);
    setsockopt(responder->fd, IPPROTO_IP, IP_PKTINFO, &on, sizeof on);
    setsockopt(responder->fd, SOL_SOCKET, SO_RCVBUF, &size, sizeof size);
    setsockopt(responder->fd, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof patience);
    address.sin_addr.s_addr = htonl(INADDR_ANY);
    g_assert_cmpint(bind(responder->fd, (struct sockaddr *)&address, sizeof address), ==, 0);
    g_assert_cmpint(getsockname(responder->fd, (struct sockaddr *)&address, &length), ==, 0);
    responder->port = ntohs(address.sin_port);
    responder->thread = g_thread_new("responder", respond, responder);
}

static void
responder_stop(Responder *responder)
{
    g_atomic_int_set(&responder->stop, 1);
    g_thread_join(responder->thread);
    close(responder->fd);
}

static void
assert_ok(const Outcome *outcome)
{
    if (outcome->error != NULL)
        g_error("%s", outcome->error->message);
}

/* ---- question and answer ---- */

static gboolean
not_x(GBytes *answer, gpointer data)
{
    const char *bytes = g_bytes_get_data(answer, NULL);

    return g_bytes_get_size(answer) == 4 && bytes[0] == 'A';
}

static GVariant *
ask(PosternRun *run, GVariant *params, gpointer self, GError **error)
{
    const Responder *responder = net_data;
    g_autoptr(GBytes) question = g_bytes_new_static("ping", 4);
    PosternDatagram *datagram = datagram_service.open(run, NULL, 0, error);
    g_autoptr(GBytes) answer = datagram_service.exchange(
        datagram, NULL, responder->port, question, 3, 50, not_x, NULL, error);

    if (answer == NULL)
        return NULL;
    g_assert_cmpmem(g_bytes_get_data(answer, NULL), g_bytes_get_size(answer), "Aing", 4);
    return net_done();
}

static void
test_exchange(void)
{
    for (guint i = 0; i < 3; i++) {
        Responder responder = {.drop = i, .decoy = i == 1};
        g_autoptr(Outcome) outcome = NULL;
        responder_start(&responder);
        net_data = &responder;
        outcome = net_run(ask, "127.0.0.1", NULL, NULL);
        assert_ok(outcome);
        responder_stop(&responder);
        g_assert_cmpint(responder.seen, ==, i + 1);
    }
}

static void
test_no_answer(void)
{
    Responder responder = {.drop = 1000};
    g_autoptr(Outcome) outcome = NULL;

    responder_start(&responder);
    net_data = &responder;
    outcome = net_run(ask, "127.0.0.1", NULL, NULL);
    g_assert_error(outcome->error, POSTERN_ERROR, POSTERN_ERROR_TIMEOUT);
    responder_stop(&responder);
    g_assert_cmpint(responder.seen, ==, 4);
}

/* ---- sweeps ---- */

static void
count_answer(const char *from, guint32 port, GBytes *data, gpointer user_data)
{
    GHashTable *seen = user_data;

    g_assert_cmpuint(port, ==, ((Responder *)net_data)->port);
    g_assert_true(g_hash_table_add(seen, g_strdup(from)));
}

enum { SWEPT = 3000 };

static GVariant *
sweep(PosternRun *run, GVariant *params, gpointer self, GError **error)
{
    const Responder *responder = net_data;
    g_autoptr(GBytes) payload = g_bytes_new_static("ping", 4);
    g_autoptr(GHashTable) seen = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, NULL);
    PosternDatagram *datagram = datagram_service.open(run, NULL, 0, error);
    PosternSweep asked = {.size = sizeof asked,
                          .port = responder->port,
                          .per_second = 10000,
                          .wait_ms = 300,
                          .first = "127.9.0.1",
                          .count = SWEPT,
                          .payload = payload};
    gint64 start = g_get_monotonic_time(), spent;

    g_assert_cmpint(datagram_service.sweep(datagram, &asked, count_answer, seen, error), ==, SWEPT);
    spent = g_get_monotonic_time() - start;
    /* paced: 3,000 at 10,000 a second take 300 ms, and then it listens for 300 more */
    g_assert_cmpint(spent, >, 550000);
    g_assert_cmpint(spent, <, 3000000);
    g_assert_cmpuint(g_hash_table_size(seen), ==, SWEPT);
    g_assert_true(g_hash_table_contains(seen, "127.9.11.184"));
    datagram_service.close(datagram);
    return net_done();
}

static void
test_sweep(void)
{
    Responder responder = {0};
    g_autoptr(Outcome) outcome = NULL;

    responder_start(&responder);
    net_data = &responder;
    outcome = net_run(sweep, "127.0.0.1", NULL, NULL);
    assert_ok(outcome);
    responder_stop(&responder);
}

static GVariant *
bad_sweeps(PosternRun *run, GVariant *params, gpointer self, GError **error)
{
    PosternDatagram *datagram = datagram_service.open(run, NULL, 0, error);
    const PosternSweep asked[] = {{.port = 1, .first = "::1", .count = 1},
                                  {.port = 0, .first = "127.0.0.1", .count = 1},
                                  {.port = 1, .first = "255.255.255.0", .count = 257},
                                  {.port = 1, .first = NULL, .count = 1}};

    for (guint i = 0; i < G_N_ELEMENTS(asked); i++) {
        g_autoptr(GError) problem = NULL;
        g_assert_cmpint(
            datagram_service.sweep(datagram, &asked[i], count_answer, NULL, &problem), ==, -1);
        g_assert_error(problem, POSTERN_ERROR, POSTERN_ERROR_BAD_PARAM);
    }
    return net_done();
}

static void
test_bad_sweeps(void)
{
    g_autoptr(Outcome) outcome = net_run(bad_sweeps, "127.0.0.1", NULL, NULL);

    assert_ok(outcome);
}

/* ---- the same out of a recording ---- */

static void
test_recorded(void)
{
    Responder responder = {.drop = 1};
    g_autofree char *path =
        g_strdup_printf("%s/postern-datagram-%d.json", g_get_tmp_dir(), (int)getpid());
    g_autoptr(GError) error = NULL;
    g_autoptr(Outcome) first = NULL, second = NULL;
    g_autofree char *unused = NULL;
    Tap *tap = tap_record(path, &error);

    g_assert_no_error(error);
    responder_start(&responder);
    net_data = &responder;
    first = net_run(ask, "127.0.0.1", NULL, tap);
    assert_ok(first);
    responder_stop(&responder);
    tap_close(tap, &error);
    g_assert_no_error(error);
    tap = tap_replay(path, &error);
    g_assert_no_error(error);
    second = net_run(ask, "192.0.2.7", NULL, tap);
    assert_ok(second);
    unused = tap_unused(tap);
    g_assert_null(unused);
    tap_close(tap, NULL);
    unlink(path);
}

int
main(int argc, char **argv)
{
    int status;

    g_test_init(&argc, &argv, NULL);
    net_setup();
    g_test_add_func("/datagram/exchange", test_exchange);
    g_test_add_func("/datagram/no-answer", test_no_answer);
    g_test_add_func("/datagram/sweep", test_sweep);
    g_test_add_func("/datagram/bad-sweeps", test_bad_sweeps);
    g_test_add_func("/datagram/recorded", test_recorded);
    status = g_test_run();
    net_teardown();
    return status;
}
