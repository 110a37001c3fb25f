/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * logs.h - what a device writes down of what happens to it.
 */
#include "device.h"

enum {
    LOGS_EVENT_SIZE = 16,
    LOGS_RECORD_SIZE = 21,
    LOGS_EVENTS_MAX = 390,
    LOGS_EXTENDED_MAX = 255
};

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

/* One record of the event log: all of it behind the time and the device address. A frozen log takes none. */
void logs_event(Device *device, const guint8 event[LOGS_EVENT_SIZE]);

/* The whole event log, LOGS_RECORD_SIZE bytes each, oldest first; the device's. */
const GArray *logs_events(Device *device);
void logs_clear_events(Device *device);

/* What firmware says of itself while the machine starts. */
void logs_boot(Device *device);

/* A login as `user` (NULL: not told) was refused. */
void logs_login_failed(Device *device, const char *user);

/* audit.c: one record of the audit log, done by device->caller (NULL: locally), if the event is one that is audited;
 * `extended` may be NULL. */
void
logs_audit(Device *device, guint application, guint event, gconstpointer extended, gsize length);
