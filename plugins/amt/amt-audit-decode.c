/* SPDX-License-Identifier: Apache-2.0 */
/* One record of the audit log: bytes to words. Big-endian; every length in it is the device's claim. */
#include "amt-account.h"
#include "amt-audit.h"

#include <string.h>

enum { DIGEST, KERBEROS, LOCAL, KVM };

static const char *const initiators[] = {"digest", "kerberos", "local", "kvm"};
static const char *const locations[] = {"ipv4", "ipv6", "none"};

/* What is left of the record. After `cut` nothing more is read. */
typedef struct {
    const guint8 *at;
    gsize left;
    const char *cut; /* what was cut short */
} Cursor;

/* The next bytes; NULL when there are not so many. */
static const guint8 *
take(Cursor *cursor, gsize length, const char *what)
{
    const guint8 *bytes = cursor->at;

    if (cursor->cut == NULL && cursor->left < length)
        cursor->cut = what;
    if (cursor->cut != NULL)
        return NULL;
    cursor->at += length;
    cursor->left -= length;
    return bytes;
}

/* Bytes with their length before them. */
static const guint8 *
take_short(Cursor *cursor, gsize *length, const char *what)
{
    const guint8 *count = take(cursor, 1, what);

    *length = count != NULL ? *count : 0;
    return count != NULL ? take(cursor, *length, what) : NULL;
}

static guint32
number(const guint8 *bytes, guint length)
{
    guint32 value = 0;

    for (guint i = 0; i < length; i++)
        value = value << 8 | bytes[i];
    return value;
}

char *
amt_audit_text(const guint8 *bytes, gsize length)
{
    char *text;

    while (length > 0 && bytes[length - 1] == '\0')
        length--;
    text = g_utf8_make_valid((const char *)bytes, (gssize)length);
    for (char *at = text; *at != '\0'; at++)
        if (g_ascii_iscntrl(*at))
            *at = '?';
    return text;
}

char *
amt_audit_sid(const guint8 *sid, gsize length, guint32 account)
{
    g_autofree char *domain = amt_sid_text(sid, length);

    return domain != NULL ? g_strdup_printf("%s-%u", domain, account) : NULL;
}

static char *
to_hex(const guint8 *bytes, gsize length)
{
    GString *text = g_string_sized_new(2 * length);

    for (gsize i = 0; i < length; i++)
        g_string_append_printf(text, "%02x", bytes[i]);
    return g_string_free(text, FALSE);
}

static void
add_kerberos(PosternResult *result, Cursor *cursor)
{
    const guint8 *account = take(cursor, 4, "the account's number");
    gsize length;
    const guint8 *sid = take_short(cursor, &length, "the SID");
    g_autofree char *text = sid != NULL ? amt_audit_sid(sid, length, number(account, 4)) : NULL;

    result_string(result, "user", text);
}

static void
add_digest(PosternResult *result, Cursor *cursor)
{
    gsize length;
    const guint8 *user = take_short(cursor, &length, "the user's name");
    g_autofree char *text = user != NULL ? amt_audit_text(user, length) : NULL;

    result_string(result, "user", text);
}

static void
add_initiator(PosternResult *result, Cursor *cursor)
{
    const guint8 *kind = take(cursor, 1, "the initiator");

    if (kind == NULL)
        return;
    if (*kind >= G_N_ELEMENTS(initiators)) {
        cursor->cut = "an initiator of an unknown kind";
        return;
    }
    result_string(result, "initiator", initiators[*kind]);
    if (*kind == DIGEST)
        add_digest(result, cursor);
    else if (*kind == KERBEROS)
        add_kerberos(result, cursor);
}

static void
add_time(PosternResult *result, Cursor *cursor)
{
    const guint8 *bytes = take(cursor, 4, "the time");

    if (bytes != NULL)
        amt_result_time(result, "time", number(bytes, 4));
}

static void
add_location(PosternResult *result, Cursor *cursor)
{
    const guint8 *kind = take(cursor, 1, "the location");
    gsize length;
    const guint8 *address = take_short(cursor, &length, "the address");
    g_autofree char *text = address != NULL && length > 0 ? amt_audit_text(address, length) : NULL;

    if (kind != NULL && *kind < G_N_ELEMENTS(locations))
        result_string(result, "location", locations[*kind]);
    result_string(result, "address", text);
}

static void
add_extended(PosternResult *result, Cursor *cursor, guint32 id)
{
    gsize length;
    const guint8 *bytes = take_short(cursor, &length, "the details");
    g_autofree char *hex = bytes != NULL ? to_hex(bytes, length) : NULL;
    g_autofree char *details = bytes != NULL ? amt_audit_details(id, bytes, length) : NULL;

    result_string(result, "details", details);
    result_string(result, "extended", hex);
}

static void
add_problem(PosternResult *result, const Cursor *cursor)
{
    g_autofree char *text = NULL;

    if (cursor->cut != NULL)
        text = g_strdup_printf("the record ends in %s", cursor->cut);
    else if (cursor->left > 0)
        text = g_strdup_printf("%" G_GSIZE_FORMAT " bytes follow the record", cursor->left);
    result_string(result, "problem", text);
}

static void
add_event(PosternResult *result, guint32 id)
{
    g_autofree char *application = g_strdup_printf("%u", id >> 16);
    g_autofree char *event = g_strdup_printf("%u", id & 0xFFFF);
    const char *application_word = amt_audit_application(id >> 16);
    const char *event_word = amt_audit_event(id);

    result_string(result, "application", application_word != NULL ? application_word : application);
    result_string(result, "event", event_word != NULL ? event_word : event);
    result_uint(result, "application-id", id >> 16);
    result_uint(result, "event-id", id & 0xFFFF);
}

GVariant *
amt_audit_decode(const guint8 *record, gsize length)
{
    Cursor cursor = {record, length, NULL};
    const guint8 *head = take(&cursor, 4, "the event's number");
    guint32 id = head != NULL ? number(head, 4) : 0;
    PosternResult result;

    result_begin(&result);
    if (head != NULL)
        add_event(&result, id);
    add_initiator(&result, &cursor);
    add_time(&result, &cursor);
    add_location(&result, &cursor);
    add_extended(&result, &cursor, id);
    add_problem(&result, &cursor);
    return result_end(&result);
}
