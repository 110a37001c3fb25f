/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* certs.h - keys, self-signed certificates and TLS settings, one for each model and not for each
 * device. */
#include "model.h"

#include <openssl/ssl.h>

/* A server context with the versions of `model`, or those of old firmware when `legacy`; NULL with
 * `error`. */
SSL_CTX *certs_context(const Model *model, gboolean legacy, GError **error);

/* Why OpenSSL's last call failed, newly allocated; empties its queue. */
char *certs_why(void);
