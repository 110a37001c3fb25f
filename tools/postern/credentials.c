/* SPDX-License-Identifier: Apache-2.0 */
#include "config.h"

#include "out.h"
#include "verbs.h"

Status
verb_credential_list(const Args *args)
{
    complain("not there yet");
    return STATUS_CONFIG;
}

Status
verb_credential_show(const Args *args)
{
    complain("not there yet");
    return STATUS_CONFIG;
}

Status
verb_credential_add(const Args *args)
{
    complain("not there yet");
    return STATUS_CONFIG;
}

Status
verb_credential_rotate(const Args *args)
{
    complain("not there yet");
    return STATUS_CONFIG;
}

Status
verb_credential_default(const Args *args)
{
    complain("not there yet");
    return STATUS_CONFIG;
}

Status
verb_credential_test(const Args *args)
{
    complain("not there yet");
    return STATUS_CONFIG;
}

Status
verb_credential_remove(const Args *args)
{
    complain("not there yet");
    return STATUS_CONFIG;
}

Status
verb_credential_export(const Args *args)
{
    complain("not there yet");
    return STATUS_CONFIG;
}

Status
verb_credential_import(const Args *args)
{
    complain("not there yet");
    return STATUS_CONFIG;
}
