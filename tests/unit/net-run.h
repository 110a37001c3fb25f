/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * net-run.h - for tests of the transport services: a run without a plugin, and a server that
 * follows a script.
 */
#include "run.h"
#include "tap.h"

/* The result of a task's function is not looked at: return an empty a{sv} with net_done(). */
typedef GVariant *(*NetTask)(PosternRun *run, GVariant *params, gpointer self, GError **error);
GVariant *net_done(void);

/* Run `task` on `target` ("127.0.0.1:1234") to its end. `logins`: user, password, user, password
 * ..., NULL, of type test.digest (test.basic when the user's name begins with "basic"). `tap` may
 * be NULL. */
Outcome *net_run(NetTask task, const char *target, const char *const *logins, Tap *tap);

/* What the tests of one program share; free after the last. */
void net_setup(void);
void net_teardown(void);
const CredentialTypeInfo *net_type(const char *id); /* test.digest or test.basic */
Host *net_host(void);
extern gpointer net_data;                           /* for the task */

/* ---- a server of threads that blocks and follows a script ---- */

typedef struct {
    guint16 port;
    GPtrArray *requests; /* of char: head and body of each, in order; read it after
                            net_server_free's join */
    guint connections;
    /* own */
    int fd;
    GThread *thread;
    const char *const *const
        *script; /* for each connection: the answers, NULL-ended; a NULL list ends it */
} NetServer;

/* Answers are sent as they are, after a whole request was read. Special ones:
 *   "@reset"  cut with RST without an answer        "@close"  close without an answer
 *   "@drip TEXT"  one byte each 20 ms               "@hang"   say nothing until the client leaves
 *   "+TEXT"   TEXT, then close at once              "!TEXT"   TEXT without reading a request first
 * After the last answer the server waits until the client closes. */
NetServer *net_server(const char *const *const *script);
/* Wait until the script has been played, and stop. The requests stay until net_server_free(). */
void net_server_stop(NetServer *server);
void net_server_free(NetServer *server);
const char *net_request(NetServer *server, guint i); /* "" if there was none */
char *net_target(NetServer *server);                 /* "127.0.0.1:PORT" */
