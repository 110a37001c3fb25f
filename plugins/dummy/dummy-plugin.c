/* SPDX-License-Identifier: Apache-2.0 */

/*
 * dummy-plugin.c - the tables of a plugin for trying things out: what a host says to each virtue and sin.
 */
#include "dummy.h"

/* clang-format off */
#define FIELD(name, type, flags, fallback, summary)                                                \
    {sizeof(PosternField), flags, name, type, NULL, fallback, NULL, summary}
#define LIST(name, ...) static const PosternField *const name[] = {__VA_ARGS__, NULL}

static const PosternField p_ms = FIELD("ms", "u", 0, "1000", "how long, in milliseconds");
static const PosternField p_count = FIELD("count", "u", 0, "10", "how many");
static const PosternField p_times = FIELD("times", "u", 0, "1", "how often it fails on each target before it works");
static const PosternField p_code = FIELD("code", "u", 0, "0", "number of the error, as in postern-plugin.h");
static const PosternField p_message = FIELD("message", "s", 0, "'failed as asked'", "text of the error");
static const PosternField p_text = FIELD("text", "s", POSTERN_FIELD_REQUIRED, NULL, "a text");
static const PosternField p_flag = FIELD("flag", "b", 0, "false", "yes or no");
static const PosternField p_number = FIELD("number", "u", 0, "7", "a number");
static const PosternField p_signed = FIELD("signed", "x", 0, NULL, "a number that may be negative");
static const PosternField p_real = FIELD("real", "d", 0, NULL, "a number with a fraction");
static const PosternField p_list = FIELD("list", "as", 0, NULL, "several texts");
static const PosternField p_secret = FIELD("secret", "s", POSTERN_FIELD_SECRET, NULL, "a text that must not be seen");
static const char *const colours[] = {"red", "green", "blue", NULL};
static const PosternField p_colour = {sizeof p_colour, 0, "colour", "s", NULL, "'green'", colours, "one of three"};
static const char *const ways[] = {"segv", "abort", "overflow", NULL};
static const PosternField p_how = {sizeof p_how, 0, "how", "s", NULL, "'segv'", ways, "in which way"};
static const PosternField p_task = FIELD("task", "s", 0, "'dummy.ok'", "the task to run as a child");
static const PosternField p_target = FIELD("target", "s", 0, NULL, "another target for it");
static const PosternField p_params = FIELD("params", "a{sv}", 0, NULL, "its parameters");

static const PosternField o_text = FIELD("text", "s", 0, NULL, "a greeting");
static const PosternField o_slept = FIELD("slept-ms", "u", 0, NULL, "how long it slept");
static const PosternField o_failures = FIELD("failures", "u", 0, NULL, "how often it failed before");
static const PosternField o_count = FIELD("count", "u", 0, NULL, "how many rows it handed out");
static const PosternField o_number = FIELD("number", "u", 0, NULL, "a number");
static const PosternField o_result = FIELD("result", "a{sv}", 0, NULL, "what the child returned");
static const PosternField o_sum = FIELD("sum", "u", 0, NULL, "sum of the numbers of all strands");
static const PosternField o_user = FIELD("user", "s", 0, NULL, "who was let in");

LIST(ms_params, &p_ms);
LIST(count_params, &p_count);
LIST(times_params, &p_times);
LIST(fail_params, &p_code, &p_message);
LIST(echo_params, &p_text, &p_flag, &p_number, &p_signed, &p_real, &p_list, &p_colour, &p_secret);
LIST(echo_outputs, &p_text, &p_flag, &p_number, &p_signed, &p_real, &p_list, &p_colour);
LIST(crash_params, &p_how);
LIST(child_params, &p_task, &p_target, &p_params);
LIST(text_outputs, &o_text);
LIST(slept_outputs, &o_slept);
LIST(failures_outputs, &o_failures);
LIST(count_outputs, &o_count);
LIST(number_outputs, &o_number);
LIST(result_outputs, &o_result);
LIST(sum_outputs, &o_sum);
LIST(user_outputs, &o_user);

static const char *const login_types[] = {"dummy.login", NULL};

enum { CALM = POSTERN_TASK_READ_ONLY | POSTERN_TASK_IDEMPOTENT };

#define TASK(variable, name, mark, words, ...)                                                     \
    static const PosternTask variable = {.size = sizeof variable, .flags = mark, .version = 1,     \
                                         .id = "dummy." name, .summary = words, __VA_ARGS__}
TASK(t_ok, "ok", CALM, "succeed at once", .outputs = text_outputs, .run = dummy_ok);
TASK(t_echo, "echo", CALM, "return the parameters as the host understood them",
     .params = echo_params, .outputs = echo_outputs, .run = dummy_echo);
TASK(t_fail, "fail", POSTERN_TASK_READ_ONLY, "fail with the error asked for", .params = fail_params, .run = dummy_fail);
TASK(t_sleep, "sleep", CALM, "wait as a task should, with progress",
     .params = ms_params, .outputs = slept_outputs, .run = dummy_sleep);
TASK(t_flaky, "flaky", CALM, "fail as an unreachable machine does, then work",
     .params = times_params, .outputs = failures_outputs, .run = dummy_flaky);
TASK(t_flaky_once, "flaky-once", POSTERN_TASK_DISRUPTIVE, "the same, but it may not be repeated",
     .params = times_params, .outputs = failures_outputs, .run = dummy_flaky);
TASK(t_rows, "rows", CALM, "hand out rows as they come",
     .params = count_params, .outputs = count_outputs, .rows = number_outputs, .run = dummy_rows);
TASK(t_child, "child", CALM, "run another task as a child",
     .params = child_params, .outputs = result_outputs, .run = dummy_child);
TASK(t_thread, "thread", CALM, "block, where blocking is allowed",
     .params = ms_params, .outputs = slept_outputs, .run = dummy_thread);
TASK(t_strands, "strands", CALM, "work on several stacks at a time",
     .params = count_params, .outputs = sum_outputs, .run = dummy_strands);
TASK(t_login, "login.check", CALM, "try each credential: a password must be the name of its user backwards",
     .outputs = user_outputs, .credentials = login_types, .run = dummy_login);
TASK(t_spin, "spin", CALM, "sin: block the worker", .params = ms_params, .run = dummy_spin);
TASK(t_crash, "crash", POSTERN_TASK_READ_ONLY, "sin: crash", .params = crash_params, .run = dummy_crash);
TASK(t_wrong, "wrong-type", CALM, "sin: return another type than documented",
     .outputs = number_outputs, .run = dummy_wrong_type);
TASK(t_unknown, "unknown-output", CALM, "sin: return something that is not documented",
     .outputs = number_outputs, .run = dummy_unknown_output);
TASK(t_silent, "silent-failure", CALM, "sin: fail without saying why", .run = dummy_silent_failure);

static const PosternTask *const tasks[] = {
    &t_ok, &t_echo, &t_fail, &t_sleep, &t_flaky, &t_flaky_once, &t_rows, &t_child, &t_thread, &t_strands, &t_login,
    &t_spin, &t_crash, &t_wrong, &t_unknown, &t_silent, NULL};

static const PosternField l_user = FIELD("user", "s", 0, "'guest'", "who");
static const PosternField l_password = FIELD("password", "s", POSTERN_FIELD_REQUIRED | POSTERN_FIELD_SECRET, NULL,
                                             "the name of the user backwards");
LIST(login_fields, &l_user, &l_password);
static const PosternCredentialType login = {
    .size = sizeof login, .id = "dummy.login", .summary = "a login that needs no device", .fields = login_fields};
static const PosternCredentialType *const credential_types[] = {&login, NULL};

static const PosternField c_greeting = FIELD("greeting", "s", 0, "'hello'", "what dummy.ok says");
static const PosternField c_depth = FIELD("depth", "u", 0, "3", "a number, to try out configuration errors");
static const PosternField c_loud = FIELD("loud", "b", 0, "false", "yes or no, for the same");
LIST(config, &c_greeting, &c_depth, &c_loud);
/* clang-format on */

static gpointer
dummy_create(const PosternHost *host, GVariant *values, GError **error)
{
    Dummy *dummy = g_new0(Dummy, 1);

    dummy->run = host->service(host->impl, POSTERN_SVC_RUN);
    dummy->tasks = host->service(host->impl, POSTERN_SVC_TASKS);
    dummy->credentials = host->service(host->impl, POSTERN_SVC_CREDENTIALS);
    dummy->failures = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, NULL);
    g_mutex_init(&dummy->lock);
    g_variant_lookup(values, "greeting", "s", &dummy->greeting);
    return dummy;
}

static void
dummy_destroy(gpointer self)
{
    Dummy *dummy = self;

    g_hash_table_unref(dummy->failures);
    g_mutex_clear(&dummy->lock);
    g_free(dummy->greeting);
    g_free(dummy);
}

static const char *const services[] = {
    POSTERN_SVC_RUN, POSTERN_SVC_TASKS, POSTERN_SVC_CREDENTIALS, NULL};

static const PosternPlugin plugin = {
    .magic = POSTERN_MAGIC,
    .size = sizeof plugin,
    .abi_major = POSTERN_ABI_MAJOR,
    .abi_minor = POSTERN_ABI_MINOR,
    .abi_minor_needed = 0,
    .name = "dummy",
    .version = "1.0.0",
    .license = "Apache-2.0",
    .summary = "tasks for trying things out: virtues and sins",
    .origin = "postern",
    .requires_services = services,
    .config = config,
    .tasks = tasks,
    .credential_types = credential_types,
    .create = dummy_create,
    .destroy = dummy_destroy,
};

POSTERN_PLUGIN(dummy)
{
    return &plugin;
}
