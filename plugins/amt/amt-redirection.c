/* SPDX-License-Identifier: Apache-2.0 */
/* A session on the redirection port: connection, start, login, and whole messages both ways. */
#include "amt-redirection.h"

#include <string.h>

enum {
    READ_BLOCK = 16384,
    WRITE_MS = 30000,     /* a device that takes nothing for so long is not coming back */
    QUEUE_MOST = 4 << 20, /* what other stacks may leave behind a write that is under way */
    GOOD_BYE_MS = 1000
};

struct AmtSession {
    const Amt *amt;
    PosternRun *run;
    PosternStream *stream;
    AmtSessionKind kind;
    guint32 sequence;
    GByteArray *in;
    gsize used;        /* of `in`: the message that was handed out last */
    GByteArray *queue; /* what is to go out behind the write under way */
    gboolean writing, broken;
};

typedef struct {
    const char *name;
    guint8 start[8];
} Kind;

/* The version of KVM is 1, that of the others 0. */
static const Kind kinds[] = {
    [AMT_SESSION_SOL] = {"serial console", {AMT_OP_START, 0, 0, 0, 'S', 'O', 'L', ' '}},
    [AMT_SESSION_IDER] = {"storage redirection", {AMT_OP_START, 0, 0, 0, 'I', 'D', 'E', 'R'}},
    [AMT_SESSION_KVM] = {"KVM", {AMT_OP_START, 1, 0, 0, 'K', 'V', 'M', 'R'}},
};

const Amt *
amt_session_amt(const AmtSession *session)
{
    return session->amt;
}

PosternRun *
amt_session_run(const AmtSession *session)
{
    return session->run;
}

GVariant *
amt_session_info(AmtSession *session)
{
    return session->amt->svc.stream->info(session->stream);
}

/* ---- reading ---- */

/* Bytes that came and were not handed out yet. */
static gsize
waiting(const AmtSession *session)
{
    return session->in->len - session->used;
}

static void
forget_used(AmtSession *session)
{
    if (session->used > 0)
        g_byte_array_remove_range(session->in, 0, (guint)session->used);
    session->used = 0;
}

/* One more piece behind what is there. */
static gboolean
fetch(AmtSession *session, gint64 timeout_ms, GError **error)
{
    const PosternStreamSvc *svc = session->amt->svc.stream;
    guint before = session->in->len;
    g_autofree guint8 *block = g_malloc(READ_BLOCK);
    gssize got = svc->read(session->stream, block, READ_BLOCK, timeout_ms, error);

    if (got > 0)
        g_byte_array_append(session->in, block, (guint)got);
    if (got == 0)
        postern_fail(error,
                     POSTERN_ERROR_UNREACHABLE,
                     "the device closed the %s session%s",
                     kinds[session->kind].name,
                     before > 0 ? " in the middle of a message" : "");
    return got > 0;
}

/* What is left of `timeout_ms` since `start`; as before when it is negative. */
static gint64
left_of(const AmtSession *session, gint64 timeout_ms, gint64 start)
{
    gint64 spent = (g_get_monotonic_time() - start) / 1000;

    return timeout_ms < 0 ? timeout_ms : MAX(timeout_ms - spent, 0);
}

gboolean
amt_session_read(AmtSession *session, AmtMessage *message, gint64 timeout_ms, GError **error)
{
    gint64 start = g_get_monotonic_time();

    forget_used(session);
    while (TRUE) {
        gssize length =
            amt_message_parse(session->kind, session->in->data, session->in->len, message, error);
        if (length < 0) {
            session->broken = TRUE;
            return FALSE;
        }
        if (length > 0) {
            session->used = (gsize)length;
            return TRUE;
        }
        if (!fetch(session, left_of(session, timeout_ms, start), error))
            return FALSE;
    }
}

gssize
amt_session_read_some(
    AmtSession *session, void *buffer, gsize length, gint64 timeout_ms, GError **error)
{
    gsize ready;

    forget_used(session);
    ready = MIN(length, waiting(session));
    if (ready == 0 && session->stream == NULL) {
        postern_fail(error, POSTERN_ERROR_CANCELLED, "the session was closed on our side");
        return -1;
    }
    if (ready == 0)
        return session->amt->svc.stream->read(session->stream, buffer, length, timeout_ms, error);
    memcpy(buffer, session->in->data, ready);
    session->used = ready;
    return (gssize)ready;
}

gboolean
amt_session_read_exactly(
    AmtSession *session, void *buffer, gsize length, gint64 timeout_ms, GError **error)
{
    gint64 start = g_get_monotonic_time();
    guint8 *at = buffer;

    while (length > 0) {
        gssize got =
            amt_session_read_some(session, at, length, left_of(session, timeout_ms, start), error);
        if (got == 0)
            return postern_fail(error,
                                POSTERN_ERROR_UNREACHABLE,
                                "the device closed the %s session with %" G_GSIZE_FORMAT
                                " bytes still to come",
                                kinds[session->kind].name,
                                length);
        if (got < 0)
            return FALSE;
        at += got;
        length -= (gsize)got;
    }
    return TRUE;
}

/* ---- writing ---- */

static gboolean
write_queue(AmtSession *session, GError **error)
{
    gboolean fine = TRUE;

    session->writing = TRUE;
    while (fine && session->queue->len > 0) {
        g_autoptr(GByteArray) now = g_steal_pointer(&session->queue);
        session->queue = g_byte_array_new();
        fine =
            session->amt->svc.stream->write(session->stream, now->data, now->len, WRITE_MS, error);
    }
    session->writing = FALSE;
    session->broken = session->broken || !fine;
    return fine;
}

gboolean
amt_session_write(AmtSession *session, gconstpointer bytes, gsize length, GError **error)
{
    if (session->broken || length > QUEUE_MOST - session->queue->len)
        return postern_fail(error,
                            session->broken ? POSTERN_ERROR_UNREACHABLE : POSTERN_ERROR_BUSY,
                            session->broken ? "the session is broken already"
                                            : "the device does not take what is sent to it");
    g_byte_array_append(session->queue, bytes, (guint)length);
    return session->writing || write_queue(session, error);
}

guint32
amt_session_sequence(AmtSession *session)
{
    return session->sequence++;
}

gboolean
amt_session_send_bare(AmtSession *session, guint8 opcode, GError **error)
{
    g_autoptr(GByteArray) out = g_byte_array_new();

    amt_put_header(out, opcode, amt_session_sequence(session));
    return amt_session_write(session, out->data, out->len, error);
}

/* ---- opening ---- */

static PosternStream *
connect_port(const Amt *amt, PosternRun *run, GVariant *params, gboolean tls, GError **error)
{
    return amt->svc.stream->connect(run,
                                    NULL,
                                    tls ? amt->redirection_tls_port : amt->redirection_port,
                                    amt_stream_options(amt, params, tls),
                                    error);
}

/* As for HTTP: plain only where the TLS port is refused, never because a certificate is wrong. */
static PosternStream *
connect_by_policy(const Amt *amt, PosternRun *run, GVariant *params, GError **error)
{
    const char *policy = amt_tls_policy(amt, params);
    g_autoptr(GError) why = NULL;
    PosternStream *stream;

    if (g_str_equal(policy, "off"))
        return connect_port(amt, run, params, FALSE, error);
    stream = connect_port(amt, run, params, TRUE, &why);
    if (stream == NULL && g_str_equal(policy, "prefer") &&
        g_error_matches(why, POSTERN_ERROR, POSTERN_ERROR_REFUSED)) {
        stream = connect_port(amt, run, params, FALSE, error);
        if (stream == NULL)
            g_prefix_error(error,
                           "port %u (TLS) is closed, though the device says that it listens, and: ",
                           amt->redirection_tls_port);
        return stream;
    }
    if (stream == NULL)
        g_propagate_error(error, g_steal_pointer(&why));
    return stream;
}

static gboolean
judge_start(const AmtSession *session, const AmtMessage *reply, GError **error)
{
    const char *name = kinds[session->kind].name;

    if (reply->opcode != AMT_OP_START_REPLY)
        return postern_fail(error,
                            POSTERN_ERROR_PROTOCOL,
                            "a message with opcode 0x%02x came, expected an answer to the start of "
                            "the session",
                            reply->opcode);
    if (reply->status != 0)
        session->amt->svc.run->note(
            session->run, "device-code", g_variant_new_uint32(reply->status));
    switch (reply->status) {
    case 0:
        return TRUE;
    case 1:
    case 3:
        return postern_fail(error,
                            POSTERN_ERROR_NOT_SUPPORTED,
                            "the device does not offer %s (status %u): look with "
                            "amt.features.get, switch it on with amt.features.set",
                            name,
                            reply->status);
    case 2:
        return postern_fail(error,
                            POSTERN_ERROR_BUSY,
                            "another %s session with the device is open; it must end first",
                            name);
    default:
        return postern_fail(error,
                            POSTERN_ERROR_DEVICE,
                            "the device refused to start %s with status %u",
                            name,
                            reply->status);
    }
}

static gboolean
start(AmtSession *session, GError **error)
{
    const Kind *kind = &kinds[session->kind];
    AmtMessage reply;

    if (!amt_session_write(session, kind->start, sizeof kind->start, error))
        return FALSE;
    if (amt_session_read(session, &reply, session->amt->timeout_ms, error))
        return judge_start(session, &reply, error);
    if (error != NULL && g_error_matches(*error, POSTERN_ERROR, POSTERN_ERROR_UNREACHABLE))
        g_prefix_error(
            error,
            "no answer to the start of %s; some firmware is so when another one is open: ",
            kind->name);
    return FALSE;
}

static AmtSession *
session_new(const Amt *amt, PosternRun *run, AmtSessionKind kind, PosternStream *stream)
{
    AmtSession *session = g_new0(AmtSession, 1);

    session->amt = amt;
    session->run = run;
    session->kind = kind;
    session->stream = stream;
    session->in = g_byte_array_new();
    session->queue = g_byte_array_new();
    return session;
}

/* One connection, one attempt with one account. */
static AmtSession *
open_as(const Amt *amt,
        PosternRun *run,
        GVariant *params,
        AmtSessionKind kind,
        PosternCredential *account,
        GError **error)
{
    PosternStream *stream = connect_by_policy(amt, run, params, error);
    g_autoptr(AmtSession) session = NULL;
    const PosternCredentialSvc *svc = amt->svc.credentials;
    const char *user = svc->peek(account, "user"), *password = svc->peek(account, "password");

    if (stream == NULL)
        return NULL;
    session = session_new(amt, run, kind, stream);
    if (!start(session, error) ||
        !amt_session_login(
            session, user != NULL ? user : "", password != NULL ? password : "", error))
        return NULL;
    return g_steal_pointer(&session);
}

AmtSession *
amt_session_open(
    const Amt *amt, PosternRun *run, GVariant *params, AmtSessionKind kind, GError **error)
{
    const PosternCredentialSvc *svc = amt->svc.credentials;
    AmtSession *session = NULL;
    gboolean refused = TRUE;

    if (!amt_session_ready(amt, run, params, kind, error))
        return NULL;
    while (session == NULL && refused) {
        g_autoptr(GError) why = NULL;
        PosternCredential *account = svc->next(run, amt_credentials, error);
        if (account == NULL)
            return NULL;
        session = open_as(amt, run, params, kind, account, &why);
        refused = g_error_matches(why, POSTERN_ERROR, POSTERN_ERROR_AUTH);
        if (session != NULL)
            svc->accepted(account);
        else if (refused)
            svc->rejected(account, why);
        else
            g_propagate_error(error, g_steal_pointer(&why));
        svc->release(account);
    }
    return session;
}

/* Whether it arrives does not matter: the connection ends with it. */
static void
say_good_bye(AmtSession *session)
{
    static const guint8 end[] = {AMT_OP_END, 0, 0, 0};

    if (session->kind != AMT_SESSION_KVM && !session->broken && !session->writing &&
        session->queue->len == 0)
        session->amt->svc.stream->write(session->stream, end, sizeof end, GOOD_BYE_MS, NULL);
}

void
amt_session_hang_up(AmtSession *session)
{
    session->broken = TRUE;
    session->amt->svc.stream->close(g_steal_pointer(&session->stream));
}

void
amt_session_close(AmtSession *session)
{
    if (session == NULL)
        return;
    if (session->stream != NULL) {
        say_good_bye(session);
        session->amt->svc.stream->close(session->stream);
    }
    g_byte_array_unref(session->in);
    g_byte_array_unref(session->queue);
    g_free(session);
}
