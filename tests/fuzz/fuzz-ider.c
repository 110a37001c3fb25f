/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Commands to the drives of storage redirection come from a machine that may run anything: whatever they ask for, what is read or
 * written lies within the image, and no answer is longer than the command has room for.
 *
 * The input: what the drive is, the size of its image (8 bytes), then messages of 28 bytes each.
 */
#include "config.h"

#include "fuzz.h"

#include <amt-ider-message.h>
#include <string.h>

enum { HEAD = 9 };

/* The room that a command says it has; G_MAXUINT32: it does not say. */
static guint32
room(const guint8 *cdb)
{
    switch (cdb[0]) {
    case 0x1A:
        return cdb[4];
    case 0x23:
    case 0x43:
    case 0x46:
    case 0x4A:
    case 0x5A:
        return (guint32)cdb[7] << 8 | cdb[8];
    default:
        return G_MAXUINT32;
    }
}

static void
check(const IderDrive *drive, const guint8 *cdb, const IderAnswer *answer)
{
    switch (answer->outcome) {
    case IDER_STATUS:
        fuzz_demand(answer->sense.key <= 7);
        break;
    case IDER_DATA:
        fuzz_demand(answer->length > 0 && answer->length <= sizeof answer->data);
        fuzz_demand(answer->length <= room(cdb));
        break;
    case IDER_WRITE:
        fuzz_demand(drive->kind == IDER_FLOPPY && drive->writable);
        G_GNUC_FALLTHROUGH;
    case IDER_READ:
        fuzz_demand(answer->bytes > 0 && answer->bytes <= drive->size);
        fuzz_demand(answer->offset <= drive->size - answer->bytes);
        fuzz_demand(answer->offset % ider_sector(drive) == 0);
        fuzz_demand(answer->bytes % ider_sector(drive) == 0);
        break;
    default:
        fuzz_demand(FALSE);
    }
}

int
LLVMFuzzerTestOneInput(const guint8 *data, gsize size)
{
    IderDrive drive = {0};
    IderOpened opened;

    if (size < HEAD)
        return 0;
    drive.kind = (data[0] & 1) != 0 ? IDER_CD : IDER_FLOPPY;
    drive.writable = (data[0] & 2) != 0;
    drive.changed = (data[0] & 4) != 0;
    memcpy(&drive.size, data + 1, sizeof drive.size);
    if (size >= HEAD + IDER_OPEN_REPLY && ider_read_opened(data + HEAD, &opened))
        fuzz_demand(opened.read_buffer >= IDER_CD_SECTOR &&
                    opened.write_buffer >= IDER_FLOPPY_SECTOR);
    for (gsize at = HEAD; size - at >= IDER_COMMAND; at += IDER_COMMAND) {
        IderCommand command;
        IderAnswer answer;

        ider_read_command(data + at, &command);
        ider_command(&drive, command.cdb, &answer);
        check(&drive, command.cdb, &answer);
    }
    return 0;
}
