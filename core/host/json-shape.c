/* SPDX-License-Identifier: Apache-2.0 */
#include "config.h"

#include "json-shape.h"

#include <postern-plugin.h>

#include <string.h>

#define BAD(error, ...)                                                                            \
    (g_set_error((error), POSTERN_ERROR, POSTERN_ERROR_BAD_PARAM, __VA_ARGS__), FALSE)

gboolean
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
            return BAD(error, "byte %" G_GSIZE_FORMAT " is no part of one JSON object", i);
        if ((c == '{' || c == '[') && ++depth > JSON_DEPTH_MOST)
            return BAD(
                error, "it is nested deeper than %d at byte %" G_GSIZE_FORMAT, JSON_DEPTH_MOST, i);
        if (c == '}' || c == ']')
            ended = --depth == 0;
    }
    return TRUE;
}
