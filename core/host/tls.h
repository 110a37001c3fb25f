/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * tls.h - TLS as a fleet needs it: OpenSSL on the bare descriptor, one context for each policy in
 * the process, no session cache, buffers given back while idle.
 */
#include "secret.h"

#include <gio/gio.h>

typedef struct TlsContext TlsContext; /* one policy; shared by all threads */
typedef struct TlsSession TlsSession; /* one connection */

/* What is asked of the other side. */
typedef struct {
    char *ca_file; /* roots that must have issued the certificate; NULL: any */
    char *pin;     /* SHA-256 of the certificate, 64 lower-case hex digits; NULL: any */
    char *certificate_file, *key_file; /* what to show when the other side asks; NULL: nothing */
    char *psk_identity;
    Secret *psk; /* hex */
    gboolean may_be_legacy;
    gboolean legacy; /* use that profile now */
} TlsWish;

typedef enum { TLS_DONE, TLS_WANTS_READ, TLS_WANTS_WRITE, TLS_ENDED, TLS_ERROR } TlsStep;

/* Why a handshake failed: decides what may be tried next. */
typedef enum { TLS_FAULT_OTHER, TLS_FAULT_OLD, TLS_FAULT_NOT_TLS } TlsFault;

/* Check and take the members "tls-ca-file", "tls-pin", "tls-legacy", "tls-certificate-file", "tls-key-file",
 * "tls-psk-identity", "tls-psk-hex" of `options` (a{sv}). BAD_PARAM. */
gboolean tls_wish_read(TlsWish *wish, GVariant *options, GError **error);
void tls_wish_clear(TlsWish *wish);
void tls_wish_copy(TlsWish *to, const TlsWish *from); /* `to` is cleared first */
gboolean tls_wish_equal(const TlsWish *a, const TlsWish *b);

/* For the serving side. */
TlsContext *tls_context_serve(const char *certificate_file,
                              const char *key_file,
                              const TlsWish *wish,
                              GError **error);
void tls_context_free(TlsContext *context); /* accepts NULL */

/* A session on `fd`, which stays the caller's. */
TlsSession *tls_client_new(int fd, const TlsWish *wish, GError **error);
TlsSession *tls_server_new(int fd, TlsContext *context, GError **error);
void tls_session_free(TlsSession *session); /* accepts NULL */

/* Each as far as it goes without waiting. TLS_ERROR sets `error`. */
TlsStep tls_handshake(TlsSession *session, const char *peer, TlsFault *fault, GError **error);
TlsStep tls_read(
    TlsSession *session, void *buffer, gsize length, gsize *done, const char *peer, GError **error);
TlsStep tls_write(TlsSession *session,
                  const void *data,
                  gsize length,
                  gsize *done,
                  const char *peer,
                  GError **error);
void tls_goodbye(TlsSession *session);
gboolean tls_has_news(TlsSession *session); /* clear text, the end or an error waits to be read */

/* "tls-version", "tls-cipher", "tls-legacy", "certificate-..." of PosternHttpSvc.peer(). */
void tls_describe(TlsSession *session, GVariantDict *dict);
