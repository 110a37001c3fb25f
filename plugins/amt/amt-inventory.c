/* SPDX-License-Identifier: Apache-2.0 */
/*
 * amt.inventory.get: what the machine is made of.
 *
 * One request at a time, as few as possible: enumerating a base class often brings the derived ones along, and
 * what came along is not asked for again.
 */
#include "amt-facts.h"

#include <string.h>

#define STORAGE_TAG "Storage Media Package "

typedef enum {
    GROUP_SYSTEM = 1 << 0,
    GROUP_BOARD = 1 << 1,
    GROUP_BIOS = 1 << 2,
    GROUP_CPU = 1 << 3,
    GROUP_MEMORY = 1 << 4,
    GROUP_DISKS = 1 << 5,
    GROUP_NETWORK = 1 << 6,
    GROUP_FIRMWARE = 1 << 7,
    GROUP_AMT = 1 << 8,
    GROUP_BATTERIES = 1 << 9,
} Groups;

static const char *const group_names[] = {"system",
                                          "board",
                                          "bios",
                                          "cpu",
                                          "memory",
                                          "disks",
                                          "network",
                                          "firmware",
                                          "amt",
                                          "batteries",
                                          NULL};

/* Everything read, by class; a class that was asked for has an entry, possibly empty. */
typedef struct {
    WsMan *ws;
    guint groups;
    GHashTable *classes; /* class name to GPtrArray of a{sv} */
} Inventory;

static void
inventory_clear(Inventory *inventory)
{
    wsman_close(inventory->ws);
    g_clear_pointer(&inventory->classes, g_hash_table_unref);
}
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC(Inventory, inventory_clear)

static GPtrArray *
instances(Inventory *inventory, const char *class_name)
{
    GPtrArray *list = g_hash_table_lookup(inventory->classes, class_name);

    if (list == NULL) {
        list = g_ptr_array_new_with_free_func((GDestroyNotify)g_variant_unref);
        g_hash_table_insert(inventory->classes, g_strdup(class_name), list);
    }
    return list;
}

static GVariant *
first(Inventory *inventory, const char *class_name)
{
    GPtrArray *list = instances(inventory, class_name);

    return list->len == 0 ? NULL : g_ptr_array_index(list, 0);
}

static gboolean
keep(const WsmanItem *item, gpointer data, GError **error)
{
    g_ptr_array_add(instances(data, item->class_name), g_variant_ref(item->values));
    return TRUE;
}

/* All instances of a class and of those derived from it. A class that this release lacks is no failure. */
static gboolean
read_all(Inventory *inventory, const char *class_name, GError **error)
{
    g_autoptr(GError) why = NULL;

    if (g_hash_table_contains(inventory->classes, class_name))
        return TRUE;
    instances(inventory, class_name);
    if (wsman_enumerate(inventory->ws, class_name, FALSE, keep, inventory, &why) ||
        wsman_absent(inventory->ws))
        return TRUE;
    g_propagate_error(error, g_steal_pointer(&why));
    return FALSE;
}

static gboolean
read_one(Inventory *inventory, const char *class_name, GError **error)
{
    g_autoptr(GError) why = NULL;

    if (g_hash_table_contains(inventory->classes, class_name))
        return TRUE;
    GPtrArray *list = instances(inventory, class_name);
    GVariant *instance = amt_read_single(inventory->ws, class_name, &why);
    if (instance != NULL)
        g_ptr_array_add(list, instance);
    if (why == NULL)
        return TRUE;
    g_propagate_error(error, g_steal_pointer(&why));
    return FALSE;
}

typedef struct {
    guint groups; /* wanted for any of these */
    gboolean all; /* enumerate; else Get */
    const char *class_name;
} Query;

/* In this order: packages bring chassis and card along, chips bring memory. */
static const Query queries[] = {
    {GROUP_DISKS, TRUE, "CIM_PhysicalPackage"},
    {GROUP_DISKS, TRUE, "CIM_MediaAccessDevice"},
    {GROUP_SYSTEM, FALSE, "CIM_Chassis"},
    {GROUP_SYSTEM, FALSE, "CIM_ComputerSystemPackage"},
    {GROUP_BOARD, FALSE, "CIM_Card"},
    {GROUP_BIOS, FALSE, "CIM_BIOSElement"},
    {GROUP_CPU, TRUE, "CIM_Chip"},
    {GROUP_CPU, TRUE, "CIM_Processor"},
    {GROUP_MEMORY, TRUE, "CIM_PhysicalMemory"},
    {GROUP_NETWORK, TRUE, "AMT_EthernetPortSettings"},
    {GROUP_NETWORK | GROUP_AMT, FALSE, "AMT_GeneralSettings"},
    {GROUP_FIRMWARE, TRUE, "CIM_SoftwareIdentity"},
    {GROUP_BATTERIES, TRUE, "CIM_Battery"},
    {GROUP_AMT, FALSE, "AMT_SetupAndConfigurationService"},
    {GROUP_AMT, FALSE, "IPS_HostBasedSetupService"},
};

static gboolean
read_everything(Inventory *inventory, const Amt *amt, PosternRun *run, GError **error)
{
    for (guint i = 0; i < G_N_ELEMENTS(queries); i++) {
        const Query *query = &queries[i];
        if ((query->groups & inventory->groups) == 0)
            continue;
        amt->svc.run->progress(run, (double)i / G_N_ELEMENTS(queries), query->class_name);
        if (!(query->all ? read_all(inventory, query->class_name, error)
                         : read_one(inventory, query->class_name, error)))
            return FALSE;
    }
    return TRUE;
}

static GVariant *
facts_of(const AmtFact *facts, GVariant *instance)
{
    PosternResult result;

    result_begin(&result);
    amt_facts_add(&result, facts, instance);
    return result_end(&result);
}

/* Name and maker of a processor are properties of its chip, which has the same tag. */
static GVariant *
cpu_list(Inventory *inventory)
{
    GPtrArray *processors = instances(inventory, "CIM_Processor");
    GPtrArray *chips = instances(inventory, "CIM_Chip");
    GVariantBuilder list;

    g_variant_builder_init(&list, G_VARIANT_TYPE("aa{sv}"));
    for (guint i = 0; i < processors->len; i++) {
        GVariant *processor = g_ptr_array_index(processors, i);
        GVariant *chip = amt_find(chips, "Tag", params_string(processor, "DeviceID"));
        PosternResult cpu;
        result_begin(&cpu);
        amt_facts_add(&cpu, amt_processor_facts, processor);
        amt_facts_add(&cpu, amt_chip_facts, chip);
        g_variant_builder_add_value(&list, result_end(&cpu));
    }
    for (guint i = 0; processors->len == 0 && i < chips->len; i++)
        g_variant_builder_add_value(&list, facts_of(amt_chip_facts, g_ptr_array_index(chips, i)));
    return g_variant_builder_end(&list);
}

static GVariant *
memory_list(Inventory *inventory, guint64 *total)
{
    GPtrArray *modules = instances(inventory, "CIM_PhysicalMemory");
    GVariantBuilder list;

    *total = 0;
    g_variant_builder_init(&list, G_VARIANT_TYPE("aa{sv}"));
    for (guint i = 0; i < modules->len; i++) {
        GVariant *module = g_ptr_array_index(modules, i);
        guint64 capacity = params_uint64(module, "Capacity", 0);
        *total += capacity != G_MAXUINT64 ? capacity : 0;
        g_variant_builder_add_value(&list, facts_of(amt_memory_facts, module));
    }
    return g_variant_builder_end(&list);
}

static GVariant *
battery_list(Inventory *inventory)
{
    GPtrArray *batteries = instances(inventory, "CIM_Battery");
    GVariantBuilder list;

    g_variant_builder_init(&list, G_VARIANT_TYPE("aa{sv}"));
    for (guint i = 0; i < batteries->len; i++)
        g_variant_builder_add_value(&list,
                                    facts_of(amt_battery_facts, g_ptr_array_index(batteries, i)));
    return g_variant_builder_end(&list);
}

/* "MEDIA DEV 0" is in "Storage Media Package 0". */
static GVariant *
disk_list(Inventory *inventory)
{
    GPtrArray *devices = instances(inventory, "CIM_MediaAccessDevice");
    GPtrArray *packages = instances(inventory, "CIM_PhysicalPackage");
    GVariantBuilder list;

    g_variant_builder_init(&list, G_VARIANT_TYPE("aa{sv}"));
    for (guint i = 0; i < devices->len; i++) {
        GVariant *device = g_ptr_array_index(devices, i);
        const char *id = params_string(device, "DeviceID");
        const char *number = id == NULL ? NULL : strrchr(id, ' ');
        g_autofree char *tag = number == NULL ? NULL : g_strconcat(STORAGE_TAG, number + 1, NULL);
        PosternResult disk;
        result_begin(&disk);
        amt_facts_add(&disk, amt_media_facts, device);
        if (tag != NULL)
            amt_facts_add(&disk, amt_package_facts, amt_find(packages, "Tag", tag));
        g_variant_builder_add_value(&list, result_end(&disk));
    }
    return g_variant_builder_end(&list);
}

/* Instance 0 is the wired port even where there is none; only wireless ports have a WLAN protection level. */
static GVariant *
port_list(Inventory *inventory)
{
    GPtrArray *ports = instances(inventory, "AMT_EthernetPortSettings");
    GVariantBuilder list;

    g_variant_builder_init(&list, G_VARIANT_TYPE("aa{sv}"));
    for (guint i = 0; i < ports->len; i++) {
        GVariant *port = g_ptr_array_index(ports, i);
        const char *id = params_string(port, "InstanceID");
        g_autoptr(GVariant) level = params_value(port, "WLANLinkProtectionLevel", NULL);
        gboolean wireless = level != NULL || (id != NULL && g_str_has_suffix(id, " 1"));
        PosternResult facts;
        result_begin(&facts);
        result_string(&facts, "kind", wireless ? "wireless" : "wired");
        amt_facts_add(&facts, amt_port_facts, port);
        g_variant_builder_add_value(&list, result_end(&facts));
    }
    return g_variant_builder_end(&list);
}

static char *
machine_uuid(Inventory *inventory)
{
    GVariant *package = first(inventory, "CIM_ComputerSystemPackage");

    return package == NULL ? NULL : amt_uuid(params_string(package, "PlatformGUID"));
}

static GVariant *
system_facts(Inventory *inventory)
{
    g_autofree char *uuid = machine_uuid(inventory);
    PosternResult facts;

    result_begin(&facts);
    result_string(&facts, "uuid", uuid);
    amt_facts_add(&facts, amt_chassis_facts, first(inventory, "CIM_Chassis"));
    return result_end(&facts);
}

static GVariant *
amt_facts(Inventory *inventory)
{
    PosternResult facts;

    result_begin(&facts);
    amt_facts_add(&facts, amt_setup_facts, first(inventory, "AMT_SetupAndConfigurationService"));
    amt_facts_add(&facts, amt_control_facts, first(inventory, "IPS_HostBasedSetupService"));
    amt_facts_add(&facts, amt_general_facts, first(inventory, "AMT_GeneralSettings"));
    return result_end(&facts);
}

static GVariant *
absent_classes(Inventory *inventory)
{
    GVariantBuilder names;

    g_variant_builder_init(&names, G_VARIANT_TYPE_STRING_ARRAY);
    for (guint i = 0; i < G_N_ELEMENTS(queries); i++)
        if ((queries[i].groups & inventory->groups) != 0 &&
            instances(inventory, queries[i].class_name)->len == 0)
            g_variant_builder_add(&names, "s", queries[i].class_name);
    return g_variant_builder_end(&names);
}

/* The few facts that tables and lists of machines want, beside the groups. */
static void
add_headline(PosternResult *result, GVariant *group, const char *member, const char *name)
{
    g_autoptr(GVariant) value = params_value(group, member, NULL);

    result_value(result, name, value);
}

static void
add_group(PosternResult *result,
          const char *name,
          GVariant *floating,
          const char *const headlines[])
{
    g_autoptr(GVariant) group = g_variant_ref_sink(floating);

    for (guint i = 0; headlines != NULL && headlines[i] != NULL; i += 2)
        add_headline(result, group, headlines[i], headlines[i + 1]);
    result_value(result, name, group);
}

static void
add_memory(PosternResult *result, Inventory *inventory)
{
    guint64 total = 0;

    result_value(result, "memory", memory_list(inventory, &total));
    if (total > 0)
        result_uint64(result, "memory-bytes", total);
}

static GVariant *
describe(Inventory *inventory)
{
    static const char *const system[] = {"uuid",
                                         "uuid",
                                         "manufacturer",
                                         "manufacturer",
                                         "model",
                                         "model",
                                         "serial-number",
                                         "serial-number",
                                         NULL};
    static const char *const bios[] = {"version", "bios-version", NULL};
    static const char *const firmware[] = {"amt-version", "amt-version", NULL};
    static const char *const amt[] = {
        "host-name", "host-name", "control-mode", "control-mode", NULL};
    guint groups = inventory->groups;
    PosternResult result;

    result_begin(&result);
    if (groups & GROUP_SYSTEM)
        add_group(&result, "system", system_facts(inventory), system);
    if (groups & GROUP_BOARD)
        add_group(&result, "board", facts_of(amt_card_facts, first(inventory, "CIM_Card")), NULL);
    if (groups & GROUP_BIOS)
        add_group(
            &result, "bios", facts_of(amt_bios_facts, first(inventory, "CIM_BIOSElement")), bios);
    if (groups & GROUP_CPU)
        result_value(&result, "cpus", cpu_list(inventory));
    if (groups & GROUP_MEMORY)
        add_memory(&result, inventory);
    if (groups & GROUP_DISKS)
        result_value(&result, "disks", disk_list(inventory));
    if (groups & GROUP_NETWORK)
        result_value(&result, "network", port_list(inventory));
    if (groups & GROUP_BATTERIES)
        result_value(&result, "batteries", battery_list(inventory));
    if (groups & GROUP_FIRMWARE)
        add_group(&result,
                  "firmware",
                  amt_firmware_facts(instances(inventory, "CIM_SoftwareIdentity")),
                  firmware);
    if (groups & GROUP_AMT)
        add_group(&result, "amt", amt_facts(inventory), amt);
    result_value(&result, "absent", absent_classes(inventory));
    return result_end(&result);
}

static gboolean
read_groups(GVariant *params, guint *groups, GError **error)
{
    g_auto(GStrv) names = params_strv(params, "groups");

    *groups = 0;
    for (guint i = 0; names != NULL && names[i] != NULL; i++) {
        guint bit = 0;
        while (group_names[bit] != NULL && !g_str_equal(group_names[bit], names[i]))
            bit++;
        if (group_names[bit] == NULL)
            return postern_fail(
                error,
                POSTERN_ERROR_BAD_PARAM,
                "'%s' is no inventory group, expected some of: system, board, bios, cpu, "
                "memory, disks, network, firmware, amt, batteries",
                names[i]);
        *groups |= 1u << bit;
    }
    if (*groups == 0)
        *groups = (1u << (G_N_ELEMENTS(group_names) - 1)) - 1;
    return TRUE;
}

static void
add_fqdn(PosternResult *facts, GVariant *general)
{
    const char *host = general != NULL ? params_string(general, "HostName") : NULL;
    const char *domain = general != NULL ? params_string(general, "DomainName") : NULL;
    g_autofree char *fqdn = NULL;

    if (host == NULL || domain == NULL || *host == '\0' || *domain == '\0')
        return;
    fqdn = strchr(host, '.') != NULL ? g_strdup(host) : g_strconcat(host, ".", domain, NULL);
    result_string(facts, "fqdn", fqdn);
}

static void
add_macs(PosternResult *facts, GVariant *result)
{
    g_autoptr(GVariant) ports = params_value(result, "network", "aa{sv}");
    g_autoptr(GStrvBuilder) macs = g_strv_builder_new();
    g_auto(GStrv) list = NULL;

    for (gsize i = 0; ports != NULL && i < g_variant_n_children(ports); i++) {
        g_autoptr(GVariant) port = g_variant_get_child_value(ports, i);
        const char *mac = params_string(port, "mac");
        if (mac != NULL)
            g_strv_builder_add(macs, mac);
    }
    list = g_strv_builder_end(macs);
    if (list[0] != NULL)
        result_value(facts, "mac", g_variant_new_strv((const char *const *)list, -1));
}

/* What the fleet may ask for. */
static void
tell_host(Inventory *inventory, const Amt *amt, PosternRun *run, GVariant *result)
{
    static const char *const names[] = {"uuid",
                                        "uuid",
                                        "manufacturer",
                                        "manufacturer",
                                        "model",
                                        "model",
                                        "serial-number",
                                        "serial",
                                        "bios-version",
                                        "bios.version",
                                        "amt-version",
                                        "amt.version",
                                        "control-mode",
                                        "amt.control-mode"};
    PosternResult facts;

    result_begin(&facts);
    for (guint i = 0; i < G_N_ELEMENTS(names); i += 2)
        result_string(&facts, names[i + 1], params_string(result, names[i]));
    add_fqdn(&facts, first(inventory, "AMT_GeneralSettings"));
    add_macs(&facts, result);
    amt_observe(amt, run, result_end(&facts));
}

static GVariant *
run_get(PosternRun *run, GVariant *params, gpointer self, GError **error)
{
    g_auto(Inventory) inventory = {0};
    g_autoptr(GVariant) result = NULL;

    if (!read_groups(params, &inventory.groups, error))
        return NULL;
    inventory.classes =
        g_hash_table_new_full(g_str_hash, g_str_equal, g_free, (GDestroyNotify)g_ptr_array_unref);
    inventory.ws = amt_open(self, run, params, error);
    if (inventory.ws == NULL || !read_everything(&inventory, self, run, error))
        return NULL;
    result = g_variant_ref_sink(describe(&inventory));
    tell_host(&inventory, self, run, result);
    return g_steal_pointer(&result);
}

/* clang-format off */
static const PosternField *const get_params[] = {
    POSTERN_FIELD_ITEM(.name = "groups", .type = "as", .fallback = "@as []",
                       .summary = "parts to read: system, board, bios, cpu, memory, disks, network, firmware, amt, batteries; none: all"),
    AMT_COMMON_PARAMS,
    NULL,
};

static const PosternField *const outputs[] = {
    POSTERN_FIELD_ITEM(.name = "uuid", .type = "s", .format = "guid", .summary = "the machine's UUID"),
    POSTERN_FIELD_ITEM(.name = "manufacturer", .type = "s", .summary = "maker of the machine"),
    POSTERN_FIELD_ITEM(.name = "model", .type = "s", .summary = "model of the machine"),
    POSTERN_FIELD_ITEM(.name = "serial-number", .type = "s", .summary = "serial number of the machine"),
    POSTERN_FIELD_ITEM(.name = "host-name", .type = "s", .summary = "host name the firmware uses"),
    POSTERN_FIELD_ITEM(.name = "control-mode", .type = "s", .summary = "none, client or admin (AMT 6.2 and later)"),
    POSTERN_FIELD_ITEM(.name = "bios-version", .type = "s", .summary = "BIOS version"),
    POSTERN_FIELD_ITEM(.name = "amt-version", .type = "s", .summary = "AMT firmware version"),
    POSTERN_FIELD_ITEM(.name = "memory-bytes", .type = "t", .format = "bytes", .summary = "all memory modules together"),
    POSTERN_FIELD_ITEM(.name = "system", .type = "a{sv}",
                       .summary = "uuid, manufacturer, model, serial-number, version, chassis-type"),
    POSTERN_FIELD_ITEM(.name = "board", .type = "a{sv}", .summary = "manufacturer, model, serial-number, version"),
    POSTERN_FIELD_ITEM(.name = "bios", .type = "a{sv}", .summary = "manufacturer, version, release-date"),
    POSTERN_FIELD_ITEM(.name = "cpus", .type = "aa{sv}",
                       .summary = "name, manufacturer, max-clock-mhz u, current-clock-mhz u, bus-clock-mhz u, family u, stepping, id"),
    POSTERN_FIELD_ITEM(.name = "memory", .type = "aa{sv}",
                       .summary = "bank, capacity-bytes t, type, form-factor, speed-mhz u, max-speed-mhz u, part-number, "
                                  "serial-number, manufacturer (as stored, often a JEDEC number in hex), tag"),
    POSTERN_FIELD_ITEM(.name = "disks", .type = "aa{sv}", .summary = "id, size-bytes t, model, serial-number"),
    POSTERN_FIELD_ITEM(.name = "network", .type = "aa{sv}",
                       .summary = "kind (wired, wireless), mac, ip-address, subnet-mask, default-gateway, dhcp b, link-up b ..."),
    POSTERN_FIELD_ITEM(.name = "batteries", .type = "aa{sv}",
                       .summary = "id, chemistry, status, design-capacity-mwh u, full-capacity-mwh u, design-voltage-mv u"),
    POSTERN_FIELD_ITEM(.name = "firmware", .type = "a{sv}",
                       .summary = "amt-version, build, sku u, sku-names as, flash, netstack, recovery-version, legacy-mode ..."),
    POSTERN_FIELD_ITEM(.name = "amt", .type = "a{sv}",
                       .summary = "provisioning-state, provisioning-mode, control-mode, host-name, domain-name, digest-realm ..."),
    POSTERN_FIELD_ITEM(.name = "absent", .type = "as", .flags = POSTERN_FIELD_REQUIRED,
                       .summary = "classes asked for that have no instance here, or that this release lacks"),
    NULL,
};

const PosternTask amt_inventory_get_task = {
    .size = sizeof(PosternTask),
    .flags = POSTERN_TASK_READ_ONLY | POSTERN_TASK_IDEMPOTENT,
    .version = 1,
    .timeout_ms = 120000,
    .id = "amt.inventory.get",
    .summary = "read hardware, firmware and network of a machine",
    .details = "The hardware parts are what the BIOS told at the last start: a machine that never started since it was "
               "set up has none. What the device does not know is not in the result. Least realms: Hardware Asset and "
               "General Info.",
    .params = get_params,
    .outputs = outputs,
    .credentials = amt_credentials,
    .run = run_get,
};
/* clang-format on */
