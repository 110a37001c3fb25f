/* SPDX-License-Identifier: Apache-2.0 */
/*
 * amt.consent.*: the agreement of somebody who sits at the machine, who reads out the six digits that its screen shows.
 *
 * And amt_consent_needed(), with which other tasks ask before they begin what the device would refuse.
 */
#include "amt.h"

#include <string.h>

enum { FOR_NOTHING = 0, FOR_KVM = 1, DIGITS = 6, USUAL_TRIES = 3 };
enum {
    STATE_NONE = 0,
    STATE_REQUESTED = 1,
    STATE_DISPLAYED = 2,
    STATE_RECEIVED = 3,
    STATE_SESSION = 4
};
/* ReturnValues of this class: unlike those of others. */
enum { DONE = 0, INVALID_STATE = 2, BLOCKED = 3 };

static const char class_name[] = "IPS_OptInService";
static const AmtWord policies[] = {{0, "none"}, {1, "kvm"}, {G_MAXUINT32, "all"}, {0, NULL}};
static const AmtWord states[] = {
    {STATE_NONE, "none"},
    {STATE_REQUESTED, "requested"},
    {STATE_DISPLAYED, "displayed"},
    {STATE_RECEIVED, "received"},
    {STATE_SESSION, "in-session"},
    {0, NULL},
};

typedef struct {
    guint32 required; /* as OptInRequired */
    guint32 state;    /* as OptInState */
    gboolean modifiable;
    guint32 code_seconds, display_seconds; /* 0: the device does not say */
} Consent;

/* ---- reading ---- */

static gboolean
read_flag(GVariant *service, const char *name)
{
    g_autoptr(GVariant) value = params_value(service, name, NULL);

    if (value == NULL)
        return FALSE;
    return g_variant_is_of_type(value, G_VARIANT_TYPE_BOOLEAN)
               ? g_variant_get_boolean(value)
               : params_uint64(service, name, 0) != 0;
}

/* FALSE without `error`: older firmware, which asks nobody. */
static gboolean
read_consent(WsMan *ws, Consent *consent, GError **error)
{
    g_autoptr(GVariant) service = amt_read_single(ws, class_name, error);

    memset(consent, 0, sizeof *consent);
    if (service == NULL)
        return FALSE;
    consent->required = params_uint(service, "OptInRequired", 0);
    consent->state = params_uint(service, "OptInState", 0);
    consent->modifiable = read_flag(service, "CanModifyOptInPolicy");
    consent->code_seconds = params_uint(service, "OptInCodeTimeout", 0);
    consent->display_seconds = params_uint(service, "OptInDisplayTimeout", 0);
    return TRUE;
}

static const char *
state_word(const Consent *consent)
{
    const char *word = amt_word(states, consent->state);

    return word != NULL ? word : "unknown";
}

static gboolean
is_given(const Consent *consent)
{
    return consent->state == STATE_RECEIVED || consent->state == STATE_SESSION;
}

gboolean
amt_consent_needed(
    const Amt *amt, PosternRun *run, WsMan *ws, gboolean kvm, const char *what, GError **error)
{
    g_autoptr(GError) why = NULL;
    const char *target = amt->svc.run->target(run);
    Consent consent;

    if (!read_consent(ws, &consent, &why)) {
        if (why == NULL)
            return TRUE;
        g_propagate_error(error, g_steal_pointer(&why));
        return FALSE;
    }
    if (consent.required == FOR_NOTHING || (consent.required == FOR_KVM && !kvm) ||
        is_given(&consent))
        return TRUE;
    return postern_fail(
        error,
        POSTERN_ERROR_CONSENT,
        "%s needs the consent of somebody at the machine, and there is none (state: %s): "
        "postern run amt.consent.start %s shows a code there, postern run amt.consent.submit "
        "code=@FILE %s sends it",
        what,
        state_word(&consent),
        target,
        target);
}

static GVariant *
describe(const Consent *consent)
{
    PosternResult result;

    result_begin(&result);
    result_string(&result, "required", amt_word(policies, consent->required));
    result_string(&result, "state", amt_word(states, consent->state));
    result_bool(&result, "given", is_given(consent));
    result_bool(&result, "modifiable", consent->modifiable);
    if (consent->code_seconds != 0)
        result_uint(&result, "code-seconds", consent->code_seconds);
    if (consent->display_seconds != 0)
        result_uint(&result, "display-seconds", consent->display_seconds);
    return result_end(&result);
}

/* The same, where not to have it is an error. */
static gboolean
require_consent(WsMan *ws, Consent *consent, GError **error)
{
    g_autoptr(GError) why = NULL;

    if (ws == NULL)
        return FALSE;
    if (read_consent(ws, consent, &why))
        return TRUE;
    if (why == NULL)
        return postern_fail(error,
                            POSTERN_ERROR_NOT_SUPPORTED,
                            "this firmware has no user consent (IPS_OptInService, from 6.2 on): it "
                            "asks nobody");
    g_propagate_error(error, g_steal_pointer(&why));
    return FALSE;
}

static GVariant *
run_get(PosternRun *run, GVariant *params, gpointer self, GError **error)
{
    g_autoptr(WsMan) ws = amt_open(self, run, params, error);
    Consent consent;

    return require_consent(ws, &consent, error) ? describe(&consent) : NULL;
}

/* ---- changing ---- */

/* The ReturnValue; FALSE with `error` when there is none. */
static gboolean
call(WsMan *ws, const char *method, GVariant *args, guint32 *value, GError **error)
{
    g_autoptr(GVariant) outputs = wsman_invoke(ws, class_name, NULL, method, args, error);

    if (outputs == NULL)
        return FALSE;
    return wsman_return_value(outputs, value) ||
           wsman_check_return(ws, outputs, class_name, method, error);
}

/* What this class means by the numbers; anything that is not in the way here is the device's own. */
static gboolean
refuse(const Amt *amt, PosternRun *run, const char *method, guint32 value, GError **error)
{
    amt->svc.run->note(run, "device-code", g_variant_new_uint32(value));
    if (value == BLOCKED)
        return postern_fail(error,
                            POSTERN_ERROR_BUSY,
                            "%s.%s: the device takes no code for a while, after too many wrong "
                            "ones; wait some minutes and start again",
                            class_name,
                            method);
    if (value == INVALID_STATE)
        return postern_fail(error,
                            POSTERN_ERROR_CONFLICT,
                            "%s.%s: not in this state; postern run amt.consent.get %s tells which",
                            class_name,
                            method,
                            amt->svc.run->target(run));
    return postern_fail(error,
                        POSTERN_ERROR_DEVICE,
                        "%s.%s: the device answered ReturnValue %u, expected 0",
                        class_name,
                        method,
                        value);
}

static GVariant *
read_back(WsMan *ws, gboolean (*good)(const Consent *), const char *expected, GError **error)
{
    Consent consent;

    if (!require_consent(ws, &consent, error))
        return NULL;
    if (good(&consent))
        return describe(&consent);
    postern_fail(error,
                 POSTERN_ERROR_CONFLICT,
                 "the device said yes, and its state is %s, expected %s",
                 state_word(&consent),
                 expected);
    return NULL;
}

static gboolean
is_shown(const Consent *consent)
{
    return consent->state == STATE_REQUESTED || consent->state == STATE_DISPLAYED;
}

static gboolean
is_none(const Consent *consent)
{
    return consent->state == STATE_NONE;
}

/* What needs no code, or shows one or has one already, is left alone. */
static GVariant *
run_start(PosternRun *run, GVariant *params, gpointer self, GError **error)
{
    g_autoptr(WsMan) ws = amt_open(self, run, params, error);
    guint32 value = 0;
    Consent consent;

    if (!require_consent(ws, &consent, error))
        return NULL;
    if (consent.required == FOR_NOTHING || !is_none(&consent))
        return describe(&consent);
    if (!call(ws, "StartOptIn", NULL, &value, error))
        return NULL;
    if (value != DONE) {
        refuse(self, run, "StartOptIn", value, error);
        return NULL;
    }
    return read_back(ws, is_shown, "requested or displayed", error);
}

static gboolean
check_code(const char *code, GError **error)
{
    return (strlen(code) == DIGITS && strspn(code, "0123456789") == DIGITS) ||
           postern_fail(error,
                        POSTERN_ERROR_BAD_PARAM,
                        "code has %" G_GSIZE_FORMAT
                        " characters, expected the six digits of the screen, leading zeros "
                        "included",
                        strlen(code));
}

/* Which number a wrong code gets is not the same everywhere: the state tells what it was. */
static gboolean
tell_wrong(const Amt *amt, PosternRun *run, WsMan *ws, guint32 value, GError **error)
{
    Consent consent;

    if (value == BLOCKED || value == INVALID_STATE)
        return refuse(amt, run, "SendOptInCode", value, error);
    if (!require_consent(ws, &consent, error))
        return FALSE;
    amt->svc.run->note(run, "device-code", g_variant_new_uint32(value));
    if (is_shown(&consent))
        return postern_fail(error,
                            POSTERN_ERROR_CONSENT,
                            "the device did not take the code (ReturnValue %u): it is wrong; as a "
                            "rule it takes %d tries before it blocks for a while; read it again "
                            "from the screen",
                            value,
                            USUAL_TRIES);
    return postern_fail(error,
                        POSTERN_ERROR_CONSENT,
                        "the device did not take the code (ReturnValue %u), and shows none any "
                        "more: after %d wrong ones it blocks for a while; then postern run "
                        "amt.consent.start %s",
                        value,
                        USUAL_TRIES,
                        amt->svc.run->target(run));
}

static GVariant *
run_submit(PosternRun *run, GVariant *params, gpointer self, GError **error)
{
    g_autoptr(WsMan) ws = NULL;
    const char *code = params_string(params, "code");
    PosternResult args;
    guint32 value = 0;
    Consent consent;

    if (!check_code(code, error))
        return NULL;
    ws = amt_open(self, run, params, error);
    if (!require_consent(ws, &consent, error))
        return NULL;
    if (!is_shown(&consent)) {
        postern_fail(error,
                     POSTERN_ERROR_CONFLICT,
                     "the device waits for no code: its state is %s; postern run "
                     "amt.consent.start %s shows one",
                     state_word(&consent),
                     ((const Amt *)self)->svc.run->target(run));
        return NULL;
    }
    result_begin(&args);
    result_string(&args, "OptInCode", code);
    if (!call(ws, "SendOptInCode", result_end(&args), &value, error))
        return NULL;
    if (value != DONE) {
        tell_wrong(self, run, ws, value, error);
        return NULL;
    }
    return read_back(ws, is_given, "received", error);
}

static GVariant *
run_cancel(PosternRun *run, GVariant *params, gpointer self, GError **error)
{
    g_autoptr(WsMan) ws = amt_open(self, run, params, error);
    guint32 value = 0;
    Consent consent;

    if (!require_consent(ws, &consent, error))
        return NULL;
    if (is_none(&consent))
        return describe(&consent);
    if (!call(ws, "CancelOptIn", NULL, &value, error))
        return NULL;
    if (value != DONE) {
        refuse(self, run, "CancelOptIn", value, error);
        return NULL;
    }
    return read_back(ws, is_none, "none", error);
}

/* clang-format off */
static const PosternField *const common_params[] = {AMT_COMMON_PARAMS, NULL};
static const PosternField *const submit_params[] = {
    POSTERN_FIELD_ITEM(.name = "code", .type = "s", .flags = POSTERN_FIELD_REQUIRED | POSTERN_FIELD_SECRET,
                       .summary = "the six digits on the screen of the machine, leading zeros included"),
    AMT_COMMON_PARAMS,
    NULL,
};

static const PosternField *const outputs[] = {
    POSTERN_FIELD_ITEM(.name = "required", .type = "s", .summary = "for what somebody at the machine must agree: none, kvm or all"),
    POSTERN_FIELD_ITEM(.name = "state", .type = "s", .summary = "none, requested, displayed, received or in-session"),
    POSTERN_FIELD_ITEM(.name = "given", .type = "b", .flags = POSTERN_FIELD_REQUIRED, .summary = "somebody agreed, and it still holds"),
    POSTERN_FIELD_ITEM(.name = "modifiable", .type = "b", .flags = POSTERN_FIELD_REQUIRED,
                       .summary = "the policy can be changed from here; not so in client control mode"),
    POSTERN_FIELD_ITEM(.name = "code-seconds", .type = "u", .summary = "how long consent holds until a session uses it"),
    POSTERN_FIELD_ITEM(.name = "display-seconds", .type = "u", .summary = "how long the code is on the screen"),
    NULL,
};

const PosternTask amt_consent_get_task = {
    .size = sizeof(PosternTask),
    .flags = POSTERN_TASK_READ_ONLY | POSTERN_TASK_IDEMPOTENT,
    .version = 1,
    .id = "amt.consent.get",
    .summary = "tell for what somebody at the machine must agree, and whether somebody did",
    .details = "IPS_OptInService, from AMT 6.2 on. Least realm: Redirection.",
    .params = common_params,
    .outputs = outputs,
    .credentials = amt_credentials,
    .run = run_get,
};

const PosternTask amt_consent_start_task = {
    .size = sizeof(PosternTask),
    .version = 1,
    .id = "amt.consent.start",
    .summary = "show a code on the screen of the machine, which somebody there reads out",
    .details = "IPS_OptInService.StartOptIn, sent once. A machine that asks for no consent, or shows a code or has one already, is left "
               "alone. Next: postern run amt.consent.submit. Least realm: Redirection.",
    .params = common_params,
    .outputs = outputs,
    .credentials = amt_credentials,
    .run = run_start,
};

const PosternTask amt_consent_submit_task = {
    .size = sizeof(PosternTask),
    .version = 1,
    .id = "amt.consent.submit",
    .summary = "send the code that somebody at the machine read out",
    .details = "IPS_OptInService.SendOptInCode, sent once. The code is a secret: code=@FILE, env:NAME or fd:N. As a rule three wrong ones "
               "block the next start for a while. Consent is over when no session begins in time, and with the session's end. "
               "Least realm: Redirection.",
    .params = submit_params,
    .outputs = outputs,
    .credentials = amt_credentials,
    .run = run_submit,
};

const PosternTask amt_consent_cancel_task = {
    .size = sizeof(PosternTask),
    .flags = POSTERN_TASK_IDEMPOTENT,
    .version = 1,
    .id = "amt.consent.cancel",
    .summary = "take the code from the screen, or take consent back",
    .details = "IPS_OptInService.CancelOptIn; nothing is asked where there is nothing to cancel. Least realm: Redirection.",
    .params = common_params,
    .outputs = outputs,
    .credentials = amt_credentials,
    .run = run_cancel,
};
/* clang-format on */
