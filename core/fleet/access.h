/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * access.h - roles: who may run which tasks on which machines.
 *
 * A role is a file roles.d/NAME.conf beside postern.conf:
 *
 *     [role]
 *     summary = power and console of the lab
 *     tasks = amt.power.*, amt.identify        # patterns with * and ?
 *     collections = lab, kiosks                # "all": every target, known or not
 *     members = alice, %helpdesk               # users, and groups behind %
 *
 * Collections are named as in collection.h; one that is not there has nobody in it. A file that others than its owner
 * could write is refused, because it would let them grant themselves what they like.
 *
 * What is granted is the task that somebody runs. Other tasks that it runs in its turn need no grant of their own, as long
 * as their targets are ones on which the first may run.
 *
 * A role without members grants nothing to anybody and is not counted: the ready-made ones are installed so. While
 * no role has members, whoever can open the store may do all. As soon as one has, everybody else is denied what no role
 * of theirs grants. The store is a file: roles bind people who come through a service that owns it, or who agree to be
 * bound; they do not stop somebody who can write the file.
 */
#include "descriptor.h"
#include "store/store.h"

typedef struct {
    char *name, *file, *summary; /* summary: NULL or a line */
    char **tasks, **collections, **members;
    guint line;          /* of its section, for messages */
    GPtrArray *patterns; /* of GPatternSpec: `tasks` as they are matched */
} Role;

typedef struct Access Access;

/* The directory of roles that belongs to the postern.conf `config_file`. The caller's. */
char *access_directory(const char *config_file);

/* Read every *.conf of `directory`; one that is not there has no roles. BAD_PARAM: file and line. FORBIDDEN: somebody
 * else could have written a file (trust.h). */
Access *access_read(const char *directory, GError **error);
/* The same, but what is wrong with a file is added to `problems` (of char *, each names its file) and the file is left out:
 * for those who explain, never for those who decide. NULL: the directory cannot be read; that is added, too. */
Access *access_read_all(const char *directory, GPtrArray *problems);
void access_free(Access *access);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(Access, access_free)

gboolean access_is_open(const Access *access); /* no role has members */
GPtrArray *access_roles(const Access *access); /* of Role, by name; borrowed */
/* The description of section [role] of such a file. Borrowed. */
const PluginInfo *role_schema(void);
gboolean role_has_task(const Role *role, const char *task);

/* Somebody: a name, and the groups it is in (NULL: ask the system, once). The name need not be known to the system, which
 * then knows no groups of it. Any thread. */
typedef struct {
    char *name;
    char **groups;
} Actor;
Actor *actor_new(const char *name, const char *const *groups);
Actor *actor_of_process(void); /* by the real user id; "uid:1234" when that has no name */
void actor_free(Actor *actor);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(Actor, actor_free)

/* May `actor` run `task` on the machine (0: not known) at `host` (NULL: the task has no target, which only the
 * collection "all" covers)? `granted` (or NULL) gets the name of the role (borrowed; NULL with access_is_open()). FALSE
 * with FORBIDDEN, which says what is missing: no role, none of theirs has the task (names roles that do), or none of
 * those covers the target; or with the store's error. `store` may be NULL: then only "all" covers anything. */
gboolean access_check(const Access *access,
                      Store *store,
                      const Actor *actor,
                      const char *task,
                      gint64 machine,
                      const char *host,
                      const char **granted,
                      GError **error);
