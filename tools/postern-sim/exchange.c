/* SPDX-License-Identifier: Apache-2.0 */
#include "config.h"

#include "accounts.h"
#include "challenge.h"
#include "exchange.h"
#include "logs.h"
#include "power.h"
#include "sim.h"
#include "soap.h"

#include <string.h>

typedef struct {
    Device *device;
    char *method, *target, *authorization;
    const char *body;
    gsize head, length; /* bytes of the head with its empty line, and of the body */
    guint refuse;       /* a status when the head itself is wrong */
    gboolean close;
    GString *out;
    ExchangeResult *result;
} Exchange;

/* ---- reading the head ---- */

static void
read_header(Exchange *exchange, const char *line)
{
    const char *colon = strchr(line, ':');
    g_autofree char *name = NULL, *value = NULL;
    guint64 number;

    if (colon == NULL) {
        exchange->refuse = 400;
        return;
    }
    name = g_ascii_strdown(line, colon - line);
    value = g_strstrip(g_strdup(colon + 1));
    if (g_str_equal(name, "content-length")) {
        if (!g_ascii_string_to_unsigned(value, 10, 0, G_MAXINT32, &number, NULL))
            exchange->refuse = 400;
        else if (number > EXCHANGE_BODY_MAX)
            exchange->refuse = 413;
        else
            exchange->length = (gsize)number;
    } else if (g_str_equal(name, "transfer-encoding")) {
        exchange->refuse = 411; /* the firmware wants a length */
    } else if (g_str_equal(name, "authorization")) {
        g_free(exchange->authorization);
        exchange->authorization = g_steal_pointer(&value);
    } else if (g_str_equal(name, "connection")) {
        exchange->close = g_ascii_strcasecmp(value, "close") == 0;
    }
}

static void
read_request_line(Exchange *exchange, const char *line)
{
    g_auto(GStrv) words = g_strsplit(line, " ", -1);

    if (g_strv_length(words) != 3 || !g_str_has_prefix(words[2], "HTTP/1.")) {
        exchange->refuse = 400;
        exchange->method = g_strdup("");
        exchange->target = g_strdup("");
        return;
    }
    exchange->close = g_str_equal(words[2], "HTTP/1.0");
    exchange->method = g_strdup(words[0]);
    exchange->target = g_strdup(words[1]);
}

/* FALSE while the head is not complete. */
static gboolean
read_head(Exchange *exchange, const char *input, gsize length)
{
    const char *end = g_strstr_len(input, (gssize)length, "\r\n\r\n");
    g_autofree char *head = NULL;
    g_auto(GStrv) lines = NULL;

    if (end == NULL && length < EXCHANGE_HEAD_MAX)
        return FALSE;
    if (end == NULL || memchr(input, '\0', (gsize)(end - input)) != NULL) {
        exchange->refuse = 400;
        exchange->method = g_strdup("");
        exchange->target = g_strdup("");
        return TRUE;
    }
    exchange->head = (gsize)(end - input) + 4;
    head = g_strndup(input, (gsize)(end - input));
    lines = g_strsplit(head, "\r\n", -1);
    read_request_line(exchange, lines[0] != NULL ? lines[0] : "");
    for (guint i = 1; lines[0] != NULL && lines[i] != NULL && exchange->refuse == 0; i++)
        read_header(exchange, lines[i]);
    return TRUE;
}

/* ---- writing ---- */

void
exchange_chunk(const Model *model, const char *body, gsize length, GString *out)
{
    guint turn = 0;

    while (length > 0) {
        gsize size = model->chunks[turn] != 0 ? model->chunks[turn] : length;
        size = MIN(size, length);
        if (model->chunks[turn] == 0 || model->chunks[++turn] == 0)
            turn = 0;
        g_string_append_printf(out, "%04X\r\n", (guint)size);
        g_string_append_len(out, body, (gssize)size);
        g_string_append(out, "\r\n");
        body += size;
        length -= size;
    }
    g_string_append(out, "0\r\n\r\n");
}

static const char *
reason_of(guint status)
{
    static const struct {
        guint status;
        const char *reason;
    } reasons[] = {
        {200, "OK"},
        {303, "See Other"},
        {400, "Bad Request"},
        {401, "Unauthorized"},
        {403, "Forbidden"},
        {404, "Not Found"},
        {405, "Method Not Allowed"},
        {411, "Length Required"},
        {413, "Request Entity Too Large"},
        {500, "Internal Server Error"},
        {503, "Service Unavailable"},
    };

    for (guint i = 0; i < G_N_ELEMENTS(reasons); i++)
        if (reasons[i].status == status)
            return reasons[i].reason;
    return "Error";
}

/* Dates are dear to format and the same for a whole second. */
static const char *
date_now(void)
{
    static char text[64];
    static gint64 second;
    gint64 now = g_get_real_time() / G_USEC_PER_SEC;
    g_autoptr(GDateTime) when = NULL;
    g_autofree char *fresh = NULL;

    if (now == second)
        return text;
    when = g_date_time_new_from_unix_utc(now);
    fresh = g_date_time_format(when, "%a, %d %b %Y %H:%M:%S GMT");
    g_strlcpy(text, fresh, sizeof text);
    second = now;
    return text;
}

static void
begin(Exchange *exchange, guint status)
{
    g_string_append_printf(exchange->out,
                           "HTTP/1.1 %u %s\r\nDate: %s\r\nServer: %s\r\n",
                           status,
                           reason_of(status),
                           date_now(),
                           exchange->device->model->server);
}

static void
end_head(Exchange *exchange)
{
    if (exchange->close)
        g_string_append(exchange->out, "Connection: close\r\n");
    g_string_append(exchange->out, "\r\n");
    exchange->result->close = exchange->close;
}

/* A page of about the size that real devices send. */
static void
answer_page(Exchange *exchange, guint status, const char *title)
{
    g_autoptr(GString) page = g_string_new(NULL);

    g_string_append_printf(
        page,
        "<!DOCTYPE HTML PUBLIC \"-//W3C//DTD HTML 4.01 Transitional//EN\">\r\n<html><head>"
        "<meta http-equiv=\"Content-Type\" content=\"text/html; charset=utf-8\">"
        "<title>Simulated AMT device: %s</title></head>\r\n<body bgcolor=\"#ffffff\"><h1>%s</h1>"
        "<p>This page was made by a simulator. A device of this kind answers in HTML whenever it "
        "has not got as far as WS-Management: a client shows the status, not this text.</p>",
        title,
        title);
    while (page->len < 668)
        g_string_append(page, "<!-- -->");
    g_string_append(page, "</body></html>\r\n");
    g_string_append_printf(exchange->out,
                           "Content-Type: text/html\r\nContent-Length: %" G_GSIZE_FORMAT "\r\n",
                           page->len);
    end_head(exchange);
    g_string_append_len(exchange->out, page->str, (gssize)page->len);
}

static guint
answer_status(Exchange *exchange, guint status)
{
    begin(exchange, status);
    answer_page(exchange, status, reason_of(status));
    return status;
}

static guint
answer_401(Exchange *exchange, gboolean stale)
{
    g_autofree char *challenge = challenge_make(exchange->device, stale);

    if (exchange->device->model->close_after_401)
        exchange->close = TRUE;
    begin(exchange, 401);
    g_string_append_printf(
        exchange->out, "%s: %s\r\n", exchange->device->model->challenge_header, challenge);
    answer_page(exchange, 401, reason_of(401));
    return 401;
}

static void
note_wrong_login(Exchange *exchange)
{
    g_autofree char *user = challenge_field(exchange->authorization, "username");

    if (user != NULL && strlen(user) > ACCOUNT_NAME_MAX)
        user[ACCOUNT_NAME_MAX] = '\0'; /* as no account is called */
    exchange->device->logins_failed++;
    logs_login_failed(exchange->device, user);
}

/* TRUE when the request carries a login; else the answer is written and `status` set. */
static gboolean
check_login(Exchange *exchange, guint *status)
{
    Device *device = exchange->device;
    ChallengeResult login = challenge_check(device,
                                            exchange->authorization,
                                            exchange->method,
                                            exchange->target,
                                            exchange->body,
                                            exchange->length);

    if (device_fault(device, FAULT_401_FOREVER) != NULL && login == CHALLENGE_OK)
        login = CHALLENGE_WRONG;
    if (login == CHALLENGE_WRONG)
        note_wrong_login(exchange);
    exchange->result->login_ok = login == CHALLENGE_OK;
    if (login != CHALLENGE_OK)
        *status = answer_401(exchange, login == CHALLENGE_STALE);
    return login == CHALLENGE_OK;
}

/* ---- WS-Management ---- */

static void
append_huge(GString *out, gint64 size)
{
    const char *open = "<a:Envelope xmlns:a=\"http://www.w3.org/2003/05/soap-envelope\"><a:Body>";

    g_string_append(out, open);
    while ((gint64)out->len < size)
        g_string_append(out, "<a:Nothing></a:Nothing>");
    g_string_append(out, "</a:Body></a:Envelope>");
}

/* What the faults make of a finished body. */
static void
spoil_body(Device *device, GString *body)
{
    const Fault *huge = device_fault(device, FAULT_HUGE);

    if (huge != NULL) {
        g_string_truncate(body, 0);
        append_huge(body, huge->number);
    }
    if (device_fault(device, FAULT_NOT_XML) != NULL)
        g_string_overwrite(body, body->len > 40 ? 40 : 0, "<&");
}

static void
append_garbage(GString *out)
{
    for (guint i = 0; i < 512; i++)
        g_string_append_c(out, (char)g_random_int());
}

static void
send_body(Exchange *exchange, guint status, const GString *body)
{
    const Fault *truncate = device_fault(exchange->device, FAULT_TRUNCATE);
    const Fault *longer = device_fault(exchange->device, FAULT_BAD_LENGTH);
    gsize start;

    begin(exchange, status);
    g_string_append_printf(
        exchange->out, "Content-Type: %s\r\n", exchange->device->model->content_type);
    if (longer != NULL)
        g_string_append_printf(exchange->out,
                               "Content-Length: %" G_GINT64_FORMAT "\r\n",
                               (gint64)body->len + longer->number);
    else
        g_string_append(exchange->out, "Transfer-Encoding: chunked\r\n");
    end_head(exchange);
    start = exchange->out->len;
    if (longer != NULL)
        g_string_append_len(exchange->out, body->str, (gssize)body->len);
    else
        exchange_chunk(exchange->device->model, body->str, body->len, exchange->out);
    if (truncate != NULL && exchange->out->len - start > (gsize)truncate->number)
        g_string_truncate(exchange->out, start + (gsize)truncate->number);
    if (truncate != NULL || longer != NULL)
        exchange->result->close = TRUE;
}

static guint
serve_wsman(Exchange *exchange)
{
    Device *device = exchange->device;
    const Fault *http = device_fault(device, FAULT_HTTP);
    g_autoptr(GString) body = NULL;
    SoapNote note = {"(not looked at)", "", FALSE};
    g_autofree char *caller = NULL;
    const Account *account;
    guint status;

    if (!check_login(exchange, &status)) {
        device_note(device, "login", "/wsman", status);
        return status;
    }
    if (http != NULL) {
        status = answer_status(exchange, (guint)http->number);
        device_note(device, note.action, note.target, status);
        return status;
    }
    body = g_string_sized_new(4096);
    account = accounts_by_handle(device, device->caller_handle);
    /* a copy: what is asked for may be the end of this account */
    caller = g_strdup(account != NULL ? account->name : accounts_admin(device));
    device->caller = caller;
    power_state(device, g_get_monotonic_time()); /* what a start used up is gone for this request */
    status = soap_serve(device, exchange->body, exchange->length, body, &note);
    device->caller = NULL;
    exchange->close |= device->unprovisioned;
    device_note(device, note.action, note.target, status);
    if (status == 401)
        return answer_401(exchange, FALSE);
    if (device->loses_answer || (note.acted && device_fault(device, FAULT_LOST_ANSWER) != NULL)) {
        device->loses_answer = FALSE;
        exchange->result->drop = TRUE;
        return status;
    }
    if (device_fault(device, FAULT_GARBAGE) != NULL) {
        append_garbage(exchange->out);
        exchange->result->close = TRUE;
        return status;
    }
    spoil_body(device, body);
    send_body(exchange, status, body);
    return status;
}

/* ---- pages ---- */

static void
serve_page(Exchange *exchange)
{
    const char *target = exchange->target;
    guint status = 404;

    if (g_str_equal(target, "/")) {
        status = 303;
        begin(exchange, status);
        g_string_append(exchange->out, "Location: /logon.htm\r\nContent-Length: 0\r\n");
        end_head(exchange);
    } else if (g_str_equal(target, "/logon.htm")) {
        status = answer_status(exchange, 200);
    } else if (g_str_has_suffix(target, ".htm") || g_str_equal(target, "/wsman")) {
        if (check_login(exchange, &status))
            status = answer_status(exchange, g_str_equal(target, "/index.htm") ? 200 : 404);
    } else {
        answer_status(exchange, 404);
    }
    device_note(exchange->device, soap_name(exchange->method), soap_name(target), status);
}

static void
serve(Exchange *exchange)
{
    exchange->result->served = TRUE;
    if (exchange->device->unprovisioned) {
        exchange->result->drop = TRUE;
        return;
    }
    if (g_str_equal(exchange->method, "POST") && g_str_equal(exchange->target, "/wsman")) {
        serve_wsman(exchange);
        return;
    }
    if (g_str_equal(exchange->method, "GET")) {
        serve_page(exchange);
        return;
    }
    device_note(exchange->device,
                soap_name(exchange->method),
                soap_name(exchange->target),
                answer_status(exchange, g_str_equal(exchange->method, "POST") ? 404 : 405));
}

ExchangeProgress
exchange_run(Device *device, const char *input, gsize length, GString *out, ExchangeResult *result)
{
    Exchange exchange = {.device = device, .out = out, .result = result};
    ExchangeProgress progress = EXCHANGE_DONE;

    memset(result, 0, sizeof *result);
    if (!read_head(&exchange, input, length))
        return EXCHANGE_MORE;
    if (exchange.refuse != 0) {
        /* where the next request begins is not known any more */
        exchange.close = TRUE;
        result->used = length;
        result->unread = TRUE;
        answer_status(&exchange, exchange.refuse);
        device_note(device, "(bad request)", "", exchange.refuse);
    } else if (length - exchange.head < exchange.length) {
        progress = EXCHANGE_MORE;
    } else {
        exchange.body = input + exchange.head;
        result->used = exchange.head + exchange.length;
        serve(&exchange);
    }
    g_free(exchange.method);
    g_free(exchange.target);
    g_free(exchange.authorization);
    return progress;
}
