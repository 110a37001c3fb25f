/* SPDX-License-Identifier: Apache-2.0 */
#include "config.h"

#include "crash.h"

#include <execinfo.h>
#include <signal.h>
#include <string.h>
#include <unistd.h>

enum { STACK_SIZE = 64 * 1024, FRAMES = 64, TEXT = 512 };

static const int signals[] = {SIGSEGV, SIGBUS, SIGFPE, SIGILL, SIGABRT};

static void (*describe_running)(char *buffer, gsize length);
static gboolean (*is_in_guard)(gconstpointer address);

/* strsignal() is not safe in a handler. */
static const char *
signal_words(int number)
{
    switch (number) {
    case SIGSEGV:
        return "segmentation fault";
    case SIGBUS:
        return "bus error";
    case SIGFPE:
        return "arithmetic error";
    case SIGILL:
        return "illegal instruction";
    default:
        return "abort";
    }
}

static void
say(const char *text)
{
    gssize written = write(STDERR_FILENO, text, strlen(text));

    (void)written; /* nobody is left to tell */
}

static void
crashed(int number, siginfo_t *info, void *context)
{
    void *frames[FRAMES];
    char text[TEXT];

    text[0] = '\0';
    if (describe_running != NULL)
        describe_running(text, sizeof text);
    say("\npostern: crash: ");
    if (number == SIGSEGV && is_in_guard != NULL && is_in_guard(info->si_addr))
        say("stack overflow (more than 256 KiB used)");
    else
        say(signal_words(number));
    say(text[0] != '\0' ? " in " : "");
    say(text);
    say("\nWhat other runs were doing is lost; look at the machines before you repeat them. If it "
        "was a plugin, set\n"
        "\"load = no\" in its file in plugins.d, and give its author this:\n");
    backtrace_symbols_fd(frames, backtrace(frames, FRAMES), STDERR_FILENO);
    signal(number, SIG_DFL);
    raise(number);
}

void
crash_install(void (*describe)(char *buffer, gsize length),
              gboolean (*in_guard)(gconstpointer address))
{
    struct sigaction action = {.sa_sigaction = crashed,
                               .sa_flags = SA_SIGINFO | SA_ONSTACK | SA_NODEFER};
    void *frames[1];

    describe_running = describe;
    is_in_guard = in_guard;
    backtrace(frames, 1); /* loads what it needs now, not in the handler */
    sigemptyset(&action.sa_mask);
    for (guint i = 0; i < G_N_ELEMENTS(signals); i++)
        sigaction(signals[i], &action, NULL);
    crash_thread_init();
}

static void
stack_gone(gpointer memory)
{
    stack_t none = {.ss_flags = SS_DISABLE};

    sigaltstack(&none, NULL);
    g_free(memory);
}

void
crash_thread_init(void)
{
    static GPrivate own = G_PRIVATE_INIT(stack_gone);
    stack_t stack = {.ss_size = STACK_SIZE};

    if (g_private_get(&own) != NULL)
        return;
    stack.ss_sp = g_malloc(STACK_SIZE);
    sigaltstack(&stack, NULL);
    g_private_set(&own, stack.ss_sp);
}
