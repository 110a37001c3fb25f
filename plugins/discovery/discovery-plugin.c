/* SPDX-License-Identifier: Apache-2.0 */
/* The plugin's tables. */
#include "discovery.h"

/* clang-format off */
static const PosternTask *const tasks[] = {&discovery_ports_task, &discovery_resolve_task, NULL};
static const char *const services[] = {POSTERN_SVC_RUN, POSTERN_SVC_STREAM, POSTERN_SVC_DATAGRAM, NULL};
/* clang-format on */

static gpointer
discovery_create(const PosternHost *host, GVariant *config, GError **error)
{
    Discovery *discovery = g_new0(Discovery, 1);

    postern_services_init(&discovery->svc, host);
    return discovery;
}

static const PosternPlugin discovery_plugin = {
    .magic = POSTERN_MAGIC,
    .size = sizeof(PosternPlugin),
    .abi_major = POSTERN_ABI_MAJOR,
    .abi_minor = POSTERN_ABI_MINOR,
    .abi_minor_needed = 0,
    .name = "discovery",
    .version = "0.1.0",
    .license = "Apache-2.0",
    .summary = "what can be told of a machine from outside: its names, its ports",
    .origin = "postern",
    .requires_services = services,
    .tasks = tasks,
    .create = discovery_create,
    .destroy = g_free,
};

POSTERN_PLUGIN(discovery)
{
    return &discovery_plugin;
}
