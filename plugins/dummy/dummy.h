/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * dummy.h - what the files of the dummy plugin share.
 */
#include <postern-plugin.h>

/* The host's tables, fetched once. */
typedef struct {
    const PosternRunSvc *run;
    const PosternTasksSvc *tasks;
    const PosternCredentialSvc *credentials;
    char *greeting; /* from the configuration */
    GMutex lock;
    GHashTable *failures; /* dummy.flaky: target -> how often it failed already */
} Dummy;

typedef GVariant *DummyTask(PosternRun *run, GVariant *params, gpointer self, GError **error);

/* dummy-good.c: tasks that behave */
DummyTask dummy_ok, dummy_echo, dummy_fail, dummy_sleep, dummy_flaky, dummy_rows, dummy_child,
    dummy_thread, dummy_strands, dummy_login;

/* dummy-sins.c: tasks that do not */
DummyTask dummy_spin, dummy_crash, dummy_wrong_type, dummy_unknown_output, dummy_silent_failure;
