/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A removable floppy drive and a CD-ROM drive, as far as firmware, boot loaders and systems ask: SFF-8070 and SFF-8020 (MMC).
 *
 * Lengths and block numbers come from the machine. They are 32 bits wide at most, so that none of the sums below, which
 * are done in 64 bits, can wrap.
 */
#include "amt-ider-scsi.h"

#include <string.h>

enum {
    TEST_UNIT_READY = 0x00,
    READ_6 = 0x08,
    WRITE_6 = 0x0A,
    MODE_SENSE_6 = 0x1A,
    START_STOP = 0x1B,
    PREVENT_ALLOW = 0x1E,
    READ_FORMAT_CAPACITIES = 0x23,
    READ_CAPACITY = 0x25,
    READ_10 = 0x28,
    WRITE_10 = 0x2A,
    WRITE_VERIFY_10 = 0x2E,
    READ_TOC = 0x43,
    GET_CONFIGURATION = 0x46,
    GET_EVENT_STATUS = 0x4A,
    MODE_SENSE_10 = 0x5A,
    GET_PERFORMANCE = 0xAC
};

enum {
    LS120_SECTORS = 246528, /* 963 cylinders, 8 heads, 32 sectors */
    LS120_CYLINDER = 256,
    FLOPPY_SECTORS = 5760, /* 2.88 MB: what is larger is an LS-120 */
    LEAD_OUT = 0xAA,
    MEDIUM_CD = 0x01,
    MEDIUM_FLOPPY = 0x24,
    MEDIUM_LS120 = 0x31,
    WRITE_PROTECTED = 0x80,
    ALL_PAGES = 0x3F
};

static const IderSense good = {0, 0, 0};
static const IderSense no_medium = {2, 0x3A, 0};
static const IderSense unknown_command = {5, 0x20, 0};
static const IderSense out_of_range = {5, 0x21, 0};
static const IderSense invalid_field = {5, 0x24, 0};
static const IderSense medium_changed = {6, 0x28, 0};
static const IderSense write_protected = {7, 0x27, 0};

guint32
ider_sector(const IderDrive *drive)
{
    return drive->kind == IDER_CD ? IDER_CD_SECTOR : IDER_FLOPPY_SECTOR;
}

/* As far as 32 bits can number them. */
static guint32
sectors_of(const IderDrive *drive)
{
    return (guint32)MIN(drive->size / ider_sector(drive), G_MAXUINT32);
}

/* ---- answers ---- */

static void
end_with(IderAnswer *answer, IderSense sense)
{
    answer->outcome = IDER_STATUS;
    answer->sense = sense;
}

static void
add(IderAnswer *answer, const guint8 *bytes, gsize count)
{
    g_assert(answer->length + count <= sizeof answer->data);
    memcpy(answer->data + answer->length, bytes, count);
    answer->length += count;
}

static void
add_16(IderAnswer *answer, guint32 value)
{
    const guint8 bytes[] = {(guint8)(value >> 8), (guint8)value};

    add(answer, bytes, sizeof bytes);
}

static void
add_32(IderAnswer *answer, guint32 value)
{
    add_16(answer, value >> 16);
    add_16(answer, value & 0xFFFF);
}

/* What was added is the answer, as far as the machine has room for it; no room at all is no error. */
static void
end_with_data(IderAnswer *answer, guint32 room)
{
    answer->length = MIN(answer->length, room);
    if (answer->length > 0)
        answer->outcome = IDER_DATA;
    else
        end_with(answer, good);
}

static guint32
get_16(const guint8 *at)
{
    return (guint32)at[0] << 8 | at[1];
}

static guint32
get_32(const guint8 *at)
{
    return get_16(at) << 16 | get_16(at + 2);
}

/* ---- blocks ---- */

/* The extent from block `first` on, for IDER_READ or IDER_WRITE. */
static void
answer_extent(
    const IderDrive *drive, guint64 first, guint64 count, IderOutcome outcome, IderAnswer *answer)
{
    guint32 sector = ider_sector(drive);

    if (drive->size == 0) {
        end_with(answer, no_medium);
    } else if (outcome == IDER_WRITE && (drive->kind == IDER_CD || !drive->writable)) {
        end_with(answer, write_protected);
    } else if (first + count > sectors_of(drive)) {
        end_with(answer, out_of_range);
    } else if (count == 0) {
        end_with(answer, good);
    } else {
        answer->outcome = outcome;
        answer->offset = first * sector;
        answer->bytes = count * sector;
    }
}

/* 21 bits for the block; a count of 0 means 256. */
static void
answer_extent_6(const IderDrive *drive, const guint8 *cdb, IderOutcome outcome, IderAnswer *answer)
{
    answer_extent(drive, get_32(cdb) & 0x1FFFFF, cdb[4] == 0 ? 256 : cdb[4], outcome, answer);
}

static void
answer_extent_10(const IderDrive *drive, const guint8 *cdb, IderOutcome outcome, IderAnswer *answer)
{
    answer_extent(drive, get_32(cdb + 2), get_16(cdb + 7), outcome, answer);
}

/* ---- what the medium is ---- */

static void
test_unit_ready(IderDrive *drive, IderAnswer *answer)
{
    end_with(answer, drive->size == 0 ? no_medium : drive->changed ? medium_changed : good);
    if (drive->size != 0)
        drive->changed = FALSE;
}

static void
read_capacity(const IderDrive *drive, IderAnswer *answer)
{
    add_32(answer, sectors_of(drive) - 1);
    add_32(answer, ider_sector(drive));
    end_with_data(answer, 8);
}

static void
read_format_capacities(const IderDrive *drive, const guint8 *cdb, IderAnswer *answer)
{
    enum { FORMATTED = 2 };

    add_32(answer, 8); /* one descriptor */
    add_32(answer, sectors_of(drive));
    add_32(answer, (guint32)FORMATTED << 24 | IDER_FLOPPY_SECTOR);
    end_with_data(answer, get_16(cdb + 7));
}

/* Block number, or minute, second and frame, which begin two seconds before the first block. */
static void
add_address(IderAnswer *answer, guint32 block, gboolean msf)
{
    guint64 frame = (guint64)block + 150;

    if (!msf) {
        add_32(answer, block);
    } else if (frame / 4500 > 255) {
        add_32(answer, 0xFF3B4A); /* a DVD: more than minutes can say */
    } else {
        const guint8 bytes[] = {
            0, (guint8)(frame / 4500), (guint8)(frame / 75 % 60), (guint8)(frame % 75)};
        add(answer, bytes, sizeof bytes);
    }
}

static void
add_track(IderAnswer *answer, guint8 track, guint32 block, gboolean msf)
{
    const guint8 head[] = {0, 0x14 /* data */, track, 0};

    add(answer, head, sizeof head);
    add_address(answer, block, msf);
}

/* One track of data, one session. */
static void
read_toc(const IderDrive *drive, const guint8 *cdb, IderAnswer *answer)
{
    guint format = (cdb[2] & 0x0F) != 0 ? cdb[2] & 0x0F : cdb[9] >> 6;
    gboolean msf = (cdb[1] & 2) != 0;
    guint8 from = cdb[6];

    if (format > 1 || (format == 0 && from > 1 && from != LEAD_OUT)) {
        end_with(answer, invalid_field);
        return;
    }
    add_16(answer, format == 1 || from == LEAD_OUT ? 10 : 18);
    add_16(answer, 0x0101); /* first and last */
    if (format == 1 || from != LEAD_OUT)
        add_track(answer, 1, 0, msf);
    if (format == 0)
        add_track(answer, LEAD_OUT, sectors_of(drive), msf);
    end_with_data(answer, get_16(cdb + 7));
}

/* ---- what the drive can do ---- */

typedef struct {
    guint16 code;
    guint8 version; /* and whether it is persistent and current */
    guint8 length;
    guint8 data[8];
} Feature;

enum { PROFILE_CD_ROM = 0x0008 };

/* clang-format off */
static const Feature features[] = {
    {0x0000, 3, 4, {0x00, PROFILE_CD_ROM, 0x01}},      /* profiles */
    {0x0001, 3, 4, {0x00, 0x00, 0x00, 0x02}},          /* core: ATAPI */
    {0x0002, 3, 4, {0x00}},                            /* morphing */
    {0x0003, 3, 4, {0x29, 0x00, 0x00, 0x02}},          /* removable medium: tray */
    {0x0010, 1, 8, {0x00, 0x00, 0x08, 0x00, 0x00, 1}}, /* random read: 2048 bytes */
    {0x001E, 3, 0, {0}},                               /* reads CD */
    {0x0100, 3, 0, {0}},                               /* power management */
    {0x0105, 3, 0, {0}},                               /* time-outs */
};
/* clang-format on */

static void
add_feature(IderAnswer *answer, const Feature *feature)
{
    const guint8 head[] = {feature->version, feature->length};

    add_16(answer, feature->code);
    add(answer, head, sizeof head);
    add(answer, feature->data, feature->length);
}

/* All features from a number on, or that one only. */
static void
get_configuration(const IderDrive *drive, const guint8 *cdb, IderAnswer *answer)
{
    guint32 from = get_16(cdb + 2);
    gboolean one = (cdb[1] & 3) == 2;
    guint32 following;

    add_32(answer, 0); /* their length: below */
    add_32(answer, drive->size != 0 ? PROFILE_CD_ROM : 0);
    for (gsize i = 0; i < G_N_ELEMENTS(features); i++)
        if (one ? features[i].code == from : features[i].code >= from)
            add_feature(answer, &features[i]);
    following = GUINT32_TO_BE((guint32)answer->length - 4);
    memcpy(answer->data, &following, sizeof following);
    end_with_data(answer, get_16(cdb + 7));
}

/* Only asked for, never told by itself; of the classes of events only that of the medium. */
static void
get_event_status(const IderDrive *drive, const guint8 *cdb, IderAnswer *answer)
{
    enum { POLLED = 1, MEDIA_BIT = 0x10, MEDIA = 4, NONE = 0x80, NEW_MEDIUM = 2, PRESENT = 2 };
    gboolean media = (cdb[4] & MEDIA_BIT) != 0;

    if ((cdb[1] & POLLED) == 0) {
        end_with(answer, invalid_field);
        return;
    }
    add_16(answer, media ? 6 : 2);
    add_16(answer, (media ? MEDIA : NONE) << 8 | MEDIA_BIT);
    if (media)
        add_32(answer,
               drive->size == 0 ? 0
                                : (drive->changed ? (guint32)NEW_MEDIUM << 24 : 0) | PRESENT << 16);
    end_with_data(answer, get_16(cdb + 7));
}

/* A nominal speed that does not depend on the place. */
static void
get_performance(IderAnswer *answer)
{
    add_32(answer, 4);
    add_32(answer, 0x02000000);
    end_with_data(answer, 8);
}

/* ---- mode pages ---- */

static gboolean
is_ls120(const IderDrive *drive)
{
    return sectors_of(drive) > FLOPPY_SECTORS;
}

static void
put_16(guint8 *at, guint32 value)
{
    at[0] = (guint8)(value >> 8);
    at[1] = (guint8)value;
}

/* Flexible disk: transfer rate, geometry, motor. */
static void
add_geometry(const IderDrive *drive, IderAnswer *answer)
{
    guint32 sectors = sectors_of(drive);
    gboolean large = is_ls120(drive);
    guint8 page[32] = {0x05, 0x1E, [20] = 0x28, [28] = 0x02, [29] = 0xD0};

    put_16(page + 2, large ? 0x10A9 : 0x04B0);
    page[4] = large ? 8 : 2;
    page[5] = (guint8)(large ? 32 : MIN(sectors / 160, G_MAXUINT8));
    put_16(page + 6, IDER_FLOPPY_SECTOR);
    put_16(page + 8, large ? MIN(sectors / LS120_CYLINDER, G_MAXUINT16) : 80);
    add(answer, page, sizeof page);
}

/* Format: sectors of a track, bytes of a sector; removable. */
static void
add_format(const IderDrive *drive, IderAnswer *answer)
{
    guint8 page[24] = {0x03, 0x16, 0x00, 0xA0, [20] = 0xA0};

    page[11] = (guint8)(is_ls120(drive) ? 32 : MIN(sectors_of(drive) / 160, G_MAXUINT8));
    put_16(page + 12, IDER_FLOPPY_SECTOR);
    add(answer, page, sizeof page);
}

static void
add_floppy_pages(const IderDrive *drive, guint page, IderAnswer *answer)
{
    static const guint8 recovery[] = {0x01, 0x0A, 0, 1, 0, 0, 0, 0, 2, 0, 0, 0};
    static const guint8 caching[12] = {0x08, 0x0A};
    static const guint8 medium_types[] = {0x0B, 6, 0, 0, 0, 0x11, MEDIUM_FLOPPY, MEDIUM_LS120};

    if (page == 0x01 || page == ALL_PAGES)
        add(answer, recovery, sizeof recovery);
    if (page == 0x03 || page == ALL_PAGES)
        add_format(drive, answer);
    if (page == 0x05 || page == ALL_PAGES)
        add_geometry(drive, answer);
    if (page == 0x08 || page == ALL_PAGES)
        add(answer, caching, sizeof caching);
    if (page == 0x0B || page == ALL_PAGES)
        add(answer, medium_types, sizeof medium_types);
}

static void
add_cd_pages(guint page, IderAnswer *answer)
{
    static const guint8 recovery[] = {0x01, 0x06, 0x00, 0xFF, 0, 0, 0, 0};
    static const guint8 power[12] = {0x1A, 0x0A};
    static const guint8 timeout[12] = {0x1D, 0x0A};
    static const guint8 capabilities[26] = {
        0x2A, 0x18, [6] = 0x20 /* tray */, [13] = 128 /* KiB */};

    if (page == 0x01 || page == ALL_PAGES)
        add(answer, recovery, sizeof recovery);
    if (page == 0x1A || page == ALL_PAGES)
        add(answer, power, sizeof power);
    if (page == 0x1D || page == ALL_PAGES)
        add(answer, timeout, sizeof timeout);
    if (page == 0x2A || page == ALL_PAGES)
        add(answer, capabilities, sizeof capabilities);
}

static guint8
medium_type(const IderDrive *drive)
{
    return drive->kind == IDER_CD ? MEDIUM_CD : is_ls120(drive) ? MEDIUM_LS120 : MEDIUM_FLOPPY;
}

/* The header is filled in behind the pages. Pages of subpages other than 0 do not exist. */
static void
mode_sense(const IderDrive *drive, const guint8 *cdb, IderAnswer *answer)
{
    gboolean small = cdb[0] == MODE_SENSE_6;
    guint page = cdb[2] & ALL_PAGES;
    guint8 protection = drive->kind == IDER_CD || !drive->writable ? WRITE_PROTECTED : 0;
    gsize header = small ? 4 : 8;

    answer->length = header;
    memset(answer->data, 0, header);
    if (drive->kind == IDER_CD)
        add_cd_pages(page, answer);
    else
        add_floppy_pages(drive, page, answer);
    if (answer->length == header || cdb[3] != 0) {
        end_with(answer, invalid_field);
    } else if (small) {
        answer->data[0] = (guint8)(answer->length - 1);
        answer->data[1] = medium_type(drive);
        answer->data[2] = protection;
        end_with_data(answer, cdb[4]);
    } else {
        put_16(answer->data, (guint32)answer->length - 2);
        answer->data[2] = medium_type(drive);
        answer->data[3] = protection;
        end_with_data(answer, get_16(cdb + 7));
    }
}

/* ---- dispatch ---- */

/* What both drives do. FALSE: something else. */
static gboolean
common_command(IderDrive *drive, const guint8 *cdb, IderAnswer *answer)
{
    switch (cdb[0]) {
    case TEST_UNIT_READY:
        test_unit_ready(drive, answer);
        return TRUE;
    case READ_6:
        answer_extent_6(drive, cdb, IDER_READ, answer);
        return TRUE;
    case WRITE_6:
        answer_extent_6(drive, cdb, IDER_WRITE, answer);
        return TRUE;
    case READ_10:
        answer_extent_10(drive, cdb, IDER_READ, answer);
        return TRUE;
    case WRITE_10:
    case WRITE_VERIFY_10:
        answer_extent_10(drive, cdb, IDER_WRITE, answer);
        return TRUE;
    case START_STOP: /* also asks to eject, which would leave the machine without its system */
        end_with(answer, good);
        return TRUE;
    case GET_EVENT_STATUS:
        get_event_status(drive, cdb, answer);
        return TRUE;
    default:
        return FALSE;
    }
}

/* What needs a medium. */
static gboolean
medium_command(const IderDrive *drive, const guint8 *cdb, IderAnswer *answer)
{
    gboolean cd = drive->kind == IDER_CD;

    switch (cdb[0]) {
    case PREVENT_ALLOW:
        end_with(answer, good);
        return TRUE;
    case READ_CAPACITY:
        read_capacity(drive, answer);
        return TRUE;
    case MODE_SENSE_6:
    case MODE_SENSE_10:
        mode_sense(drive, cdb, answer);
        return TRUE;
    case READ_FORMAT_CAPACITIES:
        if (!cd)
            read_format_capacities(drive, cdb, answer);
        return !cd;
    case READ_TOC:
        if (cd)
            read_toc(drive, cdb, answer);
        return cd;
    default:
        return FALSE;
    }
}

static gboolean
needs_medium(guint8 command)
{
    return command == PREVENT_ALLOW || command == READ_CAPACITY || command == MODE_SENSE_6 ||
           command == MODE_SENSE_10 || command == READ_FORMAT_CAPACITIES || command == READ_TOC;
}

/* What only a CD drive does, and knows without a medium. */
static gboolean
cd_command(const IderDrive *drive, const guint8 *cdb, IderAnswer *answer)
{
    if (drive->kind != IDER_CD)
        return FALSE;
    switch (cdb[0]) {
    case GET_CONFIGURATION:
        get_configuration(drive, cdb, answer);
        return TRUE;
    case GET_PERFORMANCE:
        get_performance(answer);
        return TRUE;
    default: /* log select 4C, disc information 51 and mode select 55 are asked for, too, and not done */
        return FALSE;
    }
}

void
ider_command(IderDrive *drive, const guint8 cdb[IDER_CDB], IderAnswer *answer)
{
    memset(answer, 0, sizeof *answer);
    if (drive->size < ider_sector(drive))
        drive->size = 0;
    if (common_command(drive, cdb, answer) || cd_command(drive, cdb, answer))
        return;
    if (needs_medium(cdb[0]) && drive->size == 0)
        end_with(answer, no_medium);
    else if (!medium_command(drive, cdb, answer))
        end_with(answer, unknown_command);
}

gboolean
ider_floppy_known(guint64 size)
{
    guint64 sectors = size / IDER_FLOPPY_SECTOR;

    if (size % IDER_FLOPPY_SECTOR != 0)
        return FALSE;
    return sectors == 1440 || sectors == 2400 || sectors == 2880 || sectors == FLOPPY_SECTORS ||
           (sectors > FLOPPY_SECTORS && sectors <= LS120_SECTORS && sectors % LS120_CYLINDER == 0);
}
