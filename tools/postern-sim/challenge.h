/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* challenge.h - HTTP digest login, the device's side of it. */
#include "device.h"

typedef enum {
    CHALLENGE_NONE, /* no credentials came */
    CHALLENGE_OK,
    CHALLENGE_STALE, /* right password on a nonce that is over */
    CHALLENGE_RESET, /* the same, but the device does not say so */
    CHALLENGE_WRONG
} ChallengeResult;

/* Value of the WWW-Authenticate header with a fresh nonce, newly allocated. */
char *challenge_make(Device *device, gboolean stale);

/* Judges the value of an Authorization header (NULL: there was none). */
ChallengeResult challenge_check(Device *device,
                                const char *authorization,
                                const char *method,
                                const char *target,
                                const char *body,
                                gsize length);

/* The value of `name` in a list of NAME=value and NAME="value", newly allocated; NULL when it is
 * missing. */
char *challenge_field(const char *list, const char *name);

/* The response of RFC 2617 for `a1` (hex); `body_hash` is the MD5 of the body for auth-int, else
 * NULL. `nc` or `cnonce` NULL: that of RFC 2069. */
char *challenge_response(const char *a1,
                         const char *nonce,
                         const char *nc,
                         const char *cnonce,
                         const char *method,
                         const char *target,
                         const char *body_hash);
