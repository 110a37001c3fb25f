/* SPDX-License-Identifier: Apache-2.0 */
#include "config.h"

#include "out.h"
#include "verbs.h"

Status
verb_log(const Args *args)
{
    complain("not there yet");
    return STATUS_CONFIG;
}

Status
verb_log_verify(const Args *args)
{
    complain("not there yet");
    return STATUS_CONFIG;
}

Status
verb_log_purge(const Args *args)
{
    complain("not there yet");
    return STATUS_CONFIG;
}
