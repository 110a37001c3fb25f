/* SPDX-License-Identifier: Apache-2.0 */
#include "config.h"

#include "progress.h"
#include "text.h"

#include <string.h>
#include <sys/ioctl.h>
#include <termios.h>
#include <unistd.h>

enum { REFRESH_MS = 100, BAR = 20, FEW = 4 };

static struct {
    const Batch *batch;
    guint timer;
    volatile gboolean shown;
    gint64 since;
    guint64 done_before;
    double rate; /* smoothed, a second */
    char *words;
} bar;

static void
put(const char *text, gsize length)
{
    /* a terminal that went away is no reason to stop */
    if (write(STDERR_FILENO, text, length) < 0)
        return;
}

void
progress_hide_now(void)
{
    if (bar.shown)
        put("\r\033[K", 4);
    bar.shown = FALSE;
}

void
progress_hide(void)
{
    progress_hide_now();
}

static guint
terminal_width(void)
{
    struct winsize size = {0};

    if (ioctl(STDERR_FILENO, TIOCGWINSZ, &size) < 0 || size.ws_col < 20)
        return 80;
    return size.ws_col;
}

static void
append_bar(GString *line, const BatchCounts *counts)
{
    double part = counts->total > 0 ? (double)counts->done / (double)counts->total : 0;
    int full = (int)(CLAMP(part, 0, 1) * BAR);

    if (counts->total <= 0) {
        g_string_append_printf(line, "%" G_GUINT64_FORMAT " done", counts->done);
        return;
    }
    g_string_append_c(line, '[');
    for (int i = 0; i < BAR; i++)
        g_string_append_c(line, i < full ? '#' : '.');
    g_string_append_printf(
        line, "] %" G_GUINT64_FORMAT "/%" G_GINT64_FORMAT, counts->done, counts->total);
}

static void
append_counts(GString *line, const BatchCounts *counts)
{
    g_string_append_printf(line, "  %" G_GUINT64_FORMAT " ok", counts->ok);
    if (counts->failed > 0)
        g_string_append_printf(line, "  %" G_GUINT64_FORMAT " failed", counts->failed);
    g_string_append_printf(line, "  %" G_GUINT64_FORMAT " in flight", counts->in_flight);
}

/* How fast it goes now, and how long the rest will take at that. */
static void
append_rate(GString *line, const BatchCounts *counts)
{
    gint64 left = counts->total - (gint64)counts->done;
    guint seconds;

    if (bar.rate < 0.05)
        return;
    g_string_append_printf(line, "  %.*f/s", bar.rate < 10 ? 1 : 0, bar.rate);
    if (left <= 0 || (double)left / bar.rate > 360000)
        return;
    seconds = (guint)((double)left / bar.rate + 0.5);
    g_string_append_printf(
        line, "  ETA %02u:%02u:%02u", seconds / 3600, seconds / 60 % 60, seconds % 60);
}

static void
measure_rate(const BatchCounts *counts)
{
    gint64 now = g_get_monotonic_time();
    double seconds = (double)(now - bar.since) / 1e6;
    double rate;

    if (seconds < 1)
        return;
    rate = (double)(counts->done - bar.done_before) / seconds;
    bar.rate = bar.rate > 0 ? 0.7 * bar.rate + 0.3 * rate : rate;
    bar.since = now;
    bar.done_before = counts->done;
}

/* A task shows something of its own on the terminal, as a serial console: it is raw meanwhile. */
static gboolean
is_lent(void)
{
    struct termios mode;

    return tcgetattr(STDERR_FILENO, &mode) == 0 && (mode.c_lflag & ICANON) == 0;
}

static gboolean
refresh(gpointer data)
{
    g_autoptr(GString) line = g_string_new("\r");
    BatchCounts counts = {0};

    if (is_lent()) {
        bar.shown = FALSE;
        return G_SOURCE_CONTINUE;
    }
    batch_counts(bar.batch, &counts);
    measure_rate(&counts);
    append_bar(line, &counts);
    append_counts(line, &counts);
    append_rate(line, &counts);
    if (bar.words != NULL && counts.in_flight <= FEW)
        g_string_append_printf(line, "  %s", bar.words);
    if (line->len > terminal_width())
        g_string_truncate(line, terminal_width());
    g_string_append(line, "\033[K");
    put(line->str, line->len);
    bar.shown = TRUE;
    return G_SOURCE_CONTINUE;
}

void
progress_begin(const Batch *batch)
{
    if (!isatty(STDERR_FILENO))
        return;
    bar.batch = batch;
    bar.since = g_get_monotonic_time();
    bar.timer = g_timeout_add(REFRESH_MS, refresh, NULL);
}

void
progress_end(void)
{
    g_clear_handle_id(&bar.timer, g_source_remove);
    g_clear_pointer(&bar.words, g_free);
    progress_hide();
}

void
progress_words(const char *target, double part, const char *words)
{
    g_autofree char *plain = NULL;

    if (bar.timer == 0)
        return;
    if (part >= 0)
        plain = g_strdup_printf(
            "%s: %s (%.0f %%)", target, words != NULL ? words : "", CLAMP(part, 0, 1) * 100);
    else
        plain = g_strdup_printf("%s: %s", target, words != NULL ? words : "");
    g_free(bar.words);
    bar.words = text_clean(plain);
}
