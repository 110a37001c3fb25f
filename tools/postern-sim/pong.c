/* SPDX-License-Identifier: Apache-2.0 */
#include "config.h"

#include "pong.h"

#include <errno.h>
#include <gio/gio.h>
#include <netinet/in.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

enum {
    PING_LENGTH = 12,
    BURST = 64,     /* datagrams in a row, so that the other sockets get their turn */
    FIRST_LONG = 16 /* from this major version on, the version does not fit in its one byte */
};

struct Pong {
    ReactorWatch watch;
    Sim *sim;
};

/* ---- one answer ---- */

/* RMCP 1.0 of class ASF, whatever its sequence number: consoles differ in that. */
static gboolean
is_ping(const guint8 *bytes, gsize length)
{
    static const guint8 asf_ping[] = {0x00, 0x00, 0x11, 0xBE, 0x80};

    return length >= PING_LENGTH && bytes[0] == 0x06 && bytes[3] == 0x06 &&
           memcmp(bytes + 4, asf_ping, sizeof asf_ping) == 0;
}

/* Out of reach, switched off, or told by its settings not to answer. */
static gboolean
keeps_silent(Device *device)
{
    const SimInstance *general = device_first(device, "AMT_GeneralSettings");
    g_autofree char *setting =
        general != NULL ? device_property(device, general, "RmcpPingResponseEnabled") : NULL;

    return device_fault(device, FAULT_AMT_DISABLED) != NULL ||
           device->unreachable_until > g_get_monotonic_time() || g_strcmp0(setting, "false") == 0;
}

/* Bytes 5, 6 and 8 of the answer: the port, TLS before plain, and the state of set-up. */
static void
put_state(const Device *device, guint8 *data)
{
    const Sim *sim = device->sim;
    gboolean plain = sim_offers(sim, device, FALSE), tls = sim_offers(sim, device, TRUE);
    guint port = 0;

    if (plain || tls)
        port = tls ? sim->tls_port : sim->port;
    data[4] = (guint8)(port >> 8);
    data[5] = (guint8)port;
    if (device_provisioned(device))
        data[7] = plain && tls ? 0x02 | 0x04 : 0x02; /* completed; both ports are open */
}

static void
put_version(const Model *model, guint8 *data)
{
    guint major = model->version[0], minor = model->version[1];

    if (major < FIRST_LONG && minor < FIRST_LONG) {
        data[6] = (guint8)(major << 4 | minor);
        return;
    }
    data[10] = (guint8)major;
    data[11] = (guint8)minor;
}

gboolean
pong_answer(Device *device, const guint8 *ping, gsize length, guint8 pong[PONG_LENGTH])
{
    static const guint8 head[] = {0x06, 0x00, 0xFF, 0x06, 0x00, 0x00, 0x11, 0xBE, 0x40, 0, 0, 16};
    static const guint8 intel[] = {0x00, 0x00, 0x01, 0x57};
    guint8 *data = pong + sizeof head;

    if (!is_ping(ping, length) || keeps_silent(device))
        return FALSE;
    memset(pong, 0, PONG_LENGTH);
    memcpy(pong, head, sizeof head);
    pong[9] = ping[9]; /* the tag, by which the console knows its ping */
    memcpy(data, intel, sizeof intel);
    put_state(device, data);
    put_version(device->model, data);
    data[8] = 0x01; /* ASF 1.0 */
    data[9] = 0x20; /* DASH */
    return TRUE;
}

/* ---- the socket ---- */

typedef struct {
    struct sockaddr_in peer;
    struct iovec part;
    struct msghdr message;
    union {
        struct cmsghdr header; /* aligns the bytes */
        char bytes[CMSG_SPACE(sizeof(struct in_pktinfo))];
    } control;
} Datagram;

static void
prepare(Datagram *datagram, guint8 *bytes, gsize length)
{
    datagram->part = (struct iovec){bytes, length};
    datagram->message = (struct msghdr){.msg_name = &datagram->peer,
                                        .msg_namelen = sizeof datagram->peer,
                                        .msg_iov = &datagram->part,
                                        .msg_iovlen = 1,
                                        .msg_control = &datagram->control,
                                        .msg_controllen = sizeof datagram->control};
}

/* The address that the datagram went to; 0 when the system does not say. */
static guint32
asked_address(Datagram *datagram)
{
    struct cmsghdr *header = CMSG_FIRSTHDR(&datagram->message);
    struct in_pktinfo info;

    if (header == NULL || header->cmsg_level != IPPROTO_IP || header->cmsg_type != IP_PKTINFO)
        return 0;
    memcpy(&info, CMSG_DATA(header), sizeof info);
    return ntohl(info.ipi_addr.s_addr);
}

/* From the address that was asked, which a wildcard socket would not do by itself. */
static void
send_from(const Pong *pong, guint32 address, const struct sockaddr_in *peer, guint8 *bytes)
{
    Datagram datagram = {.peer = *peer};
    struct in_pktinfo info = {.ipi_spec_dst.s_addr = htonl(address)};
    struct cmsghdr *header;

    prepare(&datagram, bytes, PONG_LENGTH);
    header = CMSG_FIRSTHDR(&datagram.message);
    header->cmsg_level = IPPROTO_IP;
    header->cmsg_type = IP_PKTINFO;
    header->cmsg_len = CMSG_LEN(sizeof info);
    memcpy(CMSG_DATA(header), &info, sizeof info);
    sendmsg(pong->watch.fd, &datagram.message, MSG_NOSIGNAL); /* lost ones are asked for again */
}

static void
on_ping(ReactorWatch *watch, guint32 events)
{
    Pong *pong = (Pong *)watch; /* its first member */

    for (guint i = 0; i < BURST; i++) {
        Datagram datagram = {0};
        guint8 ping[64], answer[PONG_LENGTH];
        Device *device;
        gssize length;
        prepare(&datagram, ping, sizeof ping);
        length = recvmsg(watch->fd, &datagram.message, 0);
        if (length < 0)
            return;
        device = sim_device(pong->sim, asked_address(&datagram));
        if (device != NULL && (ntohl(datagram.peer.sin_addr.s_addr) >> 24) == 127 &&
            pong_answer(device, ping, (gsize)length, answer))
            send_from(pong, device->address, &datagram.peer, answer);
    }
}

static int
open_socket(guint32 address, guint16 port)
{
    struct sockaddr_in name = {.sin_family = AF_INET, .sin_port = htons(port)};
    int fd = socket(AF_INET, SOCK_DGRAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    int on = 1, failure;

    name.sin_addr.s_addr = htonl(address);
    if (fd < 0 || (setsockopt(fd, IPPROTO_IP, IP_PKTINFO, &on, sizeof on) == 0 &&
                   bind(fd, (struct sockaddr *)&name, sizeof name) == 0))
        return fd;
    failure = errno;
    close(fd);
    errno = failure;
    return -1;
}

Pong *
pong_new(Sim *sim, Reactor *reactor, guint32 address, GError **error)
{
    int fd = open_socket(address, sim->pong_port);
    char text[16];
    Pong *pong;

    if (fd < 0) {
        int failure = errno;
        device_address_text(address, text);
        g_set_error(error,
                    G_IO_ERROR,
                    g_io_error_from_errno(failure),
                    "cannot listen for presence pings on %s port %u: %s; ports below 1024 need "
                    "privileges, and another simulator may have it",
                    text,
                    sim->pong_port,
                    g_strerror(failure));
        return NULL;
    }
    pong = g_new0(Pong, 1);
    pong->watch = (ReactorWatch){.fd = fd, .ready = on_ping};
    pong->sim = sim;
    if (reactor_watch(reactor, &pong->watch, EPOLLIN, error))
        return pong;
    pong_free(pong);
    return NULL;
}

void
pong_free(Pong *pong)
{
    if (pong == NULL)
        return;
    reactor_unwatch_closing(&pong->watch);
    close(pong->watch.fd);
    g_free(pong);
}
