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
    guint32 port;
    guint32 tls_port;
    guint32 pong_port;
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
                       .summary = "PEM file of the roots that must have issued the certificate")
/* clang-format on */

/* amt-session.c */
/* Floating, or borrowed from `amt`: hand it on at once. */
GVariant *amt_http_options(const Amt *amt, GVariant *params, gboolean login);
/* To look at any certificate, whatever the policy trusts; without a login. Floating. */
GVariant *amt_unverified_options(const Amt *amt);
void amt_options_init(Amt *amt); /* once the rest of it is filled in */
void amt_options_clear(Amt *amt);
WsMan *amt_open(const Amt *amt, PosternRun *run, GVariant *params, GError **error);
/* The same with a machine that answers at another address than the run's target. */
WsMan *
amt_open_at(const Amt *amt, PosternRun *run, GVariant *params, const char *host, GError **error);
/* The request may have arrived although its answer did not: what it asked for may be so. */
gboolean amt_is_lost(WsMan *ws, const GError *why);
/* A Get failed in a way that makes it worth while to look for the same by an enumeration. */
gboolean amt_ask_otherwise(WsMan *ws, const GError *why);
/* The only instance of a class: Get, or where a release wants keys for that, the first of an enumeration. NULL
 * without `error`: the device has none, or no such class. */
GVariant *amt_read_single(WsMan *ws, const char *class_name, GError **error);
/* Every instance of a class, a{sv} each; a class that this release lacks has none. NULL with `error`. */
GPtrArray *amt_read_all(WsMan *ws, const char *class_name, GError **error);
/* The first of them with this text as a property, borrowed; NULL: none. */
GVariant *amt_find(GPtrArray *instances, const char *property, const char *value);
/* Selectors with one key. Floating. */
GVariant *amt_key(const char *name, const char *value);
/* RequestStateChange of a singleton. */
gboolean amt_request_state(WsMan *ws, const char *class_name, guint32 state, GError **error);
/* Put of a singleton with one property changed; takes a floating `value`. */
gboolean amt_put_one(WsMan *ws, const char *class_name, const char *name, GVariant *value, GError **error);

/* amt-codes.c */
typedef struct {
    guint32 code;
    const char *word;
} AmtWord;
const char *amt_word(const AmtWord *table, guint32 code); /* NULL: unknown; the table ends with a NULL word */
gboolean amt_code(const AmtWord *table, const char *word, guint32 *code);
const char *amt_status_name(guint32 status);
gint amt_status_error(guint32 status);
extern const AmtWord amt_power_states[];
extern const AmtWord amt_enabled_states[];
extern const AmtWord amt_provisioning_states[];
extern const AmtWord amt_provisioning_modes[];
extern const AmtWord amt_control_modes[];
extern const AmtWord amt_chassis_types[];
extern const AmtWord amt_memory_types[];
extern const AmtWord amt_memory_forms[];
extern const AmtWord amt_os_power_saving[];

/* amt-types.c */
extern const WsmanProfile amt_profile;

/* amt-identify.c, amt-wsman.c, amt-power.c, amt-power-set.c, amt-inventory.c */
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
extern const PosternTask amt_eventlog_get_task;
extern const PosternTask amt_eventlog_clear_task;
extern const PosternTask amt_features_get_task;
extern const PosternTask amt_features_set_task;
extern const PosternTask amt_general_get_task;
extern const PosternTask amt_general_set_task;
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

/* amt-identify.c: what a conversation without a login shows, as amt.identify returns it. Floating. */
GVariant *amt_visit(const Amt *amt, PosternHttp *conversation, gboolean quick, GError **error);

/* amt-observe.c: what tasks tell the host of a machine; nothing where the host has no memory. Takes a floating a{sv}. */
void amt_observe(const Amt *amt, PosternRun *run, GVariant *facts);
void amt_observe_visit(const Amt *amt, PosternRun *run, GVariant *visit); /* what amt_visit() told */
/* "power" (on, sleep or off) and "amt.power" (the exact word) of a power state. */
void amt_add_power_facts(GVariantBuilder *facts, guint32 state);
/* FALSE with CONFLICT when the device is another machine than the one that is known as this run's target. */
gboolean amt_check_identity(const Amt *amt, PosternRun *run, WsMan *ws, GError **error);

/* amt-power.c */
typedef struct {
    guint32 state;
    GArray *available; /* guint32; empty: the device does not say */
} AmtPower;
void amt_power_clear(AmtPower *power);
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC(AmtPower, amt_power_clear)
gboolean amt_power_read(WsMan *ws, AmtPower *power, GError **error);
GVariant *amt_power_words(const GArray *codes);          /* floating "as" */
void amt_power_result(PosternResult *result, const AmtPower *power);

#endif /* AMT_H */
