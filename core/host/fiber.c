/* SPDX-License-Identifier: Apache-2.0 */
#include "config.h"

#include "fiber.h"

#include <postern-plugin.h>

#include <errno.h>
#include <sys/mman.h>
#include <ucontext.h>
#include <unistd.h>

#ifdef HAVE_VALGRIND_VALGRIND_H
#include <valgrind/valgrind.h>
#else
#define VALGRIND_STACK_REGISTER(low, high) 0
#define VALGRIND_STACK_DEREGISTER(id)      ((void)(id))
#endif

/* The checkers follow the stack pointer; a switch they are not told of looks to them like a wild jump. */
#ifdef __SANITIZE_ADDRESS__
#include <sanitizer/common_interface_defs.h>
#define ASAN_LEAVE(fake, low, size)   __sanitizer_start_switch_fiber(fake, low, size)
#define ASAN_ARRIVED(fake, low, size) __sanitizer_finish_switch_fiber(fake, low, size)
#else
#define ASAN_LEAVE(fake, low, size)   ((void)(fake), (void)(low), (void)(size))
#define ASAN_ARRIVED(fake, low, size) ((void)(fake), (void)(low), (void)(size))
#endif
#ifdef __SANITIZE_THREAD__
#include <sanitizer/tsan_interface.h>
#define TSAN_CURRENT()      __tsan_get_current_fiber()
#define TSAN_CREATE()       __tsan_create_fiber(0)
#define TSAN_DESTROY(fiber) __tsan_destroy_fiber(fiber)
#define TSAN_SWITCH(fiber)  __tsan_switch_to_fiber(fiber, 0)
#else
#define TSAN_CURRENT()      NULL
#define TSAN_CREATE()       NULL
#define TSAN_DESTROY(fiber) ((void)(fiber))
#define TSAN_SWITCH(fiber)  ((void)(fiber))
#endif

struct FiberPool {
    GQueue free; /* of Fiber */
    guint alive;
};

struct Fiber {
    ucontext_t own, back; /* where it is, and where to go when it leaves */
    FiberPool *pool;
    void (*fn)(gpointer data);
    gpointer data, owner;
    char *memory; /* the guard page, then the stack */
    gsize guard;
    guint valgrind_id;
    gboolean ended;
    void *fake_stack;     /* address checker: the fiber's */
    void *back_fake;      /* address checker: the resumer's */
    const void *back_low; /* the resumer's stack */
    gsize back_size;
    void *tsan, *back_tsan;
};

static __thread Fiber *current;

FiberPool *
fiber_pool_new(void)
{
    return g_new0(FiberPool, 1);
}

static void
fiber_unmap(gpointer data)
{
    Fiber *fiber = data;

    VALGRIND_STACK_DEREGISTER(fiber->valgrind_id);
    TSAN_DESTROY(fiber->tsan);
    munmap(fiber->memory, fiber->guard + FIBER_STACK_SIZE);
    g_free(fiber);
}

void
fiber_pool_free(FiberPool *pool)
{
    if (pool == NULL)
        return;
    g_warn_if_fail(pool->alive == 0);
    g_queue_clear_full(&pool->free, fiber_unmap);
    g_free(pool);
}

static Fiber *
fiber_map(GError **error)
{
    gsize guard = (gsize)sysconf(_SC_PAGESIZE);
    char *memory = mmap(NULL,
                        guard + FIBER_STACK_SIZE,
                        PROT_READ | PROT_WRITE,
                        MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE | MAP_STACK,
                        -1,
                        0);
    Fiber *fiber;

    if (memory == MAP_FAILED || mprotect(memory, guard, PROT_NONE) != 0) {
        int number = errno;
        if (memory != MAP_FAILED)
            munmap(memory, guard + FIBER_STACK_SIZE);
        g_set_error(error,
                    POSTERN_ERROR,
                    POSTERN_ERROR_BUSY,
                    "no stack of %d KiB for one more run: %s; run fewer at a time (--max-parallel)",
                    FIBER_STACK_SIZE / 1024,
                    g_strerror(number));
        return NULL;
    }
    fiber = g_new0(Fiber, 1);
    fiber->memory = memory;
    fiber->guard = guard;
    fiber->valgrind_id = VALGRIND_STACK_REGISTER(memory + guard, memory + guard + FIBER_STACK_SIZE);
    fiber->tsan = TSAN_CREATE();
    return fiber;
}

/* Entered on the fiber's own stack. A pooled fiber comes round here for each of its users. */
static void
fiber_main(void)
{
    Fiber *fiber = current;

    ASAN_ARRIVED(NULL, &fiber->back_low, &fiber->back_size);
    for (;;) {
        fiber->fn(fiber->data);
        fiber->ended = TRUE;
        fiber_suspend();
    }
}

Fiber *
fiber_new(FiberPool *pool, void (*fn)(gpointer data), gpointer data, GError **error)
{
    Fiber *fiber = g_queue_pop_head(&pool->free);

    if (fiber == NULL) {
        fiber = fiber_map(error);
        if (fiber == NULL)
            return NULL;
        fiber->pool = pool;
        getcontext(&fiber->own);
        fiber->own.uc_stack.ss_sp = fiber->memory + fiber->guard;
        fiber->own.uc_stack.ss_size = FIBER_STACK_SIZE;
        fiber->own.uc_link = NULL;
        makecontext(&fiber->own, fiber_main, 0);
    }
    fiber->fn = fn;
    fiber->data = data;
    fiber->owner = NULL;
    fiber->ended = FALSE;
    pool->alive++;
    return fiber;
}

static void
fiber_retire(Fiber *fiber)
{
    FiberPool *pool = fiber->pool;

    pool->alive--;
    if (pool->free.length < FIBERS_KEPT)
        g_queue_push_head(&pool->free, fiber);
    else
        fiber_unmap(fiber);
}

void
fiber_resume(Fiber *fiber)
{
    g_assert(current == NULL);
    current = fiber;
    fiber->back_tsan = TSAN_CURRENT();
    ASAN_LEAVE(&fiber->back_fake, fiber->memory + fiber->guard, FIBER_STACK_SIZE);
    TSAN_SWITCH(fiber->tsan);
    swapcontext(&fiber->back, &fiber->own);
    ASAN_ARRIVED(fiber->back_fake, NULL, NULL);
    current = NULL;
    if (fiber->ended)
        fiber_retire(fiber);
}

void
fiber_suspend(void)
{
    Fiber *fiber = current;

    g_assert(fiber != NULL);
    ASAN_LEAVE(&fiber->fake_stack, fiber->back_low, fiber->back_size);
    TSAN_SWITCH(fiber->back_tsan);
    swapcontext(&fiber->own, &fiber->back);
    ASAN_ARRIVED(fiber->fake_stack, &fiber->back_low, &fiber->back_size);
}

Fiber *
fiber_current(void)
{
    return current;
}

void
fiber_set_owner(Fiber *fiber, gpointer owner)
{
    fiber->owner = owner;
}

gpointer
fiber_owner(const Fiber *fiber)
{
    return fiber->owner;
}

gboolean
fiber_in_guard(gconstpointer address)
{
    const char *at = address;

    return current != NULL && at >= current->memory && at < current->memory + current->guard;
}
