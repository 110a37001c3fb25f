/* SPDX-License-Identifier: Apache-2.0 */
/* amt.wsman.*: any class, any method. Other plugins reach AMT's classes by these tasks alone. */
#include "amt.h"

static GVariant *
selectors_of(GVariant *params)
{
    return params_value(params, "selectors", "a{sv}");
}

static GVariant *
run_get(PosternRun *run, GVariant *params, gpointer self, GError **error)
{
    g_autoptr(WsMan) ws = amt_open(self, run, params, error);
    g_autoptr(GVariant) selectors = selectors_of(params);
    PosternResult result;

    if (ws == NULL)
        return NULL;
    g_autoptr(GVariant) values = wsman_get(ws, params_string(params, "class"), selectors, error);
    if (values == NULL)
        return NULL;
    result_begin(&result);
    result_value(&result, "values", values);
    return result_end(&result);
}

static GVariant *
run_put(PosternRun *run, GVariant *params, gpointer self, GError **error)
{
    g_autoptr(WsMan) ws = amt_open(self, run, params, error);
    g_autoptr(GVariant) selectors = selectors_of(params);
    g_autoptr(GVariant) values = params_value(params, "values", "a{sv}");
    gboolean whole = params_bool(params, "whole", FALSE);
    PosternResult result;

    if (ws == NULL)
        return NULL;
    g_autoptr(GVariant) stored =
        wsman_put(ws, params_string(params, "class"), selectors, values, whole, error);
    if (stored == NULL)
        return NULL;
    result_begin(&result);
    result_value(&result, "values", stored);
    return result_end(&result);
}

static GVariant *
run_create(PosternRun *run, GVariant *params, gpointer self, GError **error)
{
    g_autoptr(WsMan) ws = amt_open(self, run, params, error);
    g_autoptr(GVariant) values = params_value(params, "values", "a{sv}");
    PosternResult result;

    if (ws == NULL)
        return NULL;
    g_autoptr(GVariant) created = wsman_create(ws, params_string(params, "class"), values, error);
    if (created == NULL)
        return NULL;
    result_begin(&result);
    result_value(&result, "created", created);
    return result_end(&result);
}

static GVariant *
run_delete(PosternRun *run, GVariant *params, gpointer self, GError **error)
{
    g_autoptr(WsMan) ws = amt_open(self, run, params, error);
    g_autoptr(GVariant) selectors = selectors_of(params);
    PosternResult result;

    if (ws == NULL || !wsman_delete(ws, params_string(params, "class"), selectors, error))
        return NULL;
    result_begin(&result);
    return result_end(&result);
}

typedef struct {
    const Amt *amt;
    PosternRun *run;
    GVariantBuilder items;
    guint32 count;
    guint32 limit;
} Listing;

static gboolean
take_item(const WsmanItem *item, gpointer data, GError **error)
{
    Listing *listing = data;
    PosternResult row;

    result_begin(&row);
    result_string(&row, "class", item->class_name);
    result_value(&row, "values", item->values);
    g_autoptr(GVariant) whole = g_variant_ref_sink(result_end(&row));
    g_variant_builder_add_value(&listing->items, whole);
    listing->count++;
    if (!listing->amt->svc.run->row(listing->run, whole, error))
        return FALSE;
    return listing->limit == 0 || listing->count < listing->limit;
}

static GVariant *
run_enumerate(PosternRun *run, GVariant *params, gpointer self, GError **error)
{
    g_autoptr(WsMan) ws = amt_open(self, run, params, error);
    Listing listing = {.amt = self, .run = run, .limit = params_uint(params, "limit", 0)};
    PosternResult result;

    if (ws == NULL)
        return NULL;
    g_variant_builder_init(&listing.items, G_VARIANT_TYPE("aa{sv}"));
    if (!wsman_enumerate(ws,
                         params_string(params, "class"),
                         params_bool(params, "references", FALSE),
                         take_item,
                         &listing,
                         error)) {
        g_variant_builder_clear(&listing.items);
        return NULL;
    }
    result_begin(&result);
    result_uint(&result, "count", listing.count);
    result_value(&result, "items", g_variant_builder_end(&listing.items));
    return result_end(&result);
}

static GVariant *
describe_outputs(GVariant *outputs, const char *class_name, const char *method)
{
    guint32 value = 0;
    PosternResult result;

    result_begin(&result);
    result_value(&result, "values", outputs);
    if (wsman_return_value(outputs, &value)) {
        result_uint(&result, "return-value", value);
        result_string(
            &result, "return-name", wsman_return_name(&amt_profile, class_name, method, value));
    }
    return result_end(&result);
}

static GVariant *
run_invoke(PosternRun *run, GVariant *params, gpointer self, GError **error)
{
    g_autoptr(WsMan) ws = amt_open(self, run, params, error);
    g_autoptr(GVariant) selectors = selectors_of(params);
    g_autoptr(GVariant) args = params_value(params, "args", "a{sv}");
    const char *class_name = params_string(params, "class");
    const char *method = params_string(params, "method");

    if (ws == NULL)
        return NULL;
    g_autoptr(GVariant) outputs = wsman_invoke(ws, class_name, selectors, method, args, error);
    if (outputs == NULL)
        return NULL;
    if (params_bool(params, "check", TRUE) &&
        !wsman_check_return(ws, outputs, class_name, method, error))
        return NULL;
    return describe_outputs(outputs, class_name, method);
}

/* clang-format off */
#define CLASS_PARAM                                                                                           \
    POSTERN_FIELD_ITEM(.name = "class", .type = "s", .flags = POSTERN_FIELD_REQUIRED,                         \
                       .summary = "class name (AMT_, IPS_ or CIM_...) or resource URI")
#define SELECTORS_PARAM                                                                                       \
    POSTERN_FIELD_ITEM(.name = "selectors", .type = "a{sv}",                                                  \
                       .summary = "keys of the instance: each a text, or a reference {'class', 'selectors'}")

static const PosternField *const get_params[] = {CLASS_PARAM, SELECTORS_PARAM, AMT_COMMON_PARAMS, NULL};

static const PosternField *const put_params[] = {
    CLASS_PARAM, SELECTORS_PARAM,
    POSTERN_FIELD_ITEM(.name = "values", .type = "a{sv}", .flags = POSTERN_FIELD_REQUIRED,
                       .summary = "properties to change; an empty maybe ('@mv nothing') leaves one out"),
    POSTERN_FIELD_ITEM(.name = "whole", .type = "b", .fallback = "false",
                       .summary = "values are the whole instance: do not read it first"),
    AMT_COMMON_PARAMS, NULL,
};

static const PosternField *const create_params[] = {
    CLASS_PARAM,
    POSTERN_FIELD_ITEM(.name = "values", .type = "a{sv}", .flags = POSTERN_FIELD_REQUIRED,
                       .summary = "properties of the new instance, in the order of its schema"),
    AMT_COMMON_PARAMS, NULL,
};

static const PosternField *const enumerate_params[] = {
    CLASS_PARAM,
    POSTERN_FIELD_ITEM(.name = "references", .type = "b", .fallback = "false",
                       .summary = "give references to the instances in place of the instances"),
    POSTERN_FIELD_ITEM(.name = "limit", .type = "u", .fallback = "0", .summary = "stop after so many; 0: all"),
    AMT_COMMON_PARAMS, NULL,
};

static const PosternField *const invoke_params[] = {
    CLASS_PARAM,
    POSTERN_FIELD_ITEM(.name = "method", .type = "s", .flags = POSTERN_FIELD_REQUIRED, .summary = "method name"),
    SELECTORS_PARAM,
    POSTERN_FIELD_ITEM(.name = "args", .type = "a{sv}",
                       .summary = "in parameters, in the order of the schema: arrays repeat, byte arrays go as base64, "
                                  "{'datetime': s} and {'interval': s} as nested times, {'class', 'selectors'} as references"),
    POSTERN_FIELD_ITEM(.name = "check", .type = "b", .fallback = "true",
                       .summary = "a ReturnValue other than 0 is an error"),
    AMT_COMMON_PARAMS, NULL,
};

static const PosternField *const values_outputs[] = {
    POSTERN_FIELD_ITEM(.name = "values", .type = "a{sv}", .flags = POSTERN_FIELD_REQUIRED,
                       .summary = "the instance's properties, typed; empty if the device does not say"),
    NULL,
};

static const PosternField *const create_outputs[] = {
    POSTERN_FIELD_ITEM(.name = "created", .type = "a{sv}", .flags = POSTERN_FIELD_REQUIRED,
                       .summary = "reference to the new instance: class, selectors"),
    NULL,
};

static const PosternField *const no_outputs[] = {NULL};

static const PosternField *const enumerate_rows[] = {
    POSTERN_FIELD_ITEM(.name = "class", .type = "s", .flags = POSTERN_FIELD_REQUIRED,
                       .summary = "the instance's own class, possibly derived from the one asked for"),
    POSTERN_FIELD_ITEM(.name = "values", .type = "a{sv}", .flags = POSTERN_FIELD_REQUIRED, .summary = "its properties"),
    NULL,
};

static const PosternField *const enumerate_outputs[] = {
    POSTERN_FIELD_ITEM(.name = "count", .type = "u", .flags = POSTERN_FIELD_REQUIRED, .summary = "how many there are"),
    POSTERN_FIELD_ITEM(.name = "items", .type = "aa{sv}", .flags = POSTERN_FIELD_REQUIRED,
                       .summary = "class and values of each, as in the rows"),
    NULL,
};

static const PosternField *const invoke_outputs[] = {
    POSTERN_FIELD_ITEM(.name = "values", .type = "a{sv}", .flags = POSTERN_FIELD_REQUIRED,
                       .summary = "out parameters, ReturnValue among them"),
    POSTERN_FIELD_ITEM(.name = "return-value", .type = "u", .summary = "ReturnValue; 0: done"),
    POSTERN_FIELD_ITEM(.name = "return-name", .type = "s", .summary = "what it means"),
    NULL,
};

#define WSMAN_TASK(name_, flags_, id_, summary_, params_, outputs_, rows_, run_)                              \
    const PosternTask name_ = {                                                                               \
        .size = sizeof(PosternTask), .version = 1, .flags = (flags_), .id = (id_), .summary = (summary_),     \
        .params = (params_), .outputs = (outputs_), .rows = (rows_), .credentials = amt_credentials,          \
        .run = (run_),                                                                                        \
    }
#define READS (POSTERN_TASK_READ_ONLY | POSTERN_TASK_IDEMPOTENT)

WSMAN_TASK(amt_wsman_get_task, READS, "amt.wsman.get", "read one instance of any class",
           get_params, values_outputs, NULL, run_get);
WSMAN_TASK(amt_wsman_put_task, POSTERN_TASK_DISRUPTIVE, "amt.wsman.put",
           "change properties of an instance: read it, change it, write it back whole",
           put_params, values_outputs, NULL, run_put);
WSMAN_TASK(amt_wsman_create_task, POSTERN_TASK_DISRUPTIVE, "amt.wsman.create", "create an instance of any class",
           create_params, create_outputs, NULL, run_create);
WSMAN_TASK(amt_wsman_delete_task, POSTERN_TASK_DISRUPTIVE, "amt.wsman.delete", "delete an instance of any class",
           get_params, no_outputs, NULL, run_delete);
WSMAN_TASK(amt_wsman_enumerate_task, READS, "amt.wsman.enumerate", "read all instances of any class",
           enumerate_params, enumerate_outputs, enumerate_rows, run_enumerate);
WSMAN_TASK(amt_wsman_invoke_task, POSTERN_TASK_DISRUPTIVE, "amt.wsman.invoke",
           "call any method of any class, once", invoke_params, invoke_outputs, NULL, run_invoke);
/* clang-format on */
