/* SPDX-License-Identifier: Apache-2.0 */
#include "config.h"

#include "credential.h"
#include "field.h"

#include <string.h>

/* ---- one credential ---- */

PosternCredential *
credential_new(const CredentialTypeInfo *type, const char *label)
{
    PosternCredential *credential = g_new0(PosternCredential, 1);

    credential->refs = 1;
    credential->type = type;
    credential->label = g_strdup(label);
    credential->fields =
        g_hash_table_new_full(g_str_hash, g_str_equal, g_free, (GDestroyNotify)secret_unref);
    return credential;
}

PosternCredential *
credential_ref(PosternCredential *credential)
{
    g_atomic_int_inc(&credential->refs);
    return credential;
}

void
credential_unref(PosternCredential *credential)
{
    if (credential == NULL || !g_atomic_int_dec_and_test(&credential->refs))
        return;
    credential_unref(credential->lent);
    g_hash_table_unref(credential->fields);
    g_free(credential->label);
    g_free(credential);
}

const char *
credential_peek(const PosternCredential *credential, const char *field)
{
    Secret *value = g_hash_table_lookup(credential->fields, field);

    return value != NULL ? secret_peek(value) : NULL;
}

static const FieldInfo *
find_field(const PosternCredential *credential, const char *name, GError **error)
{
    const FieldInfo *field = field_find(credential->type->fields, name);
    g_autoptr(GString) known = g_string_new(NULL);

    if (field != NULL)
        return field;
    for (guint i = 0; i < credential->type->fields->len; i++) {
        const FieldInfo *one = credential->type->fields->pdata[i];
        g_string_append_printf(known, "%s%s", i > 0 ? ", " : "", one->name);
    }
    g_set_error(error,
                POSTERN_ERROR,
                POSTERN_ERROR_BAD_PARAM,
                "credential type %s has no field '%s'; it has: %s",
                credential->type->id,
                name,
                known->str);
    return NULL;
}

static gboolean
check_secret_text(const PosternCredential *credential,
                  const FieldInfo *field,
                  const char *text,
                  GError **error)
{
    if (g_utf8_validate(text, -1, NULL) && *text != '\0')
        return TRUE;
    g_set_error(error,
                POSTERN_ERROR,
                POSTERN_ERROR_BAD_PARAM,
                "field '%s' of credential type %s is %s",
                field->name,
                credential->type->id,
                *text == '\0' ? "empty" : "not UTF-8 text");
    return FALSE;
}

gboolean
credential_set(PosternCredential *credential, const char *name, const char *text, GError **error)
{
    const FieldInfo *field = find_field(credential, name, error);
    g_autoptr(GVariant) value = NULL;
    gboolean secret;

    if (field == NULL)
        return FALSE;
    secret = (field->flags & POSTERN_FIELD_SECRET) != 0;
    /* a secret that is plain text is not copied into a value on its way: that copy could not be
     * wiped */
    if (secret && strcmp(field->type, "s") == 0) {
        if (!check_secret_text(credential, field, text, error))
            return FALSE;
    } else {
        value = field_parse(field, text, error);
        if (value == NULL)
            return FALSE;
    }
    g_hash_table_replace(credential->fields,
                         g_strdup(name),
                         secret ? secret_new(text, -1) : secret_new_shown(text, -1));
    return TRUE;
}

static void
set_fallback(PosternCredential *credential, const FieldInfo *field)
{
    g_autofree char *text = g_variant_is_of_type(field->fallback, G_VARIANT_TYPE_STRING)
                                ? g_variant_dup_string(field->fallback, NULL)
                                : g_variant_print(field->fallback, FALSE);

    g_hash_table_replace(credential->fields, g_strdup(field->name), secret_new_shown(text, -1));
}

gboolean
credential_complete(PosternCredential *credential, GError **error)
{
    for (guint i = 0; i < credential->type->fields->len; i++) {
        const FieldInfo *field = credential->type->fields->pdata[i];
        if (g_hash_table_contains(credential->fields, field->name))
            continue;
        if (field->fallback != NULL) {
            set_fallback(credential, field);
        } else if (field->flags & POSTERN_FIELD_REQUIRED) {
            g_set_error(error,
                        POSTERN_ERROR,
                        POSTERN_ERROR_BAD_PARAM,
                        "credential of type %s lacks the field '%s' (%s); give it as %s=%s",
                        credential->type->id,
                        field->name,
                        field->summary,
                        field->name,
                        field->flags & POSTERN_FIELD_SECRET ? "@FILE, env:NAME or fd:N" : "VALUE");
            return FALSE;
        }
    }
    return TRUE;
}

/* ---- the argument of --credential ---- */

static gboolean
names_a_place(const char *value)
{
    return *value == '@' || g_str_has_prefix(value, "env:") || g_str_has_prefix(value, "fd:");
}

static gboolean
refuse_clear(const PosternCredential *credential, const char *name, GError **error)
{
    g_set_error(error,
                POSTERN_ERROR,
                POSTERN_ERROR_BAD_PARAM,
                "field '%s' of credential type %s is a secret and was given in the clear, where "
                "every user of this machine can see it; give it as %s=@FILE (mode 0600), "
                "%s=env:NAME or %s=fd:NUMBER",
                name,
                credential->type->id,
                name,
                name,
                name);
    return FALSE;
}

/* Set a field from `value`, which may name a place to read it from. */
static gboolean
set_from_argument(PosternCredential *credential,
                  const char *name,
                  const char *value,
                  GError **error)
{
    const FieldInfo *field = find_field(credential, name, error);
    g_autoptr(Secret) read = NULL;

    if (field == NULL)
        return FALSE;
    if (names_a_place(value)) {
        read = secret_read(value, error);
        return read != NULL && credential_set(credential, name, secret_peek(read), error);
    }
    if (field->flags & POSTERN_FIELD_SECRET)
        return refuse_clear(credential, name, error);
    return credential_set(credential, name, value, error);
}

/* The next of a list separated by commas; `\,` and `\\` stand for themselves. NULL: the end. */
static char *
next_part(const char **text)
{
    GString *part;

    if (**text == '\0')
        return NULL;
    part = g_string_new(NULL);
    for (; **text != '\0' && **text != ','; (*text)++) {
        if (**text == '\\' && ((*text)[1] == ',' || (*text)[1] == '\\'))
            (*text)++;
        g_string_append_c(part, **text);
    }
    if (**text == ',')
        (*text)++;
    return g_string_free(part, FALSE);
}

static void
forget_text(char *text)
{
    secret_wipe(text, strlen(text));
    g_free(text);
}

static gboolean
set_part(PosternCredential *credential, char *part, GError **error)
{
    char *equals = strchr(part, '=');
    g_autofree char *name = NULL;

    if (equals == NULL || equals == part) {
        g_set_error(error,
                    POSTERN_ERROR,
                    POSTERN_ERROR_BAD_PARAM,
                    "credential of type %s: a field is not written as NAME=VALUE; a comma inside a "
                    "value is "
                    "written \\,",
                    credential->type->id);
        return FALSE;
    }
    name = g_strndup(part, (gsize)(equals - part));
    return set_from_argument(credential, name, equals + 1, error);
}

gboolean
credential_set_parts(PosternCredential *credential, const char *text, GError **error)
{
    gboolean fine = TRUE;

    while (fine) {
        char *part = next_part(&text);
        if (part == NULL)
            break;
        fine = set_part(credential, part, error);
        forget_text(part);
    }
    return fine;
}

CredentialSource *
credential_source_new(void)
{
    CredentialSource *source = g_new0(CredentialSource, 1);

    source->given = g_ptr_array_new_with_free_func((GDestroyNotify)credential_unref);
    return source;
}

void
credential_source_free(CredentialSource *source)
{
    if (source == NULL)
        return;
    g_ptr_array_unref(source->given);
    g_free(source);
}

gboolean
credential_source_add_of(CredentialSource *source,
                         const CredentialTypeInfo *type,
                         const char *text,
                         GError **error)
{
    g_autofree char *label =
        source->given->len == 0
            ? g_strdup("given with the command")
            : g_strdup_printf("given with the command (no. %u)", source->given->len + 1);
    g_autoptr(PosternCredential) credential = credential_new(type, label);

    if (!credential_set_parts(credential, text, error) || !credential_complete(credential, error))
        return FALSE;
    g_ptr_array_add(source->given, g_steal_pointer(&credential));
    return TRUE;
}

gboolean
credential_source_add(CredentialSource *source,
                      Registry *registry,
                      const char *text,
                      GError **error)
{
    const char *colon = strchr(text, ':');
    const CredentialTypeInfo *type;
    g_autofree char *id = NULL;

    if (colon == NULL || colon == text) {
        g_set_error_literal(error,
                            POSTERN_ERROR,
                            POSTERN_ERROR_BAD_PARAM,
                            "a credential begins with its type and a colon, as in "
                            "amt.digest:user=admin,password=@FILE");
        return FALSE;
    }
    id = g_strndup(text, (gsize)(colon - text));
    type = registry_credential_type(registry, id, error);
    return type != NULL && credential_source_add_of(source, type, colon + 1, error);
}
