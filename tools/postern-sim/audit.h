/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * audit.h - the audit log of a device: its records, what is audited, its lock and its key.
 */
#include "device.h"

#include <openssl/evp.h>

/* Of the storage, in bytes: from what recorded devices say is free with how many records. */
enum {
    AUDIT_ROOM = 65536,
    AUDIT_LOCK_MOST = 300,
    AUDIT_CERTIFICATES_MOST = 5,
    AUDIT_CERTIFICATES_BYTES = 4100
};

/* AuditState */
enum {
    AUDIT_DISABLED = 1,
    AUDIT_LOCKED = 2,
    AUDIT_ALMOST_FULL = 4,
    AUDIT_FULL = 8,
    AUDIT_NO_KEY = 16
};

typedef struct {
    guint32 id; /* application << 16 | event */
    gboolean critical;
} AuditRule;

typedef struct DeviceAudit {
    GPtrArray *records; /* of GBytes, oldest first */
    gsize used;         /* bytes in them */
    GArray *rules;      /* of AuditRule, by id */
    gboolean disabled;
    guint32 handle;          /* of the lock */
    gint64 locked_until;     /* monotonic microseconds */
    EVP_PKEY *key;           /* NULL: none to sign with */
    GPtrArray *certificates; /* of GBytes, DER */
} DeviceAudit;

/* The device's, with what the seed gives it at first. */
DeviceAudit *audit_of(Device *device);
void audit_free(DeviceAudit *audit);

/* Bits of AuditState. */
guint audit_state(Device *device);

/* FALSE: the log writes over its oldest records. */
gboolean audit_keeps(const Device *device);

/* FALSE: the event is critical and cannot be recorded now, so it must not happen (2075). */
gboolean audit_allows(Device *device, guint application, guint event);

void audit_clear(Device *device);

/* TRUE when there is such an event at all. */
gboolean audit_known(guint32 id);
/* Audits the event, or no more. FALSE: this one is always recorded, or never critical. */
gboolean audit_can_set(guint32 id, gboolean enable, gboolean critical);
void audit_set(DeviceAudit *audit, guint32 id, gboolean enable, gboolean critical);

/* When a record was made, and a time as the wire has it. */
gint64 audit_time(const GBytes *record);
void audit_append_time(gint64 time, GString *out);

/* ${audit:NAME} of the .classes files. */
gboolean audit_append_value(Device *device, const char *name, GString *out);
