/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * ider-machine.h - what a machine does with the drives that storage redirection lends it: find out what they are, as firmware does, and
 * when it starts from one of them, read what starts it and then everything else.
 *
 * It knows no messages: it gives a command, is told the answer, and gives the next one.
 */
#include "device.h"

enum { MACHINE_FLOPPY, MACHINE_CD };
enum { MACHINE_CDB = 12, MACHINE_ROOM = 128 * 1024 };

typedef struct {
    guint drive;
    gboolean dma;
    guint8 cdb[MACHINE_CDB];
    gsize room;          /* the most that may come */
    gboolean exact;      /* and the least */
    const guint8 *write; /* what to write; NULL: nothing */
    gsize write_length;
} MachineCommand;

/* What became of it, for the state file; in DeviceExtra, so that it outlasts the session. */
typedef struct DeviceIder {
    guint32 sectors[2]; /* of each drive, as it was found; 0: no medium */
    guint boot_sectors; /* of the boot image, 512 bytes each */
    const char *booted; /* "cd" or "floppy"; NULL: nothing */
    guint64 read, written;
    guint commands, errors;
    guint sessions, closed;   /* begun, and ended by the client as it should */
    gint64 from_us, until_us; /* when it read all that, monotonic */
    char sha256[65];          /* of all that was read once it had started */
    char problem[160];        /* the first that was wrong with what the client did; "": nothing */
} DeviceIder;

typedef struct IderMachine IderMachine;

IderMachine *ider_machine_new(Device *device);
void ider_machine_free(IderMachine *machine);

/* It looks at its drives; and then starts from `boot`, MACHINE_CD or MACHINE_FLOPPY (-1: from its own disk). */
void ider_machine_start(IderMachine *machine, gint boot);

/* Its next command; FALSE: it is content. */
gboolean ider_machine_next(IderMachine *machine, MachineCommand *command);

/* Good: what came; else the sense key (not 0). */
void ider_machine_answer(IderMachine *machine, guint8 key, const guint8 *data, gsize length);

/* Where its results are. */
DeviceIder *ider_result(Device *device);
/* Keeps what is wrong with what the client did, if it is the first. */
G_GNUC_PRINTF(2, 3)
void ider_problem(Device *device, const char *format, ...);
