/* SPDX-License-Identifier: Apache-2.0 */
/* Enumerations: to the end, however the device cuts them; released when they are not wanted any more. */
#include "wsman-internal.h"

/* Firmware holds hundreds of instances at most; a device that goes on for ever is not believed. */
#define MAX_PULLS       4096
#define MAX_EMPTY_PULLS 16
/* Windows' way to say that nothing came within the operation's time: ask again. */
#define WINDOWS_TIMED_OUT 2150858793u

typedef struct {
    WsMan *ws;
    const char *uri;
    const char *class_name;
    char *context;
    WsmanItemFunc item;
    gpointer data;
    guint pulls;
    guint empty;
    gboolean stopped; /* the receiver wants no more, or failed */
} Enumeration;

static WsmanMessage *
ask(Enumeration *e, const char *verb, const char *body, gboolean reads, GError **error)
{
    g_autofree char *action = g_strconcat(NS_ENUM "/", verb, NULL);
    g_autofree char *what = g_strdup_printf("%s %s", verb, e->class_name);
    WsmanRequest request = {0};

    wsman_begin(&request, e->ws, action, e->uri);
    request.what = what;
    request.reads = reads;
    if (!wsman_begin_body(&request, NULL, error))
        return NULL;
    g_string_append(request.xml, body);
    return wsman_exchange(&request, error);
}

static WsmanMessage *
ask_first(Enumeration *e, gboolean epr, GError **error)
{
    g_autoptr(GString) body = g_string_new("<n:Enumerate xmlns:n=\"" NS_ENUM "\">");

    if (e->ws->profile->optimize)
        g_string_append_printf(body,
                               "<w:OptimizeEnumeration></w:OptimizeEnumeration>"
                               "<w:MaxElements>%u</w:MaxElements>",
                               e->ws->profile->max_elements);
    if (epr)
        g_string_append(body, "<w:EnumerationMode>EnumerateEPR</w:EnumerationMode>");
    g_string_append(body, "</n:Enumerate>");
    return ask(e, "Enumerate", body->str, TRUE, error);
}

static char *
context_element(const Enumeration *e)
{
    g_autoptr(GString) out = g_string_new("<n:EnumerationContext>");

    /* It came out of a parsed document, so it has nothing that XML cannot carry. */
    wsman_append_text(out, e->context, NULL);
    g_string_append(out, "</n:EnumerationContext>");
    return g_string_free(g_steal_pointer(&out), FALSE);
}

static WsmanMessage *
ask_next(Enumeration *e, GError **error)
{
    const WsmanProfile *profile = e->ws->profile;
    g_autofree char *context = context_element(e);
    g_autoptr(GString) body = g_string_new("<n:Pull xmlns:n=\"" NS_ENUM "\">");

    g_string_append(body, context);
    g_string_append_printf(body,
                           "<n:MaxElements>%u</n:MaxElements>",
                           profile->max_elements != 0 ? profile->max_elements : 999);
    if (profile->max_characters != 0)
        g_string_append_printf(
            body, "<n:MaxCharacters>%u</n:MaxCharacters>", profile->max_characters);
    g_string_append(body, "</n:Pull>");
    return ask(e, "Pull", body->str, FALSE, error);
}

/* The device has few contexts and keeps them long. What it says to this is of no interest. */
static void
release(Enumeration *e)
{
    g_autofree char *context = context_element(e);
    g_autofree char *body =
        g_strconcat("<n:Release xmlns:n=\"" NS_ENUM "\">", context, "</n:Release>", NULL);
    g_autoptr(WsmanMessage) answer = NULL;

    if (!e->ws->svc->run->cancelled(e->ws->run))
        answer = ask(e, "Release", body, FALSE, NULL);
    g_clear_pointer(&e->ws->failed, wsman_message_free);
}

static gboolean
hand_out(Enumeration *e, const WsmanMessage *message, GError **error)
{
    for (guint i = 0; i < message->items->len; i++) {
        const WsmanContent *content = g_ptr_array_index(message->items, i);
        const WsmanItem item = {content->class_name, content->resource_uri, content->values};
        if (!e->item(&item, e->data, error)) {
            e->stopped = TRUE;
            return FALSE;
        }
    }
    return TRUE;
}

static gboolean
too_long(Enumeration *e, const WsmanMessage *message, GError **error)
{
    e->empty = message->items->len == 0 ? e->empty + 1 : 0;
    if (e->empty <= MAX_EMPTY_PULLS && ++e->pulls <= MAX_PULLS)
        return FALSE;
    postern_fail(error,
                 POSTERN_ERROR_PROTOCOL,
                 "Pull %s: no end after %u answers, %u without an item at the last; given up",
                 e->class_name,
                 e->pulls,
                 e->empty);
    return TRUE;
}

/* One page. Returns FALSE when there is no further: the end, an error, or the receiver has enough. */
static gboolean
take_page(Enumeration *e, const WsmanMessage *message, GError **error)
{
    if (message->items == NULL)
        return postern_fail(error,
                            POSTERN_ERROR_PROTOCOL,
                            "enumerating %s: the answer holds '%s', expected a page of instances",
                            e->class_name,
                            message->body_class == NULL ? "" : message->body_class);
    /* A page may name a new context, or none; the latest holds. */
    if (message->context != NULL && message->context[0] != '\0') {
        g_free(e->context);
        e->context = g_strdup(message->context);
    }
    if (!hand_out(e, message, error) || message->end)
        return FALSE;
    if (e->context == NULL)
        return postern_fail(error,
                            POSTERN_ERROR_PROTOCOL,
                            "Enumerate %s: the answer has neither a context nor an end",
                            e->class_name);
    return !too_long(e, message, error);
}

static gboolean
nothing_yet(Enumeration *e, const GError *why)
{
    const WsmanMessage *failed = e->ws->failed;

    return why != NULL && failed != NULL && failed->fault_code == WINDOWS_TIMED_OUT &&
           ++e->pulls <= MAX_PULLS;
}

static gboolean
pull_all(Enumeration *e, WsmanMessage *first, GError **error)
{
    g_autoptr(WsmanMessage) page = first;
    g_autoptr(GError) why = NULL;

    while (why == NULL && take_page(e, page, &why)) {
        do {
            g_clear_pointer(&page, wsman_message_free);
            g_clear_error(&why);
            page = ask_next(e, &why);
        } while (nothing_yet(e, why));
    }
    /* Left before the end on a connection that works: the context would stay. */
    if (page != NULL && !page->end && e->context != NULL)
        release(e);
    if (why == NULL)
        return TRUE;
    g_propagate_error(error, g_steal_pointer(&why));
    return FALSE;
}

gboolean
wsman_enumerate(WsMan *ws,
                const char *class_name,
                gboolean epr,
                WsmanItemFunc item,
                gpointer data,
                GError **error)
{
    g_autofree char *uri = wsman_resource_uri(ws->profile, class_name, error);
    Enumeration e = {.ws = ws, .uri = uri, .item = item, .data = data};

    if (uri == NULL)
        return FALSE;
    e.class_name = wsman_class_of(uri);
    WsmanMessage *first = ask_first(&e, epr, error);
    gboolean done = first != NULL && pull_all(&e, first, error);
    g_free(e.context);
    return done;
}
