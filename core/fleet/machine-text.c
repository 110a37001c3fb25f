/* SPDX-License-Identifier: Apache-2.0 */
/*
 * machine-text.c - what identifies machines, in its one spelling.
 */
#include "config.h"

#include "machine-private.h"

#include <arpa/inet.h>
#include <string.h>

enum { UUID = 36, FQDN_MOST = 253 };

static char *
refuse(const char *text, const char *what, const char *expected, GError **error)
{
    g_autofree char *shown = g_utf8_make_valid(text, (gssize)MIN(strlen(text), 80));
    g_autofree char *safe = g_strescape(shown, NULL);

    g_set_error(error,
                POSTERN_ERROR,
                POSTERN_ERROR_BAD_PARAM,
                "'%s' is no %s: expected %s",
                safe,
                what,
                expected);
    return NULL;
}

gboolean
machine_is_uuid(const char *text)
{
    if (strlen(text) != UUID)
        return FALSE;
    for (guint i = 0; i < UUID; i++) {
        gboolean dash = i == 8 || i == 13 || i == 18 || i == 23;
        if (dash ? text[i] != '-' : !g_ascii_isxdigit(text[i]))
            return FALSE;
    }
    return TRUE;
}

char *
machine_uuid_text(const char *text, GError **error)
{
    if (!machine_is_uuid(text))
        return refuse(text, "UUID", "8-4-4-4-12 hex digits", error);
    return g_ascii_strdown(text, -1);
}

gboolean
machine_uuid_is_bogus(const char *uuid)
{
    /* what boards are shipped with when nobody wrote a number of their own into them */
    static const char *const shared[] = {"03000200-0400-0500-0006-000700080009",
                                         "00020003-0004-0005-0006-000700080009",
                                         "12345678-1234-5678-90ab-cddeefaabbcc",
                                         NULL};

    if (strspn(uuid, "0-") == UUID || strspn(uuid, "fF-") == UUID)
        return TRUE;
    for (guint i = 0; shared[i] != NULL; i++)
        if (g_ascii_strcasecmp(uuid, shared[i]) == 0)
            return TRUE;
    return FALSE;
}

char *
machine_mac_text(const char *text, GError **error)
{
    static const char expected[] = "six pairs of hex digits, such as 00:11:22:33:44:55";
    char digits[13];
    guint count = 0;

    for (const char *c = text; *c != '\0'; c++) {
        if (strchr(":-.", *c) != NULL)
            continue;
        if (!g_ascii_isxdigit(*c) || count == 12)
            return refuse(text, "MAC address", expected, error);
        digits[count++] = g_ascii_tolower(*c);
    }
    digits[count] = '\0';
    if (count != 12 || strspn(digits, "0") == 12 || strspn(digits, "f") == 12)
        return refuse(text, "MAC address of a machine", expected, error);
    return g_strdup_printf("%.2s:%.2s:%.2s:%.2s:%.2s:%.2s",
                           digits,
                           digits + 2,
                           digits + 4,
                           digits + 6,
                           digits + 8,
                           digits + 10);
}

char *
machine_address_text(const char *text, GError **error)
{
    char shown[INET6_ADDRSTRLEN];
    guint8 bytes[16];
    int family = strchr(text, ':') != NULL ? AF_INET6 : AF_INET;

    if (inet_pton(family, text, bytes) != 1 ||
        inet_ntop(family, bytes, shown, sizeof shown) == NULL)
        return refuse(text, "address", "an IPv4 or IPv6 address", error);
    return g_strdup(shown);
}

static gboolean
is_host_name(const char *text, gsize length)
{
    return length > 0 && length <= FQDN_MOST && text[0] != '.' && text[0] != '-' &&
           strspn(text, "abcdefghijklmnopqrstuvwxyz0123456789-_.") >= length &&
           strstr(text, "..") == NULL;
}

/* Without the final dot, in lower case. */
static char *
host_text(const char *text)
{
    char *lower = g_ascii_strdown(text, -1);
    gsize length = strlen(lower);

    if (length > 0 && lower[length - 1] == '.')
        lower[length - 1] = '\0';
    return lower;
}

char *
machine_fqdn_text(const char *text, GError **error)
{
    g_autofree char *lower = host_text(text);

    if (!is_host_name(lower, strlen(lower)) || strchr(lower, '.') == NULL ||
        g_hostname_is_ip_address(lower))
        return refuse(text, "FQDN", "a host name with its domain, such as pc-7.example.org", error);
    return g_steal_pointer(&lower);
}

char *
machine_name_text(const char *text, GError **error)
{
    g_autofree char *lower = host_text(text);

    if (!is_host_name(lower, strlen(lower)))
        return refuse(text, "name of a machine", "letters, digits, '-', '_' and '.'", error);
    return g_steal_pointer(&lower);
}
