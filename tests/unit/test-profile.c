/* SPDX-License-Identifier: Apache-2.0 */
/* Credential profiles: which logins a run may try in which order, what is learned of each, and how they travel. */
#include "config.h"

#include "net-run.h"
#include "profile-file.h"
#include "registry-private.h"

#include <glib/gstdio.h>
#include <string.h>

#define SUBJECT "machine:7"
#define HOUR    ((gint64)3600 * G_USEC_PER_SEC)

/* clang-format off */
static const PosternField user = {.size = sizeof user, .name = "user", .type = "s", .summary = "who", .flags = POSTERN_FIELD_REQUIRED};
static const PosternField password = {.size = sizeof password, .name = "password", .type = "s", .summary = "the secret",
    .flags = POSTERN_FIELD_REQUIRED | POSTERN_FIELD_SECRET};
static const PosternField *const fields[] = {&user, &password, NULL};
static const PosternCredentialType web = {.size = sizeof web, .id = "web.login", .summary = "for the web", .fields = fields};
static const PosternCredentialType *const web_types[] = {&web, NULL};
static const PosternCredentialType bus = {.size = sizeof bus, .id = "bus.login", .summary = "for the bus", .fields = fields};
static const PosternCredentialType *const bus_types[] = {&bus, NULL};
#define PLUGIN(called, types) {.magic = POSTERN_MAGIC, .size = sizeof(PosternPlugin), .abi_major = POSTERN_ABI_MAJOR, \
    .abi_minor = POSTERN_ABI_MINOR, .name = called, .version = "1", .license = "x", .summary = "x", .origin = "x", \
    .credential_types = types}
static const PosternPlugin web_plugin = PLUGIN("web", web_types), bus_plugin = PLUGIN("bus", bus_types);
/* clang-format on */

typedef struct {
    char *directory, *path, *key;
    Store *store;
    Vault *vault;
    Registry *registry;
} Fixture;

static Registry *
make_registry(gboolean with_bus)
{
    g_autoptr(GError) error = NULL;
    Registry *registry = registry_new(host_table(net_host()));

    registry_add_builtin(registry, &web_plugin, &error);
    g_assert_no_error(error);
    if (with_bus)
        registry_add_builtin(registry, &bus_plugin, &error);
    g_assert_no_error(error);
    return registry;
}

static Store *
make_store(const Fixture *fixture, const char *name)
{
    g_autofree char *path = g_build_filename(fixture->directory, name, NULL);
    g_autoptr(GError) error = NULL;
    Store *store = store_open(path, &error);

    g_assert_no_error(error);
    return store;
}

static void
set_up(Fixture *fixture, gconstpointer data)
{
    g_autoptr(GError) error = NULL;

    fixture->directory = g_dir_make_tmp("postern-profile-XXXXXX", &error);
    g_assert_no_error(error);
    fixture->key = g_build_filename(fixture->directory, "key", NULL);
    fixture->path = g_build_filename(fixture->directory, "profiles.json", NULL);
    fixture->store = make_store(fixture, "fleet.db");
    fixture->vault = vault_open(fixture->key, TRUE, &error);
    g_assert_no_error(error);
    fixture->registry = make_registry(TRUE);
}

static void
tear_down(Fixture *fixture, gconstpointer data)
{
    g_autoptr(GDir) files = NULL;
    const char *name;

    store_free(fixture->store);
    vault_free(fixture->vault);
    registry_free(fixture->registry);
    files = g_dir_open(fixture->directory, 0, NULL);
    while (files != NULL && (name = g_dir_read_name(files)) != NULL) {
        g_autofree char *path = g_build_filename(fixture->directory, name, NULL);
        g_unlink(path);
    }
    g_rmdir(fixture->directory);
    g_free(fixture->directory);
    g_free(fixture->path);
    g_free(fixture->key);
}

static PosternCredential *
make_login(const Fixture *fixture, const char *type, const char *secret)
{
    g_autoptr(GError) error = NULL;
    PosternCredential *login =
        credential_new(registry_credential_type(fixture->registry, type, &error), "test");

    g_assert_no_error(error);
    credential_set(login, "user", "admin", &error);
    g_assert_no_error(error);
    credential_set(login, "password", secret, &error);
    g_assert_no_error(error);
    return login;
}

static void
put(const Fixture *fixture, const char *profile, const char *type, const char *secret)
{
    g_autoptr(PosternCredential) login = make_login(fixture, type, secret);
    g_autoptr(GError) error = NULL;

    profile_put(fixture->store, fixture->vault, profile, login, TRUE, &error);
    g_assert_no_error(error);
}

static void
learn(const Fixture *fixture, const char *type, const char *secret, const char *why, gint64 now)
{
    g_autoptr(PosternCredential) login = make_login(fixture, type, secret);
    g_autofree char *print = profile_print(fixture->vault, login);
    g_autoptr(GError) error = NULL;

    profile_learn(fixture->store, SUBJECT, print, type, NULL, why, now, &error);
    g_assert_no_error(error);
}

/* "PROFILE TYPE SECRET, ...", a barred one with a ! in front; by a process that has just started. */
static char *
candidates(Fixture *fixture, const char *named, gint64 now)
{
    g_autoptr(GError) error = NULL;
    g_autoptr(ProfileCache) cache =
        profile_cache_new(fixture->store, fixture->vault, fixture->registry);
    g_autoptr(GPtrArray) list = profile_candidates(cache, SUBJECT, named, now, &error);
    GString *text = g_string_new(NULL);

    g_assert_no_error(error);
    for (guint i = 0; i < list->len; i++) {
        const ProfileCandidate *one = list->pdata[i];

        g_assert_true(g_str_has_prefix(one->credential->label, "profile "));
        g_string_append_printf(text,
                               "%s%s%s %s",
                               i > 0 ? ", " : "",
                               one->barred != NULL ? "!" : "",
                               one->credential->label + strlen("profile "),
                               credential_peek(one->credential, "password"));
    }
    return g_string_free(text, FALSE);
}

static void
come(Fixture *fixture, const char *named, gint64 now, const char *expected)
{
    g_autofree char *have = candidates(fixture, named, now);

    g_assert_cmpstr(have, ==, expected);
}

/* ---- for one run ---- */

static void
test_order(Fixture *fixture, gconstpointer data)
{
    come(fixture, NULL, 1, "");
    put(fixture, "home", "web.login", "home-web");
    put(fixture, "lab", "web.login", "lab-web");
    put(fixture, "lab", "bus.login", "lab-bus");
    put(fixture, "site", "web.login", "site-web");
    come(fixture, NULL, 1, "home home-web");
    come(fixture, "lab", 1, "lab lab-bus, lab lab-web, home home-web");
    come(fixture, "home", 1, "home home-web");
    learn(fixture, "web.login", "site-web", NULL, 1);
    learn(fixture, "bus.login", "lab-bus", NULL, 2);
    come(fixture, "lab", 3, "lab lab-bus, site site-web, lab lab-web, home home-web");
    g_assert_true(profile_set_default(fixture->store, NULL, NULL));
    come(fixture, NULL, 3, "lab lab-bus, site site-web");
    come(fixture, "nobody", 3, "lab lab-bus, site site-web");
}

/* The same login in two profiles is one login: it is tried once. */
static void
test_same_login(Fixture *fixture, gconstpointer data)
{
    put(fixture, "home", "web.login", "the-same");
    put(fixture, "lab", "web.login", "the-same");
    come(fixture, "lab", 1, "lab the-same");
    learn(fixture, "web.login", "the-same", "wrong", 1);
    come(fixture, "home", 2, "!home the-same");
}

static void
test_barred(Fixture *fixture, gconstpointer data)
{
    const gint64 then = 1000 * HOUR;
    g_autoptr(PosternCredential) login = make_login(fixture, "web.login", "secret-1");
    g_autofree char *print = profile_print(fixture->vault, login), *why = NULL, *late = NULL;
    g_autoptr(GError) error = NULL;

    put(fixture, "home", "web.login", "secret-1");
    learn(fixture, "web.login", "secret-1", "it said 401", then);
    come(fixture, NULL, then, "!home secret-1");
    come(fixture, NULL, then + HOUR - 1, "!home secret-1");
    come(fixture, NULL, then + HOUR, "home secret-1");
    why = profile_barred(fixture->store, SUBJECT, print, then + HOUR - 1, &error);
    g_assert_no_error(error);
    g_assert_nonnull(strstr(why, "it said 401"));
    g_assert_nonnull(strstr(why, "--again"));
    g_assert_null(strstr(why, "secret-1"));
    late = profile_barred(fixture->store, SUBJECT, print, then + HOUR, &error);
    g_assert_no_error(error);
    g_assert_null(late);
    g_assert_null(profile_barred(fixture->store, "machine:8", print, then, &error));
    g_assert_no_error(error);
}

static void
test_unlearned(Fixture *fixture, gconstpointer data)
{
    put(fixture, "home", "web.login", "secret-1");
    put(fixture, "site", "web.login", "secret-2");
    learn(fixture, "web.login", "secret-2", NULL, 1);
    come(fixture, NULL, 2, "site secret-2, home secret-1");
    learn(fixture, "web.login", "secret-2", "no more", 2);
    come(fixture, NULL, 3, "home secret-1");
    come(fixture, "site", 3, "!site secret-2, home secret-1");
    learn(fixture, "web.login", "secret-2", NULL, 4);
    come(fixture, NULL, 5, "site secret-2, home secret-1");
    learn(fixture, "web.login", "secret-1", "wrong", 5);
    g_assert_true(profile_forgive(fixture->store, "machine:8", NULL));
    come(fixture, NULL, 6, "site secret-2, !home secret-1");
    g_assert_true(profile_forgive(fixture->store, SUBJECT, NULL));
    come(fixture, NULL, 6, "site secret-2, home secret-1");
}

/* The bar is on the login as it was; and one technology's says nothing of another's. */
static void
test_changed(Fixture *fixture, gconstpointer data)
{
    put(fixture, "home", "web.login", "secret-1");
    put(fixture, "home", "bus.login", "secret-1");
    learn(fixture, "web.login", "secret-1", "wrong", 1);
    come(fixture, NULL, 2, "home secret-1, !home secret-1");
    put(fixture, "home", "web.login", "secret-2");
    come(fixture, NULL, 2, "home secret-1, home secret-2");
}

/* ---- logins that cannot be had ---- */

static void
test_left_out(Fixture *fixture, gconstpointer data)
{
    put(fixture, "home", "bus.login", "home-bus");
    put(fixture, "home", "web.login", "home-web");
    g_assert_true(store_run(
        fixture->store,
        NULL,
        "UPDATE profile_credential SET sealed = substr(sealed, 1, length(sealed) - 1) || x'00' "
        "WHERE type = 'bus.login'",
        ""));
    g_test_expect_message(
        "postern", G_LOG_LEVEL_WARNING, "profile home: its login of type bus.login is left out*");
    come(fixture, NULL, 1, "home home-web");
    g_test_assert_expected_messages();
}

static void
test_plugin_gone(Fixture *fixture, gconstpointer data)
{
    put(fixture, "home", "bus.login", "home-bus");
    put(fixture, "home", "web.login", "home-web");
    registry_free(fixture->registry);
    fixture->registry = make_registry(FALSE);
    g_test_expect_message(
        "postern", G_LOG_LEVEL_WARNING, "profile home: its login of type bus.login is left out*");
    come(fixture, NULL, 1, "home home-web");
    g_test_assert_expected_messages();
}

/* A sealed login is no good in another place. */
static void
test_moved(Fixture *fixture, gconstpointer data)
{
    g_autoptr(GError) error = NULL;

    put(fixture, "home", "web.login", "home-web");
    put(fixture, "lab", "web.login", "lab-web");
    g_assert_true(store_run(fixture->store,
                            NULL,
                            "UPDATE profile_credential SET sealed = (SELECT sealed FROM "
                            "profile_credential WHERE profile = 'home') WHERE profile = 'lab'",
                            ""));
    g_assert_null(profile_login(
        fixture->store, fixture->vault, fixture->registry, "lab", "web.login", &error));
    g_assert_error(error, POSTERN_ERROR, POSTERN_ERROR_CONFLICT);
}

static void
test_put_and_remove(Fixture *fixture, gconstpointer data)
{
    g_autoptr(PosternCredential) login = make_login(fixture, "web.login", "secret-2");
    g_autoptr(GError) error = NULL;
    g_autoptr(GPtrArray) list = NULL;

    put(fixture, "home", "web.login", "secret-1");
    g_assert_false(profile_put(fixture->store, fixture->vault, "home", login, FALSE, &error));
    g_assert_error(error, POSTERN_ERROR, POSTERN_ERROR_CONFLICT);
    g_clear_error(&error);
    g_assert_false(profile_put(fixture->store, fixture->vault, "No Name", login, FALSE, &error));
    g_assert_error(error, POSTERN_ERROR, POSTERN_ERROR_BAD_PARAM);
    g_clear_error(&error);
    g_assert_false(profile_remove(fixture->store, "hom", NULL, &error));
    g_assert_nonnull(strstr(error->message, "home"));
    g_clear_error(&error);
    g_assert_false(profile_remove(fixture->store, "home", "bus.login", &error));
    g_assert_error(error, POSTERN_ERROR, POSTERN_ERROR_BAD_PARAM);
    g_clear_error(&error);
    g_assert_true(profile_remove(fixture->store, "home", "web.login", &error));
    list = profile_list(fixture->store, &error);
    g_assert_no_error(error);
    g_assert_cmpuint(list->len, ==, 0);
}

/* ---- a login that is being changed ---- */

static gboolean
prepare(
    const Fixture *fixture, PosternCredential *login, const char *used, gint64 now, GError **error)
{
    g_autoptr(PosternCredential) before =
        used != NULL ? make_login(fixture, "web.login", used) : NULL;
    g_autofree char *print = before != NULL ? profile_print(fixture->vault, before) : NULL;

    return profile_prepare(fixture->store, fixture->vault, SUBJECT, login, print, now, error);
}

static void
settle(const Fixture *fixture, PosternCredential *login, gboolean keep, gint64 now)
{
    g_autoptr(GError) error = NULL;

    profile_settle(fixture->store, fixture->vault, SUBJECT, login, keep, now, &error);
    g_assert_no_error(error);
}

/* Behind what works while it is not known, before all when it is in force, and at no other machine. */
static void
test_change(Fixture *fixture, gconstpointer data)
{
    g_autoptr(PosternCredential) first = make_login(fixture, "web.login", "first-new");
    g_autoptr(PosternCredential) second = make_login(fixture, "web.login", "second-new");
    g_autoptr(GPtrArray) list = NULL;

    put(fixture, "home", "web.login", "home-web");
    learn(fixture, "web.login", "home-web", NULL, HOUR);
    g_assert_true(prepare(fixture, first, "home-web", HOUR + 2, NULL));
    g_assert_cmpstr(first->label, ==, "profile machine-7.next");
    come(fixture, NULL, HOUR + 3, "home home-web, machine-7.next first-new");
    settle(fixture, first, TRUE, HOUR + 4);
    g_assert_cmpstr(first->label, ==, "profile machine-7");
    come(fixture, NULL, HOUR + 5, "machine-7 first-new, home home-web");

    g_assert_true(prepare(fixture, second, "first-new", HOUR + 6, NULL));
    come(fixture, NULL, HOUR + 7, "machine-7 first-new, home home-web, machine-7.next second-new");
    settle(fixture, second, FALSE, HOUR + 8);
    come(fixture, NULL, HOUR + 9, "machine-7 first-new, home home-web");
    list = profile_list(fixture->store, NULL);
    g_assert_cmpuint(list->len, ==, 2);
}

/* An address goes to another machine: what is stored under it for the first one stays. */
static void
test_change_address(Fixture *fixture, gconstpointer data)
{
    g_autoptr(PosternCredential) first = make_login(fixture, "web.login", "first-new");
    g_autoptr(PosternCredential) second = make_login(fixture, "web.login", "second-new");
    g_autoptr(PosternCredential) same = make_login(fixture, "web.login", "first-new");

    g_assert_true(
        profile_prepare(fixture->store, fixture->vault, "host:10.0.0.1", first, NULL, HOUR, NULL));
    g_assert_true(
        profile_settle(fixture->store, fixture->vault, "host:10.0.0.1", first, TRUE, HOUR, NULL));
    g_assert_cmpstr(first->label, ==, "profile host-10.0.0.1");
    /* it has a record now */
    g_assert_true(store_run(fixture->store, NULL, "UPDATE login SET subject = $1", "s", SUBJECT));
    g_assert_true(
        profile_prepare(fixture->store, fixture->vault, "host:10.0.0.1", second, NULL, HOUR, NULL));
    g_assert_cmpstr(second->label, ==, "profile host-10.0.0.1-2.next");
    g_assert_true(
        profile_settle(fixture->store, fixture->vault, "host:10.0.0.1", second, TRUE, HOUR, NULL));
    /* even when both have one password */
    g_assert_true(
        store_run(fixture->store,
                  NULL,
                  "INSERT INTO login SELECT 'host:10.0.0.1', print, type, profile, 1, 5, NULL "
                  "FROM login WHERE subject = $1",
                  "s",
                  SUBJECT));
    g_assert_true(profile_prepare(
        fixture->store, fixture->vault, "host:10.0.0.1", same, NULL, 2 * HOUR, NULL));
    g_assert_cmpstr(same->label, ==, "profile host-10.0.0.1-2.next");
    come(fixture, NULL, 2 * HOUR, "host-10.0.0.1 first-new");
}

/* Somebody took the pending login away by hand: what came into force is stored all the same. */
static void
test_change_taken_away(Fixture *fixture, gconstpointer data)
{
    g_autoptr(PosternCredential) login = make_login(fixture, "web.login", "first-new");

    g_assert_true(prepare(fixture, login, NULL, HOUR, NULL));
    g_assert_true(profile_remove(fixture->store, "machine-7.next", NULL, NULL));
    come(fixture, NULL, HOUR, "");
    settle(fixture, login, TRUE, HOUR + 1);
    come(fixture, NULL, HOUR + 2, "machine-7 first-new");
}

/* The first profile there is becomes the default; one machine's own must not. */
static void
test_change_is_no_default(Fixture *fixture, gconstpointer data)
{
    g_autoptr(PosternCredential) login = make_login(fixture, "web.login", "first-new");
    g_autoptr(GPtrArray) list = NULL;

    g_assert_true(prepare(fixture, login, NULL, 2, NULL));
    settle(fixture, login, TRUE, 4);
    list = profile_list(fixture->store, NULL);
    g_assert_cmpuint(list->len, ==, 1);
    g_assert_false(((const Profile *)list->pdata[0])->is_default);
}

/* Somebody began, and the process ended: what is pending is lost in no case. */
static void
test_change_interrupted(Fixture *fixture, gconstpointer data)
{
    g_autoptr(PosternCredential) lost = make_login(fixture, "web.login", "lost-new");
    g_autoptr(PosternCredential) next = make_login(fixture, "web.login", "next-new");
    const gint64 began = store_now(), later = began + HOUR / 2;
    g_autoptr(GError) error = NULL;

    put(fixture, "home", "web.login", "home-web");
    learn(fixture, "web.login", "home-web", NULL, began);
    g_assert_true(prepare(fixture, lost, "home-web", began, NULL));
    /* another process, a moment later: the first may be about to send it */
    g_assert_false(prepare(fixture, next, "home-web", began + G_USEC_PER_SEC, &error));
    g_assert_error(error, POSTERN_ERROR, POSTERN_ERROR_CONFLICT);
    come(fixture, NULL, began, "home home-web, machine-7.next lost-new");
    /* the device refused both: it stays a candidate, when an hour is over */
    learn(fixture, "web.login", "home-web", "no", later);
    g_assert_true(
        store_run(fixture->store,
                  NULL,
                  "UPDATE login SET accepted = 0, at = $1 WHERE profile = 'machine-7.next'",
                  "i",
                  later));
    come(fixture, NULL, later + 1, "!machine-7.next lost-new, !home home-web");
    come(fixture, NULL, later + HOUR, "machine-7.next lost-new, home home-web");
    /* it was let in, so it is the machine's own before the next one is pending */
    g_assert_true(prepare(fixture, next, "lost-new", began + G_USEC_PER_SEC, NULL));
    come(fixture,
         "machine-7",
         later + HOUR,
         "machine-7 lost-new, machine-7.next next-new, home home-web");
}

/* What became of it can be nothing: the old one was let in, two minutes later. */
static void
test_change_given_up(Fixture *fixture, gconstpointer data)
{
    g_autoptr(PosternCredential) lost = make_login(fixture, "web.login", "lost-new");
    g_autoptr(PosternCredential) next = make_login(fixture, "web.login", "next-new");
    const gint64 began = store_now();

    put(fixture, "home", "web.login", "home-web");
    learn(fixture, "web.login", "home-web", NULL, began);
    g_assert_true(prepare(fixture, lost, "home-web", began, NULL));
    g_assert_true(prepare(fixture, next, "home-web", began + HOUR / 20, NULL));
    come(fixture, NULL, began, "home home-web, machine-7.next next-new");
}

/* ---- another key ---- */

/* Whoever starts now reads every login. */
static void
all_readable(Fixture *fixture)
{
    g_autoptr(GError) error = NULL;

    g_clear_pointer(&fixture->vault, vault_free);
    fixture->vault = vault_open(fixture->key, FALSE, &error);
    g_assert_no_error(error);
    come(fixture, "lab", 1, "lab lab-web, home home-bus, home home-web");
}

/* A change of keys, by somebody who dies after so many steps. */
static void
rekey(Fixture *fixture, guint steps)
{
    g_autoptr(GError) error = NULL;
    g_autoptr(Vault) fresh = vault_rekey_begin(fixture->vault, fixture->key, &error);

    g_assert_no_error(error);
    if (steps == 0)
        return;
    g_assert_true(store_begin(fixture->store, NULL));
    profile_reseal(fixture->store, fixture->vault, fresh, &error);
    g_assert_no_error(error);
    if (steps == 1)
        store_rollback(fixture->store);
    else
        g_assert_true(store_commit(fixture->store, NULL));
    if (steps == 3)
        g_assert_true(vault_rekey_end(fixture->key, &error));
    g_assert_no_error(error);
}

static void
test_rekey(Fixture *fixture, gconstpointer data)
{
    g_autofree char *before = NULL;

    put(fixture, "home", "web.login", "home-web");
    put(fixture, "home", "bus.login", "home-bus");
    put(fixture, "lab", "web.login", "lab-web");
    before = g_strdup(vault_key_id(fixture->vault));
    for (guint i = 0; i <= 3; i++) {
        rekey(fixture, i);
        all_readable(fixture);
        g_assert_cmpint(strcmp(vault_key_id(fixture->vault), before) == 0, ==, i < 3);
    }
    /* and what was learned is still of the same logins */
    learn(fixture, "web.login", "lab-web", "wrong", 1);
    rekey(fixture, 3);
    g_clear_pointer(&fixture->vault, vault_free);
    fixture->vault = vault_open(fixture->key, FALSE, NULL);
    come(fixture, "lab", 2, "!lab lab-web, home home-bus, home home-web");
}

/* ---- files that travel ---- */

static gboolean
import(Fixture *fixture, Store *store, const char *passphrase, const char *text, GError **error)
{
    g_autoptr(Secret) secret = secret_new(passphrase, -1);
    guint count = 0;
    gboolean good = store_begin(store, NULL) && profile_file_read(store,
                                                                  fixture->vault,
                                                                  fixture->registry,
                                                                  secret,
                                                                  text,
                                                                  strlen(text),
                                                                  "the file",
                                                                  &count,
                                                                  error);

    if (!good) {
        store_rollback(store);
        return FALSE;
    }
    g_assert_true(store_commit(store, NULL));
    return TRUE;
}

static char *export(Fixture *fixture)
{
    g_autoptr(Secret) secret = secret_new("correct horse battery", -1);
    g_autoptr(GError) error = NULL;
    char *text = NULL;
    guint count = 0;
    GStatBuf info;

    put(fixture, "home", "web.login", "home-web");
    put(fixture, "home", "bus.login", "home-bus");
    put(fixture, "lab", "web.login", "lab-web");
    profile_file_write(
        fixture->store, fixture->vault, fixture->registry, secret, fixture->path, &count, &error);
    g_assert_no_error(error);
    g_assert_cmpuint(count, ==, 2);
    g_assert_cmpint(g_stat(fixture->path, &info), ==, 0);
    g_assert_cmpint(info.st_mode & 0777, ==, 0600);
    g_assert_false(profile_file_write(
        fixture->store, fixture->vault, fixture->registry, secret, fixture->path, &count, &error));
    g_assert_nonnull(strstr(error->message, fixture->path)); /* nothing is overwritten */
    g_assert_true(g_file_get_contents(fixture->path, &text, NULL, NULL));
    g_assert_null(strstr(text, "home-web"));
    return text;
}

static void
test_travels(Fixture *fixture, gconstpointer data)
{
    g_autofree char *text = export(fixture);
    g_autoptr(GError) error = NULL;
    Store *other = make_store(fixture, "other.db");

    g_assert_false(import(fixture, other, "wrong horse battery", text, &error));
    g_assert_error(error, POSTERN_ERROR, POSTERN_ERROR_CONFLICT);
    g_assert_nonnull(strstr(error->message, "the passphrase is wrong"));
    g_clear_error(&error);
    import(fixture, other, "correct horse battery", text, &error);
    g_assert_no_error(error);
    g_assert_false(import(fixture, other, "correct horse battery", text, &error));
    g_assert_error(error, POSTERN_ERROR, POSTERN_ERROR_CONFLICT);
    g_clear_pointer(&fixture->store, store_free);
    fixture->store = other;
    come(fixture, "lab", 1, "lab lab-web, home home-bus, home home-web");
}

/* One JSON text for another, in all places. */
static char *
swap(const char *text, const char *old, const char *new)
{
    g_auto(GStrv) parts = g_strsplit(text, old, -1);

    g_assert_cmpuint(g_strv_length(parts), >, 1);
    return g_strjoinv(new, parts);
}

static void
test_bad_files(Fixture *fixture, gconstpointer data)
{
    static const char *const swaps[][2] = {
        {"postern-profiles-1", "postern-profiles-2"},
        {"\"cost\" : 15", "\"cost\" : 40"},
        {"\"cost\" : 15", "\"cost\" : 1"},
        {"\"cost\" : 15", "\"cost\" : \"15\""},
        {"\"salt\"", "\"pepper\""},
        {"\"logins\" : [", "\"logins\" : [ 1, "},
        {"\"logins\"", "\"others\""},
        {"\"sealed\"", "\"open\""},
        {"\"sealed\" : \"", "\"sealed\" : \"AAAA"},
        {"\"profile\" : \"home\"", "\"profile\" : \"No Name\""},
        {"\"profile\" : \"home\"", "\"profile\" : \"house\""},
        {"web.login", "tube.login"},
        {"}", ""},
    };
    g_autofree char *text = export(fixture);
    g_autofree char *deep = g_strnfill(500 * 1024, '[');
    g_autofree char *nested = g_strconcat("{\"format\": ", deep, NULL);
    g_autoptr(Store) other = make_store(fixture, "other.db");
    g_autoptr(GError) too_deep = NULL;

    for (guint i = 0; i < G_N_ELEMENTS(swaps); i++) {
        g_autofree char *wrong = swap(text, swaps[i][0], swaps[i][1]);
        g_autoptr(GError) error = NULL;
        g_autoptr(GPtrArray) list = NULL;
        g_assert_false(import(fixture, other, "correct horse battery", wrong, &error));
        g_test_message("%s: %s", swaps[i][1], error->message);
        g_assert_nonnull(strstr(error->message, "the file"));
        list = profile_list(other, NULL);
        g_assert_cmpuint(list->len, ==, 0);
    }
    g_assert_false(import(fixture, other, "correct horse battery", nested, &too_deep));
    g_assert_error(too_deep, POSTERN_ERROR, POSTERN_ERROR_BAD_PARAM);
}

int
main(int argc, char **argv)
{
    int status;

    g_test_init(&argc, &argv, NULL);
    net_setup();
#define CASE(name, function)                                                                       \
    g_test_add("/profile/" name, Fixture, NULL, set_up, function, tear_down)
    CASE("order", test_order);
    CASE("same-login", test_same_login);
    CASE("barred", test_barred);
    CASE("unlearned", test_unlearned);
    CASE("changed", test_changed);
    CASE("left-out", test_left_out);
    CASE("plugin-gone", test_plugin_gone);
    CASE("moved", test_moved);
    CASE("put-and-remove", test_put_and_remove);
    CASE("change", test_change);
    CASE("change-address", test_change_address);
    CASE("change-taken-away", test_change_taken_away);
    CASE("change-is-no-default", test_change_is_no_default);
    CASE("change-interrupted", test_change_interrupted);
    CASE("change-given-up", test_change_given_up);
    CASE("rekey", test_rekey);
    CASE("travels", test_travels);
    CASE("bad-files", test_bad_files);
    status = g_test_run();
    net_teardown();
    return status;
}
