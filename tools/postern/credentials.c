/* SPDX-License-Identifier: Apache-2.0 */
/*
 * credentials.c - the verbs about credential profiles, but for `credential test`.
 */
#include "config.h"

#include "error.h"
#include "fleet-open.h"
#include "json.h"
#include "list.h"
#include "login-ask.h"
#include "out.h"
#include "profile-file.h"
#include "prompt.h"
#include "verbs.h"
#include "when.h"

#include <string.h>

enum { PASSPHRASE_LEAST = 12 };

/* ---- add and rotate ---- */

static gboolean
ask(PosternCredential *login, GError **error)
{
    return prompt_possible() ? login_ask(login, error) : credential_complete(login, error);
}

/* What `TYPE[:FIELD=VALUE,...]` says, on top of the login `old` (or NULL). */
static PosternCredential *
read_login(Opened *opened, const char *profile, const char *text, gboolean old, GError **error)
{
    Registry *registry = host_registry(opened->host);
    g_auto(GStrv) parts = g_strsplit(text, ":", 2);
    const CredentialTypeInfo *type = registry_credential_type(registry, parts[0], error);
    const Vault *vault = type != NULL ? fleet_vault(opened->fleet, error) : NULL;
    g_autoptr(PosternCredential) login = NULL;

    if (vault == NULL)
        return NULL;
    login = old ? profile_login(opened->store, vault, registry, profile, type->id, error)
                : credential_new(type, profile);
    if (login == NULL)
        return NULL;
    if (parts[1] == NULL)
        return ask(login, error) ? g_steal_pointer(&login) : NULL;
    if (!credential_set_parts(login, parts[1], error) || !credential_complete(login, error))
        return NULL;
    return g_steal_pointer(&login);
}

typedef struct {
    const char *profile;
    PosternCredential *login;
    gboolean rotate;
} Putting;

static gboolean
put(Opened *opened, gpointer data, GError **error)
{
    const Putting *putting = data;

    return profile_put(opened->store,
                       fleet_vault(opened->fleet, NULL),
                       putting->profile,
                       putting->login,
                       putting->rotate,
                       error);
}

static Status
put_login(const Args *args, gboolean rotate)
{
    g_autoptr(Opened) opened = opened_new(args);
    g_autoptr(PosternCredential) login = NULL;
    g_autoptr(GError) error = NULL;
    g_autofree char *what = NULL;
    Putting putting = {.profile = args_word(args, 0), .rotate = rotate};

    if (opened == NULL)
        return STATUS_CONFIG;
    login = read_login(opened, args_word(args, 0), args_word(args, 1), rotate, &error);
    if (login == NULL)
        return status_of_error(error);
    putting.login = login;
    what = g_strdup_printf("profile %s, type %s", args_word(args, 0), login->type->id);
    return opened_change(opened, args, what, put, &putting);
}

Status
verb_credential_add(const Args *args)
{
    return put_login(args, FALSE);
}

Status
verb_credential_rotate(const Args *args)
{
    return put_login(args, TRUE);
}

/* ---- default and remove ---- */

static gboolean
set_default(Opened *opened, gpointer data, GError **error)
{
    return profile_set_default(opened->store, args_word(data, 0), error);
}

Status
verb_credential_default(const Args *args)
{
    g_autoptr(Opened) opened = opened_new(args);

    return opened == NULL
               ? STATUS_CONFIG
               : opened_change(
                     opened, args, args_word(args, 0), set_default, (gpointer)(gsize)args);
}

static gboolean
drop(Opened *opened, gpointer data, GError **error)
{
    return profile_remove(opened->store, args_word(data, 0), args_word(data, 1), error);
}

Status
verb_credential_remove(const Args *args)
{
    g_autoptr(Opened) opened = opened_new(args);

    if (opened == NULL)
        return STATUS_CONFIG;
    if (!args->yes && !(prompt_possible() && prompt_yes("Remove it for good? [y/N] "))) {
        complain("credential profile %s is not removed: give --yes to do it", args_word(args, 0));
        return STATUS_REFUSED;
    }
    return opened_change(opened, args, args_word(args, 0), drop, (gpointer)(gsize)args);
}

/* ---- list ---- */

typedef struct {
    const Profile *profile;
    const char *types;
} ProfileItem;

static char *
types_text(const Profile *profile)
{
    GString *text = g_string_new(NULL);

    for (guint i = 0; i < profile->types->len; i++)
        g_string_append_printf(
            text, "%s%s", i > 0 ? " " : "", (const char *)profile->types->pdata[i]);
    return g_string_free(text, FALSE);
}

static void
profile_cells(gconstpointer data, const char **cells)
{
    const ProfileItem *item = data;

    cells[0] = item->profile->name;
    cells[1] = item->profile->is_default ? "default" : "-";
    cells[2] = item->types;
}

static void
profile_members(gconstpointer data, GString *out)
{
    const Profile *profile = ((const ProfileItem *)data)->profile;

    json_member(out, "name", profile->name);
    json_flag(out, "default", profile->is_default);
    json_name(out, "types");
    g_string_append_c(out, '[');
    for (guint i = 0; i < profile->types->len; i++) {
        g_string_append(out, i > 0 ? "," : "");
        json_string(out, profile->types->pdata[i]);
    }
    g_string_append_c(out, ']');
}

Status
verb_credential_list(const Args *args)
{
    static const char *const titles[] = {"PROFILE", "DEFAULT", "TYPES", NULL};
    static const ListKind kind = {titles, profile_cells, profile_members};
    g_autoptr(Opened) opened = opened_new(args);
    g_autoptr(GError) error = NULL;
    g_autoptr(GPtrArray) all = opened != NULL ? profile_list(opened->store, &error) : NULL;
    List *list;

    if (all == NULL)
        return error != NULL ? status_of_error(error) : STATUS_CONFIG;
    list = list_begin(&kind, args->output);
    for (guint i = 0; i < all->len; i++) {
        g_autofree char *types = types_text(all->pdata[i]);
        ProfileItem item = {all->pdata[i], types};
        list_add(list, &item);
    }
    list_end(list);
    return STATUS_GOOD;
}

/* ---- show ---- */

/* One login of a profile, what of it may be shown, and how it fared. */
typedef struct {
    const char *type;
    char *fields, *accepted, *refused;
} LoginItem;

static void
login_cells(gconstpointer data, const char **cells)
{
    const LoginItem *item = data;

    cells[0] = item->type;
    cells[1] = item->fields;
    cells[2] = item->accepted;
    cells[3] = item->refused;
}

static void
login_members(gconstpointer data, GString *out)
{
    const LoginItem *item = data;

    json_member(out, "type", item->type);
    json_member(out, "fields", item->fields);
    json_member(out, "accepted", item->accepted);
    json_member(out, "refused", item->refused);
}

/* "12 machines, last 2026-11-25T14:03:12Z" */
static char *
fared(gint64 count, gint64 last)
{
    g_autofree char *when = when_text(last);

    return count == 0
               ? g_strdup("nowhere")
               : g_strdup_printf(
                     "%" G_GINT64_FORMAT " machine%s, last %s", count, count == 1 ? "" : "s", when);
}

static char *
shown_fields(const PosternCredential *login)
{
    GString *text = g_string_new(NULL);

    for (guint i = 0; i < login->type->fields->len; i++) {
        const FieldInfo *field = login->type->fields->pdata[i];
        const char *value = credential_peek(login, field->name);

        if (value != NULL)
            g_string_append_printf(text,
                                   "%s%s=%s",
                                   text->len > 0 ? " " : "",
                                   field->name,
                                   field->flags & POSTERN_FIELD_SECRET ? "******" : value);
    }
    return g_string_free(text, FALSE);
}

static gboolean
read_item(Opened *opened, const char *profile, LoginItem *item, GError **error)
{
    const Vault *vault = fleet_vault(opened->fleet, error);
    g_autoptr(PosternCredential) login =
        vault != NULL
            ? profile_login(
                  opened->store, vault, host_registry(opened->host), profile, item->type, error)
            : NULL;
    g_autofree char *print = login != NULL ? profile_print(vault, login) : NULL;
    g_autoptr(StoreRows) rows =
        login != NULL
            ? store_query(
                  opened->store,
                  error,
                  "SELECT coalesce(sum(accepted), 0), max(CASE WHEN accepted = 1 THEN at END), "
                  "coalesce(sum(1 - accepted), 0), max(CASE WHEN accepted = 0 THEN at END) "
                  "FROM login WHERE print = $1",
                  "s",
                  print)
            : NULL;

    if (rows == NULL || !store_next(rows, error))
        return FALSE;
    item->fields = shown_fields(login);
    item->accepted = fared(store_integer(rows, 0), store_integer(rows, 1));
    item->refused = fared(store_integer(rows, 2), store_integer(rows, 3));
    return TRUE;
}

static gboolean
show_login(Opened *opened, const char *profile, const char *type, List *list, GError **error)
{
    LoginItem item = {.type = type};
    gboolean good = read_item(opened, profile, &item, error);

    if (good)
        list_add(list, &item);
    g_free(item.fields);
    g_free(item.accepted);
    g_free(item.refused);
    return good;
}

Status
verb_credential_show(const Args *args)
{
    static const char *const titles[] = {"TYPE", "FIELDS", "ACCEPTED", "REFUSED", NULL};
    static const ListKind kind = {titles, login_cells, login_members};
    g_autoptr(Opened) opened = opened_new(args);
    g_autoptr(Profile) profile = NULL;
    g_autoptr(GError) error = NULL;
    List *list;

    if (opened == NULL)
        return STATUS_CONFIG;
    profile = profile_read(opened->store, args_word(args, 0), &error);
    if (profile == NULL)
        return status_of_error(error);
    list = list_begin(&kind, args->output);
    for (guint i = 0; i < profile->types->len; i++)
        if (!show_login(opened, profile->name, profile->types->pdata[i], list, &error))
            break;
    list_end(list);
    return error == NULL ? STATUS_GOOD : status_of_error(error);
}

/* ---- export and import ---- */

static Secret *
read_passphrase(const Args *args, GError **error)
{
    const char *text = args_word(args, 1);
    char *line;
    Secret *secret;

    if (text != NULL && g_str_has_prefix(text, "passphrase="))
        return secret_read(text + strlen("passphrase="), error);
    if (text != NULL || !prompt_possible()) {
        g_set_error_literal(
            error,
            POSTERN_ERROR,
            POSTERN_ERROR_BAD_PARAM,
            "a passphrase is needed: passphrase=@FILE, env:NAME or fd:N, or a terminal to ask on");
        return NULL;
    }
    line = prompt_line("passphrase of the file: ", TRUE);
    if (line == NULL) {
        g_set_error_literal(
            error, POSTERN_ERROR, POSTERN_ERROR_CANCELLED, "no passphrase was given");
        return NULL;
    }
    secret = secret_new(line, -1);
    prompt_free(line);
    return secret;
}

static gboolean
check_passphrase(const Secret *passphrase, GError **error)
{
    if (strlen(secret_peek(passphrase)) >= PASSPHRASE_LEAST)
        return TRUE;
    g_set_error(
        error,
        POSTERN_ERROR,
        POSTERN_ERROR_BAD_PARAM,
        "the passphrase is too short: expected at least %d characters, because the file may be "
        "copied and tried at leisure",
        PASSPHRASE_LEAST);
    return FALSE;
}

typedef struct {
    const char *file;
    const Secret *passphrase;
    guint count;
} Travel;

static gboolean export(Opened *opened, gpointer data, GError **error)
{
    Travel *travel = data;
    const Vault *vault = fleet_vault(opened->fleet, error);

    return vault != NULL && check_passphrase(travel->passphrase, error) &&
           profile_file_write(opened->store,
                              vault,
                              host_registry(opened->host),
                              travel->passphrase,
                              travel->file,
                              &travel->count,
                              error);
}

static gboolean
import(Opened *opened, gpointer data, GError **error)
{
    Travel *travel = data;
    const Vault *vault = fleet_vault(opened->fleet, error);
    g_autofree char *text = NULL;
    gsize length = 0;

    if (vault == NULL)
        return FALSE;
    if (!g_file_get_contents(travel->file, &text, &length, error)) {
        error_translate(error);
        return FALSE;
    }
    return profile_file_read(opened->store,
                             vault,
                             host_registry(opened->host),
                             travel->passphrase,
                             text,
                             length,
                             travel->file,
                             &travel->count,
                             error);
}

static Status
carry(const Args *args, OpenedChange fn, const char *done)
{
    g_autoptr(Opened) opened = opened_new(args);
    g_autoptr(GError) error = NULL;
    g_autoptr(Secret) passphrase = opened != NULL ? read_passphrase(args, &error) : NULL;
    Travel travel = {.file = args_word(args, 0), .passphrase = passphrase};
    Status status;

    if (passphrase == NULL)
        return opened == NULL ? STATUS_CONFIG : status_of_error(error);
    status = opened_change(opened, args, travel.file, fn, &travel);
    if (status == STATUS_GOOD && !args->quiet)
        remark("%u %s", travel.count, done);
    return status;
}

Status
verb_credential_export(const Args *args)
{
    return carry(args, export, "profiles were written");
}

Status
verb_credential_import(const Args *args)
{
    return carry(args, import, "logins were taken in");
}
