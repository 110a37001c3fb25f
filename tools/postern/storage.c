/* SPDX-License-Identifier: Apache-2.0 */
#include "config.h"

#include "out.h"
#include "verbs.h"

Status
verb_store_backup(const Args *args)
{
    complain("not there yet");
    return STATUS_CONFIG;
}

Status
verb_store_check(const Args *args)
{
    complain("not there yet");
    return STATUS_CONFIG;
}

Status
verb_store_rekey(const Args *args)
{
    complain("not there yet");
    return STATUS_CONFIG;
}
