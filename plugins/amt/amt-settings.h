/* SPDX-License-Identifier: Apache-2.0 */
/* Classes whose properties are parameters and results, one to one: read, checked, written, read back. */
#ifndef AMT_SETTINGS_H
#define AMT_SETTINGS_H

#include "amt.h"

/* A NULL property ends a table. Limits are those that the device does not state. */
typedef struct {
    const char *property, *name, *type; /* b, u or s */
    guint32 least, most;                /* of a number; `most` bytes of a text */
    gboolean read_only;
} AmtSetting;

/* What `instance` tells; what a release lacks is left out. */
void amt_settings_add(PosternResult *result, const AmtSetting *table, GVariant *instance);
/* What is asked for and not so yet, a{sv} by property, the caller's. NULL with BAD_PARAM or NOT_SUPPORTED. */
GVariant *
amt_settings_changes(const AmtSetting *table, GVariant *params, GVariant *now, GError **error);
/* CONFLICT unless `found` has all the `changes`; the error names the task that reads them. */
gboolean
amt_settings_taken(GVariant *found, GVariant *changes, const char *reading, GError **error);

#endif /* AMT_SETTINGS_H */
