/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* sim.h - the whole simulator: its devices and the choices of the command line. */
#include "device.h"

typedef enum { SIM_TLS_MODEL, SIM_TLS_ON, SIM_TLS_OFF, SIM_TLS_ONLY, SIM_TLS_LEGACY } SimTls;

typedef struct Sim {
    Device *devices;
    guint count;
    guint32 first; /* address of devices[0]; the others follow */
    GPtrArray *models;
    GPtrArray *faults;
    char *user, *password;
    guint64 seed;
    gint64 started;    /* wall clock, microseconds */
    guint8 secret[16]; /* signs nonces */
    guint16 port, tls_port;
    guint16 pong_port;                              /* UDP; 0: no pongs */
    gboolean pong_optional;                         /* done without when the port cannot be had */
    guint16 host_port;                              /* of the operating system; 0: none */
    guint16 redirection_port, redirection_tls_port; /* 0: none */
    guint16 vnc_port;                               /* of KVM with a password of its own; 0: none */
    gboolean vnc_optional;
    gboolean redirection_optional; /* done without where the ports cannot be had */
    guint64 ider_read;             /* bytes that a machine reads of what it starts from; 0: all */
    guint32 ider_block;            /* bytes that it reads at once; 0: 64 KiB */
    SimTls tls;
    struct Certs *certs; /* see sim_certs() */
    /* Told when a device may have opened or closed ports; `restart`: its web server starts anew. NULL: nobody listens. */
    void (*ports_changed)(Device *device, gboolean restart, gpointer data);
    gpointer ports_data;
    /* What shows on the screen of a machine: `text` is the `what` of `device`. NULL: nobody looks. */
    void (*screen)(const Device *device, const char *what, const char *text);
} Sim;

/* An empty simulator. `password` is copied. */
Sim *sim_new(const char *user, const char *password, guint64 seed);
void sim_free(Sim *sim);

/* Makes `count` devices from `first` on, of the models of `spec` (NAME[:share],... or NULL for the
 * default); FALSE with `error` when the addresses leave 127/8 or a model is not known. Add faults
 * before. */
gboolean sim_populate(Sim *sim, guint32 first, guint64 count, const char *spec, GError **error);

/* TRUE when `device` listens on its plain or TLS management port. */
gboolean sim_offers(const Sim *sim, const Device *device, gboolean tls);

/* The same when it was switched on first, whatever was committed since. */
gboolean sim_comes_with(const Sim *sim, const Device *device, gboolean tls);

/* Tells whoever listens. */
void sim_ports_changed(Device *device, gboolean restart);

/* Keys and certificates of the models, made when first asked for. */
struct Certs *sim_certs(Sim *sim);

/* The device with this address, or NULL. */
Device *sim_device(Sim *sim, guint32 address);

G_DEFINE_AUTOPTR_CLEANUP_FUNC(Sim, sim_free)
