/* SPDX-License-Identifier: Apache-2.0 */
/* amt.wifi.list, amt.wifi.add, amt.wifi.remove and amt.wifi.set: wireless profiles, radio and sharing of profiles. */
#include "amt-facts.h"

#include <string.h>

static const char class_name[] = "CIM_WiFiEndpointSettings";
static const char service[] = "AMT_WiFiPortConfigurationService";
static const char radio_class[] = "CIM_WiFiPort";
#define INSTANCE_PREFIX "Intel(r) AMT:WiFi Endpoint Settings "

enum { NAME_MOST = 32, PRIORITY_MOST = 255, PHRASE_LEAST = 8, PHRASE_MOST = 63 };

/* clang-format off */
static const AmtWord auths[] = {
    {1, "other"}, {2, "open"}, {3, "shared-key"}, {4, "wpa-psk"}, {5, "wpa-802.1x"}, {6, "wpa2-psk"}, {7, "wpa2-802.1x"},
    {32768, "wpa3-sae"}, {32769, "wpa3-owe"}, {0, NULL}};
static const AmtWord ciphers[] = {{1, "other"}, {2, "wep"}, {3, "tkip"}, {4, "ccmp"}, {5, "none"}, {0, NULL}};
static const AmtWord radios[] = {{3, "off"}, {32768, "s0"}, {32769, "s0-sx"}, {0, NULL}};
static const AmtWord syncs[] = {{0, "off"}, {1, "user"}, {3, "unrestricted"}, {0, NULL}};
static const AmtFact profile_facts[] = {
    {"ElementName", "name", FACT_TEXT, NULL},
    {"SSID", "ssid", FACT_TEXT, NULL},
    {"Priority", "priority", FACT_NUMBER, NULL},
    {"AuthenticationMethod", "auth", FACT_WORD, auths},
    {"EncryptionMethod", "encryption", FACT_WORD, ciphers},
    {NULL, NULL, FACT_TEXT, NULL},
};
static const AmtFact radio_facts[] = {{"EnabledState", "radio", FACT_WORD, radios}, {NULL, NULL, FACT_TEXT, NULL}};
static const AmtFact service_facts[] = {
    {"localProfileSynchronizationEnabled", "profile-sync", FACT_WORD, syncs},
    {"UEFIWiFiProfileShareEnabled", "uefi-share", FACT_FLAG, NULL},
    {NULL, NULL, FACT_TEXT, NULL},
};
/* clang-format on */

/* ---- reading ---- */

typedef struct {
    GPtrArray *profiles;
    GVariant *service, *radio; /* NULL: there is none */
} WiFi;

static void
wifi_clear(WiFi *wifi)
{
    g_clear_pointer(&wifi->profiles, g_ptr_array_unref);
    g_clear_pointer(&wifi->service, g_variant_unref);
    g_clear_pointer(&wifi->radio, g_variant_unref);
}
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC(WiFi, wifi_clear)

/* A single instance, NULL if there is none; FALSE with `error`. */
static gboolean
read_single(WsMan *ws, const char *name, GVariant **instance, GError **error)
{
    g_autoptr(GError) why = NULL;

    *instance = amt_read_single(ws, name, &why);
    if (why == NULL)
        return TRUE;
    g_propagate_error(error, g_steal_pointer(&why));
    return FALSE;
}

static gboolean
read_wifi(WsMan *ws, WiFi *wifi, GError **error)
{
    wifi_clear(wifi);
    if (!read_single(ws, service, &wifi->service, error))
        return FALSE;
    if (wifi->service == NULL)
        return postern_fail(error,
                            POSTERN_ERROR_NOT_SUPPORTED,
                            "this machine has no wireless port that the firmware uses (%s)",
                            service);
    if (!read_single(ws, radio_class, &wifi->radio, error))
        return FALSE;
    wifi->profiles = amt_read_all(ws, class_name, error);
    return wifi->profiles != NULL;
}

static GVariant *
describe(const WiFi *wifi, gint changed)
{
    GVariantBuilder list;
    PosternResult result;

    g_variant_builder_init(&list, G_VARIANT_TYPE("aa{sv}"));
    for (guint i = 0; i < wifi->profiles->len; i++) {
        PosternResult profile;
        result_begin(&profile);
        amt_facts_add(&profile, profile_facts, wifi->profiles->pdata[i]);
        g_variant_builder_add_value(&list, result_end(&profile));
    }
    result_begin(&result);
    result_value(&result, "profiles", g_variant_builder_end(&list));
    if (wifi->radio != NULL)
        amt_facts_add(&result, radio_facts, wifi->radio);
    amt_facts_add(&result, service_facts, wifi->service);
    if (changed >= 0)
        result_bool(&result, "changed", changed);
    return result_end(&result);
}

static GVariant *
run_list(PosternRun *run, GVariant *params, gpointer self, GError **error)
{
    g_autoptr(WsMan) ws = amt_open(self, run, params, error);
    g_auto(WiFi) wifi = {0};

    return ws != NULL && read_wifi(ws, &wifi, error) ? describe(&wifi, -1) : NULL;
}

/* ---- adding ---- */

typedef struct {
    const char *name, *ssid, *phrase;
    guint32 priority, auth, cipher;
} Profile;

static gboolean
check_length(const char *what, const char *text, gsize most, GError **error)
{
    gsize length = strlen(text);

    return (length >= 1 && length <= most) ||
           postern_fail(error,
                        POSTERN_ERROR_BAD_PARAM,
                        "%s has %" G_GSIZE_FORMAT " bytes, expected 1 to %" G_GSIZE_FORMAT,
                        what,
                        length,
                        most);
}

/* Never says what the phrase is. */
static gboolean
check_phrase(const Profile *profile, const char *auth, GError **error)
{
    gboolean wanted = profile->auth != 2;
    gsize length = profile->phrase != NULL ? strlen(profile->phrase) : 0;

    if (!wanted)
        return profile->phrase == NULL || postern_fail(error,
                                                       POSTERN_ERROR_BAD_PARAM,
                                                       "an open network has no password, and one "
                                                       "is given");
    return (length >= PHRASE_LEAST && length <= PHRASE_MOST && g_str_is_ascii(profile->phrase)) ||
           postern_fail(error,
                        POSTERN_ERROR_BAD_PARAM,
                        "%s needs a password of %d to %d ASCII characters, found %s",
                        auth,
                        PHRASE_LEAST,
                        PHRASE_MOST,
                        profile->phrase == NULL ? "none" : "another length or other characters");
}

static gboolean
read_wish(Profile *profile, GVariant *params, GError **error)
{
    const char *auth = params_string(params, "auth");
    const char *cipher = params_string(params, "encryption");

    profile->name = params_string(params, "name");
    profile->ssid = params_string(params, "ssid");
    profile->phrase = params_string(params, "password");
    profile->priority = params_uint(params, "priority", 0);
    if (profile->ssid == NULL)
        profile->ssid = profile->name;
    if (!amt_code(auths, auth, &profile->auth) ||
        !amt_code(ciphers,
                  cipher != NULL ? cipher : (profile->auth == 2 ? "none" : "ccmp"),
                  &profile->cipher))
        return postern_fail(error, POSTERN_ERROR_BAD_PARAM, "no such auth or encryption");
    if ((profile->auth == 2) != (profile->cipher == 5))
        return postern_fail(error,
                            POSTERN_ERROR_BAD_PARAM,
                            "auth=%s does not go with encryption=%s: open networks have none, and "
                            "others tkip or ccmp",
                            auth,
                            amt_word(ciphers, profile->cipher));
    if (profile->priority > PRIORITY_MOST)
        return postern_fail(error,
                            POSTERN_ERROR_BAD_PARAM,
                            "priority is %u, expected 1 to %d",
                            profile->priority,
                            PRIORITY_MOST);
    return check_length("name", profile->name, NAME_MOST, error) &&
           check_length("ssid", profile->ssid, NAME_MOST, error) &&
           check_phrase(profile, auth, error);
}

static GVariant *
with_priority(GPtrArray *profiles, guint32 priority)
{
    for (guint i = 0; i < profiles->len; i++)
        if (params_uint(profiles->pdata[i], "Priority", 0) == priority)
            return profiles->pdata[i];
    return NULL;
}

/* One that no other has; what is not asked for stays, or is the first free one. */
static gboolean
choose_priority(Profile *profile, GPtrArray *profiles, GVariant *old, GError **error)
{
    GVariant *other;

    if (profile->priority == 0 && old != NULL)
        profile->priority = params_uint(old, "Priority", 0);
    for (guint32 free = 1; profile->priority == 0 && free <= PRIORITY_MOST; free++)
        if (with_priority(profiles, free) == NULL)
            profile->priority = free;
    other = with_priority(profiles, profile->priority);
    return other == NULL || other == old ||
           postern_fail(error,
                        POSTERN_ERROR_CONFLICT,
                        "priority %u is that of profile %s: each has its own; take another, or "
                        "none for the first that is free",
                        profile->priority,
                        params_string(other, "ElementName"));
}

static gboolean
is_same(GVariant *found, const Profile *profile)
{
    return g_strcmp0(params_string(found, "SSID"), profile->ssid) == 0 &&
           params_uint(found, "Priority", 0) == profile->priority &&
           params_uint(found, "AuthenticationMethod", 0) == profile->auth &&
           params_uint(found, "EncryptionMethod", 0) == profile->cipher;
}

static GVariant *
settings_of(const Profile *profile, const char *id)
{
    PosternResult settings;

    result_begin(&settings);
    result_string(&settings, "@class", class_name);
    result_string(&settings, "ElementName", profile->name);
    result_string(&settings, "InstanceID", id);
    result_uint(&settings, "AuthenticationMethod", profile->auth);
    result_uint(&settings, "EncryptionMethod", profile->cipher);
    result_string(&settings, "SSID", profile->ssid);
    result_uint(&settings, "Priority", profile->priority);
    result_string(&settings, "PSKPassPhrase", profile->phrase);
    return result_end(&settings);
}

/* `id`: of the profile to replace; NULL: a new one. */
static gboolean
send_profile(WsMan *ws, const Profile *profile, const char *id, GError **error)
{
    g_autofree char *fresh = g_strconcat(INSTANCE_PREFIX, profile->name, NULL);
    g_autoptr(GVariant) outputs = NULL;
    PosternResult args;

    result_begin(&args);
    if (id != NULL)
        result_value(&args, "WiFiEndpointSettings", wsman_epr(class_name, "InstanceID", id, NULL));
    else
        result_value(
            &args, "WiFiEndpoint", wsman_epr("CIM_WiFiEndpoint", "Name", "WiFi Endpoint 0", NULL));
    result_value(&args, "WiFiEndpointSettingsInput", settings_of(profile, id != NULL ? id : fresh));
    outputs = wsman_call(ws,
                         service,
                         NULL,
                         id != NULL ? "UpdateWiFiSettings" : "AddWiFiSettings",
                         result_end(&args),
                         error);
    return outputs != NULL;
}

static gboolean
check_added(const WiFi *wifi, const Profile *profile, GError **error)
{
    GVariant *found = amt_find(wifi->profiles, "ElementName", profile->name);

    return (found != NULL && is_same(found, profile)) ||
           postern_fail(error,
                        POSTERN_ERROR_CONFLICT,
                        "the device took the profile, and %s; read what it has with amt.wifi.list",
                        found == NULL ? "it is not in its list" : "holds it otherwise");
}

static GVariant *
run_add(PosternRun *run, GVariant *params, gpointer self, GError **error)
{
    g_autoptr(WsMan) ws = amt_open(self, run, params, error);
    g_auto(WiFi) wifi = {0};
    Profile profile = {0};
    GVariant *old;

    if (ws == NULL || !read_wish(&profile, params, error) || !read_wifi(ws, &wifi, error))
        return NULL;
    old = amt_find(wifi.profiles, "ElementName", profile.name);
    if (!choose_priority(&profile, wifi.profiles, old, error))
        return NULL;
    if (old != NULL && !params_bool(params, "replace", FALSE)) {
        if (is_same(old, &profile))
            return describe(&wifi, FALSE);
        postern_fail(error,
                     POSTERN_ERROR_CONFLICT,
                     "there is another profile called %s: replace=true writes over it",
                     profile.name);
        return NULL;
    }
    if (!send_profile(ws, &profile, old != NULL ? params_string(old, "InstanceID") : NULL, error) ||
        !read_wifi(ws, &wifi, error) || !check_added(&wifi, &profile, error))
        return NULL;
    return describe(&wifi, TRUE);
}

/* ---- removing ---- */

static GVariant *
run_remove(PosternRun *run, GVariant *params, gpointer self, GError **error)
{
    g_autoptr(WsMan) ws = amt_open(self, run, params, error);
    const char *name = params_string(params, "name");
    g_auto(WiFi) wifi = {0};
    GVariant *old;

    if (ws == NULL || !read_wifi(ws, &wifi, error))
        return NULL;
    old = amt_find(wifi.profiles, "ElementName", name);
    if (old == NULL)
        return describe(&wifi, FALSE);
    if (!wsman_delete(
            ws, class_name, amt_key("InstanceID", params_string(old, "InstanceID")), error) ||
        !read_wifi(ws, &wifi, error))
        return NULL;
    if (amt_find(wifi.profiles, "ElementName", name) == NULL)
        return describe(&wifi, TRUE);
    postern_fail(error,
                 POSTERN_ERROR_CONFLICT,
                 "the device took the removal, and profile %s is still in its list",
                 name);
    return NULL;
}

/* ---- switches ---- */

/* What is asked for and not so yet, of the service's properties. Floating; NULL with `error`. */
static GVariant *
read_switches(GVariant *params, const WiFi *wifi, GError **error)
{
    const char *sync = params_string(params, "profile-sync");
    g_autoptr(GVariant) share = params_value(params, "uefi-share", "b");
    g_autoptr(GVariant) shared = params_value(wifi->service, "UEFIWiFiProfileShareEnabled", "b");
    PosternResult changes;
    guint32 code = 0;

    if (share != NULL && shared == NULL) {
        postern_fail(error,
                     POSTERN_ERROR_NOT_SUPPORTED,
                     "this firmware shares no profiles with UEFI (UEFIWiFiProfileShareEnabled): "
                     "nothing was changed");
        return NULL;
    }
    result_begin(&changes);
    if (share != NULL && !g_variant_equal(share, shared))
        result_value(&changes, "UEFIWiFiProfileShareEnabled", share);
    if (sync != NULL && amt_code(syncs, sync, &code) &&
        params_uint(wifi->service, "localProfileSynchronizationEnabled", 0) != code)
        result_uint(&changes, "localProfileSynchronizationEnabled", code);
    return result_end(&changes);
}

static gboolean
check_switches(const WiFi *wifi, GVariant *changes, guint32 radio, GError **error)
{
    GVariantIter iter;
    const char *property;
    GVariant *wanted;
    const char *wrong = NULL;

    g_variant_iter_init(&iter, changes);
    while (g_variant_iter_loop(&iter, "{&sv}", &property, &wanted)) {
        g_autoptr(GVariant) is = params_value(wifi->service, property, NULL);
        if (is == NULL || !g_variant_equal(is, wanted))
            wrong = property;
    }
    if (radio != 0 && (wifi->radio == NULL || params_uint(wifi->radio, "EnabledState", 0) != radio))
        wrong = "radio";
    return wrong == NULL ||
           postern_fail(error,
                        POSTERN_ERROR_CONFLICT,
                        "the device said yes, and its %s is not as it was asked for; read what it "
                        "has with amt.wifi.list",
                        wrong);
}

static gboolean
write_switches(WsMan *ws, GVariant *changes, guint32 radio, GError **error)
{
    if (g_variant_n_children(changes) > 0) {
        g_autoptr(GVariant) stored = wsman_put(ws, service, NULL, changes, FALSE, error);
        if (stored == NULL)
            return FALSE;
    }
    return radio == 0 || amt_request_state(ws, radio_class, radio, error);
}

static GVariant *
run_set(PosternRun *run, GVariant *params, gpointer self, GError **error)
{
    g_autoptr(WsMan) ws = amt_open(self, run, params, error);
    const char *radio = params_string(params, "radio");
    g_autoptr(GVariant) changes = NULL;
    g_auto(WiFi) wifi = {0};
    guint32 state = 0;

    if (ws == NULL || !read_wifi(ws, &wifi, error))
        return NULL;
    if (radio != NULL && wifi.radio == NULL) {
        postern_fail(error, POSTERN_ERROR_NOT_SUPPORTED, "this firmware switches no radio");
        return NULL;
    }
    changes = read_switches(params, &wifi, error);
    if (changes == NULL)
        return NULL;
    g_variant_ref_sink(changes);
    if (radio != NULL && amt_code(radios, radio, &state) &&
        params_uint(wifi.radio, "EnabledState", 0) == state)
        state = 0;
    if (state == 0 && g_variant_n_children(changes) == 0)
        return describe(&wifi, FALSE);
    if (!write_switches(ws, changes, state, error) || !read_wifi(ws, &wifi, error) ||
        !check_switches(&wifi, changes, state, error))
        return NULL;
    return describe(&wifi, TRUE);
}

/* clang-format off */
static const char *const auth_choices[] = {"open", "wpa-psk", "wpa2-psk", "wpa3-sae", NULL};
static const char *const cipher_choices[] = {"none", "tkip", "ccmp", NULL};
static const char *const radio_choices[] = {"off", "s0", "s0-sx", NULL};
static const char *const sync_choices[] = {"off", "user", "unrestricted", NULL};

#define WIFI_OUTPUTS                                                                                                 \
    POSTERN_FIELD_ITEM(.name = "profiles", .type = "aa{sv}", .flags = POSTERN_FIELD_REQUIRED,                       \
                       .summary = "name, ssid, priority (1 is tried first), auth, encryption; never the password"), \
    POSTERN_FIELD_ITEM(.name = "radio", .type = "s", .summary = "off, s0 (on while the system runs) or s0-sx"),     \
    POSTERN_FIELD_ITEM(.name = "profile-sync", .type = "s",                                                         \
                       .summary = "the operating system's profiles come along: off, user or unrestricted"),          \
    POSTERN_FIELD_ITEM(.name = "uefi-share", .type = "b", .summary = "profiles are shared with UEFI; absent: no such")
#define NAME_PARAM POSTERN_FIELD_ITEM(.name = "name", .type = "s", .flags = POSTERN_FIELD_REQUIRED, .summary = "the profile's name")

static const PosternField *const list_params[] = {AMT_COMMON_PARAMS, NULL};
static const PosternField *const add_params[] = {
    NAME_PARAM,
    POSTERN_FIELD_ITEM(.name = "ssid", .type = "s", .summary = "the network's name; absent: that of the profile"),
    POSTERN_FIELD_ITEM(.name = "priority", .type = "u", .fallback = "0", .summary = "1 to 255, 1 is tried first; 0: the first that is free"),
    POSTERN_FIELD_ITEM(.name = "auth", .type = "s", .choices = auth_choices, .fallback = "'wpa2-psk'", .summary = "how to log in"),
    POSTERN_FIELD_ITEM(.name = "encryption", .type = "s", .choices = cipher_choices, .summary = "absent: ccmp, or none for an open network"),
    POSTERN_FIELD_ITEM(.name = "password", .type = "s", .flags = POSTERN_FIELD_SECRET, .summary = "pass phrase, 8 to 63 characters; never read back"),
    POSTERN_FIELD_ITEM(.name = "replace", .type = "b", .fallback = "false", .summary = "write over a profile of this name, password and all"),
    AMT_COMMON_PARAMS,
    NULL,
};
static const PosternField *const remove_params[] = {NAME_PARAM, AMT_COMMON_PARAMS, NULL};
static const PosternField *const set_params[] = {
    POSTERN_FIELD_ITEM(.name = "radio", .type = "s", .choices = radio_choices,
                       .summary = "off, on while the system runs (s0), or on at any time on mains power (s0-sx)"),
    POSTERN_FIELD_ITEM(.name = "profile-sync", .type = "s", .choices = sync_choices, .summary = "take profiles over from the operating system"),
    POSTERN_FIELD_ITEM(.name = "uefi-share", .type = "b", .summary = "share profiles with UEFI, from AMT 16 on"),
    AMT_COMMON_PARAMS,
    NULL,
};
static const PosternField *const list_outputs[] = {WIFI_OUTPUTS, NULL};
static const PosternField *const change_outputs[] = {
    WIFI_OUTPUTS,
    POSTERN_FIELD_ITEM(.name = "changed", .type = "b", .flags = POSTERN_FIELD_REQUIRED, .summary = "false: it was so already"),
    NULL,
};

const PosternTask amt_wifi_list_task = {
    .size = sizeof(PosternTask),
    .flags = POSTERN_TASK_READ_ONLY | POSTERN_TASK_IDEMPOTENT,
    .version = 1,
    .id = "amt.wifi.list",
    .summary = "list wireless profiles, and the state of the radio",
    .details = "CIM_WiFiEndpointSettings, CIM_WiFiPort, AMT_WiFiPortConfigurationService. Least realm: PT Administration.",
    .params = list_params,
    .outputs = list_outputs,
    .credentials = amt_credentials,
    .run = run_list,
};

const PosternTask amt_wifi_add_task = {
    .size = sizeof(PosternTask),
    .flags = POSTERN_TASK_IDEMPOTENT,
    .version = 1,
    .id = "amt.wifi.add",
    .summary = "add a wireless profile, or replace one",
    .details = "AMT_WiFiPortConfigurationService.AddWiFiSettings or UpdateWiFiSettings, and the list read back. Passwords cannot be read, so "
               "a profile that is the same but for its password counts as there already; replace=true writes it all the same. "
               "Least realm: PT Administration.",
    .params = add_params,
    .outputs = change_outputs,
    .credentials = amt_credentials,
    .run = run_add,
};

const PosternTask amt_wifi_remove_task = {
    .size = sizeof(PosternTask),
    .flags = POSTERN_TASK_IDEMPOTENT | POSTERN_TASK_DISRUPTIVE,
    .version = 1,
    .id = "amt.wifi.remove",
    .summary = "remove a wireless profile",
    .details = "Delete of a CIM_WiFiEndpointSettings, and the list read back. One that is not there is no error; a machine that is reached "
               "by WLAN only may be lost with it. Least realm: PT Administration.",
    .params = remove_params,
    .outputs = change_outputs,
    .credentials = amt_credentials,
    .run = run_remove,
};

const PosternTask amt_wifi_set_task = {
    .size = sizeof(PosternTask),
    .flags = POSTERN_TASK_IDEMPOTENT | POSTERN_TASK_DISRUPTIVE,
    .version = 1,
    .id = "amt.wifi.set",
    .summary = "switch the radio, and the taking over of the operating system's profiles",
    .details = "CIM_WiFiPort.RequestStateChange, AMT_WiFiPortConfigurationService. What is not named stays, what is so already is not "
               "written, and what was written is read back. Least realm: PT Administration.",
    .params = set_params,
    .outputs = change_outputs,
    .credentials = amt_credentials,
    .run = run_set,
};
/* clang-format on */
