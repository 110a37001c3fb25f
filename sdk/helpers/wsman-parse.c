/* SPDX-License-Identifier: Apache-2.0 */
/* Envelopes in: a bounded parse, and one walk over header and body. Names are found by namespace, never by prefix. */
#include "wsman-internal.h"

#include <string.h>

xmlNode *
wsman_element(xmlNode *node)
{
    while (node != NULL && node->type != XML_ELEMENT_NODE)
        node = node->next;
    return node;
}

const char *
wsman_uri(xmlNode *node)
{
    return node != NULL && node->ns != NULL && node->ns->href != NULL ? (const char *)node->ns->href
                                                                      : "";
}

gboolean
wsman_is(xmlNode *node, const char *uri, const char *name)
{
    return node != NULL && node->name != NULL && g_str_equal(node->name, name) &&
           (uri == NULL || g_str_equal(wsman_uri(node), uri));
}

xmlNode *
wsman_child(xmlNode *parent, const char *uri, const char *name)
{
    xmlNode *child = parent == NULL ? NULL : wsman_element(parent->children);

    while (child != NULL && !wsman_is(child, uri, name))
        child = wsman_element(child->next);
    return child;
}

/* Document order, without recursion: what is read is hostile. */
static xmlNode *
next_node(xmlNode *root, xmlNode *node)
{
    if (node->type == XML_ELEMENT_NODE && node->children != NULL)
        return node->children;
    while (node != root && node->next == NULL)
        node = node->parent;
    return node == root ? NULL : node->next;
}

xmlNode *
wsman_descendant(xmlNode *root, const char *name)
{
    xmlNode *node = root;

    while (node != NULL && (node->type != XML_ELEMENT_NODE || !g_str_equal(node->name, name)))
        node = next_node(root, node);
    return node;
}

static gboolean
is_text(const xmlNode *node)
{
    return (node->type == XML_TEXT_NODE || node->type == XML_CDATA_SECTION_NODE) &&
           node->content != NULL;
}

const char *
wsman_attribute(xmlNode *node, const char *uri, const char *name)
{
    for (xmlAttr *attr = node->properties; attr != NULL; attr = attr->next) {
        const char *found = attr->ns == NULL ? NULL : (const char *)attr->ns->href;
        if (g_str_equal(attr->name, name) && g_strcmp0(found, uri) == 0)
            return attr->children == NULL || attr->children->content == NULL
                       ? ""
                       : (const char *)attr->children->content;
    }
    return NULL;
}

const char *
wsman_text(xmlNode *leaf, char **to_free)
{
    xmlNode *child = leaf->children;

    *to_free = NULL;
    if (child == NULL)
        return "";
    if (child->next == NULL)
        return is_text(child) ? (const char *)child->content : "";
    GString *text = g_string_new(NULL);
    for (; child != NULL; child = child->next)
        if (is_text(child))
            g_string_append(text, (const char *)child->content);
    *to_free = g_string_free(text, FALSE);
    return *to_free;
}

char *
wsman_text_trimmed(xmlNode *leaf)
{
    g_autofree char *owned = NULL;

    return leaf == NULL ? NULL : g_strstrip(g_strdup(wsman_text(leaf, &owned)));
}

char *
wsman_text_squashed(xmlNode *root)
{
    GString *out = g_string_new(NULL);

    for (xmlNode *node = root; node != NULL && out->len < 1024; node = next_node(root, node)) {
        if (!is_text(node))
            continue;
        g_autofree char *part = g_strndup((const char *)node->content, 1024);
        g_auto(GStrv) words = g_strsplit_set(part, " \t\r\n", -1);
        for (guint i = 0; words[i] != NULL; i++)
            if (words[i][0] != '\0')
                g_string_append_printf(out, "%s%s", out->len > 0 ? " " : "", words[i]);
    }
    g_autofree char *text = g_string_free(out, FALSE);
    return g_utf8_make_valid(text, (gssize)MIN(strlen(text), 1024)); /* cut within a character */
}

/* A document type is no part of SOAP, and entities are how small documents become large ones. */
static void
refuse_doctype(void *data, const xmlChar *name, const xmlChar *external, const xmlChar *system)
{
    xmlParserCtxt *ctxt = data;

    ctxt->_private = ctxt;
    xmlStopParser(ctxt);
}

static gboolean
shallow(xmlNode *root)
{
    guint depth = 0;

    for (xmlNode *node = root; node != NULL;) {
        if (node->type == XML_ELEMENT_NODE && node->children != NULL) {
            node = node->children;
            if (++depth > WSMAN_MAX_DEPTH)
                return FALSE;
            continue;
        }
        while (node != root && node->next == NULL) {
            node = node->parent;
            depth--;
        }
        node = node == root ? NULL : node->next;
    }
    return TRUE;
}

static void
describe_parse_error(xmlParserCtxt *ctxt, GError **error)
{
    const xmlError *why = xmlCtxtGetLastError(ctxt);

    if (ctxt->_private != NULL)
        postern_fail(
            error, POSTERN_ERROR_PROTOCOL, "the answer has a document type, which SOAP forbids");
    else if (why == NULL || why->message == NULL)
        postern_fail(error, POSTERN_ERROR_PROTOCOL, "the answer is not well-formed XML");
    else {
        g_autofree char *text = g_utf8_make_valid(why->message, -1);
        postern_fail(error,
                     POSTERN_ERROR_PROTOCOL,
                     "the answer is not well-formed XML: line %d: %s",
                     why->line,
                     g_strstrip(text));
    }
}

static xmlDoc *
parse_document(const guint8 *data, gsize length, GError **error)
{
    const int options = XML_PARSE_NONET | XML_PARSE_NOERROR | XML_PARSE_NOWARNING |
                        XML_PARSE_NOCDATA | XML_PARSE_COMPACT;

    /* Some that store or relay envelopes put blanks before the declaration. */
    while (length > 0 && g_ascii_isspace(*data)) {
        data++;
        length--;
    }
    if (length == 0 || length > WSMAN_MAX_BYTES) {
        postern_fail(error,
                     POSTERN_ERROR_PROTOCOL,
                     "the answer has %" G_GSIZE_FORMAT " bytes, expected 1 to %d bytes of XML",
                     length,
                     WSMAN_MAX_BYTES);
        return NULL;
    }
    xmlParserCtxt *ctxt = xmlNewParserCtxt();
    if (ctxt == NULL) {
        postern_fail(error, POSTERN_ERROR_INTERNAL, "no memory for an XML parser");
        return NULL;
    }
    ctxt->sax->internalSubset = refuse_doctype;
    /* UTF-8, whatever it claims to be: that is what was asked for. */
    xmlDoc *doc = xmlCtxtReadMemory(ctxt, (const char *)data, (int)length, NULL, "UTF-8", options);
    /* A prefix without a namespace is well-formed to XML alone. */
    if (doc == NULL || ctxt->_private != NULL || ctxt->nsWellFormed == 0) {
        describe_parse_error(ctxt, error);
        g_clear_pointer(&doc, xmlFreeDoc);
    }
    xmlFreeParserCtxt(ctxt);
    return doc;
}

void
wsman_message_free(WsmanMessage *message)
{
    if (message == NULL)
        return;
    g_free(message->action);
    g_free(message->relates_to);
    g_free(message->message_id);
    g_free(message->resource_uri);
    g_free(message->fault);
    g_free(message->fault_text);
    g_free(message->fault_detail);
    g_free(message->context);
    g_free(message->body_class);
    g_clear_pointer(&message->items, g_ptr_array_unref);
    g_clear_pointer(&message->body, g_variant_unref);
    if (message->document != NULL)
        xmlFreeDoc(message->document);
    g_free(message);
}

static void
content_free(gpointer data)
{
    WsmanContent *content = data;

    g_free(content->class_name);
    g_free(content->resource_uri);
    g_variant_unref(content->values);
    g_free(content);
}

static void
read_header(xmlNode *header, WsmanMessage *message)
{
    for (xmlNode *node = wsman_element(header->children); node != NULL;
         node = wsman_element(node->next)) {
        char **place = NULL;

        if (wsman_is(node, NS_ADDRESSING, "Action"))
            place = &message->action;
        else if (wsman_is(node, NS_ADDRESSING, "RelatesTo"))
            place = &message->relates_to;
        else if (wsman_is(node, NS_ADDRESSING, "MessageID"))
            place = &message->message_id;
        else if (wsman_is(node, NS_WSMAN, "ResourceURI"))
            place = &message->resource_uri;
        if (place != NULL && *place == NULL)
            *place = wsman_text_trimmed(node);
    }
}

static void
add_item(const WsmanProfile *profile, WsmanMessage *message, xmlNode *node)
{
    /* OMI wraps each; so does whoever sends an instance and its reference together. */
    if (wsman_is(node, NS_WSMAN, "Item") && wsman_element(node->children) != NULL)
        node = wsman_element(node->children);
    WsmanContent *content = g_new0(WsmanContent, 1);
    gboolean named = !wsman_is(node, NS_WSMAN, "XmlFragment") && !wsman_is_epr(node);
    content->class_name = g_strdup(named ? (const char *)node->name : "");
    content->resource_uri = g_strdup(named ? wsman_uri(node) : "");
    content->values = wsman_is_epr(node) ? g_variant_ref_sink(wsman_decode_epr(node, profile))
                                         : wsman_decode(profile, node, NULL);
    g_ptr_array_add(message->items, content);
}

/* Items and EndOfSequence are in the namespace of enumeration, or of WS-Man if they came with the first answer. */
static void
read_enumeration(const WsmanProfile *profile, xmlNode *body, WsmanMessage *message)
{
    message->items = g_ptr_array_new_with_free_func(content_free);
    for (xmlNode *node = wsman_element(body->children); node != NULL;
         node = wsman_element(node->next)) {
        if (!wsman_is(node, NS_ENUM, (const char *)node->name) &&
            !wsman_is(node, NS_WSMAN, (const char *)node->name))
            continue;
        if (g_str_equal(node->name, "EnumerationContext") && message->context == NULL)
            message->context = wsman_text_trimmed(node);
        else if (g_str_equal(node->name, "EndOfSequence"))
            message->end = TRUE;
        else if (g_str_equal(node->name, "Items")) {
            message->has_items = TRUE;
            for (xmlNode *item = wsman_element(node->children); item != NULL;
                 item = wsman_element(item->next))
                add_item(profile, message, item);
        }
    }
}

static void
read_body(const WsmanProfile *profile,
          const char *const *only,
          xmlNode *body,
          WsmanMessage *message)
{
    if (body == NULL)
        return;
    message->body_node = body;
    message->body_class = g_strdup((const char *)body->name);
    if (wsman_is(body, NS_SOAP, "Fault"))
        wsman_read_fault(profile, body, message);
    else if (wsman_is(body, NS_ENUM, "EnumerateResponse") ||
             wsman_is(body, NS_ENUM, "PullResponse"))
        read_enumeration(profile, body, message);
    else
        message->body = wsman_decode(profile, body, only);
}

WsmanMessage *
wsman_message_parse_some(const WsmanProfile *profile,
                         const char *const *only,
                         const guint8 *data,
                         gsize length,
                         GError **error)
{
    g_autoptr(WsmanMessage) message = g_new0(WsmanMessage, 1);

    message->document = parse_document(data, length, error);
    if (message->document == NULL)
        return NULL;
    xmlNode *root = xmlDocGetRootElement(message->document);
    if (root == NULL || !wsman_is(root, NS_SOAP, "Envelope")) {
        postern_fail(error,
                     POSTERN_ERROR_PROTOCOL,
                     "the answer is XML with root element '%.64s', expected a SOAP 1.2 envelope",
                     root == NULL ? "" : (const char *)root->name);
        return NULL;
    }
    if (!shallow(root)) {
        postern_fail(error,
                     POSTERN_ERROR_PROTOCOL,
                     "the answer nests deeper than %d elements",
                     WSMAN_MAX_DEPTH);
        return NULL;
    }
    xmlNode *header = wsman_child(root, NS_SOAP, "Header");
    xmlNode *body = wsman_child(root, NS_SOAP, "Body");
    if (body == NULL) {
        postern_fail(error, POSTERN_ERROR_PROTOCOL, "the answer is a SOAP envelope without a body");
        return NULL;
    }
    if (header != NULL)
        read_header(header, message);
    read_body(profile, only, wsman_element(body->children), message);
    return g_steal_pointer(&message);
}

WsmanMessage *
wsman_message_parse(const WsmanProfile *profile, const guint8 *data, gsize length, GError **error)
{
    return wsman_message_parse_some(profile, NULL, data, length, error);
}
