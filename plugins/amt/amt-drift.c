/* SPDX-License-Identifier: Apache-2.0 */
/* amt.account.drift: the accounts that there should be against those that there are. */
#include "amt-drift.h"

#include "amt-x509.h"

#include <string.h>

enum { FILE_MOST = 64 * 1024 };

typedef enum { SAME, MISSING, DIFFERENT, FOREIGN } State;

/* One account: wanted, found, or both. */
typedef struct {
    const AmtAccount *wanted, *found;
    State state;
    gboolean changed;
} Line;

typedef struct {
    const Amt *amt;
    PosternRun *run;
    GVariant *params;
    WsMan *ws;
    GPtrArray *wanted;
    AmtAccounts *accounts;
    GArray *lines; /* of Line */
} Drift;

static void
drift_clear(Drift *drift)
{
    g_clear_pointer(&drift->ws, wsman_close);
    g_clear_pointer(&drift->wanted, g_ptr_array_unref);
    g_clear_pointer(&drift->accounts, amt_accounts_free);
    g_clear_pointer(&drift->lines, g_array_unref);
}
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC(Drift, drift_clear)

/* ---- what is wanted ---- */

static GPtrArray *
read_file(const Drift *drift, const char *path, GError **error)
{
    g_autoptr(GBytes) content = amt_file_read(drift->amt, drift->run, path, FILE_MOST, error);
    g_autofree char *text = NULL;
    GPtrArray *wanted = NULL;
    gsize length;

    if (content == NULL)
        return NULL;
    text = g_strndup(g_bytes_get_data(content, NULL), g_bytes_get_size(content));
    length = strlen(text);
    if (length != g_bytes_get_size(content))
        postern_fail(error,
                     POSTERN_ERROR_BAD_PARAM,
                     "it is no list of accounts: byte %" G_GSIZE_FORMAT " is zero",
                     length);
    else
        wanted = amt_wanted_of_text(text, error);
    if (wanted == NULL)
        g_prefix_error(error, "%s: ", path);
    return wanted;
}

static GPtrArray *
read_wanted(const Drift *drift, GError **error)
{
    g_autoptr(GVariant) accounts = params_value(drift->params, "accounts", "aa{sv}");
    const char *path = params_string(drift->params, "file");
    const char *password = params_string(drift->params, "password");

    if ((accounts != NULL) == (path != NULL)) {
        postern_fail(error,
                     POSTERN_ERROR_BAD_PARAM,
                     "which accounts there should be is said by one of 'accounts' and 'file'");
        return NULL;
    }
    if (password != NULL && !amt_check_password(password, error))
        return NULL;
    return path != NULL ? read_file(drift, path, error) : amt_wanted_of_values(accounts, error);
}

/* ---- comparing ---- */

static gboolean
is_same(const AmtAccount *wanted, const AmtAccount *found)
{
    return wanted->realms == found->realms && wanted->access == found->access &&
           wanted->enabled == found->enabled;
}

static gboolean
is_wanted(const Drift *drift, const char *name)
{
    for (guint i = 0; i < drift->wanted->len; i++)
        if (strcmp(((const AmtAccount *)drift->wanted->pdata[i])->name, name) == 0)
            return TRUE;
    return FALSE;
}

/* The firmware's own accounts are nobody's drift. */
static void
compare(Drift *drift)
{
    drift->lines = g_array_new(FALSE, TRUE, sizeof(Line));
    for (guint i = 0; i < drift->wanted->len; i++) {
        Line line = {.wanted = drift->wanted->pdata[i]};

        line.found = amt_accounts_find(drift->accounts, line.wanted->name);
        line.state = line.found == NULL                 ? MISSING
                     : is_same(line.wanted, line.found) ? SAME
                                                        : DIFFERENT;
        g_array_append_val(drift->lines, line);
    }
    for (guint i = 0; i < drift->accounts->list->len; i++) {
        Line line = {.found = drift->accounts->list->pdata[i], .state = FOREIGN};

        if (!amt_account_is_system(line.found) && !is_wanted(drift, line.found->name))
            g_array_append_val(drift->lines, line);
    }
}

/* ---- changing ---- */

/* All that can be known before the first account is touched. */
static gboolean
check_line(const Drift *drift, const Line *line, GError **error)
{
    const gboolean kerberos = line->wanted != NULL && amt_account_is_kerberos(line->wanted);

    if (line->state == MISSING && !kerberos && params_string(drift->params, "password") == NULL)
        return postern_fail(error,
                            POSTERN_ERROR_BAD_PARAM,
                            "account %s is missing, and none can be made without a password: give "
                            "the parameter 'password'; nothing was changed",
                            line->wanted->name);
    return line->state != DIFFERENT || g_strcmp0(drift->accounts->own, line->found->name) != 0 ||
           postern_fail(error,
                        POSTERN_ERROR_CONFLICT,
                        "%s is the account that we are logged in with: log in with another one to "
                        "change it; nothing was changed",
                        line->found->name);
}

static gboolean
check_all(const Drift *drift, GError **error)
{
    guint digest = 0;

    for (guint i = 0; i < drift->lines->len; i++) {
        const Line *line = &g_array_index(drift->lines, Line, i);
        const AmtAccount *one = line->wanted != NULL ? line->wanted : line->found;

        digest += !amt_account_is_kerberos(one);
        if (!check_line(drift, line, error))
            return FALSE;
    }
    if (is_wanted(drift, drift->accounts->admin))
        return postern_fail(error,
                            POSTERN_ERROR_BAD_PARAM,
                            "%s is the administrator, whose realms cannot be chosen; nothing was "
                            "changed",
                            drift->accounts->admin);
    return digest <= AMT_ACCOUNTS_DIGEST_MOST ||
           postern_fail(
               error,
               POSTERN_ERROR_CONFLICT,
               "%u accounts with passwords would be there, and AMT has room for %d: remove "
               "those that are foreign; nothing was changed",
               digest,
               AMT_ACCOUNTS_DIGEST_MOST);
}

static gboolean
apply_line(const Drift *drift, const char *realm, Line *line, GError **error)
{
    AmtAccount wanted = *line->wanted;
    g_autoptr(AmtAccount) after = NULL;
    GVariant *password = NULL;
    gboolean fields = TRUE, state = !wanted.enabled;

    if (line->state == DIFFERENT) {
        wanted.handle = line->found->handle;
        fields = wanted.realms != line->found->realms || wanted.access != line->found->access;
        state = wanted.enabled != line->found->enabled;
    } else if (!amt_account_is_kerberos(&wanted)) {
        password = amt_digest_password(
            drift->amt, drift->run, wanted.name, realm, params_string(drift->params, "password"));
    }
    line->changed = amt_account_write(drift->ws, &wanted, fields, state, password, &after, error);
    if (!line->changed)
        g_prefix_error(error, "account %s: ", wanted.name);
    return line->changed;
}

static gboolean
apply(Drift *drift, GError **error)
{
    g_autofree char *realm = NULL;
    g_autoptr(AmtAccounts) after = NULL;
    gboolean any = FALSE;

    if (!check_all(drift, error))
        return FALSE;
    for (guint i = 0; i < drift->lines->len; i++) {
        Line *line = &g_array_index(drift->lines, Line, i);

        if (line->state != MISSING && line->state != DIFFERENT)
            continue;
        if (realm == NULL && (realm = amt_digest_realm(drift->ws, error)) == NULL)
            return FALSE;
        if (!apply_line(drift, realm, line, error))
            return FALSE;
        any = TRUE;
    }
    if (any) /* what is remembered of them is so no more */
        after = amt_accounts_read(drift->amt, drift->run, drift->ws, error);
    return !any || after != NULL;
}

/* ---- telling ---- */

static GVariant *
describe(const Line *line)
{
    static const char *const words[] = {"same", "missing", "different", "foreign"};
    const guint32 wanted = line->wanted != NULL ? line->wanted->realms : 0;
    const guint32 found = line->found != NULL ? line->found->realms : 0;
    PosternResult row;

    result_begin(&row);
    result_string(&row, "account", (line->wanted != NULL ? line->wanted : line->found)->name);
    result_string(&row, "state", words[line->state]);
    result_value(&row, "realms-less", amt_realm_words(wanted & ~found));
    result_value(&row, "realms-more", amt_realm_words(found & ~wanted));
    if (line->found != NULL) {
        result_string(&row, "access", amt_word(amt_access, line->found->access));
        result_bool(&row, "enabled", line->found->enabled);
    }
    result_bool(&row, "changed", line->changed);
    return result_end(&row);
}

static GVariant *
names_of(const Drift *drift, State state)
{
    GVariantBuilder names;

    g_variant_builder_init(&names, G_VARIANT_TYPE_STRING_ARRAY);
    for (guint i = 0; i < drift->lines->len; i++) {
        const Line *line = &g_array_index(drift->lines, Line, i);

        if (line->state == state)
            g_variant_builder_add(
                &names, "s", (line->wanted != NULL ? line->wanted : line->found)->name);
    }
    return g_variant_builder_end(&names);
}

static GVariant *
tell(const Drift *drift, GError **error)
{
    gboolean in_step = TRUE;
    PosternResult result;

    for (guint i = 0; i < drift->lines->len; i++) {
        const Line *line = &g_array_index(drift->lines, Line, i);

        in_step &= line->state == SAME || line->changed;
        if (!drift->amt->svc.run->row(drift->run, describe(line), error))
            return NULL;
    }
    result_begin(&result);
    result_bool(&result, "in-step", in_step);
    result_value(&result, "missing", names_of(drift, MISSING));
    result_value(&result, "different", names_of(drift, DIFFERENT));
    result_value(&result, "foreign", names_of(drift, FOREIGN));
    return result_end(&result);
}

static GVariant *
run_drift(PosternRun *run, GVariant *params, gpointer self, GError **error)
{
    g_auto(Drift) drift = {.amt = self, .run = run, .params = params};

    drift.wanted = read_wanted(&drift, error);
    drift.ws = drift.wanted != NULL ? amt_open(self, run, params, error) : NULL;
    drift.accounts = drift.ws != NULL ? amt_accounts_read(self, run, drift.ws, error) : NULL;
    if (drift.accounts == NULL)
        return NULL;
    compare(&drift);
    if (params_bool(params, "apply", FALSE) && !apply(&drift, error))
        return NULL;
    return tell(&drift, error);
}

/* clang-format off */
static const PosternField *const params[] = {
    POSTERN_FIELD_ITEM(.name = "accounts", .type = "aa{sv}",
                       .summary = "which there should be: [{'name': <'operator'>, 'realms': <['remote-control']>}, ...]; also access, enabled"),
    POSTERN_FIELD_ITEM(.name = "file", .type = "s", .format = "file",
                       .summary = "the same as text, a line each: NAME REALM,REALM... [access=any] [enabled=yes]"),
    POSTERN_FIELD_ITEM(.name = "apply", .type = "b", .fallback = "false",
                       .summary = "make those that are missing, change those that are different; the foreign stay as they are"),
    POSTERN_FIELD_ITEM(.name = "password", .type = "s", .flags = POSTERN_FIELD_SECRET,
                       .summary = "of accounts that are made"),
    AMT_COMMON_PARAMS,
    NULL,
};

static const PosternField *const rows[] = {
    POSTERN_FIELD_ITEM(.name = "account", .type = "s", .flags = POSTERN_FIELD_REQUIRED, .summary = "name, or SID"),
    POSTERN_FIELD_ITEM(.name = "state", .type = "s", .flags = POSTERN_FIELD_REQUIRED,
                       .summary = "as it was found: same, missing, different or foreign (not among those wanted)"),
    POSTERN_FIELD_ITEM(.name = "realms-less", .type = "as", .flags = POSTERN_FIELD_REQUIRED, .summary = "wanted and not found"),
    POSTERN_FIELD_ITEM(.name = "realms-more", .type = "as", .flags = POSTERN_FIELD_REQUIRED, .summary = "found and not wanted"),
    POSTERN_FIELD_ITEM(.name = "access", .type = "s", .summary = "as found: local, network or any"),
    POSTERN_FIELD_ITEM(.name = "enabled", .type = "b", .summary = "as found"),
    POSTERN_FIELD_ITEM(.name = "changed", .type = "b", .flags = POSTERN_FIELD_REQUIRED, .summary = "it was made or changed just now"),
    NULL,
};

static const PosternField *const outputs[] = {
    POSTERN_FIELD_ITEM(.name = "in-step", .type = "b", .flags = POSTERN_FIELD_REQUIRED,
                       .summary = "there are the accounts that there should be, and no others"),
    POSTERN_FIELD_ITEM(.name = "missing", .type = "as", .flags = POSTERN_FIELD_REQUIRED, .summary = "accounts that were not there"),
    POSTERN_FIELD_ITEM(.name = "different", .type = "as", .flags = POSTERN_FIELD_REQUIRED, .summary = "accounts that were not as they should be"),
    POSTERN_FIELD_ITEM(.name = "foreign", .type = "as", .flags = POSTERN_FIELD_REQUIRED, .summary = "accounts that should not be there"),
    NULL,
};

const PosternTask amt_account_drift_task = {
    .size = sizeof(PosternTask),
    .flags = POSTERN_TASK_IDEMPOTENT,
    .version = 1,
    .timeout_ms = 120000,
    .id = "amt.account.drift",
    .summary = "compare the accounts that there are with those that there should be",
    .details = "One row for each account. With apply=true those that are missing or different are made as they should be, each read back; "
               "foreign ones, the administrator and the account that we are logged in with are never touched. "
               "Least realm: PT Administration.",
    .params = params,
    .outputs = outputs,
    .rows = rows,
    .credentials = amt_credentials,
    .run = run_drift,
};
/* clang-format on */
