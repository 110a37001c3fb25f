/* SPDX-License-Identifier: Apache-2.0 */
/* Every row of the negotiation, every rule for what a table may hold, and tables that are not what
 * they say. */
#include "config.h"

#include "descriptor.h"
#include "field.h"

#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

/* ---- a plugin that is right, to be spoilt in one place ---- */

typedef struct {
    PosternPlugin plugin;
    PosternTask task, second;
    PosternField param, output, config;
    PosternCredentialType login;
    PosternField user, password;
    const PosternTask *tasks[3];
    const PosternField *params[3], *outputs[2], *configs[2], *fields[3];
    const PosternCredentialType *types[3];
    const char *choices[3], *services[2], *depends[2];
} Tables;

static GVariant *
run_nothing(PosternRun *run, GVariant *params, gpointer self, GError **error)
{
    return g_variant_new("a{sv}", NULL);
}

static PosternField
field(const char *name, const char *type)
{
    return (PosternField){
        .size = sizeof(PosternField), .name = name, .type = type, .summary = "a value"};
}

static void
fill_task(PosternTask *task, const char *id)
{
    *task = (PosternTask){.size = sizeof *task,
                          .version = 1,
                          .id = id,
                          .summary = "does something",
                          .run = run_nothing};
}

static Tables *
new_tables(void)
{
    Tables *t = g_new0(Tables, 1);

    t->param = field("colour", "s");
    t->param.fallback = "'red'";
    t->choices[0] = "red";
    t->choices[1] = "green";
    t->param.choices = t->choices;
    t->output = field("count", "u");
    t->config = field("depth", "u");
    t->config.fallback = "3";
    t->user = field("user", "s");
    t->password = field("password", "s");
    t->password.flags = POSTERN_FIELD_SECRET | POSTERN_FIELD_REQUIRED;
    fill_task(&t->task, "odd.thing.get");
    fill_task(&t->second, "odd.ok");
    t->params[0] = &t->param;
    t->outputs[0] = &t->output;
    t->configs[0] = &t->config;
    t->fields[0] = &t->user;
    t->fields[1] = &t->password;
    t->task.params = t->params;
    t->task.outputs = t->outputs;
    t->tasks[0] = &t->task;
    t->tasks[1] = &t->second;
    t->login = (PosternCredentialType){.size = sizeof t->login,
                                       .id = "odd.login",
                                       .summary = "a login",
                                       .fields = t->fields,
                                       .login = "digest"};
    t->types[0] = &t->login;
    t->services[0] = POSTERN_SVC_RUN;
    t->depends[0] = "?task:asf.ping";
    t->plugin = (PosternPlugin){.magic = POSTERN_MAGIC,
                                .size = sizeof t->plugin,
                                .abi_major = POSTERN_ABI_MAJOR,
                                .name = "odd",
                                .version = "1.0",
                                .license = "Apache-2.0",
                                .summary = "odd things",
                                .origin = "tests",
                                .requires_services = t->services,
                                .depends = t->depends,
                                .config = t->configs,
                                .tasks = t->tasks,
                                .credential_types = t->types};
    return t;
}

static const void *
find_service(gpointer impl, const char *id)
{
    return strcmp(id, POSTERN_SVC_RUN) == 0 ? "there" : NULL;
}

static PosternHost
new_host(guint minor, guint oldest)
{
    return (PosternHost){.size = sizeof(PosternHost),
                         .abi_major = POSTERN_ABI_MAJOR,
                         .abi_minor = minor,
                         .abi_minor_oldest = oldest,
                         .name = "postern",
                         .version = "0",
                         .service = find_service};
}

static PluginInfo *
read_with(const Tables *t, guint minor, guint oldest, GError **error)
{
    PosternHost host = new_host(minor, oldest);

    return descriptor_from_tables(&t->plugin, "odd", &host, error);
}

static void
taken(const Tables *t, guint minor, guint oldest)
{
    g_autoptr(GError) error = NULL;
    g_autoptr(PluginInfo) info = read_with(t, minor, oldest, &error);

    g_assert_no_error(error);
    g_assert_cmpstr(info->name, ==, "odd");
    g_assert_cmpuint(info->tasks->len, ==, 2);
    g_assert_true(((TaskInfo *)info->tasks->pdata[0])->run == run_nothing);
}

static void
refused(const Tables *t, guint minor, guint oldest, const char *pattern)
{
    g_autoptr(GError) error = NULL;
    g_autoptr(PluginInfo) info = read_with(t, minor, oldest, &error);

    g_assert_null(info);
    g_assert_true(g_error_matches(error, POSTERN_ERROR, POSTERN_ERROR_NOT_SUPPORTED));
    if (!g_pattern_match_simple(pattern, error->message))
        g_error("expected \"%s\", got \"%s\"", pattern, error->message);
}

/* ---- the rows of the negotiation ---- */

static void
test_versions(void)
{
    g_autofree Tables *t = new_tables();

    taken(t, 0, 0);
    t->plugin.abi_major = 2;
    refused(t, 0, 0, "ABI major 2, host has 1");
    t->plugin.abi_major = 1;
    t->plugin.abi_minor = 99;
    taken(t, 0, 0);
    t->plugin.abi_minor_needed = 2;
    refused(t, 0, 0, "needs host ABI 1.2, this is 1.0*");
    taken(t, 2, 0);
    t->plugin.abi_minor = 1;
    refused(t, 5, 0, "says it needs host ABI 1.2, but was built for 1.1");
    t->plugin.abi_minor = t->plugin.abi_minor_needed = 0;
    taken(t, 5, 0);
    refused(t, 5, 1, "built for ABI 1.0, host supports from 1.1*");
}

static void
test_head(void)
{
    g_autofree Tables *t = new_tables();

    t->plugin.magic = 7;
    refused(t, 0, 0, "is no plugin table: magic is 0x00000007, expected 0x504f5354");
    t->plugin.magic = POSTERN_MAGIC;
    t->plugin.size = 20;
    refused(t, 0, 0, "its table says it has 20 bytes, the head alone has 24");
    t->plugin.size = 24;
    refused(t, 0, 0, "the plugin: its table has 24 bytes, ABI 1.0 has *");
}

static void
test_services(void)
{
    g_autofree Tables *t = new_tables();

    t->services[0] = "postern.magic/7";
    refused(t, 0, 0, "needs the service postern.magic/7, which this host does not have");
}

/* ---- mandatory members ---- */

static void
test_mandatory(void)
{
    g_autofree Tables *t = new_tables();
    const struct {
        gconstpointer *member;
        const char *pattern;
    } members[] = {
        {(gconstpointer *)&t->plugin.name, "the plugin: name is missing"},
        {(gconstpointer *)&t->plugin.version, "the plugin: version is missing"},
        {(gconstpointer *)&t->plugin.license, "the plugin: license is missing"},
        {(gconstpointer *)&t->plugin.summary, "the plugin: summary is missing"},
        {(gconstpointer *)&t->plugin.origin, "the plugin: origin is missing"},
        {(gconstpointer *)&t->task.id, "a task: id is missing"},
        {(gconstpointer *)&t->task.summary, "task 'odd.thing.get': summary is missing"},
        {(gconstpointer *)&t->task.run, "task 'odd.thing.get': run is missing"},
        {(gconstpointer *)&t->param.name, "task odd.thing.get: parameter: name is missing"},
        {(gconstpointer *)&t->param.type,
         "task odd.thing.get: parameter 'colour': type is missing"},
        {(gconstpointer *)&t->output.summary,
         "task odd.thing.get: output 'count': summary is missing"},
        {(gconstpointer *)&t->login.id, "a credential type: id is missing"},
        {(gconstpointer *)&t->login.summary, "credential type 'odd.login': summary is missing"},
    };

    for (guint i = 0; i < G_N_ELEMENTS(members); i++) {
        gconstpointer kept = *members[i].member;

        *members[i].member = NULL;
        refused(t, 0, 0, members[i].pattern);
        *members[i].member = kept;
    }
    taken(t, 0, 0);
}

/* ---- rules for what they hold ---- */

#define SPOIL(place, value, pattern)                                                               \
    G_STMT_START                                                                                   \
    {                                                                                              \
        g_autofree Tables *t = new_tables();                                                       \
        t->place = value;                                                                          \
        refused(t, 0, 0, pattern);                                                                 \
    }                                                                                              \
    G_STMT_END

static void
test_names(void)
{
    SPOIL(plugin.name, "even", "calls itself 'even', but its file is odd.so");
    SPOIL(plugin.summary, "two\nlines", "the plugin: summary holds control characters");
    SPOIL(plugin.summary, "\xff", "the plugin: summary is not valid UTF-8");
    SPOIL(plugin.summary, "", "the plugin: summary is empty");
    SPOIL(task.id, "amt.power.get", "task 'amt.power.get': its id has to start with 'odd.'");
    SPOIL(task.id, "odd", "task 'odd': an id is lower-case words*");
    SPOIL(task.id, "odd.", "task 'odd.': an id is lower-case words*");
    SPOIL(task.id, "odd..x", "task 'odd..x': an id is lower-case words*");
    SPOIL(task.id, "odd.Power", "task 'odd.Power': an id is lower-case words*");
    SPOIL(task.id, "odd.ok", "task 'odd.ok': is there twice");
    SPOIL(task.version, 0, "task 'odd.thing.get': version counts from 1, this is 0");
    SPOIL(login.id, "amt.digest", "credential type 'amt.digest': its id has to start with 'odd.'");
    SPOIL(types[1], &t->login, "credential type 'odd.login': is there twice");
    SPOIL(param.name, "Colour", "task odd.thing.get: parameter 'Colour': a name has lower-case*");
    SPOIL(params[1], &t->param, "task odd.thing.get: parameter 'colour': is there twice");
    SPOIL(depends[0], "file:/etc/passwd", "depends: 'file:/etc/passwd' is not of the form*");
}

static void
test_fields(void)
{
    SPOIL(param.type, "(", "*'colour': '(' is not a type of values");
    SPOIL(param.type, "a*", "*'colour': 'a?' is not a type of values");
    SPOIL(param.type, "h", "*'colour': 'h' is not a type of values");
    SPOIL(param.fallback, "7", "*'colour': fallback 7 is not of type 's':*");
    SPOIL(param.fallback,
          "'blue'",
          "*'colour': fallback: colour: got 'blue', expected one of: red, green*");
    SPOIL(param.flags, POSTERN_FIELD_REQUIRED, "*'colour': a required field has no fallback");
    SPOIL(param.flags, POSTERN_FIELD_SECRET, "*'colour': a secret field has no fallback");
    SPOIL(output.flags, POSTERN_FIELD_SECRET, "*output 'count': a secret cannot be in a result");
    SPOIL(output.choices, t->choices, "*'count': choices are for type 's', this is 'u'");
    SPOIL(choices[0], NULL, "*'colour': choices is an empty list");
    SPOIL(config.size, 8, "config key: its table has 8 bytes, ABI 1.0 has *");
    SPOIL(login.login, "kerberos", "*login is 'kerberos', known are 'digest' and 'basic'");
    SPOIL(fields[0], NULL, "*login needs the fields 'user' and 'password' of type 's'");
}

/* What a newer plugin brings that this host does not know is no mistake. */
static void
test_newer_values(void)
{
    g_autofree Tables *t = new_tables();
    g_autoptr(PluginInfo) info = NULL;

    t->plugin.abi_minor = 9;
    t->login.login = "kerberos";
    t->depends[0] = "?wish:anything";
    info = read_with(t, 0, 0, NULL);
    g_assert_nonnull(info);
    g_assert_null(((CredentialTypeInfo *)info->credential_types->pdata[0])->login);
}

/* ---- tables that are not what they say ---- */

/* Copies end at an inaccessible page: reading beyond the stated size ends the test. */
static gpointer
before_the_abyss(gconstpointer table, gsize size)
{
    gsize page = (gsize)sysconf(_SC_PAGESIZE);
    guint8 *pages =
        mmap(NULL, 2 * page, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

    g_assert_true(pages != MAP_FAILED);
    g_assert_cmpint(mprotect(pages + page, page, PROT_NONE), ==, 0);
    return memcpy(pages + page - size, table, size);
}

static void
test_cut(void)
{
    g_autofree Tables *t = new_tables();
    const PosternField *param = before_the_abyss(&t->param, sizeof t->param);
    const PosternTask *task;
    PosternPlugin *plugin;
    PosternHost host = new_host(7, 0);
    g_autoptr(PluginInfo) info = NULL;
    g_autoptr(GError) error = NULL;

    t->params[0] = param;
    task = before_the_abyss(&t->task, sizeof t->task);
    t->tasks[0] = task;
    plugin = before_the_abyss(&t->plugin, sizeof t->plugin);
    info = descriptor_from_tables(plugin, "odd", &host, &error);
    g_assert_no_error(error);
    plugin = before_the_abyss(&t->plugin, 24);
    plugin->size = 24;
    g_assert_null(descriptor_from_tables(plugin, "odd", &host, NULL));
}

/* A table of a newer minor: longer than ours, with things behind that we must not look at. */
static void
test_longer(void)
{
    g_autofree Tables *t = new_tables();
    struct {
        PosternPlugin known;
        gpointer more[8];
    } longer;
    PosternHost host = new_host(0, 0);
    g_autoptr(PluginInfo) info = NULL;

    memset(&longer, 0xff, sizeof longer);
    longer.known = t->plugin;
    longer.known.size = sizeof longer;
    longer.known.abi_minor = 99;
    info = descriptor_from_tables(&longer.known, "odd", &host, NULL);
    g_assert_nonnull(info);
}

static void
test_too_much(void)
{
    g_autofree Tables *t = new_tables();
    g_autofree const PosternField **many = g_new0(const PosternField *, 400);
    g_autofree PosternField *fields = g_new0(PosternField, 400);
    g_autofree char *names = g_malloc0(400 * 8);
    g_autofree char *longest = g_strnfill(100000, 'x');

    for (guint i = 0; i < 399; i++) {
        g_snprintf(names + 8 * i, 8, "f%u", i);
        fields[i] = field(names + 8 * i, "s");
        many[i] = &fields[i];
    }
    t->task.params = many;
    refused(t, 0, 0, "task odd.thing.get: parameter: more than 256");
    t->task.params = NULL;
    t->task.details = longest;
    refused(t, 0, 0, "task 'odd.thing.get': details is longer than 65536 bytes");
}

/* ---- the cache's form ---- */

static void
test_round_trip(void)
{
    g_autofree Tables *t = new_tables();
    g_autoptr(PluginInfo) info = NULL;
    g_autoptr(PluginInfo) again = NULL;
    g_autoptr(GVariant) first = NULL;
    g_autoptr(GVariant) second = NULL;
    g_autoptr(GError) error = NULL;

    t->task.rows = t->outputs;
    t->task.details = "First.\n\nSecond.";
    info = read_with(t, 0, 0, NULL);
    first = descriptor_to_variant(info);
    again = descriptor_from_variant(first, "odd", &error);
    g_assert_no_error(error);
    second = descriptor_to_variant(again);
    g_assert_true(g_variant_equal(first, second));
    g_assert_null(((TaskInfo *)again->tasks->pdata[0])->run);
    g_assert_true(((TaskInfo *)again->tasks->pdata[0])->plugin == again);
    g_assert_nonnull(((TaskInfo *)again->tasks->pdata[0])->rows);
    g_assert_null(((TaskInfo *)again->tasks->pdata[1])->rows);
    g_assert_null(descriptor_from_variant(first, "even", NULL));
}

/* Each byte of the cache changed in turn: taken or refused, never a crash. */
static void
test_damage(void)
{
    g_autofree Tables *t = new_tables();
    g_autoptr(PluginInfo) info = read_with(t, 0, 0, NULL);
    g_autoptr(GVariant) good = descriptor_to_variant(info);
    gsize length = g_variant_get_size(good);
    guint refusals = 0;

    for (gsize i = 0; i < length; i++) {
        g_autofree guint8 *bytes = g_memdup2(g_variant_get_data(good), length);
        g_autoptr(GVariant) bad = NULL;
        g_autoptr(PluginInfo) read = NULL;
        g_autoptr(GError) error = NULL;

        bytes[i] ^= 0x5a;
        bad = g_variant_ref_sink(
            g_variant_new_from_data(g_variant_get_type(good), bytes, length, FALSE, NULL, NULL));
        read = descriptor_from_variant(bad, "odd", &error);
        g_assert_true((read == NULL) == (error != NULL));
        refusals += read == NULL;
    }
    g_assert_cmpuint(refusals, >, length / 4);
}

int
main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/descriptor/versions", test_versions);
    g_test_add_func("/descriptor/head", test_head);
    g_test_add_func("/descriptor/services", test_services);
    g_test_add_func("/descriptor/mandatory", test_mandatory);
    g_test_add_func("/descriptor/names", test_names);
    g_test_add_func("/descriptor/fields", test_fields);
    g_test_add_func("/descriptor/newer-values", test_newer_values);
    g_test_add_func("/descriptor/cut", test_cut);
    g_test_add_func("/descriptor/longer", test_longer);
    g_test_add_func("/descriptor/too-much", test_too_much);
    g_test_add_func("/descriptor/round-trip", test_round_trip);
    g_test_add_func("/descriptor/damage", test_damage);
    return g_test_run();
}
