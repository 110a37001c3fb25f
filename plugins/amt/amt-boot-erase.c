/* SPDX-License-Identifier: Apache-2.0 */
/*
 * amt.boot.erase: the next boot erases the drive, or more.
 *
 * It is confirmed with the machine's UUID: names are given by people, to two machines at times, and go along when a disk is
 * moved or a machine is replaced; the UUID is the board's own, and what every task of this plugin tells machines apart by.
 */
#include "amt-boot.h"
#include "amt-facts.h"

#include <string.h>

enum { DRIVE_PASSWORD_MOST = 32 };

static gboolean
check_confirmed(WsMan *ws, const char *confirm, GError **error)
{
    g_autoptr(GVariant) package = wsman_get(ws, "CIM_ComputerSystemPackage", NULL, error);
    g_autofree char *uuid = NULL;

    if (package == NULL)
        return FALSE;
    uuid = amt_uuid(params_string(package, "PlatformGUID"));
    if (uuid == NULL)
        return postern_fail(error,
                            POSTERN_ERROR_PROTOCOL,
                            "the machine tells no UUID, so that nobody can confirm that it is the "
                            "right one: nothing was changed");
    return g_ascii_strcasecmp(uuid, confirm) == 0 ||
           postern_fail(error,
                        POSTERN_ERROR_CONFLICT,
                        "confirm is not the UUID of this machine: nothing was changed; the machine "
                        "that answers here has %s",
                        uuid);
}

/* ---- the drive alone ---- */

static gboolean
plan_drive(BootPlan *plan, GVariant *params, GError **error)
{
    const char *password = params_string(params, "drive-password");

    if (password != NULL && (strlen(password) > DRIVE_PASSWORD_MOST || !g_str_is_ascii(password)))
        return postern_fail(error,
                            POSTERN_ERROR_BAD_PARAM,
                            "drive-password has %" G_GSIZE_FORMAT
                            " bytes, expected at most %d, ASCII only",
                            strlen(password),
                            DRIVE_PASSWORD_MOST);
    if (!amt_boot_offers(plan->state, "SecureErase"))
        return postern_fail(error,
                            POSTERN_ERROR_NOT_SUPPORTED,
                            "this machine does not offer remote secure erase (SecureErase of "
                            "AMT_BootCapabilities, from AMT 11 on, if its BIOS allows it): nothing "
                            "was changed");
    amt_boot_plan_value(plan, "SecureErase", g_variant_new_boolean(TRUE));
    if (password != NULL)
        amt_boot_plan_value(plan, "RSEPassword", g_variant_new_string(password));
    return TRUE;
}

/* ---- the platform ---- */

static gboolean
read_options(GVariant *params, guint32 *mask, GError **error)
{
    g_auto(GStrv) words = params_strv(params, "options");
    guint32 bit;

    *mask = 0;
    for (guint i = 0; words != NULL && words[i] != NULL; i++) {
        if (!amt_code(amt_boot_erase_options, words[i], &bit))
            return postern_fail(error,
                                POSTERN_ERROR_BAD_PARAM,
                                "'%.40s' is no erase option, expected pyrite-revert, ssd, "
                                "verify-storage, tpm-clear, oem, bios-nvm, bios-golden or "
                                "csme-unconfigure",
                                words[i]);
        *mask |= 1U << bit;
    }
    return *mask != 0 || postern_fail(error,
                                      POSTERN_ERROR_BAD_PARAM,
                                      "what=platform needs options=...: what is to be erased");
}

static gboolean
add_parameters(BootPlan *plan, GVariant *params, guint32 mask, GError **error)
{
    g_auto(AmtTlvs) tlvs = {NULL, 0};

    amt_tlvs_init(&tlvs);
    if (!amt_tlvs_add_number(&tlvs, &amt_tlv_erase_mask, mask, error) ||
        !amt_tlvs_add_text(&tlvs, &amt_tlv_erase_psid, params_string(params, "psid"), error) ||
        !amt_tlvs_add_text(
            &tlvs, &amt_tlv_erase_drive_password, params_string(params, "drive-password"), error) ||
        !amt_tlvs_add_hex(&tlvs, &amt_tlv_erase_oem, params_string(params, "oem-data"), error))
        return FALSE;
    amt_boot_plan_parameters(plan, &tlvs);
    return TRUE;
}

static gboolean
check_offered(const BootState *state, guint32 mask, GError **error)
{
    guint32 missing = mask & ~params_uint(state->capabilities, "PlatformErase", 0);
    g_autofree char *offered = amt_boot_join(amt_boot_erase_words(state));

    for (const AmtWord *at = amt_boot_erase_options; at->word != NULL; at++)
        if ((missing >> at->code & 1) != 0)
            return postern_fail(error,
                                POSTERN_ERROR_NOT_SUPPORTED,
                                "this machine does not offer to erase %s, and nothing was changed; "
                                "it offers: %s",
                                at->word,
                                offered);
    return TRUE;
}

/* Passwords and the order to erase do not go in the clear; the firmware refuses that, too. */
static gboolean
check_tls(WsMan *ws, GError **error)
{
    g_autoptr(GVariant) peer = wsman_peer(ws);

    return (peer != NULL && params_bool(peer, "tls", FALSE)) ||
           postern_fail(error,
                        POSTERN_ERROR_TLS,
                        "a platform erase needs a TLS connection, and this one has none: nothing "
                        "was changed; switch TLS on in the device, and use tls=require");
}

static gboolean
plan_platform(BootPlan *plan, GVariant *params, GError **error)
{
    guint32 mask;

    if (!read_options(params, &mask, error) || !check_offered(plan->state, mask, error) ||
        !check_tls(plan->ws, error))
        return FALSE;
    if (!params_bool(plan->state->settings, "RPEEnabled", FALSE))
        return postern_fail(error,
                            POSTERN_ERROR_CONFLICT,
                            "remote platform erase is switched off in this machine (RPEEnabled), "
                            "and nothing was changed: postern run amt.boot.service.set erase=yes");
    amt_boot_plan_value(plan, "PlatformErase", g_variant_new_boolean(TRUE));
    return add_parameters(plan, params, mask, error);
}

/* ---- the task ---- */

/* What can be said of the parameters without any machine. */
static gboolean
check_params(GVariant *params, gboolean platform, GError **error)
{
    static const char *const platform_only[] = {"options", "psid", "oem-data"};

    for (guint i = 0; !platform && i < G_N_ELEMENTS(platform_only); i++) {
        g_autoptr(GVariant) value = params_value(params, platform_only[i], NULL);

        if (value != NULL)
            return postern_fail(error,
                                POSTERN_ERROR_BAD_PARAM,
                                "%s goes with what=platform only",
                                platform_only[i]);
    }
    return TRUE;
}

static GVariant *
describe(const BootPlan *plan, GVariant *params)
{
    g_autoptr(GVariant) options = params_value(params, "options", "as");
    PosternResult result;

    result_begin(&result);
    result_string(&result, "what", params_string(params, "what"));
    result_value(&result, "options", options);
    result_value(&result, "flags", amt_boot_set_words(plan->found));
    amt_boot_power_result(&result, plan);
    return result_end(&result);
}

static GVariant *
run_erase(PosternRun *run, GVariant *params, gpointer self, GError **error)
{
    gboolean platform = g_str_equal(params_string(params, "what"), "platform");
    g_autoptr(WsMan) ws = NULL;
    g_auto(BootState) state = {0};
    g_auto(BootPlan) plan = {0};
    g_auto(AmtPowerChange) power = {0};

    if (!check_params(params, platform, error))
        return NULL;
    ws = amt_open(self, run, params, error);
    if (ws == NULL || !amt_check_identity(self, run, ws, error) ||
        !check_confirmed(ws, params_string(params, "confirm"), error) ||
        !amt_boot_state_read(ws, &state, error))
        return NULL;
    amt_boot_plan_init(&plan, self, run, ws, &state);
    if (!(platform ? plan_platform(&plan, params, error) : plan_drive(&plan, params, error)) ||
        !amt_boot_plan_power(&plan, &power, params_string(params, "power"), error) ||
        !amt_consent_needed(self, run, ws, FALSE, "an erase", error) ||
        !amt_boot_apply(&plan, error))
        return NULL;
    return describe(&plan, params);
}

/* clang-format off */
static const char *const what_choices[] = {"drive", "platform", NULL};

static const PosternField *const params_table[] = {
    POSTERN_FIELD_ITEM(.name = "what", .type = "s", .flags = POSTERN_FIELD_REQUIRED, .choices = what_choices,
                       .summary = "drive: remote secure erase (AMT 11); platform: remote platform erase of the options named (AMT 16)"),
    POSTERN_FIELD_ITEM(.name = "confirm", .type = "s", .flags = POSTERN_FIELD_REQUIRED, .format = "guid",
                       .summary = "the UUID of the machine: one run erases one machine, and no other"),
    POSTERN_FIELD_ITEM(.name = "options", .type = "as",
                       .summary = "platform: pyrite-revert, ssd, verify-storage, tpm-clear, bios-nvm, bios-golden, oem, csme-unconfigure "
                                  "(AMT is not set up any more then: the last that is heard of it)"),
    POSTERN_FIELD_ITEM(.name = "drive-password", .type = "s", .flags = POSTERN_FIELD_SECRET,
                       .summary = "password of the drive, where it has one; drive: at most 32 bytes, platform: the master password, at most 64"),
    POSTERN_FIELD_ITEM(.name = "psid", .type = "s", .flags = POSTERN_FIELD_SECRET, .summary = "platform: PSID of the drive, for pyrite-revert"),
    POSTERN_FIELD_ITEM(.name = "oem-data", .type = "s", .summary = "platform: data of the machine's maker, for oem, in hex"),
    POSTERN_FIELD_ITEM(.name = "power", .type = "s", .fallback = "'on-or-reset'", .choices = amt_boot_power_choices,
                       .summary = "boot now; none: whoever boots the machine next erases it"),
    AMT_COMMON_PARAMS,
    NULL,
};

static const PosternField *const outputs[] = {
    POSTERN_FIELD_ITEM(.name = "what", .type = "s", .flags = POSTERN_FIELD_REQUIRED, .summary = "drive or platform"),
    POSTERN_FIELD_ITEM(.name = "options", .type = "as", .summary = "platform: what is to be erased"),
    POSTERN_FIELD_ITEM(.name = "flags", .type = "as", .flags = POSTERN_FIELD_REQUIRED, .summary = "what is set, as it was read back before the boot"),
    BOOT_POWER_OUTPUTS,
    NULL,
};

const PosternTask amt_boot_erase_task = {
    .size = sizeof(PosternTask),
    .flags = POSTERN_TASK_DISRUPTIVE,
    .version = 1,
    .timeout_ms = 300000,
    .id = "amt.boot.erase",
    .summary = "erase the drive, or more of the machine, at its next boot: what was there is lost",
    .details = "What the machine does not offer is refused before anything is written; a platform erase needs a TLS connection, and to be "
               "allowed with amt.boot.service.set. Set, read back and booted as amt.boot.set does it: whole, or taken back. How it ended "
               "tells amt.boot.get (last-status, last-drive-status), and for a platform the event log. postern run amt.boot.set device=none "
               "takes it back as long as nobody has booted. Least realm: Remote Control; where there is consent, Redirection, too.",
    .params = params_table,
    .outputs = outputs,
    .credentials = amt_credentials,
    .run = run_erase,
};
/* clang-format on */
