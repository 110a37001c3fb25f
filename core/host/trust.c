/* SPDX-License-Identifier: Apache-2.0 */
#include "config.h"

#include "error.h"
#include "trust.h"

#include <errno.h>
#include <pwd.h>
#include <string.h>
#include <sys/stat.h>

static gboolean refuse(GError **error, const char *format, ...) G_GNUC_PRINTF(2, 3);

static gboolean
refuse(GError **error, const char *format, ...)
{
    g_autofree char *text = NULL;
    va_list args;

    va_start(args, format);
    text = g_strdup_vprintf(format, args);
    va_end(args);
    g_set_error(error, POSTERN_ERROR, POSTERN_ERROR_FORBIDDEN, "not safe to load: %s", text);
    return FALSE;
}

static char *
user_name(uid_t uid)
{
    char buffer[1024];
    struct passwd entry, *found = NULL;

    if (getpwuid_r(uid, &entry, buffer, sizeof buffer, &found) == 0 && found != NULL)
        return g_strdup_printf("%s (%u)", entry.pw_name, (guint)uid);
    return g_strdup_printf("user %u", (guint)uid);
}

static gboolean
check_owner(const char *path, const struct stat *about, uid_t self, GError **error)
{
    g_autofree char *owner = NULL;
    g_autofree char *wanted = NULL;

    if (about->st_uid == 0 || about->st_uid == self)
        return TRUE;
    owner = user_name(about->st_uid);
    wanted = self == 0 ? g_strdup("root") : g_strdup_printf("root or user %u", (guint)self);
    return refuse(error,
                  "%s is owned by %s, expected %s; `chown root %s` mends it",
                  path,
                  owner,
                  wanted,
                  path);
}

static gboolean
check_mode(const char *path, const struct stat *about, GError **error)
{
    guint mode = (guint)about->st_mode & 07777;

    if ((mode & 022) == 0 || (S_ISDIR(about->st_mode) && (mode & S_ISVTX) != 0))
        return TRUE;
    return refuse(error,
                  "%s has mode %04o and is writable by %s; `chmod go-w %s` mends it",
                  path,
                  mode,
                  (mode & 02) != 0 ? "everybody" : "its group",
                  path);
}

static gboolean
check_component(const char *path, gboolean is_last, uid_t self, GError **error)
{
    struct stat about;

    if (lstat(path, &about) != 0) {
        error_set_errno(error, errno, "cannot look at %s", path);
        return FALSE;
    }
    if (S_ISLNK(about.st_mode))
        return refuse(error,
                      "%s is a symbolic link; put the real %s there, or name the place it points "
                      "to in plugin-path",
                      path,
                      is_last ? "file" : "directory");
    if (is_last && !S_ISREG(about.st_mode))
        return refuse(error, "%s is not a regular file", path);
    if (!is_last && !S_ISDIR(about.st_mode))
        return refuse(error, "%s is not a directory", path);
    return check_owner(path, &about, self, error) && check_mode(path, &about, error);
}

gboolean
trust_check(const char *path, uid_t self, GError **error)
{
    g_autofree char *at = NULL;
    gboolean is_last = TRUE;

    if (!g_path_is_absolute(path))
        return refuse(error, "%s is not an absolute path", path);
    at = g_canonicalize_filename(path, "/");
    for (;; is_last = FALSE) {
        char *parent;

        if (!check_component(at, is_last, self, error))
            return FALSE;
        if (strcmp(at, "/") == 0)
            return TRUE;
        parent = g_path_get_dirname(at);
        g_free(at);
        at = parent;
    }
}
