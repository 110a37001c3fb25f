/* SPDX-License-Identifier: Apache-2.0 */
#include "config.h"

#include "error.h"
#include "field.h"
#include "login-ask.h"
#include "profile.h"
#include "prompt.h"
#include "request.h"

#include <string.h>

enum { VALUE_BYTES = 4 * 1024 * 1024, NAMED = 5 };

void
request_free(Request *request)
{
    g_clear_pointer(&request->params, g_variant_unref);
    g_clear_pointer(&request->targets, target_source_free);
    g_clear_pointer(&request->credentials, credential_source_free);
    g_ptr_array_unref(request->secrets);
    g_free(request);
}

/* ---- parameters ---- */

static char *
read_value(const char *path, GError **error)
{
    g_autoptr(GError) problem = NULL;
    g_autofree char *text = NULL;
    gsize length = 0;

    if (!g_file_get_contents(path, &text, &length, &problem)) {
        g_set_error_literal(error, POSTERN_ERROR, POSTERN_ERROR_BAD_PARAM, problem->message);
        return NULL;
    }
    if (length > VALUE_BYTES || !g_utf8_validate(text, (gssize)length, NULL)) {
        g_set_error(error,
                    POSTERN_ERROR,
                    POSTERN_ERROR_BAD_PARAM,
                    "file %s is not text of at most %d MiB",
                    path,
                    VALUE_BYTES >> 20);
        return NULL;
    }
    return g_steal_pointer(&text);
}

/* The text of a value as it was meant: from a file, or with its doubled @ undone. */
static char *
value_text(Request *request, const FieldInfo *field, const char *given, GError **error)
{
    if (field->flags & POSTERN_FIELD_SECRET) {
        Secret *secret = secret_read(given, error);

        if (secret == NULL)
            return NULL;
        g_ptr_array_add(request->secrets, secret);
        return g_strdup(secret_peek(secret));
    }
    if (given[0] != '@')
        return g_strdup(given);
    return given[1] == '@' ? g_strdup(given + 1) : read_value(given + 1, error);
}

static GVariant *
parse_value(Request *request, const FieldInfo *field, const char *given, GError **error)
{
    char *text = value_text(request, field, given, error);
    GVariant *value;

    if (text == NULL) {
        g_prefix_error(error, "parameter %s: ", field->name);
        return NULL;
    }
    value = field_parse(field, text, error);
    if (field->flags & POSTERN_FIELD_SECRET)
        secret_wipe(text, strlen(text));
    g_free(text);
    return value;
}

static gboolean
add_parameter(Request *request, GVariantDict *values, const char *word, GError **error)
{
    const char *equals = strchr(word, '=');
    g_autofree char *name = g_strndup(word, (gsize)(equals - word));
    const FieldInfo *field = field_find(request->task->params, name);
    g_autoptr(GVariant) value = NULL;

    if (g_variant_dict_contains(values, name)) {
        g_set_error(
            error, POSTERN_ERROR, POSTERN_ERROR_BAD_PARAM, "parameter %s is given twice", name);
        return FALSE;
    }
    if (field == NULL) {
        /* fields_complete() knows best how to say that there is none of that name */
        g_variant_dict_insert(values, name, "s", "");
        return TRUE;
    }
    value = parse_value(request, field, equals + 1, error);
    if (value != NULL)
        g_variant_dict_insert_value(values, name, value);
    return value != NULL;
}

static GVariant *
read_parameters(Request *request, const Args *args, GError **error)
{
    const TaskInfo *task = request->task;
    g_autofree char *what = g_strconcat("task ", task->id, NULL);
    g_autoptr(GVariant) given = NULL;
    GVariantDict values;
    gboolean good = TRUE;

    g_variant_dict_init(&values, NULL);
    for (guint i = 1; good && i < args->words->len; i++) {
        const char *word = g_ptr_array_index(args->words, i);
        good = !word_is_parameter(word) || add_parameter(request, &values, word, error);
    }
    given = g_variant_ref_sink(g_variant_dict_end(&values));
    return good ? fields_complete(task->params, given, what, error) : NULL;
}

/* ---- targets ---- */

static gboolean
add_target(TargetSource *targets, const char *word, GError **error)
{
    return strcmp(word, "-") == 0 ? target_source_add_file(targets, "-", error)
                                  : target_source_add(targets, word, error);
}

static gboolean
has_targets(const Args *args)
{
    for (guint i = 1; i < args->words->len; i++) {
        if (!word_is_parameter(g_ptr_array_index(args->words, i)))
            return TRUE;
    }
    return args->files->len > 0;
}

static gboolean
check_targets_fit(const TaskInfo *task, const Args *args, GError **error)
{
    gboolean some = has_targets(args);

    if (!some && !(task->flags & (POSTERN_TASK_NO_TARGET | POSTERN_TASK_SERVICE))) {
        g_set_error(error,
                    POSTERN_ERROR,
                    POSTERN_ERROR_BAD_PARAM,
                    "no target for task %s: name hosts, addresses or networks, or give -f FILE, or "
                    "- to read "
                    "them from standard input",
                    task->id);
        return FALSE;
    }
    if (some && (task->flags & POSTERN_TASK_NO_TARGET)) {
        g_set_error(error,
                    POSTERN_ERROR,
                    POSTERN_ERROR_BAD_PARAM,
                    "task %s works on this host and takes no target",
                    task->id);
        return FALSE;
    }
    return TRUE;
}

static gboolean
read_targets(Request *request, const Args *args, const TargetDirectory *directory, GError **error)
{
    gboolean local = !has_targets(args) && !(request->task->flags & POSTERN_TASK_NO_TARGET);

    request->targets = target_source_new();
    target_source_set_directory(request->targets, directory);
    if (!check_targets_fit(request->task, args, error))
        return FALSE;
    for (guint i = 1; i < args->words->len; i++) {
        const char *word = g_ptr_array_index(args->words, i);
        if (!word_is_parameter(word) && !add_target(request->targets, word, error))
            return FALSE;
    }
    for (guint i = 0; i < args->files->len; i++) {
        if (!target_source_add_file(request->targets, g_ptr_array_index(args->files, i), error))
            return FALSE;
    }
    /* a listener that nobody gave a target serves this machine */
    return !local || target_source_add(request->targets, "localhost", error);
}

static void
describe_words(GString *out, const Args *args)
{
    guint named = 0;

    for (guint i = 1; i < args->words->len && named <= NAMED; i++) {
        const char *word = g_ptr_array_index(args->words, i);

        if (word_is_parameter(word))
            continue;
        if (strcmp(word, "-") == 0)
            word = "the list on standard input";
        g_string_append_printf(out, "%s%s", named > 0 ? ", " : "", named < NAMED ? word : "...");
        named++;
    }
    for (guint i = 0; i < args->files->len; i++)
        g_string_append_printf(out,
                               "%sthe list %s",
                               named++ > 0 ? ", " : "",
                               (const char *)g_ptr_array_index(args->files, i));
}

char *
request_describe(const Request *request, const Args *args)
{
    GString *out = g_string_new(NULL);
    gint64 total = target_source_total(request->targets);

    if (request->task->flags & POSTERN_TASK_NO_TARGET) {
        g_string_append(out, "this host");
        return g_string_free(out, FALSE);
    }
    if (total >= 0)
        g_string_append_printf(
            out, "%" G_GINT64_FORMAT " target%s (", total, total == 1 ? "" : "s");
    else
        g_string_append(out, "an unknown number of targets (");
    describe_words(out, args);
    g_string_append_c(out, ')');
    return g_string_free(out, FALSE);
}

/* ---- credentials ---- */

static gboolean
can_use(const TaskInfo *task, const char *type)
{
    return g_strv_contains((const char *const *)task->credentials, type);
}

static gboolean
read_credentials(Request *request, const Args *args, Host *host, GError **error)
{
    request->credentials = credential_source_new();
    for (guint i = 0; i < args->credentials->len; i++) {
        const char *text = g_ptr_array_index(args->credentials, i);

        if (!credential_source_add(request->credentials, host_registry(host), text, error))
            return FALSE;
    }
    return TRUE;
}

static gboolean
has_login(const Request *request)
{
    for (guint i = 0; i < request->credentials->given->len; i++) {
        const PosternCredential *credential = g_ptr_array_index(request->credentials->given, i);
        if (can_use(request->task, credential->type->id))
            return TRUE;
    }
    return FALSE;
}

static gboolean
ask_login(Request *request, const CredentialTypeInfo *type, GError **error)
{
    g_autoptr(PosternCredential) credential = credential_new(type, "given at the prompt");

    if (!login_ask(credential, error))
        return FALSE;
    g_ptr_array_add(request->credentials->given, g_steal_pointer(&credential));
    return TRUE;
}

/* Stored logins of any profile may fit: what a machine refuses is said by the run itself. */
static gboolean
is_stored(const Request *request, Store *store)
{
    g_autoptr(GPtrArray) list = store != NULL ? profile_list(store, NULL) : NULL;

    for (guint i = 0; list != NULL && i < list->len; i++) {
        const Profile *profile = list->pdata[i];

        for (guint k = 0; k < profile->types->len; k++) {
            if (can_use(request->task, profile->types->pdata[k]))
                return TRUE;
        }
    }
    return FALSE;
}

gboolean
request_ask_login(Request *request, Host *host, Store *store, GError **error)
{
    const CredentialTypeInfo *type;

    if (request->task->credentials[0] == NULL || has_login(request) || is_stored(request, store) ||
        !prompt_possible())
        return TRUE;
    type = registry_credential_type(host_registry(host), request->task->credentials[0], NULL);
    return type == NULL || ask_login(request, type, error);
}

/* ---- all ---- */

Request *
request_new(const Args *args, Host *host, const TargetDirectory *directory, GError **error)
{
    g_autoptr(Request) request = g_new0(Request, 1);

    request->secrets = g_ptr_array_new_with_free_func((GDestroyNotify)secret_unref);
    request->task = registry_task(host_registry(host), args_word(args, 0), error);
    if (request->task == NULL)
        return NULL;
    request->params = read_parameters(request, args, error);
    if (request->params == NULL || !read_targets(request, args, directory, error) ||
        !read_credentials(request, args, host, error))
        return NULL;
    return g_steal_pointer(&request);
}
