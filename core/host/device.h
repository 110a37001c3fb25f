/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * device.h - what a worker remembers of one device while somebody works with it.
 *
 * One request to a device at a time: firmware breaks under parallel ones. The record goes when its last run
 * ends, unless it holds something learned that the next run wants (which TLS it needs).
 * Worker thread only.
 */
#include <glib.h>

typedef struct Device Device;
struct PosternRun;

struct Device {
    char *key;          /* host text, lower case: the same machine under one name is one device */
    guint users;        /* runs on it */
    gpointer keeper;    /* http.c's: the kept connection and its login, freed with `keeper_free` */
    GDestroyNotify keeper_free;
    gboolean tls_legacy; /* learned: a modern handshake fails here, the legacy profile works */
    guint16 tls_refused; /* learned: the TLS port at which nobody speaks TLS, plain works; 0: unknown */
    /* the turn: who may talk to it now */
    gboolean busy;
    GQueue waiting; /* of Wait */
    /* runs: at most one at a time, the rest in order */
    gboolean running;
    GQueue queued; /* the engine's */
};

/* The record of `host` on this worker, made if need be; counts one user. */
Device *device_acquire(const char *host);
void device_release(Device *device);

/* For the worker's table of them. */
void device_free(gpointer device);

/* Wait until it is our turn to talk to the device. FALSE when the run is to end. */
gboolean device_enter(Device *device, struct PosternRun *run, GError **error);
void device_leave(Device *device);
