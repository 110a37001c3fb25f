/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * request.h - what `postern run` was asked for, checked as far as it can be before anything runs.
 */
#include "args.h"
#include "batch.h"
#include "store/store.h"

typedef struct {
    const TaskInfo *task; /* as the registry describes it, not loaded yet */
    GVariant *params;     /* complete a{sv} */
    TargetSource *targets;
    CredentialSource *credentials;
    GPtrArray *secrets; /* of Secret: parameters, masked wherever they show as long as these live */
} Request;

/* NULL with `error` when the command line asks for what cannot be. `directory`: names and collections, or NULL. */
Request *
request_new(const Args *args, Host *host, const TargetDirectory *directory, GError **error);
void request_free(Request *request);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(Request, request_free)

/* Ask for a login if the task can use one, none was given, none is in
 * `store` (NULL: there is none) and somebody is there. FALSE with `error`
 * when the person gave up (CANCELLED) or what was typed is no login. */
gboolean request_ask_login(Request *request, Host *host, Store *store, GError **error);

/* "512 targets (10.0.0.1, 10.0.0.2, ...)", for questions. The caller's. */
char *request_describe(const Request *request, const Args *args);
