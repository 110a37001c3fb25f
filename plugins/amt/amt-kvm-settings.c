/* SPDX-License-Identifier: Apache-2.0 */
/*
 * amt.kvm.get and amt.kvm.set: the VNC port and its password, the user's consent, time-outs and which screen.
 *
 * Whether KVM is on at all is for amt.features.set.
 */
#include "amt-kvm.h"
#include "amt-settings.h"

#include <string.h>

static const char settings_class[] = "IPS_KVMRedirectionSettingData";

enum { KVM_IN_SESSION = 2, KVM_IDLE = 6, SCREENS_MOST = 4 };

/* clang-format off */
static const AmtSetting settings[] = {
    {"EnabledByMEBx", "allowed-by-mebx", "b", 0, 0, TRUE},
    {"BackToBackFbMode", "back-to-back-frames", "b", 0, 0, FALSE},
    {"Is5900PortEnabled", "port-5900", "b", 0, 0, FALSE},
    {"OptInPolicy", "consent", "b", 0, 0, FALSE},
    {"OptInPolicyTimeout", "consent-seconds", "u", 1, 65535, FALSE},
    {"SessionTimeout", "session-minutes", "u", 0, 255, FALSE},
    {"DefaultScreen", "default-screen", "u", 0, SCREENS_MOST - 1, FALSE},
    {"GrayscalePixelFormatSupported", "greys", "b", 0, 0, TRUE},
    {"ZlibControlSupported", "zlib", "b", 0, 0, TRUE},
    {NULL, NULL, NULL, 0, 0, FALSE},
};

/* The order of the schema, in which one device was seen to insist on getting them back. What is not here is read only. */
static const char *const put_order[] = {
    "ElementName", "InstanceID", "EnabledByMEBx", "BackToBackFbMode", "Is5900PortEnabled", "OptInPolicy", "OptInPolicyTimeout",
    "SessionTimeout", "RFBPassword", "DefaultScreen", "InitialDecimationModeForLowRes", "DoubleBufferMode",
};
/* clang-format on */

/* ---- reading ---- */

static GVariant *
read_settings(WsMan *ws, GError **error)
{
    return amt_read_needed(ws, settings_class, "has no KVM, which came with AMT 6", error);
}

/* The i-th member of an array of numbers in text; 0 when there is none. */
static gint32
number_at(GVariant *instance, const char *name, gsize i)
{
    g_auto(GStrv) values = params_strv(instance, name);

    return values != NULL && i < g_strv_length(values)
               ? (gint32)g_ascii_strtoll(values[i], NULL, 10)
               : 0;
}

static gboolean
is_active(GVariant *instance, gsize i)
{
    g_autoptr(GVariant) values = params_value(instance, "IsActive", "ab");
    gboolean active = FALSE;

    if (values != NULL && i < g_variant_n_children(values))
        g_variant_get_child(values, i, "b", &active);
    return active;
}

/* The screens that are connected, each with its place and size; floating aa{sv}. */
static GVariant *
describe_screens(GVariant *instance)
{
    GVariantBuilder screens;

    g_variant_builder_init(&screens, G_VARIANT_TYPE("aa{sv}"));
    for (guint i = 0; i < SCREENS_MOST; i++) {
        PosternResult screen;

        if (!is_active(instance, i))
            continue;
        result_begin(&screen);
        result_uint(&screen, "number", i);
        result_value(&screen, "x", g_variant_new_int32(number_at(instance, "UpperLeftX", i)));
        result_value(&screen, "y", g_variant_new_int32(number_at(instance, "UpperLeftY", i)));
        result_uint(&screen, "width", (guint32)number_at(instance, "ResolutionX", i));
        result_uint(&screen, "height", (guint32)number_at(instance, "ResolutionY", i));
        g_variant_builder_add_value(&screens, result_end(&screen));
    }
    return g_variant_builder_end(&screens);
}

static GVariant *
describe(GVariant *found, guint32 state, GVariant *screens)
{
    PosternResult result;

    result_begin(&result);
    result_bool(&result, "kvm", state == KVM_IN_SESSION || state == KVM_IDLE);
    result_bool(&result, "in-session", state == KVM_IN_SESSION);
    amt_settings_add(&result, settings, found);
    if (screens != NULL)
        result_value(&result, "screens", describe_screens(screens));
    return result_end(&result);
}

/* What else belongs to it; older firmware does not tell of screens. */
static GVariant *
read_rest(WsMan *ws, GVariant *found, GError **error)
{
    g_autoptr(GError) why = NULL;
    g_autoptr(GVariant) sap = amt_read_single(ws, "CIM_KVMRedirectionSAP", &why);
    g_autoptr(GVariant) screens = NULL;

    if (why == NULL)
        screens = amt_read_single(ws, "IPS_ScreenSettingData", &why);
    if (why != NULL) {
        g_propagate_error(error, g_steal_pointer(&why));
        return NULL;
    }
    return describe(found, sap != NULL ? params_uint(sap, "EnabledState", 0) : 0, screens);
}

static GVariant *
run_get(PosternRun *run, GVariant *params, gpointer self, GError **error)
{
    g_autoptr(WsMan) ws = amt_open(self, run, params, error);
    g_autoptr(GVariant) found = ws != NULL ? read_settings(ws, error) : NULL;

    return found != NULL ? read_rest(ws, found, error) : NULL;
}

/* ---- changing ---- */

/* The rules are the firmware's, which says no more than "not valid"; the password itself must not be told. */
static gboolean
check_password(const char *password, GError **error)
{
    gboolean upper = FALSE, lower = FALSE, digit = FALSE, special = FALSE, other = FALSE;
    gsize length = strlen(password);

    for (const char *at = password; *at != '\0'; at++) {
        upper = upper || g_ascii_isupper(*at);
        lower = lower || g_ascii_islower(*at);
        digit = digit || g_ascii_isdigit(*at);
        special = special || g_ascii_ispunct(*at);
        other = other || !g_ascii_isgraph(*at);
    }
    if (length == RFB_PASSWORD_MOST && upper && lower && digit && special && !other)
        return TRUE;
    return postern_fail(error,
                        POSTERN_ERROR_BAD_PARAM,
                        "the VNC password has %" G_GSIZE_FORMAT
                        " characters%s%s%s%s%s; the firmware wants exactly 8, with an upper case "
                        "letter, a lower case letter, a digit and a special character",
                        length,
                        upper ? "" : ", no upper case letter",
                        lower ? "" : ", no lower case letter",
                        digit ? "" : ", no digit",
                        special ? "" : ", no special character",
                        other ? ", and one that is not ASCII" : "");
}

/* The whole instance, in order, with what changes; floating. A password that does not change is left out: it reads as
 * empty. */
static GVariant *
whole_instance(GVariant *now, GVariant *changes, const char *password)
{
    PosternResult whole;

    result_begin(&whole);
    for (guint i = 0; i < G_N_ELEMENTS(put_order); i++) {
        const char *name = put_order[i];
        g_autoptr(GVariant) wanted = params_value(changes, name, NULL);
        g_autoptr(GVariant) is = params_value(now, name, NULL);

        if (g_str_equal(name, "RFBPassword"))
            result_string(&whole, name, password);
        else
            result_value(&whole, name, wanted != NULL ? wanted : is);
    }
    return result_end(&whole);
}

/* What the device says to a Put that it does not like is the same for all reasons. */
static void
explain_refusal(WsMan *ws, GVariant *changes, const char *password, GError **error)
{
    g_autoptr(GVariant) port = params_value(changes, "Is5900PortEnabled", NULL);

    if (g_strcmp0(wsman_fault(ws), "InvalidRepresentation") != 0)
        return;
    if (port != NULL && password == NULL)
        g_prefix_error(error,
                       "the VNC port may want vnc-password, which it has no more or never had: ");
    else
        g_prefix_error(error,
                       "the device does not take these settings; firmware from 16.1 on is said to "
                       "have no VNC port: ");
}

/* A password cannot be read: it is written whenever it is given. */
static GVariant *
run_set(PosternRun *run, GVariant *params, gpointer self, GError **error)
{
    const char *password = params_string(params, "vnc-password");
    g_autoptr(WsMan) ws = amt_open(self, run, params, error);
    g_autoptr(GVariant) now = ws != NULL ? read_settings(ws, error) : NULL;
    g_autoptr(GVariant) changes =
        now != NULL ? amt_settings_changes(settings, params, now, error) : NULL;
    g_autoptr(GVariant) stored = NULL;
    g_autoptr(GVariant) found = NULL;

    if (changes == NULL || (password != NULL && !check_password(password, error)))
        return NULL;
    if (g_variant_n_children(changes) == 0 && password == NULL)
        return read_rest(ws, now, error);
    stored =
        wsman_put(ws, settings_class, NULL, whole_instance(now, changes, password), TRUE, error);
    if (stored == NULL) {
        explain_refusal(ws, changes, password, error);
        return NULL;
    }
    found = read_settings(ws, error);
    return found != NULL && amt_settings_taken(found, changes, "amt.kvm.get", error)
               ? read_rest(ws, found, error)
               : NULL;
}

/* clang-format off */
#define FIELD_ROW(name_, type_, summary_) POSTERN_FIELD_ITEM(.name = name_, .type = type_, .summary = summary_)
#define SETTINGS                                                                                                      \
    FIELD_ROW("port-5900", "b", "port 5900 takes any VNC viewer, without TLS"),                                       \
    FIELD_ROW("consent", "b", "KVM asks the user at the machine; amt.features.set has the wider rule"),               \
    FIELD_ROW("consent-seconds", "u", "how long the user has for that, 1 to 65535"),                                  \
    FIELD_ROW("session-minutes", "u", "a session without keys and pointer ends after so long, 0 (never) to 255"),     \
    FIELD_ROW("default-screen", "u", "which screen a session begins with, 0 to 3"),                                   \
    FIELD_ROW("back-to-back-frames", "b", "frames are sent without a pause, for programs that watch the screen")

static const PosternField *const get_params[] = {AMT_COMMON_PARAMS, NULL};
static const PosternField *const set_params[] = {
    SETTINGS,
    POSTERN_FIELD_ITEM(.name = "vnc-password", .type = "s", .flags = POSTERN_FIELD_SECRET,
                       .summary = "password of port 5900: exactly 8 characters, with upper and lower case, digit and special character"),
    AMT_COMMON_PARAMS,
    NULL,
};

static const PosternField *const outputs[] = {
    POSTERN_FIELD_ITEM(.name = "kvm", .type = "b", .flags = POSTERN_FIELD_REQUIRED, .summary = "KVM is switched on"),
    POSTERN_FIELD_ITEM(.name = "in-session", .type = "b", .flags = POSTERN_FIELD_REQUIRED, .summary = "somebody is connected now"),
    FIELD_ROW("allowed-by-mebx", "b", "the MEBx, at the machine, lets it be switched on"),
    SETTINGS,
    FIELD_ROW("greys", "b", "it can send greys"),
    FIELD_ROW("zlib", "b", "it can compress"),
    POSTERN_FIELD_ITEM(.name = "screens", .type = "aa{sv}",
                       .summary = "connected screens: number, x, y, width, height; absent: this firmware does not tell"),
    NULL,
};

const PosternTask amt_kvm_get_task = {
    .size = sizeof(PosternTask),
    .flags = POSTERN_TASK_READ_ONLY | POSTERN_TASK_IDEMPOTENT,
    .version = 1,
    .id = "amt.kvm.get",
    .summary = "read the settings of KVM: VNC port, consent, time-outs, screens",
    .details = "IPS_KVMRedirectionSettingData, CIM_KVMRedirectionSAP and IPS_ScreenSettingData; what a release lacks is not in the "
               "result. Least realm: Redirection.",
    .params = get_params,
    .outputs = outputs,
    .credentials = amt_credentials,
    .run = run_get,
};

const PosternTask amt_kvm_set_task = {
    .size = sizeof(PosternTask),
    .flags = POSTERN_TASK_IDEMPOTENT,
    .version = 1,
    .id = "amt.kvm.set",
    .summary = "change the settings of KVM, and read back what was taken",
    .details = "What is not named stays as it is, and what is so already is not written; a password always is, for it cannot be read. "
               "The VNC port has no TLS, and its password is the only guard: prefer amt.kvm.proxy. KVM itself is switched on and off by "
               "amt.features.set. IPS_KVMRedirectionSettingData. Least realm: PT Administration.",
    .params = set_params,
    .outputs = outputs,
    .credentials = amt_credentials,
    .run = run_set,
};
/* clang-format on */
