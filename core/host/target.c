/* SPDX-License-Identifier: Apache-2.0 */
#include "config.h"

#include "error.h"
#include "target.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

/* A name has at most 253 characters (RFC 1035, 2.3.4), an address fewer; a port and brackets come on top. */
enum { TEXT_MAX = 300, HOST_MAX = 253, LINE_BYTES = 4096, CHUNK = 64 * 1024 };

typedef enum { ITEM_ONE, ITEM_RANGE, ITEM_FILE, ITEM_COLLECTION } ItemKind;

/* One argument: a host, a run of IPv4 addresses, or a file. */
typedef struct {
    ItemKind kind;
    char *host;
    guint32 first, last; /* host byte order; `first` moves on */
    guint16 port;
    gboolean done;
    /* file */
    char *path;
    int fd;
    GString *buffer;
    gsize at; /* of the next line in `buffer` */
    guint line;
    gboolean ended;
    /* collection */
    const TargetDirectory *directory;
    gpointer members;
    gint64 count;
} Item;

struct TargetSource {
    GQueue items;  /* of Item */
    gint64 total;  /* -1: a file is among them */
    Item *in_line; /* what the present line of a file stands for, or NULL */
    int waits_for;
    const TargetDirectory *directory; /* or NULL */
};

Target *
target_copy(const Target *target)
{
    Target *copy = g_new0(Target, 1);

    copy->text = g_strdup(target->text);
    copy->host = g_strdup(target->host);
    copy->port = target->port;
    return copy;
}

void
target_free(Target *target)
{
    if (target == NULL)
        return;
    g_free(target->text);
    g_free(target->host);
    g_free(target);
}

static void
item_free(Item *item)
{
    if (item == NULL)
        return;
    if (item->fd > STDIN_FILENO)
        close(item->fd);
    if (item->members != NULL)
        item->directory->close(item->members);
    if (item->buffer != NULL)
        g_string_free(item->buffer, TRUE);
    g_free(item->host);
    g_free(item->path);
    g_free(item);
}

/* ---- one text ---- */

G_GNUC_PRINTF(4, 5)
static gboolean
refuse(GError **error, const char *text, gsize at, const char *format, ...)
{
    g_autofree char *shown = g_utf8_make_valid(text, (gssize)MIN(strlen(text), 80));
    g_autofree char *escaped = g_strescape(shown, NULL);
    g_autofree char *why = NULL;
    va_list args;

    va_start(args, format);
    why = g_strdup_vprintf(format, args);
    va_end(args);
    g_set_error(
        error,
        POSTERN_ERROR,
        POSTERN_ERROR_BAD_PARAM,
        "\"%s\" is no target: %s (character %" G_GSIZE_FORMAT
        "); a target is a host name, an address, A.B.C.D/N or A.B.C.D-E.F.G.H, each with an "
        "optional :port",
        escaped,
        why,
        at + 1);
    return FALSE;
}

static gboolean
parse_number(const char *text, gsize length, guint64 max, guint64 *number)
{
    g_autofree char *copy = g_strndup(text, length);

    return length > 0 && length <= 10 && g_ascii_string_to_unsigned(copy, 10, 0, max, number, NULL);
}

static gboolean
parse_ipv4(const char *text, gsize length, guint32 *address)
{
    char copy[INET_ADDRSTRLEN];
    struct in_addr in;

    if (length == 0 || length >= sizeof copy)
        return FALSE;
    memcpy(copy, text, length);
    copy[length] = '\0';
    if (inet_pton(AF_INET, copy, &in) != 1)
        return FALSE;
    *address = ntohl(in.s_addr);
    return TRUE;
}

/* The name of a network interface. */
static gboolean
is_zone(const char *text)
{
    for (const char *at = text; *at != '\0'; at++)
        if (!g_ascii_isalnum(*at) && strchr("._-", *at) == NULL)
            return FALSE;
    return *text != '\0';
}

static gboolean
is_ipv6(const char *text, gsize length)
{
    g_autofree char *copy = g_strndup(text, length);
    char *zone = strchr(copy, '%');
    struct in6_addr in;

    if (zone != NULL)
        *zone = '\0';
    return inet_pton(AF_INET6, copy, &in) == 1 && (zone == NULL || is_zone(zone + 1));
}

/* Cut ":port" off; `*length` shrinks to what stands before it. Colons of a bare IPv6 address are not it. */
static gboolean
take_port(const char *text, gsize *length, guint16 *port, GError **error)
{
    const char *colon = memrchr(text, ':', *length);
    guint64 number = 0;
    gsize at;

    if (colon == NULL || (text[0] != '[' && memchr(text, ':', (gsize)(colon - text)) != NULL))
        return TRUE;
    if (text[0] == '[' && colon[-1] != ']')
        return TRUE;
    at = (gsize)(colon - text) + 1;
    if (!parse_number(text + at, *length - at, 65535, &number) || number == 0)
        return refuse(error, text, at, "the port must be a number from 1 to 65535");
    *port = (guint16)number;
    *length = at - 1;
    return TRUE;
}

static gboolean
parse_network(Item *item, const char *text, gsize length, gsize slash, GError **error)
{
    guint64 bits = 0;
    guint32 mask;

    if (!parse_ipv4(text, slash, &item->first))
        return refuse(error, text, 0, "what stands before the \"/\" must be an IPv4 address");
    if (!parse_number(text + slash + 1, length - slash - 1, 32, &bits))
        return refuse(
            error, text, slash + 1, "what stands behind the \"/\" must be a number from 0 to 32");
    if (bits < 8)
        return refuse(error, text, slash + 1, "a network larger than /8 is not one fleet");
    mask = ~(guint32)0 << (32 - bits);
    item->first &= mask;
    item->last = item->first | ~mask;
    if (bits < 31) { /* the network's own and the broadcast address are no machines */
        item->first++;
        item->last--;
    }
    item->kind = ITEM_RANGE;
    return TRUE;
}

static gboolean
parse_range(Item *item, const char *text, gsize length, gsize dash, GError **error)
{
    guint64 number = 0;

    if (parse_number(text + dash + 1, length - dash - 1, 255, &number))
        item->last = (item->first & ~(guint32)0xff) | (guint32)number;
    else if (!parse_ipv4(text + dash + 1, length - dash - 1, &item->last))
        return refuse(error,
                      text,
                      dash + 1,
                      "the end of a range must be an IPv4 address or a last number from 0 to 255");
    if (item->last < item->first)
        return refuse(error, text, dash + 1, "the end of the range lies before its beginning");
    if (item->last - item->first >= 1u << 24)
        return refuse(error, text, dash + 1, "a range of more than 16 million is not one fleet");
    item->kind = ITEM_RANGE;
    return TRUE;
}

static gboolean
parse_name(Item *item, const char *text, gsize length, GError **error)
{
    if (length == 0)
        return refuse(error, text, 0, "the host is empty");
    if (length > HOST_MAX)
        return refuse(error, text, HOST_MAX, "a host name has at most %d characters", HOST_MAX);
    for (gsize i = 0; i < length; i++) {
        guchar c = (guchar)text[i];
        if (!g_ascii_isalnum(c) && c != '-' && c != '.' && c != '_')
            return refuse(error, text, i, "a host name has letters, digits, \"-\" and \".\" only");
    }
    if (strspn(text, "0123456789.") >= length && !parse_ipv4(text, length, &item->first))
        return refuse(error, text, 0, "it looks like an IPv4 address and is none");
    item->host = g_ascii_strdown(text, (gssize)length);
    return TRUE;
}

static gboolean
parse_ipv6(Item *item, const char *text, gsize length, GError **error)
{
    gboolean bracket = text[0] == '[';

    if (bracket && text[length - 1] != ']')
        return refuse(error, text, length - 1, "the closing \"]\" is missing");
    if (!is_ipv6(text + (bracket ? 1 : 0), length - (bracket ? 2 : 0)))
        return refuse(error, text, 0, "it looks like an IPv6 address and is none");
    item->host = g_ascii_strdown(text + (bracket ? 1 : 0), (gssize)(length - (bracket ? 2 : 0)));
    return TRUE;
}

/* The host part, without port. */
static gboolean
parse_host(Item *item, const char *text, gsize length, GError **error)
{
    const char *slash = memchr(text, '/', length);
    const char *dash = memchr(text, '-', length);

    if (length == 0)
        return refuse(error, text, 0, "the host is empty");
    if (text[0] == '[' || memchr(text, ':', length) != NULL)
        return parse_ipv6(item, text, length, error);
    if (slash != NULL)
        return parse_network(item, text, length, (gsize)(slash - text), error);
    if (dash != NULL && parse_ipv4(text, (gsize)(dash - text), &item->first))
        return parse_range(item, text, length, (gsize)(dash - text), error);
    return parse_name(item, text, length, error);
}

static gboolean
open_collection(const TargetSource *source, Item *item, const char *text, GError **error)
{
    item->kind = ITEM_COLLECTION;
    item->directory = source->directory;
    if (source->directory == NULL)
        return refuse(error, text, 0, "it names a collection, and this host keeps none");
    item->members = source->directory->open(text + 1, &item->count, source->directory->data, error);
    return item->members != NULL;
}

static Item *
item_parse(const TargetSource *source, const char *text, GError **error)
{
    Item *item = g_new0(Item, 1);
    gsize length = strlen(text);

    item->fd = -1;
    if (length > TEXT_MAX)
        refuse(error, text, TEXT_MAX, "it has %" G_GSIZE_FORMAT " characters", length);
    else if (text[0] == '@' ? open_collection(source, item, text, error)
                            : take_port(text, &length, &item->port, error) &&
                                  parse_host(item, text, length, error))
        return item;
    item_free(item);
    return NULL;
}

/* ---- what an item yields ---- */

static Target *
target_of(const char *host, guint16 port)
{
    Target *target = g_new0(Target, 1);

    target->host = g_strdup(host);
    target->port = port;
    if (port == 0)
        target->text = g_strdup(host);
    else if (strchr(host, ':') != NULL)
        target->text = g_strdup_printf("[%s]:%u", host, port);
    else
        target->text = g_strdup_printf("%s:%u", host, port);
    return target;
}

/* A name as the directory knows it. */
static Target *
one_yield(const TargetSource *source, Item *item, GError **error)
{
    g_autoptr(Target) target = target_of(item->host, item->port);

    item->done = TRUE;
    if (source->directory != NULL &&
        !source->directory->locate(target, source->directory->data, error))
        return NULL;
    return g_steal_pointer(&target);
}

static Target *
collection_yield(Item *item, GError **error)
{
    g_autoptr(GError) problem = NULL;
    Target *target = item->directory->next(item->members, &problem);

    item->done = target == NULL && problem == NULL;
    if (problem != NULL)
        g_propagate_error(error, g_steal_pointer(&problem));
    return target;
}

/* The next target of a host, range or collection; sets `done` with the last, or behind it. */
static Target *
item_yield(const TargetSource *source, Item *item, GError **error)
{
    char text[INET_ADDRSTRLEN];
    struct in_addr in = {htonl(item->first)};

    if (item->kind == ITEM_ONE)
        return one_yield(source, item, error);
    if (item->kind == ITEM_COLLECTION)
        return collection_yield(item, error);
    item->done = item->first == item->last;
    item->first++;
    return target_of(inet_ntop(AF_INET, &in, text, sizeof text), item->port);
}

/* ---- files ---- */

static gboolean
would_wait(int fd)
{
    struct pollfd poll_fd = {.fd = fd, .events = POLLIN};

    return poll(&poll_fd, 1, 0) == 0;
}

/* More bytes behind the present line. FALSE with `error` when reading fails. */
static gboolean
file_read(Item *item, GError **error)
{
    gsize old;
    gssize got;

    g_string_erase(item->buffer, 0, (gssize)item->at);
    item->at = 0;
    old = item->buffer->len;
    g_string_set_size(item->buffer, old + CHUNK);
    got = read(item->fd, item->buffer->str + old, CHUNK);
    g_string_set_size(item->buffer, old + (gsize)MAX(got, 0));
    if (got < 0 && errno != EINTR) {
        error_set_errno(
            error, errno, "cannot read targets from %s behind line %u", item->path, item->line);
        item->done = TRUE;
        return FALSE;
    }
    item->ended = got == 0;
    return TRUE;
}

/* The end of the present line in the buffer: its newline, or the end of the file. NULL: not read yet. */
static char *
line_end(Item *item)
{
    char *start = item->buffer->str + item->at;
    gsize left = item->buffer->len - item->at;
    char *newline = memchr(start, '\n', left);

    if (newline == NULL && item->ended && left > 0)
        newline = start + left;
    return newline;
}

/* One line without comment and blanks; "" for an empty one; NULL: none at hand (see `done`, `waits_for`). */
static char *
file_line(TargetSource *source, Item *item, GError **error)
{
    char *end, *line, *comment;

    while ((end = line_end(item)) == NULL) {
        if (item->buffer->len - item->at > LINE_BYTES || item->ended) {
            if (!item->ended)
                g_set_error(error,
                            POSTERN_ERROR,
                            POSTERN_ERROR_BAD_PARAM,
                            "%s, line %u: longer than %d bytes: this is no list of targets",
                            item->path,
                            item->line + 1,
                            LINE_BYTES);
            item->done = TRUE;
            return NULL;
        }
        if (would_wait(item->fd)) {
            source->waits_for = item->fd;
            return NULL;
        }
        if (!file_read(item, error))
            return NULL;
    }
    /* a NUL must not cut a line short unseen: as a control character it is refused like any other */
    for (char *c = item->buffer->str + item->at; c < end; c++)
        *c = *c == '\0' ? '\1' : *c;
    line = g_strndup(item->buffer->str + item->at, (gsize)(end - item->buffer->str) - item->at);
    item->at = MIN((gsize)(end - item->buffer->str) + 1, item->buffer->len);
    if (item->line++ == 0 && g_str_has_prefix(line, "\xef\xbb\xbf"))
        memmove(line, line + 3, strlen(line + 3) + 1);
    comment = strchr(line, '#');
    if (comment != NULL)
        *comment = '\0';
    return g_strstrip(line);
}

static Target *
in_line_yield(TargetSource *source, const Item *file, GError **error)
{
    GError *problem = NULL;
    Target *target = item_yield(source, source->in_line, &problem);

    if (problem != NULL)
        g_propagate_prefixed_error(error, problem, "%s, line %u: ", file->path, file->line);
    if (source->in_line->done)
        g_clear_pointer(&source->in_line, item_free);
    return target;
}

static Target *
file_yield(TargetSource *source, Item *item, GError **error)
{
    GError *problem = NULL;

    while (source->in_line == NULL) {
        g_autofree char *line = file_line(source, item, error);
        if (line == NULL)
            return NULL;
        if (line[0] == '\0')
            continue;
        source->in_line = item_parse(source, line, &problem);
        if (source->in_line == NULL) {
            g_propagate_prefixed_error(error, problem, "%s, line %u: ", item->path, item->line);
            return NULL;
        }
    }
    return in_line_yield(source, item, error);
}

/* ---- the source ---- */

TargetSource *
target_source_new(void)
{
    TargetSource *source = g_new0(TargetSource, 1);

    source->waits_for = -1;
    return source;
}

void
target_source_free(TargetSource *source)
{
    if (source == NULL)
        return;
    g_queue_clear_full(&source->items, (GDestroyNotify)item_free);
    item_free(source->in_line);
    g_free(source);
}

void
target_source_set_directory(TargetSource *source, const TargetDirectory *directory)
{
    source->directory = directory;
}

gboolean
target_source_add(TargetSource *source, const char *text, GError **error)
{
    Item *item = item_parse(source, text, error);
    gint64 count;

    if (item == NULL)
        return FALSE;
    g_queue_push_tail(&source->items, item);
    count = item->kind == ITEM_RANGE        ? (gint64)item->last - item->first + 1
            : item->kind == ITEM_COLLECTION ? item->count
                                            : 1;
    source->total = source->total < 0 || count < 0 ? -1 : source->total + count;
    return TRUE;
}

gboolean
target_source_add_file(TargetSource *source, const char *path, GError **error)
{
    gboolean standard = strcmp(path, "-") == 0;
    int fd = standard ? STDIN_FILENO : open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
    struct stat info;
    Item *item;

    if (fd < 0 || (fstat(fd, &info) == 0 && S_ISDIR(info.st_mode))) {
        g_set_error(error,
                    POSTERN_ERROR,
                    POSTERN_ERROR_BAD_PARAM,
                    "cannot open the list of targets %s: %s",
                    path,
                    g_strerror(fd < 0 ? errno : EISDIR));
        if (fd > STDIN_FILENO)
            close(fd);
        return FALSE;
    }
    item = g_new0(Item, 1);
    item->kind = ITEM_FILE;
    item->fd = fd;
    item->path = g_strdup(standard ? "standard input" : path);
    item->buffer = g_string_new(NULL);
    g_queue_push_tail(&source->items, item);
    source->total = -1;
    return TRUE;
}

Target *
target_source_next(TargetSource *source, GError **error)
{
    Target *target = NULL;
    GError *problem = NULL;
    Item *item;

    source->waits_for = -1;
    while (target == NULL && (item = g_queue_peek_head(&source->items)) != NULL) {
        if (!item->done)
            target = item->kind == ITEM_FILE ? file_yield(source, item, &problem)
                                             : item_yield(source, item, &problem);
        if (problem != NULL) {
            g_propagate_error(error, problem);
            return NULL;
        }
        if (source->waits_for >= 0)
            return NULL;
        if (item->done)
            item_free(g_queue_pop_head(&source->items));
    }
    return target;
}

int
target_source_waits_for(const TargetSource *source)
{
    return source->waits_for;
}

void
target_source_stop_waiting(TargetSource *source)
{
    if (source->waits_for < 0)
        return;
    source->waits_for = -1;
    item_free(g_queue_pop_head(&source->items));
}

gboolean
target_is_range(const char *text, guint32 *first, guint32 *last)
{
    const TargetSource nowhere = {.waits_for = -1};
    Item *item = text[0] != '@' ? item_parse(&nowhere, text, NULL) : NULL;
    gboolean is = item != NULL && item->kind == ITEM_RANGE;

    if (is) {
        *first = item->first;
        *last = item->last;
    }
    item_free(item);
    return is;
}

gint64
target_source_total(const TargetSource *source)
{
    return source->total;
}
