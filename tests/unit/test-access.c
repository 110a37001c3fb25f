/* SPDX-License-Identifier: Apache-2.0 */
/* Roles: what a file may say, who is in which, who may do what, and that each refusal says why. */
#include "config.h"

#include "access.h"
#include "error.h"

#include <glib/gstdio.h>
#include <pwd.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

typedef struct {
    char *directory;
} Place;

static void
place_up(Place *place, gconstpointer data)
{
    place->directory = g_dir_make_tmp("postern-roles-XXXXXX", NULL);
    g_assert_nonnull(place->directory);
}

static void
place_down(Place *place, gconstpointer data)
{
    g_autoptr(GDir) dir = g_dir_open(place->directory, 0, NULL);
    const char *file;

    while ((file = g_dir_read_name(dir)) != NULL) {
        g_autofree char *path = g_build_filename(place->directory, file, NULL);
        g_remove(path);
    }
    g_rmdir(place->directory);
    g_free(place->directory);
}

static void
put(const Place *place, const char *file, const char *text)
{
    g_autofree char *path = g_build_filename(place->directory, file, NULL);

    g_assert_true(g_file_set_contents(path, text, -1, NULL));
    g_assert_cmpint(g_chmod(path, 0644), ==, 0);
}

static Access *
read_roles(const Place *place)
{
    g_autoptr(GError) error = NULL;
    Access *access = access_read(place->directory, &error);

    g_assert_no_error(error);
    g_assert_nonnull(access);
    return access;
}

static void
matches(const char *text, const char *pattern)
{
    if (!g_pattern_match_simple(pattern, text))
        g_error("expected \"%s\", got \"%s\"", pattern, text);
}

static void
refused(const Place *place, const char *text, const char *pattern)
{
    g_autoptr(GError) error = NULL;

    put(place, "odd.conf", text);
    g_assert_null(access_read(place->directory, &error));
    g_assert_true(g_error_matches(error, POSTERN_ERROR, POSTERN_ERROR_BAD_PARAM));
    matches(error->message, pattern);
}

/* ---- files ---- */

static void
test_read(Place *place, gconstpointer data)
{
    g_autoptr(Access) access = NULL;
    const Role *role;

    put(place, "beta.conf", "[role]\ntasks = dummy.*\ncollections = all\n");
    put(place,
        "alpha.conf",
        "[role]\nsummary = first\ntasks = amt.power.*, amt.identify # two\n"
        "collections = lab, kiosks\nmembers = alice, %helpdesk\n");
    put(place, "alpha.conf~", "what an editor left");
    put(place, ".hidden.conf", "likewise");
    access = read_roles(place);
    g_assert_cmpuint(access_roles(access)->len, ==, 2);
    role = access_roles(access)->pdata[0];
    g_assert_cmpstr(role->name, ==, "alpha");
    g_assert_cmpstr(role->summary, ==, "first");
    g_assert_cmpuint(g_strv_length(role->tasks), ==, 2);
    g_assert_cmpstr(role->collections[1], ==, "kiosks");
    g_assert_cmpstr(role->members[1], ==, "%helpdesk");
    g_assert_cmpuint(role->line, ==, 1);
    g_assert_true(role_has_task(role, "amt.power.set"));
    g_assert_true(role_has_task(role, "amt.identify"));
    g_assert_false(role_has_task(role, "amt.identify.more"));
    g_assert_false(role_has_task(role, "amt.powers"));
    role = access_roles(access)->pdata[1];
    g_assert_cmpstr(role->name, ==, "beta");
    g_assert_null(role->summary);
    g_assert_cmpuint(g_strv_length(role->members), ==, 0);
}

static void
test_mistakes(Place *place, gconstpointer data)
{
    refused(place, "[role]\ntask = a.b\n", "*/odd.conf:2: *did you mean 'tasks'*");
    refused(place, "[rolle]\n", "*/odd.conf:1: unknown section ?rolle?*");
    refused(place, "", "*/odd.conf:1: *tasks*");
    refused(place, "[role]\ntasks = a.b\n", "*/odd.conf:1: *collections*");
    refused(place, "[role]\ntasks =\ncollections = all\n", "*/odd.conf:2: tasks: got ''*");
    refused(place, "[role]\ntasks = A.b\ncollections = all\n", "*/odd.conf:2: tasks: got 'A.b'*");
    refused(place, "[role]\ntasks = a.b\n\ncollections = @lab\n", "*/odd.conf:4: *without @*");
    refused(place,
            "[role]\ntasks = a.b\ncollections = all\nmembers = a, %\n",
            "*/odd.conf:4: members: got '%'*");
    refused(place,
            "[role]\ntasks = a.b\ncollections = all\nmembers = a b\n",
            "*/odd.conf:4: members: got 'a b'*");
    refused(place, "[role]\ntasks = a.b\ntasks = c.d\n", "*/odd.conf:3: *already, in line 2*");
}

static void
test_names(Place *place, gconstpointer data)
{
    g_autoptr(GError) error = NULL;

    put(place, "Help Desk.conf", "[role]\ntasks = a.b\ncollections = all\n");
    g_assert_null(access_read(place->directory, &error));
    g_assert_true(g_error_matches(error, POSTERN_ERROR, POSTERN_ERROR_BAD_PARAM));
    matches(error->message, "*'Help Desk' is no name*");
}

static void
test_others_can_write(Place *place, gconstpointer data)
{
    static const guint modes[] = {0664, 0646};
    g_autofree char *path = g_build_filename(place->directory, "lab.conf", NULL);

    put(place, "lab.conf", "[role]\ntasks = a.b\ncollections = all\nmembers = alice\n");
    for (guint i = 0; i < G_N_ELEMENTS(modes); i++) {
        g_autoptr(GError) error = NULL;

        g_assert_cmpint(g_chmod(path, modes[i]), ==, 0);
        g_assert_null(access_read(place->directory, &error));
        g_assert_true(g_error_matches(error, POSTERN_ERROR, POSTERN_ERROR_FORBIDDEN));
        matches(error->message, "role lab: *lab.conf has mode*chmod go-w*");
    }
}

static void
test_problems(Place *place, gconstpointer data)
{
    g_autoptr(GPtrArray) problems = g_ptr_array_new_with_free_func(g_free);
    g_autoptr(Access) access = NULL;

    put(place, "a.conf", "[role]\nodd = 1\n");
    put(place, "b.conf", "[role]\ntasks = a.b\ncollections = all\n");
    put(place, "c.conf", "nonsense\n");
    access = access_read_all(place->directory, problems);
    g_assert_cmpuint(problems->len, ==, 2);
    matches(problems->pdata[0], "*/a.conf:2: *");
    matches(problems->pdata[1], "*/c.conf:1: *");
    g_assert_cmpuint(access_roles(access)->len, ==, 1);
}

static void
test_no_directory(void)
{
    g_autoptr(GError) error = NULL;
    g_autoptr(Access) access = access_read("/nonexistent/roles.d", &error);

    g_assert_no_error(error);
    g_assert_true(access_is_open(access));
    g_assert_null(
        access_read("/dev/null", &error)); /* there, but not to be read: not open to all */
    g_assert_true(g_error_matches(error, POSTERN_ERROR, POSTERN_ERROR_BAD_PARAM));
}

/* ---- who ---- */

static void
test_actors(void)
{
    static const char *const groups[] = {"one", "two", NULL};
    g_autoptr(Actor) given = actor_new("nobody-we-know", groups);
    g_autoptr(Actor) unknown = actor_new("nobody-we-know", NULL);
    g_autoptr(Actor) self = actor_of_process();
    const struct passwd *user = getpwuid(getuid());
    g_autofree char *number = g_strdup_printf("uid:%u", (guint)getuid());

    g_assert_cmpstr(given->groups[1], ==, "two");
    g_assert_cmpstr(unknown->name, ==, "nobody-we-know");
    g_assert_cmpuint(g_strv_length(unknown->groups), ==, 0);
    g_assert_cmpstr(self->name, ==, user != NULL ? user->pw_name : number);
}

static void
test_system_groups(void)
{
    g_autoptr(Actor) root = actor_new("root", NULL);

    if (getpwnam("root") == NULL) {
        g_test_skip("the system has no user root");
        return;
    }
    g_assert_true(g_strv_contains((const char *const *)root->groups, "root"));
}

/* ---- may they? ---- */

static gboolean
may(const Access *access,
    const char *user,
    const char *group,
    const char *task,
    const char *host,
    const char **role,
    GError **error)
{
    const char *const groups[] = {group, NULL};
    g_autoptr(Actor) actor = actor_new(user, groups);

    return access_check(access, NULL, actor, task, 0, host, role, error);
}

static void
allowed(const Access *access, const char *user, const char *group, const char *task, const char *by)
{
    g_autoptr(GError) error = NULL;
    const char *role = "untouched";

    g_assert_true(may(access, user, group, task, "lab-7", &role, &error));
    g_assert_no_error(error);
    g_assert_cmpstr(role, ==, by);
}

static void
denied(
    const Access *access, const char *user, const char *task, const char *host, const char *pattern)
{
    g_autoptr(GError) error = NULL;
    const char *role = "untouched";

    g_assert_false(may(access, user, NULL, task, host, &role, &error));
    g_assert_true(g_error_matches(error, POSTERN_ERROR, POSTERN_ERROR_FORBIDDEN));
    g_assert_null(role);
    matches(error->message, pattern);
}

static void
test_open(Place *place, gconstpointer data)
{
    g_autoptr(Access) access = NULL;

    put(place, "ready.conf", "[role]\ntasks = amt.*\ncollections = all\nmembers =\n");
    access = read_roles(place);
    g_assert_true(access_is_open(access));
    allowed(access, "anybody", NULL, "dummy.ok", NULL);
}

static void
put_roles(const Place *place)
{
    put(place, "console.conf", "[role]\ntasks = amt.console.*\ncollections = all\n");
    put(place,
        "lab.conf",
        "[role]\ntasks = amt.power.*\ncollections = lab, kiosks\nmembers = bob, alice\n");
    put(place,
        "power.conf",
        "[role]\ntasks = amt.power.?et, dummy.*\ncollections = all\nmembers = alice, %helpdesk\n");
}

static void
test_verdicts(Place *place, gconstpointer data)
{
    g_autoptr(Access) access = NULL;

    put_roles(place);
    access = read_roles(place);
    g_assert_false(access_is_open(access));
    allowed(access, "alice", NULL, "amt.power.set", "power");
    allowed(access, "carol", "helpdesk", "dummy.ok", "power");
    denied(access, "helpdesk", "dummy.ok", "lab-7", "*is in no role*"); /* a user, not the group */
    denied(access,
           "mallory",
           "amt.power.set",
           "lab-7",
           "mallory may not run amt.power.set on lab-7: mallory is in no role*roles that grant "
           "it: lab, power");
    denied(access,
           "alice",
           "amt.console.open",
           "lab-7",
           "alice may not run amt.console.open on lab-7: alice has role lab, power, which does "
           "not grant it; roles that grant it: console");
    denied(access, "alice", "netfilter.apply", "lab-7", "*no role grants it*");
    denied(access,
           "bob",
           "amt.power.set",
           "lab-7",
           "bob may not run amt.power.set on lab-7: role lab grants it, but not on this target: "
           "that is in none of lab, kiosks");
}

static void
test_no_target(Place *place, gconstpointer data)
{
    g_autoptr(Access) access = NULL;
    g_autoptr(GError) error = NULL;
    const char *role = NULL;

    put_roles(place);
    access = read_roles(place);
    g_assert_true(may(access, "alice", NULL, "dummy.ok", NULL, &role, &error));
    g_assert_no_error(error);
    g_assert_cmpstr(role, ==, "power");
    denied(access, "bob", "amt.power.set", NULL, "bob may not run amt.power.set: *has no target*");
}

/* The clerk asks before each run: what it costs must not show beside one. */
static void
test_many(Place *place, gconstpointer data)
{
    static const char *const groups[] = {"one", "helpdesk", NULL};
    g_autoptr(Actor) actor = actor_new("carol", groups);
    g_autoptr(Access) access = NULL;
    gint64 began;

    put_roles(place);
    for (guint i = 0; i < 50; i++) {
        g_autofree char *file = g_strdup_printf("many-%u.conf", i);

        put(place, file, "[role]\ntasks = a.*, b.*.c, d.?\ncollections = all\nmembers = carol\n");
    }
    access = read_roles(place);
    began = g_get_monotonic_time();
    for (guint i = 0; i < 10000; i++)
        g_assert_true(access_check(access, NULL, actor, "dummy.ok", 0, "lab-7", NULL, NULL));
    g_assert_cmpint(g_get_monotonic_time() - began, <, 2 * G_USEC_PER_SEC);
}

int
main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
#define CASE(name, fn) g_test_add("/access/" name, Place, NULL, place_up, fn, place_down)
    CASE("read", test_read);
    CASE("mistakes", test_mistakes);
    CASE("names", test_names);
    CASE("others-can-write", test_others_can_write);
    CASE("problems", test_problems);
    CASE("open", test_open);
    CASE("verdicts", test_verdicts);
    CASE("no-target", test_no_target);
    CASE("many", test_many);
    g_test_add_func("/access/no-directory", test_no_directory);
    g_test_add_func("/access/actors", test_actors);
    g_test_add_func("/access/system-groups", test_system_groups);
    return g_test_run();
}
