/* SPDX-License-Identifier: Apache-2.0 */
#include "config.h"

#include "consent.h"
#include "kvm.h"
#include "logs.h"
#include "redirect-login.h"
#include "redirect.h"
#include "sim.h"
#include "wire.h"

#include <string.h>
#include <sys/epoll.h>

enum { READ_BLOCK = 16384, IN_MOST = 128 * 1024, LOGIN_MS = 30000, TRIES = 3 };
enum { START = 0x10, START_REPLY = 0x11, END = 0x12, LOGIN = 0x13 };
enum { STARTED = 0, UNKNOWN_TYPE = 1, BUSY = 2, UNSUPPORTED = 3 };

typedef enum { STAGE_START, STAGE_LOGIN, STAGE_SESSION } Stage;

struct Redirect {
    ReactorWatch watch; /* first: on_ready() casts */
    ReactorTimer timer;
    Reactor *reactor;
    Device *device;
    Wire wire;
    GByteArray *in, *out;
    gsize sent;
    RedirectGone gone;
    gpointer data, state;
    char *account;
    guint place, kind, tries;
    Stage stage;
    guint32 events;
    gboolean silent, closing, reset, direct;
};

static const RedirectKind *const kinds[REDIRECT_KINDS] = {
    [REDIRECT_SOL] = &redirect_sol,
    [REDIRECT_IDER] = &redirect_ider,
    [REDIRECT_KVM] = &redirect_kvm,
};

Device *
redirect_device(const Redirect *session)
{
    return session->device;
}

gboolean
redirect_is_direct(const Redirect *session)
{
    return session->direct;
}

gpointer
redirect_state(const Redirect *session)
{
    return session->state;
}

guint
redirect_place(const Redirect *session)
{
    return session->place;
}

void
redirect_set_place(Redirect *session, guint place)
{
    session->place = place;
}

guint
redirect_u16(const guint8 *bytes)
{
    return bytes[0] | (guint)bytes[1] << 8;
}

guint32
redirect_u32(const guint8 *bytes)
{
    return redirect_u16(bytes) | (guint32)redirect_u16(bytes + 2) << 16;
}

void
redirect_header(guint8 header[8], guint8 opcode, guint32 sequence)
{
    guint32 wire = GUINT32_TO_LE(sequence);

    memset(header, 0, 4);
    header[0] = opcode;
    memcpy(header + 4, &wire, sizeof wire);
}

/* ---- what the device lets in ---- */

static gboolean
property_is(Device *device, const char *class, const char *name, const char *value)
{
    const SimInstance *instance = device_first(device, class);
    g_autofree char *found = instance != NULL ? device_property(device, instance, name) : NULL;

    return g_strcmp0(found, value) == 0;
}

static guint
property_number(Device *device, const char *class, const char *name)
{
    const SimInstance *instance = device_first(device, class);
    g_autofree char *found = instance != NULL ? device_property(device, instance, name) : NULL;

    return found != NULL ? (guint)g_ascii_strtoull(found, NULL, 10) : 0;
}

gboolean
redirect_listens(Device *device)
{
    return property_is(device, "AMT_RedirectionService", "ListenerEnabled", "true");
}

static gboolean
is_enabled(Device *device, guint kind)
{
    guint bit = kinds[kind]->enabled, state;

    if (bit != 0)
        return (property_number(device, "AMT_RedirectionService", "EnabledState") & bit) != 0;
    state = property_number(device, "CIM_KVMRedirectionSAP", "EnabledState");
    return state == 2 || state == 6;
}

/* ---- records of what happened ---- */

static void
record(Redirect *session, gboolean opened)
{
    const RedirectKind *kind = kinds[session->kind];
    gint what = opened ? kind->event_opened : kind->event_closed;
    guint8 event[LOGS_EVENT_SIZE] = {192, 0x6F, 0, 0x68, 2, 0xFF, 38, 0, 0xAA, 0x30, (guint8)what};
    const char *caller = session->device->caller;

    session->device->caller = session->account;
    logs_audit(session->device, AUDIT_REDIRECTION, opened ? kind->opened : kind->closed, NULL, 0);
    session->device->caller = caller;
    if (what >= 0)
        logs_event(session->device, event);
}

/* ---- ending ---- */

static void
end_session(Redirect *session)
{
    if (session->stage != STAGE_SESSION)
        return;
    session->stage = STAGE_START;
    device_extra(session->device)->sessions[session->kind] = NULL;
    record(session, FALSE);
    consent_session(session->device, FALSE);
    kinds[session->kind]->end(session, g_steal_pointer(&session->state));
}

static void
free_parts(Redirect *session, gboolean reset)
{
    Wire wire = session->wire;

    end_session(session);
    reactor_timer_stop(&session->timer);
    reactor_unwatch_closing(&session->watch);
    g_byte_array_unref(session->in);
    g_byte_array_unref(session->out);
    g_free(session->account);
    g_free(session);
    wire_end(&wire, reset);
}

void
redirect_free(Redirect *session)
{
    free_parts(session, FALSE);
}

static void
finish(Redirect *session, gboolean reset)
{
    session->gone(session, session->data);
    free_parts(session, reset);
}

void
redirect_close(Redirect *session, gboolean reset)
{
    session->closing = TRUE;
    session->reset = session->reset || reset;
}

/* ---- sending ---- */

static void
listen_for(Redirect *session, guint32 events)
{
    if (session->events != events)
        reactor_rewatch(&session->watch, session->events = events);
}

void
redirect_send(Redirect *session, gconstpointer bytes, gsize length)
{
    g_byte_array_append(session->out, bytes, (guint)length);
}

gsize
redirect_backlog(const Redirect *session)
{
    return session->out->len - session->sent;
}

/* FALSE: the connection is gone. Reads on while something waits to be sent: both ways are used at once here. */
static gboolean
flush(Redirect *session)
{
    gboolean had = redirect_backlog(session) > 0;

    if (session->reset) {
        finish(session, TRUE);
        return FALSE;
    }
    while (redirect_backlog(session) > 0) {
        gssize n =
            wire_put(&session->wire, session->out->data + session->sent, redirect_backlog(session));
        if (n < 0) {
            finish(session, FALSE);
            return FALSE;
        }
        session->sent += (gsize)n;
        if (n == 0)
            break;
    }
    if (redirect_backlog(session) == 0) {
        g_byte_array_set_size(session->out, 0);
        session->sent = 0;
        if (session->closing) {
            finish(session, FALSE);
            return FALSE;
        }
        if (had && session->stage == STAGE_SESSION && kinds[session->kind]->drained != NULL)
            kinds[session->kind]->drained(session);
    }
    listen_for(session, EPOLLIN | (redirect_backlog(session) > 0 ? EPOLLOUT : 0));
    return TRUE;
}

/* ---- start and login ---- */

static gint
kind_named(const guint8 *name)
{
    for (gint i = 0; i < REDIRECT_KINDS; i++)
        if (kinds[i] != NULL && memcmp(kinds[i]->name, name, 4) == 0)
            return i;
    return -1;
}

gboolean
redirect_takes_direct(Device *device)
{
    return kvm_listens(device) && is_enabled(device, REDIRECT_KVM);
}

static guint8
judge_start(Redirect *session, gint kind)
{
    const DeviceExtra *extra = session->device->extra;

    if (kind < 0)
        return UNKNOWN_TYPE;
    if (!is_enabled(session->device, (guint)kind) ||
        !consent_given(session->device, kind == REDIRECT_KVM))
        return UNSUPPORTED;
    return extra != NULL && extra->sessions[kind] != NULL ? BUSY : STARTED;
}

static gssize
take_start(Redirect *session, const guint8 *bytes, gsize length)
{
    guint8 major = (guint8)session->device->model->version[0];
    guint8 reply[13] = {START_REPLY, 0, 0, 0, 1, 0, major, 0, 0x57, 1, 0, 0, 0};
    gint kind;

    if (bytes[0] != START)
        return -1;
    if (length < 8)
        return 0;
    kind = kind_named(bytes + 4);
    reply[1] = judge_start(session, kind);
    redirect_send(session, reply, sizeof reply);
    if (reply[1] != STARTED)
        redirect_close(session, FALSE);
    else {
        session->kind = (guint)kind;
        session->stage = STAGE_LOGIN;
    }
    return 8;
}

static void
begin_session(Redirect *session)
{
    DeviceExtra *extra = device_extra(session->device);

    if (extra->sessions[session->kind] != NULL) { /* another was faster */
        redirect_close(session, TRUE);
        return;
    }
    reactor_timer_stop(&session->timer);
    extra->sessions[session->kind] = session;
    session->stage = STAGE_SESSION;
    if (!session->direct)
        session->device->logins++;
    record(session, TRUE);
    consent_session(session->device, TRUE);
    session->state = kinds[session->kind]->begin(session);
}

static gssize
take_login(Redirect *session, const guint8 *bytes, gsize length)
{
    gsize body;

    if (bytes[0] != LOGIN)
        return -1;
    if (length < 9)
        return 0;
    body = redirect_u32(bytes + 5);
    if (body > LOGIN_BODY_MOST)
        return -1;
    if (length < 9 + body)
        return 0;
    switch (redirect_login(
        session->device, bytes[4], bytes + 9, body, session->out, &session->account)) {
    case LOGIN_IN:
        begin_session(session);
        break;
    case LOGIN_REFUSED:
        if (++session->tries >= TRIES)
            redirect_close(session, FALSE);
        break;
    case LOGIN_SENSELESS:
        return -1;
    case LOGIN_MORE:
        break;
    }
    return (gssize)(9 + body);
}

/* ---- reading ---- */

static gssize
take(Redirect *session, const guint8 *bytes, gsize length)
{
    switch (session->stage) {
    case STAGE_SESSION:
        return kinds[session->kind]->input(session, bytes, length);
    case STAGE_LOGIN:
        return bytes[0] == END ? -1 : take_login(session, bytes, length);
    case STAGE_START:
    default:
        return take_start(session, bytes, length);
    }
}

static void
serve(Redirect *session)
{
    gsize at = 0;
    gssize used = 1;

    while (used > 0 && at < session->in->len && !session->closing) {
        used = take(session, session->in->data + at, session->in->len - at);
        if (used < 0)
            redirect_close(session, FALSE);
        else
            at += (gsize)used;
    }
    g_byte_array_remove_range(session->in, 0, (guint)at);
    if (session->in->len > IN_MOST)
        redirect_close(session, TRUE);
}

/* FALSE: the connection is gone. */
static gboolean
take_input(Redirect *session)
{
    static guint8 block[READ_BLOCK]; /* one thread: shared by all connections */
    gssize n;

    while ((n = wire_get(&session->wire, block, sizeof block)) > 0) {
        if (session->silent)
            continue;
        g_byte_array_append(session->in, block, (guint)n);
        serve(session);
        if (session->closing)
            break;
    }
    if (n < 0)
        finish(session, FALSE);
    return n >= 0;
}

static gboolean
shake_hands(Redirect *session)
{
    gint wants = wire_shake(&session->wire);

    if (wants < 0)
        finish(session, FALSE);
    else
        listen_for(session, wants > 0 ? (guint32)wants : EPOLLIN);
    return wants == 0;
}

static void
on_ready(ReactorWatch *watch, guint32 events)
{
    Redirect *session = (Redirect *)watch;

    if ((events & (EPOLLERR | EPOLLHUP)) != 0) {
        finish(session, FALSE);
        return;
    }
    if (session->wire.handshaking && device_fault(session->device, FAULT_TLS_FAIL) != NULL) {
        wire_fail_handshake(&session->wire);
        finish(session, FALSE);
        return;
    }
    if (session->wire.handshaking && !shake_hands(session))
        return;
    if (take_input(session))
        flush(session);
}

static void
on_timer(ReactorTimer *timer)
{
    Redirect *session = (Redirect *)(gpointer)((char *)timer - G_STRUCT_OFFSET(Redirect, timer));

    if (session->stage != STAGE_SESSION) {
        finish(session, FALSE); /* who does not log in is not kept */
        return;
    }
    if (kinds[session->kind]->timer != NULL)
        kinds[session->kind]->timer(session);
    flush(session);
}

void
redirect_timer(Redirect *session, guint ms)
{
    if (ms == 0)
        reactor_timer_stop(&session->timer);
    else
        reactor_timer_start(
            session->reactor, &session->timer, g_get_monotonic_time() + (gint64)ms * 1000);
}

Redirect *
redirect_start(
    Reactor *reactor, Device *device, int fd, SSL_CTX *tls, RedirectGone gone, gpointer data)
{
    Redirect *session = g_new0(Redirect, 1);

    session->watch = (ReactorWatch){.fd = fd, .ready = on_ready};
    session->timer.fire = on_timer;
    session->reactor = reactor;
    session->device = device;
    session->gone = gone;
    session->data = data;
    session->in = g_byte_array_new();
    session->out = g_byte_array_new();
    session->events = EPOLLIN;
    session->silent = device_fault(device, FAULT_SILENT) != NULL;
    device->connections++;
    if (!wire_start(&session->wire, fd, tls) ||
        !reactor_watch(reactor, &session->watch, EPOLLIN, NULL)) {
        session->wire.handshaking = TRUE; /* no good-bye */
        redirect_free(session);
        return NULL;
    }
    redirect_timer(session, LOGIN_MS);
    return session;
}

Redirect *
redirect_start_direct(Reactor *reactor, Device *device, int fd, RedirectGone gone, gpointer data)
{
    Redirect *session = redirect_start(reactor, device, fd, NULL, gone, data);

    if (session == NULL)
        return NULL;
    session->direct = TRUE;
    session->kind = REDIRECT_KVM;
    if (consent_given(device, TRUE))
        begin_session(session);
    else
        redirect_close(session, TRUE);
    redirect_timer(session, 1); /* what was queued goes out once the owner knows the session */
    return session;
}
