/* SPDX-License-Identifier: Apache-2.0 */
/*
 * json-shape.h - a look at foreign JSON before a library reads it.
 *
 * The JSON library recurses without bound, takes comments and other quotes, in which that could be hidden, and loses the
 * first of several documents: look first that there is none of this.
 */
#ifndef JSON_SHAPE_H
#define JSON_SHAPE_H

#include <postern-host.h>
#include <string.h>

G_BEGIN_DECLS

enum { JSON_DEPTH_MOST = 8 };

/* Is it one object, nested at most JSON_DEPTH_MOST deep, and nothing else? BAD_PARAM names the byte. */
static inline gboolean
json_shape_check(const char *text, gsize length, GError **error)
{
    gboolean quoted = FALSE, ended = FALSE;
    guint depth = 0;

    for (gsize i = 0; i < length; i++) {
        char c = text[i];

        if (quoted && c == '\\')
            i++;
        else if (c == '"' && depth > 0)
            quoted = !quoted;
        if (quoted || (c == '"' && depth > 0) || g_ascii_isspace(c))
            continue;
        if ((depth == 0 && (ended || c != '{')) ||
            (!g_ascii_isalnum(c) && (c == '\0' || strchr("{}[]:,+-.", c) == NULL)))
            return postern_fail(error,
                                POSTERN_ERROR_BAD_PARAM,
                                "byte %" G_GSIZE_FORMAT " is no part of one JSON object",
                                i);
        if ((c == '{' || c == '[') && ++depth > JSON_DEPTH_MOST)
            return postern_fail(error,
                                POSTERN_ERROR_BAD_PARAM,
                                "it is nested deeper than %d at byte %" G_GSIZE_FORMAT,
                                JSON_DEPTH_MOST,
                                i);
        if (c == '}' || c == ']')
            ended = --depth == 0;
    }
    return TRUE;
}

G_END_DECLS

#endif /* JSON_SHAPE_H */
