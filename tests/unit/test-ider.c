/* SPDX-License-Identifier: Apache-2.0 */
/* The drives of storage redirection, byte by byte, and the messages that carry them. */
#include "amt-ider-message.h"

#include <string.h>

static const guint64 floppy_size = 2880 * 512, large_size = (guint64)246528 * 512;
static const guint64 cd_size = (guint64)333000 * 2048;

static IderDrive
drive_of(IderKind kind, guint64 size)
{
    return (IderDrive){.kind = kind, .size = size};
}

/* "28 00 00 .." into bytes; what is not named is 0. Returns how many were named. */
static gsize
bytes_of(const char *text, guint8 *bytes, gsize size)
{
    gsize count = 0;

    memset(bytes, 0, size);
    while (*text != '\0') {
        char *end;
        g_assert_cmpuint(count, <, size);
        bytes[count++] = (guint8)g_ascii_strtoull(text, &end, 16);
        g_assert_true(end > text);
        for (text = end; *text == ' '; text++)
            ;
    }
    return count;
}

static void
ask(IderDrive *drive, const char *cdb, IderAnswer *answer)
{
    guint8 bytes[IDER_CDB];

    bytes_of(cdb, bytes, sizeof bytes);
    ider_command(drive, bytes, answer);
}

static void
check_bytes(const guint8 *found, gsize length, const char *expected)
{
    guint8 bytes[256];
    gsize count = bytes_of(expected, bytes, sizeof bytes);

    g_assert_cmpmem(found, length, bytes, count);
}

static void
expect_data(IderDrive *drive, const char *cdb, const char *expected)
{
    IderAnswer answer;

    ask(drive, cdb, &answer);
    g_assert_cmpint(answer.outcome, ==, IDER_DATA);
    check_bytes(answer.data, answer.length, expected);
}

/* `expected` is key, code, qualifier in hex digits. */
static void
expect_sense(IderDrive *drive, const char *cdb, guint expected)
{
    IderAnswer answer;

    ask(drive, cdb, &answer);
    g_assert_cmpint(answer.outcome, ==, IDER_STATUS);
    g_assert_cmphex(
        answer.sense.key << 16 | answer.sense.asc << 8 | answer.sense.ascq, ==, expected);
}

static void
expect_extent(IderDrive *drive, const char *cdb, IderOutcome outcome, guint64 offset, guint64 bytes)
{
    IderAnswer answer;

    ask(drive, cdb, &answer);
    g_assert_cmpint(answer.outcome, ==, outcome);
    g_assert_cmpuint(answer.offset, ==, offset);
    g_assert_cmpuint(answer.bytes, ==, bytes);
}

static void
test_ready(void)
{
    IderDrive drive = drive_of(IDER_CD, cd_size), empty = drive_of(IDER_FLOPPY, 0);

    drive.changed = empty.changed = TRUE;
    expect_sense(&drive, "00", 0x062800);
    expect_sense(&drive, "00", 0);
    drive.changed = TRUE;
    expect_sense(&drive, "00", 0x062800);
    expect_sense(&empty, "00", 0x023A00);
    expect_sense(&empty, "00", 0x023A00);
    g_assert_true(empty.changed);
}

static void
test_empty(void)
{
    IderDrive floppy = drive_of(IDER_FLOPPY, 511), cd = drive_of(IDER_CD, 2047);
    static const char *const both[] = {"08 00 00 00 01",
                                       "0A 00 00 00 01",
                                       "1A 00 3F 00 04",
                                       "1E",
                                       "25",
                                       "28 00 00 00 00 00 00 00 01",
                                       "2A 00 00 00 00 00 00 00 01",
                                       "5A 00 3F 00 00 00 00 00 60"};

    for (gsize i = 0; i < G_N_ELEMENTS(both); i++) {
        expect_sense(&floppy, both[i], 0x023A00);
        expect_sense(&cd, both[i], 0x023A00);
    }
    expect_sense(&floppy, "23 00 00 00 00 00 00 00 0C", 0x023A00);
    expect_sense(&cd, "43 00 00 00 00 00 00 00 14", 0x023A00);
    expect_data(&cd, "46 02 00 00 00 00 00 00 08", "00 00 00 0C 00 00 00 00");
    expect_data(&cd, "4A 01 00 00 10 00 00 00 08", "00 06 04 10 00 00 00 00");
}

static void
test_read(void)
{
    IderDrive floppy = drive_of(IDER_FLOPPY, floppy_size), cd = drive_of(IDER_CD, cd_size);
    IderDrive huge = drive_of(IDER_CD, G_MAXUINT64);

    expect_extent(&floppy, "08 00 01 02 03", IDER_READ, 0x102 * 512, 3 * 512);
    expect_extent(&floppy, "08 00 00 00 00", IDER_READ, 0, 256 * 512);
    expect_extent(&floppy, "28 00 00 00 0B 3F 00 00 01", IDER_READ, 2879 * 512, 512);
    expect_sense(&floppy, "28 00 00 00 0B 3F 00 00 02", 0x052100);
    expect_sense(&floppy, "28 00 00 00 0B 40 00 00 01", 0x052100);
    expect_sense(&floppy, "28 00 00 00 0B 40 00 00 00", 0);
    expect_sense(&floppy, "28 00 00 00 0B 41 00 00 00", 0x052100);
    expect_sense(&floppy, "08 1F FF FF 01", 0x052100);
    expect_extent(&cd, "28 00 00 00 00 10 00 00 01", IDER_READ, 16 * 2048, 2048);
    expect_extent(&cd, "28 00 00 00 00 00 00 FF FF", IDER_READ, 0, (guint64)65535 * 2048);
    /* the last block and a count that would wrap in 32 bits */
    expect_sense(&cd, "28 00 FF FF FF FF 00 FF FF", 0x052100);
    expect_sense(&huge, "28 00 FF FF FF FF 00 00 01", 0x052100);
    expect_extent(&huge, "28 00 FF FF FF FE 00 00 01", IDER_READ, 0xFFFFFFFEull * 2048, 2048);
}

static void
test_write(void)
{
    IderDrive floppy = drive_of(IDER_FLOPPY, floppy_size), cd = drive_of(IDER_CD, cd_size);
    static const char *const writes[] = {
        "0A 00 00 01 02", "2A 00 00 00 00 01 00 00 02", "2E 00 00 00 00 01 00 00 02"};

    cd.writable = TRUE; /* nothing makes it so */
    for (gsize i = 0; i < G_N_ELEMENTS(writes); i++) {
        expect_sense(&cd, writes[i], 0x072700);
        floppy.writable = FALSE;
        expect_sense(&floppy, writes[i], 0x072700);
        floppy.writable = TRUE;
        expect_extent(&floppy, writes[i], IDER_WRITE, 512, 1024);
    }
    expect_sense(&floppy, "2A 00 00 00 0B 3F 00 00 02", 0x052100);
}

static void
test_medium(void)
{
    IderDrive floppy = drive_of(IDER_FLOPPY, floppy_size), cd = drive_of(IDER_CD, cd_size);
    IderDrive dvd = drive_of(IDER_CD, (guint64)2000000 * 2048);

    expect_data(&floppy, "25", "00 00 0B 3F 00 00 02 00");
    expect_data(&cd, "25", "00 05 14 C7 00 00 08 00");
    expect_data(&floppy, "23 00 00 00 00 00 00 00 FC", "00 00 00 08 00 00 0B 40 02 00 02 00");
    expect_sense(&cd, "23 00 00 00 00 00 00 00 FC", 0x052000);
    expect_data(&cd,
                "43 00 00 00 00 00 00 03 24",
                "00 12 01 01 00 14 01 00 00 00 00 00 00 14 AA 00 00 05 14 C8");
    expect_data(&cd,
                "43 02 00 00 00 00 00 03 24", /* 333,150 frames: 74:02.00 */
                "00 12 01 01 00 14 01 00 00 00 02 00 00 14 AA 00 00 4A 02 00");
    expect_data(&cd, "43 00 00 00 00 00 AA 03 24", "00 0A 01 01 00 14 AA 00 00 05 14 C8");
    expect_data(&cd, "43 00 00 00 00 00 00 00 04", "00 12 01 01");
    expect_data(&cd, "43 00 01 00 00 00 00 03 24", "00 0A 01 01 00 14 01 00 00 00 00 00");
    expect_data(&cd, "43 00 00 00 00 00 00 03 24 40", "00 0A 01 01 00 14 01 00 00 00 00 00");
    expect_data(&dvd, "43 02 00 00 00 00 AA 03 24", "00 0A 01 01 00 14 AA 00 00 FF 3B 4A");
    expect_sense(&cd, "43 00 00 00 00 00 02 03 24", 0x052400);
    expect_sense(&cd, "43 00 02 00 00 00 00 03 24", 0x052400);
    expect_sense(&floppy, "43 00 00 00 00 00 00 03 24", 0x052000);
    expect_sense(&cd, "43", 0); /* no room: nothing, and no error */
}

static void
test_drive(void)
{
    IderDrive floppy = drive_of(IDER_FLOPPY, floppy_size), cd = drive_of(IDER_CD, cd_size);

    expect_data(
        &cd,
        "46 00 00 00 00 00 00 01 00",
        "00 00 00 3C 00 00 00 08 00 00 03 04 00 08 01 00 00 01 03 04 00 00 00 02 "
        "00 02 03 04 00 00 00 00 00 03 03 04 29 00 00 02 00 10 01 08 00 00 08 00 00 01 00 00 "
        "00 1E 03 00 01 00 03 00 01 05 03 00");
    expect_data(
        &cd, "46 00 01 00 00 00 00 01 00", "00 00 00 0C 00 00 00 08 01 00 03 00 01 05 03 00");
    expect_data(
        &cd, "46 02 00 03 00 00 00 01 00", "00 00 00 0C 00 00 00 08 00 03 03 04 29 00 00 02");
    expect_data(&cd, "46 02 00 04 00 00 00 01 00", "00 00 00 04 00 00 00 08");
    expect_data(&cd, "46 00 00 00 00 00 00 00 08", "00 00 00 3C 00 00 00 08");
    expect_data(&cd, "4A 01 00 00 10 00 00 00 08", "00 06 04 10 00 02 00 00");
    cd.changed = TRUE;
    expect_data(&cd, "4A 01 00 00 10 00 00 00 08", "00 06 04 10 02 02 00 00");
    expect_data(&cd, "4A 01 00 00 02 00 00 00 08", "00 02 80 10");
    expect_sense(&cd, "4A 00 00 00 10 00 00 00 08", 0x052400);
    expect_data(&cd, "AC", "00 00 00 04 02 00 00 00");
    expect_sense(&floppy, "46 00 00 00 00 00 00 01 00", 0x052000);
    expect_sense(&floppy, "AC", 0x052000);
    for (guint i = 0; i < 2; i++) {
        IderDrive *drive = i == 0 ? &floppy : &cd;
        expect_sense(drive, "1B 00 00 00 02", 0);
        expect_sense(drive, "1E 00 00 00 01", 0);
        expect_sense(drive, "4C", 0x052000);
        expect_sense(drive, "51 00 00 00 00 00 00 00 20", 0x052000);
        expect_sense(drive, "55 10 00 00 00 00 00 00 10", 0x052000);
        expect_sense(drive, "12 00 00 00 24", 0x052000);
    }
}

static void
test_pages(void)
{
    IderDrive floppy = drive_of(IDER_FLOPPY, floppy_size), cd = drive_of(IDER_CD, cd_size);
    IderDrive large = drive_of(IDER_FLOPPY, large_size), small = drive_of(IDER_FLOPPY, 1440 * 512);
    IderAnswer answer;

    expect_data(&floppy,
                "5A 00 01 00 00 00 00 00 60",
                "00 12 24 80 00 00 00 00 01 0A 00 01 00 00 00 00 02 00 00 00");
    expect_data(
        &floppy,
        "5A 00 05 00 00 00 00 00 60",
        "00 26 24 80 00 00 00 00 05 1E 04 B0 02 12 02 00 00 50 00 00 00 00 00 00 00 00 00 00 "
        "28 00 00 00 00 00 00 00 02 D0 00 00");
    expect_data(
        &large,
        "5A 00 05 00 00 00 00 00 60",
        "00 26 31 80 00 00 00 00 05 1E 10 A9 08 20 02 00 03 C3 00 00 00 00 00 00 00 00 00 00 "
        "28 00 00 00 00 00 00 00 02 D0 00 00");
    expect_data(&small,
                "5A 00 05 00 00 00 00 00 12",
                "00 26 24 80 00 00 00 00 05 1E 04 B0 02 09 02 00 00 50");
    floppy.writable = TRUE;
    expect_data(&floppy,
                "5A 00 3F 00 00 00 00 00 60",
                "00 5E 24 00 00 00 00 00 01 0A 00 01 00 00 00 00 02 00 00 00 "
                "03 16 00 A0 00 00 00 00 00 00 00 12 02 00 00 00 00 00 00 00 A0 00 00 00 "
                "05 1E 04 B0 02 12 02 00 00 50 00 00 00 00 00 00 00 00 00 00 28 00 00 00 00 00 00 "
                "00 02 D0 00 00 "
                "08 0A 00 00 00 00 00 00 00 00 00 00 0B 06 00 00 00 11 24 31");
    expect_data(
        &cd, "5A 00 01 00 00 00 00 00 60", "00 0E 01 80 00 00 00 00 01 06 00 FF 00 00 00 00");
    expect_data(&cd,
                "5A 00 1A 00 00 00 00 00 60",
                "00 12 01 80 00 00 00 00 1A 0A 00 00 00 00 00 00 00 00 00 00");
    expect_data(&cd,
                "5A 00 1D 00 00 00 00 00 60",
                "00 12 01 80 00 00 00 00 1D 0A 00 00 00 00 00 00 00 00 00 00");
    expect_data(
        &cd,
        "5A 00 2A 00 00 00 00 00 60",
        "00 20 01 80 00 00 00 00 2A 18 00 00 00 00 20 00 00 00 00 00 00 80 00 00 00 00 00 00 "
        "00 00 00 00 00 00");
    ask(&cd, "5A 00 3F 00 00 00 00 00 FF", &answer);
    g_assert_cmpuint(answer.length, ==, 8 + 8 + 12 + 12 + 26);
    g_assert_cmpuint(answer.data[1], ==, answer.length - 2);
    expect_data(&floppy, "1A 00 3F 00 04", "5B 24 00 00");
    expect_data(&cd, "1A 00 3F 00 04", "3D 01 80 00");
    expect_sense(&cd, "1A 00 05 00 04", 0x052400);
    expect_sense(&cd, "5A 00 3F 01 00 00 00 00 60", 0x052400);
    expect_sense(&floppy, "5A 00 2A 00 00 00 00 00 60", 0x052400);
}

static void
test_sizes(void)
{
    static const guint64 good[] = {720, 1200, 1440, 2880, 2944, 32768, 123264};
    static const guint64 bad[] = {0, 1, 360, 1441, 2881, 123392, G_MAXUINT64 / 1024};

    for (gsize i = 0; i < G_N_ELEMENTS(good); i++)
        g_assert_true(ider_floppy_known(good[i] * 1024));
    for (gsize i = 0; i < G_N_ELEMENTS(bad); i++)
        g_assert_false(ider_floppy_known(bad[i] * 1024));
    g_assert_false(ider_floppy_known(1440 * 1024 + 1));
}

/* ---- messages ---- */

static void
test_sent(void)
{
    const IderCommand cd = {.drive = IDER_CD}, floppy = {.drive = IDER_FLOPPY},
                      dma = {.drive = IDER_CD, .dma = TRUE};
    guint8 bytes[IDER_TO_HOST];

    ider_put_open(bytes, 0);
    check_bytes(bytes, IDER_OPEN, "40 00 00 00 00 00 00 00 30 75 00 00 20 4E 01 00 00 00");
    ider_put_features(bytes, 1, 1 | IDER_NOW);
    check_bytes(bytes, IDER_FEATURES, "48 00 00 00 01 00 00 00 03 19 00 00 00");
    ider_put_end(bytes, 0x01020304, &cd, (IderSense){0, 0, 0});
    check_bytes(
        bytes,
        IDER_COMMAND_END,
        "51 00 00 02 04 03 02 01 00 00 00 00 00 00 00 00 00 00 00 00 C5 00 03 00 00 00 B0 50 "
        "00 00 00");
    ider_put_end(bytes, 2, &floppy, (IderSense){6, 0x28, 0});
    check_bytes(
        bytes,
        IDER_COMMAND_END,
        "51 00 00 02 02 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 87 60 03 00 00 00 A0 51 "
        "06 28 00");
    ider_put_want(bytes, 3, &floppy, 0x1234);
    check_bytes(
        bytes,
        IDER_WANT_DATA,
        "52 00 00 00 03 00 00 00 00 34 12 00 B5 00 00 00 34 12 A0 58 00 00 00 00 00 00 00 00 "
        "00 00 00");
    ider_put_data(bytes, 4, &cd, 0x2000, FALSE);
    check_bytes(
        bytes,
        IDER_TO_HOST,
        "54 00 00 00 04 00 00 00 00 00 20 00 B5 00 02 00 00 20 B0 58 00 00 00 00 00 00 00 00 "
        "00 00 00 00 00 00");
    ider_put_data(bytes, 5, &dma, 0x0800, TRUE);
    check_bytes(
        bytes,
        IDER_TO_HOST,
        "54 00 00 03 05 00 00 00 00 00 08 00 B4 00 02 00 00 00 B0 58 85 00 03 00 00 00 B0 50 "
        "00 00 00 00 00 00");
}

static void
test_received(void)
{
    guint8 bytes[IDER_OPEN_REPLY];
    IderOpened opened;
    IderCommand command;

    bytes_of(
        "41 00 00 00 00 00 00 00 01 02 0B 08 00 00 00 00 00 20 00 10 00 00", bytes, sizeof bytes);
    g_assert_true(ider_read_opened(bytes, &opened));
    g_assert_cmpuint(opened.major, ==, 1);
    g_assert_cmpuint(opened.firmware_minor, ==, 8);
    g_assert_cmpuint(opened.read_buffer, ==, 8192);
    g_assert_cmpuint(opened.write_buffer, ==, 4096);
    bytes[21] = 1;
    g_assert_false(ider_read_opened(bytes, &opened));
    bytes[21] = 0, bytes[17] = 7; /* no room for a sector of a CD */
    g_assert_false(ider_read_opened(bytes, &opened));
    bytes_of("50 00 00 00 09 00 00 00 00 01 00 00 00 00 B0 A0 28 00 00 00 00 10 00 00 01",
             bytes,
             sizeof bytes);
    g_assert_true(ider_read_command(bytes, &command));
    g_assert_cmpint(command.drive, ==, IDER_CD);
    g_assert_true(command.dma);
    check_bytes(command.cdb, IDER_CDB, "28 00 00 00 00 10 00 00 01 00 00 00");
    bytes[14] = 0xA0, bytes[9] = 0, bytes[15] = 0xEC;
    g_assert_false(ider_read_command(bytes, &command));
    g_assert_cmpint(command.drive, ==, IDER_FLOPPY);
    g_assert_false(command.dma);
}

int
main(int argc, char *argv[])
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/ider/ready", test_ready);
    g_test_add_func("/ider/empty", test_empty);
    g_test_add_func("/ider/read", test_read);
    g_test_add_func("/ider/write", test_write);
    g_test_add_func("/ider/medium", test_medium);
    g_test_add_func("/ider/drive", test_drive);
    g_test_add_func("/ider/pages", test_pages);
    g_test_add_func("/ider/sizes", test_sizes);
    g_test_add_func("/ider/sent", test_sent);
    g_test_add_func("/ider/received", test_received);
    return g_test_run();
}
