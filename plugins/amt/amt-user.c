/* SPDX-License-Identifier: Apache-2.0 */
/* amt.user.list, add, set, password and remove: accounts of the firmware, each changed alone and read back. */
#include "amt-account.h"

#include <string.h>

/* ---- listing ---- */

static GVariant *
run_list(PosternRun *run, GVariant *params, gpointer self, GError **error)
{
    const Amt *amt = self;
    g_autoptr(WsMan) ws = amt_open(amt, run, params, error);
    g_autoptr(AmtAccounts) accounts = ws != NULL ? amt_accounts_read(amt, run, ws, error) : NULL;
    PosternResult result;

    if (accounts == NULL)
        return NULL;
    for (guint i = 0; i < accounts->list->len; i++) {
        PosternResult row;

        result_begin(&row);
        amt_account_describe(accounts->list->pdata[i], &row);
        if (!amt->svc.run->row(run, result_end(&row), error))
            return NULL;
    }
    result_begin(&result);
    result_string(&result, "admin", accounts->admin);
    result_bool(&result, "admin-default", accounts->admin_default);
    result_uint(&result, "accounts", accounts->list->len);
    return result_end(&result);
}

/* ---- before anything is changed ---- */

/* What a change is about, checked as far as it can be without the device. */
typedef struct {
    const Amt *amt;
    PosternRun *run;
    const char *name, *password;
    gboolean self;
    GVariant *params;
} Change;

static gboolean
change_begin(Change *change, const Amt *amt, PosternRun *run, GVariant *params, GError **error)
{
    *change = (Change){amt,
                       run,
                       params_string(params, "name"),
                       params_string(params, "password"),
                       params_bool(params, "self", FALSE),
                       params};
    /* system accounts can be switched off: what else is asked of them is refused later */
    if (!g_str_has_prefix(change->name, "$$") && !amt_check_account_name(change->name, error))
        return FALSE;
    if (change->password != NULL && g_str_has_prefix(change->name, "S-1-"))
        return postern_fail(error,
                            POSTERN_ERROR_BAD_PARAM,
                            "%s is a Kerberos account: it has no password in the device",
                            change->name);
    return change->password == NULL || amt_check_password(change->password, error);
}

static gboolean
refuse_admin(const Change *change, const AmtAccounts *accounts, GError **error)
{
    return strcmp(change->name, accounts->admin) != 0 ||
           postern_fail(error,
                        POSTERN_ERROR_CONFLICT,
                        "%s is the administrator, who has all realms and is always there; "
                        "amt.admin.password changes its password",
                        change->name);
}

static AmtAccount *
find_account(const Change *change, const AmtAccounts *accounts, GError **error)
{
    AmtAccount *found = amt_accounts_find(accounts, change->name);

    if (!refuse_admin(change, accounts, error))
        return NULL;
    if (found == NULL)
        postern_fail(error,
                     POSTERN_ERROR_CONFLICT,
                     "there is no account %s; amt.user.add makes one",
                     change->name);
    return found;
}

/* Who we are is not to be shut out by ourselves without being told so. */
static gboolean
check_self(const Change *change, const AmtAccounts *accounts, const char *what, GError **error)
{
    return change->self || what == NULL || g_strcmp0(accounts->own, change->name) != 0 ||
           postern_fail(error,
                        POSTERN_ERROR_CONFLICT,
                        "%s is the account that we are logged in with, and %s could lock us out; "
                        "nothing was changed. self=true does it all the same",
                        change->name,
                        what);
}

/* NULL without `error`: no password is to be set. Floating. */
static GVariant *
digest_password(const Change *change, WsMan *ws, GError **error)
{
    g_autofree char *realm = change->password != NULL ? amt_digest_realm(ws, error) : NULL;

    if (realm == NULL)
        return NULL;
    return amt_digest_password(change->amt, change->run, change->name, realm, change->password);
}

/* Realms, access and state as asked for, on top of what is so. */
static gboolean
read_wish(const Change *change, AmtAccount *wanted, GError **error)
{
    g_auto(GStrv) realms = params_strv(change->params, "realms");
    const char *access = params_string(change->params, "access");

    if (realms != NULL && !amt_realm_mask((const char *const *)realms, &wanted->realms, error))
        return FALSE;
    if (realms != NULL && wanted->realms == 0)
        return postern_fail(error,
                            POSTERN_ERROR_BAD_PARAM,
                            "an account without any realm can do nothing, and AMT takes none such; "
                            "enabled=false switches it off");
    if (access != NULL)
        amt_code(amt_access, access, &wanted->access);
    wanted->enabled = params_bool(change->params, "enabled", wanted->enabled);
    return TRUE;
}

static GVariant *
describe(const AmtAccount *account, gboolean changed)
{
    PosternResult result;

    result_begin(&result);
    amt_account_describe(account, &result);
    result_bool(&result, "changed", changed);
    return result_end(&result);
}

/* ---- adding ---- */

static gboolean
check_room(const Change *change, const AmtAccounts *accounts, GError **error)
{
    guint digest = 0;

    if (!refuse_admin(change, accounts, error))
        return FALSE;
    if (amt_accounts_find(accounts, change->name) != NULL)
        return postern_fail(error,
                            POSTERN_ERROR_CONFLICT,
                            "there is an account %s already; amt.user.set changes it",
                            change->name);
    for (guint i = 0; i < accounts->list->len; i++) {
        const AmtAccount *one = accounts->list->pdata[i];
        digest += !amt_account_is_kerberos(one) && !amt_account_is_system(one);
    }
    return g_str_has_prefix(change->name, "S-1-") || digest < AMT_ACCOUNTS_DIGEST_MOST ||
           postern_fail(
               error,
               POSTERN_ERROR_CONFLICT,
               "there are %u accounts with passwords beside the administrator, and AMT has "
               "room for %d: remove one that is not needed",
               digest,
               AMT_ACCOUNTS_DIGEST_MOST);
}

static gboolean
begin_add(Change *change, const Amt *amt, PosternRun *run, GVariant *params, GError **error)
{
    if (!change_begin(change, amt, run, params, error) ||
        !amt_check_account_name(change->name, error))
        return FALSE;
    return change->password != NULL || g_str_has_prefix(change->name, "S-1-") ||
           postern_fail(error,
                        POSTERN_ERROR_BAD_PARAM,
                        "an account with a name needs a password: give the parameter 'password'");
}

static GVariant *
run_add(PosternRun *run, GVariant *params, gpointer self, GError **error)
{
    const Amt *amt = self;
    g_autoptr(AmtAccount) wanted = g_new0(AmtAccount, 1);
    g_autoptr(AmtAccounts) accounts = NULL;
    g_autoptr(WsMan) ws = NULL;
    g_autoptr(GError) why = NULL;
    GVariant *password, *result;
    AmtAccount *found = NULL;
    Change change;

    wanted->enabled = TRUE;
    if (!begin_add(&change, amt, run, params, error) || !read_wish(&change, wanted, error))
        return NULL;
    wanted->name = g_strdup(change.name);
    ws = amt_open(amt, run, params, error);
    accounts = ws != NULL ? amt_accounts_read(amt, run, ws, error) : NULL;
    if (accounts == NULL || !check_room(&change, accounts, error))
        return NULL;
    password = digest_password(&change, ws, &why);
    if (why != NULL) {
        g_propagate_error(error, g_steal_pointer(&why));
        return NULL;
    }
    if (!amt_account_write(ws, wanted, TRUE, !wanted->enabled, password, &found, error))
        return NULL;
    result = describe(found, TRUE);
    g_ptr_array_add(accounts->list, found);
    amt_accounts_observe(amt, run, accounts);
    return result;
}

/* ---- changing ---- */

/* What of it could shut somebody out; NULL: nothing. */
static const char *
danger_of(const AmtAccount *now, const AmtAccount *wanted, const Change *change)
{
    return (now->realms & ~wanted->realms) != 0 ? "fewer realms"
           : now->enabled && !wanted->enabled   ? "switching it off"
           : wanted->access != now->access && wanted->access == AMT_ACCESS_LOCAL
               ? "local access only"
           : change->password != NULL ? "another password than the one that is stored"
                                      : NULL;
}

/* Whoever was let in until then reads nothing back. */
static gboolean
is_shut_out(const AmtAccount *wanted, const Change *change)
{
    return change->password != NULL || !wanted->enabled || wanted->access == AMT_ACCESS_LOCAL ||
           !amt_realms_suffice(wanted->realms, amt_need("amt.user.list"));
}

static gboolean
check_system(const AmtAccount *now, gboolean fields, GError **error)
{
    return !fields || !amt_account_is_system(now) ||
           postern_fail(
               error,
               POSTERN_ERROR_BAD_PARAM,
               "%s is an account of the firmware's own: it can be switched on and off, and "
               "nothing else",
               now->name);
}

static GVariant *
change_account(
    const Change *change, WsMan *ws, AmtAccounts *accounts, AmtAccount *now, GError **error)
{
    g_autoptr(GError) why = NULL;
    AmtAccount wanted = *now, *found = NULL;
    GVariant *password, *result;
    gboolean fields, blind;
    guint place;

    if (!read_wish(change, &wanted, error))
        return NULL;
    fields =
        wanted.realms != now->realms || wanted.access != now->access || change->password != NULL;
    if (!fields && wanted.enabled == now->enabled)
        return describe(now, FALSE);
    if (!check_system(now, fields, error) ||
        !check_self(change, accounts, danger_of(now, &wanted, change), error))
        return NULL;
    blind = g_strcmp0(accounts->own, now->name) == 0 && is_shut_out(&wanted, change);
    password = digest_password(change, ws, &why);
    if (why != NULL) {
        g_propagate_error(error, g_steal_pointer(&why));
        return NULL;
    }
    if (!amt_account_write(ws,
                           &wanted,
                           fields,
                           wanted.enabled != now->enabled,
                           password,
                           blind ? NULL : &found,
                           error))
        return NULL;
    if (blind)
        found = amt_account_copy(&wanted);
    result = describe(found, TRUE);
    if (g_ptr_array_find(accounts->list, now, &place)) {
        amt_account_free(now);
        accounts->list->pdata[place] = found;
    }
    amt_accounts_observe(change->amt, change->run, accounts);
    return result;
}

static GVariant *
run_set(PosternRun *run, GVariant *params, gpointer self, GError **error)
{
    const Amt *amt = self;
    g_autoptr(AmtAccounts) accounts = NULL;
    g_autoptr(WsMan) ws = NULL;
    AmtAccount *now;
    AmtAccount unknown = {0};
    Change change;

    /* before the device is asked */
    if (!change_begin(&change, amt, run, params, error) || !read_wish(&change, &unknown, error))
        return NULL;
    ws = amt_open(amt, run, params, error);
    accounts = ws != NULL ? amt_accounts_read(amt, run, ws, error) : NULL;
    now = accounts != NULL ? find_account(&change, accounts, error) : NULL;
    return now != NULL ? change_account(&change, ws, accounts, now, error) : NULL;
}

/* ---- removing ---- */

static GVariant *
removed(gboolean was_there)
{
    PosternResult result;

    result_begin(&result);
    result_bool(&result, "removed", was_there);
    return result_end(&result);
}

static gboolean
remove_account(
    const Change *change, WsMan *ws, AmtAccounts *accounts, AmtAccount *now, GError **error)
{
    const gboolean own = g_strcmp0(accounts->own, now->name) == 0;
    g_autoptr(GVariant) outputs = NULL;
    g_autoptr(AmtAccounts) after = NULL;
    PosternResult args;

    result_begin(&args);
    result_uint(&args, "Handle", now->handle);
    outputs = amt_accounts_call(ws, "RemoveUserAclEntry", result_end(&args), error);
    if (outputs == NULL)
        return FALSE;
    if (own) { /* whoever is gone reads nothing back */
        g_ptr_array_remove(accounts->list, now);
        amt_accounts_observe(change->amt, change->run, accounts);
        return TRUE;
    }
    after = amt_accounts_read(change->amt, change->run, ws, error);
    if (after == NULL)
        return FALSE;
    return amt_accounts_find(after, change->name) == NULL ||
           postern_fail(error,
                        POSTERN_ERROR_CONFLICT,
                        "the device said yes, and account %s is still there",
                        change->name);
}

static GVariant *
run_remove(PosternRun *run, GVariant *params, gpointer self, GError **error)
{
    const Amt *amt = self;
    g_autoptr(AmtAccounts) accounts = NULL;
    g_autoptr(WsMan) ws = NULL;
    AmtAccount *now;
    Change change;

    if (!change_begin(&change, amt, run, params, error) ||
        !amt_check_account_name(change.name, error))
        return NULL;
    ws = amt_open(amt, run, params, error);
    accounts = ws != NULL ? amt_accounts_read(amt, run, ws, error) : NULL;
    if (accounts == NULL || !refuse_admin(&change, accounts, error))
        return NULL;
    now = amt_accounts_find(accounts, change.name);
    if (now == NULL)
        return removed(FALSE);
    if (!check_self(&change, accounts, "its end", error))
        return NULL;
    return remove_account(&change, ws, accounts, now, error) ? removed(TRUE) : NULL;
}

/* clang-format off */
#define NEEDS "Least realm: PT Administration."
#define NAME_PARAM POSTERN_FIELD_ITEM(.name = "name", .type = "s", .flags = POSTERN_FIELD_REQUIRED,                             \
                                      .summary = "name of the account; of a Kerberos account its SID, S-1-...")
#define SELF_PARAM POSTERN_FIELD_ITEM(.name = "self", .type = "b", .fallback = "false",                                         \
                                      .summary = "do it to the account that we are logged in with, too")
#define REALMS_WORDS "what it may do: redirection, administration, hardware-asset, remote-control, general-info, event-manager, ..."

static const PosternField *const list_params[] = {AMT_COMMON_PARAMS, NULL};
static const PosternField *const add_params[] = {
    NAME_PARAM,
    POSTERN_FIELD_ITEM(.name = "password", .type = "s", .flags = POSTERN_FIELD_SECRET,
                       .summary = "its password, 8 to 32 characters of all four kinds; a Kerberos account has none"),
    POSTERN_FIELD_ITEM(.name = "realms", .type = "as", .flags = POSTERN_FIELD_REQUIRED, .summary = REALMS_WORDS),
    POSTERN_FIELD_ITEM(.name = "access", .type = "s", .fallback = "'any'", .choices = amt_access_choices,
                       .summary = "from where: inside the machine, over the network, or both"),
    POSTERN_FIELD_ITEM(.name = "enabled", .type = "b", .fallback = "true", .summary = "whether it may come in"),
    AMT_COMMON_PARAMS,
    NULL,
};
static const PosternField *const set_params[] = {
    NAME_PARAM,
    POSTERN_FIELD_ITEM(.name = "realms", .type = "as", .summary = REALMS_WORDS "; these and no others"),
    POSTERN_FIELD_ITEM(.name = "access", .type = "s", .choices = amt_access_choices,
                       .summary = "from where: inside the machine, over the network, or both"),
    POSTERN_FIELD_ITEM(.name = "enabled", .type = "b", .summary = "whether it may come in"),
    POSTERN_FIELD_ITEM(.name = "password", .type = "s", .flags = POSTERN_FIELD_SECRET,
                       .summary = "another password; some firmware wants the same one again with new realms"),
    SELF_PARAM,
    AMT_COMMON_PARAMS,
    NULL,
};
static const PosternField *const password_params[] = {
    NAME_PARAM,
    POSTERN_FIELD_ITEM(.name = "password", .type = "s", .flags = POSTERN_FIELD_SECRET | POSTERN_FIELD_REQUIRED,
                       .summary = "its new password, 8 to 32 characters of all four kinds"),
    SELF_PARAM,
    AMT_COMMON_PARAMS,
    NULL,
};
static const PosternField *const remove_params[] = {NAME_PARAM, SELF_PARAM, AMT_COMMON_PARAMS, NULL};

#define ACCOUNT_FIELDS                                                                                                          \
    POSTERN_FIELD_ITEM(.name = "handle", .type = "u", .flags = POSTERN_FIELD_REQUIRED, .summary = "number that the device gave it"), \
    POSTERN_FIELD_ITEM(.name = "name", .type = "s", .flags = POSTERN_FIELD_REQUIRED, .summary = "name, or SID"),               \
    POSTERN_FIELD_ITEM(.name = "kind", .type = "s", .flags = POSTERN_FIELD_REQUIRED, .summary = "digest, kerberos or system"), \
    POSTERN_FIELD_ITEM(.name = "realms", .type = "as", .flags = POSTERN_FIELD_REQUIRED, .summary = "what it may do"),          \
    POSTERN_FIELD_ITEM(.name = "access", .type = "s", .summary = "local, network or any"),                                      \
    POSTERN_FIELD_ITEM(.name = "enabled", .type = "b", .flags = POSTERN_FIELD_REQUIRED, .summary = "whether it may come in")

static const PosternField *const rows[] = {ACCOUNT_FIELDS, NULL};
static const PosternField *const list_outputs[] = {
    POSTERN_FIELD_ITEM(.name = "admin", .type = "s", .flags = POSTERN_FIELD_REQUIRED, .summary = "name of the administrator"),
    POSTERN_FIELD_ITEM(.name = "admin-default", .type = "b", .flags = POSTERN_FIELD_REQUIRED,
                       .summary = "the administrator is as it left the factory: change its password"),
    POSTERN_FIELD_ITEM(.name = "accounts", .type = "u", .flags = POSTERN_FIELD_REQUIRED, .summary = "how many others there are"),
    NULL,
};
static const PosternField *const account_outputs[] = {
    ACCOUNT_FIELDS,
    POSTERN_FIELD_ITEM(.name = "changed", .type = "b", .flags = POSTERN_FIELD_REQUIRED, .summary = "false: it was so already"),
    NULL,
};
static const PosternField *const remove_outputs[] = {
    POSTERN_FIELD_ITEM(.name = "removed", .type = "b", .flags = POSTERN_FIELD_REQUIRED, .summary = "false: there was none"),
    NULL,
};

const PosternTask amt_user_list_task = {
    .size = sizeof(PosternTask),
    .flags = POSTERN_TASK_READ_ONLY | POSTERN_TASK_IDEMPOTENT,
    .version = 1,
    .id = "amt.user.list",
    .summary = "list the accounts of the firmware and what each may do",
    .details = "One row for each account but the administrator's. What they may do is remembered for a day, so that a task can say what "
               "its account lacks before it asks. " NEEDS,
    .params = list_params,
    .outputs = list_outputs,
    .rows = rows,
    .credentials = amt_credentials,
    .run = run_list,
};

const PosternTask amt_user_add_task = {
    .size = sizeof(PosternTask),
    .version = 1,
    .id = "amt.user.add",
    .summary = "make an account",
    .details = "One that is there already is a conflict. AMT has room for seven with passwords beside the administrator. " NEEDS,
    .params = add_params,
    .outputs = account_outputs,
    .credentials = amt_credentials,
    .run = run_add,
};

const PosternTask amt_user_set_task = {
    .size = sizeof(PosternTask),
    .version = 1,
    .id = "amt.user.set",
    .summary = "change what an account may do, from where, or whether at all",
    .details = "What is not named stays as it is, and what is so already is not written. Weakening the account that we are logged in "
               "with is refused without self=true. " NEEDS,
    .params = set_params,
    .outputs = account_outputs,
    .credentials = amt_credentials,
    .run = run_set,
};

const PosternTask amt_user_password_task = {
    .size = sizeof(PosternTask),
    .version = 1,
    .id = "amt.user.password",
    .summary = "change the password of an account",
    .details = "Its realms stay. The administrator's password is amt.admin.password's. A stored login does not follow. " NEEDS,
    .params = password_params,
    .outputs = account_outputs,
    .credentials = amt_credentials,
    .run = run_set,
};

const PosternTask amt_user_remove_task = {
    .size = sizeof(PosternTask),
    .flags = POSTERN_TASK_DISRUPTIVE,
    .version = 1,
    .id = "amt.user.remove",
    .summary = "remove an account",
    .details = "The one that we are logged in with only with self=true. " NEEDS,
    .params = remove_params,
    .outputs = remove_outputs,
    .credentials = amt_credentials,
    .run = run_remove,
};
/* clang-format on */
