/* SPDX-License-Identifier: Apache-2.0 */
#include "config.h"

#include "prompt.h"
#include "secret.h"
#include "text.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <string.h>
#include <termios.h>
#include <unistd.h>

enum { LINE_MAX_BYTES = 1024, CTRL_C = 3, CTRL_D = 4 };

gboolean
prompt_possible(void)
{
    int fd = isatty(STDERR_FILENO) ? open("/dev/tty", O_RDWR | O_CLOEXEC | O_NOCTTY) : -1;

    if (fd >= 0)
        close(fd);
    return fd >= 0;
}

/* A SIGTERM in the middle of a hidden line must not leave the terminal without echo. */
static int restore_fd = -1;
static struct termios restore_to;

static void
on_signal(int number)
{
    tcsetattr(restore_fd, TCSANOW, &restore_to);
    signal(number, SIG_DFL);
    raise(number);
}

/* Ctrl-C arrives as a character meanwhile: giving up is an answer, not a signal. */
static gboolean
terminal_begin(int fd, gboolean hidden)
{
    struct termios mode;

    if (tcgetattr(fd, &restore_to) < 0)
        return FALSE;
    restore_fd = fd;
    mode = restore_to;
    mode.c_lflag &= ~(tcflag_t)ISIG;
    if (hidden)
        mode.c_lflag &= ~(tcflag_t)ECHO;
    signal(SIGTERM, on_signal);
    signal(SIGHUP, on_signal);
    return tcsetattr(fd, TCSAFLUSH, &mode) == 0;
}

static void
terminal_end(int fd)
{
    tcsetattr(fd, TCSANOW, &restore_to);
    signal(SIGTERM, SIG_DFL);
    signal(SIGHUP, SIG_DFL);
}

/* With ISIG off a Ctrl-C is in the line only once Enter follows; VEOL makes it end the line at
 * once. */
static void
end_line_at_ctrl_c(int fd)
{
    struct termios mode;

    if (tcgetattr(fd, &mode) < 0)
        return;
    mode.c_cc[VEOL] = CTRL_C;
    tcsetattr(fd, TCSANOW, &mode);
}

static gboolean
read_line(int fd, char *line)
{
    gssize got;

    do {
        got = read(fd, line, LINE_MAX_BYTES - 1);
    } while (got < 0 && errno == EINTR);
    if (got <= 0)
        return FALSE;
    line[got] = '\0';
    if (memchr(line, CTRL_C, (gsize)got) != NULL || memchr(line, CTRL_D, (gsize)got) != NULL)
        return FALSE;
    line[strcspn(line, "\r\n")] = '\0';
    return TRUE;
}

static gboolean
say(int fd, const char *text)
{
    return write(fd, text, strlen(text)) >= 0;
}

char *
prompt_line(const char *question, gboolean hidden)
{
    int fd = open("/dev/tty", O_RDWR | O_CLOEXEC | O_NOCTTY);
    g_autofree char *clean = text_clean(question);
    char *line = NULL;
    gboolean good;

    if (fd < 0)
        return NULL;
    line = g_malloc0(LINE_MAX_BYTES);
    good = say(fd, clean) && terminal_begin(fd, hidden);
    if (good) {
        end_line_at_ctrl_c(fd);
        good = read_line(fd, line);
        terminal_end(fd);
    }
    if (hidden || !good)
        say(fd, "\n");
    close(fd);
    if (!good)
        prompt_free(g_steal_pointer(&line));
    return line;
}

void
prompt_free(char *line)
{
    if (line != NULL)
        secret_wipe(line, LINE_MAX_BYTES);
    g_free(line);
}

gboolean
prompt_yes(const char *question)
{
    char *line = prompt_line(question, FALSE);
    gboolean yes = line != NULL &&
                   (g_ascii_strcasecmp(line, "y") == 0 || g_ascii_strcasecmp(line, "yes") == 0);

    prompt_free(line);
    return yes;
}
