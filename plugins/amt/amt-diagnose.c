/* SPDX-License-Identifier: Apache-2.0 */
/*
 * amt.diagnose: the chain from the port to the features of a device, link by link, as far as it holds.
 */
#include "amt-diagnose.h"

#include "amt-facts.h"
#include "amt-needs.h"

#include <rmcp-presence.h>
#include <string.h>

#define SKEW_MOST 60

typedef struct {
    const Amt *amt;
    PosternRun *run;
    GVariant *params;
    PosternChecks checks;
    PosternResult facts;
    GVariant *known; /* of this machine, a{sv} */
    gboolean answers_ping;
    RmcpPresence presence;
} Diagnosis;

/* ---- ports ---- */

/* Who says so by the ping knows best; else a machine that is up and has nothing open has it switched off. */
static void
explain_closed(Diagnosis *d, const char *found)
{
    static const char hint[] = "set AMT up: until then it opens no port";

    if (d->answers_ping && d->presence.amt && d->presence.setup != 2) {
        checks_add(
            &d->checks, "port", "note", "port-closed", found, "an open management port", NULL);
        checks_failed(&d->checks,
                      "provisioning",
                      "not-provisioned",
                      d->presence.setup == 0
                          ? "not set up, says its answer to the presence ping"
                          : "in the middle of being set up, says its answer to the presence ping",
                      "set up",
                      hint);
        return;
    }
    if (d->answers_ping || params_string(d->known, "amt.version") != NULL) {
        checks_failed(&d->checks,
                      "port",
                      "port-closed",
                      found,
                      "an open management port",
                      "AMT is there, and its port is closed: look whether TLS was switched on or "
                      "off (tls and ports in "
                      "plugins.d/amt.conf), and whether it was unprovisioned");
        return;
    }
    checks_add(&d->checks, "port", "note", "port-closed", found, "an open management port", NULL);
    checks_failed(&d->checks,
                  "technology",
                  "amt-disabled",
                  "the machine answers, but neither at a management port nor to the presence ping",
                  "AMT",
                  "switch AMT on in the BIOS or MEBx; where its answer to the ping is switched "
                  "off, it may also be not "
                  "set up");
}

static void
explain_none_open(Diagnosis *d, gboolean closed, gboolean silent, const char *found)
{
    if (closed)
        explain_closed(d, found);
    else if (silent)
        checks_failed(&d->checks,
                      "port",
                      "filtered",
                      found,
                      "an answer",
                      d->answers_ping ? "the machine answers the presence ping: a firewall drops "
                                        "the rest; open TCP 16992 to 16995"
                                      : "look whether the machine has power and a network, and "
                                        "whether a firewall on the way drops "
                                        "TCP 16992 to 16995");
    else
        checks_failed(&d->checks,
                      "address",
                      "unreachable",
                      found,
                      "a way to the machine",
                      "look at routes and at the network between here and the machine");
}

/* TRUE: one is open. FALSE without `error`: the chain ends here, and the checks say why. */
static gboolean
check_ports(Diagnosis *d, GError **error)
{
    const char *tls = d->amt->tls;
    guint32 own = d->amt->svc.run->port(d->run);
    guint32 ports[] = {own != 0                  ? own
                       : strcmp(tls, "off") == 0 ? 0
                                                 : d->amt->tls_port,
                       own != 0 || strcmp(tls, "require") == 0 ? 0 : d->amt->port};
    gboolean open = FALSE, closed = FALSE, silent = FALSE;
    g_autoptr(GString) found = g_string_new(NULL);

    for (guint i = 0; i < G_N_ELEMENTS(ports); i++) {
        const char *state = ports[i] != 0 ? amt_port_state(d->amt, d->run, ports[i], error) : "";

        if (state == NULL)
            return FALSE;
        if (ports[i] == 0)
            continue;
        open = open || strcmp(state, "open") == 0;
        closed = closed || strcmp(state, "closed") == 0;
        silent = silent || strcmp(state, "silent") == 0;
        g_string_append_printf(found, "%s%u is %s", found->len > 0 ? ", " : "", ports[i], state);
    }
    if (open)
        checks_ok(&d->checks, "port", found->str);
    else
        explain_none_open(d, closed, silent, found->str);
    return open;
}

/* A name without an address is a finding; what ends the run is not. */
static gboolean
explain_no_name(Diagnosis *d, GError **error)
{
    if (!g_error_matches(*error, POSTERN_ERROR, POSTERN_ERROR_UNRESOLVED))
        return FALSE;
    checks_failed(
        &d->checks,
        "name",
        "no-name",
        (*error)->message,
        "an address",
        "look at DNS and the spelling of the name, or name the machine by its address or UUID");
    g_clear_error(error);
    return TRUE;
}

/* ---- technology, TLS, certificate ---- */

static void
explain_visit(Diagnosis *d, const GError *why)
{
    const char *stage = "technology", *cause = "not-amt", *expected = "AMT's own web server",
               *hint = NULL;

    if (why->code == POSTERN_ERROR_TIMEOUT) {
        stage = "port";
        cause = "hanging";
        expected = "an answer";
        hint = "the port is open and nobody answers there: wait a few minutes, then take the power "
               "from the machine for "
               "half a minute, which starts the management engine anew";
    } else if (why->code == POSTERN_ERROR_TLS) {
        stage = "tls";
        cause = "tls-failed";
        expected = "a TLS session";
    } else if (why->code == POSTERN_ERROR_UNREACHABLE) {
        stage = "port";
        cause = "unreachable";
        expected = "an answer";
        hint = "the connection was made and cut: look for something in between, such as a proxy or "
               "a load balancer";
    }
    checks_failed(&d->checks, stage, cause, why->message, expected, hint);
}

static void
check_tls(Diagnosis *d, GVariant *peer)
{
    const char *version = params_string(peer, "tls-version");
    gboolean old =
        version != NULL && (strcmp(version, "TLSv1") == 0 || strcmp(version, "TLSv1.1") == 0);
    g_autofree char *found = NULL;

    if (!params_bool(peer, "tls", FALSE)) {
        checks_ok(&d->checks, "tls", "none: plain HTTP");
        return;
    }
    found = g_strdup_printf("%s, %s", version, params_string(peer, "tls-cipher"));
    if (old || params_bool(peer, "tls-legacy", FALSE))
        checks_add(&d->checks,
                   "tls",
                   "note",
                   "tls-too-old",
                   found,
                   "TLS 1.2 or later",
                   "update the firmware; until then only this device is met with what it has");
    else
        checks_ok(&d->checks, "tls", found);
}

/* What people call the machine: the name that was asked for, or what is known of it. */
static const char *
machine_name(const Diagnosis *d)
{
    const char *host = d->amt->svc.run->host(d->run);

    return g_hostname_is_ip_address(host) ? params_string(d->known, "fqdn") : host;
}

/* Any certificate was looked at until now: would it be let through? */
static void
check_trust(Diagnosis *d)
{
    const PosternHttpSvc *http = d->amt->svc.http;
    g_autoptr(GError) why = NULL;
    PosternHttp *conversation;

    conversation = http->open(d->run, amt_http_options(d->amt, d->params, FALSE), &why);
    if (conversation != NULL) {
        PosternHttpReply *reply =
            http->request(conversation, "GET", "/", NULL, NULL, POSTERN_HTTP_REPEATABLE, &why);
        http->reply_free(reply);
        http->close(conversation);
    }
    if (why != NULL && why->code == POSTERN_ERROR_TLS)
        checks_failed(&d->checks,
                      "certificate",
                      "certificate-untrusted",
                      why->message,
                      "one of tls-ca-file, or that of tls-pin",
                      "give the roots that issued it, or pin it, in plugins.d/amt.conf");
}

static gboolean
is_trusting(const Diagnosis *d)
{
    return d->amt->tls_ca_file != NULL || d->amt->tls_pin != NULL;
}

static void
describe_visit(Diagnosis *d, GVariant *visit, GVariant *peer)
{
    const char *version = params_string(visit, "version");
    g_autofree char *found =
        g_strdup_printf("AMT%s%s at %s port %u",
                        version != NULL ? " " : ", version not told without a login",
                        version != NULL ? version : "",
                        params_string(peer, "address"),
                        params_uint(peer, "port", 0));

    checks_ok(&d->checks, "technology", found);
    checks_ok(&d->checks, "provisioning", "set up, as its ports are open");
    check_tls(d, peer);
    if (!params_bool(peer, "tls", FALSE))
        return;
    amt_check_certificate(&d->checks,
                          peer,
                          machine_name(d),
                          d->amt->tls_ca_file != NULL,
                          g_get_real_time() / G_USEC_PER_SEC);
    if (is_trusting(d))
        check_trust(d);
}

static gboolean
check_visit(Diagnosis *d)
{
    const PosternHttpSvc *http = d->amt->svc.http;
    g_autoptr(GError) why = NULL;
    g_autoptr(GVariant) visit = NULL;
    g_autoptr(GVariant) peer = NULL;
    PosternHttp *conversation = http->open(d->run, amt_unverified_options(d->amt), &why);

    if (conversation != NULL) {
        GVariant *seen = amt_visit(d->amt, conversation, FALSE, &why);
        visit = seen != NULL ? g_variant_ref_sink(seen) : NULL;
        peer = http->peer(conversation);
        http->close(conversation);
    }
    if (visit == NULL) {
        explain_visit(d, why);
        return FALSE;
    }
    amt_observe_visit(d->amt, d->run, visit);
    describe_visit(d, visit, peer);
    return TRUE;
}

/* ---- behind the login ---- */

/* What each realm lets one read. The first is the login's own proof. */
typedef enum { READ_GENERAL, READ_SYSTEM, READ_POWER, READ_REDIRECTION, READ_LOG, READS } ReadKind;

static const struct {
    const char *class_name;
    AmtRealm realm;
} reads[READS] = {
    [READ_GENERAL] = {"AMT_GeneralSettings", AMT_REALM_GENERAL_INFO},
    [READ_SYSTEM] = {"CIM_ComputerSystemPackage", AMT_REALM_HARDWARE_ASSET},
    [READ_POWER] = {"CIM_AssociatedPowerManagementService", AMT_REALM_REMOTE_CONTROL},
    [READ_REDIRECTION] = {"AMT_RedirectionService", AMT_REALM_REDIRECTION},
    [READ_LOG] = {"AMT_MessageLog", AMT_REALM_EVENT_LOG_READER},
};

/* A device may also say no to who was let in by asking for another login. */
static gboolean
lacks_right(const GError *why)
{
    return why != NULL &&
           (why->code == POSTERN_ERROR_FORBIDDEN ||
            (why->code == POSTERN_ERROR_AUTH && strstr(why->message, "worked before") != NULL));
}

static void
explain_login(Diagnosis *d, const GError *why)
{
    const char *cause = "wrong-password", *hint = NULL, *state = "failed";

    if (why->code != POSTERN_ERROR_AUTH) {
        state = "unknown";
        cause = NULL;
    } else if (strstr(why->message, "no credential is left") == NULL) {
        cause = "no-credential";
        hint = "postern credential add stores one, --credential gives one";
    } else if (strstr(why->message, "the device refused it") == NULL ||
               (strstr(why->message, "not tried: this device refused it") != NULL &&
                strstr(why->message, ": the device refused it") == NULL)) {
        cause = "login-barred";
    }
    checks_add(
        &d->checks, "login", state, cause, why->message, "a login that the device takes", hint);
}

/* Who was let in: to be asked as long as nothing was refused. */
static void
note_user(const Diagnosis *d, char **user)
{
    if (*user == NULL && POSTERN_CAN(d->amt->svc.credentials, foresee))
        *user = g_strdup(d->amt->svc.credentials->foresee(d->run, amt_credentials, "user"));
}

static void
tell_rights(Diagnosis *d, const char *user, guint32 lacking)
{
    g_autofree char *titles = amt_realm_titles(lacking);

    amt_add_lacking(&d->facts, d->known, user, lacking);
    if (lacking == 0)
        checks_ok(&d->checks, "rights", "all that was asked for may be read");
    else
        checks_failed(&d->checks,
                      "rights",
                      "no-right",
                      titles,
                      "an account with these realms",
                      "give the account the realms that are named, or use another one");
}

/* FALSE: nobody was let in, or the conversation broke. */
static gboolean
read_all(Diagnosis *d, WsMan *ws, GVariant *found[READS])
{
    g_autoptr(GVariant) peer = NULL;
    g_autofree char *user = NULL;
    guint32 lacking = 0;

    for (guint i = 0; i < READS; i++) {
        g_autoptr(GError) why = NULL;

        found[i] = amt_read_single(ws, reads[i].class_name, &why);
        if (lacks_right(why))
            lacking |= 1U << reads[i].realm;
        else if (why != NULL && i == READ_GENERAL) {
            explain_login(d, why);
            return FALSE;
        }
        if (why != NULL && why->code == POSTERN_ERROR_AUTH)
            break; /* the login is spent: nothing more can be asked with it */
        note_user(d, &user);
    }
    peer = wsman_peer(ws);
    checks_ok(&d->checks, "login", params_string(peer, "credential"));
    tell_rights(d, user, lacking);
    return TRUE;
}

static void
check_identity(Diagnosis *d, GVariant *package)
{
    g_autofree char *uuid =
        package != NULL ? amt_uuid(params_string(package, "PlatformGUID")) : NULL;
    const char *expected = params_string(d->known, "uuid");

    if (uuid == NULL)
        return;
    result_string(&d->facts, "uuid", uuid);
    if (expected == NULL || g_ascii_strcasecmp(expected, uuid) == 0)
        checks_ok(&d->checks, "address", uuid);
    else
        checks_failed(&d->checks,
                      "address",
                      "stale-address",
                      uuid,
                      expected,
                      "another machine answers at this address: name the machine by its FQDN, or "
                      "let a task find it "
                      "where it is now; postern machine show tells when the address was last seen");
}

static void
check_power(Diagnosis *d, GVariant *association)
{
    guint32 state = association != NULL ? params_uint(association, "PowerState", 0) : 0;
    const char *word = amt_word(amt_power_states, state);

    if (word == NULL)
        return;
    amt_add_power_facts(&d->facts, state);
    checks_ok(&d->checks, "power", word);
}

static void
feature(Diagnosis *d, gboolean fine, const char *cause, const char *found, const char *expected)
{
    checks_add(&d->checks,
               "feature",
               fine ? "ok" : "note",
               fine ? NULL : cause,
               found,
               fine ? NULL : expected,
               NULL);
}

static void
check_redirection(Diagnosis *d, GVariant *service)
{
    guint32 state = service != NULL ? params_uint(service, "EnabledState", 0) : 0;
    gboolean listens = service != NULL && params_bool(service, "ListenerEnabled", FALSE);
    g_autofree char *found = NULL;

    if (service == NULL)
        return;
    found = g_strdup_printf("redirection: %s%s, listener %s",
                            state & 2 ? "serial " : "",
                            state & 1 ? "storage" : "",
                            listens ? "on" : "off");
    feature(d,
            (state & 3) == 3 && listens,
            "redirection-off",
            found,
            "serial and storage, listener on");
}

static void
check_kvm(Diagnosis *d, WsMan *ws)
{
    g_autoptr(GVariant) kvm = amt_read_single(ws, "CIM_KVMRedirectionSAP", NULL);
    guint32 state = kvm != NULL ? params_uint(kvm, "EnabledState", 0) : 0;

    if (kvm != NULL)
        feature(d,
                state == 2 || state == 6,
                "kvm-off",
                state == 2 || state == 6 ? "KVM: on" : "KVM: off",
                "on");
}

static void
check_consent(Diagnosis *d, WsMan *ws)
{
    g_autoptr(GVariant) service = amt_read_single(ws, "IPS_OptInService", NULL);
    guint32 required = service != NULL ? params_uint(service, "OptInRequired", 0) : 0;

    if (service != NULL)
        feature(d,
                required == 0,
                "consent-required",
                required == 0   ? "consent: not needed"
                : required == 1 ? "consent: needed for KVM"
                                : "consent: needed for all sessions",
                "not needed, for machines that nobody sits at");
}

static void
check_mode(Diagnosis *d, WsMan *ws)
{
    g_autoptr(GVariant) setup = amt_read_single(ws, "IPS_HostBasedSetupService", NULL);
    guint32 mode = setup != NULL ? params_uint(setup, "CurrentControlMode", 0) : 0;
    const char *word = amt_word(amt_control_modes, mode);

    if (setup == NULL || word == NULL)
        return;
    result_string(&d->facts, "amt.control-mode", word);
    feature(d, mode != 1, "client-control-mode", word, "admin");
}

static void
check_clock(Diagnosis *d, WsMan *ws)
{
    g_autoptr(GVariant) outputs = wsman_invoke(
        ws, "AMT_TimeSynchronizationService", NULL, "GetLowAccuracyTimeSynch", NULL, NULL);
    gint64 theirs = outputs != NULL ? params_uint(outputs, "Ta0", 0) : 0;
    gint64 skew = theirs - g_get_real_time() / G_USEC_PER_SEC;
    g_autofree char *found = NULL;

    if (theirs == 0)
        return;
    found = g_strdup_printf(
        "%" G_GINT64_FORMAT " s %s ours", ABS(skew), skew < 0 ? "behind" : "before");
    if (ABS(skew) <= SKEW_MOST)
        checks_ok(&d->checks, "clock", found);
    else
        checks_add(&d->checks,
                   "clock",
                   "note",
                   "clock-skew",
                   found,
                   "less than a minute",
                   "set the device's clock: certificates, Kerberos and log times depend on it");
}

static void
check_inside(Diagnosis *d, WsMan *ws)
{
    GVariant *found[READS] = {NULL};

    if (read_all(d, ws, found)) {
        check_identity(d, found[READ_SYSTEM]);
        check_clock(d, ws);
        check_power(d, found[READ_POWER]);
        check_redirection(d, found[READ_REDIRECTION]);
        check_kvm(d, ws);
        check_consent(d, ws);
        check_mode(d, ws);
    }
    for (guint i = 0; i < READS; i++)
        g_clear_pointer(&found[i], g_variant_unref);
}

/* ---- all ---- */

static gboolean
look(Diagnosis *d, GError **error)
{
    g_autoptr(GError) why = NULL;
    g_autoptr(WsMan) ws = NULL;

    d->answers_ping = rmcp_presence_ask(&d->amt->svc, d->run, d->amt->pong_port, &d->presence);
    if (!check_ports(d, &why)) {
        if (why == NULL || explain_no_name(d, &why))
            return TRUE;
        g_propagate_error(error, g_steal_pointer(&why));
        return FALSE;
    }
    if (!check_visit(d))
        return TRUE;
    ws = amt_open(d->amt, d->run, d->params, error);
    if (ws == NULL)
        return FALSE;
    check_inside(d, ws);
    return TRUE;
}

static GVariant *
run_diagnose(PosternRun *run, GVariant *params, gpointer self, GError **error)
{
    const Amt *amt = self;
    Diagnosis d = {.amt = amt, .run = run, .params = params};
    g_autoptr(GVariant) checks = NULL;
    PosternResult result;
    gboolean good;

    d.known = POSTERN_CAN(amt->svc.inventory, known)
                  ? amt->svc.inventory->known(run)
                  : g_variant_ref_sink(g_variant_new("a{sv}", NULL));
    checks_begin(&d.checks);
    result_begin(&d.facts);
    good = look(&d, error);
    checks = g_variant_ref_sink(checks_end(&d.checks));
    amt_observe(amt, run, result_end(&d.facts));
    g_variant_unref(d.known);
    if (!good)
        return NULL;
    result_begin(&result);
    result_value(&result, "checks", checks);
    return result_end(&result);
}

/* clang-format off */
static const PosternField *const params[] = {AMT_COMMON_PARAMS, NULL};
static const PosternField *const outputs[] = {POSTERN_CHECKS_FIELD, NULL};

const PosternTask amt_diagnose_task = {
    .size = sizeof(PosternTask),
    .flags = POSTERN_TASK_READ_ONLY | POSTERN_TASK_IDEMPOTENT | POSTERN_TASK_PROBE,
    .version = 1,
    .timeout_ms = 60000,
    .id = "amt.diagnose",
    .summary = "find what keeps a machine's AMT from being used",
    .details = "Presence ping, ports, the web server, TLS and certificate, login, rights realm by realm, identity, clock, "
               "power, redirection, KVM, consent and control mode, as far as the chain holds. A part of postern diagnose.",
    .params = params,
    .outputs = outputs,
    .credentials = amt_credentials,
    .run = run_diagnose,
};
/* clang-format on */
