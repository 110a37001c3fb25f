/* SPDX-License-Identifier: Apache-2.0 */
/* amt.powerscheme.get and amt.powerscheme.set: in which power states the firmware stays awake. */
#include "amt-facts.h"

#include <string.h>

static const char class_name[] = "AMT_SystemPowerScheme";

enum { IS_CURRENT = 1 };

typedef struct {
    GPtrArray *schemes;
    char *current; /* InstanceID; NULL: the device does not say */
} Schemes;

static void
schemes_clear(Schemes *schemes)
{
    g_clear_pointer(&schemes->schemes, g_ptr_array_unref);
    g_clear_pointer(&schemes->current, g_free);
}
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC(Schemes, schemes_clear)

/* InstanceID of the scheme that an association names, the caller's; NULL: it is about something else. */
static char *
scheme_of(GVariant *association)
{
    g_autoptr(GVariant) reference = params_value(association, "SettingData", "a{sv}");

    if (reference == NULL || g_strcmp0(params_string(reference, "class"), class_name) != 0)
        return NULL;
    return amt_key_in(association, "SettingData", "InstanceID");
}

static gboolean
read_schemes(WsMan *ws, Schemes *schemes, GError **error)
{
    g_autoptr(GPtrArray) associations = NULL;

    schemes_clear(schemes);
    schemes->schemes = amt_read_all(ws, class_name, error);
    if (schemes->schemes == NULL)
        return FALSE;
    if (schemes->schemes->len == 0)
        return postern_fail(error,
                            POSTERN_ERROR_NOT_SUPPORTED,
                            "this firmware has no power schemes (%s)",
                            class_name);
    associations = amt_read_all(ws, "CIM_ElementSettingData", error);
    for (guint i = 0; associations != NULL && i < associations->len; i++) {
        GVariant *one = associations->pdata[i];
        char *id = params_uint(one, "IsCurrent", 0) == IS_CURRENT ? scheme_of(one) : NULL;
        if (id == NULL)
            continue;
        g_free(schemes->current);
        schemes->current = id;
    }
    return associations != NULL;
}

/* The usual form, newly allocated; NULL: none. */
static char *
guid_of(GVariant *scheme)
{
    g_autoptr(GVariant) bytes = params_value(scheme, "SchemeGUID", "ay");
    gsize length = 0;
    const guint8 *data = bytes != NULL ? g_variant_get_fixed_array(bytes, &length, 1) : NULL;

    return amt_uuid_of(data, length);
}

static GVariant *
describe_scheme(GVariant *scheme)
{
    g_autofree char *guid = guid_of(scheme);
    PosternResult result;

    result_begin(&result);
    result_string(&result, "id", params_string(scheme, "InstanceID"));
    result_string(&result, "description", params_string(scheme, "Description"));
    result_string(&result, "guid", guid);
    return result_end(&result);
}

static GVariant *
describe(const Schemes *schemes, gint changed)
{
    GVariant *current = schemes->current != NULL
                            ? amt_find(schemes->schemes, "InstanceID", schemes->current)
                            : NULL;
    GVariantBuilder list;
    PosternResult result;

    g_variant_builder_init(&list, G_VARIANT_TYPE("aa{sv}"));
    for (guint i = 0; i < schemes->schemes->len; i++)
        g_variant_builder_add_value(&list, describe_scheme(schemes->schemes->pdata[i]));
    result_begin(&result);
    if (current != NULL)
        result_string(&result, "current", params_string(current, "Description"));
    result_value(&result, "schemes", g_variant_builder_end(&list));
    if (changed >= 0)
        result_bool(&result, "changed", changed);
    return result_end(&result);
}

static GVariant *
run_get(PosternRun *run, GVariant *params, gpointer self, GError **error)
{
    g_autoptr(WsMan) ws = amt_open(self, run, params, error);
    g_auto(Schemes) schemes = {0};

    return ws != NULL && read_schemes(ws, &schemes, error) ? describe(&schemes, -1) : NULL;
}

static gboolean
is_named(GVariant *scheme, const char *text)
{
    const char *names[] = {params_string(scheme, "Description"),
                           params_string(scheme, "InstanceID")};
    g_autofree char *guid = guid_of(scheme);

    for (guint i = 0; i < G_N_ELEMENTS(names); i++)
        if (names[i] != NULL && g_ascii_strcasecmp(names[i], text) == 0)
            return TRUE;
    return guid != NULL && g_ascii_strcasecmp(guid, text) == 0;
}

/* The one scheme that `text` means; NULL with the list of what there is. */
static GVariant *
choose(const Schemes *schemes, const char *text, GError **error)
{
    g_autoptr(GString) all = g_string_new(NULL);
    GVariant *found = NULL;
    guint count = 0;

    for (guint i = 0; i < schemes->schemes->len; i++) {
        GVariant *scheme = schemes->schemes->pdata[i];
        const char *words = params_string(scheme, "Description");
        g_string_append_printf(
            all, "%s'%.80s'", all->len > 0 ? "; " : "", words != NULL ? words : "");
        if (!is_named(scheme, text))
            continue;
        found = scheme;
        count++;
    }
    if (count == 1)
        return found;
    postern_fail(error,
                 POSTERN_ERROR_BAD_PARAM,
                 "scheme '%s' is %s: the device has %.900s",
                 text,
                 count == 0 ? "none" : "more than one, name its GUID",
                 all->str);
    return NULL;
}

static GVariant *
run_set(PosternRun *run, GVariant *params, gpointer self, GError **error)
{
    g_autoptr(WsMan) ws = amt_open(self, run, params, error);
    g_auto(Schemes) schemes = {0};
    g_autoptr(GVariant) outputs = NULL;
    g_autofree char *id = NULL;
    GVariant *wanted = NULL;

    if (ws != NULL && read_schemes(ws, &schemes, error))
        wanted = choose(&schemes, params_string(params, "scheme"), error);
    if (wanted == NULL)
        return NULL;
    id = g_strdup(params_string(wanted, "InstanceID"));
    if (g_strcmp0(id, schemes.current) == 0)
        return describe(&schemes, FALSE);
    outputs = wsman_call(ws, class_name, amt_key("InstanceID", id), "SetPowerScheme", NULL, error);
    if (outputs == NULL || !read_schemes(ws, &schemes, error))
        return NULL;
    if (schemes.current == NULL || g_strcmp0(id, schemes.current) == 0)
        return describe(&schemes, TRUE);
    postern_fail(error,
                 POSTERN_ERROR_CONFLICT,
                 "the device said yes, and another scheme is the current one: BIOS or MEBx may "
                 "not allow the change; look there");
    return NULL;
}

/* clang-format off */
#define OUTPUTS                                                                                                      \
    POSTERN_FIELD_ITEM(.name = "current", .type = "s", .summary = "the current scheme; absent: this firmware does not say"), \
    POSTERN_FIELD_ITEM(.name = "schemes", .type = "aa{sv}", .flags = POSTERN_FIELD_REQUIRED,                        \
                       .summary = "all there are: id, description, guid")

static const PosternField *const get_params[] = {AMT_COMMON_PARAMS, NULL};
static const PosternField *const get_outputs[] = {OUTPUTS, NULL};
static const PosternField *const set_params[] = {
    POSTERN_FIELD_ITEM(.name = "scheme", .type = "s", .flags = POSTERN_FIELD_REQUIRED,
                       .summary = "its description, its GUID (the same on all machines of a kind) or its id"),
    AMT_COMMON_PARAMS,
    NULL,
};
static const PosternField *const set_outputs[] = {
    OUTPUTS,
    POSTERN_FIELD_ITEM(.name = "changed", .type = "b", .flags = POSTERN_FIELD_REQUIRED, .summary = "false: it was so already"),
    NULL,
};

const PosternTask amt_powerscheme_get_task = {
    .size = sizeof(PosternTask),
    .flags = POSTERN_TASK_READ_ONLY | POSTERN_TASK_IDEMPOTENT,
    .version = 1,
    .id = "amt.powerscheme.get",
    .summary = "tell in which power states the firmware stays awake",
    .details = "AMT_SystemPowerScheme, CIM_ElementSettingData. Least realm: PT Administration.",
    .params = get_params,
    .outputs = get_outputs,
    .credentials = amt_credentials,
    .run = run_get,
};

const PosternTask amt_powerscheme_set_task = {
    .size = sizeof(PosternTask),
    .flags = POSTERN_TASK_IDEMPOTENT | POSTERN_TASK_DISRUPTIVE,
    .version = 1,
    .id = "amt.powerscheme.set",
    .summary = "choose in which power states the firmware stays awake",
    .details = "AMT_SystemPowerScheme.SetPowerScheme, and the current one read back. With a scheme that sleeps along with the machine, it "
               "cannot be reached while it is off. Least realm: PT Administration.",
    .params = set_params,
    .outputs = set_outputs,
    .credentials = amt_credentials,
    .run = run_set,
};
/* clang-format on */
