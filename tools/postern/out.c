/* SPDX-License-Identifier: Apache-2.0 */
#include "config.h"

#include "out.h"
#include "progress.h"
#include "secret.h"
#include "text.h"

#include <errno.h>
#include <string.h>
#include <unistd.h>

enum { GATHERED = 64 * 1024 };

static struct {
    GString *text;
    guint idle;
    int broken; /* errno; 0: all is well */
    void (*on_broken)(const char *why, gpointer data);
    gpointer data;
} out;

static int
write_all(int fd, const char *text, gsize length)
{
    while (length > 0) {
        gssize done = write(fd, text, length);

        if (done < 0 && errno != EINTR)
            return errno;
        if (done > 0) {
            text += done;
            length -= (gsize)done;
        }
    }
    return 0;
}

static void
say_broken(void)
{
    void (*fn)(const char *why, gpointer data) = out.on_broken;

    out.on_broken = NULL;
    if (fn != NULL)
        fn(out.broken == EPIPE ? NULL : g_strerror(out.broken), out.data);
}

gboolean
out_flush(void)
{
    g_clear_handle_id(&out.idle, g_source_remove);
    if (out.text == NULL || out.text->len == 0 || out.broken != 0)
        return out.broken == 0;
    progress_hide();
    out.broken = write_all(STDOUT_FILENO, out.text->str, out.text->len);
    g_string_truncate(out.text, 0);
    if (out.broken != 0)
        say_broken();
    return out.broken == 0;
}

static gboolean
on_idle(gpointer data)
{
    out.idle = 0;
    out_flush();
    return G_SOURCE_REMOVE;
}

void
out_line(const GString *line)
{
    g_autofree char *masked = secret_mask(line->str, (gssize)line->len);

    if (out.broken != 0)
        return;
    if (out.text == NULL)
        out.text = g_string_sized_new(GATHERED);
    if (masked != NULL)
        g_string_append(out.text, masked);
    else
        g_string_append_len(out.text, line->str, (gssize)line->len);
    g_string_append_c(out.text, '\n');
    if (out.text->len >= GATHERED)
        out_flush();
    else if (out.idle == 0)
        out.idle = g_idle_add(on_idle, NULL);
}

void
out_text(const char *text)
{
    g_autoptr(GString) line = g_string_new(text);

    out_line(line);
}

gboolean
out_finish(void)
{
    gboolean good = out_flush();

    if (out.broken != 0 && out.broken != EPIPE)
        complain("cannot write results to standard output: %s", g_strerror(out.broken));
    if (out.text != NULL)
        g_string_free(g_steal_pointer(&out.text), TRUE);
    return good;
}

void
out_on_broken(void (*fn)(const char *why, gpointer data), gpointer data)
{
    out.on_broken = fn;
    out.data = data;
}

static void
error_line(const char *prefix, const char *text)
{
    g_autofree char *clean = text_clean(text);
    g_autofree char *line = g_strconcat(prefix, clean, "\n", NULL);

    out_flush();
    progress_hide();
    write_all(STDERR_FILENO, line, strlen(line));
}

void
complain(const char *format, ...)
{
    g_autofree char *text = NULL;
    va_list args;

    va_start(args, format);
    text = g_strdup_vprintf(format, args);
    va_end(args);
    error_line("postern: ", text);
}

void
remark(const char *format, ...)
{
    g_autofree char *text = NULL;
    va_list args;

    va_start(args, format);
    text = g_strdup_vprintf(format, args);
    va_end(args);
    error_line("", text);
}

/* ---- log ---- */

static GLogLevelFlags log_shown = G_LOG_LEVEL_ERROR | G_LOG_LEVEL_CRITICAL | G_LOG_LEVEL_WARNING;

gboolean
log_wanted(GLogLevelFlags level)
{
    return (level & log_shown) != 0;
}

static const char *
level_word(GLogLevelFlags level)
{
    if (level & (G_LOG_LEVEL_ERROR | G_LOG_LEVEL_CRITICAL))
        return "bug";
    if (level & G_LOG_LEVEL_WARNING)
        return "warning";
    return level & G_LOG_LEVEL_DEBUG ? "debug" : "info";
}

/* Any thread may log: one write for each line, and nothing shared is touched. */
static GLogWriterOutput
write_log(GLogLevelFlags level, const GLogField *fields, gsize count, gpointer data)
{
    g_autofree char *clean = NULL, *line = NULL;
    const char *text = NULL;

    for (gsize i = 0; i < count && log_wanted(level); i++) {
        if (strcmp(fields[i].key, "MESSAGE") == 0 && fields[i].length < 0)
            text = fields[i].value;
    }
    if (text == NULL)
        return G_LOG_WRITER_HANDLED;
    clean = text_clean(text);
    line = g_strconcat(level_word(level), ": ", clean, "\n", NULL);
    write_all(STDERR_FILENO, line, strlen(line));
    return G_LOG_WRITER_HANDLED;
}

void
log_setup(guint verbose, gboolean quiet)
{
    static gboolean installed;

    if (quiet)
        log_shown &= ~G_LOG_LEVEL_WARNING;
    if (verbose > 0)
        log_shown |= G_LOG_LEVEL_WARNING | G_LOG_LEVEL_MESSAGE | G_LOG_LEVEL_INFO;
    if (verbose > 1)
        log_shown |= G_LOG_LEVEL_DEBUG;
    if (!installed)
        g_log_set_writer_func(write_log, NULL, NULL);
    installed = TRUE;
}
