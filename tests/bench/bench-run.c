/* SPDX-License-Identifier: Apache-2.0 */
#include "config.h"

/*
 * bench-run - run a command and say in one line of JSON what it took: status, wall clock, user and
 * system time of all its threads, the most memory it held. The figures are the kernel's.
 *
 *   bench-run [--stdout FILE] COMMAND [ARGUMENT...]
 */
#include <errno.h>
#include <fcntl.h>
#include <glib.h>
#include <spawn.h>
#include <stdio.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

enum { CANNOT_START = 127 };

static double
seconds_of(struct timeval time)
{
    return (double)time.tv_sec + (double)time.tv_usec / 1e6;
}

static void
report(int status, gint64 started, const struct rusage *usage)
{
    double user = seconds_of(usage->ru_utime), system_time = seconds_of(usage->ru_stime);

    printf("{\"status\":%d,\"wall_s\":%.3f,\"user_s\":%.3f,\"sys_s\":%.3f,\"cpu_s\":%.3f,"
           "\"rss_kib\":%ld}\n",
           status,
           (double)(g_get_monotonic_time() - started) / 1e6,
           user,
           system_time,
           user + system_time,
           usage->ru_maxrss);
}

static int
start(char **command, const char *output, pid_t *child)
{
    posix_spawn_file_actions_t actions;
    int result;

    posix_spawn_file_actions_init(&actions);
    if (output != NULL)
        posix_spawn_file_actions_addopen(
            &actions, STDOUT_FILENO, output, O_WRONLY | O_CREAT | O_TRUNC, 0600);
    result = posix_spawnp(child, command[0], &actions, NULL, command, environ);
    posix_spawn_file_actions_destroy(&actions);
    return result;
}

int
main(int argc, char **argv)
{
    char **command = argv + 1;
    const char *output = NULL;
    gint64 started = g_get_monotonic_time();
    struct rusage usage;
    pid_t child;
    int status, result;

    if (argc > 3 && strcmp(argv[1], "--stdout") == 0) {
        output = argv[2];
        command = argv + 3;
    }
    if (command[0] == NULL) {
        fprintf(stderr, "usage: bench-run [--stdout FILE] COMMAND [ARGUMENT...]\n");
        return 2;
    }
    result = start(command, output, &child);
    if (result != 0) {
        fprintf(stderr, "bench-run: starting %s: %s\n", command[0], g_strerror(result));
        return CANNOT_START;
    }
    while (wait4(child, &status, 0, &usage) < 0)
        if (errno != EINTR)
            return CANNOT_START;
    result = WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
    report(result, started, &usage);
    return result;
}
