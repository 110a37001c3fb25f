/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* fuzz-store.h - an empty store for targets that need one: made once for the process, and gone with it. */
#include "store/store.h"

#include <glib/gstdio.h>

static inline Store *
fuzz_store(void)
{
    static const char *const ends[] = {"", "-wal", "-shm"};
    static Store *store;
    g_autoptr(GError) error = NULL;
    g_autofree char *directory = NULL, *path = NULL;

    if (store != NULL)
        return store;
    directory = g_dir_make_tmp("postern-fuzz-XXXXXX", &error);
    g_assert_no_error(error);
    path = g_build_filename(directory, "fleet.db", NULL);
    store = store_open(path, &error);
    g_assert_no_error(error);
    /* it lives as long as it is open */
    for (guint i = 0; i < G_N_ELEMENTS(ends); i++) {
        g_autofree char *file = g_strconcat(path, ends[i], NULL);
        g_unlink(file);
    }
    g_rmdir(directory);
    return store;
}
