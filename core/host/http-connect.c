/* SPDX-License-Identifier: Apache-2.0 */
#include "config.h"

#include "http-private.h"

#include <string.h>

/* ---- the keeper ---- */

static void
keeper_free(gpointer data)
{
    HttpKeeper *keeper = data;

    stream_close(keeper->stream, TRUE);
    tls_wish_clear(&keeper->tls);
    http_login_clear(&keeper->login);
    if (keeper->out != NULL)
        g_string_free(keeper->out, TRUE);
    g_clear_pointer(&keeper->described, g_variant_unref);
    g_free(keeper);
}

HttpKeeper *
http_keeper(PosternHttp *http)
{
    Device *device = http->device;

    if (device->keeper == NULL) {
        device->keeper = g_new0(HttpKeeper, 1);
        device->keeper_free = keeper_free;
    }
    return device->keeper;
}

void
http_drop(HttpKeeper *keeper)
{
    g_auto(GVariantDict) dict = G_VARIANT_DICT_INIT(NULL);

    if (keeper->stream == NULL)
        return;
    g_clear_pointer(&keeper->described, g_variant_unref);
    if (keeper->stream->tls != NULL) {
        stream_describe(keeper->stream, &dict);
        keeper->described = g_variant_ref_sink(g_variant_dict_end(&dict));
    }
    stream_close(g_steal_pointer(&keeper->stream), TRUE);
    keeper->logged_in = FALSE;
    keeper->served = 0;
}

/* ---- ways ---- */

typedef enum { POLICY_PREFER, POLICY_REQUIRE, POLICY_OFF } Policy;

static gboolean
read_policy(const char *word, Policy *policy, GError **error)
{
    static const char *const words[] = {"prefer", "require", "off", NULL};
    guint i = 0;

    while (words[i] != NULL && strcmp(words[i], word) != 0)
        i++;
    *policy = (Policy)i;
    if (words[i] == NULL)
        g_set_error(error,
                    POSTERN_ERROR,
                    POSTERN_ERROR_BAD_PARAM,
                    "option tls is '%.40s', expected require, prefer or off",
                    word);
    return words[i] != NULL;
}

static gboolean
read_port(const char *name, guint32 value, guint16 *port, GError **error)
{
    if (value == 0 || value > G_MAXUINT16) {
        g_set_error(error,
                    POSTERN_ERROR,
                    POSTERN_ERROR_BAD_PARAM,
                    "option %s is %u, expected a port from 1 to 65535",
                    name,
                    value);
        return FALSE;
    }
    *port = (guint16)value;
    return TRUE;
}

static void
add_way(PosternHttp *http, guint16 port, gboolean tls)
{
    http->ways[http->way_count++] = (HttpWay){port, tls};
}

gboolean
http_read_ways(PosternHttp *http, const HttpWanted *wanted, GError **error)
{
    guint16 plain, secure;
    guint16 named = http->owns_device ? 0 : run_target(http->run)->port;
    Policy policy;

    if (!read_policy(wanted->policy, &policy, error) ||
        !read_port("port", wanted->plain, &plain, error) ||
        !read_port("tls-port", wanted->secure, &secure, error))
        return FALSE;
    /* a named port that is one of the two says by itself what is spoken there */
    if (named != 0 && named == secure && policy == POLICY_PREFER)
        policy = POLICY_REQUIRE;
    else if (named != 0 && named == plain && policy == POLICY_PREFER)
        policy = POLICY_OFF;
    if (policy != POLICY_OFF)
        add_way(http, named != 0 ? named : secure, TRUE);
    if (policy != POLICY_REQUIRE)
        add_way(http, named != 0 ? named : plain, FALSE);
    return TRUE;
}

/* ---- connecting ---- */

static gboolean
try_way(PosternHttp *http, const HttpWay *way, StreamVerdict *verdict, GError **error)
{
    HttpKeeper *keeper = http_keeper(http);
    StreamWish wish = {.host = http->host,
                       .port = way->port,
                       .tls = way->tls ? &http->tls : NULL,
                       .timeout_ms = http->connect_ms};
    PosternStream *stream =
        stream_open_adaptive(http->run, &wish, &http->device->tls_legacy, verdict, error);

    if (stream == NULL)
        return FALSE;
    keeper->stream = stream;
    keeper->tap = run_plan(http->run)->tap;
    keeper->way = *way;
    keeper->served = 0;
    keeper->logged_in = FALSE;
    keeper->address = stream->peer;
    tls_wish_copy(&keeper->tls, &http->tls);
    return TRUE;
}

/* First what worked before, then the other way where that is allowed: TLS is given up only when
 * nobody there speaks it. */
static gboolean
try_ways(PosternHttp *http, GError **error)
{
    guint first = http->way_count == 2 && http->device->tls_refused == http->ways[0].port ? 1 : 0;
    g_autoptr(GError) problem = NULL, second = NULL;
    StreamVerdict verdict;
    gboolean may;

    if (try_way(http, &http->ways[first], &verdict, &problem))
        return TRUE;
    may = verdict == STREAM_REFUSED || (first == 0 && verdict == STREAM_NOT_TLS);
    if (http->way_count < 2 || !may) {
        g_propagate_error(error, g_steal_pointer(&problem));
        return FALSE;
    }
    http->device->tls_refused = 0;
    if (try_way(http, &http->ways[1 - first], &verdict, &second)) {
        http->device->tls_refused = first == 0 ? http->ways[0].port : 0;
        return TRUE;
    }
    g_propagate_prefixed_error(error,
                               g_steal_pointer(&second),
                               "%s; then %s: ",
                               problem->message,
                               first == 0 ? "plain" : "with TLS");
    return FALSE;
}

/* Whether the kept connection is one that this conversation would have made. */
static gboolean
fits(PosternHttp *http, const HttpKeeper *keeper)
{
    gboolean way = FALSE;

    for (guint i = 0; i < http->way_count; i++)
        way =
            way || (http->ways[i].port == keeper->way.port && http->ways[i].tls == keeper->way.tls);
    return way && keeper->tap == run_plan(http->run)->tap &&
           (!keeper->way.tls || tls_wish_equal(&keeper->tls, &http->tls));
}

/* A request that must not be sent twice gets a better look at the connection first. */
static gboolean
is_stale(const HttpKeeper *keeper, const HttpRequest *request)
{
    if (keeper->served == 0)
        return FALSE;
    if (request->flags & POSTERN_HTTP_REPEATABLE)
        return keeper->stream->hung || keeper->stream->ended;
    return stream_is_stale(keeper->stream);
}

gboolean
http_connect(PosternHttp *http, const HttpRequest *request, GError **error)
{
    HttpKeeper *keeper = http_keeper(http);

    if (keeper->stream != NULL && (!fits(http, keeper) || is_stale(keeper, request)))
        http_drop(keeper);
    if (keeper->stream == NULL)
        return try_ways(http, error);
    keeper->stream->run = http->run;
    return TRUE;
}
