/* SPDX-License-Identifier: Apache-2.0 */
#include "config.h"

#include "fiber.h"

enum { MANY = 1000, STEPS = 5 };

typedef struct {
    FiberPool *pool;
    Fiber *fiber;
    guint step, ended;
    char local_seen[64];
} Walker;

/* What a fiber keeps on its stack must survive that others run meanwhile. */
static void
walk(gpointer data)
{
    Walker *walker = data;
    char local[64];

    g_snprintf(local, sizeof local, "walker %p", data);
    for (; walker->step < STEPS; walker->step++) {
        g_assert_true(fiber_current() == walker->fiber);
        g_assert_true(fiber_owner(walker->fiber) == walker);
        fiber_suspend();
    }
    g_strlcpy(walker->local_seen, local, sizeof walker->local_seen);
    walker->ended++;
}

static void
test_many_in_turn(void)
{
    g_autofree Walker *walkers = g_new0(Walker, MANY);
    FiberPool *pool = fiber_pool_new();
    g_autoptr(GError) error = NULL;

    for (guint i = 0; i < MANY; i++) {
        walkers[i].fiber = fiber_new(pool, walk, &walkers[i], &error);
        g_assert_no_error(error);
        fiber_set_owner(walkers[i].fiber, &walkers[i]);
    }
    for (guint step = 0; step <= STEPS; step++)
        for (guint i = 0; i < MANY; i++) {
            g_assert_cmpuint(walkers[i].step, ==, step == 0 ? 0 : step - 1);
            fiber_resume(walkers[i].fiber);
            g_assert_null(fiber_current());
        }
    for (guint i = 0; i < MANY; i++) {
        g_autofree char *wanted = g_strdup_printf("walker %p", (gpointer)&walkers[i]);
        g_assert_cmpuint(walkers[i].ended, ==, 1);
        g_assert_cmpstr(walkers[i].local_seen, ==, wanted);
    }
    fiber_pool_free(pool);
}

static void
count_up(gpointer data)
{
    (*(guint *)data)++;
}

/* A pooled stack serves one user after another. */
static void
test_reuse(void)
{
    FiberPool *pool = fiber_pool_new();
    guint count = 0;
    Fiber *first = NULL;

    for (guint i = 0; i < 10 * FIBERS_KEPT; i++) {
        Fiber *fiber = fiber_new(pool, count_up, &count, NULL);
        g_assert_nonnull(fiber);
        first = first == NULL ? fiber : first;
        g_assert_true(fiber == first);
        fiber_resume(fiber);
    }
    g_assert_cmpuint(count, ==, 10 * FIBERS_KEPT);
    fiber_pool_free(pool);
}

/* Most of a stack can be used. */
static void
use_much(gpointer data)
{
    volatile char room[FIBER_STACK_SIZE / 2];

    for (guint i = 0; i < sizeof room; i++)
        room[i] = 7;
    fiber_suspend();
    *(guint *)data = (guint)room[0] + (guint)room[sizeof room - 1];
}

static void
test_deep(void)
{
    FiberPool *pool = fiber_pool_new();
    guint sum = 0;
    Fiber *fiber = fiber_new(pool, use_much, &sum, NULL);

    fiber_resume(fiber);
    fiber_resume(fiber);
    g_assert_cmpuint(sum, ==, 14);
    fiber_pool_free(pool);
}

/* Going below the stack ends in the guard page, not in somebody else's memory. */
static guint
descend(guint depth)
{
    volatile char room[1024];

    room[0] = (char)depth;
    return depth == 0 ? (guint)room[0] : descend(depth - 1) + (guint)room[0];
}

static void
overrun(gpointer data)
{
    *(guint *)data = descend(2 * FIBER_STACK_SIZE / 1024);
}

static void
test_guard(void)
{
    FiberPool *pool;
    guint sum = 0;

    if (g_test_subprocess()) {
        pool = fiber_pool_new();
        fiber_resume(fiber_new(pool, overrun, &sum, NULL));
        return;
    }
    g_test_trap_subprocess(NULL, 0, 0);
    g_test_trap_assert_failed();
}

int
main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/fiber/many-in-turn", test_many_in_turn);
    g_test_add_func("/fiber/reuse", test_reuse);
    g_test_add_func("/fiber/deep", test_deep);
    g_test_add_func("/fiber/guard", test_guard);
    return g_test_run();
}
