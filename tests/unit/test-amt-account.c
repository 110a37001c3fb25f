/* SPDX-License-Identifier: Apache-2.0 */
/* Accounts: names, SIDs, passwords, lists of those wanted, and the administrator's password in every turn it may take. */
#include "amt-drift.h"
#include "fake-host.h"

#include <string.h>

/* ---- names, SIDs, passwords ---- */

static void
test_sid(void)
{
    static const char text[] = "S-1-5-21-2127521184-1604012920-1887927527-72713";
    static const guint8 bytes[] = {1,    5,    0,    0,    0,    0,    0,    5,    0x15, 0,
                                   0,    0,    0xA0, 0x65, 0xCF, 0x7E, 0x78, 0x4B, 0x9B, 0x5F,
                                   0xE7, 0x7C, 0x87, 0x70, 9,    0x1C, 1,    0};
    static const char *const wrong[] = {"S-1",
                                        "S-1-5",
                                        "S-2-5-21",
                                        "S-1-5-21-",
                                        "S-1-5-x",
                                        "S-1-5-4294967296",
                                        "S-1-281474976710656-1",
                                        "S-1-5-1-2-3-4-5-6-7-8-9-10-11-12-13-14-15-16",
                                        "",
                                        "operator"};
    g_autoptr(GBytes) sid = amt_sid_bytes(text);
    g_autofree char *back = amt_sid_text(bytes, sizeof bytes);
    guint8 longer[sizeof bytes + 1] = {0};

    g_assert_cmpmem(g_bytes_get_data(sid, NULL), g_bytes_get_size(sid), bytes, sizeof bytes);
    g_assert_cmpstr(back, ==, text);
    for (guint i = 0; i < G_N_ELEMENTS(wrong); i++)
        g_assert_null(amt_sid_bytes(wrong[i]));
    for (gsize length = 0; length < sizeof bytes; length++)
        g_assert_null(amt_sid_text(bytes, length));
    memcpy(longer, bytes, sizeof bytes);
    g_assert_null(amt_sid_text(longer, sizeof longer));
    longer[0] = 2;
    g_assert_null(amt_sid_text(longer, sizeof bytes));
}

static void
test_names(void)
{
    static const char *const good[] = {"operator", "sixteen-letters!", "a b", "S-1-5-21-1"};
    static const char *const bad[] = {"",
                                      "seventeen-letters",
                                      "a,b",
                                      "a:b",
                                      "a\"b",
                                      "a&b",
                                      "a<b",
                                      "a>b",
                                      "a(b",
                                      "$$uns",
                                      "\xC3\xA4",
                                      "a\tb",
                                      "S-1-x"};

    for (guint i = 0; i < G_N_ELEMENTS(good); i++)
        g_assert_true(amt_check_account_name(good[i], NULL));
    for (guint i = 0; i < G_N_ELEMENTS(bad); i++) {
        g_autoptr(GError) error = NULL;
        g_assert_false(amt_check_account_name(bad[i], &error));
        g_assert_error(error, POSTERN_ERROR, POSTERN_ERROR_BAD_PARAM);
    }
}

static void
test_passwords(void)
{
    static const char *const good[] = {"P@ssw0rd", "Aa1!Aa1!Aa1!Aa1!Aa1!Aa1!Aa1!Aa1!"};
    static const char *const bad[] = {"P@ssw0r",
                                      "Aa1!Aa1!Aa1!Aa1!Aa1!Aa1!Aa1!Aa1!x",
                                      "p@ssw0rd",
                                      "P@SSW0RD",
                                      "P@ssword",
                                      "Passw0rd",
                                      "Passw0rd_",
                                      "P@ss,w0rd",
                                      "P@ss:w0rd",
                                      "P@ss\"w0rd",
                                      "P@ssw0rd\xC3\xA4"};

    for (guint i = 0; i < G_N_ELEMENTS(good); i++)
        g_assert_true(amt_check_password(good[i], NULL));
    for (guint i = 0; i < G_N_ELEMENTS(bad); i++) {
        g_autoptr(GError) error = NULL;
        g_assert_false(amt_check_password(bad[i], &error));
        /* it is not told */
        g_assert_null(strstr(error->message, bad[i]));
    }
}

static char *hidden;

static void
fake_hide(PosternRun *run, const char *text)
{
    g_free(hidden);
    hidden = g_strdup(text);
}

/* The vector of the protocol document. */
static void
test_digest_password(void)
{
    static const PosternSecretsSvc secrets = {.size = sizeof secrets, .hide = fake_hide};
    const Amt amt = {.svc = {.secrets = &secrets}};
    g_autoptr(GVariant) made = g_variant_ref_sink(amt_digest_password(
        &amt, NULL, "admin", "Digest:4BB90000000000000000000000000000", "P@ssw0rd"));
    gsize length = 0;
    const guint8 *bytes = g_variant_get_fixed_array(made, &length, 1);
    g_autofree char *wire = g_base64_encode(bytes, length);

    g_assert_cmpstr(wire, ==, "1JRyuBkfYuKqIqFjiMrwUQ==");
    g_assert_cmpstr(hidden, ==, wire);
    g_clear_pointer(&hidden, g_free);
}

/* ---- who there should be ---- */

static void
test_wanted_text(void)
{
    g_autoptr(GError) error = NULL;
    g_autoptr(GPtrArray) list = amt_wanted_of_text("# who\n\n op \tremote-control,general-info\r\n"
                                                   "S-1-5-21-7 administration access=network "
                                                   "enabled=no # AD group\nlast acl",
                                                   &error);
    const AmtAccount *one;

    g_assert_no_error(error);
    g_assert_cmpuint(list->len, ==, 3);
    one = list->pdata[0];
    g_assert_cmpstr(one->name, ==, "op");
    g_assert_cmpuint(one->realms, ==, 1U << 5 | 1U << 13);
    g_assert_cmpuint(one->access, ==, AMT_ACCESS_ANY);
    g_assert_true(one->enabled);
    one = list->pdata[1];
    g_assert_true(amt_account_is_kerberos(one));
    g_assert_cmpuint(one->access, ==, AMT_ACCESS_NETWORK);
    g_assert_false(one->enabled);
}

static void
test_wanted_wrong(void)
{
    static const struct {
        const char *text, *words;
    } cases[] = {
        {"op", "line 1: account 'op' has no realms behind it"},
        {"\nop root", "line 2: there is no realm 'root'"},
        {"op acl\nop acl", "line 2: account op is named twice"},
        {"op acl access=never", "line 1: account op: access is 'never'"},
        {"op acl enabled=maybe", "line 1: account op: 'enabled=maybe' is neither"},
        {"$$x acl", "line 1: '$$x' is an account of the firmware's own"},
        {"op acl,,eit", "line 1: there is no realm ''"},
    };

    for (guint i = 0; i < G_N_ELEMENTS(cases); i++) {
        g_autoptr(GError) error = NULL;
        g_assert_null(amt_wanted_of_text(cases[i].text, &error));
        g_assert_error(error, POSTERN_ERROR, POSTERN_ERROR_BAD_PARAM);
        if (!g_str_has_prefix(error->message, cases[i].words))
            g_error("expected '%s' in: %s", cases[i].words, error->message);
    }
}

/* ---- the administrator's password ---- */

/* What the host's side of it does, and was asked. */
static struct {
    GString *calls;
    gboolean in_force, cannot_keep;
} host;

static PosternCredential *
fake_prepare(PosternRun *run, const char *type, GVariant *fields, GError **error)
{
    g_assert_cmpstr(type, ==, "amt.digest");
    g_assert_cmpstr(params_string(fields, "user"), ==, "admin");
    g_string_append(host.calls, "prepare ");
    g_variant_unref(g_variant_ref_sink(fields));
    return (PosternCredential *)&host;
}

static void
fake_try_first(PosternCredential *credential)
{
    g_string_append(host.calls, "try ");
}

static gboolean
fake_in_force(PosternCredential *credential)
{
    return host.in_force;
}

static gboolean
fake_keep(PosternCredential *credential, GError **error)
{
    g_string_append(host.calls, "keep ");
    return !host.cannot_keep || postern_fail(error, POSTERN_ERROR_BUSY, "disk full");
}

static gboolean
fake_drop(PosternCredential *credential, GError **error)
{
    g_string_append(host.calls, "drop ");
    return TRUE;
}

static void
fake_release(PosternCredential *credential)
{
    g_string_append(host.calls, "release");
}

static const char *
fake_foresee(PosternRun *run, const char *const *types, const char *field)
{
    return "admin";
}

static const char *
fake_peek(PosternCredential *credential, const char *field)
{
    return "P@ssw0rd";
}

static const char *
fake_label(PosternCredential *credential)
{
    return "profile machine-1";
}

static const PosternSecretsSvc secrets_svc = {.size = sizeof secrets_svc,
                                              .prepare = fake_prepare,
                                              .try_first = fake_try_first,
                                              .in_force = fake_in_force,
                                              .keep = fake_keep,
                                              .drop = fake_drop,
                                              .release = fake_release,
                                              .hide = fake_hide};
static const PosternCredentialSvc credential_svc = {
    .size = sizeof credential_svc, .peek = fake_peek, .label = fake_label, .foresee = fake_foresee};

#define SERVICE            FAKE_AMT("AMT_AuthorizationService")
#define ANSWER(method, is) FAKE_BODY(SERVICE, "<g:" method "_OUTPUT>" is "</g:" method "_OUTPUT>")
#define RETURNS(n)         "<g:ReturnValue>" n "</g:ReturnValue>"
#define GENERAL                                                                                    \
    {                                                                                              \
        .expect = "AMT_GeneralSettings", .status = 200,                                            \
        .body = FAKE_BODY(FAKE_AMT("AMT_GeneralSettings"),                                         \
                          "<g:AMT_GeneralSettings><g:DigestRealm>Digest:"                          \
                          "4BB90000000000000000000000000000</g:DigestRealm>"                       \
                          "</g:AMT_GeneralSettings>")                                              \
    }
#define NAME                                                                                       \
    {                                                                                              \
        .expect = "GetAdminAclEntry", .status = 200,                                               \
        .body = ANSWER("GetAdminAclEntry", "<g:Username>admin</g:Username>" RETURNS("0"))          \
    }
#define SET "<r:DigestPassword>1JRyuBkfYuKqIqFjiMrwUQ==</r:DigestPassword>"

static void
change(const FakeStep *steps, gsize count, const char *calls, gint code, const char *words)
{
    g_autoptr(FakeHost) fake = fake_host_new(steps, count);
    g_autoptr(GVariant) params = g_variant_ref_sink(g_variant_new_parsed("@a{sv} {}"));
    g_autoptr(GVariant) result = NULL;
    g_autoptr(GError) error = NULL;
    char policy[] = "prefer";
    Amt amt = {.svc = fake->svc, .tls = policy};

    amt.svc.secrets = &secrets_svc;
    amt.svc.credentials = &credential_svc;
    amt_options_init(&amt);
    host.calls = g_string_new(NULL);
    result = amt_admin_password_task.run(fake_run(fake), params, &amt, &error);
    if (result != NULL)
        g_variant_ref_sink(result);
    amt_options_clear(&amt);
    g_assert_cmpstr(host.calls->str, ==, calls);
    g_string_free(g_steal_pointer(&host.calls), TRUE);
    g_clear_pointer(&hidden, g_free);
    fake_host_done(fake);
    if (words == NULL) {
        g_assert_no_error(error);
        g_assert_cmpstr(params_string(result, "stored"), ==, "profile machine-1");
        return;
    }
    g_assert_error(error, POSTERN_ERROR, code);
    if (strstr(error->message, words) == NULL)
        g_error("expected '%s' in: %s", words, error->message);
}

static const FakeStep yes = {
    .expect = SET, .status = 200, .body = ANSWER("SetAdminAclEntryEx", RETURNS("0"))};
static const FakeStep no = {
    .expect = SET, .status = 200, .body = ANSWER("SetAdminAclEntryEx", RETURNS("2054"))};
static const FakeStep lost = {.expect = SET, .error = POSTERN_ERROR_UNREACHABLE};
static const FakeStep away = {.expect = "AMT_GeneralSettings", .error = POSTERN_ERROR_UNREACHABLE};
static const FakeStep shut = {.expect = "AMT_GeneralSettings", .error = POSTERN_ERROR_AUTH};

static void
test_admin_works(void)
{
    const FakeStep plain[] = {NAME, GENERAL, yes, GENERAL};
    const FakeStep answer_lost[] = {NAME, GENERAL, lost, GENERAL};
    const FakeStep slow[] = {NAME, GENERAL, yes, away, away, GENERAL};

    host.in_force = TRUE;
    change(plain, G_N_ELEMENTS(plain), "prepare try keep release", 0, NULL);
    change(answer_lost, G_N_ELEMENTS(answer_lost), "prepare try keep release", 0, NULL);
    change(slow, G_N_ELEMENTS(slow), "prepare try keep release", 0, NULL);
    host.cannot_keep = TRUE;
    change(plain, G_N_ELEMENTS(plain), "prepare try keep release", POSTERN_ERROR_BUSY, "disk full");
    host.cannot_keep = FALSE;
}

static void
test_admin_does_not_take(void)
{
    const FakeStep refused[] = {NAME, GENERAL, no};
    const FakeStep ignored[] = {NAME, GENERAL, yes, GENERAL};
    const FakeStep not_there[] = {NAME, GENERAL, lost, GENERAL};

    host.in_force = FALSE;
    change(refused, G_N_ELEMENTS(refused), "prepare drop release", POSTERN_ERROR_DEVICE, "2054");
    change(ignored,
           G_N_ELEMENTS(ignored),
           "prepare try drop release",
           POSTERN_ERROR_CONFLICT,
           "the device said yes to the new password, and the old password is still in force");
    change(not_there,
           G_N_ELEMENTS(not_there),
           "prepare try drop release",
           POSTERN_ERROR_UNREACHABLE,
           "the old password is still in force: nothing was changed");
}

/* Nobody knows which it is: neither is forgotten. */
static void
test_admin_unknown(void)
{
    const FakeStep gone[] = {NAME, GENERAL, yes, away, away, away, away};
    const FakeStep closed[] = {NAME, GENERAL, lost, shut};

    change(gone,
           G_N_ELEMENTS(gone),
           "prepare try release",
           POSTERN_ERROR_UNREACHABLE,
           "whether it is in force is not known; it stays stored beside the old one");
    change(closed, G_N_ELEMENTS(closed), "prepare try release", POSTERN_ERROR_AUTH, "is not known");
}

/* ---- the account that we are logged in with ---- */

#define ADMIN_STATUS(which)                                                                        \
    {                                                                                              \
        .expect = which, .status = 200,                                                            \
        .body = ANSWER(which, "<g:IsDefault>false</g:IsDefault>" RETURNS("0"))                     \
    }
#define OTHER_ADMIN                                                                                \
    {                                                                                              \
        .expect = "GetAdminAclEntry", .status = 200,                                               \
        .body = ANSWER("GetAdminAclEntry", "<g:Username>root</g:Username>" RETURNS("0"))           \
    }
#define ACCOUNT_ADMIN                                                                              \
    OTHER_ADMIN, ADMIN_STATUS("GetAdminAclEntryStatus"),                                           \
        ADMIN_STATUS("GetAdminNetAclEntryStatus"),                                                 \
        {.expect = "EnumerateUserAclEntries",                                                      \
         .status = 200,                                                                            \
         .body = ANSWER("EnumerateUserAclEntries",                                                 \
                        "<g:TotalCount>1</g:TotalCount><g:Handles>5</g:Handles>" RETURNS("0"))},   \
        {.expect = "GetUserAclEntryEx",                                                            \
         .status = 200,                                                                            \
         .body = ANSWER("GetUserAclEntryEx",                                                       \
                        "<g:DigestUsername>admin</g:DigestUsername>"                               \
                        "<g:AccessPermission>2</g:AccessPermission><g:Realms>3</g:Realms>"         \
                        "<g:Realms>5</g:Realms>" RETURNS("0"))},                                   \
    {                                                                                              \
        .expect = "GetAclEnabledState", .status = 200,                                             \
        .body = ANSWER("GetAclEnabledState", "<g:Enabled>true</g:Enabled>" RETURNS("0"))           \
    }

static GVariant *
try_user(const PosternTask *task, FakeHost *fake, const char *text, GError **error)
{
    g_autoptr(GVariant) params = g_variant_ref_sink(g_variant_new_parsed(text));
    char policy[] = "prefer";
    Amt amt = {.svc = fake->svc, .tls = policy};
    GVariant *result;

    amt.svc.secrets = &secrets_svc;
    amt.svc.credentials = &credential_svc;
    amt_options_init(&amt);
    result = task->run(fake_run(fake), params, &amt, error);
    amt_options_clear(&amt);
    g_clear_pointer(&hidden, g_free);
    fake_host_done(fake);
    return result != NULL ? g_variant_take_ref(result) : NULL;
}

/* With self=true it is done, and not asked for again by a login that is good no more. */
static void
test_own_account(void)
{
    static const FakeStep password[] = {
        ACCOUNT_ADMIN,
        GENERAL,
        {.expect = SET, .status = 200, .body = ANSWER("UpdateUserAclEntryEx", RETURNS("0"))}};
    static const FakeStep off[] = {ACCOUNT_ADMIN,
                                   {.expect = "<r:Enabled>false</r:Enabled>",
                                    .status = 200,
                                    .body = ANSWER("SetAclEnabledState", RETURNS("0"))}};
    g_autoptr(FakeHost) one = fake_host_for(password), two = fake_host_for(off);
    g_autoptr(GError) error = NULL;
    g_autoptr(GVariant) changed = try_user(&amt_user_password_task,
                                           one,
                                           "{'name': <'admin'>, 'password': <'P@ssw0rd'>, "
                                           "'self': <true>}",
                                           &error);
    g_autoptr(GVariant) disabled = NULL;

    g_assert_no_error(error);
    g_assert_true(params_bool(changed, "changed", FALSE));
    g_assert_cmpuint(params_uint(changed, "handle", 0), ==, 5);
    disabled = try_user(
        &amt_user_set_task, two, "{'name': <'admin'>, 'enabled': <false>, 'self': <true>}", &error);
    g_assert_no_error(error);
    g_assert_false(params_bool(disabled, "enabled", TRUE));
}

/* Two requests, of which the second is refused: what the first one did is told. */
static void
test_half_done(void)
{
    static const FakeStep steps[] = {ACCOUNT_ADMIN,
                                     {.expect = "UpdateUserAclEntryEx",
                                      .status = 200,
                                      .body = ANSWER("UpdateUserAclEntryEx", RETURNS("0"))},
                                     {.expect = "SetAclEnabledState",
                                      .status = 200,
                                      .body = ANSWER("SetAclEnabledState", RETURNS("2054"))}};
    g_autoptr(FakeHost) fake = fake_host_for(steps);
    g_autoptr(GError) error = NULL;

    g_assert_null(try_user(&amt_user_set_task,
                           fake,
                           "{'name': <'admin'>, 'realms': <['administration']>, 'enabled': "
                           "<false>, 'self': <true>}",
                           &error));
    g_assert_error(error, POSTERN_ERROR, POSTERN_ERROR_DEVICE);
    g_assert_true(
        g_str_has_prefix(error->message, "account admin was changed, but not switched off: "));
}

int
main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/amt-account/sid", test_sid);
    g_test_add_func("/amt-account/names", test_names);
    g_test_add_func("/amt-account/passwords", test_passwords);
    g_test_add_func("/amt-account/digest-password-27", test_digest_password);
    g_test_add_func("/amt-account/wanted-text", test_wanted_text);
    g_test_add_func("/amt-account/wanted-wrong", test_wanted_wrong);
    g_test_add_func("/amt-account/admin-works", test_admin_works);
    g_test_add_func("/amt-account/admin-does-not-take", test_admin_does_not_take);
    g_test_add_func("/amt-account/admin-unknown", test_admin_unknown);
    g_test_add_func("/amt-account/own-account", test_own_account);
    g_test_add_func("/amt-account/half-done", test_half_done);
    return g_test_run();
}
