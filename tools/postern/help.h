/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * help.h - help text from the tables of verbs.c.
 */
#include "args.h"

enum { HELP_WIDTH = 96 };

/* "-o, --output FORMAT". The caller's. */
char *option_syntax(const Option *option);

/* The program, the verbs that begin with `group`, or one verb. */
char *help_program(void);
char *help_group(const char *group);
char *help_verb(const Verb *verb);
