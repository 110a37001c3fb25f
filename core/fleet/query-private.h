/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* query-private.h - the tree that query-parse.c makes, and query-print.c and query-sql.c walk. */
#include "query.h"

#include <postern-plugin.h>

typedef enum { NODE_OR, NODE_AND, NODE_NOT, NODE_COMPARE, NODE_KNOWN, NODE_TAG, NODE_COLLECTION } NodeKind;

typedef enum { OP_EQUAL, OP_UNEQUAL, OP_LESS, OP_LESS_EQUAL, OP_GREATER, OP_GREATER_EQUAL, OP_LIKE, OP_IN } QueryOp;

typedef struct QueryNode QueryNode;
struct QueryNode {
    NodeKind kind;
    QueryNode *left, *right; /* NOT: left only */
    char *name;              /* of the fact, tag or collection */
    QueryOp op;
    GPtrArray *values; /* of char *: one, but with OP_IN */
};

struct Query {
    QueryNode *root;
};

extern const char *const query_ops[]; /* by QueryOp */

/* Microseconds of "90s", "10m", "2h", "7d", "4w"; -1: it is none of that. */
gint64 query_age(const char *text);
