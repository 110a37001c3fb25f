/* SPDX-License-Identifier: Apache-2.0 */
/*
 * complete.c - completion: the shell asks `postern complete-words`, which answers from the same
 * tables.
 */
#include "config.h"

#include "field.h"
#include "host.h"
#include "out.h"
#include "verbs.h"

#include <string.h>

static const char bash_function[] =
    "# bash completion for postern; install as bash-completion/completions/postern\n"
    "_postern() {\n"
    "    local line=${COMP_LINE:0:COMP_POINT} words current prefix\n"
    "    read -ra words <<<\"$line\"\n"
    "    [[ $line == *[[:space:]] ]] && words+=('')\n"
    "    current=${words[-1]}\n"
    "    mapfile -t COMPREPLY < <(\"${words[0]}\" complete-words -- \"${words[@]:1}\" "
    "2>/dev/null)\n"
    "    # bash splits words at = and :, so what stands before them must not come again\n"
    "    prefix=${current%\"${current##*[=:]}\"}\n"
    "    COMPREPLY=(\"${COMPREPLY[@]#\"$prefix\"}\")\n"
    "    if [[ ${#COMPREPLY[@]} -eq 1 && ${COMPREPLY[0]} == '@files' ]]; then\n"
    "        compopt -o default 2>/dev/null\n"
    "        COMPREPLY=()\n"
    "    elif [[ ${#COMPREPLY[@]} -eq 1 && ${COMPREPLY[0]} == *[=:] ]]; then\n"
    "        compopt -o nospace 2>/dev/null\n"
    "    fi\n"
    "}\n"
    "complete -F _postern postern";

Status
verb_completion(const Args *args)
{
    if (strcmp(args_word(args, 0), "bash") != 0) {
        complain("no completion for shell '%s': bash is the one there is", args_word(args, 0));
        return STATUS_USAGE;
    }
    out_text(bash_function);
    return STATUS_GOOD;
}

/* Offer `text` if it begins with what is typed. */
static void
offer(const char *typed, const char *text)
{
    if (g_str_has_prefix(text, typed))
        out_text(text);
}

static void
offer_strings(const char *typed, const char *before, const char *const *texts)
{
    for (guint i = 0; texts != NULL && texts[i] != NULL; i++) {
        g_autofree char *text = g_strconcat(before, texts[i], NULL);
        offer(typed, text);
    }
}

/* First or second words of verbs. */
static void
offer_verbs(const char *group, const char *typed)
{
    g_autofree char *start = group != NULL ? g_strconcat(group, " ", NULL) : g_strdup("");
    g_autofree char *last = g_strdup("");

    for (const Verb *verb = verbs; verb->name != NULL; verb++) {
        g_auto(GStrv) words = NULL;

        if (verb->summary == NULL || !g_str_has_prefix(verb->name, start))
            continue;
        words = g_strsplit(verb->name + strlen(start), " ", 2);
        if (strcmp(words[0], last) != 0)
            offer(typed, words[0]);
        g_free(last);
        last = g_strdup(words[0]);
    }
}

static void
offer_options(const Option *const *options, const char *typed)
{
    for (; *options != NULL; options++) {
        g_autofree char *text = g_strconcat("--", (*options)->name, NULL);
        offer(typed, text);
    }
}

/* ---- what the host knows ---- */

static void
offer_tasks(Host *host, const char *typed)
{
    GPtrArray *tasks = registry_tasks(host_registry(host));

    for (guint i = 0; i < tasks->len; i++)
        offer(typed, ((const TaskInfo *)g_ptr_array_index(tasks, i))->id);
}

static void
offer_credentials(Host *host, const char *typed)
{
    GPtrArray *types = registry_credential_types(host_registry(host));

    for (guint i = 0; i < types->len; i++) {
        const CredentialTypeInfo *type = g_ptr_array_index(types, i);
        g_autofree char *text = g_strconcat(type->id, ":", NULL);
        offer(typed, text);
    }
}

static const char *const *
choices_of(const FieldInfo *field)
{
    static const char *const yes_no[] = {"yes", "no", NULL};

    return strcmp(field->type, "b") == 0 ? yes_no : (const char *const *)field->choices;
}

/* "state=" and, behind the =, its choices. */
static void
offer_parameters(Host *host, const char *id, const char *typed)
{
    const TaskInfo *task = registry_task(host_registry(host), id, NULL);

    for (guint i = 0; task != NULL && i < task->params->len; i++) {
        const FieldInfo *field = g_ptr_array_index(task->params, i);
        g_autofree char *start = g_strconcat(field->name, "=", NULL);

        if (!g_str_has_prefix(typed, start))
            offer(typed, start);
        else
            offer_strings(typed, start, choices_of(field));
    }
}

static void
offer_from_host(const Args *args, const char *typed, gboolean credentials)
{
    HostOptions options = {.config_file = args->config};
    g_autoptr(Host) host = host_new(&options, NULL);
    gboolean task_is_next = args->words->len == 0;

    if (host == NULL)
        return;
    if (credentials)
        offer_credentials(host, typed);
    else if (task_is_next)
        offer_tasks(host, typed);
    else if (args->verb->run == verb_run)
        offer_parameters(host, args_word(args, 0), typed);
}

/* ---- which of them ---- */

/* The option whose value is being typed, or NULL. */
static const Option *
open_option(const Args *args, const char *before)
{
    const Option *const *lists[] = {common_options,
                                    args->verb != NULL ? args->verb->options : NULL};

    for (guint i = 0; i < G_N_ELEMENTS(lists); i++) {
        for (const Option *const *option = lists[i]; option != NULL && *option != NULL; option++) {
            gboolean is_long =
                g_str_has_prefix(before, "--") && strcmp(before + 2, (*option)->name) == 0;
            gboolean is_short = before[0] == '-' && before[1] == (*option)->letter &&
                                before[1] != '\0' && before[2] == '\0';

            if ((is_long || is_short) && (*option)->value != NULL)
                return *option;
        }
    }
    return NULL;
}

static void
offer_value(const Args *args, const Option *option, const char *typed)
{
    if (option->choices != NULL)
        offer_strings(typed, "", option->choices);
    else if (strcmp(option->value, "FILE") == 0)
        out_text("@files");
    else if (strcmp(option->name, "credential") == 0)
        offer_from_host(args, typed, TRUE);
}

static void
offer_word(const Args *args, const char *typed)
{
    if (args->verb == NULL)
        offer_verbs(args->group, typed);
    else if (args->verb->run == verb_tasks || args->verb->run == verb_task_show ||
             args->verb->run == verb_run)
        offer_from_host(args, typed, FALSE);
    else if (args->verb->run == verb_completion)
        offer(typed, "bash");
    else if (args->verb->run == verb_help)
        offer_verbs(NULL, typed);
}

/* The words are those behind the program's name; the last is being typed. What comes before is read
 * as a command line that is not finished: its complaints do not matter here. */
Status
verb_complete(const Args *args)
{
    g_autoptr(Args) typed_args = args_new();
    g_autoptr(GPtrArray) line = g_ptr_array_new_with_free_func(g_free);
    const char *typed = "", *before = "";
    const Option *option;

    g_ptr_array_add(line, g_strdup("postern"));
    for (guint i = 0; i + 1 < args->words->len; i++)
        g_ptr_array_add(line, g_strdup(g_ptr_array_index(args->words, i)));
    if (args->words->len > 0)
        typed = g_ptr_array_index(args->words, args->words->len - 1);
    if (line->len > 1)
        before = g_ptr_array_index(line, line->len - 1);
    args_parse(typed_args, (int)line->len, (char **)line->pdata, NULL);
    option = open_option(typed_args, before);
    if (option != NULL) {
        offer_value(typed_args, option, typed);
    } else if (*typed == '-') {
        offer_options(common_options, typed);
        if (typed_args->verb != NULL)
            offer_options(typed_args->verb->options, typed);
    } else {
        offer_word(typed_args, typed);
    }
    return STATUS_GOOD;
}
