/* SPDX-License-Identifier: Apache-2.0 */
/*
 * postern-params.h - read parameters and build results in one line each.
 *
 * Dictionaries are a{sv} throughout. Asking for a member that is absent, or of another type, gives the
 * stated default: the host has checked parameters against the plugin's table before a task sees them, so
 * this only matters for what a device said.
 */
#ifndef POSTERN_PARAMS_H
#define POSTERN_PARAMS_H

#include <postern-plugin.h>

G_BEGIN_DECLS

/* Tables: POSTERN_FIELD_ITEM (.name = "state", .type = "s", .summary = "power state as a word") */
#define POSTERN_FIELD_ITEM(...) (&(const PosternField){.size = sizeof(PosternField), __VA_ARGS__})
#define POSTERN_TASK_ITEM(...)                                                                     \
    (&(const PosternTask){.size = sizeof(PosternTask), .version = 1, __VA_ARGS__})

/*
 * g_variant_lookup() first writes the whole dictionary out as bytes, which for an instance that a device sent costs more than
 * reading it. So these look values up one by one; only a string, which must stay where it is, needs the bytes.
 */

/* A member of a{sv} of that type (NULL: any), the caller's; NULL: absent or of another type. */
static inline GVariant *
params_value(GVariant *dict, const char *name, const char *type)
{
    return g_variant_lookup_value(dict, name, type == NULL ? NULL : G_VARIANT_TYPE(type));
}

/* A string, valid as long as `dict`; NULL: absent. */
static inline const char *
params_string(GVariant *dict, const char *name)
{
    const char *value = NULL;

    return g_variant_lookup(dict, name, "&s", &value) ? value : NULL;
}

static inline gboolean
params_bool(GVariant *dict, const char *name, gboolean fallback)
{
    g_autoptr(GVariant) value = params_value(dict, name, "b");

    return value != NULL ? g_variant_get_boolean(value) : fallback;
}

static inline guint32
params_uint(GVariant *dict, const char *name, guint32 fallback)
{
    g_autoptr(GVariant) value = params_value(dict, name, "u");

    return value != NULL ? g_variant_get_uint32(value) : fallback;
}

static inline guint64
params_uint64(GVariant *dict, const char *name, guint64 fallback)
{
    g_autoptr(GVariant) value = params_value(dict, name, "t");

    return value != NULL ? g_variant_get_uint64(value) : fallback;
}

/* NULL-ended, the caller's (g_strfreev); NULL: absent. */
static inline char **
params_strv(GVariant *dict, const char *name)
{
    g_autoptr(GVariant) value = params_value(dict, name, "as");

    return value != NULL ? g_variant_dup_strv(value, NULL) : NULL;
}

/* Add one member to a{sv} in the making; takes a floating `value`. */
static inline void
dict_add(GVariantBuilder *dict, const char *name, GVariant *value)
{
    g_variant_builder_add_value(
        dict, g_variant_new_dict_entry(g_variant_new_string(name), g_variant_new_variant(value)));
}

/* A result in the making. Start with result_begin(), end with result_end(). */
typedef GVariantBuilder PosternResult;

static inline void
result_begin(PosternResult *result)
{
    g_variant_builder_init(result, G_VARIANT_TYPE_VARDICT);
}

/* Takes a floating `value`; NULL: nothing is added. */
static inline void
result_value(PosternResult *result, const char *name, GVariant *value)
{
    if (value != NULL)
        dict_add(result, name, value);
}

/* NULL: nothing is added, for what is not known is not there. */
static inline void
result_string(PosternResult *result, const char *name, const char *value)
{
    if (value != NULL)
        result_value(result, name, g_variant_new_string(value));
}

static inline void
result_uint(PosternResult *result, const char *name, guint32 value)
{
    result_value(result, name, g_variant_new_uint32(value));
}

static inline void
result_uint64(PosternResult *result, const char *name, guint64 value)
{
    result_value(result, name, g_variant_new_uint64(value));
}

static inline void
result_bool(PosternResult *result, const char *name, gboolean value)
{
    result_value(result, name, g_variant_new_boolean(value));
}

/* The finished a{sv}, floating. */
static inline GVariant *
result_end(PosternResult *result)
{
    return g_variant_builder_end(result);
}

G_END_DECLS

#endif /* POSTERN_PARAMS_H */
