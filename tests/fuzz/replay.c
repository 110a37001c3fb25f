/* SPDX-License-Identifier: Apache-2.0 */
/*
 * replay.c - a fuzz target without a fuzzer: its seeds, and mutations of them that are the same at
 * each run. What a fuzzer has found is added to the seeds, so that it stays fixed.
 */
#include "config.h"

#include "fuzz.h"

#include <string.h>

enum { MUTATIONS = 300, LONGEST = 1 << 20, SECONDS = 20 };

/* Change, drop, double or cut a few bytes. */
static void
mutate(GByteArray *bytes, GRand *random)
{
    for (gint32 n = g_rand_int_range(random, 1, 5); n > 0 && bytes->len > 0; n--) {
        guint at = (guint)g_rand_int_range(random, 0, (gint32)bytes->len);
        guint length = (guint)g_rand_int_range(random, 1, 9);

        length = MIN(length, bytes->len - at);
        switch (g_rand_int_range(random, 0, 5)) {
        case 0:
            bytes->data[at] = (guint8)g_rand_int(random);
            break;
        case 1:
            bytes->data[at] ^= (guint8)(1 << g_rand_int_range(random, 0, 8));
            break;
        case 2:
            g_byte_array_remove_range(bytes, at, length);
            break;
        case 3: {
            g_autofree guint8 *copy = g_memdup2(bytes->data + at, length);
            g_byte_array_append(bytes, copy, length);
            break;
        }
        default:
            g_byte_array_set_size(bytes, at);
        }
    }
}

/* The input is a block of exactly its size, so that a checker sees each byte read behind it. */
static void
try_bytes(const guint8 *data, gsize size)
{
    g_autofree guint8 *exact = g_malloc(MAX(size, 1));

    if (size > 0)
        memcpy(exact, data, size);
    LLVMFuzzerTestOneInput(exact, size);
}

static void
test_seed(gconstpointer path)
{
    g_autofree char *text = NULL;
    g_autoptr(GError) error = NULL;
    GRand *random = g_rand_new_with_seed(g_str_hash(FUZZ_NAME));
    gint64 until = g_get_monotonic_time() + SECONDS * G_USEC_PER_SEC;
    gsize size = 0;

    g_file_get_contents(path, &text, &size, &error);
    g_assert_no_error(error);
    g_assert_cmpuint(size, <=, LONGEST);
    try_bytes((const guint8 *)text, size);
    for (guint i = 0; i < MUTATIONS && g_get_monotonic_time() < until; i++) {
        g_autoptr(GByteArray) bytes = g_byte_array_new();

        g_byte_array_append(bytes, (const guint8 *)text, (guint)size);
        mutate(bytes, random);
        try_bytes(bytes->data, bytes->len);
    }
    g_rand_free(random);
}

static void
test_nothing(void)
{
    LLVMFuzzerTestOneInput((const guint8 *)"", 0);
}

int
main(int argc, char **argv)
{
    const char *folder = TEST_SRCDIR "/tests/fuzz/corpus/" FUZZ_NAME;
    g_autoptr(GDir) dir = g_dir_open(folder, 0, NULL);
    const char *name;

    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/" FUZZ_NAME "/nothing", test_nothing);
    g_assert_nonnull(dir);
    while ((name = g_dir_read_name(dir)) != NULL) {
        g_autofree char *test = g_strconcat("/" FUZZ_NAME "/", name, NULL);

        g_test_add_data_func_full(test, g_build_filename(folder, name, NULL), test_seed, g_free);
    }
    return g_test_run();
}
