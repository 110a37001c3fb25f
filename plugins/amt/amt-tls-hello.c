/* SPDX-License-Identifier: Apache-2.0 */
/* Does a port still speak TLS below 1.2? A hello that knows no better, and the first bytes of the answer. */
#include "amt-tls.h"

#include <string.h>

enum { HANDSHAKE = 22, SERVER_HELLO = 2, ANSWER_BYTES = 11 };

/* Up to TLS 1.1, with the suites that firmware of that time has. The zeros are the random bytes: nothing follows that
 * would need them. */
/* clang-format off */
static const guint8 hello[] = {
    HANDSHAKE, 3, 1, 0, 79,                 /* record */
    1, 0, 0, 75, 3, 2,                      /* ClientHello, TLS 1.1 */
    0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0,
    0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0,
    0,                                      /* no session */
    0, 16, 0, 0x2F, 0, 0x35, 0, 0x0A, 0xC0, 0x13, 0xC0, 0x14, 0xC0, 0x09, 0xC0, 0x0A, 0, 0xFF,
    1, 0,                                   /* no compression */
    0, 18,                                  /* extensions */
    0, 10, 0, 8, 0, 6, 0, 23, 0, 24, 0, 25, /* curves */
    0, 11, 0, 2, 1, 0,                      /* their form */
};
/* clang-format on */

guint16
amt_hello_version(const guint8 *answer, gsize length)
{
    guint16 version;

    if (length < ANSWER_BYTES || answer[0] != HANDSHAKE || answer[5] != SERVER_HELLO)
        return 0;
    version = (guint16)(answer[9] << 8 | answer[10]);
    return version >= 0x0300 && version <= 0x0302 ? version : 0;
}

static gsize
read_answer(const Amt *amt, PosternStream *stream, guint8 *answer)
{
    gsize length = 0;

    while (length < ANSWER_BYTES) {
        gssize more = amt->svc.stream->read(
            stream, answer + length, ANSWER_BYTES - length, amt->timeout_ms, NULL);
        if (more <= 0)
            break;
        length += (gsize)more;
    }
    return length;
}

/* What cannot be asked is not offered. */
const char *
amt_tls_old_version(const Amt *amt, PosternRun *run)
{
    static const char *const words[] = {"SSL 3.0", "TLS 1.0", "TLS 1.1"};
    const PosternStreamSvc *svc = amt->svc.stream;
    guint8 answer[ANSWER_BYTES];
    PosternStream *stream;
    PosternResult options;
    guint16 version = 0;

    result_begin(&options);
    result_uint(&options, "timeout-ms", amt->timeout_ms);
    stream = svc->connect(run, NULL, amt->tls_port, result_end(&options), NULL);
    if (stream == NULL)
        return NULL;
    if (svc->write(stream, hello, sizeof hello, amt->timeout_ms, NULL))
        version = amt_hello_version(answer, read_answer(amt, stream, answer));
    svc->close(stream);
    return version != 0 ? words[version - 0x0300] : NULL;
}
