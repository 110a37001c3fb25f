/* SPDX-License-Identifier: Apache-2.0 */
#include "config.h"

#include "audit.h"
#include "boot.h"
#include "consent.h"
#include "logs.h"
#include "pki.h"
#include "power.h"
#include "sim.h"
#include "values.h"

#include <string.h>

static guint
number_of(const char *text)
{
    return (guint)g_ascii_strtoull(text, NULL, 10);
}

/* ${hex:SALT:DIGITS}: up to 16 upper-case hex digits of its own. */
static gboolean
append_hex(Device *device, char *const *arguments, GString *out)
{
    guint64 value = device_derive(device, 2000 + number_of(arguments[0]));
    guint digits = MIN(number_of(arguments[1]), 16);

    for (guint i = 0; i < digits; i++)
        g_string_append_c(out, "0123456789ABCDEF"[value >> (4 * i) & 15]);
    return TRUE;
}

/* ${dec:SALT:LEAST:MOST} */
static gboolean
append_dec(Device *device, char *const *arguments, GString *out)
{
    guint64 value = device_derive(device, 2000 + number_of(arguments[0]));
    guint least = number_of(arguments[1]), most = number_of(arguments[2]);

    g_string_append_printf(
        out, "%" G_GUINT64_FORMAT, least + value % ((guint64)MAX(most, least) - least + 1));
    return TRUE;
}

/* ${pick:SALT:A|B|C}: the same SALT picks the same place in every list of that length. */
static gboolean
append_pick(Device *device, char *const *arguments, GString *out)
{
    g_auto(GStrv) words = g_strsplit(arguments[1], "|", -1);
    guint64 value = device_derive(device, 2000 + number_of(arguments[0]));
    guint count = g_strv_length(words);
    g_autofree char *safe = NULL;

    if (count == 0)
        return FALSE;
    safe = g_markup_escape_text(words[value % count], -1);
    g_string_append(out, safe);
    return *safe != '\0';
}

static gboolean
append_uuid_hex(Device *device, char *const *arguments, GString *out)
{
    guint8 uuid[16];

    device_uuid(device, uuid);
    for (guint i = 0; i < sizeof uuid; i++)
        g_string_append_printf(out, "%02X", uuid[i]);
    return TRUE;
}

static gboolean
append_mac(const Device *device, guint salt, const char *separator, GString *out)
{
    guint64 value = device_derive(device, salt);

    g_string_append_printf(out, "00%s1e%s67", separator, separator);
    for (guint i = 0; i < 3; i++)
        g_string_append_printf(out, "%s%02x", separator, (guint)(value >> (8 * i) & 0xFF));
    return TRUE;
}

/* ${mac:N}: aa-bb-..., of port N; ${mac-plain:N}: without dashes */
static gboolean
append_mac_dashes(Device *device, char *const *arguments, GString *out)
{
    return append_mac(device, 3000 + number_of(arguments[0]), "-", out);
}

static gboolean
append_mac_plain(Device *device, char *const *arguments, GString *out)
{
    return append_mac(device, 3000 + number_of(arguments[0]), "", out);
}

static gboolean
append_address(Device *device, char *const *arguments, GString *out)
{
    char text[16];

    device_address_text(device->address, text);
    g_string_append(out, text);
    return TRUE;
}

static gboolean
append_gateway(Device *device, char *const *arguments, GString *out)
{
    char text[16];

    device_address_text((device->address & 0xFFFFFF00) | 254, text);
    g_string_append(out, text);
    return TRUE;
}

static gboolean
append_host(Device *device, char *const *arguments, GString *out)
{
    g_string_append_printf(out,
                           "pc-%u-%u-%u",
                           device->address >> 16 & 0xFF,
                           device->address >> 8 & 0xFF,
                           device->address & 0xFF);
    return TRUE;
}

static gboolean
append_realm(Device *device, char *const *arguments, GString *out)
{
    g_autofree char *realm = device_realm(device);

    g_string_append(out, realm);
    return TRUE;
}

static gboolean
append_firmware(Device *device, char *const *arguments, GString *out)
{
    g_string_append(out, device->model->firmware);
    return TRUE;
}

static gboolean
append_build(Device *device, char *const *arguments, GString *out)
{
    g_string_append_printf(out, "%u", device->model->version[3]);
    return TRUE;
}

static gboolean
append_power(Device *device, char *const *arguments, GString *out)
{
    g_string_append_printf(out, "%u", power_state(device, g_get_monotonic_time()));
    return TRUE;
}

static gboolean
append_available(Device *device, char *const *arguments, GString *out)
{
    power_available(device, g_get_monotonic_time(), out);
    return TRUE;
}

/* All states that the firmware can be asked for, whatever the machine does now. */
static gboolean
append_states(Device *device, char *const *arguments, GString *out)
{
    for (guint i = 0; i < 32; i++)
        if ((device->model->power_states >> i & 1) != 0)
            g_string_append_printf(out, " %u", i);
    return TRUE;
}

static gboolean
append_os_saving(Device *device, char *const *arguments, GString *out)
{
    g_string_append_printf(out, "%u", device->os_saving);
    return TRUE;
}

static gboolean
append_events(Device *device, char *const *arguments, GString *out)
{
    g_string_append_printf(out, "%u", logs_events(device)->len);
    return TRUE;
}

static gboolean
append_events_percent(Device *device, char *const *arguments, GString *out)
{
    g_string_append_printf(out, "%u", logs_events(device)->len * 100 / LOGS_EVENTS_MAX);
    return TRUE;
}

static gboolean
append_events_frozen(Device *device, char *const *arguments, GString *out)
{
    g_string_append(out, device_extra(device)->events_frozen ? "true" : "false");
    return TRUE;
}

/* ${audit:NAME}, see audit.c */
static gboolean
append_audit(Device *device, char *const *arguments, GString *out)
{
    return audit_append_value(device, arguments[0], out);
}

/* From 15 on it says which recovery boots are allowed. */
static gboolean
append_boot_service(Device *device, char *const *arguments, GString *out)
{
    g_string_append(out, model_since(device->model, 15, 0) ? "32769" : "2");
    return TRUE;
}

/* ${boot-enabled:PART}: a part of that, as a flag. */
static gboolean
append_boot_enabled(Device *device, char *const *arguments, GString *out)
{
    guint part = (guint)number_of(arguments[0]);

    g_string_append(out, boot_enabled(device, part) ? "true" : "false");
    return TRUE;
}

static gboolean
append_boot_status(Device *device, char *const *arguments, GString *out)
{
    const DeviceBoot *boot = boot_of(device);

    g_string_append_printf(out, "%u %u", boot->status[0], boot->status[1]);
    return TRUE;
}

static gboolean
append_consent(Device *device, char *const *arguments, GString *out)
{
    g_string_append_printf(out, "%u", (guint)consent_state(device));
    return TRUE;
}

static gboolean
append_plain(Device *device, char *const *arguments, GString *out)
{
    g_string_append(out, sim_comes_with(device->sim, device, FALSE) ? "true" : "false");
    return TRUE;
}

/* Who has the wireless link: 1 the firmware, 2 the operating system's driver. */
static gboolean
append_link_owner(Device *device, char *const *arguments, GString *out)
{
    gboolean ours = device->extra != NULL && device->extra->link_until > g_get_monotonic_time();

    g_string_append_c(out, ours ? '1' : '2');
    return TRUE;
}

/* ${scheme:N}: 1 when power scheme N is the current one, else 2 */
static gboolean
append_scheme(Device *device, char *const *arguments, GString *out)
{
    guint current = device->extra != NULL ? device->extra->power_scheme : 0;

    g_string_append_c(out, number_of(arguments[0]) == current ? '1' : '2');
    return TRUE;
}

static gboolean
append_tls(Device *device, char *const *arguments, GString *out)
{
    g_string_append(out, sim_comes_with(device->sim, device, TRUE) ? "true" : "false");
    return TRUE;
}

static gboolean
append_factory_certificate(Device *device, char *const *arguments, GString *out)
{
    g_autofree char *text = pki_factory_text(device);

    if (text != NULL)
        g_string_append(out, text);
    return text != NULL;
}

static gboolean
append_factory_subject(Device *device, char *const *arguments, GString *out)
{
    g_autofree char *text = pki_factory_subject(device);
    g_autofree char *escaped = text != NULL ? g_markup_escape_text(text, -1) : NULL;

    if (text != NULL)
        g_string_append(out, escaped);
    return text != NULL;
}

static gboolean
append_space(Device *device, char *const *arguments, GString *out)
{
    g_string_append_c(out, ' ');
    return TRUE;
}

/* clang-format off */
static const Value table[] = {
    {"hex", 2, append_hex},
    {"dec", 3, append_dec},
    {"pick", 2, append_pick},
    {"uuid-hex", 0, append_uuid_hex},
    {"mac", 1, append_mac_dashes},
    {"mac-plain", 1, append_mac_plain},
    {"address", 0, append_address},
    {"gateway", 0, append_gateway},
    {"host", 0, append_host},
    {"realm", 0, append_realm},
    {"firmware", 0, append_firmware},
    {"build", 0, append_build},
    {"power", 0, append_power},
    {"power-available", 0, append_available},
    {"power-states", 0, append_states},
    {"os-saving", 0, append_os_saving},
    {"events", 0, append_events},
    {"events-percent", 0, append_events_percent},
    {"events-frozen", 0, append_events_frozen},
    {"audit", 1, append_audit},
    {"boot-service", 0, append_boot_service},
    {"boot-enabled", 1, append_boot_enabled},
    {"boot-status", 0, append_boot_status},
    {"consent-state", 0, append_consent},
    {"plain", 0, append_plain},
    {"tls", 0, append_tls},
    {"factory-certificate", 0, append_factory_certificate},
    {"factory-subject", 0, append_factory_subject},
    {"link-owner", 0, append_link_owner},
    {"scheme", 1, append_scheme},
    {"space", 0, append_space},
};
/* clang-format on */

const Value *
value_find(const char *name)
{
    for (guint i = 0; i < G_N_ELEMENTS(table); i++)
        if (g_str_equal(table[i].name, name))
            return &table[i];
    return NULL;
}
