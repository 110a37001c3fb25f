/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Blocks are read with pread() straight into the message that carries them: as many copies as from a mapping, and a file that
 * somebody cuts short is an error for one machine, where a mapping would end the whole process.
 */
#include "amt-ider-image.h"

#include <postern-host.h>

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

enum {
    DESCRIPTORS_AT = 16,   /* sector of a CD where its volume descriptors begin */
    DESCRIPTORS_MOST = 32, /* so many are looked at */
    AHEAD = 4 << 20,       /* bytes that the system is asked to have ready */
    AHEAD_STEP = 1 << 20
};

struct IderImage {
    char *path;
    int fd;
    guint users; /* under `lock` */
    IderKind kind;
    gboolean writable;
    dev_t device;
    ino_t inode;
    guint64 size;
};

static GMutex lock;
static GPtrArray *shared; /* of IderImage, those that are read only; NULL: none */

/* ---- opening ---- */

static gboolean
cannot(GError **error, const char *what, const char *path, int problem)
{
    return postern_fail(error,
                        problem == EWOULDBLOCK ? POSTERN_ERROR_CONFLICT : POSTERN_ERROR_BAD_PARAM,
                        "cannot %s the image %s: %s",
                        what,
                        path,
                        problem == EWOULDBLOCK
                            ? "another program or run has it open, and one of the two "
                              "writes: wait until it ends, or use a copy"
                            : g_strerror(problem));
}

static gboolean
check_size(const IderImage *image, GError **error)
{
    if (image->kind == IDER_CD && (image->size == 0 || image->size % IDER_CD_SECTOR != 0))
        return postern_fail(
            error,
            POSTERN_ERROR_BAD_PARAM,
            "%s has %" G_GUINT64_FORMAT
            " bytes, expected whole sectors of 2048: it is cut, or no image of a CD",
            image->path,
            image->size);
    if (image->kind == IDER_FLOPPY && !ider_floppy_known(image->size))
        return postern_fail(
            error,
            POSTERN_ERROR_BAD_PARAM,
            "%s has %" G_GUINT64_FORMAT
            " bytes; firmware knows floppies of 720, 1200, 1440 and 2880 KiB, and multiples of "
            "128 KiB up to 123264 KiB",
            image->path,
            image->size);
    return TRUE;
}

/* ISO 9660, or UDF without it. */
static gboolean
is_descriptor(const guint8 *sector)
{
    static const char *const names[] = {"CD001", "BEA01", "NSR02", "NSR03", "TEA01"};

    for (gsize i = 0; i < G_N_ELEMENTS(names); i++)
        if (memcmp(sector + 1, names[i], 5) == 0)
            return TRUE;
    return FALSE;
}

static gboolean
check_volume(IderImage *image, GError **error)
{
    guint8 sector[IDER_CD_SECTOR];

    if (image->kind != IDER_CD ||
        (ider_image_read(image, DESCRIPTORS_AT * sizeof sector, sector, sizeof sector) &&
         is_descriptor(sector)))
        return TRUE;
    return postern_fail(
        error,
        POSTERN_ERROR_BAD_PARAM,
        "%s has no volume descriptor in sector 16, as an ISO 9660 or UDF image has: is it the "
        "image of a disk?",
        image->path);
}

static gboolean
open_file(IderImage *image, GError **error)
{
    struct stat found;

    /* not to hang on a pipe */
    image->fd = open(image->path,
                     (image->writable ? O_RDWR : O_RDONLY) | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
    if (image->fd < 0 || fstat(image->fd, &found) != 0)
        return cannot(error, "open", image->path, errno);
    if (!S_ISREG(found.st_mode))
        return postern_fail(
            error, POSTERN_ERROR_BAD_PARAM, "%s is no regular file, as an image is", image->path);
    if (flock(image->fd, (image->writable ? LOCK_EX : LOCK_SH) | LOCK_NB) != 0)
        return cannot(error, "lock", image->path, errno);
    image->device = found.st_dev;
    image->inode = found.st_ino;
    image->size = (guint64)found.st_size;
    posix_fadvise(image->fd, 0, 0, POSIX_FADV_SEQUENTIAL);
    return check_size(image, error) && check_volume(image, error);
}

static void
image_free(IderImage *image)
{
    if (image->fd >= 0)
        close(image->fd); /* and with it the lock */
    g_free(image->path);
    g_free(image);
}

/* One that is open already and is the same file in all that was checked; called under `lock`. */
static IderImage *
find_shared(const IderImage *like)
{
    for (guint i = 0; shared != NULL && i < shared->len; i++) {
        IderImage *image = shared->pdata[i];
        if (image->device == like->device && image->inode == like->inode &&
            image->size == like->size && image->kind == like->kind)
            return image;
    }
    return NULL;
}

/* The one to use: that which others have already, else this. */
static IderImage *
share(IderImage *image)
{
    IderImage *known;

    g_mutex_lock(&lock);
    known = find_shared(image);
    if (known == NULL) {
        if (shared == NULL)
            shared = g_ptr_array_new();
        g_ptr_array_add(shared, image);
        known = image;
    }
    known->users++;
    g_mutex_unlock(&lock);
    if (known != image)
        image_free(image);
    return known;
}

IderImage *
ider_image_open(const char *path, IderKind kind, gboolean writable, GError **error)
{
    IderImage *image = g_new0(IderImage, 1);

    image->path = g_strdup(path);
    image->kind = kind;
    image->writable = writable;
    if (!open_file(image, error)) {
        image_free(image);
        return NULL;
    }
    return writable ? image : share(image);
}

void
ider_image_close(IderImage *image)
{
    gboolean last = TRUE;

    if (image == NULL)
        return;
    if (!image->writable) {
        g_mutex_lock(&lock);
        last = --image->users == 0;
        if (last)
            g_ptr_array_remove_fast(shared, image);
        if (last && shared->len == 0)
            g_clear_pointer(&shared, g_ptr_array_unref);
        g_mutex_unlock(&lock);
    }
    if (last)
        image_free(image);
}

guint64
ider_image_size(const IderImage *image)
{
    return image->size;
}

/* ---- booting ---- */

static gboolean
cd_boots(IderImage *image)
{
    guint8 sector[IDER_CD_SECTOR];

    for (guint64 i = DESCRIPTORS_AT; i < DESCRIPTORS_AT + DESCRIPTORS_MOST; i++) {
        if (!ider_image_read(image, i * sizeof sector, sector, sizeof sector) ||
            !is_descriptor(sector))
            return FALSE;
        if (sector[0] == 0 && memcmp(sector + 7, "EL TORITO SPECIFICATION", 23) == 0)
            return TRUE;
    }
    return FALSE;
}

static gboolean
floppy_boots(IderImage *image)
{
    guint8 sector[IDER_FLOPPY_SECTOR];

    return ider_image_read(image, 0, sector, sizeof sector) && sector[510] == 0x55 &&
           sector[511] == 0xAA;
}

gboolean
ider_image_boots(IderImage *image, GError **error)
{
    gboolean cd = image->kind == IDER_CD;

    if (cd ? cd_boots(image) : floppy_boots(image))
        return TRUE;
    return postern_fail(error,
                        POSTERN_ERROR_BAD_PARAM,
                        "no machine can start from %s: it has no %s",
                        image->path,
                        cd ? "El Torito boot record"
                           : "boot sector (55 AA at the end of the first sector)");
}

/* ---- blocks ---- */

/* Machines read on and on: have what comes next ready before it is asked for. */
static void
read_ahead(const IderImage *image, guint64 offset, gsize length)
{
    guint64 end = offset + length;

    if (offset / AHEAD_STEP != end / AHEAD_STEP)
        posix_fadvise(image->fd, (off_t)end, AHEAD, POSIX_FADV_WILLNEED);
}

gboolean
ider_image_read(IderImage *image, guint64 offset, void *buffer, gsize length)
{
    guint8 *at = buffer;

    read_ahead(image, offset, length);
    while (length > 0) {
        gssize got = pread(image->fd, at, length, (off_t)offset);
        if (got == 0 || (got < 0 && errno != EINTR))
            return FALSE;
        if (got > 0) {
            at += got;
            offset += (guint64)got;
            length -= (gsize)got;
        }
    }
    return TRUE;
}

gboolean
ider_image_write(IderImage *image, guint64 offset, const void *bytes, gsize length)
{
    const guint8 *at = bytes;

    while (length > 0) {
        gssize put = pwrite(image->fd, at, length, (off_t)offset);
        if (put == 0 || (put < 0 && errno != EINTR))
            return FALSE;
        if (put > 0) {
            at += put;
            offset += (guint64)put;
            length -= (gsize)put;
        }
    }
    return TRUE;
}
