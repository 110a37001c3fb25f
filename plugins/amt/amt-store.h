/* SPDX-License-Identifier: Apache-2.0 */
/* The keys and certificates in a device, which belongs to which, and what they are used for. */
#ifndef AMT_STORE_H
#define AMT_STORE_H

#include "amt-x509.h"

#define AMT_KEY_SERVICE "AMT_PublicKeyManagementService"
#define AMT_CERTIFICATE "AMT_PublicKeyCertificate"
#define AMT_KEY_PAIR    "AMT_PublicPrivateKeyPair"

/* Words of what a certificate is used for, as bits. */
enum { AMT_USE_TLS = 1, AMT_USE_8021X = 2, AMT_USE_REMOTE_ACCESS = 4, AMT_USE_OTHER = 8 };

typedef struct {
    char *id;       /* InstanceID */
    guint32 handle; /* the number in it */
    gboolean root, read_only;
    guint32 uses;
    char *device_subject; /* as the device writes it; for what cannot be read */
    AmtX509 *x509;        /* NULL: the device's bytes are no certificate */
} AmtHeld;

typedef struct {
    char *id;
    guint32 handle;
    AmtPublicKey key; /* .id NULL: the device's bytes are no key */
    GBytes *der;
} AmtPair;

typedef struct {
    GPtrArray *certificates; /* of AmtHeld */
    GPtrArray *pairs;        /* of AmtPair */
    gboolean has_context;    /* there is an AMT_TLSCredentialContext */
} AmtStore;

/* What is wanted of it: pairs cost an enumeration, uses two. */
enum { AMT_STORE_PAIRS = 1, AMT_STORE_USES = 2, AMT_STORE_ALL = 3 };
/* Clear it in any case. */
gboolean amt_store_read(WsMan *ws, AmtStore *store, guint32 parts, GError **error);
void amt_store_clear(AmtStore *store);
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC(AmtStore, amt_store_clear)

const AmtHeld *amt_store_handle(const AmtStore *store, guint32 handle);
const AmtHeld *amt_store_fingerprint(const AmtStore *store, const char *sha256);
const AmtHeld *amt_store_tls(const AmtStore *store); /* what TLS shows; NULL: none is bound */
const AmtPair *amt_store_pair(const AmtStore *store, guint32 handle);
const AmtPair *amt_store_pair_of(const AmtStore *store,
                                 const AmtX509 *x509); /* NULL: its key is not there */

/* "tls", "8021x" ...; floating "as". */
GVariant *amt_use_words(guint32 uses);

/* Selectors of an instance that is told by its InstanceID; floating. */
GVariant *amt_by_id(const char *id);
/* InstanceID in a reference that a method gave; NULL with PROTOCOL: it has none. The caller's. */
char *amt_reference_id(GVariant *outputs, const char *name, GError **error);
/* Number at the end of "...: Handle: 7". */
guint32 amt_handle_of(const char *id);

/* Adds it and gives its InstanceID, the caller's. A trusted root that is there already is a success. */
char *amt_store_add(WsMan *ws, GBytes *der, gboolean root, gboolean *added, GError **error);
/* Makes a key pair in the device, with patience; `bits` of RSA. Its InstanceID, the caller's. */
char *amt_key_make(const Amt *amt, PosternRun *run, WsMan *ws, guint32 bits, GError **error);
/* The request for a pair, signed by the device, and checked. */
GBytes *amt_request_sign(WsMan *ws,
                         const AmtPair *pair,
                         const char *common_name,
                         const char *organization,
                         const char *const *names,
                         GError **error);

#endif /* AMT_STORE_H */
