/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * args.h - the command line of `postern`: one table of verbs and options from which parser, help,
 * man page and completion are all made.
 */
#include <glib.h>

typedef enum {
    STATUS_GOOD = 0,
    STATUS_SOME_FAILED = 1,
    STATUS_USAGE = 2,
    STATUS_CONFIG = 3,
    STATUS_REFUSED = 4,
    STATUS_INTERRUPTED = 130,
} Status;

typedef enum { FORMAT_TABLE, FORMAT_JSON, FORMAT_JSONL, FORMAT_CSV } Format;

typedef struct Verb Verb;

/* What was asked for. Members that hold options are named in the table of verbs.c. */
typedef struct {
    const Verb *verb; /* NULL: none named */
    char *group;      /* first word of a verb of two words whose second is missing, else NULL */
    GPtrArray *words; /* of char *: what is neither verb nor option */
    char *config;
    gboolean help, version, quiet, yes, refresh;
    guint verbose;
    guint output;                                     /* Format */
    GPtrArray *files, *credentials;                   /* of char * */
    guint max_parallel, timeout_ms, total_timeout_ms; /* 0: not given */
    gint retries;                                     /* -1: not given */
    double rate;                                      /* 0: not given */
    char *record, *replay, *profile;
    char *machine, *task, *outcome, *actor, *since; /* of the log */
    gboolean follow, effective, again;
} Args;

typedef enum {
    OPTION_FLAG,     /* gboolean */
    OPTION_COUNT,    /* guint: how often it is given */
    OPTION_TEXT,     /* char * */
    OPTION_LIST,     /* GPtrArray of char *: may be repeated */
    OPTION_NUMBER,   /* guint */
    OPTION_DURATION, /* guint, milliseconds */
    OPTION_RATE,     /* double, a second */
    OPTION_CHOICE,   /* guint: index into `choices` */
} OptionKind;

typedef struct {
    const char *name; /* without "--" */
    char letter;      /* or 0 */
    OptionKind kind;
    gsize offset;           /* of its member in Args */
    guint minimum, maximum; /* of a NUMBER */
    const char *value;      /* "FILE"; NULL: takes none */
    const char *const *choices;
    const char *summary;
} Option;

struct Verb {
    const char *name;  /* "run", "task show" */
    const char *words; /* what follows, as help shows it */
    guint least, most; /* how many words */
    const char *summary;
    const char *details;          /* paragraphs, or NULL */
    const Option *const *options; /* besides the common ones */
    const char *const *examples;  /* or NULL */
    Status (*run)(const Args *args);
};

/* A subject that several verbs share: "targets", "parameters". */
typedef struct {
    const char *name, *title, *text;
} Topic;

typedef struct {
    Status status;
    const char *meaning;
} StatusText;

/* The tables; each ends with an entry whose name (or meaning) is NULL. */
extern const Verb verbs[];
extern const Option *const common_options[];
extern const Topic topics[];
extern const StatusText status_texts[];

const Verb *verb_find(const char *name);

Args *args_new(void);
void args_free(Args *args);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(Args, args_free)

/* Read the command line. FALSE with an error whose text is the whole complaint; `args->verb` then
 * says as far as it was understood which help belongs to it. */
gboolean args_parse(Args *args, int argc, char **argv, GError **error);

/* The word at `at`, counted behind the verb, or NULL: there are not that many. */
const char *args_word(const Args *args, guint at);

/* "30s", "500ms", "2m", "1h", "30" (seconds). */
gboolean parse_duration(const char *text, guint *ms, GError **error);
/* "20/s", "600/m", "100/h", "20" (a second). */
gboolean parse_rate(const char *text, double *per_second, GError **error);

/* Read parameter words: TRUE if `word` is name=value rather than a target. */
gboolean word_is_parameter(const char *word);
