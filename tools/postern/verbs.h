/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * verbs.h - what each verb does; verbs.c has the table that leads here.
 */
#include "args.h"

Status verb_plugins(const Args *args);
Status verb_tasks(const Args *args);
Status verb_task_show(const Args *args);
Status verb_run(const Args *args);
Status verb_explain(const Args *args);
Status verb_completion(const Args *args);
Status verb_man(const Args *args);
Status verb_help(const Args *args);
Status verb_complete(const Args *args);
