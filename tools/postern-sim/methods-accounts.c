/* SPDX-License-Identifier: Apache-2.0 */
/* Accounts of the firmware. */
#include "config.h"

#include "methods.h"

static guint
enumerate_users(Call *call)
{
    g_string_append(call->out,
                    "<g:TotalCount>1</g:TotalCount><g:HandlesCount>1</g:HandlesCount>"
                    "<g:Handles>1</g:Handles>");
    return DONE;
}

static guint
get_admin(Call *call)
{
    g_autofree char *user = g_markup_escape_text(call->device->sim->user, -1);

    g_string_append_printf(call->out, "<g:Username>%s</g:Username>", user);
    return DONE;
}

static guint
get_admin_status(Call *call)
{
    g_string_append(call->out, "<g:IsDefault>false</g:IsDefault>");
    return DONE;
}

static guint
get_acl_enabled(Call *call)
{
    g_string_append(call->out, "<g:Enabled>true</g:Enabled>");
    return DONE;
}

const Method methods_accounts[] = {
    {"AMT_AuthorizationService", "EnumerateUserAclEntries", enumerate_users},
    {"AMT_AuthorizationService", "GetAdminAclEntry", get_admin},
    {"AMT_AuthorizationService", "GetAdminAclEntryStatus", get_admin_status},
    {"AMT_AuthorizationService", "GetAdminNetAclEntryStatus", get_admin_status},
    {"AMT_AuthorizationService", "GetAclEnabledState", get_acl_enabled},
    {0},
};
