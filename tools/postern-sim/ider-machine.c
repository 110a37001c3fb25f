/* SPDX-License-Identifier: Apache-2.0 */
#include "config.h"

#include "ider-machine.h"
#include "sim.h"

#include <openssl/evp.h>
#include <string.h>

enum {
    TRIES = 10, /* TEST UNIT READY, until a drive without a medium is given up */
    BLOCK = 64 * 1024,
    DESCRIPTORS = 16, /* sector of the first volume descriptor */
    DESCRIPTORS_MOST = 16,
    CD_SECTOR = 2048,
    FLOPPY_SECTOR = 512,
    WRITE_BYTES = 16 * FLOPPY_SECTOR
};

enum {
    /* looking at a drive */
    READY,
    CAPACITY,
    PROTECTION,
    EVENT,
    CONFIGURATION,
    CONTENTS,
    FORMATS,
    GEOMETRY,
    LOOKED,
    /* starting from it */
    DESCRIPTOR,
    CATALOG,
    BOOT_SECTOR,
    BOOT_IMAGE,
    WHOLE,
    WRITE,
    READ_BACK,
    DONE
};

struct IderMachine {
    Device *device;
    guint phase, drive;
    gint boot;
    guint tries;
    guint32 block, count; /* of the read under way */
    guint32 catalog, image, image_sectors;
    gboolean writable;
    guint8 pattern[WRITE_BYTES];
    EVP_MD_CTX *digest; /* NULL unless WHOLE */
};

/* ---- results ---- */

DeviceIder *
ider_result(Device *device)
{
    DeviceExtra *extra = device_extra(device);

    if (extra->ider == NULL)
        extra->ider = g_new0(DeviceIder, 1);
    return extra->ider;
}

void
ider_problem(Device *device, const char *format, ...)
{
    DeviceIder *result = ider_result(device);
    va_list args;

    result->errors++;
    if (result->problem[0] != '\0')
        return;
    va_start(args, format);
    g_vsnprintf(result->problem, sizeof result->problem, format, args);
    va_end(args);
}

/* ---- life ---- */

IderMachine *
ider_machine_new(Device *device)
{
    IderMachine *machine = g_new0(IderMachine, 1);

    machine->device = device;
    machine->phase = DONE;
    return machine;
}

void
ider_machine_free(IderMachine *machine)
{
    EVP_MD_CTX_free(machine->digest);
    g_free(machine);
}

void
ider_machine_start(IderMachine *machine, gint boot)
{
    DeviceIder *result = ider_result(machine->device);

    g_clear_pointer(&machine->digest, EVP_MD_CTX_free);
    machine->boot = boot;
    machine->drive = MACHINE_CD;
    machine->phase = READY;
    machine->tries = 0;
    result->sectors[MACHINE_CD] = result->sectors[MACHINE_FLOPPY] = 0;
    if (boot >= 0) {
        result->booted = NULL;
        result->read = result->written = 0;
        result->sha256[0] = '\0';
    }
}

/* ---- commands ---- */

static guint32
sector_of(guint drive)
{
    return drive == MACHINE_CD ? CD_SECTOR : FLOPPY_SECTOR;
}

static void
put_16(guint8 *at, guint32 value)
{
    at[0] = (guint8)(value >> 8);
    at[1] = (guint8)value;
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

/* READ(10) and WRITE(10). */
static void
ask_blocks(MachineCommand *command, guint8 code, guint32 block, guint32 count)
{
    command->cdb[0] = code;
    put_16(command->cdb + 2, block >> 16);
    put_16(command->cdb + 4, block & 0xFFFF);
    put_16(command->cdb + 7, count);
    command->room = (gsize)count * sector_of(command->drive);
    command->exact = TRUE;
}

/* `room` where commands of ten bytes have it. */
static void
ask_with_room(MachineCommand *command, guint8 code, guint8 second, guint8 third, guint32 room)
{
    command->cdb[0] = code;
    command->cdb[1] = second;
    command->cdb[2] = third;
    put_16(command->cdb + 7, room);
    command->room = room;
}

static void
ask_about_drive(const IderMachine *machine, MachineCommand *command)
{
    switch (machine->phase) {
    case CAPACITY:
        command->cdb[0] = 0x25;
        command->room = 8;
        command->exact = TRUE;
        break;
    case PROTECTION:
        command->cdb[0] = 0x1A;
        command->cdb[2] = 0x3F;
        command->cdb[4] = 4;
        command->room = 4;
        command->exact = TRUE;
        break;
    case EVENT:
        ask_with_room(command, 0x4A, 1, 0, 8);
        command->cdb[4] = 0x10;
        break;
    case CONFIGURATION:
        ask_with_room(command, 0x46, 0, 0, 256);
        break;
    case CONTENTS:
        ask_with_room(command, 0x43, 0, 0, 804);
        break;
    case FORMATS:
        ask_with_room(command, 0x23, 0, 0, 252);
        break;
    case GEOMETRY:
        ask_with_room(command, 0x5A, 0, 0x05, 40);
        break;
    case READY:
    default:
        break;
    }
}

/* As many sectors as firmware takes at once, and no more than there are. */
static guint32
next_count(const IderMachine *machine)
{
    const Sim *sim = machine->device->sim;
    guint32 sector = sector_of(machine->drive);
    guint32 bytes = sim->ider_block != 0 ? sim->ider_block : BLOCK;
    guint64 left = ider_result(machine->device)->sectors[machine->drive] - machine->block;

    if (sim->ider_read != 0)
        left = MIN(left, sim->ider_read / sector - machine->block);
    return (guint32)MIN(left, MAX(bytes / sector, 1));
}

static void
ask_to_start(IderMachine *machine, MachineCommand *command)
{
    guint32 last = ider_result(machine->device)->sectors[machine->drive];

    switch (machine->phase) {
    case CATALOG:
        ask_blocks(command, 0x28, machine->catalog, 1);
        break;
    case BOOT_SECTOR:
        command->cdb[0] = 0x08; /* BIOSes read it in the old way */
        command->cdb[4] = 1;
        command->room = FLOPPY_SECTOR;
        command->exact = TRUE;
        break;
    case BOOT_IMAGE:
        ask_blocks(command, 0x28, machine->image, machine->image_sectors);
        break;
    case WHOLE:
        machine->count = next_count(machine);
        command->dma = TRUE;
        ask_blocks(command, 0x28, machine->block, machine->count);
        break;
    case WRITE:
        ask_blocks(command, 0x2A, last - WRITE_BYTES / FLOPPY_SECTOR, WRITE_BYTES / FLOPPY_SECTOR);
        command->room = 0;
        command->write = machine->pattern;
        command->write_length = WRITE_BYTES;
        break;
    case READ_BACK:
        ask_blocks(command, 0x28, last - WRITE_BYTES / FLOPPY_SECTOR, WRITE_BYTES / FLOPPY_SECTOR);
        break;
    case DESCRIPTOR:
    default:
        ask_blocks(command, 0x28, machine->block, 1);
        break;
    }
}

gboolean
ider_machine_next(IderMachine *machine, MachineCommand *command)
{
    if (machine->phase == DONE)
        return FALSE;
    memset(command, 0, sizeof *command);
    command->drive = machine->drive;
    if (machine->phase < LOOKED)
        ask_about_drive(machine, command);
    else
        ask_to_start(machine, command);
    ider_result(machine->device)->commands++;
    return TRUE;
}

/* ---- looking at drives ---- */

static void
begin_boot(IderMachine *machine)
{
    DeviceIder *result = ider_result(machine->device);

    machine->phase = DONE;
    if (machine->boot < 0)
        return;
    machine->drive = (guint)machine->boot;
    machine->block = DESCRIPTORS;
    if (result->sectors[machine->drive] == 0)
        ider_problem(machine->device, "there is no medium to start from");
    else
        machine->phase = machine->drive == MACHINE_CD ? DESCRIPTOR : BOOT_SECTOR;
}

static void
next_drive(IderMachine *machine)
{
    machine->tries = 0;
    machine->phase = READY;
    if (machine->drive == MACHINE_CD)
        machine->drive = MACHINE_FLOPPY;
    else
        begin_boot(machine);
}

/* Answers that begin with how many bytes follow. */
static void
check_length(IderMachine *machine, const guint8 *data, gsize length)
{
    if (length < 4 || get_16(data) + 2U != length)
        ider_problem(machine->device,
                     "an answer of %" G_GSIZE_FORMAT " bytes says that it has %u",
                     length,
                     length < 4 ? 0 : get_16(data) + 2);
}

static void
learn_capacity(IderMachine *machine, const guint8 *data)
{
    if (get_32(data + 4) != sector_of(machine->drive))
        ider_problem(
            machine->device, "drive %u has sectors of %u bytes", machine->drive, get_32(data + 4));
    else
        ider_result(machine->device)->sectors[machine->drive] = get_32(data) + 1;
}

/* Good answers only. */
static void
learn(IderMachine *machine, const guint8 *data, gsize length)
{
    switch (machine->phase) {
    case CAPACITY:
        learn_capacity(machine, data);
        break;
    case PROTECTION:
        if (machine->drive == MACHINE_FLOPPY)
            machine->writable = (data[2] & 0x80) == 0;
        break;
    case EVENT:
    case CONTENTS:
    case GEOMETRY:
        check_length(machine, data, length);
        break;
    case FORMATS:
        if (length < 4 || data[3] + 4U != length)
            ider_problem(machine->device, "a list of formats of %" G_GSIZE_FORMAT " bytes", length);
        break;
    default:
        break;
    }
}

/* What comes behind `phase`, which differs between the drives. */
static guint
following(const IderMachine *machine)
{
    gboolean cd = machine->drive == MACHINE_CD;

    switch (machine->phase) {
    case PROTECTION:
        return cd ? EVENT : FORMATS;
    case CONTENTS:
    case GEOMETRY:
        return LOOKED;
    default:
        return machine->phase + 1;
    }
}

/* Only the capacity is needed: whoever has none of the rest is an old drive. */
static void
look(IderMachine *machine, guint8 key, const guint8 *data, gsize length)
{
    if (machine->phase == READY && key != 0) {
        if (++machine->tries >= TRIES || key == 2)
            next_drive(machine);
        return;
    }
    if (machine->phase == CAPACITY && key != 0) {
        next_drive(machine);
        return;
    }
    if (key == 0)
        learn(machine, data, length);
    machine->phase = following(machine);
    if (machine->phase == LOOKED)
        next_drive(machine);
}

/* ---- starting ---- */

static void
fail(IderMachine *machine, const char *what)
{
    ider_problem(machine->device, "%s", what);
    machine->phase = DONE;
}

static void
begin_whole(IderMachine *machine)
{
    DeviceIder *result = ider_result(machine->device);

    result->booted = machine->drive == MACHINE_CD ? "cd" : "floppy";
    machine->phase = WHOLE;
    machine->block = 0;
    result->from_us = g_get_monotonic_time();
    machine->digest = EVP_MD_CTX_new();
    EVP_DigestInit_ex(machine->digest, EVP_sha256(), NULL);
}

static void
see_descriptor(IderMachine *machine, const guint8 *sector)
{
    if (memcmp(sector + 1, "CD001", 5) != 0) {
        fail(machine, "a volume descriptor is none");
    } else if (sector[0] == 0 && memcmp(sector + 7, "EL TORITO SPECIFICATION", 23) == 0) {
        machine->catalog = sector[0x47] | (guint32)sector[0x48] << 8 | (guint32)sector[0x49] << 16 |
                           (guint32)sector[0x4A] << 24;
        machine->phase = CATALOG;
    } else if (sector[0] == 255 || ++machine->block >= DESCRIPTORS + DESCRIPTORS_MOST) {
        fail(machine, "there is no El Torito boot record");
    }
}

/* The first entry says that it is a catalog, the second which image starts the machine. */
static void
see_catalog(IderMachine *machine, const guint8 *sector)
{
    const guint8 *entry = sector + 32;
    guint sum = 0;

    for (guint i = 0; i < 32; i += 2)
        sum += sector[i] | (guint)sector[i + 1] << 8;
    if (sector[0] != 1 || sector[30] != 0x55 || sector[31] != 0xAA || (sum & 0xFFFF) != 0) {
        fail(machine, "the boot catalog is none");
    } else if (entry[0] != 0x88) {
        fail(machine, "the boot catalog's first image starts nothing");
    } else {
        guint sectors = entry[6] | (guint)entry[7] << 8;
        ider_result(machine->device)->boot_sectors = sectors;
        machine->image =
            entry[8] | (guint32)entry[9] << 8 | (guint32)entry[10] << 16 | (guint32)entry[11] << 24;
        machine->image_sectors = CLAMP((sectors + 3) / 4, 1, MACHINE_ROOM / CD_SECTOR);
        machine->phase = BOOT_IMAGE;
    }
}

static void
see_boot_sector(IderMachine *machine, const guint8 *sector)
{
    if (sector[510] == 0x55 && sector[511] == 0xAA)
        begin_whole(machine);
    else
        fail(machine, "the boot sector is none");
}

static void
end_whole(IderMachine *machine)
{
    DeviceIder *result = ider_result(machine->device);
    guint8 digest[EVP_MAX_MD_SIZE];

    result->until_us = g_get_monotonic_time();
    EVP_DigestFinal_ex(machine->digest, digest, NULL);
    g_clear_pointer(&machine->digest, EVP_MD_CTX_free);
    for (guint i = 0; i < 32; i++)
        g_snprintf(result->sha256 + 2 * i, 3, "%02x", digest[i]);
    machine->phase = DONE;
    if (machine->drive == MACHINE_FLOPPY && machine->writable) {
        for (guint i = 0; i < WRITE_BYTES; i++)
            machine->pattern[i] = (guint8)(i * 7 + i / FLOPPY_SECTOR + machine->device->address);
        machine->phase = WRITE;
    }
}

static void
see_whole(IderMachine *machine, const guint8 *data, gsize length)
{
    ider_result(machine->device)->read += length;
    EVP_DigestUpdate(machine->digest, data, length);
    machine->block += machine->count;
    if (next_count(machine) == 0)
        end_whole(machine);
}

static void
go_on_starting(IderMachine *machine, const guint8 *data, gsize length)
{
    switch (machine->phase) {
    case DESCRIPTOR:
        see_descriptor(machine, data);
        break;
    case CATALOG:
        see_catalog(machine, data);
        break;
    case BOOT_SECTOR:
        see_boot_sector(machine, data);
        break;
    case BOOT_IMAGE:
        begin_whole(machine);
        break;
    case WHOLE:
        see_whole(machine, data, length);
        break;
    case WRITE:
        ider_result(machine->device)->written += WRITE_BYTES;
        machine->phase = READ_BACK;
        break;
    case READ_BACK:
    default:
        if (memcmp(data, machine->pattern, WRITE_BYTES) != 0)
            ider_problem(machine->device, "what was written was not read back");
        machine->phase = DONE;
        break;
    }
}

void
ider_machine_answer(IderMachine *machine, guint8 key, const guint8 *data, gsize length)
{
    if (machine->phase < LOOKED) {
        look(machine, key, data, length);
    } else if (key != 0) {
        ider_problem(
            machine->device, "a command failed with sense key %u in step %u", key, machine->phase);
        machine->phase = DONE;
    } else {
        go_on_starting(machine, data, length);
    }
}
