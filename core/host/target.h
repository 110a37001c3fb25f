/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * target.h - whom a task is for: names, addresses, networks, ranges, lists; streamed, never held.
 *
 * Accepted forms: host, host:port, IPv4, IPv4:port, IPv6, [IPv6]:port, A.B.C.D/N (host addresses of the
 * network), A.B.C.D-E.F.G.H and A.B.C.D-N (ranges, both ends included), each with an optional :port behind
 * it; @NAME for the members of a collection. In a file: one on each line, `#` begins a comment.
 */
#include <glib.h>

typedef struct {
    char *text; /* as named: "lab-7:16993"; members of a network or range in their own right: "10.0.0.7" */
    char *host; /* without port and brackets, lower case */
    guint16 port; /* 0: none named */
} Target;

Target *target_copy(const Target *target);
void target_free(Target *target);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(Target, target_free)

/* What an organisation knows about names (core/fleet/ makes one). Same thread as the source. */
typedef struct {
    gpointer data;
    /* The members of the collection `name` (without the @), and how many there are (-1: not known). NULL with
     * BAD_PARAM: there is none of that name. */
    gpointer (*open)(const char *name, gint64 *count, gpointer data, GError **error);
    /* The next member; NULL: the end, or an error, behind which it goes on. */
    Target *(*next)(gpointer members, GError **error);
    void (*close)(gpointer members);
    /* A single name, known or not: may set `target->host` to where it is reached. FALSE with `error` for a name
     * that must be known and is not, such as a UUID. */
    gboolean (*locate)(Target *target, gpointer data, GError **error);
} TargetDirectory;

typedef struct TargetSource TargetSource;

/* A source that yields what was added, in order. Duplicates are yielded as often as named. */
TargetSource *target_source_new(void);
void target_source_free(TargetSource *source);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(TargetSource, target_source_free)

/* Names are looked up in `directory` from here on, and @NAME is a collection of it. Must outlive the source. */
void target_source_set_directory(TargetSource *source, const TargetDirectory *directory);

/* Add one argument of the command line. Checked now: BAD_PARAM says which character of what is wrong. */
gboolean target_source_add(TargetSource *source, const char *text, GError **error);

/* Add a file of targets, "-": standard input; read piece by piece while targets are asked for, checked line
 * by line then. FALSE when it cannot be opened. */
gboolean target_source_add_file(TargetSource *source, const char *path, GError **error);

/* The next target, NULL at the end; NULL with `error` (file and line) when a line is no target, then the
 * source goes on behind that line at the next call. NULL without error while target_source_waits_for() says
 * so: standard input has nothing yet. */
Target *target_source_next(TargetSource *source, GError **error);

/* The descriptor to wait on before the next target can be told; -1: none, the last NULL was the end. */
int target_source_waits_for(const TargetSource *source);

/* Forget what could only be had by waiting: a cancelled batch names only the targets at hand. */
void target_source_stop_waiting(TargetSource *source);

/* TRUE if `text` is a network or range: its first and last address, in host byte order. */
gboolean target_is_range(const char *text, guint32 *first, guint32 *last);

/* How many there are in all, if that is known without reading files; -1 otherwise. */
gint64 target_source_total(const TargetSource *source);
