/* SPDX-License-Identifier: Apache-2.0 */
/*
 * secret-read.c - secrets from where others cannot see them: a file, the environment, a descriptor.
 */
#include "config.h"

#include "error.h"
#include "secret.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum { LINE_BYTES = 4096 };

/* Byte by byte, so that the next line of a pipe is left for the next secret. */
static gssize
read_line(int fd, char *line)
{
    gsize length = 0;

    while (length < LINE_BYTES) {
        gssize got = read(fd, line + length, 1);

        if (got < 0 && errno == EINTR)
            continue;
        if (got < 0)
            return -1;
        if (got == 0 || line[length] == '\n')
            break;
        length++;
    }
    if (length > 0 && line[length - 1] == '\r')
        length--;
    return (gssize)length;
}

static Secret *
secret_from_line(int fd, const char *what, GError **error)
{
    char line[LINE_BYTES];
    gssize length = read_line(fd, line);
    int number = errno;
    Secret *secret = NULL;

    if (length < 0)
        error_set_errno(error, number, "cannot read a secret from %s", what);
    else if (length == 0)
        error_set_bad(error, "%s has no secret: its first line is empty", what);
    else if (length == LINE_BYTES || memchr(line, '\0', (gsize)length) != NULL)
        error_set_bad(error,
                      "%s has no secret: its first line is not text of at most %d bytes",
                      what,
                      LINE_BYTES - 1);
    else
        secret = secret_new(line, length);
    secret_wipe(line, sizeof line);
    return secret;
}

/* A pipe (as the shell makes it) is nobody else's; a file must be. */
static gboolean
is_private(int fd, const char *path, GError **error)
{
    struct stat info;

    if (fstat(fd, &info) < 0) {
        error_set_errno(error, errno, "cannot look at file %s", path);
        return FALSE;
    }
    if (S_ISDIR(info.st_mode) || (S_ISREG(info.st_mode) && (info.st_mode & 077) != 0)) {
        error_set_bad(
            error,
            "file %s must not hold a secret: expected a file that only its owner can read, "
            "found %s with mode %04o; "
            "try chmod 600",
            path,
            S_ISDIR(info.st_mode) ? "a directory" : "one",
            info.st_mode & 07777);
        return FALSE;
    }
    return TRUE;
}

static Secret *
secret_from_file(const char *path, GError **error)
{
    g_autofree char *what = g_strconcat("file ", path, NULL);
    Secret *secret = NULL;
    int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY);

    if (fd < 0) {
        error_set_errno(error, errno, "cannot open file %s for a secret", path);
        return NULL;
    }
    if (is_private(fd, path, error))
        secret = secret_from_line(fd, what, error);
    close(fd);
    return secret;
}

static Secret *
secret_from_environment(const char *name, GError **error)
{
    const char *text = g_getenv(name);

    if (text == NULL || *text == '\0') {
        error_set_bad(error, "the environment has no variable %s for a secret", name);
        return NULL;
    }
    return secret_new(text, -1);
}

static Secret *
secret_from_descriptor(const char *text, GError **error)
{
    g_autofree char *what = g_strconcat("descriptor ", text, NULL);
    guint64 fd = 0;

    if (!g_ascii_string_to_unsigned(text, 10, 0, 1 << 20, &fd, NULL)) {
        error_set_bad(error, "fd:%s names no descriptor: expected a number, such as fd:3", text);
        return NULL;
    }
    return secret_from_line((int)fd, what, error);
}

Secret *
secret_read(const char *source, GError **error)
{
    if (source[0] == '@')
        return secret_from_file(source + 1, error);
    if (g_str_has_prefix(source, "env:"))
        return secret_from_environment(source + 4, error);
    if (g_str_has_prefix(source, "fd:"))
        return secret_from_descriptor(source + 3, error);
    error_set_bad(
        error,
        "a secret is not given as plain text, because others can see the command line: use "
        "@FILE, env:NAME or fd:N");
    return NULL;
}
