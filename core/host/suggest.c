/* SPDX-License-Identifier: Apache-2.0 */
#include "config.h"

#include "suggest.h"

#include <string.h>

enum { LONGEST = 255 };

static guint
least(guint a, guint b, guint c)
{
    return MIN(a, MIN(b, c));
}

guint
suggest_distance(const char *a, const char *b)
{
    guint rows[3][LONGEST + 1];
    guint *before = rows[0], *above = rows[1], *row = rows[2];
    gsize a_length = strnlen(a, LONGEST), b_length = strnlen(b, LONGEST);

    for (guint j = 0; j <= b_length; j++)
        before[j] = above[j] = j;
    for (guint i = 1; i <= a_length; i++) {
        guint *spare = before;

        row[0] = i;
        for (guint j = 1; j <= b_length; j++) {
            guint change = above[j - 1] + (a[i - 1] != b[j - 1]);

            row[j] = least(above[j] + 1, row[j - 1] + 1, change);
            if (i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1])
                row[j] = MIN(row[j], before[j - 2] + 1);
        }
        before = above;
        above = row;
        row = spare;
    }
    return above[b_length];
}

void
suggest_offer(Suggest *suggest, const char *name)
{
    /* a third of the letters wrong is a slip, more is another word */
    guint limit = 1 + (guint)strnlen(suggest->typed, LONGEST) / 3;
    guint distance = suggest_distance(suggest->typed, name);

    if (distance > limit || (suggest->best != NULL && distance >= suggest->distance))
        return;
    suggest->best = name;
    suggest->distance = distance;
}

char *
suggest_text(const Suggest *suggest)
{
    if (suggest->best == NULL)
        return g_strdup("");
    return g_strdup_printf(" (did you mean '%s'?)", suggest->best);
}
