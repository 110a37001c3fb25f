/* SPDX-License-Identifier: Apache-2.0 */
#include "config.h"

#include "crash.h"
#include "device.h"
#include "stream.h"
#include "worker.h"

#include <postern-plugin.h>

#include <malloc.h>
#include <pthread.h>

/* Longer than this inside one fiber is worth a warning; a handshake or a big parse stays well below. */
enum { HELD_WARN_US = 250 * 1000, MONITOR_US = 250 * 1000, STOP_GRACE_US = 2 * 1000 * 1000 };

enum { HEAP_KEPT = 1024 * 1024 };

typedef struct {
    void (*fn)(gpointer data);
    gpointer data;
} Letter;

/* Locks are those of the system, not GLib's: the thread checker knows them, so it can prove this file. */
struct Worker {
    GPtrArray *all; /* started together; borrowed */
    guint index;
    GThread *thread;
    GMainContext *context;
    Reactor *reactor;
    FiberPool *fibers;
    GHashTable *devices;
    pthread_mutex_t lock;    /* inbox and holder */
    GArray *inbox, *reading; /* of Letter */
    const WorkerHolder *holder;
    gint64 held_since, warned; /* 0: not held; the held_since last warned of */
    gboolean stop, stopped;
};

static __thread Worker *current;

Worker *
worker_current(void)
{
    return current;
}

Worker *
worker_for(const Worker *worker, const char *host)
{
    return worker->all->pdata[host == NULL ? 0 : g_str_hash(host) % worker->all->len];
}

guint
worker_index(const Worker *worker)
{
    return worker->index;
}

GMainContext *
worker_context(const Worker *worker)
{
    return worker->context;
}

Reactor *
worker_reactor(const Worker *worker)
{
    return worker->reactor;
}

FiberPool *
worker_fibers(const Worker *worker)
{
    return worker->fibers;
}

GHashTable *
worker_devices(const Worker *worker)
{
    return worker->devices;
}

/* ---- letters ---- */

void
worker_post(Worker *worker, void (*fn)(gpointer data), gpointer data)
{
    Letter letter = {fn, data};
    gboolean first;

    pthread_mutex_lock(&worker->lock);
    first = worker->inbox->len == 0;
    g_array_append_val(worker->inbox, letter);
    pthread_mutex_unlock(&worker->lock);
    if (first && worker != current)
        g_main_context_wakeup(worker->context);
}

/* Read what is there now; letters that come meanwhile are read at the next turn. TRUE: something was there. */
static gboolean
worker_read(Worker *worker)
{
    GArray *letters;
    gboolean any;

    pthread_mutex_lock(&worker->lock);
    letters = worker->inbox;
    worker->inbox = worker->reading;
    worker->reading = letters;
    pthread_mutex_unlock(&worker->lock);
    for (guint i = 0; i < letters->len; i++) {
        Letter letter = g_array_index(letters, Letter, i);
        letter.fn(letter.data);
    }
    any = letters->len > 0;
    g_array_set_size(letters, 0);
    return any;
}

static gpointer
worker_main(gpointer data)
{
    Worker *worker = data;

    current = worker;
    crash_thread_init();
    g_main_context_push_thread_default(worker->context);
    while (!g_atomic_int_get(&worker->stop)) {
        gboolean any = worker_read(worker);
        g_main_context_iteration(worker->context, !any);
    }
    while (worker_read(worker))
        ; /* the last letters give back what the last runs held */
    g_main_context_pop_thread_default(worker->context);
    g_atomic_int_set(&worker->stopped, TRUE);
    return NULL;
}

/* ---- who holds it ---- */

static void
worker_set_holder(Worker *worker, const WorkerHolder *holder, gint64 since)
{
    pthread_mutex_lock(&worker->lock);
    worker->holder = holder;
    worker->held_since = since;
    pthread_mutex_unlock(&worker->lock);
}

void
worker_resume(Worker *worker, Fiber *fiber, const WorkerHolder *holder)
{
    worker_set_holder(worker, holder, g_get_monotonic_time());
    fiber_resume(fiber);
    worker_set_holder(worker, NULL, 0);
}

gint64
worker_held_for(Worker *worker)
{
    gint64 since;

    pthread_mutex_lock(&worker->lock);
    since = worker->held_since;
    pthread_mutex_unlock(&worker->lock);
    return since == 0 ? 0 : g_get_monotonic_time() - since;
}

static char *
holder_text(const WorkerHolder *holder)
{
    return g_strdup_printf(
        "task %s of plugin %s on %s", holder->task, holder->plugin, holder->target);
}

char *
worker_held_text(Worker *worker)
{
    char *text;

    pthread_mutex_lock(&worker->lock);
    text = worker->holder == NULL ? NULL : holder_text(worker->holder);
    pthread_mutex_unlock(&worker->lock);
    return text;
}

void
worker_crash_text(char *buffer, gsize length)
{
    const WorkerHolder *holder = current == NULL ? NULL : current->holder;

    buffer[0] = '\0';
    if (holder == NULL)
        return;
    g_strlcat(buffer, "task ", length);
    g_strlcat(buffer, holder->task, length);
    g_strlcat(buffer, " of plugin ", length);
    g_strlcat(buffer, holder->plugin, length);
    g_strlcat(buffer, " on ", length);
    g_strlcat(buffer, holder->target, length);
}

/* ---- the monitor: one thread for all workers of the process, because a held worker cannot look itself ---- */

static void
monitor_look(Worker *worker)
{
    g_autofree char *text = NULL;
    gint64 held = 0;

    pthread_mutex_lock(&worker->lock);
    if (worker->held_since != 0 && worker->warned != worker->held_since) {
        held = g_get_monotonic_time() - worker->held_since;
        if (held >= HELD_WARN_US) {
            worker->warned = worker->held_since;
            text = holder_text(worker->holder);
        }
    }
    pthread_mutex_unlock(&worker->lock);
    if (text != NULL)
        g_warning("%s has held worker %u for %" G_GINT64_FORMAT
                  " ms without a break: every other run on that worker waits; blocking code "
                  "belongs in in_thread()",
                  text,
                  worker->index,
                  held / 1000);
}

typedef struct {
    GThread *thread;
    pthread_mutex_t lock;
    pthread_cond_t wake;
    GPtrArray *workers;
    gboolean stop;
} Monitor;

static void
monitor_wait(Monitor *monitor)
{
    gint64 until = g_get_real_time() + MONITOR_US;
    struct timespec when = {.tv_sec = until / G_USEC_PER_SEC,
                            .tv_nsec = until % G_USEC_PER_SEC * 1000};

    pthread_cond_timedwait(&monitor->wake, &monitor->lock, &when);
}

static gpointer
monitor_main(gpointer data)
{
    Monitor *monitor = data;

    pthread_mutex_lock(&monitor->lock);
    while (!monitor->stop) {
        monitor_wait(monitor);
        for (guint i = 0; i < monitor->workers->len && !monitor->stop; i++)
            monitor_look(monitor->workers->pdata[i]);
    }
    pthread_mutex_unlock(&monitor->lock);
    return NULL;
}

static GHashTable *monitors; /* workers array -> Monitor; main thread only */

static void
monitor_start(GPtrArray *workers)
{
    Monitor *monitor = g_new0(Monitor, 1);

    pthread_mutex_init(&monitor->lock, NULL);
    pthread_cond_init(&monitor->wake, NULL);
    monitor->workers = workers;
    monitor->thread = g_thread_new("monitor", monitor_main, monitor);
    if (monitors == NULL)
        monitors = g_hash_table_new(NULL, NULL);
    g_hash_table_insert(monitors, workers, monitor);
}

static void
monitor_stop(GPtrArray *workers)
{
    Monitor *monitor = monitors == NULL ? NULL : g_hash_table_lookup(monitors, workers);

    if (monitor == NULL)
        return;
    pthread_mutex_lock(&monitor->lock);
    monitor->stop = TRUE;
    pthread_cond_signal(&monitor->wake);
    pthread_mutex_unlock(&monitor->lock);
    g_thread_join(monitor->thread);
    g_hash_table_remove(monitors, workers);
    if (g_hash_table_size(monitors) == 0)
        g_clear_pointer(&monitors, g_hash_table_unref);
    pthread_cond_destroy(&monitor->wake);
    pthread_mutex_destroy(&monitor->lock);
    g_free(monitor);
}

/* ---- life ---- */

static void
worker_free(Worker *worker)
{
    g_hash_table_unref(worker->devices);
    reactor_free(worker->reactor);
    fiber_pool_free(worker->fibers);
    g_main_context_unref(worker->context);
    g_array_unref(worker->inbox);
    g_array_unref(worker->reading);
    pthread_mutex_destroy(&worker->lock);
    g_free(worker);
}

static Worker *
worker_start(guint index, GError **error)
{
    Worker *worker = g_new0(Worker, 1);
    g_autofree char *name = g_strdup_printf("worker-%u", index);

    worker->index = index;
    worker->context = g_main_context_new();
    worker->fibers = fiber_pool_new();
    worker->devices = g_hash_table_new_full(g_str_hash, g_str_equal, NULL, device_free);
    worker->inbox = g_array_new(FALSE, FALSE, sizeof(Letter));
    worker->reading = g_array_new(FALSE, FALSE, sizeof(Letter));
    pthread_mutex_init(&worker->lock, NULL);
    worker->reactor = reactor_new(worker->context, error);
    if (worker->reactor != NULL)
        worker->thread = g_thread_try_new(name, worker_main, worker, error);
    if (worker->thread == NULL) {
        worker_free(worker);
        return NULL;
    }
    return worker;
}

/* Each worker has a heap of its own, which grows and shrinks with every device unless told to keep a little. */
static void
keep_heaps(void)
{
    mallopt(M_TOP_PAD, HEAP_KEPT);
    mallopt(M_TRIM_THRESHOLD, 4 * HEAP_KEPT);
}

GPtrArray *
workers_start(guint count, GError **error)
{
    g_autoptr(GPtrArray) workers = g_ptr_array_new();

    stream_prepare_process();
    keep_heaps();
    if (count == 0)
        count = g_get_num_processors();
    for (guint i = 0; i < MIN(count, 64); i++) {
        Worker *worker = worker_start(i, error);
        if (worker == NULL) {
            g_prefix_error(error, "cannot start worker %u: ", i);
            workers_stop(g_steal_pointer(&workers));
            return NULL;
        }
        worker->all = workers;
        g_ptr_array_add(workers, worker);
    }
    monitor_start(workers);
    return g_steal_pointer(&workers);
}

/* FALSE if it does not come back within the grace time. */
static gboolean
worker_stop(Worker *worker)
{
    gint64 give_up = g_get_monotonic_time() + STOP_GRACE_US;

    g_atomic_int_set(&worker->stop, TRUE);
    g_main_context_wakeup(worker->context);
    while (!g_atomic_int_get(&worker->stopped) && worker_held_for(worker) > HELD_WARN_US &&
           g_get_monotonic_time() < give_up)
        g_usleep(10000);
    if (!g_atomic_int_get(&worker->stopped) && worker_held_for(worker) > HELD_WARN_US)
        return FALSE;
    g_thread_join(worker->thread);
    worker_free(worker);
    return TRUE;
}

gboolean
workers_stop(GPtrArray *workers)
{
    gboolean all = TRUE;

    if (workers == NULL)
        return TRUE;
    monitor_stop(workers);
    for (guint i = 0; i < workers->len; i++)
        all = worker_stop(workers->pdata[i]) && all;
    g_ptr_array_unref(workers);
    return all;
}
