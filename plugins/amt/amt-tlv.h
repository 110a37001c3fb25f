/* SPDX-License-Identifier: Apache-2.0 */
/*
 * amt-tlv.h - the parameters of a boot, as AMT_BootSettingData.UefiBootParametersArray has them.
 *
 * Each is vendor (u16, 0x8086), type (u16), length (u32) and value, all little-endian, one behind the other.
 */
#ifndef AMT_TLV_H
#define AMT_TLV_H

#include <glib.h>

/* One type: its number, its name in messages, and how many bytes it may have. */
typedef struct {
    guint16 type;
    const char *name;
    gsize least, most;
} AmtTlvType;

/* Of one click recovery (AMT 15), and of remote platform erase (AMT 16): the numbers overlap. Static. */
extern const AmtTlvType amt_tlv_uri, amt_tlv_path, amt_tlv_path_length, amt_tlv_sync_root,
    amt_tlv_server_name, amt_tlv_name_check, amt_tlv_sha256, amt_tlv_sha384, amt_tlv_sha512,
    amt_tlv_timeout, amt_tlv_user, amt_tlv_password;
extern const AmtTlvType amt_tlv_erase_mask, amt_tlv_erase_psid, amt_tlv_erase_drive_password,
    amt_tlv_erase_oem;

typedef struct {
    GByteArray *bytes;
    guint32 count;
} AmtTlvs;

void amt_tlvs_init(AmtTlvs *tlvs);
void amt_tlvs_clear(AmtTlvs *tlvs); /* overwrites what it held: passwords are among it */
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC(AmtTlvs, amt_tlvs_clear)

/* FALSE with BAD_PARAM, and nothing added, when `length` is not one that the type has. */
gboolean amt_tlvs_add(
    AmtTlvs *tlvs, const AmtTlvType *type, gconstpointer value, gsize length, GError **error);
/* Text without its NUL; NULL: nothing is added. */
gboolean amt_tlvs_add_text(AmtTlvs *tlvs, const AmtTlvType *type, const char *text, GError **error);
/* The bytes that hex digits stand for; NULL: nothing is added. */
gboolean amt_tlvs_add_hex(AmtTlvs *tlvs, const AmtTlvType *type, const char *hex, GError **error);
/* A number in as many bytes as the type has: one, two or four. */
gboolean amt_tlvs_add_number(AmtTlvs *tlvs, const AmtTlvType *type, guint32 number, GError **error);

#endif /* AMT_TLV_H */
