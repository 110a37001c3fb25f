/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * exchange.h - one HTTP request and its answer, without any socket: bytes in, bytes out.
 */
#include "device.h"

enum { EXCHANGE_HEAD_MAX = 8192, EXCHANGE_BODY_MAX = 32768 };

typedef enum {
    EXCHANGE_MORE, /* the request is not complete */
    EXCHANGE_DONE,
} ExchangeProgress;

/* What the connection must do besides sending `out`. */
typedef struct {
    gsize used;        /* bytes of input that the request took */
    gboolean close;    /* after sending */
    gboolean unread;   /* input may follow that nobody reads: close gently */
    gboolean drop;     /* close now, send nothing */
    gboolean login_ok; /* the request was authenticated */
    gboolean served;   /* the request got as far as being understood */
} ExchangeResult;

/* Looks at `length` bytes of input; when they hold a whole request, carries it out and appends the
 * answer. */
ExchangeProgress
exchange_run(Device *device, const char *input, gsize length, GString *out, ExchangeResult *result);

/* Appends `body` in chunks of the model's sizes, with the end mark. */
void exchange_chunk(const Model *model, const char *body, gsize length, GString *out);
