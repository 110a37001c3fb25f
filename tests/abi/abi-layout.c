/* SPDX-License-Identifier: Apache-2.0 */

/*
 * abi-layout.c - print where every member of the contract lies and what every constant is worth.
 *
 * What it prints is compared with sdk/abi/layout-1.txt: a line that changed or went is a broken binary contract; a
 * line that is new belongs to a new minor version. abi-witness.c and abidiff look at the types.
 */
#include <postern-plugin.h>

#include <stdio.h>

#define TABLE(type) printf("%s %zu\n", #type, sizeof(type))
#define MEMBER(type, member)                                                                       \
    printf(                                                                                        \
        "%s.%s %zu %zu\n", #type, #member, offsetof(type, member), sizeof(((type *)NULL)->member))
#define VALUE(name) printf("%s %ld\n", #name, (long)name)

static void
layout_field(void)
{
    TABLE(PosternField);
    MEMBER(PosternField, size);
    MEMBER(PosternField, flags);
    MEMBER(PosternField, name);
    MEMBER(PosternField, type);
    MEMBER(PosternField, format);
    MEMBER(PosternField, fallback);
    MEMBER(PosternField, choices);
    MEMBER(PosternField, summary);
}

static void
layout_task(void)
{
    TABLE(PosternTask);
    MEMBER(PosternTask, size);
    MEMBER(PosternTask, flags);
    MEMBER(PosternTask, version);
    MEMBER(PosternTask, timeout_ms);
    MEMBER(PosternTask, id);
    MEMBER(PosternTask, summary);
    MEMBER(PosternTask, details);
    MEMBER(PosternTask, params);
    MEMBER(PosternTask, outputs);
    MEMBER(PosternTask, rows);
    MEMBER(PosternTask, credentials);
    MEMBER(PosternTask, run);
}

static void
layout_credential_type(void)
{
    TABLE(PosternCredentialType);
    MEMBER(PosternCredentialType, size);
    MEMBER(PosternCredentialType, flags);
    MEMBER(PosternCredentialType, id);
    MEMBER(PosternCredentialType, summary);
    MEMBER(PosternCredentialType, fields);
    MEMBER(PosternCredentialType, login);
}

static void
layout_run_svc(void)
{
    TABLE(PosternRunSvc);
    MEMBER(PosternRunSvc, size);
    MEMBER(PosternRunSvc, flags);
    MEMBER(PosternRunSvc, target);
    MEMBER(PosternRunSvc, host);
    MEMBER(PosternRunSvc, port);
    MEMBER(PosternRunSvc, progress);
    MEMBER(PosternRunSvc, row);
    MEMBER(PosternRunSvc, note);
    MEMBER(PosternRunSvc, log);
    MEMBER(PosternRunSvc, cancelled);
    MEMBER(PosternRunSvc, remaining_ms);
    MEMBER(PosternRunSvc, sleep);
    MEMBER(PosternRunSvc, cancellable);
    MEMBER(PosternRunSvc, await_new);
    MEMBER(PosternRunSvc, await_ready);
    MEMBER(PosternRunSvc, await_result);
    MEMBER(PosternRunSvc, wait_fd);
    MEMBER(PosternRunSvc, in_thread);
    MEMBER(PosternRunSvc, spawn);
    MEMBER(PosternRunSvc, join);
    MEMBER(PosternRunSvc, task);
}

static void
layout_tasks_svc(void)
{
    TABLE(PosternTasksSvc);
    MEMBER(PosternTasksSvc, size);
    MEMBER(PosternTasksSvc, flags);
    MEMBER(PosternTasksSvc, run);
}

static void
layout_credential_svc(void)
{
    TABLE(PosternCredentialSvc);
    MEMBER(PosternCredentialSvc, size);
    MEMBER(PosternCredentialSvc, flags);
    MEMBER(PosternCredentialSvc, next);
    MEMBER(PosternCredentialSvc, type);
    MEMBER(PosternCredentialSvc, label);
    MEMBER(PosternCredentialSvc, peek);
    MEMBER(PosternCredentialSvc, accepted);
    MEMBER(PosternCredentialSvc, rejected);
    MEMBER(PosternCredentialSvc, release);
    MEMBER(PosternCredentialSvc, foresee);
}

static void
layout_secrets_svc(void)
{
    TABLE(PosternSecretsSvc);
    MEMBER(PosternSecretsSvc, size);
    MEMBER(PosternSecretsSvc, flags);
    MEMBER(PosternSecretsSvc, prepare);
    MEMBER(PosternSecretsSvc, try_first);
    MEMBER(PosternSecretsSvc, in_force);
    MEMBER(PosternSecretsSvc, keep);
    MEMBER(PosternSecretsSvc, drop);
    MEMBER(PosternSecretsSvc, release);
    MEMBER(PosternSecretsSvc, hide);
}

static void
layout_http_svc(void)
{
    TABLE(PosternHttpSvc);
    MEMBER(PosternHttpSvc, size);
    MEMBER(PosternHttpSvc, flags);
    MEMBER(PosternHttpSvc, open);
    MEMBER(PosternHttpSvc, request);
    MEMBER(PosternHttpSvc, peer);
    MEMBER(PosternHttpSvc, close);
    MEMBER(PosternHttpSvc, status);
    MEMBER(PosternHttpSvc, header);
    MEMBER(PosternHttpSvc, body);
    MEMBER(PosternHttpSvc, reply_free);
}

static void
layout_stream_svc(void)
{
    TABLE(PosternStreamSvc);
    MEMBER(PosternStreamSvc, size);
    MEMBER(PosternStreamSvc, flags);
    MEMBER(PosternStreamSvc, connect);
    MEMBER(PosternStreamSvc, listen);
    MEMBER(PosternStreamSvc, accept);
    MEMBER(PosternStreamSvc, read);
    MEMBER(PosternStreamSvc, write);
    MEMBER(PosternStreamSvc, info);
    MEMBER(PosternStreamSvc, listener_info);
    MEMBER(PosternStreamSvc, close);
    MEMBER(PosternStreamSvc, close_listener);
}

static void
layout_sweep(void)
{
    TABLE(PosternSweep);
    MEMBER(PosternSweep, size);
    MEMBER(PosternSweep, port);
    MEMBER(PosternSweep, per_second);
    MEMBER(PosternSweep, wait_ms);
    MEMBER(PosternSweep, first);
    MEMBER(PosternSweep, count);
    MEMBER(PosternSweep, payload);
}

static void
layout_datagram_svc(void)
{
    TABLE(PosternDatagramSvc);
    MEMBER(PosternDatagramSvc, size);
    MEMBER(PosternDatagramSvc, flags);
    MEMBER(PosternDatagramSvc, open);
    MEMBER(PosternDatagramSvc, send);
    MEMBER(PosternDatagramSvc, receive);
    MEMBER(PosternDatagramSvc, exchange);
    MEMBER(PosternDatagramSvc, sweep);
    MEMBER(PosternDatagramSvc, close);
}

static void
layout_clock_svc(void)
{
    TABLE(PosternInventorySvc);
    MEMBER(PosternInventorySvc, size);
    MEMBER(PosternInventorySvc, flags);
    MEMBER(PosternInventorySvc, observe);
    MEMBER(PosternInventorySvc, known);
    TABLE(PosternClockSvc);
    MEMBER(PosternClockSvc, size);
    MEMBER(PosternClockSvc, flags);
    MEMBER(PosternClockSvc, real);
    MEMBER(PosternClockSvc, monotonic);
}

static void
layout_host(void)
{
    TABLE(PosternHost);
    MEMBER(PosternHost, size);
    MEMBER(PosternHost, abi_major);
    MEMBER(PosternHost, abi_minor);
    MEMBER(PosternHost, abi_minor_oldest);
    MEMBER(PosternHost, name);
    MEMBER(PosternHost, version);
    MEMBER(PosternHost, impl);
    MEMBER(PosternHost, service);
    MEMBER(PosternHost, log);
}

static void
layout_plugin(void)
{
    TABLE(PosternPlugin);
    MEMBER(PosternPlugin, magic);
    MEMBER(PosternPlugin, size);
    MEMBER(PosternPlugin, abi_major);
    MEMBER(PosternPlugin, abi_minor);
    MEMBER(PosternPlugin, abi_minor_needed);
    MEMBER(PosternPlugin, flags);
    MEMBER(PosternPlugin, name);
    MEMBER(PosternPlugin, version);
    MEMBER(PosternPlugin, license);
    MEMBER(PosternPlugin, summary);
    MEMBER(PosternPlugin, origin);
    MEMBER(PosternPlugin, requires_services);
    MEMBER(PosternPlugin, depends);
    MEMBER(PosternPlugin, config);
    MEMBER(PosternPlugin, tasks);
    MEMBER(PosternPlugin, credential_types);
    MEMBER(PosternPlugin, create);
    MEMBER(PosternPlugin, reconfigure);
    MEMBER(PosternPlugin, quiesce);
    MEMBER(PosternPlugin, destroy);
}

static void
constants(void)
{
    VALUE(POSTERN_ABI_MAJOR);
    VALUE(POSTERN_MAGIC);
    VALUE(POSTERN_ERROR_INTERNAL);
    VALUE(POSTERN_ERROR_UNRESOLVED);
    VALUE(POSTERN_ERROR_UNREACHABLE);
    VALUE(POSTERN_ERROR_REFUSED);
    VALUE(POSTERN_ERROR_TIMEOUT);
    VALUE(POSTERN_ERROR_TLS);
    VALUE(POSTERN_ERROR_NOT_DETECTED);
    VALUE(POSTERN_ERROR_NOT_PROVISIONED);
    VALUE(POSTERN_ERROR_AUTH);
    VALUE(POSTERN_ERROR_FORBIDDEN);
    VALUE(POSTERN_ERROR_NOT_SUPPORTED);
    VALUE(POSTERN_ERROR_CONSENT);
    VALUE(POSTERN_ERROR_BUSY);
    VALUE(POSTERN_ERROR_DEVICE);
    VALUE(POSTERN_ERROR_PROTOCOL);
    VALUE(POSTERN_ERROR_BAD_PARAM);
    VALUE(POSTERN_ERROR_CONFLICT);
    VALUE(POSTERN_ERROR_CANCELLED);
    VALUE(POSTERN_FIELD_REQUIRED);
    VALUE(POSTERN_FIELD_SECRET);
    VALUE(POSTERN_TASK_READ_ONLY);
    VALUE(POSTERN_TASK_DISRUPTIVE);
    VALUE(POSTERN_TASK_IDEMPOTENT);
    VALUE(POSTERN_TASK_PROBE);
    VALUE(POSTERN_TASK_SERVICE);
    VALUE(POSTERN_TASK_NO_TARGET);
    VALUE(POSTERN_HTTP_REPEATABLE);
}

int
main(void)
{
    layout_field();
    layout_task();
    layout_credential_type();
    layout_run_svc();
    layout_tasks_svc();
    layout_credential_svc();
    layout_secrets_svc();
    layout_http_svc();
    layout_stream_svc();
    layout_sweep();
    layout_datagram_svc();
    layout_clock_svc();
    layout_host();
    layout_plugin();
    constants();
    return 0;
}
