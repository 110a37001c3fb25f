/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A KVM session: one message each way, then RFB. On port 5900 (redirect_is_direct()) it is RFB from the first byte, with a
 * password of its own.
 */
#include "config.h"

#include "kvm.h"
#include "rfb.h"

enum { OPEN = 0x40, OPEN_REPLY = 0x41, HEAD = 8, FRAME_MS = 40, LOGIN_MS = 20000 };

typedef struct {
    Rfb *rfb; /* NULL: the session was not opened yet */
    gint64 began, active;
    guint events; /* keys and pointers at `active` */
} Kvm;

static guint
events(Redirect *session)
{
    const ScreenInput *input = screen_input(redirect_device(session));

    return input->keys + input->pointers;
}

/* 2: somebody is connected, 6: nobody. */
static void
show_state(Device *device, const char *state)
{
    const SimInstance *sap = device_first(device, "CIM_KVMRedirectionSAP");

    if (sap != NULL)
        device_store(device, sap, "EnabledState", state);
}

static gpointer
begin(Redirect *session)
{
    Kvm *kvm = g_new0(Kvm, 1);

    kvm->began = kvm->active = g_get_monotonic_time();
    kvm->events = events(session);
    if (redirect_is_direct(session))
        kvm->rfb = rfb_new(session, kvm_password(redirect_device(session)));
    show_state(redirect_device(session), "2");
    redirect_timer(session, FRAME_MS);
    return kvm;
}

static gssize
input(Redirect *session, const guint8 *bytes, gsize length)
{
    Kvm *kvm = redirect_state(session);
    guint8 reply[HEAD];

    if (kvm->rfb != NULL)
        return rfb_input(kvm->rfb, bytes, length);
    if (bytes[0] != OPEN)
        return -1;
    if (length < HEAD)
        return 0;
    redirect_header(reply, OPEN_REPLY, 0);
    redirect_send(session, reply, sizeof reply);
    kvm->rfb = rfb_new(session, NULL);
    return HEAD;
}

/* A session in which nobody does anything ends; so does one whose viewer does not log in. */
static gboolean
is_over(Redirect *session, Kvm *kvm)
{
    gint64 now = g_get_monotonic_time(), idle = kvm_idle_ms(redirect_device(session)) * 1000;

    if (kvm->events != events(session)) {
        kvm->events = events(session);
        kvm->active = now;
    }
    if (kvm->rfb == NULL || rfb_is_waiting_for_login(kvm->rfb))
        return now - kvm->began > LOGIN_MS * G_TIME_SPAN_MILLISECOND;
    return idle != 0 && now - kvm->active > idle;
}

static void
tick(Redirect *session)
{
    Kvm *kvm = redirect_state(session);

    if (is_over(session, kvm) || (kvm->rfb != NULL && !rfb_refresh(kvm->rfb)))
        redirect_close(session, FALSE);
    redirect_timer(session, FRAME_MS);
}

static void
end(Redirect *session, gpointer state)
{
    Kvm *kvm = state;
    Device *device = redirect_device(session);
    const SimInstance *sap = device_first(device, "CIM_KVMRedirectionSAP");
    g_autofree char *now = sap != NULL ? device_property(device, sap, "EnabledState") : NULL;

    if (g_strcmp0(now, "2") == 0) /* it may have been switched off meanwhile */
        show_state(device, "6");
    rfb_free(kvm->rfb);
    g_free(kvm);
}

const RedirectKind redirect_kvm = {
    .name = "KVMR",
    .opened = 8,
    .closed = 9,
    .event_opened = -1,
    .event_closed = -1,
    .begin = begin,
    .input = input,
    .timer = tick,
    .end = end,
};
