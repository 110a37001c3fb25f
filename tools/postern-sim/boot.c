/* SPDX-License-Identifier: Apache-2.0 */
#include "config.h"

#include "boot.h"
#include "logs.h"
#include "screen.h"

#include <string.h>

#define SETTINGS "AMT_BootSettingData"

enum { VENDOR = 0x8086, HEAD = 8 };
/* The first two data bytes of an event of the firmware say which feature it is about. */
enum { ABOUT_RECOVERY = 0x30, ABOUT_ERASE = 0x40 };
enum { FAILED = 3, PROGRESS = 5 };
enum { STATUS_OK = 0, STATUS_FAILED = 0xFFFF, DRIVE_WRONG_PASSWORD = 2 };
/* Parameters of a recovery boot, and of a platform erase. */
enum { PARAMETER_URI = 1, PARAMETER_MASK = 1, PARAMETER_DRIVE_PASSWORD = 20 };
/* Bits of the erase mask, and what its events call them. */
enum { ERASE_DRIVES = 2, ERASE_TPM = 6, ERASE_BIOS = 26, ERASE_AMT = 31 };

DeviceBoot *
boot_of(Device *device)
{
    DeviceExtra *extra = device_extra(device);

    if (extra->boot == NULL) {
        extra->boot = g_new0(DeviceBoot, 1);
        extra->boot->status[0] = 2; /* nothing was updated */
    }
    return extra->boot;
}

void
boot_free(DeviceBoot *boot)
{
    if (boot != NULL)
        g_free(boot->drive_password);
    g_free(boot);
}

gboolean
boot_enabled(Device *device, guint part)
{
    const SimInstance *service = device_first(device, "CIM_BootService");
    g_autofree char *state =
        service != NULL ? device_property(device, service, "EnabledState") : NULL;
    guint64 number = state != NULL ? g_ascii_strtoull(state, NULL, 10) : 0;

    return number >= 32768 && ((number - 32768) & part) != 0;
}

gboolean
boot_flag(Device *device, const char *class_name, const char *name)
{
    const SimInstance *instance = device_first(device, class_name);
    g_autofree char *value = instance != NULL ? device_property(device, instance, name) : NULL;

    return g_strcmp0(value, "true") == 0;
}

gboolean
boot_parameter(const guint8 **at, gsize *left, BootParameter *parameter)
{
    const guint8 *head = *at;

    if (*left < HEAD || (head[0] | head[1] << 8) != VENDOR)
        return FALSE;
    parameter->type = (guint16)(head[2] | head[3] << 8);
    parameter->length =
        (guint32)head[4] | (guint32)head[5] << 8 | (guint32)head[6] << 16 | (guint32)head[7] << 24;
    if (parameter->length > *left - HEAD)
        return FALSE;
    parameter->value = head + HEAD;
    *at += HEAD + parameter->length;
    *left -= HEAD + parameter->length;
    return TRUE;
}

/* ---- what a start does ---- */

static void
tell(Device *device, guint8 about, guint8 offset, guint8 what, guint8 detail)
{
    const guint8 severity = offset == FAILED ? 8 : 1;
    const guint8 event[LOGS_EVENT_SIZE] = {
        15, 0x6F, offset, 0x68, severity, 0xFF, 34, 0, 0xAA, about, what, detail};

    logs_event(device, event);
}

static guint8 *
parameters(Device *device, gsize *length)
{
    const SimInstance *settings = device_first(device, SETTINGS);
    g_autofree char *text =
        settings != NULL ? device_property(device, settings, "UefiBootParametersArray") : NULL;

    *length = 0;
    return text != NULL ? g_base64_decode(text, length) : NULL;
}

/* The value of the first parameter of this type, newly allocated with a NUL behind it; NULL: there is none. */
static guint8 *
find_parameter(Device *device, guint16 type, gsize *length)
{
    gsize left;
    g_autofree guint8 *all = parameters(device, &left);
    const guint8 *at = all;
    BootParameter one;

    while (left > 0 && boot_parameter(&at, &left, &one))
        if (one.type == type) {
            guint8 *copy = g_malloc0(one.length + 1U);
            memcpy(copy, one.value, one.length);
            *length = one.length;
            return copy;
        }
    return NULL;
}

/* The network is made up: whatever has the right form is there. */
static const char *
recover_by_https(Device *device)
{
    gsize length;
    g_autofree guint8 *uri = find_parameter(device, PARAMETER_URI, &length);

    tell(device, ABOUT_RECOVERY, PROGRESS, 0, 0);
    if (uri == NULL || !g_str_has_prefix((const char *)uri, "https://")) {
        tell(device, ABOUT_RECOVERY, FAILED, 2, 0);
        return "default";
    }
    tell(device, ABOUT_RECOVERY, PROGRESS, 1, 2);
    for (guint8 step = 2; step <= 5; step++)
        tell(device, ABOUT_RECOVERY, PROGRESS, step, 0);
    return "https";
}

static const char *
recover_locally(Device *device, const char *word, guint8 option)
{
    tell(device, ABOUT_RECOVERY, PROGRESS, 0, 0);
    tell(device, ABOUT_RECOVERY, PROGRESS, 1, option);
    tell(device, ABOUT_RECOVERY, PROGRESS, 5, 0);
    return word;
}

static const char *
from_source(Device *device, const char *source)
{
    static const struct {
        const char *source, *word;
    } plain[] = {
        {BOOT_FORCE "Hard-drive Boot", "disk"},
        {BOOT_FORCE "CD/DVD Boot", "cd"},
        {BOOT_FORCE "PXE Boot", "pxe"},
        {BOOT_FORCE "Diagnostic Boot", "diagnostic"},
    };

    for (guint i = 0; source != NULL && i < G_N_ELEMENTS(plain); i++)
        if (g_str_equal(plain[i].source, source))
            return plain[i].word;
    if (g_strcmp0(source, BOOT_RECOVERS "HTTPS Boot") == 0)
        return recover_by_https(device);
    if (g_strcmp0(source, BOOT_RECOVERS "Boot Option 1") == 0)
        return recover_locally(device, "winre", 8);
    if (g_strcmp0(source, BOOT_RECOVERS "Boot Option 2") == 0)
        return recover_locally(device, "pba", 4);
    return "default";
}

/* The drive's own password opens it, or it has none and any does. */
static gboolean
opens_drive(Device *device, const char *password)
{
    const Fault *locked = device_fault(device, FAULT_DRIVE_PASSWORD);

    return locked == NULL || g_strcmp0(locked->text, password) == 0;
}

static const char *
erase_drive(Device *device)
{
    DeviceBoot *boot = boot_of(device);
    gboolean opened = opens_drive(device, boot->drive_password);

    boot->status[0] = opened ? STATUS_OK : STATUS_FAILED;
    boot->status[1] = opened ? STATUS_OK : DRIVE_WRONG_PASSWORD;
    return "secure-erase";
}

static void
erase_part(Device *device, guint32 mask, guint bit, guint8 detail)
{
    if ((mask >> bit & 1) == 0)
        return;
    tell(device, ABOUT_ERASE, PROGRESS, 1, detail);
    tell(device, ABOUT_ERASE, PROGRESS, 2, detail);
}

static const char *
erase_platform(Device *device)
{
    gsize length = 0, unused;
    g_autofree guint8 *bytes = find_parameter(device, PARAMETER_MASK, &length);
    g_autofree guint8 *password = find_parameter(device, PARAMETER_DRIVE_PASSWORD, &unused);
    guint32 mask = 0;

    if (length == sizeof mask)
        memcpy(&mask, bytes, sizeof mask);
    mask = GUINT32_FROM_LE(mask);
    tell(device, ABOUT_ERASE, PROGRESS, 3, 0);
    if ((mask >> ERASE_DRIVES & 1) != 0 && !opens_drive(device, (const char *)password)) {
        tell(device, ABOUT_ERASE, FAILED, 1, 0);
        return "platform-erase";
    }
    erase_part(device, mask, ERASE_DRIVES, 2);
    erase_part(device, mask, ERASE_TPM, 3);
    erase_part(device, mask, ERASE_BIOS, 5);
    if ((mask >> ERASE_AMT & 1) != 0) { /* the last thing that is heard of it */
        boot_of(device)->unconfigured = TRUE;
        device->unreachable_until = G_MAXINT64;
    }
    return "platform-erase";
}

static const char *
do_what_is_set(Device *device)
{
    const SimInstance *settings = device_first(device, SETTINGS);
    g_autofree char *media =
        settings != NULL ? device_property(device, settings, "IDERBootDevice") : NULL;

    if (boot_flag(device, SETTINGS, "SecureErase"))
        return erase_drive(device);
    if (boot_flag(device, SETTINGS, "PlatformErase"))
        return erase_platform(device);
    if (boot_flag(device, SETTINGS, "BIOSSetup"))
        return "bios-setup";
    if (boot_flag(device, SETTINGS, "BIOSPause"))
        return "bios-pause";
    if (boot_flag(device, SETTINGS, "UseIDER"))
        return g_strcmp0(media, "1") == 0 ? "ider-cd" : "ider-floppy";
    return from_source(device, device->extra->boot_source);
}

void
boot_start(Device *device)
{
    const SimInstance *settings = device_first(device, SETTINGS);
    DeviceBoot *boot;

    device->boots++;
    logs_boot(device);
    if (device->extra == NULL)
        return;
    screen_boot(device);
    boot = boot_of(device);
    boot->last = boot->next ? do_what_is_set(device) : "default";
    boot->next = FALSE;
    g_clear_pointer(&boot->drive_password, g_free);
    g_clear_pointer(&device->extra->boot_source, g_free);
    if (settings != NULL)
        device_forget(device, settings);
}
