/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * prompt.h - questions to the person at the terminal, through /dev/tty, so that standard input and
 * output stay free for data.
 */
#include <glib.h>

/* TRUE if somebody is there to ask: standard error is a terminal and we may open it. */
gboolean prompt_possible(void);

/* Ask for a line. `hidden`: without showing what is typed. NULL: the person gave up (Ctrl-C,
 * Ctrl-D) or the terminal failed. To be wiped and freed with prompt_free(). */
char *prompt_line(const char *question, gboolean hidden);
void prompt_free(char *line);

/* TRUE if the answer is y or yes. */
gboolean prompt_yes(const char *question);
