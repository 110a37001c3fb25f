/* SPDX-License-Identifier: Apache-2.0 */
#include "amt-facts.h"

#include <string.h>

enum { UUID_BYTES = 16 };

/* clang-format off */
const AmtFact amt_chassis_facts[] = {
    {"Manufacturer", "manufacturer", FACT_TEXT, NULL},
    {"Model", "model", FACT_TEXT, NULL},
    {"SerialNumber", "serial-number", FACT_TEXT, NULL},
    {"Version", "version", FACT_TEXT, NULL},
    {"ChassisPackageType", "chassis-type", FACT_WORD, amt_chassis_types},
    {NULL, NULL, FACT_TEXT, NULL},
};
const AmtFact amt_card_facts[] = {
    {"Manufacturer", "manufacturer", FACT_TEXT, NULL},
    {"Model", "model", FACT_TEXT, NULL},
    {"SerialNumber", "serial-number", FACT_TEXT, NULL},
    {"Version", "version", FACT_TEXT, NULL},
    {NULL, NULL, FACT_TEXT, NULL},
};
const AmtFact amt_bios_facts[] = {
    {"Manufacturer", "manufacturer", FACT_TEXT, NULL},
    {"Version", "version", FACT_TEXT, NULL},
    {"ReleaseDate", "release-date", FACT_TEXT, NULL},
    {NULL, NULL, FACT_TEXT, NULL},
};
const AmtFact amt_processor_facts[] = {
    {"DeviceID", "id", FACT_TEXT, NULL},
    {"MaxClockSpeed", "max-clock-mhz", FACT_NUMBER, NULL},
    {"CurrentClockSpeed", "current-clock-mhz", FACT_NUMBER, NULL},
    {"ExternalBusClockSpeed", "bus-clock-mhz", FACT_NUMBER, NULL},
    {"Family", "family", FACT_NUMBER, NULL},
    {"Stepping", "stepping", FACT_TEXT, NULL},
    {"CPUStatus", "status-code", FACT_NUMBER, NULL},
    {NULL, NULL, FACT_TEXT, NULL},
};
const AmtFact amt_chip_facts[] = {
    {"Version", "name", FACT_TEXT, NULL},
    {"Manufacturer", "manufacturer", FACT_TEXT, NULL},
    {NULL, NULL, FACT_TEXT, NULL},
};
const AmtFact amt_memory_facts[] = {
    {"BankLabel", "bank", FACT_TEXT, NULL},
    {"Capacity", "capacity-bytes", FACT_BIG, NULL},
    {"Manufacturer", "manufacturer", FACT_TEXT, NULL},
    {"PartNumber", "part-number", FACT_TEXT, NULL},
    {"SerialNumber", "serial-number", FACT_TEXT, NULL},
    {"MemoryType", "type", FACT_WORD, amt_memory_types},
    {"FormFactor", "form-factor", FACT_WORD, amt_memory_forms},
    {"ConfiguredMemoryClockSpeed", "speed-mhz", FACT_NUMBER, NULL},
    {"MaxMemorySpeed", "max-speed-mhz", FACT_NUMBER, NULL},
    {"Tag", "tag", FACT_TEXT, NULL},
    {NULL, NULL, FACT_TEXT, NULL},
};
const AmtFact amt_media_facts[] = {
    {"DeviceID", "id", FACT_TEXT, NULL},
    {"MaxMediaSize", "size-bytes", FACT_KILO, NULL},
    {NULL, NULL, FACT_TEXT, NULL},
};
const AmtFact amt_package_facts[] = {
    {"Model", "model", FACT_TEXT, NULL},
    {"SerialNumber", "serial-number", FACT_TEXT, NULL},
    {"Manufacturer", "manufacturer", FACT_TEXT, NULL},
    {NULL, NULL, FACT_TEXT, NULL},
};
const AmtFact amt_battery_facts[] = {
    {"DeviceID", "id", FACT_TEXT, NULL},
    {"Chemistry", "chemistry", FACT_WORD, amt_battery_chemistries},
    {"BatteryStatus", "status", FACT_WORD, amt_battery_states},
    {"DesignCapacity", "design-capacity-mwh", FACT_NUMBER, NULL},
    {"FullChargeCapacity", "full-capacity-mwh", FACT_NUMBER, NULL},
    {"DesignVoltage", "design-voltage-mv", FACT_NUMBER, NULL},
    {NULL, NULL, FACT_TEXT, NULL},
};
const AmtFact amt_port_facts[] = {
    {"InstanceID", "id", FACT_TEXT, NULL},
    {"MACAddress", "mac", FACT_MAC, NULL},
    {"LinkIsUp", "link-up", FACT_FLAG, NULL},
    {"DHCPEnabled", "dhcp", FACT_FLAG, NULL},
    {"IPAddress", "ip-address", FACT_TEXT, NULL},
    {"SubnetMask", "subnet-mask", FACT_TEXT, NULL},
    {"DefaultGateway", "default-gateway", FACT_TEXT, NULL},
    {"PrimaryDNS", "primary-dns", FACT_TEXT, NULL},
    {"SecondaryDNS", "secondary-dns", FACT_TEXT, NULL},
    {"SharedMAC", "shared-mac", FACT_FLAG, NULL},
    {"IpSyncEnabled", "ip-sync", FACT_FLAG, NULL},
    {NULL, NULL, FACT_TEXT, NULL},
};
const AmtFact amt_general_facts[] = {
    {"HostName", "host-name", FACT_TEXT, NULL},
    {"DomainName", "domain-name", FACT_TEXT, NULL},
    {"HostOSFQDN", "host-os-fqdn", FACT_TEXT, NULL},
    {"DigestRealm", "digest-realm", FACT_TEXT, NULL},
    {"NetworkInterfaceEnabled", "network-enabled", FACT_FLAG, NULL},
    {"PingResponseEnabled", "ping-response", FACT_FLAG, NULL},
    {"RmcpPingResponseEnabled", "rmcp-ping-response", FACT_FLAG, NULL},
    {NULL, NULL, FACT_TEXT, NULL},
};
const AmtFact amt_setup_facts[] = {
    {"ProvisioningState", "provisioning-state", FACT_WORD, amt_provisioning_states},
    {"ProvisioningMode", "provisioning-mode", FACT_WORD, amt_provisioning_modes},
    {"ZeroTouchConfigurationEnabled", "zero-touch", FACT_FLAG, NULL},
    {NULL, NULL, FACT_TEXT, NULL},
};
const AmtFact amt_control_facts[] = {
    {"CurrentControlMode", "control-mode", FACT_WORD, amt_control_modes},
    {NULL, NULL, FACT_TEXT, NULL},
};
/* clang-format on */

static GVariant *
text_fact(GVariant *value)
{
    if (!g_variant_is_of_type(value, G_VARIANT_TYPE_STRING))
        return NULL;
    g_autofree char *text = g_strstrip(g_variant_dup_string(value, NULL));
    return text[0] == '\0' ? NULL : g_variant_new_string(text);
}

static gboolean
number_of(GVariant *value, guint64 *number)
{
    if (g_variant_is_of_type(value, G_VARIANT_TYPE_UINT32)) {
        *number = g_variant_get_uint32(value);
        return *number != G_MAXUINT32;
    }
    if (!g_variant_is_of_type(value, G_VARIANT_TYPE_UINT64))
        return FALSE;
    *number = g_variant_get_uint64(value);
    return *number != G_MAXUINT64;
}

static GVariant *
number_fact(const AmtFact *fact, GVariant *value)
{
    guint64 number = 0;

    if (!number_of(value, &number))
        return NULL;
    if (fact->kind == FACT_WORD) {
        const char *word = number > G_MAXUINT32 ? NULL : amt_word(fact->words, (guint32)number);
        return word == NULL ? NULL : g_variant_new_string(word);
    }
    if (number == 0)
        return NULL;
    if (fact->kind == FACT_KILO)
        return number > G_MAXUINT64 / 1000 ? NULL : g_variant_new_uint64(number * 1000);
    if (fact->kind == FACT_BIG)
        return g_variant_new_uint64(number);
    return number > G_MAXUINT32 || number == 0xffff ? NULL : g_variant_new_uint32((guint32)number);
}

/* c8-d9-d2-7a-1e-33 or 48210b50d8c9 */
static GVariant *
mac_fact(GVariant *value)
{
    g_autoptr(GString) mac = g_string_new(NULL);
    guint digits = 0;
    gboolean any = FALSE;

    if (!g_variant_is_of_type(value, G_VARIANT_TYPE_STRING))
        return NULL;
    for (const char *at = g_variant_get_string(value, NULL); *at != '\0'; at++) {
        if (*at == '-' || *at == ':')
            continue;
        if (!g_ascii_isxdigit(*at) || digits == 12)
            return NULL;
        if (digits > 0 && digits % 2 == 0)
            g_string_append_c(mac, ':');
        g_string_append_c(mac, g_ascii_tolower(*at));
        any = any || *at != '0';
        digits++;
    }
    return digits == 12 && any ? g_variant_new_string(mac->str) : NULL;
}

static GVariant *
fact_value(const AmtFact *fact, GVariant *value)
{
    switch (fact->kind) {
    case FACT_TEXT:
        return text_fact(value);
    case FACT_MAC:
        return mac_fact(value);
    case FACT_FLAG:
        return g_variant_is_of_type(value, G_VARIANT_TYPE_BOOLEAN)
                   ? g_variant_new_boolean(g_variant_get_boolean(value))
                   : NULL;
    case FACT_NUMBER:
    case FACT_BIG:
    case FACT_WORD:
    case FACT_KILO:
    default:
        return number_fact(fact, value);
    }
}

void
amt_facts_add(PosternResult *result, const AmtFact *facts, GVariant *instance)
{
    for (; instance != NULL && facts->property != NULL; facts++) {
        g_autoptr(GVariant) value = params_value(instance, facts->property, NULL);
        if (value != NULL)
            result_value(result, facts->name, fact_value(facts, value));
    }
}

char *
amt_uuid(const char *digits)
{
    static const guint8 order[] = {3, 2, 1, 0, 5, 4, 7, 6, 8, 9, 10, 11, 12, 13, 14, 15};
    GString *uuid = NULL;

    if (digits == NULL || strlen(digits) != 32 || strspn(digits, "0123456789abcdefABCDEF") != 32)
        return NULL;
    uuid = g_string_sized_new(37);
    for (guint i = 0; i < G_N_ELEMENTS(order); i++) {
        if (i == 4 || i == 6 || i == 8 || i == 10)
            g_string_append_c(uuid, '-');
        g_string_append_c(uuid, g_ascii_tolower(digits[2 * order[i]]));
        g_string_append_c(uuid, g_ascii_tolower(digits[2 * order[i] + 1]));
    }
    return g_string_free(uuid, FALSE);
}

char *
amt_uuid_of(const guint8 *bytes, gsize length)
{
    char digits[2 * UUID_BYTES + 1];

    if (length != UUID_BYTES)
        return NULL;
    for (guint i = 0; i < UUID_BYTES; i++)
        g_snprintf(digits + 2 * i, 3, "%02x", bytes[i]);
    return amt_uuid(digits);
}

/* What the bits of "Sku" stand for since AMT 5. */
static GVariant *
sku_names(guint64 sku)
{
    static const struct {
        guint64 bit;
        const char *name;
    } bits[] = {
        {0x8, "amt-pro"},
        {0x10, "standard-manageability"},
        {0x100, "home-it"},
        {0x2000, "at-p"},
        {0x4000, "corporate"},
    };
    GVariantBuilder names;

    g_variant_builder_init(&names, G_VARIANT_TYPE_STRING_ARRAY);
    for (guint i = 0; i < G_N_ELEMENTS(bits); i++)
        if ((sku & bits[i].bit) != 0)
            g_variant_builder_add(&names, "s", bits[i].name);
    return g_variant_builder_end(&names);
}

static void
add_identity(PosternResult *result, const char *id, const char *version)
{
    static const struct {
        const char *id, *name;
    } names[] = {
        {"AMT", "amt-version"},
        {"Build Number", "build"},
        {"Flash", "flash"},
        {"Netstack", "netstack"},
        {"AMTApps", "amt-apps"},
        {"VendorID", "vendor-id"},
        {"Recovery Version", "recovery-version"},
        {"Recovery Build Num", "recovery-build"},
        {"Legacy Mode", "legacy-mode"},
        {"AMT FW Core Version", "core-version"},
    };
    guint64 sku = 0;

    for (guint i = 0; i < G_N_ELEMENTS(names); i++)
        if (g_str_equal(id, names[i].id))
            result_string(result, names[i].name, version);
    if (g_str_equal(id, "Sku") &&
        g_ascii_string_to_unsigned(version, 10, 0, G_MAXUINT32, &sku, NULL)) {
        result_uint(result, "sku", (guint32)sku);
        result_value(result, "sku-names", sku_names(sku));
    }
}

GVariant *
amt_firmware_facts(GPtrArray *identities)
{
    PosternResult result;

    result_begin(&result);
    for (guint i = 0; i < identities->len; i++) {
        GVariant *identity = g_ptr_array_index(identities, i);
        const char *id = params_string(identity, "InstanceID");
        const char *version = params_string(identity, "VersionString");
        if (id != NULL && version != NULL)
            add_identity(&result, id, version);
    }
    return result_end(&result);
}
