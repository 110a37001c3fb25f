/* SPDX-License-Identifier: Apache-2.0 */
/* Whether a device lets a session of some kind in: asked before the port is, because the port says little. */
#include "amt-redirection.h"

enum { CONSENT_KVM = 1, CONSENT_ALL = -1, CONSENT_RECEIVED = 3, CONSENT_IN_SESSION = 4 };

static const char *const names[] = {"serial console", "storage redirection", "KVM"};
static const char *const switches[] = {"sol", "ider", "kvm"};

static gboolean *
switch_of(AmtFeatures *features, AmtSessionKind kind)
{
    switch (kind) {
    case AMT_SESSION_IDER:
        return &features->ider;
    case AMT_SESSION_KVM:
        return &features->kvm;
    case AMT_SESSION_SOL:
    default:
        return &features->sol;
    }
}

/* Somebody at the machine has agreed, or need not. */
static gboolean
check_consent(WsMan *ws, const AmtFeatures *features, AmtSessionKind kind, GError **error)
{
    g_autoptr(GVariant) service = NULL;
    guint32 state;

    if (features->consent != (guint32)CONSENT_ALL &&
        !(features->consent == CONSENT_KVM && kind == AMT_SESSION_KVM))
        return TRUE;
    service = wsman_get(ws, "IPS_OptInService", NULL, error);
    if (service == NULL)
        return FALSE;
    state = params_uint(service, "OptInState", 0);
    return state == CONSENT_RECEIVED || state == CONSENT_IN_SESSION ||
           postern_fail(
               error,
               POSTERN_ERROR_CONSENT,
               "somebody at the machine must agree to %s first (consent state %u, expected 3 "
               "or 4): begin with amt.consent.start",
               names[kind],
               state);
}

static gboolean
check_switches(
    WsMan *ws, AmtFeatures *features, AmtSessionKind kind, gboolean enable, GError **error)
{
    AmtFeatures wanted = *features;

    if (kind == AMT_SESSION_KVM && !features->has_kvm)
        return postern_fail(error, POSTERN_ERROR_NOT_SUPPORTED, "this firmware has no KVM");
    if (*switch_of(features, kind) && features->listener)
        return TRUE;
    if (!enable)
        return postern_fail(error,
                            POSTERN_ERROR_CONFLICT,
                            "%s of the device is switched off; switch it on with amt.features.set "
                            "%s=true listener=true, or give enable=true",
                            *switch_of(features, kind) ? "the listener" : names[kind],
                            switches[kind]);
    wanted.listener = *switch_of(&wanted, kind) = TRUE;
    return amt_features_change(ws, features, &wanted, error);
}

gboolean
amt_session_ready(
    const Amt *amt, PosternRun *run, GVariant *params, AmtSessionKind kind, GError **error)
{
    g_autoptr(WsMan) ws = amt_open(amt, run, params, error);
    AmtFeatures features;

    /* consent first: nothing is switched on for a session that cannot be */
    return ws != NULL && amt_features_read(ws, &features, error) &&
           check_consent(ws, &features, kind, error) &&
           check_switches(ws, &features, kind, params_bool(params, "enable", FALSE), error);
}
