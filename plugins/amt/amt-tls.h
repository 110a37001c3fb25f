/* SPDX-License-Identifier: Apache-2.0 */
/* TLS settings of a device, and proof that they work. */
#ifndef AMT_TLS_H
#define AMT_TLS_H

#include "amt-store.h"

/* One of the two instances of AMT_TLSSettingData. */
typedef struct {
    char *id; /* InstanceID; NULL: the device has none */
    gboolean enabled, mutual, plain;
    gboolean knows_plain, plain_supported; /* from 16.1: whether plain can be had at all */
    char **names; /* of clients that are let in; NULL: any that a root vouches for */
} AmtTlsSide;

typedef struct {
    AmtTlsSide remote, local; /* over the network; from the machine's own system */
} AmtTls;

gboolean amt_tls_read(WsMan *ws, AmtTls *tls, GError **error);
void amt_tls_clear(AmtTls *tls);
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC(AmtTls, amt_tls_clear)
gboolean amt_tls_same(const AmtTlsSide *a, const AmtTlsSide *b);
gboolean amt_tls_put(WsMan *ws, const AmtTlsSide *wanted, GError **error);

/* Which certificate TLS shows from the next commit on: changes AMT_TLSCredentialContext, or makes it. */
gboolean amt_tls_bind(WsMan *ws, gboolean has_context, const char *certificate_id, GError **error);
gboolean amt_commit(WsMan *ws, GError **error);

/* Connects anew until the device shows the certificate with that SHA-256 and answers a request; up to half a minute. */
gboolean amt_tls_prove(
    const Amt *amt, PosternRun *run, GVariant *params, const char *sha256, GError **error);
/* The same for the plain port. */
gboolean amt_plain_prove(const Amt *amt, PosternRun *run, GError **error);
/* A conversation that answers, by whichever way still leads there: as `params` say, or to the certificate with that SHA-256
 * (NULL: none is expected). NULL: neither does. */
WsMan *amt_reopen(const Amt *amt, PosternRun *run, GVariant *params, const char *sha256);

/* amt-tls-hello.c: the version below TLS 1.2 that the TLS port takes when it is offered nothing better, static; NULL: none. */
const char *amt_tls_old_version(const Amt *amt, PosternRun *run);
/* The version of a ServerHello from SSL 3.0 to TLS 1.1, 0x0300 to 0x0302; 0: the bytes are none. */
guint16 amt_hello_version(const guint8 *answer, gsize length);

#endif /* AMT_TLS_H */
