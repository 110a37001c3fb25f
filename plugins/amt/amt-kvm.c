/* SPDX-License-Identifier: Apache-2.0 */
/* A way to the device's RFB server: a session on the redirection port, or port 5900 with a password of its own. */
#include "amt-kvm.h"

enum { WRITE_MS = 30000 };

const char *const amt_kvm_credentials[] = {"amt.digest", "amt.rfb", NULL};
static const char *const rfb_credentials[] = {"amt.rfb", NULL};

struct AmtKvm {
    const Amt *amt;
    AmtSession *session;   /* NULL: port 5900 */
    PosternStream *stream; /* of port 5900 */
    gint64 deadline;       /* monotonic */
    gboolean heard;        /* anything, ever */
};

/* ---- bytes ---- */

gssize
amt_kvm_read_some(AmtKvm *kvm, void *buffer, gsize length, gint64 timeout_ms, GError **error)
{
    if (kvm->session != NULL)
        return amt_session_read_some(kvm->session, buffer, length, timeout_ms, error);
    if (kvm->stream == NULL) {
        postern_fail(error, POSTERN_ERROR_CANCELLED, "the KVM session was closed on our side");
        return -1;
    }
    return kvm->amt->svc.stream->read(kvm->stream, buffer, length, timeout_ms, error);
}

gboolean
amt_kvm_write(AmtKvm *kvm, gconstpointer bytes, gsize length, GError **error)
{
    if (kvm->session != NULL)
        return amt_session_write(kvm->session, bytes, length, error);
    if (kvm->stream == NULL)
        return postern_fail(
            error, POSTERN_ERROR_CANCELLED, "the KVM session was closed on our side");
    return kvm->amt->svc.stream->write(kvm->stream, bytes, length, WRITE_MS, error);
}

static gboolean
read_peer(gpointer data, void *buffer, gsize length, GError **error)
{
    AmtKvm *kvm = data;
    guint8 *at = buffer;

    while (length > 0) {
        gint64 left = (kvm->deadline - g_get_monotonic_time()) / 1000;
        gssize got = amt_kvm_read_some(kvm, at, length, MAX(left, 0), error);

        if (got == 0)
            return postern_fail(
                error, POSTERN_ERROR_UNREACHABLE, "the device closed the KVM session");
        if (got < 0)
            return FALSE;
        kvm->heard = TRUE;
        at += got;
        length -= (gsize)got;
    }
    return TRUE;
}

static gboolean
write_peer(gpointer data, gconstpointer bytes, gsize length, GError **error)
{
    return amt_kvm_write(data, bytes, length, error);
}

RfbPeer
amt_kvm_peer(AmtKvm *kvm)
{
    return (RfbPeer){read_peer, write_peer, kvm};
}

void
amt_kvm_set_deadline(AmtKvm *kvm, gint64 ms)
{
    kvm->deadline = g_get_monotonic_time() + ms * 1000;
}

void
amt_kvm_hang_up(AmtKvm *kvm)
{
    if (kvm->session != NULL)
        amt_session_hang_up(kvm->session);
    else
        kvm->amt->svc.stream->close(g_steal_pointer(&kvm->stream));
}

/* ---- opening ---- */

void
amt_kvm_close(AmtKvm *kvm)
{
    if (kvm == NULL)
        return;
    amt_session_close(kvm->session);
    kvm->amt->svc.stream->close(kvm->stream);
    g_free(kvm);
}

static AmtKvm *
kvm_new(const Amt *amt)
{
    AmtKvm *kvm = g_new0(AmtKvm, 1);

    kvm->amt = amt;
    amt_kvm_set_deadline(kvm, amt->timeout_ms);
    return kvm;
}

/* One message each way, and the stream is RFB. */
static gboolean
begin_rfb(AmtKvm *kvm, GError **error)
{
    static const guint8 open[8] = {AMT_OP_OPEN};
    AmtMessage reply;

    if (!amt_session_write(kvm->session, open, sizeof open, error) ||
        !amt_session_read(kvm->session, &reply, kvm->amt->timeout_ms, error))
        return FALSE;
    if (reply.opcode != AMT_OP_OPEN_REPLY)
        return postern_fail(error,
                            POSTERN_ERROR_PROTOCOL,
                            "a message with opcode 0x%02x came, expected an answer to the opening "
                            "of KVM",
                            reply.opcode);
    return reply.status == 0 || postern_fail(error,
                                             POSTERN_ERROR_DEVICE,
                                             "the device refused to open KVM with status %u",
                                             reply.status);
}

static AmtKvm *
open_session(const Amt *amt, PosternRun *run, GVariant *params, GError **error)
{
    g_autoptr(AmtKvm) kvm = kvm_new(amt);
    RfbPeer peer = amt_kvm_peer(kvm);

    kvm->session = amt_session_open(amt, run, params, AMT_SESSION_KVM, error);
    if (kvm->session == NULL || !begin_rfb(kvm, error))
        return NULL;
    amt_kvm_set_deadline(kvm, amt->timeout_ms);
    return rfb_login(&peer, NULL, error) ? g_steal_pointer(&kvm) : NULL;
}

/* One connection, one attempt with one password. */
static AmtKvm *
open_as(const Amt *amt, PosternRun *run, const char *password, GError **error)
{
    g_autoptr(AmtKvm) kvm = kvm_new(amt);
    RfbPeer peer = amt_kvm_peer(kvm);
    PosternResult options;

    result_begin(&options);
    result_uint(&options, "timeout-ms", amt->timeout_ms);
    kvm->stream = amt->svc.stream->connect(run, NULL, amt->vnc_port, result_end(&options), error);
    if (kvm->stream == NULL) {
        if (error != NULL && g_error_matches(*error, POSTERN_ERROR, POSTERN_ERROR_REFUSED))
            g_prefix_error(error,
                           "the VNC port is closed; open it with amt.kvm.set port-5900=true, or "
                           "do without port-5900 here: ");
        return NULL;
    }
    amt_kvm_set_deadline(kvm, amt->timeout_ms);
    if (rfb_login(&peer, password, error))
        return g_steal_pointer(&kvm);
    if (!kvm->heard && error != NULL &&
        g_error_matches(*error, POSTERN_ERROR, POSTERN_ERROR_UNREACHABLE))
        g_prefix_error(error,
                       "the VNC port took the call and said nothing: somebody may have to agree "
                       "first, or another session is open: ");
    return NULL;
}

static AmtKvm *
open_vnc(const Amt *amt, PosternRun *run, GError **error)
{
    const PosternCredentialSvc *svc = amt->svc.credentials;
    AmtKvm *kvm = NULL;
    gboolean refused = TRUE;

    while (kvm == NULL && refused) {
        g_autoptr(GError) why = NULL;
        PosternCredential *login = svc->next(run, rfb_credentials, error);
        if (login == NULL)
            return NULL;
        kvm = open_as(amt, run, svc->peek(login, "password"), &why);
        refused = g_error_matches(why, POSTERN_ERROR, POSTERN_ERROR_AUTH);
        if (kvm != NULL)
            svc->accepted(login);
        else if (refused)
            svc->rejected(login, why);
        else
            g_propagate_error(error, g_steal_pointer(&why));
        svc->release(login);
    }
    return kvm;
}

AmtKvm *
amt_kvm_open(const Amt *amt, PosternRun *run, GVariant *params, GError **error)
{
    if (params_bool(params, "port-5900", FALSE))
        return open_vnc(amt, run, error);
    return open_session(amt, run, params, error);
}
