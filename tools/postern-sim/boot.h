/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * boot.h - what the next start of a machine does, once.
 *
 * Flags lie in AMT_BootSettingData, the source in DeviceExtra.boot_source; they count only while the configuration has
 * the role "is next, once", and whatever was set is gone after the start, used or not.
 */
#include "device.h"

typedef struct DeviceBoot {
    gboolean next;         /* the configuration has the role "is next, once" */
    guint16 status[2];     /* BIOSLastStatus */
    char *drive_password;  /* written as RSEPassword, never read back */
    const char *last;      /* what the last start was, in a word; NULL: none yet */
    gboolean unconfigured; /* an erase took AMT's own settings along */
} DeviceBoot;

/* Parts of CIM_BootService.EnabledState above 32768. */
enum { BOOT_RECOVERY = 1, BOOT_ERASE = 2 };

/* Allocated late; boot_free() accepts NULL. */
DeviceBoot *boot_of(Device *device);
void boot_free(DeviceBoot *boot);

/* TRUE when the boot service has this part switched on. */
gboolean boot_enabled(Device *device, guint part);

/* TRUE when the flag `name` of `class_name`'s only instance is "true". */
gboolean boot_flag(Device *device, const char *class_name, const char *name);

/* The machine starts: does what is set, and forgets it. */
void boot_start(Device *device);

/* One parameter of UefiBootParametersArray. */
typedef struct {
    guint16 type;
    guint32 length;
    const guint8 *value;
} BootParameter;

/* Takes the next one from `at`; FALSE at the end, or where it is not well-formed (`left` is not 0 then). */
gboolean boot_parameter(const guint8 **at, gsize *left, BootParameter *parameter);

/* InstanceIDs of CIM_BootSourceSetting begin so; those of one click recovery go on as the second. */
#define BOOT_FORCE    "Intel(r) AMT: Force "
#define BOOT_RECOVERS BOOT_FORCE "OCR UEFI "
