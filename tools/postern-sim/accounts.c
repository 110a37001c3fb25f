/* SPDX-License-Identifier: Apache-2.0 */
#include "config.h"

#include "accounts.h"
#include "sim.h"

#include <string.h>

#define EVERY_REALM 0xFFFFFFFFU

/* ---- the administrator ---- */

static void
md5_of(const char *text, guint8 digest[16])
{
    GChecksum *sum = g_checksum_new(G_CHECKSUM_MD5);
    gsize length = 16;

    g_checksum_update(sum, (const guchar *)text, (gssize)strlen(text));
    g_checksum_get_digest(sum, digest, &length);
    g_checksum_free(sum);
}

const char *
accounts_admin(Device *device)
{
    const DeviceExtra *extra = device->extra;

    return extra != NULL && extra->admin != NULL ? extra->admin : device->sim->user;
}

const guint8 *
accounts_admin_a1(Device *device)
{
    if (!device->a1_known) {
        g_autofree char *realm = device_realm(device);
        g_autofree char *text =
            g_strdup_printf("%s:%s:%s", device->sim->user, realm, device->sim->password);
        md5_of(text, device->a1);
        device->a1_known = TRUE;
    }
    return device->a1;
}

void
accounts_set_admin(Device *device, const char *name, const guint8 a1[16])
{
    DeviceExtra *extra = device_extra(device);
    char *copy = g_strdup(name);

    g_free(extra->admin);
    extra->admin = copy;
    memcpy(device->a1, a1, 16);
    device->a1_known = TRUE;
}

/* ---- the others ---- */

gboolean
account_is_system(const Account *account)
{
    return g_str_has_prefix(account->name, "$$");
}

GArray *
accounts_list(Device *device)
{
    static const Account system_account = {
        .name = "$$OsAdmin", .realms = 1U << REALM_LOCAL, .access = ACCESS_LOCAL, .enabled = TRUE};
    DeviceExtra *extra = device_extra(device);

    if (extra->accounts != NULL)
        return extra->accounts;
    extra->accounts = g_array_new(FALSE, TRUE, sizeof(Account));
    if (model_since(device->model, 9, 0))
        accounts_add(device, &system_account);
    return extra->accounts;
}

Account *
accounts_by_handle(Device *device, guint32 handle)
{
    GArray *list = device->extra != NULL ? device->extra->accounts : NULL;

    for (guint i = 0; list != NULL && i < list->len; i++)
        if (g_array_index(list, Account, i).handle == handle)
            return &g_array_index(list, Account, i);
    return NULL;
}

Account *
accounts_by_name(Device *device, const char *name)
{
    GArray *list = device->extra != NULL ? device->extra->accounts : NULL;

    for (guint i = 0; *name != '\0' && list != NULL && i < list->len; i++)
        if (g_str_equal(g_array_index(list, Account, i).name, name))
            return &g_array_index(list, Account, i);
    return NULL;
}

Account *
accounts_add(Device *device, const Account *account)
{
    GArray *list = accounts_list(device);
    Account added = *account;

    added.handle = ++device->extra->last_account;
    g_array_append_val(list, added);
    return &g_array_index(list, Account, list->len - 1);
}

void
accounts_remove(Device *device, guint32 handle)
{
    GArray *list = accounts_list(device);

    for (guint i = list->len; i > 0; i--)
        if (g_array_index(list, Account, i - 1).handle == handle)
            g_array_remove_index(list, i - 1);
}

void
accounts_clear(DeviceExtra *extra)
{
    g_clear_pointer(&extra->accounts, g_array_unref);
    g_clear_pointer(&extra->admin, g_free);
}

/* ---- logging in ---- */

static void
fill_login(AccountLogin *login, guint32 handle, const guint8 a1[16], guint32 realms)
{
    const guint32 redirection = 1U << REALM_REDIRECTION | 1U << REALM_ADMINISTRATION;

    login->handle = handle;
    login->realms = realms;
    login->redirects = (realms & redirection) != 0;
    for (guint i = 0; i < 16; i++)
        g_snprintf(login->a1 + 2 * i, 3, "%02x", a1[i]);
}

gboolean
accounts_login(Device *device, const char *name, AccountLogin *login)
{
    const Account *account = accounts_by_name(device, name);

    if (g_str_equal(name, accounts_admin(device))) {
        fill_login(login, ACCOUNT_ADMIN, accounts_admin_a1(device), EVERY_REALM);
        return TRUE;
    }
    if (account == NULL || account_is_system(account) || !account->enabled ||
        account->access == ACCESS_LOCAL)
        return FALSE;
    fill_login(login, account->handle, account->a1, account->realms);
    return TRUE;
}

guint32
accounts_realms(Device *device, guint32 handle)
{
    const Account *account = accounts_by_handle(device, handle);

    if (handle == ACCOUNT_ADMIN)
        return EVERY_REALM;
    return account != NULL ? account->realms : 0;
}
