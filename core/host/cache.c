/* SPDX-License-Identifier: Apache-2.0 */
#include "config.h"

#include "cache.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/auxv.h>
#include <sys/stat.h>
#include <unistd.h>

#define CACHE_MAGIC   "POSTERNC"
#define CACHE_DIR     "/var/cache/postern"
#define CACHE_NAME    "plugins.cache"
#define IDENTITY_TYPE "(stttt)" /* path, size, mtime and ctime in nanoseconds, inode */

enum {
    CACHE_VERSION = 1,
    CACHE_MAX = 16 * 1024 * 1024,
    ENTRIES_MAX = 256,
    ORDER_MARK = 0x01020304, /* read in the other byte order it is another number */
};

typedef struct {
    char magic[8];
    guint32 version;
    guint32 order;
    guint64 length; /* of what follows */
    guint8 sum[32]; /* SHA-256 of it: a flipped bit would else be taken for what a plugin said */
} CacheHead;

struct Cache {
    char *file;         /* NULL: nowhere to keep it */
    char *host;         /* "0.1.0 1.0": answers given to another host do not count */
    GPtrArray *entries; /* of GVariant: (host, identity, state, reason, description or nothing) */
    gboolean changed;
};

static char *
entry_type(void)
{
    return g_strdup_printf("(s" IDENTITY_TYPE "usm%s)", descriptor_variant_type());
}

static char *
entries_type(void)
{
    g_autofree char *entry = entry_type();

    return g_strconcat("a", entry, NULL);
}

/* Root does not follow the environment, nor does a program that runs with more rights than its
 * user. */
static char *
usual_place(void)
{
    if (getauxval(AT_SECURE) != 0)
        return NULL;
    if (geteuid() == 0)
        return g_strdup(CACHE_DIR "/" CACHE_NAME);
    return g_build_filename(g_get_user_cache_dir(), "postern", CACHE_NAME, NULL);
}

static void
sum_up(guint8 *sum, gconstpointer data, gsize length)
{
    g_autoptr(GChecksum) checksum = g_checksum_new(G_CHECKSUM_SHA256);
    gsize size = sizeof((CacheHead *)NULL)->sum;

    g_checksum_update(checksum, data, (gssize)length);
    g_checksum_get_digest(checksum, sum, &size);
}

/* ---- reading ---- */

static gboolean
is_ours(int fd, gsize *length)
{
    struct stat about;

    if (fstat(fd, &about) != 0 || !S_ISREG(about.st_mode) || about.st_uid != geteuid() ||
        (about.st_mode & 022) != 0 || about.st_size < (off_t)sizeof(CacheHead) ||
        about.st_size > CACHE_MAX)
        return FALSE;
    *length = (gsize)about.st_size;
    return TRUE;
}

static GBytes *
read_bytes(int fd)
{
    gsize length = 0, have = 0;
    g_autofree guint8 *data = NULL;

    if (!is_ours(fd, &length))
        return NULL;
    data = g_malloc(length);
    while (have < length) {
        gssize got = read(fd, data + have, length - have);

        if (got < 0 && errno == EINTR)
            continue;
        if (got <= 0)
            return NULL;
        have += (gsize)got;
    }
    return g_bytes_new_take(g_steal_pointer(&data), length);
}

static GVariant *
parse_bytes(GBytes *bytes)
{
    g_autofree char *type = entries_type();
    gsize length;
    const guint8 *data = g_bytes_get_data(bytes, &length);
    CacheHead head;
    guint8 sum[sizeof head.sum];
    g_autoptr(GBytes) body = NULL;
    g_autoptr(GVariant) entries = NULL;

    memcpy(&head, data, sizeof head);
    if (memcmp(head.magic, CACHE_MAGIC, sizeof head.magic) != 0 || head.version != CACHE_VERSION ||
        head.order != ORDER_MARK || head.length != length - sizeof head)
        return NULL;
    sum_up(sum, data + sizeof head, length - sizeof head);
    if (memcmp(sum, head.sum, sizeof sum) != 0)
        return NULL;
    body = g_bytes_new_from_bytes(bytes, sizeof head, length - sizeof head);
    entries = g_variant_ref_sink(g_variant_new_from_bytes(G_VARIANT_TYPE(type), body, FALSE));
    if (!g_variant_is_normal_form(entries) || g_variant_n_children(entries) > ENTRIES_MAX)
        return NULL;
    return g_steal_pointer(&entries);
}

static void
cache_read(Cache *cache)
{
    int fd = open(cache->file, O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK | O_NOCTTY);
    g_autoptr(GBytes) bytes = NULL;
    g_autoptr(GVariant) entries = NULL;

    if (fd < 0)
        return;
    bytes = read_bytes(fd);
    close(fd);
    entries = bytes != NULL ? parse_bytes(bytes) : NULL;
    if (entries == NULL) {
        g_debug("plugin cache %s is damaged, of another version or not ours: made anew",
                cache->file);
        return;
    }
    for (gsize i = 0; i < g_variant_n_children(entries); i++)
        g_ptr_array_add(cache->entries, g_variant_get_child_value(entries, i));
}

Cache *
cache_open(const char *file, const PosternHost *host)
{
    Cache *cache = g_new0(Cache, 1);

    cache->file = file != NULL ? g_strdup(file) : usual_place();
    cache->host = g_strdup_printf("%s %u.%u", host->version, host->abi_major, host->abi_minor);
    cache->entries = g_ptr_array_new_with_free_func((GDestroyNotify)g_variant_unref);
    if (cache->file != NULL)
        cache_read(cache);
    return cache;
}

void
cache_free(Cache *cache)
{
    if (cache == NULL)
        return;
    g_free(cache->file);
    g_free(cache->host);
    g_ptr_array_unref(cache->entries);
    g_free(cache);
}

/* ---- entries ---- */

static guint64
nanoseconds(const struct timespec *time)
{
    return (guint64)time->tv_sec * G_GUINT64_CONSTANT(1000000000) + (guint64)time->tv_nsec;
}

/* The file as it is now, or NULL. A full reference. */
static GVariant *
identify(const char *file)
{
    struct stat about;

    if (lstat(file, &about) != 0)
        return NULL;
    return g_variant_ref_sink(g_variant_new(IDENTITY_TYPE,
                                            file,
                                            (guint64)about.st_size,
                                            nanoseconds(&about.st_mtim),
                                            nanoseconds(&about.st_ctim),
                                            (guint64)about.st_ino));
}

static gboolean
is_entry_of(GVariant *entry, const char *host, const char *file)
{
    const char *whose, *path;

    g_variant_get_child(entry, 0, "&s", &whose);
    g_variant_get_child(entry, 1, "(&stttt)", &path, NULL, NULL, NULL, NULL);
    return strcmp(whose, host) == 0 && strcmp(path, file) == 0;
}

static gint
find_entry(const Cache *cache, const char *file)
{
    for (guint i = 0; i < cache->entries->len; i++)
        if (is_entry_of(cache->entries->pdata[i], cache->host, file))
            return (gint)i;
    return -1;
}

gboolean
cache_look_up(Cache *cache, Probe *probe)
{
    gint at = find_entry(cache, probe->file);
    g_autoptr(GVariant) now = at >= 0 ? identify(probe->file) : NULL;
    g_autoptr(GVariant) then = NULL;
    g_autoptr(GVariant) maybe = NULL;
    const char *reason;
    guint32 state;

    if (now == NULL)
        return FALSE;
    then = g_variant_get_child_value(cache->entries->pdata[at], 1);
    if (!g_variant_equal(now, then))
        return FALSE;
    g_variant_get_child(cache->entries->pdata[at], 2, "u", &state);
    g_variant_get_child(cache->entries->pdata[at], 3, "&s", &reason);
    maybe = g_variant_get_child_value(cache->entries->pdata[at], 4);
    if (state == PROBE_OK && g_variant_n_children(maybe) == 1)
        probe->description = g_variant_get_maybe(maybe);
    else if (state != PROBE_CRASHED)
        return FALSE;
    probe->state = (ProbeState)state;
    probe->reason = g_strdup(reason);
    return TRUE;
}

void
cache_learn(Cache *cache, const Probe *probe)
{
    g_autoptr(GVariant) identity = identify(probe->file);
    gint at = find_entry(cache, probe->file);
    GVariant *parts[5];

    if (at >= 0) {
        g_ptr_array_remove_index(cache->entries, (guint)at);
        cache->changed = TRUE;
    }
    if (identity == NULL || (probe->state != PROBE_OK && probe->state != PROBE_CRASHED))
        return;
    if (cache->entries->len == ENTRIES_MAX) /* the oldest goes */
        g_ptr_array_remove_index(cache->entries, 0);
    parts[0] = g_variant_new_string(cache->host);
    parts[1] = identity;
    parts[2] = g_variant_new_uint32(probe->state);
    parts[3] = g_variant_new_string(probe->reason != NULL ? probe->reason : "");
    parts[4] = g_variant_new_maybe(G_VARIANT_TYPE(descriptor_variant_type()), probe->description);
    g_ptr_array_add(cache->entries,
                    g_variant_ref_sink(g_variant_new_tuple(parts, G_N_ELEMENTS(parts))));
    cache->changed = TRUE;
}

/* ---- writing ---- */

static GByteArray *
serialise(const Cache *cache)
{
    g_autofree char *type = entry_type();
    g_autoptr(GVariant) entries = g_variant_ref_sink(g_variant_new_array(
        G_VARIANT_TYPE(type), (GVariant *const *)cache->entries->pdata, cache->entries->len));
    CacheHead head = {
        .version = CACHE_VERSION, .order = ORDER_MARK, .length = g_variant_get_size(entries)};
    GByteArray *bytes = g_byte_array_new();

    memcpy(head.magic, CACHE_MAGIC, sizeof head.magic);
    sum_up(head.sum, g_variant_get_data(entries), g_variant_get_size(entries));
    g_byte_array_append(bytes, (const guint8 *)&head, sizeof head);
    g_byte_array_append(bytes, g_variant_get_data(entries), (guint)g_variant_get_size(entries));
    return bytes;
}

void
cache_save(Cache *cache)
{
    g_autofree char *directory = cache->file != NULL ? g_path_get_dirname(cache->file) : NULL;
    g_autoptr(GByteArray) bytes = NULL;
    g_autoptr(GError) error = NULL;

    if (!cache->changed || directory == NULL)
        return;
    bytes = serialise(cache);
    if (g_mkdir_with_parents(directory, 0700) != 0)
        g_debug("cannot make %s for the plugin cache: %s", directory, g_strerror(errno));
    else if (!g_file_set_contents_full(cache->file,
                                       (const char *)bytes->data,
                                       (gssize)bytes->len,
                                       G_FILE_SET_CONTENTS_CONSISTENT,
                                       0600,
                                       &error))
        g_debug("cannot write the plugin cache: %s", error->message);
    cache->changed = FALSE;
}
