/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Random queries over random machines: what is printed is read as the same, and the store finds whom a plain reading
 * of query.h finds, machine by machine.
 */
#include "config.h"

#include "machine.h"
#include "query.h"

#include <glib/gstdio.h>
#include <string.h>

enum { MACHINES = 60, QUERIES = 300, ADDRESSES = 3, FACTS = 3 };

static const char *const fact_names[FACTS] = {"amt.version", "cores", "power"};
static const char *const fact_texts[FACTS][6] = {
    {"9", "12", "12.0", "12.0.81", "12.10", "16.1.5"},
    {"1", "2", "04", "10", "100", "many"},
    {"on", "Off", "sleep", "12", "a_b%", "back\\slash"},
};
static const char *const tag_names[] = {"lab", "kiosk", "old"};
static const char *const ranges[] = {
    "10.0.0.0/24", "10.0.1.0/24", "10.0.0.9", "10.0.0.5-20", "10.0.0.0/8"};
static const char *const patterns[] = {"*", "o*", "*f", "1?", "12.*", "?_?%", "*\\*", "pc-1?"};
static const char *const names[] = {"pc-7", "PC-12", "12", "zzz"};

typedef struct {
    gint64 id, days; /* seen so long ago, and half a day */
    char *name, *address;
    const char *facts[FACTS]; /* NULL: not known */
    gboolean tags[G_N_ELEMENTS(tag_names)];
} Known;

typedef enum { OR, AND, NOT, FACT, NAME, ADDRESS, TAG, SEEN } Kind;
static const char *const ops[] = {"=", "!=", "<", "<=", ">", ">=", "~", "in", ""};
typedef enum { EQUAL, UNEQUAL, LESS, LESS_EQUAL, GREATER, GREATER_EQUAL, LIKE, IN, IS_KNOWN } Op;

typedef struct Node {
    Kind kind;
    struct Node *left, *right;
    Op op;
    guint which; /* fact, tag or days */
    const char *values[2];
} Node;

static GRand *dice;

static guint
roll(guint sides)
{
    return (guint)g_rand_int_range(dice, 0, (gint32)sides);
}

/* ---- questions ---- */

static const char *
some_value(const Node *node)
{
    if (node->op == LIKE)
        return patterns[roll(G_N_ELEMENTS(patterns))];
    if (node->kind == NAME)
        return names[roll(G_N_ELEMENTS(names))];
    if (node->kind == ADDRESS)
        return ranges[roll(G_N_ELEMENTS(ranges))];
    return fact_texts[roll(FACTS)][roll(6)];
}

static Op
some_op(Kind kind)
{
    static const Op of_address[] = {EQUAL, UNEQUAL, IN, IS_KNOWN};

    if (kind == ADDRESS)
        return of_address[roll(G_N_ELEMENTS(of_address))];
    return kind == SEEN ? LESS + (Op)roll(4) : (Op)roll(IS_KNOWN + 1);
}

static Node *
some_query(guint depth)
{
    Node *node = g_new0(Node, 1);

    node->kind = depth == 0 ? FACT + (Kind)roll(5) : (Kind)roll(SEEN + 1);
    if (node->kind <= NOT) {
        node->left = some_query(depth - 1);
        node->right = node->kind == NOT ? NULL : some_query(depth - 1);
        return node;
    }
    node->op = some_op(node->kind);
    node->which = node->kind == SEEN ? roll(12) : roll(3);
    for (guint i = 0; i < G_N_ELEMENTS(node->values); i++)
        node->values[i] = some_value(node);
    return node;
}

static void
node_free(Node *node)
{
    if (node == NULL)
        return;
    node_free(node->left);
    node_free(node->right);
    g_free(node);
}

static void
put_value(GString *text, const char *value)
{
    g_string_append_c(text, '"');
    for (; *value != '\0'; value++) {
        if (*value == '\\')
            g_string_append_c(text, '\\');
        g_string_append_c(text, *value);
    }
    g_string_append_c(text, '"');
}

static void
put_comparison(GString *text, const Node *node)
{
    g_string_append(text,
                    node->kind == FACT   ? fact_names[node->which]
                    : node->kind == NAME ? "name"
                                         : "address");
    g_string_append_printf(text, " %s ", ops[node->op]);
    if (node->op == IS_KNOWN)
        return;
    g_string_append(text, node->op == IN ? "(" : "");
    put_value(text, node->values[0]);
    if (node->op == IN) {
        g_string_append(text, ", ");
        put_value(text, node->values[1]);
        g_string_append_c(text, ')');
    }
}

/* Brackets around everything that has parts: which of them are needed is query_print()'s to know. */
static void
put_node(GString *text, const Node *node)
{
    static const char *const words[] = {" or ", " and "};

    switch (node->kind) {
    case OR:
    case AND:
        g_string_append_c(text, '(');
        put_node(text, node->left);
        g_string_append(text, words[node->kind]);
        put_node(text, node->right);
        g_string_append_c(text, ')');
        break;
    case NOT:
        g_string_append(text, "not ");
        put_node(text, node->left);
        break;
    case TAG:
        g_string_append_printf(text, "tag:%s", tag_names[node->which]);
        break;
    case SEEN:
        g_string_append_printf(text, "seen %s %ud", ops[node->op], node->which);
        break;
    case FACT:
    case NAME:
    case ADDRESS:
    default:
        put_comparison(text, node);
    }
}

/* ---- a plain reading of the header ---- */

static gboolean
is_number(const char *text)
{
    return g_regex_match_simple("^[0-9]+(\\.[0-9]+)*$", text, 0, 0);
}

static int
compare_numbers(const char *a, const char *b)
{
    g_auto(GStrv) left = g_strsplit(a, ".", -1), right = g_strsplit(b, ".", -1);
    guint i = 0;

    for (; left[i] != NULL && right[i] != NULL; i++) {
        gint64 difference =
            g_ascii_strtoll(left[i], NULL, 10) - g_ascii_strtoll(right[i], NULL, 10);
        if (difference != 0)
            return difference < 0 ? -1 : 1;
    }
    return (left[i] != NULL) - (right[i] != NULL);
}

static gboolean
like(const char *pattern, const char *text)
{
    g_autofree char *small_pattern = g_ascii_strdown(pattern, -1);
    g_autofree char *small = g_ascii_strdown(text, -1);

    return g_pattern_match_simple(small_pattern, small);
}

static gboolean
holds(Op op, int order)
{
    return op == EQUAL || op == IN ? order == 0
           : op == UNEQUAL         ? order != 0
           : op == LESS            ? order < 0
           : op == LESS_EQUAL      ? order <= 0
           : op == GREATER         ? order > 0
                                   : order >= 0;
}

/* A text beside a number is neither less nor greater, and not the same. */
static gboolean
fits(const Node *node, const char *text, const char *value)
{
    gboolean by_number = node->kind == FACT && is_number(value);

    if (node->op == LIKE)
        return like(value, text);
    if (by_number && !is_number(text))
        return node->op == UNEQUAL;
    return holds(node->op,
                 by_number ? compare_numbers(text, value) : g_ascii_strcasecmp(text, value));
}

/* All addresses are 10.0.X.Y. */
static gboolean
is_within(const char *address, const char *range)
{
    guint last = (guint)g_ascii_strtoull(strrchr(address, '.') + 1, NULL, 10);

    if (g_str_equal(range, "10.0.0.0/8"))
        return TRUE;
    if (g_str_equal(range, "10.0.0.5-20"))
        return g_str_has_prefix(address, "10.0.0.") && last >= 5 && last <= 20;
    return g_str_has_suffix(range, "/24") ? strncmp(address, range, 7) == 0
                                          : g_str_equal(address, range);
}

static gboolean
compare_known(const Node *node, const Known *one)
{
    const char *text = node->kind == FACT   ? one->facts[node->which]
                       : node->kind == NAME ? one->name
                                            : one->address;
    guint count = node->op == IN ? 2 : 1;
    gboolean fit = FALSE;

    if (text == NULL || node->op == IS_KNOWN)
        return text != NULL;
    for (guint i = 0; i < count; i++)
        fit = fit ||
              (node->kind == ADDRESS ? is_within(text, node->values[i]) != (node->op == UNEQUAL)
                                     : fits(node, text, node->values[i]));
    return fit;
}

static gboolean
applies(const Node *node, const Known *one)
{
    switch (node->kind) {
    case OR:
        return applies(node->left, one) || applies(node->right, one);
    case AND:
        return applies(node->left, one) && applies(node->right, one);
    case NOT:
        return !applies(node->left, one);
    case TAG:
        return one->tags[node->which];
    case SEEN:
        return node->op <= LESS_EQUAL ? one->days < node->which : one->days >= node->which;
    case FACT:
    case NAME:
    case ADDRESS:
    default:
        return compare_known(node, one);
    }
}

/* ---- a fleet ---- */

static void
observe(Store *store, Known *one, const char *address, GVariant *facts, gint64 at)
{
    g_autoptr(GError) error = NULL;
    const char *tags[G_N_ELEMENTS(tag_names) + 1] = {NULL};
    Observation seen = {.name = one->name,
                        .address = address,
                        .facts = facts,
                        .tags = tags,
                        .source = "test",
                        .at = at};
    guint count = 0;

    for (guint i = 0; i < G_N_ELEMENTS(tag_names); i++)
        if (one->tags[i])
            tags[count++] = tag_names[i];
    machine_observe(store, &seen, one->id, &one->id, &error);
    g_assert_no_error(error);
}

static void
make_known(Store *store, Known *one, guint number, gint64 now)
{
    gint64 at = now - G_TIME_SPAN_DAY / 2;
    g_autoptr(GVariant) facts = NULL;
    GVariantDict dict;

    g_variant_dict_init(&dict, NULL);
    one->name = g_strdup_printf("pc-%u", number);
    one->days = roll(10);
    at -= one->days * G_TIME_SPAN_DAY;
    for (guint i = 0; i < FACTS; i++)
        if (roll(4) > 0)
            g_variant_dict_insert(
                &dict, fact_names[i], "s", one->facts[i] = fact_texts[i][roll(6)]);
    for (guint i = 0; i < G_N_ELEMENTS(tag_names); i++)
        one->tags[i] = roll(3) == 0;
    facts = g_variant_ref_sink(g_variant_dict_end(&dict));
    /* several addresses, of which the one seen last counts */
    for (guint i = 0, count = roll(ADDRESSES + 1); i < count; i++) {
        g_free(one->address);
        one->address = g_strdup_printf("10.0.%u.%u", roll(2), number + 1);
        observe(store, one, one->address, NULL, at - (count - i) * G_TIME_SPAN_HOUR);
    }
    observe(store, one, NULL, facts, at);
}

static char *
found(Store *store, const Query *query, gint64 now)
{
    g_autoptr(GPtrArray) values = g_ptr_array_new_with_free_func((GDestroyNotify)g_variant_unref);
    g_autoptr(GString) sql = g_string_new(NULL);
    g_autoptr(GError) error = NULL;
    g_autoptr(StoreRows) rows = NULL;
    GString *list = g_string_new(NULL);

    query_sql(query, store, "m.id", now, 0, sql, values, &error);
    g_assert_no_error(error);
    rows = machine_rows(store, sql->str, values, &error);
    while (rows != NULL && store_next(rows, &error))
        g_string_append_printf(list, "%s ", store_text(rows, 2));
    g_assert_no_error(error);
    return g_string_free(list, FALSE);
}

static int
by_name(gconstpointer a, gconstpointer b)
{
    return strcmp(((const Known *)a)->name, ((const Known *)b)->name);
}

static void
check_one(Store *store, const Known *fleet, gint64 now)
{
    Node *node = some_query(roll(5));
    g_autoptr(GString) text = g_string_new(NULL), expected = g_string_new(NULL);
    g_autoptr(GError) error = NULL;
    g_autoptr(Query) query = NULL, again = NULL;
    g_autofree char *printed = NULL, *twice = NULL, *have = NULL, *have_again = NULL;

    put_node(text, node);
    query = query_parse(text->str, &error);
    g_assert_no_error(error);
    printed = query_print(query);
    again = query_parse(printed, &error);
    g_assert_no_error(error);
    twice = query_print(again);
    g_assert_cmpstr(twice, ==, printed);
    for (guint i = 0; i < MACHINES; i++)
        if (applies(node, &fleet[i]))
            g_string_append_printf(expected, "%s ", fleet[i].name);
    have = found(store, query, now);
    have_again = found(store, again, now);
    if (!g_str_equal(have, expected->str))
        g_error("%s finds\n%s, expected\n%s", printed, have, expected->str);
    g_assert_cmpstr(have_again, ==, have);
    node_free(node);
}

static void
test_random(void)
{
    g_autofree char *directory = g_dir_make_tmp("postern-query-XXXXXX", NULL);
    g_autofree char *path = g_build_filename(directory, "fleet.db", NULL);
    g_autoptr(GError) error = NULL;
    g_autoptr(Store) store = store_open(path, &error);
    Known fleet[MACHINES] = {0};
    gint64 now = store_now();

    g_assert_no_error(error);
    dice = g_rand_new_with_seed(34);
    g_assert_true(store_begin(store, NULL));
    for (guint i = 0; i < MACHINES; i++)
        make_known(store, &fleet[i], i, now);
    g_assert_true(store_commit(store, NULL));
    qsort(fleet, MACHINES, sizeof fleet[0], by_name);
    for (guint i = 0; i < QUERIES; i++)
        check_one(store, fleet, now);
    for (guint i = 0; i < MACHINES; i++) {
        g_free(fleet[i].name);
        g_free(fleet[i].address);
    }
    g_rand_free(dice);
    g_clear_pointer(&store, store_free);
    g_unlink(path);
    g_rmdir(directory);
}

int
main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/query/random", test_random);
    return g_test_run();
}
