/* SPDX-License-Identifier: Apache-2.0 */
/* What the files of the WS-Management helper share; not for plugins. */
#ifndef POSTERN_WSMAN_INTERNAL_H
#define POSTERN_WSMAN_INTERNAL_H

#include "wsman.h"

#include <libxml/parser.h>
#include <libxml/tree.h>

#define NS_SOAP       "http://www.w3.org/2003/05/soap-envelope"
#define NS_ADDRESSING "http://schemas.xmlsoap.org/ws/2004/08/addressing"
#define NS_WSMAN      "http://schemas.dmtf.org/wbem/wsman/1/wsman.xsd"
#define NS_ENUM       "http://schemas.xmlsoap.org/ws/2004/09/enumeration"
#define NS_TRANSFER   "http://schemas.xmlsoap.org/ws/2004/09/transfer"
#define NS_IDENTITY   "http://schemas.dmtf.org/wbem/wsman/identity/1/wsmanidentity.xsd"
#define NS_COMMON     "http://schemas.dmtf.org/wbem/wscim/1/common"
#define NS_XSI        "http://www.w3.org/2001/XMLSchema-instance"
#define ANONYMOUS     NS_ADDRESSING "/role/anonymous"

/* Envelopes nest some ten levels deep; GVariant itself ends at 128, of which each of ours takes three. */
#define WSMAN_MAX_DEPTH 32
#define WSMAN_MAX_BYTES (16 * 1024 * 1024)

/* wsman-parse.c */
/* `only`: what to decode of a body that is an instance; NULL: all. */
WsmanMessage *wsman_message_parse_some(const WsmanProfile *profile,
                                       const char *const *only,
                                       const guint8 *data,
                                       gsize length,
                                       GError **error);
xmlNode *wsman_element(xmlNode *node);                  /* this sibling or the next that is an element */
xmlNode *wsman_child(xmlNode *parent, const char *uri, const char *name); /* uri NULL: any */
gboolean wsman_is(xmlNode *node, const char *uri, const char *name);
const char *wsman_uri(xmlNode *node);                   /* namespace, "" if none */
const char *wsman_attribute(xmlNode *node, const char *uri, const char *name); /* uri NULL: in none */
const char *wsman_text(xmlNode *leaf, char **to_free);  /* all text in it, blanks kept; never NULL */
char *wsman_text_trimmed(xmlNode *leaf);                /* NULL leaf: NULL */
char *wsman_text_squashed(xmlNode *node);               /* all text below, blanks made one, at most 1 KiB */
xmlNode *wsman_descendant(xmlNode *root, const char *name);

/* wsman-fault.c */
void wsman_read_fault(const WsmanProfile *profile, xmlNode *fault, WsmanMessage *message);
gboolean wsman_fault_absent(const char *fault);
void wsman_fault_error(const WsmanProfile *profile,
                       const WsmanMessage *message,
                       const char *what,
                       GError **error);

/* wsman-value.c */
const char *wsman_type(const WsmanProfile *profile, const char *class_name, const char *property);
/* a{sv}, not floating. `only`: these members and no others; NULL: all. */
GVariant *wsman_decode(const WsmanProfile *profile, xmlNode *instance, const char *const *only);
gboolean wsman_is_epr(xmlNode *node);
gboolean wsman_is_nil(xmlNode *node);
GVariant *wsman_decode_epr(xmlNode *node, const WsmanProfile *profile); /* floating */

/* wsman-encode.c */
gboolean wsman_name_valid(const char *name);
gboolean wsman_append_text(GString *out, const char *text, GError **error);
gboolean wsman_append_selectors(GString *out,
                                const WsmanProfile *profile,
                                GVariant *selectors,
                                GError **error);
/* Every member of `values` as elements with prefix r, which stands for `uri`. */
gboolean wsman_append_values(GString *out,
                             const WsmanProfile *profile,
                             const char *uri,
                             GVariant *values,
                             GError **error);
/* `instance` as it came, but for the members in `changes`. */
gboolean wsman_append_changed(GString *out,
                              const WsmanProfile *profile,
                              xmlNode *instance,
                              GVariant *changes,
                              GError **error);

/* wsman-client.c */
struct WsMan {
    const PosternServices *svc;
    PosternRun *run;
    const WsmanProfile *profile;
    GVariant *options;
    PosternHttp *http;
    PosternHttpReply *reply;     /* the last one, kept for its headers */
    guint32 next_id;
    WsmanMessage *failed;        /* answer of the last operation if it was a fault */
    guint32 failed_status;
    gboolean let_in;             /* an answer came that was not a question for a login */
    char *user;                  /* who was, as far as the host tells */
};

/* One request, from wsman_begin() to the answer. */
typedef struct {
    WsMan *ws;
    GString *xml;
    guint32 id;
    const char *what;            /* for messages: "Get CIM_Chip" */
    const char *const *only;     /* members of the answer that are wanted; NULL: all */
    gboolean reads;              /* may be repeated */
    gboolean bare;               /* Identify: no addressing, so no RelatesTo */
} WsmanRequest;

void wsman_begin(WsmanRequest *request, WsMan *ws, const char *action, const char *uri);
gboolean wsman_begin_body(WsmanRequest *request, GVariant *selectors, GError **error);
/* Sends and frees the request's text. */
WsmanMessage *wsman_exchange(WsmanRequest *request, GError **error);

#endif /* POSTERN_WSMAN_INTERNAL_H */
