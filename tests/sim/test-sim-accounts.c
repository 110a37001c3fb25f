/* SPDX-License-Identifier: Apache-2.0 */
/* Accounts of a device: who may do what to whom, who may log in, and what the audit log says of it. */
#include "config.h"

#include "accounts.h"
#include "one-device.h"
#include "realms.h"
#include "sim.h"
#include "soap.h"

#include <string.h>

static Sim *
make(const char *model)
{
    return one_device(model, 0x7F560801, NULL);
}

/* What `caller` is answered; the ReturnValue, or the HTTP status as a negative number. */
static gint
call_as(Sim *sim, const char *caller, guint32 handle, const char *method, const char *arguments)
{
    g_autofree char *uri = classes_uri("AMT_AuthorizationService");
    g_autofree char *request = g_strdup_printf(
        "<s:Envelope xmlns:s=\"" NS_SOAP "\" xmlns:a=\"" NS_ADDRESSING "\" xmlns:w=\"" NS_WSMAN
        "\"><s:Header><a:Action>%s/%s</a:Action><w:ResourceURI>%s</w:ResourceURI>"
        "<a:MessageID>1</a:MessageID></s:Header><s:Body><r:%s_INPUT xmlns:r=\"%s\">%s</r:%s_INPUT>"
        "</s:Body></s:Envelope>",
        uri,
        method,
        uri,
        method,
        uri,
        arguments,
        method);
    g_autoptr(GString) out = g_string_new(NULL);
    const char *value;
    SoapNote note;
    guint status;

    sim->devices->caller = caller;
    sim->devices->caller_handle = handle;
    status = soap_serve(sim->devices, request, strlen(request), out, &note);
    sim->devices->caller = NULL;
    sim->devices->caller_handle = ACCOUNT_ADMIN;
    value = strstr(out->str, "<g:ReturnValue>");
    return status == 200 && value != NULL
               ? (gint)g_ascii_strtoull(value + strlen("<g:ReturnValue>"), NULL, 10)
               : -(gint)status;
}

static gint
call(Sim *sim, const char *method, const char *arguments)
{
    return call_as(sim, "admin", ACCOUNT_ADMIN, method, arguments);
}

#define A1(text)    "<r:DigestPassword>" text "</r:DigestPassword>"
#define SOME_A1     A1("1JRyuBkfYuKqIqFjiMrwUQ==")
#define NAMED(name) "<r:DigestUsername>" name "</r:DigestUsername>"
#define MAY(access, of)                                                                            \
    "<r:AccessPermission>" access "</r:AccessPermission><r:Realms>" of "</r:Realms>"
#define HANDLE(n)        "<r:Handle>" n "</r:Handle>"
#define ADD(name, realm) NAMED(name) SOME_A1 MAY("2", realm)

static void
test_refusals(void)
{
    static const struct {
        const char *method, *arguments;
        gint value;
    } cases[] = {
        {"AddUserAclEntryEx", ADD("op", "5"), 0},
        {"AddUserAclEntryEx", ADD("op", "5"), 2058},
        {"AddUserAclEntryEx", ADD("admin", "5"), 2058},
        {"AddUserAclEntryEx", ADD("$$op", "5"), 12},
        {"AddUserAclEntryEx", ADD("a,b", "5"), 12},
        {"AddUserAclEntryEx", ADD("x", "0"), 2055},
        {"AddUserAclEntryEx", ADD("x", "22"), 2055},
        {"AddUserAclEntryEx", ADD("x", "25"), 2055},
        {"AddUserAclEntryEx", NAMED("x") MAY("2", "5"), 2054},
        {"AddUserAclEntryEx", NAMED("x") A1("AAAA") MAY("2", "5"), 2054},
        {"AddUserAclEntryEx", NAMED("x") SOME_A1 MAY("3", "5"), 36},
        {"AddUserAclEntryEx", "<r:KerberosUserSid>AAAA</r:KerberosUserSid>" MAY("2", "5"), 12},
        {"AddUserAclEntryEx", SOME_A1 MAY("2", "5"), 36},
        {"UpdateUserAclEntryEx", HANDLE("9") ADD("op", "5"), 2053},
        {"UpdateUserAclEntryEx", HANDLE("1") ADD("op", "5"), 16},
        {"UpdateUserAclEntryEx", HANDLE("2") NAMED("op") MAY("1", "13"), 0},
        {"RemoveUserAclEntry", HANDLE("1"), 16},
        {"RemoveUserAclEntry", HANDLE("0"), 2053},
        {"SetAclEnabledState", HANDLE("1") "<r:Enabled>false</r:Enabled>", 0},
        {"SetAclEnabledState", HANDLE("2") "<r:Enabled>maybe</r:Enabled>", 36},
        {"SetAdminAclEntryEx", "<r:Username>op</r:Username>" SOME_A1, 2058},
        {"SetAdminAclEntryEx", "<r:Username></r:Username>" SOME_A1, 12},
        {"SetAdminAclEntryEx", "<r:Username>admin</r:Username>", 2054},
        {"EnumerateUserAclEntries", "<r:StartIndex>0</r:StartIndex>", 36},
        {"EnumerateUserAclEntries", "<r:StartIndex>9</r:StartIndex>", 0},
    };
    g_autoptr(Sim) sim = make("amt12");

    accounts_list(sim->devices);
    for (guint i = 0; i < G_N_ELEMENTS(cases); i++) {
        g_test_message("%s %s", cases[i].method, cases[i].arguments);
        g_assert_cmpint(call(sim, cases[i].method, cases[i].arguments), ==, cases[i].value);
    }
}

/* Without the realm of administration one's own password, and nothing else; without realm 21 not even that. */
static void
test_own_account(void)
{
    g_autoptr(Sim) sim = make("amt12");

    g_assert_cmpint(call(sim, "AddUserAclEntryEx", ADD("self", "21")), ==, 0);
    g_assert_cmpint(call(sim, "AddUserAclEntryEx", ADD("op", "5")), ==, 0);
    g_assert_cmpint(call_as(sim, "self", 2, "GetUserAclEntryEx", HANDLE("2")), ==, 0);
    g_assert_cmpint(call_as(sim, "self", 2, "GetUserAclEntryEx", HANDLE("3")), ==, 16);
    g_assert_cmpint(call_as(sim, "self", 2, "AddUserAclEntryEx", ADD("x", "5")), ==, 16);
    g_assert_cmpint(call_as(sim, "self", 2, "RemoveUserAclEntry", HANDLE("2")), ==, 16);
    g_assert_cmpint(
        call_as(sim, "self", 2, "UpdateUserAclEntryEx", HANDLE("2") ADD("self", "3")), ==, 16);
    g_assert_cmpint(
        call_as(sim, "self", 2, "UpdateUserAclEntryEx", HANDLE("2") ADD("self", "21")), ==, 0);
    g_assert_cmpint(call_as(sim, "op", 3, "GetUserAclEntryEx", HANDLE("3")), ==, -401);
    g_assert_cmpint(call_as(sim, "gone", 9, "GetUserAclEntryEx", HANDLE("3")), ==, -401);
}

static void
test_fault_by_model(void)
{
    g_autoptr(Sim) sim = make("amt16");

    g_assert_cmpint(call(sim, "AddUserAclEntryEx", ADD("op", "5")), ==, 0);
    g_assert_cmpint(call_as(sim, "op", 2, "GetUserAclEntryEx", HANDLE("2")), ==, -400);
}

static void
test_login(void)
{
    g_autoptr(Sim) sim = make("amt12");
    Device *device = sim->devices;
    AccountLogin login = {0};

    g_assert_true(accounts_login(device, "admin", &login));
    g_assert_true(login.redirects);
    g_assert_cmpint(call(sim, "AddUserAclEntryEx", ADD("op", "5")), ==, 0);
    g_assert_cmpint(call(sim, "AddUserAclEntryEx", ADD("viewer", "2")), ==, 0);
    g_assert_cmpint(call(sim, "AddUserAclEntryEx", NAMED("local") SOME_A1 MAY("0", "2")), ==, 0);
    g_assert_true(accounts_login(device, "op", &login));
    g_assert_cmpstr(login.a1, ==, "d49472b8191f62e2aa22a16388caf051");
    g_assert_false(login.redirects);
    g_assert_true(accounts_login(device, "viewer", &login));
    g_assert_true(login.redirects);
    g_assert_false(accounts_login(device, "local", &login));
    g_assert_false(accounts_login(device, "$$OsAdmin", &login));
    g_assert_false(accounts_login(device, "", &login));
    g_assert_cmpint(
        call(sim, "SetAclEnabledState", HANDLE("2") "<r:Enabled>false</r:Enabled>"), ==, 0);
    g_assert_false(accounts_login(device, "op", &login));
    g_assert_cmpint(
        call(sim, "SetAdminAclEntryEx", "<r:Username>root</r:Username>" SOME_A1), ==, 0);
    g_assert_false(accounts_login(device, "admin", &login));
    g_assert_true(accounts_login(device, "root", &login));
    g_assert_cmpstr(login.a1, ==, "d49472b8191f62e2aa22a16388caf051");
}

/* Behind application, event, initiator and time, which are those of any record. */
static void
recorded(Sim *sim, guint n, guint event, const char *extended)
{
    GBytes *record = sim->devices->extra->audit->records->pdata[n];
    gsize length;
    const guint8 *bytes = g_bytes_get_data(record, &length);
    g_autoptr(GString) hex = g_string_new(NULL);
    const gsize start = 4 + 1 + 1 + strlen("admin") + 4 + 1 + 1;

    g_assert_cmpuint(bytes[0] << 8 | bytes[1], ==, AUDIT_SECURITY_ADMIN);
    g_assert_cmpuint(bytes[2] << 8 | bytes[3], ==, event);
    g_assert_cmpmem(bytes + 6, 5, "admin", 5);
    g_assert_cmpuint(bytes[start], ==, length - start - 1);
    for (gsize i = start + 1; i < length; i++)
        g_string_append_printf(hex, "%02x", bytes[i]);
    g_assert_cmpstr(hex->str, ==, extended);
}

static void
test_audit(void)
{
    g_autoptr(Sim) sim = make("amt12");

    g_assert_cmpint(call(sim, "AddUserAclEntryEx", ADD("op", "5")), ==, 0);
    g_assert_cmpint(call(sim, "UpdateUserAclEntryEx", HANDLE("2") ADD("op", "2")), ==, 0);
    g_assert_cmpint(
        call(sim, "SetAclEnabledState", HANDLE("2") "<r:Enabled>false</r:Enabled>"), ==, 0);
    g_assert_cmpint(call(sim, "RemoveUserAclEntry", HANDLE("2")), ==, 0);
    g_assert_cmpint(call(sim, "RemoveUserAclEntry", HANDLE("2")), ==, 2053);
    g_assert_cmpuint(sim->devices->extra->audit->records->len, ==, 4);
    recorded(sim, 0, 2, "00026f70");
    recorded(sim, 1, 3, "ff00026f70");
    recorded(sim, 2, 6, "0000026f70");
    recorded(sim, 3, 4, "00026f70");
}

static void
test_reach(void)
{
    static const struct {
        guint realm;
        const char *class;
        gboolean reads, changes;
    } cases[] = {
        {13, "AMT_GeneralSettings", TRUE, FALSE},
        {3, "AMT_GeneralSettings", TRUE, TRUE},
        {13, "CIM_AssociatedPowerManagementService", TRUE, FALSE},
        {5, "CIM_PowerManagementService", TRUE, TRUE},
        {19, "AMT_MessageLog", TRUE, FALSE},
        {7, "AMT_MessageLog", TRUE, TRUE},
        {13, "AMT_TimeSynchronizationService", TRUE, FALSE},
        {4, "CIM_Processor", TRUE, TRUE},
        {5, "CIM_Processor", FALSE, FALSE},
        {2, "AMT_RedirectionService", TRUE, TRUE},
        {2, "AMT_AuthorizationService", FALSE, FALSE},
        {3, "NoSuchClass", TRUE, TRUE},
        {13, "NoSuchClass", FALSE, FALSE},
    };

    for (guint i = 0; i < G_N_ELEMENTS(cases); i++) {
        const guint32 held = 1U << cases[i].realm;

        g_test_message("%u %s", cases[i].realm, cases[i].class);
        g_assert_cmpint(realms_reach(held, cases[i].class, FALSE), ==, cases[i].reads);
        g_assert_cmpint(realms_reach(held, cases[i].class, TRUE), ==, cases[i].changes);
    }
    g_assert_false(realms_reach(0, "AMT_GeneralSettings", FALSE));
}

int
main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/sim/accounts/refusals", test_refusals);
    g_test_add_func("/sim/accounts/own", test_own_account);
    g_test_add_func("/sim/accounts/fault-by-model", test_fault_by_model);
    g_test_add_func("/sim/accounts/login", test_login);
    g_test_add_func("/sim/accounts/audit", test_audit);
    g_test_add_func("/sim/accounts/reach", test_reach);
    return g_test_run();
}
