/* SPDX-License-Identifier: Apache-2.0 */
#include "config.h"

#include "help.h"
#include "out.h"
#include "verbs.h"

#include <string.h>

/* Text for troff: no backslash, hyphen or leading dot means anything there. */
static void
plain(GString *out, const char *text)
{
    if (*text == '.' || *text == '\'')
        g_string_append(out, "\\&");
    for (; *text != '\0'; text++) {
        if (*text == '\\')
            g_string_append(out, "\\e");
        else if (*text == '-')
            g_string_append(out, "\\-");
        else
            g_string_append_c(out, *text);
    }
}

static void
paragraph(GString *out, const char *macro, const char *text)
{
    g_string_append_printf(out, "%s\n", macro);
    plain(out, text);
    g_string_append_c(out, '\n');
}

static void
term(GString *out, const char *name, const char *meaning)
{
    g_string_append(out, ".TP\n.B ");
    plain(out, name);
    g_string_append_c(out, '\n');
    plain(out, meaning);
    g_string_append_c(out, '\n');
}

static void
section(GString *out, const char *title)
{
    g_autofree char *upper = g_ascii_strup(title, -1);

    g_string_append_printf(out, ".SH \"%s\"\n", upper);
}

static void
options(GString *out, const Option *const *list)
{
    for (; *list != NULL; list++) {
        g_autofree char *syntax = option_syntax(*list);
        term(out, syntax, (*list)->summary);
    }
}

static void
verb_section(GString *out, const Verb *verb)
{
    g_autofree char *usage =
        g_strconcat("postern ", verb->name, " [OPTION...] ", verb->words, NULL);
    g_autofree char *title = g_strconcat(verb->summary, ".", NULL);

    g_string_append(out, ".SS ");
    plain(out, usage);
    g_string_append_c(out, '\n');
    *title = g_ascii_toupper(*title);
    plain(out, title);
    g_string_append_c(out, '\n');
    if (verb->details != NULL)
        paragraph(out, ".PP", verb->details);
    options(out, verb->options);
}

static void
files(GString *out)
{
    section(out, "files");
    term(out, CONFDIR "/postern.conf", "settings of the host: plugin path, limits, time-outs");
    term(out, CONFDIR "/plugins.d/NAME.conf", "enables plugin NAME and configures it");
    term(out, CONFDIR "/roles.d/NAME.conf", "who may run which tasks on which machines");
    term(out, PLUGINDIR "/NAME.so", "a plugin");
}

static void
examples(GString *out)
{
    section(out, "examples");
    for (const Verb *verb = verbs; verb->name != NULL; verb++) {
        for (guint i = 0; verb->examples != NULL && verb->examples[i] != NULL; i++)
            paragraph(out, ".PP\n.nf", verb->examples[i]);
    }
    g_string_append(out, ".fi\n");
}

static void
statuses(GString *out)
{
    section(out, "exit status");
    for (const StatusText *text = status_texts; text->meaning != NULL; text++) {
        g_autofree char *number = g_strdup_printf("%d", text->status);
        term(out, number, text->meaning);
    }
}

static char *
man_page(void)
{
    GString *out =
        g_string_new(".TH POSTERN 1 \"\" \"postern " PACKAGE_VERSION "\" \"User Commands\"\n");

    section(out, "name");
    plain(out, "postern - out-of-band management of PC fleets");
    g_string_append_c(out, '\n');
    section(out, "synopsis");
    plain(out, "postern VERB [OPTION...] [WORD...]");
    g_string_append_c(out, '\n');
    section(out, "description");
    plain(out,
          "postern runs tasks of plugins on machines, whether those are on, off or broken: power, "
          "inventory "
          "and whatever else their firmware offers.");
    g_string_append_c(out, '\n');
    section(out, "verbs");
    for (const Verb *verb = verbs; verb->name != NULL; verb++) {
        if (verb->summary != NULL)
            verb_section(out, verb);
    }
    section(out, "options of every verb");
    options(out, common_options);
    for (const Topic *topic = topics; topic->name != NULL; topic++) {
        section(out, topic->title);
        plain(out, topic->text);
        g_string_append_c(out, '\n');
    }
    statuses(out);
    files(out);
    examples(out);
    g_string_truncate(out, out->len - 1); /* out_text() ends the line */
    return g_string_free(out, FALSE);
}

Status
verb_man(const Args *args)
{
    g_autofree char *text = man_page();

    out_text(text);
    return STATUS_GOOD;
}
