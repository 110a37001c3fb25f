/* SPDX-License-Identifier: Apache-2.0 */
#include "config.h"

#include "classes.h"
#include "values.h"

#include <gio/gio.h>
#include <stdio.h>
#include <string.h>

typedef struct {
    Model *model;
    const char *path;
    guint line;
    SimClass *class;
    SimInstance *instance;
    gboolean skip_class, skip_instance; /* not in this release */
    const char *last_property;
} Parser;

static gboolean
bad(const Parser *parser, GError **error, const char *what, const char *found)
{
    g_set_error(error,
                G_IO_ERROR,
                G_IO_ERROR_INVALID_DATA,
                "%s line %u: %s: \"%s\"",
                parser->path,
                parser->line,
                what,
                found);
    return FALSE;
}

char *
classes_uri(const char *name)
{
    static const struct {
        const char *prefix, *base;
    } schemas[] = {
        {"AMT_", "http://intel.com/wbem/wscim/1/amt-schema/1/"},
        {"IPS_", "http://intel.com/wbem/wscim/1/ips-schema/1/"},
        {"CIM_", "http://schemas.dmtf.org/wbem/wscim/1/cim-schema/2/"},
    };

    for (guint i = 0; i < G_N_ELEMENTS(schemas); i++)
        if (g_str_has_prefix(name, schemas[i].prefix))
            return g_strconcat(schemas[i].base, name, NULL);
    return NULL;
}

SimClass *
classes_find(const Model *model, const char *name)
{
    return g_hash_table_lookup(model->classes, name);
}

/* ---- end ---- */

static void
free_property(gpointer data)
{
    SimProperty *property = data;

    g_free(property->name);
    g_free(property->reference_class);
    if (property->segments != NULL)
        g_array_unref(property->segments);
    g_free(property);
}

static void
free_instance(gpointer data)
{
    SimInstance *instance = data;

    g_ptr_array_unref(instance->properties);
    g_free(instance);
}

/* ---- values ---- */

static void
clear_segment(gpointer data)
{
    SimSegment *segment = data;

    g_free(segment->text);
    g_strfreev(segment->arguments);
}

static void
add_text(GArray *segments, const char *text, gsize length)
{
    SimSegment segment = {0};

    if (length == 0)
        return;
    segment.text = g_markup_escape_text(text, (gssize)length);
    g_array_append_val(segments, segment);
    /* cppcheck-suppress memleak; the array has it */
}

static gboolean
add_placeholder(Parser *parser, GArray *segments, const char *text, gsize length, GError **error)
{
    g_autofree char *inside = g_strndup(text, length);
    g_auto(GStrv) words = g_strsplit(inside, ":", -1);
    const Value *value = value_find(words[0] != NULL ? words[0] : "");
    SimSegment segment = {0};

    if (value == NULL)
        return bad(parser, error, "unknown placeholder", inside);
    if (g_strv_length(words) - 1 != value->arguments)
        return bad(parser, error, "wrong number of arguments for a placeholder", inside);
    segment.value = value;
    segment.arguments = g_strdupv(words + 1);
    g_array_append_val(segments, segment);
    /* cppcheck-suppress memleak; the array has it */
    return TRUE;
}

static gboolean
add_value(Parser *parser, GArray *segments, const char *text, GError **error)
{
    const char *end;

    for (const char *at; (at = strstr(text, "${")) != NULL; text = end + 1) {
        add_text(segments, text, (gsize)(at - text));
        end = strchr(at, '}');
        if (end == NULL)
            return bad(parser, error, "a placeholder does not end", at);
        if (!add_placeholder(parser, segments, at + 2, (gsize)(end - at - 2), error))
            return FALSE;
    }
    add_text(segments, text, strlen(text));
    return TRUE;
}

static void
add_markup(GArray *segments, const char *markup)
{
    SimSegment segment = {.text = g_strdup(markup)};

    g_array_append_val(segments, segment);
}

/* CLASS;Key=value;Key=value to the inside of an endpoint reference. */
static gboolean
add_reference(Parser *parser, SimProperty *property, const char *text, GError **error)
{
    g_auto(GStrv) parts = g_strsplit(text, ";", -1);
    g_autofree char *uri = classes_uri(parts[0] != NULL ? parts[0] : "");
    g_autofree char *head = NULL;

    if (uri == NULL)
        return bad(parser, error, "a reference to no class", text);
    property->reference_class = g_strdup(parts[0]);
    head = g_strdup_printf("<b:Address>http://schemas.xmlsoap.org/ws/2004/08/addressing/role/"
                           "anonymous</b:Address><b:ReferenceParameters><c:ResourceURI>%s"
                           "</c:ResourceURI><c:SelectorSet>",
                           uri);
    add_markup(property->segments, head);
    for (guint i = 1; parts[i] != NULL; i++) {
        char *equals = strchr(parts[i], '=');
        g_autofree char *open = NULL;
        if (equals == NULL)
            return bad(parser, error, "a reference's key without a value", parts[i]);
        open = g_strdup_printf("<c:Selector Name=\"%.*s\">", (int)(equals - parts[i]), parts[i]);
        add_markup(property->segments, open);
        if (!add_value(parser, property->segments, equals + 1, error))
            return FALSE;
        add_markup(property->segments, "</c:Selector>");
    }
    add_markup(property->segments, "</c:SelectorSet></b:ReferenceParameters>");
    return TRUE;
}

static gboolean
parse_value(Parser *parser, SimProperty *property, const char *text, GError **error)
{
    static const struct {
        const char *prefix;
        SimKind kind;
    } kinds[] = {
        {"datetime:", SIM_DATETIME},
        {"interval:", SIM_INTERVAL},
        {"ref:", SIM_REFERENCE},
        {"each:", SIM_EACH},
    };

    property->segments = g_array_new(FALSE, FALSE, sizeof(SimSegment));
    g_array_set_clear_func(property->segments, clear_segment);
    for (guint i = 0; i < G_N_ELEMENTS(kinds); i++)
        if (g_str_has_prefix(text, kinds[i].prefix)) {
            property->kind = kinds[i].kind;
            text += strlen(kinds[i].prefix);
            break;
        }
    if (property->kind == SIM_DATETIME || property->kind == SIM_INTERVAL)
        parser->class->common = TRUE;
    if (property->kind == SIM_REFERENCE)
        return add_reference(parser, property, text, error);
    return add_value(parser, property->segments, text, error);
}

/* ---- conditions: NAME [>=9 <16.1] ---- */

static gboolean
holds(Parser *parser, const char *condition, gboolean *result, GError **error)
{
    gboolean least = g_str_has_prefix(condition, ">=");
    guint major, minor = 0;

    if (!least && condition[0] != '<')
        return bad(parser, error, "a condition is >=VERSION or <VERSION", condition);
    if (sscanf(condition + (least ? 2 : 1), "%u.%u", &major, &minor) < 1)
        return bad(parser, error, "a condition without a version", condition);
    if (model_since(parser->model, major, minor) != least)
        *result = FALSE;
    return TRUE;
}

/* Cuts a condition off `text` and says whether this release meets it. */
static gboolean
cut_condition(Parser *parser, char *text, gboolean *result, GError **error)
{
    char *open = strchr(text, '[');
    g_auto(GStrv) conditions = NULL;

    *result = TRUE;
    if (open == NULL)
        return TRUE;
    if (!g_str_has_suffix(g_strchomp(text), "]"))
        return bad(parser, error, "a condition does not end", text);
    text[strlen(text) - 1] = '\0';
    *open = '\0';
    g_strchomp(text);
    conditions = g_strsplit(open + 1, " ", -1);
    for (guint i = 0; conditions[i] != NULL; i++)
        if (!holds(parser, conditions[i], result, error))
            return FALSE;
    return TRUE;
}

/* ---- lines ---- */

static gboolean
begin_class(Parser *parser, char *text, GError **error)
{
    gboolean wanted;
    char *colon;
    SimClass *class;

    if (!cut_condition(parser, text, &wanted, error))
        return FALSE;
    colon = strstr(text, " : ");
    if (colon != NULL)
        *colon = '\0';
    parser->instance = NULL;
    parser->skip_class = !wanted || model_lacks(parser->model, text);
    if (parser->skip_class)
        return TRUE;
    if (classes_find(parser->model, text) != NULL)
        return bad(parser, error, "the class is there twice", text);
    class = g_new0(SimClass, 1);
    g_ptr_array_add(parser->model->class_list, class);
    class->name = g_strdup(text);
    class->uri = classes_uri(text);
    class->base = g_strdup(colon != NULL ? colon + 3 : NULL);
    class->instances = g_ptr_array_new_with_free_func(free_instance);
    class->derived = g_ptr_array_new();
    if (class->uri == NULL)
        return bad(parser, error, "a class is AMT_, IPS_ or CIM_", text);
    g_hash_table_insert(parser->model->classes, class->name, class);
    parser->class = class;
    return TRUE;
}

static gboolean
begin_instance(Parser *parser, char *text, GError **error)
{
    guint salt = 0;
    gboolean wanted, with_tls;
    SimInstance *instance;
    guint chance = 100;

    if (!cut_condition(parser, text, &wanted, error))
        return FALSE;
    parser->skip_instance = !wanted;
    if (!wanted)
        return TRUE;
    with_tls = g_str_equal(text, "tls");
    if (*text != '\0' && !with_tls && sscanf(text, "chance:%u:%u", &salt, &chance) != 2)
        return bad(parser, error, "after \"instance\" can stand chance:SALT:PERCENT, or tls", text);
    instance = g_new0(SimInstance, 1);
    instance->class = parser->class;
    instance->index = 0;
    for (guint i = 0; i < parser->model->class_list->len; i++)
        instance->index += ((SimClass *)parser->model->class_list->pdata[i])->instances->len;
    instance->with_tls = with_tls;
    instance->chance = chance;
    instance->salt = salt;
    instance->properties = g_ptr_array_new_with_free_func(free_property);
    g_ptr_array_add(parser->class->instances, instance);
    parser->instance = instance;
    parser->last_property = "";
    return TRUE;
}

static gboolean
parse_flags(Parser *parser, const char *text, GError **error)
{
    g_auto(GStrv) words = g_strsplit(text, " ", -1);

    for (guint i = 0; words[i] != NULL; i++) {
        if (g_str_equal(words[i], "common"))
            parser->class->common = TRUE;
        else if (g_str_equal(words[i], "one-a-pull"))
            parser->class->one_a_pull = TRUE;
        else if (g_str_equal(words[i], "open-end"))
            parser->class->open_end = TRUE;
        else if (g_str_equal(words[i], "deletable"))
            parser->class->deletable = TRUE;
        else if (g_str_equal(words[i], "creatable"))
            parser->class->creatable = parser->class->deletable = TRUE;
        else
            return bad(parser, error, "unknown flag", words[i]);
    }
    return TRUE;
}

static gboolean
parse_property(Parser *parser, char *line, GError **error)
{
    char *equals = strstr(line, " =");
    gboolean wanted;
    SimProperty *property;

    if (parser->instance == NULL || equals == NULL)
        return bad(parser, error, "not a property of an instance", line);
    *equals = '\0';
    if (!cut_condition(parser, line, &wanted, error))
        return FALSE;
    if (strcmp(parser->last_property, line) > 0)
        return bad(parser, error, "properties stand in ASCII order of their names", line);
    property = g_new0(SimProperty, 1);
    property->name = g_strdup(line);
    property->key = parser->class->keys != NULL &&
                    g_strv_contains((const char *const *)parser->class->keys, line);
    g_ptr_array_add(parser->instance->properties, property);
    parser->last_property = line; /* lives until the file is read */
    if (!parse_value(parser, property, g_strchug(equals + 2), error))
        return FALSE;
    if (!wanted)
        g_ptr_array_set_size(parser->instance->properties,
                             (gint)parser->instance->properties->len - 1);
    return TRUE;
}

static gboolean
parse_line(Parser *parser, char *line, GError **error)
{
    if (*line == '\0' || *line == '#')
        return TRUE;
    if (g_str_has_prefix(line, "class "))
        return begin_class(parser, line + strlen("class "), error);
    if (parser->skip_class)
        return TRUE;
    if (parser->class == NULL)
        return bad(parser, error, "a class comes first", line);
    if (g_str_has_prefix(line, "key ")) {
        parser->class->keys = g_strsplit(line + strlen("key "), " ", -1);
        return TRUE;
    }
    if (g_str_has_prefix(line, "writable ")) {
        parser->class->writable = g_strsplit(line + strlen("writable "), " ", -1);
        return TRUE;
    }
    if (g_str_has_prefix(line, "extra ")) {
        parser->class->extra = g_strsplit(line + strlen("extra "), " ", -1);
        return TRUE;
    }
    if (g_str_has_prefix(line, "flags "))
        return parse_flags(parser, line + strlen("flags "), error);
    if (g_str_equal(line, "instance") || g_str_has_prefix(line, "instance "))
        return begin_instance(parser, g_strchug(line + strlen("instance")), error);
    if (parser->skip_instance)
        return TRUE;
    return parse_property(parser, line, error);
}

gboolean
classes_read(Model *model, const char *text, const char *path, GError **error)
{
    Parser parser = {.model = model, .path = path};
    g_auto(GStrv) lines = g_strsplit(text, "\n", -1);

    for (guint i = 0; lines[i] != NULL; i++) {
        parser.line = i + 1;
        if (!parse_line(&parser, g_strchomp(lines[i]), error))
            return FALSE;
    }
    return TRUE;
}

static void
mark_readonly(SimClass *class)
{
    for (guint i = 0; i < class->instances->len; i++) {
        SimInstance *instance = class->instances->pdata[i];
        for (guint p = 0; p < instance->properties->len; p++) {
            SimProperty *property = instance->properties->pdata[p];
            /* a key that is named is writable all the same: an association may be turned to another end */
            gboolean named = class->writable != NULL &&
                             g_strv_contains((const char *const *)class->writable, property->name);
            gboolean all = class->writable != NULL && g_str_equal(class->writable[0], "*");
            property->readonly = !named && (property->key || !all);
        }
    }
}

gboolean
classes_finish(Model *model, GError **error)
{
    for (guint i = 0; i < model->class_list->len; i++) {
        SimClass *class = model->class_list->pdata[i];
        SimClass *base = class->base != NULL ? classes_find(model, class->base) : NULL;
        if (class->base != NULL && base == NULL) {
            g_set_error(error,
                        G_IO_ERROR,
                        G_IO_ERROR_INVALID_DATA,
                        "model %s: class %s is derived from %s, which is not there",
                        model->name,
                        class->name,
                        class->base);
            return FALSE;
        }
        if (base != NULL)
            g_ptr_array_add(base->derived, class);
        mark_readonly(class);
    }
    return TRUE;
}

/* ---- end ---- */

void
classes_free(SimClass *class)
{
    g_ptr_array_unref(class->instances);
    g_ptr_array_unref(class->derived);
    g_strfreev(class->keys);
    g_strfreev(class->writable);
    g_strfreev(class->extra);
    g_free(class->base);
    g_free(class->name);
    g_free(class->uri);
    g_free(class);
}
