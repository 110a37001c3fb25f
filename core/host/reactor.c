/* SPDX-License-Identifier: Apache-2.0 */
#include "config.h"

#include "reactor.h"

#include <errno.h>
#include <gio/gio.h>
#include <sys/epoll.h>
#include <unistd.h>

/* Events fetched at a time; and how often again before the main loop has its turn, which costs more than a look. */
enum { BATCH = 256, ROUNDS = 4 };

struct Reactor {
    GSource source; /* first: GLib allocates the whole */
    int epoll;
    gpointer tag;
    guint watches;
    GPtrArray *heap; /* of ReactorTimer, earliest first */
    /* the events being dispatched, so that a removed watch can be taken out of them */
    struct epoll_event batch[BATCH];
    int batch_used, batch_at;
};

/* ---- timers: a binary heap ---- */

static ReactorTimer *
heap_at(const Reactor *reactor, guint place)
{
    return reactor->heap->pdata[place];
}

static void
heap_put(Reactor *reactor, guint place, ReactorTimer *timer)
{
    reactor->heap->pdata[place] = timer;
    timer->place = place;
}

static void
heap_rise(Reactor *reactor, ReactorTimer *timer)
{
    guint place = timer->place;

    while (place > 0 && heap_at(reactor, (place - 1) / 2)->due > timer->due) {
        heap_put(reactor, place, heap_at(reactor, (place - 1) / 2));
        place = (place - 1) / 2;
    }
    heap_put(reactor, place, timer);
}

static void
heap_sink(Reactor *reactor, ReactorTimer *timer)
{
    guint place = timer->place, n = reactor->heap->len;

    for (guint child = 2 * place + 1; child < n; child = 2 * place + 1) {
        if (child + 1 < n && heap_at(reactor, child + 1)->due < heap_at(reactor, child)->due)
            child++;
        if (heap_at(reactor, child)->due >= timer->due)
            break;
        heap_put(reactor, place, heap_at(reactor, child));
        place = child;
    }
    heap_put(reactor, place, timer);
}

static void
arm(Reactor *reactor)
{
    g_source_set_ready_time(&reactor->source, reactor->heap->len ? heap_at(reactor, 0)->due : -1);
}

void
reactor_timer_start(Reactor *reactor, ReactorTimer *timer, gint64 due)
{
    gboolean was_first;

    if (timer->reactor == NULL) {
        timer->reactor = reactor;
        timer->place = reactor->heap->len;
        g_ptr_array_add(reactor->heap, timer);
        timer->due = G_MAXINT64;
    }
    was_first = timer->place == 0;
    timer->due = due;
    heap_rise(reactor, timer);
    heap_sink(reactor, timer);
    if (was_first || timer->place == 0)
        arm(reactor);
}

void
reactor_timer_stop(ReactorTimer *timer)
{
    Reactor *reactor = timer->reactor;
    guint place = timer->place;
    ReactorTimer *last;

    if (reactor == NULL)
        return;
    timer->reactor = NULL;
    last = heap_at(reactor, reactor->heap->len - 1);
    g_ptr_array_set_size(reactor->heap, (gint)reactor->heap->len - 1);
    if (last != timer) {
        heap_put(reactor, place, last);
        heap_rise(reactor, last);
        heap_sink(reactor, last);
    }
    if (place == 0)
        arm(reactor);
}

static void
fire_due(Reactor *reactor)
{
    gint64 now = g_get_monotonic_time();

    while (reactor->heap->len > 0 && heap_at(reactor, 0)->due <= now) {
        ReactorTimer *timer = heap_at(reactor, 0);
        reactor_timer_stop(timer);
        timer->fire(timer);
    }
}

/* ---- watches ---- */

gboolean
reactor_watch(Reactor *reactor, ReactorWatch *watch, guint32 events, GError **error)
{
    struct epoll_event event = {.events = events, .data.ptr = watch};

    g_return_val_if_fail(watch->reactor == NULL, FALSE);
    if (epoll_ctl(reactor->epoll, EPOLL_CTL_ADD, watch->fd, &event) != 0) {
        g_set_error(error,
                    G_IO_ERROR,
                    g_io_error_from_errno(errno),
                    "cannot watch descriptor %d: %s",
                    watch->fd,
                    g_strerror(errno));
        return FALSE;
    }
    watch->reactor = reactor;
    reactor->watches++;
    return TRUE;
}

void
reactor_rewatch(ReactorWatch *watch, guint32 events)
{
    struct epoll_event event = {.events = events, .data.ptr = watch};

    g_return_if_fail(watch->reactor != NULL);
    if (epoll_ctl(watch->reactor->epoll, EPOLL_CTL_MOD, watch->fd, &event) != 0)
        g_critical("cannot change the watch of descriptor %d: %s", watch->fd, g_strerror(errno));
}

void
reactor_unwatch_closing(ReactorWatch *watch)
{
    Reactor *reactor = watch->reactor;

    if (reactor == NULL)
        return;
    watch->reactor = NULL;
    reactor->watches--;
    for (int i = reactor->batch_at; i < reactor->batch_used; i++)
        if (reactor->batch[i].data.ptr == watch)
            reactor->batch[i].data.ptr = NULL;
}

void
reactor_unwatch(ReactorWatch *watch)
{
    if (watch->reactor == NULL)
        return;
    epoll_ctl(watch->reactor->epoll, EPOLL_CTL_DEL, watch->fd, NULL);
    reactor_unwatch_closing(watch);
}

/* TRUE: there was something, so there may be more. */
static gboolean
deliver_events(Reactor *reactor)
{
    int n = epoll_wait(reactor->epoll, reactor->batch, BATCH, 0);

    reactor->batch_used = MAX(n, 0);
    for (reactor->batch_at = 0; reactor->batch_at < reactor->batch_used;) {
        struct epoll_event *event = &reactor->batch[reactor->batch_at++];
        ReactorWatch *watch = event->data.ptr;
        if (watch != NULL)
            watch->ready(watch, event->events);
    }
    reactor->batch_used = reactor->batch_at = 0;
    return n > 0;
}

/* ---- the one source ---- */

static gboolean
dispatch(GSource *source, GSourceFunc callback, gpointer data)
{
    Reactor *reactor = (Reactor *)source;

    if (g_source_query_unix_fd(source, reactor->tag) != 0)
        for (guint round = 0; round < ROUNDS && deliver_events(reactor); round++)
            ;
    fire_due(reactor);
    return G_SOURCE_CONTINUE;
}

static void
finalize(GSource *source)
{
    Reactor *reactor = (Reactor *)source;

    close(reactor->epoll);
    g_ptr_array_unref(reactor->heap);
}

static GSourceFuncs reactor_funcs = {.dispatch = dispatch, .finalize = finalize};

Reactor *
reactor_new(GMainContext *context, GError **error)
{
    int epoll = epoll_create1(EPOLL_CLOEXEC);
    Reactor *reactor;

    if (epoll < 0) {
        g_set_error(error,
                    G_IO_ERROR,
                    g_io_error_from_errno(errno),
                    "cannot create an epoll descriptor: %s",
                    g_strerror(errno));
        return NULL;
    }
    reactor = (Reactor *)g_source_new(&reactor_funcs, sizeof *reactor);
    reactor->epoll = epoll;
    reactor->heap = g_ptr_array_new();
    reactor->tag = g_source_add_unix_fd(&reactor->source, epoll, G_IO_IN);
    g_source_set_static_name(&reactor->source, "postern reactor");
    g_source_attach(&reactor->source, context);
    return reactor;
}

void
reactor_free(Reactor *reactor)
{
    if (reactor == NULL)
        return;
    for (guint i = 0; i < reactor->heap->len; i++)
        heap_at(reactor, i)->reactor = NULL;
    g_ptr_array_set_size(reactor->heap, 0);
    g_source_destroy(&reactor->source);
    g_source_unref(&reactor->source);
}

guint
reactor_watches(const Reactor *reactor)
{
    return reactor->watches;
}

guint
reactor_timers(const Reactor *reactor)
{
    return reactor->heap->len;
}
