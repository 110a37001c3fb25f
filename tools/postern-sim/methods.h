/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * methods.h - what the methods of the classes do: one file, methods-SUBJECT.c, and one table for each subject.
 */
#include "sim.h"
#include "soap.h"

/* One call: reads `input`, appends its out parameters to `out`, gives the ReturnValue. */
typedef struct {
    Device *device;
    const Request *request;
    SimClass *class;
    const xmlNode *input;
    GString *out;
    const SoapFault *fault; /* set: the call is answered with this fault */
    gboolean common;        /* set: the out parameters use the common namespace, letter h */
} Call;

typedef struct {
    const char *class, *method; /* NULL ends a table */
    guint (*call)(Call *call);
} Method;

/* ReturnValues: those of CIM methods, and PT_ those of AMT's own. */
enum {
    DONE = 0,
    NOT_SUPPORTED = 1,
    INVALID_PARAMETER = 5,
    PT_INVALID_NAME = 12,
    PT_NOT_PERMITTED = 16,
    PT_LOCKED_BY_OTHER = 18,
    PT_NOT_LOCKED = 19,
    PT_MAXIMUM_REACHED = 23,
    PT_INVALID_TIME = 34,
    PT_INVALID_INDEX = 35,
    PT_INVALID_PARAMETER = 36,
    PT_INVALID_HANDLE = 2053,
    PT_INVALID_PASSWORD = 2054,
    PT_INVALID_REALM = 2055,
    PT_DUPLICATE = 2058,
    PT_NO_KEY = 2060,
    PT_INVALID_KEY = 2062,
    PT_INVALID_CERTIFICATE = 2063,
    PT_NOT_THE_KEY = 2064,
    PT_AUDIT_FAILURE = 2075
};

/* CommitChanges: TLS settings and certificates come into force. */
guint methods_commit(Call *call);

extern const Method methods_8021x[], methods_accounts[], methods_agents[], methods_alarm[],
    methods_audit[], methods_audit_sign[], methods_boot[], methods_certificates[],
    methods_consent[], methods_kvm[], methods_log[], methods_network[], methods_power[],
    methods_redirection[], methods_remote[], methods_scheme[], methods_setup[], methods_time[],
    methods_unprovision[], methods_wifi[];

/* Reads a parameter that is a whole number of 32 bits; FALSE when it is absent or none. */
gboolean call_number(const Call *call, const char *name, guint64 *number);

/* The instance that the call's selectors name; NULL: there is none, or it was created. */
const SimInstance *call_instance(const Call *call);

/* A parameter's text without blanks around it, newly allocated; "" when it is absent. */
char *call_text(const Call *call, const char *name);

/* methods-audit.c: FALSE when what the call does is critical and cannot be put on record now. */
gboolean call_is_allowed(const Call *call, const char *method);

/* Puts what is asked for into `property` of the class's only instance, if it is one of `states`. */
guint call_state_change(Call *call, const char *const *states, const char *property);
