/* SPDX-License-Identifier: Apache-2.0 */
/* Files that tasks read and write, on a thread that may wait for them. */
#include "amt-x509.h"

#include <openssl/crypto.h>

typedef struct {
    const char *path, *text;
    gsize most;
    GBytes *content;
} FileJob;

static gboolean
failed(const char *what, const char *path, GError *why, GError **error)
{
    postern_fail(error, POSTERN_ERROR_BAD_PARAM, "cannot %s %s: %s", what, path, why->message);
    g_error_free(why);
    return FALSE;
}

static gboolean
read_job(gpointer data, GCancellable *cancellable, GError **error)
{
    FileJob *job = data;
    GError *why = NULL;
    g_autoptr(GFile) file = g_file_new_for_path(job->path);
    g_autoptr(GFileInputStream) stream = g_file_read(file, cancellable, &why);
    g_autofree guint8 *bytes = NULL;
    gsize length = 0;

    if (stream == NULL)
        return failed("read", job->path, why, error);
    bytes = g_malloc(job->most + 1);
    /* to its end: a pipe gives a piece at a time */
    if (!g_input_stream_read_all(
            G_INPUT_STREAM(stream), bytes, job->most + 1, &length, cancellable, &why))
        return failed("read", job->path, why, error);
    job->content = g_bytes_new_take(g_steal_pointer(&bytes), length);
    return length <= job->most ||
           postern_fail(error,
                        POSTERN_ERROR_BAD_PARAM,
                        "%s is larger than %" G_GSIZE_FORMAT " bytes: it is not what was expected",
                        job->path,
                        job->most);
}

GBytes *
amt_file_read(const Amt *amt, PosternRun *run, const char *path, gsize most, GError **error)
{
    FileJob job = {.path = path, .most = most};

    if (amt->svc.run->in_thread(run, read_job, &job, error))
        return job.content;
    g_clear_pointer(&job.content, g_bytes_unref);
    return NULL;
}

void
amt_file_wipe(GBytes *content)
{
    gsize length = 0;
    gconstpointer data = g_bytes_get_data(content, &length);

    OPENSSL_cleanse((gpointer)(gsize)data, length); /* it is ours alone */
}

static gboolean
write_job(gpointer data, GCancellable *cancellable, GError **error)
{
    const FileJob *job = data;
    GError *why = NULL;

    return g_file_set_contents(job->path, job->text, -1, &why) ||
           failed("write", job->path, why, error);
}

gboolean
amt_file_write(const Amt *amt, PosternRun *run, const char *path, const char *text, GError **error)
{
    FileJob job = {.path = path, .text = text};

    return amt->svc.run->in_thread(run, write_job, &job, error);
}
