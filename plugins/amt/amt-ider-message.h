/* SPDX-License-Identifier: Apache-2.0 */
#ifndef AMT_IDER_MESSAGE_H
#define AMT_IDER_MESSAGE_H

/*
 * amt-ider-message.h - what the messages of storage redirection say, and those that we send.
 *
 * The layouts are those of an ATAPI device's registers, little-endian. Framing is amt-redirection.h's.
 */
#include "amt-ider-scsi.h"

enum {
    IDER_OPEN = 18,       /* how long these messages are */
    IDER_OPEN_REPLY = 30, /* without what the maker adds */
    IDER_FEATURES = 13,
    IDER_FEATURES_REPLY = 13,
    IDER_COMMAND = 28,
    IDER_COMMAND_END = 31,
    IDER_WANT_DATA = 31,
    IDER_FROM_HOST = 14, /* without data */
    IDER_TO_HOST = 34    /* without data */
};

/* How often a device says that it lives, and how long it waits for us, as we ask when opening. */
enum { IDER_HEARTBEAT_MS = 20000, IDER_PATIENCE_MS = 30000 };

/* When drives appear. */
typedef enum { IDER_ON_REBOOT = 0x08, IDER_GRACEFUL = 0x10, IDER_NOW = 0x18 } IderStart;

typedef struct {
    guint8 major, minor, firmware_major, firmware_minor;
    guint32 read_buffer;  /* bytes of the longest piece that we may send */
    guint32 write_buffer; /* bytes of the longest piece that we may ask for */
} IderOpened;

typedef struct {
    IderKind drive;
    gboolean dma;
    guint8 cdb[IDER_CDB];
} IderCommand;

/* FALSE: it is none that can be worked with: another protocol, or buffers without room for a sector. */
gboolean ider_read_opened(const guint8 reply[IDER_OPEN_REPLY], IderOpened *opened);
/* FALSE: not a packet command. */
gboolean ider_read_command(const guint8 message[IDER_COMMAND], IderCommand *command);

void ider_put_open(guint8 message[IDER_OPEN], guint32 sequence);
/* Drives on or off; `value` 0 takes them away. */
void ider_put_features(guint8 message[IDER_FEATURES], guint32 sequence, guint32 value);
/* The end of a command without data, or behind data that was taken from the host. */
void ider_put_end(guint8 message[IDER_COMMAND_END],
                  guint32 sequence,
                  const IderCommand *command,
                  IderSense sense);
/* Asks for `length` bytes of a write. */
void ider_put_want(guint8 message[IDER_WANT_DATA],
                   guint32 sequence,
                   const IderCommand *command,
                   guint32 length);
/* What stands before `length` bytes of an answer; the last piece ends the command. */
void ider_put_data(guint8 message[IDER_TO_HOST],
                   guint32 sequence,
                   const IderCommand *command,
                   guint32 length,
                   gboolean last);

#endif /* AMT_IDER_MESSAGE_H */
