/* SPDX-License-Identifier: Apache-2.0 */
/*
 * main.c - the command `postern`.
 */
#include "config.h"

#include "crash.h"
#include "fiber.h"
#include "help.h"
#include "host-open.h"
#include "out.h"
#include "show.h"
#include "verbs.h"
#include "worker.h"

#include <postern-plugin.h>

#include <locale.h>
#include <signal.h>
#include <string.h>

static Status
usage_error(const Args *args, const GError *error)
{
    complain("%s", error->message);
    if (args->verb != NULL)
        complain("try 'postern %s --help'", args->verb->name);
    else
        complain("try 'postern --help'");
    return STATUS_USAGE;
}

/* Help on what is named so far: the program, some verbs, one verb, or the task to run. */
static Status
show_help(const Args *args)
{
    g_autofree char *text = NULL;

    if (args->verb != NULL && args->verb->run == verb_run && args->words->len > 0)
        return verb_task_show(args);
    if (args->verb != NULL)
        text = help_verb(args->verb);
    else
        text = args->group != NULL ? help_group(args->group) : help_program();
    text[strlen(text) - 1] = '\0'; /* out_text() ends the line */
    out_text(text);
    return STATUS_GOOD;
}

static Status
show_version(void)
{
    g_autofree char *text = g_strdup_printf("postern %s\nplugin interface %u.%u",
                                            PACKAGE_VERSION,
                                            POSTERN_ABI_MAJOR,
                                            POSTERN_ABI_MINOR);

    out_text(text);
    return STATUS_GOOD;
}

static Status
no_verb(const Args *args)
{
    if (args->group != NULL)
        complain("'%s' alone is no verb; try 'postern %s --help'", args->group, args->group);
    else
        complain("what is to be done? try 'postern --help'");
    return STATUS_USAGE;
}

static Status
act(Args *args, int argc, char **argv)
{
    g_autoptr(GError) error = NULL;

    if (!args_parse(args, argc, argv, &error))
        return usage_error(args, error);
    log_setup(args->verbose, args->quiet);
    if (args->help)
        return show_help(args);
    if (args->version)
        return show_version();
    return args->verb != NULL ? args->verb->run(args) : no_verb(args);
}

int
main(int argc, char **argv)
{
    g_autoptr(Args) args = NULL;
    Status status;

    host_main_hook(argc, argv);
    crash_install(worker_crash_text, fiber_in_guard);
    setlocale(LC_CTYPE, "");
    signal(SIGPIPE, SIG_IGN);
    log_setup(0, FALSE);
    args = args_new();
    status = act(args, argc, argv);
    if (!out_finish() && status == STATUS_GOOD)
        status = STATUS_SOME_FAILED;
    return (int)status;
}
