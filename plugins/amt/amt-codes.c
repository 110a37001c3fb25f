/* SPDX-License-Identifier: Apache-2.0 */
/* Numbers that AMT uses, and the words scripts read for them. */
#include "amt.h"

const char *
amt_word(const AmtWord *table, guint32 code)
{
    for (; table->word != NULL; table++)
        if (table->code == code)
            return table->word;
    return NULL;
}

gboolean
amt_code(const AmtWord *table, const char *word, guint32 *code)
{
    for (; table->word != NULL; table++) {
        if (!g_str_equal(table->word, word))
            continue;
        *code = table->code;
        return TRUE;
    }
    return FALSE;
}

/* clang-format off */
const AmtWord amt_power_states[] = {
    {1, "other"}, {2, "on"}, {3, "sleep-light"}, {4, "sleep-deep"}, {5, "cycle"}, {6, "off"},
    {7, "hibernate"}, {8, "off-soft"}, {9, "cycle-hard"}, {10, "reset"}, {11, "nmi"},
    {12, "off-soft-graceful"}, {13, "off-graceful"}, {14, "reset-graceful"}, {15, "cycle-graceful"},
    {16, "cycle-hard-graceful"}, {17, "init"}, {0, NULL},
};

const AmtWord amt_enabled_states[] = {
    {0, "unknown"}, {1, "other"}, {2, "enabled"}, {3, "disabled"}, {4, "shutting-down"},
    {5, "not-applicable"}, {6, "enabled-offline"}, {7, "in-test"}, {8, "deferred"}, {9, "quiesce"},
    {10, "starting"}, {0, NULL},
};

const AmtWord amt_provisioning_states[] = {{0, "pre"}, {1, "in"}, {2, "post"}, {0, NULL}};
const AmtWord amt_provisioning_modes[] = {{1, "admin"}, {4, "client"}, {0, NULL}};
const AmtWord amt_control_modes[] = {{0, "none"}, {1, "client"}, {2, "admin"}, {0, NULL}};
const AmtWord amt_os_power_saving[] = {
    {0, "unknown"}, {1, "unsupported"}, {2, "full-power"}, {3, "saving"}, {0, NULL},
};

/* SMBIOS type 3, chassis type */
const AmtWord amt_chassis_types[] = {
    {1, "other"}, {2, "unknown"}, {3, "desktop"}, {4, "low-profile-desktop"}, {5, "pizza-box"},
    {6, "mini-tower"}, {7, "tower"}, {8, "portable"}, {9, "laptop"}, {10, "notebook"}, {11, "hand-held"},
    {12, "docking-station"}, {13, "all-in-one"}, {14, "sub-notebook"}, {15, "space-saving"},
    {16, "lunch-box"}, {17, "main-server"}, {23, "rack-mount"}, {24, "sealed-case"}, {30, "tablet"},
    {31, "convertible"}, {32, "detachable"}, {33, "iot-gateway"}, {34, "embedded"}, {35, "mini-pc"},
    {36, "stick-pc"}, {0, NULL},
};

/* CIM_Battery */
const AmtWord amt_battery_chemistries[] = {
    {1, "other"}, {2, "unknown"}, {3, "lead-acid"}, {4, "nickel-cadmium"}, {5, "nickel-metal-hydride"},
    {6, "lithium-ion"}, {7, "zinc-air"}, {8, "lithium-polymer"}, {0, NULL},
};
const AmtWord amt_battery_states[] = {
    {1, "other"}, {2, "unknown"}, {3, "fully-charged"}, {4, "low"}, {5, "critical"}, {6, "charging"},
    {7, "charging-and-high"}, {8, "charging-and-low"}, {9, "charging-and-critical"}, {10, "undefined"},
    {11, "partially-charged"}, {12, "learning"}, {13, "overcharged"}, {0, NULL},
};

/* SMBIOS type 17, memory type and form factor */
const AmtWord amt_memory_types[] = {
    {1, "other"}, {2, "unknown"}, {3, "dram"}, {7, "ram"}, {15, "sdram"}, {17, "rdram"}, {18, "ddr"},
    {19, "ddr2"}, {20, "ddr2-fb-dimm"}, {24, "ddr3"}, {25, "fbd2"}, {26, "ddr4"}, {27, "lpddr"},
    {28, "lpddr2"}, {29, "lpddr3"}, {30, "lpddr4"}, {34, "ddr5"}, {35, "lpddr5"}, {0, NULL},
};
const AmtWord amt_memory_forms[] = {
    {1, "other"}, {2, "unknown"}, {3, "simm"}, {4, "sip"}, {5, "chip"}, {6, "dip"}, {9, "dimm"},
    {11, "row-of-chips"}, {12, "rimm"}, {13, "sodimm"}, {14, "srimm"}, {15, "fb-dimm"}, {0, NULL},
};

/* PT_STATUS */
static const AmtWord statuses[] = {
    {0, "success"}, {1, "internal error"}, {2, "not ready"}, {3, "invalid PT mode"},
    {4, "invalid message length"}, {5, "table fingerprint not available"}, {6, "integrity check failed"},
    {7, "unsupported ISVS version"}, {8, "application not registered"}, {9, "invalid registration data"},
    {10, "application does not exist"}, {11, "not enough storage"}, {12, "invalid name"},
    {13, "block does not exist"}, {14, "invalid byte offset"}, {15, "invalid byte count"},
    {16, "not permitted"}, {17, "not owner"}, {18, "block locked by other"}, {19, "block not locked"},
    {20, "invalid group permissions"}, {21, "group does not exist"}, {22, "invalid member count"},
    {23, "maximum reached"}, {24, "invalid auth type"}, {25, "authentication failed"},
    {26, "invalid DHCP mode"}, {27, "invalid IP address"}, {28, "invalid domain name"},
    {29, "unsupported version"}, {30, "request unexpected"}, {31, "invalid table type"},
    {32, "invalid provisioning state"}, {33, "unsupported object"}, {34, "invalid time"},
    {35, "invalid index"}, {36, "invalid parameter"}, {37, "invalid netmask"},
    {38, "flash write limit exceeded"}, {39, "invalid image length"}, {40, "invalid image signature"},
    {41, "propose another version"}, {42, "invalid PID format"}, {43, "invalid PPS format"},
    {44, "BIST command blocked"}, {45, "connection failed"}, {46, "too many connections"},
    {47, "RNG generation in progress"}, {48, "RNG not ready"}, {49, "certificate not ready"},
    {1024, "disabled by policy"}, {2048, "network interface error"}, {2049, "unsupported OEM number"},
    {2050, "unsupported boot option"}, {2051, "invalid command"}, {2052, "invalid special command"},
    {2053, "invalid handle"}, {2054, "invalid password"}, {2055, "invalid realm"},
    {2056, "storage ACL entry in use"}, {2057, "data missing"}, {2058, "duplicate"},
    {2059, "event log frozen"}, {2060, "PKI missing keys"}, {2061, "PKI generating keys"},
    {2062, "invalid key"}, {2063, "invalid certificate"}, {2064, "certificate and key do not match"},
    {2065, "Kerberos domain limit"}, {2066, "unsupported"}, {2067, "invalid priority"},
    {2068, "not found"}, {2069, "invalid credentials"}, {2070, "invalid passphrase"},
    {2072, "no association"}, {2075, "audit failure"}, {2076, "blocking component"},
    {2081, "user consent required"}, {2082, "operation in progress"}, {0, NULL},
};
/* clang-format on */

const char *
amt_status_name(guint32 status)
{
    return amt_word(statuses, status);
}

/* 38 is wear-out protection of the flash: later works, trying again at once makes it worse. */
gint
amt_status_error(guint32 status)
{
    switch (status) {
    case 2:
    case 18:
    case 38:
    case 46:
    case 47:
    case 48:
    case 2061:
    case 2082:
        return POSTERN_ERROR_BUSY;
    case 16:
    case 17:
    case 1024:
        return POSTERN_ERROR_FORBIDDEN;
    case 33:
    case 2050:
    case 2066:
        return POSTERN_ERROR_NOT_SUPPORTED;
    case 2058:
        return POSTERN_ERROR_CONFLICT;
    case 2081:
        return POSTERN_ERROR_CONSENT;
    default:
        return -1;
    }
}
