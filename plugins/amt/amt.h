/* SPDX-License-Identifier: Apache-2.0 */
/* What the files of this plugin share. */
#ifndef AMT_H
#define AMT_H

#include <postern-host.h>
#include <postern-params.h>

#include <wsman.h>

/* amt-plugin.c */
typedef struct {
    PosternServices svc;
    char *tls;
    char *tls_ca_file;
    char *tls_pin;
    char *tls_certificate_file, *tls_key_file; /* ours, for devices that ask for one */
    guint32 port;
    guint32 tls_port;
    guint32 pong_port;
    guint32 redirection_port;
    guint32 redirection_tls_port;
    guint32 vnc_port;
    guint32 timeout_ms;
    GVariant *login_options; /* for PosternHttpSvc.open(), as the configuration has them */
    GVariant *visit_options; /* the same without any login */
} Amt;

/* Every task takes these beside its own; NULL-ended rows of a table. */
/* clang-format off */
extern const char *const amt_tls_choices[];
extern const char *const amt_credentials[];
#define AMT_COMMON_PARAMS                                                                                     \
    POSTERN_FIELD_ITEM(.name = "tls", .type = "s", .choices = amt_tls_choices,                                \
                       .summary = "use TLS: overrides the plugin's configuration"),                           \
    POSTERN_FIELD_ITEM(.name = "tls-pin", .type = "s",                                                        \
                       .summary = "SHA-256 of the only certificate to accept, 64 hex digits"),                \
    POSTERN_FIELD_ITEM(.name = "tls-ca-file", .type = "s", .format = "file",                                  \
                       .summary = "PEM file of the roots that must have issued the certificate"),             \
    POSTERN_FIELD_ITEM(.name = "tls-certificate-file", .type = "s", .format = "file",                         \
                       .summary = "PEM file of our certificate, for devices with mutual TLS"),                \
    POSTERN_FIELD_ITEM(.name = "tls-key-file", .type = "s", .format = "file",                                 \
                       .summary = "PEM file of its key; without it the key is in the same file")
/* clang-format on */

/* amt-session.c */
/* Floating, or borrowed from `amt`: hand it on at once. */
GVariant *amt_http_options(const Amt *amt, GVariant *params, gboolean login);
/* To look at any certificate, whatever the policy trusts; without a login. Floating. */
GVariant *amt_unverified_options(const Amt *amt);
/* For PosternStreamSvc.connect() over TLS to the device, taking the certificate with that SHA-256 (NULL: any) only. Floating. */
GVariant *amt_pinned_stream_options(const Amt *amt, GVariant *params, const char *sha256);
void amt_options_init(Amt *amt); /* once the rest of it is filled in */
void amt_options_clear(Amt *amt);
WsMan *amt_open(const Amt *amt, PosternRun *run, GVariant *params, GError **error);
/* The same with a machine that answers at another address than the run's target. */
WsMan *
amt_open_at(const Amt *amt, PosternRun *run, GVariant *params, const char *host, GError **error);
/* The request may have arrived although its answer did not: what it asked for may be so. */
gboolean amt_is_lost(WsMan *ws, const GError *why);
/* The same over TLS only, taking the certificate with that SHA-256 and no other, whatever else is trusted; NULL: plain only. */
WsMan *amt_open_pinned(
    const Amt *amt, PosternRun *run, GVariant *params, const char *sha256, GError **error);
/* "open", "closed", "silent" or "unreachable"; NULL with `error`. */
const char *amt_port_state(const Amt *amt, PosternRun *run, guint32 port, GError **error);
/* A Get failed in a way that makes it worth while to look for the same by an enumeration. */
gboolean amt_ask_otherwise(WsMan *ws, const GError *why);
/* The only instance of a class: Get, or where a release wants keys for that, the first of an enumeration. NULL
 * without `error`: the device has none, or no such class. */
GVariant *amt_read_single(WsMan *ws, const char *class_name, GError **error);
/* The same where none is an error: NOT_SUPPORTED, "this firmware LACK (CLASS)". */
GVariant *amt_read_needed(WsMan *ws, const char *class_name, const char *lack, GError **error);
/* Every instance of a class, a{sv} each; a class that this release lacks has none. NULL with `error`. */
GPtrArray *amt_read_all(WsMan *ws, const char *class_name, GError **error);
/* The first of them with this text as a property, borrowed; NULL: none. */
GVariant *amt_find(GPtrArray *instances, const char *property, const char *value);
/* Selectors with one key. Floating. */
GVariant *amt_key(const char *name, const char *value);
/* Key `key` of the reference that is property `property`; the caller's, NULL: none. */
char *amt_key_in(GVariant *instance, const char *property, const char *key);
/* RequestStateChange of a singleton. */
gboolean amt_request_state(WsMan *ws, const char *class_name, guint32 state, GError **error);
/* Put of a singleton with one property changed; takes a floating `value`. */
gboolean
amt_put_one(WsMan *ws, const char *class_name, const char *name, GVariant *value, GError **error);

/* For PosternStreamSvc.connect(), by the same policy; floating. */
GVariant *amt_stream_options(const Amt *amt, GVariant *params, gboolean tls);
/* The policy in force: "prefer", "require" or "off". */
const char *amt_tls_policy(const Amt *amt, GVariant *params);

/* amt-features.c: the kinds of remote session */
typedef struct {
    gboolean sol, ider, listener, has_kvm, kvm, has_consent;
    guint32 consent; /* as OptInRequired */
} AmtFeatures;
/* Older firmware has no KVM and no consent: that is no failure. */
gboolean amt_features_read(WsMan *ws, AmtFeatures *features, GError **error);
/* Writes what differs, and reads back whether the device took it. */
gboolean
amt_features_change(WsMan *ws, const AmtFeatures *now, const AmtFeatures *wanted, GError **error);

/* A time in seconds since 1970 as RFC 3339; what is no time is not added. */
void amt_result_time(PosternResult *result, const char *name, gint64 seconds);

/* amt-codes.c */
typedef struct {
    guint32 code;
    const char *word;
} AmtWord;
const char *amt_word(const AmtWord *table,
                     guint32 code); /* NULL: unknown; the table ends with a NULL word */
gboolean amt_code(const AmtWord *table, const char *word, guint32 *code);
const char *amt_status_name(guint32 status);
gint amt_status_error(guint32 status);
extern const AmtWord amt_power_states[];
extern const AmtWord amt_enabled_states[];
extern const AmtWord amt_provisioning_states[];
extern const AmtWord amt_provisioning_modes[];
extern const AmtWord amt_control_modes[];
extern const AmtWord amt_chassis_types[];
extern const AmtWord amt_battery_chemistries[];
extern const AmtWord amt_battery_states[];
extern const AmtWord amt_memory_types[];
extern const AmtWord amt_memory_forms[];
extern const AmtWord amt_os_power_saving[];

/* amt-types.c */
extern const WsmanProfile amt_profile;

/* amt-identify.c, amt-wsman.c, amt-power.c, amt-power-set.c, amt-inventory.c */
extern const PosternTask amt_account_drift_task;
extern const PosternTask amt_admin_password_task;
extern const PosternTask amt_identify_task;
extern const PosternTask amt_wsman_get_task;
extern const PosternTask amt_wsman_put_task;
extern const PosternTask amt_wsman_create_task;
extern const PosternTask amt_wsman_delete_task;
extern const PosternTask amt_wsman_enumerate_task;
extern const PosternTask amt_wsman_invoke_task;
extern const PosternTask amt_power_get_task;
extern const PosternTask amt_power_set_task;
extern const PosternTask amt_inventory_get_task;
extern const PosternTask amt_diagnose_task;
extern const PosternTask amt_auditlog_get_task;
extern const PosternTask amt_auditlog_export_task;
extern const PosternTask amt_auditlog_clear_task;
extern const PosternTask amt_auditlog_enable_task;
extern const PosternTask amt_auditlog_policy_get_task;
extern const PosternTask amt_auditlog_policy_set_task;
extern const PosternTask amt_auditlog_sign_set_task;
extern const PosternTask amt_auditlog_sign_verify_task;
extern const PosternTask amt_dot1x_get_task;
extern const PosternTask amt_dot1x_set_task;
extern const PosternTask amt_certificate_add_task;
extern const PosternTask amt_certificate_expiry_task;
extern const PosternTask amt_certificate_list_task;
extern const PosternTask amt_certificate_remove_task;
extern const PosternTask amt_certificate_request_task;
extern const PosternTask amt_crl_add_task;
extern const PosternTask amt_crl_list_task;
extern const PosternTask amt_key_generate_task;
extern const PosternTask amt_key_list_task;
extern const PosternTask amt_key_remove_task;
extern const PosternTask amt_security_report_task;
extern const PosternTask amt_tls_enroll_task;
extern const PosternTask amt_tls_get_task;
extern const PosternTask amt_tls_set_task;
extern const PosternTask amt_eventlog_get_task;
extern const PosternTask amt_eventlog_clear_task;
extern const PosternTask amt_features_get_task;
extern const PosternTask amt_features_set_task;
extern const PosternTask amt_general_get_task;
extern const PosternTask amt_general_set_task;
extern const PosternTask amt_kvm_get_task;
extern const PosternTask amt_kvm_proxy_task;
extern const PosternTask amt_kvm_screenshot_task;
extern const PosternTask amt_kvm_set_task;
extern const PosternTask amt_sol_task;
extern const PosternTask amt_ider_task;
extern const PosternTask amt_sol_expect_task;
extern const PosternTask amt_time_get_task;
extern const PosternTask amt_time_set_task;
extern const PosternTask amt_network_get_task;
extern const PosternTask amt_network_set_task;
extern const PosternTask amt_wifi_link_set_task;
extern const PosternTask amt_wifi_list_task;
extern const PosternTask amt_wifi_add_task;
extern const PosternTask amt_wifi_remove_task;
extern const PosternTask amt_wifi_set_task;
extern const PosternTask amt_environment_get_task;
extern const PosternTask amt_environment_set_task;
extern const PosternTask amt_remoteaccess_get_task;
extern const PosternTask amt_remoteaccess_set_task;
extern const PosternTask amt_powerscheme_get_task;
extern const PosternTask amt_powerscheme_set_task;
extern const PosternTask amt_events_list_task;
extern const PosternTask amt_events_subscribe_task;
extern const PosternTask amt_events_unsubscribe_task;
extern const PosternTask amt_unprovision_task;
extern const PosternTask amt_agentpresence_get_task;
extern const PosternTask amt_webui_set_task;
extern const PosternTask amt_storage_get_task;
extern const PosternTask amt_alarm_list_task;
extern const PosternTask amt_alarm_add_task;
extern const PosternTask amt_alarm_remove_task;

/* amt-time.c: seconds since 1970 by the firmware's clock; 0 with `error`. */
gint64 amt_device_clock(WsMan *ws, GError **error);
extern const PosternTask amt_boot_erase_task;
extern const PosternTask amt_boot_get_task;
extern const PosternTask amt_boot_service_set_task;
extern const PosternTask amt_boot_set_task;
extern const PosternTask amt_consent_cancel_task;
extern const PosternTask amt_consent_get_task;
extern const PosternTask amt_consent_start_task;
extern const PosternTask amt_consent_submit_task;
extern const PosternTask amt_user_add_task;
extern const PosternTask amt_user_list_task;
extern const PosternTask amt_user_password_task;
extern const PosternTask amt_user_remove_task;
extern const PosternTask amt_user_set_task;

/* amt-identify.c: what a conversation without a login shows, as amt.identify returns it. Floating. */
GVariant *amt_visit(const Amt *amt, PosternHttp *conversation, gboolean quick, GError **error);

/* amt-observe.c: what tasks tell the host of a machine; nothing where the host has no memory. Takes a floating a{sv}. */
void amt_observe(const Amt *amt, PosternRun *run, GVariant *facts);
void
amt_observe_visit(const Amt *amt, PosternRun *run, GVariant *visit); /* what amt_visit() told */
/* "power" (on, sleep or off) and "amt.power" (the exact word) of a power state. */
void amt_add_power_facts(GVariantBuilder *facts, guint32 state);
/* FALSE with CONFLICT when the device is another machine than the one that is known as this run's target. */
gboolean amt_check_identity(const Amt *amt, PosternRun *run, WsMan *ws, GError **error);

/* amt-consent.c: FALSE with CONSENT, and the next step, when the device's policy asks somebody at the machine to agree to
 * this and nobody has. `kvm`: it is a KVM session; else a serial or storage session, or a boot. `what` is the sentence's
 * beginning: "a serial session". */
gboolean amt_consent_needed(
    const Amt *amt, PosternRun *run, WsMan *ws, gboolean kvm, const char *what, GError **error);

/* amt-power.c */
typedef struct {
    guint32 state;
    GArray *available; /* guint32; empty: the device does not say */
} AmtPower;
void amt_power_clear(AmtPower *power);
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC(AmtPower, amt_power_clear)
gboolean amt_power_read(WsMan *ws, AmtPower *power, GError **error);
GVariant *amt_power_words(const GArray *codes); /* floating "as" */
void amt_power_result(PosternResult *result, const AmtPower *power);

/* amt-power-change.c: one request for a power state, and what became of it. */
typedef struct {
    const Amt *amt;
    PosternRun *run;
    WsMan *ws;       /* borrowed */
    guint32 wanted;  /* what is requested */
    guint32 goal;    /* what the machine is to be in afterwards; 0: nothing that can be seen */
    gboolean leaves; /* it leaves the goal first: cycles and resets begin and end on */
    AmtPower before;
    AmtPower now;
    gboolean changed;
    gboolean confirmed; /* the device answered the request */
} AmtPowerChange;
void amt_power_change_clear(AmtPowerChange *change);
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC(AmtPowerChange, amt_power_change_clear)
gboolean amt_power_is_off(guint32 state);
/* Look at the state as it is; then say what is wanted. */
gboolean amt_power_change_begin(
    AmtPowerChange *change, const Amt *amt, PosternRun *run, WsMan *ws, GError **error);
void amt_power_change_aim(AmtPowerChange *change, guint32 wanted);
gboolean amt_power_change_there(const AmtPowerChange *change);
/* NOT_SUPPORTED, with what is offered, when the machine does not offer it now. */
gboolean amt_power_change_check(const AmtPowerChange *change, GError **error);
/* Ask once, never again. Where the answer is lost, TRUE only when the machine was seen to get there; `confirmed` is FALSE
 * then. */
gboolean amt_power_change_request(AmtPowerChange *change, GError **error);
/* Until the goal is reached; TIMEOUT after `limit` ms. */
gboolean amt_power_change_wait(AmtPowerChange *change, guint32 limit, GError **error);

#endif /* AMT_H */
