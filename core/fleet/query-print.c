/* SPDX-License-Identifier: Apache-2.0 */
/*
 * query-print.c - from tree to text, in one spelling.
 */
#include "config.h"

#include "query-private.h"

#include <string.h>

static gboolean
is_plain(const char *value)
{
    static const char *const words[] = {"and", "or", "not", "in", NULL};

    if (*value == '\0' || g_strv_contains(words, value))
        return FALSE;
    for (; *value != '\0'; value++)
        if (!g_ascii_isalnum(*value) && strchr("._:/*?+%-", *value) == NULL)
            return FALSE;
    return TRUE;
}

static void
put_value(GString *out, const char *value)
{
    if (is_plain(value)) {
        g_string_append(out, value);
        return;
    }
    g_string_append_c(out, '"');
    for (; *value != '\0'; value++) {
        if (*value == '"' || *value == '\\')
            g_string_append_c(out, '\\');
        g_string_append_c(out, *value);
    }
    g_string_append_c(out, '"');
}

static void
put_compare(GString *out, const QueryNode *node)
{
    g_string_append_printf(out, "%s %s ", node->name, query_ops[node->op]);
    if (node->op == OP_IN)
        g_string_append_c(out, '(');
    for (guint i = 0; i < node->values->len; i++) {
        g_string_append(out, i > 0 ? ", " : "");
        put_value(out, node->values->pdata[i]);
    }
    if (node->op == OP_IN)
        g_string_append_c(out, ')');
}

static void put_node(GString *out, const QueryNode *node, NodeKind around);

/* NodeKind is in the order in which they bind, loosest first. */
static void
put_joined(GString *out, const QueryNode *node, NodeKind around)
{
    gboolean bracketed = node->kind < around;

    g_string_append(out, bracketed ? "(" : "");
    put_node(out, node->left, node->kind);
    g_string_append(out, node->kind == NODE_OR ? " or " : " and ");
    put_node(out, node->right, node->kind);
    g_string_append(out, bracketed ? ")" : "");
}

static void
put_node(GString *out, const QueryNode *node, NodeKind around)
{
    switch (node->kind) {
    case NODE_OR:
    case NODE_AND:
        put_joined(out, node, around);
        break;
    case NODE_NOT:
        g_string_append(out, "not ");
        put_node(out, node->left, NODE_NOT);
        break;
    case NODE_COMPARE:
        put_compare(out, node);
        break;
    case NODE_KNOWN:
        g_string_append(out, node->name);
        break;
    case NODE_TAG:
        g_string_append_printf(out, "tag:%s", node->name);
        break;
    case NODE_COLLECTION:
    default:
        g_string_append_printf(out, "@%s", node->name);
        break;
    }
}

char *
query_print(const Query *query)
{
    GString *out = g_string_new(NULL);

    put_node(out, query->root, NODE_OR);
    return g_string_free(out, FALSE);
}
