/* SPDX-License-Identifier: Apache-2.0 */
#include "config.h"

#include "diagnose-causes.h"
#include "error.h"
#include "help.h"
#include "json.h"
#include "list.h"
#include "out.h"
#include "run.h"
#include "suggest.h"
#include "text.h"
#include "verbs.h"

#include <string.h>

typedef struct {
    const char *kind;
    char *word;
    const char *meaning, *hint;
} Entry;

static const struct {
    OutcomeKind kind;
    const char *meaning, *hint;
} outcomes[] = {
    {OUTCOME_OK, "the task did what it is for; the result says what came of it", NULL},
    {OUTCOME_FAILED, "the task ended with an error; its code says why", "postern explain CODE"},
    {OUTCOME_CANCELLED,
     "the run was ended early, by you or because the time for everything was over; the device may "
     "have "
     "acted on what it had been sent",
     "look at the target's state before you repeat what changes something"},
    {OUTCOME_SKIPPED,
     "the run had not begun when everything was ended; nothing was sent",
     "run it again"},
};

static const struct {
    PluginState state;
    const char *meaning, *hint;
} states[] = {
    {PLUGIN_ENABLED,
     "known and enabled; its code is loaded when one of its tasks is first run",
     NULL},
    {PLUGIN_LOADED, "its code is loaded and its tasks can run", NULL},
    {PLUGIN_NOT_ENABLED,
     "the plugin lies in a plugin directory, but its file in plugins.d is missing or says load = "
     "no",
     "to use it, write plugins.d/NAME.conf with load = yes in section [plugin]"},
    {PLUGIN_REFUSED,
     "the plugin was not taken: its file or directory is not safe, or it does not fit this host",
     "the reason beside the state names the rule, what was found and what was expected"},
    {PLUGIN_BLOCKED,
     "the plugin crashed or hung when it was looked at, and is left alone until its file changes",
     "ask its maker for another version; postern plugins --refresh tries it again"},
    {PLUGIN_FAILED,
     "the plugin was loaded but could not start",
     "the reason beside the state is its own; often a setting in plugins.d/NAME.conf"},
    {PLUGIN_MISSING,
     "a file in plugins.d enables the plugin, but no plugin directory has it",
     "install the plugin, or remove its file from plugins.d"},
};

static void
add(GArray *all, const char *kind, const char *word, const char *meaning, const char *hint)
{
    Entry entry = {kind, g_strdup(word), meaning, hint};

    g_array_append_val(all, entry);
}

static void
clear(gpointer data)
{
    g_free(((Entry *)data)->word);
}

static GArray *
all_entries(void)
{
    GArray *all = g_array_new(FALSE, FALSE, sizeof(Entry));
    guint count = 0;
    const ErrorWord *words = error_words(&count);
    guint known = 0;
    const DiagnoseCause *causes = diagnose_causes(&known);

    g_array_set_clear_func(all, clear);
    for (guint i = 0; i < count; i++)
        add(all, "error", words[i].word, words[i].meaning, words[i].hint);
    for (guint i = 0; i < known; i++)
        add(all, "cause in a diagnosis", causes[i].word, causes[i].meaning, causes[i].hint);
    for (guint i = 0; i < G_N_ELEMENTS(outcomes); i++)
        add(all, "outcome", outcome_word(outcomes[i].kind), outcomes[i].meaning, outcomes[i].hint);
    for (guint i = 0; i < G_N_ELEMENTS(states); i++)
        add(all,
            "plugin state",
            plugin_state_word(states[i].state),
            states[i].meaning,
            states[i].hint);
    for (const StatusText *text = status_texts; text->meaning != NULL; text++) {
        g_autofree char *number = g_strdup_printf("%d", text->status);
        add(all, "exit status", number, text->meaning, NULL);
    }
    return all;
}

static void
print_entry(const Entry *entry)
{
    g_autoptr(GString) out = g_string_new(NULL);

    g_string_append_printf(out, "%s (%s)\n", entry->word, entry->kind);
    text_wrap(out, entry->meaning, 4, HELP_WIDTH);
    if (entry->hint != NULL)
        text_wrap(out, entry->hint, 4, HELP_WIDTH);
    g_string_truncate(out, out->len - 1);
    out_line(out);
}

static void
entry_cells(gconstpointer item, const char **cells)
{
    const Entry *entry = item;

    cells[0] = entry->word;
    cells[1] = entry->kind;
    cells[2] = entry->meaning;
    cells[3] = entry->hint;
}

static void
entry_members(gconstpointer item, GString *out)
{
    const Entry *entry = item;

    json_member(out, "word", entry->word);
    json_member(out, "kind", entry->kind);
    json_member(out, "meaning", entry->meaning);
    json_member(out, "hint", entry->hint);
}

static void
print_entries(GPtrArray *found, Format format)
{
    static const char *const titles[] = {"WORD", "KIND", "MEANING", "HINT", NULL};
    static const ListKind kind = {titles, entry_cells, entry_members};

    if (format != FORMAT_TABLE) {
        list_print(&kind, found, format);
        return;
    }
    for (guint i = 0; i < found->len; i++)
        print_entry(g_ptr_array_index(found, i));
}

static void
unknown(GArray *all, const char *word)
{
    Suggest suggest = {.typed = word};
    g_autofree char *meant = NULL;

    for (guint i = 0; i < all->len; i++)
        suggest_offer(&suggest, g_array_index(all, Entry, i).word);
    meant = suggest_text(&suggest);
    complain("there is no error, cause, outcome, plugin state or exit status '%s'%s; postern "
             "explain lists "
             "all",
             word,
             meant);
}

Status
verb_explain(const Args *args)
{
    g_autoptr(GArray) all = all_entries();
    g_autoptr(GPtrArray) found = g_ptr_array_new();
    const char *word = args_word(args, 0);

    for (guint i = 0; i < all->len; i++) {
        Entry *entry = &g_array_index(all, Entry, i);
        if (word == NULL || strcmp(entry->word, word) == 0)
            g_ptr_array_add(found, entry);
    }
    if (found->len == 0) {
        unknown(all, word);
        return STATUS_USAGE;
    }
    print_entries(found, args->output);
    return STATUS_GOOD;
}
