/* SPDX-License-Identifier: Apache-2.0 */
/*
 * amt.admin.password: another password for the administrator, so that nobody is locked out.
 *
 * The new one is stored before the device hears of it, and the old one forgotten only when the new one was let in.
 * Whatever happens in between, the one in force is among those that are stored.
 */
#include "amt-account.h"

#include <string.h>

enum { TRIES = 4, PAUSE_MS = 3000 };

typedef struct {
    const Amt *amt;
    PosternRun *run;
    GVariant *params;
    PosternCredential *pending;
} Admin;

static const PosternSecretsSvc *
secrets_of(const Admin *admin)
{
    return admin->amt->svc.secrets;
}

/* ---- before ---- */

static gboolean
check_possible(const Amt *amt, GVariant *params, GError **error)
{
    const char *password = params_string(params, "new-password");

    if (!POSTERN_CAN(amt->svc.secrets, prepare) || !POSTERN_CAN(amt->svc.credentials, foresee))
        return postern_fail(error,
                            POSTERN_ERROR_NOT_SUPPORTED,
                            "this host cannot store a login, so that a changed password would be "
                            "lost: nothing was changed");
    return password == NULL || amt_check_password(password, error);
}

/* Only who logs in as the administrator can find out by logging in what became of the change. */
static char *
own_name(const Admin *admin, WsMan *ws, GError **error)
{
    g_autofree char *name = amt_admin_name(ws, error);
    g_autofree char *own = NULL;

    if (name == NULL)
        return NULL;
    own = g_strdup(admin->amt->svc.credentials->foresee(admin->run, amt_credentials, "user"));
    if (g_strcmp0(name, own) == 0)
        return g_steal_pointer(&name);
    postern_fail(
        error,
        POSTERN_ERROR_CONFLICT,
        "the administrator is %s, and we are logged in as %s: log in as the administrator, "
        "so that the new password can be tried; nothing was changed",
        name,
        own != NULL ? own : "somebody else");
    return NULL;
}

static gboolean
prepare(Admin *admin, const char *name, GError **error)
{
    PosternResult fields;

    result_begin(&fields);
    result_string(&fields, "user", name);
    result_string(&fields, "password", params_string(admin->params, "new-password"));
    admin->pending =
        secrets_of(admin)->prepare(admin->run, amt_credentials[0], result_end(&fields), error);
    return admin->pending != NULL;
}

/* ---- the change ---- */

static gboolean
set_password(const Admin *admin, WsMan *ws, const char *name, const char *realm, GError **error)
{
    const char *password = admin->amt->svc.credentials->peek(admin->pending, "password");
    g_autoptr(GVariant) outputs = NULL;
    PosternResult args;

    result_begin(&args);
    result_string(&args, "Username", name);
    result_value(&args,
                 "DigestPassword",
                 amt_digest_password(admin->amt, admin->run, name, realm, password));
    outputs = amt_accounts_call(ws, "SetAdminAclEntryEx", result_end(&args), error);
    return outputs != NULL;
}

/* The device heard it and said no. Anything else may have come after it said yes. */
static gboolean
was_refused(const GError *why)
{
    switch (why->code) {
    case POSTERN_ERROR_FORBIDDEN:
    case POSTERN_ERROR_NOT_SUPPORTED:
    case POSTERN_ERROR_DEVICE:
    case POSTERN_ERROR_BAD_PARAM:
    case POSTERN_ERROR_CONFLICT:
        return TRUE;
    default:
        return FALSE;
    }
}

/* ---- which of the two is it? ---- */

/* Somebody was let in on a new connection, the new password tried first. */
static gboolean
log_in_once(const Admin *admin, GError **error)
{
    g_autoptr(WsMan) ws = amt_open(admin->amt, admin->run, admin->params, error);
    g_autoptr(GVariant) general =
        ws != NULL ? wsman_get(ws, "AMT_GeneralSettings", NULL, error) : NULL;

    return general != NULL;
}

static gboolean
log_in(const Admin *admin, GError **error)
{
    secrets_of(admin)->try_first(admin->pending);
    for (guint i = 1;; i++) {
        g_autoptr(GError) why = NULL;

        if (log_in_once(admin, &why))
            return TRUE;
        /* a login that is refused is not repeated; a connection that breaks may be */
        if (i == TRIES || why->code == POSTERN_ERROR_AUTH ||
            !admin->amt->svc.run->sleep(admin->run, PAUSE_MS, NULL)) {
            g_propagate_prefixed_error(error,
                                       g_steal_pointer(&why),
                                       "the administrator's new password was sent, and whether it "
                                       "is in force is not known; "
                                       "it stays stored beside the old one, and the next run that "
                                       "logs in here finds out: ");
            return FALSE;
        }
    }
}

static gboolean
drop(const Admin *admin, GError **error)
{
    return secrets_of(admin)->drop(admin->pending, error);
}

/* `lost`: why the answer to the change did not come, or NULL. */
static gboolean
settle(const Admin *admin, const GError *lost, GError **error)
{
    if (!log_in(admin, error))
        return FALSE;
    if (secrets_of(admin)->in_force(admin->pending))
        return secrets_of(admin)->keep(admin->pending, error);
    return drop(admin, error) &&
           postern_fail(
               error,
               lost != NULL ? (PosternError)lost->code : POSTERN_ERROR_CONFLICT,
               "%s, and the old password is still in force: nothing was changed; try again",
               lost != NULL ? lost->message : "the device said yes to the new password");
}

static gboolean
change(Admin *admin, WsMan **ws, const char *name, const char *realm, GError **error)
{
    g_autoptr(GError) why = NULL;

    if (set_password(admin, *ws, name, realm, &why) || !was_refused(why)) {
        g_clear_pointer(ws, wsman_close);
        return settle(admin, why, error);
    }
    if (drop(admin, error))
        g_propagate_error(error, g_steal_pointer(&why));
    return FALSE;
}

static GVariant *
run_password(PosternRun *run, GVariant *params, gpointer self, GError **error)
{
    Admin admin = {self, run, params, NULL};
    g_autoptr(WsMan) ws = NULL;
    g_autofree char *name = NULL, *realm = NULL, *label = NULL;
    gboolean changed;
    PosternResult result;

    if (!check_possible(self, params, error))
        return NULL;
    ws = amt_open(self, run, params, error);
    name = ws != NULL ? own_name(&admin, ws, error) : NULL;
    realm = name != NULL ? amt_digest_realm(ws, error) : NULL;
    if (realm == NULL || !prepare(&admin, name, error))
        return NULL;
    changed = change(&admin, &ws, name, realm, error);
    label = g_strdup(admin.amt->svc.credentials->label(admin.pending));
    secrets_of(&admin)->release(admin.pending);
    if (!changed)
        return NULL;
    result_begin(&result);
    result_string(&result, "user", name);
    result_string(&result, "stored", label);
    return result_end(&result);
}

/* clang-format off */
static const PosternField *const params[] = {
    POSTERN_FIELD_ITEM(.name = "new-password", .type = "s", .flags = POSTERN_FIELD_SECRET,
                       .summary = "the new password; without it the host makes a strong one"),
    AMT_COMMON_PARAMS,
    NULL,
};

static const PosternField *const outputs[] = {
    POSTERN_FIELD_ITEM(.name = "user", .type = "s", .flags = POSTERN_FIELD_REQUIRED, .summary = "name of the administrator"),
    POSTERN_FIELD_ITEM(.name = "stored", .type = "s", .flags = POSTERN_FIELD_REQUIRED,
                       .summary = "where the new password is: the credential profile of this machine alone"),
    NULL,
};

const PosternTask amt_admin_password_task = {
    .size = sizeof(PosternTask),
    .flags = POSTERN_TASK_DISRUPTIVE,
    .version = 1,
    .timeout_ms = 120000,
    .id = "amt.admin.password",
    .summary = "change the administrator's password, with no moment in which nobody has it",
    .details = "The new password is stored first, then set, then tried by logging in, and becomes the machine's login when it was let "
               "in. When the answer is lost, both are tried. When it did not take, it is forgotten. Log in as the administrator. "
               "Least realm: PT Administration.",
    .params = params,
    .outputs = outputs,
    .credentials = amt_credentials,
    .run = run_password,
};
/* clang-format on */
