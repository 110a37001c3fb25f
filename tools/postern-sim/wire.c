/* SPDX-License-Identifier: Apache-2.0 */
#include "config.h"

#include "wire.h"

#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <openssl/err.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

gboolean
wire_start(Wire *wire, int fd, SSL_CTX *tls)
{
    int on = 1;

    setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
    wire->fd = fd;
    wire->handshaking = tls != NULL;
    if (tls == NULL)
        return TRUE;
    wire->ssl = SSL_new(tls);
    return wire->ssl != NULL && SSL_set_fd(wire->ssl, fd) == 1;
}

gint
wire_shake(Wire *wire)
{
    int n;

    ERR_clear_error();
    n = SSL_accept(wire->ssl);
    if (n == 1) {
        wire->handshaking = FALSE;
        return 0;
    }
    switch (SSL_get_error(wire->ssl, n)) {
    case SSL_ERROR_WANT_READ:
        return EPOLLIN;
    case SSL_ERROR_WANT_WRITE:
        return EPOLLOUT;
    default:
        return -1;
    }
}

void
wire_fail_handshake(const Wire *wire)
{
    static const char alert[] = {0x15, 0x03, 0x01, 0x00, 0x02, 0x02, 0x28};
    char block[4096];

    /* the hello must be read first, or the close becomes a reset */
    if (recv(wire->fd, block, sizeof block, 0) > 0)
        send(wire->fd, alert, sizeof alert, MSG_NOSIGNAL);
}

gssize
wire_put(Wire *wire, gconstpointer bytes, gsize length)
{
    gssize n;

    if (wire->ssl == NULL) {
        n = send(wire->fd, bytes, length, MSG_NOSIGNAL);
        return n < 0 && (errno == EAGAIN || errno == EINTR) ? 0 : n;
    }
    ERR_clear_error();
    n = SSL_write(wire->ssl, bytes, (int)MIN(length, G_MAXINT));
    if (n > 0)
        return n;
    switch (SSL_get_error(wire->ssl, (int)n)) {
    case SSL_ERROR_WANT_WRITE:
    case SSL_ERROR_WANT_READ:
        return 0;
    default:
        return -1;
    }
}

gssize
wire_get(Wire *wire, gpointer bytes, gsize length)
{
    gssize n;

    if (wire->ssl == NULL) {
        n = recv(wire->fd, bytes, length, 0);
        if (n == 0)
            return -2;
        return n < 0 && (errno == EAGAIN || errno == EINTR) ? 0 : n;
    }
    ERR_clear_error();
    n = SSL_read(wire->ssl, bytes, (int)length);
    if (n > 0)
        return n;
    switch (SSL_get_error(wire->ssl, (int)n)) {
    case SSL_ERROR_WANT_READ:
    case SSL_ERROR_WANT_WRITE:
        return 0;
    case SSL_ERROR_ZERO_RETURN:
        return -2;
    default:
        return -1;
    }
}

void
wire_reset(int fd)
{
    struct linger linger = {1, 0};

    setsockopt(fd, SOL_SOCKET, SO_LINGER, &linger, sizeof linger);
    close(fd);
}

void
wire_end(Wire *wire, gboolean reset)
{
    if (!reset && wire->ssl != NULL && !wire->handshaking) {
        ERR_clear_error();
        SSL_shutdown(wire->ssl);
    }
    SSL_free(wire->ssl);
    wire->ssl = NULL;
    if (reset)
        wire_reset(wire->fd);
    else
        close(wire->fd);
}
