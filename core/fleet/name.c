/* SPDX-License-Identifier: Apache-2.0 */
#include "config.h"

#include "name.h"

#include <postern-plugin.h>

#include <string.h>

enum { NAME_MOST = 64 };

gboolean
name_check(const char *what, const char *name, GError **error)
{
    gsize length = strspn(name, "abcdefghijklmnopqrstuvwxyz0123456789._-");
    g_autofree char *shown = g_utf8_make_valid(name, (gssize)MIN(strlen(name), NAME_MOST + 1));
    g_autofree char *safe = g_strescape(shown, NULL);

    if (g_ascii_isalnum(name[0]) && length <= NAME_MOST && name[length] == '\0')
        return TRUE;
    g_set_error(error,
                POSTERN_ERROR,
                POSTERN_ERROR_BAD_PARAM,
                "'%s' is no name of a %s: expected small letters, digits, '.', '_' and '-', a "
                "letter or digit "
                "first, at most %d characters; character %" G_GSIZE_FORMAT " is not",
                safe,
                what,
                NAME_MOST,
                g_ascii_isalnum(name[0]) ? MIN(length, NAME_MOST) + 1 : 1);
    return FALSE;
}
