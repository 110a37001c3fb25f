/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* redirect-login.h - the login at the redirection port: messages 13 and 14, without any socket. */
#include "device.h"

enum { LOGIN_PLAIN = 1, LOGIN_DIGEST = 3, LOGIN_DIGEST_QOP = 4, LOGIN_BODY_MOST = 4096 };

typedef enum { LOGIN_MORE /* to come */, LOGIN_IN, LOGIN_REFUSED, LOGIN_SENSELESS } LoginResult;

/* One message 13 with this method and body: appends the message 14 that answers it to `out`. */
LoginResult
redirect_login(Device *device, guint8 method, const guint8 *body, gsize length, GByteArray *out);
