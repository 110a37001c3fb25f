/* SPDX-License-Identifier: Apache-2.0 */
#include "config.h"

#include "classes.h"
#include "model.h"
#include "sim-resource.h"

#include <gio/gio.h>
#include <openssl/ssl.h>
#include <stdio.h>
#include <string.h>

#define GROUP "model"

static GResource *
bundle(void)
{
    static gsize registered;

    if (g_once_init_enter(&registered)) {
        sim_resource_register_resource();
        g_once_init_leave(&registered, 1);
    }
    return sim_resource_get_resource();
}

GBytes *
model_data(const char *path, GError **error)
{
    g_autofree char *full = g_strconcat("/postern-sim/", path, NULL);

    return g_resource_lookup_data(bundle(), full, G_RESOURCE_LOOKUP_FLAGS_NONE, error);
}

static int
compare_names(const void *a, const void *b)
{
    return strcmp(*(char *const *)a, *(char *const *)b);
}

char **
model_names(void)
{
    g_auto(GStrv) files = g_resource_enumerate_children(
        bundle(), "/postern-sim/models", G_RESOURCE_LOOKUP_FLAGS_NONE, NULL);
    GPtrArray *names = g_ptr_array_new();

    for (guint i = 0; files != NULL && files[i] != NULL; i++)
        if (g_str_has_suffix(files[i], ".ini"))
            g_ptr_array_add(names, g_strndup(files[i], strlen(files[i]) - 4));
    qsort(names->pdata, names->len, sizeof(char *), compare_names);
    g_ptr_array_add(names, NULL);
    return (char **)g_ptr_array_free(names, FALSE);
}

gboolean
model_since(const Model *model, guint major, guint minor)
{
    return model->version[0] > major || (model->version[0] == major && model->version[1] >= minor);
}

gboolean
model_lacks(const Model *model, const char *class_name)
{
    return model->lacks != NULL && g_strv_contains((const char *const *)model->lacks, class_name);
}

/* ---- reading one file ---- */

typedef struct {
    GKeyFile *file;
    const char *name;
    GError **error;
    gboolean failed;
} Reader;

static void
fail(Reader *reader, const char *key, const char *what)
{
    if (!reader->failed)
        g_set_error(reader->error,
                    G_IO_ERROR,
                    G_IO_ERROR_INVALID_DATA,
                    "model %s: key %s %s",
                    reader->name,
                    key,
                    what);
    reader->failed = TRUE;
}

static char *
read_text(Reader *reader, const char *key)
{
    char *text = g_key_file_get_string(reader->file, GROUP, key, NULL);

    if (text == NULL)
        fail(reader, key, "is missing");
    return text;
}

static guint
read_number(Reader *reader, const char *key)
{
    g_autofree char *text = read_text(reader, key);
    guint64 number = 0;

    if (text != NULL && !g_ascii_string_to_unsigned(text, 10, 0, G_MAXINT, &number, NULL))
        fail(reader, key, "is not a number");
    return (guint)number;
}

/* One of `words`, counted from 0. */
static int
read_word(Reader *reader, const char *key, const char *const *words)
{
    g_autofree char *text = read_text(reader, key);

    for (int i = 0; text != NULL && words[i] != NULL; i++)
        if (g_str_equal(words[i], text))
            return i;
    fail(reader, key, "has a word that is not among those it can have");
    return 0;
}

static gboolean
read_flag(Reader *reader, const char *key)
{
    return read_word(reader, key, (const char *const[]){"no", "yes", NULL}) == 1;
}

static guint *
read_numbers(Reader *reader, const char *key, guint base)
{
    g_autofree char *text = read_text(reader, key);
    g_auto(GStrv) words = g_strsplit(text != NULL ? text : "", " ", -1);
    GArray *numbers = g_array_new(TRUE, TRUE, sizeof(guint));

    for (guint i = 0; words[i] != NULL; i++) {
        guint64 number;
        guint small;
        if (!g_ascii_string_to_unsigned(words[i], base, 1, 65535, &number, NULL))
            fail(reader, key, "holds something that is not a number from 1 to 65535");
        small = (guint)number;
        g_array_append_val(numbers, small);
    }
    return (guint *)(gpointer)g_array_free(numbers, FALSE);
}

static void
read_version(Reader *reader, Model *model)
{
    g_autofree char *text = read_text(reader, "version");

    if (text == NULL)
        return;
    if (sscanf(text,
               "%u.%u.%u.%u",
               &model->version[0],
               &model->version[1],
               &model->version[2],
               &model->version[3]) != 4)
        fail(reader, "version", "is not MAJOR.MINOR.HOTFIX.BUILD");
    model->firmware =
        g_strdup_printf("%u.%u.%u", model->version[0], model->version[1], model->version[2]);
}

static void
read_tls(Reader *reader, Model *model)
{
    static const int versions[] = {TLS1_VERSION, TLS1_1_VERSION, TLS1_2_VERSION, TLS1_3_VERSION};
    static const char *const words[] = {"1.0", "1.1", "1.2", "1.3", NULL};

    model->plain = read_flag(reader, "plain");
    model->tls = read_flag(reader, "tls");
    model->tls_min = versions[read_word(reader, "tls-min", words)];
    model->tls_max = versions[read_word(reader, "tls-max", words)];
    model->tls_legacy = read_flag(reader, "tls-legacy");
    model->tls_ec = read_word(reader, "tls-key", (const char *const[]){"rsa", "ec", NULL}) == 1;
}

static void
read_http(Reader *reader, Model *model)
{
    model->server = read_text(reader, "server");
    model->close_after_401 = read_flag(reader, "close-after-401");
    model->challenge_header = read_text(reader, "challenge-header");
    model->qop = read_text(reader, "qop");
    model->content_type = read_text(reader, "content-type");
    model->realm_random =
        read_word(reader, "realm", (const char *const[]){"short", "random", NULL}) == 1;
    model->strict_nc = read_flag(reader, "strict-nc");
    model->realm_fault =
        read_word(reader, "missing-realm", (const char *const[]){"401", "fault", NULL}) == 1;
    model->chunks = read_numbers(reader, "chunks", 16);
    model->idle_seconds = read_number(reader, "idle-seconds");
    model->nonce_seconds = read_number(reader, "nonce-seconds");
    model->nonce_uses = read_number(reader, "nonce-uses");
    model->max_connections = (int)read_number(reader, "max-connections");
}

static void
read_power(Reader *reader, Model *model)
{
    g_autofree guint *states = read_numbers(reader, "power-states", 10);

    for (guint i = 0; states[i] != 0; i++)
        if (states[i] < 32)
            model->power_states |= 1U << states[i];
    model->power_ms = read_number(reader, "power-ms");
    model->already =
        read_word(reader, "power-already", (const char *const[]){"ok", "invalid", NULL});
    model->second = read_word(reader, "power-second", (const char *const[]){"lost", "busy", NULL});
}

static void
read_wsman(Reader *reader, Model *model)
{
    model->max_contexts = read_number(reader, "max-contexts");
    model->context_seconds = read_number(reader, "context-seconds");
    model->get_first =
        read_word(reader, "get-without-keys", (const char *const[]){"fault", "first", NULL}) == 1;
    model->lacks = g_key_file_get_string_list(reader->file, GROUP, "lacks", NULL, NULL);
}

/* A model may say `like = OTHER` and then only what is different. */
static GKeyFile *
read_file(const char *name, GError **error)
{
    g_autofree char *path = g_strdup_printf("models/%s.ini", name);
    g_autoptr(GBytes) bytes = model_data(path, error);
    g_autoptr(GKeyFile) file = g_key_file_new();
    g_autoptr(GKeyFile) parent = NULL;
    g_autofree char *like = NULL;
    g_auto(GStrv) keys = NULL;

    if (bytes == NULL || !g_key_file_load_from_bytes(file, bytes, G_KEY_FILE_NONE, error))
        return NULL;
    like = g_key_file_get_string(file, GROUP, "like", NULL);
    if (like == NULL)
        return g_steal_pointer(&file);
    parent = read_file(like, error);
    if (parent == NULL)
        return NULL;
    keys = g_key_file_get_keys(file, GROUP, NULL, NULL);
    for (guint i = 0; keys != NULL && keys[i] != NULL; i++) {
        g_autofree char *value = g_key_file_get_value(file, GROUP, keys[i], NULL);
        g_key_file_set_value(parent, GROUP, keys[i], value);
    }
    return g_steal_pointer(&parent);
}

static gboolean
read_classes(Model *model, GError **error)
{
    g_auto(GStrv) files = g_resource_enumerate_children(
        bundle(), "/postern-sim/models", G_RESOURCE_LOOKUP_FLAGS_NONE, NULL);

    for (guint i = 0; files != NULL && files[i] != NULL; i++) {
        g_autofree char *path = g_strconcat("models/", files[i], NULL);
        g_autoptr(GBytes) bytes = NULL;
        g_autofree char *text = NULL;
        gsize length;
        if (!g_str_has_suffix(files[i], ".classes"))
            continue;
        bytes = model_data(path, error);
        if (bytes == NULL)
            return FALSE;
        text = g_strndup(g_bytes_get_data(bytes, &length), g_bytes_get_size(bytes));
        if (!classes_read(model, text, path, error))
            return FALSE;
    }
    return classes_finish(model, error);
}

static gboolean
is_model_name(const char *name)
{
    g_auto(GStrv) names = model_names();

    return g_strv_contains((const char *const *)names, name);
}

Model *
model_load(const char *name, GError **error)
{
    g_autoptr(Model) model = g_new0(Model, 1);
    g_autoptr(GKeyFile) file = NULL;
    Reader reader = {NULL, name, error, FALSE};

    if (!is_model_name(name)) {
        g_set_error(error,
                    G_IO_ERROR,
                    G_IO_ERROR_NOT_FOUND,
                    "there is no model \"%s\"; see --list-models",
                    name);
        return NULL;
    }
    file = reader.file = read_file(name, error);
    if (file == NULL)
        return NULL;
    model->name = g_strdup(name);
    model->class_list = g_ptr_array_new_with_free_func((GDestroyNotify)classes_free);
    model->classes = g_hash_table_new(g_str_hash, g_str_equal);
    model->title = read_text(&reader, "title");
    read_version(&reader, model);
    read_http(&reader, model);
    read_tls(&reader, model);
    read_power(&reader, model);
    read_wsman(&reader, model);
    if (reader.failed || !read_classes(model, error))
        return NULL;
    return g_steal_pointer(&model);
}

void
model_free(Model *model)
{
    if (model == NULL)
        return;
    g_clear_pointer(&model->classes, g_hash_table_unref);
    g_clear_pointer(&model->class_list, g_ptr_array_unref);
    g_strfreev(model->lacks);
    g_free(model->name);
    g_free(model->title);
    g_free(model->firmware);
    g_free(model->server);
    g_free(model->challenge_header);
    g_free(model->qop);
    g_free(model->content_type);
    g_free(model->chunks);
    g_free(model);
}
