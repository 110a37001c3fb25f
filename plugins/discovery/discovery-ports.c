/* SPDX-License-Identifier: Apache-2.0 */
/* discovery.ports: which ports of management does a machine answer at? */
#include "discovery.h"

#include <rmcp-presence.h>
#include <string.h>

enum { CONNECT_MS = 1500, PORTS_MOST = 64 };

static const struct {
    guint32 port;
    const char *service;
} known[] = {
    {16992, "AMT"},
    {16993, "AMT over TLS"},
    {16994, "AMT redirection"},
    {16995, "AMT redirection over TLS"},
    {5900, "KVM"},
    {5985, "WS-Management"},
    {5986, "WS-Management over TLS"},
    {135, "WMI (RPC)"},
};

/* One port, and the strand that tries it. */
typedef struct {
    const Discovery *discovery;
    guint32 port;
    const char *service, *state; /* static */
    PosternStrand *strand;
} Probe;

/* ---- TCP ---- */

static gboolean
try_port(PosternRun *run, gpointer data, GError **error)
{
    Probe *probe = data;
    const PosternStreamSvc *svc = probe->discovery->svc.stream;
    g_autoptr(GError) why = NULL;
    PosternResult options;
    PosternStream *stream;

    result_begin(&options);
    result_uint(&options, "timeout-ms", CONNECT_MS);
    stream = svc->connect(run, NULL, probe->port, result_end(&options), &why);
    svc->close(stream);
    probe->state = stream != NULL                           ? "open"
                   : why->code == POSTERN_ERROR_REFUSED     ? "closed"
                   : why->code == POSTERN_ERROR_TIMEOUT     ? "silent"
                   : why->code == POSTERN_ERROR_UNREACHABLE ? "unreachable"
                                                            : "not tried";
    return TRUE;
}

static gboolean
try_all(const Discovery *discovery, PosternRun *run, GArray *probes, GError **error)
{
    const PosternRunSvc *svc = discovery->svc.run;
    gboolean good = TRUE;

    for (guint i = 0; good && i < probes->len; i++) {
        Probe *probe = &g_array_index(probes, Probe, i);
        probe->strand = svc->spawn(run, try_port, probe, error);
        good = probe->strand != NULL;
    }
    for (guint i = 0; good && i < probes->len; i++)
        good = svc->join(g_array_index(probes, Probe, i).strand, error);
    return good && !svc->cancelled(run);
}

/* ---- what it means ---- */

static GVariant *
port_entry(guint32 port, const char *protocol, const char *state, const char *service)
{
    PosternResult entry;

    result_begin(&entry);
    result_uint(&entry, "port", port);
    result_string(&entry, "protocol", protocol);
    result_string(&entry, "state", state);
    result_string(&entry, "service", service);
    return result_end(&entry);
}

static void
check_address(PosternChecks *checks, const GArray *probes, gboolean pong)
{
    g_autoptr(GString) open = g_string_new(NULL);
    gboolean answers = pong, named = TRUE;

    for (guint i = 0; i < probes->len; i++) {
        const Probe *probe = &g_array_index(probes, Probe, i);
        const char *state = probe->state;

        if (strcmp(state, "open") == 0)
            g_string_append_printf(open, "%s%u", open->len > 0 ? ", " : "", probe->port);
        answers = answers || strcmp(state, "open") == 0 || strcmp(state, "closed") == 0;
        named = named && strcmp(state, "not tried") != 0;
    }
    if (!named)
        return; /* without an address there is nothing to say of it */
    if (answers)
        checks_ok(checks,
                  "address",
                  open->len > 0 ? open->str : "answers, and has none of these ports open");
    else
        checks_add(checks,
                   "address",
                   "note",
                   "unreachable",
                   "no answer at any port",
                   "an answer, be it that the port is closed",
                   "look whether the machine has power and a network, and whether a firewall drops "
                   "all packets");
}

static GVariant *
describe(const Discovery *discovery, PosternRun *run, const GArray *probes)
{
    RmcpPresence presence = {0};
    /* silence of a datagram port says nothing, so only an answer is told */
    gboolean pong = rmcp_presence_ask(&discovery->svc, run, RMCP_PORT, &presence);
    GVariantBuilder ports;
    PosternChecks checks;
    PosternResult result;

    g_variant_builder_init(&ports, G_VARIANT_TYPE("aa{sv}"));
    for (guint i = 0; i < probes->len; i++) {
        const Probe *probe = &g_array_index(probes, Probe, i);
        g_variant_builder_add_value(&ports,
                                    port_entry(probe->port, "tcp", probe->state, probe->service));
    }
    if (pong)
        g_variant_builder_add_value(
            &ports,
            port_entry(RMCP_PORT, "udp", "open", presence.amt ? "AMT presence" : "ASF presence"));
    checks_begin(&checks);
    check_address(&checks, probes, pong);
    result_begin(&result);
    result_value(&result, "ports", g_variant_builder_end(&ports));
    result_value(&result, "checks", checks_end(&checks));
    return result_end(&result);
}

/* ---- the task ---- */

static void
add_probe(const Discovery *discovery, GArray *probes, guint32 port, const char *service)
{
    Probe probe = {discovery, port, service, "not tried", NULL};

    for (guint i = 0; i < probes->len; i++)
        if (g_array_index(probes, Probe, i).port == port)
            return;
    g_array_append_val(probes, probe);
}

static gboolean
add_wanted(const Discovery *discovery, GArray *probes, GVariant *params, GError **error)
{
    g_auto(GStrv) more = params_strv(params, "ports");

    for (guint i = 0; i < G_N_ELEMENTS(known); i++)
        add_probe(discovery, probes, known[i].port, known[i].service);
    for (guint i = 0; more != NULL && more[i] != NULL; i++) {
        guint64 port = 0;

        if (!g_ascii_string_to_unsigned(more[i], 10, 1, 65535, &port, NULL) ||
            probes->len == PORTS_MOST)
            return postern_fail(error,
                                POSTERN_ERROR_BAD_PARAM,
                                "'%s' in ports: expected at most %d numbers from 1 to 65535",
                                more[i],
                                PORTS_MOST);
        add_probe(discovery, probes, (guint32)port, NULL);
    }
    return TRUE;
}

static GVariant *
run_ports(PosternRun *run, GVariant *params, gpointer self, GError **error)
{
    const Discovery *discovery = self;
    g_autoptr(GArray) probes = g_array_new(FALSE, FALSE, sizeof(Probe));

    if (!add_wanted(discovery, probes, params, error) || !try_all(discovery, run, probes, error))
        return NULL;
    return describe(discovery, run, probes);
}

/* clang-format off */
static const PosternField *const params[] = {
    POSTERN_FIELD_ITEM(.name = "ports", .type = "as", .fallback = "@as []", .summary = "further TCP ports to try, as numbers"),
    NULL,
};

static const PosternField *const outputs[] = {
    POSTERN_FIELD_ITEM(.name = "ports", .type = "aa{sv}", .flags = POSTERN_FIELD_REQUIRED,
                       .summary = "port u, protocol (tcp, udp), state (open; closed: refused; silent: no answer; unreachable; "
                                  "not tried), service"),
    POSTERN_CHECKS_FIELD,
    NULL,
};

const PosternTask discovery_ports_task = {
    .size = sizeof(PosternTask),
    .flags = POSTERN_TASK_READ_ONLY | POSTERN_TASK_IDEMPOTENT | POSTERN_TASK_PROBE,
    .version = 1,
    .timeout_ms = 30000,
    .id = "discovery.ports",
    .summary = "look at which ports of management a machine answers",
    .details = "TCP 16992 to 16995, 5900, 5985, 5986 and 135, all at once, and an RMCP presence ping to UDP 623. Whether a "
               "closed port matters is for the technology to say. A part of postern diagnose.",
    .params = params,
    .outputs = outputs,
    .run = run_ports,
};
/* clang-format on */
