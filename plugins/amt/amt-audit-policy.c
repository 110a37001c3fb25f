/* SPDX-License-Identifier: Apache-2.0 */
/* amt.auditlog.policy.get and amt.auditlog.policy.set: which events are put on record, and which must not happen unless they are. */
#include "amt-audit.h"

#include <string.h>

static const char class_name[] = "AMT_AuditPolicyRule";

/* Of one event; PolicyType 1 is critical. The device lists what is audited only. */
typedef enum { IGNORED, AUDITED, CRITICAL } Kind;
enum { EVENTS_MOST = 128 };

typedef struct {
    guint32 id;
    Kind kind;
} Policy;

/* ---- reading ---- */

static Policy *
find(GArray *policies, guint32 id)
{
    for (guint i = 0; i < policies->len; i++)
        if (g_array_index(policies, Policy, i).id == id)
            return &g_array_index(policies, Policy, i);
    return NULL;
}

static Kind
kind_of(GArray *policies, guint32 id)
{
    const Policy *policy = find(policies, id);

    return policy != NULL ? policy->kind : IGNORED;
}

/* Of Policy; NULL with `error`. */
static GArray *
read_policies(WsMan *ws, GError **error)
{
    g_autoptr(GError) why = NULL;
    g_autoptr(GVariant) rule = amt_read_single(ws, class_name, &why);
    g_autoptr(GVariant) ids =
        rule != NULL ? params_value(rule, "AuditApplicationEventID", "au") : NULL;
    g_autoptr(GVariant) kinds = rule != NULL ? params_value(rule, "PolicyType", "au") : NULL;
    GArray *policies = NULL;

    if (why != NULL) {
        g_propagate_error(error, g_steal_pointer(&why));
        return NULL;
    }
    if (rule == NULL) {
        postern_fail(error,
                     POSTERN_ERROR_NOT_SUPPORTED,
                     "this firmware has no audit policy (%s): it came with AMT 4",
                     class_name);
        return NULL;
    }
    policies = g_array_new(FALSE, FALSE, sizeof(Policy));
    for (gsize i = 0; ids != NULL && i < g_variant_n_children(ids); i++) {
        Policy policy = {.kind = AUDITED};
        guint32 kind = 0;

        g_variant_get_child(ids, i, "u", &policy.id);
        if (kinds != NULL && i < g_variant_n_children(kinds))
            g_variant_get_child(kinds, i, "u", &kind);
        policy.kind = kind != 0 ? CRITICAL : AUDITED;
        g_array_append_val(policies, policy);
    }
    return policies;
}

static GVariant *
names_of(GArray *policies, Kind kind)
{
    GVariantBuilder names;

    g_variant_builder_init(&names, G_VARIANT_TYPE_STRING_ARRAY);
    for (guint i = 0; i < policies->len; i++) {
        const Policy *policy = &g_array_index(policies, Policy, i);
        g_autofree char *name = amt_audit_name(policy->id);

        if (policy->kind == kind)
            g_variant_builder_add(&names, "s", name);
    }
    return g_variant_builder_end(&names);
}

static GVariant *
describe(GArray *policies, gboolean changed, const char *warning)
{
    PosternResult result;

    result_begin(&result);
    result_value(&result, "audited", names_of(policies, AUDITED));
    result_value(&result, "critical", names_of(policies, CRITICAL));
    if (changed)
        result_bool(&result, "changed", TRUE);
    result_string(&result, "warning", warning);
    return result_end(&result);
}

static GVariant *
run_get(PosternRun *run, GVariant *params, gpointer self, GError **error)
{
    g_autoptr(WsMan) ws = amt_open(self, run, params, error);
    g_autoptr(GArray) policies = ws != NULL ? read_policies(ws, error) : NULL;

    return policies != NULL ? describe(policies, FALSE, NULL) : NULL;
}

/* ---- changing ---- */

static gboolean
add_wishes(GVariant *params, const char *name, Kind kind, GArray *wishes, GError **error)
{
    g_auto(GStrv) names = params_strv(params, name);

    for (guint i = 0; names != NULL && names[i] != NULL; i++) {
        g_autoptr(GArray) ids = g_array_new(FALSE, FALSE, sizeof(guint32));

        if (!amt_audit_ids(names[i], ids, error))
            return FALSE;
        for (guint k = 0; k < ids->len; k++) {
            Policy wish = {g_array_index(ids, guint32, k), kind};
            const Policy *other = find(wishes, wish.id);

            if (other != NULL && other->kind != kind)
                return postern_fail(
                    error,
                    POSTERN_ERROR_BAD_PARAM,
                    "%s is wanted in two ways, as %s is one of them; nothing was changed",
                    names[i],
                    name);
            if (other == NULL)
                g_array_append_val(wishes, wish);
        }
    }
    return TRUE;
}

/* What is asked for, of Policy; NULL with `error`. */
static GArray *
read_wishes(GVariant *params, GError **error)
{
    g_autoptr(GArray) wishes = g_array_new(FALSE, FALSE, sizeof(Policy));

    if (!add_wishes(params, "audit", AUDITED, wishes, error) ||
        !add_wishes(params, "critical", CRITICAL, wishes, error) ||
        !add_wishes(params, "ignore", IGNORED, wishes, error))
        return NULL;
    if (wishes->len == 0) {
        postern_fail(error,
                     POSTERN_ERROR_BAD_PARAM,
                     "nothing to change: name events in audit, critical or ignore");
        return NULL;
    }
    return g_steal_pointer(&wishes);
}

static void
drop_what_is_so(GArray *wishes, GArray *now)
{
    for (guint i = wishes->len; i > 0; i--) {
        const Policy *wish = &g_array_index(wishes, Policy, i - 1);

        if (kind_of(now, wish->id) == wish->kind)
            g_array_remove_index(wishes, i - 1);
    }
}

typedef struct {
    GVariantBuilder enable, application, event, kind;
} Bulk;

static GVariant *
bulk_args(GArray *wishes, guint from, guint count)
{
    PosternResult args;
    Bulk bulk;

    g_variant_builder_init(&bulk.enable, G_VARIANT_TYPE("ab"));
    g_variant_builder_init(&bulk.application, G_VARIANT_TYPE("au"));
    g_variant_builder_init(&bulk.event, G_VARIANT_TYPE("au"));
    g_variant_builder_init(&bulk.kind, G_VARIANT_TYPE("au"));
    for (guint i = from; i < from + count; i++) {
        const Policy *wish = &g_array_index(wishes, Policy, i);

        g_variant_builder_add(&bulk.enable, "b", wish->kind != IGNORED);
        g_variant_builder_add(&bulk.application, "u", wish->id >> 16);
        g_variant_builder_add(&bulk.event, "u", wish->id & 0xFFFF);
        g_variant_builder_add(&bulk.kind, "u", wish->kind == CRITICAL ? 1 : 0);
    }
    result_begin(&args);
    result_value(&args, "Enable", g_variant_builder_end(&bulk.enable));
    result_value(&args, "AuditedAppID", g_variant_builder_end(&bulk.application));
    result_value(&args, "EventID", g_variant_builder_end(&bulk.event));
    result_value(&args, "PolicyType", g_variant_builder_end(&bulk.kind));
    return result_end(&args);
}

static gboolean
call(WsMan *ws, const char *method, GVariant *args, GError **error)
{
    g_autoptr(GVariant) outputs = wsman_call(ws, class_name, NULL, method, args, error);

    return outputs != NULL;
}

/* All at once, which the device takes as a whole or not at all; before AMT 7 one after another. */
static gboolean
write_wishes(WsMan *ws, GArray *wishes, GError **error)
{
    g_autoptr(GError) why = NULL;

    if (call(ws, "SetAuditPolicyBulk", bulk_args(wishes, 0, wishes->len), &why))
        return TRUE;
    if (!wsman_absent(ws) && !g_error_matches(why, POSTERN_ERROR, POSTERN_ERROR_NOT_SUPPORTED)) {
        g_propagate_error(error, g_steal_pointer(&why));
        return FALSE;
    }
    for (guint i = 0; i < wishes->len; i++) {
        if (call(ws, "SetAuditPolicy", bulk_args(wishes, i, 1), error))
            continue;
        g_prefix_error(error, "%u of %u events were set: ", i, wishes->len);
        return FALSE;
    }
    return TRUE;
}

static gboolean
check_taken(GArray *found, GArray *wishes, GError **error)
{
    for (guint i = 0; i < wishes->len; i++) {
        const Policy *wish = &g_array_index(wishes, Policy, i);
        g_autofree char *name = amt_audit_name(wish->id);

        if (kind_of(found, wish->id) != wish->kind)
            return postern_fail(
                error,
                POSTERN_ERROR_CONFLICT,
                "the device took the policy, and %s is not as it was asked for: some events are "
                "always "
                "audited, some are never critical; read it with amt.auditlog.policy.get",
                name);
    }
    return TRUE;
}

static gboolean
any_critical(GArray *policies)
{
    for (guint i = 0; i < policies->len; i++)
        if (g_array_index(policies, Policy, i).kind == CRITICAL)
            return TRUE;
    return FALSE;
}

/* A log that is full and does not overwrite refuses what is critical: whoever makes something critical should know. */
static char *
blocking_warning(const AmtAuditStatus *status)
{
    if (amt_audit_overwrites(status) && status->storage != 2)
        return g_strdup("critical events are refused while the audit log is locked");
    return g_strdup_printf(
        "the audit log does not overwrite and has %u %% left: when it is full, the device refuses "
        "what is critical (audit failure, 2075) until it is collected and cleared",
        status->has_free ? status->free_percent : 0);
}

/* All that is read beside the policy is read before anything is written. */
static GVariant *
change(const Amt *amt, PosternRun *run, WsMan *ws, GArray *wishes, GError **error)
{
    g_autoptr(GArray) now = read_policies(ws, error);
    g_autoptr(GArray) found = NULL;
    g_autofree char *warning = NULL;
    AmtAuditStatus status;
    gboolean matters;

    if (now == NULL)
        return NULL;
    matters = any_critical(now) || any_critical(wishes);
    if (matters && !amt_audit_status(ws, &status, error))
        return NULL;
    drop_what_is_so(wishes, now);
    if (wishes->len > 0 && !write_wishes(ws, wishes, error))
        return NULL;
    found = wishes->len > 0 ? read_policies(ws, error) : g_array_ref(now);
    if (found == NULL || !check_taken(found, wishes, error))
        return NULL;
    warning = matters && any_critical(found) ? blocking_warning(&status) : NULL;
    if (warning != NULL)
        postern_log(&amt->svc, run, G_LOG_LEVEL_WARNING, "%s", warning);
    return describe(found, wishes->len > 0, warning);
}

static GVariant *
run_set(PosternRun *run, GVariant *params, gpointer self, GError **error)
{
    g_autoptr(GArray) wishes = read_wishes(params, error);
    g_autoptr(WsMan) ws = NULL;

    if (wishes == NULL)
        return NULL;
    if (wishes->len > EVENTS_MOST) {
        postern_fail(error,
                     POSTERN_ERROR_BAD_PARAM,
                     "%u events are named, expected at most %d",
                     wishes->len,
                     EVENTS_MOST);
        return NULL;
    }
    ws = amt_open(self, run, params, error);
    return ws != NULL ? change(self, run, ws, wishes, error) : NULL;
}

/* clang-format off */
#define FIELD_ROW(name_, type_, summary_) POSTERN_FIELD_ITEM(.name = name_, .type = type_, .summary = summary_)
#define LISTS                                                                                                          \
    POSTERN_FIELD_ITEM(.name = "audited", .type = "as", .flags = POSTERN_FIELD_REQUIRED,                               \
                       .summary = "events that are put on record where that is possible"),                            \
    POSTERN_FIELD_ITEM(.name = "critical", .type = "as", .flags = POSTERN_FIELD_REQUIRED,                              \
                       .summary = "events that must not happen unless they are put on record")

static const PosternField *const get_params[] = {AMT_COMMON_PARAMS, NULL};
static const PosternField *const get_outputs[] = {LISTS, NULL};

const PosternTask amt_auditlog_policy_get_task = {
    .size = sizeof(PosternTask),
    .flags = POSTERN_TASK_READ_ONLY | POSTERN_TASK_IDEMPOTENT,
    .version = 1,
    .id = "amt.auditlog.policy.get",
    .summary = "tell which events are put on record in the audit log, and which are critical",
    .details = "AMT_AuditPolicyRule; by names like remote-control.power-up, and by numbers like 26.7 where there is no name. "
               "Least realm: Audit Log.",
    .params = get_params,
    .outputs = get_outputs,
    .credentials = amt_credentials,
    .run = run_get,
};

static const PosternField *const set_params[] = {
    FIELD_ROW("audit", "as", "events to put on record: remote-control.power-up, all of remote-control, or 17.0"),
    FIELD_ROW("critical", "as", "events that must not happen unless they are put on record: a log that is full or locked blocks them"),
    FIELD_ROW("ignore", "as", "events to leave out"),
    AMT_COMMON_PARAMS,
    NULL,
};
static const PosternField *const set_outputs[] = {
    LISTS,
    FIELD_ROW("changed", "b", "true: something was changed; absent: it was all so already"),
    FIELD_ROW("warning", "s", "what critical events mean for this device as its log is now"),
    NULL,
};

const PosternTask amt_auditlog_policy_set_task = {
    .size = sizeof(PosternTask),
    .flags = POSTERN_TASK_IDEMPOTENT,
    .version = 1,
    .id = "amt.auditlog.policy.set",
    .summary = "change which events are put on record or are critical, and read back what was taken",
    .details = "Events that are not named stay as they are, and what is so already is not written. All is written at once "
               "(SetAuditPolicyBulk), before AMT 7 one event after another. A critical event is refused while the log is locked, "
               "or full where it does not overwrite. Least realm: Audit Log.",
    .params = set_params,
    .outputs = set_outputs,
    .credentials = amt_credentials,
    .run = run_set,
};
/* clang-format on */
