/* SPDX-License-Identifier: Apache-2.0 */
#ifndef AMT_IDER_IMAGE_H
#define AMT_IDER_IMAGE_H

/*
 * amt-ider-image.h - the file behind a drive of storage redirection.
 *
 * All runs of this process that read one file share one descriptor. A file is locked (flock) as long as it is served: shared
 * for reading, exclusive for writing.
 */
#include "amt-ider-scsi.h"

typedef struct IderImage IderImage;

/* Check and open it. BAD_PARAM: it is no image of that kind; CONFLICT: somebody else has it locked. */
IderImage *ider_image_open(const char *path, IderKind kind, gboolean writable, GError **error);
/* Accepts NULL. */
void ider_image_close(IderImage *image);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(IderImage, ider_image_close)

guint64 ider_image_size(const IderImage *image);

/* FALSE with BAD_PARAM unless a machine can start from it: El Torito, or the mark of a boot sector. */
gboolean ider_image_boots(IderImage *image, GError **error);

/* Exactly `length` bytes, FALSE when the file has them no more or the disk fails. */
gboolean ider_image_read(IderImage *image, guint64 offset, void *buffer, gsize length);
gboolean ider_image_write(IderImage *image, guint64 offset, const void *bytes, gsize length);

#endif /* AMT_IDER_IMAGE_H */
