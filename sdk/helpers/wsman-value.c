/* SPDX-License-Identifier: Apache-2.0 */
/* XML to values: the mapping that wsman.h states. */
#include "wsman-internal.h"

#include <stdlib.h>
#include <string.h>

static gint
compare_type(const WsmanType *row, const char *class_name, const char *property)
{
    gint order = strcmp(property, row->property);

    return order != 0 ? order : g_strcmp0(class_name, row->class_name);
}

static const char *
find_type(const WsmanProfile *profile, const char *class_name, const char *property)
{
    gsize low = 0, high = profile->n_types;

    while (low < high) {
        gsize middle = (low + high) / 2;
        gint order = compare_type(&profile->types[middle], class_name, property);
        if (order == 0)
            return profile->types[middle].type;
        if (order < 0)
            high = middle;
        else
            low = middle + 1;
    }
    return NULL;
}

const char *
wsman_type(const WsmanProfile *profile, const char *class_name, const char *property)
{
    const char *type = find_type(profile, class_name, property);

    return type != NULL ? type : find_type(profile, NULL, property);
}

/* What Windows and its like say of a value. */
static const char *
declared_type(xmlNode *node)
{
    static const struct {
        const char *cim, *type;
    } names[] = {
        {"cimString", "s"},
        {"cimBoolean", "b"},
        {"cimUnsignedByte", "u"},
        {"cimUnsignedShort", "u"},
        {"cimUnsignedInt", "u"},
        {"cimUnsignedLong", "t"},
        {"cimByte", "i"},
        {"cimShort", "i"},
        {"cimInt", "i"},
        {"cimLong", "x"},
        {"cimReference", "ref"},
        {"cimDateTime", "datetime"},
    };
    const char *found = NULL;

    const char *text = wsman_attribute(node, NS_XSI, "type");
    const char *local = text == NULL ? NULL : strchr(text, ':');
    for (guint i = 0; local != NULL && i < G_N_ELEMENTS(names); i++)
        if (g_str_equal(local + 1, names[i].cim))
            found = names[i].type;
    return found;
}

gboolean
wsman_is_nil(xmlNode *node)
{
    const char *text = wsman_attribute(node, NS_XSI, "nil");

    return text != NULL && (g_str_equal(text, "true") || g_str_equal(text, "1"));
}

/* Only what a machine prints for a number: "007", "+1", "1 " and "" are text. */
static gboolean
is_decimal(const char *text)
{
    const char *digits = text[0] == '-' ? text + 1 : text;
    gsize length = strspn(digits, "0123456789");

    if (length == 0 || length > 20 || digits[length] != '\0')
        return FALSE;
    return digits[0] != '0' || (length == 1 && digits == text);
}

static GVariant *
infer(const char *text)
{
    guint64 natural = 0;
    gint64 whole = 0;

    if (g_str_equal(text, "true") || g_str_equal(text, "false"))
        return g_variant_new_boolean(text[0] == 't');
    if (is_decimal(text)) {
        if (text[0] != '-' && g_ascii_string_to_unsigned(text, 10, 0, G_MAXUINT64, &natural, NULL))
            return g_variant_new_uint64(natural);
        if (text[0] == '-' &&
            g_ascii_string_to_signed(text, 10, G_MININT64, G_MAXINT64, &whole, NULL))
            return g_variant_new_int64(whole);
    }
    return g_variant_new_string(text);
}

/* NULL: it is not in that alphabet. g_base64_decode() would pass over what it does not know. */
static GVariant *
octets(const char *text)
{
    gsize length = strlen(text), size = 0;
    gsize body = strspn(text, "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/");

    if (length % 4 != 0 || length - body > 2 || strspn(text + body, "=") != length - body)
        return NULL;
    guchar *bytes = length == 0 ? NULL : g_base64_decode(text, &size);
    return g_variant_new_from_data(G_VARIANT_TYPE_BYTESTRING, bytes, size, TRUE, g_free, bytes);
}

static GVariant *
whole_number(const char *text, char type)
{
    guint64 natural = 0;
    gint64 whole = 0;

    if (type == 'i' || type == 'x') {
        gboolean narrow = type == 'i';
        if (!g_ascii_string_to_signed(text,
                                      10,
                                      narrow ? G_MININT32 : G_MININT64,
                                      narrow ? G_MAXINT32 : G_MAXINT64,
                                      &whole,
                                      NULL))
            return NULL;
        return narrow ? g_variant_new_int32((gint32)whole) : g_variant_new_int64(whole);
    }
    guint64 limit = type == 'u' ? G_MAXUINT32 : G_MAXUINT64;
    if (!g_ascii_string_to_unsigned(text, 10, 0, limit, &natural, NULL))
        return NULL;
    return type == 'u' ? g_variant_new_uint32((guint32)natural) : g_variant_new_uint64(natural);
}

/* NULL: `text` is not of `type`. */
static GVariant *
typed(const char *text, const char *type)
{
    g_autofree char *trimmed = NULL;

    if (type[0] == 's' || type[0] == 'd' || g_str_equal(type, "interval") || type[0] == 'r')
        return g_variant_new_string(text);
    trimmed = g_strstrip(g_strdup(text));
    if (g_str_equal(type, "ay"))
        return octets(trimmed);
    if (type[0] != 'b')
        return whole_number(trimmed, type[0]);
    if (g_ascii_strcasecmp(trimmed, "true") == 0 || g_str_equal(trimmed, "1"))
        return g_variant_new_boolean(TRUE);
    if (g_ascii_strcasecmp(trimmed, "false") == 0 || g_str_equal(trimmed, "0"))
        return g_variant_new_boolean(FALSE);
    return NULL;
}

gboolean
wsman_is_epr(xmlNode *node)
{
    return wsman_child(node, NS_ADDRESSING, "Address") != NULL &&
           (wsman_is(node, NS_ADDRESSING, "EndpointReference") ||
            wsman_child(node, NS_ADDRESSING, "ReferenceParameters") != NULL);
}

static GVariant *
decode_selector(xmlNode *selector, const WsmanProfile *profile)
{
    g_autofree char *owned = NULL;
    xmlNode *inner = wsman_element(selector->children);

    if (inner != NULL && wsman_is_epr(inner))
        return wsman_decode_epr(inner, profile);
    return g_variant_new_string(wsman_text(selector, &owned));
}

static GVariant *
decode_selectors(xmlNode *set, const WsmanProfile *profile)
{
    GVariantBuilder selectors;

    g_variant_builder_init(&selectors, G_VARIANT_TYPE_VARDICT);
    for (xmlNode *node = set == NULL ? NULL : wsman_element(set->children); node != NULL;
         node = wsman_element(node->next)) {
        const char *name = wsman_attribute(node, NULL, "Name");
        if (name != NULL)
            dict_add(&selectors, name, decode_selector(node, profile));
    }
    return g_variant_builder_end(&selectors);
}

GVariant *
wsman_decode_epr(xmlNode *node, const WsmanProfile *profile)
{
    xmlNode *parameters = wsman_child(node, NS_ADDRESSING, "ReferenceParameters");
    g_autofree char *address = wsman_text_trimmed(wsman_child(node, NS_ADDRESSING, "Address"));
    g_autofree char *uri = wsman_text_trimmed(wsman_child(parameters, NS_WSMAN, "ResourceURI"));
    const char *class_name = uri == NULL ? "" : wsman_class_of(uri);
    g_autofree char *usual = wsman_resource_uri(profile, class_name, NULL);
    GVariantBuilder epr;

    g_variant_builder_init(&epr, G_VARIANT_TYPE_VARDICT);
    dict_add(&epr, "class", g_variant_new_string(class_name));
    dict_add(&epr,
             "selectors",
             decode_selectors(wsman_child(parameters, NS_WSMAN, "SelectorSet"), profile));
    if (address != NULL && !g_str_equal(address, ANONYMOUS))
        dict_add(&epr, "address", g_variant_new_string(address));
    if (uri != NULL && uri[0] != '\0' && g_strcmp0(usual, uri) != 0)
        dict_add(&epr, "resource-uri", g_variant_new_string(uri));
    return g_variant_builder_end(&epr);
}

static void decode_members(const WsmanProfile *profile,
                           xmlNode *node,
                           const char *const *only,
                           GVariantBuilder *out);

static GVariant *
decode_nested(const WsmanProfile *profile, xmlNode *node, xmlNode *first)
{
    static const char *const wrappers[] = {
        "Datetime", "Interval", "Date", "Time", "CIM_DateTime", NULL};
    g_autofree char *owned = NULL;
    const char *uri = wsman_uri(first);
    GVariantBuilder out;

    if (wsman_is_epr(node))
        return wsman_decode_epr(node, profile);
    if (wsman_is(first, NS_ADDRESSING, "EndpointReference") && wsman_is_epr(first))
        return wsman_decode_epr(first, profile);
    if (wsman_element(first->next) == NULL && (uri[0] == '\0' || g_str_equal(uri, NS_COMMON)) &&
        g_strv_contains(wrappers, (const char *)first->name))
        return g_variant_new_string(wsman_text(first, &owned));
    g_variant_builder_init(&out, G_VARIANT_TYPE_VARDICT);
    if (uri[0] != '\0' && !g_str_equal(uri, wsman_uri(node)))
        dict_add(&out, "@class", g_variant_new_string(wsman_class_of(uri)));
    decode_members(profile, node, NULL, &out);
    return g_variant_builder_end(&out);
}

/* One element; `type` may be NULL. */
static GVariant *
decode_one(const WsmanProfile *profile, xmlNode *node, const char *type)
{
    g_autofree char *owned = NULL;
    xmlNode *first = wsman_element(node->children);

    if (first != NULL)
        return decode_nested(profile, node, first);
    const char *text = wsman_text(node, &owned);
    if (type == NULL)
        return infer(text);
    /* A number or flag that is there and says nothing is not zero. */
    GVariant *value = text[0] == '\0' ? NULL : typed(text, type);
    return value != NULL ? value : g_variant_new_string(text);
}

/* Properties of one name, chained by their nodes' _private. */
typedef struct {
    const xmlChar *name;
    xmlNode *first;
    xmlNode *last;
    guint count;
} Group;

static gboolean
all_of_type(GVariant **members, guint n, const GVariantType *type)
{
    for (guint i = 0; i < n; i++)
        if (!g_variant_is_of_type(members[i], type))
            return FALSE;
    return TRUE;
}

/* Whole numbers of both signs, as x; NULL: some is none, or too large. */
static GVariant *
as_signed(GVariant **members, guint n)
{
    g_autofree gint64 *numbers = g_new(gint64, n);

    for (guint i = 0; i < n; i++) {
        if (g_variant_is_of_type(members[i], G_VARIANT_TYPE_INT64))
            numbers[i] = g_variant_get_int64(members[i]);
        else if (g_variant_is_of_type(members[i], G_VARIANT_TYPE_UINT64) &&
                 g_variant_get_uint64(members[i]) <= G_MAXINT64)
            numbers[i] = (gint64)g_variant_get_uint64(members[i]);
        else
            return NULL;
    }
    return g_variant_new_fixed_array(G_VARIANT_TYPE_INT64, numbers, n, sizeof(gint64));
}

static GVariant *
as_strings(const Group *group)
{
    GVariantBuilder strings;
    xmlNode *node = group->first;

    g_variant_builder_init(&strings, G_VARIANT_TYPE_STRING_ARRAY);
    for (guint i = 0; i < group->count; i++, node = node->_private) {
        g_autofree char *owned = NULL;
        g_variant_builder_add(&strings, "s", wsman_text(node, &owned));
    }
    return g_variant_builder_end(&strings);
}

static gboolean
any_nested_or_nil(const Group *group)
{
    xmlNode *node = group->first;

    for (guint i = 0; i < group->count; i++, node = node->_private)
        if (wsman_element(node->children) != NULL || wsman_is_nil(node))
            return TRUE;
    return FALSE;
}

static GVariant *
as_variants(GVariant **members, guint n)
{
    GVariantBuilder any;

    g_variant_builder_init(&any, G_VARIANT_TYPE("av"));
    for (guint i = 0; i < n; i++)
        g_variant_builder_add(&any, "v", members[i]);
    return g_variant_builder_end(&any);
}

/* `element` is the members' type, or NULL: by their looks. */
static GVariant *
decode_array(const WsmanProfile *profile, const Group *group, const char *element)
{
    g_autoptr(GPtrArray) members =
        g_ptr_array_new_full(group->count, (GDestroyNotify)g_variant_unref);
    xmlNode *node = group->first;

    for (guint i = 0; i < group->count; i++, node = node->_private) {
        GVariant *one = wsman_is_nil(node) ? g_variant_new_maybe(G_VARIANT_TYPE_VARIANT, NULL)
                                           : decode_one(profile, node, element);
        g_ptr_array_add(members, g_variant_ref_sink(one));
    }
    GVariant **all = (GVariant **)members->pdata;
    const GVariantType *type = g_variant_get_type(all[0]);
    if (all_of_type(all, members->len, type))
        return g_variant_new_array(type, all, members->len);
    GVariant *numbers = as_signed(all, members->len);
    if (numbers != NULL)
        return numbers;
    return any_nested_or_nil(group) ? as_variants(all, members->len) : as_strings(group);
}

/* Element type of an array type of the table, NULL if it is none: "ay" is one value. */
static const char *
array_element(const char *type)
{
    return type != NULL && type[0] == 'a' && !g_str_equal(type, "ay") ? type + 1 : NULL;
}

static GVariant *
empty_array(const char *element)
{
    g_autofree char *signature =
        g_strconcat("a", g_str_equal(element, "ref") ? "a{sv}" : element, NULL);

    return g_variant_new_array(G_VARIANT_TYPE(signature + 1), NULL, 0);
}

static void
decode_group(const WsmanProfile *profile,
             const char *class_name,
             const Group *group,
             GVariantBuilder *out)
{
    const char *type = wsman_type(profile, class_name, (const char *)group->name);
    const char *element = array_element(type);
    GVariant *value = NULL;

    if (type == NULL)
        type = declared_type(group->first);
    if (group->count == 1 && wsman_is_nil(group->first))
        return;
    if (element != NULL && group->count == 1 && group->first->children == NULL)
        value = empty_array(element);
    else if (element != NULL || group->count > 1)
        value = decode_array(profile, group, element != NULL ? element : type);
    else
        value = decode_one(profile, group->first, type);
    dict_add(out, (const char *)group->name, value);
}

static guint
name_hash(gconstpointer node)
{
    return g_str_hash(((const xmlNode *)node)->name);
}

static gboolean
name_equal(gconstpointer a, gconstpointer b)
{
    return g_str_equal(((const xmlNode *)a)->name, ((const xmlNode *)b)->name);
}

/* Repeated elements stand together, so it is nearly always the group before. For the rest, few names are compared
 * one by one; only many, which is what an attacker would send, are worth a table. */
#define FEW_NAMES 32

typedef struct {
    GArray *groups;
    GHashTable *index; /* node to number of its group, from 1; NULL: not needed yet */
} Groups;

static void
index_group(Groups *all, guint number)
{
    g_hash_table_insert(
        all->index, g_array_index(all->groups, Group, number).first, GUINT_TO_POINTER(number + 1));
}

static void
add_group(Groups *all, xmlNode *child)
{
    Group fresh = {.name = child->name, .first = child, .last = child, .count = 1};

    g_array_append_val(all->groups, fresh);
    if (all->groups->len == FEW_NAMES) {
        all->index = g_hash_table_new(name_hash, name_equal);
        for (guint i = 0; i < all->groups->len; i++)
            index_group(all, i);
    } else if (all->index != NULL)
        index_group(all, all->groups->len - 1);
}

static Group *
find_group(const Groups *all, const xmlNode *child)
{
    if (all->index != NULL) {
        gpointer number = g_hash_table_lookup(all->index, child);
        return number == NULL ? NULL
                              : &g_array_index(all->groups, Group, GPOINTER_TO_UINT(number) - 1);
    }
    for (guint i = all->groups->len; i > 0; i--) {
        Group *group = &g_array_index(all->groups, Group, i - 1);
        if (g_str_equal(group->name, child->name))
            return group;
    }
    return NULL;
}

static void
collect(Groups *all, xmlNode *node, const char *const *only)
{
    for (xmlNode *child = wsman_element(node->children); child != NULL;
         child = wsman_element(child->next)) {
        if (only != NULL && !g_strv_contains(only, (const char *)child->name))
            continue;
        Group *group = find_group(all, child);
        if (group == NULL) {
            add_group(all, child);
            continue;
        }
        group->last->_private = child;
        group->last = child;
        group->count++;
    }
}

static void
decode_members(const WsmanProfile *profile,
               xmlNode *node,
               const char *const *only,
               GVariantBuilder *out)
{
    g_autoptr(GArray) groups = g_array_sized_new(FALSE, FALSE, sizeof(Group), FEW_NAMES);
    Groups all = {.groups = groups};

    collect(&all, node, only);
    for (guint i = 0; i < groups->len; i++)
        decode_group(profile, (const char *)node->name, &g_array_index(groups, Group, i), out);
    g_clear_pointer(&all.index, g_hash_table_unref);
}

GVariant *
wsman_decode(const WsmanProfile *profile, xmlNode *instance, const char *const *only)
{
    GVariantBuilder out;

    g_variant_builder_init(&out, G_VARIANT_TYPE_VARDICT);
    decode_members(profile, instance, only, &out);
    return g_variant_ref_sink(g_variant_builder_end(&out));
}

gboolean
wsman_epr_is_placeholder(GVariant *epr)
{
    g_autoptr(GVariant) selectors =
        g_variant_lookup_value(epr, "selectors", G_VARIANT_TYPE_VARDICT);
    const char *class_name = NULL;

    if (!g_variant_lookup(epr, "class", "&s", &class_name) || class_name[0] != '\0')
        return FALSE;
    return selectors == NULL || g_variant_n_children(selectors) == 0;
}
