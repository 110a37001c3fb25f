/* SPDX-License-Identifier: Apache-2.0 */
#include "config.h"

#include "out.h"
#include "verbs.h"

Status
verb_machine_list(const Args *args)
{
    complain("not there yet");
    return STATUS_CONFIG;
}

Status
verb_machine_show(const Args *args)
{
    complain("not there yet");
    return STATUS_CONFIG;
}

Status
verb_machine_add(const Args *args)
{
    complain("not there yet");
    return STATUS_CONFIG;
}

Status
verb_machine_import(const Args *args)
{
    complain("not there yet");
    return STATUS_CONFIG;
}

Status
verb_machine_export(const Args *args)
{
    complain("not there yet");
    return STATUS_CONFIG;
}

Status
verb_machine_tag(const Args *args)
{
    complain("not there yet");
    return STATUS_CONFIG;
}

Status
verb_machine_untag(const Args *args)
{
    complain("not there yet");
    return STATUS_CONFIG;
}

Status
verb_machine_merge(const Args *args)
{
    complain("not there yet");
    return STATUS_CONFIG;
}

Status
verb_machine_forget(const Args *args)
{
    complain("not there yet");
    return STATUS_CONFIG;
}
