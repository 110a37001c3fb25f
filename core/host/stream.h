/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * stream.h - byte streams of a worker: TCP, with TLS where asked, under the eyes of the tap.
 *
 * The system call is tried first and waited for only when it would block; a connection costs one
 * epoll_ctl in its life. Worker thread only; "suspends" as in postern-plugin.h.
 */
#include "resolve.h"
#include "run.h"
#include "tls.h"

struct TapStream;

/* What an attempt to open a stream came to. */
typedef enum {
    STREAM_FINE,
    STREAM_REFUSED,      /* nobody listens there */
    STREAM_NOT_TLS,      /* somebody listens who does not speak TLS */
    STREAM_NEEDS_LEGACY, /* TLS, but no version or cipher in common */
    STREAM_FAILED,       /* anything else: see the error */
} StreamVerdict;

typedef struct {
    const char *host;
    guint16 port;
    const TlsWish *tls; /* NULL: plain */
    guint timeout_ms;   /* for connecting, and once more for the handshake */
} StreamWish;

/* One direction of a stream: who waits in it, and for which events. */
typedef struct {
    Wait wait;
    guint32 wants;
} StreamSide;

struct PosternStream {
    ReactorWatch watch;     /* first */
    guint refs;             /* of the owner, and of each call in progress */
    PosternRun *run;        /* who uses it now */
    gboolean closed, ended; /* by us; by the other side */
    gboolean readable, writable;
    gboolean cut;          /* by the tap: nothing more comes */
    gboolean hung, failed; /* the end or an error was seen on the socket */
    guint eager;           /* calls since it last waited */
    guint farewells;       /* stream_say_good_bye() so far */
    StreamSide reader, writer;
    TlsSession *tls; /* NULL: plain */
    gboolean is_tls; /* also in a replay, which has no session */
    char *host;      /* for messages */
    guint16 port;
    ResolvedAddress peer;
    struct TapStream *tap; /* NULL: no tap */
    guint token;           /* of run_on_end(); 0: none */
};

/* Connect; suspends. NULL with `error` and `verdict` (never STREAM_FINE then). The caller closes
 * it. */
PosternStream *
stream_open(PosternRun *run, const StreamWish *wish, StreamVerdict *verdict, GError **error);

/* The same, and a second time with the legacy profile where the first attempt shows that it is
 * needed and the wish allows it. `*legacy` is what is known of that device; it is read and learned.
 */
PosternStream *stream_open_adaptive(PosternRun *run,
                                    const StreamWish *wish,
                                    gboolean *legacy,
                                    StreamVerdict *verdict,
                                    GError **error);

/* A stream on a socket that came in. Takes `fd` in any case. `context`: TLS server, or NULL. */
PosternStream *stream_adopt(PosternRun *run,
                            int fd,
                            const ResolvedAddress *peer,
                            TlsContext *context,
                            guint timeout_ms,
                            GError **error);

/* As in PosternStreamSvc, for `deadline` in monotonic microseconds (negative: none). */
gssize
stream_read(PosternStream *stream, void *buffer, gsize length, gint64 deadline, GError **error);
gboolean stream_write(
    PosternStream *stream, const void *data, gsize length, gint64 deadline, GError **error);
/*
 * For a run that is to end: a device that is told so does better than one that finds out, so a few writes go out yet, as far as
 * that needs no waiting. Not for HTTP, whose requests would still change something.
 */
gboolean stream_say_good_bye(PosternStream *stream, const void *data, gsize length, GError **error);

/* TRUE when a kept stream that should be silent has ended or brings bytes nobody asked for. One
 * system call. */
gboolean stream_is_stale(PosternStream *stream);

/* `quiet`: without the goodbye of TLS, which nobody reads. Accepts NULL. */
void stream_close(PosternStream *stream, gboolean quiet);

/* "10.0.0.7:16992" for messages; valid as long as the stream. */
char *stream_label(const char *host, guint16 port);

/* Members of PosternHttpSvc.peer() that a stream knows. */
void stream_describe(PosternStream *stream, GVariantDict *dict);

/* Raise the limit of open descriptors to what is allowed and ignore SIGPIPE; once at the start of a
 * program. */
void stream_prepare_process(void);

/* FALSE with BUSY when descriptors run out; `fd` is then closed. errno of the failed call if `fd` <
 * 0. */
gboolean stream_fd_allowed(int fd, GError **error);

extern const PosternStreamSvc stream_service;
