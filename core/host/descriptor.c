/* SPDX-License-Identifier: Apache-2.0 */
#include "config.h"

#include "descriptor.h"
#include "field.h"

#include <string.h>

/* What a table may hold: far beyond honest use, small enough that a hostile one cannot exhaust the
 * host. */
enum {
    NAME_MAX_LENGTH = 64,
    ID_MAX_LENGTH = 128,
    TYPE_MAX_LENGTH = 64,
    LINE_MAX_LENGTH = 512,
    TEXT_MAX_LENGTH = 64 * 1024,
    FIELDS_MAX = 256,
    TASKS_MAX = 1024,
    TYPES_MAX = 64,
    NAMES_MAX = 256,
};

/* Where a struct of version 1.0 ends: the least that is accepted. */
#define ENDS_WITH(type, member) ((guint32)(offsetof(type, member) + sizeof(((type *)NULL)->member)))
#define FIELD_1_0               ENDS_WITH(PosternField, summary)
#define TASK_1_0                ENDS_WITH(PosternTask, run)
#define TYPE_1_0                ENDS_WITH(PosternCredentialType, login)
#define PLUGIN_1_0              ENDS_WITH(PosternPlugin, destroy)
/* magic, size, major, minor, needed, flags: the only words read before the rest is trusted */
#define PLUGIN_HEAD ENDS_WITH(PosternPlugin, flags)

/* One reading of one plugin. */
typedef struct {
    PluginInfo *info;
    gboolean has_code; /* FALSE: tables rebuilt from a cache, which hold no functions */
    gboolean newer; /* built with a newer minor: values this host does not know are no mistakes */
} Reading;

static gboolean refuse(GError **error, const char *format, ...) G_GNUC_PRINTF(2, 3);

static gboolean
refuse(GError **error, const char *format, ...)
{
    g_autofree char *text = NULL;
    va_list args;

    va_start(args, format);
    text = g_strdup_vprintf(format, args);
    va_end(args);
    g_set_error_literal(error, POSTERN_ERROR, POSTERN_ERROR_NOT_SUPPORTED, text);
    return FALSE;
}

/* ---- text ---- */

static gboolean
is_word(const char *text, gsize length)
{
    if (length == 0 || !g_ascii_islower(text[0]) || text[length - 1] == '-')
        return FALSE;
    for (gsize i = 0; i < length; i++)
        if (!g_ascii_islower(text[i]) && !g_ascii_isdigit(text[i]) && text[i] != '-')
            return FALSE;
    return TRUE;
}

/* Lower-case words with dots between them, at least two: "amt.power.get", "dummy.ok". */
static gboolean
is_id(const char *text)
{
    gsize words = 0;

    for (const char *at = text;; words++) {
        gsize length = strcspn(at, ".");

        if (!is_word(at, length))
            return FALSE;
        if (at[length] == '\0')
            return words >= 1;
        at += length + 1;
    }
}

static gboolean
has_controls(const char *text, const char *allowed)
{
    for (; *text != '\0'; text++)
        if (g_ascii_iscntrl(*text) && strchr(allowed, *text) == NULL)
            return TRUE;
    return FALSE;
}

/* Copy one string member of at most `longest` bytes. `where` and `member` name it in the error. */
static gboolean
take_text(char **own,
          const char *theirs,
          gsize longest,
          const char *where,
          const char *member,
          GError **error)
{
    if (theirs == NULL)
        return refuse(error, "%s: %s is missing", where, member);
    if (strnlen(theirs, longest + 1) > longest)
        return refuse(
            error, "%s: %s is longer than %" G_GSIZE_FORMAT " bytes", where, member, longest);
    if (!g_utf8_validate(theirs, -1, NULL))
        return refuse(error, "%s: %s is not valid UTF-8", where, member);
    if (has_controls(theirs, longest == TEXT_MAX_LENGTH ? "\n\t" : ""))
        return refuse(error, "%s: %s holds control characters", where, member);
    *own = g_strdup(theirs);
    return TRUE;
}

static gboolean
take_optional(char **own,
              const char *theirs,
              gsize longest,
              const char *where,
              const char *member,
              GError **error)
{
    return theirs == NULL || take_text(own, theirs, longest, where, member, error);
}

static gboolean
take_line(char **own, const char *theirs, const char *where, const char *member, GError **error)
{
    if (!take_text(own, theirs, LINE_MAX_LENGTH, where, member, error))
        return FALSE;
    if (**own == '\0')
        return refuse(error, "%s: %s is empty", where, member);
    return TRUE;
}

/* A NULL-ended list of short names; `own` is never NULL afterwards. */
static gboolean
take_names(
    char ***own, const char *const *theirs, const char *where, const char *member, GError **error)
{
    g_autoptr(GPtrArray) names = g_ptr_array_new_with_free_func(g_free);

    for (guint i = 0; theirs != NULL && theirs[i] != NULL; i++) {
        char *name = NULL;

        if (i == NAMES_MAX)
            return refuse(error, "%s: %s has more than %d entries", where, member, NAMES_MAX);
        if (!take_text(&name, theirs[i], ID_MAX_LENGTH, where, member, error))
            return FALSE;
        g_ptr_array_add(names, name);
    }
    g_ptr_array_add(names, NULL);
    *own = (char **)g_ptr_array_steal(names, NULL);
    return TRUE;
}

/* ---- sized tables ---- */

/* Rule 2 of the contract: never read past the size the maker stated; what it does not have is
 * absent. */
static gboolean
copy_sized(gpointer own,
           gsize own_size,
           gconstpointer theirs,
           gsize stated,
           gsize least,
           const char *where,
           GError **error)
{
    if (stated < least)
        return refuse(error,
                      "%s: its table has %" G_GSIZE_FORMAT " bytes, ABI 1.0 has %" G_GSIZE_FORMAT,
                      where,
                      stated,
                      least);
    memset(own, 0, own_size);
    memcpy(own, theirs, MIN(stated, own_size));
    return TRUE;
}

static guint32
stated_size(gconstpointer table)
{
    guint32 size;

    memcpy(&size, table, sizeof size);
    return size;
}

/* ---- fields ---- */

static void
field_info_free(gpointer data)
{
    FieldInfo *field = data;

    g_free(field->name);
    g_free(field->type);
    g_free(field->format);
    g_clear_pointer(&field->fallback, g_variant_unref);
    g_strfreev(field->choices);
    g_free(field->summary);
    g_free(field);
}

G_DEFINE_AUTOPTR_CLEANUP_FUNC(FieldInfo, field_info_free)

static gboolean
take_type(FieldInfo *field, const PosternField *theirs, const char *where, GError **error)
{
    if (!take_text(&field->type, theirs->type, TYPE_MAX_LENGTH, where, "type", error))
        return FALSE;
    if (!g_variant_type_string_is_valid(field->type) || strchr(field->type, 'h') != NULL ||
        !g_variant_type_is_definite(G_VARIANT_TYPE(field->type)))
        return refuse(error, "%s: '%s' is not a type of values", where, field->type);
    return TRUE;
}

static gboolean
take_choices(FieldInfo *field, const PosternField *theirs, const char *where, GError **error)
{
    if (theirs->choices == NULL)
        return TRUE;
    if (strcmp(field->type, "s") != 0)
        return refuse(error, "%s: choices are for type 's', this is '%s'", where, field->type);
    if (!take_names(&field->choices, theirs->choices, where, "choices", error))
        return FALSE;
    if (field->choices[0] == NULL)
        return refuse(error, "%s: choices is an empty list", where);
    return TRUE;
}

static gboolean
take_fallback(FieldInfo *field, const PosternField *theirs, const char *where, GError **error)
{
    g_autofree char *text = NULL;
    g_autoptr(GError) cause = NULL;

    if (theirs->fallback == NULL)
        return TRUE;
    if ((field->flags & POSTERN_FIELD_REQUIRED) != 0)
        return refuse(error, "%s: a required field has no fallback", where);
    if ((field->flags & POSTERN_FIELD_SECRET) != 0)
        return refuse(error, "%s: a secret field has no fallback", where);
    if (!take_text(&text, theirs->fallback, TEXT_MAX_LENGTH, where, "fallback", error))
        return FALSE;
    field->fallback = g_variant_parse(G_VARIANT_TYPE(field->type), text, NULL, NULL, &cause);
    if (field->fallback == NULL)
        return refuse(error,
                      "%s: fallback %s is not of type '%s': %s",
                      where,
                      text,
                      field->type,
                      cause->message);
    if (!field_check(field, field->fallback, &cause))
        return refuse(error, "%s: fallback: %s", where, cause->message);
    return TRUE;
}

static FieldInfo *
take_field(const PosternField *table, const char *where, GError **error)
{
    g_autoptr(FieldInfo) field = g_new0(FieldInfo, 1);
    g_autofree char *place = NULL;
    PosternField theirs;

    if (!copy_sized(&theirs, sizeof theirs, table, stated_size(table), FIELD_1_0, where, error) ||
        !take_text(&field->name, theirs.name, NAME_MAX_LENGTH, where, "name", error))
        return NULL;
    place = g_strdup_printf("%s '%s'", where, field->name);
    if (!is_word(field->name, strlen(field->name))) {
        refuse(error,
               "%s: a name has lower-case letters, digits and '-' and starts with a letter",
               place);
        return NULL;
    }
    field->flags = theirs.flags;
    if (!take_type(field, &theirs, place, error) ||
        !take_optional(&field->format, theirs.format, NAME_MAX_LENGTH, place, "format", error) ||
        !take_line(&field->summary, theirs.summary, place, "summary", error) ||
        !take_choices(field, &theirs, place, error) || !take_fallback(field, &theirs, place, error))
        return NULL;
    return g_steal_pointer(&field);
}

static GPtrArray *
new_fields(void)
{
    return g_ptr_array_new_with_free_func(field_info_free);
}

/* `secrets`: whether a field may be one; what comes back from a task never is. */
static gboolean
take_fields(GPtrArray *own,
            const PosternField *const *theirs,
            gboolean secrets,
            const char *where,
            GError **error)
{
    for (guint i = 0; theirs != NULL && theirs[i] != NULL; i++) {
        FieldInfo *field;

        if (i == FIELDS_MAX)
            return refuse(error, "%s: more than %d", where, FIELDS_MAX);
        field = take_field(theirs[i], where, error);
        if (field == NULL)
            return FALSE;
        if (field_find(own, field->name) != NULL) {
            refuse(error, "%s '%s': is there twice", where, field->name);
            field_info_free(field);
            return FALSE;
        }
        g_ptr_array_add(own, field);
        if (!secrets && (field->flags & POSTERN_FIELD_SECRET) != 0)
            return refuse(error, "%s '%s': a secret cannot be in a result", where, field->name);
    }
    return TRUE;
}

/* ---- tasks ---- */

static void
task_info_free(gpointer data)
{
    TaskInfo *task = data;

    g_free(task->id);
    g_free(task->summary);
    g_free(task->details);
    g_clear_pointer(&task->params, g_ptr_array_unref);
    g_clear_pointer(&task->outputs, g_ptr_array_unref);
    g_clear_pointer(&task->rows, g_ptr_array_unref);
    g_strfreev(task->credentials);
    g_free(task);
}

G_DEFINE_AUTOPTR_CLEANUP_FUNC(TaskInfo, task_info_free)

static gboolean
check_id(const Reading *reading, const char *id, const char *where, GError **error)
{
    const char *name = reading->info->name;

    if (!is_id(id))
        return refuse(error,
                      "%s: an id is lower-case words with dots between, like %s.power.get",
                      where,
                      name);
    if (!g_str_has_prefix(id, name) || id[strlen(name)] != '.')
        return refuse(error, "%s: its id has to start with '%s.'", where, name);
    return TRUE;
}

static gboolean
take_task_fields(TaskInfo *task, const PosternTask *theirs, GError **error)
{
    g_autofree char *params = g_strdup_printf("task %s: parameter", task->id);
    g_autofree char *outputs = g_strdup_printf("task %s: output", task->id);
    g_autofree char *rows = g_strdup_printf("task %s: row field", task->id);

    task->params = new_fields();
    task->outputs = new_fields();
    task->rows = theirs->rows != NULL ? new_fields() : NULL;
    return take_fields(task->params, theirs->params, TRUE, params, error) &&
           take_fields(task->outputs, theirs->outputs, FALSE, outputs, error) &&
           take_fields(task->rows, theirs->rows, FALSE, rows, error);
}

static gboolean
take_task_members(const Reading *reading, TaskInfo *task, const PosternTask *theirs, GError **error)
{
    g_autofree char *where = NULL;

    if (!take_text(&task->id, theirs->id, ID_MAX_LENGTH, "a task", "id", error))
        return FALSE;
    where = g_strdup_printf("task '%s'", task->id);
    if (!check_id(reading, task->id, where, error))
        return FALSE;
    if (theirs->version == 0)
        return refuse(error, "%s: version counts from 1, this is 0", where);
    if (reading->has_code && theirs->run == NULL)
        return refuse(error, "%s: run is missing", where);
    return take_line(&task->summary, theirs->summary, where, "summary", error) &&
           take_optional(
               &task->details, theirs->details, TEXT_MAX_LENGTH, where, "details", error) &&
           take_names(&task->credentials, theirs->credentials, where, "credentials", error) &&
           take_task_fields(task, theirs, error);
}

static TaskInfo *
take_task(const Reading *reading, const PosternTask *table, GError **error)
{
    g_autoptr(TaskInfo) task = g_new0(TaskInfo, 1);
    PosternTask theirs;

    if (!copy_sized(&theirs, sizeof theirs, table, stated_size(table), TASK_1_0, "a task", error) ||
        !take_task_members(reading, task, &theirs, error))
        return NULL;
    task->plugin = reading->info;
    task->flags = theirs.flags;
    task->version = theirs.version;
    task->timeout_ms = theirs.timeout_ms;
    task->run = reading->has_code ? theirs.run : NULL;
    return g_steal_pointer(&task);
}

static gboolean
take_tasks(const Reading *reading, const PosternTask *const *theirs, GError **error)
{
    g_autoptr(GHashTable) seen = g_hash_table_new(g_str_hash, g_str_equal);

    for (guint i = 0; theirs != NULL && theirs[i] != NULL; i++) {
        TaskInfo *task;

        if (i == TASKS_MAX)
            return refuse(error, "more than %d tasks", TASKS_MAX);
        task = take_task(reading, theirs[i], error);
        if (task == NULL)
            return FALSE;
        g_ptr_array_add(reading->info->tasks, task);
        if (!g_hash_table_add(seen, task->id))
            return refuse(error, "task '%s': is there twice", task->id);
    }
    return TRUE;
}

/* ---- credential types ---- */

static void
type_info_free(gpointer data)
{
    CredentialTypeInfo *type = data;

    g_free(type->id);
    g_free(type->summary);
    g_clear_pointer(&type->fields, g_ptr_array_unref);
    g_free(type->login);
    g_free(type);
}

G_DEFINE_AUTOPTR_CLEANUP_FUNC(CredentialTypeInfo, type_info_free)

static gboolean
has_text_field(GPtrArray *fields, const char *name)
{
    const FieldInfo *field = field_find(fields, name);

    return field != NULL && strcmp(field->type, "s") == 0;
}

static gboolean
check_login(const Reading *reading, CredentialTypeInfo *type, const char *where, GError **error)
{
    if (type->login == NULL)
        return TRUE;
    if (strcmp(type->login, "digest") != 0 && strcmp(type->login, "basic") != 0) {
        if (!reading->newer)
            return refuse(
                error, "%s: login is '%s', known are 'digest' and 'basic'", where, type->login);
        g_clear_pointer(&type->login,
                        g_free); /* a newer host knows it: to this one it is not for HTTP */
        return TRUE;
    }
    if (!has_text_field(type->fields, "user") || !has_text_field(type->fields, "password"))
        return refuse(error, "%s: login needs the fields 'user' and 'password' of type 's'", where);
    return TRUE;
}

static gboolean
take_type_members(const Reading *reading,
                  CredentialTypeInfo *type,
                  const PosternCredentialType *theirs,
                  GError **error)
{
    g_autofree char *where = NULL;
    g_autofree char *fields = NULL;

    if (!take_text(&type->id, theirs->id, ID_MAX_LENGTH, "a credential type", "id", error))
        return FALSE;
    where = g_strdup_printf("credential type '%s'", type->id);
    fields = g_strdup_printf("credential type %s: field", type->id);
    return check_id(reading, type->id, where, error) &&
           take_line(&type->summary, theirs->summary, where, "summary", error) &&
           take_fields(type->fields, theirs->fields, TRUE, fields, error) &&
           take_optional(&type->login, theirs->login, NAME_MAX_LENGTH, where, "login", error) &&
           check_login(reading, type, where, error);
}

static gboolean
take_types(const Reading *reading, const PosternCredentialType *const *theirs, GError **error)
{
    GPtrArray *own = reading->info->credential_types;

    for (guint i = 0; theirs != NULL && theirs[i] != NULL; i++) {
        g_autoptr(CredentialTypeInfo) type = g_new0(CredentialTypeInfo, 1);
        PosternCredentialType table;

        if (i == TYPES_MAX)
            return refuse(error, "more than %d credential types", TYPES_MAX);
        type->plugin = reading->info;
        type->fields = new_fields();
        if (!copy_sized(&table,
                        sizeof table,
                        theirs[i],
                        stated_size(theirs[i]),
                        TYPE_1_0,
                        "a credential type",
                        error) ||
            !take_type_members(reading, type, &table, error))
            return FALSE;
        for (guint k = 0; k < own->len; k++)
            if (strcmp(((CredentialTypeInfo *)own->pdata[k])->id, type->id) == 0)
                return refuse(error, "credential type '%s': is there twice", type->id);
        g_ptr_array_add(own, g_steal_pointer(&type));
    }
    return TRUE;
}

/* ---- the plugin ---- */

void
descriptor_free(PluginInfo *info)
{
    if (info == NULL)
        return;
    g_free(info->name);
    g_free(info->version);
    g_free(info->license);
    g_free(info->summary);
    g_free(info->origin);
    g_strfreev(info->requires_services);
    g_strfreev(info->depends);
    g_clear_pointer(&info->config, g_ptr_array_unref);
    g_clear_pointer(&info->tasks, g_ptr_array_unref);
    g_clear_pointer(&info->credential_types, g_ptr_array_unref);
    g_free(info);
}

static gboolean
check_depends(const PluginInfo *info, GError **error)
{
    for (guint i = 0; info->depends[i] != NULL; i++) {
        const char *entry = info->depends[i];
        gboolean soft = entry[0] == '?';

        if (g_str_has_prefix(entry + soft, "task:") && is_id(entry + soft + strlen("task:")))
            continue;
        if (!soft) /* a soft one of a kind not known here is one this host does not have */
            return refuse(error, "depends: '%s' is not of the form 'task:ID' or '?task:ID'", entry);
    }
    return TRUE;
}

static gboolean
take_head(PluginInfo *info, const PosternPlugin *theirs, const char *name, GError **error)
{
    if (!take_text(&info->name, theirs->name, NAME_MAX_LENGTH, "the plugin", "name", error))
        return FALSE;
    if (strcmp(info->name, name) != 0)
        return refuse(error, "calls itself '%s', but its file is %s.so", info->name, name);
    if (!is_word(name, strlen(name)))
        return refuse(
            error, "'%s' is no name: lower-case letters, digits and '-', a letter first", name);
    return take_line(&info->version, theirs->version, "the plugin", "version", error) &&
           take_line(&info->license, theirs->license, "the plugin", "license", error) &&
           take_line(&info->summary, theirs->summary, "the plugin", "summary", error) &&
           take_line(&info->origin, theirs->origin, "the plugin", "origin", error) &&
           take_names(&info->requires_services,
                      theirs->requires_services,
                      "the plugin",
                      "requires_services",
                      error) &&
           take_names(&info->depends, theirs->depends, "the plugin", "depends", error) &&
           check_depends(info, error);
}

static void
take_life(PluginInfo *info, const PosternPlugin *theirs)
{
    info->create = theirs->create;
    info->reconfigure = theirs->reconfigure;
    info->quiesce = theirs->quiesce;
    info->destroy = theirs->destroy;
}

/* `theirs` is the host's copy of the outermost table; what it points to is still foreign. */
static PluginInfo *
read_tables(const PosternPlugin *theirs, const char *name, gboolean has_code, GError **error)
{
    g_autoptr(PluginInfo) info = g_new0(PluginInfo, 1);
    Reading reading = {info, has_code, theirs->abi_minor > POSTERN_ABI_MINOR};

    info->abi_major = theirs->abi_major;
    info->abi_minor = theirs->abi_minor;
    info->abi_minor_needed = theirs->abi_minor_needed;
    info->config = new_fields();
    info->tasks = g_ptr_array_new_with_free_func(task_info_free);
    info->credential_types = g_ptr_array_new_with_free_func(type_info_free);
    if (!take_head(info, theirs, name, error) ||
        !take_fields(info->config, theirs->config, TRUE, "config key", error) ||
        !take_tasks(&reading, theirs->tasks, error) ||
        !take_types(&reading, theirs->credential_types, error))
        return NULL;
    if (has_code)
        take_life(info, theirs);
    return g_steal_pointer(&info);
}

/* ---- negotiation ---- */

static gboolean
check_versions(const PosternPlugin *head, const PosternHost *host, GError **error)
{
    if (head->magic != POSTERN_MAGIC)
        return refuse(error,
                      "is no plugin table: magic is 0x%08x, expected 0x%08x",
                      head->magic,
                      POSTERN_MAGIC);
    if (head->size < PLUGIN_HEAD)
        return refuse(error,
                      "its table says it has %u bytes, the head alone has %u",
                      head->size,
                      PLUGIN_HEAD);
    if (head->abi_major != host->abi_major)
        return refuse(error, "ABI major %u, host has %u", head->abi_major, host->abi_major);
    if (head->abi_minor_needed > head->abi_minor)
        return refuse(error,
                      "says it needs host ABI %u.%u, but was built for %u.%u",
                      head->abi_major,
                      head->abi_minor_needed,
                      head->abi_major,
                      head->abi_minor);
    if (head->abi_minor_needed > host->abi_minor)
        return refuse(error,
                      "needs host ABI %u.%u, this is %u.%u: update postern, or install an older "
                      "release of the plugin",
                      head->abi_major,
                      head->abi_minor_needed,
                      host->abi_major,
                      host->abi_minor);
    if (head->abi_minor < host->abi_minor_oldest)
        return refuse(
            error,
            "built for ABI %u.%u, host supports from %u.%u: install a newer release of the plugin",
            head->abi_major,
            head->abi_minor,
            host->abi_major,
            host->abi_minor_oldest);
    return TRUE;
}

gboolean
descriptor_check_services(const PluginInfo *info, const PosternHost *host, GError **error)
{
    for (guint i = 0; info->requires_services[i] != NULL; i++)
        if (host->service(host->impl, info->requires_services[i]) == NULL)
            return refuse(error,
                          "needs the service %s, which this host does not have",
                          info->requires_services[i]);
    return TRUE;
}

PluginInfo *
descriptor_from_tables(const PosternPlugin *tables,
                       const char *name,
                       const PosternHost *host,
                       GError **error)
{
    g_autoptr(PluginInfo) info = NULL;
    PosternPlugin head = {0}, theirs;

    memcpy(&head, tables, PLUGIN_HEAD);
    if (!check_versions(&head, host, error) ||
        !copy_sized(&theirs, sizeof theirs, tables, head.size, PLUGIN_1_0, "the plugin", error))
        return NULL;
    info = read_tables(&theirs, name, TRUE, error);
    if (info == NULL || !descriptor_check_services(info, host, error))
        return NULL;
    return g_steal_pointer(&info);
}

PluginInfo *
descriptor_from_copy(const PosternPlugin *copy, const char *name, GError **error)
{
    if (copy->abi_minor_needed > copy->abi_minor) {
        refuse(error, "needs a newer ABI than it was built for");
        return NULL;
    }
    return read_tables(copy, name, FALSE, error);
}
