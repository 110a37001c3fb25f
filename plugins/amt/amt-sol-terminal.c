/* SPDX-License-Identifier: Apache-2.0 */
/*
 * amt.sol: the serial console of one machine on the terminal of whoever runs the command.
 *
 * Two stacks copy, one each way. The terminal is the process's controlling one, whatever standard input and output are; it is
 * in raw mode meanwhile, which is also how the command knows to keep its progress bar away.
 */
#include "amt-sol.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <termios.h>
#include <unistd.h>

enum {
    SLICE_MS = 100, /* between two looks whether the other stack has ended */
    BLOCK = 4096,
    TERMINAL_MS = 60000, /* a terminal that takes nothing for so long (Ctrl-S) is given up */
    REOPEN_MS = 120000
};

typedef struct {
    const Amt *amt;
    PosternRun *run;
    GVariant *params;
    AmtSol *sol; /* NULL while there is no session */
    int fd;      /* of the terminal */
    struct termios saved;
    guint8 escape;
    guint64 sent, received;
    guint lost; /* sessions */
    gboolean over, left, writing;
} Talk;

/* One terminal, one console. */
static gint terminal_taken;

/* ---- the terminal ---- */

static gboolean
no_terminal(GError **error, const char *why)
{
    return postern_fail(error,
                        POSTERN_ERROR_CONFLICT,
                        "amt.sol needs the terminal of whoever runs it, and %s; in scripts use "
                        "amt.sol.expect",
                        why);
}

static gboolean
make_raw(Talk *talk, GError **error)
{
    struct termios raw;

    if (tcgetpgrp(talk->fd) != getpgrp())
        return no_terminal(error, "runs in the background");
    if (tcgetattr(talk->fd, &talk->saved) != 0)
        return no_terminal(error, g_strerror(errno));
    raw = talk->saved;
    cfmakeraw(&raw);
    return tcsetattr(talk->fd, TCSAFLUSH, &raw) == 0 || no_terminal(error, g_strerror(errno));
}

static gboolean
terminal_open(Talk *talk, GError **error)
{
    if (!g_atomic_int_compare_and_exchange(&terminal_taken, 0, 1))
        return postern_fail(error,
                            POSTERN_ERROR_BUSY,
                            "the terminal shows another machine's console; one at a time");
    /* opened anew, so that not waiting is a matter of this descriptor only */
    talk->fd = open("/dev/tty", O_RDWR | O_CLOEXEC | O_NOCTTY | O_NONBLOCK);
    if (talk->fd >= 0 && make_raw(talk, error))
        return TRUE;
    if (talk->fd < 0)
        no_terminal(error, "there is none");
    else
        close(talk->fd);
    g_atomic_int_set(&terminal_taken, 0);
    return FALSE;
}

static void
terminal_close(Talk *talk)
{
    tcsetattr(talk->fd, TCSADRAIN, &talk->saved);
    close(talk->fd);
    g_atomic_int_set(&terminal_taken, 0);
}

static gboolean
terminal_write(Talk *talk, const void *bytes, gsize length, GError **error)
{
    const char *at = bytes;

    while (length > 0) {
        gssize n = write(talk->fd, at, length);
        if (n < 0 && errno != EAGAIN && errno != EINTR)
            return postern_fail(
                error, POSTERN_ERROR_CANCELLED, "the terminal is gone: %s", g_strerror(errno));
        if (n < 0) {
            gint32 found =
                talk->amt->svc.run->wait_fd(talk->run, talk->fd, G_IO_OUT, TERMINAL_MS, error);
            if (found < 0)
                return FALSE;
            if (found == 0)
                return postern_fail(
                    error, POSTERN_ERROR_CANCELLED, "the terminal takes nothing any more");
            continue;
        }
        at += n;
        length -= (gsize)n;
    }
    return TRUE;
}

/* Beside what the machine writes. */
G_GNUC_PRINTF(2, 3)
static void
say(Talk *talk, const char *format, ...)
{
    g_autofree char *words = NULL, *line = NULL;
    va_list args;

    va_start(args, format);
    words = g_strdup_vprintf(format, args);
    va_end(args);
    line = g_strdup_printf("\r\033[K[%s]\r\n", words);
    terminal_write(talk, line, strlen(line), NULL);
}

/* ---- from the keyboard ---- */

/* What is typed while there is no session is lost, as it is on a cable that is not plugged in. */
static void
type(Talk *talk, const guint8 *bytes, gsize length)
{
    if (talk->sol == NULL || length == 0)
        return;
    talk->writing = TRUE;
    if (amt_sol_write(talk->sol, bytes, length, NULL)) /* else the other stack finds out */
        talk->sent += length;
    talk->writing = FALSE;
}

static void
take_keys(Talk *talk, const guint8 *bytes, gsize length)
{
    const guint8 *escape = talk->escape != 0 ? memchr(bytes, talk->escape, length) : NULL;

    type(talk, bytes, escape != NULL ? (gsize)(escape - bytes) : length);
    if (escape != NULL)
        talk->over = talk->left = TRUE;
}

/* How much was typed within a moment; -1: the terminal is gone, or the run is to end, which the other stack finds out, too. */
static gssize
read_keys(Talk *talk, guint8 *block, gsize length)
{
    gint32 found = talk->amt->svc.run->wait_fd(talk->run, talk->fd, G_IO_IN, SLICE_MS, NULL);
    gssize n;

    if (found <= 0)
        return found;
    n = read(talk->fd, block, length);
    if (n > 0)
        return n;
    return n < 0 && (errno == EAGAIN || errno == EINTR) ? 0 : -1;
}

static gboolean
copy_keys(PosternRun *run, gpointer data, GError **error)
{
    Talk *talk = data;
    guint8 block[BLOCK];

    while (!talk->over) {
        gssize n = read_keys(talk, block, sizeof block);
        if (n > 0)
            take_keys(talk, block, (gsize)n);
        if (n < 0)
            talk->over = TRUE;
    }
    return TRUE;
}

/* ---- from the machine ---- */

/* Not while the other stack is in it. */
static gboolean
close_session(Talk *talk, GError **error)
{
    AmtSol *sol = talk->sol;

    talk->sol = NULL; /* so that it begins nothing more */
    while (talk->writing)
        if (!talk->amt->svc.run->sleep(talk->run, SLICE_MS, error)) {
            talk->sol = sol;
            return FALSE;
        }
    amt_sol_close(sol);
    return TRUE;
}

static gboolean
reopen(Talk *talk, const GError *why, GError **error)
{
    say(talk, "%s; opening the session again", why->message);
    if (!close_session(talk, error))
        return FALSE;
    talk->lost++;
    talk->sol = amt_sol_reopen(talk->amt, talk->run, talk->params, REOPEN_MS, &talk->over, error);
    if (talk->sol != NULL)
        say(talk, "connected again");
    return talk->sol != NULL || talk->over;
}

static gboolean
copy_screen(Talk *talk, gboolean reconnect, GError **error)
{
    guint8 block[BLOCK];

    while (!talk->over) {
        g_autoptr(GError) why = NULL;
        gssize got = amt_sol_read(talk->sol, block, sizeof block, SLICE_MS, &why);
        if (got < 0 && reconnect && amt_sol_is_lost(why)) {
            if (!reopen(talk, why, error))
                return FALSE;
            continue;
        }
        if (got < 0) {
            g_propagate_error(error, g_steal_pointer(&why));
            return FALSE;
        }
        if (!terminal_write(talk, block, (gsize)got, error))
            return FALSE;
        talk->received += (guint64)got;
    }
    return TRUE;
}

/* ---- the task ---- */

/* "ctrl-]" and its like, or "none"; FALSE with BAD_PARAM. */
static gboolean
read_escape(const char *text, guint8 *key, GError **error)
{
    char letter = strlen(text) == 6 ? g_ascii_toupper(text[5]) : '\0';
    g_autofree char *shown = amt_excerpt(text, 20);

    *key = 0;
    if (g_str_equal(text, "none"))
        return TRUE;
    if (g_ascii_strncasecmp(text, "ctrl-", 5) != 0 || letter <= '@' || letter > '_')
        return postern_fail(error,
                            POSTERN_ERROR_BAD_PARAM,
                            "escape: got '%s', expected ctrl- and a letter or one of [ \\ ] ^ "
                            "_, or none",
                            shown);
    *key = (guint8)(letter & 0x1F);
    return TRUE;
}

static gboolean
converse(Talk *talk, GError **error)
{
    const PosternRunSvc *svc = talk->amt->svc.run;
    gboolean reconnect = params_bool(talk->params, "reconnect", TRUE);
    PosternStrand *keys;
    gboolean fine;

    say(talk,
        "console of %s; %s ends the session",
        svc->target(talk->run),
        talk->escape != 0 ? params_string(talk->params, "escape") : "no key");
    keys = svc->spawn(talk->run, copy_keys, talk, error);
    if (keys == NULL)
        return FALSE;
    fine = copy_screen(talk, reconnect, error);
    talk->over = TRUE;
    svc->join(keys, NULL);
    return fine;
}

static GVariant *
describe(const Talk *talk)
{
    PosternResult result;

    result_begin(&result);
    result_string(&result, "end", talk->left ? "key" : "terminal");
    result_uint64(&result, "sent", talk->sent);
    result_uint64(&result, "received", talk->received);
    result_uint(&result, "reconnects", talk->lost);
    return result_end(&result);
}

static GVariant *
run_terminal(PosternRun *run, GVariant *params, gpointer self, GError **error)
{
    Talk talk = {.amt = self, .run = run, .params = params};
    gboolean fine = FALSE;

    if (!read_escape(params_string(params, "escape"), &talk.escape, error))
        return NULL;
    talk.sol = amt_sol_open(self, run, params, error);
    if (talk.sol == NULL)
        return NULL;
    if (terminal_open(&talk, error)) {
        fine = converse(&talk, error);
        say(&talk, "the session has ended");
        terminal_close(&talk);
    }
    amt_sol_close(talk.sol);
    return fine ? describe(&talk) : NULL;
}

/* clang-format off */
static const PosternField *const params[] = {
    POSTERN_FIELD_ITEM(.name = "escape", .type = "s", .fallback = "'ctrl-]'",
                       .summary = "the key that ends the session: ctrl- and a letter or one of [ \\ ] ^ _, or none"),
    POSTERN_FIELD_ITEM(.name = "reconnect", .type = "b", .fallback = "true",
                       .summary = "open the session again when it is lost, as when the machine restarts"),
    AMT_SESSION_PARAMS,
    NULL,
};

static const PosternField *const outputs[] = {
    POSTERN_FIELD_ITEM(.name = "end", .type = "s", .flags = POSTERN_FIELD_REQUIRED, .summary = "what ended it: key or terminal (it was closed)"),
    POSTERN_FIELD_ITEM(.name = "sent", .type = "t", .flags = POSTERN_FIELD_REQUIRED, .summary = "bytes that were typed"),
    POSTERN_FIELD_ITEM(.name = "received", .type = "t", .flags = POSTERN_FIELD_REQUIRED, .summary = "bytes that the machine wrote"),
    POSTERN_FIELD_ITEM(.name = "reconnects", .type = "u", .flags = POSTERN_FIELD_REQUIRED, .summary = "how often the session was opened again"),
    NULL,
};

const PosternTask amt_sol_task = {
    .size = sizeof(PosternTask),
    .flags = POSTERN_TASK_SERVICE,
    .version = 1,
    .id = "amt.sol",
    .summary = "the serial console of one machine, on this terminal",
    .details =
        "Shows what the machine writes to its serial port, and types into it what is typed here, until the escape key. BIOS and system "
        "must use that port for their consoles. The terminal is put into raw mode and back: Ctrl-C goes to the machine. A session "
        "that is lost, as some firmware does when the machine restarts, is opened again for two minutes. For scripts, and for more "
        "than one machine, there is amt.sol.expect.\n"
        "\n"
        "AMT_RedirectionService, IPS_OptInService. Least realm: Redirection.",
    .params = params,
    .outputs = outputs,
    .credentials = amt_credentials,
    .run = run_terminal,
};
/* clang-format on */
