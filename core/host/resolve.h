/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * resolve.h - from a host's name to its addresses, without blocking the worker.
 */
#include "run.h"

#include <sys/socket.h>

typedef struct {
    struct sockaddr_storage address;
    socklen_t length;
} ResolvedAddress;

enum { RESOLVE_TEXT = 64, RESOLVE_MOST = 8 };

/* An address written as one. FALSE: it is a name. Never waits. */
gboolean resolve_literal(const char *host, guint16 port, ResolvedAddress *address);

/* All addresses of `host` in the system's order, at most RESOLVE_MOST; suspends for names. NULL
 * with UNRESOLVED, or TIMEOUT at `deadline` (monotonic microseconds). */
GArray *
resolve_host(PosternRun *run, const char *host, guint16 port, gint64 deadline, GError **error);

/* Address as text, without port; "?" for what is no IP address. Returns `text`. */
const char *resolve_text(const struct sockaddr_storage *address, char text[RESOLVE_TEXT]);
guint16 resolve_port(const struct sockaddr_storage *address);
