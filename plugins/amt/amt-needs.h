/* SPDX-License-Identifier: Apache-2.0 */
/*
 * amt-needs.h - realms, and what each task needs of them: one table for the README, the manual, the errors and the check
 * before anything is asked.
 *
 * A new task: one row in amt-needs.c, and the row of README.md that tests/unit/test-amt-needs prints when it is missing.
 */
#ifndef AMT_NEEDS_H
#define AMT_NEEDS_H

#include "amt.h"

/* Realms as AMT numbers them; in masks bit n is realm n. */
typedef enum {
    AMT_REALM_REDIRECTION = 2,
    AMT_REALM_ADMINISTRATION = 3,
    AMT_REALM_HARDWARE_ASSET = 4,
    AMT_REALM_REMOTE_CONTROL = 5,
    AMT_REALM_STORAGE = 6,
    AMT_REALM_EVENT_MANAGER = 7,
    AMT_REALM_STORAGE_ADMIN = 8,
    AMT_REALM_AGENT_PRESENCE_LOCAL = 9,
    AMT_REALM_AGENT_PRESENCE_REMOTE = 10,
    AMT_REALM_CIRCUIT_BREAKER = 11,
    AMT_REALM_NETWORK_TIME = 12,
    AMT_REALM_GENERAL_INFO = 13,
    AMT_REALM_FIRMWARE_UPDATE = 14,
    AMT_REALM_EIT = 15,
    AMT_REALM_LOCAL_USER_NOTIFICATION = 16,
    AMT_REALM_ENDPOINT_ACCESS_CONTROL = 17,
    AMT_REALM_ENDPOINT_ACCESS_CONTROL_ADMIN = 18,
    AMT_REALM_EVENT_LOG_READER = 19,
    AMT_REALM_AUDIT_LOG = 20,
    AMT_REALM_ACL = 21,
    AMT_REALM_LOCAL_SYSTEM = 24,
    AMT_REALM_LAST = AMT_REALM_LOCAL_SYSTEM
} AmtRealm;

#define AMT_EVERY_REALM G_MAXUINT32

/* "remote-control" and its like, for parameters and results. */
extern const AmtWord amt_realms[];
/* "Remote Control", "Audit Log" ... of a mask, comma-separated, as people read it; the caller's. */
char *amt_realm_titles(guint32 realms);
/* Words of a mask, floating "as". */
GVariant *amt_realm_words(guint32 realms);
/* A mask of words; FALSE with BAD_PARAM, which lists them. */
gboolean amt_realm_mask(const char *const *words, guint32 *realms, GError **error);

/* What one task needs. */
typedef struct {
    const char *task;    /* its id */
    const char *classes; /* as in README.md */
    guint32 realms;      /* all of these; 0: see `note` */
    guint32 instead;     /* or one of these; 0: nothing else will do */
    const char *note;    /* in place of the realms, or NULL */
    const char *since;   /* first firmware, and what came later */
} AmtNeed;

extern const AmtNeed amt_needs[];          /* sorted by task; a NULL task ends it */
const AmtNeed *amt_need(const char *task); /* NULL: it has no row */
/* "Hardware Asset, General Info", "Network Time or General Info", or its note; the caller's. */
char *amt_need_titles(const AmtNeed *need);
/* Its row in README.md, without the line end; the caller's. */
char *amt_need_row(const AmtNeed *need);

/* TRUE if an account with the realms `held` can do it. */
gboolean amt_realms_suffice(guint32 held, const AmtNeed *need);

/* What an account may do, as a fact ("amt.realms") about the machine. */
typedef struct {
    const char *name;
    guint32 realms;
} AmtHolder;
void amt_observe_realms(const Amt *amt, PosternRun *run, const AmtHolder *holders, guint count);

/* For amt.diagnose, whose account was refused what takes these: adds a fact, when there is news beside what is `known`. */
void amt_add_lacking(PosternResult *facts, GVariant *known, const char *user, guint32 lacking);

/* FALSE with FORBIDDEN when it is known that the account we are about to log in with lacks what the task that runs needs.
 * What is known is a day old at most: after that the device is asked. */
gboolean amt_check_needs(const Amt *amt, PosternRun *run, GError **error);

/* For WsmanProfile.refused: a device let `user` (NULL: not known) in and refused; say what is missing. */
void
amt_explain_refusal(const PosternServices *svc, PosternRun *run, const char *user, GError **error);

#endif /* AMT_NEEDS_H */
