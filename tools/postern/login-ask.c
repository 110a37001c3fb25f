/* SPDX-License-Identifier: Apache-2.0 */
#include "config.h"

#include "login-ask.h"
#include "prompt.h"

#include <string.h>

static gboolean
ask_field(PosternCredential *credential, const FieldInfo *field, GError **error)
{
    gboolean hidden = (field->flags & POSTERN_FIELD_SECRET) != 0;
    g_autofree char *fallback = NULL, *question = NULL;
    gboolean good = TRUE;
    char *line;

    if (!(field->flags & POSTERN_FIELD_REQUIRED) && !hidden && strcmp(field->name, "user") != 0)
        return TRUE;
    if (field->fallback != NULL)
        fallback = g_variant_print(field->fallback, FALSE);
    question = g_strdup_printf("%s %s%s%s%s: ",
                               credential->type->id,
                               field->name,
                               fallback != NULL ? " [" : "",
                               fallback != NULL ? fallback : "",
                               fallback != NULL ? "]" : "");
    line = prompt_line(question, hidden);
    if (line == NULL) {
        g_set_error_literal(error, POSTERN_ERROR, POSTERN_ERROR_CANCELLED, "no login was given");
        return FALSE;
    }
    if (*line != '\0' || (field->flags & POSTERN_FIELD_REQUIRED))
        good = credential_set(credential, field->name, line, error);
    prompt_free(line);
    return good;
}

gboolean
login_ask(PosternCredential *credential, GError **error)
{
    const GPtrArray *fields = credential->type->fields;

    for (guint i = 0; i < fields->len; i++)
        if (!ask_field(credential, g_ptr_array_index(fields, i), error))
            return FALSE;
    return credential_complete(credential, error);
}
