/* SPDX-License-Identifier: Apache-2.0 */
/* For tests of the AMT plugin's tasks, each called as the host would call it. */
#ifndef AMT_TASK_H
#define AMT_TASK_H

#include "amt.h"
#include "fake-host.h"

#include <string.h>

G_GNUC_UNUSED static GVariant *
try_task(const PosternTask *task, FakeHost *fake, const char *params, GError **error)
{
    Amt amt = {
        .svc = fake->svc, .tls = NULL, .port = 16992, .tls_port = 16993, .timeout_ms = 10000};
    char policy[] = "prefer";
    g_autoptr(GVariant) values = g_variant_parse(G_VARIANT_TYPE_VARDICT, params, NULL, NULL, error);

    g_assert_nonnull(values);
    amt.tls = policy;
    amt_options_init(&amt);
    GVariant *result = task->run(fake_run(fake), values, &amt, error);
    amt_options_clear(&amt);
    return result == NULL ? NULL : g_variant_take_ref(result);
}

/* Every output is documented, and of the type that the table states. */
G_GNUC_UNUSED static void
check_outputs(const PosternTask *task, GVariant *result)
{
    GVariantIter iter;
    const char *name = NULL;
    GVariant *value = NULL;

    g_variant_iter_init(&iter, result);
    while (g_variant_iter_loop(&iter, "{&sv}", &name, &value)) {
        guint i = 0;
        while (task->outputs[i] != NULL && !g_str_equal(task->outputs[i]->name, name))
            i++;
        if (task->outputs[i] == NULL)
            g_error("%s: output %s is in no table", task->id, name);
        g_assert_cmpstr(g_variant_get_type_string(value), ==, task->outputs[i]->type);
    }
    for (guint i = 0; task->outputs[i] != NULL; i++) {
        g_autoptr(GVariant) there = g_variant_lookup_value(result, task->outputs[i]->name, NULL);
        if ((task->outputs[i]->flags & POSTERN_FIELD_REQUIRED) != 0 && there == NULL)
            g_error("%s: output %s is missing", task->id, task->outputs[i]->name);
    }
}

G_GNUC_UNUSED static GVariant *
run_task(const PosternTask *task, FakeHost *fake, const char *params)
{
    g_autoptr(GError) error = NULL;
    GVariant *result = try_task(task, fake, params, &error);

    g_assert_no_error(error);
    check_outputs(task, result);
    return result;
}

G_GNUC_UNUSED static void
assert_member(GVariant *dict, const char *name, const char *expected)
{
    g_autoptr(GVariant) value = g_variant_lookup_value(dict, name, NULL);
    g_autofree char *text = value == NULL ? NULL : g_variant_print(value, FALSE);

    if (g_strcmp0(text, expected) != 0)
        g_error("%s: expected %s, found %s", name, expected, text);
}

G_GNUC_UNUSED static void
assert_fails(const PosternTask *task,
             FakeHost *fake,
             const char *params,
             PosternError code,
             const char *words)
{
    g_autoptr(GError) error = NULL;

    g_assert_null(try_task(task, fake, params, &error));
    g_assert_error(error, POSTERN_ERROR, (gint)code);
    if (strstr(error->message, words) == NULL)
        g_error("expected '%s' in: %s", words, error->message);
}

#endif /* AMT_TASK_H */
