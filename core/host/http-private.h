/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * http-private.h - what the files of the HTTP client share.
 */
#include "digest.h"
#include "http-parse.h"
#include "stream.h"

/* One of the ways in which a device may be reached. */
typedef struct {
    guint16 port;
    gboolean tls;
} HttpWay;

/* A login with one account, as far as it has come. */
typedef struct {
    PosternCredential *credential; /* a reference; NULL: none */
    gboolean known;                /* there is something to send with the next request */
    gboolean fresh;  /* the nonce came with the last answer: a refusal now means the account */
    gboolean worked; /* it was accepted before */
    char *basic;     /* header line; NULL: digest */
    DigestLogin digest;
} HttpLogin;

/* What is kept of a device between requests: Device.keeper. */
typedef struct {
    PosternStream *stream; /* NULL: none open */
    struct Tap *tap;       /* of that stream */
    HttpWay way;
    TlsWish tls;
    guint served;       /* answers that came over it */
    gboolean logged_in; /* an account was used on it: no other may be */
    HttpLogin login;
    GString *out;            /* the request being sent */
    ResolvedAddress address; /* of the connection last used */
    GVariant *described;     /* what was known of one that is closed; NULL: nothing */
} HttpKeeper;

struct PosternHttp {
    PosternRun *run;
    guint token; /* of run_on_end() */
    Device *device;
    gboolean owns_device; /* acquired for this conversation */
    char *host;
    HttpWay ways[2]; /* in the order to try */
    guint way_count;
    TlsWish tls;
    char **types; /* never NULL; empty: never log in */
    guint connect_ms, step_ms;
    gsize max_body;
    PosternCredential *credential; /* the candidate in use, a reference; NULL: none yet */
    gboolean accepted;             /* the session knows that it works */
};

struct PosternHttpReply {
    HttpParser parser;
    GBytes *body; /* taken from the parser */
};

typedef struct {
    const char *method, *path;
    const char *const *headers;
    GBytes *body;
    guint32 flags;
    /* how this request has fared */
    gboolean with_login; /* the last attempt carried one */
    gboolean repeated;   /* once over a new connection */
    gboolean renewed;    /* once with a new nonce */
} HttpRequest;

/* ---- http-connect.c ---- */

HttpKeeper *http_keeper(PosternHttp *http);
/* Close the connection, remembering what it was; keeps the login. */
void http_drop(HttpKeeper *keeper);
/* A connection that fits this conversation: the kept one, or a new one. Suspends. */
gboolean http_connect(PosternHttp *http, const HttpRequest *request, GError **error);
/* What the options say of where and how, unchecked. */
typedef struct {
    const char *policy; /* "require", "prefer" or "off" */
    guint32 plain, secure; /* ports */
} HttpWanted;
/* Check them, and turn them into ways to try. */
gboolean http_read_ways(PosternHttp *http, const HttpWanted *wanted, GError **error);

/* ---- http-login.c ---- */

/* Before a request: the kept login must be this conversation's own. */
void http_login_prepare(PosternHttp *http, HttpKeeper *keeper);
/* Append the Authorization header, if there is one to send. */
void http_login_append(HttpKeeper *keeper, HttpRequest *request, GString *head);
/* The answer is not 401. */
void http_login_worked(PosternHttp *http, HttpKeeper *keeper);
/* The answer is 401: TRUE: send again; FALSE with AUTH: give up. */
gboolean http_login_challenged(PosternHttp *http,
                               HttpKeeper *keeper,
                               HttpRequest *request,
                               const HttpParser *answer,
                               GError **error);
void http_login_clear(HttpLogin *login);
