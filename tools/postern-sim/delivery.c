/* SPDX-License-Identifier: Apache-2.0 */
#include "config.h"

#include "challenge.h"
#include "delivery.h"

#include <gio/gio.h>
#include <string.h>

enum { FLIGHTS_MOST = 64, REPLY_MOST = 8192, TRIES = 3, TIMEOUT_SECONDS = 5, AGAIN_MS = 1000 };

#define ALERT_URI    "http://schemas.dmtf.org/wbem/wscim/1/cim-schema/2/CIM_AlertIndication"
#define EVENT_ACTION "http://schemas.dmtf.org/wbem/wsman/1/wsman/Event"
#define ACK_ACTION   "http://schemas.dmtf.org/wbem/wsman/1/wsman/Ack"

/* ---- destinations ---- */

void
destination_free(Destination *destination)
{
    g_free(destination->listener);
    g_free(destination->url);
    g_free(destination->parameters);
    g_free(destination->user);
    g_free(destination->password);
    g_free(destination);
}

/* The first element of that name below `node`, however deep; NULL: none. */
static const xmlNode *
below(const xmlNode *node, const char *name)
{
    for (const xmlNode *child = node != NULL ? node->children : NULL; child != NULL;
         child = child->next) {
        const xmlNode *found;
        if (child->type != XML_ELEMENT_NODE)
            continue;
        found = g_str_equal(child->name, name) ? child : below(child, name);
        if (found != NULL)
            return found;
    }
    return NULL;
}

/* Each as an element of its own with its text: no client nests them. */
static char *
read_parameters(const xmlNode *parameters)
{
    GString *xml = g_string_new(NULL);

    for (const xmlNode *node = parameters != NULL ? parameters->children : NULL; node != NULL;
         node = node->next) {
        g_autofree char *text = xml_text(node);
        g_autofree char *element = NULL;
        if (node->type != XML_ELEMENT_NODE || node->ns == NULL)
            continue;
        element = g_markup_printf_escaped("<p:%s xmlns:p=\"%s\">%s</p:%s>",
                                          (const char *)node->name,
                                          (const char *)node->ns->href,
                                          text,
                                          (const char *)node->name);
        g_string_append(xml, element);
    }
    return g_string_free(xml, xml->len == 0);
}

Destination *
destination_read(const Request *request, const char *listener, gboolean acknowledged)
{
    const xmlNode *notify = xml_child(xml_child(request->body, "Delivery"), "NotifyTo");
    const xmlNode *token =
        below(xml_child(xmlDocGetRootElement(request->doc), "Header"), "UsernameToken");
    Destination *destination = g_new0(Destination, 1);

    destination->listener = g_strdup(listener);
    destination->url = g_strstrip(xml_text(xml_child(notify, "Address")));
    destination->parameters = read_parameters(xml_child(notify, "ReferenceParameters"));
    destination->acknowledged = acknowledged;
    if (token != NULL) {
        destination->user = xml_text(xml_child(token, "Username"));
        destination->password = xml_text(xml_child(token, "Password"));
    }
    return destination;
}

/* ---- one event on its way to one listener ---- */

typedef struct {
    GSocketAddress *address;
    GSocketConnection *connection;
    char *host, *path, *body, *id, *user, *password;
    char *authorization; /* NULL: not asked for yet */
    GString *request, *reply;
    guint8 buffer[2048];
    gboolean acknowledged;
    guint tries;
} Flight;

static guint flights;

static void fly(Flight *flight);

static void
land(Flight *flight)
{
    g_clear_object(&flight->address);
    g_clear_object(&flight->connection);
    g_free(flight->host);
    g_free(flight->path);
    g_free(flight->body);
    g_free(flight->id);
    g_free(flight->user);
    g_free(flight->password);
    g_free(flight->authorization);
    g_string_free(flight->request, TRUE);
    g_string_free(flight->reply, TRUE);
    g_free(flight);
    flights--;
}

static gboolean
fly_again(gpointer data)
{
    fly(data);
    return G_SOURCE_REMOVE;
}

/* The answer to a listener's challenge; NULL when it is none that firmware answers. */
static char *
answer_challenge(const Flight *flight)
{
    const char *start = strstr(flight->reply->str, "\r\nWWW-Authenticate: Digest ");
    const char *end = start != NULL ? strstr(start + 2, "\r\n") : NULL;
    g_autofree char *list =
        end != NULL ? g_strndup(start + strlen("\r\nWWW-Authenticate: Digest "),
                                (gsize)(end - start) - strlen("\r\nWWW-Authenticate: Digest "))
                    : NULL;
    g_autofree char *realm = list != NULL ? challenge_field(list, "realm") : NULL;
    g_autofree char *nonce = list != NULL ? challenge_field(list, "nonce") : NULL;
    g_autofree char *secret = NULL, *a1 = NULL, *response = NULL;

    if (realm == NULL || nonce == NULL || flight->user == NULL ||
        strpbrk(flight->user, "\"\r\n") != NULL)
        return NULL;
    secret = g_strdup_printf("%s:%s:%s", flight->user, realm, flight->password);
    a1 = g_compute_checksum_for_string(G_CHECKSUM_MD5, secret, -1);
    response =
        challenge_response(a1, nonce, "00000001", "0123456789abcdef", "POST", flight->path, NULL);
    return g_strdup_printf("Authorization: Digest username=\"%s\", realm=\"%s\", nonce=\"%s\", "
                           "uri=\"%s\", response=\"%s\", qop=auth, nc=00000001, "
                           "cnonce=\"0123456789abcdef\"\r\n",
                           flight->user,
                           realm,
                           nonce,
                           flight->path,
                           response);
}

static gboolean
is_taken(const Flight *flight)
{
    if (!g_str_has_prefix(flight->reply->str, "HTTP/1.1 2") &&
        !g_str_has_prefix(flight->reply->str, "HTTP/1.0 2"))
        return FALSE;
    return !flight->acknowledged || (strstr(flight->reply->str, ACK_ACTION) != NULL &&
                                     strstr(flight->reply->str, flight->id) != NULL);
}

static void
settle(Flight *flight)
{
    gboolean refused =
        strlen(flight->reply->str) > 12 && memcmp(flight->reply->str + 9, "401", 3) == 0;

    if (refused && flight->authorization == NULL) {
        flight->authorization = answer_challenge(flight);
        if (flight->authorization != NULL) {
            fly(flight);
            return;
        }
    }
    if (is_taken(flight) || !flight->acknowledged || ++flight->tries >= TRIES) {
        land(flight);
        return;
    }
    g_clear_pointer(&flight->authorization, g_free);
    g_timeout_add(AGAIN_MS, fly_again, flight);
}

static void read_on(Flight *flight);

static void
on_read(GObject *source, GAsyncResult *result, gpointer data)
{
    Flight *flight = data;
    gssize count = g_input_stream_read_finish(G_INPUT_STREAM(source), result, NULL);

    if (count > 0)
        g_string_append_len(flight->reply, (const char *)flight->buffer, count);
    if (count > 0 && flight->reply->len < REPLY_MOST)
        read_on(flight);
    else
        settle(flight);
}

static void
read_on(Flight *flight)
{
    g_input_stream_read_async(g_io_stream_get_input_stream(G_IO_STREAM(flight->connection)),
                              flight->buffer,
                              sizeof flight->buffer,
                              G_PRIORITY_DEFAULT,
                              NULL,
                              on_read,
                              flight);
}

static void
on_written(GObject *source, GAsyncResult *result, gpointer data)
{
    if (g_output_stream_write_all_finish(G_OUTPUT_STREAM(source), result, NULL, NULL))
        read_on(data);
    else
        settle(data);
}

static void
on_connected(GObject *source, GAsyncResult *result, gpointer data)
{
    Flight *flight = data;

    flight->connection = g_socket_client_connect_finish(G_SOCKET_CLIENT(source), result, NULL);
    if (flight->connection == NULL) {
        settle(flight);
        return;
    }
    g_string_printf(flight->request,
                    "POST %s HTTP/1.1\r\nHost: %s\r\n%sContent-Type: "
                    "application/soap+xml;charset=UTF-8\r\nContent-Length: %" G_GSIZE_FORMAT
                    "\r\nConnection: close\r\n\r\n%s",
                    flight->path,
                    flight->host,
                    flight->authorization != NULL ? flight->authorization : "",
                    strlen(flight->body),
                    flight->body);
    g_output_stream_write_all_async(g_io_stream_get_output_stream(G_IO_STREAM(flight->connection)),
                                    flight->request->str,
                                    flight->request->len,
                                    G_PRIORITY_DEFAULT,
                                    NULL,
                                    on_written,
                                    flight);
}

static void
fly(Flight *flight)
{
    g_autoptr(GSocketClient) client = g_socket_client_new();

    g_clear_object(&flight->connection);
    g_string_truncate(flight->reply, 0);
    g_socket_client_set_timeout(client, TIMEOUT_SECONDS);
    g_socket_client_set_enable_proxy(client, FALSE);
    g_socket_client_connect_async(
        client, G_SOCKET_CONNECTABLE(flight->address), NULL, on_connected, flight);
}

/* ---- the event ---- */

static void
append_alert(GString *out, Device *device, const char *alert, const char *argument)
{
    g_autoptr(GDateTime) when = g_date_time_new_from_unix_utc(device_clock(device));
    g_autofree char *time = g_date_time_format(when, "%Y-%m-%dT%H:%M:%S.000Z");
    char address[16];

    device_address_text(device->address, address);
    g_string_append_printf(
        out,
        "<g:CIM_AlertIndication><g:AlertType>8</g:AlertType><g:AlertingElementFormat>2"
        "</g:AlertingElementFormat><g:AlertingManagedElement>Intel(r) AMT %s"
        "</g:AlertingManagedElement><g:IndicationIdentifier>%u</g:IndicationIdentifier>"
        "<g:IndicationTime><h:Datetime>%s</h:Datetime></g:IndicationTime><g:Message></g:Message>",
        address,
        device->next_message,
        time);
    if (argument != NULL)
        g_string_append_printf(out, "<g:MessageArguments>%s</g:MessageArguments>", argument);
    g_string_append_printf(out,
                           "<g:MessageID>%s</g:MessageID><g:OtherAlertType></g:OtherAlertType>"
                           "<g:OwningEntity>Intel(r) AMT</g:OwningEntity><g:PerceivedSeverity>2"
                           "</g:PerceivedSeverity><g:ProbableCause>0</g:ProbableCause>"
                           "<g:SystemCreationClassName>CIM_ComputerSystem"
                           "</g:SystemCreationClassName><g:SystemName>ManagedSystem"
                           "</g:SystemName></g:CIM_AlertIndication>",
                           alert);
}

static char *
make_event(Device *device,
           const Destination *destination,
           const char *id,
           const char *alert,
           const char *argument)
{
    g_autofree char *url = g_markup_escape_text(destination->url, -1);
    GString *out = g_string_new(NULL);

    g_string_append_printf(
        out,
        "<?xml version=\"1.0\" encoding=\"UTF-8\"?><a:Envelope xmlns:a=\"" NS_SOAP
        "\" xmlns:b=\"" NS_ADDRESSING "\" xmlns:c=\"" NS_WSMAN "\" xmlns:g=\"" ALERT_URI
        "\" xmlns:h=\"" NS_COMMON "\"><a:Header><b:To>%s</b:To>%s<b:ReplyTo><b:Address>" ANONYMOUS
        "</b:Address></b:ReplyTo>%s<b:Action a:mustUnderstand=\"true\">" EVENT_ACTION
        "</b:Action><b:MessageID>%s</b:MessageID><c:ResourceURI>" ALERT_URI
        "</c:ResourceURI></a:Header><a:Body>",
        url,
        destination->parameters != NULL ? destination->parameters : "",
        destination->acknowledged ? "<c:AckRequested></c:AckRequested>" : "",
        id);
    append_alert(out, device, alert, argument);
    envelope_close(out);
    return g_string_free(out, FALSE);
}

/* NULL: not http, or not to 127.0.0.0/8, which nothing of ours leaves. */
static GSocketAddress *
address_of(GUri *uri)
{
    const char *host = uri != NULL ? g_uri_get_host(uri) : NULL;
    guint32 address;
    gint port = uri != NULL ? g_uri_get_port(uri) : -1;

    if (host == NULL || !g_str_equal(g_uri_get_scheme(uri), "http") ||
        !fault_parse_address(host, &address))
        return NULL;
    return g_inet_socket_address_new_from_string(host, (guint)(port > 0 ? port : 80));
}

static void
send_to(Device *device, const Destination *destination, const char *alert, const char *argument)
{
    g_autoptr(GUri) uri = g_uri_parse(destination->url, G_URI_FLAGS_NONE, NULL);
    g_autoptr(GSocketAddress) address = address_of(uri);
    Flight *flight;

    if (address == NULL || flights >= FLIGHTS_MOST)
        return;
    flights++;
    flight = g_new0(Flight, 1);
    flight->address = g_steal_pointer(&address);
    flight->host = g_strdup(g_uri_get_host(uri));
    flight->path = g_strdup(*g_uri_get_path(uri) != '\0' ? g_uri_get_path(uri) : "/");
    flight->id = g_strdup_printf("uuid:00000000-8086-8086-8086-%012X", device->next_message++);
    flight->body = make_event(device, destination, flight->id, alert, argument);
    flight->user = g_strdup(destination->user);
    flight->password = g_strdup(destination->password != NULL ? destination->password : "");
    flight->acknowledged = destination->acknowledged;
    flight->request = g_string_new(NULL);
    flight->reply = g_string_new(NULL);
    fly(flight);
}

void
delivery_post(Device *device, const char *alert, const char *argument)
{
    const GPtrArray *destinations = device->extra != NULL ? device->extra->destinations : NULL;

    for (guint i = 0; destinations != NULL && i < destinations->len; i++)
        send_to(device, destinations->pdata[i], alert, argument);
}
