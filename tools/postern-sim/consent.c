/* SPDX-License-Identifier: Apache-2.0 */
#include "config.h"

#include "consent.h"
#include "logs.h"
#include "methods.h"
#include "rules.h"

#define SERVICE "IPS_OptInService"
#define ALL     "4294967295"

enum { WRONG_MOST = 3, BLOCKED_SECONDS = 60, CODES = 1000000 };
/* ReturnValues; which one a wrong code gets is not settled. */
enum { WRONG_CODE = 1, INVALID_STATE = 2, BLOCKED = 3 };
/* Events of the audit log's application, and what their data says. */
enum { POLICY_CHANGED = 0, CODE_SENT = 1, START_BLOCKED = 2 };

static DeviceConsent *
consent_of(Device *device)
{
    DeviceExtra *extra = device_extra(device);

    if (extra->consent == NULL)
        extra->consent = g_new0(DeviceConsent, 1);
    return extra->consent;
}

static char *
setting(Device *device, const char *name)
{
    const SimInstance *service = device_first(device, SERVICE);

    return service != NULL ? device_property(device, service, name) : NULL;
}

static gint64
seconds_from_now(Device *device, const char *name)
{
    g_autofree char *text = setting(device, name);

    return g_get_monotonic_time() +
           (gint64)(text != NULL ? g_ascii_strtoull(text, NULL, 10) : 0) * G_USEC_PER_SEC;
}

ConsentState
consent_state(Device *device)
{
    DeviceConsent *consent = device->extra != NULL ? device->extra->consent : NULL;

    if (consent == NULL)
        return CONSENT_NONE;
    if (consent->until != 0 && consent->until <= g_get_monotonic_time()) {
        consent->state = CONSENT_NONE;
        consent->until = 0;
    }
    return consent->state;
}

gboolean
consent_given(Device *device, gboolean kvm)
{
    g_autofree char *required = setting(device, "OptInRequired");
    ConsentState state = consent_state(device);
    gboolean needed =
        g_strcmp0(required, ALL) == 0 || (kvm && required != NULL && g_strcmp0(required, "0") != 0);

    return !needed || state == CONSENT_RECEIVED || state == CONSENT_IN_SESSION;
}

void
consent_session(Device *device, gboolean begins)
{
    DeviceConsent *consent = consent_of(device);
    ConsentState state = consent_state(device);

    if (begins ? state != CONSENT_RECEIVED : state != CONSENT_IN_SESSION)
        return;
    consent->state = begins ? CONSENT_IN_SESSION : CONSENT_NONE;
    consent->until = 0;
}

/* ---- methods ---- */

static guint
start(Call *call)
{
    Device *device = call->device;
    DeviceConsent *consent = consent_of(device);
    char text[16];

    if (consent->blocked > g_get_monotonic_time()) {
        logs_audit(device, AUDIT_CONSENT, START_BLOCKED, NULL, 0);
        return BLOCKED;
    }
    if (consent_state(device) != CONSENT_NONE)
        return INVALID_STATE;
    consent->code = (guint32)(device_derive(device, 3000U + consent->started++) % CODES);
    consent->wrong = 0;
    consent->state = CONSENT_DISPLAYED;
    consent->until = seconds_from_now(device, "OptInDisplayTimeout");
    g_snprintf(text, sizeof text, "%06u", consent->code);
    if (device->sim->screen != NULL)
        device->sim->screen(device, "consent code", text);
    return DONE;
}

static guint
refuse(Device *device, DeviceConsent *consent)
{
    static const guint8 failed = 1;

    if (++consent->wrong < WRONG_MOST)
        return WRONG_CODE;
    consent->state = CONSENT_NONE;
    consent->until = 0;
    consent->blocked = g_get_monotonic_time() + (gint64)BLOCKED_SECONDS * G_USEC_PER_SEC;
    logs_audit(device, AUDIT_CONSENT, CODE_SENT, &failed, sizeof failed);
    return WRONG_CODE;
}

static guint
send_code(Call *call)
{
    static const guint8 good = 0;
    Device *device = call->device;
    DeviceConsent *consent = consent_of(device);
    g_autofree char *sent = xml_text(xml_child(call->input, "OptInCode"));
    char code[16];

    if (consent->blocked > g_get_monotonic_time())
        return BLOCKED;
    if (consent_state(device) != CONSENT_DISPLAYED)
        return INVALID_STATE;
    g_snprintf(code, sizeof code, "%06u", consent->code);
    if (!g_str_equal(g_strstrip(sent), code))
        return refuse(device, consent);
    consent->state = CONSENT_RECEIVED;
    consent->until = seconds_from_now(device, "OptInCodeTimeout");
    logs_audit(device, AUDIT_CONSENT, CODE_SENT, &good, sizeof good);
    return DONE;
}

static guint
cancel(Call *call)
{
    DeviceConsent *consent = consent_of(call->device);

    if (consent_state(call->device) == CONSENT_NONE)
        return INVALID_STATE;
    consent->state = CONSENT_NONE;
    consent->until = 0;
    return DONE;
}

const Method methods_consent[] = {
    {SERVICE, "StartOptIn", start},
    {SERVICE, "SendOptInCode", send_code},
    {SERVICE, "CancelOptIn", cancel},
    {0},
};

/* ---- the policy ---- */

/* 0 none, 1 KVM, 255 all, as the audit log has it. */
static guint8
policy_byte(const char *required)
{
    return (guint8)(g_strcmp0(required, ALL) == 0 ? 255 : g_strcmp0(required, "1") == 0);
}

static gboolean
in_range(const char *text, guint64 least, guint64 most)
{
    return text == NULL || g_ascii_string_to_unsigned(text, 10, least, most, NULL, NULL);
}

static const SoapFault *
put(Device *device, const SimInstance *service, GPtrArray *values)
{
    const char *wanted = rules_value(values, "OptInRequired");
    g_autofree char *now = device_property(device, service, "OptInRequired");
    g_autofree char *may = device_property(device, service, "CanModifyOptInPolicy");
    guint8 change[2] = {policy_byte(now), policy_byte(wanted)};

    if (wanted != NULL && !g_str_equal(wanted, "0") && change[1] == 0)
        return &FAULT_REPRESENTATION;
    if (!in_range(rules_value(values, "OptInCodeTimeout"), 60, 900) ||
        !in_range(rules_value(values, "OptInDisplayTimeout"), 60, 900))
        return &FAULT_REPRESENTATION;
    if (wanted == NULL || change[0] == change[1])
        return NULL;
    if (g_strcmp0(may, "0") == 0)
        return &FAULT_DENIED;
    logs_audit(device, AUDIT_CONSENT, POLICY_CHANGED, change, sizeof change);
    return NULL;
}

const Rule rules_consent[] = {
    {SERVICE, .put = put},
    {0},
};
