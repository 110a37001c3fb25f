/* SPDX-License-Identifier: Apache-2.0 */
/* What each task needs of the account that it logs in with, and what is known of that account. */
#include "amt-needs.h"

#include <string.h>

/* How long what is known of an account is believed, in seconds. */
enum { FRESH_SECONDS = 24 * 3600 };

/* clang-format off */
const AmtWord amt_realms[] = {
    {AMT_REALM_REDIRECTION, "redirection"},
    {AMT_REALM_ADMINISTRATION, "administration"},
    {AMT_REALM_HARDWARE_ASSET, "hardware-asset"},
    {AMT_REALM_REMOTE_CONTROL, "remote-control"},
    {AMT_REALM_STORAGE, "storage"},
    {AMT_REALM_EVENT_MANAGER, "event-manager"},
    {AMT_REALM_STORAGE_ADMIN, "storage-admin"},
    {AMT_REALM_AGENT_PRESENCE_LOCAL, "agent-presence-local"},
    {AMT_REALM_AGENT_PRESENCE_REMOTE, "agent-presence-remote"},
    {AMT_REALM_CIRCUIT_BREAKER, "circuit-breaker"},
    {AMT_REALM_NETWORK_TIME, "network-time"},
    {AMT_REALM_GENERAL_INFO, "general-info"},
    {AMT_REALM_FIRMWARE_UPDATE, "firmware-update"},
    {AMT_REALM_EIT, "eit"},
    {AMT_REALM_LOCAL_USER_NOTIFICATION, "local-user-notification"},
    {AMT_REALM_ENDPOINT_ACCESS_CONTROL, "endpoint-access-control"},
    {AMT_REALM_ENDPOINT_ACCESS_CONTROL_ADMIN, "endpoint-access-control-admin"},
    {AMT_REALM_EVENT_LOG_READER, "event-log-reader"},
    {AMT_REALM_AUDIT_LOG, "audit-log"},
    {AMT_REALM_ACL, "acl"},
    {AMT_REALM_LOCAL_SYSTEM, "local-system"},
    {0, NULL},
};

/* What a realm brings along. Administration brings nearly all, the audit log on some releases only. */
static const struct { AmtRealm realm, brings; } implied[] = {
    {AMT_REALM_EVENT_MANAGER, AMT_REALM_EVENT_LOG_READER},
    {AMT_REALM_STORAGE_ADMIN, AMT_REALM_STORAGE},
    {AMT_REALM_ENDPOINT_ACCESS_CONTROL_ADMIN, AMT_REALM_ENDPOINT_ACCESS_CONTROL},
};

#define R(realm) (1U << AMT_REALM_##realm)
#define ACCOUNTS "AMT_AuthorizationService, AMT_GeneralSettings"

/* All of `realms`; or where it is not a matter of realms, a note; or one of either. */
#define NEED(task, classes, realms, since)            {task, classes, realms, 0, NULL, since}
#define EITHER(task, classes, realms, instead, since) {task, classes, realms, instead, NULL, since}
#define NOTE(task, classes, note, since)              {task, classes, 0, 0, note, since}

const AmtNeed amt_needs[] = {
    NEED("amt.account.drift", ACCOUNTS, R(ADMINISTRATION), "3.2"),
    NEED("amt.admin.password", ACCOUNTS, R(ADMINISTRATION), "3.2"),
    NEED("amt.agentpresence.get", "AMT_AgentPresenceWatchdog, AMT_StateTransitionCondition, AMT_AgentPresenceWatchdogAction", R(AGENT_PRESENCE_REMOTE), "3.2"),
    NEED("amt.alarm.add", "IPS_AlarmClockOccurrence, AMT_AlarmClockService, AMT_TimeSynchronizationService", R(ADMINISTRATION), "8"),
    NEED("amt.alarm.list", "IPS_AlarmClockOccurrence, AMT_AlarmClockService, AMT_TimeSynchronizationService", R(GENERAL_INFO), "8"),
    NEED("amt.alarm.remove", "IPS_AlarmClockOccurrence, AMT_AlarmClockService, AMT_TimeSynchronizationService", R(ADMINISTRATION), "8"),
    NEED("amt.auditlog.clear", "AMT_AuditLog", R(AUDIT_LOG), "4"),
    NEED("amt.auditlog.enable", "AMT_AuditLog", R(AUDIT_LOG), "4"),
    NEED("amt.auditlog.export", "AMT_AuditLog; CIM_ComputerSystemPackage where the UUID is not known and the right is there", R(AUDIT_LOG), "4"),
    NEED("amt.auditlog.get", "AMT_AuditLog", R(AUDIT_LOG), "4"),
    NEED("amt.auditlog.policy.get", "AMT_AuditPolicyRule, AMT_AuditLog", R(AUDIT_LOG), "4; all at once 7"),
    NEED("amt.auditlog.policy.set", "AMT_AuditPolicyRule, AMT_AuditLog", R(AUDIT_LOG), "4; all at once 7"),
    NEED("amt.auditlog.sign.set", "AMT_AuditLog", R(AUDIT_LOG), "4"),
    NOTE("amt.auditlog.sign.verify", "none: a file on this host", "no login", "4"),
    NOTE("amt.boot.erase", "those of `amt.boot.set`, and CIM_ComputerSystemPackage", "Remote Control; where there is consent, Redirection, too", "11; platform 16"),
    NEED("amt.boot.get", "AMT_BootSettingData, AMT_BootCapabilities, CIM_BootSourceSetting, CIM_BootService, IPS_HostBootReason", R(REMOTE_CONTROL), "3.2; recovery boots 15"),
    NEED("amt.boot.service.set", "CIM_BootService", R(REMOTE_CONTROL), "15"),
    NOTE("amt.boot.set", "AMT_BootSettingData, AMT_BootCapabilities, CIM_BootSourceSetting, CIM_BootConfigSetting, CIM_BootService; IPS_OptInService; for `power` those of `amt.power.set`; CIM_ComputerSystemPackage where the UUID is known", "Remote Control; where there is consent, Redirection, too", "3.2; recovery boots 15"),
    NEED("amt.certificate.add", "AMT_PublicKeyCertificate, AMT_PublicPrivateKeyPair, AMT_TLSCredentialContext, CIM_CredentialContext, AMT_PublicKeyManagementService", R(ADMINISTRATION), "3.2"),
    NEED("amt.certificate.expiry", "AMT_PublicKeyCertificate, AMT_PublicPrivateKeyPair, AMT_TLSCredentialContext, CIM_CredentialContext, AMT_PublicKeyManagementService", R(ADMINISTRATION), "3.2"),
    NEED("amt.certificate.list", "AMT_PublicKeyCertificate, AMT_PublicPrivateKeyPair, AMT_TLSCredentialContext, CIM_CredentialContext, AMT_PublicKeyManagementService", R(ADMINISTRATION), "3.2"),
    NEED("amt.certificate.remove", "AMT_PublicKeyCertificate, AMT_PublicPrivateKeyPair, AMT_TLSCredentialContext, CIM_CredentialContext, AMT_PublicKeyManagementService", R(ADMINISTRATION), "3.2"),
    NEED("amt.certificate.request", "AMT_PublicKeyManagementService, AMT_PublicPrivateKeyPair, AMT_PublicKeyCertificate", R(ADMINISTRATION), "6.2"),
    NEED("amt.consent.cancel", "IPS_OptInService", R(REDIRECTION), "6.2"),
    NEED("amt.consent.get", "IPS_OptInService", R(REDIRECTION), "6.2"),
    NEED("amt.consent.start", "IPS_OptInService", R(REDIRECTION), "6.2"),
    NEED("amt.consent.submit", "IPS_OptInService", R(REDIRECTION), "6.2"),
    NEED("amt.crl.add", "AMT_CRL, AMT_PublicKeyManagementService", R(ADMINISTRATION), "3.2"),
    NEED("amt.crl.list", "AMT_CRL, AMT_PublicKeyManagementService", R(ADMINISTRATION), "3.2"),
    NOTE("amt.diagnose", "none; then AMT_GeneralSettings, CIM_ComputerSystemPackage, CIM_AssociatedPowerManagementService, "
     "AMT_RedirectionService, AMT_MessageLog, CIM_KVMRedirectionSAP, IPS_OptInService, IPS_HostBasedSetupService, "
     "AMT_TimeSynchronizationService", "each shows what is missing", "3.2"),
    NOTE("amt.dot1x.get", "IPS_IEEE8021xSettings, else AMT_8021XProfile; those of certificates", "Endpoint Access Control; the certificates PT Administration", "3.2"),
    NOTE("amt.dot1x.set", "IPS_IEEE8021xSettings, else AMT_8021XProfile; those of certificates", "Endpoint Access Control Admin; the certificates PT Administration", "3.2"),
    NEED("amt.environment.get", "AMT_EnvironmentDetectionSettingData", R(ENDPOINT_ACCESS_CONTROL), "4"),
    NEED("amt.environment.set", "AMT_EnvironmentDetectionSettingData", R(ADMINISTRATION), "4"),
    NEED("amt.eventlog.clear", "AMT_MessageLog", R(EVENT_MANAGER), "3.2"),
    NEED("amt.eventlog.get", "AMT_MessageLog", R(EVENT_LOG_READER), "3.2"),
    NEED("amt.events.list", "CIM_FilterCollection, CIM_FilterCollectionSubscription, CIM_ListenerDestinationWSManagement", R(EVENT_MANAGER), "3.2; https 11"),
    NEED("amt.events.subscribe", "CIM_FilterCollection, CIM_FilterCollectionSubscription, CIM_ListenerDestinationWSManagement", R(EVENT_MANAGER), "3.2; https 11"),
    NEED("amt.events.unsubscribe", "CIM_FilterCollection, CIM_FilterCollectionSubscription, CIM_ListenerDestinationWSManagement", R(EVENT_MANAGER), "3.2; https 11"),
    NEED("amt.features.get", "AMT_RedirectionService, CIM_KVMRedirectionSAP, IPS_OptInService", R(REDIRECTION), "3.2; KVM 6, consent 6.2"),
    NEED("amt.features.set", "AMT_RedirectionService, CIM_KVMRedirectionSAP, IPS_OptInService", R(ADMINISTRATION), "3.2; KVM 6, consent 6.2"),
    NEED("amt.general.get", "AMT_GeneralSettings", R(GENERAL_INFO), "3.2"),
    NEED("amt.general.set", "AMT_GeneralSettings", R(ADMINISTRATION), "3.2"),
    NOTE("amt.identify", "none: `GET /` and the challenge of `/wsman`", "no login", "1"),
    NEED("amt.ider", "as `amt.sol`; with `boot`, what `amt.boot.set` needs", R(REDIRECTION), "3.2"),
    NEED("amt.inventory.get", "see below", R(HARDWARE_ASSET) | R(GENERAL_INFO), "3.2; control mode 6.2"),
    NEED("amt.key.generate", "AMT_PublicKeyManagementService, AMT_PublicPrivateKeyPair, AMT_PublicKeyCertificate", R(ADMINISTRATION), "6.2"),
    NEED("amt.key.list", "AMT_PublicKeyManagementService, AMT_PublicPrivateKeyPair, AMT_PublicKeyCertificate", R(ADMINISTRATION), "6.2"),
    NEED("amt.key.remove", "AMT_PublicKeyManagementService, AMT_PublicPrivateKeyPair, AMT_PublicKeyCertificate", R(ADMINISTRATION), "6.2"),
    NEED("amt.kvm.get", "IPS_KVMRedirectionSettingData, CIM_KVMRedirectionSAP, IPS_ScreenSettingData", R(REDIRECTION), "6; screens 8, greys and zlib 16"),
    NEED("amt.kvm.proxy", "AMT_RedirectionService, CIM_KVMRedirectionSAP, IPS_OptInService, then the redirection port; or port 5900 alone", R(REDIRECTION), "6"),
    NEED("amt.kvm.screenshot", "AMT_RedirectionService, CIM_KVMRedirectionSAP, IPS_OptInService, then the redirection port; or port 5900 alone", R(REDIRECTION), "6"),
    NEED("amt.kvm.set", "IPS_KVMRedirectionSettingData, CIM_KVMRedirectionSAP, IPS_ScreenSettingData", R(ADMINISTRATION), "6; screens 8, greys and zlib 16"),
    NEED("amt.network.get", "AMT_EthernetPortSettings; IPS_IPv6PortSettings", R(GENERAL_INFO), "3.2; IPv6 8"),
    NEED("amt.network.set", "AMT_EthernetPortSettings; CIM_ComputerSystemPackage where the UUID is known", R(ADMINISTRATION), "3.2"),
    EITHER("amt.power.get", "CIM_AssociatedPowerManagementService, else CIM_ServiceAvailableToElement; with `details`: "
     "CIM_PowerManagementCapabilities, IPS_PowerManagementService", R(GENERAL_INFO), R(REMOTE_CONTROL), "3.2; power saving 10"),
    NEED("amt.power.set", "those of `amt.power.get`, and CIM_PowerManagementService; CIM_ComputerSystemPackage where the UUID is known", R(REMOTE_CONTROL), "3.2; graceful states, sleep, NMI 9"),
    NEED("amt.powerscheme.get", "AMT_SystemPowerScheme, CIM_ElementSettingData", R(ADMINISTRATION), "3.2"),
    NEED("amt.powerscheme.set", "AMT_SystemPowerScheme, CIM_ElementSettingData", R(ADMINISTRATION), "3.2"),
    NEED("amt.remoteaccess.get", "AMT_RemoteAccessService, AMT_ManagementPresenceRemoteSAP, AMT_RemoteAccessPolicyRule, AMT_RemoteAccessPolicyAppliesToMPS, AMT_UserInitiatedConnectionService", R(ADMINISTRATION), "4; inside 11.6"),
    NEED("amt.remoteaccess.set", "AMT_RemoteAccessService, AMT_ManagementPresenceRemoteSAP, AMT_RemoteAccessPolicyRule, AMT_RemoteAccessPolicyAppliesToMPS, AMT_UserInitiatedConnectionService", R(ADMINISTRATION), "4; inside 11.6"),
    NOTE("amt.security.report", "CIM_SoftwareIdentity, those of TLS and certificates, AMT_AuthorizationService, AMT_RedirectionService, IPS_KVMRedirectionSettingData, IPS_OptInService, IPS_HostBasedSetupService, AMT_GeneralSettings", "PT Administration; what the account may not read is told as not-read", "3.2"),
    NEED("amt.sol", "AMT_RedirectionService, CIM_KVMRedirectionSAP, IPS_OptInService; then the redirection port", R(REDIRECTION), "3.2"),
    NEED("amt.sol.expect", "AMT_RedirectionService, CIM_KVMRedirectionSAP, IPS_OptInService; then the redirection port", R(REDIRECTION), "3.2"),
    NEED("amt.storage.get", "AMT_ThirdPartyDataStorageAdministrationService", R(STORAGE_ADMIN), "3.2, until 11"),
    EITHER("amt.time.get", "AMT_TimeSynchronizationService", R(NETWORK_TIME), R(GENERAL_INFO), "3.2"),
    NEED("amt.time.set", "AMT_TimeSynchronizationService", R(NETWORK_TIME), "3.2"),
    NEED("amt.tls.enroll", "those of `amt.tls.set`, and AMT_PublicKeyManagementService, AMT_GeneralSettings", R(ADMINISTRATION), "6.2"),
    NEED("amt.tls.get", "AMT_TLSSettingData, AMT_TLSCredentialContext, AMT_PublicKeyCertificate, AMT_PublicPrivateKeyPair, CIM_CredentialContext, AMT_SetupAndConfigurationService", R(ADMINISTRATION), "3.2"),
    NEED("amt.tls.set", "AMT_TLSSettingData, AMT_TLSCredentialContext, AMT_PublicKeyCertificate, AMT_PublicPrivateKeyPair, CIM_CredentialContext, AMT_SetupAndConfigurationService", R(ADMINISTRATION), "3.2"),
    NEED("amt.unprovision", "AMT_SetupAndConfigurationService, CIM_ComputerSystemPackage", R(ADMINISTRATION), "3.2"),
    NEED("amt.user.add", ACCOUNTS, R(ADMINISTRATION), "3.2"),
    NEED("amt.user.list", "AMT_AuthorizationService", R(ADMINISTRATION), "3.2"),
    NEED("amt.user.password", ACCOUNTS, R(ADMINISTRATION), "3.2"),
    NEED("amt.user.remove", "AMT_AuthorizationService", R(ADMINISTRATION), "3.2"),
    NEED("amt.user.set", ACCOUNTS, R(ADMINISTRATION), "3.2"),
    NEED("amt.webui.set", "AMT_WebUIService", R(ADMINISTRATION), "5.1"),
    NEED("amt.wifi.add", "CIM_WiFiEndpointSettings, CIM_WiFiPort, AMT_WiFiPortConfigurationService", R(ADMINISTRATION), "8; UEFI 16"),
    NEED("amt.wifi.link.set", "AMT_EthernetPortSettings", R(ADMINISTRATION), "6"),
    NEED("amt.wifi.list", "CIM_WiFiEndpointSettings, CIM_WiFiPort, AMT_WiFiPortConfigurationService", R(ADMINISTRATION), "8; UEFI 16"),
    NEED("amt.wifi.remove", "CIM_WiFiEndpointSettings, CIM_WiFiPort, AMT_WiFiPortConfigurationService", R(ADMINISTRATION), "8; UEFI 16"),
    NEED("amt.wifi.set", "CIM_WiFiEndpointSettings, CIM_WiFiPort, AMT_WiFiPortConfigurationService", R(ADMINISTRATION), "8; UEFI 16"),
    NOTE("amt.wsman.create", "any", "that of the class", "3.2"),
    NOTE("amt.wsman.delete", "any", "that of the class", "3.2"),
    NOTE("amt.wsman.enumerate", "any", "that of the class", "3.2"),
    NOTE("amt.wsman.get", "any", "that of the class", "3.2"),
    NOTE("amt.wsman.invoke", "any", "that of the class", "3.2"),
    NOTE("amt.wsman.put", "any", "that of the class", "3.2"),
    {NULL, NULL, 0, 0, NULL, NULL},
};
/* clang-format on */

/* ---- realms as words ---- */

/* "remote-control" as "Remote Control"; appends it. */
static void
append_title(GString *out, const AmtWord *realm)
{
    gboolean first = TRUE;

    if (realm->code == AMT_REALM_EIT || realm->code == AMT_REALM_ACL) {
        g_autofree char *capitals = g_ascii_strup(realm->word, -1);
        g_string_append(out, capitals);
        return;
    }
    if (realm->code == AMT_REALM_ADMINISTRATION)
        g_string_append(out, "PT ");
    for (const char *at = realm->word; *at != '\0'; at++) {
        if (*at == '-')
            g_string_append_c(out, ' ');
        else
            g_string_append_c(out, first ? g_ascii_toupper(*at) : *at);
        first = *at == '-';
    }
}

char *
amt_realm_titles(guint32 realms)
{
    GString *out = g_string_new(NULL);

    for (const AmtWord *at = amt_realms; at->word != NULL; at++) {
        if ((realms >> at->code & 1) == 0)
            continue;
        if (out->len > 0)
            g_string_append(out, ", ");
        append_title(out, at);
    }
    return g_string_free(out, FALSE);
}

GVariant *
amt_realm_words(guint32 realms)
{
    GVariantBuilder words;

    g_variant_builder_init(&words, G_VARIANT_TYPE_STRING_ARRAY);
    for (const AmtWord *at = amt_realms; at->word != NULL; at++)
        if ((realms >> at->code & 1) != 0)
            g_variant_builder_add(&words, "s", at->word);
    return g_variant_builder_end(&words);
}

static char *
join_words(guint32 realms, const char *between)
{
    g_autoptr(GVariant) words = g_variant_ref_sink(amt_realm_words(realms));
    g_auto(GStrv) list = g_variant_dup_strv(words, NULL);

    return g_strjoinv(between, list);
}

gboolean
amt_realm_mask(const char *const *words, guint32 *realms, GError **error)
{
    g_autoptr(GString) known = g_string_new(NULL);

    *realms = 0;
    for (guint i = 0; words != NULL && words[i] != NULL; i++) {
        guint32 number;

        if (amt_code(amt_realms, words[i], &number)) {
            *realms |= 1U << number;
            continue;
        }
        for (const AmtWord *at = amt_realms; at->word != NULL; at++)
            g_string_append_printf(known, "%s%s", known->len > 0 ? ", " : "", at->word);
        return postern_fail(error,
                            POSTERN_ERROR_BAD_PARAM,
                            "there is no realm '%.40s'; there are: %s",
                            words[i],
                            known->str);
    }
    return TRUE;
}

/* ---- the table ---- */

const AmtNeed *
amt_need(const char *task)
{
    for (const AmtNeed *at = amt_needs; task != NULL && at->task != NULL; at++)
        if (strcmp(at->task, task) == 0)
            return at;
    return NULL;
}

char *
amt_need_titles(const AmtNeed *need)
{
    g_autofree char *titles = amt_realm_titles(need->realms);
    g_autofree char *instead = amt_realm_titles(need->instead);

    return need->realms == 0    ? g_strdup(need->note)
           : need->instead != 0 ? g_strconcat(titles, " or ", instead, NULL)
                                : g_steal_pointer(&titles);
}

char *
amt_need_row(const AmtNeed *need)
{
    g_autofree char *titles = amt_need_titles(need);

    return g_strdup_printf(
        "| `%s` | %s | %s | %s |", need->task, need->classes, titles, need->since);
}

gboolean
amt_realms_suffice(guint32 held, const AmtNeed *need)
{
    for (guint i = 0; i < G_N_ELEMENTS(implied); i++)
        if ((held >> implied[i].realm & 1) != 0)
            held |= 1U << implied[i].brings;
    return (held & (R(ADMINISTRATION) | need->instead)) != 0 ||
           (held & need->realms) == need->realms;
}

/* ---- what is known of accounts ---- */

/* "admin: administration, operator: general-info remote-control"; no name can hold a comma or a colon. */
static const char fact[] = "amt.realms";
/* "operator: redirection": what amt.diagnose was refused; of the others it says nothing */
static const char lacking_fact[] = "amt.realms-lacking";

enum { FACT_MOST = 1024 };

void
amt_observe_realms(const Amt *amt, PosternRun *run, const AmtHolder *holders, guint count)
{
    g_autoptr(GString) text = g_string_new(NULL);
    PosternResult facts;

    for (guint i = 0; i < count; i++) {
        const guint32 realms = holders[i].realms;
        g_autofree char *joined =
            join_words(realms == AMT_EVERY_REALM ? R(ADMINISTRATION) : realms, " ");
        gsize before = text->len;

        g_string_append_printf(text, "%s%s: %s", before > 0 ? ", " : "", holders[i].name, joined);
        if (text->len > FACT_MOST) /* of whom nothing is known, the device is asked */
            g_string_truncate(text, before);
    }
    result_begin(&facts);
    result_string(&facts, fact, text->str);
    amt_observe(amt, run, result_end(&facts));
}

/* Realms of `user` in the text of the fact; FALSE: it does not speak of that account. */
static gboolean
read_holder(const char *text, const char *user, guint32 *realms)
{
    g_auto(GStrv) holders = g_strsplit(text, ", ", -1);

    for (guint i = 0; holders[i] != NULL; i++) {
        g_auto(GStrv) words = NULL;
        gsize length = strlen(user);

        if (strncmp(holders[i], user, length) != 0 || strncmp(holders[i] + length, ": ", 2) != 0)
            continue;
        words = g_strsplit(holders[i] + length + 2, " ", -1);
        return amt_realm_mask((const char *const *)words, realms, NULL);
    }
    return FALSE;
}

typedef struct {
    guint32 realms;
    char *when; /* RFC 3339 */
} Memory;

static void
memory_clear(Memory *memory)
{
    g_free(memory->when);
}
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC(Memory, memory_clear)

void
amt_add_lacking(PosternResult *facts, GVariant *known, const char *user, guint32 lacking)
{
    g_autofree char *words = join_words(lacking, " ");
    g_autofree char *text = g_strdup_printf("%s: %s", user != NULL ? user : "", words);

    /* that nothing is lacking is worth a word where something was */
    if (user != NULL && (lacking != 0 || params_string(known, lacking_fact) != NULL))
        result_string(facts, lacking_fact, text);
}

/* What one fact says of `user`, and when it was seen; FALSE: nothing, or it is a day old. */
static gboolean
read_fact(
    GVariant *known, const char *name, const char *user, gint64 now, guint32 *realms, gint64 *at)
{
    const char *text = params_string(known, name);
    g_autoptr(GVariant) seen = params_value(known, "seen", "a{sx}");

    return text != NULL && seen != NULL && g_variant_lookup(seen, name, "x", at) &&
           (now - *at) / G_USEC_PER_SEC <= FRESH_SECONDS && read_holder(text, user, realms);
}

/* FALSE: nothing is known of what that account may do. */
static gboolean
remember(const PosternServices *svc, PosternRun *run, const char *user, Memory *memory)
{
    g_autoptr(GVariant) known = NULL;
    g_autoptr(GDateTime) when = NULL;
    guint32 lacking = 0;
    gint64 at = 0, lacking_at = 0, now;
    gboolean has, lacks;

    if (user == NULL || !POSTERN_CAN(svc->inventory, known) || svc->clock == NULL)
        return FALSE;
    now = svc->clock->real(run);
    known = svc->inventory->known(run);
    has = read_fact(known, fact, user, now, &memory->realms, &at);
    lacks = read_fact(known, lacking_fact, user, now, &lacking, &lacking_at) && lacking != 0;
    if (lacks && (!has || lacking_at > at)) {
        /* whoever lacks one is no administrator, and may have all the others */
        memory->realms = ~(lacking | R(ADMINISTRATION));
        at = lacking_at;
    }
    when = has || lacks ? g_date_time_new_from_unix_utc(at / G_USEC_PER_SEC) : NULL;
    memory->when = when != NULL ? g_date_time_format(when, "%Y-%m-%dT%H:%M:%SZ") : NULL;
    return memory->when != NULL;
}

static const AmtNeed *
need_of_run(const PosternServices *svc, PosternRun *run)
{
    const AmtNeed *need = POSTERN_CAN(svc->run, task) ? amt_need(svc->run->task(run)) : NULL;

    return need != NULL && need->realms != 0 ? need : NULL;
}

/* "realm remote-control (Remote Control)" of the realms that are missing; all, when nobody knows what is held. */
static char *
name_missing(guint32 held, guint32 needed)
{
    guint32 missing = needed & ~held;
    g_autofree char *titles = amt_realm_titles(missing);
    g_autofree char *joined = join_words(missing, ", ");

    return g_strdup_printf(
        "realm%s %s (%s)", strchr(joined, ',') != NULL ? "s" : "", joined, titles);
}

gboolean
amt_check_needs(const Amt *amt, PosternRun *run, GError **error)
{
    const AmtNeed *need = need_of_run(&amt->svc, run);
    g_auto(Memory) memory = {0};
    g_autofree char *missing = NULL;
    g_autofree char *user = NULL;

    if (need == NULL || !POSTERN_CAN(amt->svc.credentials, foresee))
        return TRUE;
    user = g_strdup(amt->svc.credentials->foresee(run, amt_credentials, "user"));
    if (!remember(&amt->svc, run, user, &memory) || amt_realms_suffice(memory.realms, need))
        return TRUE;
    missing = name_missing(memory.realms, need->realms);
    return postern_fail(error,
                        POSTERN_ERROR_FORBIDDEN,
                        "%s needs %s, which account %s does not have, as of %s; the device was not "
                        "asked. If that has changed: postern run amt.user.list %s, as an "
                        "administrator, looks again",
                        need->task,
                        missing,
                        user,
                        memory.when,
                        amt->svc.run->target(run));
}

void
amt_explain_refusal(const PosternServices *svc, PosternRun *run, const char *user, GError **error)
{
    const AmtNeed *need = need_of_run(svc, run);
    g_auto(Memory) memory = {0};
    g_autofree char *missing = NULL, *text = NULL;
    gboolean known, has;

    if (need == NULL || error == NULL || *error == NULL)
        return;
    known = remember(svc, run, user, &memory);
    has = known && amt_realms_suffice(memory.realms, need);
    missing = name_missing(known && !has ? memory.realms : 0, need->realms);
    text = g_strdup_printf("%s: %s needs %s, which account %s %s%s%s",
                           (*error)->message,
                           need->task,
                           missing,
                           user != NULL ? user : "in use",
                           has     ? "had as of "
                           : known ? "does not have"
                                   : "seems not to have",
                           has ? memory.when : "",
                           has ? "; it was taken from it, or something else is missing, such as "
                                 "the consent of the user"
                               : "");
    g_clear_error(error);
    g_set_error_literal(error, POSTERN_ERROR, POSTERN_ERROR_FORBIDDEN, text);
}
