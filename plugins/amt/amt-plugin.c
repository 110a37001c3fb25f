/* SPDX-License-Identifier: Apache-2.0 */
/* The plugin's tables, and its coming to life. */
#include "amt.h"

#include <libxml/parser.h>

const char *const amt_tls_choices[] = {"prefer", "require", "off", NULL};
const char *const amt_credentials[] = {"amt.digest", NULL};

/* clang-format off */
static const PosternField *const config[] = {
    POSTERN_FIELD_ITEM(.name = "tls", .type = "s", .fallback = "'prefer'", .choices = amt_tls_choices,
                       .summary = "TLS policy: prefer tries TLS first, then plain; require: TLS or nothing; off: plain only"),
    POSTERN_FIELD_ITEM(.name = "tls-ca-file", .type = "s", .format = "file",
                       .summary = "PEM file of the roots that must have issued device certificates"),
    POSTERN_FIELD_ITEM(.name = "tls-pin", .type = "s",
                       .summary = "SHA-256 of the only certificate to accept, where all devices share one"),
    POSTERN_FIELD_ITEM(.name = "tls-certificate-file", .type = "s", .format = "file",
                       .summary = "PEM file of our certificate, for devices with mutual TLS"),
    POSTERN_FIELD_ITEM(.name = "tls-key-file", .type = "s", .format = "file",
                       .summary = "PEM file of its key; without it the key is in the same file"),
    POSTERN_FIELD_ITEM(.name = "port", .type = "u", .format = "port", .fallback = "16992",
                       .summary = "where devices speak plain HTTP"),
    POSTERN_FIELD_ITEM(.name = "tls-port", .type = "u", .format = "port", .fallback = "16993",
                       .summary = "where devices speak TLS"),
    POSTERN_FIELD_ITEM(.name = "pong-port", .type = "u", .format = "port", .fallback = "623",
                       .summary = "where devices answer the RMCP presence ping, which the diagnosis asks"),
    POSTERN_FIELD_ITEM(.name = "redirection-port", .type = "u", .format = "port", .fallback = "16994",
                       .summary = "where devices take sessions of serial console, storage and KVM without TLS"),
    POSTERN_FIELD_ITEM(.name = "redirection-tls-port", .type = "u", .format = "port", .fallback = "16995",
                       .summary = "where they take them over TLS"),
    POSTERN_FIELD_ITEM(.name = "vnc-port", .type = "u", .format = "port", .fallback = "5900",
                       .summary = "where devices take VNC viewers, if they do"),
    POSTERN_FIELD_ITEM(.name = "timeout-ms", .type = "u", .format = "ms", .fallback = "10000",
                       .summary = "how long to wait for a connection, and for each answer"),
    NULL,
};

static const PosternField *const digest_fields[] = {
    POSTERN_FIELD_ITEM(.name = "user", .type = "s", .fallback = "'admin'", .summary = "account name in the device"),
    POSTERN_FIELD_ITEM(.name = "password", .type = "s", .flags = POSTERN_FIELD_SECRET | POSTERN_FIELD_REQUIRED,
                       .summary = "its password"),
    NULL,
};

static const PosternCredentialType digest = {
    .size = sizeof(PosternCredentialType),
    .id = "amt.digest",
    .summary = "an account of the AMT firmware",
    .fields = digest_fields,
    .login = "digest",
};

static const PosternField *const rfb_fields[] = {
    POSTERN_FIELD_ITEM(.name = "password", .type = "s", .flags = POSTERN_FIELD_SECRET | POSTERN_FIELD_REQUIRED,
                       .summary = "the password that amt.kvm.set gives the VNC port"),
    NULL,
};

static const PosternCredentialType rfb = {
    .size = sizeof(PosternCredentialType),
    .id = "amt.rfb",
    .summary = "the password of a device's VNC port",
    .fields = rfb_fields,
};

static const PosternCredentialType *const credential_types[] = {&digest, &rfb, NULL};

static const PosternTask *const tasks[] = {
    &amt_account_drift_task,
    &amt_admin_password_task,
    &amt_agentpresence_get_task,
    &amt_alarm_add_task,
    &amt_alarm_list_task,
    &amt_alarm_remove_task,
    &amt_auditlog_clear_task,
    &amt_auditlog_enable_task,
    &amt_auditlog_export_task,
    &amt_auditlog_get_task,
    &amt_auditlog_policy_get_task,
    &amt_auditlog_policy_set_task,
    &amt_auditlog_sign_set_task,
    &amt_auditlog_sign_verify_task,
    &amt_boot_erase_task,
    &amt_boot_get_task,
    &amt_boot_service_set_task,
    &amt_boot_set_task,
    &amt_certificate_add_task,
    &amt_certificate_expiry_task,
    &amt_certificate_list_task,
    &amt_certificate_remove_task,
    &amt_certificate_request_task,
    &amt_consent_cancel_task,
    &amt_consent_get_task,
    &amt_consent_start_task,
    &amt_consent_submit_task,
    &amt_crl_add_task,
    &amt_crl_list_task,
    &amt_diagnose_task,
    &amt_dot1x_get_task,
    &amt_dot1x_set_task,
    &amt_environment_get_task,
    &amt_environment_set_task,
    &amt_eventlog_clear_task,
    &amt_eventlog_get_task,
    &amt_events_list_task,
    &amt_events_subscribe_task,
    &amt_events_unsubscribe_task,
    &amt_features_get_task,
    &amt_features_set_task,
    &amt_general_get_task,
    &amt_general_set_task,
    &amt_identify_task,
    &amt_ider_task,
    &amt_inventory_get_task,
    &amt_key_generate_task,
    &amt_key_list_task,
    &amt_key_remove_task,
    &amt_kvm_get_task,
    &amt_kvm_proxy_task,
    &amt_kvm_screenshot_task,
    &amt_kvm_set_task,
    &amt_network_get_task,
    &amt_network_set_task,
    &amt_power_get_task,
    &amt_power_set_task,
    &amt_powerscheme_get_task,
    &amt_powerscheme_set_task,
    &amt_remoteaccess_get_task,
    &amt_remoteaccess_set_task,
    &amt_security_report_task,
    &amt_sol_expect_task,
    &amt_sol_task,
    &amt_storage_get_task,
    &amt_time_get_task,
    &amt_time_set_task,
    &amt_tls_enroll_task,
    &amt_tls_get_task,
    &amt_tls_set_task,
    &amt_unprovision_task,
    &amt_user_add_task,
    &amt_user_list_task,
    &amt_user_password_task,
    &amt_user_remove_task,
    &amt_user_set_task,
    &amt_webui_set_task,
    &amt_wifi_add_task,
    &amt_wifi_link_set_task,
    &amt_wifi_list_task,
    &amt_wifi_remove_task,
    &amt_wifi_set_task,
    &amt_wsman_create_task,
    &amt_wsman_delete_task,
    &amt_wsman_enumerate_task,
    &amt_wsman_get_task,
    &amt_wsman_invoke_task,
    &amt_wsman_put_task,
    NULL,
};

static const char *const services[] = {POSTERN_SVC_RUN, POSTERN_SVC_HTTP, POSTERN_SVC_STREAM, POSTERN_SVC_CREDENTIALS,
                                       POSTERN_SVC_CLOCK, NULL};
/* clang-format on */

static gpointer
amt_create(const PosternHost *host, GVariant *config_values, GError **error)
{
    Amt *amt = g_new0(Amt, 1);

    postern_services_init(&amt->svc, host);
    xmlInitParser(); /* not safe later, when several threads parse */
    amt->tls = g_strdup(params_string(config_values, "tls"));
    amt->tls_ca_file = g_strdup(params_string(config_values, "tls-ca-file"));
    amt->tls_pin = g_strdup(params_string(config_values, "tls-pin"));
    amt->tls_certificate_file = g_strdup(params_string(config_values, "tls-certificate-file"));
    amt->tls_key_file = g_strdup(params_string(config_values, "tls-key-file"));
    amt->port = params_uint(config_values, "port", 16992);
    amt->tls_port = params_uint(config_values, "tls-port", 16993);
    amt->pong_port = params_uint(config_values, "pong-port", 623);
    amt->redirection_port = params_uint(config_values, "redirection-port", 16994);
    amt->redirection_tls_port = params_uint(config_values, "redirection-tls-port", 16995);
    amt->vnc_port = params_uint(config_values, "vnc-port", 5900);
    amt->timeout_ms = params_uint(config_values, "timeout-ms", 10000);
    amt_options_init(amt);
    return amt;
}

static void
amt_destroy(gpointer self)
{
    Amt *amt = self;

    amt_options_clear(amt);
    g_free(amt->tls);
    g_free(amt->tls_ca_file);
    g_free(amt->tls_pin);
    g_free(amt->tls_certificate_file);
    g_free(amt->tls_key_file);
    g_free(amt);
}

static const PosternPlugin amt_plugin = {
    .magic = POSTERN_MAGIC,
    .size = sizeof(PosternPlugin),
    .abi_major = POSTERN_ABI_MAJOR,
    .abi_minor = POSTERN_ABI_MINOR,
    .abi_minor_needed = 0,
    .name = "amt",
    .version = "0.1.0",
    .license = "Apache-2.0",
    .summary =
        "Intel Active Management Technology: power, inventory and any class over WS-Management",
    .origin = "postern",
    .requires_services = services,
    .config = config,
    .tasks = tasks,
    .credential_types = credential_types,
    .create = amt_create,
    .destroy = amt_destroy,
};

POSTERN_PLUGIN(amt)
{
    return &amt_plugin;
}
