/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * pki.h - keys and certificates of a device, and what they make of its TLS.
 *
 * Certificates and key pairs are instances like others; here is what instances cannot hold: private keys, and the
 * settings that were in force at the last commit.
 */
#include "device.h"

#include <openssl/ssl.h>

enum { PKI_CERTIFICATES_MAX = 12, PKI_KEYS_MAX = 6 };

#define PKI_CERTIFICATE_ID "Intel(r) AMT Certificate: Handle: "
#define PKI_KEY_ID         "Intel(r) AMT Key: Handle: "

typedef struct {
    char *id; /* InstanceID */
    EVP_PKEY *key;
} PkiKey;

typedef struct Pki {
    GPtrArray *keys;    /* of PkiKey */
    gint64 key_ready;   /* monotonic microseconds; 0: none is being made */
    gboolean committed; /* what follows holds; until then the model's TLS does */
    gboolean tls, plain, mutual;
    char **trusted_names;  /* NULL: any */
    char *tls_certificate; /* InstanceID; NULL: the factory's */
    SSL_CTX *context;      /* made when first called; NULL: not yet */
} Pki;

/* Made when first asked for. */
Pki *pki_of(Device *device);
void pki_free(Pki *pki);

/* The certificate with which a device comes, DER, base64. */
char *pki_factory_text(Device *device);
/* Its subject as the firmware writes names. */
char *pki_factory_subject(Device *device);
char *pki_name_text(const X509_NAME *name);

/* The certificate of this InstanceID, the caller's; NULL: none. `root`: whether it is a trusted root; may be NULL. */
X509 *pki_certificate(Device *device, const char *id, gboolean *root);
/* The key pair of this InstanceID, or the one that belongs to `certificate`; borrowed; NULL: none. */
const PkiKey *pki_key(Device *device, const char *id);
const PkiKey *pki_key_for(Device *device, const X509 *certificate);

/* InstanceID of the certificate that AMT_TLSCredentialContext names; NULL: there is no such instance. */
char *pki_bound(Device *device);
/* InstanceID within a reference as it is stored; NULL: none. */
char *pki_reference_id(const char *xml);

/* The inside of a reference to the instance with this InstanceID. */
char *pki_reference(const char *class_name, const char *id);

/* Puts what TLS settings and credential context say now in force. TRUE: something became different. */
gboolean pki_commit(Device *device);

/* The server context of a device that was committed; NULL: the model's serves. NULL with `error` set: impossible. */
SSL_CTX *pki_context(Device *device, GError **error);
