/* SPDX-License-Identifier: Apache-2.0 */
/* Whether a device lets a session of some kind in: asked before the port is, because the port says little. */
#include "amt-redirection.h"

#define CONSENT_KVM 1U
#define CONSENT_ALL G_MAXUINT32

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

/* The policy has been read with the switches: only where it asks somebody is it looked up who has agreed. */
static gboolean
check_consent(const Amt *amt,
              PosternRun *run,
              WsMan *ws,
              const AmtFeatures *features,
              AmtSessionKind kind,
              GError **error)
{
    gboolean kvm = kind == AMT_SESSION_KVM;

    return !(features->consent == CONSENT_ALL || (features->consent == CONSENT_KVM && kvm)) ||
           amt_consent_needed(amt, run, ws, kvm, names[kind], error);
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
           check_consent(amt, run, ws, &features, kind, error) &&
           check_switches(ws, &features, kind, params_bool(params, "enable", FALSE), error);
}
