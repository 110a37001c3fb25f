/* SPDX-License-Identifier: Apache-2.0 */
/* amt.storage.get: the store that older firmware keeps for programs of others, and who has registered for it. */
#include "amt-facts.h"

#include <string.h>

static const char class_name[] = "AMT_ThirdPartyDataStorageAdministrationService";

enum { APPLICATIONS_MOST = 64 };

static const struct {
    const char *property, *name;
} sizes[] = {
    {"TotalStorage", "total-bytes"},
    {"TotalAllocatedStorage", "allocated-bytes"},
    {"MaxPartnerStorage", "partner-bytes"},
    {"TotalPartnerAllocatedStorage", "partner-allocated-bytes"},
    {"MaxNonPartnerStorage", "others-bytes"},
    {"MaxNonPartnerTotalAllocationSize", "others-most-bytes"},
};

/* clang-format off */
static const AmtFact application_facts[] = {
    {"VendorName", "vendor", FACT_TEXT, NULL},
    {"ApplicationName", "application", FACT_TEXT, NULL},
    {"EnterpriseName", "enterprise", FACT_TEXT, NULL},
    {"ActiveSession", "active", FACT_FLAG, NULL},
    {"Partner", "partner", FACT_FLAG, NULL},
    {NULL, NULL, FACT_TEXT, NULL},
};
/* clang-format on */

static char *
uuid_of(GVariant *application)
{
    g_autoptr(GVariant) bytes = params_value(application, "UUID", "ay");
    gsize length = 0;
    const guint8 *data = bytes != NULL ? g_variant_get_fixed_array(bytes, &length, 1) : NULL;

    return amt_uuid_of(data, length);
}

/* Floating; NULL with `error`. */
static GVariant *
read_application(WsMan *ws, guint32 handle, GError **error)
{
    g_autoptr(GVariant) outputs = NULL;
    g_autofree char *uuid = NULL;
    PosternResult args, result;

    result_begin(&args);
    result_uint(&args, "Handle", handle);
    outputs =
        wsman_call(ws, class_name, NULL, "AdminGetApplicationAttributes", result_end(&args), error);
    if (outputs == NULL)
        return NULL;
    uuid = uuid_of(outputs);
    result_begin(&result);
    amt_facts_add(&result, application_facts, outputs);
    result_string(&result, "uuid", uuid);
    result_uint(&result, "bytes", params_uint(outputs, "CurrentAllocationSize", 0));
    return result_end(&result);
}

static GVariant *
read_applications(WsMan *ws, GError **error)
{
    g_autoptr(GVariant) outputs =
        wsman_call(ws, class_name, NULL, "AdminGetRegisteredApplications", NULL, error);
    g_autoptr(GVariant) handles =
        outputs != NULL ? params_value(outputs, "ApplicationHandles", "au") : NULL;
    gsize count = 0;
    const guint32 *list =
        handles != NULL ? g_variant_get_fixed_array(handles, &count, sizeof(guint32)) : NULL;
    GVariantBuilder all;

    if (outputs == NULL)
        return NULL;
    g_variant_builder_init(&all, G_VARIANT_TYPE("aa{sv}"));
    for (gsize i = 0; i < MIN(count, APPLICATIONS_MOST); i++) {
        GVariant *one = read_application(ws, list[i], error);
        if (one == NULL) {
            g_variant_builder_clear(&all);
            return NULL;
        }
        g_variant_builder_add_value(&all, one);
    }
    return g_variant_builder_end(&all);
}

static GVariant *
read_sizes(WsMan *ws, GError **error)
{
    g_autoptr(GError) why = NULL;
    GVariant *outputs = wsman_call(ws, class_name, NULL, "GetGlobalStorageAttributes", NULL, &why);

    if (outputs != NULL)
        return outputs;
    if (wsman_absent(ws))
        postern_fail(error,
                     POSTERN_ERROR_NOT_SUPPORTED,
                     "this firmware keeps no store for programs of others (%s): AMT 12 was the "
                     "first without",
                     class_name);
    else
        g_propagate_error(error, g_steal_pointer(&why));
    return NULL;
}

static GVariant *
run_get(PosternRun *run, GVariant *params, gpointer self, GError **error)
{
    g_autoptr(WsMan) ws = amt_open(self, run, params, error);
    g_autoptr(GVariant) outputs = ws != NULL ? read_sizes(ws, error) : NULL;
    GVariant *applications = outputs != NULL ? read_applications(ws, error) : NULL;
    PosternResult result;

    if (applications == NULL)
        return NULL;
    result_begin(&result);
    for (guint i = 0; i < G_N_ELEMENTS(sizes); i++) {
        g_autoptr(GVariant) size = params_value(outputs, sizes[i].property, "u");
        result_value(&result, sizes[i].name, size);
    }
    result_value(&result, "applications", applications);
    return result_end(&result);
}

/* clang-format off */
#define SIZE(name_, summary_) POSTERN_FIELD_ITEM(.name = name_, .type = "u", .summary = summary_)

static const PosternField *const get_params[] = {AMT_COMMON_PARAMS, NULL};
static const PosternField *const get_outputs[] = {
    SIZE("total-bytes", "size of the store"),
    SIZE("allocated-bytes", "of it, what programs have"),
    SIZE("partner-bytes", "of it, what is kept for partners of the manufacturer"),
    SIZE("partner-allocated-bytes", "of that, what their programs have"),
    SIZE("others-bytes", "what is for programs of others"),
    SIZE("others-most-bytes", "the most that one of those gets"),
    POSTERN_FIELD_ITEM(.name = "applications", .type = "aa{sv}", .flags = POSTERN_FIELD_REQUIRED,
                       .summary = "programs that have registered: vendor, application, enterprise, uuid, bytes, active, partner"),
    NULL,
};

const PosternTask amt_storage_get_task = {
    .size = sizeof(PosternTask),
    .flags = POSTERN_TASK_READ_ONLY | POSTERN_TASK_IDEMPOTENT,
    .version = 1,
    .id = "amt.storage.get",
    .summary = "tell of the store that older firmware keeps for programs of others",
    .details = "AMT_ThirdPartyDataStorageAdministrationService; its contents are not read. Least realm: Storage Admin.",
    .params = get_params,
    .outputs = get_outputs,
    .credentials = amt_credentials,
    .run = run_get,
};
/* clang-format on */
