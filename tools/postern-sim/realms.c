/* SPDX-License-Identifier: Apache-2.0 */
#include "config.h"

#include "model.h"
#include "realms.h"

#include <string.h>

/* Implies all others. */
#define ADMINISTRATION "administration"

/* Read once and kept: the file is compiled in, so that what is wrong with it is a bug,
 * and shows as realms that are not known. */
static GKeyFile *
table(void)
{
    static GKeyFile *file;
    g_autoptr(GBytes) bytes = NULL;
    g_autoptr(GError) error = NULL;

    if (file != NULL)
        return file;
    file = g_key_file_new();
    bytes = model_data("models/realms.table", &error);
    if (bytes == NULL || !g_key_file_load_from_bytes(file, bytes, G_KEY_FILE_NONE, &error))
        g_critical("cannot read models/realms.table: %s", error->message);
    return file;
}

/* Length of the longest beginning of `class_name` among those of `realm`; 0: none. */
static gsize
match(const char *realm, const char *class_name)
{
    g_auto(GStrv) classes = g_key_file_get_string_list(table(), realm, "classes", NULL, NULL);
    gsize longest = 0;

    for (guint i = 0; classes != NULL && classes[i] != NULL; i++)
        if (g_str_has_prefix(class_name, classes[i]))
            longest = MAX(longest, strlen(classes[i]));
    return longest;
}

/* The realm that reaches `class_name`, newly allocated. */
static char *
realm_of(const char *class_name)
{
    g_auto(GStrv) realms = g_key_file_get_groups(table(), NULL);
    const char *found = ADMINISTRATION;
    gsize longest = 0;

    for (guint i = 0; realms[i] != NULL; i++) {
        gsize length = match(realms[i], class_name);
        if (length > longest) {
            longest = length;
            found = realms[i];
        }
    }
    return g_strdup(found);
}

gboolean
realms_known(const char *words)
{
    g_auto(GStrv) list = g_strsplit(words, "+", -1);

    for (guint i = 0; list[i] != NULL; i++)
        if (!g_key_file_has_group(table(), list[i]))
            return FALSE;
    return list[0] != NULL;
}

gboolean
realms_allow(const char *words, const char *class_name)
{
    g_auto(GStrv) held = g_strsplit(words, "+", -1);
    g_autofree char *needed = realm_of(class_name);

    return g_strv_contains((const char *const *)held, needed) ||
           g_strv_contains((const char *const *)held, ADMINISTRATION);
}

/* Numbers of a key as a mask; 0: none. */
static guint32
numbers_of(const char *realm, const char *key)
{
    g_auto(GStrv) list = g_key_file_get_string_list(table(), realm, key, NULL, NULL);
    guint32 mask = 0;

    for (guint i = 0; list != NULL && list[i] != NULL; i++) {
        guint64 number;
        if (g_ascii_string_to_unsigned(list[i], 10, 0, 31, &number, NULL))
            mask |= 1U << number;
    }
    return mask;
}

gboolean
realms_reach(guint32 held, const char *class_name, gboolean changes)
{
    g_autofree char *needed = realm_of(class_name);
    guint32 reach = changes ? numbers_of(needed, "changes") : 0;

    if (reach == 0)
        reach = numbers_of(needed, "realms");
    return (held & (reach | numbers_of(ADMINISTRATION, "realms"))) != 0;
}

char *
realms_list(void)
{
    g_auto(GStrv) realms = g_key_file_get_groups(table(), NULL);

    return g_strjoinv(", ", realms);
}
