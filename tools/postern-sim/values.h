/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* values.h - the placeholders of class files: what a device fills into ${NAME[:argument...]}. */
#include "device.h"

typedef struct Value {
    const char *name;
    guint arguments; /* how many */
    /* Appends text that is safe in XML; FALSE when the device has no such value: the property is
     * absent. */
    gboolean (*append)(Device *device, char *const *arguments, GString *out);
} Value;

/* NULL when there is none of this name. */
const Value *value_find(const char *name);
