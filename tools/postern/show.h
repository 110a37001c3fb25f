/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * show.h - one task, described from its tables.
 */
#include "registry.h"

void show_task(const TaskInfo *task, Registry *registry);
