/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * console.h - what a machine writes to its serial port, and what it does with what is typed there: the lines of its BIOS, then a
 * login prompt and a small shell. Without power it is silent.
 */
#include "device.h"

typedef struct Console Console;

/* A terminal has been connected: a machine that runs asks for a login again. */
Console *console_new(Device *device);
void console_free(Console *console);

/* What is typed. FALSE: nobody is there to read it. */
gboolean console_input(Console *console, const guint8 *bytes, gsize length);

/* Appends what the machine has written since the last call. */
void console_output(Console *console, GString *out);

gboolean console_is_on(const Console *console);
/* How often the machine has started since the console was connected. */
guint console_starts(const Console *console);
