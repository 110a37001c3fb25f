/* SPDX-License-Identifier: Apache-2.0 */
/* The audit log: names of what is audited, records, reading them, and their signature. */
#ifndef AMT_AUDIT_H
#define AMT_AUDIT_H

#include "amt.h"

/* ---- amt-audit-words.c: events are numbered application << 16 | event ---- */

/* Static; NULL: not known. */
const char *amt_audit_application(guint32 application);
const char *amt_audit_event(guint32 id);
/* "remote-control.power-up", or "99.7"; the caller's. */
char *amt_audit_name(guint32 id);
/* Adds the numbers (guint32) that a name stands for to `ids`: "remote-control.power-up", "17.0", or all known events of
 * "remote-control". BAD_PARAM when there is no such name. */
gboolean amt_audit_ids(const char *name, GArray *ids, GError **error);

/* ---- amt-audit-decode.c ---- */

/*
 * What a record says, a{sv}, floating: "application" s, "event" s, "application-id" u, "event-id" u, "initiator" s (digest, kerberos,
 * local, kvm), "user" s (an account's name, or a SID), "time" s (RFC 3339, UTC), "location" s (ipv4, ipv6, none), "address" s,
 * "details" s (what the rest means), "extended" s (the rest in hex), "problem" s (what is wrong with the bytes). Never
 * fails: what the bytes do not hold is not there, and every text can be printed.
 */
GVariant *amt_audit_decode(const guint8 *record, gsize length);
/* amt-audit-details.c: what the bytes of an event mean, the caller's; NULL: no words for them. */
char *amt_audit_details(guint32 id, const guint8 *bytes, gsize length);
/* Text of a device without anything that a terminal would obey, the caller's; zeros at its end are left out. */
char *amt_audit_text(const guint8 *bytes, gsize length);
/* "S-1-5-21-...-500" of a domain's SID and an account in it, the caller's; NULL: the bytes are no SID. */
char *amt_audit_sid(const guint8 *sid, gsize length, guint32 account);

/* ---- amt-audit-read.c ---- */

/* AMT_AuditLog, as far as tasks go by it. */
typedef struct {
    guint32 count, free_percent, state, overwrite, storage;
    gboolean enabled, has_free, has_storage;
} AmtAuditStatus;

/* AuditState */
enum {
    AMT_AUDIT_DISABLED = 1,
    AMT_AUDIT_LOCKED = 2,
    AMT_AUDIT_ALMOST_FULL = 4,
    AMT_AUDIT_FULL = 8,
    AMT_AUDIT_NO_KEY = 16
};

/* Where somebody stopped reading: the number of a record from 1 (0: before the first) and a hash of its bytes. */
typedef struct {
    guint32 index;
    char hash[33];
} AmtAuditPosition;

/* Return FALSE to stop, with `error`. */
typedef gboolean (*AmtAuditTake)(
    guint32 index, const guint8 *record, gsize length, gpointer data, GError **error);

typedef struct {
    WsMan *ws;
    AmtAuditPosition at; /* the last record that was handed out */
    guint32 total;       /* records in the log, as last heard */
    guint32 records;     /* handed out */
    const char *gap; /* why records may be missing: "cleared" or "overwritten"; NULL: none are */
    AmtAuditTake take;
    gpointer data;
} AmtAuditReading;

/* NOT_SUPPORTED when the firmware has no audit log. */
gboolean amt_audit_status(WsMan *ws, AmtAuditStatus *status, GError **error);
/* Adds "total", "percent-free", "overwrite", "enabled", "state" and "warning". */
void amt_audit_describe(PosternResult *result, const AmtAuditStatus *status);
/* TRUE: the oldest records make room for new ones. */
gboolean amt_audit_overwrites(const AmtAuditStatus *status);
/* What somebody must know before the log is full, the caller's; NULL: nothing. */
char *amt_audit_warning(const AmtAuditStatus *status);
void
amt_audit_position(AmtAuditPosition *position, guint32 index, const guint8 *record, gsize length);
/* "161:HASH", the caller's; and back. */
char *amt_audit_position_text(const AmtAuditPosition *position);
gboolean amt_audit_position_parse(const char *text, AmtAuditPosition *position, GError **error);
/* Every record behind reading->at, in order, each once, whatever the log does meanwhile. */
gboolean amt_audit_read(AmtAuditReading *reading, GError **error);
/* Calls `method` of AMT_AuditLog; takes a floating `args`. */
GVariant *amt_audit_call(WsMan *ws, const char *method, GVariant *args, GError **error);
/* Locks the log for `seconds`; its handle. */
gboolean amt_audit_lock(WsMan *ws, guint32 seconds, guint32 *handle, GError **error);
/* Lets go of it; where that fails it is a warning, as what went wrong before says more. */
void amt_audit_unlock(const Amt *amt, PosternRun *run, WsMan *ws, guint32 seconds, guint32 handle);

/* ---- amt-audit-sign.c ---- */

/* What ExportAuditLogSignature says. */
typedef struct {
    guint32 count, mechanism, security_version;
    gint64 start, end, generated; /* seconds since 1970 */
    guint8 uuid[16];
    char *fqdn, *firmware;
    GBytes *hash, *signature;
    GPtrArray *certificates; /* of GBytes, DER; the signer's first */
} AmtAuditSignature;

void amt_audit_signature_free(AmtAuditSignature *signature);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(AmtAuditSignature, amt_audit_signature_free)

enum { AMT_AUDIT_CERTIFICATES_MOST = 5, AMT_AUDIT_CERTIFICATES_BYTES = 4100 };

/* PROTOCOL when the outputs of the method do not fit together. */
AmtAuditSignature *amt_audit_signature_read(GVariant *outputs, GError **error);
/* The bytes that are signed: "What is signed" of README.md. */
GByteArray *amt_audit_signed_bytes(const AmtAuditSignature *signature);
/* Hash of records (GBytes) in order, as the mechanism has it; NULL: no such mechanism. */
GBytes *amt_audit_hash(guint32 mechanism, const GPtrArray *records);
/* FALSE with CONFLICT, in words: the signature is not that of the first certificate's key over those bytes. */
gboolean amt_audit_check_signature(const AmtAuditSignature *signature, GError **error);
/* The same for the chain: to a root in the PEM file `roots`, or (NULL) to the last certificate that came along, at the time
 * of the signature. */
gboolean
amt_audit_check_chain(const AmtAuditSignature *signature, const char *roots, GError **error);

/* ---- amt-audit-file.c ---- */

/* An export: "The file" of README.md. */
typedef struct {
    char *target, *uuid, *firmware, *exported, *overwrite;
    guint32 count;                /* as its first line has it */
    GPtrArray *records;           /* of GBytes */
    AmtAuditSignature *signature; /* NULL: none */
    char *sha256; /* of the records, as its last line has it; NULL: there is no last line */
} AmtAuditFile;

enum { AMT_AUDIT_FILE_MOST = 64 * 1024 * 1024, AMT_AUDIT_RECORDS_MOST = 100000 };

AmtAuditFile *amt_audit_file_new(void);
void amt_audit_file_free(AmtAuditFile *file);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(AmtAuditFile, amt_audit_file_free)
/* The whole text, the caller's. */
char *amt_audit_file_write(const AmtAuditFile *file);
/* PROTOCOL, with the line, when it is none. A record that is missing or out of order is such an error, too. */
AmtAuditFile *amt_audit_file_parse(const char *text, gsize length, GError **error);
char *amt_audit_sha256(const GPtrArray *records);

#endif /* AMT_AUDIT_H */
