/* SPDX-License-Identifier: Apache-2.0 */
#include "config.h"

#include "csv.h"
#include "json.h"
#include "secret.h"

#include <string.h>

static void
cell(GString *out, const char *text)
{
    if (strpbrk(text, ",\"\r\n") == NULL) {
        g_string_append(out, text);
        return;
    }
    g_string_append_c(out, '"');
    for (; *text != '\0'; text++) {
        if (*text == '"')
            g_string_append_c(out, '"');
        g_string_append_c(out, *text);
    }
    g_string_append_c(out, '"');
}

static void
separate(GString *out)
{
    /* an empty first cell would look like none: callers begin with one that is not */
    if (out->len > 0)
        g_string_append_c(out, ',');
}

void
csv_text(GString *out, const char *text)
{
    g_autofree char *safe = NULL, *masked = NULL;

    separate(out);
    if (text == NULL || *text == '\0')
        return;
    masked = secret_mask(text, -1); /* here, because no mask knows the doubled quotes */
    if (masked != NULL)
        text = masked;
    if (strchr("=+-@\t\r\n", *text) != NULL)
        text = safe = g_strconcat("'", text, NULL);
    cell(out, text);
}

void
csv_value(GString *out, GVariant *value)
{
    g_autoptr(GString) text = NULL;
    g_autofree char *masked = NULL;

    if (value != NULL && g_variant_is_of_type(value, G_VARIANT_TYPE_STRING)) {
        csv_text(out, g_variant_get_string(value, NULL));
        return;
    }
    separate(out);
    if (value == NULL)
        return;
    text = g_string_new(NULL);
    json_value(text, value);
    masked = secret_mask(text->str, (gssize)text->len);
    cell(out, masked != NULL ? masked : text->str);
}
