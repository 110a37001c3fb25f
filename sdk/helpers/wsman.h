/* SPDX-License-Identifier: Apache-2.0 */
/*
 * wsman.h - WS-Management over the host's HTTP service: one conversation, and values both ways.
 *
 * How values map, in both directions. An instance is a{sv}, one member for each property, named by its local
 * name, in the order in which the device sent them:
 *
 *   missing property, or xsi:nil      no member (in an array: a `mv` without a value, to keep positions)
 *   empty element                     s "" - empty is neither missing nor zero - but for a property known to be
 *                                     an array, an array without members
 *   true, false                       b
 *   decimal digits as a machine writes them (no sign but '-', no leading zero, no blank, 64 bits)
 *                                     t, or x when negative
 *   nested Datetime, Date, Time, Interval    s, its text
 *   endpoint reference                a{sv}: "class" s, "selectors" a{sv} (each s, or again a reference), and, only
 *                                     if not usual, "address" s and "resource-uri" s
 *   nested elements otherwise         a{sv}, with "@class" s if they are in another class's namespace
 *   repeated elements                 an array of the above, as/at/ax/ab/aa{sv}; members of several types: as
 *   anything else                     s, every blank kept
 *
 * A property in the profile's type table has the type stated there instead, whatever its text looks like:
 * b u i t x s, "datetime", "interval", "ay" (base64 on the wire), "ref", and arrays "ab" "au" "at" "as" "aay" "aref";
 * such an array is one even if the device sent a single member. Text that does not fit its type comes as s.
 *
 * From GVariant to XML: the same backwards. Any whole number goes as decimal digits, ay as base64, a `mv` without a value as
 * no element. {"datetime": s} and {"interval": s} make the nested forms for properties that no table knows;
 * references also take "selectors" a{ss}.
 */
#ifndef POSTERN_WSMAN_H
#define POSTERN_WSMAN_H

#include <postern-host.h>

G_BEGIN_DECLS

/* One row of a type table, sorted by property, then class; `class_name` NULL: in any class (sorts first). */
typedef struct {
    const char *property;
    const char *class_name;
    const char *type;
} WsmanType;

/* Short class names that begin with `prefix` live below `uri`. The table ends with a NULL prefix. */
typedef struct {
    const char *prefix;
    const char *uri;
} WsmanPrefix;

/* What differs between families of devices: static data of the plugin. */
typedef struct {
    const char *path;                       /* "/wsman" */
    const char *product;                    /* for messages: "AMT" */
    const WsmanPrefix *prefixes;
    const WsmanType *types;                 /* NULL: none */
    gsize n_types;
    const char *status_prefix;              /* number in fault details after this text is a device code; or NULL */
    const char *(*status_name)(guint32 n);  /* [any] its name, static; NULL: not known, or no names */
    gint (*status_error)(guint32 n);        /* [any] the PosternError it means, or -1: DEVICE; or NULL */
    guint32 max_elements;                   /* of one Pull; 0: 999 */
    guint32 max_characters;                 /* of one Pull; 0: left out */
    gboolean optimize;                      /* ask for items in the answer to Enumerate */
    /* [task] The other side let `user` (NULL: not known) in, and refuses it something: `error` (FORBIDDEN or AUTH) may be
     * replaced by one that says what is missing; or NULL */
    void (*refused)(const PosternServices *svc, PosternRun *run, const char *user, GError **error);
    gboolean repeat_500;                    /* firmware that answers 500 at random: repeat what only reads, once */
} WsmanProfile;

typedef struct WsMan WsMan;

/* One instance met by an enumeration; valid during the call. */
typedef struct {
    const char *class_name;   /* of the element, so possibly derived from the class asked for; "" if not named */
    const char *resource_uri; /* its namespace; "" if none */
    GVariant *values;         /* a{sv} */
} WsmanItem;

/* Return FALSE to stop; with `error` set the enumeration fails with it, else it ends well. */
typedef gboolean (*WsmanItemFunc)(const WsmanItem *item, gpointer data, GError **error);

/*
 * [task] Begin a conversation. No traffic yet. `profile` must outlive it. `http_options` as for
 * PosternHttpSvc.open(), may be floating, or NULL. Message numbers start at 1.
 */
WsMan *wsman_open(const PosternServices *svc,
                  PosternRun *run,
                  const WsmanProfile *profile,
                  GVariant *http_options,
                  GError **error);
/* [task] End it. If its last operation failed with a fault, that fault becomes notes of the run: "fault",
 * "fault-detail", "http-status", "device-code", "device-code-name". Accepts NULL. */
void wsman_close(WsMan *ws);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(WsMan, wsman_close)

/* [task] Local name of the fault with which the last operation failed ("DestinationUnreachable"); NULL: it did
 * not, or for another reason. Valid until the next operation. */
const char *wsman_fault(WsMan *ws);
/* [task] TRUE if that fault means that the device has no such class, instance or method. */
gboolean wsman_absent(WsMan *ws);
/* [task] About the connection, as PosternHttpSvc.peer(); the caller's. */
GVariant *wsman_peer(WsMan *ws);
/* [task] The whole answer to HTTP header `name` of the last request; NULL: not sent. Valid until the next one. */
const char *wsman_http_header(WsMan *ws, const char *name);

/*
 * The operations, all [task]. `class_name` is short ("CIM_Chip") or a resource URI; `selectors` is a{ss} or a{sv}, may be floating, or
 * NULL: none. What they return is the caller's.
 */
/* One instance, a{sv}. */
GVariant *wsman_get(WsMan *ws, const char *class_name, GVariant *selectors, GError **error);
/* The same, but of its members only those of a NULL-ended list: cheaper where one of many is wanted. */
GVariant *wsman_get_some(WsMan *ws,
                         const char *class_name,
                         GVariant *selectors,
                         const char *const *only,
                         GError **error);
/* Change an instance: Get, replace the members in `values` (a `mv` without a value removes one), Put all of it, in
 * the order in which it came. `whole`: `values` are all there is, no Get. Returns the instance as stored, empty if the device
 * does not say. */
GVariant *wsman_put(WsMan *ws,
                    const char *class_name,
                    GVariant *selectors,
                    GVariant *values,
                    gboolean whole,
                    GError **error);
/* The reference of the new instance, as references map; empty if the device does not say. */
GVariant *wsman_create(WsMan *ws, const char *class_name, GVariant *values, GError **error);
gboolean wsman_delete(WsMan *ws, const char *class_name, GVariant *selectors, GError **error);
/* Call `method` once, never again. Returns its out parameters, "ReturnValue" u among them; a
 * ReturnValue other than 0 is no error here, see wsman_check_return(). */
GVariant *wsman_invoke(WsMan *ws,
                       const char *class_name,
                       GVariant *selectors,
                       const char *method,
                       GVariant *args,
                       GError **error);
/* The same for callers to whom a ReturnValue other than 0 is an error, as wsman_check_return() tells it. */
GVariant *wsman_call(WsMan *ws,
                     const char *class_name,
                     GVariant *selectors,
                     const char *method,
                     GVariant *args,
                     GError **error);
/* How events are to be delivered, and where. */
typedef struct {
    const char *notify_to;            /* URL of a listener */
    const char *tag;                  /* comes back in each event, as reference parameter; NULL: none */
    const char *user, *password;      /* with which the device logs in at the listener (digest); NULL: not at all */
    gboolean acknowledged;            /* each event waits for an answer, and is repeated without one */
} WsmanSubscription;
/* Have events of an instance (of CIM_FilterCollection) delivered. What the device answers, its SubscriptionManager. */
GVariant *wsman_subscribe(WsMan *ws,
                          const char *class_name,
                          GVariant *selectors,
                          const WsmanSubscription *subscription,
                          GError **error);
/* End a subscription, which is an instance. */
gboolean wsman_unsubscribe(WsMan *ws, const char *class_name, GVariant *selectors, GError **error);
/* Every instance, one after another, to the end. `epr`: references in place of instances. */
gboolean wsman_enumerate(WsMan *ws,
                         const char *class_name,
                         gboolean epr,
                         WsmanItemFunc item,
                         gpointer data,
                         GError **error);
/* "protocol-version", "product-vendor", "product-version" s, "security-profiles" as. */
GVariant *wsman_identify(WsMan *ws, GError **error);

/* FALSE with a DEVICE error (or what else the number means) and its notes "device-code" and "device-code-name" if
 * `outputs` of that method has a ReturnValue other than 0, or none. [task] */
gboolean wsman_check_return(WsMan *ws,
                            GVariant *outputs,
                            const char *class_name,
                            const char *method,
                            GError **error);
/* ReturnValue of a method's outputs; FALSE: it has none. [any] */
gboolean wsman_return_value(GVariant *outputs, guint32 *value);
/* What a method's ReturnValue means, static. Methods of CIM_ classes and RequestStateChange answer with generic
 * CIM results, others with the profile's numbers. NULL: unknown. [any] */
const char *wsman_return_name(const WsmanProfile *profile,
                              const char *class_name,
                              const char *method,
                              guint32 value);

/* Namespace of a class name; the caller's. BAD_PARAM if no prefix fits or it is no name. [any] */
char *wsman_resource_uri(const WsmanProfile *profile, const char *class_name, GError **error);
/* The short name at the end of a resource URI; points into it. [any] */
const char *wsman_class_of(const char *resource_uri);
/* A reference as values map: class, selector name, value ... NULL. Floating. [any] */
GVariant *wsman_epr(const char *class_name, ...) G_GNUC_NULL_TERMINATED;
/* TRUE if a reference holds nothing, as firmware fills in for "none". [any] */
gboolean wsman_epr_is_placeholder(GVariant *epr);

/* What a recorded or received envelope says, without a conversation. For tests and listeners. */
typedef struct {
    char *action;
    char *relates_to;          /* NULL: none */
    char *message_id;          /* NULL: none */
    char *resource_uri;        /* NULL: none */
    char *fault;               /* local name of the subcode, else of the code; NULL: no fault */
    char *fault_text;
    char *fault_detail;        /* "" if empty */
    guint64 fault_code;        /* WSManFault/@Code or profile's status number; 0: none */
    char *context;             /* EnumerationContext; NULL: none given */
    gboolean end;              /* EndOfSequence */
    gboolean has_items;
    GPtrArray *items;          /* of WsmanContent; NULL: the body is no enumeration's */
    char *body_class;          /* local name of the body's element; NULL: empty body */
    GVariant *body;            /* that element's members; NULL: empty body */
    gpointer document;         /* private */
    gpointer body_node;        /* private */
} WsmanMessage;

/* An item of a WsmanMessage, owning its parts. */
typedef struct {
    char *class_name;
    char *resource_uri;
    GVariant *values;
} WsmanContent;

/* Read an envelope. PROTOCOL if it is none. [any] */
WsmanMessage *
wsman_message_parse(const WsmanProfile *profile, const guint8 *data, gsize length, GError **error);
void wsman_message_free(WsmanMessage *message);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(WsmanMessage, wsman_message_free)

G_END_DECLS

#endif /* POSTERN_WSMAN_H */
