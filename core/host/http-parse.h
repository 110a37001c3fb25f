/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * http-parse.h - one HTTP/1.x answer out of bytes that come in any pieces, with hard limits.
 *
 * The bytes are a stranger's: each length is checked, nothing is believed twice.
 */
#include <glib.h>

enum {
    HTTP_LINES = 64,            /* header lines of an answer */
    HTTP_HEAD_SIZE = 16 * 1024, /* status line and headers; also all trailers together */
    HTTP_INTERIM = 8,           /* answers of the 1xx kind ahead of the real one */
    HTTP_CHUNK_LINE = 1024,     /* one chunk size line with its extensions */
};

typedef enum {
    HTTP_AT_HEAD,
    HTTP_AT_LENGTH, /* in a body of known length */
    HTTP_AT_CLOSE,  /* in a body that ends with the connection */
    HTTP_AT_CHUNK_SIZE,
    HTTP_AT_CHUNK,
    HTTP_AT_CHUNK_END, /* the line end behind a chunk */
    HTTP_AT_TRAILER,
    HTTP_AT_DONE,
} HttpPlace;

typedef struct {
    /* read these once `place` is beyond HTTP_AT_HEAD */
    guint status;
    gboolean keep;                               /* the server keeps the connection open */
    guint lines;                                 /* header lines */
    guint16 name[HTTP_LINES], value[HTTP_LINES]; /* where they begin in `head`, NUL-ended */
    char *head;
    GByteArray *body; /* transfer coding undone; complete at HTTP_AT_DONE */
    HttpPlace place;
    gsize bytes; /* taken so far */
    /* its own */
    gsize head_used, head_size;
    gsize max_body;
    guint64 left;    /* of the body or chunk */
    gsize line_used; /* of the chunk size line or the trailer line; all trailers */
    guint interim;
    gboolean no_body; /* the request was HEAD */
    gboolean has_size, size_over, after_cr;
} HttpParser;

void http_parser_init(HttpParser *parser, gboolean head_request, gsize max_body);
void http_parser_clear(HttpParser *parser);

/* Take from `length` bytes what belongs to this answer: how many, or -1 with PROTOCOL. All of them
 * unless HTTP_AT_DONE is reached. */
gssize http_parser_feed(HttpParser *parser, const char *bytes, gsize length, GError **error);

/* The connection ended. TRUE if that completes the answer, else FALSE with UNREACHABLE (what was
 * missing). */
gboolean http_parser_end(HttpParser *parser, GError **error);

/* The value of the `nth` header (from 0) called `name`, any case; NULL: there is none. */
const char *http_parser_header(const HttpParser *parser, const char *name, guint nth);
