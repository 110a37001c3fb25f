/* SPDX-License-Identifier: Apache-2.0 */
/* Reading and writing accounts, and what AMT takes as names, passwords and SIDs. */
#include "amt-account.h"

#include <string.h>

/* A device that goes on for ever is not believed: 8 and 32 accounts are the most that is known. */
enum { HANDLES_MOST = 256, PASSWORD_LEAST = 8, PASSWORD_MOST = 32, SID_PARTS_MOST = 15 };

static const char service[] = "AMT_AuthorizationService";

const AmtWord amt_access[] = {{AMT_ACCESS_LOCAL, "local"},
                              {AMT_ACCESS_NETWORK, "network"},
                              {AMT_ACCESS_ANY, "any"},
                              {0, NULL}};
const char *const amt_access_choices[] = {"local", "network", "any", NULL};

AmtAccount *
amt_account_copy(const AmtAccount *account)
{
    AmtAccount *copy = g_memdup2(account, sizeof *account);

    copy->name = g_strdup(account->name);
    return copy;
}

void
amt_account_free(AmtAccount *account)
{
    if (account == NULL)
        return;
    g_free(account->name);
    g_free(account);
}

void
amt_accounts_free(AmtAccounts *accounts)
{
    if (accounts == NULL)
        return;
    g_free(accounts->admin);
    g_free(accounts->own);
    g_ptr_array_unref(accounts->list);
    g_free(accounts);
}

gboolean
amt_account_is_kerberos(const AmtAccount *account)
{
    return g_str_has_prefix(account->name, "S-1-");
}

gboolean
amt_account_is_system(const AmtAccount *account)
{
    return g_str_has_prefix(account->name, "$$");
}

/* ---- SIDs ---- */

char *
amt_sid_text(const guint8 *sid, gsize length)
{
    GString *text;
    guint64 authority = 0;

    if (length < 8 || sid[0] != 1 || sid[1] > SID_PARTS_MOST || length != 8 + 4 * (gsize)sid[1])
        return NULL;
    for (guint i = 2; i < 8; i++)
        authority = authority << 8 | sid[i];
    text = g_string_new(NULL);
    g_string_printf(text, "S-1-%" G_GUINT64_FORMAT, authority);
    for (gsize at = 8; at < length; at += 4) {
        guint32 part;

        memcpy(&part, sid + at, sizeof part);
        g_string_append_printf(text, "-%u", GUINT32_FROM_LE(part));
    }
    return g_string_free(text, FALSE);
}

GBytes *
amt_sid_bytes(const char *text)
{
    g_auto(GStrv) parts = g_strsplit(text, "-", SID_PARTS_MOST + 4);
    const guint count = g_strv_length(parts);
    guint8 sid[8 + 4 * SID_PARTS_MOST] = {1};
    guint64 number;

    if (count < 4 || count > SID_PARTS_MOST + 3 || strcmp(parts[0], "S") != 0 ||
        strcmp(parts[1], "1") != 0 ||
        !g_ascii_string_to_unsigned(
            parts[2], 10, 0, (G_GUINT64_CONSTANT(1) << 48) - 1, &number, NULL))
        return NULL;
    sid[1] = (guint8)(count - 3);
    for (guint i = 0; i < 6; i++)
        sid[7 - i] = (guint8)(number >> 8 * i);
    for (guint i = 3; i < count; i++) {
        guint32 part;

        if (!g_ascii_string_to_unsigned(parts[i], 10, 0, G_MAXUINT32, &number, NULL))
            return NULL;
        part = GUINT32_TO_LE((guint32)number);
        memcpy(sid + 8 + 4 * (gsize)(i - 3), &part, sizeof part);
    }
    return g_bytes_new(sid, 8 + 4 * (gsize)sid[1]);
}

/* ---- what AMT takes ---- */

gboolean
amt_check_account_name(const char *name, GError **error)
{
    static const char forbidden[] = "(),:\"&<>";

    if (g_str_has_prefix(name, "S-1-")) {
        g_autoptr(GBytes) sid = amt_sid_bytes(name);
        return sid != NULL || postern_fail(error,
                                           POSTERN_ERROR_BAD_PARAM,
                                           "'%.80s' is no SID, expected one such as "
                                           "S-1-5-21-1004336348-1177238915-682003330-512",
                                           name);
    }
    if (g_str_has_prefix(name, "$$"))
        return postern_fail(
            error,
            POSTERN_ERROR_BAD_PARAM,
            "'%.40s' is an account of the firmware's own: such are only switched on "
            "and off",
            name);
    for (const char *at = name; *at != '\0'; at++)
        if (!g_ascii_isprint(*at) || strchr(forbidden, *at) != NULL)
            return postern_fail(error,
                                POSTERN_ERROR_BAD_PARAM,
                                "'%.40s' is no name of an account: character %d is not among those "
                                "that AMT takes, printable ASCII without %s",
                                name,
                                (int)(at - name) + 1,
                                forbidden);
    return (*name != '\0' && strlen(name) <= AMT_ACCOUNT_NAME_MOST) ||
           postern_fail(error,
                        POSTERN_ERROR_BAD_PARAM,
                        "'%.40s' has %" G_GSIZE_FORMAT " characters, AMT takes 1 to %d",
                        name,
                        strlen(name),
                        AMT_ACCOUNT_NAME_MOST);
}

gboolean
amt_check_password(const char *password, GError **error)
{
    const gsize length = strlen(password);
    gboolean small = FALSE, capital = FALSE, digit = FALSE, mark = FALSE, clean = TRUE;

    for (const char *at = password; *at != '\0'; at++) {
        small |= g_ascii_islower(*at);
        capital |= g_ascii_isupper(*at);
        digit |= g_ascii_isdigit(*at);
        /* AMT counts '_' among the letters */
        mark |= g_ascii_ispunct(*at) && *at != '_';
        clean &= g_ascii_isprint(*at) && strchr("\",:", *at) == NULL;
    }
    return (length >= PASSWORD_LEAST && length <= PASSWORD_MOST && small && capital && digit &&
            mark && clean) ||
           postern_fail(error,
                        POSTERN_ERROR_BAD_PARAM,
                        "the password is not one that AMT takes: %d to %d characters of printable "
                        "ASCII, at least one small letter, capital letter, digit and mark (other "
                        "than _), and none of \" , :",
                        PASSWORD_LEAST,
                        PASSWORD_MOST);
}

/* GChecksum takes the parts one by one: the whole text, password and all, is nowhere. */
GVariant *
amt_digest_password(
    const Amt *amt, PosternRun *run, const char *name, const char *realm, const char *password)
{
    const char *const parts[] = {name, ":", realm, ":", password};
    GChecksum *sum = g_checksum_new(G_CHECKSUM_MD5);
    guint8 a1[AMT_A1_BYTES];
    gsize length = sizeof a1;
    g_autofree char *wire = NULL;

    for (guint i = 0; i < G_N_ELEMENTS(parts); i++)
        g_checksum_update(sum, (const guchar *)parts[i], (gssize)strlen(parts[i]));
    g_checksum_get_digest(sum, a1, &length);
    g_checksum_free(sum);
    wire = g_base64_encode(a1, sizeof a1);
    if (POSTERN_CAN(amt->svc.secrets, hide))
        amt->svc.secrets->hide(run, wire);
    return g_variant_new_fixed_array(G_VARIANT_TYPE_BYTE, a1, sizeof a1, 1);
}

char *
amt_digest_realm(WsMan *ws, GError **error)
{
    g_autoptr(GVariant) general = wsman_get(ws, "AMT_GeneralSettings", NULL, error);
    const char *realm = general != NULL ? params_string(general, "DigestRealm") : NULL;

    if (general != NULL && realm == NULL)
        postern_fail(error,
                     POSTERN_ERROR_PROTOCOL,
                     "AMT_GeneralSettings has no DigestRealm: a password cannot be made without");
    return g_strdup(realm);
}

/* ---- reading ---- */

GVariant *
amt_accounts_call(WsMan *ws, const char *method, GVariant *args, GError **error)
{
    return wsman_call(ws, service, NULL, method, args, error);
}

static GVariant *
call_one(WsMan *ws, const char *method, const char *name, guint32 value, GError **error)
{
    PosternResult args;

    result_begin(&args);
    result_uint(&args, name, value);
    return amt_accounts_call(ws, method, result_end(&args), error);
}

static char *
name_of(GVariant *entry)
{
    g_autoptr(GVariant) sid = params_value(entry, "KerberosUserSid", "ay");
    const char *name = params_string(entry, "DigestUsername");
    gsize length = 0;
    const guint8 *bytes = NULL;

    if (name != NULL && *name != '\0')
        return g_strdup(name);
    if (sid == NULL)
        return NULL;
    bytes = g_variant_get_fixed_array(sid, &length, 1);
    return amt_sid_text(bytes, length);
}

static AmtAccount *
read_account(WsMan *ws, guint32 handle, GError **error)
{
    g_autoptr(GVariant) entry = call_one(ws, "GetUserAclEntryEx", "Handle", handle, error);
    g_autoptr(GVariant) state =
        entry != NULL ? call_one(ws, "GetAclEnabledState", "Handle", handle, error) : NULL;
    g_autoptr(GVariant) realms = NULL;
    g_autoptr(AmtAccount) account = g_new0(AmtAccount, 1);
    const guint32 *numbers = NULL;
    gsize count = 0;

    if (state == NULL)
        return NULL;
    account->handle = handle;
    account->name = name_of(entry);
    account->access = params_uint(entry, "AccessPermission", AMT_ACCESS_ANY);
    account->enabled = params_bool(state, "Enabled", TRUE);
    realms = params_value(entry, "Realms", "au");
    if (realms != NULL)
        numbers = g_variant_get_fixed_array(realms, &count, sizeof *numbers);
    for (gsize i = 0; i < count; i++)
        account->realms |= numbers[i] < 32 ? 1U << numbers[i] : 0;
    if (account->name != NULL)
        return g_steal_pointer(&account);
    postern_fail(error,
                 POSTERN_ERROR_PROTOCOL,
                 "account %u has neither a name nor a SID that makes sense",
                 handle);
    return NULL;
}

/* All handles, of guint32. */
static GArray *
read_handles(WsMan *ws, GError **error)
{
    g_autoptr(GArray) handles = g_array_new(FALSE, FALSE, sizeof(guint32));
    guint32 total = 1;

    while (handles->len < total && handles->len < HANDLES_MOST) {
        g_autoptr(GVariant) part =
            call_one(ws, "EnumerateUserAclEntries", "StartIndex", handles->len + 1, error);
        g_autoptr(GVariant) list = part != NULL ? params_value(part, "Handles", "au") : NULL;
        const guint32 *numbers = NULL;
        gsize count = 0;

        if (part == NULL)
            return NULL;
        total = params_uint(part, "TotalCount", 0);
        if (list != NULL)
            numbers = g_variant_get_fixed_array(list, &count, sizeof *numbers);
        if (count == 0)
            break;
        g_array_append_vals(handles, numbers, (guint)MIN(count, HANDLES_MOST));
    }
    return g_steal_pointer(&handles);
}

char *
amt_admin_name(WsMan *ws, GError **error)
{
    g_autoptr(GVariant) admin = amt_accounts_call(ws, "GetAdminAclEntry", NULL, error);
    const char *name = admin != NULL ? params_string(admin, "Username") : NULL;

    if (admin != NULL && name == NULL)
        postern_fail(error, POSTERN_ERROR_PROTOCOL, "GetAdminAclEntry tells no name");
    return g_strdup(name);
}

static gboolean
read_admin(WsMan *ws, AmtAccounts *accounts, GError **error)
{
    static const char *const methods[] = {"GetAdminAclEntryStatus", "GetAdminNetAclEntryStatus"};

    accounts->admin = amt_admin_name(ws, error);
    for (guint i = 0; accounts->admin != NULL && i < G_N_ELEMENTS(methods); i++) {
        g_autoptr(GVariant) status = amt_accounts_call(ws, methods[i], NULL, error);

        if (status == NULL)
            return FALSE;
        accounts->admin_default |= params_bool(status, "IsDefault", FALSE);
    }
    return accounts->admin != NULL;
}

void
amt_accounts_observe(const Amt *amt, PosternRun *run, const AmtAccounts *accounts)
{
    g_autofree AmtHolder *holders = g_new0(AmtHolder, accounts->list->len + 1);
    guint count = 0;

    holders[count++] = (AmtHolder){accounts->admin, AMT_EVERY_REALM};
    for (guint i = 0; i < accounts->list->len; i++) {
        const AmtAccount *one = accounts->list->pdata[i];
        if (one->enabled && !amt_account_is_system(one) && !amt_account_is_kerberos(one))
            holders[count++] = (AmtHolder){one->name, one->realms};
    }
    amt_observe_realms(amt, run, holders, count);
}

AmtAccounts *
amt_accounts_read(const Amt *amt, PosternRun *run, WsMan *ws, GError **error)
{
    g_autoptr(AmtAccounts) accounts = g_new0(AmtAccounts, 1);
    g_autoptr(GArray) handles = NULL;

    accounts->list = g_ptr_array_new_with_free_func((GDestroyNotify)amt_account_free);
    handles = read_admin(ws, accounts, error) ? read_handles(ws, error) : NULL;
    for (guint i = 0; handles != NULL && i < handles->len; i++) {
        AmtAccount *one = read_account(ws, g_array_index(handles, guint32, i), error);

        if (one == NULL)
            return NULL;
        g_ptr_array_add(accounts->list, one);
    }
    if (handles == NULL)
        return NULL;
    if (POSTERN_CAN(amt->svc.credentials, foresee))
        accounts->own = g_strdup(amt->svc.credentials->foresee(run, amt_credentials, "user"));
    amt_accounts_observe(amt, run, accounts);
    return g_steal_pointer(&accounts);
}

AmtAccount *
amt_accounts_find(const AmtAccounts *accounts, const char *name)
{
    for (guint i = 0; i < accounts->list->len; i++) {
        AmtAccount *one = accounts->list->pdata[i];
        if (strcmp(one->name, name) == 0)
            return one;
    }
    return NULL;
}

/* ---- writing ---- */

/* Takes a floating `password`. */
static GVariant *
arguments(const AmtAccount *account, GVariant *password)
{
    g_autoptr(GBytes) sid = amt_account_is_kerberos(account) ? amt_sid_bytes(account->name) : NULL;
    g_autofree guint32 *realms = g_new0(guint32, 32);
    guint count = 0;
    PosternResult args;

    for (guint32 i = 0; i < 32; i++)
        if ((account->realms >> i & 1) != 0)
            realms[count++] = i;
    result_begin(&args);
    if (account->handle != 0)
        result_uint(&args, "Handle", account->handle);
    if (sid == NULL)
        result_string(&args, "DigestUsername", account->name);
    result_value(&args, "DigestPassword", password);
    if (sid != NULL)
        result_value(
            &args, "KerberosUserSid", g_variant_new_from_bytes(G_VARIANT_TYPE("ay"), sid, TRUE));
    result_uint(&args, "AccessPermission", account->access);
    result_value(&args,
                 "Realms",
                 g_variant_new_fixed_array(G_VARIANT_TYPE_UINT32, realms, count, sizeof *realms));
    return result_end(&args);
}

static gboolean
write_state(WsMan *ws, guint32 handle, gboolean enabled, GError **error)
{
    PosternResult args;
    g_autoptr(GVariant) outputs = NULL;

    result_begin(&args);
    result_uint(&args, "Handle", handle);
    result_bool(&args, "Enabled", enabled);
    outputs = amt_accounts_call(ws, "SetAclEnabledState", result_end(&args), error);
    return outputs != NULL;
}

static gboolean
check_taken(const AmtAccount *found, const AmtAccount *wanted, GError **error)
{
    const char *what = strcmp(found->name, wanted->name) != 0 ? "name"
                       : found->realms != wanted->realms      ? "realms"
                       : found->access != wanted->access      ? "access"
                       : found->enabled != wanted->enabled    ? "state"
                                                              : NULL;

    return what == NULL ||
           postern_fail(error,
                        POSTERN_ERROR_CONFLICT,
                        "the device said yes, and of account %s the %s is not as it was asked for; "
                        "amt.user.list shows what is",
                        wanted->name,
                        what);
}

/* Its handle; 0 with `error`. */
static guint32
write_fields(WsMan *ws, const AmtAccount *wanted, GVariant *password, GError **error)
{
    const gboolean is_new = wanted->handle == 0;
    const char *method = is_new ? "AddUserAclEntryEx" : "UpdateUserAclEntryEx";
    g_autoptr(GVariant) outputs = amt_accounts_call(ws, method, arguments(wanted, password), error);
    const guint32 handle =
        outputs != NULL && is_new ? params_uint(outputs, "Handle", 0) : wanted->handle;

    if (outputs == NULL)
        return 0;
    if (handle == 0)
        postern_fail(error,
                     POSTERN_ERROR_PROTOCOL,
                     "account %s was made, and the device tells no handle of it; amt.user.list "
                     "shows what is",
                     wanted->name);
    return handle;
}

gboolean
amt_account_write(WsMan *ws,
                  const AmtAccount *wanted,
                  gboolean fields,
                  gboolean state,
                  GVariant *password,
                  AmtAccount **found,
                  GError **error)
{
    const guint32 handle = fields ? write_fields(ws, wanted, password, error) : wanted->handle;
    g_autoptr(AmtAccount) now = NULL;

    if (handle == 0)
        return FALSE;
    if (state && !write_state(ws, handle, wanted->enabled, error)) {
        if (fields)
            g_prefix_error(error,
                           "account %s was %s, but not switched %s: ",
                           wanted->name,
                           wanted->handle == 0 ? "made" : "changed",
                           wanted->enabled ? "on" : "off");
        return FALSE;
    }
    if (found == NULL)
        return TRUE;
    now = read_account(ws, handle, error);
    if (now == NULL || !check_taken(now, wanted, error))
        return FALSE;
    *found = g_steal_pointer(&now);
    return TRUE;
}

void
amt_account_describe(const AmtAccount *account, PosternResult *result)
{
    result_uint(result, "handle", account->handle);
    result_string(result, "name", account->name);
    result_string(result,
                  "kind",
                  amt_account_is_system(account)     ? "system"
                  : amt_account_is_kerberos(account) ? "kerberos"
                                                     : "digest");
    result_value(result, "realms", amt_realm_words(account->realms));
    result_string(result, "access", amt_word(amt_access, account->access));
    result_bool(result, "enabled", account->enabled);
}
