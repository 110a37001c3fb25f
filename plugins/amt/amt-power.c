/* SPDX-License-Identifier: Apache-2.0 */
/* amt.power.get: is it on, and what could be done to it now. */
#include "amt.h"

void
amt_power_clear(AmtPower *power)
{
    g_clear_pointer(&power->available, g_array_unref);
}

static void
take_available(AmtPower *power, GVariant *association)
{
    g_autoptr(GVariant) list = params_value(association, "AvailableRequestedPowerStates", "au");
    gsize n = 0;

    power->available = g_array_new(FALSE, FALSE, sizeof(guint32));
    if (list == NULL)
        return;
    const guint32 *codes = g_variant_get_fixed_array(list, &n, sizeof(guint32));
    g_array_append_vals(power->available, codes, (guint)n);
}

static gboolean
take_power(AmtPower *power, GVariant *association)
{
    g_autoptr(GVariant) state = params_value(association, "PowerState", "u");

    if (state == NULL)
        return FALSE;
    power->state = g_variant_get_uint32(state);
    amt_power_clear(power);
    take_available(power, association);
    return TRUE;
}

/* Of all services available to elements, the one with a power state is power management's. */
static gboolean
look_for_power(const WsmanItem *item, gpointer data, GError **error)
{
    return !take_power(data, item->values);
}

/* One request where the firmware allows it. Older firmware shows the association only among all others. */
gboolean
amt_power_read(WsMan *ws, AmtPower *power, GError **error)
{
    static const char *const wanted[] = {"PowerState", "AvailableRequestedPowerStates", NULL};
    g_autoptr(GError) why = NULL;
    g_autoptr(GVariant) direct =
        wsman_get_some(ws, "CIM_AssociatedPowerManagementService", NULL, wanted, &why);

    if (direct != NULL && take_power(power, direct))
        return TRUE;
    if (why != NULL && !amt_ask_otherwise(ws, why)) {
        g_propagate_error(error, g_steal_pointer(&why));
        return FALSE;
    }
    if (!wsman_enumerate(ws, "CIM_ServiceAvailableToElement", FALSE, look_for_power, power, error))
        return FALSE;
    if (power->available != NULL)
        return TRUE;
    return postern_fail(
        error,
        POSTERN_ERROR_NOT_SUPPORTED,
        "the device states no power state: neither CIM_AssociatedPowerManagementService nor "
        "any CIM_ServiceAvailableToElement has a PowerState");
}

GVariant *
amt_power_words(const GArray *codes)
{
    GVariantBuilder words;

    g_variant_builder_init(&words, G_VARIANT_TYPE_STRING_ARRAY);
    for (guint i = 0; i < codes->len; i++) {
        guint32 code = g_array_index(codes, guint32, i);
        const char *word = amt_word(amt_power_states, code);
        g_autofree char *number = word != NULL ? NULL : g_strdup_printf("%u", code);
        g_variant_builder_add(&words, "s", word != NULL ? word : number);
    }
    return g_variant_builder_end(&words);
}

void
amt_power_result(PosternResult *result, const AmtPower *power)
{
    const char *word = amt_word(amt_power_states, power->state);

    result_string(result, "state", word != NULL ? word : "other");
    result_uint(result, "code", power->state);
    result_value(result, "available", amt_power_words(power->available));
}

/* What only newer firmware has: its absence is no failure. */
static gboolean
add_details(WsMan *ws, PosternResult *result, GError **error)
{
    g_autoptr(GVariant) capabilities = NULL;
    g_autoptr(GVariant) service = NULL;
    g_autoptr(GError) why = NULL;
    guint32 saving = 0;

    capabilities = amt_read_single(ws, "CIM_PowerManagementCapabilities", &why);
    if (why == NULL)
        service = amt_read_single(ws, "IPS_PowerManagementService", &why);
    if (why != NULL) {
        g_propagate_error(error, g_steal_pointer(&why));
        return FALSE;
    }
    if (capabilities != NULL) {
        g_autoptr(GVariant) supported = params_value(capabilities, "PowerStatesSupported", "au");
        g_autoptr(GVariant) changes = params_value(capabilities, "PowerChangeCapabilities", "au");

        result_value(result, "supported", supported);
        result_value(result, "change-capabilities", changes);
    }
    if (service != NULL && g_variant_lookup(service, "OSPowerSavingState", "u", &saving))
        result_string(result, "os-power-saving", amt_word(amt_os_power_saving, saving));
    return TRUE;
}

static GVariant *
run_get(PosternRun *run, GVariant *params, gpointer self, GError **error)
{
    g_autoptr(WsMan) ws = amt_open(self, run, params, error);
    g_auto(AmtPower) power = {0};
    PosternResult result;

    if (ws == NULL || !amt_power_read(ws, &power, error))
        return NULL;
    result_begin(&result);
    amt_add_power_facts(&result, power.state);
    amt_observe(self, run, result_end(&result));
    result_begin(&result);
    amt_power_result(&result, &power);
    if (params_bool(params, "details", FALSE) && !add_details(ws, &result, error)) {
        g_variant_builder_clear(&result);
        return NULL;
    }
    return result_end(&result);
}

/* clang-format off */
static const PosternField *const get_params[] = {
    POSTERN_FIELD_ITEM(.name = "details", .type = "b", .fallback = "false",
                       .summary = "also read the capabilities and the operating system's power saving (more requests)"),
    AMT_COMMON_PARAMS,
    NULL,
};

static const PosternField *const get_outputs[] = {
    POSTERN_FIELD_ITEM(.name = "state", .type = "s", .flags = POSTERN_FIELD_REQUIRED,
                       .summary = "power state: on, sleep-light, sleep-deep, off, hibernate, off-soft, other"),
    POSTERN_FIELD_ITEM(.name = "code", .type = "u", .flags = POSTERN_FIELD_REQUIRED,
                       .summary = "the same as the device's number (CIM PowerState)"),
    POSTERN_FIELD_ITEM(.name = "available", .type = "as", .flags = POSTERN_FIELD_REQUIRED,
                       .summary = "states that can be requested now; empty if the device does not say"),
    POSTERN_FIELD_ITEM(.name = "supported", .type = "au",
                       .summary = "PowerStatesSupported of CIM_PowerManagementCapabilities, with details=true"),
    POSTERN_FIELD_ITEM(.name = "change-capabilities", .type = "au",
                       .summary = "PowerChangeCapabilities of the same, with details=true"),
    POSTERN_FIELD_ITEM(.name = "os-power-saving", .type = "s",
                       .summary = "full-power, saving, unsupported or unknown, with details=true, AMT 10 and later"),
    NULL,
};

const PosternTask amt_power_get_task = {
    .size = sizeof(PosternTask),
    .flags = POSTERN_TASK_READ_ONLY | POSTERN_TASK_IDEMPOTENT,
    .version = 1,
    .id = "amt.power.get",
    .summary = "read the power state and what can be requested now",
    .details = "One request: Get of CIM_AssociatedPowerManagementService. Firmware that does not answer it is asked "
               "for all CIM_ServiceAvailableToElement instead. Least realm: General Info or Remote Control.",
    .params = get_params,
    .outputs = get_outputs,
    .credentials = amt_credentials,
    .run = run_get,
};
/* clang-format on */
