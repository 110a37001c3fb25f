/* SPDX-License-Identifier: Apache-2.0 */
#include "config.h"

#include "out.h"
#include "verbs.h"

Status
verb_diagnose(const Args *args)
{
    complain("not there yet");
    return STATUS_CONFIG;
}
