/* SPDX-License-Identifier: Apache-2.0 */
/* A host for tests of tasks: answers HTTP requests from a script and writes down what it was asked. */
#ifndef FAKE_HOST_H
#define FAKE_HOST_H

#include <postern-host.h>

/* One exchange. In `body`, "%ID%" stands for the request's MessageID. */
typedef struct {
    const char *expect;  /* must occur in "METHOD PATH\n" and the request's body; NULL: anything */
    guint status;
    const char *body;    /* NULL: empty */
    const char *headers; /* "Name: value\n" ... or NULL */
    gint error;          /* > 0: fail with this PosternError in place of an answer; 0: answer */
} FakeStep;

typedef struct FakeHost {
    PosternServices svc;
    /* The answer to a request that no script foresees, kept by whoever gives it; NULL: `steps` are all there is. */
    const FakeStep *(*answer)(struct FakeHost *fake, const char *request);
    gpointer answer_data;
    const FakeStep *steps;
    gsize n_steps;
    gsize next;          /* after the last step, requests fail the test */
    gboolean repeat_last;
    GPtrArray *requests; /* "METHOD PATH\nBODY" */
    GHashTable *notes;   /* name to GVariant */
    GPtrArray *rows;
    guint64 slept_ms;
    guint opened;
    guint closed;
    GVariant *options;   /* of the last open() */
} FakeHost;

FakeHost *fake_host_new(const FakeStep *steps, gsize n_steps);
void fake_host_free(FakeHost *fake);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(FakeHost, fake_host_free)
#define fake_host_for(steps) fake_host_new((steps), G_N_ELEMENTS(steps))

PosternRun *fake_run(FakeHost *fake);
const char *fake_request(FakeHost *fake, guint n);
/* All steps were used. */
void fake_host_done(FakeHost *fake);

/* Envelopes as AMT writes them: on one line, namespaces on the envelope, g for `uri`. */
#define FAKE_HEAD(uri)                                                                             \
    "<?xml version=\"1.0\" encoding=\"UTF-8\"?><a:Envelope "                                       \
    "xmlns:a=\"http://www.w3.org/2003/05/soap-envelope\" "                                         \
    "xmlns:b=\"http://schemas.xmlsoap.org/ws/2004/08/addressing\" "                                \
    "xmlns:c=\"http://schemas.dmtf.org/wbem/wsman/1/wsman.xsd\" "                                  \
    "xmlns:n=\"http://schemas.xmlsoap.org/ws/2004/09/enumeration\" xmlns:g=\"" uri "\" "            \
    "xmlns:h=\"http://schemas.dmtf.org/wbem/wscim/1/common\" "                                     \
    "xmlns:xsi=\"http://www.w3.org/2001/XMLSchema-instance\"><a:Header><b:To>http://"               \
    "schemas.xmlsoap.org/ws/2004/08/addressing/role/anonymous</b:To>"                              \
    "<b:RelatesTo>%ID%</b:RelatesTo><b:Action a:mustUnderstand=\"true\">x</b:Action>"               \
    "<b:MessageID>uuid:00000000-8086-8086-8086-0000000002E4</b:MessageID></a:Header><a:Body>"
#define FAKE_TAIL            "</a:Body></a:Envelope>"
#define FAKE_CIM(name)       "http://schemas.dmtf.org/wbem/wscim/1/cim-schema/2/" name
#define FAKE_AMT(name)       "http://intel.com/wbem/wscim/1/amt-schema/1/" name
#define FAKE_BODY(uri, body) FAKE_HEAD(uri) body FAKE_TAIL
#define FAKE_CONTEXT(context)                                                                      \
    FAKE_BODY("x:",                                                                                \
              "<n:EnumerateResponse><n:EnumerationContext>" context                                \
              "</n:EnumerationContext></n:EnumerateResponse>")
#define FAKE_PULL(uri, body) FAKE_BODY(uri, "<n:PullResponse>" body "</n:PullResponse>")
#define FAKE_LAST            "<n:EndOfSequence></n:EndOfSequence>"
/* A fault, with AMT's other letters: `qname` with b: addressing, e: wsman, d: transfer, c: enumeration. */
#define FAKE_FAULT(qname, text, detail)                                                            \
    "<?xml version=\"1.0\" encoding=\"UTF-8\"?><a:Envelope "                                       \
    "xmlns:a=\"http://www.w3.org/2003/05/soap-envelope\" "                                         \
    "xmlns:b=\"http://schemas.xmlsoap.org/ws/2004/08/addressing\" "                                \
    "xmlns:c=\"http://schemas.xmlsoap.org/ws/2004/09/enumeration\" "                               \
    "xmlns:d=\"http://schemas.xmlsoap.org/ws/2004/09/transfer\" "                                  \
    "xmlns:e=\"http://schemas.dmtf.org/wbem/wsman/1/wsman.xsd\"><a:Header>"                         \
    "<b:RelatesTo>%ID%</b:RelatesTo></a:Header><a:Body><a:Fault><a:Code><a:Value>a:Sender"          \
    "</a:Value><a:Subcode><a:Value>" qname "</a:Value></a:Subcode></a:Code><a:Reason>"             \
    "<a:Text xml:lang=\"en-US\">" text "</a:Text></a:Reason><a:Detail>" detail                     \
    "</a:Detail></a:Fault></a:Body></a:Envelope>"
#define FAKE_ABSENT                                                                                \
    FAKE_FAULT("b:DestinationUnreachable", "No route can be determined to reach the destination", "")

#endif /* FAKE_HOST_H */
