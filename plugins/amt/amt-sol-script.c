/* SPDX-License-Identifier: Apache-2.0 */
/* Reads the steps of amt.sol.expect; pure. */
#include "amt-sol-script.h"

#include "amt-redirection.h"

#include <string.h>

enum { STEPS_MOST = 1000, SECONDS_MOST = 86400, SHOWN = 60 };

#define SECRET_MARK "{secret}"

typedef struct {
    const char *secret;
    gint64 timeout_ms;
    guint line;
    GPtrArray *steps;
} Reader;

static void
step_free(gpointer data)
{
    AmtStep *step = data;

    g_free(step->words);
    g_free(step->name);
    g_clear_pointer(&step->pattern, g_regex_unref);
    if (step->bytes != NULL && step->bytes->len > 0)
        explicit_bzero(step->bytes->data, step->bytes->len);
    g_clear_pointer(&step->bytes, g_byte_array_unref);
    g_free(step);
}

static AmtStep *
step_new(Reader *reader, AmtStepKind kind, const char *words)
{
    AmtStep *step = g_new0(AmtStep, 1);

    step->kind = kind;
    step->line = reader->line;
    step->words = g_strdup(words);
    g_ptr_array_add(reader->steps, step);
    return step;
}

static gboolean
refuse(const Reader *reader, GError **error, const char *what, const char *found)
{
    g_autofree char *shown = amt_excerpt(found, SHOWN);

    return postern_fail(
        error, POSTERN_ERROR_BAD_PARAM, "script, line %u: %s, got '%s'", reader->line, what, shown);
}

static gboolean
read_seconds(const Reader *reader, const char *rest, gint64 *ms, GError **error)
{
    guint64 seconds;

    if (!g_ascii_string_to_unsigned(rest, 10, 0, SECONDS_MOST, &seconds, NULL))
        return refuse(reader, error, "expected a number of seconds to 86400", rest);
    *ms = (gint64)seconds * 1000;
    return TRUE;
}

/* ---- send ---- */

static gint
simple_escape(char letter)
{
    switch (letter) {
    case 'r':
        return '\r';
    case 'n':
        return '\n';
    case 't':
        return '\t';
    case 'e':
        return 0x1B;
    case 'b':
        return '\b';
    case '\\':
        return '\\';
    case 's':
        return ' '; /* at an end of the line */
    default:
        return -1;
    }
}

/* The escape behind a backslash at `at`; moves on. FALSE with `error`. */
static gboolean
take_escape(const Reader *reader, const char **at, GByteArray *out, GError **error)
{
    gint simple = simple_escape(**at);
    guint8 byte = (guint8)simple;

    if (g_str_has_prefix(*at, SECRET_MARK)) {
        if (reader->secret == NULL)
            return refuse(reader, error, "the parameter secret is missing", "\\" SECRET_MARK);
        g_byte_array_append(out, (const guint8 *)reader->secret, (guint)strlen(reader->secret));
        *at += strlen(SECRET_MARK);
        return TRUE;
    }
    if (**at == 'x' && g_ascii_isxdigit((*at)[1]) && g_ascii_isxdigit((*at)[2])) {
        byte = (guint8)(g_ascii_xdigit_value((*at)[1]) << 4 | g_ascii_xdigit_value((*at)[2]));
        *at += 2;
    } else if (simple < 0) {
        return refuse(
            reader, error, "expected \\r \\n \\t \\e \\b \\s \\\\ \\xNN or \\{secret}", *at - 1);
    }
    g_byte_array_append(out, &byte, 1);
    (*at)++;
    return TRUE;
}

static gboolean
read_send(Reader *reader, const char *line, const char *rest, GError **error)
{
    AmtStep *step = step_new(reader, AMT_STEP_SEND, line);

    step->bytes = g_byte_array_new();
    while (*rest != '\0') {
        if (*rest == '\\') {
            rest++;
            if (!take_escape(reader, &rest, step->bytes, error))
                return FALSE;
            continue;
        }
        g_byte_array_append(step->bytes, (const guint8 *)rest++, 1);
    }
    return TRUE;
}

/* ---- the others ---- */

static gboolean
set_pattern(const Reader *reader, AmtStep *step, const char *pattern, GError **error)
{
    g_autoptr(GError) why = NULL;

    step->ms = reader->timeout_ms;
    if (*pattern == '\0')
        return refuse(reader, error, "expected a regular expression", "nothing");
    step->pattern = g_regex_new(
        pattern, G_REGEX_MULTILINE | G_REGEX_NEWLINE_ANYCRLF, G_REGEX_MATCH_NEWLINE_ANYCRLF, &why);
    return step->pattern != NULL || refuse(reader, error, why->message, pattern);
}

static gboolean
read_capture(Reader *reader, const char *line, const char *rest, GError **error)
{
    gsize length = strcspn(rest, " ");
    AmtStep *step = step_new(reader, AMT_STEP_CAPTURE, line);

    step->name = g_strndup(rest, length);
    for (const char *at = step->name; *at != '\0'; at++)
        if (!g_ascii_isalnum(*at) && *at != '-' && *at != '_' && *at != '.')
            return refuse(reader, error, "a name has letters, digits, '-', '_', '.'", step->name);
    return set_pattern(reader, step, rest + length + (rest[length] != '\0'), error);
}

static gboolean
read_step(Reader *reader, const char *line, GError **error)
{
    gsize length = strcspn(line, " ");
    g_autofree char *word = g_strndup(line, length);
    const char *rest = line + length + (line[length] != '\0');

    if (reader->steps->len >= STEPS_MOST)
        return refuse(reader, error, "expected at most 1000 steps", line);
    if (g_str_equal(word, "send"))
        return read_send(reader, line, rest, error);
    if (g_str_equal(word, "expect"))
        return set_pattern(reader, step_new(reader, AMT_STEP_EXPECT, line), rest, error);
    if (g_str_equal(word, "capture"))
        return read_capture(reader, line, rest, error);
    if (g_str_equal(word, "timeout"))
        return read_seconds(reader, rest, &reader->timeout_ms, error);
    if (g_str_equal(word, "wait"))
        return read_seconds(reader, rest, &step_new(reader, AMT_STEP_WAIT, line)->ms, error);
    return refuse(reader, error, "expected send, expect, capture, timeout or wait", line);
}

GPtrArray *
amt_script_read(const char *text, const char *secret, guint timeout_s, GError **error)
{
    g_auto(GStrv) lines = g_strsplit(text, "\n", -1);
    g_autoptr(GPtrArray) steps = g_ptr_array_new_with_free_func(step_free);
    Reader reader = {secret, (gint64)timeout_s * 1000, 0, steps};

    for (guint i = 0; lines[i] != NULL; i++) {
        char *line = g_strchug(lines[i]);
        reader.line = i + 1;
        line[strcspn(line, "\r")] = '\0';
        if (*line != '\0' && *line != '#' && !read_step(&reader, line, error))
            return NULL;
    }
    if (steps->len > 0)
        return g_steal_pointer(&steps);
    postern_fail(error, POSTERN_ERROR_BAD_PARAM, "the script has no step");
    return NULL;
}
