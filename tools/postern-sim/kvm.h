/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* kvm.h - settings of KVM redirection, as the sessions need them. */
#include "device.h"

typedef struct DeviceKvm {
    char password[9]; /* for port 5900; written, never read back */
    guint failures;   /* logins with a wrong one, in a row */
} DeviceKvm;

/* The password of port 5900; NULL: none was ever set. */
const char *kvm_password(Device *device);

/* TRUE when the device takes calls on port 5900. */
gboolean kvm_listens(Device *device);

/* Milliseconds without a key or a pointer after which a session ends; 0: never. */
gint64 kvm_idle_ms(Device *device);

/* Somebody tried the password of port 5900. */
void kvm_login(Device *device, gboolean right);
