/* SPDX-License-Identifier: Apache-2.0 */
#include "dummy.h"

#include <string.h>

static guint32
param_uint(GVariant *params, const char *name)
{
    guint32 value = 0;

    g_variant_lookup(params, name, "u", &value);
    return value;
}

/* a{sv} with one member; `value` may be floating. */
static GVariant *
result_of(const char *name, GVariant *value)
{
    GVariantBuilder builder;

    g_variant_builder_init(&builder, G_VARIANT_TYPE_VARDICT);
    g_variant_builder_add(&builder, "{sv}", name, value);
    return g_variant_builder_end(&builder);
}

GVariant *
dummy_ok(PosternRun *run, GVariant *params, gpointer self, GError **error)
{
    Dummy *dummy = self;
    g_autofree char *text = g_strdup_printf("%s, %s", dummy->greeting, dummy->run->host(run));

    return result_of("text", g_variant_new_string(text));
}

/* The parameters are the outputs, so what comes back is what the host understood. */
GVariant *
dummy_echo(PosternRun *run, GVariant *params, gpointer self, GError **error)
{
    GVariantDict dict;

    g_variant_dict_init(&dict, params);
    g_variant_dict_remove(&dict, "secret");
    return g_variant_dict_end(&dict);
}

GVariant *
dummy_fail(PosternRun *run, GVariant *params, gpointer self, GError **error)
{
    Dummy *dummy = self;
    const char *text = NULL;

    g_variant_lookup(params, "message", "&s", &text);
    dummy->run->note(run, "device-code", g_variant_new_uint32(2066));
    g_set_error_literal(error, POSTERN_ERROR, (gint)param_uint(params, "code"), text);
    return NULL;
}

GVariant *
dummy_sleep(PosternRun *run, GVariant *params, gpointer self, GError **error)
{
    Dummy *dummy = self;
    guint32 ms = param_uint(params, "ms");

    for (guint32 slept = 0; slept < ms;) {
        guint32 step = MIN(ms - slept, MAX(ms / 10, 1));
        dummy->run->progress(run, (double)slept / ms, "sleeping");
        if (!dummy->run->sleep(run, step, error))
            return NULL;
        slept += step;
    }
    return result_of("slept-ms", g_variant_new_uint32(ms));
}

GVariant *
dummy_flaky(PosternRun *run, GVariant *params, gpointer self, GError **error)
{
    Dummy *dummy = self;
    const char *target = dummy->run->target(run);
    guint32 times = param_uint(params, "times");
    guint failed;

    g_mutex_lock(&dummy->lock);
    failed = GPOINTER_TO_UINT(g_hash_table_lookup(dummy->failures, target));
    if (failed < times)
        g_hash_table_insert(dummy->failures, g_strdup(target), GUINT_TO_POINTER(failed + 1));
    g_mutex_unlock(&dummy->lock);
    if (failed >= times)
        return result_of("failures", g_variant_new_uint32(failed));
    g_set_error(error,
                POSTERN_ERROR,
                POSTERN_ERROR_UNREACHABLE,
                "%s is down for the moment, try %u of %u",
                target,
                failed + 1,
                times);
    return NULL;
}

GVariant *
dummy_rows(PosternRun *run, GVariant *params, gpointer self, GError **error)
{
    Dummy *dummy = self;
    guint32 count = param_uint(params, "count");

    for (guint32 i = 0; i < count; i++)
        if (!dummy->run->row(run, result_of("number", g_variant_new_uint32(i)), error))
            return NULL;
    return result_of("count", g_variant_new_uint32(count));
}

GVariant *
dummy_child(PosternRun *run, GVariant *params, gpointer self, GError **error)
{
    Dummy *dummy = self;
    const char *task = NULL, *target = NULL;
    g_autoptr(GVariant) child_params = NULL, result = NULL;

    g_variant_lookup(params, "task", "&s", &task);
    g_variant_lookup(params, "target", "&s", &target);
    g_variant_lookup(params, "params", "@a{sv}", &child_params);
    result = dummy->tasks->run(run, task, target, child_params, error);
    return result == NULL ? NULL : result_of("result", result);
}

static gboolean
nap_in_thread(gpointer data, GCancellable *cancellable, GError **error)
{
    guint32 ms = *(guint32 *)data;

    for (guint32 slept = 0; slept < ms; slept += 10) {
        if (g_cancellable_set_error_if_cancelled(cancellable, error))
            return FALSE;
        g_usleep(10000);
    }
    return TRUE;
}

GVariant *
dummy_thread(PosternRun *run, GVariant *params, gpointer self, GError **error)
{
    Dummy *dummy = self;
    guint32 ms = param_uint(params, "ms");

    if (!dummy->run->in_thread(run, nap_in_thread, &ms, error))
        return NULL;
    return result_of("slept-ms", g_variant_new_uint32(ms));
}

typedef struct {
    Dummy *dummy;
    guint32 number;
    guint32 *sum;
} StrandWork;

static gboolean
add_up(PosternRun *run, gpointer data, GError **error)
{
    StrandWork *work = data;

    if (!work->dummy->run->sleep(run, 1 + work->number % 5, error))
        return FALSE;
    *work->sum += work->number;
    return TRUE;
}

/* Strands share their run's thread: no lock is needed for the sum. */
GVariant *
dummy_strands(PosternRun *run, GVariant *params, gpointer self, GError **error)
{
    Dummy *dummy = self;
    guint32 count = param_uint(params, "count"), sum = 0;
    g_autofree StrandWork *work = g_new0(StrandWork, count);
    g_autofree PosternStrand **strands = g_new0(PosternStrand *, count);
    gboolean ok = TRUE;

    for (guint32 i = 0; i < count && ok; i++) {
        work[i] = (StrandWork){dummy, i + 1, &sum};
        strands[i] = dummy->run->spawn(run, add_up, &work[i], error);
        ok = strands[i] != NULL;
    }
    for (guint32 i = 0; i < count; i++)
        if (strands[i] != NULL)
            ok = dummy->run->join(strands[i], ok ? error : NULL) && ok;
    return ok ? result_of("sum", g_variant_new_uint32(sum)) : NULL;
}

/* TRUE if the password is the user's name backwards: what a device would decide. */
static gboolean
password_fits(const Dummy *dummy, PosternCredential *credential, const char *user)
{
    g_autofree char *wanted = g_strreverse(g_strdup(user));

    return strcmp(wanted, dummy->credentials->peek(credential, "password")) == 0;
}

GVariant *
dummy_login(PosternRun *run, GVariant *params, gpointer self, GError **error)
{
    Dummy *dummy = self;
    const PosternCredentialSvc *svc = dummy->credentials;
    PosternCredential *credential;
    gboolean in = FALSE;

    while (!in && (credential = svc->next(run, NULL, error)) != NULL) {
        g_autofree char *user = g_strdup(svc->peek(credential, "user"));
        g_autoptr(GError) refused = NULL;

        in = password_fits(dummy, credential, user);
        if (in) {
            svc->accepted(credential);
        } else {
            refused = g_error_new(
                POSTERN_ERROR, POSTERN_ERROR_AUTH, "user %s was refused: wrong password", user);
            svc->rejected(credential, refused);
        }
        svc->release(credential);
        if (in)
            return result_of("user", g_variant_new_string(user));
    }
    return NULL;
}
