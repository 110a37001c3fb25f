/* SPDX-License-Identifier: Apache-2.0 */
#include "config.h"

#include "credential.h"
#include "datagram.h"
#include "host.h"
#include "http.h"
#include "run.h"
#include "stream.h"

#include <string.h>

/* Every service of this host, one line each; its table stands beside what it offers. */
static const struct {
    const char *id;
    gconstpointer table;
} services[] = {
    {POSTERN_SVC_RUN, &run_service},
    {POSTERN_SVC_TASKS, &tasks_service},
    {POSTERN_SVC_CLOCK, &clock_service},
    {POSTERN_SVC_CREDENTIALS, &credential_service},
    {POSTERN_SVC_HTTP, &http_service},
    {POSTERN_SVC_STREAM, &stream_service},
    {POSTERN_SVC_DATAGRAM, &datagram_service},
    {POSTERN_SVC_INVENTORY, &inventory_service},
    {POSTERN_SVC_SECRETS, &secrets_service},
};

const void *
host_service(const char *id)
{
    for (guint i = 0; id != NULL && i < G_N_ELEMENTS(services); i++)
        if (strcmp(services[i].id, id) == 0)
            return services[i].table;
    return NULL;
}
