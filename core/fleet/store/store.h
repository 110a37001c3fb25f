/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * store.h - the one interface to where the fleet's memory is kept: statements, rows, transactions.
 *
 * A Store is one connection, for one thread at a time; as many of them as wanted, in as many
 * processes, share one file. SQL is what SQLite and PostgreSQL both understand: $1, $2 ... in order of
 * their first use, ON CONFLICT, RETURNING; what only one of them knows stays in this directory. Everything
 * else of core/fleet/ goes through here.
 *
 * Errors: BUSY when it cannot be read or written now (locked for ten seconds, disk full, an error
 * of the disk), CONFLICT when it is not what it should be (newer, damaged, another program's file, a
 * rule of the schema broken), BAD_PARAM for a path that cannot be one. Messages name the file.
 */
#include <glib.h>

typedef struct Store Store;
typedef struct StoreRows StoreRows;

/* Open `path`, made with its directory and the current schema when it is not there (mode 0600), brought
 * to the current schema when it is older, refused when it is newer, on a network file system, or open
 * to others. */
Store *store_open(const char *path, GError **error);
void store_free(Store *store); /* accepts NULL */
G_DEFINE_AUTOPTR_CLEANUP_FUNC(Store, store_free)

const char *store_path(const Store *store);

/* A transaction that may write, from here on alone in doing so; waits its turn for at most ten
 * seconds. Does not nest. What was committed survives the end of the process and of the power. */
gboolean store_begin(Store *store, GError **error);
gboolean store_commit(Store *store, GError **error);
void store_rollback(Store *store); /* nothing when none is open */

/* A transaction that only reads: one view of the store, whoever writes meanwhile. Ends as the other does. */
gboolean store_begin_read(Store *store, GError **error);

/* What a writer keeps from one statement of a transaction to the next: `data` (the store's from here on) is written
 * by `write` before the commit, and forgotten with the transaction. There is one place for it. */
typedef gboolean (*StoreWrite)(Store *store, gpointer data, GError **error);
void store_keep(Store *store, gpointer data, GDestroyNotify destroy, StoreWrite write);
gpointer store_kept(const Store *store); /* NULL: nothing is kept */

/* Run a statement that gives no rows. `types` has a letter for each value that follows: s (const char *,
 * NULL allowed), i (gint64), d (double), b (GBytes *, NULL allowed). */
gboolean store_run(Store *store, GError **error, const char *sql, const char *types, ...);
gint64 store_changes(const Store *store); /* rows that the last one wrote or removed */
gint64 store_last_id(const Store *store); /* of the row that the last INSERT made */

/* The same for a statement that gives rows. NULL with `error`. Rows are read while they are asked
 * for, and hold a view of the store until they are freed. */
StoreRows *store_query(Store *store, GError **error, const char *sql, const char *types, ...);
/* With values known only at run time: of GVariant "s", "x", "d" or "ay". */
StoreRows *store_query_values(Store *store, const char *sql, GPtrArray *values, GError **error);
/* FALSE at the end, and with `error`. */
gboolean store_next(StoreRows *rows, GError **error);
const char *store_text(StoreRows *rows, guint column); /* NULL: none; valid until the next row */
gint64 store_integer(StoreRows *rows, guint column);   /* 0: none */
double store_real(StoreRows *rows, guint column);
GBytes *store_bytes(StoreRows *rows, guint column); /* the caller's; NULL: none */
gboolean store_is_null(StoreRows *rows, guint column);
gsize store_length(StoreRows *rows, guint column); /* bytes of a text, without its NUL */
/* What is really there, whatever the schema says: i, d, s or b as above; 0: nothing. */
char store_type(StoreRows *rows, guint column);
void store_rows_free(StoreRows *rows); /* accepts NULL */
G_DEFINE_AUTOPTR_CLEANUP_FUNC(StoreRows, store_rows_free)

/* One number: the first column of the first row; `absent` when there is none. FALSE with `error`. */
gboolean store_number(Store *store,
                      gint64 *number,
                      gint64 absent,
                      GError **error,
                      const char *sql,
                      const char *types,
                      ...);

/* A whole copy at `path`, which must not be there, while others go on writing. */
gboolean store_backup(Store *store, const char *path, GError **error);

/* Is the file sound, from the pages to the references between rows? CONFLICT with what is not. */
gboolean store_check(Store *store, GError **error);

/* Microseconds since 1970-01-01T00:00:00Z: the time of everything that is kept. */
gint64 store_now(void);
