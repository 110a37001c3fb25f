/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * accounts.h - who may log in to a device, and what each may do there.
 *
 * The administrator is apart: the account of the command line, with all realms, not enumerated, and never removed. The
 * others are kept from the first change on; until then a device has its system accounts only.
 */
#include "device.h"

enum {
    ACCOUNTS_DIGEST_MAX = 7,
    ACCOUNTS_KERBEROS_MAX = 32,
    ACCOUNT_NAME_MAX = 16,
    ACCOUNT_SID_MAX = 68,
    ACCOUNT_ADMIN = 0 /* the handle of none */
};

enum { ACCESS_LOCAL = 0, ACCESS_NETWORK = 1, ACCESS_ANY = 2 };

/* Realms by number; in masks bit n is realm n. */
enum { REALM_REDIRECTION = 2, REALM_ADMINISTRATION = 3, REALM_OF_ITS_OWN = 21, REALM_LOCAL = 24 };

typedef struct Account {
    guint32 handle, realms;
    char name[ACCOUNT_NAME_MAX + 1]; /* "": it is known by its SID */
    guint8 a1[16];                   /* MD5 of name, realm, password */
    guint8 sid[ACCOUNT_SID_MAX];
    gsize sid_length;
    guint8 access;
    gboolean enabled;
} Account;

/* All but the administrator, of Account, by handle; made when first asked for. */
GArray *accounts_list(Device *device);

/* NULL when there is none (any more). Valid until the list changes. */
Account *accounts_by_handle(Device *device, guint32 handle);
Account *accounts_by_name(Device *device, const char *name);

/* One more, with a handle of its own. Valid as above. */
Account *accounts_add(Device *device, const Account *account);
void accounts_remove(Device *device, guint32 handle);

/* $$OsAdmin and its like: they belong to the firmware. */
gboolean account_is_system(const Account *account);

/* Name and password of the administrator; `a1` as in Account. */
const char *accounts_admin(Device *device);
const guint8 *accounts_admin_a1(Device *device);
void accounts_set_admin(Device *device, const char *name, const guint8 a1[16]);

/* An account that may log in over the network now. */
typedef struct {
    guint32 handle;
    char a1[33];        /* hex */
    guint32 realms;     /* of the administrator: all */
    gboolean redirects; /* it may open redirection sessions */
} AccountLogin;

/* FALSE when `name` is none, or is disabled or local. For every protocol that logs in with digest. */
gboolean accounts_login(Device *device, const char *name, AccountLogin *login);

/* Realms of the account with this handle; 0: it is gone. */
guint32 accounts_realms(Device *device, guint32 handle);

void accounts_clear(DeviceExtra *extra);
