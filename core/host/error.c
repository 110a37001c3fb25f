/* SPDX-License-Identifier: Apache-2.0 */
#include "config.h"

#include "error.h"

#include <errno.h>

/* clang-format off */
static const ErrorWord words[] = {
    {POSTERN_ERROR_INTERNAL, "internal",
     "there is a bug in postern or in the plugin",
     "run it again with --verbose and report what it prints", FALSE},
    {POSTERN_ERROR_UNRESOLVED, "unresolved",
     "the name of the target has no address",
     "check the spelling and ask the name server with `getent hosts NAME`, or name the target by its address", TRUE},
    {POSTERN_ERROR_UNREACHABLE, "unreachable",
     "there is no way to the target, or the connection was cut half-way",
     "check that the machine has power and a cable, and the routes and firewalls on the way", TRUE},
    {POSTERN_ERROR_REFUSED, "refused",
     "the machine answers, but nothing listens on the port",
     "check that the technology is switched on in its firmware, and that the port is the right one", TRUE},
    {POSTERN_ERROR_TIMEOUT, "timeout",
     "no answer came within the time allowed",
     "check that the machine has power and that no firewall drops the packets; slow links need a larger --timeout", TRUE},
    {POSTERN_ERROR_TLS, "tls",
     "the TLS handshake failed, or the certificate is not the one wanted",
     "compare the certificate with the CA file or the fingerprint you gave; old firmware needs tls-legacy", FALSE},
    {POSTERN_ERROR_NOT_DETECTED, "not-detected",
     "something answers at this address, but it does not speak this technology",
     "check the address and port; another program may use the port", FALSE},
    {POSTERN_ERROR_NOT_PROVISIONED, "not-provisioned",
     "the technology is there, but was never set up on this machine",
     "provision the machine first", FALSE},
    {POSTERN_ERROR_AUTH, "auth",
     "no credential was given, or the device refused every one",
     "check user and password; the message lists each one tried; devices lock after several wrong ones, so do not just repeat", FALSE},
    {POSTERN_ERROR_FORBIDDEN, "forbidden",
     "the login worked, but this user may not do this on the device",
     "use a user with the right for it, or grant the right on the device", FALSE},
    {POSTERN_ERROR_NOT_SUPPORTED, "not-supported",
     "this model, firmware or installation cannot do it",
     "check the firmware version and the list of enabled plugins (`postern plugins`)", FALSE},
    {POSTERN_ERROR_CONSENT, "consent",
     "the user at the machine has to agree first",
     "ask the user to read out the code on the screen, or set up the machine without user consent", FALSE},
    {POSTERN_ERROR_BUSY, "busy",
     "the device or this host is at its limit",
     "try again later, or with a smaller --max-parallel", TRUE},
    {POSTERN_ERROR_DEVICE, "device",
     "the device understood the request and said no, with a code of its own",
     "look at the device's code in the message and in the fields of the error", FALSE},
    {POSTERN_ERROR_PROTOCOL, "protocol",
     "the answer makes no sense",
     "record it with --record FILE and report it: the firmware may differ from those known", FALSE},
    {POSTERN_ERROR_BAD_PARAM, "bad-param",
     "a parameter, a setting or an argument is missing or not acceptable",
     "look at `postern task show TASK` for what it takes", FALSE},
    {POSTERN_ERROR_CONFLICT, "conflict",
     "the present state of the device does not allow it",
     "look at the present state first, and bring the device into one that allows it", FALSE},
    {POSTERN_ERROR_CANCELLED, "cancelled",
     "it was ended early, by you, by the host or by the task that started it",
     "what had been done before is in the output; start again when you like", FALSE},
};
/* clang-format on */

const ErrorWord *
error_words(guint *count)
{
    *count = G_N_ELEMENTS(words);
    return words;
}

const ErrorWord *
error_word(gint code)
{
    gboolean known = code >= 0 && code < (gint)G_N_ELEMENTS(words);

    return &words[known ? code : POSTERN_ERROR_INTERNAL];
}

const ErrorWord *
error_word_find(const char *word)
{
    for (guint i = 0; i < G_N_ELEMENTS(words); i++)
        if (g_strcmp0(words[i].word, word) == 0)
            return &words[i];
    return NULL;
}

/* Several GIO codes share one number, so this is a table with the first match winning, not a
 * switch. */
static const struct {
    gint io;
    PosternError code;
} io_codes[] = {
    {G_IO_ERROR_CANCELLED, POSTERN_ERROR_CANCELLED},
    {G_IO_ERROR_TIMED_OUT, POSTERN_ERROR_TIMEOUT},
    {G_IO_ERROR_CONNECTION_REFUSED, POSTERN_ERROR_REFUSED},
    {G_IO_ERROR_HOST_NOT_FOUND, POSTERN_ERROR_UNRESOLVED},
    {G_IO_ERROR_HOST_UNREACHABLE, POSTERN_ERROR_UNREACHABLE},
    {G_IO_ERROR_NETWORK_UNREACHABLE, POSTERN_ERROR_UNREACHABLE},
    {G_IO_ERROR_CONNECTION_CLOSED, POSTERN_ERROR_UNREACHABLE},
    {G_IO_ERROR_NOT_CONNECTED, POSTERN_ERROR_UNREACHABLE},
    {G_IO_ERROR_BUSY, POSTERN_ERROR_BUSY},
    {G_IO_ERROR_TOO_MANY_OPEN_FILES, POSTERN_ERROR_BUSY},
    {G_IO_ERROR_NOT_SUPPORTED, POSTERN_ERROR_NOT_SUPPORTED},
    {G_IO_ERROR_PERMISSION_DENIED, POSTERN_ERROR_FORBIDDEN},
    {G_IO_ERROR_INVALID_ARGUMENT, POSTERN_ERROR_BAD_PARAM},
    {G_IO_ERROR_INVALID_FILENAME, POSTERN_ERROR_BAD_PARAM},
    {G_IO_ERROR_NOT_FOUND, POSTERN_ERROR_BAD_PARAM},
    {G_IO_ERROR_INVALID_DATA, POSTERN_ERROR_PROTOCOL},
    {G_IO_ERROR_PARTIAL_INPUT, POSTERN_ERROR_PROTOCOL},
};

static PosternError
translate_io(gint io)
{
    for (guint i = 0; i < G_N_ELEMENTS(io_codes); i++)
        if (io_codes[i].io == io)
            return io_codes[i].code;
    return POSTERN_ERROR_INTERNAL;
}

void
error_translate(GError **error)
{
    PosternError code = POSTERN_ERROR_INTERNAL;
    GError *translated;

    if (error == NULL || *error == NULL)
        return;
    if ((*error)->domain == POSTERN_ERROR) {
        /* a plugin may have made up a number */
        (*error)->code = (gint)error_word((*error)->code)->code;
        return;
    }
    if ((*error)->domain == G_IO_ERROR)
        code = translate_io((*error)->code);
    else if ((*error)->domain == G_RESOLVER_ERROR)
        code = POSTERN_ERROR_UNRESOLVED;
    else if ((*error)->domain == G_TLS_ERROR)
        code = POSTERN_ERROR_TLS;
    translated = g_error_new_literal(POSTERN_ERROR, (gint)code, (*error)->message);
    g_error_free(*error);
    *error = translated;
}

static PosternError
translate_errno(int number)
{
    switch (number) {
    case ECONNREFUSED:
        return POSTERN_ERROR_REFUSED;
    case ETIMEDOUT:
        return POSTERN_ERROR_TIMEOUT;
    case EHOSTUNREACH:
    case ENETUNREACH:
    case EHOSTDOWN:
    case ENETDOWN:
    case ECONNRESET:
    case ECONNABORTED:
    case ENOTCONN:
    case EPIPE:
        return POSTERN_ERROR_UNREACHABLE;
    case EMFILE:
    case ENFILE:
    case ENOMEM:
    case ENOBUFS:
    case EAGAIN:
    case EADDRNOTAVAIL:
        return POSTERN_ERROR_BUSY;
    case EACCES:
    case EPERM:
        return POSTERN_ERROR_FORBIDDEN;
    case ENOENT:
    case ENOTDIR:
    case EISDIR:
    case EINVAL:
    case ENAMETOOLONG:
    case ELOOP:
        return POSTERN_ERROR_BAD_PARAM;
    case EADDRINUSE:
        return POSTERN_ERROR_CONFLICT;
    case ECANCELED:
        return POSTERN_ERROR_CANCELLED;
    default:
        return POSTERN_ERROR_INTERNAL;
    }
}

void
error_set_errno(GError **error, int number, const char *format, ...)
{
    g_autofree char *text = NULL;
    va_list args;

    va_start(args, format);
    text = g_strdup_vprintf(format, args);
    va_end(args);
    g_set_error(
        error, POSTERN_ERROR, (gint)translate_errno(number), "%s: %s", text, g_strerror(number));
}
