/* SPDX-License-Identifier: Apache-2.0 */
#include "config.h"

#include "http-private.h"
#include "http.h"
#include "options.h"

#include <string.h>

enum { SCRATCH = 16 * 1024, BODY_DEFAULT = 4 * 1024 * 1024, STEP_DEFAULT_MS = 10000 };

/* ---- checking what a plugin asks ---- */

/* Nothing may end its line early. */
static gboolean
check_text(const char *what, const char *text, gboolean blanks, GError **error)
{
    for (const char *at = text; *at != '\0'; at++) {
        if ((guchar)*at >= 0x20 && *at != 0x7f && (blanks || *at != ' '))
            continue;
        g_set_error(error,
                    POSTERN_ERROR,
                    POSTERN_ERROR_BAD_PARAM,
                    "%s of a request holds byte 0x%02x at position %u",
                    what,
                    (guchar)*at,
                    (guint)(at - text));
        return FALSE;
    }
    return TRUE;
}

static gboolean
check_header(const char *name, const char *value, GError **error)
{
    static const char *const ours[] = {
        "Host", "Content-Length", "Connection", "Authorization", "Transfer-Encoding"};

    for (guint i = 0; i < G_N_ELEMENTS(ours); i++) {
        if (g_ascii_strcasecmp(name, ours[i]) == 0) {
            g_set_error(error,
                        POSTERN_ERROR,
                        POSTERN_ERROR_BAD_PARAM,
                        "header %s of a request is set by the host",
                        ours[i]);
            return FALSE;
        }
    }
    return check_text("header name", name, FALSE, error) &&
           check_text("header value", value, TRUE, error);
}

static gboolean
check_request(const HttpRequest *request, GError **error)
{
    if (*request->method == '\0' || *request->path != '/') {
        g_set_error(error,
                    POSTERN_ERROR,
                    POSTERN_ERROR_BAD_PARAM,
                    "request '%.20s %.60s' needs a method and a path that begins with a slash",
                    request->method,
                    request->path);
        return FALSE;
    }
    if (!check_text("method", request->method, FALSE, error) ||
        !check_text("path", request->path, FALSE, error))
        return FALSE;
    for (const char *const *at = request->headers; at != NULL && at[0] != NULL; at += 2)
        if (!check_header(at[0], at[1] != NULL ? at[1] : "", error))
            return FALSE;
    return TRUE;
}

/* ---- sending ---- */

/* An address with a zone ("fe80::1%eth0") goes without it: the zone is ours. */
static void
append_host(GString *head, const PosternHttp *http, const HttpWay *way)
{
    gboolean six = strchr(http->host, ':') != NULL;

    g_string_append(head, six ? "Host: [" : "Host: ");
    g_string_append_len(head, http->host, (gssize)strcspn(http->host, "%"));
    if (six)
        g_string_append_c(head, ']');
    if (way->port != (way->tls ? 443 : 80))
        g_string_append_printf(head, ":%u", way->port);
    g_string_append(head, "\r\nUser-Agent: postern/" PACKAGE_VERSION "\r\n");
}

static void
append_head(PosternHttp *http, HttpKeeper *keeper, HttpRequest *request, GString *head)
{
    gsize length = request->body != NULL ? g_bytes_get_size(request->body) : 0;

    g_string_append(head, request->method);
    g_string_append_c(head, ' ');
    g_string_append(head, request->path);
    g_string_append(head, " HTTP/1.1\r\n");
    append_host(head, http, &keeper->way);
    http_login_append(keeper, request, head);
    for (const char *const *at = request->headers; at != NULL && at[0] != NULL; at += 2) {
        g_string_append(head, at[0]);
        g_string_append(head, ": ");
        g_string_append(head, at[1] != NULL ? at[1] : "");
        g_string_append(head, "\r\n");
        if (at[1] == NULL)
            break;
    }
    if (request->body != NULL || strcmp(request->method, "POST") == 0 ||
        strcmp(request->method, "PUT") == 0)
        g_string_append_printf(head, "Content-Length: %" G_GSIZE_FORMAT "\r\n", length);
    g_string_append(head, "\r\n");
}

static gint64
step_deadline(const PosternHttp *http)
{
    return g_get_monotonic_time() + (gint64)http->step_ms * 1000;
}

/* Head and body in one piece: one system call, and one packet where it fits. */
static gboolean
send_request(PosternHttp *http, HttpKeeper *keeper, HttpRequest *request, GError **error)
{
    gsize length = 0;
    const void *body = request->body != NULL ? g_bytes_get_data(request->body, &length) : NULL;
    gboolean fine;

    if (keeper->out == NULL)
        keeper->out = g_string_sized_new(1024 + length);
    g_string_truncate(keeper->out, 0);
    append_head(http, keeper, request, keeper->out);
    if (length > 0)
        g_string_append_len(keeper->out, body, (gssize)length);
    fine = stream_write(
        keeper->stream, keeper->out->str, keeper->out->len, step_deadline(http), error);
    if (keeper->login.basic != NULL)
        secret_wipe(keeper->out->str, keeper->out->len);
    return fine;
}

/* ---- receiving ---- */

/* Room for one read. Nothing waits between the read and the parser, so that all stacks of a thread
 * share it. */
static __thread char scratch[SCRATCH];

static gboolean
receive(PosternHttp *http, HttpKeeper *keeper, HttpParser *parser, GError **error)
{
    while (parser->place != HTTP_AT_DONE) {
        gssize used,
            got = stream_read(keeper->stream, scratch, SCRATCH, step_deadline(http), error);
        if (got < 0)
            return FALSE;
        if (got == 0) {
            parser->keep = FALSE;
            return http_parser_end(parser, error);
        }
        used = http_parser_feed(parser, scratch, (gsize)got, error);
        if (used < 0)
            return FALSE;
        /* bytes beyond the answer belong to nothing we asked */
        if (used < got)
            parser->keep = FALSE;
    }
    return TRUE;
}

/* The kept connection died before the device can have answered: no fault of the device. */
static gboolean
may_repeat(const HttpKeeper *keeper,
           const HttpRequest *request,
           const HttpParser *parser,
           const GError *error)
{
    return (request->flags & POSTERN_HTTP_REPEATABLE) && !request->repeated && keeper->served > 0 &&
           parser->bytes == 0 && g_error_matches(error, POSTERN_ERROR, POSTERN_ERROR_UNREACHABLE);
}

static void
explain(PosternHttp *http, const HttpKeeper *keeper, const HttpRequest *request, GError **error)
{
    g_prefix_error(error,
                   "%s %s at %s port %u: ",
                   request->method,
                   request->path,
                   http->host,
                   keeper->way.port);
    run_note(http->run, "sent", g_variant_new_boolean(TRUE));
}

/* One attempt over the open connection. `again`: it is worth another one, over a new connection. */
static gboolean
attempt(PosternHttp *http,
        HttpKeeper *keeper,
        HttpRequest *request,
        HttpParser *parser,
        gboolean *again,
        GError **error)
{
    GError *problem = NULL;

    *again = FALSE;
    if (send_request(http, keeper, request, &problem) && receive(http, keeper, parser, &problem)) {
        keeper->served++;
        return TRUE;
    }
    *again = may_repeat(keeper, request, parser, problem);
    http_drop(keeper);
    if (*again) {
        request->repeated = TRUE;
        g_clear_error(&problem);
        return FALSE;
    }
    explain(http, keeper, request, &problem);
    g_propagate_error(error, problem);
    return FALSE;
}

/* ---- one request ---- */

/* TRUE: `parser` holds the answer. FALSE without `error`: once more. */
static gboolean
round_trip(
    PosternHttp *http, HttpKeeper *keeper, HttpRequest *request, HttpParser *parser, GError **error)
{
    gboolean again;

    http_login_prepare(http, keeper);
    if (!http_connect(http, request, error) ||
        !attempt(http, keeper, request, parser, &again, error))
        return FALSE;
    if (!parser->keep)
        http_drop(keeper);
    if (parser->status != 401 || http->types[0] == NULL) {
        if (request->with_login)
            http_login_worked(http, keeper);
        return TRUE;
    }
    http_login_challenged(http, keeper, request, parser, error);
    return FALSE;
}

static PosternHttpReply *
converse(PosternHttp *http, HttpRequest *request, GError **error)
{
    PosternHttpReply *reply = g_new0(PosternHttpReply, 1);
    gboolean head = strcmp(request->method, "HEAD") == 0;
    GError *problem = NULL;

    http_parser_init(&reply->parser, head, http->max_body);
    while (!round_trip(http, http_keeper(http), request, &reply->parser, &problem)) {
        http_parser_clear(&reply->parser);
        if (problem != NULL) {
            g_free(reply);
            g_propagate_error(error, problem);
            return NULL;
        }
        http_parser_init(&reply->parser, head, http->max_body);
    }
    /* made here, as the answer may be read on any thread */
    reply->body = reply->parser.body != NULL
                      ? g_byte_array_free_to_bytes(g_steal_pointer(&reply->parser.body))
                      : g_bytes_new_static("", 0);
    return reply;
}

static PosternHttpReply *
service_request(PosternHttp *http,
                const char *method,
                const char *path,
                const char *const *headers,
                GBytes *body,
                guint32 flags,
                GError **error)
{
    HttpRequest request = {
        .method = method, .path = path, .headers = headers, .body = body, .flags = flags};
    PosternHttpReply *reply;

    if (!check_request(&request, error) || !device_enter(http->device, http->run, error))
        return NULL;
    reply = converse(http, &request, error);
    device_leave(http->device);
    return reply;
}

/* ---- conversations ---- */

static void
http_free(gpointer data)
{
    PosternHttp *http = data;

    if (http->credential != NULL && run_credentials(http->run) != NULL)
        credential_session_return(run_credentials(http->run), http->credential);
    credential_unref(http->credential);
    if (http->owns_device && http->device != NULL)
        device_release(http->device);
    tls_wish_clear(&http->tls);
    g_strfreev(http->types);
    g_free(http->host);
    g_free(http);
}

static void
service_close(PosternHttp *http)
{
    if (http == NULL)
        return;
    run_forget(http->run, http->token);
    http_free(http);
}

static gboolean
read_device(PosternHttp *http, const char *other, GError **error)
{
    if (other != NULL && *other != '\0') {
        g_autofree char *key = g_ascii_strdown(other, -1);
        http->host = g_strdup(other);
        http->owns_device = TRUE;
        http->device = device_acquire(key);
        return TRUE;
    }
    http->device = run_device(http->run);
    if (http->device == NULL) {
        g_set_error_literal(error,
                            POSTERN_ERROR,
                            POSTERN_ERROR_BAD_PARAM,
                            "this task has no target, so the option host must say whom to talk to");
        return FALSE;
    }
    http->host = g_strdup(run_target(http->run)->host);
    return TRUE;
}

static void
read_times(PosternHttp *http, guint32 timeout)
{
    const RunPlan *plan = run_plan(http->run);

    http->connect_ms = timeout ? timeout : plan->connect_timeout_ms;
    http->step_ms = timeout ? timeout : plan->step_timeout_ms;
    if (http->connect_ms == 0)
        http->connect_ms = STEP_DEFAULT_MS;
    if (http->step_ms == 0)
        http->step_ms = STEP_DEFAULT_MS;
}

static gboolean
read_options(PosternHttp *http, GVariant *options, GError **error)
{
    HttpWanted wanted = {.policy = "prefer", .plain = 80, .secure = 443};
    guint32 timeout = 0, most = BODY_DEFAULT;
    const char *other = NULL;
    const OptionPlace places[] = {{"host", "s", &other},
                                  {"port", "u", &wanted.plain},
                                  {"tls-port", "u", &wanted.secure},
                                  {"tls", "s", &wanted.policy},
                                  {"credentials", "as", &http->types},
                                  {"timeout-ms", "u", &timeout},
                                  {"max-body", "u", &most},
                                  {NULL, NULL, NULL}};

    if (!options_read(options, places, error))
        return FALSE;
    if (http->types == NULL)
        http->types = g_strdupv(run_task(http->run)->credentials);
    http->max_body = most;
    read_times(http, timeout);
    return read_device(http, other, error) && tls_wish_read(&http->tls, options, error) &&
           http_read_ways(http, &wanted, error);
}

static PosternHttp *
service_open(PosternRun *run, GVariant *options, GError **error)
{
    g_autoptr(GVariant) given = options != NULL ? g_variant_ref_sink(options) : NULL;
    PosternHttp *http = g_new0(PosternHttp, 1);

    http->run = run;
    if (!read_options(http, given, error)) {
        http_free(http);
        return NULL;
    }
    http->token = run_on_end(run, http_free, http);
    return http;
}

static GVariant *
service_peer(PosternHttp *http)
{
    HttpKeeper *keeper = http_keeper(http);
    g_auto(GVariantDict) dict = G_VARIANT_DICT_INIT(NULL);
    char text[RESOLVE_TEXT];

    if (keeper->stream != NULL) {
        stream_describe(keeper->stream, &dict);
    } else if (keeper->described != NULL) {
        g_variant_dict_clear(&dict);
        g_variant_dict_init(&dict, keeper->described);
    } else if (keeper->address.length > 0) {
        g_variant_dict_insert(&dict, "address", "s", resolve_text(&keeper->address.address, text));
        g_variant_dict_insert(&dict, "port", "u", (guint32)keeper->way.port);
        g_variant_dict_insert(&dict, "tls", "b", keeper->way.tls);
    }
    if (http->accepted && http->credential != NULL)
        g_variant_dict_insert(&dict, "credential", "s", http->credential->label);
    return g_variant_ref_sink(g_variant_dict_end(&dict));
}

/* ---- answers ---- */

static guint32
service_status(PosternHttpReply *reply)
{
    return reply->parser.status;
}

static const char *
service_header(PosternHttpReply *reply, const char *name)
{
    return http_parser_header(&reply->parser, name, 0);
}

static GBytes *
service_body(PosternHttpReply *reply)
{
    return reply->body;
}

static void
service_reply_free(PosternHttpReply *reply)
{
    if (reply == NULL)
        return;
    http_parser_clear(&reply->parser);
    g_bytes_unref(reply->body);
    g_free(reply);
}

const PosternHttpSvc http_service = {
    .size = sizeof(PosternHttpSvc),
    .open = service_open,
    .request = service_request,
    .peer = service_peer,
    .close = service_close,
    .status = service_status,
    .header = service_header,
    .body = service_body,
    .reply_free = service_reply_free,
};
