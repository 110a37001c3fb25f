/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * screen.h - what the machine shows: its BIOS while it starts, then a desktop with what was typed and where the pointer is.
 */
#include "device.h"

enum {
    SCREEN_BIOS_WIDTH = 640,
    SCREEN_BIOS_HEIGHT = 480,
    SCREEN_WIDTH = 1024,
    SCREEN_HEIGHT = 768,
    SCREEN_TYPED_MOST = 40,
    SCREEN_BIOS_MS = 2500 /* how long the BIOS shows itself */
};

/* Pixels of 16 bits, 5 for red, 6 for green, 5 for blue. Zero it before its first use. */
typedef struct {
    guint width, height;
    guint16 *pixels;
} Screen;

/* What came in from viewers; kept with the device, so that the next viewer sees it. */
typedef struct ScreenInput {
    char typed[SCREEN_TYPED_MOST + 1];
    guint x, y, buttons;
    guint keys, pointers; /* events */
    gint64 booted;        /* monotonic: when the machine started last; 0: long ago */
} ScreenInput;

ScreenInput *screen_input(Device *device);

/* Draws what is to be seen now. FALSE: the machine has no power or sleeps, and nothing is drawn. */
gboolean screen_draw(Device *device, Screen *screen);
void screen_clear(Screen *screen);

/* A key of X11's number goes down. */
void screen_key(Device *device, guint32 key);
void screen_pointer(Device *device, guint x, guint y, guint buttons);

/* The machine starts anew. */
void screen_boot(Device *device);
