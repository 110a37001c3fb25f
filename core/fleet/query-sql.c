/* SPDX-License-Identifier: Apache-2.0 */
/*
 * query-sql.c - from tree to a condition in SQL. Values are bound, never pasted.
 */
#include "config.h"

#include "collection.h"
#include "query-private.h"

#include <string.h>

typedef struct {
    Store *store;
    const char *machine;
    gint64 now;
    guint depth;
    GString *sql;
    GPtrArray *values;
    GError *error;
} Writer;

/* "$7" for one value more. */
static void
put_bound(Writer *writer, GVariant *value)
{
    g_ptr_array_add(writer->values, g_variant_ref_sink(value));
    g_string_append_printf(writer->sql, "$%u", writer->values->len);
}

static void
put_text(Writer *writer, const char *text)
{
    put_bound(writer, g_variant_new_string(text));
}

static const char *
sign_of(QueryOp op)
{
    return op == OP_IN ? "=" : op == OP_UNEQUAL ? "=" : query_ops[op];
}

/* * and ? as LIKE knows them. */
static char *
like_text(const char *pattern)
{
    GString *like = g_string_new(NULL);

    for (; *pattern != '\0'; pattern++) {
        if (strchr("%_\\", *pattern) != NULL)
            g_string_append_c(like, '\\');
        g_string_append_c(like,
                          *pattern == '*'   ? '%'
                          : *pattern == '?' ? '_'
                                            : g_ascii_tolower(*pattern));
    }
    return g_string_free(like, FALSE);
}

/* `column` against one value, as text. */
static void
put_plain(Writer *writer, const char *column, QueryOp op, const char *value)
{
    g_autofree char *text = op == OP_LIKE ? like_text(value) : g_strdup(value);

    if (op == OP_LIKE)
        g_string_append_printf(writer->sql, "lower(%s) LIKE ", column);
    else
        g_string_append_printf(writer->sql, "%s %s ", column, sign_of(op));
    put_text(writer, text);
    g_string_append(writer->sql, op == OP_LIKE ? " ESCAPE '\\'" : " COLLATE NOCASE");
}

static void
put_fact_value(Writer *writer, QueryOp op, const char *value)
{
    g_autofree char *rank = op == OP_LIKE ? NULL : query_rank(value);

    if (rank == NULL) {
        put_plain(writer, "text", op, value);
        return;
    }
    /* a text is no number: it differs from each */
    g_string_append(writer->sql, op == OP_UNEQUAL ? "coalesce(rank, '') " : "rank ");
    g_string_append_printf(writer->sql, "%s ", sign_of(op));
    put_text(writer, rank);
}

static void
put_address_value(Writer *writer, QueryOp op, const char *value)
{
    guint32 first = 0, last = 0;

    if (op == OP_LIKE || !target_is_range(value, &first, &last)) {
        put_plain(writer, "value", op, value);
        return;
    }
    g_string_append(writer->sql, "coalesce(ipv4_number(value), -1) BETWEEN "); /* IPv6: in none */
    put_bound(writer, g_variant_new_int64(first));
    g_string_append(writer->sql, " AND ");
    put_bound(writer, g_variant_new_int64(last));
}

static void
put_value(Writer *writer, const QueryNode *node, const char *value)
{
    gboolean address = strcmp(node->name, "address") == 0;

    if (strcmp(node->name, "uuid") == 0 || strcmp(node->name, "name") == 0)
        put_plain(writer, node->name, node->op, value);
    else if (address)
        put_address_value(writer, node->op, value);
    else if (strcmp(node->name, "mac") == 0 || strcmp(node->name, "fqdn") == 0)
        put_plain(writer, "value", node->op, value);
    else
        put_fact_value(writer, node->op, value);
}

/* All values of a comparison, joined; "1 = 1" where only being known is asked. */
static void
put_values(Writer *writer, const QueryNode *node)
{
    if (node->kind == NODE_KNOWN) {
        g_string_append(writer->sql, "1 = 1");
        return;
    }
    g_string_append(writer->sql, node->op == OP_UNEQUAL ? "NOT (" : "(");
    for (guint i = 0; i < node->values->len; i++) {
        g_string_append(writer->sql, i > 0 ? " OR " : "");
        put_value(writer, node, node->values->pdata[i]);
    }
    g_string_append_c(writer->sql, ')');
}

static void
put_seen(Writer *writer, const QueryNode *node)
{
    /* long ago is a small time, so the sign turns round */
    static const char *const turned[] = {
        [OP_LESS] = ">", [OP_LESS_EQUAL] = ">=", [OP_GREATER] = "<", [OP_GREATER_EQUAL] = "<="};

    g_string_append_printf(writer->sql, "%s IN (SELECT id FROM machine WHERE ", writer->machine);
    if (node->kind == NODE_KNOWN) {
        g_string_append(writer->sql, "1 = 1)");
        return;
    }
    g_string_append_printf(writer->sql, "seen %s ", turned[node->op]);
    put_bound(writer, g_variant_new_int64(writer->now - query_age(node->values->pdata[0])));
    g_string_append_c(writer->sql, ')');
}

static void
put_column(Writer *writer, const QueryNode *node)
{
    g_string_append_printf(writer->sql,
                           "%s IN (SELECT id FROM machine WHERE %s IS NOT NULL AND ",
                           writer->machine,
                           node->name);
    put_values(writer, node);
    g_string_append_c(writer->sql, ')');
}

static void
put_key(Writer *writer, const QueryNode *node)
{
    gboolean all = strcmp(node->name, "mac") == 0;

    g_string_append_printf(writer->sql,
                           "%s IN (SELECT machine FROM machine_key k WHERE kind = '%s' AND ",
                           writer->machine,
                           node->name);
    put_values(writer, node);
    if (!all)
        g_string_append_printf(
            writer->sql,
            " AND NOT EXISTS (SELECT 1 FROM machine_key l WHERE l.machine = k.machine "
            "AND l.kind = '%s' AND l.seen > k.seen)",
            node->name);
    g_string_append_c(writer->sql, ')');
}

static void
put_fact(Writer *writer, const QueryNode *node)
{
    g_string_append_printf(
        writer->sql, "%s IN (SELECT machine FROM machine_fact WHERE name = ", writer->machine);
    put_text(writer, node->name);
    g_string_append(writer->sql, " AND ");
    put_values(writer, node);
    g_string_append_c(writer->sql, ')');
}

static void
put_compare(Writer *writer, const QueryNode *node)
{
    if (strcmp(node->name, "seen") == 0)
        put_seen(writer, node);
    else if (strcmp(node->name, "uuid") == 0 || strcmp(node->name, "name") == 0)
        put_column(writer, node);
    else if (strcmp(node->name, "mac") == 0 || strcmp(node->name, "fqdn") == 0 ||
             strcmp(node->name, "address") == 0)
        put_key(writer, node);
    else
        put_fact(writer, node);
}

static void
put_tag(Writer *writer, const QueryNode *node)
{
    g_string_append_printf(
        writer->sql, "%s IN (SELECT machine FROM machine_tag WHERE tag = ", writer->machine);
    put_text(writer, node->name);
    g_string_append_c(writer->sql, ')');
}

/* What is in a collection is not known here: the deepest, to be safe. */
enum { COLLECTION_NESTING = 64 };

static guint nesting(const QueryNode *node);

static guint
nesting_in(const QueryNode *node, NodeKind around)
{
    return nesting(node) - (node->kind == around && node->kind <= NODE_AND ? 1 : 0);
}

/* How many brackets and NOTs lie around its innermost comparison. */
static guint
nesting(const QueryNode *node)
{
    guint left, right;

    if (node->kind > NODE_NOT)
        return node->kind == NODE_COLLECTION ? COLLECTION_NESTING : 0;
    left = nesting_in(node->left, node->kind);
    right = node->kind != NODE_NOT ? nesting_in(node->right, node->kind) : 0;
    return 1 + (left > right ? left : right);
}

static void put_node(Writer *writer, const QueryNode *node, NodeKind around);

/* SQLite's parser has a stack of 100: a chain needs brackets only once, and the deeper side comes first, while nothing
 * else waits on that stack. */
static void
put_joined(Writer *writer, const QueryNode *node, NodeKind around)
{
    gboolean turned = nesting_in(node->right, node->kind) > nesting_in(node->left, node->kind);

    g_string_append(writer->sql, node->kind != around ? "(" : "");
    put_node(writer, turned ? node->right : node->left, node->kind);
    g_string_append(writer->sql, node->kind == NODE_OR ? " OR " : " AND ");
    put_node(writer, turned ? node->left : node->right, node->kind);
    g_string_append(writer->sql, node->kind != around ? ")" : "");
}

static void
put_node(Writer *writer, const QueryNode *node, NodeKind around)
{
    if (writer->error != NULL)
        return;
    switch (node->kind) {
    case NODE_OR:
    case NODE_AND:
        put_joined(writer, node, around);
        break;
    case NODE_NOT:
        g_string_append(writer->sql, "NOT ");
        put_node(writer, node->left, NODE_NOT);
        break;
    case NODE_TAG:
        put_tag(writer, node);
        break;
    case NODE_COLLECTION:
        collection_sql(writer->store,
                       node->name,
                       writer->machine,
                       writer->now,
                       writer->depth + 1,
                       writer->sql,
                       writer->values,
                       &writer->error);
        break;
    case NODE_COMPARE:
    case NODE_KNOWN:
    default:
        put_compare(writer, node);
        break;
    }
}

gboolean
query_sql(const Query *query,
          Store *store,
          const char *machine,
          gint64 now,
          guint depth,
          GString *sql,
          GPtrArray *values,
          GError **error)
{
    Writer writer = {store, machine, now, depth, sql, values, NULL};

    put_node(&writer, query->root, NODE_NOT);
    if (writer.error == NULL)
        return TRUE;
    g_propagate_error(error, writer.error);
    return FALSE;
}
