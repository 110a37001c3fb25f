/* SPDX-License-Identifier: Apache-2.0 */
#include "config.h"

#include "options.h"
#include "stream-private.h"
#include "tap-stream.h"

#include <string.h>
#include <sys/socket.h>

enum { STEP_DEFAULT_MS = 10000 };

/* ---- options ---- */

/* What connect() and listen() take alike. Zero it before its first use. */
typedef struct {
    gboolean on;
    TlsWish tls;
    guint timeout_ms;
    const char *certificate, *key; /* borrowed from the dictionary; NULL: not given */
} StreamOptions;

static gboolean
stream_options_read(StreamOptions *options, PosternRun *run, GVariant *given, GError **error)
{
    const char *word = "off";
    guint32 timeout = 0;
    const OptionPlace places[] = {{"tls", "s", &word},
                                  {"timeout-ms", "u", &timeout},
                                  {"certificate-file", "s", &options->certificate},
                                  {"key-file", "s", &options->key},
                                  {NULL, NULL, NULL}};

    if (!options_read(given, places, error))
        return FALSE;
    options->on = strcmp(word, "require") == 0;
    options->timeout_ms = timeout > 0 ? timeout : run_plan(run)->connect_timeout_ms;
    if (options->timeout_ms == 0)
        options->timeout_ms = STEP_DEFAULT_MS;
    if (options->on || strcmp(word, "off") == 0)
        return tls_wish_read(&options->tls, given, error);
    g_set_error(error,
                POSTERN_ERROR,
                POSTERN_ERROR_BAD_PARAM,
                "option tls is '%.40s', expected require or off",
                word);
    return FALSE;
}

static GVariant *
take_options(GVariant *options)
{
    return options != NULL ? g_variant_ref_sink(options) : NULL;
}

static gboolean
check_port(guint32 port, guint32 least, GError **error)
{
    if (port >= least && port <= G_MAXUINT16)
        return TRUE;
    g_set_error(error,
                POSTERN_ERROR,
                POSTERN_ERROR_BAD_PARAM,
                "port %u is not from %u to 65535",
                port,
                least);
    return FALSE;
}

static gint64
deadline_of(gint64 timeout_ms)
{
    return timeout_ms < 0 ? -1 : g_get_monotonic_time() + timeout_ms * 1000;
}

/* ---- connecting ---- */

static void
close_at_end(gpointer data)
{
    PosternStream *stream = data;

    stream->token = 0;
    stream_close(stream, FALSE);
}

static PosternStream *
keep(PosternStream *stream)
{
    if (stream != NULL)
        stream->token = run_on_end(stream->run, close_at_end, stream);
    return stream;
}

static PosternStream *
service_connect(PosternRun *run, const char *host, guint32 port, GVariant *given, GError **error)
{
    g_autoptr(GVariant) options = take_options(given);
    StreamOptions wanted = {0};
    StreamVerdict verdict;
    gboolean unknown = FALSE;
    gboolean *legacy =
        host == NULL && run_device(run) != NULL ? &run_device(run)->tls_legacy : &unknown;
    StreamWish wish = {.host = host != NULL ? host : run_target(run)->host, .port = (guint16)port};
    PosternStream *stream = NULL;

    if (wish.host == NULL)
        g_set_error_literal(error,
                            POSTERN_ERROR,
                            POSTERN_ERROR_BAD_PARAM,
                            "this task has no target, so a host to connect to must be named");
    else if (check_port(port, 1, error) && stream_options_read(&wanted, run, options, error)) {
        wish.tls = wanted.on ? &wanted.tls : NULL;
        wish.timeout_ms = wanted.timeout_ms;
        stream = keep(stream_open_adaptive(run, &wish, legacy, &verdict, error));
    }
    tls_wish_clear(&wanted.tls);
    return stream;
}

static gssize
service_read(PosternStream *stream, void *buffer, gsize length, gint64 timeout_ms, GError **error)
{
    return stream_read(stream, buffer, length, deadline_of(timeout_ms), error);
}

static gboolean
service_write(
    PosternStream *stream, const void *data, gsize length, gint64 timeout_ms, GError **error)
{
    return run_is_cancelled(stream->run)
               ? stream_say_good_bye(stream, data, length, error)
               : stream_write(stream, data, length, deadline_of(timeout_ms), error);
}

static GVariant *
service_info(PosternStream *stream)
{
    g_auto(GVariantDict) dict = G_VARIANT_DICT_INIT(NULL);
    struct sockaddr_storage own;
    socklen_t length = sizeof own;

    stream_describe(stream, &dict);
    if (stream->watch.fd >= 0 &&
        getsockname(stream->watch.fd, (struct sockaddr *)&own, &length) == 0)
        g_variant_dict_insert(&dict, "local-port", "u", (guint32)resolve_port(&own));
    return g_variant_ref_sink(g_variant_dict_end(&dict));
}

static void
service_close(PosternStream *stream)
{
    stream_close(stream, FALSE);
}

/* ---- listening ---- */

static TlsContext *
serving_context(const StreamOptions *wanted, GError **error)
{
    if (wanted->certificate == NULL && wanted->tls.psk == NULL) {
        g_set_error_literal(error,
                            POSTERN_ERROR,
                            POSTERN_ERROR_BAD_PARAM,
                            "listening with TLS needs certificate-file (and key-file), or a "
                            "pre-shared key");
        return NULL;
    }
    return tls_context_serve(wanted->certificate, wanted->key, &wanted->tls, error);
}

static PosternListener *
service_listen(PosternRun *run, const char *address, guint32 port, GVariant *given, GError **error)
{
    g_autoptr(GVariant) options = take_options(given);
    StreamOptions wanted = {0};
    TlsContext *context = NULL;
    PosternListener *listener = NULL;

    if (run_plan(run)->tap != NULL && tap_keeps(run_plan(run)->tap))
        g_set_error_literal(error,
                            POSTERN_ERROR,
                            POSTERN_ERROR_NOT_SUPPORTED,
                            "what comes in through a listener is neither recorded nor replayed; "
                            "run this task without --record and --replay");
    else if (check_port(port, 0, error) && stream_options_read(&wanted, run, options, error) &&
             (!wanted.on || (context = serving_context(&wanted, error)) != NULL))
        listener = listener_new(run,
                                address != NULL ? address : "127.0.0.1",
                                (guint16)port,
                                context,
                                wanted.timeout_ms,
                                error);
    tls_wish_clear(&wanted.tls);
    return listener;
}

static PosternStream *
service_accept(PosternListener *listener, gint64 timeout_ms, GError **error)
{
    return keep(listener_accept(listener, deadline_of(timeout_ms), error));
}

const PosternStreamSvc stream_service = {
    .size = sizeof(PosternStreamSvc),
    .connect = service_connect,
    .listen = service_listen,
    .accept = service_accept,
    .read = service_read,
    .write = service_write,
    .info = service_info,
    .listener_info = listener_info,
    .close = service_close,
    .close_listener = listener_close,
};
