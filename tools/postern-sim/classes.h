/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * classes.h - the CIM classes of a model, read from the .classes files in models/.
 *
 * An instance is a list of properties whose values hold ${placeholders}; the same list serves all
 * devices of a model, and values.h fills in what is the device's own.
 */
#include "model.h"

/* A piece of a value: text that is ready for the wire, or something to ask the device for. */
typedef struct {
    char *text;                /* XML-escaped; NULL: a placeholder */
    const struct Value *value; /* see values.h */
    char **arguments;          /* of the placeholder, NULL-terminated */
} SimSegment;

typedef enum {
    SIM_TEXT,
    SIM_DATETIME,
    SIM_INTERVAL,
    SIM_REFERENCE,
    SIM_EACH /* an array: one element for each blank-separated word of the value */
} SimKind;

typedef struct {
    char *name;
    SimKind kind;
    GArray *segments;       /* of SimSegment; for SIM_REFERENCE of the whole selectors' XML */
    char *reference_class;  /* SIM_REFERENCE */
    gboolean readonly, key; /* what Put may not change */
} SimProperty;

typedef struct SimClass SimClass;

typedef struct {
    SimClass *class;
    guint index;        /* number within the model, for the stores of devices */
    guint chance, salt; /* present in `chance` percent of the devices */
    gboolean with_tls;  /* present in devices that come with TLS switched on */
    GPtrArray *properties;
} SimInstance;

struct SimClass {
    char *name, *uri;
    char *base; /* enumerating the base shows this class too */
    GPtrArray *instances;
    GPtrArray *derived; /* of SimClass, in file order */
    char **keys;
    char **writable;     /* NULL: Put is refused; "*": all but keys */
    gboolean common;     /* the common namespace is declared even without need */
    gboolean one_a_pull; /* one item whatever MaxElements says */
    gboolean open_end;   /* the last page carries a context as well as the end mark */
    gboolean deletable, creatable;
    char **extra; /* further property names that Put and Create accept */
};

/* Reads `text` (of `path`, for messages) into `model`, leaving out what the model's release has
 * not. */
gboolean classes_read(Model *model, const char *text, const char *path, GError **error);

/* After the last file: ties derived classes to their bases. */
gboolean classes_finish(Model *model, GError **error);

/* NULL when the model has no such class. */
SimClass *classes_find(const Model *model, const char *name);

void classes_free(SimClass *class);

/* Namespace of a class by its prefix (AMT_, CIM_, IPS_), newly allocated; NULL for another prefix.
 */
char *classes_uri(const char *name);
