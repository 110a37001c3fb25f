/* SPDX-License-Identifier: Apache-2.0 */
#include "config.h"

#include "out.h"
#include "verbs.h"

Status
verb_collection_list(const Args *args)
{
    complain("not there yet");
    return STATUS_CONFIG;
}

Status
verb_collection_show(const Args *args)
{
    complain("not there yet");
    return STATUS_CONFIG;
}

Status
verb_collection_save(const Args *args)
{
    complain("not there yet");
    return STATUS_CONFIG;
}

Status
verb_collection_test(const Args *args)
{
    complain("not there yet");
    return STATUS_CONFIG;
}

Status
verb_collection_remove(const Args *args)
{
    complain("not there yet");
    return STATUS_CONFIG;
}
