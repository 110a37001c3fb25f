/* SPDX-License-Identifier: Apache-2.0 */
/* WS-Management envelopes: read as those of an AMT device, every value used, and written back as a
 * request. */
#include "config.h"

#include "amt.h"
#include "fuzz.h"

#include <string.h>
#include <wsman-internal.h>

#define CLASS_URI "http://schemas.dmtf.org/wbem/wscim/1/cim-schema/2/CIM_Chip"

/* What was written must be well-formed: a stranger's value must not become markup of ours. */
static void
write_back(GVariant *values)
{
    g_autoptr(GString) out =
        g_string_new("<e:Envelope xmlns:e=\"" NS_SOAP "\" xmlns:w=\"" NS_WSMAN
                     "\" xmlns:a=\"" NS_ADDRESSING "\" xmlns:r=\"" CLASS_URI "\"><e:Body><r:X>");
    g_autoptr(GError) error = NULL;
    g_autoptr(WsmanMessage) again = NULL;

    if (!wsman_append_values(out, &amt_profile, CLASS_URI, values, &error)) {
        fuzz_demand(error != NULL && error->code != POSTERN_ERROR_INTERNAL);
        return;
    }
    g_string_append(out, "</r:X></e:Body></e:Envelope>");
    again = wsman_message_parse(&amt_profile, (const guint8 *)out->str, out->len, &error);
    /* what was read at the greatest depth may have become too deep in its new place */
    if (again == NULL && strstr(error->message, "nests deeper") == NULL)
        g_error("written as no envelope: %s: %s", error->message, out->str);
}

static void
use_values(GVariant *values)
{
    g_autofree char *text = NULL;
    guint32 code;

    fuzz_demand(!g_variant_is_floating(values));
    fuzz_demand(g_variant_is_of_type(values, G_VARIANT_TYPE_VARDICT));
    fuzz_demand(g_variant_is_normal_form(values));
    text = g_variant_print(values, TRUE);
    wsman_return_value(values, &code);
    wsman_epr_is_placeholder(values);
    write_back(values);
}

/* So must be what a Put copies unread from the answer to its Get. */
static void
copy_back(const WsmanMessage *message)
{
    g_autoptr(GVariant) none =
        g_variant_ref_sink(g_variant_new_array(G_VARIANT_TYPE("{sv}"), NULL, 0));
    g_autoptr(GString) out =
        g_string_new("<e:Envelope xmlns:e=\"" NS_SOAP "\" xmlns:w=\"" NS_WSMAN
                     "\" xmlns:a=\"" NS_ADDRESSING "\"><e:Body><r:X xmlns:r=\"");
    g_autoptr(GError) error = NULL;
    g_autoptr(WsmanMessage) again = NULL;

    if (wsman_uri(message->body_node)[0] == '\0')
        return;
    wsman_append_text(out, wsman_uri(message->body_node), NULL);
    g_string_append(out, "\">");
    fuzz_demand(wsman_append_changed(out, &amt_profile, message->body_node, none, &error));
    g_string_append(out, "</r:X></e:Body></e:Envelope>");
    again = wsman_message_parse(&amt_profile, (const guint8 *)out->str, out->len, &error);
    fuzz_demand(again != NULL);
}

static void
use_message(const WsmanMessage *message)
{
    const char *const texts[] = {message->action,
                                 message->relates_to,
                                 message->message_id,
                                 message->resource_uri,
                                 message->fault,
                                 message->fault_text,
                                 message->fault_detail,
                                 message->body_class,
                                 message->context};

    for (guint i = 0; i < G_N_ELEMENTS(texts); i++)
        fuzz_demand(texts[i] == NULL || g_utf8_validate(texts[i], -1, NULL));
    if (message->body != NULL) {
        use_values(message->body);
        copy_back(message);
    }
    for (guint i = 0; message->items != NULL && i < message->items->len; i++) {
        const WsmanContent *item = message->items->pdata[i];

        fuzz_demand(item->class_name != NULL && item->resource_uri != NULL);
        use_values(item->values);
    }
}

int
LLVMFuzzerTestOneInput(const guint8 *data, gsize size)
{
    g_autoptr(GError) error = NULL;
    g_autoptr(WsmanMessage) message = wsman_message_parse(&amt_profile, data, size, &error);

    fuzz_demand((message == NULL) == (error != NULL));
    if (message == NULL)
        fuzz_demand_error(error, POSTERN_ERROR_PROTOCOL);
    else
        use_message(message);
    return 0;
}
