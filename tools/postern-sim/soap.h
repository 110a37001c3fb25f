/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* soap.h - the operations of WS-Management on a device. */
#include "envelope.h"

typedef struct {
    const char *action, *target; /* for the log of requests; interned */
    gboolean acted;              /* something was changed or started */
} SoapNote;

/* Answers one request in `out`; the HTTP status. Never fails: a request that is no request gets a
 * fault. 401 without an answer: the account has not the realm of this class. */
guint soap_serve(Device *device, const char *text, gsize length, GString *out, SoapNote *note);

/* A name for the log that lives as long as the process; bounded, so that a client cannot fill
 * memory. */
const char *soap_name(const char *name);

/* One instance in a list: of the model, or created later. */
typedef struct {
    const SimInstance *instance;
    const DeviceCreated *created;
    SimClass *class;
} Item;

/* The n-th instance of `class` with its derived classes; FALSE after the last. */
gboolean item_at(Device *device, SimClass *class, guint n, Item *item);

/* Appends the inside of an endpoint reference to an item. */
void item_reference(Device *device, const Item *item, GString *out);

/* The item that the selectors of `request` address; NULL with `fault` set when there is none. */
gboolean item_find(
    Device *device, const Request *request, SimClass *class, Item *item, const SoapFault **fault);

/* transfer.c, enumerate.c, eventing.c, methods.c: the answer for one operation. `class` is that of the request.
 */
guint transfer_get(Device *device, const Request *request, SimClass *class, GString *out);
guint transfer_put(Device *device, const Request *request, SimClass *class, GString *out);
guint transfer_create(Device *device, const Request *request, SimClass *class, GString *out);
guint transfer_delete(Device *device, const Request *request, SimClass *class, GString *out);
guint enumerate_start(Device *device, const Request *request, SimClass *class, GString *out);
guint enumerate_pull(Device *device, const Request *request, SimClass *class, GString *out);
guint enumerate_release(Device *device, const Request *request, SimClass *class, GString *out);
guint eventing_subscribe(Device *device, const Request *request, SimClass *class, GString *out);
guint eventing_unsubscribe(Device *device, const Request *request, SimClass *class, GString *out);
guint methods_invoke(
    Device *device, const Request *request, SimClass *class, const char *method, GString *out);

/* Reads the children of `node` as properties of `class` (NULL: of any); NULL when one is not
 * acceptable. */
GPtrArray *transfer_read(const xmlNode *node, const SimClass *class);

/* To the order of their names, in which they are told. */
void transfer_sort(GPtrArray *values);

/* Adds an instance with `values` (taken by reference, keys completed). NULL when there is one with
 * the same keys (`exists`) or no room. */
const DeviceCreated *
transfer_add(Device *device, SimClass *class, GPtrArray *values, gboolean *exists);
