/* SPDX-License-Identifier: Apache-2.0 */
#include "config.h"

#include "args.h"
#include "error.h"
#include "out.h"
#include "progress.h"
#include "stop.h"

#include <errno.h>
#include <glib-unix.h>
#include <signal.h>
#include <sys/eventfd.h>
#include <unistd.h>

static const int numbers[] = {SIGINT, SIGTERM, SIGHUP};

static struct {
    Batch *batch;
    int event;
    guint source;
    volatile sig_atomic_t count;
} stop = {.event = -1};

/* The second one ends here, not in the main loop, which may be stuck writing to somebody who does
 * not read. */
static void
on_signal(int number)
{
    int saved = errno;
    guint64 one = 1;

    if (++stop.count > 1) {
        progress_hide_now();
        _exit(STATUS_INTERRUPTED);
    }
    if (write(stop.event, &one, sizeof one) < 0)
        _exit(STATUS_INTERRUPTED);
    errno = saved;
}

static gboolean
on_event(gint fd, GIOCondition condition, gpointer data)
{
    BatchCounts counts;
    guint64 one;

    if (read(fd, &one, sizeof one) < 0)
        return G_SOURCE_CONTINUE;
    batch_counts(stop.batch, &counts);
    complain("cancelling %" G_GUINT64_FORMAT " in flight; once more ends at once",
             counts.in_flight);
    batch_cancel(stop.batch, "ended by the user");
    return G_SOURCE_CONTINUE;
}

gboolean
stop_begin(Batch *batch, GError **error)
{
    struct sigaction action = {.sa_handler = on_signal, .sa_flags = SA_RESTART};

    stop.batch = batch;
    stop.count = 0;
    stop.event = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    if (stop.event < 0) {
        error_set_errno(error, errno, "cannot watch for signals");
        return FALSE;
    }
    stop.source = g_unix_fd_add(stop.event, G_IO_IN, on_event, NULL);
    for (guint i = 0; i < G_N_ELEMENTS(numbers); i++)
        sigaction(numbers[i], &action, NULL);
    return TRUE;
}

void
stop_end(void)
{
    for (guint i = 0; i < G_N_ELEMENTS(numbers); i++)
        signal(numbers[i], SIG_DFL);
    g_clear_handle_id(&stop.source, g_source_remove);
    if (stop.event >= 0)
        close(stop.event);
    stop.event = -1;
}
