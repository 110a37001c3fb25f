/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The one sequence in which a boot is set: the earlier order goes, flags, role, order, read back, power.
 *
 * It is done whole or not at all: where a step fails, what was set is taken back, so that no machine starts from the
 * network, or erases its drive, weeks later.
 */
#include "amt-boot.h"

enum { ROLE_NEXT_ONCE = 1, ROLE_NOT_NEXT = 32768 };
enum { STATE_ON = 2, STATE_CYCLE = 5, STATE_HIBERNATE = 7, STATE_RESET = 10 };

#define BOOT_CONFIG    "CIM_BootConfigSetting"
#define BOOT_CONFIG_ID "Intel(r) AMT: Boot Configuration 0"

/* clang-format off */
const char *const amt_boot_power_choices[] = {"none", "on-or-reset", "cycle", NULL};

static const char *const flags[] = {
    "BIOSPause", "BIOSSetup", "ConfigurationDataReset", "EnforceSecureBoot", "ForcedProgressEvents", "LockKeyboard",
    "LockPowerButton", "LockResetButton", "LockSleepButton", "PlatformErase", "ReflashBIOS", "SecureErase", "UseIDER", "UseSOL",
    "UseSafeMode", "UserPasswordBypass",
};
static const char *const numbers[] = {"BootMediaIndex", "FirmwareVerbosity", "IDERBootDevice", "UefiBootNumberOfParams"};
/* Not sent back: read only, or a password or parameter of an earlier boot. */
static const char *const dropped[] = {
    "BIOSLastStatus", "BootguardStatus", "OptionsCleared", "RPEEnabled", "RSEPassword", "SecureBootControlEnabled",
    "UEFIHTTPSBootEnabled", "UEFILocalPBABootEnabled", "UefiBootParametersArray", "WinREBootEnabled",
};
/* clang-format on */

/* ---- the plan ---- */

static gboolean
has(GVariant *settings, const char *property)
{
    g_autoptr(GVariant) value = params_value(settings, property, NULL);

    return value != NULL;
}

void
amt_boot_plan_value(BootPlan *plan, const char *property, GVariant *value)
{
    g_hash_table_replace(plan->values, (gpointer)(gsize)property, g_variant_ref_sink(value));
}

void
amt_boot_plan_init(
    BootPlan *plan, const Amt *amt, PosternRun *run, WsMan *ws, const BootState *state)
{
    *plan = (BootPlan){.amt = amt, .run = run, .ws = ws, .state = state};
    plan->values =
        g_hash_table_new_full(g_str_hash, g_str_equal, NULL, (GDestroyNotify)g_variant_unref);
    for (guint i = 0; i < G_N_ELEMENTS(flags); i++)
        if (has(state->settings, flags[i]))
            amt_boot_plan_value(plan, flags[i], g_variant_new_boolean(FALSE));
    for (guint i = 0; i < G_N_ELEMENTS(numbers); i++)
        if (has(state->settings, numbers[i]))
            amt_boot_plan_value(plan, numbers[i], g_variant_new_uint32(0));
    for (guint i = 0; i < G_N_ELEMENTS(dropped); i++)
        if (has(state->settings, dropped[i]))
            amt_boot_plan_value(plan, dropped[i], g_variant_new_maybe(G_VARIANT_TYPE_STRING, NULL));
}

void
amt_boot_plan_clear(BootPlan *plan)
{
    g_clear_pointer(&plan->values, g_hash_table_unref);
    g_clear_pointer(&plan->found, g_variant_unref);
}

void
amt_boot_plan_parameters(BootPlan *plan, const AmtTlvs *tlvs)
{
    amt_boot_plan_value(plan, "UefiBootNumberOfParams", g_variant_new_uint32(tlvs->count));
    amt_boot_plan_value(
        plan,
        "UefiBootParametersArray",
        g_variant_new_fixed_array(G_VARIANT_TYPE_BYTE, tlvs->bytes->data, tlvs->bytes->len, 1));
}

/* Written and never shown again, so that nothing can be said of it by reading. */
static gboolean
is_hidden(const char *property)
{
    return g_str_equal(property, "RSEPassword") || g_str_equal(property, "UefiBootParametersArray");
}

/* What older firmware has no property for is refused, not left out. */
static gboolean
check_known(const BootPlan *plan, GError **error)
{
    GHashTableIter iter;
    gpointer property, value;

    g_hash_table_iter_init(&iter, plan->values);
    while (g_hash_table_iter_next(&iter, &property, &value))
        if (!is_hidden(property) && !has(plan->state->settings, property))
            return postern_fail(error,
                                POSTERN_ERROR_NOT_SUPPORTED,
                                "this firmware has no %s among its boot settings: nothing was "
                                "changed",
                                (const char *)property);
    return TRUE;
}

/* The first property of the plan that is not so in `settings`; NULL: all are. */
static const char *
find_difference(const BootPlan *plan, GVariant *settings)
{
    GHashTableIter iter;
    gpointer property, value;

    g_hash_table_iter_init(&iter, plan->values);
    while (g_hash_table_iter_next(&iter, &property, &value)) {
        g_autoptr(GVariant) is = params_value(settings, property, NULL);

        if (!is_hidden(property) && !g_variant_is_of_type(value, G_VARIANT_TYPE_MAYBE) &&
            (is == NULL || !g_variant_equal(is, value)))
            return property;
    }
    return NULL;
}

gboolean
amt_boot_plan_power(BootPlan *plan, AmtPowerChange *change, const char *how, GError **error)
{
    gboolean off;

    if (g_str_equal(how, "none"))
        return TRUE;
    if (!amt_power_change_begin(change, plan->amt, plan->run, plan->ws, error))
        return FALSE;
    off = amt_power_is_off(change->before.state) || change->before.state == STATE_HIBERNATE;
    amt_power_change_aim(change,
                         off                         ? STATE_ON
                         : g_str_equal(how, "cycle") ? STATE_CYCLE
                                                     : STATE_RESET);
    plan->power = change;
    return amt_power_change_check(change, error);
}

/* ---- the steps ---- */

static gboolean
change_order(BootPlan *plan, const char *source, GError **error)
{
    g_autoptr(GVariant) outputs = NULL;
    PosternResult keys, args;

    result_begin(&keys);
    result_string(&keys, "InstanceID", BOOT_CONFIG_ID);
    result_begin(&args);
    if (source != NULL)
        result_value(&args, "Source", wsman_epr(BOOT_SOURCE, "InstanceID", source, NULL));
    outputs = wsman_call(
        plan->ws, BOOT_CONFIG, result_end(&keys), "ChangeBootOrder", result_end(&args), error);
    return outputs != NULL;
}

static gboolean
put_settings(BootPlan *plan, GError **error)
{
    g_autoptr(GVariant) stored = NULL;
    GHashTableIter iter;
    gpointer property, value;
    PosternResult changes;

    result_begin(&changes);
    g_hash_table_iter_init(&iter, plan->values);
    while (g_hash_table_iter_next(&iter, &property, &value))
        result_value(&changes, property, value);
    stored = wsman_put(plan->ws, BOOT_SETTINGS, NULL, result_end(&changes), FALSE, error);
    return stored != NULL;
}

static gboolean
set_role(BootPlan *plan, guint32 role, GError **error)
{
    g_autoptr(GVariant) outputs = NULL;
    PosternResult args;

    result_begin(&args);
    result_value(
        &args, "BootConfigSetting", wsman_epr(BOOT_CONFIG, "InstanceID", BOOT_CONFIG_ID, NULL));
    result_uint(&args, "Role", role);
    outputs =
        wsman_call(plan->ws, BOOT_SERVICE, NULL, "SetBootConfigRole", result_end(&args), error);
    return outputs != NULL;
}

static gboolean
read_back(BootPlan *plan, GError **error)
{
    const char *property;

    g_clear_pointer(&plan->found, g_variant_unref);
    plan->found = wsman_get(plan->ws, BOOT_SETTINGS, NULL, error);
    if (plan->found == NULL)
        return FALSE;
    property = find_difference(plan, plan->found);
    return property == NULL ||
           postern_fail(error,
                        POSTERN_ERROR_CONFLICT,
                        "the device took the boot settings, and its %s is not what was asked for: "
                        "its BIOS may not allow it",
                        property);
}

/* ---- all of it ---- */

static void
keep_first(GError **first, GError **next)
{
    if (*first == NULL)
        *first = g_steal_pointer(next);
    g_clear_error(next);
}

/* Each step is tried whatever became of the one before; the first failure is told. */
gboolean
amt_boot_cancel(BootPlan *plan, GError **error)
{
    g_auto(BootPlan) nothing = {0};
    g_autoptr(GError) first = NULL;
    g_autoptr(GError) why = NULL;

    amt_boot_plan_init(&nothing, plan->amt, plan->run, plan->ws, plan->state);
    if (!set_role(&nothing, ROLE_NOT_NEXT, &why))
        keep_first(&first, &why);
    if (!change_order(&nothing, NULL, &why))
        keep_first(&first, &why);
    if (!read_back(&nothing, NULL) && (!put_settings(&nothing, &why) || !read_back(&nothing, &why)))
        keep_first(&first, &why);
    if (first == NULL) {
        g_clear_pointer(&plan->found, g_variant_unref);
        plan->found = g_steal_pointer(&nothing.found);
        return TRUE;
    }
    g_propagate_error(error, g_steal_pointer(&first));
    return FALSE;
}

/* `why` it failed, and what became of what was set until then. */
static gboolean
take_back(BootPlan *plan, const GError *why, GError **error)
{
    const PosternRunSvc *svc = plan->amt->svc.run;
    const char *fault = wsman_fault(plan->ws);
    g_autoptr(GError) trouble = NULL;

    if (fault != NULL) /* the next requests would forget it */
        svc->note(plan->run, "fault", g_variant_new_string(fault));
    if (amt_boot_cancel(plan, &trouble))
        return postern_fail(error,
                            (PosternError)why->code,
                            "%s; what was set for the next boot was taken back",
                            why->message);
    return postern_fail(error,
                        (PosternError)why->code,
                        "%s; what was set for the next boot could NOT be taken back (%s): "
                        "postern run amt.boot.set device=none %s",
                        why->message,
                        trouble->message,
                        svc->target(plan->run));
}

static gboolean
set_all(BootPlan *plan, GError **error)
{
    return put_settings(plan, error) && set_role(plan, ROLE_NEXT_ONCE, error) &&
           change_order(plan, plan->source, error) && read_back(plan, error) &&
           (plan->power == NULL || amt_power_change_request(plan->power, error));
}

gboolean
amt_boot_apply(BootPlan *plan, GError **error)
{
    g_autoptr(GError) why = NULL;

    /* what cannot be changed, and what refuses the first step, leaves nothing behind */
    if (!check_known(plan, error) || !change_order(plan, NULL, error))
        return FALSE;
    return set_all(plan, &why) || take_back(plan, why, error);
}

void
amt_boot_power_result(PosternResult *result, const BootPlan *plan)
{
    const AmtPowerChange *power = plan->power;

    if (power == NULL)
        return;
    result_string(result, "previous", amt_word(amt_power_states, power->before.state));
    result_string(result, "requested", amt_word(amt_power_states, power->wanted));
    result_bool(result, "confirmed", power->confirmed);
}
