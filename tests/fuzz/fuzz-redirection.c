/* SPDX-License-Identifier: Apache-2.0 */
/* What a device sends on its redirection port. The first byte says in a session of which kind, the rest is the stream. */
#include "config.h"

#include "amt-sol.h"
#include "fuzz.h"

#include <string.h>

static void
use_texts(const AmtMessage *message)
{
    const guint8 *at = message->data, *end = message->data + message->data_length;
    char *text;

    while ((text = amt_message_text(&at, end)) != NULL) {
        fuzz_demand(at <= end && strlen(text) <= AMT_TEXT_MOST);
        g_free(text);
    }
}

/* Nothing is left that steers a terminal. */
static void
use_console(const AmtMessage *message)
{
    g_autoptr(GString) out = g_string_new(NULL);
    AmtPlain plain = {0};

    amt_plain_add(&plain, out, message->data, message->data_length);
    fuzz_demand(out->len <= message->data_length);
    for (gsize i = 0; i < out->len; i++)
        fuzz_demand((guint8)out->str[i] >= ' ' || strchr("\t\r\n", out->str[i]) != NULL);
}

static void
check_message(const AmtMessage *message, const guint8 *at, gsize left, gsize used)
{
    fuzz_demand(used <= left && used <= AMT_MESSAGE_MOST);
    fuzz_demand(message->bytes == at && message->length == used);
    fuzz_demand(message->data >= at && message->data + message->data_length == at + used);
    use_texts(message);
    use_console(message);
}

int
LLVMFuzzerTestOneInput(const guint8 *data, gsize size)
{
    AmtSessionKind kind;

    if (size == 0)
        return 0;
    kind = (AmtSessionKind)(data[0] % 3);
    for (data++, size--; size > 0;) {
        g_autoptr(GError) error = NULL;
        AmtMessage message;
        gssize used = amt_message_parse(kind, data, size, &message, &error);
        if (used < 0)
            fuzz_demand_error(error, POSTERN_ERROR_PROTOCOL);
        else
            fuzz_demand(error == NULL);
        if (used <= 0)
            return 0;
        check_message(&message, data, size, (gsize)used);
        data += used;
        size -= (gsize)used;
    }
    return 0;
}
