/* SPDX-License-Identifier: Apache-2.0 */
#include "config.h"

#include "http-parse.h"

#include <postern-plugin.h>

#include <string.h>

enum { HEAD_FIRST = 1024, BODY_FIRST = 2048, BODY_BELIEVED = 64 * 1024 };

#define BAD(error, ...)                                                                            \
    g_set_error(error, POSTERN_ERROR, POSTERN_ERROR_PROTOCOL, "the answer is no HTTP: " __VA_ARGS__)

void
http_parser_init(HttpParser *parser, gboolean head_request, gsize max_body)
{
    memset(parser, 0, sizeof *parser);
    parser->no_body = head_request;
    parser->max_body = max_body;
}

void
http_parser_clear(HttpParser *parser)
{
    g_clear_pointer(&parser->head, g_free);
    g_clear_pointer(&parser->body, g_byte_array_unref);
}

const char *
http_parser_header(const HttpParser *parser, const char *name, guint nth)
{
    for (guint i = 0; i < parser->lines; i++)
        if (g_ascii_strcasecmp(parser->head + parser->name[i], name) == 0 && nth-- == 0)
            return parser->head + parser->value[i];
    return NULL;
}

/* TRUE if the comma-separated value of a header called `name` holds `word`. */
static gboolean
header_has(const HttpParser *parser, const char *name, const char *word)
{
    gsize length = strlen(word);
    const char *value;

    for (guint nth = 0; (value = http_parser_header(parser, name, nth)) != NULL; nth++) {
        while (*value != '\0') {
            gsize part;
            value += strspn(value, ", \t");
            part = strcspn(value, ", \t;");
            if (part == length && g_ascii_strncasecmp(value, word, length) == 0)
                return TRUE;
            value += MAX(part, *value != '\0');
        }
    }
    return FALSE;
}

/* ---- the head ---- */

/* "HTTP/1.1 200 OK": firmware leaves the reason out at times. */
static gboolean
parse_status(HttpParser *parser, const char *line, GError **error)
{
    const char *at = line + 8;
    gboolean fine = strncmp(line, "HTTP/1.", 7) == 0 && g_ascii_isdigit(line[7]) && *at == ' ';

    if (fine) {
        at += strspn(at, " ");
        fine = g_ascii_isdigit(at[0]) && g_ascii_isdigit(at[1]) && g_ascii_isdigit(at[2]) &&
               (at[3] == ' ' || at[3] == '\0') && at[0] != '0';
    }
    if (!fine) {
        g_autofree char *shown = g_strescape(line, NULL);
        BAD(error,
            "it begins with '%.60s', expected 'HTTP/1.1' and a status of three digits",
            shown);
        return FALSE;
    }
    parser->status = (guint)(at[0] - '0') * 100 + (guint)(at[1] - '0') * 10 + (guint)(at[2] - '0');
    parser->keep = line[7] != '0';
    return TRUE;
}

static gboolean
parse_field(HttpParser *parser, char *line, GError **error)
{
    static const char separators[] = "()<>@,;:\\\"/[]?={} \t\r";
    gsize name = strcspn(line, separators);
    char *value = line + name + 1, *end;

    if (name == 0 || line[name] != ':') {
        g_autofree char *shown = g_strescape(line, NULL);
        BAD(error, "header line '%.60s' has no name and colon", shown);
        return FALSE;
    }
    if (parser->lines == HTTP_LINES) {
        BAD(error, "more than %d header lines", HTTP_LINES);
        return FALSE;
    }
    line[name] = '\0';
    /* a lone one; in a value that we repeat it would begin a line */
    g_strdelimit(value, "\r", ' ');
    value += strspn(value, " \t");
    end = value + strlen(value);
    while (end > value && (end[-1] == ' ' || end[-1] == '\t'))
        *--end = '\0';
    parser->name[parser->lines] = (guint16)(line - parser->head);
    parser->value[parser->lines] = (guint16)(value - parser->head);
    parser->lines++;
    return TRUE;
}

/* A line that begins with a blank goes on where the last one ended. */
static void
unfold(char *head)
{
    for (char *end = strchr(head, '\n'); end != NULL; end = strchr(end + 1, '\n')) {
        if (end[1] != ' ' && end[1] != '\t')
            continue;
        if (end > head && end[-1] == '\r')
            end[-1] = ' ';
        *end = ' ';
    }
}

static gboolean
parse_lines(HttpParser *parser, GError **error)
{
    char *line = parser->head, *end;

    unfold(strchr(line, '\n') + 1);
    for (; (end = strchr(line, '\n')) != NULL; line = end + 1) {
        *end = '\0';
        if (end > line && end[-1] == '\r')
            end[-1] = '\0';
        if (line == parser->head ? !parse_status(parser, line, error)
                                 : *line != '\0' && !parse_field(parser, line, error))
            return FALSE;
    }
    return TRUE;
}

/* All Content-Length values must be one and the same number. */
static gboolean
parse_length(HttpParser *parser, gboolean *found, GError **error)
{
    const char *value;

    *found = FALSE;
    for (guint nth = 0; (value = http_parser_header(parser, "Content-Length", nth)) != NULL;
         nth++) {
        guint64 number = 0;
        if (!g_ascii_isdigit(*value) ||
            !g_ascii_string_to_unsigned(value, 10, 0, G_MAXINT64, &number, NULL) ||
            (*found && number != parser->left)) {
            g_autofree char *shown = g_strescape(value, NULL);
            BAD(error, "Content-Length '%.40s' is no number, or not the same as before", shown);
            return FALSE;
        }
        parser->left = number;
        *found = TRUE;
    }
    return TRUE;
}

static gboolean
too_large(const HttpParser *parser, guint64 more, GError **error)
{
    if (more <= parser->max_body - parser->body->len)
        return FALSE;
    g_set_error(error,
                POSTERN_ERROR,
                POSTERN_ERROR_PROTOCOL,
                "the answer is larger than the %" G_GSIZE_FORMAT " bytes accepted",
                parser->max_body);
    return TRUE;
}

/* How the body comes. A chunked one with a length too is chunked, and its connection not to be
 * trusted again. */
static gboolean
choose_body(HttpParser *parser, GError **error)
{
    gboolean known = FALSE;

    if (!parse_length(parser, &known, error))
        return FALSE;
    if (parser->no_body || parser->status == 204 || parser->status == 304) {
        parser->place = HTTP_AT_DONE;
        parser->left = 0;
    } else if (http_parser_header(parser, "Transfer-Encoding", 0) != NULL) {
        if (!header_has(parser, "Transfer-Encoding", "chunked")) {
            const char *coding = http_parser_header(parser, "Transfer-Encoding", 0);
            g_autofree char *shown = g_strescape(coding, NULL);
            BAD(error, "transfer coding '%.40s' is not known", shown);
            return FALSE;
        }
        parser->keep = parser->keep && !known;
        parser->place = HTTP_AT_CHUNK_SIZE;
        parser->left = 0;
    } else if (known) {
        if (too_large(parser, parser->left, error))
            return FALSE;
        parser->place = parser->left > 0 ? HTTP_AT_LENGTH : HTTP_AT_DONE;
    } else {
        parser->keep = FALSE;
        parser->place = HTTP_AT_CLOSE;
    }
    return TRUE;
}

static gboolean
head_complete(HttpParser *parser, GError **error)
{
    parser->lines = 0;
    if (!parse_lines(parser, error))
        return FALSE;
    if (parser->status >= 100 && parser->status < 200) {
        if (parser->status == 101 || ++parser->interim > HTTP_INTERIM) {
            BAD(error, "status %u was not asked for, or comes too often", parser->status);
            return FALSE;
        }
        parser->head_used = 0;
        return TRUE;
    }
    if (header_has(parser, "Connection", "keep-alive"))
        parser->keep = TRUE;
    if (header_has(parser, "Connection", "close"))
        parser->keep = FALSE;
    if (parser->body == NULL)
        parser->body = g_byte_array_sized_new(BODY_FIRST);
    return choose_body(parser, error);
}

static gboolean
head_room(HttpParser *parser, gsize more, GError **error)
{
    gsize needed = parser->head_used + more + 1;

    if (needed > HTTP_HEAD_SIZE) {
        BAD(error, "its head is longer than %d bytes", HTTP_HEAD_SIZE);
        return FALSE;
    }
    if (needed > parser->head_size) {
        parser->head_size = CLAMP(needed * 2, HEAD_FIRST, HTTP_HEAD_SIZE);
        parser->head = g_realloc(parser->head, parser->head_size);
    }
    return TRUE;
}

/* The first bytes already tell a stranger: do not collect 16 KiB of garbage before saying so. */
static gboolean
looks_like_http(const HttpParser *parser)
{
    return memcmp(parser->head, "HTTP/1.", MIN(parser->head_used, 7)) == 0;
}

static gboolean
head_ended(const HttpParser *parser)
{
    const char *end = parser->head + parser->head_used;

    return (parser->head_used >= 2 && end[-2] == '\n') ||
           (parser->head_used >= 3 && end[-2] == '\r' && end[-3] == '\n');
}

/* Line by line up to the empty one. */
static gssize
feed_head(HttpParser *parser, const char *bytes, gsize length, GError **error)
{
    gsize used = 0;

    while (used < length && parser->place == HTTP_AT_HEAD) {
        const char *end = memchr(bytes + used, '\n', length - used);
        gsize part = end != NULL ? (gsize)(end + 1 - bytes) - used : length - used;
        if (!head_room(parser, part, error))
            return -1;
        memcpy(parser->head + parser->head_used, bytes + used, part);
        parser->head_used += part;
        parser->head[parser->head_used] = '\0';
        used += part;
        if (!looks_like_http(parser) ||
            memchr(parser->head + parser->head_used - part, '\0', part)) {
            g_autofree char *shown = g_strescape(parser->head, NULL);
            BAD(error, "it begins with '%.60s'", shown);
            return -1;
        }
        if (end != NULL && head_ended(parser) && !head_complete(parser, error))
            return -1;
    }
    return (gssize)used;
}

/* ---- the body ---- */

/* A stated length is believed only so far: a stranger must send bytes to make us take memory. */
static void
body_add(HttpParser *parser, const char *bytes, gsize length)
{
    if (parser->body->len == 0 && parser->left > BODY_FIRST) {
        g_byte_array_unref(parser->body);
        parser->body = g_byte_array_sized_new((guint)MIN(parser->left, BODY_BELIEVED));
    }
    g_byte_array_append(parser->body, (const guint8 *)bytes, (guint)length);
}

static gssize
feed_counted(HttpParser *parser, const char *bytes, gsize length, HttpPlace then)
{
    gsize part = (gsize)MIN(parser->left, length);

    body_add(parser, bytes, part);
    parser->left -= part;
    if (parser->left == 0)
        parser->place = then;
    return (gssize)part;
}

static gssize
feed_to_close(HttpParser *parser, const char *bytes, gsize length, GError **error)
{
    if (too_large(parser, length, error))
        return -1;
    body_add(parser, bytes, length);
    return (gssize)length;
}

static gboolean
chunk_line_done(HttpParser *parser, GError **error)
{
    if (!parser->has_size || too_large(parser, parser->left, error)) {
        if (!parser->has_size)
            BAD(error, "a chunk has no size");
        return FALSE;
    }
    parser->place = parser->left > 0 ? HTTP_AT_CHUNK : HTTP_AT_TRAILER;
    parser->has_size = parser->size_over = FALSE;
    parser->line_used = 0;
    return TRUE;
}

/* One character of "0220;extension\r\n". */
static gboolean
chunk_line_char(HttpParser *parser, char c, GError **error)
{
    if (c == '\n')
        return chunk_line_done(parser, error);
    if (++parser->line_used > HTTP_CHUNK_LINE) {
        BAD(error, "a chunk size line is longer than %d bytes", HTTP_CHUNK_LINE);
        return FALSE;
    }
    if (parser->size_over)
        return TRUE;
    if (g_ascii_isxdigit(c)) {
        if (parser->left > G_MAXUINT64 >> 8) {
            BAD(error, "a chunk size is larger than any answer");
            return FALSE;
        }
        parser->left = parser->left * 16 + (guint64)g_ascii_xdigit_value(c);
        parser->has_size = TRUE;
        return TRUE;
    }
    if (c != ';' && c != ' ' && c != '\t' && c != '\r') {
        BAD(error, "a chunk size line holds byte 0x%02x, expected hexadecimal digits", (guchar)c);
        return FALSE;
    }
    parser->size_over = parser->has_size;
    return TRUE;
}

static gboolean
chunk_end_char(HttpParser *parser, char c, GError **error)
{
    if (c == '\n') {
        parser->place = HTTP_AT_CHUNK_SIZE;
        parser->after_cr = FALSE;
        return TRUE;
    }
    if (c == '\r' && !parser->after_cr)
        return parser->after_cr = TRUE;
    BAD(error, "a chunk is followed by byte 0x%02x, expected the end of the line", (guchar)c);
    return FALSE;
}

/* Trailers are read over. `line_used` counts them all, `left` the characters of this line. */
static gboolean
trailer_char(HttpParser *parser, char c, GError **error)
{
    if (++parser->line_used > HTTP_HEAD_SIZE) {
        BAD(error, "its trailers are longer than %d bytes", HTTP_HEAD_SIZE);
        return FALSE;
    }
    if (c == '\n' && parser->left == 0)
        parser->place = HTTP_AT_DONE;
    else if (c == '\n')
        parser->left = 0;
    else if (c != '\r')
        parser->left++;
    return TRUE;
}

static gssize
feed_line(HttpParser *parser, const char *bytes, gsize length, GError **error)
{
    HttpPlace place = parser->place;
    gsize used = 0;

    while (used < length && parser->place == place) {
        char c = bytes[used++];
        gboolean fine = place == HTTP_AT_CHUNK_SIZE  ? chunk_line_char(parser, c, error)
                        : place == HTTP_AT_CHUNK_END ? chunk_end_char(parser, c, error)
                                                     : trailer_char(parser, c, error);
        if (!fine)
            return -1;
    }
    return (gssize)used;
}

static gssize
feed_some(HttpParser *parser, const char *bytes, gsize length, GError **error)
{
    switch (parser->place) {
    case HTTP_AT_HEAD:
        return feed_head(parser, bytes, length, error);
    case HTTP_AT_LENGTH:
        return feed_counted(parser, bytes, length, HTTP_AT_DONE);
    case HTTP_AT_CHUNK:
        return feed_counted(parser, bytes, length, HTTP_AT_CHUNK_END);
    case HTTP_AT_CLOSE:
        return feed_to_close(parser, bytes, length, error);
    case HTTP_AT_CHUNK_SIZE:
    case HTTP_AT_CHUNK_END:
    case HTTP_AT_TRAILER:
        return feed_line(parser, bytes, length, error);
    case HTTP_AT_DONE:
    default:
        return 0;
    }
}

gssize
http_parser_feed(HttpParser *parser, const char *bytes, gsize length, GError **error)
{
    gsize used = 0;

    while (used < length && parser->place != HTTP_AT_DONE) {
        gssize part = feed_some(parser, bytes + used, length - used, error);
        if (part < 0)
            return -1;
        used += (gsize)part;
    }
    parser->bytes += used;
    return (gssize)used;
}

gboolean
http_parser_end(HttpParser *parser, GError **error)
{
    if (parser->place == HTTP_AT_CLOSE)
        parser->place = HTTP_AT_DONE;
    if (parser->place == HTTP_AT_DONE)
        return TRUE;
    if (parser->bytes == 0)
        g_set_error_literal(error,
                            POSTERN_ERROR,
                            POSTERN_ERROR_UNREACHABLE,
                            "the connection was closed before an answer came");
    else
        g_set_error(error,
                    POSTERN_ERROR,
                    POSTERN_ERROR_UNREACHABLE,
                    "the connection was closed in the middle of the answer, %" G_GSIZE_FORMAT
                    " bytes into it%s",
                    parser->bytes,
                    parser->place == HTTP_AT_HEAD ? ", in its head" : "");
    return FALSE;
}
