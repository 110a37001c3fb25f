/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * consent.h - the user at the machine, who reads a code from its screen: IPS_OptInService.
 */
#include "device.h"

/* OptInState */
typedef enum {
    CONSENT_NONE = 0,
    CONSENT_REQUESTED = 1,
    CONSENT_DISPLAYED = 2,
    CONSENT_RECEIVED = 3,
    CONSENT_IN_SESSION = 4
} ConsentState;

typedef struct DeviceConsent {
    guint8 state, wrong;
    guint16 started; /* how often, so that each time has a code of its own */
    guint32 code;
    gint64 until;   /* monotonic; when `state` is over; 0: it stays */
    gint64 blocked; /* monotonic; no new code before */
} DeviceConsent;

/* OptInState now, after the time-outs that are over. */
ConsentState consent_state(Device *device);

/* TRUE when what needs consent may go on: the policy does not ask for it (`kvm`: for KVM, else for anything else), or
 * the right code was sent. */
gboolean consent_given(Device *device, gboolean kvm);

/* A session that needed consent begins or ends: the state is "in session" meanwhile, and nothing afterwards. */
void consent_session(Device *device, gboolean begins);
