/* SPDX-License-Identifier: Apache-2.0 */
/* The conversation: requests out, answers checked, one after another. */
#include "wsman-internal.h"

#include <string.h>

const char *
wsman_class_of(const char *resource_uri)
{
    const char *slash = strrchr(resource_uri, '/');

    return slash == NULL ? resource_uri : slash + 1;
}

static void
no_prefix(const WsmanProfile *profile, const char *class_name, GError **error)
{
    g_autoptr(GString) known = g_string_new(NULL);

    for (const WsmanPrefix *row = profile->prefixes; row->prefix != NULL; row++)
        g_string_append_printf(known, "%s%s", known->len > 0 ? ", " : "", row->prefix);
    postern_fail(error,
                 POSTERN_ERROR_BAD_PARAM,
                 "class '%s' begins with none of %s; give its resource URI in place of the name",
                 class_name,
                 known->str);
}

char *
wsman_resource_uri(const WsmanProfile *profile, const char *class_name, GError **error)
{
    if (!wsman_name_valid(wsman_class_of(class_name))) {
        postern_fail(error,
                     POSTERN_ERROR_BAD_PARAM,
                     "'%s' is no class name, expected one such as CIM_Chip or a resource URI",
                     class_name);
        return NULL;
    }
    if (strstr(class_name, "://") != NULL) {
        if (strpbrk(class_name, "<>\"& \t\r\n") == NULL)
            return g_strdup(class_name);
        postern_fail(error, POSTERN_ERROR_BAD_PARAM, "'%s' is no resource URI", class_name);
        return NULL;
    }
    for (const WsmanPrefix *row = profile->prefixes; row->prefix != NULL; row++)
        if (g_str_has_prefix(class_name, row->prefix))
            return g_strconcat(row->uri, class_name, NULL);
    no_prefix(profile, class_name, error);
    return NULL;
}

GVariant *
wsman_epr(const char *class_name, ...)
{
    GVariantBuilder selectors;
    GVariantBuilder epr;
    const char *name = NULL;
    va_list args;

    g_variant_builder_init(&selectors, G_VARIANT_TYPE_VARDICT);
    va_start(args, class_name);
    while ((name = va_arg(args, const char *)) != NULL)
        dict_add(&selectors, name, g_variant_new_string(va_arg(args, const char *)));
    va_end(args);
    g_variant_builder_init(&epr, G_VARIANT_TYPE_VARDICT);
    dict_add(&epr, "class", g_variant_new_string(class_name));
    dict_add(&epr, "selectors", g_variant_builder_end(&selectors));
    return g_variant_builder_end(&epr);
}

static gboolean
open_http(WsMan *ws, GError **error)
{
    ws->http = ws->svc->http->open(ws->run, ws->options, error);
    return ws->http != NULL;
}

static void
forget_reply(WsMan *ws)
{
    ws->svc->http->reply_free(ws->reply);
    ws->reply = NULL;
    g_clear_pointer(&ws->failed, wsman_message_free);
    ws->failed_status = 0;
}

WsMan *
wsman_open(const PosternServices *svc,
           PosternRun *run,
           const WsmanProfile *profile,
           GVariant *http_options,
           GError **error)
{
    g_autoptr(WsMan) ws = g_new0(WsMan, 1);

    ws->svc = svc;
    ws->run = run;
    ws->profile = profile;
    ws->options = http_options == NULL ? NULL : g_variant_ref_sink(http_options);
    ws->next_id = 1;
    return open_http(ws, error) ? g_steal_pointer(&ws) : NULL;
}

static void
note_fault(WsMan *ws)
{
    const PosternRunSvc *run = ws->svc->run;
    guint32 number = (guint32)MIN(ws->failed->fault_code, G_MAXUINT32);
    const char *name = ws->profile->status_name == NULL ? NULL : ws->profile->status_name(number);

    run->note(ws->run, "fault", g_variant_new_string(ws->failed->fault));
    if (ws->failed->fault_detail[0] != '\0')
        run->note(ws->run, "fault-detail", g_variant_new_string(ws->failed->fault_detail));
    run->note(ws->run, "http-status", g_variant_new_uint32(ws->failed_status));
    if (number != 0)
        run->note(ws->run, "device-code", g_variant_new_uint32(number));
    if (number != 0 && name != NULL)
        run->note(ws->run, "device-code-name", g_variant_new_string(name));
}

void
wsman_close(WsMan *ws)
{
    if (ws == NULL)
        return;
    if (ws->failed != NULL)
        note_fault(ws);
    forget_reply(ws);
    ws->svc->http->close(ws->http);
    g_clear_pointer(&ws->options, g_variant_unref);
    g_free(ws->user);
    g_free(ws);
}

const char *
wsman_fault(WsMan *ws)
{
    return ws->failed == NULL ? NULL : ws->failed->fault;
}

gboolean
wsman_absent(WsMan *ws)
{
    return wsman_fault_absent(wsman_fault(ws));
}

GVariant *
wsman_peer(WsMan *ws)
{
    return ws->svc->http->peer(ws->http);
}

const char *
wsman_http_header(WsMan *ws, const char *name)
{
    return ws->reply == NULL ? NULL : ws->svc->http->header(ws->reply, name);
}

/* What an answer that is no SOAP says by its status. Never a wrong password: the host has seen to that. */
static void
status_error(WsMan *ws, const char *what, guint32 status, GError **error)
{
    static const struct {
        guint32 status;
        PosternError code;
        const char *words;
    } table[] = {
        {401, POSTERN_ERROR_AUTH, "it wants a login"},
        {403, POSTERN_ERROR_FORBIDDEN, "this account has no right to it"},
        {404, POSTERN_ERROR_NOT_DETECTED, "there is no WS-Management at this path"},
        {503, POSTERN_ERROR_BUSY, "it is busy, try again later"},
    };

    ws->svc->run->note(ws->run, "http-status", g_variant_new_uint32(status));
    for (guint i = 0; i < G_N_ELEMENTS(table); i++) {
        if (table[i].status != status)
            continue;
        postern_fail(error,
                     table[i].code,
                     "%s: the device answered HTTP %u: %s",
                     what,
                     status,
                     table[i].words);
        return;
    }
    const char *type = ws->svc->http->header(ws->reply, "Content-Type");
    postern_fail(
        error,
        POSTERN_ERROR_PROTOCOL,
        "%s: the device answered HTTP %u with a body of type '%.64s', expected a SOAP envelope",
        what,
        status,
        type == NULL ? "" : type);
}

static gboolean
looks_like_soap(GBytes *body)
{
    gsize length = 0;
    const char *text = g_bytes_get_data(body, &length);

    while (length > 0 && g_ascii_isspace(*text)) {
        text++;
        length--;
    }
    if (length >= 3 && memcmp(text, "\xef\xbb\xbf", 3) == 0)
        return TRUE;
    if (length < 6 || text[0] != '<')
        return FALSE;
    return g_ascii_strncasecmp(text, "<!doct", 6) != 0 &&
           g_ascii_strncasecmp(text, "<html", 5) != 0;
}

static PosternHttpReply *
post(WsMan *ws, GBytes *body, gboolean reads, GError **error)
{
    static const char *const headers[] = {
        "Content-Type", "application/soap+xml;charset=UTF-8", NULL};
    const PosternHttpSvc *http = ws->svc->http;
    guint32 flags = reads ? POSTERN_HTTP_REPEATABLE : 0;

    PosternHttpReply *reply =
        http->request(ws->http, "POST", ws->profile->path, headers, body, flags, error);
    if (reply == NULL || !reads || !ws->profile->repeat_500 || http->status(reply) != 500)
        return reply;
    http->reply_free(reply);
    return http->request(ws->http, "POST", ws->profile->path, headers, body, flags, error);
}

/* An answer to another question: nothing on this connection can be trusted any more. */
static void
mismatch(WsmanRequest *request, const WsmanMessage *message, GError **error)
{
    WsMan *ws = request->ws;

    postern_fail(error,
                 POSTERN_ERROR_PROTOCOL,
                 "%s: the answer relates to message '%.40s', expected '%u'",
                 request->what,
                 message->relates_to == NULL ? "" : message->relates_to,
                 request->id);
    forget_reply(ws);
    ws->svc->http->close(ws->http);
    ws->http = NULL;
}

/* A fault may come without RelatesTo: its sender may not have understood the question. */
static gboolean
relates(const WsmanRequest *request, const WsmanMessage *message)
{
    g_autofree char *id = g_strdup_printf("%u", request->id);

    if (request->bare || (message->relates_to == NULL && message->fault != NULL))
        return TRUE;
    return g_strcmp0(message->relates_to, id) == 0;
}

static WsmanMessage *
check_answer(WsmanRequest *request, GError **error)
{
    WsMan *ws = request->ws;
    guint32 status = ws->svc->http->status(ws->reply);
    GBytes *body = ws->svc->http->body(ws->reply);
    g_autoptr(WsmanMessage) message = NULL;
    gsize length = 0;

    if (status != 200 && !looks_like_soap(body)) {
        status_error(ws, request->what, status, error);
        return NULL;
    }
    const guint8 *data = g_bytes_get_data(body, &length);
    message = wsman_message_parse_some(ws->profile, request->only, data, length, error);
    if (message == NULL) {
        ws->svc->run->note(ws->run, "http-status", g_variant_new_uint32(status));
        g_prefix_error(error, "%s: HTTP %u: ", request->what, status);
        return NULL;
    }
    if (!relates(request, message)) {
        mismatch(request, message, error);
        return NULL;
    }
    if (message->fault == NULL && status == 200)
        return g_steal_pointer(&message);
    if (message->fault == NULL) {
        status_error(ws, request->what, status, error);
        return NULL;
    }
    wsman_fault_error(ws->profile, message, request->what, error);
    ws->failed = g_steal_pointer(&message);
    ws->failed_status = status;
    return NULL;
}

/* Who is logged in can be asked of the host only as long as the login works. */
static void
note_user(WsMan *ws)
{
    const PosternCredentialSvc *credentials = ws->svc->credentials;

    if (ws->let_in)
        return;
    ws->let_in = TRUE;
    if (POSTERN_CAN(credentials, foresee))
        ws->user = g_strdup(credentials->foresee(ws->run, NULL, "user"));
}

/* Some devices say no to who was let in before by asking for a login once more. */
static void
explain_refusal(WsMan *ws, GError **why)
{
    gboolean right = g_error_matches(*why, POSTERN_ERROR, POSTERN_ERROR_FORBIDDEN) ||
                     (ws->let_in && g_error_matches(*why, POSTERN_ERROR, POSTERN_ERROR_AUTH));

    if (right && ws->profile->refused != NULL)
        ws->profile->refused(ws->svc, ws->run, ws->user, why);
}

static WsmanMessage *
exchange(WsmanRequest *request, GError **error)
{
    WsMan *ws = request->ws;
    g_autoptr(GBytes) body = NULL;

    g_string_append(request->xml, "</s:Body></s:Envelope>");
    body = g_string_free_to_bytes(g_steal_pointer(&request->xml));
    forget_reply(ws);
    if (ws->http == NULL && !open_http(ws, error))
        return NULL;
    ws->reply = post(ws, body, request->reads, error);
    if (ws->reply == NULL) {
        g_prefix_error(error, "%s: ", request->what);
        return NULL;
    }
    note_user(ws);
    return check_answer(request, error);
}

WsmanMessage *
wsman_exchange(WsmanRequest *request, GError **error)
{
    GError *why = NULL;
    WsmanMessage *message = exchange(request, &why);

    if (message != NULL)
        return message;
    explain_refusal(request->ws, &why);
    g_propagate_error(error, why);
    return NULL;
}

void
wsman_begin(WsmanRequest *request, WsMan *ws, const char *action, const char *uri)
{
    request->ws = ws;
    request->id = ws->next_id++;
    request->xml = g_string_sized_new(2048);
    g_string_append_printf(
        request->xml,
        "<?xml version=\"1.0\" encoding=\"UTF-8\"?><s:Envelope xmlns:s=\"" NS_SOAP
        "\" xmlns:a=\"" NS_ADDRESSING "\" xmlns:w=\"" NS_WSMAN
        "\"><s:Header><a:Action>%s</a:Action><a:To>%s</a:To><w:ResourceURI>%s</w:ResourceURI>"
        "<a:MessageID>%u</a:MessageID><a:ReplyTo><a:Address>" ANONYMOUS
        "</a:Address></a:ReplyTo><w:OperationTimeout>PT60S</w:OperationTimeout>",
        action,
        ws->profile->path,
        uri,
        request->id);
}

gboolean
wsman_begin_body(WsmanRequest *request, GVariant *selectors, GError **error)
{
    if (!wsman_append_selectors(request->xml, request->ws->profile, selectors, error)) {
        g_string_free(g_steal_pointer(&request->xml), TRUE);
        return FALSE;
    }
    g_string_append(request->xml, "</s:Header><s:Body>");
    return TRUE;
}
