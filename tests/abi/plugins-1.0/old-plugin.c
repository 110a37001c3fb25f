/* SPDX-License-Identifier: Apache-2.0 */

/*
 * old-plugin.c - a plugin of ABI 1.0, always built with the header of 1.0 beside it: every later
 * host runs it. Neither file is ever changed once 1.0 is released.
 */
#include "postern-plugin.h"

static GVariant *
add_run(PosternRun *run, GVariant *params, gpointer self, GError **error)
{
    guint32 a = 0, b = 0;
    guint64 *calls = self;

    g_variant_lookup(params, "a", "u", &a);
    g_variant_lookup(params, "b", "u", &b);
    if (a > G_MAXUINT32 - b) {
        g_set_error(
            error, POSTERN_ERROR, POSTERN_ERROR_BAD_PARAM, "%u and %u are too much together", a, b);
        return NULL;
    }
    return g_variant_new_parsed("{'sum': <%u>, 'calls': <%t>}", a + b, ++*calls);
}

static const PosternField a = {
    sizeof(PosternField), POSTERN_FIELD_REQUIRED, "a", "u", NULL, NULL, NULL, "one number"};
static const PosternField b = {sizeof(PosternField), 0, "b", "u", NULL, "1", NULL, "another"};
static const PosternField sum = {
    sizeof(PosternField), 0, "sum", "u", NULL, NULL, NULL, "their sum"};
static const PosternField calls = {
    sizeof(PosternField), 0, "calls", "t", NULL, NULL, NULL, "how often it was called"};
static const PosternField *const add_params[] = {&a, &b, NULL};
static const PosternField *const add_outputs[] = {&sum, &calls, NULL};

static const PosternTask add = {sizeof(PosternTask),
                                POSTERN_TASK_READ_ONLY | POSTERN_TASK_NO_TARGET,
                                1,
                                0,
                                "old.add",
                                "add two numbers",
                                NULL,
                                add_params,
                                add_outputs,
                                NULL,
                                NULL,
                                add_run};
static const PosternTask *const tasks[] = {&add, NULL};

static gpointer
old_create(const PosternHost *host, GVariant *config, GError **error)
{
    return POSTERN_CAN(host, service) ? g_new0(guint64, 1) : NULL;
}

static const PosternPlugin plugin = {POSTERN_MAGIC,
                                     sizeof(PosternPlugin),
                                     1,
                                     0,
                                     0,
                                     0,
                                     "old",
                                     "1.0.0",
                                     "Apache-2.0",
                                     "built for the first contract",
                                     "postern's tests",
                                     NULL,
                                     NULL,
                                     NULL,
                                     tasks,
                                     NULL,
                                     old_create,
                                     NULL,
                                     NULL,
                                     g_free};

POSTERN_PLUGIN(old)
{
    return &plugin;
}
