/* SPDX-License-Identifier: Apache-2.0 */
#include "config.h"

#include "out.h"
#include "verbs.h"

Status
verb_config_check(const Args *args)
{
    complain("not there yet");
    return STATUS_CONFIG;
}

Status
verb_config_show(const Args *args)
{
    complain("not there yet");
    return STATUS_CONFIG;
}

Status
verb_config_template(const Args *args)
{
    complain("not there yet");
    return STATUS_CONFIG;
}
