/* SPDX-License-Identifier: Apache-2.0 */
/*
 * fuzz-target.c - target lists: as an argument of the command, and as a file.
 */
#include "config.h"

#include "fuzz.h"
#include "target.h"

#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

enum { DRAWN = 200 };

/* What comes out must be fit for connecting, whatever went in. */
static void
check(const Target *target)
{
    fuzz_demand(target->host != NULL && *target->host != '\0' && strlen(target->host) < 256);
    fuzz_demand(target->text != NULL && g_utf8_validate(target->text, -1, NULL));
    fuzz_demand(strpbrk(target->host, " \t\r\n/[]") == NULL);
}

static void
draw(TargetSource *source)
{
    for (guint i = 0; i < DRAWN; i++) {
        g_autoptr(GError) error = NULL;
        g_autoptr(Target) target = target_source_next(source, &error);

        if (target == NULL && error == NULL)
            return;
        fuzz_demand(target == NULL || error == NULL);
        if (target != NULL)
            check(target);
    }
}

static void
as_argument(const guint8 *data, gsize size)
{
    g_autofree char *text = g_strndup((const char *)data, size);
    g_autoptr(TargetSource) source = target_source_new();
    g_autoptr(GError) error = NULL;

    if (target_source_add(source, text, &error))
        draw(source);
    else
        fuzz_demand(error != NULL);
}

static void
as_file(const guint8 *data, gsize size)
{
    int fd = memfd_create("targets", MFD_CLOEXEC);
    g_autofree char *path = g_strdup_printf("/proc/self/fd/%d", fd);
    g_autoptr(TargetSource) source = target_source_new();

    if (fd >= 0 && write(fd, data, size) == (gssize)size &&
        target_source_add_file(source, path, NULL))
        draw(source);
    close(fd);
}

int
LLVMFuzzerTestOneInput(const guint8 *data, gsize size)
{
    as_argument(data, size);
    as_file(data, size);
    return 0;
}
