/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * redirect.h - the redirection port of a device: one session on each connection, after a start message and a login.
 *
 * What a session of a kind does is a file of its own, redirect-KIND.c, behind the table RedirectKind.
 */
#include "device.h"
#include "reactor.h"

#include <openssl/ssl.h>

typedef struct Redirect Redirect;

/* Kinds, and what of them stands in AMT_RedirectionService.EnabledState. */
enum { REDIRECT_SOL, REDIRECT_IDER, REDIRECT_KVM, REDIRECT_KINDS };

typedef struct {
    char name[5];                    /* four letters of the start message */
    guint enabled;                   /* bit of EnabledState; 0: CIM_KVMRedirectionSAP says it */
    guint opened, closed;            /* events 18/n of the audit log */
    gint event_opened, event_closed; /* third data byte of event 192 AA 30; -1: no event */
    /* The login was right: the state of the session, for redirect_state(). */
    gpointer (*begin)(Redirect *session);
    /* Bytes came: returns how many of them were used up, whole messages or raw ones; 0: more are needed; -1: what
     * came makes no sense, or it is the end: the connection is closed once all is sent. It is called again as long as it
     * uses some and some are left. */
    gssize (*input)(Redirect *session, const guint8 *bytes, gsize length);
    /* redirect_timer() is due. May be NULL. */
    void (*timer)(Redirect *session);
    /* All that was queued has been sent. May be NULL. */
    void (*drained)(Redirect *session);
    /* The session is over; frees the state. */
    void (*end)(Redirect *session, gpointer state);
} RedirectKind;

extern const RedirectKind redirect_sol;
extern const RedirectKind redirect_ider, redirect_kvm;

Device *redirect_device(const Redirect *session);
gpointer redirect_state(const Redirect *session);
/* TRUE: it came in on port 5900, without a start message and without a login of the device's accounts. */
gboolean redirect_is_direct(const Redirect *session);

/* Queue bytes for the client; never fails. */
void redirect_send(Redirect *session, gconstpointer bytes, gsize length);
/* Bytes that are queued and not taken by the socket yet. */
gsize redirect_backlog(const Redirect *session);
/* Call kind->timer once, in `ms` milliseconds; a second call moves it. 0: never mind. */
void redirect_timer(Redirect *session, guint ms);
/* End the session from within timer() or drained(); `reset`: as a network that is gone, else after what is queued. */
void redirect_close(Redirect *session, gboolean reset);

/* Little-endian numbers of messages. */
guint redirect_u16(const guint8 *bytes);
guint32 redirect_u32(const guint8 *bytes);
/* Eight bytes: opcode, three bytes 0, the sequence number. */
void redirect_header(guint8 header[8], guint8 opcode, guint32 sequence);

/* ---- for server.c ---- */

/* TRUE when the device lets anybody connect to the redirection port. */
gboolean redirect_listens(Device *device);

/* Told when the connection is gone, as ConnectionGone. */
typedef void (*RedirectGone)(Redirect *session, gpointer data);

/* Takes the accepted descriptor `fd`; `tls` NULL: plain. NULL: it did not even begin. Frees itself after `gone`. */
Redirect *redirect_start(
    Reactor *reactor, Device *device, int fd, SSL_CTX *tls, RedirectGone gone, gpointer data);
/* The same for a KVM session on port 5900, if the device takes one now. */
gboolean redirect_takes_direct(Device *device);
Redirect *
redirect_start_direct(Reactor *reactor, Device *device, int fd, RedirectGone gone, gpointer data);
/* Ends it from outside, without `gone`. */
void redirect_free(Redirect *session);
guint redirect_place(const Redirect *session);
void redirect_set_place(Redirect *session, guint place);
