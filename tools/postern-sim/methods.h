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
    PT_MAXIMUM_REACHED = 23,
    PT_INVALID_TIME = 34,
    PT_INVALID_PARAMETER = 36,
    PT_DUPLICATE = 2058
};

extern const Method methods_power[], methods_boot[], methods_redirection[], methods_setup[],
    methods_accounts[], methods_time[], methods_log[], methods_network[], methods_alarm[],
    methods_wifi[], methods_remote[], methods_scheme[], methods_unprovision[], methods_agents[];

/* Reads a parameter that is a whole number of 32 bits; FALSE when it is absent or none. */
gboolean call_number(const Call *call, const char *name, guint64 *number);

/* The instance that the call's selectors name; NULL: there is none, or it was created. */
const SimInstance *call_instance(const Call *call);

/* Puts what is asked for into `property` of the class's only instance, if it is one of `states`. */
guint call_state_change(Call *call, const char *const *states, const char *property);
