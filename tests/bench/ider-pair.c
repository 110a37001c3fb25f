/* SPDX-License-Identifier: Apache-2.0 */
/*
 * ider-pair - what storage redirection costs at least: two processes, and between them the bytes of its messages, with its
 * turns: a request of 28 bytes, an answer of one block in pieces with 34 bytes before each, and only then the next request.
 *
 *     ider-pair MACHINES BYTES BLOCK PIECE
 *
 * The asking side keeps a sum of what it gets, as the simulated machines do; the serving side sends from memory. Prints how
 * long it took from the first request to the last answer, and how many bytes the sums are of, as {"us":N,"bytes":N}.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <glib.h>
#include <openssl/evp.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

enum { REQUEST = 28, HEADER = 34, MACHINES_MOST = 512, BLOCK_MOST = 128 * 1024 };

typedef struct {
    int fd;
    gsize had;    /* of a request, or of an answer */
    gsize sent;   /* of an answer */
    guint64 left; /* blocks */
    EVP_MD_CTX *sum;
} Line;

static gsize block, piece, answer_length;
static guint64 summed;

static void
die(const char *what)
{
    perror(what);
    exit(1);
}

static int
watch(int poll, Line *lines, guint count, guint32 events)
{
    for (guint i = 0; i < count; i++) {
        struct epoll_event event = {.events = events, .data.ptr = &lines[i]};
        if (epoll_ctl(poll, EPOLL_CTL_ADD, lines[i].fd, &event) != 0)
            die("epoll_ctl");
    }
    return poll;
}

/* ---- the serving side ---- */

/* What the socket takes of the answer; it is asked again when it takes more. */
static void
answer(int poll, Line *line, const guint8 *bytes)
{
    struct epoll_event event = {.events = EPOLLIN, .data.ptr = line};
    gssize n = 0;

    while (line->sent < answer_length && n >= 0) {
        n = send(
            line->fd, bytes + line->sent, answer_length - line->sent, MSG_DONTWAIT | MSG_NOSIGNAL);
        line->sent += n > 0 ? (gsize)n : 0;
    }
    if (line->sent < answer_length)
        event.events = EPOLLOUT;
    else
        line->sent = 0;
    epoll_ctl(poll, EPOLL_CTL_MOD, line->fd, &event);
}

static void
serve(Line *lines, guint count)
{
    int poll = watch(epoll_create1(0), lines, count, EPOLLIN);
    g_autofree guint8 *bytes = g_malloc0(answer_length);
    guint8 request[REQUEST];

    while (TRUE) {
        struct epoll_event events[64];
        int n = epoll_wait(poll, events, 64, -1);
        for (int i = 0; i < n; i++) {
            Line *line = events[i].data.ptr;
            if ((events[i].events & EPOLLIN) != 0 && recv(line->fd, request, REQUEST, 0) <= 0)
                return;
            answer(poll, line, bytes);
        }
    }
}

/* ---- the asking side ---- */

static void
ask(Line *line)
{
    static const guint8 request[REQUEST];

    line->had = 0;
    if (send(line->fd, request, REQUEST, MSG_NOSIGNAL) != REQUEST)
        die("send");
}

/* The data among the bytes that came, without the headers. */
static void
sum_up(Line *line, const guint8 *bytes, gsize length)
{
    while (length > 0) {
        gsize at = line->had % (HEADER + piece), some;
        if (at < HEADER) {
            some = MIN(length, HEADER - at);
        } else {
            some = MIN(length, HEADER + piece - at);
            EVP_DigestUpdate(line->sum, bytes, some);
            summed += some;
        }
        line->had += some;
        bytes += some;
        length -= some;
    }
}

/* TRUE when the line has got all it wants. */
static gboolean
take(Line *line)
{
    static guint8 bytes[16384];
    gssize n;

    while ((n = recv(line->fd, bytes, sizeof bytes, MSG_DONTWAIT)) > 0)
        sum_up(line, bytes, (gsize)n);
    if (n == 0)
        die("the serving side is gone");
    if (line->had < answer_length)
        return FALSE;
    if (--line->left == 0)
        return TRUE;
    ask(line);
    return FALSE;
}

static gint64
read_all(Line *lines, guint count, guint64 blocks)
{
    int poll = watch(epoll_create1(0), lines, count, EPOLLIN);
    guint open = count;
    gint64 began = g_get_monotonic_time();

    for (guint i = 0; i < count; i++) {
        lines[i].sum = EVP_MD_CTX_new();
        EVP_DigestInit_ex(lines[i].sum, EVP_sha256(), NULL);
        lines[i].left = blocks;
        ask(&lines[i]);
    }
    while (open > 0) {
        struct epoll_event events[64];
        int n = epoll_wait(poll, events, 64, 10000);
        if (n <= 0)
            die("nothing came for ten seconds");
        for (int i = 0; i < n; i++)
            if (take(events[i].data.ptr))
                open--;
    }
    for (guint i = 0; i < count; i++)
        EVP_MD_CTX_free(lines[i].sum);
    return g_get_monotonic_time() - began;
}

/* ---- both ---- */

static void
connect_lines(Line *asking, Line *serving, guint count)
{
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t length = sizeof address;
    int listener = socket(AF_INET, SOCK_STREAM, 0);

    if (bind(listener, (struct sockaddr *)&address, length) != 0 || listen(listener, 1) != 0 ||
        getsockname(listener, (struct sockaddr *)&address, &length) != 0)
        die("listen");
    for (guint i = 0; i < count; i++) {
        asking[i].fd = socket(AF_INET, SOCK_STREAM, 0);
        if (connect(asking[i].fd, (struct sockaddr *)&address, length) != 0)
            die("connect");
        serving[i].fd = accept(listener, NULL, NULL);
    }
    close(listener);
}

static void
close_lines(Line *lines, guint count)
{
    for (guint i = 0; i < count; i++)
        close(lines[i].fd);
}

/* FALSE: no such measurement. */
static gboolean
read_arguments(char *argv[], guint64 *count, guint64 *bytes)
{
    guint64 numbers[2];

    if (!g_ascii_string_to_unsigned(argv[1], 10, 1, MACHINES_MOST, count, NULL) ||
        !g_ascii_string_to_unsigned(argv[3], 10, 1, BLOCK_MOST, &numbers[0], NULL) ||
        !g_ascii_string_to_unsigned(argv[4], 10, 1, numbers[0], &numbers[1], NULL) ||
        !g_ascii_string_to_unsigned(argv[2], 10, numbers[0], G_MAXINT64, bytes, NULL))
        return FALSE;
    block = numbers[0];
    piece = numbers[1];
    return block % piece == 0;
}

int
main(int argc, char *argv[])
{
    static Line asking[MACHINES_MOST], serving[MACHINES_MOST];
    guint64 bytes, machines;
    gint64 took;
    guint count;
    pid_t child;

    if (argc != 5 || !read_arguments(argv, &machines, &bytes)) {
        fprintf(stderr, "usage: ider-pair MACHINES BYTES BLOCK PIECE\n");
        return 2;
    }
    count = (guint)machines;
    answer_length = block / piece * (HEADER + piece);
    connect_lines(asking, serving, count);
    child = fork();
    if (child == 0) {
        prctl(PR_SET_PDEATHSIG, SIGKILL);
        close_lines(asking, count);
        serve(serving, count);
        _exit(0);
    }
    close_lines(serving, count);
    took = read_all(asking, count, bytes / block);
    printf("{\"us\":%" G_GINT64_FORMAT ",\"bytes\":%" G_GUINT64_FORMAT "}\n", took, summed);
    close_lines(asking, count);
    return waitpid(child, NULL, 0) == child ? 0 : 1;
}
