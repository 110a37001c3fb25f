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
static const Option opt_profile = {"profile", 'p', OPTION_TEXT, PLACE(profile), 0, 0, "NAME", NULL,
    "try the logins of this credential profile before those of the default one"};
static const Option opt_machine = {"machine", 'm', OPTION_TEXT, PLACE(machine), 0, 0, "MACHINE", NULL,
    "only what concerned this machine: its name, UUID or address, or a target as it was named"};
static const Option opt_task = {"task", 0, OPTION_TEXT, PLACE(task), 0, 0, "PATTERN", NULL,
    "only tasks whose id matches, such as 'amt.power.*'"};
static const Option opt_outcome = {"outcome", 0, OPTION_TEXT, PLACE(outcome), 0, 0, "OUTCOME", NULL,
    "only runs that ended so: ok, failed, cancelled, denied, or running (no end is on record)"};
static const Option opt_actor = {"actor", 0, OPTION_TEXT, PLACE(actor), 0, 0, "USER", NULL, "only what this user did"};
static const Option opt_since = {"since", 0, OPTION_TEXT, PLACE(since), 0, 0, "TIME", NULL,
    "only what began since then: 2026-11-25, 2026-11-25T14:00, or how long ago, such as 2h or 7d"};
static const Option opt_follow = {"follow", 'f', OPTION_FLAG, PLACE(follow), 0, 0, NULL, NULL,
    "go on showing what comes, until Ctrl-C"};
static const Option opt_effective = {"effective", 0, OPTION_FLAG, PLACE(effective), 0, 0, NULL, NULL,
    "with all defaults, instead of only what the files say"};
static const Option opt_again = {"again", 0, OPTION_FLAG, PLACE(again), 0, 0, NULL, NULL,
    "also try logins that the device refused within the last hour; it counts them against a lock-out"};
static const Option opt_yes = {"yes", 'y', OPTION_FLAG, PLACE(yes), 0, 0, NULL, NULL,
    "do not ask before a disruptive task"};

const Option *const common_options[] = {&opt_config, &opt_verbose, &opt_quiet, &opt_help, &opt_version, NULL};
static const Option *const no_options[] = {NULL};
static const Option *const output_options[] = {&opt_output, NULL};
static const Option *const list_options[] = {&opt_output, &opt_refresh, NULL};
static const Option *const run_options[] = {
    &opt_file, &opt_credential, &opt_profile, &opt_output, &opt_max_parallel, &opt_rate, &opt_timeout, &opt_total_timeout,
    &opt_retries, &opt_record, &opt_replay, &opt_yes, NULL};

static const Option *const probe_options[] = {
    &opt_file, &opt_credential, &opt_profile, &opt_output, &opt_max_parallel, &opt_rate, &opt_timeout, &opt_total_timeout, NULL};
static const Option *const test_options[] = {&opt_credential, &opt_profile, &opt_output, &opt_timeout, &opt_again, NULL};
static const Option *const log_options[] = {
    &opt_machine, &opt_task, &opt_outcome, &opt_actor, &opt_since, &opt_follow, &opt_output, NULL};
static const Option *const show_options[] = {&opt_effective, &opt_output, NULL};
static const Option *const yes_options[] = {&opt_yes, NULL};

static const char *const machine_list_examples[] = {
    "postern machine list", "postern machine list 'amt.version >= 12 and power = off and not tag:lab'",
    "postern machine list @lab -o csv", NULL};
static const char *const machine_add_examples[] = {
    "postern machine add lab-7 fqdn=lab-7.example.org mac=00:11:22:33:44:55 tag=lab", NULL};
static const char *const machine_import_examples[] = {
    "postern machine import fleet.csv", "postern machine export | postern --config other.conf machine import -", NULL};
static const char *const collection_save_examples[] = {
    "postern collection save old query='amt.version < 12 and seen < 30d'",
    "postern collection save kiosks kiosk-1 kiosk-2 10.7.0.0/28 @lobby", NULL};
static const char *const collection_test_examples[] = {
    "postern collection test 'power = off and not @kiosks'", "postern collection test @old lab-7", NULL};
static const char *const credential_add_examples[] = {
    "postern credential add lab amt.digest:user=admin,password=@/root/amt.pw",
    "postern credential add lab amt.digest     # asks for user and password", NULL};
static const char *const credential_test_examples[] = {"postern credential test lab-7", NULL};
static const char *const credential_export_examples[] = {
    "postern credential export profiles.json passphrase=@/root/passphrase",
    "postern credential import profiles.json passphrase=@/root/passphrase", NULL};
static const char *const access_examples[] = {"postern access check alice amt.power.set lab-7", NULL};
static const char *const log_examples[] = {
    "postern log --since 2h --outcome failed", "postern log --machine lab-7 --task 'amt.power.*' -o jsonl",
    "postern log --follow", NULL};
static const char *const diagnose_examples[] = {"postern diagnose lab-7", "postern diagnose @lab -o jsonl",
    "postern diagnose -c amt.digest:user=admin,password=@/etc/postern/amt.pw 10.0.0.0/24", NULL};
static const char *const config_examples[] = {"postern config check", "postern config show --effective", NULL};
static const char *const template_examples[] = {"postern config template amt > /etc/postern/plugins.d/amt.conf", NULL};
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
    {"diagnose", "TARGET...", 1, G_MAXINT, "find the first broken link between here and a machine's management",
     "Name, ports, technology, TLS, certificate, clock, logins, rights, power, redirection: what was found, what was "
     "expected, and what to do about the first link that is broken. Runs every probe of the enabled plugins; logs in, and "
     "changes nothing. Several targets are summed up by cause. The exit status is 1 when one of them is broken.",
     probe_options, diagnose_examples, verb_diagnose},
    {"machine list", "[QUERY|@COLLECTION]", 0, 1, "list the machines that are known",
     "postern help queries says how to ask.", output_options, machine_list_examples, verb_machine_list},
    {"machine show", "MACHINE", 1, 1, "all that is known of a machine, and since when", NULL,
     output_options, NULL, verb_machine_show},
    {"machine add", "NAME [uuid=UUID] [fqdn=NAME] [mac=MAC] [address=ADDRESS] [tag=WORD] ...", 1, G_MAXINT,
     "write down a machine, or more about one", NULL, no_options, machine_add_examples, verb_machine_add},
    {"machine import", "FILE", 1, 1, "read machines from a CSV file (-: standard input)",
     "The first line names the columns: name, uuid, fqdn, mac, address, tag; others are facts. Several values in "
     "one cell are parted by blanks. Nothing is taken in when a line is wrong.",
     no_options, machine_import_examples, verb_machine_import},
    {"machine export", "[QUERY|@COLLECTION]", 0, 1, "write machines as CSV that import reads", NULL,
     no_options, NULL, verb_machine_export},
    {"machine tag", "TAG MACHINE...", 2, G_MAXINT, "mark machines with a word, for queries (tag:WORD)", NULL,
     no_options, NULL, verb_machine_tag},
    {"machine untag", "TAG MACHINE...", 2, G_MAXINT, "take such a mark away", NULL, no_options, NULL, verb_machine_untag},
    {"machine merge", "KEEP OTHER", 2, 2, "make one record of two that are the same machine", NULL,
     yes_options, NULL, verb_machine_merge},
    {"machine forget", "MACHINE...", 1, G_MAXINT, "remove a machine and what is known of it", NULL,
     yes_options, NULL, verb_machine_forget},
    {"collection list", "", 0, 0, "list the collections", NULL, output_options, NULL, verb_collection_list},
    {"collection show", "NAME", 1, 1, "its query or list, and the machines in it now", NULL,
     output_options, NULL, verb_collection_show},
    {"collection save", "NAME query=QUERY | NAME TARGET...", 2, G_MAXINT, "make or replace a collection",
     "@NAME then stands for its machines wherever a target does. postern help queries says how to ask.",
     no_options, collection_save_examples, verb_collection_save},
    {"collection test", "QUERY|@COLLECTION [TARGET...]", 1, G_MAXINT, "try a query before it is saved",
     "Shows how the query is read and which machines it finds; with targets, whether it finds those.",
     output_options, collection_test_examples, verb_collection_test},
    {"collection remove", "NAME", 1, 1, "remove a collection; its machines stay", NULL,
     no_options, NULL, verb_collection_remove},
    {"credential list", "", 0, 0, "list the credential profiles", NULL, output_options, NULL, verb_credential_list},
    {"credential show", "PROFILE", 1, 1, "the logins of a profile, without their secrets, and how they fared", NULL,
     output_options, NULL, verb_credential_show},
    {"credential add", "PROFILE TYPE[:FIELD=VALUE,...]", 2, 2, "add a login to a profile, which is made if need be",
     "Secrets are given as FIELD=@FILE, env:NAME or fd:N, or asked for. postern help credentials says in which order "
     "logins are tried.", no_options, credential_add_examples, verb_credential_add},
    {"credential rotate", "PROFILE TYPE[:FIELD=VALUE,...]", 2, 2, "replace fields of a login, such as its password", NULL,
     no_options, NULL, verb_credential_rotate},
    {"credential default", "PROFILE", 1, 1, "use this profile where none is named", NULL,
     no_options, NULL, verb_credential_default},
    {"credential test", "TARGET", 1, 1, "try the logins on a machine in order, and show what becomes of each", NULL,
     test_options, credential_test_examples, verb_credential_test},
    {"credential remove", "PROFILE [TYPE]", 1, 2, "remove a profile, or one login of it", NULL,
     yes_options, NULL, verb_credential_remove},
    {"credential export", "FILE passphrase=@FILE", 1, 2, "write all profiles to a file, sealed with a passphrase",
     "Without passphrase=@FILE, env:NAME or fd:N it is asked for.", no_options, credential_export_examples, verb_credential_export},
    {"credential import", "FILE passphrase=@FILE", 1, 2, "read profiles that were exported",
     "Profiles that are there already are not changed; nothing is taken in when one is.",
     no_options, credential_export_examples, verb_credential_import},
    {"access check", "USER TASK TARGET", 3, 3, "say whether a user may run a task on a target, and why",
     "USER need not be known to the system; the groups of one who is are asked for. TARGET may be a range or @NAME: then "
     "each target has its verdict. The exit status is 0 if all are allowed, 1 if one is denied.",
     output_options, access_examples, verb_access_check},
    {"access list", "", 0, 0, "list the roles and who is in them",
     "A role is a file in roles.d beside postern.conf. While none has members, whoever can open the store may run every "
     "task; as soon as one has, nobody may run what no role of theirs grants.", output_options, NULL, verb_access_list},
    {"log", "", 0, 0, "what was done: every run, by whom, on what, and how it ended",
     "The journal has a row before and a row behind each run; nothing runs when it cannot be written.",
     log_options, log_examples, verb_log},
    {"log verify", "[SEQ:HASH]", 0, 1, "check that no row of the journal was changed or removed",
     "Prints the last row's number and hash. Kept elsewhere and given the next time, they prove that nobody has "
     "rewritten the journal up to there.", output_options, NULL, verb_log_verify},
    {"log purge", "", 0, 0, "remove what the journal keeps longer than the configuration says",
     "This also happens by itself, while runs go on.", no_options, NULL, verb_log_purge},
    {"config check", "", 0, 0, "check every configuration file",
     "One line for each: ok, problem or warning. Also checks that the fleet's memory and its key can be opened; makes "
     "neither. The exit status is 0 if there is no problem, else 3.", no_options, config_examples, verb_config_check},
    {"config show", "", 0, 0, "show the configuration, and where each value comes from", NULL,
     show_options, config_examples, verb_config_show},
    {"config template", "[PLUGIN]", 0, 1, "print a commented configuration file",
     "postern.conf, or the file of PLUGIN in plugins.d, with every key, what it means and its default. All keys are "
     "commented out.", no_options, template_examples, verb_config_template},
    {"store backup", "FILE", 1, 1, "copy the fleet's memory while it is in use",
     "The key that seals secrets is not in it: keep a copy of that elsewhere.", no_options, NULL, verb_store_backup},
    {"store check", "", 0, 0, "check that the fleet's memory is sound", NULL, no_options, NULL, verb_store_check},
    {"store rekey", "", 0, 0, "seal all stored secrets with a new key",
     "The key file is replaced; its old content stays beside it, for backups, until you remove it.",
     yes_options, NULL, verb_store_rekey},
    {"explain", "[WORD]", 0, 1, "say what an error, a cause in a diagnosis, an outcome, a plugin state or an exit status means", NULL,
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
     "A target is a name, a UUID or an address, each with an optional :PORT (an IPv6 address with a port in brackets), a "
     "network such as 10.0.0.0/24, or a range such as 10.0.0.1-10.0.0.99 or 10.0.0.1-99, "
     "or @NAME for the machines of a collection (@all: every known one). Names and UUIDs of known machines stand for "
     "their FQDN, or else for the address at which they were seen last. "
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
     "FIELD=env:VARIABLE or FIELD=fd:NUMBER. Several credentials are tried in the order given. "
     "Behind them come, each once: the logins known to work on that machine, latest first; the profile named with "
     "--profile; the default profile (postern credential). A login that a machine refused is not sent to it again "
     "within an hour, unless it was changed, because machines lock accounts. When a task can log in, "
     "none is given or stored and there is a terminal, the command asks for one."},
    {"queries", "Queries",
     "A query finds machines by what is known of them: amt.version >= 12 and power = off and not tag:lab. "
     "Comparisons are FACT = != < <= > >= VALUE, FACT ~ PATTERN with * and ?, and FACT in (VALUE, VALUE); a FACT alone asks "
     "whether it is known; tag:WORD and @COLLECTION stand by themselves; and, or, not and brackets join them. "
     "Facts are name, uuid, mac, fqdn, address (also in 10.0.0.0/8), seen (how long ago: seen < 7d), and what tasks "
     "reported, as postern machine show lists it. Numbers and versions compare as such. A machine of which a fact is "
     "not known is found by no comparison with it, not even !=."},
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
