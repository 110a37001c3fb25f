/* SPDX-License-Identifier: Apache-2.0 */
/* One record of the event log: bytes to words (PET of ASF 2.0, 3.1.5, and what AMT adds to it). */
#include "amt-event.h"

#include <string.h>

enum {
    TIME,
    DEVICE = 4,
    SENSOR,
    TYPE,
    OFFSET,
    SOURCE,
    SEVERITY,
    NUMBER,
    ENTITY,
    INSTANCE,
    DATA,
    DATA_BYTES = 8
};
enum { OEM = 0xaa, OPTION_ADDED = 1 };

/* clang-format off */
static const AmtWord severities[] = {
    {0, "unspecified"}, {1, "monitor"}, {2, "information"}, {4, "ok"}, {8, "non-critical"}, {16, "critical"},
    {32, "non-recoverable"}, {0, NULL},
};

static const AmtWord sources[] = {{0x58, "management engine"}, {0x68, "BIOS or sensor"}, {0, NULL}};

static const char *const entities[] = {
    "unspecified", "other", "unknown", "processor", "disk", "peripheral", "management module", "system board", "memory module",
    "processor module", "power supply", "add-in card", "front panel", "back panel", "power board", "drive backplane",
    "expansion board", "other board", "processor board", "power unit", "power module", "power management board",
    "chassis back panel", "chassis", "sub-chassis", "other chassis board", "disk bay", "peripheral bay", "device bay", "fan",
    "cooling unit", "cable", "memory device", "management software", "BIOS", "operating system", "system bus", "group",
    "management engine", "environment", "battery",
};

static const char *const firmware_errors[] = {
    "unspecified error", "no memory is installed", "no usable memory", "unrecoverable disk failure", "system board failure",
    "diskette failure", "disk controller failure", "keyboard failure", "removable boot media not found",
    "video controller failure", "no video device", "BIOS ROM corrupt", "processor voltage mismatch",
    "processor speed mismatch",
};

static const char *const firmware_progress[] = {
    "unspecified progress", "memory initialization", "disk initialization", "secondary processors", "user authentication",
    "entering setup", "USB configuration", "PCI configuration", "option ROM", "video initialization", "cache initialization",
    "SMBus initialization", "keyboard controller", "embedded controller", "docking station attached",
    "docking station enabled", "docking station ejected", "docking station disabled", "OS wake-up vector",
    "starting the operating system", "baseboard initialization", "reserved", "floppy initialization", "keyboard test",
    "pointing device test", "primary processor",
};

static const char *const recovery_progress[] = {
    "recovery: parameters received", "recovery: boot option added", "recovery: name resolved", "recovery: connected",
    "recovery: download complete", "recovery: boot attempt", "recovery: boot services left",
};

static const char *const recovery_errors[] = {
    "recovery: unspecified error", "recovery: no network", "recovery: name not resolved", "recovery: no connection",
    "recovery: OEM application not found", "recovery: TLS authentication failed", "recovery: digest authentication failed",
    "recovery: verified boot failed", "recovery: file not found",
};

static const char *const redirection[] = {"SOL opened", "SOL closed", "IDER opened", "IDER closed"};
/* clang-format on */

#define PICK(table, at) ((at) < G_N_ELEMENTS(table) ? (table)[at] : NULL)

/* ---- words ---- */

/* One-click recovery. */
static char *
recovery_text(const guint8 *data, gboolean failed)
{
    const char *word = failed ? PICK(recovery_errors, data[2]) : PICK(recovery_progress, data[2]);
    const char *source = data[3] == 2   ? "HTTPS"
                         : data[3] == 4 ? "PBA"
                         : data[3] == 8 ? "WinRE"
                                        : NULL;

    if (!failed && data[2] == OPTION_ADDED && source != NULL)
        return g_strdup_printf("%s: %s", word, source);
    return g_strdup(word);
}

static char *
erase_text(const guint8 *data, gboolean failed)
{
    static const char *const errors[] = {
        NULL, "disk erase failed", "TPM clear not supported", "too many tries"};
    static const char *const steps[] = {
        NULL, "begun", "finished", "platform erase begun", "reserved parts cleared", "all done"};
    static const char *const parts[] = {
        NULL, NULL, "disk", "TPM", NULL, "return to the BIOS's first settings"};
    const char *word = failed ? PICK(errors, data[2]) : PICK(steps, data[2]);
    const char *part = !failed && data[2] <= 2 ? PICK(parts, data[3]) : NULL;

    if (word == NULL)
        return NULL;
    return part != NULL ? g_strdup_printf("platform erase: %s %s", part, word)
                        : g_strdup_printf("platform erase: %s", word);
}

/* Of the manufacturer's or AMT's own. */
static char *
oem_text(const guint8 *record)
{
    const guint8 *data = record + DATA;
    gboolean failed = record[OFFSET] == 3;

    if (data[0] == OEM && data[1] == 0x30)
        return recovery_text(data, failed);
    if (data[0] == OEM && data[1] == 0x40)
        return erase_text(data, failed);
    return g_strdup(failed ? "firmware error of the manufacturer's own"
                           : "firmware progress of the manufacturer's own");
}

static char *
firmware_text(const guint8 *record)
{
    const guint8 *data = record + DATA;

    if (data[0] == 235)
        return g_strdup("invalid data");
    if (record[OFFSET] == 3 || record[OFFSET] == 5)
        return oem_text(record);
    return g_strdup(record[OFFSET] == 0 ? PICK(firmware_errors, data[1])
                                        : PICK(firmware_progress, data[1]));
}

static char *
filter_text(const guint8 *data)
{
    guint32 handle =
        (guint32)data[1] << 24 | (guint32)data[2] << 16 | (guint32)data[3] << 8 | data[4];
    const char *which = handle == 0xfffffffd   ? "any received packet"
                        : handle == 0xfffffffc ? "any sent packet"
                        : handle == 0xfffffffa ? "a packet with a forged address"
                                               : NULL;
    g_autofree char *interface =
        data[0] == OEM ? g_strdup("wired") : g_strdup_printf("interface %u", data[0]);

    return which != NULL ? g_strdup_printf("network filter matched (%s): %s", interface, which)
                         : g_strdup_printf("network filter %u matched (%s)", handle, interface);
}

/* The first six bytes of the agent's GUID, whose groups are little-endian, and its new state. */
static char *
agent_text(const guint8 *data)
{
    static const AmtWord states[] = {{1, "not started"},
                                     {2, "stopped"},
                                     {4, "running"},
                                     {8, "expired"},
                                     {16, "suspended"},
                                     {0, NULL}};
    const char *state = amt_word(states, data[7]);
    g_autofree char *number = g_strdup_printf("state %u", data[7]);

    return g_strdup_printf("agent %02x%02x%02x%02x-%02x%02x-...: %s",
                           data[4],
                           data[3],
                           data[2],
                           data[1],
                           data[6],
                           data[5],
                           state != NULL ? state : number);
}

static char *
redirection_text(const guint8 *record)
{
    const guint8 *data = record + DATA;

    if (record[OFFSET] == 0 && data[0] == OEM && data[1] == 0x30)
        return g_strdup(PICK(redirection, data[2]));
    return g_strdup(data[2] == 0   ? "security policy: sending stopped"
                    : data[2] == 2 ? "security policy: receiving stopped"
                                   : "security policy invoked");
}

static char *
engine_text(const guint8 *data)
{
    static const struct {
        guint8 bytes[4];
        const char *text;
    } texts[] = {
        {{OEM, 0x30, 0, 0}, "the user asked for a remote connection"},
        {{OEM, 0x20, 3, 1}, "access control: posture asked for while it is off"},
        {{OEM, 0x20, 4, 0}, "hardware asset error"},
        {{OEM, 0x10, 0, 0}, "the audit log is half full"},
    };

    for (guint i = 0; i < G_N_ELEMENTS(texts); i++)
        if (memcmp(data, texts[i].bytes, sizeof texts[i].bytes) == 0)
            return g_strdup(texts[i].text);
    if (data[0] == OEM && data[1] == 0x10)
        return g_strdup_printf("the audit log fills up: step %u", data[2]);
    return NULL;
}

/* NULL: there are no words for it. */
static char *
event_text(const guint8 *record)
{
    const guint8 *data = record + DATA;

    switch (record[SENSOR]) {
    case 5:
        return record[OFFSET] == 0 ? g_strdup("case intrusion") : NULL;
    case 6:
        return g_strdup_printf("authentication failed %u times: possibly an attack",
                               (guint)data[1] + 256u * data[2]);
    case 15:
        return firmware_text(record);
    case 18:
        return data[0] == OEM ? agent_text(data) : NULL;
    case 30:
        return g_strdup("no bootable media");
    case 32:
        return g_strdup("operating system locked up, or power was interrupted");
    case 35:
        return g_strdup(data[0] == 64 ? "BIOS start-up watchdog ran out"
                                      : "the system failed to boot");
    case 36:
        return filter_text(data);
    case 37:
        return g_strdup("system firmware started: a processor is present");
    case 38:
        return g_strdup("management subsystem health");
    case 192:
        return redirection_text(record);
    case 193:
        return engine_text(data);
    default:
        return NULL;
    }
}

static char *
hex(const guint8 *bytes, gsize length)
{
    GString *text = g_string_sized_new(2 * length);

    for (gsize i = 0; i < length; i++)
        g_string_append_printf(text, "%02x", bytes[i]);
    return g_string_free(text, FALSE);
}

static void
add_time(PosternResult *result, const guint8 *record)
{
    guint32 seconds = (guint32)record[0] | (guint32)record[1] << 8 | (guint32)record[2] << 16 |
                      (guint32)record[3] << 24;

    if (seconds != G_MAXUINT32)
        amt_result_time(result, "time", seconds);
}

GVariant *
amt_event_decode(const guint8 record[AMT_EVENT_BYTES])
{
    const char *severity = amt_word(severities, record[SEVERITY]);
    const char *source = amt_word(sources, record[SOURCE]);
    const char *entity = PICK(entities, record[ENTITY]);
    g_autofree char *text = event_text(record);
    g_autofree char *data = hex(record + DATA, DATA_BYTES);
    g_autofree char *raw = hex(record, AMT_EVENT_BYTES);
    PosternResult result;

    if (text == NULL)
        text = g_strdup_printf("sensor type %u, event type %u, offset %u",
                               record[SENSOR],
                               record[TYPE],
                               record[OFFSET]);
    result_begin(&result);
    add_time(&result, record);
    result_string(&result, "severity", severity != NULL ? severity : "unspecified");
    result_string(&result, "entity", entity != NULL ? entity : "unknown");
    result_string(&result, "text", text);
    result_string(&result, "source", source != NULL ? source : "other");
    result_uint(&result, "entity-instance", record[INSTANCE]);
    result_uint(&result, "sensor", record[SENSOR]);
    result_uint(&result, "event-type", record[TYPE]);
    result_uint(&result, "offset", record[OFFSET]);
    result_string(&result, "data", data);
    result_string(&result, "raw", raw);
    return result_end(&result);
}
