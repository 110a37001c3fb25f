/* SPDX-License-Identifier: Apache-2.0 */
#include "config.h"

#include "descriptor.h"

/*
 * A descriptor as one variant, for the probe's pipe and the cache. Reading rebuilds plain tables
 * from it and hands them to the checks that a plugin's own tables go through: what is in the file
 * was written by us, but may have been changed since.
 */
#define FIELD_TYPE  "(ussmsmsmass)"
#define FIELDS_TYPE "a" FIELD_TYPE
#define TASK_TYPE   "(uuussms" FIELDS_TYPE FIELDS_TYPE "m" FIELDS_TYPE "as)"
#define LOGIN_TYPE  "(ss" FIELDS_TYPE "ms)"
#define PLUGIN_TYPE "(uuusssssasas" FIELDS_TYPE "a" TASK_TYPE "a" LOGIN_TYPE ")"

enum { VARIANT_MAX = 8 * 1024 * 1024 };

const char *
descriptor_variant_type(void)
{
    return PLUGIN_TYPE;
}

/* ---- writing ---- */

static GVariant *
new_fields(GPtrArray *fields)
{
    GVariantBuilder builder;

    g_variant_builder_init(&builder, G_VARIANT_TYPE(FIELDS_TYPE));
    for (guint i = 0; i < fields->len; i++) {
        const FieldInfo *field = fields->pdata[i];
        g_autofree char *fallback =
            field->fallback != NULL ? g_variant_print(field->fallback, TRUE) : NULL;

        g_variant_builder_add(&builder,
                              "(ussmsms@mass)",
                              field->flags,
                              field->name,
                              field->type,
                              field->format,
                              fallback,
                              g_variant_new("m^as", field->choices),
                              field->summary);
    }
    return g_variant_builder_end(&builder);
}

static GVariant *
new_tasks(GPtrArray *tasks)
{
    GVariantBuilder builder;

    g_variant_builder_init(&builder, G_VARIANT_TYPE("a" TASK_TYPE));
    for (guint i = 0; i < tasks->len; i++) {
        const TaskInfo *task = tasks->pdata[i];
        GVariant *rows = task->rows != NULL ? new_fields(task->rows) : NULL;

        g_variant_builder_add(&builder,
                              "(uuussms@" FIELDS_TYPE "@" FIELDS_TYPE "@m" FIELDS_TYPE "^as)",
                              task->flags,
                              task->version,
                              task->timeout_ms,
                              task->id,
                              task->summary,
                              task->details,
                              new_fields(task->params),
                              new_fields(task->outputs),
                              g_variant_new_maybe(G_VARIANT_TYPE(FIELDS_TYPE), rows),
                              task->credentials);
    }
    return g_variant_builder_end(&builder);
}

static GVariant *
new_types(GPtrArray *types)
{
    GVariantBuilder builder;

    g_variant_builder_init(&builder, G_VARIANT_TYPE("a" LOGIN_TYPE));
    for (guint i = 0; i < types->len; i++) {
        const CredentialTypeInfo *type = types->pdata[i];

        g_variant_builder_add(&builder,
                              "(ss@" FIELDS_TYPE "ms)",
                              type->id,
                              type->summary,
                              new_fields(type->fields),
                              type->login);
    }
    return g_variant_builder_end(&builder);
}

GVariant *
descriptor_to_variant(const PluginInfo *info)
{
    return g_variant_ref_sink(g_variant_new("(uuusssss^as^as@" FIELDS_TYPE "@a" TASK_TYPE
                                            "@a" LOGIN_TYPE ")",
                                            info->abi_major,
                                            info->abi_minor,
                                            info->abi_minor_needed,
                                            info->name,
                                            info->version,
                                            info->license,
                                            info->summary,
                                            info->origin,
                                            info->requires_services,
                                            info->depends,
                                            new_fields(info->config),
                                            new_tasks(info->tasks),
                                            new_types(info->credential_types)));
}

/* ---- reading ---- */

/* Everything allocated for the rebuilt tables; strings stay in the variant. */
typedef GPtrArray Pool;

static gpointer
pool_new(Pool *pool, gsize size)
{
    gpointer memory = g_malloc0(size);

    g_ptr_array_add(pool, memory);
    return memory;
}

static const PosternField *
read_field(Pool *pool, GVariant *variant)
{
    PosternField *field = pool_new(pool, sizeof *field);
    g_autoptr(GVariant) choices = NULL;

    field->size = sizeof *field;
    g_variant_get(variant,
                  "(u&s&sm&sm&s@mas&s)",
                  &field->flags,
                  &field->name,
                  &field->type,
                  &field->format,
                  &field->fallback,
                  &choices,
                  &field->summary);
    if (g_variant_n_children(choices) == 1) {
        g_autoptr(GVariant) list = g_variant_get_maybe(choices);
        const char **names = g_variant_get_strv(list, NULL);

        g_ptr_array_add(pool, names);
        field->choices = names;
    }
    return field;
}

/* `variant` is an array: the NULL-ended list of what `read` makes of each member. */
static gpointer
read_list(Pool *pool, GVariant *variant, gconstpointer (*read)(Pool *pool, GVariant *variant))
{
    gsize count = g_variant_n_children(variant);
    gconstpointer *list = pool_new(pool, (count + 1) * sizeof *list);

    for (gsize i = 0; i < count; i++) {
        g_autoptr(GVariant) child = g_variant_get_child_value(variant, i);

        list[i] = read(pool, child);
    }
    return list;
}

static gconstpointer
read_any_field(Pool *pool, GVariant *variant)
{
    return read_field(pool, variant);
}

static gpointer
read_fields(Pool *pool, GVariant *variant)
{
    return read_list(pool, variant, read_any_field);
}

static gconstpointer
read_task(Pool *pool, GVariant *variant)
{
    PosternTask *task = pool_new(pool, sizeof *task);
    g_autoptr(GVariant) params = NULL;
    g_autoptr(GVariant) outputs = NULL;
    g_autoptr(GVariant) rows = NULL;
    const char **credentials = NULL;

    task->size = sizeof *task;
    g_variant_get(variant,
                  "(uuu&s&sm&s@" FIELDS_TYPE "@" FIELDS_TYPE "m@" FIELDS_TYPE "^a&s)",
                  &task->flags,
                  &task->version,
                  &task->timeout_ms,
                  &task->id,
                  &task->summary,
                  &task->details,
                  &params,
                  &outputs,
                  &rows,
                  &credentials);
    g_ptr_array_add(pool, credentials);
    task->params = read_fields(pool, params);
    task->outputs = read_fields(pool, outputs);
    task->rows = rows != NULL ? read_fields(pool, rows) : NULL;
    task->credentials = credentials;
    return task;
}

static gconstpointer
read_type(Pool *pool, GVariant *variant)
{
    PosternCredentialType *type = pool_new(pool, sizeof *type);
    g_autoptr(GVariant) fields = NULL;

    type->size = sizeof *type;
    g_variant_get(
        variant, "(&s&s@" FIELDS_TYPE "m&s)", &type->id, &type->summary, &fields, &type->login);
    type->fields = read_fields(pool, fields);
    return type;
}

static void
read_plugin(Pool *pool, GVariant *variant, PosternPlugin *plugin)
{
    g_autoptr(GVariant) config = NULL;
    g_autoptr(GVariant) tasks = NULL;
    g_autoptr(GVariant) types = NULL;
    const char **services = NULL, **depends = NULL;

    g_variant_get(variant,
                  "(uuu&s&s&s&s&s^a&s^a&s@" FIELDS_TYPE "@a" TASK_TYPE "@a" LOGIN_TYPE ")",
                  &plugin->abi_major,
                  &plugin->abi_minor,
                  &plugin->abi_minor_needed,
                  &plugin->name,
                  &plugin->version,
                  &plugin->license,
                  &plugin->summary,
                  &plugin->origin,
                  &services,
                  &depends,
                  &config,
                  &tasks,
                  &types);
    g_ptr_array_add(pool, services);
    g_ptr_array_add(pool, depends);
    plugin->requires_services = services;
    plugin->depends = depends;
    plugin->config = read_fields(pool, config);
    plugin->tasks = read_list(pool, tasks, read_task);
    plugin->credential_types = read_list(pool, types, read_type);
}

PluginInfo *
descriptor_from_variant(GVariant *variant, const char *name, GError **error)
{
    g_autoptr(GPtrArray) pool = g_ptr_array_new_with_free_func(g_free);
    PosternPlugin plugin = {.magic = POSTERN_MAGIC, .size = sizeof plugin};

    if (!g_variant_is_of_type(variant, G_VARIANT_TYPE(PLUGIN_TYPE)) ||
        g_variant_get_size(variant) > VARIANT_MAX || !g_variant_is_normal_form(variant)) {
        g_set_error(error,
                    POSTERN_ERROR,
                    POSTERN_ERROR_PROTOCOL,
                    "the description of plugin %s is damaged: expected type %s in normal form and "
                    "at most %d bytes",
                    name,
                    PLUGIN_TYPE,
                    VARIANT_MAX);
        return NULL;
    }
    (void)g_variant_get_data(
        variant); /* serialise it now: borrowed strings then live as long as `variant` */
    read_plugin(pool, variant, &plugin);
    return descriptor_from_copy(&plugin, name, error);
}
