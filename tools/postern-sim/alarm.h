/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* alarm.h - alarms go off when somebody next looks, as if it had been in time: no timer runs. */
#include "device.h"

/* What the alarms that are due by the device's clock do: wake the machine, then go or move on. */
void alarms_fire(Device *device);
