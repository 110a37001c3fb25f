/* SPDX-License-Identifier: Apache-2.0 */
/* Values to XML, by appending text: no document is built for what is only sent. */
#include "wsman-internal.h"

#include <string.h>

gboolean
wsman_name_valid(const char *name)
{
    if (!g_ascii_isalpha(name[0]) && name[0] != '_')
        return FALSE;
    for (const char *at = name; *at != '\0'; at++)
        if (!g_ascii_isalnum(*at) && strchr("_-.", *at) == NULL)
            return FALSE;
    return strlen(name) <= 256;
}

gboolean
wsman_append_text(GString *out, const char *text, GError **error)
{
    for (const char *at = text; *at != '\0'; at++) {
        guchar byte = (guchar)*at;
        if (byte == '&')
            g_string_append(out, "&amp;");
        else if (byte == '<')
            g_string_append(out, "&lt;");
        else if (byte == '>')
            g_string_append(out, "&gt;");
        else if (byte == '"')
            g_string_append(out, "&quot;");
        else if (byte == '\r')
            g_string_append(out, "&#13;");
        else if (byte < 0x20 && byte != '\n' && byte != '\t')
            return postern_fail(error,
                                POSTERN_ERROR_BAD_PARAM,
                                "a value has the control character %u, which XML cannot carry",
                                byte);
        else
            g_string_append_c(out, *at);
    }
    return TRUE;
}

static gboolean
append_epr(GString *out, const WsmanProfile *profile, GVariant *epr, GError **error);

static gboolean
append_selector_value(GString *out, const WsmanProfile *profile, GVariant *value, GError **error)
{
    g_autofree char *number = NULL;

    if (g_variant_is_of_type(value, G_VARIANT_TYPE_STRING))
        return wsman_append_text(out, g_variant_get_string(value, NULL), error);
    if (g_variant_is_of_type(value, G_VARIANT_TYPE_VARDICT)) {
        g_string_append(out, "<a:EndpointReference>");
        if (!append_epr(out, profile, value, error))
            return FALSE;
        g_string_append(out, "</a:EndpointReference>");
        return TRUE;
    }
    if (g_variant_is_container(value))
        return postern_fail(error,
                            POSTERN_ERROR_BAD_PARAM,
                            "a selector is of type '%s', expected a text, a number or a reference",
                            g_variant_get_type_string(value));
    number = g_variant_print(value, FALSE);
    g_string_append(out, number);
    return TRUE;
}

gboolean
wsman_append_selectors(GString *out,
                       const WsmanProfile *profile,
                       GVariant *selectors,
                       GError **error)
{
    gsize n = selectors == NULL ? 0 : g_variant_n_children(selectors);

    if (n == 0)
        return TRUE;
    g_string_append(out, "<w:SelectorSet>");
    for (gsize i = 0; i < n; i++) {
        g_autoptr(GVariant) entry = g_variant_get_child_value(selectors, i);
        g_autoptr(GVariant) name = g_variant_get_child_value(entry, 0);
        g_autoptr(GVariant) raw = g_variant_get_child_value(entry, 1);
        g_autoptr(GVariant) value = g_variant_is_of_type(raw, G_VARIANT_TYPE_VARIANT)
                                        ? g_variant_get_variant(raw)
                                        : g_variant_ref(raw);
        g_string_append(out, "<w:Selector Name=\"");
        if (!wsman_append_text(out, g_variant_get_string(name, NULL), error))
            return FALSE;
        g_string_append(out, "\">");
        if (!append_selector_value(out, profile, value, error))
            return FALSE;
        g_string_append(out, "</w:Selector>");
    }
    g_string_append(out, "</w:SelectorSet>");
    return TRUE;
}

static GVariant *
selectors_of(GVariant *epr)
{
    GVariant *selectors = g_variant_lookup_value(epr, "selectors", G_VARIANT_TYPE_VARDICT);

    return selectors != NULL ? selectors
                             : g_variant_lookup_value(epr, "selectors", G_VARIANT_TYPE("a{ss}"));
}

/* Address and ReferenceParameters, without the element around them. */
static gboolean
append_epr(GString *out, const WsmanProfile *profile, GVariant *epr, GError **error)
{
    g_autoptr(GVariant) selectors = selectors_of(epr);
    g_autofree char *uri = NULL;
    const char *address = ANONYMOUS, *class_name = "";

    g_variant_lookup(epr, "address", "&s", &address);
    if (!g_variant_lookup(epr, "resource-uri", "s", &uri)) {
        g_variant_lookup(epr, "class", "&s", &class_name);
        uri = class_name[0] == '\0' ? g_strdup("") : wsman_resource_uri(profile, class_name, error);
        if (uri == NULL)
            return FALSE;
    }
    g_string_append(out, "<a:Address>");
    if (!wsman_append_text(out, address, error))
        return FALSE;
    g_string_append(out, "</a:Address><a:ReferenceParameters><w:ResourceURI>");
    if (!wsman_append_text(out, uri, error))
        return FALSE;
    g_string_append(out, "</w:ResourceURI>");
    if (!wsman_append_selectors(out, profile, selectors, error))
        return FALSE;
    g_string_append(out, "</a:ReferenceParameters>");
    return TRUE;
}

static gboolean
append_wrapped(GString *out, const char *wrapper, const char *text, GError **error)
{
    g_string_append_printf(out, "<c:%s xmlns:c=\"" NS_COMMON "\">", wrapper);
    if (!wsman_append_text(out, text, error))
        return FALSE;
    g_string_append_printf(out, "</c:%s>", wrapper);
    return TRUE;
}

static gboolean
append_dictionary(
    GString *out, const WsmanProfile *profile, const char *uri, GVariant *dict, GError **error)
{
    g_autoptr(GVariant) selectors = selectors_of(dict);
    const char *text = NULL;

    if (selectors != NULL || g_variant_lookup(dict, "class", "&s", &text))
        return append_epr(out, profile, dict, error);
    if (g_variant_lookup(dict, "datetime", "&s", &text))
        return append_wrapped(out, "Datetime", text, error);
    if (g_variant_lookup(dict, "interval", "&s", &text))
        return append_wrapped(out, "Interval", text, error);
    return wsman_append_values(out, profile, uri, dict, error);
}

static gboolean
append_scalar(GString *out, GVariant *value, const char *type, GError **error)
{
    if (g_variant_is_of_type(value, G_VARIANT_TYPE_BYTESTRING)) {
        gsize size = 0;
        const guchar *bytes = g_variant_get_fixed_array(value, &size, 1);
        g_autofree char *text = size == 0 ? NULL : g_base64_encode(bytes, size);
        g_string_append(out, text == NULL ? "" : text);
        return TRUE;
    }
    if (g_variant_is_of_type(value, G_VARIANT_TYPE_STRING)) {
        const char *text = g_variant_get_string(value, NULL);
        if (g_strcmp0(type, "datetime") == 0 && text[0] != '\0')
            return append_wrapped(out, "Datetime", text, error);
        if (g_strcmp0(type, "interval") == 0 && text[0] != '\0')
            return append_wrapped(out, "Interval", text, error);
        return wsman_append_text(out, text, error);
    }
    if (strchr("bynqiuxtd", g_variant_get_type_string(value)[0]) == NULL)
        return postern_fail(error,
                            POSTERN_ERROR_BAD_PARAM,
                            "values of type '%s' have no form in WS-Management",
                            g_variant_get_type_string(value));
    if (g_variant_is_of_type(value, G_VARIANT_TYPE_BYTE)) /* which GVariant prints as 0x2a */
        g_string_append_printf(out, "%u", g_variant_get_byte(value));
    else {
        g_autofree char *text = g_variant_print(value, FALSE);
        g_string_append(out, text);
    }
    return TRUE;
}

static GVariant *
unbox(GVariant *value)
{
    GVariant *inner = g_variant_ref(value);

    while (g_variant_is_of_type(inner, G_VARIANT_TYPE_VARIANT)) {
        GVariant *next = g_variant_get_variant(inner);
        g_variant_unref(inner);
        inner = next;
    }
    return inner;
}

/* An instance of another class inside: r means that class for its members alone. */
static gboolean
append_embedded(GString *out,
                const WsmanProfile *profile,
                const char *uri,
                const char *name,
                GVariant *value,
                const char *class_name,
                GError **error)
{
    g_autofree char *own = wsman_resource_uri(profile, class_name, error);

    if (own == NULL)
        return FALSE;
    g_string_append_printf(out, "<q:%s xmlns:q=\"%s\" xmlns:r=\"%s\">", name, uri, own);
    if (!wsman_append_values(out, profile, own, value, error))
        return FALSE;
    g_string_append_printf(out, "</q:%s>", name);
    return TRUE;
}

static gboolean
append_one(GString *out,
           const WsmanProfile *profile,
           const char *uri,
           const char *name,
           GVariant *boxed,
           GError **error)
{
    g_autoptr(GVariant) value = unbox(boxed);
    gboolean dict = g_variant_is_of_type(value, G_VARIANT_TYPE_VARDICT);
    const char *class_name = NULL;
    gboolean done = FALSE;

    if (dict && g_variant_lookup(value, "@class", "&s", &class_name))
        return append_embedded(out, profile, uri, name, value, class_name, error);
    g_string_append_printf(out, "<r:%s>", name);
    if (dict)
        done = append_dictionary(out, profile, uri, value, error);
    else
        done = append_scalar(out, value, wsman_type(profile, wsman_class_of(uri), name), error);
    if (!done) {
        g_prefix_error(error, "property %s: ", name);
        return FALSE;
    }
    g_string_append_printf(out, "</r:%s>", name);
    return TRUE;
}

/* Arrays are repeated elements; an array of bytes is one value, and so is a dictionary. */
static gboolean
append_member(GString *out,
              const WsmanProfile *profile,
              const char *uri,
              const char *name,
              GVariant *boxed,
              GError **error)
{
    g_autoptr(GVariant) value = unbox(boxed);

    if (!wsman_name_valid(name))
        return postern_fail(error, POSTERN_ERROR_BAD_PARAM, "'%s' is no property name", name);
    if (g_variant_is_of_type(value, G_VARIANT_TYPE_MAYBE)) {
        g_autoptr(GVariant) inner = g_variant_get_maybe(value);
        return inner == NULL || append_member(out, profile, uri, name, inner, error);
    }
    if (!g_variant_is_of_type(value, G_VARIANT_TYPE_ARRAY) ||
        g_variant_is_of_type(value, G_VARIANT_TYPE_BYTESTRING) ||
        g_variant_is_of_type(value, G_VARIANT_TYPE_DICTIONARY))
        return append_one(out, profile, uri, name, value, error);
    for (gsize i = 0; i < g_variant_n_children(value); i++) {
        g_autoptr(GVariant) member = g_variant_get_child_value(value, i);
        if (!append_one(out, profile, uri, name, member, error))
            return FALSE;
    }
    return TRUE;
}

gboolean
wsman_append_values(
    GString *out, const WsmanProfile *profile, const char *uri, GVariant *values, GError **error)
{
    gsize n = values == NULL ? 0 : g_variant_n_children(values);

    for (gsize i = 0; i < n; i++) {
        g_autoptr(GVariant) entry = g_variant_get_child_value(values, i);
        g_autoptr(GVariant) key = g_variant_get_child_value(entry, 0);
        g_autoptr(GVariant) value = g_variant_get_child_value(entry, 1);
        const char *name = g_variant_get_string(key, NULL);
        if (!g_str_equal(name, "@class") && !append_member(out, profile, uri, name, value, error))
            return FALSE;
    }
    return TRUE;
}

/* "r:", "a:", "w:", nothing for an element in no namespace, else "o:", which is declared where it is used. */
static const char *
prefix_for(const char *uri, const char *own)
{
    if (uri[0] == '\0')
        return "";
    if (g_str_equal(uri, own))
        return "r:";
    if (g_str_equal(uri, NS_ADDRESSING))
        return "a:";
    return g_str_equal(uri, NS_WSMAN) ? "w:" : "o:";
}

static gboolean
append_attributes(GString *out, xmlNode *node, GError **error)
{
    for (xmlAttr *attr = node->properties; attr != NULL; attr = attr->next) {
        if (attr->ns != NULL || attr->children == NULL || attr->children->content == NULL)
            continue;
        g_string_append_printf(out, " %s=\"", attr->name);
        if (!wsman_append_text(out, (const char *)attr->children->content, error))
            return FALSE;
        g_string_append_c(out, '"');
    }
    return TRUE;
}

/* An element as it came, under our prefixes. Bounded by the depth the parser allows. */
static gboolean
append_copy(GString *out, xmlNode *node, const char *own, GError **error)
{
    const char *uri = wsman_uri(node), *prefix = prefix_for(uri, own);
    gboolean nested = wsman_element(node->children) != NULL;

    g_string_append_printf(out, "<%s%s", prefix, node->name);
    if (prefix[0] == 'o') {
        g_string_append(out, " xmlns:o=\"");
        if (!wsman_append_text(out, uri, error))
            return FALSE;
        g_string_append_c(out, '"');
    }
    if (!append_attributes(out, node, error))
        return FALSE;
    g_string_append_c(out, '>');
    for (xmlNode *child = node->children; child != NULL; child = child->next) {
        if (child->type == XML_ELEMENT_NODE && !append_copy(out, child, own, error))
            return FALSE;
        if (child->type == XML_TEXT_NODE && !nested &&
            !wsman_append_text(out, (const char *)child->content, error))
            return FALSE;
    }
    g_string_append_printf(out, "</%s%s>", prefix, node->name);
    return TRUE;
}

/* The name of what is nested in the element that `value` replaces, if both are texts of that kind. */
static const char *
wrapper_of(xmlNode *node, GVariant *value)
{
    xmlNode *inner = wsman_element(node->children);
    g_autoptr(GVariant) plain = unbox(value);

    if (inner == NULL || !g_str_equal(wsman_uri(inner), NS_COMMON) ||
        !g_variant_is_of_type(plain, G_VARIANT_TYPE_STRING))
        return NULL;
    return (const char *)inner->name;
}

static gboolean
append_replaced(
    GString *out, const WsmanProfile *profile, xmlNode *node, GVariant *value, GError **error)
{
    const char *wrapper = wrapper_of(node, value);
    const char *name = (const char *)node->name;

    if (wrapper == NULL)
        return append_member(out, profile, wsman_uri(node), name, value, error);
    g_autoptr(GVariant) text = unbox(value);
    g_string_append_printf(out, "<r:%s>", name);
    if (!append_wrapped(out, wrapper, g_variant_get_string(text, NULL), error))
        return FALSE;
    g_string_append_printf(out, "</r:%s>", name);
    return TRUE;
}

gboolean
wsman_append_changed(
    GString *out, const WsmanProfile *profile, xmlNode *instance, GVariant *changes, GError **error)
{
    gsize n = g_variant_n_children(changes);

    for (xmlNode *node = wsman_element(instance->children); node != NULL;
         node = wsman_element(node->next)) {
        const char *name = (const char *)node->name;
        g_autoptr(GVariant) value = g_variant_lookup_value(changes, name, NULL);
        if (value == NULL && !wsman_is_nil(node) &&
            !append_copy(out, node, wsman_uri(instance), error))
            return FALSE;
        gboolean first = wsman_child(instance, NULL, name) == node;
        if (value != NULL && first && !append_replaced(out, profile, node, value, error))
            return FALSE;
    }
    for (gsize i = 0; i < n; i++) {
        g_autoptr(GVariant) entry = g_variant_get_child_value(changes, i);
        g_autoptr(GVariant) key = g_variant_get_child_value(entry, 0);
        g_autoptr(GVariant) value = g_variant_get_child_value(entry, 1);
        const char *name = g_variant_get_string(key, NULL);
        if (wsman_child(instance, NULL, name) == NULL &&
            !append_member(out, profile, wsman_uri(instance), name, value, error))
            return FALSE;
    }
    return TRUE;
}
