/* SPDX-License-Identifier: Apache-2.0 */
/* How the firmware calls home: servers, and rules that say when. */
#ifndef AMT_REMOTE_H
#define AMT_REMOTE_H

#include "amt-facts.h"

#define REMOTE_SERVICE "AMT_RemoteAccessService"
#define REMOTE_SERVER  "AMT_ManagementPresenceRemoteSAP"
#define REMOTE_RULE    "AMT_RemoteAccessPolicyRule"
#define REMOTE_LINK    "AMT_RemoteAccessPolicyAppliesToMPS"
#define REMOTE_SWITCH  "AMT_UserInitiatedConnectionService"

enum { REMOTE_TRIGGERS = 3, REMOTE_PERIODIC = 2 };

typedef struct {
    GPtrArray *servers, *users, *contexts, *rules, *links; /* a{sv} each */
    GVariant *service, *capabilities, *user_initiated;     /* NULL: there is none */
} Remote;

void remote_clear(Remote *remote);
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC(Remote, remote_clear)

/* All of it anew; NOT_SUPPORTED where the firmware cannot call home. */
gboolean remote_read(WsMan *ws, Remote *remote, GError **error);
/* As amt.remoteaccess.get tells it; `changed` < 0: is not told. Floating. */
GVariant *remote_describe(const Remote *remote, gint changed);

/* The rule with this trigger, borrowed; NULL: none. */
GVariant *remote_rule(const Remote *remote, guint32 trigger);
/* Names of the servers of a rule, in the order in which they are tried. */
GPtrArray *remote_servers(const Remote *remote, GVariant *rule);

/* MpsType of its servers; G_MAXUINT32: the firmware has no such. */
guint32 remote_where(const Remote *remote, GVariant *rule);

extern const AmtWord remote_triggers[], remote_wheres[], remote_switches[];

/* ExtendedData of a periodic rule from "300" (seconds) or "03:30" (each day); NULL: neither. Floating "ay". */
GVariant *remote_period_encode(const char *text);
/* And back, newly allocated; NULL: not of a form that is known. */
char *remote_period_decode(GVariant *data);

#endif /* AMT_REMOTE_H */
