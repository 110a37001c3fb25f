/* SPDX-License-Identifier: Apache-2.0 */
/* amt.security.report: what about a device an attacker would like, one row for each, and what to do about it. */
#include "amt-advisories.h"
#include "amt-facts.h"
#include "amt-tls.h"

#include <string.h>

enum { ADMIN_MODE = 2, RSA_LEAST = 2048, EC_LEAST = 224, MAINTAINED_FROM = 11 };

typedef enum { SEVERITY_INFO, SEVERITY_LOW, SEVERITY_MEDIUM, SEVERITY_HIGH, SEVERITIES } Severity;

static const char *const severities[] = {"info", "low", "medium", "high"};

typedef struct {
    const Amt *amt;
    PosternRun *run;
    GVariant *params;
    WsMan *ws;
    AmtTls tls;
    gboolean plain_open;
    guint32 count[SEVERITIES];
    GPtrArray *advisories; /* ids, static */
    GError *error;         /* the first that ends the report */
} Report;

static void
report_clear(Report *report)
{
    amt_tls_clear(&report->tls);
    g_clear_pointer(&report->advisories, g_ptr_array_unref);
    g_clear_error(&report->error);
}
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC(Report, report_clear)

/* ---- rows ---- */

static void
find(Report *report, Severity severity, const char *id, const char *found, const char *next)
{
    PosternResult row;

    if (report->error != NULL)
        return;
    report->count[severity]++;
    result_begin(&row);
    result_string(&row, "severity", severities[severity]);
    result_string(&row, "finding", id);
    result_string(&row, "found", found);
    result_string(&row, "next", next);
    report->amt->svc.run->row(report->run, result_end(&row), &report->error);
}

G_GNUC_PRINTF(5, 6)
static void
find_text(
    Report *report, Severity severity, const char *id, const char *next, const char *format, ...)
{
    g_autofree char *found = NULL;
    va_list args;

    va_start(args, format);
    found = g_strdup_vprintf(format, args);
    va_end(args);
    find(report, severity, id, found, next);
}

/* What the account may not see is told; what the firmware has not is none; all else ends the report. */
static void
note_unread(Report *report, const char *what, GError *why)
{
    if (why == NULL)
        return;
    if (g_error_matches(why, POSTERN_ERROR, POSTERN_ERROR_FORBIDDEN))
        find(report,
             SEVERITY_INFO,
             "not-read",
             what,
             "give the account the realm of that class, or report with another account");
    else if (!g_error_matches(why, POSTERN_ERROR, POSTERN_ERROR_NOT_SUPPORTED) &&
             report->error == NULL)
        report->error = g_error_copy(why);
    g_error_free(why);
}

static GVariant *
read_one(Report *report, const char *class_name)
{
    GError *why = NULL;
    GVariant *instance = NULL;

    if (report->error == NULL)
        instance = amt_read_single(report->ws, class_name, &why);
    note_unread(report, class_name, why);
    return instance;
}

/* Outputs of a method without arguments; NULL: it cannot be asked. */
static GVariant *
ask(Report *report, const char *class_name, const char *method)
{
    GError *why = NULL;
    GVariant *outputs = NULL;

    if (report->error == NULL)
        outputs = wsman_call(report->ws, class_name, NULL, method, NULL, &why);
    /* a refusal by number is not worth more than one by a fault */
    if (why != NULL && wsman_fault(report->ws) == NULL &&
        g_error_matches(why, POSTERN_ERROR, POSTERN_ERROR_DEVICE))
        g_clear_error(&why);
    note_unread(report, class_name, why);
    return outputs;
}

/* ---- ports and TLS ---- */

static void
look_at_ports(Report *report)
{
    const char *plain = NULL, *vnc = NULL;

    if (report->error == NULL)
        plain = amt_port_state(report->amt, report->run, report->amt->port, &report->error);
    report->plain_open = g_strcmp0(plain, "open") == 0;
    if (report->plain_open)
        find_text(report,
                  SEVERITY_HIGH,
                  "plain-port-open",
                  "amt.tls.set accept-plain=no",
                  "port %u answers without TLS: whoever listens reads and changes along",
                  report->amt->port);
    if (report->error == NULL)
        vnc = amt_port_state(report->amt, report->run, report->amt->vnc_port, &report->error);
    if (g_strcmp0(vnc, "open") == 0)
        find_text(report,
                  SEVERITY_HIGH,
                  "vnc-port-open",
                  "amt.kvm.set port-5900=no; KVM works without",
                  "port %u answers: VNC without TLS, behind a password of eight characters",
                  report->amt->vnc_port);
}

/* NULL after a row that says why it cannot be told. */
static char *
version_in_use(Report *report)
{
    const PosternStreamSvc *svc = report->amt->svc.stream;
    g_autoptr(GError) why = NULL;
    g_autoptr(GVariant) info = NULL;
    PosternStream *stream =
        svc->connect(report->run,
                     NULL,
                     report->amt->tls_port,
                     amt_pinned_stream_options(report->amt, report->params, NULL),
                     &why);

    if (stream == NULL) {
        find_text(report,
                  SEVERITY_INFO,
                  "not-read",
                  "look at the TLS port with amt.diagnose",
                  "TLS of a new connection: %s",
                  why->message);
        return NULL;
    }
    info = svc->info(stream);
    svc->close(stream);
    return g_strdup(params_string(info, "tls-version"));
}

static gboolean
is_old(const char *version)
{
    return g_str_equal(version, "TLSv1") || g_str_equal(version, "TLSv1.1") ||
           g_str_equal(version, "SSLv3");
}

static void
look_at_versions(Report *report)
{
    g_autofree char *used = NULL;
    const char *old;

    if (report->error != NULL || !report->tls.remote.enabled)
        return;
    used = version_in_use(report);
    if (used != NULL && is_old(used)) {
        find_text(report,
                  SEVERITY_MEDIUM,
                  "tls-old-version-used",
                  "update the firmware: 11.8 brings TLS 1.2, where the machine can have it",
                  "%s is the best that the device speaks",
                  used);
        return;
    }
    old = amt_tls_old_version(report->amt, report->run);
    if (old != NULL)
        find_text(report,
                  SEVERITY_LOW,
                  "tls-old-version-offered",
                  "update the firmware; newer one gives up what is below TLS 1.2",
                  "the device also takes %s",
                  old);
}

static void
look_at_tls(Report *report)
{
    GError *why = NULL;

    if (report->error == NULL && !amt_tls_read(report->ws, &report->tls, &why)) {
        note_unread(report, "AMT_TLSSettingData", why);
        return;
    }
    if (!report->tls.remote.enabled)
        find(report,
             SEVERITY_HIGH,
             "tls-off",
             "TLS is off on the network",
             "amt.tls.enroll gives the device a certificate and switches TLS on");
    if (report->tls.remote.enabled && !report->tls.remote.mutual)
        find(report,
             SEVERITY_INFO,
             "tls-not-mutual",
             "clients need no certificate",
             "where that is wanted: amt.certificate.add kind=root, then amt.tls.set mutual=yes");
    look_at_versions(report);
}

/* ---- certificates ---- */

static gboolean
is_weak_key(const AmtX509 *x509)
{
    return x509->key_bits < (g_str_equal(x509->key, "rsa") ? RSA_LEAST : EC_LEAST);
}

static gboolean
is_weak_hash(const AmtX509 *x509)
{
    /* who vouches for himself is not believed for his signature */
    return x509->hash != NULL && !x509->self_signed &&
           (g_str_equal(x509->hash, "sha1") || g_str_equal(x509->hash, "md5"));
}

static void
look_at_one(Report *report, const AmtHeld *held)
{
    gint64 days = amt_x509_days_left(held->x509);
    gboolean used = held->uses != 0;
    const char *renew =
        used ? "amt.tls.enroll gives TLS a new one" : "amt.certificate.remove, if nothing needs it";

    if (days < 0)
        find_text(report,
                  used ? SEVERITY_HIGH : SEVERITY_LOW,
                  "certificate-expired",
                  renew,
                  "certificate %u (%s) has expired",
                  held->handle,
                  held->x509->subject);
    else if (days <= params_uint(report->params, "soon-days", 30))
        find_text(report,
                  used ? SEVERITY_MEDIUM : SEVERITY_LOW,
                  "certificate-expires-soon",
                  renew,
                  "certificate %u (%s) holds %" G_GINT64_FORMAT " days more",
                  held->handle,
                  held->x509->subject,
                  days);
    if (is_weak_key(held->x509))
        find_text(report,
                  used || held->root ? SEVERITY_MEDIUM : SEVERITY_LOW,
                  "certificate-weak-key",
                  renew,
                  "certificate %u (%s) has a key of %u bits, %s",
                  held->handle,
                  held->x509->subject,
                  held->x509->key_bits,
                  held->x509->key);
    if (is_weak_hash(held->x509))
        find_text(report,
                  used ? SEVERITY_MEDIUM : SEVERITY_LOW,
                  "certificate-weak-hash",
                  renew,
                  "certificate %u (%s) is signed with %s",
                  held->handle,
                  held->x509->subject,
                  held->x509->hash);
    if ((held->uses & AMT_USE_TLS) != 0 && held->x509->self_signed)
        find_text(
            report,
            SEVERITY_LOW,
            "certificate-self-signed",
            "amt.tls.enroll puts one of your own authority there; until then pin it (tls-pin)",
            "TLS shows what the device made for itself (%s)",
            held->x509->subject);
}

static void
look_at_certificates(Report *report)
{
    g_auto(AmtStore) store = {0};
    GError *why = NULL;

    if (report->error != NULL)
        return;
    if (!amt_store_read(report->ws, &store, AMT_STORE_USES, &why)) {
        note_unread(report, AMT_CERTIFICATE, why);
        return;
    }
    for (guint i = 0; i < store.certificates->len; i++) {
        const AmtHeld *held = store.certificates->pdata[i];
        if (held->x509 != NULL)
            look_at_one(report, held);
        else
            find_text(report,
                      SEVERITY_LOW,
                      "certificate-unreadable",
                      "amt.certificate.remove, if nothing needs it",
                      "certificate %u holds bytes that are no certificate",
                      held->handle);
    }
}

/* ---- accounts, features, answers to pings ---- */

static void
look_at_admin(Report *report)
{
    g_autoptr(GVariant) entry = ask(report, "AMT_AuthorizationService", "GetAdminAclEntry");
    g_autoptr(GVariant) status = ask(report, "AMT_AuthorizationService", "GetAdminAclEntryStatus");

    if (status != NULL && params_bool(status, "IsDefault", FALSE))
        find(report,
             SEVERITY_HIGH,
             "admin-default",
             "the password of the administrator was never changed",
             "amt.admin.password: the default one is known to everybody");
    if (entry != NULL && g_strcmp0(params_string(entry, "Username"), "admin") == 0)
        find(report,
             SEVERITY_LOW,
             "admin-name-default",
             "the administrator is called admin",
             "another name costs whoever guesses passwords one more guess");
}

static void
look_at_redirection(Report *report)
{
    g_autoptr(GVariant) service = read_one(report, "AMT_RedirectionService");
    g_autoptr(GVariant) kvm = read_one(report, "IPS_KVMRedirectionSettingData");

    if (service != NULL && params_bool(service, "ListenerEnabled", FALSE) &&
        (!report->tls.remote.enabled || report->tls.remote.plain) && report->tls.remote.id != NULL)
        find(report,
             SEVERITY_MEDIUM,
             "redirection-plain",
             "the ports of serial console, storage and KVM are open, and take connections without "
             "TLS",
             "amt.tls.set accept-plain=no, or amt.features.set listener=no");
    if (kvm != NULL && params_bool(kvm, "Is5900PortEnabled", FALSE))
        find(report,
             SEVERITY_HIGH,
             "vnc-port-enabled",
             "port 5900 is switched on: VNC without TLS, behind a password of eight characters",
             "amt.kvm.set port-5900=no; KVM works without");
}

static void
look_at_consent(Report *report)
{
    g_autoptr(GVariant) setup = read_one(report, "IPS_HostBasedSetupService");
    g_autoptr(GVariant) consent = read_one(report, "IPS_OptInService");

    if (setup != NULL && consent != NULL &&
        params_uint(setup, "CurrentControlMode", 0) == ADMIN_MODE &&
        params_uint(consent, "OptInRequired", G_MAXUINT32) == 0)
        find(report,
             SEVERITY_LOW,
             "consent-off",
             "remote sessions begin without anybody at the machine agreeing",
             "amt.features.set consent=kvm or consent=all, where people sit at the machine");
}

static void
look_at_pings(Report *report)
{
    g_autoptr(GVariant) general = read_one(report, "AMT_GeneralSettings");

    if (general != NULL && params_bool(general, "RmcpPingResponseEnabled", FALSE))
        find(report,
             SEVERITY_INFO,
             "answers-rmcp-ping",
             "the device tells everybody who asks that it has AMT",
             "amt.general.set answers-rmcp-ping=no, where nobody looks for devices that way");
    if (general != NULL && params_bool(general, "PingResponseEnabled", FALSE))
        find(report,
             SEVERITY_INFO,
             "answers-ping",
             "the engine answers pings while the machine is off",
             "amt.general.set answers-ping=no, where nothing watches machines that way");
}

/* ---- firmware ---- */

/* Version and build; the caller's, NULL: not told. */
static char *
read_version(Report *report)
{
    GError *why = NULL;
    g_autoptr(GPtrArray) identities =
        report->error == NULL ? amt_read_all(report->ws, "CIM_SoftwareIdentity", &why) : NULL;
    g_autoptr(GVariant) facts =
        identities != NULL ? g_variant_ref_sink(amt_firmware_facts(identities)) : NULL;
    const char *version = facts != NULL ? params_string(facts, "amt-version") : NULL;
    const char *build = facts != NULL ? params_string(facts, "build") : NULL;

    note_unread(report, "CIM_SoftwareIdentity", why);
    return version != NULL && build != NULL ? g_strconcat(version, ".", build, NULL)
                                            : g_strdup(version);
}

static void
add_advisories(Report *report, const char *version)
{
    g_autoptr(GArray) found = amt_advisories_for(version);

    for (guint i = 0; i < found->len; i++) {
        const AmtAdvisory *one = &g_array_index(found, AmtAdvisory, i);
        g_autofree char *next =
            g_strdup_printf("update the firmware: %s or later has the fix", one->fixed);
        g_autofree char *id = g_ascii_strdown(one->id, -1);

        g_ptr_array_add(report->advisories, (gpointer)(gsize)one->id);
        find_text(report,
                  g_str_equal(one->severity, "high") ? SEVERITY_HIGH : SEVERITY_MEDIUM,
                  id,
                  next,
                  "firmware %s: %s",
                  version,
                  one->summary);
    }
}

static void
look_at_firmware(Report *report, const char *version)
{
    guint64 major = version != NULL ? g_ascii_strtoull(version, NULL, 10) : 0;

    if (version == NULL)
        return;
    add_advisories(report, version);
    if (major > 0 && major < MAINTAINED_FROM)
        find_text(report,
                  SEVERITY_MEDIUM,
                  "firmware-unmaintained",
                  "keep it off networks that others reach; plan for another machine",
                  "firmware %s is of a generation that gets no updates any more",
                  version);
}

/* ---- all of it ---- */

static const char *
worst(const Report *report)
{
    for (guint i = SEVERITIES; i > 0; i--)
        if (report->count[i - 1] > 0)
            return severities[i - 1];
    return "none";
}

static GVariant *
summary(const Report *report, const char *version)
{
    PosternResult result;

    result_begin(&result);
    result_string(&result, "worst", worst(report));
    for (guint i = SEVERITIES; i > 0; i--)
        result_uint(&result, severities[i - 1], report->count[i - 1]);
    result_string(&result, "firmware", version);
    result_value(&result,
                 "advisories",
                 g_variant_new_strv((const char *const *)report->advisories->pdata,
                                    report->advisories->len));
    return result_end(&result);
}

static GVariant *
run_report(PosternRun *run, GVariant *params, gpointer self, GError **error)
{
    g_autoptr(WsMan) ws = amt_open(self, run, params, error);
    g_auto(Report) report = {.amt = self, .run = run, .params = params, .ws = ws};
    g_autofree char *version = NULL;

    if (ws == NULL)
        return NULL;
    report.advisories = g_ptr_array_new();
    version = read_version(&report);
    look_at_firmware(&report, version);
    look_at_ports(&report);
    look_at_tls(&report);
    look_at_certificates(&report);
    look_at_admin(&report);
    look_at_redirection(&report);
    look_at_consent(&report);
    look_at_pings(&report);
    if (report.error == NULL)
        return summary(&report, version);
    g_propagate_error(error, g_steal_pointer(&report.error));
    return NULL;
}

/* clang-format off */
static const PosternField *const report_params[] = {
    POSTERN_FIELD_ITEM(.name = "soon-days", .type = "u", .fallback = "30", .summary = "a certificate that ends within so many days is told"),
    AMT_COMMON_PARAMS,
    NULL,
};
static const PosternField *const outputs[] = {
    POSTERN_FIELD_ITEM(.name = "worst", .type = "s", .flags = POSTERN_FIELD_REQUIRED, .summary = "high, medium, low, info or none"),
    POSTERN_FIELD_ITEM(.name = "high", .type = "u", .flags = POSTERN_FIELD_REQUIRED, .summary = "findings of that severity"),
    POSTERN_FIELD_ITEM(.name = "medium", .type = "u", .flags = POSTERN_FIELD_REQUIRED, .summary = "findings of that severity"),
    POSTERN_FIELD_ITEM(.name = "low", .type = "u", .flags = POSTERN_FIELD_REQUIRED, .summary = "findings of that severity"),
    POSTERN_FIELD_ITEM(.name = "info", .type = "u", .flags = POSTERN_FIELD_REQUIRED, .summary = "findings of that severity"),
    POSTERN_FIELD_ITEM(.name = "firmware", .type = "s", .summary = "version and build"),
    POSTERN_FIELD_ITEM(.name = "advisories", .type = "as", .flags = POSTERN_FIELD_REQUIRED, .summary = "Intel's advisories that concern it, as far as known"),
    NULL,
};
static const PosternField *const rows[] = {
    POSTERN_FIELD_ITEM(.name = "severity", .type = "s", .flags = POSTERN_FIELD_REQUIRED, .summary = "high, medium, low or info"),
    POSTERN_FIELD_ITEM(.name = "finding", .type = "s", .flags = POSTERN_FIELD_REQUIRED, .summary = "a word for it, for scripts"),
    POSTERN_FIELD_ITEM(.name = "found", .type = "s", .flags = POSTERN_FIELD_REQUIRED, .summary = "what was found"),
    POSTERN_FIELD_ITEM(.name = "next", .type = "s", .flags = POSTERN_FIELD_REQUIRED, .summary = "what to do about it"),
    NULL,
};

const PosternTask amt_security_report_task = {
    .size = sizeof(PosternTask),
    .flags = POSTERN_TASK_READ_ONLY | POSTERN_TASK_IDEMPOTENT,
    .version = 1,
    .timeout_ms = 120000,
    .id = "amt.security.report",
    .summary = "tell what an attacker would like about the device, and what to do about it",
    .details = "Ports, TLS versions, certificates, the administrator's account, redirection, consent, answers to pings, and Intel's advisories for "
               "the firmware, from a table that is knowledge of its day. Changes nothing. Least realm: PT Administration; what the "
               "account may not read is told as not-read.",
    .params = report_params,
    .outputs = outputs,
    .rows = rows,
    .credentials = amt_credentials,
    .run = run_report,
};
/* clang-format on */
