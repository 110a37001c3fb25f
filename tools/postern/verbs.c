/* SPDX-License-Identifier: Apache-2.0 */
#include "config.h"

#include "verbs.h"

#define PLACE(member) G_STRUCT_OFFSET(Args, member)

static const char *const formats[] = {"table", "json", "jsonl", "csv", NULL};

/* clang-format off */
static const Option opt_config = {"config", 0, OPTION_TEXT, PLACE(config), 0, 0, "FILE", NULL,
    "read this postern.conf, and the directory plugins.d beside it, instead of the installed ones"};
static const Option opt_verbose = {"verbose", 'v', OPTION_COUNT, PLACE(verbose), 0, 0, NULL, NULL,
    "show the log on standard error; twice: details for developers too"};
static const Option opt_quiet = {"quiet", 'q', OPTION_FLAG, PLACE(quiet), 0, 0, NULL, NULL,
    "no progress and no summary on standard error, only errors"};
static const Option opt_help = {"help", 'h', OPTION_FLAG, PLACE(help), 0, 0, NULL, NULL,
    "show help for what is named so far"};
static const Option opt_version = {"version", 0, OPTION_FLAG, PLACE(version), 0, 0, NULL, NULL,
    "show the version of the program and of the plugin interface"};
static const Option opt_output = {"output", 'o', OPTION_CHOICE, PLACE(output), 0, 0, "FORMAT", formats,
    "how to write results: table (default), json (one array), jsonl (an object a line) or csv"};
static const Option opt_refresh = {"refresh", 0, OPTION_FLAG, PLACE(refresh), 0, 0, NULL, NULL,
    "look at every plugin anew instead of trusting the cache"};
static const Option opt_file = {"file", 'f', OPTION_LIST, PLACE(files), 0, 0, "FILE", NULL,
    "read targets from FILE, one on each line; may be repeated"};
static const Option opt_credential = {"credential", 'c', OPTION_LIST, PLACE(credentials), 0, 0, "TYPE:FIELD=VALUE,...", NULL,
    "a login to use; secrets as FIELD=@FILE, env:NAME or fd:N, never as plain text; may be repeated"};
static const Option opt_max_parallel = {"max-parallel", 'P', OPTION_NUMBER, PLACE(max_parallel), 1, 4096, "N", NULL,
    "at most N targets at a time"};
static const Option opt_rate = {"rate", 0, OPTION_RATE, PLACE(rate), 0, 0, "N/s", NULL,
    "start no more than N runs a second (/m: a minute, /h: an hour)"};
static const Option opt_timeout = {"timeout", 't', OPTION_DURATION, PLACE(timeout_ms), 0, 0, "TIME", NULL,
    "how long one target may take, such as 30s, 500ms or 2m"};
static const Option opt_total_timeout = {"total-timeout", 0, OPTION_DURATION, PLACE(total_timeout_ms), 0, 0, "TIME", NULL,
    "how long everything may take; then the rest is cancelled"};
static const Option opt_retries = {"retries", 0, OPTION_NUMBER, PLACE(retries), 0, 10, "N", NULL,
    "try again N times after transport errors; only tasks that are read-only or idempotent"};
static const Option opt_record = {"record", 0, OPTION_TEXT, PLACE(record), 0, 0, "FILE", NULL,
    "write all traffic to FILE, without secrets"};
static const Option opt_replay = {"replay", 0, OPTION_TEXT, PLACE(replay), 0, 0, "FILE", NULL,
    "answer from a recording instead of the network"};
static const Option opt_yes = {"yes", 'y', OPTION_FLAG, PLACE(yes), 0, 0, NULL, NULL,
    "do not ask before a disruptive task"};

const Option *const common_options[] = {&opt_config, &opt_verbose, &opt_quiet, &opt_help, &opt_version, NULL};
static const Option *const no_options[] = {NULL};
static const Option *const output_options[] = {&opt_output, NULL};
static const Option *const list_options[] = {&opt_output, &opt_refresh, NULL};
static const Option *const run_options[] = {
    &opt_file, &opt_credential, &opt_output, &opt_max_parallel, &opt_rate, &opt_timeout, &opt_total_timeout,
    &opt_retries, &opt_record, &opt_replay, &opt_yes, NULL};

static const char *const plugins_examples[] = {"postern plugins", "postern plugins -o json", NULL};
static const char *const tasks_examples[] = {"postern tasks", "postern tasks 'amt.power.*'", "postern tasks inventory", NULL};
static const char *const show_examples[] = {"postern task show amt.power.set", NULL};
static const char *const run_examples[] = {
    "postern run amt.identify 10.0.0.0/24",
    "postern run amt.power.get -c amt.digest:user=admin,password=@/etc/postern/amt.pw lab-7 lab-8",
    "postern run amt.power.set state=on -f lab.txt --rate 20/s --yes",
    "generate-list | postern run amt.inventory.get - -o jsonl > inventory.jsonl",
    NULL};
static const char *const explain_examples[] = {"postern explain", "postern explain not-detected", NULL};
static const char *const completion_examples[] = {"source <(postern completion bash)", NULL};

const Verb verbs[] = {
    {"plugins", "", 0, 0, "list the plugins, their state and the reason for it",
     "A plugin is used when it lies in a plugin directory, the file plugins.d/NAME.conf enables it and nothing "
     "speaks against it. What the states mean: postern explain.",
     list_options, plugins_examples, verb_plugins},
    {"tasks", "[PATTERN]", 0, 1, "list the tasks of the enabled plugins",
     "PATTERN with * or ? must match the whole id; without them it may stand anywhere in the id.",
     list_options, tasks_examples, verb_tasks},
    {"task show", "TASK", 1, 1, "describe one task: what it takes, returns and needs", NULL,
     output_options, show_examples, verb_task_show},
    {"run", "TASK [NAME=VALUE ...] TARGET...", 1, G_MAXINT, "run a task on targets",
     "Each target ends in exactly one outcome (ok, failed, cancelled or skipped), written as it comes. A summary by "
     "cause follows on standard error. The first Ctrl-C cancels what is in flight and reports what had been "
     "done; the second ends at once. postern run TASK --help describes the task.",
     run_options, run_examples, verb_run},
    {"explain", "[WORD]", 0, 1, "say what an error, an outcome, a plugin state or an exit status means", NULL,
     output_options, explain_examples, verb_explain},
    {"completion", "bash", 1, 1, "print the completion function for a shell", NULL,
     no_options, completion_examples, verb_completion},
    {"man", "", 0, 0, "print the manual page", NULL, no_options, NULL, verb_man},
    {"help", "[VERB|TOPIC]", 0, 2, "show help for a verb or a topic", NULL, no_options, NULL, verb_help},
    {"complete-words", "[WORD...]", 0, G_MAXINT, NULL, NULL, no_options, NULL, verb_complete},
    {NULL},
};

const Topic topics[] = {
    {"targets", "Targets",
     "A target is a name or an address, each with an optional :PORT (an IPv6 address with a port in brackets), a "
     "network such as 10.0.0.0/24, or a range such as 10.0.0.1-10.0.0.99 or 10.0.0.1-99. "
     "-f FILE reads them from a file, - from standard input: one on each line, # begins a comment. Lists are read "
     "while they are worked on, so they may be of any length. A target named twice is worked on twice."},
    {"parameters", "Parameters",
     "NAME=VALUE before or between the targets sets a parameter of the task; postern task show TASK lists them. "
     "NAME=@FILE takes the value from a file; a value that begins with @ itself is written with @@. A secret "
     "parameter is never given as plain text, because others can read the command line: NAME=@FILE (its first "
     "line), NAME=env:VARIABLE or NAME=fd:NUMBER."},
    {"credentials", "Credentials",
     "--credential TYPE:FIELD=VALUE,FIELD=VALUE gives a login; postern task show TASK names the types a task can "
     "use. Secret fields are given as FIELD=@FILE (its first line; the file must not be readable by others), "
     "FIELD=env:VARIABLE or FIELD=fd:NUMBER. Several credentials are tried in the order given. When a task can log in, "
     "none is given and there is a terminal, the command asks for one."},
    {"output", "Output",
     "table is for people. jsonl prints one object a line as each target ends: "
     "{\"target\":...,\"task\":...,\"outcome\":\"ok\",\"result\":{...},\"attempts\":1,\"elapsed_ms\":12}, or with outcome failed, "
     "cancelled or skipped {...,\"error\":{\"code\":\"auth\",\"message\":...,\"hint\":...}}, where error may hold further "
     "fields from the device. Tasks with partial results also print {\"target\":...,\"task\":...,\"row\":{...}}. json is the "
     "same as one array. csv has a header line, quotes as RFC 4180 asks, and puts ' before text that a "
     "spreadsheet would take for a formula. Messages, progress and the summary go to standard error, progress only if that is "
     "a terminal."},
    {NULL},
};

const StatusText status_texts[] = {
    {STATUS_GOOD, "all targets ended in ok"},
    {STATUS_SOME_FAILED, "some targets failed, were cancelled or skipped, or a line of a list was no target"},
    {STATUS_USAGE, "the command line is wrong: verb, option, task, parameter or target; nothing was run"},
    {STATUS_CONFIG, "the configuration, a plugin or the system does not allow to begin; nothing was run"},
    {STATUS_REFUSED, "refused: a disruptive task without --yes and without a terminal to ask on, or the answer was no; nothing was run"},
    {STATUS_INTERRUPTED, "ended at once by a second Ctrl-C or SIGTERM"},
    {STATUS_GOOD, NULL},
};
/* clang-format on */
