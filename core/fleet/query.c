/* SPDX-License-Identifier: Apache-2.0 */
/*
 * query.c - from text to tree.
 */
#include "config.h"

#include "query-private.h"
#include "target.h"

#include <string.h>

enum {
    TEXT_MOST = 16 * 1024,
    LEVELS_MOST = 48,
    COMPARISONS_MOST = 512,
    RANK_PARTS = 8,
    RANK_DIGITS = 10
};

const char *const query_ops[] = {"=", "!=", "<", "<=", ">", ">=", "~", "in"};

typedef struct {
    const char *text;
    gsize at, start; /* behind and before the present token */
    enum { TOKEN_END, TOKEN_WORD, TOKEN_TEXT, TOKEN_SIGN } token;
    GString *value; /* of the present token */
    guint levels, comparisons;
    GError *error; /* the first mistake */
} Parser;

/* ---- nodes ---- */

static void
node_free(QueryNode *node)
{
    if (node == NULL)
        return;
    node_free(node->left);
    node_free(node->right);
    g_free(node->name);
    g_clear_pointer(&node->values, g_ptr_array_unref);
    g_free(node);
}

static QueryNode *
node_new(NodeKind kind, QueryNode *left, QueryNode *right)
{
    QueryNode *node = g_new0(QueryNode, 1);

    node->kind = kind;
    node->left = left;
    node->right = right;
    return node;
}

static QueryNode *
node_named(NodeKind kind, const char *name)
{
    QueryNode *node = node_new(kind, NULL, NULL);

    node->name = g_strdup(name);
    return node;
}

/* ---- tokens ---- */

static gboolean
in_word(char c)
{
    return g_ascii_isalnum(c) || (c & 0x80) != 0 || (c != '\0' && strchr("._:/*?+%@#-", c) != NULL);
}

static void
wrong(Parser *parser, const char *expected)
{
    static const char *const what[] = {"the end", "'", "the text \"", "'"};
    static const char *const behind[] = {"", "'", "\"", "'"};
    g_autofree char *shown =
        g_utf8_make_valid(parser->value->str, MIN((gssize)parser->value->len, 40));

    if (parser->error == NULL)
        parser->error =
            g_error_new(POSTERN_ERROR,
                        POSTERN_ERROR_BAD_PARAM,
                        "query, character %" G_GSIZE_FORMAT ": found %s%s%s, expected %s",
                        parser->start + 1,
                        what[parser->token],
                        parser->token == TOKEN_END ? "" : shown,
                        behind[parser->token],
                        expected);
}

static void
take_quoted(Parser *parser)
{
    const char *text = parser->text;

    parser->token = TOKEN_TEXT;
    for (parser->at++; text[parser->at] != '"' && text[parser->at] != '\0'; parser->at++) {
        if (text[parser->at] == '\\' && text[parser->at + 1] != '\0')
            parser->at++;
        g_string_append_c(parser->value, text[parser->at]);
    }
    if (text[parser->at] == '"')
        parser->at++;
    else
        wrong(parser, "a \" at its end");
}

static void
take_sign(Parser *parser)
{
    const char *text = parser->text + parser->at;
    gsize length = strchr("!<>", *text) != NULL && text[1] == '=' ? 2 : 1;

    parser->token = TOKEN_SIGN;
    g_string_append_len(parser->value, text, (gssize)length);
    parser->at += length;
}

static void
next(Parser *parser)
{
    const char *text = parser->text;

    while (g_ascii_isspace(text[parser->at]))
        parser->at++;
    parser->start = parser->at;
    g_string_truncate(parser->value, 0);
    if (text[parser->at] == '\0') {
        parser->token = TOKEN_END;
    } else if (text[parser->at] == '"') {
        take_quoted(parser);
    } else if (in_word(text[parser->at])) {
        parser->token = TOKEN_WORD;
        while (in_word(text[parser->at]))
            g_string_append_c(parser->value, text[parser->at++]);
    } else {
        take_sign(parser);
    }
}

static gboolean
is_sign(const Parser *parser, const char *sign)
{
    return parser->token == TOKEN_SIGN && strcmp(parser->value->str, sign) == 0;
}

static gboolean
is_word(const Parser *parser, const char *word)
{
    return parser->token == TOKEN_WORD && strcmp(parser->value->str, word) == 0;
}

/* ---- comparisons ---- */

static gboolean
take_value(Parser *parser, GPtrArray *values)
{
    if (parser->token != TOKEN_WORD && parser->token != TOKEN_TEXT) {
        wrong(parser, "a value: a word, or text in \"\"");
        return FALSE;
    }
    g_ptr_array_add(values, g_strdup(parser->value->str));
    next(parser);
    return parser->error == NULL;
}

static void
take_list(Parser *parser, GPtrArray *values)
{
    if (!is_sign(parser, "(")) {
        wrong(parser, "'(' before the values of 'in'");
        return;
    }
    do
        next(parser);
    while (take_value(parser, values) && ++parser->comparisons <= COMPARISONS_MOST &&
           is_sign(parser, ","));
    if (parser->error == NULL && !is_sign(parser, ")"))
        wrong(parser, "',' or ')'");
    next(parser);
}

static gint
op_of(const Parser *parser)
{
    for (guint i = 0; i < G_N_ELEMENTS(query_ops); i++)
        if ((parser->token == TOKEN_SIGN || i == OP_IN) && parser->token != TOKEN_TEXT &&
            strcmp(parser->value->str, query_ops[i]) == 0)
            return (gint)i;
    return -1;
}

/* How long ago takes an age, and only what can be said of one. */
static void
check_age(Parser *parser, const QueryNode *node, gsize at)
{
    const char *value = node->values->pdata[0];
    g_autofree char *shown = g_utf8_make_valid(value, (gssize)MIN(strlen(value), 40));

    if (node->op >= OP_LESS && node->op <= OP_GREATER_EQUAL && query_age(value) >= 0)
        return;
    parser->error = g_error_new(POSTERN_ERROR,
                                POSTERN_ERROR_BAD_PARAM,
                                "query, character %" G_GSIZE_FORMAT
                                ": found '%s %s' behind 'seen', expected < <= > or >= and an "
                                "age such as 90m, 12h, 7d or 4w",
                                at + 1,
                                query_ops[node->op],
                                shown);
}

/* What is nearly a network would be an address that nobody has. */
static void
check_networks(Parser *parser, const QueryNode *node)
{
    g_autoptr(TargetSource) source = target_source_new();

    for (guint i = 0; parser->error == NULL && i < node->values->len; i++)
        if (strchr(node->values->pdata[i], '/') != NULL &&
            !target_source_add(source, node->values->pdata[i], &parser->error))
            g_prefix_error(&parser->error, "query, an address: ");
}

static QueryNode *
compare(Parser *parser, QueryNode *node)
{
    gint op = op_of(parser);
    gsize at = parser->start;

    if (op < 0) {
        node->kind = NODE_KNOWN;
        return node;
    }
    node->op = (QueryOp)op;
    node->values = g_ptr_array_new_with_free_func(g_free);
    next(parser);
    if (op == OP_IN)
        take_list(parser, node->values);
    else
        take_value(parser, node->values);
    if (parser->error == NULL && strcmp(node->name, "seen") == 0)
        check_age(parser, node, at);
    if (parser->error == NULL && op != OP_LIKE && strcmp(node->name, "address") == 0)
        check_networks(parser, node);
    return node;
}

/* ---- expressions ---- */

static QueryNode *expression(Parser *parser);

static gboolean
is_fact_name(const char *name)
{
    return g_ascii_islower(name[0]) &&
           name[strspn(name, "abcdefghijklmnopqrstuvwxyz0123456789.-")] == '\0' &&
           strlen(name) <= 64;
}

static QueryNode *
leaf(Parser *parser)
{
    const char *word = parser->value->str;
    QueryNode *node = NULL;

    if (++parser->comparisons > COMPARISONS_MOST) {
        wrong(parser, "no more than 512 comparisons");
        return NULL;
    }
    if (parser->token != TOKEN_WORD)
        wrong(parser, "a fact, tag:WORD, @COLLECTION, 'not' or '('");
    else if (g_str_has_prefix(word, "tag:") && word[4] != '\0')
        node = node_named(NODE_TAG, word + 4);
    else if (word[0] == '@' && word[1] != '\0')
        node = node_named(NODE_COLLECTION, word + 1);
    else if (is_fact_name(word) && strcmp(word, "and") != 0 && strcmp(word, "or") != 0)
        node = node_named(NODE_COMPARE, word);
    else
        wrong(parser, "the name of a fact, such as amt.version or power");
    if (node == NULL)
        return NULL;
    next(parser);
    return node->kind == NODE_COMPARE ? compare(parser, node) : node;
}

static QueryNode *
brackets(Parser *parser)
{
    QueryNode *node;

    next(parser);
    node = expression(parser);
    if (parser->error == NULL && !is_sign(parser, ")"))
        wrong(parser, "'and', 'or' or ')'");
    next(parser);
    return node;
}

static QueryNode *
factor(Parser *parser)
{
    QueryNode *node;

    if (parser->error != NULL)
        return NULL;
    if (++parser->levels > LEVELS_MOST) {
        wrong(parser, "no more than 48 levels of brackets and 'not'");
        return NULL;
    }
    if (is_word(parser, "not")) {
        next(parser);
        node = node_new(NODE_NOT, factor(parser), NULL);
    } else {
        node = is_sign(parser, "(") ? brackets(parser) : leaf(parser);
    }
    parser->levels--;
    return node;
}

static QueryNode *
chain(Parser *parser, const char *word, NodeKind kind, QueryNode *(*part)(Parser *parser))
{
    QueryNode *node = part(parser);

    while (parser->error == NULL && is_word(parser, word)) {
        next(parser);
        node = node_new(kind, node, part(parser));
    }
    return node;
}

static QueryNode *
term(Parser *parser)
{
    return chain(parser, "and", NODE_AND, factor);
}

static QueryNode *
expression(Parser *parser)
{
    return chain(parser, "or", NODE_OR, term);
}

Query *
query_parse(const char *text, GError **error)
{
    Parser parser = {.text = text, .value = g_string_new(NULL)};
    g_autoptr(Query) query = g_new0(Query, 1);

    if (strlen(text) > TEXT_MOST || !g_utf8_validate(text, -1, NULL)) {
        parser.error = g_error_new(POSTERN_ERROR,
                                   POSTERN_ERROR_BAD_PARAM,
                                   "the query is not text of at most %d bytes",
                                   TEXT_MOST);
    } else {
        next(&parser);
        query->root = expression(&parser);
        if (parser.token != TOKEN_END)
            wrong(&parser, "'and', 'or' or the end");
    }
    g_string_free(parser.value, TRUE);
    if (parser.error == NULL)
        return g_steal_pointer(&query);
    g_propagate_error(error, parser.error);
    return NULL;
}

void
query_free(Query *query)
{
    if (query == NULL)
        return;
    node_free(query->root);
    g_free(query);
}

/* ---- values ---- */

gint64
query_age(const char *text)
{
    static const struct {
        char unit;
        gint64 seconds;
    } units[] = {{'s', 1}, {'m', 60}, {'h', 3600}, {'d', 86400}, {'w', 604800}};
    gsize digits = strspn(text, "0123456789");

    if (digits == 0 || digits > 6 || text[digits] == '\0' || text[digits + 1] != '\0')
        return -1;
    for (guint i = 0; i < G_N_ELEMENTS(units); i++)
        if (text[digits] == units[i].unit)
            return (gint64)g_ascii_strtoull(text, NULL, 10) * units[i].seconds * G_USEC_PER_SEC;
    return -1;
}

char *
query_rank(const char *text)
{
    g_autoptr(GString) rank = g_string_new(NULL);
    const char *at = text;

    for (guint parts = 0; parts < RANK_PARTS; parts++) {
        gsize digits = strspn(at, "0123456789");
        gsize zeros = MIN(strspn(at, "0"), digits > 0 ? digits - 1 : 0);

        if (digits == 0 || digits - zeros > RANK_DIGITS)
            return NULL;
        for (gsize i = digits - zeros; i < RANK_DIGITS; i++)
            g_string_append_c(rank, '0');
        g_string_append_len(rank, at + zeros, (gssize)(digits - zeros));
        at += digits;
        if (*at == '\0')
            return g_string_free(g_steal_pointer(&rank), FALSE);
        if (*at++ != '.')
            return NULL;
        g_string_append_c(rank, '.');
    }
    return NULL;
}

static void
collect(const QueryNode *node, GPtrArray *names)
{
    if (node == NULL)
        return;
    if (node->kind == NODE_COLLECTION)
        g_ptr_array_add(names, node->name);
    collect(node->left, names);
    collect(node->right, names);
}

GPtrArray *
query_collections(const Query *query)
{
    GPtrArray *names = g_ptr_array_new();

    collect(query->root, names);
    return names;
}
