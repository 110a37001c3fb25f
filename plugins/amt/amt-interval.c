/* SPDX-License-Identifier: Apache-2.0 */
#include "amt-interval.h"

#include <string.h>

enum { HOUR = 60, DAY = 24 * HOUR, WEEK = 7 * DAY, MOST = 999 * DAY };

static const struct {
    const char *word, *adverb;
    guint32 minutes;
} units[] = {
    {"week", "weekly", WEEK}, {"day", "daily", DAY}, {"hour", "hourly", HOUR}, {"minute", "", 1}};

static gboolean
add(guint32 *minutes, guint64 count, guint32 unit)
{
    if (count > MOST / unit || *minutes + count * unit > MOST)
        return FALSE;
    *minutes += (guint32)count * unit;
    return TRUE;
}

/* Digits and a letter, again and again; a letter may not come twice, and only in this order. */
static gboolean
parse_iso(const char *text, guint32 *minutes)
{
    static const struct {
        char letter;
        gboolean in_time;
        guint32 unit;
    } parts[] = {{'W', FALSE, WEEK}, {'D', FALSE, DAY}, {'H', TRUE, HOUR}, {'M', TRUE, 1}};
    gboolean in_time = FALSE;
    guint next = 0;

    for (text++; *text != '\0'; text++) {
        char *end;
        guint64 count;
        if (*text == 'T' && !in_time && text[1] != '\0') {
            in_time = TRUE;
            continue;
        }
        if (!g_ascii_isdigit(*text))
            return FALSE;
        count = g_ascii_strtoull(text, &end, 10);
        while (next < G_N_ELEMENTS(parts) &&
               (parts[next].letter != *end || parts[next].in_time != in_time))
            next++;
        if (next == G_N_ELEMENTS(parts) || !add(minutes, count, parts[next++].unit))
            return FALSE;
        text = end;
    }
    return TRUE;
}

static guint32
unit_of(const char *word)
{
    gsize length = strlen(word);

    for (guint i = 0; i < G_N_ELEMENTS(units); i++) {
        gsize own = strlen(units[i].word);
        if (strncmp(word, units[i].word, own) == 0 &&
            (length == own || (length == own + 1 && word[own] == 's')))
            return units[i].minutes;
    }
    return 0;
}

static gboolean
parse_words(const char *text, guint32 *minutes)
{
    g_auto(GStrv) words = g_strsplit_set(text, " ", -1);

    for (guint i = 0; words[i] != NULL; i++) {
        guint64 count = 1;
        guint32 unit;
        if (g_ascii_isdigit(words[i][0])) {
            if (!g_ascii_string_to_unsigned(words[i], 10, 0, MOST, &count, NULL) ||
                words[++i] == NULL)
                return FALSE;
        }
        unit = unit_of(words[i]);
        if (unit == 0 || !add(minutes, count, unit))
            return FALSE;
    }
    return TRUE;
}

gboolean
amt_interval_parse(const char *text, guint32 *minutes)
{
    *minutes = 0;
    for (guint i = 0; i < G_N_ELEMENTS(units); i++)
        if (units[i].adverb[0] != '\0' && strcmp(text, units[i].adverb) == 0)
            *minutes = units[i].minutes;
    if (*minutes != 0)
        return TRUE;
    return (text[0] == 'P' ? parse_iso(text, minutes) : parse_words(text, minutes)) &&
           *minutes != 0;
}

guint32
amt_interval_read(const char *text)
{
    guint32 minutes = 0;

    return text != NULL && text[0] == 'P' && parse_iso(text, &minutes) ? minutes : 0;
}

char *
amt_interval_iso(guint32 minutes)
{
    return g_strdup_printf("P%uDT%uH%uM", minutes / DAY, minutes % DAY / HOUR, minutes % HOUR);
}

char *
amt_interval_words(guint32 minutes)
{
    GString *text = g_string_new(NULL);

    for (guint i = 1; i < G_N_ELEMENTS(units); i++) {
        guint32 count = minutes / units[i].minutes;
        minutes %= units[i].minutes;
        if (count != 0)
            g_string_append_printf(text,
                                   "%s%u %s%s",
                                   text->len > 0 ? " " : "",
                                   count,
                                   units[i].word,
                                   count == 1 ? "" : "s");
    }
    return g_string_free(text, FALSE);
}
