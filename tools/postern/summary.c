/* SPDX-License-Identifier: Apache-2.0 */
#include "config.h"

#include "error.h"
#include "out.h"
#include "summary.h"

#include <string.h>

/* Devices choose their own code names, so the number of causes is bounded. */
enum { EXAMPLES = 3, CAUSES = 64 };

typedef struct {
    char *name; /* "device (AMT_STATUS_DATA_MISSING)" */
    char *hint; /* or NULL */
    guint64 count;
    char *examples[EXAMPLES];
    char *message; /* of the first */
} Cause;

struct Summary {
    GPtrArray *causes; /* of Cause, in order of appearance: a handful, searched in line */
};

static void
cause_free(gpointer data)
{
    Cause *cause = data;

    for (guint i = 0; i < EXAMPLES; i++)
        g_free(cause->examples[i]);
    g_free(cause->message);
    g_free(cause->hint);
    g_free(cause->name);
    g_free(cause);
}

Summary *
summary_new(void)
{
    Summary *summary = g_new0(Summary, 1);

    summary->causes = g_ptr_array_new_with_free_func(cause_free);
    return summary;
}

void
summary_free(Summary *summary)
{
    g_ptr_array_unref(summary->causes);
    g_free(summary);
}

static char *
cause_name(const Outcome *outcome)
{
    const char *word = error_word(outcome->error->code)->word;
    const char *detail = NULL;

    if (outcome->kind == OUTCOME_SKIPPED)
        word = "skipped";
    if (outcome->notes != NULL &&
        !g_variant_lookup(outcome->notes, "device-code-name", "&s", &detail))
        g_variant_lookup(outcome->notes, "fault", "&s", &detail);
    return detail != NULL ? g_strdup_printf("%s (%s)", word, detail) : g_strdup(word);
}

static Cause *
find_cause(Summary *summary, const char *name, const char *message, const char *hint)
{
    Cause *cause = NULL;

    for (guint i = 0; i < summary->causes->len; i++) {
        cause = g_ptr_array_index(summary->causes, i);
        if (strcmp(cause->name, name) == 0)
            return cause;
    }
    if (summary->causes->len == CAUSES)
        return cause;
    cause = g_new0(Cause, 1);
    cause->name = g_strdup(summary->causes->len == CAUSES - 1 ? "others" : name);
    cause->hint = g_strdup(hint);
    cause->message = g_strdup(message);
    g_ptr_array_add(summary->causes, cause);
    return cause;
}

void
summary_add_cause(
    Summary *summary, const char *name, const char *target, const char *message, const char *hint)
{
    Cause *cause = find_cause(summary, name, message, hint);

    if (cause->count < EXAMPLES)
        cause->examples[cause->count] = g_strdup(target);
    cause->count++;
}

void
summary_add(Summary *summary, const Outcome *outcome)
{
    g_autofree char *name = cause_name(outcome);

    summary_add_cause(summary,
                      name,
                      outcome->target,
                      outcome->error->message,
                      error_word(outcome->error->code)->hint);
}

static gint
by_count(gconstpointer a, gconstpointer b)
{
    const Cause *left = *(Cause *const *)a, *right = *(Cause *const *)b;

    return left->count < right->count ? 1 : left->count > right->count ? -1 : 0;
}

static void
print_cause(const Cause *cause, gboolean message)
{
    g_autoptr(GString) targets = g_string_new(NULL);

    for (guint i = 0; i < EXAMPLES && cause->examples[i] != NULL; i++)
        g_string_append_printf(targets, "%s%s", i > 0 ? ", " : "", cause->examples[i]);
    if (cause->count > EXAMPLES)
        g_string_append(targets, ", ...");
    remark("%8" G_GUINT64_FORMAT "  %s: %s", cause->count, cause->name, targets->str);
    if (message && cause->message != NULL)
        remark("          %s", cause->message);
    if (cause->hint != NULL)
        remark("          %s", cause->hint);
}

static void
append_count(GString *line, guint64 count, const char *word)
{
    if (count > 0)
        g_string_append_printf(line, ", %" G_GUINT64_FORMAT " %s", count, word);
}

void
summary_print_causes(const Summary *summary, gboolean messages)
{
    g_ptr_array_sort(summary->causes, by_count);
    for (guint i = 0; i < summary->causes->len; i++)
        print_cause(g_ptr_array_index(summary->causes, i), messages);
}

void
summary_print(const Summary *summary,
              const BatchCounts *counts,
              gint64 elapsed_us,
              gboolean messages)
{
    g_autoptr(GString) line = g_string_new(NULL);
    double seconds = (double)MAX(elapsed_us, 1000) / 1e6;

    g_string_append_printf(line,
                           "%" G_GUINT64_FORMAT " target%s: %" G_GUINT64_FORMAT " ok",
                           counts->done,
                           counts->done == 1 ? "" : "s",
                           counts->ok);
    append_count(line, counts->failed, "failed");
    append_count(line, counts->cancelled, "cancelled");
    append_count(line, counts->skipped, "skipped");
    append_count(line,
                 counts->bad_targets,
                 counts->bad_targets == 1 ? "bad line in the list" : "bad lines in the list");
    g_string_append_printf(line, " in %.*f s", seconds < 10 ? 2 : 0, seconds);
    if (counts->done >= 100)
        g_string_append_printf(line, " (%.0f/s)", (double)counts->done / seconds);
    remark("%s", line->str);
    summary_print_causes(summary, messages);
}
