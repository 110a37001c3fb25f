/* SPDX-License-Identifier: Apache-2.0 */
/* Target lists: the first line as an argument of the command, all of it as a file of targets. */
#include "config.h"

#include "fuzz.h"
#include "target.h"

#include <postern-plugin.h>

#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

enum { MOST = 2000 /* a few bytes may stand for sixteen million addresses */ };

/* What a target is called means the same target again: results are keyed by it, and people paste
 * it. */
static void
require_sound(const Target *target)
{
    g_autoptr(TargetSource) source = target_source_new();
    g_autoptr(GError) error = NULL;

    fuzz_demand(target->host[0] != '\0');
    fuzz_demand(g_utf8_validate(target->text, -1, NULL));
    for (const char *c = target->text; *c != '\0'; c++)
        fuzz_demand(!g_ascii_iscntrl(*c));
    if (!target_source_add(source, target->text, &error))
        g_error("the target \"%s\" is none when named again: %s", target->text, error->message);
    g_autoptr(Target) again = target_source_next(source, &error);
    fuzz_demand(again != NULL && error == NULL);
    fuzz_demand(strcmp(again->text, target->text) == 0);
    fuzz_demand(strcmp(again->host, target->host) == 0);
    fuzz_demand(again->port == target->port);
}

/* Draw targets to the end, or until there were enough. FALSE: there are more. */
static gboolean
draw(TargetSource *source, guint *targets)
{
    for (guint turns = 0; turns < MOST; turns++) {
        g_autoptr(GError) error = NULL;
        g_autoptr(Target) target = target_source_next(source, &error);

        fuzz_demand(target == NULL || error == NULL);
        if (error != NULL) {
            fuzz_demand_error(error, POSTERN_ERROR_BAD_PARAM);
            continue;
        }
        if (target == NULL)
            return TRUE;
        ++*targets;
        require_sound(target);
    }
    return FALSE;
}

static void
as_argument(const guint8 *data, gsize size)
{
    g_autofree char *line = g_strndup((const char *)data, size);
    g_autoptr(TargetSource) source = target_source_new();
    g_autoptr(GError) error = NULL;
    guint targets = 0;

    line[strcspn(line, "\n")] = '\0';
    if (!target_source_add(source, line, &error)) {
        fuzz_demand_error(error, POSTERN_ERROR_BAD_PARAM);
        return;
    }
    fuzz_demand(target_source_total(source) > 0);
    if (draw(source, &targets))
        fuzz_demand(targets == target_source_total(source));
}

static void
as_file(const guint8 *data, gsize size)
{
    int fd = memfd_create("targets", MFD_CLOEXEC);
    g_autofree char *path = g_strdup_printf("/proc/self/fd/%d", fd);
    g_autoptr(TargetSource) source = target_source_new();
    g_autoptr(GError) error = NULL;
    guint targets = 0;

    g_assert_cmpint(fd, >=, 0);
    g_assert_cmpint(write(fd, data, size), ==, (gssize)size);
    target_source_add_file(source, path, &error);
    g_assert_no_error(error);
    draw(source, &targets);
    fuzz_demand(target_source_waits_for(source) == -1);
    close(fd);
}

int
LLVMFuzzerTestOneInput(const guint8 *data, gsize size)
{
    as_argument(data, size);
    as_file(data, size);
    return 0;
}
