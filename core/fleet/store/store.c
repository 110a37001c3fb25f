/* SPDX-License-Identifier: Apache-2.0 */
#include "config.h"

#include "error.h"
#include "functions.h"
#include "schema.h"
#include "store.h"

#include <errno.h>
#include <fcntl.h>
#include <sqlite3.h>
#include <stdarg.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/vfs.h>
#include <unistd.h>

/* "POST": so that another program's database is not taken for ours. */
enum { APPLICATION_ID = 0x504f5354, BUSY_MS = 10 * 1000, KEPT_MOST = 200, CACHE_KIB = 16 * 1024 };

struct Store {
    sqlite3 *db;
    char *path;
    GHashTable *statements; /* SQL -> Prepared */
    gboolean in_transaction;
    gpointer kept; /* until the transaction ends */
    GDestroyNotify kept_destroy;
    StoreWrite kept_write;
};

/* A statement that is kept for the next time. */
typedef struct {
    char *sql;
    sqlite3_stmt *statement;
    gboolean busy; /* somebody reads its rows */
} Prepared;

struct StoreRows {
    Store *store;
    sqlite3_stmt *statement;
    Prepared *prepared; /* NULL: the statement is this one's own */
};

gint64
store_now(void)
{
    return g_get_real_time();
}

const char *
store_path(const Store *store)
{
    return store->path;
}

/* ---- errors ---- */

static PosternError
code_of(int result)
{
    switch (result & 0xff) {
    case SQLITE_CONSTRAINT:
    case SQLITE_CORRUPT:
    case SQLITE_NOTADB:
    case SQLITE_SCHEMA:
        return POSTERN_ERROR_CONFLICT;
    case SQLITE_CANTOPEN:
    case SQLITE_PERM:
    case SQLITE_READONLY:
        return POSTERN_ERROR_BAD_PARAM;
    case SQLITE_ERROR:
    case SQLITE_MISUSE:
    case SQLITE_RANGE:
        return POSTERN_ERROR_INTERNAL;
    default:
        return POSTERN_ERROR_BUSY;
    }
}

static const char *
advice(int result)
{
    switch (result & 0xff) {
    case SQLITE_BUSY:
    case SQLITE_LOCKED:
        return "; another process has held it for 10 seconds";
    case SQLITE_FULL:
        return "; make room on the disk";
    case SQLITE_CORRUPT:
    case SQLITE_NOTADB:
        return "; go back to a backup (postern store backup makes them), and look at the disk";
    case SQLITE_READONLY:
    case SQLITE_PERM:
    case SQLITE_CANTOPEN:
        return "; who runs this must be able to write the file and its directory";
    default:
        return "";
    }
}

static gboolean
fail(const Store *store, int result, const char *what, GError **error)
{
    g_set_error(error,
                POSTERN_ERROR,
                (gint)code_of(result),
                "store %s: cannot %s: %s%s",
                store->path,
                what,
                store->db != NULL ? sqlite3_errmsg(store->db) : sqlite3_errstr(result),
                advice(result));
    return FALSE;
}

/* ---- statements ---- */

/* Statements are long and few, and looked up all the time: a few of their letters tell them apart well enough. */
static guint
sql_hash(gconstpointer key)
{
    const char *sql = key;
    gsize length = strlen(sql);
    guint hash = (guint)length;

    for (gsize i = 0; i < 16; i++)
        hash = hash * 33 + (guchar)sql[length * i / 16];
    return hash;
}

static void
prepared_free(gpointer data)
{
    Prepared *prepared = data;

    sqlite3_finalize(prepared->statement);
    g_free(prepared->sql);
    g_free(prepared);
}

static sqlite3_stmt *
prepare(Store *store, const char *sql, GError **error)
{
    sqlite3_stmt *statement = NULL;
    int result =
        sqlite3_prepare_v3(store->db, sql, -1, SQLITE_PREPARE_PERSISTENT, &statement, NULL);

    if (result != SQLITE_OK)
        fail(store, result, sql, error);
    return statement;
}

/* The kept one, or one that is kept from now on; of its own where that is in use, or where too many are kept. */
static gboolean
rows_take(StoreRows *rows, const char *sql, GError **error)
{
    GHashTable *kept = rows->store->statements;
    Prepared *prepared = g_hash_table_lookup(kept, sql);

    if (prepared == NULL || prepared->busy) {
        rows->statement = prepare(rows->store, sql, error);
        if (rows->statement == NULL || prepared != NULL || g_hash_table_size(kept) >= KEPT_MOST)
            return rows->statement != NULL;
        prepared = g_new0(Prepared, 1);
        prepared->sql = g_strdup(sql);
        prepared->statement = rows->statement;
        g_hash_table_insert(kept, prepared->sql, prepared);
    }
    prepared->busy = TRUE;
    rows->prepared = prepared;
    rows->statement = prepared->statement;
    return TRUE;
}

static int
bind_bytes(sqlite3_stmt *statement, int place, GBytes *bytes)
{
    gsize length = 0;
    gconstpointer data = bytes != NULL ? g_bytes_get_data(bytes, &length) : NULL;

    if (bytes == NULL)
        return sqlite3_bind_null(statement, place);
    return sqlite3_bind_blob64(statement, place, length > 0 ? data : "", length, SQLITE_TRANSIENT);
}

/* `keep` is SQLITE_STATIC where the values outlive the statement's use, else SQLITE_TRANSIENT. */
static int
bind_one(
    sqlite3_stmt *statement, int place, char type, sqlite3_destructor_type keep, va_list *values)
{
    switch (type) {
    case 's':
        return sqlite3_bind_text(statement, place, va_arg(*values, const char *), -1, keep);
    case 'i':
        return sqlite3_bind_int64(statement, place, va_arg(*values, gint64));
    case 'd':
        return sqlite3_bind_double(statement, place, va_arg(*values, double));
    case 'b':
        return bind_bytes(statement, place, va_arg(*values, GBytes *));
    default:
        return SQLITE_MISUSE;
    }
}

static StoreRows *
rows_new(Store *store, const char *sql, GError **error)
{
    StoreRows *rows = g_new0(StoreRows, 1);

    rows->store = store;
    if (rows_take(rows, sql, error))
        return rows;
    g_free(rows);
    return NULL;
}

void
store_rows_free(StoreRows *rows)
{
    if (rows == NULL)
        return;
    if (rows->prepared != NULL) {
        sqlite3_reset(rows->statement);
        sqlite3_clear_bindings(rows->statement);
        rows->prepared->busy = FALSE;
    } else {
        sqlite3_finalize(rows->statement);
    }
    g_free(rows);
}

static StoreRows *
query_list(Store *store,
           const char *sql,
           const char *types,
           sqlite3_destructor_type keep,
           va_list *values,
           GError **error)
{
    g_autoptr(StoreRows) rows = rows_new(store, sql, error);

    for (int i = 0; rows != NULL && types[i] != '\0'; i++) {
        int result = bind_one(rows->statement, i + 1, types[i], keep, values);
        if (result != SQLITE_OK) {
            fail(store, result, sql, error);
            return NULL;
        }
    }
    return g_steal_pointer(&rows);
}

StoreRows *
store_query(Store *store, GError **error, const char *sql, const char *types, ...)
{
    va_list values;
    StoreRows *rows;

    va_start(values, types);
    rows = query_list(store, sql, types, SQLITE_TRANSIENT, &values, error);
    va_end(values);
    return rows;
}

static int
bind_variant(sqlite3_stmt *statement, int place, GVariant *value)
{
    if (g_variant_is_of_type(value, G_VARIANT_TYPE_INT64))
        return sqlite3_bind_int64(statement, place, g_variant_get_int64(value));
    if (g_variant_is_of_type(value, G_VARIANT_TYPE_DOUBLE))
        return sqlite3_bind_double(statement, place, g_variant_get_double(value));
    if (g_variant_is_of_type(value, G_VARIANT_TYPE_STRING))
        return sqlite3_bind_text(
            statement, place, g_variant_get_string(value, NULL), -1, SQLITE_TRANSIENT);
    if (g_variant_is_of_type(value, G_VARIANT_TYPE_BYTESTRING)) {
        g_autoptr(GBytes) bytes = g_variant_get_data_as_bytes(value);
        return bind_bytes(statement, place, bytes);
    }
    return SQLITE_MISUSE;
}

StoreRows *
store_query_values(Store *store, const char *sql, GPtrArray *values, GError **error)
{
    g_autoptr(StoreRows) rows = rows_new(store, sql, error);

    for (guint i = 0; rows != NULL && i < values->len; i++) {
        int result = bind_variant(rows->statement, (int)i + 1, values->pdata[i]);
        if (result != SQLITE_OK) {
            fail(store, result, sql, error);
            return NULL;
        }
    }
    return g_steal_pointer(&rows);
}

gboolean
store_next(StoreRows *rows, GError **error)
{
    int result = sqlite3_step(rows->statement);

    if (result == SQLITE_ROW)
        return TRUE;
    if (result != SQLITE_DONE)
        fail(rows->store, result, "read or write", error);
    return FALSE;
}

gboolean
store_run(Store *store, GError **error, const char *sql, const char *types, ...)
{
    g_autoptr(GError) problem = NULL;
    g_autoptr(StoreRows) rows = NULL;
    va_list values;

    va_start(values, types);
    rows = query_list(store, sql, types, SQLITE_STATIC, &values, &problem);
    va_end(values);
    while (rows != NULL && store_next(rows, &problem))
        continue;
    if (problem == NULL)
        return TRUE;
    g_propagate_error(error, g_steal_pointer(&problem));
    return FALSE;
}

gboolean
store_number(Store *store,
             gint64 *number,
             gint64 absent,
             GError **error,
             const char *sql,
             const char *types,
             ...)
{
    g_autoptr(GError) problem = NULL;
    g_autoptr(StoreRows) rows = NULL;
    va_list values;

    va_start(values, types);
    rows = query_list(store, sql, types, SQLITE_STATIC, &values, &problem);
    va_end(values);
    *number = absent;
    if (rows != NULL && store_next(rows, &problem) && !store_is_null(rows, 0))
        *number = store_integer(rows, 0);
    if (problem == NULL)
        return TRUE;
    g_propagate_error(error, g_steal_pointer(&problem));
    return FALSE;
}

gint64
store_changes(const Store *store)
{
    return sqlite3_changes64(store->db);
}

gint64
store_last_id(const Store *store)
{
    return sqlite3_last_insert_rowid(store->db);
}

const char *
store_text(StoreRows *rows, guint column)
{
    return (const char *)sqlite3_column_text(rows->statement, (int)column);
}

gint64
store_integer(StoreRows *rows, guint column)
{
    return sqlite3_column_int64(rows->statement, (int)column);
}

double
store_real(StoreRows *rows, guint column)
{
    return sqlite3_column_double(rows->statement, (int)column);
}

GBytes *
store_bytes(StoreRows *rows, guint column)
{
    const void *data = sqlite3_column_blob(rows->statement, (int)column);

    if (store_is_null(rows, column))
        return NULL;
    return g_bytes_new(data, (gsize)sqlite3_column_bytes(rows->statement, (int)column));
}

gboolean
store_is_null(StoreRows *rows, guint column)
{
    return sqlite3_column_type(rows->statement, (int)column) == SQLITE_NULL;
}

gsize
store_length(StoreRows *rows, guint column)
{
    return (gsize)sqlite3_column_bytes(rows->statement, (int)column);
}

char
store_type(StoreRows *rows, guint column)
{
    switch (sqlite3_column_type(rows->statement, (int)column)) {
    case SQLITE_INTEGER:
        return 'i';
    case SQLITE_FLOAT:
        return 'd';
    case SQLITE_TEXT:
        return 's';
    case SQLITE_BLOB:
        return 'b';
    default:
        return 0;
    }
}

/* ---- transactions ---- */

void
store_keep(Store *store, gpointer data, GDestroyNotify destroy, StoreWrite write)
{
    if (store->kept != NULL)
        store->kept_destroy(store->kept);
    store->kept = data;
    store->kept_destroy = destroy;
    store->kept_write = write;
}

gpointer
store_kept(const Store *store)
{
    return store->kept;
}

gboolean
store_begin(Store *store, GError **error)
{
    store->in_transaction = store_run(store, error, "BEGIN IMMEDIATE", "");
    return store->in_transaction;
}

gboolean
store_begin_read(Store *store, GError **error)
{
    store->in_transaction = store_run(store, error, "BEGIN", "");
    return store->in_transaction;
}

gboolean
store_commit(Store *store, GError **error)
{
    if ((store->kept != NULL && !store->kept_write(store, store->kept, error)) ||
        !store_run(store, error, "COMMIT", "")) {
        store_rollback(store);
        return FALSE;
    }
    store->in_transaction = FALSE;
    store_keep(store, NULL, NULL, NULL);
    return TRUE;
}

void
store_rollback(Store *store)
{
    /* some errors have ended it already */
    if (store->in_transaction && !sqlite3_get_autocommit(store->db))
        store_run(store, NULL, "ROLLBACK", "");
    store->in_transaction = FALSE;
    store_keep(store, NULL, NULL, NULL);
}

/* ---- opening ---- */

static gboolean
pragma(Store *store, const char *sql, GError **error)
{
    int result = sqlite3_exec(store->db, sql, NULL, NULL, NULL);

    return result == SQLITE_OK || fail(store, result, sql, error);
}

static gboolean
check_place(const Store *store, const char *directory, GError **error)
{
    static const guint32 remote[] = {0x6969 /* NFS */,
                                     0xff534d42 /* CIFS */,
                                     0xfe534d42 /* SMB2 */,
                                     0x517b, /* SMB */
                                     0x01021997 /* 9P */,
                                     0x00c36400 /* Ceph */,
                                     0x5346414f /* AFS */};
    struct statfs info;

    if (statfs(directory, &info) != 0) {
        error_set_errno(
            error, errno, "store %s: cannot look at directory %s", store->path, directory);
        return FALSE;
    }
    for (guint i = 0; i < G_N_ELEMENTS(remote); i++) {
        if ((guint32)info.f_type != remote[i])
            continue;
        g_set_error(
            error,
            POSTERN_ERROR,
            POSTERN_ERROR_BAD_PARAM,
            "store %s: its directory is on a network file system, where several processes cannot "
            "share it safely; name a file on a local disk as store in section [fleet]",
            store->path);
        return FALSE;
    }
    return TRUE;
}

/* Made by us before SQLite sees it, so that it is nobody else's from the first moment. One that is there is only looked at
 * and never opened: closing it would take the locks away that other connections of this process hold on it. */
static gboolean
make_file(const Store *store, GError **error)
{
    struct stat info;
    int fd = stat(store->path, &info) != 0 && errno == ENOENT
                 ? open(store->path, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, 0600)
                 : -1;

    if (fd >= 0)
        close(fd);
    if (stat(store->path, &info) != 0) {
        error_set_errno(error, errno, "cannot open the store %s", store->path);
        return FALSE;
    }
    if (S_ISREG(info.st_mode) && (info.st_mode & 007) == 0)
        return TRUE;
    g_set_error(
        error,
        POSTERN_ERROR,
        POSTERN_ERROR_BAD_PARAM,
        "store %s: expected a file that others cannot read or write, found %s with mode %04o; "
        "try chmod 600",
        store->path,
        S_ISREG(info.st_mode) ? "one" : "something else",
        info.st_mode & 07777);
    return FALSE;
}

static gboolean
make_place(const Store *store, GError **error)
{
    g_autofree char *directory = g_path_get_dirname(store->path);

    if (g_mkdir_with_parents(directory, 0700) != 0) {
        error_set_errno(error, errno, "store %s: cannot make directory %s", store->path, directory);
        return FALSE;
    }
    return check_place(store, directory, error) && make_file(store, error);
}

static gboolean
migrate_step(Store *store, guint from, GError **error)
{
    g_autofree char *version = g_strdup_printf("PRAGMA user_version = %u", from + 1);

    return pragma(store, schema_step(from), error) && pragma(store, version, error);
}

static gboolean
check_identity(const Store *store, gint64 id, gint64 version, gint64 tables, GError **error)
{
    if (id != APPLICATION_ID && (id != 0 || tables > 0)) {
        g_set_error(error,
                    POSTERN_ERROR,
                    POSTERN_ERROR_CONFLICT,
                    "store %s: it is another program's database (application id 0x%08x, expected "
                    "0x%08x); it was left alone",
                    store->path,
                    (guint)id,
                    APPLICATION_ID);
        return FALSE;
    }
    if (version <= schema_version())
        return TRUE;
    g_set_error(error,
                POSTERN_ERROR,
                POSTERN_ERROR_CONFLICT,
                "store %s: it has schema version %" G_GINT64_FORMAT
                ", and this program knows versions up to %u; use the newer postern that wrote it",
                store->path,
                version,
                schema_version());
    return FALSE;
}

static gboolean
read_identity(Store *store, gint64 *version, GError **error)
{
    /* in one statement: somebody else may be making it at this moment */
    static const char sql[] =
        "SELECT (SELECT application_id FROM pragma_application_id), "
        "(SELECT user_version FROM pragma_user_version), (SELECT count(*) FROM sqlite_master)";
    g_autoptr(StoreRows) rows = store_query(store, error, sql, "");

    if (rows == NULL || !store_next(rows, error))
        return FALSE;
    *version = store_integer(rows, 1);
    return check_identity(store, store_integer(rows, 0), *version, store_integer(rows, 2), error);
}

/* All steps in one transaction: a store is of one version or the next, never between. */
static gboolean
migrate(Store *store, GError **error)
{
    gint64 version = 0;
    g_autofree char *mark = g_strdup_printf("PRAGMA application_id = %d", APPLICATION_ID);

    if (!read_identity(store, &version, error))
        return FALSE;
    if (version == schema_version())
        return TRUE;
    /* somebody else may be doing the same: look again once it is our turn */
    if (!store_begin(store, error))
        return FALSE;
    if (!read_identity(store, &version, error) || !pragma(store, mark, error)) {
        store_rollback(store);
        return FALSE;
    }
    for (guint from = (guint)version; from < schema_version(); from++) {
        if (!migrate_step(store, from, error)) {
            store_rollback(store);
            return FALSE;
        }
    }
    return store_commit(store, error);
}

/* Several processes may be the first at the same time; SQLite then tells some of them BUSY without waiting. */
static gboolean
go_ahead_logging(Store *store, GError **error)
{
    static const char sql[] = "PRAGMA journal_mode = WAL";
    gint64 until = g_get_monotonic_time() + BUSY_MS * G_TIME_SPAN_MILLISECOND;
    int result;

    while ((result = sqlite3_exec(store->db, sql, NULL, NULL, NULL)) != SQLITE_OK) {
        if ((result & 0xff) != SQLITE_BUSY || g_get_monotonic_time() > until)
            return fail(store, result, sql, error);
        g_usleep(10 * 1000);
    }
    return TRUE;
}

static gboolean
set_up(Store *store, GError **error)
{
    gint64 version = 0;
    g_autofree char *cache = g_strdup_printf("PRAGMA cache_size = -%d", CACHE_KIB);

    sqlite3_extended_result_codes(store->db, 1);
    sqlite3_busy_timeout(store->db, BUSY_MS);
    sqlite3_db_config(store->db, SQLITE_DBCONFIG_DEFENSIVE, 1, NULL);
    sqlite3_db_config(store->db, SQLITE_DBCONFIG_TRUSTED_SCHEMA, 0, NULL);
    if (functions_add(store->db) != SQLITE_OK)
        return fail(store, sqlite3_errcode(store->db), "set it up", error);
    /* whose it is comes first: another program's file keeps its mode, too */
    return read_identity(store, &version, error) &&
           pragma(store, "PRAGMA foreign_keys = ON", error) && pragma(store, cache, error) &&
           pragma(store, "PRAGMA temp_store = MEMORY", error) && go_ahead_logging(store, error) &&
           pragma(store, "PRAGMA synchronous = FULL", error) && migrate(store, error);
}

/* SQLite counts every allocation behind a lock of the process, for figures that nobody reads. */
static void
set_up_process(void)
{
    static gsize once;

    if (g_once_init_enter(&once)) {
        sqlite3_config(SQLITE_CONFIG_MEMSTATUS, 0);
        g_once_init_leave(&once, 1);
    }
}

Store *
store_open(const char *path, GError **error)
{
    g_autoptr(Store) store = g_new0(Store, 1);
    int result;

    set_up_process();
    store->path = g_strdup(path);
    store->statements = g_hash_table_new_full(sql_hash, g_str_equal, NULL, prepared_free);
    if (!make_place(store, error))
        return NULL;
    result = sqlite3_open_v2(path, &store->db, SQLITE_OPEN_READWRITE | SQLITE_OPEN_NOMUTEX, NULL);
    if (result != SQLITE_OK) {
        fail(store, result, "open it", error);
        return NULL;
    }
    return set_up(store, error) ? g_steal_pointer(&store) : NULL;
}

void
store_free(Store *store)
{
    if (store == NULL)
        return;
    store_rollback(store);
    g_hash_table_unref(store->statements);
    sqlite3_close_v2(store->db);
    g_free(store->path);
    g_free(store);
}

/* ---- care ---- */

/* Whoever finds the file under its name finds it whole. */
gboolean
store_backup(Store *store, const char *path, GError **error)
{
    g_autofree char *part = g_strconcat(path, ".part-XXXXXX", NULL);
    int fd = g_mkstemp_full(part, O_RDWR | O_CLOEXEC, 0600);
    gboolean good;

    if (fd < 0) {
        error_set_errno(error, errno, "cannot make a backup beside %s", path);
        return FALSE;
    }
    /* one view of the store, however long it takes and whoever writes meanwhile */
    good = store_run(store, error, "VACUUM INTO $1", "s", part);
    if (good && fsync(fd) != 0) {
        error_set_errno(error, errno, "cannot write the backup %s", path);
        good = FALSE;
    }
    close(fd);
    /* link() and not rename(): what is there already stays */
    if (good && link(part, path) != 0) {
        error_set_errno(error, errno, "cannot put the backup at %s", path);
        good = FALSE;
    }
    unlink(part);
    return good;
}

static gboolean
check_one(Store *store, const char *sql, const char *sound, GString *found, GError **error)
{
    g_autoptr(GError) problem = NULL;
    g_autoptr(StoreRows) rows = store_query(store, &problem, sql, "");

    while (rows != NULL && store_next(rows, &problem)) {
        const char *text = store_text(rows, 0);
        if (g_strcmp0(text, sound) != 0)
            g_string_append_printf(found, "%s%s", found->len > 0 ? "; " : "", text);
    }
    if (problem == NULL)
        return TRUE;
    g_propagate_error(error, g_steal_pointer(&problem));
    return FALSE;
}

gboolean
store_check(Store *store, GError **error)
{
    g_autoptr(GString) found = g_string_new(NULL);

    if (!check_one(store, "PRAGMA integrity_check(20)", "ok", found, error) ||
        !check_one(
            store,
            "SELECT \"table\" || ' row ' || coalesce(rowid, '?') || ' refers to no ' || parent "
            "FROM pragma_foreign_key_check LIMIT 20",
            NULL,
            found,
            error))
        return FALSE;
    if (found->len == 0)
        return TRUE;
    g_set_error(error,
                POSTERN_ERROR,
                POSTERN_ERROR_CONFLICT,
                "store %s is damaged: %s; go back to a backup",
                store->path,
                found->str);
    return FALSE;
}
