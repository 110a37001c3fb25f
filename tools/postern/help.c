/* SPDX-License-Identifier: Apache-2.0 */
#include "config.h"

#include "help.h"
#include "out.h"
#include "text.h"
#include "verbs.h"

#include <string.h>

enum { INDENT = 4 };

char *
option_syntax(const Option *option)
{
    char letter[] = {'-', option->letter, ',', ' ', '\0'};

    return g_strconcat(option->letter != 0 ? letter : "",
                       "--",
                       option->name,
                       option->value != NULL ? " " : "",
                       option->value != NULL ? option->value : "",
                       NULL);
}

static void
append_options(GString *out, const char *title, const Option *const *options)
{
    if (*options == NULL)
        return;
    g_string_append_printf(out, "\n%s:\n", title);
    for (; *options != NULL; options++) {
        g_autofree char *syntax = option_syntax(*options);

        g_string_append_printf(out, "  %s\n", syntax);
        text_wrap(out, (*options)->summary, 2 * INDENT, HELP_WIDTH);
    }
}

static void
append_verbs(GString *out, const char *prefix)
{
    for (const Verb *verb = verbs; verb->name != NULL; verb++) {
        if (verb->summary != NULL && g_str_has_prefix(verb->name, prefix))
            g_string_append_printf(out, "  %-12s%s\n", verb->name, verb->summary);
    }
}

static void
append_statuses(GString *out)
{
    g_string_append(out, "\nExit status:\n");
    for (const StatusText *text = status_texts; text->meaning != NULL; text++) {
        g_autoptr(GString) meaning = g_string_new(NULL);

        text_wrap(meaning, text->meaning, 8, HELP_WIDTH);
        g_string_append_printf(out, "  %-6d%s", text->status, meaning->str + 8);
    }
}

char *
help_program(void)
{
    GString *out = g_string_new("postern - out-of-band management of PC fleets\n\n"
                                "Usage: postern VERB [OPTION...] [WORD...]\n\nVerbs:\n");

    append_verbs(out, "");
    g_string_append(out, "\nTopics (postern help TOPIC):\n");
    for (const Topic *topic = topics; topic->name != NULL; topic++)
        g_string_append_printf(out, "  %s\n", topic->name);
    append_options(out, "Options of every verb", common_options);
    append_statuses(out);
    return g_string_free(out, FALSE);
}

char *
help_group(const char *group)
{
    GString *out = g_string_new(NULL);
    g_autofree char *prefix = g_strconcat(group, " ", NULL);

    g_string_append_printf(out, "Usage: postern %s VERB [OPTION...]\n\nVerbs:\n", group);
    append_verbs(out, prefix);
    return g_string_free(out, FALSE);
}

char *
help_verb(const Verb *verb)
{
    GString *out = g_string_new(NULL);

    g_string_append_printf(out,
                           "postern %s - %s\n\nUsage: postern %s [OPTION...] %s\n",
                           verb->name,
                           verb->summary != NULL ? verb->summary : "used by the shell",
                           verb->name,
                           verb->words);
    if (verb->details != NULL) {
        g_string_append_c(out, '\n');
        text_wrap(out, verb->details, 0, HELP_WIDTH);
    }
    append_options(out, "Options", verb->options);
    append_options(out, "Options of every verb", common_options);
    if (verb->examples != NULL)
        g_string_append(out, "\nExamples:\n");
    for (guint i = 0; verb->examples != NULL && verb->examples[i] != NULL; i++)
        g_string_append_printf(out, "  %s\n", verb->examples[i]);
    append_statuses(out);
    return g_string_free(out, FALSE);
}

/* ---- the verb ---- */

static char *
find_help(const char *name)
{
    const Verb *verb = verb_find(name);
    g_autofree char *group = g_strconcat(name, " ", NULL);

    if (verb != NULL)
        return help_verb(verb);
    for (const Topic *topic = topics; topic->name != NULL; topic++) {
        if (strcmp(topic->name, name) == 0) {
            GString *out = g_string_new(NULL);
            text_wrap(out, topic->text, 0, HELP_WIDTH);
            return g_string_free(out, FALSE);
        }
    }
    for (verb = verbs; verb->name != NULL; verb++) {
        if (g_str_has_prefix(verb->name, group))
            return help_group(name);
    }
    return NULL;
}

Status
verb_help(const Args *args)
{
    g_autofree char *name = NULL, *text = NULL;

    g_ptr_array_add(args->words, NULL);
    name = g_strjoinv(" ", (char **)args->words->pdata);
    text = *name == '\0' ? help_program() : find_help(name);
    if (text == NULL) {
        complain("there is no verb or topic '%s'; postern help lists them", name);
        return STATUS_USAGE;
    }
    text[strlen(text) - 1] = '\0'; /* out_text() ends the line */
    out_text(text);
    return STATUS_GOOD;
}
