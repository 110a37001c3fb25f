/* SPDX-License-Identifier: Apache-2.0 */
/* Parameters of a boot, byte by byte. */
#include "amt-tlv.h"

#include <postern-host.h>

#include <string.h>

enum { VENDOR = 0x8086, HEAD = 8 };

/* clang-format off */
const AmtTlvType amt_tlv_uri = {1, "url", 1, 300};
const AmtTlvType amt_tlv_path = {2, "path of the boot option", 1, 300};
const AmtTlvType amt_tlv_path_length = {3, "its length", 2, 2};
const AmtTlvType amt_tlv_sync_root = {20, "sync-root", 1, 1};
const AmtTlvType amt_tlv_server_name = {21, "server-name", 1, 256};
const AmtTlvType amt_tlv_name_check = {22, "server-name-check", 2, 2};
const AmtTlvType amt_tlv_sha256 = {23, "server-hash", 32, 32};
const AmtTlvType amt_tlv_sha384 = {24, "server-hash", 48, 48};
const AmtTlvType amt_tlv_sha512 = {25, "server-hash", 64, 64};
const AmtTlvType amt_tlv_timeout = {30, "request-timeout", 2, 2};
const AmtTlvType amt_tlv_user = {40, "user", 1, 16};
const AmtTlvType amt_tlv_password = {41, "password", 1, 16};

const AmtTlvType amt_tlv_erase_mask = {1, "options", 4, 4};
const AmtTlvType amt_tlv_erase_psid = {10, "psid", 1, 64};
const AmtTlvType amt_tlv_erase_drive_password = {20, "drive-password", 1, 64};
const AmtTlvType amt_tlv_erase_oem = {30, "oem-data", 1, 500};
/* clang-format on */

void
amt_tlvs_init(AmtTlvs *tlvs)
{
    tlvs->bytes = g_byte_array_new();
    tlvs->count = 0;
}

void
amt_tlvs_clear(AmtTlvs *tlvs)
{
    if (tlvs->bytes == NULL)
        return;
    if (tlvs->bytes->len > 0)
        explicit_bzero(tlvs->bytes->data, tlvs->bytes->len);
    g_clear_pointer(&tlvs->bytes, g_byte_array_unref);
}

gboolean
amt_tlvs_add(
    AmtTlvs *tlvs, const AmtTlvType *type, gconstpointer value, gsize length, GError **error)
{
    const guint32 size = (guint32)length;
    const guint8 head[HEAD] = {
        VENDOR & 0xFF,
        VENDOR >> 8,
        type->type & 0xFF,
        type->type >> 8,
        size & 0xFF,
        size >> 8 & 0xFF,
        size >> 16 & 0xFF,
        size >> 24,
    };

    if (length < type->least || length > type->most)
        return postern_fail(error,
                            POSTERN_ERROR_BAD_PARAM,
                            "%s has %" G_GSIZE_FORMAT " bytes, expected %" G_GSIZE_FORMAT
                            " to %" G_GSIZE_FORMAT,
                            type->name,
                            length,
                            type->least,
                            type->most);
    g_byte_array_append(tlvs->bytes, head, sizeof head);
    g_byte_array_append(tlvs->bytes, value, size);
    tlvs->count++;
    return TRUE;
}

gboolean
amt_tlvs_add_text(AmtTlvs *tlvs, const AmtTlvType *type, const char *text, GError **error)
{
    return text == NULL || amt_tlvs_add(tlvs, type, text, strlen(text), error);
}

gboolean
amt_tlvs_add_hex(AmtTlvs *tlvs, const AmtTlvType *type, const char *hex, GError **error)
{
    gsize length = hex != NULL ? strlen(hex) : 0;
    g_autofree guint8 *bytes = g_malloc(length / 2 + 1);

    if (hex == NULL)
        return TRUE;
    if (length % 2 != 0 || strspn(hex, "0123456789abcdefABCDEF") != length)
        return postern_fail(
            error, POSTERN_ERROR_BAD_PARAM, "%s is not made of pairs of hex digits", type->name);
    for (gsize i = 0; i < length / 2; i++)
        bytes[i] =
            (guint8)(g_ascii_xdigit_value(hex[2 * i]) << 4 | g_ascii_xdigit_value(hex[2 * i + 1]));
    return amt_tlvs_add(tlvs, type, bytes, length / 2, error);
}

gboolean
amt_tlvs_add_number(AmtTlvs *tlvs, const AmtTlvType *type, guint32 number, GError **error)
{
    const guint32 wire = GUINT32_TO_LE(number);

    return amt_tlvs_add(tlvs, type, &wire, type->most, error);
}
