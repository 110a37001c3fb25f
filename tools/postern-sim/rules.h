/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * rules.h - what Put, Create and Delete do to a class beyond keeping what they are given.
 *
 * One table for each subject, beside its methods. A class without a rule is kept as its .classes file says.
 */
#include "soap.h"

typedef struct {
    const char *class; /* NULL ends a table */
    /* Before the values (of DeviceStored) of a Put are kept, read-only ones taken out already: may change them.
     * NULL: go on. */
    const SoapFault *(*put)(Device *device, const SimInstance *instance, GPtrArray *values);
    /* After a Put was kept: what follows from it. */
    void (*stored)(Device *device, const SimInstance *instance);
    /* Before an instance with these values is made. NULL: go on. */
    const SoapFault *(*create)(Device *device, GPtrArray *values);
    /* After it was made. */
    void (*created)(Device *device, const DeviceCreated *created);
    /* Before a created instance goes. NULL: go on. */
    const SoapFault *(*remove)(Device *device, const DeviceCreated *created);
} Rule;

extern const Rule rules_8021x[], rules_agents[], rules_boot[], rules_certificates[],
    rules_consent[], rules_kvm[], rules_network[], rules_redirection[], rules_remote[],
    rules_wifi[];

/* The rule of a class; one without any hook when it has none. */
const Rule *rules_find(const char *class_name);

/* Value (inner XML) of `name` among `values`, of DeviceStored; NULL: not there. */
const char *rules_value(const GPtrArray *values, const char *name);

/* All values of an array among `values`, blank-separated. */
char *rules_words(const GPtrArray *values, const char *name);

/* Adds a value; `xml` NULL: the property is absent, whatever the class file says. */
void rules_add(GPtrArray *values, const char *name, const char *xml);

/* How many instances of `class` were made. */
guint rules_count(const Device *device, const SimClass *class);

/* The instance of that class that was made with this value of a property; NULL: none. */
DeviceCreated *
rules_created(const Device *device, const char *class_name, const char *name, const char *value);

/* Makes an instance of name, value ... NULL, values in wire form. NULL: the model has no such class, or there is no room. */
const DeviceCreated *
rules_make(Device *device, const char *class_name, const char *const *properties);

/* The inside of a reference to an instance that was made, newly allocated. */
char *rules_reference(Device *device, const DeviceCreated *created);
