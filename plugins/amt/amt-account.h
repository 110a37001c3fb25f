/* SPDX-License-Identifier: Apache-2.0 */
/* amt-account.h - accounts of the firmware as AMT_AuthorizationService has them. */
#ifndef AMT_ACCOUNT_H
#define AMT_ACCOUNT_H

#include "amt-needs.h"

enum { AMT_ACCOUNT_NAME_MOST = 16, AMT_ACCOUNTS_DIGEST_MOST = 7, AMT_A1_BYTES = 16 };

/* How it may come in: AccessPermission. */
enum { AMT_ACCESS_LOCAL = 0, AMT_ACCESS_NETWORK = 1, AMT_ACCESS_ANY = 2 };
extern const AmtWord amt_access[];
extern const char *const amt_access_choices[];

typedef struct {
    guint32 handle; /* 0: it is not in the device */
    char *name;     /* of a Kerberos account: its SID, S-1-... */
    guint32 realms, access;
    gboolean enabled;
} AmtAccount;
AmtAccount *amt_account_copy(const AmtAccount *account);
void amt_account_free(AmtAccount *account);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(AmtAccount, amt_account_free)

gboolean amt_account_is_kerberos(const AmtAccount *account);
gboolean amt_account_is_system(const AmtAccount *account); /* $$...: the firmware's own */

typedef struct {
    char *admin;            /* name of the administrator, who is not in the list */
    gboolean admin_default; /* as it left the factory */
    char *own;              /* who we are; NULL: the host does not tell */
    GPtrArray *list;        /* of AmtAccount */
} AmtAccounts;
void amt_accounts_free(AmtAccounts *accounts);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(AmtAccounts, amt_accounts_free)

/* All of them, and what they may do becomes known of the machine. NULL with `error`. */
AmtAccounts *amt_accounts_read(const Amt *amt, PosternRun *run, WsMan *ws, GError **error);
AmtAccount *amt_accounts_find(const AmtAccounts *accounts, const char *name); /* NULL: none */
/* Tell the host what they may do now. */
void amt_accounts_observe(const Amt *amt, PosternRun *run, const AmtAccounts *accounts);
/* The administrator's name alone; the caller's. */
char *amt_admin_name(WsMan *ws, GError **error);

/* FALSE with BAD_PARAM: AMT takes no such name (of an account, or a SID), no such password. */
gboolean amt_check_account_name(const char *name, GError **error);
gboolean amt_check_password(const char *password, GError **error);

/* Binary SID of "S-1-5-21-..."; NULL: it is none. And back; NULL: it is none. */
GBytes *amt_sid_bytes(const char *text);
char *amt_sid_text(const guint8 *sid, gsize length);

/* MD5 of name, realm and password, floating "ay", kept out of logs and recordings as the password is. */
GVariant *amt_digest_password(
    const Amt *amt, PosternRun *run, const char *name, const char *realm, const char *password);
/* Realm of the device's digest logins; the caller's. */
char *amt_digest_realm(WsMan *ws, GError **error);

/* A method of the service; `args` as for wsman_call(). */
GVariant *amt_accounts_call(WsMan *ws, const char *method, GVariant *args, GError **error);
/* Put `wanted` into the device: `fields`, all of them, and `state`, whether it is enabled; `password` (floating, or NULL: it
 * stays) as made above. What is there then is read back into `found`; NULL: it is not, as the change may have shut us out.
 * FALSE with CONFLICT: the device said yes and has something else. */
gboolean amt_account_write(WsMan *ws,
                           const AmtAccount *wanted,
                           gboolean fields,
                           gboolean state,
                           GVariant *password,
                           AmtAccount **found,
                           GError **error);

/* Adds handle, name, kind, realms, access, enabled. */
void amt_account_describe(const AmtAccount *account, PosternResult *result);

#endif /* AMT_ACCOUNT_H */
