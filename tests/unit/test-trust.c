/* SPDX-License-Identifier: Apache-2.0 */
/* The walk from a file to the root: what makes it unsafe, and what the admin is told. */
#include "config.h"

#include "error.h"
#include "trust.h"

#include <glib/gstdio.h>
#include <sys/stat.h>
#include <unistd.h>

typedef struct {
    char *root, *inner, *file;
} Place;

static void
place_up(Place *place, gconstpointer data)
{
    place->root = g_dir_make_tmp("postern-trust-XXXXXX", NULL);
    place->inner = g_build_filename(place->root, "plugins", NULL);
    place->file = g_build_filename(place->inner, "odd.so", NULL);
    g_assert_cmpint(g_mkdir(place->inner, 0755), ==, 0);
    g_assert_true(g_file_set_contents(place->file, "x", 1, NULL));
    g_assert_cmpint(g_chmod(place->inner, 0755), ==, 0);
    g_assert_cmpint(g_chmod(place->file, 0644), ==, 0);
}

static void
place_down(Place *place, gconstpointer data)
{
    g_unlink(place->file);
    g_rmdir(place->file);
    g_rmdir(place->inner);
    g_rmdir(place->root);
    g_free(place->root);
    g_free(place->inner);
    g_free(place->file);
}

static void
unsafe(const char *path, uid_t self, const char *format, const char *component)
{
    g_autofree char *pattern = g_strdup_printf("not safe to load: %s %s", component, format);
    g_autoptr(GError) error = NULL;

    g_assert_false(trust_check(path, self, &error));
    g_assert_true(g_error_matches(error, POSTERN_ERROR, POSTERN_ERROR_FORBIDDEN));
    if (!g_pattern_match_simple(pattern, error->message))
        g_error("expected \"%s\", got \"%s\"", pattern, error->message);
}

static void
test_safe(Place *place, gconstpointer data)
{
    g_autoptr(GError) error = NULL;

    g_assert_true(trust_check(place->file, geteuid(), &error));
    g_assert_no_error(error);
}

static void
test_modes(Place *place, gconstpointer data)
{
    g_assert_cmpint(g_chmod(place->file, 0664), ==, 0);
    unsafe(place->file,
           geteuid(),
           "has mode 0664 and is writable by its group; `chmod go-w */odd.so` mends it",
           place->file);
    g_assert_cmpint(g_chmod(place->file, 0646), ==, 0);
    unsafe(place->file, geteuid(), "has mode 0646 and is writable by everybody; *", place->file);
    g_assert_cmpint(g_chmod(place->file, 0644), ==, 0);
    g_assert_cmpint(g_chmod(place->inner, 0777), ==, 0);
    unsafe(place->file,
           geteuid(),
           "has mode 0777 and is writable by everybody; `chmod go-w */plugins` mends it",
           place->inner);
    g_assert_cmpint(g_chmod(place->inner, 01777), ==, 0);
    g_assert_true(trust_check(place->file, geteuid(), NULL));
}

static void
test_links(Place *place, gconstpointer data)
{
    g_autofree char *file = g_build_filename(place->inner, "other.so", NULL);
    g_autofree char *directory = g_build_filename(place->root, "other", NULL);
    g_autofree char *below = g_build_filename(directory, "odd.so", NULL);

    g_assert_cmpint(symlink(place->file, file), ==, 0);
    unsafe(file, geteuid(), "is a symbolic link; put the real file there*", file);
    g_unlink(file);
    g_assert_cmpint(symlink(place->inner, directory), ==, 0);
    unsafe(below, geteuid(), "is a symbolic link; put the real directory there*", directory);
    g_unlink(directory);
}

static void
test_kinds(Place *place, gconstpointer data)
{
    g_autofree char *below = g_build_filename(place->file, "odd.so", NULL);

    unsafe(place->inner, geteuid(), "is not a regular file", place->inner);
    unsafe("odd.so", geteuid(), "is not an absolute path", "odd.so");
    g_assert_false(trust_check(below, geteuid(), NULL));
    g_assert_cmpint(g_unlink(place->file), ==, 0);
    g_assert_false(trust_check(place->file, geteuid(), NULL));
}

static void
test_owners(Place *place, gconstpointer data)
{
    if (geteuid() == 0) {
        g_assert_cmpint(chown(place->file, 12345, 12345), ==, 0);
        unsafe(place->file,
               0,
               "is owned by user 12345, expected root; `chown root */odd.so` mends it",
               place->file);
        g_assert_true(trust_check(place->file, 12345, NULL));
        unsafe(place->file,
               54321,
               "is owned by user 12345, expected root or user 54321; *",
               place->file);
    } else {
        unsafe(place->file, 0, "is owned by *, expected root; *", place->file);
    }
}

int
main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add("/trust/safe", Place, NULL, place_up, test_safe, place_down);
    g_test_add("/trust/modes", Place, NULL, place_up, test_modes, place_down);
    g_test_add("/trust/links", Place, NULL, place_up, test_links, place_down);
    g_test_add("/trust/kinds", Place, NULL, place_up, test_kinds, place_down);
    g_test_add("/trust/owners", Place, NULL, place_up, test_owners, place_down);
    return g_test_run();
}
