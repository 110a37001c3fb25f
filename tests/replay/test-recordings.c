/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Every recorded WS-Management answer: names, counts and texts against a second reading of the file, values of
 * the classes that are read here against a table written by hand, and the same after squeezing white space.
 */
#include "amt.h"

#include <libxml/parser.h>
#include <libxml/tree.h>
#include <string.h>

static char *recordings;

static char *
read_recording(const char *path, gsize *length)
{
    g_autofree char *full = g_build_filename(recordings, path, NULL);
    char *text = NULL;

    return g_file_get_contents(full, &text, length, NULL) ? text : NULL;
}

static WsmanMessage *
parse(const char *path, const char *text, gsize length)
{
    g_autoptr(GError) error = NULL;
    WsmanMessage *message = wsman_message_parse(&amt_profile, (const guint8 *)text, length, &error);

    if (message == NULL)
        g_error("%s: %s", path, error->message);
    return message;
}

/* ---- the second reading: plain libxml2, local names only ---- */

static xmlNode *
find(xmlNode *parent, const char *name)
{
    for (xmlNode *node = parent == NULL ? NULL : parent->children; node != NULL; node = node->next)
        if (node->type == XML_ELEMENT_NODE && g_str_equal(node->name, name))
            return node;
    return NULL;
}

static gboolean
is_nil(xmlNode *node)
{
    for (xmlAttr *attr = node->properties; attr != NULL; attr = attr->next)
        if (g_str_equal(attr->name, "nil"))
            return TRUE;
    return FALSE;
}

static gboolean
has_elements(xmlNode *node)
{
    return xmlFirstElementChild(node) != NULL;
}

static guint
count_named(xmlNode *instance, const xmlChar *name)
{
    guint count = 0;

    for (xmlNode *node = xmlFirstElementChild(instance); node != NULL;
         node = xmlNextElementSibling(node))
        count += g_str_equal(node->name, name) ? 1 : 0;
    return count;
}

static char *
text_of(GVariant *value)
{
    gsize size = 0;

    if (g_variant_is_of_type(value, G_VARIANT_TYPE_STRING))
        return g_variant_dup_string(value, NULL);
    if (g_variant_is_of_type(value, G_VARIANT_TYPE_BYTESTRING)) {
        const guchar *bytes = g_variant_get_fixed_array(value, &size, 1);
        return g_base64_encode(bytes, size);
    }
    return g_variant_print(value, FALSE);
}

/* The n-th element of that name says what `value`, or its n-th member, says. */
static void
check_text(const char *path, xmlNode *node, GVariant *value, guint n, guint count)
{
    gboolean array = g_variant_is_of_type(value, G_VARIANT_TYPE_ARRAY) &&
                     !g_variant_is_of_type(value, G_VARIANT_TYPE_BYTESTRING) &&
                     !g_variant_is_of_type(value, G_VARIANT_TYPE_VARDICT);
    g_autoptr(GVariant) member = NULL;
    xmlChar *raw = xmlNodeGetContent(node);

    if (array && g_variant_n_children(value) == 0) {
        g_assert_cmpstr((const char *)raw, ==, "");
        xmlFree(raw);
        return;
    }
    if (array)
        g_assert_cmpuint(g_variant_n_children(value), ==, count);
    else
        g_assert_cmpuint(count, ==, 1);
    member = array ? g_variant_get_child_value(value, n) : g_variant_ref(value);
    if (!has_elements(node)) {
        g_autofree char *text = text_of(member);
        if (!g_str_equal(text, (const char *)raw) && strchr((const char *)raw, '\n') == NULL)
            g_error("%s: %s is '%s', read as '%s'", path, node->name, (const char *)raw, text);
    }
    xmlFree(raw);
}

static void
check_instance(const char *path, xmlNode *instance, GVariant *values)
{
    g_autoptr(GHashTable) seen = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, NULL);
    guint names = 0;

    for (xmlNode *node = xmlFirstElementChild(instance); node != NULL;
         node = xmlNextElementSibling(node)) {
        const char *name = (const char *)node->name;
        guint n = GPOINTER_TO_UINT(g_hash_table_lookup(seen, name));
        guint count = count_named(instance, node->name);
        g_autoptr(GVariant) value = g_variant_lookup_value(values, name, NULL);
        g_hash_table_insert(seen, g_strdup(name), GUINT_TO_POINTER(n + 1));
        if (count == 1 && is_nil(node)) {
            g_assert_null(value);
            continue;
        }
        names += n == 0 ? 1 : 0;
        if (value == NULL)
            g_error("%s: property %s was lost", path, name);
        if (!is_nil(node))
            check_text(path, node, value, n, count);
    }
    g_assert_cmpuint(g_variant_n_children(values), ==, names);
}

static void
check_items(const char *path, xmlNode *page, const WsmanMessage *message)
{
    xmlNode *items = find(page, "Items");
    guint n = 0;

    for (xmlNode *node = items == NULL ? NULL : xmlFirstElementChild(items); node != NULL;
         node = xmlNextElementSibling(node), n++) {
        g_assert_cmpuint(n, <, message->items->len);
        const WsmanContent *item = g_ptr_array_index(message->items, n);
        check_instance(path, node, item->values);
        if (!g_str_equal(node->name, "XmlFragment"))
            g_assert_cmpstr(item->class_name, ==, (const char *)node->name);
    }
    g_assert_cmpuint(n, ==, message->items->len);
    g_assert_cmpint(message->end, ==, find(page, "EndOfSequence") != NULL);
    g_assert_cmpint(message->context != NULL, ==, find(page, "EnumerationContext") != NULL);
}

static void
check_against_second_reading(const char *path,
                             const char *text,
                             gsize length,
                             const WsmanMessage *message)
{
    while (length > 0 && g_ascii_isspace(*text)) {
        text++;
        length--;
    }
    xmlDoc *doc = xmlReadMemory(text, (int)length, NULL, NULL, XML_PARSE_NONET);
    xmlNode *body = find(xmlDocGetRootElement(doc), "Body");
    xmlNode *first = body == NULL ? NULL : xmlFirstElementChild(body);

    g_assert_nonnull(body);
    if (first == NULL)
        g_assert_null(message->body);
    else if (g_str_equal(first->name, "Fault"))
        g_assert_nonnull(message->fault);
    else if (g_str_has_suffix((const char *)first->name, "EnumerateResponse") ||
             g_str_has_suffix((const char *)first->name, "PullResponse"))
        check_items(path, first, message);
    else
        check_instance(path, first, message->body);
    xmlFreeDoc(doc);
}

/* As firmware sends it: nothing between the elements. White space that is all of a value stays. */
static char *
squeeze(const char *text)
{
    g_autoptr(GRegex) opening = g_regex_new(">\\s+<(?!/)", 0, 0, NULL);
    g_autoptr(GRegex) closing = g_regex_new("(</[^>]*>|/>)\\s+<", 0, 0, NULL);
    g_autofree char *half = g_regex_replace(opening, text, -1, 0, "><", 0, NULL);

    return g_regex_replace(closing, half, -1, 0, "\\1<", 0, NULL);
}

static void
check_squeezed(const char *path, const char *text, const WsmanMessage *message)
{
    g_autofree char *tight = squeeze(text);
    g_autoptr(WsmanMessage) again = parse(path, tight, strlen(tight));

    g_assert_cmpstr(again->action, ==, message->action);
    g_assert_cmpstr(again->relates_to, ==, message->relates_to);
    g_assert_cmpstr(again->context, ==, message->context);
    g_assert_cmpstr(again->fault, ==, message->fault);
    g_assert_true((again->body == NULL) == (message->body == NULL));
    if (message->body != NULL && !g_variant_equal(again->body, message->body))
        g_error("%s: reads otherwise without white space between elements", path);
    for (guint i = 0; message->items != NULL && i < message->items->len; i++) {
        const WsmanContent *a = g_ptr_array_index(message->items, i);
        const WsmanContent *b = g_ptr_array_index(again->items, i);
        g_assert_true(g_variant_equal(a->values, b->values));
    }
}

/* Cut anywhere, it is an error and nothing else. */
static void
check_cut(const char *text, gsize length)
{
    gsize step = MAX(length / 40, 1), end = length;

    while (end > 0 && text[end - 1] != '>')
        end--;
    for (gsize cut = 0; cut + 1 < end; cut += step) {
        g_autoptr(GError) error = NULL;
        g_assert_null(wsman_message_parse(&amt_profile, (const guint8 *)text, cut, &error));
        g_assert_error(error, POSTERN_ERROR, POSTERN_ERROR_PROTOCOL);
    }
}

static void
check_file(const char *path)
{
    gsize length = 0;
    g_autofree char *text = read_recording(path, &length);

    if (text == NULL)
        g_error("%s is in the index but cannot be read", path);
    g_autoptr(WsmanMessage) message = parse(path, text, length);
    check_against_second_reading(path, text, length, message);
    check_squeezed(path, text, message);
    check_cut(text, length);
}

static gboolean
skip(void)
{
    if (recordings != NULL)
        return FALSE;
    g_test_skip("no recordings at $srcdir/../shared/recordings");
    return TRUE;
}

/* Files of one envelope: the rest are transcripts of several. */
static gboolean
is_envelope(char *const *columns)
{
    return g_str_has_suffix(columns[0], ".xml") && !g_str_equal(columns[2], "conversation");
}

static guint
for_index(const char *prefix, void (*check)(const char *path))
{
    gsize length = 0;
    g_autofree char *index = read_recording("INDEX.tsv", &length);
    g_auto(GStrv) lines = g_strsplit(index, "\n", -1);
    guint done = 0;

    for (guint i = 1; lines[i] != NULL; i++) {
        g_auto(GStrv) columns = g_strsplit(lines[i], "\t", -1);
        if (g_strv_length(columns) < 4 || !g_str_has_prefix(columns[0], prefix) ||
            !is_envelope(columns))
            continue;
        check(columns[0]);
        done++;
    }
    return done;
}

static void
test_amt(void)
{
    if (skip())
        return;
    g_assert_cmpuint(for_index("amt/", check_file), >, 150);
    g_assert_cmpuint(for_index("amt-older/", check_file), >, 3);
}

static void
test_winrm(void)
{
    if (skip())
        return;
    g_assert_cmpuint(for_index("winrm/", check_file), >, 50);
}

static GVariant *
find_value(const WsmanMessage *message, const char *item, const char *property)
{
    if (g_str_equal(item, "#"))
        return g_variant_ref_sink(g_variant_new_int32((gint32)message->items->len));
    if (g_str_equal(item, "-"))
        return g_variant_lookup_value(message->body, property, NULL);
    guint n = (guint)g_ascii_strtoull(item, NULL, 10);
    g_assert_cmpuint(n, <, message->items->len);
    const WsmanContent *content = g_ptr_array_index(message->items, n);
    if (g_str_equal(property, "@class"))
        return g_variant_ref_sink(g_variant_new_string(content->class_name));
    return g_variant_lookup_value(content->values, property, NULL);
}

static void
check_row(char *const *columns)
{
    gsize length = 0;
    g_autofree char *text = read_recording(columns[0], &length);
    g_autoptr(WsmanMessage) message = parse(columns[0], text, length);
    g_autoptr(GVariant) found = find_value(message, columns[1], columns[2]);
    g_autoptr(GError) error = NULL;

    if (g_str_equal(columns[3], "-")) {
        g_assert_null(found);
        return;
    }
    g_autoptr(GVariant) wanted = g_variant_parse(NULL, columns[3], NULL, NULL, &error);
    g_assert_no_error(error);
    g_autofree char *words = found == NULL ? g_strdup("nothing") : g_variant_print(found, TRUE);
    if (found == NULL || !g_variant_equal(found, wanted))
        g_error("%s item %s %s: expected %s, found %s",
                columns[0],
                columns[1],
                columns[2],
                columns[3],
                words);
}

static void
test_values(void)
{
    g_autofree char *table = g_build_filename(TEST_SRCDIR, "tests", "replay", "recorded.tsv", NULL);
    g_autofree char *text = NULL;
    guint rows = 0;

    if (skip())
        return;
    g_assert_true(g_file_get_contents(table, &text, NULL, NULL));
    g_auto(GStrv) lines = g_strsplit(text, "\n", -1);
    for (guint i = 0; lines[i] != NULL; i++) {
        g_auto(GStrv) columns = g_strsplit(lines[i], "\t", -1);
        if (lines[i][0] == '#' || g_strv_length(columns) != 4)
            continue;
        check_row(columns);
        rows++;
    }
    g_assert_cmpuint(rows, >, 80);
}

/* A document type is refused, also in a recording. */
static void
test_doctype(void)
{
    gsize length = 0;
    g_autofree char *text = NULL;
    g_autoptr(GError) error = NULL;

    if (skip())
        return;
    text = read_recording("winrm/apache-2.0/winrm4j/win12.xml", &length);
    g_assert_nonnull(text);
    g_assert_null(wsman_message_parse(&amt_profile, (const guint8 *)text, length, &error));
    g_assert_error(error, POSTERN_ERROR, POSTERN_ERROR_PROTOCOL);
}

/* The type table is found by bisection, so its order matters. */
static void
test_table_sorted(void)
{
    for (gsize i = 1; i < amt_profile.n_types; i++) {
        const WsmanType *a = &amt_profile.types[i - 1], *b = &amt_profile.types[i];
        gint order = strcmp(a->property, b->property);
        g_assert_true(order < 0 || (order == 0 && g_strcmp0(a->class_name, b->class_name) < 0));
    }
}

int
main(int argc, char *argv[])
{
    g_test_init(&argc, &argv, NULL);
    recordings = g_build_filename(TEST_SRCDIR, "..", "shared", "recordings", NULL);
    if (!g_file_test(recordings, G_FILE_TEST_IS_DIR))
        g_clear_pointer(&recordings, g_free);
    g_test_add_func("/recordings/table-sorted", test_table_sorted);
    g_test_add_func("/recordings/values", test_values);
    g_test_add_func("/recordings/amt", test_amt);
    g_test_add_func("/recordings/winrm", test_winrm);
    g_test_add_func("/recordings/doctype", test_doctype);
    int failed = g_test_run();
    g_free(recordings);
    return failed;
}
