/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * model.h - what a generation of AMT firmware does, read from models/NAME.ini.
 *
 * A model is data: everything that differs between releases on the wire is a key of that file, so
 * that a new release needs no code. Models are read once at start and never change.
 */
#include <glib.h>

typedef enum { MODEL_ALREADY_OK, MODEL_ALREADY_INVALID } ModelAlready;
typedef enum { MODEL_SECOND_LOST, MODEL_SECOND_BUSY } ModelSecond;

typedef struct {
    char *name;
    char *title;
    guint version[4]; /* major, minor, hotfix, build */
    char *firmware;   /* "12.0.67" */
    char *server;     /* the Server header */
    /* HTTP */
    gboolean close_after_401;
    char *challenge_header;
    char *qop; /* as it stands in the challenge */
    char *content_type;
    gboolean realm_random; /* all 32 digits, not only the first four */
    gboolean strict_nc;
    gboolean realm_fault; /* a missing realm is the fault AccessDenied, not a 401 */
    guint *chunks;        /* sizes in turn, 0 ends */
    guint idle_seconds, nonce_seconds, nonce_uses;
    int max_connections;
    /* TLS */
    gboolean plain, tls, tls_legacy, tls_ec;
    int tls_min, tls_max; /* of OpenSSL */
    /* WS-Man */
    guint max_contexts, context_seconds;
    gboolean get_first; /* Get without selectors gives the first of several instances */
    char **lacks;       /* classes */
    /* power */
    guint32 power_states; /* bit n: state n can be requested */
    guint power_ms;       /* from acceptance to the new state; a cycle spends as much again off */
    ModelAlready already;
    ModelSecond second;
    GHashTable *classes; /* name -> SimClass, see classes.h */
    GPtrArray *class_list;
} Model;

/* The model called `name`, with its classes. NULL with `error` when there is none, or its data is
 * wrong. */
Model *model_load(const char *name, GError **error);

/* Accepts NULL. */
void model_free(Model *model);

/* Names of all models, sorted; free with g_strfreev(). */
char **model_names(void);

/* TRUE when the model's firmware is at least `major`.`minor`. */
gboolean model_since(const Model *model, guint major, guint minor);

/* TRUE when `class_name` is among the classes that this release has not. */
gboolean model_lacks(const Model *model, const char *class_name);

G_DEFINE_AUTOPTR_CLEANUP_FUNC(Model, model_free)

/* A bundled file, see postern-sim.gresource.xml; NULL with `error` when it is not there. */
GBytes *model_data(const char *path, GError **error);
