/* SPDX-License-Identifier: Apache-2.0 */
/* What the bytes behind a record of the audit log mean, for the events whose meaning is known. */
#include "amt-audit.h"

#define ID(application, event) ((guint32)(application) << 16 | (event))
#define WORD(table, at)        ((at) < G_N_ELEMENTS(table) ? (table)[at] : NULL)

static guint32
u32(const guint8 *bytes)
{
    return (guint32)bytes[0] << 24 | (guint32)bytes[1] << 16 | (guint32)bytes[2] << 8 | bytes[3];
}

/* An account: kind, then name or number and SID. NULL: no such. */
static char *
account(const guint8 *bytes, gsize length)
{
    if (length >= 2 && bytes[0] == 0 && bytes[1] <= length - 2)
        return amt_audit_text(bytes + 2, bytes[1]);
    if (length >= 6 && bytes[0] == 1 && bytes[5] <= length - 6)
        return amt_audit_sid(bytes + 6, bytes[5], u32(bytes + 1));
    return NULL;
}

static char *
acl_details(guint32 event, const guint8 *bytes, gsize length)
{
    gsize skip = event == 3 || event == 6 ? 1 : 0; /* bits of what changed, or the new state */
    g_autofree char *name = length > skip ? account(bytes + skip, length - skip) : NULL;

    if (name == NULL)
        return NULL;
    if (event == 6)
        return g_strdup_printf("account %s %s", name, bytes[0] != 0 ? "enabled" : "disabled");
    if (event == 3)
        return g_strdup_printf("account %s, changes 0x%02x", name, bytes[0]);
    return g_strdup_printf("account %s", name);
}

static char *
security_details(guint32 event, const guint8 *bytes, gsize length)
{
    static const char *const kinds[] = {"none", "server", "mutual"};
    static const char *const doors[] = {"at the engine", "at MEBx"};
    static const char *const modes[] = {"no authentication", "authentication", "off"};
    static const char *const methods[] = {
        [2] = "remote configuration", [3] = "by hand in MEBx", [5] = "host based, admin mode"};
    static const char *const callers[] = {
        "BIOS", "MEBx", "local MEI", "local WS-Management", "remote WS-Management"};

    switch (event) {
    case 1:
        return length > 0 ? g_strdup(WORD(methods, bytes[0])) : NULL;
    case 2:
    case 3:
    case 4:
    case 6:
        return acl_details(event, bytes, length);
    case 5:
        return length > 0 ? g_strdup(WORD(doors, bytes[0])) : NULL;
    case 7:
        return length >= 2 && bytes[0] < 3 && bytes[1] < 3
                   ? g_strdup_printf("remote: %s, local: %s", kinds[bytes[0]], kinds[bytes[1]])
                   : NULL;
    case 17:
        return length >= 5 && bytes[4] < 3
                   ? g_strdup_printf("realm %u: %s", u32(bytes), modes[bytes[4]])
                   : NULL;
    case 19:
        return length > 0 ? g_strdup(WORD(callers, bytes[0])) : NULL;
    default:
        return NULL;
    }
}

/* Two versions of four numbers. Sources call the first one the old one. */
static char *
update_details(const guint8 *bytes, gsize length)
{
    guint n[8];

    if (length < 16)
        return NULL;
    for (guint i = 0; i < G_N_ELEMENTS(n); i++)
        n[i] = (guint)bytes[2 * i] << 8 | bytes[2 * i + 1];
    return g_strdup_printf(
        "from %u.%u.%u.%u to %u.%u.%u.%u", n[0], n[1], n[2], n[3], n[4], n[5], n[6], n[7]);
}

static char *
time_details(const guint8 *bytes, gsize length)
{
    g_autoptr(GDateTime) time = length >= 4 ? g_date_time_new_from_unix_utc(u32(bytes)) : NULL;
    g_autofree char *text = time != NULL ? g_date_time_format_iso8601(time) : NULL;

    return text != NULL ? g_strdup_printf("to %s", text) : NULL;
}

static const char *
consent_word(guint8 value)
{
    return value == 0 ? "none" : value == 1 ? "kvm" : value == 255 ? "all" : NULL;
}

static char *
consent_details(guint32 event, const guint8 *bytes, gsize length)
{
    if (event == 0 && length >= 2 && consent_word(bytes[0]) != NULL &&
        consent_word(bytes[1]) != NULL)
        return g_strdup_printf("from %s to %s", consent_word(bytes[0]), consent_word(bytes[1]));
    if (event == 1 && length >= 1 && bytes[0] < 2)
        return g_strdup(bytes[0] == 0 ? "accepted" : "failed three times");
    return NULL;
}

/* Handles of filters and policies. */
static char *
handle_details(const guint8 *bytes, gsize length)
{
    GString *text;

    if (length == 0 || length % 4 != 0)
        return NULL;
    text = g_string_new("handle");
    for (gsize i = 0; i < length; i += 4)
        g_string_append_printf(text, " %u", u32(bytes + i));
    return g_string_free(text, FALSE);
}

char *
amt_audit_details(guint32 id, const guint8 *bytes, gsize length)
{
    static const char *const reasons[] = {
        "unknown reason", "migration failed", "initialization failed"};

    switch (id) {
    case ID(19, 0):
        return update_details(bytes, length);
    case ID(20, 5):
        return length > 0 ? g_strdup(WORD(reasons, bytes[0])) : NULL;
    case ID(21, 0):
        return time_details(bytes, length);
    default:
        break;
    }
    switch (id >> 16) {
    case 16:
        return security_details(id & 0xFFFF, bytes, length);
    case 25:
        return handle_details(bytes, length);
    case 30:
        return consent_details(id & 0xFFFF, bytes, length);
    default:
        return NULL;
    }
}
