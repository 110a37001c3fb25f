/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * tap-private.h - what the files of the tap share: a recording in memory.
 */
#include "tap-stream.h"

typedef enum {
    TAP_CONNECT,
    TAP_OPEN,
    TAP_SEND,
    TAP_RECEIVE,
    TAP_END,
    TAP_ERROR,
    TAP_CLOSE,
    TAP_OPS
} TapOp;

/* One thing that happened. */
typedef struct {
    TapOp op;
    guint stream;
    char *peer;       /* "device:16992": of a connect, and of datagrams; else NULL */
    gboolean tls;     /* of a connect */
    gint verdict;     /* of a connect: StreamVerdict */
    gint code;        /* PosternError of a failed connect and of an error; -1: none */
    GByteArray *data; /* of a send or receive */
    gboolean used;    /* by the replay */
} TapEvent;

struct Tap {
    GMutex lock;
    guint steps, fault_step;
    TapFault fault;
    GRand *random;
    char *path;
    char *task;  /* id of the first task that used it */
    gint64 time; /* of the recording, microseconds; 0: not known yet */
    gboolean records, replays;
    GPtrArray *hosts;  /* in the order they were first talked to: "device", "device-2", ... */
    GPtrArray *events; /* of TapEvent */
    guint streams;     /* numbers given out */
};

struct TapStream {
    Tap *tap;
    guint number;
    char *peer; /* "device:16992"; NULL: came in, or datagrams */
    gboolean tls, datagrams;
    TapEvent *last; /* record: so that pieces grow together */
    guint at;       /* replay: index of the event it has come to */
    gsize offset;   /* replay: bytes used of that event */
};

TapEvent *tap_event_new(TapOp op, guint stream);
void tap_event_free(gpointer event);

/* "device:16992" for messages and recordings. The lock is held. */
char *tap_peer(Tap *tap, const char *host, guint16 port);

/* Take out of HTTP heads what differs each time or must not be seen; of all bytes the secrets. A
 * new array. */
GByteArray *tap_normalise(const GByteArray *bytes, gboolean sent);

/* The file. */
gboolean tap_save(Tap *tap, GError **error);
gboolean tap_load(Tap *tap, GError **error);
gboolean tap_parse(Tap *tap, const char *text, gsize length, GError **error);
