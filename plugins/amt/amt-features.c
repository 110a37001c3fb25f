/* SPDX-License-Identifier: Apache-2.0 */
/*
 * amt.features.get and amt.features.set: what remote sessions need, switched on or off: serial console, storage, their
 * listener, KVM, and whether somebody at the machine must agree.
 *
 * What the device took is read back: BIOS and MEBx may veto without a word.
 */
#include "amt.h"

#include <string.h>

enum { IDER = 1, SOL = 2, NONE_ENABLED = 32768, KVM_ON = 2, KVM_OFF = 3, KVM_IDLE = 6 };

static const AmtWord consents[] = {{0, "none"}, {1, "kvm"}, {G_MAXUINT32, "all"}, {0, NULL}};

/* ---- reading ---- */

static gboolean
read_redirection(WsMan *ws, AmtFeatures *features, GError **error)
{
    g_autoptr(GVariant) service = wsman_get(ws, "AMT_RedirectionService", NULL, error);
    guint32 state = service != NULL ? params_uint(service, "EnabledState", 0) : 0;

    if (service == NULL)
        return FALSE;
    features->sol = (state & SOL) != 0;
    features->ider = (state & IDER) != 0;
    features->listener = params_bool(service, "ListenerEnabled", FALSE);
    return TRUE;
}

gboolean
amt_features_read(WsMan *ws, AmtFeatures *features, GError **error)
{
    g_autoptr(GError) why = NULL;
    g_autoptr(GVariant) kvm = NULL;
    g_autoptr(GVariant) consent = NULL;
    guint32 state;

    memset(features, 0, sizeof *features);
    if (!read_redirection(ws, features, error))
        return FALSE;
    kvm = amt_read_single(ws, "CIM_KVMRedirectionSAP", &why);
    if (why == NULL)
        consent = amt_read_single(ws, "IPS_OptInService", &why);
    if (why != NULL) {
        g_propagate_error(error, g_steal_pointer(&why));
        return FALSE;
    }
    state = kvm != NULL ? params_uint(kvm, "EnabledState", 0) : 0;
    features->has_kvm = kvm != NULL;
    features->kvm = state == KVM_ON || state == KVM_IDLE;
    features->has_consent = consent != NULL;
    features->consent = consent != NULL ? params_uint(consent, "OptInRequired", 0) : 0;
    return TRUE;
}

static GVariant *
describe(const AmtFeatures *features)
{
    PosternResult result;

    result_begin(&result);
    result_bool(&result, "sol", features->sol);
    result_bool(&result, "ider", features->ider);
    result_bool(&result, "listener", features->listener);
    if (features->has_kvm)
        result_bool(&result, "kvm", features->kvm);
    if (features->has_consent)
        result_string(&result, "consent", amt_word(consents, features->consent));
    return result_end(&result);
}

static GVariant *
run_get(PosternRun *run, GVariant *params, gpointer self, GError **error)
{
    g_autoptr(WsMan) ws = amt_open(self, run, params, error);
    AmtFeatures features;

    return ws != NULL && amt_features_read(ws, &features, error) ? describe(&features) : NULL;
}

/* ---- changing ---- */

static gboolean
set_redirection(WsMan *ws, const AmtFeatures *now, const AmtFeatures *wanted, GError **error)
{
    guint32 state = NONE_ENABLED + (wanted->sol ? SOL : 0) + (wanted->ider ? IDER : 0);

    if ((now->sol != wanted->sol || now->ider != wanted->ider) &&
        !amt_request_state(ws, "AMT_RedirectionService", state, error))
        return FALSE;
    return now->listener == wanted->listener || amt_put_one(ws,
                                                            "AMT_RedirectionService",
                                                            "ListenerEnabled",
                                                            g_variant_new_boolean(wanted->listener),
                                                            error);
}

/* Consent first: what is switched on is then under the rule that is to hold. */
static gboolean
set_features(WsMan *ws, const AmtFeatures *now, const AmtFeatures *wanted, GError **error)
{
    if (now->consent != wanted->consent &&
        !amt_put_one(
            ws, "IPS_OptInService", "OptInRequired", g_variant_new_uint32(wanted->consent), error))
        return FALSE;
    if (now->kvm != wanted->kvm &&
        !amt_request_state(ws, "CIM_KVMRedirectionSAP", wanted->kvm ? KVM_ON : KVM_OFF, error))
        return FALSE;
    return set_redirection(ws, now, wanted, error);
}

/* What is asked for, on top of what is so now. */
static gboolean
read_wish(GVariant *params, const AmtFeatures *now, AmtFeatures *wanted, GError **error)
{
    const char *consent = params_string(params, "consent");
    g_autoptr(GVariant) kvm = params_value(params, "kvm", "b");

    *wanted = *now;
    wanted->sol = params_bool(params, "sol", now->sol);
    wanted->ider = params_bool(params, "ider", now->ider);
    wanted->listener = params_bool(params, "listener", now->listener);
    wanted->kvm = params_bool(params, "kvm", now->kvm);
    if ((kvm != NULL && !now->has_kvm) || (consent != NULL && !now->has_consent))
        return postern_fail(error,
                            POSTERN_ERROR_NOT_SUPPORTED,
                            "this firmware has no %s: nothing was changed",
                            consent != NULL && !now->has_consent ? "user consent" : "KVM");
    return consent == NULL || amt_code(consents, consent, &wanted->consent);
}

static gboolean
check_taken(const AmtFeatures *found, const AmtFeatures *wanted, GError **error)
{
    const char *what = found->sol != wanted->sol             ? "serial console"
                       : found->ider != wanted->ider         ? "storage redirection"
                       : found->listener != wanted->listener ? "listener"
                       : found->kvm != wanted->kvm           ? "KVM"
                       : found->consent != wanted->consent   ? "consent"
                                                             : NULL;

    return what == NULL || postern_fail(error,
                                        POSTERN_ERROR_CONFLICT,
                                        "the device said yes, and its %s is still as it was: BIOS "
                                        "or MEBx do not allow the change; "
                                        "look there",
                                        what);
}

gboolean
amt_features_change(WsMan *ws, const AmtFeatures *now, const AmtFeatures *wanted, GError **error)
{
    AmtFeatures found;

    return set_features(ws, now, wanted, error) && amt_features_read(ws, &found, error) &&
           check_taken(&found, wanted, error);
}

static GVariant *
run_set(PosternRun *run, GVariant *params, gpointer self, GError **error)
{
    g_autoptr(WsMan) ws = amt_open(self, run, params, error);
    AmtFeatures now, wanted;

    if (ws == NULL || !amt_features_read(ws, &now, error) ||
        !read_wish(params, &now, &wanted, error))
        return NULL;
    if (memcmp(&now, &wanted, sizeof now) != 0 && !amt_features_change(ws, &now, &wanted, error))
        return NULL;
    return describe(&wanted);
}

/* clang-format off */
static const char *const consent_choices[] = {"none", "kvm", "all", NULL};

static const PosternField *const get_params[] = {AMT_COMMON_PARAMS, NULL};
static const PosternField *const set_params[] = {
    POSTERN_FIELD_ITEM(.name = "sol", .type = "b", .summary = "serial console over the network"),
    POSTERN_FIELD_ITEM(.name = "ider", .type = "b", .summary = "storage over the network (IDER, USB-R)"),
    POSTERN_FIELD_ITEM(.name = "listener", .type = "b", .summary = "the ports of both, 16994 and 16995"),
    POSTERN_FIELD_ITEM(.name = "kvm", .type = "b", .summary = "screen, keyboard and mouse over the network"),
    POSTERN_FIELD_ITEM(.name = "consent", .type = "s", .choices = consent_choices,
                       .summary = "when somebody at the machine must agree: never, for KVM, or for all sessions"),
    AMT_COMMON_PARAMS,
    NULL,
};

static const PosternField *const outputs[] = {
    POSTERN_FIELD_ITEM(.name = "sol", .type = "b", .flags = POSTERN_FIELD_REQUIRED, .summary = "serial console is on"),
    POSTERN_FIELD_ITEM(.name = "ider", .type = "b", .flags = POSTERN_FIELD_REQUIRED, .summary = "storage redirection is on"),
    POSTERN_FIELD_ITEM(.name = "listener", .type = "b", .flags = POSTERN_FIELD_REQUIRED, .summary = "their ports are open"),
    POSTERN_FIELD_ITEM(.name = "kvm", .type = "b", .summary = "KVM is on; absent: this firmware has none"),
    POSTERN_FIELD_ITEM(.name = "consent", .type = "s", .summary = "none, kvm or all; absent: this firmware asks nobody"),
    NULL,
};

const PosternTask amt_features_get_task = {
    .size = sizeof(PosternTask),
    .flags = POSTERN_TASK_READ_ONLY | POSTERN_TASK_IDEMPOTENT,
    .version = 1,
    .id = "amt.features.get",
    .summary = "tell which kinds of remote session are switched on",
    .details = "AMT_RedirectionService, CIM_KVMRedirectionSAP, IPS_OptInService. Least realm: Redirection.",
    .params = get_params,
    .outputs = outputs,
    .credentials = amt_credentials,
    .run = run_get,
};

const PosternTask amt_features_set_task = {
    .size = sizeof(PosternTask),
    .flags = POSTERN_TASK_IDEMPOTENT,
    .version = 1,
    .id = "amt.features.set",
    .summary = "switch kinds of remote session on or off, and read back what the device took",
    .details = "What is not named stays as it is; what is so already is not asked for again. Consent changes first. A device that "
               "says yes and does not change is an error: BIOS and MEBx may veto. Least realm: PT Administration.",
    .params = set_params,
    .outputs = outputs,
    .credentials = amt_credentials,
    .run = run_set,
};
/* clang-format on */
