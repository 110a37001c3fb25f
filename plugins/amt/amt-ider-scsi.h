/* SPDX-License-Identifier: Apache-2.0 */
#ifndef AMT_IDER_SCSI_H
#define AMT_IDER_SCSI_H

/*
 * amt-ider-scsi.h - the drives that a machine sees during storage redirection: what a command comes to.
 *
 * Pure functions: no file is touched. A command ends with a status, with bytes that are made here, or with an extent of
 * the image that whoever called reads or writes. Every extent lies within the image.
 */
#include <glib.h>

enum {
    IDER_CDB = 12,
    IDER_FLOPPY_SECTOR = 512,
    IDER_CD_SECTOR = 2048,
    IDER_DATA_MOST =
        104 /* the longest of the answers that are made here: all mode pages of a floppy */
};

typedef enum { IDER_FLOPPY, IDER_CD } IderKind;

typedef struct {
    IderKind kind;
    guint64 size; /* of the image in bytes, of which only whole sectors are seen; 0: no medium */
    gboolean writable;
    gboolean changed; /* the next TEST UNIT READY says so, and no other */
} IderDrive;

/* Sense key, additional code and qualifier; all 0: good. */
typedef struct {
    guint8 key, asc, ascq;
} IderSense;

typedef enum { IDER_STATUS, IDER_DATA, IDER_READ, IDER_WRITE } IderOutcome;

typedef struct {
    IderOutcome outcome;
    IderSense sense;             /* IDER_STATUS */
    guint8 data[IDER_DATA_MOST]; /* IDER_DATA */
    gsize length;                /* of `data`, never 0 */
    guint64 offset, bytes;       /* IDER_READ, IDER_WRITE: of the image; `bytes` is never 0 */
} IderAnswer;

/* Bytes of a sector. */
guint32 ider_sector(const IderDrive *drive);

/* What the command comes to; may clear drive->changed. */
void ider_command(IderDrive *drive, const guint8 cdb[IDER_CDB], IderAnswer *answer);

/* TRUE when firmware knows floppies of this size: 720, 1200, 1440 or 2880 KiB, or an LS-120 of whole cylinders. */
gboolean ider_floppy_known(guint64 size);

#endif /* AMT_IDER_SCSI_H */
