/* SPDX-License-Identifier: Apache-2.0 */
#include "config.h"

#include "resolve.h"

#include <arpa/inet.h>
#include <netdb.h>
#include <string.h>

const char *
resolve_text(const struct sockaddr_storage *address, char text[RESOLVE_TEXT])
{
    const struct sockaddr_in6 *six = (const struct sockaddr_in6 *)address;
    const struct sockaddr_in *four = (const struct sockaddr_in *)address;
    const char *done = NULL;

    if (address->ss_family == AF_INET)
        done = inet_ntop(AF_INET, &four->sin_addr, text, RESOLVE_TEXT);
    else if (address->ss_family == AF_INET6 && IN6_IS_ADDR_V4MAPPED(&six->sin6_addr))
        done = inet_ntop(AF_INET, six->sin6_addr.s6_addr + 12, text, RESOLVE_TEXT);
    else if (address->ss_family == AF_INET6)
        done = inet_ntop(AF_INET6, &six->sin6_addr, text, RESOLVE_TEXT);
    if (done == NULL)
        g_strlcpy(text, "?", RESOLVE_TEXT);
    return text;
}

guint16
resolve_port(const struct sockaddr_storage *address)
{
    if (address->ss_family == AF_INET6)
        return ntohs(((const struct sockaddr_in6 *)address)->sin6_port);
    return ntohs(((const struct sockaddr_in *)address)->sin_port);
}

/* IPv6 goes through the system, which knows the zone behind a '%'. */
static gboolean
literal_six(const char *host, guint16 port, ResolvedAddress *address)
{
    struct addrinfo hints = {.ai_flags = AI_NUMERICHOST, .ai_family = AF_INET6}, *found = NULL;

    if (getaddrinfo(host, NULL, &hints, &found) != 0)
        return FALSE;
    memcpy(&address->address, found->ai_addr, found->ai_addrlen);
    address->length = found->ai_addrlen;
    freeaddrinfo(found);
    ((struct sockaddr_in6 *)&address->address)->sin6_port = htons(port);
    return TRUE;
}

gboolean
resolve_literal(const char *host, guint16 port, ResolvedAddress *address)
{
    struct sockaddr_in *four = (struct sockaddr_in *)&address->address;

    memset(address, 0, sizeof *address);
    if (strchr(host, ':') != NULL)
        return literal_six(host, port, address);
    if (inet_pton(AF_INET, host, &four->sin_addr) != 1)
        return FALSE;
    four->sin_family = AF_INET;
    four->sin_port = htons(port);
    address->length = sizeof *four;
    return TRUE;
}

/* ---- names ---- */

/* Shared by the fiber that waits and the call on its way, whichever ends last. */
typedef struct {
    guint refs;
    Wait wait;
    GList *found; /* of GInetAddress */
    GError *error;
    gboolean done;
} Lookup;

static void
lookup_unref(Lookup *lookup)
{
    if (--lookup->refs > 0)
        return;
    g_resolver_free_addresses(lookup->found);
    g_clear_error(&lookup->error);
    g_free(lookup);
}

static void
lookup_done(GObject *source, GAsyncResult *result, gpointer data)
{
    Lookup *lookup = data;

    lookup->found = g_resolver_lookup_by_name_finish(G_RESOLVER(source), result, &lookup->error);
    lookup->done = TRUE;
    wait_wake(&lookup->wait);
    lookup_unref(lookup);
}

static GArray *
to_sockets(GList *found, guint16 port)
{
    GArray *addresses = g_array_new(FALSE, FALSE, sizeof(ResolvedAddress));

    for (; found != NULL && addresses->len < RESOLVE_MOST; found = found->next) {
        g_autoptr(GSocketAddress) socket = g_inet_socket_address_new(found->data, port);
        ResolvedAddress one = {0};
        gssize size = g_socket_address_get_native_size(socket);
        if (size <= 0 || (gsize)size > sizeof one.address ||
            !g_socket_address_to_native(socket, &one.address, sizeof one.address, NULL))
            continue;
        one.length = (socklen_t)size;
        g_array_append_val(addresses, one);
    }
    return addresses;
}

static gboolean
lookup_wait(Lookup *lookup, PosternRun *run, const char *host, gint64 deadline, GError **error)
{
    while (!lookup->done)
        if (!wait_or_fail(&lookup->wait,
                          run,
                          deadline,
                          error,
                          "the name '%s' was not resolved in time; is the name server reachable?",
                          host))
            return FALSE;
    if (lookup->found != NULL)
        return TRUE;
    g_set_error(error,
                POSTERN_ERROR,
                POSTERN_ERROR_UNRESOLVED,
                "the name '%s' has no address: %s",
                host,
                lookup->error != NULL ? lookup->error->message : "none found");
    return FALSE;
}

static GArray *
lookup_name(PosternRun *run, const char *host, guint16 port, gint64 deadline, GError **error)
{
    g_autoptr(GResolver) resolver = g_resolver_get_default();
    g_autoptr(GCancellable) cancel = g_cancellable_new();
    Lookup *lookup = g_new0(Lookup, 1);
    GArray *addresses = NULL;

    lookup->refs = 2;
    g_resolver_lookup_by_name_async(resolver, host, cancel, lookup_done, lookup);
    if (lookup_wait(lookup, run, host, deadline, error))
        addresses = to_sockets(lookup->found, port);
    else if (!lookup->done)
        g_cancellable_cancel(cancel);
    lookup_unref(lookup);
    return addresses;
}

GArray *
resolve_host(PosternRun *run, const char *host, guint16 port, gint64 deadline, GError **error)
{
    ResolvedAddress one;
    GArray *addresses;

    if (!resolve_literal(host, port, &one))
        return lookup_name(run, host, port, deadline, error);
    addresses = g_array_new(FALSE, FALSE, sizeof one);
    g_array_append_val(addresses, one);
    return addresses;
}
