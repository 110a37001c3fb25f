/* SPDX-License-Identifier: Apache-2.0 */
/* AMT_AuthorizationService: accounts of the firmware. */
#include "config.h"

#include "accounts.h"
#include "logs.h"
#include "methods.h"

#include <string.h>

enum { HANDLES_AT_ONCE = 50, LAST_REALM = 24, A1_BYTES = 16, CHANGED_ALL = 0xFF };

/* Events of the security administration. */
enum { EVENT_ADDED = 2, EVENT_MODIFIED = 3, EVENT_REMOVED = 4, EVENT_STATE = 6 };

/* ---- the audit log ---- */

/* `first` (negative: none) goes before the account's type and name. */
static void
audit(Call *call, guint event, gint first, const char *name)
{
    guint8 extended[3 + ACCOUNT_NAME_MAX + 1] = {0};
    gsize at = 0, length = MIN(strlen(name), ACCOUNT_NAME_MAX);

    if (first >= 0)
        extended[at++] = (guint8)first;
    extended[at++] = *name == '\0'; /* 0: digest, 1: Kerberos */
    extended[at++] = (guint8)length;
    memcpy(extended + at, name, length);
    logs_audit(call->device, AUDIT_SECURITY_ADMIN, event, extended, at + length);
}

/* ---- who may do what to whom ---- */

static gboolean
is_administrator(const Call *call)
{
    return (accounts_realms(call->device, call->device->caller_handle) &
            1U << REALM_ADMINISTRATION) != 0;
}

/* The account that `Handle` names; NULL with the ReturnValue. Who is no administrator has only its own. */
static Account *
named(Call *call, guint *value)
{
    Account *account = NULL;
    guint64 handle;

    if (call_number(call, "Handle", &handle) && handle != ACCOUNT_ADMIN)
        account = accounts_by_handle(call->device, (guint32)handle);
    *value = PT_INVALID_HANDLE;
    if (account == NULL)
        return NULL;
    *value = PT_NOT_PERMITTED;
    return is_administrator(call) || account->handle == call->device->caller_handle ? account
                                                                                    : NULL;
}

/* ---- reading ---- */

static guint
enumerate_users(Call *call)
{
    const GArray *list = accounts_list(call->device);
    guint64 start;
    guint count;

    if (!call_number(call, "StartIndex", &start) || start == 0)
        return PT_INVALID_PARAMETER;
    count = start <= list->len ? MIN(list->len - (guint)start + 1, HANDLES_AT_ONCE) : 0;
    g_string_append_printf(call->out,
                           "<g:TotalCount>%u</g:TotalCount><g:HandlesCount>%u</g:HandlesCount>",
                           list->len,
                           count);
    for (guint i = 0; i < count; i++)
        g_string_append_printf(call->out,
                               "<g:Handles>%u</g:Handles>",
                               g_array_index(list, Account, (guint)start - 1 + i).handle);
    return DONE;
}

static guint
get_user(Call *call)
{
    guint value;
    const Account *account = named(call, &value);

    if (account == NULL)
        return value;
    if (*account->name != '\0') {
        g_autofree char *name = g_markup_escape_text(account->name, -1);
        g_string_append_printf(call->out, "<g:DigestUsername>%s</g:DigestUsername>", name);
    } else {
        g_autofree char *sid = g_base64_encode(account->sid, account->sid_length);
        g_string_append_printf(call->out, "<g:KerberosUserSid>%s</g:KerberosUserSid>", sid);
    }
    g_string_append_printf(
        call->out, "<g:AccessPermission>%u</g:AccessPermission>", account->access);
    for (guint i = 0; i <= LAST_REALM; i++)
        if ((account->realms >> i & 1) != 0)
            g_string_append_printf(call->out, "<g:Realms>%u</g:Realms>", i);
    return DONE;
}

static guint
get_acl_enabled(Call *call)
{
    guint value;
    const Account *account = named(call, &value);

    if (account == NULL)
        return value;
    g_string_append_printf(
        call->out, "<g:Enabled>%s</g:Enabled>", account->enabled ? "true" : "false");
    return DONE;
}

static guint
get_admin(Call *call)
{
    g_autofree char *user = g_markup_escape_text(accounts_admin(call->device), -1);

    g_string_append_printf(call->out, "<g:Username>%s</g:Username>", user);
    return DONE;
}

/* Devices leave the factory with admin and admin. */
static guint
get_admin_status(Call *call)
{
    g_autofree char *realm = device_realm(call->device);
    g_autofree char *text = g_strdup_printf("admin:%s:admin", realm);
    g_autofree char *factory = g_compute_checksum_for_string(G_CHECKSUM_MD5, text, -1);
    AccountLogin login = {0};
    gboolean same;

    accounts_login(call->device, accounts_admin(call->device), &login);
    same = g_str_equal(login.a1, factory);
    g_string_append_printf(call->out, "<g:IsDefault>%s</g:IsDefault>", same ? "true" : "false");
    return DONE;
}

/* ---- what a change asks for ---- */

static gboolean
is_name(const char *name)
{
    return *name != '\0' && strlen(name) <= ACCOUNT_NAME_MAX &&
           strpbrk(name, "(),:\"&<>") == NULL && !g_str_has_prefix(name, "$$") &&
           g_str_is_ascii(name);
}

static guint
read_password(const Call *call, gboolean must, guint8 a1[A1_BYTES])
{
    const xmlNode *node = xml_child(call->input, "DigestPassword");
    g_autofree char *text = g_strstrip(xml_text(node));
    g_autofree guint8 *bytes = NULL;
    gsize length = 0;

    if (node == NULL || *text == '\0')
        return must ? PT_INVALID_PASSWORD : DONE;
    bytes = g_base64_decode(text, &length);
    if (length != A1_BYTES)
        return PT_INVALID_PASSWORD;
    memcpy(a1, bytes, A1_BYTES);
    return DONE;
}

/* Revision, number of parts, six bytes of authority, four for each part. */
static guint
read_sid(const char *text, Account *account)
{
    g_autofree guint8 *bytes = g_base64_decode(text, &account->sid_length);

    if (account->sid_length < 8 || account->sid_length > ACCOUNT_SID_MAX || bytes[0] != 1 ||
        account->sid_length != 8 + 4 * (gsize)bytes[1])
        return PT_INVALID_NAME;
    memcpy(account->sid, bytes, account->sid_length);
    return DONE;
}

static guint
read_realms(const Call *call, Account *account)
{
    account->realms = 0;
    for (const xmlNode *node = call->input->children; node != NULL; node = node->next) {
        g_autofree char *text = NULL;
        guint64 realm;

        if (node->type != XML_ELEMENT_NODE || !g_str_equal(node->name, "Realms"))
            continue;
        text = g_strstrip(xml_text(node));
        if (!g_ascii_string_to_unsigned(text, 10, 2, LAST_REALM, &realm, NULL) || realm == 22 ||
            realm == 23)
            return PT_INVALID_REALM;
        account->realms |= 1U << realm;
    }
    return account->realms != 0 ? DONE : PT_INVALID_REALM;
}

/* `account` holds what is so now; `must`: there is nothing yet. */
static guint
read_account(const Call *call, Account *account, gboolean must)
{
    g_autofree char *name = xml_text(xml_child(call->input, "DigestUsername"));
    g_autofree char *sid = g_strstrip(xml_text(xml_child(call->input, "KerberosUserSid")));
    guint64 access;
    guint value = DONE;

    if ((*name == '\0') == (*sid == '\0'))
        return PT_INVALID_PARAMETER;
    if (*name != '\0' && !is_name(name))
        return PT_INVALID_NAME;
    g_strlcpy(account->name, name, sizeof account->name);
    account->sid_length = 0;
    value = *name != '\0' ? read_password(call, must, account->a1) : read_sid(sid, account);
    if (value != DONE)
        return value;
    if (!call_number(call, "AccessPermission", &access) || access > ACCESS_ANY)
        return PT_INVALID_PARAMETER;
    account->access = (guint8)access;
    return read_realms(call, account);
}

static gboolean
is_same(const Account *a, const Account *b)
{
    return *a->name != '\0' ? g_str_equal(a->name, b->name)
                            : a->sid_length == b->sid_length && *b->name == '\0' &&
                                  memcmp(a->sid, b->sid, a->sid_length) == 0;
}

/* Does it stand beside those that are there? */
static guint
check_room(Call *call, const Account *account)
{
    const GArray *list = accounts_list(call->device);
    const gboolean digest = *account->name != '\0';
    guint count = account->handle == 0;

    if (digest && g_str_equal(account->name, accounts_admin(call->device)))
        return PT_DUPLICATE;
    for (guint i = 0; i < list->len; i++) {
        const Account *one = &g_array_index(list, Account, i);
        if (one->handle != account->handle && is_same(account, one))
            return PT_DUPLICATE;
        count += !account_is_system(one) && (*one->name != '\0') == digest;
    }
    return count <= (digest ? (guint)ACCOUNTS_DIGEST_MAX : (guint)ACCOUNTS_KERBEROS_MAX)
               ? DONE
               : PT_MAXIMUM_REACHED;
}

/* ---- changing ---- */

static guint
add_user(Call *call)
{
    Account account = {.enabled = TRUE};
    guint value = is_administrator(call) ? read_account(call, &account, TRUE) : PT_NOT_PERMITTED;

    if (value == DONE)
        value = check_room(call, &account);
    if (value != DONE)
        return value;
    g_string_append_printf(
        call->out, "<g:Handle>%u</g:Handle>", accounts_add(call->device, &account)->handle);
    audit(call, EVENT_ADDED, -1, account.name);
    return DONE;
}

/* Who is no administrator changes its password, and nothing else. */
static guint
update_user(Call *call)
{
    guint value;
    Account *account = named(call, &value);
    Account wanted;

    if (account == NULL)
        return value;
    if (account_is_system(account))
        return PT_NOT_PERMITTED;
    wanted = *account;
    value = read_account(call, &wanted, *account->name == '\0');
    if (value == DONE)
        value = check_room(call, &wanted);
    if (value == DONE && !is_administrator(call) &&
        (wanted.realms != account->realms || wanted.access != account->access ||
         !is_same(&wanted, account)))
        value = PT_NOT_PERMITTED;
    if (value != DONE)
        return value;
    *account = wanted;
    audit(call, EVENT_MODIFIED, CHANGED_ALL, wanted.name);
    return DONE;
}

static guint
remove_user(Call *call)
{
    guint value;
    const Account *account = named(call, &value);
    g_autofree char *name = account != NULL ? g_strdup(account->name) : NULL;

    if (account == NULL)
        return value;
    if (account_is_system(account) || !is_administrator(call))
        return PT_NOT_PERMITTED;
    accounts_remove(call->device, account->handle);
    audit(call, EVENT_REMOVED, -1, name);
    return DONE;
}

static guint
set_acl_enabled(Call *call)
{
    g_autofree char *text = g_strstrip(xml_text(xml_child(call->input, "Enabled")));
    guint value;
    Account *account = named(call, &value);

    if (account == NULL)
        return value;
    if (!is_administrator(call))
        return PT_NOT_PERMITTED;
    if (!g_str_equal(text, "true") && !g_str_equal(text, "false"))
        return PT_INVALID_PARAMETER;
    account->enabled = *text == 't';
    audit(call, EVENT_STATE, account->enabled, account->name);
    return DONE;
}

/* In force at once: who is logged in must do so again. */
static guint
set_admin(Call *call)
{
    g_autofree char *name = xml_text(xml_child(call->input, "Username"));
    guint8 a1[A1_BYTES];
    guint value = read_password(call, TRUE, a1);

    if (!is_administrator(call))
        return PT_NOT_PERMITTED;
    if (!is_name(name))
        return PT_INVALID_NAME;
    if (accounts_by_name(call->device, name) != NULL)
        return PT_DUPLICATE;
    if (value != DONE)
        return value;
    accounts_set_admin(call->device, name, a1);
    audit(call, EVENT_MODIFIED, CHANGED_ALL, name);
    return DONE;
}

#define SERVICE "AMT_AuthorizationService"

const Method methods_accounts[] = {
    {SERVICE, "EnumerateUserAclEntries", enumerate_users},
    {SERVICE, "GetUserAclEntryEx", get_user},
    {SERVICE, "AddUserAclEntryEx", add_user},
    {SERVICE, "UpdateUserAclEntryEx", update_user},
    {SERVICE, "RemoveUserAclEntry", remove_user},
    {SERVICE, "GetAclEnabledState", get_acl_enabled},
    {SERVICE, "SetAclEnabledState", set_acl_enabled},
    {SERVICE, "GetAdminAclEntry", get_admin},
    {SERVICE, "GetAdminAclEntryStatus", get_admin_status},
    {SERVICE, "GetAdminNetAclEntryStatus", get_admin_status},
    {SERVICE, "SetAdminAclEntryEx", set_admin},
    {0},
};
