/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The tasks against a device made of recordings: each request gets the answer that a real device gave to the same question.
 * What the tasks must make of them is written down by hand in recorded-tasks.tsv, and every class that was recorded must have
 * been read by one of them, or stand there with the reason why not.
 */
#include "amt.h"
#include "fake-host.h"

#include <libxml/parser.h>
#include <libxml/tree.h>
#include <string.h>

#define ADDRESSING  "http://schemas.xmlsoap.org/ws/2004/08/addressing"
#define ENUMERATION "http://schemas.xmlsoap.org/ws/2004/09/enumeration"

extern const PosternPlugin *amt_LTX_postern_plugin_v1(const PosternHost *host);

static char *recordings;
static GHashTable *files; /* "CLASS operation" -> path */
static GHashTable *read_classes;
static GPtrArray *answers; /* of FakeStep, kept to the end */

/* ---- the recordings ---- */

/* Answers to methods that nobody recorded and that others cannot do without. */
static const struct {
    const char *what, *body;
} supplements[] = {
    {"AMT_MessageLog positiontofirstrecord",
     FAKE_BODY(FAKE_AMT("AMT_MessageLog"),
               "<g:PositionToFirstRecord_OUTPUT><g:IterationIdentifier>1"
               "</g:IterationIdentifier><g:ReturnValue>0</g:ReturnValue>"
               "</g:PositionToFirstRecord_OUTPUT>")},
};

static void
read_index(void)
{
    g_autofree char *path = g_build_filename(recordings, "INDEX.tsv", NULL);
    g_autofree char *text = NULL;
    g_auto(GStrv) lines = NULL;

    files = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, g_free);
    g_assert_true(g_file_get_contents(path, &text, NULL, NULL));
    lines = g_strsplit(text, "\n", -1);
    for (guint i = 1; lines[i] != NULL; i++) {
        g_auto(GStrv) columns = g_strsplit(lines[i], "\t", -1);
        if (g_strv_length(columns) < 5 || !g_str_has_prefix(columns[0], "amt/") ||
            g_str_equal(columns[4], "request"))
            continue;
        g_hash_table_insert(
            files, g_strdup_printf("%s %s", columns[1], columns[2]), g_strdup(columns[0]));
    }
}

/* The recorded envelope; NULL: nobody recorded that. */
static xmlDoc *
load(const char *class_name, const char *operation)
{
    g_autofree char *key = g_strdup_printf("%s %s", class_name, operation);
    const char *path = g_hash_table_lookup(files, key);
    g_autofree char *full = path != NULL ? g_build_filename(recordings, path, NULL) : NULL;
    g_autofree char *text = NULL;

    if (full == NULL)
        return NULL;
    g_assert_true(g_file_get_contents(full, &text, NULL, NULL));
    g_strstrip(text);
    return xmlReadMemory(text, (int)strlen(text), path, NULL, XML_PARSE_NONET | XML_PARSE_NOBLANKS);
}

static xmlNode *
child(xmlNode *parent, const char *name)
{
    for (xmlNode *node = parent != NULL ? xmlFirstElementChild(parent) : NULL; node != NULL;
         node = xmlNextElementSibling(node))
        if (g_str_equal(node->name, name))
            return node;
    return NULL;
}

static xmlNode *
body_of(xmlDoc *doc)
{
    return child(xmlDocGetRootElement(doc), "Body");
}

/* Get was not recorded: the first instance of the enumeration is what it would have said. */
static xmlDoc *
get_from_pull(const char *class_name)
{
    xmlDoc *doc = load(class_name, "pull");
    xmlNode *body = doc != NULL ? body_of(doc) : NULL;
    xmlNode *page = body != NULL ? xmlFirstElementChild(body) : NULL;
    xmlNode *items = child(page, "Items");
    xmlNode *first = items != NULL ? xmlFirstElementChild(items) : NULL;

    if (first == NULL) {
        xmlFreeDoc(doc);
        return NULL;
    }
    xmlUnlinkNode(first);
    xmlAddChild(body, first);
    xmlUnlinkNode(page);
    xmlFreeNode(page);
    return doc;
}

/* Pull was not recorded: one page with what Get said, or an empty one. */
static xmlDoc *
pull_from_get(const char *class_name)
{
    xmlDoc *doc = load(class_name, "get");
    gboolean any = doc != NULL;
    xmlNode *body, *instance, *page, *items;
    xmlNs *ns;

    if (!any)
        doc = load(class_name, "enumerate");
    body = doc != NULL ? body_of(doc) : NULL;
    instance = body != NULL ? xmlFirstElementChild(body) : NULL;
    if (instance == NULL) {
        xmlFreeDoc(doc);
        return NULL;
    }
    ns = xmlNewNs(xmlDocGetRootElement(doc), (const xmlChar *)ENUMERATION, (const xmlChar *)"enu");
    xmlUnlinkNode(instance);
    page = xmlNewChild(body, ns, (const xmlChar *)"PullResponse", NULL);
    items = xmlNewChild(page, ns, (const xmlChar *)"Items", NULL);
    xmlNewChild(page, ns, (const xmlChar *)"EndOfSequence", NULL);
    if (any && !g_str_equal(instance->name, "Fault"))
        xmlAddChild(items, instance);
    else
        xmlFreeNode(instance);
    return doc;
}

/* A page of which nobody recorded the next one is the last. */
static xmlDoc *
last_page(xmlDoc *doc)
{
    xmlNode *body = doc != NULL ? body_of(doc) : NULL;
    xmlNode *page = body != NULL ? xmlFirstElementChild(body) : NULL;
    xmlNode *context = child(page, "EnumerationContext");

    if (context != NULL) {
        xmlUnlinkNode(context);
        xmlFreeNode(context);
    }
    if (page != NULL && child(page, "EndOfSequence") == NULL)
        xmlNewChild(page, page->ns, (const xmlChar *)"EndOfSequence", NULL);
    return doc;
}

/* ---- the device ---- */

static char *
between(const char *text, const char *before, const char *after)
{
    const char *start = strstr(text, before);
    const char *end = start != NULL ? strstr(start, after) : NULL;

    return end != NULL ? g_strndup(start + strlen(before), (gsize)(end - start) - strlen(before))
                       : g_strdup("");
}

/* What follows the last slash, in small letters. */
static char *
operation_of(const char *action)
{
    const char *slash = strrchr(action, '/');

    return g_ascii_strdown(slash != NULL ? slash + 1 : action, -1);
}

static void
set_relates_to(xmlDoc *doc)
{
    xmlNode *header = child(xmlDocGetRootElement(doc), "Header");
    xmlNode *relates = child(header, "RelatesTo");

    g_assert_nonnull(header);
    if (relates == NULL)
        relates = xmlNewChild(header,
                              xmlSearchNsByHref(doc, header, (const xmlChar *)ADDRESSING),
                              (const xmlChar *)"RelatesTo",
                              NULL);
    xmlNodeSetContent(relates, (const xmlChar *)"%ID%");
}

static char *
print(xmlDoc *doc)
{
    xmlChar *text = NULL;
    int length = 0;
    char *copy;

    set_relates_to(doc);
    xmlDocDumpMemory(doc, &text, &length);
    copy = g_strndup((const char *)text, (gsize)length);
    xmlFree(text);
    xmlFreeDoc(doc);
    return copy;
}

static const char *
supplement(const char *class_name, const char *operation)
{
    g_autofree char *what = g_strdup_printf("%s %s", class_name, operation);

    for (guint i = 0; i < G_N_ELEMENTS(supplements); i++)
        if (g_str_equal(supplements[i].what, what))
            return supplements[i].body;
    return NULL;
}

static void
free_answer(gpointer data)
{
    FakeStep *step = data;

    g_free((gpointer)(gsize)step->body);
    g_free(step);
}

/* The classes of what a page holds were read as well. */
static void
note_items(xmlDoc *doc)
{
    xmlNode *body = doc != NULL ? body_of(doc) : NULL;
    xmlNode *items = body != NULL ? child(xmlFirstElementChild(body), "Items") : NULL;

    for (xmlNode *item = items != NULL ? xmlFirstElementChild(items) : NULL; item != NULL;
         item = xmlNextElementSibling(item))
        g_hash_table_add(read_classes, g_strdup((const char *)item->name));
}

static const FakeStep *
answer(FakeHost *fake, const char *request)
{
    g_autofree char *uri = between(request, "ResourceURI>", "</");
    g_autofree char *action = between(request, "Action>", "</");
    g_autofree char *operation = operation_of(action);
    const char *class_name = wsman_class_of(uri);
    const char *more = supplement(class_name, operation);
    xmlDoc *doc = more == NULL ? load(class_name, operation) : NULL;
    FakeStep *step = g_new0(FakeStep, 1);

    g_hash_table_add(read_classes, g_strdup(class_name));
    g_ptr_array_add(answers, step);
    if (doc == NULL && g_str_equal(operation, "get"))
        doc = get_from_pull(class_name);
    if (g_str_equal(operation, "pull"))
        doc = doc != NULL ? last_page(doc) : pull_from_get(class_name);
    note_items(doc);
    step->status = doc != NULL || more != NULL ? 200 : 400;
    step->body = doc != NULL ? print(doc) : g_strdup(more != NULL ? more : FAKE_ABSENT);
    return step;
}

/* ---- the table ---- */

static const PosternTask *
find_task(const char *id)
{
    const PosternTask *const *tasks = amt_LTX_postern_plugin_v1(NULL)->tasks;

    for (guint i = 0; tasks[i] != NULL; i++)
        if (g_str_equal(tasks[i]->id, id))
            return tasks[i];
    g_error("recorded-tasks.tsv: there is no task %s", id);
}

/* One step into a value: the member of that name, or of that number. */
static GVariant *
step_into(GVariant *value, const char *name)
{
    g_autoptr(GVariant) member = NULL;

    if (g_variant_is_of_type(value, G_VARIANT_TYPE_VARDICT))
        return g_variant_lookup_value(value, name, NULL);
    guint64 n = g_ascii_strtoull(name, NULL, 10);
    if (!g_variant_is_container(value) || n >= g_variant_n_children(value))
        return NULL;
    member = g_variant_get_child_value(value, n);
    return g_variant_is_of_type(member, G_VARIANT_TYPE_VARIANT) ? g_variant_get_variant(member)
                                                                : g_steal_pointer(&member);
}

static GVariant *
look_up(GVariant *result, const char *path)
{
    g_auto(GStrv) names = g_strsplit(path, "/", -1);
    GVariant *value = g_variant_ref(result);

    for (guint i = 0; value != NULL && names[i] != NULL; i++) {
        GVariant *next = step_into(value, names[i]);
        g_variant_unref(value);
        value = next;
    }
    return value;
}

typedef struct {
    char *key; /* task and parameters */
    FakeHost *fake;
    GVariant *result;
} Run;

static void
run_clear(Run *run)
{
    g_clear_pointer(&run->key, g_free);
    g_clear_pointer(&run->result, g_variant_unref);
    g_clear_pointer(&run->fake, fake_host_free);
}

/* Runs the task, unless it is the one that ran last. Rows are the member "rows" of the result. */
static void
run_task(Run *run, const char *id, const char *params)
{
    g_autofree char *key = g_strdup_printf("%s %s", id, params);
    g_autoptr(GError) error = NULL;
    g_autoptr(GVariant) values = NULL;
    g_autoptr(GVariant) result = NULL;
    GVariantDict dict;
    char policy[] = "prefer";
    Amt amt = {.tls = policy, .port = 16992, .tls_port = 16993, .timeout_ms = 10000};

    if (g_strcmp0(run->key, key) == 0)
        return;
    run_clear(run);
    run->key = g_steal_pointer(&key);
    run->fake = fake_host_new(NULL, 0);
    run->fake->answer = answer;
    amt.svc = run->fake->svc;
    amt_options_init(&amt);
    values = g_variant_parse(G_VARIANT_TYPE_VARDICT, params, NULL, NULL, &error);
    g_assert_no_error(error);
    result = find_task(id)->run(fake_run(run->fake), values, &amt, &error);
    amt_options_clear(&amt);
    if (result == NULL)
        g_error("%s %s: %s", id, params, error->message);
    g_variant_take_ref(result);
    g_variant_dict_init(&dict, result);
    if (run->fake->rows->len > 0)
        g_variant_dict_insert_value(&dict,
                                    "rows",
                                    g_variant_new_array(G_VARIANT_TYPE_VARDICT,
                                                        (GVariant *const *)run->fake->rows->pdata,
                                                        run->fake->rows->len));
    run->result = g_variant_ref_sink(g_variant_dict_end(&dict));
}

static void
check_row(Run *run, char *const *columns)
{
    g_autoptr(GVariant) found = NULL;
    g_autoptr(GVariant) wanted = NULL;
    g_autoptr(GError) error = NULL;
    g_autofree char *words = NULL;

    run_task(run, columns[0], columns[1]);
    found = look_up(run->result, columns[2]);
    if (g_str_equal(columns[3], "-") && found == NULL)
        return;
    words = found == NULL ? g_strdup("nothing") : g_variant_print(found, TRUE);
    wanted = g_variant_parse(NULL, columns[3], NULL, NULL, &error);
    if (wanted == NULL || found == NULL || !g_variant_equal(found, wanted)) {
        g_autofree char *all = g_variant_print(run->result, FALSE);
        g_error("%s %s: %s: expected %s, found %s in %s",
                columns[0],
                columns[1],
                columns[2],
                columns[3],
                words,
                all);
    }
}

/* Classes that no task reads stand in the table as "- CLASS REASON". */
static void
check_classes(void)
{
    GHashTableIter iter;
    gpointer key;

    g_hash_table_iter_init(&iter, files);
    while (g_hash_table_iter_next(&iter, &key, NULL)) {
        g_auto(GStrv) words = g_strsplit(key, " ", 2);
        if (!g_hash_table_contains(read_classes, words[0])) {
            g_test_message("%s was recorded and no task reads it", words[0]);
            g_test_fail();
            g_hash_table_add(read_classes, g_strdup(words[0])); /* say it once */
        }
    }
}

static void
test_tasks(void)
{
    g_autofree char *path =
        g_build_filename(TEST_SRCDIR, "tests", "replay", "recorded-tasks.tsv", NULL);
    g_autofree char *text = NULL;
    g_auto(GStrv) lines = NULL;
    Run run = {0};
    guint rows = 0;

    if (recordings == NULL) {
        g_test_skip("no recordings at $srcdir/../shared/recordings");
        return;
    }
    read_index();
    read_classes = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, NULL);
    answers = g_ptr_array_new_with_free_func(free_answer);
    g_assert_true(g_file_get_contents(path, &text, NULL, NULL));
    lines = g_strsplit(text, "\n", -1);
    for (guint i = 0; lines[i] != NULL; i++) {
        g_auto(GStrv) columns = g_strsplit(lines[i], "\t", -1);
        if (lines[i][0] == '#' || lines[i][0] == '\0')
            continue;
        if (columns[0][0] == '-') {
            g_hash_table_add(read_classes, g_strdup(columns[1]));
            continue;
        }
        g_assert_cmpuint(g_strv_length(columns), ==, 4);
        check_row(&run, columns);
        rows++;
    }
    run_clear(&run);
    g_assert_cmpuint(rows, >, 20);
    check_classes();
    g_ptr_array_unref(answers);
    g_hash_table_unref(read_classes);
    g_hash_table_unref(files);
}

int
main(int argc, char *argv[])
{
    g_test_init(&argc, &argv, NULL);
    recordings = g_build_filename(TEST_SRCDIR, "..", "shared", "recordings", NULL);
    if (!g_file_test(recordings, G_FILE_TEST_IS_DIR))
        g_clear_pointer(&recordings, g_free);
    g_test_add_func("/recorded/tasks", test_tasks);
    int failed = g_test_run();
    g_free(recordings);
    return failed;
}
