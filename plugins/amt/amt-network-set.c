/* SPDX-License-Identifier: Apache-2.0 */
/*
 * amt.network.set: change the addresses of a port.
 *
 * A Put that changes the address in use never gets its answer. It is not repeated: the device is looked for at the new
 * address and at the old one, and its MAC tells whether it is the same.
 */
#include "amt-network.h"

#include <arpa/inet.h>
#include <string.h>

enum { STEP_MS = 2000, LOST_MS = 30000 };

/* The properties that only a static address of its own has, and that make a Put fail otherwise. */
static const struct {
    const char *property, *name;
} addresses[] = {
    {"IPAddress", "address"},
    {"SubnetMask", "mask"},
    {"DefaultGateway", "gateway"},
    {"PrimaryDNS", "primary-dns"},
    {"SecondaryDNS", "secondary-dns"},
};
static const struct {
    const char *property, *name, *type;
} others[] = {
    {"IpSyncEnabled", "ip-sync", "b"},
    {"SharedStaticIp", "shared-static-ip", "b"},
    {"VLANTag", "vlan", "u"},
};

typedef struct {
    const Amt *amt;
    PosternRun *run;
    GVariant *params;
    gboolean wireless, dhcp, sync;
    GVariant *port;      /* as it is */
    GVariant *changes;   /* a{sv} by property; what is to go is a `mv` without a value */
    gboolean moves;      /* something is different from what is so */
    const char *address; /* the wanted static one; NULL: none */
    char *answers_at;
    gboolean confirmed;
} Change;

static void
change_clear(Change *change)
{
    g_clear_pointer(&change->port, g_variant_unref);
    g_clear_pointer(&change->changes, g_variant_unref);
    g_free(change->answers_at);
}
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC(Change, change_clear)

/* ---- checks ---- */

static gboolean
read_ipv4(const char *text, guint32 *address)
{
    struct in_addr in;

    if (text == NULL || inet_pton(AF_INET, text, &in) != 1)
        return FALSE;
    *address = ntohl(in.s_addr);
    return TRUE;
}

/* Ones, then zeros, and room for two machines. */
static gboolean
is_mask(guint32 mask)
{
    guint32 hosts = ~mask;

    return mask != 0 && (hosts & (hosts + 1)) == 0 && hosts >= 3;
}

char *
amt_address_problem(const char *address, const char *mask, const char *gateway)
{
    guint32 own, net, way = 0;

    if (!read_ipv4(address, &own) || own >> 24 == 0 || own >> 24 >= 224)
        return g_strdup_printf("address %s is no IPv4 address of a machine", address);
    if (!read_ipv4(mask, &net) || !is_mask(net))
        return g_strdup_printf("mask %s is no network mask: expected ones, then zeros, as in "
                               "255.255.255.0",
                               mask);
    if ((own & ~net) == 0 || (own & ~net) == ~net)
        return g_strdup_printf(
            "address %s is that of its network or its broadcasts, with mask %s", address, mask);
    if (gateway == NULL)
        return NULL;
    if (!read_ipv4(gateway, &way))
        return g_strdup_printf("gateway %s is no IPv4 address", gateway);
    if ((way & net) != (own & net) || way == own)
        return g_strdup_printf(
            "gateway %s is not another machine in the network of %s with mask %s",
            gateway,
            address,
            mask);
    return NULL;
}

/* A text that is asked for; else, where the port has a static address of its own now, what is so. */
static const char *
wanted_text(const Change *change, guint i)
{
    const char *text = params_string(change->params, addresses[i].name);
    gboolean own = !params_bool(change->port, "DHCPEnabled", TRUE) &&
                   !params_bool(change->port, "IpSyncEnabled", FALSE);

    return text != NULL || !own ? text : params_string(change->port, addresses[i].property);
}

static gboolean
check_static(const Change *change, GError **error)
{
    const char *address = wanted_text(change, 0), *mask = wanted_text(change, 1);
    g_autofree char *problem = NULL;
    guint32 server;

    if (address == NULL || mask == NULL)
        return postern_fail(error,
                            POSTERN_ERROR_BAD_PARAM,
                            "a static address needs address and mask, found no %s",
                            address == NULL ? "address" : "mask");
    for (guint i = 3; i < G_N_ELEMENTS(addresses); i++) {
        const char *text = params_string(change->params, addresses[i].name);
        if (text != NULL && !read_ipv4(text, &server))
            return postern_fail(error,
                                POSTERN_ERROR_BAD_PARAM,
                                "%s %s is no IPv4 address",
                                addresses[i].name,
                                text);
    }
    problem = amt_address_problem(address, mask, wanted_text(change, 2));
    return problem == NULL || postern_fail(error, POSTERN_ERROR_BAD_PARAM, "%s", problem);
}

/* Addresses are given by DHCP, by the operating system, or by us: only then may they be named. */
static gboolean
check_no_addresses(const Change *change, GError **error)
{
    for (guint i = 0; i < G_N_ELEMENTS(addresses); i++)
        if (params_string(change->params, addresses[i].name) != NULL)
            return postern_fail(error,
                                POSTERN_ERROR_BAD_PARAM,
                                "%s is for a static address, and %s: give %s as well",
                                addresses[i].name,
                                change->dhcp ? "the port takes its own from DHCP"
                                             : "the port follows the operating system's (ip-sync)",
                                change->dhcp ? "dhcp=no" : "ip-sync=no");
    return TRUE;
}

static gboolean
check_others(const Change *change, GError **error)
{
    guint32 vlan = params_uint(change->params, "vlan", 0);

    for (guint i = 0; i < G_N_ELEMENTS(others); i++) {
        g_autoptr(GVariant) wanted = params_value(change->params, others[i].name, NULL);
        g_autoptr(GVariant) is = params_value(change->port, others[i].property, NULL);
        if (wanted != NULL && is == NULL)
            return postern_fail(error,
                                POSTERN_ERROR_NOT_SUPPORTED,
                                "this port has no %s (%s): nothing was changed",
                                others[i].name,
                                others[i].property);
    }
    return vlan <= 4094 || postern_fail(error,
                                        POSTERN_ERROR_BAD_PARAM,
                                        "vlan is %u, expected 1 to 4094, or 0 for none",
                                        vlan);
}

/* ---- what is to be written ---- */

static gint
compare_codes(gconstpointer a, gconstpointer b)
{
    guint32 x = *(const guint32 *)a, y = *(const guint32 *)b;

    return x < y ? -1 : x > y;
}

/* The codes of a policy, sorted; NULL: it is no policy. */
static GArray *
sorted_codes(GVariant *policy)
{
    GArray *codes;
    gconstpointer list;
    gsize count = 0;

    if (!g_variant_is_of_type(policy, G_VARIANT_TYPE("au")))
        return NULL;
    codes = g_array_new(FALSE, FALSE, sizeof(guint32));
    list = g_variant_get_fixed_array(policy, &count, sizeof(guint32));
    if (count > 0)
        g_array_append_vals(codes, list, (guint)count);
    g_array_sort(codes, compare_codes);
    return codes;
}

/* The order of a policy is the device's own; one that is not told is empty. */
static gboolean
is_so(GVariant *is, GVariant *wanted)
{
    g_autoptr(GArray) a = sorted_codes(wanted);
    g_autoptr(GArray) b = a != NULL && is != NULL ? sorted_codes(is) : NULL;

    if (a == NULL || is == NULL)
        return a != NULL ? a->len == 0 : is != NULL && g_variant_equal(is, wanted);
    return b != NULL && a->len == b->len &&
           (a->len == 0 || memcmp(a->data, b->data, a->len * sizeof(guint32)) == 0);
}

static void
add_change(Change *change, PosternResult *changes, const char *property, GVariant *wanted)
{
    g_autoptr(GVariant) owned = g_variant_ref_sink(wanted);
    g_autoptr(GVariant) is = params_value(change->port, property, NULL);

    if (is_so(is, owned))
        return;
    result_value(changes, property, owned);
    change->moves = TRUE;
}

static void
add_addresses(Change *change, PosternResult *changes)
{
    for (guint i = 0; i < G_N_ELEMENTS(addresses); i++) {
        const char *wanted = change->dhcp || change->sync ? NULL : wanted_text(change, i);
        if (wanted != NULL)
            add_change(change, changes, addresses[i].property, g_variant_new_string(wanted));
        else
            result_value(
                changes, addresses[i].property, g_variant_new_maybe(G_VARIANT_TYPE_VARIANT, NULL));
    }
    change->address = change->dhcp || change->sync ? NULL : wanted_text(change, 0);
}

/* In the order of the codes. Floating; NULL with `error`. */
static GVariant *
read_policy(GVariant *params, GError **error)
{
    g_auto(GStrv) words = params_strv(params, "link-policy");
    g_autoptr(GArray) codes = g_array_new(FALSE, FALSE, sizeof(guint32));

    for (guint i = 0; words != NULL && words[i] != NULL; i++) {
        guint32 code;
        if (!amt_policy_code(words[i], &code)) {
            postern_fail(error,
                         POSTERN_ERROR_BAD_PARAM,
                         "link-policy '%s' is none: expected s0-ac, sx-ac, s0-dc or sx-dc",
                         words[i]);
            return NULL;
        }
        g_array_append_val(codes, code);
    }
    g_array_sort(codes, compare_codes);
    return g_variant_new_fixed_array(
        G_VARIANT_TYPE_UINT32, codes->data, codes->len, sizeof(guint32));
}

static gboolean
add_others(Change *change, PosternResult *changes, GError **error)
{
    g_autoptr(GVariant) policy = params_value(change->params, "link-policy", "as");
    GVariant *codes = policy != NULL ? read_policy(change->params, error) : NULL;

    if (policy != NULL && codes == NULL)
        return FALSE;
    if (codes != NULL)
        add_change(change, changes, "LinkPolicy", codes);
    add_change(change, changes, "DHCPEnabled", g_variant_new_boolean(change->dhcp));
    for (guint i = 0; i < G_N_ELEMENTS(others); i++) {
        g_autoptr(GVariant) wanted = params_value(change->params, others[i].name, others[i].type);
        if (wanted != NULL)
            add_change(change, changes, others[i].property, wanted);
    }
    return TRUE;
}

/* All checks, then what to write. */
static gboolean
plan(Change *change, GError **error)
{
    PosternResult changes;

    change->dhcp =
        params_bool(change->params, "dhcp", params_bool(change->port, "DHCPEnabled", TRUE));
    change->sync =
        params_bool(change->params, "ip-sync", params_bool(change->port, "IpSyncEnabled", FALSE));
    if (!check_others(change, error) ||
        !(change->dhcp || change->sync ? check_no_addresses(change, error)
                                       : check_static(change, error)))
        return FALSE;
    result_begin(&changes);
    add_addresses(change, &changes);
    if (add_others(change, &changes, error)) {
        change->changes = g_variant_ref_sink(result_end(&changes));
        return TRUE;
    }
    g_variant_builder_clear(&changes);
    return FALSE;
}

/* ---- writing, and finding the device again ---- */

static const char *
port_key(const Change *change)
{
    return change->wireless ? AMT_WIRELESS_PORT : AMT_WIRED_PORT;
}

/* The port as the machine at `host` tells it; NULL: nobody answers there, or another machine. */
static GVariant *
look_at(Change *change, const char *host)
{
    g_autoptr(GError) why = NULL;
    g_autoptr(WsMan) ws = amt_open_at(change->amt, change->run, change->params, host, &why);
    g_autoptr(GVariant) port = ws != NULL ? amt_read_port(ws, change->wireless, &why) : NULL;

    if (port == NULL || g_strcmp0(params_string(port, "MACAddress"),
                                  params_string(change->port, "MACAddress")) != 0)
        return NULL;
    change->answers_at = g_strdup(host);
    return g_steal_pointer(&port);
}

/* What was to be set, for people: IPAddress '192.168.6.9', DHCPEnabled false. Newly allocated. */
static char *
asked_text(const Change *change)
{
    GString *text = g_string_new(NULL);
    GVariantIter iter;
    const char *property;
    GVariant *value;

    g_variant_iter_init(&iter, change->changes);
    while (g_variant_iter_loop(&iter, "{&sv}", &property, &value)) {
        g_autofree char *printed = g_variant_print(value, FALSE);
        if (!g_variant_is_of_type(value, G_VARIANT_TYPE_MAYBE))
            g_string_append_printf(text, "%s%s %s", text->len > 0 ? ", " : "", property, printed);
    }
    return g_string_free(text, FALSE);
}

static GVariant *
find_again(Change *change, GError *lost, GError **error)
{
    const PosternRunSvc *svc = change->amt->svc.run;
    const char *host = svc->host(change->run);
    gint64 most = MIN(LOST_MS, svc->remaining_ms(change->run) - 2 * STEP_MS);
    gint64 until = g_get_monotonic_time() + most * 1000;

    /* looking takes time of its own where nobody answers */
    for (gint64 waited = 0; waited < most && g_get_monotonic_time() < until; waited += STEP_MS) {
        GVariant *port = NULL;
        if (!svc->sleep(change->run, STEP_MS, error))
            return NULL;
        svc->progress(change->run, -1, "looking for the machine");
        if (change->address != NULL && strcmp(change->address, host) != 0)
            port = look_at(change, change->address);
        if (port == NULL)
            port = look_at(change, host);
        if (port != NULL)
            return port;
    }
    g_autofree char *asked = asked_text(change);
    g_set_error(error,
                POSTERN_ERROR,
                lost->code,
                "the answer was lost (%s), and the machine is found neither at %s nor at %s; it "
                "was asked once for %s; look for it by its name, or in the DHCP server's leases",
                lost->message,
                host,
                change->address != NULL ? change->address : "another address that is known",
                asked);
    return NULL;
}

/* Writes once. The port as it is afterwards. */
static GVariant *
carry_out(Change *change, WsMan *ws, GError **error)
{
    g_autoptr(GError) why = NULL;
    g_autoptr(GVariant) stored = wsman_put(
        ws, AMT_PORT_CLASS, amt_key("InstanceID", port_key(change)), change->changes, FALSE, &why);
    GVariant *port = NULL;

    change->confirmed = stored != NULL;
    if (stored != NULL)
        port = amt_read_port(ws, change->wireless, &why);
    if (port != NULL) {
        change->answers_at = g_strdup(change->amt->svc.run->host(change->run));
        return port;
    }
    if (amt_is_lost(ws, why))
        return find_again(change, why, error);
    g_propagate_error(error, g_steal_pointer(&why));
    return NULL;
}

static gboolean
check_taken(const Change *change, GVariant *port, GError **error)
{
    GVariantIter iter;
    const char *property;
    GVariant *wanted;
    gboolean good = TRUE;

    g_variant_iter_init(&iter, change->changes);
    while (good && g_variant_iter_next(&iter, "{&sv}", &property, &wanted)) {
        g_autoptr(GVariant) owned = wanted;
        g_autoptr(GVariant) is = params_value(port, property, NULL);
        if (g_variant_is_of_type(owned, G_VARIANT_TYPE_MAYBE))
            continue;
        good = is_so(is, owned) ||
               postern_fail(error,
                            POSTERN_ERROR_CONFLICT,
                            "the device answers at %s, and its %s is not as it was asked for; "
                            "read what it has with amt.network.get",
                            change->answers_at,
                            property);
    }
    return good;
}

static GVariant *
describe(const Change *change, GVariant *port)
{
    PosternResult result;

    result_begin(&result);
    result_value(&result, change->wireless ? "wireless" : "wired", amt_describe_port(port));
    result_bool(&result, "changed", change->moves);
    if (change->moves) {
        result_bool(&result, "confirmed", change->confirmed);
        if (g_strcmp0(change->answers_at, change->amt->svc.run->host(change->run)) != 0)
            result_string(&result, "answers-at", change->answers_at);
    }
    return result_end(&result);
}

static GVariant *
run_set(PosternRun *run, GVariant *params, gpointer self, GError **error)
{
    g_auto(Change) change = {.amt = self, .run = run, .params = params};
    g_autoptr(WsMan) ws = amt_open(self, run, params, error);
    g_autoptr(GVariant) found = NULL;

    if (ws == NULL)
        return NULL;
    change.wireless = g_strcmp0(params_string(params, "port"), "wireless") == 0;
    change.port = amt_read_port(ws, change.wireless, error);
    if (change.port == NULL || !plan(&change, error))
        return NULL;
    if (!change.moves)
        return describe(&change, change.port);
    if (!amt_check_identity(self, run, ws, error))
        return NULL;
    found = carry_out(&change, ws, error);
    return found != NULL && check_taken(&change, found, error) ? describe(&change, found) : NULL;
}

/* clang-format off */
static const char *const ports[] = {"wired", "wireless", NULL};

static const PosternField *const set_params[] = {
    POSTERN_FIELD_ITEM(.name = "port", .type = "s", .choices = ports, .fallback = "'wired'", .summary = "which port"),
    POSTERN_FIELD_ITEM(.name = "dhcp", .type = "b", .summary = "take the address from DHCP; no: a static one"),
    POSTERN_FIELD_ITEM(.name = "address", .type = "s", .format = "ipaddr", .summary = "static IPv4 address"),
    POSTERN_FIELD_ITEM(.name = "mask", .type = "s", .format = "ipaddr", .summary = "its network mask, 255.255.255.0"),
    POSTERN_FIELD_ITEM(.name = "gateway", .type = "s", .format = "ipaddr", .summary = "default gateway, in the same network"),
    POSTERN_FIELD_ITEM(.name = "primary-dns", .type = "s", .format = "ipaddr", .summary = "first DNS server"),
    POSTERN_FIELD_ITEM(.name = "secondary-dns", .type = "s", .format = "ipaddr", .summary = "second DNS server"),
    POSTERN_FIELD_ITEM(.name = "ip-sync", .type = "b", .summary = "follow the operating system's static address"),
    POSTERN_FIELD_ITEM(.name = "shared-static-ip", .type = "b", .summary = "share one static address with the operating system"),
    POSTERN_FIELD_ITEM(.name = "vlan", .type = "u", .summary = "VLAN tag, where the firmware has it; 0: none"),
    POSTERN_FIELD_ITEM(.name = "link-policy", .type = "as",
                       .summary = "when the firmware keeps the link: s0-ac, sx-ac, s0-dc, sx-dc"),
    AMT_COMMON_PARAMS,
    NULL,
};

static const PosternField *const set_outputs[] = {
    POSTERN_FIELD_ITEM(.name = "wired", .type = "a{sv}", .summary = "the port as it is afterwards, if it is the one: see amt.network.get"),
    POSTERN_FIELD_ITEM(.name = "wireless", .type = "a{sv}", .summary = "likewise"),
    POSTERN_FIELD_ITEM(.name = "changed", .type = "b", .flags = POSTERN_FIELD_REQUIRED, .summary = "false: it was so already"),
    POSTERN_FIELD_ITEM(.name = "confirmed", .type = "b",
                       .summary = "the device answered; false: its answer was lost, and it was found again"),
    POSTERN_FIELD_ITEM(.name = "answers-at", .type = "s", .summary = "where it answers now; absent: where it did before"),
    NULL,
};

const PosternTask amt_network_set_task = {
    .size = sizeof(PosternTask),
    .flags = POSTERN_TASK_DISRUPTIVE,
    .version = 1,
    .timeout_ms = 180000,
    .id = "amt.network.set",
    .summary = "change the firmware's address, DNS servers or link policy, and read back what was taken",
    .details = "AMT_EthernetPortSettings. What is not named stays as it is; all is checked before anything is written, and it is written "
               "once. A change of the address in use cuts the connection: then the machine is looked for at the new and at "
               "the old address for 30 seconds, and told apart by its MAC. Least realm: PT Administration.",
    .params = set_params,
    .outputs = set_outputs,
    .credentials = amt_credentials,
    .run = run_set,
};
/* clang-format on */
