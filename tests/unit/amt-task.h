/* SPDX-License-Identifier: Apache-2.0 */
/* Tasks of the AMT plugin, each as the host would call it, against a host that answers from a script. */
#ifndef AMT_TASK_H
#define AMT_TASK_H

#include "amt.h"
#include "fake-host.h"

/* Runs a task with parameters in GVariant text; NULL with `error`. */
GVariant *try_task(const PosternTask *task, FakeHost *fake, const char *params, GError **error);
/* The same for one that must end well, with outputs as its table has them. */
GVariant *run_task(const PosternTask *task, FakeHost *fake, const char *params);
/* `expected` in GVariant text without types; NULL: there is no such member. */
void assert_member(GVariant *dict, const char *name, const char *expected);
/* The error has this code, and these words somewhere. */
void assert_fails(const PosternTask *task,
                  FakeHost *fake,
                  const char *params,
                  PosternError code,
                  const char *words);

#endif /* AMT_TASK_H */
