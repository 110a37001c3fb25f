/* SPDX-License-Identifier: Apache-2.0 */
#include "config.h"

#include "out.h"
#include "verbs.h"

Status
verb_access_check(const Args *args)
{
    complain("not there yet");
    return STATUS_CONFIG;
}

Status
verb_access_list(const Args *args)
{
    complain("not there yet");
    return STATUS_CONFIG;
}
