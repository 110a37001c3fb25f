/* SPDX-License-Identifier: Apache-2.0 */
#include "amt-ider-message.h"

#include <string.h>

/* Opcodes are those of amt-redirection.h; this file stands alone. */
enum { OPEN = 0x40, FEATURES = 0x48, COMMAND_END = 0x51, WANT_DATA = 0x52, TO_HOST = 0x54 };
enum { ATTRIBUTE_DMA = 1, ATTRIBUTE_LAST = 2, SET_STATE = 3, PACKET = 0xA0, CD_BIT = 0x10 };

/* Which of the eight registers of a block are to be written, and what the status register says. */
enum {
    MASK_INTERRUPT = 0x01,
    MASK_ERROR = 0x02,
    MASK_REASON = 0x04,
    MASK_COUNT = 0x30,
    MASK_DRIVE = 0x40,
    MASK_STATUS = 0x80,
    READY = 0x50,
    READY_FOR_DATA = 0x58,
    FAILED = 0x51
};

/* Reason of an interrupt, in the register that once was the sector count. */
enum { REASON_FROM_HOST = 0, REASON_TO_HOST = 2, REASON_END = 3 };

/* Where the blocks of registers stand, and those within one. */
enum {
    IN = 12,
    OUT = 20,
    REG_ERROR = 1,
    REG_REASON = 2,
    REG_COUNT = 4,
    REG_DRIVE = 6,
    REG_STATUS = 7
};

static void
put_16(guint8 *at, guint32 value)
{
    at[0] = (guint8)value;
    at[1] = (guint8)(value >> 8);
}

static void
put_32(guint8 *at, guint32 value)
{
    put_16(at, value & 0xFFFF);
    put_16(at + 2, value >> 16);
}

static guint32
get_16(const guint8 *at)
{
    return (guint32)at[0] | (guint32)at[1] << 8;
}

static void
begin(guint8 *message, gsize length, guint8 opcode, guint32 sequence)
{
    memset(message, 0, length);
    message[0] = opcode;
    put_32(message + 4, sequence);
}

static guint8
device_of(const IderCommand *command)
{
    return command->drive == IDER_CD ? 0xB0 : 0xA0;
}

gboolean
ider_read_opened(const guint8 reply[IDER_OPEN_REPLY], IderOpened *opened)
{
    opened->major = reply[8];
    opened->minor = reply[9];
    opened->firmware_major = reply[10];
    opened->firmware_minor = reply[11];
    opened->read_buffer = get_16(reply + 16);
    opened->write_buffer = get_16(reply + 18);
    return reply[21] == 0 && opened->read_buffer >= IDER_CD_SECTOR &&
           opened->write_buffer >= IDER_FLOPPY_SECTOR;
}

gboolean
ider_read_command(const guint8 message[IDER_COMMAND], IderCommand *command)
{
    command->drive = (message[14] & CD_BIT) != 0 ? IDER_CD : IDER_FLOPPY;
    command->dma = (message[9] & 1) != 0;
    memcpy(command->cdb, message + 16, IDER_CDB);
    return message[15] == PACKET;
}

void
ider_put_open(guint8 message[IDER_OPEN], guint32 sequence)
{
    begin(message, IDER_OPEN, OPEN, sequence);
    put_16(message + 8, IDER_PATIENCE_MS);
    put_16(message + 12, IDER_HEARTBEAT_MS);
    put_32(message + 14, 1); /* version */
}

void
ider_put_features(guint8 message[IDER_FEATURES], guint32 sequence, guint32 value)
{
    begin(message, IDER_FEATURES, FEATURES, sequence);
    message[8] = SET_STATE;
    put_32(message + 9, value);
}

void
ider_put_end(guint8 message[IDER_COMMAND_END],
             guint32 sequence,
             const IderCommand *command,
             IderSense sense)
{
    guint8 *out = message + OUT;

    begin(message, IDER_COMMAND_END, COMMAND_END, sequence);
    message[3] = ATTRIBUTE_LAST;
    out[REG_REASON] = REASON_END;
    out[REG_DRIVE] = device_of(command);
    if (sense.key == 0) {
        out[0] = MASK_STATUS | MASK_DRIVE | MASK_REASON | MASK_INTERRUPT;
        out[REG_STATUS] = READY;
        return;
    }
    out[0] = MASK_STATUS | MASK_REASON | MASK_ERROR | MASK_INTERRUPT;
    out[REG_ERROR] = (guint8)(sense.key << 4);
    out[REG_STATUS] = FAILED;
    message[28] = sense.key;
    message[29] = sense.asc;
    message[30] = sense.ascq;
}

/* The registers while data moves: how much, and which way. With DMA there is no count and no interrupt. */
static void
put_transfer(
    guint8 *message, const IderCommand *command, guint32 length, gboolean dma, guint8 reason)
{
    guint8 *in = message + IN;

    put_16(message + 9, length);
    in[0] = MASK_STATUS | MASK_COUNT | MASK_REASON | (dma ? 0 : MASK_INTERRUPT);
    in[REG_REASON] = reason;
    put_16(in + REG_COUNT, dma ? 0 : length);
    in[REG_DRIVE] = device_of(command);
    in[REG_STATUS] = READY_FOR_DATA;
}

void
ider_put_want(guint8 message[IDER_WANT_DATA],
              guint32 sequence,
              const IderCommand *command,
              guint32 length)
{
    begin(message, IDER_WANT_DATA, WANT_DATA, sequence);
    put_transfer(message, command, length, FALSE, REASON_FROM_HOST);
}

void
ider_put_data(guint8 message[IDER_TO_HOST],
              guint32 sequence,
              const IderCommand *command,
              guint32 length,
              gboolean last)
{
    guint8 *out = message + OUT;

    begin(message, IDER_TO_HOST, TO_HOST, sequence);
    message[3] = (guint8)((command->dma ? ATTRIBUTE_DMA : 0) | (last ? ATTRIBUTE_LAST : 0));
    put_transfer(message, command, length, command->dma, REASON_TO_HOST);
    if (!last)
        return;
    out[0] = MASK_STATUS | MASK_REASON | MASK_INTERRUPT;
    out[REG_REASON] = REASON_END;
    out[REG_DRIVE] = device_of(command);
    out[REG_STATUS] = READY;
}
