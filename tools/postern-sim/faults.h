/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* faults.h - what can go wrong with a device on demand. */
#include <glib.h>

typedef enum {
    FAULT_DELAY,
    FAULT_RESET,
    FAULT_SILENT,
    FAULT_TRUNCATE,
    FAULT_GARBAGE,
    FAULT_DRIP,
    FAULT_TLS_FAIL,
    FAULT_WRONG_DIGEST,
    FAULT_401_FOREVER,
    FAULT_STALE,
    FAULT_NONCE_RESET,
    FAULT_SOAP,
    FAULT_HTTP,
    FAULT_RELATES_TO,
    FAULT_ONE_ITEM_PULLS,
    FAULT_NO_CONTEXTS,
    FAULT_LOST_ANSWER,
    FAULT_CLOSE,
    FAULT_RETURN,
    FAULT_POWER_IGNORED,
    FAULT_NO_AGENT,
    FAULT_NIC_RESET,
    FAULT_LACKS,
    FAULT_BAD_LENGTH,
    FAULT_NOT_XML,
    FAULT_HUGE,
    FAULT_CLOCK,
    FAULT_CLOCK_DRIFT,
    FAULT_CERT_NAME,
    FAULT_CERT_EXPIRED,
    FAULT_CERT_NOT_YET,
    FAULT_CERT_WEAK,
    FAULT_NOT_PROVISIONED,
    FAULT_AMT_DISABLED,
    FAULT_REALMS,
    FAULT_REDIRECTION_OFF,
    FAULT_KVM_OFF,
    FAULT_CONSENT,
    FAULT_PLAIN_LOGIN,
    FAULT_SESSION_DROP,
    FAULT_KVM_TIMEOUT,
    FAULT_STRICT_PUT_ORDER,
    FAULT_DRIVE_PASSWORD,
    FAULT_AUDIT_ROOM,
    FAULT_KINDS
} FaultKind;

typedef struct {
    guint32 first, last; /* addresses, host byte order */
    FaultKind kind;
    gint64 number; /* the argument, or its default */
    char *text;    /* the argument when it is a word */
} Fault;

enum { FAULTS_MAX = 64 }; /* options in one run: a device keeps a bit for each */

/* ADDRESS=KIND[:argument] with ADDRESS as A, A-B or "*"; NULL with `error` that says what is wrong.
 */
Fault *fault_parse(const char *option, GError **error);
void fault_free(Fault *fault);

/* The table of --list-faults, newly allocated. */
char *fault_list(void);

/* 127.x.y.z in text to host byte order; FALSE when it is not such an address. */
gboolean fault_parse_address(const char *text, guint32 *address);
