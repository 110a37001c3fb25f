/* SPDX-License-Identifier: Apache-2.0 */
#include "config.h"

#include "reactor.h"

#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

enum { TIMERS = 500, PAIRS = 50 };

typedef struct {
    GMainContext *context;
    Reactor *reactor;
} Fixture;

static void
setup(Fixture *fixture, gconstpointer data)
{
    fixture->context = g_main_context_new();
    fixture->reactor = reactor_new(fixture->context, NULL);
    g_assert_nonnull(fixture->reactor);
}

static void
teardown(Fixture *fixture, gconstpointer data)
{
    reactor_free(fixture->reactor);
    g_main_context_unref(fixture->context);
}

typedef struct {
    ReactorTimer timer;
    guint fired;
} TestTimer;

static gint64 last_due;

static void
fired(ReactorTimer *timer)
{
    g_assert_cmpint(timer->due, >=, last_due);
    g_assert_cmpint(g_get_monotonic_time(), >=, timer->due);
    last_due = timer->due;
    ((TestTimer *)timer)->fired++;
}

/* Started, moved and stopped in disorder, timers fire once each and in order of their time. */
static void
test_timers(Fixture *fixture, gconstpointer data)
{
    g_autofree TestTimer *timers = g_new0(TestTimer, TIMERS);
    gint64 now = g_get_monotonic_time();

    last_due = 0;
    for (guint i = 0; i < TIMERS; i++) {
        timers[i].timer.fire = fired;
        reactor_timer_start(fixture->reactor, &timers[i].timer, now + g_random_int_range(0, 30000));
    }
    for (guint i = 0; i < TIMERS; i += 3)
        reactor_timer_start(fixture->reactor, &timers[i].timer, now + g_random_int_range(0, 30000));
    for (guint i = 0; i < TIMERS; i += 5)
        reactor_timer_stop(&timers[i].timer);
    g_assert_cmpuint(reactor_timers(fixture->reactor), ==, TIMERS - TIMERS / 5);
    while (reactor_timers(fixture->reactor) > 0)
        g_main_context_iteration(fixture->context, TRUE);
    for (guint i = 0; i < TIMERS; i++)
        g_assert_cmpuint(timers[i].fired, ==, i % 5 == 0 ? 0 : 1);
}

typedef struct {
    ReactorWatch watch;
    guint calls;
    struct TestPair *all;
} TestPairWatch;

typedef struct TestPair {
    int fds[2];
    TestPairWatch watch;
} TestPair;

/* The first to be told removes all others, whose events were fetched in the same go. */
static void
remove_all(ReactorWatch *watch, guint32 events)
{
    TestPairWatch *self = (TestPairWatch *)watch;

    self->calls++;
    for (guint i = 0; i < PAIRS; i++)
        reactor_unwatch(&self->all[i].watch.watch);
}

static void
test_unwatch_in_batch(Fixture *fixture, gconstpointer data)
{
    g_autofree TestPair *pairs = g_new0(TestPair, PAIRS);
    guint calls = 0;

    for (guint i = 0; i < PAIRS; i++) {
        g_assert_cmpint(socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0, pairs[i].fds), ==, 0);
        pairs[i].watch.all = pairs;
        pairs[i].watch.watch.fd = pairs[i].fds[0];
        pairs[i].watch.watch.ready = remove_all;
        g_assert_true(reactor_watch(fixture->reactor, &pairs[i].watch.watch, EPOLLIN, NULL));
        g_assert_cmpint(write(pairs[i].fds[1], "x", 1), ==, 1);
    }
    g_assert_cmpuint(reactor_watches(fixture->reactor), ==, PAIRS);
    g_main_context_iteration(fixture->context, TRUE);
    for (guint i = 0; i < PAIRS; i++) {
        calls += pairs[i].watch.calls;
        close(pairs[i].fds[0]);
        close(pairs[i].fds[1]);
    }
    g_assert_cmpuint(calls, ==, 1);
    g_assert_cmpuint(reactor_watches(fixture->reactor), ==, 0);
}

static void
test_bad_descriptor(Fixture *fixture, gconstpointer data)
{
    ReactorWatch watch = {.fd = -1};
    g_autoptr(GError) error = NULL;

    g_assert_false(reactor_watch(fixture->reactor, &watch, EPOLLIN, &error));
    g_assert_nonnull(error);
    g_assert_null(watch.reactor);
}

int
main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add("/reactor/timers", Fixture, NULL, setup, test_timers, teardown);
    g_test_add("/reactor/unwatch-in-batch", Fixture, NULL, setup, test_unwatch_in_batch, teardown);
    g_test_add("/reactor/bad-descriptor", Fixture, NULL, setup, test_bad_descriptor, teardown);
    return g_test_run();
}
