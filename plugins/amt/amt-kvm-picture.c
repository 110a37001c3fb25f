/* SPDX-License-Identifier: Apache-2.0 */
/* A screen as a PNG file. */
#include "amt-kvm.h"

#include <errno.h>
#include <fcntl.h>
#include <glib/gstdio.h>
#include <png.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum { OWNER_ONLY = 0600 }; /* a screen may show anything */

/* What may be part of a file's name, from a target as it was typed: never a folder, never hidden. */
static void
append_name(GString *out, const char *target)
{
    for (const char *at = target; *at != '\0'; at++) {
        gboolean plain = (g_ascii_isgraph(*at) && *at != '/' && (*at != '.' || at != target)) ||
                         (*at & 0x80) != 0;
        g_string_append_c(out, plain ? *at : '_');
    }
}

char *
amt_picture_path(const char *pattern, const char *target, GError **error)
{
    g_autoptr(GString) path = g_string_new(NULL);

    if (g_file_test(pattern, G_FILE_TEST_IS_DIR)) {
        g_string_append_printf(path, "%s/", pattern);
        append_name(path, target);
        g_string_append(path, ".png");
        return g_string_free(g_steal_pointer(&path), FALSE);
    }
    for (const char *at = pattern; *at != '\0'; at++) {
        if (*at != '%') {
            g_string_append_c(path, *at);
        } else if (*++at == 't') {
            append_name(path, target);
        } else if (*at == '%') {
            g_string_append_c(path, '%');
        } else {
            postern_fail(error,
                         POSTERN_ERROR_BAD_PARAM,
                         "the file's name \"%s\" has a %% that neither t (the target) nor another "
                         "%% follows",
                         pattern);
            return NULL;
        }
    }
    return g_string_free(g_steal_pointer(&path), FALSE);
}

static gboolean
failed(GError **error, const char *what, const char *path)
{
    const char *why = g_strerror(errno);

    return postern_fail(error,
                        POSTERN_ERROR_BAD_PARAM,
                        "cannot %s %s: %s%s",
                        what,
                        path,
                        why,
                        errno == EEXIST ? "; name another, or give replace=true" : "");
}

/* libpng's simple interface: it returns, where the other jumps. */
static gboolean
write_png(const RfbScreen *screen, FILE *file, GError **error)
{
    const guint width = rfb_screen_width(screen), height = rfb_screen_height(screen);
    g_autofree guint8 *pixels = g_malloc((gsize)width * height * 3);
    png_image image = {
        .version = PNG_IMAGE_VERSION, .width = width, .height = height, .format = PNG_FORMAT_RGB};
    gboolean good;

    for (guint y = 0; y < height; y++)
        rfb_screen_row(screen, y, pixels + (gsize)y * width * 3);
    good = png_image_write_to_stdio(&image, file, 0, pixels, 0, NULL) != 0;
    if (!good)
        postern_fail(
            error, POSTERN_ERROR_INTERNAL, "the picture cannot be written: %s", image.message);
    png_image_free(&image);
    return good;
}

/* Takes `fd`. */
static gboolean
fill_file(AmtPicture *picture, int fd, const char *path, GError **error)
{
    FILE *file = fdopen(fd, "wb");
    struct stat found;
    gboolean good;

    if (file == NULL) {
        close(fd);
        return failed(error, "write", path);
    }
    good = write_png(picture->screen, file, error);
    if (good && (fflush(file) != 0 || fsync(fd) != 0 || fstat(fd, &found) != 0))
        good = failed(error, "write", path);
    if (good)
        picture->bytes = (guint64)found.st_size;
    if (fclose(file) != 0 && good)
        good = failed(error, "write", path);
    return good;
}

/* Beside the file whose place it takes, so that whoever reads sees the old picture or the new one. */
static gboolean
replace_file(AmtPicture *picture, GError **error)
{
    g_autofree char *path = g_strconcat(picture->path, ".XXXXXX", NULL);
    int fd = g_mkstemp_full(path, O_WRONLY | O_CLOEXEC, OWNER_ONLY);
    gboolean good;

    if (fd < 0)
        return failed(error, "create", path);
    good = fill_file(picture, fd, path, error);
    if (good && g_rename(path, picture->path) != 0)
        good = failed(error, "replace", picture->path);
    if (!good)
        g_unlink(path);
    return good;
}

gboolean
amt_picture_write(gpointer data, GCancellable *cancellable, GError **error)
{
    AmtPicture *picture = data;
    int fd;
    gboolean good;

    if (picture->replace)
        return replace_file(picture, error);
    fd = g_open(picture->path, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, OWNER_ONLY);
    if (fd < 0)
        return failed(error, "create", picture->path);
    good = fill_file(picture, fd, picture->path, error);
    if (!good)
        g_unlink(picture->path);
    return good;
}
