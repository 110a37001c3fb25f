/* SPDX-License-Identifier: Apache-2.0 */
#include "config.h"

#include "error.h"
#include "loader.h"
#include "probe.h"

#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <spawn.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#define HELPER_WORD "--postern-probe-plugin" /* NAME FILE ABI-MINOR: not for people */

enum {
    HELPER_FD = 3,
    AT_ONCE = 8,
    ANSWER_MAX = 8 * 1024 * 1024,
    CPU_SECONDS = 10,
    MAJORS = 9, /* how many entry names to look for when there is none of ours */
};

/* Whether main() called the hook: if it did not, a helper would be a second whole program. */
static gboolean hooked;

/* ---- in the helper ---- */

static void
write_all(int fd, gconstpointer data, gsize length)
{
    const guint8 *at = data;

    while (length > 0) {
        gssize done = write(fd, at, length);

        if (done < 0 && errno == EINTR)
            continue;
        if (done <= 0)
            _exit(1);
        at += done;
        length -= (gsize)done;
    }
}

/* The answer: (was it taken?, why not, the description or nothing). */
static char *
answer_type(void)
{
    return g_strdup_printf("(bsm%s)", descriptor_variant_type());
}

static void
write_answer(const PluginInfo *info, const GError *error)
{
    g_autoptr(GVariant) description = info != NULL ? descriptor_to_variant(info) : NULL;
    g_autoptr(GVariant) answer = NULL;
    GVariant *parts[3];

    parts[0] = g_variant_new_boolean(info != NULL);
    parts[1] = g_variant_new_string(error != NULL ? error->message : "");
    parts[2] = g_variant_new_maybe(G_VARIANT_TYPE(descriptor_variant_type()), description);
    answer = g_variant_ref_sink(g_variant_new_tuple(parts, G_N_ELEMENTS(parts)));
    write_all(HELPER_FD, g_variant_get_data(answer), g_variant_get_size(answer));
}

static PosternQueryFunc
find_entry(void *module, const char *name, GError **error)
{
    g_autofree char *entry = loader_entry_name(name, POSTERN_ABI_MAJOR);
    PosternQueryFunc query;

    *(void **)&query =
        dlsym(module, entry); /* POSIX's way to turn an object pointer into a function pointer */
    if (query != NULL)
        return query;
    for (guint major = POSTERN_ABI_MAJOR + 1; major <= MAJORS; major++) {
        g_autofree char *other = loader_entry_name(name, major);

        if (dlsym(module, other) == NULL)
            continue;
        g_set_error(error,
                    POSTERN_ERROR,
                    POSTERN_ERROR_NOT_SUPPORTED,
                    "no entry for ABI %u: it is built for ABI %u; update postern, or install an "
                    "older release of the plugin",
                    POSTERN_ABI_MAJOR,
                    major);
        return NULL;
    }
    g_set_error(error,
                POSTERN_ERROR,
                POSTERN_ERROR_NOT_SUPPORTED,
                "no entry for ABI %u: %s is not exported, so this is no plugin called %s",
                POSTERN_ABI_MAJOR,
                entry,
                name);
    return NULL;
}

static PluginInfo *
ask_file(const char *name, const char *file, const PosternHost *host, GError **error)
{
    /* at once, not lazily: a missing symbol would end the host at its first use */
    void *module = dlopen(file, RTLD_NOW | RTLD_LOCAL);
    PosternQueryFunc query;

    if (module == NULL) {
        const char *text = dlerror();

        g_set_error(
            error, POSTERN_ERROR, POSTERN_ERROR_NOT_SUPPORTED, "cannot be linked: %s", text);
        return NULL;
    }
    query = find_entry(module, name, error);
    return query != NULL ? loader_ask(query, name, host, error) : NULL;
}

static void
quiet_helper(void)
{
    struct rlimit cpu = {CPU_SECONDS, CPU_SECONDS}, none = {0, 0};

    prctl(PR_SET_PDEATHSIG, SIGKILL);
    setrlimit(RLIMIT_CPU, &cpu);
    setrlimit(RLIMIT_CORE, &none);
}

void
probe_main_hook(int argc, char **argv, const PosternHost *host)
{
    g_autoptr(PluginInfo) info = NULL;
    g_autoptr(GError) error = NULL;
    PosternHost own = *host;

    hooked = TRUE;
    if (argc != 5 || strcmp(argv[1], HELPER_WORD) != 0)
        return;
    quiet_helper();
    own.abi_minor = (guint32)strtoul(argv[4], NULL, 10);
    info = ask_file(argv[2], argv[3], &own, &error);
    write_answer(info, error);
    _exit(0); /* no exit handlers: those of the plugin's libraries are not ours to run */
}

/* ---- in the host ---- */

Probe *
probe_new(const char *name, const char *file)
{
    Probe *probe = g_new0(Probe, 1);

    probe->name = g_strdup(name);
    probe->file = g_strdup(file);
    return probe;
}

void
probe_free(Probe *probe)
{
    if (probe == NULL)
        return;
    g_free(probe->name);
    g_free(probe->file);
    g_free(probe->reason);
    g_clear_pointer(&probe->description, g_variant_unref);
    g_free(probe);
}

/* One helper at work. */
typedef struct {
    Probe *probe;
    pid_t pid;
    int fd;
    gint64 deadline;
    GByteArray *answer;
} Helper;

static void G_GNUC_PRINTF(3, 4) conclude(Probe *probe, ProbeState state, const char *format, ...)
{
    va_list args;

    va_start(args, format);
    probe->state = state;
    g_free(probe->reason);
    probe->reason = g_strdup_vprintf(format, args);
    va_end(args);
}

/* This very program. The link is followed here, so that a checker which intercepts it is started
 * too. */
static char *
own_program(void)
{
    char *path = g_file_read_link("/proc/self/exe", NULL);

    if (path == NULL || access(path, X_OK) != 0) {
        g_free(path);
        path = g_strdup(
            "/proc/self/exe"); /* replaced by a newer one meanwhile: the old one still runs */
    }
    return path;
}

static char **
helper_environment(void)
{
    char **environment = g_environ_setenv(g_get_environ(), "LD_BIND_NOW", "1", TRUE);

    return g_environ_unsetenv(environment, "LTDL_LIBRARY_PATH");
}

static int
spawn(Helper *helper, int fd, const PosternHost *host)
{
    g_autofree char *program = own_program();
    g_autofree char *minor = g_strdup_printf("%u", host->abi_minor);
    char word[] = HELPER_WORD;
    char *argv[] = {program, word, helper->probe->name, helper->probe->file, minor, NULL};
    g_auto(GStrv) environment = helper_environment();
    posix_spawn_file_actions_t actions;
    int failed;

    posix_spawn_file_actions_init(&actions);
    posix_spawn_file_actions_addopen(&actions, STDIN_FILENO, "/dev/null", O_RDONLY, 0);
    posix_spawn_file_actions_addopen(&actions, STDOUT_FILENO, "/dev/null", O_WRONLY, 0);
    posix_spawn_file_actions_addopen(&actions, STDERR_FILENO, "/dev/null", O_WRONLY, 0);
    posix_spawn_file_actions_adddup2(&actions, fd, HELPER_FD);
    failed = posix_spawn(&helper->pid, program, &actions, NULL, argv, environment);
    posix_spawn_file_actions_destroy(&actions);
    return failed;
}

/* A pipe whose ends are not HELPER_FD: dup2() onto itself would keep close-on-exec. */
static gboolean
make_pipe(int ends[2])
{
    int own[2];

    if (pipe2(own, O_CLOEXEC) != 0)
        return FALSE;
    ends[0] = own[0];
    ends[1] = own[1];
    if (own[1] == HELPER_FD) {
        ends[1] = fcntl(own[1], F_DUPFD_CLOEXEC, HELPER_FD + 1);
        close(own[1]);
    }
    return ends[1] >= 0;
}

static Helper *
helper_start(Probe *probe, const PosternHost *host, guint timeout_ms)
{
    Helper *helper = g_new0(Helper, 1);
    int ends[2], failed;

    helper->probe = probe;
    helper->deadline = g_get_monotonic_time() + (gint64)timeout_ms * 1000;
    if (!make_pipe(ends)) {
        conclude(probe, PROBE_REFUSED, "cannot probe it: no pipe: %s", g_strerror(errno));
        g_free(helper);
        return NULL;
    }
    failed = spawn(helper, ends[1], host);
    close(ends[1]);
    if (failed != 0) {
        conclude(probe, PROBE_REFUSED, "cannot probe it: no process: %s", g_strerror(failed));
        close(ends[0]);
        g_free(helper);
        return NULL;
    }
    helper->fd = ends[0];
    helper->answer = g_byte_array_new();
    return helper;
}

/* The helper's end, killed at its deadline: a thread of the plugin may go on after the answer. */
static int
helper_wait(Helper *helper, gboolean *hung)
{
    int status = 0;
    pid_t ended = 0;

    *hung = FALSE;
    for (;;) {
        ended = waitpid(helper->pid, &status, *hung ? 0 : WNOHANG);
        if (ended == helper->pid)
            return status;
        if (ended < 0 && errno != EINTR)
            return 0;
        if (g_get_monotonic_time() >= helper->deadline && !*hung) {
            *hung = TRUE;
            kill(helper->pid, SIGKILL);
        }
        if (!*hung)
            g_usleep(500);
    }
}

static void
read_verdict(Probe *probe, GByteArray *bytes)
{
    g_autofree char *type = answer_type();
    g_autoptr(GVariant) answer = g_variant_ref_sink(
        g_variant_new_from_data(G_VARIANT_TYPE(type), bytes->data, bytes->len, FALSE, NULL, NULL));
    g_autoptr(GVariant) maybe = NULL;
    g_autoptr(GVariant) borrowed = NULL;
    g_autoptr(GBytes) copy = NULL; /* the answer's bytes go with the helper */
    const char *reason = NULL;
    gboolean taken = FALSE;

    if (!g_variant_is_normal_form(answer)) {
        conclude(probe, PROBE_REFUSED, "its probe gave a damaged answer of %u bytes", bytes->len);
        return;
    }
    maybe = g_variant_get_child_value(answer, 2);
    g_variant_get_child(answer, 0, "b", &taken);
    g_variant_get_child(answer, 1, "&s", &reason);
    if (!taken || g_variant_n_children(maybe) == 0) {
        conclude(probe, PROBE_REFUSED, "%s", reason);
        return;
    }
    borrowed = g_variant_get_maybe(maybe);
    copy = g_bytes_new(g_variant_get_data(borrowed), g_variant_get_size(borrowed));
    probe->description = g_variant_ref_sink(
        g_variant_new_from_bytes(G_VARIANT_TYPE(descriptor_variant_type()), copy, FALSE));
    probe->state = PROBE_OK;
}

static void
helper_finish(Helper *helper)
{
    Probe *probe = helper->probe;
    gboolean hung;
    int status = helper_wait(helper, &hung);

    if (hung)
        conclude(probe, PROBE_CRASHED, "its probe did not end in time and was killed");
    else if (WIFSIGNALED(status))
        conclude(probe,
                 PROBE_CRASHED,
                 "its probe crashed with signal %d (%s)",
                 WTERMSIG(status),
                 g_strsignal(WTERMSIG(status)));
    else if (WEXITSTATUS(status) != 0)
        conclude(
            probe, PROBE_CRASHED, "it ended its probe with exit status %d", WEXITSTATUS(status));
    else if (probe->state == PROBE_PENDING)
        read_verdict(probe, helper->answer);
    close(helper->fd);
    g_byte_array_unref(helper->answer);
    g_free(helper);
}

/* FALSE at the end of the answer. */
static gboolean
helper_read(Helper *helper)
{
    guint8 buffer[16 * 1024];
    gssize got = read(helper->fd, buffer, sizeof buffer);

    if (got < 0)
        return errno == EINTR || errno == EAGAIN;
    if (got == 0)
        return FALSE;
    if (helper->answer->len + (gsize)got > ANSWER_MAX) {
        conclude(
            helper->probe, PROBE_REFUSED, "its description has more than %d bytes", ANSWER_MAX);
        kill(helper->pid, SIGKILL);
        helper->deadline = 0;
        return FALSE;
    }
    g_byte_array_append(helper->answer, buffer, (guint)got);
    return TRUE;
}

static int
poll_timeout(GPtrArray *helpers)
{
    gint64 first = G_MAXINT64;

    for (guint i = 0; i < helpers->len; i++)
        first = MIN(first, ((Helper *)helpers->pdata[i])->deadline);
    first -= g_get_monotonic_time();
    return first <= 0 ? 0 : (int)(first / 1000) + 1;
}

static void
attend(GPtrArray *helpers)
{
    struct pollfd fds[AT_ONCE];
    guint count = helpers->len;

    for (guint i = 0; i < count; i++)
        fds[i] = (struct pollfd){.fd = ((Helper *)helpers->pdata[i])->fd, .events = POLLIN};
    poll(fds, count, poll_timeout(helpers));
    for (guint i = count; i-- > 0;) {
        Helper *helper = helpers->pdata[i];
        gboolean goes_on = fds[i].revents == 0 || helper_read(helper);

        if (goes_on && g_get_monotonic_time() < helper->deadline)
            continue;
        g_ptr_array_remove_index_fast(helpers, i);
        helper_finish(helper);
    }
}

void
probe_run(GPtrArray *probes, const PosternHost *host, guint timeout_ms)
{
    g_autoptr(GPtrArray) helpers = g_ptr_array_new();
    guint next = 0;

    while (next < probes->len || helpers->len > 0) {
        if (next < probes->len && helpers->len < AT_ONCE) {
            Probe *probe = probes->pdata[next++];
            Helper *helper = NULL;

            if (hooked)
                helper = helper_start(probe, host, timeout_ms);
            else
                conclude(probe,
                         PROBE_REFUSED,
                         "cannot probe it: main() of this program does not call host_main_hook()");
            if (helper != NULL)
                g_ptr_array_add(helpers, helper);
            continue;
        }
        attend(helpers);
    }
}
