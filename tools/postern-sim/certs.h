/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* certs.h - keys, self-signed certificates and TLS settings: one for each model, and one more for
 * each set of faults that concern certificates. */
#include "device.h"

#include <openssl/ssl.h>

typedef struct Certs Certs;

/* An empty store; `legacy`: with the TLS versions of old firmware. */
Certs *certs_new(gboolean legacy);

/* Accepts NULL. */
void certs_free(Certs *certs);

/* The server context of `model` with what the faults of `device` (NULL: none) make of its
 * certificate, made when first asked for; the store keeps it. NULL with `error`. */
SSL_CTX *certs_context(Certs *certs, const Model *model, const Device *device, GError **error);

/* A server context with a certificate of the device's own; the caller's. NULL with `error`. */
SSL_CTX *certs_own_context(
    Certs *certs, const Model *model, X509 *certificate, EVP_PKEY *key, GError **error);

/* Why OpenSSL's last call failed, newly allocated; empties its queue. */
char *certs_why(void);
