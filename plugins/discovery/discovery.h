/* SPDX-License-Identifier: Apache-2.0 */
/* What the files of this plugin share. */
#ifndef DISCOVERY_H
#define DISCOVERY_H

#include <postern-check.h>
#include <postern-host.h>

typedef struct {
    PosternServices svc;
} Discovery;

extern const PosternTask discovery_resolve_task;
extern const PosternTask discovery_ports_task;

#endif /* DISCOVERY_H */
