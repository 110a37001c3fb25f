/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Certificates, keys and requests, as far as AMT needs them: OpenSSL reads and writes all of it. Nothing here talks to a device.
 */
#ifndef AMT_X509_H
#define AMT_X509_H

#include "amt.h"

enum { AMT_X509_MOST = 8192 /* bytes of one; devices take about half of it */ };

/* One certificate. Names are RFC 2253 text, times seconds since 1970, hex is lower case. */
typedef struct {
    GBytes *der;
    char *subject, *issuer, *serial, *sha256;
    char *hash; /* of its signature: "sha256"; NULL: the signature has none, or it is not known */
    const char *key; /* "rsa", "ec" or "other" */
    char *key_id;    /* SHA-256 of its public key, to compare with others */
    guint32 key_bits;
    gint64 not_before, not_after;
    char *common_name; /* NULL: none */
    gboolean self_signed, ca;
    gboolean
        for_console; /* what AMT wants of a client's certificate: clientAuth, and Intel's own mark */
} AmtX509;

/* All of `length` bytes of DER. PROTOCOL. */
AmtX509 *amt_x509_read(const guint8 *data, gsize length, GError **error);
void amt_x509_free(AmtX509 *x509); /* accepts NULL */
G_DEFINE_AUTOPTR_CLEANUP_FUNC(AmtX509, amt_x509_free)
/* Whole days until its end by our clock; below 0: it has ended. */
gint64 amt_x509_days_left(const AmtX509 *x509);
/* TRUE if `issuer` made the signature of `x509`. */
gboolean amt_x509_issued_by(const AmtX509 *x509, const AmtX509 *issuer);
/* Every certificate of a PEM or DER file, in its order; other blocks are passed over. Of AmtX509, maybe empty. */
GPtrArray *amt_x509_read_all(GBytes *content);
/* The only certificate of a PEM or DER file. BAD_PARAM. */
AmtX509 *amt_x509_read_file(GBytes *content, const char *path, GError **error);

/* A public key as devices give it: PKCS#1, or SubjectPublicKeyInfo. */
typedef struct {
    const char *kind;
    char *id;
    guint32 bits;
    char *pem;
} AmtPublicKey;
/* `key` is cleared beforehand by the caller, if it held anything. PROTOCOL. */
gboolean amt_public_key_read(AmtPublicKey *key, const guint8 *data, gsize length, GError **error);
void amt_public_key_clear(AmtPublicKey *key);
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC(AmtPublicKey, amt_public_key_clear)

/* A request with this subject and key and an empty signature, for a device to sign. `public_key` as above; `names` are DNS
 * names, NULL: the common name alone. */
GBytes *amt_request_make(GBytes *public_key,
                         const char *common_name,
                         const char *organization,
                         const char *const *names,
                         GError **error);
/* FALSE unless `request` is signed, and for that very key. */
gboolean amt_request_check(GBytes *request, const AmtPublicKey *key, GError **error);

/* Text between BEGIN and END lines, the caller's. */
char *amt_pem(const char *label, GBytes *der);

/* Somebody who signs requests. */
typedef struct AmtCa AmtCa;
/* `certificate` is the CA's, `key` its private one in PEM; `password` NULL: it has none. Checked: they belong together, it is a
 * CA, and valid at `now`. BAD_PARAM. */
AmtCa *amt_ca_new(GBytes *certificate,
                  const char *certificate_path,
                  GBytes *key,
                  const char *key_path,
                  const char *password,
                  gint64 now,
                  GError **error);
void amt_ca_free(AmtCa *ca);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(AmtCa, amt_ca_free)
const AmtX509 *amt_ca_certificate(const AmtCa *ca);
/* The certificate for a request that was checked: its subject, its names, for servers, and for clients too if `client`. */
GBytes *amt_ca_issue(
    const AmtCa *ca, GBytes *request, guint32 days, gboolean client, gint64 now, GError **error);

/* amt-files.c: a file of at most `most` bytes, read and written where it may take its time. BAD_PARAM. */
GBytes *
amt_file_read(const Amt *amt, PosternRun *run, const char *path, gsize most, GError **error);
/* Of a file with a secret: leaves nothing of it in memory. */
void amt_file_wipe(GBytes *content);
gboolean
amt_file_write(const Amt *amt, PosternRun *run, const char *path, const char *text, GError **error);

#endif /* AMT_X509_H */
