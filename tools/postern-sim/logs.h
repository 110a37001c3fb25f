/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * logs.h - what a device writes down of what happens to it.
 */
#include "device.h"

enum { LOGS_EVENT_SIZE = 16, LOGS_EXTENDED_MAX = 255 };

/* Applications of the audit log. */
enum {
    AUDIT_SECURITY_ADMIN = 16,
    AUDIT_REMOTE_CONTROL = 17,
    AUDIT_REDIRECTION = 18,
    AUDIT_LOG = 20,
    AUDIT_TIME = 21,
    AUDIT_NETWORK_ADMIN = 22,
    AUDIT_EVENT_MANAGER = 24,
    AUDIT_SYSTEM_DEFENSE = 25,
    AUDIT_AGENT_PRESENCE = 26,
    AUDIT_WIRELESS = 27,
    AUDIT_KVM = 29,
    AUDIT_CONSENT = 30
};

/* One record of the event log: all of it behind the time and the device address. */
void logs_event(Device *device, const guint8 event[LOGS_EVENT_SIZE]);

/* One record of the audit log, done by device->caller (NULL: locally); `extended` may be NULL. */
void
logs_audit(Device *device, guint application, guint event, gconstpointer extended, gsize length);
