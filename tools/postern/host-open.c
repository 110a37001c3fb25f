/* SPDX-License-Identifier: Apache-2.0 */
#include "config.h"

#include "diagnose.h"
#include "fleet.h"
#include "host-open.h"
#include "out.h"

Host *
host_open(const Args *args)
{
    HostOptions options = {
        .config_file = args->config, .refresh = args->refresh, .sections = fleet_sections};
    g_autoptr(GError) error = NULL;
    g_autoptr(Host) host = host_new(&options, &error);

    if (host != NULL && diagnose_add(host_registry(host), &error))
        return g_steal_pointer(&host);
    complain("%s", error->message);
    return NULL;
}

Host *
host_open_leniently(const Args *args, GPtrArray *problems)
{
    HostOptions options = {.config_file = args->config,
                           .sections = fleet_sections,
                           .describe_all = TRUE,
                           .problems = problems};
    g_autoptr(GError) error = NULL;
    Host *host = host_new(&options, &error);

    if (host == NULL)
        g_ptr_array_add(problems, g_strdup(error->message));
    return host;
}
