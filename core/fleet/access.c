/* SPDX-License-Identifier: Apache-2.0 */
#include "config.h"

#include "access.h"
#include "collection.h"
#include "settings.h"
#include "trust.h"

#include <errno.h>
#include <grp.h>
#include <pwd.h>
#include <string.h>
#include <unistd.h>

enum {
    ROLES_MAX = 1024,
    NAME_LENGTH_MAX = 64,
    TEXT_LENGTH_MAX = 256,
    GROUPS_MAX = 65536,
    BUFFER_MAX = 1024 * 1024,
    NAMED_MAX = 8, /* in a message */
};

struct Access {
    GPtrArray *roles; /* of Role, by name */
    gboolean closed;  /* a role has members */
};

/* clang-format off */
#define ROLE_FIELD(id, flags_, name_, type_, summary_) \
    static const PosternField id = {sizeof id, flags_, name_, type_, NULL, NULL, NULL, summary_}

ROLE_FIELD(summary_field, 0, "summary", "s", "what the role is for");
ROLE_FIELD(tasks_field, POSTERN_FIELD_REQUIRED, "tasks", "as", "ids of the tasks it grants, with * and ?");
ROLE_FIELD(collections_field, POSTERN_FIELD_REQUIRED, "collections", "as",
           "names of the collections it grants them on; all: every target");
ROLE_FIELD(members_field, 0, "members", "as", "users it grants them to, and groups behind %");

static const PosternPlugin role_section = {
    .size = sizeof role_section, .name = "role", .version = PACKAGE_VERSION, .license = "Apache-2.0",
    .summary = "the [role] section of a file in roles.d", .origin = "postern",
    .config = (const PosternField *const[]){&summary_field, &tasks_field, &collections_field, &members_field, NULL},
};
/* clang-format on */

/* ---- roles ---- */

static void
role_free(gpointer data)
{
    Role *role = data;

    g_free(role->name);
    g_free(role->file);
    g_free(role->summary);
    g_strfreev(role->tasks);
    g_strfreev(role->collections);
    g_strfreev(role->members);
    g_ptr_array_unref(role->patterns);
    g_free(role);
}

G_DEFINE_AUTOPTR_CLEANUP_FUNC(Role, role_free)

static void
pattern_free(gpointer pattern)
{
    g_pattern_spec_free(pattern);
}

/* Lower-case letters, digits and `more`, beginning with none of `never_first`, as long as a name may be. */
static gboolean
is_name(const char *text, const char *more, const char *never_first)
{
    gsize length = strlen(text);

    if (length == 0 || length > NAME_LENGTH_MAX || strchr(never_first, text[0]) != NULL)
        return FALSE;
    for (; *text != '\0'; text++)
        if (!g_ascii_islower(*text) && !g_ascii_isdigit(*text) && strchr(more, *text) == NULL)
            return FALSE;
    return TRUE;
}

static gboolean
is_pattern(const char *text)
{
    return is_name(text, ".-*?", ".-");
}

static gboolean
is_collection(const char *text)
{
    return is_name(text, "._-", "._-");
}

/* A name of the system or of a directory service: anything but what could not be told from two. */
static gboolean
is_member(const char *text)
{
    gsize length = strlen(text);

    if (*text == '%')
        text++;
    if (*text == '\0' || *text == '%' || length > TEXT_LENGTH_MAX)
        return FALSE;
    for (; *text != '\0'; text++)
        if (g_ascii_isspace(*text) || g_ascii_iscntrl(*text) || strchr(",*?\"'", *text) != NULL)
            return FALSE;
    return TRUE;
}

static const struct {
    const char *key;
    gsize member;
    gboolean (*is_right)(const char *text);
    gboolean may_be_empty;
    const char *expected;
} lists[] = {
    {"tasks",
     offsetof(Role, tasks),
     is_pattern,
     FALSE,
     "ids of tasks such as amt.power.set or amt.power.*"},
    {"collections",
     offsetof(Role, collections),
     is_collection,
     FALSE,
     "names of collections (without @), or all"},
    {"members",
     offsetof(Role, members),
     is_member,
     TRUE,
     "users, and groups behind %, with commas between"},
};

static gboolean
take_list(Role *role, guint which, const Settings *settings, GVariant *values, GError **error)
{
    char ***list = (char ***)(gpointer)((guint8 *)role + lists[which].member);
    const char *wrong = NULL;
    g_autofree char *text = NULL;

    if (!g_variant_lookup(values, lists[which].key, "^as", list))
        *list = g_new0(char *, 1);
    for (guint i = 0; (*list)[i] != NULL && wrong == NULL; i++)
        if (!lists[which].is_right((*list)[i]))
            wrong = (*list)[i];
    if (wrong == NULL && ((*list)[0] != NULL || lists[which].may_be_empty))
        return TRUE;
    text = g_strdup_printf(
        "got '%.80s', expected %s", wrong != NULL ? wrong : "", lists[which].expected);
    settings_refuse(settings, "role", lists[which].key, text, error);
    return FALSE;
}

const PluginInfo *
role_schema(void)
{
    static PluginInfo *schema;

    if (schema == NULL)
        schema = descriptor_from_copy(&role_section, "role", NULL);
    return schema;
}

static gboolean
fill_role(Role *role, const Settings *settings, GError **error)
{
    static const char *const sections[] = {"role", NULL};
    const SettingsSection *section = settings_section(settings, "role");
    g_autoptr(GVariant) values = NULL;

    if (!settings_check_sections(settings, sections, error))
        return FALSE;
    values = settings_values(settings, "role", role_schema()->config, error);
    if (values == NULL)
        return FALSE;
    role->line = section != NULL ? section->line : 1;
    g_variant_lookup(values, "summary", "s", &role->summary);
    for (guint i = 0; i < G_N_ELEMENTS(lists); i++)
        if (!take_list(role, i, settings, values, error))
            return FALSE;
    for (guint i = 0; role->tasks[i] != NULL; i++)
        g_ptr_array_add(role->patterns, g_pattern_spec_new(role->tasks[i]));
    return TRUE;
}

/* `file` is NAME.conf in `directory`. */
static Role *
read_role(const char *directory, const char *file, GError **error)
{
    g_autoptr(Role) role = g_new0(Role, 1);
    g_autofree char *path = g_build_filename(directory, file, NULL);
    g_autoptr(Settings) settings = NULL;

    role->patterns = g_ptr_array_new_with_free_func(pattern_free);
    role->file = g_canonicalize_filename(path, NULL);
    role->name = g_strndup(file, strlen(file) - strlen(".conf"));
    if (!is_name(role->name, "-", "-")) {
        g_set_error(error,
                    POSTERN_ERROR,
                    POSTERN_ERROR_BAD_PARAM,
                    "%s: a role is named by its file, and '%.80s' is no name: expected at most %d "
                    "lower-case letters, digits and '-'",
                    role->file,
                    role->name,
                    NAME_LENGTH_MAX);
        return NULL;
    }
    if (!trust_check(role->file, geteuid(), error)) {
        g_prefix_error(error, "role %s: ", role->name);
        return NULL;
    }
    settings = settings_read(role->file, error);
    if (settings == NULL || !fill_role(role, settings, error))
        return NULL;
    return g_steal_pointer(&role);
}

/* ---- all of them ---- */

char *
access_directory(const char *config_file)
{
    g_autofree char *beside = g_path_get_dirname(config_file);

    return g_build_filename(beside, "roles.d", NULL);
}

static int
compare_text(gconstpointer a, gconstpointer b)
{
    return strcmp(*(const char *const *)a, *(const char *const *)b);
}

/* Names of the files that are roles, sorted. A directory that is there and cannot be read is an error: nobody must
 * become free to do all because of a mode. */
static GPtrArray *
list_files(const char *directory, GError **error)
{
    g_autoptr(GPtrArray) files = g_ptr_array_new_with_free_func(g_free);
    g_autoptr(GError) problem = NULL;
    g_autoptr(GDir) dir = g_dir_open(directory, 0, &problem);
    const char *file;

    if (dir == NULL && g_error_matches(problem, G_FILE_ERROR, G_FILE_ERROR_NOENT))
        return g_steal_pointer(&files);
    while (dir != NULL && (file = g_dir_read_name(dir)) != NULL && files->len <= ROLES_MAX)
        if (file[0] != '.' && g_str_has_suffix(file, ".conf"))
            g_ptr_array_add(files, g_strdup(file));
    if (dir == NULL)
        g_set_error(error,
                    POSTERN_ERROR,
                    POSTERN_ERROR_BAD_PARAM,
                    "cannot read the roles in %s: %s",
                    directory,
                    problem->message);
    else if (files->len > ROLES_MAX)
        g_set_error(error,
                    POSTERN_ERROR,
                    POSTERN_ERROR_BAD_PARAM,
                    "%s has more than %d roles",
                    directory,
                    ROLES_MAX);
    if (dir == NULL || files->len > ROLES_MAX)
        return NULL;
    g_ptr_array_sort(files, compare_text);
    return g_steal_pointer(&files);
}

/* `problems`: where to write down what is wrong with a file, instead of failing; or NULL. */
static Access *
read_directory(const char *directory, GPtrArray *problems, GError **error)
{
    g_autoptr(Access) access = g_new0(Access, 1);
    g_autoptr(GPtrArray) files = list_files(directory, error);

    access->roles = g_ptr_array_new_with_free_func(role_free);
    for (guint i = 0; files != NULL && i < files->len; i++) {
        g_autoptr(GError) problem = NULL;
        Role *role = read_role(directory, files->pdata[i], &problem);

        if (role == NULL && problems == NULL) {
            g_propagate_error(error, g_steal_pointer(&problem));
            return NULL;
        }
        if (role == NULL) {
            g_ptr_array_add(problems, g_strdup(problem->message));
            continue;
        }
        access->closed = access->closed || role->members[0] != NULL;
        g_ptr_array_add(access->roles, role);
    }
    return files != NULL ? g_steal_pointer(&access) : NULL;
}

Access *
access_read(const char *directory, GError **error)
{
    return read_directory(directory, NULL, error);
}

Access *
access_read_all(const char *directory, GPtrArray *problems)
{
    g_autoptr(GError) error = NULL;
    Access *access = read_directory(directory, problems, &error);

    if (access == NULL)
        g_ptr_array_add(problems, g_strdup(error->message));
    return access;
}

void
access_free(Access *access)
{
    if (access == NULL)
        return;
    g_ptr_array_unref(access->roles);
    g_free(access);
}

gboolean
access_is_open(const Access *access)
{
    return !access->closed;
}

GPtrArray *
access_roles(const Access *access)
{
    return access->roles;
}

/* ---- who ---- */

/* The entry of user `name` (NULL: of `uid`), its text in `buffer`; NULL: the system does not know them. */
static struct passwd *
find_user(const char *name, uid_t uid, struct passwd *entry, GByteArray *buffer)
{
    struct passwd *found = NULL;
    int failed = ERANGE;

    for (guint size = 1024; failed == ERANGE && size <= BUFFER_MAX; size *= 2) {
        char *text;

        g_byte_array_set_size(buffer, size);
        text = (char *)buffer->data;
        failed = name != NULL ? getpwnam_r(name, entry, text, size, &found)
                              : getpwuid_r(uid, entry, text, size, &found);
    }
    return failed == 0 ? found : NULL;
}

static char *
group_name(gid_t gid)
{
    g_autoptr(GByteArray) buffer = g_byte_array_new();
    struct group entry, *found = NULL;
    int failed = ERANGE;

    for (guint size = 1024; failed == ERANGE && size <= BUFFER_MAX; size *= 2) {
        g_byte_array_set_size(buffer, size);
        failed = getgrgid_r(gid, &entry, (char *)buffer->data, size, &found);
    }
    return failed == 0 && found != NULL ? g_strdup(found->gr_name) : NULL;
}

static char **
groups_of(const char *name)
{
    g_autoptr(GPtrArray) names = g_ptr_array_new();
    g_autoptr(GByteArray) buffer = g_byte_array_new();
    g_autofree gid_t *gids = NULL;
    struct passwd entry, *user = find_user(name, 0, &entry, buffer);
    int count = 64, got = -1;

    while (user != NULL && got < 0 && count <= GROUPS_MAX) {
        int room = count;

        gids = g_renew(gid_t, gids, room);
        got = getgrouplist(user->pw_name, user->pw_gid, gids, &room);
        count *= 2;
    }
    for (int i = 0; i < got; i++) {
        char *group = group_name(gids[i]);

        if (group != NULL) /* a number without a name cannot be in a role */
            g_ptr_array_add(names, group);
    }
    g_ptr_array_add(names, NULL);
    return (char **)g_ptr_array_steal(names, NULL);
}

Actor *
actor_new(const char *name, const char *const *groups)
{
    g_autoptr(GStrvBuilder) given = g_strv_builder_new();
    Actor *actor = g_new0(Actor, 1);

    for (guint i = 0; groups != NULL && groups[i] != NULL; i++)
        g_strv_builder_add(given, groups[i]);
    actor->name = g_strdup(name);
    actor->groups = groups != NULL ? g_strv_builder_end(given) : groups_of(name);
    return actor;
}

Actor *
actor_of_process(void)
{
    g_autoptr(GByteArray) buffer = g_byte_array_new();
    struct passwd entry;
    const struct passwd *user = find_user(NULL, getuid(), &entry, buffer);
    g_autofree char *number = g_strdup_printf("uid:%u", (guint)getuid());

    return actor_new(user != NULL ? user->pw_name : number, NULL);
}

void
actor_free(Actor *actor)
{
    if (actor == NULL)
        return;
    g_free(actor->name);
    g_strfreev(actor->groups);
    g_free(actor);
}

static gboolean
is_member_of(const Role *role, const Actor *actor)
{
    for (guint i = 0; role->members[i] != NULL; i++) {
        const char *member = role->members[i];

        if (member[0] == '%' ? g_strv_contains((const char *const *)actor->groups, member + 1)
                             : strcmp(member, actor->name) == 0)
            return TRUE;
    }
    return FALSE;
}

/* ---- may they? ---- */

gboolean
role_has_task(const Role *role, const char *task)
{
    for (guint i = 0; i < role->patterns->len; i++)
        if (g_pattern_spec_match_string(role->patterns->pdata[i], task))
            return TRUE;
    return FALSE;
}

/* What one check has found so far. */
typedef struct {
    const Actor *actor;
    const char *task, *host; /* host: NULL: no target */
    gint64 machine;
    GPtrArray *theirs;    /* of Role: the actor is a member */
    GPtrArray *with_task; /* of Role: of theirs */
} Check;

static gboolean
covers(const Role *role, const Check *check, Store *store, gboolean *has, GError **error)
{
    *has = g_strv_contains((const char *const *)role->collections, "all");
    if (*has || store == NULL || (check->host == NULL && check->machine == 0))
        return TRUE;
    for (guint i = 0; role->collections[i] != NULL && !*has; i++) {
        g_autoptr(GError) problem = NULL;

        if (collection_has(store, role->collections[i], check->machine, check->host, has, &problem))
            continue;
        *has = FALSE;
        /* one that is not there must deny its own role only; `config check` warns of it */
        if (!g_error_matches(problem, POSTERN_ERROR, POSTERN_ERROR_BAD_PARAM)) {
            g_propagate_error(error, g_steal_pointer(&problem));
            return FALSE;
        }
    }
    return TRUE;
}

static char *
role_names(GPtrArray *roles)
{
    GString *names = g_string_new(NULL);

    for (guint i = 0; i < roles->len && i < NAMED_MAX; i++)
        g_string_append_printf(
            names, "%s%s", i > 0 ? ", " : "", ((const Role *)roles->pdata[i])->name);
    if (roles->len > NAMED_MAX)
        g_string_append_printf(names, " and %u more", roles->len - NAMED_MAX);
    return g_string_free(names, FALSE);
}

/* The roles that grant the task, whoever is in them, as advice. */
static char *
advice(const Access *access, const char *task)
{
    g_autoptr(GPtrArray) roles = g_ptr_array_new();
    g_autofree char *names = NULL;

    for (guint i = 0; i < access->roles->len; i++)
        if (role_has_task(access->roles->pdata[i], task))
            g_ptr_array_add(roles, access->roles->pdata[i]);
    if (roles->len == 0)
        return g_strdup("no role grants it; a file in roles.d would");
    names = role_names(roles);
    return g_strdup_printf("roles that grant it: %s", names);
}

static char *
missing_target(const Check *check)
{
    g_autoptr(GString) where = g_string_new(NULL);
    g_autofree char *names = role_names(check->with_task);

    for (guint i = 0; i < check->with_task->len && i < NAMED_MAX; i++) {
        const Role *role = check->with_task->pdata[i];
        g_autofree char *collections = g_strjoinv(", ", role->collections);

        g_string_append_printf(where, "%s%s", i > 0 ? ", " : "", collections);
    }
    if (check->host == NULL && check->machine == 0)
        return g_strdup_printf(
            "role %s grants it on %s, but it has no target, which only a role on "
            "all covers",
            names,
            where->str);
    return g_strdup_printf(
        "role %s grants it, but not on this target: that is in none of %s", names, where->str);
}

static gboolean
deny(const Access *access, const Check *check, GError **error)
{
    const char *name = check->actor->name;
    g_autofree char *groups = g_strjoinv(", ", check->actor->groups);
    g_autofree char *theirs = role_names(check->theirs);
    g_autofree char *roles = advice(access, check->task);
    g_autofree char *why = NULL;

    if (check->with_task->len > 0)
        why = missing_target(check);
    else if (check->theirs->len > 0)
        why = g_strdup_printf("%s has role %s, which does not grant it; %s", name, theirs, roles);
    else
        why = g_strdup_printf("%s is in no role, neither by name nor by a group (%s); %s",
                              name,
                              *groups != '\0' ? groups : "the system knows none",
                              roles);
    g_set_error(error,
                POSTERN_ERROR,
                POSTERN_ERROR_FORBIDDEN,
                "%s may not run %s%s%s: %s",
                name,
                check->task,
                check->host != NULL ? " on " : "",
                check->host != NULL ? check->host : "",
                why);
    return FALSE;
}

/* FALSE with `error`: the store failed. `role` gets the first that grants, or NULL. */
static gboolean
search(const Access *access, Check *check, Store *store, const Role **role, GError **error)
{
    *role = NULL;
    for (guint i = 0; i < access->roles->len; i++) {
        Role *at = access->roles->pdata[i];
        gboolean has = FALSE;

        if (!is_member_of(at, check->actor))
            continue;
        g_ptr_array_add(check->theirs, at);
        if (!role_has_task(at, check->task))
            continue;
        g_ptr_array_add(check->with_task, at);
        if (!covers(at, check, store, &has, error))
            return FALSE;
        if (has) {
            *role = at;
            return TRUE;
        }
    }
    return TRUE;
}

gboolean
access_check(const Access *access,
             Store *store,
             const Actor *actor,
             const char *task,
             gint64 machine,
             const char *host,
             const char **granted,
             GError **error)
{
    g_autoptr(GPtrArray) theirs = NULL;
    g_autoptr(GPtrArray) with_task = NULL;
    Check check = {.actor = actor, .task = task, .host = host, .machine = machine};
    const Role *role = NULL;

    if (granted != NULL)
        *granted = NULL;
    if (access_is_open(access))
        return TRUE;
    theirs = check.theirs = g_ptr_array_new();
    with_task = check.with_task = g_ptr_array_new();
    if (!search(access, &check, store, &role, error))
        return FALSE;
    if (role == NULL)
        return deny(access, &check, error);
    if (granted != NULL)
        *granted = role->name;
    return TRUE;
}
