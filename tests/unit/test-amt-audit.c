/* SPDX-License-Identifier: Apache-2.0 */
/* The audit log as a whole: reading on without losing anything, clearing, policies, exports and what they prove. */
#include "amt-audit.h"
#include "amt-task.h"
#include "test-amt-logs.h"

#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/x509.h>
#include <string.h>

#define URI    FAKE_AMT("AMT_AuditLog")
#define POLICY FAKE_AMT("AMT_AuditPolicyRule")

/* ---- a log that answers ---- */

/* Steps made as a test goes: their texts live as long as it. */
typedef struct {
    GArray *steps;
    GPtrArray *texts;
} Script;

static void
script_init(Script *script)
{
    script->steps = g_array_new(FALSE, FALSE, sizeof(FakeStep));
    script->texts = g_ptr_array_new_with_free_func(g_free);
}

static void
script_clear(Script *script)
{
    g_array_unref(script->steps);
    g_ptr_array_unref(script->texts);
}
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC(Script, script_clear)

/* Takes `inside`; `expect` must be in the request. */
static void
add_step(Script *script, const char *expect, const char *uri, char *inside)
{
    char *head = g_strdup(FAKE_HEAD(URI));
    char *body = g_strconcat(uri == NULL ? head : uri, inside, FAKE_TAIL, NULL);
    FakeStep step = {.expect = g_strdup(expect), .status = 200, .body = body};

    g_ptr_array_add(script->texts, body);
    g_ptr_array_add(script->texts, (gpointer)(gsize)step.expect);
    g_array_append_val(script->steps, step);
    g_free(head);
    g_free(inside);
}

static void
add_status(Script *script, guint count, guint percent, guint state, guint storage)
{
    add_step(script,
             "AMT_AuditLog",
             NULL,
             g_strdup_printf(
                 "<g:AMT_AuditLog><g:AuditState>%u</g:AuditState>"
                 "<g:CurrentNumberOfRecords>%u</g:CurrentNumberOfRecords>"
                 "<g:EnabledState>2</g:EnabledState><g:OverwritePolicy>%u</g:OverwritePolicy>"
                 "<g:PercentageFree>%u</g:PercentageFree><g:StoragePolicy>%u</g:StoragePolicy>"
                 "</g:AMT_AuditLog>",
                 state,
                 count,
                 storage == 0 ? 7 : 2,
                 percent,
                 storage));
}

/* Record number n of some log: remote control, done locally at second n; event 0 is "cleared". */
static void
append_record(GString *out, guint n)
{
    guint8 record[] = {0, 17, 0, 1, 2, 0, 0, 0, (guint8)n, 2, 0, 0};
    const guint8 cleared[] = {0, 20, 0, 0, 2, 0, 0, 0, 0, 2, 0, 0};
    g_autofree char *text = g_base64_encode(n == 0 ? cleared : record, sizeof record);

    g_string_append_printf(out, "<g:EventRecords>%s</g:EventRecords>", text);
}

/* The answer to a request from `start` on: records `first` to `last` (none: `last` < `first`). */
static void
add_page(Script *script, guint start, guint total, guint first, guint last)
{
    g_autofree char *expect = g_strdup_printf("<r:StartIndex>%u</r:StartIndex>", start);
    GString *inside = g_string_new(NULL);

    g_string_printf(inside,
                    "<g:ReadRecords_OUTPUT><g:TotalRecordCount>%u</g:TotalRecordCount>"
                    "<g:RecordsReturned>%u</g:RecordsReturned>",
                    total,
                    last + 1 - first);
    for (guint n = first; n <= last; n++)
        append_record(inside, n);
    g_string_append(inside, "<g:ReturnValue>0</g:ReturnValue></g:ReadRecords_OUTPUT>");
    add_step(script, expect, NULL, g_string_free(inside, FALSE));
}

static void
add_answer(Script *script, const char *expect, const char *method, const char *inside)
{
    add_step(script,
             expect,
             NULL,
             g_strdup_printf("<g:%s_OUTPUT>%s</g:%s_OUTPUT>", method, inside, method));
}

static char *
position_of(guint index, guint n)
{
    const guint8 record[] = {0, 17, 0, 1, 2, 0, 0, 0, (guint8)n, 2, 0, 0};
    AmtAuditPosition position;

    amt_audit_position(&position, index, record, sizeof record);
    return amt_audit_position_text(&position);
}

/* Runs amt.auditlog.get behind record `n` at `index` (0: from the beginning). */
static GVariant *
get_after(Script *script, guint index, guint n, FakeHost **fake)
{
    g_autofree char *after = index > 0 ? position_of(index, n) : g_strdup("0:-");
    g_autofree char *params = g_strdup_printf("{'after': <'%s'>}", after);
    GVariant *result;

    *fake = fake_host_new((const FakeStep *)(gpointer)script->steps->data, script->steps->len);
    result = run_task(&amt_auditlog_get_task, *fake, params);
    fake_host_done(*fake);
    return result;
}

/* The seconds that the rows tell, which are the records' numbers. */
static void
assert_rows(FakeHost *fake, guint first, guint last)
{
    g_assert_cmpuint(fake->rows->len, ==, last + 1 - first);
    for (guint i = 0; i < fake->rows->len; i++) {
        g_autofree char *raw = NULL;
        GString *expected = g_string_new(NULL);
        const char *found = params_string(fake->rows->pdata[i], "raw");

        append_record(expected, first + i);
        raw = g_strdup_printf("<g:EventRecords>%s</g:EventRecords>", found);
        g_assert_cmpstr(raw, ==, expected->str);
        g_string_free(expected, TRUE);
    }
}

/* ---- reading on ---- */

/* Pages overlap by one record, which shows that nothing moved between them. */
static void
test_read_pages(void)
{
    g_auto(Script) script;
    g_autoptr(FakeHost) fake = NULL;
    g_autoptr(GVariant) result = NULL;
    g_autofree char *next = position_of(12, 12);
    g_autofree char *quoted = g_strdup_printf("'%s'", next);

    script_init(&script);
    add_status(&script, 12, 90, 16, 1);
    add_page(&script, 1, 12, 1, 5);
    add_page(&script, 5, 12, 5, 9);
    add_page(&script, 9, 12, 9, 12);
    result = get_after(&script, 0, 0, &fake);
    assert_rows(fake, 1, 12);
    assert_member(result, "records", "12");
    assert_member(result, "total", "12");
    assert_member(result, "next", quoted);
    assert_member(result, "gap", "false");
    assert_member(result, "overwrite", "'oldest'");
    assert_member(result, "state", "['no-signing-key']");
    assert_member(result, "warning", NULL);
}

static void
test_read_on(void)
{
    g_auto(Script) script;
    g_autoptr(FakeHost) fake = NULL;
    g_autoptr(GVariant) result = NULL;

    script_init(&script);
    add_status(&script, 7, 90, 0, 1);
    add_page(&script, 5, 7, 5, 7);
    result = get_after(&script, 5, 5, &fake);
    assert_rows(fake, 6, 7);
    assert_member(result, "gap", "false");
}

/* Nothing new: and that is looked at, for a full log has as many records as before when all of them are others. */
static void
test_read_on_nothing(void)
{
    g_auto(Script) script;
    g_autoptr(FakeHost) fake = NULL;
    g_autoptr(GVariant) result = NULL;

    script_init(&script);
    add_status(&script, 5, 90, 0, 1);
    add_page(&script, 5, 5, 5, 5);
    result = get_after(&script, 5, 5, &fake);
    assert_rows(fake, 1, 0);
    assert_member(result, "records", "0");
    assert_member(result, "gap", "false");
}

/* Three records went at the other end; the one that is remembered is still there, so nothing is lost. */
static void
test_read_on_moved(void)
{
    g_auto(Script) script;
    g_autoptr(FakeHost) fake = NULL;
    g_autoptr(GVariant) result = NULL;

    script_init(&script);
    add_status(&script, 5, 0, 0, 1);
    add_page(&script, 5, 5, 8, 8);
    add_page(&script, 1, 5, 4, 8);
    add_page(&script, 2, 5, 5, 8);
    result = get_after(&script, 5, 5, &fake);
    assert_rows(fake, 6, 8);
    assert_member(result, "gap", "false");
    assert_member(result, "gap-reason", NULL);
}

static void
test_read_on_overwritten(void)
{
    g_auto(Script) script;
    g_autoptr(FakeHost) fake = NULL;
    g_autoptr(GVariant) result = NULL;

    script_init(&script);
    add_status(&script, 5, 0, 0, 1);
    add_page(&script, 5, 5, 24, 24);
    add_page(&script, 1, 5, 20, 22);
    add_page(&script, 4, 5, 23, 24);
    add_page(&script, 1, 5, 20, 22);
    add_page(&script, 3, 5, 22, 24);
    result = get_after(&script, 5, 5, &fake);
    assert_rows(fake, 20, 24);
    assert_member(result, "gap", "true");
    assert_member(result, "gap-reason", "'overwritten'");
}

/* Shorter than where we were, and it begins by saying why. */
static void
test_read_on_cleared(void)
{
    g_auto(Script) script;
    g_autoptr(FakeHost) fake = NULL;
    g_autoptr(GVariant) result = NULL;

    script_init(&script);
    add_status(&script, 2, 99, 0, 1);
    add_page(&script, 1, 2, 0, 1);
    add_page(&script, 1, 2, 0, 1);
    result = get_after(&script, 5, 5, &fake);
    assert_rows(fake, 0, 1);
    assert_member(result, "gap", "true");
    assert_member(result, "gap-reason", "'cleared'");
}

/* An empty log is no failure; but where there was something before, it is a gap. */
static void
test_read_empty(void)
{
    g_auto(Script) first, later;
    g_autoptr(FakeHost) a = NULL;
    g_autoptr(FakeHost) b = NULL;
    g_autoptr(GVariant) nothing = NULL;
    g_autoptr(GVariant) gap = NULL;

    script_init(&first);
    script_init(&later);
    add_status(&first, 0, 100, 0, 1);
    add_status(&later, 0, 100, 0, 1);
    nothing = get_after(&first, 0, 0, &a);
    gap = get_after(&later, 5, 5, &b);
    assert_member(nothing, "next", "'0:-'");
    assert_member(nothing, "gap", "false");
    assert_member(gap, "next", "'0:-'");
    assert_member(gap, "gap-reason", "'cleared'");
}

/* The log overwrites while it is read. */
static void
test_read_moves_meanwhile(void)
{
    g_auto(Script) script;
    g_autoptr(FakeHost) fake = NULL;
    g_autoptr(GVariant) result = NULL;

    script_init(&script);
    add_status(&script, 6, 0, 0, 1);
    add_page(&script, 1, 6, 1, 3);
    add_page(&script, 3, 6, 5, 8);
    add_page(&script, 1, 6, 3, 8);
    add_page(&script, 1, 6, 3, 8);
    result = get_after(&script, 0, 0, &fake);
    assert_rows(fake, 1, 8);
    assert_member(result, "gap", "false");
}

/* A device that gives one record at a time, and one that promises what it does not give. */
static void
test_read_single_records(void)
{
    g_auto(Script) script, broken;
    g_autoptr(FakeHost) fake = NULL;
    g_autoptr(FakeHost) other = NULL;
    g_autoptr(GVariant) result = NULL;

    script_init(&script);
    script_init(&broken);
    add_status(&script, 3, 90, 0, 1);
    add_page(&script, 1, 3, 1, 1);
    add_page(&script, 1, 3, 1, 1);
    add_page(&script, 2, 3, 2, 2);
    add_page(&script, 2, 3, 2, 2);
    add_page(&script, 3, 3, 3, 3);
    result = get_after(&script, 0, 0, &fake);
    assert_rows(fake, 1, 3);
    add_status(&broken, 3, 90, 0, 1);
    add_page(&broken, 1, 3, 1, 2);
    add_page(&broken, 2, 3, 2, 2);
    add_page(&broken, 3, 3, 1, 0);
    other = fake_host_new((const FakeStep *)(gpointer)broken.steps->data, broken.steps->len);
    assert_fails(&amt_auditlog_get_task,
                 other,
                 "{}",
                 POSTERN_ERROR_PROTOCOL,
                 "says that it has 3 records, and gives none from record 3 on");
}

/* A device that always has one record more is not believed, and what was read of it is not called the whole log. */
static void
test_read_endless(void)
{
    g_auto(Script) script;
    g_autoptr(FakeHost) fake = NULL;

    script_init(&script);
    add_status(&script, 3, 90, 0, 1);
    add_page(&script, 1, G_MAXUINT32, 1, 1);
    g_array_index(script.steps, FakeStep, 1).expect = NULL;
    fake = fake_host_new((const FakeStep *)(gpointer)script.steps->data, script.steps->len);
    fake->repeat_last = TRUE;
    assert_fails(
        &amt_auditlog_get_task, fake, "{}", POSTERN_ERROR_PROTOCOL, "the audit log has no end");
}

static void
test_positions(void)
{
    static const char *const bad[] = {"",
                                      "5",
                                      "5:",
                                      "5:-",
                                      "0:",
                                      "0:0123456789abcdef0123456789abcdef",
                                      "x:0123456789abcdef0123456789abcdef",
                                      "5:0123456789abcdef0123456789abcdeF",
                                      "5:0123456789abcdef0123456789abcde",
                                      "-5:0123456789abcdef0123456789abcdef",
                                      "4294967295:0123456789abcdef0123456789abcdef"};
    g_autoptr(FakeHost) fake = fake_host_new(NULL, 0);

    for (guint i = 0; i < G_N_ELEMENTS(bad); i++) {
        g_autofree char *params = g_strdup_printf("{'after': <'%s'>}", bad[i]);

        assert_fails(
            &amt_auditlog_get_task, fake, params, POSTERN_ERROR_BAD_PARAM, "is no position");
    }
}

static void
test_warnings(void)
{
    static const struct {
        AmtAuditStatus status;
        const char *words;
    } cases[] = {
        {{.free_percent = 0, .has_free = TRUE, .overwrite = 2, .storage = 1, .has_storage = TRUE},
         NULL},
        {{.free_percent = 26, .has_free = TRUE, .overwrite = 7, .storage = 0, .has_storage = TRUE},
         NULL},
        {{.free_percent = 25, .has_free = TRUE, .overwrite = 7, .storage = 0, .has_storage = TRUE},
         "25 % left and does not overwrite: critical actions are refused"},
        {{.free_percent = 15, .has_free = TRUE, .overwrite = 7, .storage = 0, .has_storage = TRUE},
         "only critical events are recorded now"},
        {{.free_percent = 10, .has_free = TRUE, .overwrite = 2, .storage = 2, .has_storage = TRUE},
         "10 % left and overwrites old records only"},
        /* before AMT 5.1 there is no storage policy */
        {{.free_percent = 20, .has_free = TRUE, .overwrite = 7}, "does not overwrite"},
        {{.free_percent = 20, .has_free = TRUE, .overwrite = 2}, NULL},
        {{.overwrite = 7}, NULL},
        {{.free_percent = 50, .has_free = TRUE, .state = AMT_AUDIT_FULL}, "is full"},
    };

    for (guint i = 0; i < G_N_ELEMENTS(cases); i++) {
        g_autofree char *found = amt_audit_warning(&cases[i].status);

        if (cases[i].words == NULL)
            g_assert_cmpstr(found, ==, NULL);
        else if (found == NULL || strstr(found, cases[i].words) == NULL)
            g_error("case %u: expected %s in %s", i, cases[i].words, found);
    }
}

/* ---- clearing ---- */

static void
add_lock(Script *script, const char *answer)
{
    add_answer(script, "<r:Flag>0</r:Flag>", "SetAuditLock", answer);
}

#define DONE   "<g:ReturnValue>0</g:ReturnValue>"
#define LOCKED "<g:Handle>4711</g:Handle>" DONE

static void
run_clear(Script *script, PosternError code, const char *words)
{
    g_autoptr(FakeHost) fake =
        fake_host_new((const FakeStep *)(gpointer)script->steps->data, script->steps->len);
    g_autofree char *collected = position_of(5, 5);
    g_autofree char *params =
        g_strdup_printf("{'collected': <'%s'>, 'confirm': <'clear'>}", collected);

    if (words != NULL) {
        assert_fails(&amt_auditlog_clear_task, fake, params, code, words);
    } else {
        g_autoptr(GVariant) result = run_task(&amt_auditlog_clear_task, fake, params);

        assert_member(result, "cleared", "5");
        assert_member(result, "remaining", "1");
    }
    fake_host_done(fake);
}

/* Whatever happens behind the lock, it is let go of, by its handle. */
static void
test_clear(void)
{
    g_auto(Script) good, more, refused, stays, locked;
    static const char unlock[] = "<r:Flag>2</r:Flag><r:Handle>4711</r:Handle>";

    script_init(&good);
    add_lock(&good, LOCKED);
    add_status(&good, 5, 90, 2, 1);
    add_page(&good, 5, 5, 5, 5);
    add_answer(&good, "ClearLog_INPUT", "ClearLog", DONE);
    add_answer(&good, unlock, "SetAuditLock", DONE);
    add_status(&good, 1, 99, 0, 1);
    run_clear(&good, 0, NULL);

    script_init(&more);
    add_lock(&more, LOCKED);
    add_status(&more, 6, 90, 2, 1);
    add_page(&more, 5, 6, 5, 6);
    add_answer(&more, unlock, "SetAuditLock", DONE);
    run_clear(&more,
              POSTERN_ERROR_CONFLICT,
              "nothing was cleared: the audit log has 1 records that are not collected;");

    script_init(&refused);
    add_lock(&refused, LOCKED);
    add_status(&refused, 5, 90, 2, 1);
    add_page(&refused, 5, 5, 5, 5);
    add_answer(&refused, "ClearLog_INPUT", "ClearLog", "<g:ReturnValue>1</g:ReturnValue>");
    add_answer(&refused, unlock, "SetAuditLock", DONE);
    run_clear(&refused, POSTERN_ERROR_DEVICE, "ReturnValue 1");

    script_init(&stays);
    add_lock(&stays, LOCKED);
    add_status(&stays, 5, 90, 2, 1);
    add_page(&stays, 5, 5, 5, 5);
    add_answer(&stays, "ClearLog_INPUT", "ClearLog", DONE);
    add_answer(&stays, unlock, "SetAuditLock", DONE);
    add_status(&stays, 5, 90, 0, 1);
    run_clear(&stays,
              POSTERN_ERROR_CONFLICT,
              "said that it cleared its audit log, and there are 5 records");

    script_init(&locked);
    add_lock(&locked, "<g:ReturnValue>18</g:ReturnValue>");
    run_clear(&locked, POSTERN_ERROR_BUSY, "cannot lock the audit log");
}

/* ---- policies ---- */

static void
add_rule(Script *script, const char *ids, const char *kinds)
{
    g_auto(GStrv) id = g_strsplit(ids, " ", -1), kind = g_strsplit(kinds, " ", -1);
    GString *inside = g_string_new("<g:AMT_AuditPolicyRule>");

    for (guint i = 0; id[i] != NULL; i++)
        g_string_append_printf(
            inside, "<g:AuditApplicationEventID>%s</g:AuditApplicationEventID>", id[i]);
    for (guint i = 0; kind[i] != NULL; i++)
        g_string_append_printf(inside, "<g:PolicyType>%s</g:PolicyType>", kind[i]);
    g_string_append(inside, "</g:AMT_AuditPolicyRule>");
    add_step(script, "AMT_AuditPolicyRule", FAKE_HEAD(POLICY), g_string_free(inside, FALSE));
}

static GVariant *
set_policy(Script *script, const char *params)
{
    g_autoptr(FakeHost) fake =
        fake_host_new((const FakeStep *)(gpointer)script->steps->data, script->steps->len);
    GVariant *result = run_task(&amt_auditlog_policy_set_task, fake, params);

    fake_host_done(fake);
    return result;
}

/* 1114112 is remote-control.power-up, as a recorded device numbers it. */
static void
test_policy_set(void)
{
    g_auto(Script) script, same, old;
    g_autoptr(GVariant) changed = NULL;
    g_autoptr(GVariant) unchanged = NULL;
    g_autoptr(GVariant) single = NULL;

    script_init(&script);
    add_rule(&script, "1114112 1114113", "0 0");
    add_status(&script, 5, 40, 16, 0);
    add_step(
        &script,
        "<r:Enable>true</r:Enable><r:Enable>false</r:Enable><r:AuditedAppID>17</r:AuditedAppID>"
        "<r:AuditedAppID>17</r:AuditedAppID><r:EventID>0</r:EventID><r:EventID>1</r:EventID>"
        "<r:PolicyType>1</r:PolicyType><r:PolicyType>0</r:PolicyType>",
        FAKE_HEAD(POLICY),
        g_strdup("<g:SetAuditPolicyBulk_OUTPUT>" DONE "</g:SetAuditPolicyBulk_OUTPUT>"));
    add_rule(&script, "1114112", "1");
    changed =
        set_policy(&script, "{'critical': <['remote-control.power-up']>, 'ignore': <['17.1']>}");
    assert_member(changed, "audited", "[]");
    assert_member(changed, "critical", "['remote-control.power-up']");
    assert_member(changed, "changed", "true");
    g_assert_nonnull(
        strstr(params_string(changed, "warning"), "does not overwrite and has 40 % left"));

    script_init(&same);
    add_rule(&same, "1114112", "0");
    unchanged = set_policy(&same, "{'audit': <['remote-control.power-up']>}");
    assert_member(unchanged, "changed", NULL);
    assert_member(unchanged, "warning", NULL);

    script_init(&old);
    add_rule(&old, "1114112", "0");
    add_step(&old, "SetAuditPolicyBulk_INPUT", FAKE_HEAD(POLICY), g_strdup(""));
    g_array_index(old.steps, FakeStep, 1).status = 400;
    g_array_index(old.steps, FakeStep, 1).body =
        FAKE_FAULT("b:ActionNotSupported", "no such method", "");
    add_step(&old,
             "SetAuditPolicy_INPUT",
             FAKE_HEAD(POLICY),
             g_strdup("<g:SetAuditPolicy_OUTPUT>" DONE "</g:SetAuditPolicy_OUTPUT>"));
    add_rule(&old, "1114112 1114113", "0 0");
    single = set_policy(&old, "{'audit': <['17.1']>}");
    assert_member(single, "audited", "['remote-control.power-up', 'remote-control.power-down']");
}

static void
test_policy_refusals(void)
{
    g_auto(Script) script;
    g_autoptr(FakeHost) none = fake_host_new(NULL, 0);
    g_autoptr(FakeHost) fake = NULL;

    script_init(&script);
    assert_fails(
        &amt_auditlog_policy_set_task, none, "{}", POSTERN_ERROR_BAD_PARAM, "nothing to change");
    assert_fails(&amt_auditlog_policy_set_task,
                 none,
                 "{'audit': <['remote-control']>, 'ignore': <['17.3']>}",
                 POSTERN_ERROR_BAD_PARAM,
                 "wanted in two ways");
    assert_fails(&amt_auditlog_policy_set_task,
                 none,
                 "{'audit': <['coffee']>}",
                 POSTERN_ERROR_BAD_PARAM,
                 "\"coffee\" is no audited event");
    add_rule(&script, "1114112", "0");
    add_step(&script,
             "SetAuditPolicyBulk",
             FAKE_HEAD(POLICY),
             g_strdup("<g:SetAuditPolicyBulk_OUTPUT>" DONE "</g:SetAuditPolicyBulk_OUTPUT>"));
    add_rule(&script, "1114112", "0");
    fake = fake_host_new((const FakeStep *)(gpointer)script.steps->data, script.steps->len);
    assert_fails(&amt_auditlog_policy_set_task,
                 fake,
                 "{'ignore': <['17.0']>}",
                 POSTERN_ERROR_CONFLICT,
                 "remote-control.power-up is not as it was asked for");
}

/* ---- exports ---- */

typedef struct {
    EVP_PKEY *key;
    X509 *certificate;
} Signer;

static void
signer_init(Signer *signer, const char *name)
{
    X509_NAME *subject;

    signer->key = EVP_RSA_gen(2048);
    signer->certificate = X509_new();
    subject = X509_get_subject_name(signer->certificate);
    X509_set_version(signer->certificate, 2);
    ASN1_INTEGER_set(X509_get_serialNumber(signer->certificate), 7);
    X509_NAME_add_entry_by_txt(subject, "CN", MBSTRING_ASC, (const guint8 *)name, -1, -1, 0);
    X509_set_issuer_name(signer->certificate, subject);
    X509_gmtime_adj(X509_getm_notBefore(signer->certificate), -86400);
    X509_gmtime_adj(X509_getm_notAfter(signer->certificate), 86400);
    X509_set_pubkey(signer->certificate, signer->key);
    g_assert_cmpint(X509_sign(signer->certificate, signer->key, EVP_sha256()), >, 0);
}

static void
signer_clear(Signer *signer)
{
    EVP_PKEY_free(signer->key);
    X509_free(signer->certificate);
}
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC(Signer, signer_clear)

static void
sign(AmtAuditSignature *signature, const Signer *signer, const EVP_MD *digest)
{
    g_autoptr(GByteArray) message = amt_audit_signed_bytes(signature);
    EVP_MD_CTX *context = EVP_MD_CTX_new();
    guint8 bytes[256], *der = NULL;
    gsize length = sizeof bytes;
    int size = i2d_X509(signer->certificate, &der);

    g_assert_cmpint(EVP_DigestSignInit(context, NULL, digest, NULL, signer->key), ==, 1);
    g_assert_cmpint(EVP_DigestSign(context, bytes, &length, message->data, message->len), ==, 1);
    EVP_MD_CTX_free(context);
    g_clear_pointer(&signature->signature, g_bytes_unref);
    signature->signature = g_bytes_new(bytes, length);
    g_ptr_array_set_size(signature->certificates, 0);
    g_ptr_array_add(signature->certificates, g_bytes_new(der, (gsize)size));
    OPENSSL_free(der);
}

/* An export of three records, as a device signed it. */
static AmtAuditFile *
make_file(const Signer *signer, guint32 mechanism, const EVP_MD *digest)
{
    AmtAuditFile *file = amt_audit_file_new();
    AmtAuditSignature *signature = file->signature = g_new0(AmtAuditSignature, 1);

    for (guint8 n = 1; n <= 3; n++) {
        const guint8 record[] = {0, 17, 0, 1, 2, 0, 0, 0, n, 2, 0, 0};
        g_ptr_array_add(file->records, g_bytes_new(record, sizeof record));
    }
    file->target = g_strdup("pc-1");
    file->uuid = g_strdup("03020100-0504-0706-0809-0a0b0c0d0e0f");
    signature->certificates = g_ptr_array_new_with_free_func((GDestroyNotify)g_bytes_unref);
    signature->mechanism = mechanism;
    signature->count = 3;
    signature->start = 1;
    signature->end = 3;
    signature->generated = g_get_real_time() / G_USEC_PER_SEC;
    for (guint8 i = 0; i < 16; i++)
        signature->uuid[i] = i;
    signature->fqdn = g_strdup("pc-1.example.test");
    signature->firmware = g_strdup("12.0.67");
    signature->hash = amt_audit_hash(mechanism, file->records);
    sign(signature, signer, digest);
    return file;
}

static char *hidden;

static void
keep_hidden(PosternRun *run, const char *text)
{
    g_free(hidden);
    hidden = g_strdup(text);
}

/* The certificate in PEM, as a value in GVariant text; the caller's. */
static char *
pem_of(const Signer *signer)
{
    BIO *bio = BIO_new(BIO_s_mem());
    g_autoptr(GVariant) value = NULL;
    g_autofree char *text = NULL;
    char *data = NULL;
    long length;

    PEM_write_bio_X509(bio, signer->certificate);
    length = BIO_get_mem_data(bio, &data);
    text = g_strndup(data, (gsize)length);
    BIO_free(bio);
    value = g_variant_ref_sink(g_variant_new_string(text));
    return g_variant_print(value, FALSE);
}

/* A key that was given in lines goes out in one, and that is what nobody may read. */
static void
test_key_hidden(void)
{
    static const PosternSecretsSvc secrets = {.size = sizeof secrets, .hide = keep_hidden};
    g_auto(Signer) signer = {0};
    g_auto(Script) script;
    g_autoptr(FakeHost) fake = NULL;
    g_autoptr(GVariant) result = NULL;
    g_autofree char *wire = NULL, *pem = NULL, *params = NULL;
    guint8 *der = NULL;
    int size;

    signer_init(&signer, "signer");
    size = i2d_PrivateKey(signer.key, &der);
    wire = g_base64_encode(der, (gsize)size);
    OPENSSL_free(der);
    pem = pem_of(&signer);
    params = g_strdup_printf(
        "{'signing-key': <'%.64s\\n%s'>, 'certificates': <%s>}", wire, wire + 64, pem);
    script_init(&script);
    add_status(&script, 5, 90, 16, 1);
    add_answer(&script, wire, "SetSigningKeyMaterial", DONE);
    add_status(&script, 5, 90, 0, 1);
    fake = fake_host_new((const FakeStep *)(gpointer)script.steps->data, script.steps->len);
    fake->svc.secrets = &secrets;
    result = run_task(&amt_auditlog_sign_set_task, fake, params);
    assert_member(result, "replaced", "false");
    g_assert_cmpstr(hidden, ==, wire);
    g_clear_pointer(&hidden, g_free);
    fake_host_done(fake);
}

/* "What is signed" of the plugin's README, written out. */
static void
test_signed_bytes(void)
{
    AmtAuditSignature signature = {
        .count = 3, .start = 1, .end = 0x01020304, .generated = 0x65010622, .security_version = 5};
    static const guint8 expected[] = {
        0, 0, 0, 3, 0, 0, 0, 1, 1, 2, 3,   4,   0x65, 1,   6,   0x22, 9,   8, 7, 6, 5, 4,    3,
        2, 1, 0, 1, 2, 3, 4, 5, 6, 2, 'p', 'c', 4,    '1', '2', '.',  '0', 0, 0, 0, 5, 0xAB, 0xCD};
    static const guint8 uuid[16] = {9, 8, 7, 6, 5, 4, 3, 2, 1, 0, 1, 2, 3, 4, 5, 6},
                        hash[] = {0xAB, 0xCD};
    char fqdn[] = "pc", firmware[] = "12.0";
    g_autoptr(GBytes) sum = g_bytes_new(hash, sizeof hash);
    g_autoptr(GByteArray) found = NULL;

    memcpy(signature.uuid, uuid, sizeof uuid);
    signature.fqdn = fqdn;
    signature.firmware = firmware;
    signature.hash = sum;
    found = amt_audit_signed_bytes(&signature);
    g_assert_cmpmem(found->data, found->len, expected, sizeof expected);
}

static void
test_signatures(void)
{
    g_auto(Signer) signer = {0}, other = {0};
    const EVP_MD *const digests[] = {EVP_sha1(), EVP_sha256(), EVP_sha384()};

    signer_init(&signer, "signer");
    signer_init(&other, "other");
    for (guint i = 0; i < G_N_ELEMENTS(digests); i++) {
        g_autoptr(AmtAuditFile) file = make_file(&signer, i, digests[i]);
        g_autoptr(GError) error = NULL;
        GError *why = NULL;

        g_assert_true(amt_audit_check_signature(file->signature, &error));
        g_assert_true(amt_audit_check_chain(file->signature, NULL, &error));
        g_assert_no_error(error);
        /* each part of the header is under the signature */
        file->signature->count++;
        g_assert_false(amt_audit_check_signature(file->signature, &why));
        g_assert_error(why, POSTERN_ERROR, POSTERN_ERROR_CONFLICT);
        g_clear_error(&why);
        file->signature->count--;
        file->signature->uuid[15] ^= 1;
        g_assert_false(amt_audit_check_signature(file->signature, NULL));
        file->signature->uuid[15] ^= 1;
        g_assert_true(amt_audit_check_signature(file->signature, NULL));
        /* another's certificate, and a mechanism that there is not */
        sign(file->signature, &other, digests[i]);
        g_assert_true(amt_audit_check_signature(file->signature, NULL));
        file->signature->mechanism = 3;
        g_assert_false(amt_audit_check_signature(file->signature, NULL));
        /* signed long before the certificate was good */
        file->signature->generated = 1000000000;
        g_assert_false(amt_audit_check_chain(file->signature, NULL, &why));
        g_assert_nonnull(strstr(why->message, "not yet valid"));
        g_clear_error(&why);
    }
    g_assert_null(amt_audit_hash(3, NULL));
}

static void
test_file_round(void)
{
    g_auto(Signer) signer = {0};
    g_autoptr(AmtAuditFile) file = NULL;
    g_autoptr(AmtAuditFile) again = NULL;
    g_autoptr(GError) error = NULL;
    g_autofree char *text = NULL;
    g_autofree char *second = NULL;

    signer_init(&signer, "signer");
    file = make_file(&signer, 1, EVP_sha256());
    text = amt_audit_file_write(file);
    again = amt_audit_file_parse(text, strlen(text), &error);
    g_assert_no_error(error);
    g_assert_cmpuint(again->count, ==, 3);
    g_assert_cmpuint(again->records->len, ==, 3);
    g_assert_true(amt_audit_check_signature(again->signature, &error));
    second = amt_audit_file_write(again);
    g_assert_cmpstr(text, ==, second);
}

/* Lines that are missing, doubled, swapped, cut or not of this kind. */
static void
test_file_damage(void)
{
    g_auto(Signer) signer = {0};
    g_autoptr(AmtAuditFile) file = NULL;
    g_autofree char *text = NULL;
    g_auto(GStrv) lines = NULL;

    signer_init(&signer, "signer");
    file = make_file(&signer, 1, EVP_sha256());
    text = amt_audit_file_write(file);
    lines = g_strsplit(text, "\n", -1);
    g_assert_cmpuint(g_strv_length(lines), ==, 7); /* the last one is empty */
    for (guint i = 0; i < 5; i++) {
        g_autoptr(GString) without = g_string_new(NULL), twice = g_string_new(NULL);

        for (guint k = 0; k < 6; k++) {
            if (k != i)
                g_string_append_printf(without, "%s\n", lines[k]);
            g_string_append_printf(twice, "%s\n", lines[k]);
            if (k == i)
                g_string_append_printf(twice, "%s\n", lines[k]);
        }
        g_assert_null(amt_audit_file_parse(twice->str, twice->len, NULL));
        /* without its last record, or its signature, it is a file; what is missing is found by counting */
        if (i < 3)
            g_assert_null(amt_audit_file_parse(without->str, without->len, NULL));
    }
    for (gsize length = 0; length < strlen(text); length++) {
        g_autoptr(GError) error = NULL;
        g_autoptr(AmtAuditFile) cut = amt_audit_file_parse(text, length, &error);

        g_assert_true((cut == NULL) == (error != NULL));
        if (cut != NULL)
            g_assert_true(cut->sha256 == NULL || length == strlen(text) - 1);
    }
}

void
add_audit_tests(void)
{
    g_test_add_func("/amt/audit/read-pages", test_read_pages);
    g_test_add_func("/amt/audit/read-on", test_read_on);
    g_test_add_func("/amt/audit/read-on-nothing", test_read_on_nothing);
    g_test_add_func("/amt/audit/read-on-moved", test_read_on_moved);
    g_test_add_func("/amt/audit/read-on-overwritten", test_read_on_overwritten);
    g_test_add_func("/amt/audit/read-on-cleared", test_read_on_cleared);
    g_test_add_func("/amt/audit/read-empty", test_read_empty);
    g_test_add_func("/amt/audit/read-moves-meanwhile", test_read_moves_meanwhile);
    g_test_add_func("/amt/audit/read-single-records", test_read_single_records);
    g_test_add_func("/amt/audit/read-endless", test_read_endless);
    g_test_add_func("/amt/audit/positions", test_positions);
    g_test_add_func("/amt/audit/warnings", test_warnings);
    g_test_add_func("/amt/audit/clear", test_clear);
    g_test_add_func("/amt/audit/policy-set", test_policy_set);
    g_test_add_func("/amt/audit/policy-refusals", test_policy_refusals);
    g_test_add_func("/amt/audit/key-hidden", test_key_hidden);
    g_test_add_func("/amt/audit/signed-bytes", test_signed_bytes);
    g_test_add_func("/amt/audit/signatures", test_signatures);
    g_test_add_func("/amt/audit/file-round", test_file_round);
    g_test_add_func("/amt/audit/file-damage", test_file_damage);
}
