/* SPDX-License-Identifier: Apache-2.0 */
#include "fake-host.h"

#include <string.h>

/* An answer: its headers and text are the step's, but for the MessageID. */
typedef struct {
    const FakeStep *step;
    GBytes *body;
    GPtrArray *values; /* header values handed out */
} FakeReply;

static FakeHost *
fake_of(gconstpointer handle)
{
    union {
        gconstpointer in;
        FakeHost *out;
    } cast = {.in = handle};

    return cast.out;
}

PosternRun *
fake_run(FakeHost *fake)
{
    return (PosternRun *)fake;
}

static const char *
target(PosternRun *run)
{
    return "fake";
}

static guint32
port(PosternRun *run)
{
    return 0;
}

static void
progress(PosternRun *run, double part, const char *words)
{
}

static gboolean
row(PosternRun *run, GVariant *values, GError **error)
{
    g_ptr_array_add(fake_of(run)->rows, g_variant_ref_sink(values));
    return TRUE;
}

static void
note(PosternRun *run, const char *name, GVariant *value)
{
    g_hash_table_insert(fake_of(run)->notes, g_strdup(name), g_variant_ref_sink(value));
}

static void
log_line(PosternRun *run, GLogLevelFlags level, const char *text)
{
}

static gboolean
cancelled(PosternRun *run)
{
    return FALSE;
}

static gint64
remaining_ms(PosternRun *run)
{
    return G_MAXINT64;
}

static gboolean
sleep_ms(PosternRun *run, guint32 ms, GError **error)
{
    fake_of(run)->slept_ms += ms;
    return TRUE;
}

static const PosternRunSvc run_svc = {
    .size = sizeof(PosternRunSvc),
    .target = target,
    .host = target,
    .port = port,
    .progress = progress,
    .row = row,
    .note = note,
    .log = log_line,
    .cancelled = cancelled,
    .remaining_ms = remaining_ms,
    .sleep = sleep_ms,
};

static PosternHttp *
http_open(PosternRun *run, GVariant *options, GError **error)
{
    FakeHost *fake = fake_of(run);

    g_clear_pointer(&fake->options, g_variant_unref);
    fake->options = options == NULL ? NULL : g_variant_ref_sink(options);
    fake->opened++;
    return (PosternHttp *)fake;
}

static char *
message_id(const char *request)
{
    const char *start = strstr(request, "<a:MessageID>");
    const char *end = start == NULL ? NULL : strstr(start, "</a:MessageID>");

    if (end == NULL)
        return g_strdup("");
    start += strlen("<a:MessageID>");
    return g_strndup(start, (gsize)(end - start));
}

static GBytes *
answer_body(const FakeStep *step, const char *request)
{
    g_autofree char *id = message_id(request);
    g_autoptr(GString) text = g_string_new(step->body);

    g_string_replace(text, "%ID%", id, 0);
    return g_string_free_to_bytes(g_steal_pointer(&text));
}

static const FakeStep *
next_step(FakeHost *fake, const char *request)
{
    const FakeStep *step;

    if (fake->next >= fake->n_steps)
        g_error("request that no step answers: %s", request);
    step = &fake->steps[fake->next];
    if (!fake->repeat_last || fake->next + 1 < fake->n_steps)
        fake->next++;
    return step;
}

static PosternHttpReply *
http_request(PosternHttp *http,
             const char *method,
             const char *path,
             const char *const *headers,
             GBytes *body,
             guint32 flags,
             GError **error)
{
    FakeHost *fake = fake_of(http);
    gsize length = 0;
    const char *text = body == NULL ? "" : g_bytes_get_data(body, &length);
    char *request = g_strdup_printf("%s %s\n%.*s", method, path, (int)length, text);

    g_ptr_array_add(fake->requests, request);
    const FakeStep *step =
        fake->answer != NULL ? fake->answer(fake, request) : next_step(fake, request);
    if (step->expect != NULL && strstr(request, step->expect) == NULL)
        g_error("expected '%s' in request: %s", step->expect, request);
    if (step->error > 0) {
        g_set_error(error, POSTERN_ERROR, step->error, "as the script wants");
        return NULL;
    }
    FakeReply *reply = g_new0(FakeReply, 1);
    reply->step = step;
    reply->values = g_ptr_array_new_with_free_func(g_free);
    reply->body = answer_body(step, request);
    return (PosternHttpReply *)reply;
}

static GVariant *
http_peer(PosternHttp *http)
{
    static const char text[] = "{'address': <'127.0.0.1'>, 'port': <uint32 16993>, 'tls': <true>, "
                               "'tls-version': <'TLSv1.2'>}";

    return g_variant_ref_sink(g_variant_new_parsed(text));
}

static void
http_close(PosternHttp *http)
{
    if (http != NULL)
        fake_of(http)->closed++;
}

static guint32
reply_status(PosternHttpReply *reply)
{
    return ((FakeReply *)reply)->step->status;
}

static const char *
reply_header(PosternHttpReply *handle, const char *name)
{
    FakeReply *reply = (FakeReply *)handle;
    const char *headers = reply->step->headers;
    g_auto(GStrv) lines = headers == NULL ? NULL : g_strsplit(headers, "\n", -1);

    for (guint i = 0; lines != NULL && lines[i] != NULL; i++) {
        gsize length = strlen(name);
        if (g_ascii_strncasecmp(lines[i], name, length) != 0 || lines[i][length] != ':')
            continue;
        char *value = g_strdup(g_strchug(lines[i] + length + 1));
        g_ptr_array_add(reply->values, value);
        return value;
    }
    return NULL;
}

static GBytes *
reply_body(PosternHttpReply *reply)
{
    return ((FakeReply *)reply)->body;
}

static void
reply_free(PosternHttpReply *handle)
{
    FakeReply *reply = (FakeReply *)handle;

    if (reply == NULL)
        return;
    g_bytes_unref(reply->body);
    g_ptr_array_unref(reply->values);
    g_free(reply);
}

static const PosternHttpSvc http_svc = {
    .size = sizeof(PosternHttpSvc),
    .open = http_open,
    .request = http_request,
    .peer = http_peer,
    .close = http_close,
    .status = reply_status,
    .header = reply_header,
    .body = reply_body,
    .reply_free = reply_free,
};

FakeHost *
fake_host_new(const FakeStep *steps, gsize n_steps)
{
    FakeHost *fake = g_new0(FakeHost, 1);

    fake->svc.run = &run_svc;
    fake->svc.http = &http_svc;
    fake->steps = steps;
    fake->n_steps = n_steps;
    fake->requests = g_ptr_array_new_with_free_func(g_free);
    fake->rows = g_ptr_array_new_with_free_func((GDestroyNotify)g_variant_unref);
    fake->notes =
        g_hash_table_new_full(g_str_hash, g_str_equal, g_free, (GDestroyNotify)g_variant_unref);
    return fake;
}

void
fake_host_free(FakeHost *fake)
{
    if (fake == NULL)
        return;
    g_assert_cmpuint(fake->opened, ==, fake->closed);
    g_ptr_array_unref(fake->requests);
    g_ptr_array_unref(fake->rows);
    g_hash_table_unref(fake->notes);
    g_clear_pointer(&fake->options, g_variant_unref);
    g_free(fake);
}

const char *
fake_request(FakeHost *fake, guint n)
{
    g_assert_cmpuint(n, <, fake->requests->len);
    return g_ptr_array_index(fake->requests, n);
}

void
fake_host_done(FakeHost *fake)
{
    g_assert_cmpuint(fake->next, ==, fake->n_steps);
}
