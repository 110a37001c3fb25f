/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * envelope.h - reading a WS-Management request, and writing answers letter for letter as AMT does:
 * one line, prefixes a, b, c ... given out in order, empty elements as a pair of tags.
 */
#include "device.h"

#include <libxml/tree.h>

#define NS_SOAP        "http://www.w3.org/2003/05/soap-envelope"
#define NS_ADDRESSING  "http://schemas.xmlsoap.org/ws/2004/08/addressing"
#define NS_WSMAN       "http://schemas.dmtf.org/wbem/wsman/1/wsman.xsd"
#define NS_TRANSFER    "http://schemas.xmlsoap.org/ws/2004/09/transfer"
#define NS_ENUMERATION "http://schemas.xmlsoap.org/ws/2004/09/enumeration"
#define NS_EVENTING    "http://schemas.xmlsoap.org/ws/2004/08/eventing"
#define NS_COMMON      "http://schemas.dmtf.org/wbem/wscim/1/common"
#define NS_IDENTITY    "http://schemas.dmtf.org/wbem/wsman/identity/1/wsmanidentity.xsd"
#define ANONYMOUS      "http://schemas.xmlsoap.org/ws/2004/08/addressing/role/anonymous"

typedef struct {
    xmlDoc *doc;
    char *action, *uri;
    char *message_id;         /* XML-escaped */
    const char *class_name;   /* after the last '/' of `uri` */
    xmlNode *selectors;       /* SelectorSet or NULL */
    xmlNode *body;            /* the element in Body, or NULL */
    gboolean must_understand; /* a header that we do not know and must */
} Request;

/* A fault: the letter is the prefix that its namespace has in a fault envelope. */
typedef struct {
    char letter;
    const char *subcode, *reason;
} SoapFault;

extern const SoapFault FAULT_UNREACHABLE, FAULT_ACTION, FAULT_SELECTORS, FAULT_REPRESENTATION,
    FAULT_DENIED, FAULT_INTERNAL, FAULT_PARAMETER, FAULT_EXISTS, FAULT_QUOTA, FAULT_CONTEXT,
    FAULT_UNDERSTAND, FAULT_SCHEMA, FAULT_DELIVERY, FAULT_NO_EVENTS;

/* The fault with this subcode, or NULL. */
const SoapFault *envelope_fault_named(const char *subcode);

/* Reads a request. FALSE when it is not well-formed or no SOAP envelope; clear it in any case. */
gboolean request_parse(Request *request, const char *text, gsize length);
void request_clear(Request *request);

/* The answer up to and with <a:Body>. `g` and `h` are the namespaces with these letters, NULL for
 * none; the common namespace gets the letter after them when `common`. `action` without "Response".
 */
void envelope_open(GString *out,
                   Device *device,
                   const Request *request,
                   const char *g,
                   const char *h,
                   gboolean common);
void envelope_close(GString *out);

/* A whole fault answer; always 400. */
guint envelope_fault(GString *out, Device *device, const Request *request, const SoapFault *fault);

/* The first child element of this name, in any namespace; NULL when there is none. */
xmlNode *xml_child(const xmlNode *parent, const char *name);

/* The text of an element, newly allocated; "" for NULL. */
char *xml_text(const xmlNode *node);

gboolean xml_is(const xmlNode *node, const char *name, const char *uri);
