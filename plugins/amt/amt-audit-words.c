/* SPDX-License-Identifier: Apache-2.0 */
/* Names of what firmware writes into its audit log. */
#include "amt-audit.h"

#include <string.h>

/* clang-format off */
static const struct {
    guint32 id;
    const char *name;
    const char *const *events; /* NULL-ended */
    guint32 first;             /* number of the first of them */
} applications[] = {
    {16, "security-admin", (const char *const[]){
        "setup-started", "setup-completed", "acl-entry-added", "acl-entry-modified", "acl-entry-removed", "invalid-credentials",
        "acl-entry-state", "tls-state", "tls-certificate-set", "tls-certificate-removed", "root-certificate-added",
        "root-certificate-removed", "tls-psk-set", "kerberos-settings", "kerberos-main-key", "flash-wear-counters-reset",
        "power-package", "realm-authentication", "client-to-admin", "unprovisioning-started", NULL}},
    {17, "remote-control", (const char *const[]){
        "power-up", "power-down", "power-cycle", "reset", "boot-options", "power-down-graceful", "reset-graceful", "standby",
        "hibernate", "nmi", NULL}},
    {18, "redirection", (const char *const[]){
        "ider-opened", "ider-closed", "ider-enabled", "ider-disabled", "sol-opened", "sol-closed", "sol-enabled", "sol-disabled",
        "kvm-started", "kvm-ended", "kvm-enabled", "kvm-disabled", "vnc-password-failed", NULL}},
    {19, "firmware-update", (const char *const[]){"updated", "failed", NULL}},
    {20, "audit-log", (const char *const[]){
        "cleared", "policy-modified", "disabled", "enabled", "exported", "recovered", NULL}},
    {21, "time", (const char *const[]){"set", NULL}},
    {22, "network-admin", (const char *const[]){
        "tcp-ip", "host-name", "domain-name", "vlan", "link-policy", "ipv6", NULL}},
    {23, "storage", (const char *const[]){"attributes", "eacl", "fpacl", "write", NULL}},
    {24, "event-manager", (const char *const[]){
        "subscribed", "unsubscribed", "log-cleared", "log-frozen", NULL}},
    {25, "system-defense", (const char *const[]){
        "filter-added", "filter-removed", "policy-added", "policy-removed", "default-policy-set", "heuristics-option",
        "heuristics-cleared", NULL}},
    {26, "agent-presence", (const char *const[]){"watchdog-added", "watchdog-removed", "action-set", NULL}},
    {27, "wireless", (const char *const[]){
        "profile-added", "profile-removed", "profile-updated", "profile-sync", "link-preference", "uefi-share", NULL}},
    {28, "access-control", (const char *const[]){
        "posture-signer", "enabled", "disabled", "posture-state", "options", NULL}},
    {29, "kvm", (const char *const[]){
        "opt-in-enabled", "opt-in-disabled", "password-changed", "consent-given", "consent-refused", NULL}},
    {30, "opt-in", (const char *const[]){"policy-changed", "code-sent", "start-blocked", NULL}},
    {32, "screen-blanking", (const char *const[]){NULL}},
    {33, "watchdog-action", (const char *const[]){"modified", "connected", NULL}, 1},
};
/* clang-format on */

const char *
amt_audit_application(guint32 application)
{
    for (guint i = 0; i < G_N_ELEMENTS(applications); i++)
        if (applications[i].id == application)
            return applications[i].name;
    return NULL;
}

const char *
amt_audit_event(guint32 id)
{
    for (guint i = 0; i < G_N_ELEMENTS(applications); i++) {
        const guint32 place = (id & 0xFFFF) - applications[i].first;

        if (applications[i].id == id >> 16)
            return place < g_strv_length((char **)(gsize)applications[i].events)
                       ? applications[i].events[place]
                       : NULL;
    }
    return NULL;
}

char *
amt_audit_name(guint32 id)
{
    const char *application = amt_audit_application(id >> 16), *event = amt_audit_event(id);

    if (application != NULL && event != NULL)
        return g_strdup_printf("%s.%s", application, event);
    return g_strdup_printf("%u.%u", id >> 16, id & 0xFFFF);
}

/* No application has more, as far as anybody knows. */
enum { EVENTS_MOST = 32 };

static gboolean
add_numbers(const char *name, GArray *ids)
{
    g_auto(GStrv) words = g_strsplit(name, ".", 2);
    guint64 application, event;
    guint32 id;

    if (g_strv_length(words) != 2 ||
        !g_ascii_string_to_unsigned(words[0], 10, 0, 0xFFFF, &application, NULL) ||
        !g_ascii_string_to_unsigned(words[1], 10, 0, 0xFFFF, &event, NULL))
        return FALSE;
    id = (guint32)(application << 16 | event);
    g_array_append_val(ids, id);
    return TRUE;
}

gboolean
amt_audit_ids(const char *name, GArray *ids, GError **error)
{
    guint before = ids->len;

    for (guint i = 0; i < G_N_ELEMENTS(applications); i++) {
        gboolean all = g_str_equal(applications[i].name, name);

        for (guint32 event = 0; event < EVENTS_MOST; event++) {
            guint32 id = applications[i].id << 16 | event;
            g_autofree char *own = amt_audit_event(id) != NULL ? amt_audit_name(id) : NULL;

            if (own != NULL && (all || g_str_equal(own, name)))
                g_array_append_val(ids, id);
        }
    }
    return ids->len > before || add_numbers(name, ids) ||
           postern_fail(
               error,
               POSTERN_ERROR_BAD_PARAM,
               "\"%s\" is no audited event: expected a name like remote-control.power-up, an "
               "application "
               "like remote-control, or numbers like 17.0; amt.auditlog.policy.get lists names",
               name);
}
