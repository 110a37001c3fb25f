/* SPDX-License-Identifier: Apache-2.0 */
/*
 * postern-host.h - the host's services, fetched once, and short forms of what tasks do most.
 *
 *     static PosternServices svc;
 *     gpointer create (const PosternHost *host, GVariant *config, GError **error)
 *     {
 *         postern_services_init (&svc, host);
 *         ...
 *     }
 */
#ifndef POSTERN_HOST_H
#define POSTERN_HOST_H

#include <postern-params.h>

G_BEGIN_DECLS

/* A service that the host lacks is NULL; name what you cannot do without in PosternPlugin.requires_services. */
typedef struct {
    const PosternHost *host;
    const PosternRunSvc *run;
    const PosternTasksSvc *tasks;
    const PosternCredentialSvc *credentials;
    const PosternHttpSvc *http;
    const PosternStreamSvc *stream;
    const PosternDatagramSvc *datagram;
    const PosternClockSvc *clock;
    const PosternInventorySvc *inventory;
    const PosternSecretsSvc *secrets;
} PosternServices;

static inline const void *
postern_service(const PosternHost *host, const char *id)
{
    return host->service(host->impl, id);
}

static inline void
postern_services_init(PosternServices *svc, const PosternHost *host)
{
    svc->host = host;
    svc->run = (const PosternRunSvc *)postern_service(host, POSTERN_SVC_RUN);
    svc->tasks = (const PosternTasksSvc *)postern_service(host, POSTERN_SVC_TASKS);
    svc->credentials = (const PosternCredentialSvc *)postern_service(host, POSTERN_SVC_CREDENTIALS);
    svc->http = (const PosternHttpSvc *)postern_service(host, POSTERN_SVC_HTTP);
    svc->stream = (const PosternStreamSvc *)postern_service(host, POSTERN_SVC_STREAM);
    svc->datagram = (const PosternDatagramSvc *)postern_service(host, POSTERN_SVC_DATAGRAM);
    svc->clock = (const PosternClockSvc *)postern_service(host, POSTERN_SVC_CLOCK);
    svc->inventory = (const PosternInventorySvc *)postern_service(host, POSTERN_SVC_INVENTORY);
    svc->secrets = (const PosternSecretsSvc *)postern_service(host, POSTERN_SVC_SECRETS);
}

/* Set `error` and return FALSE: `return postern_fail (error, POSTERN_ERROR_DEVICE, "...", ...);` */
G_GNUC_PRINTF(3, 4)
static inline gboolean
postern_fail(GError **error, PosternError code, const char *format, ...)
{
    va_list args;

    va_start(args, format);
    if (error != NULL)
        *error = g_error_new_valist(POSTERN_ERROR, (gint)code, format, args);
    va_end(args);
    return FALSE;
}

/* One line of the run's log, formatted. */
G_GNUC_PRINTF(4, 5)
static inline void
postern_log(const PosternServices *svc, PosternRun *run, GLogLevelFlags level, const char *format, ...)
{
    g_autofree char *text = NULL;
    va_list args;

    va_start(args, format);
    text = g_strdup_vprintf(format, args);
    va_end(args);
    svc->run->log(run, level, text);
}

G_END_DECLS

#endif /* POSTERN_HOST_H */
