/* SPDX-License-Identifier: Apache-2.0 */
/* amt.environment.get and amt.environment.set: how the firmware knows that it is inside the company's network. */
#include "amt.h"

#include <string.h>

static const char class_name[] = "AMT_EnvironmentDetectionSettingData";

enum { STRINGS_MOST = 5, LENGTH_MOST = 190 };

static const struct {
    const char *property, *name;
} lists[] = {
    {"DetectionStrings", "strings"},
    {"DetectionIPv6LocalPrefixes", "ipv6-prefixes"},
};

static GVariant *
list_of(GVariant *settings, const char *property)
{
    GVariant *list = params_value(settings, property, "as");

    return list != NULL ? list : g_variant_ref_sink(g_variant_new_strv(NULL, 0));
}

static GVariant *
describe(GVariant *settings, gint changed)
{
    gboolean detects = FALSE;
    PosternResult result;

    result_begin(&result);
    for (guint i = 0; i < G_N_ELEMENTS(lists); i++) {
        g_autoptr(GVariant) list = list_of(settings, lists[i].property);
        result_value(&result, lists[i].name, list);
        detects |= g_variant_n_children(list) > 0;
    }
    result_bool(&result, "detects", detects);
    if (changed >= 0)
        result_bool(&result, "changed", changed);
    return result_end(&result);
}

static GVariant *
read_settings(WsMan *ws, GError **error)
{
    return amt_read_needed(ws, class_name, "does not detect its environment", error);
}

static GVariant *
run_get(PosternRun *run, GVariant *params, gpointer self, GError **error)
{
    g_autoptr(WsMan) ws = amt_open(self, run, params, error);
    g_autoptr(GVariant) settings = ws != NULL ? read_settings(ws, error) : NULL;

    return settings != NULL ? describe(settings, -1) : NULL;
}

static gboolean
check_list(const char *name, GVariant *list, GError **error)
{
    gsize n = g_variant_n_children(list);

    if (n > STRINGS_MOST)
        return postern_fail(error,
                            POSTERN_ERROR_BAD_PARAM,
                            "%s has %" G_GSIZE_FORMAT " members, expected at most %d",
                            name,
                            n,
                            STRINGS_MOST);
    for (gsize i = 0; i < n; i++) {
        const char *text;
        gsize length;
        g_variant_get_child(list, i, "&s", &text);
        length = strlen(text);
        if (length == 0 || length > LENGTH_MOST || strpbrk(text, " \t,") != NULL)
            return postern_fail(error,
                                POSTERN_ERROR_BAD_PARAM,
                                "%s: '%s' is none: expected 1 to %d bytes without blanks",
                                name,
                                text,
                                LENGTH_MOST);
    }
    return TRUE;
}

/* What is asked for and not so yet, a{sv} by property. NULL with `error`. */
static GVariant *
read_changes(GVariant *params, GVariant *now, GError **error)
{
    PosternResult changes;
    gboolean good = TRUE;

    result_begin(&changes);
    for (guint i = 0; good && i < G_N_ELEMENTS(lists); i++) {
        g_autoptr(GVariant) wanted = params_value(params, lists[i].name, "as");
        g_autoptr(GVariant) is = list_of(now, lists[i].property);
        if (wanted == NULL)
            continue;
        good = check_list(lists[i].name, wanted, error);
        if (good && !g_variant_equal(is, wanted))
            result_value(&changes, lists[i].property, wanted);
    }
    if (good)
        return g_variant_ref_sink(result_end(&changes));
    g_variant_builder_clear(&changes);
    return NULL;
}

static gboolean
check_taken(GVariant *found, GVariant *changes, GError **error)
{
    for (guint i = 0; i < G_N_ELEMENTS(lists); i++) {
        g_autoptr(GVariant) wanted = params_value(changes, lists[i].property, "as");
        g_autoptr(GVariant) is = list_of(found, lists[i].property);
        if (wanted != NULL && !g_variant_equal(is, wanted))
            return postern_fail(error,
                                POSTERN_ERROR_CONFLICT,
                                "the device took the settings, and its %s are not as they were "
                                "asked for; read them with amt.environment.get",
                                lists[i].name);
    }
    return TRUE;
}

static GVariant *
run_set(PosternRun *run, GVariant *params, gpointer self, GError **error)
{
    g_autoptr(WsMan) ws = amt_open(self, run, params, error);
    g_autoptr(GVariant) now = ws != NULL ? read_settings(ws, error) : NULL;
    g_autoptr(GVariant) changes = now != NULL ? read_changes(params, now, error) : NULL;
    g_autoptr(GVariant) stored = NULL;
    g_autoptr(GVariant) found = NULL;

    if (changes == NULL)
        return NULL;
    if (g_variant_n_children(changes) == 0)
        return describe(now, FALSE);
    stored = wsman_put(ws, class_name, NULL, changes, FALSE, error);
    found = stored != NULL ? read_settings(ws, error) : NULL;
    return found != NULL && check_taken(found, changes, error) ? describe(found, TRUE) : NULL;
}

/* clang-format off */
#define OUTPUTS                                                                                                      \
    POSTERN_FIELD_ITEM(.name = "strings", .type = "as", .flags = POSTERN_FIELD_REQUIRED,                            \
                       .summary = "DNS suffixes by which the firmware knows that it is inside"),                     \
    POSTERN_FIELD_ITEM(.name = "ipv6-prefixes", .type = "as", .flags = POSTERN_FIELD_REQUIRED,                      \
                       .summary = "and IPv6 prefixes"),                                                              \
    POSTERN_FIELD_ITEM(.name = "detects", .type = "b", .flags = POSTERN_FIELD_REQUIRED,                             \
                       .summary = "one of the lists has members: outside, the direct ports are closed")

static const PosternField *const get_params[] = {AMT_COMMON_PARAMS, NULL};
static const PosternField *const get_outputs[] = {OUTPUTS, NULL};
static const PosternField *const set_params[] = {
    POSTERN_FIELD_ITEM(.name = "strings", .type = "as", .summary = "DNS suffixes, at most five; an empty list: none"),
    POSTERN_FIELD_ITEM(.name = "ipv6-prefixes", .type = "as", .summary = "IPv6 prefixes, at most five; an empty list: none"),
    AMT_COMMON_PARAMS,
    NULL,
};
static const PosternField *const set_outputs[] = {
    OUTPUTS,
    POSTERN_FIELD_ITEM(.name = "changed", .type = "b", .flags = POSTERN_FIELD_REQUIRED, .summary = "false: it was so already"),
    NULL,
};

const PosternTask amt_environment_get_task = {
    .size = sizeof(PosternTask),
    .flags = POSTERN_TASK_READ_ONLY | POSTERN_TASK_IDEMPOTENT,
    .version = 1,
    .id = "amt.environment.get",
    .summary = "tell how the firmware knows that it is inside the company's network",
    .details = "AMT_EnvironmentDetectionSettingData. Least realm: Endpoint Access Control.",
    .params = get_params,
    .outputs = get_outputs,
    .credentials = amt_credentials,
    .run = run_get,
};

const PosternTask amt_environment_set_task = {
    .size = sizeof(PosternTask),
    .flags = POSTERN_TASK_IDEMPOTENT | POSTERN_TASK_DISRUPTIVE,
    .version = 1,
    .id = "amt.environment.set",
    .summary = "say how the firmware knows that it is inside the company's network",
    .details = "AMT_EnvironmentDetectionSettingData, read back. As soon as a list has members, a machine whose network matches none of them "
               "closes its ports and can only call home: set amt.remoteaccess first, and empty the lists before that is taken away. "
               "Detection is off while the address is static. Least realm: PT Administration.",
    .params = set_params,
    .outputs = set_outputs,
    .credentials = amt_credentials,
    .run = run_set,
};
/* clang-format on */
