/* SPDX-License-Identifier: Apache-2.0 */
#include "config.h"

#include "sim.h"

#include <libxml/parser.h>
#include <string.h>

#define FIRST 0x7F100001U

/* ---- every model ---- */

static void
check_order(const SimInstance *instance)
{
    const char *last = "";

    for (guint i = 0; i < instance->properties->len; i++) {
        const SimProperty *property = instance->properties->pdata[i];
        g_assert_cmpint(strcmp(last, property->name), <=, 0);
        last = property->name;
    }
}

static void
check_keys(const SimInstance *instance)
{
    for (guint k = 0; instance->class->keys != NULL && instance->class->keys[k] != NULL; k++) {
        gboolean found = FALSE;
        for (guint i = 0; i < instance->properties->len; i++)
            found |= g_str_equal(((SimProperty *)instance->properties->pdata[i])->name,
                                 instance->class->keys[k]);
        if (!found)
            g_test_message("%s has no key %s", instance->class->name, instance->class->keys[k]);
        g_assert_true(found);
    }
}

static void
check_xml(Device *device, const SimInstance *instance)
{
    g_autoptr(GString) out = g_string_new("<x xmlns:b='b' xmlns:c='c' xmlns:g='g' xmlns:h='h'>");
    xmlDoc *doc;

    device_render(device, instance, 'g', 'h', out);
    g_string_append(out, "</x>");
    doc = xmlReadMemory(out->str, (int)out->len, NULL, NULL, XML_PARSE_NOERROR);
    if (doc == NULL)
        g_test_message("%s", out->str);
    g_assert_nonnull(doc);
    xmlFreeDoc(doc);
}

static void
check_model(const char *name)
{
    g_autoptr(GError) error = NULL;
    g_autoptr(Sim) sim = sim_new("admin", "x", 1);

    g_assert_true(sim_populate(sim, FIRST, 16, name, &error));
    g_assert_no_error(error);
    for (guint c = 0; c < sim->devices->model->class_list->len; c++) {
        const SimClass *class = sim->devices->model->class_list->pdata[c];
        for (guint i = 0; i < class->instances->len; i++) {
            check_order(class->instances->pdata[i]);
            check_keys(class->instances->pdata[i]);
            for (guint d = 0; d < sim->count; d++)
                check_xml(&sim->devices[d], class->instances->pdata[i]);
        }
    }
}

static void
test_models(void)
{
    g_auto(GStrv) names = model_names();

    g_assert_cmpuint(g_strv_length(names), >=, 5);
    for (guint i = 0; names[i] != NULL; i++)
        check_model(names[i]);
}

static void
test_releases(void)
{
    g_autoptr(GError) error = NULL;
    g_autoptr(Model) old = model_load("amt8", &error), new = model_load("amt19", &error);

    g_assert_null(classes_find(old, "IPS_PowerManagementService"));
    g_assert_nonnull(classes_find(new, "IPS_PowerManagementService"));
    g_assert_null(model_load("amt7", &error));
    g_assert_nonnull(error);
}

/* Two devices differ, and one is the same in another process with the same seed. */
static void
test_identity(void)
{
    g_autoptr(Sim) one = sim_new("admin", "x", 7), two = sim_new("admin", "y", 7);
    guint8 a[16], b[16], c[16];

    g_assert_true(sim_populate(one, FIRST, 2, NULL, NULL));
    g_assert_true(sim_populate(two, FIRST + 1, 1, NULL, NULL));
    device_uuid(&one->devices[0], a);
    device_uuid(&one->devices[1], b);
    device_uuid(&two->devices[0], c);
    g_assert_cmpint(memcmp(a, b, sizeof a), !=, 0);
    g_assert_cmpmem(b, sizeof b, c, sizeof c);
}

/* ---- against recordings ----
 *
 * A simulated instance may have fewer properties than a newer device and more than an older one,
 * but the names that a recorded instance has must be known here too. */

/* Recorded properties that are left out on purpose: values that no simulated device has set. */
static const char *const optional[] = {
    "SecondaryDNS", "IPAddress", "UEFIBootParametersArray", NULL};

static gboolean
knows(const SimClass *class, const char *name)
{
    for (guint i = 0; i < class->instances->len; i++) {
        const SimInstance *instance = class->instances->pdata[i];
        for (guint p = 0; p < instance->properties->len; p++)
            if (g_str_equal(((SimProperty *)instance->properties->pdata[p])->name, name))
                return TRUE;
    }
    return g_strv_contains(optional, name) ||
           (class->extra != NULL && g_strv_contains((const char *const *)class->extra, name));
}

static guint
compare_instance(const SimClass *class, const xmlNode *node)
{
    guint missing = 0;

    for (const xmlNode *child = node->children; child != NULL; child = child->next)
        if (child->type == XML_ELEMENT_NODE && !knows(class, (const char *)child->name)) {
            g_test_message("%s lacks %s", class->name, (const char *)child->name);
            missing++;
        }
    return missing;
}

/* Walks to the instances: elements whose name is a class of the model. */
static guint
compare_tree(const Model *model, const xmlNode *node, guint *compared)
{
    guint missing = 0;

    for (; node != NULL; node = node->next) {
        const SimClass *class;
        if (node->type != XML_ELEMENT_NODE)
            continue;
        class = classes_find(model, (const char *)node->name);
        if (class != NULL) {
            (*compared)++;
            missing += compare_instance(class, node);
        } else {
            missing += compare_tree(model, node->children, compared);
        }
    }
    return missing;
}

/* INDEX.tsv names the recordings; what was edited or made by hand proves nothing. */
static guint
compare_recording(const Model *model, const char *root, const char *line, guint *compared)
{
    g_auto(GStrv) columns = g_strsplit(line, "\t", -1);
    g_autofree char *path = NULL, *text = NULL;
    gsize length;
    xmlDoc *doc;
    guint missing = 0;

    if (g_strv_length(columns) < 5 || !g_str_has_prefix(columns[0], "amt/") ||
        !g_str_equal(columns[4], "recorded"))
        return 0;
    path = g_build_filename(root, columns[0], NULL);
    if (!g_file_get_contents(path, &text, &length, NULL))
        return 0;
    g_strchug(text);
    doc = xmlReadMemory(text, (int)strlen(text), NULL, NULL, XML_PARSE_NOERROR);
    if (doc != NULL)
        missing = compare_tree(model, xmlDocGetRootElement(doc), compared);
    xmlFreeDoc(doc);
    return missing;
}

static void
test_recordings(void)
{
    g_autofree char *root = g_build_filename(TEST_SRCDIR, "..", "shared", "recordings", NULL);
    g_autofree char *index = g_build_filename(root, "INDEX.tsv", NULL);
    g_autofree char *text = NULL;
    g_auto(GStrv) lines = NULL;
    g_autoptr(Model) model = model_load("amt16", NULL);
    guint missing = 0, compared = 0;

    if (!g_file_get_contents(index, &text, NULL, NULL)) {
        g_test_skip("the recordings are not beside this tree");
        return;
    }
    lines = g_strsplit(text, "\n", -1);
    for (guint i = 0; lines[i] != NULL; i++)
        missing += compare_recording(model, root, lines[i], &compared);
    g_test_message("%u recorded instances compared", compared);
    g_assert_cmpuint(missing, ==, 0);
    g_assert_cmpuint(compared, >, 20);
}

int
main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/sim-models/well-formed", test_models);
    g_test_add_func("/sim-models/releases", test_releases);
    g_test_add_func("/sim-models/identity", test_identity);
    g_test_add_func("/sim-models/recordings", test_recordings);
    return g_test_run();
}
